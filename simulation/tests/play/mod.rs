//! Plays a scenario in text against an engine.

use bess_core::alarm::ALARMS;
use bess_core::command::{Command, ControlChange, ControlSource, Origin, RackAction, UnitAction};
use bess_core::config::parse_farm;
use bess_core::control::{
    EnterServiceChange, FunctionName, FunctionSet, FunctionsChange, HeartbeatKind, LossAction,
    Recovery, ReversionChange, SetpointMode, TripsChange,
};
use bess_core::defect::{CellDefect, ContactorFault, Defect, Reading};
use bess_core::event::Contactor;
use bess_core::id::UnitId;
use bess_core::snapshot::{ClockMode, ClockView};
use bess_core::spec::{Disturbance, DisturbanceKind, Hold, TransformerLimit};
use bess_core::time::Tick;
use bess_core::units::Watts;
use bess_simulation::{Engine, EngineOptions, Inputs};
use std::fmt::Write as _;
use std::sync::Arc;

/// The farm of every scenario, unless its `farm:` part says otherwise: two units of two racks whose
/// BMS shows the truth, off at first.
const FARM: &str = include_str!("farm.toml");

/// A scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    head: String,
    farm: String,
    steps: Vec<(Tick, Step)>,
    until: Tick,
    pub(crate) expected: String,
}

/// What is done at a tick.
#[derive(Debug)]
struct Step {
    command: Command,
    source: ControlSource,
    text: String,
}

impl Scenario {
    /// # Errors
    /// What cannot be understood, with its line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (head, expected) = text.split_once("happened:\n").ok_or("there is no `happened:`")?;
        let mut scenario = Self {
            head: head.to_owned(),
            farm: FARM.to_owned(),
            steps: Vec::new(),
            until: Tick(0),
            expected: expected.to_owned(),
        };
        let mut part = "";
        for (number, line) in head.lines().enumerate() {
            match line.trim_end() {
                "farm:" | "run:" => part = line.trim_end(),
                _ if part == "farm:" => scenario.change_farm(line.trim()),
                line if part == "run:" && !line.trim().is_empty() => {
                    scenario.add(line.trim()).map_err(|e| format!("line {}: {e}", number + 1))?;
                }
                _ => {}
            }
        }
        if scenario.until == Tick(0) {
            return Err("`run:` needs a line `until <seconds>`".to_owned());
        }
        Ok(scenario)
    }

    /// A line `a -> b` changes the farm's text, any other is added at its end.
    fn change_farm(&mut self, line: &str) {
        match line.split_once(" -> ") {
            Some((from, to)) => {
                assert!(self.farm.contains(from), "the farm has no {from:?}");
                self.farm = self.farm.replace(from, &to.replace("\\n", "\n"));
            }
            None => {
                self.farm.push_str(line);
                self.farm.push('\n');
            }
        }
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        if let Some(seconds) = line.strip_prefix("until ") {
            self.until = Tick(Tick::count_in(number(seconds)?));
            return Ok(());
        }
        let (time, rest) = line.split_once(' ').ok_or("a time and a command")?;
        let tick = Tick(Tick::count_in(number(time)?));
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (words, source) = match words.split_last() {
            Some((&"(panel)", words)) => (words.to_vec(), ControlSource::Local),
            Some((&"(modbus)", words)) => (words.to_vec(), ControlSource::Modbus),
            _ => (words, ControlSource::Rest),
        };
        let command = command(&words).ok_or_else(|| format!("cannot play {rest:?}"))?;
        self.steps.push((tick, Step { command, source, text: rest.trim().to_owned() }));
        Ok(())
    }

    /// The scenario's text with `table` below.
    pub(crate) fn with_table(&self, table: &str) -> String {
        format!("{}happened:\n{table}", self.head)
    }

    /// Runs it; the table of what happened.
    pub(crate) fn play(&self) -> String {
        let spec = parse_farm("farm.toml", &self.farm, &|_| Err("no files here".to_owned()))
            .unwrap_or_else(|e| panic!("{e}"));
        let mut engine = Engine::new(Arc::new(spec), Inputs::default(), EngineOptions::default());
        let mut table = String::new();
        writeln!(table, "{:>10} {:>4}  {:<15} {:>9}  what", "time s", "unit", "state", "P kW")
            .unwrap();
        let mut seen = 0;
        loop {
            let now = engine.tick();
            for (_, step) in self.steps.iter().filter(|(tick, _)| *tick == now) {
                let origin = Origin { peer: None, ..Origin::local(step.source) };
                if let Err(refusal) = engine.apply_from(&step.command, &origin, 0) {
                    writeln!(
                        table,
                        "{:>10.4}    -  {} REFUSED: {refusal}",
                        now.elapsed_s(),
                        step.text
                    )
                    .unwrap();
                }
            }
            seen = show(&mut engine, seen, &mut table);
            if now >= self.until {
                break;
            }
            engine.step();
            seen = show(&mut engine, seen, &mut table);
        }
        let clock = ClockView { mode: ClockMode::Free, ..ClockView::default() };
        let last = engine.snapshot(clock, 0, &[]);
        for (view, spec) in last.units.iter().zip(&last.spec.units) {
            let alarms: Vec<String> =
                view.alarms.iter().map(|(a, l)| format!("{} {}", a.name, l.name())).collect();
            writeln!(
                table,
                "{:>10.4} {:>4}  {:<15} {:>9.1}  end: alarms [{}]",
                last.tick.elapsed_s(),
                spec.id.number(),
                view.state.name(),
                view.ac.active_power.0 / 1e3,
                alarms.join(", ")
            )
            .unwrap();
        }
        table
    }
}

