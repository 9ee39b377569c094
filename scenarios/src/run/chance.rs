//! Chance of a run: one random stream for each (seed, action, target, parameter), so that one more fault
//! shifts no other's draws.

use crate::format::Draw;
use bess_core::math;
use bess_core::rng::{Domain, Stream, Streams, splitmix};

/// The chance of one run, or of one single fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    /// Its seed.
    pub seed: u64,
}

impl Chance {
    /// The stream of `parameter` of `action` at `target`; equal names give equal streams.
    pub(super) fn stream(self, action: &str, target: &str, parameter: &str) -> Stream {
        Streams::new(self.seed).stream(Domain::Scenario, index(&[action, target, parameter]))
    }
    /// A seed for what draws by itself.
    pub(super) fn derived(self, action: &str, target: &str, parameter: &str) -> u64 {
        self.stream(action, target, parameter).bits()
    }
}

/// 64-bit FNV-1a (Fowler, Noll, Vo; IETF draft-eastlake-fnv) of bytes.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    bytes.iter().fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

fn index(names: &[&str]) -> u64 {
    splitmix(fnv1a(names.join("\0").as_bytes()))
}

/// Draws that are tried before a bounded distribution is cut instead.
const TRIES: usize = 1000;

/// Draws one number.
pub(super) fn draw(draw: &Draw, stream: &mut Stream) -> f64 {
    match draw {
        Draw::Uniform { min, max } => min + (max - min) * stream.uniform(),
        Draw::Normal { mean, sd, min, max } => {
            let mut drawn = *mean;
            for _ in 0..TRIES {
                drawn = mean + sd * stream.normal();
                if (*min..=*max).contains(&drawn) {
                    return drawn;
                }
            }
            drawn.clamp(*min, *max)
        }
        Draw::Lognormal { mu, sigma } => math::exp(mu + sigma * stream.normal()),
        Draw::Exponential { mean } => -mean * math::ln(1.0 - stream.uniform()),
        Draw::Weibull { shape, scale } => {
            scale * math::pow(-math::ln(1.0 - stream.uniform()), 1.0 / shape)
        }
        Draw::Bernoulli { p } => f64::from(u8::from(stream.uniform() < *p)),
        Draw::Choice { of, weights } => {
            let total: f64 = weights.iter().sum();
            let mut left = stream.uniform() * total;
            for (number, weight) in of.iter().zip(weights) {
                left -= weight;
                if left < 0.0 {
                    return *number;
                }
            }
            // Rounding may leave nothing but the last one that has a weight.
            let heavy = of.iter().zip(weights).rev().find(|(_, weight)| **weight > 0.0);
            heavy.map_or(f64::NAN, |(number, _)| *number)
        }
        // Where a single number is asked for: the share that is lost in the long run.
        Draw::GilbertElliott { p_good_to_bad, p_bad_to_good, loss_good, loss_bad } => {
            let turns = p_good_to_bad + p_bad_to_good;
            if turns > 0.0 {
                (p_good_to_bad * loss_bad + p_bad_to_good * loss_good) / turns
            } else {
                *loss_good
            }
        }
    }
}

/// The places of `n` out of `0..of`, drawn without putting back, in increasing order.
pub(super) fn choose(n: usize, of: usize, stream: &mut Stream) -> Vec<usize> {
    let mut places: Vec<usize> = (0..of).collect();
    let n = n.min(of);
    for taken in 0..n {
        let among = of - taken;
        let pick = taken + ((stream.uniform() * among as f64) as usize).min(among - 1);
        places.swap(taken, pick);
    }
    places.truncate(n);
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(seed: u64) -> Stream {
        Chance { seed }.stream("arc", "unit-001", "power_w")
    }

    fn mean(of: &Draw) -> f64 {
        let mut stream = stream(7);
        (0..50_000).map(|_| draw(of, &mut stream)).sum::<f64>() / 50_000.0
    }

    #[test]
    fn each_action_target_and_parameter_has_a_stream_of_its_own_and_the_seed_matters() {
        let first = |seed, names: [&str; 3]| {
            Chance { seed }.stream(names[0], names[1], names[2]).uniform().to_bits()
        };
        let one = first(1, ["arc", "unit-001", "power_w"]);
        assert_eq!(one, first(1, ["arc", "unit-001", "power_w"]), "the same again");
        for other in [
            first(2, ["arc", "unit-001", "power_w"]),
            first(1, ["arc2", "unit-001", "power_w"]),
            first(1, ["arc", "unit-002", "power_w"]),
            first(1, ["arc", "unit-001", "delay_s"]),
            first(1, ["arcunit-001", "", "power_w"]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_streams_are_pinned_so_that_old_seeds_keep_their_runs() {
        assert_eq!(stream(42).bits(), PINNED, "{:#x}", stream(42).bits());
    }
    const PINNED: u64 = 0x4779_7507_076A_B623;

    #[test]
    fn the_hash_is_fnv_1a_as_published() {
        assert_eq!(fnv1a(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_F739_67E8);
    }

    #[test]
    fn distributions_have_the_means_that_they_should() {
        let cases = [
            (Draw::Uniform { min: 2.0, max: 4.0 }, 3.0),
            (Draw::Normal { mean: 5.0, sd: 1.0, min: 2.0, max: 8.0 }, 5.0),
            (Draw::Lognormal { mu: 0.0, sigma: 0.5 }, math::exp(0.125)),
            (Draw::Exponential { mean: 40.0 }, 40.0),
            // Gamma(1 + 1/3) = 0.89298.
            (Draw::Weibull { shape: 3.0, scale: 10.0 }, 8.9298),
            (Draw::Bernoulli { p: 0.3 }, 0.3),
            (Draw::Choice { of: vec![4.0, 6.0], weights: vec![1.0, 3.0] }, 5.5),
        ];
        for (of, expected) in cases {
            assert!((mean(&of) / expected - 1.0).abs() < 0.03, "{of:?}: {}", mean(&of));
        }
    }

    #[test]
    fn a_bounded_normal_stays_within_its_bounds_also_where_hardly_a_draw_falls() {
        let tails = Draw::Normal { mean: 0.0, sd: 1.0, min: 40.0, max: 41.0 };
        let near = Draw::Normal { mean: 0.0, sd: 1.0, min: 1.0, max: 2.0 };
        let mut stream = stream(3);
        for _ in 0..100 {
            assert!((40.0..=41.0).contains(&draw(&tails, &mut stream)));
            assert!((1.0..=2.0).contains(&draw(&near, &mut stream)));
        }
    }

    #[test]
    fn so_many_are_chosen_none_twice_and_each_as_often() {
        let mut stream = stream(9);
        let mut counts = [0_u32; 10];
        for _ in 0..10_000 {
            let chosen = choose(3, 10, &mut stream);
            assert!(chosen.len() == 3 && chosen.is_sorted_by(|a, b| a < b), "{chosen:?}");
            chosen.iter().for_each(|place| counts[*place] += 1);
        }
        assert!(counts.iter().all(|count| (2700..3300).contains(count)), "{counts:?}");
        assert_eq!(choose(9, 4, &mut stream), [0, 1, 2, 3]);
        assert!(choose(1, 0, &mut stream).is_empty());
    }
}
