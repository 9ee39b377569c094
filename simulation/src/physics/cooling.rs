//! The coolant circuit of a unit: one well-mixed temperature, a chiller and a base load.
//!
//! The chiller takes out what keeps the coolant at its setpoint, up to its capacity. Racks do not
//! differ by their place in the circuit.

use bess_core::spec::{CHILLER_BAND_K, CoolingSpec};
use bess_core::time::TICK_S;

/// State of a unit's cooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cooling {
    /// Coolant temperature in degC.
    pub coolant_degc: f64,
    /// Heat that the chiller takes out now, in watts.
    pub cooling_w: f64,
}

impl Cooling {
    /// A circuit at `coolant_degc`, chiller off.
    pub fn new(coolant_degc: f64) -> Self {
        Self { coolant_degc, cooling_w: 0.0 }
    }

    /// One tick: `heat_w` comes from the cells' plates, walls exchange with `ambient_degc`.
    pub fn step(&mut self, spec: &CoolingSpec, heat_w: f64, ambient_degc: f64) {
        let excess_k = self.coolant_degc - spec.setpoint.0;
        self.cooling_w = spec.capacity.0 * (excess_k / CHILLER_BAND_K).clamp(0.0, 1.0);
        let wall_w = spec.wall_w_per_k * (ambient_degc - self.coolant_degc);
        let net_w = heat_w + wall_w - self.cooling_w;
        self.coolant_degc += net_w * TICK_S / spec.heat_capacity_j_per_k;
    }

    /// Electric power of chiller, pumps and controls in watts.
    pub fn electric_w(&self, spec: &CoolingSpec) -> f64 {
        spec.base_load.0 + self.cooling_w / spec.cop
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::config::{BUILT_IN_FARM, parse_farm};

    #[test]
    fn the_coolant_settles_where_the_chiller_takes_out_what_comes_in() {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).unwrap();
        let spec = farm.units[0].design.cooling;
        let mut cooling = Cooling::new(25.0);
        for _ in 0..200_000 {
            cooling.step(&spec, 40_000.0, 25.0);
        }
        assert!((cooling.coolant_degc - 26.0).abs() < 0.05, "{cooling:?}");
        let wall_w = spec.wall_w_per_k * (cooling.coolant_degc - 25.0);
        assert!((cooling.cooling_w + wall_w - 40_000.0).abs() < 1.0);
        let electric_w = cooling.electric_w(&spec);
        assert!((electric_w - (3_000.0 + cooling.cooling_w / 3.0)).abs() < 1e-9);
    }
}
