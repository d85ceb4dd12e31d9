//! The queue under fire.

use kartoteka_tests::faults::{Form, hold, jobs};

#[test]
fn each_job_has_its_effects_once_whoever_is_killed() {
    hold(jobs::queue_under_fire, Form::short(1_000));
}

#[test]
fn a_heap_of_jobs_is_not_in_the_way_of_others() {
    hold(jobs::heap_of_one, Form::short(2_000));
}
