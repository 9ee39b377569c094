//! What protects a unit: relays on the grid's side, its protection, and the state machine that obeys.

use super::{AT_REST, Surroundings, Unit, rules_of};
use crate::grid::{Island, IslandTick};
use crate::machine::{Sight, keeps_contactors};
use crate::protection::{RackSight, UnitSight};
use bess_core::alarm::{AlarmKey, AlarmLevel};
use bess_core::control::{FunctionName, LossAction};
use bess_core::defect::Reading;
use bess_core::event::EventKind;
use bess_core::state::UnitState;
use bess_core::time::{Moment, TICK_S, Tick};
use std::sync::Arc;

impl Unit {
    /// Whether its function of peak shaving is on, or may come on by itself, so that it looks at the POI.
    pub(crate) fn shaves_peaks(&self) -> bool {
        let (on, watch) = (self.control.functions, &self.control.watchdog);
        on.has(FunctionName::PeakShaving)
            || watch.action == LossAction::FallbackFunction
                && watch.function == FunctionName::PeakShaving
    }

    /// Whether the converter is connected to the farm's grid.
    fn is_on_grid(&self) -> bool {
        self.machine.gates() && self.island.is_none()
    }

    /// Relays act at exact instants within the tick; the watch over entering service counts on.
    pub(super) fn watch_grid(&mut self, around: &Surroundings) {
        let on_grid = self.is_on_grid();
        self.relay_trip = None;
        let mut actions = std::mem::take(&mut self.relay_actions);
        self.relays.step(&around.grid, on_grid, &mut actions);
        for action in actions.drain(..) {
            if action.trips {
                // The cause may be gone before the tick ends: the unit has tripped all the same.
                let key = AlarmKey::unit(action.code, AlarmLevel::Trip);
                self.relay_trip.get_or_insert((key, action.at));
                let (value, threshold) = (action.value, action.threshold);
                let events = &mut self.events;
                self.protection.grid_trip(action.code, action.at, value, threshold, events);
            } else {
                self.protection.grid_clear(action.code, action.at, &mut self.events);
            }
        }
        self.relay_actions = actions;
        self.watch_recovery(&around.grid, on_grid);
        self.entry.step(&self.control.enter_service, &around.grid, on_grid);
    }

    /// The protection looks at what BMS and PCS measure at the end of the tick.
    pub(super) fn protect(&mut self, around: &Surroundings) {
        self.watch_gas();
        self.show_faults(around);
        // A BMS that calls a value missing does not tell what it must.
        let silent = self.impairments.bms_is_silent
            || self.faults.aux_supply_off
            || self.battery.misses_any()
            || self.sensor_faults.misses(Reading::Insulation);
        self.bms_silent_ticks = if silent { self.bms_silent_ticks + 1 } else { 0 };
        let mut racks = std::mem::take(&mut self.rack_sights);
        racks.clear();
        racks.extend((0..self.design.n_racks).map(|rack_idx| self.rack_sight(rack_idx)));
        let failures = &self.cooling.failures;
        let (chemistry, limits) = (&self.design.chemistry, self.design.limits());
        let capacity_ah = chemistry.capacity.amp_hours();
        let watch = self.watchdog.view(around.tick, &self.control.watchdog);
        let sight = UnitSight {
            now: around.tick,
            racks: &racks,
            soc: self.measured_charge().soc,
            discharge_max_a: limits.discharge_c_rate_max * capacity_ah,
            charge_max_a: limits.charge_c_rate_max * capacity_ah,
            insulation_kohm: self.insulation_kohm(),
            smoke: self.smokes || self.impairments.smoke_detector,
            gas: self.finds_gas(),
            gas_lfl: self.gas_lfl(),
            bms_silent_s: self.bms_silent_ticks as f64 * TICK_S,
            pcs_degc: self.pcs_degc(around),
            dc_out_of_window: self.dc_out_of_window,
            cooling_failed: failures.are_told(),
            beyond_matched_load: self.beyond_matched_load,
            precharge_failed: self.machine.precharge_failed(),
            synchronisation_failed: self.machine.synchronisation_failed(&rules_of(&self.design)),
            emergency_stop: self.machine.is_pressed(),
            island_overload: self.island_now.overloaded,
            quarantined: false,
            pcs_trip: self.faults.pcs_trip,
            start_failed: self.start_failed(around.tick),
            door_open: self.faults.door_open,
            suppression: self.faults.suppression,
            watch: watch.state,
            watch_age_s: watch.age_s,
        };
        self.protection.step(&sight, &mut self.events);
        self.rack_sights = racks;
    }

