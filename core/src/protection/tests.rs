//! Profiles: what is built in, what a file may say, and what is refused.

use super::*;
use crate::config::{BUILT_IN_FARM, parse_farm};
use crate::spec::FarmSpec;

fn profile(name: &str) -> ProtectionProfile {
    parse_protection(name, built_in(name).expect(name)).unwrap_or_else(|e| panic!("{e}"))
}
fn refusal(text: &str) -> String {
    parse_protection("my.toml", text).expect_err("must be refused").to_string()
}
/// A file on the base of `lfp` with `rest`.
fn on_lfp(rest: &str) -> String {
    format!("name = \"mine\"\nbase = \"lfp\"\nsource = \"here\"\n{rest}")
}
/// A row for a cell's over-voltage.
fn row(level: &str, threshold_v: f64, release_v: f64) -> String {
    format!(
        "[[elements]]\nalarm = \"cell_over_voltage\"\nlevel = \"{level}\"\nthreshold_v = \
         {threshold_v}\ndelay_s = 5\nrelease_v = {release_v}\nsource = \"here\"\n"
    )
}
/// The built-in farm with `line` in its group, where `my.toml` is `file`.
fn farm_with(line: &str, file: &str) -> Result<FarmSpec, String> {
    let text = BUILT_IN_FARM.replacen("[[units]]", &format!("[[units]]\n{line}"), 1);
    let source = |path: &str| {
        if path == "my.toml" { Ok(file.to_owned()) } else { Err("not there".to_owned()) }
    };
    parse_farm("farm.toml", &text, &source).map_err(|problems| problems.to_string())
}

#[test]
fn every_built_in_profile_is_read_and_protects_against_everything() {
    for (name, _) in BUILT_IN {
        let profile = profile(name);
        assert_eq!(profile.name, *name);
        for quantity in quantity::QUANTITIES {
            let protects = profile.elements.iter().any(|element| element.code == quantity.code);
            assert!(protects, "{name}: {:?}", quantity.code);
        }
        // Only the cells' own profiles leave derating to the chemistry.
        assert_eq!(profile.derating.is_none(), ["lfp", "nmc"].contains(name), "{name}");
    }
}

#[test]
fn the_lfp_profile_has_the_values_of_its_sources() {
    use AlarmCode::{CellOverVoltage, CellUnderVoltage};
    use AlarmLevel::{Critical, Trip, Warning};
    let lfp = profile("lfp");
    let row = |code, level| {
        let element = lfp.element(code, level).expect("a row");
        (element.threshold, element.delay_s, element.release, element.release_delay_s)
    };
    assert_eq!(row(CellOverVoltage, Warning), (3.52, 10.0, 3.52, 20.0));
    assert_eq!(row(CellOverVoltage, Trip), (3.60, 20.0, 3.52, 20.0));
    assert_eq!(row(CellOverVoltage, Critical), (3.65, 5.0, 3.52, 20.0));
    assert_eq!(row(CellUnderVoltage, Warning), (2.80, 10.0, 2.80, 20.0));
    assert_eq!(row(CellUnderVoltage, Trip), (2.60, 20.0, 2.80, 20.0));
    assert_eq!(row(CellUnderVoltage, Critical), (2.40, 5.0, 2.80, 20.0));
    let over_current = row(AlarmCode::DischargeOverCurrent, Trip);
    assert!((over_current.0 - 1.25).abs() < 1e-12 && over_current.1 == 2.0);
    assert_eq!((lfp.lockout_trips, lfp.lockout_window_s, lfp.restart_delay_s), (5, 3600.0, 300.0));
    assert_eq!(lfp.stops_at(CellOverVoltage), Some(3.60));
    assert_eq!(lfp.stops_at(CellUnderVoltage), Some(2.60));
}

