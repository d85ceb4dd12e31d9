//! Imports: their record, their bytes, the staged rows, and the set-based statements that sort and write them.
//!
//! No statement here is run once per row. A file becomes rows of `import_staged` by COPY ([`stage`]), one
//! statement sorts them into classes ([`classify`]), chunks of them become contacts in one transaction each
//! ([`apply`]), and [`revert`] takes them back.

pub mod apply;
pub mod classify;
pub mod data;
pub mod purposes;
mod record;
pub mod report;
pub mod revert;
pub mod stage;
pub mod templates;

pub use record::{ImportRecord, delete, get, insert, list, lock, save};
