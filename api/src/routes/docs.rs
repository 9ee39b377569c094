//! `/api/docs/`: the OpenAPI document as a page to read and to try, Swagger UI from within the binary.
//!
//! Nothing comes from outside: its scripts and styles are files of this server. A page of a stricter
//! policy than [`POLICY`] would lose its icons, which are `data:` images, and the styles that its script
//! sets.

use crate::problem::{Problem, kind};
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
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

pub(super) async fn page() -> Response {
    file(Path(String::new())).await
}

/// A file of the page.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
        let config = Config::from("/api/openapi.json").try_it_out_enabled(true);
        // The badge of a validator would ask a server outside.
        Arc::new(config.validator_url("none").display_request_duration(true).filter(true))
    });
    let Ok(Some(file)) = utoipa_swagger_ui::serve(&name, Arc::clone(&CONFIG)) else {
        let detail = format!("the page has no such file; it is at {PAGE}");
        return Problem::new(&kind::NO_SUCH_ROUTE, detail).into_response();
    };
    let mut response = file.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_str(&file.content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
