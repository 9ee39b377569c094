//! The charts that tell a run: what was done and checked, alarms, states, commands.

use super::lanes::{Bar, Mark, Row, lanes};
use super::scale::{TimeAxis, moment, moment_or};
use super::{check_sign, effect_class};
use crate::report::{ActionPart, AlarmPart, CheckPart, Report};
use bess_core::stage::Effect;
use maud::{Markup, html};

pub(super) fn timeline(report: &Report, axis: &TimeAxis) -> Markup {
    let mut rows = vec![phases(report)];
    if report.actions.iter().any(|action| action.plane.is_some()) {
        rows.push(Row::head("Faults"));
    }
    let (faults, acts): (Vec<_>, Vec<_>) =
        report.actions.iter().partition(|action| action.plane.is_some());
    rows.extend(faults.into_iter().map(|action| fault(report, action)));
    if !acts.is_empty() {
        rows.push(Row::head("Actions"));
    }
    rows.extend(acts.into_iter().map(act));
    if !report.observations.is_empty() {
        rows.push(Row::head("Outside"));
        rows.push(observations(report));
    }
    if !report.checks.is_empty() {
        rows.push(Row::head("Checks"));
    }
    rows.extend(report.checks.iter().map(|check| of_check(report, check)));
    html! {
        (lanes("Time line of the run", axis, &rows))
        @if rows.len() > 1 { ul.legend {
            @for effect in [Effect::Confirmed, Effect::NoEffect, Effect::Inconclusive, Effect::Pending] {
                li { span class={ "swatch solid " (effect_class(effect)) } {} "fault: " (effect.name()) }
            }
            li { span.good { "✓" } " held" }
            li { span.bad { "✗" } " did not (a must)" }
            li { span.warn { "✗" } " did not (no must)" }
            li { span.warn { "?" } " inconclusive" }
        } }
    }
}

fn phases(report: &Report) -> Row {
    let mut row = Row { label: "Phase".to_owned(), ..Row::default() };
    let mut phase = |name: &str, class, from_s: f64, to_s: f64| {
        if to_s > from_s {
            let title = format!("{name} from {} to {}", moment(from_s), moment(to_s));
            row.bars.push(Bar { from_s, to_s, class, label: name.to_owned(), title });
        }
    };
    let end_s = report.end_s;
    let baseline_s = report.baseline_s.unwrap_or(end_s);
    phase("waiting", "idle", report.start_s, baseline_s.min(end_s));
    phase("baseline", "idle", baseline_s, end_s.min(0.0));
    phase("running", "idle", 0.0, end_s);
    row
}

