//! How a cell loses capacity and gains resistance: three published laws, their figures as data.
//!
//! A chemistry file names the law and gives every coefficient in `[ageing]`; what is fixed here is
//! the form of each law. The laws are evaluated in `bess-simulation`. All of them add a calendar
//! part (time, temperature, state of charge) and a cycle part (full equivalent cycles, depth,
//! current), each a power of its own variable: `y = k x^p` with `k` from the stress.
//!
//! | law | fitted on | measured range |
//! |---|---|---|
//! | `large-format-lfp` | prismatic LFP above 250 Ah | 10 to 45 degC, depth 0.8 to 1, charge at most 0.65C (0.16C at 10 degC), discharge at most 1C |
//! | `naumann-lfp` | LFP 26650, 3 Ah | calendar 0 to 60 degC; cycles 25 and 40 degC, at most 1C charge and 2C discharge |
//! | `schmalstieg-nmc` | NMC 18650, 2.05 Ah | calendar 35 to 50 degC; cycles 35 degC at 1C |
//!
//! Outside its range a law is extrapolated as it stands, without a warning: the large-format law
//! makes cycles in the cold ever worse, the other two give cycles no dependence on temperature. A
//! coefficient that a law would make negative (resistance of Naumann's cell above about 1C, of
//! Schmalstieg's for the smallest cycles) counts as zero: no cell recovers.

use crate::config::{Bounds, Section};
use crate::math::{exp, tanh};

/// A law of ageing with its coefficients.
#[derive(Clone, Debug, PartialEq)]
pub enum AgeingLaw {
    /// Large-format LFP/graphite.
    LargeFormat(LargeFormatLaw),
    /// LFP/graphite by Naumann.
    Naumann(NaumannLaw),
    /// NMC/graphite by Schmalstieg.
    Schmalstieg(SchmalstiegLaw),
}

/// Capacity loss of large prismatic LFP cells, as a fraction. Resistance is not part of the law.
///
/// Source: cell tests of doi 10.1016/j.est.2023.109042, law and fit of BLAST-Lite (NREL).
#[derive(Clone, Debug, PartialEq)]
pub struct LargeFormatLaw {
    /// With time.
    pub calendar: LargeFormatCalendar,
    /// With charge throughput.
    pub cycle: LargeFormatCycle,
}

/// Loss = rate exp(-activation / T) exp(-anode Ua / T) days^exponent.
#[derive(Clone, Debug, PartialEq)]
pub struct LargeFormatCalendar {
    /// Loss per day^exponent at infinite temperature, > 0.
    pub rate: f64,
    /// Activation temperature in K, >= 0.
    pub activation_k: f64,
    /// Activation temperature per volt of anode potential in K/V, >= 0.
    pub anode_k_per_v: f64,
    /// Power of the time in days, 0.1 to 2.
    pub exponent: f64,
    /// Potential of the anode.
    pub anode: AnodePotential,
}

/// Loss = (rate + rate_per_depth depth + rate_per_c C) (exp(t1 / T) + exp(t2 / T)) FEC^exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LargeFormatCycle {
    /// Part without depth and current, >= 0.
    pub rate: f64,
    /// Part per depth, >= 0.
    pub rate_per_depth: f64,
    /// Part per C-rate in h, >= 0.
    pub rate_per_c: f64,
    /// The two temperatures t1 and t2 in K; positive makes cold worse.
    pub temperature_k: [f64; 2],
    /// Power of the full equivalent cycles, 0.1 to 2.
    pub exponent: f64,
}

/// Potential of a graphite anode against lithium over its stoichiometry x, as offset +
/// amplitude exp(-decay x) + sum of amplitude tanh((x - centre) / width).
///
/// Source of the form and of the usual figures: Safari and Delacourt, J. Electrochem. Soc.
/// 158(5), A562 (2011).
#[derive(Clone, Debug, PartialEq)]
pub struct AnodePotential {
    /// Stoichiometry of the anode at SoC 0 and 1.
    pub stoichiometry: [f64; 2],
    /// Offset in volts.
    pub offset_v: f64,
    /// Amplitude of the exponential in volts.
    pub exponential_v: f64,
    /// Its decay per unit of stoichiometry, >= 0.
    pub decay: f64,
    /// The steps: amplitude in volts, centre and width in stoichiometry.
    pub steps: Vec<[f64; 3]>,
}

