//! What a configuration of Modbus says, and what refuses it.

use super::*;
use crate::testing;
use bess_core::control::HeartbeatKind;

fn parse(text: &str) -> Result<ModbusConfig, String> {
    let spec = testing::snapshot().spec;
    parse_modbus("modbus.toml", text, &spec, &|name| match name {
        "there.pem" => Ok("a certificate".to_owned()),
        _ => Err("no such file".to_owned()),
    })
    .map_err(|problems| problems.to_string())
}

#[test]
fn without_a_word_unit_id_k_is_unit_k() {
    let config = parse("[modbus]").unwrap();
    assert_eq!(config.parts, [Part::Whole]);
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(config.listeners[0].mode, Mode::Gateway);
}

#[test]
fn a_farm_file_may_have_it_beside_its_other_tables() {
    let farm = bess_core::config::BUILT_IN_FARM;
    assert_eq!(parse(farm).unwrap().listeners.len(), 1);
    let with = format!("{farm}\n[modbus]\nracks = true\n");
    assert!(parse(&with).unwrap().racks);
    let wrong = format!("{farm}\n[modbus]\nrack = true\n");
    assert!(parse(&wrong).unwrap_err().contains("unknown key `rack`"));
}

#[test]
fn every_problem_is_told_at_its_line_with_what_would_do() {
    for (text, words) in [
        ("[farming]", "unknown key `farming`"),
        ("", "no table `[modbus]`"),
        ("[modbus]\ndevices = [\"pcs\", \"pcs\"]", "\"pcs\" twice"),
        ("[modbus]\ndevices = [\"metre\"]", "knows whole, bms, pcs, meter"),
        ("[modbus]\nmaps = []", "at least one map"),
        ("[modbus]\nprofile = \"old\"", "standard, cells, legacy"),
        ("[modbus]\n[[modbus.units]]\nunits = [11]", "units 1 to 10"),
        ("[modbus]\n[[modbus.units]]\n", "needs `units`"),
        ("[modbus]\n[[modbus.refresh]]\nfrom = 9\nto = 3\nperiod_s = 1", "at least `from`"),
        ("[modbus]\n[[modbus.refresh]]\nfrom = 9\nto = 30\nperiod_s = 0", "from 0.1 to 3600"),
        ("[modbus]\n[[modbus.listeners]]\nmode = \"port\"", "gateway, ports, ip"),
        ("[modbus]\n[[modbus.listeners]]\nrole = \"root\"", "viewer, operator, engineer"),
        ("[modbus]\n[[modbus.listeners]]\nport = 70000", "from 0 to 65535"),
        ("[modbus]\n[[modbus.listeners]]\nbind = \"here\"", "must be an IP address"),
        ("[modbus]\n[[modbus.listeners]]\nallow = [\"10.0.0.0/40\"]", "from 0 to 32"),
        ("[modbus]\n[[modbus.listeners]]\nmax_connections = 0", "from 1 to"),
        ("[modbus]\n[[modbus.listeners]]\nidle_timeout_s = 0", "greater than 0"),
        ("[modbus]\n[[modbus.listeners]]\nfirst_address = \"127.1.0.1\"", "for mode \"ip\" alone"),
        ("[modbus]\n[[modbus.listeners]]\nunits = [5, 2]", "first and the last unit"),
        ("[modbus]\n[[modbus.listeners]]\nunits = [1, 99]", "from 1 to 10"),
        ("[modbus]\n[[modbus.listeners]]\nack = \"maybe\"", "applied, accepted"),
        ("[modbus]\n[[modbus.listeners]]\nabsent_unit = \"12\"", "exception-11"),
        (
            "[modbus]\n[[modbus.listeners]]\nname = \"a\"\n[[modbus.listeners]]\nname = \"a\"",
            "two listeners are called \"a\"",
        ),
        (
            "[modbus]\n[[modbus.listeners]]\n[modbus.listeners.tls]\ncertificate = \"gone.pem\"\n\
             key = \"there.pem\"\nclient_ca = \"there.pem\"",
            "cannot read \"gone.pem\": no such file",
        ),
    ] {
        let problems = parse(text).expect_err(text);
        assert!(problems.contains(words), "{text}\n{problems}");
        assert!(problems.contains("modbus.toml"), "{problems}");
    }
}

#[test]
fn all_problems_come_at_once() {
    let text = "[modbus]\nracks = 3\nprofile = \"x\"\n[[modbus.listeners]]\nport = -1\n";
    let problems = parse(text).unwrap_err();
    for line in ["modbus.toml:2:", "modbus.toml:3:", "modbus.toml:5:"] {
        assert!(problems.contains(line), "{problems}");
    }
}

#[test]
fn a_map_has_its_units_watch_their_controllers_unless_the_farm_file_does() {
    let text = "[modbus]\nmaps = [\"tesla-like\"]\n[[modbus.units]]\nunits = [3]\n\
                maps = [\"compact\"]\n";
    let mut spec = FarmSpec::clone(&testing::snapshot().spec);
    let before = spec.clone();
    parse(text).unwrap().set_watchdogs(&mut spec);
    let watchdog = spec.units[0].design.watchdog;
    assert_eq!((watchdog.kind, watchdog.timeout_s), (HeartbeatKind::Complement, 60.0));
    assert!(Arc::ptr_eq(&spec.units[0].design, &spec.units[9].design), "equal units share it");
    assert_eq!(spec.units[2].design.watchdog, WatchdogSettings::default());
    // Settings of the farm file stay.
    let own = WatchdogSettings { timeout_s: 7.0, ..WatchdogSettings::default() };
    let mut spec = before;
    let design = UnitDesign { watchdog: own, ..UnitDesign::clone(&spec.units[0].design) };
    spec.units[0].design = Arc::new(design);
    parse(text).unwrap().set_watchdogs(&mut spec);
    assert_eq!(spec.units[0].design.watchdog, own);
}
