//! `/farm`: the whole farm at its POI.

use crate::ask::Sender;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{
    Allowed, Fallible, FarmChangeProblems, FarmReadProblems, FarmReleaseProblems, Problem, kind,
};
use crate::read::fields::{FARM, FarmField};
use crate::read::select::{Selected, Selection, SomeOf};
use crate::read::{Made, NotModified, Read, form};
use crate::state::Api;
use crate::wire::{AppliedAnswer, Extremes, Num, STAMP, Stamp, StrategyName, Totals, by_name, wh};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use bess_core::command::{Command, Request};
use bess_core::snapshot::{Snapshot, UnitState};
use bess_core::spec::{FarmSpec, PlantChange, Strategy};
use bess_core::units::{Vars, Watts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// The farm at its POI.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FarmAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Name from the farm file.
    name: String,
    /// Number of units.
    units: usize,
    /// Number of cells.
    cells: usize,
    /// Number of units in each state.
    units_by_state: BTreeMap<&'static str, u32>,
    /// Active power at the POI, positive is discharge: units less auxiliaries and the transformer's
    /// loss.
    active_power_w: Num,
    /// Reactive power at the POI, positive is injection.
    reactive_power_var: Num,
    /// Sum of the units' AC power, before auxiliaries.
    units_power_w: Num,
    /// Consumption of the auxiliaries.
    auxiliary_power_w: Num,
    /// Loss of the transformer at the POI.
    transformer_loss_w: Num,
    /// Setpoint at the POI; null when none is in force.
    #[schema(value_type = Num)]
    setpoint_active_power_w: Option<Num>,
    /// Reactive setpoint at the POI; null when none is in force.
    #[schema(value_type = Num)]
    setpoint_reactive_power_var: Option<Num>,
    /// What could be discharged now.
    available_discharge_power_w: Num,
    /// What could be charged now, as a magnitude.
    available_charge_power_w: Num,
    /// Sum of the ratings.
    rated_power_w: Num,
    /// Energy-weighted state of charge as the BMSes estimate it, 0 to 1.
    soc: Num,
    /// Energy-weighted state of health as the BMSes estimate it, 0 to 1.
    soh: Num,
    /// What is true, beside what the BMSes believe.
    truth: FarmTruth,
    /// Energy that is left, at nominal voltage.
    energy_wh: Num,
    /// Energy when full, at nominal voltage and present health.
    energy_capacity_wh: Num,
    /// Grid frequency.
    frequency_hz: Num,
    /// Voltage at the POI in per unit of nominal; 0 while the grid is gone.
    voltage_pu: Num,
    /// What frequency response at the POI asks for now, positive is discharge.
    frequency_response_w: Num,
    /// The setpoint after the plant's ramp, without frequency response; 0 while there is none.
    ramped_setpoint_w: Num,
    /// Trips of units since the start.
    trips: u64,
    /// Nominal grid frequency.
    nominal_frequency_hz: Num,
    /// Ambient temperature.
    ambient_temperature_degc: Num,
    /// Extremes over all cells.
    extremes: Extremes,
    /// Energy at the POI since the start.
    totals: Totals,
    /// Commands applied since the start.
    commands_applied: u64,
    /// Commands refused since the start.
    commands_refused: u64,
}

/// What is true of the farm.
#[derive(Debug, Serialize, ToSchema)]
struct FarmTruth {
    /// Energy-weighted state of charge, 0 to 1.
    soc: Num,
    /// Active power that flows at the POI, whatever its meter shows.
    active_power_w: Num,
    /// Reactive power that flows at the POI.
    reactive_power_var: Num,
}

impl FarmAnswer {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let (farm, spec) = (&snapshot.farm, &snapshot.spec);
        let by_state = UnitState::ALL.iter().zip(farm.units_by_state);
        Self {
            stamp: Stamp::of(snapshot),
            name: spec.name.clone(),
            units: spec.units.len(),
            cells: spec.n_cells(),
            units_by_state: by_state.map(|(state, count)| (state.name(), count)).collect(),
            active_power_w: Num(farm.active_power.0),
            reactive_power_var: Num(farm.reactive_power.0),
            units_power_w: Num(farm.units_power.0),
            auxiliary_power_w: Num(farm.auxiliary_power.0),
            transformer_loss_w: Num(farm.transformer_loss.0),
            setpoint_active_power_w: farm.setpoint.map(|power| Num(power.0)),
            setpoint_reactive_power_var: farm.reactive_setpoint.map(|power| Num(power.0)),
            available_discharge_power_w: Num(farm.available_discharge_power.0),
            available_charge_power_w: Num(farm.available_charge_power.0),
            rated_power_w: Num(spec.rated_power().0),
            soc: Num(farm.soc),
            soh: Num(farm.soh),
            truth: FarmTruth {
                soc: Num(farm.true_soc),
                active_power_w: Num(farm.true_active_power.0),
                reactive_power_var: Num(farm.true_reactive_power.0),
            },
            energy_wh: wh(farm.energy),
            energy_capacity_wh: wh(farm.energy_capacity),
            frequency_hz: Num(farm.frequency.0),
            voltage_pu: Num(farm.voltage_pu),
            frequency_response_w: Num(farm.frequency_response.0),
            ramped_setpoint_w: Num(farm.ramped_setpoint.0),
            trips: farm.trips,
            nominal_frequency_hz: Num(spec.nominal_frequency.0),
            ambient_temperature_degc: Num(farm.ambient.0),
            extremes: Extremes::from(&farm.extremes),
            totals: Totals::from(&farm.totals),
            commands_applied: farm.commands_applied,
            commands_refused: farm.commands_refused,
        }
    }
}

