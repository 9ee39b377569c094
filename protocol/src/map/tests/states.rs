//! States, alarms and racks, as registers show them.

use super::{bits, raised, registers};
use crate::testing;
use bess_core::alarm::{ALARMS, AlarmCode, AlarmKey, AlarmLevel, AlarmSet};
use bess_core::snapshot::{Snapshot, UnitState};
use bess_core::state::StateRow;
use bess_core::units::{Amps, Watts};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Unit 1 in `state`, without current.
fn at_rest_in(state: UnitState) -> Snapshot {
    let mut snapshot = testing::snapshot();
    snapshot.units[0].state = state;
    snapshot.units[0].dc.current = Amps(0.0);
    snapshot
}

#[test]
fn every_state_reads_as_its_row_of_the_table_says() {
    type InTable = fn(&StateRow) -> u16;
    let in_table: [(&str, InTable); 8] = [
        ("701.St", |row| row.der_state),
        ("701.InvSt", |row| row.inverter_state),
        ("701.ConnSt", |row| row.grid_connection),
        ("715.OpCtl", |row| row.operation),
        ("802.State", |row| row.battery_state),
        ("802.ChaSt", |row| row.charge_state),
        ("inverter state", |row| row.inverter_state),
        ("battery state", |row| row.battery_state),
    ];
    for (position, state) in UnitState::ALL.into_iter().enumerate() {
        let shown = registers(&at_rest_in(state), 1);
        for (name, get) in in_table {
            assert_eq!(bits(&shown, name), u32::from(get(state.row())), "{name} of {state:?}");
        }
        assert_eq!(bits(&shown, "state of the unit"), position as u32, "{state:?}");
        let closed = if state.row().is_connected { 1 } else { 2 };
        assert_eq!(bits(&shown, "802.SetOp"), closed, "{state:?}");
    }
}

#[test]
fn every_state_that_is_shown_has_a_symbol() {
    let spec = testing::snapshot().spec;
    let named = |name: &str, value: u32| {
        let points = ["compact", "sunspec"].into_iter().flat_map(|map| {
            crate::map::document(map, &spec, bess_core::UnitId::from_idx(0)).unwrap()
        });
        let mut points = points.filter(|point| point.name.starts_with(name));
        let point = points.next().unwrap_or_else(|| panic!("no {name}"));
        point.symbols.iter().any(|(_, known)| *known == value)
    };
    for state in UnitState::ALL {
        let shown = registers(&at_rest_in(state), 1);
        let all =
            ["inverter state", "battery state", "state of the unit", "701.InvSt", "802.State"];
        for name in all {
            assert!(named(name, bits(&shown, name)), "{name} of {state:?}");
        }
        let mode = shown.iter().find(|(name, _)| name.starts_with("84 ")).unwrap().1[0];
        assert!(named("mode", mode.into()), "mode {mode} of {state:?}");
    }
}

#[test]
fn a_current_and_an_empty_or_full_battery_show_in_the_charge_status() {
    let mut snapshot = at_rest_in(UnitState::Running);
    let mut status = |current_a, soc, discharge_w, charge_w| {
        let unit = &mut snapshot.units[0];
        unit.dc.current = Amps(current_a);
        unit.measured.soc = soc;
        unit.available_discharge_power = Watts(discharge_w);
        unit.available_charge_power = Watts(charge_w);
        bits(&registers(&snapshot, 1), "802.ChaSt")
    };
    assert_eq!(status(500.0, 0.5, 1e6, 1e6), 3, "discharging");
    assert_eq!(status(-500.0, 0.5, 1e6, 1e6), 4, "charging");
    assert_eq!(status(0.0, 0.02, 0.0, 1e6), 2, "empty");
    assert_eq!(status(0.0, 0.99, 1e6, 0.0), 5, "full");
    assert_eq!(status(0.0, 0.5, 1e6, 1e6), 6, "holding");
}

#[test]
fn only_a_derated_unit_is_throttled_by_what_is_cut() {
    let mut snapshot = testing::snapshot();
    snapshot.units[0].setpoint = Watts(2_000_000.0);
    snapshot.units[0].available_discharge_power = Watts(1_500_000.0);
    let shown = registers(&snapshot, 1);
    assert_eq!((bits(&shown, "701.ThrotPct"), bits(&shown, "701.ThrotSrc")), (0, 0));
    snapshot.units[0].state = UnitState::Derated;
    assert_eq!(raised(&snapshot, 1, "701.ThrotSrc"), ["DERATED"]);
    // 0.5 of 2.5 MW.
    assert_eq!(bits(&registers(&snapshot, 1), "701.ThrotPct"), 20);
    snapshot.units[0].setpoint = Watts(-2_500_000.0);
    snapshot.units[0].available_charge_power = Watts(0.0);
    assert_eq!(bits(&registers(&snapshot, 1), "701.ThrotPct"), 100);
}

