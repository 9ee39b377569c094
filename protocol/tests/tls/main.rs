//! Modbus/TCP Security over real sockets: who is let in, as whom, and what it costs who is not.

// The lint spares unwraps in test functions, not in their helpers.
#![allow(clippy::unwrap_used)]

mod handshakes;
mod pki;
mod settings;
