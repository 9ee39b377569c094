//! `/farm/check`: what is wrong with a farm file, before somebody starts a farm with it.
//!
//! The same reader as that of `bess farm check`, but for other files: what a text from outside names is
//! not read from this machine.

use crate::ask::aside;
use crate::body::Toml;
use crate::params::Params;
use crate::problem::{Fallible, FarmFileProblems};
use crate::state::Api;
use crate::wire::{Num, wh};
use axum::Json;
use axum::extract::State;
use bess_core::config::{self, parse_farm};
use bess_core::spec::FarmSpec;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What a farm file describes, or what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FarmFileAnswer {
    /// Whether a farm can be started with it.
    valid: bool,
    /// The farm; null when the file is not valid.
    #[schema(required = true)]
    farm: Option<FarmFile>,
    /// How much is wrong.
    problems_total: usize,
    /// What is wrong, in the order of the places; the first 100.
    problems: Vec<FarmFileProblem>,
}

/// Problems that an answer has at most: who has more mends those first.
const PROBLEMS_MAX: usize = 100;

/// The farm that a file describes.
#[derive(Debug, Serialize, ToSchema)]
struct FarmFile {
    /// Name of the farm.
    name: String,
    /// Number of units.
    units: usize,
    /// Number of racks.
    racks: usize,
    /// Number of cells.
    cells: usize,
    /// Sum of the ratings.
    rated_power_w: Num,
    /// Sum of the ratings of reactive power.
    rated_reactive_power_var: Num,
    /// Energy at nominal voltage when new.
    energy_wh: Num,
    /// Nominal grid frequency.
    nominal_frequency_hz: Num,
    /// Seed of the cell-to-cell spread.
    seed: u64,
}

impl From<&FarmSpec> for FarmFile {
    fn from(spec: &FarmSpec) -> Self {
        Self {
            name: spec.name.clone(),
            units: spec.units.len(),
            racks: spec.n_racks(),
            cells: spec.n_cells(),
            rated_power_w: Num(spec.rated_power().0),
            rated_reactive_power_var: Num(spec.rated_reactive_power().0),
            energy_wh: wh(spec.nominal_energy()),
            nominal_frequency_hz: Num(spec.nominal_frequency.0),
            seed: spec.seed,
        }
    }
}

/// Something that is wrong with a farm file.
#[derive(Debug, Serialize, ToSchema)]
struct FarmFileProblem {
    /// Line from 1; null where it has no place.
    #[schema(required = true)]
    line: Option<usize>,
    /// Column from 1, in characters; null where it has no place.
    #[schema(required = true)]
    column: Option<usize>,
    /// The whole line.
    source_line: String,
    /// The key, the value and what was expected.
    message: String,
    /// How to mend it; null where there is nothing to say.
    #[schema(required = true)]
    hint: Option<String>,
}

impl From<&config::Problem> for FarmFileProblem {
    fn from(problem: &config::Problem) -> Self {
        let placed = |number: usize| (number > 0).then_some(number);
        Self {
            line: placed(problem.line),
            column: placed(problem.column),
            source_line: problem.source_line.clone(),
            message: problem.message.clone(),
            hint: problem.hint.clone(),
        }
    }
}

/// Check a farm file
///
/// The body is the TOML of a farm file. All its problems at once, with their places, as `bess farm check`
/// tells them. Nothing is changed: a farm gets its file when it is started. Other files that it names are
/// not read here, and its Modbus settings are not checked.
#[utoipa::path(post, path = "/farm/check", operation_id = "check_farm_file", tag = "farm",
    request_body(content = String, content_type = "application/toml", description = "A farm file."),
    responses((status = 200, description = "What it describes, or what is wrong with it.", body = FarmFileAnswer), FarmFileProblems))]
pub(crate) async fn check(
    State(api): State<Arc<Api>>,
    query: Params,
    Toml(text): Toml,
) -> Fallible<Json<FarmFileAnswer>> {
    query.finish()?;
    let check = move || {
        let unread =
            |_: &str| Err("other files are not read here; use `bess farm check`".to_owned());
        match parse_farm("farm.toml", &text, &unread) {
            Ok(spec) => FarmFileAnswer {
                valid: true,
                farm: Some((&spec).into()),
                problems_total: 0,
                problems: Vec::new(),
            },
            Err(problems) => {
                let first = problems.0.iter().take(PROBLEMS_MAX);
                FarmFileAnswer {
                    valid: false,
                    farm: None,
                    problems_total: problems.0.len(),
                    problems: first.map(FarmFileProblem::from).collect(),
                }
            }
        }
    };
    let answer = aside(check).await;
    drop(api);
    Ok(Json(answer))
}
