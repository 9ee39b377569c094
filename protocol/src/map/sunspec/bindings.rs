//! What the points of a unit's models show: one row each. A point without a row is "not implemented".
//!
//! Signs: power and current are positive when discharging, in 802 too, whose definition names none.
//! Energies carry the present run only. Scale factors follow from ratings and never change.

use crate::map::edit::{self, Put, Write};
use crate::map::source::{Bind, Sight, unit};
use crate::map::states;
use bess_core::snapshot::RackView;

/// A point and its value.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) point: &'static str,
    pub(crate) read: Bind,
    pub(crate) write: Option<Write>,
}

pub(super) const fn r(point: &'static str, read: Bind) -> Row {
    Row { point, read, write: None }
}

pub(super) const fn rw(point: &'static str, read: Bind, put: Put) -> Row {
    Row { point, read, write: Some(Write::Value(put)) }
}

/// A writable counter.
pub(super) const fn counter(point: &'static str, read: Bind, put: Put) -> Row {
    Row { point, read, write: Some(Write::Counter(put)) }
}

/// A third of a signal: the phases are balanced.
const fn phase(signal: &'static str) -> Bind {
    Bind::Unit(signal, 1.0 / 3.0)
}

/// Percent with two decimals, and volts of a cell in millivolts.
pub(super) const PERCENT_SF: Bind = Bind::Scale(-2);
pub(super) const MILLI_SF: Bind = Bind::Scale(-3);
pub(super) const TENTH_SF: Bind = Bind::Scale(-1);
pub(super) const ONE_SF: Bind = Bind::Scale(0);
const POWER_SF: Bind = Bind::ScaleFor("rating.active_power", 1.0);
const REACTIVE_SF: Bind = Bind::ScaleFor("rating.reactive_power", 1.0);
const APPARENT_SF: Bind = Bind::ScaleFor("rating.apparent_power", 1.0);
const VOLTAGE_SF: Bind = Bind::ScaleFor("rating.voltage", 1.0);
const ENERGY_SF: Bind = Bind::ScaleFor("rating.energy", 1.0);
const DC_VOLTAGE_SF: Bind = Bind::ScaleFor("rating.dc_voltage_max", 1.0);

pub(super) const COMMON: &[Row] = &[
    r("Mn", Bind::Text(manufacturer)),
    r("Md", Bind::Text(model)),
    r("Vr", Bind::Text(|_| env!("CARGO_PKG_VERSION"))),
    r("SN", Bind::Text(name)),
];

pub(super) const MEASUREMENT: &[Row] = &[
    r("ACType", Bind::Raw(2)),
    r("St", Bind::Whole(states::operating_state)),
    r("InvSt", Bind::Whole(states::inverter_state)),
    r("ConnSt", Bind::Whole(states::connection_state)),
    r("Alrm", Bind::Whole(states::der_alarms)),
    r("DERMode", Bind::Raw(1)),
    r("W", unit("ac.active_power")),
    r("VA", unit("ac.apparent_power")),
    r("Var", unit("ac.reactive_power")),
    r("PF", unit("ac.power_factor")),
    // The total is the sum of the phases.
    r("A", Bind::Unit("ac.current", 3.0)),
    r("LLV", unit("ac.voltage")),
    r("LNV", unit("ac.phase_voltage")),
    r("Hz", unit("ac.frequency")),
    r("TotWhInj", unit("ac.discharged_energy")),
    r("TotWhAbs", unit("ac.charged_energy")),
    r("TmpAmb", Bind::Farm("ambient.temperature")),
    r("WL1", phase("ac.active_power")),
    r("VAL1", phase("ac.apparent_power")),
    r("VarL1", phase("ac.reactive_power")),
    r("PFL1", unit("ac.power_factor")),
    r("AL1", unit("ac.current")),
    r("VL1L2", unit("ac.voltage")),
    r("VL1", unit("ac.phase_voltage")),
    r("WL2", phase("ac.active_power")),
    r("VAL2", phase("ac.apparent_power")),
    r("VarL2", phase("ac.reactive_power")),
    r("PFL2", unit("ac.power_factor")),
    r("AL2", unit("ac.current")),
    r("VL2L3", unit("ac.voltage")),
    r("VL2", unit("ac.phase_voltage")),
    r("WL3", phase("ac.active_power")),
    r("VAL3", phase("ac.apparent_power")),
    r("VarL3", phase("ac.reactive_power")),
    r("PFL3", unit("ac.power_factor")),
    r("AL3", unit("ac.current")),
    r("VL3L1", unit("ac.voltage")),
    r("VL3", unit("ac.phase_voltage")),
    r("ThrotPct", Bind::Number(states::throttle_pct)),
    r("ThrotSrc", Bind::Whole(states::throttle_source)),
    r("A_SF", Bind::ScaleFor("rating.current", 3.0)),
    r("V_SF", VOLTAGE_SF),
    r("Hz_SF", MILLI_SF),
    r("W_SF", POWER_SF),
    r("PF_SF", MILLI_SF),
    r("VA_SF", APPARENT_SF),
    r("Var_SF", REACTIVE_SF),
    r("TotWh_SF", ONE_SF),
    r("Tmp_SF", TENTH_SF),
];

