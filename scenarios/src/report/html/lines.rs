//! Lines of signals: which belong on one chart, and how many points of them are drawn.

use super::lanes::at;
use super::scale::{LEFT, RIGHT, TimeAxis, ValueAxis};
use crate::report::{Report, SignalPart};
use std::fmt::Write as _;

/// Points of all lines of a page together, which keeps it below 1 MB.
const POINTS_MAX: usize = 24_000;
/// Colours of lines; beyond them they are grey.
pub(super) const COLOURS: usize = 8;

/// A signal and what its name says.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// Its values.
    pub(super) signal: &'a SignalPart,
    /// Its name without what it is of and without `shadow.`.
    pub(super) base: &'a str,
    /// What it is of as a path, such as `unit-001/rack-2`; empty for what there is one of.
    pub(super) of: String,
    /// Whether it is of the farm without the faults.
    pub(super) is_shadow: bool,
    /// Place of its colour; `None` for grey.
    pub(super) colour: Option<usize>,
    /// Place of its base among those of the chart where colours tell what it is of: draws it dashed.
    pub(super) dash: usize,
}

impl<'a> Line<'a> {
    fn new(signal: &'a SignalPart) -> Self {
        let (name, labels) = signal.name.split_once('{').unwrap_or((&signal.name, ""));
        let base = name.strip_prefix("shadow.");
        let of = labels.trim_end_matches('}').split(',').filter_map(|label| {
            let (key, value) = label.split_once('=')?;
            let value = value.trim_matches('"');
            Some(if key == "unit" { value.to_owned() } else { format!("{key}-{value}") })
        });
        let of = of.collect::<Vec<_>>().join("/");
        let is_shadow = base.is_some();
        Self { signal, base: base.unwrap_or(name), of, is_shadow, colour: None, dash: 0 }
    }
    /// For the legend.
    pub(super) fn label(&self, is_alone: bool) -> String {
        let base = match (self.of.is_empty(), is_alone) {
            (true, _) => self.base.to_owned(),
            (false, true) => self.of.clone(),
            (false, false) => format!("{} {}", self.of, self.base),
        };
        if self.is_shadow { format!("{base}, without the faults") } else { base }
    }
}

/// Lines on one chart.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// Unit of the values.
    pub(super) unit: &'static str,
    /// The lines, by their place in the report.
    pub(super) lines: Vec<Line<'a>>,
    /// The different bases, in their order.
    pub(super) bases: Vec<&'a str>,
}

/// The signals of a report by charts: what there is one of by its unit, anything else also by the last
/// part of its name, so that what is measured and what is true stand on one.
pub(super) fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<((String, &str), Group<'_>)> = Vec::new();
    for line in report.signals.iter().map(Line::new) {
        let unit = line.signal.unit;
        let part = match (line.of.is_empty(), unit) {
            (true, unit) if !unit.is_empty() => String::new(),
            _ => {
                let depth = line.of.matches('/').count();
                let last = line.base.rsplit('.').next().unwrap_or(line.base);
                format!("{depth}{}{last}", line.of.is_empty())
            }
        };
        let key = (part, unit);
        let place = groups.iter().position(|(other, group)| {
            let has_room = !line.of.is_empty()
                || group.bases.len() < COLOURS
                || group.bases.contains(&line.base);
            *other == key && has_room
        });
        let place = place.unwrap_or_else(|| {
            groups.push((key, Group { unit, lines: Vec::new(), bases: Vec::new() }));
            groups.len() - 1
        });
        let group = &mut groups[place].1;
        if !group.bases.contains(&line.base) {
            group.bases.push(line.base);
        }
        group.lines.push(line);
    }
    let mut groups: Vec<Group<'_>> = groups.into_iter().map(|(_, group)| group).collect();
    groups.iter_mut().for_each(|group| colour(group, report));
    groups
}

/// Gives colours: to bases where each line is of another one, else to what the lines are of. Where that
/// is too many, to those that a fault was aimed at.
fn colour(group: &mut Group<'_>, report: &Report) {
    if group.lines.iter().all(|line| line.of.is_empty()) {
        for line in &mut group.lines {
            line.colour = group.bases.iter().position(|base| *base == line.base);
        }
        return;
    }
    let mut ofs: Vec<String> = Vec::new();
    for line in &group.lines {
        if !ofs.contains(&line.of) {
            ofs.push(line.of.clone());
        }
    }
    if ofs.len() > COLOURS {
        let times = report.actions.iter().filter(|action| action.plane.is_some());
        let hits = times.flat_map(|action| &action.times).flat_map(|time| &time.hits);
        let hit: Vec<&str> = hits.map(|hit| hit.target.as_str()).collect();
        ofs.retain(|of| hit.iter().any(|target| is_in(target, of) || is_in(of, target)));
        ofs.truncate(COLOURS);
    }
    for line in &mut group.lines {
        line.colour = ofs.iter().position(|of| *of == line.of);
        line.dash = group.bases.iter().position(|base| *base == line.base).unwrap_or(0);
    }
}

