//! Reads a chemistry file and checks that it describes a possible cell.

use super::{Chemistry, Curve, Hysteresis, Limits, RcPair, Resistance, Thermal};
use crate::config::{Bounds, Problems, Section, read_document};
use crate::units::{Coulombs, Ohms, Seconds, Volts};

const VOLTAGE: Bounds = Bounds::positive(10.0);
const TEMPERATURE: Bounds = Bounds::within(-60.0, 200.0);

/// Reads the chemistry `text`; `file` names it in messages.
///
/// # Errors
/// All problems of the text: syntax, unknown keys, missing sources, values out of range, an
/// open-circuit voltage that does not rise, curves that do not cover SoC 0 to 1.
///
/// # Panics
/// Never: what is missing has been reported.
pub fn parse_chemistry(file: &str, text: &str) -> Result<Chemistry, Problems> {
    let chemistry = read_document(file, text, read)?;
    Ok(chemistry.expect("a clean document has every required table"))
}

fn read(root: &Section<'_, '_>) -> Option<Chemistry> {
    let name = root.text("name");
    let description = root.text_or("description", "");
    let cell = root.required_section("cell");
    let ocv = root.required_section("ocv");
    let r0 = root.required_section("r0");
    let rc1 = root.required_section("rc1");
    let rc2 = root.section("rc2");
    let hysteresis = root.section("hysteresis").and_then(read_hysteresis);
    let entropic_v_per_k = root.section("entropic").and_then(|section| {
        let curve = soc_curve(&section, "v_per_k", Bounds::within(-0.01, 0.01));
        close(section);
        curve
    });
    let thermal = root.section("thermal").map(read_thermal);
    let limits = root.section("limits").and_then(read_limits);

    let cell = cell.map(|section| {
        let capacity = Coulombs::from_amp_hours(section.f64("capacity_ah", Bounds::positive(1e5)));
        let nominal = Volts(section.f64("nominal_voltage_v", Bounds::positive(10.0)));
        close(section);
        (capacity, nominal)
    });
    let ocv = ocv.and_then(|section| {
        let curve = soc_curve(&section, "voltage_v", VOLTAGE);
        if let Some(index) = curve.as_ref().and_then(Curve::first_non_rising) {
            let curve = curve.as_ref().expect("an index came from it");
            let message = format!(
                "the open-circuit voltage must rise with SoC, but `ocv.voltage_v[{index}]` is {} after {}",
                curve.values()[index],
                curve.values()[index - 1]
            );
            section.report(section.span_of("voltage_v"), message, None);
        }
        close(section);
        curve
    });
    let r0 = r0.map(|section| {
        let resistance = read_resistance(&section);
        close(section);
        resistance
    });
    let rc: Vec<RcPair> = rc1.into_iter().chain(rc2).map(read_rc).collect();
    let (capacity, nominal_voltage) = cell?;
    Some(Chemistry {
        name,
        description,
        capacity,
        nominal_voltage,
        ocv: ocv?,
        r0: r0?,
        rc,
        hysteresis,
        entropic_v_per_k,
        thermal,
        limits,
    })
}

/// Every table says where its figures come from.
fn close(section: Section<'_, '_>) {
    let _ = section.text("source");
    section.finish();
}

fn read_resistance(section: &Section<'_, '_>) -> Resistance {
    let value = Ohms(section.f64("resistance_ohm", Bounds::positive(10.0)));
    let activation_energy_j_per_mol =
        section.f64_or("activation_energy_j_per_mol", 0.0, Bounds::within(0.0, 200_000.0));
    let soc_factor = if section.has("soc") || section.has("factor") {
        soc_curve(section, "factor", Bounds::positive(100.0))
    } else {
        None
    };
    Resistance { value, activation_energy_j_per_mol, soc_factor }
}

fn read_rc(section: Section<'_, '_>) -> RcPair {
    let resistance = read_resistance(&section);
    let time_constant = Seconds(section.f64("time_constant_s", Bounds::positive(1e6)));
    close(section);
    RcPair { resistance, time_constant }
}

fn read_hysteresis(section: Section<'_, '_>) -> Option<Hysteresis> {
    let half_width = soc_curve(&section, "half_width_v", Bounds::within(0.0, 1.0));
    let rate_per_soc = section.f64("rate_per_soc", Bounds::positive(10_000.0));
    close(section);
    Some(Hysteresis { half_width: half_width?, rate_per_soc })
}

fn read_thermal(section: Section<'_, '_>) -> Thermal {
    let thermal = Thermal {
        heat_capacity_j_per_k: section.f64("heat_capacity_j_per_k", Bounds::positive(1e6)),
        neighbour_w_per_k: section.f64("neighbour_w_per_k", Bounds::within(0.0, 1000.0)),
        plate_w_per_k: section.f64("plate_w_per_k", Bounds::within(0.0, 1000.0)),
    };
    // Heat is stepped once a second: more than this and a cell's temperature would swing.
    let conductance_w_per_k = thermal.plate_w_per_k + 4.0 * thermal.neighbour_w_per_k;
    if conductance_w_per_k > thermal.heat_capacity_j_per_k {
        let message = format!(
            "`thermal.heat_capacity_j_per_k` must be at least {conductance_w_per_k} for these conductances, got {}",
            thermal.heat_capacity_j_per_k
        );
        let hint = Some("a 314 Ah cell has about 5600 J/K".to_owned());
        section.report(section.span_of("heat_capacity_j_per_k"), message, hint);
    }
    close(section);
    thermal
}

