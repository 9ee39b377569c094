//! Scenario files: text in, a checked [`Scenario`] or *all* the problems of the text out.

mod deed;
mod matching;
mod scenario;
pub mod setup;
mod value;

pub use crate::faults::TargetKind;
pub use deed::{CONTROLS, Control, ControlKind, Deed};
pub use matching::{Condition, Matching};
pub use scenario::*;
pub use value::{Curve, Draw, Setting, Shape, Value};
