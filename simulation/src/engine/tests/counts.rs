//! What is counted since the start: trips and alarms by cause, and what somebody makes wrong.

use super::*;
use bess_core::alarm::AlarmCode;
use bess_core::defect::{Defect, Reading};
use bess_core::event::EventKind;
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::link::{LinkCondition, LinkEffect, LinkScope};
use bess_core::snapshot::{Counts, FaultPlane};
use bess_core::spec::{Disturbance, DisturbanceKind};
use bess_core::state::Trigger;

fn apply(engine: &mut Engine, command: &Command) {
    engine.apply(command, ControlSource::Rest).unwrap();
}
fn counts(engine: &mut Engine) -> Counts {
    see(engine).counts
}
fn disturb(engine: &mut Engine, kind: DisturbanceKind, duration_s: f64) {
    apply(engine, &Command::Disturb(Disturbance { kind, duration_s }));
}

#[test]
fn trips_are_counted_by_their_alarm_and_their_sum_is_that_of_the_units() {
    let mut engine = engine(&small(3, 1, 16), 1);
    (0..20).for_each(|_| engine.step());
    assert_eq!(counts(&mut engine), Counts::default());
    disturb(&mut engine, DisturbanceKind::Voltage(0.3), 5.0);
    engine.run(80, &mut |_, _| {});
    let seen = see(&mut engine);
    let trips = seen.counts.trips;
    assert_eq!(trips[AlarmCode::AcUnderVoltage as usize], 3);
    assert_eq!(trips.iter().sum::<u64>(), seen.farm.trips);
    assert_eq!(seen.counts.alarms_raised[AlarmCode::AcUnderVoltage as usize], 3);
    let events = seen
        .events
        .after(0)
        .filter(|(_, event)| matches!(event.kind, EventKind::State { trigger: Trigger::Trip, .. }));
    assert_eq!(events.count(), 3);
}

#[test]
fn what_is_wrong_is_counted_by_plane_while_it_lasts() {
    let mut engine = engine(&small(2, 1, 16), 1);
    let unit = UnitId::from_idx(1);
    let reading = |value| Defect::Reading { rack_idx: 0, reading: Reading::Current, value };
    for defect in [
        Defect::Pump(true),
        // It replaces nothing, and is no second one.
        Defect::Pump(true),
        Defect::Fan(true),
        Defect::Fan(false),
        reading(Some(1.0)),
        reading(Some(2.0)),
    ] {
        apply(&mut engine, &Command::SetDefect { unit, defect });
    }
    let condition = LinkCondition {
        name: "slow".to_owned(),
        effect: LinkEffect::Drop,
        scope: LinkScope::default(),
        probability: 1.0,
        seed: 7,
        until: None,
    };
    apply(&mut engine, &Command::SetLink(Box::new(condition)));
    let point = ForcedPoint { unit: None, point: "a".to_owned(), value: ForcedValue::Number(1.0) };
    apply(&mut engine, &Command::ForcePoint(Box::new(point)));
    disturb(&mut engine, DisturbanceKind::Frequency(49.9), 0.5);
    engine.step();
    let now = counts(&mut engine);
    let planes = ["device", "sensor", "transport", "grid", "point", "controller", "infrastructure"];
    assert_eq!(FaultPlane::NAMES, planes);
    assert_eq!(now.faults_active, [1, 1, 1, 1, 1, 0, 0]);
    assert_eq!(now.faults_injected, [3, 2, 1, 1, 1, 0, 0]);
    (0..10).for_each(|_| engine.step());
    apply(&mut engine, &Command::ClearLink { name: None });
    apply(&mut engine, &Command::ReleasePoint { unit: None, point: None });
    apply(&mut engine, &Command::SetDefect { unit, defect: Defect::Pump(false) });
    apply(&mut engine, &Command::SetDefect { unit, defect: reading(None) });
    let after = counts(&mut engine);
    assert_eq!(after.faults_active, [0; 7]);
    assert_eq!(after.faults_injected, now.faults_injected);
}

#[test]
fn a_refused_command_makes_nothing_wrong() {
    let mut engine = engine(&small(1, 1, 16), 1);
    let unit = UnitId::from_idx(0);
    let defect = Defect::Fuse { rack_idx: 7, blown: true };
    let refused = engine.apply(&Command::SetDefect { unit, defect }, ControlSource::Rest);
    assert!(refused.is_err());
    assert_eq!(counts(&mut engine), Counts::default());
}

#[test]
fn the_phases_of_a_tick_are_told_in_their_order_and_change_no_bit() {
    #[derive(Default)]
    struct Heard(Vec<TickPhase>);
    impl PhaseMarks for Heard {
        fn ended(&mut self, phase: TickPhase) {
            self.0.push(phase);
        }
    }
    let spec = small(2, 1, 16);
    let (mut one, mut other) = (engine(&spec, 1), engine(&spec, 1));
    let mut heard = Heard::default();
    for _ in 0..30 {
        one.step_marked(&mut heard);
        other.step();
    }
    use TickPhase::{Grid, Plant, Sums, Units};
    assert_eq!(heard.0[..4], [Plant, Grid, Units, Sums]);
    assert_eq!(heard.0.len(), 4 * 30);
    assert_eq!(one.state_hash(), other.state_hash());
}
