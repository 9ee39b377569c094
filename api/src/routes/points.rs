//! `/units/{id}/points`, `/farm/points`: what the register maps show, and what they are forced to show.
//!
//! Names of points have slashes, dots and brackets, which proxies rewrite in paths: they are in bodies.

use super::units::NamedUnit;
use crate::ask::{Sender, aside};
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{
    Allowed, Fallible, FarmReadProblems, PlantPointProblems, PlantPointReadProblems, Problem,
    UnitPointProblems, UnitPointReadProblems, kind,
};
use crate::read::{NotModified, Read};
use crate::state::Api;
use crate::wire::{AppliedAnswer, Num, SWITCH, Stamp, TableName};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bess_core::command::{Command, Request};
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::id::UnitId;
use bess_core::point::{PointBook, PointReading};
use bess_core::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// A point and what it shows.
#[derive(Debug, Serialize, ToSchema)]
struct Point {
    /// Name of its map.
    map: String,
    /// Its name in the map; `map/name` names it everywhere.
    name: String,
    /// The table that it is in.
    table: TableName,
    /// First register, coil or input.
    address: u16,
    /// Number of them.
    registers: u16,
    /// Type, as the map calls it.
    #[serde(rename = "type")]
    kind: String,
    /// Unit of the value; empty for none.
    unit_of_measure: String,
    /// R, W or RW.
    access: &'static str,
    /// Names of its values, or of its bits.
    symbols: Vec<Symbol>,
    /// Its registers as they are sent.
    words: Vec<u16>,
    /// Its engineering value, of bits the whole field as a number; null where it shows none, or a text.
    #[schema(value_type = Num)]
    value: Option<Num>,
    /// Its text; null where it shows none.
    #[schema(required = true)]
    text: Option<String>,
    /// Smallest value that it can show; null for texts.
    #[schema(value_type = Num)]
    minimum: Option<Num>,
    /// Largest one; null for texts.
    #[schema(value_type = Num)]
    maximum: Option<Num>,
    /// Whether each bit has a meaning of its own.
    is_bits: bool,
    /// Whether it is forced.
    forced: bool,
}

/// A named value, or bit.
#[derive(Debug, Serialize, ToSchema)]
struct Symbol {
    /// Its name.
    name: String,
    /// The value; of a bit its number from 0, the least of the whole field.
    value: u32,
}

impl From<PointReading> for Point {
    fn from(point: PointReading) -> Self {
        let symbols = point.symbols.into_iter().map(|(name, value)| Symbol { name, value });
        Self {
            map: point.map,
            name: point.name,
            table: TableName(point.table.name()),
            address: point.address,
            registers: point.registers,
            kind: point.kind,
            unit_of_measure: point.unit,
            access: point.access,
            symbols: symbols.collect(),
            words: point.words,
            value: point.value.map(Num),
            text: point.text,
            minimum: point.range.map(|(minimum, _)| Num(minimum)),
            maximum: point.range.map(|(_, maximum)| Num(maximum)),
            is_bits: point.is_bits,
            forced: point.forced,
        }
    }
}

/// The points of a unit, or of the plant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PointsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Number of the unit; null for the plant.
    #[schema(required = true)]
    unit: Option<u32>,
    /// Names of all its maps.
    maps: Vec<String>,
    /// The points, in the order of map, table and address.
    points: Vec<Point>,
}

/// In the document: what a register holds.
struct Word;

impl utoipa::PartialSchema for Word {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(u16::MAX))
            .into()
    }
}
impl ToSchema for Word {}

/// What a point is to show: a value or words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"point": "sunspec/701.W", "value": 12.5}))]
pub(crate) struct ForceWish {
    /// The point: `name`, `map/name` or `map/address`.
    point: String,
    /// Engineering value, encoded as the point is; of bits the whole field as a number.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    value: Option<f64>,
    /// Its registers as they are sent; one word of 0 or 1 for a coil or discrete input.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Word>>, nullable = false)]
    words: Option<Vec<u16>>,
}

impl ForceWish {
    fn value(&self) -> Fallible<ForcedValue> {
        match (self.value, &self.words) {
            (Some(value), None) => Ok(ForcedValue::Number(value)),
            (None, Some(words)) => Ok(ForcedValue::Words(words.clone())),
            (None, None) => Err(Problem::nothing_given(&["value", "words"])),
            (Some(_), Some(_)) => {
                let detail = "give either value or words, not both";
                Err(Problem::new(&kind::CONTRADICTION, detail).field("words"))
            }
        }
    }
}

