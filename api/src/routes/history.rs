//! `/history`: what the signals were, in buckets of simulated time.

use crate::ask::aside;
use crate::history::time::{INSTANTS, Instant};
use crate::history::{
    Answer, Asked, History, POINTS_MAX, SERIES_MAX, STEP_MAX_NS, SeriesKey, Step, TierCover,
    TooMany, parse_duration_ns,
};
use crate::params::Params;
use crate::problem::{Allowed, Fallible, HistoryProblems, Problem, kind};
use crate::read::form::{self, Form};
use crate::state::Api;
use crate::wire::{FormatName, Stamp, rfc3339, suffix_of, symbol_of};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bess_core::id::UnitId;
use bess_core::signal::{FARM, Quantity, UNIT};
use bess_core::snapshot::Snapshot;
use bess_core::time::TICK_NS;
use serde::{Serialize, Serializer};
use std::fmt::Write;
use std::sync::Arc;
use utoipa::ToSchema;

/// A figure in the precision that it is kept in; null when it was not available.
#[derive(Clone, Copy, Debug)]
struct Figure {
    value: f64,
    is_double: bool,
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            value if !value.is_finite() => serializer.serialize_none(),
            value if self.is_double => serializer.serialize_f64(value),
            // Digits that were never kept would look like precision.
            value => serializer.serialize_f32(value as f32),
        }
    }
}

impl Figure {
    fn csv(self, text: &mut String) {
        // Writing to a string never fails.
        let _ = match self.value {
            value if !value.is_finite() => Ok(()),
            value if self.is_double => write!(text, "{value}"),
            value => write!(text, "{}", value as f32),
        };
    }
}

/// A signal over time; each list has one number for each bucket.
#[derive(Debug, Serialize, ToSchema)]
struct SeriesAnswer {
    /// Name of the signal.
    #[schema(example = "battery.soc")]
    signal: &'static str,
    /// Number of the unit; null for the farm.
    #[schema(required = true)]
    unit: Option<u32>,
    /// Unit of the numbers; empty for counts and shares.
    #[schema(example = "W")]
    unit_of_measure: &'static str,
    /// Least value in each bucket; null where there was none.
    #[schema(value_type = Vec<Option<f64>>)]
    min: Vec<Figure>,
    /// Mean over the ticks of each bucket.
    #[schema(value_type = Vec<Option<f64>>)]
    mean: Vec<Figure>,
    /// Greatest value in each bucket.
    #[schema(value_type = Vec<Option<f64>>)]
    max: Vec<Figure>,
    #[serde(skip)]
    quantity: Option<Quantity>,
}

/// What the signals were.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Begin of the range, out to a bucket's border.
    #[schema(format = DateTime)]
    from: String,
    /// End of the range, likewise; no bucket begins here or later.
    #[schema(format = DateTime)]
    to: String,
    /// Length of a bucket of simulated time.
    #[schema(example = "1s")]
    step: String,
    /// The same in seconds.
    #[schema(example = 1.0)]
    step_s: f64,
    /// Which tier answers, by the length of its buckets.
    #[schema(example = "1s")]
    tier: String,
    /// Since when that tier has something; null when it is empty.
    #[schema(format = DateTime, required = true)]
    available_from: Option<String>,
    /// Where each bucket begins. Buckets of which no tick was seen are left out.
    #[schema(value_type = Vec<String>)]
    time: Vec<String>,
    /// Ticks of each bucket that were seen; the newest bucket may still be filling.
    samples: Vec<u64>,
    /// By signal, each with its units.
    series: Vec<SeriesAnswer>,
}

/// A tier and what it has.
#[derive(Debug, Serialize, ToSchema)]
struct TierAnswer {
    /// Length of its buckets.
    #[schema(example = "1s")]
    step: String,
    /// The same in seconds.
    #[schema(example = 1.0)]
    step_s: f64,
    /// Simulated time that it goes back at most.
    #[schema(example = "6h")]
    span: String,
    /// The same in seconds.
    #[schema(example = 21_600.0)]
    span_s: f64,
    /// Where its first bucket begins; null when it is empty.
    #[schema(format = DateTime, required = true)]
    from: Option<String>,
    /// Where its last bucket begins; null when it is empty.
    #[schema(format = DateTime, required = true)]
    to: Option<String>,
}

