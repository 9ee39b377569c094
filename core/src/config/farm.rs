//! Reads a farm file into a [`FarmSpec`].

use super::bms::read_bms;
use super::cooling::read_cooling;
use super::defects::read_defects;
use super::functions::read_functions;
use super::grid::{read_grid, read_grid_code};
use super::plant::{read_arbitration, read_plant};
use super::protection::read_protection;
use super::reader::{Bounds, Section, read_document_with_files};
use super::sequence::{read_pcs_thermal, read_sequence};
use super::site::{TEMPERATURE, read_ambient, read_transformer};
use super::watchdog::read_watchdog;
use super::{Problem, Problems};
use crate::chemistry::{self, Chemistry, parse_chemistry};
use crate::command::RAMP_MIN_PCT_PER_S;
use crate::control::TripSettings;
use crate::id::UnitId;
use crate::spec::{
    AmbientSpec, Arbitration, FarmSpec, GridSpec, InitialSpec, PcsLoss, PcsSpec, PlantSettings,
    PlantSpec, RackLimiting, SpreadSpec, UnitDesign, UnitSpec,
};
use crate::state::UnitState;
use crate::units::{Celsius, Hertz, Ohms, Seconds, Vars, VoltAmps, Volts, Watts};
use std::sync::Arc;

/// The farm that runs when no file is given: 10 containers of 5.02 MWh / 2.5 MW.
pub const BUILT_IN_FARM: &str = include_str!("built-in-farm.toml");

/// Finds the text of a chemistry that is not built in, by the path that the farm file names.
pub type ChemistrySource<'s> = dyn Fn(&str) -> Result<String, String> + 's;

const MAX_UNITS: u64 = 100_000;
const MAX_CELLS: u64 = 100_000_000;

/// Reads the farm `text`; `file` names it in messages. A chemistry is a built-in name or a path that
/// ends in `.toml`, which `chemistry_source` turns into a text.
///
/// # Errors
/// All problems of the farm file and of the chemistry files that it names.
pub fn parse_farm(
    file: &str,
    text: &str,
    chemistry_source: &ChemistrySource<'_>,
) -> Result<FarmSpec, Problems> {
    read_document_with_files(file, text, |root, foreign| {
        let spec = read(root, chemistry_source, foreign);
        if root.is_clean() && foreign.is_empty() && spec.units.is_empty() {
            let message = "the farm has no units: write at least one `[[units]]`".to_owned();
            root.report(root.span_of("units"), message, None);
        }
        spec
    })
}

fn read(
    root: &Section<'_, '_>,
    source: &ChemistrySource<'_>,
    foreign: &mut Vec<Problem>,
) -> FarmSpec {
    let mut spec = FarmSpec {
        name: String::from("farm"),
        seed: 1,
        nominal_frequency: Hertz(50.0),
        ambient: AmbientSpec::Constant(Celsius(20.0)),
        transformer: None,
        initial: InitialSpec { state: UnitState::Running, soc: 0.5, temperature: Celsius(25.0) },
        plant: PlantSpec { split_period_ticks: 10, settings: PlantSettings::default() },
        grid: GridSpec::default(),
        arbitration: Arbitration::LastWriter,
        ageing_acceleration: 1.0,
        defects: Vec::new(),
        units: Vec::new(),
        shard: None,
    };
    // How it is reached is read by who serves it.
    let _ = root.has("modbus");
    let (mut transformer, mut plant) = (None, None);
    if let Some(farm) = root.required_section("farm") {
        spec.name = farm.text("name");
        spec.seed = farm.integer_or("seed", 1, 0, i64::MAX as u64);
        spec.nominal_frequency =
            Hertz(farm.f64("nominal_frequency_hz", Bounds::within(45.0, 65.0)));
        check_nominal_frequency(&farm, spec.nominal_frequency.0);
        check_name(&farm, "name", &spec.name);
        spec.ageing_acceleration =
            farm.f64_or("ageing_acceleration", 1.0, Bounds::within(0.0, 100_000.0));
        spec.ambient = read_ambient(&farm);
        transformer = farm.section("transformer").map(read_transformer);
        if let Some(initial) = farm.section("initial") {
            spec.initial = read_initial(initial);
        }
        plant = Some(read_plant(&farm));
        spec.arbitration = read_arbitration(&farm);
        spec.grid = read_grid(&farm);
        farm.finish();
    }
    let groups = root.sections("units");
    let mut n_cells = 0;
    for group in groups {
        n_cells += read_group(group, source, &mut spec, foreign);
        if n_cells > MAX_CELLS {
            let message = format!("the farm has {n_cells} cells; at most {MAX_CELLS} are possible");
            root.report(root.span_of("units"), message, None);
            break;
        }
    }
    if !spec.units.is_empty() {
        spec.transformer = transformer.map(|transformer| transformer.fit(root, &spec));
    }
    if let Some(plant) = plant {
        spec.plant = plant.fit(root, &spec);
    }
    spec.defects = read_defects(root, &spec);
    spec
}

