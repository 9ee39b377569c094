//! Alarms that belong to the machine, what the profile's quantities do not look at, and derating.

use super::*;

#[test]
fn every_alarm_of_the_machine_has_its_level() {
    let rack = RackSight { contactor_fault: true, ..HEALTHY };
    let lost = UnitSight { watch: WatchdogState::Lost, watch_age_s: 61.0, ..UNIT };
    let unit = |code, level| AlarmKey::unit(code, level);
    let rows = [
        (
            UnitSight { precharge_failed: true, ..UNIT },
            unit(AlarmCode::PrechargeFailed, AlarmLevel::Critical),
        ),
        (lost, unit(AlarmCode::ControllerLost, AlarmLevel::Derate)),
        (
            UnitSight { dc_out_of_window: Some(990.0), ..UNIT },
            unit(AlarmCode::DcVoltageOutOfWindow, AlarmLevel::Derate),
        ),
        (
            UnitSight { beyond_matched_load: true, ..UNIT },
            unit(AlarmCode::PowerBeyondMatchedLoad, AlarmLevel::Warning),
        ),
        (
            UnitSight { emergency_stop: true, ..UNIT },
            unit(AlarmCode::EmergencyStop, AlarmLevel::Critical),
        ),
        (
            UnitSight { synchronisation_failed: true, ..UNIT },
            unit(AlarmCode::SynchronisationFailed, AlarmLevel::Trip),
        ),
        (
            UnitSight { island_overload: true, ..UNIT },
            unit(AlarmCode::IslandOverload, AlarmLevel::Trip),
        ),
        (
            UnitSight { quarantined: true, ..UNIT },
            unit(AlarmCode::Quarantined, AlarmLevel::Critical),
        ),
    ];
    for (sight, key) in rows {
        let mut bench = Bench::new("lfp");
        bench.step(&[HEALTHY; 2], sight);
        assert_eq!(bench.phase(key), Some(AlarmPhase::Active), "{key:?}");
        bench.step(&[HEALTHY; 2], UNIT);
        let last = (key.level == AlarmLevel::Critical).then_some(AlarmPhase::Latched);
        assert_eq!(bench.phase(key), last, "{key:?}");
        bench.assert_events_tell_all();
    }
    let mut bench = Bench::new("lfp");
    bench.step(&[rack, HEALTHY], UNIT);
    let key = AlarmKey::rack(AlarmCode::ContactorFault, AlarmLevel::Critical, 0);
    assert_eq!(bench.protection.critical(), Some(key));
}

#[test]
fn a_late_controller_warns_and_a_lost_one_stops_nothing() {
    let mut bench = Bench::new("lfp");
    bench.step(&[HEALTHY; 2], UnitSight { watch: WatchdogState::Late, watch_age_s: 31.0, ..UNIT });
    assert_eq!(bench.protection.set().worst(), Some(AlarmLevel::Warning));
    bench.step(&[HEALTHY; 2], UnitSight { watch: WatchdogState::Lost, watch_age_s: 60.0, ..UNIT });
    assert_eq!(bench.protection.set().worst(), Some(AlarmLevel::Derate));
    assert!(bench.protection.trip().is_none() && bench.protection.critical().is_none());
    bench.step(&[HEALTHY; 2], UnitSight { watch: WatchdogState::Armed, ..UNIT });
    assert!(bench.protection.states().is_empty());
}

#[test]
fn cold_matters_only_to_a_rack_that_is_charged() {
    let cold = RackSight { temperature_min: (-12.0, 0), temperature_max: (-11.0, 1), ..HEALTHY };
    let mut bench = Bench::new("lfp");
    for current_a in [0.0, 100.0, -1.0] {
        (0..100).for_each(|_| bench.step(&[RackSight { current_a, ..cold }; 2], UNIT));
        assert!(bench.protection.states().is_empty(), "{current_a}");
    }
    let charged = RackSight { current_a: -20.0, ..cold };
    (0..100).for_each(|_| bench.step(&[charged, HEALTHY], UNIT));
    assert!(
        bench.protection.set().has_level(AlarmCode::CellUnderTemperature, AlarmLevel::Critical)
    );
}

#[test]
fn voltages_differ_unseen_below_the_gate() {
    let mut bench = Bench::new("lfp");
    let apart = RackSight { voltage_min: (3.20, 0), voltage_max: (3.44, 1), ..HEALTHY };
    (0..100).for_each(|_| bench.step(&[apart, HEALTHY], UNIT));
    assert!(bench.protection.states().is_empty());
    let full = RackSight { voltage_max: (3.45, 1), ..apart };
    (0..100).for_each(|_| bench.step(&[full, HEALTHY], UNIT));
    assert!(bench.protection.set().has(AlarmCode::VoltageDifference));
}

