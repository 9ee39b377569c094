//! Acts: what a fault tells the farm or its host.

use crate::faults::{Act, Case, ClientAct, HeartbeatMode, HostAct, Target};
use bess_core::alarm::{ALARMS, AlarmCode};
use bess_core::command::{Command, ControlChange, UnitAction};
use bess_core::control::Reversion;
use bess_core::defect::{CellDefect, ContactorFault, Defect};
use bess_core::event::Contactor;
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::link::{LinkCondition, LinkEffect, LinkScope};
use bess_core::math;
use bess_core::net::PeerNet;
use bess_core::spec::{Disturbance, DisturbanceKind, Hold, LastingKind};
use bess_core::time::TICK_S;
use bess_core::units::Watts;
use std::sync::Arc;

/// Makes something of the target's unit defect.
pub(in crate::faults) fn defect(case: &Case<'_>, defect: Defect, out: &mut Vec<Act>) {
    out.push(Command::SetDefect { unit: case.unit(), defect }.into());
}

/// Makes something of the target's cell defect.
pub(in crate::faults) fn cell(case: &Case<'_>, defect: CellDefect, out: &mut Vec<Act>) {
    if let Target::Cell { unit, rack_idx, cell_idx } = *case.target {
        let defect = Defect::Cell { rack_idx, cell_idx, defect };
        out.push(Command::SetDefect { unit, defect }.into());
    }
}

/// Makes something of each rack that is hit defect.
pub(in crate::faults) fn racks(
    case: &Case<'_>,
    of_rack: impl Fn(usize) -> Defect,
    out: &mut Vec<Act>,
) {
    case.racks().for_each(|rack_idx| defect(case, of_rack(rack_idx), out));
}

/// The contactor that the fault is about.
pub(in crate::faults) fn which_contactor(case: &Case<'_>) -> Contactor {
    match case.args.word("contactor") {
        "negative" => Contactor::Negative,
        "precharge" => Contactor::Precharge,
        _ => Contactor::Positive,
    }
}

/// Gives that contactor of each rack that is hit a fault.
pub(in crate::faults) fn contactor(case: &Case<'_>, fault: ContactorFault, out: &mut Vec<Act>) {
    let contactor = which_contactor(case);
    racks(case, |rack_idx| Defect::Contactor { rack_idx, contactor, fault }, out);
}

/// Operates the target's unit.
pub(in crate::faults) fn operate(case: &Case<'_>, action: UnitAction, out: &mut Vec<Act>) {
    out.push(Command::OperateUnit { unit: case.unit(), action }.into());
}

/// Alarms that a converter trips with.
pub(in crate::faults) const PCS_CODES: &[&str] = &[
    "pcs_fault",
    "ac_over_current",
    "ac_over_voltage",
    "ac_under_voltage",
    "ac_over_frequency",
    "ac_under_frequency",
    "pcs_over_temperature",
    "dc_voltage_out_of_window",
    "synchronisation_failed",
    "insulation",
];

/// Alarms that a fault may show at trip level without their cause.
pub(in crate::faults) const TRIP_CODES: &[&str] = &[
    "cell_over_voltage",
    "cell_under_voltage",
    "cell_over_temperature",
    "charge_over_current",
    "discharge_over_current",
    "insulation",
    "smoke",
    "ac_over_voltage",
    "ac_under_voltage",
    "ac_over_frequency",
    "ac_under_frequency",
    "pcs_over_temperature",
];

/// The alarm in the parameter `code`.
pub(in crate::faults) fn code(case: &Case<'_>) -> AlarmCode {
    let name = case.args.word("code");
    let row = ALARMS.iter().find(|row| row.name == name);
    row.map_or(AlarmCode::PcsOverTemperature, |row| row.code)
}

/// The listener that is hit; `None` for every one.
pub(in crate::faults) fn listener(case: &Case<'_>) -> Option<Arc<str>> {
    match case.target {
        Target::Listener(name) => name.clone(),
        _ => None,
    }
}

