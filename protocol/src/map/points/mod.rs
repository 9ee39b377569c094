//! The database of points: every value that a map file can name, with its unit, who may write it and the
//! names of its values.
//!
//! Signals of `core` are points by themselves; `rows` has what else the standard maps show, what can be
//! written, and the compositions that vendors' maps need. Points of racks and cells are named by their
//! numbers (`rack.3.soc`, `rack.3.cell.17.voltage`).

mod read;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use read::{Not, Test};

use super::edit::Write;
use super::source::{Bind, Place, Source};
use bess_core::alarm::{ALARMS, AlarmLevel};
use bess_core::role::Role;
use bess_core::signal::{self, Quantity};
use rows::{ROWS, Row};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// Whose map it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Level {
    #[default]
    Unit,
    Plant,
}

impl Level {
    /// Both with their names in map files.
    pub(crate) const ALL: [(&'static str, Self); 2] =
        [("unit", Self::Unit), ("plant", Self::Plant)];
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number with a unit.
    Quantity,
    /// 0 or 1.
    Switch,
    /// One of several named values.
    Enum,
    /// A whole number that wraps.
    Counter,
    /// Named bits.
    Bits,
    Text,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Quantity => "number",
            Self::Switch => "yes or no",
            Self::Enum => "named value",
            Self::Counter => "counter",
            Self::Bits => "bits",
            Self::Text => "text",
        }
    }
}

/// Names of the values or bits of a point, each with its number.
pub(crate) type Names = Arc<[(String, u32)]>;

/// A value that a map file can name.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) name: Cow<'static, str>,
    /// Unit of the value; empty for none.
    pub(crate) unit: &'static str,
    pub(crate) kind: Kind,
    pub(crate) names: Names,
    pub(crate) source: Source,
    /// What writing does, where it can be written.
    pub(crate) write: Option<Write>,
    pub(crate) role: Role,
    pub(crate) help: Cow<'static, str>,
    /// Whose maps may show it; `None` for both.
    pub(crate) level: Option<Level>,
    /// Whether a snapshot carries it on request only.
    pub(crate) is_cell: bool,
}

/// A point for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointInfo {
    /// Name in map files.
    pub name: String,
    /// What it is: a number, a yes or no, one of several names, a counter, bits, a text.
    pub kind: &'static str,
    /// Unit of its value, or nothing.
    pub unit: String,
    /// "R" or "RW".
    pub access: &'static str,
    /// Who may write it at least; nothing where nobody may.
    pub role: &'static str,
    /// Whose maps may show it: "unit", "plant" or "both".
    pub level: &'static str,
    /// Names of its values or bits, each with its number.
    pub symbols: Vec<(String, u32)>,
    /// What it is.
    pub help: String,
}

impl From<&Point> for PointInfo {
    fn from(point: &Point) -> Self {
        Self {
            name: point.name.clone().into_owned(),
            kind: point.kind.name(),
            unit: point.unit.to_owned(),
            access: if point.write.is_some() { "RW" } else { "R" },
            role: if point.write.is_some() { point.role.name() } else { "" },
            level: match point.level {
                None => "both",
                Some(Level::Unit) => "unit",
                Some(Level::Plant) => "plant",
            },
            symbols: point.names.to_vec(),
            help: point.help.clone().into_owned(),
        }
    }
}

/// The unit in which a point has a quantity.
fn unit_of(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Watts => "W",
        Quantity::Vars => "var",
        Quantity::VoltAmps => "VA",
        Quantity::Volts => "V",
        Quantity::Amps => "A",
        Quantity::Joules => "Wh",
        Quantity::Litres => "l",
        Quantity::Hertz => "Hz",
        Quantity::Celsius => "degC",
        Quantity::Ohms => "ohm",
        Quantity::Seconds => "s",
        Quantity::Ratio => "%",
        Quantity::Count => "",
    }
}

