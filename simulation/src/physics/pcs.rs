//! The power conversion system: dead time, lag, ramp, capability circle, losses.
//!
//! Runs first in the tick of a unit. The BMS limits that it obeys are those of the tick before:
//! using this tick's would need an iteration, and real BMSes report at 1 to 10 Hz anyway.

use crate::persist::{leaf, persist};
use bess_core::command::PowerPriority;
use bess_core::math;
use bess_core::spec::PcsSpec;
use bess_core::time::{TICK_S, Tick};
use std::collections::VecDeque;

/// Active and reactive power, in watts and vars.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Power {
    /// Active, positive is discharge.
    pub p_w: f64,
    /// Reactive, positive is injection.
    pub q_var: f64,
}
leaf!(Power);

/// What bounds the output in this tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerBounds {
    /// Largest discharge; negative where at least that much must be charged. It beats `charge_w`.
    pub discharge_w: f64,
    /// Largest charge as a magnitude, >= 0.
    pub charge_w: f64,
    /// Largest injected reactive power, >= 0; infinite for none.
    pub injected_var: f64,
    /// Largest absorbed reactive power as a magnitude, >= 0; infinite for none.
    pub absorbed_var: f64,
    /// Largest change of power per second, as a fraction of the rating.
    pub ramp_per_s: f64,
    /// Radius of the capability circle now: less than rated where the grid's voltage is low.
    pub apparent_va: f64,
    /// Which power gives way on the capability circle.
    pub priority: PowerPriority,
}

/// State of a converter.
#[derive(Clone, Debug)]
pub struct Pcs {
    delayed: VecDeque<Power>,
    lag_step: f64,
    lagged: Power,
    output: Power,
}
persist! {
    Pcs { delayed, lagged, output } but { lag_step }
}

impl Pcs {
    /// A converter at rest.
    pub fn new(spec: &PcsSpec) -> Self {
        let dead_ticks = Tick::count_in(spec.dead_time.0) as usize;
        let lag_step = if spec.time_constant.0 > 0.0 {
            1.0 - math::exp(-TICK_S / spec.time_constant.0)
        } else {
            1.0
        };
        Self {
            delayed: std::iter::repeat_n(Power::default(), dead_ticks).collect(),
            lag_step,
            lagged: Power::default(),
            output: Power::default(),
        }
    }

    /// Power at the AC terminals at the end of the last tick.
    pub fn output(&self) -> Power {
        self.output
    }

    /// Blocks the converter: nothing flows, and nothing asked before is remembered.
    pub fn block(&mut self) {
        self.delayed.iter_mut().for_each(|power| *power = Power::default());
        self.lagged = Power::default();
        self.output = Power::default();
    }

    /// One tick towards `target`.
    pub fn step(&mut self, spec: &PcsSpec, target: Power, bounds: &PowerBounds) -> Power {
        self.delayed.push_back(target);
        let due = self.delayed.pop_front().expect("one was pushed just now");
        self.lagged.p_w = lag(self.lagged.p_w, due.p_w, self.lag_step);
        self.lagged.q_var = lag(self.lagged.q_var, due.q_var, self.lag_step);
        let p_step_w = bounds.ramp_per_s * spec.rated_power.0 * TICK_S;
        let q_step_var = bounds.ramp_per_s * spec.rated_reactive_power.0 * TICK_S;
        let ramped = Power {
            p_w: approach(self.output.p_w, self.lagged.p_w, p_step_w),
            q_var: approach(self.output.q_var, self.lagged.q_var, q_step_var),
        };
        let limited = Power {
            p_w: ramped.p_w.max(-bounds.charge_w).min(bounds.discharge_w),
            q_var: ramped.q_var.max(-bounds.absorbed_var).min(bounds.injected_var),
        };
        self.output = within_circle(limited, bounds.apparent_va, bounds.priority);
        self.output
    }

    /// Gives `power` at once: what the loads of an island take.
    pub fn follow(&mut self, power: Power) {
        self.delayed.iter_mut().for_each(|delayed| *delayed = power);
        self.lagged = power;
        self.output = power;
    }

    /// Corrects the output to what the DC side could really give.
    pub fn curtail(&mut self, p_w: f64) {
        self.output.p_w = p_w;
    }

    /// Feeds the state to `sink`, for hashing.
    pub fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for power in self.delayed.iter().chain([&self.lagged, &self.output]) {
            sink(&power.p_w.to_le_bytes());
            sink(&power.q_var.to_le_bytes());
        }
    }
}

