//! The thermal surroundings of a unit's cells: coolant loop or air, chiller, pump, fans, heater and
//! the container's walls.
//!
//! Heat moves along a chain: ambient, outer skin, insulation, inner skin, air, and with liquid
//! cooling the coolant. Cells give their heat to the last node. Controls look at the temperatures of
//! the tick before and switch; then one implicit step moves all nodes.
//!
//! Electric power of pump, fans, heater and base load ends as heat inside; that of the chiller goes
//! out with the heat that it takes out. The coolant is well mixed but for its rise along a rack.

mod chain;
mod thermostat;

#[cfg(test)]
mod tests;

use crate::persist::leaf;
use bess_core::math;
use bess_core::spec::{CoolingKind, CoolingSpec, HEATER_BAND_K, WallSpec};
use bess_core::time::TICK_S;
use chain::{NODES_MAX, Node};
use thermostat::{Thermostat, Thresholds};

/// Conductance to the plates while the coolant stands, as a fraction of that with flow, and to the
/// air while the fans stand, as a fraction of that at full speed: conduction and natural convection
/// are left [E engineering choice].
const STANDING_COOLANT: f64 = 0.02;
const STANDING_AIR: f64 = 0.1;
/// The pump starts when the hottest cell is this much warmer than the coolant, and stops when it is
/// half of that, in K \[E\].
const PUMP_ON_K: f64 = 2.0;
/// The chiller takes nothing out of a medium that is this much colder than where it would go off
/// (frost protection of coolant, coldest supply of air), in K \[E\].
const LOWEST_COOLANT_K: f64 = 5.0;
const LOWEST_AIR_K: f64 = 10.0;

/// Share of a loop's flow whose loss its switch tells of, and from which on pump, chiller and heater stop
/// \[E\].
const TOLD_FLOW_LOST: f64 = 0.5;
const STOPPED_FLOW_LOST: f64 = 0.9;
/// Heat that an open door lets through in W/K: 0.3 m3/s of air, of 1,206 J/(m3 K) \[E\].
const DOOR_W_PER_K: f64 = 0.3 * 1_206.0;

/// What the container stands in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outside {
    /// Ambient temperature in degC.
    pub ambient_degc: f64,
    /// Irradiance in W/m2, >= 0.
    pub solar_w_per_m2: f64,
}

/// What does not work. A part that fails stops at once and can start again when it is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Failures {
    /// The chiller (liquid) or air conditioner (air).
    pub chiller: bool,
    /// The pump of a liquid loop; chiller and heater stop as well, for want of flow.
    pub pump: bool,
    /// The fans of air cooling; chiller and heater stop as well. A liquid unit has none.
    pub fan: bool,
    /// Share of the flow of a liquid loop that is lost by a leak, 0 to 1.
    pub flow_lost: f64,
}

impl Failures {
    /// Whether something has failed that tells of itself: a loop has a switch for its flow.
    pub fn are_told(&self) -> bool {
        self.chiller || self.pump || self.fan || self.flow_lost >= TOLD_FLOW_LOST
    }
}

/// State of a unit's cooling.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cooling {
    /// Coolant temperature in degC; with air cooling that of the air.
    pub coolant_degc: f64,
    /// Temperature of the container's air in degC.
    pub air_degc: f64,
    /// Heat that the chiller takes out now, in watts.
    pub cooling_w: f64,
    /// What does not work.
    pub failures: Failures,
    /// Whether there is electricity for it; without any nothing runs and nothing is drawn.
    pub supplied: bool,
    /// Whether a door is open, so that the air mixes with what is outside.
    pub door_open: bool,
    /// Temperatures of outer skin, insulation and inner skin in degC.
    walls_degc: [f64; 3],
    chiller: Thermostat,
    heating: bool,
    pump_on: bool,
    /// Speed of the fans as a fraction of full speed; 0 when they stand.
    fan_speed: f64,
    /// Heat of the heater now, in watts.
    heater_w: f64,
    /// Electric power now, of the chiller and of all else; the latter heats the inside.
    chiller_electric_w: f64,
    inside_electric_w: f64,
    /// Heat from ambient and sun into the outer skin, in watts.
    outside_w: f64,
}
leaf!(Cooling);

