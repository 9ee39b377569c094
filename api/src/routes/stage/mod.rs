//! Faults and scenarios: what is made wrong on purpose, and what came of it.
//!
//! What a fault or a scenario may say is read by the farm's book, so that REST, files and the command line
//! refuse the same things with the same words; what runs is in the snapshot.

pub(crate) mod faults;
pub(crate) mod runs;
pub(crate) mod scenarios;

use crate::problem::{Allowed, Fallible, Problem, kind};
use crate::state::Api;
use crate::wire::Num;
use bess_core::config::Problems;
use bess_core::snapshot::Snapshot;
use bess_core::stage::{ParameterInfo, StageBook};
use bess_core::time::{TICK_S, Tick};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use utoipa::ToSchema;

/// The book of this farm.
fn book(api: &Api) -> Fallible<&Arc<dyn StageBook>> {
    api.stage.get().ok_or_else(|| {
        Problem::new(&kind::NO_STAGE, "nobody directs faults or scenarios on this server")
    })
}

/// An id that is not given: the prefix and a number that is not taken.
fn drawn_id(api: &Api, prefix: &str, is_taken: impl Fn(&str) -> bool) -> String {
    loop {
        let id = format!("{prefix}-{}", api.stage_ids.fetch_add(1, Relaxed) + 1);
        if !is_taken(&id) {
            return id;
        }
    }
}

/// Longest id.
const ID_MAX: usize = 64;

/// Refuses an id that could not stand in a path or a link condition.
fn check_id(id: &str) -> Fallible<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=ID_MAX).contains(&id.len()) && id.chars().all(fits) {
        return Ok(());
    }
    let detail =
        format!("id must be 1 to {ID_MAX} lower-case letters, digits or hyphens, got {id:?}");
    Err(Problem::new(&kind::OUT_OF_RANGE, detail).field("id").value(id))
}

/// Refuses a seed that JSON's whole numbers of 63 bits do not hold.
fn check_seed(seed: Option<u64>) -> Fallible<()> {
    let Some(seed) = seed.filter(|seed| i64::try_from(*seed).is_err()) else { return Ok(()) };
    let detail = format!("seed must be from 0 to {}, got {seed}", i64::MAX);
    Err(Problem::new(&kind::OUT_OF_RANGE, detail)
        .field("seed")
        .value(seed.to_string())
        .allowed(Allowed::range(0.0, i64::MAX as f64, "")))
}

/// What is wrong with a fault or a scenario, as the file reader tells it: the first in the detail, all of
/// them in it line by line.
fn refused(field: &str, problems: &Problems) -> Box<Problem> {
    let texts: Vec<String> = problems
        .0
        .iter()
        .map(|problem| {
            let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let place = if problem.line > 0 {
                format!(" at line {}, column {}", problem.line, problem.column)
            } else {
                String::new()
            };
            format!("{}{hint}{place}", problem.message)
        })
        .collect();
    Problem::new(&kind::NOT_POSSIBLE, texts.join("; ")).field(field)
}

/// Seconds from now to the tick `until`.
fn seconds_to(snapshot: &Snapshot, until: Tick) -> Num {
    Num(until.0.saturating_sub(snapshot.tick.0 + 1) as f64 * TICK_S)
}

/// A parameter of a fault.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Parameter {
    /// Its name, with its unit.
    name: &'static str,
    /// What it is.
    text: &'static str,
    /// What may be given: `number`, `word`, `flag`, `numbers` (a list) or `text`.
    takes: &'static str,
    /// Smallest value of a number, or of each in a list; null for words, flags and texts.
    #[schema(value_type = Num)]
    min: Option<Num>,
    /// Largest value of a number, or of each in a list; null for words, flags and texts.
    #[schema(value_type = Num)]
    max: Option<Num>,
    /// The words that it may be; empty for numbers.
    choices: &'static [&'static str],
    /// What it is where it is not given, empty for absent; null where it is needed.
    #[schema(required = true)]
    default: Option<String>,
}

impl From<&ParameterInfo> for Parameter {
    fn from(info: &ParameterInfo) -> Self {
        let number = |number: f64| number.is_finite().then_some(Num(number));
        Self {
            name: info.name,
            text: info.text,
            takes: info.takes,
            min: number(info.min),
            max: number(info.max),
            choices: info.choices,
            default: info.default.clone(),
        }
    }
}

/// The one of `all` with this id; where there is none it is refused in these words, with the ids that there are.
fn find<'a, T>(
    mut all: impl Iterator<Item = &'a T> + Clone,
    id_of: fn(&T) -> &str,
    id: &str,
    kind: &'static crate::problem::Kind,
    words: &str,
) -> Fallible<&'a T> {
    let known = all.clone();
    all.find(|one| id_of(one) == id).ok_or_else(|| {
        Problem::new(kind, format!("{words} {id:?}"))
            .field("id")
            .value(id)
            .allowed(Allowed::one_of(known.map(id_of)))
    })
}
