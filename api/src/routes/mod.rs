//! The routes: one file for each resource and one line here.

mod alarms;
mod clock;
mod endpoints;
mod farm;
pub(crate) mod health;
mod stream;
mod units;

use crate::problem::{Problem, kind};
use crate::server::{Api, counted};
use axum::Router;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Base of all resources.
pub(crate) const BASE: &str = "/api/v1";

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "bess",
        description = "A simulator of a grid-scale battery farm. Positive power and current are discharge, out of \
                       the battery. Field names carry their unit; fractions are 0 to 1. Every answer says of which \
                       tick it is. A change is answered after the tick that applied it; a read that follows shows \
                       it. Refusals are RFC 9457 problem documents, and a refused request changes nothing.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem)),
    tags(
        (name = "farm", description = "The whole farm at its point of interconnection (POI)"),
        (name = "units", description = "Containers with BMS and PCS, their racks and cells"),
        (name = "clock", description = "Pace of the simulation"),
        (name = "stream", description = "Server-sent events"),
        (name = "health", description = "For whoever runs the process"),
    )
)]
struct Document;

fn resources() -> OpenApiRouter<Arc<Api>> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(farm::show))
        .routes(routes!(farm::set, farm::release))
        .routes(routes!(units::list))
        .routes(routes!(units::show))
        .routes(routes!(units::racks))
        .routes(routes!(units::cells))
        .routes(routes!(units::set))
        .routes(routes!(units::operate))
        .routes(routes!(alarms::list))
        .routes(routes!(clock::show, clock::change))
        .routes(routes!(endpoints::list))
        .routes(routes!(stream::stream));
    OpenApiRouter::with_openapi(Document::openapi())
        .nest(BASE, v1)
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}

/// All routes of the REST port.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let (router, document) = resources().split_for_parts();
    let document = to_text(&document);
    let paths: Vec<String> = paths(&document);
    let router = router
        .route(
            "/api/openapi.json",
            get(move || async move { json_text(document) }),
        )
        .route("/", get(move || async move { index(&paths) }))
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method);
    counted(router, &api).with_state(api)
}

/// The OpenAPI document as text, two spaces of indent.
pub fn openapi() -> String {
    to_text(&resources().split_for_parts().1)
}

fn to_text(document: &utoipa::openapi::OpenApi) -> String {
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn paths(document: &str) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    document["paths"]
        .as_object()
        .map(|paths| paths.keys().cloned().collect())
        .unwrap_or_default()
}

fn json_text(text: String) -> Response {
    ([("content-type", "application/json")], text).into_response()
}

fn index(paths: &[String]) -> Response {
    axum::Json(serde_json::json!({
        "name": "bess",
        "version": env!("CARGO_PKG_VERSION"),
        "openapi": "/api/openapi.json",
        "paths": paths,
    }))
    .into_response()
}

async fn no_such_route(uri: Uri) -> Box<Problem> {
    let detail = format!(
        "there is nothing at {}; the routes are in /api/openapi.json",
        uri.path()
    );
    Problem::new(&kind::NO_SUCH_ROUTE, detail)
}

async fn wrong_method(method: Method, uri: Uri) -> Box<Problem> {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(&kind::WRONG_METHOD, detail)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_document_is_that_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let document = super::openapi();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &document).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == document,
            "stale: run UPDATE=1 cargo test -p bess-api"
        );
    }
}