impl Cooling {
    /// Everything at `initial_degc`, nothing running but the base load.
    pub fn new(spec: &CoolingSpec, initial_degc: f64) -> Self {
        Self {
            coolant_degc: initial_degc,
            air_degc: initial_degc,
            cooling_w: 0.0,
            failures: Failures::default(),
            supplied: true,
            door_open: false,
            walls_degc: [initial_degc; 3],
            chiller: Thermostat::OFF,
            heating: false,
            pump_on: false,
            fan_speed: 0.0,
            heater_w: 0.0,
            chiller_electric_w: 0.0,
            inside_electric_w: spec.base_load.0,
            outside_w: 0.0,
        }
    }

    /// One tick. `heat_from_plates_w` is what the cells gave to plates or air; hottest and coldest
    /// are over all cells of the unit.
    pub fn step(
        &mut self,
        spec: &CoolingSpec,
        heat_from_plates_w: f64,
        hottest_cell_degc: f64,
        coldest_cell_degc: f64,
        surroundings: &Outside,
    ) {
        self.switch(spec, hottest_cell_degc, coldest_cell_degc);
        self.run(spec, surroundings.ambient_degc);
        self.move_heat(spec, heat_from_plates_w, surroundings);
    }

    /// Decides what runs in this tick.
    fn switch(&mut self, spec: &CoolingSpec, hottest_degc: f64, coldest_degc: f64) {
        let (is_liquid, failures) = (matches!(spec.kind, CoolingKind::Liquid(_)), self.failures);
        let no_flow = failures.pump || failures.flow_lost >= STOPPED_FLOW_LOST;
        let mover_failed = if is_liquid { no_flow } else { failures.fan };
        let flow_possible = self.supplied && !mover_failed;
        let thresholds = Thresholds {
            on_above: spec.setpoint.0 + spec.band_k,
            off_below: spec.setpoint.0 - spec.band_k,
            min_on: spec.min_on,
            min_off: spec.min_off,
        };
        let watched_degc = if is_liquid { self.coolant_degc } else { hottest_degc };
        self.chiller.step(&thresholds, watched_degc, flow_possible && !failures.chiller);
        self.heating = spec.heater.is_some_and(|heater| {
            let until_degc = heater.below.0 + if self.heating { HEATER_BAND_K } else { 0.0 };
            flow_possible && !self.chiller.on() && coldest_degc < until_degc
        });
        let wanted = self.chiller.on() || self.heating;
        match &spec.kind {
            CoolingKind::Liquid(_) => {
                let least_k = if self.pump_on { 0.5 * PUMP_ON_K } else { PUMP_ON_K };
                let heat_waits = hottest_degc - self.coolant_degc > least_k;
                self.pump_on = flow_possible && (wanted || heat_waits);
            }
            CoolingKind::Air(air) => {
                // From the slowest at the lower threshold to full speed at the upper one.
                let within = (hottest_degc - thresholds.off_below) / (2.0 * spec.band_k);
                let asked = air.speed_min + (1.0 - air.speed_min) * within.clamp(0.0, 1.0);
                let speed = if wanted { 1.0 } else { asked };
                self.fan_speed = if flow_possible { speed } else { 0.0 };
            }
        }
    }

    /// Powers of what runs.
    fn run(&mut self, spec: &CoolingSpec, ambient_degc: f64) {
        let (medium_degc, lowest_k) = match &spec.kind {
            CoolingKind::Liquid(_) => (self.coolant_degc, LOWEST_COOLANT_K),
            CoolingKind::Air(_) => (self.air_degc, LOWEST_AIR_K),
        };
        // Neither takes the medium beyond its bound within a tick.
        let w_per_k = spec.medium_j_per_k() / TICK_S;
        let lowest_degc = spec.setpoint.0 - spec.band_k - lowest_k;
        let room_w = (w_per_k * (medium_degc - lowest_degc)).max(0.0);
        let capacity_w = spec.capacity_at_w(ambient_degc);
        self.cooling_w = if self.chiller.on() { capacity_w.min(room_w) } else { 0.0 };
        self.chiller_electric_w = self.cooling_w / spec.cop_at(ambient_degc);
        let headroom_w = (w_per_k * (spec.setpoint.0 - medium_degc)).max(0.0);
        let heater_w = spec.heater.map_or(0.0, |heater| heater.power.0.min(headroom_w));
        self.heater_w = if self.heating { heater_w } else { 0.0 };
        let base_w = if self.supplied { spec.base_load.0 } else { 0.0 };
        self.inside_electric_w = base_w + self.heater_w + self.mover_w(spec);
    }

