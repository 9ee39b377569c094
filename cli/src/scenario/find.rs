//! A scenario by its file, or by the id of one that comes with bess.

use crate::BadInput;
use crate::record::StageSource;
use crate::setup::load_farm_texts;
use bess_core::config::{Problems, did_you_mean};
use bess_core::spec::FarmSpec;
use bess_core::stage::{Prepared, StageBook};
use bess_scenarios::book::Book;
use bess_scenarios::format::Reading;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// A scenario as a text.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Name of the file, or id.
    pub(crate) name: String,
    /// What its folder of reports is called.
    pub(crate) id: String,
    pub(crate) text: String,
    /// Where the files are that it names.
    folder: Option<PathBuf>,
}

/// Gets a scenario: a file where there is one of that name, else one that comes with bess.
pub(crate) fn find(name: &str, book: &Book) -> Result<Found, BadInput> {
    let path = Path::new(name);
    if let Some(info) = book.scenarios().iter().find(|info| info.id == name)
        && !path.exists()
    {
        let (name, id, text) = (name.to_owned(), info.id.clone(), info.text.to_string());
        return Ok(Found { name, id, text, folder: None });
    }
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let stem = path.file_stem().map_or(name.into(), |stem| stem.to_string_lossy());
            let folder = path.parent().map(Path::to_owned);
            Ok(Found { name: name.to_owned(), id: stem.into_owned(), text, folder })
        }
        Err(error) => {
            let known: Vec<&str> = book.scenarios().iter().map(|info| info.id.as_str()).collect();
            let hint = did_you_mean(name, &known).unwrap_or_else(|| {
                "`bess scenario list` names those that come with bess".to_owned()
            });
            Err(BadInput(format!("cannot read the scenario {name}: {error}\nhint: {hint}")))
        }
    }
}

impl Found {
    /// The farm for it: that of `file`, else the one that it names, else the built-in one.
    ///
    /// # Errors
    /// All problems of the files.
    pub(crate) fn farm(&self, file: Option<&Path>) -> Result<FarmSpec, Problems> {
        load_farm_texts(file, self.named_farm()).map(|(spec, _)| spec)
    }

    /// The farm that it names, of those that come with bess: its name and its text.
    pub(crate) fn named_farm(&self) -> Option<(&'static str, &'static str)> {
        bess_scenarios::format::farm_of(&self.name, &self.text)
    }

    /// Reads it for a farm.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub(crate) fn read(
        &self,
        book: &Book,
        set: &[(String, String)],
        seed: Option<u64>,
        spec: &FarmSpec,
    ) -> Result<Prepared, Problems> {
        self.read_with_source(book, set, seed, spec).map(|(prepared, _)| prepared)
    }

    /// The same with all that was read, so that it can be read again.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub(crate) fn read_with_source(
        &self,
        book: &Book,
        set: &[(String, String)],
        seed: Option<u64>,
        spec: &FarmSpec,
    ) -> Result<(Prepared, StageSource), Problems> {
        let kept = RefCell::new(Vec::new());
        let files = |file: &str| {
            let Some(folder) = &self.folder else {
                return bess_scenarios::format::no_files(file);
            };
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            kept.borrow_mut().push((file.to_owned(), text.clone()));
            Ok(text)
        };
        let reading = Reading { set, spec, files: &files };
        let prepared = book.read_scenario_with(&self.name, &self.text, seed, &reading)?;
        // A drawn seed is drawn once.
        let seed = book.plan(&prepared).map(|plan| plan.seed).or(seed);
        let (file, text, set) = (self.name.clone(), self.text.clone(), set.to_vec());
        Ok((prepared, StageSource { file, text, set, seed, files: kept.into_inner() }))
    }
}

/// A seed from the system.
pub(crate) fn new_seed() -> u64 {
    let mut bytes = [0; 8];
    // Where the system has none, one that is always the same is better than no run.
    if getrandom::fill(&mut bytes).is_err() {
        return 1;
    }
    // What JSON can hold exactly.
    u64::from_le_bytes(bytes) >> 11
}
