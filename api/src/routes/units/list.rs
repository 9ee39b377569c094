//! `/units`: filtered, sorted, a page at a time, with the fields that are wanted.

use super::quantity::{QUANTITIES, Quantity};
use super::{Unit, UnitOrSelected};
use crate::params::Params;
use crate::problem::{Fallible, FarmReadProblems};
use crate::read::fields::{UNIT, UnitField};
use crate::read::form::{self, Form};
use crate::read::page::Page;
use crate::read::select::{Selected, Selection};
use crate::read::table::{columns, csv};
use crate::read::{Made, NotModified, Read};
use crate::wire::{
    AlarmLevelName, AlarmName, FormatName, SWITCH, Stamp, SwitchName, UnitStateName,
    WatchdogStateName,
};
use axum::response::Response;
use bess_core::alarm::{ALARMS, AlarmLevel};
use bess_core::control::WatchdogState;
use bess_core::id::UnitId;
use bess_core::snapshot::{Snapshot, UnitState, UnitView};
use bess_core::spec::UnitSpec;
use serde::Serialize;
use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Required, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// A page of units.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Units that match, on all pages.
    total: usize,
    /// The units of this page.
    #[schema(value_type = Vec<UnitOrSelected>)]
    units: Vec<Selected<Unit>>,
}

/// Most units on a page.
pub(crate) const PAGE_MAX: usize = 1000;
/// Most units before a page.
const FROM_MAX: usize = 100_000;
/// Beyond this no bound is wanted: larger than any quantity.
const BOUND_MAX: f64 = 1e15;

/// The units
///
/// In order of their number unless `sort` says otherwise, a page at a time. A unit is shown when it is what
/// every parameter says; where one takes several values, when it is one of these. The header `Link` leads to
/// the pages beside this one.
#[utoipa::path(get, path = "/units", operation_id = "list_units", tag = "units",
    params(UnitsQuery),
    responses(
        (status = 200, description = "The units.", content(
            (UnitsAnswer = "application/json"),
            (String = "text/csv"),
        )),
        NotModified, FarmReadProblems))]
pub(crate) async fn list(mut read: Read) -> Fallible<Response> {
    if let Some(known) = read.known(form::TABLE)? {
        return Ok(known);
    }
    let page = Page::read(&mut read, FROM_MAX, (100, PAGE_MAX))?;
    let filter = Filter::read(&mut read.query)?;
    let order = Order::read(&mut read.query)?;
    let fields = UNIT.read(&mut read.query)?;
    read.finish()?;
    let selection = fields.as_ref().map(|fields| Arc::new(Selection::of(fields.iter().copied())));
    let made = move |snapshot: &Snapshot, form| {
        let ids = snapshot.spec.units.iter().map(|unit| unit.id);
        let mut matching: Vec<UnitId> = ids.filter(|id| filter.takes(snapshot, *id)).collect();
        order.sort(snapshot, &mut matching);
        let total = matching.len();
        let shown = matching.iter().skip(page.from).take(page.limit);
        let units = shown.map(|id| Unit::of(snapshot, *id));
        let made = match form {
            Form::Csv => {
                let sample = Unit::of(snapshot, snapshot.spec.units[0].id);
                Made::bytes(csv(&columns(&sample, &UNIT, fields.as_deref()), units))
            }
            Form::Json | Form::Binary => Made::json(&UnitsAnswer {
                stamp: Stamp::of(snapshot),
                total,
                units: units.map(|unit| Selected::new(unit, selection.as_ref())).collect(),
            }),
        };
        page.linked(made, total)
    };
    Ok(read.heavy(made).await)
}

