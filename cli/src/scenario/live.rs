//! Who attends a live farm: does what scenarios want of their host, and lets the built-in EMS work.

use super::Observer;
use crate::ems::{Ems, ROUND_S};
use bess_core::command::Mailbox;
use bess_core::snapshot::{ClockMode, Snapshot};
use bess_scenarios::book::Book;
use bess_scenarios::faults::HostAct;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often it is looked what is wanted.
const LOOK: Duration = Duration::from_millis(100);

/// Somebody who attends.
pub(crate) struct Attendant {
    book: Arc<Book>,
    ems: Option<Ems>,
    mailbox: Arc<dyn Mailbox>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Runs whose end was told.
    told: BTreeSet<String>,
}

impl Attendant {
    pub(crate) fn new(
        book: Arc<Book>,
        ems: Option<Ems>,
        mailbox: Arc<dyn Mailbox>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Self {
        Self { book, ems, mailbox, snapshots, told: BTreeSet::new() }
    }

    /// Attends until `closed`.
    pub(crate) async fn attend(mut self, closed: CancellationToken) {
        // The EMS's own time: that of the wall at the speed of the clock, also while the loop stands still.
        let (mut now_s, mut next_s, mut last) = (0.0, 0.0, Instant::now());
        loop {
            let clock = self.snapshots.borrow().clock;
            let is_running = clock.mode != ClockMode::Paused;
            if is_running {
                now_s += last.elapsed().as_secs_f64() * clock.speed;
            }
            last = Instant::now();
            self.act();
            self.tell();
            if is_running && now_s >= next_s {
                // A round that took too long is not made up for.
                next_s = (next_s + ROUND_S).max(now_s);
                self.round(now_s).await;
            }
            let round = Duration::from_secs_f64(ROUND_S / clock.speed.max(0.01));
            tokio::select! {
                () = closed.cancelled() => return,
                () = tokio::time::sleep(LOOK.min(round)) => {}
            }
        }
    }

    async fn round(&mut self, now_s: f64) {
        let Some(ems) = &mut self.ems else { return };
        let seen = ems.round(now_s).await;
        Observer { mailbox: &*self.mailbox, snapshots: &self.snapshots }.tell(seen).await;
    }

    /// Says once in the log what a run came to.
    fn tell(&mut self) {
        let stage = Arc::clone(&self.snapshots.borrow().stage);
        // What nobody shows any more need not be remembered.
        self.told.retain(|id| stage.runs.iter().any(|run| run.id == *id));
        for run in &stage.runs {
            if let Some(verdict) = run.verdict
                && self.told.insert(run.id.clone())
            {
                let reason = run.reason.as_deref().unwrap_or_default();
                tracing::info!(run = run.id, verdict = verdict.name(), reason, "scenario over");
            }
        }
    }

    fn act(&mut self) {
        for act in self.book.take_host_acts() {
            match (act, &mut self.ems) {
                (HostAct::Client { act, .. }, Some(ems)) => ems.act(&act),
                // Whoever is not there does nothing, and the loop stands still by itself.
                (HostAct::Client { .. } | HostAct::Stall { .. }, _) => {}
            }
        }
    }
}
