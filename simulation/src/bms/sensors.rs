//! What sensors show of the truth: gain, offset, noise and step.
//!
//! Noise is counted, not drawn in turn: a value depends on the rack's key (from seed and rack), the
//! kind of sensor, its index and the tick alone. So a cell shows the same value wherever it is read
//! (as the rack's lowest cell, or in the list of all cells), and nobody's reading shifts another's.
//! Cell offsets come from the same hash without the tick, so no cell stores one.

use bess_core::rng::{Stream, splitmix};
use bess_core::spec::SensorSpec;
use bess_core::time::TICK_S;

/// Kind of a number that is drawn by hash; part of the hash: never renumber.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
enum Draw {
    CellVoltageOffset = 1,
    CellVoltageNoise = 2,
    CellTemperatureOffset = 3,
    CurrentNoise = 4,
    RackVoltageNoise = 5,
    MeanVoltageOffset = 6,
    MeanVoltageNoise = 7,
}

/// Approximately standard normal: the sum of four 16-bit uniforms of one hash, centred and scaled.
/// Mean 0 and sigma 1 exactly; it ends at 3.46 sigma and its kurtosis is 2.7 instead of 3 (Irwin and
/// Hall's distribution with n = 4), which no estimator here can tell from a normal one.
fn normal_of(key: u64, draw: Draw, index: usize, tick: u64) -> f64 {
    // Odd multipliers (of PCG and of Weyl's sequence) keep place and time apart ahead of the hash.
    let place = ((index as u64) << 8 | draw as u64).wrapping_mul(0x5851_F42D_4C95_7F2D);
    let time = tick.wrapping_mul(0xD1B5_4A32_D192_ED03);
    let bits = splitmix(key.wrapping_add(place).wrapping_add(time));
    let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
    // Four uniforms on 0..=65535: mean 4 x 65535 / 2, variance 4 (65536^2 - 1) / 12.
    const MEAN: f64 = 131_070.0;
    const PER_SIGMA: f64 = 1.0 / 37_837.227_123_406_26;
    (sum as i64 as f64 - MEAN) * PER_SIGMA
}

/// Steps of a sensor per unit; 0 for a sensor without steps.
#[derive(Clone, Copy, Debug)]
struct Step {
    per_unit: f64,
}

impl Step {
    fn of(step: f64) -> Self {
        Self { per_unit: if step > 0.0 { 1.0 / step } else { 0.0 } }
    }
    /// The multiple of the step nearest to `x`. Adding 1.5 x 2^52 rounds any reading to a whole
    /// number without a call, and a NaN stays one. Dividing gives the decimals people expect.
    fn nearest(self, x: f64) -> f64 {
        const ROUND: f64 = 6_755_399_441_055_744.0;
        if self.per_unit == 0.0 {
            return x;
        }
        (x * self.per_unit + ROUND - ROUND) / self.per_unit
    }
}

/// The sensors of all racks of a kind.
#[derive(Clone, Debug)]
pub(super) struct SensorModel {
    pub(super) spec: SensorSpec,
    cell_voltage_step: Step,
    cell_temperature_step: Step,
    current_step: Step,
    rack_voltage_step: Step,
    /// Share of the lag that is left after a tick.
    pub(super) lag_kept: f64,
}

impl SensorModel {
    pub(super) fn new(spec: &SensorSpec) -> Self {
        let lag_s = spec.cell_temperature_lag_s;
        Self {
            spec: *spec,
            cell_voltage_step: Step::of(spec.cell_voltage_step_v),
            cell_temperature_step: Step::of(spec.cell_temperature_step_k),
            current_step: Step::of(spec.current_step_a),
            rack_voltage_step: Step::of(spec.rack_voltage_step_v),
            lag_kept: if lag_s > 0.0 { bess_core::math::exp(-TICK_S / lag_s) } else { 0.0 },
        }
    }
    /// A mean of cell voltages as a BMS shows it.
    pub(super) fn shown_mean_v(&self, v: f64) -> f64 {
        self.cell_voltage_step.nearest(v)
    }
    /// The temperature shown for a cell without its own offset.
    pub(super) fn mean_temperature_degc(&self, degc: f64) -> f64 {
        self.cell_temperature_step.nearest(degc)
    }
}

/// Gains, offsets and the key of the noise of one rack's sensors.
#[derive(Clone, Copy, Debug)]
pub(super) struct RackSensors {
    key: u64,
    current_gain: f64,
    current_offset_a: f64,
    voltage_gain: f64,
}

impl RackSensors {
    /// Drawn in this order: key, current gain, current offset, voltage gain.
    pub(super) fn new(spec: &SensorSpec, stream: &mut Stream) -> Self {
        Self {
            key: stream.bits(),
            current_gain: 1.0 + stream.normal_within_3_sigma(spec.current_gain),
            current_offset_a: stream.normal_within_3_sigma(spec.current_offset_a),
            voltage_gain: 1.0 + stream.normal_within_3_sigma(spec.rack_voltage_gain),
        }
    }

    /// The key of its noise.
    pub(super) fn key(&self) -> u64 {
        self.key
    }

