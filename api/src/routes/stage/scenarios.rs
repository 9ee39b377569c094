//! `/scenarios`: the library.

use super::{book, find};
use crate::params::Params;
use crate::problem::{Fallible, FaultKindsProblems, ScenarioReadProblems, kind};
use crate::state::Api;
use crate::wire::Num;
use axum::Json;
use axum::extract::{Path, State};
use bess_core::stage::ScenarioInfo;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A scenario of the library.
#[derive(Debug, Serialize, ToSchema)]
struct Scenario {
    /// Its id.
    id: String,
    /// Its title.
    title: String,
    /// What it is about.
    summary: String,
    /// Words to find it by.
    tags: Vec<String>,
    /// Length of its time line.
    duration_s: Num,
}

impl From<&ScenarioInfo> for Scenario {
    fn from(info: &ScenarioInfo) -> Self {
        Self {
            id: info.id.clone(),
            title: info.title.clone(),
            summary: info.summary.clone(),
            tags: info.tags.clone(),
            duration_s: Num(info.duration_s),
        }
    }
}

/// The library.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScenariosAnswer {
    /// Its scenarios.
    scenarios: Vec<Scenario>,
}

/// A scenario with its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScenarioAnswer {
    #[serde(flatten)]
    scenario: Scenario,
    /// Its text, YAML.
    text: String,
}

/// The scenarios
///
/// Those that are shipped. Others are given as text when they are run.
#[utoipa::path(get, path = "/scenarios", operation_id = "list_scenarios", tag = "scenarios",
    responses((status = 200, description = "The scenarios.", body = ScenariosAnswer), FaultKindsProblems))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    query: Params,
) -> Fallible<Json<ScenariosAnswer>> {
    query.finish()?;
    let scenarios = book(&api)?.scenarios().iter().map(Scenario::from).collect();
    Ok(Json(ScenariosAnswer { scenarios }))
}

/// A scenario
#[utoipa::path(get, path = "/scenarios/{id}", operation_id = "show_scenario", tag = "scenarios",
    params(("id" = String, Path, description = "Its id", example = "modbus-comms-storm")),
    responses((status = 200, description = "The scenario.", body = ScenarioAnswer), ScenarioReadProblems))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    query: Params,
) -> Fallible<Json<ScenarioAnswer>> {
    query.finish()?;
    let all = book(&api)?.scenarios();
    let what = "the library has no scenario";
    let info = find(all.iter(), |info| &info.id, &id, &kind::NO_SUCH_SCENARIO, what)?;
    Ok(Json(ScenarioAnswer { scenario: info.into(), text: info.text.to_string() }))
}
