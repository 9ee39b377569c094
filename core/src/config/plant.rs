//! Reads the table `[farm.plant]`: the plant controller, and who may write when two want to.

use super::functions::{VOLT_VAR, read_curve, read_frequency_response};
use super::reader::{Bounds, Section};
use crate::control::{PeakShaving, UnitFunctions};
use crate::service::FOLLOWING;
use crate::spec::{Arbitration, FarmSpec, PCT_PER_MIN, PlantSettings, PlantSpec, Strategy};
use crate::time::Tick;
use std::ops::Range;

/// The table as it is written: what speaks of units waits until these are read.
pub(super) struct PlantDraft {
    spec: PlantSpec,
    /// Names or numbers of units, and where they stand.
    priority: Vec<(String, Range<usize>)>,
    /// Where the contract of the frequency response stands.
    contract_at: Range<usize>,
}

/// The table `[farm.plant]` of `farm`.
pub(super) fn read_plant(farm: &Section<'_, '_>) -> PlantDraft {
    let mut spec = PlantSpec { split_period_ticks: 10, settings: PlantSettings::default() };
    let (mut priority, mut contract_at) = (Vec::new(), 0..0);
    if let Some(plant) = farm.section("plant") {
        let period_s = plant.f64_or("split_period_s", 1.0, Bounds::within(0.1, 60.0));
        spec.split_period_ticks = Tick::count_in(period_s);
        let settings = &mut spec.settings;
        settings.enabled = plant.bool_or("enabled", true);
        settings.strategy = plant.choice_or("strategy", Strategy::default(), &Strategy::ALL);
        priority = plant.names_or_numbers("priority");
        settings.ramp_per_s = read_ramp(&plant);
        settings.soc_min = plant.f64_or("soc_min", 0.0, Bounds::FRACTION);
        settings.soc_max = plant.f64_or("soc_max", 1.0, Bounds::FRACTION);
        if settings.soc_min >= settings.soc_max {
            let message = "`soc_min` must be below `soc_max`".to_owned();
            plant.report(plant.span_of("soc_min"), message, None);
        }
        if let Some(response) = plant.section("frequency_response") {
            settings.frequency_response = Some(read_frequency_response(&response));
            contract_at = response.span_of("contract_kw");
            response.finish();
        }
        if let Some(curve) = plant.section("volt_var") {
            let default = UnitFunctions::default().volt_var;
            settings.volt_var = Some(read_curve(&curve, &VOLT_VAR, &default));
            curve.finish();
        }
        if let Some(limits) = plant.section("peak_shaving") {
            let most_w = |key| {
                let kw = limits.optional_f64(key, Bounds::within(0.0, 1e7));
                kw.map_or(f64::INFINITY, |kw| kw * 1e3)
            };
            let (import_max_w, export_max_w) = (most_w("import_max_kw"), most_w("export_max_kw"));
            settings.peak_shaving = Some(PeakShaving { import_max_w, export_max_w });
            limits.finish();
        }
        plant.finish();
    }
    PlantDraft { spec, priority, contract_at }
}

/// The ramp by its number, or by the name of a secondary reserve that is to be followed in time.
fn read_ramp(plant: &Section<'_, '_>) -> f64 {
    let pct_per_min = plant.optional_f64("ramp_pct_per_min", Bounds::within(0.01, 100_000.0));
    let mut ramp_per_s = pct_per_min.map_or(f64::INFINITY, |pct| pct / PCT_PER_MIN);
    if plant.has("following") {
        let services: Vec<(&str, f64)> =
            FOLLOWING.iter().map(|service| (service.name, service.ramp_per_s())).collect();
        ramp_per_s = plant.choice_or("following", ramp_per_s, &services);
        plant.refuse(
            "ramp_pct_per_min",
            "is set by `following` already",
            "keep one of them: `following` is the slowest ramp that is in time",
        );
    }
    ramp_per_s
}

