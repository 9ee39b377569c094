//! How a setpoint of the farm is shared by its shards.
//!
//! By what each has available in that direction: no shard is asked for more than it has as long as all
//! together have enough. Beyond that each is asked for all that it has and for a part of the rest by the room
//! that its rating leaves, so that what becomes available later is used. Within a shard its plant controller
//! splits by its own strategy.

/// What a shard offers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offer {
    /// What it could discharge now at the POI, in W, >= 0.
    pub(super) discharge_w: f64,
    /// What it could charge now, as a magnitude in W, >= 0.
    pub(super) charge_w: f64,
    /// Sum of the ratings of its units in W, > 0.
    pub(super) rated_w: f64,
}

/// The part of `wanted_w` (positive is discharge, within the sum of the ratings) of each shard. They add up
/// to it, but for rounding, and none is beyond its rating.
pub(super) fn split(wanted_w: f64, offers: &[Offer]) -> Vec<f64> {
    let size_w = wanted_w.abs();
    let available = |offer: &Offer| {
        let available_w = if wanted_w >= 0.0 { offer.discharge_w } else { offer.charge_w };
        if available_w.is_finite() { available_w.clamp(0.0, offer.rated_w) } else { 0.0 }
    };
    let have: Vec<f64> = offers.iter().map(available).collect();
    let total_w: f64 = have.iter().sum();
    let parts: Vec<f64> = if size_w <= total_w {
        let share = if total_w > 0.0 { size_w / total_w } else { 0.0 };
        have.iter().map(|available_w| available_w * share).collect()
    } else {
        let room_w: f64 = offers.iter().zip(&have).map(|(offer, have)| offer.rated_w - have).sum();
        let share = if room_w > 0.0 { ((size_w - total_w) / room_w).min(1.0) } else { 0.0 };
        let part = |(offer, have): (&Offer, &f64)| have + (offer.rated_w - have) * share;
        offers.iter().zip(&have).map(part).collect()
    };
    // Adding 0.0 turns a negative zero into zero, as people would print it.
    parts.into_iter().map(|part_w| part_w * wanted_w.signum() + 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offer(discharge_w: f64, charge_w: f64, rated_w: f64) -> Offer {
        Offer { discharge_w, charge_w, rated_w }
    }

    #[test]
    fn shards_share_by_what_they_have_available_in_that_direction() {
        let offers = [offer(3e6, 1e6, 4e6), offer(1e6, 3e6, 4e6)];
        assert_eq!(split(2e6, &offers), [1.5e6, 0.5e6]);
        assert_eq!(split(-2e6, &offers), [-0.5e6, -1.5e6]);
        assert_eq!(split(0.0, &offers), [0.0, 0.0]);
    }

    #[test]
    fn beyond_what_is_available_the_rest_goes_by_the_room_that_ratings_leave() {
        let offers = [offer(1e6, 0.0, 4e6), offer(2e6, 0.0, 3e6)];
        assert_eq!(split(5e6, &offers), [2.5e6, 2.5e6]);
        assert_eq!(split(7e6, &offers), [4e6, 3e6]);
        assert_eq!(split(-3.5e6, &offers), [-2e6, -1.5e6], "nobody can charge now");
    }

    proptest! {
        #[test]
        fn parts_add_up_have_one_sign_and_stay_within_ratings_and_what_is_there(
            shards in prop::collection::vec((0.0..1.2f64, 0.0..1.2f64, 1e3..1e8f64), 1..12),
            share in -1.0..1.0f64,
        ) {
            let offers: Vec<Offer> =
                shards.iter().map(|(d, c, rated)| offer(d * rated, c * rated, *rated)).collect();
            let rated_w: f64 = offers.iter().map(|offer| offer.rated_w).sum();
            let wanted_w = share * rated_w;
            let parts = split(wanted_w, &offers);
            prop_assert!((parts.iter().sum::<f64>() - wanted_w).abs() <= 1e-9 * rated_w);
            for (part, offer) in parts.iter().zip(&offers) {
                prop_assert!(part * wanted_w >= 0.0);
                prop_assert!(part.abs() <= offer.rated_w * (1.0 + 1e-12));
            }
            let have = |offer: &Offer| if share >= 0.0 { offer.discharge_w } else { offer.charge_w };
            let total: f64 = offers.iter().map(|offer| have(offer).min(offer.rated_w)).sum();
            if wanted_w.abs() <= total {
                for (part, offer) in parts.iter().zip(&offers) {
                    prop_assert!(part.abs() <= have(offer) * (1.0 + 1e-12));
                }
            }
        }
    }
}
