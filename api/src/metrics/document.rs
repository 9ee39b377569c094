//! What `docs/metrics.md` says of the families: made from the rows, so that it cannot drift.

use super::rows::{self, Kind};
use std::fmt::Write;

/// Names of all families, in the order of the text.
pub fn family_names() -> impl Iterator<Item = &'static str> {
    rows::all().map(|row| row.name)
}

/// A table of all families in Markdown: name, type, unit, labels and help.
pub fn families_table() -> String {
    let mut table =
        String::from("| family | type | unit | labels | what |\n|---|---|---|---|---|\n");
    for row in rows::all() {
        let kind = match row.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        };
        let labels: Vec<_> = row.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, unit, help) = (row.name, row.unit().unwrap_or_default(), row.help());
        let _ = writeln!(table, "| `{name}` | {kind} | {unit} | {} | {help} |", labels.join(" "));
    }
    table
}
