//! Reads people's CSV files into series, and the durations that they type.
//!
//! A file has a header line, a time column and one value column whose name says its unit; other
//! columns may hold anything. What makes a column fit is in two tables, [`TIME_COLUMNS`] and
//! [`UNITS`]: a new name or unit is one line. Values leave in SI units, times in seconds.
//!
//! Everything that is wrong with a file is reported at its place, up to [`PROBLEMS_MAX`] at once.
//! A series holds each value from its row until the next; reference trajectories, which carry in
//! each row the input of the time that *ended* there, are turned into such a series here.

use bess_core::config::{Problem, Problems};
use bess_core::series::Series;
use bess_core::time::SimTime;
use std::ops::Range;
use std::path::Path;

/// How to find and adapt the value column of a file.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub(crate) struct ColumnOptions {
    /// Value column to read, where the file has several or its name has no unit.
    #[arg(long, value_name = "NAME")]
    pub(crate) column: Option<String>,
    /// Factor on every value; for a column without a unit the product is in W, Hz, degC or A.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) scale: Option<f64>,
    /// Turn the sign of every value, for files in which positive means charge.
    #[arg(long)]
    pub(crate) invert: bool,
    /// Start over after the last row instead of holding it.
    #[arg(long = "loop")]
    pub(crate) looped: bool,
    /// Instant that is 0 s for a calendar time column; the first row when absent.
    #[arg(skip)]
    pub(crate) start: Option<SimTime>,
}

/// What a series for a farm must hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantity {
    /// Power of the farm at the POI; leaves in watts.
    FarmPower {
        /// Rated power of the farm in watts, for columns in percent of it.
        rated_w: f64,
    },
    /// Grid frequency; leaves in hertz.
    Frequency,
    /// Ambient temperature; leaves in degrees Celsius.
    Ambient,
}

/// What drives a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellInput {
    /// Current in amperes.
    CurrentA,
    /// Current in multiples of the nominal capacity per hour.
    CRate,
    /// Power in watts.
    PowerW,
}

/// A profile for one cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CellProfile {
    /// What the values are.
    pub(crate) input: CellInput,
    /// The values, each held until the next.
    pub(crate) series: Series,
    /// When the profile is used up, in seconds.
    pub(crate) end_s: f64,
    /// Whether the file carried in each row the input of the time that ended there.
    pub(crate) row_is_end_of_interval: bool,
}

/// At most this many problems of a file are reported.
pub(crate) const PROBLEMS_MAX: usize = 10;

/// Reads a series for a farm.
///
/// # Errors
/// Everything that is wrong with the file.
pub(crate) fn read_series(
    path: &Path,
    quantity: Quantity,
    options: &ColumnOptions,
) -> Result<Series, Problems> {
    let rows = read_rows(path, Wanted::Farm(quantity), options)?;
    series_of(path, &rows.samples, options.looped)
}

/// Reads a profile for one cell.
///
/// `row_is_end_of_interval` says whether a row carries the input of the time that ended there. When
/// it is absent, that is assumed of a file with columns `I_A` and `V_V`: a trajectory, whose rows
/// are states with the input that led to them. Its input is `I_A` unless `--column` names another.
///
/// # Errors
/// Everything that is wrong with the file.
pub(crate) fn read_cell_profile(
    path: &Path,
    options: &ColumnOptions,
    row_is_end_of_interval: Option<bool>,
) -> Result<CellProfile, Problems> {
    let rows = read_rows(path, Wanted::Cell, options)?;
    let input = match rows.dimension {
        Dimension::CRate => CellInput::CRate,
        Dimension::Power => CellInput::PowerW,
        _ => CellInput::CurrentA,
    };
    let ends = row_is_end_of_interval.unwrap_or(rows.is_trajectory);
    if !ends {
        let series = series_of(path, &rows.samples, options.looped)?;
        return Ok(CellProfile {
            input,
            end_s: series.end_s(),
            series,
            row_is_end_of_interval: false,
        });
    }
    let [.., (end_s, _)] = rows.samples[..] else {
        return Err(no_place(path, "the file has no rows after its header", None));
    };
    let begun: Vec<(f64, f64)> =
        rows.samples.windows(2).map(|pair| (pair[0].0, pair[1].1)).collect();
    if begun.is_empty() {
        let message = "a trajectory needs at least two rows: each carries the input of the time \
                       from the row before it";
        return Err(no_place(path, message, None));
    }
    Ok(CellProfile {
        input,
        series: series_of(path, &begun, options.looped)?,
        end_s,
        row_is_end_of_interval: true,
    })
}

/// Seconds of a duration such as `90s`, `15m`, `24h`, `7d`, `100ms` or `1h30m`.
///
/// # Errors
/// What was expected, in words.
pub(crate) fn parse_duration(text: &str) -> Result<f64, String> {
    const UNITS_S: [(&str, f64); 5] =
        [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
    let expected = || {
        let hint = match text.trim().parse::<f64>() {
            Ok(number) if number > 0.0 => format!(" (did you mean {number}s or {number}h?)"),
            _ => String::new(),
        };
        format!("expected a number with a unit, such as 90s, 15m, 24h, 7d or 100ms{hint}")
    };
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(0.0);
    }
    let mut total_s = 0.0;
    while !rest.is_empty() {
        let split = rest.find(|c: char| c.is_ascii_alphabetic());
        let (number, tail) = rest.split_at(split.ok_or_else(expected)?);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let factor = UNITS_S.iter().find(|(name, _)| *name == unit);
        let (_, factor) = factor.ok_or_else(expected)?;
        let number: f64 = number.trim().parse().map_err(|_| expected())?;
        if number < 0.0 {
            return Err(format!("a duration cannot be negative; {}", expected()));
        }
        total_s += number * factor;
        rest = next.trim_start();
    }
    if text.trim().is_empty() || !total_s.is_finite() {
        return Err(expected());
    }
    Ok(total_s)
}

// ---------------------------------------------------------------------------------------------
// Names and units

