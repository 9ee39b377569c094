//! Runs of scenarios and single faults: what is due when, at whom, whether it acts, and what it comes to.

mod chance;
mod check;
mod course;
mod deed;
mod detect;
mod eyes;
mod fault;
mod invariants;
mod judge;
mod layers;
mod phases;
mod play;
mod record;
mod select;
mod stage;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timeline;
mod verdict;

pub use chance::fnv1a;
pub use eyes::names;
pub use play::Ready;
pub use stage::{RUNNING_MAX, ReadyFault, Shared, Stage};
