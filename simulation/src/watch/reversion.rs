//! Reversion timers (SunSpec 704 *RvrtTms, *RvrtRem): a control that nobody rewrites in time goes back
//! to its value of reversion.

use crate::persist::leaf;
use bess_core::control::{
    ControlChange, ControlSource, PowerFactor, Reversion, Setpoint, SetpointMode, UnitControl,
};
use bess_core::event::Reverted;
use bess_core::time::{TICKS_PER_S, Tick};

/// The end of a timer that does not run.
const NEVER: Tick = Tick(u64::MAX);

/// The reversion timers of one unit.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Reversions {
    /// When each runs out, in the order of [`Reverted::ALL`].
    ends: [Tick; Reverted::ALL.len()],
}
leaf!(Reversions);

impl Default for Reversions {
    fn default() -> Self {
        Self { ends: [NEVER; Reverted::ALL.len()] }
    }
}

impl Reversions {
    /// `which` was written, and `control` is what came of it: its timer starts anew when the control is
    /// in force and has a time of reversion, and stops otherwise.
    pub(crate) fn written(&mut self, which: Reverted, now: Tick, control: &UnitControl) {
        let time_s = reversion(control, which).time_s;
        self.ends[which as usize] = if time_s > 0 && is_in_force(control, which) {
            Tick(now.0 + u64::from(time_s) * TICKS_PER_S)
        } else {
            NEVER
        };
    }

    /// Puts what has to be reverted at tick `now` into `control` and appends it to `out`; call it after
    /// the commands of the tick. A reversion ends its timer: what is in force then stays.
    ///
    /// When the active setpoint reverts, nobody controls the unit's power any more.
    pub(crate) fn step(&mut self, now: Tick, control: &mut UnitControl, out: &mut Vec<Reverted>) {
        if self.ends.iter().all(|end| *end > now) {
            return;
        }
        for which in Reverted::ALL {
            if self.ends[which as usize] <= now {
                self.ends[which as usize] = NEVER;
                revert(control, which);
                out.push(which);
            }
        }
    }

    /// Somebody else gives the setpoints now: their timers stop.
    pub(crate) fn forget_setpoints(&mut self) {
        for which in [Reverted::ActivePower, Reverted::ReactivePower] {
            self.ends[which as usize] = NEVER;
        }
    }

    /// Time left of each timer in s, in the order of [`Reverted::ALL`]; 0 for one that does not run.
    pub(crate) fn remaining_s(&self, now: Tick) -> [f64; Reverted::ALL.len()] {
        self.ends.map(|end| match end {
            NEVER => 0.0,
            end => end.0.saturating_sub(now.0) as f64 / TICKS_PER_S as f64,
        })
    }

    /// The controls whose timers `change` concerns: it writes their value, their form, whether they are
    /// in force, or what they revert to.
    pub(crate) fn touched_by(change: &ControlChange) -> impl Iterator<Item = Reverted> + use<> {
        let touched = [
            change.active_enabled.is_some()
                || change.active_mode.is_some()
                || change.active_w.is_some()
                || change.active_pct.is_some()
                || !change.active_reversion.is_empty(),
            change.reactive_enabled.is_some()
                || change.reactive_mode.is_some()
                || change.reactive_var.is_some()
                || change.reactive_pct.is_some()
                || !change.reactive_reversion.is_empty(),
            change.discharge_limit_enabled.is_some()
                || change.discharge_limit_pct.is_some()
                || !change.discharge_limit_reversion.is_empty(),
            !change.pf_injecting.is_empty() || !change.pf_injecting_reversion.is_empty(),
            !change.pf_absorbing.is_empty() || !change.pf_absorbing_reversion.is_empty(),
        ];
        Reverted::ALL.into_iter().filter(move |which| touched[*which as usize])
    }

    /// Gives the timers to `sink`.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        self.ends.iter().for_each(|end| sink(&end.0.to_le_bytes()));
    }
}

fn reversion(control: &UnitControl, which: Reverted) -> Reversion {
    match which {
        Reverted::ActivePower => control.active_reversion,
        Reverted::ReactivePower => control.reactive_reversion,
        Reverted::DischargeLimit => control.discharge_limit_reversion,
        Reverted::PowerFactorInjecting => control.pf_injecting_reversion,
        Reverted::PowerFactorAbsorbing => control.pf_absorbing_reversion,
    }
}

fn is_in_force(control: &UnitControl, which: Reverted) -> bool {
    match which {
        Reverted::ActivePower => control.active.enabled,
        Reverted::ReactivePower => control.reactive.enabled,
        Reverted::DischargeLimit => control.discharge_limit_enabled,
        Reverted::PowerFactorInjecting => control.pf_injecting.enabled,
        Reverted::PowerFactorAbsorbing => control.pf_absorbing.enabled,
    }
}

fn revert(control: &mut UnitControl, which: Reverted) {
    let to = reversion(control, which);
    match which {
        Reverted::ActivePower => {
            revert_setpoint(&mut control.active, to);
            control.source = ControlSource::None;
        }
        Reverted::ReactivePower => revert_setpoint(&mut control.reactive, to),
        Reverted::DischargeLimit => {
            control.discharge_limit_enabled = to.enabled;
            control.discharge_limit_pct = to.percent;
        }
        Reverted::PowerFactorInjecting => revert_power_factor(&mut control.pf_injecting, to),
        Reverted::PowerFactorAbsorbing => revert_power_factor(&mut control.pf_absorbing, to),
    }
}

fn revert_setpoint(setpoint: &mut Setpoint, to: Reversion) {
    setpoint.enabled = to.enabled;
    match setpoint.mode {
        SetpointMode::Absolute => setpoint.absolute = to.absolute,
        SetpointMode::Percent => setpoint.percent = to.percent,
    }
}

fn revert_power_factor(power_factor: &mut PowerFactor, to: Reversion) {
    // A factor of 0 is one that nobody set: there is no such power factor.
    let factor = if to.percent > 0.0 { to.percent } else { power_factor.factor };
    *power_factor = PowerFactor { enabled: to.enabled, factor, over_excited: to.over_excited };
}

#[cfg(test)]
mod tests;
