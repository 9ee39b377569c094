//! `/grid`: the grid behind the POI, what may be done to it, and the loads of an island.

use crate::ask::Sender;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{
    Allowed, Fallible, FarmChangeProblems, FarmReadProblems, FarmReleaseProblems, LoadProblems,
    Problem, kind,
};
use crate::read::{NotModified, Read};
use crate::state::Api;
use crate::wire::{
    AppliedAnswer, DISTURBANCES, DisturbanceName, GRID_KINDS, GridKindName, Num, Stamp,
};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use bess_core::command::{Command, Request};
use bess_core::snapshot::Snapshot;
use bess_core::spec::{
    DISTURBANCE_MAX_S, DISTURBANCE_MIN_S, Disturbance, DisturbanceKind, GridKind,
};
use bess_core::units::Watts;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The grid behind the POI.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GridAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Frequency at the POI.
    frequency_hz: Num,
    /// Nominal frequency.
    nominal_frequency_hz: Num,
    /// Voltage at the POI in per unit of nominal; 0 while the grid is gone.
    voltage_pu: Num,
    /// Whether there is voltage.
    energised: bool,
    /// How the frequency comes about where no record says it.
    kind: GridKindName,
    /// Short-circuit power at the POI; null for a stiff voltage.
    short_circuit_va: Num,
    /// The loads that a unit can pick up when it forms an island.
    loads: Vec<LoadAnswer>,
}

/// A load of the island.
#[derive(Debug, Serialize, ToSchema)]
struct LoadAnswer {
    /// Number from 1.
    number: usize,
    /// Name from the farm file.
    name: String,
    /// Active power at nominal voltage.
    active_power_w: Num,
    /// Reactive power at nominal voltage that it takes.
    reactive_power_var: Num,
    /// How many times more it takes at pick-up.
    inrush_factor: Num,
    /// Time constant with which that decays.
    inrush_s: Num,
    /// Seconds after the island stands at which it is picked up by itself; null for by command only.
    pick_up_s: Num,
}

impl GridAnswer {
    fn of(snapshot: &Snapshot) -> Self {
        let (farm, grid) = (&snapshot.farm, &snapshot.spec.grid);
        let loads = grid.island_loads.iter().enumerate();
        Self {
            stamp: Stamp::of(snapshot),
            frequency_hz: Num(farm.frequency.0),
            nominal_frequency_hz: Num(snapshot.spec.nominal_frequency.0),
            voltage_pu: Num(farm.voltage_pu),
            energised: farm.voltage_pu > 0.0,
            kind: GridKindName(match grid.kind {
                GridKind::Stiff => GRID_KINDS[0],
                GridKind::Inertia(_) => GRID_KINDS[1],
            }),
            short_circuit_va: Num(grid.short_circuit.map_or(f64::NAN, |power| power.0)),
            loads: loads
                .map(|(idx, load)| LoadAnswer {
                    number: idx + 1,
                    name: load.name.clone(),
                    active_power_w: Num(load.active_w),
                    reactive_power_var: Num(load.reactive_var),
                    inrush_factor: Num(load.inrush_factor),
                    inrush_s: Num(load.inrush_s),
                    pick_up_s: Num(load.pick_up_s),
                })
                .collect(),
        }
    }
}

/// Something to do to the grid, from the start of the next tick on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "voltage", "value": 0.5, "duration_s": 0.12}))]
pub(crate) struct DisturbanceWish {
    /// What.
    #[schema(value_type = DisturbanceName)]
    kind: String,
    /// Per unit of nominal for `voltage`, Hz for `frequency`, degrees for `phase_jump`, W for
    /// `load_step` (positive is more load); not for `outage`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    value: Option<f64>,
    /// How long, exactly, not rounded to ticks; absent for until something else happens to the same
    /// quantity. Not for `phase_jump`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0.000_001, maximum = 320_000_000)]
    duration_s: Option<f64>,
}

