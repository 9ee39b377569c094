//! Families of the farm, the loop and the edges: their values, their labels, and how many series they are.

use super::*;
use crate::access::{Access, AccessConfig};
use crate::history::HistoryNumbers;
use crate::traffic::Traffic;
use bess_core::snapshot::{FaultPlane, RackView};
use bess_core::stats::{CloseReason, MapClass, Served, TickPhase};

#[test]
fn distributions_count_the_units_at_most_at_each_bound() {
    let (mut snapshot, stats) = (farm(), Stats::default());
    for (unit, soc) in snapshot.units.iter_mut().zip([0.05, 0.1, 0.1, 0.55, 0.95, 1.0, 1.01]) {
        unit.measured.soc = soc;
        unit.measured.soh = 0.97;
        unit.measured.extremes.temperature_max = Celsius(25.0);
    }
    for unit in &mut snapshot.units[7..] {
        unit.measured.soc = f64::NAN;
    }
    assert_values(
        &open_metrics(&snapshot, &stats),
        &[
            (r#"bess_units_soc_at_most{le="0.05"}"#, 1.0),
            (r#"bess_units_soc_at_most{le="0.1"}"#, 3.0),
            (r#"bess_units_soc_at_most{le="0.5"}"#, 3.0),
            (r#"bess_units_soc_at_most{le="0.6"}"#, 4.0),
            (r#"bess_units_soc_at_most{le="1.0"}"#, 6.0),
            (r#"bess_units_soc_at_most{le="+Inf"}"#, 7.0),
            (r#"bess_units_cell_temperature_at_most{le="20.0"}"#, 3.0),
            (r#"bess_units_cell_temperature_at_most{le="25.0"}"#, 10.0),
            (r#"bess_units_soh_at_most{le="0.96"}"#, 3.0),
            (r#"bess_units_soh_at_most{le="0.98"}"#, 10.0),
        ],
    );
}

#[test]
fn limits_are_those_of_the_strictest_protection_of_the_farm() {
    let stats = Stats::default();
    let snapshot = farm();
    let profile = Arc::clone(&snapshot.spec.units[0].design.protection);
    let rack_max_v = snapshot.spec.units[0].design.dc_voltage_window().1.0;
    let threshold = |code, level| profile.element(code, level).expect("it is set").threshold;
    let text = open_metrics(&snapshot, &stats);
    let critical = AlarmLevel::Critical;
    assert_values(
        &text,
        &[
            (
                r#"bess_cell_voltage_high_limit_volts{level="critical"}"#,
                threshold(AlarmCode::CellOverVoltage, critical),
            ),
            (
                r#"bess_cell_temperature_high_limit_celsius{level="warning"}"#,
                threshold(AlarmCode::CellOverTemperature, AlarmLevel::Warning),
            ),
            (
                r#"bess_insulation_limit_ohms{level="trip"}"#,
                threshold(AlarmCode::Insulation, AlarmLevel::Trip) * rack_max_v,
            ),
        ],
    );
    // Another design that is stricter at one end and less strict at the other.
    let mut spec = (*snapshot.spec).clone();
    let mut design = (*spec.units[1].design).clone();
    let mut other = (*profile).clone();
    for element in &mut other.elements {
        match (element.code, element.level) {
            (AlarmCode::CellOverVoltage, AlarmLevel::Critical) => element.threshold += 0.01,
            (AlarmCode::CellUnderVoltage, AlarmLevel::Critical) => element.threshold += 0.02,
            _ => {}
        }
    }
    other.elements.retain(|element| element.code != AlarmCode::SocHigh);
    design.protection = Arc::new(other);
    spec.units[1].design = Arc::new(design);
    let mut mixed = snapshot.clone();
    mixed.spec = Arc::new(spec);
    assert_values(
        &open_metrics(&mixed, &stats),
        &[
            (
                r#"bess_cell_voltage_high_limit_volts{level="critical"}"#,
                threshold(AlarmCode::CellOverVoltage, critical),
            ),
            (
                r#"bess_cell_voltage_low_limit_volts{level="critical"}"#,
                threshold(AlarmCode::CellUnderVoltage, critical) + 0.02,
            ),
        ],
    );
}

#[test]
fn a_level_at_which_no_protection_acts_has_no_limit() {
    let (mut snapshot, stats) = (farm(), Stats::default());
    let mut spec = (*snapshot.spec).clone();
    let mut design = (*spec.units[0].design).clone();
    design.protection = Arc::default();
    let design = Arc::new(design);
    spec.units.iter_mut().for_each(|unit| unit.design = Arc::clone(&design));
    snapshot.spec = Arc::new(spec);
    let text = open_metrics(&snapshot, &stats);
    assert!(!text.lines().any(|line| line.contains("_limit_") && line.contains("{level=")));
}

#[test]
fn what_happened_since_the_start_is_counted_by_its_cause() {
    let (mut snapshot, stats) = (farm(), Stats::default());
    let counts = &mut snapshot.counts;
    counts.count_trip(AlarmCode::AcUnderVoltage);
    counts.count_alarm(AlarmCode::CellOverVoltage);
    counts.count_alarm(AlarmCode::CellOverVoltage);
    counts.count_fault(FaultPlane::Sensor);
    counts.faults_active[FaultPlane::Grid as usize] = 2;
    let text = open_metrics(&snapshot, &stats);
    assert_values(
        &text,
        &[
            (r#"bess_unit_trips_total{cause="ac_under_voltage"}"#, 1.0),
            (r#"bess_unit_trips_total{cause="ac_over_voltage"}"#, 0.0),
            (r#"bess_alarms_raised_total{code="cell_over_voltage"}"#, 2.0),
            (r#"bess_alarms_raised_total{code="quarantined"}"#, 0.0),
            (r#"bess_fault_injections_total{plane="sensor"}"#, 1.0),
            (r#"bess_fault_injections_total{plane="device"}"#, 0.0),
            (r#"bess_faults_active{plane="grid"}"#, 2.0),
            (r#"bess_faults_active{plane="point"}"#, 0.0),
        ],
    );
}

#[test]
fn cells_and_cycles_of_the_farm_are_those_of_its_units() {
    let (mut snapshot, stats) = (farm(), Stats::default());
    snapshot.racks = vec![RackView::default(); snapshot.spec.n_racks()];
    snapshot.racks[3].truth.cells_vented = 2;
    snapshot.racks[50].truth.cells_vented = 1;
    snapshot.racks[50].truth.cells_burnt = 4;
    snapshot.units[0].equivalent_full_cycles = 13.5;
    assert_values(
        &open_metrics(&snapshot, &stats),
        &[
            ("bess_farm_cells", 49_920.0),
            ("bess_farm_cells_vented", 3.0),
            ("bess_farm_cells_burnt", 4.0),
            ("bess_farm_equivalent_full_cycles", 4.5),
        ],
    );
}

#[test]
fn the_loop_is_as_far_behind_as_its_next_tick_is_overdue() {
    let (snapshot, stats) = (farm(), Stats::default());
    let now_ns = crate::metrics::wall_unix_ns();
    let lag = |due_unix_ns| {
        stats.ticks.due_unix_ns.store(due_unix_ns, Relaxed);
        series(&open_metrics(&snapshot, &stats))["bess_simulation_lag_seconds"]
    };
    assert_eq!((lag(0), lag(now_ns + 3_000_000_000)), (0.0, 0.0));
    let behind_s = lag(now_ns - 3_000_000_000);
    assert!((3.0..60.0).contains(&behind_s), "{behind_s}");
}

#[test]
fn the_oldest_sign_of_life_of_the_watched_units_counts_at_the_speed_in_force() {
    let (mut snapshot, stats) = (farm(), Stats::default());
    for (unit, age_s) in snapshot.units.iter_mut().zip([1.0, 6.0, f64::NAN]) {
        unit.watchdog.age_s = age_s;
    }
    snapshot.units[3].watchdog.age_s = 99.0;
    snapshot.units[3].watchdog.state = WatchdogState::Disabled;
    // Six simulated seconds at twice the speed of the wall.
    assert_values(
        &open_metrics(&snapshot, &stats),
        &[("bess_ems_heartbeat_timestamp_seconds", 1_760_000_000.0 - 3.0)],
    );
    snapshot.units.iter_mut().for_each(|unit| unit.watchdog.state = WatchdogState::Disabled);
    assert!(!open_metrics(&snapshot, &stats).contains("\nbess_ems_heartbeat_timestamp_seconds "));
}

#[test]
fn the_edges_are_counted_by_phase_source_map_and_reason() {
    let (snapshot, stats) = (farm(), Stats::default());
    stats.ticks.phases[TickPhase::Units as usize].observe(0.02);
    stats.commands.apply[ControlSource::Modbus as usize].observe(0.06);
    stats.note_served(Served::Rest, 1_000, 50_001_000, 1);
    stats.modbus.observe(16, 0.003, 2);
    stats.modbus.count_read(MapClass::Compact, 25);
    stats.modbus.count_written(MapClass::File, 2);
    stats.modbus.count_closed(CloseReason::Idle);
    stats.modbus.connections_limit.store(4096, Relaxed);
    let text = open_metrics(&snapshot, &stats);
    assert_values(
        &text,
        &[
            (r#"bess_tick_phase_duration_seconds_bucket{le="0.025",phase="units"}"#, 1.0),
            (r#"bess_tick_phase_duration_seconds_count{phase="letters"}"#, 0.0),
            (r#"bess_command_apply_seconds_sum{source="modbus"}"#, 0.06),
            (r#"bess_command_apply_seconds_count{source="rest"}"#, 0.0),
            (r#"bess_snapshot_age_seconds_bucket{le="0.05",protocol="rest"}"#, 1.0),
            (r#"bess_snapshot_age_seconds_count{protocol="modbus"}"#, 0.0),
            (r#"bess_modbus_request_duration_seconds_count{function="16"}"#, 2.0),
            (r#"bess_modbus_request_duration_seconds_count{function="3"}"#, 0.0),
            (r#"bess_modbus_registers_total{direction="read",map="compact"}"#, 25.0),
            (r#"bess_modbus_registers_total{direction="written",map="file"}"#, 2.0),
            (r#"bess_modbus_registers_total{direction="written",map="sunspec"}"#, 0.0),
            (r#"bess_modbus_connections_closed_total{reason="idle"}"#, 1.0),
            (r#"bess_modbus_connections_closed_total{reason="panic"}"#, 0.0),
            ("bess_modbus_connections_limit", 4096.0),
        ],
    );
}

#[test]
fn the_exporter_tells_of_the_scrape_before() {
    let (snapshot, stats) = (farm(), Stats::default());
    let (exporter, scrape) = (Exporter::default(), scrape(&snapshot, &stats));
    let first = encode_by(&exporter, &scrape, Format::OpenMetrics);
    assert!(!first.contains("bess_scrape_bytes{"));
    let second = encode_by(&exporter, &scrape, Format::OpenMetrics);
    let all = series(&second);
    assert_eq!(all[r#"bess_scrape_bytes{endpoint="/metrics"}"#], first.len() as f64);
    assert!(all[r#"bess_scrape_encode_seconds{endpoint="/metrics"}"#] > 0.0);
    assert!(!second.contains(r#"endpoint="/metrics/units""#));
    assert_eq!(all[r#"bess_snapshot_age_seconds_count{protocol="metrics"}"#], 1.0);
}

#[tokio::test]
async fn the_runtime_that_serves_the_edges_is_described() {
    let (snapshot, stats) = (farm(), Stats::default());
    let text = open_metrics(&snapshot, &stats);
    let all = series(&text);
    assert_eq!(all["tokio_workers"], 1.0);
    for name in ["tokio_alive_tasks", "tokio_global_queue_depth", "tokio_worker_parks_total"] {
        assert!(all[name] >= 0.0, "{name}");
    }
    assert!(all.contains_key("tokio_worker_busy_seconds_total"));
}

/// Names of the labels in the text, by family.
fn labels_in(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rest)) = line.split_once('{') else { continue };
        let labels = rest.rsplit_once('}').expect("the labels end").0;
        let of_name = all.entry(name.to_owned()).or_default();
        let mut rest = labels;
        while let Some((label, after)) = rest.split_once("=\"") {
            of_name.insert(label.trim_start_matches(',').to_owned());
            let end = after.find("\",").map_or(after.len(), |at| at + 1);
            rest = &after[end..];
        }
    }
    all
}

/// A farm in which everything was used, so that every family has a series.
fn used() -> (Snapshot, Stats, HttpNumbers) {
    let (snapshot, stats, traffic) = (farm(), Stats::default(), Traffic::default());
    traffic.add("/api/v1/farm", "GET", 200, 0.001, Some(900));
    (snapshot, stats, all_of_http(&traffic))
}

/// The numbers of HTTP with what each part of it adds.
fn all_of_http(traffic: &Traffic) -> HttpNumbers {
    HttpNumbers {
        rejected: Access::new(AccessConfig::default()).rejected(),
        history: Some(HistoryNumbers::default()),
        ..traffic.numbers()
    }
}

#[test]
fn every_family_has_just_the_labels_that_its_row_tells() {
    let (snapshot, stats, http) = used();
    let mut scrape = scrape(&snapshot, &stats);
    scrape.http = http;
    let exporter = Exporter::default();
    encode_by(&exporter, &scrape, Format::OpenMetrics);
    let found = labels_in(&encode_by(&exporter, &scrape, Format::OpenMetrics));
    for row in rows::all() {
        let suffix = if row.kind == Kind::Histogram { "_count" } else { "" };
        let labels = found.get(&format!("{}{suffix}", row.name)).cloned().unwrap_or_default();
        let told: BTreeSet<String> = row.labels.iter().map(|&label| label.to_owned()).collect();
        assert_eq!(labels, told, "{}", row.name);
    }
}

/// Series of a farm with so many units, when every route was used with several results.
fn n_series(n_units: usize, units_max: usize) -> usize {
    // A fixture of a large farm is slow to parse: one unit is what it is made of.
    let mut snapshot = farm_of(&BUILT_IN_FARM.replace("count = 10", "count = 1"));
    let mut spec = (*snapshot.spec).clone();
    spec.units = vec![spec.units[0].clone(); n_units];
    snapshot.units = vec![snapshot.units[0]; n_units];
    snapshot.spec = Arc::new(spec);
    let traffic = Traffic::default();
    for n in 0..200 {
        for code in [200, 400, 404, 409, 422, 503] {
            traffic.add(&format!("/api/v1/{n}"), "GET", code, 0.001, Some(900));
        }
    }
    let stats = Stats::default();
    let mut scrape = scrape(&snapshot, &stats);
    scrape.http = all_of_http(&traffic);
    scrape.units_max = units_max;
    let text = encode(&scrape, Format::OpenMetrics);
    text.lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn the_number_of_series_is_bounded_and_does_not_depend_on_the_farm_but_for_its_units() {
    let fixed = n_series(1, 0);
    assert!(fixed <= 1500, "{fixed}");
    assert_eq!(n_series(1_000, 0), fixed);
    assert_eq!(n_series(100_000, 1_000), fixed);
    let of_a_unit = OF_UNITS.len();
    assert_eq!(n_series(1_000, 1_000), fixed + 1_000 * of_a_unit);
}
