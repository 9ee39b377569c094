//! `bess point`: what the register maps of a running farm show, and what they are forced to show.

use super::walk::{self, WalkArgs};
use super::{Target, acknowledge, cell, encoded, given, path, print, rows};
use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

/// List, force and walk through the points of a running farm's register maps
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess point list 3 --map sunspec
  bess point force 3 sunspec/701.W 123456
  bess point force plant compact/12 --words 0,1000
  bess point forced
  bess point release 3 --all
  bess point walk 3 --map sunspec --what alarms --dwell 2s

Forcing changes what clients read over Modbus and nothing else. A point is named by its name, by
map/name or by map/address; the unit by its number or name, or as plant.")]
pub(crate) struct PointArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: PointCommand,
}

/// Which unit.
#[derive(Debug, clap::Args)]
pub(super) struct Device {
    /// Number or name of the unit, or plant
    unit: String,
}

impl Device {
    /// Its resource in REST.
    pub(super) fn resource(&self) -> String {
        match self.unit.as_str() {
            "plant" => "farm/points".to_owned(),
            unit => format!("units/{}/points", encoded(unit)),
        }
    }
    /// The unit that people call `unit`, or the plant.
    #[cfg(test)]
    pub(super) fn of_unit(unit: &str) -> Self {
        Self { unit: unit.to_owned() }
    }
    /// As it was given.
    pub(super) fn name(&self) -> &str {
        &self.unit
    }
}

#[derive(Debug, clap::Subcommand)]
enum PointCommand {
    /// A line for each point
    List {
        #[command(flatten)]
        device: Device,
        /// Only those of this map
        #[arg(long)]
        map: Option<String>,
        /// Only those that are forced
        #[arg(long)]
        forced: bool,
    },
    /// Make a point show a value, whatever is so
    Force {
        #[command(flatten)]
        device: Device,
        /// The point
        point: String,
        /// Engineering value, encoded as the point is; of bits the whole field as a number
        #[arg(allow_hyphen_values = true, required_unless_present = "words")]
        value: Option<f64>,
        /// Its registers as they are sent, separated by commas
        #[arg(long, value_delimiter = ',', conflicts_with = "value")]
        words: Option<Vec<u16>>,
    },
    /// Let a point show again what is so
    Release {
        #[command(flatten)]
        device: Device,
        #[command(flatten)]
        which: Which,
    },
    /// Every forced point of the farm
    Forced,
    /// Force each point after the other, so that a list of points can be checked end to end
    Walk(WalkArgs),
}

/// One point of a device, or all.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The point
    point: Option<String>,
    /// Every one of that unit, or of the plant
    #[arg(long)]
    all: bool,
}

/// A point as REST shows it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Point {
    pub(super) map: String,
    pub(super) name: String,
    pub(super) table: String,
    pub(super) address: u16,
    pub(super) registers: u16,
    pub(super) unit_of_measure: String,
    pub(super) access: String,
    pub(super) symbols: Vec<Symbol>,
    pub(super) words: Vec<u16>,
    pub(super) value: Option<f64>,
    pub(super) text: Option<String>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) is_bits: bool,
    pub(super) forced: bool,
}

/// A named value, or bit.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) value: u32,
}

impl Point {
    /// Its name everywhere.
    pub(super) fn canonical(&self) -> String {
        format!("{}/{}", self.map, self.name)
    }

    /// What it shows, for people: a text, the names of bits, a number with its name or unit.
    fn shown(&self) -> String {
        if let Some(text) = &self.text {
            return format!("{text:?}");
        }
        let Some(value) = self.value else { return "-".to_owned() };
        if self.is_bits {
            let bit =
                |symbol: &&Symbol| (value as u64).checked_shr(symbol.value).unwrap_or(0) & 1 == 1;
            let names: Vec<&str> =
                self.symbols.iter().filter(bit).map(|symbol| symbol.name.as_str()).collect();
            return if names.is_empty() { value.to_string() } else { names.join(" ") };
        }
        let named = self.symbols.iter().find(|symbol| f64::from(symbol.value) == value);
        match named {
            Some(symbol) => format!("{value} {}", symbol.name),
            None => format!("{value} {}", self.unit_of_measure).trim_end().to_owned(),
        }
    }
}

