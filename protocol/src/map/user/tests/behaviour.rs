//! What registers of a map do beside showing a value.

use super::bench::{Bench, map};
use crate::map::Refusal;
use crate::map::layout::On;
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::command::{Command, UnitAction};
use bess_core::control::FunctionName;
use bess_core::point::Table;
use bess_core::role::Role;
use bess_core::snapshot::{CellsView, UnitState};
use std::sync::Arc;

fn with(body: &str) -> Bench {
    Bench::new(&map(&format!("[map]\nname = \"test\"\n{body}")))
}

#[test]
fn a_delayed_command_acts_and_reads_back_when_its_time_has_come() {
    let mut bench = with(
        "[[point]]\naddress = 1\ntype = \"i16\"\nunit = \"kW\"\nvalue = \"control.setpoint_w\"\n\
         access = \"rw\"\ndelay_s = 2.0",
    );
    bench.write(1, &[500]).unwrap();
    assert_eq!((bench.setpoint_w(), bench.read(1, 1)), (0.0, vec![0]), "as it was");
    bench.pass(19);
    assert_eq!(bench.setpoint_w(), 0.0);
    bench.pass(1);
    assert_eq!((bench.setpoint_w(), bench.read(1, 1)), (500_000.0, vec![500]));
    // What is refused is refused at once.
    assert_eq!(bench.write(1, &[9_999]), Err(Refusal::Value));
    // Each of two takes effect in its own time.
    bench.write(1, &[100]).unwrap();
    bench.pass(10);
    bench.write(1, &[200]).unwrap();
    bench.pass(10);
    assert_eq!(bench.setpoint_w(), 100_000.0);
    bench.pass(10);
    assert_eq!(bench.setpoint_w(), 200_000.0);
}

#[test]
fn a_delayed_command_that_clears_itself_shows_until_it_acts() {
    let mut bench = with(
        "[[point]]\naddress = 1\ntype = \"u16\"\nvalue = \"control.operation\"\naccess = \"rw\"\n\
         enum = { stop = 3, start = 7, standby = 9 }\notherwise = 0\nself_clearing = true\n\
         delay_s = 1",
    );
    assert_eq!(bench.read(1, 1), [0]);
    bench.write(1, &[3]).unwrap();
    assert_eq!(bench.read(1, 1), [3]);
    bench.pass(9);
    assert_eq!(bench.read(1, 1), [3]);
    bench.pass(1);
    assert_eq!(bench.read(1, 1), [0]);
    assert!(matches!(
        bench.applied.last(),
        Some(Command::OperateUnit { action: UnitAction::Stop, .. })
    ));
}

#[test]
fn a_register_shows_what_is_so_or_what_was_written() {
    let point = |address, readback| {
        format!(
            "[[point]]\naddress = {address}\ntype = \"i16\"\nunit = \"kW\"\naccess = \"rw\"\n\
             value = \"control.setpoint_w\"\nreadback = \"{readback}\"\n"
        )
    };
    let mut bench = with(&(point(1, "actual") + &point(2, "written")));
    assert_eq!(bench.read(1, 2), [0, 0], "nothing was written yet");
    bench.write(2, &[300]).unwrap();
    assert_eq!(bench.read(1, 2), [300, 300]);
    bench.unit().setpoint.0 = 250_000.0;
    assert_eq!(bench.read(1, 2), [250, 300], "the battery gives less");
}

#[test]
fn what_is_written_once_stays() {
    let mut bench = with(
        "[[point]]\naddress = 1\ntype = \"u16\"\nvalue = \"memory\"\naccess = \"rw\"\n\
         write_once = true\ninitial = 7",
    );
    assert_eq!(bench.read(1, 1), [7]);
    bench.write(1, &[42]).unwrap();
    assert_eq!(bench.write(1, &[43]), Err(Refusal::Address));
    assert_eq!(bench.read(1, 1), [42]);
}

