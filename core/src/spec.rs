//! The checked description of a farm: what the engine may rely on without checking again.

mod bms;
mod cooling;
mod grid;
mod plant;
mod sequence;
mod shard;
mod site;

pub use bms::{BalancingSpec, BmsSpec, SensorSpec};
pub use cooling::{
    AirSpec, COOLANT_J_PER_M3_K, CoolingKind, CoolingSpec, HEATER_BAND_K, HeaterSpec, LiquidSpec,
    RATING_AMBIENT_DEGC, WallSpec,
};
pub use grid::{
    AMBIENT_DEGC, DISTURBANCE_MAX_S, DISTURBANCE_MIN_S, Disturbance, DisturbanceKind, EnterService,
    FREQUENCY_HZ, GridCode, GridKind, GridQuantity, GridSpec, GridTrip, Hold, InertiaSpec,
    IslandLoad, LastingKind, PlannedDisturbance, PoiMeter, TransformerLimit, VOLTAGE_PU,
};
pub use plant::{Arbitration, PCT_PER_MIN, PlantChange, PlantSettings, PlantSpec, Strategy};
pub use sequence::{PcsThermalSpec, SequenceSpec};
pub use shard::{NoShard, Shard};
pub use site::{AmbientSpec, DailySpec, TransformerSpec};

use crate::chemistry::Chemistry;
use crate::control::{UnitFunctions, WatchdogSettings};
use crate::defect::PlannedDefect;
use crate::id::{RackId, UnitId, UnitNumbers};
use crate::protection::ProtectionProfile;
use crate::rng::Streams;
use crate::state::UnitState;
use crate::units::{Celsius, Hertz, Joules, Ohms, Seconds, Vars, VoltAmps, Volts, Watts};
use std::ops::Range;
use std::sync::Arc;

/// A farm: everything behind one point of interconnection (POI). Built by
/// [`crate::config::parse_farm`]; has at least one unit.
#[derive(Clone, Debug)]
pub struct FarmSpec {
    /// Name for people.
    pub name: String,
    /// Seed of the cell-to-cell spread and of every other draw.
    pub seed: u64,
    /// Nominal grid frequency.
    pub nominal_frequency: Hertz,
    /// Ambient temperature and sun; a record of the temperature wins over the former.
    pub ambient: AmbientSpec,
    /// Transformer at the POI, if there is one.
    pub transformer: Option<TransformerSpec>,
    /// State in which the farm starts.
    pub initial: InitialSpec,
    /// Plant controller.
    pub plant: PlantSpec,
    /// How many times faster than time cells age; 0 for not at all.
    pub ageing_acceleration: f64,
    /// The grid behind the POI.
    pub grid: GridSpec,
    /// Who may write when two want to.
    pub arbitration: Arbitration,
    /// What is or will be defect.
    pub defects: Vec<PlannedDefect>,
    /// Units in order of their number.
    pub units: Vec<UnitSpec>,
    /// Which part of a farm this is; `None` for a whole one.
    pub shard: Option<Shard>,
}

