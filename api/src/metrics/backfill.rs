//! Metrics of a run that nobody scraped: the farm's families with timestamps of simulated time, as
//! `promtool tsdb create-blocks-from openmetrics` reads them.
//!
//! OpenMetrics wants all samples of a series together; a run has all series of an instant together. So
//! samples are spilled to a file as they come, and turned round at the end for some series at a time:
//! memory is bounded, however long the run.

use crate::metrics::{
    Chosen, EndpointNumbers, Format, HttpNumbers, Scrape, rows, text::Text, units::UnitText,
    write_end, write_rows,
};
use crate::state::BuildInfo;
use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// Bytes of samples that are turned round at a time.
const TURNED_BYTES: usize = 256 << 20;

/// Nobody scrapes a run.
const NEVER: EndpointNumbers = EndpointNumbers { encode_s: f64::NAN, bytes: f64::NAN };

/// A sample of a series.
#[derive(Clone, Copy, Debug)]
struct Sample {
    unix_ms: i64,
    value: f64,
}

/// One series: what stands before its value, and how many samples it has.
#[derive(Debug)]
struct Series {
    head: String,
    n_samples: usize,
}

/// One family: what is said of it, and its series in the order in which they came.
#[derive(Debug)]
struct Family {
    metadata: String,
    series: Vec<u32>,
}

/// Gathers the metrics of a farm at instants of a run.
#[derive(Debug)]
pub struct Backfill {
    /// Labels of every series, as they are written.
    labels: String,
    units: Option<UnitText>,
    units_max: usize,
    stats: Stats,
    build: BuildInfo,
    text: Text,
    families: Vec<Family>,
    by_metadata: BTreeMap<String, usize>,
    series: Vec<Series>,
    by_head: BTreeMap<String, u32>,
    spill: BufWriter<File>,
}

