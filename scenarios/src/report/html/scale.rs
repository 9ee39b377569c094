//! From times and values to places on a chart, and the ticks of its axes.

/// Width of every chart in its own units; they share the time axis, so that one can look from one to
/// the other.
pub(super) const WIDTH: f64 = 1000.0;
/// Where the plot begins: left of it stand labels.
pub(super) const LEFT: f64 = 208.0;
/// Where it ends.
pub(super) const RIGHT: f64 = 988.0;

/// The time axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeAxis {
    /// First moment in s.
    pub(super) from_s: f64,
    /// Last one.
    pub(super) to_s: f64,
}

/// Steps between ticks of a time axis, in s.
const STEPS_S: [f64; 20] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 7200.0, 14_400.0, 21_600.0, 86_400.0,
];

impl TimeAxis {
    pub(super) fn new(from_s: f64, to_s: f64) -> Self {
        Self { from_s, to_s: to_s.max(from_s + 0.1) }
    }
    /// The place of a moment, inside of the plot.
    pub(super) fn x(&self, at_s: f64) -> f64 {
        let part = (at_s - self.from_s) / (self.to_s - self.from_s);
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
    /// Moments with a tick and its label.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let length_s = self.to_s - self.from_s;
        let step_s = STEPS_S.into_iter().find(|step_s| length_s / step_s <= 10.0);
        let step_s = step_s.unwrap_or_else(|| (length_s / 10.0 / 86_400.0).ceil() * 86_400.0);
        let first = (self.from_s / step_s - 1e-9).ceil() as i64;
        let last = (self.to_s / step_s + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step_s).map(|at_s| (at_s, clock(at_s, step_s))).collect()
    }
}

/// A moment as `m:ss`, `h:mm:ss` or, where ticks are close, `m:ss.s`.
fn clock(at_s: f64, step_s: f64) -> String {
    let tenths = (at_s.abs() * 10.0).round() as u64;
    let sign = if at_s < 0.0 && tenths > 0 { "−" } else { "" };
    let (s, tenth) = (tenths / 10, tenths % 10);
    let part = if step_s < 1.0 { format!(".{tenth}") } else { String::new() };
    match s / 3600 {
        0 => format!("{sign}{}:{:02}{part}", s / 60, s % 60),
        h => format!("{sign}{h}:{:02}:{:02}{part}", s / 60 % 60, s % 60),
    }
}

/// A moment for a table: to the tick.
pub(super) fn moment(at_s: f64) -> String {
    clock(at_s, 0.1)
}
/// A moment, or a dash.
pub(super) fn moment_or(at_s: Option<f64>) -> String {
    at_s.map_or_else(|| "–".to_owned(), moment)
}

/// The axis of values.
#[derive(Clone, Debug)]
pub(super) struct ValueAxis {
    low: f64,
    high: f64,
    step: f64,
    /// By what values are divided before they are shown.
    factor: f64,
    decimals: usize,
    /// Unit of what is shown.
    pub(super) unit: String,
    top: f64,
    bottom: f64,
}

/// Units that are shown by their multiples.
const MULTIPLES: [(&str, [&str; 4]); 5] = [
    ("W", ["W", "kW", "MW", "GW"]),
    ("var", ["var", "kvar", "Mvar", "Gvar"]),
    ("VA", ["VA", "kVA", "MVA", "GVA"]),
    ("Wh", ["Wh", "kWh", "MWh", "GWh"]),
    ("V", ["V", "kV", "MV", "GV"]),
];

/// What is shown of values up to `size`: by what they are divided, and the unit of that.
fn multiple(unit: &str, size: f64) -> (f64, String) {
    let plain = || match unit {
        "degC" => "°C".to_owned(),
        "kohm" => "kΩ".to_owned(),
        "ohm" => "Ω".to_owned(),
        unit => unit.to_owned(),
    };
    let Some((_, names)) = MULTIPLES.iter().find(|(name, _)| *name == unit) else {
        return (1.0, plain());
    };
    let powers = [(1e9, 3), (1e6, 2), (1e3, 1)];
    // 800 V stay V; 1.2 kV as 1200 V reads better than as 1.2 kV.
    let least = if unit == "V" { 20.0 } else { 1.0 };
    let fitting = powers.into_iter().find(|(factor, _)| size >= factor * least);
    fitting.map_or_else(|| (1.0, plain()), |(factor, place)| (factor, names[place].to_owned()))
}

/// A value with its unit, for people.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    let (factor, unit) = multiple(unit, value.abs());
    let value = super::super::words::number(value / factor);
    if unit.is_empty() { value } else { format!("{value} {unit}") }
}

