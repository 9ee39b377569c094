//! Seeded chance: one random stream per (seed, domain, index).
//!
//! Adding a consumer shifts nobody else's numbers, because streams are derived, not shared. The
//! generator is named (PCG-XSL-RR 128/64) and the distributions are written out here, so the same
//! seed gives the same farm on every platform and in every later version.

use crate::math;
use rand::Rng as _;
use rand_pcg::Pcg64;

/// What a stream is for. The discriminant is part of the derivation: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Domain {
    /// Cell-to-cell spread of a rack; index = rack of the farm.
    CellSpread = 1,
    /// Seeded input profiles; index = kind of the profile.
    Profile = 2,
    /// Gains and offsets of a rack's sensors, and the key of their noise; index = rack of the farm.
    BmsSensors = 3,
    /// Spread of the cells' self-discharge; index = rack of the farm.
    SelfDischarge = 4,
    /// Delay of the watch over a controller; index = unit x 2^32 + losses so far.
    Watchdog = 5,
    /// Which requests a link condition hits, and their jitter; index = number of the request.
    Link = 6,
    /// Random delay of entering service; index = unit x 2^32 + times that the grid became fit so far.
    EnterService = 7,
    /// Draws of a scenario; index = hash of the action, its target and the parameter.
    Scenario = 8,
    /// The key of the noise of a sensor that a defect distorts; index = unit x 2^32 + rack x 2^8 + reading.
    SensorFault = 9,
}

/// The family of all random streams of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: u64,
    /// Units and racks of the farm before those of the process.
    first_unit: u64,
    first_rack: u64,
}

impl Streams {
    /// The streams of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed, first_unit: 0, first_rack: 0 }
    }
    /// The same streams for a part of the farm, before whose units there are so many units and racks:
    /// indices of the part give the numbers that the whole farm has there.
    pub const fn of_part(self, first_unit: usize, first_rack: usize) -> Self {
        Self { first_unit: first_unit as u64, first_rack: first_rack as u64, ..self }
    }
    /// The number in the farm, from 0, of the rack with this index of the part: racks take turns by it.
    pub const fn rack_of_farm(self, index: u64) -> u64 {
        self.first_rack + index
    }
    /// The stream of `domain` and `index`; equal arguments give equal streams.
    pub fn stream(self, domain: Domain, index: u64) -> Stream {
        let index = match domain {
            Domain::CellSpread | Domain::BmsSensors | Domain::SelfDischarge => {
                self.rack_of_farm(index)
            }
            Domain::Watchdog | Domain::EnterService | Domain::SensorFault => {
                index + (self.first_unit << 32)
            }
            Domain::Profile | Domain::Link | Domain::Scenario => index,
        };
        let a = splitmix(self.seed ^ splitmix(domain as u64));
        let b = splitmix(a ^ splitmix(index.wrapping_add(0x5851_F42D_4C95_7F2D)));
        let state = (u128::from(a) << 64) | u128::from(b);
        let sequence = (u128::from(domain as u64) << 64) | u128::from(index);
        Stream { pcg: Pcg64::new(state, sequence), spare: None }
    }
}

/// One random stream.
#[derive(Clone, Debug)]
pub struct Stream {
    pcg: Pcg64,
    spare: Option<f64>,
}

impl Stream {
    /// 64 random bits, for what derives numbers of its own from a key.
    pub fn bits(&mut self) -> u64 {
        self.pcg.next_u64()
    }
    /// Uniform in [0, 1), 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.pcg.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
    /// Standard normal, by Box and Muller's transform (both halves are used).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // 1 - u lies in (0, 1], so the logarithm is finite.
        let radius = math::sqrt(-2.0 * math::ln(1.0 - self.uniform()));
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * math::sin(angle));
        radius * math::cos(angle)
    }
    /// Normal with mean 0 and standard deviation `sigma`, cut at three standard deviations: a
    /// manufacturer sorts out what lies beyond.
    pub fn normal_within_3_sigma(&mut self, sigma: f64) -> f64 {
        loop {
            let draw = self.normal();
            if draw.abs() <= 3.0 {
                return sigma * draw;
            }
        }
    }
}

/// Finaliser of SplitMix64 (Steele, Lea, Flood 2014, doi 10.1145/2660193.2660195): spreads 64 bits
/// that differ little, as counters do, into 64 bits that look drawn.
pub fn splitmix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_domain_and_index_repeat_and_others_differ() {
        let draw = |seed, index| Streams::new(seed).stream(Domain::CellSpread, index).uniform();
        assert_eq!(draw(7, 3).to_bits(), draw(7, 3).to_bits());
        assert_ne!(draw(7, 3).to_bits(), draw(7, 4).to_bits());
        assert_ne!(draw(7, 3).to_bits(), draw(8, 3).to_bits());
    }

    #[test]
    fn a_part_of_a_farm_draws_what_the_whole_farm_draws_there() {
        let draw = |streams: Streams, domain, index| streams.stream(domain, index).bits();
        let (whole, part) = (Streams::new(7), Streams::new(7).of_part(20, 240));
        for domain in [Domain::CellSpread, Domain::BmsSensors, Domain::SelfDischarge] {
            assert_eq!(draw(part, domain, 5), draw(whole, domain, 245));
        }
        assert_eq!(part.rack_of_farm(5), 245);
        for domain in [Domain::Watchdog, Domain::EnterService, Domain::SensorFault] {
            assert_eq!(draw(part, domain, 5 << 32 | 9), draw(whole, domain, 25 << 32 | 9));
        }
        for domain in [Domain::Profile, Domain::Link, Domain::Scenario] {
            assert_eq!(draw(part, domain, 5), draw(whole, domain, 5));
        }
    }

    #[test]
    fn the_stream_is_pinned_so_that_old_seeds_keep_their_farms() {
        let mut stream = Streams::new(42).stream(Domain::CellSpread, 0);
        let drawn: Vec<u64> = (0..3).map(|_| stream.normal().to_bits()).collect();
        assert_eq!(drawn, PINNED, "drawn: {drawn:#x?}");
    }
    const PINNED: [u64; 3] =
        [4_590_332_264_342_398_246, 13_829_045_689_429_062_840, 13_808_995_080_751_042_381];

    #[test]
    fn normal_draws_have_mean_zero_and_unit_variance() {
        let mut stream = Streams::new(1).stream(Domain::Profile, 9);
        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }
}
