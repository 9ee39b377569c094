//! What clients' commands do to a unit: settings, watch, leases, who may write.

use super::Unit;
use crate::persist::leaf;
use crate::watch::{Change, Reversions, Sign};
use bess_core::command::{
    ControlChange, ControlSource, FunctionsChange, Origin, Rejection, Standing,
};
use bess_core::control::{FunctionName, HeartbeatKind, LossAction};
use bess_core::event::{Event, EventKind};
use bess_core::spec::Arbitration;
use bess_core::state::UnitState;
use bess_core::time::{Moment, Tick};
use std::sync::Arc;

/// What a unit does while it has lost its controller, and until a fresh setpoint comes after that.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Fallback {
    pub(crate) action: LossAction,
    /// Active power that it goes to, in W.
    pub(crate) active_w: f64,
    /// The function of [`LossAction::FallbackFunction`].
    pub(crate) function: Option<FunctionName>,
}
leaf!(Fallback);

impl Unit {
    /// What a check of a command must know of it.
    pub(crate) fn standing(&self) -> Standing {
        Standing { state: self.state(), reset_blocked_by: self.protection.blocked_by() }
    }

    /// Whether remote writes are refused: its switch stands at local, or somebody works on it.
    pub(crate) fn is_local(&self) -> bool {
        self.is_local || self.state() == UnitState::Maintenance
    }

    /// Refuses who may not write to it now.
    pub(crate) fn check_master(
        &self,
        now: Tick,
        arbitration: Arbitration,
        origin: &Origin,
    ) -> Result<(), Rejection> {
        let unit = self.id().number();
        if self.is_local() && origin.source != ControlSource::Local {
            return Err(Rejection::Local { unit });
        }
        self.lease.check(now, arbitration, origin, unit)
    }

    /// Whether its power stays at the fallback until somebody gives it a fresh setpoint.
    pub(crate) fn waits_for_setpoint(&self) -> bool {
        self.watchdog.holds_fallback()
    }

    /// Whether its watch counts any request as a sign of life.
    pub(crate) fn counts_requests(&self) -> bool {
        self.control.watchdog.kind == HeartbeatKind::AnyRequest
            && self.control.watchdog.timeout_s > 0.0
    }

    pub(crate) fn note_request(&mut self, now: Tick) {
        self.hear(now, Sign::Request);
    }

    /// Applies a checked change of its settings.
    pub(crate) fn change(
        &mut self,
        now: Tick,
        change: &ControlChange,
        origin: &Origin,
        arbitration: Arbitration,
    ) {
        let before = self.control;
        change.apply(&mut self.control);
        self.lease.take(now, arbitration, origin);
        for function in FunctionName::ALL.map(|(_, function)| function) {
            let on = self.control.functions.has(function);
            if on != before.functions.has(function) {
                self.write_event(now, EventKind::Function { function, on });
            }
        }
        if !change.watchdog.is_empty() {
            self.watchdog.settings_changed(now, &self.control.watchdog);
        }
        if before.enter_service.permitted != self.control.enter_service.permitted {
            self.permit_changed(now, origin.source);
        }
        for which in Reversions::touched_by(change) {
            self.reversions.written(which, now, &self.control);
        }
        if change.sets_power() {
            self.control.source = origin.source;
        }
        let is_setpoint = change.sets_active_power();
        match change.controller_heartbeat {
            Some(value) => self.hear(now, Sign::Heartbeat(value)),
            None if !is_setpoint => self.hear(now, Sign::Write),
            None => {}
        }
        if change.watchdog.timeout_s.is_some() {
            self.hear(now, Sign::Timeout);
        }
        if is_setpoint {
            self.hear(now, Sign::Setpoint);
            self.watchdog.fresh_setpoint();
        }
    }

    /// It may be in service from now on, or not any more: then the converter stops at once.
    fn permit_changed(&mut self, now: Tick, source: ControlSource) {
        if self.is_quarantined() {
            return;
        }
        let settings = &self.control.enter_service;
        if !settings.permitted {
            self.entry.forbid(settings);
        }
        self.machine.permit(settings.permitted, source, now, &mut self.events);
        if !self.machine.gates() {
            self.block();
        }
    }

    /// The plant controls it from now on: the farm's setpoint is a fresh one for it, and what somebody
    /// else's setpoints would revert to does not count any more.
    pub(crate) fn take_over(&mut self) {
        self.control.source = ControlSource::Plant;
        self.reversions.forget_setpoints();
        self.watchdog.fresh_setpoint();
    }

    /// An accepted write that is no change of settings: a sign of life, and the lease goes on.
    pub(crate) fn note_write(&mut self, now: Tick, origin: &Origin, arbitration: Arbitration) {
        self.lease.take(now, arbitration, origin);
        self.hear(now, Sign::Write);
    }

    /// Applies a checked change of its functions' settings after the tick `now`. A trip whose relay is
    /// no more has nobody who would clear it, so it is cleared here.
    pub(crate) fn configure(&mut self, now: Tick, change: &FunctionsChange) {
        change.apply(Arc::make_mut(&mut self.functions));
        if change.trips.is_empty() || self.is_quarantined() {
            return;
        }
        let at = Moment::within(now.next(), 0.0);
        for code in self.relays.set(&self.functions.trips) {
            self.protection.grid_clear(code, at, &mut self.events);
        }
    }

    fn hear(&mut self, now: Tick, sign: Sign) {
        self.watchdog.beat(now, &self.control.watchdog, sign);
    }

    /// The timers of control: the watch and the reversions.
    pub(super) fn watch_controller(&mut self, now: Tick) {
        let settings = self.control.watchdog;
        if let Some(change) = self.watchdog.step(now, &settings) {
            if change == Change::Lost {
                self.lose_controller();
            }
            let state = self.watchdog.view(now, &settings).state;
            self.write_event(now, EventKind::Watchdog { state });
        }
        if !self.watchdog.holds_fallback() {
            self.fallback = None;
        }
        let mut reverted = std::mem::take(&mut self.reverted);
        self.reversions.step(now, &mut self.control, &mut reverted);
        for control in reverted.drain(..) {
            self.write_event(now, EventKind::Reverted { control });
        }
        self.reverted = reverted;
    }

    fn lose_controller(&mut self) {
        let settings = &self.control.watchdog;
        let active_w = match settings.action {
            LossAction::Hold => self.target().p_w,
            LossAction::Value => settings.value_w,
            LossAction::RampToZero
            | LossAction::Standby
            | LossAction::FallbackFunction
            | LossAction::OpenContactors => 0.0,
        };
        let function =
            (settings.action == LossAction::FallbackFunction).then_some(settings.function);
        self.fallback = Some(Fallback { action: settings.action, active_w, function });
    }

    pub(super) fn write_event(&mut self, now: Tick, kind: EventKind) {
        self.events.push(Event { at: Moment::end_of(now), unit: Some(self.id()), kind });
    }

    /// A reset was refused: the alarm in its way counts it.
    pub(crate) fn refuse_reset(&mut self, now: Tick) {
        self.protection.refuse_reset(Moment::end_of(now), &mut self.events);
    }
}
