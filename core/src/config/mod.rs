//! Farm and chemistry files: TOML text in, a checked value or *all* the problems of the text out.
//!
//! The text is walked as a spanned tree instead of being deserialised, because a deserialiser stops
//! at the first fault and cannot say which range a number had to lie in. Nothing here reads a file.

mod bms;
mod cooling;
mod defects;
mod diagnostic;
mod farm;
mod functions;
mod grid;
mod plant;
mod protection;
pub mod reader;
mod sequence;
mod site;
mod watchdog;

pub use diagnostic::{Problem, Problems};
pub use farm::{BUILT_IN_FARM, ChemistrySource, parse_farm};
pub use functions::read_functions_change;
pub use reader::{
    Bounds, Given, Literal, Node, Notation, Section, Shape, did_you_mean, read_document,
    read_document_with_files, read_tree,
};
