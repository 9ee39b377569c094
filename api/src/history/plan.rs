//! What is kept, and whether it fits: tiers, signals of units, and the memory that they need.
//!
//! The farm's tiers are fixed. Those of units are as configured; where nobody said which signals of units
//! to keep, some are, and for as long as there is memory.

use super::tier::{Columns, TierSpec};
use bess_core::signal::{FARM, Quantity, Signal, UNIT, UnitGetter};
use bess_core::spec::FarmSpec;
use bess_core::time::TICK_NS;
use std::fmt;

const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;
const DAY_NS: i64 = 24 * HOUR_NS;

/// Tiers of the farm: every tick for 10 minutes, seconds for 6 hours, minutes for 30 days.
pub(super) const FARM_TIERS: [TierSpec; 3] = [
    TierSpec { step_ns: TICK_NS, n_buckets: 6_000 },
    TierSpec { step_ns: SECOND_NS, n_buckets: 21_600 },
    TierSpec { step_ns: MINUTE_NS, n_buckets: 43_200 },
];

/// Signals of units that are kept when nobody said which.
const UNIT_SIGNALS: [&str; 5] = [
    "ac.active_power",
    "battery.soc",
    "cell.voltage_min",
    "cell.voltage_max",
    "cell.temperature_max",
];

/// Memory of records that wait for the history's thread, and how many of them there are at least and at
/// most.
const QUEUE_BYTES: u64 = 8_000_000;
const QUEUE_RECORDS: (u64, u64) = (32, 65_536);

/// Least memory that a history may be given, other than none: some kilobytes would keep nothing.
pub const MEMORY_MIN_BYTES: u64 = 1_000_000;

impl TierSpec {
    /// Buckets of `step_ns` nanoseconds for `span_ns`, both of simulated time.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn new(step_ns: i64, span_ns: i64) -> Result<Self, String> {
        let step = Step(step_ns);
        let is_step = (TICK_NS..=HOUR_NS).contains(&step_ns) && step_ns % TICK_NS == 0;
        if !is_step || DAY_NS % step_ns != 0 {
            return Err(format!(
                "the step of a tier must be 100ms to 1h, a multiple of 100ms and a part of a day, got {step}"
            ));
        }
        if span_ns < step_ns || span_ns > 366 * DAY_NS {
            let span = Step(span_ns);
            return Err(format!("a tier of {step} must span {step} to 366d, got {span}"));
        }
        Ok(Self { step_ns, n_buckets: (span_ns / step_ns) as usize })
    }

    /// What units have when nobody said otherwise: seconds for an hour, minutes for a week.
    pub fn of_units() -> Vec<Self> {
        vec![
            Self { step_ns: SECOND_NS, n_buckets: 3_600 },
            Self { step_ns: MINUTE_NS, n_buckets: 7 * 1_440 },
        ]
    }

    pub(super) const fn span_ns(&self) -> i64 {
        self.step_ns * self.n_buckets as i64
    }
}

/// A duration as people write it: the largest unit that it is a whole number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step(pub(crate) i64);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 4] =
            [(DAY_NS, "d"), (HOUR_NS, "h"), (MINUTE_NS, "m"), (SECOND_NS, "s")];
        match UNITS.iter().find(|(unit, _)| self.0 >= *unit && self.0 % unit == 0) {
            Some((unit, name)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}ms", self.0 as f64 / 1e6),
        }
    }
}

/// What of units is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UnitSignals {
    /// What fits of a few signals.
    #[default]
    Fitting,
    /// These, or nothing starts.
    Named(Vec<String>),
}

/// What to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryConfig {
    /// Signals of units.
    pub unit_signals: UnitSignals,
    /// Tiers of units, in any order.
    pub unit_tiers: Vec<TierSpec>,
    /// Most memory in bytes, everything counted.
    pub memory_bytes: u64,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self {
            unit_signals: UnitSignals::default(),
            unit_tiers: TierSpec::of_units(),
            memory_bytes: 256_000_000,
        }
    }
}

