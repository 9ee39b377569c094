//! The database of points: that it is whole, and that its writes read back.

use super::read::Calendar;
use super::{Kind, Level, PointInfo, all, find, points};
use crate::device::Gateway;
use crate::map::edit::{Edit, Write};
use crate::map::encoding::Value;
use crate::map::source::Sight;
use crate::testing;
use bess_core::command::Command;
use bess_core::signal;
use bess_core::snapshot::Snapshot;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::Path;

fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) if !number.is_nan() => Some(number),
        Value::Raw(raw) => Some(raw as f64),
        _ => None,
    }
}

#[test]
fn names_are_unique_and_every_signal_is_a_point() {
    for pair in all().windows(2) {
        assert!(pair[0].name < pair[1].name, "{} twice", pair[0].name);
    }
    for name in signal::UNIT.iter().map(|signal| signal.name.to_owned()) {
        assert!(find(&name).is_some(), "{name}");
    }
    for name in signal::FARM.iter().map(|signal| format!("farm.{}", signal.name)) {
        assert!(find(&name).is_some(), "{name}");
    }
    for name in signal::RACK.iter().map(|signal| format!("rack.12.{}", signal.name)) {
        assert!(find(&name).is_some(), "{name}");
    }
    for name in ["rack.0.soc", "rack.x.soc", "rack.1.socc", "rack.1.cell.0.voltage", "rack.1"] {
        assert!(find(name).is_none(), "{name}");
    }
}

#[test]
fn every_point_has_words_names_fit_its_kind_and_units_are_of_quantities() {
    for point in points() {
        assert!(!point.help.is_empty() && !point.help.ends_with('.'), "{point:?}");
        let named = matches!(point.kind, "named value" | "yes or no");
        assert!(!named || point.symbols.len() >= 2, "{point:?}");
        assert!(point.kind == "number" || point.unit.is_empty(), "{point:?}");
        assert!(point.symbols.iter().all(|(name, _)| *name == name.to_lowercase()), "{point:?}");
    }
}

#[test]
fn every_point_has_a_value_for_who_may_show_it() {
    // What nobody has set, or no alarm keeps from being reset, has none.
    const WITHOUT: [&str; 6] = [
        "alarm.blocks_reset",
        "control.fallback_w",
        "farm.control.active_w",
        "farm.control.reactive_var",
        "farm.setpoint.active_power",
        "last_write.",
    ];
    let snapshot = testing::snapshot();
    let gateway = Gateway::new(&snapshot.spec);
    for point in all() {
        if WITHOUT.iter().any(|name| point.name.starts_with(name)) {
            continue;
        }
        for (id, level) in [(1, Level::Unit), (255, Level::Plant)] {
            if point.level.is_some_and(|of| of != level) {
                continue;
            }
            let sight = gateway.device(id).unwrap().sight(&snapshot);
            match point.source.value(sight) {
                Value::Missing => panic!("{} has no value", point.name),
                Value::Text(_) => assert_eq!(point.kind, Kind::Text, "{}", point.name),
                value => assert!(number(value).is_some(), "{} is {value:?}", point.name),
            }
        }
    }
}

/// Applies what a write of `value` asks of unit 1 or of the plant.
fn apply(snapshot: &mut Snapshot, id: u8, write: Write, value: f64) -> bool {
    let gateway = Gateway::new(&snapshot.spec);
    let before = snapshot.clone();
    let sight = gateway.device(id).unwrap().sight(&before);
    let mut edit = Edit::new(sight);
    let put = write.put(&mut edit, value);
    let Ok(command) = put.and_then(|()| edit.command()) else { return false };
    match command {
        Some(Command::ControlUnit { change, .. }) => {
            let unit = &mut snapshot.units[0];
            change.apply(&mut unit.control);
            let pcs = &before.spec.units[0].design.pcs;
            unit.setpoint.0 = unit.control.active.target(pcs.rated_power.0);
            unit.reactive_setpoint.0 = unit.control.reactive.target(pcs.rated_reactive_power.0);
        }
        Some(Command::SetFarmPower { active, reactive }) => {
            snapshot.farm.setpoint = Some(active);
            snapshot.farm.reactive_setpoint = reactive;
        }
        Some(Command::ReleaseFarm) => snapshot.farm.setpoint = None,
        _ => {}
    }
    true
}