fn names_of(table: &[(&str, u32)]) -> Names {
    table.iter().map(|(name, number)| (name.to_lowercase(), *number)).collect()
}

/// Names of a yes or no.
const NO_YES: &[(&str, u32)] = &[("no", 0), ("yes", 1)];

fn of_row(row: &Row) -> Point {
    let names = match row.kind {
        Kind::Switch if (row.names)().is_empty() => names_of(NO_YES),
        _ => names_of((row.names)()),
    };
    Point {
        name: Cow::Borrowed(row.name),
        unit: row.unit,
        kind: row.kind,
        names,
        source: row.read.resolve(row.unit, Place::default()),
        write: row.write,
        role: row.role,
        help: Cow::Borrowed(row.help),
        level: row.level,
        is_cell: false,
    }
}

fn plain(name: Cow<'static, str>, unit: &'static str, help: &'static str, source: Source) -> Point {
    Point {
        name,
        unit,
        kind: Kind::Quantity,
        names: names_of(&[]),
        source,
        write: None,
        role: Role::Operator,
        help: Cow::Borrowed(help),
        level: None,
        is_cell: false,
    }
}

/// A yes or no of its own.
fn switch(name: String, help: String, source: Source) -> Point {
    Point {
        kind: Kind::Switch,
        names: names_of(NO_YES),
        help: Cow::Owned(help),
        level: Some(Level::Unit),
        ..plain(Cow::Owned(name), "", "", source)
    }
}

/// Signals that a row of ours says more about.
fn has_row(name: &str) -> bool {
    ROWS.iter().any(|row| row.name == name)
}

fn signals() -> Vec<Point> {
    let mut points = Vec::new();
    for signal in signal::UNIT.iter().filter(|signal| !has_row(signal.name)) {
        let unit = unit_of(signal.quantity);
        let source = Bind::Unit(signal.name, 1.0).resolve(unit, Place::default());
        let point = plain(Cow::Borrowed(signal.name), unit, signal.help, source);
        points.push(Point { level: Some(Level::Unit), ..point });
    }
    for signal in signal::FARM {
        let name = format!("farm.{}", signal.name);
        if !has_row(&name) {
            let unit = unit_of(signal.quantity);
            let source = Bind::Farm(signal.name).resolve(unit, Place::default());
            points.push(plain(Cow::Owned(name), unit, signal.help, source));
        }
    }
    points
}

fn alarms() -> Vec<Point> {
    let mut points = Vec::new();
    for alarm in ALARMS {
        let name = format!("alarm.{}", alarm.name);
        let help = format!("Whether the alarm stands at any level: {}", alarm.text);
        points.push(switch(name.clone(), help, read::alarm(alarm.code, None)));
        for level in AlarmLevel::ALL {
            let help = format!("Whether it stands as {}", level.name());
            let source = read::alarm(alarm.code, Some(level));
            points.push(switch(format!("{name}.{}", level.name()), help, source));
        }
    }
    let help = "Whether any alarm stands".to_owned();
    points.push(switch("alarm.any".to_owned(), help, read::any_alarm(None)));
    for level in AlarmLevel::ALL {
        let help = format!("Whether any alarm stands as {}", level.name());
        let source = read::any_alarm(Some(level));
        points.push(switch(format!("alarm.any.{}", level.name()), help, source));
    }
    points
}

/// Every point but those of racks and cells.
pub(crate) fn all() -> &'static [Point] {
    static POINTS: OnceLock<Vec<Point>> = OnceLock::new();
    POINTS.get_or_init(|| {
        let mut points: Vec<Point> = ROWS.iter().map(of_row).collect();
        points.extend(signals());
        points.extend(alarms());
        points.sort_by(|a, b| a.name.cmp(&b.name));
        points
    })
}

/// The point called `name`.
pub(crate) fn find(name: &str) -> Option<Point> {
    let points = all();
    let known = points.binary_search_by(|point| (*point.name).cmp(name)).ok();
    known.map(|index| points[index].clone()).or_else(|| of_rack(name))
}

