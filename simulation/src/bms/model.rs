//! What the BMS of all racks of a kind knows about its cells: tables made from the chemistry.
//!
//! A manufacturer parametrises a BMS with the cells' mean behaviour, so the tables are those of the
//! new mean cell: no spread, no ageing. Only this file looks into a [`Chemistry`].

use super::sensors::SensorModel;
use bess_core::chemistry::Chemistry;
use bess_core::spec::{BalancingSpec, BmsSpec};

/// Pieces of the SoC grid of voltages: the nodes of the built-in tables, 0.5 % apart, lie on it.
const SOC_PIECES: usize = 400;
/// Pieces of the SoC grid of resistances.
const R_PIECES: usize = 50;
/// Temperatures of the grid of resistances, in degC: 5 K apart, Arrhenius' law is linear within 0.5 %.
const T_MIN_DEGC: f64 = -40.0;
const T_STEP_K: f64 = 5.0;
const T_NODES: usize = 25;
/// Half-width of the SoC window over which a slope is taken: wider than a piece of the tables.
const SLOPE_WINDOW: f64 = 0.005;

/// Tables and settings that the racks of a kind share.
#[derive(Clone, Debug)]
pub struct BmsModel {
    pub(super) ideal: bool,
    pub(super) sensors: SensorModel,
    pub(super) balancing: BalancingSpec,
    /// Nominal capacity in C.
    pub(super) capacity_c: f64,
    /// Build-up of hysteresis per unit of SoC.
    pub(super) hysteresis_rate_per_soc: f64,
    /// Capacitances of the RC pairs in F; infinite for a pair that the chemistry lacks.
    pub(super) capacitance_f: [f64; 2],
    ocv_v: Vec<f64>,
    half_width_v: Vec<f64>,
    /// r0, r1, r2 over SoC, one row for each temperature.
    resistance_ohm: Vec<[f64; 3]>,
}

impl BmsModel {
    /// The BMS `spec` on racks of `chemistry`.
    pub fn new(spec: &BmsSpec, chemistry: &Chemistry) -> Self {
        let over_soc = |value: &dyn Fn(f64) -> f64| {
            (0..=SOC_PIECES).map(|k| value(k as f64 / SOC_PIECES as f64)).collect()
        };
        let mut resistance_ohm = Vec::with_capacity(T_NODES * (R_PIECES + 1));
        for row in 0..T_NODES {
            let degc = T_MIN_DEGC + T_STEP_K * row as f64;
            for k in 0..=R_PIECES {
                resistance_ohm.push(resistances_ohm(chemistry, k as f64 / R_PIECES as f64, degc));
            }
        }
        let hysteresis = chemistry.hysteresis.as_ref();
        Self {
            ideal: spec.ideal,
            sensors: SensorModel::new(&spec.sensors),
            balancing: spec.balancing,
            capacity_c: chemistry.capacity.0,
            hysteresis_rate_per_soc: hysteresis.map_or(0.0, |h| h.rate_per_soc),
            capacitance_f: capacitances_f(chemistry),
            ocv_v: over_soc(&|soc| chemistry.ocv.at(soc, 25.0, 0.0)),
            half_width_v: over_soc(&|soc| {
                hysteresis.map_or(0.0, |h| h.half_width.at(soc, 25.0, 0.0))
            }),
            resistance_ohm,
        }
    }

    /// Whether the BMS knows the truth.
    pub fn is_ideal(&self) -> bool {
        self.ideal
    }
    /// Settings of the balancing.
    pub fn balancing(&self) -> &BalancingSpec {
        &self.balancing
    }

