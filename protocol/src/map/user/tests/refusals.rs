//! What a person who writes a map is told: all at once, with the line, and how to mend it.

use super::bench::{map, refusal};
use crate::map::user::{parse_map, shipped};
use proptest::prelude::*;

/// The problems of a map with this body.
fn problems(body: &str) -> String {
    refusal(&format!("[map]\nname = \"test\"\n{body}"))
}

/// Points of one register each.
fn word(address: u32) -> String {
    format!("[[point]]\naddress = {address}\ntype = \"u16\"\nvalue = \"battery.soc\"\n")
}

#[test]
fn what_cannot_be_is_refused_with_what_it_would_take() {
    let soc = "[[point]]\naddress = 1\ntype = \"u16\"\nvalue = \"battery.soc\"\n";
    let limit = "[[point]]\naddress = 1\ntype = \"u16\"\naccess = \"rw\"\nvalue = \"control.charge_limit\"\n";
    let command =
        "[[point]]\naddress = 1\ntype = \"u16\"\naccess = \"rw\"\nvalue = \"control.forced\"\n";
    let point = |rest: &str| format!("[[point]]\naddress = 1\n{rest}");
    for (body, parts) in [
        // Names.
        (soc.replace("battery.soc", "batery.soc"), &["no point is called `batery.soc`", "did you mean `battery.soc`"][..]),
        (soc.replace("battery.soc", "quite.another"), &["no point is called", "bess registers --points"]),
        (soc.replace("battery.soc", "farm.control.active_w"), &["is a point of a plant", "level = \"plant\""]),
        (soc.replace("type", "typ"), &["unknown key `typ`", "did you mean `type`"]),
        (soc.replace("u16", "uint16"), &["`point[0].type` must be one of bit, bool, u8"]),
        (point("type = \"u16\""), &["`[point[0]]` lacks `value`"]),
        (point("value = \"battery.soc\""), &["`[point[0]]` lacks `type`"]),
        (soc.to_owned() + "const = 3", &["`value` or `const`, not both"]),
        (soc.to_owned() + "table = \"register\"", &["must be one of holding, input, coil, discrete"]),
        (soc.to_owned() + "table = \"input\"\ntables = [\"input\"]", &["`table` or `tables`, not both"]),
        (soc.to_owned() + "tables = [\"inputs\"]", &["not \"inputs\"", "did you mean `input`"]),
        // Numbers.
        (soc.to_owned() + "scale = 0", &["must not be 0", "the value is the register times this"]),
        (soc.to_owned() + "scale = 0.1\nfix = 1", &["`scale` or `fix`, not both"]),
        (soc.to_owned() + "unit = \"kW\"", &["`kW` is no unit of `battery.soc`", "it has %, permille, 1"]),
        (soc.to_owned() + "unit = \"permile\"", &["did you mean `permille`"]),
        (soc.to_owned() + "nan = 0x12345", &["must be bits of the type, such as 0xffff"]),
        (soc.to_owned() + "word_order = \"CDAB\"", &["of 1 registers must be one of AB, BA"]),
        (soc.replace("u16", "u64") + "word_order = [0, 1, 2, 2]", &["each word from 0 to 3 once"]),
        (limit.to_owned() + "range = [0, 70000]", &["goes to 70000, which the type cannot hold", "from 0 to 65535"]),
        (limit.to_owned() + "range = [90, 10]", &["begins above its end"]),
        (limit.to_owned() + "range = [1, 2, 3]", &["must be two numbers"]),
        (limit.to_owned() + "scale = 0.1\nlimits = [-5, 5]", &["goes to -5, which the type cannot hold"]),
        (command.to_owned() + "scale = 2", &["`scale` is for quantities", "given by `enum`"]),
        (point("type = \"ip\"\nconst = \"10.0.0\""), &["\"10.0.0\" is no IPv4 address"]),
        // Named values and bits.
        (command.to_owned() + "enum = { charge = 1, dischrge = 2 }", &["no value called \"dischrge\"", "did you mean `discharge`"]),
        (command.to_owned() + "enum = { charge = 1, discharge = 2 }", &["`enum` has no number for stop, release", "`otherwise = ...`"]),
        (command.to_owned() + "enum = { charge = 1, discharge = [2, 1], stop = 3, release = 4 }", &["has the number 1 twice"]),
        (command.to_owned() + "enum = { charge = 70000 }\notherwise = 0", &["`point[0].enum.charge` must be a whole number from 0 to 65535"]),
        (command.to_owned() + "otherwise = 3", &["`otherwise` is for what `enum` leaves out"]),
        (soc.to_owned() + "enum = { a = 1 }", &["`battery.soc` has no named values"]),
        (command.to_owned() + "on_invalid = \"exception-12\"", &["\"exception-1\" to \"exception-11\", \"ignore\", \"clamp\""]),
        (point("type = \"bit\"\nvalue = \"battery.soc\""), &["is a number, and does not fit into a bit"]),
        (point("type = \"bit\"\nvalue = \"state\""), &["ask for one value of it: `point:name`"]),
        (point("type = \"bit\"\nvalue = \"state:runing\""), &["no value called \"runing\"", "did you mean `running`"]),
        (point("type = \"bit\"\nvalue = \"!state\""), &["it has no opposite"]),
        (point("type = \"u16\"\nvalue = \"device.serial\""), &["is a text", "`[[text]]`"]),
        ("[[bits]]\naddress = 1\nbits = { 0 = \"battery.soc\" }".to_owned(), &["is no yes or no"]),
        ("[[bits]]\naddress = 1\nbits = { 16 = \"alarm.any\" }".to_owned(), &["`bits.16` is no bit of `u16`: they are 0 to 15"]),
        ("[[bits]]\naddress = 1\nbits = { 0 = \"alarm.cell_over_temp\" }".to_owned(), &["no point is called `alarm.cell_over_temp`"]),
        ("[[bits]]\naddress = 1\ntype = \"f32\"\nbits = { 0 = \"alarm.any\" }".to_owned(), &["bits stand in `u16` or `u32`"]),
        ("[[bits]]\naddress = 1".to_owned(), &["needs `bits`, a point for each bit"]),
        ("[[text]]\naddress = 1\nlength = 4\nvalue = \"battery.soc\"".to_owned(), &["`battery.soc` is no text"]),
        // Writing.
        (soc.to_owned() + "access = \"rw\"", &["`battery.soc` cannot be written"]),
        (limit.to_owned() + "table = \"input\"", &["the table input cannot be written"]),
        (soc.to_owned() + "range = [0, 1]", &["`point[0].range` is for what can be written"]),
        (limit.to_owned() + "self_clearing = true\nreadback = \"written\"", &["has no `readback`"]),
        (point("type = \"u16\"\naccess = \"rw\"\nvalue = \"memory\"\ndelay_s = 1"), &["`delay_s` is for what takes effect"]),
        (soc.to_owned() + "initial = 3", &["`point[0].initial` is for `value = \"memory\"`"]),
        // Places.
        (word(65_536), &["`point[0].address` must be a whole number from 0 to 65535, got 65536"]),
        (word(65_535).replace("u16", "u32"), &["battery.soc at holding 65535 to 65536 is beyond register 65535"]),
        (word(7) + &word(7), &["battery.soc at holding 7 shares registers with battery.soc at holding 7"]),
        (word(7).replace("u16", "f64") + &word(10), &["shares registers with battery.soc at holding 7 to 10"]),
        ("[[memory]]\naddress = 5\ncount = 10\n".to_owned() + &word(14), &["scratch memory at holding 5 to 14"]),
        (word(1) + "table = \"coil\"", &["coils and discrete inputs hold single bits"]),
        ("prefixed = true\n".to_owned() + &word(50_001), &["is no number of a register: 50001", "holding registers from 40001"]),
        ("prefixed = true\n".to_owned() + &word(30_001) + "table = \"holding\"", &["the number is one of the table input"]),
        ("max_read = 3\n".to_owned() + &word(1).replace("u16", "u64"), &["has 4 registers, and a request reads at most 3", "raise `max_read`"]),
        ("max_write = 1\n".to_owned() + &limit.replace("u16", "u32"), &["a request writes at most 1"]),
        ("write_fc = [6]\n".to_owned() + &limit.replace("u16", "u32"), &["function 6 writes one", "add 16 to `write_fc`"]),
        ("write_fc = [7]\n".to_owned() + &word(1), &["`write_fc` knows 5, 6, 15, 16, 22, 23, not 7"]),
        ("gaps = \"ones\"\n".to_owned() + &word(1), &["\"exception-2\", \"zero\" or a word"]),
        ("include = [\"sunspek\"]\n".to_owned() + &word(1), &["not \"sunspek\"", "did you mean `sunspec`"]),
        // Blocks.
        (word(4).replace("u16", "u32") + "[[trap]]\nfrom = 5\nexception = 4", &["the trap cuts battery.soc at holding 4 to 5"]),
        (word(4).replace("u16", "u32") + "[[refresh]]\nfrom = 0\nto = 4\nperiod_s = 1", &["the refresh cuts"]),
        ("[[trap]]\nfrom = 5\nto = 4\nexception = 4".to_owned(), &["must not be below `from`"]),
        ("[[unlock]]\naddress = 1\ncode = 5".to_owned(), &["`[[unlock]]` needs `opens`"]),
        ("[[unlock]]\naddress = 1\ncode = 70000\nopens = [2, 3]".to_owned(), &["must be a whole number from 1 to 65535"]),
        ("[[unlock]]\naddress = 1\ncode = 5\nopens = [2, 3]\n[[memory]]\naddress = 3\ncount = 2".to_owned(), &["scratch memory cannot be locked"]),
        // Firmware, names, identity, watch.
        (word(1) + "when = { firmware = \"2\" }", &["the map has none", "in `[map]`"]),
        (word(1) + "name = \"a\"\n" + &word(2) + "name = \"a\"", &["two values are called \"a\""]),
        (word(1) + "stride = 2", &["`point[0].stride` is for a `count`"]),
        (word(65_000) + "count = 1000", &["the registers go beyond 65535"]),
        ("[identity]\nvendor = \"x\"".to_owned(), &["lacks `product_code`", "lacks `revision`"]),
        ("[watchdog]\nkind = \"complment\"".to_owned(), &["must be one of change, increment, complement", "did you mean `complement`"]),
        ("[watchdog]\ntimeout = 5".to_owned(), &["unknown key `timeout`", "`timeout_s`"]),
        ("[watchdog]\naction = \"value\"\npower_w = 3e6".to_owned(), &["watchdog_value_w must be from -2500000 to 2500000 W"]),
        // Chains.
        ("[sunspec]\nmodels = [713]".to_owned(), &["a chain begins with model 1"]),
        ("[sunspec]\nmodels = [1, 999]".to_owned(), &["model 999 is not in the chain of this unit", "the chain has 1, 701"]),
        ("[sunspec]\nbase = 64900".to_owned(), &["beyond 65535", "a lower `base`"]),
        ("[sunspec]\n[[model]]\nid = 701\n[[model.point]]\nat = 2\ntype = \"u16\"\nconst = 1".to_owned(), &["model 701 is in the chain already"]),
        ("[sunspec]\n[[model]]\nid = 64001\nafter = 9\n[[model.point]]\nat = 2\ntype = \"u16\"\nconst = 1".to_owned(), &["no model to place 64001 beside"]),
        ("[sunspec]\n[[model]]\nid = 64001\nlength = 1\n[[model.point]]\nat = 4\ntype = \"u16\"\nconst = 1".to_owned(), &["need a length of 3"]),
        ("[[model]]\nid = 64001\n[[model.point]]\nat = 2\ntype = \"u16\"\nconst = 1".to_owned(), &["stands in a SunSpec chain", "add `[sunspec]`"]),
        ("[sunspec]\n".to_owned() + &word(40_100), &["shares registers with"]),
        ("include = [\"compact\"]\n".to_owned() + &word(12), &["battery.soc at holding 12 shares registers with active power"]),
        // Other devices.
        ("[[also]]\nmap = \"sunspec\"".to_owned(), &["needs `unit_ids`"]),
        ("[[also]]\nunit_ids = [1]\nmap = \"sunspek\"".to_owned(), &["no map \"sunspek\"", "did you mean `sunspec`"]),
        ("[[also]]\nunit_ids = [1]\nmap = \"x.toml\"".to_owned(), &["cannot read x.toml"]),
        ("[[also]]\nunit_ids = [1]\nmap = \"victron-like\"".to_owned(), &["has no meaning in a map that another one shows"]),
        ("[[also]]\nunit_ids = [1, 1]\nmap = \"sunspec\"".to_owned(), &["unit id 1 is named twice"]),
        ("[[also]]\nunit_ids = [1]\n[[also.point]]\naddress = 1\ntype = \"u16\"\nvalue = \"batery.soc\"".to_owned(), &["no point is called `batery.soc`"]),
    ] {
        let text = problems(&body);
        for part in parts {
            assert!(text.contains(part), "{body}\nsaid\n{text}\nnot {part:?}");
        }
        if !text.contains("x.toml") && !text.contains("victron-like:") {
            assert!(text.contains("map.toml:") && text.contains('^'), "{text}");
        }
    }
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_text() {
    let body = word(1)
        + &word(1)
        + &word(3).replace("soc", "sock")
        + "scale = 0\n"
        + &word(4)
        + "nan = -1";
    let text = format!("[map]\nname = \"test\"\n{body}");
    let problems = parse_map("map.toml", &text, &|_| Err(String::new())).unwrap_err();
    assert_eq!(problems.0.len(), 3, "{problems}");
    assert!(problems.0.is_sorted_by_key(|problem| problem.line), "{problems}");
}

#[test]
fn a_file_without_its_head_or_that_is_no_toml_is_refused() {
    for (text, part) in [
        ("", "the file lacks `map`"),
        ("[map]", "lacks `name`"),
        ("[map]\nname = ", "not valid TOML"),
        ("[map]\nname = \"x\"\n[[pont]]\n", "unknown key `pont`"),
    ] {
        let told = refusal(text);
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn what_another_firmware_has_is_checked_too() {
    let text = problems(
        "firmware = \"1\"\n[[point]]\naddress = 1\ntype = \"u16\"\nvalue = \"battery.sock\"\n\
         when = { firmware = [\"2\", \"3\"] }",
    );
    assert!(text.contains("no point is called `battery.sock`"), "{text}");
}

#[test]
fn a_part_of_a_register_overlaps_only_where_it_shares_bits() {
    let half = |half: &str| {
        format!(
            "[[point]]\naddress = 1\ntype = \"u8\"\nhalf = \"{half}\"\nvalue = \"battery.soc\"\n"
        )
    };
    map(&format!("[map]\nname = \"x\"\n{}{}", half("high"), half("low")));
    let text = problems(&(half("low") + &half("low")));
    assert!(text.contains("shares bits with another value"), "{text}");
    let text = problems(&(half("low") + &word(1)));
    assert!(text.contains("shares registers"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a person does to a line of a map, there is one or there are problems with places.
    #[test]
    fn any_edit_of_a_line_gives_a_map_or_problems_never_a_panic(
        name in prop_oneof![Just("sungrow-like"), Just("victron-like"), Just("conformance")],
        line in 0usize..400,
        edit in "[ -~]{0,24}",
        keep in any::<bool>(),
    ) {
        let mut lines: Vec<String> = shipped(name).unwrap().lines().map(str::to_owned).collect();
        let at = line % lines.len();
        lines[at] = if keep { format!("{}{edit}", lines[at]) } else { edit };
        if let Err(problems) = parse_map("map.toml", &lines.join("\n"), &|_| Err(String::new())) {
            prop_assert!(!problems.0.is_empty());
            prop_assert!(problems.0.iter().all(|problem| !problem.message.is_empty()));
        }
    }
}
