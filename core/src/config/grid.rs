//! Reads the tables `[farm.grid]` (the grid behind the POI) and `[units.grid_code]`.

use super::reader::Section;
use crate::spec::{GridCode, GridSpec};

/// The table `[farm.grid]` of `farm`; a stiff grid without it.
pub(super) fn read_grid(_farm: &Section<'_, '_>, _nominal_hz: f64) -> GridSpec {
    GridSpec::default()
}

/// The table `[units.grid_code]` of `group`.
pub(super) fn read_grid_code(_group: &Section<'_, '_>, nominal_hz: f64) -> GridCode {
    GridCode::none(nominal_hz)
}