impl ValueAxis {
    /// For values from `low` to `high` between the places `top` and `bottom`.
    pub(super) fn new(low: f64, high: f64, unit: &str, top: f64, bottom: f64) -> Self {
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let size = low.abs().max(high.abs());
        let (factor, unit) = multiple(unit, size);
        // What stands still is drawn as a line in the middle, not as noise of the last digit.
        let least = if size < 1e-9 { 1.0 } else { size * 2e-3 };
        let pad = if high - low < least { least } else { (high - low) * 0.06 };
        // Nothing that is never negative gets an axis below zero.
        let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
        let (low, high) = ((low - pad).max(floor), high + pad);
        let (step, decimals) = step((high - low) / factor);
        Self { low, high, step, factor, decimals, unit, top, bottom }
    }
    /// The place of a value, inside of the plot.
    pub(super) fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        self.bottom - part.clamp(0.0, 1.0) * (self.bottom - self.top)
    }
    /// Places of ticks with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let first = (self.low / self.factor / self.step - 1e-9).ceil() as i64;
        let last = (self.high / self.factor / self.step + 1e-9).floor() as i64;
        let tick = |n: i64| {
            let value = n as f64 * self.step;
            let decimals = self.decimals;
            let label = format!("{:.decimals$}", value.abs());
            let sign = if value < 0.0 && n != 0 { "−" } else { "" };
            (self.y(value * self.factor), format!("{sign}{label}"))
        };
        (first..=last).map(tick).collect()
    }
    /// Lowest and highest value that is shown, in what is shown.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low / self.factor, self.high / self.factor)
    }
}

/// A step of 1, 2 or 5 times a power of ten that makes at most five parts of `span`, and the decimals
/// that its multiples need.
fn step(span: f64) -> (f64, usize) {
    let wanted = span / 5.0;
    let (mut power, mut decimals) = (1.0, 0usize);
    // By hand: a logarithm may differ in the last digit between platforms.
    while power > wanted && decimals < 9 {
        power /= 10.0;
        decimals += 1;
    }
    while power * 10.0 <= wanted {
        power *= 10.0;
    }
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| power * times >= wanted);
    let times = times.unwrap_or(10.0);
    let decimals = if times >= 10.0 { decimals.saturating_sub(1) } else { decimals };
    (power * times, decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, unit: &str) -> (Vec<String>, String) {
        let axis = ValueAxis::new(low, high, unit, 0.0, 100.0);
        (axis.ticks().into_iter().map(|(_, label)| label).collect(), axis.unit)
    }

    #[test]
    fn values_get_few_round_ticks_in_a_unit_that_fits() {
        assert_eq!(
            labels(-3.2e6, 48e6, "W"),
            (["0", "20", "40"].map(str::to_owned).into(), "MW".to_owned())
        );
        assert_eq!(labels(49.78, 50.02, "Hz").0, ["49.8", "49.9", "50.0"]);
        assert_eq!(labels(0.0, 3.0, "").0, ["0", "1", "2", "3"]);
        assert_eq!(
            labels(-20.0, 40.0, "degC"),
            (["−20", "0", "20", "40"].map(str::to_owned).into(), "°C".to_owned())
        );
        assert_eq!(labels(700.0, 1200.0, "V").1, "V");
    }

    #[test]
    fn what_is_zero_all_the_time_is_no_small_number() {
        assert_eq!(labels(0.0, 0.0, "W").0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn what_stands_still_or_is_not_there_has_an_axis_too() {
        for (low, high) in
            [(50.0, 50.0), (0.0, 0.0), (f64::INFINITY, f64::NEG_INFINITY), (-1e-12, 1e-12)]
        {
            let axis = ValueAxis::new(low, high, "Hz", 0.0, 100.0);
            let ticks = axis.ticks();
            assert!((1..=7).contains(&ticks.len()), "{low} {high}: {ticks:?}");
            assert!(ticks.iter().all(|(y, _)| (0.0..=100.0).contains(y)));
        }
    }

    #[test]
    fn times_count_from_the_zero_of_the_time_line() {
        let labels = |from_s, to_s| -> Vec<String> {
            TimeAxis::new(from_s, to_s).ticks().into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(-60.0, 300.0), ["−1:00", "0:00", "1:00", "2:00", "3:00", "4:00", "5:00"]);
        assert_eq!(
            labels(0.0, 2.0),
            [
                "0:00.0", "0:00.2", "0:00.4", "0:00.6", "0:00.8", "0:01.0", "0:01.2", "0:01.4",
                "0:01.6", "0:01.8", "0:02.0"
            ]
        );
        assert_eq!(labels(0.0, 7200.0).last().map(String::as_str), Some("2:00:00"));
        assert_eq!(moment(121.5), "2:01.5");
    }
}