/// The settings show the ratings: a unit cannot be rated down by its registers.
pub(super) const CAPACITY: &[Row] = &[
    r("WMaxRtg", unit("rating.active_power")),
    r("VAMaxRtg", unit("rating.apparent_power")),
    r("VarMaxInjRtg", unit("rating.reactive_power")),
    r("VarMaxAbsRtg", unit("rating.reactive_power")),
    r("WChaRteMaxRtg", unit("rating.active_power")),
    r("WDisChaRteMaxRtg", unit("rating.active_power")),
    r("VAChaRteMaxRtg", unit("rating.apparent_power")),
    r("VADisChaRteMaxRtg", unit("rating.apparent_power")),
    r("VNomRtg", unit("rating.voltage")),
    r("AMaxRtg", unit("rating.current")),
    // Limit and fixed active power, and fixed reactive power.
    r("CtrlModes", Bind::Raw(0b111)),
    r("WMax", unit("rating.active_power")),
    r("VAMax", unit("rating.apparent_power")),
    r("VarMaxInj", unit("rating.reactive_power")),
    r("VarMaxAbs", unit("rating.reactive_power")),
    r("WChaRteMax", unit("rating.active_power")),
    r("WDisChaRteMax", unit("rating.active_power")),
    r("VAChaRteMax", unit("rating.apparent_power")),
    r("VADisChaRteMax", unit("rating.apparent_power")),
    r("VNom", unit("rating.voltage")),
    r("AMax", unit("rating.current")),
    r("W_SF", POWER_SF),
    r("PF_SF", MILLI_SF),
    r("VA_SF", APPARENT_SF),
    r("Var_SF", REACTIVE_SF),
    r("V_SF", VOLTAGE_SF),
    r("A_SF", Bind::ScaleFor("rating.current", 1.0)),
];

/// A unit may always enter service; it has no window and no delay.
pub(super) const ENTER_SERVICE: &[Row] = &[r("ES", Bind::Raw(1))];

pub(super) const CONTROLS: &[Row] = &[
    rw("WMaxLimPctEna", Bind::Whole(states::discharge_limit_enabled), edit::discharge_limit_enable),
    rw("WMaxLimPct", unit("control.discharge_limit"), edit::discharge_limit_pct),
    rw("WSetEna", Bind::Whole(states::active_enabled), edit::active_enable),
    rw("WSetMod", Bind::Whole(states::active_mode), edit::active_mode),
    rw("WSet", unit("control.active_w"), edit::active_w),
    rw("WSetPct", unit("control.active_pct"), edit::active_pct),
    rw("VarSetEna", Bind::Whole(states::reactive_enabled), edit::reactive_enable),
    rw("VarSetMod", Bind::Whole(states::reactive_mode), edit::reactive_mode),
    rw("VarSetPri", Bind::Whole(states::priority), edit::priority),
    rw("VarSet", unit("control.reactive_var"), edit::reactive_var),
    rw("VarSetPct", unit("control.reactive_pct"), edit::reactive_pct),
    rw("WRmp", unit("control.ramp"), edit::ramp),
    // The ramp refers to the active power.
    r("WRmpRef", Bind::Raw(1)),
    r("PF_SF", MILLI_SF),
    r("WMaxLimPct_SF", PERCENT_SF),
    r("WSet_SF", ONE_SF),
    r("WSetPct_SF", PERCENT_SF),
    r("VarSet_SF", ONE_SF),
    r("VarSetPct_SF", PERCENT_SF),
];

