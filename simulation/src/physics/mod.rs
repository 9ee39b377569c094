//! Kernels and small models: free of ids, commands and snapshots.

pub mod ageing;
pub mod cooling;
mod kernel;
pub mod limits;
mod parameters;
pub mod pcs;
mod pieces;
pub mod rack;
pub mod rainflow;
pub mod real;
pub mod runaway;
pub mod split;
pub mod transformer;
mod wide;
