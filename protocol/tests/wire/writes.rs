//! What writes do, and what refuses them.

use crate::farm::{Farm, Temper, model};
use bess_core::command::{Command, UnitAction};
use bess_protocol::ServerConfig;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

#[tokio::test]
async fn a_write_is_one_command_and_the_next_read_shows_it() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let controls = model(&mut client, 704).await;
    // WSetEna, WSetMod and WSet are contiguous.
    let words = [1, 1, (-600_000i32 >> 16) as u16, -600_000i32 as u16];
    client.write(1, controls + 22, &words).await.unwrap();
    assert_eq!(client.read(1, controls + 22, 4).await.unwrap(), words);
    let active = farm.control_of_unit_1().active;
    assert_eq!((active.enabled, active.absolute), (true, -600_000.0));
    let letters = farm.fake.letters.lock().unwrap().clone();
    assert_eq!(letters.len(), 1);
    let own = client.stream.local_addr().unwrap().to_string();
    assert_eq!(letters[0].1, Some(own), "the origin names the client");
}

#[tokio::test]
async fn every_control_point_can_be_written_alone() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let controls = model(&mut client, 704).await;
    let control = model(&mut client, 715).await;
    let battery = model(&mut client, 802).await;
    for (address, words) in [
        (controls + 14, &[1][..]),
        (controls + 15, &[7_550]),
        (controls + 22, &[1]),
        (controls + 23, &[0]),
        (controls + 24, &[0x0007, 0xA120]),
        (controls + 28, &[(-2_500i16) as u16]),
        (controls + 35, &[1]),
        (controls + 36, &[4]),
        (controls + 36, &[1]),
        (controls + 37, &[1]),
        (controls + 38, &[0xFFFF, 0x3CB0]),
        (controls + 42, &[1_234]),
        (controls + 49, &[12]),
        (control + 5, &[0x0001, 0x0002]),
        (battery + 19, &[77]),
        (battery + 51, &[3]),
        (85, &[0xFFFF]),
        (battery + 19, &[0xFFFF]),
        (88, &[25]),
    ] {
        assert_eq!(client.write(1, address, words).await, Ok(()), "{address}");
        let count = words.len() as u16;
        assert_eq!(client.read(1, address, count).await.unwrap(), words, "{address}");
    }
    let state = farm.control_of_unit_1();
    assert_eq!((state.discharge_limit_pct, state.active.percent), (75.5, -25.0));
    assert_eq!((state.reactive.absolute, state.reactive.percent), (-50_000.0, 12.34));
    assert_eq!(state.ramp_pct_per_s, 2.5);
}

#[tokio::test]
async fn a_refused_register_refuses_the_whole_write() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let controls = model(&mut client, 704).await;
    let before = farm.control_of_unit_1();
    for (address, words, exception) in [
        // WSet is beyond the rating.
        (controls + 22, &[1, 1, 0x7F, 0][..], 3),
        // WSetMod does not know 2; VarSetMod not 0, 2, 3.
        (controls + 22, &[1, 2], 3),
        (controls + 35, &[1, 0], 3),
        (controls + 35, &[1, 3], 3),
        // A word that means "not available" is no setpoint.
        (controls + 24, &[0x8000, 0], 3),
        // Half of a 32-bit setpoint.
        (controls + 24, &[0], 3),
        (controls + 23, &[1, 0], 3),
        (controls + 25, &[0], 3),
        // On into the reversion value, which is not implemented, and into what is read-only.
        (controls + 24, &[0, 5, 0, 5], 2),
        (controls + 18, &[0, 10], 2),
        (controls + 18, &[0], 2),
        (controls + 53, &[0], 2),
        (controls, &[704], 2),
        // Out of the map.
        (123, &[0, 0, 0], 2),
        (30_000, &[0], 2),
        (65_535, &[0, 0], 2),
        // The compact map: a good setpoint and a ramp of nothing.
        (80, &[0, 5, 0, 5, 2, 1, 0xFFFF, 0, 0], 3),
        (90, &[0, 0], 2),
        (83, &[5, 2], 3),
    ] {
        let refused = client.write(1, address, words).await;
        assert_eq!(refused, Err(exception), "{words:?} from {address}");
    }
    assert_eq!(farm.control_of_unit_1(), before);
    assert_eq!(farm.n_letters(), 0);
}

#[tokio::test]
async fn a_block_may_be_written_back_as_it_was_read() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let block = client.read(1, 80, 9).await.unwrap();
    assert_eq!(client.write(1, 80, &block).await, Ok(()));
    let capacity = model(&mut client, 702).await;
    let settings = client.read(1, capacity + 26, 19).await.unwrap();
    assert_eq!(client.write(1, capacity + 26, &settings).await, Ok(()));
    assert_eq!(client.write_one(1, capacity + 26, 1).await, Err(2));
}

