//! What a scraper reads: the whole text, compared with the snapshot and the counters behind it.

mod families;
mod formats;
mod units;

use crate::history::HistoryNumbers;
use crate::metrics::rows::{self, Kind, OF_UNITS};
use crate::metrics::{Exporter, Format, HttpNumbers, HttpRow, Sources};
use crate::state::BuildInfo;
use crate::stream::{Sent, StreamNumbers};
use crate::testing;
use bess_core::alarm::{ALARMS, AlarmCode, AlarmLevel};
use bess_core::command::ControlSource;
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::WatchdogState;
use bess_core::event::{Event, EventKind};
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::link::{ActiveLink, LinkCondition, LinkEffect, LinkScope};
use bess_core::log::Log;
use bess_core::snapshot::{ClockMode, ClockView, FarmView, Snapshot, UnitState, UnitView};
use bess_core::stats::{Histogram, MODBUS_EXCEPTIONS, MODBUS_FUNCTIONS, Stats};
use bess_core::time::{Moment, SimTime, Tick};
use bess_core::units::{Amps, Celsius, Hertz, Joules, Vars, Volts, Watts};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

fn farm_of(text: &str) -> Snapshot {
    let spec = parse_farm("farm.toml", text, &|path| Err(format!("no {path}")));
    let spec = Arc::new(spec.unwrap_or_else(|problems| panic!("{problems}")));
    let n_units = spec.units.len();
    let mut units = vec![UnitView::default(); n_units];
    for (index, unit) in units.iter_mut().enumerate() {
        let share = index as f64 / n_units as f64;
        unit.state = UnitState::Running;
        unit.ac.active_power = Watts(-1000.5 * share);
        unit.ac.reactive_power = Vars(10.25);
        unit.dc.voltage = Volts(1380.125);
        unit.dc.current = Amps(-7.5);
        unit.measured.soc = 0.25 + share / 2.0;
        unit.truth.soc = unit.measured.soc + 0.01;
        unit.measured.energy = Joules(1.5e10);
        unit.equivalent_full_cycles = 3.5;
        unit.racks_connected = 12;
        unit.coolant_temperature = Celsius(18.5);
        unit.air_temperature = Celsius(27.25);
        unit.gas_litres = 40.5;
        unit.pcs_temperature = Celsius(41.5);
        unit.insulation_kohm = 850.5;
        unit.watchdog.remaining_s = 12.5;
        unit.watchdog.state = WatchdogState::Armed;
    }
    let mut farm = FarmView {
        units_by_state: UnitState::ALL
            .map(|state| if state == UnitState::Running { n_units as u32 } else { 0 }),
        voltage_pu: 0.985,
        frequency_response: Watts(-2.5e5),
        ramped_setpoint: Watts(-1.2e6),
        trips: 3,
        commands_applied: 17,
        commands_refused: 4,
        active_power: Watts(-1.25e6),
        setpoint: Some(Watts(-1.3e6)),
        soc: 0.5,
        frequency: Hertz(49.98),
        ..FarmView::default()
    };
    farm.totals.charged = Joules(7.5e9);
    farm.totals.cell_loss = Joules(11.5);
    farm.totals.pcs_loss = Joules(22.5);
    farm.totals.transformer = Joules(33.5);
    farm.transformer_loss = Watts(44.5);
    Snapshot {
        tick: Tick(1234),
        publication: 1300,
        time: SimTime { unix_ns: 1_750_000_000_500_000_000 },
        wall_unix_ns: 1_760_000_000_000_000_000,
        clock: ClockView { mode: ClockMode::Running, speed: 2.0, ..ClockView::default() },
        farm,
        units,
        events: Arc::new(Log::new(10)),
        audit: Arc::new(Log::new(10)),
        stage: crate::testing::stage::one_of_each(),
        ..Snapshot::empty(spec)
    }
}

fn farm() -> Snapshot {
    farm_of(BUILT_IN_FARM)
}

/// A scrape of a farm, and the one before it took so long.
#[derive(Debug)]
struct Scrape<'a> {
    snapshot: &'a Snapshot,
    stats: &'a Stats,
    build: BuildInfo,
    http: HttpNumbers,
    units_max: usize,
}

