//! What a unit does by itself, tick by tick.

use super::*;
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::{FunctionSet, PowerFactor};
use bess_core::series::Series;
use std::sync::Arc;

const RATED_W: f64 = 1.0e6;
const RATED_VAR: f64 = 0.5e6;
const RATED: Most = Most {
    active_w: RATED_W,
    injected_var: RATED_VAR,
    absorbed_var: RATED_VAR,
    apparent_va: RATED_W,
    discharge_cap_w: f64::INFINITY,
    charge_cap_w: f64::INFINITY,
    injected_cap_var: f64::INFINITY,
    absorbed_cap_var: f64::INFINITY,
};

struct Bench {
    run: FunctionsRun,
    control: UnitControl,
    settings: UnitFunctions,
    most: Most,
    base: Power,
    output: Power,
    hz: f64,
    pu: f64,
    soc: f64,
    poi_w: f64,
    tick: u64,
}

fn bench(on: &[FunctionName]) -> Bench {
    let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).unwrap();
    let mut control = UnitControl::initial(&farm.units[0].design);
    control.functions = on.iter().copied().collect::<FunctionSet>();
    Bench {
        run: FunctionsRun::default(),
        control,
        settings: UnitFunctions::default(),
        most: RATED,
        base: Power { p_w: 2.0e5, q_var: 1.0e4 },
        output: Power { p_w: 2.0e5, q_var: 1.0e4 },
        hz: 50.0,
        pu: 1.0,
        soc: 0.5,
        poi_w: 0.0,
        tick: 0,
    }
}

