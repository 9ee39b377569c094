//! `bess farm`: show, check and write farm files.

use crate::registers::load_map;
use crate::scale::scaled;
use crate::setup::load_farm;
use bess_core::UnitId;
use bess_core::config::{BUILT_IN_FARM, Problems};
use bess_core::spec::FarmSpec;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum FarmCommand {
    /// Print what a farm file describes
    Show {
        /// Farm file; the built-in farm when absent
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// The same, as `serve` and `run` take it
        #[arg(long, value_name = "FILE", conflicts_with = "file")]
        farm: Option<PathBuf>,
    },
    /// Check farm files, register maps and Modbus settings, and report all their problems
    Check {
        /// Farm files, and files with a table `[map]` or `[modbus]`
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print a commented farm file to start from
    Init,
}

pub(crate) fn run(command: &FarmCommand, out: &mut dyn Write) -> anyhow::Result<()> {
    match command {
        FarmCommand::Show { file, farm } => {
            show(&load_farm(file.as_deref().or(farm.as_deref()))?, out)
        }
        FarmCommand::Check { files } => check(files, out),
        FarmCommand::Init => Ok(out.write_all(BUILT_IN_FARM.as_bytes())?),
    }
}

/// Whether the file has a table of this name; one that cannot be read has none.
fn has_table(file: &Path, name: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let header = format!("[{name}]");
    text.lines().any(|line| line.split('#').next().unwrap_or_default().trim() == header)
}

/// Checks how a farm is reached by Modbus, against that farm; its name is told.
fn check_modbus(file: &Path, farm: Option<&Path>) -> Result<String, Problems> {
    let spec = load_farm(farm)?;
    let config = crate::modbus::load(farm, Some(file), &spec)?;
    Ok(format!("{} listeners for \"{}\"", config.listeners.len(), spec.name))
}

/// Checks a register map, also against the built-in farm.
fn check_map(file: &Path) -> Result<String, Problems> {
    let map = load_map(file)?;
    let spec = load_farm(None)?;
    map.check(&spec)?;
    let rows = map.document(&spec, UnitId::from_idx(0))?;
    Ok(format!("map \"{}\", {} values", map.name(), rows.len()))
}

fn check(files: &[PathBuf], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut problems = Problems::default();
    let is_other = |file: &Path| has_table(file, "map") || !has_table(file, "farm");
    // How a farm is reached is checked against the first one that is given, or the built-in one.
    let farm = files.iter().find(|file| !is_other(file)).map(PathBuf::as_path);
    for file in files {
        let other = if has_table(file, "map") {
            Some(check_map(file))
        } else if has_table(file, "modbus") && !has_table(file, "farm") {
            Some(check_modbus(file, farm))
        } else {
            None
        };
        if let Some(checked) = other {
            match checked {
                Ok(fine) => writeln!(out, "{}: fine: {fine}", file.display())?,
                Err(mut found) => problems.0.append(&mut found.0),
            }
            continue;
        }
        let read = load_farm(Some(file)).and_then(|spec| {
            crate::modbus::load(Some(file), None, &spec)?;
            Ok(spec)
        });
        match read {
            Ok(spec) => writeln!(
                out,
                "{}: fine: {} units, {} cells",
                file.display(),
                spec.units.len(),
                spec.n_cells()
            )?,
            Err(mut found) => problems.0.append(&mut found.0),
        }
    }
    if problems.0.is_empty() { Ok(()) } else { Err(problems.into()) }
}

fn show(spec: &FarmSpec, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{}: {} units, {} racks, {} cells, {}, {}, {} Hz, seed {}",
        spec.name,
        spec.units.len(),
        spec.n_racks(),
        spec.n_cells(),
        scaled(spec.rated_power().0, "W", 1),
        scaled(spec.nominal_energy().watt_hours(), "Wh", 2),
        spec.nominal_frequency.0,
        spec.seed
    )?;
    writeln!(
        out,
        "starts {} at SoC {} and {} degC; a farm setpoint is split every {} s",
        spec.initial.state.name(),
        spec.initial.soc,
        spec.initial.temperature.0,
        spec.plant.split_period_ticks as f64 / 10.0
    )?;
    let mut first = 0;
    while first < spec.units.len() {
        let design = &spec.units[first].design;
        let count = spec.units[first..]
            .iter()
            .take_while(|unit| std::sync::Arc::ptr_eq(&unit.design, design))
            .count();
        let (dc_min, dc_max) = design.dc_voltage_window();
        let last = first + count - 1;
        writeln!(out, "\n{} to {}:", spec.units[first].name, spec.units[last].name)?;
        writeln!(out, "  {} {}", design.manufacturer, design.model)?;
        writeln!(
            out,
            "  {} racks of {} x {} in series: {}, {:.0} to {:.0} V DC",
            design.n_racks,
            design.cells_in_series,
            design.chemistry.name,
            scaled(design.nominal_energy().watt_hours(), "Wh", 3),
            dc_min.0,
            dc_max.0
        )?;
        writeln!(
            out,
            "  PCS {}, {}, +-{}, dead time {} s, time constant {} s, ramp {} %/s",
            scaled(design.pcs.rated_power.0, "W", 3),
            scaled(design.pcs.rated_apparent_power.0, "VA", 3),
            scaled(design.pcs.rated_reactive_power.0, "var", 3),
            design.pcs.dead_time.0,
            design.pcs.time_constant.0,
            design.pcs.ramp_per_s * 100.0
        )?;
        first += count;
    }
    Ok(())
}