#[test]
fn nmc_has_its_own_voltages_and_takes_the_rest_from_lfp() {
    let (lfp, nmc) = (profile("lfp"), profile("nmc"));
    let critical = |code| *nmc.element(code, AlarmLevel::Critical).expect("a row");
    let high = critical(AlarmCode::CellOverVoltage);
    assert_eq!((high.threshold, high.delay_s, high.release), (4.28, 5.0, 4.25));
    let low = critical(AlarmCode::CellUnderVoltage);
    assert_eq!((low.threshold, low.delay_s, low.release), (2.50, 3.0, 2.70));
    assert_eq!(
        critical(AlarmCode::Smoke),
        *lfp.element(AlarmCode::Smoke, AlarmLevel::Critical).expect("a row")
    );
    assert_eq!(nmc.elements.len(), lfp.elements.len());
}

#[test]
fn vendors_have_their_polylines_and_recover_slowly() {
    let a_per_s = |name| profile(name).recovery_a_per_s;
    assert_eq!(a_per_s("soltaro-3000"), Some(0.1));
    assert_eq!(a_per_s("fenecon-commercial"), Some(0.5));
    assert_eq!((a_per_s("bmw"), a_per_s("lfp")), (Some(1.0), None));
    let bmw = profile("bmw").derating.expect("polylines");
    assert!((bmw.charge_by_voltage.at_clamped(4.164) - 0.2).abs() < 1e-12);
    assert!((bmw.discharge_by_voltage.at_clamped(3.314) - 0.1).abs() < 1e-12);
}

#[test]
fn a_file_replaces_single_rows_of_its_base_and_takes_others_away() {
    let off = "[[elements]]\nalarm = \"soc_high\"\nlevel = \"warning\"\noff = true\nsource = \"-\"";
    let text = on_lfp(&(row("critical", 3.7, 3.5) + off));
    let mine = parse_protection("my.toml", &text).unwrap_or_else(|e| panic!("{e}"));
    let code = AlarmCode::CellOverVoltage;
    assert_eq!(mine.element(code, AlarmLevel::Critical).map(|e| e.threshold), Some(3.7));
    assert_eq!(mine.element(code, AlarmLevel::Trip).map(|e| e.threshold), Some(3.6));
    assert!(mine.element(AlarmCode::SocHigh, AlarmLevel::Warning).is_none());
    assert_eq!(mine.elements.len(), profile("lfp").elements.len() - 1);
}

#[test]
fn a_graver_level_that_would_act_first_is_refused_with_both_values() {
    let text = refusal(&on_lfp(&row("critical", 3.55, 3.5)));
    assert!(text.contains("level \"critical\" (threshold_v = 3.55) would act before"), "{text}");
    assert!(text.contains("\"trip\" (threshold_v = 3.6)"), "{text}");
    assert!(
        text.contains("warning, derate, trip, critical") && text.contains("my.toml:4"),
        "{text}"
    );
}

#[test]
fn a_release_beyond_its_threshold_is_refused() {
    let text = refusal(&on_lfp(&row("critical", 3.65, 3.66)));
    assert!(text.contains("`release_v` lies above `threshold_v`"), "{text}");
    let low = "[[elements]]\nalarm = \"soc_low\"\nlevel = \"warning\"\nthreshold_soc = 0.1\n\
               release_soc = 0.05\nsource = \"here\"";
    let text = refusal(&on_lfp(low));
    assert!(text.contains("`release_soc` lies below `threshold_soc`"), "{text}");
}

#[test]
fn what_cannot_be_is_refused_with_what_could() {
    let text = refusal(&on_lfp(&row("critical", 3650.0, 3.5)));
    assert!(text.contains("a number from 0.5 to 10, got 3650"), "{text}");
    let text = refusal(&on_lfp(&row("grave", 3.65, 3.5)));
    assert!(text.contains("one of warning, derate, trip, critical, got \"grave\""), "{text}");
    let text = refusal(&on_lfp(&row("trip", 3.6, 3.5).replace("cell_over", "cel_over")));
    assert!(text.contains("did you mean `cell_over_voltage`?"), "{text}");
    let text = refusal(&on_lfp(&row("trip", 3.6, 3.5).replace("source = \"here\"", "")));
    assert!(text.contains("lacks `source`"), "{text}");
    let text = refusal(&on_lfp(&(row("trip", 3.6, 3.5) + &row("trip", 3.61, 3.5))));
    assert!(text.contains("two elements of level \"trip\""), "{text}");
    let text = refusal(&on_lfp("recovery_a_per_s = 0"));
    assert!(text.contains("greater than 0"), "{text}");
    let text = refusal("name = \"mine\"\nbase = \"lfq\"\nsource = \"here\"");
    assert!(text.contains("did you mean `lfp`?"), "{text}");
    let text = refusal("base = \"lfp\"");
    assert!(text.contains("lacks `name`") && text.contains("lacks `source`"), "{text}");
}

