//! More than the server can take.

use kartoteka_tests::faults::{Form, hold, overload};

/// PLT-3
#[test]
fn what_is_too_much_is_refused_in_the_words_for_it() {
    hold(overload::storms, Form::short(2));
}
