//! The picture that everything outside the loop sees: immutable, complete, of one instant.
//!
//! A snapshot is built once a publication and shared as an `Arc`. A reader takes one and answers a
//! whole request from it, so no reader ever sees two ticks mixed. Flat vectors by id.

use crate::alarm::{ALARMS, AlarmCode, AlarmKey, AlarmSet, AlarmState};
use crate::audit::AuditRecord;
use crate::control::{UnitControl, UnitFunctions, WatchdogView};
use crate::event::Event;
use crate::force::ForcedPoints;
use crate::id::{CellAddress, UnitId};
use crate::link::ActiveLinks;
use crate::log::Log;
use crate::spec::{FarmSpec, PlantSettings};
use crate::stage::StageView;
pub use crate::state::UnitState;
use crate::time::{SimTime, TICK_NS, Tick};
use crate::units::{Amps, Celsius, Hertz, Joules, Seconds, Vars, VoltAmps, Volts, Watts};
use std::sync::Arc;

/// How the loop is paced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockMode {
    /// Ticks come at the speed in force.
    #[default]
    Running,
    /// No ticks, or only those of a step.
    Paused,
    /// Ticks come as fast as the machine allows (headless).
    Free,
}

impl ClockMode {
    /// Its name in REST.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Free => "free",
        }
    }
}

/// The clock as seen from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockView {
    /// Pace.
    pub mode: ClockMode,
    /// Simulated seconds per second of wall time while running.
    pub speed: f64,
    /// Ticks of a step that are still to run.
    pub steps_left: u64,
    /// Ticks for which the loop has stood still because a scenario wanted it; where ticks are stepped nobody
    /// waits for them, and they are counted alone.
    pub stalled_ticks: u64,
}

/// Everything about the farm at the end of one tick.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The tick whose end this is.
    pub tick: Tick,
    /// Counts publications; grows also while the clock is paused.
    pub publication: u64,
    /// Simulated instant of the end of the tick.
    pub time: SimTime,
    /// Wall time of the publication in Unix nanoseconds; 0 in headless runs.
    pub wall_unix_ns: i64,
    /// The clock.
    pub clock: ClockView,
    /// The farm's description, the same in every snapshot of a run.
    pub spec: Arc<FarmSpec>,
    /// The whole farm.
    pub farm: FarmView,
    /// By `UnitId::idx`.
    pub units: Vec<UnitView>,
    /// By `RackId::idx`; `UnitSpec::racks` says which belong to a unit.
    pub racks: Vec<RackView>,
    /// Cells of the units that somebody asked for lately.
    pub cells: Vec<Arc<CellsView>>,
    /// Every alarm, pending ones as well, in the order of the units.
    pub alarms: Vec<AlarmState>,
    /// Settings of the units' functions, by `UnitId::idx`.
    pub functions: Vec<Arc<UnitFunctions>>,
    /// Settings of the plant controller.
    pub plant: Arc<PlantSettings>,
    /// The newest events.
    pub events: Arc<Log<Event>>,
    /// The newest writes.
    pub audit: Arc<Log<Arc<AuditRecord>>>,
    /// Conditions of the links to clients.
    pub link: ActiveLinks,
    /// Points of the register maps that are forced.
    pub forced: ForcedPoints,
    /// Faults and scenarios that are directed.
    pub stage: Arc<StageView>,
    /// What happened since the process began to run the farm.
    pub counts: Counts,
}

impl Snapshot {
    /// The picture of a farm of which nothing was seen yet: no unit, no rack, no record, as a start for whoever fills
    /// it.
    pub fn empty(spec: Arc<FarmSpec>) -> Self {
        Self {
            tick: Tick(0),
            publication: 0,
            time: SimTime::default(),
            wall_unix_ns: 0,
            clock: ClockView::default(),
            farm: FarmView::default(),
            units: Vec::with_capacity(spec.units.len()),
            racks: Vec::with_capacity(spec.n_racks()),
            cells: Vec::new(),
            alarms: Vec::new(),
            functions: Vec::with_capacity(spec.units.len()),
            plant: Arc::default(),
            events: Arc::new(Log::new(1)),
            audit: Arc::new(Log::new(1)),
            link: Arc::default(),
            forced: Arc::default(),
            stage: Arc::default(),
            counts: Counts::default(),
            spec,
        }
    }
}

