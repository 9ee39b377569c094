//! How parallel racks share a power: closed form, no iteration.
//!
//! Within a tick a rack looks like a source `e_v` behind a resistance `r_ohm` (see
//! [`super::rack::Rack::source`]). In parallel they make one source A behind B, and the current at
//! which A - B I times I is the power P follows from a quadratic. Racks at zero power still
//! exchange the currents that their differences drive.

use crate::persist::leaf;

/// One rack as the bus sees it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Source {
    /// Voltage at no current, in volts.
    pub e_v: f64,
    /// Resistance, > 0.
    pub r_ohm: f64,
}

/// All closed racks together; `None` stands for no closed rack.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bus {
    /// Voltage at no total current.
    pub a_v: f64,
    /// Resistance of the racks in parallel.
    pub b_ohm: f64,
}
leaf!(Bus);

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

/// One rack in a split whose racks have limits.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Branch {
    /// What the bus sees of it; absent where its contactors or its string are open.
    pub source: Option<Source>,
    /// Largest discharge current in A, >= 0.
    pub discharge_a: f64,
    /// Largest charge current in A, as a magnitude >= 0.
    pub charge_a: f64,
    /// Current in A that the split gave it, positive is discharge.
    pub current_a: f64,
    /// Whether it is held at one of its limits.
    pub held: bool,
}
leaf!(Branch);

/// A bus with racks that are held at their limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shared {
    /// The bus.
    pub point: BusPoint,
    /// Power lost in what holds racks at their limits, in W, >= 0: their own voltage is not that of the
    /// bus.
    pub held_w: f64,
}

/// Shares `power_w` over the branches: each current follows from the bus voltage, but racks that would
/// exceed a limit are held there and the rest share what is left, until none exceeds. `None` without
/// a closed rack. The point's current is the sum of the branches'; where all racks are at their limits
/// it gives what they can of the power.
pub fn share_out(branches: &mut [Branch], power_w: f64) -> Option<Shared> {
    branches.iter_mut().for_each(|branch| (branch.held, branch.current_a) = (false, 0.0));
    let any = branches.iter().any(|branch| branch.source.is_some());
    // Every round but the last holds at least one more.
    for _ in 0..=branches.len() {
        let held_a: f64 = branches.iter().filter(|b| b.held).map(|b| b.current_a).sum();
        let free = || branches.iter().filter(|b| !b.held).filter_map(|b| b.source);
        let Some(bus) = Bus::of(free()) else { break };
        // Racks at a fixed current lift the bus like a higher source.
        let lifted = Bus { a_v: bus.a_v + bus.b_ohm * held_a, ..bus };
        let point = lifted.at_power(power_w);
        let (mut above_a, mut below_a) = (0.0, 0.0);
        for branch in branches.iter_mut().filter(|branch| !branch.held) {
            let Some(source) = branch.source else { continue };
            branch.current_a = source.current_a(point.voltage_v);
            above_a += (branch.current_a - branch.discharge_a).max(0.0);
            below_a += (-branch.charge_a - branch.current_a).max(0.0);
        }
        // A rounding error beyond a limit is none.
        if above_a.max(below_a) <= 1e-9 {
            // The most that the free racks can give beside those held; with others held it may be more.
            if point.beyond_matched_load && branches.iter().any(|branch| branch.held) {
                return Some(settle(branches, power_w));
            }
            return Some(consistent(branches, point, power_w));
        }
        // Only the side that exceeds more is held: what it gives up moves the bus away from the other
        // side's limits, so nothing is held that would be free in the end.
        for branch in branches.iter_mut().filter(|branch| !branch.held && branch.source.is_some()) {
            if above_a >= below_a && branch.current_a > branch.discharge_a {
                (branch.held, branch.current_a) = (true, branch.discharge_a);
            } else if above_a < below_a && branch.current_a < -branch.charge_a {
                (branch.held, branch.current_a) = (true, -branch.charge_a);
            }
        }
    }
    any.then(|| {
        let closed = || branches.iter().filter(|branch| branch.source.is_some());
        // Between racks at opposite limits the bus has room to meet the power.
        let gives = closed().any(|branch| branch.current_a > 0.0);
        // And a rack behind much resistance, such as an arc, gives nothing at its limit: half of its voltage is
        // gone at its matched load, all of it at twice that current.
        let is_beyond = |branch: &Branch| {
            branch.source.is_some_and(|source| source.r_ohm * branch.current_a > 0.5 * source.e_v)
        };
        // And the bus is where the weakest of them is: far below the others it keeps them from giving what they could.
        let point = all_held(branches);
        let own_v = |branch: &Branch| {
            branch.source.map(|source| source.e_v - source.r_ohm * branch.current_a)
        };
        let is_above = |branch: &Branch| own_v(branch).is_some_and(|v| v > point.voltage_v);
        let is_short = point.voltage_v * point.current_a < power_w && closed().any(is_above);
        let is_odd = |branch: &Branch| branch.current_a < 0.0 || is_beyond(branch);
        if gives && (is_short || closed().any(is_odd)) {
            return settle(branches, power_w);
        }
        consistent(branches, point, power_w)
    })
}