#[tokio::test]
async fn one_write_of_the_compact_map_commands_everything() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    // 1.5 MW, -100 kvar, standby, heartbeat, no watchdog, reset, 50 %/s.
    let words = [0x16, 0xE360, 0xFFFE, 0x7960, 1, 9, 0, 1, 500];
    assert_eq!(client.write(2, 80, &words).await, Ok(()));
    let letters = farm.fake.letters.lock().unwrap().clone();
    // One letter, so that the loop applies all of it or nothing.
    let [(Command::Batch(commands), _)] = letters.as_slice() else { panic!("{letters:?}") };
    assert!(matches!(commands[0], Command::ControlUnit { .. }));
    let operations: Vec<_> = commands[1..]
        .iter()
        .map(|command| match command {
            Command::OperateUnit { unit, action } => (unit.number(), *action),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [(2, UnitAction::EnterStandby), (2, UnitAction::ResetAlarms)];
    assert_eq!(operations, expected);
    let read = client.read(2, 80, 9).await.unwrap();
    assert_eq!(read, [0x16, 0xE360, 0xFFFE, 0x7960, 1, 9, 0xFFFF, 0, 500]);
    let view = farm.fake.snapshots.borrow().units[1];
    assert!(view.control.active.enabled && view.control.reactive.enabled);
}

#[tokio::test]
async fn operations_follow_the_state_and_a_wrong_state_is_exception_4() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let control = model(&mut client, 715).await;
    let battery = model(&mut client, 802).await;
    let (operate, contactors) = (control + 8, battery + 50);
    assert_eq!(client.write_one(1, operate, 0).await, Ok(()));
    assert_eq!(client.read(1, battery + 22, 1).await, Ok(vec![1]), "disconnected");
    assert_eq!(client.write_one(1, operate, 3).await, Err(4), "standby of a unit that is off");
    assert_eq!(client.write_one(1, operate, 4).await, Err(3), "no such operation");
    // The setpoint of the same request must not land either.
    assert_eq!(client.write(1, 80, &[0, 5, 0, 5, 1]).await, Err(4));
    assert_eq!(farm.control_of_unit_1().active.absolute, 0.0);
    assert_eq!(client.write_one(1, contactors, 1).await, Ok(()));
    assert_eq!(client.read(1, battery + 22, 1).await, Ok(vec![3]), "connected");
    assert_eq!(client.read(1, operate, 1).await, Ok(vec![1]));
    let n_letters = farm.n_letters();
    assert_eq!(client.write_one(1, contactors, 1).await, Ok(()), "as it is");
    assert_eq!(client.write_one(1, 84, 2).await, Ok(()), "as it is");
    assert_eq!(farm.n_letters(), n_letters);
    assert_eq!(client.write_one(1, control + 7, 1).await, Ok(()));
    assert_eq!(client.read(1, control + 7, 1).await, Ok(vec![0]), "the reset goes back");
}

#[tokio::test]
async fn the_plant_takes_a_farm_setpoint_and_gives_it_back() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    assert_eq!(client.read(255, 80, 2).await, Ok(vec![0x8000, 0]), "none in force");
    assert_eq!(client.write(255, 82, &[0, 5]).await, Err(4), "reactive power alone");
    assert_eq!(client.write(255, 80, &[0x0098, 0x9680]).await, Ok(()));
    assert_eq!(client.read(0, 80, 5).await.unwrap()[..2], [0x0098, 0x9680]);
    assert_eq!(client.read(0, 84, 1).await, Ok(vec![2]));
    assert_eq!(client.write(0, 80, &[0x7000, 0]).await, Err(3), "beyond the rating");
    assert_eq!(client.write_one(0, 84, 0).await, Ok(()));
    assert_eq!(client.read(0, 84, 1).await, Ok(vec![0]));
    assert_eq!(client.write_one(0, 85, 1).await, Err(2), "the plant has no heartbeat to write");
}

#[tokio::test]
async fn a_busy_loop_is_exception_6_and_a_silent_one_exception_4() {
    let busy = Farm::with(Temper::IsBusy, ServerConfig::default()).await;
    assert_eq!(busy.client().await.write(1, 80, &[0, 5]).await, Err(6));
    let config =
        ServerConfig { answer_timeout: Duration::from_millis(50), ..ServerConfig::default() };
    let silent = Farm::with(Temper::Holds, config).await;
    let mut client = silent.client().await;
    assert_eq!(client.write(1, 80, &[0, 5]).await, Err(4));
    assert!(client.read(1, 0, 1).await.is_ok(), "the connection goes on");
    assert_eq!(silent.stats.modbus.exceptions[4].load(Relaxed), 1);
}