    pub(super) fn cell_voltage_v(
        &self,
        model: &SensorModel,
        cell: usize,
        v: f64,
        tick: u64,
    ) -> f64 {
        let spec = &model.spec;
        let offset = normal_of(self.key, Draw::CellVoltageOffset, cell, 0);
        let noise = normal_of(self.key, Draw::CellVoltageNoise, cell, tick);
        let shown = v + spec.cell_voltage_offset_v * offset + spec.cell_voltage_noise_v * noise;
        model.cell_voltage_step.nearest(shown)
    }
    /// The mean of `n_cells` cell voltages as their sensors show them: offsets and noise even out.
    pub(super) fn mean_voltage_v(
        &self,
        model: &SensorModel,
        n_cells: u32,
        mean_v: f64,
        tick: u64,
    ) -> f64 {
        let evened = 1.0 / f64::from(n_cells).sqrt();
        let offset = normal_of(self.key, Draw::MeanVoltageOffset, 0, 0);
        let noise = normal_of(self.key, Draw::MeanVoltageNoise, 0, tick);
        let spec = &model.spec;
        mean_v + evened * (spec.cell_voltage_offset_v * offset + spec.cell_voltage_noise_v * noise)
    }
    pub(super) fn cell_temperature_degc(&self, model: &SensorModel, cell: usize, degc: f64) -> f64 {
        let offset = normal_of(self.key, Draw::CellTemperatureOffset, cell, 0);
        let shown = degc + model.spec.cell_temperature_offset_k * offset;
        model.cell_temperature_step.nearest(shown)
    }
    pub(super) fn current_a(&self, model: &SensorModel, current_a: f64, tick: u64) -> f64 {
        let noise = normal_of(self.key, Draw::CurrentNoise, 0, tick);
        let shown = current_a * self.current_gain
            + self.current_offset_a
            + model.spec.current_noise_a * noise;
        model.current_step.nearest(shown)
    }
    pub(super) fn rack_voltage_v(&self, model: &SensorModel, v: f64, tick: u64) -> f64 {
        let noise = normal_of(self.key, Draw::RackVoltageNoise, 0, tick);
        model
            .rack_voltage_step
            .nearest(v * self.voltage_gain + model.spec.rack_voltage_noise_v * noise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::rng::{Domain, Streams};
    use proptest::prelude::*;

    fn rack(seed: u64, index: u64) -> RackSensors {
        let mut stream = Streams::new(seed).stream(Domain::BmsSensors, index);
        RackSensors::new(&SensorSpec::default(), &mut stream)
    }

    /// Mean, sigma and kurtosis.
    fn moments(draws: &[f64]) -> (f64, f64, f64) {
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let central = |power| draws.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
        (mean, central(2).sqrt(), central(4) / (central(2) * central(2)))
    }

    #[test]
    fn noise_has_mean_zero_and_sigma_one_over_ticks_and_over_cells() {
        let over_ticks: Vec<f64> =
            (0..200_000).map(|tick| normal_of(7, Draw::CurrentNoise, 3, tick)).collect();
        let over_cells: Vec<f64> =
            (0..200_000).map(|cell| normal_of(7, Draw::CellVoltageOffset, cell, 0)).collect();
        for draws in [over_ticks, over_cells] {
            let (mean, sigma, kurtosis) = moments(&draws);
            assert!(mean.abs() < 0.008 && (sigma - 1.0).abs() < 0.006, "{mean} {sigma}");
            assert!((kurtosis - 2.7).abs() < 0.03, "{kurtosis}");
        }
    }

    #[test]
    fn noise_of_neighbours_in_place_or_time_is_unrelated() {
        let n = 100_000u64;
        let at = |cell: usize, tick| normal_of(99, Draw::CellVoltageNoise, cell, tick);
        for (cells, ticks) in [(1usize, 0u64), (0, 1), (1, 1), (0, 10)] {
            let product: f64 = (0..n).map(|t| at(5, t) * at(5 + cells, t + ticks)).sum();
            assert!((product / n as f64).abs() < 0.015, "{cells} {ticks} {product}");
        }
    }

    #[test]
    fn the_same_seed_and_rack_show_the_same_bits_and_others_do_not() {
        let model =
            SensorModel::new(&SensorSpec { cell_voltage_step_v: 0.0, ..SensorSpec::default() });
        let shown = |seed, index| rack(seed, index).cell_voltage_v(&model, 17, 3.3, 1234).to_bits();
        assert_eq!(shown(1, 0), shown(1, 0));
        assert_ne!(shown(1, 0), shown(2, 0));
        assert_ne!(shown(1, 0), shown(1, 1));
    }

    #[test]
    fn exact_sensors_show_every_bit_of_the_truth() {
        let exact = SensorModel::new(&SensorSpec::EXACT);
        let mut stream = Streams::new(3).stream(Domain::BmsSensors, 0);
        let rack = RackSensors::new(&SensorSpec::EXACT, &mut stream);
        let truth = 3.312_345_678_9;
        assert_eq!(rack.cell_voltage_v(&exact, 4, truth, 9), truth);
        assert_eq!(rack.cell_temperature_degc(&exact, 4, truth), truth);
        assert_eq!(rack.current_a(&exact, -truth, 9), -truth);
        assert_eq!(rack.rack_voltage_v(&exact, 416.0 * truth, 9), 416.0 * truth);
    }

    proptest! {
        #[test]
        fn what_a_sensor_shows_is_a_multiple_of_its_step_and_near_the_truth(
            volts in 2.0f64..4.3, amps in -400.0f64..400.0, cell in 0usize..2000, tick in 0u64..1 << 40,
        ) {
            let spec = SensorSpec::default();
            let (model, rack) = (SensorModel::new(&spec), rack(1, 2));
            let multiple = |x: f64, step: f64| (x / step - (x / step).round()).abs() < 1e-7;
            let shown_v = rack.cell_voltage_v(&model, cell, volts, tick);
            prop_assert!(multiple(shown_v, 1e-3) && (shown_v - volts).abs() < 7.5e-3);
            let shown_a = rack.current_a(&model, amps, tick);
            prop_assert!(multiple(shown_a, 0.1) && (shown_a - amps).abs() < 5.7);
            let shown_degc = rack.cell_temperature_degc(&model, cell, volts);
            prop_assert!(multiple(shown_degc, 0.1) && (shown_degc - volts).abs() < 1.8);
        }
    }
}