/// Every table of a grid service is for one of the two systems.
fn check_nominal_frequency(farm: &Section<'_, '_>, hertz: f64) {
    if hertz.is_finite() && hertz != 50.0 && hertz != 60.0 {
        let message = format!("`farm.nominal_frequency_hz` must be 50 or 60, got {hertz}");
        farm.report(farm.span_of("nominal_frequency_hz"), message, None);
    }
}

/// Names stand in paths, tables and labels.
fn check_name(section: &Section<'_, '_>, key: &'static str, name: &str) {
    let fits = |c: char| c.is_alphanumeric() || "_-. ".contains(c);
    if name.chars().count() > 40 || !name.chars().all(fits) {
        let message = format!(
            "`{key}` must have at most 40 letters, digits, blanks or any of _ - . , got {name:?}"
        );
        section.report(section.span_of(key), message, None);
    }
}

fn read_initial(section: Section<'_, '_>) -> InitialSpec {
    let states =
        [("running", UnitState::Running), ("standby", UnitState::Standby), ("off", UnitState::Off)];
    let initial = InitialSpec {
        state: section.choice_or("state", UnitState::Running, &states),
        soc: section.f64_or("soc", 0.5, Bounds::FRACTION),
        temperature: Celsius(section.f64_or("temperature_degc", 25.0, TEMPERATURE)),
    };
    section.finish();
    initial
}

