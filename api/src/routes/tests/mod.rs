//! The routes, spoken to over a socket as clients do.

mod controls;
mod document;
mod health;
mod http;
mod links;
mod logs;
mod points;
mod reads;
mod refusals;
mod runbooks;
mod stream;
mod truth;
mod writes;
