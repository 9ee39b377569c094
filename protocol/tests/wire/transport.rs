//! Frames, connections and the end of the server.

use crate::farm::{Farm, Temper, frame, read_pdu, write_pdu};
use bess_protocol::ListenerConfig;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_panic_in_one_connection_hurts_no_other() {
    let farm = Farm::with(Temper::Panics, ListenerConfig::default()).await;
    let mut bystander = farm.client().await;
    assert!(bystander.read(1, 0, 1).await.is_ok());
    let mut client = farm.client().await;
    client.send(&frame(1, 1, &write_pdu(80, &[0, 5]))).await;
    assert!(client.is_closed().await);
    assert!(bystander.read(1, 0, 1).await.is_ok());
    assert_eq!(farm.stats.modbus.panics.load(Relaxed), 1);
    while farm.stats.modbus.connections.load(Relaxed) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_malformed_request_is_answered_and_the_connection_goes_on() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    for (pdu, exception) in [
        (&[3, 0, 0][..], [0x83, 3]),
        (&[3, 0, 0, 0, 1, 9, 9], [0x83, 3]),
        (&[3, 0, 0, 0, 126], [0x83, 3]),
        (&[4, 0, 0, 0, 0], [0x84, 3]),
        (&[6, 0, 0, 0], [0x86, 3]),
        // Twice the quantity wraps.
        (&[16, 0, 80, 0x80, 0, 0], [0x90, 3]),
        (&[16, 0, 80, 0, 2, 4, 0, 0], [0x90, 3]),
        // More coils than bytes, of a device that has none.
        (&[15, 0, 0, 0xFF, 0xFF, 1, 0], [0x8F, 1]),
        (&[43, 14, 5, 0], [0xAB, 3]),
        (&[0], [0x80, 1]),
        (&[100, 1, 2, 3], [0xE4, 1]),
    ] {
        assert_eq!(client.ask(1, pdu).await, exception, "{pdu:?}");
    }
    assert!(client.read(1, 0, 1).await.is_ok());
    assert_eq!(farm.exceptions(3), 8);
    assert_eq!(farm.stats.modbus.requests[16].load(Relaxed), 2);
    assert_eq!(farm.stats.modbus.panics.load(Relaxed), 0);
}

#[tokio::test]
async fn junk_closes_its_own_connection_only() {
    let farm = Farm::start().await;
    let mut bystander = farm.client().await;
    assert!(bystander.read(1, 0, 1).await.is_ok());
    for junk in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0, 1, 0, 1, 0, 6, 1, 3, 0, 0, 0, 1],
        &[0, 1, 0, 0, 0, 0],
        &[0, 1, 0, 0, 0, 1, 1],
        &[0, 1, 0, 0, 0xFF, 0xFF],
        &[0xFF; 300],
    ] {
        let mut client = farm.client().await;
        client.send(junk).await;
        assert!(client.is_closed().await, "{junk:?}");
    }
    assert!(bystander.read(1, 0, 1).await.is_ok());
    assert_eq!(farm.stats.modbus.bad_frames.load(Relaxed), 6);
}

#[tokio::test]
async fn a_half_frame_is_dropped_and_a_quiet_connection_kept() {
    let config =
        ListenerConfig { frame_timeout: Duration::from_millis(100), ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, config).await;
    let mut quiet = farm.client().await;
    assert!(quiet.read(1, 0, 1).await.is_ok());
    let mut slow = farm.client().await;
    slow.send(&[0, 1, 0, 0, 0, 6, 1, 3]).await;
    assert!(slow.is_closed().await);
    assert!(quiet.read(1, 0, 1).await.is_ok());
}

