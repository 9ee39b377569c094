//! The racks' switchgear under one order: which racks take part, the charge of the bus, fuses.

use super::Battery;
use crate::contactors::{Order, Switchgear};
use bess_core::defect::ContactorFault;
use bess_core::event::{Contactor, Event, EventKind};
use bess_core::id::UnitId;
use bess_core::math;
use bess_core::time::{Moment, TICK_S};

impl Battery {
    /// A battery that was connected before the first tick.
    pub(crate) fn start_connected(&mut self) {
        self.order = Order::CLOSED;
        self.gear.iter_mut().for_each(|gear| *gear = Switchgear::new(true));
        self.update_bus(0.0);
    }
    /// Opens everything at once, as a unit that is taken out.
    pub(crate) fn cut_off(&mut self, at: Moment, events: &mut Vec<Event>) {
        self.order = Order::OPEN;
        self.gear.iter_mut().for_each(|gear| gear.takes_part = false);
        self.tell(at, events);
        self.update_bus(0.0);
    }
    /// The first rack with a contactor that is not where it was told to be.
    pub(crate) fn disobeying(&self) -> Option<usize> {
        self.gear.iter().position(Switchgear::disobeys)
    }
    /// Voltage of the bus over that of the racks that charge it; 0 while none does.
    pub(crate) fn bus_charged(&self) -> f64 {
        self.charging_v().map_or(0.0, |rack_v| self.precharge_v / rack_v)
    }
    /// Mean voltage of the racks that charge the bus.
    fn charging_v(&self) -> Option<f64> {
        let racks = (0..self.racks.len()).filter(|idx| self.gear[*idx].charges_bus());
        let (sum_v, n) = racks.fold((0.0, 0.0), |(sum_v, n), idx| {
            (sum_v + self.racks[idx].reading().voltage_v, n + 1.0)
        });
        (n > 0.0 && sum_v > 0.0).then(|| sum_v / n)
    }
    /// Lets rack `idx` take part, or takes it out.
    pub(crate) fn enable(&mut self, idx: usize, enabled: bool) {
        self.gear[idx].enabled = enabled;
    }
    /// Whether the precharge resistor is open.
    pub(crate) fn set_precharge_open(&mut self, open: bool) {
        self.precharge_open = open;
    }
    /// Gives a contactor a fault, or takes it away.
    pub(crate) fn set_contactor(
        &mut self,
        idx: usize,
        contactor: Contactor,
        fault: ContactorFault,
        at: Moment,
        events: &mut Vec<Event>,
    ) {
        let unit = self.unit;
        let mut heard = |contactor, closed| events.push(moved(unit, idx, contactor, closed, at));
        self.gear[idx].set_fault(contactor, fault, &mut heard);
        self.update_bus(0.0);
    }
    /// Blows the fuse of rack `idx`, or puts a new one in.
    pub(crate) fn set_fuse(
        &mut self,
        idx: usize,
        blown: bool,
        at: Moment,
        events: &mut Vec<Event>,
    ) {
        if blown && self.gear[idx].fuse_is_whole() {
            events.push(fuse_blew(self.unit, idx, at));
        }
        self.gear[idx].set_fuse(blown);
        self.update_bus(0.0);
    }

    /// What the currents of a tick did to the switchgear: the bus charges, fuses warm up.
    pub(crate) fn wear_gear(&mut self, at: Moment, events: &mut Vec<Event>) {
        let spec = &self.design.sequence;
        if self.order.precharge
            && !self.precharge_open
            && let Some(rack_v) = self.charging_v()
        {
            let kept = math::exp(-TICK_S / (spec.precharge_s * self.precharge_factor));
            self.precharge_v = rack_v + kept * (self.precharge_v - rack_v);
        }
        if self.gear.iter().any(Switchgear::is_slow) {
            self.wait_for_slow(at, events);
        }
        let spec = &self.design.sequence;
        if !spec.fuse_a.is_finite() {
            return;
        }
        for (idx, gear) in self.gear.iter_mut().enumerate() {
            if gear.heat_fuse(spec, self.racks[idx].reading().current_a) {
                events.push(fuse_blew(self.unit, idx, at));
            }
        }
    }

