//! What clients wrote, out of the audit.

use super::events::{CLIENT_REFUSED, CLIENT_WRITE, CLIENT_WRITE_SETPOINT, EventName, Seen};
use bess_core::audit::AuditRecord;
use bess_core::control::ControlSource;
use bess_core::id::UnitId;

/// Tells `tell` what a write is in a scenario's words; writes that are not a client's are nothing.
/// `unit_of` finds a unit by its number.
pub(super) fn named(
    record: &AuditRecord,
    unit_of: &dyn Fn(u32) -> Option<UnitId>,
    mut tell: impl FnMut(EventName, Seen),
) {
    if !matches!(record.origin.source, ControlSource::Modbus | ControlSource::Rest)
        || !record.is_of_farm()
    {
        return;
    }
    // The record names the last tick before it.
    let seen = Seen::plain(record.tick.next(), record.unit);
    if record.refused.is_some() {
        tell(CLIENT_REFUSED, seen);
        return;
    }
    tell(CLIENT_WRITE, seen);
    for part in record.what.split("; ") {
        let (unit, part) = about(part, unit_of);
        if let Some(value) = setpoint_w(part) {
            tell(CLIENT_WRITE_SETPOINT, Seen { unit: unit.or(record.unit), value, ..seen });
        }
    }
}

/// The unit that a part of a batch is about, and the rest of it: `unit 3: active_power_w = 5`.
fn about<'p>(part: &'p str, unit_of: &dyn Fn(u32) -> Option<UnitId>) -> (Option<UnitId>, &'p str) {
    let named = part.strip_prefix("unit ").and_then(|rest| rest.split_once(": "));
    named.map_or((None, part), |(number, rest)| (number.parse().ok().and_then(unit_of), rest))
}

/// The active power in W that is written, NaN for one in percent; `None` for no setpoint.
fn setpoint_w(part: &str) -> Option<f64> {
    let list = part.strip_prefix("farm ").unwrap_or(part);
    let fields = list.split(", ").filter_map(|field| field.split_once(" = "));
    let mut setpoint = None;
    for (name, value) in fields {
        match name {
            "active_power_w" => return Some(value.parse().unwrap_or(f64::NAN)),
            // Zero is zero in any unit.
            "active_power_pct" => {
                let percent: f64 = value.parse().unwrap_or(f64::NAN);
                setpoint = Some(if percent.abs() > 0.0 { f64::NAN } else { percent });
            }
            _ => (),
        }
    }
    setpoint
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::Tick;
    use bess_core::command::{Command, ControlChange, Origin};
    use bess_core::role::Role;
    use bess_core::units::Watts;

    fn told(command: &Command, source: ControlSource, refused: bool) -> Vec<(EventName, Seen)> {
        told_via(command, source, refused, None)
    }
    fn told_via(
        command: &Command,
        source: ControlSource,
        refused: bool,
        via: Option<&str>,
    ) -> Vec<(EventName, Seen)> {
        let record = AuditRecord {
            tick: Tick(41),
            wall_unix_ns: 0,
            origin: Origin { via: via.map(str::to_owned), ..Origin::local(source) },
            unit: command.unit(),
            what: command.describe(),
            needs: Role::default(),
            refused: refused.then(|| "no".to_owned()),
        };
        let mut all = Vec::new();
        named(&record, &UnitId::from_number, |name, seen| all.push((name, seen)));
        all
    }
    fn set(number: u32, change: ControlChange) -> Command {
        Command::ControlUnit { unit: UnitId::from_number(number).expect("not 0"), change }
    }
    fn power(active_w: f64) -> ControlChange {
        ControlChange { active_w: Some(active_w), ..ControlChange::default() }
    }

    #[test]
    fn a_setpoint_of_a_client_is_a_write_and_a_setpoint_with_its_power() {
        let all = told(&set(3, power(1.5e6)), ControlSource::Modbus, false);
        assert_eq!(
            all.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            [CLIENT_WRITE, CLIENT_WRITE_SETPOINT]
        );
        let seen = all[1].1;
        assert_eq!((seen.tick, seen.unit, seen.value), (Tick(42), UnitId::from_number(3), 1.5e6));
    }

    #[test]
    fn a_batch_is_one_write_and_a_setpoint_for_each_unit() {
        let batch = Command::Batch(vec![set(1, power(5.0)), set(2, power(0.0))]);
        let all = told(&batch, ControlSource::Rest, false);
        let units: Vec<_> = all.iter().map(|(_, seen)| seen.unit.map(UnitId::number)).collect();
        assert_eq!(units, [None, Some(1), Some(2)]);
    }

    #[test]
    fn a_write_of_the_farm_and_one_in_percent_are_setpoints_and_a_heartbeat_is_none() {
        let farm = Command::SetFarmPower { active: Watts(2e6), reactive: None };
        assert_eq!(told(&farm, ControlSource::Rest, false)[1].1.value, 2e6);
        let change = ControlChange { active_pct: Some(30.0), ..ControlChange::default() };
        assert!(told(&set(1, change), ControlSource::Modbus, false)[1].1.value.is_nan());
        let beat = ControlChange { controller_heartbeat: Some(7), ..ControlChange::default() };
        assert_eq!(told(&set(1, beat), ControlSource::Modbus, false).len(), 1);
    }

    #[test]
    fn what_is_asked_of_the_clock_or_of_a_run_is_no_write_to_the_farm() {
        let via = |route| told_via(&set(1, power(5.0)), ControlSource::Rest, false, Some(route));
        assert!(via("POST /api/v1/runs/{id}/observations").is_empty());
        assert!(via("PATCH /api/v1/clock").is_empty());
        assert_eq!(via("PUT /api/v1/units/{id}/setpoint").len(), 2);
    }

    #[test]
    fn what_was_refused_is_no_write_and_what_a_scenario_does_is_no_clients() {
        let refused = told(&set(1, power(5.0)), ControlSource::Modbus, true);
        assert_eq!(refused.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [CLIENT_REFUSED]);
        assert!(told(&set(1, power(5.0)), ControlSource::Scenario, false).is_empty());
        assert!(told(&set(1, power(5.0)), ControlSource::Schedule, false).is_empty());
    }
}
