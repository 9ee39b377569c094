use super::*;
use crate::grid::{RelayAction, Relays};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::TripSettings;
use bess_core::grid_code::PRESETS;
use bess_core::units::Watts;
use proptest::prelude::*;

/// The built-in farm (50 Hz) with this grid.
fn farm(table: &str) -> FarmSpec {
    let text = format!("{BUILT_IN_FARM}\n{table}");
    parse_farm("farm.toml", &text, &|path| Err(format!("cannot read {path}")))
        .unwrap_or_else(|problems| panic!("{problems}"))
}
fn grid(table: &str) -> Grid {
    Grid::new(&farm(table), None, None)
}

/// Ticks `from` to `to` with a farm that gives so much, and what happened at which microsecond.
fn run(
    grid: &mut Grid,
    from: u64,
    to: u64,
    power_w: f64,
) -> (Vec<GridTick>, Vec<(u64, GridChange)>) {
    let mut events = Vec::new();
    let ticks = (from..=to).map(|n| grid.tick(Tick(n), power_w, 0.0, &mut events)).collect();
    let changes = events.iter().map(|event| match event.kind {
        EventKind::Grid { what } => (event.at.elapsed_us(), what),
        other => panic!("{other:?}"),
    });
    (ticks, changes.collect())
}

/// Begin in ms from the start of the run, frequency and voltage of every segment.
fn segments(ticks: &[GridTick]) -> Vec<(f64, f64, f64)> {
    let of = |tick: &GridTick| {
        let start_ms = (tick.tick.0 - 1) as f64 * 100.0;
        let row = |s: &Segment| (start_ms + s.from_s * 1e3, s.frequency_hz, s.voltage_pu);
        tick.segments().iter().map(row).collect::<Vec<_>>()
    };
    ticks.iter().flat_map(of).collect()
}

#[test]
fn a_stiff_grid_is_one_segment_a_tick_at_nominal_values() {
    let mut grid = grid("");
    assert!(grid.is_autonomous());
    let (ticks, events) = run(&mut grid, 1, 3, 1e6);
    assert_eq!(segments(&ticks), [(0.0, 50.0, 1.0), (100.0, 50.0, 1.0), (200.0, 50.0, 1.0)]);
    assert!(events.is_empty() && ticks.iter().all(|tick| tick.is_quiet(50.0)));
}

#[test]
fn a_planned_dip_of_120_ms_exists_to_the_millisecond_and_ends() {
    let mut grid = grid(
        "[[farm.grid.events]]\nkind = \"voltage\"\nat_s = 0.145\nduration_s = 0.12\nvoltage_pu = 0.4",
    );
    let (ticks, events) = run(&mut grid, 1, 4, 0.0);
    assert_eq!(
        segments(&ticks),
        [
            (0.0, 50.0, 1.0),
            (100.0, 50.0, 1.0),
            (145.0, 50.0, 0.4),
            (200.0, 50.0, 0.4),
            (265.0, 50.0, 1.0),
            (300.0, 50.0, 1.0)
        ]
    );
    let change = GridChange::Voltage;
    assert_eq!(events, [(145_000, change(0.4)), (265_000, change(1.0))]);
}

#[test]
fn a_dip_of_200_ms_trips_a_relay_160_ms_after_its_begin_and_one_of_120_ms_trips_none() {
    let trips = |duration_s: f64| {
        let mut grid = grid("");
        let mut relays = Relays::new(&TripSettings::of(&PRESETS[0].code(50.0)), 60.0);
        let mut out: Vec<RelayAction> = Vec::new();
        let dip = Disturbance { kind: DisturbanceKind::Voltage(0.2), duration_s };
        grid.disturb(&dip, Tick(3));
        for tick in run(&mut grid, 1, 20, 0.0).0 {
            relays.step(&tick, true, &mut out);
        }
        out.iter().map(|action| (action.at.elapsed_us(), action.trips)).collect::<Vec<_>>()
    };
    assert_eq!(trips(0.12), []);
    assert_eq!(trips(0.2), [(360_000, true), (400_000, false)]);
}

#[test]
fn a_disturbance_wins_over_a_record_and_a_record_over_the_model() {
    let hz = Series::new(&[(0.0, 49.9), (0.25, 50.1)], false).expect("valid");
    let pu = Series::new(&[(0.0, 1.02)], false).expect("valid");
    let spec = farm(
        "[farm.grid]\nkind = \"inertia\"\nshort_circuit_mva = 100\n[farm.grid.inertia]\nrated_mva = 100",
    );
    let mut grid = Grid::new(&spec, Some(Arc::new(hz)), Some(Arc::new(pu)));
    assert!(grid.is_autonomous());
    let frequency = Disturbance { kind: DisturbanceKind::Frequency(48.5), duration_s: 0.15 };
    grid.disturb(&frequency, Tick(2));
    let (ticks, events) = run(&mut grid, 1, 4, 3e7);
    assert_eq!(
        segments(&ticks),
        [
            (0.0, 49.9, 1.02),
            (100.0, 48.5, 1.02),
            (200.0, 48.5, 1.02),
            (250.0, 50.1, 1.02),
            (300.0, 50.1, 1.02)
        ]
    );
    let change = GridChange::Frequency;
    assert_eq!(events, [(100_000, change(48.5)), (250_000, change(50.1))]);
}

