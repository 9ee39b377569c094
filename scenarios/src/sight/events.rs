//! Events by the names that scenarios use, and what of the farm's own events they are.

use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase};
use bess_core::control::WatchdogState;
use bess_core::event::{Event, EventKind, GridChange};
use bess_core::id::UnitId;
use bess_core::state::UnitState;
use bess_core::time::Tick;

/// An event's name: its place in [`EVENTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventName(pub(crate) u8);

/// What else an event says, by which it can be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Nothing beside its unit.
    Nothing,
    /// `value`: a state of a unit.
    State,
    /// `code` and `level`: an alarm.
    Alarm,
    /// `value` in W, and `nonzero`.
    Power,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct EventRow {
    /// Its name.
    pub name: &'static str,
    /// By what it can be picked.
    pub says: Says,
    /// What happened.
    pub text: &'static str,
}

macro_rules! events {
    ($($constant:ident $name:literal $says:ident $text:literal;)*) => {
        /// Every event.
        pub const EVENTS: &[EventRow] =
            &[$(EventRow { name: $name, says: Says::$says, text: $text },)*];
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Place { $($constant,)* }
        $(pub(crate) const $constant: EventName = EventName(Place::$constant as u8);)*
    };
}

#[rustfmt::skip]
events! {
    UNIT_STATE "unit.state" State "a unit changed its state; `value` is the new one";
    UNIT_TRIP "unit.trip" State "a unit was stopped by a protection: tripped, locked out or in fault";
    ALARM_PENDING "alarm.pending" Alarm "the condition of an alarm began to hold";
    ALARM_ACTIVE "alarm.active" Alarm "an alarm was raised";
    ALARM_LATCHED "alarm.latched" Alarm "the cause of an alarm went away, and it waits for a reset";
    ALARM_GONE "alarm.gone" Alarm "an alarm went away, or was reset";
    ALARM_RESET_REFUSED "alarm.reset_refused" Alarm "a reset was refused because the cause is still there";
    CONTACTOR_CLOSED "contactor.closed" Nothing "a contactor of a rack closed";
    CONTACTOR_OPEN "contactor.open" Nothing "a contactor of a rack opened";
    FUSE_BLOWN "fuse.blown" Nothing "a rack's fuse blew";
    WATCHDOG_DISABLED "watchdog.disabled" Nothing "the watch over the controller was switched off";
    WATCHDOG_ARMED "watchdog.armed" Nothing "the controller is there, or back";
    WATCHDOG_LATE "watchdog.late" Nothing "half of the controller's time is over";
    WATCHDOG_LOST "watchdog.lost" Nothing "the controller counts as lost";
    CONTROL_REVERTED "control.reverted" Nothing "a reversion timer ran out";
    UNIT_LOCAL "unit.local" Nothing "a unit went under local control";
    UNIT_REMOTE "unit.remote" Nothing "a unit came back under remote control";
    ISLAND_FORMED "island.formed" Nothing "a unit began to form an island";
    ISLAND_ENDED "island.ended" Nothing "an island ended";
    LINK_ON "link.on" Nothing "a condition of the links began";
    LINK_OFF "link.off" Nothing "a condition of the links ended";
    GRID_VOLTAGE "grid.voltage" Nothing "the grid's voltage was moved";
    GRID_FREQUENCY "grid.frequency" Nothing "the grid's frequency was moved";
    GRID_OUTAGE "grid.outage" Nothing "the grid went away";
    GRID_RESTORED "grid.restored" Nothing "the grid came back";
    GRID_PHASE_JUMP "grid.phase_jump" Nothing "the grid's phase jumped";
    GRID_BREAKER_OPEN "grid.breaker_open" Nothing "the breaker at the POI opened";
    GRID_BREAKER_CLOSED "grid.breaker_closed" Nothing "the breaker at the POI closed";
    GRID_LOAD_STEP "grid.load_step" Nothing "a load of the grid changed";
    FAULT_ON "fault.on" Nothing "an action of the scenario began";
    FAULT_OFF "fault.off" Nothing "an action of the scenario ended";
    CLIENT_WRITE "client.write" Nothing "a write over Modbus or REST was applied";
    CLIENT_WRITE_SETPOINT "client.write_setpoint" Power "a write of an active setpoint over Modbus or REST was applied; `value` is its power where it was written in W";
    CLIENT_REFUSED "client.refused" Nothing "a write over Modbus or REST was refused";
}

