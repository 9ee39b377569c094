//! The language as its users meet it.

mod farm;
mod faulty;
mod functions;
mod laws;
mod operators;
mod speed;

use farm::Bench;

/// Compiles a text with the names of the bench, or panics with what is wrong.
pub(super) fn compiles(text: &str) {
    Bench::new().compile(text);
}
