//! Imports and merges do not lose anybody, and do not bring anybody back.

use serde_json::{Value, json};

use kartoteka_tests::{Answer, TestApp};

use super::{consents, contact, dump, merged, shown, undone};

async fn reverted(app: &TestApp, import: &Answer) -> Value {
    app.post(format!("/imports/{}/revert", import.id())).await.expect(202);
    app.run_jobs().await;
    let import = app.get(format!("/imports/{}", import.id())).await.expect(200);
    assert_eq!(import.json["state"], "reverted", "{import:?}");
    import.json["reverted"].clone()
}

/// IMP-18, CON-16: undo of an import keeps what was merged since, and says so; un-merging later brings back who was
/// there, once.
#[tokio::test]
async fn undo_of_an_import_keeps_who_was_merged_since() {
    let app = TestApp::new().await;
    let old = contact(&app, json!({"email": "old@example.com", "first_name": "Old"})).await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let file = "E-mail;Jméno;Město\nold@example.com;Changed;Brno\nnew@example.com;New;Praha\n";
    let import = app.import(file, &json!({})).await;
    assert_eq!(import.json["summary"]["created"], 1, "{import:?}");
    assert_eq!(import.json["summary"]["updated"], 1);
    let list = app.get("/contacts?q=new@example.com").await.expect(200);
    let new = list.data()[0]["id"].as_str().unwrap().to_owned();
    // who was made by an import is indexed later, who comes back is at once
    let dump = |id: &str| {
        let mut all = dump(&app, id);
        all.as_object_mut().unwrap().remove("contact_search");
        all
    };
    let before = (dump(&old), dump(&new));
    let merge = merged(&app, &winner, &[&old, &new]).await;
    let kept = shown(&app, &winner).await;
    let counts = reverted(&app, &import).await;
    assert_eq!(counts, json!({"reverted": 0, "kept": 2, "failed": 0}));
    assert_eq!(shown(&app, &winner).await, kept);
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 1);
    app.check_invariants();
    undone(&app, &merge).await;
    assert_eq!((dump(&old), dump(&new)), before);
    assert_eq!(app.get("/contacts").await.expect(200).data().len(), 3);
    app.check_invariants();
}

/// IMP-18, CNS-4: a consent that somebody has only because an import declared it of a contact that was merged into them
/// goes when the import is undone.
#[tokio::test]
async fn a_consent_of_an_import_that_is_undone_does_not_stay_with_the_winner() {
    let app = TestApp::new().await;
    let loser = contact(&app, json!({"email": "l@example.com"})).await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let outcomes = json!({"one": {"action": "update",
        "consents": [{"purpose": "email_basic", "legal_basis": "consent"}]}});
    let options = json!({"matching": {"mode": "match", "key": "email", "outcomes": outcomes}});
    let import = app.import("E-mail;Město\nl@example.com;Brno\n", &options).await;
    assert_eq!(import.json["summary"]["updated"], 1, "{import:?}");
    merged(&app, &winner, &[&loser]).await;
    assert_eq!(consents(&app, &winner).await, json!({"email_basic": "granted"}));
    reverted(&app, &import).await;
    assert_eq!(consents(&app, &winner).await, json!({"email_basic": "withdrawn"}));
    app.check_invariants();
}

/// IMP-13: a plan that meant a contact which was merged since is made again.
#[tokio::test]
async fn a_plan_made_before_a_merge_is_outdated() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W", "email": "w@example.com"})).await;
    let loser = contact(&app, json!({"email": "l@example.com"})).await;
    let id = app.post("/imports").json(&json!({})).await.expect(201).id();
    let file = "E-mail;Město\nl@example.com;Brno\n";
    app.put(format!("/imports/{id}/data")).bytes("text/csv", file).await.expect(200);
    app.put(format!("/imports/{id}/header"))
        .json(&json!({"first_row": "header"}))
        .await
        .expect(200);
    let mapping = json!({"columns": "auto"});
    app.put(format!("/imports/{id}/mapping")).json(&mapping).await.expect(200);
    let matching = json!({"mode": "match", "key": "email"});
    app.put(format!("/imports/{id}/matching")).json(&matching).await.expect(202);
    app.run_jobs().await;
    let plan = app.get(format!("/imports/{id}/plan")).await.expect(200);
    assert_eq!(plan.json["outcomes"]["update"], 1, "{plan:?}");
    merged(&app, &winner, &[&loser]).await;
    let commit = json!({"plan_hash": plan.json["hash"]});
    let refused = app.post(format!("/imports/{id}/commit")).json(&commit).await;
    refused.expect_problem(409, "plan_outdated", &[]);
}
