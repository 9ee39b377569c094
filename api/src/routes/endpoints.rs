//! `/endpoints`: the address book of every unit.

use crate::problem::{Fallible, FarmReadProblems};
use crate::read::form::{self, Form};
use crate::read::table::csv;
use crate::read::{Made, NotModified, Read};
use crate::state::Api;
use crate::wire::{FormatName, Stamp};
use axum::http::uri::Authority;
use axum::response::Response;
use bess_core::UnitId;
use bess_core::device::DeviceAddress;
use bess_core::snapshot::Snapshot;
use serde::Serialize;
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

/// The columns of the table.
pub(super) const COLUMNS: [&str; 11] = [
    "number", "name", "host", "port", "unit_id", "device", "rack", "listener", "tls", "role",
    "maps",
];

/// The address book.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    endpoints: Vec<Endpoint>,
}

/// The address to tell: the listener's, or the one that the client called where the listener is bound
/// to all of them.
fn host(listener: IpAddr, called: Option<&str>) -> String {
    let called = called.and_then(|host| host.parse::<Authority>().ok());
    match called {
        Some(called) if listener.is_unspecified() => {
            called.host().trim_matches(['[', ']']).to_owned()
        }
        _ => listener.to_string(),
    }
}

fn endpoints(api: &Api, snapshot: &Snapshot, called: Option<&str>) -> Vec<Endpoint> {
    let units = &snapshot.spec.units;
    let endpoint = |device: &DeviceAddress| {
        let unit = device.unit.and_then(|unit| units.get(unit.idx()));
        Endpoint {
            number: device.unit.map_or(0, UnitId::number),
            name: unit.map_or_else(|| "plant".to_owned(), |unit| unit.name.clone()),
            host: host(device.host, called),
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
        NotModified, FarmReadProblems))]
pub(crate) async fn list(mut read: Read) -> Fallible<Response> {
    // The answer depends on how the client called this server.
    read.choose(form::TABLE)?;
    read.finish()?;
    let (api, called) = (Arc::clone(&read.api), read.host().map(str::to_owned));
    let made = move |snapshot: &Snapshot, form| {
        let endpoints = endpoints(&api, snapshot, called.as_deref());
        match form {
            Form::Csv => Made::bytes(csv(&COLUMNS, endpoints)),
            Form::Json | Form::Binary => {
                Made::json(&EndpointsAnswer { stamp: Stamp::of(snapshot), endpoints })
            }
        }
    };
    Ok(read.own(made).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn a_listener_on_all_addresses_is_told_as_the_client_called_it() {
        let all = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        assert_eq!(host(all, Some("farm.example:8000")), "farm.example");
        assert_eq!(host(IpAddr::from(Ipv6Addr::UNSPECIFIED), Some("[::1]:8000")), "::1");
        assert_eq!(host(all, None), "0.0.0.0");
        let one = IpAddr::from(Ipv4Addr::LOCALHOST);
        assert_eq!(host(one, Some("farm.example:8000")), "127.0.0.1");
    }
}
