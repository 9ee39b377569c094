//! From setpoints to the power at the AC terminals: fallback, functions, ramps, caps, the converter.

use super::{Surroundings, Unit};
use crate::function::{Sight, Wish};
use crate::physics::pcs::{self, Power, PowerBounds};
use bess_core::command::{PowerPriority, UnitControl};
use bess_core::control::{FunctionName, FunctionSet};
use bess_core::time::TICK_S;
use bess_core::units::Watts;
use std::sync::Arc;

/// Share of the rating by which what is wanted must be cut to count as derated.
const DERATED_SHARE: f64 = 0.005;

impl Unit {
    /// Cap of discharge that somebody set; infinite while there is none.
    fn discharge_cap_w(&self) -> f64 {
        let most = self.most();
        if self.control.discharge_limit_enabled {
            let cap_w = self.control.discharge_limit_pct / 100.0 * most.active_w;
            cap_w.min(most.discharge_cap_w)
        } else {
            most.discharge_cap_w
        }
    }

    /// Cap of charge that somebody set, a magnitude.
    fn charge_cap_w(&self) -> f64 {
        let most = self.most();
        if self.control.charge_limit_pct < 100.0 {
            let cap_w = self.control.charge_limit_pct / 100.0 * most.active_w;
            cap_w.min(most.charge_cap_w)
        } else {
            most.charge_cap_w
        }
    }

    /// Setpoints in force after enabling, modes, fallback and caps, before functions.
    pub(crate) fn target(&self) -> Power {
        if self.machine.ramps_down() {
            return Power::default();
        }
        let most = self.most();
        let asked_w = match &self.fallback {
            Some(fallback) => fallback.active_w,
            None => self.control.active.target(most.active_w),
        };
        let reactive = &self.control.reactive;
        Power {
            p_w: asked_w.min(self.discharge_cap_w()).max(-self.charge_cap_w()),
            q_var: most.capped_var(reactive.target(most.reactive_var(reactive.percent))),
        }
    }

    /// What it wants to give in this tick, after functions and the ramps of setpoint and enter service.
    fn want(&mut self, around: &Surroundings) -> Power {
        let (most, rated_var) = (self.most(), self.design.pcs.rated_reactive_power.0);
        if self.machine.ramps_down() {
            self.ramped = Power::default();
            return self.ramped;
        }
        let fallback_control = self.fallback_control();
        let settings = self.faults.at_work(&self.functions);
        let sight = Sight {
            tick: around.tick,
            nominal_hz: around.nominal_hz,
            frequency_hz: around.grid.frequency_mean_hz(),
            voltage_pu: around.grid.voltage_mean_pu(),
            control: fallback_control.as_ref().unwrap_or(&self.control),
            settings: &settings,
            base: self.target(),
            output: self.pcs.output(),
            most,
            poi_w: around.poi_w,
            units_sharing: around.units_sharing,
            soc: self.share.soc,
        };
        let wish: Wish = self.run.step(&sight);
        let step = self.control.ramp_pct_per_s / 100.0 * self.faults.ramp_factor * TICK_S;
        self.ramped = Power {
            p_w: pcs::approach(self.ramped.p_w, wish.base.p_w, step * most.active_w),
            q_var: pcs::approach(self.ramped.q_var, wish.q_var, step * rated_var),
        };
        let share = self.entry.share(around.tick);
        self.entry_cap_w = if share < 1.0 { share * most.active_w } else { f64::INFINITY };
        let entry_w = self.entry_cap_w;
        let p_w = (self.ramped.p_w + wish.response_w)
            .min(wish.discharge_cap_w.min(entry_w))
            .max(-wish.charge_cap_w.min(entry_w));
        Power { p_w, q_var: self.ramped.q_var }
    }

    /// The control during a fallback: with its function alone, or without what gives setpoints beside
    /// the fallback's own.
    fn fallback_control(&self) -> Option<UnitControl> {
        let fallback = self.fallback.as_ref()?;
        let on = self.control.functions;
        let functions: FunctionSet = match fallback.function {
            Some(function) => [function].into_iter().collect(),
            None => on.without(FunctionName::Schedule).without(FunctionName::PeakShaving),
        };
        Some(UnitControl { functions, ..self.control })
    }

