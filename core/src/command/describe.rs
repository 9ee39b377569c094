//! Commands as the audit names them: names and engineering values, as `active_power_w = 1500000,
//! active_enabled = true`. Units and racks are numbered from 1, as people do.

use super::{Command, ControlChange};
use crate::control::{
    CapacityChange, CurveFunction, EnterServiceChange, FrequencyDroop, FrequencyResponse,
    FunctionName, FunctionSet, FunctionsChange, HeartbeatKind, LossAction, PeakShaving,
    PowerPriority, Recovery, ReversionChange, SetpointMode, WatchdogChange,
};
use crate::device::Part;
use crate::id::UnitId;
use crate::link::LinkCondition;
use crate::series::Series;
use crate::spec::{Disturbance, DisturbanceKind, Hold, PlantChange, PoiMeter, TransformerLimit};
use defects::describe_defect;
use std::fmt;

impl Command {
    /// The unit that it is about; `None` for the farm, or for several.
    pub fn unit(&self) -> Option<UnitId> {
        match self {
            Self::ControlUnit { unit, .. }
            | Self::ConfigureUnit { unit, .. }
            | Self::OperateUnit { unit, .. }
            | Self::OperateRack { unit, .. }
            | Self::SetDefect { unit, .. }
            | Self::NoteRequest { unit } => Some(*unit),
            Self::SetLink(condition) => condition.scope.unit,
            Self::ForcePoint(point) => point.unit,
            Self::ReleasePoint { unit, .. } | Self::NoteFault { unit, .. } => *unit,
            Self::Batch(commands) => {
                let first = commands.first().and_then(Self::unit);
                first.filter(|unit| commands.iter().all(|other| other.unit() == Some(*unit)))
            }
            _ => None,
        }
    }

    /// What it asks, with engineering values.
    pub fn describe(&self) -> String {
        match self {
            Self::ControlUnit { change, .. } => describe_change(change),
            Self::OperateUnit { action, .. } => action.name().to_owned(),
            Self::ConfigureUnit { change, .. } => describe_functions(change),
            Self::OperateRack { rack_idx, action, .. } => {
                format!("{} rack {}", action.name(), rack_idx + 1)
            }
            Self::SetFarmPower { active, reactive } => {
                let mut list = List::default();
                list.number("active_power_w", Some(active.0));
                list.number("reactive_power_var", reactive.map(|power| power.0));
                format!("farm {}", list.text())
            }
            Self::SetDefect { defect, .. } => describe_defect(defect),
            Self::ReleaseFarm => "farm setpoint released".to_owned(),
            Self::ConfigurePlant(change) => format!("farm {}", describe_plant(change)),
            Self::Disturb(disturbance) => {
                format!("farm grid {}", describe_disturbance(disturbance))
            }
            Self::SetGrid { frequency_hz, voltage_pu } => {
                format!("farm grid {}", describe_holds(*frequency_hz, *voltage_pu))
            }
            Self::EndDisturbances { kind: Some(kind) } => {
                format!("farm grid disturbances of {} ended", kind.name())
            }
            Self::EndDisturbances { kind: None } => "farm grid disturbances ended".to_owned(),
            Self::SetAmbient(Some(degc)) => format!("farm ambient_degc = {}", Number(degc.0)),
            Self::SetAmbient(None) => "farm ambient_degc released".to_owned(),
            Self::PoiMeter(meter) => format!("farm {}", describe_meter(meter)),
            Self::PoiBreaker { open } => {
                format!("farm breaker at the POI {}", if *open { "opened" } else { "closed" })
            }
            Self::TransformerLimit(limit) => format!("farm {}", describe_limit(limit.as_ref())),
            Self::NoteFault { kind, on, .. } => {
                format!("fault {kind} {}", if *on { "begins" } else { "ends" })
            }
            Self::PickUpLoad { load_idx, fed } => {
                format!("farm load {} {}", load_idx + 1, if *fed { "picked up" } else { "dropped" })
            }
            Self::SetLink(condition) => describe_link(condition),
            Self::ClearLink { name: Some(name) } => format!("link {name} cleared"),
            Self::ClearLink { name: None } => "all links cleared".to_owned(),
            Self::ForcePoint(point) => format!("{} forced to {}", point.point, point.value),
            Self::ReleasePoint { point: Some(point), .. } => format!("{point} released"),
            Self::ReleasePoint { point: None, .. } => "all points released".to_owned(),
            Self::NoteRequest { .. } => "request".to_owned(),
            Self::Batch(commands) if commands.is_empty() => "nothing".to_owned(),
            Self::Batch(commands) => {
                let names_unit = self.unit().is_some();
                let all = commands.iter().map(|command| match command.unit() {
                    // Where the batch is about several units, its record cannot name one.
                    Some(unit) if !names_unit => format!("unit {unit}: {}", command.describe()),
                    _ => command.describe(),
                });
                all.collect::<Vec<_>>().join("; ")
            }
        }
    }
}

