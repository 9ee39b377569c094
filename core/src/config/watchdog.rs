//! Reads the table `[units.watchdog]`: how a unit watches its controller.

use super::reader::{Bounds, Section};
use crate::control::{HeartbeatKind, LossAction, Recovery, WATCHDOG_MAX_S, WatchdogSettings};

/// The table `[units.watchdog]` of `group`, whose units are rated `rated_w` (`None` where that is not
/// known); no watch without it.
pub(super) fn read_watchdog(group: &Section<'_, '_>, rated_w: Option<f64>) -> WatchdogSettings {
    let default = WatchdogSettings::default();
    let Some(section) = group.section("watchdog") else {
        return default;
    };
    let time_s = |key, default| section.f64_or(key, default, Bounds::within(0.0, WATCHDOG_MAX_S));
    let most_kw = rated_w.unwrap_or(f64::INFINITY) / 1e3;
    let power = Bounds::within(-most_kw, most_kw)
        .with_hint("a unit cannot give or take more than `rated_power_kw` of its PCS");
    let settings = WatchdogSettings {
        timeout_s: time_s("timeout_s", default.timeout_s),
        kind: section.choice_or("kind", default.kind, &HeartbeatKind::ALL),
        action: section.choice_or("action", default.action, &LossAction::ALL),
        value_w: section.f64_or("value_kw", default.value_w / 1e3, power) * 1e3,
        function: section.choice_or("function", default.function, &WatchdogSettings::FALLBACKS),
        recovery: section.choice_or("recovery", default.recovery, &Recovery::ALL),
        extra_s: time_s("extra_s", default.extra_s),
        jitter_s: time_s("jitter_s", default.jitter_s),
    };
    section.finish();
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, Problems, parse_farm};
    use crate::control::FunctionName;

    fn watch_of(table: &str) -> Result<WatchdogSettings, Problems> {
        let text = format!("{BUILT_IN_FARM}\n{table}");
        let farm = parse_farm("farm.toml", &text, &|path| Err(format!("cannot read {path}")))?;
        Ok(farm.units[0].design.watchdog)
    }
    fn refusal(table: &str) -> String {
        watch_of(table).expect_err("must be refused").to_string()
    }

    #[test]
    fn a_unit_without_the_table_or_with_an_empty_one_is_not_watched() {
        for table in ["", "[units.watchdog]"] {
            let watch = watch_of(table).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(watch, WatchdogSettings::default(), "{table}");
            assert!(watch.timeout_s <= 0.0);
        }
    }

    #[test]
    fn every_setting_of_the_file_is_in_the_spec_and_power_in_watts() {
        let table = "[units.watchdog]\ntimeout_s = 60\nkind = \"complement\"\naction = \"value\"\n\
                     value_kw = -250\nfunction = \"peak_shaving\"\nrecovery = \"reset\"\n\
                     extra_s = 20\njitter_s = 1.5";
        let expected = WatchdogSettings {
            timeout_s: 60.0,
            kind: HeartbeatKind::Complement,
            action: LossAction::Value,
            value_w: -250e3,
            function: FunctionName::PeakShaving,
            recovery: Recovery::Reset,
            extra_s: 20.0,
            jitter_s: 1.5,
        };
        assert_eq!(watch_of(table).unwrap_or_else(|e| panic!("{e}")), expected);
    }

    #[test]
    fn every_kind_action_and_way_back_has_a_name_in_files() {
        for (name, kind) in HeartbeatKind::ALL {
            let table = format!("[units.watchdog]\nkind = \"{name}\"");
            assert!(watch_of(&table).is_ok_and(|watch| watch.kind == kind), "{name}");
        }
        for (name, action) in LossAction::ALL {
            let table = format!("[units.watchdog]\naction = \"{name}\"");
            assert!(watch_of(&table).is_ok_and(|watch| watch.action == action), "{name}");
        }
        for (name, recovery) in Recovery::ALL {
            let table = format!("[units.watchdog]\nrecovery = \"{name}\"");
            assert!(watch_of(&table).is_ok_and(|watch| watch.recovery == recovery), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_range_or_the_names_that_there_are() {
        let text = refusal("[units.watchdog]\ntimeout_s = 100000");
        assert!(text.contains("a number from 0 to 86400, got 100000"), "{text}");
        let text = refusal("[units.watchdog]\naction = \"ramp_to_nought\"");
        assert!(text.contains("must be one of hold, ramp_to_zero"), "{text}");
        let text = refusal("[units.watchdog]\nfunction = \"grid_forming\"");
        assert!(text.contains("must be one of frequency_droop"), "{text}");
        let text = refusal("[units.watchdog]\nvalue_kw = 1e6");
        assert!(text.contains("more than `rated_power_kw`"), "{text}");
        let text = refusal("[units.watchdog]\ntimeout = 60");
        assert!(text.contains("did you mean `timeout_s`"), "{text}");
    }
}
