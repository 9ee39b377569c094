//! `/units`: the containers. Their racks and cells are in `racks`.
//!
//! - `answer`: what a unit looks like
//! - `list`: the units, filtered, sorted and in pages; `quantity`: the numbers that do it
//! - `control`: setpoints, control settings and modes; `settings`: the bodies of the second
//! - `functions`: what a unit does by itself
//! - `operate`: start, stop, reset and the like, of a unit and of its racks

mod answer;
pub(super) mod control;
pub(super) mod functions;
pub(crate) mod list;
pub(super) mod operate;
mod quantity;
mod service;
mod settings;

pub(crate) use answer::{Control, StandingAlarm, Unit, standing};
pub(crate) use control::UnitSetpoint;
pub(crate) use functions::FunctionsAnswer;

use crate::problem::{Fallible, Problem, UnitReadProblems, kind};
use crate::read::fields::{UNIT, UnitField};
use crate::read::select::{Selected, Selection, SomeOf};
use crate::read::{Made, NotModified, Read, form};
use crate::state::Api;
use crate::wire::Stamp;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::Response;
use bess_core::id::UnitId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A unit, or what was selected of it.
pub(super) type UnitOrSelected = SomeOf<Unit>;

/// One unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    #[schema(value_type = UnitOrSelected)]
    unit: Selected<Unit>,
}

/// The unit that the path names, by number or name; found before the body is read.
#[derive(Debug)]
pub(crate) struct NamedUnit(pub(super) UnitId);

/// What its routes have in common: the parameter, beside others.
#[derive(Deserialize)]
struct Named {
    id: String,
}

impl FromRequestParts<Arc<Api>> for NamedUnit {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Fallible<Self> {
        let Path(Named { id }) = Path::from_request_parts(parts, api)
            .await
            .map_err(|error| Problem::new(&kind::BAD_PARAMETER, error.body_text()).field("id"))?;
        let snapshot = api.farm.snapshots.borrow();
        let spec = &snapshot.spec;
        let unit = spec.find_unit(&id);
        let unit = unit.ok_or_else(|| Problem::no_such_unit(&id, spec.unit_numbers()))?;
        // To some watches any request is a sign of life, a read as well.
        api.farm.mailbox.note_request(unit);
        Ok(Self(unit))
    }
}

/// One unit
///
/// By number or name.
#[utoipa::path(get, path = "/units/{id}", operation_id = "show_unit", tag = "units",
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("fields" = Option<Vec<UnitField>>, Query, style = Form, explode = false, description = "Only these fields, with commas between them; the stamp is always there", example = json!(["state", "measured.soc"]), min_items = 1),
    ),
    responses((status = 200, description = "The unit.", body = UnitAnswer), NotModified, UnitReadProblems))]
pub(crate) async fn show(NamedUnit(unit): NamedUnit, mut read: Read) -> Fallible<Response> {
    if let Some(known) = read.known(form::PLAIN)? {
        return Ok(known);
    }
    let fields = UNIT.read(&mut read.query)?;
    read.finish()?;
    let selection = fields.map(|fields| Arc::new(Selection::of(fields)));
    Ok(read.light(|snapshot, _| {
        let of = Unit::of(snapshot, unit);
        let unit = Selected::new(of, selection.as_ref());
        Made::json(&UnitAnswer { stamp: Stamp::of(snapshot), unit })
    }))
}
