//! What the maps show.

use crate::farm::{Farm, read_pdu};
use bess_core::command::Command;

#[tokio::test]
async fn the_chain_of_a_unit_is_contiguous_and_ends() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    assert_eq!(client.read(1, 40_000, 2).await.unwrap(), [0x5375, 0x6E53]);
    let (mut address, mut models) = (40_002, Vec::new());
    loop {
        let head = client.read(1, address, 2).await.unwrap();
        if head[0] == 0xFFFF {
            assert_eq!(head[1], 0);
            break;
        }
        models.push((head[0], head[1]));
        address += 2 + head[1];
    }
    let expected = [
        (1, 66),
        (701, 153),
        (702, 50),
        (703, 17),
        (704, 65),
        // Three curves of twenty points, and three sets of trips of ten.
        (705, 13 + 3 * (10 + 20 * 2)),
        (706, 13 + 3 * (5 + 20 * 2)),
        (707, 7 + 3 * (1 + 3 * (1 + 10 * 3))),
        (708, 7 + 3 * (1 + 3 * (1 + 10 * 3))),
        (709, 7 + 3 * (1 + 3 * (1 + 10 * 4))),
        (710, 7 + 3 * (1 + 3 * (1 + 10 * 4))),
        (711, 12 + 3 * 10),
        (712, 12 + 3 * (4 + 20 * 2)),
        (713, 7),
        (714, 18 + 25),
        (715, 7),
        (802, 62),
        (803, 26 + 12 * 32),
    ];
    assert_eq!(models, expected);
    assert_eq!(client.read(1, address + 2, 1).await, Err(2), "after the end");
    assert_eq!(client.read(1, address, 3).await, Err(2), "over the end");
    assert_eq!(client.read(1, 39_999, 2).await, Err(2), "over the start");
}

#[tokio::test]
async fn any_part_of_a_map_can_be_read_in_both_tables() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let whole = client.read(1, 40_000, 125).await.unwrap();
    for (skip, count) in [(1, 1), (19, 1), (20, 3), (80, 45), (124, 1)] {
        let part = client.read(1, 40_000 + skip, count).await.unwrap();
        let (skip, count) = (usize::from(skip), usize::from(count));
        assert_eq!(part, whole[skip..skip + count], "{count} from {skip}");
    }
    let input = client.ask(1, &read_pdu(4, 40_000, 125)).await;
    let bytes: Vec<u8> = whole.iter().flat_map(|word| word.to_be_bytes()).collect();
    assert_eq!((input[0], &input[2..]), (4, &bytes[..]));
}

#[tokio::test]
async fn one_read_of_the_compact_map_gives_everything() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let words = client.read(3, 0, 125).await.unwrap();
    let long = |at: usize| (u32::from(words[at]) << 16 | u32::from(words[at + 1])) as i32;
    assert_eq!(words[..2], [0xBE55, 2]);
    assert_eq!(long(2), 3, "unit number");
    assert_eq!(words[5], 3, "running");
    assert_eq!((long(12), long(14), long(16)), (1_000_000, -200_000, 1_020_000));
    assert_eq!(long(18), 50_012);
    assert_eq!((words[20], words[21]), (6_900, 13_753));
    assert_eq!((words[24], words[25]), (6_350, 9_800));
    assert_eq!((long(26), long(28)), (3_000_000, 1_900_000));
    assert_eq!((words[40], words[41] as i16), (313, -40));
    assert_eq!((words[42], words[43]), (3_312, 3_297));
    let sample_ms = words[60..64].iter().fold(0u64, |ms, word| ms << 16 | u64::from(*word));
    assert_eq!(sample_ms, 1_700_000_000_123);
    assert_eq!(long(64), 7, "low half of the publication number");
    assert_eq!((long(66), long(70), long(72)), (2_500_000, 1_210_000, 2_750_000));
    assert_eq!((words[84], words[86]), (2, 0), "setpoints, no watch");
    assert_eq!((long(90) as u32, words[92], words[93]), (0x8000_0000, 0, 10_000));
    assert_eq!((words[98], words[99]), (0xFFFF, 0xFFFF), "nothing was written yet");
    assert_eq!((words[100], words[107], words[119]), (1_000, 5, 415));
    assert_eq!((words[101], long(102)), (12, 0xFFF));
    assert_eq!(words[124], 0, "reserved");
    assert_eq!(client.read(3, 1, 125).await, Err(2), "over the end");
}

#[tokio::test]
async fn units_and_the_plant_answer_and_an_absent_unit_is_exception_11() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    assert_eq!(client.read(11, 0, 1).await, Err(0x0B));
    assert_eq!(client.read(247, 40_000, 1).await, Err(0x0B));
    for unit in [0, 255] {
        let words = client.read(unit, 0, 14).await.unwrap();
        assert_eq!(words[2..4], [0, 0], "the plant has no number");
        assert_eq!(i32::from(words[12]) << 16 | i32::from(words[13]), 9_990_000);
    }
    assert_eq!(client.read(10, 2, 2).await, Ok(vec![0, 10]));
}

#[tokio::test]
async fn the_plant_has_a_chain_of_its_own() {
    let farm = Farm::start().await;
    let mut client = farm.client().await;
    let (mut address, mut models) = (40_002, Vec::new());
    loop {
        let head = client.read(255, address, 2).await.unwrap();
        if head[0] == 0xFFFF {
            break;
        }
        models.push((head[0], address));
        address += 2 + head[1];
    }
    let ids: Vec<_> = models.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 701, 702, 704, 713, 203]);
    let (measurement, controls) = (models[1].1, models[3].1);
    // 9.99 MW of 25 MW at a scale of 1 kW.
    assert_eq!(client.read(255, measurement + 10, 1).await, Ok(vec![9_990]));
    assert_eq!(client.read(255, measurement + 116, 1).await, Ok(vec![3]));
    let setpoint = [1, 1, 0xFFB3, 0xB4C0];
    assert_eq!(client.write(255, controls + 22, &setpoint).await, Ok(()));
    assert_eq!(client.read(255, controls + 22, 4).await.unwrap(), setpoint);
    assert_eq!(client.write(255, controls + 35, &[1, 4]).await, Ok(()));
    assert_eq!(client.write(255, controls + 38, &[0, 9]).await, Ok(()));
    assert_eq!(client.write_one(255, controls + 22, 0).await, Ok(()));
    let released = farm.fake.letters.lock().unwrap().last().unwrap().0.clone();
    assert_eq!(released, Command::ReleaseFarm);
}
