//! Reads the table `[units.functions]`: what a unit does by itself.

use super::reader::{Bounds, Section};
use crate::command::Rejection;
use crate::control::{
    CURVE_POINTS, CurveFunction, DEACTIVATION_MAX_PER_S, DEVIATION_MAX_HZ, DROOP, FrequencyDroop,
    FrequencyResponse, FunctionName, FunctionSet, FunctionsChange, PeakShaving, RESPONSE_MAX_S,
    SUSTAIN_MAX_S, Sustain, UnitFunctions,
};
use crate::series::Series;
use crate::service::{self, CurvePreset};
use std::sync::Arc;

const HZ: Bounds = Bounds::within(-DEVIATION_MAX_HZ, DEVIATION_MAX_HZ);
const DEAD_BAND: Bounds = Bounds::within(0.0, DEVIATION_MAX_HZ);
const RESPONSE: Bounds = Bounds::within(0.0, RESPONSE_MAX_S);
const SHARE: Bounds = Bounds::within(-1.0, 1.0);
const POWER_KW: Bounds = Bounds::positive(1e7);

/// The table `[units.functions]` of `group`; what it does not say is as [`UnitFunctions::default`] has it.
pub(super) fn read_functions(group: &Section<'_, '_>) -> UnitFunctions {
    group.section("functions").map_or_else(UnitFunctions::default, read_table)
}

/// The same table as a change of a farm that is there: the functions that it wants on where it says so, and
/// the settings of those that have a table in it. What such a table leaves out is as in a farm file.
pub fn read_functions_change(section: Section<'_, '_>) -> (Option<FunctionSet>, FunctionsChange) {
    let says_on = section.has("on");
    let has = |key| section.has(key);
    let (droop, response) = (has("frequency_droop"), has("frequency_response"));
    let (volt_var, volt_watt, watt_var) = (has("volt_var"), has("volt_watt"), has("watt_var"));
    let shaving = has("peak_shaving");
    let functions = read_table(section);
    let change = FunctionsChange {
        frequency_droop: droop.then_some(functions.frequency_droop),
        frequency_response: response.then_some(functions.frequency_response),
        volt_var: volt_var.then_some(functions.volt_var),
        volt_watt: volt_watt.then_some(functions.volt_watt),
        watt_var: watt_var.then_some(functions.watt_var),
        peak_shaving: shaving.then_some(functions.peak_shaving),
        schedule: functions.schedule,
        ..FunctionsChange::default()
    };
    (says_on.then_some(functions.on_at_start), change)
}

fn read_table(section: Section<'_, '_>) -> UnitFunctions {
    let mut functions =
        UnitFunctions { on_at_start: read_on(&section), ..UnitFunctions::default() };
    if let Some(droop) = section.section("frequency_droop") {
        functions.frequency_droop = read_frequency_droop(&droop);
        droop.finish();
    }
    if let Some(response) = section.section("frequency_response") {
        functions.frequency_response = read_frequency_response(&response);
        response.finish();
    }
    let curve = |key, axes: &Axes, slot: &mut CurveFunction| {
        if let Some(table) = section.section(key) {
            *slot = read_curve(&table, axes, slot);
            table.finish();
        }
    };
    curve("volt_var", &VOLT_VAR, &mut functions.volt_var);
    curve("volt_watt", &VOLT_WATT, &mut functions.volt_watt);
    curve("watt_var", &WATT_VAR, &mut functions.watt_var);
    if let Some(shaving) = section.section("peak_shaving") {
        let limit = |key| {
            shaving.optional_f64(key, Bounds::within(0.0, 1e7)).map_or(f64::INFINITY, |kw| kw * 1e3)
        };
        functions.peak_shaving = PeakShaving {
            import_max_w: limit("import_max_kw"),
            export_max_w: limit("export_max_kw"),
        };
        shaving.finish();
    }
    if let Some(schedule) = section.section("schedule") {
        functions.schedule = read_schedule(&schedule);
        schedule.finish();
    }
    for (function, key, needs) in [
        (FunctionName::Schedule, "schedule", functions.schedule.is_none()),
        (FunctionName::PeakShaving, "peak_shaving", !section.has("peak_shaving")),
    ] {
        if functions.on_at_start.has(function) && needs && section.is_clean() {
            let message =
                format!("`{}` names {key}, but its table is not there", section.name("on"));
            let hint = format!("add `[{}]`", section.name(key));
            section.report(section.span_of("on"), message, Some(hint));
        }
    }
    section.finish();
    functions
}

