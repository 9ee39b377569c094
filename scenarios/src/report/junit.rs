//! The JUnit form, for CI: one test case for each check, fault and invariant, and one for the run itself.
//!
//! A run that did not pass has at least one failure or error, one that passed has none.

use super::{ActionPart, CheckPart, InvariantPart, Report, words};
use bess_core::stage::{CheckState, Effect, Severity, Verdict};
use maud::{Markup, PreEscaped, html};

/// How a test case came out.
enum Outcome {
    Good,
    Failure { kind: &'static str, message: String },
    Error { kind: &'static str, message: String },
    Skipped(String),
}

/// A test case.
struct Case {
    name: String,
    seconds: f64,
    outcome: Outcome,
    /// Name and value.
    properties: Vec<(String, String)>,
    /// What is told beside the outcome.
    out: String,
}

/// A report as JUnit XML. The time of a test case is the simulated time from the start of the run to its
/// decision.
pub fn junit(report: &Report) -> String {
    let mut cases: Vec<Case> = report.checks.iter().map(|check| of_check(report, check)).collect();
    let faults = report.actions.iter().filter(|action| action.plane.is_some());
    cases.extend(faults.map(|action| of_fault(report, action)));
    cases.extend(report.invariants.iter().map(|invariant| of_invariant(report, invariant)));
    let is_told = cases.iter().any(|case| matches!(case.outcome, Outcome::Failure { .. }));
    cases.push(of_run(report, is_told));
    let count = |is: fn(&Outcome) -> bool| cases.iter().filter(|case| is(&case.outcome)).count();
    let failures = count(|outcome| matches!(outcome, Outcome::Failure { .. }));
    let errors = count(|outcome| matches!(outcome, Outcome::Error { .. }));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let seconds = format!("{:.1}", report.end_s - report.start_s);
    let id = clean(&report.scenario.id);
    let timestamp = words::instant(report, report.start_s);
    let timestamp = timestamp.trim_end_matches('Z');
    let page = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        testsuites name="bess" tests=(cases.len()) failures=(failures) errors=(errors) time=(seconds) {
            testsuite name=(id) tests=(cases.len()) failures=(failures) errors=(errors)
                skipped=(skipped) time=(seconds) timestamp=(timestamp) hostname="bess" {
                (properties(&of_suite(report)))
                @for case in &cases { (test_case(&id, case)) }
                system-out { (clean(&format!("{}\n{}", told(report), words::reproduce(report)))) }
            }
        }
    };
    page.into_string()
}

fn told(report: &Report) -> String {
    match report.reason.is_empty() {
        true => report.verdict.name().to_owned(),
        false => format!("{}: {}", report.verdict.name(), report.reason),
    }
}

fn test_case(class: &str, case: &Case) -> Markup {
    html! {
        testcase name=(clean(&case.name)) classname=(class) time=(format!("{:.1}", case.seconds.max(0.0))) {
            @if !case.properties.is_empty() { (properties(&case.properties)) }
            @match &case.outcome {
                Outcome::Good => {}
                Outcome::Failure { kind, message } => {
                    failure type=(kind) message=(clean(message)) { (clean(message)) }
                }
                Outcome::Error { kind, message } => {
                    error type=(kind) message=(clean(message)) { (clean(message)) }
                }
                Outcome::Skipped(message) => { skipped message=(clean(message)) {} }
            }
            @if !case.out.is_empty() { system-out { (clean(&case.out)) } }
        }
    }
}

fn properties(list: &[(String, String)]) -> Markup {
    html! {
        properties {
            @for (name, value) in list { property name=(clean(name)) value=(clean(value)) {} }
        }
    }
}

fn of_suite(report: &Report) -> Vec<(String, String)> {
    let row = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
    let mut rows = vec![
        row("run", &report.run),
        row("verdict", &report.verdict.name()),
        row("reason", &report.reason),
        row("title", &report.scenario.title),
        row("seed", &report.seed),
        row("farm.seed", &report.farm.seed),
        row("farm.name", &report.farm.name),
        row("bess.version", &report.host.version),
        row("scenario.digest", &report.scenario.digest),
        row("determinism", &report.determinism.name()),
        row("ticks", &words::ticks(report)),
        row("sut.mode", &report.sut.mode),
        row("reproduce", &words::reproduce(report)),
    ];
    let params = report.params.iter();
    rows.extend(params.map(|(name, value, _)| (format!("param.{name}"), value.clone())));
    let targets = report.targets.iter();
    rows.extend(targets.map(|target| (format!("target.{}", target.name), words::ids(target))));
    rows
}

fn of_check(report: &Report, check: &CheckPart) -> Case {
    let mut said = Vec::new();
    for (name, text) in [("", &check.message), ("asked: ", &check.asks), ("seen: ", &check.seen)] {
        if !text.is_empty() {
            said.push(format!("{name}{text}"));
        }
    }
    if let Some((at_s, value)) = words::violation(check) {
        let value = value.map(|value| format!(", value {}", words::number(value)));
        said.push(format!("first violation: {at_s:.1} s{}", value.unwrap_or_default()));
    }
    let said = said.join("\n");
    let is_must = check.severity == Severity::Must;
    let (outcome, out) = match check.state {
        CheckState::Passed => (Outcome::Good, String::new()),
        CheckState::Failed if is_must => {
            (Outcome::Failure { kind: "deviated", message: said }, String::new())
        }
        CheckState::Skipped => (Outcome::Skipped(check.seen.clone()), String::new()),
        _ if words::is_unproven(report, check) => {
            (Outcome::Error { kind: "invalid", message: said }, String::new())
        }
        CheckState::Pending => {
            (Outcome::Skipped("the run ended before it was decided".to_owned()), String::new())
        }
        CheckState::Failed | CheckState::Inconclusive => {
            let level = check.severity.name();
            (Outcome::Good, format!("{level} {}\n{said}", check.state.name()))
        }
    };
    let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Case {
        name: check.id.clone(),
        seconds: check.decided_s.unwrap_or(report.end_s) - report.start_s,
        outcome,
        properties: vec![
            row("kind", check.kind),
            row("severity", check.severity.name()),
            row("state", check.state.name()),
        ],
        out,
    }
}

fn of_fault(report: &Report, action: &ActionPart) -> Case {
    let effect = action.effect.name();
    let said = format!("the effect of {} is {effect}; proof: {}", action.kind, action.proof);
    let (outcome, out) = match action.effect {
        Effect::Confirmed => (Outcome::Good, String::new()),
        _ if words::is_idle(report, action) => {
            let stand = action.stands_for.join(", ");
            let message = format!("{said}; checks that stand on it: {stand}");
            (Outcome::Error { kind: "invalid", message }, String::new())
        }
        _ if action.times.is_empty() => {
            let why = match action.left_out.is_empty() {
                true => "it never came due".to_owned(),
                false => action.left_out.clone(),
            };
            (Outcome::Skipped(why), String::new())
        }
        _ => (Outcome::Good, said),
    };
    let confirmed = action.times.iter().filter_map(|time| time.confirmed_s);
    let confirmed = confirmed.fold(f64::INFINITY, f64::min);
    let decided_s = if confirmed.is_finite() { confirmed } else { report.end_s };
    let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Case {
        name: format!("effect of {}", action.id),
        seconds: decided_s - report.start_s,
        outcome,
        properties: vec![row("kind", action.kind), row("effect", effect)],
        out,
    }
}

fn of_invariant(report: &Report, invariant: &InvariantPart) -> Case {
    let broken = invariant.broken.as_ref();
    let outcome = match broken {
        Some((at_s, how)) => Outcome::Failure {
            kind: "invariant",
            message: format!("{} is broken at {at_s:.1} s: {how}", invariant.text),
        },
        None if invariant.ticks == 0 => Outcome::Skipped("it was never looked at".to_owned()),
        None => Outcome::Good,
    };
    Case {
        name: format!("invariant {}", invariant.name),
        seconds: broken.map_or(report.end_s, |(at_s, _)| *at_s) - report.start_s,
        outcome,
        properties: Vec::new(),
        out: String::new(),
    }
}

/// `is_told`: a check says already that the run failed.
fn of_run(report: &Report, is_told: bool) -> Case {
    let message = report.reason.clone();
    let outcome = match report.verdict {
        Verdict::Passed => Outcome::Good,
        Verdict::Failed if is_told => Outcome::Good,
        Verdict::Failed => Outcome::Failure { kind: "deviated", message },
        Verdict::Error | Verdict::Aborted | Verdict::Invalid => {
            Outcome::Error { kind: report.verdict.name(), message }
        }
    };
    Case {
        name: "run".to_owned(),
        seconds: report.end_s - report.start_s,
        outcome,
        properties: Vec::new(),
        out: String::new(),
    }
}

/// A text without the characters that XML cannot hold.
fn clean(text: &str) -> String {
    let is_good =
        |c: char| matches!(c, '\t' | '\n') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    text.chars().map(|c| if is_good(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, xml};

    fn cases(report: &Report) -> Vec<xml::Element> {
        let root = xml::read(&junit(report)).expect("well-formed");
        let suite = root.children.into_iter().next().expect("one suite");
        suite.children.into_iter().filter(|child| child.name == "testcase").collect()
    }
    fn of<'a>(cases: &'a [xml::Element], name: &str) -> &'a xml::Element {
        cases.iter().find(|case| case.attribute("name") == name).expect(name)
    }

