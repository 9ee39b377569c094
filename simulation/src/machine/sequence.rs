//! The steps of coming up and going down.

use super::{Machine, Sight, Step};
use crate::contactors::Order;
use bess_core::event::Event;
use bess_core::spec::SequenceSpec;
use bess_core::state::Trigger;
use bess_core::time::Tick;

impl Machine {
    pub(super) fn precharge(
        &mut self,
        spec: &SequenceSpec,
        sight: &Sight,
        events: &mut Vec<Event>,
    ) {
        match self.step {
            Step::Negative if self.lasts(sight, spec.negative_s) => {
                self.go_to(Step::Charging, Order::PRECHARGE, sight.now);
            }
            Step::Charging if sight.bus_charged >= spec.precharge_done => {
                self.go_to(Step::Joined, Order::JOINED, sight.now);
            }
            Step::Charging if self.lasts(sight, spec.precharge_timeout_s) => {
                self.go_to(Step::Failed, Order::OPEN, sight.now);
            }
            Step::Joined if self.lasts(sight, spec.positive_s) => {
                self.done(Trigger::Precharged, sight, events);
            }
            _ => {}
        }
    }

    pub(super) fn synchronise(
        &mut self,
        spec: &SequenceSpec,
        sight: &Sight,
        events: &mut Vec<Event>,
    ) {
        let is_fit = sight.grid_fit && sight.enter_service_remaining_s <= 0.0;
        if !is_fit {
            self.fit_ticks = 0;
            return;
        }
        self.fit_ticks += 1;
        self.fit_ticks_in_all += 1;
        if self.fit_ticks >= Tick::count_in(spec.synchronise_s) {
            self.done(Trigger::Synchronised, sight, events);
        }
    }

    pub(super) fn go_down(&mut self, spec: &SequenceSpec, sight: &Sight, events: &mut Vec<Event>) {
        let out_of_time = sight.now.0 - self.since.0 >= Tick::count_in(spec.stop_timeout_s);
        match self.step {
            Step::RampDown if !self.gates || sight.converter_rests || out_of_time => {
                self.gates = false;
                let order = if self.order == Order::CLOSED { Order::NEGATIVE } else { Order::OPEN };
                let step = if order == Order::OPEN { Step::AllOpen } else { Step::PositiveOpen };
                self.go_to(step, order, sight.now);
            }
            Step::PositiveOpen => self.go_to(Step::AllOpen, Order::OPEN, sight.now),
            // A welded contactor keeps the stop from ending in time.
            Step::AllOpen if sight.contactors_obey || out_of_time => {
                self.done(Trigger::Opened, sight, events);
            }
            _ => {}
        }
    }

    /// Whether the present step has lasted `seconds`.
    pub(super) fn lasts(&self, sight: &Sight, seconds: f64) -> bool {
        sight.now.0 - self.step_since.0 >= Tick::count_in(seconds)
    }
    fn go_to(&mut self, step: Step, order: Order, now: Tick) {
        (self.step, self.step_since, self.order) = (step, now, order);
    }
}
