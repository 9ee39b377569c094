use super::*;
use bess_core::grid_code::PRESETS;
use bess_core::spec::GridCode;
use bess_core::time::Tick;
use proptest::prelude::*;

/// What a grid is from an instant in microseconds on.
#[derive(Clone, Copy, Debug)]
struct From {
    us: u64,
    voltage_pu: f64,
    frequency_hz: f64,
}

/// The ticks of a grid that changes at those instants (in order, the first at 0).
fn ticks(changes: &[From], n_ticks: u64) -> Vec<GridTick> {
    let tick = |n: u64| {
        let (start, end) = ((n - 1) * 100_000, n * 100_000);
        let mut segments = Vec::new();
        for (idx, change) in changes.iter().enumerate() {
            let until = changes.get(idx + 1).map_or(u64::MAX, |next| next.us);
            let (from, to) = (change.us.max(start), until.min(end));
            if from < to {
                segments.push(Segment {
                    from_s: (from - start) as f64 / 1e6,
                    to_s: (to - start) as f64 / 1e6,
                    frequency_hz: change.frequency_hz,
                    voltage_pu: change.voltage_pu,
                });
            }
        }
        GridTick::new(Tick(n), segments, None)
    };
    (1..=n_ticks).map(tick).collect()
}

fn relays_of(code: &GridCode) -> Relays {
    Relays::new(&TripSettings::of(code), code.phase_jump_max_deg)
}

/// All actions of a unit that stays connected, at microseconds from the start of the run.
fn actions(code: &GridCode, changes: &[From], n_ticks: u64) -> Vec<(u64, RelayAction)> {
    let mut relays = relays_of(code);
    let mut out = Vec::new();
    ticks(changes, n_ticks).iter().for_each(|tick| relays.step(tick, true, &mut out));
    out.iter().map(|action| (action.at.elapsed_us(), *action)).collect()
}

fn good(us: u64, nominal_hz: f64) -> From {
    From { us, voltage_pu: 1.0, frequency_hz: nominal_hz }
}

fn beyond(trip: &GridTrip, us: u64, nominal_hz: f64) -> From {
    let value = trip.threshold + if trip.above { 0.005 } else { -0.005 };
    match trip.quantity {
        GridQuantity::Voltage => From { voltage_pu: value, ..good(us, nominal_hz) },
        GridQuantity::Frequency => From { frequency_hz: value, ..good(us, nominal_hz) },
    }
}

#[test]
fn every_row_of_every_preset_trips_at_its_clearing_time_and_not_a_millisecond_sooner() {
    let mut n_rows = 0;
    for (preset, nominal_hz) in PRESETS.iter().flat_map(|p| [(p, 50.0), (p, 60.0)]) {
        if !preset.fits(nominal_hz) {
            continue;
        }
        let code = preset.code(nominal_hz);
        for trip in &code.trips {
            // The row alone: others of the same quantity would act in between.
            let alone = GridCode { trips: vec![*trip], ..code.clone() };
            let clearing_us = (trip.clearing_s * 1e6) as u64;
            for begin in [0, 30_000, 99_999, 100_000, 123_457] {
                let n_ticks = (begin + clearing_us) / 100_000 + 5;
                let first = good(0, nominal_hz);
                let gone = beyond(trip, begin, nominal_hz);
                let back = good(begin + clearing_us - 1000, nominal_hz);
                let told = actions(&alone, &[first, gone, back], n_ticks);
                assert!(told.is_empty(), "{} {trip:?} {begin}: {told:?}", preset.name);
                let told = actions(&alone, &[first, gone], n_ticks);
                let [(at, action)] = told[..] else { panic!("{trip:?} {begin}: {told:?}") };
                assert_eq!(at, begin + clearing_us, "{} {trip:?}", preset.name);
                assert!(action.trips && action.code == trip.code());
                assert_eq!(action.threshold, trip.threshold);
            }
            n_rows += 1;
        }
    }
    assert_eq!(n_rows, 4 * 8);
}

#[test]
fn a_dip_of_120_ms_trips_nothing_and_one_of_200_ms_trips_after_160_ms_across_ticks() {
    let code = PRESETS[0].code(60.0);
    let dip =
        |us: u64| [good(0, 60.0), From { voltage_pu: 0.3, ..good(250_000, 60.0) }, good(us, 60.0)];
    assert_eq!(actions(&code, &dip(370_000), 10), []);
    let told = actions(&code, &dip(450_000), 10);
    let instants: Vec<(u64, AlarmCode, bool)> =
        told.iter().map(|(at, action)| (*at, action.code, action.trips)).collect();
    let under = AlarmCode::AcUnderVoltage;
    assert_eq!(instants, [(410_000, under, true), (450_000, under, false)]);
    assert_eq!((told[0].1.value, told[0].1.threshold), (0.3, 0.45));
}

