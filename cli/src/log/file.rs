//! The log as a file: appended to, rotated by size or by time, the oldest files removed.
//!
//! `PATH` is always the present file; what was there before is `PATH.1`, the one before that `PATH.2`. A disk
//! that takes nothing costs lines, which are counted, and nothing else: whatever fails is tried again with the
//! next line.

use super::LogArgs;
use crate::BadInput;
use crate::audit_file::ends_in_half_a_line;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// When a new file is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotate {
    Never,
    /// With each hour or day of UTC, in s.
    Every(u64),
    /// Before a line would make it larger, in bytes.
    Size(u64),
}

/// Smallest size at which a file may be rotated: a few lines.
const SIZE_MIN: u64 = 1000;

impl FromStr for Rotate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!("must be daily, hourly, never, or a size from 1kB such as 10MB, got {text:?}")
        };
        match text {
            "never" => return Ok(Self::Never),
            "hourly" => return Ok(Self::Every(3600)),
            "daily" => return Ok(Self::Every(86_400)),
            _ => {}
        }
        let units = [("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1)];
        let (number, factor) = units
            .iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
            .ok_or_else(refuse)?;
        let size = number.trim().parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
        size.filter(|size| *size >= SIZE_MIN).map(Self::Size).ok_or_else(refuse)
    }
}

impl Rotate {
    /// Number of the hour or day, where those count.
    pub(crate) fn period_of(self, unix_s: u64) -> u64 {
        match self {
            Self::Every(period_s) => unix_s / period_s,
            Self::Never | Self::Size(_) => 0,
        }
    }
    /// Whether a file of `size` bytes is too full for `more` of them.
    pub(crate) fn is_full(self, size: u64, more: usize) -> bool {
        match self {
            Self::Size(max) => size > 0 && size + more as u64 > max,
            Self::Never | Self::Every(_) => false,
        }
    }
}

fn old(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Makes `path` the newest old file, `path.1`, of which `keep` are kept.
///
/// # Errors
/// When a file cannot be renamed.
pub(crate) fn make_old(path: &Path, keep: usize) -> io::Result<()> {
    let old = |number| old(path, number);
    for number in (1..keep).rev() {
        ignore_missing(std::fs::rename(old(number), old(number + 1)))?;
    }
    ignore_missing(match keep {
        0 => std::fs::remove_file(path),
        _ => std::fs::rename(path, old(1)),
    })
}

/// A file that lines are appended to.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    rotate: Rotate,
    /// Old files that are kept.
    keep: usize,
    file: File,
    size: u64,
    /// Number of its hour or day.
    period: u64,
    /// Whether what was written last may be half a line.
    torn: bool,
    failing: bool,
    /// Lines that the disk did not take.
    lost: Arc<AtomicU64>,
    /// Wall time in s.
    now_s: fn() -> u64,
}

/// Wall time in s.
pub(crate) fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl LogFile {
    /// Opens the file to append to it; makes it where there is none.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub(crate) fn open(path: &Path, args: &LogArgs) -> Result<Self, BadInput> {
        Self::open_at(path, args.log_rotate, args.log_keep, unix_s)
    }

    fn open_at(
        path: &Path,
        rotate: Rotate,
        keep: usize,
        now_s: fn() -> u64,
    ) -> Result<Self, BadInput> {
        let refuse = |error: io::Error| {
            let reason =
                if path.is_dir() { "it is a folder".to_owned() } else { error.to_string() };
            BadInput(format!(
                "cannot write the log to {}: {reason}\nhint: --log-file names a file in a folder that is there",
                path.display()
            ))
        };
        let torn = ends_in_half_a_line(path);
        let file = append_to(path).map_err(refuse)?;
        let metadata = file.metadata().map_err(refuse)?;
        let written_at = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let written_s = written_at.filter(|_| metadata.len() > 0).map(|since| since.as_secs());
        let mut log = Self {
            path: path.to_owned(),
            rotate,
            keep,
            file,
            size: metadata.len(),
            period: 0,
            torn,
            failing: false,
            lost: Arc::default(),
            now_s,
        };
        log.period = log.period_of(written_s.unwrap_or_else(now_s));
        Ok(log)
    }

    /// Lines that the disk did not take.
    pub(crate) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    fn period_of(&self, unix_s: u64) -> u64 {
        self.rotate.period_of(unix_s)
    }

    /// Begins a new file where the line is the first of its hour or day, or would make this one too large.
    fn rotate_for(&mut self, line: &[u8]) -> io::Result<()> {
        let period = self.period_of((self.now_s)());
        let is_full = self.rotate.is_full(self.size, line.len());
        if period == self.period && !is_full {
            return Ok(());
        }
        if self.size > 0 {
            make_old(&self.path, self.keep)?;
            self.file = append_to(&self.path)?;
            (self.size, self.torn) = (0, false);
        }
        self.period = period;
        Ok(())
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let rotated = self.rotate_for(line);
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        let written = self.file.write_all(line);
        self.torn = written.is_err();
        written?;
        self.size += line.len() as u64;
        // It is written at least, to the file that is too old or too large.
        rotated
    }
}

