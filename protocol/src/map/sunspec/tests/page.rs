//! docs/sunspec.md against the tables.

use super::*;
use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../../../docs/sunspec.md");

/// Whether a pattern of the page means a point: `*` stands for anything.
fn means(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, end)) => {
            path.len() >= start.len() + end.len() && path.starts_with(start) && path.ends_with(end)
        }
    }
}

#[test]
fn the_page_names_every_point_of_a_unit_that_is_not_implemented_and_no_other() {
    let mut patterns: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    let rows = PAGE.split("## What is not implemented").nth(1).unwrap().lines();
    for cells in rows.filter(|line| line.starts_with("| ")).map(|line| line.split('|')) {
        let cells: Vec<_> = cells.map(str::trim).collect();
        let Ok(id) = cells[1].parse() else { continue };
        patterns.insert(id, cells[2].split('`').skip(1).step_by(2).collect());
    }
    let (_, chains) = chains();
    let of_units = chains.iter().filter(|(of, ..)| of != "plant");
    let mut known = BTreeMap::new();
    for field in of_units.flat_map(|(_, chain, ..)| &chain.fields) {
        let Some((model, path)) = field.about.name.split_once('.') else { continue };
        // Without the numbers of the repetitions; fillers hold nothing.
        let path: String =
            path.split('[').map(|part| part.split_once(']').map_or(part, |p| p.1)).collect();
        if field.codec.name() != "pad" {
            let is_missing = matches!(field.source, Source::Missing);
            known.insert((model.parse::<u16>().unwrap(), path), is_missing);
        }
    }
    for ((id, path), is_missing) in &known {
        let named = patterns.get(id).is_some_and(|all| all.iter().any(|one| means(one, path)));
        assert_eq!(named, *is_missing, "{id}.{path}: the page and the map");
    }
    for (id, patterns) in &patterns {
        for pattern in patterns {
            let mut points = known.keys().filter(|(of, _)| of == id);
            assert!(points.any(|(_, path)| means(pattern, path)), "{id} has no {pattern}");
        }
    }
}

#[test]
fn the_page_has_every_chain_with_its_models() {
    for map in crate::map::MAPS.iter().filter(|map| map.starts_with("sunspec")) {
        assert!(PAGE.contains(&format!("`{map}`")), "{map}");
    }
}
