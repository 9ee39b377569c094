//! The transformer at the POI: what it loses, and what must go in for a power to come out.
//!
//! Losses are a constant part of the core and a part of the windings with the square of the apparent
//! power. Its own reactive power and voltage drop are not modelled.

use bess_core::math;
use bess_core::spec::TransformerSpec;

/// Loss in watts while `apparent_va` passes.
pub fn loss_w(spec: &TransformerSpec, apparent_va: f64) -> f64 {
    let loading = apparent_va / spec.rated.0;
    spec.rated.0 * (spec.no_load_loss + spec.load_loss * loading * loading)
}

/// Loss in watts of a farm's transformer, if it has one, while its units and auxiliaries together
/// give the active power `p_w` and the reactive power `q_var`.
pub fn loss_at_w(spec: Option<&TransformerSpec>, p_w: f64, q_var: f64) -> f64 {
    spec.map_or(0.0, |spec| loss_w(spec, math::sqrt(p_w * p_w + q_var * q_var)))
}

/// Active power in watts that units and auxiliaries must give together so that `poi_w` is left at
/// the POI. Where no power suffices (far beyond any rating) it is near the largest that helps.
pub fn power_before_w(spec: Option<&TransformerSpec>, poi_w: f64, q_var: f64) -> f64 {
    // The loss changes by at most a few percent of a change of power: each turn gains a digit or two.
    const TURNS: usize = 8;
    let mut before_w = poi_w;
    for _ in 0..TURNS {
        before_w = poi_w + loss_at_w(spec, before_w, q_var);
    }
    before_w
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::units::VoltAmps;
    use proptest::prelude::*;

    const SPEC: TransformerSpec =
        TransformerSpec { rated: VoltAmps(28e6), no_load_loss: 0.001, load_loss: 0.006 };

    #[test]
    fn the_core_loses_always_and_the_windings_with_the_square_of_the_load() {
        assert!((loss_w(&SPEC, 0.0) - 28e3).abs() < 1e-6);
        assert!((loss_w(&SPEC, 14e6) - (28e3 + 42e3)).abs() < 1e-6);
        assert!((loss_w(&SPEC, 28e6) - (28e3 + 168e3)).abs() < 1e-6);
    }

    #[test]
    fn reactive_power_loads_the_windings_too() {
        let loss_w = loss_at_w(Some(&SPEC), -21e6, 14e6);
        assert!((loss_w - (28e3 + 168e3 * 0.8125)).abs() < 1e-6, "{loss_w}");
        assert!(loss_at_w(None, 21e6, 14e6) == 0.0);
    }

    proptest! {
        #[test]
        fn what_goes_in_less_the_loss_is_what_is_left_at_the_poi(
            poi_w in -28e6..28e6f64, q_var in -10e6..10e6f64,
        ) {
            let before_w = power_before_w(Some(&SPEC), poi_w, q_var);
            let left_w = before_w - loss_at_w(Some(&SPEC), before_w, q_var);
            prop_assert!((left_w - poi_w).abs() < 1e-3, "{poi_w} {before_w} {left_w}");
            prop_assert!(before_w > poi_w);
            prop_assert!(power_before_w(None, poi_w, q_var) == poi_w);
        }
    }
}
