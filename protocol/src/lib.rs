//! Modbus TCP for bess: register maps, devices, and the server.
//!
//! A request is framed, judged and answered by its connection from one snapshot; a write becomes a
//! command for the loop and is answered after the loop acknowledged it, or at once where the listener
//! says so. What a register means is said in [`map`] alone, who answers to an address in [`device`].

mod access;
pub mod device;
mod frame;
pub mod map;
mod pdu;
mod server;
mod service;
mod session;
#[cfg(test)]
mod testing;

pub use access::{FarmAccess, ServerConfig};
pub use server::serve;
