//! The estimate of a rack's SoC: an extended Kalman filter on the mean cell, once a second.
//!
//! State: SoC, v1, v2 (drops over the RC pairs in V) and the current sensor's offset in A. The
//! prediction counts the measured current less the offset; the correction compares the mean cell
//! voltage with OCV + M h - r0 I - v1 - v2. The hysteresis h is followed from the current by the
//! cell's own law, outside of the filter.
//!
//! What a voltage is worth. The model errs, and its error lasts for hours: an unknown part of the
//! hysteresis, resistances that aged, gains. [`Sight`] holds what the voltage alone says about SoC
//! and its sigma: how far that SoC moves when the voltage moves by the model error. On LFP that is
//! tens of percent on the plateau and tenths of a percent at the knees; a smaller current makes it
//! surer. From that follow two corrections:
//! - Every second a small one: an error that lasts for a time T and is seen every dt has the low
//!   frequencies of white noise with variance sigma^2 T / dt. So the filter does not believe a
//!   plateau voltage more just because it saw it 3,600 times.
//! - At a knee an outright one, a recalibration: where the voltage alone tells the SoC to within two
//!   percent and much better than the filter knows it, or contradicts it, it is believed once with
//!   its own sigma.
//!
//! The slope in the small correction is the secant between the estimate and what the voltage says.
//! With the tangent, a filter that wrongly believes a cell full would grow sure of it on the plateau.

use super::model::BmsModel;
use super::resistance::Residual;
use crate::persist::persist;
use bess_core::math;
use bess_core::spec::SensorSpec;
use nalgebra::{Matrix4, Vector4};

/// Sigma of the SoC that a BMS starts with (engineering choice).
const SOC_SIGMA_INITIAL: f64 = 0.05;
/// Least sigma of the current's offset at the start in A, so that the filter stays regular with
/// exact sensors (engineering choice).
const OFFSET_SIGMA_LEAST_A: f64 = 0.02;
/// Random walk of the current's offset, A^2 per second: 0.05 A in a day (engineering choice).
const OFFSET_WALK_A2_PER_S: f64 = 0.05 * 0.05 / 86_400.0;
/// Random walk of SoC and RC voltages per second: 1 % of SoC in a day; 0.1 mV (engineering choice).
const SOC_WALK_PER_S: f64 = 0.01 * 0.01 / 86_400.0;
const RC_WALK_V2_PER_S: f64 = 1e-4 * 1e-4;
/// Shares of hysteresis and resistive drop that the model may err by (engineering choice): half the
/// half-width, since partial loops are not known; 30 % of the drop, for spread, current and ageing.
const HYSTERESIS_UNKNOWN: f64 = 0.5;
const RESISTANCE_UNKNOWN: f64 = 0.3;
/// Model error that is always there, in V (engineering choice): OCV of a batch of cells.
const MODEL_FLOOR_V: f64 = 2e-3;
/// How long a model error lasts, in s: half a cycle (engineering choice).
const MODEL_ERROR_LASTS_S: f64 = 4.0 * 3600.0;
/// A knee is where the voltage alone tells the SoC to within this sigma (engineering choice).
const KNEE_SIGMA: f64 = 0.02;
/// A recalibration needs a sigma this much better than the filter's, or a contradiction of this many
/// sigmas (engineering choices).
const BETTER_BY: f64 = 0.25;
const CONTRADICTION_SIGMAS: f64 = 3.0;
/// Least sigma that a recalibration claims: a rack's cells differ by that (engineering choice).
const RECALIBRATED_SIGMA_LEAST: f64 = 1e-3;

/// What was measured since the last estimate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    /// Length in s, > 0.
    pub(super) span_s: f64,
    /// Of that, with closed contactors.
    pub(super) closed_s: f64,
    /// Mean measured current in A, 0 for ticks with open contactors.
    pub(super) current_a: f64,
    /// Mean cell voltage in V.
    pub(super) cell_voltage_v: f64,
    /// Mean cell temperature in degC.
    pub(super) temperature_degc: f64,
    /// Capacity believed in, in C, and its sigma as a fraction of the nominal one.
    pub(super) capacity_c: f64,
    pub(super) capacity_sigma: f64,
    /// Factor on the resistances of a new cell.
    pub(super) resistance_factor: f64,
}

impl Interval {
    /// r0, r1, r2 in ohms that are believed in at `soc`.
    fn resistances_ohm(&self, model: &BmsModel, soc: f64) -> [f64; 3] {
        let new_ohm = model.resistances_ohm(soc, self.temperature_degc);
        new_ohm.map(|ohm| ohm * self.resistance_factor)
    }
}

