//! `/faults`: what is made wrong on purpose, one by one.

use super::{Parameter, book, check_id, check_seed, drawn_id, find, refused, seconds_to};
use crate::ask::InEarnest;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{
    Fallible, FarmReadProblems, FaultEndProblems, FaultInjectProblems, FaultKindsProblems, Problem,
    StageEndProblems, kind,
};
use crate::state::Api;
use crate::wire::{AppliedAnswer, Num, SWITCH, Stamp};
use axum::Json;
use axum::extract::{Path, State};
use bess_core::command::Request;
use bess_core::config::Problems;
use bess_core::snapshot::{FaultPlane, Snapshot};
use bess_core::stage::{FaultKindInfo, FaultView, FaultWish as Wish, StageRequest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// A fault that is in force, or was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// Its id: of an action of a run `run/action`.
    id: String,
    /// Its kind.
    kind: &'static str,
    /// What it makes wrong.
    plane: &'static str,
    /// Whom it hits.
    targets: Vec<String>,
    /// Its parameters as they are now.
    with: BTreeMap<&'static str, String>,
    /// The run that it belongs to; null for a single one.
    #[schema(required = true)]
    run: Option<String>,
    /// First tick with it.
    since_tick: u64,
    /// First tick without it; null where it does not end by itself.
    #[schema(required = true)]
    until_tick: Option<u64>,
    /// Simulated seconds that it still lasts; null where it does not end by itself.
    #[schema(value_type = Num)]
    remaining_s: Option<Num>,
    /// Whether it is in force.
    is_active: bool,
    /// Whether it was seen to act: pending, confirmed, no_effect or inconclusive.
    effect: &'static str,
}

impl Fault {
    fn of(snapshot: &Snapshot, fault: &FaultView) -> Self {
        let remaining = fault.until.filter(|_| fault.is_active);
        Self {
            id: fault.id.clone(),
            kind: fault.kind,
            plane: FaultPlane::NAMES[fault.plane as usize],
            targets: fault.targets.clone(),
            with: fault.with.iter().cloned().collect(),
            run: fault.run.clone(),
            since_tick: fault.since.0,
            until_tick: fault.until.map(|until| until.0),
            remaining_s: remaining.map(|until| seconds_to(snapshot, until)),
            is_active: fault.is_active,
            effect: fault.effect.name(),
        }
    }
}

/// Faults in force, and those that ended lately.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaultsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// The faults, by their start.
    faults: Vec<Fault>,
}

/// The kinds of faults.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaultKindsAnswer {
    /// Every kind.
    kinds: Vec<FaultKind>,
}

/// A kind of fault.
#[derive(Debug, Serialize, ToSchema)]
struct FaultKind {
    /// Its name.
    name: &'static str,
    /// What it makes wrong.
    plane: &'static str,
    /// What a target of it is, usually.
    target: &'static str,
    /// Everything that a target of it may be.
    targets: Vec<&'static str>,
    /// What happens.
    summary: &'static str,
    /// What it does to the physics.
    effect: &'static str,
    /// How it shows.
    symptoms: &'static str,
    /// What is expected of the farm, or of whoever watches it.
    reaction: &'static str,
    /// Where that is known from.
    source: &'static str,
    /// Where it stands in the catalogue of faults.
    catalogue: &'static [&'static str],
    /// Its parameters.
    parameters: Vec<Parameter>,
}

impl From<&FaultKindInfo> for FaultKind {
    fn from(info: &FaultKindInfo) -> Self {
        Self {
            name: info.name,
            plane: FaultPlane::NAMES[info.plane as usize],
            target: info.targets.first().copied().unwrap_or_default(),
            targets: info.targets.clone(),
            summary: info.summary,
            effect: info.effect,
            symptoms: info.symptoms,
            reaction: info.reaction,
            source: info.source,
            catalogue: info.catalogue,
            parameters: info.parameters.iter().map(Parameter::from).collect(),
        }
    }
}

