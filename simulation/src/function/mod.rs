//! What a unit does by itself: droop, frequency response, curves of voltage and power, caps by state of
//! charge.
//!
//! Order, as plant controllers stack it: caps beat frequency, frequency beats voltage, and these beat
//! schedules and setpoints. What the BMS and the converter can do bounds all of it afterwards.

mod response;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_services;

pub(crate) use response::ResponseRun;

use crate::persist::leaf;
use crate::physics::pcs::Power;
use crate::unit::Most;
use bess_core::control::{FrequencyDroop, FunctionName, UnitControl, UnitFunctions};
use bess_core::math;
use bess_core::time::{TICK_S, Tick};

/// Width of the taper inside an end of the SoC window, so that a unit at its end does not chatter
/// [engineering choice].
const SOC_TAPER: f64 = 0.005;
/// Part of what is missing at the POI that peak shaving corrects in a tick: the converter's dead time
/// and lag and the age of the measurement, three ticks in all, leave it well damped [engineering choice].
const SHAVING_GAIN: f64 = 0.25;

/// What the functions of a unit see in a tick.
#[derive(Debug)]
pub(crate) struct Sight<'s> {
    pub(crate) tick: Tick,
    pub(crate) nominal_hz: f64,
    /// Mean over the tick; a frequency that is no number draws no response.
    pub(crate) frequency_hz: f64,
    /// Voltage at the terminals over nominal.
    pub(crate) voltage_pu: f64,
    pub(crate) control: &'s UnitControl,
    pub(crate) settings: &'s UnitFunctions,
    /// Setpoints in force.
    pub(crate) base: Power,
    /// At the AC terminals in the last tick.
    pub(crate) output: Power,
    /// The largest powers: what shares are of.
    pub(crate) most: Most,
    /// At the POI in the last tick, positive is export.
    pub(crate) poi_w: f64,
    /// Units that shave peaks at this POI, this one too.
    pub(crate) units_sharing: usize,
    /// State of charge that the BMS believes, 0 to 1.
    pub(crate) soc: f64,
}

/// What the unit wants to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wish {
    /// What passes the ramp of setpoints.
    pub(crate) base: Power,
    /// What comes on top of it at once, in W.
    pub(crate) response_w: f64,
    /// Reactive power; that of `base` where no function makes it.
    pub(crate) q_var: f64,
    /// Largest discharge in W; infinite for no cap.
    pub(crate) discharge_cap_w: f64,
    /// Largest charge in W as a magnitude; infinite for no cap.
    pub(crate) charge_cap_w: f64,
    /// Whether a function changes power or caps it.
    pub(crate) acts: bool,
}

/// State of the functions of a unit.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct FunctionsRun {
    response: ResponseRun,
    droop: Lag,
    volt_var: Lag,
    /// How much the cap is below 1.
    volt_watt: Lag,
    watt_var: Lag,
    /// What came on top of the setpoint in the last tick.
    response_w: f64,
    /// Functions of the last tick, by their bits.
    on: u16,
}
leaf!(FunctionsRun);

impl FunctionsRun {
    /// One tick.
    pub(crate) fn step(&mut self, sight: &Sight<'_>) -> Wish {
        let on = sight.control.functions;
        let mut wish = Wish {
            base: sight.base,
            response_w: 0.0,
            q_var: sight.base.q_var,
            discharge_cap_w: f64::INFINITY,
            charge_cap_w: f64::INFINITY,
            acts: false,
        };
        if on.bits() != self.on {
            self.forget_others(sight.control);
            self.on = on.bits();
        }
        if on.bits() != 0 {
            self.active_power(sight, &mut wish);
            self.reactive_power(sight, &mut wish);
        }
        let makes_q = |f| on.has(f);
        if !makes_q(FunctionName::VoltVar) && !makes_q(FunctionName::WattVar) {
            power_factor(sight, &mut wish);
        }
        caps(sight, &mut wish);
        self.response_w = wish.response_w;
        wish
    }

    /// The unit does not run: what was under way is over, and starts from rest when it runs again.
    pub(crate) fn rest(&mut self) {
        if self.on != 0 {
            *self = Self::default();
        }
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        self.response.hash_into(sink);
        for lag in [&self.droop, &self.volt_var, &self.volt_watt, &self.watt_var] {
            sink(&lag.value.to_le_bytes());
        }
        sink(&self.response_w.to_le_bytes());
        sink(&self.on.to_le_bytes());
    }

