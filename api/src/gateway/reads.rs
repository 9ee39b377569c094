//! Reads over all shards: totals, and lists one after the other.
//!
//! A shard that does not answer is named in `shards_missing`, and totals and lists are of the others. Shards
//! publish at their own instants, so a total is of about the same moment, not of one tick; `tick` is that of
//! the shard that is furthest behind.

use super::shards::{Answer, Ask, Shown};
use super::sum::{self, FARM, Rule};
use super::{Gateway, target_of};
use crate::problem::{Allowed, Fallible, Problem, kind};
use crate::routes::BASE;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What was read of all shards: answers that are good, and who did not answer.
pub(super) struct Read {
    pub(super) answers: Vec<Answer>,
    missing: Vec<usize>,
}

/// Why there is no total: a refusal of a shard as it came, or a problem of the gateway.
pub(super) type Refused = Box<Response>;

impl Read {
    /// Asks all shards; a refusal of one is the answer, and so is that none answers.
    pub(super) async fn all(
        gateway: &Gateway,
        shown: &Shown,
        target: &str,
    ) -> Result<Self, Refused> {
        let asks = (0..gateway.shards.len()).map(|shard| (shard, Ask::get(target)));
        Self::some(gateway, shown, &asks.collect::<Vec<_>>()).await
    }

    async fn some(
        gateway: &Gateway,
        shown: &Shown,
        asks: &[(usize, Ask)],
    ) -> Result<Self, Refused> {
        let (mut answers, mut missing, mut reason) = (Vec::new(), Vec::new(), None);
        for answer in gateway.shards.ask_each(asks, shown).await {
            match answer {
                Ok(answer) if answer.is_good() => answers.push(answer),
                // It starts, stops or fails: the others have their part.
                Ok(answer) if answer.status.is_server_error() => missing.push(answer.shard),
                Ok(answer) => return Err(Box::new(answer.pass_on())),
                Err(gone) => {
                    missing.push(gone.shard);
                    reason.get_or_insert(gone);
                }
            }
        }
        if answers.is_empty() && !asks.is_empty() {
            let problem = reason.map_or_else(
                || Problem::new(&kind::SHARD_MISSING, "no shard is ready to answer"),
                |gone| gateway.shards.missing(&gone),
            );
            return Err(Box::new(problem.into_response()));
        }
        Ok(Self { answers, missing })
    }

    fn values(&self) -> Vec<Value> {
        self.answers.iter().map(Answer::json).collect()
    }

    /// Whether every shard answered, and which did not.
    pub(super) fn missing(&self) -> &[usize] {
        &self.missing
    }

