//! Reads the tables `[units.sequence]` and `[units.pcs.thermal]`.

use super::reader::Section;
use crate::spec::{PcsThermalSpec, SequenceSpec};

/// The table `[units.sequence]` of `group`.
pub(super) fn read_sequence(_group: &Section<'_, '_>) -> SequenceSpec {
    SequenceSpec::default()
}

/// The table `[units.pcs_thermal]` of `group`.
pub(super) fn read_pcs_thermal(_group: &Section<'_, '_>) -> PcsThermalSpec {
    PcsThermalSpec::default()
}
