//! Runbooks: each alert has one and each is of an alert, with the same four parts, and the commands of `bess` in them
//! are commands that the binary takes.

mod common;

use common::run;
use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const PARTS: [&str; 4] = ["Meaning", "Impact", "Diagnosis", "Mitigation"];

fn read(path: &str) -> String {
    let path = Path::new(ROOT).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn pages() -> BTreeSet<String> {
    let folder = Path::new(ROOT).join("docs/runbooks");
    let files = std::fs::read_dir(folder).expect("docs/runbooks is there");
    files
        .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
        .map(|name| name.strip_suffix(".md").expect("a page").to_owned())
        .collect()
}

/// Values of a key of the rules, which are written one in a line with their quotes.
fn values(key: &str) -> Vec<String> {
    let rules = read("dashboards/alerts/rules.yaml") + &read("dashboards/alerts/slo.yaml");
    let prefix = format!("{key}: ");
    let lines = rules.lines().filter_map(|line| line.trim_start().strip_prefix(&prefix));
    lines.map(|value| value.trim_matches('"').to_owned()).collect()
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_is_of_an_alert() {
    let alerts = values("- alert").len();
    assert!(alerts >= 42, "{alerts} alerts");
    let urls = values("runbook_url");
    assert_eq!(urls.len(), alerts, "each alert names one");
    let named: BTreeSet<String> =
        urls.iter().map(|url| url.rsplit('/').next().expect("a last part").to_owned()).collect();
    assert_eq!(named, pages());
}

#[test]
fn a_runbook_has_meaning_impact_diagnosis_and_mitigation_and_links_to_pages_that_are_there() {
    let pages = pages();
    for page in &pages {
        let text = read(&format!("docs/runbooks/{page}.md"));
        assert!(text.starts_with(&format!("# {page}\n")), "{page} has its name as title");
        let mut parts = text.split("\n## ").skip(1);
        for part in PARTS {
            let found = parts.next().unwrap_or_else(|| panic!("{page} has no part {part}"));
            let body =
                found.strip_prefix(part).unwrap_or_else(|| panic!("{page}: {part}, not {found}"));
            assert!(body.trim().len() > 20, "{page}: {part} says nothing");
        }
        assert_eq!(parts.next(), None, "{page} has no further part");
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().expect("a target").trim_end_matches(".md");
            assert!(pages.contains(target), "{page} links to {target}");
        }
    }
}

#[test]
fn the_commands_in_runbooks_are_commands_of_bess() {
    let mut commands = BTreeSet::new();
    for page in pages() {
        let text =
            read(&format!("docs/runbooks/{page}.md")).replace("\n  ", " ").replace('\n', " ");
        // Every other piece between backticks is code.
        let code = text.split('`').skip(1).step_by(2);
        commands.extend(code.filter(|code| code.starts_with("bess ")).map(str::to_owned));
    }
    assert!(commands.len() > 30, "{commands:?}");
    for command in commands {
        // Asked for help, clap reads what stands before it as ever. Placeholders become values.
        let args = command.split(' ').skip(1).map(|word| match word {
            "N" | "R" | "L" => "1",
            "X" => "2",
            "…" => "0",
            word => word,
        });
        let args: Vec<&str> = args.chain(["--help"]).collect();
        let ran = run(&args);
        assert_eq!(ran.code, Some(0), "`{command}` is no command:\n{}", ran.stderr);
    }
}
