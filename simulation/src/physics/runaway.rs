//! Thermal runaway of one cell: heat balance and reaction together, for the few cells that are hot.
//!
//! C dT = P dt + C dT_ad d(1 - left), d(left) = -A exp(-E/RT) left dt, where P is what conduction and
//! electrical losses bring and stays constant over the span (1 s in a farm). Once the reaction is
//! under way one second is far too long: the span is cut into sub-steps of about 2 K.
//! What one lumped reaction can and cannot tell: [`bess_core::chemistry::Runaway`].
//!
//! Not here: which cells are watched, heat between cells, and what an open string means.

use bess_core::chemistry::{Runaway, Vent};
use bess_core::math;

/// Temperature change in kelvin at which a sub-step is aimed; the change that comes out stays below
/// 5 K. \[E\]: half of it moves a peak by less than 0.1 K.
const STEP_K: f64 = 2.0;

/// Most sub-steps of one span; the last takes what is left. No reaction comes near it: only heat from
/// outside of 20 000 K in one span would.
const MAX_SUB_STEPS: u32 = 10_000;

/// Reactant whose heat is below this many kelvin counts as used up.
const EXHAUSTED_K: f64 = 1e-6;

/// What is left of a cell.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Reaction {
    /// Reactant left: 1 for a fresh cell, towards 0 for one that burnt out.
    pub left: f64,
    /// Whether the vent has opened; it never closes.
    pub vented: bool,
    /// Whether the cell is lost and its string open; for good.
    pub burnt: bool,
}

/// What a span of time did to a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advanced {
    /// Temperature at the end, in degC.
    pub temperature_degc: f64,
    /// Highest temperature at the end of any sub-step or at the start, in degC.
    pub peak_degc: f64,
    /// Heat of the reaction in joules, >= 0.
    pub heat_j: f64,
    /// Whether the vent opened in this span.
    pub vented_now: bool,
    /// Whether the cell was lost in this span.
    pub burnt_now: bool,
    /// Highest self-heating of a sub-step in K/s, >= 0.
    pub peak_rate_k_per_s: f64,
    /// Sub-steps taken; 1 when nothing reacted.
    pub sub_steps: u32,
}

/// Heat balance of the span under way.
struct Span<'a> {
    law: &'a Runaway,
    start_degc: f64,
    start_left: f64,
    /// Heating from outside in K/s.
    outside_k_per_s: f64,
}

impl Span<'_> {
    /// Temperature after `elapsed_s` with `left` reactant: from the energy balance, so that no error
    /// adds up.
    fn temperature_degc(&self, elapsed_s: f64, left: f64) -> f64 {
        self.start_degc
            + self.outside_k_per_s * elapsed_s
            + self.law.adiabatic_rise_k * (self.start_left - left)
    }
    /// Reactant after one more sub-step: the rate constant of the half-way temperature holds, and the
    /// decay is exact for it. `rate_per_s` is the rate constant at the start.
    fn left_after(&self, elapsed_s: f64, step_s: f64, left: f64, rate_per_s: f64) -> f64 {
        let half_s = 0.5 * step_s;
        let half_left = left * math::exp(-rate_per_s * half_s);
        let half_degc = self.temperature_degc(elapsed_s + half_s, half_left);
        left * math::exp(-self.law.rate_per_s(half_degc) * step_s)
    }
    /// Length in seconds of the next sub-step, at most `rest_s`.
    fn step_s(&self, rest_s: f64, left: f64, rate_per_s: f64, step_k: f64) -> f64 {
        let reaction_k_per_s = rate_per_s * left * self.law.adiabatic_rise_k;
        let moving_k_per_s = reaction_k_per_s + self.outside_k_per_s.abs();
        if moving_k_per_s * rest_s > step_k { step_k / moving_k_per_s } else { rest_s }
    }
}

