//! Charts of signals: lines, the bands where they have to be, what was in force and what was violated.

use super::effect_class;
use super::lanes::{at, cut, time_axis};
use super::lines::{Group, Line, columns, groups, path};
use super::scale::{LEFT, RIGHT, TimeAxis, ValueAxis, WIDTH, moment, quantity};
use crate::report::{BandPart, CheckPart, Report};
use bess_core::stage::CheckState;
use maud::{Markup, html};
use std::fmt::Write as _;

/// Where the plot of a chart begins and ends.
const TOP: f64 = 22.0;
const BOTTOM: f64 = 222.0;

/// The charts of a report.
pub(super) fn charts(report: &Report, axis: &TimeAxis) -> Markup {
    let groups = groups(report);
    let columns = columns(report.signals.len());
    html! {
        @for group in &groups { (chart(report, axis, group, columns)) }
        @if !report.signals_left_out.is_empty() {
            p.note { "Not recorded: "
                @for (n, (name, why)) in report.signals_left_out.iter().enumerate() {
                    @if n > 0 { ", " }
                    code { (name) } " (" (why) ")"
                }
                "." }
        }
    }
}

/// A check with its band.
type Banded<'a> = (&'a CheckPart, &'a BandPart);

/// Most moments of bounds that move that are drawn.
const MOMENTS_MAX: usize = 400;

/// Bands of a chart, each with its check.
fn bands<'a>(report: &'a Report, group: &Group<'_>) -> Vec<Banded<'a>> {
    let on_chart = report.checks.iter().filter_map(|check| {
        let band = check.band.as_ref()?;
        group.bases.iter().any(|base| is_about(&band.signal, base)).then_some((check, band))
    });
    on_chart.collect()
}

/// Every bound of a band, also those that it has later.
fn bounds(band: &BandPart) -> impl Iterator<Item = f64> {
    let moved = band.path.iter().flat_map(|(_, low, high)| [*low, *high]);
    [band.low, band.high].into_iter().chain(moved)
}

/// Whether an expression compares a signal itself: what is a mean or a rate of it stands elsewhere.
fn is_about(expression: &str, base: &str) -> bool {
    let mut rest = expression.trim();
    let (mut closing, is_own) = (0, |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    while let Some(inner) = ["min(", "max("].iter().find_map(|name| rest.strip_prefix(name)) {
        (rest, closing) = (inner.trim_start(), closing + 1);
    }
    let Some(after) = rest.strip_prefix("unit.").unwrap_or(rest).strip_prefix(base) else {
        return false;
    };
    // What follows is `@target`, `{…}` or the brackets of min and max: no sum, no range.
    let is_calculated = after.contains(['+', '*', '/', '[', ',']) && !after.starts_with('{');
    !after.starts_with(is_own) && !is_calculated && after.matches(')').count() == closing
}

fn scale(group: &Group<'_>, bands: &[Banded<'_>]) -> ValueAxis {
    let values = group.lines.iter().flat_map(|line| &line.signal.values);
    let values = values.filter(|value| value.is_finite()).map(|value| f64::from(*value));
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let span = high - low;
    // Limits belong on the chart, unless they are so far off that the lines would be flat.
    let limits = bands.iter().flat_map(|(_, band)| bounds(band));
    let near = |limit: &f64| {
        let away = (low - limit).max(limit - high);
        limit.is_finite() && (away <= 2.0 * span || span <= 0.02 * limit.abs())
    };
    let (low, high) = limits
        .filter(near)
        .fold((low, high), |(low, high), limit| (low.min(limit), high.max(limit)));
    ValueAxis::new(low, high, group.unit, TOP, BOTTOM)
}