/// Why a history cannot be kept as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryMisfit {
    /// Units have no such signal.
    NoSuchSignal(String),
    /// A signal is named twice.
    Twice(String),
    /// Two tiers have the same step.
    TwoTiers(String),
    /// It does not fit into the memory: the arithmetic in words.
    TooLarge(String),
}

impl fmt::Display for HistoryMisfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSignal(name) => {
                let near = UNIT.iter().map(|signal| signal.name).find(|known| {
                    known.ends_with(name.as_str()) || known.split('.').any(|part| part == name)
                });
                write!(f, "units have no signal {name:?}")?;
                near.map_or(Ok(()), |near| write!(f, " (did you mean {near}?)"))
            }
            Self::Twice(name) => write!(f, "the signal {name} is named twice"),
            Self::TwoTiers(step) => write!(f, "two tiers have the step {step}"),
            Self::TooLarge(arithmetic) => f.write_str(arithmetic),
        }
    }
}
impl std::error::Error for HistoryMisfit {}

/// What will be kept, and that it fits.
#[derive(Clone, Debug)]
pub struct HistoryPlan {
    pub(super) farm: Level,
    pub(super) units: Level,
    pub(super) unit_signals: Vec<&'static Signal<UnitGetter>>,
    pub(super) n_units: usize,
    pub(super) queue: usize,
    pub(super) memory_bytes: u64,
    /// How much shorter units are kept than they would be with more memory; 1 when they are not.
    shortened: f64,
}

/// Columns and tiers of the farm, or of its units.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    pub(super) columns: Columns,
    pub(super) tiers: Vec<TierSpec>,
}

