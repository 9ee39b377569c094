//! The built-in maps, each with the quirks that it is there for.

use super::bench::{Bench, built_in, map};
use crate::map::Refusal;
use crate::map::user::{SHIPPED, shipped};
use crate::testing;
use bess_core::UnitId;
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::command::{Command, UnitAction};
use bess_core::control::{HeartbeatKind, LossAction, Recovery};
use bess_core::device::Part;
use bess_core::point::Table;
use bess_core::role::Role;
use bess_core::snapshot::UnitState;
use bess_core::units::{Amps, Watts};

fn i32_of(words: &[u16]) -> i32 {
    (i32::from(words[0] as i16) << 16) | i32::from(words[1])
}
/// The same with the low word first.
fn i32_swapped(words: &[u16]) -> i32 {
    i32_of(&[words[1], words[0]])
}
fn f32_swapped(words: &[u16]) -> f32 {
    f32::from_bits(u32::from(words[1]) << 16 | u32::from(words[0]))
}
fn swapped_f32(value: f32) -> [u16; 2] {
    let bits = value.to_bits();
    [bits as u16, (bits >> 16) as u16]
}

#[test]
fn every_built_in_map_fits_the_built_in_farm_and_says_what_it_was_read_from() {
    let spec = testing::snapshot().spec;
    for (name, text) in SHIPPED {
        let map = built_in(name);
        assert_eq!(map.name(), *name);
        map.check(&spec).unwrap_or_else(|problems| panic!("{problems}"));
        let rows = map.document(&spec, UnitId::from_idx(0)).unwrap();
        assert!(rows.iter().all(|row| !row.name.is_empty() && row.length > 0), "{name}");
        let head: String = text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(!head.is_empty(), "{name} begins with words about it");
        if name.ends_with("-like") {
            assert!(head.contains("Read from:"), "{name} says what it was read from");
            assert!(head.contains("none of"), "{name} says that it is no map of the vendor's own");
            assert!(head.contains("public"), "{name} says that none is public");
        }
    }
}

#[test]
fn no_map_has_two_values_of_one_name() {
    let spec = testing::snapshot().spec;
    for (name, _) in SHIPPED {
        let rows = built_in(name).document(&spec, UnitId::from_idx(0)).unwrap();
        let mut names: Vec<_> = rows
            .iter()
            .filter(|row| row.table == "holding" && !row.name.contains("pad"))
            .filter(|row| row.name != "chain mark" && row.name != "scratch memory")
            .map(|row| (&row.device, &row.name))
            .collect();
        let n = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), n, "{name}");
    }
}

#[test]
fn tesla_wants_a_heartbeat_of_complements_within_a_minute() {
    let map = built_in("tesla-like");
    let watch = map.watchdog().unwrap();
    assert_eq!((watch.kind, watch.timeout_s), (HeartbeatKind::Complement, 60.0));
    assert_eq!(watch.action, LossAction::RampToZero);
    let mut bench = Bench::new(&map);
    bench.write(1022, &[0xFFFF]).unwrap();
    assert_eq!(bench.control().controller_heartbeat, 0xFFFF);
    bench.write(1022, &[0x0000]).unwrap();
    assert_eq!(bench.control().controller_heartbeat, 0);
    bench.write(1023, &[30]).unwrap();
    assert_eq!(bench.control().watchdog.timeout_s, 30.0);
    assert_eq!(bench.read(1022, 2), [0, 30]);
}

