//! `/links`: what is wrong with the wire between Modbus clients and the farm.

use crate::ask::Sender;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{
    Allowed, Fallible, FarmChangeProblems, FarmReadProblems, FarmReleaseProblems,
    LinkClearProblems, Problem, kind,
};
use crate::state::Api;
use crate::wire::{AppliedAnswer, LinkEffectName, Num, Stamp, UnitName};
use axum::Json;
use axum::extract::{Path, State};
use bess_core::command::{Command, Request};
use bess_core::device::Part;
use bess_core::id::UnitId;
use bess_core::link::{ActiveLink, LinkCondition, LinkEffect, LinkScope};
use bess_core::net::PeerNet;
use bess_core::snapshot::Snapshot;
use bess_core::time::{TICK_S, Tick};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A link condition that is in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    /// Its name.
    name: String,
    /// What it does.
    effect: LinkEffectName,
    #[serde(flatten)]
    parameters: Parameters,
    /// Name of the listener that it is about; null for all.
    #[schema(required = true)]
    listener: Option<String>,
    /// Number of the unit that it is about; null for all and the plant.
    #[schema(required = true)]
    unit: Option<u32>,
    /// Function codes that it is about; empty for all.
    functions: Vec<u8>,
    /// Devices that it is about: those that show this; null for all.
    #[schema(required = true, example = "bms")]
    device: Option<&'static str>,
    /// First register that it is about; null for all.
    #[schema(required = true)]
    first_register: Option<u16>,
    /// Last one.
    #[schema(required = true)]
    last_register: Option<u16>,
    /// Network of the clients that it is about; null for all.
    #[schema(required = true)]
    peer: Option<String>,
    /// Share of the requests that it hits, 0 to 1.
    probability: Num,
    /// Seed of the draws.
    seed: u64,
    /// The tick after which it began.
    since_tick: u64,
    /// The first tick without it; null for until it is cleared.
    #[schema(required = true)]
    until_tick: Option<u64>,
    /// Simulated seconds for which it is still in force; null for until it is cleared.
    #[schema(value_type = Num)]
    remaining_s: Option<Num>,
    /// Requests and connections that it was about so far.
    seen: u64,
    /// Those that it hit.
    hits: u64,
}

/// What an effect needs to be complete; each belongs to one effect.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Parameters {
    /// `delay`: wall time by which the answer comes later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    delay_s: Option<Num>,
    /// `delay`: 0 to this much more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    jitter_s: Option<Num>,
    /// `exception`: its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    exception: Option<Num>,
    /// `split`: wall time between the two segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    gap_s: Option<Num>,
    /// `stale_time`: how old the sample says that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    by_s: Option<Num>,
    /// `burst_loss`: chance that a burst of losses begins with a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    good_to_bad: Option<Num>,
    /// `burst_loss`: chance that it ends with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    bad_to_good: Option<Num>,
    /// `burst_loss`: share of the requests that is lost within a burst.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    loss_bad: Option<Num>,
    /// `bandwidth`: bytes a second of the line, from 1 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    bytes_per_s: Option<Num>,
    /// `limit_clients`, `limit_connections`: connections of a listener that are served, or may be open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    max_clients: Option<Num>,
}

impl From<&LinkEffect> for Parameters {
    fn from(effect: &LinkEffect) -> Self {
        let all = effect.parameters();
        let value = |name| all.iter().find(|(own, _)| *own == name).map(|(_, value)| Num(*value));
        Self {
            delay_s: value("delay_s"),
            jitter_s: value("jitter_s"),
            exception: value("exception"),
            gap_s: value("gap_s"),
            by_s: value("by_s"),
            good_to_bad: value("good_to_bad"),
            bad_to_good: value("bad_to_good"),
            loss_bad: value("loss_bad"),
            bytes_per_s: value("bytes_per_s"),
            max_clients: value("max_clients"),
        }
    }
}

