//! Reads the table `[units.functions]`: what a unit does by itself.

use super::reader::Section;
use crate::control::UnitFunctions;

/// The table `[units.functions]` of `group`.
pub(super) fn read_functions(_group: &Section<'_, '_>) -> UnitFunctions {
    UnitFunctions::default()
}