#[tokio::test]
async fn a_frame_that_comes_byte_by_byte_is_answered() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    for byte in frame(7, 1, &read_pdu(3, 0, 1)) {
        client.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.receive().await, Some((7, 1, vec![3, 2, 0xBE, 0x55])));
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let config =
        ListenerConfig { idle_timeout: Duration::from_millis(100), ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, config).await;
    let mut client = farm.client().await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let mut burst = Vec::new();
    for transaction in 0..400 {
        // Every fourth is malformed, every tenth a write.
        let pdu = match transaction {
            t if t % 4 == 3 => vec![3, 0],
            t if t % 10 == 0 => write_pdu(85, &[t]),
            t => read_pdu(3, t % 100, 5),
        };
        burst.extend(frame(transaction, 1, &pdu));
    }
    client.send(&burst).await;
    for transaction in 0..400 {
        let (answered, _, pdu) = client.receive().await.expect("an answer");
        assert_eq!(answered, transaction);
        let is_malformed = transaction % 4 == 3;
        assert_eq!(pdu[0] & 0x80 != 0, is_malformed, "{transaction}: {pdu:?}");
    }
}

#[tokio::test]
async fn what_was_asked_before_junk_or_the_end_is_still_answered() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let mut bytes = frame(1, 1, &read_pdu(3, 0, 1));
    bytes.extend(frame(2, 1, &read_pdu(3, 1, 1)));
    client.send(&bytes).await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.receive().await.unwrap().0, 1);
    assert_eq!(client.receive().await.unwrap().0, 2);
    assert_eq!(client.receive().await, None);
    assert_eq!(farm.stats.modbus.bytes[0].load(Relaxed), 24);
    assert_eq!(farm.stats.modbus.bytes[1].load(Relaxed), 22);
}

#[tokio::test]
async fn connections_over_the_cap_are_closed_at_once() {
    let config = ListenerConfig { max_connections: 2, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, config).await;
    let mut first = farm.client().await;
    let mut second = farm.client().await;
    assert!(first.read(1, 0, 1).await.is_ok());
    assert!(second.read(1, 0, 1).await.is_ok());
    assert!(farm.client().await.is_closed().await);
    let modbus = &farm.stats.modbus;
    assert_eq!((modbus.accepted.load(Relaxed), modbus.rejected.load(Relaxed)), (2, 1));
    assert_eq!(modbus.connections.load(Relaxed), 2);
    drop(first);
    while modbus.connections.load(Relaxed) > 1 {
        tokio::task::yield_now().await;
    }
    assert!(farm.client().await.read(1, 0, 1).await.is_ok());
}

#[tokio::test]
async fn a_client_that_never_reads_holds_nobody_up() {
    let farm = Farm::start().await;
    let flood = frame(1, 1, &read_pdu(3, 0, 125)).repeat(20_000);
    let mut deaf = farm.client().await;
    let _ = tokio::time::timeout(Duration::from_millis(300), deaf.send(&flood)).await;
    assert!(farm.client().await.read(1, 0, 1).await.is_ok());
}

#[tokio::test]
async fn shutdown_finishes_the_request_in_hand_and_closes() {
    let farm = Farm::with(Temper::Holds, ListenerConfig::default()).await;
    let mut idle = farm.client().await;
    assert!(idle.read(1, 0, 1).await.is_ok());
    let mut writer = farm.client().await;
    writer.send(&frame(1, 1, &write_pdu(80, &[0, 5]))).await;
    while farm.n_letters() == 0 {
        tokio::task::yield_now().await;
    }
    farm.shutdown.cancel();
    assert!(idle.is_closed().await);
    farm.release();
    assert_eq!(writer.receive().await.unwrap().2[0], 16);
    assert!(writer.is_closed().await);
    farm.server.await.unwrap();
    assert_eq!(farm.stats.modbus.connections.load(Relaxed), 0);
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_loop_that_is_gone() {
    let farm = Farm::with(Temper::Holds, ListenerConfig::default()).await;
    let mut writer = farm.client().await;
    writer.send(&frame(1, 1, &write_pdu(80, &[0, 5]))).await;
    while farm.n_letters() == 0 {
        tokio::task::yield_now().await;
    }
    farm.shutdown.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(1), farm.server).await;
    stopped.expect("within a second").unwrap();
    assert!(writer.is_closed().await);
}
