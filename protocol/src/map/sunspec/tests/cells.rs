//! Strings, modules and cells: models 804 and 805.

use super::super::{Part, Profile, part_chain, rack_chain, unit_chain};
use super::bench::{Bench, MISSING};
use crate::map::Refusal;
use bess_core::command::{Command, RackAction};
use bess_core::snapshot::CellsView;
use std::sync::Arc;

/// A device that is a rack, with the cells of its unit: the voltage of a cell says where it is.
fn rack_device(rack_idx: usize) -> Bench {
    let mut bench = Bench::new(rack_chain);
    bench.device.rack_idx = Some(rack_idx);
    let design = Arc::clone(&bench.snapshot.spec.units[0].design);
    let n = design.cells_in_series;
    let cells = (0..design.n_racks * n).map(|index| (index / n, index % n));
    bench.snapshot.cells = vec![Arc::new(CellsView {
        unit_idx: 0,
        cells_per_rack: n,
        voltage_v: cells
            .clone()
            .map(|(rack, cell)| (3_000 + 40 * rack) as f32 * 1e-3 + cell as f32 * 1e-3)
            .collect(),
        temperature_degc: cells.map(|(rack, cell)| rack as f32 - cell as f32 * 0.1).collect(),
        ..CellsView::default()
    })];
    bench
}

#[test]
fn a_rack_shows_itself_its_modules_and_every_cell() {
    let bench = rack_device(2);
    let serial: Vec<u8> = bench.words("1.SN").iter().flat_map(|word| word.to_be_bytes()).collect();
    assert!(serial.starts_with(b"unit-001-rack-3\0"), "{serial:?}");
    // 416 cells in modules of 52.
    for (name, value) in [
        ("804.Idx", 3.0),
        ("804.NMod", 8.0),
        ("804.SoC", 63.5),
        ("804.DoD", 36.5),
        ("804.V", 1_375.3),
        ("804.CellVMin", 3.297),
        ("804.lithium_ion_string_module[2].ModNCell", 52.0),
        ("804.lithium_ion_string_module[2].ModCellVMin", 3.132),
        ("804.lithium_ion_string_module[2].ModCellVMax", 3.183),
        ("804.lithium_ion_string_module[2].ModCellVMaxCell", 52.0),
        ("804.lithium_ion_string_module[8].ModCellTmpMax", -34.4),
        ("804.lithium_ion_string_module[8].ModCellTmpMaxCell", 1.0),
    ] {
        let shown = bench.value(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert!((shown - value).abs() < 1e-9, "{name} is {shown}");
    }
    // The models of the modules have the same names one after the other.
    let modules: Vec<_> = bench
        .device
        .layout
        .fields_of(crate::map::Table::Holding)
        .filter(|field| field.about.name == "805.ModIdx")
        .map(|field| field.address)
        .collect();
    assert_eq!(modules.len(), 8);
    let read = |address, count| {
        bench.device.layout.read(bench.device.sight(&bench.snapshot), address, count).unwrap()
    };
    for (module_idx, address) in modules.into_iter().enumerate() {
        let first = (52 * module_idx) as u16;
        // String and module from 1, cells, three that a module does not know, cycles.
        let head = read(address - 1, 8);
        assert_eq!(head[..3], [3, module_idx as u16 + 1, 52]);
        assert_eq!(head[3..6], [0xFFFF; 3]);
        // The first cell stands 42 registers behind the index.
        for cell_idx in [0u16, 25, 51] {
            let cell = read(address + 41 + 4 * cell_idx, 4);
            assert_eq!(cell[0], 3_080 + first + cell_idx, "module {module_idx} cell {cell_idx}");
            let tenths = 20 - (first + cell_idx) as i16;
            assert_eq!(cell[1] as i16, tenths, "module {module_idx} cell {cell_idx}");
            assert_eq!(cell[2..], [0xFFFF, 0xFFFF]);
        }
        // The voltage of the module is the sum of its cells, two decimals.
        let sum: f64 = (0..52).map(|cell| f64::from(3_080 + u32::from(first) + cell) * 1e-3).sum();
        let volts = read(address + 7, 1)[0];
        assert!((f64::from(volts) * 0.01 - sum).abs() < 0.006, "{volts} {sum}");
    }
}

#[test]
fn without_cells_in_the_snapshot_their_points_are_not_available() {
    let mut bench = rack_device(0);
    bench.snapshot.cells.clear();
    assert_eq!(bench.raw("804.lithium_ion_string_module[1].ModCellVMax"), MISSING);
    assert_eq!(bench.raw("805.V"), MISSING);
    assert_eq!(bench.raw("805.lithium-ion-module-cell[1].CellV"), MISSING);
    assert_eq!(bench.value("804.CellVMax"), Some(3.312), "the rack's own stay");
    // The service asks for cells where one of these registers is read.
    let (first, last) = bench.device.layout.cells.unwrap();
    assert_eq!(first, bench.field("804.ID").address);
    assert!(last > bench.field("805.lithium-ion-module-cell[52].CellSt").address);
    let others = [unit_chain, |design: &_, _| part_chain(Part::Bms, design)];
    for chain in others {
        let design = &bench.snapshot.spec.units[0].design;
        assert_eq!(chain(design, Profile::Standard).cells, None);
    }
}

#[test]
fn the_last_module_of_a_rack_has_what_is_left() {
    let mut design = crate::testing::snapshot().spec.units[0].design.as_ref().clone();
    design.cells_per_module = 60;
    let chain = rack_chain(&design);
    let lengths: Vec<_> = chain
        .fields
        .iter()
        .filter(|field| field.about.name == "805.L")
        .map(|field| match field.source {
            crate::map::source::Source::Raw(length) => length,
            _ => panic!("constant"),
        })
        .collect();
    // 416 = 6 x 60 + 56.
    assert_eq!(lengths, [&[42 + 4 * 60; 6][..], &[42 + 4 * 56]].concat());
}

#[test]
fn a_rack_that_is_a_device_is_switched_there() {
    let mut bench = rack_device(2);
    let unit = bench.device.unit.unwrap();
    let operate = |action| Ok(Some(Command::OperateRack { unit, rack_idx: 2, action }));
    assert_eq!(bench.try_write("804.SetCon", &[2]), operate(RackAction::Disconnect));
    assert_eq!(bench.raw("804.SetCon"), 0, "it goes back");
    bench.snapshot.racks[2].enabled = false;
    assert_eq!(bench.try_write("804.SetEna", &[1]), operate(RackAction::Connect));
    let nothing = bench.try_write("804.SetEna", &[0]).unwrap();
    assert!(matches!(nothing, Some(Command::ControlUnit { .. })));
    assert_eq!(bench.try_write("804.SetCon", &[3]), Err(Refusal::Value));
}
