//! The series of units, written by hand: a farm may have a hundred thousand units, and each of them some
//! thirty series.
//!
//! What is the same in every scrape (names, labels, metadata) is text already; of each series only the
//! number is new. Values are gathered from some units at a time, which stay in the processor's cache, and
//! written family by family, as a scraper wants them. Pieces of a line are copied in whole blocks of a
//! fixed size, of which the next piece overwrites what is too much.

use crate::metrics::Format;
use crate::metrics::rows::{Get, Kind, OF_UNITS, Row};
use crate::metrics::text::Text;
use bess_core::signal::{self, UnitGetter, UnitSight};
use bess_core::snapshot::Snapshot;
use bess_core::spec::FarmSpec;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Begin of the names of all families of units.
const PREFIX: &str = "bess_unit_";

/// What is the same in every scrape of a farm.
#[derive(Debug)]
pub(crate) struct UnitText {
    spec: Arc<FarmSpec>,
    families: Vec<Family>,
    /// What follows the begin of a series up to its value, of each unit: its number and what ends the
    /// labels.
    ends: Vec<Piece<END>>,
    /// The whole line of each unit in `bess_unit_info`.
    infos: Texts,
    /// Values of the last scrape: room for those of the next one.
    values: Mutex<Vec<f64>>,
}

/// Longest begin of a series, the name of the family with the label.
const START: usize = 64;
/// Longest number of a unit with what ends the labels.
const END: usize = 16;
/// Longest value.
const NUMBER: usize = 24;
/// Room for any line with the blocks that it is made of.
const LINE: usize = START + END + NUMBER + 1;

/// A short text with what fills it up to a block.
#[derive(Clone, Copy, Debug)]
struct Piece<const N: usize> {
    block: [u8; N],
    len: u8,
}

impl<const N: usize> Piece<N> {
    /// # Panics
    /// When the text is longer than the block.
    fn new(text: &str) -> Self {
        let mut block = [0; N];
        block[..text.len()].copy_from_slice(text.as_bytes());
        Self { block, len: u8::try_from(text.len()).expect("blocks are short") }
    }
    /// Writes it at this place of a line; the place of what follows.
    #[inline]
    fn write(&self, line: &mut [u8; LINE], at: usize) -> usize {
        line[at..at + N].copy_from_slice(&self.block);
        at + usize::from(self.len)
    }
}

/// Many short texts in one.
#[derive(Debug, Default)]
struct Texts {
    text: String,
    places: Vec<Range<usize>>,
}

impl Texts {
    fn push(&mut self, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        write(&mut self.text);
        self.places.push(start..self.text.len());
    }
    fn get(&self, idx: usize) -> &str {
        &self.text[self.places[idx].clone()]
    }
}

#[derive(Debug)]
struct Family {
    /// Its metadata in each format.
    open_metrics: String,
    classic: String,
    /// Begin of each series up to the unit's number.
    start: Piece<START>,
    /// The value; `None` for the info.
    get: Option<UnitGetter>,
}

impl Family {
    fn of(row: &'static Row) -> Self {
        let (name, help) = (row.name, row.help());
        let (kind, classic_kind, family) = match row.kind {
            Kind::Info => ("info", "gauge", name.strip_suffix("_info").unwrap_or(name)),
            Kind::Counter => ("counter", "counter", name.strip_suffix("_total").unwrap_or(name)),
            Kind::Gauge | Kind::Histogram => ("gauge", "gauge", name),
        };
        let unit = row.unit().map(|unit| format!("# UNIT {family} {unit}\n")).unwrap_or_default();
        let get = match row.get {
            Get::Unit(name) => Some(signal::unit(name).get),
            _ => None,
        };
        Self {
            open_metrics: format!("# HELP {family} {help}\n# TYPE {family} {kind}\n{unit}"),
            classic: format!("# HELP {name} {help}\n# TYPE {name} {classic_kind}\n"),
            start: Piece::new(&format!("{name}{{unit=\"")),
            get,
        }
    }
}

