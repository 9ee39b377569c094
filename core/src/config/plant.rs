//! Reads the table `[farm.plant]`: the plant controller, and who may write when two want to.

use super::reader::{Bounds, Section};
use crate::control::PeakShaving;
use crate::spec::{Arbitration, PlantSettings, PlantSpec, Strategy};
use crate::time::Tick;

/// The table `[farm.plant]` of `farm`.
pub(super) fn read_plant(farm: &Section<'_, '_>) -> PlantSpec {
    let mut spec = PlantSpec { split_period_ticks: 10, settings: PlantSettings::default() };
    if let Some(plant) = farm.section("plant") {
        let period_s = plant.f64_or("split_period_s", 1.0, Bounds::within(0.1, 60.0));
        spec.split_period_ticks = Tick::count_in(period_s);
        let settings = &mut spec.settings;
        settings.enabled = plant.bool_or("enabled", true);
        settings.strategy = plant.choice_or("strategy", Strategy::default(), &Strategy::ALL);
        if let Some(pct) = plant.optional_f64("ramp_pct_per_min", Bounds::within(0.01, 100_000.0)) {
            settings.ramp_per_s = pct / 6000.0;
        }
        settings.soc_min = plant.f64_or("soc_min", 0.0, Bounds::FRACTION);
        settings.soc_max = plant.f64_or("soc_max", 1.0, Bounds::FRACTION);
        if settings.soc_min >= settings.soc_max {
            let message = "`soc_min` must be below `soc_max`".to_owned();
            plant.report(plant.span_of("soc_min"), message, None);
        }
        if let Some(limits) = plant.section("peak_shaving") {
            let most_w = |key| {
                let kw = limits.optional_f64(key, Bounds::within(0.0, 1e9));
                kw.map_or(f64::INFINITY, |kw| kw * 1e3)
            };
            let (import_max_w, export_max_w) = (most_w("import_max_kw"), most_w("export_max_kw"));
            settings.peak_shaving = Some(PeakShaving { import_max_w, export_max_w });
            limits.finish();
        }
        plant.finish();
    }
    spec
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
