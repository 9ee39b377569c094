//! Functions: over elements, over time, of states, alarms, events, actions and observations.

use super::Bench;
use super::farm::{ARC, VICTIM, unit};
use crate::expr::{EventPattern, Expr, Names, Value};
use crate::sight::TargetKind;
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase};
use bess_core::audit::AuditRecord;
use bess_core::command::Origin;
use bess_core::control::ControlSource;
use bess_core::event::{Cause, EventKind};
use bess_core::role::Role;
use bess_core::service;
use bess_core::spec::PlantSettings;
use bess_core::stage::{Effect, Observation};
use bess_core::state::{Trigger, UnitState};
use bess_core::stats::Stats;
use bess_core::time::Tick;
use bess_core::units::{Hertz, Watts};
use std::sync::Arc;

#[test]
fn aggregations_make_one_value_of_a_vector() {
    let mut bench = Bench::new();
    for (idx, unit) in bench.snapshot.units.iter_mut().enumerate() {
        unit.ac.active_power = Watts(idx as f64 * 1e5);
    }
    for (text, value) in [
        ("sum(active_power_w)", 4.5e6),
        ("avg(active_power_w)", 4.5e5),
        ("min(active_power_w@healthy)", 0.0),
        ("max(active_power_w)", 9e5),
        ("count(active_power_w)", 10.0),
        ("count(active_power_w > 450kW)", 5.0),
        ("count(victim)", 1.0),
        ("count(hot)", 2.0),
        ("quantile(50%, active_power_w)", 4.5e5),
        ("quantile(0, active_power_w)", 0.0),
        ("quantile(1, active_power_w)", 9e5),
        ("max(farm.active_power_w, 20MW)", 2e7),
        ("min(farm.active_power_w, 20MW)", 9.9e6),
        ("abs(-3)", 3.0),
        ("clamp(farm.active_power_w, 0, 5MW)", 5e6),
        ("sum(clamp(active_power_w, 200kW, 300kW))", 2.0e5 * 3.0 + 3e5 * 7.0),
    ] {
        assert!((bench.number(text) - value).abs() <= 1e-9 * value, "{text}");
    }
}

#[test]
fn a_window_is_absent_until_it_is_full_and_then_tells_of_its_length() {
    let mut bench = Bench::new();
    let texts = [
        "rate(farm.active_power_w[1s])",
        "delta(farm.active_power_w[1s])",
        "avg_over_time(farm.active_power_w[1s])",
        "min_over_time(farm.active_power_w[1s])",
        "max_over_time(farm.active_power_w[1s])",
        "changes(farm.active_power_w[1s])",
    ];
    let exprs = texts.map(|text| bench.compile(text));
    bench.remember(&exprs.each_ref());
    for tick in 0..=10 {
        assert_eq!(exprs[0].eval(&bench.sight()), Value::Absent, "tick {tick}");
        bench.tick(|s| s.farm.active_power = Watts(f64::from(tick) * 1e5));
    }
    for (expr, value) in exprs.iter().zip([1e6, 1e6, 5e5, 0.0, 1e6, 10.0]) {
        assert!((expr.value(&bench.sight()) - value).abs() < 1e-3, "{expr}");
    }
    bench.tick(|s| s.farm.active_power = Watts(1e6));
    assert_eq!(exprs[3].value(&bench.sight()), 1e5);
    assert_eq!(exprs[5].value(&bench.sight()), 9.0);
}

#[test]
fn windows_over_units_keep_each_unit_apart() {
    let mut bench = Bench::new();
    let stuck = bench.compile("stuck(heartbeat[1s])");
    let some = bench.compile("count(stuck(heartbeat[1s])) == 1");
    let vector = bench.compile("changes(heartbeat@healthy[1s]) >= 10");
    let hot = bench.compile("max(delta(cell.truth.temperature_degc@hot[1s])) == 5K");
    bench.remember(&[&stuck, &some, &vector, &hot]);
    bench.show_cells(VICTIM);
    for tick in 0..11 {
        bench.tick(|s| {
            for (idx, unit) in s.units.iter_mut().enumerate().filter(|(idx, _)| *idx != VICTIM) {
                unit.heartbeat = tick + idx as u32;
            }
            let n = s.spec.units[VICTIM].design.cells_in_series;
            let cells = Arc::make_mut(&mut s.cells[0]);
            cells.true_temperature_degc[n + 7] = 25.0 + tick as f32 / 2.0;
        });
    }
    let sight = bench.sight();
    assert_eq!(stuck.truth(&sight), Some(false));
    assert_eq!(some.truth(&sight), Some(true));
    assert_eq!(vector.truth(&sight), Some(true));
    assert_eq!(hot.truth(&sight), Some(true));
}

