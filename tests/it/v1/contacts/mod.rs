//! Tests of contacts.

mod count;
mod query;
