//! An inverter with storage in the older models, 103 and 120 to 124; what works together in the latter two
//! is in `legacy`.
//!
//! Power factors have the sign of the EEI convention, as makers of inverters document it for these models:
//! negative where active and reactive power flow the same way (over-excited while discharging).

use super::{
    APPARENT_SF, CENTI_SF, CHARGE_SF, DC_CURRENT_SF, DC_VOLTAGE_SF, ENERGY_SF, MILLI_SF, ONE_SF,
    PERCENT_SF, POWER_SF, REACTIVE_SF, Row, TENTH_SF, TOTAL_CURRENT_SF, TOTAL_SF, VOLTAGE_SF, r,
    rw, setting,
};
use crate::map::controls;
use crate::map::edit::settings::{self as put_setting, Largest};
use crate::map::edit::{controls as put, operate};
use crate::map::ratings::Excitation::{Over, Under};
use crate::map::ratings::{self, Corner};
use crate::map::source::{Bind, Sight, unit};
use crate::map::states::{self, number_of_unit, of_unit};
use bess_core::control::FunctionName;
use bess_core::event::Reverted;
use bess_core::snapshot::{UnitState, UnitView};

pub(in crate::map::sunspec) const INVERTER: &[Row] = &[
    r("A", Bind::Unit("ac.current", 3.0)),
    r("AphA", unit("ac.current")),
    r("AphB", unit("ac.current")),
    r("AphC", unit("ac.current")),
    r("A_SF", TOTAL_CURRENT_SF),
    r("PPVphAB", unit("ac.voltage")),
    r("PPVphBC", unit("ac.voltage")),
    r("PPVphCA", unit("ac.voltage")),
    r("PhVphA", unit("ac.phase_voltage")),
    r("PhVphB", unit("ac.phase_voltage")),
    r("PhVphC", unit("ac.phase_voltage")),
    r("V_SF", VOLTAGE_SF),
    r("W", unit("ac.active_power")),
    r("W_SF", POWER_SF),
    r("Hz", unit("ac.frequency")),
    r("Hz_SF", CENTI_SF),
    r("VA", unit("ac.apparent_power")),
    r("VA_SF", APPARENT_SF),
    r("VAr", unit("ac.reactive_power")),
    r("VAr_SF", REACTIVE_SF),
    r("PF", Bind::Number(|s| number_of_unit(s, eei_factor) * 100.0)),
    r("PF_SF", PERCENT_SF),
    r("WH", unit("ac.discharged_energy")),
    r("WH_SF", TOTAL_SF),
    // The register has no sign: the power beside it has.
    r("DCA", Bind::Number(|s| number_of_unit(s, |view| view.dc.current.0.abs()))),
    r("DCA_SF", DC_CURRENT_SF),
    r("DCV", unit("dc.voltage")),
    r("DCV_SF", DC_VOLTAGE_SF),
    r("DCW", unit("dc.power")),
    r("DCW_SF", POWER_SF),
    r("TmpCab", unit("air.temperature")),
    r("TmpSnk", unit("pcs.temperature")),
    r("TmpOt", unit("coolant.temperature")),
    r("Tmp_SF", TENTH_SF),
    // The states of 701.InvSt, from 1 instead of from 0.
    r("St", Bind::Whole(|s| states::inverter_state(s) + 1)),
    r("StVnd", Bind::Whole(states::state_number)),
    // 701.Alrm has the same bits, and one more.
    r("Evt1", Bind::Whole(|s| states::der_alarms(s) & 0xFFFF)),
    r("Evt2", Bind::Raw(0)),
    r("EvtVnd1", Bind::Whole(states::events)),
];

const MINUS_REACTIVE: Bind = Bind::Unit("rating.reactive_power", -1.0);
const MINUS_ABSORBED: Bind = Bind::Unit("capacity.reactive_absorbed", -1.0);
const FACTOR: Bind = Bind::Number(|s| Corner::rated(s, Over).factor);
const MINUS_FACTOR: Bind = Bind::Number(|s| -Corner::rated(s, Over).factor);

pub(in crate::map::sunspec) const NAMEPLATE: &[Row] = &[
    // The only type that stores.
    r("DERTyp", Bind::Raw(82)),
    r("WRtg", unit("rating.active_power")),
    r("WRtg_SF", POWER_SF),
    r("VARtg", unit("rating.apparent_power")),
    r("VARtg_SF", APPARENT_SF),
    r("VArRtgQ1", unit("rating.reactive_power")),
    r("VArRtgQ2", unit("rating.reactive_power")),
    r("VArRtgQ3", MINUS_REACTIVE),
    r("VArRtgQ4", MINUS_REACTIVE),
    r("VArRtg_SF", REACTIVE_SF),
    r("ARtg", Bind::Unit("rating.current", 3.0)),
    r("ARtg_SF", TOTAL_CURRENT_SF),
    r("PFRtgQ1", MINUS_FACTOR),
    r("PFRtgQ2", FACTOR),
    r("PFRtgQ3", MINUS_FACTOR),
    r("PFRtgQ4", FACTOR),
    r("PFRtg_SF", MILLI_SF),
    r("WHRtg", unit("rating.energy")),
    r("WHRtg_SF", ENERGY_SF),
    r("AhrRtg", unit("rating.charge")),
    r("AhrRtg_SF", CHARGE_SF),
    r("MaxChaRte", unit("rating.active_power")),
    r("MaxChaRte_SF", POWER_SF),
    r("MaxDisChaRte", unit("rating.active_power")),
    r("MaxDisChaRte_SF", POWER_SF),
];

