//! `POST /merges/{id}/undo`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use kartoteka_tests::TestApp;

use super::{Things, consents, contact, declare, dump, merged, request, shown, undone};

/// Three contacts with everything, some of it shared.
async fn furnished(app: &TestApp) -> (Things, Vec<String>) {
    let things = Things::make(app).await;
    let kind = app.post("/contact-types").json(&json!({"name": "kind"})).await.expect(201).id();
    let bodies = [
        json!({"first_name": "Jana", "email": "Jana@example.com", "details": {"size": "38", "a": 1}}),
        json!({"first_name": "Johana", "last_name": "Nováková", "phone": "+420601123456",
            "external_id": "7", "birth_date": "1990-05-01", "gender": "female", "state": "customer",
            "address": {"street": "Dlouhá 1", "city": "Brno", "country": "CZ"}, "language": "cs",
            "details": {"size": "40", "hat": "M"}, "type_id": kind, "score": 5}),
        json!({"first_name": "Jana", "company_name": "Dílna", "email": "jana@EXAMPLE.com",
            "salutations": ["Vážená paní", null], "time_zone": "Europe/Prague", "score": 7}),
    ];
    let mut ids = Vec::new();
    for (n, body) in bodies.into_iter().enumerate() {
        ids.push(contact(app, body).await);
        things.hang_on(app, &ids[n], n).await;
    }
    app.put(format!("/contacts/{}/tags/tag2", ids[0])).json(&json!({"score": 1})).await.expect(200);
    let level = json!({"level": "read_only"});
    let owner = format!("/contacts/{}/owners/{}", ids[0], things.users[1]);
    app.put(owner).json(&level).await.expect(200);
    let link = format!("/companies/{}/contacts/{}", things.companies[1], ids[0]);
    app.put(link).json(&json!({})).await.expect(200);
    let body = json!({"subscribed": false});
    app.put(format!("/contacts/{}/subscription", ids[1])).json(&body).await.expect(200);
    app.execute(&format!("UPDATE contacts SET email_invalid_at = now() WHERE id = '{}'", ids[2]));
    let other = contact(app, json!({"first_name": "Jana", "email": "other@example.com"})).await;
    app.put(format!("/duplicates/rejections/{}/{other}", ids[1])).await.expect(200);
    app.post("/duplicates/find").json(&json!({})).await.expect(202);
    app.run_jobs().await;
    (things, ids)
}

/// CON-16: un-merge restores both, to the last row.
#[tokio::test]
async fn undoing_a_merge_restores_all_of_them_exactly() {
    let app = TestApp::new().await;
    let (_things, ids) = furnished(&app).await;
    let all = |app: &TestApp| ids.iter().map(|id| dump(app, id)).collect::<Vec<_>>();
    let before = all(&app);
    let mut seen = Vec::new();
    for id in &ids {
        seen.push(shown(&app, id).await);
    }
    assert!(!before[0]["duplicate_pairs"].as_array().unwrap().is_empty());
    let merge = merged(&app, &ids[0], &[&ids[1], &ids[2]]).await;
    assert_ne!(dump(&app, &ids[0]), before[0]);
    app.clock().advance(TimeDelta::minutes(3));
    let parted = undone(&app, &merge).await;
    assert_eq!(parted.json["kept"], json!([]));
    assert_eq!(parted.json["not_restored"], json!([]));
    assert!(parted.json["undone_at"].is_string());
    for (now, before) in all(&app).into_iter().zip(before) {
        assert_eq!(now, before);
    }
    for (id, before) in ids.iter().zip(seen) {
        assert_eq!(shown(&app, id).await, before);
    }
    assert_eq!(parted.json["losers"][1]["id"], ids[2].as_str());
    assert_eq!(app.count("SELECT sum(live)::bigint AS n FROM workspace_usage"), 4);
    let read = app.get(format!("/merges/{}", merge.id())).await.expect(200);
    assert_eq!(read.header("etag"), parted.header("etag"));
    let again = app.post(format!("/merges/{}/undo", merge.id())).await;
    let again = again.expect_problem(409, "merge_not_undoable", &[]);
    assert_eq!(again.json["reason"], "already_undone");
    // found again, each by its own
    assert_eq!(app.get("/contacts?q=dilna").await.expect(200).data()[0]["id"], ids[2].as_str());
    app.check_invariants();
    // and merged again
    merged(&app, &ids[1], &[&ids[0]]).await;
    app.check_invariants();
}

