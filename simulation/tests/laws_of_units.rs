//! Laws of units under any sequence of commands, defects and disturbances.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

#[path = "laws_of_units/checkpoints.rs"]
mod checkpoints;

use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase, AlarmSet};
use bess_core::command::{Command, ControlChange, ControlSource, RackAction, UnitAction};
use bess_core::config::parse_farm;
use bess_core::control::{
    CapacityChange, EnterServiceChange, FunctionName, FunctionsChange, LossAction, TripCurveChange,
    TripsChange, WatchdogSettings,
};
use bess_core::defect::{CellDefect, ContactorFault, Defect, Distortion, PCS_TRIPS, Reading};
use bess_core::event::{Contactor, EventKind};
use bess_core::id::UnitId;
use bess_core::snapshot::{ClockMode, ClockView, Snapshot, UnitView};
use bess_core::spec::{Disturbance, DisturbanceKind};
use bess_core::state::{TRANSITIONS, UnitState};
use bess_core::units::{Vars, Watts};
use bess_simulation::{Engine, EngineOptions, Inputs};
use proptest::prelude::*;
use std::sync::Arc;

/// Two small units that come back from the grid quickly.
const FARM: &str = r#"
[farm]
name = "laws"
nominal_frequency_hz = 50

[[units]]
count = 2
chemistry = "lfp-314"
racks = 2
cells_in_series = 16

[units.bms]
ideal = true

[units.pcs]
rated_power_kw = 8
rated_apparent_power_kva = 9

[units.cooling]
kind = "liquid"

[units.sequence]
self_test_s = 0.5
synchronise_s = 0.5

[units.grid_code.enter_service]
delay_s = 3
ramp_s = 3
"#;
const RATED_W: f64 = 8_000.0;
const RATED_VA: f64 = 9_000.0;
const RATED_VAR: f64 = 0.44 * RATED_VA;
const RACKS: usize = 2;

fn engine(workers: usize) -> Engine {
    let spec = parse_farm("farm.toml", FARM, &|_| Err("no files here".to_owned())).unwrap();
    Engine::new(
        Arc::new(spec),
        Inputs::default(),
        EngineOptions { workers, ..EngineOptions::default() },
    )
}

fn see(engine: &mut Engine) -> Arc<Snapshot> {
    engine.snapshot(ClockView { mode: ClockMode::Free, ..ClockView::default() }, 0, &[])
}

fn unit_ids() -> impl Strategy<Value = UnitId> {
    (0..2usize).prop_map(UnitId::from_idx)
}

