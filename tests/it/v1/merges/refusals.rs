//! What is not merged.

use kartoteka_domain::scopes::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_tests::TestApp;

use super::{contact, dump, merged, request};
use crate::v1::contacts::notes::person;

/// CON-16: all faults at once, each at its place.
#[tokio::test]
async fn all_faults_are_told_at_once() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W", "details": {"a": 1}})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let other = app.other_workspace();
    let body = json!({"first_name": "F"});
    let foreign = other.post("/contacts").json(&body).await.expect(201).id();
    let nobody = Uuid::nil().to_string();
    let body = json!({"winner_id": winner, "loser_ids": [loser, foreign, nobody, winner, loser],
        "fields": {"colour": winner, "phone": nobody, "details.b": winner, "details.a": loser}});
    let refused = app.post("/contacts/merge").json(&body).await;
    refused.expect_problem(
        422,
        "validation_failed",
        &[
            "#/loser_ids/1",
            "#/loser_ids/2",
            "#/loser_ids/3",
            "#/loser_ids/4",
            "#/fields/colour",
            "#/fields/details.b",
            "#/fields/phone",
        ],
    );
    let body = json!({"winner_id": foreign, "loser_ids": [loser]});
    let refused = app.post("/contacts/merge").json(&body).await;
    refused.expect_problem(422, "unknown_reference", &["#/winner_id"]);
    let body = json!({"winner_id": winner, "loser_ids": []});
    let refused = app.post("/contacts/merge").json(&body).await;
    refused.expect_problem(422, "validation_failed", &["#/loser_ids"]);
    let body = json!({"winner_id": winner, "loser_ids": vec![nobody; 21]});
    let refused = app.post("/contacts/merge").json(&body).await;
    refused.expect_problem(422, "validation_failed", &["#/loser_ids"]);
    // a choice that leaves nothing to recognise the contact by
    let bare = contact(&app, json!({"phone": "+420601123456"})).await;
    let body = json!({"winner_id": winner, "loser_ids": [bare],
        "fields": {"first_name": bare, "phone": winner}});
    let refused = app.post("/contacts/merge").json(&body).await;
    refused.expect_problem(422, "nothing_identifies", &["#/fields"]);
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 4);
}

/// CON-16: "never merge these two", also when it was said of two losers.
#[tokio::test]
async fn who_was_said_to_be_two_is_never_merged() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(contact(&app, json!({"first_name": format!("N{n}")})).await);
    }
    let rejection = format!("/duplicates/rejections/{}/{}", ids[1], ids[2]);
    app.put(&rejection).await.expect(200);
    let before = dump(&app, &ids[0]);
    let refused = request(&app, &ids[0], &[&ids[1], &ids[2]]).await;
    let refused = refused.expect_problem(409, "never_merge", &[]);
    assert_eq!(refused.json["pairs"], json!([[ids[1], ids[2]]]));
    let body = json!({"winner_id": ids[2], "loser_ids": [ids[1]], "dry_run": true});
    app.post("/contacts/merge").json(&body).await.expect_problem(409, "never_merge", &[]);
    assert_eq!(dump(&app, &ids[0]), before);
    app.delete(&rejection).await.expect(204);
    merged(&app, &ids[0], &[&ids[1], &ids[2]]).await;
}

/// CON-16: what is in the trash is restored first.
#[tokio::test]
async fn who_is_in_the_trash_is_not_merged() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    app.delete(format!("/contacts/{loser}")).await.expect(204);
    for (winner, loser, trashed) in [(&winner, &loser, &loser), (&loser, &winner, &loser)] {
        let refused = request(&app, winner, &[loser]).await.expect_problem(409, "conflict", &[]);
        assert_eq!(refused.json["in_trash"], json!([trashed]));
    }
    app.post(format!("/trash/{loser}/restore")).await.expect(200);
    merged(&app, &winner, &[&loser]).await;
}

