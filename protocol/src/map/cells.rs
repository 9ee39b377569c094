//! Single cells, and what is made of those of a module: models 804 and 805. All of it is what the BMS
//! measures, and is there while the snapshot carries the cells of the unit.

use super::source::{Place, Sight};
use bess_core::spec::UnitDesign;
use std::ops::Range;

/// The cells of a module within its rack; the last module has what is left.
pub(super) fn cells_of_module(design: &UnitDesign, module_idx: usize) -> Range<usize> {
    let each = design.cells_per_module.max(1);
    let start = (module_idx * each).min(design.cells_in_series);
    start..(start + each).min(design.cells_in_series)
}

/// Number of cells of the module.
pub(crate) fn count(sight: Sight<'_>, place: Place) -> i64 {
    sight.spec().map_or(0, |spec| cells_of_module(&spec.design, place.module_idx).len() as i64)
}

impl Place {
    /// The module whose number is that of the repetition in which the value stands.
    pub(crate) fn module_by_index(self) -> Self {
        Self { module_idx: self.index[0], ..self }
    }
}

/// What the cells of a unit measure, as columns.
type Column = for<'s> fn(&'s bess_core::snapshot::CellsView) -> &'s [f32];

/// Voltages in V.
pub(crate) const VOLTAGE: Column = |cells| &cells.voltage_v;
/// Temperatures in degC.
pub(crate) const TEMPERATURE: Column = |cells| &cells.temperature_degc;

/// The values of the cells of the module; none where the snapshot has no cells.
fn of_module<'s>(sight: Sight<'s>, place: Place, column: Column) -> &'s [f32] {
    let shown = sight.cells().zip(sight.spec()).and_then(|(cells, spec)| {
        let first = place.rack_idx * cells.cells_per_rack;
        let module = cells_of_module(&spec.design, place.module_idx);
        column(cells).get(first + module.start..first + module.end)
    });
    shown.unwrap_or(&[])
}

/// The value of the cell whose number is that of the repetition.
pub(crate) fn of_cell(sight: Sight<'_>, place: Place, column: Column) -> f64 {
    of_module(sight, place, column).get(place.index[0]).map_or(f64::NAN, |value| f64::from(*value))
}

/// Position and value of the cell that `beats` all others.
fn extreme(values: &[f32], beats: fn(f32, f32) -> bool) -> Option<(usize, f32)> {
    let values = values.iter().copied().enumerate().filter(|(_, value)| !value.is_nan());
    values.reduce(|best, next| if beats(next.1, best.1) { next } else { best })
}

fn highest(values: &[f32]) -> Option<(usize, f32)> {
    extreme(values, |next, best| next > best)
}
fn lowest(values: &[f32]) -> Option<(usize, f32)> {
    extreme(values, |next, best| next < best)
}

/// The value of an extreme; not available without cells.
fn value(extreme: Option<(usize, f32)>) -> f64 {
    extreme.map_or(f64::NAN, |(_, value)| f64::from(value))
}
/// Its cell as a number from 1.
fn number(extreme: Option<(usize, f32)>) -> f64 {
    extreme.map_or(f64::NAN, |(cell_idx, _)| cell_idx as f64 + 1.0)
}

pub(crate) fn max(sight: Sight<'_>, place: Place, column: Column) -> f64 {
    value(highest(of_module(sight, place, column)))
}
pub(crate) fn max_cell(sight: Sight<'_>, place: Place, column: Column) -> f64 {
    number(highest(of_module(sight, place, column)))
}
pub(crate) fn min(sight: Sight<'_>, place: Place, column: Column) -> f64 {
    value(lowest(of_module(sight, place, column)))
}
pub(crate) fn min_cell(sight: Sight<'_>, place: Place, column: Column) -> f64 {
    number(lowest(of_module(sight, place, column)))
}
pub(crate) fn mean(sight: Sight<'_>, place: Place, column: Column) -> f64 {
    let values = of_module(sight, place, column);
    sum_of(values) / values.len() as f64
}
/// The sum; not available without cells.
pub(crate) fn sum(sight: Sight<'_>, place: Place, column: Column) -> f64 {
    let values = of_module(sight, place, column);
    if values.is_empty() { f64::NAN } else { sum_of(values) }
}

fn sum_of(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum()
}
