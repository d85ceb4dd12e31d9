//! Tests of `GET /duplicates`.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{contact, jan, like_jan, pair, pairs, searched};

/// CON-16: pages by score lose and repeat nothing, by contact and by score too.
#[tokio::test]
async fn pairs_are_listed_by_score() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        for _ in 0..2 {
            let body =
                json!({"first_name": format!("Jmeno{n}"), "email": format!("n{n}@example.com")});
            ids.push(contact(&app, body).await);
        }
    }
    let weak = json!({"phone": "+420601123456"});
    ids.push(contact(&app, weak.clone()).await);
    ids.push(contact(&app, weak).await);
    searched(&app, &json!({})).await;
    let all = app.get("/duplicates?limit=200").await.expect(200);
    let scores: Vec<f64> = all.data().iter().map(|pair| pair["score"].as_f64().unwrap()).collect();
    assert_eq!(scores.len(), 5);
    assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
    let mut seen = Vec::new();
    let mut path = "/duplicates?limit=2".to_owned();
    loop {
        let page = app.get(&path).await.expect(200);
        seen.extend(pairs(&page));
        match &page.json["next_cursor"] {
            Value::String(cursor) => path = format!("/duplicates?limit=2&cursor={cursor}"),
            _ => break,
        }
    }
    assert_eq!(seen, pairs(&all));
    let of = app.get(format!("/duplicates?contact_id={}", ids[3])).await.expect(200);
    assert_eq!(pairs(&of), [pair(&ids[2], &ids[3])]);
    let middle = (scores[3] + scores[4]) / 2.0;
    let best = app.get(format!("/duplicates?min_score={middle}")).await.expect(200);
    assert_eq!(pairs(&best).len(), 4);
    app.get("/duplicates?min_score=2").await.expect_problem(422, "out_of_range", &["?min_score"]);
    app.get("/duplicates?cursor=x").await.expect_problem(422, "invalid_cursor", &["?cursor"]);
    let stranger = app.other_workspace();
    let foreign = stranger.get(format!("/duplicates?contact_id={}", ids[3])).await.expect(200);
    assert_eq!(foreign.data().len(), 0);
    app.with_scopes(&["contacts:write"]).get("/duplicates").await.expect(403);
}

/// CON-16, TRS-2: a pair with a contact in the trash is hidden, and comes back with it; one that is purged is gone.
#[tokio::test]
async fn pairs_follow_their_contacts() {
    let app = TestApp::new().await;
    let one = contact(&app, jan()).await;
    let other = contact(&app, like_jan(json!({"birth_date": null}))).await;
    let third = contact(&app, like_jan(json!({"phone": null}))).await;
    searched(&app, &json!({})).await;
    assert_eq!(app.get("/duplicates").await.data().len(), 3);
    app.put(format!("/duplicates/rejections/{one}/{third}")).await.expect(200);
    app.delete(format!("/contacts/{other}")).await.expect(204);
    assert_eq!(app.get("/duplicates").await.data().len(), 0);
    // it is not compared either
    let job = searched(&app, &json!({})).await;
    assert_eq!(job.json["counts"]["contacts"], 2);
    app.post(format!("/trash/{other}/restore")).await.expect(200);
    assert_eq!(app.get("/duplicates").await.data().len(), 2);
    for id in [&one, &other] {
        app.delete(format!("/contacts/{id}")).await.expect(204);
        app.delete(format!("/trash/{id}")).await.expect(204);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM duplicate_pairs"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM duplicate_rejections"), 0);
    app.check_invariants();
}

/// CON-16: before the first search, the list of a small workspace is there at once, and says the same as a search.
#[tokio::test]
async fn a_small_workspace_needs_no_search() {
    let app = TestApp::new().await;
    let one = contact(&app, jan()).await;
    let other = contact(&app, like_jan(json!({"birth_date": null}))).await;
    let third = contact(&app, like_jan(json!({"phone": null}))).await;
    contact(&app, json!({"first_name": "Eva", "email": "eva@example.com"})).await;
    app.put(format!("/duplicates/rejections/{one}/{third}")).await.expect(200);
    let at_once = app.get("/duplicates").await.expect(200);
    assert_eq!(at_once.data().len(), 2);
    let of = app.get(format!("/duplicates?contact_id={one}")).await.expect(200);
    assert_eq!(pairs(&of), [pair(&one, &other)]);
    let first = app.get("/duplicates?limit=1").await.expect(200);
    let cursor = first.text_at("/next_cursor");
    let second = app.get(format!("/duplicates?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!([pairs(&first), pairs(&second)].concat(), pairs(&at_once));
    assert_eq!(app.count("SELECT count(*) AS n FROM duplicate_pairs"), 0, "a list writes nothing");
    searched(&app, &json!({})).await;
    let found = app.get("/duplicates").await.expect(200);
    let told = |list: &kartoteka_tests::Answer| -> Vec<(Value, Value)> {
        list.data()
            .iter()
            .map(|pair| (pair["contact_ids"].clone(), pair["score"].clone()))
            .collect()
    };
    assert_eq!(told(&found), told(&at_once));
}
