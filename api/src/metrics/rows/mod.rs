//! The table of metrics: one row for each family, in the order of the text.
//!
//! A row is called as its samples are, with unit and `_total` or `_info`, so that a search for a name
//! from a dashboard ends here. A row that names a signal of `bess_core::signal` takes its unit and
//! its sentence from there and may add to the sentence. One sign rule everywhere: positive power and
//! current is discharge. What is called `true_` only a simulator knows; all else about cells is what
//! their BMS believes.
//!
//! Counters belong to the process or to the run and start at 0. What survives a run (cycles) is a
//! gauge. Labels come from closed lists that are complete from the start; those of HTTP are the
//! caller's, and only rows of units name a unit.
//!
//! One file for each subject, and a row each family; a new subject is a file and a line in [`GROUPS`].

mod checkpoint;
mod farm;
mod http;
mod limits;
mod modbus;
mod process;
mod stage;
mod tick;
mod unit;

use crate::metrics::Scrape;
use crate::metrics::cgroup::Cgroup;
use crate::metrics::family::{Labels, Number};
use crate::metrics::process::Process;
use Get::{Count, Histogram, Histograms, Info, Numbers, Real};
use bess_core::alarm::AlarmCode;
use bess_core::signal::{self, Quantity};
use bess_core::snapshot::{Snapshot, UnitView};
use bess_core::stats::{HistogramReading, Stats};
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Every family but those of units, in the order of the text.
const GROUPS: &[&[Row]] = &[
    farm::ROWS,
    limits::ROWS,
    stage::ROWS,
    tick::ROWS,
    checkpoint::ROWS,
    modbus::ROWS,
    http::ROWS,
    process::ROWS,
];

/// Every family of the whole farm and of the process.
pub(super) fn fixed() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().copied().flatten()
}

/// What a page of units says of itself, beside the units.
pub(super) fn of_a_page() -> impl Iterator<Item = &'static Row> {
    fixed().filter(|row| row.name.starts_with("bess_metrics_units_"))
}

/// Families that a run has which nobody watches: those of the farm, not of the loop and the edges.
pub(super) fn of_a_run() -> impl Iterator<Item = &'static Row> {
    let around = ["bess_build_info", "bess_config_hash_info", "bess_simulation_time_seconds"];
    let around = fixed().filter(move |row| around.contains(&row.name));
    farm::ROWS.iter().chain(limits::ROWS).chain(stage::ROWS).chain(around)
}

/// Every family with a series for each unit.
pub(super) const OF_UNITS: &[Row] = unit::ROWS;

/// Every family.
pub(super) fn all() -> impl Iterator<Item = &'static Row> {
    fixed().chain(OF_UNITS)
}

