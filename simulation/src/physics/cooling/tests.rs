use super::*;
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::spec::{AirSpec, HeaterSpec};
use bess_core::units::{Celsius, Seconds, Watts};
use proptest::prelude::*;

const MILD: Outside = Outside { ambient_degc: 20.0, solar_w_per_m2: 0.0 };
const MINUTE: usize = 600;
const HOUR: usize = 36_000;

fn liquid() -> CoolingSpec {
    let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).unwrap();
    farm.units[0].design.cooling
}
fn air() -> CoolingSpec {
    let fans = AirSpec { fans: Watts(2_940.0), speed_min: 0.3, conductance_factor: 0.1 };
    CoolingSpec { kind: CoolingKind::Air(fans), band_k: 5.0, ..liquid() }
}

/// A unit's cells as one body: 4,992 cells of 5.6 kJ/K with 1.8 W/K each to a plate.
struct Cells {
    degc: f64,
    heat_w: f64,
}
const CELLS_J_PER_K: f64 = 4_992.0 * 5_600.0;
const CELLS_W_PER_K: f64 = 4_992.0 * 1.8;

/// Runs cooling and cells together, the cells once a second as in a unit; calls `see` each tick.
fn run(
    spec: &CoolingSpec,
    cooling: &mut Cooling,
    cells: &mut Cells,
    around: &Outside,
    ticks: usize,
    see: &mut dyn FnMut(&Cooling, f64),
) {
    let mut plates_w = 0.0;
    for tick in 0..ticks {
        if tick % 10 == 0 {
            let conductance = CELLS_W_PER_K * cooling.plate_conductance_factor(spec);
            plates_w = conductance * (cells.degc - cooling.plate_supply_degc());
            cells.degc += (cells.heat_w - plates_w) / CELLS_J_PER_K;
        }
        cooling.step(spec, plates_w, cells.degc, cells.degc, around);
        see(cooling, plates_w);
    }
}
fn settle(spec: &CoolingSpec, heat_w: f64, around: &Outside, ticks: usize) -> (Cooling, Cells) {
    let (mut cooling, mut cells) = (Cooling::new(spec, 25.0), Cells { degc: 25.0, heat_w });
    run(spec, &mut cooling, &mut cells, around, ticks, &mut |_, _| {});
    (cooling, cells)
}

#[test]
fn under_load_the_coolant_swings_between_the_chillers_thresholds() {
    let spec = liquid();
    let (mut cooling, mut cells) = settle(&spec, 62_000.0, &MILD, 4 * HOUR);
    let (mut low, mut high, mut switches, mut was_on) = (f64::MAX, f64::MIN, 0, true);
    run(&spec, &mut cooling, &mut cells, &MILD, HOUR, &mut |cooling, _| {
        (low, high) = (low.min(cooling.coolant_degc), high.max(cooling.coolant_degc));
        switches += usize::from(cooling.chiller_on() != was_on);
        was_on = cooling.chiller_on();
        assert!(cooling.pump_on(), "there is heat to carry");
    });
    assert!(low > 22.9 && low < 23.05 && high > 26.95 && high < 27.1, "{low} {high}");
    assert!((6..40).contains(&switches), "{switches} in an hour");
    assert!(cells.degc > 28.0 && cells.degc < 36.0, "{}", cells.degc);
}

#[test]
fn electric_power_is_base_load_and_pump_and_the_chillers_heat_over_its_cop() {
    let spec = liquid();
    let (mut cooling, mut cells) = settle(&spec, 62_000.0, &MILD, HOUR);
    run(&spec, &mut cooling, &mut cells, &MILD, HOUR, &mut |cooling, _| {
        let chiller_w = if cooling.chiller_on() { spec.capacity_at_w(20.0) } else { 0.0 };
        assert!((cooling.cooling_w - chiller_w).abs() < 1e-9);
        let expected_w = 1_000.0 + 2_200.0 + chiller_w / spec.cop_at(20.0);
        assert!((cooling.electric_w() - expected_w).abs() < 1e-9);
    });
    assert!((Cooling::new(&spec, 25.0).electric_w() - 1_000.0).abs() < 1e-9);
}

