//! Commands to a unit and to its racks.

use super::NamedUnit;
use crate::ask::Sender;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{Fallible, Problem, RackCommandProblems, UnitCommandProblems};
use crate::state::Api;
use crate::wire::{AppliedAnswer, RackActionName, UnitActionName, by_name};
use axum::Json;
use axum::extract::{RawPathParams, State};
use bess_core::command::{Command, RackAction, Request, UnitAction};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What to do with a unit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "standby"}))]
pub(crate) struct UnitCommand {
    /// What to do.
    #[schema(value_type = UnitActionName)]
    action: String,
    /// true as from the unit's own panel, which local control does not refuse.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    panel: Option<bool>,
}

/// What to do with a rack.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "disconnect"}))]
pub(crate) struct RackCommand {
    /// What to do.
    #[schema(value_type = RackActionName)]
    action: String,
    /// true as from the unit's own panel, which local control does not refuse.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    panel: Option<bool>,
}

/// Operate a unit
///
/// Start, stop, standby, reset, emergency stop, maintenance, local and remote control, black start.
#[utoipa::path(post, path = "/units/{id}/commands", operation_id = "operate_unit",
    tag = "units", request_body = UnitCommand,
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), UnitCommandProblems))]
pub(crate) async fn unit(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    query: Params,
    Body(wish): Body<UnitCommand>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let action = by_name("action", &wish.action, &UnitAction::ALL)?;
    let sender = sender.at_panel(wish.panel == Some(true));
    api.change(Request::Control(Command::OperateUnit { unit, action }), sender).await
}

/// Operate a rack
///
/// One that is disconnected stays so until it is connected again; one that is connected takes part with
/// its unit, at once if its voltage fits.
#[utoipa::path(post, path = "/units/{id}/racks/{rack}/commands", operation_id = "operate_rack",
    tag = "units", request_body = RackCommand,
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("rack" = u32, Path, description = "Number of the rack in its unit, from 1", minimum = 1, example = 12),
    ),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), RackCommandProblems))]
pub(crate) async fn rack(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    path: RawPathParams,
    query: Params,
    Body(wish): Body<RackCommand>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let n_racks = api.snapshot().spec.units[unit.idx()].design.n_racks;
    let rack = path.iter().find(|(name, _)| *name == "rack").map_or("", |(_, rack)| rack);
    let number = rack.parse::<usize>().ok().filter(|number| (1..=n_racks).contains(number));
    let Some(number) = number else {
        return Err(Problem::no_such_rack(rack, n_racks));
    };
    let action = by_name("action", &wish.action, &RackAction::ALL)?;
    let command = Command::OperateRack { unit, rack_idx: number - 1, action };
    api.change(Request::Control(command), sender.at_panel(wish.panel == Some(true))).await
}
