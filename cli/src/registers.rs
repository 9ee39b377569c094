//! `bess registers`: prints a register map, or the points that map files can name.

use crate::BadInput;
use crate::setup::{load_farm, unreadable};
use bess_core::UnitId;
use bess_core::config::Problems;
use bess_core::spec::FarmSpec;
use bess_protocol::map::user::{MapFile, SHIPPED, parse_map, shipped};
use bess_protocol::map::{self, PointDoc, PointInfo};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Print a register map as Markdown, CSV or JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess registers --map compact
  bess registers --map tesla-like --format csv
  bess registers --map my-map.toml --farm my-farm.toml --unit 3
  bess registers --points")]
pub(crate) struct RegistersArgs {
    /// Map: sunspec, compact, a built-in vendor-like map, or a map file
    #[arg(long, value_name = "MAP", default_value = "sunspec")]
    map: String,
    /// Print the points that map files can name, and not a map
    #[arg(long, conflicts_with = "map")]
    points: bool,
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
    if args.points {
        return print_points(&args.format, out);
    }
    let spec = load_farm(args.farm.as_deref())?;
    let unit = spec
        .find_unit(&args.unit)
        .ok_or_else(|| BadInput(format!("no unit \"{}\": {}", args.unit, spec.unit_numbers())))?;
    let points = document(&args.map, &spec, unit)?;
    // Columns that most maps leave empty.
    let has_devices = points.iter().any(|point| !point.device.is_empty());
    let has_notes = points.iter().any(|point| !point.notes.is_empty());
    let row = |of: [String; 11], device: &str, notes: &str| {
        let device = has_devices.then(|| device.to_owned()).into_iter();
        let notes = has_notes.then(|| notes.to_owned());
        device.chain(of).chain(notes).collect::<Vec<_>>()
    };
    let mut rows = vec![row(HEADER.map(str::to_owned), "device", "notes")];
    rows.extend(points.iter().map(|point| row(cells(point), &point.device, &point.notes)));
    print(&args.format, &rows, || points.iter().map(json_row).collect(), out)
}

/// Prints rows, the header first, in this form.
fn print(
    format: &str,
    rows: &[Vec<String>],
    json: impl FnOnce() -> Vec<serde_json::Value>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        "md" => markdown(rows, out)?,
        "csv" => comma_separated(rows, out)?,
        "json" => writeln!(out, "{}", serde_json::to_string_pretty(&json())?)?,
        other => {
            return Err(BadInput(format!("--format must be md, csv or json, got {other}")).into());
        }
    }
    Ok(())
}

/// The values of a standard map, a built-in one or that of a file.
fn document(name: &str, spec: &FarmSpec, unit: UnitId) -> anyhow::Result<Vec<PointDoc>> {
    if let Some(points) = map::document(name, spec, unit) {
        return Ok(points);
    }
    if let Some(text) = shipped(name) {
        let map = parse_map(name, text, &|_| Err("it is not built in".to_owned()))?;
        return Ok(map.document(spec, unit)?);
    }
    if Path::new(name).extension().is_none_or(|extension| extension != "toml") {
        let known: Vec<&str> =
            map::MAPS.iter().copied().chain(SHIPPED.iter().map(|(name, _)| *name)).collect();
        let message = format!(
            "no map \"{name}\"\nhint: there are {}; or name a file that ends in .toml",
            known.join(", ")
        );
        return Err(BadInput(message).into());
    }
    Ok(load_map(Path::new(name))?.document(spec, unit)?)
}

/// Reads a map file. Maps that it names are relative to it.
///
/// # Errors
/// All problems of the files.
pub(crate) fn load_map(path: &Path) -> Result<MapFile, Problems> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&name, &error))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    parse_map(&name, &text, &|file| {
        let path = folder.join(file);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    })
}

fn print_points(format: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let points = map::points();
    let mut rows = vec![POINT_HEADER.map(str::to_owned).to_vec()];
    rows.extend(points.iter().map(|point| point_cells(point).to_vec()));
    let json = || {
        let row = |point: &PointInfo| {
            serde_json::json!({
                "name": point.name,
                "kind": point.kind,
                "unit": point.unit,
                "access": point.access,
                "role": point.role,
                "level": point.level,
                "symbols": symbols_object(&point.symbols),
                "help": point.help,
            })
        };
        points.iter().map(row).collect()
    };
    print(format, &rows, json, out)
}

const POINT_HEADER: [&str; 8] =
    ["point", "kind", "unit", "access", "role", "level", "values", "what"];

fn point_cells(point: &PointInfo) -> [String; 8] {
    let symbols: Vec<String> =
        point.symbols.iter().map(|(name, value)| format!("{value}={name}")).collect();
    [
        point.name.clone(),
        point.kind.to_owned(),
        point.unit.clone(),
        point.access.to_owned(),
        point.role.to_owned(),
        point.level.to_owned(),
        symbols.join(" "),
        point.help.clone(),
    ]
}

fn symbols_object(symbols: &[(String, u32)]) -> serde_json::Map<String, serde_json::Value> {
    symbols.iter().map(|(name, value)| (name.clone(), (*value).into())).collect()
}

fn cells(point: &PointDoc) -> [String; 11] {
    let symbols: Vec<String> =
        point.symbols.iter().map(|(name, value)| format!("{value}={name}")).collect();
    let value = if point.is_available { &*point.signal } else { "not available" };
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

fn markdown(rows: &[Vec<String>], out: &mut dyn Write) -> std::io::Result<()> {
    for (index, row) in rows.iter().enumerate() {
        writeln!(out, "| {} |", row.join(" | "))?;
        if index == 0 {
            writeln!(out, "|{}", "---|".repeat(row.len()))?;
        }
    }
    Ok(())
}

fn comma_separated(rows: &[Vec<String>], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(writer.flush()?)
}

fn json_row(point: &PointDoc) -> serde_json::Value {
    serde_json::json!({
        "device": point.device,
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
        "symbols": symbols_object(&point.symbols),
        "notes": point.notes,
    })
}
