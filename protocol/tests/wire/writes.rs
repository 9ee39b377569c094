//! What writes do, and what refuses them.

use crate::farm::{Farm, Temper, model};
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel};
use bess_core::command::{Command, ControlChange, Rejection, UnitAction};
use bess_core::snapshot::UnitState;
use bess_core::{UnitId, UnitNumbers};
use bess_protocol::ListenerConfig;
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
    assert_eq!(letters[0].1.peer, Some(own), "the origin names the client");
    let via = format!("FC16 {}..{}", controls + 22, controls + 25);
    assert_eq!(letters[0].1.via, Some(via), "and how it asked");
    assert_eq!(farm.fake.refused.lock().unwrap().len(), 0);
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
        (controls + 2, &[1]),
        (controls + 3, &[1]),
        (controls + 4, &[0, 45]),
        (controls + 16, &[5_000]),
        (controls + 18, &[0, 46]),
        (controls + 26, &[0xFFF6, 0xD840]),
        (controls + 29, &[4_000]),
        (controls + 30, &[1]),
        (controls + 31, &[1, 2]),
        (controls + 40, &[0, 500]),
        (controls + 59, &[950, 1]),
        (controls + 61, &[900, 0]),
        (86, &[60]),
        (90, &[0, 1_000]),
        (92, &[1_000]),
        (93, &[9_000]),
        (94, &[500]),
        (110, &[4]),
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
        // A good setpoint and a reversion beyond the rating; half of a time.
        (controls + 24, &[0, 5, 0x7F, 0], 3),
        (controls + 18, &[0], 3),
        // Anti-islanding, which is not implemented; on into what is read-only.
        (controls + 52, &[1], 2),
        (controls + 31, &[0, 10, 0, 10], 2),
        (controls + 53, &[0], 2),
        (controls, &[704], 2),
        // Out of the map.
        (123, &[0, 0, 0], 2),
        (30_000, &[0], 2),
        (65_535, &[0, 0], 2),
        // The compact map: a good setpoint and a ramp of nothing.
        (80, &[0, 5, 0, 5, 2, 1, 0xFFFF, 0, 0], 3),
        (90, &[0], 3),
        (95, &[0], 2),
        (84, &[12], 3),
        (83, &[5, 2], 3),
    ] {
        let refused = client.write(1, address, words).await;
        assert_eq!(refused, Err(exception), "{words:?} from {address}");
    }
    assert_eq!(farm.control_of_unit_1(), before);
    assert_eq!(farm.n_letters(), 0);
    let refused = farm.fake.refused.lock().unwrap();
    assert_eq!(refused.len(), 22, "each stands in the audit");
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
    assert_eq!(client.write_one(1, capacity + 26, 1).await, Err(3), "next to nothing");
    assert_eq!(client.write_one(1, capacity + 27, 1).await, Err(2), "follows from the others");
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
    let [(Command::Batch(commands), _origin)] = letters.as_slice() else { panic!("{letters:?}") };
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
    assert_eq!(read, [0x16, 0xE360, 0xFFFE, 0x7960, 1, 9, 0, 0, 500]);
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
    farm.set_state(0, UnitState::Fault);
    assert_eq!(client.write(1, 80, &[0, 5, 0, 5, 1]).await, Err(4));
    assert_eq!(farm.control_of_unit_1().active.absolute, 0.0);
    assert_eq!(client.write_one(1, contactors, 1).await, Err(4), "a fault needs a reset");
    farm.set_state(0, UnitState::Off);
    assert_eq!(client.write_one(1, contactors, 1).await, Ok(()));
    assert_eq!(client.read(1, battery + 22, 1).await, Ok(vec![4]), "contactors closed");
    assert_eq!(client.read(1, operate, 1).await, Ok(vec![2]), "standby");
    assert_eq!(client.write_one(1, operate, 3).await, Ok(()));
    assert_eq!(client.read(1, battery + 22, 1).await, Ok(vec![3]), "connected");
    assert_eq!(client.read(1, operate, 1).await, Ok(vec![1]));
    let n_letters = farm.n_letters();
    assert_eq!(client.write_one(1, contactors, 1).await, Ok(()), "as it is");
    assert_eq!(client.write_one(1, 84, 2).await, Ok(()), "as it is");
    // Told to the loop as a sign of life and for the audit, but asking for no change.
    let letters = farm.fake.letters.lock().unwrap().clone();
    assert_eq!(letters.len(), n_letters + 2);
    let change = ControlChange::default();
    let unit = UnitId::from_idx(0);
    for (command, _) in &letters[n_letters..] {
        assert_eq!(*command, Command::ControlUnit { unit, change });
    }
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
async fn each_rejection_of_the_loop_has_its_exception() {
    let unit = 1;
    let alarm = AlarmKey::unit(AlarmCode::Gas, AlarmLevel::Critical);
    let value = Rejection::OutOfRange { field: "x", value: 2.0, min: 0.0, max: 1.0, unit: "W" };
    let setting = Rejection::NotPossible { field: "x", reason: "no".to_owned() };
    let state = Rejection::WrongState { unit, state: UnitState::Fault, reason: "no" };
    let holder = "somebody".to_owned();
    for (rejection, exception) in [
        (value, 3),
        (setting, 3),
        (state, 4),
        (Rejection::ResetRefused { unit, alarm }, 4),
        (Rejection::Local { unit }, 4),
        (Rejection::Leased { unit, holder, remaining_s: 3.0 }, 6),
        (Rejection::Busy, 6),
        (Rejection::Closed, 6),
        (
            Rejection::NoSuchUnit {
                number: 9,
                units: UnitNumbers { first: 1, last: 1, is_part: false },
            },
            11,
        ),
    ] {
        let farm = Farm::with(Temper::Refuses(rejection.clone()), ListenerConfig::default()).await;
        let mut client = farm.client().await;
        assert_eq!(client.write(1, 80, &[0, 5]).await, Err(exception), "{rejection}");
        let last = client.read(1, 98, 2).await.unwrap();
        assert_eq!(last, [u16::from(exception), 80], "{rejection}");
        // The loop notes by itself what it refuses.
        assert_eq!(farm.fake.refused.lock().unwrap().len(), 0, "{rejection}");
    }
}

