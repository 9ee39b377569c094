//! A meter with balanced phases, model 203: at the AC terminals of a unit, and at the POI. Power is positive
//! and energy exported when discharging.

use super::plant as of_plant;
use super::{
    APPARENT_SF, CENTI_SF, PERCENT_SF, POWER_SF, REACTIVE_SF, Row, TOTAL_CURRENT_SF, TOTAL_SF,
    VOLTAGE_SF, phase, r,
};
use crate::map::plant;
use crate::map::source::{Bind, unit};

const UNIT_FACTOR: Bind = unit("ac.power_factor");

pub(in crate::map::sunspec) const OF_UNIT: &[Row] = &[
    r("A", Bind::Unit("ac.current", 3.0)),
    r("AphA", unit("ac.current")),
    r("AphB", unit("ac.current")),
    r("AphC", unit("ac.current")),
    r("A_SF", TOTAL_CURRENT_SF),
    r("PhV", unit("ac.phase_voltage")),
    r("PhVphA", unit("ac.phase_voltage")),
    r("PhVphB", unit("ac.phase_voltage")),
    r("PhVphC", unit("ac.phase_voltage")),
    r("PPV", unit("ac.voltage")),
    r("PhVphAB", unit("ac.voltage")),
    r("PhVphBC", unit("ac.voltage")),
    r("PhVphCA", unit("ac.voltage")),
    r("V_SF", VOLTAGE_SF),
    r("Hz", unit("ac.frequency")),
    r("Hz_SF", CENTI_SF),
    r("W", unit("ac.active_power")),
    r("WphA", phase("ac.active_power")),
    r("WphB", phase("ac.active_power")),
    r("WphC", phase("ac.active_power")),
    r("W_SF", POWER_SF),
    r("VA", unit("ac.apparent_power")),
    r("VAphA", phase("ac.apparent_power")),
    r("VAphB", phase("ac.apparent_power")),
    r("VAphC", phase("ac.apparent_power")),
    r("VA_SF", APPARENT_SF),
    r("VAR", unit("ac.reactive_power")),
    r("VARphA", phase("ac.reactive_power")),
    r("VARphB", phase("ac.reactive_power")),
    r("VARphC", phase("ac.reactive_power")),
    r("VAR_SF", REACTIVE_SF),
    r("PF", UNIT_FACTOR),
    r("PFphA", UNIT_FACTOR),
    r("PFphB", UNIT_FACTOR),
    r("PFphC", UNIT_FACTOR),
    r("PF_SF", PERCENT_SF),
    r("TotWhExp", unit("ac.discharged_energy")),
    r("TotWhExpPhA", phase("ac.discharged_energy")),
    r("TotWhExpPhB", phase("ac.discharged_energy")),
    r("TotWhExpPhC", phase("ac.discharged_energy")),
    r("TotWhImp", unit("ac.charged_energy")),
    r("TotWhImpPhA", phase("ac.charged_energy")),
    r("TotWhImpPhB", phase("ac.charged_energy")),
    r("TotWhImpPhC", phase("ac.charged_energy")),
    r("TotWh_SF", TOTAL_SF),
    r(
        "Evt",
        Bind::Whole(|s| i64::from(s.view().is_some_and(|view| view.ac.voltage.0 <= 0.0)) << 2),
    ),
];

const CURRENT: Bind = Bind::Number(plant::current_a);
const VOLTAGE: Bind = Bind::Number(plant::voltage_v);
const PHASE_VOLTAGE: Bind = Bind::Number(|s| plant::voltage_v(s) / 3f64.sqrt());
const ACTIVE_PHASE: Bind = Bind::Number(|s| s.farm.active_power.0 / 3.0);
const REACTIVE_PHASE: Bind = Bind::Number(|s| s.farm.reactive_power.0 / 3.0);
const APPARENT_PHASE: Bind = Bind::Number(|s| plant::apparent_power_va(s) / 3.0);
const FACTOR: Bind = Bind::Number(|s| plant::power_factor(s) * 100.0);
const EXPORTED_PHASE: Bind = Bind::Number(|s| s.farm.totals.discharged.0 / 3_600.0 / 3.0);
const IMPORTED_PHASE: Bind = Bind::Number(|s| s.farm.totals.charged.0 / 3_600.0 / 3.0);

pub(in crate::map::sunspec) const OF_PLANT: &[Row] = &[
    r("A", Bind::Number(|s| 3.0 * plant::current_a(s))),
    r("AphA", CURRENT),
    r("AphB", CURRENT),
    r("AphC", CURRENT),
    r("A_SF", of_plant::TOTAL_CURRENT_SF),
    r("PhV", PHASE_VOLTAGE),
    r("PhVphA", PHASE_VOLTAGE),
    r("PhVphB", PHASE_VOLTAGE),
    r("PhVphC", PHASE_VOLTAGE),
    r("PPV", VOLTAGE),
    r("PhVphAB", VOLTAGE),
    r("PhVphBC", VOLTAGE),
    r("PhVphCA", VOLTAGE),
    r("V_SF", of_plant::VOLTAGE_SF),
    r("Hz", Bind::Farm("poi.frequency")),
    r("Hz_SF", CENTI_SF),
    r("W", Bind::Farm("poi.active_power")),
    r("WphA", ACTIVE_PHASE),
    r("WphB", ACTIVE_PHASE),
    r("WphC", ACTIVE_PHASE),
    r("W_SF", of_plant::ACTIVE_SF),
    r("VA", Bind::Number(plant::apparent_power_va)),
    r("VAphA", APPARENT_PHASE),
    r("VAphB", APPARENT_PHASE),
    r("VAphC", APPARENT_PHASE),
    r("VA_SF", of_plant::APPARENT_SF),
    r("VAR", Bind::Farm("poi.reactive_power")),
    r("VARphA", REACTIVE_PHASE),
    r("VARphB", REACTIVE_PHASE),
    r("VARphC", REACTIVE_PHASE),
    r("VAR_SF", of_plant::REACTIVE_SF),
    r("PF", FACTOR),
    r("PFphA", FACTOR),
    r("PFphB", FACTOR),
    r("PFphC", FACTOR),
    r("PF_SF", PERCENT_SF),
    r("TotWhExp", Bind::Farm("poi.discharged_energy")),
    r("TotWhExpPhA", EXPORTED_PHASE),
    r("TotWhExpPhB", EXPORTED_PHASE),
    r("TotWhExpPhC", EXPORTED_PHASE),
    r("TotWhImp", Bind::Farm("poi.charged_energy")),
    r("TotWhImpPhA", IMPORTED_PHASE),
    r("TotWhImpPhB", IMPORTED_PHASE),
    r("TotWhImpPhC", IMPORTED_PHASE),
    r("TotWh_SF", TOTAL_SF),
    r("Evt", Bind::Whole(plant::meter_events)),
];