impl DisturbanceWish {
    fn disturbance(&self) -> Fallible<Disturbance> {
        let valued = |min: f64, max: f64, unit: &str| {
            let Some(value) = self.value else {
                let detail = format!("{} needs a value in {unit}", self.kind);
                return Err(Problem::new(&kind::BAD_FIELD, detail).field("value"));
            };
            if (min..=max).contains(&value) {
                return Ok(value);
            }
            let detail = format!("value must be from {min} to {max} {unit}, got {value}");
            Err(Problem::new(&kind::OUT_OF_RANGE, detail)
                .field("value")
                .value(value)
                .allowed(Allowed::range(min, max, unit)))
        };
        let superfluous = |field: &str| {
            let detail = format!("{} has no {field}", self.kind);
            Err(Problem::new(&kind::CONTRADICTION, detail).field(field))
        };
        let kind = match self.kind.as_str() {
            "voltage" => DisturbanceKind::Voltage(valued(0.0, 2.0, "pu")?),
            "frequency" => DisturbanceKind::Frequency(valued(40.0, 70.0, "Hz")?),
            "outage" if self.value.is_some() => return superfluous("value"),
            "outage" => DisturbanceKind::Outage,
            "phase_jump" if self.duration_s.is_some() => return superfluous("duration_s"),
            "phase_jump" => DisturbanceKind::PhaseJump(valued(-180.0, 180.0, "deg")?),
            "load_step" => {
                DisturbanceKind::LoadStep(Watts(valued(-LOAD_STEP_MAX_W, LOAD_STEP_MAX_W, "W")?))
            }
            other => return Err(Problem::not_one_of("kind", other, DISTURBANCES)),
        };
        let duration_s = self.duration_s.unwrap_or(f64::INFINITY);
        if self.duration_s.is_none()
            || (DISTURBANCE_MIN_S..=DISTURBANCE_MAX_S).contains(&duration_s)
        {
            return Ok(Disturbance { kind, duration_s });
        }
        let detail = format!(
            "duration_s must be from {DISTURBANCE_MIN_S} to {DISTURBANCE_MAX_S} s, got {duration_s}"
        );
        Err(Problem::new(&kind::OUT_OF_RANGE, detail)
            .field("duration_s")
            .value(duration_s)
            .allowed(Allowed::range(DISTURBANCE_MIN_S, DISTURBANCE_MAX_S, "s")))
    }
}

/// Largest load step: 1 TW, more than any grid (engineering choice).
const LOAD_STEP_MAX_W: f64 = 1e12;

/// What becomes of a load.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"fed": true}))]
pub(crate) struct LoadWish {
    /// Whether it is to be fed.
    fed: bool,
}

/// The grid
#[utoipa::path(get, path = "/grid", operation_id = "show_grid", tag = "grid",
    responses((status = 200, description = "The grid.", body = GridAnswer), NotModified, FarmReadProblems))]
pub(crate) async fn show(read: Read) -> Fallible<Response> {
    read.plain(GridAnswer::of)
}

/// Disturb the grid
///
/// A dip or swell of its voltage, another frequency, an outage, a jump of its phase, a step of a load
/// behind the POI (with inertia only).
#[utoipa::path(post, path = "/grid/disturbances", operation_id = "disturb_grid",
    tag = "grid", request_body = DisturbanceWish,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), FarmChangeProblems))]
pub(crate) async fn disturb(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<DisturbanceWish>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let command = Command::Disturb(wish.disturbance()?);
    api.change(Request::Control(command), sender).await
}

/// End the disturbances of the grid
///
/// What was done to voltage, frequency and loads and lasts, and what a scenario holds; an outage too.
#[utoipa::path(delete, path = "/grid/disturbances", operation_id = "end_grid_disturbances", tag = "grid",
    responses((status = 200, description = "Applied.", body = AppliedAnswer), FarmReleaseProblems))]
pub(crate) async fn end(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    api.change(Request::Control(Command::EndDisturbances { kind: None }), sender).await
}

/// Pick up a load of the island, or drop it
#[utoipa::path(post, path = "/grid/loads/{load}", operation_id = "feed_load",
    tag = "grid", request_body = LoadWish,
    params(("load" = u32, Path, description = "Number of the load from 1", minimum = 1, example = 1)),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), LoadProblems))]
pub(crate) async fn feed(
    State(api): State<Arc<Api>>,
    sender: Sender,
    Path(number): Path<String>,
    query: Params,
    Body(wish): Body<LoadWish>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let n_loads = api.snapshot().spec.grid.island_loads.len();
    let found = number.parse::<usize>().ok().filter(|found| (1..=n_loads).contains(found));
    let Some(found) = found else {
        let detail = match n_loads {
            0 => "the farm file describes no loads of an island".to_owned(),
            _ => format!("the farm has loads 1 to {n_loads}, not {number:?}"),
        };
        return Err(Problem::new(&kind::NO_SUCH_LOAD, detail).field("load").value(number));
    };
    let command = Command::PickUpLoad { load_idx: found - 1, fed: wish.fed };
    api.change(Request::Control(command), sender).await
}
