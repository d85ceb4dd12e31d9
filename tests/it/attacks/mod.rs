//! Attacks that are derived from the OpenAPI document: a new operation is attacked without being named.
//!
//! Beside them stand `auth_matrix` (who may do what) and `bad_input` (the document's own examples, spoilt).
//! Each test prints how many operations and cases it tried: `cargo nextest run attacks --no-capture`.

mod fields;
mod foreign;
mod http;
mod limits;
mod nul;
mod slow;
mod tokens;
mod values;
mod weight;

use kartoteka_tests::contract::Operation;
use kartoteka_tests::examples::{self, Things};

/// The figures of a test, one line.
#[expect(clippy::print_stdout, reason = "the figures of RELIABILITY.md")]
fn figure(what: &str, operations: usize, cases: usize, result: &str) {
    println!("attack: {what}: {operations} operations, {cases} cases: {result}");
}

/// A path of the operation in which all that is named exists.
fn path(operation: &Operation, things: &Things) -> String {
    examples::path(operation, things, |_, _| None)
}
