//! Ports, unit ids and addresses that devices get.

use super::*;
use crate::config::parse_modbus;
use crate::testing;

fn plan(n_units: usize, port: u16, text: &str) -> Result<Plan, String> {
    let spec = testing::snapshot_of_units(n_units).spec;
    let config = parse_modbus("modbus.toml", text, &spec, &|_| Err(String::new()));
    let config = config.map_err(|problems| problems.to_string())?;
    let place = Place { bind: Ipv4Addr::LOCALHOST.into(), port, reserved: vec![5022, 8000] };
    Plan::new(&spec, &config, &place).map_err(|misfit| misfit.to_string())
}

fn ports(plan: &Plan) -> Vec<u16> {
    plan.sockets.iter().map(|socket| socket.address.port()).collect()
}

fn of_unit(plan: &Plan, number: u32) -> impl Iterator<Item = &DeviceAddress> {
    let is_it = move |d: &&DeviceAddress| d.unit.map(bess_core::UnitId::number) == Some(number);
    plan.sockets[0].book.iter().filter(is_it)
}

#[test]
fn ports_follow_each_other_and_leave_out_what_others_have() {
    let plan = plan(4, 5020, "[modbus]\n[[modbus.listeners]]\nmode = \"ports\"").unwrap();
    assert_eq!(ports(&plan), [5020, 5021, 5023, 5024, 5025], "the plant, then the units");
}

#[test]
fn nothing_listens_where_outgoing_connections_come_from() {
    let plan = plan(4, 32_766, "[modbus]\n[[modbus.listeners]]\nmode = \"ports\"").unwrap();
    assert_eq!(ports(&plan), [32_766, 32_767, 61_000, 61_001, 61_002]);
}

#[test]
fn more_devices_than_ports_are_refused_with_a_way_out() {
    let problem = plan(9, 65_530, "[modbus]\n[[modbus.listeners]]\nmode = \"ports\"").unwrap_err();
    assert!(problem.contains("not enough free ports") && problem.contains("hint"), "{problem}");
}

#[test]
fn a_second_listener_needs_a_port() {
    let text = "[modbus]\n[[modbus.listeners]]\nname = \"a\"\n[[modbus.listeners]]\nname = \"b\"";
    let problem = plan(2, 5020, text).unwrap_err();
    assert!(problem.starts_with("listener \"b\"") && problem.contains("port = "), "{problem}");
}

#[test]
fn parts_and_racks_have_unit_ids_in_blocks() {
    let text = "[modbus]\ndevices = [\"pcs\", \"bms\"]\nracks = true";
    let plan = plan(3, 5020, text).unwrap();
    assert_eq!(plan.sockets.len(), 1);
    let ids: Vec<_> = of_unit(&plan, 2).map(|d| (d.part, d.rack, d.unit_id.unwrap())).collect();
    assert_eq!(ids[..3], [(Part::Pcs, None, 2), (Part::Bms, None, 5), (Part::Rack, Some(1), 8)]);
    assert_eq!(ids.len(), 14);
}

#[test]
fn a_unit_may_answer_to_another_unit_id_in_another_map() {
    let also = |id| {
        format!(
            "[modbus]\n[[modbus.units]]\nunits = [2]\nmaps = [\"compact\"]\n\
             [[modbus.units.also]]\nunit_id = {id}\nmaps = [\"sunspec\"]"
        )
    };
    let plan_with = plan(3, 5020, &also(126)).unwrap();
    let seen: Vec<_> =
        of_unit(&plan_with, 2).map(|d| (d.unit_id.unwrap(), d.maps.clone())).collect();
    assert_eq!(seen, [(2, vec!["compact".to_owned()]), (126, vec!["sunspec".to_owned()])]);
    let problem = plan(3, 5020, &also(3)).unwrap_err();
    assert!(problem.contains("unit id 3") && problem.contains("taken"), "{problem}");
}

#[test]
fn units_whose_devices_are_more_than_unit_ids_need_another_mode() {
    let farm = bess_core::config::BUILT_IN_FARM.replace("racks = 12", "racks = 300");
    let spec = testing::snapshot_of(&farm).spec;
    let config =
        parse_modbus("m", "[modbus]\nracks = true", &spec, &|_| Err(String::new())).unwrap();
    let place = Place { bind: Ipv4Addr::LOCALHOST.into(), port: 5020, reserved: vec![] };
    let problem = Plan::new(&spec, &config, &place).unwrap_err().to_string();
    assert!(problem.contains("more than there are unit ids"), "{problem}");
}