/// Sets a condition of the links with the fault's tag as its name.
pub(in crate::faults) fn link(case: &Case<'_>, effect: LinkEffect, out: &mut Vec<Act>) {
    set_link(case, case.tag.to_owned(), effect, out);
}
/// Ends that condition.
pub(in crate::faults) fn link_end(case: &Case<'_>, out: &mut Vec<Act>) {
    out.push(Command::ClearLink { name: Some(case.tag.to_owned()) }.into());
}
/// Sets a second condition beside that one.
pub(in crate::faults) fn link_named(
    case: &Case<'_>,
    second: &str,
    effect: LinkEffect,
    out: &mut Vec<Act>,
) {
    set_link(case, format!("{}.{second}", case.tag), effect, out);
}
/// Ends the second condition.
pub(in crate::faults) fn link_named_end(case: &Case<'_>, second: &str, out: &mut Vec<Act>) {
    out.push(Command::ClearLink { name: Some(format!("{}.{second}", case.tag)) }.into());
}

fn set_link(case: &Case<'_>, name: String, effect: LinkEffect, out: &mut Vec<Act>) {
    let functions = case.args.numbers("functions").iter().map(|code| *code as u8).collect();
    let scope = LinkScope {
        unit: case.target.unit(),
        listener: listener(case).map(|name| name.to_string()),
        functions,
        peer: case.args.text("peer").and_then(|peer| peer.parse::<PeerNet>().ok()),
        ..LinkScope::default()
    };
    let condition = LinkCondition {
        name,
        effect,
        scope,
        probability: case.args.maybe("probability").unwrap_or(1.0),
        seed: case.seed,
        until: None,
    };
    out.push(Command::SetLink(Box::new(condition)).into());
}

/// What clients beyond the limit get: silence, or no connection.
pub(in crate::faults) fn client_limit(case: &Case<'_>) -> LinkEffect {
    let max_clients = case.args.number("max_clients").round() as u32;
    if case.args.word("policy") == "refuse" {
        LinkEffect::LimitConnections { max_clients }
    } else {
        LinkEffect::LimitClients { max_clients }
    }
}

/// Disturbs the grid.
pub(in crate::faults) fn disturb(kind: DisturbanceKind, duration_s: f64, out: &mut Vec<Act>) {
    out.push(Command::Disturb(Disturbance { kind, duration_s }).into());
}

/// The setpoint that stood before the fault, in W.
pub(in crate::faults) fn setpoint_before(case: &Case<'_>) -> f64 {
    match case.target {
        Target::Unit(_) => case.before.unit.setpoint.0,
        _ => case.before.farm.setpoint.map_or(0.0, |power| power.0),
    }
}

/// Writes a setpoint of the target's unit, or of the farm.
pub(in crate::faults) fn setpoint(case: &Case<'_>, power_w: f64, out: &mut Vec<Act>) {
    let active = Watts(power_w);
    out.push(match *case.target {
        Target::Unit(unit) => {
            Command::ControlUnit { unit, change: ControlChange::active_power(active) }.into()
        }
        _ => Command::SetFarmPower { active, reactive: None }.into(),
    });
}

/// Lets the active setpoint of the unit go back after some time, to a power of its own.
pub(in crate::faults) fn reversion(case: &Case<'_>, out: &mut Vec<Act>) {
    let power_w = case.args.number("power_w");
    let rated_w = case.spec.units[case.unit().idx()].design.pcs.rated_power.0;
    let back = Reversion {
        time_s: case.args.number("time_s").round() as u32,
        enabled: true,
        absolute: power_w,
        percent: 100.0 * power_w / rated_w,
        ..case.before.unit.control.active_reversion
    };
    set_reversion(case, back, out);
}
/// The reversion is as it was before.
pub(in crate::faults) fn reversion_end(case: &Case<'_>, out: &mut Vec<Act>) {
    set_reversion(case, case.before.unit.control.active_reversion, out);
}

