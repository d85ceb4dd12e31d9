//! Tests of rejected pairs.

use kartoteka_tests::TestApp;
use serde_json::json;
use uuid::Uuid;

use super::{contact, jan, pair, pairs, searched};

/// CON-16: "never merge these two" is kept by pair, in either order, and honoured by later searches.
#[tokio::test]
async fn a_rejected_pair_is_not_offered_again() {
    let app = TestApp::new().await;
    let one = contact(&app, jan()).await;
    let other = contact(&app, jan()).await;
    searched(&app, &json!({})).await;
    let path = format!("/duplicates/rejections/{other}/{one}");
    app.get(&path).await.expect_problem(404, "not_found", &[]);
    app.put(&path).header("if-match", "\"x\"").await.expect(412);
    let said = app.put(&path).await.expect(200);
    assert_eq!(said.json["contact_ids"], json!([one, other]));
    assert_eq!(app.get("/duplicates").await.data().len(), 0);
    searched(&app, &json!({})).await;
    assert_eq!(app.get("/duplicates").await.data().len(), 0);
    // twice is once, in either order
    app.clock().advance(chrono::TimeDelta::minutes(1));
    let turned = format!("/duplicates/rejections/{one}/{other}");
    let again = app.put(&turned).await.expect(200);
    assert_eq!(again.json, said.json);
    assert_eq!(app.get(&turned).await.expect(200).header("etag"), said.header("etag"));
    let list = app.get("/duplicates/rejections").await.expect(200);
    assert_eq!(pairs(&list), [pair(&one, &other)]);
    let of = app.get(format!("/duplicates/rejections?contact_id={other}")).await.expect(200);
    assert_eq!(pairs(&of), [pair(&one, &other)]);
    app.delete(&path).header("if-match", "\"x\"").await.expect(412);
    app.delete(&path).header("if-match", said.header("etag")).await.expect(204);
    app.delete(&path).await.expect(404);
    assert_eq!(pairs(&app.get("/duplicates").await), [pair(&one, &other)]);
    for action in ["duplicate.reject", "duplicate.accept"] {
        let trail = app.get(format!("/audit?record_id={one}&action={action}")).await.expect(200);
        assert_eq!(trail.data().len(), 1, "{action}");
        assert_eq!(trail.data()[0]["changes"]["other_id"], json!(other));
    }
}

/// CON-16
#[tokio::test]
async fn what_cannot_be_rejected_is_refused() {
    let app = TestApp::new().await;
    let one = contact(&app, jan()).await;
    let stranger = app.other_workspace();
    let foreign = contact(&stranger, jan()).await;
    let unknown = Uuid::now_v7();
    for other in [foreign.as_str(), &unknown.to_string()] {
        for path in [format!("{one}/{other}"), format!("{other}/{one}")] {
            let path = format!("/duplicates/rejections/{path}");
            app.put(&path).await.expect_problem(404, "not_found", &[]);
            app.get(&path).await.expect(404);
            app.delete(&path).await.expect(404);
        }
    }
    let itself = format!("/duplicates/rejections/{one}/{one}");
    app.put(&itself).await.expect_problem(409, "conflict", &[]);
    // pages
    for _ in 0..3 {
        let other = contact(&app, jan()).await;
        app.put(format!("/duplicates/rejections/{one}/{other}")).await.expect(200);
    }
    let page = app.get("/duplicates/rejections?limit=2").await.expect(200);
    assert_eq!(page.data().len(), 2);
    let cursor = page.text_at("/next_cursor");
    let rest = app.get(format!("/duplicates/rejections?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.data().len(), 1);
    assert!(!pairs(&page).contains(&pairs(&rest)[0]));
    app.with_scopes(&["contacts:read"]).put(itself).await.expect(403);
    assert_eq!(stranger.get("/duplicates/rejections").await.expect(200).data().len(), 0);
}
