//! The state machine of a unit: what it does at which tick, and why.
//!
//! It moves only along [`bess_core::state::TRANSITIONS`], and every move is an event. It runs at the end
//! of a unit's tick, after the protections have looked, so that a step that takes so many seconds takes
//! exactly so many ticks: a command is obeyed between two ticks, and a step of 3 s that begins with it
//! ends with the thirtieth tick after it. What it decides about contactors is done at once, and about
//! the converter with the next tick.

mod sequence;

use crate::contactors::Order;
use crate::persist::{leaf, persist};
use bess_core::alarm::{AlarmCode, AlarmKey};
use bess_core::command::{ControlSource, UnitAction};
use bess_core::control::LossAction;
use bess_core::event::{Cause, Event, EventKind};
use bess_core::id::UnitId;
use bess_core::protection::ProtectionProfile;
use bess_core::spec::SequenceSpec;
use bess_core::state::{Trigger, UnitState, next};
use bess_core::time::{Moment, TICKS_PER_S, Tick};
use std::collections::VecDeque;

/// Ticks for which what is asked for must be cut before the unit says that it is derated, and for which
/// it must not be before it says so no more (engineering choice): a setpoint that a limit passes by does
/// not make the state chatter.
const DERATED_AFTER: u32 = TICKS_PER_S as u32 / 2;
const FREE_AFTER: u32 = TICKS_PER_S as u32;

/// Where the unit is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Goal {
    Off,
    Standby,
    Running,
}
leaf!(Goal);

/// Where it is within a state that has steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Step {
    /// In a state without any.
    None,
    /// Precharge: the negative contactors are closed.
    Negative,
    /// Precharge: the bus charges.
    Charging,
    /// Precharge: the positive contactors have closed too.
    Joined,
    /// Precharge: the bus did not come up; the contactors are open again.
    Failed,
    /// Stopping: the converter goes to zero.
    RampDown,
    /// Stopping: the positive contactors are told to open.
    PositiveOpen,
    /// Stopping: the negative ones are told too.
    AllOpen,
}
leaf!(Step);

/// What the machine sees at the end of a tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// The tick that ends.
    pub(crate) now: Tick,
    /// A trip that stands, and since when: one that opens the contactors before one that does not.
    pub(crate) trip: Option<(AlarmKey, Moment)>,
    /// A critical alarm that stands or waits for its reset, and since when.
    pub(crate) critical: Option<(AlarmKey, Moment)>,
    /// Whether every contactor is where it was told to be.
    pub(crate) contactors_obey: bool,
    /// Voltage of the bus over that of the racks that charge it; 0 while none does.
    pub(crate) bus_charged: f64,
    /// Whether the converter gives next to nothing.
    pub(crate) converter_rests: bool,
    /// Whether voltage and frequency let it enter service.
    pub(crate) grid_fit: bool,
    /// Time in s for which they must go on being so; 0 when it may enter.
    pub(crate) enter_service_remaining_s: f64,
    /// Whether what is asked for is cut.
    pub(crate) is_cut: bool,
    /// What to do without the controller; `None` while it is there.
    pub(crate) control_lost: Option<LossAction>,
}

/// What settings the machine obeys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'d> {
    pub(crate) sequence: &'d SequenceSpec,
    pub(crate) protection: &'d ProtectionProfile,
}

/// State of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    unit: UnitId,
    state: UnitState,
    since: Tick,
    goal: Goal,
    step: Step,
    step_since: Tick,
    order: Order,
    gates: bool,
    /// Whether the emergency stop is pressed.
    pressed: bool,
    /// Whether it may be in service.
    permitted: bool,
    black_start: bool,
    /// Ticks of the newest trips, at most as many as lock the unit out.
    trips: VecDeque<Tick>,
    n_trips: u32,
    /// The alarm of the last trip, for the event of its end.
    tripped_by: Option<AlarmKey>,
    /// Ticks for which no trip has stood.
    clear_ticks: u64,
    /// Ticks of a fit grid without a break, and in all, since synchronisation began.
    fit_ticks: u64,
    fit_ticks_in_all: u64,
    /// Ticks in a row in which what is asked for was cut, or was not.
    cut_ticks: u32,
    free_ticks: u32,
}
persist! {
    Machine {
        state, since, goal, step, step_since, order, gates, pressed, permitted, black_start, trips, n_trips,
        tripped_by, clear_ticks, fit_ticks, fit_ticks_in_all, cut_ticks, free_ticks,
    }
    but { unit }
}

/// Whether the cause of a trip by this alarm is in the grid.
fn is_of_grid(code: AlarmCode) -> bool {
    matches!(
        code,
        AlarmCode::AcOverVoltage
            | AlarmCode::AcUnderVoltage
            | AlarmCode::AcOverFrequency
            | AlarmCode::AcUnderFrequency
            | AlarmCode::SynchronisationFailed
    )
}

