//! Thermal runaway of a cell as data: one lumped reaction, what it vents, and when the cell is lost.
//!
//! The law is d(left)/dt = -A exp(-E/RT) left, with heat C dT_ad per unit of reactant, where C is the
//! heat capacity of `[thermal]`. One reaction of first order stands for all of them (SEI, anode,
//! cathode, electrolyte, internal short). Its limits:
//! - Two figures were fitted, the temperature of 0.02 K/min and that of 1 K/s; what lies between
//!   follows, the shape of a calorimeter's curve with its plateaus does not.
//! - The cell has one temperature. A real cell ignites at its hot face and burns for seconds to
//!   minutes, at 0.8 K/s (LFP) to 10 K/s (NMC) measured outside; here the rate reaches hundreds of
//!   K/s with LFP and 100 000 K/s with NMC. The heat is right, its last seconds are not.
//! - A peak of adiabatic heating does not tell the heater's share: a cell that heats up slowly uses
//!   reactant on the way and ends cooler.
//! - The heat is that of a full cell, its electrical energy included: the charge of a cell that burnt
//!   is written off, not added. A half-full cell burns like a full one, which is the safe side.
//! - No flame, no heat carried by gas, no pressure: what burns outside the cell heats nobody.

use crate::config::{Bounds, Section};
use crate::math;
use crate::units::{GAS_CONSTANT_J_PER_MOL_K, ZERO_CELSIUS_K};

/// Self-heating that calorimetry calls onset, in K/s: 0.02 K/min, the usual detection limit of an
/// accelerating-rate calorimeter.
pub const ONSET_K_PER_S: f64 = 0.02 / 60.0;

/// Self-heating from which a cell is in runaway, in K/s: the usual convention of 1 K/s.
pub const RUNAWAY_K_PER_S: f64 = 1.0;

/// Default of [`Runaway::watch_above_degc`]: 20 K below the onset of NMC \[E\].
const WATCH_ABOVE_DEGC: f64 = 80.0;

/// The lumped decomposition of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Runaway {
    /// Frequency factor A in 1/s, > 0.
    pub frequency_factor_per_s: f64,
    /// Activation energy E in J/mol, 20 000 to 400 000.
    pub activation_energy_j_per_mol: f64,
    /// Temperature by which all of the reactant heats the cell, in K, > 0 and at most 3000.
    pub adiabatic_rise_k: f64,
    /// Fraction of reactant used at which the cell opens its string for good, > 0 and at most 1.
    pub burnt_extent: f64,
    /// Temperature in degC up to which the reaction is not integrated; its rate there is below the
    /// onset.
    pub watch_above_degc: f64,
    /// What leaves the cell; absent means a cell that stays closed.
    pub vent: Option<Vent>,
}

/// The opening of a cell's safety vent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vent {
    /// Temperature in degC at which the vent opens, at or above [`Runaway::watch_above_degc`].
    pub temperature_degc: f64,
    /// Fraction of reactant used at which the vent opens even below that temperature, > 0 to 1.
    pub extent: f64,
    /// Gas of a cell that burnt out, in litres at 25 degC and 1 bar per Ah of capacity, >= 0.
    pub gas_l_per_ah: f64,
    /// Whether a smoke detector sees the gas.
    pub smoke: bool,
}

impl Runaway {
    /// Rate constant in 1/s at `temperature_degc`; 0 up to [`Runaway::watch_above_degc`].
    pub fn rate_per_s(&self, temperature_degc: f64) -> f64 {
        if temperature_degc > self.watch_above_degc {
            self.arrhenius(temperature_degc)
        } else {
            0.0
        }
    }

    /// Self-heating of a fresh cell in K/s at `temperature_degc`.
    pub fn self_heating_k_per_s(&self, temperature_degc: f64) -> f64 {
        self.rate_per_s(temperature_degc) * self.adiabatic_rise_k
    }

    /// Temperature in degC at which a fresh cell heats itself by `k_per_s` (> 0); `None` when no
    /// temperature is high enough.
    pub fn temperature_at_self_heating_degc(&self, k_per_s: f64) -> Option<f64> {
        let ratio = self.frequency_factor_per_s * self.adiabatic_rise_k / k_per_s;
        let activation_k = self.activation_energy_j_per_mol / GAS_CONSTANT_J_PER_MOL_K;
        (ratio > 1.0).then(|| activation_k / math::ln(ratio) - ZERO_CELSIUS_K)
    }

    fn arrhenius(&self, temperature_degc: f64) -> f64 {
        let molar_j = GAS_CONSTANT_J_PER_MOL_K * (temperature_degc + ZERO_CELSIUS_K);
        self.frequency_factor_per_s * math::exp(-self.activation_energy_j_per_mol / molar_j)
    }
}

/// Reads `[runaway]`; problems are reported to the document.
pub(super) fn read_runaway(section: Section<'_, '_>) -> Option<Runaway> {
    let law = Runaway {
        frequency_factor_per_s: section.f64("frequency_factor_per_s", Bounds::positive(1e30)),
        activation_energy_j_per_mol: section
            .f64("activation_energy_j_per_mol", Bounds::within(20_000.0, 400_000.0)),
        adiabatic_rise_k: section.f64("adiabatic_rise_k", Bounds::positive(3000.0)),
        burnt_extent: section.f64("burnt_extent", Bounds::positive(1.0)),
        watch_above_degc: section.f64_or(
            "watch_above_degc",
            WATCH_ABOVE_DEGC,
            Bounds::within(40.0, 200.0),
        ),
        vent: section.section("vent").map(read_vent),
    };
    check_watch(&section, &law);
    let _ = section.text("source");
    section.finish();
    Some(law)
}

