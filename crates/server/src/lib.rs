//! The binary's parts: command line, configuration, private PostgreSQL, wiring.
//!
//! A library beside the binary so that tests start the very same parts.

pub mod commands;
pub mod config;
pub mod database;
pub mod embedded_postgres;
pub mod installation;
pub mod keys;
pub mod metrics;
mod open_files;
pub mod opening;
pub mod shutdown;
pub mod small_pages;
pub mod telemetry;
pub mod wiring;