/// CON-16: what came after the merge stays with the winner, and is named.
#[tokio::test]
async fn what_was_changed_since_stays_with_the_winner() {
    let app = TestApp::new().await;
    let (things, ids) = furnished(&app).await;
    let before = dump(&app, &ids[1]);
    let merge = merged(&app, &ids[0], &[&ids[1]]).await;
    app.clock().advance(TimeDelta::minutes(1));
    let path = format!("/contacts/{}", ids[0]);
    // changed: the phone and a detail that came from the loser, a tag, an owner; new: a field, a note, a tag
    let body = json!({"phone": "+420602000000", "job_title": "Truhlářka",
        "details": {"hat": "L", "new": true}, "first_name": "Janička"});
    app.patch(&path).json(&body).await.expect(200);
    app.put(format!("{path}/tags/tag1")).json(&json!({"score": 9})).await.expect(200);
    app.put(format!("{path}/tags/new")).json(&json!({})).await.expect(200);
    app.delete(format!("{path}/groups/{}", things.groups[1])).await.expect(204);
    let level = json!({"level": "main"});
    let owner = format!("{path}/owners/{}", things.users[1]);
    app.put(&owner).json(&level).await.expect(200);
    app.post(format!("{path}/notes")).json(&json!({"text": "since"})).await.expect(201);
    let parted = undone(&app, &merge).await;
    let mut kept: Vec<(&str, &Value)> = parted.json["kept"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| (left["field"].as_str().unwrap(), &left["id"]))
        .collect();
    kept.sort_by_key(|(field, _)| *field);
    let tag = app.rows("SELECT id FROM tags WHERE name = 'tag1'")[0]["id"].clone();
    assert_eq!(
        kept,
        [
            ("details.hat", &Value::Null),
            ("owners", &json!(things.users[1])),
            ("phone", &Value::Null),
            ("tags", &tag),
        ]
    );
    // the loser is as it was
    assert_eq!(dump(&app, &ids[1]), before);
    // the winner has what came since, and no more of the loser's than that
    let winner = shown(&app, &ids[0]).await;
    assert_eq!(winner["phone"], "+420602000000");
    assert_eq!(winner["job_title"], "Truhlářka");
    assert_eq!(winner["first_name"], "Janička");
    assert_eq!(winner["last_name"], Value::Null);
    assert_eq!(winner["state"], "prospect");
    assert_eq!(winner["details"], json!({"size": "38", "a": 1, "hat": "L", "new": true}));
    assert_eq!(winner["communication"]["subscribed"], true);
    let tags: Vec<&Value> =
        winner["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    assert_eq!(tags, ["new", "tag0", "tag1", "tag2"]);
    assert_eq!(winner["group_ids"], json!([things.groups[0]]));
    let notes = app.get(format!("{path}/notes")).await.expect(200);
    assert_eq!(notes.data().len(), 2);
    app.check_invariants();
}

/// CON-16: consent goes back where the merge has the last word; what somebody said since stays.
#[tokio::test]
async fn consent_goes_back_where_nobody_said_a_word_since() {
    let app = TestApp::new().await;
    for name in ["a", "b", "c", "d"] {
        let purpose = json!({"name": name, "channel": "email", "title": name, "wording": "Yes."});
        app.post("/purposes").json(&purpose).await.expect(201);
    }
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    // a: given by the winner, refused by the loser; b: given by the loser only; c: as a; d: as b
    for purpose in ["a", "c"] {
        declare(&app, &winner, purpose, "grant").await;
        declare(&app, &loser, purpose, "withdraw").await;
    }
    for purpose in ["b", "d"] {
        declare(&app, &loser, purpose, "grant").await;
    }
    app.clock().advance(TimeDelta::minutes(1));
    let merge = merged(&app, &winner, &[&loser]).await;
    let all = |a: &str, b: &str, c: &str, d: &str| json!({"a": a, "b": b, "c": c, "d": d});
    let (yes, no) = ("granted", "withdrawn");
    assert_eq!(consents(&app, &winner).await, all(no, yes, no, yes));
    app.clock().advance(TimeDelta::minutes(1));
    declare(&app, &winner, "c", "withdraw").await;
    declare(&app, &winner, "d", "grant").await;
    app.clock().advance(TimeDelta::minutes(1));
    let parted = undone(&app, &merge).await;
    assert_eq!(consents(&app, &winner).await, all(yes, no, no, yes));
    assert_eq!(consents(&app, &loser).await, all(no, yes, no, yes));
    let kept = parted.json["kept"].as_array().unwrap();
    let kept: Vec<&Value> = kept.iter().map(|left| &left["field"]).collect();
    assert_eq!(kept, ["consents.c", "consents.d"]);
    // the ledger of the winner tells it all, and the loser's is its own again
    let ledger = app.get(format!("/contacts/{winner}/consents")).await.expect(200);
    assert_eq!(ledger.json["history"].as_array().unwrap().len(), 2 + 4 + 2 + 2);
    let ledger = app.get(format!("/contacts/{loser}/consents")).await.expect(200);
    assert_eq!(ledger.json["history"].as_array().unwrap().len(), 4);
    app.check_invariants();
}

/// Who unsubscribed after the merge is not subscribed again by undoing it.
#[tokio::test]
async fn a_wish_not_to_be_written_to_outlives_the_merge() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let unsubscribe = json!({"subscribed": false});
    app.put(format!("/contacts/{loser}/subscription")).json(&unsubscribe).await.expect(200);
    let merge = merged(&app, &winner, &[&loser]).await;
    app.clock().advance(TimeDelta::minutes(1));
    // unsubscribed already: only the ledger knows that it was said again
    app.put(format!("/contacts/{winner}/subscription")).json(&unsubscribe).await.expect(200);
    declare(&app, &winner, "email_basic", "withdraw").await;
    let parted = undone(&app, &merge).await;
    assert_eq!(parted.json["winner"]["communication"]["subscribed"], false);
    assert_eq!(parted.json["kept"][0]["field"], "subscribed");
}