/// Temperature in degC at which a fresh cell warms itself by `k_per_s` (> 0), to a hundredth of a kelvin;
/// 1500 degC where none does.
pub fn self_heating_degc(law: &Runaway, k_per_s: f64) -> f64 {
    let (mut low_degc, mut high_degc) = (0.0, 1500.0);
    while high_degc - low_degc > 0.01 {
        let middle_degc = 0.5 * (low_degc + high_degc);
        if law.rate_per_s(middle_degc) * law.adiabatic_rise_k < k_per_s {
            low_degc = middle_degc;
        } else {
            high_degc = middle_degc;
        }
    }
    high_degc
}

impl Reaction {
    /// A sound cell.
    pub const FRESH: Self = Self { left: 1.0, vented: false, burnt: false };

    /// Advances a cell of `heat_capacity_j_per_k` (> 0) at `temperature_degc` by `span_s` (>= 0), in
    /// which `net_w` flows in from outside (negative: out).
    ///
    /// The balance C (T1 - T0) = `net_w` `span_s` + `heat_j` holds to rounding. The number of
    /// sub-steps is about the kelvins that outside and reaction bring, divided by 2.
    pub fn advance(
        &mut self,
        law: &Runaway,
        heat_capacity_j_per_k: f64,
        temperature_degc: f64,
        net_w: f64,
        span_s: f64,
    ) -> Advanced {
        let span = Span {
            law,
            start_degc: temperature_degc,
            start_left: self.left,
            outside_k_per_s: net_w / heat_capacity_j_per_k,
        };
        let mut advanced = self.react(&span, span_s, STEP_K);
        advanced.heat_j =
            heat_capacity_j_per_k * law.adiabatic_rise_k * (span.start_left - self.left);
        self.note_damage(law, &mut advanced);
        advanced
    }

    /// Volume in litres (25 degC, 1 bar) that a cell of `capacity_ah` has given off: none before the
    /// vent opens, then in proportion to the reactant used.
    pub fn gas_litres(&self, law: &Runaway, capacity_ah: f64) -> f64 {
        let per_ah = law.vent.filter(|_| self.vented).map_or(0.0, |vent| vent.gas_l_per_ah);
        per_ah * capacity_ah * (1.0 - self.left)
    }

    /// Whether a smoke detector sees this cell.
    pub fn smokes(&self, law: &Runaway) -> bool {
        self.vented && law.vent.is_some_and(|vent| vent.smoke)
    }

    /// Integrates over `span_s` in sub-steps of about `step_k`; heat and flags are left to the caller.
    fn react(&mut self, span: &Span<'_>, span_s: f64, step_k: f64) -> Advanced {
        let mut advanced = Advanced {
            temperature_degc: span.temperature_degc(span_s, self.left),
            peak_degc: span.start_degc,
            heat_j: 0.0,
            vented_now: false,
            burnt_now: false,
            peak_rate_k_per_s: 0.0,
            sub_steps: 0,
        };
        if self.is_idle(span, advanced.temperature_degc) {
            advanced.peak_degc = advanced.peak_degc.max(advanced.temperature_degc);
            advanced.sub_steps = 1;
            return advanced;
        }
        advanced.temperature_degc = span.start_degc;
        let mut rest_s = span_s;
        while rest_s > 0.0 {
            let elapsed_s = span_s - rest_s;
            let rate_per_s = span.law.rate_per_s(advanced.temperature_degc);
            let step_s = if advanced.sub_steps < MAX_SUB_STEPS {
                span.step_s(rest_s, self.left, rate_per_s, step_k)
            } else {
                rest_s
            };
            let left = span.left_after(elapsed_s, step_s, self.left, rate_per_s);
            let rate_k_per_s = span.law.adiabatic_rise_k * (self.left - left) / step_s;
            self.left = left;
            rest_s -= step_s;
            advanced.temperature_degc = span.temperature_degc(span_s - rest_s, left);
            advanced.peak_degc = advanced.peak_degc.max(advanced.temperature_degc);
            advanced.peak_rate_k_per_s = advanced.peak_rate_k_per_s.max(rate_k_per_s);
            advanced.sub_steps += 1;
        }
        advanced
    }

    /// Whether nothing can react: the cell stays cool, or there is nothing left.
    fn is_idle(&self, span: &Span<'_>, end_degc: f64) -> bool {
        span.start_degc.max(end_degc) <= span.law.watch_above_degc
            || self.left * span.law.adiabatic_rise_k < EXHAUSTED_K
    }

