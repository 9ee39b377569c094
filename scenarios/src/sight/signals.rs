//! The table of signals: one line each gives the language, its messages and the document.

use super::link::LinkSight;
use super::story::Story;
use super::{events, reference};
use crate::expr::unit::Measure;
use bess_core::snapshot::{CellsView, FarmView, RackView, Snapshot, UnitView};
use bess_core::spec::UnitDesign;

/// Of what a signal has one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The farm, its grid, the clients: one value.
    One,
    /// Each unit.
    Unit,
    /// Each rack.
    Rack,
    /// Each cell of the units that are shown.
    Cell,
}

impl Level {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "farm",
            Self::Unit => "unit",
            Self::Rack => "rack",
            Self::Cell => "cell",
        }
    }
}

/// What a signal is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The state of the farm: the same in every run of a seed.
    Farm,
    /// What clients wrote: the same as often as the same is written at the same tick.
    Writes,
    /// Counters of the running process: never quite the same.
    Process,
}

/// How a signal is read.
#[derive(Clone, Copy)]
pub(crate) enum Get {
    Farm(fn(&FarmView) -> f64),
    Snapshot(fn(&Snapshot) -> f64),
    Unit(fn(&UnitView, &UnitDesign) -> f64),
    Rack(fn(&RackView) -> f64),
    Cell(fn(&CellsView) -> &[f32]),
    Link(fn(&LinkSight) -> f64),
    Writes(fn(&Story, &Snapshot) -> f64),
}

impl std::fmt::Debug for Get {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Get")
    }
}

/// One signal.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    /// Its name.
    pub name: &'static str,
    /// What its number is in.
    pub measure: Measure,
    /// What it is, in a few words.
    pub text: &'static str,
    pub(crate) get: Get,
}

impl Signal {
    /// Of what it has one value.
    pub const fn level(&self) -> Level {
        match self.get {
            Get::Farm(_) | Get::Snapshot(_) | Get::Link(_) | Get::Writes(_) => Level::One,
            Get::Unit(_) => Level::Unit,
            Get::Rack(_) => Level::Rack,
            Get::Cell(_) => Level::Cell,
        }
    }
    /// What it is read from.
    pub const fn source(&self) -> Source {
        match self.get {
            Get::Link(_) => Source::Process,
            Get::Writes(_) => Source::Writes,
            _ => Source::Farm,
        }
    }
}

macro_rules! signals {
    ($($kind:ident { $($name:literal $measure:ident $text:literal $get:expr;)* })*) => {
        /// Every signal.
        pub const SIGNALS: &[Signal] = &[
            $($(Signal { name: $name, measure: Measure::$measure, text: $text, get: Get::$kind($get) },)*)*
        ];
    };
}

/// The signal called `name`.
pub fn find_signal(name: &str) -> Option<&'static Signal> {
    SIGNALS.iter().find(|signal| signal.name == name)
}

/// Whether a signal is called by a pattern; `unit.` before it means those of units.
pub fn is_called(signal: &Signal, pattern: &str) -> bool {
    let of_units = || pattern.strip_prefix("unit.").filter(|_| signal.level() == Level::Unit);
    matches(pattern, signal.name) || of_units().is_some_and(|rest| matches(rest, signal.name))
}

/// Whether a text is that of a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

