//! What several forms of a report say in the same words.

use super::{ActionPart, Again, CheckPart, Report, TargetPart};
use bess_core::stage::{CheckState, Effect, Severity, Verdict};
use bess_core::time::{SimTime, TICKS_PER_S};
use std::fmt::Write as _;

/// An instant of simulated time as in `2026-03-01T12:00:00Z`.
pub(super) fn utc(at: SimTime) -> String {
    let at = jiff::Timestamp::from_nanosecond(i128::from(at.unix_ns));
    at.map_or_else(|_| String::new(), |at| at.to_string())
}

/// Seconds from the zero of the time line as a simulated instant.
pub(super) fn instant(report: &Report, at_s: f64) -> String {
    let after_ns = (at_s * 1e9).round() as i64;
    utc(SimTime { unix_ns: report.zero.unix_ns.saturating_add(after_ns) })
}

/// Ticks from the start to the end.
pub(super) fn ticks(report: &Report) -> u64 {
    ((report.end_s - report.start_s) * TICKS_PER_S as f64).round().max(0.0) as u64
}

/// The command that repeats a run.
pub(super) fn reproduce(report: &Report) -> String {
    let (command, seed, flags) = match &report.host.again {
        Again::Replay(folder) => return format!("bess scenario run --replay {}", quoted(folder)),
        Again::Run(flags) => ("bess scenario run", "--seed", flags),
        Again::Serve(flags) => ("bess serve --scenario", "--scenario-seed", flags),
    };
    let scenario = &report.scenario;
    let file = match scenario.file.as_str() {
        // Whoever sent its text has it under a name that nobody here knows.
        "text" => format!("{}.yaml", scenario.id),
        file => file.to_owned(),
    };
    let mut line = format!("{command} {} {seed} {}", quoted(&file), report.seed);
    for (name, value, _) in report.params.iter().filter(|(.., is_set)| *is_set) {
        let _ = write!(line, " --set {}", quoted(&format!("{name}={value}")));
    }
    for flag in flags {
        let _ = write!(line, " {}", quoted(flag));
    }
    line
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=.:/,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The ids of a target, with how many are not listed.
pub(super) fn ids(target: &TargetPart) -> String {
    let listed = target.ids.join(", ");
    match (listed.is_empty(), target.left_out) {
        (true, 0) => "nobody".to_owned(),
        (_, 0) => listed,
        (true, more) => format!("{more} of them"),
        (false, more) => format!("{listed} and {more} more"),
    }
}

/// When a check did not hold for the first time, and the compared value of then if there is one.
pub(super) fn violation(check: &CheckPart) -> Option<(f64, Option<f64>)> {
    let at_s = check.violated_s?;
    let away = |sample: &&(f64, f64)| (sample.0 - at_s).abs();
    let nearest = check.window.iter().filter(|(_, value)| value.is_finite());
    let nearest = nearest.min_by(|a, b| away(a).total_cmp(&away(b)));
    Some((at_s, nearest.filter(|sample| away(sample) < 1.0).map(|sample| sample.1)))
}

/// Why a `must` proves nothing, or `None`: the same rule as that of the verdict.
pub(super) fn is_unproven(report: &Report, check: &CheckPart) -> bool {
    let is_open = matches!(check.state, CheckState::Inconclusive | CheckState::Pending);
    check.severity == Severity::Must && is_open && went_to_its_end(report)
}

/// Whether a fault did nothing although a `must` that was asked stands on it.
pub(super) fn is_idle(report: &Report, action: &ActionPart) -> bool {
    let is_asked = |id: &String| {
        let mut checks = report.checks.iter();
        checks.any(|check| check.id == *id && check.state != CheckState::Skipped)
    };
    let stands = action.stands_for.iter().any(is_asked);
    action.plane.is_some()
        && action.effect != Effect::Confirmed
        && stands
        && went_to_its_end(report)
}

fn went_to_its_end(report: &Report) -> bool {
    !matches!(report.verdict, Verdict::Error | Verdict::Aborted)
}

/// What a verdict means, in a sentence.
pub(super) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "Every must held, and every fault that one stands on took effect.",
        Verdict::Failed => "A must, or what is true in every run, did not hold.",
        Verdict::Error => "The run could not be made, or it broke.",
        Verdict::Aborted => "The run was ended before its time.",
        Verdict::Invalid => "Nothing was proven.",
    }
}

/// A number for people: four digits that count, no more.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "none".to_owned();
    }
    let size = value.abs();
    let decimals = match size {
        _ if size >= 1000.0 || size == 0.0 => 0,
        _ if size >= 100.0 => 1,
        _ if size >= 10.0 => 2,
        _ if size >= 1.0 => 3,
        _ if size >= 1e-3 => 5,
        _ => 9,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_run_is_repeated_by_its_file_its_seed_what_was_set_and_the_farm() {
        let report = sample::report();
        let line = reproduce(&report);
        let begin = "bess scenario run 'scenarios/my short.yaml' --seed 42 ";
        assert!(line.starts_with(begin), "{line}");
        assert!(line.ends_with(" --farm 'my farm.toml' --stub-ems"), "{line}");
        assert!(line.contains("--set 'note=<b>it'\\''s & \"odd\"</b>'"), "{line}");
        assert!(!line.contains("limit="), "what was not set is not repeated: {line}");
    }

    #[test]
    fn a_live_run_is_served_again_and_a_recorded_one_is_replayed() {
        let mut report = sample::report();
        report.params.clear();
        report.host.again = Again::Serve(vec!["--speed".to_owned(), "50".to_owned()]);
        report.scenario.file = "text".to_owned();
        let line = reproduce(&report);
        let served = "bess serve --scenario short-in-a-cell.yaml --scenario-seed 42 --speed 50";
        assert_eq!(line, served);
        report.host.again = Again::Replay("last night".to_owned());
        assert_eq!(reproduce(&report), "bess scenario run --replay 'last night'");
    }

    #[test]
    fn the_first_sample_that_is_wrong_comes_with_its_value() {
        let report = sample::report();
        let check = report.checks.iter().find(|check| check.id == "power-stays").expect("there");
        let (at_s, value) = violation(check).expect("it was violated");
        assert!((at_s - 121.5).abs() < 1e-9);
        assert!(value.is_some_and(|value| value < 35e6), "{value:?}");
    }

    #[test]
    fn numbers_show_what_counts() {
        for (value, text) in [
            (0.0, "0"),
            (49.8, "49.8"),
            (12_345_678.9, "12345679"),
            (-0.25, "-0.25"),
            (f64::NAN, "none"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
