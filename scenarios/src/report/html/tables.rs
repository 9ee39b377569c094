//! The tables of a page.

use super::chart::{unit_of, window};
use super::check_sign;
use super::scale::{moment, moment_or, quantity};
use crate::report::{ActionPart, CheckPart, Report, TimePart, words};
use bess_core::snapshot::FaultPlane;
use bess_core::stage::Effect;
use maud::{Markup, html};

/// Rows of a table of what happened; the JSON report has them all.
const ROWS_MAX: usize = 300;
/// Targets of one time of an action.
const HITS_MAX: usize = 12;

pub(super) fn checks(report: &Report) -> Markup {
    if report.checks.is_empty() {
        return html! { p.soft { "Nothing was checked." } };
    }
    html! {
        div.scroll { table {
            thead { tr {
                th { "Check" } th { "Outcome" } th { "What is asked" } th { "What was seen" }
                th { "Asked" } th { "Decided" }
            } }
            tbody { @for check in &report.checks { (check_row(report, check)) } }
        } }
    }
}

fn check_row(report: &Report, check: &CheckPart) -> Markup {
    let (sign, class) = check_sign(check.state, check.severity);
    let tone = match class {
        "green" => "good",
        "red" => "bad",
        "amber" => "warn",
        _ => "soft",
    };
    let unit = unit_of(report, check);
    let asked = match (check.from_s, check.to_s) {
        (None, _) => "never".to_owned(),
        (Some(from_s), None) => format!("from {}", moment(from_s)),
        (Some(from_s), Some(to_s)) => format!("{} to {}", moment(from_s), moment(to_s)),
    };
    html! {
        tr {
            td { strong { (check.id) } br; span.soft.nowrap { (check.severity.name()) " · " (check.kind) } }
            td { span class={ "state " (tone) } { (sign) " " (check.state.name()) } }
            td.wide { @if !check.message.is_empty() { (check.message) br; } code { (check.asks) } }
            td.wide {
                (check.seen)
                @if let Some((at_s, value)) = words::violation(check) {
                    div { "first violation at " strong { (moment(at_s)) }
                        @if let Some(value) = value { ", value " strong { (quantity(value, unit)) } } }
                    (window(check, unit))
                }
            }
            td.nowrap { (asked) }
            td.num { (moment_or(check.decided_s)) }
        }
    }
}

pub(super) fn actions(report: &Report) -> Markup {
    if report.actions.is_empty() {
        return html! { p.soft { "Nothing was done." } };
    }
    html! {
        div.scroll { table {
            thead { tr {
                th { "Action" } th { "Effect" } th { "When" } th { "Whom, and with what" } th { "Proof" }
            } }
            tbody { @for action in &report.actions { (action_row(action)) } }
        } }
    }
}

fn effect(effect: Effect) -> Markup {
    let tone = match effect {
        Effect::Confirmed => "good",
        Effect::NoEffect | Effect::Inconclusive => "warn",
        Effect::Pending => "soft",
    };
    html! { span class={ "state " (tone) } { (effect.name()) } }
}

fn action_row(action: &ActionPart) -> Markup {
    let plane = action.plane.map_or("control", |plane| FaultPlane::NAMES[plane as usize]);
    html! {
        tr {
            td { strong { (action.id) } br; code.nowrap { (action.kind) } br;
                span.soft { (plane) @if !action.target.is_empty() { " · at " (action.target) } } }
            td { @if action.plane.is_some() || action.effect != Effect::Pending { (effect(action.effect)) } }
            td.nowrap {
                @for time in action.times.iter().take(HITS_MAX) {
                    div { (moment(time.from_s))
                        @if action.plane.is_some() {
                            " to " (time.until_s.map_or_else(|| "the end".to_owned(), moment))
                            @if let Some(at_s) = time.confirmed_s {
                                span.soft { ", seen " (moment(at_s)) }
                            }
                        } }
                }
                @if action.times.len() > HITS_MAX { div.soft { (action.times.len()) " times in all" } }
                @if action.times.is_empty() { span.soft { "never" } }
            }
            td.wide {
                @for time in action.times.iter().take(HITS_MAX) { (hits(time)) }
                @if !action.left_out.is_empty() { div.warn { "left out: " (action.left_out) } }
            }
            td.wide { @if action.plane.is_some() {
                code { (action.proof) }
                @if !action.stands_for.is_empty() {
                    div.soft { "stands for " (action.stands_for.join(", ")) }
                }
            } }
        }
    }
}

fn hits(time: &TimePart) -> Markup {
    html! {
        @for hit in time.hits.iter().take(HITS_MAX) {
            div { @if !hit.target.is_empty() { strong { (hit.target) } " " }
                @for (n, (name, value)) in hit.with.iter().enumerate() {
                    @if n > 0 { ", " } code { (name) " = " (value) }
                }
                @if !matches!(hit.effect, Effect::Confirmed | Effect::Pending) { " " (effect(hit.effect)) }
            }
        }
        @if time.hits.len() > HITS_MAX { div.soft { "and " (time.hits.len() - HITS_MAX) " more" } }
        @for refused in &time.refused { div.warn { "refused: " (refused) } }
    }
}

