//! Imports under fire.

use kartoteka_tests::faults::{Form, hold, imports};

/// IMP-17, IMP-18
#[test]
fn a_killed_worker_loses_and_doubles_nothing() {
    hold(imports::worker_kills, Form::short(2));
}

/// IMP-17, IMP-18
#[test]
fn a_database_that_dies_loses_and_doubles_nothing() {
    hold(imports::postgres_stops, Form::short(1));
}
