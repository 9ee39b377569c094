//! The table of metrics: one row for each family, in the order of the text.
//!
//! A row is called as its samples are, with unit and `_total` or `_info`, so that a search for a name
//! from a dashboard ends here. A row that names a signal of `bess_core::signal` takes its unit and
//! its sentence from there and may add to the sentence. One sign rule everywhere: positive power and
//! current is discharge. What is called `true_` only a simulator knows; all else about cells is what
//! their BMS believes.
//!
//! Counters belong to the process or to the run and start at 0. What survives a run (cycles) is a
//! gauge. Labels come from closed lists that are complete from the start; those of HTTP are the
//! caller's, and only rows of units name a unit.

use crate::metrics::Scrape;
use crate::metrics::family::{Labels, Number};
use crate::metrics::process::Process;
use Get::{Count, Histogram, Histograms, Info, Numbers, Real};
use bess_core::alarm::{ALARMS, AlarmLevel};
use bess_core::command::ControlSource;
use bess_core::control::WatchdogState;
use bess_core::link::LinkEffect;
use bess_core::signal::{self, Quantity};
use bess_core::snapshot::{ClockMode, UnitState, UnitView};
use bess_core::stats::HistogramReading;
use bess_core::time::TICK_S;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Kind of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// Where the samples of a family come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Get {
    /// The farm's signal of this name.
    Farm(&'static str),
    /// The signal of this name of every unit.
    Unit(&'static str),
    /// What every unit is.
    UnitInfo,
    Count(fn(&Sight<'_>) -> u64),
    /// NaN when it is not available.
    Real(fn(&Sight<'_>) -> f64),
    Numbers(fn(&Sight<'_>) -> Vec<(Labels, Number)>),
    Histogram(fn(&Sight<'_>) -> HistogramReading),
    Histograms(fn(&Sight<'_>) -> Vec<(Labels, HistogramReading)>),
    Info(fn(&Sight<'_>) -> Labels),
}

/// One family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) get: Get,
    unit: Option<&'static str>,
    help: &'static str,
}

/// What getters see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    pub(super) scrape: &'a Scrape<'a>,
    process: &'a Process,
    n_units_exported: usize,
}

impl<'a> Sight<'a> {
    pub(super) fn new(scrape: &'a Scrape<'a>, process: &'a Process) -> Self {
        let n_units = scrape.snapshot.units.len();
        let n_units_exported = if n_units <= scrape.units_max { n_units } else { 0 };
        Self { scrape, process, n_units_exported }
    }
    /// Whether units have series of their own in this scrape.
    pub(super) fn exports_units(&self) -> bool {
        self.n_units_exported > 0
    }
}

impl Row {
    /// Whether it has a series for each unit.
    pub(super) fn is_of_units(&self) -> bool {
        matches!(self.get, Get::Unit(_) | Get::UnitInfo)
    }
    /// Unit of its values, if they have one.
    pub(super) fn unit(&self) -> Option<&'static str> {
        match self.get {
            Get::Farm(name) => unit_of(signal::farm(name).quantity),
            Get::Unit(name) => unit_of(signal::unit(name).quantity),
            _ => self.unit,
        }
    }
    /// The sentence for `# HELP`.
    pub(super) fn help(&self) -> String {
        let signal_help = match self.get {
            Get::Farm(name) => signal::farm(name).help,
            Get::Unit(name) => signal::unit(name).help,
            _ => "",
        };
        format!("{signal_help}{}.", self.help)
    }
    /// The name without what the client adds again: the unit and the suffix of the kind.
    pub(super) fn stem(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        let stem = self.name.strip_suffix(suffix);
        let stem = stem.and_then(|stem| match self.unit() {
            Some(unit) => stem.strip_suffix(unit)?.strip_suffix('_'),
            None => Some(stem),
        });
        stem.unwrap_or_else(|| panic!("{} does not end in its unit and suffix", self.name))
    }
}

const fn unit_of(quantity: Quantity) -> Option<&'static str> {
    Some(match quantity {
        Quantity::Watts => "watts",
        Quantity::Vars => "vars",
        Quantity::VoltAmps => "voltamperes",
        Quantity::Volts => "volts",
        Quantity::Amps => "amperes",
        Quantity::Joules => "joules",
        Quantity::Litres => "litres",
        Quantity::Hertz => "hertz",
        Quantity::Celsius => "celsius",
        Quantity::Ohms => "ohms",
        Quantity::Seconds => "seconds",
        Quantity::Ratio => "ratio",
        Quantity::Count => return None,
    })
}

const NONE: Option<&str> = None;
const SECONDS: Option<&str> = Some("seconds");
const JOULES: Option<&str> = Some("joules");
const BYTES: Option<&str> = Some("bytes");
const RATIO: Option<&str> = Some("ratio");
const HERTZ: Option<&str> = Some("hertz");
const WATTS: Option<&str> = Some("watts");
const VOLTS: Option<&str> = Some("volts");
const AMPERES: Option<&str> = Some("amperes");

const fn row(
    kind: Kind,
    name: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
    get: Get,
) -> Row {
    Row { name, kind, get, unit, help }
}
const fn counter(
    name: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
    get: Get,
) -> Row {
    row(Kind::Counter, name, unit, help, get)
}
const fn gauge(
    name: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
    get: Get,
) -> Row {
    row(Kind::Gauge, name, unit, help, get)
}
const fn histogram(name: &'static str, help: &'static str, get: Get) -> Row {
    row(Kind::Histogram, name, SECONDS, help, get)
}
/// A gauge of the farm: the signal's sentence and unit, with an addition to the sentence.
const fn farm(name: &'static str, signal: &'static str, addition: &'static str) -> Row {
    row(Kind::Gauge, name, NONE, addition, Get::Farm(signal))
}
/// A counter of the farm, likewise.
const fn farm_counter(name: &'static str, signal: &'static str) -> Row {
    row(Kind::Counter, name, NONE, "", Get::Farm(signal))
}
/// A gauge of every unit, likewise.
const fn unit(name: &'static str, signal: &'static str, addition: &'static str) -> Row {
    row(Kind::Gauge, name, NONE, addition, Get::Unit(signal))
}

const MEASURED: &str = ", as the BMS believes it";
const TRUE: &str = ", which only a simulator knows";
const DISCHARGE: &str = ", positive is discharge";

/// Every family.
#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    row(Kind::Info, "bess_build_info", NONE, "What was built", Info(|s| vec![
        ("version", s.scrape.build.version.to_owned().into()),
        ("revision", s.scrape.build.revision.to_owned().into()),
    ])),

    // The farm.
    gauge("bess_units", NONE, "Units in each state; they sum to the number of units", Numbers(units_by_state)),
    gauge("bess_units_alarm", NONE, "Units on which each alarm stands at each level, active or latched", Numbers(units_by_alarm)),
    gauge("bess_units_local", NONE, "Units under local control", Count(|s| units(s).filter(|unit| unit.is_local).count() as u64)),
    gauge("bess_units_watchdog", NONE, "Units by how the watch over their controller stands", Numbers(units_by_watchdog)),
    counter("bess_unit_trips_total", NONE, "Trips of units since the start", Count(|s| s.scrape.snapshot.farm.trips)),
    counter("bess_events_total", NONE, "Events since the start", Count(|s| s.scrape.snapshot.events.total())),
    counter("bess_writes_total", NONE, "Writes since the start by what came of them", Numbers(writes)),
    farm("bess_farm_soc_ratio", "battery.soc", ""),
    farm("bess_farm_true_soc_ratio", "truth.soc", TRUE),
    gauge("bess_farm_soc_spread_ratio", RATIO, "Highest less lowest state of charge of a unit, as the BMS believes it", Real(|s| spread(s, |unit| unit.measured.soc))),
    farm("bess_farm_soh_mean_ratio", "battery.soh", ""),
    gauge("bess_farm_soh_min_ratio", RATIO, "Lowest state of health of a unit, as the BMS believes it", Real(|s| units(s).map(|unit| unit.measured.soh).fold(f64::INFINITY, f64::min))),
    farm("bess_farm_energy_joules", "battery.energy", ""),
    farm("bess_farm_energy_capacity_joules", "battery.energy_capacity", ""),
    farm("bess_farm_cell_voltage_min_volts", "cell.voltage_min", ""),
    farm("bess_farm_cell_voltage_max_volts", "cell.voltage_max", ""),
    gauge("bess_farm_cell_voltage_spread_max_volts", VOLTS, "Largest difference between two cells of one unit", Real(|s| units(s).map(|unit| (unit.measured.extremes.voltage_max - unit.measured.extremes.voltage_min).0).fold(0.0, f64::max))),
    farm("bess_farm_cell_temperature_min_celsius", "cell.temperature_min", ""),
    farm("bess_farm_cell_temperature_max_celsius", "cell.temperature_max", ""),
    gauge("bess_farm_dc_current_amperes", AMPERES, "Sum of the units' DC currents, positive is discharge", Real(|s| units(s).map(|unit| unit.dc.current.0).sum())),
    farm("bess_farm_ac_power_watts", "poi.active_power", ""),
    farm("bess_farm_ac_reactive_power_vars", "poi.reactive_power", ""),
    farm("bess_farm_ac_power_setpoint_watts", "setpoint.active_power", ", positive is discharge; absent while there is none"),
    gauge("bess_farm_ac_power_rated_watts", WATTS, "Sum of the units' rated active power", Real(|s| s.scrape.snapshot.spec.rated_power().0)),
    farm("bess_farm_available_charge_power_watts", "available.charge_power", ""),
    farm("bess_farm_available_discharge_power_watts", "available.discharge_power", ""),
    farm("bess_farm_auxiliary_power_watts", "auxiliary.power", ""),
    farm("bess_farm_transformer_loss_watts", "transformer.loss", ""),
    farm_counter("bess_farm_charged_joules_total", "poi.charged_energy"),
    farm_counter("bess_farm_discharged_joules_total", "poi.discharged_energy"),
    counter("bess_farm_auxiliary_joules_total", JOULES, "Energy drawn by the auxiliaries since the start", Real(|s| s.scrape.snapshot.farm.totals.auxiliary.0)),
    counter("bess_farm_loss_joules_total", JOULES, "Energy turned into heat since the start, in cells with their wiring, in the PCS and in the transformer", Numbers(losses)),
    farm("bess_grid_frequency_hertz", "poi.frequency", ""),
    gauge("bess_grid_frequency_nominal_hertz", HERTZ, "Nominal grid frequency", Real(|s| s.scrape.snapshot.spec.nominal_frequency.0)),
    farm("bess_grid_voltage_ratio", "poi.voltage", ", as a share of nominal; 0 while the grid is gone"),
    farm("bess_farm_frequency_response_watts", "poi.frequency_response", DISCHARGE),
    farm("bess_farm_ramped_setpoint_watts", "setpoint.ramped_power", ", positive is discharge; 0 while there is none"),
    farm("bess_ambient_temperature_celsius", "ambient.temperature", ""),

    // The loop.
    counter("bess_ticks_total", NONE, "Ticks run by this process", Count(|s| load(&s.scrape.stats.ticks.ticks))),
    counter("bess_tick_overruns_total", NONE, "Ticks whose work took longer than their period", Count(|s| load(&s.scrape.stats.ticks.overruns))),
    counter("bess_ticks_skipped_total", NONE, "Ticks of the wall-clock schedule that were given up because the loop fell behind", Count(|s| load(&s.scrape.stats.ticks.skipped))),
    gauge("bess_tick_period_seconds", SECONDS, "Wall time between two ticks at the speed in force, which is what a tick may take", Real(tick_period_s)),
    histogram("bess_tick_duration_seconds", "Work of a tick, from gathering commands to replying", Histogram(|s| s.scrape.stats.ticks.duration.read())),
    histogram("bess_tick_jitter_seconds", "From when a tick was due to when it started", Histogram(|s| s.scrape.stats.ticks.lateness.read())),
    gauge("bess_last_tick_timestamp_seconds", SECONDS, "Wall time of the loop's last beat in Unix seconds; it beats also while the clock is paused", Real(last_beat_unix_s)),
    gauge("bess_simulation_time_seconds", SECONDS, "Simulated time in Unix seconds", Real(|s| unix_s(s.scrape.snapshot.time.unix_ns))),
    gauge("bess_time_scale_ratio", RATIO, "Simulated seconds per second of wall time that the clock is set to; 0 while paused", Real(time_scale)),
    gauge("bess_snapshot_tick", NONE, "Tick of the snapshot that this scrape shows", Count(|s| s.scrape.snapshot.tick.0)),
    gauge("bess_snapshot_publication", NONE, "Number of the snapshot that this scrape shows; grows also while the clock is paused", Count(|s| s.scrape.snapshot.publication)),
    counter("bess_setpoint_commands_total", NONE, "Commands to units and farm by who sent them and what came of them", Numbers(commands)),
    counter("bess_commands_busy_total", NONE, "Requests turned away because the loop's inbox was full", Count(|s| load(&s.scrape.stats.commands.busy))),

    // Modbus.
    counter("bess_modbus_requests_total", NONE, "Modbus requests by function code", Numbers(modbus_requests)),
    counter("bess_modbus_exceptions_total", NONE, "Modbus exceptions by exception code", Numbers(modbus_exceptions)),
    histogram("bess_modbus_request_duration_seconds", "From a whole Modbus request to its answer", Histogram(|s| s.scrape.stats.modbus.duration.read())),
    gauge("bess_modbus_connections", NONE, "Open Modbus connections", Real(|s| s.scrape.stats.modbus.connections.load(Relaxed) as f64)),
    counter("bess_modbus_connections_opened_total", NONE, "Modbus connections accepted", Count(|s| load(&s.scrape.stats.modbus.accepted))),
    counter("bess_modbus_connections_rejected_total", NONE, "Modbus connections turned away by the cap", Count(|s| load(&s.scrape.stats.modbus.rejected))),
    counter("bess_modbus_bad_frames_total", NONE, "Frames that were no Modbus", Count(|s| load(&s.scrape.stats.modbus.bad_frames))),
    counter("bess_modbus_bytes_total", BYTES, "Bytes of Modbus traffic, as seen from the farm", Numbers(modbus_bytes)),
    counter("bess_modbus_accept_errors_total", NONE, "Accepts that failed", Count(|s| load(&s.scrape.stats.modbus.accept_errors))),
    counter("bess_modbus_handshake_errors_total", NONE, "TLS handshakes with Modbus clients that failed", Count(|s| load(&s.scrape.stats.modbus.handshake_errors))),
    counter("bess_modbus_panics_total", NONE, "Connections that ended by a panic", Count(|s| load(&s.scrape.stats.modbus.panics))),
    gauge("bess_modbus_link_conditions", NONE, "Conditions of the links to clients that are in force", Count(|s| s.scrape.snapshot.link.len() as u64)),
    counter("bess_modbus_link_conditions_hits_total", NONE, "Requests and connections that link conditions hit, by what they did", Numbers(link_hits)),
    gauge("bess_points_forced", NONE, "Points of the register maps that are forced", Count(|s| s.scrape.snapshot.forced.len() as u64)),

    // HTTP.
    counter("bess_http_requests_total", NONE, "HTTP requests by method, template of the route and status", Numbers(http_requests)),
    histogram("bess_http_request_duration_seconds", "Time to answer an HTTP request, by template of the route", Histograms(http_durations)),

    counter("bess_http_idempotent_replays_total", NONE, "Writes that came again with their idempotency key, and got the answer of the first time", Count(|s| s.scrape.http_replays)),

    // The exporter itself.
    gauge("bess_scrape_encode_seconds", SECONDS, "Time it took to encode the metrics of the scrape before this one", Real(|s| s.scrape.last_encode_s)),
    gauge("bess_metrics_units_exported", NONE, "Units with series of their own", Count(|s| s.n_units_exported as u64)),
    gauge("bess_metrics_units_truncated", NONE, "Units without series of their own because the farm has more than are exported", Count(|s| (s.scrape.snapshot.units.len() - s.n_units_exported) as u64)),

    // The process, under the names that dashboards everywhere know.
    counter("process_cpu_seconds_total", SECONDS, "User and system CPU time", Real(|s| s.process.cpu_s)),
    gauge("process_resident_memory_bytes", BYTES, "Memory in RAM", Real(|s| s.process.resident_memory_bytes)),
    gauge("process_open_fds", NONE, "Open file descriptors", Real(|s| s.process.open_fds)),
    gauge("process_max_fds", NONE, "Largest number of open file descriptors", Real(|s| s.process.max_fds)),
    gauge("process_threads", NONE, "Threads", Real(|s| s.process.threads)),
    gauge("process_start_time_seconds", SECONDS, "Start of the process in Unix seconds", Real(|s| s.process.start_time_unix_s)),

    // Every unit.
    row(Kind::Info, "bess_unit_info", NONE, "What each unit is", Get::UnitInfo),
    unit("bess_unit_state", "state", ": 0 off, 1 initialising, 2 precharge, 3 standby, 4 synchronising, 5 running, 6 derated, 7 fallback, 8 stopping, 9 tripped, 10 locked_out, 11 fault, 12 maintenance, 13 emergency_stop"),
    unit("bess_unit_soc_ratio", "battery.soc", MEASURED),
    unit("bess_unit_true_soc_ratio", "truth.soc", TRUE),
    unit("bess_unit_soh_ratio", "battery.soh", MEASURED),
    unit("bess_unit_true_soh_ratio", "truth.soh", TRUE),
    unit("bess_unit_cell_temperature_max_celsius", "cell.temperature_max", MEASURED),
    unit("bess_unit_cell_temperature_min_celsius", "cell.temperature_min", MEASURED),
    unit("bess_unit_cell_voltage_max_volts", "cell.voltage_max", MEASURED),
    unit("bess_unit_cell_voltage_min_volts", "cell.voltage_min", MEASURED),
    unit("bess_unit_true_cell_temperature_max_celsius", "truth.cell.temperature_max", TRUE),
    unit("bess_unit_true_cell_temperature_min_celsius", "truth.cell.temperature_min", TRUE),
    unit("bess_unit_true_cell_voltage_max_volts", "truth.cell.voltage_max", TRUE),
    unit("bess_unit_true_cell_voltage_min_volts", "truth.cell.voltage_min", TRUE),
    unit("bess_unit_coolant_temperature_celsius", "coolant.temperature", ""),
    unit("bess_unit_air_temperature_celsius", "air.temperature", ""),
    unit("bess_unit_pcs_temperature_celsius", "pcs.temperature", ""),
    unit("bess_unit_insulation_ohms", "insulation.resistance", ", as measured"),
    unit("bess_unit_watchdog_remaining_seconds", "watchdog.remaining", ", as configured; 0 while it is lost or not watched"),
    unit("bess_unit_gas_litres", "gas.volume", ""),
    unit("bess_unit_dc_voltage_volts", "dc.voltage", ""),
    unit("bess_unit_dc_current_amperes", "dc.current", ""),
    unit("bess_unit_ac_power_watts", "ac.active_power", ""),
    unit("bess_unit_ac_reactive_power_vars", "ac.reactive_power", ""),
    unit("bess_unit_ac_power_setpoint_watts", "setpoint.active_power", DISCHARGE),
    unit("bess_unit_available_charge_power_watts", "available.charge_power", ""),
    unit("bess_unit_available_discharge_power_watts", "available.discharge_power", ""),
    unit("bess_unit_available_energy_joules", "battery.energy", MEASURED),
    unit("bess_unit_equivalent_full_cycles", "battery.cycles", ""),
    unit("bess_unit_racks_connected", "battery.racks_connected", ""),
];

/// Function codes with a series of their own; what else arrives counts as `other`.
pub(super) const MODBUS_FUNCTIONS: [u8; 11] = [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43];
/// Exception codes of the standard, likewise (Modbus Application Protocol 1.1b3, section 7).
pub(super) const MODBUS_EXCEPTIONS: [u8; 9] = [1, 2, 3, 4, 5, 6, 8, 10, 11];

fn units<'s>(sight: &Sight<'s>) -> impl Iterator<Item = &'s UnitView> {
    sight.scrape.snapshot.units.iter()
}

/// Highest less lowest of a quantity over the units.
fn spread(sight: &Sight<'_>, of: fn(&UnitView) -> f64) -> f64 {
    let (lowest, highest) = units(sight)
        .map(of)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    highest - lowest
}

fn units_by_state(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let counts = sight.scrape.snapshot.farm.units_by_state;
    UnitState::ALL
        .iter()
        .zip(counts)
        .map(|(state, count)| series("state", state.name(), u64::from(count)))
        .collect()
}

/// One pass over the units, whose sets are mostly empty.
fn units_by_alarm(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    const LEVELS: usize = AlarmLevel::ALL.len();
    let mut counts = vec![0; ALARMS.len() * LEVELS];
    for unit in units(sight).filter(|unit| !unit.alarms.is_empty()) {
        for (alarm, level) in unit.alarms.iter() {
            counts[alarm.code as usize * LEVELS + level as usize] += 1;
        }
    }
    let keys = ALARMS.iter().flat_map(|alarm| AlarmLevel::ALL.map(|level| (alarm, level)));
    keys.zip(counts)
        .map(|((alarm, level), count)| {
            let labels = vec![("code", alarm.name.into()), ("level", level.name().into())];
            (labels, Number::Count(count))
        })
        .collect()
}

fn units_by_watchdog(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let mut counts = [0; WatchdogState::ALL.len()];
    units(sight).for_each(|unit| counts[unit.watchdog.state as usize] += 1);
    let states = WatchdogState::ALL.into_iter().zip(counts);
    states.map(|(state, count)| series("state", state.name(), count)).collect()
}

fn writes(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let farm = &sight.scrape.snapshot.farm;
    [("applied", farm.commands_applied), ("refused", farm.commands_refused)]
        .map(|(result, count)| series("result", result, count))
        .into()
}

fn losses(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let totals = &sight.scrape.snapshot.farm.totals;
    [("cell", totals.cell_loss), ("pcs", totals.pcs_loss), ("transformer", totals.transformer)]
        .map(|(kind, energy)| (vec![("kind", kind.into())], Number::Real(energy.0)))
        .into()
}

/// The clock may be set to a speed that the machine does not reach; a free-running one has none.
fn tick_period_s(sight: &Sight<'_>) -> f64 {
    let speed = sight.scrape.snapshot.clock.speed;
    if speed > 0.0 { TICK_S / speed } else { f64::NAN }
}

fn time_scale(sight: &Sight<'_>) -> f64 {
    let clock = sight.scrape.snapshot.clock;
    match clock.mode {
        ClockMode::Running => clock.speed,
        ClockMode::Paused => 0.0,
        ClockMode::Free => f64::NAN,
    }
}

/// Before the first beat there is no last one: 0 would look like a loop that stalled in 1970.
fn last_beat_unix_s(sight: &Sight<'_>) -> f64 {
    match sight.scrape.stats.ticks.last_beat_unix_ns.load(Relaxed) {
        0 => f64::NAN,
        unix_ns => unix_s(unix_ns),
    }
}

fn commands(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let commands = &sight.scrape.stats.commands;
    let mut samples = Vec::new();
    for (index, source) in ControlSource::NAMES.into_iter().enumerate() {
        for (result, counts) in [("applied", &commands.applied), ("refused", &commands.refused)] {
            let labels = vec![("source", source.into()), ("result", result.into())];
            samples.push((labels, Number::Count(load(&counts[index]))));
        }
    }
    samples
}

fn modbus_requests(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    by_code("function", &MODBUS_FUNCTIONS, &sight.scrape.stats.modbus.requests)
}

fn modbus_exceptions(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    by_code("exception", &MODBUS_EXCEPTIONS, &sight.scrape.stats.modbus.exceptions)
}

/// Counts by code: one series for each of `known`, and one for all the others together.
fn by_code(label: &'static str, known: &[u8], counts: &[AtomicU64]) -> Vec<(Labels, Number)> {
    let mut samples = Vec::with_capacity(known.len() + 1);
    let mut other = 0;
    for (code, count) in counts.iter().enumerate() {
        let count = load(count);
        if known.iter().any(|known| usize::from(*known) == code) {
            samples.push(series(label, code.to_string(), count));
        } else {
            other += count;
        }
    }
    samples.push(series(label, "other", other));
    samples
}

fn modbus_bytes(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    ["received", "sent"]
        .into_iter()
        .zip(&sight.scrape.stats.modbus.bytes)
        .map(|(direction, count)| series("direction", direction, load(count)))
        .collect()
}

fn link_hits(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    LinkEffect::NAMES
        .into_iter()
        .zip(&sight.scrape.stats.modbus.link_hits)
        .map(|(effect, count)| series("effect", effect, load(count)))
        .collect()
}

fn http_requests(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let rows = sight.scrape.http.iter();
    rows.map(|row| {
        let labels = vec![
            ("method", row.method.into()),
            ("route", row.route.clone().into()),
            ("code", row.code.to_string().into()),
        ];
        (labels, Number::Count(row.count))
    })
    .collect()
}

fn http_durations(sight: &Sight<'_>) -> Vec<(Labels, HistogramReading)> {
    let durations = sight.scrape.http_durations.iter();
    durations
        .map(|(route, reading)| (vec![("route", route.clone().into())], reading.clone()))
        .collect()
}

fn series(
    label: &'static str,
    value: impl Into<Cow<'static, str>>,
    count: u64,
) -> (Labels, Number) {
    (vec![(label, value.into())], Number::Count(count))
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

/// Nanoseconds since 1970 have more digits than an f64; seconds and their fraction have not.
fn unix_s(unix_ns: i64) -> f64 {
    const NS_PER_S: i64 = 1_000_000_000;
    unix_ns.div_euclid(NS_PER_S) as f64 + unix_ns.rem_euclid(NS_PER_S) as f64 / 1e9
}