/// How a time column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeKind {
    /// Seconds from the start of the run.
    Seconds,
    /// Hours from the start of the run.
    Hours,
    /// Seconds since midnight; the first row is the start of the run.
    SecondOfDay,
    /// RFC 3339; the first row, or a given instant, is the start of the run.
    Calendar,
}

/// Names of time columns in lower case; the first one that a file has counts.
const TIME_COLUMNS: &[(&str, TimeKind)] = &[
    ("t_s", TimeKind::Seconds),
    ("time_s", TimeKind::Seconds),
    ("seconds", TimeKind::Seconds),
    ("t_h", TimeKind::Hours),
    ("t_hours", TimeKind::Hours),
    ("time_h", TimeKind::Hours),
    ("second_of_day", TimeKind::SecondOfDay),
    ("time", TimeKind::Calendar),
    ("time_utc", TimeKind::Calendar),
    ("timestamp", TimeKind::Calendar),
    ("datetime", TimeKind::Calendar),
];

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    Power,
    /// Fraction of the rated power, once the factor is applied.
    OfRated,
    Frequency,
    Temperature,
    Current,
    CRate,
}

impl Dimension {
    fn words(self) -> &'static str {
        match self {
            Self::Power => "a power",
            Self::OfRated => "a share of the rated power",
            Self::Frequency => "a frequency",
            Self::Temperature => "a temperature",
            Self::Current => "a current",
            Self::CRate => "a C-rate",
        }
    }
}

/// A unit as it stands in the name of a column; value * factor + offset is in the base unit.
#[derive(Clone, Copy, Debug)]
struct Unit {
    token: &'static str,
    dimension: Dimension,
    factor: f64,
    offset: f64,
}

const fn unit(token: &'static str, dimension: Dimension, factor: f64) -> Unit {
    Unit { token, dimension, factor, offset: 0.0 }
}

/// Tokens in lower case. `mw` is the megawatt: nobody dispatches milliwatts.
const UNITS: &[Unit] = &[
    unit("w", Dimension::Power, 1.0),
    unit("kw", Dimension::Power, 1e3),
    unit("mw", Dimension::Power, 1e6),
    unit("gw", Dimension::Power, 1e9),
    unit("pct", Dimension::OfRated, 0.01),
    unit("percent", Dimension::OfRated, 0.01),
    unit("%", Dimension::OfRated, 0.01),
    unit("pu", Dimension::OfRated, 1.0),
    unit("hz", Dimension::Frequency, 1.0),
    unit("degc", Dimension::Temperature, 1.0),
    unit("celsius", Dimension::Temperature, 1.0),
    unit("°c", Dimension::Temperature, 1.0),
    unit("c", Dimension::Temperature, 1.0),
    Unit { token: "k", dimension: Dimension::Temperature, factor: 1.0, offset: -273.15 },
    Unit {
        token: "degf",
        dimension: Dimension::Temperature,
        factor: 5.0 / 9.0,
        offset: -160.0 / 9.0,
    },
    unit("a", Dimension::Current, 1.0),
    unit("ma", Dimension::Current, 1e-3),
    unit("crate", Dimension::CRate, 1.0),
];

/// What the reader is asked for.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Farm(Quantity),
    Cell,
}

impl Wanted {
    fn accepts(self, dimension: Dimension) -> bool {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => {
                matches!(dimension, Dimension::Power | Dimension::OfRated)
            }
            Self::Farm(Quantity::Frequency) => dimension == Dimension::Frequency,
            Self::Farm(Quantity::Ambient) => dimension == Dimension::Temperature,
            Self::Cell => {
                matches!(dimension, Dimension::Current | Dimension::CRate | Dimension::Power)
            }
        }
    }
    /// The dimension of a column that has no unit but a scale.
    fn base(self) -> Dimension {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => Dimension::Power,
            Self::Farm(Quantity::Frequency) => Dimension::Frequency,
            Self::Farm(Quantity::Ambient) => Dimension::Temperature,
            Self::Cell => Dimension::Current,
        }
    }
    /// The names of the contract; one of them wins over other columns with a fitting unit.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => {
                &["power_w", "power_kw", "power_mw", "power_pct"]
            }
            Self::Farm(Quantity::Frequency) => &["frequency_hz"],
            Self::Farm(Quantity::Ambient) => &["ambient_degc"],
            Self::Cell => &["current_a", "c_rate", "power_w"],
        }
    }
    fn noun(self) -> &'static str {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => "power",
            Self::Farm(Quantity::Frequency) => "frequency",
            Self::Farm(Quantity::Ambient) => "ambient temperature",
            Self::Cell => "current, C-rate or power",
        }
    }
    fn units(self) -> &'static str {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => "w, kw, mw or pct",
            Self::Farm(Quantity::Frequency) => "hz",
            Self::Farm(Quantity::Ambient) => "degc",
            Self::Cell => "a, c_rate or w",
        }
    }
    fn base_unit(self) -> &'static str {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => "W",
            Self::Farm(Quantity::Frequency) => "Hz",
            Self::Farm(Quantity::Ambient) => "degC",
            Self::Cell => "A",
        }
    }
    /// The range that a value must lie in, with the hint for one that does not.
    fn bounds(self) -> Option<(f64, f64)> {
        match self {
            Self::Farm(Quantity::Frequency) => Some((40.0, 70.0)),
            Self::Farm(Quantity::Ambient) => Some((-60.0, 80.0)),
            Self::Farm(Quantity::FarmPower { .. }) | Self::Cell => None,
        }
    }
}

/// The unit that the name of a column tells; one that `wanted` accepts comes first, then the last.
fn unit_in_name(name: &str, wanted: Wanted) -> Option<Unit> {
    let name = name.to_lowercase();
    if name.replace(['-', ' '], "_").contains("c_rate") {
        return Some(unit("c_rate", Dimension::CRate, 1.0));
    }
    let separators = ['_', '-', ' ', '(', ')', '[', ']', '/'];
    let found: Vec<Unit> = name
        .rsplit(separators)
        .filter_map(|token| UNITS.iter().copied().find(|unit| unit.token == token))
        .collect();
    let fitting = found.iter().find(|unit| wanted.accepts(unit.dimension));
    fitting.or(found.first()).copied()
}