impl PlantDraft {
    /// The controller of `farm`, whose units are known.
    pub(super) fn fit(self, root: &Section<'_, '_>, farm: &FarmSpec) -> PlantSpec {
        let mut spec = self.spec;
        if farm.units.is_empty() {
            return spec;
        }
        for (name, span) in self.priority {
            let Some(unit) = farm.find_unit(&name) else {
                let message = format!(
                    "there is no unit \"{name}\": the farm has units 1 to {}, called \"{}\" and so on",
                    farm.units.len(),
                    farm.units[0].name
                );
                root.report(span, message, None);
                continue;
            };
            if spec.settings.priority.contains(&unit.idx()) {
                let message = format!(
                    "`farm.plant.priority` names \"{}\" twice",
                    farm.units[unit.idx()].name
                );
                root.report(span, message, Some("name each unit at most once".to_owned()));
                continue;
            }
            spec.settings.priority.push(unit.idx());
        }
        let response = spec.settings.frequency_response.as_ref();
        if let Some(contract_w) = response.and_then(|response| response.contract_w) {
            let rated_w = farm.rated_power().0;
            if contract_w > rated_w * (1.0 + 1e-9) {
                let message = format!(
                    "`farm.plant.frequency_response.contract_kw` ({}) is beyond the rating of all units ({} kW)",
                    contract_w / 1e3,
                    rated_w / 1e3
                );
                root.report(self.contract_at, message, None);
            }
        }
        spec
    }
}