#[test]
fn a_value_that_was_absent_makes_its_windows_absent_until_it_has_left_them() {
    let mut bench = Bench::new();
    let expr = bench.compile("max_over_time(measured.soc@victim[500ms]) < 90%");
    bench.remember(&[&expr]);
    for tick in 0..20 {
        bench.tick(|s| s.units[VICTIM].measured.soc = if tick == 10 { f64::NAN } else { 0.5 });
        let truth = expr.truth(&bench.sight());
        let known = (5..10).contains(&tick) || tick > 15;
        assert_eq!(truth, known.then_some(true), "tick {tick}");
    }
}

#[test]
fn a_baseline_is_the_mean_over_the_steady_window_alone() {
    let mut bench = Bench::new();
    let one = bench.compile("farm.active_power_w >= 50% * baseline(farm.active_power_w)");
    let each = bench.compile("active_power_w == baseline(active_power_w)");
    bench.remember(&[&one, &each]);
    bench.tick(|s| s.farm.active_power = Watts(99e6));
    assert_eq!(one.truth(&bench.sight()), None);
    bench.in_baseline = true;
    for power in [8e6, 10e6, 12e6] {
        bench.tick(|s| s.farm.active_power = Watts(power));
    }
    bench.in_baseline = false;
    bench.tick(|s| s.farm.active_power = Watts(5.1e6));
    assert_eq!(one.truth(&bench.sight()), Some(true));
    bench.tick(|s| s.farm.active_power = Watts(4.9e6));
    assert_eq!(one.truth(&bench.sight()), Some(false));
    assert_eq!(each.truth(&bench.sight()), Some(true));
    bench.tick(|s| s.units[VICTIM].ac.active_power = Watts(0.0));
    assert_eq!(each.truth(&bench.sight()), Some(false));
    bench.memory.restart_baseline();
    assert_eq!(one.truth(&bench.sight()), None);
    assert!(one.uses().baseline && !one.uses().shadow);
}

#[test]
fn the_same_words_about_other_targets_are_remembered_apart() {
    let mut bench = Bench::new();
    let about = |place: usize| {
        let mut names = Names::new(&bench.spec);
        (0..place).for_each(|_| assert!(names.add_target("", TargetKind::Unit) < place));
        names.add_target("target", TargetKind::Unit);
        Expr::condition("delta(heartbeat@target[300ms]) > 0", &names).expect("known")
    };
    let (victim, first) = (about(0), about(6));
    bench.remember(&[&victim, &first]);
    for tick in 0..4 {
        bench.tick(|s| s.units[0].heartbeat = tick);
    }
    assert_eq!(victim.truth(&bench.sight()), Some(false));
    assert_eq!(first.truth(&bench.sight()), Some(true));
}

#[test]
fn memory_says_how_far_back_it_looks() {
    let mut bench = Bench::new();
    let long = bench.compile("rate(farm.soc[60s]) < 1 and delta(farm.soc[5s]) < 1");
    assert_eq!(long.memory_needs().count(), 2);
    bench.remember(&[&long, &long]);
    assert_eq!(bench.memory.longest_ticks(), 600);
}

#[test]
fn states_are_those_of_the_units_of_a_target() {
    let mut bench = Bench::new();
    bench.snapshot.units[VICTIM].state = UnitState::Fault;
    bench.holds("state(victim) == fault");
    bench.holds("count(state(healthy) != running) == 0");
    bench.fails("state(all) == running");
    // The unit of the racks and cells.
    bench.holds("state(racks) == fault and state(hot) == fault");
    bench.holds("count(state(all) in {fault, tripped}) == 1");
}

