//! The log of the process as REST sees it: levels that can be changed while it runs.
//!
//! Who writes the log implements [`LogControl`].

use std::fmt;

/// How the log is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogView {
    /// The filter in force, such as `info,bess_protocol=debug`.
    pub filter: String,
    /// The filter that the process was started with.
    pub filter_at_start: String,
    /// Form of the lines: `human` or `json`.
    pub format: &'static str,
    /// The file that lines are written to, beside the standard error output.
    pub file: Option<String>,
    /// Names that a filter may give a level.
    pub modules: Vec<&'static str>,
}

/// Why a filter was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRefusal {
    /// Where in the text, in bytes from its start.
    pub at: usize,
    /// The part that is wrong.
    pub part: String,
    /// Why, and what would do.
    pub reason: String,
    /// What may stand there.
    pub allowed: Vec<&'static str>,
}

impl fmt::Display for FilterRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at character {}: {}", self.part, self.at + 1, self.reason)
    }
}

/// The log's levels.
pub trait LogControl: Send + Sync + fmt::Debug {
    /// How it is set.
    fn view(&self) -> LogView;

    /// Sets the levels; `None` for those that the process was started with.
    ///
    /// # Errors
    /// When the filter is none; then nothing is changed.
    fn set(&self, filter: Option<&str>) -> Result<(), FilterRefusal>;
}