    /// The PCS towards what is wanted, within what was available at the end of the last tick.
    pub(super) fn convert(&mut self, around: &Surroundings) -> Power {
        let design = Arc::clone(&self.design);
        let spec = &design.pcs;
        self.is_cut = false;
        if !self.gates {
            self.dc_out_of_window = None;
            self.ramped = Power::default();
            self.run.rest();
            self.keep_rest();
            self.pcs.block();
            return Power::default();
        }
        let bus_v = self.battery.bus_voltage_v();
        let outside = pcs::dc_voltage_blocks(spec, bus_v, self.dc_out_of_window.is_some());
        self.dc_out_of_window = outside.then_some(bus_v);
        if outside {
            self.is_cut = self.target().p_w != 0.0;
            self.run.rest();
            self.keep_rest();
            self.pcs.block();
            return Power::default();
        }
        let (discharge_w, charge_w) = self.headroom_w();
        let most = self.most();
        if let Some(island) = &mut self.island {
            // The loads say what flows; the unit gives as much of it as it can.
            let most_va = most.apparent_va;
            // Its own auxiliaries hang on the island too.
            let own_w = self.cooling.electric_w();
            let able_w = (discharge_w - own_w).max(0.0);
            let now = island.step(around.tick, &self.island_loads, able_w, most_va);
            self.island_now = now;
            let p_w = (now.active_w + own_w).min(discharge_w).max(0.0);
            let power = Power { p_w, q_var: now.reactive_var };
            self.pcs.follow(power);
            return power;
        }
        let wanted = self.want(around);
        let wanted = self.obey(wanted);
        let over_w = (wanted.p_w - discharge_w).max(-wanted.p_w - charge_w);
        self.is_cut = over_w > DERATED_SHARE * spec.rated_power.0;
        let able_va = self.faults.pcs_share * spec.rated_apparent_power.0;
        let apparent_va = self.power_share(&around.grid) * most.apparent_va.min(able_va);
        let bounds = PowerBounds {
            discharge_w: discharge_w.min(apparent_va),
            charge_w: charge_w.min(apparent_va),
            injected_var: most.injected_cap_var,
            absorbed_var: most.absorbed_cap_var,
            ramp_per_s: spec.ramp_per_s * self.faults.ramp_factor,
            apparent_va,
            priority: self.control.priority,
        };
        self.pcs.step(spec, wanted, &bounds)
    }

    /// Whether the converter runs with a DC voltage that it can work with.
    pub(super) fn converts(&self) -> bool {
        self.gates && self.dc_out_of_window.is_none()
    }

    /// Bounds of the AC power: (largest discharge, largest charge as a magnitude). The first is
    /// negative when the battery cannot even feed the converter's losses: then the grid must.
    pub(super) fn headroom_w(&self) -> (f64, f64) {
        let works = self.machine.gates() && self.dc_out_of_window.is_none();
        let Some(bus) = self.battery.bus().filter(|_| works) else { return (0.0, 0.0) };
        let spec = &self.design.pcs;
        let (discharge_a, charge_a) = self.battery.current_limits();
        // At the current limit; never beyond the matched load.
        let most_a = discharge_a.min(0.5 * bus.a_v / bus.b_ohm);
        let dc_discharge_w = most_a * bus.at_current(most_a).voltage_v;
        let dc_charge_w = charge_a * bus.at_current(-charge_a).voltage_v;
        let q_var = self.pcs.output().q_var;
        let loss_at = |p_w: f64| self.pcs_loss_w(Power { p_w, q_var });
        let mut discharge_w = dc_discharge_w - loss_at(dc_discharge_w);
        if discharge_w < 0.0 {
            // The loss grows with what is drawn from the grid for it; its slope is below one.
            for _ in 0..24 {
                discharge_w = dc_discharge_w - loss_at(discharge_w);
            }
        }
        // What the converter's temperature leaves, and with priority for reactive power, what that
        // leaves on the circle.
        let mut most_w = spec.rated_power.0 * self.protection.pcs_derate() * self.faults.pcs_share;
        if self.control.priority == PowerPriority::Reactive {
            let apparent_va = self.most().apparent_va;
            let left_w = (apparent_va * apparent_va - q_var * q_var).max(0.0).sqrt();
            most_w = most_w.min(left_w);
        }
        let (may_discharge_w, may_charge_w) = self.allowed_w();
        // Losses help a charging limit, but are not counted on.
        (
            discharge_w.min(most_w).min(may_discharge_w),
            dc_charge_w.clamp(0.0, most_w).min(may_charge_w),
        )
    }

    /// What somebody lets it give and take: (discharge, charge), magnitudes; nothing beyond an end of
    /// the window of state of charge.
    fn allowed_w(&self) -> (f64, f64) {
        let (control, soc) = (&self.control, self.share.soc);
        let unless = |beyond: bool, cap_w: f64| if beyond { 0.0 } else { cap_w };
        (
            unless(soc <= control.soc_min && control.soc_min > 0.0, self.discharge_cap_w()),
            unless(soc >= control.soc_max && control.soc_max < 1.0, self.charge_cap_w()),
        )
    }

    /// Power that could flow now at the AC terminals: (discharge, charge), magnitudes.
    pub(super) fn available(&self) -> (Watts, Watts) {
        let (discharge_w, charge_w) = self.headroom_w();
        (Watts(discharge_w.max(0.0)), Watts(charge_w))
    }

    /// What the plant may ask for in a direction: available at the end of the last tick, and not
    /// beyond what somebody set or the ramp after entering service leaves. A magnitude in watts.
    pub(crate) fn capped_available_w(&self, discharge: bool) -> f64 {
        let (control, soc) = (&self.control, self.share.soc);
        let (available_w, cap_w, inside) = if discharge {
            let lowest = control.soc_min + control.soc_reserve;
            (self.share.available_discharge.0, self.discharge_cap_w(), soc > lowest)
        } else {
            (self.share.available_charge.0, self.charge_cap_w(), soc < control.soc_max)
        };
        if inside { available_w.min(cap_w).min(self.entry_cap_w) } else { 0.0 }
    }
}
