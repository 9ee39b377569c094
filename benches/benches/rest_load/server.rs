//! The process under test: a live farm behind REST and, on the same runtime, axum alone with answers that
//! REST gave once.

use crate::http::fetch;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use bess_api::{AddressBook, Api, ApiConfig, BuildInfo, FarmAccess, Readiness};
use bess_benches::{Fault, farms};
use bess_core::command::{Command, ControlSource};
use bess_core::units::Watts;
use bess_simulation::{Engine, EngineOptions, Inputs, LoopOptions};
use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves until the clients' process closes its end.
pub(crate) fn run(mut words: impl Iterator<Item = String>) -> Result<(), Fault> {
    let mut number = || -> Result<usize, Fault> { Ok(words.next().ok_or("a number")?.parse()?) };
    let (units, workers) = (number()?, number()?);
    let mut engine = Engine::new(farms::farm(units), Inputs::default(), EngineOptions::default());
    let setpoint = Command::SetFarmPower { active: Watts(1e6), reactive: None };
    engine.apply(&setpoint, ControlSource::Schedule).map_err(|refused| refused.to_string())?;
    let farm = bess_simulation::spawn(engine, LoopOptions::default())?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let bind = || runtime.block_on(TcpListener::bind("127.0.0.1:0"));
    let (rest, bare) = (bind()?, bind()?);
    let (rest_at, bare_at) = (rest.local_addr()?, bare.local_addr()?);
    let access =
        FarmAccess { snapshots: farm.snapshots(), mailbox: farm.mailbox(), stats: farm.stats() };
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let book = AddressBook { modbus: nowhere, devices: Vec::new(), api: rest_at, metrics: nowhere };
    let build = BuildInfo::default();
    let api = Api::new(access, Readiness::default(), book, ApiConfig::default(), build);
    runtime.spawn(api.serve_rest(rest, CancellationToken::new()));
    let answers = Arc::new(answers(rest_at, units)?);
    runtime.spawn(async move {
        let listener = bare.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, bare_app(&answers)).await
    });
    println!("{} {}", rest_at.port(), bare_at.port());
    // Until its end.
    std::io::stdin().lock().read_to_end(&mut Vec::new())?;
    farm.stop().map_err(|_| "the loop panicked".into())
}

/// An answer: headers and body.
type Answer = (Vec<(HeaderName, HeaderValue)>, Bytes);

/// What REST answers to each path that is measured.
fn answers(rest: SocketAddr, units: usize) -> Result<HashMap<String, Answer>, Fault> {
    let mut paths: Vec<String> = (1..=units).map(|unit| format!("/api/v1/units/{unit}")).collect();
    paths.push(format!("/api/v1/units?limit={units}"));
    paths.extend(["json", "binary"].map(|form| format!("/api/v1/units/1/cells?format={form}")));
    let mut answers = HashMap::new();
    for path in paths {
        let (headers, body) = fetch(rest, &path)?;
        let headers = headers
            .iter()
            .map(|(name, value)| Ok((name.parse()?, value.parse()?)))
            .collect::<Result<_, Fault>>()?;
        answers.insert(path, (headers, Bytes::from(body)));
    }
    Ok(answers)
}

/// The same routes, each of which sends what it was given: the least that axum can do.
fn bare_app(answers: &Arc<HashMap<String, Answer>>) -> Router {
    let handler = || {
        let answers = Arc::clone(answers);
        get(async move |uri: Uri| {
            let mut response = Response::new(Body::empty());
            let target = uri.path_and_query().map_or("", |target| target.as_str());
            if let Some((headers, body)) = answers.get(target) {
                response.headers_mut().extend(headers.iter().cloned());
                *response.body_mut() = Body::from(body.clone());
            } else {
                *response.status_mut() = axum::http::StatusCode::NOT_FOUND;
            }
            response
        })
    };
    Router::new()
        .route("/api/v1/units", handler())
        .route("/api/v1/units/{id}", handler())
        .route("/api/v1/units/{id}/cells", handler())
}
