//! A unit as its operator meets it: sequence, contactors, fuses, emergency stop, defects.

use super::*;
use bess_core::alarm::AlarmCode;
use bess_core::command::RackAction;
use bess_core::defect::{ContactorFault, Defect, Reading};
use bess_core::event::{Contactor, EventKind};
use bess_core::spec::{PcsThermalSpec, SequenceSpec};
use bess_core::state::Trigger;
use bess_core::time::Moment;

pub(super) fn farm_with(racks: usize, edit: impl Fn(&mut UnitDesign)) -> Arc<FarmSpec> {
    let mut spec = (*small(1, racks, 16)).clone();
    let mut design = (*spec.units[0].design).clone();
    edit(&mut design);
    spec.units[0].design = Arc::new(design);
    Arc::new(spec)
}
pub(super) fn started(spec: &Arc<FarmSpec>, state: UnitState) -> Engine {
    let mut spec = (**spec).clone();
    spec.initial.state = state;
    engine(&Arc::new(spec), 1)
}
fn unit() -> UnitId {
    UnitId::from_idx(0)
}
fn try_to(engine: &mut Engine, action: UnitAction) -> Result<(), Rejection> {
    engine.apply(&Command::OperateUnit { unit: unit(), action }, ControlSource::Rest)
}
fn act(engine: &mut Engine, action: UnitAction) {
    try_to(engine, action).unwrap();
}
fn rack(engine: &mut Engine, rack_idx: usize, action: RackAction) {
    let command = Command::OperateRack { unit: unit(), rack_idx, action };
    engine.apply(&command, ControlSource::Rest).unwrap();
}
pub(super) fn defect(engine: &mut Engine, defect: Defect) {
    engine.apply(&Command::SetDefect { unit: unit(), defect }, ControlSource::Rest).unwrap();
}
pub(super) fn ticks(engine: &mut Engine, n: u64) {
    (0..n).for_each(|_| engine.step());
}
pub(super) fn state(engine: &Engine) -> UnitState {
    engine.units[0].state()
}
fn connected(engine: &Engine) -> Vec<bool> {
    unit_zero(engine).1.iter().map(|rack| rack.connected).collect()
}
/// Every move of a contactor of a rack so far: tick, which, closed.
fn moves(engine: &mut Engine, of: u16) -> Vec<(u64, Contactor, bool)> {
    let seen = see(engine);
    let moves = seen.events.after(0).filter_map(|(_, event)| match event.kind {
        EventKind::Contactor { rack_idx, contactor, closed } if rack_idx == of => {
            Some((event.at.elapsed_us() / 100_000, contactor, closed))
        }
        _ => None,
    });
    moves.collect()
}

#[test]
fn a_unit_comes_up_step_by_step_and_every_contactor_that_moves_is_an_event() {
    let mut engine = started(&small(1, 2, 16), UnitState::Off);
    act(&mut engine, UnitAction::Start);
    let mut bus_v = Vec::new();
    for _ in 0..90 {
        engine.step();
        bus_v.push(unit_zero(&engine).0.dc.voltage.0);
    }
    assert_eq!(state(&engine), UnitState::Running);
    let expected = [
        (30, Contactor::Negative, true),
        (35, Contactor::Precharge, true),
        (53, Contactor::Positive, true),
        (63, Contactor::Precharge, false),
    ];
    assert_eq!(moves(&mut engine, 1), expected);
    let rack_v = unit_zero(&engine).1[0].truth.voltage.0;
    // Six tenths of a second after the precharge contactor: 1 - 1/e.
    let share = bus_v[40] / rack_v;
    assert!(
        bus_v[34] < 1e-9 && (share - (1.0 - bess_core::math::exp(-1.0))).abs() < 1e-3,
        "{share}"
    );
    assert!(bus_v.is_sorted_by(|a, b| *a <= *b + 0.1), "{bus_v:?}");
    let seen = see(&mut engine);
    let states: Vec<(f64, UnitState, Trigger)> = seen
        .events
        .after(0)
        .filter_map(|(_, event)| match event.kind {
            EventKind::State { to, trigger, .. } => Some((event.at.elapsed_s(), to, trigger)),
            _ => None,
        })
        .collect();
    let expected = [
        (0.0, UnitState::Initialising, Trigger::Start),
        (3.0, UnitState::Precharge, Trigger::SelfTestPassed),
        (6.3, UnitState::Standby, Trigger::Precharged),
        (6.4, UnitState::Synchronising, Trigger::Start),
        (8.4, UnitState::Running, Trigger::Synchronised),
    ];
    assert_eq!(states, expected);
    assert_eq!(seen.units[0].state_since, Tick(84));
}

