//! A farm for tests: the built-in one in a known state, without an engine.

use bess_core::command::UnitControl;
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::snapshot::{
    AcView, BatteryView, CellExtremes, DcView, FarmView, RackView, Snapshot, UnitState, UnitView,
};
use bess_core::units::{Amps, Celsius, Hertz, Joules, Vars, VoltAmps, Volts, Watts};
use bess_core::{CellAddress, SimTime, Tick};
use std::sync::Arc;

/// The built-in farm; see [`snapshot_of`].
pub(crate) fn snapshot() -> Snapshot {
    snapshot_of(BUILT_IN_FARM)
}

/// The built-in farm with this many units; see [`snapshot_of`].
#[allow(dead_code)] // Not every binary of tests asks for it.
pub(crate) fn snapshot_of_units(n_units: usize) -> Snapshot {
    snapshot_of(&BUILT_IN_FARM.replace("count = 10", &format!("count = {n_units}")))
}

/// Every unit of this farm file runs and discharges 1 MW; everything else is plain.
pub(crate) fn snapshot_of(farm: &str) -> Snapshot {
    let spec = Arc::new(
        parse_farm("farm", farm, &|_| Err(String::new())).expect("a farm file without a fault"),
    );
    let extremes = CellExtremes {
        voltage_min: Volts(3.297),
        voltage_min_at: CellAddress { unit_idx: 0, rack_idx: 1, cell_idx: 60 },
        voltage_max: Volts(3.312),
        voltage_max_at: CellAddress::default(),
        temperature_min: Celsius(-4.04),
        temperature_min_at: CellAddress::default(),
        temperature_max: Celsius(31.26),
        temperature_max_at: CellAddress::default(),
    };
    let units = spec.units.iter().map(|unit| UnitView {
        state: UnitState::Running,
        control: UnitControl::initial(&unit.design),
        ac: AcView {
            active_power: Watts(1_000_000.0),
            reactive_power: Vars(-200_000.0),
            apparent_power: VoltAmps(1_019_804.0),
            voltage: Volts(690.0),
            current: Amps(853.3),
            frequency: Hertz(50.012),
        },
        dc: DcView { voltage: Volts(1_375.3), current: Amps(742.0), power: Watts(1_020_000.0) },
        setpoint: Watts(1_000_000.0),
        available_discharge_power: Watts(2_500_000.0),
        available_charge_power: Watts(2_400_000.0),
        discharge_current_max: Amps(2_000.0),
        charge_current_max: Amps(1_900.0),
        measured: BatteryView {
            soc: 0.635,
            soh: 0.98,
            energy: Joules(3_600.0 * 3_000_000.0),
            energy_capacity: Joules(3_600.0 * 4_900_000.0),
            cell_voltage_mean: Volts(3.305),
            cell_temperature_mean: Celsius(25.0),
            extremes,
        },
        racks_connected: 12,
        equivalent_full_cycles: 12.345,
        heartbeat: 100_000,
        insulation_kohm: 1_000.0,
        pcs_temperature: Celsius(41.5),
        enter_service_share: 1.0,
        ..UnitView::default()
    });
    let rack = RackView {
        connected: true,
        enabled: true,
        contactors: [true, false, true],
        fuse_whole: true,
        current: Amps(61.8),
        voltage: Volts(1_375.3),
        soc: 0.635,
        soh: 0.98,
        cell_voltage_mean: Volts(3.305),
        cell_temperature_mean: Celsius(25.0),
        extremes,
        ..RackView::default()
    };
    let mut units_by_state = [0; UnitState::ALL.len()];
    units_by_state[UnitState::Running as usize] = spec.units.len() as u32;
    Snapshot {
        tick: Tick(1_000),
        publication: 0x1_0000_0007,
        time: SimTime { unix_ns: 1_700_000_000_123_000_000 },
        farm: FarmView {
            units_by_state,
            active_power: Watts(9_990_000.0),
            soc: 0.6,
            frequency: Hertz(50.012),
            ambient: Celsius(20.0),
            ..FarmView::default()
        },
        units: units.collect(),
        racks: vec![rack; spec.n_racks()],
        functions: spec.units.iter().map(|unit| Arc::clone(&unit.design.functions)).collect(),
        ..Snapshot::empty(spec)
    }
}
