//! A map behind the service: what only requests tell.

use super::bench::{built_in, map};
use crate::access::{FarmAccess, ListenerConfig};
use crate::device::{Device, Gateway};
use crate::map::user::MapFile;
use crate::service::{Answer, Service};
use crate::shelf::Shelves;
use crate::testing;
use bess_core::UnitId;
use bess_core::command::{Applied, Command, Mailbox, Request, Submission};
use bess_core::device::Part;
use bess_core::role::Role;
use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// A loop that applies changes of settings at once.
#[derive(Debug)]
struct Loop {
    snapshots: watch::Sender<Arc<Snapshot>>,
    /// How each command was asked for.
    via: Mutex<Vec<String>>,
}

impl Mailbox for Loop {
    fn post(&self, submission: Submission) {
        let Submission { request, origin, reply } = submission;
        let Request::Control(command) = request else { return };
        self.via.lock().unwrap().push(origin.via.unwrap_or_default());
        self.snapshots.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.publication += 1;
            if let Command::ControlUnit { change, .. } = command {
                change.apply(&mut snapshot.units[0].control);
            }
        });
        let now = self.snapshots.borrow();
        reply.send(Ok(Applied { tick: now.tick, publication: now.publication }));
    }
}

struct Served {
    service: Service,
    farm: Arc<Loop>,
}

impl Served {
    fn new(map: &MapFile) -> Self {
        let snapshot = testing::snapshot();
        let layout = Arc::new(map.layout(&snapshot.spec.units[0].design).unwrap());
        let device =
            Arc::new(Device::new(Some(UnitId::from_idx(0)), Part::Whole, &layout, &Arc::default()));
        let mut gateway = Gateway::empty();
        gateway.put(1, &device);
        let shelves = Shelves::new(device.refresh_periods(), &Arc::new(snapshot.clone()));
        let (sender, snapshots) = watch::channel(Arc::new(snapshot));
        let farm = Arc::new(Loop { snapshots: sender, via: Mutex::default() });
        let access = FarmAccess {
            snapshots,
            mailbox: Arc::clone(&farm) as Arc<dyn Mailbox>,
            stats: Arc::new(Stats::default()),
        };
        let service = Service {
            farm: access,
            config: Arc::new(ListenerConfig::default()),
            gateway: Arc::new(gateway),
            shelves: Arc::new(shelves),
            role: Role::Engineer,
            peer: "192.0.2.7:50123".parse().unwrap(),
            place: 0,
            connection: 1,
            frozen: Arc::default(),
        };
        Self { service, farm }
    }

    /// The answer to a PDU.
    async fn ask(&self, pdu: &[u8]) -> Vec<u8> {
        let mut frame = vec![0, 1, 0, 0, 0, pdu.len() as u8 + 1, 1];
        frame.extend(pdu);
        let mut out = Vec::new();
        let snapshot = self.service.snapshot();
        match self.service.answer(&snapshot, &frame, None, &mut out) {
            Answer::Waiting(answer) => answer.await,
            Answer::Ready | Answer::Silent => out,
        }
    }

    fn pass(&self, ticks: u64) {
        self.farm.snapshots.send_modify(|snapshot| Arc::make_mut(snapshot).tick.0 += ticks);
        let now = self.service.snapshot();
        self.service.shelves.refresh(&now);
    }

