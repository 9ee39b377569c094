//! What the protection of a unit looks at: measured values, as its BMS and PCS see them.

use bess_core::alarm::AlarmCode;
use bess_core::control::WatchdogState;
use bess_core::time::Tick;

/// A rack as its BMS sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RackSight {
    /// Lowest cell voltage in V, and the cell.
    pub(crate) voltage_min: (f64, u16),
    /// Highest cell voltage in V, and the cell.
    pub(crate) voltage_max: (f64, u16),
    /// Lowest cell temperature in degC, and the cell.
    pub(crate) temperature_min: (f64, u16),
    /// Highest cell temperature in degC, and the cell.
    pub(crate) temperature_max: (f64, u16),
    /// Measured current in A, positive is discharge.
    pub(crate) current_a: f64,
    /// Whether its contactors are closed: without that no current of it is looked at.
    pub(crate) connected: bool,
    /// Whether its string is open.
    pub(crate) string_open: bool,
    /// Whether its fuse has blown.
    pub(crate) fuse_blown: bool,
    /// Whether a contactor of it was found not to do what it was told.
    pub(crate) contactor_fault: bool,
    /// Whether its contactors have opened by themselves.
    pub(crate) dropped_out: bool,
}

/// A unit at the end of a tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitSight<'s> {
    /// The tick.
    pub(crate) now: Tick,
    /// Its racks.
    pub(crate) racks: &'s [RackSight],
    /// Measured state of charge.
    pub(crate) soc: f64,
    /// Largest discharge current of a rack by design, in A.
    pub(crate) discharge_max_a: f64,
    /// Largest charge current of a rack by design, in A, as a magnitude.
    pub(crate) charge_max_a: f64,
    /// Insulation against earth in kohm.
    pub(crate) insulation_kohm: f64,
    /// Whether the smoke detector says so.
    pub(crate) smoke: bool,
    /// Whether the gas detector says so.
    pub(crate) gas: bool,
    /// Gas in the container's air over its lower flammable limit, as the detector shows it.
    pub(crate) gas_lfl: f64,
    /// Since when BMS and PCS have not heard each other, in s; 0 while they do.
    pub(crate) bms_silent_s: f64,
    /// Temperature of the converter in degC.
    pub(crate) pcs_degc: f64,
    /// DC voltage in V while it is outside of the converter's window.
    pub(crate) dc_out_of_window: Option<f64>,
    /// Whether chiller, pump or fans have failed.
    pub(crate) cooling_failed: bool,
    /// Whether the racks could not deliver the power at any current.
    pub(crate) beyond_matched_load: bool,
    /// Whether the last precharge failed.
    pub(crate) precharge_failed: bool,
    /// Whether the converter cannot get in step with the grid.
    pub(crate) synchronisation_failed: bool,
    /// Whether the emergency stop is pressed.
    pub(crate) emergency_stop: bool,
    /// Whether the island's load is more than the unit can feed.
    pub(crate) island_overload: bool,
    /// Whether the unit's state left the finite numbers.
    pub(crate) quarantined: bool,
    /// The alarm that the converter has tripped with by a fault of its own.
    pub(crate) pcs_trip: Option<AlarmCode>,
    /// Whether the converter took too long to come up.
    pub(crate) start_failed: bool,
    /// Whether a door of the container is open.
    pub(crate) door_open: bool,
    /// Whether the fire suppression has released its agent.
    pub(crate) suppression: bool,
    /// The watch over the controller.
    pub(crate) watch: WatchdogState,
    /// Time since the last sign of life of the controller, in s.
    pub(crate) watch_age_s: f64,
}