    fn rack_sight(&self, rack_idx: usize) -> RackSight {
        let (battery, gear) = (&self.battery, self.battery.gear(rack_idx));
        let measured = battery.bms(rack_idx).reading();
        let at = |at: crate::physics::rack::At| (at.value, at.cell as u16);
        RackSight {
            voltage_min: at(measured.voltage_min),
            voltage_max: at(measured.voltage_max),
            temperature_min: at(measured.temperature_min),
            temperature_max: at(measured.temperature_max),
            current_a: measured.current_a,
            connected: battery.is_closed(rack_idx),
            string_open: battery.racks()[rack_idx].is_open(),
            fuse_blown: !gear.fuse_is_whole(),
            contactor_fault: gear.disobeys(),
            dropped_out: gear.has_dropped(),
        }
    }

    /// What the detectors of gas and smoke see of the cells.
    fn watch_gas(&mut self) {
        let model = &self.battery.model.rack;
        (self.gas, self.smokes) = (false, false);
        let mut given_l = 0.0;
        for rack in self.battery.racks().iter().filter(|rack| rack.is_watched()) {
            let (litres, smokes) = rack.gas(model);
            self.gas |= litres > 0.0;
            self.smokes |= smokes;
            given_l += litres;
        }
        self.impairments.vented_litres += self.impairments.gas_litres_per_s * TICK_S;
        self.gas |= self.impairments.vented_litres > 0.0;
        given_l += self.impairments.vented_litres;
        self.room.step(given_l, self.is_ventilated(), self.faults.door_open);
    }

    /// The end of a tick for states and contactors.
    pub(super) fn run_machine(&mut self, around: &Surroundings) {
        let now = around.tick;
        let at = Moment::end_of(now);
        self.battery.wear_gear(at, &mut self.events);
        let before = self.state();
        let sight = self.machine_sight(around);
        let design = Arc::clone(&self.design);
        self.machine.step(&rules_of(&design), &sight, &mut self.events);
        self.battery.follow(self.machine.order(), at, &mut self.events);
        self.enter_and_leave(before, around);
    }

    /// What begins and ends with a state.
    fn enter_and_leave(&mut self, before: UnitState, around: &Surroundings) {
        let next = around.tick.next();
        if before == UnitState::Synchronising && self.state() == UnitState::Running {
            if self.makes_grid(around) {
                let n_loads = self.island_loads.len();
                self.island = Some(Island::begin(next, around.nominal_hz, n_loads));
                self.write_event(around.tick, EventKind::Island { formed: true });
            } else {
                self.entry.entered(&self.control.enter_service, next);
            }
        }
        // A grid that is fit again takes its loads back, and the unit runs on it from 0 W.
        let grid_is_back = self.entry.is_fit() && around.grid.is_energised_at_end();
        let ends = !self.machine.gates() || self.machine.ramps_down() || grid_is_back;
        if ends && self.island.take().is_some() {
            self.island_now = IslandTick::default();
            self.pcs.block();
            self.write_event(around.tick, EventKind::Island { formed: false });
        }
    }

    /// What the machine sees of alarms, grid, controller and power at the end of a tick: the one place
    /// where they come together.
    fn machine_sight(&self, around: &Surroundings) -> Sight {
        let output = self.pcs.output();
        let rest_w = AT_REST * self.design.pcs.rated_apparent_power.0;
        let makes_grid = self.makes_grid(around);
        let is_lost = self.watchdog.view(around.tick, &self.control.watchdog).state
            == bess_core::control::WatchdogState::Lost;
        Sight {
            now: around.tick,
            trip: self.standing_trip(),
            critical: self
                .protection
                .standing(AlarmLevel::Critical)
                .min_by_key(|(_, since)| *since),
            contactors_obey: self.battery.disobeying().is_none(),
            bus_charged: self.battery.bus_charged(),
            converter_rests: output.p_w.abs().max(output.q_var.abs()) <= rest_w,
            // A converter that is stuck is never fit to get in step.
            grid_fit: (makes_grid || self.entry.is_fit()) && !self.faults.start_stuck,
            enter_service_remaining_s: if makes_grid { 0.0 } else { self.entry.remaining_s() },
            is_cut: self.is_cut,
            control_lost: self.fallback.filter(|_| is_lost).map(|fallback| fallback.action),
        }
    }

    /// Whether it is about to make a grid of its own: a black start is what a dead grid is fit for.
    fn makes_grid(&self, around: &Surroundings) -> bool {
        self.machine.wants_black_start() && !around.grid.is_energised_at_end()
    }

    /// A trip that stands: one that opens the contactors before one that does not, then the earliest.
    fn standing_trip(&self) -> Option<(AlarmKey, Moment)> {
        self.protection
            .standing(AlarmLevel::Trip)
            .chain(self.relay_trip)
            .min_by_key(|(key, since)| (keeps_contactors(key.code), *since))
    }

    /// Time in s until it may enter service.
    pub(super) fn enter_service_remaining_s(&self) -> f64 {
        self.entry.remaining_s()
    }

    /// Share of its rating that the ramp after entering service leaves it at the end of `now`.
    pub(super) fn enter_service_share(&self, now: Tick) -> f64 {
        self.entry.share(now)
    }
}
