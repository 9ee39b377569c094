//! The audit as JSON lines: every record of it, in its order, appended to a file.
//!
//! A task follows the snapshots and writes on a thread for work that blocks: neither the tick nor a
//! request waits for a disk. The audit in memory holds the newest records only; what fell out of it before
//! it was written, and what a full disk did not take, is told in the log.

use crate::BadInput;
use crate::log::KEEP_MAX;
use crate::log::file::{Rotate, append_to, make_old, unix_s};
use bess_core::snapshot::Snapshot;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::sync::watch;

/// A file that the audit is appended to.
#[derive(Debug)]
pub(crate) struct AuditFile {
    path: PathBuf,
    file: File,
    /// Number of the last record that was written, or lost.
    seen: u64,
    /// Whether what was written last may be half a line.
    torn: bool,
    /// Whether the last try to write failed.
    failing: bool,
    /// When a new file is begun, and how many old ones are kept.
    rotate: Rotate,
    keep: usize,
    period: u64,
}

/// Where the audit goes.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditArgs {
    /// Append every write to this file, one JSON object a line as GET /writes shows it
    #[arg(long, value_name = "FILE", env = "BESS_AUDIT")]
    audit: Option<PathBuf>,
    /// When to begin a new audit file: daily, hourly (UTC), never, or at a size such as 100MB
    #[arg(long, value_name = "WHEN", env = "BESS_AUDIT_ROTATE", default_value = "100MB")]
    audit_rotate: Rotate,
    /// How many old audit files to keep, as FILE.1 and on
    #[arg(long, value_name = "N", env = "BESS_AUDIT_KEEP", default_value_t = 10)]
    audit_keep: usize,
}

impl AuditArgs {
    /// Opens the file, where there is to be one.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub(crate) fn open(&self) -> Result<Option<AuditFile>, BadInput> {
        if self.audit_keep > KEEP_MAX {
            let given = self.audit_keep;
            let message = format!("--audit-keep must be from 0 to {KEEP_MAX}, got {given}");
            return Err(BadInput(message));
        }
        let open = |path| AuditFile::open(path, self.audit_rotate, self.audit_keep);
        self.audit.as_deref().map(open).transpose()
    }
}

impl AuditFile {
    /// Opens the file to append to it; makes it where there is none.
    ///
    /// # Errors
    /// When it cannot be written to.
    fn open(path: &Path, rotate: Rotate, keep: usize) -> Result<Self, BadInput> {
        let refuse = |error: std::io::Error| {
            let reason =
                if path.is_dir() { "it is a folder".to_owned() } else { error.to_string() };
            BadInput(format!(
                "cannot write the audit to {}: {reason}\nhint: --audit names a file in a folder that is there",
                path.display()
            ))
        };
        let file = File::options().append(true).create(true).open(path).map_err(refuse)?;
        let torn = ends_in_half_a_line(path);
        let metadata = file.metadata().map_err(refuse)?;
        let written_at = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let written_s = written_at.filter(|_| metadata.len() > 0).map(|since| since.as_secs());
        Ok(Self {
            path: path.to_owned(),
            file,
            seen: 0,
            torn,
            failing: false,
            rotate,
            keep,
            period: rotate.period_of(written_s.unwrap_or_else(unix_s)),
        })
    }

    /// Begins a new file where that is due before `more` bytes come, or where somebody, such as logrotate, has
    /// moved the present one away.
    fn turn_over(&mut self, more: usize) -> std::io::Result<()> {
        let own = self.file.metadata()?;
        // Pipes and devices do not turn over.
        if !own.is_file() {
            return Ok(());
        }
        let there = std::fs::metadata(&self.path);
        let moved = !there.is_ok_and(|it| (it.dev(), it.ino()) == (own.dev(), own.ino()));
        let period = self.rotate.period_of(unix_s());
        let due = period != self.period || self.rotate.is_full(own.len(), more);
        if moved || (due && own.len() > 0) {
            self.file.sync_data()?;
            if !moved {
                make_old(&self.path, self.keep)?;
            }
            self.file = append_to(&self.path)?;
            self.torn = ends_in_half_a_line(&self.path);
        }
        self.period = period;
        Ok(())
    }

