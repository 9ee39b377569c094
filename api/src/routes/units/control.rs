//! What a unit is told to do: setpoints, control settings (their bodies are in `settings`), modes.

use super::NamedUnit;
use super::settings::UnitControlChange;
use crate::ask::Sender;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{Fallible, Problem, UnitChangeProblems, UnitCommandProblems, kind};
use crate::state::Api;
use crate::wire::{AppliedAnswer, FunctionLabel, MODES, ModeName, SWITCH, SwitchName, by_name};
use axum::Json;
use axum::extract::State;
use bess_core::command::{Command, ControlChange, Request, SetpointMode, UnitAction};
use bess_core::control::{FunctionName, FunctionSet};
use bess_core::id::UnitId;
use bess_core::units::{Vars, Watts};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A setpoint of a unit; at least one of the four.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"active_power_w": 1_000_000.0}))]
pub(crate) struct UnitSetpoint {
    /// Active power, positive is discharge; within the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) active_power_w: Option<f64>,
    /// Active power in percent of the rating, -100 to 100; instead of `active_power_w`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    pub(crate) active_power_pct: Option<f64>,
    /// Reactive power, positive is injection; within the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) reactive_power_var: Option<f64>,
    /// Reactive power in percent of the rating, -100 to 100; instead of `reactive_power_var`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    pub(crate) reactive_power_pct: Option<f64>,
}

impl UnitSetpoint {
    /// The change that it asks for.
    pub(crate) fn change(&self) -> Fallible<ControlChange> {
        let one_of = |a: &str, b: &str| {
            let detail = format!("give {a} or {b}, not both");
            Problem::new(&kind::CONTRADICTION, detail).field(b)
        };
        let mut change = ControlChange::default();
        match (self.active_power_w, self.active_power_pct) {
            (Some(_), Some(_)) => return Err(one_of("active_power_w", "active_power_pct")),
            (Some(watts), None) => change = ControlChange::active_power(Watts(watts)),
            (None, Some(percent)) => {
                change.active_enabled = Some(true);
                change.active_mode = Some(SetpointMode::Percent);
                change.active_pct = Some(percent);
            }
            (None, None) => {}
        }
        match (self.reactive_power_var, self.reactive_power_pct) {
            (Some(_), Some(_)) => return Err(one_of("reactive_power_var", "reactive_power_pct")),
            (Some(vars), None) => change = change.with_reactive_power(Vars(vars)),
            (None, Some(percent)) => {
                change.reactive_enabled = Some(true);
                change.reactive_mode = Some(SetpointMode::Percent);
                change.reactive_pct = Some(percent);
            }
            (None, None) => {}
        }
        if change == ControlChange::default() {
            let detail = "give at least one of active_power_w, active_power_pct, \
                          reactive_power_var, reactive_power_pct";
            return Err(Problem::new(&kind::BAD_FIELD, detail).field("active_power_w"));
        }
        Ok(change)
    }
}

/// What a unit is to do; exactly one of the two.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mode": "volt_var"}))]
pub(crate) struct UnitMode {
    /// An operation (`off`, `standby`, `maintenance`), plain setpoints (`pq`), or one function alone.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<ModeName>, nullable = false)]
    mode: Option<String>,
    /// The functions that are to be on together; none is plain setpoints.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<FunctionLabel>>, nullable = false)]
    functions: Option<Vec<String>>,
}

/// The set of these functions, if they go together.
fn together(names: &[String]) -> Fallible<FunctionSet> {
    let mut set = FunctionSet::default();
    for name in names {
        let function = by_name("functions", name, &FunctionName::ALL)?;
        if let Some(other) = function.excluded().iter().find(|other| set.has(**other)) {
            let (name, other) = (function.name(), other.name());
            let detail = format!("{name} and {other} are two masters of the same power");
            return Err(Problem::new(&kind::CONTRADICTION, detail).field("functions").value(name));
        }
        set = set.with(function);
    }
    Ok(set)
}