/// Where something may be made wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPlane {
    /// The equipment of a unit.
    Device,
    /// What its sensors and detectors show.
    Sensor,
    /// The links to clients.
    Transport,
    /// The grid behind the POI.
    Grid,
    /// Points of the register maps.
    Point,
    /// Settings and setpoints: what a controller does or is told.
    Controller,
    /// The loop, its listeners and what feeds the containers.
    Infrastructure,
}

impl FaultPlane {
    /// Every plane by its name in metrics; the position is its number.
    pub const NAMES: [&'static str; 7] =
        ["device", "sensor", "transport", "grid", "point", "controller", "infrastructure"];
}

/// What happened since this process began to run the farm: no part of the farm's state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counts {
    /// By `AlarmCode as usize`: alarms that became active.
    pub alarms_raised: [u64; ALARMS.len()],
    /// By `AlarmCode as usize`: trips of units with this cause.
    pub trips: [u64; ALARMS.len()],
    /// By `FaultPlane as usize`: what was made wrong.
    pub faults_injected: [u64; FaultPlane::NAMES.len()],
    /// By `FaultPlane as usize`: what is wrong now because somebody made it so.
    pub faults_active: [u32; FaultPlane::NAMES.len()],
    /// What the farm had counted before this process, where it goes on from a checkpoint.
    pub before: Before,
}

/// What a farm that was restored had counted when this process took it over; all zero otherwise. A counter
/// in metrics is what came since: one that went on from a checkpoint would go back by what came after the
/// checkpoint, and whoever reads it would take that for a restart from zero and count everything twice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Before {
    /// Energies of the farm.
    pub totals: EnergyTotals,
    /// Events.
    pub events: u64,
    /// Commands that were applied.
    pub commands_applied: u64,
    /// Commands that were refused.
    pub commands_refused: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            alarms_raised: [0; ALARMS.len()],
            trips: [0; ALARMS.len()],
            faults_injected: [0; FaultPlane::NAMES.len()],
            faults_active: [0; FaultPlane::NAMES.len()],
            before: Before::default(),
        }
    }
}

impl Counts {
    /// Counts an alarm that became active.
    pub fn count_alarm(&mut self, code: AlarmCode) {
        self.alarms_raised[code as usize] += 1;
    }
    /// Counts a trip of a unit.
    pub fn count_trip(&mut self, cause: AlarmCode) {
        self.trips[cause as usize] += 1;
    }
    /// Counts something that was made wrong.
    pub fn count_fault(&mut self, plane: FaultPlane) {
        self.faults_injected[plane as usize] += 1;
    }
}

impl Snapshot {
    /// The simulated instant at which the run began.
    pub fn start(&self) -> SimTime {
        let elapsed_ns = (self.tick.0 as i64).saturating_mul(TICK_NS);
        SimTime { unix_ns: self.time.unix_ns.saturating_sub(elapsed_ns) }
    }
    /// The racks of a unit, in order.
    pub fn racks_of(&self, unit: UnitId) -> &[RackView] {
        &self.racks[self.spec.units[unit.idx()].racks.clone()]
    }
}

/// Extremes over cells, with the place of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CellExtremes {
    /// Lowest cell voltage.
    pub voltage_min: Volts,
    /// Where it is.
    pub voltage_min_at: CellAddress,
    /// Highest cell voltage.
    pub voltage_max: Volts,
    /// Where it is.
    pub voltage_max_at: CellAddress,
    /// Lowest cell temperature.
    pub temperature_min: Celsius,
    /// Where it is.
    pub temperature_min_at: CellAddress,
    /// Highest cell temperature.
    pub temperature_max: Celsius,
    /// Where it is.
    pub temperature_max_at: CellAddress,
}