#[test]
fn a_welded_contactor_is_found_when_the_unit_is_stopped_and_a_new_one_lets_it_run_again() {
    let mut engine = started(&small(1, 2, 16), UnitState::Running);
    let (rack_idx, contactor) = (1, Contactor::Positive);
    let fault = ContactorFault::Welded;
    let welded = Defect::Contactor { rack_idx, contactor, fault };
    defect(&mut engine, welded);
    ticks(&mut engine, 100);
    assert_eq!(state(&engine), UnitState::Running);
    assert!(unit_zero(&engine).0.alarms.is_empty(), "nobody can know");
    act(&mut engine, UnitAction::Stop);
    ticks(&mut engine, 5);
    assert_eq!(state(&engine), UnitState::Fault);
    let (view, racks) = unit_zero(&engine);
    assert!(view.alarms.has(AlarmCode::ContactorFault));
    assert_eq!(racks[1].contactors, [false, false, true]);
    assert!(!racks[1].connected, "the other line is open");
    let refused = try_to(&mut engine, UnitAction::ResetAlarms);
    assert!(matches!(
        refused,
        Err(Rejection::ResetRefused { alarm, .. })
            if alarm.code == AlarmCode::ContactorFault && alarm.rack_idx == Some(1)
    ));
    defect(&mut engine, welded.ended());
    // The protection sees that it is whole at the end of the next tick.
    ticks(&mut engine, 1);
    act(&mut engine, UnitAction::ResetAlarms);
    ticks(&mut engine, 2);
    assert_eq!(state(&engine), UnitState::Off);
    act(&mut engine, UnitAction::Start);
    ticks(&mut engine, 90);
    assert_eq!((state(&engine), connected(&engine)), (UnitState::Running, vec![true; 2]));
}

#[test]
fn a_stuck_contactor_is_found_when_the_unit_comes_up() {
    let mut engine = started(&small(1, 2, 16), UnitState::Off);
    let (contactor, fault) = (Contactor::Negative, ContactorFault::Stuck);
    defect(&mut engine, Defect::Contactor { rack_idx: 0, contactor, fault });
    act(&mut engine, UnitAction::Start);
    ticks(&mut engine, 29);
    assert_eq!(state(&engine), UnitState::Initialising);
    ticks(&mut engine, 3);
    assert_eq!(state(&engine), UnitState::Fault);
    assert!(unit_zero(&engine).0.alarms.has(AlarmCode::ContactorFault));
}

#[test]
fn a_bus_that_does_not_come_up_ends_in_a_fault_until_the_resistor_is_whole_again() {
    let mut engine = started(&small(1, 2, 16), UnitState::Off);
    defect(&mut engine, Defect::Precharge(true));
    act(&mut engine, UnitAction::Start);
    // Self test, negative contactors, time-out; the alarm is seen a tick later.
    ticks(&mut engine, 30 + 5 + 150);
    assert_eq!(state(&engine), UnitState::Precharge);
    ticks(&mut engine, 1);
    assert_eq!(state(&engine), UnitState::Fault);
    assert!(unit_zero(&engine).0.alarms.has(AlarmCode::PrechargeFailed));
    assert!(try_to(&mut engine, UnitAction::Start).is_err());
    defect(&mut engine, Defect::Precharge(false));
    ticks(&mut engine, 1);
    act(&mut engine, UnitAction::ResetAlarms);
    act(&mut engine, UnitAction::Start);
    ticks(&mut engine, 90);
    assert_eq!(state(&engine), UnitState::Running);
    assert!(unit_zero(&engine).0.alarms.is_empty());
}

