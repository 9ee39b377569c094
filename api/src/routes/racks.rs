//! `/units/{id}/racks` and `/units/{id}/cells`: what the BMS reports of them, and what is true.

use super::units::{NamedUnit, StandingAlarm, standing};
use crate::ask::{Sender, aside};
use crate::params::Params;
use crate::problem::{CellReadProblems, Fallible, Problem, UnitReadProblems, kind};
use crate::state::Api;
use crate::wire::{Extremes, Num, Stamp};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bess_core::command::Request;
use bess_core::snapshot::{self, RackView};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A rack, as its BMS reports it.
#[derive(Debug, Serialize, ToSchema)]
struct Rack {
    /// Number from 1 within the unit.
    number: usize,
    /// Whether the contactors are closed.
    connected: bool,
    /// Whether the rack may be connected; an operator may have taken it out.
    enabled: bool,
    /// Each contactor.
    contactors: Contactors,
    /// Whether its fuse is whole.
    fuse_whole: bool,
    /// Alarms about it that stand; more about each is at `/alarms`.
    alarms: Vec<StandingAlarm>,
    /// Measured current, positive is discharge.
    current_a: Num,
    /// As the rack's own sensor shows it.
    voltage_v: Num,
    /// Estimated state of charge, 0 to 1.
    soc: Num,
    /// How sure the BMS is of its state of charge: standard deviation.
    soc_sigma: Num,
    /// Times that the BMS corrected its state of charge outright.
    recalibrations: u32,
    /// Estimated state of health, 0 to 1.
    soh: Num,
    cell_voltage_mean_v: Num,
    cell_temperature_mean_degc: Num,
    #[serde(flatten)]
    extremes: Extremes,
    discharge_current_max_a: Num,
    charge_current_max_a: Num,
    /// Cells that are being balanced.
    cells_balancing: u32,
    /// Heat made in cells and wiring now; true, no BMS measures it.
    loss_w: Num,
    /// What is true, beside what the BMS reports.
    truth: RackTruth,
}

/// Whether each contactor is closed.
#[derive(Debug, Serialize, ToSchema)]
struct Contactors {
    /// In the negative line.
    negative: bool,
    /// In series with the precharge resistor.
    precharge: bool,
    /// In the positive line.
    positive: bool,
}

/// What is true of a rack.
#[derive(Debug, Serialize, ToSchema)]
struct RackTruth {
    /// Positive is discharge.
    current_a: Num,
    /// Sum of the cell voltages.
    voltage_v: Num,
    /// State of charge, 0 to 1, mean of its cells.
    soc: Num,
    /// Present over nominal capacity, mean of its cells.
    soh: Num,
    cell_voltage_mean_v: Num,
    cell_temperature_mean_degc: Num,
    #[serde(flatten)]
    extremes: Extremes,
    /// Fraction of the capacity that ageing has taken, mean of its cells.
    capacity_lost: Num,
    /// Fraction by which ageing has raised the resistance, mean of its cells.
    resistance_gained: Num,
    /// Cells that have vented.
    cells_vented: u32,
    /// Cells that have burnt out; the string is open.
    cells_burnt: u32,
}

impl From<&snapshot::RackTruth> for RackTruth {
    fn from(truth: &snapshot::RackTruth) -> Self {
        Self {
            current_a: Num(truth.current.0),
            voltage_v: Num(truth.voltage.0),
            soc: Num(truth.soc),
            soh: Num(truth.soh),
            cell_voltage_mean_v: Num(truth.cell_voltage_mean.0),
            cell_temperature_mean_degc: Num(truth.cell_temperature_mean.0),
            extremes: Extremes::from(&truth.extremes),
            capacity_lost: Num(truth.capacity_lost),
            resistance_gained: Num(truth.resistance_gained),
            cells_vented: truth.cells_vented,
            cells_burnt: truth.cells_burnt,
        }
    }
}

