//! Laws over any sequence of inputs and resets.

use super::*;
use proptest::prelude::*;

/// One thing that happens, for a number of ticks where it is a sight.
#[derive(Clone, Debug)]
enum Step {
    Sees { ticks: u16, rack: usize, volts: (f64, f64), degc: f64, current_a: f64, flags: u16 },
    Resets,
    GridTrips,
    GridClears,
}

fn step() -> impl Strategy<Value = Step> {
    let volts = (2.3..3.4_f64, 3.3..3.7_f64);
    let sees = (1..260_u16, 0..2_usize, volts, -15.0..70.0_f64, -300.0..300.0_f64, any::<u16>());
    prop_oneof![
        8 => sees.prop_map(|(ticks, rack, volts, degc, current_a, flags)| Step::Sees {
            ticks, rack, volts, degc, current_a, flags,
        }),
        3 => Just(Step::Resets),
        1 => Just(Step::GridTrips),
        1 => Just(Step::GridClears),
    ]
}

fn sights(step: &Step) -> ([RackSight; 2], UnitSight<'static>) {
    let (mut racks, mut unit) = ([HEALTHY; 2], UNIT);
    if let Step::Sees { rack, volts, degc, current_a, flags, .. } = step {
        // Flags are rare, so that much goes away again.
        let flag = |bit: u16| flags >> (bit % 16) & 0b11 == 0b11 && flags.count_ones() < 6;
        racks[*rack] = RackSight {
            voltage_min: (volts.0, 1),
            voltage_max: (volts.1, 2),
            temperature_max: (*degc, 4),
            current_a: *current_a,
            fuse_blown: flag(0),
            contactor_fault: flag(2),
            ..HEALTHY
        };
        unit.smoke = flag(4);
        unit.gas = flag(6);
        unit.emergency_stop = flag(8);
        unit.precharge_failed = flag(10);
        unit.cooling_failed = flag(12);
        unit.watch = WatchdogState::ALL[usize::from(flags & 3)];
    }
    (racks, unit)
}

/// Critical alarms that stand.
fn critical(bench: &Bench) -> Vec<AlarmKey> {
    let states = bench.protection.states().iter();
    let critical = states.filter(|s| s.key.level == AlarmLevel::Critical && s.is_standing());
    critical.map(|state| state.key).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_but_a_reset_after_the_cause_is_gone_takes_a_latched_alarm_away(
        steps in proptest::collection::vec(step(), 1..24),
    ) {
        let mut bench = Bench::new("lfp");
        for step in &steps {
            let before = critical(&bench);
            match step {
                Step::Sees { ticks, .. } => {
                    let (racks, unit) = sights(step);
                    (0..*ticks).for_each(|_| bench.step(&racks, unit));
                }
                Step::Resets => {
                    let at = Moment::end_of(bench.now);
                    match bench.protection.blocked_by() {
                        Some(key) => {
                            let refused = bench.protection.resets_refused();
                            bench.protection.refuse_reset(at, &mut bench.events);
                            prop_assert_eq!(bench.protection.resets_refused(), refused + 1);
                            prop_assert!(critical(&bench).contains(&key));
                            prop_assert_eq!(critical(&bench), before);
                        }
                        None => {
                            let latched =
                                |key: &AlarmKey| bench.phase(*key) == Some(AlarmPhase::Latched);
                            prop_assert!(before.iter().all(latched));
                            bench.protection.reset(at, &mut bench.events);
                            prop_assert!(critical(&bench).is_empty());
                        }
                    }
                    bench.assert_one_truth();
                    continue;
                }
                Step::GridTrips => {
                    let at = Moment::within(bench.now, 0.03);
                    let code = AlarmCode::AcOverFrequency;
                    bench.protection.grid_trip(code, at, 52.1, 52.0, &mut bench.events);
                }
                Step::GridClears => {
                    let at = Moment::end_of(bench.now);
                    bench.protection.grid_clear(AlarmCode::AcOverFrequency, at, &mut bench.events);
                }
            }
            let after = critical(&bench);
            prop_assert!(before.iter().all(|key| after.contains(key)), "{before:?} {after:?}");
            bench.assert_one_truth();
        }
        bench.assert_events_tell_all();
    }

    #[test]
    fn the_quiet_path_and_the_long_one_come_to_the_same(
        steps in proptest::collection::vec(step(), 1..12),
    ) {
        let (mut quick, mut slow) = (Bench::new("lfp"), Bench::new("lfp"));
        // Nothing is ever inside of this envelope.
        let never = |code| ProtectionElement {
            threshold: f64::NEG_INFINITY,
            ..fixed(code, AlarmLevel::Warning)
        };
        let narrow = ProtectionProfile {
            elements: vec![never(AlarmCode::CellOverVoltage), never(AlarmCode::SocHigh)],
            ..ProtectionProfile::default()
        };
        slow.protection.envelope = Envelope::of(&narrow, slow.protection.rack_max_v);
        for step in &steps {
            let (racks, unit) = sights(step);
            let ticks = if let Step::Sees { ticks, .. } = step { *ticks } else { 50 };
            for _ in 0..ticks {
                quick.step(&racks, unit);
                slow.step(&racks, unit);
            }
        }
        // As text, where a value that is not there is like another.
        let all = |bench: &Bench| format!("{:?} {:?}", bench.events, bench.protection.states());
        prop_assert_eq!(all(&quick), all(&slow));
    }
}
