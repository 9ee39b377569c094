use super::*;
use bess_core::chemistry::{built_in, parse_chemistry};
use bess_core::spec::BmsSpec;
use proptest::prelude::*;

fn model() -> BmsModel {
    let chemistry = parse_chemistry("lfp-280", built_in("lfp-280").unwrap()).unwrap();
    BmsModel::new(&BmsSpec::default(), &chemistry)
}
fn second(model: &BmsModel, current_a: f64, cell_voltage_v: f64) -> Interval {
    Interval {
        span_s: 1.0,
        closed_s: 1.0,
        current_a,
        cell_voltage_v,
        temperature_degc: 25.0,
        capacity_c: model.capacity_c,
        capacity_sigma: 0.05,
        resistance_factor: 1.0,
    }
}
/// Cholesky's factorisation succeeds for positive definite matrices only.
fn is_positive_definite(p: &Matrix4<f64>) -> bool {
    // Scaled to a unit diagonal: the entries span twelve orders of magnitude.
    let at = |i: usize, j: usize| p[(i, j)] / (p[(i, i)] * p[(j, j)]).sqrt();
    let mut l = [[0.0f64; 4]; 4];
    for i in 0..4 {
        for j in 0..=i {
            let rest = at(i, j) - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return false;
                }
                l[i][i] = rest.sqrt();
            } else {
                l[i][j] = rest / l[j][j];
            }
        }
    }
    true
}

proptest! {
    #[test]
    fn the_covariance_stays_positive_definite_and_the_soc_a_fraction(
        seconds in prop::collection::vec((-600.0f64..600.0, 1.5f64..4.5, any::<bool>()), 1..300),
        start in 0.0f64..1.0,
    ) {
        let model = model();
        let mut ekf = Ekf::new(&model.sensors.spec, start);
        for (current_a, voltage_v, closed) in seconds {
            let mut interval = second(&model, current_a, voltage_v);
            if !closed {
                interval.closed_s = 0.0;
                interval.current_a = 0.0;
                ekf.zero_current(current_a / 600.0, &model.sensors.spec);
            }
            ekf.predict(&model, &interval);
            let sight = ekf.sight(&model, &interval);
            ekf.recalibrate(&sight);
            ekf.correct(&sight, &interval);
            prop_assert!(is_positive_definite(&ekf.covariance()), "{ekf:?}");
            prop_assert!((0.0..=1.0).contains(&ekf.soc()));
        }
    }
}

#[test]
fn a_plateau_voltage_is_not_believed_more_for_being_seen_an_hour_long() {
    let model = model();
    let mut ekf = Ekf::new(&model.sensors.spec, 0.5);
    // 5 mV too high for half charge: a sensor's error, or 10 % of SoC?
    let interval = second(&model, 0.0, model.ocv_v(0.5) + 5e-3);
    for _ in 0..3600 {
        ekf.predict(&model, &interval);
        let sight = ekf.sight(&model, &interval);
        assert!(sight.sigma > 0.1 && !ekf.recalibrate(&sight));
        ekf.correct(&sight, &interval);
    }
    assert!((ekf.soc() - 0.5).abs() < 0.01, "{}", ekf.soc());
}

#[test]
fn a_full_cell_is_recognised_by_a_filter_that_believes_in_the_plateau() {
    let model = model();
    let mut ekf = Ekf::new(&model.sensors.spec, 0.85);
    let interval = second(&model, 0.0, model.ocv_v(0.998));
    ekf.predict(&model, &interval);
    let sight = ekf.sight(&model, &interval);
    assert!(ekf.recalibrate(&sight));
    assert!((ekf.soc() - 0.998).abs() < 2e-3, "{}", ekf.soc());
    assert!(ekf.soc_sigma() < 2e-3);
    assert!(!ekf.recalibrate(&ekf.sight(&model, &interval)), "once is enough");
}

#[test]
fn open_contactors_show_the_offset_of_the_current_sensor() {
    let model = model();
    let mut ekf = Ekf::new(&model.sensors.spec, 0.5);
    for _ in 0..60 {
        ekf.zero_current(0.7, &model.sensors.spec);
    }
    assert!((ekf.offset_a() - 0.7).abs() < 0.01 && ekf.offset_sigma_a() < 0.05);
}