fn fault(report: &Report, action: &ActionPart) -> Row {
    let mut row = Row { label: action.id.clone(), ..Row::default() };
    for time in &action.times {
        let hits: Vec<&str> = time.hits.iter().take(8).map(|hit| hit.target.as_str()).collect();
        let more = time.hits.len().saturating_sub(hits.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        row.bars.push(Bar {
            from_s: time.from_s,
            to_s: time.until_s.unwrap_or(report.end_s),
            class: effect_class(action.effect),
            label: format!("{} · {}", action.kind, action.effect.name()),
            title: format!(
                "{} at {}{more}\nfrom {} until {}\neffect {}, seen {}",
                action.kind,
                hits.join(", "),
                moment(time.from_s),
                time.until_s.map_or_else(|| "the end".to_owned(), moment),
                action.effect.name(),
                moment_or(time.confirmed_s),
            ),
        });
        if let Some(at_s) = time.confirmed_s {
            let title = format!("{} was seen to act at {}", action.id, moment(at_s));
            row.marks.push(Mark { at_s, class: "confirmed", sign: "", title });
        }
    }
    row
}

fn act(action: &ActionPart) -> Row {
    let marks = action.times.iter().map(|time| Mark {
        at_s: time.from_s,
        class: "running",
        sign: "◆",
        title: format!("{} at {}", action.kind, moment(time.from_s)),
    });
    Row { label: action.id.clone(), marks: marks.collect(), ..Row::default() }
}

fn observations(report: &Report) -> Row {
    let marks = report.observations.iter().map(|seen| {
        let is_false = seen.action.is_empty();
        let of = if is_false { "a false alarm" } else { seen.action.as_str() };
        Mark {
            at_s: seen.at_s,
            class: if is_false { "amber" } else { "violet" },
            sign: "▲",
            title: format!("noticed {} at {}: {of}", seen.what, moment(seen.at_s)),
        }
    });
    Row { label: "what was noticed".to_owned(), marks: marks.collect(), ..Row::default() }
}

fn of_check(report: &Report, check: &CheckPart) -> Row {
    let mut row = Row { label: check.id.clone(), ..Row::default() };
    let (sign, class) = check_sign(check.state, check.severity);
    let (from_s, end_s) = (check.from_s, report.end_s);
    if let Some(from_s) = from_s {
        row.bars.push(Bar {
            from_s,
            to_s: check.to_s.or(check.decided_s).unwrap_or(end_s).min(end_s),
            class: if class.is_empty() { "idle" } else { class },
            label: String::new(),
            title: format!("{} ({}): {}\n{}", check.id, check.kind, check.asks, check.seen),
        });
    }
    if let Some(at_s) = check.violated_s.or(check.decided_s) {
        let title = format!("{} {} at {}", check.id, check.state.name(), moment(at_s));
        row.marks.push(Mark { at_s, class, sign, title });
    }
    row
}

pub(super) fn alarms(report: &Report, axis: &TimeAxis) -> Markup {
    if report.alarms.is_empty() {
        return html! { p.soft { "No alarm stood." } };
    }
    let mut of: Vec<&AlarmPart> = report.alarms.iter().collect();
    // Levels of one alarm stand at the same time: each has a lane. Stable: within a lane by their begin.
    let lane = |alarm: &AlarmPart| (alarm.of.clone(), alarm.code, rank(alarm.level));
    of.sort_by_key(|alarm| lane(alarm));
    let mut rows: Vec<Row> = Vec::new();
    let mut last = None;
    for alarm in of {
        let place = lane(alarm);
        if last.as_ref().is_none_or(|(of, ..): &(String, &str, usize)| *of != alarm.of) {
            rows.push(Row::head(&alarm.of));
        }
        if last.as_ref() != Some(&place) {
            let label = format!("{} {}", alarm.code, alarm.level);
            rows.push(Row { label, ..Row::default() });
        }
        last = Some(place);
        if let Some(row) = rows.last_mut() {
            row.bars.extend(bars(report, alarm));
        }
    }
    html! {
        (lanes("Alarms", axis, &rows))
        ul.legend {
            li { span.swatch.solid.running {} "warning" }
            li { span.swatch.solid.amber {} "derate" }
            li { span.swatch.solid.red {} "trip, critical" }
            li { "dashed: its cause is gone, it is latched" }
        }
    }
}

/// How grave a level is.
fn rank(level: &str) -> usize {
    ["warning", "derate", "trip", "critical"].iter().position(|known| *known == level).unwrap_or(4)
}

fn bars(report: &Report, alarm: &AlarmPart) -> impl Iterator<Item = Bar> + use<> {
    let class = match alarm.level {
        "warning" => "running",
        "derate" => "amber",
        _ => "red",
    };
    let latched = match class {
        "running" => "running latched",
        "amber" => "amber latched",
        _ => "red latched",
    };
    let to_s = alarm.until_s.unwrap_or(report.end_s);
    let title = format!(
        "{} {} ({})\nfrom {}, latched {}, gone {}",
        alarm.of,
        alarm.code,
        alarm.level,
        moment(alarm.from_s),
        moment_or(alarm.latched_s),
        moment_or(alarm.until_s),
    );
    let active_s = alarm.latched_s.unwrap_or(to_s);
    let active = Bar {
        from_s: alarm.from_s,
        to_s: active_s,
        class,
        label: String::new(),
        title: title.clone(),
    };
    let latched =
        Bar { from_s: active_s, to_s, class: latched, label: "latched".to_owned(), title };
    [Some(active), alarm.latched_s.map(|_| latched)].into_iter().flatten()
}

pub(super) fn states(report: &Report, axis: &TimeAxis) -> Markup {
    let mut rows: Vec<Row> = Vec::new();
    let mut still: Vec<(&str, usize)> = Vec::new();
    let mut rest = report.states.as_slice();
    while let Some(first) = rest.first() {
        let (of_unit, others) =
            rest.split_at(rest.iter().take_while(|state| state.of == first.of).count());
        rest = others;
        if let [one] = of_unit {
            match still.iter_mut().find(|(state, _)| *state == one.state) {
                Some((_, count)) => *count += 1,
                None => still.push((one.state, 1)),
            }
            continue;
        }
        let bars = of_unit.iter().map(|state| Bar {
            from_s: state.from_s,
            to_s: state.until_s,
            class: state_class(state.state),
            label: state.state.to_owned(),
            title: format!(
                "{} {}\nfrom {} to {}",
                state.of,
                state.state,
                moment(state.from_s),
                moment(state.until_s)
            ),
        });
        rows.push(Row { label: first.of.clone(), bars: bars.collect(), ..Row::default() });
    }
    html! {
        @if !rows.is_empty() {
            (lanes("States of units", axis, &rows))
            ul.legend {
                li { span.swatch.solid.green {} "running" }
                li { span.swatch.solid.running {} "on its way up" }
                li { span.swatch.solid.amber {} "derated, stopping, out of service" }
                li { span.swatch.solid.red {} "tripped, in fault" }
                li { span.swatch.solid.idle {} "standing by, off" }
            }
        }
        @for (state, count) in &still {
            p.note { (count) @if *count == 1 { " unit was " } @else { " units were " }
                (state) " all the time." }
        }
        @if rows.is_empty() && still.is_empty() { p.soft { "Nothing was recorded." } }
    }
}

fn state_class(state: &str) -> &'static str {
    match state {
        "running" => "green",
        "tripped" | "locked_out" | "fault" | "emergency_stop" => "red",
        "derated" | "fallback" | "stopping" | "maintenance" => "amber",
        "initialising" | "precharge" | "synchronising" => "running",
        _ => "idle",
    }
}

pub(super) fn commands(report: &Report, axis: &TimeAxis) -> Markup {
    let mut rows: Vec<Row> = Vec::new();
    for command in &report.commands {
        // A port is another one each time: who writes is told by the address.
        let address = command.peer.rsplit_once(':').map_or(command.peer.as_str(), |(host, _)| host);
        let writer = match address.is_empty() {
            true => command.source.to_owned(),
            false => format!("{} {address}", command.source),
        };
        let is_refused = !command.refused.is_empty();
        let refused = if is_refused { format!(": {}", command.refused) } else { String::new() };
        let mark = Mark {
            at_s: command.at_s,
            class: if is_refused { "red" } else { "running" },
            sign: if is_refused { "✗" } else { "" },
            title: format!("{} {}, {}{refused}", moment(command.at_s), command.of, command.what),
        };
        match rows.iter_mut().find(|row| row.label == writer) {
            Some(row) => row.marks.push(mark),
            None => rows.push(Row { label: writer, marks: vec![mark], ..Row::default() }),
        }
    }
    if rows.is_empty() {
        return html! { p.soft { "Nobody wrote anything." } };
    }
    html! {
        (lanes("Commands by writer", axis, &rows))
        ul.legend { li { span.bad { "✗" } " refused" } }
    }
}
