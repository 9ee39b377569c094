//! `/farm/commands`, `/farm/setpoints`, `/alarms/reset`: several units in one letter, all or none.

use super::units::UnitSetpoint;
use crate::ask::Sender;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{Fallible, Problem, SeveralProblems, kind};
use crate::state::Api;
use crate::wire::{AppliedAnswer, UnitActionName, UnitName, by_name};
use axum::Json;
use axum::extract::State;
use bess_core::command::{Command, Request, UnitAction, validate};
use bess_core::id::UnitId;
use bess_core::snapshot::Snapshot;
use bess_core::spec::FarmSpec;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What to do with several units.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "standby", "units": [1, 2, "unit-003"]}))]
pub(crate) struct UnitsCommand {
    /// What to do.
    #[schema(value_type = UnitActionName)]
    action: String,
    /// Numbers or names of the units, each once; absent for every unit of the farm.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_items = 1)]
    units: Option<Vec<UnitName>>,
    /// true as from the units' own panels, which local control does not refuse.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    panel: Option<bool>,
}

/// Setpoints of several units.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"setpoints": [{"unit": 1, "active_power_w": 500_000.0}, {"unit": 2, "active_power_pct": -20.0}]}))]
pub(crate) struct UnitSetpoints {
    /// One for each unit, each unit once.
    #[schema(min_items = 1)]
    setpoints: Vec<NamedSetpoint>,
}

/// The setpoint of a unit; at least one of the four.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedSetpoint {
    /// Number or name of the unit.
    unit: UnitName,
    /// Active power, positive is discharge; within the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    active_power_w: Option<f64>,
    /// Active power in percent of the rating, -100 to 100; instead of `active_power_w`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    active_power_pct: Option<f64>,
    /// Reactive power, positive is injection; within the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    reactive_power_var: Option<f64>,
    /// Reactive power in percent of the rating, -100 to 100; instead of `reactive_power_var`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    reactive_power_pct: Option<f64>,
}

/// Which units are to be reset.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"units": [3]}))]
pub(crate) struct AlarmReset {
    /// Numbers or names of the units, each once; absent for every unit of the farm.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_items = 1)]
    units: Option<Vec<UnitName>>,
}

/// Units that are named once each.
#[derive(Debug)]
struct Once(Vec<bool>);

impl Once {
    /// The unit `name` of `field`, unless it was there before.
    fn find(&mut self, spec: &FarmSpec, field: &str, name: &UnitName) -> Fallible<UnitId> {
        let unit = name.find(spec).map_err(|problem| problem.field(field))?;
        if std::mem::replace(&mut self.0[unit.idx()], true) {
            let detail = format!("unit {} is named twice", unit.number());
            return Err(Problem::new(&kind::CONTRADICTION, detail)
                .field(field)
                .value(unit.number()));
        }
        Ok(unit)
    }
}

fn needs_one(field: &str) -> Box<Problem> {
    let detail = format!("{field} must name at least one");
    Problem::new(&kind::BAD_FIELD, detail).field(field)
}

/// The units that a body names, or all.
fn chosen(spec: &FarmSpec, names: Option<&Vec<UnitName>>) -> Fallible<Vec<UnitId>> {
    let Some(names) = names else {
        return Ok(spec.units.iter().map(|unit| unit.id).collect());
    };
    if names.is_empty() {
        return Err(needs_one("units"));
    }
    let mut once = Once(vec![false; spec.units.len()]);
    let named = names.iter().enumerate();
    named.map(|(idx, name)| once.find(spec, &format!("units[{idx}]"), name)).collect()
}

fn operate(units: Vec<UnitId>, action: UnitAction) -> Request {
    let each = units.into_iter().map(|unit| Command::OperateUnit { unit, action });
    Request::Control(Command::Batch(each.collect()))
}

impl UnitSetpoints {
    /// One command for each, checked one by one, so that a refusal says which it is about.
    fn commands(&self, snapshot: &Snapshot) -> Fallible<Vec<Command>> {
        if self.setpoints.is_empty() {
            return Err(needs_one("setpoints"));
        }
        let mut once = Once(vec![false; snapshot.units.len()]);
        let command = |(idx, wish): (usize, &NamedSetpoint)| {
            let field = format!("setpoints[{idx}]");
            let unit = once.find(&snapshot.spec, &format!("{field}.unit"), &wish.unit)?;
            let change = wish.setpoint().change().map_err(|problem| problem.within(&field))?;
            let command = Command::ControlUnit { unit, change };
            validate(&snapshot.spec, &snapshot.units, &command)
                .map_err(|rejection| Box::<Problem>::from(rejection).found_here().within(&field))?;
            Ok(command)
        };
        self.setpoints.iter().enumerate().map(command).collect()
    }
}

impl NamedSetpoint {
    fn setpoint(&self) -> UnitSetpoint {
        UnitSetpoint {
            active_power_w: self.active_power_w,
            active_power_pct: self.active_power_pct,
            reactive_power_var: self.reactive_power_var,
            reactive_power_pct: self.reactive_power_pct,
        }
    }
}

/// Operate several units
///
/// All of them in one tick, or none when one of them must refuse. The audit has it as one write.
#[utoipa::path(post, path = "/farm/commands", operation_id = "operate_units",
    tag = "farm", request_body = UnitsCommand,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), SeveralProblems))]
pub(crate) async fn commands(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<UnitsCommand>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let action = by_name("action", &wish.action, &UnitAction::ALL)?;
    let units = chosen(&api.snapshot().spec, wish.units.as_ref())?;
    let sender = sender.at_panel(wish.panel == Some(true));
    api.change(operate(units, action), sender).await
}

/// Set the power of several units
///
/// All of them in one tick, or none when one of them must refuse. The audit has it as one write.
#[utoipa::path(post, path = "/farm/setpoints", operation_id = "set_units_power",
    tag = "farm", request_body = UnitSetpoints,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), SeveralProblems))]
pub(crate) async fn setpoints(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<UnitSetpoints>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let commands = wish.commands(&api.snapshot())?;
    api.change(Request::Control(Command::Batch(commands)), sender).await
}

/// Reset the alarms of several units
///
/// Latched alarms, lock-outs and faults. All of them, or none while the cause of one is still there.
#[utoipa::path(post, path = "/alarms/reset", operation_id = "reset_alarms",
    tag = "farm", request_body = AlarmReset,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), SeveralProblems))]
pub(crate) async fn reset(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<AlarmReset>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let units = chosen(&api.snapshot().spec, wish.units.as_ref())?;
    api.change(operate(units, UnitAction::ResetAlarms), sender).await
}
