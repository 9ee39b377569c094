//! Reads what protects the units of a group: the name of a profile, or a file.

use super::Problem;
use super::reader::Section;
use crate::alarm::AlarmCode;
use crate::chemistry::Chemistry;
use crate::protection::{self, BUILT_IN, ProtectionProfile, built_in, parse_protection};

/// Highest voltage of a rack in V at which a unit must have stopped: the 1,500 V class (IEC, DC low
/// voltage) and 5 % (engineering choice).
const RACK_TRIP_MAX_V: f64 = 1575.0;

/// The protection of `group`, whose racks are `cells_in_series` cells of `chemistry`.
pub(super) fn read_protection(
    group: &Section<'_, '_>,
    source: &super::ChemistrySource<'_>,
    foreign: &mut Vec<Problem>,
    chemistry: Option<&Chemistry>,
    cells_in_series: usize,
) -> ProtectionProfile {
    let voltage_max_v =
        chemistry.and_then(|c| c.limits.as_ref()).map_or(0.0, |limits| limits.voltage_max.0);
    let name = group.text_or("protection", protection::default_for(voltage_max_v));
    let is_path = std::path::Path::new(&name).extension().is_some_and(|e| e == "toml");
    let text = match built_in(&name) {
        Some(text) => Ok(text.to_owned()),
        None if is_path => source(&name),
        None => Err("it is not built in".to_owned()),
    };
    let parsed = match text {
        Ok(text) => parse_protection(&name, &text),
        Err(reason) => {
            let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            let message = format!("no protection \"{name}\": {reason}");
            let hint =
                format!("built in are {}; or name a file that ends in .toml", known.join(", "));
            group.report(group.span_of("protection"), message, Some(hint));
            return ProtectionProfile::default();
        }
    };
    match parsed {
        Ok(profile) => {
            if let Some(chemistry) = chemistry {
                check_fits(group, &profile, chemistry, cells_in_series);
            }
            profile
        }
        Err(problems) => {
            foreign.extend(problems.0);
            ProtectionProfile::default()
        }
    }
}

/// A profile for other cells stops a unit for ever or never.
fn check_fits(
    group: &Section<'_, '_>,
    profile: &ProtectionProfile,
    chemistry: &Chemistry,
    cells_in_series: usize,
) {
    let span = || {
        let key = if group.has("protection") { "protection" } else { "chemistry" };
        group.span_of(key)
    };
    let (name, cell, nominal_v) = (&profile.name, &chemistry.name, chemistry.nominal_voltage.0);
    let high_v = profile.stops_at(AlarmCode::CellOverVoltage);
    let low_v = profile.stops_at(AlarmCode::CellUnderVoltage);
    let other_cells = "name a profile for these cells, or a file of your own".to_owned();
    if let Some(high_v) = high_v.filter(|high_v| *high_v <= nominal_v) {
        let message = format!(
            "protection \"{name}\" stops at {high_v} V, but \"{cell}\" has nominally {nominal_v} V"
        );
        group.report(span(), message, Some(other_cells));
    } else if let Some(low_v) = low_v.filter(|low_v| *low_v >= nominal_v) {
        let message = format!(
            "protection \"{name}\" stops below {low_v} V, but \"{cell}\" has nominally {nominal_v} V"
        );
        group.report(span(), message, Some(other_cells));
    } else if let Some(high_v) = high_v.filter(|v| v * cells_in_series as f64 > RACK_TRIP_MAX_V) {
        let rack_v = high_v * cells_in_series as f64;
        let most = (RACK_TRIP_MAX_V / high_v).floor();
        let message = format!(
            "protection \"{name}\" stops at {high_v} V per cell: {cells_in_series} in series make \
             {rack_v:.0} V, beyond the 1,500 V class"
        );
        let hint = format!("at most {most} cells in series, or a lower trip");
        group.report(span(), message, Some(hint));
    }
}
