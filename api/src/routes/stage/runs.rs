//! `/runs`: runs of scenarios, what came of them, and what an outside system noticed.

use super::{book, check_id, check_seed, drawn_id, find, refused};
use crate::ask::{InEarnest, aside};
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{
    Allowed, Fallible, FarmReadProblems, ObservationProblems, Problem, RunEndProblems,
    RunReadProblems, RunReportProblems, RunStartProblems, kind,
};
use crate::state::Api;
use crate::wire::{AppliedAnswer, Num, Stamp, UnitName};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bess_core::command::Request;
use bess_core::snapshot::Snapshot;
use bess_core::stage::{CheckView, Observation, ReportForm, RunView, StageRequest};
use bess_core::time::TICK_S;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// A check of a run.
#[derive(Debug, Serialize, ToSchema)]
struct Check {
    /// Its id in the scenario.
    id: String,
    /// What kind of check.
    kind: &'static str,
    /// How much it weighs: must, should or info.
    severity: &'static str,
    /// How it stands: pending, passed, failed, inconclusive or skipped.
    state: &'static str,
    /// What it says, and what was seen where it does not hold.
    message: String,
    /// The tick in which it was decided; null while it is not.
    #[schema(required = true)]
    decided_tick: Option<u64>,
}

impl From<&CheckView> for Check {
    fn from(check: &CheckView) -> Self {
        Self {
            id: check.id.clone(),
            kind: check.kind,
            severity: check.severity.name(),
            state: check.state.name(),
            message: check.message.clone(),
            decided_tick: check.decided.map(|tick| tick.0),
        }
    }
}

/// A run of a scenario.
#[derive(Debug, Serialize, ToSchema)]
struct Run {
    /// Its id.
    id: String,
    /// Id of the scenario.
    scenario: String,
    /// Title of the scenario.
    title: String,
    /// Seed of its chance.
    seed: u64,
    /// How far it is: waiting, baseline, running or done.
    phase: &'static str,
    /// What it came to: passed, failed, error, aborted or invalid; null before it is done.
    #[schema(required = true)]
    verdict: Option<&'static str>,
    /// Why, where it did not pass.
    #[schema(required = true)]
    reason: Option<String>,
    /// Tick of its start.
    start_tick: u64,
    /// Length of its time line.
    duration_s: Num,
    /// Its checks.
    checks: Vec<Check>,
    /// Observations that were posted.
    observations: u64,
}

impl From<&RunView> for Run {
    fn from(run: &RunView) -> Self {
        Self {
            id: run.id.clone(),
            scenario: run.scenario.clone(),
            title: run.title.clone(),
            seed: run.seed,
            phase: run.phase.name(),
            verdict: run.verdict.map(bess_core::stage::Verdict::name),
            reason: run.reason.clone(),
            start_tick: run.start.0,
            duration_s: Num(run.length as f64 * TICK_S),
            checks: run.checks.iter().map(Check::from).collect(),
            observations: run.observations,
        }
    }
}

/// Runs that go on, and those that ended lately.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// The runs, by their start.
    runs: Vec<Run>,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    run: Run,
}

/// A run that somebody asks for: a scenario of the library, or one as text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scenario": "modbus-comms-storm", "seed": 7}))]
pub(crate) struct RunStart {
    /// Its id; one is drawn when absent.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 64, pattern = "^[a-z0-9-]+$")]
    id: Option<String>,
    /// Id of a scenario of the library.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    scenario: Option<String>,
    /// The scenario itself: YAML, or JSON as text.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    text: Option<String>,
    /// Values of its parameters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Object)]
    set: Option<BTreeMap<String, Value>>,
    /// Seed in place of the scenario's.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    seed: Option<u64>,
}

/// A run was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunBegun {
    /// Its id.
    id: String,
    #[serde(flatten)]
    applied: AppliedAnswer,
}

