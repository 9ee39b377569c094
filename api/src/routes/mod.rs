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
mod stage;
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
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
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
        (name = "scenarios", description = "Faults on demand, scenarios and their runs"),
        (name = "clock", description = "Pace of the simulation"),
        (name = "history", description = "What the signals were"),
        (name = "stream", description = "Server-sent events"),
        (name = "log", description = "Levels of the process's log"),
        (name = "health", description = "For whoever runs the process"),
        (name = "document", description = "This document"),
    )
)]
struct Document;

/// What `routes!` makes.
type Resource = UtoipaMethodRouter<Arc<Api>>;

fn resources() -> OpenApiRouter<Arc<Api>> {
    let v1 = [
        routes!(farm::show),
        routes!(farm::set, farm::release),
        routes!(several::setpoints),
        routes!(several::commands),
        routes!(check::check),
        routes!(units::list::list),
        routes!(units::show),
        routes!(racks::racks),
        routes!(cells::cells),
        routes!(units::control::set),
        routes!(units::control::change),
        routes!(units::control::set_mode),
        routes!(units::functions::show, units::functions::change),
        routes!(units::operate::unit),
        routes!(units::operate::rack),
        routes!(alarms::list),
        routes!(several::reset),
        routes!(logs::events),
        routes!(writes::list),
        routes!(points::of_unit),
        routes!(points::force_of_unit),
        routes!(points::release_of_unit),
        routes!(points::of_plant),
        routes!(points::force_of_plant),
        routes!(points::release_of_plant),
        routes!(points::forced),
        routes!(links::list, links::set, links::clear_all),
        routes!(links::clear),
        routes!(plant::show, plant::change),
        routes!(services::list),
        routes!(grid::show),
        routes!(grid::disturb, grid::end),
        routes!(grid::feed),
        routes!(clock::show, clock::change),
        routes!(endpoints::list),
        routes!(logging::show, logging::set, logging::reset),
        routes!(history::show),
        routes!(history::signals),
        routes!(stream::stream),
        routes!(stage::faults::list, stage::faults::inject, stage::faults::end_all),
        routes!(stage::faults::kinds),
        routes!(stage::faults::end),
        routes!(stage::scenarios::list),
        routes!(stage::scenarios::show),
        routes!(stage::runs::list, stage::runs::start),
        routes!(stage::runs::show, stage::runs::end),
        routes!(stage::runs::report),
        routes!(stage::runs::observe),
    ];
    v1.into_iter()
        .map(below_base)
        .fold(OpenApiRouter::with_openapi(Document::openapi()), OpenApiRouter::routes)
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(runbooks::list))
        .routes(routes!(runbooks::show))
        .routes(routes!(openapi_json))
        .routes(routes!(index))
}

/// A resource with its whole path. Nested routers would be the same, and write the URI of each request anew.
fn below_base((schemas, mut paths, router): Resource) -> Resource {
    let below = std::mem::take(&mut paths.paths).into_iter();
    paths.paths = below.map(|(path, item)| (format!("{BASE}{path}"), item)).collect();
    (schemas, paths, router)
}

pub(crate) use farm::FarmAnswer;
pub(crate) use logs::EventAnswer;
pub(crate) use stage::runs::NAMES as REPORT_FORMS;
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

/// The OpenAPI document of a server without tokens as text: its names sorted, two spaces of indent.
pub fn openapi() -> String {
    text_of(false)
}

/// The document of a server that asks for tokens, or of one that does not.
fn text_of(asks_for_tokens: bool) -> String {
    let mut document = document();
    access::describe(&mut document, asks_for_tokens);
    // By way of a value, whose names are sorted: keywords that the derive has no word for come in no order.
    let document = serde_json::to_value(document).unwrap_or_default();
    format!("{document:#}\n")
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

/// Whether a resource has this path.
pub(crate) fn has_route(path: &str) -> bool {
    static TEMPLATES: LazyLock<Vec<String>> =
        LazyLock::new(|| document().paths.paths.into_keys().collect());
    let fits = |template: &String| {
        let (mut parts, mut known) = (path.split('/'), template.split('/'));
        loop {
            match (parts.next(), known.next()) {
                (None, None) => break true,
                (Some(part), Some(known)) if part == known || known.starts_with('{') => {}
                _ => break false,
            }
        }
    };
    TEMPLATES.iter().any(fits)
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
