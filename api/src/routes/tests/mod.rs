//! The routes, spoken to over a socket as clients do.

mod document;
mod health;
mod http;
mod reads;
mod refusals;
mod stream;
mod truth;
mod writes;
