//! From rows to text: the samples of every family, and the collector that writes them.
//!
//! A collector of prometheus-client lives as long as its registry and may not borrow, so the samples
//! are gathered first. Families of units are not written here: there are too many of their series.

use crate::metrics::rows::{Get, Kind, Row, Sight};
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::protection::{Direction, quantity};
use bess_core::signal;
use bess_core::spec::FarmSpec;
use bess_core::stats::HistogramReading;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    CounterValueEncoder, DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue,
    GaugeValueEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Unit;
use std::borrow::Cow;
use std::fmt;

/// Label names and values of one series. The client escapes the values.
pub(super) type Labels = Vec<(&'static str, Cow<'static, str>)>;

/// A sample's number: a count is written without a decimal point, and exactly.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Count(u64),
    Real(f64),
}

impl Number {
    fn is_available(self) -> bool {
        !matches!(self, Self::Real(value) if value.is_nan())
    }
}
impl EncodeCounterValue for Number {
    fn encode(&self, encoder: &mut CounterValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Count(value) => EncodeCounterValue::encode(value, encoder),
            Self::Real(value) => EncodeCounterValue::encode(value, encoder),
        }
    }
}
impl EncodeGaugeValue for Number {
    fn encode(&self, encoder: &mut GaugeValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Count(value) => EncodeGaugeValue::encode(value, encoder),
            Self::Real(value) => EncodeGaugeValue::encode(value, encoder),
        }
    }
}

/// Samples of one family.
#[derive(Debug)]
enum Samples {
    Numbers(Vec<(Labels, Number)>),
    Histograms(Vec<(Labels, HistogramReading)>),
    Info(Labels),
}

/// One family with its metadata.
#[derive(Debug)]
struct Family {
    /// As OpenMetrics wants it from the client: without the unit and without `_total` or `_info`.
    stem: &'static str,
    unit: Option<Unit>,
    help: String,
    kind: Kind,
    samples: Samples,
}

/// All families of one scrape.
#[derive(Debug)]
pub(super) struct Families(Vec<Family>);

impl Families {
    /// The samples of these rows.
    pub(super) fn gather<'r>(rows: impl Iterator<Item = &'r Row>, sight: &Sight<'_>) -> Self {
        Self(rows.map(|row| Family::gather(row, sight)).collect())
    }

    /// Room for the text, so that it does not grow by copying.
    pub(super) fn length_estimate(&self) -> usize {
        const METADATA: usize = 300;
        const SERIES: usize = 90;
        let n_series = |family: &Family| match &family.samples {
            Samples::Numbers(samples) => samples.len(),
            Samples::Histograms(samples) => samples.len() * 18,
            Samples::Info(_) => 2,
        };
        let length = |family| METADATA + SERIES * n_series(family);
        self.0.iter().map(length).sum()
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| family.encode(&mut encoder))
    }
}

impl Family {
    fn gather(row: &Row, sight: &Sight<'_>) -> Self {
        let snapshot = sight.scrape.snapshot;
        let numbers = |number| Samples::Numbers(vec![(Labels::new(), number)]);
        let samples = match row.get {
            Get::Count(get) => numbers(Number::Count(get(sight))),
            Get::Real(get) => numbers(Number::Real(get(sight))),
            Get::Farm(name) => numbers(Number::Real((signal::farm(name).get)(&snapshot.farm))),
            Get::Numbers(get) => Samples::Numbers(get(sight)),
            Get::Histogram(get) => Samples::Histograms(vec![(Labels::new(), get(sight))]),
            Get::Histograms(get) => Samples::Histograms(get(sight)),
            Get::Info(get) => Samples::Info(get(sight)),
            Get::Limit(code) => Samples::Numbers(limits(&snapshot.spec, code)),
            Get::Unit(_) | Get::UnitInfo => unreachable!("families of units are written elsewhere"),
        };
        Self {
            stem: row.stem(),
            unit: row.unit().map(|unit| Unit::Other(unit.to_owned())),
            help: row.help(),
            kind: row.kind,
            samples,
        }
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let metric_type = match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
            Kind::Info => MetricType::Info,
        };
        let unit = self.unit.as_ref();
        let mut metric = encoder.encode_descriptor(self.stem, &self.help, unit, metric_type)?;
        match &self.samples {
            Samples::Numbers(samples) => {
                let available = samples.iter().filter(|(_, number)| number.is_available());
                for (labels, number) in available {
                    if labels.is_empty() {
                        self.encode_number(&mut metric, *number)?;
                    } else {
                        self.encode_number(&mut metric.encode_family(labels)?, *number)?;
                    }
                }
            }
            Samples::Histograms(samples) => {
                for (labels, reading) in samples {
                    if labels.is_empty() {
                        encode_histogram(&mut metric, reading)?;
                    } else {
                        encode_histogram(&mut metric.encode_family(labels)?, reading)?;
                    }
                }
            }
            Samples::Info(labels) if labels.is_empty() => {}
            Samples::Info(labels) => metric.encode_info(labels)?,
        }
        Ok(())
    }

    fn encode_number(&self, metric: &mut MetricEncoder<'_>, number: Number) -> fmt::Result {
        match self.kind {
            Kind::Counter => metric.encode_counter(&number, None::<&Exemplar<NoLabelSet, f64>>),
            Kind::Gauge | Kind::Histogram | Kind::Info => metric.encode_gauge(&number),
        }
    }
}

fn encode_histogram(metric: &mut MetricEncoder<'_>, reading: &HistogramReading) -> fmt::Result {
    let HistogramReading { buckets, sum, count } = reading;
    metric.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
}

/// By level, the strictest value at which a protection of the farm's designs raises `code`.
fn limits(spec: &FarmSpec, code: AlarmCode) -> Vec<(Labels, Number)> {
    let is_low = quantity(code).is_some_and(|quantity| quantity.direction == Direction::Below);
    let mut strictest = [f64::NAN; AlarmLevel::ALL.len()];
    let mut last = None;
    for unit in &spec.units {
        // Units of a design come in a row.
        let design = std::sync::Arc::as_ptr(&unit.design);
        if last.replace(design) == Some(design) {
            continue;
        }
        // Insulation is set in ohm per volt of the rack's highest voltage.
        let is_per_volt = code == AlarmCode::Insulation;
        let scale = if is_per_volt { unit.design.dc_voltage_window().1.0 } else { 1.0 };
        for (level, value) in AlarmLevel::ALL.into_iter().zip(&mut strictest) {
            if let Some(element) = unit.design.protection.element(code, level) {
                let limit = element.threshold * scale;
                *value = if is_low { value.max(limit) } else { value.min(limit) };
            }
        }
    }
    let levels = AlarmLevel::ALL.into_iter().zip(strictest);
    levels
        .map(|(level, value)| (vec![("level", level.name().into())], Number::Real(value)))
        .collect()
}