/// That an address bounces is true of the address, whosever it is.
#[tokio::test]
async fn a_bounce_since_goes_with_its_address() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"email": "l@example.com"})).await;
    let merge = merged(&app, &winner, &[&loser]).await;
    let bounce = format!(
        "UPDATE contacts SET email_invalid_at = created_at + interval '1 year' WHERE id = '{winner}'"
    );
    app.execute(&bounce);
    let parted = undone(&app, &merge).await;
    assert_eq!(parted.json["winner"]["email"], Value::Null);
    assert_eq!(parted.json["losers"][0]["communication"]["email"], "invalid");
    assert_eq!(
        app.count("SELECT count(*) AS n FROM contacts WHERE email_invalid_at IS NOT NULL"),
        1
    );
    app.check_invariants();
}

/// CON-16: each reason why it cannot be undone is told.
#[tokio::test]
async fn what_lies_above_a_merge_is_undone_first() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(contact(&app, json!({"first_name": format!("N{n}")})).await);
    }
    let undo = |merge: &str| app.post(format!("/merges/{merge}/undo"));
    let refused = |merge: String| {
        let undo = undo(&merge);
        async move { undo.await.expect_problem(409, "merge_not_undoable", &[]).json }
    };
    let first = merged(&app, &ids[1], &[&ids[0]]).await.id();
    let second = merged(&app, &ids[1], &[&ids[2]]).await.id();
    let said = refused(first.clone()).await;
    assert_eq!((&said["reason"], &said["merge_id"]), (&json!("later_merge"), &json!(second)));
    let third = merged(&app, &ids[3], &[&ids[1]]).await.id();
    for merge in [&first, &second] {
        let said = refused(merge.clone()).await;
        assert_eq!((&said["reason"], &said["merge_id"]), (&json!("winner_merged"), &json!(third)));
    }
    app.delete(format!("/contacts/{}", ids[3])).await.expect(204);
    let said = refused(third.clone()).await;
    let reason = (&json!("winner_in_trash"), &json!(ids[3]));
    assert_eq!((&said["reason"], &said["contact_id"]), reason);
    app.post(format!("/trash/{}/restore", ids[3])).await.expect(200);
    for merge in [&third, &second, &first] {
        undo(merge).await.expect(200);
        app.check_invariants();
    }
    assert_eq!(refused(first).await["reason"], "already_undone");
    assert_eq!(app.get("/contacts").await.expect(200).data().len(), 4);
    app.post(format!("/merges/{}/undo", uuid::Uuid::nil())).await.expect(404);
}

/// Two who undo one merge at once undo it once.
#[tokio::test]
async fn a_merge_is_undone_once() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    for _ in 0..5 {
        let merge = merged(&app, &winner, &[&loser]).await.id();
        let undo = || app.post(format!("/merges/{merge}/undo")).into_future();
        let (one, other) = futures_util::future::join(undo(), undo()).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        assert_eq!(app.get("/contacts").await.expect(200).data().len(), 2);
        app.check_invariants();
    }
}