impl Link {
    pub(crate) fn of(snapshot: &Snapshot, link: &ActiveLink) -> Self {
        let LinkCondition { name, effect, scope, probability, seed, until } = &link.condition;
        // The last tick with it is the one before.
        let left = |until: Tick| until.0.saturating_sub(snapshot.tick.0 + 1) as f64 * TICK_S;
        Self {
            name: name.clone(),
            effect: LinkEffectName(effect.name()),
            parameters: effect.into(),
            listener: scope.listener.clone(),
            unit: scope.unit.map(UnitId::number),
            functions: scope.functions.clone(),
            device: scope.part.map(Part::name),
            first_register: scope.registers.map(|(first, _)| first),
            last_register: scope.registers.map(|(_, last)| last),
            peer: scope.peer.map(|peer| peer.to_string()),
            probability: Num(*probability),
            seed: *seed,
            since_tick: link.since.0,
            until_tick: until.map(|until| until.0),
            remaining_s: until.map(|until| Num(left(until))),
            seen: link.seen(),
            hits: link.hits(),
        }
    }
}

/// The link conditions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinksAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Those in force, in the order in which their names first came.
    links: Vec<Link>,
}

/// A link condition that is wanted. What is absent is no restriction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "slow", "effect": "delay", "delay_s": 0.5, "jitter_s": 0.2, "unit": 3, "probability": 0.5}))]
pub(crate) struct LinkWish {
    /// Its name: one of the same name is replaced. 1 to 64 letters, digits, `_`, `-`, `.`.
    name: String,
    /// What it does.
    #[schema(value_type = LinkEffectName)]
    effect: String,
    /// `delay`: wall time by which the answer comes later, 0 to 3600 s.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 3600)]
    delay_s: Option<f64>,
    /// `delay`: 0 to this much more, drawn for each request; 0 when absent.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 3600)]
    jitter_s: Option<f64>,
    /// `exception`: its code, 0 to 255.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 255)]
    exception: Option<f64>,
    /// `split`: wall time between the two segments, 0 to 3600 s.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 3600)]
    gap_s: Option<f64>,
    /// `stale_time`: how old the sample says that it is, from 0.1 s on.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0.1)]
    by_s: Option<f64>,
    /// `burst_loss`: chance that a burst of losses begins with a request.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    good_to_bad: Option<f64>,
    /// `burst_loss`: chance that it ends with one.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    bad_to_good: Option<f64>,
    /// `burst_loss`: share of the requests that is lost within a burst.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    loss_bad: Option<f64>,
    /// `bandwidth`: bytes a second of the line, from 1 on.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1)]
    bytes_per_s: Option<f64>,
    /// `limit_clients`, `limit_connections`: connections of a listener that are served, or may be open.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 100000)]
    max_clients: Option<f64>,
    /// Only connections to this listener.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    listener: Option<String>,
    /// Only requests to this unit: number or name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    unit: Option<UnitName>,
    /// Only requests to devices that show this: `whole`, `bms`, `pcs`, `meter`, `rack` or `plant`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    device: Option<String>,
    /// Only requests with these function codes, 1 to 127.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    functions: Option<Vec<u8>>,
    /// Only requests that touch registers from this one on.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    first_register: Option<u16>,
    /// And up to this one; `first_register` alone when absent.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    last_register: Option<u16>,
    /// Only clients in this network, such as 10.0.0.0/8, or at this address.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    peer: Option<String>,
    /// Share of these requests that it hits, 0 to 1; all when absent.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    probability: Option<f64>,
    /// Seed of the draws: the same one hits the same requests; the farm's when absent.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    seed: Option<u64>,
    /// Simulated seconds after which it ends; absent for until it is cleared.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    duration_s: Option<f64>,
}

/// Longest duration that may be asked for: a hundred years (engineering choice).
const DURATION_MAX_S: f64 = 3.2e9;

