//! `docs/farm-files.md` against the code that reads farm files: its examples, keys, defaults, ranges.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod pages;

use bess_core::config::{BUILT_IN_FARM, Problems, parse_farm};
use bess_core::spec::FarmSpec;
use pages::{Table, assert_no_key_is_forgotten, blocks, tables, written};

const PAGE: &str = include_str!("../../docs/farm-files.md");

const SOURCES: &[&str] = &[
    include_str!("../src/config/farm.rs"),
    include_str!("../src/config/site.rs"),
    include_str!("../src/config/cooling.rs"),
    include_str!("../src/config/bms.rs"),
    include_str!("../src/config/watchdog.rs"),
    include_str!("../src/config/defects.rs"),
    include_str!("../src/config/defects/battery.rs"),
    include_str!("../src/config/grid.rs"),
    include_str!("../src/config/sequence.rs"),
    include_str!("../src/config/protection.rs"),
    include_str!("../src/config/functions.rs"),
    include_str!("../src/config/plant.rs"),
];

/// Texts of the form of a key that are none.
const NOT_KEYS: &[&str] = &["coolant"];

fn parsed(text: &str) -> Result<FarmSpec, Problems> {
    parse_farm("docs/farm-files.md", text, &|path| Err(format!("cannot read {path}")))
}
fn farm(text: &str) -> FarmSpec {
    parsed(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// `base` with the tables of `fragment`, as the page says: each in place of the table of its name, the
/// keys of `[farm]` and `[[units]]` into the table that is there, defects after each other.
fn with(base: &str, fragment: &str) -> String {
    let mut all = tables(base);
    for (header, lines) in tables(fragment).into_iter().filter(|(header, _)| !header.is_empty()) {
        if header == "[farm.ambient]" {
            let farm = all.iter_mut().find(|(header, _)| header == "[farm]").unwrap();
            farm.1.retain(|line| key_of(line) != "ambient_degc");
        }
        let there = all.iter_mut().find(|(known, _)| *known == header);
        match there {
            Some((_, kept)) if header == "[farm]" || header == "[[units]]" => {
                kept.retain(|line| lines.iter().all(|new| key_of(new) != key_of(line)));
                kept.extend(lines);
            }
            Some((_, kept)) if header != "[[defects]]" => *kept = lines,
            _ => all.push((header, lines)),
        }
    }
    written(&all)
}

/// The key of a line.
fn key_of(line: &str) -> &str {
    line.split('=').next().unwrap().trim()
}

fn smallest() -> &'static str {
    blocks(PAGE).iter().find(|(kind, _)| *kind == "toml complete").unwrap().1
}

#[test]
fn every_block_of_the_page_says_whether_it_is_complete() {
    for (kind, text) in blocks(PAGE) {
        let is_complete = text.contains("[farm]") && text.contains("[[units]]");
        let expected = if is_complete { "toml complete" } else { "toml fragment" };
        assert_eq!(kind, expected, "{text}");
    }
}

#[test]
fn every_complete_example_is_a_farm() {
    let farms: Vec<FarmSpec> = blocks(PAGE)
        .iter()
        .filter(|(kind, _)| *kind == "toml complete")
        .map(|(_, text)| farm(text))
        .collect();
    assert_eq!(farms.iter().map(|farm| farm.units.len()).collect::<Vec<_>>(), [1, 6]);
    assert_eq!(farms[1].units[4].name, "air-005");
}

#[test]
fn every_fragment_fits_into_the_built_in_farm_and_changes_it() {
    let built_in = format!("{:?}", farm(BUILT_IN_FARM));
    let fragments: Vec<&str> = blocks(PAGE)
        .iter()
        .filter(|(kind, _)| *kind == "toml fragment")
        .map(|(_, text)| *text)
        .collect();
    assert!(fragments.len() >= 9);
    for fragment in fragments {
        assert_ne!(format!("{:?}", farm(&with(BUILT_IN_FARM, fragment))), built_in, "{fragment}");
    }
}

/// What the built-in farm shows in comments: single keys with the header of their table, and tables.
fn commented(text: &str) -> Vec<String> {
    let (mut header, mut shown) = ("", Vec::new());
    let mut table: Option<String> = None;
    for line in text.lines() {
        let inner = line.strip_prefix("# ").unwrap_or("");
        let key = key_of(inner);
        let is_key = inner.contains(" = ")
            && key.chars().all(|c| c.is_ascii_lowercase() || "_0".contains(c));
        if line.starts_with('[') {
            header = line.split('#').next().unwrap().trim();
        } else if inner.starts_with('[') {
            shown.extend(table.replace(format!("{inner}\n")));
        } else if let Some(table) = table.as_mut().filter(|_| is_key) {
            *table += &format!("{inner}\n");
        } else if is_key {
            shown.push(format!("{header}\n{inner}\n"));
        } else {
            shown.extend(table.take());
        }
    }
    shown.extend(table);
    shown
}

#[test]
fn what_the_built_in_farm_shows_in_comments_can_be_taken_over_as_it_is() {
    let shown = commented(BUILT_IN_FARM);
    assert!(shown.len() >= 12, "{shown:#?}");
    for header in ["[farm.ambient]", "[farm.plant.frequency_response]", "[units.watchdog]"] {
        assert!(shown.iter().any(|text| text.starts_with(header)), "{header} of {shown:#?}");
    }
    for text in shown {
        let header = text.lines().next().unwrap().split('#').next().unwrap().trim();
        let own = tables(BUILT_IN_FARM).into_iter().find(|(known, _)| known == header);
        // A key goes to those of its table.
        let all = own.map_or(text.clone(), |(header, lines)| {
            let key = text.lines().nth(1).unwrap().to_owned();
            written(&[(header, lines.into_iter().chain([key]).collect())])
        });
        farm(&with(BUILT_IN_FARM, &all));
    }
}

#[test]
fn no_key_of_the_code_is_forgotten() {
    let keys = assert_no_key_is_forgotten(PAGE, SOURCES, NOT_KEYS);
    assert!(keys.len() > 100, "{}", keys.len());
    assert!(["seed", "bleed_ma", "until_s", "passive"].iter().all(|key| keys.contains(*key)));
}

/// A row of a table of keys.
struct Row<'p> {
    /// Header of the TOML table.
    header: &'p str,
    /// What else that table needs.
    others: Vec<&'p str>,
    key: &'p str,
    range: &'p str,
    default: &'p str,
}