#[test]
fn what_is_written_to_a_setting_reads_back() {
    // What it does shows elsewhere, or later.
    const ACTIONS: [&str; 8] = [
        "control.alarm_reset",
        "control.contactors",
        "control.emergency_stop",
        "control.mode",
        "control.operation",
        "control.run",
        "control.start",
        "control.stop",
    ];
    for point in all() {
        let Some(write) = point.write else { continue };
        let (id, mut snapshot) = match point.level {
            Some(Level::Plant) => (255, testing::snapshot()),
            _ => (1, testing::snapshot()),
        };
        if point.name == "farm.control.reactive_var" {
            // It follows an active one.
            snapshot.farm.setpoint = Some(bess_core::units::Watts(1.0));
        }
        let values: Vec<f64> = match point.kind {
            // Maintenance and several functions are shown, and are not for writing.
            _ if point.name == "control.mode" => (0..12).map(f64::from).collect(),
            Kind::Enum | Kind::Switch => point.names.iter().map(|(_, n)| f64::from(*n)).collect(),
            _ if point.name.contains("pf_") => vec![0.95, 1.0],
            _ if point.name == "control.soc_min" => vec![0.0, 20.0],
            _ if point.name == "control.soc_max" => vec![80.0, 100.0],
            _ if point.unit == "%" || point.unit == "%/s" => vec![5.0, 50.0],
            _ => vec![60.0, 2_000.0],
        };
        for value in values {
            if ACTIONS.contains(&&*point.name) {
                let before = snapshot.clone();
                assert!(apply(&mut snapshot, id, write, value), "{} = {value}", point.name);
                snapshot = before;
                continue;
            }
            // A farm setpoint that is not there cannot be kept, and 0 var is what takes one back.
            if point.name.starts_with("farm.control.") && point.kind != Kind::Quantity {
                continue;
            }
            assert!(apply(&mut snapshot, id, write, value), "{} = {value}", point.name);
            let gateway = Gateway::new(&snapshot.spec);
            let sight = gateway.device(id).unwrap().sight(&snapshot);
            let back = number(point.source.value(sight)).unwrap();
            assert!((back - value).abs() < 1e-6, "{} = {value} reads as {back}", point.name);
        }
    }
}

#[test]
fn limits_above_the_rating_are_none_and_negative_ones_are_refused() {
    for name in ["control.charge_limit_w", "control.discharge_limit_w"] {
        let write = find(name).unwrap().write.unwrap();
        let mut snapshot = testing::snapshot();
        assert!(apply(&mut snapshot, 1, write, 1e12), "{name}");
        assert!(!apply(&mut snapshot, 1, write, -1.0), "{name}");
        let control = snapshot.units[0].control;
        assert_eq!((control.charge_limit_pct, control.discharge_limit_pct), (100.0, 100.0));
    }
}

#[test]
fn charging_and_discharging_registers_share_one_setpoint() {
    let write = |name: &str| find(name).unwrap().write.unwrap();
    let mut snapshot = testing::snapshot();
    let setpoint = |snapshot: &Snapshot| snapshot.units[0].setpoint.0;
    apply(&mut snapshot, 1, write("control.charge_w"), 3_000.0);
    assert_eq!(setpoint(&snapshot), -3_000.0);
    apply(&mut snapshot, 1, write("control.discharge_w"), 0.0);
    assert_eq!(setpoint(&snapshot), -3_000.0, "a 0 of the other does not end it");
    apply(&mut snapshot, 1, write("control.discharge_w"), 2_000.0);
    assert_eq!(setpoint(&snapshot), 2_000.0);
    apply(&mut snapshot, 1, write("control.discharge_w"), 0.0);
    assert_eq!(setpoint(&snapshot), 0.0);
    assert!(!apply(&mut snapshot, 1, write("control.charge_w"), -1.0));
}

