//! Every chain as a decoder by somebody else reads it, the crate `sunspec`: no model lacks anything that it
//! must have, and values come out as they went in.

use super::*;
use ::sunspec::Model as _;
use ::sunspec::models::*;

/// Parses the registers behind id and length of a model, by its id.
macro_rules! parse {
    ($id:expr, $words:expr, $($model:ty),*) => {
        match $id {
            $(<$model>::ID => <$model>::parse($words).map(|_| ()).map_err(|e| e.to_string()),)*
            other => Err(format!("model {other} is none that is expected")),
        }
    };
}

/// The models of a chain as its registers say: id, and the words behind its length.
fn read(
    snapshot: &Snapshot,
    chain: Chain,
    unit: Option<UnitId>,
    rack: Option<usize>,
) -> Vec<(u16, Vec<u16>)> {
    let desk = Desk::default();
    let sight = Sight::new(snapshot, unit, &desk).of_rack(rack);
    let layout = Layout::new(chain.fields);
    let (mut at, mut models) = (BASE + 2, Vec::new());
    loop {
        let head = layout.read(sight, at, 2).unwrap();
        if head[0] == 0xFFFF {
            return models;
        }
        models.push((head[0], layout.read(sight, at + 2, head[1]).unwrap()));
        at += 2 + head[1];
    }
}

#[test]
fn every_model_of_every_chain_is_complete() {
    let (snapshot, chains) = chains();
    for (of, chain, unit, rack_idx) in chains {
        for (id, words) in read(&snapshot, chain, unit, rack_idx) {
            let parsed = parse!(
                id,
                &words,
                model1::Model1,
                model103::Model103,
                model120::Model120,
                model121::Model121,
                model122::Model122,
                model123::Model123,
                model124::Model124,
                model203::Model203,
                model701::Model701,
                model702::Model702,
                model703::Model703,
                model704::Model704,
                model705::Model705,
                model706::Model706,
                model707::Model707,
                model708::Model708,
                model709::Model709,
                model710::Model710,
                model711::Model711,
                model712::Model712,
                model713::Model713,
                model714::Model714,
                model715::Model715,
                model802::Model802,
                model803::Model803,
                model804::Model804,
                model805::Model805
            );
            assert_eq!(parsed, Ok(()), "model {id} of {of}");
        }
    }
}

#[test]
fn strings_modules_and_the_older_controls_come_out_as_they_went_in() {
    let (snapshot, chains) = chains();
    let of = |name: &str| {
        let (_, chain, unit, rack_idx) = chains.iter().find(|(of, ..)| of == name).unwrap();
        let chain = Chain { fields: chain.fields.clone(), cells: chain.cells };
        read(&snapshot, chain, *unit, *rack_idx)
    };
    let rack = of("rack");
    assert_eq!(rack.len(), 10);
    let string = model804::Model804::parse(&rack[1].1).unwrap();
    assert_eq!((string.idx, string.n_mod, string.lithium_ion_string_module.len()), (2, 8, 8));
    let cells = &snapshot.cells[0];
    let n = cells.cells_per_rack;
    for (module_idx, (_, words)) in rack[2..].iter().enumerate() {
        let module = model805::Model805::parse(words).unwrap();
        assert_eq!((module.str_idx, usize::from(module.mod_idx)), (2, module_idx + 1));
        assert_eq!(module.lithium_ion_module_cell.len(), 52);
        for (cell_idx, cell) in module.lithium_ion_module_cell.iter().enumerate() {
            let index = n + 52 * module_idx + cell_idx;
            let volts = f32::from(cell.cell_v) * 1e-3;
            assert!((volts - cells.voltage_v[index]).abs() < 0.000_51, "cell {index}");
            let degc = f32::from(cell.cell_tmp) * 0.1;
            assert!((degc - cells.temperature_degc[index]).abs() < 0.051, "cell {index}");
        }
    }
    let legacy = of("legacy");
    let inverter = model103::Model103::parse(&legacy[1].1).unwrap();
    assert_eq!((inverter.w, inverter.w_sf, inverter.hz), (10_000, 2, 5_001));
    let storage = model124::Model124::parse(&legacy[6].1).unwrap();
    assert_eq!((storage.out_w_rte, storage.in_w_rte), (Some(10_000), Some(10_000)));
    let meter = model203::Model203::parse(&of("meter")[1].1).unwrap();
    assert_eq!((meter.w, meter.var, meter.aph_a), (10_000, Some(-2_000), 853));
}
