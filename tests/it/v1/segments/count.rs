//! `POST /segments/{id}/count`

use kartoteka_tests::TestApp;
use serde_json::json;

use super::{has, leaf, people, saved};

/// SEG-4
#[tokio::test]
async fn a_segment_is_counted_now() {
    let app = TestApp::new().await;
    people(&app, &[("Ada", &["a"]), ("Bea", &["a"]), ("Cyd", &[])]).await;
    let id = saved(&app, "a", has("a")).await;
    let path = format!("/segments/{id}/count");
    assert_eq!(app.post(&path).await.expect(200).json, json!({"contacts": 2}));
    let bea =
        app.get("/contacts?first_name=bea").await.data()[0]["id"].as_str().unwrap().to_owned();
    app.delete(format!("/contacts/{bea}")).await.expect(204);
    assert_eq!(app.post(&path).await.expect(200).json, json!({"contacts": 1}));
    people(&app, &[("Dan", &["a"])]).await;
    assert_eq!(app.post(&path).await.expect(200).json, json!({"contacts": 2}));
    let everybody = json!({"name": "all", "selection": {}});
    let everybody = app.post("/segments").json(&everybody).await.expect(201).id();
    let count = app.post(format!("/segments/{everybody}/count")).await.expect(200);
    assert_eq!(count.json, json!({"contacts": 3}));
}

/// SEG-5: what a tree says of phone numbers stays what it was when the workspace moves.
#[tokio::test]
async fn national_numbers_keep_their_region() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Ada", "phone": "+420601123456"});
    app.post("/contacts").json(&body).await.expect(201);
    let id = saved(&app, "Ada", leaf("phone", "eq", "601 123 456")).await;
    app.patch("/workspace").json(&json!({"phone_region": "PL"})).await.expect(200);
    let count = || async { app.post(format!("/segments/{id}/count")).await.expect(200).json };
    assert_eq!(count().await, json!({"contacts": 1}));
    app.patch(format!("/segments/{id}")).json(&json!({"name": "Ada B."})).await.expect(200);
    assert_eq!(count().await, json!({"contacts": 1}));
}