/// What of its ratings the unit is to use. Two quadrants share one largest reactive power.
#[rustfmt::skip]
pub(in crate::map::sunspec) const SETTINGS: &[Row] = &[
    setting("WMax", unit("capacity.active_power"), |e, v| put_setting::largest(e, Largest::Active, v)),
    r("VRef", unit("rating.voltage")),
    r("VRefOfs", Bind::Raw(0)),
    r("VMax", Bind::Number(|s| ratings::ac_voltage_set(s, true))),
    r("VMin", Bind::Number(|s| ratings::ac_voltage_set(s, false))),
    setting("VAMax", unit("capacity.apparent_power"), |e, v| put_setting::largest(e, Largest::Apparent, v)),
    setting("VArMaxQ1", unit("capacity.reactive_injected"), |e, v| put_setting::largest(e, Largest::Injected, v)),
    setting("VArMaxQ2", unit("capacity.reactive_injected"), |e, v| put_setting::largest(e, Largest::Injected, v)),
    setting("VArMaxQ3", MINUS_ABSORBED, |e, v| put_setting::largest(e, Largest::Absorbed, v.negated())),
    setting("VArMaxQ4", MINUS_ABSORBED, |e, v| put_setting::largest(e, Largest::Absorbed, v.negated())),
    rw("WGra", unit("control.ramp"), put::ramp).setting(),
    r("PFMinQ1", Bind::Number(|s| -Corner::set(s, Over).factor)),
    r("PFMinQ2", Bind::Number(|s| Corner::set(s, Over).factor)),
    r("PFMinQ3", Bind::Number(|s| -Corner::set(s, Under).factor)),
    r("PFMinQ4", Bind::Number(|s| Corner::set(s, Under).factor)),
    // Apparent power is the sum of vectors.
    r("ClcTotVA", Bind::Raw(1)),
    r("ECPNomHz", Bind::Number(|s| s.snapshot.spec.nominal_frequency.0)),
    r("WMax_SF", POWER_SF),
    r("VRef_SF", VOLTAGE_SF),
    r("VRefOfs_SF", VOLTAGE_SF),
    r("VMinMax_SF", VOLTAGE_SF),
    r("VAMax_SF", APPARENT_SF),
    r("VArMax_SF", REACTIVE_SF),
    r("WGra_SF", TENTH_SF),
    r("PFMin_SF", MILLI_SF),
    r("ECPNomHz_SF", CENTI_SF),
];

pub(in crate::map::sunspec) const STATUS: &[Row] = &[
    // There is no PV.
    r("PVConn", Bind::Raw(0)),
    r("StorConn", Bind::Whole(|s| of_unit(s, storage_connection))),
    r("ECPConn", Bind::Whole(states::connection_state)),
    r("ActWh", unit("ac.discharged_energy")),
    r("VArAval", Bind::Number(reactive_left_var)),
    r("VArAval_SF", REACTIVE_SF),
    r("WAval", unit("available.discharge_power")),
    r("WAval_SF", POWER_SF),
    r("StActCtl", Bind::Whole(|s| of_unit(s, active_controls))),
    r("TmSrc", Bind::Text(|_| "sim")),
    r("Tms", Bind::Whole(|s| s.time.unix_ms() / 1_000 - UNIX_S_OF_2000)),
    r("Ris", unit("insulation.resistance")),
    r("Ris_SF", Bind::Scale(3)),
];

