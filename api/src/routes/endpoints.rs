//! `/endpoints`: the address book of every unit.

use crate::params::Params;
use crate::problem::{Fallible, FarmReadProblems};
use crate::server::Api;
use crate::wire::Stamp;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bess_core::snapshot::Snapshot;
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;
use utoipa::ToSchema;

/// Where a unit answers Modbus.
#[derive(Debug, Serialize, ToSchema)]
struct Endpoint {
    /// Number of the unit; 0 is the plant.
    number: u32,
    /// Name of the unit.
    name: String,
    /// Address of the Modbus listener.
    host: String,
    /// Port of the Modbus listener.
    port: u16,
    /// Modbus unit id; null where the unit has none in this mode.
    unit_id: Option<u8>,
}

/// The address book.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    endpoints: Vec<Endpoint>,
}

/// Largest Modbus unit id that is a unit; 255 is the plant.
const UNIT_ID_MAX: u32 = 247;
const PLANT_ID: u8 = 255;

fn endpoints(api: &Api, snapshot: &Snapshot) -> Vec<Endpoint> {
    let (host, port) = (api.book.modbus.ip().to_string(), api.book.modbus.port());
    let plant = Endpoint {
        number: 0,
        name: "plant".to_owned(),
        host: host.clone(),
        port,
        unit_id: Some(PLANT_ID),
    };
    let units = snapshot.spec.units.iter().map(|unit| Endpoint {
        number: unit.id.number(),
        name: unit.name.clone(),
        host: host.clone(),
        port,
        unit_id: Some(unit.id.number())
            .filter(|number| *number <= UNIT_ID_MAX)
            .and_then(|number| u8::try_from(number).ok()),
    });
    std::iter::once(plant).chain(units).collect()
}

/// The address book
///
/// Host, port and Modbus unit id of the plant and every unit; CSV with `format=csv` or `Accept:
/// text/csv`.
#[utoipa::path(get, path = "/endpoints", tag = "farm",
    params(("format" = Option<String>, Query, description = "json or csv")),
    responses(
        (status = 200, description = "The address book.", content(
            (EndpointsAnswer = "application/json"),
            (String = "text/csv"),
        )),
        FarmReadProblems))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    mut query: Params,
) -> Fallible<Response> {
    let format = query.choice("format", &["json", "csv"])?;
    query.finish()?;
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let wants_csv = accept.is_some_and(|accept| accept.trim().starts_with("text/csv"));
    let snapshot = api.snapshot();
    let endpoints = endpoints(&api, &snapshot);
    if format == Some("json") || (format.is_none() && !wants_csv) {
        return Ok(Json(EndpointsAnswer {
            stamp: Stamp::of(&snapshot),
            endpoints,
        })
        .into_response());
    }
    let mut text = String::from("number,name,host,port,unit_id\n");
    for e in endpoints {
        let unit_id = e.unit_id.map(|id| id.to_string()).unwrap_or_default();
        // Writing to a string never fails.
        let _ = writeln!(
            text,
            "{},{},{},{},{unit_id}",
            e.number,
            quoted(&e.name),
            e.host,
            e.port
        );
    }
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

/// A CSV field, quoted where it must be (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
