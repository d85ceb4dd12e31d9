//! Tests of contacts.

mod count;
mod create;
mod list;
mod notes;
mod owners;
mod patch;
mod query;
mod upsert;