/// The names in `on`; two that exclude each other are reported.
fn read_on(section: &Section<'_, '_>) -> FunctionSet {
    let mut on = FunctionSet::default();
    for name in section.texts("on") {
        let Some(function) = FunctionName::by_name(&name) else {
            let names: Vec<&str> = FunctionName::ALL.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "`{}` must name functions of {}, got \"{name}\"",
                section.name("on"),
                names.join(", ")
            );
            let hint = super::reader::did_you_mean(&name, &names);
            section.report(section.span_of("on"), message, hint);
            continue;
        };
        if let Some(other) = function.excluded().iter().find(|other| on.has(**other)) {
            let message = format!("{name} and {} cannot be on together", other.name());
            let hint = "both would set the same power: keep one of them".to_owned();
            section.report(section.span_of("on"), message, Some(hint));
        }
        on = on.with(function);
    }
    on
}

/// The preset that the table names, if it names one; an unknown name is reported.
fn preset<T>(
    section: &Section<'_, '_>,
    names: &[&str],
    find: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    if !section.has("preset") {
        return None;
    }
    let choices: Vec<(&str, Option<usize>)> =
        names.iter().enumerate().map(|(index, name)| (*name, Some(index))).collect();
    section.choice_or("preset", None, &choices).and_then(|index| find(names[index]))
}

/// Reports what a check of the whole found, where single numbers were in range.
fn report(section: &Section<'_, '_>, key: &str, outcome: Result<(), Rejection>) {
    if let Err(rejection) = outcome
        && section.is_clean()
    {
        let message = format!("`{}`: {rejection}", section.name(key));
        section.report(section.span_of(key), message, None);
    }
}

/// A frequency droop; what the table does not say is as its preset has it, or the default.
pub(super) fn read_frequency_droop(section: &Section<'_, '_>) -> FrequencyDroop {
    let known = preset(section, service::DROOPS, service::frequency_droop).unwrap_or_default();
    let droop = Bounds::within(DROOP.0, DROOP.1);
    FrequencyDroop {
        over_deadband_hz: section.f64_or("over_deadband_hz", known.over_deadband_hz, DEAD_BAND),
        under_deadband_hz: section.f64_or("under_deadband_hz", known.under_deadband_hz, DEAD_BAND),
        over_droop: section.f64_or("over_droop", known.over_droop, droop),
        under_droop: section.f64_or("under_droop", known.under_droop, droop),
        response_s: section.f64_or("response_s", known.response_s, RESPONSE),
    }
}

/// A frequency response: a preset, changed by what the table says. The caller finishes the section.
pub(super) fn read_frequency_response(section: &Section<'_, '_>) -> FrequencyResponse {
    let names: Vec<&str> = service::PRESETS.iter().map(|preset| preset.name).collect();
    let known = preset(section, &names, service::frequency_response)
        .unwrap_or_else(|| UnitFunctions::default().frequency_response);
    let mut response = known.clone();
    if let Some(points) = read_points(section, ("deviation_hz", HZ), ("share", SHARE)) {
        response.points = points;
    }
    response.dead_time_s = section.f64_or("dead_time_s", known.dead_time_s, RESPONSE);
    response.full_s = section.f64_or("full_s", known.full_s, Bounds::positive(RESPONSE_MAX_S));
    response.contract_w = section.optional_f64("contract_kw", POWER_KW).map(|kw| kw * 1e3);
    response.sustain = read_sustain(section, known.sustain);
    let is_changed = response != FrequencyResponse { contract_w: response.contract_w, ..known };
    if is_changed {
        "custom".clone_into(&mut response.name);
    }
    report(section, "deviation_hz", response.check());
    response
}

