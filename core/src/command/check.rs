//! What refuses a command before it changes anything: ranges, states, existence.

use super::{
    ClockCommand, Command, ControlChange, Rejection, SPEED_MAX, SPEED_MIN, STEP_MAX, Standing,
    UnitAction,
};
use crate::control::{FunctionName, ReversionChange, in_range as optional_in_range};
use crate::id::UnitId;
use crate::snapshot::UnitView;
use crate::spec::{AMBIENT_DEGC, FREQUENCY_HZ, FarmSpec, Hold, UnitDesign, VOLTAGE_PU};
use crate::state::{Trigger, UnitState, next};

/// Checks `command` against the farm and what is seen of the units; the loop applies what passes.
///
/// # Errors
/// The reason why the command must be refused.
pub fn validate(spec: &FarmSpec, units: &[UnitView], command: &Command) -> Result<(), Rejection> {
    validate_with(spec, &|unit| Standing::from(&units[unit.idx()]), command)
}

/// Like [`validate`], with the present standing of a unit from `standing_of` (asked for existing
/// units).
///
/// # Errors
/// The reason why the command must be refused.
pub fn validate_with(
    spec: &FarmSpec,
    standing_of: &dyn Fn(UnitId) -> Standing,
    command: &Command,
) -> Result<(), Rejection> {
    match command {
        Command::ControlUnit { unit, change } => {
            if spec.is_part()
                && change.functions.is_some_and(|on| on.has(FunctionName::PeakShaving))
            {
                let reason = "peak_shaving goes by the meter at the farm's POI, behind which other \
                              shards have units too; let the plant controller do it";
                let (field, reason) = ("functions", reason.to_owned());
                return Err(Rejection::NotPossible { field, reason });
            }
            validate_change(&find_unit(spec, *unit)?.design, spec.nominal_frequency.0, change)
        }
        Command::ConfigureUnit { unit, change } => {
            change.check(&find_unit(spec, *unit)?.design, spec.nominal_frequency.0)
        }
        Command::OperateUnit { unit, action } => {
            find_unit(spec, *unit)?;
            validate_action(*unit, &standing_of(*unit), *action)
        }
        Command::OperateRack { unit, rack_idx, .. } => {
            let n_racks = find_unit(spec, *unit)?.design.n_racks as f64;
            in_range("rack", *rack_idx as f64 + 1.0, 1.0, n_racks, "")
        }
        Command::SetDefect { unit, defect } => defect.check(&find_unit(spec, *unit)?.design),
        Command::SetFarmPower { active, reactive } => {
            let rated_w = spec.rated_power().0;
            in_range("active_power_w", active.0, -rated_w, rated_w, "W")?;
            let rated_var = spec.rated_reactive_power().0;
            reactive.map_or(Ok(()), |q| {
                in_range("reactive_power_var", q.0, -rated_var, rated_var, "var")
            })
        }
        Command::NoteRequest { unit } => find_unit(spec, *unit).map(|_| ()),
        Command::Disturb(disturbance) => disturbance.check(spec),
        Command::SetGrid { frequency_hz, voltage_pu } => {
            Hold::check(*frequency_hz, "frequency_hz", FREQUENCY_HZ, "Hz")?;
            Hold::check(*voltage_pu, "voltage_pu", VOLTAGE_PU, "pu")
        }
        Command::SetAmbient(degc) => {
            optional_in_range("ambient_degc", degc.map(|degc| degc.0), AMBIENT_DEGC, "degC")
        }
        Command::PoiMeter(meter) => meter.check(spec),
        Command::TransformerLimit(limit) => limit.map_or(Ok(()), |limit| limit.check()),
        Command::NoteFault { unit: Some(unit), .. } => find_unit(spec, *unit).map(|_| ()),
        Command::PickUpLoad { load_idx, .. } => {
            let n_loads = spec.grid.island_loads.len();
            if n_loads == 0 {
                let reason = "the farm file has no `[[farm.grid.island_loads]]`".to_owned();
                return Err(Rejection::NotPossible { field: "load", reason });
            }
            in_range("load", *load_idx as f64 + 1.0, 1.0, n_loads as f64, "")
        }
        Command::ConfigurePlant(change) => change.check(spec),
        Command::SetLink(condition) => condition.check(spec),
        Command::ForcePoint(point) => point.check(spec),
        Command::ReleasePoint { unit: Some(unit), .. } => find_unit(spec, *unit).map(|_| ()),
        Command::ReleaseFarm
        | Command::ClearLink { .. }
        | Command::ReleasePoint { .. }
        | Command::EndDisturbances { .. }
        | Command::PoiBreaker { .. }
        | Command::NoteFault { unit: None, .. } => Ok(()),
        Command::Batch(commands) => {
            commands.iter().try_for_each(|command| validate_with(spec, standing_of, command))
        }
    }
}

