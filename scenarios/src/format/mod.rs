//! Scenario files: text in, a checked [`Scenario`] or *all* the problems of the text out.
//!
//! What objects there are and which keys they have stands in [`objects`], once for the reader, the
//! schema and the documents. A key that no table has cannot be read, one that no reader asks for is
//! refused.

mod deed;
mod expectations;
mod functions;
mod matching;
pub mod objects;
mod order;
mod params;
mod part;
mod read;
mod scenario;
mod schema;
pub mod setup;
mod single;
pub mod table;
mod targets;
mod timeline;
mod value;
mod values;

pub use crate::faults::TargetKind;
pub use crate::text::ParamValue;
pub use deed::{CONTROLS, Control, ControlKind, Deed};
pub use matching::{Condition, Matching};
pub use part::Files;
pub use read::{Reading, farm_of, no_files, read_scenario};
pub use scenario::*;
pub use schema::{fault_schema, scenario_schema};
pub use single::{parse_target, read_fault};
pub use value::{Curve, Draw, Setting, Shape, Value};