#[test]
fn two_elements_of_one_alarm_clear_it_once_when_both_are_back() {
    let code = PRESETS[0].code(60.0);
    // Down to 0.3 pu for 3 s, so both trip; then to 0.6 pu, where only the 0.45 pu element is back.
    let steps = [
        good(0, 60.0),
        From { voltage_pu: 0.3, ..good(100_000, 60.0) },
        From { voltage_pu: 0.6, ..good(3_100_000, 60.0) },
        good(4_050_000, 60.0),
    ];
    let told = actions(&code, &steps, 50);
    let instants: Vec<(u64, bool)> = told.iter().map(|(at, a)| (*at, a.trips)).collect();
    assert_eq!(instants, [(260_000, true), (2_100_000, true), (4_050_000, false)]);
}

#[test]
fn nobody_measures_the_frequency_of_a_grid_that_is_nearly_dead() {
    let mut code = PRESETS[0].code(60.0);
    code.trips.retain(|trip| trip.quantity == GridQuantity::Frequency);
    let at = |voltage_pu| From { us: 0, voltage_pu, frequency_hz: 50.0 };
    assert_eq!(actions(&code, &[at(0.29)], 20), []);
    assert_eq!(actions(&code, &[at(0.31)], 20).len(), 1);
}

#[test]
fn a_value_on_the_threshold_is_inside_and_any_break_starts_the_count_anew() {
    let code = PRESETS[0].code(60.0);
    let at = |us, voltage_pu| From { voltage_pu, ..good(us, 60.0) };
    assert_eq!(actions(&code, &[at(0, 0.7)], 40), []);
    // 1.9 s, a millisecond on the threshold, and 1.9 s again.
    let broken = [at(0, 0.65), at(1_900_000, 0.7), at(1_901_000, 0.65), at(3_801_000, 1.0)];
    assert_eq!(actions(&code, &broken, 50), []);
}

#[test]
fn a_unit_that_is_not_connected_cannot_trip_and_counts_from_when_it_connects() {
    let code = PRESETS[0].code(60.0);
    let ticks = ticks(&[From { voltage_pu: 0.3, ..good(0, 60.0) }], 10);
    let (mut relays, mut out) = (relays_of(&code), Vec::new());
    ticks[..5].iter().for_each(|tick| relays.step(tick, false, &mut out));
    assert_eq!(out, []);
    ticks[5..].iter().for_each(|tick| relays.step(tick, true, &mut out));
    assert_eq!(out.iter().map(|a| a.at.elapsed_us()).collect::<Vec<_>>(), [660_000]);
}

#[test]
fn a_phase_jump_beyond_the_limit_trips_at_once_and_is_gone_a_tick_later() {
    let code = PRESETS[0].code(60.0);
    let jump = |degrees| {
        let quiet = GridTick::steady(Tick(7), 60.0, 1.0);
        let (mut relays, mut out) = (relays_of(&code), Vec::new());
        relays.step(&GridTick { phase_jump: Some((0.0125, degrees)), ..quiet }, true, &mut out);
        relays.step(&GridTick::steady(Tick(8), 60.0, 1.0), true, &mut out);
        relays.step(&GridTick::steady(Tick(9), 60.0, 1.0), true, &mut out);
        out.iter().map(|a| (a.at.elapsed_us(), a.code, a.value, a.trips)).collect::<Vec<_>>()
    };
    let failed = AlarmCode::SynchronisationFailed;
    assert_eq!(jump(-61.0), [(612_500, failed, -61.0, true), (700_000, failed, 0.0, false)]);
    assert_eq!(jump(60.0), []);
}

#[test]
fn a_quiet_grid_costs_no_action_and_no_memory() {
    let (mut relays, mut out) = (relays_of(&PRESETS[2].code(60.0)), Vec::new());
    for tick in 1..1000 {
        relays.step(&GridTick::steady(Tick(tick), 60.0, 1.0), true, &mut out);
    }
    assert_eq!((out.len(), out.capacity()), (0, 0));
}

proptest! {
    /// Straight from the definition, over the whole run at once and without ticks.
    #[test]
    fn a_trip_is_always_its_clearing_time_after_the_begin_of_the_violation(
        lengths in prop::collection::vec((1_000_u64..400_000, 0.0..1.3_f64), 1..30),
        threshold in 0.2..0.9_f64,
        clearing_ms in 0_u64..600,
    ) {
        let mut changes = Vec::new();
        let mut us = 0;
        for (length, voltage_pu) in &lengths {
            changes.push(From { us, voltage_pu: *voltage_pu, frequency_hz: 60.0 });
            us += length;
        }
        let end = us.div_ceil(100_000) * 100_000;
        let clearing_s = clearing_ms as f64 / 1000.0;
        let trip =
            GridTrip { quantity: GridQuantity::Voltage, above: false, threshold, clearing_s };
        let code = GridCode { trips: vec![trip], ..GridCode::none(60.0) };

        let mut expected = Vec::new();
        let mut idx = 0;
        while idx < changes.len() {
            if changes[idx].voltage_pu >= threshold {
                idx += 1;
                continue;
            }
            let begin = changes[idx].us;
            while idx < changes.len() && changes[idx].voltage_pu < threshold {
                idx += 1;
            }
            let over = changes.get(idx).map_or(end, |change| change.us);
            if over - begin >= clearing_ms * 1000 {
                expected.push((begin + clearing_ms * 1000, true));
                if idx < changes.len() {
                    expected.push((over, false));
                }
            }
        }
        let told: Vec<(u64, bool)> = actions(&code, &changes, end / 100_000)
            .iter()
            .map(|(at, action)| (*at, action.trips))
            .collect();
        prop_assert_eq!(told, expected);
    }
}

