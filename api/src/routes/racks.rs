//! `/units/{id}/racks`: what the BMS reports of them, and what is true.

use super::units::{NamedUnit, StandingAlarm, standing};
use crate::problem::{Fallible, UnitReadProblems};
use crate::read::fields::{RACK, RackField};
use crate::read::form::{self, Form};
use crate::read::select::{Selected, Selection, SomeOf};
use crate::read::table::{columns, csv};
use crate::read::{Made, NotModified, Read};
use crate::wire::{Extremes, FormatName, Num, Stamp};
use axum::response::Response;
use bess_core::snapshot::{self, RackView, Snapshot};
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

/// A rack, or what was selected of it.
type RackOrSelected = SomeOf<Rack>;

/// The racks of a unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RacksAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Number of the unit.
    unit: u32,
    #[schema(value_type = Vec<RackOrSelected>)]
    racks: Vec<Selected<Rack>>,
}

/// The racks of a unit
///
/// In order of their number; CSV has a row for each.
#[utoipa::path(get, path = "/units/{id}/racks", operation_id = "show_racks", tag = "units",
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("fields" = Option<Vec<RackField>>, Query, style = Form, explode = false, description = "Only these fields of each rack, with commas between them", example = json!(["number", "soc"]), min_items = 1),
        ("format" = inline(Option<FormatName>), Query, description = "Form of the answer; beats the header Accept"),
    ),
    responses(
        (status = 200, description = "The racks.", content(
            (RacksAnswer = "application/json"),
            (String = "text/csv"),
        )),
        NotModified, UnitReadProblems))]
pub(crate) async fn racks(NamedUnit(unit): NamedUnit, mut read: Read) -> Fallible<Response> {
    if let Some(known) = read.known(form::TABLE)? {
        return Ok(known);
    }
    let fields = RACK.read(&mut read.query)?;
    read.finish()?;
    let selection = fields.as_ref().map(|fields| Arc::new(Selection::of(fields.iter().copied())));
    let made = move |snapshot: &Snapshot, form| {
        let racks = snapshot.racks_of(unit).iter().enumerate().map(Rack::of);
        match form {
            Form::Csv => {
                let sample = snapshot.racks_of(unit).iter().enumerate().map(Rack::of).next();
                Made::bytes(csv(&columns(&sample, &RACK, fields.as_deref()), racks))
            }
            Form::Json | Form::Binary => Made::json(&RacksAnswer {
                stamp: Stamp::of(snapshot),
                unit: unit.number(),
                racks: racks.map(|rack| Selected::new(rack, selection.as_ref())).collect(),
            }),
        }
    };
    Ok(read.heavy(made).await)
}