/// A fault that somebody asks for.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "device.hvac.pump", "target": "unit-003", "duration": "10m"}))]
pub(crate) struct FaultInjection {
    /// Its id; one is drawn when absent.
    #[serde(default, deserialize_with = "present", skip_serializing)]
    #[schema(nullable = false, min_length = 1, max_length = 64, pattern = "^[a-z0-9-]+$")]
    id: Option<String>,
    /// Its kind, one of `GET /faults/kinds`.
    kind: String,
    /// Whom it hits: a name such as `unit-003`, `unit-003/rack-2`, `unit-003/rack-2/current_a` (a sensor),
    /// `grid`, several of them, or a selector as scenarios have them.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    target: Option<Value>,
    /// Its parameters: numbers, quantities such as `12mohm`, shapes or distributions.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Object)]
    with: Option<Map<String, Value>>,
    /// Simulated time after which it ends, such as `10m`; until it is ended when absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    duration: Option<String>,
    /// What ends it: `auto` (default) its duration or somebody, `manual` the same with what it left latched
    /// left to an operator, `never` somebody alone: it has no duration.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recovery: Option<String>,
    /// Seed of its chance.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seed: Option<u64>,
}

/// A fault was injected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaultInjected {
    /// Its id.
    id: String,
    #[serde(flatten)]
    applied: AppliedAnswer,
}

/// The faults
///
/// Those in force, by themselves and of scenarios, and those that ended lately, each with whether it was seen
/// to act.
#[utoipa::path(get, path = "/faults", operation_id = "list_faults", tag = "scenarios",
    params(("active" = inline(Option<crate::wire::SwitchName>), Query, description = "Only those in force, or that ended")),
    responses((status = 200, description = "The faults.", body = FaultsAnswer), FarmReadProblems))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    mut query: Params,
) -> Fallible<Json<FaultsAnswer>> {
    let active = query.choice("active", &SWITCH)?.map(|active| active == SWITCH[0]);
    query.finish()?;
    let snapshot = api.snapshot();
    let wanted = |fault: &&Arc<FaultView>| active.is_none_or(|active| fault.is_active == active);
    let faults = snapshot.stage.faults.iter().filter(wanted);
    let faults = faults.map(|fault| Fault::of(&snapshot, fault)).collect();
    Ok(Json(FaultsAnswer { stamp: Stamp::of(&snapshot), faults }))
}

/// The kinds of faults
///
/// What can be made wrong, with the parameters of each.
#[utoipa::path(get, path = "/faults/kinds", operation_id = "list_fault_kinds", tag = "scenarios",
    responses((status = 200, description = "The kinds.", body = FaultKindsAnswer), FaultKindsProblems))]
pub(crate) async fn kinds(
    State(api): State<Arc<Api>>,
    query: Params,
) -> Fallible<Json<FaultKindsAnswer>> {
    query.finish()?;
    let kinds = book(&api)?.kinds().iter().map(FaultKind::from).collect();
    Ok(Json(FaultKindsAnswer { kinds }))
}

/// Inject a fault
///
/// From the next tick on it is so, until its duration is over or it is ended. What it did is in `effect`.
#[utoipa::path(post, path = "/faults", operation_id = "inject_fault", tag = "scenarios",
    request_body = FaultInjection,
    responses((status = 200, description = "Injected.", body = FaultInjected), FaultInjectProblems))]
pub(crate) async fn inject(
    State(api): State<Arc<Api>>,
    InEarnest(sender): InEarnest,
    query: Params,
    Body(wish): Body<FaultInjection>,
) -> Fallible<Json<FaultInjected>> {
    query.finish()?;
    let book = book(&api)?;
    let snapshot = api.snapshot();
    if let Some(id) = &wish.id {
        check_id(id)?;
    }
    check_seed(wish.seed)?;
    let known: Vec<&str> = book.kinds().iter().map(|kind| kind.name).collect();
    if !known.contains(&wish.kind.as_str()) {
        return Err(Problem::not_one_of("kind", &wish.kind, known));
    }
    let text = serde_json::to_string(&wish)
        .map_err(|error| Problem::new(&kind::BAD_FIELD, error.to_string()))?;
    let prepared = book
        .read_fault("body", &text, &snapshot.spec)
        .map_err(|problems| refused(field_of(&text, &problems), &problems))?;
    let taken =
        |id: &str| snapshot.stage.faults.iter().any(|fault| fault.is_active && fault.id == id);
    let id = wish.id.unwrap_or_else(|| drawn_id(&api, "fault", taken));
    let request = StageRequest::Inject(Wish { id: id.clone(), prepared });
    let Json(applied) = api.change(Request::Stage(request), sender).await?;
    Ok(Json(FaultInjected { id, applied }))
}