#[test]
fn tesla_takes_kilowatts_of_32_bits_and_discharge_is_positive() {
    let mut bench = Bench::new(&built_in("tesla-like"));
    bench.write(1020, &[0, 1_500]).unwrap();
    assert_eq!(bench.setpoint_w(), 1.5e6);
    bench.write(1020, &[0xFFFF, 0xFC18]).unwrap();
    assert_eq!(bench.setpoint_w(), -1.0e6);
    assert_eq!(bench.read(1020, 2), [0xFFFF, 0xFC18]);
    // Half a value is none, and one beyond the rating is refused.
    assert_eq!(bench.write(1021, &[0]), Err(Refusal::Value));
    assert_eq!(bench.write(1020, &[1, 0]), Err(Refusal::Value));
    assert_eq!(i32_of(&bench.read(205, 2)), 4_900, "kWh when full");
    assert_eq!(i32_of(&bench.read(207, 2)), 3_000, "kWh left");
    bench.write(1002, &[1]).unwrap();
    assert_eq!(bench.read(1000, 3), [0, 0, 1]);
    assert_eq!(bench.read_from(Table::Holding, 204, 1), Err(Refusal::Address));
}

#[test]
fn sungrow_shows_input_registers_with_the_low_word_first() {
    let mut bench = Bench::new(&built_in("sungrow-like"));
    bench.snapshot.farm.active_power = Watts(-70_000.0);
    bench.snapshot.units[0].ac.active_power = Watts(123_456.0);
    assert_eq!(i32_swapped(&bench.input(13_033, 2)), 123_456);
    assert_eq!(bench.input(13_033, 2), [0xE240, 1], "the low word comes first");
    assert_eq!(i32_swapped(&bench.input(13_009, 2)), -70_000, "export power");
    assert_eq!(bench.input(13_019, 1), [13_753], "tenths of a volt");
    assert_eq!(bench.input(13_022, 2), [635, 980], "tenths of a percent");
    assert_eq!(bench.input(13_030, 3), [8_533; 3], "phases");
    // The command registers are not among them.
    assert_eq!(bench.read_from(Table::Input, 13_049, 1), Err(Refusal::Address));
    assert_eq!(bench.read_from(Table::Holding, 13_033, 1), Err(Refusal::Address));
}

#[test]
fn sungrow_shows_signs_or_magnitudes_by_its_firmware() {
    let text = shipped("sungrow-like").unwrap();
    let old = text.replace("firmware = \"95.03\"\nunit_ids", "firmware = \"95.01\"\nunit_ids");
    assert_ne!(old, text);
    for (text, current, power) in [(text, -500, -20_000), (&old, 500, 20_000)] {
        let mut bench = Bench::new(&map(text));
        bench.unit().dc.current = Amps(-50.0);
        bench.unit().dc.power = Watts(-20_000.0);
        let words = bench.input(13_020, 2);
        let shown = [words[0], words[1]].map(|word| i32::from(word as i16));
        assert_eq!(shown, [current, power]);
        // The running state says it in any firmware: bit 1 is charging.
        assert_eq!(bench.input(13_000, 1), [0b010]);
    }
}

#[test]
fn sungrow_charges_discharges_and_stops_by_command_words() {
    const COMMAND: u16 = 13_050;
    let mut bench = Bench::new(&built_in("sungrow-like"));
    assert_eq!(bench.read(13_049, 3), [0, 0xCC, 0], "self-consumption, stopped");
    // What evcc writes: mode, command; and the power before, after or with them.
    bench.write(13_049, &[2]).unwrap();
    assert_eq!(bench.setpoint_w(), 0.0, "no power yet");
    bench.write(COMMAND, &[0xAA]).unwrap();
    assert!(bench.setpoint_w().abs() < 1.0, "no power yet: {}", bench.setpoint_w());
    assert_eq!(bench.read(13_049, 3), [2, 0xAA, 0]);
    bench.write(13_051, &[30_000]).unwrap();
    assert_eq!(bench.setpoint_w(), -30_000.0);
    bench.write(COMMAND, &[0xBB]).unwrap();
    assert_eq!(bench.setpoint_w(), 30_000.0, "the power stays");
    bench.write(13_051, &[20_000]).unwrap();
    assert_eq!(bench.setpoint_w(), 20_000.0, "and so does the command");
    bench.write(COMMAND, &[0xCC]).unwrap();
    assert_eq!(bench.setpoint_w(), 0.0);
    assert_eq!(bench.read(13_049, 3), [2, 0xCC, 20_000], "the power is remembered");
    bench.write(COMMAND, &[0xAA]).unwrap();
    assert_eq!(bench.setpoint_w(), -20_000.0);
    // All three at once, in the order of their registers.
    bench.write(13_049, &[0, 0xBB, 10_000]).unwrap();
    assert_eq!(bench.setpoint_w(), 0.0, "left to itself");
    assert_eq!(bench.read(13_049, 3), [0, 0xBB, 10_000], "but the command waits");
    bench.write(13_049, &[3]).unwrap();
    assert_eq!(bench.setpoint_w(), 10_000.0);
    assert_eq!(bench.read(13_049, 1), [2], "the first number is shown for all of them");
    // The words of nobody.
    assert_eq!(bench.write(COMMAND, &[0xAB]), Err(Refusal::Exception(3)));
    assert_eq!(bench.write(13_049, &[1]), Err(Refusal::Exception(3)));
}

