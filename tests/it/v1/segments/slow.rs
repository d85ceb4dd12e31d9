//! Selections that take too long

use std::time::{Duration, Instant};

use kartoteka_tests::TestApp;
use serde_json::json;

use super::{leaf, saved};

/// SEG-4: what takes too long is stopped and told in words that help, wherever a selection is asked for; the
/// next question is answered as ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_selection_that_takes_too_long_is_refused() {
    let app = TestApp::hasty(Duration::from_millis(300)).await;
    let workspace = app.home().id;
    app.execute(&format!(
        "INSERT INTO contacts (workspace_id, id, external_id, origin, search, created_at, updated_at) \
         SELECT '{workspace}', lpad(to_hex(n), 32, '0')::uuid, 'e' || n, 'manual', '', now(), now() \
         FROM generate_series(1, 40000) AS n"
    ));
    // none of these holds, so each contact is folded for each of them
    let slow: Vec<_> = (0..95).map(|n| leaf("external_id", "ends_with", format!("x{n}"))).collect();
    let slow = json!({"or": slow});
    let id = saved(&app, "slow", slow.clone()).await;
    let body = json!({"selection": {"where": slow}});
    let since = Instant::now();
    for request in [
        app.post("/contacts/count").json(&body),
        app.post("/contacts/query").json(&body),
        app.post(format!("/segments/{id}/count")),
        app.get(format!("/contacts?segment_id={id}")),
        app.get(format!("/contacts/count?segment_id={id}")),
    ] {
        let refused = request.await.expect_problem(422, "selection_too_slow", &[]);
        assert!(refused.json["detail"].as_str().unwrap().contains("Narrow it"));
    }
    // none of them ran to its end, which takes many times as long
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    let narrow = json!({"and": [leaf("external_id", "eq", "e5"), slow]});
    let count = app.post("/contacts/count").json(&json!({"selection": {"exclude": narrow}})).await;
    assert_eq!(count.expect(200).json["contacts"], 40_000);
}