/// A signal that is kept.
#[derive(Debug, Serialize, ToSchema)]
struct SignalAnswer {
    /// Its name.
    #[schema(example = "poi.active_power")]
    signal: &'static str,
    /// Unit of its numbers; empty for counts and shares.
    #[schema(example = "W")]
    unit_of_measure: &'static str,
    /// What it is.
    help: &'static str,
}

/// What is kept of the farm, or of each unit.
#[derive(Debug, Serialize, ToSchema)]
struct LevelAnswer {
    tiers: Vec<TierAnswer>,
    signals: Vec<SignalAnswer>,
}

/// What is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Of the farm.
    farm: LevelAnswer,
    /// Of each unit.
    unit: LevelAnswer,
    /// Memory that the history takes now, in bytes.
    memory_bytes: u64,
    /// Memory that it may take.
    memory_limit_bytes: u64,
    /// Ticks that were not kept because they came too fast.
    ticks_dropped: u64,
}

fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

impl From<TierCover> for TierAnswer {
    fn from(cover: TierCover) -> Self {
        Self {
            step: Step(cover.step_ns).to_string(),
            step_s: seconds(cover.step_ns),
            span: Step(cover.span_ns).to_string(),
            span_s: seconds(cover.span_ns),
            from: cover.range_ns.map(|(first, _)| rfc3339(first)),
            to: cover.range_ns.map(|(_, last)| rfc3339(last)),
        }
    }
}

fn history(api: &Api) -> Fallible<Arc<History>> {
    let history = api.history.get().map(Arc::clone);
    history.ok_or_else(|| {
        let detail = "this farm keeps no history: it was started with --history-memory 0";
        Problem::new(&kind::NO_HISTORY, detail)
    })
}

fn refused(field: &str, value: &str, detail: String) -> Box<Problem> {
    Problem::new(&kind::BAD_PARAMETER, detail).field(field).value(value)
}

/// The series that are asked for, and what each of them is called.
fn series(
    history: &History,
    names: &[String],
    units: Option<&[UnitId]>,
) -> Fallible<Vec<(SeriesKey, SeriesAnswer)>> {
    let known: Vec<&'static str> = match units {
        None => FARM.iter().map(|signal| signal.name).collect(),
        Some(_) => history.unit_signals().collect(),
    };
    if names.is_empty() {
        let detail = "give at least one `signal`; GET /history/signals lists them";
        let problem = Problem::new(&kind::BAD_PARAMETER, detail).field("signal");
        return Err(problem.allowed(Allowed::one_of(known)));
    }
    let mut asked = Vec::new();
    for name in names {
        let Some(index) = known.iter().position(|known| known == name) else {
            let of = if units.is_some() { "each unit" } else { "the farm" };
            let hint = match units {
                None if UNIT.iter().any(|signal| signal.name == name) => {
                    "; units have one of this name: give `unit`"
                }
                Some(_) if UNIT.iter().any(|signal| signal.name == name) => {
                    "; it is not kept: `bess serve --history-units` says which are"
                }
                _ => "",
            };
            let detail = format!("no signal of {of} that is kept is called {name:?}{hint}");
            return Err(refused("signal", name, detail).allowed(Allowed::one_of(known)));
        };
        let one = |unit: Option<UnitId>, quantity: Quantity| SeriesAnswer {
            signal: known[index],
            unit: unit.map(UnitId::number),
            unit_of_measure: symbol_of(quantity),
            min: Vec::new(),
            mean: Vec::new(),
            max: Vec::new(),
            quantity: Some(quantity),
        };
        match units {
            None => asked.push((SeriesKey::Farm(index), one(None, FARM[index].quantity))),
            Some(units) => {
                let quantity = bess_core::signal::unit(known[index]).quantity;
                let key =
                    |unit: &UnitId| (SeriesKey::Unit(index, *unit), one(Some(*unit), quantity));
                asked.extend(units.iter().map(key));
            }
        }
    }
    if asked.len() > SERIES_MAX {
        let detail = format!(
            "at most {SERIES_MAX} series (signals times units) are given at once, these are {}",
            asked.len()
        );
        let field = if units.is_some() { "unit" } else { "signal" };
        return Err(Problem::new(&kind::BAD_PARAMETER, detail).field(field));
    }
    Ok(asked)
}

