//! A stored curve becomes settings of its function, or it does not.

use super::content::{Content, PMIN_PCT, Part, VA_MAX_PCT, VAR_MAX_PCT, VREF_PCT, W_MAX_PCT};
use super::trip::Side;
use super::{Block, Outcome, Shown};
use crate::map::edit::{Edit, Late, Refusal, controls as put};
use crate::map::encoding::Value;
use bess_core::command::PowerPriority;
use bess_core::control::{Capacity, CurveFunction, FrequencyDroop, TripsChange};

/// Shares that differ from a whole by the last digits of a division are whole.
const SHARE_SLACK: f64 = 1e-9;

impl Late for Block {
    fn settle(&self, edit: &mut Edit<'_>) -> Result<bool, Refusal> {
        match edit.staged(self.request) {
            Some(0) => match self.shown.function() {
                Some(function) => put::function(edit, function, 0.0).map(|()| true),
                // Its register does not take 0.
                None => Err(Refusal::Value),
            },
            // The curve in force is in force.
            None | Some(1) => Ok(true),
            Some(number) => Ok(self.adopt(edit, usize::from(number) - 1).is_some()),
        }
    }

    fn told(&self, edit: &mut Edit<'_>, is_done: bool) {
        let outcome = if is_done { Outcome::Completed } else { Outcome::Failed };
        edit.stage(self.result, outcome as u16);
        edit.stage_if_refused(self.result, Outcome::Failed as u16);
    }
}

impl Block {
    /// Puts a stored curve into the edit; `None` where it is none that the function can have.
    fn adopt(&self, edit: &mut Edit<'_>, curve_idx: usize) -> Option<()> {
        let sight = edit.sight();
        let capacity = &sight.view()?.control.capacity;
        let stored =
            Stored { block: self, edit, curve_idx, content: self.content(sight, curve_idx)? };
        let priority = stored.priority()?;
        match self.shown {
            Shown::VoltVar => {
                let curve = stored.curve(capacity)?;
                curve.check_volt_var().ok()?;
                edit.functions().volt_var = Some(curve);
            }
            Shown::VoltWatt => {
                let curve = stored.curve(capacity)?;
                curve.check_volt_watt().ok()?;
                edit.functions().volt_watt = Some(curve);
            }
            Shown::WattVar => {
                // The model has no response time: that of the function stays.
                let response_s = sight.functions()?.watt_var.response_s;
                let curve = CurveFunction { response_s, ..stored.curve(capacity)? };
                curve.check_watt_var().ok()?;
                edit.functions().watt_var = Some(curve);
            }
            Shown::Droop => {
                let droop = stored.droop()?;
                droop.check().ok()?;
                edit.functions().frequency_droop = Some(droop);
            }
            Shown::Trip(side) => {
                let stored = stored.trips(side)?;
                stored.check(sight.snapshot.spec.nominal_frequency.0).ok()?;
                let change = &mut edit.functions().trips;
                // Beside what the same request switches.
                side.in_change(change).points.clone_from(&side.of_change(&stored).points);
                change.cessation_below_pu = stored.cessation_below_pu.or(change.cessation_below_pu);
            }
        }
        if priority.is_some() {
            edit.change_mut().priority = priority;
        }
        Some(())
    }
}

/// A stored curve as a request leaves it.
struct Stored<'a, 's> {
    block: &'a Block,
    edit: &'a Edit<'s>,
    curve_idx: usize,
    /// What it holds where nobody wrote to it.
    content: Content<'s>,
}

impl Stored<'_, '_> {
    /// What a register holds; `None` for "not available", and where there is none such.
    fn number(&self, part: Part) -> Option<f64> {
        let is_it = |slot: &&super::Slot| slot.curve_idx == self.curve_idx && slot.part == part;
        let slot = self.block.slots.iter().find(is_it)?;
        let own = self.content.value(part);
        match slot.staged(&|key| self.edit.staged(key), own) {
            Some((words, n)) => slot.encoding.decode(&words[..n], slot.exponent),
            None => match own {
                Value::Number(number) => Some(number),
                Value::Raw(raw) => Some(raw as f64),
                _ => None,
            },
        }
    }

    /// Whether a register holds `wanted`, or nothing.
    fn is_or_none(&self, part: Part, wanted: f64) -> bool {
        self.number(part).is_none_or(|number| (number - wanted).abs() < SHARE_SLACK)
    }

