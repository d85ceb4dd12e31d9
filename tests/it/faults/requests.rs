//! A restart of PostgreSQL under load.

use kartoteka_tests::faults::{Form, hold, requests};

#[test]
fn what_was_acknowledged_survives_a_restart_of_the_database() {
    hold(requests::restarts_under_load, Form::short(2));
}