/// Whether the DC voltage keeps the converter from giving power: it is outside of the window, or
/// `was_blocked` and it is not 1 % of the bound inside again, so that a voltage that recovers
/// without load does not make it chatter [E engineering choice].
pub fn dc_voltage_blocks(spec: &PcsSpec, voltage_v: f64, was_blocked: bool) -> bool {
    const RETURN: f64 = 0.01;
    let margin = if was_blocked { RETURN } else { 0.0 };
    let low_v = spec.dc_voltage_min.0 * (1.0 + margin);
    let high_v = spec.dc_voltage_max.0 * (1.0 - margin);
    voltage_v < low_v || voltage_v > high_v
}

/// Loss in watts at the AC power `power`.
pub fn loss_w(spec: &PcsSpec, power: Power) -> f64 {
    let rated_va = spec.rated_apparent_power.0;
    let apparent_va = math::sqrt(power.p_w * power.p_w + power.q_var * power.q_var);
    rated_va * spec.loss.at(apparent_va / rated_va)
}

/// A first-order step; the last milliwatt is taken at once, so that rest is rest.
fn lag(from: f64, to: f64, step: f64) -> f64 {
    const REST: f64 = 1e-3;
    if (to - from).abs() < REST { to } else { from + step * (to - from) }
}

/// From `from` towards `to` by at most `step` (>= 0).
pub(crate) fn approach(from: f64, to: f64, step: f64) -> f64 {
    from + (to - from).clamp(-step, step)
}

