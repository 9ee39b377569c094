//! Who answers where: 2,000 units in each mode, parts and racks as devices, listeners of different kinds.

use crate::farm::{Client, FakeLoop, Temper};
use crate::testing;
use bess_core::command::Mailbox;
use bess_core::device::{DeviceAddress, Part};
use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use bess_protocol::config::{ModbusConfig, Mode, parse_modbus};
use bess_protocol::plan::{Place, Plan};
use bess_protocol::{FarmAccess, serve_all};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A farm served by a configuration, with its address book.
pub(crate) struct Served {
    pub(crate) book: Vec<DeviceAddress>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    _closing: tokio_util::sync::DropGuard,
}

pub(crate) async fn serve(snapshot: Snapshot, config: &ModbusConfig) -> Served {
    rlimit::increase_nofile_limit(16_384).unwrap();
    let place = Place { bind: LOCALHOST, port: 0, reserved: vec![] };
    let plan = Plan::new(&snapshot.spec, config, &place).unwrap();
    let (sockets, book) = plan.bind().await.unwrap();
    let (sender, snapshots) = watch::channel(Arc::new(snapshot));
    let fake = FakeLoop {
        temper: Temper::Applies,
        snapshots: sender.clone(),
        letters: Mutex::default(),
        refused: Mutex::default(),
        noted: Mutex::default(),
        held: Mutex::default(),
    };
    let mailbox = Arc::new(fake) as Arc<dyn Mailbox>;
    let access = FarmAccess { snapshots, mailbox, stats: Arc::new(Stats::default()) };
    let closing = CancellationToken::new();
    tokio::spawn(serve_all(sockets, access, closing.clone()));
    Served { book, snapshots: sender, _closing: closing.drop_guard() }
}