// ---------------------------------------------------------------------------------------------
// Places in the text

/// A text in which places are named.
#[derive(Clone, Copy)]
struct Source<'a> {
    file: &'a str,
    text: &'a str,
    delimiter: u8,
}

impl Source<'_> {
    fn problem(&self, span: Range<usize>, message: String, hint: Option<String>) -> Problem {
        let line_start = self.text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &self.text[span.start..];
        let line_end = span.start + rest.find('\n').unwrap_or(rest.len());
        let end = span.end.clamp(span.start, line_end);
        Problem {
            file: self.file.to_owned(),
            line: self.line(span.start),
            column: self.text[line_start..span.start].chars().count() + 1,
            source_line: self.text[line_start..line_end].trim_end_matches('\r').to_owned(),
            width: self.text[span.start..end].chars().count().max(1),
            message,
            hint,
        }
    }
    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }
    /// Start of the record that the reader found from byte `at` on, past blank lines and comments.
    fn record_start(&self, record: &csv::StringRecord) -> usize {
        let from = record.position().map_or(0, csv::Position::byte) as usize;
        let mut at = from.min(self.text.len());
        loop {
            let rest = &self.text[at..];
            let line = rest.split_inclusive('\n').next().unwrap_or("");
            let skipped = line.trim_end_matches(['\r', '\n']).is_empty() || line.starts_with('#');
            if line.is_empty() || !skipped {
                return at;
            }
            at += line.len();
        }
    }
    /// The text of field `index` of a record without the blanks around it; the end of the record
    /// when it has fewer fields.
    fn field(&self, record: &csv::StringRecord, index: usize) -> Range<usize> {
        let start = self.record_start(record);
        let bytes = self.text.as_bytes();
        let (mut field_start, mut field_idx, mut quoted, mut at) = (start, 0, false, start);
        while at < bytes.len() && (quoted || bytes[at] != b'\n') {
            if bytes[at] == b'"' {
                quoted = !quoted;
            } else if bytes[at] == self.delimiter && !quoted {
                if field_idx == index {
                    break;
                }
                field_idx += 1;
                field_start = at + 1;
            }
            at += 1;
        }
        if field_idx < index {
            field_start = at;
        }
        let field = &self.text[field_start..at];
        let blank = field.len() - field.trim_start().len();
        let start = field_start + blank.min(field.len());
        start..start + field.trim().len()
    }
    fn whole_line(&self, record: &csv::StringRecord) -> Range<usize> {
        let start = self.record_start(record);
        let rest = &self.text[start..];
        start..start + rest.lines().next().unwrap_or("").len()
    }
}

fn no_place(path: &Path, message: impl Into<String>, hint: Option<String>) -> Problems {
    let file = path.display().to_string();
    Problems(vec![Problem::without_place(&file, message, hint)])
}

fn series_of(path: &Path, samples: &[(f64, f64)], looped: bool) -> Result<Series, Problems> {
    Series::new(samples, looped).map_err(|error| no_place(path, error.to_string(), None))
}

// ---------------------------------------------------------------------------------------------
// Reading

/// The rows of a file in base units.
struct Rows {
    samples: Vec<(f64, f64)>,
    dimension: Dimension,
    is_trajectory: bool,
}

/// Which columns to read and what they mean.
struct Columns {
    n: usize,
    time: usize,
    time_kind: TimeKind,
    value: usize,
    dimension: Dimension,
    factor: f64,
    offset: f64,
    is_trajectory: bool,
}

/// Spreadsheets put it in front of UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

fn read_text(path: &Path) -> Result<String, Problems> {
    let bytes = std::fs::read(path).map_err(|error| {
        let hint = "check the path; it counts from the folder that the command runs in";
        no_place(path, format!("cannot read the file: {error}"), Some(hint.into()))
    })?;
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        let message = format!("the file is not UTF-8 text: see line {line}");
        no_place(path, message, Some("save it as CSV in UTF-8".into()))
    })?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(text)
}

fn read_rows(path: &Path, wanted: Wanted, options: &ColumnOptions) -> Result<Rows, Problems> {
    if let Some(scale) = options.scale.filter(|x| !x.is_finite() || *x == 0.0) {
        let message = format!("--scale must be a finite number other than 0, got {scale}");
        return Err(no_place(path, message, None));
    }
    let text = read_text(path)?;
    let file = path.display().to_string();
    let source = Source { file: &file, text: &text, delimiter: delimiter_of(&text) };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .delimiter(source.delimiter)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| no_place(path, error.to_string(), None))?.clone();
    let columns = choose_columns(source, &header, wanted, options).map_err(Problems)?;
    let mut parser = RowParser {
        source,
        columns,
        wanted,
        base: options.start.map(|start| i128::from(start.unix_ns)),
        first_second: None,
        previous: None,
        samples: Vec::new(),
        problems: Vec::new(),
    };
    let mut record = csv::StringRecord::new();
    while parser.problems.len() < PROBLEMS_MAX {
        match reader.read_record(&mut record) {
            Ok(true) => parser.take(&record),
            Ok(false) => break,
            Err(error) => return Err(no_place(path, error.to_string(), None)),
        }
    }
    parser.finish()
}

