//! `/alarms`: what is wrong now.

use crate::params::Params;
use crate::problem::{Fallible, FarmReadProblems};
use crate::state::Api;
use crate::wire::{AlarmName, Stamp};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// An active alarm.
#[derive(Debug, Serialize, ToSchema)]
struct Alarm {
    /// Number of the unit.
    unit: u32,
    /// Name of the unit.
    unit_name: String,
    /// Name of the alarm.
    code: AlarmName,
    /// What it says.
    text: &'static str,
    /// Whether it stays until it is reset.
    latched: bool,
}

/// The active alarms of all units.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlarmsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    alarms: Vec<Alarm>,
}

/// The active alarms
///
/// Of all units, in order of their number.
#[utoipa::path(get, path = "/alarms", operation_id = "list_alarms", tag = "farm",
    responses((status = 200, description = "The alarms.", body = AlarmsAnswer), FarmReadProblems))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    query: Params,
) -> Fallible<Json<AlarmsAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    let alarms = snapshot.units.iter().zip(&snapshot.spec.units).flat_map(|(view, spec)| {
        view.alarms.iter().map(|alarm| Alarm {
            unit: spec.id.number(),
            unit_name: spec.name.clone(),
            code: AlarmName(alarm.name),
            text: alarm.text,
            latched: alarm.latched,
        })
    });
    Ok(Json(AlarmsAnswer { stamp: Stamp::of(&snapshot), alarms: alarms.collect() }))
}
