//! Which text a scraper gets: the quality values of its `Accept` header (RFC 9110, 12.5.1).

use crate::accept::{Precision, wish};

/// A text form of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format 0.0.4 of Prometheus, which every scraper and every person can read.
    Classic,
}

impl Format {
    /// What `Content-Type` says of it.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
    const fn media_type(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenMetrics => ("application", "openmetrics-text"),
            Self::Classic => ("text", "plain"),
        }
    }
    /// Whether the text that we write is also one of this version. Prometheus lists older and newer
    /// ones beside each other.
    fn is_of_version(self, version: &str) -> bool {
        match self {
            Self::OpenMetrics => matches!(version, "1.0.0" | "0.0.1"),
            Self::Classic => version == "0.0.4",
        }
    }
}

/// The format for an `Accept` header: the one with the higher quality, OpenMetrics when both are
/// named alike, classic when neither is named. What accepts neither gets classic too: a readable
/// answer helps more than a refusal.
pub(crate) fn negotiate(accept: Option<&str>) -> Format {
    let accept = accept.unwrap_or_default();
    let of =
        |format: Format| wish(accept, format.media_type(), |version| format.is_of_version(version));
    let (open_metrics, classic) = (of(Format::OpenMetrics), of(Format::Classic));
    let is_preferred = open_metrics.quality > classic.quality
        || (open_metrics.quality == classic.quality && open_metrics.precision == Precision::Named);
    if open_metrics.quality > 0.0 && is_preferred { Format::OpenMetrics } else { Format::Classic }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{Classic, OpenMetrics};

    #[test]
    fn the_accept_header_chooses_the_format() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,\
             */*;q=0.2";
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,\
             application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,\
             */*;q=0.1";
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, format) in [
            (None, Classic),
            (Some(""), Classic),
            (Some("*/*"), Classic),
            (Some(browser), Classic),
            (Some("text/plain"), Classic),
            (Some("text/plain;version=0.0.4"), Classic),
            (Some("text/*"), Classic),
            (Some("application/json"), Classic),
            (Some("application/openmetrics-text"), OpenMetrics),
            (Some("Application/OpenMetrics-Text; Version=\"1.0.0\"; Q=0.9"), OpenMetrics),
            (Some("application/*"), OpenMetrics),
            (Some("application/openmetrics-text, */*"), OpenMetrics),
            (Some("text/plain, application/openmetrics-text"), OpenMetrics),
            (Some("text/plain, application/openmetrics-text;q=0.9"), Classic),
            (Some("text/plain;q=0.9, application/openmetrics-text"), OpenMetrics),
            // The closest range decides, wherever it stands.
            (Some("application/openmetrics-text;q=0.1, */*;q=0.8"), Classic),
            (Some("*/*, text/plain;q=0"), OpenMetrics),
            (Some("application/openmetrics-text;q=0"), Classic),
            (Some("application/openmetrics-text;q=0, text/plain;q=0"), Classic),
            // Neither a version that we do not write nor a malformed quality is a wish.
            (Some("application/openmetrics-text;version=2.0.0"), Classic),
            (Some("application/openmetrics-text;q=high"), Classic),
            (Some("application/openmetrics-text;q=NaN"), Classic),
            (Some("application/openmetrics-text;q=7"), Classic),
            (Some(",;/=,;;"), Classic),
            (Some(prometheus_3), OpenMetrics),
            (Some(prometheus_2), OpenMetrics),
        ] {
            assert_eq!(negotiate(accept), format, "{accept:?}");
        }
    }
}
