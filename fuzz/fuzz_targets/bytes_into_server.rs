//! Arbitrary bytes from a client: the server answers in whole frames, at most one for each that it got, in
//! their order, and nothing panics.

#![no_main]

use bess_fuzz::{Bench, frames};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static BENCH: Bench = Bench::new();
}

/// Transaction ids of the frames that the bytes begin with.
fn asked(mut bytes: &[u8]) -> Vec<u16> {
    let mut asked = Vec::new();
    while let [a, b, 0, 0, c, d, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*c, *d]));
        if !(2..=254).contains(&length) || rest.len() < length {
            break;
        }
        asked.push(u16::from_be_bytes([*a, *b]));
        bytes = &rest[length..];
    }
    asked
}

fuzz_target!(|bytes: &[u8]| {
    BENCH.with(|bench| {
        let answer = bench.talk(bytes);
        let answered: Vec<u16> = frames(&answer).iter().map(|frame| frame.0).collect();
        assert_eq!(answered, asked(bytes), "one answer to each whole frame, in order");
        assert_eq!(bench.panics(), 0);
    });
});
