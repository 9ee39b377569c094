//! How a container is cooled: by a liquid loop under the cells or by air around them, its walls,
//! and the machine that takes the heat out.

use crate::units::{Celsius, Seconds, Watts};

/// Cooling, heating and auxiliaries of a unit, and the container around them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoolingSpec {
    /// What the cells give their heat to.
    pub kind: CoolingKind,
    /// Temperature that the chiller keeps: of the coolant (liquid) or of the hottest cell (air).
    pub setpoint: Celsius,
    /// The chiller goes on this far above the setpoint and off this far below it, in K, > 0.
    pub band_k: f64,
    /// Largest heat that the chiller takes out at an ambient of [`RATING_AMBIENT_DEGC`].
    pub capacity: Watts,
    /// Coefficient of performance (heat taken out per electric power, > 0) at the same ambient.
    pub cop: f64,
    /// A chiller that went on stays on at least this long.
    pub min_on: Seconds,
    /// A chiller that went off stays off at least this long.
    pub min_off: Seconds,
    /// Heater in the coolant or in the air, for cold farms.
    pub heater: Option<HeaterSpec>,
    /// Controls, lighting and fire detection, drawn at all times and given to the container's air.
    pub base_load: Watts,
    /// Heat capacity of the container's air and what moves with it, in J/K, > 0.
    pub air_heat_capacity_j_per_k: f64,
    /// Walls.
    pub walls: WallSpec,
}

/// What the cells give their heat to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CoolingKind {
    /// A coolant loop through plates under the cells.
    Liquid(LiquidSpec),
    /// The container's air.
    Air(AirSpec),
}

/// A coolant loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiquidSpec {
    /// Heat capacity of coolant, plates and casing in J/K, > 0.
    pub heat_capacity_j_per_k: f64,
    /// Flow through all racks of the unit together while the pump runs, in m3/s, > 0.
    pub flow_m3_per_s: f64,
    /// Electric power of the pump; all of it ends as heat in the coolant.
    pub pump: Watts,
    /// Conductance between the container's air and the loop (plates, pipes, casings) in W/K, >= 0.
    pub air_to_coolant_w_per_k: f64,
}

/// Fans that blow the container's air over the cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AirSpec {
    /// Electric power of all fans at full speed; all of it ends as heat in the air.
    pub fans: Watts,
    /// Slowest speed of the fans as a fraction of full speed.
    pub speed_min: f64,
    /// Conductance from a cell to the air at full speed, as a fraction of the chemistry's
    /// conductance to a liquid plate, > 0.
    pub conductance_factor: f64,
}

/// A resistance heater: all of its electric power is heat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeaterSpec {
    /// Electric power.
    pub power: Watts,
    /// It heats while the coldest cell is below this temperature, and until it is
    /// [`HEATER_BAND_K`] above.
    pub below: Celsius,
}

/// Walls of a container: two metal skins around an insulation, each a node of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WallSpec {
    /// Area of walls, roof and floor in m2, > 0.
    pub area_m2: f64,
    /// Heat capacities of outer skin, insulation and inner skin in J/(m2 K), > 0.
    pub layers_j_per_m2_k: [f64; 3],
    /// Conductance through the insulation from skin to skin in W/(m2 K), > 0.
    pub insulation_w_per_m2_k: f64,
    /// Heat transfer coefficient between outer skin and ambient in W/(m2 K), >= 0.
    pub outside_w_per_m2_k: f64,
    /// Heat transfer coefficient between inner skin and air in W/(m2 K), >= 0.
    pub inside_w_per_m2_k: f64,
    /// Area that the sun shines on, as seen from the sun, in m2, >= 0.
    pub sunlit_m2: f64,
    /// Share of the sunlight that the outer skin takes up.
    pub absorptivity: f64,
}

/// Ambient temperature at which capacity and COP of a chiller are stated, in degC (the usual rating
/// point of air-cooled chillers; COP 3.0 [R SimSES rewrite]).
pub const RATING_AMBIENT_DEGC: f64 = 35.0;
/// The heater stops this far above its threshold, in K [E engineering choice].
pub const HEATER_BAND_K: f64 = 2.0;
/// Density times heat capacity of the coolant in J/(m3 K): water with 50 % glycol at 25 degC,
/// 1,070 kg/m3 times 3,300 J/(kg K) [E rounded handbook figures].
pub const COOLANT_J_PER_M3_K: f64 = 1_070.0 * 3_300.0;