fn chart(report: &Report, axis: &TimeAxis, group: &Group<'_>, columns: usize) -> Markup {
    let bands = bands(report, group);
    let scale = scale(group, &bands);
    let title = title(group);
    let (low, high) = scale.ends();
    // Grey first: what stands out is on top.
    let grey = group.lines.iter().filter(|line| line.colour.is_none());
    let lines: Vec<&Line<'_>> =
        grey.chain(group.lines.iter().filter(|line| line.colour.is_some())).collect();
    html! {
        figure {
            figcaption { (title) @if !scale.unit.is_empty() { " in " (scale.unit) } }
            div.scroll {
                svg.plot.signals viewBox=(format!("0 0 {WIDTH} {}", at(BOTTOM + 22.0))) role="img"
                    aria-label=(title) data-from=(at(axis.from_s)) data-to=(at(axis.to_s))
                    data-low=(low) data-high=(high) data-top=(at(TOP)) data-bottom=(at(BOTTOM))
                    data-unit=(scale.unit) {
                    (time_axis(axis, TOP, BOTTOM))
                    @for (y, label) in scale.ticks() {
                        line.grid x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(y)) y2=(at(y)) {}
                        text.tick x=(at(LEFT - 6.0)) y=(at(y + 4.0)) text-anchor="end" { (label) }
                    }
                    text.unit x=(at(LEFT - 6.0)) y=(at(TOP - 11.0)) text-anchor="end" { (scale.unit) }
                    (faults(report, axis))
                    @for (check, band) in &bands { (drawn(axis, &scale, check, band)) }
                    (limits(&scale, &bands, group.unit))
                    @for line in lines {
                        path class=(class(line)) data-name=(line.label(group.bases.len() == 1))
                            d=(path(&report.sample_s, &line.signal.values, axis, &scale, columns)) {
                            title { (line.signal.name) }
                        }
                    }
                    (violations(report, axis, &bands))
                }
            }
            (legend(group, &bands))
        }
    }
}

fn title(group: &Group<'_>) -> String {
    let mut title = String::new();
    for (n, base) in group.bases.iter().enumerate() {
        let _ = write!(title, "{}{base}", if n == 0 { "" } else { ", " });
    }
    cut(&title, 700.0)
}

fn class(line: &Line<'_>) -> String {
    let colour = line.colour.map_or_else(|| "other".to_owned(), |place| format!("c{place}"));
    let dash = if line.is_shadow { " shadow" } else { ["", " dash1", " dash2"][line.dash.min(2)] };
    format!("line {colour}{dash}")
}

/// A strip of what was in force, above the plot.
fn faults(report: &Report, axis: &TimeAxis) -> Markup {
    html! {
        @for action in report.actions.iter().filter(|action| action.plane.is_some()) {
            @for time in action.times.iter().take(50) {
                @let x = axis.x(time.from_s);
                @let width = (axis.x(time.until_s.unwrap_or(report.end_s)) - x).max(2.0);
                g class={ "bar strip " (effect_class(action.effect)) } {
                    rect x=(at(x)) y=(at(TOP - 6.0)) width=(at(width)) height="5" {}
                    title { (action.id) ", " (action.kind) ", from " (moment(time.from_s)) }
                }
            }
        }
    }
}

fn drawn(axis: &TimeAxis, scale: &ValueAxis, check: &CheckPart, band: &BandPart) -> Markup {
    if !band.path.is_empty() {
        return moving(axis, scale, check, band);
    }
    let (low, high) = (band.low, band.high);
    let from = axis.x(check.from_s.unwrap_or(axis.from_s));
    let to = axis.x(check.to_s.or(check.decided_s).unwrap_or(axis.to_s)).max(from + 2.0);
    let top = if high.is_finite() { scale.y(high) } else { TOP };
    let bottom = if low.is_finite() { scale.y(low) } else { BOTTOM };
    html! {
        g.band.wrong[check.state == CheckState::Failed] {
            rect x=(at(from)) y=(at(top)) width=(at(to - from)) height=(at((bottom - top).max(1.0))) {}
            @if high.is_finite() { line x1=(at(from)) x2=(at(to)) y1=(at(top)) y2=(at(top)) {} }
            @if low.is_finite() { line x1=(at(from)) x2=(at(to)) y1=(at(bottom)) y2=(at(bottom)) {} }
            title { (check.id) ": " (check.asks) }
        }
    }
}