impl AnodePotential {
    /// The potential in volts at `soc`, which is held to 0 to 1.
    pub fn at_soc(&self, soc: f64) -> f64 {
        let [empty, full] = self.stoichiometry;
        let x = empty + soc.clamp(0.0, 1.0) * (full - empty);
        let steps: f64 = self.steps.iter().map(|[v, at, width]| v * tanh((x - at) / width)).sum();
        self.offset_v + self.exponential_v * exp(-self.decay * x) + steps
    }
}

/// Naumann's law for LFP/graphite: capacity with the square roots of time and cycles, resistance
/// linear in both.
///
/// Source: Naumann et al., doi 10.1016/j.est.2018.01.019 (calendar) and
/// 10.1016/j.jpowsour.2019.227666 (cycles).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NaumannLaw {
    /// Capacity loss with time: fraction per s^0.5; SoC enters by its third power.
    pub capacity_calendar: SocStress,
    /// Resistance gain with time: fraction per s; SoC enters by its second power.
    pub resistance_calendar: SocStress,
    /// Capacity loss with cycles: per cent per FEC^0.5.
    pub capacity_cycle: DepthStress,
    /// Resistance gain with cycles: per cent per FEC.
    pub resistance_cycle: DepthStress,
}

/// rate Arrhenius(T) (shape (SoC - centre)^n + constant).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SocStress {
    /// Rate at 25 degC, > 0.
    pub rate: f64,
    /// Activation energy in J/mol, >= 0.
    pub activation_energy_j_per_mol: f64,
    /// Factor of the power of SoC.
    pub shape: f64,
    /// SoC at which that power is zero, 0 to 1.
    pub centre: f64,
    /// What is added to it.
    pub constant: f64,
}

/// (per_c C + rate) (shape (depth - centre)^3 + constant).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthStress {
    /// Rate per C-rate in h.
    pub per_c: f64,
    /// Rate without current.
    pub rate: f64,
    /// Factor of the third power of depth.
    pub shape: f64,
    /// Depth at which that power is zero, 0 to 1.
    pub centre: f64,
    /// What is added to it.
    pub constant: f64,
}

/// Schmalstieg's law for NMC/graphite: calendar with days^0.75; cycles with the square root of the
/// charge throughput for capacity and linear in it for resistance. All in fractions.
///
/// Source: Schmalstieg et al., J. Power Sources 257 (2014) 325-334,
/// doi 10.1016/j.jpowsour.2014.02.012.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SchmalstiegLaw {
    /// Capacity of the cell that the law was fitted on in Ah, > 0: it turns full equivalent cycles
    /// of another cell into the throughput of that one, two capacities each.
    pub reference_capacity_ah: f64,
    /// Capacity loss per day^0.75.
    pub capacity_calendar: VoltageCalendar,
    /// Resistance gain per day^0.75.
    pub resistance_calendar: VoltageCalendar,
    /// Capacity loss per Ah^0.5.
    pub capacity_cycle: VoltageCycle,
    /// Resistance gain per Ah.
    pub resistance_cycle: VoltageCycle,
}

/// (per_v V + rate) exp(-activation / T), with the open-circuit voltage V.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoltageCalendar {
    /// Rate per volt, >= 0.
    pub per_v: f64,
    /// Rate at 0 V.
    pub rate: f64,
    /// Activation temperature in K, >= 0.
    pub activation_k: f64,
}

/// per_v2 (V - centre)^2 + rate + per_depth depth, with the mean voltage V of the cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoltageCycle {
    /// Rate per square of a volt, >= 0.
    pub per_v2: f64,
    /// Voltage of least ageing.
    pub centre_v: f64,
    /// Rate without depth.
    pub rate: f64,
    /// Rate per depth, >= 0.
    pub per_depth: f64,
}

#[derive(Clone, Copy)]
enum Law {
    LargeFormat,
    Naumann,
    Schmalstieg,
}

const LAWS: &[(&str, Option<Law>)] = &[
    ("large-format-lfp", Some(Law::LargeFormat)),
    ("naumann-lfp", Some(Law::Naumann)),
    ("schmalstieg-nmc", Some(Law::Schmalstieg)),
];
/// Anything that is finite and no typing error.
const COEFFICIENT: Bounds = Bounds::within(-1e12, 1e12);
const NOT_NEGATIVE: Bounds = Bounds::within(0.0, 1e12);
const EXPONENT: Bounds = Bounds::within(0.1, 2.0);
const ACTIVATION_K: Bounds = Bounds::within(0.0, 50_000.0);
const ACTIVATION_J: Bounds = Bounds::within(0.0, 400_000.0);