#[test]
fn a_lock_out_is_an_error_after_its_alarms_are_gone() {
    for (state, status) in
        [(UnitState::LockedOut, 2), (UnitState::Maintenance, 0), (UnitState::Running, 0)]
    {
        let shown = registers(&at_rest_in(state), 1);
        assert_eq!(bits(&shown, "713.Sta"), status, "{state:?}");
    }
}

#[test]
fn the_plant_shows_its_most_active_unit() {
    let mut snapshot = testing::snapshot();
    for (states, inverter, battery, connected) in [
        ([UnitState::Off, UnitState::Fault], 6, 99, 0),
        ([UnitState::Standby, UnitState::Tripped], 7, 4, 0),
        ([UnitState::Synchronising, UnitState::Standby], 2, 3, 0),
        ([UnitState::Derated, UnitState::Standby], 4, 3, 1),
        ([UnitState::Maintenance, UnitState::Off], 0, 1, 0),
    ] {
        snapshot.farm.units_by_state = [0; UnitState::ALL.len()];
        for (index, unit) in snapshot.units.iter_mut().enumerate() {
            unit.state = states[index % 2];
            snapshot.farm.units_by_state[unit.state as usize] += 1;
        }
        let shown = registers(&snapshot, 255);
        assert_eq!(bits(&shown, "701.InvSt"), inverter, "{states:?}");
        assert_eq!(bits(&shown, "inverter state"), inverter, "{states:?}");
        assert_eq!(bits(&shown, "battery state"), battery, "{states:?}");
        assert_eq!(bits(&shown, "701.ConnSt"), connected, "{states:?}");
    }
}

#[test]
fn local_control_islands_and_waits_show() {
    let mut snapshot = testing::snapshot();
    let before = registers(&snapshot, 1);
    let quiet = ["715.LocRemCtl", "802.LocRemCtl", "flags", "gas and smoke"];
    assert!(quiet.iter().all(|name| bits(&before, name) == 0));
    assert_eq!(bits(&before, "701.DERMode"), 1, "grid following");
    assert_eq!(bits(&before, "alarm that keeps the unit from being reset"), 0xFFFF);
    let unit = &mut snapshot.units[0];
    unit.is_local = true;
    unit.forms_island = true;
    unit.smoke = true;
    unit.state = UnitState::Fault;
    unit.reset_blocked_by = Some(AlarmKey::unit(AlarmCode::Gas, AlarmLevel::Critical));
    unit.enter_service_remaining_s = 299.2;
    unit.insulation_kohm = 87.4;
    unit.state_since = bess_core::Tick(400);
    let shown = registers(&snapshot, 1);
    for (name, value) in [
        ("715.LocRemCtl", 1),
        ("802.LocRemCtl", 1),
        ("701.DERMode", 2),
        // Local, needs a reset, cannot be reset, forms an island.
        ("flags", 0b1_0111),
        ("gas and smoke", 2),
        ("alarm that keeps the unit from being reset", AlarmCode::Gas as u32),
        ("703.ESDlyRemTms", 300),
        ("time until it may enter service", 300),
        ("insulation resistance", 87),
        ("time in the present state", 60),
    ] {
        assert_eq!(bits(&shown, name), value, "{name}");
    }
}

#[test]
fn enter_service_shows_the_settings() {
    let mut snapshot = testing::snapshot();
    let code = &mut snapshot.units[0].control.enter_service;
    (code.permitted, code.random_delay_s, code.voltage_max_pu) = (false, 42.0, 1.0625);
    let code = *code;
    let shown = registers(&snapshot, 1);
    for (name, scaled) in [
        ("703.ESVHi", code.voltage_max_pu * 10_000.0),
        ("703.ESVLo", code.voltage_min_pu * 10_000.0),
        ("703.ESHzHi", code.frequency_max_hz * 1_000.0),
        ("703.ESHzLo", code.frequency_min_hz * 1_000.0),
        ("703.ESDlyTms", code.delay_s),
        ("703.ESRmpTms", code.ramp_s),
        ("703.ESRndTms", 42.0),
        ("703.ES", 0.0),
    ] {
        assert_eq!(f64::from(bits(&shown, name)), scaled.round(), "{name}");
    }
}

