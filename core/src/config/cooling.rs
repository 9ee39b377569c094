//! Reads `[units.cooling]`: the cooling of a unit and its container.

use super::reader::{Bounds, Section};
use crate::spec::{AirSpec, CoolingKind, CoolingSpec, HeaterSpec, LiquidSpec, WallSpec};
use crate::units::{Celsius, Seconds, Watts};

/// 62 kW of heat at 0.5C and COP 3.0 [R SimSES rewrite] size the chiller of a 5 MWh unit.
const CAPACITY_KW: f64 = 80.0;
/// [R SimSES rewrite].
const COP: f64 = 3.0;
/// Coolant, plates and casing of a 5 MWh unit \[E\].
const LOOP_KJ_PER_K: f64 = 1_500.0;
/// Coolant for each kW of the chiller: it warms by 2.6 K at 62 kW \[E\].
const FLOW_L_PER_MIN_PER_KW: f64 = 5.0;
/// 400 l/min against 1.5 bar at 45 % efficiency, for 80 kW \[E\].
const PUMP_KW_PER_KW: f64 = 2.2 / 80.0;
/// 38 m3 of air and the light parts in it \[E\].
const AIR_KJ_PER_K: f64 = 60.0;
/// Three fans of 980 W [R SimSES].
const FANS_KW: f64 = 2.94;
/// Forced air at about 50 W/(m2 K) against 500 of a liquid plate \[E\].
const AIR_CONDUCTANCE_FACTOR: f64 = 0.1;
/// Thermostat: +-2 K on the coolant \[E\], +-5 K on the hottest cell [R SimSES].
const BAND_K: [f64; 2] = [2.0, 5.0];

/// Skins and insulation [R SimSES: Al 1 mm, PU 15 mm of 0.022 W/(m K), steel 1.6 mm, h 30 W/(m2 K) on
/// both sides]; we read the steel as the outer skin. Area, sunlit area (the roof) and absorptivity
/// (weathered white paint) \[E\], densities and heat capacities are handbook figures.
const WALLS: Walls = Walls {
    area_m2: 75.0,
    outer_skin_mm: 1.6,
    insulation_mm: 15.0,
    inner_skin_mm: 1.0,
    insulation_w_per_mk: 0.022,
    outside_w_per_m2k: 30.0,
    inside_w_per_m2k: 30.0,
    sunlit_m2: 15.0,
    absorptivity: 0.4,
};
/// Density times heat capacity of steel, polyurethane foam and aluminium in J/(m3 K).
const STEEL_J_PER_M3_K: f64 = 7_850.0 * 490.0;
const FOAM_J_PER_M3_K: f64 = 35.0 * 1_400.0;
const ALUMINIUM_J_PER_M3_K: f64 = 2_700.0 * 897.0;

struct Walls {
    area_m2: f64,
    outer_skin_mm: f64,
    insulation_mm: f64,
    inner_skin_mm: f64,
    insulation_w_per_mk: f64,
    outside_w_per_m2k: f64,
    inside_w_per_m2k: f64,
    sunlit_m2: f64,
    absorptivity: f64,
}

