//! A log that takes two filters.

use bess_core::logging::{FilterRefusal, LogControl, LogView};
use std::sync::Mutex;

/// Takes `info` and `debug`.
#[derive(Debug)]
pub(crate) struct FakeLog(Mutex<String>);

impl Default for FakeLog {
    fn default() -> Self {
        Self(Mutex::new("info".to_owned()))
    }
}

impl LogControl for FakeLog {
    fn view(&self) -> LogView {
        LogView {
            filter: self.0.lock().unwrap().clone(),
            filter_at_start: "info".to_owned(),
            format: "json",
            file: None,
            modules: vec!["bess", "bess_api"],
        }
    }
    fn set(&self, filter: Option<&str>) -> Result<(), FilterRefusal> {
        let filter = filter.unwrap_or("info");
        if !["info", "debug"].contains(&filter) {
            let (part, reason) = (filter.to_owned(), "no level".to_owned());
            return Err(FilterRefusal { at: 0, part, reason, allowed: vec!["info", "debug"] });
        }
        filter.clone_into(&mut self.0.lock().unwrap());
        Ok(())
    }
}