impl Backfill {
    /// Gathers into the empty file `spill`. Every series gets `labels`, names with values; units have series
    /// of their own in a farm of at most `units_max`.
    pub fn new(
        labels: &[(String, String)],
        units_max: usize,
        build: BuildInfo,
        spill: File,
    ) -> Self {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                format!("{name}=\"{value}\"")
            })
            .collect();
        Self {
            labels: labels.join(","),
            units: None,
            units_max,
            stats: Stats::default(),
            build,
            text: Text::default(),
            families: Vec::new(),
            by_metadata: BTreeMap::new(),
            series: Vec::new(),
            by_head: BTreeMap::new(),
            spill: BufWriter::with_capacity(1 << 16, spill),
        }
    }

    /// Adds the farm as it is in `snapshot`, with its simulated time. Later instants come later.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        self.write(snapshot, &mut text);
        let added = self.spill(text.as_str(), snapshot.time.unix_ns.div_euclid(1_000_000));
        self.text = text;
        added
    }

    /// What a scrape at this instant would say of the farm.
    fn write(&mut self, snapshot: &Snapshot, text: &mut Text) {
        let n_units = snapshot.units.len();
        let exported = if n_units <= self.units_max { n_units } else { 0 };
        let scrape = Scrape {
            snapshot,
            stats: &self.stats,
            build: &self.build,
            http: HttpNumbers::default(),
            runtime: None,
            units_exported: exported,
            units_truncated: n_units - exported,
            endpoints: [NEVER; 2],
            now_unix_ns: snapshot.time.unix_ns,
        };
        write_rows(rows::of_a_run(), &scrape, Format::OpenMetrics, text);
        if exported > 0 {
            let units = self.units.get_or_insert_with(|| UnitText::new(&snapshot.spec, &[]));
            let all: Vec<u32> = (0..n_units as u32).collect();
            units.write(snapshot, &all, &Chosen::all(), Format::OpenMetrics, text);
        }
    }

    fn spill(&mut self, text: &str, unix_ms: i64) -> io::Result<()> {
        let mut rest = text;
        while !rest.is_empty() {
            // A family that has no series now has its place all the same.
            let n_metadata = metadata_length(rest);
            let (metadata, samples) = rest.split_at(n_metadata);
            let family = self.family(metadata);
            let is_sample = |line: &&str| !line.starts_with('#');
            let lines = samples.split_inclusive('\n').take_while(is_sample);
            let n_samples = lines.clone().map(str::len).sum();
            for line in lines {
                let Some((head, value)) = line.trim_end().rsplit_once(' ') else { continue };
                let value: f64 = value.parse().map_err(io::Error::other)?;
                let series = self.series(family, head);
                self.series[series as usize].n_samples += 1;
                self.spill.write_all(&series.to_le_bytes())?;
                self.spill.write_all(&unix_ms.to_le_bytes())?;
                self.spill.write_all(&value.to_le_bytes())?;
            }
            rest = &samples[n_samples..];
        }
        Ok(())
    }

    fn family(&mut self, metadata: &str) -> usize {
        if let Some(known) = self.by_metadata.get(metadata) {
            return *known;
        }
        self.families.push(Family { metadata: metadata.to_owned(), series: Vec::new() });
        self.by_metadata.insert(metadata.to_owned(), self.families.len() - 1);
        self.families.len() - 1
    }

    fn series(&mut self, family: usize, head: &str) -> u32 {
        if let Some(known) = self.by_head.get(head) {
            return *known;
        }
        let number = self.series.len() as u32;
        self.series.push(Series { head: self.labelled(head), n_samples: 0 });
        self.by_head.insert(head.to_owned(), number);
        self.families[family].series.push(number);
        number
    }

    /// What stands before a value, with the labels of every series.
    fn labelled(&self, head: &str) -> String {
        match head.split_once('{') {
            _ if self.labels.is_empty() => head.to_owned(),
            Some((name, own)) => format!("{name}{{{},{own}", self.labels),
            None => format!("{head}{{{}}}", self.labels),
        }
    }

    /// Writes everything as OpenMetrics, family by family and series by series.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        self.finish_by(TURNED_BYTES, out)
    }

    fn finish_by(self, turned_bytes: usize, out: &mut dyn Write) -> io::Result<()> {
        let Self { families, series, spill, .. } = self;
        let mut file = spill.into_inner().map_err(io::IntoInnerError::into_error)?;
        // In the order of the text, with what is said before each.
        let order: Vec<(u32, &str)> = families
            .iter()
            .flat_map(|family| {
                let metadata =
                    std::iter::once(family.metadata.as_str()).chain(std::iter::repeat(""));
                family.series.iter().copied().zip(metadata)
            })
            .collect();
        let most = turned_bytes / size_of::<Sample>();
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let mut n_samples = 0;
            let fits = |(number, _): &&(u32, &str)| {
                n_samples += series[*number as usize].n_samples;
                n_samples <= most
            };
            let n_series = rest.iter().take_while(fits).count().max(1);
            let (now, later) = rest.split_at(n_series);
            write_series(&mut file, &series, now, out)?;
            rest = later;
        }
        let mut end = Text::default();
        write_end(Format::OpenMetrics, &mut end);
        out.write_all(end.as_bytes())
    }
}

/// Length of the lines at the begin of `text` that say what its first family is.
fn metadata_length(text: &str) -> usize {
    let lines = text.split_inclusive('\n').take_while(|line| line.starts_with('#'));
    let first = lines.enumerate().take_while(|(at, line)| *at == 0 || !line.starts_with("# HELP "));
    first.map(|(_, line)| line.len()).sum()
}