/// Whether a trip by this alarm leaves the battery connected: its cause is not in the battery.
pub(crate) fn keeps_contactors(code: AlarmCode) -> bool {
    is_of_grid(code)
        || matches!(
            code,
            AlarmCode::PcsOverTemperature
                | AlarmCode::BmsCommunication
                | AlarmCode::PcsFault
                | AlarmCode::AcOverCurrent
        )
}

impl Machine {
    /// A unit that is in `initial` before the first tick: off, in standby or running; any other state
    /// is taken as off.
    pub(crate) fn new(unit: UnitId, initial: UnitState) -> Self {
        let (state, goal, order) = match initial {
            UnitState::Running => (initial, Goal::Running, Order::CLOSED),
            UnitState::Standby => (initial, Goal::Standby, Order::CLOSED),
            _ => (UnitState::Off, Goal::Off, Order::OPEN),
        };
        Self {
            unit,
            state,
            since: Tick(0),
            goal,
            step: Step::None,
            step_since: Tick(0),
            order,
            gates: state == UnitState::Running,
            pressed: false,
            permitted: true,
            black_start: false,
            trips: VecDeque::new(),
            n_trips: 0,
            tripped_by: None,
            clear_ticks: 0,
            fit_ticks: 0,
            fit_ticks_in_all: 0,
            cut_ticks: 0,
            free_ticks: 0,
        }
    }

