//! Control settings of a unit as registers show them: setpoints, what they revert to, limits, the watch
//! over the controller, modes.

use super::source::Sight;
use super::states::{number_of_unit, of_unit, whole_seconds_left};
use bess_core::command::{PowerPriority, SetpointMode, UnitControl};
use bess_core::control::{FunctionName, LossAction, PowerFactor, Reversion};
use bess_core::event::Reverted;
use bess_core::snapshot::{UnitState, UnitView};

/// The compact map's mode word: stop.
pub(super) const MODE_STOP: u16 = 0;
/// Standby.
pub(super) const MODE_STANDBY: u16 = 1;
/// P and Q setpoints, no function.
pub(super) const MODE_PQ: u16 = 2;
/// The first of the functions in the order of `FunctionName::ALL`; each alone is a mode.
pub(super) const MODE_FUNCTIONS: u16 = 3;
/// In maintenance.
pub(super) const MODE_MAINTENANCE: u16 = 12;
/// Several functions together.
pub(super) const MODE_SEVERAL: u16 = 13;

/// The compact map's mode word.
pub(crate) fn mode(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(mode_of(view)))
}

/// See [`mode`].
pub(super) fn mode_of(view: &UnitView) -> u16 {
    let mut functions = view.control.functions.iter();
    match (view.state.row().operation, functions.next(), functions.next()) {
        _ if view.state == UnitState::Maintenance => MODE_MAINTENANCE,
        (0, ..) => MODE_STOP,
        (2, ..) => MODE_STANDBY,
        (_, None, _) => MODE_PQ,
        (_, Some(function), None) => MODE_FUNCTIONS + function as u16,
        (_, Some(_), Some(_)) => MODE_SEVERAL,
    }
}

/// Functions that are on, one bit for each.
pub(crate) fn functions(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| view.control.functions.bits().into())
}

/// The last heartbeat that a controller wrote.
pub(crate) fn controller_heartbeat(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.control.controller_heartbeat))
}

/// 704.WSetEna.
pub(crate) fn active_enabled(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.control.active.enabled))
}

/// 704.WSetMod.
pub(crate) fn active_mode(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.control.active.mode {
        SetpointMode::Percent => 0,
        SetpointMode::Absolute => 1,
    })
}

/// 704.VarSetEna.
pub(crate) fn reactive_enabled(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.control.reactive.enabled))
}

/// 704.VarSetMod.
pub(crate) fn reactive_mode(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.control.reactive.mode {
        SetpointMode::Percent => 1,
        SetpointMode::Absolute => 4,
    })
}

/// 123.VArPct_Ena: whether a setpoint in percent is in force.
pub(crate) fn reactive_percent_enabled(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| {
        let reactive = view.control.reactive;
        i64::from(reactive.enabled && reactive.mode == SetpointMode::Percent)
    })
}

/// Whether a function is on.
pub(crate) fn function_enabled(sight: Sight<'_>, function: FunctionName) -> i64 {
    sight.view().map_or(0, |view| view.control.functions.has(function).into())
}

/// 704.VarSetPri.
pub(crate) fn priority(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.control.priority {
        PowerPriority::Active => 0,
        PowerPriority::Reactive => 1,
    })
}

/// 704.WMaxLimPctEna.
pub(crate) fn discharge_limit_enabled(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.control.discharge_limit_enabled))
}

/// A power factor of a unit: while it injects or while it absorbs.
pub(crate) type WhichFactor = fn(&UnitControl) -> PowerFactor;

/// 704.PFWInjEna and PFWAbsEna.
pub(crate) fn factor_enabled(sight: Sight<'_>, which: WhichFactor) -> i64 {
    sight.view().map_or(0, |view| which(&view.control).enabled.into())
}

/// 704.PFWInj.PF and PFWAbs.PF.
pub(crate) fn factor(sight: Sight<'_>, which: WhichFactor) -> f64 {
    sight.view().map_or(f64::NAN, |view| which(&view.control).factor)
}