#[test]
fn at_rest_in_mild_weather_pump_and_chiller_stand() {
    let (cooling, _) = settle(&liquid(), 0.0, &MILD, 2 * HOUR);
    assert!(!cooling.pump_on() && !cooling.chiller_on());
    assert!((cooling.electric_w() - 1_000.0).abs() < 1e-9);
}

#[test]
fn a_hot_day_costs_more_for_the_same_heat() {
    let energy_j = |ambient_degc| {
        let around = Outside { ambient_degc, solar_w_per_m2: 0.0 };
        let spec = liquid();
        let (mut cooling, mut cells) = settle(&spec, 40_000.0, &around, 4 * HOUR);
        let mut sum_j = 0.0;
        let mut see = |cooling: &Cooling, _| sum_j += cooling.electric_w() * TICK_S;
        run(&spec, &mut cooling, &mut cells, &around, 4 * HOUR, &mut see);
        sum_j
    };
    let (mild_j, hot_j) = (energy_j(25.0), energy_j(40.0));
    assert!(hot_j > 1.5 * mild_j, "{mild_j} {hot_j}");
}

#[test]
fn with_a_failed_pump_the_cells_are_cut_off_and_chiller_and_heater_stop() {
    let spec = liquid();
    let (mut cooling, mut cells) = settle(&spec, 62_000.0, &MILD, 4 * HOUR);
    let before_degc = cells.degc;
    assert!((cooling.plate_conductance_factor(&spec) - 1.0).abs() < 1e-12);
    assert!(cooling.plate_rise_k_per_w(&spec, 12) > 0.0);
    cooling.failures.pump = true;
    run(&spec, &mut cooling, &mut cells, &MILD, HOUR, &mut |_, _| {});
    assert!(!cooling.pump_on() && !cooling.chiller_on());
    assert!(cooling.plate_conductance_factor(&spec) < 0.05);
    assert!(cooling.plate_rise_k_per_w(&spec, 12) == 0.0);
    // 62 kW for an hour into 28 MJ/K, nearly nothing of it carried away.
    assert!(cells.degc - before_degc > 7.0, "{} {}", before_degc, cells.degc);
    cooling.failures = Failures::default();
    run(&spec, &mut cooling, &mut cells, &MILD, 4 * HOUR, &mut |_, _| {});
    assert!(cells.degc < 36.0, "it recovers: {}", cells.degc);
}

#[test]
fn with_a_failed_chiller_the_coolant_follows_the_cells() {
    let spec = liquid();
    let (mut cooling, mut cells) = settle(&spec, 62_000.0, &MILD, HOUR);
    cooling.failures.chiller = true;
    run(&spec, &mut cooling, &mut cells, &MILD, HOUR, &mut |cooling, _| {
        assert!(!cooling.chiller_on() && cooling.cooling_w == 0.0);
    });
    assert!(cooling.pump_on() && cooling.coolant_degc > 30.0, "{cooling:?}");
    assert!((cooling.electric_w() - 3_200.0).abs() < 1e-9);
}

#[test]
fn a_heater_keeps_cells_above_freezing_where_a_farm_without_one_goes_cold() {
    let arctic = Outside { ambient_degc: -30.0, solar_w_per_m2: 0.0 };
    let heater = HeaterSpec { power: Watts(20_000.0), below: Celsius(10.0) };
    let mut spec = CoolingSpec { heater: Some(heater), ..liquid() };
    // A cold start: cells at -10 degC are warmed up.
    let (mut cooling, mut cells) = (Cooling::new(&spec, -10.0), Cells { degc: -10.0, heat_w: 0.0 });
    run(&spec, &mut cooling, &mut cells, &arctic, 24 * HOUR, &mut |cooling, _| {
        assert!(cooling.heater_w() <= 20_000.0 && cooling.coolant_degc <= 25.0 + 1e-9);
    });
    assert!(cells.degc > 9.5 && cells.degc < 13.0, "{}", cells.degc);
    spec.heater = None;
    let (mut cooling, mut cells) = (Cooling::new(&spec, 5.0), Cells { degc: 5.0, heat_w: 0.0 });
    run(&spec, &mut cooling, &mut cells, &arctic, 240 * HOUR, &mut |_, _| {});
    assert!(cells.degc < 0.0, "{}", cells.degc);
}