impl EventName {
    /// The event called `name`.
    pub fn find(name: &str) -> Option<Self> {
        let place = EVENTS.iter().position(|row| row.name == name)?;
        u8::try_from(place).ok().map(Self)
    }
    pub(crate) fn row(self) -> &'static EventRow {
        &EVENTS[usize::from(self.0)]
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

/// One event, as far as a check can ask about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// The tick in which it happened.
    pub tick: Tick,
    /// The unit; `None` for the farm.
    pub unit: Option<UnitId>,
    /// Index of the rack in its unit, where it is about one.
    pub rack_idx: Option<u16>,
    /// The alarm, where it is one.
    pub alarm: Option<(AlarmCode, AlarmLevel)>,
    /// The state of a unit as its position in the list of states, or a power in W; NaN for nothing.
    pub value: f64,
}

impl Seen {
    pub(super) fn plain(tick: Tick, unit: Option<UnitId>) -> Self {
        Self { tick, unit, rack_idx: None, alarm: None, value: f64::NAN }
    }
    fn alarm(self, key: AlarmKey, value: f64) -> Self {
        Self { rack_idx: key.rack_idx, alarm: Some((key.code, key.level)), value, ..self }
    }
}

/// What an event of the farm is in a scenario's words: none, one or two of them.
pub(super) fn named(event: &Event) -> [Option<(EventName, Seen)>; 2] {
    let seen = Seen::plain(event.at.tick, event.unit);
    let one = |name: EventName| [Some((name, seen)), None];
    match event.kind {
        EventKind::State { to, .. } => {
            let seen = Seen { value: to as u8 as f64, ..seen };
            let trips = matches!(to, UnitState::Tripped | UnitState::LockedOut | UnitState::Fault);
            [Some((UNIT_STATE, seen)), trips.then_some((UNIT_TRIP, seen))]
        }
        EventKind::Alarm { key, phase, value } => {
            let name = match phase {
                Some(AlarmPhase::Pending) => ALARM_PENDING,
                Some(AlarmPhase::Active) => ALARM_ACTIVE,
                Some(AlarmPhase::Latched) => ALARM_LATCHED,
                None => ALARM_GONE,
            };
            [Some((name, seen.alarm(key, value))), None]
        }
        EventKind::ResetRefused { key } => {
            [Some((ALARM_RESET_REFUSED, seen.alarm(key, f64::NAN))), None]
        }
        EventKind::Contactor { rack_idx, closed, .. } => {
            let name = if closed { CONTACTOR_CLOSED } else { CONTACTOR_OPEN };
            [Some((name, Seen { rack_idx: Some(rack_idx), ..seen })), None]
        }
        EventKind::Fuse { rack_idx } => {
            [Some((FUSE_BLOWN, Seen { rack_idx: Some(rack_idx), ..seen })), None]
        }
        EventKind::Watchdog { state } => one(match state {
            WatchdogState::Disabled => WATCHDOG_DISABLED,
            WatchdogState::Armed => WATCHDOG_ARMED,
            WatchdogState::Late => WATCHDOG_LATE,
            WatchdogState::Lost => WATCHDOG_LOST,
        }),
        EventKind::Reverted { .. } => one(CONTROL_REVERTED),
        EventKind::Local { local } => one(if local { UNIT_LOCAL } else { UNIT_REMOTE }),
        EventKind::Island { formed } => one(if formed { ISLAND_FORMED } else { ISLAND_ENDED }),
        EventKind::Link { on, .. } => one(if on { LINK_ON } else { LINK_OFF }),
        EventKind::Grid { what } => one(match what {
            GridChange::Voltage(_) => GRID_VOLTAGE,
            GridChange::Frequency(_) => GRID_FREQUENCY,
            GridChange::Outage => GRID_OUTAGE,
            GridChange::Restored => GRID_RESTORED,
            GridChange::PhaseJump(_) => GRID_PHASE_JUMP,
            GridChange::LoadStep(_) => GRID_LOAD_STEP,
            GridChange::BreakerOpened => GRID_BREAKER_OPEN,
            GridChange::BreakerClosed => GRID_BREAKER_CLOSED,
        }),
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_found_by_its_name_and_no_two_share_one() {
        for (place, row) in EVENTS.iter().enumerate() {
            assert_eq!(EventName::find(row.name).map(|name| usize::from(name.0)), Some(place));
        }
        assert_eq!(EventName::find("unit.sate"), None);
        assert_eq!(CLIENT_REFUSED.name(), "client.refused");
    }
}
