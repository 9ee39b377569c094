//! Reads the tables `[farm.grid]` (the grid behind the POI) and `[units.grid_code]`.

use super::reader::{Bounds, Section};
use crate::control::{
    CESSATION_MAX_PU, ENTER_SERVICE_MAX_S, FREQUENCY_RATIO, TRIP_CLEARING_MAX_S, TRIP_VOLTAGE_PU,
    TripSettings,
};
use crate::grid_code::{GridCodePreset, PRESETS};
use crate::spec::{
    DISTURBANCE_MAX_S, Disturbance, DisturbanceKind, EnterService, GridCode, GridKind,
    GridQuantity, GridSpec, GridTrip, InertiaSpec, IslandLoad, PlannedDisturbance,
};
use crate::time::Moment;
use crate::units::{VoltAmps, Watts};

/// In pu, of what a voltage may be.
const VOLTAGE_PU: Bounds = Bounds::within(TRIP_VOLTAGE_PU.0, TRIP_VOLTAGE_PU.1);
const CESSATION_PU: Bounds = Bounds::within(0.0, CESSATION_MAX_PU);
/// In Hz, of what a frequency may be.
const FREQUENCY_HZ: Bounds = Bounds::within(40.0, 70.0);
const ENTER_S: Bounds = Bounds::within(0.0, ENTER_SERVICE_MAX_S);
const DURATION_S: Bounds = Bounds::positive(DISTURBANCE_MAX_S);

/// The table `[farm.grid]` of `farm`; a stiff grid without it.
pub(super) fn read_grid(farm: &Section<'_, '_>) -> GridSpec {
    let Some(grid) = farm.section("grid") else {
        return GridSpec::default();
    };
    let kinds = [("stiff", false), ("inertia", true)];
    let has_inertia = grid.choice_or("kind", grid.has("inertia"), &kinds);
    let kind = if has_inertia {
        let inertia = grid.required_section("inertia");
        inertia.map_or(GridKind::Stiff, |section| GridKind::Inertia(read_inertia(section)))
    } else {
        grid.refuse("inertia", "has no meaning for a stiff grid", "write `kind = \"inertia\"`");
        GridKind::Stiff
    };
    let mut events: Vec<PlannedDisturbance> =
        grid.sections("events").into_iter().filter_map(|event| read_event(event, &kind)).collect();
    events.sort_by_key(|event| event.at);
    let spec = GridSpec {
        kind,
        voltage_pu: grid.f64_or("voltage_pu", 1.0, Bounds::within(0.5, 1.5)),
        short_circuit: grid
            .optional_f64("short_circuit_mva", Bounds::positive(1e6))
            .map(|mva| VoltAmps(mva * 1e6)),
        events,
        island_loads: grid.sections("island_loads").into_iter().map(read_load).collect(),
    };
    grid.finish();
    spec
}

/// Defaults are handbook figures of a grid with steam turbines \[E\].
fn read_inertia(section: Section<'_, '_>) -> InertiaSpec {
    let droop_pct = section.f64_or("governor_droop_pct", 5.0, Bounds::within(0.0, 100.0));
    if droop_pct > 0.0 && droop_pct < 0.1 {
        let message = format!("`governor_droop_pct` must be 0 or at least 0.1, got {droop_pct}");
        section.report(section.span_of("governor_droop_pct"), message, None);
    }
    let spec = InertiaSpec {
        rated: VoltAmps(section.f64("rated_mva", Bounds::positive(1e6)) * 1e6),
        inertia_s: section.f64_or("inertia_s", 4.0, Bounds::within(0.1, 30.0)),
        damping: section.f64_or("damping", 1.0, Bounds::within(0.0, 20.0)),
        governor_droop: droop_pct / 100.0,
        governor_s: section.f64_or("governor_s", 5.0, Bounds::within(0.01, 100.0)),
    };
    section.finish();
    spec
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Voltage,
    Frequency,
    Outage,
    PhaseJump,
    LoadStep,
}