/// A number as it was meant: without the last digits that scale factors leave behind, and `none` for
/// no bound.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        let rounded = (value * 1e6).round() / 1e6;
        if value == f64::INFINITY {
            f.write_str("none")
        } else if rounded.abs() >= 1e-4 && rounded.abs() < 1e15 {
            write!(f, "{rounded}")
        } else if value.abs() <= 0.0 {
            f.write_str("0")
        } else {
            write!(f, "{value:e}")
        }
    }
}

/// Points of a curve.
struct Points<'p>(&'p [(f64, f64)]);

impl fmt::Display for Points<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (x, y)) in self.0.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            write!(f, "{gap}({}, {})", Number(*x), Number(*y))?;
        }
        if self.0.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

/// What a command changes, one `name = value` after the other.
#[derive(Default)]
struct List(Vec<String>);

impl List {
    fn item(&mut self, name: &str, value: Option<impl fmt::Display>) {
        self.0.extend(value.map(|value| format!("{name} = {value}")));
    }
    fn number(&mut self, name: &str, value: Option<f64>) {
        self.item(name, value.map(Number));
    }
    /// A thing with several values: its name stands before each.
    fn group(&mut self, group: &str, items: &[(&str, &dyn fmt::Display)]) {
        self.0.extend(items.iter().map(|(name, value)| format!("{group}_{name} = {value}")));
    }
    fn text(self) -> String {
        if self.0.is_empty() { "nothing".to_owned() } else { self.0.join(", ") }
    }
}

fn describe_change(change: &ControlChange) -> String {
    let mode = |mode| match mode {
        SetpointMode::Absolute => "absolute",
        SetpointMode::Percent => "percent",
    };
    let priority = |priority| match priority {
        PowerPriority::Active => "active",
        PowerPriority::Reactive => "reactive",
    };
    let mut list = List::default();
    list.number("active_power_w", change.active_w);
    list.number("active_power_pct", change.active_pct);
    list.item("active_mode", change.active_mode.map(mode));
    list.item("active_enabled", change.active_enabled);
    list.number("reactive_power_var", change.reactive_var);
    list.number("reactive_power_pct", change.reactive_pct);
    list.item("reactive_mode", change.reactive_mode.map(mode));
    list.item("reactive_enabled", change.reactive_enabled);
    list.item("priority", change.priority.map(priority));
    list.number("discharge_limit_pct", change.discharge_limit_pct);
    list.item("discharge_limit_enabled", change.discharge_limit_enabled);
    list.number("charge_limit_pct", change.charge_limit_pct);
    list.number("ramp_pct_per_s", change.ramp_pct_per_s);
    list.number("soc_min", change.soc_min);
    list.number("soc_max", change.soc_max);
    list.number("soc_reserve", change.soc_reserve);
    list.item("controller_heartbeat", change.controller_heartbeat);
    list.item("functions", change.functions.map(describe_set));
    describe_watchdog(&mut list, &change.watchdog);
    for (name, factor) in
        [("pf_injecting", &change.pf_injecting), ("pf_absorbing", &change.pf_absorbing)]
    {
        list.number(&format!("{name}_factor"), factor.factor);
        list.item(&format!("{name}_over_excited"), factor.over_excited);
        list.item(&format!("{name}_enabled"), factor.enabled);
    }
    for (name, unit, reversion) in [
        ("active_reversion", "w", &change.active_reversion),
        ("reactive_reversion", "var", &change.reactive_reversion),
        ("discharge_limit_reversion", "", &change.discharge_limit_reversion),
        ("pf_injecting_reversion", "factor", &change.pf_injecting_reversion),
        ("pf_absorbing_reversion", "factor", &change.pf_absorbing_reversion),
    ] {
        describe_reversion(&mut list, name, unit, reversion);
    }
    describe_capacity(&mut list, &change.capacity);
    describe_enter_service(&mut list, &change.enter_service);
    list.text()
}

/// `unit` is that of the absolute value, `factor` for a power factor, or empty where there is none.
fn describe_reversion(list: &mut List, name: &str, unit: &str, reversion: &ReversionChange) {
    list.item(&format!("{name}_time_s"), reversion.time_s);
    list.item(&format!("{name}_enabled"), reversion.enabled);
    if unit == "factor" {
        list.number(&format!("{name}_factor"), reversion.percent);
        list.item(&format!("{name}_over_excited"), reversion.over_excited);
        return;
    }
    if !unit.is_empty() {
        list.number(&format!("{name}_{unit}"), reversion.absolute);
    }
    list.number(&format!("{name}_pct"), reversion.percent);
}

