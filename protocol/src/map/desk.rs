//! What the server keeps of a device beside the farm's snapshots: the result of the last write, scratch
//! memory, curves that are being written, and changes that were accepted and that no snapshot shows yet.
//!
//! Nothing here is state of the farm: what a client stages becomes part of it by a command only.

use bess_core::command::{Command, UnitControl};
use bess_core::snapshot::FarmView;
use std::collections::BTreeMap;
use std::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What became of a write; registers show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastWrite {
    /// Code of the exception that refused it; 0 when it was done.
    pub(crate) code: u8,
    /// Its first register.
    pub(crate) address: u16,
}

/// Most commands of one device that wait to take effect (engineering choice).
const LATER_MAX: usize = 64;

/// No exception has this code.
const NO_WRITE: u32 = u32::MAX;

/// See the module.
#[derive(Debug)]
pub(crate) struct Desk {
    last_write: AtomicU32,
    memory: Mutex<Vec<u16>>,
    /// Words that clients have staged, by the register of the layout that holds them.
    staged: Mutex<BTreeMap<u16, u16>>,
    n_staged: AtomicUsize,
    /// Commands that are to take effect later.
    n_later: AtomicUsize,
    /// Counts the changes of what is kept here, but for what is pending.
    edition: AtomicU64,
    /// Shared by all devices of a unit.
    pub(crate) pending: Arc<Pending>,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new(0, Arc::default())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while it was held leaves whole words behind.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// A desk with this much scratch memory, of zeros.
    pub(crate) fn new(memory_len: usize, pending: Arc<Pending>) -> Self {
        Self {
            last_write: AtomicU32::new(NO_WRITE),
            memory: Mutex::new(vec![0; memory_len]),
            staged: Mutex::default(),
            n_staged: AtomicUsize::new(0),
            n_later: AtomicUsize::new(0),
            edition: AtomicU64::new(0),
            pending,
        }
    }

    /// The last write that was answered.
    pub(crate) fn last_write(&self) -> Option<LastWrite> {
        let noted = self.last_write.load(Relaxed);
        (noted != NO_WRITE)
            .then_some(LastWrite { code: (noted >> 16) as u8, address: noted as u16 })
    }

    /// Keeps what became of a write.
    pub(crate) fn note_write(&self, write: LastWrite) {
        self.last_write.store(u32::from(write.code) << 16 | u32::from(write.address), Relaxed);
        self.note_edition();
    }

    /// Whoever sees the same edition before and after has seen the same desk.
    pub(crate) fn edition(&self) -> u64 {
        self.edition.load(Acquire)
    }

    /// What was kept before is seen by whoever sees the new edition.
    fn note_edition(&self) {
        self.edition.fetch_add(1, Release);
    }

    /// Fills `words` with the scratch memory from `offset` on.
    pub(crate) fn read_memory(&self, offset: usize, words: &mut [u16]) {
        let memory = lock(&self.memory);
        // A desk of a test has none.
        match memory.get(offset..offset + words.len()) {
            Some(known) => words.copy_from_slice(known),
            None => words.fill(0),
        }
    }

    /// `N` words of the memory from `offset` on.
    pub(crate) fn words<const N: usize>(&self, offset: usize) -> [u16; N] {
        let memory = lock(&self.memory);
        let known = memory.get(offset..offset + N);
        known.and_then(|words| words.try_into().ok()).unwrap_or([0; N])
    }

    /// Room for `n` commands that are to take effect later, if there is any.
    pub(crate) fn reserve_later(self: &Arc<Self>, n: usize) -> Option<LaterRoom> {
        let taken = self.n_later.fetch_add(n, Relaxed);
        let room = LaterRoom { desk: Arc::clone(self), n };
        (taken + n <= LATER_MAX).then_some(room)
    }

    /// Puts words into the scratch memory: all of one request at once.
    pub(crate) fn write_memory(&self, writes: &[(usize, Vec<u16>)]) {
        let mut memory = lock(&self.memory);
        for (offset, words) in writes {
            if let Some(slots) = memory.get_mut(*offset..offset + words.len()) {
                slots.copy_from_slice(words);
            }
        }
        self.note_edition();
    }

    /// The word staged for `key`, if there is one.
    pub(crate) fn staged(&self, key: u16) -> Option<u16> {
        if self.n_staged.load(Relaxed) == 0 {
            return None;
        }
        lock(&self.staged).get(&key).copied()
    }

    /// Stages words: all of one request at once.
    pub(crate) fn stage(&self, words: &[(u16, u16)]) {
        let mut staged = lock(&self.staged);
        staged.extend(words.iter().copied());
        self.n_staged.store(staged.len(), Relaxed);
        self.note_edition();
    }
}

/// Room for commands that are to take effect later; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct LaterRoom {
    desk: Arc<Desk>,
    n: usize,
}

impl Drop for LaterRoom {
    fn drop(&mut self) {
        self.desk.n_later.fetch_sub(self.n, Relaxed);
    }
}

/// Changes that were accepted and that snapshots do not show yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    entries: Mutex<Vec<Entry>>,
    /// Number of entries, so that a reader need not lock when there are none.
    len: AtomicUsize,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    ticket: usize,
    command: Command,
    /// The publication that shows it, once the loop has told.
    shown_by: Option<u64>,
}

