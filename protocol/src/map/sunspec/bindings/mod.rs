//! What the points of a model show: one row each. A point without a row is "not implemented".
//!
//! Signs: power and current are positive when discharging, in 802 too, whose definition names none.
//! Energies carry the present run only. Scale factors follow from ratings and never change.

pub(super) mod battery;
pub(super) mod der;
pub(super) mod legacy;
pub(super) mod meter;
pub(super) mod plant;

use crate::map::edit::{Put, PutRack, PutSetting, Write};
use crate::map::source::{Bind, Subject};
use bess_core::role::Role;

/// A point and its value.
#[derive(Debug)]
pub(crate) struct Row {
    /// Name of the point, behind those of the groups that it is in: `Crv.Pt.V`.
    pub(crate) point: &'static str,
    pub(crate) read: Bind,
    pub(crate) write: Option<Write>,
    /// Who may write it: settings are for engineers, what operates a unit for operators too.
    pub(crate) role: Role,
}

pub(super) const fn r(point: &'static str, read: Bind) -> Row {
    Row { point, read, write: None, role: Role::Operator }
}

pub(super) const fn rw(point: &'static str, read: Bind, put: Put) -> Row {
    Row { point, read, write: Some(Write::Value(put)), role: Role::Operator }
}

/// A writable setting that is finer than its register.
const fn setting(point: &'static str, read: Bind, put: PutSetting) -> Row {
    Row { point, read, write: Some(Write::Setting(put)), role: Role::Engineer }
}

/// A writable counter.
const fn counter(point: &'static str, read: Bind, put: Put) -> Row {
    Row { point, read, write: Some(Write::Counter(put)), role: Role::Operator }
}

/// What a writable point of a string does.
const fn rack_rw(point: &'static str, read: Bind, put: PutRack) -> Row {
    Row { point, read, write: Some(Write::Rack(put, 0)), role: Role::Operator }
}

impl Row {
    /// A setting: not for who only operates the unit.
    pub(super) const fn setting(mut self) -> Self {
        self.role = Role::Engineer;
        self
    }
}

/// A third of a signal: the phases are balanced.
const fn phase(signal: &'static str) -> Bind {
    Bind::Unit(signal, 1.0 / 3.0)
}

/// Percent with two decimals, and volts of a cell in millivolts.
pub(super) const PERCENT_SF: Bind = Bind::Scale(-2);
pub(super) const MILLI_SF: Bind = Bind::Scale(-3);
const CENTI_SF: Bind = Bind::Scale(-2);
const TENTH_SF: Bind = Bind::Scale(-1);
const ONE_SF: Bind = Bind::Scale(0);
const POWER_SF: Bind = Bind::ScaleFor("rating.active_power", 1.0);
const REACTIVE_SF: Bind = Bind::ScaleFor("rating.reactive_power", 1.0);
const APPARENT_SF: Bind = Bind::ScaleFor("rating.apparent_power", 1.0);
const VOLTAGE_SF: Bind = Bind::ScaleFor("rating.voltage", 1.0);
const CURRENT_SF: Bind = Bind::ScaleFor("rating.current", 1.0);
/// The total of a current is the sum of its phases.
const TOTAL_CURRENT_SF: Bind = Bind::ScaleFor("rating.current", 3.0);
const ENERGY_SF: Bind = Bind::ScaleFor("rating.energy", 1.0);
const CHARGE_SF: Bind = Bind::ScaleFor("rating.charge", 1.0);
const DC_VOLTAGE_SF: Bind = Bind::ScaleFor("rating.dc_voltage_max", 1.0);
const DC_CURRENT_SF: Bind = Bind::ScaleFor("rating.dc_current", 1.0);

/// A scale at which a total of watt-hours of 32 bits takes ten years at the rated power to begin again.
const TOTAL_SF: Bind = Bind::ScaleBy(|subject| {
    const TEN_YEARS_H: f64 = 87_660.0;
    let rated_w = match subject {
        Subject::Unit(design) => design.pcs.rated_power.0,
        Subject::Plant(spec) => spec.rated_power().0,
    };
    let fits = |exponent: &i8| {
        rated_w * TEN_YEARS_H <= f64::from(u32::MAX) * 10f64.powi(i32::from(*exponent))
    };
    (0..=10).find(fits)
});