impl LinkWish {
    fn effect(&self) -> Fallible<LinkEffect> {
        let values = [
            self.delay_s,
            self.jitter_s,
            self.exception,
            self.gap_s,
            self.by_s,
            self.good_to_bad,
            self.bad_to_good,
            self.loss_bad,
            self.bytes_per_s,
            self.max_clients,
        ];
        let given: Vec<(&'static str, f64)> = LinkEffect::PARAMETERS
            .into_iter()
            .zip(values)
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        if !LinkEffect::NAMES.contains(&self.effect.as_str()) {
            return Err(Problem::not_one_of("effect", &self.effect, LinkEffect::NAMES));
        }
        LinkEffect::build(&self.effect, &given)
            .map_err(|rejection| Box::<Problem>::from(rejection).found_here())
    }

    fn scope(&self, snapshot: &Snapshot) -> Fallible<LinkScope> {
        let unit = self.unit.as_ref().map(|name| name.find(&snapshot.spec)).transpose()?;
        let registers = match (self.first_register, self.last_register) {
            (Some(first), last) => Some((first, last.unwrap_or(first))),
            (None, None) => None,
            (None, Some(_)) => {
                let detail = "last_register needs a first_register";
                return Err(Problem::new(&kind::BAD_FIELD, detail).field("first_register"));
            }
        };
        let peer = self.peer.as_deref().map(str::parse::<PeerNet>).transpose();
        let peer = peer.map_err(|error| {
            Problem::new(&kind::BAD_FIELD, format!("peer: {error}")).field("peer")
        })?;
        let part = self.device.as_deref().map(|name| {
            let known = Part::ALL.iter().find(|(known, _)| *known == name);
            known.map(|(_, part)| *part).ok_or_else(|| {
                Problem::not_one_of("device", name, Part::ALL.map(|(known, _)| known))
            })
        });
        let part = part.transpose()?;
        let functions = self.functions.clone().unwrap_or_default();
        Ok(LinkScope { listener: self.listener.clone(), unit, part, functions, registers, peer })
    }

    fn condition(&self, snapshot: &Snapshot) -> Fallible<LinkCondition> {
        let until = match self.duration_s {
            None => None,
            Some(seconds) if seconds > 0.0 && seconds <= DURATION_MAX_S => {
                // The tick that is under way when the command comes does not count.
                Some(Tick(snapshot.tick.0 + 2 + Tick::count_in(seconds)))
            }
            Some(seconds) => {
                let detail = format!(
                    "duration_s must be greater than 0 and at most {DURATION_MAX_S} s, got {seconds}"
                );
                return Err(Problem::new(&kind::OUT_OF_RANGE, detail)
                    .field("duration_s")
                    .value(seconds)
                    .allowed(Allowed::range(0.0, DURATION_MAX_S, "s")));
            }
        };
        Ok(LinkCondition {
            name: self.name.clone(),
            effect: self.effect()?,
            scope: self.scope(snapshot)?,
            probability: self.probability.unwrap_or(1.0),
            seed: self.seed.unwrap_or(snapshot.spec.seed),
            until,
        })
    }
}

/// The link conditions
///
/// Those in force, with what they did so far.
#[utoipa::path(get, path = "/links", operation_id = "list_links", tag = "tests",
    responses((status = 200, description = "The link conditions.", body = LinksAnswer), FarmReadProblems))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    query: Params,
) -> Fallible<Json<LinksAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    let links = snapshot.link.iter().map(|link| Link::of(&snapshot, link)).collect();
    Ok(Json(LinksAnswer { stamp: Stamp::of(&snapshot), links }))
}

/// Set a link condition
///
/// From now on it does something to the Modbus requests that it is about; one of the same name is
/// replaced, and counts anew. Nothing of the farm itself is changed.
#[utoipa::path(post, path = "/links", operation_id = "set_link", tag = "tests",
    request_body = LinkWish,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), FarmChangeProblems))]
pub(crate) async fn set(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<LinkWish>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let condition = wish.condition(&api.snapshot())?;
    let command = Command::SetLink(Box::new(condition));
    api.change(Request::Control(command), sender).await
}

/// Clear all link conditions
#[utoipa::path(delete, path = "/links", operation_id = "clear_links", tag = "tests",
    responses((status = 200, description = "Applied.", body = AppliedAnswer), FarmReleaseProblems))]
pub(crate) async fn clear_all(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    api.change(Request::Control(Command::ClearLink { name: None }), sender).await
}

/// Clear a link condition
#[utoipa::path(delete, path = "/links/{name}", operation_id = "clear_link", tag = "tests",
    params(("name" = String, Path, description = "Name of the condition", example = "slow")),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), LinkClearProblems))]
pub(crate) async fn clear(
    State(api): State<Arc<Api>>,
    sender: Sender,
    Path(name): Path<String>,
    query: Params,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    let mut names = snapshot.link.iter().map(|link| link.condition.name.as_str());
    if !names.any(|known| known == name) {
        let detail = format!("no link condition {name:?} is in force");
        let names = snapshot.link.iter().map(|link| link.condition.name.as_str());
        return Err(Problem::new(&kind::NO_SUCH_LINK, detail)
            .field("name")
            .value(name)
            .allowed(Allowed::one_of(names)));
    }
    api.change(Request::Control(Command::ClearLink { name: Some(name) }), sender).await
}