/// Which units are wanted; what is absent does not matter.
#[derive(Debug, Default)]
struct Filter {
    states: Option<Vec<&'static str>>,
    alarms: Option<Vec<&'static str>>,
    levels: Option<Vec<&'static str>>,
    is_alarmed: Option<bool>,
    name: Option<String>,
    models: Option<Vec<String>>,
    manufacturers: Option<Vec<String>>,
    chemistries: Option<Vec<String>>,
    is_local: Option<bool>,
    watchdogs: Option<Vec<&'static str>>,
    /// A quantity and the open range in which it is to be.
    ranges: Vec<(&'static Quantity, f64, f64)>,
}

impl Filter {
    fn read(query: &mut Params) -> Fallible<Self> {
        let alarms: Vec<&'static str> = ALARMS.iter().map(|alarm| alarm.name).collect();
        let mut filter = Self {
            states: query.choices("state", &UnitState::ALL.map(UnitState::name))?,
            alarms: query.choices("alarm", &alarms)?,
            levels: query.choices("level", &AlarmLevel::ALL.map(AlarmLevel::name))?,
            is_alarmed: switch(query, "alarmed")?,
            name: query.filled("name")?,
            models: texts(query, "model")?,
            manufacturers: texts(query, "manufacturer")?,
            chemistries: texts(query, "chemistry")?,
            is_local: switch(query, "local")?,
            watchdogs: query.choices("watchdog", &WatchdogState::ALL.map(WatchdogState::name))?,
            ranges: Vec::new(),
        };
        for quantity in QUANTITIES {
            let bounds = (-BOUND_MAX, BOUND_MAX);
            let above = query.number(quantity.above, bounds, "")?;
            let below = query.number(quantity.below, bounds, "")?;
            if above.is_some() || below.is_some() {
                let above = above.unwrap_or(f64::NEG_INFINITY);
                filter.ranges.push((quantity, above, below.unwrap_or(f64::INFINITY)));
            }
        }
        Ok(filter)
    }

    fn takes(&self, snapshot: &Snapshot, id: UnitId) -> bool {
        let (view, spec) = (&snapshot.units[id.idx()], &snapshot.spec.units[id.idx()]);
        is_one_of(self.states.as_deref(), view.state.name())
            && is_one_of(self.watchdogs.as_deref(), view.watchdog.state.name())
            && self.is_local.is_none_or(|local| view.is_local == local)
            && self.name.as_ref().is_none_or(|pattern| is_like(&spec.name, pattern))
            && self.takes_design(spec)
            && self.takes_alarms(view)
            // What is no number is in no range.
            && self.ranges.iter().all(|(quantity, above, below)| {
                let value = (quantity.of)(view);
                value > *above && value < *below
            })
    }

    fn takes_design(&self, spec: &UnitSpec) -> bool {
        let is_of = |wanted: &Option<Vec<String>>, name: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|wanted| wanted == name))
        };
        is_of(&self.models, &spec.design.model)
            && is_of(&self.manufacturers, &spec.design.manufacturer)
            && is_of(&self.chemistries, &spec.design.chemistry.name)
    }

    /// Whether alarms stand as wanted; one alarm is to be of the name and of the level.
    fn takes_alarms(&self, view: &UnitView) -> bool {
        let mut standing = view.alarms.iter();
        let stands = standing.any(|(alarm, level)| {
            is_one_of(self.alarms.as_deref(), alarm.name)
                && is_one_of(self.levels.as_deref(), level.name())
        });
        (stands || (self.alarms.is_none() && self.levels.is_none()))
            && self.is_alarmed.is_none_or(|alarmed| view.alarms.is_empty() != alarmed)
    }
}

fn is_one_of(wanted: Option<&[&str]>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted.contains(&name))
}

fn switch(query: &mut Params, name: &'static str) -> Fallible<Option<bool>> {
    Ok(query.choice(name, &SWITCH)?.map(|wanted| wanted == SWITCH[0]))
}

fn texts(query: &mut Params, name: &'static str) -> Fallible<Option<Vec<String>>> {
    let text = query.get(name)?;
    Ok(text.map(|text| text.split(',').map(str::to_owned).collect()))
}

