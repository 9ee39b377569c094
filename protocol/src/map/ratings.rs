//! What a unit can do, as its registers rate it: what follows from its design beyond the signals.

use super::source::Sight;
use bess_core::control::FunctionName;
use bess_core::spec::{EnterService, GridQuantity, GridTrip, UnitDesign};

/// Reads a quantity of the design; not available for the plant, whose map binds none of these.
pub(crate) fn of_design(sight: Sight<'_>, get: fn(&UnitDesign) -> f64) -> f64 {
    sight.spec().map_or(f64::NAN, |spec| get(&spec.design))
}

/// A setting for entering service.
pub(crate) fn enter_service(sight: Sight<'_>, get: fn(&EnterService) -> f64) -> f64 {
    sight.spec().map_or(f64::NAN, |spec| get(&spec.design.grid_code.enter_service))
}

/// Active power in W beside the largest reactive power, within the P-Q circle.
pub(crate) fn active_w_at_largest_reactive(design: &UnitDesign) -> f64 {
    let (p, q) = (design.pcs.rated_power.0, design.pcs.rated_reactive_power.0);
    let s = design.pcs.rated_apparent_power.0;
    (s * s - q * q).max(0.0).sqrt().min(p)
}

/// Power factor there.
pub(crate) fn factor_at_largest_reactive(design: &UnitDesign) -> f64 {
    let p = active_w_at_largest_reactive(design);
    let s = p.hypot(design.pcs.rated_reactive_power.0);
    if s > 0.0 { p / s } else { f64::NAN }
}

/// The trips of a unit on one side of the nominal value, the farthest from it first.
///
/// This alone says where the trips that registers show come from.
pub(crate) fn trips_of(design: &UnitDesign, quantity: GridQuantity, above: bool) -> Vec<GridTrip> {
    let is_one = |trip: &&GridTrip| trip.quantity == quantity && trip.above == above;
    let mut trips: Vec<GridTrip> = design.grid_code.trips.iter().filter(is_one).copied().collect();
    trips.sort_by(|a, b| {
        let order = a.threshold.total_cmp(&b.threshold);
        if above { order.reverse() } else { order }
    });
    trips
}

/// AC voltage in V at and beyond which a unit does not stay on for ever: its mildest trip of this side. Not
/// available where it has none.
fn voltage_beyond(design: &UnitDesign, above: bool) -> f64 {
    let mildest = trips_of(design, GridQuantity::Voltage, above).pop();
    mildest.map_or(f64::NAN, |trip| trip.threshold * design.pcs.nominal_voltage.0)
}

pub(crate) fn ac_voltage_max(design: &UnitDesign) -> f64 {
    voltage_beyond(design, true)
}
pub(crate) fn ac_voltage_min(design: &UnitDesign) -> f64 {
    voltage_beyond(design, false)
}

/// 702.AbnOpCatRtg: the category of IEEE 1547-2018 whose trips the unit has; not available where its grid
/// code is none of them.
pub(crate) fn abnormal_category(sight: Sight<'_>) -> f64 {
    of_design(sight, |design| match &*design.grid_code.name {
        "ieee-1547-2018-category-1" => 0.0,
        "ieee-1547-2018-category-2" => 1.0,
        "ieee-1547-2018-category-3" => 2.0,
        _ => f64::NAN,
    })
}

/// 702.IntIslandCatRtg: every unit can form an island, from a dead grid too, with a droop.
pub(crate) const ISLAND_CATEGORIES: i64 = 1 << 1 | 1 << 2;

/// 702.CtrlModes: what the unit can do, and by what its grid code trips it.
pub(crate) fn control_modes(sight: Sight<'_>) -> i64 {
    const SETPOINTS: i64 = 0b1111;
    let function_bit = |function| match function {
        FunctionName::VoltVar => 1 << 4,
        FunctionName::FrequencyDroop | FunctionName::FrequencyResponse => 1 << 5,
        FunctionName::WattVar => 1 << 9,
        FunctionName::VoltWatt => 1 << 10,
        FunctionName::Schedule => 1 << 11,
        FunctionName::PowerFactor | FunctionName::PeakShaving | FunctionName::GridForming => 0,
    };
    let functions = FunctionName::ALL.iter().map(|(_, function)| function_bit(*function));
    let trips = sight.spec().map_or(&[][..], |spec| &spec.design.grid_code.trips);
    let trips = trips.iter().map(|trip| match (trip.quantity, trip.above) {
        (GridQuantity::Voltage, false) => 1 << 7,
        (GridQuantity::Voltage, true) => 1 << 8,
        (GridQuantity::Frequency, false) => 1 << 12,
        (GridQuantity::Frequency, true) => 1 << 13,
    });
    functions.chain(trips).fold(SETPOINTS, |bits, bit| bits | bit)
}

/// 802.DisChaRte: what a middling cell at 25 degC loses in a day, in percent of its capacity; not available
/// where the chemistry names no leak.
pub(crate) fn self_discharge_pct_per_day(design: &UnitDesign) -> f64 {
    const DAY_S: f64 = 86_400.0;
    let leak = design.chemistry.self_discharge.as_ref();
    leak.map_or(f64::NAN, |leak| leak.current_a * DAY_S / design.chemistry.capacity.0 * 100.0)
}
