//! A recording while it is made: the loop hands over what it takes, a thread of its own writes it.

use super::text::{Chain, Entry, Header, StageEntry, StageSource};
use super::{FILE, PART, RememberingBook};
use crate::BadInput;
use crate::texts::hex;
use anyhow::Context;
use bess_core::audit::AuditRecord;
use bess_core::command::{Command, Origin};
use bess_core::record::Recorder;
use bess_core::stage::{Prepared, StageRequest};
use bess_core::time::{TICKS_PER_S, Tick};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

/// Folders of recordings that are kept beside each other begin with it.
const BEFORE: &str = "recording-";

/// Ticks between two hashes of the state: a minute of simulated time.
const HASH_TICKS: u64 = 60 * TICKS_PER_S;

/// A folder that a recording is to go to: it was empty when it was asked for.
#[derive(Debug)]
pub(crate) struct RecordFolder(PathBuf);

impl RecordFolder {
    /// Takes an empty folder; makes it where there is none.
    ///
    /// # Errors
    /// When there is something in it, or it cannot be written to.
    pub(crate) fn take(path: &Path) -> Result<Self, BadInput> {
        let refuse = |why: &str| {
            let path = path.display();
            BadInput(format!(
                "cannot record to {path}: {why}\nhint: --record names an empty folder, or one that is not there yet"
            ))
        };
        std::fs::create_dir_all(path).map_err(|error| refuse(&error.to_string()))?;
        let mut inside = std::fs::read_dir(path).map_err(|error| refuse(&error.to_string()))?;
        if inside.next().is_some() {
            return Err(refuse("the folder is not empty"));
        }
        // Tried now, so that it is told before a port is bound.
        tempfile::NamedTempFile::new_in(path).map_err(|error| refuse(&error.to_string()))?;
        Ok(Self(path.to_owned()))
    }

    /// Takes a new folder within `path`, named by the time; of the recordings there only the newest `keep` stay,
    /// this one among them.
    ///
    /// # Errors
    /// When it cannot be made, or an old one cannot be deleted.
    pub(crate) fn take_within(path: &Path, keep: usize) -> Result<Self, BadInput> {
        let refuse = |error: std::io::Error| {
            let path = path.display();
            BadInput(format!(
                "cannot record within {path}: {error}\nhint: --record names a folder that can be written to"
            ))
        };
        if keep == 0 {
            return Err(BadInput("--record-keep must be at least 1, got 0".to_owned()));
        }
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ");
        let name = |n: u32| {
            let again = if n == 1 { String::new() } else { format!("-{n}") };
            path.join(format!("{BEFORE}{now}{again}"))
        };
        let free = (1..).map(name).find(|path| !path.exists()).expect("numbers do not end");
        let taken = Self::take(&free)?;
        let mut all = Vec::new();
        for entry in std::fs::read_dir(path).map_err(refuse)? {
            let entry = entry.map_err(refuse)?;
            let is_one = entry.file_name().to_string_lossy().starts_with(BEFORE);
            if is_one && entry.path().is_dir() && entry.path() != free {
                all.push(entry.path());
            }
        }
        all.sort();
        let old = all.len().saturating_sub(keep - 1);
        for folder in &all[..old] {
            // What somebody else has put there stays, and so does its folder.
            for name in [FILE, PART] {
                match std::fs::remove_file(folder.join(name)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(refuse(error));
                    }
                    _ => {}
                }
            }
            let _ = std::fs::remove_dir(folder);
        }
        Ok(taken)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Begins to write.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(crate) fn begin(
        self,
        header: &Header,
        book: Option<Arc<RememberingBook>>,
    ) -> anyhow::Result<(RecordFile, Box<dyn Recorder>)> {
        let part = self.0.join(PART);
        let cannot = || format!("cannot write {}", part.display());
        let file = File::options().write(true).create_new(true).open(&part).with_context(cannot)?;
        let mut writer = Writer { file: BufWriter::new(file), chain: Chain::default(), book };
        writer.put(header).with_context(cannot)?;
        let (letters, inbox) = channel();
        let folder = self.0;
        let thread = std::thread::Builder::new()
            .name("bess-record".into())
            .spawn(move || writer.run(&inbox, &folder))?;
        Ok((RecordFile(thread), Box::new(Tape(letters))))
    }
}

/// A recording that is being written.
#[derive(Debug)]
pub(crate) struct RecordFile(JoinHandle<std::io::Result<()>>);

impl RecordFile {
    /// Waits until all is written; after the loop has ended.
    ///
    /// # Errors
    /// When the recording is not whole: a disk was full, or the loop broke.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let written = self.0.join().map_err(|_| anyhow::anyhow!("its thread broke"));
        written.and_then(|written| Ok(written?)).context("the recording is not whole")
    }
}