#[test]
fn an_emergency_stop_cuts_the_power_at_once_and_energy_still_adds_up() {
    let mut engine = started(&small(1, 2, 16), UnitState::Running);
    set_unit(&mut engine, 0, 8_000.0);
    let (mut dc_j, mut ac_j) = (0.0, 0.0);
    let mut step = |engine: &mut Engine| {
        engine.step();
        let view = unit_zero(engine).0;
        dc_j += view.dc.power.0 * TICK_S;
        ac_j += view.ac.active_power.0 * TICK_S;
        view
    };
    let running = (0..100).map(|_| step(&mut engine)).last().unwrap();
    assert!((running.ac.active_power.0 - 8_000.0).abs() < 10.0);
    act(&mut engine, UnitAction::EmergencyStop);
    assert!(unit_zero(&engine).0.ac.active_power.0.abs() < 1e-9, "before the next tick");
    let stopped = step(&mut engine);
    assert!(stopped.ac.active_power.0.abs() < 1e-9 && stopped.dc.power.0.abs() < 1e-9);
    assert_eq!(connected(&engine), [false; 2]);
    let after = (0..50).map(|_| step(&mut engine)).last().unwrap();
    let chemical_j = after.chemical_energy_drawn.0 - after.totals.cell_loss.0;
    assert!((chemical_j - dc_j).abs() < 1e-6 * dc_j + 1e-3, "{chemical_j} {dc_j}");
    let net_j = after.totals.discharged.0 - after.totals.charged.0;
    assert!((net_j - ac_j).abs() < 1e-6 * ac_j, "{net_j} {ac_j}");

    assert!(matches!(
        try_to(&mut engine, UnitAction::ResetAlarms),
        Err(Rejection::ResetRefused { alarm, .. }) if alarm.code == AlarmCode::EmergencyStop
    ));
    act(&mut engine, UnitAction::ReleaseEmergencyStop);
    assert!(try_to(&mut engine, UnitAction::Start).is_err());
    act(&mut engine, UnitAction::ResetAlarms);
    assert_eq!(state(&engine), UnitState::Off);
    act(&mut engine, UnitAction::Start);
    ticks(&mut engine, 90);
    assert_eq!(state(&engine), UnitState::Running);
}

#[test]
fn a_rack_that_is_taken_out_opens_and_comes_back_when_its_voltage_matches() {
    let spec = farm_with(2, |design| design.sequence.rack_match_v = 0.3);
    let mut engine = started(&spec, UnitState::Running);
    ticks(&mut engine, 10);
    rack(&mut engine, 1, RackAction::Disconnect);
    ticks(&mut engine, 2);
    assert_eq!(connected(&engine), [true, false]);
    let expected = [(11, Contactor::Positive, false), (12, Contactor::Negative, false)];
    assert_eq!(moves(&mut engine, 1), expected);
    assert!(!unit_zero(&engine).1[1].enabled);
    // The other rack alone is charged, and its voltage runs away from the one that waits.
    set_unit(&mut engine, 0, -4_000.0);
    ticks(&mut engine, 6_000);
    rack(&mut engine, 1, RackAction::Connect);
    ticks(&mut engine, 10);
    let (_, racks) = unit_zero(&engine);
    let difference_v = racks[0].truth.voltage.0 - racks[1].truth.voltage.0;
    assert!(difference_v > 0.3, "{difference_v}");
    assert_eq!((connected(&engine), racks[1].enabled), (vec![true, false], true), "it waits");
    set_unit(&mut engine, 0, 4_000.0);
    let waited = (0..9_000).find(|_| {
        engine.step();
        connected(&engine)[1]
    });
    assert!(waited.is_some());
}

#[test]
fn a_rack_far_from_the_others_stays_open_when_the_unit_comes_up() {
    let spec = farm_with(3, |design| design.sequence.rack_match_v = 0.3);
    let mut engine = started(&spec, UnitState::Running);
    for rack_idx in [0, 1] {
        rack(&mut engine, rack_idx, RackAction::Disconnect);
    }
    set_unit(&mut engine, 0, -3_000.0);
    ticks(&mut engine, 6_000);
    act(&mut engine, UnitAction::Stop);
    for rack_idx in [0, 1] {
        rack(&mut engine, rack_idx, RackAction::Connect);
    }
    set_unit(&mut engine, 0, 0.0);
    ticks(&mut engine, 50);
    act(&mut engine, UnitAction::Start);
    ticks(&mut engine, 90);
    assert_eq!(state(&engine), UnitState::Running);
    assert_eq!(connected(&engine), [true, true, false]);
}

#[test]
fn a_fuse_that_blows_opens_its_rack_and_the_others_go_on() {
    let spec = farm_with(2, |design| {
        design.sequence = SequenceSpec { fuse_a: 60.0, fuse_i2t: 500.0, ..design.sequence };
    });
    let mut engine = started(&spec, UnitState::Running);
    set_unit(&mut engine, 0, 5_000.0);
    ticks(&mut engine, 200);
    assert_eq!(connected(&engine), [true; 2], "50 A and less for ever");
    rack(&mut engine, 1, RackAction::Disconnect);
    ticks(&mut engine, 200);
    assert_eq!(connected(&engine), [false; 2], "100 A are too much for one");
    let (_, racks) = unit_zero(&engine);
    assert!(!racks[0].fuse_whole && racks[1].fuse_whole);
    let seen = see(&mut engine);
    let blown = seen.events.after(0).filter(|(_, event)| event.kind.name() == "fuse").count();
    assert_eq!(blown, 1);
    set_unit(&mut engine, 0, 2_000.0);
    defect(&mut engine, Defect::Fuse { rack_idx: 0, blown: false });
    rack(&mut engine, 1, RackAction::Connect);
    ticks(&mut engine, 20);
    assert_eq!(connected(&engine), [true; 2]);
    assert!((unit_zero(&engine).0.ac.active_power.0 - 2_000.0).abs() < 10.0);
}

