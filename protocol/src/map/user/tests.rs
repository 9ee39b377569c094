//! Map files as devices: what a client reads and writes, and what a person who writes one is told.

mod behaviour;
mod bench;
mod forms;
mod refusals;
mod served;
mod shipped;
