//! `/api/docs/`: the OpenAPI document as a page to read and to try, Swagger UI from within the binary.
//!
//! Nothing comes from outside: its scripts and styles are files of this server. A page of a stricter
//! policy than [`POLICY`] would lose its icons, which are `data:` images, and the styles that its script
//! sets. The binary holds the files compressed, a quarter of their size; who does not take them so gets
//! them unpacked.

use crate::problem::{Problem, kind};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use std::io::Read as _;
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

/// Where the page is.
pub(super) const PAGE: &str = "/api/docs/";
/// What the page may load, and from where: from this server alone, and no script within the page.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The page with its trailing slash, which its links count on.
pub(super) async fn to_page() -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, PAGE)]).into_response()
}

pub(super) async fn page(headers: HeaderMap) -> Response {
    file(Path(String::new()), headers).await
}

/// A file of the page.
pub(super) async fn file(Path(name): Path<String>, asked: HeaderMap) -> Response {
    static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
        let config = Config::from("/api/openapi.json").try_it_out_enabled(true);
        // The badge of a validator would ask a server outside.
        Arc::new(config.validator_url("none").display_request_duration(true).filter(true))
    });
    let Ok(Some(file)) = utoipa_swagger_ui::serve(&name, Arc::clone(&CONFIG)) else {
        let detail = format!("the page has no such file; it is at {PAGE}");
        return Problem::new(&kind::NO_SUCH_ROUTE, detail).into_response();
    };
    let sends_packed = file.gzpipped && takes_gzip(&asked);
    let bytes = if file.gzpipped && !sends_packed {
        let mut unpacked = Vec::new();
        let unpacking = GzDecoder::new(&*file.bytes).read_to_end(&mut unpacked);
        unpacking.expect("the build packed it");
        unpacked
    } else {
        file.bytes.into_owned()
    };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    if sends_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(content_type) = HeaderValue::from_str(&file.content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether a client says that it takes gzip (RFC 9110, 12.5.3); one that says nothing may not know it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let (mut by_name, mut by_star) = (None, None);
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    for coding in values.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(',')) {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let takes = quality.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
        let takes = takes.is_some_and(|quality| quality > 0.0);
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => by_name = Some(takes),
            "*" => by_star = Some(takes),
            _ => {}
        }
    }
    by_name.or(by_star).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_goes_to_those_who_say_that_they_take_it() {
        for (asked, takes) in [
            (None, false),
            (Some(""), false),
            (Some("identity"), false),
            (Some("gzip"), true),
            (Some("GZIP, deflate, br"), true),
            (Some("br;q=1.0, gzip;q=0.8"), true),
            (Some("gzip;q=0"), false),
            (Some("*"), true),
            (Some("*;q=0, gzip"), true),
            (Some("*, gzip;q=0"), false),
            (Some("gzip;q=much"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(asked) = asked {
                headers.insert(header::ACCEPT_ENCODING, asked.parse().unwrap());
            }
            assert_eq!(takes_gzip(&headers), takes, "{asked:?}");
        }
    }
}