/// The separator that stands most often in the first line with text: comma, semicolon or tab.
fn delimiter_of(text: &str) -> u8 {
    let is_header = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let line = text.lines().find(is_header).unwrap_or("");
    let count = |delimiter: &u8| line.bytes().filter(|byte| byte == delimiter).count();
    // The last of equal maxima wins, so the comma stands last.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn choose_columns(
    source: Source<'_>,
    header: &csv::StringRecord,
    wanted: Wanted,
    options: &ColumnOptions,
) -> Result<Columns, Vec<Problem>> {
    let example = format!("such as t_s,{}", wanted.names()[0]);
    if header.iter().all(str::is_empty) {
        let hint = format!("the first line must name the columns, {example}");
        let problem = Problem::without_place(source.file, "the file is empty", Some(hint));
        return Err(vec![problem]);
    }
    let is_data = |field: &str| field.parse::<f64>().is_ok() || parse_instant(field).is_ok();
    if header.iter().all(is_data) {
        let message = "expected a header line with the names of the columns, found data".to_owned();
        let hint = Some(format!("put a first line before it, {example}"));
        return Err(vec![source.problem(source.whole_line(header), message, hint)]);
    }
    let mut problems = Vec::new();
    let lower: Vec<String> = header.iter().map(str::to_lowercase).collect();
    let time = TIME_COLUMNS.iter().find_map(|(name, kind)| {
        let index = lower.iter().position(|column| column == name)?;
        Some((index, *kind))
    });
    if time.is_none() {
        let message = format!(
            "no time column among {}: expected `t_s` (seconds) or `time` (RFC 3339)",
            listed(header.iter())
        );
        let hint = "also known: second_of_day, t_hours, timestamp".to_owned();
        problems.push(source.problem(source.whole_line(header), message, Some(hint)));
    }
    let time_idx = time.map(|(index, _)| index);
    let is_trajectory = matches!(wanted, Wanted::Cell)
        && ["I_A", "V_V"].iter().all(|name| header.iter().any(|h| h == *name));
    let value = choose_value(source, header, time_idx, wanted, is_trajectory, options);
    match (value, time) {
        (Ok((value, unit)), Some((time, time_kind))) => {
            let rated = match wanted {
                Wanted::Farm(Quantity::FarmPower { rated_w })
                    if unit.dimension == Dimension::OfRated =>
                {
                    rated_w
                }
                _ => 1.0,
            };
            let sign = if options.invert { -1.0 } else { 1.0 };
            Ok(Columns {
                n: header.len(),
                time,
                time_kind,
                value,
                dimension: unit.dimension,
                factor: unit.factor * rated * sign * options.scale.unwrap_or(1.0),
                offset: unit.offset * sign,
                is_trajectory,
            })
        }
        (value, _) => {
            problems.extend(value.err());
            Err(problems)
        }
    }
}

/// The value column and its unit.
fn choose_value(
    source: Source<'_>,
    header: &csv::StringRecord,
    time: Option<usize>,
    wanted: Wanted,
    is_trajectory: bool,
    options: &ColumnOptions,
) -> Result<(usize, Unit), Problem> {
    let whole = source.whole_line(header);
    let values = || (0..header.len()).filter(|index| Some(*index) != time);
    if let Some(name) = &options.column {
        return choose_named(source, header, time, wanted, name, options.scale);
    }
    let fitting: Vec<(usize, Unit)> = values()
        .filter_map(|index| Some((index, unit_in_name(&header[index], wanted)?)))
        .filter(|(_, unit)| wanted.accepts(unit.dimension))
        .collect();
    let by_contract: Vec<(usize, Unit)> = fitting
        .iter()
        .copied()
        .filter(|(index, _)| {
            let name = header[*index].to_lowercase();
            wanted.names().contains(&name.as_str()) || (is_trajectory && name == "i_a")
        })
        .collect();
    match (&fitting[..], &by_contract[..]) {
        ([one], _) | (_, [one]) => Ok(*one),
        ([], _) => {
            let other = values().find_map(|index| {
                let unit = unit_in_name(&header[index], wanted)?;
                Some((index, unit.dimension))
            });
            let (span, found) = match other {
                Some((index, dimension)) => (
                    source.field(header, index),
                    format!("`{}` is {}", &header[index], dimension.words()),
                ),
                None => (whole, format!("no unit among {}", listed(header.iter()))),
            };
            let message = format!(
                "no {} column: {found}; expected one named with its unit ({}), such as `{}`",
                wanted.noun(),
                wanted.units(),
                wanted.names()[0]
            );
            let hint = match other.map(|(_, dimension)| dimension) {
                Some(Dimension::Frequency) => "is this the file for --frequency?".to_owned(),
                Some(Dimension::Temperature) => "is this the file for --ambient?".to_owned(),
                Some(Dimension::Power | Dimension::OfRated) => {
                    "is this the file for --dispatch?".to_owned()
                }
                Some(Dimension::Current | Dimension::CRate) => {
                    "is this a profile for `bess cell`?".to_owned()
                }
                None => format!(
                    "pick one with --column NAME --scale X, where value * X is in {}",
                    wanted.base_unit()
                ),
            };
            Err(source.problem(span, message, Some(hint)))
        }
        (many, _) => {
            let names = many.iter().map(|(index, _)| &header[*index]);
            let message = format!(
                "{} columns could hold the {}: {}",
                many.len(),
                wanted.noun(),
                listed(names)
            );
            let hint = format!("pick one, such as --column {}", &header[many[0].0]);
            Err(source.problem(source.field(header, many[0].0), message, Some(hint)))
        }
    }
}

/// The value column that `--column` names.
fn choose_named(
    source: Source<'_>,
    header: &csv::StringRecord,
    time: Option<usize>,
    wanted: Wanted,
    name: &str,
    scale: Option<f64>,
) -> Result<(usize, Unit), Problem> {
    let named = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        (0..header.len()).filter(|index| same(&header[*index])).collect()
    };
    let mut found = named(&|column| column == name);
    if found.is_empty() {
        found = named(&|column| column.eq_ignore_ascii_case(name));
    }
    let [index] = found[..] else {
        let message = match found.len() {
            0 => format!("no column `{name}` among {}", listed(header.iter())),
            n => format!("{n} columns are called `{name}`"),
        };
        let span = source.whole_line(header);
        return Err(source.problem(span, message, Some("mend --column".to_owned())));
    };
    let span = source.field(header, index);
    if time == Some(index) {
        let message = format!("`{name}` is the time column, not a value");
        return Err(source.problem(span, message, Some("mend --column".to_owned())));
    }
    let bare = unit("", wanted.base(), 1.0);
    match unit_in_name(&header[index], wanted) {
        Some(unit) if wanted.accepts(unit.dimension) => Ok((index, unit)),
        // Per unit or percent of something else: the scale says of what.
        Some(share) if share.dimension == Dimension::OfRated && scale.is_some() => {
            Ok((index, bare))
        }
        Some(unit) => {
            let message = format!(
                "`{name}` is {}, expected {} ({})",
                unit.dimension.words(),
                wanted.noun(),
                wanted.units()
            );
            Err(source.problem(span, message, None))
        }
        None if scale.is_some() => Ok((index, bare)),
        None => {
            let message =
                format!("the name `{name}` has no unit of {} ({})", wanted.noun(), wanted.units());
            let hint = format!("give --scale X, where value * X is in {}", wanted.base_unit());
            Err(source.problem(span, message, Some(hint)))
        }
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// An instant in nanoseconds since the Unix epoch.
fn parse_instant(text: &str) -> Result<i128, jiff::Error> {
    Ok(text.parse::<jiff::Timestamp>()?.as_nanosecond())
}

/// Takes row by row and collects samples and problems.
struct RowParser<'a> {
    source: Source<'a>,
    columns: Columns,
    wanted: Wanted,
    /// Instant of 0 s in nanoseconds, once known.
    base: Option<i128>,
    first_second: Option<f64>,
    /// Time of the row before, as read and as written.
    previous: Option<(f64, String)>,
    samples: Vec<(f64, f64)>,
    problems: Vec<Problem>,
}