/// Appends the units of one `[[units]]` table; returns the number of their cells.
fn read_group(
    group: Section<'_, '_>,
    source: &ChemistrySource<'_>,
    spec: &mut FarmSpec,
    foreign: &mut Vec<Problem>,
) -> u64 {
    let count = group.integer_or("count", 1, 1, MAX_UNITS);
    let name = if group.has("name") { group.text("name") } else { "unit".to_owned() };
    check_name(&group, "name", &name);
    let chemistry = read_chemistry(&group, source, foreign);
    let n_racks = group.integer("racks", 1, 1000) as usize;
    let cells_in_series = group.integer("cells_in_series", 1, 2000) as usize;
    // At most the rack's cells; where that number itself is wrong, it alone is reported.
    let most = if cells_in_series > 1 { cells_in_series as u64 } else { 2000 };
    let cells_per_module = group.integer_or("cells_per_module", 52.min(most), 1, most) as usize;
    let rack_wiring = Ohms(group.f64_or("rack_wiring_mohm", 5.0, Bounds::positive(1000.0)) * 1e-3);
    let rack_limiting = group.choice_or(
        "rack_current_limits",
        RackLimiting::Held,
        &[("held", RackLimiting::Held), ("passive", RackLimiting::Passive)],
    );
    let manufacturer = group.text_or("manufacturer", "bess");
    let model = group.text_or("model", "simulated container");
    let spread = group.section("spread").map_or(SPREAD, read_spread);
    let window = chemistry.as_ref().map(|c| dc_voltage_window(c, cells_in_series));
    let pcs = group.required_section("pcs").map(|section| read_pcs(section, window));
    let plate_w_per_k =
        chemistry.as_ref().and_then(|c| c.thermal).map_or(0.0, |thermal| thermal.plate_w_per_k);
    let cooling = read_cooling(&group, plate_w_per_k * (n_racks * cells_in_series) as f64);
    let bms = read_bms(&group);
    let sequence = read_sequence(&group);
    let pcs_thermal = read_pcs_thermal(&group);
    let protection =
        read_protection(&group, source, foreign, chemistry.as_deref(), cells_in_series);
    let grid_code = read_grid_code(&group, spec.nominal_frequency.0);
    let mut functions = read_functions(&group);
    functions.trips = TripSettings::of(&grid_code);
    let watchdog = read_watchdog(&group, pcs.as_ref().map(|pcs| pcs.rated_power.0));
    if spec.units.len() as u64 + count > MAX_UNITS {
        let message = format!("the farm has more than {MAX_UNITS} units");
        group.report(group.span_of("count"), message, None);
        group.finish();
        return 0;
    }
    if let (Some(chemistry), Some(pcs)) = (chemistry, pcs) {
        check_voltage_class(&group, &chemistry, cells_in_series);
        let design = Arc::new(UnitDesign {
            manufacturer,
            model,
            n_racks,
            cells_in_series,
            cells_per_module,
            rack_wiring,
            rack_limiting,
            chemistry,
            spread,
            pcs,
            cooling,
            bms,
            sequence,
            pcs_thermal,
            protection: Arc::new(protection),
            grid_code: Arc::new(grid_code),
            functions: Arc::new(functions),
            watchdog,
        });
        append_units(&group, spec, &name, count, &design);
    }
    group.finish();
    count * n_racks as u64 * cells_in_series as u64
}

fn append_units(
    group: &Section<'_, '_>,
    spec: &mut FarmSpec,
    name: &str,
    count: u64,
    design: &Arc<UnitDesign>,
) {
    let is_taken = |unit: &UnitSpec| {
        // A unit is called "<group>-<number>".
        unit.name.rsplit_once('-').is_some_and(|(group, _)| group == name)
    };
    if spec.units.iter().any(is_taken) {
        let message = format!("two groups of units are called \"{name}\"");
        let hint = "give each `[[units]]` its own `name`".to_owned();
        group.report(group.span_of("name"), message, Some(hint));
    }
    for _ in 0..count {
        let id = UnitId::from_idx(spec.units.len());
        let first_rack = spec.n_racks();
        spec.units.push(UnitSpec {
            id,
            name: format!("{name}-{:03}", id.number()),
            racks: first_rack..first_rack + design.n_racks,
            design: Arc::clone(design),
        });
    }
}

/// A rack beyond the 1,500 V class (IEC 61660, low-voltage DC) is a slip in the number of cells.
fn check_voltage_class(group: &Section<'_, '_>, chemistry: &Chemistry, cells_in_series: usize) {
    const HIGHEST_V: f64 = 1550.0;
    let Some(limits) = &chemistry.limits else {
        return;
    };
    let rack_v = limits.voltage_max.0 * cells_in_series as f64;
    if rack_v > HIGHEST_V {
        let most = (HIGHEST_V / limits.voltage_max.0).floor();
        let message = format!(
            "{cells_in_series} cells of {} V in series make {rack_v:.0} V, beyond the 1,500 V class",
            limits.voltage_max.0
        );
        let hint = format!("at most {most} cells of \"{}\" in series", chemistry.name);
        group.report(group.span_of("cells_in_series"), message, Some(hint));
    }
}