    /// Takes the first `total` records as written: by the process before, of the same farm.
    pub(crate) fn behind(mut self, total: u64) -> Self {
        self.seen = total;
        self
    }

    /// Writes what is new in each snapshot, until there are no more.
    pub(crate) async fn follow(mut self, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
        loop {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            if snapshot.audit.total() > self.seen {
                let written = tokio::task::spawn_blocking(move || {
                    self.append(&snapshot);
                    self
                });
                self = match written.await {
                    Ok(file) => file,
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                };
            }
            // The last snapshot is seen before the end of them is.
            if snapshots.changed().await.is_err() {
                break;
            }
        }
        let synced = tokio::task::spawn_blocking(move || self.file.sync_data());
        // Pipes and terminals cannot be synced, and need not be.
        let _ = synced.await;
    }

    /// Writes the records that are new in `snapshot`; returns how many had fallen out of the audit.
    fn append(&mut self, snapshot: &Snapshot) -> u64 {
        let audit = &snapshot.audit;
        let lost = audit.first().saturating_sub(self.seen + 1);
        if lost > 0 {
            tracing::error!(
                lost,
                "the audit file lacks writes that fell out of the audit in memory"
            );
        }
        let mut text = String::new();
        let mut count = 0;
        for (number, record) in audit.after(self.seen) {
            text += &bess_api::audit_line(snapshot, number, record);
            text.push('\n');
            count += 1;
        }
        if let Err(error) = self.turn_over(text.len()) {
            let path = self.path.display();
            tracing::error!(%error, %path, "cannot begin a new audit file; the old one goes on");
        }
        if self.torn {
            text.insert(0, '\n');
        }
        let written = self.file.write_all(text.as_bytes());
        self.torn = written.is_err();
        let path = self.path.display();
        match written {
            Err(error) => tracing::error!(%error, lost = count, %path, "cannot write the audit"),
            Ok(()) if self.failing => tracing::info!(%path, "the audit is written again"),
            Ok(()) => {}
        }
        self.failing = self.torn;
        self.seen = audit.total();
        lost
    }
}