impl Bench {
    fn step(&mut self) -> Wish {
        self.tick += 1;
        self.run.step(&Sight {
            tick: Tick(self.tick),
            nominal_hz: 50.0,
            frequency_hz: self.hz,
            voltage_pu: self.pu,
            control: &self.control,
            settings: &self.settings,
            base: self.base,
            output: self.output,
            most: self.most,
            poi_w: self.poi_w,
            units_sharing: 1,
            soc: self.soc,
        })
    }
    fn after_s(&mut self, s: f64) -> Wish {
        (1..Tick::count_in(s)).for_each(|_| {
            self.step();
        });
        self.step()
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * b.abs().max(1.0)
}

#[test]
fn without_a_function_the_setpoints_pass_unchanged_whatever_the_grid_does() {
    let mut bench = bench(&[]);
    (bench.hz, bench.pu) = (47.0, 1.3);
    let wish = bench.step();
    assert_eq!(wish.base, bench.base);
    assert!(!wish.acts && wish.response_w == 0.0 && near(wish.q_var, 1.0e4));
    assert!(wish.discharge_cap_w.is_infinite() && wish.charge_cap_w.is_infinite());
}

#[test]
fn a_droop_gives_nine_tenths_of_a_step_after_its_response_time() {
    let mut bench = bench(&[FunctionName::FrequencyDroop]);
    bench.hz = 50.0 - 0.036 - 0.25;
    // 0.25 Hz beyond the dead band of a droop of 5 % of 50 Hz is a tenth of the rating.
    let wish = bench.after_s(5.0);
    assert!(near(wish.response_w, 0.9 * 0.1 * RATED_W), "{}", wish.response_w);
    assert_eq!(wish.base, bench.base);
    bench.hz = 52.6;
    let wish = bench.after_s(120.0);
    assert!(near(wish.response_w, -RATED_W), "{}", wish.response_w);
}

#[test]
fn inside_its_dead_band_a_droop_is_exactly_silent() {
    let mut bench = bench(&[FunctionName::FrequencyDroop]);
    for hz in [49.965, 50.0, 50.035] {
        bench.hz = hz;
        assert!(bench.after_s(1.0).response_w == 0.0);
    }
}

#[test]
fn volt_var_injects_at_low_and_absorbs_at_high_voltage_with_its_lag() {
    let mut bench = bench(&[FunctionName::VoltVar]);
    bench.pu = 0.95;
    assert!(near(bench.after_s(5.0).q_var, 0.9 * 0.5 * RATED_VAR));
    bench.pu = 1.2;
    assert!(near(bench.after_s(120.0).q_var, -RATED_VAR));
    bench.pu = 1.0;
    assert!(bench.after_s(120.0).q_var == 0.0);
}

#[test]
fn volt_watt_caps_discharge_and_lets_charging_alone() {
    let mut bench = bench(&[FunctionName::VoltWatt]);
    bench.pu = 1.08;
    let wish = bench.after_s(300.0);
    assert!(near(wish.discharge_cap_w, 0.5 * RATED_W) && wish.charge_cap_w.is_infinite());
    bench.pu = 1.0;
    assert!(bench.after_s(300.0).discharge_cap_w.is_infinite());
}

#[test]
fn watt_var_follows_the_power_that_flows() {
    let mut bench = bench(&[FunctionName::WattVar]);
    bench.output.p_w = 0.75 * RATED_W;
    assert!(near(bench.after_s(300.0).q_var, -0.5 * RATED_VAR));
    bench.output.p_w = -0.75 * RATED_W;
    assert!(near(bench.after_s(300.0).q_var, 0.5 * RATED_VAR));
}

#[test]
fn a_power_factor_makes_reactive_power_in_proportion_and_by_direction() {
    let mut bench = bench(&[]);
    bench.control.pf_injecting = PowerFactor { enabled: true, factor: 0.8, over_excited: false };
    bench.output.p_w = 4.0e5;
    assert!(near(bench.step().q_var, -3.0e5));
    bench.output.p_w = -4.0e5;
    // Nobody switched on a power factor for absorbing: the setpoint stays.
    assert!(near(bench.step().q_var, 1.0e4));
    bench.control.functions = bench.control.functions.with(FunctionName::PowerFactor);
    bench.control.pf_absorbing = PowerFactor { enabled: false, factor: 0.8, over_excited: true };
    assert!(near(bench.step().q_var, 3.0e5));
}

#[test]
fn a_schedule_takes_the_place_of_the_setpoint() {
    let mut bench = bench(&[FunctionName::Schedule]);
    let series = Series::new(&[(0.0, 1.0e5), (1.0, -3.0e5), (2.0, 9.0e6)], false).unwrap();
    bench.settings.schedule = Some(Arc::new(series));
    assert!(near(bench.after_s(1.0).base.p_w, 1.0e5));
    assert!(near(bench.step().base.p_w, -3.0e5));
    assert!(near(bench.after_s(1.0).base.p_w, RATED_W));
}

/// The POI of a load and this unit, whose converter follows with a lag and a tick of delay.
fn shave(bench: &mut Bench, load_w: f64, s: f64) -> f64 {
    let mut asked_w = bench.output.p_w;
    for _ in 0..Tick::count_in(s) {
        bench.poi_w = bench.output.p_w - load_w;
        let wish = bench.step();
        bench.output.p_w += 0.6 * (asked_w - bench.output.p_w);
        asked_w = wish.base.p_w;
    }
    bench.output.p_w - load_w
}

#[test]
fn peak_shaving_keeps_import_and_export_within_limits_and_returns_to_the_setpoint() {
    let mut bench = bench(&[FunctionName::PeakShaving]);
    bench.settings.peak_shaving.import_max_w = 3.0e5;
    bench.settings.peak_shaving.export_max_w = 1.0e5;
    bench.base.p_w = 0.0;
    bench.output.p_w = 0.0;
    let poi_w = shave(&mut bench, 8.0e5, 10.0);
    assert!((poi_w + 3.0e5).abs() < 1e3, "{poi_w}");
    let poi_w = shave(&mut bench, 2.0e5, 20.0);
    assert!((poi_w + 2.0e5).abs() < 1e3, "the setpoint is possible again: {poi_w}");
    let poi_w = shave(&mut bench, -6.0e5, 10.0);
    assert!((poi_w - 1.0e5).abs() < 1e3, "{poi_w}");
    // More than it can do: it does what it can, and comes back without having wound up.
    let poi_w = shave(&mut bench, 5.0e6, 60.0);
    assert!((poi_w + 4.0e6).abs() < 1e3, "{poi_w}");
    let poi_w = shave(&mut bench, 8.0e5, 10.0);
    assert!((poi_w + 3.0e5).abs() < 1e3, "{poi_w}");
}

#[test]
fn beyond_the_window_of_soc_nothing_flows_in_that_direction() {
    let mut bench = bench(&[]);
    (bench.control.soc_min, bench.control.soc_max) = (0.2, 0.8);
    bench.soc = 0.2;
    let wish = bench.step();
    assert!(wish.discharge_cap_w == 0.0 && near(wish.charge_cap_w, RATED_W) && wish.acts);
    bench.soc = 0.81;
    let wish = bench.step();
    assert!(wish.charge_cap_w == 0.0 && near(wish.discharge_cap_w, RATED_W));
    bench.soc = 0.2025;
    assert!(near(bench.step().discharge_cap_w, 0.5 * RATED_W), "half of the taper");
}

#[test]
fn the_reserve_is_for_frequency_response_only() {
    let mut bench = bench(&[FunctionName::FrequencyDroop]);
    (bench.control.soc_min, bench.control.soc_reserve) = (0.1, 0.2);
    (bench.soc, bench.hz) = (0.25, 45.0);
    let wish = bench.after_s(120.0);
    assert!(wish.base.p_w == 0.0 && near(wish.response_w, RATED_W));
    assert!(near(wish.discharge_cap_w, RATED_W));
}

#[test]
fn limits_of_discharge_and_charge_cap_each_its_direction() {
    let mut bench = bench(&[]);
    bench.control.discharge_limit_enabled = true;
    bench.control.discharge_limit_pct = 10.0;
    bench.control.charge_limit_pct = 30.0;
    let wish = bench.step();
    assert!(near(wish.discharge_cap_w, 1.0e5) && near(wish.charge_cap_w, 3.0e5) && wish.acts);
}

#[test]
fn a_function_that_comes_on_again_starts_from_rest() {
    let mut bench = bench(&[FunctionName::FrequencyDroop]);
    bench.hz = 49.0;
    assert!(bench.after_s(20.0).response_w > 0.3 * RATED_W);
    bench.control.functions = FunctionSet::default();
    assert!(bench.step().response_w == 0.0);
    bench.control.functions = FunctionSet::default().with(FunctionName::FrequencyDroop);
    assert!(bench.step().response_w < 0.03 * RATED_W);
}

#[test]
fn a_unit_that_is_rated_down_takes_its_shares_of_what_is_left() {
    let most = Most { active_w: 0.5e6, injected_var: 0.2e6, absorbed_var: 0.1e6, ..RATED };
    let mut bench = bench(&[FunctionName::VoltVar, FunctionName::FrequencyDroop]);
    bench.most = most;
    (bench.pu, bench.hz) = (0.9, 48.0);
    let wish = (0..600).map(|_| bench.step()).last().unwrap();
    assert!((wish.q_var - 0.2e6).abs() < 1.0, "{wish:?}");
    let share = (2.0 - 0.036) / (50.0 * 0.05);
    assert!((wish.response_w - share * 0.5e6).abs() < 1.0, "{wish:?}");
    bench.pu = 1.1;
    let wish = (0..600).map(|_| bench.step()).last().unwrap();
    assert!((wish.q_var + 0.1e6).abs() < 1.0, "{wish:?}");
    bench.control.discharge_limit_enabled = true;
    bench.control.discharge_limit_pct = 50.0;
    assert_eq!(bench.step().discharge_cap_w, 0.25e6);
    bench.most.discharge_cap_w = 0.2e6;
    bench.most.charge_cap_w = 0.3e6;
    let wish = bench.step();
    assert_eq!((wish.discharge_cap_w, wish.charge_cap_w), (0.2e6, 0.3e6));
}
