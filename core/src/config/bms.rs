//! Reads the table `[units.bms]`: sensors and balancing of the racks of a unit.

use super::reader::{Bounds, Section};
use crate::spec::{BalancingSpec, BmsSpec, SensorSpec};

/// The table `[units.bms]` of `group`; what it does not say is as [`BmsSpec::default`] has it.
pub(super) fn read_bms(group: &Section<'_, '_>) -> BmsSpec {
    let Some(section) = group.section("bms") else {
        return BmsSpec::default();
    };
    let bms = BmsSpec {
        ideal: section.bool_or("ideal", false),
        sensors: section.section("sensors").map_or_else(SensorSpec::default, read_sensors),
        balancing: section.section("balancing").map_or_else(BalancingSpec::default, read_balancing),
    };
    if bms.ideal && section.has("sensors") {
        let message = "an ideal BMS has no sensors: `[units.bms.sensors]` would do nothing";
        let hint = "leave out `ideal = true`, or the table".to_owned();
        section.report(section.span_of("sensors"), message.to_owned(), Some(hint));
    }
    section.finish();
    bms
}

/// Upper ends of the ranges are engineering choices: beyond them a number is a slip of the unit.
fn read_sensors(section: Section<'_, '_>) -> SensorSpec {
    let default = SensorSpec::default();
    let scaled = |key, default: f64, per_unit: f64, most: f64| {
        section.f64_or(key, default * per_unit, Bounds::within(0.0, most)) / per_unit
    };
    let sensors = SensorSpec {
        cell_voltage_offset_v: scaled(
            "cell_voltage_offset_mv",
            default.cell_voltage_offset_v,
            1e3,
            100.0,
        ),
        cell_voltage_noise_v: scaled(
            "cell_voltage_noise_mv",
            default.cell_voltage_noise_v,
            1e3,
            100.0,
        ),
        cell_voltage_step_v: scaled(
            "cell_voltage_step_mv",
            default.cell_voltage_step_v,
            1e3,
            100.0,
        ),
        cell_temperature_offset_k: scaled(
            "cell_temperature_offset_k",
            default.cell_temperature_offset_k,
            1.0,
            20.0,
        ),
        cell_temperature_lag_s: scaled(
            "cell_temperature_lag_s",
            default.cell_temperature_lag_s,
            1.0,
            3600.0,
        ),
        cell_temperature_step_k: scaled(
            "cell_temperature_step_k",
            default.cell_temperature_step_k,
            1.0,
            10.0,
        ),
        current_gain: scaled("current_gain_pct", default.current_gain, 1e2, 20.0),
        current_offset_a: scaled("current_offset_a", default.current_offset_a, 1.0, 100.0),
        current_noise_a: scaled("current_noise_a", default.current_noise_a, 1.0, 100.0),
        current_step_a: scaled("current_step_a", default.current_step_a, 1.0, 100.0),
        rack_voltage_gain: scaled("rack_voltage_gain_pct", default.rack_voltage_gain, 1e2, 20.0),
        rack_voltage_noise_v: scaled(
            "rack_voltage_noise_v",
            default.rack_voltage_noise_v,
            1.0,
            100.0,
        ),
        rack_voltage_step_v: scaled("rack_voltage_step_v", default.rack_voltage_step_v, 1.0, 100.0),
    };
    section.finish();
    sensors
}

fn read_balancing(section: Section<'_, '_>) -> BalancingSpec {
    let default = BalancingSpec::default();
    let milli = |key, default: f64, most: f64| {
        section.f64_or(key, default * 1e3, Bounds::within(0.0, most)) / 1e3
    };
    let balancing = BalancingSpec {
        enabled: section.bool_or("enabled", default.enabled),
        bleed_a: milli("bleed_ma", default.bleed_a, 10_000.0),
        start_above_v: milli("start_above_mv", default.start_above_v, 1000.0),
        allowed_above_soc: section.f64_or(
            "allowed_above_soc",
            default.allowed_above_soc,
            Bounds::FRACTION,
        ),
        allowed_below_c_rate: section.f64_or(
            "allowed_below_c_rate",
            default.allowed_below_c_rate,
            Bounds::within(0.0, 10.0),
        ),
    };
    section.finish();
    balancing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, Problems, parse_farm};

    fn bms_of(table: &str) -> Result<BmsSpec, Problems> {
        let text = format!("{BUILT_IN_FARM}\n{table}");
        let farm = parse_farm("farm.toml", &text, &|path| Err(format!("cannot read {path}")))?;
        Ok(farm.units[0].design.bms)
    }
    fn refusal(table: &str) -> String {
        bms_of(table).expect_err("must be refused").to_string()
    }

    #[test]
    fn a_unit_without_the_table_or_with_an_empty_one_has_typical_sensors() {
        let default = BmsSpec::default();
        assert!(!default.ideal && default.balancing.enabled);
        for table in ["", "[units.bms]", "[units.bms.sensors]\n[units.bms.balancing]"] {
            assert_eq!(bms_of(table).unwrap_or_else(|e| panic!("{e}")), default, "{table}");
        }
    }

    #[test]
    fn files_speak_of_millivolts_and_percent_and_the_spec_of_volts_and_fractions() {
        let table = "[units.bms.sensors]\ncell_voltage_noise_mv = 2.5\ncurrent_gain_pct = 1\n\
                     [units.bms.balancing]\nenabled = false\nbleed_ma = 50\nstart_above_mv = 4";
        let bms = bms_of(table).unwrap_or_else(|e| panic!("{e}"));
        assert!((bms.sensors.cell_voltage_noise_v - 2.5e-3).abs() < 1e-15);
        assert!((bms.sensors.current_gain - 0.01).abs() < 1e-15);
        assert!((bms.balancing.bleed_a - 0.05).abs() < 1e-15 && !bms.balancing.enabled);
        assert!((bms.balancing.start_above_v - 0.004).abs() < 1e-15);
        assert!(bms_of("[units.bms]\nideal = true").is_ok_and(|bms| bms.ideal));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_range() {
        let text = refusal("[units.bms.sensors]\ncell_voltage_noise_mv = -1");
        assert!(text.contains("a number from 0 to 100, got -1"), "{text}");
        let text = refusal("[units.bms.balancing]\nallowed_above_soc = 90");
        assert!(text.contains("did you write a percentage? 90 % is 0.9"), "{text}");
        let text = refusal("[units.bms]\nideal = 1");
        assert!(text.contains("`units[0].bms.ideal` must be true or false"), "{text}");
        let text = refusal("[units.bms.sensors]\ncurrent_noise_ma = 300");
        assert!(text.contains("did you mean `current_noise_a`? Mind the unit"), "{text}");
    }

    #[test]
    fn sensors_of_an_ideal_bms_are_refused_because_they_would_do_nothing() {
        let text = refusal("[units.bms]\nideal = true\n[units.bms.sensors]");
        assert!(text.contains("an ideal BMS has no sensors"), "{text}");
    }
}
