use super::*;
use bess_core::spec::Hold;
use bess_core::stage::Effect;
use bess_core::units::{Hertz, Volts, Watts};

const PUMP: &str = "{kind: device.hvac.pump, target: unit-002}";

#[test]
fn a_single_fault_begins_at_once_is_told_and_ends_when_asked() {
    let mut play = Play::new(2);
    play.inject("my-pump", PUMP).expect("it may begin");
    assert_eq!(play.pumps(true), [0], "at once");
    let on =
        Command::NoteFault { unit: UnitId::from_number(2), kind: "device.hvac.pump", on: true };
    assert!(play.given.iter().any(|(_, command)| *command == on), "{:?}", play.given);
    assert!(play.inject("my-pump", PUMP).is_err(), "one of this id is in force");
    play.seconds(1);
    let view = play.stage.view();
    assert_eq!(
        (view.faults[0].targets[0].as_str(), view.faults[0].effect),
        ("unit-002", Effect::Confirmed)
    );
    play.ask(&StageRequest::EndFault("my-pump".to_owned())).expect("it is in force");
    assert_eq!(play.pumps(false).len(), 1);
    assert!(play.ask(&StageRequest::EndFault("my-pump".to_owned())).is_err());
    let view = play.stage.view();
    assert_eq!((view.faults[0].is_active, view.effects[Effect::Confirmed as usize]), (false, 1));
    assert!(!play.stage.is_done(), "no run was ever asked for");
}

#[test]
fn a_single_fault_may_have_an_end_of_its_own() {
    let mut play = Play::new(2);
    play.inject("short", "{kind: device.hvac.pump, target: unit-001, duration: 3s}").expect("good");
    play.seconds(5);
    assert_eq!(play.pumps(false), [31]);
    play.inject("a", PUMP).expect("good");
    play.inject("b", PUMP).expect("good");
    play.ask(&StageRequest::EndFaults).expect("always");
    assert_eq!(play.pumps(false).len(), 2, "two that lie on each other end once");
}

#[test]
fn what_the_farm_cannot_do_is_no_fault_in_force() {
    let mut play = Play::new(2);
    let strange = Prepared(Arc::new(5_u32));
    let wish = FaultWish { id: "x".to_owned(), prepared: strange.clone() };
    assert!(play.ask(&StageRequest::Inject(wish)).is_err());
    let run = StageRequest::StartRun { id: "x".to_owned(), prepared: strange };
    assert!(play.ask(&run).is_err());
    assert!(play.given.is_empty() && play.stage.view().faults.is_empty());
}