/// Whatever a client, a scenario or the grid may do. What is terminal is left out: burnt cells, blown
/// fuses and welded contactors stay as they are.
fn any_command() -> impl Strategy<Value = Command> {
    let setpoint = (unit_ids(), -1.0..1.0f64).prop_map(|(unit, share)| Command::ControlUnit {
        unit,
        change: ControlChange::active_power(Watts(share * RATED_W)),
    });
    let ramp = (unit_ids(), 0.2..100.0f64).prop_map(|(unit, pct)| Command::ControlUnit {
        unit,
        change: ControlChange { ramp_pct_per_s: Some(pct), ..ControlChange::default() },
    });
    let functions = (unit_ids(), 0..8usize).prop_map(|(unit, which)| Command::ControlUnit {
        unit,
        change: ControlChange {
            functions: Some([FunctionName::ALL[which].1].into_iter().collect()),
            ..ControlChange::default()
        },
    });
    let watchdog = (unit_ids(), 0..6usize, 0.0..3.0f64).prop_map(|(unit, action, timeout_s)| {
        let watchdog = WatchdogSettings {
            timeout_s,
            action: LossAction::ALL[action].1,
            value_w: 1000.0,
            ..WatchdogSettings::default()
        };
        let change = ControlChange { watchdog: watchdog.into(), ..ControlChange::default() };
        Command::ControlUnit { unit, change }
    });
    let heartbeat = (unit_ids(), 0..5u32).prop_map(|(unit, value)| Command::ControlUnit {
        unit,
        change: ControlChange { controller_heartbeat: Some(value), ..ControlChange::default() },
    });
    let action = (unit_ids(), 0..UnitAction::ALL.len())
        .prop_map(|(unit, which)| Command::OperateUnit { unit, action: UnitAction::ALL[which].1 });
    let start =
        unit_ids().prop_map(|unit| Command::OperateUnit { unit, action: UnitAction::Start });
    let rack = (unit_ids(), 0..RACKS, any::<bool>()).prop_map(|(unit, rack_idx, on)| {
        let action = if on { RackAction::Connect } else { RackAction::Disconnect };
        Command::OperateRack { unit, rack_idx, action }
    });
    let farm = (-1.0..1.0f64).prop_map(|share| Command::SetFarmPower {
        active: Watts(share * 2.0 * RATED_W),
        reactive: None,
    });
    let grid = (0..3usize, 0.0..1.3f64, 0.01..2.0f64).prop_map(|(kind, value, duration_s)| {
        let kind = match kind {
            0 => DisturbanceKind::Voltage(value),
            1 => DisturbanceKind::Frequency(47.0 + 5.0 * value),
            _ => DisturbanceKind::Outage,
        };
        Command::Disturb(Disturbance { kind, duration_s })
    });
    let defect = (unit_ids(), any_defect(), any::<bool>()).prop_map(|(unit, defect, ends)| {
        Command::SetDefect { unit, defect: if ends { defect.ended() } else { defect } }
    });
    let reactive = (unit_ids(), -1.0..1.0f64).prop_map(|(unit, share)| Command::ControlUnit {
        unit,
        change: ControlChange::default().with_reactive_power(Vars(share * RATED_VAR)),
    });
    let capacity = (unit_ids(), 0..6usize, 0.01..1.0f64).prop_map(|(unit, which, share)| {
        let change = ControlChange { capacity: rated_down(which, share), ..Default::default() };
        Command::ControlUnit { unit, change }
    });
    let permit = (unit_ids(), any::<bool>()).prop_map(|(unit, permitted)| Command::ControlUnit {
        unit,
        change: ControlChange { enter_service: permit(permitted), ..ControlChange::default() },
    });
    let trips = (unit_ids(), 0.0..0.95f64, 0.0..2.0f64, any::<bool>()).prop_map(
        |(unit, threshold, clearing_s, enabled)| {
            let points = Some(vec![(threshold, clearing_s)]);
            let under_voltage = TripCurveChange { enabled: Some(enabled), points };
            let trips = TripsChange { under_voltage, ..TripsChange::default() };
            let change = Box::new(FunctionsChange { trips, ..FunctionsChange::default() });
            Command::ConfigureUnit { unit, change }
        },
    );
    prop_oneof![
        1 => reactive, 2 => capacity, 1 => permit, 1 => trips,
        4 => setpoint, 1 => ramp, 1 => functions, 1 => watchdog, 1 => heartbeat, 2 => action,
        3 => start, 1 => rack, 1 => farm, 1 => grid, 3 => defect,
    ]
}

/// One of a unit's largest powers at this share of its rating.
fn rated_down(which: usize, share: f64) -> CapacityChange {
    let mut change = CapacityChange::default();
    let (slot, rating) = match which {
        0 => (&mut change.active_max_w, RATED_W),
        1 => (&mut change.discharge_max_w, RATED_W),
        2 => (&mut change.charge_max_w, RATED_W),
        3 => (&mut change.reactive_injected_max_var, RATED_VAR),
        4 => (&mut change.reactive_absorbed_max_var, RATED_VAR),
        _ => (&mut change.apparent_max_va, RATED_VA),
    };
    *slot = Some(share * rating);
    change
}

fn permit(permitted: bool) -> EnterServiceChange {
    EnterServiceChange { permitted: Some(permitted), ..EnterServiceChange::default() }
}

fn any_defect() -> impl Strategy<Value = Defect> {
    let n_kinds = 9 + of_the_converter(0).len();
    (0..n_kinds, 0..RACKS, 0..12usize).prop_map(|(kind, rack_idx, which)| match kind {
        0 => {
            // From harmless to critical.
            let value = [3.0, 3.7, 2.0, 90.0, -20.0][which % 5];
            let (_, reading, ..) = Reading::ALL[which.min(3)];
            Defect::Reading { rack_idx, reading, value: Some(value) }
        }
        1 => Defect::Precharge(true),
        2 => Defect::Insulation(Some(0.5)),
        3 => Defect::BmsCommunication(true),
        4 => Defect::PcsFan(true),
        5 => Defect::SmokeDetector(true),
        6 => Defect::Contactor {
            rack_idx,
            contactor: Contactor::Positive,
            fault: ContactorFault::Stuck,
        },
        7 => Defect::Chiller(true),
        8 => hidden(rack_idx, which),
        kind => of_the_converter(which % 5)[kind - 9],
    })
}