#[test]
fn a_polyline_that_turns_back_or_leaves_0_to_1_is_refused() {
    let with = |nodes: &str, factors: &str| {
        let curve = format!("{{ voltage_v = {nodes}, factor = {factors} }}");
        let degc = "{ temperature_degc = [0, 50], factor = [1, 0] }";
        on_lfp(&format!(
            "[derating]\ncharge_by_voltage = {curve}\ndischarge_by_voltage = {curve}\n\
             charge_by_temperature = {degc}\ndischarge_by_temperature = {degc}\nsource = \"here\""
        ))
    };
    assert!(parse_protection("my.toml", &with("[3.0, 3.5]", "[1, 0]")).is_ok());
    let text = refusal(&with("[3.5, 3.0]", "[1, 0]"));
    assert!(text.contains("nodes must increase, but node 1 is 3 after 3.5"), "{text}");
    let text = refusal(&with("[3.0, 3.5]", "[50, 0]"));
    assert!(text.contains("a fraction from 0 to 1, got 50"), "{text}");
}

#[test]
fn cells_have_the_profile_of_their_voltage_unless_another_is_named() {
    let name_of = |farm: Result<FarmSpec, String>| {
        let farm = farm.unwrap_or_else(|e| panic!("{e}"));
        farm.units[0].design.protection.name.clone()
    };
    assert_eq!(name_of(farm_with("", "")), "lfp");
    assert_eq!(name_of(farm_with("protection = \"byd-c130\"", "")), "byd-c130");
    assert_eq!(name_of(farm_with("protection = \"my.toml\"", &on_lfp(""))), "mine");
    assert_eq!((default_for(3.65), default_for(4.15)), ("lfp", "nmc"));
}

#[test]
fn a_profile_that_is_not_there_or_not_right_is_told_with_its_place() {
    let text = farm_with("protection = \"lpf\"", "").expect_err("not there");
    assert!(text.contains("no protection \"lpf\": it is not built in"), "{text}");
    assert!(text.contains("soltaro-3000") && text.contains("ends in .toml"), "{text}");
    let text = farm_with("protection = \"other.toml\"", "").expect_err("not there");
    assert!(text.contains("no protection \"other.toml\": not there"), "{text}");
    let bad = on_lfp(&row("critical", 3.65, 9.0));
    let text = farm_with("protection = \"my.toml\"", &bad).expect_err("wrong");
    assert!(text.contains("my.toml:") && text.contains("release_v"), "{text}");
}

#[test]
fn a_profile_for_other_cells_or_beyond_the_1500_v_class_is_refused() {
    let text = farm_with("protection = \"nmc\"", "").expect_err("NMC limits on LFP cells");
    assert!(
        text.contains("beyond the 1,500 V class") && text.contains("at most 375 cells"),
        "{text}"
    );
    let low = "[[elements]]\nalarm = \"cell_under_voltage\"\nlevel = \"trip\"\nthreshold_v = 3.3\n\
               release_v = 3.4\nsource = \"-\"\n";
    let warning = low.replace("trip", "warning").replace("= 3.3", "= 3.35");
    let text = farm_with("protection = \"my.toml\"", &on_lfp(&(low.to_owned() + &warning)))
        .expect_err("always tripped");
    assert!(text.contains("stops below 3.3 V, but \"lfp-314\" has nominally 3.2 V"), "{text}");
}