/// The table `[farm.control]` of `farm`.
pub(super) fn read_arbitration(farm: &Section<'_, '_>) -> Arbitration {
    let Some(control) = farm.section("control") else {
        return Arbitration::LastWriter;
    };
    let leases =
        control.choice_or("arbitration", false, &[("last_writer", false), ("lease", true)]);
    let lease_s = control.f64_or("lease_s", 30.0, Bounds::within(0.1, 86_400.0));
    if !leases {
        control.refuse("lease_s", "belongs to leases", "write `arbitration = \"lease\"`");
    }
    control.finish();
    if leases { Arbitration::Lease(lease_s) } else { Arbitration::LastWriter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, Problems, parse_farm};
    use crate::service;

    fn farm(tables: &str) -> Result<FarmSpec, Problems> {
        // The only key that the built-in farm has in this table makes room for others.
        let (keys, tables) = tables.split_once("\n\n").unwrap_or((tables, ""));
        let line = "split_period_s = 1.0 # how often a farm setpoint is split anew over the units";
        assert!(BUILT_IN_FARM.contains(line));
        let text = format!("{}\n{tables}", BUILT_IN_FARM.replace(line, keys));
        parse_farm("farm.toml", &text, &|path| Err(format!("cannot read {path}")))
    }
    fn plant(tables: &str) -> PlantSpec {
        farm(tables).unwrap_or_else(|problems| panic!("{problems}")).plant
    }
    fn refusal(tables: &str) -> String {
        farm(tables).expect_err("must be refused").to_string()
    }

    #[test]
    fn without_keys_the_plant_splits_by_what_is_available_every_second_and_does_nothing_else() {
        let expected = PlantSpec { split_period_ticks: 10, settings: PlantSettings::default() };
        assert_eq!(plant(""), expected);
    }

    #[test]
    fn every_strategy_is_read_by_its_name() {
        for (name, strategy) in Strategy::ALL {
            assert_eq!(plant(&format!("strategy = \"{name}\"")).settings.strategy, strategy);
        }
        assert!(refusal("strategy = \"prioritiy\"").contains("did you mean `priority`?"));
    }

    #[test]
    fn a_priority_list_names_units_by_name_or_number_although_they_come_later_in_the_file() {
        let settings = plant("strategy = \"priority\"\npriority = [\"unit-003\", 1, 10]").settings;
        assert_eq!(settings.priority, [2, 0, 9]);
    }

    #[test]
    fn a_priority_list_with_strangers_or_twins_is_refused_with_their_places() {
        let text = refusal("priority = [1, \"unit-011\"]");
        assert!(text.contains("no unit \"unit-011\": the farm has units 1 to 10"), "{text}");
        assert!(text.contains("^^"), "{text}");
        let text = refusal("priority = [1, \"unit-001\"]");
        assert!(text.contains("names \"unit-001\" twice"), "{text}");
        assert!(refusal("priority = [1.5]").contains("a name in quotes or a whole number"));
        assert!(refusal("priority = 3").contains("an array of names in quotes or whole numbers"));
    }

    #[test]
    fn a_plant_takes_a_service_by_name_with_a_contract_up_to_the_rating_of_the_farm() {
        let table = "\n\n[farm.plant.frequency_response]\npreset = \"fcr\"";
        let response = plant(table).settings.frequency_response;
        assert_eq!(response, service::frequency_response("fcr"));
        let response = plant(&format!("{table}\ncontract_kw = 25000")).settings.frequency_response;
        assert_eq!(response.and_then(|response| response.contract_w), Some(25e6));
        let text = refusal(&format!("{table}\ncontract_kw = 25001"));
        assert!(text.contains("(25001) is beyond the rating of all units (25000 kW)"), "{text}");
        assert!(text.contains("contract_kw = 25001"), "{text}");
    }

    #[test]
    fn a_plant_takes_a_volt_var_curve_and_limits_at_the_poi() {
        let settings = plant("\n\n[farm.plant.volt_var]\npreset = \"ieee-1547-2018-category-a\"\n\n[farm.plant.peak_shaving]\nimport_max_kw = 3000").settings;
        assert_eq!(settings.volt_var, Some(service::VOLT_VAR[0].curve()));
        let limits = PeakShaving { import_max_w: 3e6, export_max_w: f64::INFINITY };
        assert_eq!(settings.peak_shaving, Some(limits));
        let text = refusal("\n\n[farm.plant.volt_var]\nvoltage_pu = [1.1, 0.9]\nreactive = [1, 0]");
        assert!(text.contains("must be greater"), "{text}");
    }

    #[test]
    fn a_reserve_to_follow_sets_the_slowest_ramp_that_is_in_time() {
        let ramp_per_s = |keys: &str| plant(keys).settings.ramp_per_s;
        assert!((ramp_per_s("following = \"afrr\"") * 300.0 - 1.0).abs() < 1e-12);
        assert!((ramp_per_s("following = \"mfrr\"") * 750.0 - 1.0).abs() < 1e-12);
        assert!((ramp_per_s("ramp_pct_per_min = 10") * 600.0 - 1.0).abs() < 1e-12);
        let text = refusal("following = \"afrr\"\nramp_pct_per_min = 10");
        assert!(text.contains("`farm.plant.ramp_pct_per_min` is set by `following`"), "{text}");
        assert!(refusal("following = \"agc\"").contains("must be one of afrr, mfrr"));
    }

    #[test]
    fn limits_of_the_state_of_charge_leave_room_between_them() {
        let settings = plant("soc_min = 0.1\nsoc_max = 0.9").settings;
        assert_eq!((settings.soc_min, settings.soc_max), (0.1, 0.9));
        assert!(refusal("soc_min = 0.9\nsoc_max = 0.9").contains("must be below `soc_max`"));
    }

    #[test]
    fn masters_hold_leases_only_where_the_file_says_so() {
        let arbitration =
            |table: &str| farm(&format!("\n\n[farm.control]\n{table}")).map(|f| f.arbitration);
        assert_eq!(arbitration("").expect("reads"), Arbitration::LastWriter);
        let lease = arbitration("arbitration = \"lease\"").expect("reads");
        assert_eq!(lease, Arbitration::Lease(30.0));
        let text = arbitration("lease_s = 5").expect_err("no leases").to_string();
        assert!(text.contains("belongs to leases"), "{text}");
    }
}