#[test]
fn air_cooling_keeps_the_hottest_cell_within_its_band_and_the_fans_follow_the_cube() {
    let spec = air();
    let (mut cooling, mut cells) = settle(&spec, 5_000.0, &MILD, 24 * HOUR);
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    run(&spec, &mut cooling, &mut cells, &MILD, 24 * HOUR, &mut |cooling, _| {
        (low, high) = (low.min(cooling.air_degc), high.max(cooling.air_degc));
        let fans_w = 2_940.0 * cooling.fan_speed() * cooling.fan_speed() * cooling.fan_speed();
        assert!((cooling.inside_electric_w() - 1_000.0 - fans_w).abs() < 1e-9);
        let factor = cooling.plate_conductance_factor(&spec);
        assert!(factor > 0.03 && factor <= 0.1, "{factor}");
    });
    assert!(cells.degc > 19.0 && cells.degc < 31.0, "{}", cells.degc);
    assert!(low >= 10.0 - 1e-6 && high < 45.0, "air from {low} to {high}");
    cooling.failures.fan = true;
    run(&spec, &mut cooling, &mut cells, &MILD, MINUTE, &mut |_, _| {});
    assert!(cooling.fan_speed() == 0.0 && !cooling.chiller_on());
    assert!((cooling.plate_conductance_factor(&spec) - 0.01).abs() < 1e-12);
    assert!((cooling.electric_w() - 1_000.0).abs() < 1e-9);
}

#[test]
fn the_sun_warms_the_outer_skin_and_through_the_wall_the_air() {
    let sunny = Outside { ambient_degc: 20.0, solar_w_per_m2: 1_000.0 };
    let (shade, _) = settle(&liquid(), 0.0, &MILD, 2 * HOUR);
    let (sun, _) = settle(&liquid(), 0.0, &sunny, 2 * HOUR);
    // 6 kW on 75 m2 of 30 W/(m2 K): 2.7 K, less what goes inside.
    let risen_k = sun.walls_degc()[0] - shade.walls_degc()[0];
    assert!(risen_k > 2.4 && risen_k < 2.7, "{risen_k}");
    let [outer, insulation, inner] = shade.walls_degc();
    assert!(outer < insulation && insulation < inner && inner < shade.air_degc);
    assert!(sun.air_degc > shade.air_degc + 0.5 && sun.outside_w() > shade.outside_w());
}

#[test]
fn everything_that_changes_what_comes_next_is_hashed() {
    let bytes = |cooling: &Cooling| {
        let mut all = Vec::new();
        cooling.hash_into(&mut |bytes| all.extend_from_slice(bytes));
        all
    };
    let (cooling, _) = settle(&liquid(), 62_000.0, &MILD, HOUR);
    assert_ne!(cooling.chiller, Thermostat::OFF);
    for change in [
        |c: &mut Cooling| c.failures.fan = true,
        |c: &mut Cooling| c.walls_degc[1] += 1e-9,
        |c: &mut Cooling| c.air_degc += 1e-9,
        |c: &mut Cooling| c.pump_on = !c.pump_on,
        |c: &mut Cooling| c.heating = !c.heating,
        |c: &mut Cooling| c.chiller = Thermostat::OFF,
    ] {
        let mut changed = cooling;
        change(&mut changed);
        assert_ne!(bytes(&changed), bytes(&cooling), "{changed:?}");
    }
}

