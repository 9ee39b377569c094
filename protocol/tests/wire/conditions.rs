//! Conditions of the link, each seen by a client.

use crate::farm::{Client, Farm, Temper, frame, read_pdu};
use bess_core::UnitId;
use bess_core::link::{ActiveLink, LinkCondition, LinkEffect, LinkScope};
use bess_core::time::Tick;
use bess_protocol::ListenerConfig;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

fn condition(effect: LinkEffect) -> LinkCondition {
    LinkCondition {
        name: effect.name().to_owned(),
        effect,
        scope: LinkScope::default(),
        probability: 1.0,
        seed: 7,
        until: None,
    }
}

impl Farm {
    /// Puts these conditions in force, as the loop would.
    fn set_links(&self, conditions: Vec<LinkCondition>) -> Vec<Arc<ActiveLink>> {
        let links: Vec<_> =
            conditions.into_iter().map(|c| Arc::new(ActiveLink::new(c, Tick(1_000)))).collect();
        self.fake.snapshots.send_modify(|snapshot| {
            Arc::make_mut(snapshot).link = links.clone().into();
        });
        links
    }
}

/// What comes within a fifth of a second.
async fn bytes(client: &mut Client) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = async { while client.stream.read_buf(&mut bytes).await.is_ok_and(|n| n > 0) {} };
    let _ = tokio::time::timeout(Duration::from_millis(200), read).await;
    bytes
}

const GOOD: [u8; 11] = [0, 9, 0, 0, 0, 5, 1, 3, 2, 0xBE, 0x55];

async fn answer_under(farm: &Farm, effect: LinkEffect) -> Vec<u8> {
    farm.set_links(vec![condition(effect)]);
    let mut client = farm.client().await;
    client.send(&frame(9, 1, &read_pdu(3, 0, 1))).await;
    bytes(&mut client).await
}

#[tokio::test]
async fn an_answer_is_spoilt_in_the_way_that_the_condition_says() {
    let farm = Farm::start().await;
    farm.set_links(vec![]);
    let mut client = farm.client().await;
    client.send(&frame(9, 1, &read_pdu(3, 0, 1))).await;
    assert_eq!(bytes(&mut client).await, GOOD);
    assert_eq!(answer_under(&farm, LinkEffect::Drop).await, []);
    let exception = [0, 9, 0, 0, 0, 3, 1, 0x83, 6];
    assert_eq!(answer_under(&farm, LinkEffect::Exception(6)).await, exception);
    assert_eq!(answer_under(&farm, LinkEffect::Empty).await, [0, 9, 0, 0, 0, 1, 1]);
    assert_eq!(answer_under(&farm, LinkEffect::HalfFrame).await, GOOD[..6]);
    let wrong = answer_under(&farm, LinkEffect::WrongTransaction).await;
    assert_ne!(wrong[..2], GOOD[..2]);
    assert_eq!(wrong[2..], GOOD[2..]);
    assert_eq!(answer_under(&farm, LinkEffect::WrongUnit).await[6], 2);
    assert_eq!(answer_under(&farm, LinkEffect::Duplicate).await, [GOOD, GOOD].concat());
    let junk = answer_under(&farm, LinkEffect::Junk).await;
    assert!(junk.len() == 24 && junk[..11] != GOOD, "{junk:?}");
    let split = LinkEffect::Split { gap_s: 0.02 };
    assert_eq!(answer_under(&farm, split).await, GOOD, "whole in the end");
    for effect in [LinkEffect::Drop, LinkEffect::Duplicate, LinkEffect::Junk] {
        assert_eq!(farm.stats.modbus.link_hits[effect.position()].load(Relaxed), 1, "{effect:?}");
    }
}

#[tokio::test]
async fn a_delay_holds_the_answer_back_and_nobody_else() {
    let farm = Farm::start().await;
    let scope = LinkScope { unit: UnitId::from_number(2), ..LinkScope::default() };
    let delay = LinkEffect::Delay { delay_s: 0.15, jitter_s: 0.0 };
    farm.set_links(vec![LinkCondition { scope, ..condition(delay) }]);
    let (mut slow, mut quick) = (farm.client().await, farm.client().await);
    let begun = Instant::now();
    slow.send(&frame(1, 2, &read_pdu(3, 0, 1))).await;
    assert!(quick.read(1, 0, 1).await.is_ok());
    assert!(begun.elapsed() < Duration::from_millis(150));
    assert_eq!(slow.receive().await.unwrap().2, [3, 2, 0xBE, 0x55]);
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_connection_is_reset_or_refused() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    farm.set_links(vec![condition(LinkEffect::Reset)]);
    client.send(&frame(1, 1, &read_pdu(3, 0, 1))).await;
    let error = client.stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    farm.set_links(vec![condition(LinkEffect::Refuse)]);
    let mut refused = farm.client().await;
    assert!(refused.stream.read_u8().await.is_err());
    farm.set_links(vec![]);
    assert!(farm.client().await.read(1, 0, 1).await.is_ok());
}