#[test]
fn alarms_are_asked_by_code_and_level() {
    let mut bench = Bench::new();
    bench.holds("count(alarm(all, any)) == 0");
    bench.holds("level(victim) == none");
    bench.alarm(VICTIM, AlarmCode::CellOverTemperature, AlarmLevel::Warning, AlarmPhase::Active);
    bench.alarm(VICTIM, AlarmCode::Gas, AlarmLevel::Critical, AlarmPhase::Latched);
    bench.holds("alarm(victim, cell_over_temperature)");
    bench.holds("alarm(victim, \"cell_over_temperature\")");
    bench.holds("alarm(victim, cell_over_temperature, warning)");
    bench.fails("alarm(victim, cell_over_temperature, trip)");
    bench.holds("alarm(victim, any, critical)");
    bench.fails("alarm(all, any)");
    bench.holds("count(alarm(all, any)) == count(victim)");
    bench.holds("latched(victim, gas) and not latched(victim, cell_over_temperature)");
    bench.holds("count(latched(all, any)) == 1");
    bench.holds("level(victim) == critical and level(victim, cell_over_temperature) == warning");
    bench.holds("level(victim) >= trip and level(healthy) < warning");
}

#[test]
fn alarms_and_contactors_of_racks_are_those_of_each_rack() {
    let mut bench = Bench::new();
    let first = bench.spec.units[VICTIM].racks.start;
    bench.holds("contactor(all) == closed and contactor(racks) == closed");
    bench.snapshot.racks[first].alarms.insert(AlarmCode::FuseBlown, AlarmLevel::Critical);
    bench.holds("count(alarm(racks, fuse_blown)) == 1");
    let open = |rack: &mut bess_core::snapshot::RackView, positive: bool| {
        (rack.connected, rack.contactors) = (false, [false, false, positive]);
    };
    open(&mut bench.snapshot.racks[first], false);
    open(&mut bench.snapshot.racks[first + 1], true);
    bench.holds("count(contactor(racks) == open) == 1 and count(contactor(racks) == partly) == 1");
    bench.holds("contactor(victim) == partly and contactor(healthy) == closed");
    for rack in bench.spec.units[VICTIM].racks.clone() {
        open(&mut bench.snapshot.racks[rack], false);
    }
    bench.holds("contactor(victim) == open");
}

fn trips(bench: &mut Bench, idx: usize, to: UnitState) {
    let cause = Cause::Alarm(AlarmKey::unit(AlarmCode::Gas, AlarmLevel::Critical));
    let (from, trigger) = (UnitState::Running, Trigger::Critical);
    bench.happens(Some(idx), EventKind::State { from, to, trigger, cause });
    bench.tick(|s| s.units[idx].state = to);
}

#[test]
fn events_are_found_since_the_check_began_and_counted_since_an_action() {
    let mut bench = Bench::new();
    bench.since = Tick(1005);
    bench.is_absent("count_since(arc, \"unit.trip\")");
    bench.is_absent("since(unit.trip)");
    bench.is_absent("since(arc)");
    trips(&mut bench, 0, UnitState::Tripped);
    bench.fails("event(\"unit.trip\")");
    bench.holds("since(unit.trip) == 0s");
    bench.tick(|_| ());
    bench.story.begin(ARC, bench.snapshot.tick.next());
    bench.fails("active(later)");
    bench.holds("active(arc) and count_since(arc, \"unit.trip\") == 0");
    bench.tick(|_| ());
    bench.tick(|_| ());
    trips(&mut bench, VICTIM, UnitState::Fault);
    bench.holds("event(\"unit.trip\")");
    bench.holds("event(\"unit.state\", unit=victim, value=fault)");
    bench.holds("event(\"unit.state\", target=victim)");
    bench.holds("event(\"unit.state\", unit=\"3\")");
    bench.fails("event(\"unit.state\", unit=victim, value=tripped)");
    bench.fails("event(\"unit.state\", unit=healthy)");
    bench.holds("count_since(arc, \"unit.trip\") == 1");
    bench.holds("since(\"unit.trip\", unit=healthy) == 400ms");
    bench.holds("since(arc) == 200ms");
    bench.holds("not (state(victim) == running and since(unit.trip) < 300s)");
    bench.story.end(ARC, bench.snapshot.tick);
    bench.fails("active(arc)");
}