/// Reads the whole spill for the samples of these series and writes them.
fn write_series(
    spill: &mut File,
    series: &[Series],
    wanted: &[(u32, &str)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut places = vec![usize::MAX; series.len()];
    let mut samples: Vec<Vec<Sample>> = Vec::with_capacity(wanted.len());
    for (place, (number, _)) in wanted.iter().enumerate() {
        places[*number as usize] = place;
        samples.push(Vec::with_capacity(series[*number as usize].n_samples));
    }
    spill.rewind()?;
    let mut reader = BufReader::with_capacity(1 << 20, spill);
    let total: usize = series.iter().map(|series| series.n_samples).sum();
    for _ in 0..total {
        let (mut number, mut unix_ms, mut value) = ([0; 4], [0; 8], [0; 8]);
        reader.read_exact(&mut number)?;
        reader.read_exact(&mut unix_ms)?;
        reader.read_exact(&mut value)?;
        if let Some(samples) = samples.get_mut(places[u32::from_le_bytes(number) as usize]) {
            let (unix_ms, value) = (i64::from_le_bytes(unix_ms), f64::from_le_bytes(value));
            samples.push(Sample { unix_ms, value });
        }
    }
    for ((number, metadata), samples) in wanted.iter().zip(samples) {
        out.write_all(metadata.as_bytes())?;
        let head = &series[*number as usize].head;
        for Sample { unix_ms, value } in samples {
            let (seconds, ms) = (unix_ms.div_euclid(1000), unix_ms.rem_euclid(1000));
            writeln!(out, "{head} {value} {seconds}.{ms:03}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::time::{SimTime, Tick};
    use bess_core::units::Watts;

    /// A farm at an instant, in which unit 2 has no state of charge at odd ticks.
    fn snapshot(tick: u64) -> Snapshot {
        let mut snapshot = crate::testing::snapshot_with(3);
        snapshot.tick = Tick(tick);
        let elapsed_ns = tick as i64 * 1_000_000_000;
        snapshot.time = SimTime { unix_ns: 1_700_000_000_250_000_000 + elapsed_ns };
        snapshot.farm.active_power = Watts(tick as f64 * 1000.0);
        snapshot.farm.setpoint = (tick > 0).then_some(Watts(5.0));
        snapshot.units[1].measured.soc = if tick % 2 == 1 { f64::NAN } else { 0.25 };
        snapshot
    }

    fn text(turned_bytes: usize, ticks: u64) -> String {
        let labels = [("job".to_owned(), "bess".to_owned()), ("run".to_owned(), "a\"b".to_owned())];
        let build = BuildInfo::default();
        let spill = tempfile::tempfile().unwrap();
        let mut backfill = Backfill::new(&labels, 1000, build, spill);
        (0..ticks).for_each(|tick| backfill.add(&snapshot(tick)).unwrap());
        let mut out = Vec::new();
        backfill.finish_by(turned_bytes, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_series_has_its_samples_together_in_the_order_of_time() {
        let text = text(TURNED_BYTES, 3);
        let of = |name: &str| -> Vec<&str> {
            text.lines().filter_map(|line| line.strip_prefix(name)).collect()
        };
        let own = "{job=\"bess\",run=\"a\\\"b\"}";
        assert_eq!(
            of(&format!("bess_farm_ac_power_watts{own}")),
            [" 0 1700000000.250", " 1000 1700000001.250", " 2000 1700000002.250"]
        );
        let unit = "bess_unit_soc_ratio{job=\"bess\",run=\"a\\\"b\",unit=\"2\"}";
        assert_eq!(
            of(unit),
            [" 0.25 1700000000.250", " 0.25 1700000002.250"],
            "none where there is none"
        );
        assert_eq!(text.matches("# TYPE bess_farm_ac_power_watts gauge\n").count(), 1);
        assert!(text.ends_with("\n# EOF\n"));
        let mut heads = std::collections::BTreeSet::new();
        let mut last = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let head = line.rsplitn(3, ' ').nth(2).unwrap();
            assert!(head == last || heads.insert(head), "{head} comes in two parts");
            last = head;
        }
        let setpoint = format!("bess_farm_ac_power_setpoint_watts{own}");
        assert_eq!(of(&setpoint), [" 5 1700000001.250", " 5 1700000002.250"]);
        assert_eq!(text.matches("# TYPE bess_farm_ac_power_setpoint_watts ").count(), 1);
        assert!(heads.len() > 300, "{} series", heads.len());
    }

    #[test]
    fn how_much_is_turned_round_at_a_time_does_not_matter() {
        let whole = text(TURNED_BYTES, 5);
        assert_eq!(whole, text(1, 5), "one series at a time");
        assert_eq!(whole, text(4000, 5));
    }

    #[test]
    fn families_of_the_loop_and_of_the_edges_are_left_out() {
        let text = text(TURNED_BYTES, 1);
        for name in ["bess_tick", "bess_modbus", "bess_http", "process_", "tokio_"] {
            assert!(!text.lines().any(|line| line.starts_with(name)), "{name}");
        }
        assert!(text.contains("bess_cell_temperature_high_limit_celsius{job="));
    }
}