proptest! {
    /// Commands and powers in any order: what is asked is what the registers say.
    #[test]
    fn a_command_and_its_power_are_one_setpoint_in_any_order(
        writes in proptest::collection::vec((any::<bool>(), 0u8..3, 1.0..2.5e6f64), 1..12),
    ) {
        let command = find("control.forced").unwrap();
        let power = find("control.forced_power_w").unwrap();
        let mut snapshot = testing::snapshot();
        let (mut word, mut magnitude_w) = (0, 0.0);
        for (is_command, wanted, wanted_w) in writes {
            if is_command {
                word = wanted;
                apply(&mut snapshot, 1, command.write.unwrap(), wanted.into());
            } else {
                magnitude_w = wanted_w;
                apply(&mut snapshot, 1, power.write.unwrap(), wanted_w);
            }
            let gateway = Gateway::new(&snapshot.spec);
            let sight: Sight<'_> = gateway.device(1).unwrap().sight(&snapshot);
            let shown = number(power.source.value(sight)).unwrap();
            prop_assert!((shown - magnitude_w).abs() < 1e-6, "{shown} W");
            let sign = [0.0, -1.0, 1.0][usize::from(word)];
            let setpoint_w = snapshot.units[0].control.active.target(2.5e6);
            prop_assert!((setpoint_w - sign * magnitude_w).abs() < 1e-3, "{setpoint_w} W");
        }
    }

    #[test]
    fn days_follow_each_other(day in -1_000_000i64..1_000_000) {
        let of = |day: i64| Calendar::of_unix_ms(day * 86_400_000);
        let (today, tomorrow) = (of(day), of(day + 1));
        let is_next = tomorrow.day == today.day + 1
            && (tomorrow.year, tomorrow.month) == (today.year, today.month);
        let is_first = tomorrow.day == 1 && today.day >= 28;
        prop_assert!(is_next || is_first, "{today:?} {tomorrow:?}");
    }
}

#[test]
fn dates_are_those_of_the_calendar() {
    for (unix_s, date) in [
        (0, (1970, 1, 1, 0, 0, 0)),
        (951_782_400, (2000, 2, 29, 0, 0, 0)),
        (1_700_000_000, (2023, 11, 14, 22, 13, 20)),
        (-1, (1969, 12, 31, 23, 59, 59)),
        (4_107_542_400, (2100, 3, 1, 0, 0, 0)),
    ] {
        let of = Calendar::of_unix_ms(unix_s * 1_000);
        let shown = (of.year, of.month, of.day, of.hour, of.minute, of.second);
        assert_eq!(shown, date, "{unix_s}");
    }
}

/// Where the table of points begins and ends in the page.
const BEGIN: &str = "<!-- points: made by the tests, see CONTRIBUTING.md -->\n";
const END: &str = "<!-- end of points -->";

fn table() -> String {
    let mut table = "| point | unit or values | access | what |\n|---|---|---|---|\n".to_owned();
    // One row stands for all alarms, and for each of their levels.
    let is_shown = |point: &PointInfo| {
        let is_alarm = point.name.starts_with("alarm.") && point.kind == "yes or no";
        !is_alarm || point.name == "alarm.any"
    };
    for point in points().iter().filter(|point| is_shown(point)) {
        let symbols: Vec<&str> = point.symbols.iter().map(|(name, _)| name.as_str()).collect();
        let values = match (point.kind, symbols.len()) {
            ("yes or no", _) => "yes or no".to_owned(),
            (_, 0) if point.unit.is_empty() && point.kind != "number" => point.kind.to_owned(),
            (_, 0) => point.unit.clone(),
            ("bits", _) => format!("bits: {}", symbols.join(", ")),
            _ => symbols.join(", "),
        };
        let access = match (point.access, point.level) {
            ("RW", "plant") => format!("RW, {}, plant", point.role),
            ("RW", _) => format!("RW, {}", point.role),
            (_, "both") => "R, both".to_owned(),
            (access, _) => access.to_owned(),
        };
        writeln!(table, "| `{}` | {values} | {access} | {} |", point.name, point.help).unwrap();
        if point.name == "alarm.any" {
            let rows = [
                (
                    "alarm.any.<level>",
                    "Whether any alarm stands at that level: `warning`, `derate`, `trip`, `critical`",
                ),
                (
                    "alarm.<alarm>",
                    "Whether that alarm stands at any level; `docs/unit-states.md` lists them",
                ),
                ("alarm.<alarm>.<level>", "Whether it stands at that level"),
            ];
            for (name, help) in rows {
                writeln!(table, "| `{name}` | yes or no | R | {help} |").unwrap();
            }
        }
    }
    table
}

#[test]
fn the_page_on_register_maps_lists_every_point() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/register-maps.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).expect("the page has a place for points");
    let (listed, tail) = rest.split_once(END).expect("and an end of it");
    let table = table();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
    } else {
        assert!(listed == table, "docs/register-maps.md is stale: run with UPDATE=1");
    }
}
