//! Tests of contacts.

mod count;
mod create;
mod list;
pub(crate) mod notes;
mod owners;
mod patch;
mod query;
mod timeline;
mod upsert;
