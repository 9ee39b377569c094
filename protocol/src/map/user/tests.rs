//! Map files as devices: what a client reads and writes, and what a person who writes one is told.

mod bench;
mod shipped;
