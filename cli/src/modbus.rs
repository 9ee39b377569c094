//! How a farm is reached by Modbus: the tables `[modbus]` of the farm file or of a file of their own.

use crate::setup::unreadable;
use bess_core::config::Problems;
use bess_core::spec::FarmSpec;
use bess_protocol::config::{ModbusConfig, parse_modbus};
use std::path::Path;

/// Reads the configuration from `file`, else from the farm file, else the standard one. Files that it
/// names are relative to it.
///
/// # Errors
/// All problems of the files.
pub(crate) fn load(
    farm: Option<&Path>,
    file: Option<&Path>,
    spec: &FarmSpec,
) -> Result<ModbusConfig, Problems> {
    let Some(path) = file.or(farm) else {
        return Ok(ModbusConfig::default());
    };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&name, &error))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    parse_modbus(&name, &text, spec, &|file| {
        let path = folder.join(file);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    })
}
