//! The id of a merged contact leads to the one it is now.

use kartoteka_tests::contract::operations;
use kartoteka_tests::{TestApp, examples};
use serde_json::{Value, json};

use super::{contact, declare, merged, shown, undone};

/// CON-16: integrations keep ids; a chain of merges leads to its end.
#[tokio::test]
async fn the_id_of_a_loser_leads_to_the_winner() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(contact(&app, json!({"first_name": format!("N{n}")})).await);
    }
    let first = merged(&app, &ids[1], &[&ids[0]]).await;
    let second = merged(&app, &ids[2], &[&ids[1]]).await;
    let winner = app.get(format!("/contacts/{}", ids[2])).await.expect(200);
    assert_eq!(winner.header("content-location"), "");
    for id in &ids[..2] {
        let found = app.get(format!("/contacts/{id}")).await.expect(200);
        assert_eq!(found.json, winner.json);
        assert_eq!(found.header("etag"), winner.header("etag"));
        assert_eq!(found.header("content-location"), format!("/api/v1/contacts/{}", ids[2]));
        let path = format!("/contacts/{id}");
        let same = app.get(&path).header("if-none-match", winner.header("etag")).await;
        assert_eq!(same.status, 304);
        let list = app.get(format!("/merges?contact_id={id}")).await.expect(200);
        assert_eq!(list.data().len(), if id == &ids[0] { 1 } else { 2 });
    }
    // who deletes a known duplicate does not mean the winner
    let refused = app.delete(format!("/contacts/{}", ids[0])).await;
    let refused = refused.expect_problem(409, "contact_merged", &[]);
    assert_eq!(refused.json["winner_id"], ids[2].as_str());
    let body = json!({"ids": [ids[0], ids[1]]});
    let none = app.post("/contacts/bulk-delete").json(&body).await.expect(200);
    assert_eq!(none.json["trashed"], 0);
    // parted in turn, each id leads where it belongs
    undone(&app, &second).await;
    assert_eq!(shown(&app, &ids[0]).await["id"], ids[1].as_str());
    undone(&app, &first).await;
    assert_eq!(shown(&app, &ids[0]).await["id"], ids[0].as_str());
    app.check_invariants();
}

/// CON-16: whatever is done to a loser is done to the winner, by every operation of the document that has the id of a
/// contact in its path, those that nobody thought of here too.
#[tokio::test]
async fn every_operation_on_a_contact_takes_the_id_of_a_loser() {
    let app = TestApp::new().await;
    let things = examples::Things::make(&app).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let winner = contact(&app, json!({"first_name": "W", "email": "w@example.com"})).await;
    let company = things.get("/api/v1/companies");
    app.put(format!("/companies/{company}/contacts/{winner}")).json(&json!({})).await.expect(200);
    merged(&app, &winner, &[&loser]).await;
    let mut done = 0;
    for operation in operations() {
        let at_contacts = |collection: &str| collection.ends_with("/contacts");
        let named = |id: &str| {
            examples::path(operation, &things, |_, collection| {
                at_contacts(collection).then(|| id.to_owned())
            })
        };
        let (of_loser, of_winner) = (named(&loser), named(&winner));
        if of_loser == of_winner || (operation.method == "DELETE" && of_loser.ends_with(&loser)) {
            continue;
        }
        let found = examples::request(&app, operation, &of_loser).await;
        let wanted = examples::request(&app, operation, &of_winner).await;
        // what is not there is not there for the winner either; what was taken away is gone the second time
        let gone = operation.method == "DELETE" && found.status < 300;
        assert!(found.status == wanted.status || gone, "{}: {found:?}", operation.id());
        let of = |answer: &Value| answer["id"].as_str().map(str::to_owned);
        if found.status == 200 && of(&wanted.json).as_deref() == Some(&winner) {
            assert_eq!(of(&found.json).as_deref(), Some(winner.as_str()), "{}", operation.id());
        }
        done += 1;
    }
    assert!(done > 20, "{done}");
    assert_eq!(app.count(&format!("SELECT count(*) AS n FROM contacts WHERE id = '{loser}'")), 0);
    // who is to be forgotten by the old id is forgotten
    app.run_jobs().await;
    assert_eq!(app.count(&format!("SELECT count(*) AS n FROM contacts WHERE id = '{winner}'")), 0);
    app.check_invariants();
}

