//! Defects of racks and of the BMSes that a battery passes on.

use super::Battery;
use super::switching::moved;
use crate::impaired::BmsImpairments;
use crate::persist::leaf;
use crate::sensor::{self, SensorFaults};
use bess_core::defect::{Distortion, Reading};
use bess_core::event::Event;
use bess_core::time::Moment;

/// A sensor that shows something else than what is.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct SensorFault {
    pub(super) quantity: Reading,
    /// The rack; `None` for all that have none of their own.
    pub(super) rack_idx: Option<usize>,
    pub(super) distortion: Distortion,
}
leaf!(SensorFault);

impl Battery {
    /// Sets the factor of the time constant of the precharge.
    pub(crate) fn slow_precharge(&mut self, factor: f64) {
        self.precharge_factor = factor;
    }
    /// Lights an arc in the line of rack `idx`, or puts it out.
    pub(crate) fn set_arc(&mut self, idx: usize, power_w: f64) {
        self.racks[idx].set_arc(power_w);
    }
    /// Brings rack `idx` to another state of charge, which its BMS does not know of.
    pub(crate) fn bring_to(&mut self, idx: usize, soc: Option<f64>) {
        if let Some(soc) = soc {
            self.racks[idx].bring_to(&self.model.rack, soc);
            self.update_bus(0.0);
        }
    }
    /// Lets rack `idx` drop out, or come back when it matches the bus.
    pub(crate) fn drop_out(&mut self, idx: usize, open: bool, at: Moment, events: &mut Vec<Event>) {
        let unit = self.unit;
        let mut heard = |contactor, closed| events.push(moved(unit, idx, contactor, closed, at));
        self.gear[idx].drop_out(open, &mut heard);
        self.update_bus(0.0);
    }
    /// What every BMS believes of its state of charge jumps by this.
    pub(crate) fn jump_soc(&mut self, by: f64) {
        for idx in 0..self.racks.len() {
            self.bms[idx].jump_soc(by);
            if self.model.bms.is_ideal() {
                self.broken(idx).soc_bias += by;
            }
        }
        self.forget_sound();
    }
    /// Slow contactors that were told long enough ago move.
    pub(super) fn wait_for_slow(&mut self, at: Moment, events: &mut Vec<Event>) {
        let (unit, before) = (self.unit, events.len());
        for (idx, gear) in self.gear.iter_mut().enumerate() {
            gear.wait_for_slow(&mut |contactor, closed| {
                events.push(moved(unit, idx, contactor, closed, at));
            });
        }
        if events.len() > before {
            self.update_bus(0.0);
        }
    }

    /// Distorts what a sensor of a rack, or of every rack, shows.
    pub(crate) fn distort(
        &mut self,
        quantity: Reading,
        rack_idx: Option<usize>,
        distortion: Distortion,
    ) {
        self.sensor_faults.retain(|fault| fault.quantity != quantity || fault.rack_idx != rack_idx);
        if distortion != Distortion::NONE {
            self.sensor_faults.push(SensorFault { quantity, rack_idx, distortion });
        }
        for idx in 0..self.racks.len() {
            let of = |rack_idx: Option<usize>| {
                self.sensor_faults
                    .iter()
                    .find(|fault| fault.quantity == quantity && fault.rack_idx == rack_idx)
            };
            let own = of(Some(idx)).or(of(None));
            let own = own.map_or(Distortion::NONE, |fault| fault.distortion);
            let key = sensor::key(self.streams, self.unit.idx(), Some(idx), quantity);
            self.broken(idx).set(quantity, own, key);
        }
        self.forget_sound();
    }
    /// Exchanges the sensors of two racks, or puts them back.
    pub(crate) fn swap_sensors(
        &mut self,
        quantity: Reading,
        (a, b): (usize, usize),
        swapped: bool,
    ) {
        self.swaps.retain(|swap| *swap != (quantity, a, b));
        if swapped {
            self.swaps.push((quantity, a, b));
        }
    }
    /// The broken sensors of rack `idx`.
    fn broken(&mut self, idx: usize) -> &mut SensorFaults {
        let known = self.broken.iter().position(|(of, _)| *of == idx);
        let place = known.unwrap_or_else(|| {
            self.broken.push((idx, SensorFaults::default()));
            self.broken.len() - 1
        });
        &mut self.broken[place].1
    }
    fn forget_sound(&mut self) {
        self.broken.retain(|(_, faults)| !faults.is_none());
    }
    /// Whether the value of `quantity` of rack `idx` is missing: what its BMS shows is the last one.
    pub(crate) fn misses(&self, idx: usize, quantity: Reading) -> bool {
        self.broken.iter().any(|(of, faults)| *of == idx && faults.misses(quantity))
    }
    /// Whether a value of any rack is missing.
    pub(crate) fn misses_any(&self) -> bool {
        self.broken.iter().any(|(_, faults)| faults.misses_any())
    }
    /// What is wrong with the BMSes from now on.
    pub(crate) fn impair(&mut self, impaired: BmsImpairments) {
        self.impaired = impaired;
        self.update_bus(0.0);
    }
}
