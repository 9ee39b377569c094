//! How a farm is reached by Modbus: the tables `[modbus]` of the farm file or of a file of their own.

use crate::texts::{Source, Texts};
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
    load_texts(farm, file, spec).map(|(config, _)| config)
}

/// The same with everything that was read; `None` where that is nothing.
///
/// # Errors
/// All problems of the files.
pub(crate) fn load_texts(
    farm: Option<&Path>,
    file: Option<&Path>,
    spec: &FarmSpec,
) -> Result<(ModbusConfig, Option<Texts>), Problems> {
    let Some(path) = file.or(farm) else {
        return Ok((ModbusConfig::default(), None));
    };
    let (config, texts) = Texts::read(path, &mut parse(spec))?;
    Ok((config, Some(texts)))
}

/// The same again, from what was kept.
///
/// # Errors
/// All problems of the texts.
pub(crate) fn again(texts: Option<&Texts>, spec: &FarmSpec) -> Result<ModbusConfig, Problems> {
    texts.map_or_else(|| Ok(ModbusConfig::default()), |texts| texts.again(&mut parse(spec)))
}

fn parse(spec: &FarmSpec) -> impl FnMut(&str, &str, &Source<'_>) -> Result<ModbusConfig, Problems> {
    |name, text, source| parse_modbus(name, text, spec, source)
}
