//! Which role a route needs: the one table of it, and what the OpenAPI document says of access.
//!
//! Reads need the least role. A write needs that of its row here, at least: where the role depends on what
//! is written, the command that it becomes says so ([`Command::role`](bess_core::command::Command::role))
//! when the loop is asked. What a real farm has no button for, its clock among it, is a tester's. A write
//! without a row is nobody's but a tester's; a test demands the row.

use crate::problem::{Kind, kind, responses_of};
use axum::http::Method;
use bess_core::command::{ClockCommand, Request};
use bess_core::role::Role;
use bess_core::stage::StageRequest;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, PathItem, path::Operation};

/// Routes for whoever runs the process and for those who do not know the API yet, with all below them.
const OPEN: [&str; 6] = ["/", "/healthz", "/readyz", "/runbooks", "/api/openapi.json", "/api/docs"];

/// The least role of each write, by method and route below `/api/v1`.
#[rustfmt::skip]
const WRITES: &[(&str, &str, Role)] = &[
    ("PUT",    "/farm/setpoint",               Role::Operator),
    ("DELETE", "/farm/setpoint",               Role::Operator),
    ("PATCH",  "/farm/plant",                  Role::Engineer),
    ("POST",   "/farm/points/force",           Role::Tester),
    ("POST",   "/farm/points/release",         Role::Tester),
    ("POST",   "/farm/check",                  Role::Viewer),
    ("POST",   "/farm/setpoints",              Role::Operator),
    ("POST",   "/farm/commands",               Role::Operator),
    ("POST",   "/alarms/reset",                Role::Operator),
    ("PUT",    "/units/{id}/setpoint",         Role::Operator),
    ("PATCH",  "/units/{id}/control",          Role::Operator),
    ("PUT",    "/units/{id}/mode",             Role::Operator),
    ("PATCH",  "/units/{id}/functions",        Role::Engineer),
    ("POST",   "/units/{id}/commands",         Role::Operator),
    ("POST",   "/units/{id}/racks/{rack}/commands", Role::Operator),
    ("POST",   "/units/{id}/points/force",     Role::Tester),
    ("POST",   "/units/{id}/points/release",   Role::Tester),
    ("POST",   "/grid/disturbances",           Role::Tester),
    ("DELETE", "/grid/disturbances",           Role::Tester),
    ("POST",   "/grid/loads/{load}",           Role::Operator),
    ("POST",   "/links",                       Role::Tester),
    ("DELETE", "/links",                       Role::Tester),
    ("DELETE", "/links/{name}",                Role::Tester),
    ("POST",   "/faults",                      StageRequest::ROLE),
    ("DELETE", "/faults",                      StageRequest::ROLE),
    ("DELETE", "/faults/{id}",                 StageRequest::ROLE),
    ("POST",   "/runs",                        StageRequest::ROLE),
    ("DELETE", "/runs/{id}",                   StageRequest::ROLE),
    ("POST",   "/runs/{id}/observations",      StageRequest::ROLE),
    ("PATCH",  "/clock",                       ClockCommand::ROLE),
    ("PUT",    "/logging",                     Role::Tester),
    ("DELETE", "/logging",                     Role::Tester),
];

/// The least role that may ask the loop this.
pub(crate) fn of_request(request: &Request) -> Role {
    match request {
        Request::Control(command) | Request::Check(command) => command.role(),
        Request::Clock(_) => ClockCommand::ROLE,
        Request::Stage(_) => StageRequest::ROLE,
        Request::ShowCells(_) | Request::Refused { .. } | Request::Noted { .. } => Role::Viewer,
    }
}

/// The role that a request needs; `None` where none is needed. `template` is the route that it matches.
pub(super) fn needed(method: &Method, template: Option<&str>) -> Option<Role> {
    static METHODS: LazyLock<BTreeMap<String, Vec<Method>>> = LazyLock::new(|| {
        let paths = crate::routes::document().paths.paths;
        paths.into_iter().map(|(path, item)| (path, methods(&item))).collect()
    });
    // What is nowhere is answered so to whoever may read.
    let Some(template) = template else { return Some(Role::Viewer) };
    if !method.is_safe() && METHODS.get(template).is_some_and(|known| !known.contains(method)) {
        // The route will say that it has no such method.
        return Some(Role::Viewer);
    }
    of_operation(method, template)
}

/// The same of a route that is there.
fn of_operation(method: &Method, template: &str) -> Option<Role> {
    if method.is_safe() {
        return if is_open(template) { None } else { Some(Role::Viewer) };
    }
    Some(of_route(method, template))
}

fn is_open(template: &str) -> bool {
    OPEN.iter().any(|open| {
        let below = template.strip_prefix(open);
        below.is_some_and(|below| below.is_empty() || (*open != "/" && below.starts_with('/')))
    })
}

