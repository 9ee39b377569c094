//! Writes that concern several shards: all of them take it, or none, as far as that can be had.
//!
//! First every shard is asked whether it would take its part (a dry run); when one would not, or does not
//! answer, its refusal is the answer and nothing was changed. Then all are told at once. A shard can still
//! fail between the two: then the answer is a problem that says who took it and who did not.

use super::reads::{Read, below_base};
use super::shards::{Answer, Ask, Missing, Shown};
use super::split::{Offer, split};
use super::{Gateway, target_of};
use crate::body;
use crate::problem::{Allowed, Fallible, PROBLEM_JSON, Problem, kind};
use crate::routes::farm::FarmSetpoint;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::StatusCode};
use bess_core::command::{Command, validate};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Largest body of a write, and how long it may take to arrive.
const BODY_MAX: usize = 64 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// A write of a client.
struct Write {
    method: Method,
    /// Path below the base, and the parameters but for `dry_run`.
    path: String,
    query: String,
    is_dry: bool,
    headers: HeaderMap,
    body: Bytes,
}

impl Write {
    async fn read(request: Request) -> Fallible<Self> {
        let target = below_base(&target_of(&request));
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut is_dry = false;
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair {
                "dry_run=true" => is_dry = true,
                "dry_run=false" => {}
                // The shards say what is wrong with it.
                other => kept.push(other),
            }
        }
        let (path, query) = (path.to_owned(), kept.join("&"));
        let (parts, body) = request.into_parts();
        let body = body::read_within(body, BODY_MAX, BODY_TIMEOUT).await?.into();
        Ok(Self { method: parts.method, path, query, is_dry, headers: parts.headers, body })
    }

    /// Its part for a shard, as it is to be done or tried.
    fn part(&self, body: impl Into<Bytes>, is_dry: bool) -> Ask {
        let dry = is_dry.then_some("dry_run=true");
        let kept = Some(self.query.as_str()).filter(|query| !query.is_empty());
        let query: Vec<&str> = kept.into_iter().chain(dry).collect();
        let sign = if query.is_empty() { "" } else { "?" };
        Ask {
            method: self.method.clone(),
            target: format!("{}{sign}{}", self.path, query.join("&")),
            body: body.into(),
        }
    }

    /// The body as an object; `None` for what is none, which a shard refuses better.
    fn object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Lets a shard say what is wrong with it.
    async fn refused_by_any(&self, gateway: &Gateway) -> Response {
        let shard = gateway.shards.any();
        let shown = Shown::of(&self.headers);
        match gateway.shards.ask(shard, &self.part(self.body.clone(), true), &shown).await {
            Ok(answer) => answer.pass_on(),
            Err(missing) => gateway.shards.missing(&missing).into_response(),
        }
    }

    /// Does it: each shard gets its body.
    async fn carry_out(
        &self,
        gateway: &Gateway,
        parts: Vec<(usize, Bytes)>,
        has_key: bool,
    ) -> Response {
        let shown = Shown::of(&self.headers);
        let asks = |is_dry: bool| -> Vec<(usize, Ask)> {
            parts.iter().map(|(shard, body)| (*shard, self.part(body.clone(), is_dry))).collect()
        };
        if parts.len() > 1 || self.is_dry {
            let tried = gateway.shards.ask_each(&asks(true), &shown).await;
            let mut answers = Vec::with_capacity(tried.len());
            for tried in tried {
                match tried {
                    Ok(answer) if answer.is_good() => answers.push(answer),
                    Ok(answer) => return answer.pass_on(),
                    Err(missing) => return gateway.shards.missing(&missing).into_response(),
                }
            }
            if self.is_dry {
                return tried_by_all(&answers);
            }
        }
        let shown = if has_key { shown.with_key(&self.headers) } else { shown };
        told_by_all(gateway, gateway.shards.ask_each(&asks(false), &shown).await)
    }
}

