use super::*;
use crate::chemistry::BUILT_IN;
use proptest::prelude::*;

const MINIMAL: &str = r#"
name = "test"
[cell]
capacity_ah = 280
nominal_voltage_v = 3.2
source = "here"
[ocv]
soc = [0, 1]
voltage_v = [3.0, 4.2]
source = "here"
[r0]
resistance_ohm = 0.00025
source = "here"
[rc1]
resistance_ohm = 0.00015
time_constant_s = 10
source = "here"
"#;

#[test]
fn every_built_in_chemistry_is_valid_and_fit_for_a_farm() {
    for (name, text) in BUILT_IN {
        let chemistry = parse_chemistry(name, text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(&chemistry.name, name);
        let limits = chemistry.limits.as_ref().expect("limits");
        assert!(chemistry.thermal.is_some());
        assert!(limits.voltage_max.0 <= chemistry.ocv.at_extended(1.0, 25.0, 0.0) + 0.5);
    }
}

#[test]
fn a_minimal_file_gives_an_isothermal_cell_with_one_rc_pair() {
    let chemistry = parse_chemistry("t.toml", MINIMAL).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(chemistry.rc.len(), 1);
    assert!(chemistry.thermal.is_none() && chemistry.limits.is_none());
    assert!((chemistry.rc[0].capacitance_f.at(0.5, 25.0, 0.0) - 66_666.666_667).abs() < 1e-3);
}

#[test]
fn an_open_circuit_voltage_that_falls_is_refused_at_its_place() {
    let text = MINIMAL.replace("[3.0, 4.2]", "[4.2, 3.0]");
    let problems = parse_chemistry("t.toml", &text).expect_err("falls");
    assert_eq!((problems.0.len(), problems.0[0].line), (1, 9));
    assert!(problems.0[0].message.contains("must rise"), "{problems}");
}

#[test]
fn a_missing_table_does_not_hide_the_problems_of_the_others() {
    let text = MINIMAL
        .replace("[cell]", "[cells]")
        .replace("resistance_ohm = 0.00025", "resistance_ohm = -1");
    let problems = parse_chemistry("t.toml", &text).expect_err("faults").to_string();
    for part in ["lacks `cell`", "unknown key `cells`", "`r0.resistance_ohm` must be"] {
        assert!(problems.contains(part), "{part} is not in:\n{problems}");
    }
}

#[test]
fn all_problems_of_a_file_come_at_once() {
    let text = MINIMAL
        .replace("resistance_ohm = 0.00025\nsource = \"here\"", "resistance_ohm = -1")
        .replace("soc = [0, 1]", "soc = [0.1, 1]")
        .replace("capacity_ah", "capacity_mah");
    let problems = parse_chemistry("t.toml", &text).expect_err("four faults").to_string();
    for part in [
        "lacks `capacity_ah`",
        "unknown key `capacity_mah`",
        "greater than 0",
        "must cover 0 to 1",
        "lacks `source`",
    ] {
        assert!(problems.contains(part), "{part} is not in:\n{problems}");
    }
}

/// [`MINIMAL`] with a section more, or with the section of the same name replaced.
fn with(section: &str) -> String {
    let head = section.lines().next().unwrap();
    let start = MINIMAL.find(head).unwrap_or(MINIMAL.len());
    let end = MINIMAL[start..].find("\n[").map_or(MINIMAL.len(), |length| start + length + 1);
    format!("{}{section}\nsource = \"here\"\n{}", &MINIMAL[..start], &MINIMAL[end..])
}
fn parsed(text: &str) -> Chemistry {
    parse_chemistry("t.toml", text).unwrap_or_else(|e| panic!("{e}"))
}
/// The one problem of the text, with its line of the text.
fn problem(text: &str) -> String {
    let problems = parse_chemistry("t.toml", text).expect_err("a fault");
    assert_eq!(problems.0.len(), 1, "{problems}");
    format!("{}\n{}", problems.0[0].source_line, problems)
}
fn told(text: &str, parts: &[&str]) {
    let problem = problem(text);
    for part in parts {
        assert!(problem.contains(part), "{part} is not in:\n{problem}");
    }
}

#[test]
fn a_quantity_may_be_given_over_any_of_current_temperature_and_soc() {
    let chemistry = parsed(&with(
        "[r0]
soc = [-0.1, 1]
temperature_degc = [0, 20]
c_rate = [-0.5, 0.5]
resistance_ohm = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]",
    ));
    let r0 = |soc, t, i| chemistry.r0.at(soc, t, i);
    assert_eq!(r0(-0.1, 0.0, -140.0), 1.0);
    assert_eq!(
        [r0(1.0, 0.0, -140.0), r0(-0.1, 20.0, -200.0), r0(-0.1, 0.0, 140.0)],
        [2.0, 3.0, 5.0]
    );
    assert_eq!(r0(0.45, 10.0, 0.0), 4.5);

    let text = with("[r0]\nresistance_ohm = { temperature_degc = [0, 20], value = [3, 1] }");
    assert_eq!(parsed(&text).r0.at(0.5, 5.0, 9.0), 2.5);
    let text = with("[r0]\nresistance_ohm = { value = 3 }");
    assert_eq!(parsed(&text).r0.value.as_constant(), Some(3.0));
}