    fn n_commands(&self) -> usize {
        self.farm.via.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_delayed_write_is_answered_at_once_and_told_to_the_loop_in_its_time() {
    let served = Served::new(&map(
        "[map]\nname = \"test\"\n[[point]]\naddress = 1\ntype = \"u16\"\naccess = \"rw\"\n\
         value = \"control.charge_limit\"\ndelay_s = 3",
    ));
    let write = [6, 0, 1, 0, 40];
    assert_eq!(served.ask(&write).await, write);
    assert_eq!(served.ask(&[3, 0, 1, 0, 1]).await, [3, 2, 0, 100], "as it was");
    assert_eq!(served.n_commands(), 1, "a sign of life");
    served.pass(29);
    tokio::task::yield_now().await;
    assert_eq!(served.n_commands(), 1);
    served.pass(1);
    while served.n_commands() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(served.ask(&[3, 0, 1, 0, 1]).await, [3, 2, 0, 40]);
    let via = served.farm.via.lock().unwrap().clone();
    assert_eq!(via, ["FC6 1", "FC6 1, 3.0 s later"]);
}

#[tokio::test]
async fn more_writes_that_wait_than_a_device_keeps_are_refused_as_busy() {
    let served = Served::new(&map(
        "[map]\nname = \"test\"\n[[point]]\naddress = 1\ntype = \"u16\"\naccess = \"rw\"\n\
         value = \"control.charge_limit\"\ndelay_s = 1",
    ));
    let write = [6, 0, 1, 0, 40];
    for _ in 0..64 {
        assert_eq!(served.ask(&write).await, write);
    }
    assert_eq!(served.ask(&write).await, [0x86, 6]);
    served.pass(10);
    while served.n_commands() < 128 {
        tokio::task::yield_now().await;
    }
    // The tasks that told them give the room back.
    while served.ask(&write).await != write {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn traps_write_only_registers_and_functions_answer_as_the_map_says() {
    let served = Served::new(&map("[map]\nname = \"test\"\nwrite_fc = [6, 16]\n\
         [[point]]\naddress = 1\ntype = \"u16\"\nvalue = \"memory\"\naccess = \"w\"\n\
         [[memory]]\naddress = 2\ncount = 8\n\
         [[trap]]\nfrom = 4\nexception = 5\n[[trap]]\nfrom = 6\nexception = 10\non = \"read\"\n\
         [identity]\nvendor = \"somebody\"\nproduct_code = \"x\"\nrevision = \"7\""));
    assert_eq!(served.ask(&[3, 0, 1, 0, 1]).await, [0x83, 2], "write only");
    assert_eq!(served.ask(&[6, 0, 1, 0, 9]).await, [6, 0, 1, 0, 9]);
    assert_eq!(served.ask(&[3, 0, 2, 0, 4]).await, [0x83, 5], "a trap among others");
    assert_eq!(served.ask(&[6, 0, 4, 0, 1]).await, [0x86, 5]);
    assert_eq!(served.ask(&[3, 0, 6, 0, 1]).await, [0x83, 10]);
    assert_eq!(served.ask(&[6, 0, 6, 0, 1]).await, [6, 0, 6, 0, 1], "only reads fail");
    assert_eq!(served.ask(&[22, 0, 2, 0, 0, 0, 1]).await, [0x96, 1], "no such function");
    assert_eq!(served.ask(&[4, 0, 2, 0, 1]).await, [0x84, 1]);
    let said = served.ask(&[43, 14, 4, 0]).await;
    assert!(said.ends_with(b"somebody"), "{said:?}");
}

#[tokio::test]
async fn registers_that_are_refreshed_slowly_show_what_was_at_the_last_refresh() {
    let served = Served::new(&map("[map]\nname = \"test\"\n\
         [[point]]\naddress = 1\ntype = \"u16\"\nvalue = \"battery.soc\"\n\
         [[point]]\naddress = 2\ntype = \"u16\"\nvalue = \"battery.soc\"\nname = \"at once\"\n\
         [[refresh]]\nfrom = 1\nperiod_s = 2"));
    let set = |soc: f64| {
        served.farm.snapshots.send_modify(|snapshot| {
            Arc::make_mut(snapshot).units[0].measured.soc = soc;
        });
    };
    set(0.25);
    served.pass(19);
    assert_eq!(served.ask(&[3, 0, 1, 0, 2]).await, [3, 4, 0, 64, 0, 25]);
    served.pass(1);
    assert_eq!(served.ask(&[3, 0, 1, 0, 2]).await, [3, 4, 0, 25, 0, 25]);
}

#[tokio::test]
async fn the_conformance_map_keeps_what_was_written_by_every_function() {
    let served = Served::new(&built_in("conformance"));
    assert_eq!(served.ask(&[6, 0, 0, 0, 0x12]).await, [6, 0, 0, 0, 0x12]);
    // The example of the specification.
    let mask = [22, 0, 0, 0, 0xF2, 0, 0x25];
    assert_eq!(served.ask(&mask).await, mask);
    assert_eq!(served.ask(&[3, 0, 0, 0, 1]).await, [3, 2, 0, 0x17]);
    let both = [23, 0, 0, 0, 2, 0, 1, 0, 1, 2, 0xAB, 0xCD];
    assert_eq!(served.ask(&both).await, [23, 4, 0, 0x17, 0xAB, 0xCD]);
    assert_eq!(served.ask(&[15, 0, 0, 0, 10, 2, 0xCD, 1]).await, [15, 0, 0, 0, 10]);
    assert_eq!(served.ask(&[1, 0, 0, 0, 10]).await, [1, 2, 0xCD, 1]);
    assert_eq!(served.ask(&[5, 0, 0, 0, 0]).await, [5, 0, 0, 0, 0]);
    assert_eq!(served.ask(&[1, 0, 0, 0, 3]).await, [1, 1, 0b100]);
    assert_eq!(served.ask(&[2, 0, 0, 0, 8]).await, [2, 1, 0b0110_0000], "runs, on the grid");
    for (address, code) in [(981u16, 4), (982, 5), (983, 6), (984, 10), (985, 11)] {
        let [high, low] = address.to_be_bytes();
        assert_eq!(served.ask(&[3, high, low, 0, 1]).await, [0x83, code]);
    }
    let unmapped = 5_000u16.to_be_bytes();
    assert_eq!(served.ask(&[3, unmapped[0], unmapped[1], 0, 1]).await, [0x83, 2]);
    assert_eq!(served.ask(&[6, 3, 0xDF, 0, 101]).await, [0x86, 3], "991 takes 0 to 100");
}
