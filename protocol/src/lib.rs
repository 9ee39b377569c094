//! Modbus TCP for bess: register maps, the server and its guard.
//!
//! A request is framed and checked by the `guard`, decoded and answered by tokio-modbus, and served
//! by the `service` from one snapshot. A write becomes commands for the loop and is answered after
//! the loop acknowledged them. What a register means is said in [`map`] alone.

mod access;
mod guard;
pub mod map;
mod pdu;
mod server;
mod service;
#[cfg(test)]
mod testing;
pub mod tls;

pub use access::{FarmAccess, ServerConfig};
pub use server::serve;