/// Reads `[ageing]`. `None` when there was a problem, which has been reported.
pub(super) fn read_ageing(section: Section<'_, '_>) -> Option<AgeingLaw> {
    let _ = section.text("source");
    if !section.has("law") {
        let _ = section.text("law");
    }
    let law = section.choice_or("law", None, LAWS);
    let (calendar, cycle) =
        (section.required_section("calendar"), section.required_section("cycle"));
    // Without a known law nobody can say which keys the tables should have.
    let law = law?;
    let parsed = calendar.zip(cycle).and_then(|(calendar, cycle)| match law {
        Law::LargeFormat => read_large_format(calendar, cycle).map(AgeingLaw::LargeFormat),
        Law::Naumann => read_naumann(calendar, cycle).map(AgeingLaw::Naumann),
        Law::Schmalstieg => read_schmalstieg(calendar, cycle).map(AgeingLaw::Schmalstieg),
    });
    section.finish();
    parsed
}

fn read_large_format(calendar: Section<'_, '_>, cycle: Section<'_, '_>) -> Option<LargeFormatLaw> {
    let anode = calendar.required_section("anode").and_then(read_anode);
    let (rate, activation_k) =
        (calendar.f64("rate", Bounds::positive(1e12)), calendar.f64("activation_k", ACTIVATION_K));
    let (anode_k_per_v, exponent) =
        (calendar.f64("anode_k_per_v", ACTIVATION_K), calendar.f64("exponent", EXPONENT));
    calendar.finish();
    let temperature_k = fixed::<2>(&cycle, "temperature_k", Bounds::within(-1e6, 50_000.0));
    let parsed = LargeFormatCycle {
        rate: cycle.f64("rate", NOT_NEGATIVE),
        rate_per_depth: cycle.f64("rate_per_depth", NOT_NEGATIVE),
        rate_per_c: cycle.f64("rate_per_c", NOT_NEGATIVE),
        temperature_k: temperature_k.unwrap_or_default(),
        exponent: cycle.f64("exponent", EXPONENT),
    };
    cycle.finish();
    let calendar =
        LargeFormatCalendar { rate, activation_k, anode_k_per_v, exponent, anode: anode? };
    temperature_k.map(|_| LargeFormatLaw { calendar, cycle: parsed })
}

fn read_anode(section: Section<'_, '_>) -> Option<AnodePotential> {
    const POTENTIAL: Bounds = Bounds::within(-5.0, 5.0);
    let stoichiometry = fixed::<2>(&section, "stoichiometry", Bounds::FRACTION);
    let offset_v = section.f64("offset_v", POTENTIAL);
    let exponential_v = section.f64("exponential_v", POTENTIAL);
    let decay = section.f64("decay", Bounds::within(0.0, 10_000.0));
    let amplitudes = section.numbers("step_v", POTENTIAL);
    let centres = section.numbers("step_centre", Bounds::within(-10.0, 10.0));
    let widths = section.numbers("step_width", Bounds::positive(10.0));
    if section.is_clean() && (amplitudes.len() != centres.len() || centres.len() != widths.len()) {
        let message = format!(
            "`step_v`, `step_centre` and `step_width` must have as many numbers as each other, got {}, {} and {}",
            amplitudes.len(),
            centres.len(),
            widths.len()
        );
        section.report(section.span_of("step_v"), message, None);
    }
    section.finish();
    let steps = amplitudes.iter().zip(&centres).zip(&widths).map(|((v, at), w)| [*v, *at, *w]);
    Some(AnodePotential {
        stoichiometry: stoichiometry?,
        offset_v,
        exponential_v,
        decay,
        steps: steps.collect(),
    })
}

fn read_naumann(calendar: Section<'_, '_>, cycle: Section<'_, '_>) -> Option<NaumannLaw> {
    let capacity_calendar = part(&calendar, "capacity", read_soc_stress);
    let resistance_calendar = part(&calendar, "resistance", read_soc_stress);
    let capacity_cycle = part(&cycle, "capacity", read_depth_stress);
    let resistance_cycle = part(&cycle, "resistance", read_depth_stress);
    calendar.finish();
    cycle.finish();
    Some(NaumannLaw {
        capacity_calendar: capacity_calendar?,
        resistance_calendar: resistance_calendar?,
        capacity_cycle: capacity_cycle?,
        resistance_cycle: resistance_cycle?,
    })
}

