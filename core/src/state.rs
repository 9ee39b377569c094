//! States of a unit, the one table of transitions between them, and what each state is called in
//! SunSpec.
//!
//! Whoever operates a unit, a protection or a timer pulls a [`Trigger`]; [`next`] says where that
//! leads, or that it leads nowhere. REST, metrics and registers read the same [`UnitState`] of one
//! snapshot, by [`StateRow`].

/// State of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UnitState {
    /// Contactors open.
    #[default]
    Off,
    /// Self test: sensors, insulation, contactors.
    Initialising,
    /// The negative contactors close, the DC bus is charged through a resistor, the positive ones close.
    Precharge,
    /// Contactors closed, converter stopped.
    Standby,
    /// The converter waits for the grid to be fit to enter service and synchronises to it.
    Synchronising,
    /// Converter running; 0 W is still running.
    Running,
    /// Running, but the battery or the converter cuts what is asked for.
    Derated,
    /// Running on its own: its controller is lost, and it does what it was told to do then.
    Fallback,
    /// The converter ramps down, then the contactors open.
    Stopping,
    /// Stopped by a protection that clears by itself.
    Tripped,
    /// Tripped too often; needs a reset.
    LockedOut,
    /// Stopped by a critical alarm that stays until it is reset; contactors open.
    Fault,
    /// Taken out for work on it: contactors open, remote writes refused.
    Maintenance,
    /// The emergency stop was pressed; contactors open until it is released and reset.
    EmergencyStop,
}

/// How a state shows in registers, REST and metrics: one row of [`STATES`].
#[derive(Clone, Copy, Debug)]
pub struct StateRow {
    /// Which state.
    pub state: UnitState,
    /// Name in REST, metrics and on the command line.
    pub name: &'static str,
    /// Whether the contactors are commanded closed for good, so that the DC bus is live.
    pub is_connected: bool,
    /// Whether the converter gives power, or could at once.
    pub converts: bool,
    /// SunSpec 701.St: 0 off, 1 on.
    pub der_state: u16,
    /// SunSpec 701.InvSt: 0 off, 1 sleeping, 2 starting, 3 running, 4 throttled, 5 shutting down, 6
    /// fault, 7 standby.
    pub inverter_state: u16,
    /// SunSpec 701.ConnSt: whether the converter is connected to the grid.
    pub grid_connection: u16,
    /// SunSpec 802.State: 1 disconnected, 2 initializing, 3 connected, 4 standby, 5 SoC protection, 6
    /// suspending, 99 fault.
    pub battery_state: u16,
    /// SunSpec 802.ChaSt while no current flows: 1 off, 6 holding. A current makes it 3 discharging or
    /// 4 charging, a battery that is empty or full 2 or 5.
    pub charge_state: u16,
    /// SunSpec 715.OpCtl: what would have to be written to come here; 0 stop, 1 start, 2 standby.
    pub operation: u16,
}

macro_rules! states {
    ($($state:ident $name:literal $connected:literal $converts:literal $st:literal $inv:literal
       $conn:literal $bat:literal $cha:literal $op:literal;)*) => {
        /// Every state in the order of [`UnitState::ALL`].
        pub const STATES: &[StateRow] = &[
            $(StateRow {
                state: UnitState::$state,
                name: $name,
                is_connected: $connected != 0,
                converts: $converts != 0,
                der_state: $st,
                inverter_state: $inv,
                grid_connection: $conn,
                battery_state: $bat,
                charge_state: $cha,
                operation: $op,
            },)*
        ];

        impl UnitState {
            /// Every state; the position is its number in metrics.
            pub const ALL: [Self; STATES.len()] = [$(Self::$state,)*];
        }
    };
}

