//! `/units/{id}/cells`: every cell as columns.

use super::units::NamedUnit;
use crate::ask::Sender;
use crate::params::Params;
use crate::problem::{CellReadProblems, Fallible, Problem, kind};
use crate::read::binary::{Columns, Packed};
use crate::read::form::{self, Form};
use crate::read::{Made, NotModified, Read};
use crate::wire::{CellColumnName, CellsFormatName, Num, Stamp};
use axum::http::HeaderName;
use axum::response::Response;
use bess_core::command::Request;
use bess_core::id::UnitId;
use bess_core::snapshot::{CellsView, Snapshot};
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;
use utoipa::ToSchema;

/// A column: its name, and where its values are.
type Column = (&'static str, fn(&CellsView) -> &[f32]);

/// The columns, in their order. A new one is a line here and one in [`CellsAnswer`].
const COLUMNS: [Column; 5] = [
    ("voltage_v", |cells| &cells.voltage_v),
    ("temperature_degc", |cells| &cells.temperature_degc),
    ("soc", |cells| &cells.soc),
    ("truth.voltage_v", |cells| &cells.true_voltage_v),
    ("truth.temperature_degc", |cells| &cells.true_temperature_degc),
];

/// The names of the columns.
pub(crate) fn column_names() -> [&'static str; COLUMNS.len()] {
    COLUMNS.map(|(name, _)| name)
}

/// The cells of a unit as columns; cell i of the r-th rack of `racks` (both from 0) is at r *
/// `cells_per_rack` + i. Columns that were not asked for are absent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CellsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Number of the unit.
    unit: u32,
    /// Numbers of the racks.
    racks: Vec<u32>,
    cells_per_rack: usize,
    /// Terminal voltages, as the BMS measures them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Num>>, nullable = false)]
    voltage_v: Option<Vec<f32>>,
    /// Temperatures, as the BMS measures them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Num>>, nullable = false)]
    temperature_degc: Option<Vec<f32>>,
    /// True states of charge, 0 to 1; no BMS knows those of single cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Num>>, nullable = false)]
    soc: Option<Vec<f32>>,
    /// What is true, beside what the BMS measures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    truth: Option<CellsTruth>,
}

/// What is true of cells, as columns in the same order.
#[derive(Debug, Serialize, ToSchema)]
struct CellsTruth {
    /// Terminal voltages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Num>>, nullable = false)]
    voltage_v: Option<Vec<f32>>,
    /// Temperatures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Num>>, nullable = false)]
    temperature_degc: Option<Vec<f32>>,
}

/// The cells of a unit
///
/// Columns over the cells, rack by rack: voltages and temperatures as the BMS measures them and, in
/// `truth`, as they are; states of charge as they are. CSV has a row for each cell; the binary form is
/// described in `docs/rest.md`. Snapshots carry cells only for a while after somebody asked.
#[utoipa::path(get, path = "/units/{id}/cells", operation_id = "show_cells", tag = "units",
    params(
        ("id" = String, Path, description = "Number or name of the unit", example = "3"),
        ("columns" = inline(Option<Vec<CellColumnName>>), Query, style = Form, explode = false, description = "Only these columns, in this order in CSV and binary; with commas between them", example = json!(["voltage_v", "soc"]), min_items = 1),
        ("racks" = Option<Vec<u32>>, Query, style = Form, explode = false, description = "Only these racks, in this order: their numbers with commas between them", example = json!([1, 12]), minimum = 1, min_items = 1),
        ("format" = inline(Option<CellsFormatName>), Query, description = "Form of the answer; beats the header Accept"),
    ),
    responses(
        (status = 200, description = "The cells.", content(
            (CellsAnswer = "application/json"),
            (String = "text/csv"),
            (Packed = "application/octet-stream"),
        )),
        NotModified, CellReadProblems))]
pub(crate) async fn cells(
    sender: Sender,
    NamedUnit(unit): NamedUnit,
    mut read: Read,
) -> Fallible<Response> {
    read.choose(form::COLUMNS)?;
    if let Some(known) = read.shown() {
        return Ok(known);
    }
    let wish = Wish::read(&mut read, unit)?;
    // For a while after somebody asked they are in every snapshot.
    if cells_in(&read.snapshot, unit).is_none() {
        let timeout = read.api.config.answer_timeout;
        read.api.ask(Request::ShowCells(unit), sender, timeout).await?;
        read.snapshot = read.api.snapshot();
    }
    // The lease is seconds long and this is the publication that follows the answer.
    let Some(cells) = cells_in(&read.snapshot, unit).cloned() else {
        let detail = "the loop has already taken the cells away again; ask once more";
        return Err(Problem::new(&kind::ANSWER_TIMEOUT, detail));
    };
    Ok(read.heavy(move |snapshot, form| wish.made(snapshot, unit, &cells, form)).await)
}