fn describe_watchdog(list: &mut List, watchdog: &WatchdogChange) {
    list.number("watchdog_timeout_s", watchdog.timeout_s);
    list.item("watchdog_kind", watchdog.kind.map(HeartbeatKind::name));
    list.item("watchdog_action", watchdog.action.map(LossAction::name));
    list.number("watchdog_value_w", watchdog.value_w);
    list.item("watchdog_function", watchdog.function.map(FunctionName::name));
    list.item("watchdog_recovery", watchdog.recovery.map(Recovery::name));
    list.number("watchdog_extra_s", watchdog.extra_s);
    list.number("watchdog_jitter_s", watchdog.jitter_s);
}

fn describe_capacity(list: &mut List, capacity: &CapacityChange) {
    list.number("capacity_active_max_w", capacity.active_max_w);
    list.number("capacity_discharge_max_w", capacity.discharge_max_w);
    list.number("capacity_charge_max_w", capacity.charge_max_w);
    list.number("capacity_reactive_injected_max_var", capacity.reactive_injected_max_var);
    list.number("capacity_reactive_absorbed_max_var", capacity.reactive_absorbed_max_var);
    list.number("capacity_apparent_max_va", capacity.apparent_max_va);
}

fn describe_enter_service(list: &mut List, enter: &EnterServiceChange) {
    list.item("enter_service_permitted", enter.permitted);
    list.number("enter_service_voltage_min_pu", enter.voltage_min_pu);
    list.number("enter_service_voltage_max_pu", enter.voltage_max_pu);
    list.number("enter_service_frequency_min_hz", enter.frequency_min_hz);
    list.number("enter_service_frequency_max_hz", enter.frequency_max_hz);
    list.number("enter_service_delay_s", enter.delay_s);
    list.number("enter_service_random_delay_s", enter.random_delay_s);
    list.number("enter_service_ramp_s", enter.ramp_s);
}

fn describe_set(functions: FunctionSet) -> String {
    let names: Vec<&str> = functions.iter().map(FunctionName::name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" + ") }
}

fn describe_functions(change: &FunctionsChange) -> String {
    let mut list = List::default();
    if let Some(droop) = &change.frequency_droop {
        describe_droop(&mut list, droop);
    }
    if let Some(response) = &change.frequency_response {
        describe_response(&mut list, response);
    }
    for (name, curve) in [
        ("volt_var", &change.volt_var),
        ("volt_watt", &change.volt_watt),
        ("watt_var", &change.watt_var),
    ] {
        if let Some(curve) = curve {
            describe_curve(&mut list, name, curve);
        }
    }
    if let Some(shaving) = &change.peak_shaving {
        describe_shaving(&mut list, shaving);
    }
    list.item("schedule", change.schedule.as_deref().map(describe_schedule));
    for (name, curve) in [
        ("trips_over_voltage", &change.trips.over_voltage),
        ("trips_under_voltage", &change.trips.under_voltage),
        ("trips_over_frequency", &change.trips.over_frequency),
        ("trips_under_frequency", &change.trips.under_frequency),
    ] {
        list.item(&format!("{name}_enabled"), curve.enabled);
        list.item(&format!("{name}_points"), curve.points.as_deref().map(Points));
    }
    list.number("trips_cessation_below_pu", change.trips.cessation_below_pu);
    list.text()
}

fn describe_droop(list: &mut List, droop: &FrequencyDroop) {
    let items: [(&str, &dyn fmt::Display); 5] = [
        ("over_deadband_hz", &Number(droop.over_deadband_hz)),
        ("under_deadband_hz", &Number(droop.under_deadband_hz)),
        ("over_droop", &Number(droop.over_droop)),
        ("under_droop", &Number(droop.under_droop)),
        ("response_s", &Number(droop.response_s)),
    ];
    list.group("frequency_droop", &items);
}

fn describe_response(list: &mut List, response: &FrequencyResponse) {
    let items: [(&str, &dyn fmt::Display); 5] = [
        ("name", &response.name),
        ("points", &Points(&response.points)),
        ("contract_w", &response.contract_w.map_or("rating".to_owned(), |w| Number(w).to_string())),
        ("dead_time_s", &Number(response.dead_time_s)),
        ("full_s", &Number(response.full_s)),
    ];
    list.group("frequency_response", &items);
    if let Some(sustain) = &response.sustain {
        let items: [(&str, &dyn fmt::Display); 3] = [
            ("duration_s", &Number(sustain.duration_s)),
            ("deactivation_per_s", &Number(sustain.deactivation_per_s)),
            ("recovery_s", &Number(sustain.recovery_s)),
        ];
        list.group("frequency_response_sustain", &items);
    }
}