    pub(crate) fn state(&self) -> UnitState {
        self.state
    }
    /// The last tick in another state.
    pub(crate) fn since(&self) -> Tick {
        self.since
    }
    /// What the contactors are to do.
    pub(crate) fn order(&self) -> Order {
        self.order
    }
    /// Whether the converter is to work.
    pub(crate) fn gates(&self) -> bool {
        self.gates
    }
    /// Whether the converter is to go to zero whatever is asked for.
    pub(crate) fn ramps_down(&self) -> bool {
        self.state == UnitState::Stopping
    }
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressed
    }
    /// Whether the last start was a black start.
    pub(crate) fn wants_black_start(&self) -> bool {
        self.black_start
    }
    /// Trips since the start of the run.
    pub(crate) fn n_trips(&self) -> u32 {
        self.n_trips
    }
    /// Whether the bus did not come up in time; until the state is left.
    pub(crate) fn precharge_failed(&self) -> bool {
        self.step == Step::Failed
    }
    /// Whether the grid was fit for as long as a synchronisation may take, in bits too short for it;
    /// until the state is left.
    pub(crate) fn synchronisation_failed(&self, rules: &Rules<'_>) -> bool {
        self.state == UnitState::Synchronising
            && self.fit_ticks_in_all >= Tick::count_in(rules.sequence.synchronise_timeout_s)
    }

    /// Operates the unit after the tick `now`; the caller has validated the action.
    pub(crate) fn operate(
        &mut self,
        action: UnitAction,
        source: ControlSource,
        now: Tick,
        events: &mut Vec<Event>,
    ) {
        if !matches!(action, UnitAction::Local | UnitAction::Remote | UnitAction::ResetAlarms) {
            self.black_start = false;
        }
        let (trigger, goal) = match action {
            UnitAction::Start | UnitAction::ExitStandby | UnitAction::BlackStart => {
                self.black_start = action == UnitAction::BlackStart;
                (Trigger::Start, Goal::Running)
            }
            UnitAction::Stop => (Trigger::Stop, Goal::Off),
            UnitAction::EnterStandby => (Trigger::EnterStandby, Goal::Standby),
            UnitAction::EmergencyStop => {
                self.pressed = true;
                (Trigger::EmergencyStop, Goal::Off)
            }
            UnitAction::ReleaseEmergencyStop => {
                self.pressed = false;
                return;
            }
            UnitAction::ResetAlarms if self.pressed => return,
            UnitAction::ResetAlarms => (Trigger::Reset, self.goal),
            UnitAction::EnterMaintenance => (Trigger::EnterMaintenance, Goal::Off),
            UnitAction::EndMaintenance => (Trigger::EndMaintenance, Goal::Off),
            UnitAction::Local | UnitAction::Remote => return,
        };
        self.goal = goal;
        if trigger == Trigger::Start && self.state == UnitState::Standby && !self.permitted {
            // It waits there for its permit.
            return;
        }
        // The end of a tick is the start of the next one, and a command belongs to that.
        let at = Moment::within(now.next(), 0.0);
        self.pull(trigger, Cause::Command(source), at, now, events);
    }

    /// Gives or takes its permit to be in service after the tick `now`. Without it the unit ceases at once
    /// and waits in standby.
    pub(crate) fn permit(
        &mut self,
        permitted: bool,
        source: ControlSource,
        now: Tick,
        events: &mut Vec<Event>,
    ) {
        let at = Moment::within(now.next(), 0.0);
        let was_permitted = std::mem::replace(&mut self.permitted, permitted);
        let ceases = was_permitted && !permitted;
        let cause = Cause::Command(source);
        let ceased = ceases && self.pull(Trigger::PermitWithdrawn, cause, at, now, events);
        if ceased && self.black_start {
            // A dead grid is not energised again by itself.
            (self.black_start, self.goal) = (false, Goal::Standby);
        }
    }

    /// Takes the unit out for good: its numbers are none any more.
    pub(crate) fn quarantine(&mut self, now: Tick, key: AlarmKey, events: &mut Vec<Event>) {
        self.pull(Trigger::Critical, Cause::Alarm(key), Moment::end_of(now), now, events);
        (self.order, self.gates) = (Order::OPEN, false);
    }

    /// The end of the tick `sight.now`.
    pub(crate) fn step(&mut self, rules: &Rules<'_>, sight: &Sight, events: &mut Vec<Event>) {
        if self.obey_alarms(rules, sight, events) {
            return;
        }
        match self.state {
            UnitState::Off
            | UnitState::LockedOut
            | UnitState::Fault
            | UnitState::Maintenance
            | UnitState::EmergencyStop => {}
            UnitState::Initialising => {
                let passed = self.lasts(sight, rules.sequence.self_test_s);
                if passed && sight.contactors_obey {
                    self.done(Trigger::SelfTestPassed, sight, events);
                }
            }
            UnitState::Precharge => self.precharge(rules.sequence, sight, events),
            UnitState::Standby => {
                let wanted = self.goal == Goal::Running && self.permitted;
                if !self.obey_loss(sight, events) && wanted {
                    self.done(Trigger::Start, sight, events);
                }
            }
            UnitState::Synchronising => {
                if !self.obey_loss(sight, events) {
                    self.synchronise(rules.sequence, sight, events);
                }
            }
            UnitState::Running | UnitState::Derated | UnitState::Fallback => {
                if !self.obey_loss(sight, events) {
                    self.watch_limits(sight, events);
                }
            }
            UnitState::Stopping => self.go_down(rules.sequence, sight, events),
            UnitState::Tripped => self.wait_for_clearance(rules, sight, events),
        }
    }

    /// Stops for what protects the unit; whether it did.
    fn obey_alarms(&mut self, rules: &Rules<'_>, sight: &Sight, events: &mut Vec<Event>) -> bool {
        let (now, end) = (sight.now, Moment::end_of(sight.now));
        // What stands since long ago stops the unit now.
        let at = |moment: Moment| moment.clamp(Moment::within(now, 0.0), end);
        if let Some((key, moment)) = sight.critical
            && self.pull(Trigger::Critical, Cause::Alarm(key), at(moment), now, events)
        {
            return true;
        }
        let Some((key, moment)) = sight.trip else { return false };
        // A stop whose converter stands already has nothing left that a trip could stop.
        if self.state == UnitState::Stopping && !self.gates {
            return false;
        }
        let was_closed = self.order == Order::CLOSED;
        let cause = Cause::Alarm(key);
        if !self.pull(Trigger::Trip, cause, at(moment), now, events) {
            return false;
        }
        self.tripped_by = Some(key);
        if self.black_start {
            // Nobody wants a dead grid energised again by itself.
            (self.black_start, self.goal) = (false, Goal::Standby);
        }
        if !was_closed || !keeps_contactors(key.code) {
            self.order = Order::OPEN;
        }
        self.n_trips = self.n_trips.saturating_add(1);
        let most = rules.protection.lockout_trips as usize;
        if most > 0 {
            let window = Tick::count_in(rules.protection.lockout_window_s);
            self.trips.push_back(now);
            self.trips.retain(|trip| now.0 - trip.0 <= window);
            if self.trips.len() >= most {
                self.pull(Trigger::LockOut, cause, at(moment), now, events);
            }
        }
        true
    }

    /// Does what is to be done without the controller; whether that changed the state.
    fn obey_loss(&mut self, sight: &Sight, events: &mut Vec<Event>) -> bool {
        let trigger = match (sight.control_lost, self.state) {
            (None, UnitState::Fallback) => Trigger::ControlBack,
            (None, _) => return false,
            (Some(LossAction::OpenContactors), _) => {
                self.goal = Goal::Off;
                Trigger::Stop
            }
            (Some(LossAction::Standby), _) => {
                self.goal = Goal::Standby;
                Trigger::EnterStandby
            }
            (Some(_), _) => Trigger::ControlLost,
        };
        let at = Moment::end_of(sight.now);
        self.pull(trigger, Cause::Watchdog, at, sight.now, events)
    }

    fn watch_limits(&mut self, sight: &Sight, events: &mut Vec<Event>) {
        if sight.is_cut {
            (self.cut_ticks, self.free_ticks) = (self.cut_ticks.saturating_add(1), 0);
        } else {
            (self.cut_ticks, self.free_ticks) = (0, self.free_ticks.saturating_add(1));
        }
        let trigger = match self.state {
            UnitState::Running if self.cut_ticks >= DERATED_AFTER => Trigger::DeratingBegan,
            UnitState::Derated if self.free_ticks >= FREE_AFTER => Trigger::DeratingEnded,
            _ => return,
        };
        self.pull(trigger, Cause::Limits, Moment::end_of(sight.now), sight.now, events);
    }

    fn wait_for_clearance(&mut self, rules: &Rules<'_>, sight: &Sight, events: &mut Vec<Event>) {
        if let Some((key, _)) = sight.trip {
            self.clear_ticks = 0;
            self.tripped_by = Some(key);
            if !keeps_contactors(key.code) {
                self.order = Order::OPEN;
            }
            return;
        }
        self.clear_ticks += 1;
        let is_open = self.order == Order::OPEN;
        // A grid that is back has a delay of its own, before the unit enters service.
        let by_grid = self.tripped_by.is_some_and(|key| is_of_grid(key.code));
        let delay = if by_grid { 0 } else { Tick::count_in(rules.protection.restart_delay_s) };
        if self.clear_ticks < delay {
            return;
        }
        let trigger = match (self.goal, is_open) {
            (Goal::Off, _) => Trigger::Stop,
            (_, true) => Trigger::TripClearedOpen,
            (_, false) => Trigger::TripCleared,
        };
        let cause = self.tripped_by.map_or(Cause::Sequence, Cause::Alarm);
        self.pull(trigger, cause, Moment::end_of(sight.now), sight.now, events);
    }

    /// A step of a sequence is done.
    fn done(&mut self, trigger: Trigger, sight: &Sight, events: &mut Vec<Event>) {
        let cause = match trigger {
            Trigger::Synchronised if !self.black_start => Cause::Grid,
            _ => Cause::Sequence,
        };
        self.pull(trigger, cause, Moment::end_of(sight.now), sight.now, events);
    }

    /// Goes where `trigger` leads; whether it leads anywhere.
    fn pull(
        &mut self,
        trigger: Trigger,
        cause: Cause,
        at: Moment,
        now: Tick,
        events: &mut Vec<Event>,
    ) -> bool {
        let Some(to) = next(self.state, trigger) else { return false };
        let kind = EventKind::State { from: self.state, to, trigger, cause };
        events.push(Event { at, unit: Some(self.unit), kind });
        (self.state, self.since) = (to, now);
        (self.step, self.step_since) = (Step::None, now);
        match to {
            UnitState::Initialising => (self.order, self.gates) = (Order::OPEN, false),
            UnitState::Precharge => {
                (self.step, self.order) = (Step::Negative, Order::NEGATIVE);
            }
            UnitState::Standby => (self.order, self.gates) = (Order::CLOSED, false),
            UnitState::Synchronising => (self.fit_ticks, self.fit_ticks_in_all) = (0, 0),
            UnitState::Running => {
                (self.cut_ticks, self.free_ticks) = (0, 0);
                self.gates = true;
            }
            UnitState::Derated | UnitState::Fallback => {}
            UnitState::Stopping => self.step = Step::RampDown,
            UnitState::Tripped => (self.gates, self.clear_ticks) = (false, 0),
            UnitState::Off
            | UnitState::LockedOut
            | UnitState::Fault
            | UnitState::Maintenance
            | UnitState::EmergencyStop => {
                (self.order, self.gates, self.goal) = (Order::OPEN, false, Goal::Off);
            }
        }
        if trigger == Trigger::Reset {
            self.trips.clear();
        }
        true
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        let Order { negative, precharge, positive } = self.order;
        sink(&[
            self.state as u8,
            self.goal as u8,
            self.step as u8,
            negative.into(),
            precharge.into(),
            positive.into(),
            self.gates.into(),
            self.pressed.into(),
            self.permitted.into(),
            self.black_start.into(),
        ]);
        for number in [self.since.0, self.step_since.0, self.clear_ticks, self.fit_ticks] {
            sink(&number.to_le_bytes());
        }
        sink(&self.fit_ticks_in_all.to_le_bytes());
        for number in [self.n_trips, self.cut_ticks, self.free_ticks] {
            sink(&number.to_le_bytes());
        }
        self.trips.iter().for_each(|trip| sink(&trip.0.to_le_bytes()));
    }
}

#[cfg(test)]
mod tests;