impl Pending {
    /// Puts a command in that the snapshot with this publication does not show; the ticket takes it out
    /// again.
    pub(crate) fn add(&self, publication: u64, command: Command) -> usize {
        let ticket = self.next.fetch_add(1, Relaxed);
        let mut entries = lock(&self.entries);
        forget_shown(&mut entries, publication);
        entries.push(Entry { ticket, command, shown_by: None });
        self.len.store(entries.len(), Relaxed);
        ticket
    }

    /// The command was applied: snapshots from `publication` on show it.
    pub(crate) fn applied(&self, ticket: usize, publication: u64) {
        if let Some(entry) = lock(&self.entries).iter_mut().find(|entry| entry.ticket == ticket) {
            entry.shown_by = Some(publication);
        }
    }

    /// The command was refused by the loop.
    pub(crate) fn refused(&self, ticket: usize) {
        let mut entries = lock(&self.entries);
        entries.retain(|entry| entry.ticket != ticket);
        self.len.store(entries.len(), Relaxed);
    }

    /// Calls `visit` with each command that the snapshot with this publication does not show.
    fn each(&self, publication: u64, visit: &mut dyn FnMut(&Command)) {
        if self.len.load(Relaxed) == 0 {
            return;
        }
        let mut entries = lock(&self.entries);
        forget_shown(&mut entries, publication);
        self.len.store(entries.len(), Relaxed);
        let is_news = |entry: &&Entry| entry.shown_by.is_none_or(|shown_by| shown_by > publication);
        entries.iter().filter(is_news).for_each(|entry| visit(&entry.command));
    }

    /// Whether a command is pending that the snapshot with this publication does not show and that
    /// `is_it` tells.
    pub(crate) fn any(&self, publication: u64, is_it: &dyn Fn(&Command) -> bool) -> bool {
        let mut found = false;
        self.each(publication, &mut |command| found |= is_it(command));
        found
    }

    /// The last thing that `get` finds in a command that is pending and that the snapshot with this
    /// publication does not show.
    pub(crate) fn last<T>(
        &self,
        publication: u64,
        get: &dyn Fn(&Command) -> Option<T>,
    ) -> Option<T> {
        fn look<T>(command: &Command, get: &dyn Fn(&Command) -> Option<T>, found: &mut Option<T>) {
            match command {
                Command::Batch(commands) => commands.iter().for_each(|one| look(one, get, found)),
                one => *found = get(one).or(found.take()),
            }
        }
        let mut found = None;
        self.each(publication, &mut |command| look(command, get, &mut found));
        found
    }

    /// Whether anything is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(Relaxed) == 0
    }

    /// What the settings of the unit will be when everything that is pending is applied.
    pub(crate) fn patch_unit(&self, publication: u64, control: &mut UnitControl) {
        self.each(publication, &mut |command| patch_control(command, control));
    }

    /// The same for the setpoints of the farm.
    pub(crate) fn patch_farm(&self, publication: u64, farm: &mut FarmView) {
        self.each(publication, &mut |command| patch_setpoint(command, farm));
    }
}

/// Snapshots for which an entry is kept after the first one that shows it: a connection that took its
/// snapshot just before must not find the entry gone and the old value there.
const LINGER: u64 = 2;

/// Takes out what the snapshot with this publication, and some before it, show.
fn forget_shown(entries: &mut Vec<Entry>, publication: u64) {
    entries.retain(|entry| entry.shown_by.is_none_or(|by| by.saturating_add(LINGER) > publication));
}

fn patch_control(command: &Command, control: &mut UnitControl) {
    match command {
        Command::ControlUnit { change, .. } => change.apply(control),
        Command::Batch(commands) => commands.iter().for_each(|c| patch_control(c, control)),
        _ => {}
    }
}

fn patch_setpoint(command: &Command, farm: &mut FarmView) {
    match command {
        Command::SetFarmPower { active, reactive } => {
            farm.setpoint = Some(*active);
            farm.reactive_setpoint = reactive.or(farm.reactive_setpoint);
        }
        Command::ReleaseFarm => (farm.setpoint, farm.reactive_setpoint) = (None, None),
        Command::Batch(commands) => commands.iter().for_each(|c| patch_setpoint(c, farm)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::UnitId;
    use bess_core::control::ControlChange;

    #[test]
    fn who_holds_an_older_snapshot_still_sees_what_was_accepted() {
        let pending = Pending::default();
        let change = ControlChange { ramp_pct_per_s: Some(7.0), ..ControlChange::default() };
        let command = Command::ControlUnit { unit: UnitId::from_idx(0), change };
        let ticket = pending.add(10, command);
        let ramp_seen_at = |publication| {
            let mut control = UnitControl::default();
            pending.patch_unit(publication, &mut control);
            control.ramp_pct_per_s
        };
        assert_eq!(ramp_seen_at(11), 7.0, "the loop has not told yet");
        pending.applied(ticket, 12);
        let plain = UnitControl::default().ramp_pct_per_s;
        assert_eq!(ramp_seen_at(12), plain, "the snapshot shows it by itself");
        assert_eq!(ramp_seen_at(11), 7.0, "and the one before does not");
        ramp_seen_at(12 + LINGER);
        assert!(pending.is_empty());
    }
}
