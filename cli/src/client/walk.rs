//! `bess point walk`: forces each point after the other, so that a list of points can be checked end to
//! end against the screens of whoever reads them.
//!
//! Each alarm bit stands alone for a while, then each point shows a number that tells which one it is:
//! its address, as far as its type can show it. What was forced is released before the next point, and on
//! an error, Ctrl-C or the end of the terminal as well.

use super::point::{Device, Point, forced_point, points, words};
use super::{Refused, Target, path};
use crate::BadInput;
use anyhow::Context;
use serde_json::json;
use std::io::Write;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Force each point after the other, so that a list of points can be checked end to end
///
/// Prints a line of CSV for each: what was forced, to what, and the words that were sent.
#[derive(Debug, clap::Args)]
pub(super) struct WalkArgs {
    #[command(flatten)]
    device: Device,
    /// Only the points of this map
    #[arg(long)]
    map: Option<String>,
    /// alarms: each bit of each field of bits, alone; points: all others, each with a number that tells
    /// which one it is
    #[arg(long, default_value = "all", value_parser = ["alarms", "points", "all"])]
    what: String,
    /// How long each is shown, in wall time
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = crate::duration::parse_duration)]
    dwell: f64,
    /// Begin with this point
    #[arg(long, value_name = "POINT")]
    from: Option<String>,
    /// Only points that can be written
    #[arg(long)]
    writable: bool,
}

/// One thing to show.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    /// For people: the name of a bit, a number, a text.
    value: String,
    wish: Wish,
}

#[derive(Clone, Debug, PartialEq)]
enum Wish {
    Value(f64),
    Words(Vec<u16>),
}

/// Largest bit that a number holds exactly.
const BIT_MAX: u32 = 52;

/// What is shown at a point, in order.
fn steps(point: &Point) -> Vec<Step> {
    if point.is_bits {
        return bits(point);
    }
    if point.text.is_some() {
        let text = point.address.to_string();
        let mut bytes = text.clone().into_bytes();
        bytes.resize(2 * usize::from(point.registers), 0);
        let words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let value = text.chars().take(2 * usize::from(point.registers)).collect();
        return vec![Step { value, wish: Wish::Words(words.collect()) }];
    }
    let number = match (&point.symbols[..], point.minimum, point.maximum) {
        ([], Some(min), Some(max)) => telling(point.address, (min, max), point.value),
        ([], ..) => {
            let word = point.address % 0x8000;
            let wish = Wish::Words(vec![word; usize::from(point.registers)]);
            return vec![Step { value: word.to_string(), wish }];
        }
        (symbols, ..) => {
            let nth = |n: usize| f64::from(symbols[n % symbols.len()].value);
            let n = usize::from(point.address);
            if Some(nth(n)) == point.value { nth(n + 1) } else { nth(n) }
        }
    };
    vec![Step { value: number.to_string(), wish: Wish::Value(number) }]
}

/// Each bit alone: those with a name, or all where none has one.
fn bits(point: &Point) -> Vec<Step> {
    let named = point.symbols.iter().map(|symbol| (symbol.value, symbol.name.clone()));
    let mut all: Vec<(u32, String)> = named.collect();
    if all.is_empty() {
        all = (0..16 * u32::from(point.registers)).map(|bit| (bit, format!("bit {bit}"))).collect();
    }
    let step = |(bit, value): (u32, String)| {
        let wish = if bit <= BIT_MAX {
            Wish::Value((1u64 << bit) as f64)
        } else {
            let registers = usize::from(point.registers);
            let mut words = vec![0; registers];
            let word = registers.checked_sub(1 + bit as usize / 16)?;
            words[word] = 1 << (bit % 16);
            Wish::Words(words)
        };
        Some(Step { value, wish })
    };
    all.into_iter().filter_map(step).collect()
}

/// The address, as far as the range takes it, and never what the point shows anyway.
fn telling(address: u16, (min, max): (f64, f64), now: Option<f64>) -> f64 {
    let address = f64::from(address);
    let number = if max >= 1.0 {
        address % (max.floor() + 1.0)
    } else if max > 0.0 {
        max * (address % 100.0) / 100.0
    } else {
        -(address % (-min.ceil() + 1.0))
    };
    let number = number.clamp(min, max);
    match now {
        Some(now) if now == number => {
            if number + 1.0 <= max {
                number + 1.0
            } else {
                (number - 1.0).max(min)
            }
        }
        _ => number,
    }
}

/// Sees the end of the walk come, while a point is shown.
struct Patience {
    runtime: tokio::runtime::Runtime,
    signals: [Signal; 3],
}

impl Patience {
    fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        let signals = [interrupt?, terminate?, hangup?];
        drop(inside);
        Ok(Self { runtime, signals })
    }

    /// Waits; whether somebody wants an end.
    fn wait(&mut self, seconds: f64) -> bool {
        let [interrupt, terminate, hangup] = &mut self.signals;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = interrupt.recv() => true,
                _ = terminate.recv() => true,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(Duration::from_secs_f64(seconds)) => false,
            }
        })
    }
}