    #[test]
    fn it_has_the_shape_that_readers_of_junit_know() {
        for report in [sample::report(), sample::passed(), sample::empty()] {
            let root = xml::read(&junit(&report)).expect("well-formed");
            assert_eq!(root.name, "testsuites");
            assert_eq!(root.children.len(), 1);
            let suite = &root.children[0];
            let names: Vec<&str> = suite.children.iter().map(|child| child.name.as_str()).collect();
            assert_eq!((names[0], names.last().copied()), ("properties", Some("system-out")));
            let cases = &suite.children[1..suite.children.len() - 1];
            assert!(cases.iter().all(|case| case.name == "testcase"));
            let having = |name: &str| {
                let has = |case: &&xml::Element| case.children.iter().any(|c| c.name == name);
                cases.iter().filter(has).count().to_string()
            };
            assert_eq!(suite.attribute("tests"), cases.len().to_string());
            assert_eq!(suite.attribute("failures"), having("failure"));
            assert_eq!(suite.attribute("errors"), having("error"));
            assert_eq!(suite.attribute("skipped"), having("skipped"));
            assert!(suite.attribute("time").parse::<f64>().is_ok());
            assert_eq!(suite.attribute("timestamp"), "2026-03-01T11:59:00");
            for case in cases {
                assert_eq!(case.attribute("classname"), report.scenario.id);
                assert!(case.attribute("time").parse::<f64>().is_ok_and(|time| time >= 0.0));
                let order = ["properties", "skipped", "failure", "error", "system-out"];
                let places = case.children.iter().map(|child| {
                    order.iter().position(|name| *name == child.name).expect("a known element")
                });
                assert!(places.collect::<Vec<_>>().is_sorted());
            }
        }
    }