impl FarmSpec {
    /// Number of racks in the farm.
    pub fn n_racks(&self) -> usize {
        self.units.last().map_or(0, |unit| unit.racks.end)
    }
    /// Number of cells in the farm.
    pub fn n_cells(&self) -> usize {
        self.units.iter().map(|unit| unit.design.n_cells()).sum()
    }
    /// Sum of the units' rated active power.
    pub fn rated_power(&self) -> Watts {
        self.units.iter().fold(Watts::ZERO, |sum, unit| sum + unit.design.pcs.rated_power)
    }
    /// Sum of the units' rated apparent power.
    pub fn rated_apparent_power(&self) -> VoltAmps {
        self.units.iter().fold(VoltAmps::ZERO, |sum, u| sum + u.design.pcs.rated_apparent_power)
    }
    /// Sum of the units' largest reactive power.
    pub fn rated_reactive_power(&self) -> Vars {
        self.units.iter().fold(Vars::ZERO, |sum, unit| sum + unit.design.pcs.rated_reactive_power)
    }
    /// Sum of the units' nominal energy.
    pub fn nominal_energy(&self) -> Joules {
        self.units.iter().fold(Joules::ZERO, |sum, unit| sum + unit.design.nominal_energy())
    }
    /// The unit that people call `name`: its number in the farm or its name.
    pub fn find_unit(&self, name: &str) -> Option<UnitId> {
        if let Ok(number) = name.parse::<u32>() {
            return self.unit_by_number(number);
        }
        self.units.iter().find(|unit| unit.name == name).map(|unit| unit.id)
    }
    /// The unit with this number in the farm, if it is one of these.
    pub fn unit_by_number(&self, number: u32) -> Option<UnitId> {
        let idx = (number as usize).checked_sub(self.first_unit() + 1)?;
        self.units.get(idx).map(|unit| unit.id)
    }
    /// Number in the farm of the unit with the dense index `idx`, whether it is there or not.
    pub fn number_at(&self, idx: usize) -> u32 {
        u32::try_from(self.first_unit() + idx + 1).unwrap_or(u32::MAX)
    }
    /// Numbers of these units.
    pub fn unit_numbers(&self) -> UnitNumbers {
        UnitNumbers {
            first: self.number_at(0),
            last: self.number_at(self.units.len().saturating_sub(1)),
            is_part: self.is_part(),
        }
    }
    /// Units of the farm before the first of these.
    pub fn first_unit(&self) -> usize {
        self.shard.as_ref().map_or(0, |shard| shard.first_unit)
    }
    /// The streams of chance of these units: the same as in the whole farm.
    pub fn streams(&self) -> Streams {
        let first_rack = self.shard.as_ref().map_or(0, |shard| shard.first_rack);
        Streams::new(self.seed).of_part(self.first_unit(), first_rack)
    }
}

/// State of every unit before the first tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InitialSpec {
    /// State of each unit.
    pub state: UnitState,
    /// Mean state of charge of the cells.
    pub soc: f64,
    /// Temperature of cells and coolant.
    pub temperature: Celsius,
}

/// One unit: a container with BMS, PCS and racks.
#[derive(Clone, Debug)]
pub struct UnitSpec {
    /// Identity.
    pub id: UnitId,
    /// Name for people, unique in the farm.
    pub name: String,
    /// Its racks among those of all these units.
    pub racks: Range<usize>,
    /// How it is built; shared by equal units.
    pub design: Arc<UnitDesign>,
}

impl UnitSpec {
    /// Identity of the rack `rack_idx` of this unit among those of all these units.
    pub fn rack_id(&self, rack_idx: usize) -> RackId {
        RackId::from_idx(self.racks.start + rack_idx)
    }
}

/// How a unit is built.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitDesign {
    /// Manufacturer, as devices report it.
    pub manufacturer: String,
    /// Model, as devices report it.
    pub model: String,
    /// Parallel racks, at least 1.
    pub n_racks: usize,
    /// Cells of a rack, all in series, at least 1.
    pub cells_in_series: usize,
    /// Cells of a module, for reporting where a cell is; divides the rack into modules.
    pub cells_per_module: usize,
    /// Resistance of a rack's busbars, cables and contactors, > 0.
    pub rack_wiring: Ohms,
    /// What keeps a rack within its current limits.
    pub rack_limiting: RackLimiting,
    /// What the cells are.
    pub chemistry: Arc<Chemistry>,
    /// Cell-to-cell spread.
    pub spread: SpreadSpec,
    /// Power conversion system.
    pub pcs: PcsSpec,
    /// Cooling and auxiliary consumption.
    pub cooling: CoolingSpec,
    /// Battery management: sensors and balancing of each rack.
    pub bms: BmsSpec,
    /// How it comes up and goes down.
    pub sequence: SequenceSpec,
    /// The converter's own temperature.
    pub pcs_thermal: PcsThermalSpec,
    /// What protects it.
    pub protection: Arc<ProtectionProfile>,
    /// How it stays on the grid or leaves it.
    pub grid_code: Arc<GridCode>,
    /// What it does by itself.
    pub functions: Arc<UnitFunctions>,
    /// How it watches its controller.
    pub watchdog: WatchdogSettings,
}