impl CellExtremes {
    /// The extremes of both sets; on a tie those of `self`.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let mut merged = *self;
        if other.voltage_min < self.voltage_min {
            merged.voltage_min = other.voltage_min;
            merged.voltage_min_at = other.voltage_min_at;
        }
        if other.voltage_max > self.voltage_max {
            merged.voltage_max = other.voltage_max;
            merged.voltage_max_at = other.voltage_max_at;
        }
        if other.temperature_min < self.temperature_min {
            merged.temperature_min = other.temperature_min;
            merged.temperature_min_at = other.temperature_min_at;
        }
        if other.temperature_max > self.temperature_max {
            merged.temperature_max = other.temperature_max;
            merged.temperature_max_at = other.temperature_max_at;
        }
        merged
    }
}

/// Sees every publication in order; what it does must be quick, and is not part of the state.
pub trait Observer: Send + std::fmt::Debug {
    /// A snapshot was built.
    fn published(&mut self, snapshot: &Snapshot);
}

/// The farm at its POI.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FarmView {
    /// Number of units in each state, by position in [`UnitState::ALL`].
    pub units_by_state: [u32; UnitState::ALL.len()],
    /// Active power at the POI as its meter shows it: units less auxiliaries and the transformer's loss.
    pub active_power: Watts,
    /// Reactive power at the POI as its meter shows it.
    pub reactive_power: Vars,
    /// What of active power really flows at the POI.
    pub true_active_power: Watts,
    /// What of reactive power really flows at the POI.
    pub true_reactive_power: Vars,
    /// Sum of the units' AC power before auxiliaries.
    pub units_power: Watts,
    /// Consumption of the auxiliaries, >= 0.
    pub auxiliary_power: Watts,
    /// Loss of the transformer at the POI, >= 0.
    pub transformer_loss: Watts,
    /// Farm setpoint in force, if any.
    pub setpoint: Option<Watts>,
    /// Reactive farm setpoint in force, if any.
    pub reactive_setpoint: Option<Vars>,
    /// What the farm could discharge now at the POI, >= 0.
    pub available_discharge_power: Watts,
    /// What the farm could charge now at the POI, as a magnitude >= 0.
    pub available_charge_power: Watts,
    /// Energy-weighted state of charge, as the BMSes estimate it.
    pub soc: f64,
    /// Energy-weighted state of health, as the BMSes estimate it.
    pub soh: f64,
    /// True energy-weighted state of charge.
    pub true_soc: f64,
    /// Energy that is left, at nominal voltage.
    pub energy: Joules,
    /// Energy when full, at nominal voltage and present health.
    pub energy_capacity: Joules,
    /// Grid frequency at the POI.
    pub frequency: Hertz,
    /// Ambient temperature.
    pub ambient: Celsius,
    /// Extremes over all cells.
    pub extremes: CellExtremes,
    /// Totals since the start.
    pub totals: EnergyTotals,
    /// Net energy taken from the cells' chemistry since the start.
    pub chemical_energy_drawn: Joules,
    /// Voltage at the POI in per unit of nominal; 0 while the grid is gone.
    pub voltage_pu: f64,
    /// What frequency response at the POI asks for now.
    pub frequency_response: Watts,
    /// The setpoint after the plant's ramp, without frequency response; 0 while there is none.
    pub ramped_setpoint: Watts,
    /// Trips of units since the start.
    pub trips: u64,
    /// Commands applied since the start.
    pub commands_applied: u64,
    /// Commands refused since the start.
    pub commands_refused: u64,
}

/// Energy since the start of the run; every field is >= 0 and never falls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EnergyTotals {
    /// Out, at the terminal of the view (POI of a farm, AC terminals of a unit).
    pub discharged: Joules,
    /// In, at the same terminal.
    pub charged: Joules,
    /// Turned into heat in cells and their wiring, with what their polarisation holds. It stands still after a
    /// current turned round, until what polarisation gives back is lost again.
    pub cell_loss: Joules,
    /// Turned into heat in the PCS.
    pub pcs_loss: Joules,
    /// Drawn by the auxiliaries.
    pub auxiliary: Joules,
    /// Turned into heat in the transformer at the POI; 0 in a unit.
    pub transformer: Joules,
}