/// The course of a triggered service; `hold_s` makes one of a service that follows.
fn read_sustain(section: &Section<'_, '_>, known: Option<Sustain>) -> Option<Sustain> {
    let hold = Bounds::positive(SUSTAIN_MAX_S);
    let rate = Bounds::positive(DEACTIVATION_MAX_PER_S);
    let recovery = Bounds::within(0.0, SUSTAIN_MAX_S);
    let hold_s = section.optional_f64("hold_s", hold);
    let deactivation_per_s = section.optional_f64("deactivation_per_s", rate);
    let recovery_s = section.optional_f64("recovery_s", recovery);
    let default = Sustain { duration_s: 30.0, deactivation_per_s: 0.2, recovery_s: 900.0 };
    if known.is_none() && hold_s.is_none() {
        let why = "belongs to a service that is triggered";
        for key in ["deactivation_per_s", "recovery_s"] {
            section.refuse(key, why, "add `hold_s`, or leave it out");
        }
        return None;
    }
    let known = known.unwrap_or(default);
    Some(Sustain {
        duration_s: hold_s.unwrap_or(known.duration_s),
        deactivation_per_s: deactivation_per_s.unwrap_or(known.deactivation_per_s),
        recovery_s: recovery_s.unwrap_or(known.recovery_s),
    })
}

