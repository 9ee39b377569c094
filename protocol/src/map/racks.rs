//! Racks as the strings of model 803, and where the extreme cells of a unit are.

use super::source::{RackSight, Sight};
use super::states::evt1;
use bess_core::CellAddress;
use bess_core::alarm::{AlarmCode, AlarmLevel, AlarmSet};
use bess_core::snapshot::{CellExtremes, RackView, UnitState};
use bess_core::spec::UnitDesign;

/// Number of the module that holds the cell `cell_idx` of a rack, from 1.
fn module_number(cell_idx: u16, design: &UnitDesign) -> i64 {
    (usize::from(cell_idx) / design.cells_per_module.max(1) + 1) as i64
}

/// Where an extreme cell is.
type Place = fn(&CellExtremes) -> CellAddress;

fn string_of(sight: Sight<'_>, place: Place) -> i64 {
    sight.view().map_or(0, |view| i64::from(place(&view.measured.extremes).rack_idx) + 1)
}

fn module_of(sight: Sight<'_>, place: Place) -> i64 {
    match (sight.view(), sight.spec()) {
        (Some(view), Some(spec)) => {
            module_number(place(&view.measured.extremes).cell_idx, &spec.design)
        }
        _ => 0,
    }
}

pub(crate) fn voltage_max_string(sight: Sight<'_>) -> i64 {
    string_of(sight, |extremes| extremes.voltage_max_at)
}
pub(crate) fn voltage_max_module(sight: Sight<'_>) -> i64 {
    module_of(sight, |extremes| extremes.voltage_max_at)
}
pub(crate) fn voltage_min_string(sight: Sight<'_>) -> i64 {
    string_of(sight, |extremes| extremes.voltage_min_at)
}
pub(crate) fn voltage_min_module(sight: Sight<'_>) -> i64 {
    module_of(sight, |extremes| extremes.voltage_min_at)
}
pub(crate) fn temperature_max_string(sight: Sight<'_>) -> i64 {
    string_of(sight, |extremes| extremes.temperature_max_at)
}
pub(crate) fn temperature_max_module(sight: Sight<'_>) -> i64 {
    module_of(sight, |extremes| extremes.temperature_max_at)
}
pub(crate) fn temperature_min_string(sight: Sight<'_>) -> i64 {
    string_of(sight, |extremes| extremes.temperature_min_at)
}
pub(crate) fn temperature_min_module(sight: Sight<'_>) -> i64 {
    module_of(sight, |extremes| extremes.temperature_min_at)
}

/// The place of an extreme within one rack, as the number of its module.
fn module_in_rack(sight: RackSight<'_>, place: Place) -> i64 {
    module_number(place(&sight.rack.extremes).cell_idx, sight.design)
}

pub(crate) fn rack_voltage_max_module(sight: RackSight<'_>) -> i64 {
    module_in_rack(sight, |extremes| extremes.voltage_max_at)
}
pub(crate) fn rack_voltage_min_module(sight: RackSight<'_>) -> i64 {
    module_in_rack(sight, |extremes| extremes.voltage_min_at)
}
pub(crate) fn rack_temperature_max_module(sight: RackSight<'_>) -> i64 {
    module_in_rack(sight, |extremes| extremes.temperature_max_at)
}
pub(crate) fn rack_temperature_min_module(sight: RackSight<'_>) -> i64 {
    module_in_rack(sight, |extremes| extremes.temperature_min_at)
}

/// 803.StrNMod.
pub(crate) fn string_modules(sight: RackSight<'_>) -> i64 {
    sight.design.modules_per_rack() as i64
}

/// 803.StrSt: whether it may take part, and whether it is connected.
pub(crate) fn string_status(sight: RackSight<'_>) -> i64 {
    i64::from(sight.rack.enabled) | i64::from(sight.rack.connected) << 1
}

/// 803.StrConSt: the negative, precharge and positive contactor from bit 0 on.
pub(crate) fn string_contactors(sight: RackSight<'_>) -> i64 {
    let contactors = sight.rack.contactors.iter().rev();
    contactors.fold(0, |bits, closed| bits << 1 | i64::from(*closed))
}

