//! The HTTP edges of bess: REST with its OpenAPI document, server-sent events, health and metrics.
//!
//! Nothing here computes physics. A read takes one [`Snapshot`](bess_core::snapshot::Snapshot) and
//! answers a whole request from it; a change is posted to the loop's
//! [`Mailbox`](bess_core::command::Mailbox) and answered after the tick that applied it.
//!
//! - `state`, `server`: what all requests share, and how the two servers start and end
//! - `routes`: one file for each resource, with its answers, handlers and OpenAPI rows
//! - `problem`, `params`, `body`, `ask`, `wire`: the one error form, the ways in and the ways out
//! - `functions`, `presets`: curves and frequency response as units and the plant controller take them
//! - `metrics`, `traffic`: the exporter, its table of rows, and the counters of HTTP itself

mod ask;
mod body;
mod functions;
mod metrics;
mod params;
mod presets;
mod problem;
mod routes;
mod server;
mod state;
#[cfg(test)]
mod testing;
mod traffic;
mod trips;
mod wire;

pub use metrics::{Page, families_table, family_names};
pub use routes::{audit_line, openapi};
pub use state::{AddressBook, Api, ApiConfig, BuildInfo, FarmAccess, Readiness};
