use super::*;
use bess_core::chemistry::{built_in, parse_chemistry};
use bess_core::spec::{BmsSpec, SensorSpec};

const N_CELLS: usize = 416;

fn model(spec: &BmsSpec) -> BmsModel {
    let chemistry = parse_chemistry("lfp-280", built_in("lfp-280").unwrap()).unwrap();
    BmsModel::new(spec, &chemistry)
}
fn rack(model: &BmsModel, seed: u64) -> RackBms {
    RackBms::new(model, N_CELLS, 3, Streams::new(seed), 0.5, 25.0)
}
fn truth(tick: u64) -> Truth {
    Truth {
        tick,
        connected: true,
        current_a: 140.0,
        voltage_v: 3.28 * N_CELLS as f64,
        voltage_min: At { value: 3.27, cell: 11 },
        voltage_max: At { value: 3.29, cell: 400 },
        temperature_min: At { value: 24.0, cell: 0 },
        temperature_max: At { value: 31.0, cell: 208 },
        temperature_mean_degc: 27.0,
        soc: 0.512_345,
        soh: 0.987,
    }
}
/// Runs `seconds` of `truth` with changes.
fn run(bms: &mut RackBms, model: &BmsModel, seconds: u64, change: impl Fn(&mut Truth)) {
    for tick in 0..10 * seconds {
        let mut truth = truth(tick);
        change(&mut truth);
        bms.sense(model, &truth);
        if tick % 10 == 9 {
            bms.estimate(model);
        }
    }
}
fn bits(bms: &RackBms) -> Vec<u8> {
    let mut all = Vec::new();
    bms.hash_into(&mut |bytes| all.extend_from_slice(bytes));
    all
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    let model = model(&BmsSpec::default());
    let after = |seed| {
        let mut bms = rack(&model, seed);
        run(&mut bms, &model, 100, |_| {});
        bits(&bms)
    };
    assert_eq!(after(1), after(1));
    assert_ne!(after(1), after(2));
}

#[test]
fn an_ideal_bms_shows_every_bit_of_the_truth_and_the_true_soc() {
    let model = model(&BmsSpec { ideal: true, ..BmsSpec::default() });
    let mut bms = rack(&model, 1);
    run(&mut bms, &model, 10, |_| {});
    let truth = truth(99);
    let shown = Measured::of(&truth, N_CELLS as f64);
    assert_eq!(*bms.reading(), shown);
    assert_eq!((shown.soc, shown.soh, shown.current_a), (truth.soc, truth.soh, truth.current_a));
    assert_eq!(bms.cell_voltage_v(&model, 7, 3.212_345, 99), 3.212_345);
    assert_eq!(bms.cell_temperature_degc(&model, 7, 25.012_3), 25.012_3);
}

#[test]
fn exact_sensors_show_the_truth_but_the_soc_is_still_estimated() {
    let model = model(&BmsSpec { sensors: SensorSpec::EXACT, ..BmsSpec::default() });
    let mut bms = rack(&model, 1);
    bms.sense(&model, &truth(0));
    let (shown, truth) = (bms.reading(), truth(0));
    assert_eq!(shown.voltage_min, truth.voltage_min);
    assert_eq!(shown.temperature_max, truth.temperature_max);
    assert_eq!((shown.current_a, shown.voltage_v), (truth.current_a, truth.voltage_v));
    let counted = 0.5 - 140.0 * TICK_S / (280.0 * 3600.0);
    assert!((shown.soc - counted).abs() < 1e-12, "{}", shown.soc);
}

#[test]
fn a_cell_shows_the_same_as_an_extreme_and_in_the_list_of_cells() {
    let model = model(&BmsSpec::default());
    let mut bms = rack(&model, 5);
    let shown = |bms: &RackBms, truth: &Truth| {
        let volts = |at: At| At {
            value: bms.cell_voltage_v(&model, at.cell, at.value, truth.tick),
            cell: at.cell,
        };
        let degc = |at: At| At {
            value: bms.cell_temperature_degc(&model, at.cell, at.value),
            cell: at.cell,
        };
        let (low, high) = ordered(volts(truth.voltage_min), volts(truth.voltage_max));
        let (cold, hot) = ordered(degc(truth.temperature_min), degc(truth.temperature_max));
        [low, high, cold, hot]
    };
    for tick in 0..100 {
        let truth = truth(tick);
        bms.sense(&model, &truth);
        let reading = bms.reading();
        let extremes = [
            reading.voltage_min,
            reading.voltage_max,
            reading.temperature_min,
            reading.temperature_max,
        ];
        assert_eq!(extremes, shown(&bms, &truth));
    }
}