#[test]
fn a_unit_says_that_it_is_derated_while_its_battery_cuts_what_is_asked_for() {
    let mut spec = (*small(1, 1, 16)).clone();
    spec.initial.soc = 0.97;
    let mut engine = engine(&Arc::new(spec), 1);
    set_unit(&mut engine, 0, -8_000.0);
    let derated = (0..20_000).find(|_| {
        engine.step();
        state(&engine) == UnitState::Derated
    });
    assert!(derated.is_some());
    let view = unit_zero(&engine).0;
    assert!(-view.ac.active_power.0 < 7_999.0, "{}", view.ac.active_power);
    set_unit(&mut engine, 0, 1_000.0);
    ticks(&mut engine, 20);
    assert_eq!(state(&engine), UnitState::Running);
}

#[test]
fn a_forced_reading_is_what_limits_and_people_see_and_no_cell_feels_it() {
    let mut engine = started(&small(1, 1, 16), UnitState::Running);
    let reading = Reading::TemperatureMax;
    let forced = Defect::Reading { rack_idx: 0, reading, value: Some(90.0) };
    defect(&mut engine, forced);
    ticks(&mut engine, 20);
    let (view, racks) = unit_zero(&engine);
    assert!((racks[0].extremes.temperature_max.0 - 90.0).abs() < 1e-9);
    assert!((view.measured.extremes.temperature_max.0 - 90.0).abs() < 1e-9);
    assert!(racks[0].truth.extremes.temperature_max.0 < 30.0);
    assert!(view.available_discharge_power.0.abs() < 1e-9, "too hot to give anything");
    defect(&mut engine, forced.ended());
    ticks(&mut engine, 300);
    let view = unit_zero(&engine).0;
    assert!(view.measured.extremes.temperature_max.0 < 30.0);
    assert!(view.available_discharge_power.0 > 7_000.0);
}

#[test]
fn insulation_converter_heat_and_smoke_show_where_their_sensors_are() {
    let spec = farm_with(1, |design| {
        design.pcs_thermal = PcsThermalSpec { rise_k: 40.0, time_constant_s: 10.0 };
        // Without its protection, which would give less power when it is warm.
        design.protection = Arc::default();
    });
    let mut engine = started(&spec, UnitState::Running);
    set_unit(&mut engine, 0, 8_000.0);
    ticks(&mut engine, 1_000);
    let view = unit_zero(&engine).0;
    let warm_k = view.pcs_temperature.0 - engine.farm().ambient.0;
    assert!(warm_k > 20.0 && warm_k < 40.0, "{warm_k}");
    assert!((view.insulation_kohm - 1000.0).abs() < 1e-9 && !view.smoke);
    defect(&mut engine, Defect::PcsFan(true));
    defect(&mut engine, Defect::Insulation(Some(250.0)));
    ticks(&mut engine, 1_000);
    defect(&mut engine, Defect::SmokeDetector(true));
    ticks(&mut engine, 1);
    let view = unit_zero(&engine).0;
    let hot_k = view.pcs_temperature.0 - engine.farm().ambient.0;
    assert!((hot_k / warm_k - 4.0).abs() < 0.05, "{hot_k} {warm_k}");
    assert!((view.insulation_kohm - 200.0).abs() < 1e-9 && view.smoke);
}

#[test]
fn commands_are_events_at_the_start_of_the_tick_that_obeys_them() {
    let mut engine = started(&small(1, 1, 16), UnitState::Running);
    ticks(&mut engine, 12);
    act(&mut engine, UnitAction::EnterStandby);
    engine.step();
    let seen = see(&mut engine);
    let (_, event) = seen.events.after(0).next().unwrap();
    assert_eq!((event.at, event.unit), (Moment::within(Tick(13), 0.0), Some(unit())));
    assert!(event.kind.to_string().starts_with("running -> standby by enter_standby"));
}
