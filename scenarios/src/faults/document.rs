//! The page of all kinds, `docs/faults.md`.

use super::{FaultKind, KINDS};
use bess_core::snapshot::FaultPlane;
use bess_core::stage::FaultKindInfo;
use std::fmt::Write as _;

/// What stands above the kinds.
const HEAD: &str = "# Kinds of faults

What can be made wrong, by the plane on which it is: what it does to the physics, how it shows, what is expected of the
farm or of whoever watches it, and where that is known from. `bess fault kinds NAME` and `GET /faults/kinds` say the same
of a running version. Made from the code: `UPDATE=1 cargo test -p bess-scenarios faults` writes it anew.

A number takes the unit at the end of its name or one like it (`power_w: 5MW`), or a shape or a distribution, as
[scenario files](scenario-files.md) have them. Where a kind has a parameter `signal` its target may be the sensor itself,
such as `unit-001/rack-2/current_a`, and `signal` is left out.
";

/// The page.
pub fn document() -> String {
    let mut page = HEAD.to_owned();
    let kinds: Vec<FaultKindInfo> = KINDS.iter().copied().map(FaultKind::info).collect();
    let of = |plane: &str| {
        let plane = plane.to_owned();
        kinds.iter().filter(move |kind| FaultPlane::NAMES[kind.plane as usize] == plane)
    };
    let _ = writeln!(page, "\n| plane | kinds |\n|---|---|");
    for plane in FaultPlane::NAMES {
        let names: Vec<String> = of(plane)
            .map(|kind| format!("[`{}`](#{})", kind.name, kind.name.replace('.', "")))
            .collect();
        let _ = writeln!(page, "| {plane} | {} |", names.join(", "));
    }
    for plane in FaultPlane::NAMES {
        let _ = writeln!(page, "\n## Plane: {plane}");
        of(plane).for_each(|kind| section(kind, &mut page));
    }
    page
}

fn section(kind: &FaultKindInfo, page: &mut String) {
    let _ = writeln!(page, "\n### `{}`", kind.name);
    let _ = writeln!(page, "{}.\n", sentence(kind.summary));
    let rows = [
        ("Hits", kind.targets.join(", ")),
        ("Effect", kind.effect.to_owned()),
        ("Symptoms", kind.symptoms.to_owned()),
        ("Reaction", kind.reaction.to_owned()),
        ("Source", kind.source.to_owned()),
        ("Catalogue", kind.catalogue.join(", ")),
    ];
    for (name, text) in rows {
        let _ = writeln!(page, "- {name}: {text}");
    }
    if kind.parameters.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n| parameter | what | range | |\n|---|---|---|---|");
    for parameter in &kind.parameters {
        let (name, text) = (parameter.name, parameter.text);
        let (range, default) = (parameter.range(), parameter.default_text());
        let _ = writeln!(page, "| `{name}` | {text} | {range} | {default} |");
    }
}

/// A text with a capital at its begin.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::ParameterKind;

    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/faults.md");

    #[test]
    fn the_page_of_the_faults_is_made_from_their_kinds() {
        let page = document();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(COMMITTED, &page).expect("it can be written");
        }
        let committed = std::fs::read_to_string(COMMITTED).expect("it is there");
        let stale = "docs/faults.md is stale: run UPDATE=1 cargo test -p bess-scenarios faults";
        assert!(committed == page, "{stale}");
    }

    #[test]
    fn every_kind_and_every_parameter_is_told_without_a_gap() {
        let page = document();
        assert!(!page.contains("NaN") && !page.contains("- Source: \n"), "no value is missing");
        for kind in KINDS {
            assert!(page.contains(&format!("### `{}`\n", kind.name)), "{}", kind.name);
            for parameter in kind.parameters {
                let is_number = matches!(parameter.kind, ParameterKind::Number { .. });
                let range = parameter.info().range();
                assert!(!is_number || range.contains(" to "), "{}: {range}", kind.name);
            }
        }
    }
}