#[test]
fn a_code_opens_registers_for_a_time() {
    let mut bench = with(
        "[[unlock]]\naddress = 10\ncode = 4711\nopens = [20, 21]\nfor_s = 5\nexception = 6\n\
         [[point]]\naddress = 20\ntype = \"u16\"\nvalue = \"memory\"\naccess = \"rw\"\n\
         [[point]]\naddress = 22\ntype = \"u16\"\nvalue = \"memory\"\naccess = \"rw\"",
    );
    assert_eq!(bench.write(20, &[1]), Err(Refusal::Exception(6)));
    assert_eq!(bench.write(22, &[1]), Ok(()), "this one is not shut");
    assert_eq!(bench.write(10, &[1]), Err(Refusal::Value), "a wrong code");
    bench.write(10, &[4711]).unwrap();
    assert_eq!(bench.read(10, 1), [1], "it says that it is open, and not by what code");
    assert_eq!(bench.write(20, &[2]), Ok(()));
    bench.pass(50);
    assert_eq!(bench.write(20, &[3]), Ok(()), "until the time is over");
    bench.pass(1);
    assert_eq!(bench.write(20, &[4]), Err(Refusal::Exception(6)));
    assert_eq!((bench.read(10, 1), bench.read(20, 1)), (vec![0], vec![3]));
}

#[test]
fn values_that_a_register_does_not_take_are_refused_ignored_or_brought_near() {
    let point = |address, on_invalid| {
        format!(
            "[[point]]\naddress = {address}\ntype = \"u16\"\naccess = \"rw\"\n\
             value = \"control.charge_limit\"\nrange = [10, 90]\non_invalid = \"{on_invalid}\"\n"
        )
    };
    let forced = "[[point]]\naddress = 9\ntype = \"u16\"\naccess = \"rw\"\n\
                  value = \"control.forced\"\nenum = { charge = 1, discharge = 2 }\notherwise = 0\n\
                  on_invalid = \"stop\"\n";
    let text = point(1, "exception-4") + &point(2, "ignore") + &point(3, "clamp") + forced;
    let mut bench = with(&text);
    assert_eq!(bench.write(1, &[95]), Err(Refusal::Exception(4)));
    assert_eq!(bench.write(2, &[95]), Ok(()));
    assert_eq!(bench.control().charge_limit_pct, 100.0);
    assert_eq!(bench.write(3, &[95]), Ok(()));
    assert_eq!(bench.control().charge_limit_pct, 90.0);
    bench.write(9, &[1]).unwrap();
    assert!(bench.setpoint_w() < 0.0);
    bench.write(9, &[77]).unwrap();
    assert_eq!(bench.setpoint_w(), 0.0, "any other word stops");
    // What it reads may be written back, also where it is nothing that it takes.
    bench.write(9, &[0]).unwrap();
}

#[test]
fn bits_and_parts_of_a_register_are_written_without_the_rest() {
    let mut bench = with(
        "[[bits]]\naddress = 1\naccess = \"rw\"\n\
         bits = { 0 = \"function.volt_var\", 3 = \"alarm.any\", 4 = \"!function.schedule\" }\n\
         [[bits]]\naddress = 2\naccess = \"rw\"\nothers = \"exception-3\"\n\
         bits = { 0 = \"function.peak_shaving\", 1 = \"alarm.any\" }\n\
         [[point]]\naddress = 3\ntype = \"u8\"\nhalf = \"high\"\nvalue = \"battery.soc\"\n\
         [[point]]\naddress = 3\ntype = \"u8\"\nhalf = \"low\"\nvalue = \"memory\"\naccess = \"rw\"\n\
         [[point]]\naddress = 4\ntype = \"u8\"\nmask = 0x00F0\nvalue = \"control.operation\"\n\
         access = \"rw\"",
    );
    assert_eq!(bench.read(1, 4), [0b1_0000, 0, 64 << 8, 0x10]);
    bench.write(1, &[0b1_1001]).unwrap();
    assert!(bench.control().functions.has(FunctionName::VoltVar));
    assert!(!bench.control().functions.has(FunctionName::Schedule), "the bit is its opposite");
    bench.write(1, &[0]).unwrap();
    assert!(bench.control().functions.has(FunctionName::Schedule));
    assert!(!bench.control().functions.has(FunctionName::VoltVar));
    assert_eq!(bench.write(2, &[0b11]), Err(Refusal::Value), "an alarm cannot be written");
    bench.write(2, &[0b01]).unwrap();
    assert!(bench.control().functions.has(FunctionName::PeakShaving));
    bench.write(3, &[0xFF2A]).unwrap();
    assert_eq!(bench.read(3, 1), [64 << 8 | 0x2A], "the half that can be written");
    bench.write(4, &[0xFF2F]).unwrap();
    assert!(matches!(
        bench.applied.last(),
        Some(Command::OperateUnit { action: UnitAction::EnterStandby, .. })
    ));
    bench.unit().alarms.insert(AlarmCode::Gas, AlarmLevel::Critical);
    assert_eq!(bench.read(1, 1)[0] & 0b1000, 0b1000);
}