fn set_reversion(case: &Case<'_>, back: Reversion, out: &mut Vec<Act>) {
    let change = ControlChange { active_reversion: back.into(), ..ControlChange::default() };
    out.push(Command::ControlUnit { unit: case.unit(), change }.into());
}

/// Whether something that happens every `every_s` happens in this tick.
pub(in crate::faults) fn is_turn(case: &Case<'_>, every_s: f64) -> bool {
    let every = bess_core::time::Tick::count_in(every_s);
    case.age.is_multiple_of(every.max(1))
}

/// A sine of this period since the fault began.
pub(in crate::faults) fn sine(case: &Case<'_>, period_s: f64) -> f64 {
    math::sin(std::f64::consts::TAU * case.age as f64 * TICK_S / period_s)
}

/// Forces the point that the fault is about.
pub(in crate::faults) fn force(case: &Case<'_>, value: f64, out: &mut Vec<Act>) {
    force_point(case, case.args.text("point").unwrap_or_default(), Some(value), out);
}
/// Lets it show again what is so.
pub(in crate::faults) fn release(case: &Case<'_>, out: &mut Vec<Act>) {
    force_point(case, case.args.text("point").unwrap_or_default(), None, out);
}
/// Forces a point of the target's unit or of the plant, or releases it.
pub(in crate::faults) fn force_point(
    case: &Case<'_>,
    point: &str,
    value: Option<f64>,
    out: &mut Vec<Act>,
) {
    let (unit, point) = (case.target.unit(), point.to_owned());
    out.push(match value {
        Some(value) => {
            let value = ForcedValue::Number(value);
            Command::ForcePoint(Box::new(ForcedPoint { unit, point, value })).into()
        }
        None => Command::ReleasePoint { unit, point: Some(point) }.into(),
    });
}

/// Tells the built-in EMS something.
pub(in crate::faults) fn client(case: &Case<'_>, act: ClientAct, out: &mut Vec<Act>) {
    if let Target::Client(name) = case.target {
        out.push(Act::Host(HostAct::Client { client: Arc::clone(name), act }));
    }
}

/// The heartbeat mode in the parameter `mode`.
pub(in crate::faults) fn heartbeat(case: &Case<'_>) -> HeartbeatMode {
    let name = case.args.word("mode");
    let row = HeartbeatMode::ALL.iter().find(|(known, _)| *known == name);
    row.map_or(HeartbeatMode::Normal, |(_, mode)| *mode)
}

/// Holds frequency in Hz or voltage in pu of the grid.
pub(in crate::faults) fn grid(hz: Option<f64>, pu: Option<f64>, out: &mut Vec<Act>) {
    let (frequency_hz, voltage_pu) = (hz.map(Hold::At), pu.map(Hold::At));
    out.push(Command::SetGrid { frequency_hz, voltage_pu }.into());
}
/// Releases the frequency.
pub(in crate::faults) fn end_frequency(_case: &Case<'_>, out: &mut Vec<Act>) {
    out.push(Command::SetGrid { frequency_hz: Some(Hold::Release), voltage_pu: None }.into());
}
/// Releases the voltage.
pub(in crate::faults) fn end_voltage(_case: &Case<'_>, out: &mut Vec<Act>) {
    out.push(Command::SetGrid { frequency_hz: None, voltage_pu: Some(Hold::Release) }.into());
}
/// The grid comes back.
pub(in crate::faults) fn end_outage(_case: &Case<'_>, out: &mut Vec<Act>) {
    out.push(Command::EndDisturbances { kind: Some(LastingKind::Outage) }.into());
}
/// Loads behind the POI are as before.
pub(in crate::faults) fn end_load_step(_case: &Case<'_>, out: &mut Vec<Act>) {
    out.push(Command::EndDisturbances { kind: Some(LastingKind::LoadStep) }.into());
}