/// Something that an outside system noticed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"what": "stale_data", "unit": 3, "text": "no new heartbeat for 5 s"}))]
pub(crate) struct ObservationWish {
    /// What: the word that a scenario's `sut("…")` asks for.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9_]+$")]
    what: String,
    /// The unit that it is about, by number or name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Option<String>)]
    unit: Option<UnitName>,
    /// In its own words; at most 1,000 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 1000)]
    text: Option<String>,
}

fn find_run<'s>(snapshot: &'s Snapshot, id: &str) -> Fallible<&'s RunView> {
    let runs = snapshot.stage.runs.iter();
    find(runs, |run| &run.id, id, &kind::NO_SUCH_RUN, "there is no run").map(|run| &**run)
}

/// The runs
#[utoipa::path(get, path = "/runs", operation_id = "list_runs", tag = "scenarios",
    responses((status = 200, description = "The runs.", body = RunsAnswer), FarmReadProblems))]
pub(crate) async fn list(State(api): State<Arc<Api>>, query: Params) -> Fallible<Json<RunsAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    let runs = snapshot.stage.runs.iter().map(|run| Run::from(&**run)).collect();
    Ok(Json(RunsAnswer { stamp: Stamp::of(&snapshot), runs }))
}

/// A run
#[utoipa::path(get, path = "/runs/{id}", operation_id = "show_run", tag = "scenarios",
    params(("id" = String, Path, description = "Its id", example = "run-1")),
    responses((status = 200, description = "The run.", body = RunAnswer), RunReadProblems))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    query: Params,
) -> Fallible<Json<RunAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    let run = find_run(&snapshot, &id)?.into();
    Ok(Json(RunAnswer { stamp: Stamp::of(&snapshot), run }))
}

/// Begin a run
///
/// On this farm, as it is now; a scenario that needs what it has not is refused, or ends as an error.
#[utoipa::path(post, path = "/runs", operation_id = "start_run", tag = "scenarios",
    request_body = RunStart,
    responses((status = 200, description = "Begun.", body = RunBegun), RunStartProblems))]
pub(crate) async fn start(
    State(api): State<Arc<Api>>,
    InEarnest(sender): InEarnest,
    query: Params,
    Body(wish): Body<RunStart>,
) -> Fallible<Json<RunBegun>> {
    query.finish()?;
    let book = Arc::clone(book(&api)?);
    let snapshot = api.snapshot();
    if let Some(id) = &wish.id {
        check_id(id)?;
    }
    let (file, text): (String, Arc<str>) = match (wish.scenario, wish.text) {
        (Some(id), None) => {
            let all = book.scenarios();
            let Some(info) = all.iter().find(|info| info.id == id) else {
                let known = all.iter().map(|info| info.id.as_str());
                let detail = format!("the library has no scenario {id:?}");
                return Err(Problem::new(&kind::OUT_OF_RANGE, detail)
                    .field("scenario")
                    .value(id)
                    .allowed(Allowed::one_of(known)));
            };
            (id, Arc::clone(&info.text))
        }
        (None, Some(text)) => ("text".to_owned(), text.into()),
        _ => {
            let detail = "give either the id of a scenario, or its text";
            return Err(Problem::new(&kind::CONTRADICTION, detail).field("scenario"));
        }
    };
    check_seed(wish.seed)?;
    let set: Vec<(String, String)> =
        wish.set.unwrap_or_default().into_iter().map(as_text).collect();
    let spec = Arc::clone(&snapshot.spec);
    let reader = Arc::clone(&book);
    let seed = wish.seed;
    let read = move || reader.read_scenario(&file, &text, &set, seed, &spec);
    let prepared = aside(read).await.map_err(|problems| refused("text", &problems))?;
    let taken = |id: &str| snapshot.stage.runs.iter().any(|run| run.id == id);
    let id = wish.id.unwrap_or_else(|| drawn_id(&api, "run", taken));
    let request = StageRequest::StartRun { id: id.clone(), prepared };
    let Json(applied) = api.change(Request::Stage(request), sender).await?;
    Ok(Json(RunBegun { id, applied }))
}

/// A value as `--set` would have it.
fn as_text((name, value): (String, Value)) -> (String, String) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (name, text)
}

