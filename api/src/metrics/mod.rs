//! The metrics of the process: gathered from one [`Scrape`] and written at once, mirrored nowhere.
//!
//! - `rows`: the table of families, where a new metric is a new row
//! - `family`: how the samples of a row are written with prometheus-client
//! - `classic`: the same text for scrapers that do not speak OpenMetrics
//! - `negotiate`: which of the two a scraper gets
//! - `process`: what `/proc/self` says
//!
//! The number of series does not depend on the farm, but for those of the units, which are there only
//! while the farm has at most [`Scrape::units_max`] of them. A value that is not available is NaN
//! inside; here its series is absent, so that no sum and no alert trips over it.

mod classic;
mod family;
mod negotiate;
mod process;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use negotiate::{Format, negotiate};

use bess_core::snapshot::Snapshot;
use bess_core::stats::{HistogramReading, Stats};
use family::Families;
use process::Process;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

/// What was built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuildInfo<'a> {
    /// Version of the package.
    pub version: &'a str,
    /// Commit.
    pub revision: &'a str,
}

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

/// Everything that one scrape is answered from.
#[derive(Debug)]
pub(crate) struct Scrape<'a> {
    /// The farm.
    pub snapshot: &'a Snapshot,
    /// The counters of the loop and of Modbus.
    pub stats: &'a Stats,
    /// What was built.
    pub build: BuildInfo<'a>,
    /// HTTP requests, each method, route and code once.
    pub http: Vec<HttpRow>,
    /// Times of HTTP requests, each route once.
    pub http_durations: Vec<(String, HistogramReading)>,
    /// Answers that were given again for their idempotency key.
    pub http_replays: u64,
    /// Units have series of their own while the farm has at most this many; 0 means never.
    pub units_max: usize,
    /// How long the scrape before this one took to encode, in seconds; NaN before the first.
    pub last_encode_s: f64,
}

/// The metrics as text.
pub(crate) fn encode(scrape: &Scrape<'_>, format: Format) -> String {
    let process = Process::read();
    let families = Families::gather(rows::ROWS, &rows::Sight::new(scrape, &process));
    let mut text = String::with_capacity(families.length_estimate());
    let mut registry = Registry::default();
    registry.register_collector(Box::new(families));
    text::encode(&mut text, &registry).expect("a String takes every write");
    match format {
        Format::OpenMetrics => text,
        Format::Classic => classic::from_open_metrics(&text),
    }
}