/// What nobody sees at once.
fn hidden(rack_idx: usize, which: usize) -> Defect {
    let cell = |defect| Defect::Cell { rack_idx, cell_idx: 3, defect };
    match which {
        0 => cell(CellDefect::Capacity(0.5)),
        1 => cell(CellDefect::Resistance(5.0)),
        2 => cell(CellDefect::Leak(2.0)),
        3 => cell(CellDefect::Joint(0.01)),
        4 => Defect::DcArc { rack_idx, power_w: 200.0 },
        5 => Defect::RackOpen { rack_idx, open: true },
        6 => Defect::SlowPrecharge(3.0),
        7 => Defect::BmsFrozen(true),
        8 => Defect::BmsLimits { charge: 0.5, discharge: 2.0 },
        9 => Defect::ThresholdShift { degc: -10.0, volts: 0.1 },
        10 => Defect::NuisanceTrip { code: Some(AlarmCode::CellOverTemperature) },
        _ => Defect::Sensor {
            quantity: Reading::Current,
            rack_idx: Some(rack_idx),
            distortion: Distortion { gain: -1.0, noise_sd: 5.0, ..Distortion::NONE },
        },
    }
}

/// Faults of converter, enclosure and supply.
fn of_the_converter(which: usize) -> [Defect; 11] {
    [
        Defect::PcsTrip { code: Some(PCS_TRIPS[which]) },
        Defect::PcsDerate(which as f64 / 5.0),
        Defect::SetpointIgnored(true),
        Defect::PcsInverted(true),
        Defect::PcsLoss(which as f64),
        Defect::MomentaryCessation { below_pu: 0.8, recovery_s: which as f64 },
        Defect::RelayShift { voltage_pu: 0.05, time_factor: 0.1 },
        Defect::StartStuck(true),
        Defect::RecoveryTrip(true),
        Defect::Suppression(true),
        Defect::AuxSupplyOff(true),
    ]
}

/// Everything that [`any_defect`] can make, ended.
fn mend(engine: &mut Engine) {
    for unit in (0..2).map(UnitId::from_idx) {
        let mut ends = vec![
            Defect::Precharge(false),
            Defect::Insulation(None),
            Defect::BmsCommunication(false),
            Defect::PcsFan(false),
            Defect::SmokeDetector(false),
            Defect::Chiller(false),
        ];
        ends.extend(of_the_converter(0).map(Defect::ended));
        for rack_idx in 0..RACKS {
            for (_, reading, ..) in Reading::ALL.into_iter().take(Reading::N_OF_RACK) {
                ends.push(Defect::Reading { rack_idx, reading, value: None });
            }
            ends.extend((0..12).map(|which| hidden(rack_idx, which).ended()));
            let contactor = Contactor::Positive;
            ends.push(Defect::Contactor { rack_idx, contactor, fault: ContactorFault::None });
        }
        for defect in ends {
            engine.apply(&Command::SetDefect { unit, defect }, ControlSource::Schedule).unwrap();
        }
    }
}

fn commands() -> impl Strategy<Value = Vec<(Command, u8)>> {
    proptest::collection::vec((any_command(), 1..40u8), 1..40)
}

fn is_critical(snapshot: &Snapshot, unit: UnitId) -> Option<(AlarmKey, AlarmPhase)> {
    let states = snapshot.alarms.iter();
    states
        .filter(|state| state.unit == unit && state.is_standing())
        .find(|state| state.key.level == AlarmLevel::Critical)
        .map(|state| (state.key, state.phase))
}