/// What the voltage alone says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub(super) soc: f64,
    /// Sigma of that SoC: of the model, and of the drops that the filter believes in.
    pub(super) sigma: f64,
    /// Slope between the estimate and that SoC in V per unit of SoC, > 0.
    slope_v: f64,
    /// Sigma of the model in V.
    model_v: f64,
    r0_ohm: f64,
}

impl Sight {
    /// How the voltage follows the state.
    fn sees(&self, interval: &Interval) -> Vector4<f64> {
        let closed = interval.closed_s / interval.span_s;
        Vector4::new(self.slope_v, -1.0, -1.0, self.r0_ohm * closed)
    }
}

#[cfg(test)]
impl Sight {
    /// A voltage that says `soc` with `sigma`.
    pub(super) fn at(soc: f64, sigma: f64) -> Self {
        Self { soc, sigma, slope_v: 1.0, model_v: sigma, r0_ohm: 0.0 }
    }
}

/// Variance in A^2 of a mean over ten readings of the current: of noise and rounding.
pub(super) fn current_noise_a2(sensors: &SensorSpec) -> f64 {
    let (noise_a, step_a) = (sensors.current_noise_a, sensors.current_step_a);
    0.1 * (noise_a * noise_a + step_a * step_a / 12.0)
}

/// State and covariance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ekf {
    state: Vector4<f64>,
    /// Upper triangle of the covariance, row by row: it cannot lose its symmetry.
    covariance: [f64; 10],
    /// Hysteresis, -1 to 1.
    hysteresis: f64,
    /// SoC counted since the last recalibration, and the farthest that it has been.
    swept: f64,
    farthest: f64,
    /// Drop over the RC pairs in the middle of the last interval less that at its end.
    middle_rc_v: f64,
}
persist! {
    Ekf { state, covariance, hysteresis, swept, farthest, middle_rc_v }
}

const SOC: usize = 0;
const V1: usize = 1;
const V2: usize = 2;
const OFFSET: usize = 3;
/// Places of the diagonal in the upper triangle.
const SOC_VARIANCE: usize = 0;
const OFFSET_VARIANCE: usize = 9;

impl Ekf {
    /// A rested rack believed to be at `soc`.
    pub(super) fn new(sensors: &SensorSpec, soc: f64) -> Self {
        let offset_a = sensors.current_offset_a.max(OFFSET_SIGMA_LEAST_A);
        let sigmas = Vector4::new(SOC_SIGMA_INITIAL, 1e-3, 1e-3, offset_a);
        let mut ekf = Self {
            state: Vector4::new(soc, 0.0, 0.0, 0.0),
            covariance: [0.0; 10],
            hysteresis: 0.0,
            swept: 0.0,
            farthest: 0.0,
            middle_rc_v: 0.0,
        };
        ekf.put(&Matrix4::from_diagonal(&sigmas.component_mul(&sigmas)));
        ekf
    }

    pub(super) fn soc(&self) -> f64 {
        self.state[SOC]
    }
    pub(super) fn soc_sigma(&self) -> f64 {
        math::sqrt(self.covariance[SOC_VARIANCE])
    }
    /// Estimated offset of the current sensor in A.
    pub(super) fn offset_a(&self) -> f64 {
        self.state[OFFSET]
    }
    pub(super) fn offset_sigma_a(&self) -> f64 {
        math::sqrt(self.covariance[OFFSET_VARIANCE])
    }
    /// Mean current in A of `interval`, less the offset while the contactors were closed.
    pub(super) fn net_current_a(&self, interval: &Interval) -> f64 {
        interval.current_a - self.offset_a() * (interval.closed_s / interval.span_s)
    }

    /// SoC in the middle of `interval` less that at its end: a mean voltage is that of the middle.
    fn middle_soc(&self, interval: &Interval) -> f64 {
        0.5 * self.net_current_a(interval) * interval.span_s / interval.capacity_c
    }

    fn covariance(&self) -> Matrix4<f64> {
        let [a, b, c, d, e, f, g, h, i, j] = self.covariance;
        Matrix4::new(a, b, c, d, b, e, f, g, c, f, h, i, d, g, i, j)
    }
    fn put(&mut self, p: &Matrix4<f64>) {
        let mean = |i, j| 0.5 * (p[(i, j)] + p[(j, i)]);
        self.covariance = [
            p[(0, 0)],
            mean(0, 1),
            mean(0, 2),
            mean(0, 3),
            p[(1, 1)],
            mean(1, 2),
            mean(1, 3),
            p[(2, 2)],
            mean(2, 3),
            p[(3, 3)],
        ];
    }