/// One unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnitView {
    /// State.
    pub state: UnitState,
    /// Control settings.
    pub control: UnitControl,
    /// Active alarms.
    pub alarms: AlarmSet,
    /// AC terminals.
    pub ac: AcView,
    /// DC terminals of the PCS.
    pub dc: DcView,
    /// Active setpoint in force after enabling, modes and caps.
    pub setpoint: Watts,
    /// Reactive setpoint in force.
    pub reactive_setpoint: Vars,
    /// What the unit could discharge now at its AC terminals, >= 0.
    pub available_discharge_power: Watts,
    /// What the unit could charge now at its AC terminals, as a magnitude >= 0.
    pub available_charge_power: Watts,
    /// Largest DC discharge current that the BMS allows now, >= 0.
    pub discharge_current_max: Amps,
    /// Largest DC charge current that the BMS allows now, as a magnitude >= 0.
    pub charge_current_max: Amps,
    /// What the BMS believes.
    pub measured: BatteryView,
    /// What is true.
    pub truth: BatteryView,
    /// Coolant temperature.
    pub coolant_temperature: Celsius,
    /// Air temperature in the container.
    pub air_temperature: Celsius,
    /// Gas that its cells have given off, in litres at ambient conditions.
    pub gas_litres: f64,
    /// Gas in the container's air now over its lower flammable limit, >= 0.
    pub gas_lfl: f64,
    /// The same as the detector shows it: 0 of one that does not work, NaN where its value is missing.
    pub gas_lfl_measured: f64,
    /// Heat that the chiller takes out, >= 0.
    pub cooling_power: Watts,
    /// Consumption of the auxiliaries, >= 0.
    pub auxiliary_power: Watts,
    /// Racks with closed contactors.
    pub racks_connected: u32,
    /// Totals since the start, at the AC terminals.
    pub totals: EnergyTotals,
    /// Net energy taken from the cells' chemistry since the start (open-circuit voltage times
    /// charge); negative when they hold more than at the start.
    pub chemical_energy_drawn: Joules,
    /// Charge moved in both directions over twice the capacity: equivalent full cycles.
    pub equivalent_full_cycles: f64,
    /// Counts simulated seconds; 715.DERHb.
    pub heartbeat: u32,
    /// Since when the unit is in its state.
    pub state_since: Tick,
    /// Whether it is under local control: remote writes are refused.
    pub is_local: bool,
    /// Watch over the controller.
    pub watchdog: WatchdogView,
    /// Time in s until each control reverts, in the order of [`crate::event::Reverted::ALL`]; 0 for
    /// none.
    pub reversion_remaining_s: [f64; 5],
    /// Time in s for which its present writer still holds it; 0 for nobody.
    pub lease_remaining_s: f64,
    /// Time in s until it may enter service; 0 when it may.
    pub enter_service_remaining_s: f64,
    /// Share of the rating to which the ramp after entering service limits its power, 0 to 1.
    pub enter_service_share: f64,
    /// Insulation resistance against earth in kohm, as measured.
    pub insulation_kohm: f64,
    /// Temperature of the converter.
    pub pcs_temperature: Celsius,
    /// Whether there is smoke.
    pub smoke: bool,
    /// Trips since the start.
    pub trips: u32,
    /// Resets that were refused since the start.
    pub resets_refused: u32,
    /// The alarm that keeps the unit from being reset, if one does.
    pub reset_blocked_by: Option<AlarmKey>,
    /// Whether it forms an island now.
    pub forms_island: bool,
}

/// AC terminals of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AcView {
    /// Active power.
    pub active_power: Watts,
    /// Reactive power.
    pub reactive_power: Vars,
    /// Apparent power.
    pub apparent_power: VoltAmps,
    /// Line-to-line voltage, mean of the phases.
    pub voltage: Volts,
    /// Current of a phase, >= 0.
    pub current: Amps,
    /// Frequency.
    pub frequency: Hertz,
}

impl AcView {
    /// Power factor with the sign of the active power; 1 at no load.
    pub fn power_factor(&self) -> f64 {
        if self.apparent_power.0 > 0.0 { self.active_power.0 / self.apparent_power.0 } else { 1.0 }
    }
}

