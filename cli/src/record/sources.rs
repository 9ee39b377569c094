//! A book of faults and scenarios that remembers the texts that it read, for as long as somebody holds what
//! was made of them.

use super::text::StageSource;
use crate::scenario::Found;
use bess_core::config::Problems;
use bess_core::spec::FarmSpec;
use bess_core::stage::{FaultKindInfo, Prepared, ReportForm, ScenarioInfo, StageBook};
use bess_scenarios::book::Book;
use bess_scenarios::format::Reading;
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What was made of a text, if somebody still holds it, and the text.
type Known = (Weak<dyn Any + Send + Sync>, StageSource);

/// A book that remembers what it read.
#[derive(Debug)]
pub(crate) struct RememberingBook {
    book: Arc<Book>,
    known: Mutex<Vec<Known>>,
}

impl RememberingBook {
    pub(crate) fn around(book: Arc<Book>) -> Self {
        Self { book, known: Mutex::default() }
    }

    /// The book that reads.
    pub(crate) fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Reads a scenario of a file that somebody found, and remembers what it was made of.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub(crate) fn read_found(
        &self,
        found: &Found,
        set: &[(String, String)],
        seed: Option<u64>,
        spec: &FarmSpec,
    ) -> Result<Prepared, Problems> {
        let (prepared, source) = found.read_with_source(&self.book, set, seed, spec)?;
        self.remember(&prepared, source);
        Ok(prepared)
    }

    /// Reads it again.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub(crate) fn again(
        &self,
        source: &StageSource,
        spec: &FarmSpec,
    ) -> Result<Prepared, Problems> {
        let StageSource { file, text, set, seed, files } = source;
        let kept = |name: &str| {
            let known = files.iter().find(|(known, _)| known == name);
            known.map(|(_, text)| text.clone()).ok_or_else(|| format!("{name} was not kept"))
        };
        let reading = Reading { set, spec, files: &kept };
        self.book.read_scenario_with(file, text, *seed, &reading)
    }

    /// The text that `prepared` was made of; `None` where this book did not read it.
    pub(crate) fn source(&self, prepared: &Prepared) -> Option<StageSource> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |made: &Weak<dyn Any + Send + Sync>| {
            made.upgrade().is_some_and(|made| Arc::ptr_eq(&made, &prepared.0))
        };
        known.iter().find(|(made, _)| is_it(made)).map(|(_, source)| source.clone())
    }

    fn remember(&self, prepared: &Prepared, source: StageSource) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(made, _)| made.strong_count() > 0);
        known.push((Arc::downgrade(&prepared.0), source));
    }
}

impl StageBook for RememberingBook {
    fn kinds(&self) -> &[FaultKindInfo] {
        self.book.kinds()
    }
    fn scenarios(&self) -> &[ScenarioInfo] {
        self.book.scenarios()
    }
    fn read_fault(&self, file: &str, text: &str, spec: &FarmSpec) -> Result<Prepared, Problems> {
        let prepared = self.book.read_fault(file, text, spec)?;
        let (file, text) = (file.to_owned(), text.to_owned());
        self.remember(&prepared, StageSource { file, text, ..StageSource::default() });
        Ok(prepared)
    }
    fn read_scenario(
        &self,
        file: &str,
        text: &str,
        set: &[(String, String)],
        seed: Option<u64>,
        spec: &FarmSpec,
    ) -> Result<Prepared, Problems> {
        let prepared = self.book.read_scenario(file, text, set, seed, spec)?;
        let (file, text) = (file.to_owned(), text.to_owned());
        // A drawn seed is drawn once.
        let seed = self.book.plan(&prepared).map(|plan| plan.seed).or(seed);
        let source = StageSource { file, text, set: set.to_vec(), seed, files: Vec::new() };
        self.remember(&prepared, source);
        Ok(prepared)
    }
    fn report(&self, run: &str, form: ReportForm) -> Option<Arc<str>> {
        self.book.report(run, form)
    }
}
