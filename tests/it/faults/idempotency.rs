//! One key, one effect.

use kartoteka_tests::faults::{Form, hold, idempotency};

/// PLT-3
#[test]
fn a_key_has_one_effect_whatever_happens_to_its_copies() {
    hold(idempotency::keys, Form::short(150));
}
