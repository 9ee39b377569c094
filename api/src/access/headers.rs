//! What every answer tells a browser, and which pages of other origins may use the API.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::response::Response;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;
use tower_http::cors::CorsLayer;

/// Where a page comes from: scheme, host and port, such as `https://board.example:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin(HeaderValue);

/// A text that is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no origin: give scheme, host and port alone, such as https://board.example:8443")]
pub struct BadOrigin(String);

impl FromStr for WebOrigin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let refuse = || BadOrigin(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| refuse())?;
        let (scheme, authority) = (uri.scheme_str(), uri.authority());
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (scheme, authority) else {
            return Err(refuse());
        };
        // As browsers write it: nothing after host and port, nobody before them, no capitals.
        let plain = format!("{scheme}://{authority}");
        if plain != text || authority.as_str().contains('@') || text != text.to_ascii_lowercase() {
            return Err(refuse());
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| refuse())
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

impl PartialEq<HeaderValue> for WebOrigin {
    fn eq(&self, other: &HeaderValue) -> bool {
        self.0 == *other
    }
}

/// Whether a page of `origin` was loaded from this machine by a name that nobody else can have: an address,
/// or `localhost`. Another name may lead here for a moment, which is how a foreign page reaches a server
/// that listens for its own machine alone.
pub(super) fn is_at_home(origin: &HeaderValue) -> bool {
    let uri = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
    let Some(host) = uri.as_ref().and_then(Uri::host) else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok()
}

/// The layer that lets pages of `origins` in; `None` without any: then no page of another origin gets in.
pub(crate) fn cors(origins: &[WebOrigin]) -> Option<CorsLayer> {
    const MAX_AGE: Duration = Duration::from_secs(600);
    if origins.is_empty() {
        return None;
    }
    let named = HeaderName::from_static;
    Some(
        CorsLayer::new()
            .allow_origin(origins.iter().map(|origin| origin.0.clone()).collect::<Vec<_>>())
            .allow_methods([Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE])
            .allow_headers([
                header::ACCEPT,
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                named("idempotency-key"),
                named("last-event-id"),
                named("x-request-id"),
                named("traceparent"),
            ])
            .expose_headers([
                header::ETAG,
                header::LINK,
                header::RETRY_AFTER,
                header::WWW_AUTHENTICATE,
                named("x-request-id"),
                named("idempotency-replayed"),
                named("bess-tick"),
                named("bess-publication"),
                named("bess-total"),
                named("bess-columns"),
                named("bess-racks"),
                named("bess-cells-per-rack"),
                named("bess-byte-order"),
            ])
            .max_age(MAX_AGE),
    )
}

/// Data: there is nothing in it to load or to frame.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// The page of the documentation: its own assets, and requests to the farm that serves it.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds the headers that every answer has, where its route has not set them.
pub(crate) async fn protect(
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let template = request.extensions().get::<MatchedPath>();
    let is_page = template.is_some_and(|route| route.as_str().starts_with("/api/docs"));
    let has_body = request.headers().contains_key(header::TRANSFER_ENCODING)
        || request.headers().get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    let mut response = next(request).await;
    let may_be_unread = matches!(response.status().as_u16(), 401 | 403 | 414 | 429 | 431);
    let headers = response.headers_mut();
    if has_body && may_be_unread {
        // The rest of the body would be taken for the next request, so there is none: the client is told.
        set_default(headers, header::CONNECTION, "close");
    }
    let policy = if is_page { PAGE_POLICY } else { DATA_POLICY };
    // An answer that can be asked for again by its tag may be kept, but not shown unasked.
    let caching = if headers.contains_key(header::ETAG) { "no-cache" } else { "no-store" };
    set_default(headers, header::CONTENT_SECURITY_POLICY, policy);
    set_default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set_default(headers, header::X_FRAME_OPTIONS, "DENY");
    set_default(headers, header::REFERRER_POLICY, "no-referrer");
    let same_origin = HeaderName::from_static("cross-origin-resource-policy");
    set_default(headers, same_origin, "same-origin");
    set_default(headers, header::CACHE_CONTROL, caching);
    response
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_alone() {
        for good in ["https://board.example", "http://127.0.0.1:3000", "http://[::1]:80"] {
            assert_eq!(good.parse::<WebOrigin>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "*",
            "null",
            "board.example",
            "https://",
            "https://board.example/",
            "https://board.example/a",
            "ftp://board.example",
            "https://a@board.example",
            "HTTPS://board.example",
            "https://Board.example",
            "https://b.example?x",
            "https://b\n",
        ] {
            let refused = bad.parse::<WebOrigin>().expect_err(bad).to_string();
            assert!(refused.contains("https://board.example:8443"), "{refused}");
        }
    }

    #[test]
    fn addresses_and_localhost_are_at_home_and_names_are_not() {
        let at_home = |text: &'static str| is_at_home(&HeaderValue::from_static(text));
        for page in [
            "http://127.0.0.1:8000",
            "http://[::1]:8000",
            "https://localhost",
            "http://a.localhost:1",
        ] {
            assert!(at_home(page), "{page}");
        }
        for page in [
            "http://evil.example:8000",
            "http://localhost.evil.example",
            "null",
            "http://127.0.0.1.nip.example",
            "",
        ] {
            assert!(!at_home(page), "{page}");
        }
    }
}