/// The answer to a dry run: what all of them would change.
fn tried_by_all(answers: &[Answer]) -> Response {
    let values: Vec<Value> = answers.iter().map(Answer::json).collect();
    let mut whole = values.first().and_then(Value::as_object).cloned().unwrap_or_default();
    let changes = values.iter().filter_map(|value| value.get("changes")?.as_array()).flatten();
    whole.insert("changes".to_owned(), changes.cloned().collect::<Vec<_>>().into());
    whole.insert("shards".to_owned(), answers.iter().map(|answer| answer.shard).collect());
    Json(Value::Object(whole)).into_response()
}

/// The answer to a write, of what all shards said.
fn told_by_all(gateway: &Gateway, told: Vec<Result<Answer, Missing>>) -> Response {
    let (mut good, mut refused, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for told in told {
        match told {
            Ok(answer) if answer.is_good() => good.push(answer),
            Ok(answer) => refused.push(answer),
            Err(missing) => gone.push(missing),
        }
    }
    if refused.is_empty() && gone.is_empty() {
        let ticks = good.iter().map(|answer| {
            let tick = answer.json().get("applied_tick").cloned().unwrap_or_default();
            json!({ "shard": answer.shard, "applied_tick": tick })
        });
        let mut whole = good.first().map(Answer::json).unwrap_or_default();
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("shards".to_owned(), ticks.collect());
        }
        return Json(whole).into_response();
    }
    let nobody_has_it = good.is_empty() && !gone.iter().any(|gone| gone.may_have_it);
    if nobody_has_it {
        if let Some(answer) = refused.into_iter().next() {
            return answer.pass_on();
        }
        // There is one: nobody was asked otherwise.
        return gone.first().map_or_else(
            || StatusCode::BAD_GATEWAY.into_response(),
            |gone| gateway.shards.missing(gone).into_response(),
        );
    }
    partly(&good, &refused, &gone)
}

/// Some shards took it and some did not: who, so that the client can put it right.
fn partly(good: &[Answer], refused: &[Answer], gone: &[Missing]) -> Response {
    let applied: Vec<usize> = good.iter().map(|answer| answer.shard).collect();
    let not: Vec<usize> = refused.iter().map(|answer| answer.shard).collect();
    let (unknown, missing): (Vec<&Missing>, Vec<&Missing>) =
        gone.iter().partition(|gone| gone.may_have_it);
    let shards = |gone: &[&Missing]| gone.iter().map(|gone| gone.shard).collect::<Vec<_>>();
    let detail = format!(
        "applied by shards {applied:?}, refused by {not:?}, not reached {:?}, not known of {:?}: write again, or read what holds",
        shards(&missing),
        shards(&unknown)
    );
    let problem = Problem::new(&kind::PARTLY_APPLIED, detail);
    let mut document = serde_json::to_value(&problem).unwrap_or_default();
    if let Some(document) = document.as_object_mut() {
        let refusals = refused.iter().map(|answer| {
            let problem = answer.json();
            json!({
                "shard": answer.shard,
                "status": answer.status.as_u16(),
                "detail": problem.get("detail").cloned().unwrap_or_default(),
            })
        });
        let request_id = crate::request::current_id();
        document.insert("applied".to_owned(), applied.into());
        document.insert("refused".to_owned(), refusals.collect());
        document.insert("not_reached".to_owned(), shards(&missing).into());
        document.insert("not_known".to_owned(), shards(&unknown).into());
        document.extend(request_id.map(|id| ("request_id".to_owned(), id.into())));
    }
    let status = kind::PARTLY_APPLIED.status;
    let content_type = HeaderValue::from_static(PROBLEM_JSON);
    (status, [(header::CONTENT_TYPE, content_type)], Body::from(document.to_string()))
        .into_response()
}

/// The same for every shard.
pub(super) async fn to_all(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
) -> Fallible<Response> {
    let write = Write::read(request).await?;
    let parts = (0..gateway.shards.len()).map(|shard| (shard, write.body.clone()));
    Ok(write.carry_out(&gateway, parts.collect(), true).await)
}