/// The sets that the objects of a unit make: of the whole unit, and of each rack.
fn sets_of(snapshot: &Snapshot, unit: UnitId) -> (AlarmSet, Vec<AlarmSet>) {
    let keys: Vec<AlarmKey> = snapshot
        .alarms
        .iter()
        .filter(|state| state.unit == unit && state.is_standing())
        .map(|state| state.key)
        .collect();
    let of_rack = |rack_idx: usize| {
        let own = keys.iter().copied();
        own.filter(|key| key.rack_idx == Some(rack_idx as u16)).collect()
    };
    (keys.iter().copied().collect(), (0..RACKS).map(of_rack).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_power_stays_within_what_was_published_and_states_within_the_table(
        commands in commands(),
    ) {
        let mut engine = engine(1);
        let mut before = see(&mut engine);
        for (command, ticks) in &commands {
            let hash = engine.state_hash();
            let refused = engine.apply(command, ControlSource::Rest).is_err();
            let reset = matches!(
                command,
                Command::OperateUnit { action: UnitAction::ResetAlarms, .. }
            );
            // A reset that is refused is counted at its alarm, and that is all.
            if refused && !reset {
                prop_assert_eq!(hash, engine.state_hash(), "refused {:?}", command);
            }
            // What a command changes is published before anything is made of it.
            engine.look();
            before = see(&mut engine);
            for _ in 0..*ticks {
                engine.step();
                let now = see(&mut engine);
                check_tick(&before, &now)?;
                before = now;
            }
        }
        check_log(&before)?;
    }

    #[test]
    fn no_sequence_of_commands_leads_past_a_critical_alarm_but_an_accepted_reset(
        commands in commands(),
    ) {
        let mut engine = engine(1);
        let (unit, source) = (UnitId::from_idx(0), ControlSource::Rest);
        let defect = Defect::SmokeDetector(true);
        engine.apply(&Command::SetDefect { unit, defect }, source).unwrap();
        (0..50).for_each(|_| engine.step());
        prop_assert_eq!(see(&mut engine).units[0].state, UnitState::Fault);
        for (command, ticks) in &commands {
            let is_there = see(&mut engine).units[0].smoke;
            let resets = Command::OperateUnit { unit, action: UnitAction::ResetAlarms };
            let accepted = engine.apply(command, source).is_ok();
            if accepted && *command == resets {
                prop_assert!(!is_there, "a reset was taken with the smoke still there");
                break;
            }
            // With its cause or without it, the alarm stands until that.
            for _ in 0..*ticks {
                engine.step();
                let now = see(&mut engine);
                prop_assert!(is_critical(&now, unit).is_some());
                prop_assert!(!now.units[0].state.converts() && now.units[0].racks_connected == 0);
                check_log(&now)?;
            }
        }
    }

    #[test]
    fn after_every_fault_that_is_mended_and_reset_the_unit_runs_again(commands in commands()) {
        let mut engine = engine(1);
        for (command, ticks) in &commands {
            let _ = engine.apply(command, ControlSource::Rest);
            (0..*ticks).for_each(|_| engine.step());
        }
        mend(&mut engine);
        // Longer than any disturbance, any release and the restart after a trip.
        engine.run(4_500, &mut |_, _| {});
        for unit in (0..2).map(UnitId::from_idx) {
            let operate = |engine: &mut Engine, action| {
                let _ = engine.apply(&Command::OperateUnit { unit, action }, ControlSource::Local);
            };
            for action in [
                UnitAction::ReleaseEmergencyStop,
                UnitAction::EndMaintenance,
                UnitAction::Remote,
                UnitAction::ResetAlarms,
                UnitAction::Stop,
            ] {
                operate(&mut engine, action);
                (0..30).for_each(|_| engine.step());
            }
            for rack_idx in 0..RACKS {
                let action = RackAction::Connect;
                let command = Command::OperateRack { unit, rack_idx, action };
                engine.apply(&command, ControlSource::Local).unwrap();
            }
            // Nobody beats for a watch that may have been set.
            let change = ControlChange {
                watchdog: WatchdogSettings::default().into(),
                enter_service: permit(true),
                ..ControlChange::default()
            };
            engine.apply(&Command::ControlUnit { unit, change }, ControlSource::Local).unwrap();
            operate(&mut engine, UnitAction::Start);
        }
        engine.run(600, &mut |_, _| {});
        let now = see(&mut engine);
        for view in &now.units {
            prop_assert!(
                matches!(view.state, UnitState::Running | UnitState::Derated | UnitState::Fallback),
                "{:?} {:?}",
                view.state,
                now.alarms
            );
        }
    }

    #[test]
    fn tick_by_tick_many_at_a_time_and_on_several_workers_the_same_happens(
        commands in commands(),
    ) {
        let play = |workers: usize, at_once: bool| {
            let mut engine = engine(workers);
            for (command, ticks) in &commands {
                let _ = engine.apply(command, ControlSource::Rest);
                if at_once {
                    engine.run(u64::from(*ticks) * 5, &mut |_, _| {});
                } else {
                    (0..u64::from(*ticks) * 5).for_each(|_| engine.step());
                }
            }
            let seen = see(&mut engine);
            let events: Vec<String> =
                seen.events.after(0).map(|(_, event)| format!("{event:?}")).collect();
            (engine.state_hash(), events)
        };
        let single = play(1, false);
        prop_assert_eq!(&play(1, true), &single);
        prop_assert_eq!(&play(2, true), &single);
        prop_assert_eq!(&play(3, false), &single);
    }
}

/// What must be so from one tick to the next.
fn check_tick(before: &Snapshot, now: &Snapshot) -> Result<(), TestCaseError> {
    // At the POI what the auxiliaries change within the tick comes on top.
    let slack_w = (now.farm.auxiliary_power - before.farm.auxiliary_power).0.abs() + 0.04 * RATED_W;
    let poi_w = now.farm.active_power.0;
    prop_assert!(poi_w <= before.farm.available_discharge_power.0 + slack_w, "{poi_w} W");
    prop_assert!(poi_w >= -before.farm.available_charge_power.0 - slack_w, "{poi_w} W");
    for (idx, (was, is)) in before.units.iter().zip(&now.units).enumerate() {
        let unit = UnitId::from_idx(idx);
        let power_w = is.ac.active_power.0;
        let most_w = was.available_discharge_power.0.max(0.0);
        let least_w = -was.available_charge_power.0;
        // An empty battery cannot feed the converter's own losses: the grid does.
        let losses_w = if most_w > 0.0 { 0.0 } else { 0.02 * RATED_W };
        prop_assert!(
            (least_w - losses_w - 1e-6..=most_w + 1e-6).contains(&power_w),
            "unit {unit}: {power_w} W of {least_w} to {most_w}, {:?}",
            is.state
        );
        check_settings(is, losses_w)?;
        let critical = is_critical(now, unit);
        prop_assert!(critical.is_none() || !is.state.converts(), "{critical:?} {:?}", is.state);
        let (set, of_racks) = sets_of(now, unit);
        prop_assert_eq!(is.alarms, set);
        for (rack, set) in now.racks_of(unit).iter().zip(of_racks) {
            prop_assert_eq!(rack.alarms, set);
        }
        if !is.state.row().is_connected {
            prop_assert!(power_w == 0.0 || was.state != is.state, "{:?} gives {power_w}", is.state);
        }
    }
    Ok(())
}

/// A unit never gives more than it is rated down to, and nothing without its permit.
fn check_settings(view: &UnitView, losses_w: f64) -> Result<(), TestCaseError> {
    let (ac, capacity) = (&view.ac, &view.control.capacity);
    let most_w = capacity.active_max_w.min(capacity.apparent_max_va);
    let (p_w, q_var) = (ac.active_power.0, ac.reactive_power.0);
    prop_assert!(p_w <= most_w.min(capacity.discharge_max_w) + 1e-6, "{p_w} W of {capacity:?}");
    let charge_w = most_w.min(capacity.charge_max_w) + losses_w;
    prop_assert!(p_w >= -charge_w - 1e-6, "{p_w} W of {capacity:?}");
    prop_assert!(q_var <= capacity.reactive_injected_max_var + 1e-6, "{q_var} of {capacity:?}");
    prop_assert!(q_var >= -capacity.reactive_absorbed_max_var - 1e-6, "{q_var} of {capacity:?}");
    let losses_va = capacity.apparent_max_va + losses_w + 1e-6;
    prop_assert!(ac.apparent_power.0 <= losses_va, "{:?} of {capacity:?}", ac.apparent_power);
    prop_assert!(view.available_discharge_power.0 <= most_w.min(capacity.discharge_max_w) + 1e-6);
    prop_assert!(view.available_charge_power.0 <= most_w.min(capacity.charge_max_w) + 1e-6);
    let may_convert = view.control.enter_service.permitted || view.state == UnitState::Stopping;
    prop_assert!(may_convert || !view.state.converts(), "{:?} without a permit", view.state);
    Ok(())
}

/// The chain of states in the log is gapless, each step is in the table, and it ends where units are.
fn check_log(snapshot: &Snapshot) -> Result<(), TestCaseError> {
    prop_assert_eq!(snapshot.events.first(), 1, "the log still has everything");
    for (idx, view) in snapshot.units.iter().enumerate() {
        let unit = UnitId::from_idx(idx);
        let mut state = UnitState::Running;
        let own = snapshot.events.after(0).filter(|(_, event)| event.unit == Some(unit));
        for (_, event) in own {
            let EventKind::State { from, to, trigger, .. } = event.kind else { continue };
            prop_assert_eq!(from, state);
            let is_row = TRANSITIONS
                .iter()
                .any(|(states, on, next)| states.contains(&from) && *on == trigger && *next == to);
            prop_assert!(is_row, "{from:?} -> {to:?} by {trigger:?}");
            state = to;
        }
        prop_assert_eq!(state, view.state);
    }
    Ok(())
}