/// Which point is to show again what is so.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"point": "sunspec/701.W"}))]
pub(crate) struct ReleaseWish {
    /// The point: `name`, `map/name` or `map/address`; absent for every one that is forced.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    point: Option<String>,
}

/// A point is forced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForcedAnswer {
    #[serde(flatten)]
    applied: AppliedAnswer,
    /// The point and what it shows now; null after a dry run.
    #[schema(required = true)]
    point: Option<Point>,
}

/// A forced point.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Forced {
    /// Number of the unit; null for the plant.
    #[schema(required = true)]
    unit: Option<u32>,
    /// The point, as `map/name`.
    point: String,
    /// The engineering value that it is forced to; null where it is forced to words.
    #[schema(value_type = Num)]
    value: Option<Num>,
    /// The words that it is forced to; null where it is forced to a value.
    #[schema(required = true)]
    words: Option<Vec<u16>>,
}

/// Every forced point.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForcedListAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// The points, those of the plant first.
    forced: Vec<Forced>,
}

impl From<&ForcedPoint> for Forced {
    fn from(forced: &ForcedPoint) -> Self {
        let (value, words) = match &forced.value {
            ForcedValue::Number(value) => (Some(Num(*value)), None),
            ForcedValue::Words(words) => (None, Some(words.clone())),
        };
        let unit = forced.unit.map(UnitId::number);
        Self { unit, point: forced.point.clone(), value, words }
    }
}

fn book(api: &Api) -> Fallible<&Arc<dyn PointBook>> {
    api.points.as_ref().ok_or_else(|| {
        Problem::new(&kind::NO_MAPS, "nobody serves register maps here, so there are no points")
    })
}

async fn list(api: &Api, unit: Option<UnitId>, mut query: Params) -> Fallible<Response> {
    let book = Arc::clone(book(api)?);
    let maps = book.maps(unit);
    let names: Vec<&str> = maps.iter().map(String::as_str).collect();
    let map = query.choice("map", &names)?.map(str::to_owned);
    let forced = query.choice("forced", &SWITCH)?.map(|forced| forced == SWITCH[0]);
    query.finish()?;
    let snapshot = api.snapshot();
    let answer = move || {
        let points = book.points(&snapshot, unit, map.as_deref()).unwrap_or_default();
        let shown =
            points.into_iter().filter(|point| forced.is_none_or(|forced| point.forced == forced));
        Json(PointsAnswer {
            stamp: Stamp::of(&snapshot),
            unit: unit.map(UnitId::number),
            maps,
            points: shown.map(Point::from).collect(),
        })
        .into_response()
    };
    Ok(aside(answer).await)
}

async fn force(
    api: &Api,
    unit: Option<UnitId>,
    sender: Sender,
    wish: ForceWish,
) -> Fallible<Json<ForcedAnswer>> {
    let book = Arc::clone(book(api)?);
    let value = wish.value()?;
    let point = book.resolve(&api.snapshot(), unit, &wish.point, &value).map_err(|reason| {
        Problem::new(&kind::NOT_POSSIBLE, reason).field("point").value(wish.point.as_str())
    })?;
    let forced = ForcedPoint { unit, point: point.clone(), value };
    let request = Request::Control(Command::ForcePoint(Box::new(forced)));
    let Json(applied) = api.change(request, sender).await?;
    if applied.is_dry() {
        return Ok(Json(ForcedAnswer { applied, point: None }));
    }
    let snapshot = api.snapshot();
    let found = move || {
        let (map, name) = point.split_once('/')?;
        let points = book.points(&snapshot, unit, Some(map))?;
        points.into_iter().find(|reading| reading.name == name).map(Point::from)
    };
    Ok(Json(ForcedAnswer { applied, point: aside(found).await }))
}

/// The canonical name of a forced point that somebody calls `name`.
fn forced_name(api: &Api, snapshot: &Snapshot, unit: Option<UnitId>, name: &str) -> Option<String> {
    let forced = ForcedPoint::of(&snapshot.forced, unit);
    let called_so = forced.iter().find(|forced| forced.point == name).or_else(|| {
        let book = api.points.as_ref()?;
        let is_it = |forced: &&ForcedPoint| {
            book.resolve(snapshot, unit, name, &forced.value).is_ok_and(|name| name == forced.point)
        };
        forced.iter().find(is_it)
    });
    called_so.map(|forced| forced.point.clone())
}