/// A setpoint of the farm: shared by what shards have available at this moment.
pub(super) async fn set_farm(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
) -> Fallible<Response> {
    let write = Write::read(request).await?;
    let spec = gateway.shards.spec();
    let command = body::parse::<FarmSetpoint>(&write.body)?.command(spec)?;
    validate(spec, &[], &command).map_err(Box::<Problem>::from)?;
    let Some((active_w, reactive_var)) = setpoint_of(&command) else {
        return Ok(write.refused_by_any(&gateway).await);
    };
    let read = match Read::all(&gateway, &Shown::of(&write.headers), OFFERS).await {
        Ok(read) => read,
        Err(refused) => return Ok(*refused),
    };
    if let Some(shard) = read.missing().first() {
        let why = "its part of the setpoint cannot be given".to_owned();
        let missing = Missing { shard: *shard, why, may_have_it: false };
        return Err(gateway.shards.missing(&missing));
    }
    let offers: Vec<Offer> = read.answers.iter().map(offer_of).collect();
    let strategy = write.object().and_then(|object| object.get("strategy").cloned());
    let reactive_rated = |shard: usize| {
        let units = &spec.units[gateway.shards.units_of(shard)];
        units.iter().map(|unit| unit.design.pcs.rated_reactive_power.0).sum::<f64>()
    };
    let part = |(shard, active_w): (usize, f64)| {
        let rated_w = offers[shard].rated_w;
        let mut body = Map::new();
        body.insert("active_power_w".to_owned(), active_w.clamp(-rated_w, rated_w).into());
        if let Some(reactive_var) = reactive_var {
            let rated_var = reactive_rated(shard);
            let share = rated_var / spec.rated_reactive_power().0;
            let part_var = (reactive_var * share).clamp(-rated_var, rated_var);
            body.insert("reactive_power_var".to_owned(), part_var.into());
        }
        body.extend(strategy.clone().map(|strategy| ("strategy".to_owned(), strategy)));
        (shard, Bytes::from(Value::Object(body).to_string()))
    };
    let parts = split(active_w, &offers).into_iter().enumerate().map(part).collect();
    // What a shard is to do differs from time to time, so a key would call the same write another one;
    // written twice it is the same.
    Ok(write.carry_out(&gateway, parts, false).await)
}

/// What a shard says of what it can do.
const OFFERS: &str =
    "farm?fields=available_discharge_power_w,available_charge_power_w,rated_power_w";

fn offer_of(answer: &Answer) -> Offer {
    let farm = answer.json();
    let number = |name: &str| farm.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    Offer {
        discharge_w: number("available_discharge_power_w"),
        charge_w: number("available_charge_power_w"),
        rated_w: number("rated_power_w"),
    }
}

/// Active and reactive power of the command that a setpoint becomes.
fn setpoint_of(command: &Command) -> Option<(f64, Option<f64>)> {
    match command {
        Command::SetFarmPower { active, reactive } => {
            Some((active.0, reactive.map(|reactive| reactive.0)))
        }
        Command::Batch(commands) => commands.iter().find_map(setpoint_of),
        _ => None,
    }
}

/// Commands to units that are named under `units`, or to all of them.
pub(super) async fn of_units(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
) -> Fallible<Response> {
    by_unit(&gateway, request, "units", |item| Some(item)).await
}

/// Setpoints of units.
pub(super) async fn setpoints(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
) -> Fallible<Response> {
    by_unit(&gateway, request, "setpoints", |item| item.get("unit")).await
}