fn read_event(event: Section<'_, '_>, grid: &GridKind) -> Option<PlannedDisturbance> {
    if !event.has("kind") {
        let _ = event.text("kind");
    }
    let kinds = [
        ("voltage", Some(Kind::Voltage)),
        ("frequency", Some(Kind::Frequency)),
        ("outage", Some(Kind::Outage)),
        ("phase_jump", Some(Kind::PhaseJump)),
        ("load_step", Some(Kind::LoadStep)),
    ];
    let kind = event.choice_or("kind", None, &kinds);
    let at_s = event.f64("at_s", Bounds::within(0.0, DISTURBANCE_MAX_S));
    let duration_s = event.f64_or("duration_s", f64::INFINITY, DURATION_S);
    // Each kind has one number of its own; that of another would do nothing.
    let number = |key, of: Kind, bounds: Bounds| {
        if kind == Some(of) {
            return event.f64(key, bounds);
        }
        if kind.is_some() {
            event.refuse(key, "has no meaning for this kind of event", "take it out");
        }
        f64::NAN
    };
    let voltage_pu = number("voltage_pu", Kind::Voltage, VOLTAGE_PU);
    let frequency_hz = number("frequency_hz", Kind::Frequency, FREQUENCY_HZ);
    let phase_jump_deg = number("phase_jump_deg", Kind::PhaseJump, Bounds::within(-180.0, 180.0));
    let load_mw = number("load_mw", Kind::LoadStep, Bounds::within(-1e6, 1e6));
    match (kind, grid) {
        (Some(Kind::PhaseJump), _) => {
            event.refuse("duration_s", "has no meaning: a phase jump has no end", "take it out");
        }
        (Some(Kind::LoadStep), GridKind::Stiff) => {
            let message = "a load step does nothing to a stiff grid".to_owned();
            let hint = "write `kind = \"inertia\"` in `[farm.grid]`".to_owned();
            event.report(event.span_of("kind"), message, Some(hint));
        }
        (Some(Kind::LoadStep), GridKind::Inertia(inertia))
            if load_mw.abs() * 1e6 > inertia.rated.0 =>
        {
            let rated_mva = inertia.rated.0 / 1e6;
            let message =
                format!("`load_mw` must be at most the grid's {rated_mva} MVA, got {load_mw}");
            event.report(event.span_of("load_mw"), message, None);
        }
        _ => {}
    }
    event.finish();
    let kind = match kind? {
        Kind::Voltage => DisturbanceKind::Voltage(voltage_pu),
        Kind::Frequency => DisturbanceKind::Frequency(frequency_hz),
        Kind::Outage => DisturbanceKind::Outage,
        Kind::PhaseJump => DisturbanceKind::PhaseJump(phase_jump_deg),
        Kind::LoadStep => DisturbanceKind::LoadStep(Watts(load_mw * 1e6)),
    };
    let at = Moment::from_elapsed_s(at_s);
    Some(PlannedDisturbance { at, disturbance: Disturbance { kind, duration_s } })
}

fn read_load(section: Section<'_, '_>) -> IslandLoad {
    let load = IslandLoad {
        name: section.text("name"),
        active_w: section.f64("active_kw", Bounds::within(0.0, 1e6)) * 1e3,
        reactive_var: section.f64_or("reactive_kvar", 0.0, Bounds::within(-1e6, 1e6)) * 1e3,
        inrush_factor: section.f64_or("inrush_factor", 1.0, Bounds::within(1.0, 20.0)),
        inrush_s: section.f64_or("inrush_s", 0.0, Bounds::within(0.0, 3600.0)),
        pick_up_s: section.f64_or("pick_up_s", f64::INFINITY, Bounds::within(0.0, 86_400.0)),
    };
    section.finish();
    load
}

/// What thresholds of a frequency may be; the nominal one may be wrong in the file, and is reported
/// there.
fn around(nominal_hz: f64) -> Bounds {
    if nominal_hz.is_finite() {
        Bounds::within(FREQUENCY_RATIO.0 * nominal_hz, FREQUENCY_RATIO.1 * nominal_hz)
    } else {
        FREQUENCY_HZ
    }
}