#[test]
fn coils_ask_for_values_and_discrete_inputs_show_them() {
    let mut bench = with(
        "[[point]]\naddress = 1\ntable = \"coil\"\nvalue = \"control.operation:standby\"\n\
         access = \"rw\"\n\
         [[point]]\naddress = 2\ntable = \"coil\"\nvalue = \"control.run\"\naccess = \"rw\"\n\
         [[bits]]\naddress = 5\ntable = \"discrete\"\n\
         bits = { 0 = \"state:running\", 2 = \"alarm.gas.critical\" }",
    );
    assert_eq!(bench.read_from(Table::Coil, 1, 2).unwrap(), [0, 1]);
    assert_eq!(bench.read_from(Table::Discrete, 5, 1).unwrap(), [1]);
    assert_eq!(bench.read_from(Table::Discrete, 6, 1), Err(Refusal::Address), "a hole");
    bench.write_to(Table::Coil, 1, &[0], Role::Operator).unwrap();
    assert!(matches!(bench.applied.last(), Some(Command::ControlUnit { .. })), "asks nothing");
    bench.write_to(Table::Coil, 1, &[1], Role::Operator).unwrap();
    assert!(matches!(
        bench.applied.last(),
        Some(Command::OperateUnit { action: UnitAction::EnterStandby, .. })
    ));
    bench.unit().state = UnitState::Standby;
    assert_eq!(bench.read_from(Table::Coil, 1, 1).unwrap(), [1]);
    assert_eq!(bench.read_from(Table::Discrete, 5, 1).unwrap(), [0]);
}

#[test]
fn what_lies_between_is_refused_or_filled() {
    let body = "[[point]]\naddress = 5\ntype = \"u16\"\nconst = 9\n";
    let bench = with(body);
    assert_eq!(bench.read_from(Table::Holding, 4, 2), Err(Refusal::Address));
    for (gaps, word) in [("\"zero\"", 0), ("0xFFFF", 0xFFFF)] {
        let bench = with(&format!("gaps = {gaps}\n{body}"));
        assert_eq!(bench.read(4, 3), [word, 9, word]);
    }
}

#[test]
fn a_register_that_is_only_written_answers_reads_with_exception_2() {
    let mut bench = with(
        "[[point]]\naddress = 5\ntype = \"u32\"\nvalue = \"memory\"\naccess = \"w\"\n\
         [[trap]]\nfrom = 9\nto = 10\nexception = 5\non = \"write\"\n\
         [[memory]]\naddress = 9\ncount = 2",
    );
    let layout = Arc::clone(&bench.device.layout);
    let trap = |address, on| layout.trap(Table::Holding, address, 1, on);
    assert_eq!(
        (trap(5, On::Read), trap(6, On::Read), trap(5, On::Write)),
        (Some(2), Some(2), None)
    );
    assert_eq!(
        (trap(9, On::Write), trap(10, On::Write), trap(9, On::Read)),
        (Some(5), Some(5), None)
    );
    bench.write(5, &[1, 2]).unwrap();
}

