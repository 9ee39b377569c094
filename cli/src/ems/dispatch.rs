//! How the EMS splits what the farm is to give over its units.

/// What a unit can do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Offer {
    /// Most discharge in W; 0 of one that takes no part.
    pub(super) discharge_w: f64,
    /// Most charge in W, a magnitude.
    pub(super) charge_w: f64,
}

/// Shares of `target_w` in proportion to what each can do in that direction; none gets more than it can.
pub(super) fn split(target_w: f64, offers: &[Offer]) -> Vec<f64> {
    let most = |offer: &Offer| if target_w >= 0.0 { offer.discharge_w } else { offer.charge_w };
    let all_w: f64 = offers.iter().map(most).sum();
    let share = if all_w > 0.0 { (target_w.abs() / all_w).min(1.0) } else { 0.0 };
    offers.iter().map(|offer| (most(offer) * share).copysign(target_w)).collect()
}

/// What the EMS adds to its target, so that what arrives at the POI is the target: auxiliaries and the
/// transformer take their part. An integrator with bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Trim {
    watts: f64,
}

/// Share of the error that is made good each second.
const GAIN_PER_S: f64 = 0.2;
/// Most that is added, as a share of what the units are rated for together.
const MOST: f64 = 0.1;

impl Trim {
    /// What to ask of the units for `target_w`, when `poi_w` arrived, `dt_s` after the last time.
    pub(super) fn asked(
        &mut self,
        target_w: f64,
        poi_w: Option<f64>,
        dt_s: f64,
        rated_w: f64,
    ) -> f64 {
        if let Some(poi_w) = poi_w {
            // An error that no loss explains is no reason to push.
            let error_w = target_w - poi_w;
            if error_w.abs() <= MOST * rated_w {
                let most = MOST * rated_w;
                self.watts = (self.watts + GAIN_PER_S * dt_s.min(1.0) * error_w).clamp(-most, most);
            }
        }
        target_w + self.watts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(discharge_w: f64, charge_w: f64) -> Offer {
        Offer { discharge_w, charge_w }
    }

    #[test]
    fn who_can_do_more_does_more_and_nobody_more_than_it_can() {
        let offers = [offer(2e6, 1e6), offer(1e6, 1e6), offer(0.0, 0.0)];
        assert_eq!(split(1.5e6, &offers), [1e6, 0.5e6, 0.0]);
        assert_eq!(split(9e6, &offers), [2e6, 1e6, 0.0]);
        assert_eq!(split(-1e6, &offers), [-0.5e6, -0.5e6, -0.0]);
        assert_eq!(split(1e6, &[offer(0.0, 1e6)]), [0.0]);
        assert_eq!(split(0.0, &offers), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn what_gets_lost_on_the_way_is_added_and_what_cannot_be_made_good_is_not_piled_up() {
        let mut trim = Trim::default();
        let mut asked = 3e6;
        for _ in 0..60 {
            asked = trim.asked(3e6, Some(asked - 2e5), 1.0, 25e6);
        }
        assert!((asked - 3.2e6).abs() < 1e3, "{asked}");
        // Half of the farm is gone: that is no loss of a transformer.
        let before = trim;
        trim.asked(3e6, Some(-1e6), 1.0, 25e6);
        assert_eq!(trim, before);
    }
}
