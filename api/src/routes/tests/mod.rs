//! The routes, spoken to over a socket as clients do.

mod controls;
mod document;
mod health;
mod http;
mod logs;
mod reads;
mod refusals;
mod stream;
mod truth;
mod writes;
