//! `/healthz` and `/readyz`: for whoever runs the process.

use crate::problem::{Fallible, HealthProblems, Problem, ReadinessProblems, kind};
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// It is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`; what is not well is a problem document.
    #[schema(pattern = "^ok$")]
    status: &'static str,
}

/// A loop that has not beaten for longer is not alive.
const BEAT_MAX_S: f64 = 5.0;

/// Whether the process is alive
///
/// The tick loop beats at least five times a second, also while the clock is paused.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "health",
    responses((status = 200, description = "Alive.", body = Health), HealthProblems))]
pub(crate) async fn healthz(State(api): State<Arc<Api>>) -> Fallible<Json<Health>> {
    let now_ns =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64);
    let beat_ns = api.farm.stats.ticks.last_beat_unix_ns.load(Relaxed);
    if beat_ns == 0 {
        let detail = "the tick loop has not beaten yet";
        return Err(Problem::new(&kind::LOOP_SILENT, detail));
    }
    let silent_s = (now_ns - beat_ns) as f64 / 1e9;
    if silent_s > BEAT_MAX_S {
        let detail = format!("the tick loop has not beaten for {silent_s:.1} s");
        return Err(Problem::new(&kind::LOOP_SILENT, detail));
    }
    Ok(Json(Health { status: "ok" }))
}

/// Whether clients may come
///
/// Off before every listener is bound and the first snapshot is out, and from the moment the process
/// is asked to stop.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "health",
    responses((status = 200, description = "Ready.", body = Health), ReadinessProblems))]
pub(crate) async fn readyz(State(api): State<Arc<Api>>) -> Fallible<Json<Health>> {
    if api.ready.get() {
        return Ok(Json(Health { status: "ok" }));
    }
    Err(Problem::new(&kind::NOT_READY, "the farm is starting or stopping"))
}
