//! What the points of a unit's models show: one row each. A point without a row is "not implemented".
//!
//! Signs: power and current are positive when discharging, in 802 too, whose definition names none.
//! Energies carry the present run only. Scale factors follow from ratings and never change.

use crate::map::edit::controls::{self as put, Factor};
use crate::map::edit::{Put, PutRack, Write, operate};
use crate::map::source::{Bind, Sight, unit};
use crate::map::{controls, racks, states};
use bess_core::control::FunctionName;
use bess_core::event::Reverted;
use bess_core::role::Role;
use bess_core::snapshot::RackView;
use bess_core::spec::{EnterService, GridQuantity};

/// A point and its value.
#[derive(Debug)]
pub(crate) struct Row {
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

/// A writable counter.
pub(super) const fn counter(point: &'static str, read: Bind, put: Put) -> Row {
    Row { point, read, write: Some(Write::Counter(put)), role: Role::Operator }
}

/// What a writable point of a string does.
const fn rack_rw(point: &'static str, read: Bind, put: PutRack) -> Row {
    Row { point, read, write: Some(Write::Rack(put, 0)), role: Role::Operator }
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
    r("DERMode", Bind::Whole(states::der_mode)),
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
    r("MnAlrmInfo", Bind::Text(states::gravest_alarm_name)),
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
    r("CtrlModes", Bind::Whole(control_modes)),
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

/// When a unit may enter service follows from its grid code: nothing of it is writable.
pub(super) const ENTER_SERVICE: &[Row] = &[
    r("ES", Bind::Whole(states::may_enter_service)),
    r("ESVHi", Bind::Number(|s| enter_service(s, |code| code.voltage_max_pu * 100.0))),
    r("ESVLo", Bind::Number(|s| enter_service(s, |code| code.voltage_min_pu * 100.0))),
    r("ESHzHi", Bind::Number(|s| enter_service(s, |code| code.frequency_max_hz))),
    r("ESHzLo", Bind::Number(|s| enter_service(s, |code| code.frequency_min_hz))),
    r("ESDlyTms", Bind::Number(|s| enter_service(s, |code| code.delay_s))),
    // The delay has no random part.
    r("ESRndTms", Bind::Raw(0)),
    r("ESRmpTms", Bind::Number(|s| enter_service(s, |code| code.ramp_s))),
    r("ESDlyRemTms", Bind::Number(states::enter_service_seconds_left)),
    r("V_SF", PERCENT_SF),
    r("Hz_SF", MILLI_SF),
];

/// Setpoints, each with what it reverts to and when. Anti-islanding is not a thing to switch here, and
/// reactive power has no ramp of its own.
#[rustfmt::skip]
pub(super) const CONTROLS: &[Row] = &[
    rw("PFWInjEna", Bind::Whole(|s| controls::factor_enabled(s, |c| c.pf_injecting)), |e, v| put::factor_enable(e, Factor::Injecting, v)),
    rw("PFWInjEnaRvrt", Bind::Whole(|s| controls::reversion_enabled(s, Reverted::PowerFactorInjecting)), |e, v| put::reversion_enable(e, Reverted::PowerFactorInjecting, v)),
    rw("PFWInjRvrtTms", Bind::Number(|s| controls::reversion_time_s(s, Reverted::PowerFactorInjecting)), |e, v| put::reversion_time(e, Reverted::PowerFactorInjecting, v)),
    r("PFWInjRvrtRem", Bind::Number(|s| controls::reversion_seconds_left(s, Reverted::PowerFactorInjecting))),
    rw("PFWAbsEna", Bind::Whole(|s| controls::factor_enabled(s, |c| c.pf_absorbing)), |e, v| put::factor_enable(e, Factor::Absorbing, v)),
    rw("PFWAbsEnaRvrt", Bind::Whole(|s| controls::reversion_enabled(s, Reverted::PowerFactorAbsorbing)), |e, v| put::reversion_enable(e, Reverted::PowerFactorAbsorbing, v)),
    rw("PFWAbsRvrtTms", Bind::Number(|s| controls::reversion_time_s(s, Reverted::PowerFactorAbsorbing)), |e, v| put::reversion_time(e, Reverted::PowerFactorAbsorbing, v)),
    r("PFWAbsRvrtRem", Bind::Number(|s| controls::reversion_seconds_left(s, Reverted::PowerFactorAbsorbing))),
    rw("WMaxLimPctEna", Bind::Whole(controls::discharge_limit_enabled), put::discharge_limit_enable),
    rw("WMaxLimPct", unit("control.discharge_limit"), put::discharge_limit_pct),
    rw("WMaxLimPctRvrt", Bind::Number(|s| controls::reversion_percent(s, Reverted::DischargeLimit)), |e, v| put::reversion_percent(e, Reverted::DischargeLimit, v)),
    rw("WMaxLimPctEnaRvrt", Bind::Whole(|s| controls::reversion_enabled(s, Reverted::DischargeLimit)), |e, v| put::reversion_enable(e, Reverted::DischargeLimit, v)),
    rw("WMaxLimPctRvrtTms", Bind::Number(|s| controls::reversion_time_s(s, Reverted::DischargeLimit)), |e, v| put::reversion_time(e, Reverted::DischargeLimit, v)),
    r("WMaxLimPctRvrtRem", Bind::Number(|s| controls::reversion_seconds_left(s, Reverted::DischargeLimit))),
    rw("WSetEna", Bind::Whole(controls::active_enabled), put::active_enable),
    rw("WSetMod", Bind::Whole(controls::active_mode), put::active_mode),
    rw("WSet", unit("control.active_w"), put::active_w),
    rw("WSetRvrt", Bind::Number(|s| controls::reversion_absolute(s, Reverted::ActivePower)), |e, v| put::reversion_absolute(e, Reverted::ActivePower, v)),
    rw("WSetPct", unit("control.active_pct"), put::active_pct),
    rw("WSetPctRvrt", Bind::Number(|s| controls::reversion_percent(s, Reverted::ActivePower)), |e, v| put::reversion_percent(e, Reverted::ActivePower, v)),
    rw("WSetEnaRvrt", Bind::Whole(|s| controls::reversion_enabled(s, Reverted::ActivePower)), |e, v| put::reversion_enable(e, Reverted::ActivePower, v)),
    rw("WSetRvrtTms", Bind::Number(|s| controls::reversion_time_s(s, Reverted::ActivePower)), |e, v| put::reversion_time(e, Reverted::ActivePower, v)),
    r("WSetRvrtRem", Bind::Number(|s| controls::reversion_seconds_left(s, Reverted::ActivePower))),
    rw("VarSetEna", Bind::Whole(controls::reactive_enabled), put::reactive_enable),
    rw("VarSetMod", Bind::Whole(controls::reactive_mode), put::reactive_mode),
    rw("VarSetPri", Bind::Whole(controls::priority), put::priority),
    rw("VarSet", unit("control.reactive_var"), put::reactive_var),
    rw("VarSetRvrt", Bind::Number(|s| controls::reversion_absolute(s, Reverted::ReactivePower)), |e, v| put::reversion_absolute(e, Reverted::ReactivePower, v)),
    rw("VarSetPct", unit("control.reactive_pct"), put::reactive_pct),
    rw("VarSetPctRvrt", Bind::Number(|s| controls::reversion_percent(s, Reverted::ReactivePower)), |e, v| put::reversion_percent(e, Reverted::ReactivePower, v)),
    rw("VarSetEnaRvrt", Bind::Whole(|s| controls::reversion_enabled(s, Reverted::ReactivePower)), |e, v| put::reversion_enable(e, Reverted::ReactivePower, v)),
    rw("VarSetRvrtTms", Bind::Number(|s| controls::reversion_time_s(s, Reverted::ReactivePower)), |e, v| put::reversion_time(e, Reverted::ReactivePower, v)),
    r("VarSetRvrtRem", Bind::Number(|s| controls::reversion_seconds_left(s, Reverted::ReactivePower))),
    rw("WRmp", unit("control.ramp"), put::ramp),
    // The ramp refers to the active power.
    r("WRmpRef", Bind::Raw(1)),
    r("PF_SF", MILLI_SF),
    r("WMaxLimPct_SF", PERCENT_SF),
    r("WSet_SF", ONE_SF),
    r("WSetPct_SF", PERCENT_SF),
    r("VarSet_SF", ONE_SF),
    r("VarSetPct_SF", PERCENT_SF),
    rw("PFWInj.PF", Bind::Number(|s| controls::factor(s, |c| c.pf_injecting)), |e, v| put::factor(e, Factor::Injecting, v)),
    rw("PFWInj.Ext", Bind::Whole(|s| controls::excitation(s, |c| c.pf_injecting)), |e, v| put::excitation(e, Factor::Injecting, v)),
    rw("PFWInjRvrt.PF", Bind::Number(|s| controls::reversion_factor(s, Reverted::PowerFactorInjecting)), |e, v| put::reversion_factor(e, Reverted::PowerFactorInjecting, v)),
    rw("PFWInjRvrt.Ext", Bind::Whole(|s| controls::reversion_excitation(s, Reverted::PowerFactorInjecting)), |e, v| put::reversion_excitation(e, Reverted::PowerFactorInjecting, v)),
    rw("PFWAbs.PF", Bind::Number(|s| controls::factor(s, |c| c.pf_absorbing)), |e, v| put::factor(e, Factor::Absorbing, v)),
    rw("PFWAbs.Ext", Bind::Whole(|s| controls::excitation(s, |c| c.pf_absorbing)), |e, v| put::excitation(e, Factor::Absorbing, v)),
    rw("PFWAbsRvrt.PF", Bind::Number(|s| controls::reversion_factor(s, Reverted::PowerFactorAbsorbing)), |e, v| put::reversion_factor(e, Reverted::PowerFactorAbsorbing, v)),
    rw("PFWAbsRvrt.Ext", Bind::Whole(|s| controls::reversion_excitation(s, Reverted::PowerFactorAbsorbing)), |e, v| put::reversion_excitation(e, Reverted::PowerFactorAbsorbing, v)),
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
    r("LocRemCtl", Bind::Whole(states::is_local)),
    r("DERHb", Bind::Whole(states::heartbeat)),
    counter("ControllerHb", Bind::Whole(controls::controller_heartbeat), put::heartbeat),
    rw("AlarmReset", Bind::Raw(0), operate::alarm_reset),
    rw("OpCtl", Bind::Whole(states::operation), operate::operation),
];

pub(super) const BATTERY: &[Row] = &[
    r("AHRtg", unit("rating.charge")),
    r("WHRtg", unit("rating.energy")),
    r("WChaRteMax", unit("rating.active_power")),
    r("WDisChaRteMax", unit("rating.active_power")),
    r("SoCMax", Bind::Number(|s| states::number_of_unit(s, |view| view.control.soc_max * 100.0))),
    r("SoCMin", Bind::Number(|s| states::number_of_unit(s, |view| view.control.soc_min * 100.0))),
    r("SoC", unit("battery.soc")),
    r("DoD", unit("battery.dod")),
    r("SoH", unit("battery.soh")),
    r("NCyc", unit("battery.cycles")),
    r("ChaSt", Bind::Whole(states::charge_status)),
    r("LocRemCtl", Bind::Whole(states::is_local)),
    r("Hb", Bind::Whole(states::heartbeat16)),
    counter("CtrlHb", Bind::Whole(controls::controller_heartbeat), put::heartbeat),
    rw("AlmRst", Bind::Raw(0), operate::alarm_reset),
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
    r("CellVMaxStr", Bind::Whole(racks::voltage_max_string)),
    r("CellVMaxMod", Bind::Whole(racks::voltage_max_module)),
    r("CellVMin", unit("cell.voltage_min")),
    r("CellVMinStr", Bind::Whole(racks::voltage_min_string)),
    r("CellVMinMod", Bind::Whole(racks::voltage_min_module)),
    r("CellVAvg", unit("cell.voltage_mean")),
    r("A", unit("dc.current")),
    r("AChaMax", unit("available.charge_current")),
    r("ADisChaMax", unit("available.discharge_current")),
    r("W", unit("dc.power")),
    r("ReqInvState", Bind::Raw(0)),
    r("ReqW", Bind::Raw(0)),
    rw("SetOp", Bind::Whole(states::contactors), operate::contactors),
    rw("SetInvState", Bind::Whole(states::inverter_told), operate::inverter_told),
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
    r("ModTmpMaxStr", Bind::Whole(racks::temperature_max_string)),
    r("ModTmpMaxMod", Bind::Whole(racks::temperature_max_module)),
    r("ModTmpMin", unit("cell.temperature_min")),
    r("ModTmpMinStr", Bind::Whole(racks::temperature_min_string)),
    r("ModTmpMinMod", Bind::Whole(racks::temperature_min_module)),
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
    r("StrNMod", Bind::RackWhole(racks::string_modules)),
    r("StrSt", Bind::RackWhole(racks::string_status)),
    r("StrConFail", Bind::RackWhole(racks::string_failure)),
    r("StrSoC", Bind::Rack("soc")),
    r("StrSoH", Bind::Rack("soh")),
    r("StrA", Bind::Rack("current")),
    r("StrCellVMax", Bind::Rack("cell.voltage_max")),
    r("StrCellVMaxMod", Bind::RackWhole(racks::rack_voltage_max_module)),
    r("StrCellVMin", Bind::Rack("cell.voltage_min")),
    r("StrCellVMinMod", Bind::RackWhole(racks::rack_voltage_min_module)),
    r("StrCellVAvg", Bind::Rack("cell.voltage_mean")),
    r("StrModTmpMax", Bind::Rack("cell.temperature_max")),
    r("StrModTmpMaxMod", Bind::RackWhole(racks::rack_temperature_max_module)),
    r("StrModTmpMin", Bind::Rack("cell.temperature_min")),
    r("StrModTmpMinMod", Bind::RackWhole(racks::rack_temperature_min_module)),
    r("StrModTmpAvg", Bind::Rack("cell.temperature_mean")),
    r("StrDisRsn", Bind::RackWhole(racks::string_disconnect_reason)),
    r("StrConSt", Bind::RackWhole(racks::string_contactors)),
    r("StrEvt1", Bind::RackWhole(racks::string_events)),
    rack_rw("StrSetEna", Bind::RackWhole(racks::string_told), operate::string),
    rack_rw("StrSetCon", Bind::RackWhole(racks::string_told), operate::string),
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

/// 702.CtrlModes: what the unit can do, and by what its grid code trips it.
fn control_modes(sight: Sight<'_>) -> i64 {
    const SETPOINTS: i64 = 0b1111;
    let function_bit = |function| match function {
        FunctionName::VoltVar => 1 << 4,
        FunctionName::FrequencyDroop | FunctionName::FrequencyResponse => 1 << 5,
        FunctionName::WattVar => 1 << 9,
        FunctionName::VoltWatt => 1 << 10,
        FunctionName::Schedule => 1 << 11,
        FunctionName::PowerFactor | FunctionName::PeakShaving | FunctionName::GridForming => 0,
    };
    let functions = FunctionName::ALL.iter().map(|(_, function)| function_bit(*function));
    let trips = sight.spec().map_or(&[][..], |spec| &spec.design.grid_code.trips);
    let trips = trips.iter().map(|trip| match (trip.quantity, trip.above) {
        (GridQuantity::Voltage, false) => 1 << 7,
        (GridQuantity::Voltage, true) => 1 << 8,
        (GridQuantity::Frequency, false) => 1 << 12,
        (GridQuantity::Frequency, true) => 1 << 13,
    });
    functions.chain(trips).fold(SETPOINTS, |bits, bit| bits | bit)
}

fn enter_service(sight: Sight<'_>, get: fn(&EnterService) -> f64) -> f64 {
    sight.spec().map_or(f64::NAN, |spec| get(&spec.design.grid_code.enter_service))
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