#[tokio::test]
async fn a_silent_loop_is_exception_4() {
    let config =
        ListenerConfig { answer_timeout: Duration::from_millis(50), ..ListenerConfig::default() };
    let silent = Farm::with(Temper::Holds, config).await;
    let mut client = silent.client().await;
    assert_eq!(client.write(1, 80, &[0, 5]).await, Err(4));
    assert!(client.read(1, 0, 1).await.is_ok(), "the connection goes on");
    assert_eq!(silent.exceptions(4), 1);
}

#[tokio::test]
async fn the_last_write_of_each_unit_and_of_the_plant_can_be_read() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    assert_eq!(client.write(1, 80, &[0, 5]).await, Ok(()));
    assert_eq!(client.write(2, 96, &[0, 5]).await, Err(2));
    assert_eq!(client.write_one(255, 84, 0).await, Ok(()), "which asks nothing");
    assert_eq!(client.read(1, 98, 2).await, Ok(vec![0, 80]));
    assert_eq!(client.read(2, 98, 2).await, Ok(vec![2, 96]));
    assert_eq!(client.read(3, 98, 2).await, Ok(vec![0xFFFF, 0xFFFF]));
    assert_eq!(client.read(0, 98, 2).await, Ok(vec![0, 84]));
    // A read leaves it, also one that is refused; the next write does not.
    assert_eq!(client.read(1, 200, 1).await, Err(2));
    assert_eq!(client.read(1, 98, 2).await, Ok(vec![0, 80]));
    assert_eq!(client.write_one(1, 84, 77).await, Err(3));
    assert_eq!(farm.client().await.read(1, 98, 2).await, Ok(vec![3, 84]), "for everybody");
}

#[tokio::test]
async fn a_write_that_is_refused_at_the_edge_is_told_with_names_values_and_the_reason() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let controls = model(&mut client, 704).await;
    assert_eq!(client.write(3, controls + 22, &[1, 1, 0x7F, 0]).await, Err(3));
    assert_eq!(client.write_one(255, 85, 7).await, Err(2));
    assert_eq!(client.write(1, 30_000, &[1, 2]).await, Err(2));
    assert_eq!(client.write_one(11, 84, 1).await, Err(11));
    let own = client.stream.local_addr().unwrap().to_string();
    let refused = farm.fake.refused.lock().unwrap().clone();
    assert!(refused.iter().all(|told| told.origin.peer.as_ref() == Some(&own)));
    let told: Vec<_> = refused
        .iter()
        .map(|told| {
            let via = told.origin.via.as_deref().unwrap();
            (told.unit.map(UnitId::number), &told.what[..], &told.reason[..], via)
        })
        .collect();
    let via = format!("FC16 {}..{}", controls + 22, controls + 25);
    let no_register = "exception 2: a register is not in the map or not writable";
    assert_eq!(
        told,
        [
            (
                Some(3),
                "704.WSetEna = 1, 704.WSetMod = 1, 704.WSet = 8323072 W",
                "exception 3: active_power_w must be from -2500000 to 2500000 W, got 8323072",
                &via[..],
            ),
            (None, "heartbeat of the EMS = 7", no_register, "FC6 85"),
            (Some(1), "30000 = 0x0001, 30001 = 0x0002", no_register, "FC16 30000..30001"),
            (
                None,
                "unit id 11, 1 registers",
                "exception 11: nobody answers to this unit id",
                "FC6 84"
            ),
        ]
    );
}

#[tokio::test]
async fn every_request_to_a_unit_is_noted_and_none_to_the_plant() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    assert!(client.read(2, 0, 4).await.is_ok());
    assert_eq!(client.read(3, 200, 1).await, Err(2), "a refused one too");
    assert_eq!(client.write_one(4, 85, 1).await, Ok(()));
    assert!(client.read(255, 0, 4).await.is_ok());
    assert_eq!(client.read(99, 0, 4).await, Err(11));
    let noted: Vec<_> = farm.fake.noted.lock().unwrap().iter().map(|u| u.number()).collect();
    assert_eq!(noted, [2, 3, 4]);
}

#[tokio::test]
async fn a_string_is_taken_out_by_its_register() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let bank = model(&mut client, 803).await;
    // The third of the strings, 32 registers each after 28.
    let string = bank + 28 + 2 * 32;
    assert_eq!(client.write_one(2, string + 28, 2).await, Ok(()));
    assert_eq!(
        client.read(2, string + 1, 2).await,
        Ok(vec![0, 0]),
        "neither enabled nor connected"
    );
    assert_eq!(client.read(2, string + 28, 2).await, Ok(vec![2, 2]));
    assert_eq!(client.read(2, 102, 2).await, Ok(vec![0, 0b1111_1111_1011]));
    assert_eq!(client.write_one(2, string + 29, 1).await, Ok(()));
    assert_eq!(client.read(2, string + 1, 2).await, Ok(vec![0, 3]));
}
