//! Reads people's CSV files into series.
//!
//! A file has a header line, a time column and one value column whose name says its unit; other
//! columns may hold anything. What makes a column fit is in the two tables of [`names`]: a new name
//! or unit is one line. Values leave in SI units, times in seconds.
//!
//! Everything that is wrong with a file is reported at its place, up to [`PROBLEMS_MAX`] at once.
//! A series holds each value from its row until the next; reference trajectories, which carry in
//! each row the input of the time that *ended* there, are turned into such a series here.

mod names;
mod source;

pub(crate) use names::Quantity;

use bess_core::config::{Problem, Problems};
use bess_core::series::Series;
use bess_core::time::SimTime;
use names::{Dimension, TIME_COLUMNS, TimeKind, Unit, Wanted, unit, unit_in_name};
use source::Source;
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

fn no_place(path: &Path, message: impl Into<String>, hint: Option<String>) -> Problems {
    let file = path.display().to_string();
    Problems(vec![Problem::without_place(&file, message, hint)])
}

fn series_of(path: &Path, samples: &[(f64, f64)], looped: bool) -> Result<Series, Problems> {
    Series::new(samples, looped).map_err(|error| no_place(path, error.to_string(), None))
}

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
                None if !wanted.takes_columns() => {
                    format!("name the column {}", wanted.names()[0])
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
mod tests;