pub(super) const STORAGE: &[Row] = &[
    r("WHRtg", unit("rating.energy")),
    r("WHAvail", unit("battery.energy")),
    r("SoC", unit("battery.soc")),
    r("SoH", unit("battery.soh")),
    r("Sta", Bind::Whole(states::storage_status)),
    r("WH_SF", ENERGY_SF),
    r("Pct_SF", PERCENT_SF),
];

pub(super) const CONTROL: &[Row] = &[
    r("LocRemCtl", Bind::Raw(0)),
    r("DERHb", Bind::Whole(states::heartbeat)),
    counter("ControllerHb", Bind::Whole(states::controller_heartbeat), edit::heartbeat),
    rw("AlarmReset", Bind::Raw(0), edit::alarm_reset),
    rw("OpCtl", Bind::Whole(states::operation), edit::operation),
];

pub(super) const BATTERY: &[Row] = &[
    r("AHRtg", unit("rating.charge")),
    r("WHRtg", unit("rating.energy")),
    r("WChaRteMax", unit("rating.active_power")),
    r("WDisChaRteMax", unit("rating.active_power")),
    r("SoC", unit("battery.soc")),
    r("DoD", unit("battery.dod")),
    r("SoH", unit("battery.soh")),
    r("NCyc", unit("battery.cycles")),
    r("ChaSt", Bind::Whole(states::charge_status)),
    r("LocRemCtl", Bind::Raw(0)),
    r("Hb", Bind::Whole(states::heartbeat16)),
    counter("CtrlHb", Bind::Whole(states::controller_heartbeat), edit::heartbeat),
    rw("AlmRst", Bind::Raw(0), edit::alarm_reset),
    r("Typ", Bind::Raw(4)),
    r("State", Bind::Whole(states::battery_state)),
    r("Evt1", Bind::Whole(states::events)),
    r("Evt2", Bind::Raw(0)),
    r("EvtVnd1", Bind::Raw(0)),
    r("EvtVnd2", Bind::Raw(0)),
    r("V", unit("dc.voltage")),
    r("VMax", unit("rating.dc_voltage_max")),
    r("VMin", unit("rating.dc_voltage_min")),
    r("CellVMax", unit("cell.voltage_max")),
    r("CellVMaxStr", Bind::Whole(states::voltage_max_string)),
    r("CellVMaxMod", Bind::Whole(states::voltage_max_module)),
    r("CellVMin", unit("cell.voltage_min")),
    r("CellVMinStr", Bind::Whole(states::voltage_min_string)),
    r("CellVMinMod", Bind::Whole(states::voltage_min_module)),
    r("CellVAvg", unit("cell.voltage_mean")),
    r("A", unit("dc.current")),
    r("AChaMax", unit("available.charge_current")),
    r("ADisChaMax", unit("available.discharge_current")),
    r("W", unit("dc.power")),
    r("ReqInvState", Bind::Raw(0)),
    r("ReqW", Bind::Raw(0)),
    rw("SetOp", Bind::Whole(states::contactors), edit::contactors),
    rw("SetInvState", Bind::Whole(states::inverter_told), edit::inverter_told),
    r("AHRtg_SF", Bind::ScaleFor("rating.charge", 1.0)),
    r("WHRtg_SF", ENERGY_SF),
    r("WChaDisChaMax_SF", POWER_SF),
    r("SoC_SF", PERCENT_SF),
    r("DoD_SF", PERCENT_SF),
    r("SoH_SF", PERCENT_SF),
    r("V_SF", DC_VOLTAGE_SF),
    r("CellV_SF", MILLI_SF),
    r("A_SF", Bind::ScaleFor("rating.dc_current", 1.0)),
    r("AMax_SF", Bind::ScaleFor("rating.dc_current", 1.0)),
    r("W_SF", POWER_SF),
];