#[test]
fn alarm_events_say_their_code_and_level() {
    let mut bench = Bench::new();
    let key = AlarmKey::rack(AlarmCode::CellOverTemperature, AlarmLevel::Warning, 4);
    let phase = Some(AlarmPhase::Active);
    bench.happens(Some(VICTIM), EventKind::Alarm { key, phase, value: 55.0 });
    bench.tick(|_| ());
    bench.holds("event(\"alarm.active\", code=cell_over_temperature, level=warning, unit=victim)");
    bench.fails("event(\"alarm.active\", code=gas)");
    bench.fails("event(\"alarm.gone\")");
    let names = bench.names();
    let fields = [("target", "victim"), ("code", "cell_over_temperature")];
    let pattern = EventPattern::new("alarm.active", &fields, &names).expect("known");
    let seen = pattern.since(Tick(0), &bench.story, &bench.targets).expect("all are kept");
    assert_eq!(
        seen.map(|seen| (seen.unit, seen.rack_idx)).collect::<Vec<_>>(),
        [(Some(unit(VICTIM)), Some(4))]
    );
}

fn writes(bench: &mut Bench, idx: usize, what: &str) {
    let record = AuditRecord {
        tick: bench.snapshot.tick,
        wall_unix_ns: 0,
        origin: Origin::local(ControlSource::Modbus),
        unit: Some(unit(idx)),
        what: what.to_owned(),
        needs: Role::default(),
        refused: None,
    };
    Arc::make_mut(&mut bench.snapshot.audit).push(Arc::new(record));
    bench.tick(|_| ());
}

#[test]
fn writes_of_clients_are_events_and_signals() {
    let mut bench = Bench::new();
    bench.story.begin(ARC, bench.snapshot.tick.next());
    bench.holds("client.writes_total == 0 and client.writes_per_s == 0");
    for _ in 0..5 {
        writes(&mut bench, 0, "active_power_w = 1500000");
        writes(&mut bench, VICTIM, "active_power_w = 0");
        writes(&mut bench, VICTIM, "controller_heartbeat = 3");
    }
    bench.holds("client.writes_total == 15 and client.setpoint_writes_total == 10");
    bench.holds("client.writes_per_s == 1.5");
    bench.holds("count_since(arc, \"client.write_setpoint\") == 10");
    bench.holds("count_since(arc, \"client.write_setpoint\", unit=victim, nonzero=true) == 0");
    bench.holds("count_since(arc, \"client.write_setpoint\", target=healthy, value=1.5MW) == 5");
    let expr = bench.compile("count_since(arc, \"client.write\") > 0");
    assert!(expr.uses().client && !expr.uses().transport);
}

#[test]
fn an_event_that_is_no_longer_kept_makes_the_count_absent_and_not_too_small() {
    let mut bench = Bench::new();
    bench.story.begin(ARC, bench.snapshot.tick.next());
    // More in one tick than the farm's log holds.
    for _ in 0..10_001 {
        bench.happens(Some(0), EventKind::Fuse { rack_idx: 0 });
    }
    bench.tick(|_| ());
    bench.is_absent("count_since(arc, \"fuse.blown\") < 20000");
    bench.is_absent("event(\"fuse.blown\")");
    bench.story.begin(ARC, bench.snapshot.tick.next());
    bench.tick(|_| ());
    bench.holds("count_since(arc, \"fuse.blown\") == 0");
}

#[test]
fn what_the_outside_system_noticed_counts_since_the_check_began() {
    let mut bench = Bench::new();
    let seen = |what: &str, idx: Option<usize>| Observation {
        what: what.to_owned(),
        unit: idx.map(unit),
        text: String::new(),
    };
    bench.fails("sut(\"stale_data\")");
    bench.story.observe(Tick(1001), &seen("stale_data", Some(VICTIM)));
    bench.story.observe(Tick(1002), &seen("island", None));
    bench.holds("sut(\"stale_data\") and sut(\"stale_data\", target=victim)");
    bench.fails("sut(\"stale_data\", target=healthy)");
    bench.fails("sut(\"island\", target=victim)");
    bench.since = Tick(1002);
    bench.fails("sut(\"stale_data\")");
    bench.holds("sut(\"island\")");
    assert!(bench.compile("sut(\"island\")").uses().sut);
}

