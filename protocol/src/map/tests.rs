//! What the BMS reports and what is true, and alarms, as registers show them.

mod controls;
mod states;

use crate::device::Gateway;
use crate::testing;
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::snapshot::{BatteryView, CellExtremes, RackTruth, Snapshot};
use bess_core::units::{Amps, Celsius, Joules, Volts};
use bess_core::{CellAddress, UnitId};
use std::collections::BTreeMap;

/// Every field of what `unit_id` shows, by name.
fn registers(snapshot: &Snapshot, unit_id: u8) -> BTreeMap<String, Vec<u16>> {
    let gateway = Gateway::new(&snapshot.spec);
    let device = gateway.device(unit_id).unwrap();
    let (layout, sight) = (&device.layout, device.sight(snapshot));
    let named = layout.fields_of(super::Table::Holding).map(|field| {
        let words = layout.read(sight, field.address, field.codec.registers()).unwrap();
        (format!("{} {}", field.address, field.about.name), words)
    });
    named.collect()
}

/// The 16 or 32 bits of the field called `name`.
#[track_caller]
fn bits(registers: &BTreeMap<String, Vec<u16>>, name: &str) -> u32 {
    // The address comes before the name.
    let is_it = |field: &str| field.split_once(' ').is_some_and(|(_, of_field)| of_field == name);
    let found = registers.iter().find(|(field, _)| is_it(field));
    let (_, words) = found.unwrap_or_else(|| panic!("no {name}"));
    words.iter().fold(0, |bits, word| bits << 16 | u32::from(*word))
}

const ELSEWHERE: CellAddress = CellAddress { unit_idx: 3, rack_idx: 7, cell_idx: 300 };
/// Nothing that any BMS of the test farm believes.
const EXTREMES: CellExtremes = CellExtremes {
    voltage_min: Volts(1.5),
    voltage_min_at: ELSEWHERE,
    voltage_max: Volts(4.75),
    voltage_max_at: ELSEWHERE,
    temperature_min: Celsius(-17.0),
    temperature_min_at: ELSEWHERE,
    temperature_max: Celsius(222.0),
    temperature_max_at: ELSEWHERE,
};
const TRUE_BATTERY: BatteryView = BatteryView {
    soc: 0.11,
    soh: 0.22,
    energy: Joules(3.3e9),
    energy_capacity: Joules(4.4e9),
    cell_voltage_mean: Volts(2.5),
    cell_temperature_mean: Celsius(99.0),
    extremes: EXTREMES,
};
const TRUE_RACK: RackTruth = RackTruth {
    current: Amps(-444.0),
    voltage: Volts(777.0),
    soc: 0.11,
    soh: 0.22,
    cell_voltage_mean: Volts(2.5),
    cell_temperature_mean: Celsius(99.0),
    extremes: EXTREMES,
    capacity_lost: 0.7,
    resistance_gained: 3.0,
    cells_vented: 9,
    cells_burnt: 8,
};

#[test]
fn no_register_of_a_unit_or_the_plant_changes_with_the_truth() {
    let believed = testing::snapshot();
    let mut other = believed.clone();
    other.farm.true_soc = 0.11;
    other.units.iter_mut().for_each(|unit| unit.truth = TRUE_BATTERY);
    other.racks.iter_mut().for_each(|rack| rack.truth = TRUE_RACK);
    for unit_id in [0, 1, 10, 255] {
        let (before, after) = (registers(&believed, unit_id), registers(&other, unit_id));
        for (field, words) in &before {
            assert_eq!(words, &after[field], "{field} of {unit_id} shows the truth");
        }
    }
}

#[test]
fn registers_show_what_the_bms_reports_where_the_truth_differs() {
    let mut snapshot = testing::snapshot();
    snapshot.units[0].truth = TRUE_BATTERY;
    snapshot.farm.true_soc = 0.11;
    for rack in &mut snapshot.racks {
        rack.truth = TRUE_RACK;
        rack.cells_balancing = 5;
    }
    let unit = registers(&snapshot, 1);
    for (name, raw) in [
        ("state of charge", 6_350),
        ("highest cell temperature", 313),
        ("lowest cell voltage", 3_297),
        ("713.SoC", 6_350),
        ("713.SoH", 9_800),
        ("713.WHAvail", 3_000),
        ("802.SoC", 6_350),
        ("802.CellVMax", 3_312),
        ("802.CellVMin", 3_297),
        ("802.CellVMinStr", 2),
        ("803.ModTmpMax", 313),
        ("803.StrVMax", 13_753),
        ("803.StrAMin", 618),
        ("803.NCellBal", 60),
        ("803.string[3].StrSoC", 6_350),
        ("803.string[3].StrSoH", 9_800),
        ("803.string[3].StrA", 618),
        ("803.string[3].StrCellVMax", 3_312),
        ("803.string[3].StrCellVAvg", 3_305),
        ("803.string[3].StrModTmpMax", 313),
        ("803.string[3].StrModTmpAvg", 250),
    ] {
        assert_eq!(bits(&unit, name), raw, "{name}");
    }
    let plant = registers(&snapshot, 255);
    assert_eq!(bits(&plant, "state of charge"), 6_000);
    assert_eq!(bits(&plant, "713.SoC"), 6_000);
}

/// Names of the bits that the point of the chain shows, from the definition of its model.
fn raised(snapshot: &Snapshot, unit_id: u8, name: &str) -> Vec<String> {
    let shown = bits(&registers(snapshot, unit_id), name);
    let points = super::document("sunspec", &snapshot.spec, UnitId::from_idx(0)).unwrap();
    let point = points.into_iter().find(|point| point.name == name).unwrap();
    let symbols = point.symbols.into_iter().filter(|(_, bit)| shown & 1 << bit != 0);
    let names: Vec<_> = symbols.map(|(name, _)| name).collect();
    assert_eq!(names.len(), shown.count_ones() as usize, "{name} has bits without a name");
    names
}

#[test]
fn alarms_of_gas_strings_and_cooling_raise_their_bits_in_the_unit_and_the_plant() {
    let other: &[&str] = &["OTHER_ALARM"];
    let maker: &[&str] = &["MANUFACTURER_ALRM"];
    for (code, events, alarms) in [
        (AlarmCode::Gas, other, maker),
        (AlarmCode::Smoke, other, maker),
        (AlarmCode::StringOpen, other, &["BLOWN_STRING_FUSE"]),
        (AlarmCode::CoolingFailed, &["FAN_ERROR"], &[]),
    ] {
        let mut snapshot = testing::snapshot();
        snapshot.units[0].alarms.insert(code, AlarmLevel::Trip);
        assert_eq!(raised(&snapshot, 1, "802.Evt1"), events, "{code:?}");
        assert_eq!(raised(&snapshot, 1, "701.Alrm"), alarms, "{code:?}");
        assert_eq!(raised(&snapshot, 255, "701.Alrm"), alarms, "{code:?}");
        assert_eq!(raised(&snapshot, 2, "802.Evt1"), [""; 0], "{code:?}");
        let unit = registers(&snapshot, 1);
        let compact = bits(&unit, "alarms and warnings, bits of 802.Evt1");
        assert_eq!(compact, bits(&unit, "802.Evt1"), "{code:?}");
        // All four are errors, no warnings.
        assert_eq!(bits(&unit, "713.Sta"), 2, "{code:?}");
        // They are of the unit; no alarm says of which string it is.
        assert_eq!(bits(&unit, "803.string[1].StrEvt1"), 0, "{code:?}");
    }
}
