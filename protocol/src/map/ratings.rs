//! What a unit can do, as its registers rate it, and what it is rated down to: what follows from its design
//! and its settings beyond the signals.

use super::source::Sight;
use bess_core::control::{Capacity, FunctionName, TripSettings};
use bess_core::spec::{EnterService, UnitDesign};

/// Reads a quantity of the design; not available for the plant, whose map binds none of these.
pub(crate) fn of_design(sight: Sight<'_>, get: fn(&UnitDesign) -> f64) -> f64 {
    sight.spec().map_or(f64::NAN, |spec| get(&spec.design))
}

/// A setting for entering service.
pub(crate) fn enter_service(sight: Sight<'_>, get: fn(&EnterService) -> f64) -> f64 {
    sight.view().map_or(f64::NAN, |view| get(&view.control.enter_service))
}

/// Which reactive power.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Excitation {
    /// Injected.
    Over,
    /// Absorbed.
    Under,
}

/// A corner of the P-Q area: the active power beside a largest reactive one, within the circle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corner {
    pub(crate) active_w: f64,
    pub(crate) factor: f64,
}

impl Corner {
    /// Not available, where there is no unit.
    const NONE: Self = Self { active_w: f64::NAN, factor: f64::NAN };

    fn of(capacity: &Capacity, excitation: Excitation) -> Self {
        let (p, s) = (capacity.active_max_w, capacity.apparent_max_va);
        let q = match excitation {
            Excitation::Over => capacity.reactive_injected_max_var,
            Excitation::Under => capacity.reactive_absorbed_max_var,
        };
        let active_w = (s * s - q * q).max(0.0).sqrt().min(p);
        let apparent_va = active_w.hypot(q);
        let factor = if apparent_va > 0.0 { active_w / apparent_va } else { f64::NAN };
        Self { active_w, factor }
    }

    /// As the unit is rated.
    pub(crate) fn rated(sight: Sight<'_>, excitation: Excitation) -> Self {
        let spec = sight.spec();
        spec.map_or(Self::NONE, |spec| Self::of(&Capacity::rated(&spec.design.pcs), excitation))
    }

    /// As it is set.
    pub(crate) fn set(sight: Sight<'_>, excitation: Excitation) -> Self {
        sight.view().map_or(Self::NONE, |view| Self::of(&view.control.capacity, excitation))
    }
}

/// AC voltage in V at and beyond which a unit with these trips does not stay on for ever: the mildest one of
/// this side. Not available where it has none.
fn voltage_beyond(design: &UnitDesign, trips: &TripSettings, above: bool) -> f64 {
    let side = if above { &trips.over_voltage } else { &trips.under_voltage };
    let points = side.points.iter().filter(|_| side.enabled).map(|(threshold, _)| *threshold);
    let mildest = points.reduce(if above { f64::min } else { f64::max });
    mildest.map_or(f64::NAN, |threshold| threshold * design.pcs.nominal_voltage.0)
}

/// That of the farm file.
pub(crate) fn ac_voltage_rated(sight: Sight<'_>, above: bool) -> f64 {
    sight
        .spec()
        .map_or(f64::NAN, |spec| voltage_beyond(&spec.design, &spec.design.functions.trips, above))
}

/// That of the trips that are set.
pub(crate) fn ac_voltage_set(sight: Sight<'_>, above: bool) -> f64 {
    match (sight.spec(), sight.functions()) {
        (Some(spec), Some(functions)) => voltage_beyond(&spec.design, &functions.trips, above),
        _ => f64::NAN,
    }
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

/// 702.CtrlModes: what the unit can do.
pub(crate) fn control_modes(_: Sight<'_>) -> i64 {
    const SETPOINTS: i64 = 0b1111;
    const TRIPS: i64 = 1 << 7 | 1 << 8 | 1 << 12 | 1 << 13;
    let function_bit = |function| match function {
        FunctionName::VoltVar => 1 << 4,
        FunctionName::FrequencyDroop | FunctionName::FrequencyResponse => 1 << 5,
        FunctionName::WattVar => 1 << 9,
        FunctionName::VoltWatt => 1 << 10,
        FunctionName::Schedule => 1 << 11,
        FunctionName::PowerFactor | FunctionName::PeakShaving | FunctionName::GridForming => 0,
    };
    let functions = FunctionName::ALL.iter().map(|(_, function)| function_bit(*function));
    functions.fold(SETPOINTS | TRIPS, |bits, bit| bits | bit)
}

/// 802.DisChaRte: what a middling cell at 25 degC loses in a day, in percent of its capacity; not available
/// where the chemistry names no leak.
pub(crate) fn self_discharge_pct_per_day(design: &UnitDesign) -> f64 {
    const DAY_S: f64 = 86_400.0;
    let leak = design.chemistry.self_discharge.as_ref();
    leak.map_or(f64::NAN, |leak| leak.current_a * DAY_S / design.chemistry.capacity.0 * 100.0)
}
