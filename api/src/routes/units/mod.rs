//! `/units`: the containers. Their racks and cells are in `racks`.
//!
//! - `answer`: what a unit looks like
//! - `control`: setpoints, control settings and modes; `settings`: the bodies of the second
//! - `functions`: what a unit does by itself
//! - `operate`: start, stop, reset and the like, of a unit and of its racks

mod answer;
pub(super) mod control;
pub(super) mod functions;
pub(super) mod operate;
mod service;
mod settings;

pub(crate) use answer::{Control, StandingAlarm, Unit, standing};
pub(crate) use control::UnitSetpoint;
pub(crate) use functions::FunctionsAnswer;

use crate::ask::aside;
use crate::params::Params;
use crate::problem::{Fallible, FarmReadProblems, Problem, UnitReadProblems, kind};
use crate::state::Api;
use crate::wire::{Stamp, UnitStateName};
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bess_core::id::UnitId;
use bess_core::snapshot::UnitState;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// A page of units.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Units that match, on all pages.
    total: usize,
    /// The units of this page.
    units: Vec<Unit>,
}

/// One unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    unit: Unit,
}

/// The unit that the path names, by number or name; found before the body is read.
#[derive(Debug)]
pub(crate) struct NamedUnit(pub(super) UnitId);

impl FromRequestParts<Arc<Api>> for NamedUnit {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Fallible<Self> {
        let Path(path) = Path::<BTreeMap<String, String>>::from_request_parts(parts, api)
            .await
            .map_err(|error| Problem::new(&kind::BAD_PARAMETER, error.body_text()).field("id"))?;
        let name = path.get("id").cloned().unwrap_or_default();
        let spec = &api.snapshot().spec;
        let unit = spec.find_unit(&name);
        let unit = unit.ok_or_else(|| Problem::no_such_unit(&name, spec.units.len()))?;
        // To some watches any request is a sign of life, a read as well.
        api.farm.mailbox.note_request(unit);
        Ok(Self(unit))
    }
}

/// Most units on a page.
const PAGE_MAX: usize = 1000;

/// The units
///
/// In order of their number, a page at a time.
#[utoipa::path(get, path = "/units", operation_id = "list_units", tag = "units",
    params(
        ("from" = Option<u64>, Query, description = "Matching units to leave out before the page", minimum = 0, maximum = 100_000),
        ("limit" = Option<u64>, Query, description = "Most units on the page; 100 when absent", minimum = 1, maximum = 1000),
        ("state" = inline(Option<UnitStateName>), Query, description = "Only units in this state"),
    ),
    responses((status = 200, description = "The units.", body = UnitsAnswer), FarmReadProblems))]
pub(crate) async fn list(State(api): State<Arc<Api>>, mut query: Params) -> Fallible<Response> {
    let from = query.whole("from", 0, (0, 100_000))?;
    let limit = query.whole("limit", 100, (1, PAGE_MAX))?;
    let state = query.choice("state", &UnitState::ALL.map(UnitState::name))?;
    query.finish()?;
    let snapshot = api.snapshot();
    let matching: Vec<UnitId> = (0..snapshot.units.len())
        .filter(|idx| state.is_none_or(|state| snapshot.units[*idx].state.name() == state))
        .map(UnitId::from_idx)
        .collect();
    let page = move || {
        let units = matching.iter().skip(from).take(limit);
        Json(UnitsAnswer {
            stamp: Stamp::of(&snapshot),
            total: matching.len(),
            units: units.map(|id| Unit::of(&snapshot, *id)).collect(),
        })
        .into_response()
    };
    Ok(aside(page).await)
}

/// One unit
///
/// By number or name.
#[utoipa::path(get, path = "/units/{id}", operation_id = "show_unit", tag = "units",
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "The unit.", body = UnitAnswer), UnitReadProblems))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    NamedUnit(unit): NamedUnit,
    query: Params,
) -> Fallible<Json<UnitAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    Ok(Json(UnitAnswer { stamp: Stamp::of(&snapshot), unit: Unit::of(&snapshot, unit) }))
}