impl UnitMode {
    fn command(&self, unit: UnitId) -> Fallible<Command> {
        let operate = |action| Ok(Command::OperateUnit { unit, action });
        let functions = match (self.mode.as_deref(), &self.functions) {
            (Some(_), Some(_)) => {
                let detail = "give mode or functions, not both";
                return Err(Problem::new(&kind::CONTRADICTION, detail).field("functions"));
            }
            (None, None) => return Err(Problem::nothing_given(&["mode", "functions"])),
            (None, Some(names)) => together(names)?,
            (Some("off"), None) => return operate(UnitAction::Stop),
            (Some("standby"), None) => return operate(UnitAction::EnterStandby),
            (Some("maintenance"), None) => return operate(UnitAction::EnterMaintenance),
            (Some("pq"), None) => FunctionSet::default(),
            (Some("fast_frequency_response"), None) => {
                FunctionSet::default().with(FunctionName::FrequencyResponse)
            }
            (Some(name), None) => match FunctionName::by_name(name) {
                Some(function) => FunctionSet::default().with(function),
                None => return Err(Problem::not_one_of("mode", name, MODES)),
            },
        };
        let change = ControlChange { functions: Some(functions), ..ControlChange::default() };
        Ok(Command::ControlUnit { unit, change })
    }
}

/// Whether the request is made at the unit's panel.
pub(crate) fn at_panel(query: &mut Params) -> Fallible<bool> {
    Ok(query.choice("panel", &SWITCH)? == Some("true"))
}

/// Set a unit's power
///
/// In watts and vars, or in percent of the rating. The writer becomes the unit's controller.
#[utoipa::path(put, path = "/units/{id}/setpoint", operation_id = "set_unit_power",
    tag = "units", request_body = UnitSetpoint,
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("panel" = inline(Option<SwitchName>), Query, description = "true as from the unit's own panel, which local control does not refuse"),
    ),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), UnitChangeProblems))]
pub(crate) async fn set(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    mut query: Params,
    Body(wish): Body<UnitSetpoint>,
) -> Fallible<Json<AppliedAnswer>> {
    let sender = sender.at_panel(at_panel(&mut query)?);
    query.finish()?;
    let change = wish.change()?;
    api.change(Request::Control(Command::ControlUnit { unit, change }), sender).await
}

/// Change a unit's control settings
///
/// Limits, ramp, priority, power factors, reversions, the watch over the controller, a heartbeat, what it is
/// rated down to, when it enters service: all fields together or none.
#[utoipa::path(patch, path = "/units/{id}/control", operation_id = "change_unit_control",
    tag = "units", request_body = UnitControlChange,
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("panel" = inline(Option<SwitchName>), Query, description = "true as from the unit's own panel, which local control does not refuse"),
    ),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), UnitChangeProblems))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    mut query: Params,
    Body(wish): Body<UnitControlChange>,
) -> Fallible<Json<AppliedAnswer>> {
    let sender = sender.at_panel(at_panel(&mut query)?);
    query.finish()?;
    let change = wish.change()?;
    let command = Command::ControlUnit { unit, change };
    let answer = api.change(Request::Control(command), sender).await;
    answer.map_err(|problem| {
        ["watchdog", "capacity", "enter_service"].into_iter().fold(problem, Problem::inside)
    })
}

/// Set a unit's mode
///
/// `off`, `standby` and `maintenance` operate the unit; every other mode sets which functions are on
/// and leaves it running or not as it is. `fast_frequency_response` is another name of
/// `frequency_response`.
#[utoipa::path(put, path = "/units/{id}/mode", operation_id = "set_unit_mode",
    tag = "units", request_body = UnitMode,
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("panel" = inline(Option<SwitchName>), Query, description = "true as from the unit's own panel, which local control does not refuse"),
    ),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), UnitCommandProblems))]
pub(crate) async fn set_mode(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    mut query: Params,
    Body(wish): Body<UnitMode>,
) -> Fallible<Json<AppliedAnswer>> {
    let sender = sender.at_panel(at_panel(&mut query)?);
    query.finish()?;
    api.change(Request::Control(wish.command(unit)?), sender).await
}