prop_compose! {
    /// Any cooling that a farm file may ask for, with capacities from tiny to huge.
    fn any_spec()(
        is_air: bool, heated: bool,
        sizes in proptest::array::uniform4(0.0..1.0f64), walls in proptest::array::uniform8(0.0..1.0f64),
        setpoint in 5.0..45.0f64, band_k in 0.1..20.0f64, least_s in 0.0..600.0f64, speed_min in 0.0..1.0f64,
    ) -> CoolingSpec {
        // Spreads the draw evenly over the decades between two bounds.
        let between = |x: f64, low: f64, high: f64| low * math::exp(x * math::ln(high / low));
        let mut spec = if is_air { air() } else { liquid() };
        match &mut spec.kind {
            CoolingKind::Liquid(liquid) => {
                liquid.heat_capacity_j_per_k = between(sizes[0], 100.0, 1e9);
                liquid.air_to_coolant_w_per_k = between(sizes[1], 1e-3, 1e4);
            }
            CoolingKind::Air(air) => air.speed_min = speed_min,
        }
        spec.air_heat_capacity_j_per_k = between(sizes[2], 100.0, 1e9);
        spec.capacity = Watts(between(sizes[3], 1.0, 1e7));
        spec.setpoint = Celsius(setpoint);
        spec.band_k = band_k;
        (spec.min_on, spec.min_off) = (Seconds(least_s), Seconds(least_s));
        spec.heater = heated.then_some(HeaterSpec { power: Watts(1e6), below: Celsius(setpoint - 2.0) });
        spec.walls = WallSpec {
            area_m2: between(walls[0], 0.01, 1e4),
            layers_j_per_m2_k: [walls[1], walls[2], walls[3]].map(|x| between(x, 5.0, 5e5)),
            insulation_w_per_m2_k: between(walls[4], 1e-3, 1e6),
            outside_w_per_m2_k: between(walls[5], 0.01, 1e4),
            inside_w_per_m2_k: between(walls[6], 0.01, 1e4),
            sunlit_m2: between(walls[7], 0.01, 1e4),
            absorptivity: 0.4,
        };
        spec
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// With nothing to heat it, no temperature leaves the range of where it was and what is around,
    /// but for the chiller, which stops at its bound, and the base load of nothing.
    #[test]
    fn no_allowed_container_is_unstable(
        spec in any_spec(), start_degc in -40.0..60.0f64, ambient_degc in -60.0..80.0f64,
        cell_degc in -40.0..60.0f64,
    ) {
        let mut spec = spec;
        spec.base_load = Watts(0.0);
        match &mut spec.kind {
            CoolingKind::Liquid(liquid) => liquid.pump = Watts(0.0),
            CoolingKind::Air(air) => air.fans = Watts(0.0),
        }
        let around = Outside { ambient_degc, solar_w_per_m2: 0.0 };
        let mut cooling = Cooling::new(&spec, start_degc);
        let lowest_degc = spec.setpoint.0 - spec.band_k - LOWEST_AIR_K;
        let low = start_degc.min(ambient_degc).min(lowest_degc) - 1e-6;
        let high = start_degc.max(ambient_degc).max(spec.setpoint.0) + 1e-6;
        for _ in 0..2_000 {
            cooling.step(&spec, 0.0, cell_degc, cell_degc, &around);
            let [outer, insulation, inner] = cooling.walls_degc();
            for degc in [outer, insulation, inner, cooling.air_degc, cooling.coolant_degc] {
                prop_assert!(degc >= low && degc <= high, "{low} {degc} {high}: {cooling:?}");
            }
        }
    }

    /// What comes in from cells, walls, sun and electricity is what the chiller takes out and what
    /// is stored.
    #[test]
    fn heat_in_is_heat_out_and_heat_stored(
        spec in any_spec(), ambient_degc in -60.0..80.0f64, solar in 0.0..1_400.0f64,
        plates_w in proptest::collection::vec(-1e5..1e5f64, 1..30), cell_degc in -40.0..60.0f64,
    ) {
        let around = Outside { ambient_degc, solar_w_per_m2: solar };
        let mut cooling = Cooling::new(&spec, 25.0);
        let start_j = cooling.stored_j(&spec);
        let (mut net_j, mut moved_j) = (0.0, 0.0);
        for heat_w in plates_w {
            for _ in 0..20 {
                cooling.step(&spec, heat_w, cell_degc, cell_degc, &around);
                let flows = [heat_w, cooling.outside_w(), cooling.inside_electric_w(), -cooling.cooling_w];
                net_j += flows.iter().sum::<f64>() * TICK_S;
                moved_j += flows.iter().map(|w| w.abs()).sum::<f64>() * TICK_S;
            }
        }
        let stored_j = cooling.stored_j(&spec) - start_j;
        // The stored heat is a difference of sums that may be much larger than what moved.
        let rounding_j = 1e-12 * (start_j.abs() + cooling.stored_j(&spec).abs());
        prop_assert!((net_j - stored_j).abs() <= 1e-9 * moved_j + rounding_j, "{net_j} {stored_j} {moved_j}");
    }
}