pub(crate) fn config(snapshot: &Snapshot, text: &str) -> ModbusConfig {
    parse_modbus("modbus.toml", text, &snapshot.spec, &|_| Err("no file".to_owned()))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

impl Served {
    pub(crate) async fn client(&self, device: &DeviceAddress) -> Client {
        Client::connect(SocketAddr::new(device.host, device.port)).await
    }
}

async fn every_unit_answers_in(mode: Mode) -> Vec<DeviceAddress> {
    let snapshot = testing::snapshot_of_units(2_000);
    let mut config = ModbusConfig::default();
    config.listeners[0].mode = mode;
    let served = serve(snapshot, &config).await;
    let units: Vec<_> = served.book.iter().filter(|device| device.unit.is_some()).collect();
    assert_eq!(units.len(), 2_000);
    for device in units {
        let mut client = served.client(device).await;
        // The number of the unit in the compact map.
        let words = client.read(device.unit_id.unwrap_or(17), 2, 2).await.unwrap();
        let number = u32::from(words[0]) << 16 | u32::from(words[1]);
        assert_eq!(Some(number), device.unit.map(bess_core::UnitId::number));
    }
    served.book
}

#[tokio::test]
async fn two_thousand_units_are_reached_by_unit_id_behind_nine_ports() {
    let book = every_unit_answers_in(Mode::Gateway).await;
    let mut ports: Vec<_> = book.iter().map(|device| device.port).collect();
    ports.dedup();
    assert_eq!(ports.len(), 9, "247 units a port");
    let plants = book.iter().filter(|device| device.part == Part::Plant);
    assert_eq!(plants.count(), 9, "the plant answers behind each");
}

#[tokio::test]
async fn two_thousand_units_are_reached_by_port() {
    let book = every_unit_answers_in(Mode::Ports).await;
    assert!(book.iter().all(|device| device.unit_id.is_none()), "any unit id does");
}

#[tokio::test]
async fn two_thousand_units_are_reached_by_address() {
    let book = every_unit_answers_in(Mode::Ip).await;
    let port = book[0].port;
    assert!(book.iter().all(|device| device.port == port), "one socket");
    assert_eq!(book[0].part, Part::Plant);
    assert_eq!(book[0].host, IpAddr::V4(Ipv4Addr::new(127, 1, 0, 0)), "before the first unit");
    assert_eq!(book[1_000].host, IpAddr::V4(Ipv4Addr::new(127, 1, 3, 232)));
}

#[tokio::test]
async fn an_address_that_no_unit_has_is_turned_away() {
    let mut config = ModbusConfig::default();
    config.listeners[0].mode = Mode::Ip;
    let served = serve(testing::snapshot(), &config).await;
    let port = served.book[0].port;
    let beyond = SocketAddr::new(Ipv4Addr::new(127, 1, 0, 11).into(), port);
    assert!(Client::connect(beyond).await.is_closed().await);
    let last = SocketAddr::new(Ipv4Addr::new(127, 1, 0, 10).into(), port);
    assert_eq!(Client::connect(last).await.read(1, 2, 2).await, Ok(vec![0, 10]));
}

/// Ids of the models that a device shows.
async fn models(client: &mut Client, unit_id: u8) -> Vec<u16> {
    let (mut address, mut models) = (40_002, Vec::new());
    loop {
        let head = client.read(unit_id, address, 2).await.unwrap();
        if head[0] == 0xFFFF {
            return models;
        }
        models.push(head[0]);
        address += 2 + head[1];
    }
}

#[tokio::test]
async fn battery_converter_and_meter_of_a_unit_may_be_devices_of_their_own() {
    let snapshot = testing::snapshot();
    let text = "[modbus]\ndevices = [\"pcs\", \"bms\", \"meter\"]\n";
    let served = serve(snapshot.clone(), &config(&snapshot, text)).await;
    let is_3 = |d: &&DeviceAddress| d.unit.map(bess_core::UnitId::number) == Some(3);
    let of_unit_3: Vec<_> = served.book.iter().filter(is_3).collect();
    let ids: Vec<_> = of_unit_3.iter().map(|d| (d.part, d.unit_id.unwrap())).collect();
    assert_eq!(ids, [(Part::Pcs, 3), (Part::Bms, 13), (Part::Meter, 23)]);
    let mut client = served.client(of_unit_3[0]).await;
    let pcs = models(&mut client, 3).await;
    assert!(pcs.contains(&701) && pcs.contains(&704) && !pcs.contains(&802), "{pcs:?}");
    assert_eq!(models(&mut client, 13).await, [1, 802, 803]);
    assert_eq!(models(&mut client, 23).await, [1, 203]);
    assert_eq!(client.read(31, 40_000, 1).await, Err(0x0B), "nobody is there");
}

#[tokio::test]
async fn racks_are_devices_beside_their_units() {
    let snapshot = testing::snapshot();
    let served = serve(snapshot.clone(), &config(&snapshot, "[modbus]\nracks = true\n")).await;
    let rack = served
        .book
        .iter()
        .find(|d| d.unit.map(bess_core::UnitId::number) == Some(2) && d.rack == Some(5));
    let rack = rack.unwrap();
    assert_eq!(rack.unit_id, Some(10 * 5 + 2), "blocks as large as the number of units");
    let mut client = served.client(rack).await;
    let shown = models(&mut client, 52).await;
    assert_eq!(shown[..2], [1, 804], "{shown:?}");
    assert_eq!(client.read(2, 2, 2).await, Ok(vec![0, 2]), "the unit itself");
}

#[tokio::test]
async fn listeners_have_their_own_roles_units_and_clients() {
    let snapshot = testing::snapshot();
    let text = r#"
[modbus]
[[modbus.listeners]]
name = "ems"
port = 0
role = "operator"
max_connections = 1
[[modbus.listeners]]
name = "scada"
port = 0
role = "viewer"
units = [3, 4]
plant = false
absent_unit = "exception-10"
[[modbus.listeners]]
name = "elsewhere"
port = 0
allow = ["192.0.2.0/24"]
[[modbus.listeners]]
name = "mute"
port = 0
absent_unit = "silent"
[[modbus.listeners]]
name = "eager"
port = 0
absent_unit = "first"
"#;
    let served = serve(snapshot.clone(), &config(&snapshot, text)).await;
    let of = |name: &str| served.book.iter().find(|device| device.listener == name).unwrap();
    let mut ems = served.client(of("ems")).await;
    assert_eq!(ems.write(1, 80, &[0, 5]).await, Ok(()), "a setpoint");
    assert_eq!(ems.write(1, 86, &[60]).await, Err(2), "a watchdog is not for operators");
    assert!(served.client(of("ems")).await.is_closed().await, "one client alone");
    let mut scada = served.client(of("scada")).await;
    assert_eq!(scada.read(1, 2, 2).await, Ok(vec![0, 3]), "its first unit");
    assert_eq!(scada.write(1, 80, &[0, 5]).await, Err(1), "who views may not write");
    assert_eq!(scada.read(3, 2, 2).await, Err(10));
    assert_eq!(scada.read(255, 2, 2).await, Err(10), "no plant");
    assert!(served.client(of("elsewhere")).await.is_closed().await, "not from here");
    let mut mute = served.client(of("mute")).await;
    mute.send(&crate::farm::frame(1, 99, &crate::farm::read_pdu(3, 0, 1))).await;
    mute.transaction = 1;
    assert_eq!(mute.read(7, 2, 2).await, Ok(vec![0, 7]), "the next answer is to the next request");
    let mut eager = served.client(of("eager")).await;
    assert_eq!(eager.read(99, 2, 2).await, Ok(vec![0, 1]));
}

#[tokio::test]
async fn listeners_of_the_same_device_share_what_it_keeps() {
    let snapshot = testing::snapshot();
    let text = "[modbus]\n[[modbus.listeners]]\nname = \"a\"\nport = 0\n\
                [[modbus.listeners]]\nname = \"b\"\nport = 0\n";
    let served = serve(snapshot.clone(), &config(&snapshot, text)).await;
    let of = |name: &str| served.book.iter().find(|device| device.listener == name).unwrap();
    let (mut a, mut b) = (served.client(of("a")).await, served.client(of("b")).await);
    assert_eq!(a.write(1, 86, &[0xFFFE]).await, Ok(()));
    assert_eq!(b.read(1, 98, 2).await, Ok(vec![0, 86]), "result and register of the last write");
}

#[tokio::test]
async fn a_block_with_a_period_shows_its_last_refresh() {
    let snapshot = testing::snapshot();
    let text = "[modbus]\n[[modbus.refresh]]\nfrom = 12\nto = 13\nperiod_s = 2.0\n";
    let served = serve(snapshot.clone(), &config(&snapshot, text)).await;
    let mut client = served.client(&served.book[0]).await;
    let power = async |client: &mut Client| client.read(1, 12, 4).await.unwrap();
    let step = |ticks: u64, watts: f64| {
        served.snapshots.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.tick.0 += ticks;
            snapshot.publication += 1;
            snapshot.units[0].ac.active_power.0 = watts;
            snapshot.units[0].ac.reactive_power.0 = watts;
        });
    };
    // The farm starts at tick 1000, a refresh.
    step(10, 7.0);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(power(&mut client).await, [0xF, 0x4240, 0, 7], "1 MW still, reactive power at once");
    step(10, 9.0);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(power(&mut client).await, [0, 9, 0, 9]);
}