/// Writes the events after number `seen`; returns the number of the last one.
fn show(engine: &mut Engine, seen: u64, table: &mut String) -> u64 {
    if engine.events().total() == seen {
        return seen;
    }
    let clock = ClockView { mode: ClockMode::Free, ..ClockView::default() };
    let snapshot = engine.snapshot(clock, 0, &[]);
    for (_, event) in snapshot.events.after(seen) {
        let view = event.unit.map(|unit| &snapshot.units[unit.idx()]);
        writeln!(
            table,
            "{:>10.4} {:>4}  {:<15} {:>9}  {}",
            event.at.elapsed_s(),
            event.unit.map_or("grid".to_owned(), |unit| unit.to_string()),
            view.map_or("", |view| view.state.name()),
            view.map_or(String::new(), |view| format!("{:.1}", view.ac.active_power.0 / 1e3)),
            event.kind
        )
        .unwrap();
    }
    snapshot.events.total()
}

fn number(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is no number"))
}

/// A number with one of the units, in the unit of the first.
fn quantity(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    units.iter().find_map(|(unit, factor)| {
        let digits = text.strip_suffix(unit)?;
        digits.parse::<f64>().ok().map(|value| value * factor)
    })
}
fn watts(text: &str) -> Option<f64> {
    quantity(text, &[("MW", 1e6), ("kW", 1e3), ("W", 1.0)])
}
fn seconds(text: &str) -> Option<f64> {
    quantity(text, &[("ms", 1e-3), ("s", 1.0)])
}
fn named<T: Copy>(list: &[(&str, T)], name: &str) -> Option<T> {
    list.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn command(words: &[&str]) -> Option<Command> {
    match words {
        ["unit", unit, rest @ ..] => {
            let unit = UnitId::from_number(unit.parse().ok()?)?;
            unit_command(unit, rest)
        }
        ["farm", "set", power] => {
            Some(Command::SetFarmPower { active: Watts(watts(power)?), reactive: None })
        }
        ["farm", "release"] => Some(Command::ReleaseFarm),
        ["grid", "hold", quantity, value] => {
            let hold = match *value {
                "released" => Hold::Release,
                value => Hold::At(value.parse().ok()?),
            };
            let (mut frequency_hz, mut voltage_pu) = (None, None);
            *(if *quantity == "frequency" { &mut frequency_hz } else { &mut voltage_pu }) =
                Some(hold);
            Some(Command::SetGrid { frequency_hz, voltage_pu })
        }
        ["grid", "end"] => Some(Command::EndDisturbances { kind: None }),
        ["grid", rest @ ..] => disturbance(rest).map(Command::Disturb),
        ["breaker", state] => Some(Command::PoiBreaker { open: *state == "open" }),
        ["transformer", "limit", overload_pu, delay] => {
            let (overload_pu, delay_s) = (overload_pu.parse().ok()?, seconds(delay)?);
            Some(Command::TransformerLimit(Some(TransformerLimit { overload_pu, delay_s })))
        }
        ["load", load, fed] => Some(Command::PickUpLoad {
            load_idx: load.parse::<usize>().ok()?.checked_sub(1)?,
            fed: *fed == "on",
        }),
        _ => None,
    }
}

fn disturbance(words: &[&str]) -> Option<Disturbance> {
    let (kind, rest) = match words {
        ["voltage", pu, rest @ ..] => (DisturbanceKind::Voltage(pu.parse().ok()?), rest),
        ["frequency", hz, rest @ ..] => (DisturbanceKind::Frequency(hz.parse().ok()?), rest),
        ["outage", rest @ ..] => (DisturbanceKind::Outage, rest),
        ["phase_jump", deg, rest @ ..] => (DisturbanceKind::PhaseJump(deg.parse().ok()?), rest),
        ["load_step", power, rest @ ..] => (DisturbanceKind::LoadStep(Watts(watts(power)?)), rest),
        _ => return None,
    };
    let duration_s = match rest {
        ["for", time] => seconds(time)?,
        [] => f64::INFINITY,
        _ => return None,
    };
    Some(Disturbance { kind, duration_s })
}

fn unit_command(unit: UnitId, words: &[&str]) -> Option<Command> {
    let control = |change: ControlChange| Some(Command::ControlUnit { unit, change });
    let defect = |defect| Some(Command::SetDefect { unit, defect });
    match words {
        ["set", power] if power.ends_with('%') => control(ControlChange {
            active_enabled: Some(true),
            active_mode: Some(SetpointMode::Percent),
            active_pct: Some(quantity(power, &[("%", 1.0)])?),
            ..ControlChange::default()
        }),
        ["set", power] => control(ControlChange::active_power(Watts(watts(power)?))),
        ["reactive", power] => {
            let var = quantity(power, &[("kvar", 1e3), ("var", 1.0)])?;
            control(ControlChange::default().with_reactive_power(bess_core::units::Vars(var)))
        }
        ["heartbeat", value] => control(ControlChange {
            controller_heartbeat: Some(value.parse().ok()?),
            ..ControlChange::default()
        }),
        ["functions", names @ ..] => {
            let functions: Option<FunctionSet> =
                names.iter().map(|name| FunctionName::by_name(name)).collect();
            control(ControlChange { functions: Some(functions?), ..ControlChange::default() })
        }
        ["watchdog", settings @ ..] => control(watchdog(settings)?),
        ["rack", rack, action] => Some(Command::OperateRack {
            unit,
            rack_idx: index(rack)?,
            action: named(&RackAction::ALL, action)?,
        }),
        ["contactor", rack, contactor, fault] => {
            let contactor = match *contactor {
                "negative" => Contactor::Negative,
                "precharge" => Contactor::Precharge,
                "positive" => Contactor::Positive,
                _ => return None,
            };
            let fault = match *fault {
                "welded" => ContactorFault::Welded,
                "stuck" => ContactorFault::Stuck,
                "slow" => ContactorFault::Slow,
                "whole" => ContactorFault::None,
                _ => return None,
            };
            defect(Defect::Contactor { rack_idx: index(rack)?, contactor, fault })
        }
        ["cell", rack, cell, "heater", power] => defect(Defect::Cell {
            rack_idx: index(rack)?,
            cell_idx: index(cell)?,
            defect: CellDefect::Heater(watts(power)?),
        }),
        ["fuse", rack, state] => {
            defect(Defect::Fuse { rack_idx: index(rack)?, blown: *state == "blown" })
        }
        ["reading", rack, name, value] => {
            let (_, reading, ..) = Reading::ALL.iter().find(|(known, ..)| known == name)?;
            let value = if *value == "true" { None } else { Some(value.parse().ok()?) };
            defect(Defect::Reading { rack_idx: index(rack)?, reading: *reading, value })
        }
        ["insulation", "whole"] => defect(Defect::Insulation(None)),
        ["insulation", kohm] => {
            defect(Defect::Insulation(Some(kohm.strip_suffix("kohm")?.parse().ok()?)))
        }
        ["precharge", "slow", factor] => defect(Defect::SlowPrecharge(factor.parse().ok()?)),
        ["rack_open", rack, state] => {
            defect(Defect::RackOpen { rack_idx: index(rack)?, open: *state == "out" })
        }
        ["protection", state] => defect(Defect::ProtectionOff(*state == "off")),
        ["thresholds", degc, volts] => defect(Defect::ThresholdShift {
            degc: quantity(degc, &[("K", 1.0)])?,
            volts: quantity(volts, &[("V", 1.0)])?,
        }),
        ["latches", state] => defect(Defect::NoLatch(*state == "off")),
        ["nuisance", code] => {
            let row = bess_core::alarm::ALARMS.iter().find(|row| row.name == *code);
            defect(Defect::NuisanceTrip { code: row.map(|row| row.code) })
        }
        ["precharge", state] => defect(Defect::Precharge(*state == "open")),
        ["bms_communication", state] => defect(Defect::BmsCommunication(*state == "lost")),
        ["pcs_fan", state] => defect(Defect::PcsFan(*state == "failed")),
        ["smoke_detector", state] => defect(Defect::SmokeDetector(*state == "on")),
        ["chiller", state] => defect(Defect::Chiller(*state == "failed")),
        ["reversion", time, power] => {
            let active_reversion = ReversionChange {
                time_s: Some(seconds(time)? as u32),
                enabled: Some(true),
                absolute: Some(watts(power)?),
                ..Default::default()
            };
            control(ControlChange { active_reversion, ..Default::default() })
        }
        ["permit", on] => {
            let permitted = Some(*on == "on");
            let enter_service = EnterServiceChange { permitted, ..Default::default() };
            control(ControlChange { enter_service, ..Default::default() })
        }
        ["enter_service", settings @ ..] => control(enter_service(settings)?),
        ["capacity", settings @ ..] => control(capacity(settings)?),
        ["trips", side, points @ ..] => {
            let change =
                Box::new(FunctionsChange { trips: trips(side, points)?, ..Default::default() });
            Some(Command::ConfigureUnit { unit, change })
        }
        ["pcs", "trips", code] => {
            let code = ALARMS.iter().find(|alarm| alarm.name == *code).map(|alarm| alarm.code);
            defect(Defect::PcsTrip { code })
        }
        ["pcs", "share", share] => defect(Defect::PcsDerate(share.parse().ok()?)),
        ["pcs", "setpoint", state] => defect(Defect::SetpointIgnored(*state == "ignored")),
        ["pcs", "sign", state] => defect(Defect::PcsInverted(*state == "wrong")),
        ["pcs", "pll", offset] => {
            defect(Defect::PllOffset(offset.strip_suffix("Hz")?.parse().ok()?))
        }
        ["pcs", "ceases", below_pu, recovery] => {
            let (below_pu, recovery_s) = (below_pu.parse().ok()?, seconds(recovery)?);
            defect(Defect::MomentaryCessation { below_pu, recovery_s })
        }
        ["pcs", "relays", shift_pu, time_factor] => defect(Defect::RelayShift {
            voltage_pu: shift_pu.parse().ok()?,
            time_factor: time_factor.parse().ok()?,
        }),
        ["pcs", "start", state] => defect(Defect::StartStuck(*state == "stuck")),
        ["pcs", "recovery", state] => defect(Defect::RecoveryTrip(*state == "trips")),
        ["door", state] => defect(Defect::DoorOpen(*state == "open")),
        ["suppression", state] => defect(Defect::Suppression(*state == "released")),
        ["supply", state] => defect(Defect::AuxSupplyOff(*state == "gone")),
        [action] => Some(Command::OperateUnit { unit, action: UnitAction::by_name(action)? }),
        _ => None,
    }
}

/// `delay=5 random_delay=0 ramp=1 voltage_min=0.9`, what is not named stays.
fn enter_service(settings: &[&str]) -> Option<ControlChange> {
    let mut change = ControlChange::default();
    for setting in settings {
        let (key, value) = setting.split_once('=')?;
        let slot = match key {
            "voltage_min" => &mut change.enter_service.voltage_min_pu,
            "voltage_max" => &mut change.enter_service.voltage_max_pu,
            "frequency_min" => &mut change.enter_service.frequency_min_hz,
            "frequency_max" => &mut change.enter_service.frequency_max_hz,
            "delay" => &mut change.enter_service.delay_s,
            "random_delay" => &mut change.enter_service.random_delay_s,
            "ramp" => &mut change.enter_service.ramp_s,
            _ => return None,
        };
        *slot = Some(value.parse().ok()?);
    }
    Some(change)
}

/// `active=300kW discharge=200kW`, what is not named stays.
fn capacity(settings: &[&str]) -> Option<ControlChange> {
    let mut change = ControlChange::default();
    for setting in settings {
        let (key, value) = setting.split_once('=')?;
        let slot = match key {
            "active" => &mut change.capacity.active_max_w,
            "discharge" => &mut change.capacity.discharge_max_w,
            "charge" => &mut change.capacity.charge_max_w,
            "apparent" => &mut change.capacity.apparent_max_va,
            _ => return None,
        };
        *slot = Some(watts(value)?);
    }
    Some(change)
}

/// `under_voltage 0.5:2 0.88:21`, or `under_voltage off`.
fn trips(side: &str, points: &[&str]) -> Option<TripsChange> {
    let mut change = TripsChange::default();
    let curve = match side {
        "over_voltage" => &mut change.over_voltage,
        "under_voltage" => &mut change.under_voltage,
        "over_frequency" => &mut change.over_frequency,
        "under_frequency" => &mut change.under_frequency,
        _ => return None,
    };
    match points {
        ["on"] => curve.enabled = Some(true),
        ["off"] => curve.enabled = Some(false),
        _ => {
            let point = |text: &&str| {
                let (threshold, clearing_s) = text.split_once(':')?;
                Some((threshold.parse().ok()?, clearing_s.parse().ok()?))
            };
            curve.points = Some(points.iter().map(point).collect::<Option<_>>()?);
        }
    }
    Some(change)
}

fn index(rack: &str) -> Option<usize> {
    rack.parse::<usize>().ok()?.checked_sub(1)
}

/// `timeout=60 action=ramp_to_zero`, the rest as by default.
fn watchdog(settings: &[&str]) -> Option<ControlChange> {
    let mut watchdog = bess_core::control::WatchdogSettings::default();
    for setting in settings {
        let (key, value) = setting.split_once('=')?;
        match key {
            "timeout" => watchdog.timeout_s = value.parse().ok()?,
            "extra" => watchdog.extra_s = value.parse().ok()?,
            "kind" => watchdog.kind = named(&HeartbeatKind::ALL, value)?,
            "action" => watchdog.action = named(&LossAction::ALL, value)?,
            "value" => watchdog.value_w = watts(value)?,
            "function" => watchdog.function = FunctionName::by_name(value)?,
            "recovery" => watchdog.recovery = named(&Recovery::ALL, value)?,
            _ => return None,
        }
    }
    Some(ControlChange { watchdog: watchdog.into(), ..ControlChange::default() })
}