/// Whether `name` is like a pattern, in which `*` stands for any text and `?` for one character. Takes time
/// by the product of both lengths at most.
fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) =
        (name.chars().collect(), pattern.chars().collect());
    let (mut at, mut of_pattern) = (0, 0);
    // Where the last star is, and up to where it stands for the name.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(of_pattern) {
            Some('*') => {
                star = Some((of_pattern, at));
                of_pattern += 1;
            }
            Some(c) if *c == '?' || *c == name[at] => {
                at += 1;
                of_pattern += 1;
            }
            _ => match star {
                Some((of_star, to)) => {
                    star = Some((of_star, to + 1));
                    (at, of_pattern) = (to + 1, of_star + 1);
                }
                None => return false,
            },
        }
    }
    pattern[of_pattern..].iter().all(|c| *c == '*')
}

/// By what units are sorted.
#[derive(Clone, Copy, Debug)]
enum Key {
    Number,
    Text(fn(&UnitSpec, &UnitView) -> String),
    Quantity(&'static Quantity),
}

/// What units may be sorted by beside their quantities.
const KEYS: [(&str, Key); 6] = [
    ("number", Key::Number),
    ("name", Key::Text(|spec, _| spec.name.clone())),
    ("state", Key::Text(|_, view| view.state.name().to_owned())),
    ("model", Key::Text(|spec, _| spec.design.model.clone())),
    ("manufacturer", Key::Text(|spec, _| spec.design.manufacturer.clone())),
    ("chemistry", Key::Text(|spec, _| spec.design.chemistry.name.clone())),
];

/// What `sort` may name; a dash before it is for the other direction.
static SORT_NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let names = KEYS.iter().map(|(name, _)| *name);
    let names = names.chain(QUANTITIES.iter().map(|quantity| quantity.name));
    names.flat_map(|name| [name.to_owned(), format!("-{name}")]).collect()
});

/// In which order units are shown.
#[derive(Debug, Default)]
struct Order {
    /// Keys, and whether the largest is first.
    keys: Vec<(Key, bool)>,
}

impl Order {
    fn read(query: &mut Params) -> Fallible<Self> {
        let names: Vec<&'static str> = SORT_NAMES.iter().map(String::as_str).collect();
        let chosen = query.choices("sort", &names)?.unwrap_or_default();
        let key = |name: &str| {
            let known = KEYS.iter().find(|(known, _)| *known == name).map(|(_, key)| *key);
            let quantity = || QUANTITIES.iter().find(|quantity| quantity.name == name);
            known.or_else(|| quantity().map(Key::Quantity))
        };
        let keys = chosen.into_iter().filter_map(|name| match name.strip_prefix('-') {
            Some(name) => Some((key(name)?, true)),
            None => Some((key(name)?, false)),
        });
        Ok(Self { keys: keys.collect() })
    }

    /// Sorts units that are in the order of their numbers; equal ones stay in it.
    fn sort(&self, snapshot: &Snapshot, units: &mut [UnitId]) {
        // The last key first: a stable sort keeps what the ones before it did.
        for (key, is_descending) in self.keys.iter().rev() {
            let direct = |order: Ordering| if *is_descending { order.reverse() } else { order };
            match key {
                Key::Number => units.sort_by(|a, b| direct(a.idx().cmp(&b.idx()))),
                Key::Text(of) => units.sort_by(|a, b| {
                    let text =
                        |id: &UnitId| of(&snapshot.spec.units[id.idx()], &snapshot.units[id.idx()]);
                    direct(text(a).cmp(&text(b)))
                }),
                Key::Quantity(quantity) => units.sort_by(|a, b| {
                    let value = |id: &UnitId| (quantity.of)(&snapshot.units[id.idx()]);
                    let (a, b) = (value(a), value(b));
                    // What is no number comes last in either direction.
                    let missing = a.is_nan().cmp(&b.is_nan());
                    missing.then(direct(a.total_cmp(&b)))
                }),
            }
        }
    }
}

