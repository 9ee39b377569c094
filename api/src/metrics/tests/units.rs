//! The series of units: chosen, paged, escaped, and the same in `/metrics` and `/metrics/units`.

use super::*;
use crate::metrics::{Chosen, Query};
use bess_core::id::UnitId;
use bess_core::signal::{self, UnitSight};
use std::sync::Arc;

fn query(names: &[&str]) -> Query {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let chosen = Chosen::by_names(&names).expect("they are known");
    Query { chosen, state: None, from: 0, limit: 1000 }
}

fn units_text(snapshot: &Snapshot, query: &Query, format: Format) -> String {
    let stats = Stats::default();
    let scrape = scrape(snapshot, &stats);
    Exporter::default().units(scrape.sources(), query, format).text().to_owned()
}

#[test]
fn both_endpoints_say_the_same_of_a_unit() {
    let (snapshot, stats) = (farm(), Stats::default());
    for format in [Format::OpenMetrics, Format::Classic] {
        let whole = encode(&scrape(&snapshot, &stats), format);
        let page = units_text(&snapshot, &query(&[]), format);
        let of_units = |text: &str| -> Vec<String> {
            let is_of_units =
                |line: &&str| line.trim_start_matches("# HELP ").starts_with("bess_unit_");
            text.lines().filter(is_of_units).map(str::to_owned).collect()
        };
        // Trips are of all units together.
        let trips = |line: &String| !line.contains("bess_unit_trips");
        let whole: Vec<String> = of_units(&whole).into_iter().filter(trips).collect();
        assert_eq!(of_units(&page), whole);
        assert!(whole.len() > 300);
    }
}

/// The farm with its units many times, each with a state of charge of its own.
fn many_units(n: usize) -> Snapshot {
    let small = farm();
    let mut spec = (*small.spec).clone();
    let mut large = small.clone();
    spec.units = (0..n).map(|idx| small.spec.units[idx % 10].clone()).collect();
    large.units = (0..n).map(|idx| small.units[idx % 10]).collect();
    for (idx, unit) in spec.units.iter_mut().enumerate() {
        unit.id = UnitId::from_idx(idx);
        large.units[idx].measured.soc = 1.0 / (idx + 2) as f64;
    }
    large.spec = Arc::new(spec);
    large
}

#[test]
fn every_line_is_the_name_the_number_of_the_unit_and_its_value() {
    let mut snapshot = many_units(1100);
    // Alike neighbours, zeros of both signs and gaps.
    let odd = [0.0, 0.0, -0.0, f64::NAN, -0.0, 1e300, f64::INFINITY, f64::INFINITY, 0.0];
    for (idx, value) in odd.into_iter().enumerate() {
        snapshot.units[500 + idx].dc.current.0 = value;
    }
    let query = Query { from: 3, limit: usize::MAX, ..query(&[]) };
    let text = units_text(&snapshot, &query, Format::OpenMetrics);
    let is_value = |line: &&str| line.starts_with("bess_unit_") && !line.contains("_info{");
    let lines: Vec<&str> = text.lines().filter(is_value).collect();
    let mut wanted = Vec::new();
    for row in rows::OF_UNITS {
        let rows::Get::Unit(signal) = row.get else { continue };
        for (view, unit) in snapshot.units.iter().zip(&snapshot.spec.units).skip(3) {
            let value = (signal::unit(signal).get)(UnitSight { view, design: &unit.design });
            let value = match value {
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                value if value.is_nan() => continue,
                value => zmij::Buffer::new().format(value).to_owned(),
            };
            wanted.push(format!("{}{{unit=\"{}\"}} {value}", row.name, unit.id.number()));
        }
    }
    assert_eq!(lines, wanted);
    let currents = lines.iter().filter(|line| line.contains("bess_unit_dc_current_amperes"));
    assert_eq!(currents.count(), 1100 - 3 - 1);
}

#[test]
fn families_units_and_pages_are_chosen() {
    let mut snapshot = farm();
    for idx in [2, 4, 6, 8] {
        snapshot.units[idx].state = UnitState::Tripped;
    }
    let mut query = query(&["soc_ratio", "state"]);
    query.state = Some(UnitState::Tripped);
    (query.from, query.limit) = (1, 2);
    let text = units_text(&snapshot, &query, Format::OpenMetrics);
    let all = series(&text);
    let names: Vec<&str> = all.keys().copied().collect();
    assert_eq!(
        names,
        [
            "bess_metrics_units_exported",
            "bess_metrics_units_truncated",
            r#"bess_unit_soc_ratio{unit="5"}"#,
            r#"bess_unit_soc_ratio{unit="7"}"#,
            r#"bess_unit_state{unit="5"}"#,
            r#"bess_unit_state{unit="7"}"#,
        ]
    );
    assert_values(
        &text,
        &[
            ("bess_metrics_units_exported", 2.0),
            ("bess_metrics_units_truncated", 1.0),
            (r#"bess_unit_state{unit="5"}"#, f64::from(UnitState::Tripped as u8)),
        ],
    );
    assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
}

#[test]
fn a_page_beyond_the_last_unit_is_empty_and_whole() {
    let mut query = query(&[]);
    query.from = 10;
    let text = units_text(&farm(), &query, Format::OpenMetrics);
    assert_values(
        &text,
        &[("bess_metrics_units_exported", 0.0), ("bess_metrics_units_truncated", 0.0)],
    );
    assert!(text.ends_with("\n# EOF\n"));
    assert!(!text.contains("{unit="));
}

#[test]
fn a_value_that_is_not_available_has_no_series_here_either() {
    let mut snapshot = farm();
    snapshot.units[0].measured.soc = f64::NAN;
    snapshot.units[1].measured.soc = f64::INFINITY;
    let text = units_text(&snapshot, &query(&["soc_ratio"]), Format::Classic);
    assert!(!text.contains(r#"soc_ratio{unit="1"}"#));
    assert!(text.contains("bess_unit_soc_ratio{unit=\"2\"} +Inf\n"), "{text}");
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"));
}
