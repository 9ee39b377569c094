//! The converter of a unit: models 1, 701 to 704 and 713 to 715.

use super::{
    APPARENT_SF, CURRENT_SF, DC_CURRENT_SF, DC_VOLTAGE_SF, ENERGY_SF, MILLI_SF, ONE_SF, PERCENT_SF,
    POWER_SF, REACTIVE_SF, Row, TENTH_SF, TOTAL_CURRENT_SF, VOLTAGE_SF, counter, phase, r, rw,
    setting,
};
use crate::map::edit::controls::{self as put, Factor};
use crate::map::edit::operate;
use crate::map::edit::settings::{self as put_setting, Largest};
use crate::map::ratings::Excitation::{Over, Under};
use crate::map::ratings::{self, Corner, enter_service, of_design};
use crate::map::source::{Bind, Sight, unit};
use crate::map::{controls, states};
use bess_core::event::Reverted;

/// What a device calls itself: `tag` follows the name of its unit. The address of a device is that of the
/// listener: `DA` shows none and takes none.
const fn common(tag: &'static str) -> [Row; 4] {
    [
        r("Mn", Bind::Text(manufacturer)),
        r("Md", Bind::Text(model)),
        r("Vr", Bind::Text(|_| env!("CARGO_PKG_VERSION"))),
        r("SN", Bind::Serial(tag)),
    ]
}

pub(in crate::map::sunspec) const COMMON: &[Row] = &common("");
pub(in crate::map::sunspec) const COMMON_OF_PCS: &[Row] = &common("-pcs");
pub(in crate::map::sunspec) const COMMON_OF_BMS: &[Row] = &common("-bms");
pub(in crate::map::sunspec) const COMMON_OF_METER: &[Row] = &common("-meter");
pub(in crate::map::sunspec) const COMMON_OF_RACK: &[Row] = &common("-rack-");