fn read_chemistry(
    group: &Section<'_, '_>,
    source: &ChemistrySource<'_>,
    foreign: &mut Vec<Problem>,
) -> Option<Arc<Chemistry>> {
    let name = group.text("chemistry");
    if name.is_empty() {
        return None;
    }
    let is_path = std::path::Path::new(&name).extension().is_some_and(|e| e == "toml");
    let text = match chemistry::built_in(&name) {
        Some(text) => Ok(text.to_owned()),
        None if is_path => source(&name),
        None => Err("it is not built in".to_owned()),
    };
    let text = match text {
        Ok(text) => text,
        Err(reason) => {
            let known: Vec<&str> = chemistry::BUILT_IN.iter().map(|(name, _)| *name).collect();
            let message = format!("no chemistry \"{name}\": {reason}");
            let hint =
                format!("built in are {}; or name a file that ends in .toml", known.join(", "));
            group.report(group.span_of("chemistry"), message, Some(hint));
            return None;
        }
    };
    match parse_chemistry(&name, &text) {
        Ok(chemistry) => {
            for (table, missing) in
                [("limits", chemistry.limits.is_none()), ("thermal", chemistry.thermal.is_none())]
            {
                if missing {
                    let message =
                        format!("chemistry \"{name}\" has no `[{table}]`, which a farm needs");
                    group.report(group.span_of("chemistry"), message, None);
                    return None;
                }
            }
            Some(Arc::new(chemistry))
        }
        Err(problems) => {
            foreign.extend(problems.0);
            None
        }
    }
}

/// New cells: sigma Q 0.17 %, R 0.45 % inherent (Wildfeuer and Lienkamp, 600 cells); literature 0.2 to
/// 0.3 % and 0.7 to 3.8 %. The spread of the starting SoC is an engineering choice.
const SPREAD: SpreadSpec =
    SpreadSpec { capacity_sigma: 0.0025, resistance_sigma: 0.01, soc_sigma: 0.003 };

fn read_spread(section: Section<'_, '_>) -> SpreadSpec {
    let percent =
        |key, default: f64| section.f64_or(key, default * 100.0, Bounds::within(0.0, 20.0)) / 100.0;
    let spread = SpreadSpec {
        capacity_sigma: percent("capacity_sigma_pct", SPREAD.capacity_sigma),
        resistance_sigma: percent("resistance_sigma_pct", SPREAD.resistance_sigma),
        soc_sigma: percent("soc_sigma_pct", SPREAD.soc_sigma),
    };
    section.finish();
    spread
}

/// Fit to the measured efficiency of a Sinamics S120 (Schimpe 2018, SimSES, BSD-3-Clause); its
/// zero-load loss is 0, so the standby part is added as an engineering choice.
const LOSS: PcsLoss = PcsLoss {
    standby: 0.001,
    saturating: 0.006_01,
    knee: 1.0 / 97.0,
    linear: 0.008_64,
    quadratic: 0.011_96,
};

/// Lowest and highest voltage that a rack can have: by the limits of its cells and by their
/// open-circuit voltages, which may lie beyond when a cell is empty or full.
fn dc_voltage_window(chemistry: &Chemistry, cells_in_series: usize) -> (f64, f64) {
    let (empty_v, full_v) = (chemistry.ocv.at(0.0, 25.0, 0.0), chemistry.ocv.at(1.0, 25.0, 0.0));
    let (low_v, high_v) = chemistry.limits.as_ref().map_or((empty_v, full_v), |limits| {
        (limits.voltage_min.0.min(empty_v), limits.voltage_max.0.max(full_v))
    });
    (low_v * cells_in_series as f64, high_v * cells_in_series as f64)
}

