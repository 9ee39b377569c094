//! Snapshots of the last refresh: what registers show that a device brings up to date only now and then.

use bess_core::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// For each period in ticks the snapshot of the last refresh.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    held: BTreeMap<u64, RwLock<(u64, Arc<Snapshot>)>>,
}

impl Shelves {
    /// Shelves for these periods in ticks, all refreshed now.
    pub(crate) fn new(periods: impl Iterator<Item = u64>, now: &Arc<Snapshot>) -> Self {
        let shelf = |period: u64| {
            let refresh = now.tick.0 / period.max(1);
            (period, RwLock::new((refresh, Arc::clone(now))))
        };
        Self { held: periods.map(shelf).collect() }
    }

    /// The snapshot of the last refresh.
    pub(crate) fn held(&self, period_ticks: u64) -> Option<Arc<Snapshot>> {
        let shelf = self.held.get(&period_ticks)?;
        Some(Arc::clone(&shelf.read().unwrap_or_else(PoisonError::into_inner).1))
    }

    /// Takes `now` where a period is over.
    pub(crate) fn refresh(&self, now: &Arc<Snapshot>) {
        for (period, shelf) in &self.held {
            let refresh = now.tick.0 / period.max(&1);
            let mut held = shelf.write().unwrap_or_else(PoisonError::into_inner);
            if held.0 != refresh {
                *held = (refresh, Arc::clone(now));
            }
        }
    }
}