/// The shares at `point`, or those of [`settle`] where a rack is held that the bus does not press
/// against its limit: racks far apart, held at opposite sides on the way.
fn consistent(branches: &mut [Branch], point: BusPoint, power_w: f64) -> Shared {
    let presses = |branch: &Branch| {
        let Some(source) = branch.source.filter(|_| branch.held) else { return true };
        held_by(branch.current_a, source, point.voltage_v) >= -1e-6
    };
    if branches.iter().all(presses) {
        Shared { point, held_w: held_w(branches, point.voltage_v) }
    } else {
        settle(branches, power_w)
    }
}

/// Searches the bus voltage at which the racks, each within its limits, give `power_w`; where they
/// cannot, the one at which they give most, or at which all of them are at their limits on the side of charge.
fn settle(branches: &mut [Branch], power_w: f64) -> Shared {
    let sources = || branches.iter().filter_map(|b| b.source.map(|source| (b, source)));
    let within = |branch: &Branch, source: Source, bus_v: f64| {
        source.current_a(bus_v).min(branch.discharge_a).max(-branch.charge_a)
    };
    let current_a = |bus_v: f64| -> f64 { sources().map(|(b, s)| within(b, s, bus_v)).sum() };
    // Below the one every rack gives all that it may, above the other it takes all.
    let lowest_v = sources().map(|(b, s)| s.e_v - s.r_ohm * b.discharge_a).fold(f64::MAX, f64::min);
    let highest_v = sources().map(|(b, s)| s.e_v + s.r_ohm * b.charge_a).fold(0.0, f64::max);
    // Both searches halve what is left until nothing is.
    let halve = |mut low_v: f64, mut high_v: f64, is_below: &dyn Fn(f64) -> bool| {
        for _ in 0..100 {
            let middle_v = 0.5 * (low_v + high_v);
            if is_below(middle_v) { low_v = middle_v } else { high_v = middle_v }
        }
        0.5 * (low_v + high_v)
    };
    let rest_v = halve(lowest_v, highest_v, &|bus_v| current_a(bus_v) > 0.0);
    let gives_more = |bus_v: f64| bus_v * current_a(bus_v) > power_w;
    let bus_v = if power_w >= 0.0 {
        // Between the voltages at which a rack comes to its limit the power is a parabola. From rest on down, the
        // first voltage that gives enough is the one with the least current.
        let corners = |(b, s): (&Branch, Source)| {
            [s.e_v - s.r_ohm * b.discharge_a, s.e_v + s.r_ohm * b.charge_a]
        };
        let (mut above_v, mut best_v, mut found_v) = (rest_v, rest_v, None);
        while above_v > 0.0 && found_v.is_none() {
            let below = sources().flat_map(corners).filter(|corner_v| *corner_v < above_v);
            let corner_v = below.fold(0.0, f64::max);
            let slope = (current_a(corner_v) - current_a(above_v)) / (above_v - corner_v);
            let peak_v = 0.5 * (above_v + current_a(above_v) / slope.max(f64::MIN_POSITIVE));
            let mut last_v = above_v;
            for bus_v in [peak_v.clamp(corner_v, above_v), corner_v] {
                if found_v.is_none() && gives_more(bus_v) {
                    found_v = Some(halve(bus_v, last_v, &gives_more));
                }
                if bus_v * current_a(bus_v) > best_v * current_a(best_v) {
                    best_v = bus_v;
                }
                last_v = bus_v;
            }
            above_v = corner_v;
        }
        found_v.unwrap_or(best_v)
    } else if gives_more(highest_v) {
        highest_v
    } else {
        halve(rest_v, highest_v, &gives_more)
    };
    for branch in branches.iter_mut() {
        let Some(source) = branch.source else { continue };
        let free_a = source.current_a(bus_v);
        branch.current_a = free_a.min(branch.discharge_a).max(-branch.charge_a);
        branch.held = branch.current_a != free_a;
    }
    let current_a: f64 = branches.iter().map(|branch| branch.current_a).sum();
    let has_room = |b: &Branch| b.source.is_some() && b.current_a < b.discharge_a * (1.0 - 1e-9);
    let could_more = branches.iter().any(has_room);
    let is_short = bus_v * current_a < power_w * (1.0 - 1e-6);
    let beyond_matched_load = power_w > 0.0 && is_short && could_more;
    let point = BusPoint { voltage_v: bus_v, current_a, beyond_matched_load };
    Shared { point, held_w: held_w(branches, bus_v) }
}