#[tokio::test]
async fn frozen_registers_heartbeats_and_times_stand_still_while_the_farm_goes_on() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let go_on = || {
        farm.fake.snapshots.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.tick.0 += 10;
            snapshot.publication += 10;
            snapshot.time.unix_ns += 1_000_000_000;
            snapshot.units[0].heartbeat += 1;
            snapshot.units[0].ac.active_power.0 += 7.0;
        });
    };
    let before = client.read(1, 0, 66).await.unwrap();
    farm.set_links(vec![condition(LinkEffect::FreezeRegisters)]);
    assert_eq!(client.read(1, 0, 66).await.unwrap(), before);
    go_on();
    assert_eq!(client.read(1, 0, 66).await.unwrap(), before, "frozen");
    farm.set_links(vec![condition(LinkEffect::FreezeHeartbeat)]);
    let fresh = client.read(1, 0, 66).await.unwrap();
    assert_ne!((fresh[4], fresh[13]), (before[4], before[13]), "as when it began");
    go_on();
    let beat_stands = client.read(1, 0, 66).await.unwrap();
    assert_eq!(beat_stands[4], fresh[4]);
    assert_eq!(beat_stands[13], fresh[13] + 7, "everything else goes on");
    farm.set_links(vec![]);
    let now = client.read(1, 60, 6).await.unwrap();
    farm.set_links(vec![condition(LinkEffect::StaleTime { by_s: 5.0 })]);
    let stale = client.read(1, 60, 6).await.unwrap();
    let ms = |words: &[u16]| words[..4].iter().fold(0u64, |ms, word| ms << 16 | u64::from(*word));
    assert_eq!(ms(&now) - ms(&stale), 5_000);
    assert_eq!(now[5].wrapping_sub(stale[5]), 50, "the number of the sample, too");
}

#[tokio::test]
async fn swapped_words_are_those_of_each_value() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let plain = client.read(1, 12, 8).await.unwrap();
    farm.set_links(vec![condition(LinkEffect::SwapWords)]);
    let swapped = client.read(1, 12, 8).await.unwrap();
    let expected: Vec<u16> = plain.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    assert_eq!(swapped, expected);
    assert_eq!(client.read(1, 20, 1).await.unwrap(), [6_900], "single words stay");
}

#[tokio::test]
async fn a_scope_says_whom_a_condition_hits() {
    let farm = Farm::start().await;
    let refuse = |scope| LinkCondition { scope, ..condition(LinkEffect::Exception(5)) };
    let mut client = farm.client().await;
    for (scope, hit, miss) in [
        (LinkScope { functions: vec![4], ..LinkScope::default() }, (1, 4, 0), (1, 3, 0)),
        (LinkScope { registers: Some((20, 21)), ..LinkScope::default() }, (1, 3, 21), (1, 3, 22)),
        (
            LinkScope { unit: UnitId::from_number(2), ..LinkScope::default() },
            (2, 3, 0),
            (255, 3, 0),
        ),
    ] {
        farm.set_links(vec![refuse(scope)]);
        let (unit, function, address) = hit;
        let answer = client.ask(unit, &read_pdu(function, address, 1)).await;
        assert_eq!(answer, [function | 0x80, 5]);
        let (unit, function, address) = miss;
        assert_eq!(client.ask(unit, &read_pdu(function, address, 1)).await[0], function);
    }
    for (scope, is_hit) in [
        (LinkScope { listener: Some("modbus".to_owned()), ..LinkScope::default() }, true),
        (LinkScope { listener: Some("other".to_owned()), ..LinkScope::default() }, false),
        (LinkScope { peer: "127.0.0.0/8".parse().ok(), ..LinkScope::default() }, true),
        (LinkScope { peer: "10.0.0.0/8".parse().ok(), ..LinkScope::default() }, false),
    ] {
        farm.set_links(vec![refuse(scope.clone())]);
        assert_eq!(client.read(1, 0, 1).await.is_err(), is_hit, "{scope:?}");
    }
}