/// Families that were asked for, by their place in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen(Vec<usize>);

impl Chosen {
    /// All of them.
    pub(crate) fn all() -> Self {
        Self((0..OF_UNITS.len()).collect())
    }

    /// Those that one of these names means, in the order of the table: the name of a family with or
    /// without its prefix, or whole words of it, such as `soc`. All where there is no name.
    ///
    /// # Errors
    /// The first name that means none.
    pub(crate) fn by_names(names: &[String]) -> Result<Self, String> {
        if names.is_empty() {
            return Ok(Self::all());
        }
        let mut chosen = Vec::new();
        for name in names {
            let meant: Vec<usize> = (0..OF_UNITS.len()).filter(|at| is_meant(*at, name)).collect();
            if meant.is_empty() {
                return Err(name.clone());
            }
            chosen.extend(meant);
        }
        chosen.sort_unstable();
        chosen.dedup();
        Ok(Self(chosen))
    }

    /// Names of all families, without their prefix.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        OF_UNITS.iter().map(|row| short(row.name))
    }
}

fn short(name: &'static str) -> &'static str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// A whole name means its family alone, words mean every family that has them.
fn is_meant(at: usize, name: &str) -> bool {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    if Chosen::names().any(|known| known == name) {
        return short(OF_UNITS[at].name) == name;
    }
    let (of, wanted) = (format!("_{}_", short(OF_UNITS[at].name)), format!("_{name}_"));
    !name.is_empty() && of.contains(&wanted)
}

impl UnitText {
    /// The text of a farm; `modbus_ids` says by index under which Modbus unit id a unit answers.
    pub(crate) fn new(spec: &Arc<FarmSpec>, modbus_ids: &[Option<u8>]) -> Self {
        let (mut ends, mut infos) = (Vec::new(), Texts::default());
        for (idx, unit) in spec.units.iter().enumerate() {
            let number = unit.id.number();
            ends.push(Piece::new(&format!("{number}\"}} ")));
            let modbus_id = modbus_ids.get(idx).copied().flatten();
            let modbus_id = modbus_id.map(|id| id.to_string()).unwrap_or_default();
            infos.push(|text| {
                text.push_str(&format!("bess_unit_info{{unit=\"{number}"));
                for (label, value) in [
                    ("name", unit.name.as_str()),
                    ("vendor", &unit.design.manufacturer),
                    ("model", &unit.design.model),
                    ("chemistry", &unit.design.chemistry.name),
                    ("modbus_unit_id", &modbus_id),
                ] {
                    text.push_str("\",");
                    text.push_str(label);
                    text.push_str("=\"");
                    escape(value, text);
                }
                text.push_str("\"} 1\n");
            });
        }
        let families = OF_UNITS.iter().map(Family::of).collect();
        Self { spec: Arc::clone(spec), families, ends, infos, values: Mutex::default() }
    }

    /// Whether it is that of this farm.
    pub(crate) fn is_of(&self, spec: &Arc<FarmSpec>) -> bool {
        Arc::ptr_eq(&self.spec, spec)
    }

    /// Appends the chosen families of these units, by their index.
    pub(crate) fn write(
        &self,
        snapshot: &Snapshot,
        units: &[u32],
        chosen: &Chosen,
        format: Format,
        out: &mut Text,
    ) {
        let families: Vec<&Family> = chosen.0.iter().map(|at| &self.families[*at]).collect();
        let getters: Vec<UnitGetter> = families.iter().filter_map(|family| family.get).collect();
        let take = || self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let mut values = std::mem::take(&mut *take());
        gather(snapshot, units, &getters, &mut values);
        let mut columns = values.chunks_exact(units.len().max(1));
        for family in families {
            out.push_str(match format {
                Format::OpenMetrics => &family.open_metrics,
                Format::Classic => &family.classic,
            });
            if family.get.is_none() {
                units.iter().for_each(|idx| out.push_str(self.infos.get(*idx as usize)));
            } else if let Some(column) = columns.next() {
                self.write_series(&family.start, units, column, out);
            }
        }
        *take() = values;
    }

    /// The lines of a family.
    fn write_series(&self, start: &Piece<START>, units: &[u32], column: &[f64], out: &mut Text) {
        let room = out.room(units.len() * LINE);
        let mut written = 0;
        let mut buffer = zmij::Buffer::new();
        // Neighbours are often alike: in their state, what they were told, what is zero.
        let (mut last, mut number) = (f64::NAN.to_bits(), "");
        for (idx, value) in units.iter().zip(column) {
            if value.is_nan() {
                continue;
            }
            if value.to_bits() != last {
                (last, number) = (value.to_bits(), text_of(*value, &mut buffer));
            }
            let line = room[written..].first_chunk_mut().expect("there is room for all lines");
            let at = start.write(line, 0);
            let at = self.ends[*idx as usize].write(line, at);
            let end = at + number.len();
            line[at..end].copy_from_slice(number.as_bytes());
            line[end] = b'\n';
            written += end + 1;
        }
        out.advance(written);
    }
}

/// Units whose views stay in the cache while each getter reads them.
const BLOCK: usize = 32;

/// Values family by family, gathered from some units at a time.
fn gather(snapshot: &Snapshot, units: &[u32], getters: &[UnitGetter], values: &mut Vec<f64>) {
    let n = units.len();
    values.resize(n * getters.len(), 0.0);
    let sight = |idx: &u32| {
        let idx = *idx as usize;
        UnitSight { view: &snapshot.units[idx], design: &snapshot.spec.units[idx].design }
    };
    for (block, units) in units.chunks(BLOCK).enumerate() {
        let first = block * BLOCK;
        for (column, get) in values.chunks_exact_mut(n.max(1)).zip(getters) {
            for (value, idx) in column[first..].iter_mut().zip(units) {
                *value = get(sight(idx));
            }
        }
    }
}

fn text_of(value: f64, buffer: &mut zmij::Buffer) -> &str {
    if value.is_finite() {
        buffer.format_finite(value)
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

/// Appends a label's value as both formats want it.
fn escape(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str]) -> Result<Vec<&'static str>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let chosen = Chosen::by_names(&names)?;
        Ok(chosen.0.iter().map(|at| short(OF_UNITS[*at].name)).collect())
    }

    #[test]
    fn families_are_chosen_by_their_name_or_by_words_of_it() {
        assert_eq!(chosen(&["soc_ratio"]), Ok(vec!["soc_ratio"]));
        assert_eq!(chosen(&["bess_unit_soc_ratio"]), Ok(vec!["soc_ratio"]));
        assert_eq!(chosen(&["soc"]), Ok(vec!["soc_ratio", "true_soc_ratio"]));
        assert_eq!(chosen(&["state", "info", "state"]), Ok(vec!["info", "state"]));
        let temperatures = chosen(&["temperature"]).unwrap();
        assert!(temperatures.len() >= 6, "{temperatures:?}");
        assert!(temperatures.iter().all(|name| name.contains("temperature")));
        assert_eq!(chosen(&[]).unwrap().len(), OF_UNITS.len());
        for unknown in ["", "_", "so", "ratio_soc", "bess_unit_", "SOC"] {
            assert_eq!(chosen(&["soc", unknown]), Err(unknown.to_owned()));
        }
    }

    #[test]
    fn numbers_that_are_none_are_written_as_both_formats_write_them() {
        let mut buffer = zmij::Buffer::new();
        let mut text = |value| text_of(value, &mut buffer).to_owned();
        assert_eq!(text(f64::INFINITY), "+Inf");
        assert_eq!(text(f64::NEG_INFINITY), "-Inf");
        assert_eq!([text(0.1), text(-3.0), text(1e300)], ["0.1", "-3.0", "1e+300"]);
    }
}