impl RowParser<'_> {
    fn take(&mut self, record: &csv::StringRecord) {
        let n = self.columns.n;
        // Trailing separators are common and harmless.
        if record.len() < n || record.iter().skip(n).any(|field| !field.is_empty()) {
            let span = match record.len() > n {
                true => self.source.field(record, n),
                false => self.source.whole_line(record),
            };
            let message = format!("the row has {}, the header {n}", fields(record.len()));
            let hint = "a decimal comma or a missing separator makes such rows".to_owned();
            self.problems.push(self.source.problem(span, message, Some(hint)));
            return;
        }
        let time_s = self.time_s(record);
        let value = self.value(record);
        match (time_s, value) {
            (Ok(time_s), Ok(value)) => self.samples.push((time_s, value)),
            (time_s, value) => self.problems.extend(time_s.err().into_iter().chain(value.err())),
        }
        self.problems.truncate(PROBLEMS_MAX);
    }

    fn time_s(&mut self, record: &csv::StringRecord) -> Result<f64, Problem> {
        let index = self.columns.time;
        let text = &record[index];
        let at =
            |message, hint| self.source.problem(self.source.field(record, index), message, hint);
        let number = || parse_number(text, "the time").map_err(|(message, hint)| at(message, hint));
        let time_s = match self.columns.time_kind {
            TimeKind::Seconds => number()?,
            TimeKind::Hours => number()? * 3600.0,
            TimeKind::SecondOfDay => {
                let second = number()?;
                second - *self.first_second.get_or_insert(second)
            }
            TimeKind::Calendar => {
                let instant = parse_instant(text).map_err(|_| {
                    let message = format!(
                        "expected an RFC 3339 time such as 2026-01-31T12:00:00Z, got `{text}`"
                    );
                    let hint = if text.parse::<f64>().is_ok() {
                        "if these are seconds, call the column t_s"
                    } else {
                        "the offset must be there: Z or +01:00"
                    };
                    at(message, Some(hint.to_owned()))
                })?;
                (instant - *self.base.get_or_insert(instant)) as f64 / 1e9
            }
        };
        let previous = self.previous.replace((time_s, text.to_owned()));
        match previous {
            Some((before_s, before)) if time_s <= before_s => {
                let unit = match self.columns.time_kind {
                    TimeKind::Seconds | TimeKind::SecondOfDay => " s",
                    TimeKind::Hours => " h",
                    TimeKind::Calendar => "",
                };
                let message = format!(
                    "time must increase from row to row, but {text}{unit} follows {before}{unit}"
                );
                let hint = match time_s == before_s {
                    true => "two rows have the same time; keep one",
                    false => "sort the rows, or split a file that starts over",
                };
                Err(at(message, Some(hint.to_owned())))
            }
            _ => Ok(time_s),
        }
    }

    fn value(&self, record: &csv::StringRecord) -> Result<f64, Problem> {
        let index = self.columns.value;
        let text = &record[index];
        let at =
            |message, hint| self.source.problem(self.source.field(record, index), message, hint);
        let noun = format!("the {}", self.wanted.noun());
        let number = parse_number(text, &noun).map_err(|(message, hint)| at(message, hint))?;
        // Adding 0.0 turns the negative zero of an inverted 0 into zero.
        let value = number * self.columns.factor + self.columns.offset + 0.0;
        let (min, max) = self.wanted.bounds().unwrap_or((f64::MIN, f64::MAX));
        if value >= min && value <= max {
            return Ok(value);
        }
        let unit = self.wanted.base_unit();
        let message = format!("{noun} must be from {min} to {max} {unit}, got {value}");
        let per_unit = self.wanted.base() == Dimension::Frequency && (0.8..1.2).contains(&value);
        let hint = per_unit.then(|| "per unit? give --scale 60 or --scale 50".to_owned());
        Err(at(message, hint))
    }

    fn finish(mut self) -> Result<Rows, Problems> {
        if self.samples.is_empty() && self.problems.is_empty() {
            let message = "the file has no rows after its header";
            self.problems.push(Problem::without_place(self.source.file, message, None));
        }
        if self.problems.is_empty() {
            return Ok(Rows {
                samples: self.samples,
                dimension: self.columns.dimension,
                is_trajectory: self.columns.is_trajectory,
            });
        }
        if self.problems.len() >= PROBLEMS_MAX
            && let Some(last) = self.problems.last_mut()
        {
            let stopped = format!("this is problem {PROBLEMS_MAX}; reading stopped here");
            last.hint = Some(match last.hint.take() {
                Some(hint) => format!("{hint}; {stopped}"),
                None => stopped,
            });
        }
        Err(Problems(self.problems))
    }
}

fn fields(n: usize) -> String {
    match n {
        1 => "1 field".to_owned(),
        _ => format!("{n} fields"),
    }
}

