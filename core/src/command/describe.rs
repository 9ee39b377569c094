//! Commands as the audit names them: names and engineering values, as `active_power_w = 1500000,
//! active_enabled = true`. Units and racks are numbered from 1, as people do.

use super::{Command, ControlChange};
use crate::control::{
    CapacityChange, CurveFunction, EnterServiceChange, FrequencyDroop, FrequencyResponse,
    FunctionName, FunctionSet, FunctionsChange, HeartbeatKind, LossAction, PeakShaving,
    PowerPriority, Recovery, ReversionChange, SetpointMode, WatchdogChange,
};
use crate::defect::{CellDefect, ContactorFault, Defect, Reading};
use crate::device::Part;
use crate::id::UnitId;
use crate::link::LinkCondition;
use crate::series::Series;
use crate::spec::{Disturbance, DisturbanceKind, Hold, PlantChange, PoiMeter, TransformerLimit};
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

fn describe_defect(defect: &Defect) -> String {
    let state = |part: &str, failed| format!("{part} {}", if failed { "fails" } else { "works" });
    match *defect {
        Defect::Cell { rack_idx, cell_idx, defect } => {
            let cell = format!("cell {} of rack {}", cell_idx + 1, rack_idx + 1);
            match defect {
                CellDefect::Short(ohm) if ohm.is_infinite() => format!("no short of {cell}"),
                CellDefect::Short(ohm) => format!("short of {} ohm of {cell}", Number(ohm)),
                CellDefect::Heater(w) if w <= 0.0 => format!("no heater on {cell}"),
                CellDefect::Heater(w) => format!("heater of {} W on {cell}", Number(w)),
            }
        }
        Defect::Chiller(failed) => state("chiller", failed),
        Defect::Pump(failed) => state("pump", failed),
        Defect::Fan(failed) => format!("fans {}", if failed { "fail" } else { "work" }),
        Defect::Contactor { rack_idx, contactor, fault } => {
            let does = match fault {
                ContactorFault::None => "obeys",
                ContactorFault::Welded => "is welded",
                ContactorFault::Stuck => "is stuck",
            };
            format!("{} contactor of rack {} {does}", contactor.name(), rack_idx + 1)
        }
        Defect::Fuse { rack_idx, blown } => {
            let is = if blown { "is blown" } else { "is whole" };
            format!("fuse of rack {} {is}", rack_idx + 1)
        }
        Defect::Precharge(open) => {
            format!("precharge resistor {}", if open { "is open" } else { "is whole" })
        }
        Defect::Insulation(Some(kohm)) => {
            format!("insulation damaged, resistance_kohm = {}", Number(kohm))
        }
        Defect::Insulation(None) => "insulation is whole".to_owned(),
        Defect::BmsCommunication(failed) => state("communication of BMS and PCS", failed),
        Defect::PcsFan(failed) => state("fan of the PCS", failed),
        Defect::PcsTrip { .. }
        | Defect::PcsDerate(_)
        | Defect::SetpointIgnored(_)
        | Defect::PcsInverted(_)
        | Defect::PcsRamp(_)
        | Defect::PcsLoss(_)
        | Defect::PllOffset(_)
        | Defect::MomentaryCessation { .. }
        | Defect::RelayShift { .. }
        | Defect::StartStuck(_)
        | Defect::RecoveryTrip(_)
        | Defect::DroopOverride(_) => describe_converter(defect),
        Defect::VentilationOff(failed) => state("ventilation", failed),
        Defect::CoolantLeak(lost) => {
            format!("coolant leak, flow lost = {} %", Number(lost * 100.0))
        }
        Defect::DoorOpen(open) => format!("door {}", if open { "is open" } else { "is shut" }),
        Defect::Suppression(on) => {
            format!("fire suppression {}", if on { "releases its agent" } else { "is at rest" })
        }
        Defect::AuxSupplyOff(off) => {
            format!("auxiliary supply {}", if off { "is gone" } else { "is there" })
        }
        Defect::SmokeDetector(smoke) => {
            format!("smoke detector says {}", if smoke { "smoke" } else { "no smoke" })
        }
        Defect::Reading { rack_idx, reading, value } => {
            let (name, ..) = Reading::ALL[reading as usize];
            let rack = rack_idx + 1;
            value.map_or_else(
                || format!("{name} of rack {rack} as measured"),
                |value| format!("{name} of rack {rack} forced to {}", Number(value)),
            )
        }
    }
}

/// What is wrong with a converter and its controller.
fn describe_converter(defect: &Defect) -> String {
    let pick = |yes, there: &str, gone: &str| if yes { there.to_owned() } else { gone.to_owned() };
    match *defect {
        Defect::PcsTrip { code: Some(code) } => format!("PCS trips with {}", code.name()),
        Defect::PcsTrip { code: None } => "PCS does not trip any more".to_owned(),
        Defect::PcsDerate(share) => format!("PCS can give {} %", Number(share * 100.0)),
        Defect::SetpointIgnored(on) => {
            pick(on, "PCS ignores its setpoints", "PCS obeys its setpoints")
        }
        Defect::PcsInverted(on) => {
            pick(on, "PCS inverts its active power", "PCS gives the sign that is asked for")
        }
        Defect::PcsRamp(factor) => format!("PCS ramps times {}", Number(factor)),
        Defect::PcsLoss(pct) => format!("PCS loses {} % more", Number(pct)),
        Defect::PllOffset(hz) => format!("PCS measures {} Hz too much", Number(hz)),
        Defect::MomentaryCessation { below_pu, .. } if below_pu <= 0.0 => {
            "PCS rides through as it should".to_owned()
        }
        Defect::MomentaryCessation { below_pu, recovery_s } => {
            let (below, recovery) = (Number(below_pu), Number(recovery_s));
            format!("PCS ceases below {below} pu and comes back in {recovery} s")
        }
        Defect::RelayShift { voltage_pu, time_factor } => {
            let (shift, factor) = (Number(voltage_pu), Number(time_factor));
            format!("relays {shift} pu nearer, their times times {factor}")
        }
        Defect::StartStuck(on) => pick(on, "PCS is stuck in its start", "PCS starts"),
        Defect::RecoveryTrip(on) => {
            pick(on, "PCS trips when the voltage comes back", "PCS bears a voltage that comes back")
        }
        Defect::DroopOverride(Some(droop)) => {
            format!("PCS works with a droop of {}", Number(droop))
        }
        Defect::DroopOverride(None) => "PCS works with the droop of its settings".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