pub(in crate::map::sunspec) const MEASUREMENT: &[Row] = &[
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
    r("TmpCab", unit("air.temperature")),
    r("TmpSnk", unit("pcs.temperature")),
    r("TmpOt", unit("coolant.temperature")),
    r("WL1", phase("ac.active_power")),
    r("VAL1", phase("ac.apparent_power")),
    r("VarL1", phase("ac.reactive_power")),
    r("PFL1", unit("ac.power_factor")),
    r("AL1", unit("ac.current")),
    r("VL1L2", unit("ac.voltage")),
    r("VL1", unit("ac.phase_voltage")),
    r("TotWhInjL1", phase("ac.discharged_energy")),
    r("TotWhAbsL1", phase("ac.charged_energy")),
    r("WL2", phase("ac.active_power")),
    r("VAL2", phase("ac.apparent_power")),
    r("VarL2", phase("ac.reactive_power")),
    r("PFL2", unit("ac.power_factor")),
    r("AL2", unit("ac.current")),
    r("VL2L3", unit("ac.voltage")),
    r("VL2", unit("ac.phase_voltage")),
    r("TotWhInjL2", phase("ac.discharged_energy")),
    r("TotWhAbsL2", phase("ac.charged_energy")),
    r("WL3", phase("ac.active_power")),
    r("VAL3", phase("ac.apparent_power")),
    r("VarL3", phase("ac.reactive_power")),
    r("PFL3", unit("ac.power_factor")),
    r("AL3", unit("ac.current")),
    r("VL3L1", unit("ac.voltage")),
    r("VL3", unit("ac.phase_voltage")),
    r("TotWhInjL3", phase("ac.discharged_energy")),
    r("TotWhAbsL3", phase("ac.charged_energy")),
    r("ThrotPct", Bind::Number(states::throttle_pct)),
    r("ThrotSrc", Bind::Whole(states::throttle_source)),
    r("A_SF", TOTAL_CURRENT_SF),
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

/// Ratings, and what of them the unit is to use.
#[rustfmt::skip]
pub(in crate::map::sunspec) const CAPACITY: &[Row] = &[
    r("WMaxRtg", unit("rating.active_power")),
    r("WOvrExtRtg", Bind::Number(|s| Corner::rated(s, Over).active_w)),
    r("WOvrExtRtgPF", Bind::Number(|s| Corner::rated(s, Over).factor)),
    r("WUndExtRtg", Bind::Number(|s| Corner::rated(s, Under).active_w)),
    r("WUndExtRtgPF", Bind::Number(|s| Corner::rated(s, Under).factor)),
    r("VAMaxRtg", unit("rating.apparent_power")),
    r("VarMaxInjRtg", unit("rating.reactive_power")),
    r("VarMaxAbsRtg", unit("rating.reactive_power")),
    r("WChaRteMaxRtg", unit("rating.active_power")),
    r("WDisChaRteMaxRtg", unit("rating.active_power")),
    r("VAChaRteMaxRtg", unit("rating.apparent_power")),
    r("VADisChaRteMaxRtg", unit("rating.apparent_power")),
    r("VNomRtg", unit("rating.voltage")),
    r("VMaxRtg", Bind::Number(|s| ratings::ac_voltage_rated(s, true))),
    r("VMinRtg", Bind::Number(|s| ratings::ac_voltage_rated(s, false))),
    r("AMaxRtg", unit("rating.current")),
    r("AbnOpCatRtg", Bind::Number(ratings::abnormal_category)),
    r("CtrlModes", Bind::Whole(ratings::control_modes)),
    r("IntIslandCatRtg", Bind::Raw(ratings::ISLAND_CATEGORIES)),
    setting("WMax", unit("capacity.active_power"), |e, v| put_setting::largest(e, Largest::Active, v)),
    r("WMaxOvrExt", Bind::Number(|s| Corner::set(s, Over).active_w)),
    r("WOvrExtPF", Bind::Number(|s| Corner::set(s, Over).factor)),
    r("WMaxUndExt", Bind::Number(|s| Corner::set(s, Under).active_w)),
    r("WUndExtPF", Bind::Number(|s| Corner::set(s, Under).factor)),
    setting("VAMax", unit("capacity.apparent_power"), |e, v| put_setting::largest(e, Largest::Apparent, v)),
    setting("VarMaxInj", unit("capacity.reactive_injected"), |e, v| put_setting::largest(e, Largest::Injected, v)),
    setting("VarMaxAbs", unit("capacity.reactive_absorbed"), |e, v| put_setting::largest(e, Largest::Absorbed, v)),
    setting("WChaRteMax", unit("capacity.charge_power"), |e, v| put_setting::largest(e, Largest::Charge, v)),
    setting("WDisChaRteMax", unit("capacity.discharge_power"), |e, v| put_setting::largest(e, Largest::Discharge, v)),
    r("VAChaRteMax", unit("capacity.apparent_power")),
    r("VADisChaRteMax", unit("capacity.apparent_power")),
    r("VNom", unit("rating.voltage")),
    r("VMax", Bind::Number(|s| ratings::ac_voltage_set(s, true))),
    r("VMin", Bind::Number(|s| ratings::ac_voltage_set(s, false))),
    r("AMax", unit("rating.current")),
    r("IntIslandCat", Bind::Raw(ratings::ISLAND_CATEGORIES)),
    r("W_SF", POWER_SF),
    r("PF_SF", MILLI_SF),
    r("VA_SF", APPARENT_SF),
    r("Var_SF", REACTIVE_SF),
    r("V_SF", VOLTAGE_SF),
    r("A_SF", CURRENT_SF),
];

/// A setting of entering service, this many of the register to one of it.
macro_rules! entering {
    ($point:literal, $field:ident, $per_unit:literal) => {
        setting(
            $point,
            Bind::Number(|s| enter_service(s, |code| code.$field * $per_unit)),
            |e, v| {
                put_setting::enter_service(
                    e,
                    v,
                    $per_unit,
                    |now| now.$field,
                    |change| &mut change.$field,
                )
            },
        )
    };
}

/// Whether, when and how a unit enters service.
pub(in crate::map::sunspec) const ENTER_SERVICE: &[Row] = &[
    setting(
        "ES",
        Bind::Whole(|s| s.view().map_or(0, |view| view.control.enter_service.permitted.into())),
        put_setting::permit,
    ),
    entering!("ESVHi", voltage_max_pu, 100.0),
    entering!("ESVLo", voltage_min_pu, 100.0),
    entering!("ESHzHi", frequency_max_hz, 1.0),
    entering!("ESHzLo", frequency_min_hz, 1.0),
    entering!("ESDlyTms", delay_s, 1.0),
    entering!("ESRndTms", random_delay_s, 1.0),
    entering!("ESRmpTms", ramp_s, 1.0),
    r("ESDlyRemTms", Bind::Number(states::enter_service_seconds_left)),
    r("V_SF", PERCENT_SF),
    r("Hz_SF", MILLI_SF),
];

/// Setpoints, each with what it reverts to and when. Anti-islanding is not a thing to switch here.
#[rustfmt::skip]
pub(in crate::map::sunspec) const CONTROLS: &[Row] = &[
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
    rw("WRmp", unit("control.ramp"), put::ramp).setting(),
    // The ramp refers to the active power.
    r("WRmpRef", Bind::Raw(1)),
    // The converter's own: it cannot be set.
    r("VarRmp", Bind::Number(|s| of_design(s, |design| design.pcs.ramp_per_s * 100.0))),
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

pub(in crate::map::sunspec) const STORAGE: &[Row] = &[
    r("WHRtg", unit("rating.energy")),
    r("WHAvail", unit("battery.energy")),
    r("SoC", unit("battery.soc")),
    r("SoH", unit("battery.soh")),
    r("Sta", Bind::Whole(states::storage_status)),
    r("WH_SF", ENERGY_SF),
    r("Pct_SF", PERCENT_SF),
];

/// One port, the battery. The converter counts no energy there, and the port has no thermometer.
pub(in crate::map::sunspec) const DC_MEASUREMENT: &[Row] = &[
    r("PrtAlrms", Bind::Whole(states::ports_with_alarms)),
    r("DCA", unit("dc.current")),
    r("DCW", unit("dc.power")),
    r("DCA_SF", DC_CURRENT_SF),
    r("DCV_SF", DC_VOLTAGE_SF),
    r("DCW_SF", POWER_SF),
    r("Prt.PrtTyp", Bind::Raw(1)),
    r("Prt.ID", Bind::Raw(1)),
    r("Prt.IDStr", Bind::Text(|_| "battery")),
    r("Prt.DCA", unit("dc.current")),
    r("Prt.DCV", unit("dc.voltage")),
    r("Prt.DCW", unit("dc.power")),
    r("Prt.DCSta", Bind::Whole(states::dc_port_status)),
    r("Prt.DCAlrm", Bind::Whole(states::dc_port_alarms)),
];

pub(in crate::map::sunspec) const CONTROL: &[Row] = &[
    r("LocRemCtl", Bind::Whole(states::is_local)),
    r("DERHb", Bind::Whole(states::heartbeat)),
    counter("ControllerHb", Bind::Whole(controls::controller_heartbeat), put::heartbeat),
    rw("AlarmReset", Bind::Raw(0), operate::alarm_reset),
    rw("OpCtl", Bind::Whole(states::operation), operate::operation),
];

fn manufacturer(sight: Sight<'_>) -> &str {
    sight.spec().map_or("", |spec| &spec.design.manufacturer)
}
fn model(sight: Sight<'_>) -> &str {
    sight.spec().map_or("", |spec| &spec.design.model)
}
