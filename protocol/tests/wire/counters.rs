//! What the server counts of its traffic.

use crate::farm::{Farm, Temper, frame, model, read_pdu, write_pdu};
use bess_core::link::{ActiveLink, LinkCondition, LinkEffect, LinkScope};
use bess_core::stats::{CloseReason, MODBUS_FUNCTIONS, MapClass, Served};
use bess_protocol::ListenerConfig;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Place of a function among those with counters of their own.
fn place(function: u8) -> usize {
    MODBUS_FUNCTIONS.iter().position(|known| *known == function).expect("it is known")
}

/// Waits until as many connections were closed for this reason.
async fn until_closed(farm: &Farm, reason: CloseReason, n: u64) {
    let closed = async {
        while farm.closed(reason) < n {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(5), closed).await;
    let all = &farm.stats.modbus.closed;
    assert!(seen.is_ok(), "not {n} times {reason:?}: {all:?}");
}

#[tokio::test]
async fn registers_are_counted_by_map_and_direction_when_they_were_really_served() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let model_704 = model(&mut client, 704).await;
    let registers = &farm.stats.modbus.registers;
    let counted =
        |direction: usize, class: MapClass| registers[direction][class as usize].load(Relaxed);
    let before = counted(0, MapClass::Sunspec);
    assert!(client.read(1, 40_000, 60).await.is_ok());
    assert!(client.read(1, 0, 25).await.is_ok());
    assert!(client.read(1, 30_000, 10).await.is_err(), "it is in no map");
    assert_eq!(counted(0, MapClass::Sunspec) - before, 60);
    assert_eq!(counted(0, MapClass::Compact), 25);
    assert!(client.write(1, 80, &[0, 5]).await.is_ok());
    assert!(client.write(1, 12, &[1, 1]).await.is_err(), "it cannot be written");
    assert!(client.write_one(1, model_704 + 3, 1).await.is_ok());
    assert_eq!(counted(1, MapClass::Compact), 2);
    assert_eq!(counted(1, MapClass::Sunspec), 1);
    assert_eq!((counted(0, MapClass::File), counted(1, MapClass::File)), (0, 0));
}

#[tokio::test]
async fn times_and_exceptions_are_those_of_their_function_also_when_functions_alternate() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let mut batch = Vec::new();
    for transaction in 0..6 {
        let pdu = read_pdu(3 + (transaction % 2) as u8, 0, 1);
        batch.extend(frame(transaction, 1, &pdu));
    }
    client.send(&batch).await;
    for _ in 0..6 {
        client.receive().await.expect("an answer");
    }
    assert_eq!(client.write(1, 12, &[1, 1]).await, Err(2));
    let modbus = &farm.stats.modbus;
    let observed = |function| modbus.durations[place(function)].read().count;
    assert_eq!([3, 4].map(observed), [3, 3]);
    assert_eq!(modbus.exceptions[place(16)][1].load(Relaxed), 1);
    assert_eq!(modbus.exceptions[place(3)][1].load(Relaxed), 0);
    assert_eq!(modbus.connections_limit.load(Relaxed), 4096);
}

#[tokio::test]
async fn the_age_of_the_snapshot_that_answers_is_noted_for_each_answer() {
    let farm = Farm::start().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ns = now.expect("after 1970").as_nanos() as i64;
    farm.fake.snapshots.send_modify(|snapshot| {
        Arc::make_mut(snapshot).wall_unix_ns = now_ns - 3_000_000_000;
    });
    let mut client = farm.client().await;
    for _ in 0..4 {
        assert!(client.read(1, 0, 1).await.is_ok());
    }
    // What was sent last is noted before it is sent.
    let reading = farm.stats.snapshot_age[Served::Modbus as usize].read();
    assert_eq!(reading.count, 4);
    assert!((12.0..20.0).contains(&reading.sum), "{reading:?}");
}

#[tokio::test]
async fn each_end_of_a_connection_has_its_reason() {
    let config = ListenerConfig {
        frame_timeout: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(400),
        ..ListenerConfig::default()
    };
    let farm = Farm::with(Temper::Applies, config).await;
    drop(farm.client().await);
    until_closed(&farm, CloseReason::Client, 1).await;
    let mut junk = farm.client().await;
    junk.send(b"GET / HTTP/1.1\r\n\r\n").await;
    until_closed(&farm, CloseReason::BadFrame, 1).await;
    let mut half = farm.client().await;
    half.send(&[0, 1, 0, 0]).await;
    until_closed(&farm, CloseReason::HalfFrame, 1).await;
    let _quiet = farm.client().await;
    until_closed(&farm, CloseReason::Idle, 1).await;
    let condition = LinkCondition {
        name: "cut".to_owned(),
        effect: LinkEffect::Reset,
        scope: LinkScope::default(),
        probability: 1.0,
        seed: 0,
        until: None,
    };
    let mut cut = farm.client().await;
    farm.fake.snapshots.send_modify(|snapshot| {
        let link = Arc::new(ActiveLink::new(condition, snapshot.tick));
        Arc::make_mut(snapshot).link = Arc::new([link]);
    });
    cut.send(&frame(1, 1, &read_pdu(3, 0, 1))).await;
    until_closed(&farm, CloseReason::LinkCondition, 1).await;
    farm.fake.snapshots.send_modify(|snapshot| Arc::make_mut(snapshot).link = Arc::default());
    let mut last = farm.client().await;
    assert!(last.read(1, 0, 1).await.is_ok());
    farm.shutdown.cancel();
    until_closed(&farm, CloseReason::Shutdown, 1).await;
    assert_eq!(farm.closed(CloseReason::Broken), 0);
}

#[tokio::test]
async fn a_connection_that_panics_is_closed_for_that_reason() {
    let farm = Farm::with(Temper::Panics, ListenerConfig::default()).await;
    let mut client = farm.client().await;
    client.send(&frame(1, 1, &write_pdu(80, &[0, 5]))).await;
    until_closed(&farm, CloseReason::Panic, 1).await;
}
