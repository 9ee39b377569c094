//! Scenarios that come with bess: one file each and one line of it in [`LIBRARY`].

use crate::format::{Reading, farm_of, no_files, read_scenario};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::stage::ScenarioInfo;

macro_rules! library {
    ($($id:literal)*) => {
        /// Every scenario: the name of its file, and its text.
        pub const LIBRARY: &[(&str, &str)] =
            &[$((concat!($id, ".yaml"), include_str!(concat!($id, ".yaml")))),*];
    };
}

/// Farms that come with bess for scenarios that need one of their own: the name of each, and its text.
pub const FARMS: [(&str, &str); 1] = [("nmc-racks", include_str!("farms/nmc-racks.toml"))];

library! {
    "blue-cut-2016"
    "cell-to-cell-propagation"
    "commissioning-kw-for-mw"
    "commissioning-reversed-ct"
    "commissioning-swapped-words"
    "commissioning-wrong-scale"
    "droop-over-frequency"
    "dynamic-containment"
    "ems-heartbeat-loss"
    "ffr-nordic-step"
    "frostygoop-2024"
    "grid-frequency-event-fcr"
    "hornsdale-2019"
    "inverter-trip-cascade"
    "korea-2017-2019"
    "mcmicken-2019"
    "modbus-comms-storm"
    "moss-landing-2021"
    "plant-controller-reversed-meter"
    "ramp-rate"
    "sensor-drift-and-stuck"
    "thermal-runaway-propagation"
    "victorian-big-battery-2021"
    "volt-var-response"
    "voltage-dip-ride-through"
}

/// They for documents and lists, in the order of the list. What an entry says of itself is read for the
/// farm that it names, else for the built-in one; one that cannot be read there is left out, which a test does
/// not allow.
pub fn list() -> Vec<ScenarioInfo> {
    let farm = |text: &str| {
        parse_farm("built-in", text, &|_| Err("the built-in farms name no file".to_owned())).ok()
    };
    let Some(usual) = farm(BUILT_IN_FARM) else { return Vec::new() };
    let info = |(file, text): &(&str, &str)| {
        let own = farm_of(file, text).and_then(|(_, text)| farm(text));
        let spec = own.as_ref().unwrap_or(&usual);
        let reading = Reading { set: &[], spec, files: &no_files };
        let scenario = read_scenario(file, text, &reading).ok()?;
        Some(ScenarioInfo {
            id: scenario.metadata.id,
            title: scenario.metadata.title,
            summary: scenario.metadata.summary,
            tags: scenario.metadata.tags,
            duration_s: scenario.duration.as_secs_f64(),
            text: (*text).into(),
        })
    };
    LIBRARY.iter().filter_map(info).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_read_and_has_the_id_of_its_file() {
        let listed = list();
        assert_eq!(listed.len(), LIBRARY.len());
        for (info, (file, _)) in listed.iter().zip(LIBRARY) {
            assert_eq!(format!("{}.yaml", info.id), *file);
            assert!(!info.title.is_empty() && !info.summary.is_empty(), "{file}");
        }
    }
}