#[rustfmt::skip]
states! {
    //            name             conn  runs   St InvSt ConnSt 802 ChaSt OpCtl
    Off           "off"               0     0    0     0      0   1     1     0;
    Initialising  "initialising"      0     0    0     2      0   2     1     1;
    Precharge     "precharge"         0     0    0     2      0   2     1     1;
    Standby       "standby"           1     0    1     7      0   4     6     2;
    Synchronising "synchronising"     1     0    1     2      0   3     6     1;
    Running       "running"           1     1    1     3      1   3     6     1;
    Derated       "derated"           1     1    1     4      1   3     6     1;
    Fallback      "fallback"          1     1    1     3      1   3     6     1;
    Stopping      "stopping"          1     1    1     5      1   6     6     0;
    Tripped       "tripped"           0     0    0     6      0  99     1     0;
    LockedOut     "locked_out"        0     0    0     6      0  99     1     0;
    Fault         "fault"             0     0    0     6      0  99     1     0;
    Maintenance   "maintenance"       0     0    0     0      0   1     1     0;
    EmergencyStop "emergency_stop"    0     0    0     6      0  99     1     0;
}

impl UnitState {
    /// Its row in [`STATES`].
    pub fn row(self) -> &'static StateRow {
        &STATES[self as usize]
    }
    /// Its name in REST and metrics.
    pub fn name(self) -> &'static str {
        self.row().name
    }
    /// Whether the converter gives power, or could at once.
    pub fn converts(self) -> bool {
        self.row().converts
    }
    /// Whether the unit takes part in what the plant controller splits: it runs and obeys setpoints.
    pub fn is_dispatchable(self) -> bool {
        matches!(self, Self::Running | Self::Derated)
    }
    /// Whether it comes up: a start is under way.
    pub fn is_starting(self) -> bool {
        matches!(self, Self::Initialising | Self::Precharge | Self::Synchronising)
    }
}

/// What makes a unit change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Trigger {
    /// Somebody wants it to run.
    Start,
    /// Somebody wants it off.
    Stop,
    /// Somebody wants it in standby.
    EnterStandby,
    /// Somebody takes its permit to be in service; it comes back by itself when it has it again.
    PermitWithdrawn,
    /// Somebody resets it, its latched alarms can be, and nothing holds it any more.
    Reset,
    /// The emergency stop is pressed.
    EmergencyStop,
    /// It is taken out for work on it.
    EnterMaintenance,
    /// Work on it is done.
    EndMaintenance,
    /// The self test passed.
    SelfTestPassed,
    /// The bus is charged and the positive contactors are closed.
    Precharged,
    /// The converter runs in step with the grid.
    Synchronised,
    /// The converter stands and the contactors have opened.
    Opened,
    /// What is asked for is cut.
    DeratingBegan,
    /// What is asked for is no longer cut.
    DeratingEnded,
    /// The controller is lost.
    ControlLost,
    /// The controller is back, and its loss was reset where that is needed.
    ControlBack,
    /// A protection stops the unit; it clears by itself.
    Trip,
    /// The causes of the trip are gone for as long as they must be; the contactors stayed closed.
    TripCleared,
    /// The same with open contactors.
    TripClearedOpen,
    /// Too many trips in too short a time.
    LockOut,
    /// A critical alarm.
    Critical,
}

impl Trigger {
    /// Its name in events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::EnterStandby => "enter_standby",
            Self::PermitWithdrawn => "permit_withdrawn",
            Self::Reset => "reset",
            Self::EmergencyStop => "emergency_stop",
            Self::EnterMaintenance => "enter_maintenance",
            Self::EndMaintenance => "end_maintenance",
            Self::SelfTestPassed => "self_test_passed",
            Self::Precharged => "precharged",
            Self::Synchronised => "synchronised",
            Self::Opened => "opened",
            Self::DeratingBegan => "derating_began",
            Self::DeratingEnded => "derating_ended",
            Self::ControlLost => "control_lost",
            Self::ControlBack => "control_back",
            Self::Trip => "trip",
            Self::TripCleared => "trip_cleared",
            Self::TripClearedOpen => "trip_cleared_open",
            Self::LockOut => "lock_out",
            Self::Critical => "critical",
        }
    }
}

