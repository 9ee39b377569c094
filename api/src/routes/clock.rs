//! `/clock`: pace of the simulation.

use crate::ask::Sender;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{Allowed, ClockChangeProblems, Fallible, FarmReadProblems, Problem, kind};
use crate::read::{NotModified, Read};
use crate::state::Api;
use crate::wire::{AppliedAnswer, CLOCK_WISHES, ClockModeName, ClockWishName, Num, Stamp};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use bess_core::command::{ClockCommand, Request, STEP_MAX, validate_clock};
use bess_core::snapshot::{ClockView, Snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The clock.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClockAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Pace: at its speed, paused, or as fast as the machine allows (headless).
    mode: ClockModeName,
    /// Simulated seconds per second of wall time while running.
    speed: Num,
    /// Ticks of a step that are still to run.
    steps_left: u64,
    /// Simulated length of a tick.
    tick_s: f64,
}

impl ClockAnswer {
    /// This clock, at the instant of the snapshot.
    pub(crate) fn of(snapshot: &Snapshot, clock: &ClockView) -> Self {
        Self {
            stamp: Stamp::of(snapshot),
            mode: ClockModeName(clock.mode.name()),
            speed: Num(clock.speed),
            steps_left: clock.steps_left,
            tick_s: bess_core::time::TICK_S,
        }
    }
}

/// What to change; at least one field.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mode": "paused"}))]
pub(crate) struct ClockChange {
    /// Pace.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<ClockWishName>, nullable = false)]
    mode: Option<String>,
    /// Simulated seconds per second of wall time, 0.01 to 10000.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0.01, maximum = 10_000)]
    speed: Option<f64>,
    /// Runs this many ticks, 1 to 864000, then stays paused; answered when they are done. Not together
    /// with mode `running`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, nullable = false, minimum = 1, maximum = 864_000)]
    step_ticks: Option<f64>,
}

impl ClockChange {
    /// The commands, all checked before the first is sent.
    fn commands(&self) -> Fallible<Vec<ClockCommand>> {
        let mut commands = Vec::new();
        commands.extend(self.speed.map(ClockCommand::SetSpeed));
        match self.mode.as_deref() {
            Some("paused") => commands.push(ClockCommand::Pause),
            Some("running") if self.step_ticks.is_some() => {
                let detail = "a step leaves the clock paused: give step_ticks or mode running";
                return Err(Problem::new(&kind::CONTRADICTION, detail).field("mode"));
            }
            Some("running") => commands.push(ClockCommand::Resume),
            Some(other) => {
                let detail = format!("mode must be running or paused, got {other:?}");
                return Err(Problem::new(&kind::OUT_OF_RANGE, detail)
                    .field("mode")
                    .value(other)
                    .allowed(Allowed::one_of(CLOCK_WISHES)));
            }
            None => {}
        }
        commands.extend(self.step_ticks.map(step).transpose()?);
        if commands.is_empty() {
            let detail = "give at least one of mode, speed, step_ticks";
            return Err(Problem::new(&kind::BAD_FIELD, detail).field("mode"));
        }
        for command in &commands {
            validate_clock(*command)?;
        }
        Ok(commands)
    }
}

/// A step of whole ticks; JSON has one kind of number, so 5.0 is five.
fn step(ticks: f64) -> Fallible<ClockCommand> {
    if ticks.fract() != 0.0 || !(1.0..=STEP_MAX as f64).contains(&ticks) {
        let detail = format!("step_ticks must be a whole number from 1 to {STEP_MAX}, got {ticks}");
        return Err(Problem::new(&kind::OUT_OF_RANGE, detail)
            .field("step_ticks")
            .value(ticks)
            .allowed(Allowed::range(1.0, STEP_MAX as f64, "ticks")));
    }
    Ok(ClockCommand::Step(ticks as u64))
}

/// The clock
#[utoipa::path(get, path = "/clock", operation_id = "show_clock", tag = "clock",
    responses((status = 200, description = "The clock.", body = ClockAnswer), NotModified, FarmReadProblems))]
pub(crate) async fn show(read: Read) -> Fallible<Response> {
    read.plain(|snapshot| ClockAnswer::of(snapshot, &snapshot.clock))
}

/// Change the clock
///
/// While it is paused the farm still takes commands and publishes. All fields are checked first, then
/// applied one after the other: speed, mode, step.
#[utoipa::path(patch, path = "/clock", operation_id = "change_clock",
    tag = "clock", request_body = ClockChange,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), ClockChangeProblems))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<ClockChange>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let commands = wish.commands()?;
    let timeout = match commands.last() {
        Some(ClockCommand::Step(_)) => api.config.step_timeout,
        _ => api.config.answer_timeout,
    };
    api.change_within(Request::Clock(commands), sender, timeout).await
}