    /// The priority that the curve asks for: none where it has no such register or nobody wrote to it.
    fn priority(&self) -> Option<Option<PowerPriority>> {
        let slot = self.block.slots.iter();
        let mut own =
            slot.filter(|slot| slot.curve_idx == self.curve_idx && slot.part == Part::Pri);
        let is_written = own.any(|slot| self.edit.staged(slot.address).is_some());
        match self.number(Part::Pri) {
            None => Some(None),
            Some(_) if !is_written => Some(None),
            Some(0.0) => Some(Some(PowerPriority::Active)),
            Some(1.0) => Some(Some(PowerPriority::Reactive)),
            Some(_) => None,
        }
    }

    /// Share of the function's output per percent of what `DeptRef` names: of one that is positive, and of one
    /// that is negative.
    fn shares_per_pct(&self, capacity: &Capacity) -> Option<(f64, f64)> {
        let reference = self.number(Part::DeptRef)? as i64;
        let of_reactive = match (self.block.shown, reference) {
            (Shown::VoltWatt, W_MAX_PCT) => return Some((0.01, 0.01)),
            (Shown::VoltWatt, _) => return None,
            (_, VAR_MAX_PCT) => return Some((0.01, 0.01)),
            (_, W_MAX_PCT) => capacity.active_max_w,
            (_, VA_MAX_PCT) => capacity.apparent_max_va,
            // What is available changes with the active power: no curve says that.
            _ => return None,
        };
        let share =
            |largest_var: f64| (largest_var > 0.0).then(|| of_reactive / largest_var / 100.0);
        let injected = share(capacity.reactive_injected_max_var)?;
        Some((injected, share(capacity.reactive_absorbed_max_var)?))
    }

    /// How many points the curve has: a whole number up to as many as there are registers for.
    fn n_points(&self, part: Part) -> Option<usize> {
        let most = f64::from(self.block.shown.n_points());
        self.number(part).filter(|n| *n <= most).map(|n| n as usize)
    }

    fn curve(&self, capacity: &Capacity) -> Option<CurveFunction> {
        let is_as_units_are =
            self.is_or_none(Part::VRef, VREF_PCT) && self.is_or_none(Part::VRefAutoEna, 0.0);
        let n_points = self.n_points(Part::ActPt)?;
        let (positive, negative) = self.shares_per_pct(capacity)?;
        let whole = |share: f64| {
            let is_whole = (share.abs() - 1.0).abs() < SHARE_SLACK;
            if is_whole { share.round() } else { share }
        };
        let point = |index| {
            let y = self.number(Part::Y(index))?;
            let share = y * if y < 0.0 { negative } else { positive };
            Some((self.number(Part::X(index))? / 100.0, whole(share)))
        };
        let points = (0..n_points).map(point).collect::<Option<Vec<_>>>()?;
        let response_s = self.number(Part::RspTms).unwrap_or_default();
        is_as_units_are.then_some(CurveFunction { points, response_s })
    }

    /// The trips of this side, and the cessation where it has one; unchecked.
    fn trips(&self, side: Side) -> Option<TripsChange> {
        let per_threshold = side.per_threshold();
        let point = |index| {
            Some((self.number(Part::X(index))? / per_threshold, self.number(Part::Y(index))?))
        };
        let mut change = TripsChange::default();
        side.in_change(&mut change).points =
            Some((0..self.n_points(Part::ActPt)?).map(point).collect::<Option<_>>()?);
        if side.ceases() {
            change.cessation_below_pu = Some(match self.n_points(Part::CeaseActPt)? {
                0 => 0.0,
                // A unit ceases at one voltage, at once.
                1 if self.is_or_none(Part::CeaseY(0), 0.0) => {
                    self.number(Part::CeaseX(0))? / per_threshold
                }
                _ => return None,
            });
        }
        Some(change)
    }

    fn droop(&self) -> Option<FrequencyDroop> {
        self.is_or_none(Part::PMin, PMIN_PCT).then_some(())?;
        Some(FrequencyDroop {
            over_deadband_hz: self.number(Part::DbOf)?,
            under_deadband_hz: self.number(Part::DbUf)?,
            over_droop: self.number(Part::KOf)?,
            under_droop: self.number(Part::KUf)?,
            response_s: self.number(Part::RspTms)?,
        })
    }
}