pub(super) fn targets(report: &Report) -> Markup {
    if report.targets.is_empty() {
        return html! { p.soft { "The scenario names none." } };
    }
    html! {
        div.scroll { table {
            thead { tr { th { "Target" } th { "Kind" } th { "Who it was" } } }
            tbody { @for target in &report.targets {
                tr { td { strong { (target.name) } } td { (target.kind) } td { (words::ids(target)) } }
            } }
        } }
    }
}

pub(super) fn scores(report: &Report) -> Markup {
    let scores = &report.scores;
    let fact =
        |name: &str, value: String| html! { div { dt { (name) } dd { strong { (value) } } } };
    html! {
        dl.facts {
            (fact("Writes per second", words::number(scores.writes_per_s)))
            (fact("Writes refused", scores.writes_refused.to_string()))
            (fact("Modbus requests per second", words::number(scores.requests_per_s)))
            (fact("Stale reads", scores.stale_reads.to_string()))
            (fact("False alarms", scores.false_alarms.to_string()))
            @for (writer, writes) in report.sut.writers.iter().take(20) {
                (fact(&format!("Writes of {writer}"), writes.to_string()))
            }
        }
        @if !scores.detected.is_empty() || !scores.undetected.is_empty() {
            div.scroll { table {
                thead { tr { th { "Fault" } th { "Noticed as" } th { "After" } } }
                tbody {
                    @for (action, what, delay_s) in &scores.detected {
                        tr { td { (action) } td { (what) } td { (words::number(*delay_s)) " s" } }
                    }
                    @for action in &scores.undetected {
                        tr { td { (action) } td.warn { "nobody noticed it" } td { "–" } }
                    }
                }
            } }
        }
        @if !report.observations.is_empty() {
            details {
                summary { "What was noticed from outside (" (report.observations.len()) ")" }
                div.scroll { table {
                    thead { tr { th { "At" } th { "What" } th { "Of" } th { "In its words" } th { "Taken for" } } }
                    tbody { @for seen in report.observations.iter().take(ROWS_MAX) {
                        tr {
                            td.num { (moment(seen.at_s)) } td { code { (seen.what) } } td { (seen.of) }
                            td { (seen.text) }
                            td { @if seen.action.is_empty() { span.warn { "a false alarm" } } @else { (seen.action) } }
                        }
                    } }
                } }
                (more(report.observations.len(), 0))
            }
        }
    }
}

pub(super) fn invariants(report: &Report) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Invariant" } th { "What it says" } th { "Outcome" } th.num { "Ticks" } } }
            tbody { @for one in &report.invariants {
                tr {
                    td { strong { (one.name) } } td { (one.text) }
                    td.wide { @match (&one.broken, one.ticks) {
                        (Some((at_s, how)), _) => { span.state.bad { "✗ broken at " (moment(*at_s)) } " " (how) }
                        (None, 0) => { span.soft { "never looked at" } }
                        (None, _) => { span.state.good { "✓ held" } }
                    } }
                    td.num { (one.ticks) }
                }
            } }
        } }
    }
}

/// What is not listed of `count` rows and of those that were left out before.
fn more(count: usize, left_out: u64) -> Markup {
    let more = count.saturating_sub(ROWS_MAX);
    html! {
        @if more > 0 { p.note { "The first " (ROWS_MAX) " of " (count) "; the others are in the JSON report." } }
        @if left_out > 0 { p.note { (left_out) " more were not recorded because there were too many." } }
    }
}

pub(super) fn commands(report: &Report) -> Markup {
    html! {
        @if !report.commands.is_empty() {
            details {
                summary { "All commands (" (report.commands.len()) ")" }
                div.scroll { table {
                    thead { tr { th { "At" } th { "Who" } th { "Of" } th { "What" } th { "Refused" } } }
                    tbody { @for command in report.commands.iter().take(ROWS_MAX) {
                        tr {
                            td.num { (moment(command.at_s)) }
                            td { (command.source) @if !command.peer.is_empty() { " " (command.peer) } }
                            td { (command.of) } td { (command.what) }
                            td.bad { (command.refused) }
                        }
                    } }
                } }
                (more(report.commands.len(), report.commands_left_out))
            }
        }
    }
}

pub(super) fn events(report: &Report) -> Markup {
    if report.events.is_empty() {
        return html! { p.soft { "Nothing happened." } };
    }
    html! {
        details {
            summary { "All events (" (report.events.len()) ")" }
            div.scroll { table {
                thead { tr { th { "At" } th { "Of" } th { "Kind" } th { "What" } } }
                tbody { @for event in report.events.iter().take(ROWS_MAX) {
                    tr {
                        td.num { (moment(event.at_s)) } td { (event.of) } td { code { (event.kind) } }
                        td { (event.text) }
                    }
                } }
            } }
            (more(report.events.len(), report.events_left_out))
        }
    }
}
