//! The binary's parts: command line, configuration, private PostgreSQL, wiring.
//!
//! A library beside the binary so that tests start the very same parts.

pub mod embedded_postgres;
