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
/// transformer take their part. An integrator with bounds, which looks whether what it adds does any good.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Trim {
    watts: f64,
    target_w: f64,
    last: Option<Push>,
    /// What arrived in the last round.
    last_poi_w: Option<f64>,
    /// Rounds on end in which adding made it worse.
    harmful: u32,
    /// For how long nothing more is added, in s.
    rests_s: f64,
}

/// What was added in a round.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Push {
    /// Error before it in W.
    error_w: f64,
    added_w: f64,
}

/// Share of the error that is made good each second.
const GAIN_PER_S: f64 = 0.2;
/// Most that is added, as a share of what the units are rated for together.
const MOST: f64 = 0.1;
/// Least that must be added in a round for its effect to be looked at, as the same share.
const LEAST: f64 = 0.001;
/// Rounds on end after which adding is given up, and for how long.
const HARMFUL: u32 = 3;
const REST_S: f64 = 300.0;

impl Push {
    /// Whether the error grew by about what was added against it: somewhere a sign is turned. What grows by much
    /// more, or by nothing, has another reason.
    fn did_harm(&self, error_w: f64, rated_w: f64) -> bool {
        let grew = (error_w - self.error_w) / self.added_w;
        self.added_w.abs() >= LEAST * rated_w && (0.5..=2.0).contains(&grew)
    }
}

impl Trim {
    /// What to ask of the units for `target_w`, when `poi_w` arrived, `dt_s` after the last time.
    pub(super) fn asked(
        &mut self,
        target_w: f64,
        poi_w: Option<f64>,
        dt_s: f64,
        rated_w: f64,
    ) -> f64 {
        if target_w != self.target_w {
            *self = Self { watts: self.watts, target_w, ..Self::default() };
        }
        self.rests_s = (self.rests_s - dt_s).max(0.0);
        let Some(poi_w) = poi_w.filter(|_| !self.has_given_up()) else {
            return target_w + self.watts;
        };
        let error_w = target_w - poi_w;
        let moved_w = self.last_poi_w.replace(poi_w).map_or(0.0, |before_w| poi_w - before_w);
        let did_harm = self.last.take().is_some_and(|push| push.did_harm(error_w, rated_w));
        self.harmful = if did_harm { self.harmful + 1 } else { 0 };
        if self.harmful >= HARMFUL {
            *self = Self { target_w, rests_s: REST_S, ..Self::default() };
            return target_w;
        }
        let (most_w, before_w) = (MOST * rated_w, self.watts);
        // On its way still, faster than any push makes it go: what is lacking says nothing yet. Taking a push back
        // does not wait.
        let is_ramp = moved_w.abs() > 1.5 * GAIN_PER_S * most_w;
        if is_ramp && !did_harm && error_w * before_w >= 0.0 {
            return target_w + before_w;
        }
        // An error that no loss explains is no reason to push.
        if error_w.abs() <= most_w {
            self.watts = (before_w + GAIN_PER_S * dt_s.min(1.0) * error_w).clamp(-most_w, most_w);
        } else if did_harm {
            // It was pushed there: what comes of taking all of it back tells as much as a push.
            self.watts = 0.0;
        } else {
            return target_w + before_w;
        }
        self.last = Some(Push { error_w, added_w: self.watts - before_w });
        target_w + self.watts
    }

    /// Whether it adds nothing for a while, because it made things worse.
    pub(super) fn has_given_up(&self) -> bool {
        self.rests_s > 0.0
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
        assert_eq!((trim.watts, trim.has_given_up()), (before.watts, false));
    }

    #[test]
    fn where_adding_makes_it_worse_it_is_given_up_until_there_is_another_target() {
        // A meter that is turned round: what is given arrives with the other sign.
        let mut trim = Trim::default();
        let mut asked = 5e5;
        let mut most = asked;
        for second in 0..60 {
            asked = trim.asked(5e5, Some(-asked), 1.0, 25e6);
            most = most.max(asked);
            assert!(second < 15 || trim.has_given_up(), "{second}: {trim:?}");
        }
        assert!(asked == 5e5 && most < 3.5e6, "{asked} {most}");
        trim.asked(6e5, Some(6e5), 1.0, 25e6);
        assert!(!trim.has_given_up(), "another target is another try");
    }

    #[test]
    fn a_turned_sign_is_found_too_where_the_first_push_leaves_the_range_of_errors_to_push_against()
    {
        for target_w in [1.1e6, 1.2e6, 1.249e6] {
            let mut trim = Trim::default();
            let mut asked = target_w;
            for _ in 0..20 {
                asked = trim.asked(target_w, Some(-asked), 1.0, 25e6);
            }
            assert!(trim.has_given_up() && asked == target_w, "{target_w}: {trim:?}");
        }
    }

    #[test]
    fn a_fast_ramp_that_is_seen_late_is_no_loss() {
        let mut trim = Trim::default();
        let mut asked = vec![0.0; 2];
        let mut poi_w = 0.0f64;
        for _ in 0..30 {
            // What was asked for two rounds ago arrives, 3.5 MW a second at the most.
            let wanted_w = asked[asked.len() - 2];
            poi_w += f64::clamp(wanted_w - poi_w, -3.5e6, 3.5e6);
            asked.push(trim.asked(8e6, Some(poi_w), 1.0, 25e6));
            assert!(poi_w < 1.02 * 8e6, "{poi_w}");
        }
    }

    #[test]
    fn a_unit_that_is_lost_meanwhile_and_a_ramp_are_no_reason_to_give_up() {
        let mut trim = Trim::default();
        let mut asked = 3e6;
        for second in 0..60 {
            let lost_w = if second < 20 { 2e5 } else { 2e6 };
            asked = trim.asked(3e6, Some(asked - lost_w), 1.0, 25e6);
            assert!(!trim.has_given_up(), "{second}");
        }
        let mut trim = Trim::default();
        for second in 0..60 {
            let poi_w = (f64::from(second) * 1e5).min(2e6);
            trim.asked(2e6, Some(poi_w), 1.0, 25e6);
            assert!(!trim.has_given_up(), "{second}");
        }
    }
}
