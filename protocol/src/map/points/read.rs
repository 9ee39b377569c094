//! Where points that are neither signals nor values of the standard maps come from.

use crate::map::encoding::Value;
use crate::map::source::{OwnSource, Sight, Source};
use bess_core::alarm::{AlarmCode, AlarmLevel, AlarmSet};
use bess_core::snapshot::UnitView;
use std::sync::Arc;

fn yes_or_no<'v>(yes: Option<bool>) -> Value<'v> {
    yes.map_or(Value::Missing, |yes| Value::Raw(yes.into()))
}

/// Whether an alarm stands.
#[derive(Debug)]
struct AlarmSource {
    /// Any where absent.
    code: Option<AlarmCode>,
    /// At any level where absent.
    level: Option<AlarmLevel>,
    /// Of the unit where absent.
    rack_idx: Option<usize>,
}

impl AlarmSource {
    fn stands(&self, alarms: AlarmSet) -> bool {
        match (self.code, self.level) {
            (Some(code), Some(level)) => alarms.has_level(code, level),
            (Some(code), None) => alarms.has(code),
            (None, Some(level)) => alarms.iter().any(|(_, of)| of == level),
            (None, None) => !alarms.is_empty(),
        }
    }
}

impl OwnSource for AlarmSource {
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        let alarms = match self.rack_idx {
            Some(rack_idx) => sight.racks().get(rack_idx).map(|rack| rack.alarms),
            None => sight.view().map(|view| view.alarms),
        };
        yes_or_no(alarms.map(|alarms| self.stands(alarms)))
    }
}

pub(super) fn alarm(code: AlarmCode, level: Option<AlarmLevel>) -> Source {
    Source::Own(Arc::new(AlarmSource { code: Some(code), level, rack_idx: None }))
}

pub(super) fn any_alarm(level: Option<AlarmLevel>) -> Source {
    Source::Own(Arc::new(AlarmSource { code: None, level, rack_idx: None }))
}

pub(super) fn rack_alarm(rack_idx: usize, code: AlarmCode) -> Source {
    let source = AlarmSource { code: Some(code), level: None, rack_idx: Some(rack_idx) };
    Source::Own(Arc::new(source))
}

/// A cell, from the snapshots that carry it.
#[derive(Debug)]
struct CellSource {
    rack_idx: usize,
    cell_idx: usize,
    is_temperature: bool,
}

impl OwnSource for CellSource {
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        let Some(cells) = sight.cells() else { return Value::Missing };
        if self.cell_idx >= cells.cells_per_rack {
            return Value::Missing;
        }
        let at = self.rack_idx * cells.cells_per_rack + self.cell_idx;
        let column = if self.is_temperature { &cells.temperature_degc } else { &cells.voltage_v };
        column.get(at).map_or(Value::Missing, |value| Value::Number(f64::from(*value)))
    }
}

pub(super) fn cell((rack_idx, cell_idx): (usize, usize), is_temperature: bool) -> Source {
    Source::Own(Arc::new(CellSource { rack_idx, cell_idx, is_temperature }))
}

/// Whether a point has a value.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) source: Source,
    pub(crate) wanted: i64,
}

impl OwnSource for Test {
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        yes_or_no(whole(self.source.value(sight)).map(|value| value == self.wanted))
    }
}

/// The opposite of a yes or no.
#[derive(Debug)]
pub(crate) struct Not {
    pub(crate) source: Source,
}

impl OwnSource for Not {
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        yes_or_no(whole(self.source.value(sight)).map(|value| value == 0))
    }
}

fn whole(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Raw(raw) => Some(raw),
        Value::Number(number) if !number.is_nan() => Some(number as i64),
        _ => None,
    }
}

/// Date and time of an instant, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

impl Calendar {
    /// The Gregorian date of so many milliseconds since 1970: years are counted from March on, so that
    /// the day that leap years have more is the last one.
    pub(super) fn of_unix_ms(unix_ms: i64) -> Self {
        let seconds = unix_ms.div_euclid(1_000);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // 0000-03-01 is 719,468 days before 1970; 400 years have 146,097.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let of_era_years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * of_era_years + of_era_years / 4 - of_era_years / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: of_era_years + era * 400 + i64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: of_day / 3_600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        }
    }

    /// That of the sample.
    pub(super) fn of(sight: Sight<'_>) -> Self {
        Self::of_unix_ms(sight.time.unix_ms())
    }
}

/// Whether the battery is charged or discharged: 0 neither, 1, 2.
pub(super) fn direction(sight: Sight<'_>) -> i64 {
    match crate::map::states::charge_status(sight) {
        4 => 1,
        3 => 2,
        _ => 0,
    }
}

/// Reads a yes or no of the unit.
pub(super) fn flag(sight: Sight<'_>, get: fn(&UnitView) -> bool) -> i64 {
    sight.view().map_or(0, |view| get(view).into())
}

/// Reads a quantity of the unit that depends on its largest active power in W, as set.
pub(super) fn of_largest(sight: Sight<'_>, get: fn(&UnitView, f64) -> f64) -> f64 {
    sight.view().map_or(f64::NAN, |view| get(view, view.control.capacity.active_max_w))
}
