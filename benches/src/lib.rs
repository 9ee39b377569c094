//! What the benches share: the fixed reference kernel and farms of a given size.

pub mod farms;
pub mod kernel;
