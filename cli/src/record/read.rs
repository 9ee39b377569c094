//! A recording as it is read again: checked as a whole before anything is done with it.

use super::text::{Chain, Entry, FORMAT, Header};
use super::{FILE, PART};
use crate::texts::Texts;
use bess_core::config::{Problem, Problems, parse_farm};
use bess_core::spec::FarmSpec;
use bess_simulation::{Engine, EngineOptions, Inputs};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A recording whose lines are all as they were written.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    pub(crate) header: Header,
    pub(crate) spec: Arc<FarmSpec>,
}

impl Recording {
    /// Reads and checks the recording in `folder`.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub(crate) fn open(folder: &Path) -> Result<Self, Problems> {
        let path = folder.join(FILE);
        let mut lines = Lines::open(&path)?;
        let header: Header = lines.next()?.ok_or_else(|| lines.problem("the file is empty"))?;
        if header.format != FORMAT {
            let message = format!("its form is {}, this version reads {FORMAT}", header.format);
            return Err(lines.problem(&message));
        }
        if header.farm.sha256() != header.farm_sha256 {
            return Err(lines.problem("the farm file in it has another digest than it says"));
        }
        let mut tick = bess_core::time::Tick(0);
        let mut has_end = false;
        while let Some(entry) = lines.next::<Entry>()? {
            if has_end || entry.tick() < tick {
                return Err(lines.problem("the line is not in the order of the ticks"));
            }
            tick = entry.tick();
            has_end = matches!(entry, Entry::End { .. });
        }
        if !has_end {
            return Err(lines.problem("the recording is torn off: its last line is no End"));
        }
        let spec = Arc::new(farm(&header)?);
        Ok(Self { path, header, spec })
    }

    /// The lines after the first.
    ///
    /// # Errors
    /// When the file changed meanwhile.
    pub(crate) fn entries(
        &self,
    ) -> Result<impl Iterator<Item = Result<Entry, Problems>>, Problems> {
        let mut lines = Lines::open(&self.path)?;
        let _: Option<Header> = lines.next()?;
        Ok(std::iter::from_fn(move || lines.next().transpose()))
    }

    /// The farm as it was at tick 0.
    pub(crate) fn engine(&self, workers: usize) -> Engine {
        let inputs = self.header.inputs.clone();
        let inputs = Inputs {
            frequency: inputs.frequency.map(Arc::new),
            voltage: inputs.voltage.map(Arc::new),
            ambient: inputs.ambient.map(Arc::new),
        };
        let options = EngineOptions { start: self.header.start, workers };
        Engine::new(Arc::clone(&self.spec), inputs, options)
    }
}

/// The farm that a recording is of.
fn farm(header: &Header) -> Result<FarmSpec, Problems> {
    let farm: &Texts = &header.farm;
    let mut spec = farm.again(&mut |name, text, source| parse_farm(name, text, source))?;
    spec.seed = header.seed;
    crate::modbus::again(header.modbus.as_ref(), &spec)?.set_watchdogs(&mut spec);
    let Some((index, units_per_shard)) = header.shard else { return Ok(spec) };
    spec.in_shard(index, units_per_shard)
        .map_err(|no| Problems(vec![Problem::without_place(FILE, no.to_string(), None)]))
}

/// The lines of a recording, each checked against those before it.
struct Lines {
    name: String,
    file: BufReader<File>,
    chain: Chain,
    number: usize,
    line: String,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Problems> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| {
            let is_torn = path.with_file_name(PART).exists();
            let hint = if is_torn {
                format!("there is a {PART}: bess did not come to the end of it, or still writes it")
            } else {
                "`bess serve --record DIR` makes such a folder".to_owned()
            };
            let message = format!("cannot read the recording: {error}");
            Problems(vec![Problem::without_place(&name, message, Some(hint))])
        })?;
        let (file, line) = (BufReader::new(file), String::new());
        Ok(Self { name, file, chain: Chain::default(), number: 0, line })
    }

    fn next<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, Problems> {
        self.line.clear();
        self.number += 1;
        match self.file.read_line(&mut self.line) {
            Ok(0) => Ok(None),
            Ok(_) => {
                let value = self.chain.value(&self.line);
                value.map(Some).map_err(|message| self.problem(&message))
            }
            Err(error) => Err(self.problem(&error.to_string())),
        }
    }

    fn problem(&self, message: &str) -> Problems {
        let name = format!("{}:{}", self.name, self.number);
        Problems(vec![Problem::without_place(&name, message.to_owned(), None)])
    }
}
