//! The routes: one file for each resource and one line here.

mod alarms;
mod clock;
mod endpoints;
mod farm;
mod grid;
pub(crate) mod health;
mod links;
mod logs;
mod plant;
mod points;
mod racks;
mod runbooks;
mod services;
mod stream;
mod units;
mod writes;

use crate::problem::{Problem, kind};
use crate::state::Api;
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::Serialize;
use std::sync::{Arc, LazyLock};
use utoipa::openapi::{RefOr, Schema};
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
        (name = "stream", description = "Server-sent events"),
        (name = "health", description = "For whoever runs the process"),
        (name = "document", description = "This document"),
    )
)]
struct Document;

fn resources() -> OpenApiRouter<Arc<Api>> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(farm::show))
        .routes(routes!(farm::set, farm::release))
        .routes(routes!(units::list))
        .routes(routes!(units::show))
        .routes(routes!(racks::racks))
        .routes(routes!(racks::cells))
        .routes(routes!(units::control::set))
        .routes(routes!(units::control::change))
        .routes(routes!(units::control::set_mode))
        .routes(routes!(units::functions::show, units::functions::change))
        .routes(routes!(units::operate::unit))
        .routes(routes!(units::operate::rack))
        .routes(routes!(alarms::list))
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
        .routes(routes!(grid::disturb))
        .routes(routes!(grid::feed))
        .routes(routes!(clock::show, clock::change))
        .routes(routes!(endpoints::list))
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

pub use writes::audit_line;

/// All routes of the REST port.
pub(crate) fn router() -> Router<Arc<Api>> {
    resources()
        .split_for_parts()
        .0
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
}

/// The OpenAPI document as text, two spaces of indent.
pub fn openapi() -> String {
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn document() -> utoipa::openapi::OpenApi {
    let mut document = resources().split_for_parts().1;
    for name in AT_LEAST_ONE {
        let schemas = document.components.as_mut().map(|components| &mut components.schemas);
        // The derive of utoipa has no word for it.
        if let Some(RefOr::T(Schema::Object(body))) = schemas.and_then(|all| all.get_mut(name)) {
            body.min_properties = Some(1);
        }
    }
    document
}

/// Bodies whose fields are all optional, and that need one.
const AT_LEAST_ONE: [&str; 6] =
    ["ClockChange", "FunctionsWish", "PlantWish", "UnitControlChange", "UnitMode", "UnitSetpoint"];

/// This document
#[utoipa::path(get, path = "/api/openapi.json", operation_id = "openapi", tag = "document",
    responses((status = 200, description = "The OpenAPI document.", body = Object)))]
async fn openapi_json() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(openapi);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
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
