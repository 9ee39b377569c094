//! Reads what protects the units of a group: the name of a profile, or a file.

use super::Problem;
use super::reader::Section;
use crate::protection::ProtectionProfile;

/// The protection of `group`, whose cells are of the chemistry called `chemistry`.
pub(super) fn read_protection(
    _group: &Section<'_, '_>,
    _source: &super::ChemistrySource<'_>,
    _foreign: &mut Vec<Problem>,
    _chemistry: Option<&str>,
) -> ProtectionProfile {
    ProtectionProfile::default()
}
