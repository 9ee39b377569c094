//! Chemistry files outside the parser's own tests: the documentation's example, the file of the
//! solver's references, and the built-in NMC cell against published figures.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod pages;

use bess_core::chemistry::{Chemistry, HeatForm, built_in, parse_chemistry};

fn parsed(name: &str, text: &str) -> Chemistry {
    parse_chemistry(name, text).unwrap_or_else(|e| panic!("{e}"))
}

const PAGE: &str = include_str!("../../docs/chemistry-files.md");

/// The TOML blocks of the page: the complete examples and the fragments.
fn examples_and_fragments() -> (Vec<&'static str>, Vec<&'static str>) {
    let toml = pages::blocks(PAGE).into_iter().filter(|(kind, _)| *kind == "toml");
    toml.map(|(_, text)| text).partition(|text| text.contains("[cell]"))
}

#[test]
fn every_complete_example_of_the_documentation_is_a_chemistry() {
    let (examples, _) = examples_and_fragments();
    assert!(!examples.is_empty());
    for example in examples {
        let chemistry = parsed("docs/chemistry-files.md", example);
        assert!(chemistry.limits.is_some() && chemistry.thermal.is_some());
        assert!(chemistry.ageing.is_some() && chemistry.runaway.is_some());
    }
}

#[test]
fn every_fragment_of_the_documentation_fits_into_its_example() {
    let (examples, fragments) = examples_and_fragments();
    assert!(fragments.len() >= 4);
    for fragment in fragments {
        let new = pages::tables(fragment);
        let mut tables = pages::tables(examples[0]);
        tables.retain(|(header, _)| {
            header.is_empty() || new.iter().all(|(other, _)| other != header)
        });
        parsed("fragment", &(pages::written(&tables) + fragment));
    }
}

#[test]
fn no_key_of_the_code_is_forgotten() {
    let sources = [
        include_str!("../src/chemistry/mod.rs"),
        include_str!("../src/chemistry/parse.rs"),
        include_str!("../src/chemistry/parse/operating.rs"),
        include_str!("../src/chemistry/parse/over_ocv.rs"),
        include_str!("../src/chemistry/parse/quantity.rs"),
        include_str!("../src/chemistry/ageing.rs"),
        include_str!("../src/chemistry/runaway.rs"),
    ];
    let keys = pages::assert_no_key_is_forgotten(PAGE, &sources, &["temperature"]);
    assert!(keys.len() > 80, "{}", keys.len());
    for key in ["capacity_ah", "ocv_v", "step_centre", "adiabatic_rise_k", "naumann-lfp"] {
        assert!(keys.contains(key), "{key}");
    }
}

/// Rows of a reference as numbers by the names of its columns.
fn rows<const N: usize>(csv: &str, columns: [&str; N]) -> Vec<[f64; N]> {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = columns.map(|column| header.iter().position(|name| *name == column).unwrap());
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            at.map(|index| cells[index].parse().unwrap())
        })
        .collect()
}

#[test]
fn the_solvers_tables_give_the_solvers_parameters_along_its_trajectories() {
    let text = include_str!("../../simulation/tests/data/ecm-example.toml");
    let cell = parsed("ecm-example.toml", text);
    let thermal = cell.thermal.unwrap();
    assert!(thermal.case.is_some() && thermal.rc_heat == HeatForm::Supplied);
    let dudt = cell.entropic_v_per_k.as_ref().unwrap();
    let columns = ["I_A", "soc", "T_cell_C", "ocv_V", "R0_ohm", "R1_ohm", "C1_F", "Q_rev_W"];
    let near = |ours: f64, theirs: f64, bar: f64, what: &str| {
        assert!((ours - theirs).abs() <= bar, "{what}: {ours} instead of {theirs}");
    };
    for csv in [
        include_str!("../../simulation/tests/data/b1_ecm_example_cc_1C.csv"),
        include_str!("../../simulation/tests/data/b2_ecm_example_cc_charge_05C_cold.csv"),
        include_str!("../../simulation/tests/data/b3_ecm_example_pulse.csv"),
    ] {
        let rows = rows(csv, columns);
        let mut under_current = 0;
        for (k, [i, soc, t, ocv, r0, r1, c1, q_rev]) in rows.iter().copied().enumerate() {
            near(cell.ocv.at_extended(soc, t, i), ocv, 2e-9, "OCV");
            // The start was evaluated with the first current instead of none.
            if k == 0 {
                continue;
            }
            near(cell.r0.at(soc, t, i), r0, 2e-9 * r0 + 1e-12, "R0");
            near(cell.rc[0].resistance.at(soc, t, i), r1, 2e-9 * r1 + 1e-12, "R1");
            near(cell.rc[0].capacitance_f.at(soc, t, i), c1, 2e-9 * c1, "C1");
            near(-i * (t + 273.15) * dudt.at(soc, t, i), q_rev, 1e-6, "reversible heat");
            under_current += usize::from(i != 0.0);
        }
        assert!(under_current > 500);
    }
}

#[test]
fn the_nmc_cell_has_the_published_resistance_and_its_direction() {
    let cell = parsed("nmc-94", built_in("nmc-94").unwrap());
    let total = |soc: f64, t: f64, c_rate: f64| {
        let i = c_rate * 94.0;
        cell.r0.at(soc, t, i) + cell.rc.iter().map(|rc| rc.resistance.at(soc, t, i)).sum::<f64>()
    };
    // Facts: at half charge, discharging.
    for (t, milliohm) in [(5.0, 1.562), (15.0, 0.982), (25.0, 0.747), (35.0, 0.609)] {
        let ours = total(0.5, t, 0.5) * 1e3;
        assert!((ours - milliohm).abs() < 0.03 * milliohm, "{t}: {ours} instead of {milliohm}");
    }
    // At 5 degC and 1C, half charge: 1.575 mOhm charging, 1.469 mOhm discharging.
    let (charge, discharge) = (total(0.5, 5.0, -1.0), total(0.5, 5.0, 1.0));
    assert!((charge - 1.575e-3).abs() < 1.1e-5 && (discharge - 1.469e-3).abs() < 1.1e-5);
    // Arrhenius with 22 kJ/mol beyond the laboratory's temperatures, at the table's own nodes.
    let ratio = total(0.5, -20.0, 1.0) / total(0.5, 5.0, 1.0);
    assert!((ratio - 2.559).abs() < 0.01, "{ratio}");
    // The slope of the open-circuit voltage with temperature is the entropic coefficient.
    let slope = (cell.ocv.at(0.8, 35.0, 0.0) - cell.ocv.at(0.8, 5.0, 0.0)) / 30.0;
    let entropic = cell.entropic_v_per_k.as_ref().unwrap().at(0.8, 25.0, 0.0);
    assert!((slope - entropic).abs() < 5e-5, "{slope} {entropic}");
}

#[test]
fn a_grid_cell_leaks_three_percent_a_month() {
    for name in ["lfp-280", "lfp-314"] {
        let cell = parsed(name, built_in(name).unwrap());
        let leak = cell.self_discharge.unwrap().at(25.0);
        let month = leak * 30.0 * 24.0 / cell.capacity.amp_hours();
        assert!((month - 0.03).abs() < 2e-4, "{month}");
    }
}