#[test]
fn an_action_has_an_effect() {
    let mut bench = Bench::new();
    bench.holds("effect(arc) == pending");
    bench.story.set_effect(ARC, Effect::Confirmed);
    bench.holds("effect(arc) == confirmed and effect(later) in {pending, no_effect}");
}

#[test]
fn the_reference_is_the_ideal_response_of_the_service_that_is_configured() {
    let mut bench = Bench::new();
    bench.is_absent("reference.fcr_power_w");
    let mut response = service::frequency_response("fcr").expect("a preset");
    response.contract_w = Some(10e6);
    let frequency_response = Some(response);
    bench.snapshot.plant =
        Arc::new(PlantSettings { frequency_response, ..PlantSettings::default() });
    bench.snapshot.farm.frequency = Hertz(49.8);
    bench.holds("reference.fcr_power_w == 10MW");
    bench.snapshot.farm.ramped_setpoint = Watts(1e6);
    bench.holds("reference.power_w == 11MW and reference.setpoint_w == 0");
    assert!(bench.compile("reference.power_w > 0").uses().reference);
}

#[test]
fn the_side_of_the_clients_makes_a_run_live() {
    let mut bench = Bench::new();
    bench.is_absent("transport.requests_per_s > 0.2");
    let stats = Stats::default();
    bench.link.note(&stats);
    bench.link.note(&stats);
    bench.holds("transport.requests_per_s == 0 and host.wall_slip_s < 30s");
    bench.is_absent("transport.ok_ratio_30s == 1");
    assert!(bench.compile("transport.sessions == 1").uses().transport);
}

#[test]
fn an_expression_says_whose_cells_it_looks_at() {
    let bench = Bench::new();
    let cells = |text: &str| bench.compile(text).cells().clone();
    assert_eq!(cells("max(cell.truth.soc@hot) > 1%").targets, [3]);
    assert!(!cells("max(cell.truth.soc@hot) > 1%").all);
    assert!(cells("max(cell.truth.soc) > 1%").all);
    assert!(cells("max(cell.truth.soc{unit!=victim}) > 1%").all);
    assert!(!bench.compile("max(truth.soc) > 1%").uses().cells);
}

#[test]
fn kinds_are_told_apart_when_an_expression_is_compiled_for_a_use() {
    let bench = Bench::new();
    let names = bench.names();
    assert!(Expr::condition("truth.soc > 1%", &names).is_ok());
    assert!(Expr::condition("farm.soc", &names).is_err());
    assert!(Expr::number("farm.setpoint_w", &names).is_ok());
    assert!(Expr::number("truth.soc", &names).is_err());
    assert!(Expr::number("farm.soc > 1%", &names).is_err());
    let mut told = Vec::new();
    let expr = bench.compile("truth.soc@racks > 1%");
    expr.each(&bench.sight(), |at, value| told.push((at.unit, value)));
    assert_eq!(told, [(VICTIM as u32, 1.0)]);
}

#[test]
fn what_was_seen_is_told_in_a_line() {
    let mut bench = Bench::new();
    let seen = |bench: &Bench, text: &str| bench.compile(text).seen(&bench.sight());
    let text = "farm.active_power_w ~= 4MW ± 2% and grid.frequency_hz < 50Hz";
    assert_eq!(seen(&bench, text), "farm.active_power_w = 9.9 MW, grid.frequency_hz = 49.9 Hz");
    assert_eq!(seen(&bench, "farm.setpoint_w > 1"), "farm.setpoint_w = absent");
    bench.snapshot.units[VICTIM].state = UnitState::Fault;
    let name = bench.spec.units[VICTIM].name.clone();
    assert_eq!(seen(&bench, "state(victim) == running"), format!("state(victim) = fault ({name})"));
    bench.snapshot.units[VICTIM].truth.soc = 0.2;
    let told = seen(&bench, "truth.soc > 50%");
    assert!(told.starts_with(&format!("truth.soc from 0.2 ({name}) to 0.61 (")), "{told}");
    assert_eq!(seen(&bench, "alarm(victim, any)"), "");
}
