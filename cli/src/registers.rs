//! `bess registers`: prints a register map.

use crate::BadInput;
use crate::setup::load_farm;
use bess_protocol::map::{self, PointDoc};
use std::io::Write;
use std::path::PathBuf;

/// Print a register map as Markdown, CSV or JSON
#[derive(Debug, clap::Args)]
pub(crate) struct RegistersArgs {
    /// Map: sunspec or compact
    #[arg(long, default_value = "sunspec")]
    map: String,
    /// Form: md, csv or json
    #[arg(long, default_value = "md")]
    format: String,
    /// Farm file; the built-in farm when absent
    #[arg(long, value_name = "FILE")]
    farm: Option<PathBuf>,
    /// Unit whose map it is, by number or name
    #[arg(long, default_value = "1")]
    unit: String,
}

pub(crate) fn run(args: &RegistersArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let spec = load_farm(args.farm.as_deref())?;
    let unit = spec.find_unit(&args.unit).ok_or_else(|| {
        BadInput(format!("no unit \"{}\": the farm has units 1 to {}", args.unit, spec.units.len()))
    })?;
    let points = map::document(&args.map, &spec, unit).ok_or_else(|| {
        BadInput(format!("no map \"{}\"\nhint: there are {}", args.map, map::MAPS.join(", ")))
    })?;
    match args.format.as_str() {
        "md" => markdown(&points, out)?,
        "csv" => comma_separated(&points, out)?,
        "json" => {
            let rows: Vec<_> = points.iter().map(json_row).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        }
        other => {
            return Err(BadInput(format!("--format must be md, csv or json, got {other}")).into());
        }
    }
    Ok(())
}

fn cells(point: &PointDoc) -> [String; 11] {
    let symbols: Vec<String> =
        point.symbols.iter().map(|(name, value)| format!("{value}={name}")).collect();
    let value = if point.is_available { &point.signal } else { "not available" };
    [
        point.table.to_owned(),
        point.address.to_string(),
        point.length.to_string(),
        point.name.clone(),
        point.kind.clone(),
        point.scale.to_string(),
        point.unit.clone(),
        point.access.to_owned(),
        point.role.to_owned(),
        value.to_owned(),
        symbols.join(" "),
    ]
}

const HEADER: [&str; 11] = [
    "table", "address", "length", "name", "type", "scale", "unit", "access", "role", "value",
    "symbols",
];

fn markdown(points: &[PointDoc], out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "| {} |", HEADER.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(HEADER.len()))?;
    for point in points {
        writeln!(out, "| {} |", cells(point).join(" | "))?;
    }
    Ok(())
}

fn comma_separated(points: &[PointDoc], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(HEADER)?;
    for point in points {
        writer.write_record(cells(point))?;
    }
    Ok(writer.flush()?)
}

fn json_row(point: &PointDoc) -> serde_json::Value {
    let symbols: serde_json::Map<String, serde_json::Value> =
        point.symbols.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
    serde_json::json!({
        "table": point.table,
        "address": point.address,
        "length": point.length,
        "name": point.name,
        "type": point.kind,
        "scale": point.scale,
        "unit": point.unit,
        "access": point.access,
        "role": point.role,
        "signal": point.signal,
        "available": point.is_available,
        "symbols": symbols,
    })
}