/// A setpoint at the POI: `active_power_w` or `active_power_pct`, and what else is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"active_power_w": 10_000_000.0}))]
pub(crate) struct FarmSetpoint {
    /// Active power, positive is discharge; within the sum of the ratings.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    active_power_w: Option<f64>,
    /// Active power in percent of the sum of the ratings, -100 to 100; instead of `active_power_w`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    active_power_pct: Option<f64>,
    /// Reactive power, positive is injection; absent keeps what is in force.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    reactive_power_var: Option<f64>,
    /// Reactive power in percent of the sum of the ratings, -100 to 100; instead of
    /// `reactive_power_var`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    reactive_power_pct: Option<f64>,
    /// How it is split over the units, from now on; absent keeps what is in force.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<StrategyName>, nullable = false)]
    strategy: Option<String>,
}

/// A power in its unit or in percent of `rated`; one of the two at most.
fn power(
    (name, absolute): (&str, Option<f64>),
    (name_pct, percent): (&str, Option<f64>),
    rated: f64,
) -> Fallible<Option<f64>> {
    match (absolute, percent) {
        (Some(_), Some(_)) => {
            let detail = format!("give {name} or {name_pct}, not both");
            Err(Problem::new(&kind::CONTRADICTION, detail).field(name_pct))
        }
        (absolute, None) => Ok(absolute),
        (None, Some(percent)) if (-100.0..=100.0).contains(&percent) => {
            Ok(Some(rated * percent / 100.0))
        }
        (None, Some(percent)) => {
            let detail = format!("{name_pct} must be from -100 to 100 %, got {percent}");
            Err(Problem::new(&kind::OUT_OF_RANGE, detail)
                .field(name_pct)
                .value(percent)
                .allowed(Allowed::range(-100.0, 100.0, "%")))
        }
    }
}

impl FarmSetpoint {
    /// One command: the strategy and the setpoint together or neither.
    pub(crate) fn command(&self, spec: &FarmSpec) -> Fallible<Command> {
        let active = power(
            ("active_power_w", self.active_power_w),
            ("active_power_pct", self.active_power_pct),
            spec.rated_power().0,
        )?;
        let reactive = power(
            ("reactive_power_var", self.reactive_power_var),
            ("reactive_power_pct", self.reactive_power_pct),
            spec.rated_reactive_power().0,
        )?;
        let Some(active) = active else {
            let detail = "give active_power_w or active_power_pct";
            return Err(Problem::new(&kind::BAD_FIELD, detail).field("active_power_w"));
        };
        let set = Command::SetFarmPower { active: Watts(active), reactive: reactive.map(Vars) };
        let Some(name) = &self.strategy else {
            return Ok(set);
        };
        let strategy = Some(by_name("strategy", name, &Strategy::ALL)?);
        let change = PlantChange { strategy, ..PlantChange::default() };
        Ok(Command::Batch(vec![Command::ConfigurePlant(Box::new(change)), set]))
    }
}

/// The farm, or what was selected of it.
type FarmOrSelected = SomeOf<FarmAnswer>;

/// The farm
///
/// Everything at the POI, of one tick.
#[utoipa::path(get, path = "/farm", operation_id = "show_farm", tag = "farm",
    params(("fields" = Option<Vec<FarmField>>, Query, style = Form, explode = false, description = "Only these fields, with commas between them; the stamp is always there", example = json!(["active_power_w", "soc"]), min_items = 1)),
    responses((status = 200, description = "The farm.", body = FarmOrSelected), NotModified, FarmReadProblems))]
pub(crate) async fn show(mut read: Read) -> Fallible<Response> {
    if let Some(known) = read.known(form::PLAIN)? {
        return Ok(known);
    }
    let fields = FARM.read(&mut read.query)?;
    read.finish()?;
    let selection = fields.map(|fields| Arc::new(Selection::of(fields.into_iter().chain(STAMP))));
    Ok(read.light(|snapshot, _| {
        Made::json(&Selected::new(FarmAnswer::of(snapshot), selection.as_ref()))
    }))
}

/// Set the farm's power
///
/// The plant controller splits it over the running units by its strategy and takes them over from
/// whoever controlled them.
#[utoipa::path(put, path = "/farm/setpoint", operation_id = "set_farm_power",
    tag = "farm", request_body = FarmSetpoint,
    responses((status = 200, description = "Applied.", body = AppliedAnswer), FarmChangeProblems))]
pub(crate) async fn set(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
    Body(wish): Body<FarmSetpoint>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let command = wish.command(&api.snapshot().spec)?;
    api.change(Request::Control(command), sender).await
}

/// Take the farm's setpoint back
///
/// The units under plant control go to 0 W.
#[utoipa::path(delete, path = "/farm/setpoint", operation_id = "release_farm", tag = "farm",
    responses((status = 200, description = "Applied.", body = AppliedAnswer), FarmReleaseProblems))]
pub(crate) async fn release(
    State(api): State<Arc<Api>>,
    sender: Sender,
    query: Params,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    api.change(Request::Control(Command::ReleaseFarm), sender).await
}