#[test]
fn a_record_changes_at_its_own_times_within_a_tick_also_in_the_tenth_year() {
    let samples: Vec<(f64, f64)> =
        (0..30).map(|i| (f64::from(i) * 0.03, 49.0 + f64::from(i) * 0.05)).collect();
    let hz = Arc::new(Series::new(&samples, true).expect("valid"));
    let mut grid = Grid::new(&farm(""), Some(Arc::clone(&hz)), None);
    let first = 3_153_600_000;
    for tick in run(&mut grid, first, first + 40, 0.0).0 {
        let all = tick.segments();
        assert!(all.windows(2).all(|pair| pair[0].to_s == pair[1].from_s), "{all:?}");
        assert!(all[0].from_s == 0.0 && all[all.len() - 1].to_s == 0.1);
        let from_s = (tick.tick.0 - 1) as f64 / 10.0;
        let mean = hz.mean(from_s, from_s + 0.1);
        assert!((tick.frequency_mean_hz() - mean).abs() < 1e-6, "{mean}: {all:?}");
    }
}

#[test]
fn an_outage_has_no_voltage_and_tells_when_it_is_over() {
    let mut grid = grid("");
    grid.disturb(&Disturbance { kind: DisturbanceKind::Outage, duration_s: 0.25 }, Tick(2));
    let (ticks, events) = run(&mut grid, 1, 5, 0.0);
    assert_eq!(
        ticks.iter().map(GridTick::voltage_end_pu).collect::<Vec<_>>(),
        [1.0, 0.0, 0.0, 1.0, 1.0]
    );
    assert!(ticks.iter().all(|tick| tick.frequency_mean_hz() == 50.0));
    assert_eq!(events, [(100_000, GridChange::Outage), (350_000, GridChange::Restored)]);
}

#[test]
fn a_disturbance_without_an_end_lasts_until_the_next_of_its_kind() {
    let mut grid = grid("");
    let to = |pu| Disturbance { kind: DisturbanceKind::Voltage(pu), duration_s: f64::INFINITY };
    grid.disturb(&to(0.9), Tick(1));
    assert_eq!(run(&mut grid, 1, 500, 0.0).0[499].voltage_end_pu(), 0.9);
    grid.disturb(&to(1.0), Tick(501));
    assert_eq!(run(&mut grid, 501, 501, 0.0).0[0].voltage_end_pu(), 1.0);
}

#[test]
fn a_phase_jump_shows_in_its_tick_alone() {
    let mut grid =
        grid("[[farm.grid.events]]\nkind = \"phase_jump\"\nat_s = 0.13\nphase_jump_deg = -70");
    let (ticks, events) = run(&mut grid, 1, 3, 0.0);
    assert_eq!(ticks[1].phase_jump, Some((0.03, -70.0)));
    assert!(ticks[0].phase_jump.is_none() && ticks[2].phase_jump.is_none());
    assert_eq!(events, [(130_000, GridChange::PhaseJump(-70.0))]);
}

#[test]
fn reactive_power_lifts_the_voltage_by_its_share_of_the_short_circuit_power() {
    let mut grid = grid("[farm.grid]\nvoltage_pu = 0.98\nshort_circuit_mva = 200");
    assert!(!grid.is_autonomous());
    let tick = grid.tick(Tick(1), 0.0, 5e6, &mut Vec::new());
    assert!((tick.voltage_mean_pu() - 1.005).abs() < 1e-12);
}

const INERTIA: &str = "[farm.grid]\nkind = \"inertia\"\n[farm.grid.inertia]\nrated_mva = 1000\n\
                       inertia_s = 4\ndamping = 1.5\ngovernor_droop_pct = 5\ngovernor_s = 2";

fn with_load_step(watts: f64, duration_s: f64) -> (Grid, Disturbance) {
    let grid = grid(INERTIA);
    assert!(!grid.is_autonomous());
    (grid, Disturbance { kind: DisturbanceKind::LoadStep(Watts(watts)), duration_s })
}