/// 803.StrConFail.
pub(crate) fn string_failure(sight: RackSight<'_>) -> i64 {
    let alarms = sight.rack.alarms;
    match sight.rack.fuse_whole {
        false => 5,
        true if alarms.has(AlarmCode::ContactorFault) => 6,
        true if alarms.has(AlarmCode::PrechargeFailed) => 7,
        true => 0,
    }
}

/// 803.StrDisRsn: why it is not connected: a fault, work on it (or an operator took it out), the unit's
/// own state, or something else, as a voltage that does not fit.
pub(crate) fn string_disconnect_reason(sight: RackSight<'_>) -> i64 {
    const NONE: i64 = 0;
    const FAULT: i64 = 1;
    const MAINTENANCE: i64 = 2;
    const EXTERNAL: i64 = 3;
    const OTHER: i64 = 4;
    let RackSight { rack, view, .. } = sight;
    let stops = |alarms: AlarmSet| alarms.worst().is_some_and(AlarmLevel::stops);
    match view.state {
        _ if rack.connected => NONE,
        _ if !rack.fuse_whole || stops(rack.alarms) => FAULT,
        UnitState::Maintenance => MAINTENANCE,
        _ if !rack.enabled => MAINTENANCE,
        state if state.row().is_connected => OTHER,
        _ if stops(view.alarms) => FAULT,
        _ => EXTERNAL,
    }
}

/// 803.StrEvt1.
pub(crate) fn string_events(sight: RackSight<'_>) -> i64 {
    evt1(sight.rack.alarms)
}

/// 803.StrSetEna and StrSetCon, as the rack was told: 1 to take part, 2 to stay out. Whether it is
/// connected stands in StrSt.
pub(crate) fn string_told(sight: RackSight<'_>) -> i64 {
    if sight.rack.enabled { 1 } else { 2 }
}

/// A quantity of a rack.
type OfRack = fn(&RackView) -> f64;

/// Position and value of the rack whose value `beats` those of all others, the first of equal ones.
fn extreme(sight: Sight<'_>, get: OfRack, beats: fn(f64, f64) -> bool) -> Option<(usize, f64)> {
    let values = sight.racks().iter().map(get).enumerate().filter(|(_, value)| !value.is_nan());
    values.reduce(|best, next| if beats(next.1, best.1) { next } else { best })
}

fn highest(sight: Sight<'_>, get: OfRack) -> Option<(usize, f64)> {
    extreme(sight, get, |next, best| next > best)
}
fn lowest(sight: Sight<'_>, get: OfRack) -> Option<(usize, f64)> {
    extreme(sight, get, |next, best| next < best)
}

pub(crate) fn max(sight: Sight<'_>, get: OfRack) -> f64 {
    highest(sight, get).map_or(f64::NAN, |(_, value)| value)
}
/// The number of the rack with the highest value, from 1.
pub(crate) fn max_string(sight: Sight<'_>, get: OfRack) -> f64 {
    highest(sight, get).map_or(f64::NAN, |(rack_idx, _)| rack_idx as f64 + 1.0)
}
pub(crate) fn min(sight: Sight<'_>, get: OfRack) -> f64 {
    lowest(sight, get).map_or(f64::NAN, |(_, value)| value)
}
/// The number of the rack with the lowest value, from 1.
pub(crate) fn min_string(sight: Sight<'_>, get: OfRack) -> f64 {
    lowest(sight, get).map_or(f64::NAN, |(rack_idx, _)| rack_idx as f64 + 1.0)
}
pub(crate) fn mean(sight: Sight<'_>, get: OfRack) -> f64 {
    let racks = sight.racks();
    racks.iter().map(get).sum::<f64>() / racks.len() as f64
}

/// Cells of all racks that are being balanced.
pub(crate) fn cells_balancing(sight: Sight<'_>) -> f64 {
    sight.racks().iter().map(|rack| f64::from(rack.cells_balancing)).sum()
}

/// 804.NCellBal.
pub(crate) fn rack_cells_balancing(sight: RackSight<'_>) -> i64 {
    sight.rack.cells_balancing.into()
}

/// Bits of the racks with closed contactors, the first rack in bit 0.
pub(crate) fn connected_bits(sight: Sight<'_>) -> i64 {
    let racks = sight.racks().iter().take(32).enumerate();
    racks.fold(0, |bits, (index, rack)| bits | i64::from(rack.connected) << index)
}