/// Shares a list out to the shards that have its units; without the list all get the body as it is.
async fn by_unit(
    gateway: &Gateway,
    request: Request,
    list: &'static str,
    unit_of: fn(&Value) -> Option<&Value>,
) -> Fallible<Response> {
    let write = Write::read(request).await?;
    let Some(object) = write.object() else { return Ok(write.refused_by_any(gateway).await) };
    let Some(given) = object.get(list) else {
        if list == "units" {
            let parts = (0..gateway.shards.len()).map(|shard| (shard, write.body.clone()));
            return Ok(write.carry_out(gateway, parts.collect(), true).await);
        }
        return Ok(write.refused_by_any(gateway).await);
    };
    let Some(items) = given.as_array().filter(|items| !items.is_empty()) else {
        return Ok(write.refused_by_any(gateway).await);
    };
    let mut of_shard: Vec<Vec<Value>> = vec![Vec::new(); gateway.shards.len()];
    for (idx, item) in items.iter().enumerate() {
        let name = match unit_of(item) {
            Some(Value::String(name)) => name.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Ok(write.refused_by_any(gateway).await),
        };
        let shard = gateway.shards.of_unit(&name).map_err(|_| {
            let there = gateway.shards.spec().unit_numbers();
            let field = if list == "units" {
                format!("units[{idx}]")
            } else {
                format!("{list}[{idx}].unit")
            };
            Problem::new(&kind::OUT_OF_RANGE, format!("{there} (or their names), not {name:?}"))
                .field(field)
                .value(name)
                .allowed(Allowed::units(there))
        })?;
        of_shard[shard].push(item.clone());
    }
    let parts = of_shard.into_iter().enumerate().filter(|(_, items)| !items.is_empty());
    let parts = parts.map(|(shard, items)| {
        let mut body = object.clone();
        body.insert(list.to_owned(), items.into());
        (shard, Bytes::from(Value::Object(body).to_string()))
    });
    Ok(write.carry_out(gateway, parts.collect(), true).await)
}

/// Settings of the plant controllers. What is the farm's is cut to the shares of the shards' ratings: the
/// contract of a frequency response and limits at the POI. The order of units goes to those who have them.
pub(super) async fn plant(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
) -> Fallible<Response> {
    let write = Write::read(request).await?;
    let Some(object) = write.object() else { return Ok(write.refused_by_any(&gateway).await) };
    let spec = gateway.shards.spec();
    let order = object.get("priority").and_then(Value::as_array);
    for number in order.into_iter().flatten() {
        gateway.shards.of_unit(&number.to_string()).map_err(|_| {
            let there = spec.unit_numbers();
            Problem::new(&kind::OUT_OF_RANGE, format!("{there}, not {number}"))
                .field("priority")
                .value(number.clone())
                .allowed(Allowed::units(there))
        })?;
    }
    let part = |shard: usize| {
        let units = gateway.shards.units_of(shard);
        let rated = spec.units[units.clone()].iter().map(|unit| unit.design.pcs.rated_power.0);
        let rated_w = rated.sum::<f64>();
        let share = rated_w / spec.rated_power().0;
        let mut body = object.clone();
        for (table, field) in [
            ("frequency_response", "contract_w"),
            ("peak_shaving", "import_max_w"),
            ("peak_shaving", "export_max_w"),
        ] {
            if let Some(value) = body.get_mut(table).and_then(|table| table.get_mut(field))
                && let Some(number) = value.as_f64()
            {
                let part_w = number * share;
                // Rounding must not lead beyond the rating.
                let is_rounded = part_w > rated_w && part_w <= rated_w * (1.0 + 1e-9);
                *value = if is_rounded { rated_w } else { part_w }.into();
            }
        }
        if let Some(order) = order {
            let is_here = |number: &&Value| {
                gateway.shards.of_unit(&number.to_string()).is_ok_and(|owner| owner == shard)
            };
            let here: Vec<Value> = order.iter().filter(is_here).cloned().collect();
            body.insert("priority".to_owned(), here.into());
        }
        (shard, Bytes::from(Value::Object(body).to_string()))
    };
    let parts = (0..gateway.shards.len()).map(part).collect();
    Ok(write.carry_out(&gateway, parts, true).await)
}