/// Lowest and highest DC voltage of the converter; by default what the racks can have, with a margin
/// of 5 % \[E\].
fn read_dc_window(section: &Section<'_, '_>, racks: Option<(f64, f64)>) -> (Volts, Volts) {
    const MARGIN: f64 = 0.05;
    const DC_V: Bounds = Bounds::within(0.0, 3_000.0);
    let (low_v, high_v) = racks.unwrap_or((0.0, f64::INFINITY));
    let min_v = section.f64_or("dc_voltage_min_v", low_v * (1.0 - MARGIN), DC_V);
    let max_v = section.f64_or("dc_voltage_max_v", high_v * (1.0 + MARGIN), DC_V);
    if max_v <= min_v {
        let message =
            format!("`dc_voltage_max_v` ({max_v}) must be above `dc_voltage_min_v` ({min_v})");
        section.report(section.span_of("dc_voltage_max_v"), message, None);
    } else if high_v <= min_v || low_v >= max_v {
        let message = format!(
            "the converter works from {min_v} to {max_v} V DC, but the racks have {low_v:.0} to {high_v:.0} V"
        );
        let hint = "change `cells_in_series`, `dc_voltage_min_v` or `dc_voltage_max_v`".to_owned();
        let key = if high_v <= min_v { "dc_voltage_min_v" } else { "dc_voltage_max_v" };
        section.report(section.span_of(key), message, Some(hint));
    }
    (Volts(min_v), Volts(max_v))
}

fn read_pcs(section: Section<'_, '_>, racks: Option<(f64, f64)>) -> PcsSpec {
    const POWER_KW: Bounds = Bounds::positive(1e6);
    let rated_power_kw = section.f64("rated_power_kw", POWER_KW);
    let rated_apparent_kva = section.f64_or("rated_apparent_power_kva", rated_power_kw, POWER_KW);
    if rated_apparent_kva < rated_power_kw {
        let message = format!(
            "`rated_apparent_power_kva` ({rated_apparent_kva}) must be at least `rated_power_kw` ({rated_power_kw})"
        );
        section.report(section.span_of("rated_apparent_power_kva"), message, None);
    }
    // IEEE 1547-2018 category B: 44 % of the apparent power as reactive power.
    let rated_reactive_kvar =
        section.f64_or("rated_reactive_power_kvar", 0.44 * rated_apparent_kva, POWER_KW);
    let nominal_voltage =
        Volts(section.f64_or("nominal_voltage_v", 690.0, Bounds::positive(6500.0)));
    let dead_time_ms = section.f64_or("dead_time_ms", 100.0, Bounds::within(0.0, 60_000.0));
    let time_constant_ms = section.f64_or("time_constant_ms", 80.0, Bounds::within(0.0, 60_000.0));
    let ramp_pct_per_s =
        section.f64_or("ramp_pct_per_s", 1000.0, Bounds::within(RAMP_MIN_PCT_PER_S, 100_000.0));
    let loss = section.section("loss").map_or(LOSS, read_loss);
    let (dc_voltage_min, dc_voltage_max) = read_dc_window(&section, racks);
    section.finish();
    PcsSpec {
        rated_power: Watts(rated_power_kw * 1e3),
        rated_apparent_power: VoltAmps(rated_apparent_kva * 1e3),
        rated_reactive_power: Vars(rated_reactive_kvar * 1e3),
        nominal_voltage,
        dc_voltage_min,
        dc_voltage_max,
        dead_time: Seconds(dead_time_ms * 1e-3),
        time_constant: Seconds(time_constant_ms * 1e-3),
        ramp_per_s: ramp_pct_per_s / 100.0,
        loss,
    }
}