#[tokio::test]
async fn a_share_of_the_requests_is_hit_and_the_same_seed_hits_the_same() {
    let farm = Farm::start().await;
    let mut patterns = Vec::new();
    for seed in [7, 7, 8] {
        let some = LinkCondition { probability: 0.3, seed, ..condition(LinkEffect::Exception(5)) };
        let links = farm.set_links(vec![some]);
        let mut client = farm.client().await;
        let mut pattern = Vec::new();
        for _ in 0..200 {
            pattern.push(client.read(1, 0, 1).await.is_err());
        }
        let hits = pattern.iter().filter(|hit| **hit).count();
        assert!((40..80).contains(&hits), "{hits} of 200");
        assert_eq!((links[0].seen(), links[0].hits()), (200, hits as u64));
        patterns.push(pattern);
    }
    assert_eq!(patterns[0], patterns[1]);
    assert_ne!(patterns[0], patterns[2]);
}

#[tokio::test]
async fn a_slow_reader_and_one_that_leaves_end_under_a_condition_too() {
    let config = ListenerConfig {
        idle_timeout: Duration::from_millis(300),
        max_connections: 1,
        ..ListenerConfig::default()
    };
    let farm = Farm::with(Temper::Applies, config).await;
    farm.set_links(vec![condition(LinkEffect::Duplicate)]);
    let mut deaf = farm.client().await;
    let flood = frame(1, 1, &read_pdu(3, 0, 125)).repeat(20_000);
    let _ = tokio::time::timeout(Duration::from_millis(300), deaf.send(&flood)).await;
    let is_gone = async {
        let modbus = &farm.stats.modbus;
        while modbus.accepted.load(Relaxed) == 0 || modbus.connections.load(Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::farm::PATIENCE, is_gone).await.expect("it is not kept for ever");
    let delay = LinkEffect::Delay { delay_s: 3_600.0, jitter_s: 0.0 };
    farm.set_links(vec![condition(delay)]);
    let mut leaving = farm.client().await;
    leaving.send(&frame(1, 1, &read_pdu(3, 0, 1))).await;
    while farm.stats.modbus.link_hits[delay.position()].load(Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    drop(leaving);
    farm.set_links(vec![]);
    let next = async {
        loop {
            let mut client = farm.client().await;
            client.send(&frame(1, 1, &read_pdu(3, 0, 1))).await;
            if client.receive().await.is_some() {
                return;
            }
        }
    };
    tokio::time::timeout(crate::farm::PATIENCE, next).await.expect("its place is free");
}

#[tokio::test]
async fn what_is_read_after_a_write_is_seen_through_the_condition() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    farm.set_links(vec![condition(LinkEffect::SwapWords)]);
    // Function 23: reads the two words that it wrote.
    let pdu = [23, 0, 80, 0, 2, 0, 80, 0, 2, 4, 0, 0, 0x03, 0xE8];
    assert_eq!(client.ask(1, &pdu).await, [23, 4, 0x03, 0xE8, 0, 0]);
}

#[tokio::test]
async fn a_write_that_comes_to_nothing_is_on_record_whatever_stopped_it() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let write = crate::farm::write_pdu(80, &[0, 5]);
    for (link, unit_id, pdu, exception, reason) in [
        (None, 1, vec![5, 0, 0, 0xFF, 0], Some(1), "does not serve"),
        (None, 1, vec![16, 0, 80, 0, 2, 3, 0, 0, 0], Some(3), "malformed"),
        (None, 1, vec![6, 0, 80], Some(3), "malformed"),
        (None, 1, vec![22, 0x20, 0, 0, 0, 0, 0], Some(2), "not in the map"),
        (None, 1, vec![23, 0x20, 0, 0, 1, 0, 80, 0, 1, 2, 0, 0], Some(2), "cannot be read"),
        (None, 99, write.clone(), Some(11), "nobody answers"),
        (Some(LinkEffect::Exception(6)), 1, write.clone(), Some(6), "condition of the link"),
        (Some(LinkEffect::Drop), 1, write.clone(), None, "condition of the link"),
    ] {
        farm.set_links(link.map(condition).into_iter().collect());
        match exception {
            Some(code) => {
                assert_eq!(client.ask(unit_id, &pdu).await, [pdu[0] | 0x80, code], "{pdu:?}");
            }
            None => {
                client.send(&frame(1, unit_id, &pdu)).await;
                while farm.fake.refused.lock().unwrap().is_empty() {
                    tokio::task::yield_now().await;
                }
            }
        }
        let told = farm.fake.refused.lock().unwrap().pop().unwrap_or_else(|| panic!("{pdu:?}"));
        assert!(told.reason.contains(reason), "{pdu:?}: {}", told.reason);
        let record = told.origin.modbus.expect("word by word");
        assert_eq!((record.function, record.exception), (pdu[0], exception), "{pdu:?}");
    }
}

