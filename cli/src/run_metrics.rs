//! `bess run --metrics`: the farm's metrics of a headless run, with timestamps of simulated time, for the
//! dashboards that show a live farm.

use crate::BadInput;
use bess_api::{Backfill, BuildInfo};
use bess_core::snapshot::Snapshot;
use bess_core::time::{SimTime, TICK_S, Tick};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Metrics of a headless run.
#[derive(Debug, clap::Args)]
pub(crate) struct MetricsArgs {
    /// Write the farm's metrics to this file as OpenMetrics with timestamps, for
    /// `promtool tsdb create-blocks-from openmetrics`
    #[arg(long = "metrics", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Simulated time between two samples
    #[arg(long = "metrics-every", value_name = "DURATION", default_value = "1m", value_parser = crate::duration::parse_duration, requires = "file")]
    every_s: f64,
    /// Label of every series, such as instance=study-7; may be given again [default: job=bess and
    /// instance=run, which the dashboards choose by]
    #[arg(long = "metrics-label", value_name = "NAME=VALUE", value_parser = parse_label, requires = "file")]
    labels: Vec<(String, String)>,
    /// Instant at which simulated time begins, in RFC 3339 [default: 1970-01-01T00:00:00Z, and with --metrics
    /// 2020-01-01T00:00:00Z]
    #[arg(long, value_name = "INSTANT", value_parser = parse_start)]
    start: Option<SimTime>,
}

/// Farms of more units have no series of single units, as live.
const UNITS_MAX: usize = 1000;
/// 2020-01-01T00:00:00Z: midnight, as 1970 began, so that the time of day is the same.
const METRICS_START: SimTime = SimTime { unix_ns: 1_577_836_800_000_000_000 };
/// Labels that Prometheus gives to what it scrapes.
const LABELS: [(&str, &str); 2] = [("job", "bess"), ("instance", "run")];

fn parse_start(text: &str) -> Result<SimTime, String> {
    let expected =
        "expected an instant from 1970 to 2200 in RFC 3339, such as 2025-01-01T00:00:00Z";
    let instant: jiff::Timestamp = text.parse().map_err(|error| format!("{expected} ({error})"))?;
    const LAST_S: i64 = 7_258_118_400;
    if !(0..=LAST_S).contains(&instant.as_second()) {
        return Err(expected.to_owned());
    }
    i64::try_from(instant.as_nanosecond())
        .map(|unix_ns| SimTime { unix_ns })
        .map_err(|_| expected.to_owned())
}

fn parse_label(text: &str) -> Result<(String, String), String> {
    let expected =
        "expected NAME=VALUE, the name of letters, digits and _ and not one that the metrics have";
    let (name, value) = text.split_once('=').ok_or(expected)?;
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let is_word = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let is_taken = name.starts_with("__") || bess_api::label_names().any(|label| label == name);
    if !begins || !is_word || is_taken {
        return Err(expected.to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

impl MetricsArgs {
    /// The instant of tick 0, if it was given.
    pub(crate) fn start(&self) -> Option<SimTime> {
        self.start
    }

    /// The instant of tick 0.
    pub(crate) fn start_or_default(&self) -> SimTime {
        let metrics = self.file.as_ref().map(|_| METRICS_START);
        self.start.or(metrics).unwrap_or_default()
    }

    /// What gathers, if metrics are wanted.
    ///
    /// # Errors
    /// When the file cannot be written or the time between two samples is too short.
    pub(crate) fn open(&self, build: BuildInfo) -> anyhow::Result<Option<Recorder>> {
        let Some(path) = &self.file else {
            return Ok(None);
        };
        let every = Tick::count_in(self.every_s);
        let is_whole = (every as f64 * TICK_S - self.every_s).abs() < 1e-6;
        if every == 0 || self.every_s > 31_536_000.0 || !is_whole {
            let seconds = self.every_s;
            let message = format!(
                "--metrics-every must be a multiple of 100ms from 100ms to 365d, got {seconds} s"
            );
            return Err(BadInput(message).into());
        }
        for (at, (name, _)) in self.labels.iter().enumerate() {
            if self.labels[..at].iter().any(|(before, _)| before == name) {
                let message = format!("--metrics-label gives {name} twice");
                return Err(BadInput(message).into());
            }
        }
        let refuse = |error: io::Error| {
            BadInput(format!("cannot write --metrics {}: {error}", path.display()))
        };
        if path.is_dir() {
            return Err(refuse(io::ErrorKind::IsADirectory.into()).into());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let out = NamedTempFile::new_in(folder).map_err(refuse)?;
        let spill = tempfile::tempfile_in(folder).map_err(refuse)?;
        let mut labels: Vec<(String, String)> = LABELS
            .iter()
            .filter(|(name, _)| !self.labels.iter().any(|(given, _)| given == name))
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        labels.extend(self.labels.iter().cloned());
        let backfill = Backfill::new(&labels, UNITS_MAX, build, spill);
        Ok(Some(Recorder { backfill, every, out, path: path.clone() }))
    }
}

/// Gathers the metrics of a run.
#[derive(Debug)]
pub(crate) struct Recorder {
    backfill: Backfill,
    /// Ticks between two samples.
    every: u64,
    out: NamedTempFile,
    path: PathBuf,
}

impl Recorder {
    /// Ticks until the next sample after `now`.
    pub(crate) fn wait(&self, now: Tick) -> u64 {
        self.every - now.0 % self.every
    }
    /// Whether there is a sample at `now`.
    pub(crate) fn is_due(&self, now: Tick) -> bool {
        now.0.is_multiple_of(self.every)
    }
    /// Takes a sample.
    ///
    /// # Errors
    /// When the disk is full, or the like.
    pub(crate) fn add(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        self.backfill.add(snapshot)
    }
    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the disk is full, or the like.
    pub(crate) fn finish(self) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, self.out);
        self.backfill.finish(&mut out)?;
        out.flush()?;
        let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        out.persist(&self.path).map_err(|refused| refused.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_names_that_the_metrics_do_not_have() {
        assert_eq!(parse_label("run=a=b"), Ok(("run".to_owned(), "a=b".to_owned())));
        for wrong in ["run", "=x", "1run=x", "a-b=x", "__name__=x", "unit=3", "code=x", "le=1"] {
            assert!(parse_label(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_start_is_an_instant_of_our_time() {
        assert_eq!(parse_start("2020-01-01T00:00:00Z"), Ok(METRICS_START));
        for wrong in ["2020-01-01", "1960-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "now"] {
            assert!(parse_start(wrong).is_err(), "{wrong}");
        }
    }
}