    /// A function that comes on again starts from rest.
    fn forget_others(&mut self, control: &UnitControl) {
        let on = control.functions;
        let lags = [
            (FunctionName::FrequencyDroop, &mut self.droop),
            (FunctionName::VoltVar, &mut self.volt_var),
            (FunctionName::VoltWatt, &mut self.volt_watt),
            (FunctionName::WattVar, &mut self.watt_var),
        ];
        for (function, lag) in lags {
            if !on.has(function) {
                *lag = Lag::default();
            }
        }
        if !on.has(FunctionName::FrequencyResponse) {
            self.response = ResponseRun::default();
        }
    }

    fn active_power(&mut self, sight: &Sight<'_>, wish: &mut Wish) {
        let (on, settings) = (sight.control.functions, sight.settings);
        let rated_w = sight.most.active_w;
        if on.has(FunctionName::Schedule)
            && let Some(schedule) = &settings.schedule
        {
            let start_s = Tick(sight.tick.0.saturating_sub(1)).elapsed_s();
            wish.base.p_w = schedule.at(start_s).clamp(-rated_w, rated_w);
            wish.acts = true;
        }
        if on.has(FunctionName::PeakShaving) {
            let p_w = self.shaved(sight, wish.base.p_w);
            wish.acts |= p_w.to_bits() != wish.base.p_w.to_bits();
            wish.base.p_w = p_w;
        }
        let deviation_hz = sight.frequency_hz - sight.nominal_hz;
        let deviation_hz = if deviation_hz.is_finite() { deviation_hz } else { 0.0 };
        if on.has(FunctionName::FrequencyDroop) {
            let droop = &settings.frequency_droop;
            let share = droop_share(droop, deviation_hz, sight.nominal_hz);
            wish.response_w += rated_w * self.droop.step(share, droop.response_s);
        }
        if on.has(FunctionName::FrequencyResponse) {
            let service = &settings.frequency_response;
            let contract_w = service.contract_w.unwrap_or(rated_w).min(rated_w);
            wish.response_w += self.response.step(service, deviation_hz, contract_w);
        }
        wish.acts |= wish.response_w != 0.0;
        if on.has(FunctionName::VoltWatt) {
            let curve = &settings.volt_watt;
            let below = 1.0 - curve_at(&curve.points, sight.voltage_pu).clamp(0.0, 1.0);
            let below = self.volt_watt.step(below, curve.response_s);
            if below > 0.0 {
                wish.discharge_cap_w = (1.0 - below) * rated_w;
                wish.acts = true;
            }
        }
    }

    fn reactive_power(&mut self, sight: &Sight<'_>, wish: &mut Wish) {
        let (on, settings) = (sight.control.functions, sight.settings);
        let share = if on.has(FunctionName::VoltVar) {
            let curve = &settings.volt_var;
            self.volt_var.step(curve_at(&curve.points, sight.voltage_pu), curve.response_s)
        } else if on.has(FunctionName::WattVar) {
            let curve = &settings.watt_var;
            let p = sight.output.p_w / sight.most.active_w;
            self.watt_var.step(curve_at(&curve.points, p), curve.response_s)
        } else {
            return;
        };
        wish.q_var = share.clamp(-1.0, 1.0) * sight.most.reactive_var(share);
        wish.acts = true;
    }

    /// The active power that keeps the POI within its limits and is as near to `base_w` as that allows.
    /// It starts from what the unit really gives, so that nothing winds up while it cannot do more.
    fn shaved(&self, sight: &Sight<'_>, base_w: f64) -> f64 {
        let limits = &sight.settings.peak_shaving;
        if !sight.poi_w.is_finite() {
            return base_w;
        }
        let part = SHAVING_GAIN / sight.units_sharing.max(1) as f64;
        let now_w = sight.output.p_w - self.response_w;
        // How far the POI may rise and fall; negative where it is beyond the limit.
        let up_w = (limits.export_max_w - sight.poi_w) * part;
        let down_w = (sight.poi_w + limits.import_max_w) * part;
        let lowest_w = now_w - down_w;
        let highest_w = (now_w + up_w).max(lowest_w);
        let rated_w = sight.most.active_w;
        base_w.clamp(lowest_w, highest_w).clamp(-rated_w, rated_w)
    }
}

/// A first-order lag: 90 % of a step is there after its response time.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Lag {
    pub(crate) value: f64,
    /// The response time that `part` is for.
    response_s: f64,
    /// Part of what is missing that comes in a tick; 0 before the first use.
    part: f64,
}
leaf!(Lag);