/// What the loop hands over.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the common word is the large one")]
enum Said {
    Came { tick: Tick, command: Command, from: Origin, refused: bool },
    Asked { tick: Tick, request: StageRequest, refused: bool },
    Noted(AuditRecord),
    Looked(Tick),
    Counted(Tick, Vec<(usize, u64)>),
    Passed(Tick, [u8; 32]),
    Ended(Tick, [u8; 32]),
}

/// The loop's end of it. It never waits: what the disk has not taken yet stands in memory.
#[derive(Debug)]
struct Tape(Sender<Said>);

impl Tape {
    fn say(&self, said: Said) {
        // A writer that is gone has said why, and `finish` says it again.
        let _ = self.0.send(said);
    }
}

impl Recorder for Tape {
    fn came(&mut self, tick: Tick, command: &Command, origin: &Origin, refused: bool) {
        self.say(Said::Came { tick, command: command.clone(), from: origin.clone(), refused });
    }
    fn asked(&mut self, tick: Tick, request: &StageRequest, refused: bool) {
        self.say(Said::Asked { tick, request: request.clone(), refused });
    }
    fn noted(&mut self, record: &AuditRecord) {
        self.say(Said::Noted(record.clone()));
    }
    fn looked(&mut self, tick: Tick) {
        self.say(Said::Looked(tick));
    }
    fn counted(&mut self, tick: Tick, changes: &[(usize, u64)]) {
        self.say(Said::Counted(tick, changes.to_vec()));
    }
    fn wants_hash(&self, tick: Tick) -> bool {
        tick.0.is_multiple_of(HASH_TICKS)
    }
    fn passed(&mut self, tick: Tick, state_hash: &[u8; 32]) {
        self.say(Said::Passed(tick, *state_hash));
    }
    fn ended(&mut self, tick: Tick, state_hash: &[u8; 32]) {
        self.say(Said::Ended(tick, *state_hash));
    }
}

struct Writer {
    file: BufWriter<File>,
    chain: Chain,
    book: Option<Arc<RememberingBook>>,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Said>, folder: &Path) -> std::io::Result<()> {
        let written = self.follow(inbox, folder);
        if let Err(error) = &written {
            tracing::error!(%error, "the recording breaks off");
        }
        written
    }

    fn follow(&mut self, inbox: &Receiver<Said>, folder: &Path) -> std::io::Result<()> {
        loop {
            let said = match inbox.try_recv() {
                Ok(said) => said,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    // Whoever looks meanwhile finds whole lines.
                    self.file.flush()?;
                    match inbox.recv() {
                        Ok(said) => said,
                        Err(_) => break,
                    }
                }
            };
            let is_last = matches!(said, Said::Ended(..));
            let entry = self.entry(said)?;
            self.put(&entry)?;
            if is_last {
                self.file.flush()?;
                self.file.get_ref().sync_all()?;
                return std::fs::rename(folder.join(PART), folder.join(FILE));
            }
        }
        self.file.flush()?;
        Err(std::io::Error::other("the loop ended without a last word"))
    }

    fn put(&mut self, value: &impl serde::Serialize) -> std::io::Result<()> {
        let line = self.chain.line(value).map_err(std::io::Error::other)?;
        self.file.write_all(line.as_bytes())
    }

    fn entry(&self, said: Said) -> std::io::Result<Entry> {
        Ok(match said {
            Said::Came { tick, command, from, refused } => {
                Entry::Command { tick, from, refused, command }
            }
            Said::Asked { tick, request, refused } => {
                Entry::Stage { tick, refused, request: self.stage_entry(request)? }
            }
            Said::Noted(AuditRecord { tick, origin, unit, what, needs, refused, .. }) => {
                Entry::Note { tick, from: origin, unit, what, needs, refused }
            }
            Said::Counted(tick, changed) => Entry::Counters { tick, changed },
            Said::Looked(tick) => Entry::Look { tick },
            Said::Passed(tick, hash) => Entry::State { tick, sha256: hex(&hash) },
            Said::Ended(tick, hash) => Entry::End { tick, sha256: hex(&hash) },
        })
    }

    fn stage_entry(&self, request: StageRequest) -> std::io::Result<StageEntry> {
        Ok(match request {
            StageRequest::Inject(wish) => {
                StageEntry::Inject { source: self.source(&wish.prepared)?, id: wish.id }
            }
            StageRequest::EndFault(id) => StageEntry::EndFault(id),
            StageRequest::EndFaults => StageEntry::EndFaults,
            StageRequest::StartRun { id, prepared } => {
                StageEntry::StartRun { id, source: self.source(&prepared)? }
            }
            StageRequest::EndRun(id) => StageEntry::EndRun(id),
            StageRequest::Observe { run, observation } => StageEntry::Observe {
                run,
                what: observation.what,
                unit: observation.unit,
                text: observation.text,
            },
        })
    }

    fn source(&self, prepared: &Prepared) -> std::io::Result<StageSource> {
        let source = self.book.as_ref().and_then(|book| book.source(prepared));
        source.ok_or_else(|| std::io::Error::other("a fault or scenario came without its text"))
    }
}
