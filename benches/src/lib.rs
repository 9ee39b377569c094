//! What the benches share: the fixed reference kernel, farms of a given size, and what measures servers: the
//! process under test, its clients, and a report with bars.

pub mod child;
pub mod farms;
pub mod kernel;
pub mod load;
pub mod report;
pub mod stats;

/// An error of a measurement: there is nothing to do but to tell.
pub type Fault = Box<dyn std::error::Error>;
