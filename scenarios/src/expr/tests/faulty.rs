//! What is no expression is refused with its place and a hint.

use super::Bench;

#[track_caller]
fn is_refused(text: &str, under: &str, words: &[&str]) {
    let refusal = Bench::new().refusal(text);
    for word in words {
        assert!(refusal.contains(word), "{text}: no {word:?} in\n{refusal}");
    }
    let at = text.find(under).unwrap_or_else(|| panic!("{under} is not in {text}"));
    let (column, width) = (text[..at].chars().count(), under.chars().count().max(1));
    let carets = format!(" | {}{}\n", " ".repeat(column), "^".repeat(width));
    assert!(refusal.contains(&carets), "{text}: not under {under:?}\n{refusal}");
}

#[test]
fn a_refusal_shows_the_line_carets_and_a_hint() {
    let refusal = Bench::new().refusal("min(truth.socc) > 10%");
    let expected = "\
error: there is no signal `truth.socc`
 --> expression:1:5
  |
1 | min(truth.socc) > 10%
  |     ^^^^^^^^^^
hint: did you mean `truth.soc`?
";
    assert_eq!(refusal, expected);
}

#[test]
fn unknown_names_are_refused_with_the_likely_one() {
    is_refused(
        "farm.active_power_kw > 1",
        "farm.active_power_kw",
        &["did you mean `farm.active_power_w`?"],
    );
    is_refused("state(victm) == running", "victm", &["no target", "did you mean `victim`?"]);
    is_refused("state(victim) == runing", "runing", &["no state", "did you mean `running`?"]);
    is_refused("state(victim) == RUNNING", "RUNNING", &["did you mean `running`?"]);
    is_refused("alarm(victim, OVER_TEMP)", "OVER_TEMP", &["no alarm `OVER_TEMP`"]);
    is_refused(
        "alarm(victim, cell_over_temprature)",
        "cell_over_temprature",
        &["did you mean `cell_over_temperature`?"],
    );
    is_refused("alarm(victim, gas, trp)", "trp", &["did you mean `trip`?"]);
    is_refused("average(truth.soc) > 1%", "average", &["no function `average`"]);
    is_refused("summ(truth.soc) > 1", "summ", &["did you mean `sum`?"]);
    is_refused("count_since(ark, \"unit.trip\") > 0", "ark", &["did you mean `arc`?"]);
    is_refused("event(\"unit.tripp\")", "\"unit.tripp\"", &["did you mean `unit.trip`?"]);
    is_refused("event(\"unit.state\", code=gas)", "code=gas", &["has no `code`"]);
    is_refused("event(\"unit.state\", unit=nix)", "unit=nix", &["no target and no unit `nix`"]);
    is_refused("truth.soc{unt=\"1\"} > 1%", "unt", &["did you mean `unit`?"]);
    is_refused("truth.soc{unit=\"99\"} > 1%", "\"99\"", &["no unit fits `99`"]);
    is_refused("truth.soc{unit=~\"(\"} > 1%", "\"(\"", &["no pattern"]);
    is_refused("effect(arc) == done", "done", &["no effect `done`", "confirmed"]);
    is_refused("farm.active_power_w > 5kw", "5kw", &["no unit `kw`", "did you mean `kW`?"]);
}

#[test]
fn a_name_used_as_something_else_is_refused_with_what_it_is() {
    is_refused("victim > 3", "victim", &["it is a target"]);
    is_refused("arc > 3", "arc", &["it is an action"]);
    is_refused("farm.soc-farm.soh > 1%", "farm.soc-farm.soh", &["a minus stands between spaces"]);
    is_refused("state(port) == running", "port", &["is a listener: it has no units"]);
    is_refused("truth.soc@port > 1%", "port", &["it has no units"]);
    is_refused("shadow.transport.sessions > 1", "shadow.transport.sessions", &["no shadow"]);
}

