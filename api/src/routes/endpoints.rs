//! `/endpoints`: the address book of every unit.

use crate::ask::aside;
use crate::params::Params;
use crate::problem::{Fallible, FarmReadProblems};
use crate::state::Api;
use crate::wire::{ENDPOINT_FORMATS, FormatName, Stamp};
use axum::Json;
use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bess_core::id::MODBUS_PLANT_ID;
use bess_core::snapshot::Snapshot;
use serde::Serialize;
use std::fmt::Write;
use std::net::IpAddr;
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
    #[schema(required = true)]
    unit_id: Option<u8>,
}

/// The address book.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    endpoints: Vec<Endpoint>,
}

/// The address to tell: the listener's, or the one that the client called where the listener is bound
/// to all of them.
fn host(listener: IpAddr, headers: &HeaderMap) -> String {
    let called = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let called = called.and_then(|host| host.parse::<Authority>().ok());
    match called {
        Some(called) if listener.is_unspecified() => {
            called.host().trim_matches(['[', ']']).to_owned()
        }
        _ => listener.to_string(),
    }
}

fn endpoints(api: &Api, snapshot: &Snapshot, host: &str) -> Vec<Endpoint> {
    let (host, port) = (host.to_owned(), api.book.modbus.port());
    let plant = Endpoint {
        number: 0,
        name: "plant".to_owned(),
        host: host.clone(),
        port,
        unit_id: Some(MODBUS_PLANT_ID),
    };
    let units = snapshot.spec.units.iter().map(|unit| Endpoint {
        number: unit.id.number(),
        name: unit.name.clone(),
        host: host.clone(),
        port,
        unit_id: unit.id.modbus_unit_id(),
    });
    std::iter::once(plant).chain(units).collect()
}

/// The address book
///
/// Host, port and Modbus unit id of the plant and every unit; CSV with `format=csv` or `Accept:
/// text/csv`.
#[utoipa::path(get, path = "/endpoints", operation_id = "list_endpoints", tag = "farm",
    params(("format" = inline(Option<FormatName>), Query, description = "Form of the answer; beats the header Accept")),
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
    let format = query.choice("format", &ENDPOINT_FORMATS)?;
    query.finish()?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let wants_csv = accept.is_some_and(|accept| accept.trim().starts_with("text/csv"));
    let is_csv = format.map_or(wants_csv, |format| format == "csv");
    let host = host(api.book.modbus.ip(), &headers);
    let answer = move || {
        let snapshot = api.snapshot();
        let endpoints = endpoints(&api, &snapshot, &host);
        if is_csv {
            let content_type = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            return (content_type, csv(&endpoints)).into_response();
        }
        let stamp = Stamp::of(&snapshot);
        Json(EndpointsAnswer { stamp, endpoints }).into_response()
    };
    Ok(([(header::VARY, "accept")], aside(answer).await).into_response())
}

fn csv(endpoints: &[Endpoint]) -> String {
    let mut text = String::from("number,name,host,port,unit_id\n");
    for e in endpoints {
        let unit_id = e.unit_id.map(|id| id.to_string()).unwrap_or_default();
        // Writing to a string never fails.
        let _ = writeln!(text, "{},{},{},{},{unit_id}", e.number, quoted(&e.name), e.host, e.port);
    }
    text
}

/// A CSV field, quoted where it must be (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn a_listener_on_all_addresses_is_told_as_the_client_called_it() {
        let called = |host: &'static str| {
            HeaderMap::from_iter([(header::HOST, header::HeaderValue::from_static(host))])
        };
        let all = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        assert_eq!(host(all, &called("farm.example:8000")), "farm.example");
        assert_eq!(host(IpAddr::from(Ipv6Addr::UNSPECIFIED), &called("[::1]:8000")), "::1");
        assert_eq!(host(all, &HeaderMap::new()), "0.0.0.0");
        let one = IpAddr::from(Ipv4Addr::LOCALHOST);
        assert_eq!(host(one, &called("farm.example:8000")), "127.0.0.1");
    }
}
