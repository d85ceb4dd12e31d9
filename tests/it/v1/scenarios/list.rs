//! `GET /scenarios`.

use kartoteka_tests::TestApp;
use serde_json::json;

use super::{plain, saved};

#[tokio::test]
async fn scenarios_are_listed_by_name_in_pages() {
    let app = TestApp::new().await;
    for name in ["Čaj", "banán", "Avokádo"] {
        saved(&app, &plain(name)).await;
    }
    app.post("/scenarios").json(&json!({"name": "Brambor"})).await.expect(201);
    app.post("/rules").json(&json!({"name": "A rule"})).await.expect(201);
    let mut names = Vec::new();
    let mut path = "/scenarios?limit=3".to_owned();
    loop {
        let page = app.get(&path).await.expect(200);
        names.extend(page.data().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        match page.json["next_cursor"].as_str() {
            Some(cursor) => path = format!("/scenarios?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(names, ["Avokádo", "banán", "Brambor", "Čaj"]);
    let off = app.get("/scenarios?enabled=false").await.expect(200);
    assert_eq!(off.data().len(), 1);
    assert_eq!(app.get("/scenarios?q=B&enabled=true").await.expect(200).data().len(), 1);
    assert_eq!(app.other_workspace().get("/scenarios").await.expect(200).data().len(), 0);
}