    fn merged(&self, rules: &[(&'static str, Rule)]) -> Map<String, Value> {
        let mut whole = sum::merged(&self.values(), rules);
        whole.insert("shards_missing".to_owned(), self.missing.clone().into());
        whole
    }
}

async fn total(
    gateway: &Gateway,
    headers: &HeaderMap,
    target: String,
    rules: &[(&'static str, Rule)],
) -> Result<Map<String, Value>, Refused> {
    Ok(Read::all(gateway, &Shown::of(headers), &below_base(&target)).await?.merged(rules))
}

/// Path and query below the base.
pub(super) fn below_base(target: &str) -> String {
    let below = target.strip_prefix(BASE).unwrap_or(target);
    below.trim_start_matches('/').to_owned()
}

fn answer(done: Result<Map<String, Value>, Refused>) -> Response {
    match done {
        Ok(whole) => Json(Value::Object(whole)).into_response(),
        Err(refused) => *refused,
    }
}

/// The plant controllers.
pub(super) async fn plant(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let target = target_of(&request);
    answer(total(&gateway, request.headers(), target, sum::PLANT).await)
}

/// The clocks.
pub(super) async fn clock(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let target = target_of(&request);
    answer(total(&gateway, request.headers(), target, sum::CLOCK).await)
}

/// The farm at its POI.
pub(super) async fn farm(
    State(gateway): State<Arc<Gateway>>,
    uri: Uri,
    headers: HeaderMap,
) -> Fallible<Response> {
    // Totals are made of other fields than those that are asked for, so all are read.
    let query = Query::of(&uri);
    let fields = query.only(&["fields"])?.get("fields").map(decoded);
    let fields =
        fields.map(|text| text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>());
    for name in fields.iter().flatten() {
        if !FARM.iter().any(|(known, _)| known == name) {
            let detail = format!("`fields` must be fields of the farm, got {name:?}");
            return Err(Problem::new(&kind::BAD_PARAMETER, detail)
                .field("fields")
                .value(name.as_str())
                .allowed(Allowed::one_of(FARM.iter().map(|(name, _)| *name))));
        }
    }
    let read = Read::all(&gateway, &Shown::of(&headers), "farm").await;
    let mut whole = match read {
        Ok(read) => read.merged(FARM),
        Err(refused) => return Ok(*refused),
    };
    if let Some(fields) = fields {
        let always = ["tick", "publication", "simulation_time", "wall_time", "shards_missing"];
        whole.retain(|name, _| always.contains(&name.as_str()) || fields.contains(name));
    }
    Ok(answer(Ok(whole)))
}

/// The address books, one after the other; each entry says of which shard it is.
pub(super) async fn endpoints(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (shown, target) = (Shown::of(request.headers()), below_base(&target_of(&request)));
    answer(Read::all(&gateway, &shown, &target).await.map(|read| {
        let mut whole = sum::merged(&read.values(), STAMP);
        let mut entries = Vec::new();
        for answer in &read.answers {
            for mut entry in list_of(&answer.json(), "endpoints") {
                if let Some(entry) = entry.as_object_mut() {
                    entry.insert("shard".to_owned(), answer.shard.into());
                }
                entries.push(entry);
            }
        }
        whole.insert("endpoints".to_owned(), entries.into());
        whole.insert("shards_missing".to_owned(), read.missing.clone().into());
        whole
    }))
}

const STAMP: &[(&str, Rule)] = &[
    ("tick", Rule::Min),
    ("publication", Rule::Min),
    ("simulation_time", Rule::Min),
    ("wall_time", Rule::Min),
];

fn list_of(answer: &Value, name: &str) -> Vec<Value> {
    answer.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The shards themselves.
pub(super) async fn shards(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    let shards = &gateway.shards;
    let one = |shard: usize| {
        let units = shards.numbers_of(shard);
        json!({
            "shard": shard,
            "url": shards.url_of(shard),
            "first_unit": units.first,
            "last_unit": units.last,
            "up": shards.is_up(shard),
        })
    };
    Json(json!({
        "farm": shards.spec().name,
        "units": shards.spec().units.len(),
        "shards": (0..shards.len()).map(one).collect::<Vec<_>>(),
    }))
}

/// A list that comes in pages.
struct Paged {
    /// The resource, and the field of its answer that has the list.
    name: &'static str,
    /// Entries of a page when nobody says.
    limit: usize,
    /// Most entries of a page.
    limit_max: usize,
}

const UNITS: Paged =
    Paged { name: "units", limit: 100, limit_max: crate::routes::units::list::PAGE_MAX };
const ALARMS: Paged = Paged { name: "alarms", limit: 1000, limit_max: 10_000 };
/// Most entries that may be left out before a page.
const FROM_MAX: usize = 10_000_000;

/// How many match on all pages.
const TOTAL: HeaderName = HeaderName::from_static("bess-total");

/// The units, in the order of their numbers.
pub(super) async fn units(
    State(gateway): State<Arc<Gateway>>,
    uri: Uri,
    headers: HeaderMap,
) -> Fallible<Response> {
    paged(&gateway, &UNITS, &uri, &headers).await
}

/// The alarms, in the order of the units.
pub(super) async fn alarms(
    State(gateway): State<Arc<Gateway>>,
    uri: Uri,
    headers: HeaderMap,
) -> Fallible<Response> {
    paged(&gateway, &ALARMS, &uri, &headers).await
}

/// A page over all shards: first how many match on each, then of each its part of the page.
async fn paged(
    gateway: &Gateway,
    paged: &Paged,
    uri: &Uri,
    headers: &HeaderMap,
) -> Fallible<Response> {
    let query = Query::of(uri);
    let from = query.whole("from", 0, (0, FROM_MAX))?;
    let limit = query.whole("limit", paged.limit, (1, paged.limit_max))?;
    for (name, allowed, why) in [
        ("sort", "", "pages over shards are in the order of the units; ask a shard for another"),
        ("format", "json", "pages over shards are JSON; ask a shard for another form"),
    ] {
        if query.get(name).is_some_and(|given| given != allowed) {
            return Err(Problem::new(&kind::BAD_PARAMETER, format!("`{name}`: {why}")).field(name));
        }
    }
    let kept = query.without(&["from", "limit"]);
    let ask = |from: usize, limit: usize| {
        Ask::get(format!("{}?{kept}from={from}&limit={limit}", paged.name))
    };
    let shown = Shown::of(headers);
    let mut asks: Vec<_> = (0..gateway.shards.len()).map(|shard| (shard, ask(0, 1))).collect();
    if let (Some(unit), "alarms") = (query.get("unit"), paged.name) {
        // One unit is on one shard, and the others do not know it.
        let shard = gateway.shards.of_unit(&decoded(unit))?;
        asks.retain(|(other, _)| *other == shard);
    }
    let counted = match Read::some(gateway, &shown, &asks).await {
        Ok(counted) => counted,
        Err(refused) => return Ok(*refused),
    };
    let (mut before, mut parts) = (0, Vec::new());
    for answer in &counted.answers {
        let total = answer.json().get("total").and_then(Value::as_u64).unwrap_or(0) as usize;
        let first = from.saturating_sub(before).min(total);
        let last = (from + limit).saturating_sub(before).min(total);
        if first < last {
            parts.push((answer.shard, ask(first, last - first)));
        }
        before += total;
    }
    let read = match Read::some(gateway, &shown, &parts).await {
        Ok(read) => read,
        Err(refused) => return Ok(*refused),
    };
    let mut whole = sum::merged(&counted.values(), STAMP);
    let entries: Vec<Value> =
        read.answers.iter().flat_map(|answer| list_of(&answer.json(), paged.name)).collect();
    let mut missing = [counted.missing, read.missing].concat();
    missing.sort_unstable();
    whole.insert("total".to_owned(), before.into());
    whole.insert(paged.name.to_owned(), entries.into());
    whole.insert("shards_missing".to_owned(), missing.into());
    let mut response = answer(Ok(whole));
    response.headers_mut().insert(TOTAL, HeaderValue::from(before));
    if from + limit < before {
        let next = format!(
            "<{BASE}/{}?{kept}from={}&limit={limit}>; rel=\"next\"",
            paged.name,
            from + limit
        );
        if let Ok(next) = HeaderValue::from_str(&next) {
            response.headers_mut().insert(header::LINK, next);
        }
    }
    Ok(response)
}

/// The parameters of a request, as they were sent.
struct Query<'u>(Vec<(&'u str, &'u str)>);

impl<'u> Query<'u> {
    fn of(uri: &'u Uri) -> Self {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect())
    }
    fn get(&self, name: &str) -> Option<&'u str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
    /// Refuses others than these.
    fn only(&self, names: &[&'static str]) -> Fallible<&Self> {
        match self.0.iter().find(|(given, _)| !names.contains(given)) {
            None => Ok(self),
            Some((unknown, _)) => {
                let detail = format!("there is no parameter `{unknown}` here");
                Err(Problem::new(&kind::BAD_PARAMETER, detail)
                    .field(*unknown)
                    .allowed(Allowed::one_of(names.iter().copied())))
            }
        }
    }
    /// A whole number within bounds, or what holds without one.
    fn whole(
        &self,
        name: &'static str,
        default: usize,
        (min, max): (usize, usize),
    ) -> Fallible<usize> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().ok().filter(|number| (min..=max).contains(number)).ok_or_else(|| {
            let detail =
                format!("`{name}` must be a whole number from {min} to {max}, got {text:?}");
            Problem::new(&kind::BAD_PARAMETER, detail)
                .field(name)
                .value(text)
                .allowed(Allowed::range(min as f64, max as f64, ""))
        })
    }
    /// The others, each with an `&` behind it.
    fn without(&self, names: &[&str]) -> String {
        let others = self.0.iter().filter(|(name, _)| !names.contains(name));
        others.map(|(name, value)| format!("{name}={value}&")).collect()
    }
}

/// A value without its percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let code = |rest: &std::str::Bytes<'_>| {
            let (high, low) = (rest.clone().next()?, rest.clone().nth(1)?);
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        };
        match (byte, code(&rest)) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_kept_as_they_were_sent() {
        assert_eq!(decoded("unit%20%C3%A9+1%zz"), "unit é 1%zz");
        let uri: Uri = "/units?state=off&from=3&limit=5&fields=soc%2Cname".parse().expect("a path");
        let query = Query::of(&uri);
        assert_eq!(query.without(&["from", "limit"]), "state=off&fields=soc%2Cname&");
        assert_eq!(query.whole("from", 0, (0, 10)).ok(), Some(3));
        assert!(query.whole("limit", 1, (1, 4)).is_err());
    }
}