fn scrape<'a>(snapshot: &'a Snapshot, stats: &'a Stats) -> Scrape<'a> {
    let build = BuildInfo {
        version: "1.2.3".to_owned(),
        revision: "abc".to_owned(),
        rustc: "1.90.0".to_owned(),
        target: "x86_64-unknown-linux-gnu".to_owned(),
        farm_sha256: "00ff".to_owned(),
    };
    Scrape { snapshot, stats, build, http: HttpNumbers::default(), units_max: 1000 }
}

impl Scrape<'_> {
    fn sources(&self) -> Sources<'_> {
        Sources {
            snapshot: self.snapshot,
            stats: self.stats,
            build: &self.build,
            http: self.http.clone(),
            modbus_ids: &[Some(1), None, Some(33)],
        }
    }
}

fn encode(scrape: &Scrape<'_>, format: Format) -> String {
    encode_by(&Exporter::default(), scrape, format)
}

fn encode_by(exporter: &Exporter, scrape: &Scrape<'_>, format: Format) -> String {
    exporter.farm(scrape.sources(), scrape.units_max, format).text().to_owned()
}

fn open_metrics(snapshot: &Snapshot, stats: &Stats) -> String {
    encode(&scrape(snapshot, stats), Format::OpenMetrics)
}

fn n_rows() -> usize {
    rows::all().count()
}

/// Series with their values, the metadata and the final line left out.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let mut all = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let value = value.parse().unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(all.insert(series, value).is_none(), "{series} twice");
    }
    all
}

/// The families that have a line `# {keyword}`, each with what it says.
fn metadata<'t>(text: &'t str, keyword: &str) -> BTreeMap<&'t str, &'t str> {
    let mut all = BTreeMap::new();
    let rest = |line: &'t str| line.strip_prefix("# ")?.strip_prefix(keyword);
    for rest in text.lines().filter_map(rest) {
        let (name, said) = rest.trim_start().split_once(' ').expect("a name");
        assert!(all.insert(name, said).is_none(), "{name} twice");
    }
    all
}

#[track_caller]
fn assert_values(text: &str, expected: &[(&str, f64)]) {
    let all = series(text);
    for (name, value) in expected {
        assert_eq!(all.get(name), Some(value), "{name}");
    }
}

#[test]
fn every_family_has_help_and_type_and_its_unit() {
    let (snapshot, stats) = (farm(), Stats::default());
    let text = open_metrics(&snapshot, &stats);
    let (help, kind, unit) =
        (metadata(&text, "HELP"), metadata(&text, "TYPE"), metadata(&text, "UNIT"));
    assert_eq!(kind.len(), n_rows());
    for row in rows::all() {
        let (suffix, kind_name) = match row.kind {
            Kind::Counter => ("_total", "counter"),
            Kind::Info => ("_info", "info"),
            Kind::Gauge => ("", "gauge"),
            Kind::Histogram => ("", "histogram"),
        };
        let family = row.name.strip_suffix(suffix).expect("the kind's suffix");
        assert_eq!(help.get(family), Some(&row.help().as_str()));
        assert_eq!(kind.get(family), Some(&kind_name));
        assert_eq!(unit.get(family).copied(), row.unit());
        if let Some(unit) = row.unit() {
            assert!(family.ends_with(&format!("_{unit}")), "{family}");
        }
    }
}

#[test]
fn a_name_is_in_the_table_once_and_only_counters_end_in_total() {
    let names: BTreeSet<&str> = rows::all().map(|row| row.name).collect();
    assert_eq!(names.len(), n_rows());
    for row in rows::all() {
        let is_total = row.name.ends_with("_total");
        assert_eq!(is_total, row.kind == Kind::Counter, "{}", row.name);
        let is_known = ["bess_", "process_", "tokio_"].iter().any(|p| row.name.starts_with(p));
        assert!(is_known, "{}", row.name);
    }
}

#[test]
fn a_help_text_is_one_sentence_without_anything_to_escape() {
    for row in rows::all() {
        let help = row.help();
        assert!(!help.contains(['\\', '"', '\n']), "{help:?}");
        assert!(help.ends_with('.') && !help.ends_with(".."), "{help:?}");
        assert!(help.starts_with(char::is_uppercase), "{help:?}");
    }
    let state = OF_UNITS.iter().find(|row| row.name == "bess_unit_state");
    let help = state.expect("a row").help();
    for state in UnitState::ALL {
        let meaning = format!("{} {}", state as u8, state.name());
        assert!(help.contains(&meaning), "{help}");
    }
}