impl Write for LogFile {
    /// Takes one line. Never fails: a log that cannot be written must not end anything.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let path = self.path.display().to_string();
        match self.append(line) {
            Err(error) => {
                self.lost.fetch_add(u64::from(self.torn), Relaxed);
                if !self.failing {
                    self.failing = true;
                    tracing::error!(%error, path, "cannot write the log file");
                }
            }
            Ok(()) if self.failing => {
                self.failing = false;
                tracing::info!(path, "the log file is written again");
            }
            Ok(()) => {}
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn append_to(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_file_gives_way_and_only_so_many_old_ones_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bess.log");
        let mut log = LogFile::open_at(&path, Rotate::Size(1000), 2, unix_s).unwrap();
        for n in 0..40 {
            let line = format!("{n:0>99}\n");
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(names(folder.path()), ["bess.log", "bess.log.1", "bess.log.2"]);
        let first = |name: &str| -> u64 {
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!(text.len(), 1000, "whole lines up to the size");
            text.lines().next().unwrap().parse().unwrap()
        };
        assert_eq!((first("bess.log"), first("bess.log.1"), first("bess.log.2")), (30, 20, 10));
    }

    thread_local! {
        static NOW_S: Cell<u64> = const { Cell::new(0) };
    }

    #[test]
    fn a_new_day_begins_a_new_file_also_after_a_pause() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bess.log");
        let now_s = || NOW_S.get();
        NOW_S.set(unix_s() / 86_400 * 86_400);
        let mut log = LogFile::open_at(&path, Rotate::Every(86_400), 7, now_s).unwrap();
        log.write_all(b"today\n").unwrap();
        NOW_S.set(NOW_S.get() + 86_399);
        log.write_all(b"still today\n").unwrap();
        NOW_S.set(NOW_S.get() + 1);
        log.write_all(b"tomorrow\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "tomorrow\n");
        assert_eq!(std::fs::read_to_string(old(&path, 1)).unwrap(), "today\nstill today\n");
        // A file that an earlier run wrote belongs to the day of that.
        drop(log);
        NOW_S.set(unix_s() + 3 * 86_400);
        let mut log = LogFile::open_at(&path, Rotate::Every(86_400), 7, now_s).unwrap();
        log.write_all(b"later\n").unwrap();
        assert_eq!(std::fs::read_to_string(old(&path, 2)).unwrap(), "today\nstill today\n");
        assert_eq!(names(folder.path()).len(), 3);
    }

    #[test]
    fn a_disk_that_takes_nothing_costs_lines_and_nothing_else() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let mut log = LogFile::open_at(full, Rotate::Never, 3, unix_s).unwrap();
        for _ in 0..3 {
            log.write_all(b"a line\n").unwrap();
        }
        assert_eq!(log.lost().load(Relaxed), 3);
    }

    #[test]
    fn half_a_line_of_an_earlier_run_stays_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bess.log");
        std::fs::write(&path, "{\"half").unwrap();
        let mut log = LogFile::open_at(&path, Rotate::Never, 3, unix_s).unwrap();
        log.write_all(b"{}\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"half\n{}\n");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let size = |text: &str| text.parse::<Rotate>();
        assert_eq!(size("10MB"), Ok(Rotate::Size(10_000_000)));
        assert_eq!(size("1 kB"), Ok(Rotate::Size(1000)));
        assert_eq!((size("never"), size("hourly")), (Ok(Rotate::Never), Ok(Rotate::Every(3600))));
        for bad in ["", "weekly", "10", "10MiB", "-1MB", "999B", "99999999999999GB"] {
            assert!(size(bad).unwrap_err().contains("daily, hourly, never"), "{bad}");
        }
    }
}