impl Rack {
    fn of((idx, rack): (usize, &RackView)) -> Self {
        let [negative, precharge, positive] = rack.contactors;
        Self {
            number: idx + 1,
            connected: rack.connected,
            enabled: rack.enabled,
            contactors: Contactors { negative, precharge, positive },
            fuse_whole: rack.fuse_whole,
            alarms: standing(rack.alarms),
            current_a: Num(rack.current.0),
            voltage_v: Num(rack.voltage.0),
            soc: Num(rack.soc),
            soc_sigma: Num(rack.soc_sigma),
            recalibrations: rack.recalibrations,
            soh: Num(rack.soh),
            cell_voltage_mean_v: Num(rack.cell_voltage_mean.0),
            cell_temperature_mean_degc: Num(rack.cell_temperature_mean.0),
            extremes: Extremes::from(&rack.extremes),
            discharge_current_max_a: Num(rack.discharge_current_max.0),
            charge_current_max_a: Num(rack.charge_current_max.0),
            cells_balancing: rack.cells_balancing,
            loss_w: Num(rack.loss.0),
            truth: RackTruth::from(&rack.truth),
        }
    }
}

/// The racks of a unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RacksAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Number of the unit.
    unit: u32,
    racks: Vec<Rack>,
}

/// Every cell of a unit as columns; cell i of rack r (from 0) is at r * `cells_per_rack` + i.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CellsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Number of the unit.
    unit: u32,
    cells_per_rack: usize,
    /// Terminal voltages, as the BMS measures them.
    #[schema(value_type = Vec<Num>)]
    voltage_v: Vec<f32>,
    /// Temperatures, as the BMS measures them.
    #[schema(value_type = Vec<Num>)]
    temperature_degc: Vec<f32>,
    /// True states of charge, 0 to 1; no BMS knows those of single cells.
    #[schema(value_type = Vec<Num>)]
    soc: Vec<f32>,
    /// What is true, beside what the BMS measures.
    truth: CellsTruth,
}

/// What is true of cells, as columns in the same order.
#[derive(Debug, Serialize, ToSchema)]
struct CellsTruth {
    /// Terminal voltages.
    #[schema(value_type = Vec<Num>)]
    voltage_v: Vec<f32>,
    /// Temperatures.
    #[schema(value_type = Vec<Num>)]
    temperature_degc: Vec<f32>,
}

/// The racks of a unit
#[utoipa::path(get, path = "/units/{id}/racks", operation_id = "show_racks", tag = "units",
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "The racks.", body = RacksAnswer), UnitReadProblems))]
pub(crate) async fn racks(
    State(api): State<Arc<Api>>,
    NamedUnit(unit): NamedUnit,
    query: Params,
) -> Fallible<Json<RacksAnswer>> {
    query.finish()?;
    let snapshot = api.snapshot();
    Ok(Json(RacksAnswer {
        stamp: Stamp::of(&snapshot),
        unit: unit.number(),
        racks: snapshot.racks_of(unit).iter().enumerate().map(Rack::of).collect(),
    }))
}

/// Every cell of a unit
///
/// Columns over the cells, rack by rack: voltages and temperatures as the BMS measures them and, in
/// `truth`, as they are; states of charge as they are. Snapshots carry cells only for a while after somebody asked.
#[utoipa::path(get, path = "/units/{id}/cells", operation_id = "show_cells", tag = "units",
    params(("id" = String, Path, description = "Number or name of the unit", example = "3")),
    responses((status = 200, description = "The cells.", body = CellsAnswer), CellReadProblems))]
pub(crate) async fn cells(
    State(api): State<Arc<Api>>,
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    query: Params,
) -> Fallible<Response> {
    query.finish()?;
    api.ask(Request::ShowCells(unit), sender, api.config.answer_timeout).await?;
    let snapshot = api.snapshot();
    let cells = snapshot.cells.iter().find(|cells| cells.unit_idx == unit.idx()).cloned();
    // The lease is seconds long and this is the publication that follows the answer.
    let Some(cells) = cells else {
        let detail = "the loop has already taken the cells away again; ask once more";
        return Err(Problem::new(&kind::ANSWER_TIMEOUT, detail));
    };
    let columns = move || {
        Json(CellsAnswer {
            stamp: Stamp::of(&snapshot),
            unit: unit.number(),
            cells_per_rack: cells.cells_per_rack,
            voltage_v: cells.voltage_v.clone(),
            temperature_degc: cells.temperature_degc.clone(),
            soc: cells.soc.clone(),
            truth: CellsTruth {
                voltage_v: cells.true_voltage_v.clone(),
                temperature_degc: cells.true_temperature_degc.clone(),
            },
        })
        .into_response()
    };
    Ok(aside(columns).await)
}
