//! No connection to be had.

use kartoteka_tests::faults::{Form, connections, hold};

#[test]
fn without_connections_requests_are_refused_and_the_process_is_alive() {
    hold(connections::all_taken, Form::short(2));
}