/// Checks a clock command.
///
/// # Errors
/// When the speed or the number of ticks is out of range.
pub fn validate_clock(command: ClockCommand) -> Result<(), Rejection> {
    match command {
        ClockCommand::Pause | ClockCommand::Resume => Ok(()),
        ClockCommand::SetSpeed(speed) => in_range("speed", speed, SPEED_MIN, SPEED_MAX, "x"),
        ClockCommand::Step(ticks) => {
            in_range("step_ticks", ticks as f64, 1.0, STEP_MAX as f64, "ticks")
        }
    }
}

/// Finds a unit of the farm.
///
/// # Errors
/// When there is none with this id.
pub fn find_unit(spec: &FarmSpec, unit: UnitId) -> Result<&crate::spec::UnitSpec, Rejection> {
    let units = spec.unit_numbers();
    spec.units.get(unit.idx()).ok_or(Rejection::NoSuchUnit { number: unit.number(), units })
}

fn validate_change(
    design: &UnitDesign,
    nominal_hz: f64,
    change: &ControlChange,
) -> Result<(), Rejection> {
    let (rated_w, rated_var) = (design.pcs.rated_power.0, design.pcs.rated_reactive_power.0);
    let ramp_max = design.pcs.ramp_per_s * 100.0;
    let checks = [
        ("active_power_w", change.active_w, -rated_w, rated_w, "W"),
        ("active_power_pct", change.active_pct, -100.0, 100.0, "%"),
        ("reactive_power_var", change.reactive_var, -rated_var, rated_var, "var"),
        ("reactive_power_pct", change.reactive_pct, -100.0, 100.0, "%"),
        ("discharge_limit_pct", change.discharge_limit_pct, 0.0, 100.0, "%"),
        ("ramp_pct_per_s", change.ramp_pct_per_s, RAMP_MIN_PCT_PER_S, ramp_max, "%/s"),
        ("charge_limit_pct", change.charge_limit_pct, 0.0, 100.0, "%"),
        ("soc_min", change.soc_min, 0.0, 1.0, ""),
        ("soc_max", change.soc_max, 0.0, 1.0, ""),
        ("soc_reserve", change.soc_reserve, 0.0, 1.0, ""),
        ("power_factor", change.pf_injecting.factor, PF_MIN, 1.0, ""),
        ("power_factor", change.pf_absorbing.factor, PF_MIN, 1.0, ""),
    ];
    for (field, value, min, max, unit) in checks {
        optional_in_range(field, value, (min, max), unit)?;
    }
    change.watchdog.check(rated_w)?;
    change.capacity.check(&design.pcs)?;
    change.enter_service.check(nominal_hz)?;
    let any = (f64::NEG_INFINITY, f64::INFINITY);
    let pct = (-100.0, 100.0);
    check_reversion(&change.active_reversion, (-rated_w, rated_w), "W", pct)?;
    check_reversion(&change.reactive_reversion, (-rated_var, rated_var), "var", pct)?;
    check_reversion(&change.discharge_limit_reversion, any, "W", (0.0, 100.0))?;
    for factor in [&change.pf_injecting_reversion, &change.pf_absorbing_reversion] {
        check_reversion_time(factor)?;
        optional_in_range("reversion_power_factor", factor.percent, (PF_MIN, 1.0), "")?;
    }
    Ok(())
}