/// A filter after an hour of discharge at 70 A that ended at half charge, and its last second with
/// the very voltage of its model.
fn after_an_hour_of_discharge(model: &BmsModel) -> (Ekf, Interval) {
    let mut ekf = Ekf::new(&model.sensors.spec, 0.75);
    let interval = second(model, 70.0, 3.2);
    for _ in 0..3600 {
        ekf.predict(model, &interval);
    }
    let modelled_v = interval.cell_voltage_v - ekf.residual(model, &interval).error_v;
    (ekf, second(model, 70.0, modelled_v))
}

#[test]
fn resistance_and_hysteresis_are_taken_off_the_voltage() {
    let model = model();
    let (ekf, interval) = after_an_hour_of_discharge(&model);
    // 70 A over 0.435 mOhm, with the slow pair settled, and the whole half-width.
    let expected_v = model.ocv_v(0.5) - 70.0 * 0.435e-3 - model.half_width_v(0.5);
    assert!((interval.cell_voltage_v - expected_v).abs() < 5e-5, "{interval:?}");
    let sight = ekf.sight(&model, &interval);
    assert!((sight.soc - 0.5).abs() < 1e-6, "{sight:?}");
}

#[test]
fn the_filter_knows_how_the_voltage_follows_each_part_of_its_state() {
    let model = model();
    let (ekf, interval) = after_an_hour_of_discharge(&model);
    let sees = ekf.sight(&model, &interval).sees(&interval);
    // The slope of the half-width is left out of the SoC's part: the sight leaves it out as well.
    for part in [V1, V2, OFFSET] {
        let mut moved = ekf;
        moved.state[part] += 1e-4;
        // What the measured voltage lacks is what the model has more.
        let slope = -moved.residual(&model, &interval).error_v / 1e-4;
        assert!((slope - sees[part]).abs() < 1e-3 * sees[part].abs(), "{part}: {slope} {sees}");
    }
}

#[test]
fn an_offset_that_is_too_low_counts_too_much_charge() {
    let model = model();
    let mut ekf = Ekf::new(&model.sensors.spec, 0.5);
    let interval = second(&model, 70.0, 3.3);
    for _ in 0..3600 {
        ekf.predict(&model, &interval);
    }
    // In an hour an offset of 1 A is 1 / 280 of SoC: that is how the two must hang together.
    let p = ekf.covariance();
    assert!((p[(SOC, OFFSET)] / p[(OFFSET, OFFSET)] * 280.0 - 1.0).abs() < 0.02, "{p}");
    assert!(p[(V1, OFFSET)] < 0.0 && p[(V2, OFFSET)] < 0.0);
}

#[test]
fn a_filter_that_believes_a_plateau_cell_full_does_not_grow_sure_of_it() {
    let model = model();
    let mut ekf = Ekf::new(&model.sensors.spec, 1.0);
    let interval = second(&model, 0.0, model.ocv_v(0.85));
    for _ in 0..600 {
        ekf.predict(&model, &interval);
        let sight = ekf.sight(&model, &interval);
        ekf.recalibrate(&sight);
        ekf.correct(&sight, &interval);
    }
    let error = (ekf.soc() - 0.85).abs();
    assert!(error < 4.0 * ekf.soc_sigma(), "{error} {}", ekf.soc_sigma());
}

#[test]
fn unknown_drops_make_a_voltage_worth_less() {
    let model = model();
    let mut ekf = Ekf::new(&model.sensors.spec, 0.999);
    let interval = second(&model, 0.0, model.ocv_v(0.999));
    let known = ekf.sight(&model, &interval).sigma;
    let mut p = ekf.covariance();
    p[(V2, V2)] = 0.05 * 0.05;
    ekf.put(&p);
    let unknown = ekf.sight(&model, &interval).sigma;
    assert!(unknown > 3.0 * known, "{known} {unknown}");
}