    /// Open-circuit voltage in V at `soc`; beyond 0 and 1 the last piece goes on.
    pub(super) fn ocv_v(&self, soc: f64) -> f64 {
        interpolate(&self.ocv_v, soc)
    }
    /// Half-width of the hysteresis in V at `soc`.
    pub(super) fn half_width_v(&self, soc: f64) -> f64 {
        interpolate(&self.half_width_v, soc.clamp(0.0, 1.0))
    }
    /// Slope of the open-circuit voltage around `soc` in V per unit of SoC, > 0.
    pub(super) fn slope_v(&self, soc: f64) -> f64 {
        (self.ocv_v(soc + SLOPE_WINDOW) - self.ocv_v(soc - SLOPE_WINDOW)) / (2.0 * SLOPE_WINDOW)
    }
    /// The SoC whose open-circuit voltage is `volts`; beyond 0 and 1 the last piece goes on.
    pub(super) fn soc_at_ocv(&self, volts: f64) -> f64 {
        let piece = self.ocv_v.partition_point(|&v| v <= volts).clamp(1, SOC_PIECES);
        let (low, high) = (self.ocv_v[piece - 1], self.ocv_v[piece]);
        let share = (volts - low) / (high - low);
        ((piece - 1) as f64 + share) / SOC_PIECES as f64
    }
    /// r0, r1, r2 in ohms at `soc` and `degc`, both held at the ends of the tables.
    pub(super) fn resistances_ohm(&self, soc: f64, degc: f64) -> [f64; 3] {
        let y = ((degc - T_MIN_DEGC) / T_STEP_K).clamp(0.0, (T_NODES - 1) as f64);
        let x = (soc * R_PIECES as f64).clamp(0.0, R_PIECES as f64);
        let (row, column) = ((y as usize).min(T_NODES - 2), (x as usize).min(R_PIECES - 1));
        let (t, s) = (y - row as f64, x - column as f64);
        let node = |row: usize, column: usize| &self.resistance_ohm[row * (R_PIECES + 1) + column];
        let corners = [
            (node(row, column), (1.0 - t) * (1.0 - s)),
            (node(row, column + 1), (1.0 - t) * s),
            (node(row + 1, column), t * (1.0 - s)),
            (node(row + 1, column + 1), t * s),
        ];
        std::array::from_fn(|j| corners.iter().map(|(ohms, weight)| ohms[j] * weight).sum())
    }
}

/// The table of `SOC_PIECES` at `soc`; beyond 0 and 1 the first or last piece goes on.
fn interpolate(table: &[f64], soc: f64) -> f64 {
    let x = soc * SOC_PIECES as f64;
    // A cast of a negative number or of a NaN gives 0.
    let piece = (x as usize).min(SOC_PIECES - 1);
    table[piece] + (table[piece + 1] - table[piece]) * (x - piece as f64)
}

/// r0, r1, r2 in ohms; 0 for a pair that the chemistry lacks.
fn resistances_ohm(chemistry: &Chemistry, soc: f64, degc: f64) -> [f64; 3] {
    let pair =
        |j: usize| chemistry.rc.get(j).map_or(0.0, |pair| pair.resistance.at(soc, degc, 0.0));
    [chemistry.r0.at(soc, degc, 0.0), pair(0), pair(1)]
}

/// Capacitances of both pairs in F.
fn capacitances_f(chemistry: &Chemistry) -> [f64; 2] {
    std::array::from_fn(|j| {
        chemistry.rc.get(j).map_or(f64::INFINITY, |pair| pair.capacitance_f.at(0.5, 25.0, 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::chemistry::{built_in, parse_chemistry};
    use proptest::prelude::*;

    fn lfp() -> (Chemistry, BmsModel) {
        let chemistry = parse_chemistry("lfp-280", built_in("lfp-280").unwrap()).unwrap();
        let model = BmsModel::new(&BmsSpec::default(), &chemistry);
        (chemistry, model)
    }

    proptest! {
        #[test]
        fn the_tables_say_what_the_chemistry_says(soc in 0.0f64..1.0, degc in -30.0f64..60.0) {
            let (chemistry, model) = lfp();
            prop_assert!((model.ocv_v(soc) - chemistry.ocv.at(soc, 25.0, 0.0)).abs() < 1e-9);
            prop_assert!((model.soc_at_ocv(chemistry.ocv.at(soc, 25.0, 0.0)) - soc).abs() < 1e-6);
            let [r0, r1, r2] = model.resistances_ohm(soc, degc);
            prop_assert!((r0 / chemistry.r0.at(soc, degc, 0.0) - 1.0).abs() < 5e-3);
            prop_assert!((r1 / chemistry.rc[0].resistance.at(soc, degc, 0.0) - 1.0).abs() < 5e-3);
            prop_assert!((r2 / chemistry.rc[1].resistance.at(soc, degc, 0.0) - 1.0).abs() < 5e-3);
        }
    }

    #[test]
    fn lfp_is_flat_in_the_middle_and_steep_at_both_ends() {
        let (_, model) = lfp();
        assert!(model.slope_v(0.5) < 0.06, "{}", model.slope_v(0.5));
        assert!(model.slope_v(0.05) > 3.0 && model.slope_v(0.995) > 10.0);
        assert!(model.soc_at_ocv(3.6) > 1.0 && model.soc_at_ocv(2.0) < 0.0);
    }
}