/// An instant in nanoseconds since 1970, and whether it stands for the tick at it.
fn instant(snapshot: &Snapshot, field: &str, text: &str) -> Fallible<(i64, bool)> {
    let instant = Instant::parse(text).ok_or_else(|| {
        refused(field, text, format!("`{field}` must be {INSTANTS}, got {text:?}"))
    })?;
    Ok(match instant {
        Instant::Unix(ns) => (ns, false),
        Instant::Ago(ns) => (snapshot.time.unix_ns.saturating_sub(ns), true),
        Instant::Tick(tick) => {
            let elapsed_ns = i64::try_from(tick).unwrap_or(i64::MAX).saturating_mul(TICK_NS);
            (snapshot.start().unix_ns.saturating_add(elapsed_ns), true)
        }
    })
}

fn step(text: &str) -> Fallible<Option<i64>> {
    if text == "auto" {
        return Ok(None);
    }
    let parsed = parse_duration_ns(text);
    match parsed {
        Ok(ns) if (TICK_NS..=STEP_MAX_NS).contains(&ns) && ns % TICK_NS == 0 => Ok(Some(ns)),
        _ => {
            let (least, most) = (Step(TICK_NS), Step(STEP_MAX_NS));
            let detail = format!(
                "`step` must be auto or a duration from {least} to {most} in multiples of {least}, such as 1s or 1m, got {text:?}"
            );
            Err(refused("step", text, detail))
        }
    }
}

/// What the signals were
///
/// Minimum, mean and maximum of signals in buckets of simulated time, from the tier of the history whose
/// buckets make up the step. Buckets lie on multiples of the step since 1970 (UTC), and the range is
/// widened to them. A bucket of which no tick was seen (before the start, or ticks that came too fast) is
/// left out. Without `unit` the signals are those of the farm. CSV with `format=csv` or `Accept: text/csv`.
#[utoipa::path(get, path = "/history", operation_id = "show_history", tag = "history",
    params(
        ("signal" = String, Query, description = "Names of signals, with commas between them or given several times; GET /history/signals lists them", example = "poi.active_power"),
        ("unit" = Option<String>, Query, description = "Numbers, ranges of numbers or names of units, with commas between them, or all; without it the farm", example = "1-2"),
        ("from" = Option<String>, Query, description = "From this instant on: RFC 3339, a time before the newest tick (-10m), now, or the number of a tick; -10m when absent", example = "-10m"),
        ("to" = Option<String>, Query, description = "To before this instant, or to the tick that is named; now when absent", example = "now"),
        ("step" = Option<String>, Query, description = "Length of a bucket, such as 1s, 1m or 1h; auto, when absent, takes one with at most 1000 buckets", example = "1s"),
        ("format" = inline(Option<FormatName>), Query, description = "Form of the answer; beats the header Accept"),
    ),
    responses(
        (status = 200, description = "The signals.", content(
            (HistoryAnswer = "application/json"),
            (String = "text/csv"),
        )),
        HistoryProblems))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    mut query: Params,
) -> Fallible<Response> {
    let history = history(&api)?;
    let snapshot = api.snapshot();
    let names = query.list("signal")?;
    let units = query.units("unit", &snapshot.spec)?;
    let (from, to) = (query.text("from")?, query.text("to")?);
    let step_text = query.text("step")?;
    let named = query.choice("format", &form::names(form::TABLE))?;
    query.finish()?;
    let series = series(&history, &names, units.as_deref())?;
    let (from, to) = (from.as_deref().unwrap_or("-10m"), to.as_deref().unwrap_or("now"));
    let (from_ns, _) = instant(&snapshot, "from", from)?;
    let (to_ns, is_tick) = instant(&snapshot, "to", to)?;
    let to_ns = to_ns.saturating_add(i64::from(is_tick));
    if from_ns >= to_ns {
        let detail = format!(
            "`from` must be before `to`, but {} is not before {}",
            rfc3339(from_ns),
            rfc3339(to_ns)
        );
        return Err(refused("from", from, detail));
    }
    let step_text = step_text.as_deref().unwrap_or("auto");
    let step_ns = step(step_text)?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_csv = match named {
        Some(named) => named == Form::Csv.name(),
        None => form::negotiate(accept, form::TABLE)? == Form::Csv,
    };
    history.reach(snapshot.tick).await;
    let answer = move || {
        let (keys, series): (Vec<_>, Vec<_>) = series.into_iter().unzip();
        let answer = history.query(&Asked { series: keys, from_ns, to_ns, step_ns });
        answer.map(|answer| fill(&snapshot, &answer, series))
    };
    let answer = aside(answer).await.map_err(|refusal: TooMany| {
        let detail = refusal.to_string();
        let problem = refused("step", step_text, detail);
        match refusal {
            TooMany::Points { fitting: Some(step), .. } => {
                problem.allowed(Allowed::Values(vec![Step(step).to_string()]))
            }
            TooMany::Points { fitting: None, .. } => {
                problem.allowed(Allowed::range(1.0, POINTS_MAX as f64, "points"))
            }
            TooMany::NoTier(steps) => problem.allowed(Allowed::Values(
                steps.iter().map(|step| Step(*step).to_string()).collect(),
            )),
        }
    })?;
    let vary = [(header::VARY, "accept")];
    if is_csv {
        let content_type = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
        let text = aside(move || csv(&answer)).await;
        return Ok((vary, content_type, text).into_response());
    }
    Ok((vary, aside(move || Json(answer).into_response()).await).into_response())
}