    /// Electric power of pump or fans; that of a fan goes with the cube of its speed.
    fn mover_w(&self, spec: &CoolingSpec) -> f64 {
        match &spec.kind {
            CoolingKind::Liquid(liquid) if self.pump_on => liquid.pump.0,
            CoolingKind::Liquid(_) => 0.0,
            CoolingKind::Air(air) => air.fans.0 * self.fan_speed * self.fan_speed * self.fan_speed,
        }
    }

    /// One implicit step of all nodes.
    fn move_heat(&mut self, spec: &CoolingSpec, plates_w: f64, surroundings: &Outside) {
        let mut nodes = [Node::default(); NODES_MAX];
        nodes[..3].copy_from_slice(&wall_nodes(&spec.walls));
        let solar_w = spec.walls.solar_w(surroundings.solar_w_per_m2);
        nodes[0].source_w = solar_w;
        // What the medium gets from cells, heater and pump or fans, less what the chiller takes.
        let medium_w = plates_w + self.heater_w + self.mover_w(spec) - self.cooling_w;
        nodes[3] = Node {
            j_per_k: spec.air_heat_capacity_j_per_k,
            before_w_per_k: spec.walls.area_m2 * spec.walls.inside_w_per_m2_k,
            source_w: if self.supplied { spec.base_load.0 } else { 0.0 },
        };
        // Explicit: the air's time constant is minutes with an open door.
        let door_w = if self.door_open {
            DOOR_W_PER_K * (surroundings.ambient_degc - self.air_degc)
        } else {
            0.0
        };
        nodes[3].source_w += door_w;
        let n = match &spec.kind {
            CoolingKind::Liquid(liquid) => {
                nodes[4] = Node {
                    j_per_k: liquid.heat_capacity_j_per_k,
                    before_w_per_k: liquid.air_to_coolant_w_per_k,
                    source_w: medium_w,
                };
                5
            }
            CoolingKind::Air(_) => {
                nodes[3].source_w += medium_w;
                4
            }
        };
        let [outer, insulation, inner] = self.walls_degc;
        let mut degc = [outer, insulation, inner, self.air_degc, self.coolant_degc];
        let from_ambient_w =
            chain::step(&nodes[..n], &mut degc[..n], surroundings.ambient_degc, TICK_S);
        self.outside_w = from_ambient_w + solar_w + door_w;
        self.walls_degc = [degc[0], degc[1], degc[2]];
        self.air_degc = degc[3];
        self.coolant_degc = degc[n - 1];
    }

    /// Temperature that the cells' plates exchange with at the first module of a rack, in degC: of
    /// the coolant or of the air.
    pub fn plate_supply_degc(&self) -> f64 {
        self.coolant_degc
    }

    /// Conductance from the cells as a fraction of the chemistry's conductance to its plate: 1 with
    /// running coolant, nearly 0 with a pump that stands. Convection to air goes with the speed to
    /// the power of 0.8 (turbulent forced convection).
    pub fn plate_conductance_factor(&self, spec: &CoolingSpec) -> f64 {
        match &spec.kind {
            CoolingKind::Liquid(_) if self.pump_on && self.failures.flow_lost > 0.0 => {
                // Turbulent flow in the plates, as of the air.
                convection(1.0 - self.failures.flow_lost).max(STANDING_COOLANT)
            }
            CoolingKind::Liquid(_) if self.pump_on => 1.0,
            CoolingKind::Liquid(_) => STANDING_COOLANT,
            CoolingKind::Air(air) => air.conductance_factor * convection(self.fan_speed),
        }
    }