/// Words as people and spreadsheets read them.
pub(super) fn words(words: &[u16]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The points of an answer.
pub(super) fn points(answer: &Value) -> anyhow::Result<Vec<Point>> {
    let points = answer.get("points").cloned().unwrap_or_default();
    serde_json::from_value(points).context("an answer with other points than this version knows")
}

/// The point that was forced, as the answer shows it.
pub(super) fn forced_point(answer: &Value) -> Option<Point> {
    serde_json::from_value(answer.get("point")?.clone()).ok()
}

pub(crate) fn run(args: &PointArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    match &args.command {
        PointCommand::List { device, map, forced } => {
            let params = [("map", map.clone()), ("forced", forced.then(|| "true".to_owned()))];
            let answer = target.send("GET", &path(&device.resource(), &params), None)?;
            if target.json { print(&answer, out) } else { list(&points(&answer)?, out) }
        }
        PointCommand::Force { device, point, value, words: wish } => {
            let body = given([
                ("point", Some(json!(point))),
                ("value", value.map(Value::from)),
                ("words", wish.clone().map(Value::from)),
            ]);
            let answer =
                target.send("POST", &format!("{}/force", device.resource()), Some(body))?;
            match forced_point(&answer).filter(|_| !target.json) {
                Some(point) => Ok(writeln!(
                    out,
                    "{} shows {} ({} {}: {})",
                    point.canonical(),
                    point.shown(),
                    point.table,
                    point.address,
                    words(&point.words)
                )?),
                None => acknowledge(target, &answer, out),
            }
        }
        PointCommand::Release { device, which } => {
            let body = given([("point", which.point.clone().map(Value::from))]);
            let path = format!("{}/release", device.resource());
            acknowledge(target, &target.send("POST", &path, Some(body))?, out)
        }
        PointCommand::Forced => {
            let answer = target.send("GET", "farm/forced", None)?;
            if target.json { print(&answer, out) } else { list_forced(&answer, out) }
        }
        PointCommand::Walk(args) => walk::run(target, args, out),
    }
}

fn list(points: &[Point], out: &mut dyn Write) -> anyhow::Result<()> {
    let [point, table, address, access, words_, value] =
        ["point", "table", "address", "access", "words", "value"];
    writeln!(out, "{point:<36} {table:<8} {address:>7} {access:<6} {words_:<24} {value}")?;
    for point in points {
        writeln!(
            out,
            "{:<36} {:<8} {:>7} {:<6} {:<24} {}{}",
            point.canonical(),
            point.table,
            point.address,
            point.access,
            words(&point.words),
            point.shown(),
            if point.forced { " (forced)" } else { "" },
        )?;
    }
    Ok(())
}

fn list_forced(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    for forced in rows(answer, "forced")? {
        let device = match forced.get("unit").and_then(Value::as_u64) {
            Some(unit) => format!("unit {unit}"),
            None => "plant".to_owned(),
        };
        let value = match forced.get("words").and_then(Value::as_array) {
            Some(words) => {
                let words: Vec<String> = words.iter().map(Value::to_string).collect();
                format!("words {}", words.join(" "))
            }
            None => cell(forced, "value"),
        };
        writeln!(out, "{device:<10} {:<36} {value}", cell(forced, "point"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(change: Value) -> Point {
        let mut point = json!({
            "map": "m", "name": "p", "table": "holding", "address": 12, "registers": 2,
            "type": "int32", "unit_of_measure": "W", "access": "R", "symbols": [],
            "words": [0, 5], "value": 5.0, "text": null, "minimum": -10.0, "maximum": 10.0,
            "is_bits": false, "forced": false,
        });
        let Value::Object(change) = change else { panic!("{change} is no object") };
        for (key, value) in change {
            point[key] = value;
        }
        serde_json::from_value(point).unwrap()
    }

    #[test]
    fn a_point_is_shown_by_its_text_its_bits_or_its_number_with_name_or_unit() {
        assert_eq!(point(json!({})).shown(), "5 W");
        assert_eq!(point(json!({"value": null})).shown(), "-");
        assert_eq!(point(json!({"text": "abc", "value": null})).shown(), "\"abc\"");
        let symbols = json!([{"name": "OFF", "value": 1}, {"name": "ON", "value": 5}]);
        assert_eq!(point(json!({"symbols": symbols})).shown(), "5 ON");
        let bits = |value: f64| {
            let symbols = json!([{"name": "HOT", "value": 0}, {"name": "COLD", "value": 17}]);
            point(json!({"is_bits": true, "symbols": symbols, "value": value})).shown()
        };
        assert_eq!((bits(131_073.0), bits(2.0)), ("HOT COLD".to_owned(), "2".to_owned()));
    }

    #[test]
    fn a_line_says_where_the_point_is_what_is_sent_and_whether_it_is_forced() {
        let mut out = Vec::new();
        list(&[point(json!({"forced": true}))], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = text.lines().nth(1).unwrap();
        for part in ["m/p ", "holding", " 12 R ", "0 5 ", "5 W (forced)"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }

    #[test]
    fn what_is_forced_is_listed_with_its_device() {
        let answer = json!({"forced": [
            {"unit": null, "point": "m/a", "value": 1.5, "words": null},
            {"unit": 3, "point": "m/b", "value": null, "words": [1, 2]},
        ]});
        let mut out = Vec::new();
        list_forced(&answer, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["plant", "m/a", "1.5"]);
        assert_eq!(lines[1], ["unit", "3", "m/b", "words", "1", "2"]);
    }

    #[test]
    fn a_device_is_a_unit_or_the_plant() {
        let resource = |unit: &str| Device::of_unit(unit).resource();
        assert_eq!(resource("plant"), "farm/points");
        assert_eq!(resource("unit 3/a"), "units/unit%203%2Fa/points");
    }
}
