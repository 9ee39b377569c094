//! The series of units: ours, a hand-written writer, and the two ways of prometheus-client.

use crate::{Fault, judge, quantile};
use bess_benches::farms;
use bess_core::id::UnitId;
use bess_core::snapshot::Snapshot;
use bess_simulation::{FarmHandle, LoopOptions};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;
use tokio::sync::watch;

/// Units whose series are just above 100,000.
const UNITS: usize = 3_300;
/// How much slower than the hand-written writer ours may be.
const MOST: f64 = 1.5;

/// A farm of so many units, made of one of ten that ran for a while: a whole one would take gigabytes.
fn snapshot() -> (FarmHandle, Arc<Snapshot>) {
    let mut engine = farms::engine(10, 1);
    (0..50).for_each(|_| engine.step());
    let options = LoopOptions { paused: true, ..LoopOptions::default() };
    let farm = bess_simulation::spawn(engine, options).expect("a thread");
    let small = Arc::clone(&farm.snapshots().borrow());
    let mut large = Snapshot::clone(&small);
    let mut spec = (*small.spec).clone();
    spec.units = (0..UNITS)
        .map(|idx| {
            let mut unit = small.spec.units[idx % 10].clone();
            unit.id = UnitId::from_idx(idx);
            unit.name = format!("unit-{idx}");
            unit
        })
        .collect();
    large.units = (0..UNITS)
        .map(|idx| {
            let mut view = small.units[idx % 10];
            // No two are alike, as in a real farm.
            let factor = 1.0 + idx as f64 * 1e-7;
            view.measured.soc *= factor;
            view.truth.soc *= factor;
            view.ac.active_power = view.ac.active_power * factor;
            view.dc.current = view.dc.current * factor;
            view.dc.voltage = view.dc.voltage * factor;
            view.measured.energy = view.measured.energy * factor;
            view
        })
        .collect();
    large.spec = Arc::new(spec);
    (farm, Arc::new(large))
}

/// One family: its name and, of each series, number of the unit and value.
type Columns = Vec<(String, Vec<(u32, f64)>)>;

/// What a hand-written writer has: the begin of every line ready, and its value.
struct Hand {
    text: String,
    lines: Vec<(std::ops::Range<usize>, f64)>,
}

impl Hand {
    fn new(columns: &Columns) -> Self {
        let (mut text, mut lines) = (String::new(), Vec::new());
        for (name, column) in columns {
            for (unit, value) in column {
                let start = text.len();
                text.push_str(&format!("{name}{{unit=\"{unit}\"}} "));
                lines.push((start..text.len(), *value));
            }
        }
        Self { text, lines }
    }

    fn write(&self, out: &mut String) {
        out.clear();
        let mut number = zmij::Buffer::new();
        for (begin, value) in &self.lines {
            out.push_str(&self.text[begin.clone()]);
            out.push_str(number.format_finite(*value));
            out.push('\n');
        }
    }
}

/// prometheus-client's way over slices.
#[derive(Debug)]
struct Slices(Arc<Columns>);

impl Collector for Slices {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, column) in self.0.iter() {
            let mut metric =
                encoder.encode_descriptor(name, "What it is.", None, MetricType::Gauge)?;
            for (unit, value) in column {
                let labels = [("unit", *unit)];
                ConstGauge::new(*value).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// The series of our text as columns, without those of `bess_unit_info`.
fn columns(text: &str) -> Columns {
    let mut columns: Columns = Vec::new();
    for line in
        text.lines().filter(|line| line.starts_with("bess_unit_") && !line.contains("_info{"))
    {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Some((name, unit)) = series.split_once("{unit=\"") else { continue };
        let unit = unit.trim_end_matches("\"}").parse().expect("a number");
        let value = value.parse().expect("a value");
        match columns.last_mut() {
            Some((last, column)) if last == name => column.push((unit, value)),
            _ => columns.push((name.to_owned(), vec![(unit, value)])),
        }
    }
    columns
}

fn registry_of_families(columns: &Columns) -> Registry {
    let mut registry = Registry::default();
    for (name, column) in columns {
        let family = Family::<Vec<(String, String)>, Gauge<f64, AtomicU64>>::default();
        for (unit, value) in column {
            family.get_or_create(&vec![("unit".to_owned(), unit.to_string())]).set(*value);
        }
        registry.register(name, "What it is", family);
    }
    registry
}

/// Nanoseconds for each series.
fn time(n_series: usize, write: &mut dyn FnMut()) -> f64 {
    let started = Instant::now();
    write();
    started.elapsed().as_nanos() as f64 / n_series as f64
}

pub(crate) fn measure(rounds: usize) -> Result<bool, Fault> {
    let (farm, snapshot) = snapshot();
    let (_sender, snapshots) = watch::channel(snapshot);
    let access = bess_api::FarmAccess { snapshots, mailbox: farm.mailbox(), stats: farm.stats() };
    let api = crate::scrape::api(access);
    let ours = api.encode_all_units(true).text().to_owned();
    let columns = Arc::new(columns(&ours));
    let hand = Hand::new(&columns);
    let n_series = hand.lines.len();
    // The same lines, or it is no comparison.
    let mut out = String::new();
    hand.write(&mut out);
    let is_value = |line: &&str| line.starts_with("bess_unit_") && !line.contains("_info{");
    if !ours.lines().filter(is_value).eq(out.lines()) {
        return Err("the two writers do not write the same".into());
    }
    let mut slices = Registry::default();
    slices.register_collector(Box::new(Slices(Arc::clone(&columns))));
    let families = registry_of_families(&columns);
    let mut took = [const { Vec::new() }; 4];
    let mut room = String::new();
    for _ in 0..rounds {
        took[0].push(time(n_series, &mut || hand.write(black_box(&mut out))));
        took[1].push(time(n_series, &mut || drop(black_box(api.encode_all_units(true)))));
        for (at, registry) in [(2, &slices), (3, &families)] {
            room.clear();
            took[at].push(time(n_series, &mut || {
                text::encode(black_box(&mut room), registry).expect("a String takes it");
            }));
        }
    }
    let [hand, ours, slices, families] = took.map(|mut took| quantile(&mut took, 0.5));
    println!(
        "{n_series} series of {UNITS} units, ns a series, medians of {rounds} rounds in turn:"
    );
    println!("  hand-written over arrays {hand:.1}");
    println!(
        "  ours from the snapshot   {ours:.1} ({:.2} of it), with bess_unit_info and metadata",
        ours / hand
    );
    println!("  Collector over arrays    {slices:.1} ({:.2} of it)", slices / hand);
    println!("  Family of gauges         {families:.1} ({:.2} of it)", families / hand);
    farm.stop().map_err(|_| "the loop panicked")?;
    Ok(judge("ours over hand-written", ours / hand, MOST, "times"))
}
