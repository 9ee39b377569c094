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
use bess_core::UnitId;
use bess_core::device::DeviceAddress;
use bess_core::snapshot::Snapshot;
use serde::Serialize;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;
use utoipa::ToSchema;

/// Where a device answers Modbus.
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
    /// Modbus unit id; null where the device answers to every one.
    #[schema(required = true)]
    unit_id: Option<u8>,
    /// What it shows: `plant`, `whole` for a unit, a part of one, or a rack.
    #[schema(example = "whole")]
    device: &'static str,
    /// Number of the rack from 1; null where the device is none.
    #[schema(required = true)]
    rack: Option<u32>,
    /// Name of the listener.
    listener: String,
    /// Whether the port speaks TLS.
    tls: bool,
    /// What clients of the listener may do at most.
    #[schema(example = "engineer")]
    role: &'static str,
    /// Names of the register maps.
    maps: Vec<String>,
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

fn endpoints(api: &Api, snapshot: &Snapshot, headers: &HeaderMap) -> Vec<Endpoint> {
    let units = &snapshot.spec.units;
    let endpoint = |device: &DeviceAddress| {
        let unit = device.unit.and_then(|unit| units.get(unit.idx()));
        Endpoint {
            number: device.unit.map_or(0, UnitId::number),
            name: unit.map_or_else(|| "plant".to_owned(), |unit| unit.name.clone()),
            host: host(device.host, headers),
            port: device.port,
            unit_id: device.unit_id,
            device: device.part.name(),
            rack: device.rack,
            listener: device.listener.clone(),
            tls: device.is_tls,
            role: device.role.name(),
            maps: device.maps.clone(),
        }
    };
    api.book.devices.iter().map(endpoint).collect()
}

/// The address book
///
/// Host, port and Modbus unit id of the plant and every device, behind each listener; CSV with `format=csv` or `Accept:
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
    let answer = move || {
        let snapshot = api.snapshot();
        let endpoints = endpoints(&api, &snapshot, &headers);
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
    let mut text =
        String::from("number,name,host,port,unit_id,device,rack,listener,tls,role,maps\n");
    for e in endpoints {
        let unit_id = e.unit_id.map(|id| id.to_string()).unwrap_or_default();
        let rack = e.rack.map(|rack| rack.to_string()).unwrap_or_default();
        let (name, listener) = (quoted(&e.name), quoted(&e.listener));
        let (host, port, device, tls, role) = (&e.host, e.port, e.device, e.tls, e.role);
        let maps = quoted(&e.maps.join(" "));
        // Writing to a string never fails.
        let _ = writeln!(
            text,
            "{},{name},{host},{port},{unit_id},{device},{rack},{listener},{tls},{role},{maps}",
            e.number
        );
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
