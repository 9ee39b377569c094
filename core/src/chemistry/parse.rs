//! Reads a chemistry file and checks that it describes a possible cell.

mod operating;
mod over_ocv;
mod quantity;
#[cfg(test)]
mod tests;

use super::{
    Case, Chemistry, Curve, HeatForm, Hysteresis, Limits, RcPair, Resistance, SelfDischarge, Table,
    Thermal,
};
use crate::config::{Bounds, Problems, Section, read_document};
use crate::units::{Coulombs, Volts};
use quantity::{Quantities, covers_soc};

const VOLTAGE: Bounds = Bounds::positive(10.0);
const RESISTANCE: Bounds = Bounds::positive(10.0).with_hint(
    "a resistance is positive for charge and discharge alike, and in ohms: 0.5 mOhm is 0.0005",
);
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
    let cell = root.required_section("cell").map(|section| {
        let capacity = Coulombs::from_amp_hours(section.f64("capacity_ah", Bounds::positive(1e5)));
        let nominal = Volts(section.f64("nominal_voltage_v", Bounds::positive(10.0)));
        close(section);
        (capacity, nominal)
    });
    let capacity_ah = cell.map_or(f64::NAN, |(capacity, _)| capacity.amp_hours());
    let quantities = Quantities::new(capacity_ah);
    let ocv = root.required_section("ocv").and_then(|section| read_ocv(section, &quantities));
    let r0 = root.required_section("r0").and_then(|section| {
        let axes = resistance_axes(&section, &quantities);
        let resistance = read_resistance(&section, &axes, &quantities);
        axes.finish(&section, "`resistance_ohm`");
        close(section);
        resistance
    });
    let rc1 = root.required_section("rc1").map(|section| read_rc(section, &quantities));
    let rc2 = root.section("rc2").map(|section| read_rc(section, &quantities));
    let hysteresis = root.section("hysteresis").and_then(|s| read_hysteresis(s, &quantities));
    let entropic_v_per_k = root.section("entropic").and_then(|section| {
        let axes = quantities.axes_soc_or_ocv(&section);
        let bounds = Bounds::within(-0.01, 0.01);
        let table = quantities.read(&section, &axes, "v_per_k", bounds, ocv.as_ref());
        axes.finish(&section, "`v_per_k`");
        close(section);
        table
    });
    let thermal = root.section("thermal").map(read_thermal);
    let self_discharge = root.section("self_discharge").map(read_self_discharge);
    let limits = root.section("limits").and_then(read_limits);
    let ageing = root.section("ageing").and_then(super::ageing::read_ageing);
    let runaway = root.section("runaway").and_then(super::runaway::read_runaway);
    if runaway.is_some() && thermal.is_none() {
        let message =
            "`[runaway]` needs `[thermal]`: a cell without heat never gets hot".to_owned();
        root.report(root.span_of("runaway"), message, None);
    }
    if let Some(limits) = &limits {
        operating::check(root, &quantities.covered(), limits, capacity_ah);
    }

    let (capacity, nominal_voltage) = cell?;
    Some(Chemistry {
        name,
        description,
        capacity,
        nominal_voltage,
        ocv: ocv?,
        r0: r0?,
        rc: [rc1, rc2].into_iter().flatten().collect::<Option<_>>()?,
        hysteresis,
        entropic_v_per_k,
        thermal,
        self_discharge,
        limits,
        ageing,
        runaway,
    })
}

/// Every table says where its figures come from.
fn close(section: Section<'_, '_>) {
    let _ = section.text("source");
    section.finish();
}

fn read_ocv(section: Section<'_, '_>, quantities: &Quantities) -> Option<Table> {
    let axes = quantities.axes(&section);
    let table = quantities.read(&section, &axes, "voltage_v", VOLTAGE, None);
    axes.finish(&section, "`voltage_v`");
    if let Some(table) = &table {
        let message = if let Some(found) = table.first_non_rising() {
            let mut place = String::new();
            if table.depends_on_temperature() {
                place += &format!(" at {} degC", found.temperature_degc);
            }
            if table.depends_on_current() {
                place += &format!(" and {} A", found.current_a);
            }
            Some(format!(
                "the open-circuit voltage must rise with SoC, but `ocv.voltage_v[{}]`{place} is {} after {}",
                found.index, found.value, found.previous
            ))
        } else {
            (!table.depends_on_soc()).then(|| {
                "the open-circuit voltage must rise with SoC: expected an array over `soc`"
                    .to_owned()
            })
        };
        if let Some(message) = message {
            let hint = "values go with `soc`, from empty to full; on a flat plateau let each be a \
                        little above the one before, by 0.0001 V";
            section.report(section.span_of("voltage_v"), message, Some(hint.to_owned()));
        }
    }
    close(section);
    table
}

/// The axes of a section with a resistance: where `factor` is given, `soc` belongs to it.
fn resistance_axes(section: &Section<'_, '_>, quantities: &Quantities) -> quantity::Axes {
    if section.has("factor") {
        quantities.axes_without_soc(section)
    } else {
        quantities.axes(section)
    }
}

