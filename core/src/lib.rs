//! The vocabulary of bess, shared by every other crate.
//!
//! `bess-core` knows no thread, no clock, no file and no socket: it names things. Physical units,
//! ids, simulated time, seeded chance, the checked description of a farm, what clients may ask
//! (`Command`) and what they may see (`Snapshot`) live here, each in one module.

pub mod alarm;
pub mod audit;
pub mod chemistry;
pub mod command;
pub mod config;
pub mod control;
pub mod defect;
pub mod device;
pub mod event;
pub mod force;
pub mod grid_code;
pub mod id;
pub mod link;
pub mod log;
pub mod logging;
pub mod math;
pub mod net;
pub mod point;
pub mod protection;
pub mod record;
pub mod rng;
pub mod role;
pub mod series;
pub mod service;
pub mod signal;
pub mod snapshot;
pub mod spec;
pub mod stage;
pub mod state;
pub mod stats;
pub mod time;
pub mod trace;
pub mod units;

pub use id::{CellAddress, RackId, UnitId, UnitNumbers};
pub use time::{Moment, SimTime, Tick};
