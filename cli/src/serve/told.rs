//! Where a farm that is ready answers: for people on stderr, for programs in a file.

use super::ServeArgs;
use crate::access::AccessArgs;
use bess_core::spec::FarmSpec;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The addresses of a farm that is ready.
pub(super) fn write_endpoints(
    path: &Path,
    book: &bess_api::AddressBook,
    scheme: &str,
) -> anyhow::Result<()> {
    let one = |address: SocketAddr| serde_json::json!({ "host": address.ip().to_string(), "port": address.port() });
    let endpoints = serde_json::json!({
        "pid": std::process::id(),
        "modbus": one(book.modbus),
        "api": { "host": book.api.ip().to_string(), "port": book.api.port(), "url": format!("{scheme}://{}/api/v1", book.api), "tls": scheme == "https" },
        "devices": book.devices.iter().map(|device| serde_json::json!({
            "number": device.unit.map_or(0, bess_core::UnitId::number),
            "device": device.part.name(),
            "rack": device.rack,
            "host": device.host.to_string(),
            "port": device.port,
            "unit_id": device.unit_id,
            "listener": device.listener,
            "tls": device.is_tls,
            "role": device.role.name(),
            "maps": device.maps,
        })).collect::<Vec<_>>(),
        "metrics": { "host": book.metrics.ip().to_string(), "port": book.metrics.port(), "url": format!("http://{}/metrics", book.metrics) },
    });
    write_aside(path, &endpoints)
}

/// Writes JSON aside and renames it, so that a reader never sees half a file.
pub(crate) fn write_aside(path: &Path, value: &serde_json::Value) -> anyhow::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}

/// Removes the endpoints file, if there is one.
pub(super) fn forget_endpoints(args: &ServeArgs) {
    let Some(path) = &args.endpoints else { return };
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "cannot remove the endpoints file");
        }
    }
}

/// How units are told apart, in a line.
fn reached(book: &bess_api::AddressBook) -> String {
    let units = book.devices.iter().filter(|device| device.unit.is_some());
    let units: Vec<_> = units.collect();
    let is_plain = |device: &&&bess_core::device::DeviceAddress| {
        device.unit_id == device.unit.and_then(bess_core::UnitId::modbus_unit_id)
            && device.port == book.modbus.port()
    };
    if !units.is_empty() && units.iter().all(|device| is_plain(&device)) {
        return "unit id k is unit k, 255 is the plant; SunSpec at 40000, compact map at 0"
            .to_owned();
    }
    let n = book.devices.len();
    format!("and more: {n} devices; GET /api/v1/endpoints says where each answers")
}

/// Where to look, and three commands to try.
pub(super) fn greet(spec: &FarmSpec, book: &bess_api::AddressBook, access: &AccessArgs) {
    let (scheme, curl) = (access.scheme(), access.curl());
    let idx = spec.units.len().min(3) - 1;
    let unit = spec.units[idx].id;
    // Behind a listener without TLS, where there is one.
    let is_it =
        |device: &&bess_core::device::DeviceAddress| device.unit == Some(unit) && !device.is_tls;
    let device = book.devices.iter().find(is_it);
    let (host, port) =
        device.map_or((book.modbus.ip(), book.modbus.port()), |device| (device.host, device.port));
    let unit_id = device.and_then(|device| device.unit_id).unwrap_or(1);
    let quarter_w = spec.units[idx].design.pcs.rated_power.0 / 4.0;
    let _ = writeln!(
        std::io::stderr(),
        "
bess serves \"{}\"{}: {} units, {} cells, {:.1} MW / {:.1} MWh

  Modbus TCP  {}   {}
  REST        {scheme}://{}/api/v1
  metrics     http://{}/metrics

Try:
  {curl} {scheme}://{}/api/v1/farm
  {curl} -X PUT {scheme}://{}/api/v1/units/{unit}/setpoint -H 'content-type: application/json' -d '{{\"active_power_w\": {quarter_w}}}'
  mbpoll -m tcp -p {port} -a {unit_id} -0 -r 12 -c 2 -t 4:int -B -1 {host}
",
        spec.name,
        spec.shard.as_ref().map_or_else(String::new, |shard| {
            let numbers = spec.unit_numbers();
            let (index, n) = (shard.index, shard.n_shards);
            format!(", shard {index} of {n}, units {} to {}", numbers.first, numbers.last)
        }),
        spec.units.len(),
        spec.n_cells(),
        spec.rated_power().0 / 1e6,
        spec.nominal_energy().watt_hours() / 1e6,
        book.modbus,
        reached(book),
        book.api,
        book.metrics,
        book.api,
        book.api,
    );
}