#[test]
fn sungrow_limits_in_tens_of_watts_and_a_window_of_charge() {
    let mut bench = Bench::new(&built_in("sungrow-like"));
    // 500 kW of 2.5 MW.
    bench.write(33_046, &[50_000, 25_000]).unwrap();
    let control = bench.control();
    assert_eq!((control.charge_limit_pct, control.discharge_limit_pct), (20.0, 10.0));
    assert!(control.discharge_limit_enabled);
    assert_eq!(bench.read(33_046, 2), [50_000, 25_000]);
    bench.write(13_057, &[900, 100]).unwrap();
    assert_eq!((bench.control().soc_max, bench.control().soc_min), (0.9, 0.1));
    assert_eq!(bench.write(13_057, &[400]), Err(Refusal::Exception(3)), "below its range");
    assert_eq!(bench.write(13_099, &[101]), Err(Refusal::Exception(3)));
}

#[test]
fn solaredge_has_a_chain_and_a_block_of_floats_with_the_low_word_first() {
    let mut bench = Bench::new(&built_in("solaredge-like"));
    let ids: Vec<u16> = chain(&bench).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [1, 103]);
    assert_eq!(f32_swapped(&bench.read(57_666, 2)), 5_015_961.6, "rated energy in Wh");
    assert_eq!(f32_swapped(&bench.read(57_716, 2)), -1_020_000.0, "discharging is negative");
    assert_eq!(bench.read(57_734, 2), [4, 0]);
    // All 14 registers at once: remote, no policy, no AC limit, reserve 5 %, default 7, 60 s, charge, limits.
    let mut block = vec![4, 0];
    block.extend(swapped_f32(0.0));
    block.extend(swapped_f32(5.0));
    block.extend([7, 60, 0, 3]);
    block.extend(swapped_f32(500_000.0));
    block.extend(swapped_f32(2_500_000.0));
    bench.write(57_348, &block).unwrap();
    assert_eq!(bench.read(57_348, 14), block);
    assert_eq!(bench.setpoint_w(), -2_500_000.0, "charges with what the limit leaves");
    let control = bench.control();
    assert_eq!(control.charge_limit_pct, 20.0);
    assert_eq!((control.soc_reserve, control.watchdog.timeout_s), (0.05, 60.0));
    bench.write(57_357, &[4]).unwrap();
    assert_eq!(bench.setpoint_w(), 2_500_000.0);
    bench.write(57_348, &[1]).unwrap();
    assert_eq!(bench.setpoint_w(), 0.0, "self-consumption");
    // A float that is none, and a limit that is none.
    let nan = swapped_f32(f32::NAN);
    assert_eq!(bench.write(57_358, &nan), Err(Refusal::Exception(3)));
    assert_eq!(bench.write(57_358, &swapped_f32(-1.0)), Err(Refusal::Exception(3)));
}

