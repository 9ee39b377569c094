//! What a curve says, in the units of the registers: percent of the nominal voltage, of the largest active and
//! of the largest reactive power; Hz; seconds.

use super::Shown;
use crate::map::encoding::Value;
use bess_core::command::PowerPriority;
use bess_core::control::{FrequencyDroop, UnitFunctions};

/// A part of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Number of points.
    ActPt,
    /// What the output is a percentage of.
    DeptRef,
    /// Which power gives way.
    Pri,
    /// Percent of the nominal voltage that counts as nominal.
    VRef,
    /// Whether that follows the voltage.
    VRefAutoEna,
    RspTms,
    ReadOnly,
    /// Input and output of the point with this index.
    X(usize),
    Y(usize),
    DbOf,
    DbUf,
    KOf,
    KUf,
    /// Lowest power that a droop leads to, in percent of the largest.
    PMin,
    /// Number of points of momentary cessation, and the voltage and the time of the one with this index.
    CeaseActPt,
    CeaseX(usize),
    CeaseY(usize),
}

impl Part {
    /// The part that the point at `path` is; `point_idx` says which of the points of the curve.
    pub(super) fn of(shown: Shown, path: &str, point_idx: usize) -> Option<Self> {
        let ceases = matches!(shown, Shown::Trip(side) if side.ceases());
        Some(match path {
            "Crv.MomCess.ActPt" if ceases => Self::CeaseActPt,
            "Crv.MomCess.Pt.V" if ceases => Self::CeaseX(point_idx),
            "Crv.MomCess.Pt.Tms" if ceases => Self::CeaseY(point_idx),
            "Crv.ActPt" | "Crv.MustTrip.ActPt" => Self::ActPt,
            "Crv.DeptRef" => Self::DeptRef,
            "Crv.Pri" => Self::Pri,
            "Crv.VRef" => Self::VRef,
            "Crv.VRefAutoEna" => Self::VRefAutoEna,
            "Crv.RspTms" | "Ctl.RspTms" => Self::RspTms,
            "Crv.ReadOnly" | "Ctl.ReadOnly" => Self::ReadOnly,
            "Ctl.DbOf" => Self::DbOf,
            "Ctl.DbUf" => Self::DbUf,
            "Ctl.KOf" => Self::KOf,
            "Ctl.KUf" => Self::KUf,
            "Ctl.PMin" => Self::PMin,
            "Crv.Pt.V" | "Crv.MustTrip.Pt.V" | "Crv.MustTrip.Pt.Hz" => Self::X(point_idx),
            // What volt-watt makes is what watt-var looks at.
            "Crv.Pt.W" if shown == Shown::WattVar => Self::X(point_idx),
            "Crv.Pt.Var" | "Crv.Pt.W" | "Crv.MustTrip.Pt.Tms" => Self::Y(point_idx),
            _ => return None,
        })
    }
}

/// `DeptRef`: percent of the largest active power.
pub(super) const W_MAX_PCT: i64 = 0;
/// `DeptRef`: percent of the largest reactive power; that of a curve in force is always this where the
/// output is reactive power.
pub(super) const VAR_MAX_PCT: i64 = 1;
/// `DeptRef`: percent of the largest apparent power.
pub(super) const VA_MAX_PCT: i64 = 3;
/// A unit follows its nominal voltage.
pub(super) const VREF_PCT: f64 = 100.0;
/// A droop leads to charging with the largest power.
pub(super) const PMIN_PCT: f64 = -100.0;

/// A curve as a function has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'c> {
    shown: Shown,
    points: &'c [(f64, f64)],
    response_s: f64,
    droop: FrequencyDroop,
    /// Voltage in pu below which the unit ceases to give power; 0 for never.
    cessation_below_pu: f64,
    priority: PowerPriority,
    is_in_force: bool,
}

impl<'c> Content<'c> {
    pub(super) fn new(
        shown: Shown,
        settings: &'c UnitFunctions,
        priority: PowerPriority,
        is_in_force: bool,
    ) -> Self {
        let droop = settings.frequency_droop;
        let (points, response_s) = match shown {
            Shown::VoltVar => (&*settings.volt_var.points, settings.volt_var.response_s),
            Shown::VoltWatt => (&*settings.volt_watt.points, settings.volt_watt.response_s),
            Shown::WattVar => (&*settings.watt_var.points, settings.watt_var.response_s),
            Shown::Droop => (&[][..], droop.response_s),
            Shown::Trip(side) => (&*side.of(&settings.trips).points, 0.0),
        };
        let cessation_below_pu = settings.trips.cessation_below_pu;
        Self { shown, points, response_s, droop, cessation_below_pu, priority, is_in_force }
    }

    /// What a register shows.
    pub(super) fn value(&self, part: Part) -> Value<'static> {
        match part {
            Part::ActPt => Value::Raw(self.points.len() as i64),
            Part::CeaseActPt => Value::Raw(i64::from(self.cessation_below_pu > 0.0)),
            Part::DeptRef => Value::Raw(match self.shown {
                Shown::VoltWatt => W_MAX_PCT,
                _ => VAR_MAX_PCT,
            }),
            Part::Pri => Value::Raw(match self.priority {
                PowerPriority::Active => 0,
                PowerPriority::Reactive => 1,
            }),
            Part::VRefAutoEna => Value::Raw(0),
            Part::ReadOnly => Value::Raw(i64::from(self.is_in_force)),
            other => self.number(other).map_or(Value::Missing, Value::Number),
        }
    }

    /// A quantity; `None` for a point that the curve does not have.
    fn number(&self, part: Part) -> Option<f64> {
        match part {
            Part::X(index) => self.points.get(index).map(|(x, _)| x * self.shown.per_xy().0),
            Part::Y(index) => self.points.get(index).map(|(_, y)| y * self.shown.per_xy().1),
            Part::CeaseX(0) if self.cessation_below_pu > 0.0 => {
                Some(self.cessation_below_pu * 100.0)
            }
            Part::CeaseY(0) if self.cessation_below_pu > 0.0 => Some(0.0),
            Part::RspTms => Some(self.response_s),
            Part::VRef => Some(VREF_PCT),
            Part::DbOf => Some(self.droop.over_deadband_hz),
            Part::DbUf => Some(self.droop.under_deadband_hz),
            Part::KOf => Some(self.droop.over_droop),
            Part::KUf => Some(self.droop.under_droop),
            Part::PMin => Some(PMIN_PCT),
            _ => None,
        }
    }
}
