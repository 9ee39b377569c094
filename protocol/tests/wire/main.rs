//! The server over real sockets on port 0, with a farm that applies commands at once.

// The lint spares unwraps in test functions, not in their helpers.
#![allow(clippy::unwrap_used)]

mod addressing;
mod clients;
mod conditions;
mod counters;
mod farm;
mod maps;
mod robustness;
#[path = "../../src/testing.rs"]
mod testing;
mod transport;
mod writes;