/// Whether `inner` is `outer` or a part of it.
fn is_in(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Columns of a line in which its lowest and highest value are drawn, where there are `lines` of them.
pub(super) fn columns(lines: usize) -> usize {
    (POINTS_MAX / 2 / lines.max(1)).clamp(20, (RIGHT - LEFT) as usize)
}

/// The path of a line.
pub(super) fn path(
    times: &[f64],
    values: &[f32],
    axis: &TimeAxis,
    scale: &ValueAxis,
    columns: usize,
) -> String {
    let mut out = String::new();
    let mut column: Vec<(f64, f64)> = Vec::new();
    let mut pen = Pen::default();
    let mut last = usize::MAX;
    for (at_s, value) in times.iter().zip(values) {
        let x = axis.x(*at_s);
        let place = ((x - LEFT) / (RIGHT - LEFT) * columns as f64) as usize;
        if place != last || value.is_nan() {
            pen.draw(&mut column, &mut out);
            last = place;
        }
        if value.is_nan() {
            pen.lift(&mut out);
        } else {
            column.push((x, scale.y(f64::from(*value))));
        }
    }
    pen.draw(&mut column, &mut out);
    pen.lift(&mut out);
    out
}

/// Writes a path, and of a part that is flat its ends alone.
#[derive(Default)]
struct Pen {
    is_down: bool,
    /// The last point, which waits because the next may be at its height too.
    waits: Option<String>,
    /// Height of what is written.
    written: Option<String>,
}

impl Pen {
    /// Draws the lowest and the highest point of a column, in the order of time.
    fn draw(&mut self, column: &mut Vec<(f64, f64)>, out: &mut String) {
        let by_y = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
        let heights = || column.iter().map(|point| point.1).enumerate();
        let (Some(low), Some(high)) = (heights().min_by(by_y), heights().max_by(by_y)) else {
            return;
        };
        let mut places = [low.0, high.0];
        places.sort_unstable();
        let mut before = None;
        for place in places {
            if before.replace(place) != Some(place) {
                self.to(column[place], out);
            }
        }
        column.clear();
    }
    fn to(&mut self, (x, y): (f64, f64), out: &mut String) {
        let (x, y) = (at(x), at(y));
        if !self.is_down {
            let _ = write!(out, "M{x} {y}");
            (self.is_down, self.written) = (true, Some(y));
            return;
        }
        if self.written.as_ref() == Some(&y) {
            self.waits = Some(x);
            return;
        }
        self.settle(out);
        let _ = write!(out, "L{x} {y}");
        self.written = Some(y);
    }
    fn settle(&mut self, out: &mut String) {
        if let Some(x) = self.waits.take() {
            let _ = write!(out, "H{x}");
        }
    }
    fn lift(&mut self, out: &mut String) {
        self.settle(out);
        // A lone point is a dot by its round ends.
        if self.is_down && out.rfind('M').is_some_and(|m| !out[m..].contains(['L', 'H'])) {
            out.push_str("h.1");
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn drawn(values: &[f32], columns: usize) -> String {
        let times: Vec<f64> = (0..values.len()).map(|n| n as f64).collect();
        let axis = TimeAxis::new(0.0, (values.len() - 1) as f64);
        let scale = ValueAxis::new(0.0, 100.0, "", 0.0, 100.0);
        path(&times, values, &axis, &scale, columns)
    }

    #[test]
    fn what_stands_still_is_two_points() {
        let path = drawn(&[50.0; 1000], 780);
        assert_eq!(path.matches(['M', 'L', 'H']).count(), 2, "{path}");
        assert!(path.starts_with("M208 ") && path.ends_with("H988"), "{path}");
    }

    #[test]
    fn a_spike_of_one_sample_is_never_thinned_away() {
        let mut values = vec![10.0f32; 20_000];
        values[12_345] = 100.0;
        let scale = ValueAxis::new(0.0, 100.0, "", 0.0, 100.0);
        let top = at(scale.y(100.0));
        let path = drawn(&values, 100);
        assert!(path.contains(&format!(" {top}")), "{path}");
        assert!(path.len() < 200, "{path}");
    }

    #[test]
    fn what_was_not_there_is_a_gap() {
        let path = drawn(&[1.0, f32::NAN, 3.0, f32::NAN, f32::NAN, 5.0, 6.0], 780);
        assert_eq!(path.matches('M').count(), 3, "{path}");
        assert!(!path.contains("NaN"));
    }

    #[test]
    fn signals_of_one_quantity_stand_on_one_chart() {
        let report = sample::report();
        let groups = groups(&report);
        let group =
            |base: &str| groups.iter().find(|group| group.bases.contains(&base)).expect(base);
        let power = group("farm.active_power_w");
        assert_eq!(power.bases, ["farm.active_power_w", "farm.setpoint_w"]);
        assert!(power.lines.iter().any(|line| line.is_shadow));
        let heat = group("truth.cell_temperature_max_degc");
        assert_eq!(heat.bases.len(), 2, "measured and true");
        let coloured = heat.lines.iter().filter(|line| line.colour.is_some());
        let ofs: Vec<&str> = coloured.map(|line| line.of.as_str()).collect();
        let hit = ["unit-001", "unit-003", "unit-007"];
        assert_eq!(
            ofs,
            [hit, hit].concat(),
            "of ten units those stand out that a fault is aimed at"
        );
    }
}