#[test]
fn a_rack_with_open_contactors_has_no_over_current_and_an_open_string_no_under_voltage() {
    let mut bench = Bench::new("lfp");
    let open = RackSight { current_a: 900.0, connected: false, ..HEALTHY };
    (0..100).for_each(|_| bench.step(&[open, HEALTHY], UNIT));
    assert!(bench.protection.states().is_empty());
    let burnt = RackSight { voltage_min: (0.0, 5), string_open: true, ..HEALTHY };
    (0..600).for_each(|_| bench.step(&[burnt, HEALTHY], UNIT));
    let standing: Vec<AlarmCode> = bench.protection.states().iter().map(|s| s.key.code).collect();
    assert_eq!(standing, [AlarmCode::StringOpen]);
}

#[test]
fn a_value_that_is_not_a_number_raises_nothing_and_takes_nothing_away() {
    let mut bench = Bench::new("lfp");
    let none = RackSight { voltage_max: (f64::NAN, 0), temperature_max: (f64::NAN, 0), ..HEALTHY };
    (0..600).for_each(|_| bench.step(&[none; 2], UnitSight { soc: f64::NAN, ..UNIT }));
    assert!(bench.protection.states().is_empty());
    let high = RackSight { voltage_max: (3.61, 0), ..HEALTHY };
    (0..300).for_each(|_| bench.step(&[high, HEALTHY], UNIT));
    let trip = bench.protection.trip();
    assert!(trip.is_some());
    (0..600).for_each(|_| bench.step(&[none; 2], UNIT));
    assert_eq!(bench.protection.trip(), trip);
}

#[test]
fn a_relay_of_the_grid_acts_at_its_instant_within_the_tick() {
    let mut bench = Bench::new("lfp");
    let key = AlarmKey::unit(AlarmCode::AcUnderVoltage, AlarmLevel::Trip);
    let at = Moment::within(Tick(3), 0.0213);
    bench.protection.grid_trip(key.code, at, 0.42, 0.45, &mut bench.events);
    bench.protection.grid_trip(key.code, at, 0.40, 0.45, &mut bench.events);
    assert_eq!((bench.events.len(), bench.events[0].at), (1, at));
    assert_eq!(bench.protection.states()[0].threshold, 0.45);
    bench.step(&[HEALTHY; 2], UNIT);
    assert_eq!(bench.protection.trip(), Some(key));
    bench.protection.grid_clear(key.code, Moment::within(Tick(9), 0.05), &mut bench.events);
    assert_eq!(bench.told(key), [Some(AlarmPhase::Active), None]);
    bench.assert_one_truth();
}

#[test]
fn the_earliest_trip_is_the_one_that_is_told() {
    let mut bench = Bench::new("lfp");
    bench.step(&[HEALTHY; 2], UnitSight { island_overload: true, ..UNIT });
    let first = bench.protection.trip();
    let blown = RackSight { fuse_blown: true, ..HEALTHY };
    bench.step(&[blown, HEALTHY], UnitSight { island_overload: true, ..UNIT });
    assert_eq!(bench.protection.trip(), first);
    assert_eq!(first.map(|key| key.code), Some(AlarmCode::IslandOverload));
}

#[test]
fn a_warm_converter_gives_less_and_a_hot_one_nothing() {
    let mut bench = Bench::new("lfp");
    let mut factor_at = |pcs_degc| {
        bench.step(&[HEALTHY; 2], UnitSight { pcs_degc, ..UNIT });
        bench.protection.pcs_derate()
    };
    // lfp: derates from 85, trips at 95 degC.
    assert_eq!([60.0, 85.0, 95.0, 120.0].map(&mut factor_at), [1.0, 1.0, 0.0, 0.0]);
    assert!((factor_at(87.5) - 0.75).abs() < 1e-12);
}

#[test]
fn the_rate_of_a_ramp_is_found_within_half_a_minute_and_steps_of_a_sensor_are_none() {
    let mut bench = Bench::new("lfp");
    let at = |degc| [RackSight { temperature_max: (degc, 0), ..HEALTHY }, HEALTHY];
    // Sensor steps of 0.1 K.
    (0..300).for_each(|n| bench.step(&at(26.0 + 0.1 * f64::from(n % 2)), UNIT));
    assert!(bench.protection.states().is_empty());
    (0..300).for_each(|n| bench.step(&at(26.0 + 0.03 * f64::from(n)), UNIT));
    assert!(bench.protection.set().has_level(AlarmCode::TemperatureRate, AlarmLevel::Warning));
    assert!(!bench.protection.set().has_level(AlarmCode::TemperatureRate, AlarmLevel::Critical));
}
