//! Runs of scenarios and single faults: what is due when, at whom, whether it acts, and what it comes to.

pub mod chance;
pub mod course;
pub mod judge;
