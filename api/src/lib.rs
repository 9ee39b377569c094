//! The HTTP edges of bess: REST with its OpenAPI document, server-sent events, health and metrics.
//!
//! Nothing here computes physics. A read takes one [`Snapshot`](bess_core::snapshot::Snapshot) and
//! answers a whole request from it; a change is posted to the loop's
//! [`Mailbox`](bess_core::command::Mailbox) and answered after the tick that applied it.
//!
//! - `state`, `server`: what all requests share, and how the two servers start and end
//! - `listen`, `access`: connections, TLS, and who may do what
//! - `routes`: one file for each resource, with its answers, handlers and OpenAPI rows
//! - `stream`, `patience`: server-sent events, and the end of connections that take nothing
//! - `problem`, `params`, `body`, `ask`, `wire`: the one error form, the ways in and the ways out
//! - `idempotency`: writes that are sent again, answered again and applied once
//! - `preview`: what a request would change, for dry runs
//! - `read`, `accept`: what reads have in common: form, tag, selection, tables, answers kept a publication
//! - `request`: the id of a request and its trace
//! - `functions`, `presets`: curves and frequency response as units and the plant controller take them
//! - `history`: what the signals were, in tiers of simulated time
//! - `gateway`: one API for a farm in shards
//! - `metrics`, `traffic`: the exporter, its table of rows, and the counters of HTTP itself

mod accept;
pub mod access;
mod ask;
mod body;
mod functions;
pub mod gateway;
pub mod history;
mod idempotency;
mod listen;
mod metrics;
mod params;
mod patience;
mod presets;
mod preview;
mod problem;
mod read;
mod request;
mod routes;
mod server;
mod state;
mod stream;
#[cfg(test)]
mod testing;
mod traffic;
mod trips;
mod wire;

pub use metrics::{Backfill, Page, families_table, family_names, label_names};
pub use routes::{audit_line, openapi};
pub use state::{AddressBook, Api, ApiConfig, BuildInfo, FarmAccess, Readiness};
