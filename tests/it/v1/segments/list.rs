//! `GET /segments`

use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

use super::{has, is_in, saved};

/// SEG-5
#[tokio::test]
async fn segments_are_listed_by_name_with_their_uses() {
    let app = TestApp::new().await;
    let vip = saved(&app, "vip", has("vip")).await;
    saved(&app, "Brno", is_in(&vip)).await;
    saved(&app, "Z Brna", is_in(&vip)).await;
    app.other_workspace()
        .post("/segments")
        .json(&json!({"name": "theirs", "filter": has("vip")}))
        .await
        .expect(201);
    let shown = |answer: &Answer| -> Vec<(Value, Value)> {
        answer.data().iter().map(|one| (one["name"].clone(), one["uses"].clone())).collect()
    };
    let all = app.get("/segments").await.expect(200);
    let expected = [("Brno", 0), ("vip", 2), ("Z Brna", 0)];
    assert_eq!(shown(&all), expected.map(|(name, uses)| (json!(name), json!(uses))));
    let by: Vec<&Value> =
        all.data()[1]["used_by"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(by, ["Brno", "Z Brna"]);
    let found = app.get("/segments?q=BRN").await.expect(200);
    assert_eq!(shown(&found).len(), 2);
    let first = app.get("/segments?limit=2").await.expect(200);
    let cursor = first.text_at("/next_cursor");
    let rest = app.get(format!("/segments?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((shown(&rest).len(), &rest.json["next_cursor"]), (1, &Value::Null));
    app.get(format!("/segments?q=b&cursor={cursor}")).await.expect_problem(
        422,
        "invalid_cursor",
        &["?cursor"],
    );
}