fn fill(snapshot: &Snapshot, answer: &Answer, mut series: Vec<SeriesAnswer>) -> HistoryAnswer {
    for ((series, sums), is_double) in series.iter_mut().zip(&answer.figures).zip(&answer.is_double)
    {
        let figure = |value: f64| Figure { value, is_double: *is_double };
        series.min = sums.iter().map(|sum| figure(sum.min)).collect();
        series.mean = sums.iter().map(|sum| figure(sum.mean())).collect();
        series.max = sums.iter().map(|sum| figure(sum.max)).collect();
    }
    HistoryAnswer {
        stamp: Stamp::of(snapshot),
        from: rfc3339(answer.from_ns),
        to: rfc3339(answer.to_ns),
        step: Step(answer.step_ns).to_string(),
        step_s: seconds(answer.step_ns),
        tier: Step(answer.tier_ns).to_string(),
        available_from: answer.available_from_ns.map(rfc3339),
        time: answer.rows.iter().map(|row| rfc3339(row.start_ns)).collect(),
        samples: answer.rows.iter().map(|row| row.samples).collect(),
        series,
    }
}

/// One row for each bucket: `time,samples,poi.active_power.min_w,poi.active_power.mean_w,…`; of units the
/// columns begin with `unit3.`.
fn csv(answer: &HistoryAnswer) -> String {
    let mut text = String::from("time,samples");
    for series in &answer.series {
        let suffix = series.quantity.map_or("", suffix_of);
        let unit = series.unit.map(|unit| format!("unit{unit}.")).unwrap_or_default();
        for figure in ["min", "mean", "max"] {
            let _ = write!(text, ",{unit}{}.{figure}{suffix}", series.signal);
        }
    }
    text.push('\n');
    for (row, (time, samples)) in answer.time.iter().zip(&answer.samples).enumerate() {
        let _ = write!(text, "{time},{samples}");
        for series in &answer.series {
            for figures in [&series.min, &series.mean, &series.max] {
                text.push(',');
                figures[row].csv(&mut text);
            }
        }
        text.push('\n');
    }
    text
}

/// What is kept
///
/// The signals of the history, and how far back each of its tiers goes.
#[utoipa::path(get, path = "/history/signals", operation_id = "list_history_signals", tag = "history",
    responses((status = 200, description = "What is kept.", body = SignalsAnswer), HistoryProblems))]
pub(crate) async fn signals(
    State(api): State<Arc<Api>>,
    query: Params,
) -> Fallible<Json<SignalsAnswer>> {
    query.finish()?;
    let history = history(&api)?;
    let snapshot = api.snapshot();
    history.reach(snapshot.tick).await;
    let numbers = history.numbers();
    let answer = move || {
        let of_farm = FARM.iter().map(|signal| SignalAnswer {
            signal: signal.name,
            unit_of_measure: symbol_of(signal.quantity),
            help: signal.help,
        });
        let of_unit = history.unit_signals().map(bess_core::signal::unit);
        let of_unit = of_unit.map(|signal| SignalAnswer {
            signal: signal.name,
            unit_of_measure: symbol_of(signal.quantity),
            help: signal.help,
        });
        let tiers = |of_units| history.tiers(of_units).into_iter().map(TierAnswer::from).collect();
        SignalsAnswer {
            stamp: Stamp::of(&snapshot),
            farm: LevelAnswer { tiers: tiers(false), signals: of_farm.collect() },
            unit: LevelAnswer { tiers: tiers(true), signals: of_unit.collect() },
            memory_bytes: numbers.bytes,
            memory_limit_bytes: numbers.bytes_limit,
            ticks_dropped: numbers.dropped,
        }
    };
    Ok(Json(aside(answer).await))
}
