//! `/writes`: who wrote what, and what came of it; the same for files.

use super::logs::{PageOf, PageWish, page};
use crate::problem::{Fallible, FarmReadProblems};
use crate::read::form::{self, Form};
use crate::read::table::csv;
use crate::read::{Made, NotModified, Read};
use crate::wire::{
    ControlSourceName, FormatName, Num, RESULTS, ResultName, RoleName, Stamp, TableName, rfc3339,
    wall_time,
};
use axum::response::Response;
use bess_core::audit::{AuditRecord, ModbusWrite};
use bess_core::snapshot::Snapshot;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A write.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WriteAnswer {
    /// Its number; none repeats.
    number: u64,
    /// The last tick before it.
    tick: u64,
    /// The simulated instant of that tick's end, RFC 3339, UTC.
    #[schema(format = DateTime)]
    simulation_time: String,
    /// Wall time, RFC 3339, UTC; null in headless runs.
    #[schema(format = DateTime, required = true)]
    wall_time: Option<String>,
    /// Kind of the writer.
    source: ControlSourceName,
    /// Its address; null where it has none.
    #[schema(required = true)]
    peer: Option<String>,
    /// The token that it showed over REST; null where none was asked for, and where none is known.
    #[schema(required = true)]
    token: Option<TokenAnswer>,
    /// How it asked: a function code and register, a route; null where that says nothing.
    #[schema(required = true)]
    via: Option<String>,
    /// Id of the REST request; null for all others.
    #[schema(required = true)]
    request_id: Option<String>,
    /// The trace that it belongs to; null where there is none.
    #[schema(required = true)]
    trace_id: Option<String>,
    /// Number of the unit; null for the farm.
    #[schema(required = true)]
    unit: Option<u32>,
    /// What was written: names and engineering values.
    what: String,
    /// What came of it.
    result: ResultName,
    /// Why it was refused; null when it was applied.
    #[schema(required = true)]
    reason: Option<String>,
    /// What a Modbus request wrote, word by word; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    modbus: Option<ModbusAnswer>,
}

/// Whose token it was.
#[derive(Debug, Serialize, ToSchema)]
struct TokenAnswer {
    /// Its name, never the token.
    name: String,
    /// What its holder may do.
    role: RoleName,
}

/// A write over Modbus, word by word.
#[derive(Debug, Serialize, ToSchema)]
struct ModbusAnswer {
    /// Name of the listener.
    listener: String,
    /// Role of the client there.
    role: RoleName,
    /// Number of its connection, from 1 since the start of the server.
    connection: u64,
    /// Unit id of the request.
    unit_id: u8,
    /// Transaction id of the request.
    transaction: u16,
    /// Function code.
    function: u8,
    /// The table that was written to.
    table: TableName,
    /// First register or coil.
    address: u16,
    /// What was there before; empty where there is nothing to write to.
    old: Vec<u16>,
    /// What was written.
    new: Vec<u16>,
    /// The points that were touched.
    points: Vec<WrittenPoint>,
    /// Code of the exception that refused it; null when it was applied.
    #[schema(required = true)]
    exception: Option<u8>,
}

/// A point that was written to.
#[derive(Debug, Serialize, ToSchema)]
struct WrittenPoint {
    /// Its name.
    name: String,
    /// The engineering value that was written; null for a text or bits.
    #[schema(value_type = Num)]
    value: Option<Num>,
}

impl From<&ModbusWrite> for ModbusAnswer {
    fn from(write: &ModbusWrite) -> Self {
        let point = |(name, value): &(String, Option<f64>)| WrittenPoint {
            name: name.clone(),
            value: value.map(Num),
        };
        Self {
            listener: write.listener.clone(),
            role: RoleName(write.role.name()),
            connection: write.connection,
            unit_id: write.unit_id,
            transaction: write.transaction,
            function: write.function,
            table: TableName(write.table.name()),
            address: write.address,
            old: write.old.clone(),
            new: write.new.clone(),
            points: write.points.iter().map(point).collect(),
            exception: write.exception,
        }
    }
}

fn result_of(record: &AuditRecord) -> &'static str {
    RESULTS[usize::from(record.refused.is_some())]
}

