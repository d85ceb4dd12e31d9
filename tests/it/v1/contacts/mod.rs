//! Tests of contacts.

mod count;
mod create;
mod list;
mod patch;
mod query;
mod search;
mod upsert;
