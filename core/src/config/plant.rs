//! Reads the table `[farm.plant]`: the plant controller, and who may write when two want to.

use super::reader::{Bounds, Section};
use crate::spec::{Arbitration, PlantSettings, PlantSpec};
use crate::time::Tick;

/// The table `[farm.plant]` of `farm`.
pub(super) fn read_plant(farm: &Section<'_, '_>) -> PlantSpec {
    let mut spec = PlantSpec { split_period_ticks: 10, settings: PlantSettings::default() };
    if let Some(plant) = farm.section("plant") {
        let period_s = plant.f64_or("split_period_s", 1.0, Bounds::within(0.1, 60.0));
        spec.split_period_ticks = Tick::count_in(period_s);
        plant.finish();
    }
    spec
}

/// The table `[farm.control]` of `farm`.
pub(super) fn read_arbitration(_farm: &Section<'_, '_>) -> Arbitration {
    Arbitration::LastWriter
}