#[test]
fn a_factor_over_soc_multiplies_a_table_over_temperature() {
    let section = "[r0]
temperature_degc = [0, 20]
resistance_ohm = [3, 1]
soc = [0, 1]
factor = [2, 1]";
    assert_eq!(parsed(&with(section)).r0.at(0.0, 20.0, 0.0), 2.0);
}

#[test]
fn an_rc_pair_takes_a_time_constant_or_a_capacitance_of_its_own() {
    let section = "[rc1]
temperature_degc = [15, 35]
resistance_ohm = [0.2, 0.1]
capacitance_f = [100, 300]";
    let pair = &parsed(&with(section)).rc[0];
    assert!((pair.time_constant_s(0.5, 25.0, 0.0) - 0.15 * 200.0).abs() < 1e-9);
    let timed = section.replace("capacitance_f = [100, 300]", "time_constant_s = 30");
    let pair = &parsed(&with(&timed)).rc[0];
    assert!((pair.capacitance_f.as_constant().unwrap() - 200.0).abs() < 1e-9);
    assert!((pair.time_constant_s(0.5, 35.0, 0.0) - 20.0).abs() < 1e-9);
    let both = format!("{section}\ntime_constant_s = 30");
    told(&with(&both), &["capacitance_f = [100", "tell the same: give one of them"]);
    let none = section.replace("capacitance_f = [100, 300]", "");
    told(&with(&none), &["lacks `time_constant_s`"]);
}

#[test]
fn an_entropic_table_over_the_open_circuit_voltage_becomes_one_over_soc() {
    let chemistry = parsed(&with("[entropic]\nocv_v = [3.3, 3.6]\nv_per_k = [0, 0.001]"));
    let table = chemistry.entropic_v_per_k.unwrap();
    assert_eq!(table.soc_nodes().len(), 4);
    for (soc, expected) in [(0.25, 0.0), (0.1, 0.0), (0.5, 0.001), (0.375, 0.0005)] {
        assert!((table.at(soc, 25.0, 0.0) - expected).abs() < 1e-12, "{soc}");
    }
    let own = with("[entropic]\nv_per_k = { ocv_v = [3.3, 3.6], value = [0, 0.001] }");
    assert_eq!(parsed(&own).entropic_v_per_k, Some(table));
    let text = with("[entropic]\nocv_v = [3.3, 3.6]\nv_per_k = [0, 0.001]").replace(
        "soc = [0, 1]\nvoltage_v = [3.0, 4.2]",
        "soc = [0, 1]\ntemperature_degc = [0, 40]\nvoltage_v = [3.0, 4.2, 3.1, 4.1]",
    );
    told(&text, &["ocv_v = [3.3", "depends on more than SoC", "hint: give it over `soc`"]);
}

#[test]
fn a_wrong_number_of_values_is_told_by_the_product_of_the_axes() {
    let text = with(
        "[r0]
soc = [0, 0.5, 1]
temperature_degc = [0, 20]
current_a = [-1, 0, 1, 2]
resistance_ohm = [1, 2, 3]",
    );
    told(&text, &["needs 4 x 2 x 3 = 24 values (current_a x temperature_degc x soc), got 3"]);
    told(&with("[r0]\nresistance_ohm = [1, 2]"), &["names no axis", "`soc`"]);
}

#[test]
fn a_nested_array_must_have_the_shape_of_its_axes() {
    let r0 = |values: &str| {
        let axes = "soc = [0, 0.3, 1]\ntemperature_degc = [0, 25]";
        with(&format!("[r0]\n{axes}\nresistance_ohm = {values}"))
    };
    let nested = parsed(&r0("[[1, 2, 3], [4, 5, 6]]"));
    assert_eq!(nested, parsed(&r0("[1, 2, 3, 4, 5, 6]")), "one pair of brackets is the same");
    assert_eq!(nested.r0.at(0.3, 25.0, 0.0), 5.0);
    told(
        &r0("[[1, 4], [2, 5], [3, 6]]"),
        &[
            "`r0.resistance_ohm` is an array of 3 x 2, but must be 2 x 3 (temperature_degc x soc)",
            "hint: the innermost brackets hold one value for each SoC",
        ],
    );
    for values in ["[[1, 2, 3, 4], [5, 6]]", "[[1, 2, 3], 4, 5, 6]"] {
        told(&r0(values), &["brackets hold different numbers of values, but must be 2 x 3"]);
    }
    told(&r0("[[1, 2, 3, 4, 5, 6]]"), &["is an array of 1 x 6, but must be 2 x 3"]);
    told(&r0("[[1, 2], [3, 4]]"), &["is an array of 2 x 2, but must be 2 x 3"]);
    told(&r0("[[[1, 2, 3], [4, 5, 6]]]"), &["is an array of 1 x 2 x 3, but must be 2 x 3"]);
    let own = "{ temperature_degc = [0, 20], value = [[3, 1]] }";
    told(
        &with(&format!("[r0]\nresistance_ohm = {own}")),
        &["an array of 1 x 2, but must be 2 (temperature_degc)", "value for each temperature"],
    );
    told(&r0("[1, 2, 3, 4, 5, 6]").replace("[0, 25]", "[[0, 25]]"), &["without brackets within"]);
}