fn read_schmalstieg(calendar: Section<'_, '_>, cycle: Section<'_, '_>) -> Option<SchmalstiegLaw> {
    let reference_capacity_ah = cycle.f64("reference_capacity_ah", Bounds::positive(10_000.0));
    let capacity_calendar = part(&calendar, "capacity", read_voltage_calendar);
    let resistance_calendar = part(&calendar, "resistance", read_voltage_calendar);
    let capacity_cycle = part(&cycle, "capacity", read_voltage_cycle);
    let resistance_cycle = part(&cycle, "resistance", read_voltage_cycle);
    calendar.finish();
    cycle.finish();
    Some(SchmalstiegLaw {
        reference_capacity_ah,
        capacity_calendar: capacity_calendar?,
        resistance_calendar: resistance_calendar?,
        capacity_cycle: capacity_cycle?,
        resistance_cycle: resistance_cycle?,
    })
}

fn read_soc_stress(section: &Section<'_, '_>) -> SocStress {
    SocStress {
        rate: section.f64("rate", Bounds::positive(1.0)),
        activation_energy_j_per_mol: section.f64("activation_energy_j_per_mol", ACTIVATION_J),
        shape: section.f64("shape", COEFFICIENT),
        centre: section.f64("centre", Bounds::FRACTION),
        constant: section.f64("constant", COEFFICIENT),
    }
}

fn read_depth_stress(section: &Section<'_, '_>) -> DepthStress {
    DepthStress {
        per_c: section.f64("per_c", COEFFICIENT),
        rate: section.f64("rate", COEFFICIENT),
        shape: section.f64("shape", COEFFICIENT),
        centre: section.f64("centre", Bounds::FRACTION),
        constant: section.f64("constant", COEFFICIENT),
    }
}

fn read_voltage_calendar(section: &Section<'_, '_>) -> VoltageCalendar {
    VoltageCalendar {
        per_v: section.f64("per_v", NOT_NEGATIVE),
        rate: section.f64("rate", COEFFICIENT),
        activation_k: section.f64("activation_k", ACTIVATION_K),
    }
}

fn read_voltage_cycle(section: &Section<'_, '_>) -> VoltageCycle {
    VoltageCycle {
        per_v2: section.f64("per_v2", NOT_NEGATIVE),
        centre_v: section.f64("centre_v", Bounds::within(0.0, 10.0)),
        rate: section.f64("rate", COEFFICIENT),
        per_depth: section.f64("per_depth", NOT_NEGATIVE),
    }
}

/// The sub-table `key`, read by `read`.
fn part<T>(
    section: &Section<'_, '_>,
    key: &'static str,
    read: impl FnOnce(&Section<'_, '_>) -> T,
) -> Option<T> {
    let child = section.required_section(key)?;
    let value = read(&child);
    child.finish();
    Some(value)
}

