//! The form for people: one page that asks nobody for anything, reads without a script, and is light or
//! dark as the reader has it.

mod chart;
mod lanes;
mod lines;
mod scale;
mod story;
mod tables;

use super::{Report, words};
use bess_core::stage::{CheckState, Effect, Severity};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use scale::{TimeAxis, moment, quantity};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("hover.js");

/// A report as one page of HTML.
pub fn html(report: &Report) -> String {
    let axis = TimeAxis::new(report.start_s, report.end_s);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                // Nothing from elsewhere, whatever stands in the texts of a scenario.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
                // No icon: a browser would ask for one.
                link rel="icon" href="data:,";
                title { (report.scenario.id) ": " (report.verdict.name()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (banner(report))
                    (about(report))
                    section { h2 { "Time line" } (story::timeline(report, &axis)) }
                    (checks(report))
                    @if !report.signals.is_empty() || !report.signals_left_out.is_empty() {
                        section { h2 { "Signals" } (chart::charts(report, &axis)) }
                    }
                    section { h2 { "Alarms" } (story::alarms(report, &axis)) }
                    section { h2 { "States of units" } (story::states(report, &axis)) }
                    section { h2 { "Commands" } (story::commands(report, &axis)) (tables::commands(report)) }
                    section { h2 { "Faults and actions" } (tables::actions(report)) }
                    section { h2 { "Targets" } (tables::targets(report)) }
                    section { h2 { "Scores" } (tables::scores(report)) }
                    section { h2 { "Invariants" } (tables::invariants(report)) }
                    section { h2 { "Events" } (tables::events(report)) }
                    (again(report))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The class that colours an effect.
fn effect_class(effect: Effect) -> &'static str {
    effect.name()
}

/// The sign and the class of a check.
fn check_sign(state: CheckState, severity: Severity) -> (&'static str, &'static str) {
    match (state, severity) {
        (CheckState::Passed, _) => ("✓", "green"),
        (CheckState::Failed, Severity::Must) => ("✗", "red"),
        (CheckState::Failed, _) => ("✗", "amber"),
        (CheckState::Inconclusive, _) => ("?", "amber"),
        (CheckState::Pending | CheckState::Skipped, _) => ("–", ""),
    }
}

fn banner(report: &Report) -> Markup {
    let bad: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.severity == Severity::Must)
        .filter(|check| check.state == CheckState::Failed || words::is_unproven(report, check))
        .collect();
    let idle: Vec<_> =
        report.actions.iter().filter(|action| words::is_idle(report, action)).collect();
    let broken: Vec<_> = report.invariants.iter().filter(|one| one.broken.is_some()).collect();
    html! {
        section class={ "banner " (report.verdict.name()) } {
            h1 { (report.scenario.title) }
            p.soft { code { (report.scenario.id) } " · run " code { (report.run) } " · seed " (report.seed) }
            div { span.verdict { (report.verdict.name()) } (words::meaning(report.verdict)) }
            @if !report.reason.is_empty() { p.why { (report.reason) } }
            @if !bad.is_empty() || !idle.is_empty() || !broken.is_empty() {
                ul.fails {
                    @for check in bad {
                        li { strong { (check.id) } " is " (check.state.name()) ": "
                            @if check.message.is_empty() { (check.asks) } @else { (check.message) } }
                    }
                    @for action in idle {
                        li { strong { (action.id) } " has effect " (action.effect.name())
                            ", and " (action.stands_for.join(", ")) " stands on it" }
                    }
                    @for one in broken {
                        li { strong { (one.name) } " is broken: " (one.text) }
                    }
                }
            }
        }
    }
}

fn about(report: &Report) -> Markup {
    let passed = report.checks.iter().filter(|check| check.state == CheckState::Passed).count();
    let fact = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    html! {
        section {
            @if !report.scenario.summary.is_empty() {
                @for paragraph in report.scenario.summary.split("\n\n") { p { (paragraph) } }
            }
            @if !report.scenario.refs.is_empty() {
                p.note { "Sources: " (report.scenario.refs.join(" · ")) }
            }
            dl.facts style="margin-top:12px" {
                (fact("Checks", html! { (passed) " of " (report.checks.len()) " passed" }))
                (fact("Farm", html! { (report.farm.name) ", " (report.farm.n_units) " units, "
                    (quantity(report.farm.rated_power_w, "W")) ", "
                    (quantity(report.farm.nominal_energy_wh, "Wh")) }))
                (fact("Zero of time", html! { (words::utc(report.zero)) }))
                (fact("Ran", html! { "from " (moment(report.start_s)) " to " (moment(report.end_s))
                    ", " (words::ticks(report)) " ticks" }))
                (fact("Planned", html! { (moment(report.duration_s)) }))
                (fact("Determinism", html! { (report.determinism.name()) }))
                (fact("System under test", html! { (report.sut.mode)
                    @if report.sut.expect_clients > 0 { ", " (report.sut.expect_clients) " clients expected" } }))
                (fact("Severity", html! { (report.scenario.severity) }))
                @if !report.scenario.tags.is_empty() {
                    (fact("Tags", html! { (report.scenario.tags.join(", ")) }))
                }
                (fact("Version", html! { "bess " (report.host.version) }))
                (fact("Digest", html! { code { (report.scenario.digest) } }))
                (fact("Shadow", html! { @if report.host.has_shadow { "a farm without the faults ran beside it" } @else { "none" } }))
            }
            @if !report.params.is_empty() {
                h2 style="margin-top:16px" { "Parameters" }
                dl.facts {
                    @for (name, value, is_set) in &report.params {
                        div { dt { code { (name) } } dd { (value) @if *is_set { span.soft { " (set)" } } } }
                    }
                }
            }
        }
    }
}

fn checks(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Checks" }
            (tables::checks(report))
        }
    }
}

fn again(report: &Report) -> Markup {
    html! {
        section {
            h2 { "How to run it again" }
            pre { (words::reproduce(report)) }
            p.note { "Determinism: " (report.determinism.name()) ": " (report.determinism.text())
                ". The farm " (report.farm.name) " has seed " (report.farm.seed)
                "; the text of the scenario has digest " code { (report.scenario.digest) } "." }
        }
    }
}

#[cfg(test)]
mod tests;
