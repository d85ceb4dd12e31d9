//! Tests of contacts.

mod bulk_edit;
mod count;
mod create;
mod list;
mod patch;
mod query;
mod upsert;
