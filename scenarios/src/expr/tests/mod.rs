//! The language as its users meet it.

mod farm;
mod faulty;
mod functions;
mod laws;
mod operators;
mod speed;

use farm::Bench;