/// CON-16: who was merged already is told by the name of the one they are now.
#[tokio::test]
async fn who_was_merged_already_is_not_merged_again() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(contact(&app, json!({"first_name": format!("N{n}")})).await);
    }
    merged(&app, &ids[0], &[&ids[1]]).await;
    for (winner, losers) in [(&ids[2], [&ids[1]]), (&ids[1], [&ids[2]])] {
        let refused = request(&app, winner, &losers).await;
        let refused = refused.expect_problem(409, "contact_merged", &[]);
        let said = json!([{"contact_id": ids[1], "winner_id": ids[0]}]);
        assert_eq!(refused.json["merged"], said);
    }
}

/// CON-12: an owner merges what they may delete into what they may change.
#[tokio::test]
async fn owners_merge_what_their_level_allows() {
    let app = TestApp::new().await;
    let (user, client) = person(&app, "petr", Role::Editor).await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let level = |id: &str, level: &str| {
        app.put(format!("/contacts/{id}/owners/{user}")).json(&json!({"level": level}))
    };
    let send =
        || client.post("/contacts/merge").json(&json!({"winner_id": winner, "loser_ids": [loser]}));
    level(&winner, "read_only").await.expect(200);
    level(&loser, "co_owner").await.expect(200);
    send().await.expect_problem(403, "not_permitted", &["#/winner_id", "#/loser_ids/0"]);
    level(&winner, "co_owner").await.expect(200);
    send().await.expect_problem(403, "not_permitted", &["#/loser_ids/0"]);
    level(&loser, "main").await.expect(200);
    // somebody else's contact would get new owners: that is for its main owner to say
    let (third, _) = person(&app, "eva", Role::Editor).await;
    let path = format!("/contacts/{loser}/owners/{third}");
    app.put(&path).json(&json!({"level": "read_only"})).await.expect(200);
    send().await.expect_problem(403, "not_permitted", &["#/winner_id"]);
    app.delete(&path).await.expect(204);
    let merge = send().await.expect(200);
    assert_eq!(merge.json["contact"]["owners"][0]["level"], "main");
    // and parted by who may change it
    level(&winner, "read_only").await.expect(200);
    let undo = format!("/merges/{}/undo", merge.id());
    client.post(&undo).await.expect_problem(403, "not_permitted", &[]);
    level(&winner, "co_owner").await.expect(200);
    let parted = client.post(&undo).await.expect(200);
    assert_eq!(parted.json["kept"], json!([]));
    app.check_invariants();
}

/// Nothing of another workspace is merged, seen or undone.
#[tokio::test]
async fn merges_are_nobody_elses() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let merge = merged(&app, &winner, &[&loser]).await;
    let other = app.other_workspace();
    other.get(format!("/merges/{}", merge.id())).await.expect(404);
    other.post(format!("/merges/{}/undo", merge.id())).await.expect(404);
    other.get(format!("/contacts/{loser}")).await.expect(404);
    other.delete(format!("/contacts/{loser}")).await.expect(404);
    assert!(other.get("/merges").await.expect(200).data().is_empty());
    let list = other.get(format!("/merges?contact_id={loser}")).await.expect(200);
    assert_eq!(list.json["data"], Value::Array(Vec::new()));
    app.get("/merges/nonsense").await.expect(404);
}

/// Lists go on by a cursor.
#[tokio::test]
async fn merges_are_listed_newest_first() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let loser = contact(&app, json!({"first_name": format!("L{n}")})).await;
        ids.push(merged(&app, &winner, &[&loser]).await.id());
    }
    ids.reverse();
    let mut found = Vec::new();
    let mut next = Some(format!("/merges?contact_id={winner}&limit=2"));
    while let Some(path) = next {
        let page = app.get(&path).await.expect(200);
        found.extend(page.data().iter().map(|merge| merge["id"].as_str().unwrap().to_owned()));
        let cursor = page.json["next_cursor"].as_str();
        next = cursor.map(|cursor| format!("/merges?contact_id={winner}&limit=2&cursor={cursor}"));
    }
    assert_eq!(found, ids);
}