fn check_reversion(
    reversion: &ReversionChange,
    absolute: (f64, f64),
    unit: &'static str,
    percent: (f64, f64),
) -> Result<(), Rejection> {
    check_reversion_time(reversion)?;
    if absolute.1.is_finite() {
        optional_in_range("reversion_value", reversion.absolute, absolute, unit)?;
    }
    optional_in_range("reversion_pct", reversion.percent, percent, "%")
}

fn check_reversion_time(reversion: &ReversionChange) -> Result<(), Rejection> {
    let time_s = reversion.time_s.map(f64::from);
    optional_in_range("reversion_time_s", time_s, (0.0, REVERSION_MAX_S), "s")
}

/// Smallest power factor that may be set [engineering choice]: below it active power is next to nothing.
pub const PF_MIN: f64 = 0.1;
/// Longest time of a reversion in s: 30 days [engineering choice].
pub const REVERSION_MAX_S: f64 = 2_592_000.0;

/// Slowest ramp that may be set, in percent of the rating per second.
pub const RAMP_MIN_PCT_PER_S: f64 = 0.1;

/// Refuses a value outside its range, or one that is not a number.
pub(crate) fn in_range(
    field: &'static str,
    value: f64,
    min: f64,
    max: f64,
    unit: &'static str,
) -> Result<(), Rejection> {
    optional_in_range(field, Some(value), (min, max), unit)
}

/// Like [`in_range`], to the last digit, and for ranges without an end.
pub(crate) fn in_bounds(
    field: &'static str,
    value: f64,
    min: f64,
    max: f64,
    unit: &'static str,
) -> Result<(), Rejection> {
    // A NaN is in no range.
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Rejection::OutOfRange { field, value, min, max, unit })
}

