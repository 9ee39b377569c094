//! What the points of the plant's models show: the farm at its POI.
//!
//! A farm setpoint is in force as soon as `WSet` is written, and `WSetEna` 0 gives it back; it is
//! always in watts. Reactive power follows active power: `VarSet` alone takes no unit over.

use super::{MILLI_SF, ONE_SF, PERCENT_SF, Row, TENTH_SF, r, rw};
use crate::map::edit::operate as edit;
use crate::map::plant;
use crate::map::source::Bind;
use bess_core::spec::FarmSpec;

const ACTIVE_RATING: Bind = Bind::Number(|s| s.snapshot.spec.rated_power().0);
const REACTIVE_RATING: Bind = Bind::Number(|s| s.snapshot.spec.rated_reactive_power().0);
const APPARENT_RATING: Bind = Bind::Number(|s| plant::rated_apparent_power_va(&s.snapshot.spec));
const ENERGY_RATING: Bind = Bind::Number(|s| plant::nominal_energy_wh(&s.snapshot.spec));

pub(super) const ACTIVE_SF: Bind = Bind::ScaleForFarm(|spec| spec.rated_power().0);
pub(super) const REACTIVE_SF: Bind = Bind::ScaleForFarm(|spec| spec.rated_reactive_power().0);
pub(super) const APPARENT_SF: Bind = Bind::ScaleForFarm(plant::rated_apparent_power_va);
pub(super) const TOTAL_CURRENT_SF: Bind =
    Bind::ScaleForFarm(|spec| 3.0 * plant::rated_current_a(spec));
pub(super) const VOLTAGE_SF: Bind = Bind::ScaleForFarm(plant::nominal_voltage_v);
const ENERGY_SF: Bind = Bind::ScaleForFarm(|spec: &FarmSpec| plant::nominal_energy_wh(spec));

pub(in crate::map::sunspec) const COMMON: &[Row] = &[
    r("Mn", Bind::Text(|_| "bess")),
    r("Md", Bind::Text(|_| "plant")),
    r("Vr", Bind::Text(|_| env!("CARGO_PKG_VERSION"))),
    r("SN", Bind::Text(|s| &s.snapshot.spec.name)),
];

pub(in crate::map::sunspec) const MEASUREMENT: &[Row] = &[
    r("ACType", Bind::Raw(2)),
    r("St", Bind::Whole(plant::operating_state)),
    r("InvSt", Bind::Whole(plant::inverter_state)),
    r("ConnSt", Bind::Whole(plant::connection_state)),
    r("Alrm", Bind::Whole(plant::der_alarms)),
    r("DERMode", Bind::Raw(1)),
    r("W", Bind::Farm("poi.active_power")),
    r("VA", Bind::Number(plant::apparent_power_va)),
    r("Var", Bind::Farm("poi.reactive_power")),
    r("PF", Bind::Number(plant::power_factor)),
    r("A", Bind::Number(|s| 3.0 * plant::current_a(s))),
    r("LLV", Bind::Number(plant::voltage_v)),
    r("LNV", Bind::Number(|s| plant::voltage_v(s) / 3f64.sqrt())),
    r("Hz", Bind::Farm("poi.frequency")),
    r("TotWhInj", Bind::Farm("poi.discharged_energy")),
    r("TotWhAbs", Bind::Farm("poi.charged_energy")),
    r("TmpAmb", Bind::Farm("ambient.temperature")),
    r("A_SF", TOTAL_CURRENT_SF),
    r("V_SF", VOLTAGE_SF),
    r("Hz_SF", MILLI_SF),
    r("W_SF", ACTIVE_SF),
    r("PF_SF", MILLI_SF),
    r("VA_SF", APPARENT_SF),
    r("Var_SF", REACTIVE_SF),
    r("TotWh_SF", ONE_SF),
    r("Tmp_SF", TENTH_SF),
];

pub(in crate::map::sunspec) const CAPACITY: &[Row] = &[
    r("WMaxRtg", ACTIVE_RATING),
    r("VAMaxRtg", APPARENT_RATING),
    r("VarMaxInjRtg", REACTIVE_RATING),
    r("VarMaxAbsRtg", REACTIVE_RATING),
    r("WChaRteMaxRtg", ACTIVE_RATING),
    r("WDisChaRteMaxRtg", ACTIVE_RATING),
    // Fixed active and reactive power.
    r("CtrlModes", Bind::Raw(0b110)),
    r("WMax", ACTIVE_RATING),
    r("VAMax", APPARENT_RATING),
    r("VarMaxInj", REACTIVE_RATING),
    r("VarMaxAbs", REACTIVE_RATING),
    r("WChaRteMax", ACTIVE_RATING),
    r("WDisChaRteMax", ACTIVE_RATING),
    r("W_SF", ACTIVE_SF),
    r("VA_SF", APPARENT_SF),
    r("Var_SF", REACTIVE_SF),
];

pub(in crate::map::sunspec) const CONTROLS: &[Row] = &[
    rw("WSetEna", Bind::Whole(plant::active_enabled), edit::farm_active_enable),
    r("WSetMod", Bind::Raw(1)),
    rw("WSet", Bind::Farm("setpoint.active_power"), edit::farm_active_w),
    rw("VarSetEna", Bind::Whole(plant::reactive_enabled), edit::farm_reactive_enable),
    r("VarSetMod", Bind::Raw(4)),
    rw("VarSet", Bind::Number(plant::reactive_setpoint_var), edit::farm_reactive_var),
    r("WSet_SF", ONE_SF),
    r("VarSet_SF", ONE_SF),
];

pub(in crate::map::sunspec) const STORAGE: &[Row] = &[
    r("WHRtg", ENERGY_RATING),
    r("WHAvail", Bind::Farm("battery.energy")),
    r("SoC", Bind::Farm("battery.soc")),
    r("SoH", Bind::Farm("battery.soh")),
    r("Sta", Bind::Whole(plant::storage_status)),
    r("WH_SF", ENERGY_SF),
    r("Pct_SF", PERCENT_SF),
];