    /// Gives the machine's order to the racks that take part.
    pub(crate) fn follow(&mut self, order: Order, at: Moment, events: &mut Vec<Event>) {
        let was = std::mem::replace(&mut self.order, order);
        let changed = if order == Order::CLOSED && was == Order::CLOSED {
            self.let_in_and_out()
        } else if order == Order::NEGATIVE && was == Order::OPEN {
            self.pick();
            true
        } else {
            was != order
        };
        if order == Order::OPEN {
            self.precharge_v = 0.0;
        }
        if changed || self.gear.iter().any(|gear| gear.told() != told(order, gear)) {
            self.tell(at, events);
            self.update_bus(0.0);
        }
    }

    /// Tells every rack the next step towards what it is to do.
    fn tell(&mut self, at: Moment, events: &mut Vec<Event>) {
        let unit = self.unit;
        for (idx, gear) in self.gear.iter_mut().enumerate() {
            let target = told(self.order, gear);
            let mut heard =
                |contactor, closed| events.push(moved(unit, idx, contactor, closed, at));
            gear.tell(target, &mut heard);
        }
    }

    /// Whether rack `idx` could be connected: it is let, its fuse and its string are whole.
    fn is_able(&self, idx: usize) -> bool {
        let gear = &self.gear[idx];
        gear.enabled && gear.fuse_is_whole() && !gear.has_dropped() && !self.racks[idx].is_open()
    }

    /// Picks the racks that come up together: those near the middle one in voltage.
    fn pick(&mut self) {
        // Who was taken out since the last time has no part in this one.
        self.gear.iter_mut().for_each(|gear| gear.takes_part = false);
        let rack_v = |idx: usize| self.racks[idx].reading().voltage_v;
        let mut voltages: Vec<f64> =
            (0..self.racks.len()).filter(|idx| self.is_able(*idx)).map(rack_v).collect();
        voltages.sort_by(f64::total_cmp);
        let Some(middle_v) = voltages.get(voltages.len().saturating_sub(1) / 2).copied() else {
            return;
        };
        let match_v = self.design.sequence.rack_match_v;
        for idx in 0..self.racks.len() {
            let near = (self.racks[idx].reading().voltage_v - middle_v).abs() <= match_v;
            self.gear[idx].takes_part = near && self.is_able(idx);
        }
    }

    /// While the unit is connected: racks that may not take part any more go, and those that wait come
    /// when they match the bus. Whether any changed.
    fn let_in_and_out(&mut self) -> bool {
        let mut changed = false;
        for idx in 0..self.racks.len() {
            let takes_part = self.is_able(idx) && (self.gear[idx].takes_part || self.may_join(idx));
            changed |= takes_part != self.gear[idx].takes_part;
            self.gear[idx].takes_part = takes_part;
        }
        changed
    }

    /// Whether the voltage of rack `idx` is near that of the bus, or of the first rack that joins a dead
    /// one.
    fn may_join(&self, idx: usize) -> bool {
        let first = || (0..self.racks.len()).find(|other| self.gear[*other].takes_part);
        let there_v = match self.bus {
            Some(_) => Some(self.bus_voltage_v()),
            None => first().map(|other| self.racks[other].reading().voltage_v),
        };
        let own_v = self.racks[idx].reading().voltage_v;
        let match_v = self.design.sequence.rack_match_v;
        there_v.is_none_or(|there_v| (own_v - there_v).abs() <= match_v)
    }

    /// Voltage of the bus as it is charged from racks that are not joined yet.
    pub(crate) fn precharge_v(&self) -> f64 {
        self.precharge_v
    }
}

/// What the contactors of `gear` are told next: the order where it takes part, else to open. One that comes
/// or goes alone, while the others are closed, does it by its negative contactor first and last.
fn told(order: Order, gear: &Switchgear) -> Order {
    let target = if gear.takes_part { order } else { Order::OPEN };
    let told = gear.told();
    let alone = order == Order::CLOSED
        && (target == Order::OPEN && told == Order::CLOSED
            || target == Order::CLOSED && told == Order::OPEN);
    if alone { Order::NEGATIVE } else { target }
}

pub(super) fn moved(
    unit: UnitId,
    idx: usize,
    contactor: Contactor,
    closed: bool,
    at: Moment,
) -> Event {
    let kind = EventKind::Contactor { rack_idx: idx as u16, contactor, closed };
    Event { at, unit: Some(unit), kind }
}
fn fuse_blew(unit: UnitId, idx: usize, at: Moment) -> Event {
    Event { at, unit: Some(unit), kind: EventKind::Fuse { rack_idx: idx as u16 } }
}