/// A point of a rack or of a cell of it.
fn of_rack(name: &str) -> Option<Point> {
    let (number, rest) = name.strip_prefix("rack.")?.split_once('.')?;
    let rack_idx = index(number, RACKS_MAX)?;
    if let Some((cell, what)) = rest.strip_prefix("cell.").and_then(|rest| rest.split_once('.')) {
        // The extremes of a rack begin with `cell.` too, and have no number.
        if let Some(cell_idx) = index(cell, CELLS_MAX) {
            return cell_point(name, (rack_idx, cell_idx), what);
        }
    }
    let place = Place { rack_idx, ..Place::default() };
    let of_unit = |point: Point| Point { level: Some(Level::Unit), ..point };
    if let Some(signal) = signal::RACK.iter().find(|signal| signal.name == rest) {
        let unit = unit_of(signal.quantity);
        let source = Bind::Rack(signal.name).resolve(unit, place);
        let point = plain(Cow::Owned(name.to_owned()), unit, signal.help, source);
        let point = match rest {
            "connected" => Point { kind: Kind::Switch, names: names_of(NO_YES), ..point },
            _ => point,
        };
        return Some(of_unit(point));
    }
    if let Some(row) = rows::RACK_ROWS.iter().find(|row| row.name == rest) {
        let point = of_row(row);
        return Some(of_unit(Point {
            name: Cow::Owned(name.to_owned()),
            source: row.read.resolve(row.unit, place),
            write: row.write.map(|write| write.of_rack(rack_idx)),
            ..point
        }));
    }
    let alarm = rest.strip_prefix("alarm.")?;
    let alarm = ALARMS.iter().find(|known| known.name == alarm)?;
    let help = format!("Whether the alarm stands for this rack: {}", alarm.text);
    Some(switch(name.to_owned(), help, read::rack_alarm(rack_idx, alarm.code)))
}

const RACKS_MAX: usize = 1_000;
const CELLS_MAX: usize = 100_000;

/// The index that a number from 1 stands for.
fn index(number: &str, max: usize) -> Option<usize> {
    let number: usize = number.parse().ok()?;
    (1..=max).contains(&number).then(|| number - 1)
}

fn cell_point(name: &str, place: (usize, usize), what: &str) -> Option<Point> {
    let (unit, help, is_temperature) = match what {
        "voltage" => ("V", "Voltage of the cell, as the BMS measures it", false),
        "temperature" => ("degC", "Temperature of the cell, as the BMS measures it", true),
        _ => return None,
    };
    let source = read::cell(place, is_temperature);
    let point = plain(Cow::Owned(name.to_owned()), unit, help, source);
    Some(Point { level: Some(Level::Unit), is_cell: true, ..point })
}

/// Every point for people; those of racks and cells as patterns, with `<n>` for the number.
pub fn points() -> Vec<PointInfo> {
    let mut points: Vec<PointInfo> = all().iter().map(PointInfo::from).collect();
    let patterns = signal::RACK.iter().map(|signal| signal.name);
    let patterns = patterns.chain(rows::RACK_ROWS.iter().map(|row| row.name));
    let patterns: Vec<String> = patterns.map(str::to_owned).collect();
    let alarm = format!("alarm.{}", ALARMS[0].name);
    let cells = ["cell.1.voltage", "cell.1.temperature"].map(str::to_owned);
    for pattern in patterns.into_iter().chain([alarm.clone()]).chain(cells) {
        let Some(point) = of_rack(&format!("rack.1.{pattern}")) else { continue };
        let shown = if pattern == alarm {
            "alarm.<alarm>".to_owned()
        } else {
            pattern.replace("cell.1.", "cell.<n>.")
        };
        let mut info = PointInfo::from(&point);
        info.name = format!("rack.<n>.{shown}");
        if pattern == alarm {
            info.help = "Whether the alarm stands for this rack".to_owned();
        }
        points.push(info);
    }
    points
}