    /// How much warmer the coolant gets along one of `n_racks` racks for each watt that it takes up
    /// on the way, in K/W; 0 while it stands, and of air, which reaches all cells alike.
    pub fn plate_rise_k_per_w(&self, spec: &CoolingSpec, n_racks: usize) -> f64 {
        match &spec.kind {
            CoolingKind::Liquid(liquid) if self.pump_on => {
                // At least a tenth of the flow is there while the pump runs.
                let flow = (1.0 - self.failures.flow_lost).max(1.0 - STOPPED_FLOW_LOST);
                liquid.plate_rise_k_per_w(n_racks) / flow
            }
            CoolingKind::Liquid(_) | CoolingKind::Air(_) => 0.0,
        }
    }

    /// Electric power of everything here in watts: base load, pump, fans, heater and chiller.
    pub fn electric_w(&self) -> f64 {
        self.inside_electric_w + self.chiller_electric_w
    }
    /// Heat of the heater in watts.
    pub fn heater_w(&self) -> f64 {
        self.heater_w
    }
    /// Whether the chiller runs.
    pub fn chiller_on(&self) -> bool {
        self.chiller.on()
    }
    /// Whether the pump runs.
    pub fn pump_on(&self) -> bool {
        self.pump_on
    }
    /// Speed of the fans as a fraction of full speed; 0 with liquid cooling.
    pub fn fan_speed(&self) -> f64 {
        self.fan_speed
    }
    /// Heat that comes in through the walls, from ambient and sun, in watts.
    pub fn outside_w(&self) -> f64 {
        self.outside_w
    }
    /// Electric power that ends as heat inside, in watts: all but the chiller's.
    pub fn inside_electric_w(&self) -> f64 {
        self.inside_electric_w
    }
    /// Temperatures of outer skin, insulation and inner skin in degC.
    pub fn walls_degc(&self) -> [f64; 3] {
        self.walls_degc
    }

    /// Heat held by walls, air and coolant above 0 degC, in joules.
    pub fn stored_j(&self, spec: &CoolingSpec) -> f64 {
        let walls = wall_nodes(&spec.walls);
        let in_walls: f64 =
            walls.iter().zip(self.walls_degc).map(|(node, degc)| node.j_per_k * degc).sum();
        let in_coolant = match &spec.kind {
            CoolingKind::Liquid(liquid) => liquid.heat_capacity_j_per_k * self.coolant_degc,
            CoolingKind::Air(_) => 0.0,
        };
        in_walls + spec.air_heat_capacity_j_per_k * self.air_degc + in_coolant
    }

    /// Whether every temperature is a number.
    pub fn is_finite(&self) -> bool {
        self.coolant_degc.is_finite()
            && self.air_degc.is_finite()
            && self.walls_degc.iter().all(|degc| degc.is_finite())
    }

    /// Feeds the state to `sink`, for hashing.
    pub fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        let [outer, insulation, inner] = self.walls_degc;
        for value in [
            self.coolant_degc,
            self.air_degc,
            outer,
            insulation,
            inner,
            self.cooling_w,
            self.fan_speed,
            self.heater_w,
            self.chiller_electric_w,
            self.inside_electric_w,
            self.outside_w,
        ] {
            sink(&value.to_le_bytes());
        }
        sink(&self.chiller.ticks().to_le_bytes());
        let Failures { chiller, pump, fan, flow_lost } = self.failures;
        sink(&flow_lost.to_le_bytes());
        sink(
            &[self.chiller.on(), self.heating, self.pump_on, chiller, pump, fan, self.supplied]
                .map(u8::from),
        );
    }
}

/// Convection at a fan speed as a fraction of that at full speed.
fn convection(speed: f64) -> f64 {
    if speed <= 0.0 {
        return STANDING_AIR;
    }
    math::exp(0.8 * math::ln(speed)).max(STANDING_AIR)
}

/// Outer skin, insulation and inner skin. The insulation's node is in its middle, so half of its
/// resistance lies on either side.
fn wall_nodes(walls: &WallSpec) -> [Node; 3] {
    let [outer, insulation, inner] = walls.layers_j_per_m2_k;
    let half_w_per_k = 2.0 * walls.insulation_w_per_m2_k * walls.area_m2;
    [
        (outer, walls.outside_w_per_m2_k * walls.area_m2),
        (insulation, half_w_per_k),
        (inner, half_w_per_k),
    ]
    .map(|(j_per_m2_k, before_w_per_k)| Node {
        j_per_k: j_per_m2_k * walls.area_m2,
        before_w_per_k,
        source_w: 0.0,
    })
}
