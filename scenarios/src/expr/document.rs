//! The lists of the language for people, from the tables.

use super::FUNCTIONS;
use super::compile::Vocabulary;
use super::select::LABELS;
use super::unit::UNITS;
use crate::sight::{EVENTS, Level, SIGNALS, Says, Signal, Source};
use std::fmt::Write;

fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(out, "| {} |", cells.join(" | ")).expect("a String takes all");
}
fn head(out: &mut String, title: &str, text: &str, columns: &[&str]) {
    writeln!(out, "### {title}\n\n{text}\n").expect("a String takes all");
    row(out, columns);
    row(out, &vec!["---"; columns.len()]);
}

fn signals(out: &mut String, title: &str, text: &str, keep: impl Fn(&Signal) -> bool) {
    head(out, title, text, &["signal", "in", "what it is"]);
    for signal in SIGNALS.iter().filter(|signal| keep(signal)) {
        row(out, &[&format!("`{}`", signal.name), signal.measure.words(), signal.text]);
    }
    out.push('\n');
}

/// Signals, functions, events, words, labels and units as Markdown, with headings of the third level.
pub fn lists() -> String {
    let mut out = String::new();
    let one = |signal: &Signal| signal.level() == Level::One && signal.source() == Source::Farm;
    signals(&mut out, "Signals of the farm and its grid", "One value each.", one);
    let of = |level: Level| move |signal: &Signal| signal.level() == level;
    signals(&mut out, "Signals of units", "A value for each unit.", of(Level::Unit));
    signals(&mut out, "Signals of racks", "A value for each rack.", of(Level::Rack));
    let text = "A value for each cell of the units that are meant. Pick them by `@target` where you can: \
                a whole farm has very many.";
    signals(&mut out, "Signals of cells", text, of(Level::Cell));
    let text = "By the audit of writes. A run that asks for them is deterministic given the recorded writes.";
    let from = |source: Source| move |signal: &Signal| signal.source() == source;
    signals(&mut out, "Signals of clients", text, from(Source::Writes));
    let text = "By counters of the running process. A run that asks for them is live: it does not repeat \
                bit for bit.";
    signals(&mut out, "Signals of the transport and the host", text, from(Source::Process));

    head(&mut out, "Functions", "`v` is a vector, `x` any number.", &["form", "what it gives"]);
    for function in FUNCTIONS {
        row(&mut out, &[&format!("`{}`", function.form), function.text]);
    }
    out.push('\n');
    head(
        &mut out,
        "Events",
        "Every one may be narrowed by `unit=` (or `target=`, the same).",
        &["event", "also by", "what happened"],
    );
    for event in EVENTS {
        let by = match event.says {
            Says::Nothing => "",
            Says::State => "`value=` a state",
            Says::Alarm => "`code=`, `level=`",
            Says::Power => "`value=` in W, `nonzero=` true or false",
        };
        row(&mut out, &[&format!("`{}`", event.name), by, event.text]);
    }
    out.push('\n');
    head(&mut out, "Words", "What words are compared with.", &["of", "words"]);
    for (of, words) in [
        ("`state`", Vocabulary::State),
        ("`level`", Vocabulary::AlarmLevel),
        ("`contactor`", Vocabulary::Contactor),
        ("`effect`", Vocabulary::Effect),
    ] {
        row(&mut out, &[of, &words.names().join(", ")]);
    }
    let alarms: Vec<&str> = bess_core::alarm::ALARMS.iter().map(|alarm| alarm.name).collect();
    row(&mut out, &["codes of alarms", &alarms.join(", ")]);
    out.push('\n');
    head(&mut out, "Labels", "In braces after a signal.", &["label", "what it is"]);
    for (label, text) in LABELS {
        row(&mut out, &[&format!("`{label}`"), text]);
    }
    let units: Vec<String> = UNITS.iter().map(|unit| format!("`{}`", unit.name)).collect();
    writeln!(out, "\n### Units\n\n{}\n", units.join(" ")).expect("a String takes all");
    out
}