#[test]
fn the_map_limits_functions_and_the_size_of_requests() {
    let bench = with(
        "read_fc = [3, 4]\nwrite_fc = [6]\nmax_read = 64\nmax_write = 1\n\
         [[memory]]\naddress = 0\ncount = 10",
    );
    let rules = bench.device.layout.rules;
    assert_eq!(rules.functions, 1 << 3 | 1 << 4 | 1 << 6);
    assert_eq!((rules.max_read, rules.max_write), (64, 1));
    let bench = with("[[point]]\naddress = 0\ntable = \"input\"\ntype = \"u16\"\nconst = 1");
    assert_eq!(bench.device.layout.rules.functions, 1 << 4 | 1 << 43, "what it has tables for");
}

#[test]
fn values_count_from_the_number_that_the_manual_begins_with() {
    let bench = with("address_base = 1\n[[point]]\naddress = 100\ntype = \"u16\"\nconst = 7");
    assert_eq!(bench.read(99, 1), [7]);
    let bench = with(
        "prefixed = true\n[[point]]\naddress = 40100\ntype = \"u16\"\nconst = 7\n\
         [[point]]\naddress = 30008\ntype = \"u16\"\nconst = 8\n\
         [[point]]\naddress = 10003\nvalue = \"alarm.any\"\n\
         [[point]]\naddress = 3\nvalue = \"control.run\"",
    );
    assert_eq!((bench.read(99, 1), bench.input(7, 1)), (vec![7], vec![8]));
    assert_eq!(bench.read_from(Table::Discrete, 2, 1).unwrap(), [0]);
    assert_eq!(bench.read_from(Table::Coil, 2, 1).unwrap(), [1]);
}

#[test]
fn settings_are_for_engineers_unless_the_map_gives_them_to_operators() {
    let point = |address, role| {
        format!(
            "[[point]]\naddress = {address}\ntype = \"u16\"\naccess = \"rw\"\n{role}\
             value = \"control.soc_min\"\n"
        )
    };
    let text = point(1, "") + &point(2, "role = \"operator\"\n");
    let mut bench = with(&text);
    let write =
        |bench: &mut Bench, address| bench.write_to(Table::Holding, address, &[10], Role::Operator);
    assert_eq!(write(&mut bench, 1), Err(Refusal::Role));
    assert_eq!(write(&mut bench, 2), Ok(()));
}

#[test]
fn racks_and_cells_are_points_by_their_numbers() {
    let mut bench = with(
        "[[point]]\naddress = 100\ncount = 12\nstride = 2\ntype = \"u16\"\nscale = 0.1\n\
         value = \"rack.{n}.soc\"\nname = \"charge of rack {n}\"\n\
         [[point]]\naddress = 0x2800\ncount = 3\ntype = \"u16\"\nunit = \"mV\"\n\
         value = \"rack.2.cell.{n}.voltage\"\nnan = 0xFFFF\n\
         [[point]]\naddress = 5\ntype = \"u16\"\nvalue = \"rack.2.operation\"\naccess = \"rw\"\n\
         [[point]]\naddress = 6\ntype = \"u16\"\nvalue = \"rack.99.soc\"\nnan = 0xFFFF\n\
         [[point]]\naddress = 7\ntype = \"bit\"\nvalue = \"rack.3.alarm.fuse_blown\"",
    );
    bench.snapshot.racks[1].soc = 0.25;
    bench.snapshot.racks[2].alarms.insert(AlarmCode::FuseBlown, AlarmLevel::Derate);
    assert_eq!((bench.read(100, 1), bench.read(102, 1)), (vec![635], vec![250]));
    assert_eq!(bench.read(5, 3), [1, 0xFFFF, 1], "no rack 99 is there");
    bench.write(5, &[2]).unwrap();
    assert!(matches!(bench.applied.last(), Some(Command::OperateRack { rack_idx: 1, .. })));
    assert_eq!(bench.device.layout.cells, Some((0x2800, 0x2802)));
    assert_eq!(bench.read(0x2800, 1), [0xFFFF], "nobody has asked for cells yet");
    let mut cells = CellsView { unit_idx: 0, cells_per_rack: 416, ..CellsView::default() };
    cells.voltage_v = vec![3.2; 12 * 416];
    cells.voltage_v[416 + 1] = 3.301;
    bench.snapshot.cells.push(Arc::new(cells));
    assert_eq!(bench.read(0x2800, 3), [3_200, 3_301, 3_200]);
}