#[test]
fn solaredge_ends_a_command_that_is_not_written_again_and_serves_one_client() {
    let map = built_in("solaredge-like");
    let watch = map.watchdog().unwrap();
    assert_eq!((watch.kind, watch.timeout_s), (HeartbeatKind::AnyWrite, 120.0));
    assert_eq!(map.max_clients(), Some(1));
}

/// Ids of the chain with the first register of each model.
fn chain(bench: &Bench) -> Vec<(u16, u16)> {
    let mut models = Vec::new();
    let mut at = 40_002;
    loop {
        let head = bench.read(at, 2);
        if head[0] == 0xFFFF {
            assert_eq!(head[1], 0, "the end mark");
            return models;
        }
        models.push((head[0], at));
        at += 2 + head[1];
    }
}

#[test]
fn kaco_ends_its_chain_with_models_of_its_own() {
    let bench = Bench::new(&built_in("kaco-like"));
    let models = chain(&bench);
    let ids: Vec<u16> = models.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 103, 121, 123, 64_201, 64_202, 64_203, 64_204]);
    let lengths: Vec<u16> =
        models[ids.len() - 4..].iter().map(|(_, at)| bench.read(at + 1, 1)[0]).collect();
    assert_eq!(lengths, [52, 14, 26, 8]);
    // Every register of the chain is there: a client reads it in blocks.
    let (_, last) = models[ids.len() - 1];
    for at in (40_000..last + 10).step_by(50) {
        let count = 50.min(last + 12 - at);
        assert!(bench.read_from(Table::Holding, at, count).is_ok(), "{at}");
    }
    assert!(bench.read_from(Table::Holding, last + 12, 1).is_err(), "and nothing behind it");
}

#[test]
fn kaco_is_commanded_in_percent_by_states() {
    let mut bench = Bench::new(&built_in("kaco-like"));
    let models = chain(&bench);
    let (_, control) = *models.iter().find(|(id, _)| *id == 64_201).unwrap();
    bench.write(control + 9, &[(-2_000i16) as u16]).unwrap();
    assert_eq!(bench.setpoint_w(), -500_000.0, "20 % of 2.5 MW, negative charges");
    assert_eq!(bench.read(control + 4, 2), [11, 11], "requested and current: grid connected");
    bench.write(control + 4, &[1]).unwrap();
    let stop = Command::OperateUnit { unit: UnitId::from_idx(0), action: UnitAction::Stop };
    assert_eq!(bench.applied.last(), Some(&stop));
    bench.unit().state = UnitState::Fault;
    assert_eq!(bench.read(control + 4, 2), [1, 7]);
    bench.unit().state = UnitState::Precharge;
    assert_eq!(bench.read(control + 5, 1), [9]);
    // The registers between its points are fillers.
    assert_eq!(bench.read(control + 7, 1), [0x8000]);
    // The EMS tells limits; EnLimit goes back by itself.
    let (_, limits) = *models.iter().find(|(id, _)| *id == 64_202).unwrap();
    bench.write(limits + 8, &[9_000, 1_000, 0, 15_000, 1_000, 0]).unwrap();
    bench.write(limits + 15, &[1]).unwrap();
    assert_eq!(bench.read(limits + 15, 1), [0]);
    assert_eq!(bench.read(limits + 8, 2), [9_000, 1_000]);
}

#[test]
fn kaco_restarts_its_watchdog_with_every_write_of_its_time() {
    let mut bench = Bench::new(&built_in("kaco-like"));
    let models = chain(&bench);
    let (_, control) = *models.iter().find(|(id, _)| *id == 64_201).unwrap();
    for _ in 0..2 {
        bench.applied.clear();
        bench.write(control + 8, &[60]).unwrap();
        let [Command::ControlUnit { change, .. }] = &bench.applied[..] else {
            panic!("{:?}", bench.applied)
        };
        // Also the second one tells the loop of a time.
        assert_eq!(change.watchdog.timeout_s, Some(60.0));
    }
    assert_eq!(bench.read(control + 8, 1), [60]);
    let watch = built_in("kaco-like").watchdog().unwrap();
    assert_eq!((watch.kind, watch.timeout_s), (HeartbeatKind::TimeoutRewrite, 0.0));
    assert_eq!((watch.action, watch.recovery), (LossAction::OpenContactors, Recovery::Reset));
}