/// A band whose bounds move: the area between them.
fn moving(axis: &TimeAxis, scale: &ValueAxis, check: &CheckPart, band: &BandPart) -> Markup {
    let every = band.path.len().div_ceil(MOMENTS_MAX);
    let last = band.path.len() - 1;
    let kept = band.path.iter().enumerate().filter(|(n, _)| n % every == 0 || *n == last);
    let moments: Vec<(f64, f64, f64)> = kept.map(|(_, moment)| *moment).collect();
    let edge = |value: &dyn Fn(&(f64, f64, f64)) -> f64, beyond: f64| -> Vec<String> {
        let place = |moment: &(f64, f64, f64)| {
            let value = value(moment);
            let y = if value.is_finite() { scale.y(value) } else { beyond };
            format!("{},{}", at(axis.x(moment.0)), at(y))
        };
        moments.iter().map(place).collect()
    };
    let (top, mut bottom) = (edge(&|moment| moment.2, TOP), edge(&|moment| moment.1, BOTTOM));
    let (above, below) = (top.join(" "), bottom.join(" "));
    bottom.reverse();
    html! {
        g.band.wrong[check.state == CheckState::Failed] {
            polygon points=(format!("{above} {}", bottom.join(" "))) {}
            @if band.high.is_finite() { polyline points=(above) {} }
            @if band.low.is_finite() { polyline points=(below) {} }
            title { (check.id) ": " (check.asks) }
        }
    }
}

/// The values of limits, at the left end of the axis where they do not hide each other.
fn limits(scale: &ValueAxis, bands: &[Banded<'_>], unit: &str) -> Markup {
    let ticks = scale.ticks();
    let mut places: Vec<(f64, String)> = Vec::new();
    let still = bands.iter().filter(|(_, band)| band.path.is_empty());
    for limit in still.flat_map(|(_, band)| bounds(band)).filter(|limit| limit.is_finite()) {
        let y = scale.y(limit);
        let is_free = places.iter().all(|(other, _)| (other - y).abs() >= 12.0);
        // Where it is a tick, that says it already.
        if is_free && ticks.iter().all(|(tick, _)| (tick - y).abs() >= 1.0) {
            places.push((y, quantity(limit, unit)));
        }
    }
    html! {
        @for (y, label) in places {
            text.limit x=(at(LEFT - 48.0)) y=(at(y + 4.0)) text-anchor="end" { (label) }
        }
    }
}

/// A line for each check that did not hold; with its name where the chart shows its signal.
fn violations(report: &Report, axis: &TimeAxis, bands: &[Banded<'_>]) -> Markup {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    let failed = report.checks.iter().filter(|check| check.state == CheckState::Failed);
    let lines: Vec<_> = failed
        .filter_map(|check| {
            let x = axis.x(check.violated_s?);
            let is_here = bands.iter().any(|(other, ..)| other.id == check.id);
            let width = check.id.chars().count() as f64 * 6.2 + 14.0;
            let from = if x + width > RIGHT { x - width } else { x };
            let is_free = taken.iter().all(|(a, b)| from > *b || from + width < *a);
            let is_named = is_here && is_free;
            if is_named {
                taken.push((from, from + width));
            }
            Some((check, x, is_named.then_some(from)))
        })
        .collect();
    html! {
        @for (check, x, named) in lines {
            g.violation {
                line x1=(at(x)) x2=(at(x)) y1=(at(TOP)) y2=(at(BOTTOM)) {}
                @if let Some(from) = named {
                    text x=(at(from + 4.0)) y=(at(TOP - 10.0)) { "✗ " (check.id) }
                }
                title { (check.id) " does not hold: " (check.seen) }
            }
        }
    }
}

fn legend(group: &Group<'_>, bands: &[Banded<'_>]) -> Markup {
    let is_alone = group.bases.len() == 1;
    let grey: Vec<&Line<'_>> = group.lines.iter().filter(|line| line.colour.is_none()).collect();
    let coloured = group.lines.iter().filter(|line| line.colour.is_some());
    html! {
        ul.legend {
            @for line in coloured.take(24) { li { (key(&class(line))) (line.label(is_alone)) } }
            @match grey.as_slice() {
                [] => {}
                [one] => li { (key("line other")) (one.label(is_alone)) },
                more => li { (key("line other")) (more.len()) " others" },
            }
            @for (check, band) in bands {
                li { span.swatch.wrong[check.state == CheckState::Failed] {}
                    (check.id) ": " (range(band.low, band.high, group.unit))
                    @if let Some((_, low, high)) = band.path.last() {
                        " at first, it moves to " (range(*low, *high, group.unit))
                    } }
            }
        }
    }
}

fn key(class: &str) -> Markup {
    html! {
        svg.key viewBox="0 0 22 8" aria-hidden="true" { path class=(class) d="M1 4H21" {} }
    }
}

fn range(low: f64, high: f64, unit: &str) -> String {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("{} to {}", quantity(low, unit), quantity(high, unit)),
        (true, false) => format!("at least {}", quantity(low, unit)),
        (false, true) => format!("at most {}", quantity(high, unit)),
        (false, false) => "anything".to_owned(),
    }
}