/// The transitions: in these states this trigger leads there.
pub const TRANSITIONS: &[(&[UnitState], Trigger, UnitState)] = {
    use Trigger as T;
    use UnitState::{
        Derated, EmergencyStop, Fallback, Fault, Initialising, LockedOut, Maintenance, Off,
        Precharge, Running, Standby, Stopping, Synchronising, Tripped,
    };
    &[
        // The way up.
        (&[Off], T::Start, Initialising),
        (&[Off], T::EnterStandby, Initialising),
        (&[Initialising], T::SelfTestPassed, Precharge),
        (&[Precharge], T::Precharged, Standby),
        (&[Standby], T::Start, Synchronising),
        (&[Synchronising], T::Synchronised, Running),
        // The way down.
        (&[Synchronising, Running, Derated, Fallback], T::EnterStandby, Standby),
        (&[Synchronising, Running, Derated, Fallback], T::PermitWithdrawn, Standby),
        (
            &[Initialising, Precharge, Standby, Synchronising, Running, Derated, Fallback, Tripped],
            T::Stop,
            Stopping,
        ),
        (&[Stopping], T::Opened, Off),
        // What the battery can give.
        (&[Running], T::DeratingBegan, Derated),
        (&[Derated], T::DeratingEnded, Running),
        // Its controller.
        (&[Running, Derated], T::ControlLost, Fallback),
        (&[Fallback], T::ControlBack, Running),
        // Protections.
        (
            &[
                Initialising,
                Precharge,
                Standby,
                Synchronising,
                Running,
                Derated,
                Fallback,
                Stopping,
            ],
            T::Trip,
            Tripped,
        ),
        (&[Tripped], T::TripCleared, Standby),
        (&[Tripped], T::TripClearedOpen, Initialising),
        (&[Tripped], T::LockOut, LockedOut),
        (
            &[
                Off,
                Initialising,
                Precharge,
                Standby,
                Synchronising,
                Running,
                Derated,
                Fallback,
                Stopping,
                Tripped,
                LockedOut,
            ],
            T::Critical,
            Fault,
        ),
        (&[LockedOut, Fault, EmergencyStop], T::Reset, Off),
        // The hand of a person at the container. Work on a unit in fault is what repairs it: a critical
        // alarm that still stands when the work is done brings the fault back. A lock-out would be
        // forgotten, so it is reset first.
        (
            &[
                Off,
                Initialising,
                Precharge,
                Standby,
                Synchronising,
                Running,
                Derated,
                Fallback,
                Stopping,
                Tripped,
                LockedOut,
                Fault,
                Maintenance,
            ],
            T::EmergencyStop,
            EmergencyStop,
        ),
        (
            &[
                Off,
                Initialising,
                Precharge,
                Standby,
                Synchronising,
                Running,
                Derated,
                Fallback,
                Stopping,
                Tripped,
                Fault,
            ],
            T::EnterMaintenance,
            Maintenance,
        ),
        (&[Maintenance], T::EndMaintenance, Off),
    ]
};

/// Where `trigger` leads from `state`; `None` where it leads nowhere.
pub fn next(state: UnitState, trigger: Trigger) -> Option<UnitState> {
    TRANSITIONS
        .iter()
        .find(|(from, on, _)| *on == trigger && from.contains(&state))
        .map(|(_, _, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_in_the_table_is_the_state() {
        for (index, row) in STATES.iter().enumerate() {
            assert_eq!(row.state as usize, index);
        }
    }

    #[test]
    fn every_state_can_be_reached_from_off_and_left_again() {
        let mut reached = vec![UnitState::Off];
        let mut index = 0;
        while let Some(from) = reached.get(index).copied() {
            index += 1;
            for (states, _, to) in TRANSITIONS {
                if states.contains(&from) && !reached.contains(to) {
                    reached.push(*to);
                }
            }
        }
        assert_eq!(reached.len(), UnitState::ALL.len());
        for state in UnitState::ALL {
            assert!(TRANSITIONS.iter().any(|(from, _, _)| from.contains(&state)), "{state:?}");
        }
    }

    #[test]
    fn a_trigger_leads_from_a_state_to_one_state_only() {
        for (index, (from, trigger, to)) in TRANSITIONS.iter().enumerate() {
            for (other_from, other, other_to) in &TRANSITIONS[index + 1..] {
                let both = from.iter().any(|state| other_from.contains(state));
                assert!(!both || trigger != other, "{trigger:?} to {to:?} and {other_to:?}");
            }
        }
    }

    #[test]
    fn only_what_is_connected_to_the_grid_converts() {
        for row in STATES {
            assert_eq!(row.converts, row.grid_connection == 1, "{}", row.name);
            assert!(!row.converts || row.is_connected, "{}", row.name);
        }
    }
}
