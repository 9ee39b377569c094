//! The metrics of the process: gathered from one [`Scrape`] and written at once, mirrored nowhere.
//!
//! - `rows`: the table of families, where a new metric is a new row
//! - `family`: how the samples of a row are written with prometheus-client
//! - `units`: the same of families of units, of which there are very many series, by hand
//! - `classic`: the same text for scrapers that do not speak OpenMetrics
//! - `negotiate`: which of the two a scraper gets
//! - `exporter`: the two endpoints, and what is kept between scrapes; `page`, `text`: the buffers
//! - `backfill`: the same families of a headless run, with timestamps
//! - `process`, `cgroup`: what the kernel and the runtime say
//! - `document`: the table of `docs/metrics.md`
//!
//! The number of series does not depend on the farm, but for those of the units, which are in `/metrics`
//! only while the farm is small enough. A value that is not available is NaN inside; here its series is
//! absent, so that no sum and no alert trips over it.

mod backfill;
mod cgroup;
mod classic;
mod document;
mod exporter;
mod family;
mod negotiate;
mod page;
mod process;
mod rows;
#[cfg(test)]
mod tests;
mod text;
mod units;

pub use backfill::Backfill;
pub use document::{families_table, family_names, label_names};
pub(crate) use exporter::{ENDPOINTS, EndpointNumbers, Exporter, Query, Sources, wall_unix_ns};
pub(crate) use negotiate::{Format, negotiate};
pub use page::Page;
pub(crate) use process::Runtime;
pub(crate) use units::Chosen;

use crate::history::HistoryNumbers;
use crate::state::BuildInfo;
use crate::stream::StreamNumbers;
use bess_core::snapshot::Snapshot;
use bess_core::stats::{HistogramReading, Stats};
use cgroup::Cgroup;
use family::Families;
use process::Process;
use prometheus_client::encoding::text as encoding;
use prometheus_client::registry::Registry;
use text::Text;

/// HTTP requests of one kind since the start.
#[derive(Clone, Debug)]
pub(crate) struct HttpRow {
    /// Method, or `other`: never what a client made up.
    pub method: &'static str,
    /// Template of the route, never the path of a request.
    pub route: String,
    /// Status of the answer.
    pub code: u16,
    /// How many so far.
    pub count: u64,
}

/// What HTTP counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpNumbers {
    /// Requests, each method, route and code once.
    pub requests: Vec<HttpRow>,
    /// Times of requests, each method and route once.
    pub durations: Vec<(&'static str, String, HistogramReading)>,
    /// Sizes of answers, each route once.
    pub sizes: Vec<(String, HistogramReading)>,
    /// Requests that are being answered.
    pub in_flight: u64,
    /// Requests and connections that were turned away, by reason.
    pub rejected: Vec<(&'static str, u64)>,
    /// Answers that were given again for their idempotency key.
    pub replays: u64,
    /// Streams of server-sent events.
    pub streams: StreamNumbers,
    /// The history, where there is one.
    pub history: Option<HistoryNumbers>,
}

/// Everything that one scrape is answered from.
#[derive(Debug)]
pub(crate) struct Scrape<'a> {
    /// The farm.
    pub snapshot: &'a Snapshot,
    /// The counters of the loop and of Modbus.
    pub stats: &'a Stats,
    /// What was built, and of which farm file.
    pub build: &'a BuildInfo,
    /// What HTTP counted.
    pub http: HttpNumbers,
    /// The runtime, where there is one.
    pub runtime: Option<Runtime>,
    /// Units with series of their own in this answer.
    pub units_exported: usize,
    /// Units without, because there are more than are exported.
    pub units_truncated: usize,
    /// By place in [`ENDPOINTS`]: the scrape before this one.
    pub endpoints: [EndpointNumbers; ENDPOINTS.len()],
    /// Wall time now, in Unix nanoseconds.
    pub now_unix_ns: i64,
}

/// Appends the families of these rows, without an end.
fn write_rows<'r>(
    rows: impl Iterator<Item = &'r rows::Row>,
    scrape: &Scrape<'_>,
    format: Format,
    out: &mut Text,
) {
    let (process, cgroup) = (Process::read(), Cgroup::read());
    let families = Families::gather(rows, &rows::Sight::new(scrape, &process, &cgroup));
    let length = families.length_estimate();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(families));
    let written = match format {
        Format::OpenMetrics => {
            out.room(length);
            encoding::encode_registry(out, &registry)
        }
        Format::Classic => {
            let mut text = String::with_capacity(length);
            let written = encoding::encode_registry(&mut text, &registry);
            classic::from_open_metrics(&text, out);
            written
        }
    };
    written.expect("a text takes every write");
}

/// Appends what ends the text.
fn write_end(format: Format, out: &mut Text) {
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
}
