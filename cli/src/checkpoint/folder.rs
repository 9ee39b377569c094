//! The folder of `--state`: names that sort by tick, writes that are whole or nothing, and what is kept.
//!
//! A file that cannot be read is never deleted and never overwritten. One process at a time has a folder.

use super::format::{self, Broken, Checkpoint, Header};
use crate::BadInput;
use bess_simulation::State;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
const BEFORE: &str = "checkpoint-";
const AFTER: &str = ".bess";
/// Names of files that are being written begin with it.
const PART: &str = ".part-";

/// A folder that this process alone writes to.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Held as long as the folder.
    _lock: File,
}

impl Folder {
    /// Takes the folder; makes it where there is none.
    ///
    /// # Errors
    /// When it cannot be written to, or another process has it.
    pub(crate) fn take(path: &Path) -> Result<Self, BadInput> {
        let refuse = |why: String| {
            let path = path.display();
            BadInput(format!(
                "cannot keep the farm's state in {path}: {why}\nhint: --state names a folder of its own for each running farm"
            ))
        };
        fs::create_dir_all(path).map_err(|error| refuse(error.to_string()))?;
        let lock = path.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(lock);
        let lock = lock.map_err(|error| refuse(error.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(refuse("another bess process has it".to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(refuse(error.to_string())),
        }
        let folder = Self { path: path.to_owned(), _lock: lock };
        folder.sweep();
        // Tried now, so that it is told before a port is bound.
        let tried = tempfile::Builder::new().prefix(PART).tempfile_in(path);
        tried.map_err(|error| refuse(error.to_string()))?;
        Ok(folder)
    }

    /// Removes what a process that was killed has left half written.
    fn sweep(&self) {
        let Ok(inside) = fs::read_dir(&self.path) else { return };
        for entry in inside.flatten() {
            if entry.file_name().to_string_lossy().starts_with(PART) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a checkpoint so that the folder holds all of it or nothing; returns its size in bytes.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn write(&self, header: Header, state: &State) -> io::Result<u64> {
        let name = |n: u32| {
            let again = if n == 0 { String::new() } else { format!("-{n}") };
            self.path.join(format!("{BEFORE}{:012}{again}{AFTER}", header.tick))
        };
        // A checkpoint of the same tick may be there: a paused farm, or one that cannot be read.
        let free = (0..).map(name).find(|path| !path.exists()).expect("numbers do not end");
        let mut file = tempfile::Builder::new().prefix(PART).tempfile_in(&self.path)?;
        let mut out = BufWriter::with_capacity(1 << 20, file.as_file_mut());
        let size = format::write(header, state, &mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        file.persist_noclobber(free).map_err(|error| error.error)?;
        sync_folder(&self.path)?;
        Ok(size)
    }

    /// Deletes all but the newest `keep` whole checkpoints.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub(crate) fn prune(&self, keep: usize) -> io::Result<()> {
        let whole = list(&self.path)?.into_iter().rev();
        for path in whole.skip(keep.max(1)) {
            if read(&path).is_ok_and(|read| read.is_ok()) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Moves every checkpoint into a folder within this one; where they are now, if there were any.
    ///
    /// # Errors
    /// When they cannot be moved.
    pub(crate) fn set_aside(&self, why: &str) -> io::Result<Option<PathBuf>> {
        let all = list(&self.path)?;
        if all.is_empty() {
            return Ok(None);
        }
        let name = |n: u32| self.path.join(format!("{why}-{n}"));
        let aside = (1..).map(name).find(|path| !path.exists()).expect("numbers do not end");
        fs::create_dir(&aside)?;
        for path in all {
            if let Some(name) = path.file_name() {
                fs::rename(&path, aside.join(name))?;
            }
        }
        sync_folder(&self.path)?;
        Ok(Some(aside))
    }

    /// Copies bytes that were checked into the folder, as the checkpoint of `tick`.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub(crate) fn put(&self, tick: u64, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join(format!("{BEFORE}{tick:012}{AFTER}"));
        put_whole(&path, bytes, false)?;
        Ok(path)
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When the disk does not take it; or it is there already and `over` is not set.
pub(crate) fn put_whole(path: &Path, bytes: &[u8], over: bool) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(PART).tempfile_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    match over {
        true => file.persist(path).map_err(|error| error.error)?,
        false => file.persist_noclobber(path).map_err(|error| error.error)?,
    };
    sync_folder(folder)
}

/// A name is on the disk when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The checkpoints of a folder, the oldest first.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix(BEFORE).and_then(|name| name.strip_suffix(AFTER));
        let mut parts = number.into_iter().flat_map(|number| number.splitn(2, '-'));
        let tick = parts.next().and_then(|tick| tick.parse::<u64>().ok());
        let again = parts.next().map_or(Some(0), |again| again.parse::<u32>().ok());
        if let (Some(tick), Some(again)) = (tick, again) {
            found.push((tick, again, entry.path()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, _, path)| path).collect())
}

/// Reads a file, and what is in it.
///
/// # Errors
/// When the file cannot be read at all.
pub(crate) fn read(path: &Path) -> io::Result<Result<Checkpoint, Broken>> {
    Ok(format::read(&fs::read(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(tick: u64) -> Header {
        Header { tick, ..Header::default() }
    }
    fn names(path: &Path) -> Vec<String> {
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        list(path).unwrap().into_iter().map(name).collect()
    }

    #[test]
    fn the_newest_are_kept_and_one_that_cannot_be_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Folder::take(folder.path()).unwrap();
        let broken = folder.path().join("checkpoint-000000000002.bess");
        fs::write(&broken, "half").unwrap();
        for tick in [1, 2, 3, 10, 9] {
            kept.write(header(tick), &State::default()).unwrap();
        }
        kept.prune(2).unwrap();
        assert_eq!(
            names(folder.path()),
            [2, 9, 10].map(|tick| format!("checkpoint-{tick:012}.bess"))
        );
        assert_eq!(fs::read_to_string(broken).unwrap(), "half");
    }

    #[test]
    fn a_second_checkpoint_of_a_tick_takes_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Folder::take(folder.path()).unwrap();
        for _ in 0..12 {
            kept.write(header(5), &State::default()).unwrap();
        }
        let names = names(folder.path());
        assert_eq!(names[0], "checkpoint-000000000005.bess");
        assert_eq!(names[11], "checkpoint-000000000005-11.bess", "in the order of numbers");
    }

    #[test]
    fn a_folder_has_one_owner_and_loses_what_was_left_half_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".part-x"), "half").unwrap();
        let kept = Folder::take(folder.path()).unwrap();
        assert!(!folder.path().join(".part-x").exists());
        let refused = Folder::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("another bess process has it"), "{refused}");
        drop(kept);
        Folder::take(folder.path()).unwrap();
    }
}
