//! How a power is split over units: pure functions over what each offers.
//!
//! All strategies obey the same laws: the parts add up to what is wanted, or to everything that is
//! offered where that is less; no part is beyond its offer; no unit charges while others discharge.
//! What a saturated unit leaves, the others take (water filling).

use bess_core::spec::{PcsLoss, Strategy};

/// What a unit offers, and what strategies weigh.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Offer {
    /// What it can and may discharge now, in W, >= 0; not finite or negative is nothing.
    pub(crate) discharge_w: f64,
    /// What it can and may charge now, as a magnitude in W, >= 0.
    pub(crate) charge_w: f64,
    /// Its rating in W, > 0.
    pub(crate) rated_w: f64,
    /// Power in W at which its converter loses the smallest part of it, > 0.
    pub(crate) best_w: f64,
    /// State of charge, 0 to 1.
    pub(crate) soc: f64,
    /// Energy in J down to the lowest allowed state of charge, >= 0.
    pub(crate) energy_to_empty_j: f64,
    /// Energy in J up to the highest allowed state of charge, >= 0.
    pub(crate) energy_to_full_j: f64,
    /// Whether it gave power after the last split.
    pub(crate) was_working: bool,
    /// Place in the order of [`Strategy::Priority`]; the lowest is asked first.
    pub(crate) priority: usize,
}

/// How much more a unit is asked for each unit of state of charge that it is above the mean: 10 % more
/// charge doubles its part (engineering choice).
const EQUALISING_GAIN: f64 = 10.0;
/// How much more than is wanted the others must offer before a sticky split drops a unit (engineering
/// choice).
const STICKY_MARGIN: f64 = 1.1;

/// Splits `wanted_w` (positive is discharge) over `offers`; `out` gets the part of each in W.
pub(crate) fn split(strategy: Strategy, wanted_w: f64, offers: &[Offer], out: &mut Vec<f64>) {
    let discharge = wanted_w >= 0.0;
    let task = Task { wanted_w: wanted_w.abs(), discharge, offers };
    out.clear();
    out.resize(offers.len(), 0.0);
    let offered_w: f64 = offers.iter().map(|offer| task.limit_w(offer)).sum();
    if task.wanted_w >= offered_w {
        out.iter_mut().zip(offers).for_each(|(part, offer)| *part = task.limit_w(offer));
    } else {
        let weights = match strategy {
            Strategy::Equal => task.weights(|offer| offer.rated_w),
            Strategy::Available => task.weights(|offer| task.limit_w(offer)),
            Strategy::Soc => task.weights(|offer| task.energy_j(offer)),
            Strategy::EqualiseSoc => task.equalising_weights(),
            Strategy::Priority => return task.in_order(out),
            Strategy::Efficiency => task.efficient_weights(),
            Strategy::Sticky => task.sticky_weights(),
        };
        let left_w = task.fill(task.wanted_w, &weights, out);
        if left_w > 0.0 {
            // Those that the strategy chose have no more: the others take the rest.
            let headroom = task.weights(|offer| task.limit_w(offer));
            task.fill(left_w, &headroom, out);
        }
    }
    if !discharge {
        out.iter_mut().filter(|part| **part > 0.0).for_each(|part| *part = -*part);
    }
}

/// A split in one direction: all powers are magnitudes.
#[derive(Clone, Copy)]
struct Task<'o> {
    wanted_w: f64,
    discharge: bool,
    offers: &'o [Offer],
}

