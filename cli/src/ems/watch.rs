//! What the EMS notices: each thing once when it begins, and again only after it was gone.

use bess_core::id::UnitId;
use bess_core::stage::Observation;
use std::collections::{BTreeMap, BTreeSet};

/// Something that an EMS notices, with its name in observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Notice {
    /// A unit does not answer.
    CommunicationLost,
    /// What is read of a unit stands still.
    StaleData,
    /// A unit says that it has a fault, or has tripped.
    UnitFault,
    /// A battery raises an alarm that stops it.
    SafetyAlarm,
    /// A unit does not do what it was told.
    SetpointDeviation,
    /// The state of charge does not follow the energy that flows.
    SocInconsistent,
    /// A measured value does not move while power flows.
    SensorStuck,
    /// The meter at the POI does not fit what the units say.
    MeterMismatch,
    /// A unit refuses what is written to it.
    WriteRefused,
    /// What the EMS adds to its setpoints makes the power at the POI worse, so it adds nothing any more.
    TrimGivenUp,
}

impl Notice {
    /// Its name in observations.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CommunicationLost => "communication_lost",
            Self::StaleData => "stale_data",
            Self::UnitFault => "unit_fault",
            Self::SafetyAlarm => "safety_alarm_raised",
            Self::SetpointDeviation => "setpoint_deviation",
            Self::SocInconsistent => "soc_inconsistent",
            Self::SensorStuck => "sensor_stuck",
            Self::MeterMismatch => "meter_mismatch",
            Self::WriteRefused => "write_refused",
            Self::TrimGivenUp => "trim_given_up",
        }
    }
}

/// What is so now, and since when.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    since: BTreeMap<(Notice, Option<UnitId>), f64>,
    told: BTreeSet<(Notice, Option<UnitId>)>,
    fresh: Vec<Observation>,
}

impl Watch {
    /// Says whether something is so; once it is so for `patience_s` it is noticed.
    pub(super) fn look(
        &mut self,
        now_s: f64,
        notice: Notice,
        unit: Option<UnitId>,
        is_so: bool,
        patience_s: f64,
        text: impl FnOnce() -> String,
    ) {
        let key = (notice, unit);
        if !is_so {
            self.since.remove(&key);
            self.told.remove(&key);
            return;
        }
        let since_s = *self.since.entry(key).or_insert(now_s);
        if now_s - since_s >= patience_s && self.told.insert(key) {
            self.fresh.push(Observation { what: notice.name().to_owned(), unit, text: text() });
        }
    }

    /// What was noticed since the last call.
    pub(super) fn take(&mut self) -> Vec<Observation> {
        std::mem::take(&mut self.fresh)
    }
}

/// Compares the state of charge with the energy that flowed since some time, both of one unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ChargeBook {
    begun: Option<(f64, f64)>,
    moved_wh: f64,
}

/// Energy that must have flowed, as a share of what the battery holds, before the book says anything.
const BOOK_SHARE: f64 = 0.04;
/// By how much the state of charge may be off then: losses, and the share of the auxiliaries.
const BOOK_TOLERANCE: f64 = 0.02;

impl ChargeBook {
    /// Notes a reading; whether the two agree, where that can be said.
    pub(super) fn note(
        &mut self,
        now_s: f64,
        dt_s: f64,
        power_w: f64,
        soc: f64,
        energy_wh: f64,
    ) -> Option<bool> {
        let (_, soc_then) = *self.begun.get_or_insert((now_s, soc));
        self.moved_wh += power_w * dt_s / 3600.0;
        let moved = self.moved_wh / energy_wh.max(1.0);
        if moved.abs() < BOOK_SHARE {
            // A jump shows at once, also without much flow.
            let jumped = (soc_then - soc - moved).abs() > BOOK_SHARE + BOOK_TOLERANCE;
            return jumped.then_some(false);
        }
        let fits = (soc_then - soc - moved).abs() <= BOOK_TOLERANCE;
        // From here anew: small errors do not add up over days.
        *self = Self { begun: Some((now_s, soc)), moved_wh: 0.0 };
        Some(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_told_once_after_its_patience_and_again_when_it_comes_back() {
        let mut watch = Watch::default();
        let mut told = Vec::new();
        for (second, is_so) in
            [true, true, true, true, false, true, true, true].into_iter().enumerate()
        {
            let now_s = second as f64;
            watch.look(now_s, Notice::StaleData, None, is_so, 2.0, || "stands still".to_owned());
            told.extend(watch.take().into_iter().map(|seen| (second, seen.what)));
        }
        let stale = |second| (second, "stale_data".to_owned());
        assert_eq!(told, [stale(2), stale(7)]);
    }

    #[test]
    fn a_state_of_charge_that_does_not_follow_the_energy_is_found() {
        let run = |soc_per_wh: f64| {
            let (mut book, mut said) = (ChargeBook::default(), Vec::new());
            for second in 0..1000 {
                let soc = 0.7 - f64::from(second) * 1e6 / 3600.0 * soc_per_wh;
                said.extend(book.note(f64::from(second), 1.0, 1e6, soc, 5e6));
            }
            said
        };
        let fine = run(1.03 / 5e6);
        assert!(!fine.is_empty() && fine.iter().all(|fits| *fits), "{fine:?}");
        assert!(run(0.3 / 5e6).contains(&false));
        assert!(run(0.0).contains(&false));
    }
}