/// Bodies, keys and cursors go along.
#[tokio::test]
async fn a_request_that_is_sent_on_is_the_one_that_came() {
    let app = TestApp::new().await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    merged(&app, &winner, &[&loser]).await;
    let path = format!("/contacts/{loser}");
    let tag = app.get(&path).await.expect(200).header("etag").to_owned();
    let body = json!({"last_name": "Nováková"});
    let patched = app.patch(&path).header("if-match", &tag).json(&body).await.expect(200);
    assert_eq!(patched.json["id"], winner.as_str());
    assert_eq!(patched.json["last_name"], "Nováková");
    app.patch(&path).header("if-match", &tag).json(&body).await.expect(412);
    let long = "x".repeat(1000);
    let notes = format!("{path}/notes");
    let send = |key: &str, text: &str| {
        app.post(&notes).header("idempotency-key", key).json(&json!({"text": text}))
    };
    let first = send("k1", &long).await.expect(201);
    let again = send("k1", &long).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json, first.json);
    send("k1", "other").await.expect_problem(422, "idempotency_key_reused", &[]);
    send("k2", "second").await.expect(201);
    send("k3", "third").await.expect(201);
    // page by page under the old id
    let mut texts = Vec::new();
    let mut next = Some(format!("{notes}?limit=1"));
    while let Some(path) = next {
        let page = app.get(&path).await.expect(200);
        texts.extend(page.data().iter().map(|note| note["text"].as_str().unwrap().len()));
        let cursor = page.json["next_cursor"].as_str();
        next = cursor.map(|cursor| format!("{notes}?limit=1&cursor={cursor}"));
    }
    assert_eq!(texts, [5, 6, 1000]);
    app.get(format!("{notes}?cursor=nonsense")).await.expect_problem(
        422,
        "invalid_cursor",
        &["?cursor"],
    );
    // all faults of a body are told, of the winner as of anybody
    let refused = app.patch(&path).json(&json!({"email": "x", "colour": 1})).await;
    refused.expect_problem(422, "validation_failed", &["#/email", "#/colour"]);
    declare(&app, &loser, "email_basic", "grant").await;
    let entries = "SELECT count(*) AS n FROM consent_entries WHERE contact_id =";
    assert_eq!(app.count(&format!("{entries} '{winner}'")), 1);
    assert_eq!(app.count(&format!("{entries} '{loser}'")), 0);
    app.check_invariants();
}

/// TRS-2: when the winner is purged, nobody is there under any of the ids, and nothing of any of them is left.
#[tokio::test]
async fn a_purge_of_the_winner_removes_the_losers_too() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let body = json!({"first_name": "Zmizelá", "email": format!("zmizela{n}@example.com"),
            "details": {"secret": "zmizelá"}});
        ids.push(contact(&app, body).await);
        declare(&app, &ids[n], "email_basic", "grant").await;
        let note = json!({"text": "zmizelá"});
        app.post(format!("/contacts/{}/notes", ids[n])).json(&note).await.expect(201);
    }
    app.import("E-mail;Město\nzmizela0@example.com;Brno\n", &json!({})).await;
    merged(&app, &ids[1], &[&ids[0]]).await;
    let merge = merged(&app, &ids[2], &[&ids[1]]).await;
    let path = format!("/contacts/{}", ids[2]);
    app.delete(&path).await.expect(204);
    assert!(shown(&app, &ids[0]).await["trashed_at"].is_string());
    app.delete(format!("/trash/{}", ids[2])).await.expect(204);
    for id in &ids {
        app.get(format!("/contacts/{id}")).await.expect(404);
    }
    let undo = app.post(format!("/merges/{}/undo", merge.id())).await;
    let undo = undo.expect_problem(409, "merge_not_undoable", &[]);
    assert_eq!(undo.json["reason"], "winner_purged");
    for table in [
        "contacts",
        "contact_search",
        "contact_tags",
        "contact_notes",
        "merges",
        "merge_losers",
        "consent_evidence",
        "consent_entries",
        "consents",
        "import_changes",
        "import_staged",
        "import_rows",
        "audit_entries",
    ] {
        let left = format!("SELECT count(*) AS n FROM {table} t WHERE t::text ILIKE '%zmizel%'");
        assert_eq!(app.count(&left), 0, "{table}");
    }
    for table in
        ["consent_evidence", "consent_entries", "consents", "contact_merges", "import_changes"]
    {
        assert_eq!(app.count(&format!("SELECT count(*) AS n FROM {table}")), 0, "{table}");
    }
    app.check_invariants();
}
