//! What happens to a farm from outside: timed commands and input series.
//!
//! [`dispatch`] turns a series of farm power into the commands of a schedule; [`profile`] makes seeded
//! series (grid frequency, AGC signal, site load, ambient temperature) where no record is at hand.
//! [`expr`] is the language in which scenarios say what must be true, [`sight`] what it can see.
//! Like the physics it knows no clock, no file and no socket.

pub mod book;
pub mod dispatch;
pub mod expr;
pub mod faults;
pub mod format;
pub mod library;
pub mod profile;
pub mod report;
pub mod run;
pub mod sight;
pub mod text;