// Names are those of REST: `farm.` of GET farm, without a prefix of GET units, `rack.` of GET racks,
// `cell.` of GET cells. Positive power and current is discharge.
#[rustfmt::skip]
signals! {
    Farm {
        "farm.active_power_w" W "active power at the POI" |f| f.active_power.0;
        "farm.reactive_power_var" VAR "reactive power at the POI" |f| f.reactive_power.0;
        "farm.units_power_w" W "sum of the units' AC power before auxiliaries" |f| f.units_power.0;
        "farm.auxiliary_power_w" W "consumption of the auxiliaries" |f| f.auxiliary_power.0;
        "farm.transformer_loss_w" W "loss of the transformer at the POI" |f| f.transformer_loss.0;
        "farm.setpoint_w" W "farm setpoint in force; absent where there is none" |f| f.setpoint.map_or(f64::NAN, |p| p.0);
        "farm.reactive_setpoint_var" VAR "reactive farm setpoint in force; absent where there is none" |f| f.reactive_setpoint.map_or(f64::NAN, |q| q.0);
        "farm.ramped_setpoint_w" W "farm setpoint after the plant's ramp" |f| f.ramped_setpoint.0;
        "farm.frequency_response_w" W "what frequency response at the POI asks for" |f| f.frequency_response.0;
        "farm.available_discharge_power_w" W "what the farm could discharge now" |f| f.available_discharge_power.0;
        "farm.available_charge_power_w" W "what the farm could charge now, as a magnitude" |f| f.available_charge_power.0;
        "farm.soc" FRACTION "state of charge as the BMSes estimate it, weighted by energy" |f| f.soc;
        "farm.soh" FRACTION "state of health as the BMSes estimate it" |f| f.soh;
        "farm.truth.soc" FRACTION "true state of charge, weighted by energy" |f| f.true_soc;
        "farm.energy_wh" WH "energy that is left" |f| f.energy.watt_hours();
        "farm.energy_capacity_wh" WH "energy when full" |f| f.energy_capacity.watt_hours();
        "farm.discharged_wh" WH "energy out at the POI since the start" |f| f.totals.discharged.watt_hours();
        "farm.charged_wh" WH "energy in at the POI since the start" |f| f.totals.charged.watt_hours();
        "farm.frequency_hz" HZ "frequency of the grid" |f| f.frequency.0;
        "farm.voltage_pu" PU "voltage at the POI; 0 while the grid is gone" |f| f.voltage_pu;
        "farm.ambient_temperature_degc" DEGC "ambient temperature" |f| f.ambient.0;
        "farm.cell_voltage_min_v" V "lowest cell voltage" |f| f.extremes.voltage_min.0;
        "farm.cell_voltage_max_v" V "highest cell voltage" |f| f.extremes.voltage_max.0;
        "farm.cell_temperature_min_degc" DEGC "lowest cell temperature" |f| f.extremes.temperature_min.0;
        "farm.cell_temperature_max_degc" DEGC "highest cell temperature" |f| f.extremes.temperature_max.0;
        "farm.trips_total" COUNT "trips of units since the start" |f| f.trips as f64;
        "farm.commands_applied_total" COUNT "commands applied since the start" |f| f.commands_applied as f64;
        "farm.commands_refused_total" COUNT "commands refused since the start" |f| f.commands_refused as f64;
        "grid.frequency_hz" HZ "frequency of the grid" |f| f.frequency.0;
        "grid.voltage_pu" PU "voltage at the POI; 0 while the grid is gone" |f| f.voltage_pu;
    }
    Snapshot {
        "farm.units" COUNT "number of units" |s| s.units.len() as f64;
        "farm.rated_power_w" W "sum of the units' rated active power" |s| s.spec.rated_power().0;
        "grid.nominal_frequency_hz" HZ "nominal frequency of the grid" |s| s.spec.nominal_frequency.0;
        "reference.setpoint_w" W "farm setpoint in force, 0 where there is none" |s| s.farm.setpoint.map_or(0.0, |p| p.0);
        "reference.fcr_power_w" W "what the configured frequency response asks for at this frequency once it is there in full: of the plant, or else of the units; absent where neither has one, and with a triggered service, whose answer hangs on when it was triggered" reference::frequency_response_w;
        "reference.power_w" W "setpoint after the plant's ramp, and with it the ideal frequency response" |s| s.farm.ramped_setpoint.0 + reference::frequency_response_or_zero_w(s);
    }
    Unit {
        "active_power_w" W "active power at the AC terminals" |u, _| u.ac.active_power.0;
        "reactive_power_var" VAR "reactive power at the AC terminals" |u, _| u.ac.reactive_power.0;
        "ac.apparent_power_va" VA "apparent power" |u, _| u.ac.apparent_power.0;
        "ac.power_factor" COUNT "power factor, with the sign of the active power" |u, _| u.ac.power_factor();
        "ac.voltage_v" V "line-to-line voltage" |u, _| u.ac.voltage.0;
        "ac.current_a" A "current of a phase" |u, _| u.ac.current.0;
        "ac.frequency_hz" HZ "frequency as the unit measures it" |u, _| u.ac.frequency.0;
        "dc.voltage_v" V "voltage of the DC bus" |u, _| u.dc.voltage.0;
        "dc.current_a" A "sum of the rack currents" |u, _| u.dc.current.0;
        "dc.power_w" W "power into the converter" |u, _| u.dc.power.0;
        "setpoint_w" W "active setpoint in force" |u, _| u.setpoint.0;
        "reactive_setpoint_var" VAR "reactive setpoint in force" |u, _| u.reactive_setpoint.0;
        "control.active_setpoint_w" W "active setpoint as it was written" |u, _| u.control.active.absolute;
        "control.active_reversion_remaining_s" S "time until the active setpoint reverts; 0 for none" |u, _| u.reversion_remaining_s[0];
        "control.heartbeat" COUNT "last heartbeat that a controller wrote" |u, _| f64::from(u.control.controller_heartbeat);
        "available_discharge_power_w" W "what the unit could discharge now" |u, _| u.available_discharge_power.0;
        "available_charge_power_w" W "what the unit could charge now, as a magnitude" |u, _| u.available_charge_power.0;
        "discharge_current_max_a" A "discharge current that the BMS allows" |u, _| u.discharge_current_max.0;
        "charge_current_max_a" A "charge current that the BMS allows, as a magnitude" |u, _| u.charge_current_max.0;
        "measured.soc" FRACTION "state of charge as the BMS estimates it" |u, _| u.measured.soc;
        "measured.soh" FRACTION "state of health as the BMS estimates it" |u, _| u.measured.soh;
        "measured.energy_wh" WH "energy that is left as the BMS estimates it" |u, _| u.measured.energy.watt_hours();
        "measured.cell_voltage_mean_v" V "mean measured cell voltage" |u, _| u.measured.cell_voltage_mean.0;
        "measured.cell_voltage_min_v" V "lowest measured cell voltage" |u, _| u.measured.extremes.voltage_min.0;
        "measured.cell_voltage_max_v" V "highest measured cell voltage" |u, _| u.measured.extremes.voltage_max.0;
        "measured.cell_temperature_mean_degc" DEGC "mean measured cell temperature" |u, _| u.measured.cell_temperature_mean.0;
        "measured.cell_temperature_min_degc" DEGC "lowest measured cell temperature" |u, _| u.measured.extremes.temperature_min.0;
        "measured.cell_temperature_max_degc" DEGC "highest measured cell temperature" |u, _| u.measured.extremes.temperature_max.0;
        "truth.soc" FRACTION "true state of charge" |u, _| u.truth.soc;
        "truth.soh" FRACTION "true state of health" |u, _| u.truth.soh;
        "truth.energy_wh" WH "energy that is truly left" |u, _| u.truth.energy.watt_hours();
        "truth.cell_voltage_mean_v" V "true mean cell voltage" |u, _| u.truth.cell_voltage_mean.0;
        "truth.cell_voltage_min_v" V "true lowest cell voltage" |u, _| u.truth.extremes.voltage_min.0;
        "truth.cell_voltage_max_v" V "true highest cell voltage" |u, _| u.truth.extremes.voltage_max.0;
        "truth.cell_temperature_mean_degc" DEGC "true mean cell temperature" |u, _| u.truth.cell_temperature_mean.0;
        "truth.cell_temperature_min_degc" DEGC "true lowest cell temperature" |u, _| u.truth.extremes.temperature_min.0;
        "truth.cell_temperature_max_degc" DEGC "true highest cell temperature" |u, _| u.truth.extremes.temperature_max.0;
        "coolant_temperature_degc" DEGC "coolant temperature" |u, _| u.coolant_temperature.0;
        "air_temperature_degc" DEGC "air temperature in the container" |u, _| u.air_temperature.0;
        "pcs_temperature_degc" DEGC "temperature of the converter" |u, _| u.pcs_temperature.0;
        "insulation_kohm" KOHM "insulation resistance against earth, as measured" |u, _| u.insulation_kohm;
        "gas_litres" L "gas that the cells have given off" |u, _| u.gas_litres;
        "gas_lfl" FRACTION "gas in the container over the lower flammable limit of the mixture" |u, _| u.gas_lfl;
        "measured.gas_lfl" FRACTION "the same as the gas detector shows it" |u, _| u.gas_lfl_measured;
        "smoke" FLAG "whether there is smoke" |u, _| flag(u.smoke);
        "cooling_power_w" W "heat that the chiller takes out" |u, _| u.cooling_power.0;
        "auxiliary_power_w" W "consumption of the auxiliaries" |u, _| u.auxiliary_power.0;
        "racks_connected" COUNT "racks with closed contactors" |u, _| f64::from(u.racks_connected);
        "discharged_wh" WH "energy out at the AC terminals since the start" |u, _| u.totals.discharged.watt_hours();
        "charged_wh" WH "energy in at the AC terminals since the start" |u, _| u.totals.charged.watt_hours();
        "equivalent_full_cycles" COUNT "equivalent full cycles" |u, _| u.equivalent_full_cycles;
        "heartbeat" COUNT "counts simulated seconds" |u, _| f64::from(u.heartbeat);
        "watchdog.remaining_s" S "time until the controller counts as lost" |u, _| u.watchdog.remaining_s;
        "watchdog.age_s" S "time since the last sign of life; absent before the first" |u, _| u.watchdog.age_s;
        "watchdog.losses" COUNT "losses of the controller since the start" |u, _| f64::from(u.watchdog.losses);
        "lease_remaining_s" S "time for which its writer still holds it" |u, _| u.lease_remaining_s;
        "enter_service.remaining_s" S "time until it may enter service" |u, _| u.enter_service_remaining_s;
        "enter_service.share" FRACTION "share of the rating that the ramp after entering service allows" |u, _| u.enter_service_share;
        "trips_total" COUNT "trips since the start" |u, _| f64::from(u.trips);
        "resets_refused_total" COUNT "resets that were refused since the start" |u, _| f64::from(u.resets_refused);
        "local" FLAG "whether it is under local control" |u, _| flag(u.is_local);
        "forms_island" FLAG "whether it forms an island" |u, _| flag(u.forms_island);
        "rating.active_power_w" W "rated active power" |_, d| d.pcs.rated_power.0;
        "rating.apparent_power_va" VA "rated apparent power" |_, d| d.pcs.rated_apparent_power.0;
    }
    Rack {
        "rack.connected" FLAG "whether its contactors are closed" |r| flag(r.connected);
        "rack.enabled" FLAG "whether it may be connected" |r| flag(r.enabled);
        "rack.fuse_whole" FLAG "whether its fuse is whole" |r| flag(r.fuse_whole);
        "rack.measured.current_a" A "measured current" |r| r.current.0;
        "rack.measured.voltage_v" V "measured voltage" |r| r.voltage.0;
        "rack.measured.soc" FRACTION "state of charge as its BMS estimates it" |r| r.soc;
        "rack.measured.soc_sigma" FRACTION "standard deviation of that estimate, as the BMS reckons it" |r| r.soc_sigma;
        "rack.measured.soh" FRACTION "state of health as its BMS estimates it" |r| r.soh;
        "rack.measured.cell_voltage_mean_v" V "mean measured cell voltage" |r| r.cell_voltage_mean.0;
        "rack.measured.cell_voltage_min_v" V "lowest measured cell voltage" |r| r.extremes.voltage_min.0;
        "rack.measured.cell_voltage_max_v" V "highest measured cell voltage" |r| r.extremes.voltage_max.0;
        "rack.measured.cell_temperature_mean_degc" DEGC "mean measured cell temperature" |r| r.cell_temperature_mean.0;
        "rack.measured.cell_temperature_min_degc" DEGC "lowest measured cell temperature" |r| r.extremes.temperature_min.0;
        "rack.measured.cell_temperature_max_degc" DEGC "highest measured cell temperature" |r| r.extremes.temperature_max.0;
        "rack.discharge_current_max_a" A "discharge current that its BMS allows" |r| r.discharge_current_max.0;
        "rack.charge_current_max_a" A "charge current that its BMS allows, as a magnitude" |r| r.charge_current_max.0;
        "rack.loss_w" W "power lost in its cells and wiring" |r| r.loss.0;
        "rack.cells_balancing" COUNT "cells that are being balanced" |r| f64::from(r.cells_balancing);
        "rack.recalibrations_total" COUNT "corrections of the state of charge at the knees" |r| f64::from(r.recalibrations);
        "rack.truth.current_a" A "true current" |r| r.truth.current.0;
        "rack.truth.voltage_v" V "true voltage" |r| r.truth.voltage.0;
        "rack.truth.soc" FRACTION "true state of charge" |r| r.truth.soc;
        "rack.truth.soh" FRACTION "true state of health" |r| r.truth.soh;
        "rack.truth.cell_voltage_mean_v" V "true mean cell voltage" |r| r.truth.cell_voltage_mean.0;
        "rack.truth.cell_voltage_min_v" V "true lowest cell voltage" |r| r.truth.extremes.voltage_min.0;
        "rack.truth.cell_voltage_max_v" V "true highest cell voltage" |r| r.truth.extremes.voltage_max.0;
        "rack.truth.cell_temperature_mean_degc" DEGC "true mean cell temperature" |r| r.truth.cell_temperature_mean.0;
        "rack.truth.cell_temperature_min_degc" DEGC "true lowest cell temperature" |r| r.truth.extremes.temperature_min.0;
        "rack.truth.cell_temperature_max_degc" DEGC "true highest cell temperature" |r| r.truth.extremes.temperature_max.0;
        "rack.truth.cells_vented" COUNT "cells that have vented" |r| f64::from(r.truth.cells_vented);
        "rack.truth.cells_burnt" COUNT "cells that have burnt out" |r| f64::from(r.truth.cells_burnt);
    }
    Cell {
        "cell.measured.voltage_v" V "measured voltage" |c| &c.voltage_v;
        "cell.measured.temperature_degc" DEGC "measured temperature" |c| &c.temperature_degc;
        "cell.truth.voltage_v" V "true voltage" |c| &c.true_voltage_v;
        "cell.truth.temperature_degc" DEGC "true temperature" |c| &c.true_temperature_degc;
        "cell.truth.soc" FRACTION "true state of charge" |c| &c.soc;
    }
    Link {
        "transport.requests_total" COUNT "Modbus requests" LinkSight::requests;
        "transport.requests_per_s" PER_S "Modbus requests, mean of the last 10 s" LinkSight::requests_per_s;
        "transport.exceptions_total" COUNT "Modbus exceptions" LinkSight::exceptions;
        "transport.ok_ratio_30s" FRACTION "share of the requests of the last 30 s that got no exception; absent without requests" LinkSight::ok_ratio_30s;
        "transport.response_ms" MS "from a request to its answer, mean of the last 10 s; absent without requests" LinkSight::response_ms;
        "transport.connects_total" COUNT "connections accepted" LinkSight::connects;
        "transport.rejected_total" COUNT "connections turned away" LinkSight::rejected;
        "transport.disconnects_total" COUNT "connections closed" LinkSight::disconnects;
        "transport.sessions" COUNT "connections that are open" LinkSight::sessions;
        "transport.bad_frames_total" COUNT "frames that were no Modbus" LinkSight::bad_frames;
        "transport.link_hits_total" COUNT "requests and connections that link conditions hit" LinkSight::link_hits;
        "transport.poll_interval_s" S "time between two requests of a connection, mean of the last 10 s; absent without" LinkSight::poll_interval_s;
        "transport.stale_reads_total" COUNT "Modbus reads answered from a picture that was more than 1 s old" LinkSight::stale_reads;
        "host.wall_slip_s" S "simulated time that the loop gave up because it fell behind" LinkSight::wall_slip_s;
        "host.overruns_total" COUNT "ticks whose work took longer than a tick" LinkSight::overruns;
    }
    Writes {
        "client.writes_total" COUNT "writes of clients that were applied, over Modbus and REST" |s, _| s.count(events::CLIENT_WRITE) as f64;
        "client.setpoint_writes_total" COUNT "of these, writes of an active setpoint" |s, _| s.count(events::CLIENT_WRITE_SETPOINT) as f64;
        "client.refused_writes_total" COUNT "writes of clients that were refused" |s, _| s.count(events::CLIENT_REFUSED) as f64;
        "client.writes_per_s" PER_S "writes that were applied, mean of the last 10 s" |s, now| s.per_s(events::CLIENT_WRITE, now.tick);
        "client.setpoint_writes_per_s" PER_S "writes of an active setpoint, mean of the last 10 s" |s, now| s.per_s(events::CLIENT_WRITE_SETPOINT, now.tick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_say_their_unit() {
        let names: BTreeSet<&str> = SIGNALS.iter().map(|signal| signal.name).collect();
        assert_eq!(names.len(), SIGNALS.len());
        let suffix = |symbol: &str| match symbol {
            "" | "%" => String::new(),
            "1/s" => "_per_s".to_owned(),
            "l" => "_litres".to_owned(),
            symbol => format!("_{}", symbol.to_lowercase()),
        };
        for signal in SIGNALS {
            let ending = suffix(signal.measure.symbol);
            assert!(signal.name.ends_with(&ending), "{} lacks {ending}", signal.name);
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text) in [
            ("farm.*", "farm.active_power_w"),
            ("*", "x"),
            ("*.soc", "truth.soc"),
            ("rack.*.soc", "rack.truth.soc"),
            ("a*b*c", "abbc"),
            ("same", "same"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("farm.*", "grid.x"), ("same", "same2"), ("a*b*c", "acb"), ("", "x")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