/// 704.PFWInj.Ext and PFWAbs.Ext: 0 is over-excited.
pub(crate) fn excitation(sight: Sight<'_>, which: WhichFactor) -> i64 {
    sight.view().map_or(0, |view| i64::from(!which(&view.control).over_excited))
}

/// What a control reverts to.
pub(super) fn reversion_of(control: &UnitControl, which: Reverted) -> Reversion {
    match which {
        Reverted::ActivePower => control.active_reversion,
        Reverted::ReactivePower => control.reactive_reversion,
        Reverted::DischargeLimit => control.discharge_limit_reversion,
        Reverted::PowerFactorInjecting => control.pf_injecting_reversion,
        Reverted::PowerFactorAbsorbing => control.pf_absorbing_reversion,
    }
}

fn reversion(sight: Sight<'_>, which: Reverted) -> Reversion {
    sight.view().map_or_else(Reversion::default, |view| reversion_of(&view.control, which))
}

/// 704.*EnaRvrt.
pub(crate) fn reversion_enabled(sight: Sight<'_>, which: Reverted) -> i64 {
    reversion(sight, which).enabled.into()
}

/// 704.WSetRvrt and VarSetRvrt.
pub(crate) fn reversion_absolute(sight: Sight<'_>, which: Reverted) -> f64 {
    reversion(sight, which).absolute
}

/// 704.*PctRvrt.
pub(crate) fn reversion_percent(sight: Sight<'_>, which: Reverted) -> f64 {
    reversion(sight, which).percent
}

/// 704.PFWInjRvrt.PF and PFWAbsRvrt.PF; not available as long as nobody has set it.
pub(crate) fn reversion_factor(sight: Sight<'_>, which: Reverted) -> f64 {
    let factor = reversion(sight, which).percent;
    if factor > 0.0 { factor } else { f64::NAN }
}

/// 704.PFWInjRvrt.Ext and PFWAbsRvrt.Ext: 0 is over-excited.
pub(crate) fn reversion_excitation(sight: Sight<'_>, which: Reverted) -> i64 {
    i64::from(!reversion(sight, which).over_excited)
}

/// 704.*RvrtTms.
pub(crate) fn reversion_time_s(sight: Sight<'_>, which: Reverted) -> f64 {
    reversion(sight, which).time_s.into()
}

/// 704.*RvrtRem: 0 when no time runs.
pub(crate) fn reversion_seconds_left(sight: Sight<'_>, which: Reverted) -> f64 {
    let position = Reverted::ALL.iter().position(|known| *known == which).unwrap_or_default();
    let left_s = sight.view().map_or(f64::NAN, |view| view.reversion_remaining_s[position]);
    whole_seconds_left(left_s)
}

/// Longest time without a sign of life in seconds; 0 for no watch.
pub(crate) fn watchdog_time_s(sight: Sight<'_>) -> f64 {
    number_of_unit(sight, |view| view.control.watchdog.timeout_s)
}

/// Time in seconds until the controller counts as lost.
pub(crate) fn watchdog_seconds_left(sight: Sight<'_>) -> f64 {
    number_of_unit(sight, |view| whole_seconds_left(view.watchdog.remaining_s))
}

/// State of the watch, as its position in `WatchdogState::ALL`.
pub(crate) fn watchdog_state(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| view.watchdog.state as i64)
}

/// What counts as a sign of life, as its position in `HeartbeatKind::ALL`.
pub(crate) fn watchdog_kind(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| view.control.watchdog.kind as i64)
}

/// What the unit does when its controller is lost, as its position in `LossAction::ALL`.
pub(crate) fn watchdog_action(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| view.control.watchdog.action as i64)
}

/// Power in watts to which a unit goes that loses its controller; not available where it does
/// something else then.
pub(crate) fn fail_safe_w(sight: Sight<'_>) -> f64 {
    number_of_unit(sight, |view| match view.control.watchdog.action {
        LossAction::Value => view.control.watchdog.value_w,
        _ => f64::NAN,
    })
}