impl WriteAnswer {
    pub(crate) fn of(snapshot: &Snapshot, number: u64, record: &AuditRecord) -> Self {
        Self {
            number,
            tick: record.tick.0,
            simulation_time: rfc3339(snapshot.start().at(record.tick).unix_ns),
            wall_time: wall_time(record.wall_unix_ns),
            source: ControlSourceName(record.origin.source.name()),
            peer: record.origin.peer.clone(),
            token: record.origin.bearer.as_ref().map(|bearer| TokenAnswer {
                name: bearer.name.clone(),
                role: RoleName(bearer.role.name()),
            }),
            via: record.origin.via.clone(),
            request_id: record.origin.request_id.as_deref().map(str::to_owned),
            trace_id: record.origin.trace.map(|trace| trace.trace_text()),
            unit: record.unit.map(bess_core::UnitId::number),
            what: record.what.clone(),
            result: ResultName(result_of(record)),
            reason: record.refused.clone(),
            modbus: record.origin.modbus.as_deref().map(ModbusAnswer::from),
        }
    }
}

/// A record of the audit as `GET /writes` of `snapshot`'s farm shows it, on one line.
pub fn audit_line(snapshot: &Snapshot, number: u64, record: &AuditRecord) -> String {
    // Names, texts and finite numbers always serialise.
    serde_json::to_string(&WriteAnswer::of(snapshot, number, record)).unwrap_or_default()
}

/// The columns of the table.
pub(super) const COLUMNS: [&str; 27] = [
    "number",
    "tick",
    "simulation_time",
    "wall_time",
    "source",
    "peer",
    "token.name",
    "token.role",
    "via",
    "request_id",
    "trace_id",
    "unit",
    "what",
    "result",
    "reason",
    "modbus.listener",
    "modbus.connection",
    "modbus.role",
    "modbus.unit_id",
    "modbus.transaction",
    "modbus.function",
    "modbus.table",
    "modbus.address",
    "modbus.old",
    "modbus.new",
    "modbus.points",
    "modbus.exception",
];

/// A page of writes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WritesAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    page: PageOf,
    writes: Vec<WriteAnswer>,
}

/// The writes
///
/// Who wrote what and what came of it, refused writes as well; oldest first: the newest ones, or with
/// `after` those that follow it.
#[utoipa::path(get, path = "/writes", operation_id = "list_writes", tag = "farm",
    params(
        ("after" = Option<u64>, Query, description = "Only writes with a greater number; without it the newest", minimum = 0, maximum = 9_007_199_254_740_992_u64),
        ("limit" = Option<u64>, Query, description = "Most writes on the page; 100 when absent", minimum = 1, maximum = 10_000),
        ("unit" = Option<String>, Query, description = "Only those to this unit: number or name", example = "3"),
        ("result" = inline(Option<ResultName>), Query, description = "Only those of which this came"),
        ("format" = inline(Option<FormatName>), Query, description = "Form of the answer; beats the header Accept"),
    ),
    responses(
        (status = 200, description = "The writes.", content(
            (WritesAnswer = "application/json"),
            (String = "text/csv"),
        )),
        NotModified, FarmReadProblems))]
pub(crate) async fn list(mut read: Read) -> Fallible<Response> {
    if let Some(known) = read.known(form::TABLE)? {
        return Ok(known);
    }
    let wish = PageWish::read(&mut read)?;
    let unit = read.query.unit("unit", &read.snapshot.spec)?;
    let result = read.query.choice("result", &RESULTS)?;
    read.finish()?;
    let made = move |snapshot: &Snapshot, form| {
        let matches = |record: &Arc<AuditRecord>| {
            unit.is_none_or(|unit| record.unit == Some(unit))
                && result.is_none_or(|result| result_of(record) == result)
        };
        let (page, records) = page(&snapshot.audit, &wish, matches);
        let writes =
            records.into_iter().map(|(number, record)| WriteAnswer::of(snapshot, number, record));
        let next = page.next;
        let made = match form {
            Form::Csv => Made::bytes(csv(&COLUMNS, writes)),
            Form::Json | Form::Binary => {
                let (stamp, writes) = (Stamp::of(snapshot), writes.collect());
                Made::json(&WritesAnswer { stamp, page, writes })
            }
        };
        wish.linked(made, next)
    };
    Ok(read.heavy(made).await)
}