/// Somebody wants an end.
#[derive(Debug)]
struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}
impl std::error::Error for Interrupted {}

/// The points that are walked through, in order.
fn chosen(args: &WalkArgs, all: Vec<Point>) -> anyhow::Result<Vec<Point>> {
    let mut points: Vec<Point> = all
        .into_iter()
        .filter(|point| match args.what.as_str() {
            "alarms" => point.is_bits,
            "points" => !point.is_bits,
            _ => true,
        })
        .filter(|point| !args.writable || point.access.contains('W'))
        .collect();
    if let Some(from) = &args.from {
        let is_it = |point: &Point| point.name == *from || point.canonical() == *from;
        let Some(first) = points.iter().position(is_it) else {
            let message = format!("--from {from}: no such point is walked through");
            return Err(BadInput(message).into());
        };
        points.drain(..first);
    }
    Ok(points)
}

pub(super) fn run(target: &Target, args: &WalkArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let query = [("map", args.map.clone())];
    let answer = target.send("GET", &path(&args.device.resource(), &query), None)?;
    let points = chosen(args, points(&answer)?)?;
    let mut walk = Walk { target, args, patience: Patience::new()?, out, refused: 0 };
    walk.line(&["point", "table", "address", "value", "words"].map(str::to_owned))?;
    for point in &points {
        if point.forced {
            let name = point.canonical();
            let _ = writeln!(std::io::stderr(), "{name} is forced already: left as it is");
            continue;
        }
        let shown = walk.show(point);
        let released = walk.release(point, &shown);
        let name = point.canonical();
        shown.with_context(|| format!("ended at {name}; go on with --from '{name}'"))?;
        released?;
    }
    if walk.refused > 0 {
        anyhow::bail!("values refused: {}", walk.refused);
    }
    Ok(())
}

/// Tries to release a point of a busy farm, and the time between them.
const RELEASE_TRIES: u32 = 5;
const RELEASE_PAUSE: Duration = Duration::from_secs(1);

/// The status with which the farm refused; `None` where it did not answer.
fn status(error: &anyhow::Error) -> Option<u16> {
    error.downcast_ref::<Refused>().map(|refused| refused.status)
}

struct Walk<'w> {
    target: &'w Target,
    args: &'w WalkArgs,
    patience: Patience,
    out: &'w mut dyn Write,
    /// Values that the farm did not take.
    refused: usize,
}

