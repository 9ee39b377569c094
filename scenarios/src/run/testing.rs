//! Snapshots made by hand.

use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::UnitControl;
use bess_core::log::Log;
use bess_core::snapshot::{FarmView, RackView, Snapshot, UnitState, UnitView};
use bess_core::spec::FarmSpec;
use bess_core::time::{SimTime, Tick};
use bess_core::units::Hertz;
use std::sync::Arc;

/// The built-in farm with `n_units` units.
pub(crate) fn spec(n_units: usize) -> FarmSpec {
    let text = BUILT_IN_FARM.replace("count = 10", &format!("count = {n_units}"));
    parse_farm("test.toml", &text, &|_| Err("it names no file".to_owned())).expect("built in")
}

/// A farm whose units all run at 0 W and half full, at the end of tick `tick`.
pub(crate) fn snapshot(n_units: usize, tick: u64) -> Snapshot {
    let spec = Arc::new(spec(n_units));
    let unit = |design| {
        let mut view = UnitView {
            state: UnitState::Running,
            control: UnitControl::initial(design),
            ..UnitView::default()
        };
        (view.truth.soc, view.measured.soc) = (0.5, 0.5);
        view
    };
    let units = spec.units.iter().map(|row| unit(&row.design)).collect();
    let mut rack = RackView { soc: 0.5, fuse_whole: true, ..RackView::default() };
    rack.truth.soc = 0.5;
    let mut farm =
        FarmView { soc: 0.5, voltage_pu: 1.0, frequency: Hertz(50.0), ..FarmView::default() };
    farm.units_by_state[UnitState::Running as usize] = n_units as u32;
    Snapshot {
        tick: Tick(tick),
        publication: tick + 1,
        time: SimTime { unix_ns: 1_767_225_600_000_000_000 }.at(Tick(tick)),
        farm,
        units,
        racks: vec![rack; spec.n_racks()],
        functions: spec.units.iter().map(|unit| Arc::clone(&unit.design.functions)).collect(),
        plant: Arc::new(spec.plant.settings.clone()),
        events: Arc::new(Log::new(1000)),
        audit: Arc::new(Log::new(1000)),
        ..Snapshot::empty(spec)
    }
}
