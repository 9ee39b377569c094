//! The two endpoints: `/metrics` has the farm and the process, and the units of a farm that is small
//! enough; `/metrics/units` has units, families and pages of them as they are asked for.

use super::{
    Chosen, Format, HttpNumbers, Page, Runtime, Scrape, page::Pool, rows, units::UnitText,
    write_end, write_rows,
};
use crate::state::BuildInfo;
use bess_core::snapshot::{Snapshot, UnitState};
use bess_core::stats::{Served, Stats};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The endpoints of the exporter.
pub(crate) const ENDPOINTS: [&str; 2] = ["/metrics", "/metrics/units"];
const FARM: usize = 0;
const UNITS: usize = 1;

/// What the last scrape of an endpoint took; NaN before the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndpointNumbers {
    /// Time to encode it, in seconds.
    pub(crate) encode_s: f64,
    /// Size of its text.
    pub(crate) bytes: f64,
}

/// What of the units is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// Families.
    pub(crate) chosen: Chosen,
    /// Only units in this state.
    pub(crate) state: Option<UnitState>,
    /// Units that match to leave out first.
    pub(crate) from: usize,
    /// Most units.
    pub(crate) limit: usize,
}

/// What the exporter keeps between scrapes.
#[derive(Debug, Default)]
pub(crate) struct Exporter {
    pool: Arc<Pool>,
    text: Mutex<Option<Arc<UnitText>>>,
    encode_ns: [AtomicU64; ENDPOINTS.len()],
    bytes: [AtomicU64; ENDPOINTS.len()],
}

/// Whom a scrape is made of.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    /// One snapshot for the whole scrape.
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) stats: &'a Stats,
    pub(crate) build: &'a BuildInfo,
    pub(crate) http: HttpNumbers,
    /// Under which Modbus unit id a unit answers, by index.
    pub(crate) modbus_ids: &'a [Option<u8>],
}

impl Exporter {
    /// `/metrics`; with the units while there are at most `units_max` of them.
    pub(crate) fn farm(&self, sources: Sources<'_>, units_max: usize, format: Format) -> Page {
        let started = Instant::now();
        let snapshot = sources.snapshot;
        let n_units = snapshot.units.len();
        let exported = if n_units <= units_max { n_units } else { 0 };
        // Who wants none misses none.
        let truncated = if units_max == 0 { 0 } else { n_units - exported };
        let mut page = self.pool.page();
        let text = (exported > 0).then(|| self.text_of(snapshot, sources.modbus_ids));
        let scrape = self.scrape(sources, exported, truncated);
        write_rows(rows::fixed(), &scrape, format, page.text_mut());
        if let Some(text) = text {
            let units: Vec<u32> = (0..n_units as u32).collect();
            text.write(snapshot, &units, &Chosen::all(), format, page.text_mut());
        }
        write_end(format, page.text_mut());
        self.note(FARM, started, &page, &scrape);
        page
    }

    /// `/metrics/units`.
    pub(crate) fn units(&self, sources: Sources<'_>, query: &Query, format: Format) -> Page {
        let started = Instant::now();
        let snapshot = sources.snapshot;
        let is_asked = |state: UnitState| query.state.is_none_or(|asked| asked == state);
        let units = snapshot.units.iter().zip(0..).filter(|(unit, _)| is_asked(unit.state));
        let mut matching: Vec<u32> = units.map(|(_, idx)| idx).skip(query.from).collect();
        let truncated = matching.len().saturating_sub(query.limit);
        matching.truncate(query.limit);
        let mut page = self.pool.page();
        let text = self.text_of(snapshot, sources.modbus_ids);
        let scrape = self.scrape(sources, matching.len(), truncated);
        write_rows(rows::of_a_page(), &scrape, format, page.text_mut());
        text.write(snapshot, &matching, &query.chosen, format, page.text_mut());
        write_end(format, page.text_mut());
        self.note(UNITS, started, &page, &scrape);
        page
    }

    fn scrape<'a>(&self, sources: Sources<'a>, exported: usize, truncated: usize) -> Scrape<'a> {
        let numbers = |at: usize| {
            let (ns, bytes) = (self.encode_ns[at].load(Relaxed), self.bytes[at].load(Relaxed));
            if bytes == 0 {
                return EndpointNumbers { encode_s: f64::NAN, bytes: f64::NAN };
            }
            EndpointNumbers { encode_s: ns as f64 / 1e9, bytes: bytes as f64 }
        };
        Scrape {
            snapshot: sources.snapshot,
            stats: sources.stats,
            build: sources.build,
            http: sources.http,
            runtime: Runtime::read(),
            units_exported: exported,
            units_truncated: truncated,
            endpoints: [numbers(FARM), numbers(UNITS)],
            now_unix_ns: wall_unix_ns(),
        }
    }

    fn note(&self, endpoint: usize, started: Instant, page: &Page, scrape: &Scrape<'_>) {
        self.encode_ns[endpoint].store(started.elapsed().as_nanos() as u64, Relaxed);
        self.bytes[endpoint].store(page.as_ref().len() as u64, Relaxed);
        let made_unix_ns = scrape.snapshot.wall_unix_ns;
        scrape.stats.note_served(Served::Metrics, made_unix_ns, scrape.now_unix_ns, 1);
    }

    /// The text of the units of this farm, made once.
    fn text_of(&self, snapshot: &Snapshot, modbus_ids: &[Option<u8>]) -> Arc<UnitText> {
        let mut kept = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(text) if text.is_of(&snapshot.spec) => Arc::clone(text),
            _ => Arc::clone(kept.insert(Arc::new(UnitText::new(&snapshot.spec, modbus_ids)))),
        }
    }
}

/// Wall time in nanoseconds since the Unix epoch; 0 before it.
pub(crate) fn wall_unix_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