impl CoolingSpec {
    /// Coefficient of performance at an ambient temperature: a constant fraction of Carnot's, so it
    /// goes with the inverse of the lift from the evaporator (5 K below the setpoint) to the
    /// condenser (10 K above ambient). The lift is at least 10 K, and the result between half and
    /// twice the rated COP [E engineering choice; `cop` itself at 35 degC].
    pub fn cop_at(&self, ambient_degc: f64) -> f64 {
        const EVAPORATOR_K: f64 = 5.0;
        const CONDENSER_K: f64 = 10.0;
        const LIFT_MIN_K: f64 = 10.0;
        let evaporator_degc = self.setpoint.0 - EVAPORATOR_K;
        let lift_k = |degc: f64| (degc + CONDENSER_K - evaporator_degc).max(LIFT_MIN_K);
        self.cop * (lift_k(RATING_AMBIENT_DEGC) / lift_k(ambient_degc)).clamp(0.5, 2.0)
    }

    /// Largest heat that the chiller takes out at an ambient temperature, in watts: 1 % less for
    /// each K above the rating point, between 60 and 120 % of the rating [E engineering choice].
    pub fn capacity_at_w(&self, ambient_degc: f64) -> f64 {
        const PER_K: f64 = 0.01;
        let factor = 1.0 - PER_K * (ambient_degc - RATING_AMBIENT_DEGC);
        self.capacity.0 * factor.clamp(0.6, 1.2)
    }

    /// Heat capacity in J/K of what the chiller cools: the coolant loop or the air.
    pub fn medium_j_per_k(&self) -> f64 {
        match &self.kind {
            CoolingKind::Liquid(liquid) => liquid.heat_capacity_j_per_k,
            CoolingKind::Air(_) => self.air_heat_capacity_j_per_k,
        }
    }

    /// Largest conductance from a cell to what cools it, as a fraction of the chemistry's.
    pub fn conductance_factor_max(&self) -> f64 {
        match &self.kind {
            CoolingKind::Liquid(_) => 1.0,
            CoolingKind::Air(air) => air.conductance_factor,
        }
    }
}

impl LiquidSpec {
    /// How much warmer the coolant of one of `n_racks` racks (equal branches of the loop) is for each
    /// watt that the modules before took into it, in K/W, while the pump runs.
    pub fn plate_rise_k_per_w(&self, n_racks: usize) -> f64 {
        n_racks as f64 / (self.flow_m3_per_s * COOLANT_J_PER_M3_K)
    }
}

impl WallSpec {
    /// Heat that the sun puts into the outer skin at an irradiance, in watts.
    pub fn solar_w(&self, irradiance_w_per_m2: f64) -> f64 {
        self.absorptivity * self.sunlit_m2 * irradiance_w_per_m2
    }
    /// Steady conductance from ambient to air in W/K.
    pub fn w_per_k(&self) -> f64 {
        let resistance = 1.0 / self.outside_w_per_m2_k
            + 1.0 / self.insulation_w_per_m2_k
            + 1.0 / self.inside_w_per_m2_k;
        self.area_m2 / resistance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, parse_farm};
    use proptest::prelude::*;

    fn spec() -> CoolingSpec {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).unwrap();
        farm.units[0].design.cooling
    }

    #[test]
    fn a_chiller_has_its_rated_cop_and_capacity_at_35_degc_and_does_worse_when_it_is_hotter() {
        let spec = spec();
        assert!((spec.cop_at(35.0) - 3.0).abs() < 1e-12);
        assert!((spec.capacity_at_w(35.0) - 80_000.0).abs() < 1e-9);
        // 10 K more lift on top of 25 K.
        assert!((spec.cop_at(45.0) - 3.0 * 25.0 / 35.0).abs() < 1e-12);
        assert!((spec.capacity_at_w(45.0) - 72_000.0).abs() < 1e-9);
        assert!((spec.cop_at(-20.0) - 6.0).abs() < 1e-12, "no more than twice the rating");
    }

    #[test]
    fn walls_of_a_20_foot_container_conduct_about_100_watts_per_kelvin() {
        assert!((spec().walls.w_per_k() - 100.0).abs() < 3.0, "{}", spec().walls.w_per_k());
    }

    #[test]
    fn coolant_warms_along_a_rack_by_its_heat_over_its_flow() {
        let CoolingKind::Liquid(liquid) = spec().kind else {
            panic!("the built-in farm is liquid")
        };
        // 62 kW over 12 racks and 400 l/min: 2.6 K from the first to behind the last module.
        let rise_k = liquid.plate_rise_k_per_w(12) * 62_000.0 / 12.0;
        assert!((rise_k - 2.63).abs() < 0.02, "{rise_k}");
    }

    proptest! {
        #[test]
        fn heat_never_helps_a_chiller(colder in -60.0..80.0f64, warmer in -60.0..80.0f64) {
            let (colder, warmer) = (colder.min(warmer), colder.max(warmer));
            let spec = spec();
            prop_assert!(spec.cop_at(warmer) <= spec.cop_at(colder));
            prop_assert!(spec.capacity_at_w(warmer) <= spec.capacity_at_w(colder));
            prop_assert!(spec.cop_at(warmer) >= 1.5 && spec.capacity_at_w(warmer) >= 48_000.0);
        }
    }
}