#[test]
fn the_sample_carries_its_time_in_any_form() {
    let fields = ["year", "month", "day", "hour", "minute", "second"];
    let mut text = String::from(
        "[[point]]\naddress = 0\ntype = \"u32\"\nvalue = \"sample.time_s\"\n\
         [[point]]\naddress = 2\ntype = \"u64\"\nvalue = \"sample.time_ms\"\n",
    );
    for (at, field) in fields.iter().enumerate() {
        text += &format!(
            "[[point]]\naddress = {}\ntype = \"bcd16\"\nvalue = \"time.{field}\"\n",
            10 + at
        );
    }
    let bench = with(&text);
    // 1,700,000,000.123 s is 2023-11-14 22:13:20 UTC.
    assert_eq!(bench.read(0, 2), [0x6553, 0xF100]);
    assert_eq!(bench.read(10, 6), [0x2023, 0x11, 0x14, 0x22, 0x13, 0x20]);
    let ms = bench.read(2, 4).iter().fold(0u64, |ms, word| ms << 16 | u64::from(*word));
    assert_eq!(ms, 1_700_000_000_123);
}

#[test]
fn standard_maps_are_included_where_the_map_wants_them() {
    let bench = with(
        "include = [\"compact\"]\n[sunspec]\nbase = 50000\nmodels = [1, 713]\n\
         [[model]]\nid = 64001\nafter = 1\n[[model.point]]\nat = 4\ntype = \"u16\"\n\
         value = \"battery.soc\"",
    );
    assert_eq!(bench.read(0, 1), [0xBE55]);
    assert_eq!(bench.read(50_000, 4), [0x5375, 0x6E53, 1, 66]);
    let vendor = 50_002 + 68;
    assert_eq!(bench.read(vendor, 5), [64_001, 3, 0x8000, 0x8000, 64]);
    assert_eq!(bench.read(vendor + 5, 2), [713, 7]);
    assert_eq!(bench.read(vendor + 5 + 9, 2), [0xFFFF, 0]);
    assert!(bench.read_from(Table::Holding, vendor + 5 + 11, 1).is_err());
    assert!(bench.read_from(Table::Holding, 40_000, 1).is_err());
}

#[test]
fn a_map_of_the_plant_shows_and_commands_the_farm() {
    let map = map("[map]\nname = \"plant\"\nlevel = \"plant\"\n\
         [[point]]\naddress = 1\ntype = \"i32\"\nvalue = \"farm.control.active_w\"\naccess = \"rw\"\n\
         [[point]]\naddress = 3\ntype = \"i32\"\nvalue = \"farm.poi.active_power\"");
    assert!(map.is_of_plant());
    let spec = crate::testing::snapshot().spec;
    map.check(&spec).unwrap();
    let layout = map.layout_of_plant(&spec).unwrap();
    let snapshot = crate::testing::snapshot();
    let desk = crate::map::desk::Desk::default();
    let sight = crate::map::Sight::new(&snapshot, None, &desk);
    assert_eq!(layout.read(sight, 3, 2).unwrap(), [152, 28_528]);
    let edit = layout.write(sight, 1, &[0, 1_000]).unwrap();
    let command = edit.command().unwrap();
    assert!(matches!(command, Some(Command::SetFarmPower { active, .. }) if active.0 == 1_000.0));
    let text = map.layout(&spec.units[0].design).unwrap_err().to_string();
    assert!(text.contains("cannot stand for a unit"), "{text}");
}