fn describe_curve(list: &mut List, name: &str, curve: &CurveFunction) {
    let (points, response_s) = (Points(&curve.points), Number(curve.response_s));
    list.group(name, &[("points", &points), ("response_s", &response_s)]);
}

fn describe_shaving(list: &mut List, shaving: &PeakShaving) {
    let (import, export) = (Number(shaving.import_max_w), Number(shaving.export_max_w));
    list.group("peak_shaving", &[("import_max_w", &import), ("export_max_w", &export)]);
}

fn describe_schedule(series: &Series) -> String {
    let (n, start, end) = (series.values().len(), series.start_s(), series.end_s());
    format!("{n} values in W from {} s to {} s", Number(start), Number(end))
}

fn describe_plant(change: &PlantChange) -> String {
    let mut list = List::default();
    list.item("enabled", change.enabled);
    list.item("strategy", change.strategy.map(crate::spec::Strategy::name));
    let numbers = |units: &Vec<usize>| {
        let numbers: Vec<String> = units.iter().map(|idx| (idx + 1).to_string()).collect();
        format!("[{}]", numbers.join(", "))
    };
    list.item("priority", change.priority.as_ref().map(numbers));
    list.number("ramp_per_s", change.ramp_per_s);
    list.number("soc_min", change.soc_min);
    list.number("soc_max", change.soc_max);
    match &change.frequency_response {
        Some(Some(response)) => describe_response(&mut list, response),
        Some(None) => list.item("frequency_response", Some("none")),
        None => {}
    }
    match &change.volt_var {
        Some(Some(curve)) => describe_curve(&mut list, "volt_var", curve),
        Some(None) => list.item("volt_var", Some("none")),
        None => {}
    }
    match &change.peak_shaving {
        Some(Some(shaving)) => describe_shaving(&mut list, shaving),
        Some(None) => list.item("peak_shaving", Some("none")),
        None => {}
    }
    list.text()
}

fn describe_disturbance(disturbance: &Disturbance) -> String {
    let what = match disturbance.kind {
        DisturbanceKind::Voltage(pu) => format!("voltage_pu = {}", Number(pu)),
        DisturbanceKind::Frequency(hz) => format!("frequency_hz = {}", Number(hz)),
        DisturbanceKind::Outage => "outage".to_owned(),
        DisturbanceKind::PhaseJump(degrees) => {
            return format!("phase_jump_deg = {}", Number(degrees));
        }
        DisturbanceKind::LoadStep(power) => format!("load_step_w = {}", Number(power.0)),
    };
    if disturbance.duration_s.is_finite() {
        format!("{what} for {} s", Number(disturbance.duration_s))
    } else {
        what
    }
}

fn describe_holds(frequency_hz: Option<Hold>, voltage_pu: Option<Hold>) -> String {
    let mut list = List::default();
    for (name, hold) in [("frequency_hz", frequency_hz), ("voltage_pu", voltage_pu)] {
        match hold {
            Some(Hold::At(value)) => list.number(name, Some(value)),
            Some(Hold::Release) => list.item(name, Some("released")),
            None => {}
        }
    }
    list.text()
}

fn describe_meter(meter: &PoiMeter) -> String {
    if !meter.is_distorted() {
        return "power meter at the POI shows what is so".to_owned();
    }
    let mut list = List::default();
    list.number("gain", Some(meter.gain));
    list.number("offset_w", Some(meter.offset_w));
    list.item("frozen", Some(meter.is_frozen));
    format!("power meter at the POI: {}", list.text())
}

fn describe_limit(limit: Option<&TransformerLimit>) -> String {
    let Some(limit) = limit else { return "transformer relay off".to_owned() };
    let mut list = List::default();
    list.number("overload_pu", Some(limit.overload_pu));
    list.number("delay_s", Some(limit.delay_s));
    format!("transformer relay: {}", list.text())
}

fn describe_link(condition: &LinkCondition) -> String {
    let LinkCondition { name, effect, scope, probability, seed, until } = condition;
    let mut list = List(vec![format!("link {name}: {}", effect.name())]);
    for (name, value) in effect.parameters() {
        list.number(name, Some(value));
    }
    list.item("listener", scope.listener.as_ref());
    list.item("unit", scope.unit);
    list.item("device", scope.part.map(Part::name));
    let functions: Vec<String> = scope.functions.iter().map(ToString::to_string).collect();
    list.item("functions", (!functions.is_empty()).then(|| functions.join(" ")));
    list.item("registers", scope.registers.map(|(first, last)| format!("{first}..{last}")));
    list.item("peer", scope.peer);
    if *probability < 1.0 {
        list.number("probability", Some(*probability));
        list.item("seed", Some(seed));
    }
    list.item("until_tick", *until);
    list.text()
}

mod defects;
#[cfg(test)]
mod tests;
