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

/// Every name of a label, some of them more than once.
pub fn label_names() -> impl Iterator<Item = &'static str> {
    rows::all().flat_map(|row| row.labels.iter().copied()).chain(["unit", "le"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    const BEGIN: &str = "<!-- families: from the rows of api/src/metrics/rows; UPDATE=1 cargo test -p bess-api document -->\n";
    const END: &str = "<!-- end of families -->";

    fn path(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
    }

    fn is_update() -> bool {
        std::env::var_os("UPDATE").is_some()
    }

    #[test]
    fn the_page_on_metrics_lists_every_family() {
        let path = path("../docs/metrics.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (head, rest) = page.split_once(BEGIN).expect("the page has a place for families");
        let (listed, tail) = rest.split_once(END).expect("and an end of it");
        let table = families_table();
        if is_update() {
            std::fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
        } else {
            assert!(listed == table, "docs/metrics.md is stale: run with UPDATE=1");
        }
    }

    /// Name, type and labels of each family: what a query depends on.
    fn promises() -> BTreeSet<String> {
        let promise =
            |row: &rows::Row| format!("{} {:?} {}", row.name, row.kind, row.labels.join(","));
        rows::all().map(|row| promise(row).trim_end().to_owned()).collect()
    }

    #[test]
    fn no_family_that_was_promised_is_gone_or_changed() {
        let path = path("../docs/frozen/metrics.txt");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let frozen: BTreeSet<String> = text.lines().map(str::to_owned).collect();
        let promises = promises();
        let gone: Vec<_> = frozen.difference(&promises).collect();
        // To take a name away on purpose is to take it out of the list by hand.
        assert!(
            gone.is_empty(),
            "promised in docs/frozen/metrics.txt and gone or changed: {gone:#?}"
        );
        if is_update() {
            let lines: Vec<_> = promises.into_iter().collect();
            std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        } else {
            let new: Vec<_> = promises.difference(&frozen).collect();
            assert!(
                new.is_empty(),
                "not yet in docs/frozen/metrics.txt: {new:#?}; run with UPDATE=1"
            );
        }
    }
}