impl Walls {
    fn spec(&self) -> WallSpec {
        WallSpec {
            area_m2: self.area_m2,
            layers_j_per_m2_k: [
                self.outer_skin_mm * 1e-3 * STEEL_J_PER_M3_K,
                self.insulation_mm * 1e-3 * FOAM_J_PER_M3_K,
                self.inner_skin_mm * 1e-3 * ALUMINIUM_J_PER_M3_K,
            ],
            insulation_w_per_m2_k: self.insulation_w_per_mk / (self.insulation_mm * 1e-3),
            outside_w_per_m2_k: self.outside_w_per_m2k,
            inside_w_per_m2_k: self.inside_w_per_m2k,
            sunlit_m2: self.sunlit_m2,
            absorptivity: self.absorptivity,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Liquid,
    Air,
}

/// Reads the table of a group of units, or takes its defaults when it is absent. All cells of a unit
/// together conduct `cells_w_per_k` to their plates.
pub(super) fn read_cooling(group: &Section<'_, '_>, cells_w_per_k: f64) -> CoolingSpec {
    let Some(section) = group.section("cooling") else {
        let spec = defaults();
        check_against_cells(group, &spec, cells_w_per_k);
        return spec;
    };
    let kinds = [("liquid", Kind::Liquid), ("air", Kind::Air)];
    let kind = section.choice_or("kind", Kind::Liquid, &kinds);
    section.refuse(
        "wall_w_per_k",
        "is not read any more: walls have layers",
        "write `[units.cooling.walls]` with `area_m2`; the default wall conducts 1.34 W/K per m2",
    );
    let capacity_kw = section.f64_or("capacity_kw", CAPACITY_KW, Bounds::within(0.0, 1e4));
    let setpoint_degc = section.f64_or("setpoint_degc", 25.0, Bounds::within(5.0, 45.0));
    let seconds = |key| Seconds(section.f64_or(key, 60.0, Bounds::within(0.0, 3_600.0)));
    let spec = CoolingSpec {
        kind: match kind {
            Kind::Liquid => read_liquid(&section, capacity_kw),
            Kind::Air => read_air(&section),
        },
        setpoint: Celsius(setpoint_degc),
        band_k: section.f64_or("band_k", BAND_K[kind as usize], Bounds::within(0.1, 20.0)),
        capacity: Watts(capacity_kw * 1e3),
        cop: section.f64_or("cop", COP, Bounds::positive(20.0)),
        min_on: seconds("min_on_s"),
        min_off: seconds("min_off_s"),
        heater: section.section("heater").map(|heater| read_heater(heater, setpoint_degc)),
        base_load: Watts(section.f64_or("base_load_kw", 1.0, Bounds::within(0.0, 1e3)) * 1e3),
        air_heat_capacity_j_per_k: 1e3
            * section.f64_or("air_kj_per_k", AIR_KJ_PER_K, Bounds::within(0.1, 1e6)),
        walls: section.section("walls").map_or(WALLS, read_walls).spec(),
    };
    check_against_cells(&section, &spec, cells_w_per_k);
    section.finish();
    spec
}

fn defaults() -> CoolingSpec {
    CoolingSpec {
        kind: liquid(LOOP_KJ_PER_K, CAPACITY_KW * FLOW_L_PER_MIN_PER_KW, 2.2, 100.0),
        setpoint: Celsius(25.0),
        band_k: BAND_K[0],
        capacity: Watts(CAPACITY_KW * 1e3),
        cop: COP,
        min_on: Seconds(60.0),
        min_off: Seconds(60.0),
        heater: None,
        base_load: Watts(1_000.0),
        air_heat_capacity_j_per_k: AIR_KJ_PER_K * 1e3,
        walls: WALLS.spec(),
    }
}

fn liquid(loop_kj_per_k: f64, l_per_min: f64, pump_kw: f64, air_w_per_k: f64) -> CoolingKind {
    CoolingKind::Liquid(LiquidSpec {
        heat_capacity_j_per_k: loop_kj_per_k * 1e3,
        flow_m3_per_s: l_per_min / 60_000.0,
        pump: Watts(pump_kw * 1e3),
        air_to_coolant_w_per_k: air_w_per_k,
    })
}

fn read_liquid(section: &Section<'_, '_>, capacity_kw: f64) -> CoolingKind {
    for key in ["fans_kw", "fan_speed_min", "cell_conductance_factor"] {
        section.refuse(key, "belongs to air cooling", "write `kind = \"air\"`, or leave it out");
    }
    let flow_l_per_min = (FLOW_L_PER_MIN_PER_KW * capacity_kw).max(1.0);
    liquid(
        section.f64_or("heat_capacity_kj_per_k", LOOP_KJ_PER_K, Bounds::positive(1e6)),
        section.f64_or("flow_l_per_min", flow_l_per_min, Bounds::within(0.1, 1e6)),
        section.f64_or("pump_kw", PUMP_KW_PER_KW * capacity_kw, Bounds::within(0.0, 1e3)),
        section.f64_or("air_to_coolant_w_per_k", 100.0, Bounds::within(0.0, 1e4)),
    )
}

fn read_air(section: &Section<'_, '_>) -> CoolingKind {
    for key in ["heat_capacity_kj_per_k", "flow_l_per_min", "pump_kw", "air_to_coolant_w_per_k"] {
        section.refuse(key, "belongs to liquid cooling", "air cooling has `air_kj_per_k`");
    }
    CoolingKind::Air(AirSpec {
        fans: Watts(section.f64_or("fans_kw", FANS_KW, Bounds::within(0.0, 1e3)) * 1e3),
        speed_min: section.f64_or("fan_speed_min", 0.3, Bounds::FRACTION),
        conductance_factor: section.f64_or(
            "cell_conductance_factor",
            AIR_CONDUCTANCE_FACTOR,
            Bounds::within(0.001, 1.0),
        ),
    })
}

fn read_heater(section: Section<'_, '_>, setpoint_degc: f64) -> HeaterSpec {
    let heater = HeaterSpec {
        power: Watts(section.f64("power_kw", Bounds::within(0.0, 1e3)) * 1e3),
        below: Celsius(section.f64_or("below_degc", 10.0, Bounds::within(-40.0, 40.0))),
    };
    let most_degc = setpoint_degc - crate::spec::HEATER_BAND_K;
    if heater.below.0 > most_degc {
        let message = format!(
            "`below_degc` must be at most {most_degc}: the heater warms no further than `setpoint_degc` ({setpoint_degc})"
        );
        section.report(section.span_of("below_degc"), message, None);
    }
    section.finish();
    heater
}

fn read_walls(section: Section<'_, '_>) -> Walls {
    let transfer = |key, default| section.f64_or(key, default, Bounds::within(0.01, 1e4));
    let walls = Walls {
        area_m2: section.f64_or("area_m2", WALLS.area_m2, Bounds::within(0.01, 1e4)),
        outer_skin_mm: section.f64_or("outer_skin_mm", WALLS.outer_skin_mm, SKIN_MM),
        insulation_mm: section.f64_or("insulation_mm", WALLS.insulation_mm, INSULATION_MM),
        inner_skin_mm: section.f64_or("inner_skin_mm", WALLS.inner_skin_mm, SKIN_MM),
        insulation_w_per_mk: section.f64_or(
            "insulation_w_per_mk",
            WALLS.insulation_w_per_mk,
            Bounds::within(0.001, 100.0),
        ),
        outside_w_per_m2k: transfer("outside_w_per_m2k", WALLS.outside_w_per_m2k),
        inside_w_per_m2k: transfer("inside_w_per_m2k", WALLS.inside_w_per_m2k),
        sunlit_m2: section.f64_or("sunlit_m2", WALLS.sunlit_m2, Bounds::within(0.0, 1e4)),
        absorptivity: section.f64_or("absorptivity", WALLS.absorptivity, Bounds::FRACTION),
    };
    section.finish();
    walls
}
const SKIN_MM: Bounds = Bounds::within(0.01, 100.0);
const INSULATION_MM: Bounds = Bounds::within(0.1, 1_000.0);

/// Cells exchange heat with the coolant (or air) once a second. One that is smaller than what they
/// move in two seconds per kelvin would swing.
fn check_against_cells(place: &Section<'_, '_>, cooling: &CoolingSpec, cells_w_per_k: f64) {
    const EXCHANGE_S: f64 = 2.0;
    let least_j_per_k = cells_w_per_k * cooling.conductance_factor_max() * EXCHANGE_S;
    if cooling.medium_j_per_k() < least_j_per_k {
        let (key, medium) = match cooling.kind {
            CoolingKind::Liquid(_) => ("heat_capacity_kj_per_k", "coolant"),
            CoolingKind::Air(_) => ("air_kj_per_k", "air"),
        };
        let message = format!(
            "`units.cooling.{key}` is too small for the unit's cells: the {medium} would swing; at least {:.1}",
            least_j_per_k / 1e3
        );
        place.report(place.span_of(key), message, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, parse_farm};

    /// The built-in farm with another `[units.cooling]`.
    fn cooling(table: &str) -> Result<CoolingSpec, String> {
        let (head, _) = BUILT_IN_FARM.split_once("[units.cooling]").unwrap();
        let farm = parse_farm("farm.toml", &format!("{head}{table}"), &|_| unreachable!());
        farm.map(|farm| farm.units[0].design.cooling).map_err(|e| e.to_string())
    }

    #[test]
    fn the_built_in_farm_says_what_an_absent_table_means() {
        let absent = cooling("").unwrap();
        assert_eq!(cooling("[units.cooling]").unwrap(), absent);
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).unwrap();
        assert_eq!(farm.units[0].design.cooling, absent);
    }

    #[test]
    fn a_farm_file_of_before_still_says_the_same() {
        let spec = cooling(
            "[units.cooling]\nsetpoint_degc = 22\ncapacity_kw = 40\ncop = 2.5\n\
             heat_capacity_kj_per_k = 900\nbase_load_kw = 3\n",
        )
        .unwrap();
        assert_eq!((spec.setpoint, spec.capacity, spec.cop), (Celsius(22.0), Watts(40e3), 2.5));
        assert_eq!((spec.medium_j_per_k(), spec.base_load), (900e3, Watts(3e3)));
        let CoolingKind::Liquid(liquid) = spec.kind else { panic!("liquid unless it says so") };
        assert!((liquid.flow_m3_per_s * 60_000.0 - 200.0).abs() < 1e-9, "5 l/min for each kW");
        assert!((liquid.pump.0 - 1_100.0).abs() < 1e-9);
    }

    #[test]
    fn the_conductance_of_walls_as_one_number_draws_the_table_that_replaced_it() {
        let problem = cooling("[units.cooling]\nwall_w_per_k = 100\n").unwrap_err();
        assert!(problem.contains("wall_w_per_k` is not read any more"), "{problem}");
        assert!(
            problem.contains("[units.cooling.walls]") && problem.contains("area_m2"),
            "{problem}"
        );
        assert_eq!(problem.matches("error").count(), 1, "{problem}");
    }

    #[test]
    fn air_cooling_has_keys_of_its_own() {
        let spec = cooling("[units.cooling]\nkind = \"air\"\nfans_kw = 5\n").unwrap();
        let CoolingKind::Air(air) = spec.kind else { panic!("{:?}", spec.kind) };
        assert_eq!((air.fans, air.speed_min, spec.band_k), (Watts(5e3), 0.3, 5.0));
        assert_eq!(spec.medium_j_per_k(), 60e3);
        let problem = cooling("[units.cooling]\nkind = \"air\"\npump_kw = 5\n").unwrap_err();
        assert!(problem.contains("pump_kw` belongs to liquid cooling"), "{problem}");
        let problem = cooling("[units.cooling]\nfans_kw = 5\n").unwrap_err();
        assert!(problem.contains("fans_kw` belongs to air cooling"), "{problem}");
    }

    #[test]
    fn a_heater_must_stop_below_the_setpoint() {
        let heater = |below: f64| {
            cooling(&format!("[units.cooling.heater]\npower_kw = 20\nbelow_degc = {below}\n"))
        };
        assert_eq!(heater(10.0).unwrap().heater.unwrap().power, Watts(20e3));
        assert!(heater(24.0).unwrap_err().contains("must be at most 23"));
    }

    #[test]
    fn walls_follow_their_thicknesses() {
        let thick = cooling("[units.cooling.walls]\ninsulation_mm = 50\n").unwrap().walls;
        let thin = cooling("").unwrap().walls;
        assert!((thick.insulation_w_per_m2_k - 0.44).abs() < 1e-12);
        assert!(
            (thick.layers_j_per_m2_k[1] / thin.layers_j_per_m2_k[1] - 50.0 / 15.0).abs() < 1e-9
        );
        assert!(thick.w_per_k() < 0.4 * thin.w_per_k());
    }

    #[test]
    fn a_medium_that_would_swing_under_its_cells_is_refused_with_the_least_figure() {
        let problem = cooling("[units.cooling]\nheat_capacity_kj_per_k = 1.5\n").unwrap_err();
        assert!(problem.contains("coolant would swing; at least 18.0"), "{problem}");
        assert!(problem.contains("heat_capacity_kj_per_k = 1.5"), "its line is shown: {problem}");
        let problem = cooling("[units.cooling]\nkind = \"air\"\nair_kj_per_k = 1\n").unwrap_err();
        assert!(problem.contains("air would swing; at least 1.8"), "{problem}");
    }
}