impl Row<'_> {
    /// The smallest farm where this key has `value`.
    fn farm_with(&self, value: &str) -> String {
        let others = self.others.iter().filter(|line| key_of(line) != self.key);
        let lines: Vec<String> = others
            .map(|line| (*line).to_owned())
            .chain([format!("{} = {value}", self.key)])
            .collect();
        let table: Table = (self.header.to_owned(), lines);
        with(smallest(), &written(&[table]))
    }
    /// The farm without this key.
    fn farm_without(&self) -> String {
        let lines = self.others.iter().map(|line| (*line).to_owned()).collect();
        with(smallest(), &written(&[(self.header.to_owned(), lines)]))
    }
    /// Ends of the range, and whether the lower one is excluded; `None` for what is no range of numbers.
    fn ends(&self) -> Option<(bool, f64, f64)> {
        let (excluded, text) = match self.range.strip_prefix("above ") {
            Some(rest) => (true, rest),
            None => (false, self.range),
        };
        let (low, rest) = text.split_once(" to ")?;
        let high = rest.split(' ').next()?.replace(',', "");
        Some((excluded, low.parse().ok()?, high.parse().ok()?))
    }
}

/// Every row of every table of keys.
fn rows() -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    let (mut header, mut others, mut of_keys) = ("", Vec::new(), false);
    for line in PAGE.lines() {
        if let Some(rest) = line.strip_prefix("### `") {
            (header, others) = (rest.split('`').next().unwrap(), Vec::new());
        } else if let Some(rest) = line.strip_prefix("<!-- with: ") {
            others = rest.trim_end_matches(" -->").split("; ").collect();
        } else if line.starts_with("| key |") {
            of_keys = true;
        } else if !line.starts_with('|') {
            of_keys = false;
        } else if let Some(rest) = line.strip_prefix("| `").filter(|_| of_keys) {
            let cells: Vec<&str> = rest.split(" | ").collect();
            assert_eq!(cells.len(), 4, "{line}");
            let key = cells[0].trim_end_matches('`');
            rows.push(Row {
                header,
                others: others.clone(),
                key,
                range: cells[1],
                default: cells[2],
            });
        }
    }
    rows
}

#[test]
fn every_default_that_the_page_names_is_the_codes() {
    let mut n_checked = 0;
    for row in rows() {
        let absent = row.farm_without();
        if row.default == "required" {
            // Where something else of the table needs the key, that is the example's.
            if !row.others.iter().any(|line| key_of(line) == row.key)
                && !smallest().contains(row.key)
            {
                let problems = parsed(&absent).expect_err(row.key).to_string();
                assert!(problems.contains(&format!("lacks `{}`", row.key)), "{problems}");
            }
            continue;
        }
        let Some(default) = row.default.strip_prefix('`').and_then(|rest| rest.split('`').next())
        else {
            continue;
        };
        // A default that is another key is no literal.
        if default.ends_with("_kw") || default.ends_with("_kva") {
            continue;
        }
        let (written, absent) = (farm(&row.farm_with(default)), farm(&absent));
        assert_eq!(format!("{written:?}"), format!("{absent:?}"), "{} {}", row.header, row.key);
        n_checked += 1;
    }
    assert!(n_checked >= 55, "{n_checked}");
}

#[test]
fn every_range_that_the_page_names_is_the_codes() {
    let mut n_checked = 0;
    for row in rows() {
        let Some((excluded, low, high)) = row.ends() else { continue };
        let words = if excluded {
            format!("greater than {low} and at most {high}")
        } else {
            format!("from {low} to {high}")
        };
        let beyond = high + (high.abs() * 0.01).max(0.01);
        let whole = matches!(row.key, "count" | "racks" | "cells_in_series");
        let beyond = if whole { high + 1.0 } else { beyond };
        let below = if excluded || whole { low - f64::from(u8::from(whole)) } else { low - 0.01 };
        for value in [beyond, below] {
            let problems =
                parsed(&row.farm_with(&value.to_string())).expect_err(row.key).to_string();
            let told = problems.contains(&format!("{words}, got {value}"));
            assert!(told, "{} {}: {words} is not in:\n{problems}", row.header, row.key);
        }
        n_checked += 1;
    }
    assert!(n_checked >= 75, "{n_checked}");
}

#[test]
fn every_key_of_the_page_is_read_in_its_table() {
    for row in rows() {
        let problems = parsed(&row.farm_with("{ not = 1 }")).expect_err(row.key).to_string();
        assert!(!problems.contains("unknown key"), "{problems}");
    }
}