/// Ticks of a steady grid from `from` on, and what `relays` of a unit do in them.
fn steady(
    relays: &mut Relays,
    ticks: std::ops::RangeInclusive<u64>,
    voltage_pu: f64,
    connected: bool,
) -> Vec<(u64, bool, f64)> {
    let mut out = Vec::new();
    for tick in ticks {
        relays.step(&GridTick::steady(Tick(tick), 60.0, voltage_pu), connected, &mut out);
    }
    out.iter().map(|a| (a.at.elapsed_us(), a.trips, a.threshold)).collect()
}

/// Category III with other points below the nominal voltage.
fn with_under(points: &[(f64, f64)]) -> TripSettings {
    let mut settings = TripSettings::of(&PRESETS[2].code(60.0));
    settings.under_voltage.points = points.to_vec();
    settings
}

#[test]
fn a_curve_that_is_changed_trips_by_the_new_one_counted_from_there() {
    let mut relays = relays_of(&PRESETS[2].code(60.0));
    assert_eq!(steady(&mut relays, 1..=100, 0.8, true), [], "10 s of 21 s are over");
    assert_eq!(relays.set(&with_under(&[(0.5, 2.0), (0.85, 3.000_001)])), []);
    let told = steady(&mut relays, 101..=200, 0.8, true);
    assert_eq!(told, [(13_000_001, true, 0.85)], "to the microsecond");
}

#[test]
fn an_element_that_stays_as_it_is_goes_on_counting() {
    let mut relays = relays_of(&PRESETS[2].code(60.0));
    assert_eq!(steady(&mut relays, 1..=100, 0.8, true), []);
    // Another point beside it, and another side.
    let mut settings = with_under(&[(0.3, 1.0), (0.5, 2.0), (0.88, 21.0)]);
    settings.over_voltage.enabled = false;
    assert_eq!(relays.set(&settings), []);
    assert_eq!(steady(&mut relays, 101..=300, 0.8, true), [(21_000_000, true, 0.88)]);
    assert_eq!(steady(&mut relays, 301..=400, 1.3, true), [(30_000_000, false, 0.88)], "it is off");
}

#[test]
fn a_trip_whose_element_goes_is_given_back_to_be_cleared_and_one_that_stays_is_not() {
    let mut relays = relays_of(&PRESETS[2].code(60.0));
    assert_eq!(steady(&mut relays, 1..=25, 0.3, true), [(2_000_000, true, 0.5)]);
    assert_eq!(relays.set(&with_under(&[(0.5, 2.0), (0.9, 5.0)])), [], "that of 0.5 pu stays");
    assert_eq!(steady(&mut relays, 26..=30, 0.3, false), []);
    assert_eq!(relays.set(&with_under(&[(0.2, 2.0)])), [AlarmCode::AcUnderVoltage]);
    assert_eq!(relays.set(&with_under(&[(0.2, 2.0)])), [], "once");
    assert_eq!(steady(&mut relays, 31..=60, 0.3, true), [], "and nothing clears it again");
    assert_eq!(steady(&mut relays, 61..=90, 0.1, true), [(8_000_000, true, 0.2)]);
    let mut off = with_under(&[(0.2, 2.0)]);
    off.under_voltage.enabled = false;
    assert_eq!(relays.set(&off), [AlarmCode::AcUnderVoltage]);
}

#[test]
fn a_staircase_of_five_points_trips_as_its_two_settings_do() {
    let mut stairs = Relays::new(
        &with_under(&[(0.45, 2.0), (0.5, 2.0), (0.5, 21.0), (0.88, 21.0), (0.88, 1000.0)]),
        60.0,
    );
    let mut two = relays_of(&PRESETS[2].code(60.0));
    for voltage_pu in [0.3, 0.48, 0.6, 0.87] {
        let first = |relays: &mut Relays| steady(relays, 1..=250, voltage_pu, true)[0].0;
        assert_eq!(first(&mut stairs), first(&mut two), "{voltage_pu}");
        for relays in [&mut stairs, &mut two] {
            let _ = steady(relays, 1..=1, 1.0, false);
        }
    }
}
