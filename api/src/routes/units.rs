//! `/units`: the containers. Their racks and cells are in `racks`.

use crate::ask::aside;
use crate::body::{Body, present};
use crate::params::Params;
use crate::problem::{
    Allowed, Fallible, FarmReadProblems, Problem, UnitCommandProblems, UnitReadProblems,
    UnitSetpointProblems, kind,
};
use crate::state::Api;
use crate::wire::{
    AlarmName, AppliedAnswer, ControlSourceName, Extremes, Num, Power, PriorityName,
    SetpointModeName, Stamp, Totals, UnitActionName, UnitStateName, wh,
};
use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bess_core::command::{
    Command, ControlChange, PowerPriority, Request, Setpoint, SetpointMode, UnitAction,
};
use bess_core::id::UnitId;
use bess_core::snapshot::{BatteryView, Snapshot, UnitState};
use bess_core::units::{Vars, Watts};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use utoipa::ToSchema;

/// A unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unit {
    /// Number from 1.
    #[schema(example = 3)]
    number: u32,
    /// Name.
    #[schema(example = "unit-003")]
    name: String,
    /// State.
    state: UnitStateName,
    /// Active alarms.
    alarms: Vec<AlarmName>,
    /// AC terminals.
    ac: Ac,
    /// DC terminals of the PCS.
    dc: Dc,
    /// Setpoints in force.
    setpoint: Power,
    /// Settings behind the setpoints.
    control: Control,
    /// What could be discharged now at the AC terminals.
    available_discharge_power_w: Num,
    /// What could be charged now at the AC terminals, as a magnitude.
    available_charge_power_w: Num,
    /// Largest discharge current that the BMS allows now.
    discharge_current_max_a: Num,
    /// Largest charge current that the BMS allows now, as a magnitude.
    charge_current_max_a: Num,
    /// What the BMS believes.
    measured: Battery,
    /// What is true.
    truth: Battery,
    /// Coolant temperature.
    coolant_temperature_degc: Num,
    /// Air temperature in the container.
    air_temperature_degc: Num,
    /// Gas that its cells have given off, in litres at ambient conditions.
    gas_litres: Num,
    /// Heat that the chiller takes out.
    cooling_power_w: Num,
    /// Consumption of the auxiliaries.
    auxiliary_power_w: Num,
    /// Racks with closed contactors.
    racks_connected: u32,
    /// Energy at the AC terminals since the start.
    totals: Totals,
    /// Charge moved in both directions over twice the capacity.
    equivalent_full_cycles: Num,
    /// Counts simulated seconds.
    heartbeat: u32,
    /// Ratings.
    rating: Rating,
}

#[derive(Debug, Serialize, ToSchema)]
struct Ac {
    active_power_w: Num,
    reactive_power_var: Num,
    apparent_power_va: Num,
    power_factor: Num,
    /// Line to line.
    voltage_v: Num,
    /// Of a phase.
    current_a: Num,
    frequency_hz: Num,
}

#[derive(Debug, Serialize, ToSchema)]
struct Dc {
    voltage_v: Num,
    current_a: Num,
    power_w: Num,
}

#[derive(Debug, Serialize, ToSchema)]
struct Control {
    /// Who set the active power last.
    source: ControlSourceName,
    active: SetpointAnswer,
    reactive: SetpointAnswer,
    /// Which power wins when both do not fit.
    priority: PriorityName,
    /// Cap of discharge in percent of the rating; null when none is in force.
    #[schema(value_type = Num)]
    discharge_limit_pct: Option<Num>,
    ramp_pct_per_s: Num,
    /// Last heartbeat that a controller wrote.
    controller_heartbeat: u32,
}

/// A setpoint as it was written.
#[derive(Debug, Serialize, ToSchema)]
struct SetpointAnswer {
    enabled: bool,
    /// Which of the two is in force.
    mode: SetpointModeName,
    /// In watts or vars.
    absolute: Num,
    /// In percent of the rating.
    percent: Num,
}

impl From<&Setpoint> for SetpointAnswer {
    fn from(setpoint: &Setpoint) -> Self {
        Self {
            enabled: setpoint.enabled,
            mode: SetpointModeName(match setpoint.mode {
                SetpointMode::Absolute => "absolute",
                SetpointMode::Percent => "percent",
            }),
            absolute: Num(setpoint.absolute),
            percent: Num(setpoint.percent),
        }
    }
}

/// The battery of a unit.
#[derive(Debug, Serialize, ToSchema)]
struct Battery {
    /// State of charge, 0 to 1.
    soc: Num,
    /// State of health, 0 to 1.
    soh: Num,
    energy_wh: Num,
    energy_capacity_wh: Num,
    cell_voltage_mean_v: Num,
    cell_temperature_mean_degc: Num,
    #[serde(flatten)]
    extremes: Extremes,
}