#[rustfmt::skip]
pub(in crate::map::sunspec) const CONTROLS: &[Row] = &[
    rw("Conn", Bind::Whole(|s| of_unit(s, |view| view.state.row().is_connected.into())), operate::connect),
    rw("WMaxLimPct_RvrtTms", Bind::Number(|s| controls::reversion_time_s(s, Reverted::DischargeLimit)), |e, v| put::reversion_to_off(e, Reverted::DischargeLimit, v)),
    rw("OutPFSet", Bind::Number(|s| number_of_unit(s, |view| {
        let setting = view.control.pf_injecting;
        if setting.over_excited { -setting.factor } else { setting.factor }
    })), put::eei_factor),
    rw("OutPFSet_RvrtTms", Bind::Number(|s| controls::reversion_time_s(s, Reverted::PowerFactorInjecting)), |e, v| {
        put::reversion_to_off(e, Reverted::PowerFactorInjecting, v)?;
        put::reversion_to_off(e, Reverted::PowerFactorAbsorbing, v)
    }),
    rw("OutPFSet_Ena", Bind::Whole(|s| controls::factor_enabled(s, |c| c.pf_injecting)), |e, v| {
        put::factor_enable(e, put::Factor::Injecting, v)?;
        put::factor_enable(e, put::Factor::Absorbing, v)
    }),
    rw("VArMaxPct", unit("control.reactive_pct"), put::reactive_pct),
    rw("VArPct_RvrtTms", Bind::Number(|s| controls::reversion_time_s(s, Reverted::ReactivePower)), |e, v| put::reversion_to_off(e, Reverted::ReactivePower, v)),
    rw("VArPct_Mod", Bind::Raw(2), operate::of_largest_reactive),
    rw("VArPct_Ena", Bind::Whole(controls::reactive_percent_enabled), put::reactive_percent_enable),
    r("WMaxLimPct_SF", PERCENT_SF),
    r("OutPFSet_SF", MILLI_SF),
    r("VArPct_SF", PERCENT_SF),
];

#[rustfmt::skip]
pub(in crate::map::sunspec) const STORAGE: &[Row] = &[
    // What the rates are percentages of.
    r("WChaMax", unit("capacity.active_power")),
    r("WChaGra", unit("control.ramp")),
    r("WDisChaGra", unit("control.ramp")),
    r("VAChaMax", unit("capacity.apparent_power")),
    rw("MinRsvPct", Bind::Number(|s| number_of_unit(s, |view| view.control.soc_min * 100.0)), put::soc_min).setting(),
    r("ChaState", unit("battery.soc")),
    r("StorAval", Bind::Number(charge_left_ah)),
    r("InBatV", unit("dc.voltage")),
    r("ChaSt", Bind::Whole(states::charge_status)),
    r("WChaMax_SF", POWER_SF),
    r("WChaDisChaGra_SF", ONE_SF),
    r("VAChaMax_SF", APPARENT_SF),
    r("MinRsvPct_SF", PERCENT_SF),
    r("ChaState_SF", PERCENT_SF),
    r("StorAval_SF", CHARGE_SF),
    r("InBatV_SF", DC_VOLTAGE_SF),
    r("InOutWRte_SF", PERCENT_SF),
];

/// The instant from which these models count seconds.
const UNIX_S_OF_2000: i64 = 946_684_800;

/// Power factor with the sign of the EEI convention; 1 at no load.
fn eei_factor(view: &UnitView) -> f64 {
    let factor = view.ac.power_factor().abs();
    let same_way = view.ac.active_power.0 * view.ac.reactive_power.0 > 0.0;
    if same_way { -factor } else { factor }
}

/// 122.StorConn: connected, available, operating, under test.
fn storage_connection(view: &UnitView) -> i64 {
    let row = view.state.row();
    let is_available = !matches!(
        view.state,
        UnitState::LockedOut | UnitState::Fault | UnitState::Maintenance | UnitState::EmergencyStop
    );
    let bits =
        [row.is_connected, is_available, row.converts, view.state == UnitState::Initialising];
    bits.iter().rev().fold(0, |word, bit| word << 1 | i64::from(*bit))
}

/// 122.VArAval: reactive power beside the present active power, within the P-Q circle.
fn reactive_left_var(sight: Sight<'_>) -> f64 {
    number_of_unit(sight, |view| {
        let (p, capacity) = (view.ac.active_power.0, &view.control.capacity);
        let s = capacity.apparent_max_va;
        (s * s - p * p).max(0.0).sqrt().min(capacity.reactive_injected_max_var)
    })
}

/// 122.StActCtl: fixed power, fixed reactive power, fixed power factor, and functions.
fn active_controls(view: &UnitView) -> i64 {
    let control = &view.control;
    let has = |function| control.functions.has(function);
    let bits = [
        (0, control.active.enabled || control.discharge_limit_enabled),
        (1, control.reactive.enabled),
        (2, control.pf_injecting.enabled || has(FunctionName::PowerFactor)),
        (3, has(FunctionName::VoltVar)),
        (4, has(FunctionName::FrequencyDroop)),
        (5, has(FunctionName::FrequencyResponse)),
        (10, has(FunctionName::VoltWatt)),
        (12, has(FunctionName::Schedule)),
    ];
    bits.iter().fold(0, |word, (bit, is_on)| word | i64::from(*is_on) << bit)
}

/// 124.StorAval: charge above the lowest state of charge allowed, in Ah.
fn charge_left_ah(sight: Sight<'_>) -> f64 {
    let (Some(view), Some(spec)) = (sight.view(), sight.spec()) else {
        return f64::NAN;
    };
    let share = (view.measured.soc - view.control.soc_min).max(0.0);
    share * spec.design.nominal_charge_c() / 3_600.0
}