impl Lag {
    /// One tick towards `to`; 90 % of a step are there after `response_s`.
    pub(crate) fn step(&mut self, to: f64, response_s: f64) -> f64 {
        if self.part == 0.0 || self.response_s.to_bits() != response_s.to_bits() {
            self.response_s = response_s;
            self.part =
                if response_s > 0.0 { 1.0 - math::pow(10.0, -TICK_S / response_s) } else { 1.0 };
        }
        let missing = to - self.value;
        // The last billionth is taken at once, so that rest is rest.
        let arrives = self.part >= 1.0 || missing.abs() < 1e-9;
        self.value = if arrives { to } else { self.value + self.part * missing };
        self.value
    }
}

/// Share of the rating that a droop asks for, -1 to 1.
fn droop_share(droop: &FrequencyDroop, deviation_hz: f64, nominal_hz: f64) -> f64 {
    let share = if deviation_hz > droop.over_deadband_hz {
        (droop.over_deadband_hz - deviation_hz) / (nominal_hz * droop.over_droop)
    } else if deviation_hz < -droop.under_deadband_hz {
        (-droop.under_deadband_hz - deviation_hz) / (nominal_hz * droop.under_droop)
    } else {
        0.0
    };
    share.clamp(-1.0, 1.0)
}

/// A constant power factor, by the function or by the switch of its direction.
fn power_factor(sight: &Sight<'_>, wish: &mut Wish) {
    let control = sight.control;
    let p_w = sight.output.p_w;
    let setting = if p_w >= 0.0 { control.pf_injecting } else { control.pf_absorbing };
    if !setting.enabled && !control.functions.has(FunctionName::PowerFactor) {
        return;
    }
    let factor = setting.factor.clamp(0.01, 1.0);
    let q_var = p_w.abs() * math::sqrt(1.0 - factor * factor) / factor;
    wish.q_var = if setting.over_excited {
        q_var.min(sight.most.injected_var)
    } else {
        -q_var.min(sight.most.absorbed_var)
    };
    wish.acts = true;
}

/// Caps of discharge and charge by setting and by the window of state of charge.
fn caps(sight: &Sight<'_>, wish: &mut Wish) {
    let (control, rated_w) = (sight.control, sight.most.active_w);
    wish.discharge_cap_w = wish.discharge_cap_w.min(sight.most.discharge_cap_w);
    wish.charge_cap_w = wish.charge_cap_w.min(sight.most.charge_cap_w);
    if control.discharge_limit_enabled {
        let cap_w = rated_w * control.discharge_limit_pct / 100.0;
        wish.discharge_cap_w = wish.discharge_cap_w.min(cap_w);
    }
    if control.charge_limit_pct < 100.0 {
        let cap_w = rated_w * control.charge_limit_pct / 100.0;
        wish.charge_cap_w = wish.charge_cap_w.min(cap_w);
    }
    // An end at empty or full is no window: the BMS keeps the unit from going beyond these.
    if control.soc_min > 0.0 {
        let cap_w = rated_w * taper(sight.soc - control.soc_min);
        wish.discharge_cap_w = wish.discharge_cap_w.min(cap_w);
    }
    if control.soc_max < 1.0 {
        let cap_w = rated_w * taper(control.soc_max - sight.soc);
        wish.charge_cap_w = wish.charge_cap_w.min(cap_w);
    }
    if control.soc_reserve > 0.0 {
        let left = sight.soc - (control.soc_min + control.soc_reserve);
        wish.base.p_w = wish.base.p_w.min(rated_w * taper(left));
    }
    let unchecked_w = wish.base.p_w + wish.response_w;
    wish.acts |= unchecked_w > wish.discharge_cap_w || -unchecked_w > wish.charge_cap_w;
}

/// Share of the power that is left at `inside` of an end of the window; none beyond it.
fn taper(inside: f64) -> f64 {
    (inside / SOC_TAPER).clamp(0.0, 1.0)
}

/// The value of a piecewise-linear curve at `x`; beyond its ends it holds. 0 for no points.
pub(crate) fn curve_at(points: &[(f64, f64)], x: f64) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return 0.0;
    };
    if x <= first.0 {
        return first.1;
    }
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if x <= to.0 {
            return from.1 + (to.1 - from.1) * ((x - from.0) / (to.0 - from.0));
        }
    }
    last.1
}
