//! What clients do to a server, by mistake or on purpose, and what it is to the others.

use crate::addressing;
use crate::farm::{Client, Farm, Temper, frame, read_pdu, write_pdu};
use crate::testing;
use bess_core::command::Rejection;
use bess_core::role::Role;
use bess_protocol::{Absent, Ack, ListenerConfig};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

/// Until something is so; the test harness ends a test that never ends.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

// Descriptors

/// Tells the process that serves in the next test.
const FEW_DESCRIPTORS: &str = "BESS_TEST_FEW_DESCRIPTORS";
/// Descriptors that it has, the runtime's own and the listener among them.
const DESCRIPTORS: u64 = 40;

/// Serves with few descriptors until its input ends; says where, and then how many accepts failed.
#[expect(clippy::print_stdout, reason = "it speaks to the process that started it")]
async fn serve_with_few_descriptors() {
    let farm = Farm::start().await;
    rlimit::setrlimit(rlimit::Resource::NOFILE, DESCRIPTORS, DESCRIPTORS).unwrap();
    println!("\naddress {}", farm.address);
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
        .await
        .unwrap()
        .unwrap();
    println!("\nfailed {}", farm.stats.modbus.accept_errors.load(Relaxed));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_descriptors_run_out_those_connected_go_on_and_others_come_in_when_there_is_room() {
    if std::env::var_os(FEW_DESCRIPTORS).is_some() {
        return serve_with_few_descriptors().await;
    }
    let name = "robustness::when_descriptors_run_out_those_connected_go_on_and_others_come_in_when_there_is_room";
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FEW_DESCRIPTORS, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut heard = |what: &str| -> String {
        let mut lines = said.by_ref().map(Result::unwrap);
        lines.find_map(|line| line.strip_prefix(what).map(str::to_owned)).unwrap()
    };
    let address: SocketAddr = heard("address ").parse().unwrap();
    let mut early = Client::connect(address).await;
    assert!(early.read(1, 0, 1).await.is_ok());
    // Many more than it has descriptors for: the system completes their connections all the same.
    let mut crowd = Vec::new();
    for _ in 0..4 * DESCRIPTORS {
        crowd.push(Client::connect(address).await);
    }
    for _ in 0..20 {
        assert!(early.read(1, 0, 1).await.is_ok(), "who was there goes on");
    }
    // Those in front are served; who comes last is turned away rather than left to wait.
    assert!(crowd[0].read(1, 0, 1).await.is_ok());
    assert!(crowd.last_mut().unwrap().is_closed().await);
    drop(crowd);
    let mut late = Client::connect(address).await;
    let asked = frame(1, 1, &read_pdu(3, 0, 1));
    late.send(&asked).await;
    // It may itself have been turned away before the others had gone.
    while late.receive().await.is_none() {
        late = Client::connect(address).await;
        late.send(&asked).await;
    }
    assert!(early.read(1, 0, 1).await.is_ok());
    drop((early, late));
    drop(server.stdin.take());
    assert_ne!(heard("failed "), "0");
    assert!(server.wait().unwrap().success());
}

// Many, slow and greedy clients

#[tokio::test]
async fn two_thousand_quiet_clients_are_in_nobodys_way() {
    rlimit::increase_nofile_limit(16_384).unwrap();
    let farm = Farm::start().await;
    let mut quiet = Vec::new();
    for _ in 0..2_000 {
        let mut client = farm.client().await;
        assert!(client.read(1, 0, 1).await.is_ok());
        quiet.push(client);
    }
    assert_eq!(farm.stats.modbus.connections.load(Relaxed), 2_000);
    let mut another = farm.client().await;
    assert!(another.read(1, 0, 125).await.is_ok());
    for client in quiet.iter_mut().step_by(100) {
        assert!(client.read(1, 0, 1).await.is_ok(), "and they are still served");
    }
    drop(quiet);
    until(|| farm.stats.modbus.connections.load(Relaxed) == 1).await;
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded_and_none_is_lost() {
    const REQUESTS: usize = 100_000;
    const ANSWER: u64 = 9 + 2 * 125;
    let farm = Farm::start().await;
    let client = farm.client().await;
    let (mut reader, mut writer) = client.stream.into_split();
    let flood = tokio::spawn(async move {
        let requests: Vec<u8> =
            (0..REQUESTS).flat_map(|n| frame(n as u16, 1, &read_pdu(3, 0, 125))).collect();
        writer.write_all(&requests).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    // Until the server is stuck: then as much is answered at one look as at the next.
    let modbus = &farm.stats.modbus;
    let answered = || modbus.durations.iter().map(|of| of.read().count).sum::<u64>();
    let mut before = u64::MAX;
    while answered() != before || before == 0 {
        before = answered();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(before < REQUESTS as u64, "it does not read on when nobody takes its answers");
    let held_back = before * ANSWER - modbus.bytes[1].load(Relaxed);
    assert!(held_back <= 64 * 1024 + ANSWER, "{held_back} bytes wait in the server");
    assert!(farm.client().await.read(1, 0, 1).await.is_ok());
    // Now it reads.
    let mut answer = [0; ANSWER as usize];
    for n in 0..REQUESTS {
        reader.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[..2], (n as u16).to_be_bytes(), "in order");
    }
    assert_eq!(reader.read(&mut answer).await.unwrap(), 0);
    flood.await.unwrap();
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped_in_the_end() {
    let idle_timeout = Duration::from_millis(200);
    let config = ListenerConfig { idle_timeout, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, config).await;
    let mut deaf = farm.client().await;
    let flood = frame(1, 1, &read_pdu(3, 0, 125)).repeat(100_000);
    let _ = tokio::time::timeout(Duration::from_secs(10), deaf.stream.write_all(&flood)).await;
    until(|| farm.stats.modbus.connections.load(Relaxed) == 0).await;
}

#[tokio::test]
async fn half_frames_of_many_clients_end_and_hold_nobody_up() {
    let frame_timeout = Duration::from_millis(300);
    let config = ListenerConfig { frame_timeout, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, config).await;
    let mut slow = Vec::new();
    for n in 0..100 {
        let mut client = farm.client().await;
        let whole = frame(1, 1, &write_pdu(80, &[0, 5]));
        client.send(&whole[..1 + n % (whole.len() - 1)]).await;
        slow.push(client);
    }
    assert!(farm.client().await.read(1, 0, 1).await.is_ok());
    for client in &mut slow {
        assert!(client.is_closed().await);
    }
    assert_eq!(farm.n_letters(), 0, "no half write was done");
    assert_eq!(farm.stats.modbus.bad_frames.load(Relaxed), 100);
}

#[tokio::test]
async fn clients_that_come_and_go_in_any_way_leave_no_place_taken() {
    let farm = Farm::start().await;
    for n in 0..300 {
        let mut client = farm.client().await;
        match n % 4 {
            0 => {}
            1 => assert!(client.read(1, 0, 1).await.is_ok()),
            2 => client.send(&frame(1, 1, &read_pdu(3, 0, 125))).await,
            _ => {
                client.send(&[0, 1, 0]).await;
                client.stream.set_zero_linger().unwrap();
            }
        }
    }
    until(|| farm.stats.modbus.connections.load(Relaxed) == 0).await;
    assert!(farm.client().await.read(1, 0, 1).await.is_ok());
}

#[tokio::test]
async fn every_panic_is_counted_and_leaves_no_place_taken() {
    let config = ListenerConfig { max_connections: 2, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Panics, config).await;
    let mut bystander = farm.client().await;
    for n in 1..=20 {
        let mut client = farm.client().await;
        client.send(&frame(1, 1, &write_pdu(80, &[0, 5]))).await;
        assert!(client.is_closed().await);
        until(|| farm.stats.modbus.connections.load(Relaxed) == 1).await;
        assert_eq!(farm.stats.modbus.panics.load(Relaxed), n);
        assert!(bystander.read(1, 0, 1).await.is_ok());
    }
}

#[tokio::test]
async fn one_address_gets_no_more_connections_than_its_share() {
    let config = ListenerConfig { max_connections_per_address: 2, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, config).await;
    let first = farm.client().await;
    let mut second = farm.client().await;
    assert!(second.read(1, 0, 1).await.is_ok());
    assert!(farm.client().await.is_closed().await, "one too many");
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into()).unwrap();
    let stream = socket.connect(farm.address).await.unwrap();
    let mut neighbour = Client { stream, transaction: 0 };
    assert!(neighbour.read(1, 0, 1).await.is_ok(), "another address has its own share");
    drop(first);
    until(|| farm.stats.modbus.connections.load(Relaxed) == 2).await;
    assert!(farm.client().await.read(1, 0, 1).await.is_ok());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_client_that_never_reads() {
    let farm = Farm::start().await;
    let mut deaf = farm.client().await;
    let flood = frame(1, 1, &read_pdu(3, 0, 125)).repeat(100_000);
    let _ = tokio::time::timeout(Duration::from_millis(300), deaf.send(&flood)).await;
    farm.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(2), farm.server).await.expect("in time").unwrap();
}

// Listeners

#[tokio::test]
async fn a_unit_id_that_nobody_has_gets_what_the_listener_says() {
    for (absent, read) in
        [(Absent::Target, Err(11)), (Absent::Path, Err(10)), (Absent::First, Ok(vec![0, 1]))]
    {
        let config = ListenerConfig { absent, ..ListenerConfig::default() };
        let farm = Farm::with(Temper::Applies, config).await;
        let mut client = farm.client().await;
        assert_eq!(client.read(99, 2, 2).await, read, "{absent:?}");
        assert_eq!(client.read(2, 2, 2).await, Ok(vec![0, 2]), "{absent:?}");
    }
    let config = ListenerConfig { absent: Absent::Silent, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, config).await;
    let mut client = farm.client().await;
    client.send(&frame(1, 99, &read_pdu(3, 0, 1))).await;
    client.send(&frame(2, 1, &read_pdu(3, 0, 1))).await;
    assert_eq!(client.receive().await.unwrap().0, 2, "the first has no answer");
}

#[tokio::test]
async fn a_viewer_writes_nothing_and_an_operator_no_settings() {
    let viewer = ListenerConfig { role: Role::Viewer, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, viewer).await;
    let mut client = farm.client().await;
    assert!(client.read(1, 0, 125).await.is_ok());
    assert_eq!(client.write(1, 80, &[0, 5]).await, Err(1));
    assert_eq!(client.write_one(1, 85, 5).await, Err(1));
    assert_eq!(client.ask(1, &[22, 0, 85, 0, 0, 0, 1]).await, [0x96, 1]);
    let both = [23, 0, 80, 0, 2, 0, 85, 0, 1, 2, 0, 5];
    assert_eq!(client.ask(1, &both).await, [0x97, 1]);
    assert_eq!(farm.n_letters(), 0);
    assert_eq!(farm.fake.refused.lock().unwrap().len(), 4, "each stands in the audit");

    let operator = ListenerConfig { role: Role::Operator, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Applies, operator).await;
    let mut client = farm.client().await;
    // The watchdog and the window of the state of charge are settings.
    for (address, word) in [(86, 60), (92, 1_000), (93, 9_000)] {
        assert_eq!(client.write_one(1, address, word).await, Err(2), "{address}");
    }
    assert_eq!(client.write(1, 80, &[0, 5, 0, 5, 2, 1, 60]).await, Err(2), "all or nothing");
    assert_eq!(farm.n_letters(), 0);
    assert_eq!(client.write(1, 80, &[0, 5, 0, 5, 2, 1]).await, Ok(()));
    assert_eq!(client.write_one(1, 87, 1).await, Ok(()), "it operates");
}

#[tokio::test]
async fn an_accepted_write_reads_back_at_once_whatever_the_loop_does() {
    let config = ListenerConfig { ack: Ack::Accepted, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Holds, config).await;
    let mut client = farm.client().await;
    let mut other = farm.client().await;
    let before = other.read(1, 80, 9).await.unwrap();
    let words = [0x16, 0xE360, 0, 0, 2, 9];
    assert_eq!(client.write(1, 80, &words).await, Ok(()));
    assert_eq!(client.read(1, 80, 6).await.unwrap(), words);
    assert_eq!(other.read(1, 80, 9).await.unwrap()[..6], words, "others see it too");
    assert_eq!(client.write_one(1, 85, 10).await, Ok(()), "one more on top");
    assert_eq!(other.read(1, 80, 9).await.unwrap()[..6], [0x16, 0xE360, 0, 0, 2, 10]);
    assert_ne!(farm.control_of_unit_1().active.absolute, 1.5e6, "the loop holds");
    farm.release();
    assert_eq!(farm.control_of_unit_1().active.absolute, 1.5e6);
    assert_eq!(client.read(1, 80, 9).await.unwrap()[..6], [0x16, 0xE360, 0, 0, 2, 10]);
    assert_ne!(before[..6], words);
}

#[tokio::test]
async fn an_accepted_write_that_finds_the_inbox_full_is_refused_and_changes_nothing() {
    let config = ListenerConfig { ack: Ack::Accepted, ..ListenerConfig::default() };
    let farm = Farm::with(Temper::Refuses(Rejection::Busy), config).await;
    let mut client = farm.client().await;
    let before = client.read(1, 80, 9).await.unwrap();
    assert_eq!(client.write(1, 80, &[0, 5, 0, 5, 2, 1]).await, Err(6));
    assert_eq!(client.read(1, 80, 9).await.unwrap(), before);
    assert_eq!(client.read(1, 98, 2).await, Ok(vec![6, 80]), "the last write and its result");
}

// Functions

#[tokio::test]
async fn every_function_does_its_part_on_scratch_registers_and_coils() {
    let snapshot = testing::snapshot();
    let text = "[modbus]\n[[modbus.units]]\nunits = [1]\nmaps = [\"conformance\"]";
    let config = addressing::config(&snapshot, text);
    let served = addressing::serve(snapshot, &config).await;
    let device = served.book.iter().find(|device| device.unit_id == Some(1)).unwrap();
    let mut client = served.client(device).await;
    for (request, answer) in [
        // 5 and 15, read by 1; bits of a byte that were not asked for are 0.
        (&[5, 0, 3, 0xFF, 0][..], &[5, 0, 3, 0xFF, 0][..]),
        (&[1, 0, 0, 0, 5], &[1, 1, 0b1000]),
        (&[15, 0, 19, 0, 10, 2, 0xCD, 1], &[15, 0, 19, 0, 10]),
        (&[1, 0, 19, 0, 10], &[1, 2, 0xCD, 1]),
        (&[5, 0, 3, 0x12, 0x34], &[0x85, 3]),
        (&[5, 0x23, 0x28, 0, 0], &[0x85, 2]),
        // 2: what the unit does, and scratch memory behind it.
        (&[2, 0, 8, 0, 9], &[2, 2, 0, 0]),
        (&[2, 0x23, 0x28, 0, 1], &[0x82, 2]),
        // 22: the example of the specification.
        (&[6, 0, 4, 0, 0x12], &[6, 0, 4, 0, 0x12]),
        (&[22, 0, 4, 0, 0xF2, 0, 0x25], &[22, 0, 4, 0, 0xF2, 0, 0x25]),
        (&[3, 0, 4, 0, 1], &[3, 2, 0, 0x17]),
        // 23 writes and then reads; what cannot be read is not written.
        (&[23, 0, 4, 0, 2, 0, 5, 0, 1, 2, 0xAB, 0xCD], &[23, 4, 0, 0x17, 0xAB, 0xCD]),
        (&[23, 0x13, 0x88, 0, 1, 0, 5, 0, 1, 2, 0, 1], &[0x97, 2]),
        (&[3, 0, 5, 0, 1], &[3, 2, 0xAB, 0xCD]),
        // 43/14: one object alone.
        (&[43, 14, 4, 0], &[43, 14, 4, 0x82, 0, 0, 1, 0, 4, b'b', b'e', b's', b's']),
        (&[43, 14, 4, 0x7E], &[0xAB, 2]),
        (&[43, 13, 1, 0], &[0xAB, 1]),
    ] {
        assert_eq!(client.ask(1, request).await, answer, "{request:?}");
    }
    // A whole read of scratch registers shows what was written, then what is written next.
    for word in [7, 8] {
        assert_eq!(client.write(1, 100, &[word; 100]).await, Ok(()));
        assert_eq!(client.read(1, 100, 100).await, Ok(vec![word; 100]));
    }
}