/// The member of the body that the first problem is about; `text` is the body as it was read, in one line.
fn field_of(text: &str, problems: &Problems) -> &'static str {
    const FIELDS: [&str; 5] = ["target", "with", "duration", "recovery", "seed"];
    let Some(problem) = problems.0.first() else { return "kind" };
    // What is missing has no place of its own.
    let missing = |field: &&str| problem.message.ends_with(&format!("in `{field}`"));
    if let Some(field) = FIELDS.into_iter().find(missing) {
        return field;
    }
    let (mut field, mut depth, mut is_text, mut escaped) = ("", 0, false, false);
    for (place, letter) in text.chars().enumerate().take(problem.column) {
        match letter {
            _ if escaped => escaped = false,
            '\\' if is_text => escaped = true,
            '"' => {
                is_text = !is_text;
                let key: String = text.chars().skip(place + 1).take_while(|c| *c != '"').collect();
                let rest: String =
                    text.chars().skip(place + 1 + key.chars().count()).take(2).collect();
                if is_text && depth == 1 && rest == "\":" {
                    field = FIELDS.into_iter().find(|known| *known == key).unwrap_or("kind");
                }
            }
            '{' | '[' if !is_text => depth += 1,
            '}' | ']' if !is_text => depth -= 1,
            _ => {}
        }
    }
    // A problem of the whole is that nobody is named.
    if field.is_empty() { "target" } else { field }
}

/// End a fault
///
/// A single one; those of a run end with it. Alarms that latched stay latched.
#[utoipa::path(delete, path = "/faults/{id}", operation_id = "end_fault", tag = "scenarios",
    params(("id" = String, Path, description = "Its id", example = "fault-1")),
    responses((status = 200, description = "Ended.", body = AppliedAnswer), FaultEndProblems))]
pub(crate) async fn end(
    State(api): State<Arc<Api>>,
    InEarnest(sender): InEarnest,
    Path(id): Path<String>,
    query: Params,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    let single = |fault: &&Arc<FaultView>| fault.is_active && fault.run.is_none();
    let singles = snapshot.stage.faults.iter().filter(single);
    let what = "no single fault in force has the id";
    find(singles, |fault| &fault.id, &id, &kind::NO_SUCH_FAULT, what)?;
    api.change(Request::Stage(StageRequest::EndFault(id)), sender).await
}

/// End every single fault
#[utoipa::path(delete, path = "/faults", operation_id = "end_faults", tag = "scenarios",
    responses((status = 200, description = "Ended.", body = AppliedAnswer), StageEndProblems))]
pub(crate) async fn end_all(
    State(api): State<Arc<Api>>,
    InEarnest(sender): InEarnest,
    query: Params,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    book(&api)?;
    api.change(Request::Stage(StageRequest::EndFaults), sender).await
}

#[cfg(test)]
mod tests {
    use super::field_of;
    use bess_core::config::{Problem, Problems};

    #[test]
    fn a_problem_names_the_member_of_the_body_in_which_it_is() {
        let text = r#"{"kind":"a.b","target":"unit-\"9","with":{"duration":"x","l":[1]},"duration":"-5m"}"#;
        let at = |found: &str, message: &str| {
            let column = text.find(found).expect("it is there") + 1;
            let problem =
                Problem { column, ..Problem::without_place("body", message.to_owned(), None) };
            field_of(text, &Problems(vec![problem]))
        };
        assert_eq!(at("unit-", "there is no unit"), "target");
        assert_eq!(at("\"x\"", "it must be a number"), "with", "a parameter of the same name");
        assert_eq!(at("[1]", "it must be a number"), "with");
        assert_eq!(at("\"-5m\"", "it must be a duration"), "duration");
        assert_eq!(at("a.b", "`a.b` needs `x` in `with`"), "with");
        assert_eq!(at("{\"kind", "this fault lacks a `target`: a unit"), "target");
    }
}