/// Cuts `power` to the circle of radius `apparent_va`; the power without priority gives way first.
fn within_circle(power: Power, apparent_va: f64, priority: PowerPriority) -> Power {
    let left = |kept: f64| math::sqrt((apparent_va * apparent_va - kept * kept).max(0.0));
    match priority {
        PowerPriority::Active => {
            let p_w = power.p_w.clamp(-apparent_va, apparent_va);
            let q_max = left(p_w);
            Power { p_w, q_var: power.q_var.clamp(-q_max, q_max) }
        }
        PowerPriority::Reactive => {
            let q_var = power.q_var.clamp(-apparent_va, apparent_va);
            let p_max = left(q_var);
            Power { p_w: power.p_w.clamp(-p_max, p_max), q_var }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::config::{BUILT_IN_FARM, parse_farm};
    use bess_core::units::{Seconds, Volts};
    use proptest::prelude::*;

    fn spec() -> PcsSpec {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).unwrap();
        farm.units[0].design.pcs
    }
    const FREE: PowerBounds = PowerBounds {
        discharge_w: 2.5e6,
        charge_w: 2.5e6,
        injected_var: f64::INFINITY,
        absorbed_var: f64::INFINITY,
        ramp_per_s: 1000.0,
        apparent_va: 2.75e6,
        priority: PowerPriority::Active,
    };

    #[test]
    fn the_output_waits_for_the_dead_time_and_then_lags_exponentially() {
        let mut spec = spec();
        spec.dead_time = Seconds(0.3);
        spec.time_constant = Seconds(1.0);
        let mut pcs = Pcs::new(&spec);
        let target = Power { p_w: 1.0e6, q_var: 0.0 };
        let out: Vec<f64> = (0..13).map(|_| pcs.step(&spec, target, &FREE).p_w).collect();
        assert!(out[..3].iter().all(|p| p.abs() < 1e-9), "{out:?}");
        let after_1_s = out[12];
        assert!((after_1_s - 1.0e6 * (1.0 - math::exp(-1.0))).abs() < 1e-3, "{after_1_s}");
    }

    #[test]
    fn the_output_never_moves_faster_than_the_ramp() {
        let spec = spec();
        let mut pcs = Pcs::new(&spec);
        let bounds = PowerBounds { ramp_per_s: 0.1, ..FREE };
        let mut last = 0.0;
        for _ in 0..100 {
            let out = pcs.step(&spec, Power { p_w: 2.0e6, q_var: 0.0 }, &bounds).p_w;
            assert!(out - last <= 0.1 * 2.5e6 * TICK_S + 1e-6);
            last = out;
        }
        assert!((last - 2.0e6).abs() < 1.0, "8 s at 10 %/s reach 80 %: {last}");
    }

    #[test]
    fn losses_follow_the_measured_efficiency_of_a_sinamics_s120() {
        // Schimpe 2018: 95.9 % at 20 %, 97.3 % at 50 %, 97.3 % at 100 % without standby losses.
        let mut spec = spec();
        spec.loss.standby = 0.0;
        let s = spec.rated_apparent_power.0;
        for (loading, efficiency) in [(0.2, 0.959), (0.5, 0.973), (1.0, 0.973)] {
            let loss = loss_w(&spec, Power { p_w: loading * s, q_var: 0.0 });
            let modelled = loading * s / (loading * s + loss);
            assert!((modelled - efficiency).abs() < 0.004, "{loading}: {modelled}");
        }
    }

    #[test]
    fn a_dc_voltage_outside_of_the_window_blocks_until_it_is_well_inside_again() {
        let mut spec = spec();
        (spec.dc_voltage_min, spec.dc_voltage_max) = (Volts(1000.0), Volts(1500.0));
        for (voltage_v, blocked) in [
            (999.9, true),
            (1000.0, false),
            (1250.0, false),
            (1500.0, false),
            (1500.1, true),
            (0.0, true),
        ] {
            assert_eq!(dc_voltage_blocks(&spec, voltage_v, false), blocked, "{voltage_v}");
        }
        for (voltage_v, blocked) in
            [(1009.9, true), (1010.0, false), (1485.0, false), (1485.1, true)]
        {
            assert_eq!(dc_voltage_blocks(&spec, voltage_v, true), blocked, "{voltage_v}");
        }
    }

    #[test]
    fn on_the_circle_the_power_without_priority_gives_way() {
        let p = |p_w: f64, q_var: f64| Power { p_w, q_var };
        let cut = |power, priority| within_circle(power, 10.0, priority);
        use PowerPriority::{Active, Reactive};
        for (wanted, active, reactive) in [
            (p(8.0, 8.0), p(8.0, 6.0), p(6.0, 8.0)),
            (p(-8.0, 8.0), p(-8.0, 6.0), p(-6.0, 8.0)),
            (p(8.0, -8.0), p(8.0, -6.0), p(6.0, -8.0)),
            (p(12.0, 3.0), p(10.0, 0.0), p(91f64.sqrt(), 3.0)),
            (p(3.0, -12.0), p(3.0, -(91f64.sqrt())), p(0.0, -10.0)),
            (p(6.0, 8.0), p(6.0, 8.0), p(6.0, 8.0)),
            (p(1.0, -2.0), p(1.0, -2.0), p(1.0, -2.0)),
        ] {
            for (priority, expected) in [(Active, active), (Reactive, reactive)] {
                let found = cut(wanted, priority);
                let error = (found.p_w - expected.p_w).abs() + (found.q_var - expected.q_var).abs();
                assert!(error < 1e-12, "{wanted:?} {priority:?}: {found:?}");
            }
        }
    }

    #[test]
    fn the_priority_decides_what_a_converter_at_full_load_gives() {
        let spec = spec();
        let wanted = Power { p_w: 2.5e6, q_var: 1.21e6 };
        let settled = |priority| {
            let mut pcs = Pcs::new(&spec);
            let bounds = PowerBounds { priority, ..FREE };
            (0..100).for_each(|_| _ = pcs.step(&spec, wanted, &bounds));
            pcs.output()
        };
        let (active, reactive) = (settled(PowerPriority::Active), settled(PowerPriority::Reactive));
        // 2.75 MVA: 2.5 MW leave 1.1456 Mvar, and 1.21 Mvar leave 2.4695 MW.
        assert!((active.p_w - 2.5e6).abs() < 1.0 && (active.q_var - 1_145_644.0).abs() < 1.0);
        assert!((reactive.q_var - 1.21e6).abs() < 1.0 && (reactive.p_w - 2_469_494.0).abs() < 1.0);
    }

    proptest! {
        #[test]
        fn the_output_stays_on_the_circle_and_within_the_bounds(
            p in -5.0e6..5.0e6f64, q in -5.0e6..5.0e6f64,
            discharge_w in 0.0..2.5e6f64, charge_w in 0.0..2.5e6f64, reactive: bool,
            injected_var in 0.0..2.0e6f64, absorbed_var in 0.0..2.0e6f64,
        ) {
            let spec = spec();
            let mut pcs = Pcs::new(&spec);
            let priority = if reactive { PowerPriority::Reactive } else { PowerPriority::Active };
            let bounds =
                PowerBounds { discharge_w, charge_w, injected_var, absorbed_var, priority, ..FREE };
            for _ in 0..20 {
                let out = pcs.step(&spec, Power { p_w: p, q_var: q }, &bounds);
                prop_assert!(out.p_w <= discharge_w && out.p_w >= -charge_w);
                prop_assert!(out.q_var <= injected_var && out.q_var >= -absorbed_var);
                let s = (out.p_w.powi(2) + out.q_var.powi(2)).sqrt();
                prop_assert!(s <= spec.rated_apparent_power.0 * (1.0 + 1e-12));
            }
        }
    }
}