#[test]
fn values_of_the_farm_are_those_of_the_snapshot() {
    let (mut snapshot, stats) = (farm(), Stats::default());
    snapshot.units[3].alarms.insert(AlarmCode::CellOverVoltage, AlarmLevel::Warning);
    snapshot.units[3].alarms.insert(AlarmCode::CellOverVoltage, AlarmLevel::Trip);
    snapshot.units[4].alarms.insert(AlarmCode::CellOverVoltage, AlarmLevel::Warning);
    snapshot.units[5].is_local = true;
    snapshot.units[5].watchdog.state = WatchdogState::Lost;
    let condition = LinkCondition {
        name: "test".to_owned(),
        effect: LinkEffect::Drop,
        scope: LinkScope::default(),
        probability: 1.0,
        seed: 0,
        until: None,
    };
    let link = Arc::new(ActiveLink::new(condition, Tick(0)));
    snapshot.link = Arc::new([Arc::clone(&link), link]);
    let (point, value) = ("m/a".to_owned(), ForcedValue::Number(1.0));
    snapshot.forced = Arc::new([ForcedPoint { unit: None, point, value }]);
    let mut events = Log::new(1);
    let kind = EventKind::Local { local: true };
    for _ in 0..2 {
        events.push(Event { at: Moment::default(), unit: None, kind });
    }
    snapshot.events = Arc::new(events);
    assert_values(
        &open_metrics(&snapshot, &stats),
        &[
            (
                r#"bess_build_info{version="1.2.3",revision="abc",rustc="1.90.0",target="x86_64-unknown-linux-gnu"}"#,
                1.0,
            ),
            (r#"bess_config_hash_info{sha256="00ff"}"#, 1.0),
            (r#"bess_shard_info{shard="0",first_unit="1",units="10"}"#, 1.0),
            ("bess_shards_expected", 1.0),
            (r#"bess_units{state="running"}"#, 10.0),
            (r#"bess_units{state="fault"}"#, 0.0),
            (r#"bess_units_alarm{code="cell_over_voltage",level="warning"}"#, 2.0),
            (r#"bess_units_alarm{code="cell_over_voltage",level="derate"}"#, 0.0),
            (r#"bess_units_alarm{code="cell_over_voltage",level="trip"}"#, 1.0),
            (r#"bess_units_alarm{code="quarantined",level="critical"}"#, 0.0),
            ("bess_units_local", 1.0),
            ("bess_modbus_link_conditions", 2.0),
            ("bess_points_forced", 1.0),
            (r#"bess_units_watchdog{state="armed"}"#, 9.0),
            (r#"bess_units_watchdog{state="lost"}"#, 1.0),
            ("bess_events_total", 2.0),
            (r#"bess_writes_total{result="applied"}"#, 17.0),
            (r#"bess_writes_total{result="refused"}"#, 4.0),
            ("bess_grid_voltage_ratio", 0.985),
            ("bess_farm_frequency_response_watts", -2.5e5),
            ("bess_farm_ramped_setpoint_watts", -1.2e6),
            ("bess_farm_soc_ratio", 0.5),
            ("bess_farm_ac_power_watts", -1.25e6),
            ("bess_farm_ac_power_setpoint_watts", -1.3e6),
            ("bess_farm_ac_power_rated_watts", 25e6),
            ("bess_farm_charged_joules_total", 7.5e9),
            (r#"bess_farm_loss_joules_total{kind="cell"}"#, 11.5),
            (r#"bess_farm_loss_joules_total{kind="pcs"}"#, 22.5),
            (r#"bess_farm_loss_joules_total{kind="transformer"}"#, 33.5),
            ("bess_farm_transformer_loss_watts", 44.5),
            ("bess_grid_frequency_hertz", 49.98),
            ("bess_grid_frequency_nominal_hertz", 50.0),
            ("bess_simulation_time_seconds", 1_750_000_000.5),
            ("bess_time_scale_ratio", 2.0),
            ("bess_tick_period_seconds", 0.05),
            ("bess_snapshot_tick", 1234.0),
            ("bess_snapshot_publication", 1300.0),
        ],
    );
}

#[test]
fn values_of_a_unit_are_those_of_its_view() {
    let (snapshot, stats) = (farm(), Stats::default());
    let view = &snapshot.units[2];
    let text = open_metrics(&snapshot, &stats);
    let info = r#"bess_unit_info{unit="3",name="unit-003",vendor="bess",model="5 MWh container",chemistry="lfp-314",modbus_unit_id="33"}"#;
    assert_values(&text, &[(info, 1.0)]);
    let all = series(&text);
    for (name, value) in [
        ("state", 5.0),
        ("soc_ratio", view.measured.soc),
        ("true_soc_ratio", view.truth.soc),
        ("ac_power_watts", view.ac.active_power.0),
        ("ac_reactive_power_vars", 10.25),
        ("dc_voltage_volts", 1380.125),
        ("dc_current_amperes", -7.5),
        ("available_energy_joules", 1.5e10),
        ("equivalent_full_cycles", 3.5),
        ("racks_connected", 12.0),
        ("coolant_temperature_celsius", 18.5),
        ("air_temperature_celsius", 27.25),
        ("gas_litres", 40.5),
        ("pcs_temperature_celsius", 41.5),
        ("insulation_ohms", 850_500.0),
        ("watchdog_remaining_seconds", 12.5),
    ] {
        let name = format!("bess_unit_{name}{{unit=\"3\"}}");
        assert_eq!(all.get(name.as_str()), Some(&value), "{name}");
    }
}

#[test]
fn series_change_with_the_truth_if_and_only_if_they_are_called_true() {
    let (believed, stats) = (farm(), Stats::default());
    let mut other = believed.clone();
    testing::change_truth(&mut other);
    let (before, after) = (open_metrics(&believed, &stats), open_metrics(&other, &stats));
    let (before, after) = (series(&before), series(&after));
    assert!(before.keys().eq(after.keys()));
    // Those of the process change at any time, and so does what a scrape leaves.
    let is_of_farm =
        |name: &str| name.starts_with("bess_") && !name.starts_with("bess_snapshot_age_");
    for (name, value) in before.iter().filter(|(name, _)| is_of_farm(name)) {
        assert_eq!(after[name] != *value, name.contains("_true_"), "{name}");
    }
    for (name, value) in [
        ("bess_farm_soc_ratio", 0.5),
        ("bess_farm_true_soc_ratio", 0.11),
        (r#"bess_unit_soc_ratio{unit="1"}"#, 0.25),
        (r#"bess_unit_true_soc_ratio{unit="1"}"#, 0.11),
        (r#"bess_unit_true_soh_ratio{unit="1"}"#, 0.22),
        (r#"bess_unit_true_cell_voltage_min_volts{unit="1"}"#, 1.5),
        (r#"bess_unit_true_cell_voltage_max_volts{unit="1"}"#, 4.75),
        (r#"bess_unit_true_cell_temperature_min_celsius{unit="1"}"#, -17.0),
        (r#"bess_unit_true_cell_temperature_max_celsius{unit="1"}"#, 222.0),
        (r#"bess_unit_cell_temperature_max_celsius{unit="1"}"#, 0.0),
    ] {
        assert_eq!(after.get(name), Some(&value), "{name}");
    }
}

#[test]
fn counters_and_histograms_are_those_of_the_process() {
    let (snapshot, stats) = (farm(), Stats::default());
    stats.ticks.ticks.store(u64::MAX, Relaxed);
    stats.ticks.last_beat_unix_ns.store(1_760_000_000_250_000_000, Relaxed);
    for seconds in [0.0001, 0.02, 7.0] {
        stats.ticks.duration.observe(seconds);
    }
    stats.modbus.requests[3].store(5, Relaxed);
    stats.modbus.requests[99].store(2, Relaxed);
    stats.modbus.requests[100].store(1, Relaxed);
    stats.modbus.count_exception(3, 2);
    (0..6).for_each(|_| stats.modbus.count_exception(99, 15));
    stats.modbus.bytes[0].store(12, Relaxed);
    stats.modbus.count_link(&LinkEffect::Drop);
    stats.modbus.bytes[1].store(9, Relaxed);
    stats.commands.refused[ControlSource::Rest as usize].store(8, Relaxed);
    let durations = Histogram::new(&[0.1]);
    durations.observe(0.05);
    let mut scrape = scrape(&snapshot, &stats);
    scrape.http.requests.push(HttpRow {
        method: "GET",
        route: "/api/v1/units/{id}".to_owned(),
        code: 404,
        count: 17,
    });
    scrape.http.durations.push(("GET", "/healthz".to_owned(), durations.read()));
    let text = encode(&scrape, Format::OpenMetrics);
    assert!(text.contains("\nbess_ticks_total 18446744073709551615\n"));
    assert_values(
        &text,
        &[
            ("bess_last_tick_timestamp_seconds", 1_760_000_000.25),
            (r#"bess_tick_duration_seconds_bucket{le="0.0001"}"#, 1.0),
            (r#"bess_tick_duration_seconds_bucket{le="0.025"}"#, 2.0),
            (r#"bess_tick_duration_seconds_bucket{le="0.1"}"#, 2.0),
            (r#"bess_tick_duration_seconds_bucket{le="+Inf"}"#, 3.0),
            ("bess_tick_duration_seconds_count", 3.0),
            ("bess_tick_duration_seconds_sum", 7.0201),
            ("bess_tick_jitter_seconds_count", 0.0),
            (r#"bess_modbus_requests_total{function="3"}"#, 5.0),
            (r#"bess_modbus_requests_total{function="other"}"#, 3.0),
            (r#"bess_modbus_exceptions_total{function="3",exception="2"}"#, 1.0),
            (r#"bess_modbus_exceptions_total{function="16",exception="2"}"#, 0.0),
            (r#"bess_modbus_exceptions_total{function="other",exception="other"}"#, 6.0),
            (r#"bess_modbus_bytes_total{direction="received"}"#, 12.0),
            (r#"bess_modbus_link_conditions_hits_total{effect="drop"}"#, 1.0),
            (r#"bess_modbus_link_conditions_hits_total{effect="delay"}"#, 0.0),
            (r#"bess_modbus_bytes_total{direction="sent"}"#, 9.0),
            (r#"bess_setpoint_commands_total{source="rest",result="refused"}"#, 8.0),
            (
                r#"bess_http_requests_total{method="GET",route="/api/v1/units/{id}",code="404"}"#,
                17.0,
            ),
            (
                r#"bess_http_request_duration_seconds_bucket{le="0.1",method="GET",route="/healthz"}"#,
                1.0,
            ),
            (r#"bess_http_request_duration_seconds_count{method="GET",route="/healthz"}"#, 1.0),
        ],
    );
}

#[test]
fn label_sets_are_complete_before_anything_happened() {
    let (snapshot, stats) = (farm(), Stats::default());
    let text = open_metrics(&snapshot, &stats);
    let all = series(&text);
    let count_of = |family: &str| {
        let prefix = format!("{family}{{");
        all.keys().filter(|name| name.starts_with(&prefix)).count()
    };
    assert_eq!(count_of("bess_units"), UnitState::ALL.len());
    assert_eq!(count_of("bess_units_alarm"), ALARMS.len() * AlarmLevel::ALL.len());
    assert_eq!(count_of("bess_units_watchdog"), WatchdogState::ALL.len());
    assert_eq!(count_of("bess_modbus_bytes_total"), 2);
    let effects = count_of("bess_modbus_link_conditions_hits_total");
    assert_eq!(effects, LinkEffect::NAMES.len());
    let functions = MODBUS_FUNCTIONS.map(|code| code.to_string());
    assert_eq!(count_of("bess_modbus_requests_total"), functions.len() + 1);
    for function in functions.iter().map(String::as_str).chain(["other"]) {
        let name = format!("bess_modbus_requests_total{{function=\"{function}\"}}");
        assert_eq!(all.get(name.as_str()), Some(&0.0), "{name}");
    }
    let exceptions = (MODBUS_EXCEPTIONS.len() + 1) * (functions.len() + 1);
    assert_eq!(count_of("bess_modbus_exceptions_total"), exceptions);
    assert_eq!(count_of("bess_setpoint_commands_total"), 2 * ControlSource::NAMES.len());
    for source in ControlSource::NAMES {
        for result in ["applied", "refused"] {
            let name =
                format!("bess_setpoint_commands_total{{source=\"{source}\",result=\"{result}\"}}");
            assert_eq!(all.get(name.as_str()), Some(&0.0), "{name}");
        }
    }
}

#[test]
fn what_is_not_available_has_no_series() {
    let (mut snapshot, stats) = (farm(), Stats::default());
    snapshot.farm.setpoint = None;
    snapshot.clock = ClockView { mode: ClockMode::Free, ..ClockView::default() };
    snapshot.units[0].measured.soc = f64::NAN;
    let mut scrape = scrape(&snapshot, &stats);
    scrape.build.farm_sha256.clear();
    let text = encode(&scrape, Format::OpenMetrics);
    assert!(!text.contains("bess_config_hash_info{") && !text.contains("_info{}"));
    let all = series(&text);
    for name in [
        "bess_farm_ac_power_setpoint_watts",
        "bess_time_scale_ratio",
        "bess_tick_period_seconds",
        "bess_last_tick_timestamp_seconds",
        r#"bess_scrape_encode_seconds{endpoint="/metrics"}"#,
        "tokio_workers",
        r#"bess_unit_soc_ratio{unit="1"}"#,
    ] {
        assert!(!all.contains_key(name), "{name}");
    }
    assert!(all.contains_key(r#"bess_unit_soc_ratio{unit="2"}"#));
    assert!(all.values().all(|value| value.is_finite()));
}

#[test]
fn the_time_scale_is_zero_while_paused() {
    let (mut snapshot, stats) = (farm(), Stats::default());
    snapshot.clock.mode = ClockMode::Paused;
    let text = open_metrics(&snapshot, &stats);
    assert_values(&text, &[("bess_time_scale_ratio", 0.0), ("bess_tick_period_seconds", 0.05)]);
}

#[test]
fn units_have_series_only_while_the_farm_is_small_enough() {
    let (snapshot, stats) = (farm(), Stats::default());
    // Who wants none misses none.
    for (units_max, exported, truncated) in [(0, 0, 0), (9, 0, 10), (10, 10, 0), (11, 10, 0)] {
        let mut scrape = scrape(&snapshot, &stats);
        scrape.units_max = units_max;
        let text = encode(&scrape, Format::OpenMetrics);
        assert_eq!(text.contains("bess_unit_state"), exported > 0, "{units_max}");
        assert_values(
            &text,
            &[
                ("bess_metrics_units_exported", f64::from(exported)),
                ("bess_metrics_units_truncated", f64::from(truncated)),
            ],
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_described_under_the_usual_names() {
    let (snapshot, stats) = (farm(), Stats::default());
    let text = open_metrics(&snapshot, &stats);
    let all = series(&text);
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_threads",
        "process_start_time_seconds",
    ] {
        assert!(all.get(name).is_some_and(|value| *value >= 0.0), "{name}");
    }
}

#[test]
fn streams_and_the_history_are_counted_and_without_a_history_it_is_absent() {
    let (snapshot, stats) = (farm(), Stats::default());
    let mut scrape = scrape(&snapshot, &stats);
    scrape.http.streams = StreamNumbers {
        open: 3,
        limit: 100,
        sent: Sent([4, 5, 6, 7]),
        skipped: Sent([8, 0, 9, 0]),
        dropped: 2,
    };
    let without = encode(&scrape, Format::OpenMetrics);
    assert!(!without.lines().any(|line| line.starts_with("bess_history_")), "{without}");
    scrape.http.history =
        Some(HistoryNumbers { points: 10, bytes: 2_000, bytes_limit: 256_000_000, dropped: 1 });
    let text = encode(&scrape, Format::OpenMetrics);
    for line in [
        "bess_http_streams 3",
        "bess_http_streams_limit 100",
        "bess_http_stream_events_total{kind=\"snapshot\"} 4",
        "bess_http_stream_events_total{kind=\"alarm\"} 5",
        "bess_http_stream_events_total{kind=\"event\"} 6",
        "bess_http_stream_events_total{kind=\"write\"} 7",
        "bess_http_stream_skipped_total{kind=\"snapshot\"} 8",
        "bess_http_stream_skipped_total{kind=\"event\"} 9",
        "bess_http_streams_dropped_total 2",
        "bess_history_points 10.0",
        "bess_history_bytes 2000.0",
        "bess_history_bytes_limit 256000000.0",
        "bess_history_dropped_total 1.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
}
