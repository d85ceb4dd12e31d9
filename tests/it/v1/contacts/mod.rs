//! Tests of contacts.

mod bulk_edit;
mod count;
mod create;
mod export;
mod list;
pub(crate) mod notes;
mod owners;
mod patch;
mod query;
mod salutations;
mod search;
mod timeline;
mod upsert;