/// The table `[units.grid_code]` of `group`.
pub(super) fn read_grid_code(group: &Section<'_, '_>, nominal_hz: f64) -> GridCode {
    let default = GridCodePreset::default_at(nominal_hz);
    let Some(section) = group.section("grid_code") else {
        return default.code(nominal_hz);
    };
    let choices: Vec<(&str, &GridCodePreset)> = PRESETS.iter().map(|p| (p.name, p)).collect();
    let preset = section.choice_or("preset", default, &choices);
    if !preset.fits(nominal_hz) && matches!(nominal_hz, 50.0 | 60.0) {
        let message = format!("`preset` \"{}\" is not for a grid of {nominal_hz} Hz", preset.name);
        let fit: Vec<&str> =
            PRESETS.iter().filter(|p| p.fits(nominal_hz)).map(|p| p.name).collect();
        let hint = format!("at {nominal_hz} Hz there are {}", fit.join(", "));
        section.report(section.span_of("preset"), message, Some(hint));
    }
    let mut code = preset.code(nominal_hz);
    if section.has("trips") {
        let trips = section.sections("trips");
        code.trips = trips.into_iter().map(|trip| read_trip(trip, nominal_hz)).collect();
        "custom".clone_into(&mut code.name);
        // What single trips cannot tell: how many there are, and that each has a use.
        if section.is_clean()
            && nominal_hz.is_finite()
            && let Err(rejection) = TripSettings::of(&code).check(nominal_hz)
        {
            section.report(section.span_of("trips"), rejection.to_string(), None);
        }
    }
    code.cessation_below_pu =
        section.f64_or("cessation_below_pu", code.cessation_below_pu, CESSATION_PU);
    code.phase_jump_max_deg =
        section.f64_or("phase_jump_max_deg", code.phase_jump_max_deg, Bounds::positive(180.0));
    if let Some(enter) = section.section("enter_service") {
        code.enter_service = read_enter_service(enter, code.enter_service, nominal_hz);
    }
    section.finish();
    code
}

fn read_trip(section: Section<'_, '_>, nominal_hz: f64) -> GridTrip {
    use GridQuantity::{Frequency, Voltage};
    if !section.has("kind") {
        let _ = section.text("kind");
    }
    let kinds = [
        ("over_voltage", (Voltage, true)),
        ("under_voltage", (Voltage, false)),
        ("over_frequency", (Frequency, true)),
        ("under_frequency", (Frequency, false)),
    ];
    let (quantity, above) = section.choice_or("kind", kinds[0].1, &kinds);
    let (key, other, bounds, nominal) = match quantity {
        Voltage => ("voltage_pu", "frequency_hz", VOLTAGE_PU, 1.0),
        Frequency => ("frequency_hz", "voltage_pu", around(nominal_hz), nominal_hz),
    };
    section.refuse(other, "has no meaning for this kind of trip", "take it out");
    let threshold = section.f64(key, bounds);
    // A relay that trips in the middle of good values is a slip of the kind.
    if nominal.is_finite() && (above && threshold <= nominal || !above && threshold >= nominal) {
        let side = if above { "above the" } else { "below the" };
        let message = format!("`{key}` must be {side} nominal {nominal}, got {threshold}");
        section.report(section.span_of(key), message, None);
    }
    let clearing_s = section.f64("clearing_s", Bounds::within(0.0, TRIP_CLEARING_MAX_S));
    section.finish();
    GridTrip { quantity, above, threshold, clearing_s }
}

