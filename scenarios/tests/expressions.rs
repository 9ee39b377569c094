//! The document of the expression language: its lists are those of the tables, its examples compile.
//! `UPDATE=1 cargo test -p bess-scenarios --test expressions` writes the lists.

use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_scenarios::expr::{Expr, Names, lists};
use bess_scenarios::sight::TargetKind;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenario-expressions.md");
const BEGIN: &str = "<!-- lists: from the tables in scenarios/src; \
                     UPDATE=1 cargo test -p bess-scenarios --test expressions -->\n";
const END: &str = "<!-- end of the lists -->\n";

fn document() -> String {
    std::fs::read_to_string(DOCUMENT).expect("docs/scenario-expressions.md")
}

#[test]
fn the_document_has_the_lists_of_the_tables() {
    let text = document();
    let (before, rest) = text.split_once(BEGIN).expect("the mark where the lists begin");
    let (listed, after) = rest.split_once(END).expect("the mark where the lists end");
    let lists = format!("\n{}\n", lists().trim_end());
    if std::env::var_os("UPDATE").is_some() {
        let whole = format!("{before}{BEGIN}{lists}{END}{after}");
        std::fs::write(DOCUMENT, whole).expect("the document can be written");
    } else {
        assert!(listed == lists, "docs/scenario-expressions.md is stale: run with UPDATE=1");
    }
}

#[test]
fn every_example_of_the_document_compiles() {
    let spec = parse_farm("farm", BUILT_IN_FARM, &|_| Err(String::new())).expect("built in");
    let mut names = Names::new(&spec);
    for (name, kind) in [
        ("victim", TargetKind::Unit),
        ("healthy", TargetKind::Unit),
        ("racks", TargetKind::Rack),
        ("hot", TargetKind::Cell),
    ] {
        names.add_target(name, kind);
    }
    for id in ["arc", "later"] {
        names.add_action(id);
    }
    let (text, mut n) = (document(), 0);
    for block in text.split("```expr\n").skip(1) {
        for line in block.split("```").next().unwrap_or_default().lines() {
            Expr::condition(line, &names).unwrap_or_else(|error| panic!("{}", error.problem(line)));
            n += 1;
        }
    }
    assert!(n > 20, "{n}");
}

/// What the drafts of the shipped scenarios ask, in the words of this language.
#[test]
fn what_scenarios_of_every_kind_ask_can_be_said() {
    let spec = parse_farm("farm", BUILT_IN_FARM, &|_| Err(String::new())).expect("built in");
    let mut names = Names::new(&spec);
    let units = ["all-units", "victim-unit", "healthy", "dead-unit", "rebel", "badly-set", "sound"];
    for name in units.into_iter().chain(["drifting", "stuck-sensor", "quirky"]) {
        names.add_target(name, TargetKind::Unit);
    }
    for name in ["victim-cell", "neighbours"] {
        names.add_target(name, TargetKind::Cell);
    }
    for id in ["hb-stops", "hb-back", "reconnect"] {
        names.add_action(id);
    }
    for text in [
        // Thermal runaway.
        "truth.soc > 80%",
        "farm.active_power_w ~= 4MW ± 2%",
        "count(alarm(all-units, any)) == 0",
        "count(state(healthy) != running) == 0",
        "cell.truth.temperature_degc@victim-cell > 120",
        "alarm(victim-unit, cell_over_temperature, warning)",
        "latched(victim-unit, cell_over_temperature)",
        "abs(dc.current_a@victim-unit) > 5 and contactor(victim-unit) == open",
        "gas_litres@victim-unit > 100",
        "sut(\"safety_alarm_raised\", target=victim-unit)",
        "count(cell.truth.temperature_degc > 100 and not in(neighbours)) > 50",
        "host.wall_slip_s > 30",
        // A storm on the links.
        "transport.requests_per_s > 0.2",
        "rate(transport.exceptions_total[30s]) == 0",
        "max(abs(truth.soc - shadow.truth.soc)) < 0.1%",
        "rate(transport.connects_total[60s]) * 60 <= 6",
        "transport.poll_interval_s < 2 * baseline(transport.poll_interval_s)",
        "transport.ok_ratio_30s == 1",
        "rate(transport.connects_total[10s]) > 50",
        // A frequency event.
        "abs(grid.frequency_hz - 50) < 0.01 implies abs(farm.active_power_w) < 0.02 * 10 * 1e6",
        "farm.available_discharge_power_w - farm.active_power_w >= 10MW",
        "farm.active_power_w ~= reference.fcr_power_w ± 5%",
        "min(truth.soc) < 5%",
        // A cascade of trips.
        "count(state(sound) != running) <= 1",
        "count(alarm(badly-set, ac_under_voltage)) == count(badly-set)",
        "farm.active_power_w >= (1 - 15/100) * baseline(farm.active_power_w)",
        "rate(farm.trips_total[60s]) * 60 > 3",
        "sum(reactive_power_var@sound) > 0",
        "not (state(badly-set) == running and since(unit.trip) < 300s)",
        "count(state(all-units) == running) >= 0.95 * count(all-units)",
        // Sensors that drift.
        "max(abs(measured.soc - truth.soc)) < 1%",
        "event(\"alarm.active\", code=\"voltage_difference\")",
        "max(abs(measured.soc@drifting - truth.soc@drifting)) > 3%",
        "max(truth.soc@drifting) > 98% or min(truth.cell_voltage_min_v) < 2.5",
        "max(truth.cell_temperature_max_degc@drifting) < 55 \
         or state(drifting) in {derated, fault, standby}",
        // A heartbeat that is lost.
        "changes(control.heartbeat[10s]) >= 5",
        "abs(farm.active_power_w) < 0.05 * 3MW",
        "alarm(all-units, controller_lost)",
        "since(hb-stops) - since(\"unit.state\", unit=quirky, value=fallback) > 30s",
        "farm.active_power_w > 0.05 * 3MW and count_since(hb-back, \"client.write_setpoint\") == 0",
        "delta(control.active_reversion_remaining_s[5s]) < 0",
        "count_since(reconnect, \"client.write_setpoint\") > 0 and transport.sessions == 1",
    ] {
        Expr::condition(text, &names).unwrap_or_else(|error| panic!("{}", error.problem(text)));
    }
}
