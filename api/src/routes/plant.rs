//! `/farm/plant`: the plant controller.

use crate::ask::Sender;
use crate::body::{Body, nullable, present};
use crate::functions::{
    CurveAnswer, CurveWish, ResponseAnswer, ResponseWish, ShavingAnswer, ShavingWish,
};
use crate::params::Params;
use crate::problem::{Allowed, Fallible, FarmChangeProblems, FarmReadProblems, Problem, kind};
use crate::read::{NotModified, Read};
use crate::state::Api;
use crate::wire::{AppliedAnswer, Num, Stamp, StrategyName, by_name};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use bess_core::command::{Command, Request};
use bess_core::id::UnitId;
use bess_core::snapshot::Snapshot;
use bess_core::spec::{FarmSpec, PCT_PER_MIN, PlantChange, PlantSettings, Strategy};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The plant controller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlantAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Whether it acts at all; off, farm setpoints are refused.
    enabled: bool,
    /// How it splits a setpoint over the units.
    strategy: StrategyName,
    /// Numbers of the units in the order of the strategy `priority`; others follow in their own.
    priority: Vec<u32>,
    /// Ramp of the setpoint in percent of the rating per minute; null for none. Frequency response does
    /// not pass through it.
    ramp_pct_per_min: Num,
    /// State of charge of a unit below which it is not asked to discharge, 0 to 1.
    soc_min: Num,
    /// State of charge of a unit above which it is not asked to charge, 0 to 1.
    soc_max: Num,
    /// Frequency response at the POI; null for none.
    #[schema(required = true)]
    frequency_response: Option<ResponseAnswer>,
    /// Reactive power as a fraction of the rated one over the voltage at the POI in pu; null for the
    /// reactive setpoint.
    #[schema(required = true)]
    volt_var: Option<CurveAnswer>,
    /// Limits of import and export at the POI; null for none.
    #[schema(required = true)]
    peak_shaving: Option<ShavingAnswer>,
}

impl PlantAnswer {
    /// These settings, at the instant of the snapshot.
    pub(crate) fn of(snapshot: &Snapshot, plant: &PlantSettings) -> Self {
        Self {
            stamp: Stamp::of(snapshot),
            enabled: plant.enabled,
            strategy: StrategyName(plant.strategy.name()),
            priority: plant.priority.iter().map(|idx| snapshot.spec.number_at(*idx)).collect(),
            ramp_pct_per_min: Num(plant.ramp_per_s * PCT_PER_MIN),
            soc_min: Num(plant.soc_min),
            soc_max: Num(plant.soc_max),
            frequency_response: plant.frequency_response.as_ref().map(ResponseAnswer::from),
            volt_var: plant.volt_var.as_ref().map(CurveAnswer::from),
            peak_shaving: plant.peak_shaving.as_ref().map(ShavingAnswer::from),
        }
    }
}

/// Settings of the plant controller to change, all together or none; at least one. What is absent
/// stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"strategy": "equalise_soc", "ramp_pct_per_min": 20.0}))]
pub(crate) struct PlantWish {
    /// Whether it acts at all.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// How it splits a setpoint over the units.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<StrategyName>, nullable = false)]
    strategy: Option<String>,
    /// Numbers of the units in the order of the strategy `priority`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    priority: Option<Vec<u32>>,
    /// Ramp of the setpoint in percent of the rating per minute; null for none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>, minimum = 0.01)]
    ramp_pct_per_min: Option<Option<f64>>,
    /// State of charge of a unit below which it is not asked to discharge.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    soc_min: Option<f64>,
    /// State of charge of a unit above which it is not asked to charge.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    soc_max: Option<f64>,
    /// Frequency response at the POI; null for none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ResponseWish>)]
    frequency_response: Option<Option<ResponseWish>>,
    /// Reactive power as a fraction of the rated one over the voltage at the POI in pu; null for the
    /// reactive setpoint.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<CurveWish>)]
    volt_var: Option<Option<CurveWish>>,
    /// Limits of import and export at the POI; null for none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ShavingWish>)]
    peak_shaving: Option<Option<ShavingWish>>,
}