    #[test]
    fn each_outcome_is_told_as_a_ci_understands_it() {
        let mut report = sample::report();
        report.invariants[1].broken = Some((300.0, "unit-002 gives 5.3 MVA".to_owned()));
        let cases = cases(&report);
        let child = |name: &str, of_name: &str| {
            let case = of(&cases, name);
            case.children.iter().find(|child| child.name == of_name).cloned()
        };
        let failure = child("power-stays", "failure").expect("a must that failed");
        assert_eq!(failure.attribute("type"), "deviated");
        assert!(failure.attribute("message").contains("first violation: 121.5 s, value"));
        let error = child("insulation-seen", "error").expect("a must that is inconclusive");
        assert_eq!(error.attribute("type"), "invalid");
        let case = of(&cases, "soc-spread");
        assert!(case.children.iter().all(|c| c.name != "failure" && c.name != "error"));
        assert!(
            child("soc-spread", "system-out").is_some_and(|out| out.text.contains("should failed"))
        );
        assert!(child("ems-notices", "skipped").is_some());
        assert!(child("isolates", "failure").is_none());
        assert_eq!(of(&cases, "isolates").attribute("time"), "184.7");
        let idle = child("effect of bias", "error").expect("a must stands on what did nothing");
        assert_eq!(idle.attribute("type"), "invalid");
        assert!(child("effect of short", "error").is_none());
        assert!(child("effect of storm", "skipped").is_some());
        assert!(of(&cases, "invariant finite").children.is_empty());
        assert_eq!(
            child("invariant within_capability", "failure").expect("broken").attribute("type"),
            "invariant"
        );
    }

    #[test]
    fn a_run_passes_there_exactly_when_its_verdict_is_passed() {
        let mut report = sample::passed();
        let bad = |report: &Report| {
            let root = xml::read(&junit(report)).expect("well-formed");
            let count = |name: &str| root.attribute(name).parse::<u32>().expect("a count");
            count("failures") + count("errors")
        };
        assert_eq!(bad(&report), 0);
        for verdict in [Verdict::Failed, Verdict::Error, Verdict::Aborted, Verdict::Invalid] {
            report.verdict = verdict;
            assert!(bad(&report) > 0, "{verdict:?}");
        }
    }

    #[test]
    fn no_text_of_a_scenario_can_break_out() {
        let mut report = sample::report();
        let nasty = "]]><failure/>&amp;\"'\u{0}\u{1b}[0m\n\u{fffe}<";
        report.checks[0].message = nasty.to_owned();
        report.checks[0].state = CheckState::Failed;
        report.params.push(("x".to_owned(), nasty.to_owned(), true));
        report.scenario.title = nasty.to_owned();
        let cases = cases(&report);
        let failure = &cases[0].children[1];
        let expected = "]]><failure/>&amp;\"'\u{fffd}\u{fffd}[0m\n\u{fffd}<";
        assert!(failure.text.starts_with(expected), "{:?}", failure.text);
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        assert_eq!(junit(&sample::report()), junit(&sample::report()));
    }
}