/// The parameters of the list, for the document.
struct UnitsQuery;

/// A parameter of the list.
fn parameter(name: &str, text: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema))
}

/// One that takes several items with commas between them.
fn several(name: &str, text: &str, items: impl Into<RefOr<Schema>>) -> Parameter {
    let items: RefOr<Schema> = items.into();
    let list = ArrayBuilder::new().items(items).min_items(Some(1)).build();
    parameter(name, text, list).style(Some(ParameterStyle::Form)).explode(Some(false)).build()
}

fn whole((min, max): (usize, usize)) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(min as f64))
        .maximum(Some(max as f64))
}

impl IntoParams for UnitsQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        let item = || text().pattern(Some("^[^,]+$"));
        let number = || {
            ObjectBuilder::new()
                .schema_type(Type::Number)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
                .minimum(Some(-BOUND_MAX))
                .maximum(Some(BOUND_MAX))
        };
        let sort = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(SORT_NAMES.iter().map(String::as_str)));
        let mut all = vec![
            parameter("from", "Matching units to leave out before the page", whole((0, FROM_MAX)))
                .build(),
            parameter("limit", "Most units on the page; 100 when absent", whole((1, PAGE_MAX)))
                .build(),
            several("state", "Only units in one of these states", UnitStateName::schema()),
            several("alarm", "Only units of which one of these alarms stands", AlarmName::schema()),
            several(
                "level",
                "Only units of which an alarm of one of these levels stands; with `alarm` one of those",
                AlarmLevelName::schema(),
            ),
            parameter(
                "alarmed",
                "Only units of which an alarm stands, or none",
                SwitchName::schema(),
            )
            .build(),
            parameter(
                "name",
                "Only units with a name like this: * is any text, ? one character",
                text(),
            )
            .example(Some("unit-00*".into()))
            .build(),
            several("model", "Only units of one of these models", item()),
            several("manufacturer", "Only units of one of these manufacturers", item()),
            several("chemistry", "Only units of one of these chemistries", item()),
            parameter("local", "Only units under local control, or not", SwitchName::schema())
                .build(),
            several(
                "watchdog",
                "Only units whose watch over the controller stands so",
                WatchdogStateName::schema(),
            ),
        ];
        for Quantity { above, below, text, .. } in QUANTITIES {
            all.push(parameter(above, &format!("{text}: only units with more"), number()).build());
            all.push(parameter(below, &format!("{text}: only units with less"), number()).build());
        }
        all.push(several(
            "sort",
            "By what to sort, the first beats the next; a dash before it for the largest first",
            sort,
        ));
        all.push(several(
            "fields",
            "Only these fields of each unit; in CSV in this order",
            Ref::from_schema_name(UnitField::name()),
        ));
        let format = "Form of the answer; beats the header Accept";
        all.push(parameter("format", format, FormatName::schema()).build());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_like_a_pattern_with_stars_and_question_marks() {
        for (name, pattern, is_alike) in [
            ("unit-003", "unit-003", true),
            ("unit-003", "unit-*", true),
            ("unit-003", "*3", true),
            ("unit-003", "*it*0*", true),
            ("unit-003", "unit-00?", true),
            ("unit-003", "????????", true),
            ("unit-003", "*", true),
            ("unit-003", "**", true),
            ("unit-003", "unit", false),
            ("unit-003", "unit-0", false),
            ("unit-003", "unit-0?", false),
            ("unit-003", "UNIT-003", false),
            ("unit-003", "*4", false),
            ("unit-003", "", false),
            ("Süd", "S?d", true),
        ] {
            assert_eq!(is_like(name, pattern), is_alike, "{name} {pattern}");
        }
        // It would not end if every star tried everything.
        assert!(!is_like(&"a".repeat(300), &format!("{}b", "a*".repeat(100))));
    }
}
