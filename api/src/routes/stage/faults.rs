//! `/faults`: what is made wrong on purpose, one by one.

use super::{Parameter, book, check_id, check_seed, drawn_id, no_such, refused, seconds_to};
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
    /// What happens.
    summary: &'static str,
    /// Its parameters.
    parameters: Vec<Parameter>,
}

impl From<&FaultKindInfo> for FaultKind {
    fn from(info: &FaultKindInfo) -> Self {
        Self {
            name: info.name,
            plane: FaultPlane::NAMES[info.plane as usize],
            target: info.target,
            summary: info.summary,
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
    /// Whom it hits: a name such as `unit-003`, `unit-003/rack-2`, `grid`, several of them, or a selector
    /// as scenarios have them.
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
    let (text, keys) = in_order(&wish)?;
    let prepared = book.read_fault("body", &text, &snapshot.spec).map_err(|problems| {
        let column = problems.0.first().map_or(0, |problem| problem.column);
        let field = keys.iter().rev().find(|(_, from)| *from <= column);
        // The kind is one that there is: what is told of it is lacking in `with`.
        let field = field.map(|(key, _)| key.as_str()).filter(|key| *key != "kind");
        refused(field.unwrap_or("with"), &problems)
    })?;
    let taken =
        |id: &str| snapshot.stage.faults.iter().any(|fault| fault.is_active && fault.id == id);
    let id = wish.id.unwrap_or_else(|| drawn_id(&api, "fault", taken));
    let request = StageRequest::Inject(Wish { id: id.clone(), prepared });
    let Json(applied) = api.change(Request::Stage(request), sender).await?;
    Ok(Json(FaultInjected { id, applied }))
}

/// A wish as one line of JSON, and the column from which on each of its fields stands there.
fn in_order(wish: &FaultInjection) -> Fallible<(String, Vec<(String, usize)>)> {
    let json = |value: &serde_json::Value| value.to_string();
    let value = serde_json::to_value(wish)
        .map_err(|error| Problem::new(&kind::BAD_FIELD, error.to_string()))?;
    let mut keys = Vec::new();
    // Columns count from 1, and the first field comes after the brace.
    let mut column = 2;
    for (key, value) in value.as_object().into_iter().flatten() {
        keys.push((key.clone(), column));
        let key = json(&serde_json::Value::from(key.as_str()));
        column += key.chars().count() + json(value).chars().count() + ":,".len();
    }
    Ok((json(&value), keys))
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
    if !snapshot.stage.faults.iter().filter(single).any(|fault| fault.id == id) {
        let known = snapshot.stage.faults.iter().filter(single).map(|fault| fault.id.as_str());
        return Err(no_such(
            &kind::NO_SUCH_FAULT,
            "no single fault in force has the id",
            &id,
            known,
        ));
    }
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
    use super::*;

    #[test]
    fn each_field_is_found_by_its_column_in_the_line_that_is_read() {
        let wish: FaultInjection = serde_json::from_str(
            "{\"kind\": \"sensor.bias\", \"target\": \"unit-001\", \"duration\": \"10 µs\",
              \"with\": {\"signal\": \"soc\", \"offset\": 0.1}, \"seed\": 7}",
        )
        .expect("a wish");
        let (text, keys) = in_order(&wish).expect("it is written");
        let names: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(names.len(), 5, "{names:?}");
        for (key, column) in &keys {
            let rest: String = text.chars().skip(column - 1).collect();
            assert!(rest.starts_with(&format!("\"{key}\":")), "{key}: {rest}");
        }
    }
}
