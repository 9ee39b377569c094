//! How parallel racks share a power: closed form, no iteration.
//!
//! Within a tick a rack looks like a source `e_v` behind a resistance `r_ohm` (see
//! [`super::rack::Rack::source`]). In parallel they make one source A behind B, and the current at
//! which A - B I times I is the power P follows from a quadratic. Racks at zero power still
//! exchange the currents that their differences drive.

/// One rack as the bus sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// Voltage at no current, in volts.
    pub e_v: f64,
    /// Resistance, > 0.
    pub r_ohm: f64,
}

/// All closed racks together; `None` stands for no closed rack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bus {
    /// Voltage at no total current.
    pub a_v: f64,
    /// Resistance of the racks in parallel.
    pub b_ohm: f64,
}

/// The bus at one power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BusPoint {
    /// Voltage.
    pub voltage_v: f64,
    /// Sum of the rack currents, positive is discharge.
    pub current_a: f64,
    /// Whether the power asked for is beyond what any current can deliver.
    pub beyond_matched_load: bool,
}

impl Bus {
    /// The closed racks in parallel.
    pub fn of(sources: impl Iterator<Item = Source>) -> Option<Self> {
        let (mut conductance, mut weighted) = (0.0, 0.0);
        for source in sources {
            conductance += 1.0 / source.r_ohm;
            weighted += source.e_v / source.r_ohm;
        }
        (conductance > 0.0).then(|| Self { a_v: weighted / conductance, b_ohm: 1.0 / conductance })
    }

    /// The point at which the bus gives `power_w` (negative: takes it).
    pub fn at_power(&self, power_w: f64) -> BusPoint {
        let discriminant = self.a_v * self.a_v - 4.0 * self.b_ohm * power_w;
        if discriminant < 0.0 {
            // The most that the racks can give: half the voltage, at the matched load.
            let voltage_v = 0.5 * self.a_v;
            let current_a = voltage_v / self.b_ohm;
            return BusPoint { voltage_v, current_a, beyond_matched_load: true };
        }
        // The small root, in the form that does not cancel near zero power.
        let current_a = 2.0 * power_w / (self.a_v + discriminant.sqrt());
        self.at_current(current_a)
    }

    /// The point at which the sum of the currents is `current_a`.
    pub fn at_current(&self, current_a: f64) -> BusPoint {
        let voltage_v = self.a_v - self.b_ohm * current_a;
        BusPoint { voltage_v, current_a, beyond_matched_load: false }
    }
}

impl Source {
    /// The current of this rack at the bus voltage `voltage_v`.
    pub fn current_a(&self, voltage_v: f64) -> f64 {
        (self.e_v - voltage_v) / self.r_ohm
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unequal_racks_exchange_current_at_zero_power() {
        let racks = [Source { e_v: 1371.0, r_ohm: 0.2 }, Source { e_v: 1370.0, r_ohm: 0.2 }];
        let bus = Bus::of(racks.into_iter()).unwrap();
        let point = bus.at_power(0.0);
        let currents = racks.map(|rack| rack.current_a(point.voltage_v));
        assert!((currents[0] - 2.5).abs() < 1e-9 && (currents[1] + 2.5).abs() < 1e-9);
    }

    #[test]
    fn no_closed_rack_makes_no_bus() {
        assert_eq!(Bus::of(std::iter::empty()), None);
    }

    #[test]
    fn beyond_the_matched_load_the_racks_give_the_most_they_can_and_say_so() {
        let bus = Bus { a_v: 1000.0, b_ohm: 0.1 };
        let point = bus.at_power(3.0e6);
        assert!(point.beyond_matched_load);
        assert!((point.voltage_v * point.current_a - 2.5e6).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn the_rack_currents_add_up_to_the_bus_and_the_bus_gives_the_power(
            racks in proptest::collection::vec((1200.0..1500.0f64, 0.1..0.5f64), 1..20),
            power_w in -5.0e6..1.0e6f64,
        ) {
            let racks: Vec<Source> =
                racks.into_iter().map(|(e_v, r_ohm)| Source { e_v, r_ohm }).collect();
            let bus = Bus::of(racks.iter().copied()).unwrap();
            let point = bus.at_power(power_w);
            let sum: f64 = racks.iter().map(|rack| rack.current_a(point.voltage_v)).sum();
            prop_assert!((sum - point.current_a).abs() < 1e-6);
            let given_w = point.voltage_v * point.current_a;
            prop_assert!((given_w - power_w).abs() <= 1e-9 * power_w.abs().max(1.0) || point.beyond_matched_load);
        }
    }
}
