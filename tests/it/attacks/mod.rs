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

use std::collections::BTreeMap;

use kartoteka_tests::TestApp;
use kartoteka_tests::contract::Operation;
use kartoteka_tests::examples::{self, Things};

use crate::auth_matrix::everything_of;

/// The figures of a test, one line.
fn figure(what: &str, operations: usize, cases: usize, result: &str) {
    println!("attack: {what}: {operations} operations, {cases} cases: {result}");
}

/// A hash over all rows of the first workspace. Of the audit trail only what is not about imports: an
/// import in one call is begun before its form has been read, and that is told even when it is refused.
fn state_of(app: &TestApp) -> BTreeMap<String, Option<String>> {
    let mut state = everything_of(app, app.home().id);
    state.remove("audit_entries");
    let entries =
        app.count("SELECT count(*) AS n FROM audit_entries WHERE action NOT LIKE 'import.%'");
    state.insert("audit entries".into(), Some(entries.to_string()));
    state
}

/// A path of the operation in which all that is named exists.
fn path(operation: &Operation, things: &Things) -> String {
    examples::path(operation, things, |_, _| None)
}
