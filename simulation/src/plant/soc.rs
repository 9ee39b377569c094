//! Protection of the state of charge by the plant, which does not chatter.

use crate::persist::leaf;

/// How far inside its limit a unit that was beyond it must be to be asked again: half a per cent of the
/// state of charge (engineering choice).
const BACK: f64 = 0.005;

/// Whether a unit is kept from a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SocGuard {
    /// Not asked to discharge.
    pub(crate) is_low: bool,
    /// Not asked to charge.
    pub(crate) is_high: bool,
}
leaf!(SocGuard);

impl SocGuard {
    /// Takes the state of charge of the unit and the lowest and highest that are allowed.
    pub(crate) fn see(&mut self, soc: f64, (soc_min, soc_max): (f64, f64)) {
        // In a narrow window both ends come back in its middle at the latest, so that a unit is never
        // kept from both.
        let back = BACK.min((soc_max - soc_min) / 2.0).max(0.0);
        // Without limits an empty or full unit looks after itself.
        self.is_low = soc_min > 0.0 && soc < soc_min + if self.is_low { back } else { 0.0 };
        self.is_high = soc_max < 1.0 && soc > soc_max - if self.is_high { back } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(window: (f64, f64), socs: &[f64]) -> Vec<(bool, bool)> {
        let mut guard = SocGuard::default();
        let see = |soc: &f64| {
            guard.see(*soc, window);
            (guard.is_low, guard.is_high)
        };
        socs.iter().map(see).collect()
    }

    #[test]
    fn a_unit_beyond_a_limit_comes_back_half_a_per_cent_inside_and_not_before() {
        let low = seen((0.1, 0.9), &[0.11, 0.1, 0.0999, 0.1001, 0.1049, 0.1051, 0.1001]);
        let is_low: Vec<bool> = low.iter().map(|held| held.0).collect();
        assert_eq!(is_low, [false, false, true, true, true, false, false]);
        let high = seen((0.1, 0.9), &[0.89, 0.9, 0.9001, 0.8999, 0.8951, 0.8949, 0.8999]);
        let is_high: Vec<bool> = high.iter().map(|held| held.1).collect();
        assert_eq!(is_high, [false, false, true, true, true, false, false]);
    }

    #[test]
    fn without_limits_nobody_is_kept_from_anything() {
        let held = seen((0.0, 1.0), &[-0.01, 0.0, 1.0, 1.01]);
        assert!(held.iter().all(|held| *held == (false, false)));
    }

    proptest! {
        #[test]
        fn a_unit_is_never_kept_from_both_directions(
            low in 0.0..0.99f64, width in 1e-4..0.5f64,
            socs in proptest::collection::vec(0.0..1.0f64, 1..40),
        ) {
            let window = (low, (low + width).min(1.0));
            prop_assert!(seen(window, &socs).iter().all(|held| *held != (true, true)));
        }
    }
}
