//! Sensors that show something else than what is.
//!
//! Chance is counted, not drawn in turn: what a sensor shows depends on its key and the tick alone, so
//! that a farm shows the same on any number of workers.

use crate::persist::leaf;
use bess_core::defect::{Distortion, Reading};
use bess_core::math;
use bess_core::rng::{Domain, Streams, splitmix};
use std::collections::VecDeque;
use std::f64::consts::TAU;

/// A sensor with a defect.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Channel {
    quantity: Reading,
    distortion: Distortion,
    /// Key of its noise.
    key: u64,
    /// Values on their way, the oldest first, where it is late.
    line: VecDeque<f64>,
    /// What it showed last.
    shown: Option<f64>,
}

/// The sensors with a defect of a rack, or of a unit as a whole.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct SensorFaults {
    channels: Vec<Channel>,
    /// What jumps have added to the state of charge that an ideal BMS shows.
    pub(crate) soc_bias: f64,
}
leaf!(SensorFaults);

impl SensorFaults {
    /// Distorts a sensor, or lets it show again what it measures. One that stood still or was late goes on
    /// from what it showed.
    pub(crate) fn set(&mut self, quantity: Reading, distortion: Distortion, key: u64) {
        if distortion == Distortion::NONE {
            self.channels.retain(|channel| channel.quantity != quantity);
            return;
        }
        match self.channels.iter_mut().find(|channel| channel.quantity == quantity) {
            Some(channel) => channel.distortion = distortion,
            None => self.channels.push(Channel {
                quantity,
                distortion,
                key,
                line: VecDeque::new(),
                shown: None,
            }),
        }
    }

    /// Whether everything shows what it measures.
    pub(crate) fn is_none(&self) -> bool {
        self.channels.is_empty() && self.soc_bias == 0.0
    }
    /// What the sensor of `quantity` showed last, where it has a defect.
    pub(crate) fn last(&self, quantity: Reading) -> Option<f64> {
        self.channels.iter().find(|channel| channel.quantity == quantity)?.shown
    }
    /// Whether the value of `quantity` is missing.
    pub(crate) fn misses(&self, quantity: Reading) -> bool {
        let mut channels = self.channels.iter();
        channels.any(|channel| channel.quantity == quantity && channel.distortion.dropout)
    }
    /// Whether any value is missing.
    pub(crate) fn misses_any(&self) -> bool {
        self.channels.iter().any(|channel| channel.distortion.dropout)
    }

    /// What is shown at `tick` where `value` is measured; once in each tick. Where a value is missing, it is
    /// the last one that was there.
    pub(crate) fn show(&mut self, quantity: Reading, value: f64, tick: u64) -> f64 {
        match self.channels.iter_mut().find(|channel| channel.quantity == quantity) {
            Some(channel) => channel.show(value, tick),
            None => value,
        }
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for channel in &self.channels {
            // By its text: the numbers in it are exact.
            sink(format!("{channel:?}").as_bytes());
        }
        sink(&self.soc_bias.to_le_bytes());
    }
}

impl Channel {
    fn show(&mut self, value: f64, tick: u64) -> f64 {
        let Distortion { delay_ticks, gain, offset, noise_sd, spike_p, spike, stuck, dropout } =
            self.distortion;
        self.line.push_back(value);
        while self.line.len() > delay_ticks as usize + 1 {
            self.line.pop_front();
        }
        let seen = self.line.front().copied().unwrap_or(value);
        let is_hit = uniform(self.key, 1, tick) < spike_p;
        let distorted = gain * seen
            + offset
            + noise_sd * normal(self.key, tick)
            + if is_hit { spike } else { 0.0 };
        let holds = stuck || dropout;
        // Nothing shows more than what its scale has.
        let (_, _, min, max) = Reading::ALL[self.quantity as usize];
        let fresh = if holds { seen } else { distorted.clamp(min, max) };
        let shown = self.shown.filter(|_| holds).unwrap_or(fresh);
        self.shown = Some(shown);
        shown
    }
}

/// The key of the noise of a sensor: of rack `rack_idx`, or of the unit as a whole.
pub(crate) fn key(
    streams: Streams,
    unit_idx: usize,
    rack_idx: Option<usize>,
    quantity: Reading,
) -> u64 {
    let rack = rack_idx.map_or(0, |idx| idx as u64 + 1);
    let index = (unit_idx as u64) << 32 | rack << 8 | quantity as u64;
    streams.stream(Domain::SensorFault, index).bits()
}

