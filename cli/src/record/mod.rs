//! Recordings: everything that came to a live farm from outside, with its tick, so that the run can be
//! repeated bit for bit.
//!
//! `text` is the form of the file, `write` makes it while a farm runs, `read` checks it, `replay` repeats
//! the run, `sources` keeps the texts of faults and scenarios.

mod read;
pub(crate) mod replay;
mod sources;
mod text;
mod write;

pub(crate) use read::Recording;
pub(crate) use sources::RememberingBook;
pub(crate) use text::{Header, StageSource};
pub(crate) use write::{RecordFile, RecordFolder};

/// Name of the file in the folder of a recording.
pub(crate) const FILE: &str = "recording.ron";
/// Its name as long as it is written.
pub(crate) const PART: &str = "recording.ron.part";

#[cfg(test)]
mod tests;