impl Level {
    fn new(is_double: impl IntoIterator<Item = bool>, mut tiers: Vec<TierSpec>) -> Self {
        tiers.sort_by_key(|tier| tier.step_ns);
        Self { columns: Columns::new(is_double), tiers }
    }
    pub(super) fn bytes(&self) -> u64 {
        self.tiers.iter().map(|tier| tier.bytes(&self.columns)).sum()
    }
    fn open_bytes(&self) -> u64 {
        self.tiers.iter().map(|tier| tier.open_bytes(&self.columns)).sum()
    }
    /// As `21600 x 1s`.
    fn words(&self) -> String {
        let tier = |tier: &TierSpec| format!("{} x {}", tier.n_buckets, Step(tier.step_ns));
        self.tiers.iter().map(tier).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a quantity adds up without end, so that single precision would lose its changes.
fn is_double(quantity: Quantity) -> bool {
    quantity == Quantity::Joules
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

impl HistoryPlan {
    /// Checks what is to be kept of a farm.
    ///
    /// # Errors
    /// Signals that units do not have, and what does not fit into the memory.
    pub fn new(spec: &FarmSpec, config: &HistoryConfig) -> Result<Self, HistoryMisfit> {
        let names: Vec<&str> = match &config.unit_signals {
            UnitSignals::Fitting => UNIT_SIGNALS.to_vec(),
            UnitSignals::Named(names) => names.iter().map(String::as_str).collect(),
        };
        let mut signals: Vec<&'static Signal<UnitGetter>> = Vec::new();
        for name in names {
            let known = UNIT.iter().find(|signal| signal.name == name);
            let signal = known.ok_or_else(|| HistoryMisfit::NoSuchSignal(name.to_owned()))?;
            if signals.iter().any(|other| other.name == name) {
                return Err(HistoryMisfit::Twice(name.to_owned()));
            }
            signals.push(signal);
        }
        let mut plan = Self::of(spec, signals, config);
        let steps = || plan.units.tiers.iter().map(|tier| tier.step_ns);
        if let Some((step, _)) = steps().zip(steps().skip(1)).find(|(one, next)| one == next) {
            return Err(HistoryMisfit::TwoTiers(Step(step).to_string()));
        }
        if plan.bytes() > plan.memory_bytes {
            if config.unit_signals != UnitSignals::Fitting {
                return Err(HistoryMisfit::TooLarge(plan.arithmetic()));
            }
            plan = plan.shortened(spec, config)?;
        }
        Ok(plan)
    }

    fn of(
        spec: &FarmSpec,
        unit_signals: Vec<&'static Signal<UnitGetter>>,
        config: &HistoryConfig,
    ) -> Self {
        let n_units = spec.units.len();
        // Signal by signal, each with all its units.
        let of_units = unit_signals
            .iter()
            .flat_map(|signal| std::iter::repeat_n(is_double(signal.quantity), n_units));
        let tiers = if unit_signals.is_empty() { Vec::new() } else { config.unit_tiers.clone() };
        let units = Level::new(of_units, tiers);
        let farm = Level::new(FARM.iter().map(|s| is_double(s.quantity)), FARM_TIERS.to_vec());
        let mut plan = Self {
            farm,
            units,
            unit_signals,
            n_units,
            queue: 0,
            memory_bytes: config.memory_bytes,
            shortened: 1.0,
        };
        let fitting = (QUEUE_BYTES / plan.record_bytes()).clamp(QUEUE_RECORDS.0, QUEUE_RECORDS.1);
        plan.queue = fitting as usize;
        plan
    }

    /// Bytes of what one tick leaves for the history's thread.
    fn record_bytes(&self) -> u64 {
        let n_columns = self.farm.columns.len() + self.units.columns.len();
        (size_of::<super::Record>() + n_columns * size_of::<f64>()) as u64
    }

    fn queue_bytes(&self) -> u64 {
        self.record_bytes() * self.queue as u64
    }

    /// Bytes of memory when every tier is full.
    pub fn bytes(&self) -> u64 {
        self.farm.bytes() + self.units.bytes() + self.queue_bytes()
    }

    /// Bytes that are used whatever is kept.
    pub(super) fn queue_and_open_bytes(&self) -> u64 {
        self.queue_bytes() + self.farm.open_bytes() + self.units.open_bytes()
    }

    /// What is needed, and what for.
    fn arithmetic(&self) -> String {
        let (n_signals, n_units) = (self.unit_signals.len(), self.n_units);
        let n_values = n_signals * n_units;
        let units = self.units.bytes();
        let of_units = if n_values == 0 {
            String::new()
        } else {
            format!(
                "; units {} ({n_signals} signals x {n_units} units = {n_values} values: {})",
                megabytes(units),
                self.units.words()
            )
        };
        format!(
            "the history needs {}, and may have {}: farm {} ({} signals: {}){of_units}; what waits to be kept {} ({} ticks)",
            megabytes(self.bytes()),
            megabytes(self.memory_bytes),
            megabytes(self.farm.bytes()),
            FARM.len(),
            self.farm.words(),
            megabytes(self.queue_bytes()),
            self.queue,
        )
    }

    /// Tiers of units that are all shorter by the same factor, so that they fit; no units where not even
    /// a bucket of each tier does.
    fn shortened(mut self, spec: &FarmSpec, config: &HistoryConfig) -> Result<Self, HistoryMisfit> {
        let rows_bytes = self.units.bytes() - self.units.open_bytes();
        let others = self.bytes() - rows_bytes;
        let room = self.memory_bytes.saturating_sub(others);
        let factor = room as f64 / rows_bytes.max(1) as f64;
        for tier in &mut self.units.tiers {
            tier.n_buckets = (tier.n_buckets as f64 * factor) as usize;
        }
        self.shortened = factor;
        if self.units.tiers.iter().any(|tier| tier.n_buckets == 0) {
            self = Self::of(spec, Vec::new(), config);
            self.shortened = 0.0;
        }
        if self.bytes() > self.memory_bytes {
            return Err(HistoryMisfit::TooLarge(self.arithmetic()));
        }
        Ok(self)
    }

    /// What is said of units that are kept for a shorter time than by default, for lack of memory.
    pub fn warning(&self) -> Option<String> {
        let units = &self.units.tiers;
        if self.shortened >= 1.0 {
            return None;
        }
        if units.is_empty() {
            return Some("there is no memory for a history of units".to_owned());
        }
        let span = |tier: &TierSpec| {
            let minutes = tier.span_ns() as f64 / MINUTE_NS as f64;
            format!("{} for {minutes:.1} minutes", Step(tier.step_ns))
        };
        let spans = units.iter().map(span).collect::<Vec<_>>().join(", ");
        Some(format!("the history of units is shorter so that it fits: {spans}"))
    }
}