/// TRS-3: there has to be room for who comes back.
#[tokio::test]
async fn a_merge_is_not_undone_over_the_contact_limit() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let merge = merged(&app, &winner, &[&loser]).await;
    let other = contact(&app, json!({"first_name": "O"})).await;
    app.execute("UPDATE workspaces SET contact_limit = 2");
    let undo = format!("/merges/{}/undo", merge.id());
    app.post(&undo).await.expect_problem(422, "contact_limit_reached", &[]);
    app.delete(format!("/contacts/{other}")).await.expect(204);
    app.delete(format!("/trash/{other}")).await.expect(204);
    app.post(&undo).await.expect(200);
    app.check_invariants();
}

/// What was removed since is named, and the contact comes back without it.
#[tokio::test]
async fn who_comes_back_does_so_without_what_is_gone() {
    let app = TestApp::new().await;
    let (things, ids) = furnished(&app).await;
    // another value of everything that can go, so that nothing of the loser's is in use
    let merge = merged(&app, &ids[0], &[&ids[1]]).await;
    let path = format!("/contacts/{}", ids[0]);
    app.patch(&path).json(&json!({"tags": [], "group_ids": [], "type_id": null})).await.expect(200);
    let link = format!("/companies/{}/contacts/{}", things.companies[1], ids[0]);
    app.delete(link).await.expect(204);
    let tag = app.rows("SELECT id FROM tags WHERE name = 'tag1'")[0]["id"].clone();
    let kind = app.rows("SELECT id FROM contact_types")[0]["id"].clone();
    app.delete(format!("/tags/{}", tag.as_str().unwrap())).await.expect(204);
    app.delete(format!("/groups/{}", things.groups[1])).await.expect(204);
    app.delete(format!("/contact-types/{}", kind.as_str().unwrap())).await.expect(204);
    app.delete(format!("/companies/{}", things.companies[1])).await.expect(204);
    let parted = undone(&app, &merge).await;
    let gone: Vec<(&Value, &Value, &Value)> = parted.json["not_restored"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| (&left["contact_id"], &left["field"], &left["id"]))
        .collect();
    let loser = json!(ids[1]);
    for (field, id) in [
        ("type_id", kind),
        ("tags", tag),
        ("groups", json!(things.groups[1])),
        ("companies", json!(things.companies[1])),
    ] {
        assert!(gone.contains(&(&loser, &json!(field), &id)), "{field}: {gone:?}");
    }
    assert_eq!(gone.len(), 4);
    assert_eq!(shown(&app, &ids[1]).await["last_name"], "Nováková");
    app.check_invariants();
}

/// CON-9: no value comes back that its definition would refuse.
#[tokio::test]
async fn a_value_that_no_longer_fits_its_field_does_not_come_back() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W", "details": {"size": 38}})).await;
    let loser = contact(&app, json!({"first_name": "L", "details": {"size": "big"}})).await;
    let merge = merged(&app, &winner, &[&loser]).await;
    let field = json!({"name": "size", "title": "Size", "type": "number"});
    let field = app.post("/fields").json(&field).await.expect(201).id();
    let undo = format!("/merges/{}/undo", merge.id());
    let refused = app.post(&undo).await.expect_problem(409, "field_values_do_not_fit", &[]);
    assert_eq!(refused.json["fields"], json!(["size"]));
    app.patch(format!("/contacts/{winner}"))
        .json(&json!({"details": {"size": null}}))
        .await
        .expect(200);
    app.delete(format!("/fields/{field}")).await.expect(204);
    app.post(&undo).await.expect(200);
}

/// TRS-1: who comes back although somebody has the address by now is told so, as out of the trash.
#[tokio::test]
async fn who_has_the_address_meanwhile_is_told() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"email": "w@example.com"})).await;
    let loser = contact(&app, json!({"email": "l@example.com", "external_id": "7"})).await;
    let merge = merged(&app, &winner, &[&loser]).await;
    let new = contact(&app, json!({"email": "L@example.com"})).await;
    let parted = undone(&app, &merge).await;
    assert_eq!(
        parted.json["also_used_by"],
        json!([{"restored_id": loser, "field": "email", "contact_id": new}])
    );
}

/// A merge that was not made is not undone by a merge that was: the pair may be said to be two, and is not merged
/// again.
#[tokio::test]
async fn who_was_parted_can_be_said_to_be_two() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let merge = merged(&app, &winner, &[&loser]).await;
    undone(&app, &merge).await;
    app.put(format!("/duplicates/rejections/{winner}/{loser}")).await.expect(200);
    request(&app, &winner, &[&loser]).await.expect_problem(409, "never_merge", &[]);
}
