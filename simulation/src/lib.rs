//! The physics of every cell, the engine that steps a farm, and the thread that paces it.
//!
//! `physics` holds kernels and small models, `bms` what a rack's BMS believes, `contactors` the switchgear
//! of a rack, `battery` the racks of a unit, `sensor` what broken sensors show, `machine` the states of a unit, `unit` one container, `engine`
//! the farm and the order of a tick. All of that is synchronous and deterministic: same farm, seed and
//! commands give the same bits on any number of workers. Only `pacer` and `thread` know wall time.

mod battery;
pub mod bms;
pub mod cell;
mod contactors;
pub mod engine;
mod function;
mod grid;
mod impaired;
mod machine;
pub mod pacer;
mod persist;
pub mod physics;
mod plant;
mod protection;
mod sensor;
pub mod thread;
mod unit;
mod watch;

pub use engine::{
    APART_MAX_TICKS, Engine, EngineOptions, Inputs, NotRegrouped, PhaseMarks, Section, State,
};
pub use persist::Misfit;
pub use thread::{FarmHandle, Keeper, LoopOptions, spawn};