impl Task<'_> {
    fn limit_w(&self, offer: &Offer) -> f64 {
        let limit_w = if self.discharge { offer.discharge_w } else { offer.charge_w };
        if limit_w > 0.0 && limit_w.is_finite() { limit_w } else { 0.0 }
    }
    fn energy_j(&self, offer: &Offer) -> f64 {
        if self.discharge { offer.energy_to_empty_j } else { offer.energy_to_full_j }.max(0.0)
    }
    fn weights(&self, weight: impl Fn(&Offer) -> f64) -> Vec<f64> {
        self.offers.iter().map(weight).collect()
    }

    /// Adds parts of `left_w` in proportion to `weights`, none beyond its limit; returns what is left.
    fn fill(&self, mut left_w: f64, weights: &[f64], out: &mut [f64]) -> f64 {
        // Whoever is full leaves the sharing, and the rest is shared anew: at most a turn for each.
        while left_w > 0.0 {
            let is_open = |idx: usize, part_w: f64| {
                weights[idx] > 0.0 && part_w < self.limit_w(&self.offers[idx])
            };
            let total: f64 =
                (0..out.len()).filter(|&i| is_open(i, out[i])).map(|i| weights[i]).sum();
            if total <= 0.0 {
                break;
            }
            let (share, mut anyone_full) = (left_w / total, false);
            for idx in 0..out.len() {
                let limit_w = self.limit_w(&self.offers[idx]);
                if is_open(idx, out[idx]) && out[idx] + share * weights[idx] > limit_w {
                    left_w -= limit_w - out[idx];
                    out[idx] = limit_w;
                    anyone_full = true;
                }
            }
            if !anyone_full {
                for idx in 0..out.len() {
                    if is_open(idx, out[idx]) {
                        out[idx] += share * weights[idx];
                    }
                }
                return 0.0;
            }
        }
        left_w.max(0.0)
    }

    /// Positions of those that offer something, by `key` and then in their own order.
    fn sorted<K: PartialOrd>(&self, key: impl Fn(&Offer) -> K) -> Vec<usize> {
        let offers = self.offers;
        let mut order: Vec<usize> =
            (0..offers.len()).filter(|&idx| self.limit_w(&offers[idx]) > 0.0).collect();
        order.sort_by(|&a, &b| {
            key(&offers[a]).partial_cmp(&key(&offers[b])).unwrap_or(std::cmp::Ordering::Equal)
        });
        order
    }

    /// Each to its limit, one after the other.
    fn in_order(&self, out: &mut [f64]) {
        let mut left_w = self.wanted_w;
        for idx in self.sorted(|offer| offer.priority) {
            out[idx] = left_w.min(self.limit_w(&self.offers[idx]));
            left_w -= out[idx];
        }
        if !self.discharge {
            out.iter_mut().filter(|part| **part > 0.0).for_each(|part| *part = -*part);
        }
    }

    /// The fuller ones discharge more and charge less.
    fn equalising_weights(&self) -> Vec<f64> {
        let able = || self.offers.iter().filter(|offer| self.limit_w(offer) > 0.0);
        let mean = able().map(|offer| offer.soc).sum::<f64>() / able().count().max(1) as f64;
        let gain = if self.discharge { EQUALISING_GAIN } else { -EQUALISING_GAIN };
        self.weights(|offer| offer.rated_w * (1.0 + gain * (offer.soc - mean)).max(0.0))
    }

    /// So many units that they lose least together, those that work already first. With losses
    /// `a + c p^2` a unit is best loaded at `p = sqrt(a / c)`, and n + 1 units lose less than n beyond
    /// `sqrt(n (n + 1))` times that power.
    fn efficient_weights(&self) -> Vec<f64> {
        let order = self.sorted(|offer| (!offer.was_working, -self.energy_j(offer)));
        let mut weights = vec![0.0; self.offers.len()];
        let (mut best_w, mut limit_w) = (0.0, 0.0);
        for idx in order {
            let offer = &self.offers[idx];
            let with_it_w = best_w + offer.best_w;
            let is_enough = self.wanted_w * self.wanted_w <= best_w * with_it_w;
            if best_w > 0.0 && is_enough && self.wanted_w <= limit_w {
                break;
            }
            weights[idx] = offer.best_w;
            best_w = with_it_w;
            limit_w += self.limit_w(offer);
        }
        weights
    }

    /// Those that work go on; one more only when they cannot do it, one fewer only when the others
    /// can do it with a margin.
    fn sticky_weights(&self) -> Vec<f64> {
        let order = self.sorted(|offer| (!offer.was_working, -self.energy_j(offer)));
        let mut n = order.iter().filter(|&&idx| self.offers[idx].was_working).count();
        let limit_at = |k: usize| self.limit_w(&self.offers[order[k]]);
        let mut limit_w: f64 = (0..n).map(limit_at).sum();
        while n > 1 && limit_w - limit_at(n - 1) >= STICKY_MARGIN * self.wanted_w {
            n -= 1;
            limit_w -= limit_at(n);
        }
        while n < order.len() && (n == 0 || limit_w < self.wanted_w) {
            limit_w += limit_at(n);
            n += 1;
        }
        let mut weights = vec![0.0; self.offers.len()];
        order[..n].iter().for_each(|&idx| weights[idx] = self.limit_w(&self.offers[idx]));
        weights
    }
}

/// Loading (of the rated apparent power) at which a converter loses the smallest part of its power,
/// to a hundredth.
pub(crate) fn best_loading(loss: &PcsLoss) -> f64 {
    let part_lost = |loading: f64| loss.at(loading) / loading;
    let loadings = (1..=100).map(|percent| f64::from(percent) / 100.0);
    loadings.fold(
        1.0,
        |best, loading| {
            if part_lost(loading) < part_lost(best) { loading } else { best }
        },
    )
}

#[cfg(test)]
#[path = "strategy_tests.rs"]
mod tests;