fn read_vent(section: Section<'_, '_>) -> Vent {
    let vent = Vent {
        temperature_degc: section.f64("temperature_degc", Bounds::within(40.0, 1000.0)),
        extent: section.f64("extent", Bounds::positive(1.0)),
        gas_l_per_ah: section.f64("gas_l_per_ah", Bounds::within(0.0, 100.0)),
        smoke: section.choice_or("smoke", true, &[("yes", true), ("no", false)]),
    };
    let _ = section.text("source");
    section.finish();
    vent
}

/// Refuses a watch that would hide the onset of the reaction or the opening of the vent.
fn check_watch(section: &Section<'_, '_>, law: &Runaway) {
    let watch = law.watch_above_degc;
    let onset = law.temperature_at_self_heating_degc(ONSET_K_PER_S);
    if onset.is_some_and(|onset| onset < watch) {
        let message = format!(
            "`runaway.watch_above_degc` ({watch}) must be below the onset of the reaction: a fresh cell heats itself by 0.02 K/min at {:.1} degC",
            onset.expect("it was compared")
        );
        let hint = Some("with 1e9 1/s, 113 kJ/mol and 300 K the onset is 122 degC".to_owned());
        section.report(section.span_of("watch_above_degc"), message, hint);
    }
    if let Some(vent) = law.vent.filter(|vent| vent.temperature_degc < watch) {
        let message = format!(
            "`runaway.vent.temperature_degc` must be at least `runaway.watch_above_degc` ({watch}), got {}",
            vent.temperature_degc
        );
        section.report(section.span_of("vent"), message, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Problems, read_document};

    const LFP: &str = r#"
[runaway]
frequency_factor_per_s = 1e9
activation_energy_j_per_mol = 113000
adiabatic_rise_k = 300
burnt_extent = 0.5
source = "here"
[runaway.vent]
temperature_degc = 160
extent = 0.1
gas_l_per_ah = 0.47
source = "here"
"#;

    fn parse(text: &str) -> Result<Option<Runaway>, Problems> {
        read_document("t.toml", text, |root| root.section("runaway").and_then(read_runaway))
    }
    fn refusal(from: &str, to: &str) -> String {
        assert!(LFP.contains(from), "{from}");
        parse(&LFP.replace(from, to)).expect_err("a fault").to_string()
    }

    #[test]
    fn a_law_is_read_with_its_defaults() {
        let law = parse(LFP).unwrap_or_else(|e| panic!("{e}")).expect("a law");
        assert_eq!((law.adiabatic_rise_k, law.watch_above_degc), (300.0, 80.0));
        let vent = law.vent.expect("a vent");
        assert_eq!((vent.temperature_degc, vent.smoke), (160.0, true));
    }

    #[test]
    fn a_cell_without_a_vent_is_possible() {
        let text = LFP.split("[runaway.vent]").next().unwrap();
        assert_eq!(parse(text).unwrap().unwrap().vent, None);
    }

    #[test]
    fn self_heating_and_its_temperature_are_inverse() {
        let law = parse(LFP).unwrap().unwrap();
        for k_per_s in [ONSET_K_PER_S, RUNAWAY_K_PER_S, 50.0] {
            let degc = law.temperature_at_self_heating_degc(k_per_s).unwrap();
            assert!((law.self_heating_k_per_s(degc) / k_per_s - 1.0).abs() < 1e-12);
        }
        assert_eq!(law.temperature_at_self_heating_degc(1e12), None);
    }

    #[test]
    fn nothing_reacts_up_to_the_watch() {
        let law = parse(LFP).unwrap().unwrap();
        assert_eq!((law.rate_per_s(-300.0), law.rate_per_s(80.0)), (0.0, 0.0));
        assert!(law.rate_per_s(80.001) > 0.0);
    }

    #[test]
    fn impossible_figures_are_refused_in_words() {
        for (from, to, words) in [
            ("= 1e9", "= 0", "`runaway.frequency_factor_per_s` must be a number greater than 0"),
            ("= 113000", "= 113", "a number from 20000 to 400000"),
            ("adiabatic_rise_k = 300", "", "lacks `adiabatic_rise_k`"),
            ("burnt_extent = 0.5", "burnt_extent = 50", "greater than 0 and at most 1"),
            ("extent = 0.1", "extent = 0", "`runaway.vent.extent`"),
            ("gas_l_per_ah = 0.47", "gas_l_per_ah = 0.47\nsmoke = \"a lot\"", "one of yes, no"),
            ("gas_l_per_ah", "gas_l_per_wh", "unknown key `gas_l_per_wh`"),
            ("source = \"here\"\n[", "[", "`[runaway]` lacks `source`"),
        ] {
            let problems = refusal(from, to);
            assert!(problems.contains(words), "{words} is not in:\n{problems}");
        }
    }

    #[test]
    fn a_watch_that_hides_the_onset_or_the_vent_is_refused() {
        let late = refusal("burnt_extent", "watch_above_degc = 130\nburnt_extent");
        assert!(late.contains("0.02 K/min at 121.5 degC"), "{late}");
        let cold = refusal("temperature_degc = 160", "temperature_degc = 60");
        assert!(cold.contains("at least `runaway.watch_above_degc` (80), got 60"), "{cold}");
    }
}