/// DC terminals of a PCS.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DcView {
    /// Bus voltage.
    pub voltage: Volts,
    /// Sum of the rack currents.
    pub current: Amps,
    /// Power into the PCS.
    pub power: Watts,
}

/// The battery of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BatteryView {
    /// State of charge, mean of the racks.
    pub soc: f64,
    /// State of health: present over nominal capacity.
    pub soh: f64,
    /// Energy that is left, at nominal voltage.
    pub energy: Joules,
    /// Energy when full, at nominal voltage and present health.
    pub energy_capacity: Joules,
    /// Mean cell voltage.
    pub cell_voltage_mean: Volts,
    /// Mean cell temperature.
    pub cell_temperature_mean: Celsius,
    /// Extremes over the cells of connected racks, or of all when none is connected.
    pub extremes: CellExtremes,
}

/// What is true of a rack, beside what its BMS reports.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RackTruth {
    /// Current.
    pub current: Amps,
    /// Sum of the cell voltages.
    pub voltage: Volts,
    /// State of charge, mean of its cells.
    pub soc: f64,
    /// Present over nominal capacity, mean of its cells.
    pub soh: f64,
    /// Mean cell voltage.
    pub cell_voltage_mean: Volts,
    /// Mean cell temperature.
    pub cell_temperature_mean: Celsius,
    /// Extremes over its cells.
    pub extremes: CellExtremes,
    /// Fraction of the capacity that ageing has taken, mean of its cells.
    pub capacity_lost: f64,
    /// Fraction by which ageing has raised the resistance, mean of its cells.
    pub resistance_gained: f64,
    /// Cells that have vented.
    pub cells_vented: u32,
    /// Cells that have burnt out; the string is open.
    pub cells_burnt: u32,
}

/// One rack, as its BMS reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RackView {
    /// Whether the contactors are closed.
    pub connected: bool,
    /// Whether the rack may be connected; an operator may have taken it out.
    pub enabled: bool,
    /// Whether each contactor is closed: negative, precharge, positive.
    pub contactors: [bool; 3],
    /// Whether its fuse is whole.
    pub fuse_whole: bool,
    /// Alarms about it that stand.
    pub alarms: AlarmSet,
    /// Current.
    pub current: Amps,
    /// Voltage, as the rack's own sensor shows it.
    pub voltage: Volts,
    /// Estimated state of charge.
    pub soc: f64,
    /// Estimated state of health.
    pub soh: f64,
    /// Mean of the measured cell voltages.
    pub cell_voltage_mean: Volts,
    /// Mean cell temperature.
    pub cell_temperature_mean: Celsius,
    /// Extremes over its cells.
    pub extremes: CellExtremes,
    /// Largest discharge current allowed now, >= 0.
    pub discharge_current_max: Amps,
    /// Largest charge current allowed now, as a magnitude >= 0.
    pub charge_current_max: Amps,
    /// Power lost in its cells and wiring now, true.
    pub loss: Watts,
    /// How sure the BMS is of its state of charge: standard deviation.
    pub soc_sigma: f64,
    /// Times that the BMS corrected its state of charge outright, at the knees.
    pub recalibrations: u32,
    /// Cells that are being balanced.
    pub cells_balancing: u32,
    /// What is true.
    pub truth: RackTruth,
}

/// Every cell of a unit, as columns; cell `i` of rack `r` is at `r * cells_per_rack + i`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellsView {
    /// Dense index of the unit.
    pub unit_idx: usize,
    /// Cells of a rack.
    pub cells_per_rack: usize,
    /// Terminal voltages in volts, as the BMS measures them.
    pub voltage_v: Vec<f32>,
    /// Temperatures in degC, as the BMS measures them.
    pub temperature_degc: Vec<f32>,
    /// True states of charge; no BMS knows those of single cells.
    pub soc: Vec<f32>,
    /// True terminal voltages in volts.
    pub true_voltage_v: Vec<f32>,
    /// True temperatures in degC.
    pub true_temperature_degc: Vec<f32>,
}

/// How long a request for cells keeps them in the snapshots.
pub const CELLS_LEASE: Seconds = Seconds(5.0);