#[test]
fn a_fault_of_the_transport_is_inconclusive_while_nobody_asks() {
    let mut play = Play::new(2);
    let text = "{kind: transport.delay, target: unit-001, with: {delay_s: 200ms}, duration: 2s}";
    play.inject("slow", text).expect("good");
    play.seconds(3);
    let view = play.stage.view();
    assert_eq!((view.faults[0].effect, view.faults[0].is_active), (Effect::Inconclusive, false));
    let names: Vec<String> = play
        .given
        .iter()
        .filter_map(|(_, command)| match command {
            Command::SetLink(link) => Some(link.name.clone()),
            Command::ClearLink { name } => name.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(names.len(), 2);
    assert_eq!(names[0], names[1]);
}

#[test]
fn a_stall_acts_once_the_loop_has_stood_for_all_of_it_and_is_over_then() {
    const STALL: &str = "{kind: infra.stall, target: farm, with: {stall_s: 2}}";
    let mut play = Play::new(2);
    play.inject("good", STALL).expect("good");
    assert_eq!(play.stage.stall(), 20, "of 100 ms");
    let seen = |play: &Play| {
        let fault = Arc::clone(&play.stage.view().faults[0]);
        (fault.effect, fault.is_active)
    };
    for (stood, expected) in [(0, Effect::Pending), (19, Effect::Pending), (20, Effect::Confirmed)]
    {
        play.tick(|play| play.seen.clock.stalled_ticks = stood);
        assert_eq!(seen(&play), (expected, expected == Effect::Pending), "after {stood} ticks");
    }
    // A loop that does not stand: what stood before does not count for the next.
    let mut play = Play::new(2);
    play.seen.clock.stalled_ticks = 20;
    play.inject("bad", STALL).expect("good");
    play.seconds(10);
    assert_eq!(seen(&play), (Effect::Pending, true));
    play.ask(&StageRequest::EndFault("bad".to_owned())).expect("it is in force");
    assert_eq!(seen(&play), (Effect::NoEffect, false));
}

#[test]
fn a_fault_of_a_sensor_distorts_the_value_that_the_sensor_measures() {
    use bess_core::defect::Reading;
    let mut play = Play::new(2);
    let text = "{kind: sensor.bias, target: unit-002/rack-1/current_a, with: {offset: 15}}";
    play.inject("bias", text).expect("it may begin");
    let is_it = |command: &Command| {
        matches!(command, Command::SetDefect { unit, defect: Defect::Sensor { quantity: Reading::Current, rack_idx: Some(0), distortion } }
            if unit.number() == 2 && distortion.offset == 15.0)
    };
    assert!(play.given.iter().any(|(_, command)| is_it(command)), "{:?}", play.given);
}

fn hz(play: &Play) -> Vec<Option<Hold>> {
    let hold = |(_, command): &(Tick, Command)| match command {
        Command::SetGrid { frequency_hz, .. } => Some(*frequency_hz),
        _ => None,
    };
    play.given.iter().filter_map(hold).collect()
}

const LOW: &str = "{kind: grid.frequency, target: grid, with: {hz: 49.7}}";
const HIGH: &str = "{kind: grid.frequency, target: grid, with: {hz: 50.2}}";

#[test]
fn single_faults_on_one_quantity_lie_on_each_other() {
    let mut play = Play::new(2);
    play.inject("low", LOW).expect("good");
    play.inject("high", HIGH).expect("good");
    play.ask(&StageRequest::EndFault("high".to_owned())).expect("it is in force");
    assert_eq!(hz(&play), [49.7, 50.2, 49.7].map(|hz| Some(Hold::At(hz))));
    play.ask(&StageRequest::EndFault("low".to_owned())).expect("it is in force");
    assert_eq!(hz(&play).last(), Some(&Some(Hold::Release)));
}

#[test]
fn the_rollback_of_a_run_leaves_the_fault_of_somebody_else() {
    let mut play = Play::new(2);
    play.inject("low", LOW).expect("good");
    let more =
        "timeline: [{id: high, at: 3s, action: grid.frequency, target: grid, with: {hz: 50.2}}]\n";
    let text = scenario(more).replace("  everybody:", "  grid: {kind: grid}\n  everybody:");
    play.start(&text);
    play.end();
    play.seconds(1);
    assert_eq!(hz(&play), [49.7, 50.2, 49.7].map(|hz| Some(Hold::At(hz))));
    let view = play.stage.view();
    let low = view.faults.iter().find(|fault| fault.id == "low").expect("it is told");
    assert!(low.is_active);
}

#[test]
fn what_changes_nothing_has_no_effect_whatever_its_kind_looks_at() {
    let nothing = [
        "{kind: grid.phase_jump, with: {deg: 0}, duration: 2s}",
        "{kind: grid.meter, with: {gain: 1}, duration: 2s}",
        "{kind: device.pcs.loss, target: 1, with: {extra_pct: 0}, duration: 2s}",
        "{kind: device.pcs.ramp, target: 1, with: {factor: 1}, duration: 2s}",
        "{kind: device.cell.weak, target: unit-001/rack-1/cell-1, duration: 2s, \
          with: {capacity_factor: 1, resistance_factor: 1}}",
        "{kind: device.pcs.pll, target: 1, with: {offset_hz: 0}, duration: 2s}",
        "{kind: controller.relay, target: 1, with: {voltage_pu: 0, time_factor: 1}, duration: 2s}",
        "{kind: device.bms.thresholds, target: 1, with: {degc: 0, volts: 0}, duration: 2s}",
        "{kind: controller.setpoint_hunting, target: 1, with: {amplitude_w: 0}, duration: 2s}",
        "{kind: controller.droop, target: 1, with: {droop_pct: 5}, duration: 2s}",
        "{kind: sensor.bias, target: 1, with: {signal: soc, offset: 0}, duration: 2s}",
        "{kind: transport.delay, target: 1, with: {delay_s: 0s}, duration: 2s}",
        "{kind: client.scale, target: client-ems, with: {factor: 1}, duration: 2s}",
    ];
    let mut play = Play::new(2);
    for (place, text) in nothing.iter().enumerate() {
        play.inject(&format!("f{place}"), text).expect("good");
    }
    // What would confirm many of them is there.
    play.seen.farm.frequency = Hertz(49.0);
    play.seen.farm.voltage_pu = 0.5;
    play.seen.units[0].insulation_kohm = 1.0;
    play.seconds(3);
    let view = play.stage.view();
    assert_eq!(view.faults.len(), nothing.len());
    for fault in &view.faults {
        assert_eq!((fault.is_active, fault.effect), (false, Effect::NoEffect), "{}", fault.kind);
    }
}

#[test]
fn what_shows_by_its_cause_alone_is_inconclusive_until_that_is_there() {
    let mut play = Play::new(2);
    play.inject("deaf", "{kind: device.fire.gas_detector_off, target: 1}").expect("good");
    play.inject("relay", "{kind: controller.relay, target: 1, with: {time_factor: 0.1}}")
        .expect("good");
    play.seconds(2);
    let effects = |play: &Play| -> Vec<Effect> {
        play.stage.view().faults.iter().map(|fault| fault.effect).collect()
    };
    assert_eq!(effects(&play), [Effect::Inconclusive; 2]);
    play.seen.units[0].gas_lfl = 0.3;
    play.seconds(1);
    assert_eq!(effects(&play), [Effect::Confirmed, Effect::Inconclusive]);
    play.seen.farm.voltage_pu = 0.6;
    play.seconds(1);
    assert_eq!(effects(&play), [Effect::Confirmed; 2]);
}

#[test]
fn a_dip_is_over_after_its_own_length_and_who_ends_it_earlier_ends_the_voltage() {
    let mut play = Play::new(2);
    let text = "{kind: grid.dip, with: {pu: 0.5, for_s: 1.45s}}";
    play.inject("dip", text).expect("good");
    (0..14).for_each(|_| play.tick(|_| {}));
    assert!(play.stage.view().faults[0].is_active);
    play.tick(|_| {});
    assert!(!play.stage.view().faults[0].is_active, "the tick in which it ends is its last");
    let ends = |play: &Play| {
        let is_end =
            |(_, command): &&(Tick, Command)| matches!(command, Command::EndDisturbances { .. });
        play.given.iter().filter(is_end).count()
    };
    play.seconds(1);
    assert_eq!(ends(&play), 0, "the grid ends it by itself");
    play.inject("cut", text).expect("good");
    play.seconds(1);
    play.ask(&StageRequest::EndFault("cut".to_owned())).expect("it is in force");
    assert_eq!(ends(&play), 1);
}

#[test]
fn a_wrong_sensor_of_any_value_is_seen_by_what_it_shows() {
    let mut play = Play::new(2);
    for (id, text) in [
        ("soc", "{kind: sensor.bias, target: 1, with: {signal: soc, offset: 0.03}}"),
        ("power", "{kind: sensor.bias, target: 1, with: {signal: active_power_w, offset: 300000}}"),
        ("earth", "{kind: sensor.scale, target: 1, with: {signal: insulation_kohm, factor: 0.5}}"),
        ("hot", "{kind: sensor.bias, target: 1, with: {signal: pcs_temperature_degc, offset: 20}}"),
        ("cold", "{kind: sensor.temperature_broken, target: unit-001/rack-1}"),
        ("gone", "{kind: sensor.dropout, target: unit-001/rack-1, with: {signal: voltage_v}}"),
        ("bus", "{kind: sensor.bias, target: 1, with: {signal: dc_voltage_v, offset: 30}}"),
        ("air", "{kind: sensor.delay, target: 1, with: {signal: gas_lfl, delay_s: 8}}"),
    ] {
        play.seen.units[0].dc.voltage = Volts(1300.0);
        for rack in &mut play.seen.racks {
            (rack.connected, rack.truth.voltage) = (true, Volts(1300.0));
        }
        play.seen.units[0].insulation_kohm = 500.0;
        play.inject(id, text).expect("good");
    }
    play.seconds(1);
    let not_yet = |play: &Play| {
        play.stage.view().faults.iter().filter(|f| f.effect != Effect::Confirmed).count()
    };
    assert_eq!(not_yet(&play), 8);
    play.seen.racks[0].soc += 0.03;
    play.seen.units[0].ac.active_power = Watts(3e5);
    play.seen.units[0].insulation_kohm = 250.0;
    play.seen.units[0].pcs_temperature.0 += 20.0;
    play.seen.racks[0].extremes.temperature_min.0 = -40.0;
    play.seen.racks[0].voltage.0 = f64::NAN;
    play.seen.units[0].dc.voltage.0 += 30.0;
    play.seen.units[0].gas_lfl = 0.02;
    play.seconds(1);
    let view = play.stage.view();
    for fault in &view.faults {
        assert_eq!(fault.effect, Effect::Confirmed, "{}", fault.id);
    }
}
