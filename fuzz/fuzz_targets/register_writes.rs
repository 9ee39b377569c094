//! Writes to registers of a farm that goes on: a refused one changes no setting, the state stays finite and
//! what registers show can be read.

#![no_main]

use bess_core::snapshot::Snapshot;
use bess_fuzz::{Bench, frames};
use libfuzzer_sys::fuzz_target;

/// A request from five bytes and its words: unit id, function, address, ticks that pass after it.
fn request(input: &[u8]) -> Option<(Vec<u8>, u64, &[u8])> {
    let [unit, function, near, offset, len, rest @ ..] = input else { return None };
    let unit_id = [1, 2, 3, 255][usize::from(unit % 4)];
    // Where writable registers are: the compact map, the chain, scratch memory, anywhere.
    let base = [80u16, 40_000, 40_256, 40_512, 40_768, 41_024, 0, 991][usize::from(near % 8)];
    let address = base.wrapping_add(u16::from(*offset));
    let n = usize::from(len % 16) + 1;
    let bytes = rest.get(..2 * n).unwrap_or_default();
    let rest = &rest[bytes.len()..];
    let count = (bytes.len() / 2) as u8;
    let mut pdu = match function % 5 {
        0 => vec![6],
        1 => vec![22],
        2 => vec![5],
        _ => vec![16],
    };
    pdu.extend(address.to_be_bytes());
    let word = |at: usize| bytes.get(2 * at..2 * at + 2).unwrap_or(&[0, 1]).to_vec();
    match pdu[0] {
        5 | 6 => pdu.extend(word(0)),
        22 => pdu.extend([word(0), word(1)].concat()),
        _ => {
            pdu.extend([0, count, 2 * count]);
            pdu.extend(bytes);
        }
    }
    let mut frame = vec![0, 7, 0, 0, 0, pdu.len() as u8 + 1, unit_id];
    frame.extend(pdu);
    Some((frame, u64::from(*near >> 5), rest))
}

fn settings_equal(before: &Snapshot, after: &Snapshot) -> bool {
    let pairs = before.units.iter().zip(&after.units);
    let same = |(a, b): (&bess_core::snapshot::UnitView, &bess_core::snapshot::UnitView)| {
        a.control == b.control && a.state == b.state
    };
    pairs.into_iter().all(same)
        && before.functions == after.functions
        && before.farm.setpoint == after.farm.setpoint
}

fn assert_finite(snapshot: &Snapshot) {
    for unit in &snapshot.units {
        let numbers = [
            unit.ac.active_power.0,
            unit.ac.reactive_power.0,
            unit.dc.voltage.0,
            unit.truth.soc,
            unit.measured.soc,
            unit.coolant_temperature.0,
        ];
        assert!(numbers.iter().all(|number| number.is_finite()), "{numbers:?}");
        assert!((-0.1..=1.1).contains(&unit.truth.soc));
    }
}

/// Everything can be read, and is in its range.
fn assert_shown(bench: &Bench, unit_id: u8) {
    let answer = bench.talk(&[0, 8, 0, 0, 0, 6, unit_id, 3, 0, 0, 0, 125]);
    let answered = frames(&answer);
    assert_eq!(answered.len(), 1, "one answer");
    let pdu = answered[0].2;
    assert_eq!(pdu[..2], [3, 250], "125 registers");
    let word = |at: usize| u16::from_be_bytes([pdu[2 + 2 * at], pdu[3 + 2 * at]]);
    // Unit 2 has scratch memory there.
    if unit_id != 2 {
        assert_eq!(word(0), 0xBE55, "the compact map");
        assert!(word(24) <= 10_000, "a state of charge of {} hundredths of a percent", word(24));
        assert!(word(84) <= 13, "mode {}", word(84));
        assert!(word(92) <= word(93), "a window of {} to {}", word(92), word(93));
    }
}

/// Requests of one input: a fresh farm costs far more than a request.
const REQUESTS_MAX: usize = 48;

fuzz_target!(|input: &[u8]| {
    let bench = Bench::new();
    let mut input = input;
    for _ in 0..REQUESTS_MAX {
        let Some((frame, ticks, rest)) = request(input) else { break };
        input = rest;
        let before = bench.snapshot();
        let answer = bench.talk(&frame);
        let answered = frames(&answer);
        assert_eq!(answered.len(), 1, "one answer");
        if answered[0].2[0] & 0x80 != 0 {
            assert!(
                settings_equal(&before, &bench.snapshot()),
                "a refused write changed something"
            );
        }
        bench.step(ticks);
        assert_finite(&bench.snapshot());
        assert_shown(&bench, frame[6]);
    }
    assert_eq!(bench.panics(), 0);
});