/// An array of `N` numbers.
fn fixed<const N: usize>(
    section: &Section<'_, '_>,
    key: &'static str,
    bounds: Bounds,
) -> Option<[f64; N]> {
    let numbers = section.numbers(key, bounds);
    let found = numbers.len();
    let array = numbers.try_into().ok();
    if array.is_none() && section.has(key) {
        let message = format!("`{key}` must hold {N} numbers within their range, got {found}");
        section.report(section.span_of(key), message, None);
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chemistry::{Chemistry, built_in, parse_chemistry};
    use crate::config::Problems;

    const NAUMANN: &str = r#"
[ageing]
law = "naumann-lfp"
source = "here"
[ageing.calendar]
capacity = { rate = 1.2571e-5, activation_energy_j_per_mol = 17126, shape = 2.8575, centre = 0.5, constant = 0.60225 }
resistance = { rate = 3.4194e-10, activation_energy_j_per_mol = 71827, shape = -3.3903, centre = 0.5, constant = 1.5604 }
[ageing.cycle]
capacity = { per_c = 0.0630, rate = 0.0971, shape = 4.0253, centre = 0.6, constant = 1.0923 }
resistance = { per_c = -0.0020, rate = 0.0021, shape = 6.8477, centre = 0.5, constant = 0.9182 }
"#;

    /// The `[ageing]` of a built-in file.
    fn ageing_of(name: &str) -> String {
        let text = built_in(name).expect("a built-in");
        let from = text.split_once("[ageing]").expect("it ages").1;
        format!("[ageing]{}", from.split("[runaway]").next().expect("a first part"))
    }
    fn with(ageing: &str) -> Result<Chemistry, Problems> {
        let lfp = built_in("lfp-280").expect("a built-in");
        let cell = lfp.split("[ageing]").next().expect("a first part");
        parse_chemistry("t.toml", &format!("{cell}{ageing}"))
    }
    fn complaint(ageing: &str) -> String {
        with(ageing).expect_err("a fault").to_string()
    }

    #[test]
    fn both_lfp_files_name_the_law_for_large_cells() {
        for name in ["lfp-280", "lfp-314"] {
            let text = built_in(name).expect("a built-in");
            let chemistry = parse_chemistry(name, text).unwrap_or_else(|e| panic!("{e}"));
            let Some(AgeingLaw::LargeFormat(law)) = chemistry.ageing else {
                panic!("{name}: {:?}", chemistry.ageing)
            };
            assert_eq!((law.calendar.exponent, law.cycle.exponent), (0.526, 0.828));
        }
    }

    #[test]
    fn the_anode_potential_of_the_files_is_that_of_a_graphite_anode() {
        // Worked by hand from the published curve: 123.30 mV at half charge, 86.38 mV when full.
        let chemistry = with(&ageing_of("lfp-280"));
        let Some(AgeingLaw::LargeFormat(law)) = chemistry.unwrap_or_else(|e| panic!("{e}")).ageing
        else {
            panic!("another law")
        };
        let anode = &law.calendar.anode;
        assert!((anode.at_soc(0.5) - 0.123_303_676_742_774_43).abs() < 1e-12);
        assert!((anode.at_soc(1.0) - 0.086_382_313_187_593_7).abs() < 1e-12);
        assert!((0..100).all(|i| {
            let soc = f64::from(i) / 100.0;
            anode.at_soc(soc) > anode.at_soc(soc + 0.01)
        }));
    }

    #[test]
    fn the_laws_of_naumann_and_schmalstieg_are_read() {
        let naumann = with(NAUMANN).unwrap_or_else(|e| panic!("{e}")).ageing;
        assert!(
            matches!(naumann, Some(AgeingLaw::Naumann(law)) if law.resistance_cycle.per_c == -0.002)
        );
        let nmc = with(&ageing_of("nmc-94")).unwrap_or_else(|e| panic!("{e}")).ageing;
        assert!(
            matches!(nmc, Some(AgeingLaw::Schmalstieg(law)) if law.reference_capacity_ah == 2.05)
        );
    }

    #[test]
    fn a_chemistry_without_the_table_stays_new() {
        assert_eq!(with("").unwrap_or_else(|e| panic!("{e}")).ageing, None);
    }

    #[test]
    fn a_wrong_law_a_missing_source_and_a_missing_table_are_told() {
        let text = complaint(&NAUMANN.replace("naumann-lfp", "naumann"));
        assert!(text.contains("must be one of large-format-lfp, naumann-lfp"), "{text}");
        let text = complaint(&NAUMANN.replace("source = \"here\"", ""));
        assert!(text.contains("lacks `source`"), "{text}");
        let text = complaint(&NAUMANN.replace("law = \"naumann-lfp\"", ""));
        assert!(text.contains("lacks `law`"), "{text}");
        let text = complaint(NAUMANN.split("[ageing.cycle]").next().unwrap());
        assert!(text.contains("lacks `cycle`"), "{text}");
    }

    #[test]
    fn a_coefficient_out_of_range_or_unknown_is_refused_at_its_place() {
        let text = complaint(&NAUMANN.replace("rate = 1.2571e-5", "rate = -1.2571e-5"));
        assert!(text.contains("`ageing.calendar.capacity.rate` must be"), "{text}");
        let text = complaint(&NAUMANN.replace("per_c = 0.0630", "per_cc = 0.0630"));
        assert!(text.contains("lacks `per_c`") && text.contains("unknown key `per_cc`"), "{text}");
        let lfp = ageing_of("lfp-280");
        let lfp = |from: &str, to: &str| complaint(&lfp.replace(from, to));
        let text = lfp("exponent = 0.526", "exponent = 0");
        assert!(text.contains("`ageing.calendar.exponent` must be a number from 0.1"), "{text}");
        let text = lfp("temperature_k = [2190, ", "temperature_k = [");
        assert!(text.contains("must hold 2 numbers"), "{text}");
        let text = lfp("step_centre = [", "step_centre = [0.3, ");
        assert!(text.contains("as many numbers as each other, got 4, 5 and 4"), "{text}");
    }
}