pub(super) const BANK: &[Row] = &[
    r("NStrCon", unit("battery.racks_connected")),
    r("ModTmpMax", unit("cell.temperature_max")),
    r("ModTmpMaxStr", Bind::Whole(states::temperature_max_string)),
    r("ModTmpMaxMod", Bind::Whole(states::temperature_max_module)),
    r("ModTmpMin", unit("cell.temperature_min")),
    r("ModTmpMinStr", Bind::Whole(states::temperature_min_string)),
    r("ModTmpMinMod", Bind::Whole(states::temperature_min_module)),
    r("ModTmpAvg", unit("cell.temperature_mean")),
    r("StrVMax", Bind::Number(|s| extreme(s, f64::max, |rack| rack.voltage.0))),
    r("StrVMin", Bind::Number(|s| extreme(s, f64::min, |rack| rack.voltage.0))),
    r("StrVAvg", Bind::Number(|s| mean(s, |rack| rack.voltage.0))),
    r("StrAMax", Bind::Number(|s| extreme(s, f64::max, |rack| rack.current.0))),
    r("StrAMin", Bind::Number(|s| extreme(s, f64::min, |rack| rack.current.0))),
    r("StrAAvg", Bind::Number(|s| mean(s, |rack| rack.current.0))),
    r("NCellBal", Bind::Number(cells_balancing)),
    r("CellV_SF", MILLI_SF),
    r("ModTmp_SF", TENTH_SF),
    // One string alone may have to carry the current of the bank.
    r("A_SF", Bind::ScaleFor("rating.dc_current", 1.0)),
    r("SoH_SF", PERCENT_SF),
    r("SoC_SF", PERCENT_SF),
    r("V_SF", DC_VOLTAGE_SF),
];

pub(super) const STRING: &[Row] = &[
    r("StrNMod", Bind::RackWhole(states::string_modules)),
    r("StrSt", Bind::RackWhole(states::string_status)),
    r("StrSoC", Bind::Rack("soc")),
    r("StrSoH", Bind::Rack("soh")),
    r("StrA", Bind::Rack("current")),
    r("StrCellVMax", Bind::Rack("cell.voltage_max")),
    r("StrCellVMaxMod", Bind::RackWhole(states::rack_voltage_max_module)),
    r("StrCellVMin", Bind::Rack("cell.voltage_min")),
    r("StrCellVMinMod", Bind::RackWhole(states::rack_voltage_min_module)),
    r("StrCellVAvg", Bind::Rack("cell.voltage_mean")),
    r("StrModTmpMax", Bind::Rack("cell.temperature_max")),
    r("StrModTmpMaxMod", Bind::RackWhole(states::rack_temperature_max_module)),
    r("StrModTmpMin", Bind::Rack("cell.temperature_min")),
    r("StrModTmpMinMod", Bind::RackWhole(states::rack_temperature_min_module)),
    r("StrModTmpAvg", Bind::Rack("cell.temperature_mean")),
    r("StrConSt", Bind::RackWhole(states::string_contactors)),
    r("StrEvt1", Bind::Raw(0)),
];

fn manufacturer(sight: Sight<'_>) -> &str {
    sight.spec().map_or("", |spec| &spec.design.manufacturer)
}
fn model(sight: Sight<'_>) -> &str {
    sight.spec().map_or("", |spec| &spec.design.model)
}
fn name(sight: Sight<'_>) -> &str {
    sight.spec().map_or("", |spec| &spec.name)
}

fn cells_balancing(sight: Sight<'_>) -> f64 {
    sight.racks().iter().map(|rack| f64::from(rack.cells_balancing)).sum()
}

fn extreme(sight: Sight<'_>, pick: fn(f64, f64) -> f64, get: fn(&RackView) -> f64) -> f64 {
    sight.racks().iter().map(get).fold(f64::NAN, pick)
}

fn mean(sight: Sight<'_>, get: fn(&RackView) -> f64) -> f64 {
    let racks = sight.racks();
    racks.iter().map(get).sum::<f64>() / racks.len() as f64
}