#[tokio::test]
async fn losses_in_bursts_come_together_and_repeat_with_their_seed() {
    let farm = Farm::start().await;
    let effect = LinkEffect::BurstLoss { good_to_bad: 0.05, bad_to_good: 0.2, loss_bad: 1.0 };
    let pattern = |seed| {
        let link = ActiveLink::new(LinkCondition { seed, ..condition(effect) }, Tick(0));
        (0..4_000).map(|_| link.take().is_some()).collect::<Vec<_>>()
    };
    let lost = pattern(7);
    assert_eq!(lost, pattern(7));
    assert_ne!(lost, pattern(8));
    // In the long run the chain is bad for 0.05 / 0.25 of the time, in bursts of five.
    let share = lost.iter().filter(|lost| **lost).count() as f64 / 4_000.0;
    let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
    let length = share * 4_000.0 / bursts;
    assert!((share - 0.2).abs() < 0.05 && (length - 5.0).abs() < 1.0, "{share} {length}");
    // A client feels it as lost answers.
    let always = LinkEffect::BurstLoss { good_to_bad: 1.0, bad_to_good: 0.0, loss_bad: 1.0 };
    assert_eq!(answer_under(&farm, always).await, []);
    let never = LinkEffect::BurstLoss { good_to_bad: 0.0, bad_to_good: 1.0, loss_bad: 1.0 };
    assert_eq!(answer_under(&farm, never).await, GOOD);
}

#[tokio::test]
async fn pipelined_answers_change_places_and_a_single_one_comes_as_ever() {
    let farm = Farm::start().await;
    assert_eq!(answer_under(&farm, LinkEffect::Reorder).await, GOOD);
    let mut client = farm.client().await;
    let two = [frame(1, 1, &read_pdu(3, 0, 1)), frame(2, 1, &read_pdu(3, 0, 1))].concat();
    client.send(&two).await;
    let bytes = bytes(&mut client).await;
    assert_eq!((bytes.len(), bytes[1], bytes[12]), (22, 2, 1), "{bytes:?}");
}

#[tokio::test]
async fn a_slow_line_takes_as_long_as_its_bytes() {
    let farm = Farm::start().await;
    farm.set_links(vec![condition(LinkEffect::Bandwidth { bytes_per_s: 100.0 })]);
    let mut client = farm.client().await;
    let begun = Instant::now();
    client.send(&frame(9, 1, &read_pdu(3, 0, 1))).await;
    assert_eq!(client.receive().await.unwrap().2, [3, 2, 0xBE, 0x55]);
    assert!(begun.elapsed() >= Duration::from_millis(110), "11 bytes at 100 a second");
}

#[tokio::test]
async fn beyond_the_limit_of_clients_nothing_is_answered_and_a_place_that_is_left_is_free() {
    let farm = Farm::start().await;
    farm.set_links(vec![condition(LinkEffect::LimitClients { max_clients: 1 })]);
    let mut first = farm.client().await;
    assert!(first.read(1, 0, 1).await.is_ok());
    let mut second = farm.client().await;
    second.send(&frame(9, 1, &read_pdu(3, 0, 1))).await;
    assert_eq!(bytes(&mut second).await, [], "it is connected and hears nothing");
    assert!(first.read(1, 0, 1).await.is_ok());
    drop(first);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(farm.client().await.read(1, 0, 1).await.is_ok());
    farm.set_links(vec![condition(LinkEffect::LimitConnections { max_clients: 1 })]);
    let mut refused = farm.client().await;
    assert!(refused.stream.read_u8().await.is_err());
}

#[tokio::test]
async fn a_torn_value_has_words_of_two_publications() {
    let farm = Farm::start().await;
    // The snapshot's number stands in two registers, the high word first.
    let number = |words: &[u16]| u32::from(words[0]) << 16 | u32::from(words[1]);
    farm.set_links(vec![]);
    let mut client = farm.client().await;
    // The number of the sample in the compact map.
    let at = 64;
    let publish = |publication: u64| {
        farm.fake.snapshots.send_modify(|snapshot| {
            Arc::make_mut(snapshot).publication = publication;
        });
    };
    farm.set_links(vec![condition(LinkEffect::Tear)]);
    publish(0x0001_FFFF);
    tokio::time::sleep(Duration::from_millis(50)).await;
    publish(0x0002_0000);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let torn = client.read(1, at, 2).await.unwrap();
    assert_eq!(number(&torn), 0x0002_FFFF, "{torn:?}");
    farm.set_links(vec![]);
    assert_eq!(number(&client.read(1, at, 2).await.unwrap()), 0x0002_0000);
}