fn read_loss(section: Section<'_, '_>) -> PcsLoss {
    const PART: Bounds = Bounds::within(0.0, 0.5);
    let loss = PcsLoss {
        standby: section.f64_or("standby", LOSS.standby, PART),
        saturating: section.f64_or("saturating", LOSS.saturating, PART),
        knee: section.f64_or("knee", LOSS.knee, Bounds::positive(1.0)),
        linear: section.f64_or("linear", LOSS.linear, PART),
        quadratic: section.f64_or("quadratic", LOSS.quadratic, PART),
    };
    section.finish();
    loss
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<FarmSpec, Problems> {
        parse_farm("farm.toml", text, &|path| Err(format!("cannot read {path}")))
    }
    fn refusal(from: &str, to: &str) -> String {
        assert!(BUILT_IN_FARM.contains(from), "the built-in farm has no {from:?}");
        parse(&BUILT_IN_FARM.replace(from, to)).expect_err("must be refused").to_string()
    }

    #[test]
    fn the_built_in_farm_is_ten_containers_of_five_megawatt_hours() {
        let farm = parse(BUILT_IN_FARM).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((farm.units.len(), farm.n_racks(), farm.n_cells()), (10, 120, 49_920));
        let energy_mwh = farm.units[0].design.nominal_energy().watt_hours() / 1e6;
        assert!((energy_mwh - 5.016).abs() < 0.001, "{energy_mwh}");
        assert!((farm.rated_power().0 - 25e6).abs() < 1e-6);
        assert_eq!(farm.find_unit("unit-003"), farm.find_unit("3"));
        assert_eq!(farm.find_unit("0"), None);
        assert_eq!(farm.find_unit("11"), None);
    }

    #[test]
    fn a_percentage_for_a_fraction_is_refused_with_place_and_hint() {
        let text = refusal("soc = 0.5", "soc = 85");
        assert!(
            text.contains("`farm.initial.soc` must be a fraction from 0 to 1, got 85"),
            "{text}"
        );
        assert!(text.contains("did you write a percentage? 85 % is 0.85"), "{text}");
        assert!(text.contains("farm.toml:") && text.contains("^^"), "{text}");
    }

    #[test]
    fn an_unknown_key_or_a_wrong_unit_draws_the_right_one() {
        let text = refusal("rated_power_kw = 2500", "rated_power_mw = 2.5");
        assert!(text.contains("unknown key `rated_power_mw`"), "{text}");
        assert!(text.contains("did you mean `rated_power_kw`? Mind the unit"), "{text}");
        let text = refusal("rated_power_kw = 2500", "rated_power_kw = \"2.5 MW\"");
        assert!(text.contains("got the text \"2.5 MW\"") && text.contains("bare number"), "{text}");
    }

    #[test]
    fn racks_without_cells_and_a_missing_chemistry_are_refused() {
        let text = refusal("cells_in_series = 416", "cells_in_series = 0");
        assert!(text.contains("must be a whole number from 1 to 2000, got 0"), "{text}");
        let text = refusal("chemistry = \"lfp-314\"", "chemistry = \"lpf-314\"");
        assert!(text.contains("no chemistry \"lpf-314\""), "{text}");
        assert!(text.contains("lfp-280, lfp-314"), "{text}");
        let text = refusal("chemistry = \"lfp-314\"", "chemistry = \"mine.toml\"");
        assert!(text.contains("cannot read mine.toml"), "{text}");
    }

    #[test]
    fn a_farm_without_units_is_refused() {
        let head = BUILT_IN_FARM.split("# One table").next().unwrap();
        for text in [head.to_owned(), format!("units = []\n{head}")] {
            let problems = parse(&text).expect_err("no units").to_string();
            assert!(problems.contains("the farm has no units"), "{problems}");
        }
    }

    #[test]
    fn groups_of_units_need_names_of_their_own() {
        let group = BUILT_IN_FARM.split_once("[[units]]").unwrap().1.to_owned();
        let second = |name: &str| {
            let group = group.replace("name = \"unit\"", &format!("name = \"{name}\""));
            parse(&format!("{BUILT_IN_FARM}\n[[units]]{group}"))
        };
        assert_eq!(second("unit-a").unwrap_or_else(|e| panic!("{e}")).units.len(), 20);
        assert!(second("unit").expect_err("taken").to_string().contains("called \"unit\""));
        assert!(second("").expect_err("empty").to_string().contains("must not be empty"));
    }

    #[test]
    fn a_rack_beyond_the_voltage_class_is_refused() {
        let text = refusal("cells_in_series = 416", "cells_in_series = 500");
        assert!(text.contains("1825 V, beyond the 1,500 V class"), "{text}");
    }

    #[test]
    fn a_converter_takes_the_voltages_that_its_racks_have_unless_the_file_says_otherwise() {
        let pcs = parse(BUILT_IN_FARM).unwrap().units[0].design.pcs;
        // 416 cells from 2.286 V (empty) to 3.65 V (the limit), and 5 % more on both sides.
        assert!((pcs.dc_voltage_min.0 - 416.0 * 2.286_191_314 * 0.95).abs() < 1e-6);
        assert!((pcs.dc_voltage_max.0 - 416.0 * 3.65 * 1.05).abs() < 1e-6);
        let text = BUILT_IN_FARM
            .replace("# dc_voltage_min_v = 900", "dc_voltage_min_v = 1200")
            .replace("# dc_voltage_max_v = 1600", "dc_voltage_max_v = 1500");
        let pcs = parse(&text).unwrap().units[0].design.pcs;
        assert_eq!((pcs.dc_voltage_min, pcs.dc_voltage_max), (Volts(1200.0), Volts(1500.0)));
    }

    #[test]
    fn a_converter_that_no_rack_voltage_suits_is_refused() {
        let text = refusal("# dc_voltage_min_v = 900", "dc_voltage_min_v = 1550");
        assert!(
            text.contains("from 1550 to 1594.32 V DC, but the racks have 951 to 1518 V"),
            "{text}"
        );
        assert!(text.contains("dc_voltage_min_v = 1550"), "{text}");
        let text = refusal("# dc_voltage_max_v = 1600", "dc_voltage_max_v = 930");
        assert!(text.contains("but the racks have 951 to 1518 V"), "{text}");
        let text = refusal("# dc_voltage_max_v = 1600", "dc_voltage_max_v = 500");
        assert!(text.contains("(500) must be above `dc_voltage_min_v`"), "{text}");
    }

    #[test]
    fn all_problems_come_at_once_in_the_order_of_the_text() {
        let text = BUILT_IN_FARM
            .replace("nominal_frequency_hz = 50", "nominal_frequency_hz = 400")
            .replace("racks = 12", "racks = 0")
            .replace("cop = ", "cops = ");
        let problems = parse(&text).expect_err("three faults");
        assert_eq!(problems.0.len(), 3, "{problems}");
        assert!(problems.0.is_sorted_by_key(|problem| problem.line));
    }

    #[test]
    fn text_that_is_not_toml_is_refused_with_its_line() {
        let problems = parse("[farm]\nname = \n").expect_err("syntax");
        assert_eq!(problems.0[0].line, 2);
        assert!(parse("").is_err());
    }

    proptest! {
        /// Whatever a person does to one line, there is a farm or there are problems with places.
        #[test]
        fn any_edit_of_a_line_gives_a_farm_or_problems_never_a_panic(
            line in 0usize..60, edit in "[ -~]{0,24}", keep in any::<bool>(),
        ) {
            let mut lines: Vec<String> = BUILT_IN_FARM.lines().map(str::to_owned).collect();
            let at = line % lines.len();
            lines[at] = if keep { format!("{}{edit}", lines[at]) } else { edit };
            if let Err(problems) = parse(&lines.join("\n")) {
                prop_assert!(!problems.0.is_empty());
                for problem in &problems.0 {
                    prop_assert!(problem.line <= lines.len() + 1 && problem.width >= 1);
                    prop_assert!(!problem.message.is_empty());
                }
            }
        }

        #[test]
        fn any_text_gives_a_farm_or_problems_never_a_panic(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }
    }
}