#[test]
fn right_after_a_load_step_the_frequency_falls_by_f0_dp_over_2_h_s_and_it_settles_at_the_droop() {
    let (mut grid, step) = with_load_step(1e8, f64::INFINITY);
    let before = run(&mut grid, 1, 20, 4e6).0;
    assert!(before.iter().all(|tick| tick.segments().len() == 1 && tick.is_quiet(50.0)));
    grid.disturb(&step, Tick(21));
    let (ticks, events) = run(&mut grid, 21, 1000, 4e6);
    assert_eq!(events, [(2_000_000, GridChange::LoadStep(1e8))]);
    let first = ticks[0].segments();
    assert_eq!(first.len(), 10);
    let hz_per_s = (first[0].frequency_hz - 50.0) / 0.01;
    let expected = -50.0 * 1e8 / (2.0 * 4.0 * 1e9);
    assert!((hz_per_s / expected - 1.0).abs() < 0.01, "{hz_per_s} {expected}");
    // df / f0 = -dP / (1 / R + D)
    let last = ticks[979].frequency_end_hz() - 50.0;
    let expected = -50.0 * 0.1 / (1.0 / 0.05 + 1.5);
    assert!((last / expected - 1.0).abs() < 0.001, "{last} {expected}");
    let lowest = ticks.iter().map(|tick| tick.frequency_range_hz().0).fold(50.0, f64::min);
    assert!(lowest - 50.0 < expected * 1.1, "no nadir: {lowest}");
}

#[test]
fn the_farms_own_power_holds_the_frequency_up() {
    let (mut grid, step) = with_load_step(1e8, f64::INFINITY);
    run(&mut grid, 1, 10, 0.0);
    grid.disturb(&step, Tick(11));
    let hz = run(&mut grid, 11, 500, 1e8).0[489].frequency_end_hz();
    assert!((hz - 50.0).abs() < 1e-9, "{hz}");
}

#[test]
fn a_load_that_goes_again_lets_the_frequency_come_back_and_an_outage_begins_anew() {
    let (mut grid, step) = with_load_step(5e7, 1.0);
    grid.disturb(&step, Tick(2));
    let (ticks, events) = run(&mut grid, 1, 1500, 0.0);
    assert_eq!(events[1], (1_100_000, GridChange::LoadStep(-5e7)));
    assert!((ticks[1499].frequency_end_hz() - 50.0).abs() < 1e-3);
    grid.disturb(&Disturbance { duration_s: f64::INFINITY, ..step }, Tick(1501));
    grid.disturb(&Disturbance { kind: DisturbanceKind::Outage, duration_s: 0.5 }, Tick(1601));
    let (ticks, _) = run(&mut grid, 1501, 1700, 0.0);
    assert!(ticks[99].frequency_end_hz() < 49.95);
    assert!((ticks[199].frequency_end_hz() - 50.0).abs() < 1e-9);
}

#[test]
fn the_state_shows_in_the_hash_and_what_is_over_does_not() {
    let bytes = |grid: &Grid| {
        let mut all = Vec::new();
        grid.hash_into(&mut |part| all.extend_from_slice(part));
        all
    };
    let mut disturbed = grid("");
    let fresh = bytes(&disturbed);
    let dip = Disturbance { kind: DisturbanceKind::Voltage(0.5), duration_s: 0.2 };
    disturbed.disturb(&dip, Tick(1));
    let before = bytes(&disturbed);
    run(&mut disturbed, 1, 1, 0.0);
    let during = bytes(&disturbed);
    run(&mut disturbed, 2, 5, 0.0);
    assert!(before != fresh && during != fresh && before != during);
    assert_eq!(bytes(&disturbed), fresh);
}

proptest! {
    /// The voltage at every instant straight from the list of dips, whatever the ticks.
    #[test]
    fn any_dips_are_where_they_were_planned_without_a_gap_between_segments(
        dips in prop::collection::vec((0_u64..900_000, 1_u64..400_000, 0.0..2.0_f64), 0..8),
    ) {
        let mut spec = farm("");
        spec.grid.events = dips
            .iter()
            .map(|(at_us, length_us, pu)| PlannedDisturbance {
                at: Moment::from_elapsed_us(*at_us),
                disturbance: Disturbance {
                    kind: DisturbanceKind::Voltage(*pu),
                    duration_s: *length_us as f64 / 1e6,
                },
            })
            .collect();
        let mut sorted = dips;
        sorted.sort_by_key(|dip| dip.0);
        // The latest that began is in force, as long as it lasts.
        let voltage_at = |us: u64| {
            let latest = sorted.iter().rfind(|dip| dip.0 <= us);
            latest.filter(|dip| us < dip.0 + dip.1).map_or(1.0, |dip| dip.2)
        };
        let mut grid = Grid::new(&spec, None, None);
        for tick in run(&mut grid, 1, 15, 0.0).0 {
            let all = tick.segments();
            prop_assert!(all[0].from_s == 0.0 && all[all.len() - 1].to_s == 0.1);
            prop_assert!(all.windows(2).all(|pair| pair[0].to_s == pair[1].from_s));
            for segment in all {
                prop_assert!(segment.from_s < segment.to_s);
                for us in [segment.begin_us(), segment.end_us() - 1] {
                    let us = start_us(tick.tick) + us;
                    prop_assert_eq!(segment.voltage_pu, voltage_at(us), "{} us", us);
                }
            }
        }
    }
}