#[test]
fn common_slips_come_with_a_hint_at_how_to_mend_them() {
    told(&MINIMAL.replace("0.00025", "-0.00025"), &["hint: a resistance is positive for charge"]);
    told(&MINIMAL.replace("[3.0, 4.2]", "[4.2, 3.0]"), &["hint: values go with `soc`"]);
    told(&MINIMAL.replace("soc = [0, 1]", "soc = [0.1, 1]"), &["hint: add nodes at 0 and 1"]);
}

#[test]
fn keys_that_are_read_only_in_some_cases_are_known() {
    told(&with("[r0]\nresistance_ohm = 1\nfactr = [1, 2]"), &["did you mean `factor`?"]);
    let rc1 = "[rc1]\nresistance_ohm = 1\ntime_constant_s = 3\ncapacitance_ff = 3";
    told(&with(rc1), &["did you mean `capacitance_f`?"]);
    let entropic = "[entropic]\nv_per_k = 0\nocv_mv = [3000, 4000]";
    told(&with(entropic), &["did you mean `ocv_v`?"]);
}

#[test]
fn axes_that_cannot_be_are_refused_at_their_place() {
    let r0 = |axis: &str| with(&format!("[r0]\n{axis}\nresistance_ohm = [1, 2]"));
    told(
        &r0("soc = [0.0, 0.9]"),
        &["soc = [0.0, 0.9]", "`r0.soc` must cover 0 to 1, got 0 to 0.9"],
    );
    told(&r0("soc = [0, 100]"), &["a fraction from -0.2 to 1.2", "did you write a percentage?"]);
    told(
        &r0("temperature_degc = [20, 20]"),
        &["must increase, but node 1 (from 0) is 20 after 20"],
    );
    told(&r0("temperature_degc = [20]"), &["needs at least two nodes", "leave the axis out"]);
    told(&r0("temperature_degc = 20"), &["must be an array of numbers"]);
    told(&r0("c_rate = [-1, 1]\ncurrent_a = [-1, 1]"), &["are the same axis"]);
    let unused = with("[r0]\ntemperature_degc = [0, 20]\nresistance_ohm = 1");
    told(&unused, &["`r0.temperature_degc` is given, but no quantity", "or leave the axis out"]);
}

#[test]
fn resistances_and_capacitances_must_be_positive_everywhere() {
    told(&with("[r0]\nsoc = [0, 1]\nresistance_ohm = [0.1, 0]"), &["greater than 0", "got 0"]);
    let text = with("[rc1]\nsoc = [0, 1]\nresistance_ohm = [1, 1]\ncapacitance_f = [1, -1]");
    told(&text, &["`rc1.capacitance_f` must be a number greater than 0", "got -1"]);
}

#[test]
fn what_is_told_twice_is_refused() {
    let table = "[r0]\ntemperature_degc = [0, 20]\nresistance_ohm = [1, 2]";
    let text = with(&format!("{table}\nactivation_energy_j_per_mol = 1000"));
    told(&text, &["activation_energy_j_per_mol = 1000", "dependence on temperature", "twice"]);
    let value = "resistance_ohm = { soc = [0, 1], value = [1, 2] }";
    told(&with(&format!("[r0]\n{value}\nsoc = [0, 1]\nfactor = [1, 2]")), &["dependence on SoC"]);
}

#[test]
fn an_open_circuit_voltage_that_falls_at_one_temperature_is_named_with_it() {
    let ocv = "[ocv]\nsoc = [0, 1]\ntemperature_degc = [5, 15]\nvoltage_v = [[3, 4], [4, 3]]";
    told(&with(ocv), &["must rise with SoC, but `ocv.voltage_v[3]` at 15 degC is 3 after 4"]);
    told(&with("[ocv]\nvoltage_v = 3.2"), &["expected an array over `soc`"]);
}

