//! Modbus TCP for bess: register maps, devices, and the server.
//!
//! A request is framed, judged and answered by its connection from one snapshot; a write becomes a
//! command for the loop and is answered after the loop acknowledged it, or at once where the listener
//! says so. What a register means is said in [`map`] alone, who answers to an address in [`plan`].

mod access;
mod book;
mod conditions;
pub mod config;
mod device;
mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod images;
pub mod map;
mod pdu;
pub mod plan;
mod server;
mod service;
mod session;
mod shelf;
mod span;
#[cfg(test)]
mod testing;
pub mod tls;

pub use access::{Absent, Ack, FarmAccess, ListenerConfig};
pub use book::MapBook;
pub use device::Gateway;
pub use server::{Reach, Socket, serve, serve_all};