impl UnitDesign {
    /// Number of cells of a unit.
    pub fn n_cells(&self) -> usize {
        self.n_racks * self.cells_in_series
    }
    /// Energy at nominal capacity and voltage.
    pub fn nominal_energy(&self) -> Joules {
        Joules(self.n_cells() as f64 * self.chemistry.nominal_energy_j())
    }
    /// Charge capacity of all racks in parallel, in coulombs.
    pub fn nominal_charge_c(&self) -> f64 {
        self.n_racks as f64 * self.chemistry.capacity.0
    }
    /// Number of modules of a rack.
    pub fn modules_per_rack(&self) -> usize {
        self.cells_in_series.div_ceil(self.cells_per_module)
    }
    /// Highest and lowest voltage of a rack that the cells' limits allow: (min, max).
    pub fn dc_voltage_window(&self) -> (Volts, Volts) {
        let n = self.cells_in_series as f64;
        let limits = self.limits();
        (limits.voltage_min * n, limits.voltage_max * n)
    }
    /// The BMS limits of the cells.
    ///
    /// # Panics
    /// Never for a design that `parse_farm` made: it refuses a chemistry without limits.
    pub fn limits(&self) -> &crate::chemistry::Limits {
        self.chemistry.limits.as_ref().expect("parse_farm refuses a chemistry without limits")
    }
}

/// What keeps a rack within its current limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RackLimiting {
    /// A rack that reaches its limit is held there and the others carry the rest, as with a converter
    /// of its own in each rack.
    #[default]
    Held,
    /// Racks share a current by their resistances alone; the unit gives no more than what the first
    /// rack at its limit allows.
    Passive,
}

/// Relative standard deviations of a normal spread, cut at three sigma.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpreadSpec {
    /// Of capacity.
    pub capacity_sigma: f64,
    /// Of every resistance (one factor per cell).
    pub resistance_sigma: f64,
    /// Of the starting SoC, as an absolute fraction.
    pub soc_sigma: f64,
}

/// Power conversion system of a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PcsSpec {
    /// Largest active power in both directions.
    pub rated_power: Watts,
    /// Radius of the P-Q capability circle.
    pub rated_apparent_power: VoltAmps,
    /// Largest reactive power in both directions.
    pub rated_reactive_power: Vars,
    /// Line-to-line voltage of the AC terminals.
    pub nominal_voltage: Volts,
    /// Lowest DC voltage with which the converter gives power.
    pub dc_voltage_min: Volts,
    /// Highest DC voltage with which the converter gives power, above the lowest.
    pub dc_voltage_max: Volts,
    /// From a setpoint to the first reaction.
    pub dead_time: Seconds,
    /// Of the first-order lag; 0 for none.
    pub time_constant: Seconds,
    /// Largest change of active or reactive power per second, as a fraction of the rating.
    pub ramp_per_s: f64,
    /// Losses over throughput.
    pub loss: PcsLoss,
}

/// Loss of a PCS as a fraction of its rated apparent power, over its loading p = S / S_rated:
/// `standby + saturating (1 - exp(-p / knee)) + linear p + quadratic p^2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PcsLoss {
    /// While the converter runs at zero power, and while it stands by.
    pub standby: f64,
    /// Part that builds up at small power.
    pub saturating: f64,
    /// Loading over which that part builds up, > 0.
    pub knee: f64,
    /// Proportional part.
    pub linear: f64,
    /// Quadratic part.
    pub quadratic: f64,
}

impl PcsLoss {
    /// Loss at the loading `p` (>= 0), both as fractions of the rated apparent power.
    pub fn at(&self, p: f64) -> f64 {
        self.standby
            + self.saturating * (1.0 - crate::math::exp(-p / self.knee))
            + self.linear * p
            + self.quadratic * p * p
    }
}