#[test]
fn sma_has_words_of_32_and_64_bits_for_what_is_not_available() {
    let mut bench = Bench::new(&built_in("sma-like"));
    assert_eq!(i32_of(&bench.read(30_775, 2)), 1_000_000);
    assert_eq!(bench.input(30_775, 2), bench.read(30_775, 2), "in both tables");
    assert_eq!(bench.read(34_609, 2), [0x8000, 0], "a sensor that is not there");
    bench.unit().ac.active_power = Watts(f64::NAN);
    bench.unit().ac.frequency.0 = f64::NAN;
    bench.unit().totals.discharged.0 = f64::NAN;
    assert_eq!(bench.read(30_775, 2), [0x8000, 0], "signed");
    assert_eq!(bench.read(30_803, 2), [0xFFFF, 0xFFFF], "unsigned");
    assert_eq!(bench.read(30_513, 4), [0xFFFF; 4], "64 bits");
    bench.unit().ac.frequency.0 = 50.012;
    assert_eq!(bench.read(30_803, 2), [0, 5_001], "FIX2");
    assert_eq!(i32_of(&bench.read(30_843, 2)), 742_000, "FIX3");
    assert_eq!(bench.read(30_201, 2), [0, 307], "a tag");
    bench.unit().alarms.insert(AlarmCode::Insulation, AlarmLevel::Warning);
    assert_eq!(bench.read(30_201, 2), [0, 455]);
}

#[test]
fn sma_is_told_modes_and_limits_and_goes_back_by_itself() {
    let mut bench = Bench::new(&built_in("sma-like"));
    let mode = |bench: &mut Bench, mode: u16| bench.write(40_236, &[0, mode]);
    assert_eq!(bench.read(40_236, 2), [0, 2_424]);
    mode(&mut bench, 2_289).unwrap();
    bench.write(40_795, &[7, 0xA120]).unwrap();
    assert_eq!(bench.setpoint_w(), -2_500_000.0);
    assert_eq!(bench.control().charge_limit_pct, 20.0, "500 kW");
    mode(&mut bench, 2_290).unwrap();
    assert_eq!(bench.setpoint_w(), 2_500_000.0);
    mode(&mut bench, 2_424).unwrap();
    assert_eq!((bench.setpoint_w(), bench.control().active.enabled), (0.0, false));
    assert_eq!(mode(&mut bench, 1_438), Err(Refusal::Exception(3)));
    // A limit above the rating is none.
    bench.write(40_799, &[0x0FFF, 0xFFFF]).unwrap();
    assert_eq!(bench.control().discharge_limit_pct, 100.0);
}

#[test]
fn sma_answers_as_3_and_as_a_sunspec_device_under_126() {
    let map = built_in("sma-like");
    assert_eq!(map.ids(), [3]);
    let sunspec = Bench::also(&map, 126);
    assert_eq!(sunspec.read(40_000, 3), [0x5375, 0x6E53, 1]);
    // Its own registers of the same numbers are not there.
    assert!(sunspec.read_from(Table::Holding, 30_775, 2).is_err());
}