/// Two arrays of the same length; `None` where both are absent or something was reported.
fn read_points(
    section: &Section<'_, '_>,
    (x_key, x_bounds): (&'static str, Bounds),
    (y_key, y_bounds): (&'static str, Bounds),
) -> Option<Vec<(f64, f64)>> {
    if !section.has(x_key) && !section.has(y_key) {
        return None;
    }
    let (x, y) = (section.numbers(x_key, x_bounds), section.numbers(y_key, y_bounds));
    if x.len() != y.len() {
        if section.is_clean() {
            let message = format!(
                "`{}` has {} numbers and `{y_key}` {}: a curve needs as many of both, {} to {}",
                section.name(x_key),
                x.len(),
                y.len(),
                CURVE_POINTS.0,
                CURVE_POINTS.1
            );
            section.report(section.span_of(y_key), message, None);
        }
        return None;
    }
    Some(x.into_iter().zip(y).collect())
}

/// What the two arrays of a curve are called and where they may lie.
pub(super) struct Axes {
    x: (&'static str, Bounds),
    y: (&'static str, Bounds),
    presets: &'static [CurvePreset],
    check: fn(&CurveFunction) -> Result<(), Rejection>,
}

const VOLTAGE: Bounds = Bounds::within(0.0, 2.0);
/// Of a volt-var curve.
pub(super) const VOLT_VAR: Axes = Axes {
    x: ("voltage_pu", VOLTAGE),
    y: ("reactive", SHARE),
    presets: service::VOLT_VAR,
    check: CurveFunction::check_volt_var,
};
/// Of a volt-watt curve.
pub(super) const VOLT_WATT: Axes = Axes {
    x: ("voltage_pu", VOLTAGE),
    y: ("active", Bounds::within(0.0, 1.0)),
    presets: service::VOLT_WATT,
    check: CurveFunction::check_volt_watt,
};
/// Of a watt-var curve.
pub(super) const WATT_VAR: Axes = Axes {
    x: ("active", SHARE),
    y: ("reactive", SHARE),
    presets: service::WATT_VAR,
    check: CurveFunction::check_watt_var,
};

/// A curve: a preset or `default`, changed by what the table says. The caller finishes the section.
pub(super) fn read_curve(
    section: &Section<'_, '_>,
    axes: &Axes,
    default: &CurveFunction,
) -> CurveFunction {
    let names: Vec<&str> = axes.presets.iter().map(|preset| preset.name).collect();
    let find = |name: &str| axes.presets.iter().find(|p| p.name == name).map(CurvePreset::curve);
    let known = preset(section, &names, find).unwrap_or_else(|| default.clone());
    let curve = CurveFunction {
        points: read_points(section, axes.x, axes.y).unwrap_or(known.points),
        response_s: section.f64_or("response_s", known.response_s, RESPONSE),
    };
    report(section, axes.x.0, (axes.check)(&curve));
    curve
}

/// A schedule of active power.
fn read_schedule(section: &Section<'_, '_>) -> Option<Arc<Series>> {
    let time_s = section.numbers("time_s", Bounds::within(0.0, 1e9));
    let power_kw = section.numbers("power_kw", Bounds::within(-1e7, 1e7));
    let is_looped = section.bool_or("looped", false);
    if time_s.len() != power_kw.len() && section.is_clean() {
        let message = format!(
            "`{}` has {} numbers and `power_kw` {}: a schedule needs as many of both",
            section.name("time_s"),
            time_s.len(),
            power_kw.len()
        );
        section.report(section.span_of("power_kw"), message, None);
    }
    let samples: Vec<(f64, f64)> =
        time_s.into_iter().zip(power_kw.into_iter().map(|kw| kw * 1e3)).collect();
    match Series::new(&samples, is_looped) {
        Ok(series) => Some(Arc::new(series)),
        Err(error) => {
            if section.is_clean() {
                section.report(section.span_of("time_s"), error.to_string(), None);
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, Problems, parse_farm};

    fn functions_of(table: &str) -> Result<UnitFunctions, Problems> {
        let text = format!("{BUILT_IN_FARM}\n{table}");
        let farm = parse_farm("farm.toml", &text, &|path| Err(format!("cannot read {path}")))?;
        Ok((*farm.units[0].design.functions).clone())
    }
    fn refusal(table: &str) -> String {
        functions_of(table).expect_err("must be refused").to_string()
    }

    #[test]
    fn a_preset_keeps_its_name_until_something_of_it_is_changed() {
        let table = "[units.functions.frequency_response]\npreset = \"ffr-nordic-0.7\"";
        let named = functions_of(&format!("{table}\ncontract_kw = 500")).expect("reads");
        let response = named.frequency_response;
        assert_eq!(response.name, "ffr-nordic-0.7");
        assert!(response.contract_w == Some(5e5) && response.sustain.is_some());
        let changed = functions_of(&format!("{table}\nhold_s = 6")).expect("reads");
        assert_eq!(changed.frequency_response.name, "custom");
        assert!(changed.frequency_response.sustain.is_some_and(|s| s.duration_s == 6.0));
    }

    #[test]
    fn functions_and_presets_are_known_by_name_only() {
        assert!(refusal("[units.functions]\non = [\"volt_vars\"]").contains("`volt_var`?"));
        let both = "[units.functions]\non = [\"volt_var\", \"watt_var\"]";
        assert!(refusal(both).contains("cannot be on together"));
        let text = refusal("[units.functions.frequency_response]\npreset = \"fcr-m\"");
        assert!(text.contains("must be one of fcr, "), "{text}");
        assert!(
            refusal("[units.functions]\non = [\"schedule\"]").contains("its table is not there")
        );
    }

    #[test]
    fn curves_that_cannot_be_are_refused_with_their_place() {
        let curve = |x: &str, y: &str| {
            refusal(&format!("[units.functions.volt_var]\nvoltage_pu = {x}\nreactive = {y}"))
        };
        assert!(curve("[0.9, 1.1]", "[0.5]").contains("has 2 numbers and `reactive` 1"));
        assert!(curve("[0.9, 1.1]", "[-0.5, 0.5]").contains("must not be above"));
        assert!(curve("[1.1, 0.9]", "[0.5, 0]").contains("must be greater"));
        assert!(curve("[0.9, nan]", "[0.5, 0]").contains("from 0 to 2"));
        let text = refusal("[units.functions.frequency_response]\nrecovery_s = 5");
        assert!(text.contains("belongs to a service that is triggered"), "{text}");
    }
}