    fn note_damage(&mut self, law: &Runaway, advanced: &mut Advanced) {
        let used = 1.0 - self.left;
        let opens = |vent: Vent| used >= vent.extent || advanced.peak_degc >= vent.temperature_degc;
        advanced.vented_now = !self.vented && law.vent.is_some_and(opens);
        advanced.burnt_now = !self.burnt && used >= law.burnt_extent;
        self.vented |= advanced.vented_now;
        self.burnt |= advanced.burnt_now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::chemistry::{built_in, parse_chemistry};
    use proptest::prelude::*;

    const HEAT_CAPACITY_J_PER_K: f64 = 5425.0;

    fn lfp() -> Runaway {
        let text = built_in("lfp-280").unwrap();
        parse_chemistry("lfp-280", text).unwrap().runaway.expect("a law")
    }
    /// A law that runs away more violently than any cell.
    fn violent() -> Runaway {
        Runaway {
            frequency_factor_per_s: 1e30,
            activation_energy_j_per_mol: 300_000.0,
            adiabatic_rise_k: 3000.0,
            ..lfp()
        }
    }
    /// Burns a cell in steps of 1 s with a loss of 5 W/K and gives its peak.
    fn peak_degc(law: &Runaway, start_degc: f64, step_k: f64) -> f64 {
        let (mut cell, mut temperature_degc, mut peak_degc) = (Reaction::FRESH, start_degc, 0.0f64);
        for _ in 0..3000 {
            let span = Span {
                law,
                start_degc: temperature_degc,
                start_left: cell.left,
                outside_k_per_s: -5.0 * (temperature_degc - 25.0) / HEAT_CAPACITY_J_PER_K,
            };
            let advanced = cell.react(&span, 1.0, step_k);
            temperature_degc = advanced.temperature_degc;
            peak_degc = peak_degc.max(advanced.peak_degc);
        }
        peak_degc
    }

    #[test]
    fn an_insulated_cell_ends_hotter_by_the_adiabatic_rise() {
        let law = lfp();
        let (mut cell, mut temperature_degc, mut heat_j) = (Reaction::FRESH, 250.0, 0.0);
        for _ in 0..2000 {
            let c = HEAT_CAPACITY_J_PER_K;
            let advanced = cell.advance(&law, c, temperature_degc, 0.0, 1.0);
            temperature_degc = advanced.temperature_degc;
            heat_j += advanced.heat_j;
        }
        assert!((temperature_degc - 550.0).abs() < 1e-5, "{temperature_degc}");
        assert!((heat_j / (HEAT_CAPACITY_J_PER_K * 300.0) - 1.0).abs() < 1e-7, "{heat_j}");
    }

    #[test]
    fn half_the_sub_step_moves_the_peak_by_less_than_a_tenth_of_a_kelvin() {
        for start_degc in [230.0, 250.0, 300.0] {
            let (peak, finer) = (
                peak_degc(&lfp(), start_degc, STEP_K),
                peak_degc(&lfp(), start_degc, STEP_K / 2.0),
            );
            assert!(peak > start_degc + 200.0, "it burns from {start_degc}: {peak}");
            assert!((peak - finer).abs() < 0.1, "{start_degc}: {peak} against {finer}");
        }
    }

    #[test]
    fn a_cool_cell_only_follows_the_heat_from_outside() {
        let mut cell = Reaction::FRESH;
        let advanced = cell.advance(&lfp(), 5000.0, 25.0, 1000.0, 1.0);
        assert_eq!((cell, advanced.heat_j, advanced.sub_steps), (Reaction::FRESH, 0.0, 1));
        assert!((advanced.temperature_degc - 25.2).abs() < 1e-12);
    }

    #[test]
    fn a_cell_that_burnt_out_costs_one_step_and_gives_no_heat() {
        let mut cell = Reaction { left: 1e-12, vented: true, burnt: true };
        let advanced = cell.advance(&lfp(), 5000.0, 400.0, -500.0, 1.0);
        assert_eq!((advanced.sub_steps, advanced.heat_j), (1, 0.0));
        assert!((advanced.temperature_degc - 399.9).abs() < 1e-9);
    }

    #[test]
    fn the_vent_opens_once_and_gas_follows_the_reactant() {
        let (law, mut cell) = (lfp(), Reaction { left: 0.8, ..Reaction::FRESH });
        assert_eq!(cell.gas_litres(&law, 280.0), 0.0);
        assert!(cell.advance(&law, 5000.0, 100.0, 0.0, 1.0).vented_now, "by extent");
        assert!(!cell.advance(&law, 5000.0, 200.0, 0.0, 1.0).vented_now, "only once");
        let litres = 0.47 * 280.0 * (1.0 - cell.left);
        assert!((cell.gas_litres(&law, 280.0) - litres).abs() < 1e-9 && cell.smokes(&law));
        let mut hot = Reaction::FRESH;
        assert!(hot.advance(&law, 5000.0, 161.0, 0.0, 1.0).vented_now, "by temperature");
        assert!(!hot.burnt);
    }

    #[test]
    fn a_cell_is_lost_once_when_the_reaction_has_used_its_share() {
        let (law, mut cell) = (lfp(), Reaction::FRESH);
        let lost =
            (0..600).filter(|_| cell.advance(&law, 5000.0, 260.0, 0.0, 1.0).burnt_now).count();
        assert!(lost == 1 && cell.burnt && cell.left < 0.5, "{lost} times, {cell:?}");
    }

    #[test]
    fn heat_without_measure_still_ends() {
        let mut cell = Reaction::FRESH;
        let advanced = cell.advance(&violent(), 1.0, 100.0, f64::INFINITY, 1.0);
        assert_eq!(advanced.sub_steps, MAX_SUB_STEPS + 1);
    }

    proptest! {
        #[test]
        fn energy_is_exact_reactant_never_negative_and_sub_steps_are_few(
            left in 0.0f64..=1.0,
            temperature_degc in -40.0f64..1200.0,
            net_w in -1e5f64..1e5,
            span_s in 0.0f64..10.0,
            is_violent: bool,
        ) {
            let law = if is_violent { violent() } else { lfp() };
            let mut cell = Reaction { left, ..Reaction::FRESH };
            let c = HEAT_CAPACITY_J_PER_K;
            let advanced = cell.advance(&law, c, temperature_degc, net_w, span_s);
            let stored_j = c * (advanced.temperature_degc - temperature_degc);
            let in_j = net_w * span_s + advanced.heat_j;
            prop_assert!((stored_j - in_j).abs() < 1e-12 * c * 5000.0, "{} J", stored_j - in_j);
            prop_assert!((0.0..=left).contains(&cell.left) && advanced.heat_j >= 0.0);
            let moved_k = law.adiabatic_rise_k * (left - cell.left) + (net_w * span_s / c).abs();
            prop_assert!(f64::from(advanced.sub_steps) < 2.0 * moved_k / STEP_K + 50.0);
        }

        #[test]
        fn no_sub_step_moves_the_temperature_by_five_kelvin(
            temperature_degc in 81.0f64..700.0,
            net_w in -1e5f64..1e5,
            is_violent: bool,
        ) {
            let law = if is_violent { violent() } else { lfp() };
            let (mut left, mut elapsed_s) = (1.0, 0.0);
            let span = Span {
                law: &law,
                start_degc: temperature_degc,
                start_left: left,
                outside_k_per_s: net_w / HEAT_CAPACITY_J_PER_K,
            };
            for _ in 0..3000 {
                let before_degc = span.temperature_degc(elapsed_s, left);
                let rate_per_s = law.rate_per_s(before_degc);
                let step_s = span.step_s(1.0 - elapsed_s, left, rate_per_s, STEP_K);
                left = span.left_after(elapsed_s, step_s, left, rate_per_s);
                elapsed_s += step_s;
                let moved_k = span.temperature_degc(elapsed_s, left) - before_degc;
                prop_assert!(moved_k.abs() < 5.0, "{moved_k} K at {before_degc}");
            }
        }
    }
}