impl Walk<'_> {
    /// Shows one point in all its values.
    fn show(&mut self, point: &Point) -> anyhow::Result<()> {
        for step in steps(point) {
            let mut body = json!({ "point": point.canonical() });
            match step.wish {
                Wish::Value(value) => body["value"] = json!(value),
                Wish::Words(words) => body["words"] = json!(words),
            }
            let path = format!("{}/force", self.args.device.resource());
            let answer = match self.target.send("POST", &path, Some(body)) {
                Ok(answer) => answer,
                // One that does not take its value must not end the walk through all others.
                Err(error) if status(&error).is_some_and(|status| status < 500) => {
                    let _ = writeln!(std::io::stderr(), "{}: {error}", point.canonical());
                    self.refused += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let sent = forced_point(&answer).map(|shown| words(&shown.words)).unwrap_or_default();
            let address = point.address.to_string();
            self.line(&[point.canonical(), point.table.clone(), address, step.value, sent])?;
            if self.patience.wait(self.args.dwell) {
                return Err(Interrupted.into());
            }
        }
        Ok(())
    }

    /// Releases a point, whatever came of showing it.
    fn release(&self, point: &Point, shown: &anyhow::Result<()>) -> anyhow::Result<()> {
        let name = point.canonical();
        let path = format!("{}/release", self.args.device.resource());
        let mut tries_left = RELEASE_TRIES;
        loop {
            tries_left -= 1;
            let Err(error) = self.target.send("POST", &path, Some(json!({ "point": name }))) else {
                return Ok(());
            };
            match status(&error) {
                // It is not forced: it took none of its values.
                Some(422) => return Ok(()),
                // A busy farm is not busy for long.
                Some(503) if tries_left > 0 => std::thread::sleep(RELEASE_PAUSE),
                _ => {
                    let unit = self.args.device.name();
                    let hint = format!(
                        "{name} may still be forced: release it with `bess point release {unit} '{name}'`"
                    );
                    // Who ends the walk is told why; this must not go under.
                    if shown.is_err() {
                        let _ = writeln!(std::io::stderr(), "{hint}");
                    }
                    return Err(error.context(hint));
                }
            }
        }
    }

    /// A line of CSV, shown at once.
    fn line(&mut self, fields: &[String; 5]) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(fields)?;
        let line = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        self.out.write_all(&line)?;
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn point(address: u16, registers: u16, change: Value) -> Point {
        let mut point = json!({
            "map": "m", "name": "p", "table": "holding", "address": address,
            "registers": registers, "type": "t", "unit_of_measure": "", "access": "R",
            "symbols": [], "words": [], "value": 5.0, "text": null, "minimum": -32_767.0,
            "maximum": 32_767.0, "is_bits": false, "forced": false,
        });
        let Value::Object(change) = change else { panic!("{change} is no object") };
        for (key, value) in change {
            point[key] = value;
        }
        serde_json::from_value(point).unwrap()
    }
    fn value(point: &Point) -> f64 {
        match &steps(point)[..] {
            [Step { wish: Wish::Value(value), .. }] => *value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_number_shows_its_address_as_far_as_its_type_takes_it() {
        for (address, min, max, expected) in [
            (12, -32_767.0, 32_767.0, 12.0),
            (40_123, -32_767.0, 32_767.0, 7_355.0),
            (40_123, 0.0, 65_534.0, 40_123.0),
            (40_123, -2_147_483_647.0, 2_147_483_647.0, 40_123.0),
            (40_123, 0.0, 655.34, 107.0),
            (40_123, -3.4e38, 3.4e38, 40_123.0),
            (40_123, 0.0, 0.5, 0.115),
            (40_123, -10.0, 0.0, -6.0),
        ] {
            let number = value(&point(address, 1, json!({"minimum": min, "maximum": max})));
            assert!((number - expected).abs() < 1e-9, "{address} in {min} to {max}: {number}");
            assert!((min..=max).contains(&number));
        }
    }

    #[test]
    fn what_is_shown_differs_from_what_is_so() {
        let range = |max: f64| json!({"minimum": 0.0, "maximum": max, "value": 0.0});
        assert!((value(&point(0, 1, range(65_534.0))) - 1.0).abs() < 1e-9);
        assert!((value(&point(40_000, 1, range(1.0))) - 1.0).abs() < 1e-9, "a coil");
        let on = json!({"minimum": 0.0, "maximum": 1.0, "value": 1.0});
        assert!(value(&point(40_001, 1, on)).abs() < 1e-9);
        let symbols = json!([{"name": "OFF", "value": 1}, {"name": "ON", "value": 4}]);
        let state =
            |address, now| value(&point(address, 1, json!({"symbols": symbols, "value": now})));
        assert!((state(6, 4.0) - 1.0).abs() < 1e-9 && (state(6, 1.0) - 4.0).abs() < 1e-9);
        assert!((state(7, 1.0) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_text_spells_its_address_and_what_has_no_range_shows_it_in_each_word() {
        let text = point(40_004, 3, json!({"text": "bess", "value": null, "minimum": null}));
        let words = vec![0x3430, 0x3030, 0x3400];
        assert_eq!(steps(&text), [Step { value: "40004".into(), wish: Wish::Words(words) }]);
        let short = point(40_004, 1, json!({"text": "", "value": null}));
        assert_eq!(steps(&short)[0], Step { value: "40".into(), wish: Wish::Words(vec![0x3430]) });
        let bare = point(40_004, 2, json!({"minimum": null, "maximum": null}));
        assert_eq!(steps(&bare)[0].wish, Wish::Words(vec![7_236, 7_236]));
    }

    #[test]
    fn each_named_bit_stands_alone_and_all_do_where_none_has_a_name() {
        let symbols = json!([{"name": "HOT", "value": 0}, {"name": "COLD", "value": 17}]);
        let alarms = steps(&point(14, 2, json!({"is_bits": true, "symbols": symbols})));
        let expected = [
            Step { value: "HOT".into(), wish: Wish::Value(1.0) },
            Step { value: "COLD".into(), wish: Wish::Value(131_072.0) },
        ];
        assert_eq!(alarms, expected);
        let wide = steps(&point(14, 4, json!({"is_bits": true})));
        assert_eq!((wide.len(), wide[3].value.as_str()), (64, "bit 3"));
        assert_eq!(wide[52].wish, Wish::Value(4_503_599_627_370_496.0));
        assert_eq!(wide[63].wish, Wish::Words(vec![0x8000, 0, 0, 0]));
        assert_eq!(wide[53].wish, Wish::Words(vec![1 << 5, 0, 0, 0]));
    }

    #[test]
    fn the_walk_is_narrowed_by_kind_access_and_where_it_begins() {
        let all = || {
            vec![
                point(1, 1, json!({"name": "a"})),
                point(2, 2, json!({"name": "b", "is_bits": true})),
                point(3, 1, json!({"name": "c", "access": "RW"})),
            ]
        };
        let names = |what: &str, from: Option<&str>, writable| {
            let device = Device::of_unit("3");
            let (what, from) = (what.to_owned(), from.map(str::to_owned));
            let args = WalkArgs { device, map: None, what, dwell: 0.0, from, writable };
            let names = |points: Vec<Point>| points.into_iter().map(|p| p.name).collect::<String>();
            chosen(&args, all()).map(names)
        };
        assert_eq!(names("all", None, false).unwrap(), "abc");
        assert_eq!(names("alarms", None, false).unwrap(), "b");
        assert_eq!(names("points", None, false).unwrap(), "ac");
        assert_eq!(names("all", Some("m/b"), false).unwrap(), "bc");
        assert_eq!(names("all", Some("c"), false).unwrap(), "c");
        assert_eq!(names("all", None, true).unwrap(), "c");
        assert!(names("alarms", Some("a"), false).is_err());
    }
}
