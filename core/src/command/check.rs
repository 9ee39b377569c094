//! What refuses a command before it changes anything: ranges, states, existence.

use super::{
    ClockCommand, Command, ControlChange, Rejection, SPEED_MAX, SPEED_MIN, STEP_MAX, Standing,
    UnitAction,
};
use crate::id::UnitId;
use crate::snapshot::UnitView;
use crate::spec::{FarmSpec, UnitDesign};
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
            validate_change(&find_unit(spec, *unit)?.design, change)
        }
        Command::ConfigureUnit { unit, change } => {
            let _ = (find_unit(spec, *unit)?, change);
            Ok(())
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
        Command::ReleaseFarm
        | Command::ConfigurePlant(_)
        | Command::Disturb(_)
        | Command::PickUpLoad { .. } => Ok(()),
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
    let n_units = spec.units.len();
    spec.units.get(unit.idx()).ok_or(Rejection::NoSuchUnit { number: unit.number(), n_units })
}

fn validate_change(design: &UnitDesign, change: &ControlChange) -> Result<(), Rejection> {
    let (rated_w, rated_var) = (design.pcs.rated_power.0, design.pcs.rated_reactive_power.0);
    let ramp_max = design.pcs.ramp_per_s * 100.0;
    let checks = [
        ("active_power_w", change.active_w, -rated_w, rated_w, "W"),
        ("active_power_pct", change.active_pct, -100.0, 100.0, "%"),
        ("reactive_power_var", change.reactive_var, -rated_var, rated_var, "var"),
        ("reactive_power_pct", change.reactive_pct, -100.0, 100.0, "%"),
        ("discharge_limit_pct", change.discharge_limit_pct, 0.0, 100.0, "%"),
        ("ramp_pct_per_s", change.ramp_pct_per_s, RAMP_MIN_PCT_PER_S, ramp_max, "%/s"),
    ];
    for (field, value, min, max, unit) in checks {
        if let Some(value) = value {
            in_range(field, value, min, max, unit)?;
        }
    }
    Ok(())
}

/// Slowest ramp that may be set, in percent of the rating per second.
pub const RAMP_MIN_PCT_PER_S: f64 = 0.1;

fn in_range(
    field: &'static str,
    value: f64,
    min: f64,
    max: f64,
    unit: &'static str,
) -> Result<(), Rejection> {
    // Ratings come from files in other units: their last digit is not a reason to refuse. A NaN is in
    // no range.
    let slack = 1e-9 * max.abs().max(min.abs());
    if (min - slack..=max + slack).contains(&value) {
        Ok(())
    } else {
        Err(Rejection::OutOfRange { field, value, min, max, unit })
    }
}

fn validate_action(unit: UnitId, standing: &Standing, action: UnitAction) -> Result<(), Rejection> {
    use UnitState::{
        Derated, EmergencyStop, Fallback, Initialising, Maintenance, Off, Precharge, Running,
        Standby, Stopping, Synchronising,
    };
    let state = standing.state;
    let refuse = |reason| Err(Rejection::WrongState { unit: unit.number(), state, reason });
    let comes_up =
        matches!(state, Initialising | Precharge | Standby | Synchronising) || state == Off;
    match action {
        UnitAction::ResetAlarms => match standing.reset_blocked_by {
            Some(alarm) => Err(Rejection::ResetRefused { unit: unit.number(), alarm }),
            None => Ok(()),
        },
        UnitAction::Start if comes_up || state.converts() && state != Stopping => Ok(()),
        UnitAction::EnterStandby if comes_up || matches!(state, Running | Derated | Fallback) => {
            Ok(())
        }
        UnitAction::ExitStandby if matches!(state, Initialising | Precharge) => Ok(()),
        UnitAction::ExitStandby if state == Standby || state.converts() && state != Stopping => {
            Ok(())
        }
        UnitAction::ExitStandby if state == Off => refuse("start it first"),
        UnitAction::BlackStart if matches!(state, Off | Standby) => Ok(()),
        UnitAction::BlackStart => refuse("a black start begins from off or standby"),
        // Whatever it is, stopping it is safe.
        UnitAction::Stop => Ok(()),
        UnitAction::EndMaintenance if state == Maintenance => Ok(()),
        UnitAction::EndMaintenance => refuse("it is not in maintenance"),
        UnitAction::EnterMaintenance if state == Maintenance => Ok(()),
        UnitAction::EnterMaintenance if next(state, Trigger::EnterMaintenance).is_none() => {
            refuse("release and reset the emergency stop first")
        }
        UnitAction::EnterMaintenance
        | UnitAction::EmergencyStop
        | UnitAction::Local
        | UnitAction::Remote => Ok(()),
        UnitAction::ReleaseEmergencyStop if state == EmergencyStop => Ok(()),
        UnitAction::ReleaseEmergencyStop => refuse("its emergency stop is not pressed"),
        UnitAction::Start | UnitAction::EnterStandby | UnitAction::ExitStandby => {
            refuse(match state {
                Stopping => "it is on its way down; try again when it is off",
                Maintenance => "end maintenance first",
                EmergencyStop => "release and reset the emergency stop first",
                UnitState::Tripped => "it comes back by itself when the cause of its trip is gone",
                _ => "reset it first",
            })
        }
    }
}