impl From<&BatteryView> for Battery {
    fn from(battery: &BatteryView) -> Self {
        Self {
            soc: Num(battery.soc),
            soh: Num(battery.soh),
            energy_wh: wh(battery.energy),
            energy_capacity_wh: wh(battery.energy_capacity),
            cell_voltage_mean_v: Num(battery.cell_voltage_mean.0),
            cell_temperature_mean_degc: Num(battery.cell_temperature_mean.0),
            extremes: Extremes::from(&battery.extremes),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Rating {
    active_power_w: Num,
    apparent_power_va: Num,
    reactive_power_var: Num,
    voltage_v: Num,
    energy_wh: Num,
    racks: usize,
    cells: usize,
    manufacturer: String,
    model: String,
    chemistry: String,
}

impl Unit {
    pub(crate) fn of(snapshot: &Snapshot, id: UnitId) -> Self {
        let spec = &snapshot.spec.units[id.idx()];
        let view = &snapshot.units[id.idx()];
        let (design, control) = (&spec.design, &view.control);
        Self {
            number: id.number(),
            name: spec.name.clone(),
            state: UnitStateName(view.state.name()),
            alarms: view.alarms.iter().map(|alarm| AlarmName(alarm.name)).collect(),
            ac: Ac {
                active_power_w: Num(view.ac.active_power.0),
                reactive_power_var: Num(view.ac.reactive_power.0),
                apparent_power_va: Num(view.ac.apparent_power.0),
                power_factor: Num(view.ac.power_factor()),
                voltage_v: Num(view.ac.voltage.0),
                current_a: Num(view.ac.current.0),
                frequency_hz: Num(view.ac.frequency.0),
            },
            dc: Dc {
                voltage_v: Num(view.dc.voltage.0),
                current_a: Num(view.dc.current.0),
                power_w: Num(view.dc.power.0),
            },
            setpoint: Power {
                active_power_w: Num(view.setpoint.0),
                reactive_power_var: Num(view.reactive_setpoint.0),
            },
            control: Control {
                source: ControlSourceName(control.source.name()),
                active: SetpointAnswer::from(&control.active),
                reactive: SetpointAnswer::from(&control.reactive),
                priority: PriorityName(match control.priority {
                    PowerPriority::Active => "active",
                    PowerPriority::Reactive => "reactive",
                }),
                discharge_limit_pct: control
                    .discharge_limit_enabled
                    .then_some(Num(control.discharge_limit_pct)),
                ramp_pct_per_s: Num(control.ramp_pct_per_s),
                controller_heartbeat: control.controller_heartbeat,
            },
            available_discharge_power_w: Num(view.available_discharge_power.0),
            available_charge_power_w: Num(view.available_charge_power.0),
            discharge_current_max_a: Num(view.discharge_current_max.0),
            charge_current_max_a: Num(view.charge_current_max.0),
            measured: Battery::from(&view.measured),
            truth: Battery::from(&view.truth),
            coolant_temperature_degc: Num(view.coolant_temperature.0),
            air_temperature_degc: Num(view.air_temperature.0),
            gas_litres: Num(view.gas_litres),
            cooling_power_w: Num(view.cooling_power.0),
            auxiliary_power_w: Num(view.auxiliary_power.0),
            racks_connected: view.racks_connected,
            totals: Totals::from(&view.totals),
            equivalent_full_cycles: Num(view.equivalent_full_cycles),
            heartbeat: view.heartbeat,
            rating: Rating {
                active_power_w: Num(design.pcs.rated_power.0),
                apparent_power_va: Num(design.pcs.rated_apparent_power.0),
                reactive_power_var: Num(design.pcs.rated_reactive_power.0),
                voltage_v: Num(design.pcs.nominal_voltage.0),
                energy_wh: wh(design.nominal_energy()),
                racks: design.n_racks,
                cells: design.n_cells(),
                manufacturer: design.manufacturer.clone(),
                model: design.model.clone(),
                chemistry: design.chemistry.name.clone(),
            },
        }
    }
}

/// A page of units.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Units that match, on all pages.
    total: usize,
    /// The units of this page.
    units: Vec<Unit>,
}

/// One unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    unit: Unit,
}

/// A setpoint of a unit; at least one of the four.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"active_power_w": 1_000_000.0}))]
pub(crate) struct UnitSetpoint {
    /// Active power, positive is discharge; within the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    active_power_w: Option<f64>,
    /// Active power in percent of the rating, -100 to 100; instead of `active_power_w`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    active_power_pct: Option<f64>,
    /// Reactive power, positive is injection; within the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    reactive_power_var: Option<f64>,
    /// Reactive power in percent of the rating, -100 to 100; instead of `reactive_power_var`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    reactive_power_pct: Option<f64>,
}

impl UnitSetpoint {
    fn change(&self) -> Fallible<ControlChange> {
        let one_of = |a: &str, b: &str| {
            let detail = format!("give {a} or {b}, not both");
            Problem::new(&kind::CONTRADICTION, detail).field(b)
        };
        let mut change = ControlChange::default();
        match (self.active_power_w, self.active_power_pct) {
            (Some(_), Some(_)) => return Err(one_of("active_power_w", "active_power_pct")),
            (Some(watts), None) => change = ControlChange::active_power(Watts(watts)),
            (None, Some(percent)) => {
                change.active_enabled = Some(true);
                change.active_mode = Some(SetpointMode::Percent);
                change.active_pct = Some(percent);
            }
            (None, None) => {}
        }
        match (self.reactive_power_var, self.reactive_power_pct) {
            (Some(_), Some(_)) => return Err(one_of("reactive_power_var", "reactive_power_pct")),
            (Some(vars), None) => change = change.with_reactive_power(Vars(vars)),
            (None, Some(percent)) => {
                change.reactive_enabled = Some(true);
                change.reactive_mode = Some(SetpointMode::Percent);
                change.reactive_pct = Some(percent);
            }
            (None, None) => {}
        }
        if change == ControlChange::default() {
            let detail = "give at least one of active_power_w, active_power_pct, \
                          reactive_power_var, reactive_power_pct";
            return Err(Problem::new(&kind::BAD_FIELD, detail).field("active_power_w"));
        }
        Ok(change)
    }
}

/// What to do with a unit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "standby"}))]
pub(crate) struct UnitCommand {
    /// What to do.
    #[schema(value_type = UnitActionName)]
    action: String,
}

/// The unit that the path names, by number or name; found before the body is read.
#[derive(Debug)]
pub(crate) struct NamedUnit(pub(super) UnitId);

impl FromRequestParts<Arc<Api>> for NamedUnit {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Fallible<Self> {
        let Path(name) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|error| Problem::new(&kind::BAD_PARAMETER, error.body_text()).field("id"))?;
        let spec = &api.snapshot().spec;
        spec.find_unit(&name)
            .map(Self)
            .ok_or_else(|| Problem::no_such_unit(&name, spec.units.len()))
    }
}

