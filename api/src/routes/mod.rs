//! The routes: one file for each resource and one line here.

mod alarms;
pub(crate) mod cells;
mod check;
pub(crate) mod clock;
mod docs;
mod document;
mod endpoints;
pub(crate) mod farm;
mod grid;
pub(crate) mod health;
mod history;
pub(crate) mod links;
mod logging;
mod logs;
pub(crate) mod plant;
pub(crate) mod points;
mod racks;
mod runbooks;
mod services;
mod several;
mod stream;
pub(crate) mod units;
mod writes;

use crate::access;
use crate::problem::{Problem, kind};
use crate::read::{conditional, fields};
use crate::state::Api;
use axum::extract::State;
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use std::sync::{Arc, LazyLock};
use utoipa::{OpenApi, ToSchema};
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
        (name = "grid", description = "The grid behind the POI"),
        (name = "tests", description = "What testers do to the wire: forced points and link conditions"),
        (name = "clock", description = "Pace of the simulation"),
        (name = "history", description = "What the signals were"),
        (name = "stream", description = "Server-sent events"),
        (name = "log", description = "Levels of the process's log"),
        (name = "health", description = "For whoever runs the process"),
        (name = "document", description = "This document"),
    )
)]
struct Document;

fn resources() -> OpenApiRouter<Arc<Api>> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(farm::show))
        .routes(routes!(farm::set, farm::release))
        .routes(routes!(several::setpoints))
        .routes(routes!(several::commands))
        .routes(routes!(check::check))
        .routes(routes!(units::list::list))
        .routes(routes!(units::show))
        .routes(routes!(racks::racks))
        .routes(routes!(cells::cells))
        .routes(routes!(units::control::set))
        .routes(routes!(units::control::change))
        .routes(routes!(units::control::set_mode))
        .routes(routes!(units::functions::show, units::functions::change))
        .routes(routes!(units::operate::unit))
        .routes(routes!(units::operate::rack))
        .routes(routes!(alarms::list))
        .routes(routes!(several::reset))
        .routes(routes!(logs::events))
        .routes(routes!(writes::list))
        .routes(routes!(points::of_unit))
        .routes(routes!(points::force_of_unit))
        .routes(routes!(points::release_of_unit))
        .routes(routes!(points::of_plant))
        .routes(routes!(points::force_of_plant))
        .routes(routes!(points::release_of_plant))
        .routes(routes!(points::forced))
        .routes(routes!(links::list, links::set, links::clear_all))
        .routes(routes!(links::clear))
        .routes(routes!(plant::show, plant::change))
        .routes(routes!(services::list))
        .routes(routes!(grid::show))
        .routes(routes!(grid::disturb, grid::end))
        .routes(routes!(grid::feed))
        .routes(routes!(clock::show, clock::change))
        .routes(routes!(endpoints::list))
        .routes(routes!(logging::show, logging::set, logging::reset))
        .routes(routes!(history::show))
        .routes(routes!(history::signals))
        .routes(routes!(stream::stream));
    OpenApiRouter::with_openapi(Document::openapi())
        .nest(BASE, v1)
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(runbooks::list))
        .routes(routes!(runbooks::show))
        .routes(routes!(openapi_json))
        .routes(routes!(index))
}

pub(crate) use farm::FarmAnswer;
pub(crate) use logs::EventAnswer;
pub(crate) use units::Unit;
pub(crate) use writes::WriteAnswer;
pub use writes::audit_line;

/// All routes of the REST port.
pub(crate) fn router() -> Router<Arc<Api>> {
    resources()
        .split_for_parts()
        .0
        .route("/api/docs", get(docs::to_page))
        .route(docs::PAGE, get(docs::page))
        .route("/api/docs/{file}", get(docs::file))
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
}

/// The OpenAPI document of a server without tokens as text, two spaces of indent.
pub fn openapi() -> String {
    text_of(false)
}

/// The document of a server that asks for tokens, or of one that does not.
fn text_of(asks_for_tokens: bool) -> String {
    let mut document = document();
    access::describe(&mut document, asks_for_tokens);
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = resources().split_for_parts().1;
    document::complete(&mut document);
    if let Some(components) = document.components.as_mut() {
        fields::fill(&mut components.schemas);
    }
    for item in document.paths.paths.values_mut() {
        item.get.iter_mut().for_each(conditional::describe);
    }
    document
}

/// The document without the names of its fields, from which these are taken.
pub(crate) fn described() -> &'static serde_json::Value {
    static DESCRIBED: LazyLock<serde_json::Value> = LazyLock::new(|| {
        let document = resources().split_for_parts().1;
        serde_json::to_value(document).unwrap_or_default()
    });
    &DESCRIBED
}

/// This document
#[utoipa::path(get, path = "/api/openapi.json", operation_id = "openapi", tag = "document",
    responses((status = 200, description = "The OpenAPI document.", body = Object)))]
async fn openapi_json(State(api): State<Arc<Api>>) -> Response {
    static OPEN: LazyLock<String> = LazyLock::new(|| text_of(false));
    static GUARDED: LazyLock<String> = LazyLock::new(|| text_of(true));
    let text = if api.access.tokens().is_some() { &GUARDED } else { &OPEN };
    ([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

/// Where to look.
#[derive(Debug, Serialize, ToSchema)]
struct Index {
    /// Always `bess`.
    name: &'static str,
    /// Version of the release.
    version: &'static str,
    /// Path of the OpenAPI document.
    openapi: &'static str,
    /// Path of the page that shows it.
    docs: &'static str,
    /// Every path of the document.
    paths: &'static [String],
}

/// Where to look
#[utoipa::path(get, path = "/", operation_id = "index", tag = "document",
    responses((status = 200, description = "The paths.", body = Index)))]
async fn index() -> Json<Index> {
    static PATHS: LazyLock<Vec<String>> =
        LazyLock::new(|| document().paths.paths.into_keys().collect());
    Json(Index {
        name: "bess",
        version: env!("CARGO_PKG_VERSION"),
        openapi: "/api/openapi.json",
        docs: docs::PAGE,
        paths: PATHS.as_slice(),
    })
}

async fn no_such_route(uri: Uri) -> Box<Problem> {
    let detail = format!("there is nothing at {}; the routes are in /api/openapi.json", uri.path());
    Problem::new(&kind::NO_SUCH_ROUTE, detail)
}

async fn wrong_method(method: Method, uri: Uri) -> Box<Problem> {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(&kind::WRONG_METHOD, detail)
}

#[cfg(test)]
mod tests;