const LIMITS: &str = "[limits]
voltage_min_v = 3.0
voltage_max_v = 4.2
charge_c_rate_max = 0.5
discharge_c_rate_max = 1.0
charge_by_voltage = { voltage_v = [4.1, 4.2], factor = [1, 0] }
discharge_by_voltage = { voltage_v = [3.0, 3.1], factor = [0, 1] }
charge_by_temperature = { temperature_degc = [0, 10, 45, 55], factor = [0, 1, 1, 0] }
discharge_by_temperature = { temperature_degc = [-30, -20, 45, 55], factor = [0, 1, 1, 0] }
source = \"here\"
";

#[test]
fn tables_must_reach_as_far_as_the_limits_let_the_cell_go() {
    let r0 = |axis: &str| with(&format!("[r0]\n{axis}\nresistance_ohm = [2, 1]")) + LIMITS;
    parsed(&r0("temperature_degc = [-30, 55]"));
    parsed(&r0("c_rate = [-0.5, 1]"));
    told(
        &r0("temperature_degc = [-20, 55]"),
        &[
            "temperature_degc = [-20, 55]",
            "`r0.resistance_ohm` covers -20 to 55 degC, but the limits allow current from -30 to 55",
            "extend the table or narrow `limits.charge_by_temperature`",
        ],
    );
    told(&r0("current_a = [-140, 200]"), &["covers -140 to 200 A", "allow -140 to 280 A"]);
    let open = r0("temperature_degc = [-30, 80]")
        .replace("45, 55], factor = [0, 1, 1, 0]", "45, 55], factor = [0, 1, 1, 1]");
    told(&open, &["current at any temperature above -30 degC", "end in 0 at both ends"]);
}

#[test]
fn heat_may_take_a_case_and_the_solvers_form_and_must_not_swing() {
    let thermal = "[thermal]
heat_capacity_j_per_k = 1000
neighbour_w_per_k = 0
plate_w_per_k = 10
rc_heat = \"supplied\"
case = { heat_capacity_j_per_k = 500, to_surroundings_w_per_k = 10 }";
    let read = parsed(&with(thermal)).thermal.unwrap();
    assert_eq!(read.rc_heat, HeatForm::Supplied);
    assert_eq!(
        read.case,
        Some(Case { heat_capacity_j_per_k: 500.0, to_surroundings_w_per_k: 10.0 })
    );
    let small = thermal.replace("= 500", "= 29");
    told(&with(&small), &["`thermal.case.heat_capacity_j_per_k` must be at least 30", "got 29"]);
    let small = thermal.replace("= 1000", "= 19");
    told(&with(&small), &["`thermal.heat_capacity_j_per_k` must be at least 20", "got 19"]);
    told(&with(&thermal.replace("\"supplied\"", "\"given\"")), &["one of dissipated, supplied"]);
}

#[test]
fn a_leak_grows_with_temperature() {
    let text =
        "[self_discharge]\ncurrent_a = 0.01\nactivation_energy_j_per_mol = 50000\nsigma = 0.3";
    let leak = parsed(&with(text)).self_discharge.unwrap();
    assert_eq!((leak.at(25.0), leak.sigma), (0.01, 0.3));
    assert!(leak.at(45.0) > 0.03 && leak.at(5.0) < 0.004);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_edit_of_a_line_of_a_built_in_file_gives_a_chemistry_or_problems(
        which in any::<prop::sample::Index>(), line in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        edit in 0..7_usize, typed in "[0-9a-z\"\\[\\]{}=,. -]{0,6}", number in any::<f64>(),
    ) {
        let text = BUILT_IN[which.index(BUILT_IN.len())].1;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (i, j) = (line.index(lines.len()), other.index(lines.len()));
        match edit {
            0 => { lines.remove(i); }
            1 => { let copy = lines[i].clone(); lines.insert(j, copy); }
            2 => lines.swap(i, j),
            3 => lines.truncate(i),
            4 | 5 => {
                let place = lines[i].char_indices().map(|(byte, _)| byte).collect::<Vec<_>>();
                let place = if place.is_empty() { 0 } else { place[at.index(place.len())] };
                if edit == 4 { lines[i].insert_str(place, &typed); } else { lines[i].truncate(place); }
            }
            _ => {
                let digits: Vec<usize> = lines[i].match_indices(|c: char| c.is_ascii_digit()).map(|(byte, _)| byte).collect();
                if !digits.is_empty() {
                    let place = digits[at.index(digits.len())];
                    lines[i].replace_range(place..=place, &number.to_string());
                }
            }
        }
        match parse_chemistry("edited", &lines.join("\n")) {
            Ok(chemistry) => prop_assert!(chemistry.ocv.at_extended(0.5, 25.0, 0.0).is_finite()),
            Err(problems) => prop_assert!(!problems.0.is_empty()),
        }
    }
}