/// Most units on a page.
const PAGE_MAX: usize = 1000;

/// The units
///
/// In order of their number, a page at a time.
#[utoipa::path(get, path = "/units", operation_id = "list_units", tag = "units",
    params(
        ("from" = Option<u64>, Query, description = "Matching units to leave out before the page", minimum = 0, maximum = 100_000),
        ("limit" = Option<u64>, Query, description = "Most units on the page; 100 when absent", minimum = 1, maximum = 1000),
        ("state" = inline(Option<UnitStateName>), Query, description = "Only units in this state"),
    ),
    responses((status = 200, description = "The units.", body = UnitsAnswer), FarmReadProblems))]
pub(crate) async fn list(State(api): State<Arc<Api>>, mut query: Params) -> Fallible<Response> {
    let from = query.whole("from", 0, (0, 100_000))?;
    let limit = query.whole("limit", 100, (1, PAGE_MAX))?;
    let state = query.choice("state", &UnitState::ALL.map(UnitState::name))?;
    query.finish()?;
    let snapshot = api.snapshot();
    let matching: Vec<UnitId> = (0..snapshot.units.len())
        .filter(|idx| state.is_none_or(|state| snapshot.units[*idx].state.name() == state))
        .map(UnitId::from_idx)
        .collect();
    let page = move || {
        let units = matching.iter().skip(from).take(limit);
        Json(UnitsAnswer {
            stamp: Stamp::of(&snapshot),
            total: matching.len(),
            units: units.map(|id| Unit::of(&snapshot, *id)).collect(),
        })
        .into_response()
    };
    Ok(aside(page).await)
}

/// One unit
///
/// By number or name.
#[utoipa::path(get, path = "/units/{id}", operation_id = "show_unit", tag = "units",
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "The unit.", body = UnitAnswer), UnitReadProblems))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    NamedUnit(unit): NamedUnit,
    query: Params,
) -> Fallible<Json<UnitAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    Ok(Json(UnitAnswer { stamp: Stamp::of(&snapshot), unit: Unit::of(&snapshot, unit) }))
}

/// Set a unit's power
///
/// In watts and vars, or in percent of the rating. The writer becomes the unit's controller.
#[utoipa::path(put, path = "/units/{id}/setpoint", operation_id = "set_unit_power",
    tag = "units", request_body = UnitSetpoint,
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), UnitSetpointProblems))]
pub(crate) async fn set(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    NamedUnit(unit): NamedUnit,
    query: Params,
    Body(wish): Body<UnitSetpoint>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let change = wish.change()?;
    api.change(Request::Control(Command::ControlUnit { unit, change }), peer).await
}

/// Operate a unit
#[utoipa::path(post, path = "/units/{id}/commands", operation_id = "operate_unit",
    tag = "units", request_body = UnitCommand,
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "Applied.", body = AppliedAnswer), UnitCommandProblems))]
pub(crate) async fn operate(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    NamedUnit(unit): NamedUnit,
    query: Params,
    Body(wish): Body<UnitCommand>,
) -> Fallible<Json<AppliedAnswer>> {
    query.finish()?;
    let action = UnitAction::by_name(&wish.action).ok_or_else(|| {
        let names = UnitAction::ALL.map(|(name, _)| name);
        let detail = format!("action must be one of {}, got {:?}", names.join(", "), wish.action);
        Problem::new(&kind::OUT_OF_RANGE, detail)
            .field("action")
            .value(wish.action.as_str())
            .allowed(Allowed::one_of(names))
    })?;
    api.change(Request::Control(Command::OperateUnit { unit, action }), peer).await
}