    /// Counts the charge of `interval` and lets the RC voltages and the hysteresis follow.
    pub(super) fn predict(&mut self, model: &BmsModel, interval: &Interval) {
        let span_s = interval.span_s;
        let current_a = self.net_current_a(interval);
        let closed = interval.closed_s / span_s;
        let per_a = span_s / interval.capacity_c;
        let moved = current_a * per_a;
        let [_, r1, r2] = interval.resistances_ohm(model, self.soc());
        let [c1, c2] = model.capacitance_f;
        let kept = |ohm: f64, farad: f64| {
            if ohm > 0.0 { math::exp(-span_s / (ohm * farad)) } else { 0.0 }
        };
        let (a1, a2) = (kept(r1, c1), kept(r2, c2));
        let from_v = self.state[V1] + self.state[V2];
        // How a current moves the state.
        let input = Vector4::new(-per_a, (1.0 - a1) * r1, (1.0 - a2) * r2, 0.0);
        self.state =
            Vector4::new(self.soc(), a1 * self.state[V1], a2 * self.state[V2], self.offset_a())
                + input * current_a;
        self.middle_rc_v = 0.5 * (from_v - self.state[V1] - self.state[V2]);

        let mut transition = Matrix4::from_diagonal(&Vector4::new(1.0, a1, a2, 1.0));
        transition.set_column(OFFSET, &(Vector4::new(0.0, 0.0, 0.0, 1.0) - input * closed));
        let sensors = &model.sensors.spec;
        let current_variance = current_noise_a2(sensors);
        // Errors of gain and capacity grow with the distance from where the SoC was last known; on
        // the way back they cancel.
        let relative = sensors.current_gain * sensors.current_gain
            + interval.capacity_sigma * interval.capacity_sigma;
        self.swept += moved;
        let farthest = self.farthest.max(self.swept.abs());
        let farther = farthest * farthest - self.farthest * self.farthest;
        self.farthest = farthest;
        let walk = Vector4::new(
            SOC_WALK_PER_S * span_s + relative * farther,
            RC_WALK_V2_PER_S * span_s,
            RC_WALK_V2_PER_S * span_s,
            OFFSET_WALK_A2_PER_S * span_s,
        );
        let p = transition * self.covariance() * transition.transpose()
            + input * input.transpose() * current_variance
            + Matrix4::from_diagonal(&walk);
        self.put(&p);

        let keep = math::exp(-model.hysteresis_rate_per_soc * moved.abs());
        let towards = if current_a > 0.0 { -1.0 } else { 1.0 };
        self.hysteresis = keep * self.hysteresis + (1.0 - keep) * towards;
        self.state[SOC] = self.state[SOC].clamp(0.0, 1.0);
    }

    /// The voltage of `interval` beside the model's, as the estimate stands now.
    pub(super) fn residual(&self, model: &BmsModel, interval: &Interval) -> Residual {
        let soc = self.soc();
        let [r0, _, _] = interval.resistances_ohm(model, soc);
        let current_a = self.net_current_a(interval);
        let drop_v = r0 * current_a + self.state[V1] + self.state[V2] + self.middle_rc_v;
        let rest_v = model.ocv_v(soc + self.middle_soc(interval))
            + model.half_width_v(soc) * self.hysteresis;
        Residual { error_v: interval.cell_voltage_v - (rest_v - drop_v), drop_v, current_a }
    }

