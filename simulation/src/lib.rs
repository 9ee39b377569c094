//! The physics of every cell, the engine that steps a farm, and the thread that paces it.
//!
//! `physics` holds kernels and small models, `bms` what a rack's BMS believes, `battery` the racks of a
//! unit, `unit` one container, `engine` the farm and the order of a tick. All of that is synchronous and deterministic: same farm, seed and commands give the
//! same bits on any number of workers. Only `pacer` and `thread` know wall time.

mod battery;
pub mod bms;
pub mod cell;
pub mod engine;
pub mod pacer;
pub mod physics;
mod plant;
pub mod thread;
mod unit;

pub use engine::{Engine, EngineOptions, Inputs};
pub use thread::{FarmHandle, LoopOptions, spawn};