/// End a run
///
/// Before its time: its verdict is `aborted`, and its faults end by its own rules.
#[utoipa::path(delete, path = "/runs/{id}", operation_id = "end_run", tag = "scenarios",
    params(("id" = String, Path, description = "Its id", example = "run-1")),
    responses((status = 200, description = "Ended.", body = AppliedAnswer), RunEndProblems))]
pub(crate) async fn end(
    State(api): State<Arc<Api>>,
    InEarnest(sender): InEarnest,
    Path(id): Path<String>,
    query: Params,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    find_run(&api.snapshot(), &id)?;
    api.change(Request::Stage(StageRequest::EndRun(id)), sender).await
}

/// Forms of a report by their names, with their media types.
const FORMS: [(&str, ReportForm, &str); 3] = [
    ("json", ReportForm::Json, "application/json"),
    ("junit", ReportForm::Junit, "application/xml"),
    ("html", ReportForm::Html, "text/html; charset=utf-8"),
];

/// The report of a run
///
/// Of a run that is done: JSON, JUnit XML for a CI, or one page of HTML.
#[utoipa::path(get, path = "/runs/{id}/report", operation_id = "show_report", tag = "scenarios",
    params(
        ("id" = String, Path, description = "Its id", example = "run-1"),
        ("format" = inline(Option<crate::wire::ReportFormName>), Query, description = "json when absent"),
    ),
    responses(
        (status = 200, description = "The report.", content((Object = "application/json"), (String = "application/xml"), (String = "text/html"))),
        RunReportProblems))]
pub(crate) async fn report(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    mut query: Params,
) -> Fallible<Response> {
    let name = query.choice("format", &NAMES)?.unwrap_or("json").to_owned();
    query.finish()?;
    let (_, form, media_type) =
        FORMS.into_iter().find(|(known, ..)| *known == name).unwrap_or(FORMS[0]);
    let book = Arc::clone(book(&api)?);
    find_run(&api.snapshot(), &id)?;
    let run = id.clone();
    let Some(text) = aside(move || book.report(&run, form)).await else {
        let detail = format!("run {id:?} is not done yet: there is no report of it");
        return Err(Problem::new(&kind::NOT_DONE, detail).field("id").value(id));
    };
    Ok(([(header::CONTENT_TYPE, media_type)], text.to_string()).into_response())
}

/// Their names.
pub(crate) const NAMES: [&str; 3] = ["json", "junit", "html"];

/// Longest text of an observation.
const TEXT_MAX: usize = 1000;

/// Post an observation
///
/// What an outside system noticed, while the run goes on: its checks may ask for it, and its report tells
/// how long that took and which were false.
#[utoipa::path(post, path = "/runs/{id}/observations", operation_id = "observe", tag = "scenarios",
    params(("id" = String, Path, description = "Id of the run", example = "run-1")),
    request_body = ObservationWish,
    responses((status = 200, description = "Noted.", body = AppliedAnswer), ObservationProblems))]
pub(crate) async fn observe(
    State(api): State<Arc<Api>>,
    InEarnest(sender): InEarnest,
    Path(id): Path<String>,
    query: Params,
    Body(wish): Body<ObservationWish>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    find_run(&snapshot, &id)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !(1..=64).contains(&wish.what.len()) || !wish.what.chars().all(fits) {
        let detail = format!(
            "what must be 1 to 64 lower-case letters, digits or underscores, got {:?}",
            wish.what
        );
        return Err(Problem::new(&kind::OUT_OF_RANGE, detail).field("what").value(wish.what));
    }
    let unit = wish.unit.as_ref().map(|name| name.find(&snapshot.spec)).transpose()?;
    let text = wish.text.unwrap_or_default();
    if text.chars().count() > TEXT_MAX {
        let detail = format!("text may have at most {TEXT_MAX} characters");
        return Err(Problem::new(&kind::OUT_OF_RANGE, detail).field("text"));
    }
    let observation = Observation { what: wish.what, unit, text };
    let request = StageRequest::Observe { run: id, observation };
    api.change(Request::Stage(request), sender).await
}
