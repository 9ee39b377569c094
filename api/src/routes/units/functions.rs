//! What a unit does by itself: the settings of its functions.

use super::NamedUnit;
use super::control::at_panel;
use crate::ask::Sender;
use crate::body::{Body, present};
use crate::functions::{
    CurveAnswer, CurveWish, DroopAnswer, DroopWish, Pair, ResponseAnswer, ResponseWish,
    ShavingAnswer, ShavingWish,
};
use crate::params::Params;
use crate::problem::{Fallible, Problem, UnitChangeProblems, UnitReadProblems, kind};
use crate::read::{NotModified, Read};
use crate::state::Api;
use crate::trips::{TripsAnswer, TripsWish};
use crate::wire::{AppliedAnswer, FunctionLabel, Num, Stamp, SwitchName, labels};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use bess_core::command::{Command, Request};
use bess_core::control::{FunctionsChange, UnitFunctions};
use bess_core::id::UnitId;
use bess_core::series::Series;
use bess_core::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The functions of a unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunctionsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Number of the unit.
    unit: u32,
    /// Functions that are on.
    on: Vec<FunctionLabel>,
    frequency_droop: DroopAnswer,
    frequency_response: ResponseAnswer,
    /// Reactive power as a fraction of the rated one over the voltage in pu.
    volt_var: CurveAnswer,
    /// Cap of discharge as a fraction of the rating over the voltage in pu.
    volt_watt: CurveAnswer,
    /// Reactive over active power, both as fractions of their ratings.
    watt_var: CurveAnswer,
    peak_shaving: ShavingAnswer,
    /// Rows [seconds from the start of the run, active power in W]; null for none.
    #[schema(value_type = Option<Vec<Vec<f64>>>, required = true)]
    schedule: Option<Vec<[Num; 2]>>,
    /// Trips by voltage and frequency, and momentary cessation.
    trips: TripsAnswer,
}

impl FunctionsAnswer {
    /// These settings of a unit, at the instant of the snapshot.
    pub(crate) fn of(snapshot: &Snapshot, unit: UnitId, functions: &UnitFunctions) -> Self {
        let rows = |series: &Arc<Series>| {
            let rows = series.times_s().iter().zip(series.values());
            rows.map(|(time, power)| [Num(*time), Num(*power)]).collect()
        };
        Self {
            stamp: Stamp::of(snapshot),
            unit: unit.number(),
            on: labels(snapshot.units[unit.idx()].control.functions),
            frequency_droop: DroopAnswer::from(&functions.frequency_droop),
            frequency_response: ResponseAnswer::from(&functions.frequency_response),
            volt_var: CurveAnswer::from(&functions.volt_var),
            volt_watt: CurveAnswer::from(&functions.volt_watt),
            watt_var: CurveAnswer::from(&functions.watt_var),
            peak_shaving: ShavingAnswer::from(&functions.peak_shaving),
            schedule: functions.schedule.as_ref().map(rows),
            trips: TripsAnswer::from(&functions.trips),
        }
    }
}

/// Settings of functions to change, all together or none; at least one. What is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"volt_var": {"points": [[0.92, 1.0], [0.98, 0.0], [1.02, 0.0], [1.08, -1.0]]}}))]
pub(crate) struct FunctionsWish {
    /// Active power by the deviation of the frequency beyond a dead band.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    frequency_droop: Option<DroopWish>,
    /// A service's curve and timing.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    frequency_response: Option<ResponseWish>,
    /// Reactive power as a fraction of the rated one over the voltage in pu; does not rise.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    volt_var: Option<CurveWish>,
    /// Cap of discharge as a fraction of the rating over the voltage in pu; does not rise.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    volt_watt: Option<CurveWish>,
    /// Reactive over active power, both as fractions of their ratings.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    watt_var: Option<CurveWish>,
    /// Limits at the POI.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    peak_shaving: Option<ShavingWish>,
    /// Active power over the time.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    schedule: Option<ScheduleWish>,
    /// Trips by voltage and frequency, and momentary cessation.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    trips: Option<TripsWish>,
}

/// A schedule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleWish {
    /// Rows [seconds from the start of the run, active power in W]; the time increases. Each row holds
    /// until the next.
    #[schema(value_type = Vec<Pair>, min_items = 1)]
    rows: Vec<[f64; 2]>,
    /// Whether it starts over after its last row.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    repeats: Option<bool>,
}

impl ScheduleWish {
    fn series(&self) -> Fallible<Arc<Series>> {
        let rows: Vec<(f64, f64)> = self.rows.iter().map(|[time, power]| (*time, *power)).collect();
        let series = Series::new(&rows, self.repeats == Some(true));
        series.map(Arc::new).map_err(|error| {
            Problem::new(&kind::NOT_POSSIBLE, error.to_string()).field("schedule.rows")
        })
    }
}

impl FunctionsWish {
    fn change(&self, present: &UnitFunctions) -> Fallible<FunctionsChange> {
        let curve = |wish: &Option<CurveWish>, present| wish.as_ref().map(|w| w.onto(present));
        let change = FunctionsChange {
            frequency_droop: self.frequency_droop.as_ref().map(|w| w.onto(present.frequency_droop)),
            frequency_response: self
                .frequency_response
                .as_ref()
                .map(|wish| wish.onto("frequency_response", Some(&present.frequency_response)))
                .transpose()?,
            volt_var: curve(&self.volt_var, &present.volt_var),
            volt_watt: curve(&self.volt_watt, &present.volt_watt),
            watt_var: curve(&self.watt_var, &present.watt_var),
            peak_shaving: self.peak_shaving.as_ref().map(|w| w.onto(present.peak_shaving)),
            schedule: self.schedule.as_ref().map(ScheduleWish::series).transpose()?,
            trips: self.trips.as_ref().map(TripsWish::change).unwrap_or_default(),
        };
        if change == FunctionsChange::default() {
            return Err(Problem::nothing_given(&[
                "frequency_droop",
                "frequency_response",
                "volt_var",
                "volt_watt",
                "watt_var",
                "peak_shaving",
                "schedule",
                "trips",
            ]));
        }
        Ok(change)
    }
}

/// A unit's functions
///
/// The settings of all of them, and which are on.
#[utoipa::path(get, path = "/units/{id}/functions", operation_id = "show_functions", tag = "units",
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "The functions.", body = FunctionsAnswer), NotModified, UnitReadProblems))]
pub(crate) async fn show(NamedUnit(unit): NamedUnit, read: Read) -> Fallible<Response> {
    read.plain(|snapshot| FunctionsAnswer::of(snapshot, unit, &snapshot.functions[unit.idx()]))
}

/// Change a unit's functions
///
/// The settings only; the mode says which functions are on.
#[utoipa::path(patch, path = "/units/{id}/functions", operation_id = "change_functions",
    tag = "units", request_body = FunctionsWish,
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("panel" = inline(Option<SwitchName>), Query, description = "true as from the unit's own panel, which local control does not refuse"),
    ),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), UnitChangeProblems))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    mut query: Params,
    Body(wish): Body<FunctionsWish>,
) -> Fallible<Json<AppliedAnswer>> {
    let sender = sender.at_panel(at_panel(&mut query)?);
    query.finish()?;
    let change = Box::new(wish.change(&api.snapshot().functions[unit.idx()])?);
    let command = Command::ConfigureUnit { unit, change };
    let answer = api.change(Request::Control(command), sender).await;
    answer.map_err(|problem| problem.inside("trips"))
}