async fn release(
    api: &Api,
    unit: Option<UnitId>,
    sender: Sender,
    wish: ReleaseWish,
) -> Fallible<Json<AppliedAnswer>> {
    let point = match wish.point {
        None => None,
        Some(name) => {
            let snapshot = api.snapshot();
            let found = forced_name(api, &snapshot, unit, &name);
            Some(found.ok_or_else(|| {
                let forced = ForcedPoint::of(&snapshot.forced, unit);
                let names = forced.iter().map(|forced| forced.point.as_str());
                Problem::new(&kind::NOT_POSSIBLE, format!("{name:?} is not forced there"))
                    .field("point")
                    .value(name.as_str())
                    .allowed(Allowed::one_of(names))
            })?)
        }
    };
    api.change(Request::Control(Command::ReleasePoint { unit, point }), sender).await
}

/// The points of a unit
///
/// Every point of its register maps with what it shows now, forced or not.
#[utoipa::path(get, path = "/units/{id}/points", operation_id = "list_unit_points", tag = "tests",
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("map" = Option<String>, Query, description = "Only those of this map", example = "sunspec"),
        ("forced" = inline(Option<crate::wire::SwitchName>), Query, description = "Only those that are forced, or that are not"),
    ),
    responses((status = 200, description = "The points.", body = PointsAnswer), UnitPointReadProblems))]
pub(crate) async fn of_unit(
    State(api): State<Arc<Api>>,
    NamedUnit(unit): NamedUnit,
    query: Params,
) -> Fallible<Response> {
    list(&api, Some(unit), query).await
}

/// The points of the plant
///
/// Every point of its register maps with what it shows now, forced or not.
#[utoipa::path(get, path = "/farm/points", operation_id = "list_plant_points", tag = "tests",
    params(
        ("map" = Option<String>, Query, description = "Only those of this map", example = "sunspec"),
        ("forced" = inline(Option<crate::wire::SwitchName>), Query, description = "Only those that are forced, or that are not"),
    ),
    responses((status = 200, description = "The points.", body = PointsAnswer), PlantPointReadProblems))]
pub(crate) async fn of_plant(State(api): State<Arc<Api>>, query: Params) -> Fallible<Response> {
    list(&api, None, query).await
}

/// Force a point of a unit
///
/// From now on its registers show this to every client, whatever is so. Neither the unit nor REST nor
/// metrics are changed; local control and leases do not refuse it.
#[utoipa::path(post, path = "/units/{id}/points/force", operation_id = "force_unit_point",
    tag = "tests", request_body = ForceWish,
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "Applied.", body = ForcedAnswer), UnitPointProblems))]
pub(crate) async fn force_of_unit(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    query: Params,
    Body(wish): Body<ForceWish>,
) -> Fallible<Json<ForcedAnswer>> {
    query.finish()?;
    force(&api, Some(unit), sender, wish).await
}

/// Force a point of the plant
///
/// As that of a unit.
#[utoipa::path(post, path = "/farm/points/force", operation_id = "force_plant_point",
    tag = "tests", request_body = ForceWish,
    responses((status = 200, description = "Applied.", body = ForcedAnswer), PlantPointProblems))]
pub(crate) async fn force_of_plant(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<ForceWish>,
) -> Fallible<Json<ForcedAnswer>> {
    query.finish()?;
    force(&api, None, sender, wish).await
}

/// Release a point of a unit, or all of them
///
/// It shows again what is so.
#[utoipa::path(post, path = "/units/{id}/points/release", operation_id = "release_unit_point",
    tag = "tests", request_body = ReleaseWish,
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), UnitPointProblems))]
pub(crate) async fn release_of_unit(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    query: Params,
    Body(wish): Body<ReleaseWish>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    release(&api, Some(unit), sender, wish).await
}

/// Release a point of the plant, or all of them
///
/// It shows again what is so.
#[utoipa::path(post, path = "/farm/points/release", operation_id = "release_plant_point",
    tag = "tests", request_body = ReleaseWish,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), PlantPointProblems))]
pub(crate) async fn release_of_plant(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<ReleaseWish>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    release(&api, None, sender, wish).await
}

/// The forced points
///
/// Of the plant and of every unit, so that none is forgotten.
#[utoipa::path(get, path = "/farm/forced", operation_id = "list_forced_points", tag = "tests",
    responses((status = 200, description = "The forced points.", body = ForcedListAnswer), NotModified, FarmReadProblems))]
pub(crate) async fn forced(read: Read) -> Fallible<Response> {
    read.plain(|snapshot| ForcedListAnswer {
        stamp: Stamp::of(snapshot),
        forced: snapshot.forced.iter().map(Forced::from).collect(),
    })
}