/// Power between the voltage of a rack at `current_a` and the bus.
fn held_by(current_a: f64, source: Source, bus_v: f64) -> f64 {
    current_a * (source.e_v - source.r_ohm * current_a - bus_v)
}

/// Power between the racks' own voltages and the bus.
fn held_w(branches: &[Branch], bus_v: f64) -> f64 {
    let held = branches.iter().filter(|branch| branch.held);
    held.filter_map(|b| b.source.map(|source| (b.current_a, source)))
        .map(|(current_a, source)| held_by(current_a, source, bus_v))
        .sum()
}

/// Every rack at a limit: the bus is where the weakest of them is, which gives no more power than was
/// asked for.
fn all_held(branches: &[Branch]) -> BusPoint {
    let closed = branches.iter().filter_map(|b| b.source.map(|source| (source, b.current_a)));
    let current_a: f64 = closed.clone().map(|(_, current_a)| current_a).sum();
    let voltages = closed.map(|(source, current_a)| source.e_v - source.r_ohm * current_a);
    let voltage_v = if current_a >= 0.0 {
        voltages.fold(f64::INFINITY, f64::min)
    } else {
        voltages.fold(f64::NEG_INFINITY, f64::max)
    };
    BusPoint { voltage_v, current_a, beyond_matched_load: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn branch(e_v: f64, r_ohm: f64, limit_a: f64) -> Branch {
        let source = Some(Source { e_v, r_ohm });
        Branch { source, discharge_a: limit_a, charge_a: limit_a, current_a: 0.0, held: false }
    }

    #[test]
    fn a_rack_at_its_limit_is_held_and_the_others_carry_the_rest() {
        let mut racks =
            [branch(1380.0, 0.2, 50.0), branch(1370.0, 0.2, 500.0), branch(1370.0, 0.2, 500.0)];
        let Shared { point, held_w } = share_out(&mut racks, 400e3).unwrap();
        assert_eq!((racks[0].held, racks[0].current_a), (true, 50.0));
        assert!((racks[1].current_a - racks[2].current_a).abs() < 1e-9);
        assert!((point.current_a - racks.iter().map(|r| r.current_a).sum::<f64>()).abs() < 1e-6);
        assert!((point.current_a * point.voltage_v - 400e3).abs() < 1e-3, "{point:?}");
        let given_w: f64 = racks
            .iter()
            .map(|r| r.current_a * (r.source.unwrap().e_v - r.source.unwrap().r_ohm * r.current_a))
            .sum();
        assert!((given_w - 400e3 - held_w).abs() < 1e-3 && held_w > 100.0, "{given_w} {held_w}");
    }

    #[test]
    fn racks_at_opposite_limits_still_give_what_is_asked_for() {
        // At rest the higher rack may give no more than the lower one may take.
        let mut racks = [branch(1390.0, 0.2, 10.0), branch(1370.0, 0.2, 20.0)];
        for asked_w in [0.0, 5e3, -5e3] {
            let point = share_out(&mut racks, asked_w).unwrap().point;
            assert!((point.voltage_v * point.current_a - asked_w).abs() < 1e-3, "{racks:?}");
        }
        // A rack that may not be charged is not held there when the power needs it.
        let mut racks = [branch(1380.0, 0.2, 50.0), branch(1360.0, 0.2, 500.0)];
        racks[1].charge_a = 0.0;
        let point = share_out(&mut racks, 100e3).unwrap().point;
        assert!((point.voltage_v * point.current_a - 100e3).abs() < 1e-3, "{racks:?}");
    }

    #[test]
    fn an_open_rack_carries_nothing_and_when_all_are_held_they_give_what_they_may() {
        let mut racks =
            [branch(1370.0, 0.2, 50.0), branch(1370.0, 0.2, 60.0), branch(1370.0, 0.2, 1e3)];
        racks[2].source = None;
        let Shared { point, held_w } = share_out(&mut racks, 400e3).unwrap();
        assert_eq!(racks.map(|r| r.current_a), [50.0, 60.0, 0.0]);
        assert!((point.current_a - 110.0).abs() < 1e-9);
        assert!((1357.0..1370.0).contains(&point.voltage_v) && held_w >= 0.0, "{point:?}");
        assert_eq!(share_out(&mut racks[2..], 1.0), None);
    }

    #[test]
    fn a_rack_behind_an_arc_gives_what_it_can_and_the_bus_does_not_turn_round() {
        // Twelve kilowatts of two racks of 53 V; one of them has an arc of 20 ohm in its line.
        let mut racks = [branch(53.0, 0.02, 157.0), branch(53.0, 20.0, 157.0)];
        let Shared { point, held_w } = share_out(&mut racks, 12e3).unwrap();
        let given_w = point.voltage_v * point.current_a;
        // The good rack gives all that it may; the other one 35 W at most.
        assert!((7_500.0..8_000.0).contains(&given_w) && point.beyond_matched_load, "{given_w}");
        assert!((racks[0].current_a - 157.0).abs() < 1e-6 && held_w >= 0.0, "{racks:?}");
        // What it can give it does give.
        let Shared { point, .. } = share_out(&mut racks, 7e3).unwrap();
        assert!((point.voltage_v * point.current_a - 7e3).abs() < 1e-3, "{point:?}");
        assert!(point.voltage_v > 49.0 && racks[1].current_a > 0.0, "{racks:?}");
    }

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
        fn no_rack_exceeds_its_limits_and_the_power_is_met_unless_all_are_at_them(
            racks in proptest::collection::vec(
                (1300.0..1400.0f64, 0.1..0.5f64, 0.0..300.0f64, 0.0..300.0f64), 1..16),
            share in -1.2..1.2f64,
            small in any::<bool>(),
        ) {
            let mut racks: Vec<Branch> =
                racks.into_iter().map(|(e_v, r_ohm, discharge_a, charge_a)| {
                    Branch { charge_a, ..branch(e_v, r_ohm, discharge_a) }
                }).collect();
            let most_a: f64 = racks.iter().map(|rack| rack.discharge_a.max(rack.charge_a)).sum();
            let power_w = share * most_a * 1350.0 * if small { 0.01 } else { 1.0 };
            let Shared { point, held_w } = share_out(&mut racks, power_w).unwrap();
            for rack in &racks {
                prop_assert!(rack.current_a <= rack.discharge_a + 1e-9);
                prop_assert!(rack.current_a >= -rack.charge_a - 1e-9);
            }
            let sum: f64 = racks.iter().map(|rack| rack.current_a).sum();
            prop_assert!((sum - point.current_a).abs() < 1e-6);
            let met = (point.voltage_v * point.current_a - power_w).abs() <= 1e-6 * power_w.abs().max(1.0);
            prop_assert!(held_w >= -1e-6, "{held_w}");
            // Short of the power only where every rack is at its limit on the side that would help.
            let all_held = racks.iter().all(|rack| {
                let limit_a = if power_w > 0.0 { rack.discharge_a } else { -rack.charge_a };
                (rack.current_a - limit_a).abs() < 1e-6
            });
            prop_assert!(met || all_held || point.beyond_matched_load, "{point:?} {power_w}");
            let given_w = point.voltage_v * point.current_a;
            prop_assert!(given_w.abs() <= power_w.abs() * (1.0 + 1e-9) + 1e-6 || met, "{given_w} {power_w}");
        }

        #[test]
        fn whatever_lies_in_their_lines_racks_give_no_more_than_asked_and_never_the_other_way(
            racks in proptest::collection::vec(
                (40.0..60.0f64, -3.0..2.5f64, 0.0..300.0f64, 0.0..300.0f64), 1..6),
            power_w in -20e3..20e3f64,
        ) {
            let mut racks: Vec<Branch> =
                racks.into_iter().map(|(e_v, exponent, discharge_a, charge_a)| {
                    let r_ohm = bess_core::math::pow(10.0, exponent);
                    Branch { charge_a, ..branch(e_v, r_ohm, discharge_a) }
                }).collect();
            let Shared { point, held_w } = share_out(&mut racks, power_w).unwrap();
            let given_w = point.voltage_v * point.current_a;
            let (least_w, most_w) = (power_w.min(0.0), power_w.max(0.0));
            let margin_w = 1e-6 * power_w.abs() + 1e-3;
            prop_assert!((least_w - margin_w..=most_w + margin_w).contains(&given_w), "{given_w} of {power_w}");
            prop_assert!(point.voltage_v > 0.0 && held_w >= -1e-3, "{point:?} {held_w}");
            // No other voltage of the bus gives more of what was asked for.
            let at = |bus_v: f64| -> f64 {
                bus_v * racks.iter().map(|b| {
                    b.source.unwrap().current_a(bus_v).min(b.discharge_a).max(-b.charge_a)
                }).sum::<f64>()
            };
            let most_w = (1..600).map(|n| at(f64::from(n) * 0.1)).fold(0.0, f64::max);
            prop_assert!(power_w < 0.0 || given_w >= most_w.min(power_w) * (1.0 - 1e-6) - 1e-3, "{given_w} of {most_w}");
        }

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