/// A finite number, or what is wrong and how to mend it.
fn parse_number(text: &str, noun: &str) -> Result<f64, (String, Option<String>)> {
    let hint = if text.is_empty() {
        Some("leave the row out: the value before it holds over a gap")
    } else if text.contains(',') {
        Some("write a decimal point instead of the comma")
    } else if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        Some("write the number alone; its unit belongs into the header")
    } else {
        None
    };
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err((format!("{noun} must be a finite number, got `{text}`"), None)),
        Err(_) => Err((format!("{noun} must be a number, got `{text}`"), hint.map(str::to_owned))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const RATED_W: f64 = 2e6;
    const POWER: Quantity = Quantity::FarmPower { rated_w: RATED_W };

    fn file(text: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_ref()).unwrap();
        file
    }
    fn read_with(
        text: &str,
        quantity: Quantity,
        options: &ColumnOptions,
    ) -> Result<Series, Problems> {
        read_series(file(text).path(), quantity, options)
    }
    fn read(text: &str, quantity: Quantity) -> Result<Series, Problems> {
        read_with(text, quantity, &ColumnOptions::default())
    }
    fn samples(series: &Series) -> Vec<(f64, f64)> {
        let times = series.times_s().iter().copied();
        times.zip(series.values().iter().copied()).collect()
    }
    fn values(text: &str, quantity: Quantity) -> Vec<f64> {
        read(text, quantity).unwrap().values().to_vec()
    }
    fn problems(text: &str, quantity: Quantity) -> Vec<Problem> {
        read(text, quantity).unwrap_err().0
    }
    fn column(name: &str) -> ColumnOptions {
        ColumnOptions { column: Some(name.to_owned()), ..ColumnOptions::default() }
    }
    fn scaled(name: &str, scale: f64) -> ColumnOptions {
        ColumnOptions { scale: Some(scale), ..column(name) }
    }
    fn cell(text: &str) -> Result<CellProfile, Problems> {
        read_cell_profile(file(text).path(), &ColumnOptions::default(), None)
    }

    #[test]
    fn a_power_column_leaves_in_watts_whatever_its_unit() {
        for (name, watts) in [
            ("power_w", 5.0),
            ("power_kw", 5e3),
            ("power_mw", 5e6),
            ("power_pct", 1e5),
            ("P_kW", 5e3),
            ("Power (MW)", 5e6),
            ("setpoint-percent", 1e5),
            ("p_pu", 1e7),
        ] {
            assert_eq!(values(&format!("t_s,{name}\n0,5\n"), POWER), [watts], "{name}");
        }
    }

    #[test]
    fn frequency_and_temperature_columns_are_found_by_their_unit() {
        assert_eq!(values("t_s,f_Hz\n1,59.98\n", Quantity::Frequency), [59.98]);
        assert_eq!(values("t_s,T_degC\n1,-5\n", Quantity::Ambient), [-5.0]);
        assert_eq!(values("t_s,T (°C)\n1,-5\n", Quantity::Ambient), [-5.0]);
        let kelvin = values("t_s,outside_K\n1,273.15\n", Quantity::Ambient);
        assert_eq!(kelvin, [0.0]);
        let fahrenheit = values("t_s,t_degF\n1,50\n", Quantity::Ambient);
        assert!((fahrenheit[0] - 10.0).abs() < 1e-9);
    }

    #[test]
    fn the_name_of_the_contract_wins_over_other_columns_with_a_fitting_unit() {
        let text = "t_s,aux_w,power_w,soc_pct\n0,1,2,3\n";
        assert_eq!(values(text, POWER), [2.0]);
    }

    #[test]
    fn times_may_be_seconds_hours_seconds_of_the_day_or_calendar_times() {
        let times = |text: &str| read(text, POWER).unwrap().times_s().to_vec();
        assert_eq!(times("t_s,p_w\n1,0\n2.5,0\n"), [1.0, 2.5]);
        assert_eq!(times("t_hours,p_w\n0,0\n1,0\n"), [0.0, 3600.0]);
        assert_eq!(times("second_of_day,p_w\n64800,0\n64804,0\n"), [0.0, 4.0]);
        let calendar = "time,p_w\n2026-01-01T00:00:00Z,0\n2026-01-01T01:00:00.5+01:00,0\n";
        assert_eq!(times(calendar), [0.0, 0.5]);
    }

    #[test]
    fn calendar_times_count_from_the_start_of_the_run_when_it_is_given() {
        let options = ColumnOptions {
            start: Some(SimTime { unix_ns: 10_000_000_000 }),
            ..ColumnOptions::default()
        };
        let text = "time,p_w\n1970-01-01T00:00:04Z,1\n1970-01-01T00:00:14Z,2\n";
        let series = read_with(text, POWER, &options).unwrap();
        assert_eq!(samples(&series), [(-6.0, 1.0), (4.0, 2.0)]);
        assert_eq!(series.at(0.0), 1.0);
    }

    #[test]
    fn column_scale_invert_and_loop_adapt_other_peoples_files() {
        let text = "second_of_day,pct_a,pct_b,raw\n10,1,-50,3\n14,2,25,4\n";
        let of = |options: &ColumnOptions| read_with(text, POWER, options).unwrap();
        assert_eq!(of(&column("pct_b")).values(), [-1e6, 5e5]);
        assert_eq!(of(&column("PCT_B")).values(), [-1e6, 5e5]);
        assert_eq!(of(&scaled("raw", 1000.0)).values(), [3000.0, 4000.0]);
        let turned = ColumnOptions { invert: true, looped: true, ..scaled("pct_b", 0.5) };
        assert_eq!(of(&turned).values(), [5e5, -2.5e5]);
        assert_eq!(of(&turned).at(8.0), 5e5);
        let per_unit = read_with("t_s,f_pu\n0,1.001\n", Quantity::Frequency, &scaled("f_pu", 60.0));
        assert_eq!(per_unit.unwrap().values(), [1.001 * 60.0]);
    }

    #[test]
    fn marks_comments_semicolons_blanks_and_other_columns_do_not_matter() {
        let text =
            "\u{feff}# made by hand\r\n\r\n t_s ; power_kw ;note\r\n0; 1 ;\"a;b\"\r\n\r\n4;2;\r\n";
        assert_eq!(samples(&read(text, POWER).unwrap()), [(0.0, 1e3), (4.0, 2e3)]);
        assert_eq!(values("t_s,p_w\n0,1,\n1,2,\n", POWER), [1.0, 2.0]);
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why() {
        let error = read_series(Path::new("/no/such.csv"), POWER, &ColumnOptions::default());
        let text = error.unwrap_err().to_string();
        assert!(text.contains("cannot read the file: No such file"), "{text}");
        assert!(text.contains("--> /no/such.csv") && text.contains("hint:"), "{text}");
        let utf16 = file([b'a', b'\n', 0xff, 0xfe]);
        let error = read_series(utf16.path(), POWER, &ColumnOptions::default()).unwrap_err();
        assert!(error.0[0].message.contains("UTF-8 text: see line 2"), "{error}");
    }

    #[test]
    fn empty_files_and_files_without_header_or_rows_are_told_apart() {
        let first = |text: &str| problems(text, POWER)[0].message.clone();
        assert_eq!(first(""), "the file is empty");
        assert_eq!(first("\n\n"), "the file is empty");
        assert!(first("0,1\n1,2\n").starts_with("expected a header line"));
        assert!(first("2026-01-01T00:00:00Z,1\n").starts_with("expected a header line"));
        assert!(first("t_s,power_w\n").starts_with("the file has no rows"));
    }

    #[test]
    fn a_missing_time_column_lists_the_columns_found() {
        let found = problems("when,power_w\n0,1\n", POWER);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("`when`, `power_w`"), "{}", found[0]);
        assert_eq!((found[0].line, found[0].column, found[0].width), (1, 1, 12));
    }

    #[test]
    fn several_value_columns_are_listed_with_the_option_that_picks_one() {
        let found = problems("second_of_day,pct_2016-04-14,pct_2016-05-03\n0,1,2\n", POWER);
        assert!(found[0].message.contains("`pct_2016-04-14`, `pct_2016-05-03`"));
        assert_eq!(found[0].hint.as_deref(), Some("pick one, such as --column pct_2016-04-14"));
        assert_eq!((found[0].column, found[0].width), (15, 14));
    }

    #[test]
    fn a_unit_that_is_unknown_or_of_another_quantity_is_refused() {
        let message = |text: &str, quantity| problems(text, quantity)[0].to_string();
        let other = message("t_s,f_Hz\n0,50\n", POWER);
        assert!(
            other.contains("`f_Hz` is a frequency") && other.contains("--frequency"),
            "{other}"
        );
        let other = message("t_s,power_kw\n0,50\n", Quantity::Frequency);
        assert!(other.contains("`power_kw` is a power") && other.contains("--dispatch"), "{other}");
        let unknown = message("t_s,power_hp\n0,50\n", POWER);
        assert!(unknown.contains("no unit among") && unknown.contains("--scale"), "{unknown}");

        let named = |text: &str, name: &str| {
            let error = read_with(text, POWER, &column(name)).unwrap_err();
            error.to_string()
        };
        let text = "t_s,power_hp,f_hz\n0,1,50\n";
        assert!(named(text, "power_hp").contains("has no unit"));
        assert!(named(text, "f_hz").contains("is a frequency, expected power"));
        assert!(named(text, "t_s").contains("is the time column"));
        assert!(named(text, "p").contains("no column `p` among `t_s`, `power_hp`, `f_hz`"));
    }

    #[test]
    fn every_wrong_row_is_reported_at_its_place() {
        let text = "t_s,power_kw\n0,1\n1,abc\n2,NaN\n2,5\nx,6\n3\n4,1,9\n5,2,5 kW\n6,\n";
        let places: Vec<(usize, usize, usize)> =
            problems(text, POWER).iter().map(|p| (p.line, p.column, p.width)).collect();
        assert_eq!(
            places,
            [
                (3, 3, 3),
                (4, 3, 3),
                (5, 1, 1),
                (6, 1, 1),
                (7, 1, 1),
                (8, 5, 1),
                (9, 5, 4),
                (10, 3, 1)
            ]
        );
    }

    #[test]
    fn a_wrong_row_is_shown_as_people_need_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.csv");
        std::fs::write(&path, "t_s,power_kw\n0,1\n10,2\n8,3 kW\n").unwrap();
        let shown = read_series(&path, POWER, &ColumnOptions::default()).unwrap_err();
        let shown = shown.to_string().replace(&path.display().to_string(), "day.csv");
        assert_eq!(
            shown,
            "error: time must increase from row to row, but 8 s follows 10 s
 --> day.csv:4:1
  |
4 | 8,3 kW
  | ^
hint: sort the rows, or split a file that starts over

error: the power must be a number, got `3 kW`
 --> day.csv:4:3
  |
4 | 8,3 kW
  |   ^^^^
hint: write the number alone; its unit belongs into the header
"
        );
    }

    #[test]
    fn a_series_that_starts_over_is_one_problem_and_not_one_a_row() {
        let found = problems("t_s,p_w\n0,1\n1,1\n2,1\n0,1\n1,1\n2,1\n", POWER);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 5);
    }

    #[test]
    fn ten_problems_are_enough_and_the_last_one_says_so() {
        let text = format!("t_s,p_w\n{}", "x,y\n".repeat(50));
        let found = problems(&text, POWER);
        assert_eq!(found.len(), PROBLEMS_MAX);
        assert!(found[9].hint.as_deref().unwrap().contains("reading stopped here"));
    }

    #[test]
    fn frequencies_and_temperatures_outside_of_what_exists_are_refused() {
        let found = problems("t_s,f_hz\n0,50\n1,1.0002\n2,400\n", Quantity::Frequency);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].hint.as_deref(), Some("per unit? give --scale 60 or --scale 50"));
        assert_eq!(found[1].message, "the frequency must be from 40 to 70 Hz, got 400");
        let found = problems("t_s,ambient_degc\n0,-61\n1,80\n", Quantity::Ambient);
        assert_eq!((found.len(), found[0].line), (1, 2));
    }

    #[test]
    fn calendar_times_need_their_offset_and_quoted_fields_their_place() {
        let text = "time,p_w\n\"2026-01-01T00:00:00\",1\n12,1\n";
        let found = problems(text, POWER);
        assert!(found[0].hint.as_deref().unwrap().contains("offset"));
        assert!(found[1].hint.as_deref().unwrap().contains("t_s"));
        assert_eq!((found[0].line, found[0].width), (2, 21));
    }

    #[test]
    fn a_scale_that_is_no_factor_is_refused() {
        for scale in [0.0, f64::NAN] {
            let error = read_with("t_s,p_w\n0,1\n", POWER, &scaled("p_w", scale));
            assert!(error.unwrap_err().0[0].message.contains("--scale"));
        }
    }

    #[test]
    fn a_cell_profile_tells_what_drives_the_cell() {
        for (name, input, factor) in [
            ("current_a", CellInput::CurrentA, 1.0),
            ("I_mA", CellInput::CurrentA, 1e-3),
            ("c_rate", CellInput::CRate, 1.0),
            ("C-rate", CellInput::CRate, 1.0),
            ("power_w", CellInput::PowerW, 1.0),
        ] {
            let profile = cell(&format!("t_s,{name}\n0,2\n10,0\n")).unwrap();
            assert_eq!(profile.input, input, "{name}");
            assert_eq!(profile.series.values()[0], 2.0 * factor, "{name}");
            assert!(!profile.row_is_end_of_interval);
            assert_eq!(profile.end_s, 20.0);
        }
        assert!(cell("t_s,temperature_degc\n0,25\n").is_err());
    }

    #[test]
    fn the_rows_of_a_trajectory_carry_the_input_of_the_time_that_ended() {
        let text = "t_s,I_A,P_W,V_V\n0,0,0,4.1\n1,280,1138,4.0\n2,280,1138,4.0\n5,-10,-41,4.1\n";
        let profile = cell(text).unwrap();
        assert!(profile.row_is_end_of_interval);
        assert_eq!(profile.input, CellInput::CurrentA);
        assert_eq!(samples(&profile.series), [(0.0, 280.0), (1.0, 280.0), (2.0, -10.0)]);
        assert_eq!(profile.end_s, 5.0);

        let path = file(text);
        let power = read_cell_profile(path.path(), &column("P_W"), None).unwrap();
        assert_eq!((power.input, power.series.values()[0]), (CellInput::PowerW, 1138.0));
        let held = read_cell_profile(path.path(), &ColumnOptions::default(), Some(false)).unwrap();
        assert_eq!(held.series.values(), [0.0, 280.0, 280.0, -10.0]);
        assert!(cell("t_s,I_A,V_V\n0,0,4.1\n").unwrap_err().0[0].message.contains("two rows"));
    }

    #[test]
    fn any_text_is_read_or_refused_with_places_inside_of_it() {
        use bess_core::rng::{Domain, Streams};
        const PIECES: [&str; 20] = [
            "t_s",
            "power_w",
            "time",
            ",",
            ",",
            ",",
            "\n",
            "\n",
            "\r\n",
            "\"",
            "#",
            ";",
            "1",
            "2.5",
            "nan",
            "°",
            "\r",
            " ",
            "2026-01-01T00:00:00Z",
            "\t",
        ];
        let mut stream = Streams::new(1).stream(Domain::Profile, 77);
        for round in 0..3000 {
            let mut text = if round % 2 == 0 { String::new() } else { "t_s,power_w\n".into() };
            for _ in 0..40 {
                text += PIECES[(stream.uniform() * 20.0) as usize];
            }
            let Err(found) = read(&text, POWER) else {
                continue;
            };
            assert!((1..=PROBLEMS_MAX).contains(&found.0.len()), "{text:?}");
            let lines = text.matches('\n').count() + 1;
            assert!(found.0.iter().all(|p| p.line <= lines), "{text:?} {found}");
        }
    }

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in [
            ("90s", 90.0),
            ("15m", 900.0),
            ("24h", 86_400.0),
            ("7d", 604_800.0),
            ("100ms", 0.1),
            ("1.5h", 5400.0),
            ("1h30m", 5400.0),
            (" 2 h ", 7200.0),
            ("0", 0.0),
        ] {
            assert_eq!(parse_duration(text), Ok(seconds), "{text}");
        }
        for text in ["", "24", "h", "-1h", "1y", "1h30", "inf s", "1e400s", "1 2h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_duration("24").unwrap_err().contains("24h"));
    }

    /// Reads a record of the shared folder where it is at hand.
    #[allow(clippy::print_stderr)] // A skipped test has to say so.
    fn shared(name: &str) -> Option<std::path::PathBuf> {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
        let folder = std::env::var("BESS_SHARED").unwrap_or_else(|_| beside.to_owned());
        let path = Path::new(&folder).join("reference").join(name);
        if !path.exists() {
            eprintln!("skipped: no record at {}", path.display());
            return None;
        }
        Some(path)
    }

    #[test]
    fn the_records_at_hand_can_be_read() {
        let default = ColumnOptions::default();
        if let Some(path) = shared("data/frequency/gmlc_us60_24h_1s.csv") {
            let day = read_series(&path, Quantity::Frequency, &default).unwrap();
            assert_eq!((day.values().len(), day.at(0.0)), (86_400, 59.982));
        }
        if let Some(path) = shared("data/dispatch/lbnl_caiso_agc_4s_5days.csv") {
            assert!(read_series(&path, POWER, &default).is_err());
            let day = read_series(&path, POWER, &column("pct_2016-04-14")).unwrap();
            assert_eq!((day.values().len(), day.at(0.0)), (3600, -0.56 * RATED_W));
        }
        if let Some(path) = shared("data/climate/miami_hourly_temperature.csv") {
            let year = read_series(&path, Quantity::Ambient, &default).unwrap();
            assert_eq!(year.at(3600.0), 18.9);
        }
        if let Some(path) = shared("ecm/a7_1rc_lfp_dynamic_power_1h.csv") {
            let hour = read_cell_profile(&path, &column("P_W"), None).unwrap();
            assert_eq!((hour.input, hour.end_s), (CellInput::PowerW, 3600.0));
        }
    }
}