/// The least role that may ask for this write; that of nobody but a tester where it has no row.
pub(crate) fn of_route(method: &Method, template: &str) -> Role {
    of_write(method.as_str(), template).unwrap_or(Role::Tester)
}

fn of_write(method: &str, template: &str) -> Option<Role> {
    let below = template.strip_prefix(crate::routes::BASE)?;
    let row = WRITES.iter().find(|(known, route, _)| (*known, *route) == (method, below));
    row.map(|(_, _, role)| *role)
}

/// The operations of a path with their methods.
fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?))).collect()
}

fn methods(item: &PathItem) -> Vec<Method> {
    operations(&mut item.clone()).into_iter().map(|(method, _)| method).collect()
}

/// Name of the security scheme in the OpenAPI document.
const SCHEME: &str = "token";

/// How a request to any route may be refused before the route sees it, and to those that ask for a token.
const FOR_ALL: [&Kind; 2] = [&kind::HEAD_TOO_LARGE, &kind::URI_TOO_LONG];
const FOR_GUARDED: [&Kind; 2] = [&kind::UNAUTHENTICATED, &kind::FORBIDDEN];

/// Says of each operation which role it needs, and how it is refused to others. `asks` is whether this
/// server asks for tokens; where it does not, a request may come without one.
pub(crate) fn describe(document: &mut OpenApi, asks: bool) {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some(
        "A token of the farm, as `Authorization: Bearer bess_...`. Its role may do what the roles before \
         it may: viewer, operator, engineer, tester. A server that was started without tokens asks for \
         none."
            .to_owned(),
    );
    let components = document.components.get_or_insert_with(Components::default);
    components.security_schemes.insert(SCHEME.to_owned(), SecurityScheme::Http(scheme).into());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let mut kinds = FOR_ALL.to_vec();
            if !is_health(path) {
                kinds.push(&kind::RATE_LIMITED);
            }
            if let Some(role) = of_operation(&method, path) {
                kinds.extend(FOR_GUARDED);
                let with = SecurityRequirement::new(SCHEME, [role.name()]);
                let without = (!asks).then(SecurityRequirement::default);
                operation.security = Some(without.into_iter().chain([with]).collect());
            }
            for (status, response) in responses_of(&kinds) {
                operation.responses.responses.entry(status).or_insert(response);
            }
        }
    }
}

/// Whether probes ask it, which no limit of the rate may stop.
pub(super) fn is_health(template: &str) -> bool {
    matches!(template, "/healthz" | "/readyz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_write_of_the_document_has_one_row_and_every_row_its_write() {
        let mut document = crate::routes::document();
        let mut served = Vec::new();
        for (path, item) in &mut document.paths.paths {
            for (method, _) in operations(item) {
                if !method.is_safe() {
                    let row = of_write(method.as_str(), path);
                    assert!(row.is_some(), "{method} {path} needs a row in access/roles.rs");
                    served.push(format!("{method} {path}"));
                }
            }
        }
        let mut rows: Vec<String> = WRITES
            .iter()
            .map(|(method, route, _)| format!("{method} {}{route}", crate::routes::BASE))
            .collect();
        served.sort();
        rows.sort();
        assert_eq!(rows, served);
    }

    #[test]
    fn a_write_beside_the_farm_is_told_from_one_to_it_by_its_route() {
        for (method, route, _) in WRITES {
            let origin = bess_core::command::Origin {
                via: Some(format!("{method} {}{route}", crate::routes::BASE)),
                ..Default::default()
            };
            let record = bess_core::audit::AuditRecord {
                tick: bess_core::Tick(0),
                wall_unix_ns: 0,
                origin,
                unit: None,
                what: String::new(),
                needs: Role::Viewer,
                refused: None,
            };
            let is_beside = ["/faults", "/runs", "/clock", "/logging"]
                .iter()
                .any(|beside| route.starts_with(beside));
            assert_eq!(record.is_of_farm(), !is_beside, "{method} {route}");
        }
    }

    #[test]
    fn reads_are_a_viewers_open_routes_everybodys_and_what_nobody_thought_of_a_testers() {
        let get = |template| needed(&Method::GET, Some(template));
        for open in ["/", "/healthz", "/api/docs", "/api/docs/{*file}", "/api/openapi.json"] {
            assert_eq!(get(open), None, "{open}");
            assert_eq!(needed(&Method::HEAD, Some(open)), None, "{open}");
        }
        for guarded in ["/api/v1/farm", "/api/docs2", "/healthz2", "/new"] {
            assert_eq!(get(guarded), Some(Role::Viewer), "{guarded}");
        }
        assert_eq!(needed(&Method::GET, None), Some(Role::Viewer));
        assert_eq!(needed(&Method::POST, Some("/api/docs")), Some(Role::Tester));
        assert_eq!(needed(&Method::POST, Some("/api/v1/new")), Some(Role::Tester));
        let brew = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(needed(&brew, Some("/api/v1/farm")), Some(Role::Viewer), "it will be a 405");
    }
}
