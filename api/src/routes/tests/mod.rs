//! The routes, spoken to over a socket as clients do.

mod access;
mod controls;
mod document;
mod dry_run;
mod etags;
mod filters;
mod formats;
mod health;
mod history;
mod http;
mod idempotency;
mod links;
mod logging;
mod logs;
mod points;
mod reads;
mod refusals;
mod requests;
mod runbooks;
mod scrapes;
mod several;
mod stream;
mod truth;
mod writes;