#[test]
fn quantities_that_have_nothing_in_common_do_not_meet() {
    is_refused(
        "farm.active_power_w > 50Hz",
        "farm.active_power_w > 50Hz",
        &["`>` between W and Hz"],
    );
    is_refused(
        "farm.active_power_w + grid.frequency_hz > 1",
        "farm.active_power_w + grid.frequency_hz",
        &["`+` between W and Hz"],
    );
    is_refused(
        "farm.active_power_w > farm.reactive_power_var",
        "farm.active_power_w > farm.reactive_power_var",
        &["W and var"],
    );
    is_refused("truth.soc > 30s", "truth.soc > 30s", &["a plain number and s"]);
    is_refused("farm.active_power_w ~= 5MW ± 5Hz", "5MW ± 5Hz", &["W and Hz"]);
    is_refused(
        "rate(farm.active_power_w[1s]) > 1MW",
        "rate(farm.active_power_w[1s]) > 1MW",
        &["W"],
    );
    is_refused("min(farm.active_power_w, 30s) > 1", "farm.active_power_w, 30s", &["W and s"]);
    let bench = Bench::new();
    bench.compile("rate(farm.energy_wh[1s]) > 1MW");
    bench.compile("dc.voltage_v * dc.current_a > 1MW");
    bench.compile("dc.power_w / dc.current_a > 1kV");
    bench.compile("rate(truth.cell_temperature_max_degc[1m]) > 1K / 1s");
}

#[test]
fn a_percentage_that_was_meant_is_told() {
    is_refused("min(truth.soc) > 10", "10", &["a fraction from 0 to 1", "write 10%"]);
    is_refused("max(abs(truth.soc)) ~= 50 ± 1%", "50", &["write 50%"]);
    Bench::new().compile("grid.voltage_pu < 1.1");
}

#[test]
fn truths_numbers_and_words_do_not_stand_for_each_other() {
    is_refused("farm.soc and 1 == 1", "farm.soc", &["a truth is needed", "compare it"]);
    is_refused("(farm.soc > 1%) + 1 > 0", "(farm.soc > 1%)", &["a number is needed"]);
    is_refused("state(victim)", "state(victim)", &["compare it"]);
    is_refused("state(victim) > running", "state(victim) > running", &["no order"]);
    is_refused("state(victim) == 3", "3", &["a word is needed"]);
    is_refused("state(victim) == level(victim)", "level(victim)", &["not the same kind"]);
    is_refused("smoke == 1", "smoke", &["a truth is not compared"]);
    is_refused("\"text\" == 1", "\"text\"", &["is no value"]);
    is_refused("sum(farm.soc) > 1", "farm.soc", &["one value already"]);
    is_refused("farm.soc@victim > 1%", "farm.soc@victim", &["one value"]);
    is_refused("count(1 == 1) > 0", "1 == 1", &["nothing to count"]);
    is_refused("count(state(victim)) > 0", "state(victim)", &["words are not counted"]);
}

#[test]
fn windows_stand_where_they_can_be_kept() {
    is_refused("farm.soc[30s] > 1%", "farm.soc[30s]", &["within a function over time"]);
    is_refused("rate(farm.soc) > 1", "farm.soc", &["the window is missing"]);
    is_refused("rate(farm.soc[30]) > 1", "30", &["a window is a time"]);
    is_refused("rate(farm.soc[2h]) > 1", "farm.soc[2h]", &["an hour at most"]);
    is_refused("delta(rate(farm.soc[1s])[1s]) > 1", "farm.soc", &["within another"]);
    is_refused("baseline(baseline(farm.soc)) > 1%", "farm.soc", &["within another"]);
    is_refused("max(delta(cell.truth.soc[1s])) > 1%", "cell.truth.soc", &["too many"]);
}

#[test]
fn syntax_is_refused_where_it_breaks() {
    is_refused("farm.soc = 1", "=", &["`==` compares"]);
    is_refused("1 < 2 > 3", ">", &["cannot be chained"]);
    is_refused("farm.soc ~= 50%", "farm.soc ~= 50%", &["lacks its tolerance"]);
    is_refused("farm.soc ± 1", "±", &["a tolerance follows `~=`"]);
    is_refused("farm.active_power_w > 5 MW", "MW", &["without a space"]);
    is_refused("state(victim) in {}", "}", &["the set is empty"]);
    is_refused("abs(1, 2) > 1", "abs(1, 2)", &["abs(x)"]);
    is_refused("abs(x=1) > 1", "x", &["no named arguments"]);
    is_refused("farm.active_power_w ~= 0 ± 2%", "2%", &["a part of 0 is 0"]);
    is_refused("1 / 0 > 1", "1 / 0", &["no number"]);
    is_refused("abs(farm.soc)@victim > 1", "abs(farm.soc)@victim", &["belong to a signal"]);
    for text in
        ["", "   ", "(", "1 +", "not", "in", "f(", "a{", "a@", "a[", "state(victim) in", "1 1"]
    {
        Bench::new().refusal(text);
    }
    let deep = format!("{}1{} > 0", "(".repeat(100), ")".repeat(100));
    assert!(Bench::new().refusal(&deep).contains("nested too deep"));
}
