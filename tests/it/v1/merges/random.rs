//! Merging and undoing is nothing, whatever the contacts are.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use kartoteka_tests::TestApp;

use super::{Things, contact, dump, merged, undone};

/// Few values, so that contacts often share them.
fn body() -> impl Strategy<Value = Value> {
    let name = prop_oneof![Just(None), Just(Some("Jana")), Just(Some("Johana"))];
    let email = prop_oneof![
        Just(None),
        Just(Some("A@example.com")),
        Just(Some("a@example.com")),
        Just(Some("b@example.com"))
    ];
    let city = prop_oneof![Just(None), Just(Some("Brno")), Just(Some("Praha"))];
    let street = prop_oneof![Just(None), Just(Some("Dlouhá 1")), Just(Some("Krátká 2"))];
    let state = prop_oneof![Just("prospect"), Just("customer"), Just("partner")];
    let details = proptest::collection::btree_map(
        "[ab]",
        prop_oneof![Just(json!(1)), Just(json!("x")), Just(json!(true))],
        0..3,
    );
    let score = prop_oneof![Just(0), Just(5), Just(-3)];
    let birth = prop_oneof![Just(None), Just(Some("1990-05-01")), Just(Some("1850-01-31"))];
    let salutation =
        prop_oneof![Just(json!(null)), Just(json!(["Vážená", null])), Just(json!([null, "Ahoj"]))];
    (name, email, city, street, state, details, score, birth, salutation).prop_map(
        |(name, email, city, street, state, details, score, birth, salutation)| {
            json!({"first_name": name, "last_name": "Nováková", "email": email, "score": score, "birth_date": birth,
                "address": {"city": city, "street": street}, "state": state, "salutations": salutation,
                "details": details.into_iter().collect::<Map<_, _>>()})
        },
    )
}

/// What hangs on a contact: which of three things of each kind, and its flags.
fn hanging() -> impl Strategy<Value = (Vec<usize>, bool, bool, bool)> {
    (
        proptest::sample::subsequence(vec![0_usize, 1, 2], 0..=3),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
}

/// CON-16: un-merge restores both.
#[tokio::test]
async fn merging_and_undoing_changes_nothing() {
    let app = TestApp::new().await;
    let things = Things::make(&app).await;
    let mut runner = TestRunner::deterministic();
    let people = proptest::collection::vec((body(), hanging()), 2..5);
    for round in 0..12 {
        let people = people.new_tree(&mut runner).unwrap().current();
        let mut ids = Vec::new();
        for (body, (numbers, subscribed, muted, invalid)) in &people {
            let id = contact(&app, body.clone()).await;
            for n in numbers {
                things.hang_on(&app, &id, *n).await;
            }
            app.execute(&format!(
                "UPDATE contacts SET subscribed = {subscribed}, muted = {muted}, \
                 email_invalid_at = CASE WHEN {invalid} AND email IS NOT NULL THEN created_at END WHERE id = '{id}'"
            ));
            ids.push(id);
        }
        let all = |app: &TestApp| ids.iter().map(|id| dump(app, id)).collect::<Vec<_>>();
        let before = all(&app);
        let losers: Vec<&String> = ids.iter().skip(1).collect();
        // at once, or one after the other
        let merges = if round % 2 == 0 {
            vec![merged(&app, &ids[0], &losers).await]
        } else {
            let mut merges = Vec::new();
            for loser in &losers {
                merges.push(merged(&app, &ids[0], &[loser]).await);
            }
            merges
        };
        app.check_invariants();
        for merge in merges.iter().rev() {
            let parted = undone(&app, merge).await;
            assert_eq!(parted.json["kept"], json!([]), "{people:?}");
            assert_eq!(parted.json["not_restored"], json!([]), "{people:?}");
        }
        assert_eq!(all(&app), before, "{people:?}");
        app.check_invariants();
    }
}