/// Dense indices of units by their numbers, each named once.
fn indices(numbers: &[u32], spec: &FarmSpec) -> Fallible<Vec<usize>> {
    let mut indices = Vec::with_capacity(numbers.len());
    let mut is_named = vec![false; spec.units.len()];
    for number in numbers {
        let Some(idx) = spec.unit_by_number(*number).map(UnitId::idx) else {
            let there = spec.unit_numbers();
            let (first, last) = (there.first, there.last);
            let detail = format!("priority must name units from {first} to {last}, got {number}");
            return Err(Problem::new(&kind::OUT_OF_RANGE, detail)
                .field("priority")
                .value(*number)
                .allowed(Allowed::units(there)));
        };
        if std::mem::replace(&mut is_named[idx], true) {
            let detail = format!("priority names unit {number} twice");
            return Err(Problem::new(&kind::CONTRADICTION, detail)
                .field("priority")
                .value(*number));
        }
        indices.push(idx);
    }
    Ok(indices)
}

impl PlantWish {
    fn change(&self, present: &PlantSettings, spec: &FarmSpec) -> Fallible<PlantChange> {
        let strategy = self.strategy.as_ref();
        let response = self.frequency_response.as_ref().map(|wish| {
            let onto = |wish: &ResponseWish| {
                wish.onto("frequency_response", present.frequency_response.as_ref())
            };
            wish.as_ref().map(onto).transpose()
        });
        let volt_var = self.volt_var.as_ref().map(|wish| {
            let onto = |wish: &CurveWish| match &present.volt_var {
                Some(present) => Ok(wish.onto(present)),
                None => wish.anew("volt_var"),
            };
            wish.as_ref().map(onto).transpose()
        });
        let shaving = self.peak_shaving.as_ref().map(|wish| {
            wish.as_ref().map(|wish| match present.peak_shaving {
                Some(present) => wish.onto(present),
                None => wish.anew(),
            })
        });
        let change = PlantChange {
            enabled: self.enabled,
            strategy: strategy.map(|s| by_name("strategy", s, &Strategy::ALL)).transpose()?,
            priority: self.priority.as_ref().map(|p| indices(p, spec)).transpose()?,
            ramp_per_s: self
                .ramp_pct_per_min
                .map(|ramp| ramp.map_or(f64::INFINITY, |ramp| ramp / PCT_PER_MIN)),
            soc_min: self.soc_min,
            soc_max: self.soc_max,
            frequency_response: response.transpose()?,
            volt_var: volt_var.transpose()?,
            peak_shaving: shaving,
        };
        if change == PlantChange::default() {
            return Err(Problem::nothing_given(&[
                "enabled",
                "strategy",
                "priority",
                "ramp_pct_per_min",
                "soc_min",
                "soc_max",
                "frequency_response",
                "volt_var",
                "peak_shaving",
            ]));
        }
        Ok(change)
    }
}

/// The plant controller
#[utoipa::path(get, path = "/farm/plant", operation_id = "show_plant", tag = "farm",
    responses((status = 200, description = "The plant controller.", body = PlantAnswer), NotModified, FarmReadProblems))]
pub(crate) async fn show(read: Read) -> Fallible<Response> {
    read.plain(|snapshot| PlantAnswer::of(snapshot, &snapshot.plant))
}

/// Change the plant controller
///
/// All fields together or none.
#[utoipa::path(patch, path = "/farm/plant", operation_id = "change_plant",
    tag = "farm", request_body = PlantWish,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), FarmChangeProblems))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<PlantWish>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    let change = wish.change(&snapshot.plant, &snapshot.spec)?;
    api.change(Request::Control(Command::ConfigurePlant(Box::new(change))), sender).await
}
