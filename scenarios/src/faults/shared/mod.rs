//! What kinds of faults have in common: the acts that many of them are made of, and the probes that see
//! them.

mod acts;
mod conditions;
mod links;
mod probes;
mod sensors;

pub(super) use acts::*;
pub(super) use conditions::*;
pub(super) use links::*;
pub(super) use probes::*;
pub(super) use sensors::*;