#[test]
fn a_rack_shows_its_contactors_and_why_it_is_out() {
    const NAMES: [&str; 6] =
        ["StrSt", "StrConSt", "StrConFail", "StrDisRsn", "StrSetEna", "StrSetCon"];
    let mut snapshot = testing::snapshot();
    let string = |snapshot: &Snapshot| {
        let shown = registers(snapshot, 1);
        NAMES.map(|name| bits(&shown, &format!("803.string[2].{name}")))
    };
    assert_eq!(string(&snapshot), [0b11, 0b101, 0, 0, 1, 1]);
    snapshot.racks[1].connected = false;
    snapshot.racks[1].contactors = [true, false, false];
    assert_eq!(string(&snapshot), [0b01, 0b001, 0, 4, 1, 1], "its voltage does not fit");
    snapshot.racks[1].enabled = false;
    assert_eq!(string(&snapshot), [0b00, 0b001, 0, 2, 2, 2], "an operator took it out");
    snapshot.racks[1].alarms.insert(AlarmCode::PrechargeFailed, AlarmLevel::Critical);
    assert_eq!(string(&snapshot)[2..4], [7, 1]);
    snapshot.racks[1].alarms.insert(AlarmCode::ContactorFault, AlarmLevel::Critical);
    assert_eq!(string(&snapshot)[2..4], [6, 1]);
    snapshot.racks[1].fuse_whole = false;
    assert_eq!(string(&snapshot)[2..4], [5, 1]);
    let mut snapshot = at_rest_in(UnitState::Off);
    snapshot.racks[1].connected = false;
    snapshot.racks[1].contactors = [false; 3];
    assert_eq!(string(&snapshot), [0b01, 0, 0, 3, 1, 1], "its unit is off");
}

fn any_alarms() -> impl Strategy<Value = AlarmSet> {
    let any = (0..ALARMS.len(), 0..AlarmLevel::ALL.len());
    let keys = proptest::collection::vec(any, 0..5);
    keys.prop_map(|keys| {
        let key = |(code, level): (usize, usize)| {
            AlarmKey::unit(ALARMS[code].code, AlarmLevel::ALL[level])
        };
        keys.into_iter().map(key).collect()
    })
}

/// Bits of 802.Evt1 of the alarms at these levels, from the table alone.
fn events_at(alarms: AlarmSet, levels: &[AlarmLevel]) -> u32 {
    let all = ALARMS.iter().flat_map(|alarm| levels.iter().map(move |level| (alarm, *level)));
    let standing = all.filter(|(alarm, level)| alarms.has_level(alarm.code, *level));
    standing.fold(0, |bits, (alarm, level)| {
        let mild = matches!(level, AlarmLevel::Warning | AlarmLevel::Derate);
        bits | 1 << if mild { alarm.evt1_bits.0 } else { alarm.evt1_bits.1 }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_register_of_alarms_says_what_the_set_says(
        of_unit in any_alarms(),
        of_other in any_alarms(),
        of_rack in any_alarms(),
    ) {
        let mut snapshot = testing::snapshot();
        snapshot.units[0].alarms = of_unit;
        snapshot.units[1].alarms = of_other;
        snapshot.racks[4].alarms = of_rack;
        let mild = [AlarmLevel::Warning, AlarmLevel::Derate];
        let status = |alarms: AlarmSet| match alarms.worst() {
            None => 0,
            Some(level) => 1 + u32::from(level >= AlarmLevel::Trip),
        };
        let check = |shown: &BTreeMap<String, Vec<u16>>, events, warnings, alarms, sta| {
            prop_assert_eq!(bits(shown, "701.Alrm"), alarms);
            prop_assert_eq!(bits(shown, "alarms and warnings, bits of 802.Evt1"), events);
            prop_assert_eq!(bits(shown, "warnings and deratings, bits of 802.Evt1"), warnings);
            prop_assert_eq!(bits(shown, "713.Sta"), sta);
            Ok(())
        };
        let shown = registers(&snapshot, 1);
        let events = events_at(of_unit, &AlarmLevel::ALL);
        check(&shown, events, events_at(of_unit, &mild), of_unit.alrm(), status(of_unit))?;
        prop_assert_eq!(bits(&shown, "802.Evt1"), events);
        prop_assert_eq!(events, of_unit.evt1());
        prop_assert_eq!(bits(&shown, "803.string[5].StrEvt1"), of_rack.evt1());
        prop_assert_eq!(bits(&shown, "803.string[4].StrEvt1"), 0);
        let level = of_unit.worst().map_or(0, |level| level as u32 + 1);
        prop_assert_eq!(bits(&shown, "gravest level of its alarms"), level);
        // The plant shows those of all units; the other eight have none.
        check(
            &registers(&snapshot, 255),
            of_unit.evt1() | of_other.evt1(),
            events_at(of_unit, &mild) | events_at(of_other, &mild),
            of_unit.alrm() | of_other.alrm(),
            status(of_unit).max(status(of_other)).min(1),
        )?;
    }
}