#[test]
fn the_lowest_shown_is_never_above_the_highest_shown() {
    let model = model(&BmsSpec::default());
    let mut bms = rack(&model, 5);
    let mut swapped = 0;
    for tick in 0..1000 {
        let truth = Truth { voltage_max: At { value: 3.2701, cell: 12 }, ..truth(tick) };
        bms.sense(&model, &truth);
        let reading = bms.reading();
        assert!(reading.voltage_min.value <= reading.voltage_max.value);
        swapped += u32::from(reading.voltage_min.cell == 12);
    }
    assert!(swapped > 0, "the noise is larger than the difference");
}

#[test]
fn a_temperature_reaches_two_thirds_of_a_step_after_the_lag() {
    let sensors = SensorSpec { cell_temperature_lag_s: 10.0, ..SensorSpec::EXACT };
    let model = model(&BmsSpec { sensors, ..BmsSpec::default() });
    let mut bms = rack(&model, 1);
    run(&mut bms, &model, 10, |truth| truth.temperature_max.value = 35.0);
    // 1 - 1/e of the way from 25 to 35 degC.
    assert!((bms.reading().temperature_max.value - 31.321).abs() < 0.01);
    let between = bms.cell_temperature_degc(&model, 9, 29.0);
    assert!(between > 25.0 && between < 29.0, "{between}");
}

#[test]
fn with_open_contactors_nothing_is_counted_and_the_offset_is_learnt() {
    let sensors = SensorSpec { current_offset_a: 2.0, ..SensorSpec::EXACT };
    let model = model(&BmsSpec { sensors, ..BmsSpec::default() });
    let mut bms = rack(&model, 1);
    let rest_v = model.ocv_v(0.5) * N_CELLS as f64;
    let open = |truth: &mut Truth| {
        truth.connected = false;
        truth.current_a = 0.0;
        truth.voltage_v = rest_v;
    };
    run(&mut bms, &model, 3600, open);
    assert_eq!(bms.reading().current_a, 0.0);
    assert!((bms.reading().soc - 0.5).abs() < 1e-4, "{}", bms.reading().soc);
    let offset_a = bms.sensors.current_a(&model.sensors, 0.0, 0);
    assert!(offset_a.abs() > 0.5, "the draw of this seed is no test: {offset_a}");
    assert!((bms.current_offset_a() - offset_a).abs() < 0.01, "{}", bms.current_offset_a());
    // Closed again at rest, the offset is taken off: an hour counts almost nothing.
    run(&mut bms, &model, 3600, |truth| {
        open(truth);
        truth.connected = true;
    });
    assert_eq!(bms.reading().current_a, offset_a);
    assert!((bms.reading().soc - 0.5).abs() < 1e-4, "{}", bms.reading().soc);
}

#[test]
fn between_two_estimates_the_shown_soc_is_what_was_counted() {
    let sensors = SensorSpec { current_gain: 0.0, ..SensorSpec::EXACT };
    let model = model(&BmsSpec { sensors, ..BmsSpec::default() });
    let mut bms = rack(&model, 1);
    let mut last = bms.reading().soc;
    for tick in 0..100 {
        bms.sense(&model, &truth(tick));
        let step = last - bms.reading().soc;
        assert!((step * 280.0 * 3600.0 - 14.0).abs() < 1e-3, "{tick}: {step}");
        last = bms.reading().soc;
    }
}

#[test]
fn an_estimate_without_a_reading_changes_nothing() {
    let model = model(&BmsSpec::default());
    let mut bms = rack(&model, 1);
    let before = bits(&bms);
    bms.estimate(&model);
    assert_eq!(bits(&bms), before);
}

#[test]
fn a_bad_number_of_the_truth_shows_as_a_bad_number() {
    let model = model(&BmsSpec::default());
    let mut bms = rack(&model, 1);
    run(&mut bms, &model, 2, |truth| truth.voltage_v = f64::NAN);
    assert!(!bms.reading().is_finite());
}

#[test]
fn a_rack_costs_half_a_kilobyte_at_most() {
    assert!(size_of::<RackBms>() <= 512, "{}", size_of::<RackBms>());
}