fn cells_in(snapshot: &Snapshot, unit: UnitId) -> Option<&Arc<CellsView>> {
    snapshot.cells.iter().find(|cells| cells.unit_idx == unit.idx())
}

/// What of the cells is wanted.
#[derive(Debug)]
struct Wish {
    columns: Vec<Column>,
    /// All of them without a wish.
    racks: Option<Vec<u32>>,
}

impl Wish {
    fn read(read: &mut Read, unit: UnitId) -> Fallible<Self> {
        let n_racks = read.snapshot.spec.units[unit.idx()].design.n_racks;
        let names = read.query.choices("columns", &column_names())?;
        let racks = racks(&mut read.query, n_racks)?;
        read.finish()?;
        let column = |name: &str| COLUMNS.into_iter().find(|(known, _)| *known == name);
        let columns = match names {
            None => COLUMNS.to_vec(),
            Some(names) => names.into_iter().filter_map(column).collect(),
        };
        Ok(Self { columns, racks })
    }

    fn made(&self, snapshot: &Snapshot, unit: UnitId, cells: &CellsView, form: Form) -> Made {
        let columns: Vec<(&'static str, &[f32])> =
            self.columns.iter().map(|(name, values)| (*name, values(cells))).collect();
        let n_racks = cells.voltage_v.len() / cells.cells_per_rack;
        let all = || (1..=n_racks as u32).collect();
        let racks: Vec<u32> = self.racks.clone().unwrap_or_else(all);
        let columns = Columns {
            unit: unit.number(),
            racks: &racks,
            cells_per_rack: cells.cells_per_rack,
            columns: &columns,
        };
        match form {
            Form::Json => Made::json(&CellsAnswer::of(snapshot, &columns)),
            Form::Csv => Made::bytes(csv(&columns)),
            Form::Binary => {
                let names: Vec<&str> = columns.columns.iter().map(|(name, _)| *name).collect();
                let racks: Vec<String> = racks.iter().map(u32::to_string).collect();
                Made::bytes(columns.encode(snapshot))
                    .with(HeaderName::from_static("bess-columns"), names.join(","))
                    .with(HeaderName::from_static("bess-racks"), racks.join(","))
                    .with(
                        HeaderName::from_static("bess-cells-per-rack"),
                        cells.cells_per_rack.to_string(),
                    )
                    .with(HeaderName::from_static("bess-byte-order"), "little")
            }
        }
    }
}

/// Reads numbers of racks with commas between them.
fn racks(query: &mut Params, n_racks: usize) -> Fallible<Option<Vec<u32>>> {
    let Some(text) = query.get("racks")? else {
        return Ok(None);
    };
    let mut racks = Vec::new();
    for number in text.split(',') {
        let rack = number.parse::<u32>().ok().filter(|rack| (1..=n_racks as u32).contains(rack));
        let rack = rack.ok_or_else(|| Problem::no_such_rack(number, n_racks).field("racks"))?;
        if !racks.contains(&rack) {
            racks.push(rack);
        }
    }
    Ok(Some(racks))
}

impl CellsAnswer {
    fn of(snapshot: &Snapshot, wanted: &Columns<'_>) -> Self {
        let column = |name: &str| {
            let (_, values) = wanted.columns.iter().find(|(known, _)| *known == name)?;
            Some(wanted.of_racks(values).flatten().copied().collect::<Vec<f32>>())
        };
        let truth = CellsTruth {
            voltage_v: column("truth.voltage_v"),
            temperature_degc: column("truth.temperature_degc"),
        };
        Self {
            stamp: Stamp::of(snapshot),
            unit: wanted.unit,
            racks: wanted.racks.to_vec(),
            cells_per_rack: wanted.cells_per_rack,
            voltage_v: column("voltage_v"),
            temperature_degc: column("temperature_degc"),
            soc: column("soc"),
            truth: wanted
                .columns
                .iter()
                .any(|(name, _)| name.starts_with("truth."))
                .then_some(truth),
        }
    }
}

/// A row for each cell; what is not available is empty.
fn csv(wanted: &Columns<'_>) -> String {
    let mut text = String::from("rack,cell");
    for (name, _) in wanted.columns {
        text.push(',');
        text.push_str(name);
    }
    text.push('\n');
    let columns: Vec<Vec<&[f32]>> =
        wanted.columns.iter().map(|(_, values)| wanted.of_racks(values).collect()).collect();
    for (at, rack) in wanted.racks.iter().enumerate() {
        for cell in 0..wanted.cells_per_rack {
            // Writing to a string never fails.
            let _ = write!(text, "{rack},{}", cell + 1);
            for column in &columns {
                text.push(',');
                let value = column[at][cell];
                if value.is_finite() {
                    let _ = write!(text, "{value}");
                }
            }
            text.push('\n');
        }
    }
    text
}