    /// What the voltage of `interval` says about SoC, given the drops that the filter believes in.
    pub(super) fn sight(&self, model: &BmsModel, interval: &Interval) -> Sight {
        let soc = self.soc();
        let current_a = self.net_current_a(interval);
        let [r0, r1, r2] = interval.resistances_ohm(model, soc);
        let drop_v = r0 * current_a + self.state[V1] + self.state[V2] + self.middle_rc_v;
        let half_width_v = model.half_width_v(soc);
        let rest_v = interval.cell_voltage_v + drop_v - half_width_v * self.hysteresis;
        let seen_freely = model.soc_at_ocv(rest_v);
        let seen = (seen_freely - self.middle_soc(interval)).clamp(0.0, 1.0);
        // After a load the pairs still hold their drops: what is unknown of them is as well.
        let now_v = (r0 * current_a).abs() + self.state[V1].abs() + self.state[V2].abs();
        let settled_v = (current_a * (r0 + r1 + r2)).abs();
        let parts = [
            MODEL_FLOOR_V,
            HYSTERESIS_UNKNOWN * half_width_v,
            RESISTANCE_UNKNOWN * now_v.max(settled_v),
            model.sensors.spec.cell_voltage_offset_v,
        ];
        let model_v = math::sqrt(parts.iter().map(|part| part * part).sum());
        // Of the drops: what the filter does not know of the pairs and of the current's offset, and what
        // the noise of this current makes.
        let [_, _, _, _, v1, v1_v2, v1_a, v2, v2_a, offset_a2] = self.covariance;
        let current_a2 = offset_a2 + current_noise_a2(&model.sensors.spec);
        let drops_v2 = v1 + 2.0 * v1_v2 + v2 - 2.0 * r0 * (v1_a + v2_a) + r0 * r0 * current_a2;
        let seen_v = math::sqrt(model_v * model_v + drops_v2.max(0.0));
        // Two sigmas to either side, and the worse one: beside a knee lies the plateau, so a voltage
        // that is off by a little makes a cell of the plateau look full.
        let reach = |volts: f64| (model.soc_at_ocv(rest_v + volts) - seen_freely).abs();
        let sigma = 0.5 * reach(2.0 * seen_v).max(reach(-2.0 * seen_v));
        let secant = (model.ocv_v(seen) - model.ocv_v(soc)) / (seen - soc);
        let slope_v = if (seen - soc).abs() > 1e-3 { secant } else { model.slope_v(soc) };
        Sight { soc: seen, sigma, slope_v, model_v, r0_ohm: r0 }
    }

    /// The small correction of every second.
    pub(super) fn correct(&mut self, sight: &Sight, interval: &Interval) {
        let lasts = (MODEL_ERROR_LASTS_S / interval.span_s).max(1.0);
        let innovation_v = sight.slope_v * (sight.soc - self.soc());
        self.update(&sight.sees(interval), innovation_v, sight.model_v * sight.model_v * lasts);
    }

    /// The outright correction at a knee; returns whether there was one.
    pub(super) fn recalibrate(&mut self, sight: &Sight) -> bool {
        let off = sight.soc - self.soc();
        let sigma = sight.sigma.max(RECALIBRATED_SIGMA_LEAST);
        let variance = sigma * sigma;
        let expected = math::sqrt(self.covariance[SOC_VARIANCE] + variance);
        let better = sigma < BETTER_BY * self.soc_sigma();
        let contradicts = off.abs() > CONTRADICTION_SIGMAS * expected;
        if sigma > KNEE_SIGMA || !(better || contradicts) {
            return false;
        }
        if contradicts {
            // The filter was surer than it should have been.
            self.covariance[SOC_VARIANCE] += off * off;
        }
        self.update(&Vector4::new(1.0, 0.0, 0.0, 0.0), off, variance);
        (self.swept, self.farthest) = (0.0, 0.0);
        true
    }

    /// The state of charge becomes another one by `by`, and the filter is as sure as before.
    pub(super) fn jump(&mut self, by: f64) {
        self.state[SOC] = (self.soc() + by).clamp(0.0, 1.0);
    }

    /// With open contactors no current flows, so the sensor shows its own offset.
    pub(super) fn zero_current(&mut self, shown_a: f64, sensors: &SensorSpec) {
        let (noise, step) = (sensors.current_noise_a, sensors.current_step_a);
        let variance =
            0.1 * noise * noise + step * step / 12.0 + OFFSET_SIGMA_LEAST_A * OFFSET_SIGMA_LEAST_A;
        let innovation_a = shown_a - self.offset_a();
        self.update(&Vector4::new(0.0, 0.0, 0.0, 1.0), innovation_a, variance);
    }

    /// One scalar measurement in Joseph's form, which keeps a covariance positive definite whatever
    /// the gain is.
    fn update(&mut self, sees: &Vector4<f64>, innovation: f64, variance: f64) {
        let p = self.covariance();
        let spread = p * sees;
        let gain = spread / (sees.dot(&spread) + variance);
        let left = Matrix4::identity() - gain * sees.transpose();
        self.put(&(left * p * left.transpose() + gain * gain.transpose() * variance));
        self.state += gain * innovation;
        self.state[SOC] = self.state[SOC].clamp(0.0, 1.0);
    }

    /// Feeds every bit of the state to `sink`.
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for value in self.state.iter().chain(&self.covariance) {
            sink(&value.to_le_bytes());
        }
        for value in [self.hysteresis, self.swept, self.farthest, self.middle_rc_v] {
            sink(&value.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
