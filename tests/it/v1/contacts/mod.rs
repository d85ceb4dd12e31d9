//! Tests of contacts.

mod count;