/// Whether a file of an earlier run was cut off within a line.
pub(crate) fn ends_in_half_a_line(path: &Path) -> bool {
    let last_byte = || -> std::io::Result<u8> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(byte[0])
    };
    // An empty file has no last byte, and a pipe cannot be read without taking from it.
    path.is_file() && last_byte().is_ok_and(|byte| byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::command::{Command, ControlSource};
    use bess_core::config::{BUILT_IN_FARM, parse_farm};
    use bess_core::log::Log;
    use bess_core::snapshot::ClockView;
    use bess_simulation::{Engine, EngineOptions, Inputs};
    use serde_json::Value;

    /// A snapshot whose audit has the newest `kept` of `total` records.
    fn snapshot(total: u64, kept: usize) -> Snapshot {
        let text =
            BUILT_IN_FARM.replace("count = 10", "count = 1").replace("racks = 12", "racks = 1");
        let spec = parse_farm("farm", &text, &|_| unreachable!()).expect("a good farm");
        let mut engine = Engine::new(Arc::new(spec), Inputs::default(), EngineOptions::default());
        engine.apply(&Command::ReleaseFarm, ControlSource::Rest).expect("it is always possible");
        let mut snapshot = Snapshot::clone(&engine.snapshot(ClockView::default(), 0, &[]));
        let (_, record) = snapshot.audit.after(0).next().expect("a record");
        let mut log = Log::new(kept);
        for _ in 0..total {
            log.push(Arc::clone(record));
        }
        snapshot.audit = Arc::new(log);
        snapshot
    }
    fn numbers(path: &Path) -> Vec<u64> {
        let text = std::fs::read_to_string(path).unwrap();
        let number = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            line["number"].as_u64().unwrap()
        };
        text.lines().map(number).collect()
    }

    #[test]
    fn each_record_is_written_once_and_what_fell_out_of_the_audit_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(&path, Rotate::Never, 0).unwrap();
        assert_eq!(file.append(&snapshot(2, 10)), 0);
        assert_eq!(file.append(&snapshot(2, 10)), 0);
        assert_eq!(file.append(&snapshot(5, 10)), 0);
        assert_eq!(numbers(&path), [1, 2, 3, 4, 5]);
        assert_eq!(file.append(&snapshot(20, 10)), 5);
        assert_eq!(numbers(&path)[5..], [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    }

    #[test]
    fn a_file_is_appended_to_and_half_a_line_of_an_earlier_run_stays_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, "{\"number\": 7}\n").unwrap();
        AuditFile::open(&path, Rotate::Never, 0).unwrap().append(&snapshot(1, 10));
        assert_eq!(numbers(&path), [7, 1]);
        std::fs::write(&path, "{\"num").unwrap();
        AuditFile::open(&path, Rotate::Never, 0).unwrap().append(&snapshot(1, 10));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\"num\n{\"number\":1,"), "{text}");
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_file_that_is_full_turns_over_and_the_oldest_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let old = |number: usize| folder.path().join(format!("audit.jsonl.{number}"));
        let mut file = AuditFile::open(&path, Rotate::Size(1000), 2).unwrap();
        // Each record has some hundreds of bytes; none is lost between two files that are kept.
        for total in 1..=20 {
            file.append(&snapshot(total, 100));
        }
        let kept: Vec<u64> = [old(2), old(1), path].iter().flat_map(|path| numbers(path)).collect();
        assert_eq!(kept, (21 - kept.len() as u64..=20).collect::<Vec<_>>());
        assert!(kept.len() >= 5 && kept.len() < 20, "{kept:?}");
        assert!(!old(3).exists());
        assert!(std::fs::metadata(old(1)).unwrap().len() <= 1000);
    }

    #[test]
    fn a_file_that_is_moved_away_or_cut_loses_no_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let aside = folder.path().join("audit.jsonl-2026-01-01");
        let mut file = AuditFile::open(&path, Rotate::Size(1_000_000), 2).unwrap();
        file.append(&snapshot(2, 10));
        std::fs::rename(&path, &aside).unwrap();
        file.append(&snapshot(3, 10));
        assert_eq!((numbers(&aside), numbers(&path)), (vec![1, 2], vec![3]));
        // Cut off by somebody who copied it: what counts for the size is what is there.
        let size = std::fs::metadata(&path).unwrap().len();
        let mut file = AuditFile::open(&path, Rotate::Size(2 * size), 2).unwrap().behind(3);
        for total in 4..10 {
            File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
            file.append(&snapshot(total, 10));
            assert_eq!(numbers(&path), [total]);
        }
        assert!(!folder.path().join("audit.jsonl.1").exists());
        // Nowhere to begin a new one: the old one goes on.
        let gone = folder.path().join("gone");
        std::fs::create_dir(&gone).unwrap();
        let mut file = AuditFile::open(&gone.join("audit.jsonl"), Rotate::Never, 0).unwrap();
        std::fs::rename(&gone, folder.path().join("elsewhere")).unwrap();
        file.append(&snapshot(1, 10));
        assert_eq!(numbers(&folder.path().join("elsewhere/audit.jsonl")), [1]);
    }

    #[test]
    fn a_disk_that_takes_nothing_does_not_end_it() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let mut file = AuditFile::open(full, Rotate::Never, 0).unwrap();
        file.append(&snapshot(2, 10));
        assert!(file.failing && file.torn);
        assert_eq!(file.seen, 2, "what was lost is told, not tried again for ever");
    }

    #[test]
    fn a_path_that_cannot_be_written_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refusal =
            |path: &Path| AuditFile::open(path, Rotate::Never, 0).unwrap_err().to_string();
        assert!(refusal(folder.path()).contains("it is a folder"));
        assert!(refusal(&folder.path().join("no/audit.jsonl")).contains("No such file"));
    }
}
