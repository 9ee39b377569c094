//! A protection that does not protect as it should: off, with the thresholds of another cell, without
//! latches, or with a trip that has no cause.

use super::{FIXED, Protection, fixed, is_of_rack};
use crate::impaired::BmsImpairments;
use crate::persist::{Misfit, same_length};
use crate::protection::condition::Condition;
use crate::protection::envelope::Envelope;
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel};
use bess_core::event::Event;
use bess_core::protection::{ProtectionElement, ProtectionProfile};
use bess_core::time::{Moment, Tick};
use std::sync::Arc;

/// What the rest of a protection must know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Impaired {
    /// Nothing of the battery is looked at.
    pub(super) off: bool,
    /// Nothing latches, and everything is released as soon as it is not violated.
    pub(super) no_latch: bool,
    /// The alarm that stands without cause.
    pub(super) nuisance: Option<AlarmKey>,
}

impl Impaired {
    /// The condition as it is taken.
    pub(super) fn take(&self, code: AlarmCode, condition: Condition) -> Condition {
        if self.off && is_of_battery(code) {
            return Condition { violated: false, released: true, ..condition };
        }
        let released = condition.released || self.no_latch && !condition.violated;
        Condition { released, ..condition }
    }
}

/// Whether it is the battery's protection that raises the alarm: not the converter, the grid's relays, the
/// watch over the controller, the emergency stop, or the detectors of smoke and gas with their own panel.
fn is_of_battery(code: AlarmCode) -> bool {
    is_of_rack(code)
        || matches!(
            code,
            AlarmCode::Insulation
                | AlarmCode::SocHigh
                | AlarmCode::SocLow
                | AlarmCode::CoolingFailed
        )
}

/// `profile` with thresholds and releases of cell temperatures and voltages that are higher by `shift_k`
/// and `shift_v`.
fn shifted(profile: &ProtectionProfile, (shift_k, shift_v): (f64, f64)) -> ProtectionProfile {
    let shift = |element: &ProtectionElement| {
        let by = match element.code {
            AlarmCode::CellOverVoltage | AlarmCode::CellUnderVoltage => shift_v,
            AlarmCode::CellOverTemperature | AlarmCode::CellUnderTemperature => shift_k,
            _ => 0.0,
        };
        ProtectionElement {
            threshold: element.threshold + by,
            release: element.release + by,
            ..*element
        }
    };
    ProtectionProfile { elements: profile.elements.iter().map(shift).collect(), ..profile.clone() }
}

impl Protection {
    /// What is wrong with it from now on; `profile` is the one that it should have.
    pub(crate) fn impair(
        &mut self,
        profile: &Arc<ProtectionProfile>,
        bms: &BmsImpairments,
        at: Moment,
        events: &mut Vec<Event>,
    ) {
        let before = self.become_as(profile, bms);
        let nuisance = self.impaired.nuisance;
        // What stood without cause goes at once; with a cause, it comes again with the next look.
        if let Some(key) = before.nuisance.filter(|key| nuisance != Some(*key))
            && let Ok(place) = self.find(key)
        {
            self.go_to(place, None, at, f64::NAN, events);
        }
        if bms.no_latch {
            self.memories.iter_mut().for_each(|memory| memory.latches = false);
            self.reset(at, events);
        } else if before.no_latch {
            for (state, memory) in self.states.iter().zip(&mut self.memories) {
                let mut elements = self.profile.elements.iter().chain(FIXED);
                let own = elements.find(|e| e.code == state.key.code && e.level == state.key.level);
                memory.latches = own.is_some_and(ProtectionElement::latches);
            }
        }
    }

    /// Takes over what is wrong with it, and nothing else. Returns what was before.
    fn become_as(&mut self, profile: &Arc<ProtectionProfile>, bms: &BmsImpairments) -> Impaired {
        self.profile = if bms.threshold_shift == (0.0, 0.0) {
            Arc::clone(profile)
        } else {
            Arc::new(shifted(profile, bms.threshold_shift))
        };
        self.envelope = Envelope::of(&self.profile, self.rack_max_v);
        let nuisance = bms.nuisance.map(|code| match is_of_rack(code) {
            true => AlarmKey::rack(code, AlarmLevel::Trip, 0),
            false => AlarmKey::unit(code, AlarmLevel::Trip),
        });
        let now = Impaired { off: bms.protection_off, no_latch: bms.no_latch, nuisance };
        std::mem::replace(&mut self.impaired, now)
    }

    /// Makes what is not kept in a checkpoint from what is.
    ///
    /// # Errors
    /// When an alarm is of a rack that is not there, or lacks its memory.
    pub(crate) fn restored(
        &mut self,
        profile: &Arc<ProtectionProfile>,
        bms: &BmsImpairments,
    ) -> Result<(), Misfit> {
        same_length(self.states.len(), self.memories.len())?;
        let n_racks = self.rack_sets.len();
        if let Some(idx) = self.states.iter().filter_map(|state| state.key.rack_idx).max()
            && usize::from(idx) >= n_racks
        {
            return Err(Misfit::here(format!("an alarm is of rack {} of {n_racks}", idx + 1)));
        }
        // It may have been written in another shard, where the unit had another place.
        for state in &mut self.states {
            state.unit = self.unit;
        }
        let _ = self.become_as(profile, bms);
        self.derive();
        Ok(())
    }

    /// The trip without cause, once a tick.
    pub(super) fn trip_without_cause(&mut self, now: Tick, events: &mut Vec<Event>) {
        let Some(key) = self.impaired.nuisance else { return };
        let element = fixed(key.code, AlarmLevel::Trip);
        self.advance(key, &element, &Condition::yes(true, f64::NAN), now, events);
    }
}
