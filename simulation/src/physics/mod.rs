//! Kernels and small models: free of ids, commands and snapshots.

pub mod cooling;
mod kernel;
pub mod limits;
pub mod pcs;
pub mod rack;
pub mod real;
pub mod split;
pub mod table;