fn read_enter_service(
    section: Section<'_, '_>,
    default: EnterService,
    nominal_hz: f64,
) -> EnterService {
    let spec = EnterService {
        voltage_min_pu: section.f64_or("voltage_min_pu", default.voltage_min_pu, VOLTAGE_PU),
        voltage_max_pu: section.f64_or("voltage_max_pu", default.voltage_max_pu, VOLTAGE_PU),
        frequency_min_hz: section.f64_or(
            "frequency_min_hz",
            default.frequency_min_hz,
            around(nominal_hz),
        ),
        frequency_max_hz: section.f64_or(
            "frequency_max_hz",
            default.frequency_max_hz,
            around(nominal_hz),
        ),
        delay_s: section.f64_or("delay_s", default.delay_s, ENTER_S),
        random_delay_s: section.f64_or("random_delay_s", default.random_delay_s, ENTER_S),
        ramp_s: section.f64_or("ramp_s", default.ramp_s, ENTER_S),
        ..default
    };
    let windows = [
        ("voltage_max_pu", spec.voltage_min_pu, spec.voltage_max_pu, 1.0),
        ("frequency_max_hz", spec.frequency_min_hz, spec.frequency_max_hz, nominal_hz),
    ];
    for (key, low, high, nominal) in windows {
        // Outside of such a window no unit would ever enter service.
        if nominal.is_finite() && !(low..=high).contains(&nominal) {
            let message =
                format!("the window from {low} to {high} must hold the nominal {nominal}");
            section.report(section.span_of(key), message, None);
        }
    }
    section.finish();
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, Problems, parse_farm};
    use crate::spec::FarmSpec;
    use crate::time::Tick;

    /// The built-in farm, of 50 Hz, with this table behind it.
    fn farm(table: &str) -> Result<FarmSpec, Problems> {
        let text = format!("{BUILT_IN_FARM}\n{table}");
        parse_farm("farm.toml", &text, &|path| Err(format!("cannot read {path}")))
    }
    fn read(table: &str) -> FarmSpec {
        farm(table).unwrap_or_else(|problems| panic!("{problems}"))
    }
    fn refusal(table: &str) -> String {
        farm(table).expect_err("must be refused").to_string()
    }
    fn code(table: &str) -> GridCode {
        (*read(table).units[0].design.grid_code).clone()
    }

    #[test]
    fn without_a_table_the_grid_is_stiff_and_a_unit_trips_as_a_real_one_does() {
        assert_eq!(read("").grid, GridSpec::default());
        let unit = code("");
        assert_eq!((unit.name.as_str(), unit.trips.len()), ("generic-50-hz", 8));
        assert_eq!(unit.enter_service, EnterService::ieee_1547(50.0));
        assert_eq!(code("[units.grid_code]\npreset = \"none\"").trips, []);
    }

    #[test]
    fn a_table_of_inertia_alone_makes_a_grid_with_inertia() {
        let spec = read("[farm.grid.inertia]\nrated_mva = 500\ngovernor_droop_pct = 4").grid;
        let GridKind::Inertia(inertia) = spec.kind else { panic!("{spec:?}") };
        assert!(
            (inertia.rated.0 - 5e8).abs() < 1.0 && (inertia.governor_droop - 0.04).abs() < 1e-12
        );
        let text = refusal("[farm.grid]\nkind = \"stiff\"\n[farm.grid.inertia]\nrated_mva = 1");
        assert!(text.contains("`farm.grid.inertia` has no meaning for a stiff grid"), "{text}");
        let text = refusal("[farm.grid]\nkind = \"inertia\"");
        assert!(text.contains("lacks `inertia`"), "{text}");
    }

    #[test]
    fn events_begin_at_exact_times_and_come_in_their_order() {
        let event = |text: &str| format!("[[farm.grid.events]]\n{text}\n");
        let table = event("kind = \"voltage\"\nat_s = 10.123\nduration_s = 0.12\nvoltage_pu = 0.2")
            + &event("kind = \"outage\"\nat_s = 5");
        let events = read(&table).grid.events;
        assert_eq!(events[0].at, Moment { tick: Tick(51), offset_us: 0 });
        assert_eq!(events[1].at, Moment { tick: Tick(102), offset_us: 23_000 });
        let dip = Disturbance { kind: DisturbanceKind::Voltage(0.2), duration_s: 0.12 };
        assert_eq!(events[1].disturbance, dip);
        assert_eq!(events[0].disturbance.duration_s, f64::INFINITY);
    }

    #[test]
    fn an_event_with_the_number_of_another_kind_is_refused() {
        let event = |text: &str| refusal(&format!("[[farm.grid.events]]\n{text}"));
        let text = event("kind = \"voltage\"\nat_s = 1\nfrequency_hz = 49");
        assert!(text.contains("lacks `voltage_pu`") && text.contains("has no meaning"), "{text}");
        let text = event("kind = \"load_step\"\nat_s = 1\nload_mw = 5");
        assert!(text.contains("a load step does nothing to a stiff grid"), "{text}");
        let text = event("kind = \"phase_jump\"\nat_s = 1\nphase_jump_deg = 9\nduration_s = 1");
        assert!(text.contains("a phase jump has no end"), "{text}");
        let text = event("at_s = 1");
        assert!(text.contains("lacks `kind`"), "{text}");
        let text = refusal(
            "[farm.grid.inertia]\nrated_mva = 10\n[[farm.grid.events]]\nkind = \"load_step\"\n\
             at_s = 1\nload_mw = 11",
        );
        assert!(text.contains("must be at most the grid's 10 MVA"), "{text}");
    }

    #[test]
    fn a_standard_of_60_hz_is_refused_at_50_hz_with_what_there_is() {
        let text = refusal("[units.grid_code]\npreset = \"ieee-1547-2018-category-2\"");
        assert!(text.contains("is not for a grid of 50 Hz"), "{text}");
        assert!(text.contains("at 50 Hz there are generic-50-hz, none"), "{text}");
    }

    #[test]
    fn own_trips_replace_those_of_the_preset_and_the_rest_of_it_stays() {
        let unit = code(
            "[[units.grid_code.trips]]\nkind = \"under_frequency\"\nfrequency_hz = 47.5\n\
             clearing_s = 0.1\n[units.grid_code.enter_service]\ndelay_s = 60",
        );
        let (quantity, clearing_s) = (GridQuantity::Frequency, 0.1);
        assert_eq!(unit.trips, [GridTrip { quantity, above: false, threshold: 47.5, clearing_s }]);
        assert_eq!((unit.name.as_str(), unit.cessation_below_pu), ("custom", 0.5));
        assert_eq!((unit.enter_service.delay_s, unit.enter_service.ramp_s), (60.0, 300.0));
    }

    #[test]
    fn a_trip_among_good_values_and_a_window_without_nominal_are_refused() {
        let text = refusal(
            "[[units.grid_code.trips]]\nkind = \"over_voltage\"\nvoltage_pu = 0.9\nclearing_s = 1",
        );
        assert!(text.contains("`voltage_pu` must be above the nominal 1, got 0.9"), "{text}");
        let text = refusal("[units.grid_code.enter_service]\nfrequency_min_hz = 50.05");
        assert!(text.contains("from 50.05 to 50.1 must hold the nominal 50"), "{text}");
    }

    #[test]
    fn a_command_that_disturbs_the_grid_is_checked_against_it() {
        let (stiff, moving) = (read(""), read("[farm.grid.inertia]\nrated_mva = 10"));
        let check = |kind, duration_s, spec| Disturbance { kind, duration_s }.check(spec);
        assert_eq!(check(DisturbanceKind::Voltage(0.0), 0.12, &stiff), Ok(()));
        assert_eq!(check(DisturbanceKind::Outage, f64::INFINITY, &stiff), Ok(()));
        let refused = [
            (DisturbanceKind::Voltage(2.1), 1.0, "voltage_pu must be from 0 to 2 pu, got 2.1"),
            (DisturbanceKind::Voltage(f64::NAN), 1.0, "voltage_pu must be from 0 to 2 pu, got NaN"),
            (DisturbanceKind::Frequency(39.0), 1.0, "frequency_hz must be from 40 to 70 Hz"),
            (DisturbanceKind::PhaseJump(181.0), 1.0, "phase_jump_deg must be from -180 to 180"),
            (DisturbanceKind::Outage, 0.0, "duration_s must be from 0.000001 to"),
            (DisturbanceKind::Outage, f64::NAN, "duration_s must be from"),
            (DisturbanceKind::LoadStep(Watts(1.0)), 1.0, "the farm's grid is stiff"),
        ];
        for (kind, duration_s, text) in refused {
            let told = check(kind, duration_s, &stiff).expect_err(text).to_string();
            assert!(told.contains(text), "{told}");
        }
        assert_eq!(check(DisturbanceKind::LoadStep(Watts(-1e7)), 1.0, &moving), Ok(()));
        let too_much = check(DisturbanceKind::LoadStep(Watts(1.1e7)), 1.0, &moving);
        assert!(too_much.is_err_and(|e| e.to_string().contains("load_w must be from -10000000")));
    }
}
