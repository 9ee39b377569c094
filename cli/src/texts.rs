//! Files that name other files, kept as they were read: for a digest of all that was read, and for a run
//! that is to be done again where they are not.

use crate::setup::unreadable;
use bess_core::config::Problems;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::path::Path;

/// A file with those that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Texts {
    /// Its name, as problems name it.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) text: String,
    /// The files that it names: each with its name there and its text, in the order in which they were read.
    pub(crate) files: Vec<(String, String)>,
}

/// Gives the text of a file that another one names.
pub(crate) type Source<'s> = dyn Fn(&str) -> Result<String, String> + 's;

/// Makes something of a file: its name, its text, and where the files are that it names.
pub(crate) type Parse<'p, T> = dyn FnMut(&str, &str, &Source<'_>) -> Result<T, Problems> + 'p;

impl Texts {
    /// A text that is no file and names none.
    pub(crate) fn alone(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), files: Vec::new() }
    }

    /// Reads a file, and those that it names by their paths relative to it.
    ///
    /// # Errors
    /// All problems of the files.
    pub(crate) fn read<T>(path: &Path, parse: &mut Parse<'_, T>) -> Result<(T, Self), Problems> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(&name, &error))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let files = RefCell::new(Vec::new());
        let made = parse(&name, &text, &|file| {
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            files.borrow_mut().push((file.to_owned(), text.clone()));
            Ok(text)
        })?;
        Ok((made, Self { name, text, files: files.into_inner() }))
    }

    /// The same again, from what was kept.
    ///
    /// # Errors
    /// All problems of the texts.
    pub(crate) fn again<T>(&self, parse: &mut Parse<'_, T>) -> Result<T, Problems> {
        parse(&self.name, &self.text, &|file| {
            let known = self.files.iter().find(|(name, _)| name == file);
            known.map(|(_, text)| text.clone()).ok_or_else(|| format!("{file} was not kept"))
        })
    }

    /// SHA-256 of every text in its order, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for text in std::iter::once(&self.text).chain(self.files.iter().map(|(_, text)| text)) {
            // Its length too, so that two files are not another one.
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hex(&hasher.finalize())
    }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
