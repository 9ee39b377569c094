//! `/clock`: pace of the simulation.

use crate::body::Body;
use crate::params::Params;
use crate::problem::{Allowed, Fallible, FarmReadProblems, FarmWriteProblems, Problem, kind};
use crate::server::Api;
use crate::wire::{AppliedAnswer, Num, Stamp};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use bess_core::command::{ClockCommand, Request, validate_clock};
use bess_core::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use utoipa::ToSchema;

/// The clock.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClockAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// running, paused or free.
    mode: &'static str,
    /// Simulated seconds per second of wall time while running.
    speed: Num,
    /// Ticks of a step that are still to run.
    steps_left: u64,
    /// Simulated length of a tick.
    tick_s: f64,
}

impl ClockAnswer {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            stamp: Stamp::of(snapshot),
            mode: snapshot.clock.mode.name(),
            speed: Num(snapshot.clock.speed),
            steps_left: snapshot.clock.steps_left,
            tick_s: bess_core::time::TICK_S,
        }
    }
}

/// What to change; at least one field.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"mode": "paused"}))]
pub(crate) struct ClockChange {
    /// `running` or `paused`.
    #[schema(nullable = false, pattern = "^(running|paused)$")]
    mode: Option<String>,
    /// Simulated seconds per second of wall time, 0.01 to 10000.
    #[schema(nullable = false)]
    speed: Option<f64>,
    /// Runs this many ticks, 1 to 864000, then stays paused; answered when they are done. Not together
    /// with mode `running`.
    #[schema(nullable = false)]
    step_ticks: Option<u64>,
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
                    .allowed(Allowed::one_of(["running", "paused"])));
            }
            None => {}
        }
        commands.extend(self.step_ticks.map(ClockCommand::Step));
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

/// The clock
#[utoipa::path(get, path = "/clock", tag = "clock",
    responses((status = 200, description = "The clock.", body = ClockAnswer), FarmReadProblems))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    query: Params,
) -> Fallible<Json<ClockAnswer>> {
    query.finish()?;
    Ok(Json(ClockAnswer::of(&api.snapshot())))
}

/// Change the clock
///
/// While it is paused the farm still takes commands and publishes.
#[utoipa::path(patch, path = "/clock", tag = "clock", request_body = ClockChange,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), FarmWriteProblems))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    query: Params,
    Body(wish): Body<ClockChange>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let mut commands = wish.commands()?;
    let last = commands.pop().expect("commands refuses an empty wish");
    for command in commands {
        api.ask(Request::Clock(command), peer, api.config.answer_timeout)
            .await?;
    }
    let timeout = match last {
        ClockCommand::Step(_) => api.config.step_timeout,
        _ => api.config.answer_timeout,
    };
    let applied = api.ask(Request::Clock(last), peer, timeout).await?;
    Ok(Json(AppliedAnswer::new(applied, &api.snapshot())))
}