fn read_limits(section: Section<'_, '_>) -> Option<Limits> {
    let voltage_min = Volts(section.f64("voltage_min_v", VOLTAGE));
    let voltage_max = Volts(section.f64("voltage_max_v", VOLTAGE));
    if voltage_min >= voltage_max {
        let message = format!(
            "`limits.voltage_min_v` ({}) must be below `limits.voltage_max_v` ({})",
            voltage_min.0, voltage_max.0
        );
        section.report(section.span_of("voltage_min_v"), message, None);
    }
    let charge_c_rate_max = section.f64("charge_c_rate_max", Bounds::positive(50.0));
    let discharge_c_rate_max = section.f64("discharge_c_rate_max", Bounds::positive(50.0));
    let polyline = |key, node_key, bounds| {
        let child = section.required_section(key)?;
        let curve = curve(&child, node_key, "factor", bounds, Bounds::FRACTION);
        child.finish();
        curve
    };
    let charge_by_voltage = polyline("charge_by_voltage", "voltage_v", VOLTAGE);
    let discharge_by_voltage = polyline("discharge_by_voltage", "voltage_v", VOLTAGE);
    let charge_by_temperature = polyline("charge_by_temperature", "temperature_degc", TEMPERATURE);
    let discharge_by_temperature =
        polyline("discharge_by_temperature", "temperature_degc", TEMPERATURE);
    close(section);
    Some(Limits {
        voltage_min,
        voltage_max,
        charge_c_rate_max,
        discharge_c_rate_max,
        charge_by_voltage: charge_by_voltage?,
        discharge_by_voltage: discharge_by_voltage?,
        charge_by_temperature: charge_by_temperature?,
        discharge_by_temperature: discharge_by_temperature?,
    })
}

fn soc_curve(section: &Section<'_, '_>, key: &'static str, bounds: Bounds) -> Option<Curve> {
    let curve = curve(section, "soc", key, Bounds::FRACTION, bounds)?;
    let (first, last) = (curve.nodes()[0], curve.nodes()[curve.nodes().len() - 1]);
    if first > 0.0 || last < 1.0 {
        let message = format!("`soc` must cover 0 to 1, got {first} to {last}");
        section.report(section.span_of("soc"), message, None);
    }
    Some(curve)
}

fn curve(
    section: &Section<'_, '_>,
    node_key: &'static str,
    value_key: &'static str,
    node_bounds: Bounds,
    value_bounds: Bounds,
) -> Option<Curve> {
    let nodes = section.numbers(node_key, node_bounds);
    let values = section.numbers(value_key, value_bounds);
    if !section.has(node_key) || !section.has(value_key) {
        return None;
    }
    match Curve::new(nodes, values) {
        Ok(curve) => Some(curve),
        Err(error) => {
            let message = format!("`{value_key}` over `{node_key}` {error}");
            section.report(section.span_of(value_key), message, None);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chemistry::BUILT_IN;

    const MINIMAL: &str = r#"
name = "test"
[cell]
capacity_ah = 280
nominal_voltage_v = 3.2
source = "here"
[ocv]
soc = [0, 1]
voltage_v = [3.0, 4.2]
source = "here"
[r0]
resistance_ohm = 0.00025
source = "here"
[rc1]
resistance_ohm = 0.00015
time_constant_s = 10
source = "here"
"#;

    #[test]
    fn every_built_in_chemistry_is_valid_and_fit_for_a_farm() {
        for (name, text) in BUILT_IN {
            let chemistry = parse_chemistry(name, text).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(&chemistry.name, name);
            let limits = chemistry.limits.as_ref().expect("limits");
            assert!(chemistry.thermal.is_some());
            assert!(limits.voltage_max.0 <= chemistry.ocv.at(1.0) + 0.5);
        }
    }

    #[test]
    fn a_minimal_file_gives_an_isothermal_cell_with_one_rc_pair() {
        let chemistry = parse_chemistry("t.toml", MINIMAL).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(chemistry.rc.len(), 1);
        assert!(chemistry.thermal.is_none() && chemistry.limits.is_none());
        assert!((chemistry.rc[0].capacitance_f() - 66_666.666_667).abs() < 1e-3);
    }

    #[test]
    fn an_open_circuit_voltage_that_falls_is_refused_at_its_place() {
        let text = MINIMAL.replace("[3.0, 4.2]", "[4.2, 3.0]");
        let problems = parse_chemistry("t.toml", &text).expect_err("falls");
        assert_eq!((problems.0.len(), problems.0[0].line), (1, 9));
        assert!(problems.0[0].message.contains("must rise"), "{problems}");
    }

    #[test]
    fn a_missing_table_does_not_hide_the_problems_of_the_others() {
        let text = MINIMAL
            .replace("[cell]", "[cells]")
            .replace("resistance_ohm = 0.00025", "resistance_ohm = -1");
        let problems = parse_chemistry("t.toml", &text).expect_err("faults").to_string();
        for part in ["lacks `cell`", "unknown key `cells`", "`r0.resistance_ohm` must be"] {
            assert!(problems.contains(part), "{part} is not in:\n{problems}");
        }
    }

    #[test]
    fn all_problems_of_a_file_come_at_once() {
        let text = MINIMAL
            .replace("resistance_ohm = 0.00025\nsource = \"here\"", "resistance_ohm = -1")
            .replace("soc = [0, 1]", "soc = [0.1, 1]")
            .replace("capacity_ah", "capacity_mah");
        let problems = parse_chemistry("t.toml", &text).expect_err("four faults").to_string();
        for part in [
            "lacks `capacity_ah`",
            "unknown key `capacity_mah`",
            "greater than 0",
            "must cover 0 to 1",
            "lacks `source`",
        ] {
            assert!(problems.contains(part), "{part} is not in:\n{problems}");
        }
    }
}
