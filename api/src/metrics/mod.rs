//! stub
use bess_core::snapshot::Snapshot;
use bess_core::stats::HistogramReading;
pub(crate) struct BuildInfo<'a> {
    pub version: &'a str,
    pub revision: &'a str,
}
pub(crate) struct HttpRow {
    pub method: &'static str,
    pub route: String,
    pub code: u16,
    pub count: u64,
}
pub(crate) struct Scrape<'a> {
    pub snapshot: &'a Snapshot,
    pub stats: &'a bess_core::stats::Stats,
    pub build: BuildInfo<'a>,
    pub http: Vec<HttpRow>,
    pub http_durations: Vec<(String, HistogramReading)>,
    pub units_max: usize,
    pub last_encode_s: f64,
}
#[derive(Clone, Copy)]
pub(crate) enum Format {
    OpenMetrics,
    Classic,
}
impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        "text/plain"
    }
}
pub(crate) fn negotiate(_: Option<&str>) -> Format {
    Format::Classic
}
pub(crate) fn encode(_: &Scrape<'_>, _: Format) -> String {
    String::new()
}