/// Uniform in [0, 1), by key, number of the draw and tick.
fn uniform(key: u64, draw: u64, tick: u64) -> f64 {
    // Odd multipliers keep draw and time apart ahead of the hash.
    let place = draw.wrapping_mul(0x5851_F42D_4C95_7F2D);
    let time = tick.wrapping_mul(0xD1B5_4A32_D192_ED03);
    let bits = splitmix(key.wrapping_add(place).wrapping_add(time));
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Standard normal, by Box and Muller's transform.
pub(crate) fn normal(key: u64, tick: u64) -> f64 {
    let radius = math::sqrt(-2.0 * math::ln(1.0 - uniform(key, 2, tick)));
    radius * math::sin(TAU * uniform(key, 3, tick))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUANTITY: Reading = Reading::Current;

    /// What a sensor with these distortions, each from its tick on, shows of 100 plus the tick.
    fn shown(distortions: &[(u64, Distortion)], ticks: u64) -> Vec<f64> {
        let mut faults = SensorFaults::default();
        let show = |tick| {
            for (_, distortion) in distortions.iter().filter(|(from, _)| *from == tick) {
                faults.set(QUANTITY, *distortion, 7);
            }
            faults.show(QUANTITY, 100.0 + tick as f64, tick)
        };
        (0..ticks).map(show).collect()
    }
    const NONE: Distortion = Distortion::NONE;

    #[test]
    fn gain_and_offset_act_at_once_and_end_at_once() {
        let begun = Distortion { gain: -1.0, offset: 5.0, ..NONE };
        assert_eq!(shown(&[(1, begun), (3, NONE)], 4), [100.0, -96.0, -97.0, 103.0]);
    }

    #[test]
    fn a_stuck_sensor_stands_at_what_it_showed_last_and_one_that_drops_out_holds_it() {
        let bias = Distortion { offset: 0.5, ..NONE };
        for still in [Distortion { stuck: true, ..bias }, Distortion { dropout: true, ..bias }] {
            assert_eq!(shown(&[(0, bias), (2, still)], 4), [100.5, 101.5, 101.5, 101.5]);
            // Of a sensor that was sound before, the first value is what it stands at.
            let sound = Distortion { offset: 0.0, ..still };
            assert_eq!(shown(&[(1, sound)], 4), [100.0, 101.0, 101.0, 101.0]);
        }
    }

    #[test]
    fn a_late_sensor_shows_old_values_and_until_it_has_some_the_first_one() {
        let late = Distortion { delay_ticks: 2, ..NONE };
        assert_eq!(shown(&[(0, late)], 5), [100.0, 100.0, 100.0, 101.0, 102.0]);
        // Less late, it catches up.
        let less = Distortion { delay_ticks: 1, ..NONE };
        assert_eq!(shown(&[(0, late), (4, less)], 5)[4], 103.0);
    }

    #[test]
    fn noise_has_the_asked_deviation_and_spikes_come_as_often_as_asked() {
        let n = 50_000;
        let noisy = Distortion { gain: 0.0, noise_sd: 3.0, ..NONE };
        let values = shown(&[(0, noisy)], n);
        let mean = values.iter().sum::<f64>() / n as f64;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.05 && (variance.sqrt() - 3.0).abs() < 0.05, "{mean} {variance}");
        let spiky = Distortion { gain: 0.0, spike_p: 0.02, spike: 9.0, ..NONE };
        let values = shown(&[(0, spiky)], n);
        assert!(values.iter().all(|x| *x == 0.0 || *x == 9.0));
        let hits = values.iter().filter(|x| **x > 0.0).count() as f64 / n as f64;
        assert!((hits - 0.02).abs() < 0.003, "{hits}");
    }

    #[test]
    fn sensors_of_other_racks_units_and_quantities_are_noisy_in_another_way() {
        let streams = Streams::new(3);
        let keys = [
            key(streams, 0, None, Reading::ActivePower),
            key(streams, 0, Some(0), Reading::Current),
            key(streams, 0, Some(1), Reading::Current),
            key(streams, 1, Some(0), Reading::Current),
            key(streams, 0, Some(0), Reading::Soc),
        ];
        for (i, a) in keys.iter().enumerate() {
            assert!(keys[i + 1..].iter().all(|b| a != b));
        }
        assert_eq!(keys[1], key(streams, 0, Some(0), Reading::Current));
    }
}
