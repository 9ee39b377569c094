//! The routes, spoken to over a socket as clients do.

mod controls;
mod document;
mod dry_run;
mod health;
mod http;
mod idempotency;
mod links;
mod logs;
mod points;
mod reads;
mod refusals;
mod several;
mod stream;
mod truth;
mod writes;