fn validate_action(unit: UnitId, standing: &Standing, action: UnitAction) -> Result<(), Rejection> {
    use UnitState::{
        Derated, EmergencyStop, Fallback, Initialising, Maintenance, Off, Precharge, Running,
        Standby, Stopping, Synchronising, Tripped,
    };
    let state = standing.state;
    let refuse = |reason| Err(Rejection::WrongState { unit: unit.number(), state, reason });
    let runs = matches!(state, Running | Derated | Fallback);
    let comes_up = matches!(state, Off | Initialising | Precharge | Standby | Synchronising);
    match action {
        UnitAction::ResetAlarms => match standing.reset_blocked_by {
            Some(alarm) => Err(Rejection::ResetRefused { unit: unit.number(), alarm }),
            None => Ok(()),
        },
        UnitAction::ExitStandby if state == Off => refuse("start it first"),
        UnitAction::Start | UnitAction::EnterStandby | UnitAction::ExitStandby
            if comes_up || runs =>
        {
            Ok(())
        }
        UnitAction::BlackStart if matches!(state, Off | Standby) => Ok(()),
        UnitAction::BlackStart => refuse("a black start begins from off or standby"),
        // Whatever it is, stopping it is safe.
        UnitAction::Stop | UnitAction::EmergencyStop | UnitAction::Local | UnitAction::Remote => {
            Ok(())
        }
        UnitAction::EnterMaintenance | UnitAction::EndMaintenance if state == Maintenance => Ok(()),
        UnitAction::EndMaintenance => refuse("it is not in maintenance"),
        UnitAction::EnterMaintenance if next(state, Trigger::EnterMaintenance).is_some() => Ok(()),
        UnitAction::ReleaseEmergencyStop if state == EmergencyStop => Ok(()),
        UnitAction::ReleaseEmergencyStop => refuse("its emergency stop is not pressed"),
        UnitAction::Start
        | UnitAction::EnterStandby
        | UnitAction::ExitStandby
        | UnitAction::EnterMaintenance => refuse(match state {
            Stopping => "it is on its way down; try again when it is off",
            Maintenance => "end maintenance first",
            EmergencyStop => "release and reset the emergency stop first",
            Tripped => "it comes back by itself when the cause of its trip is gone",
            _ => "reset it first",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, parse_farm};
    use crate::control::{
        FunctionName, LossAction, PowerFactorChange, Reversion, UnitControl, WatchdogChange,
        WatchdogSettings,
    };

    fn outcome(change: &ControlChange) -> Result<(), Rejection> {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("built in");
        validate_change(&farm.units[0].design, 50.0, change)
    }
    fn words(change: &ControlChange) -> String {
        outcome(change).expect_err("must be refused").to_string()
    }

    #[test]
    fn a_window_of_soc_is_in_order_and_holds_its_reserve_with_what_stays_of_it() {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("built in");
        let mut control = crate::control::UnitControl::initial(&farm.units[0].design);
        assert_eq!(control.check(), Ok(()));
        (control.soc_min, control.soc_max, control.soc_reserve) = (0.2, 0.8, 0.6);
        assert_eq!(control.check(), Ok(()));
        let after = |change: ControlChange| {
            let mut control = control;
            change.apply(&mut control);
            control.check().expect_err("must be refused").to_string()
        };
        let change = ControlChange { soc_max: Some(0.1), ..ControlChange::default() };
        assert!(after(change).contains("below soc_max (0.1)"));
        let change = ControlChange { soc_reserve: Some(0.7), ..ControlChange::default() };
        assert!(after(change).contains("soc_reserve"));
        let change = ControlChange { soc_min: Some(f64::NAN), ..ControlChange::default() };
        assert!(words(&change).contains("soc_min must be from 0 to 1"));
    }

    #[test]
    fn power_factors_watches_and_reversions_have_ranges() {
        let pf_injecting = PowerFactorChange { factor: Some(0.05), ..Default::default() };
        let change = ControlChange { pf_injecting, ..ControlChange::default() };
        assert!(words(&change).contains("from 0.1 to 1"));
        let watchdog = WatchdogChange { timeout_s: Some(86_401.0), ..Default::default() };
        let change = ControlChange { watchdog, ..ControlChange::default() };
        assert!(words(&change).contains("watchdog_timeout_s must be from 0 to 86400 s"));
        let reversion = Reversion { time_s: 60, percent: 101.0, ..Reversion::default() }.into();
        let change = ControlChange { active_reversion: reversion, ..Default::default() };
        assert!(words(&change).contains("reversion_pct must be from -100 to 100 %"));
        let change = ControlChange { pf_absorbing_reversion: reversion, ..Default::default() };
        assert!(words(&change).contains("reversion_power_factor"));
        let late = ReversionChange { time_s: Some(2_592_001), ..Default::default() };
        let change = ControlChange { pf_absorbing_reversion: late, ..Default::default() };
        assert!(words(&change).contains("reversion_time_s must be from 0 to 2592000 s"));
    }

    #[test]
    fn the_two_halves_of_a_fallback_may_come_apart_but_not_disagree() {
        let mut control = UnitControl { soc_max: 1.0, ..UnitControl::default() };
        let watchdog = |change| ControlChange { watchdog: change, ..ControlChange::default() };
        let action = Some(LossAction::FallbackFunction);
        watchdog(WatchdogChange { action, ..Default::default() }).apply(&mut control);
        assert_eq!(control.check(), Ok(()));
        let function = Some(FunctionName::GridForming);
        watchdog(WatchdogChange { function, ..Default::default() }).apply(&mut control);
        let text = control.check().expect_err("must be refused").to_string();
        assert!(text.contains("cannot fall back to grid_forming"), "{text}");
        let settings = WatchdogSettings { function: FunctionName::VoltVar, ..control.watchdog };
        watchdog(settings.into()).apply(&mut control);
        assert_eq!(control.check(), Ok(()));
    }
}