/// Kind of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// Where the samples of a family come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Get {
    /// The farm's signal of this name.
    Farm(&'static str),
    /// The signal of this name of every unit.
    Unit(&'static str),
    /// What every unit is.
    UnitInfo,
    /// By level, the strictest value at which a protection of the farm's designs raises this alarm.
    Limit(AlarmCode),
    Count(fn(&Sight<'_>) -> u64),
    /// NaN when it is not available.
    Real(fn(&Sight<'_>) -> f64),
    Numbers(fn(&Sight<'_>) -> Vec<(Labels, Number)>),
    Histogram(fn(&Sight<'_>) -> HistogramReading),
    Histograms(fn(&Sight<'_>) -> Vec<(Labels, HistogramReading)>),
    /// Without labels the info is not known, and there is no series.
    Info(fn(&Sight<'_>) -> Labels),
}

/// One family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) get: Get,
    /// Names of its labels, as documented.
    pub(super) labels: &'static [&'static str],
    unit: Option<&'static str>,
    help: &'static str,
}

/// What getters see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    pub(super) scrape: &'a Scrape<'a>,
    process: &'a Process,
    cgroup: &'a Cgroup,
}

impl<'a> Sight<'a> {
    pub(super) fn new(scrape: &'a Scrape<'a>, process: &'a Process, cgroup: &'a Cgroup) -> Self {
        Self { scrape, process, cgroup }
    }
    fn snapshot(&self) -> &'a Snapshot {
        self.scrape.snapshot
    }
    fn stats(&self) -> &'a Stats {
        self.scrape.stats
    }
    fn units(&self) -> impl Iterator<Item = &'a UnitView> + use<'a> {
        self.snapshot().units.iter()
    }
}

impl Row {
    /// Unit of its values, if they have one.
    pub(super) fn unit(&self) -> Option<&'static str> {
        match self.get {
            Get::Farm(name) => unit_of(signal::farm(name).quantity),
            Get::Unit(name) => self.unit.or_else(|| unit_of(signal::unit(name).quantity)),
            _ => self.unit,
        }
    }
    /// The sentence for `# HELP`.
    pub(super) fn help(&self) -> String {
        let signal_help = match self.get {
            Get::Farm(name) => signal::farm(name).help,
            Get::Unit(name) => signal::unit(name).help,
            _ => "",
        };
        format!("{signal_help}{}.", self.help)
    }
    /// The name without what the client adds again: the unit and the suffix of the kind.
    pub(super) fn stem(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        let stem = self.name.strip_suffix(suffix);
        let stem = stem.and_then(|stem| match self.unit() {
            Some(unit) => stem.strip_suffix(unit)?.strip_suffix('_'),
            None => Some(stem),
        });
        stem.unwrap_or_else(|| panic!("{} does not end in its unit and suffix", self.name))
    }
}

const fn unit_of(quantity: Quantity) -> Option<&'static str> {
    Some(match quantity {
        Quantity::Watts => "watts",
        Quantity::Vars => "vars",
        Quantity::VoltAmps => "voltamperes",
        Quantity::Volts => "volts",
        Quantity::Amps => "amperes",
        Quantity::Joules => "joules",
        Quantity::Litres => "litres",
        Quantity::Hertz => "hertz",
        Quantity::Celsius => "celsius",
        Quantity::Ohms => "ohms",
        Quantity::Seconds => "seconds",
        Quantity::Ratio => "ratio",
        Quantity::Count => return None,
    })
}

const NONE: Option<&str> = None;
const SECONDS: Option<&str> = Some("seconds");
const JOULES: Option<&str> = Some("joules");
const BYTES: Option<&str> = Some("bytes");
const RATIO: Option<&str> = Some("ratio");
const HERTZ: Option<&str> = Some("hertz");
const CELSIUS: Option<&str> = Some("celsius");
const OHMS: Option<&str> = Some("ohms");
const WATTS: Option<&str> = Some("watts");
const VOLTS: Option<&str> = Some("volts");
const AMPERES: Option<&str> = Some("amperes");

const fn row(
    kind: Kind,
    name: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
    get: Get,
) -> Row {
    Row { name, kind, get, labels: &[], unit, help }
}
const fn counter(
    name: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
    get: Get,
) -> Row {
    row(Kind::Counter, name, unit, help, get)
}
const fn gauge(
    name: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
    get: Get,
) -> Row {
    row(Kind::Gauge, name, unit, help, get)
}
/// A histogram of seconds.
const fn histogram(name: &'static str, help: &'static str, get: Get) -> Row {
    row(Kind::Histogram, name, SECONDS, help, get)
}

impl Row {
    /// The same with labels of these names.
    const fn by(self, labels: &'static [&'static str]) -> Self {
        Self { labels, ..self }
    }
}

/// Samples by one label, whose values and counts come in the same order.
fn by<'v>(
    label: &'static str,
    values: impl IntoIterator<Item = &'v str>,
    counts: &[AtomicU64],
) -> Vec<(Labels, Number)> {
    let values = values.into_iter().zip(counts);
    values.map(|(value, count)| series(label, value.to_owned(), load(count))).collect()
}

fn series(
    label: &'static str,
    value: impl Into<Cow<'static, str>>,
    count: u64,
) -> (Labels, Number) {
    (vec![(label, value.into())], Number::Count(count))
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

/// Nanoseconds since 1970 have more digits than an f64; seconds and their fraction have not.
fn unix_s(unix_ns: i64) -> f64 {
    const NS_PER_S: i64 = 1_000_000_000;
    unix_ns.div_euclid(NS_PER_S) as f64 + unix_ns.rem_euclid(NS_PER_S) as f64 / 1e9
}