#[test]
fn victron_is_four_devices_by_unit_id() {
    let map = built_in("victron-like");
    assert_eq!(map.ids(), [100]);
    let ids: Vec<_> = map.also().iter().map(|also| (&also.ids[..], also.name.as_str())).collect();
    assert_eq!(ids, [(&[227][..], "inverter"), (&[225], "battery"), (&[30], "meter")]);
    let mut battery = Bench::also(&map, 225);
    battery.unit().dc.power = Watts(-12_000.0);
    assert_eq!(battery.read(256, 3), [0, 12_000, 12_000], "charging is positive");
    battery.unit().dc.power = Watts(1_020_000.0);
    let words = battery.read(256, 3);
    assert_eq!(i32_of(&words), -1_020_000);
    assert_eq!(words[2], 0x8000, "16 bits stop at the last number");
    let mut meter = Bench::also(&map, 30);
    meter.snapshot.farm.active_power = Watts(-30_000.0);
    assert_eq!(meter.read(2_600, 3), [10_000; 3], "a third of what comes from the grid");
    assert!(meter.read_from(Table::Holding, 256, 2).is_err(), "the battery is another device");
    let mut inverter = Bench::also(&map, 227);
    assert_eq!(inverter.read(31, 1), [9]);
    inverter.write(33, &[4]).unwrap();
    let stop = Command::OperateUnit { unit: UnitId::from_idx(0), action: UnitAction::Stop };
    assert_eq!(inverter.applied, [stop]);
}

#[test]
fn victron_takes_one_setpoint_in_two_registers_with_scales_below_one_and_negative() {
    let mut bench = Bench::new(&built_in("victron-like"));
    // The second one in steps of 100 W, for what 16 bits of watts cannot hold.
    bench.write(2_703, &[(-10_000i16) as u16]).unwrap();
    assert_eq!(bench.setpoint_w(), 1_000_000.0);
    assert_eq!(bench.read(2_700, 1), [0x8000], "saturated");
    bench.write(2_700, &[1_500]).unwrap();
    assert_eq!(bench.setpoint_w(), -1_500.0);
    assert_eq!((bench.read(2_700, 1), bench.read(2_703, 1)), (vec![1_500], vec![15]));
    assert_eq!(bench.read(844, 1), [2], "discharging");
}

#[test]
fn the_conformance_map_has_what_the_script_asks_for() {
    let mut bench = Bench::new(&built_in("conformance"));
    let scratch: Vec<u16> = (0..123).collect();
    bench.write(0, &scratch).unwrap();
    assert_eq!(bench.read(0, 123), scratch);
    assert!(bench.read_from(Table::Holding, 900, 100).is_ok(), "the layout has no hole");
    assert_eq!(bench.read_from(Table::Holding, 999, 2), Err(Refusal::Address), "straddles");
    assert!(bench.write(999, &[1, 1]).is_err());
    assert!(bench.write(990, &[0x5A5A]).is_err(), "read only");
    assert_eq!(bench.write(991, &[101]), Err(Refusal::Exception(3)));
    assert_eq!(bench.write(991, &[100]), Ok(()));
    assert_eq!(bench.read(991, 1), [100]);
    let layout = std::sync::Arc::clone(&bench.device.layout);
    for (address, code) in [(981, 4), (982, 5), (983, 6), (984, 10), (985, 11)] {
        let on = crate::map::layout::On::Read;
        assert_eq!(layout.trap(Table::Holding, address, 1, on), Some(code));
    }
    let coils: Vec<u16> = (0..1_968).map(|bit| bit % 3 % 2).collect();
    bench.write_to(Table::Coil, 0, &coils, Role::Operator).unwrap();
    assert_eq!(bench.read_from(Table::Coil, 0, 1_968).unwrap(), coils);
    assert_eq!(bench.read_from(Table::Discrete, 0, 2_000).unwrap().len(), 2_000);
    assert_eq!(bench.read_from(Table::Input, 0, 125).unwrap().len(), 125);
    for code in [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43] {
        assert_ne!(layout.rules.functions & 1 << code, 0, "function {code}");
    }
    assert_eq!(bench.device.part, Part::Whole);
    // The unit is there too.
    bench.write(2_000, &[7, 0xA120]).unwrap();
    assert_eq!(bench.setpoint_w(), 500_000.0);
    bench.write_to(Table::Coil, 4_100, &[0], Role::Operator).unwrap();
    assert!(matches!(bench.applied.last(), Some(Command::OperateUnit { .. })));
}