/// The unit of what a check compares, where that is a recorded signal; empty otherwise.
pub(super) fn unit_of(report: &Report, check: &CheckPart) -> &'static str {
    let Some(band) = &check.band else { return "" };
    let mut signals = report.signals.iter();
    let base = |name: &str| name.split('{').next().unwrap_or_default().to_owned();
    let found = signals.find(|signal| is_about(&band.signal, &base(&signal.name)));
    found.map_or("", |signal| signal.unit)
}

/// A small picture of the seconds around a violation.
pub(super) fn window(check: &CheckPart, unit: &str) -> Markup {
    let finite: Vec<(f64, f64)> =
        check.window.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    let (Some(first), Some(last)) = (finite.first(), finite.last()) else { return html! {} };
    let (from_s, to_s) = (first.0, last.0.max(first.0 + 0.1));
    let low = finite.iter().fold(f64::INFINITY, |low, sample| low.min(sample.1));
    let high = finite.iter().fold(f64::NEG_INFINITY, |high, sample| high.max(sample.1));
    let x = |at_s: f64| 2.0 + ((at_s - from_s) / (to_s - from_s)).clamp(0.0, 1.0) * 176.0;
    let y = |value: f64| 34.0 - (value - low) / (high - low).max(1e-9) * 30.0;
    let mut points = String::new();
    for (at_s, value) in &finite {
        let _ = write!(points, "{},{} ", at(x(*at_s)), at(y(*value)));
    }
    html! {
        svg.spark viewBox="0 0 180 38" role="img" aria-label="20 s around the first violation" {
            @if let Some(at_s) = check.violated_s {
                g.violation { line x1=(at(x(at_s))) x2=(at(x(at_s))) y1="0" y2="38" {} }
            }
            polyline.line.c0 points=(points.trim_end()) {}
            title { "from " (moment(from_s)) " to " (moment(to_s)) ", from "
                (quantity(low, unit)) " to " (quantity(high, unit)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_about;

    #[test]
    fn a_band_stands_on_the_chart_of_what_it_compares() {
        for expression in [
            "farm.active_power_w",
            " farm.active_power_w ",
            "max(farm.active_power_w)",
            "farm.active_power_w@victims",
            "min(farm.active_power_w{unit=~\"unit-00[1-4]\"})",
        ] {
            assert!(is_about(expression, "farm.active_power_w"), "{expression}");
        }
        for expression in [
            "farm.active_power_wx",
            "sum(farm.active_power_w)",
            "rate(farm.active_power_w[5s])",
            "max_over_time(farm.active_power_w[5s])",
            "farm.active_power_w / 2",
            "max(farm.active_power_w) - min(farm.active_power_w)",
            "shadow.farm.active_power_w",
        ] {
            assert!(!is_about(expression, "farm.active_power_w"), "{expression}");
        }
    }
}
