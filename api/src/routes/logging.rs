//! `/logging`: levels of the process's log.

use crate::ask::{InEarnest, Sender};
use crate::body::Body;
use crate::params::Params;
use crate::problem::{Allowed, Fallible, LogChangeProblems, LogReadProblems, Problem, kind};
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use bess_core::logging::LogControl;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use utoipa::ToSchema;

/// The log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogAnswer {
    /// Levels in force: a level for all, then `module=level`, with commas between.
    #[schema(example = "info,bess_protocol=debug")]
    filter: String,
    /// Those that the process was started with; DELETE goes back to them.
    filter_at_start: String,
    /// Form of the lines: human or json.
    format: &'static str,
    /// The file that lines are written to beside the standard error output; null for none.
    #[schema(required = true)]
    file: Option<String>,
    /// Modules that may have a level of their own.
    modules: Vec<&'static str>,
    /// Lines that were dropped because a writer could not keep up, or its disk was full.
    lines_dropped: u64,
}

/// Levels to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": "info,bess_protocol=debug"}))]
pub(crate) struct LogWish {
    /// A level for all (off, error, warn, info, debug, trace), `module=level`, or several with commas between.
    #[schema(max_length = 1000)]
    filter: String,
}

fn log(api: &Api) -> Fallible<&Arc<dyn LogControl>> {
    let detail = "the levels of this server cannot be changed while it runs";
    api.config.log.as_ref().ok_or_else(|| Problem::new(&kind::NO_LOG, detail))
}

fn answer(api: &Api) -> Fallible<Json<LogAnswer>> {
    let view = log(api)?.view();
    Ok(Json(LogAnswer {
        filter: view.filter,
        filter_at_start: view.filter_at_start,
        format: view.format,
        file: view.file,
        modules: view.modules,
        lines_dropped: api.farm.stats.log.dropped.load(Relaxed),
    }))
}

/// Sets the levels, and says in the log who did.
fn change(api: &Api, sender: Sender, filter: Option<&str>) -> Fallible<Json<LogAnswer>> {
    let log = log(api)?;
    log.set(filter).map_err(|refusal| {
        let allowed = Allowed::one_of(refusal.allowed.iter().copied());
        Problem::new(&kind::OUT_OF_RANGE, format!("filter: {refusal}"))
            .field("filter")
            .value(refusal.part)
            .allowed(allowed)
    })?;
    let origin = sender.into_origin();
    let (peer, request_id) = (origin.peer.as_deref(), origin.request_id.as_deref());
    tracing::warn!(filter = log.view().filter, peer, request_id, "log levels changed");
    answer(api)
}

/// Levels of the log
#[utoipa::path(get, path = "/logging", operation_id = "show_logging", tag = "log",
    responses((status = 200, description = "The log.", body = LogAnswer), LogReadProblems))]
pub(crate) async fn show(State(api): State<Arc<Api>>, query: Params) -> Fallible<Json<LogAnswer>> {
    query.finish()?;
    answer(&api)
}

/// Set the levels of the log
///
/// They hold until they are set again, or the process ends.
#[utoipa::path(put, path = "/logging", operation_id = "set_logging", tag = "log", request_body = LogWish,
    responses((status = 200, description = "They are in force.", body = LogAnswer), LogChangeProblems))]
pub(crate) async fn set(
    State(api): State<Arc<Api>>,
    InEarnest(sender): InEarnest,
    query: Params,
    Body(wish): Body<LogWish>,
) -> Fallible<Json<LogAnswer>> {
    query.finish()?;
    change(&api, sender, Some(&wish.filter))
}

/// Set the levels of the log back
///
/// To those that the process was started with.
#[utoipa::path(delete, path = "/logging", operation_id = "reset_logging", tag = "log",
    responses((status = 200, description = "They are in force.", body = LogAnswer), LogReadProblems))]
pub(crate) async fn reset(
    State(api): State<Arc<Api>>,
    InEarnest(sender): InEarnest,
    query: Params,
) -> Fallible<Json<LogAnswer>> {
    query.finish()?;
    change(&api, sender, None)
}