fn read_resistance(
    section: &Section<'_, '_>,
    axes: &quantity::Axes,
    quantities: &Quantities,
) -> Option<Resistance> {
    let value = quantities.read(section, axes, "resistance_ohm", RESISTANCE, None);
    let activation_energy_j_per_mol =
        section.f64_or("activation_energy_j_per_mol", 0.0, Bounds::within(0.0, 200_000.0));
    let soc_factor = section
        .has("factor")
        .then(|| soc_curve(section, "factor", Bounds::positive(100.0)))
        .flatten();
    let value = value?;
    let twice = |key: &'static str, what: &str, hint: &str| {
        let message = format!(
            "`{}` and `{}` both tell the dependence on {what}, which would count twice",
            section.name(key),
            section.name("resistance_ohm")
        );
        section.report(section.span_of(key), message, Some(hint.to_owned()));
    };
    if value.depends_on_temperature() && activation_energy_j_per_mol > 0.0 {
        let hint = "leave the activation energy out where a table over temperature is given";
        twice("activation_energy_j_per_mol", "temperature", hint);
    }
    if value.depends_on_soc() && soc_factor.is_some() {
        twice("factor", "SoC", "leave the factor out where a table over SoC is given");
    }
    Some(Resistance { value, activation_energy_j_per_mol, soc_factor })
}

/// The state at which a time constant makes a capacitance of a resistance that is a table.
const REFERENCE_SOC: f64 = 0.5;
const REFERENCE_DEGC: f64 = 25.0;

fn read_rc(section: Section<'_, '_>, quantities: &Quantities) -> Option<RcPair> {
    let axes = resistance_axes(&section, quantities);
    let resistance = read_resistance(&section, &axes, quantities);
    let capacitance_f = if section.has("capacitance_f") {
        if section.has("time_constant_s") {
            let message = format!(
                "`{}` and `time_constant_s` tell the same: give one of them",
                section.name("capacitance_f")
            );
            section.report(section.span_of("capacitance_f"), message, None);
        }
        quantities.read(&section, &axes, "capacitance_f", Bounds::positive(1e12), None)
    } else {
        let time_constant_s = section.f64("time_constant_s", Bounds::positive(1e6));
        resistance.as_ref().filter(|_| time_constant_s.is_finite()).map(|resistance| {
            let ohm = resistance.value.at(REFERENCE_SOC, REFERENCE_DEGC, 0.0);
            Table::constant(time_constant_s / ohm)
        })
    };
    axes.finish(&section, "`resistance_ohm` or `capacitance_f`");
    close(section);
    Some(RcPair { resistance: resistance?, capacitance_f: capacitance_f? })
}

fn read_hysteresis(section: Section<'_, '_>, quantities: &Quantities) -> Option<Hysteresis> {
    let axes = quantities.axes(&section);
    let bounds = Bounds::within(0.0, 1.0);
    let half_width = quantities.read(&section, &axes, "half_width_v", bounds, None);
    axes.finish(&section, "`half_width_v`");
    let rate_per_soc = section.f64("rate_per_soc", Bounds::positive(10_000.0));
    close(section);
    Some(Hysteresis { half_width: half_width?, rate_per_soc })
}

fn read_self_discharge(section: Section<'_, '_>) -> SelfDischarge {
    let self_discharge = SelfDischarge {
        current_a: section.f64("current_a", Bounds::within(0.0, 100.0)),
        activation_energy_j_per_mol: section.f64_or(
            "activation_energy_j_per_mol",
            0.0,
            Bounds::within(0.0, 200_000.0),
        ),
        sigma: section.f64_or("sigma", 0.0, Bounds::within(0.0, 2.0)),
    };
    close(section);
    self_discharge
}

fn read_thermal(section: Section<'_, '_>) -> Thermal {
    let conductance = Bounds::within(0.0, 1000.0);
    let heat_capacity = Bounds::positive(1e6);
    let case = section.section("case").map(|child| {
        let case = Case {
            heat_capacity_j_per_k: child.f64("heat_capacity_j_per_k", heat_capacity),
            to_surroundings_w_per_k: child.f64("to_surroundings_w_per_k", conductance),
        };
        (case, child)
    });
    let forms = [("dissipated", HeatForm::Dissipated), ("supplied", HeatForm::Supplied)];
    let thermal = Thermal {
        heat_capacity_j_per_k: section.f64("heat_capacity_j_per_k", heat_capacity),
        neighbour_w_per_k: section.f64("neighbour_w_per_k", conductance),
        plate_w_per_k: section.f64("plate_w_per_k", conductance),
        case: case.as_ref().map(|(case, _)| *case),
        rc_heat: section.choice_or("rc_heat", HeatForm::Dissipated, &forms),
    };
    // Heat is stepped once a second. Four times the neighbours' conductance, because in the worst
    // case they swing the other way; the same twice for the other node of a cell with a case.
    let to_case = if thermal.case.is_some() { 2.0 } else { 1.0 } * thermal.plate_w_per_k;
    steady(&section, to_case + 4.0 * thermal.neighbour_w_per_k, thermal.heat_capacity_j_per_k);
    if let Some((case, child)) = case {
        steady(&child, to_case + case.to_surroundings_w_per_k, case.heat_capacity_j_per_k);
        child.finish();
    }
    close(section);
    thermal
}

/// Reports a heat capacity so small that its temperature would swing from step to step.
fn steady(section: &Section<'_, '_>, conductance_w_per_k: f64, heat_capacity_j_per_k: f64) {
    let key = "heat_capacity_j_per_k";
    if conductance_w_per_k > heat_capacity_j_per_k {
        let message = format!(
            "`{}` must be at least {conductance_w_per_k} for these conductances, got {heat_capacity_j_per_k}",
            section.name(key)
        );
        let hint = Some("a 314 Ah cell has about 5600 J/K".to_owned());
        section.report(section.span_of(key), message, hint);
    }
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
    let curve = curve(section, "soc", key, Bounds::SOC_NODE, bounds)?;
    covers_soc(section, curve.nodes()).then_some(curve)
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
