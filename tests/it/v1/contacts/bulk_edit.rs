//! Tests of `POST /contacts/bulk-edit`.

use std::future::IntoFuture;

use diesel::{PgConnection, RunQueryDsl};
use kartoteka_domain::scopes::Role;
use kartoteka_tests::program::until;
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::notes::person;
use crate::deaths::{Moment, work_with_deaths};

async fn contact(app: &TestApp, body: Value) -> String {
    app.post("/contacts").json(&body).await.expect(201).id()
}

/// Asks for a bulk edit, has it done, and reads its job.
async fn edited(app: &TestApp, body: &Value) -> Answer {
    let job = app.post("/contacts/bulk-edit").json(body).await.expect(202);
    assert_eq!(job.header("location"), format!("/api/v1/jobs/{}", job.id()));
    app.run_jobs().await;
    let job = app.get(job.header("location")).await.expect(200);
    assert_eq!(job.json["state"], "succeeded", "{job:?}");
    job
}

/// What became of each contact of a job.
async fn outcomes(app: &TestApp, job: &str, query: &str) -> Vec<(String, Value, Value)> {
    let answer = app.get(format!("/jobs/{job}/contacts?limit=200{query}")).await.expect(200);
    let row = |row: &Value| {
        let id = row["contact_id"].as_str().unwrap().to_owned();
        (id, row["outcome"].clone(), row["reason"].clone())
    };
    answer.data().iter().map(row).collect()
}

async fn read(app: &TestApp, id: &str) -> Value {
    app.get(format!("/contacts/{id}")).await.expect(200).json.clone()
}

/// CON-6: every kind of change, by a selection, with an outcome for each contact; consents stay.
#[tokio::test]
async fn a_selection_is_changed_in_every_way() {
    let app = TestApp::new().await;
    let old = app.post("/groups").json(&json!({"name": "old"})).await.expect(201).id();
    let new = app.post("/groups").json(&json!({"name": "new"})).await.expect(201).id();
    let kind = app.post("/contact-types").json(&json!({"name": "person"})).await.expect(201).id();
    let city = json!({"city": "Brno"});
    let jana = contact(
        &app,
        json!({"first_name": "Jana", "address": city, "group_ids": [old], "company_name": "Kůň",
            "tags": [{"name": "vip", "score": 5}, "gone"], "details": {"a": 1, "b": "x", "keep": true}}),
    )
    .await;
    let done = json!({"tags": {"add": [{"name": "VIP"}, {"name": "jaro", "score": 2}], "remove": ["Gone"]},
        "groups": {"add": [new], "remove": [old]}, "type_id": kind, "state": "partner", "score": 7,
        "language": "cs", "time_zone": "Europe/Prague", "job_title": null, "company_name": "Žába s.r.o.",
        "address": {"country": "CZ"}, "details": {"a": null, "b": "y", "c": 2.5},
        "subscribed": false, "muted": true});
    let eva = contact(&app, json!({"first_name": "Eva", "address": city})).await;
    let other = contact(&app, json!({"first_name": "Ida", "address": {"city": "Praha"}})).await;
    let untouched = read(&app, &other).await;
    app.post(format!("/contacts/{jana}/consents"))
        .json(&json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"}))
        .await
        .expect(201);
    let consents = "SELECT count(*) AS n FROM consent_entries";
    let before = read(&app, &jana).await;

    let selection = json!({"where": {"field": "address.city", "op": "eq", "value": "Brno"}});
    let body = json!({"selection": selection, "changes": done});
    let job = edited(&app, &body).await;
    assert_eq!(job.json["kind"], "contacts_bulk_edit");
    assert_eq!(job.json["progress"], json!({"done": 2, "total": 2}));
    assert_eq!(job.json["counts"], json!({"applied": 2, "unchanged": 0, "skipped": {}}));

    let after = read(&app, &jana).await;
    for (field, value) in [
        ("tags", json!([{"name": "jaro", "score": 2}, {"name": "vip", "score": 5}])),
        ("group_ids", json!([new])),
        ("type_id", json!(kind)),
        ("state", json!("partner")),
        ("score", json!(7)),
        ("language", json!("cs")),
        ("time_zone", json!("Europe/Prague")),
        ("company_name", json!("Žába s.r.o.")),
        ("details", json!({"b": "y", "c": 2.5, "keep": true})),
    ] {
        assert_eq!(after[field], value, "{field}");
    }
    assert_eq!(after["address"]["city"], "Brno");
    assert_eq!(after["address"]["country"], "CZ");
    assert_eq!(after["communication"]["display"], "muted");
    assert_eq!(after["communication"]["subscribed"], false);
    assert_eq!(after["communication"]["email"], before["communication"]["email"]);
    assert_eq!(app.count(consents), 1, "consents are never changed so");
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    assert_eq!(read(&app, &eva).await["tags"][1], json!({"name": "vip", "score": 0}));
    assert_eq!(read(&app, &other).await, untouched);
    let found = app.get("/contacts?q=zaba").await.expect(200);
    assert_eq!(found.data().len(), 2, "the search follows");
    app.check_invariants();

    // who changed what, through which job
    let lines = app.get(format!("/audit?record_id={jana}&action=contact.update")).await.expect(200);
    assert_eq!(lines.data().len(), 1);
    assert_eq!(lines.data()[0]["job_id"], json!(job.id()));
    let fields = lines.data()[0]["changes"]["fields"].as_array().unwrap();
    for field in ["tags", "group_ids", "type_id", "details.a", "details.b", "details.c", "muted"] {
        assert!(fields.contains(&json!(field)), "{field} {fields:?}");
    }
    assert!(!fields.contains(&json!("job_title")), "it had none: {fields:?}");

    // once more: nothing is left to change
    let again = edited(&app, &body).await;
    assert_eq!(again.json["counts"], json!({"applied": 0, "unchanged": 2, "skipped": {}}));
    assert_eq!(read(&app, &jana).await, after);
    let lines = app.get(format!("/audit?record_id={jana}&action=contact.update")).await.expect(200);
    assert_eq!(lines.data().len(), 1);
}

/// CON-6: by ids; who is in the trash, unknown or foreign is told, and left alone.
#[tokio::test]
async fn contacts_that_cannot_be_changed_are_told_with_reasons() {
    let app = TestApp::new().await;
    let stranger = app.other_workspace();
    let foreign = stranger.post("/contacts").json(&json!({"first_name": "X"})).await.expect(201);
    let jana = contact(&app, json!({"first_name": "Jana"})).await;
    let gone = contact(&app, json!({"first_name": "Eva"})).await;
    app.delete(format!("/contacts/{gone}")).await.expect(204);
    let firm = contact(&app, json!({"company_name": "Kůň"})).await;
    let details: serde_json::Map<String, Value> =
        (0..200).map(|n| (format!("d{n}"), json!(n))).collect();
    let full = contact(&app, json!({"first_name": "Ida", "details": details})).await;
    let unknown = Uuid::now_v7().to_string();
    let ids = json!([jana, gone, firm, full, foreign.id(), unknown, jana]);
    let changes = json!({"company_name": null, "details": {"one": 1}, "tags": {"add": ["new"]}});
    let job = edited(&app, &json!({"ids": ids, "changes": changes})).await;
    assert_eq!(
        job.json["counts"],
        json!({"applied": 1, "unchanged": 0, "skipped": {"in_trash": 1, "not_found": 2,
            "nothing_identifies": 1, "too_many_details": 1}})
    );
    assert_eq!(job.json["progress"], json!({"done": 6, "total": 6}));
    let rows = outcomes(&app, &job.id(), "").await;
    assert!(rows.is_sorted_by_key(|row| row.0.clone()));
    let of = |id: &str| {
        let row = rows.iter().find(|row| row.0 == id).unwrap();
        (row.1.clone(), row.2.clone())
    };
    assert_eq!(of(&jana), (json!("applied"), Value::Null));
    assert_eq!(of(&gone), (json!("skipped"), json!("in_trash")));
    assert_eq!(of(&firm), (json!("skipped"), json!("nothing_identifies")));
    assert_eq!(of(&full), (json!("skipped"), json!("too_many_details")));
    assert_eq!(of(&foreign.id()), (json!("skipped"), json!("not_found")));
    assert_eq!(of(&unknown), (json!("skipped"), json!("not_found")));
    for skipped in [&gone, &firm, &full] {
        assert_eq!(read(&app, skipped).await["tags"], json!([]), "left alone as a whole");
    }
    let skipped = outcomes(&app, &job.id(), "&outcome=skipped&reason=not_found").await;
    assert_eq!(skipped.len(), 2);
    assert_eq!(outcomes(&app, &job.id(), "&outcome=unchanged").await, []);
    let path = format!("/jobs/{}/contacts?outcome=skipped&limit=3", job.id());
    let page = app.get(&path).await.expect(200);
    let cursor = page.text_at("/next_cursor");
    assert_eq!(app.get(format!("{path}&cursor={cursor}")).await.expect(200).data().len(), 2);
    stranger.get(format!("/jobs/{}/contacts", job.id())).await.expect(404);
    app.get(format!("/jobs/{}/contacts?outcome=lost", job.id())).await.expect(422);
    assert_eq!(
        stranger.get(format!("/contacts/{}", foreign.id())).await.expect(200).json,
        foreign.json
    );
}

/// CON-6: an empty selection and empty changes are refused; all faults at once.
#[tokio::test]
async fn nobody_and_nothing_are_refused() {
    let app = TestApp::new().await;
    let jana = contact(&app, json!({"first_name": "Jana"})).await;
    let score = json!({"score": 1});
    let brno = json!({"where": {"field": "address.city", "op": "eq", "value": "Brno"}});
    for (body, code) in [
        (json!({"changes": score}), "empty_selection"),
        (json!({"ids": [], "changes": score}), "empty_selection"),
        (json!({"selection": {}, "changes": score}), "empty_selection"),
        (json!({"selection": {"where": null}, "changes": score}), "empty_selection"),
        (json!({"selection": brno, "changes": score}), "empty_selection"),
        (json!({"ids": [jana], "changes": {}}), "nothing_to_change"),
        (json!({"ids": [jana], "changes": {"tags": {"add": []}}}), "nothing_to_change"),
    ] {
        app.post("/contacts/bulk-edit").json(&body).await.expect_problem(422, code, &[]);
    }
    let group = Uuid::now_v7();
    let body = json!({"selection": {"where": {"field": "shoe", "op": "eq", "value": 1}},
        "changes": {"email": "a@b.cz", "groups": {"add": [group]}, "state": "enemy"}, "dry_run": true});
    app.post("/contacts/bulk-edit").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &[
            "#/dry_run",
            "#/changes/email",
            "#/changes/state",
            "#/changes/groups/add/0",
            "#/selection/where/field",
        ],
    );
    app.with_scopes(&["contacts:read"])
        .post("/contacts/bulk-edit")
        .json(&json!({}))
        .await
        .expect(403);
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs"), 0);
    // a key means one job
    let body = json!({"ids": [jana], "changes": score});
    let ask = || app.post("/contacts/bulk-edit").header("idempotency-key", "k").json(&body);
    assert_eq!(ask().await.expect(202).id(), ask().await.expect(202).id());
    app.run_jobs().await;
    assert_eq!(read(&app, &jana).await["score"], 1);
}

/// CON-6: whom the selection means is put down first; the job does not change it under its own feet.
#[tokio::test]
async fn the_selection_is_frozen_when_the_job_begins() {
    let app = TestApp::new().await;
    for n in 0..5 {
        contact(&app, json!({"first_name": format!("{n}"), "tags": ["todo"]})).await;
    }
    let body = json!({"selection": {"where": {"field": "tag", "op": "has", "value": "todo"}},
        "changes": {"tags": {"remove": ["todo"], "add": ["done"]}}});
    let job = edited(&app, &body).await;
    assert_eq!(job.json["counts"]["applied"], 5);
    assert_eq!(outcomes(&app, &job.id(), "&outcome=applied").await.len(), 5);
    // when it begins, not when it is asked for: who comes to fit before is among them, who leaves is not
    contact(&app, json!({"first_name": "a", "tags": ["todo"]})).await;
    let asked = app.post("/contacts/bulk-edit").json(&body).await.expect(202);
    contact(&app, json!({"first_name": "b", "tags": ["todo"]})).await;
    assert_eq!(outcomes(&app, &asked.id(), "").await, []);
    app.run_jobs().await;
    assert_eq!(outcomes(&app, &asked.id(), "&outcome=applied").await.len(), 2);
}

/// CON-6: a group that is gone when the job begins fails it with words, and nothing is changed.
#[tokio::test]
async fn a_job_whose_group_is_gone_fails() {
    let app = TestApp::new().await;
    let group = app.post("/groups").json(&json!({"name": "a"})).await.expect(201).id();
    let jana = contact(&app, json!({"first_name": "Jana"})).await;
    let body = json!({"ids": [jana], "changes": {"groups": {"add": [group]}, "score": 5}});
    let job = app.post("/contacts/bulk-edit").json(&body).await.expect(202);
    app.delete(format!("/groups/{group}")).await.expect(204);
    app.run_jobs().await;
    let job = app.get(job.header("location")).await.expect(200);
    assert_eq!(job.json["state"], "failed");
    assert_eq!(job.json["problem"]["code"], "unknown_reference");
    assert_eq!(read(&app, &jana).await["score"], 0);
}

/// CON-6: one that waits is stopped at once.
#[tokio::test]
async fn a_bulk_edit_can_be_cancelled() {
    let app = TestApp::new().await;
    let jana = contact(&app, json!({"first_name": "Jana"})).await;
    let body = json!({"ids": [jana], "changes": {"score": 5}});
    let job = app.post("/contacts/bulk-edit").json(&body).await.expect(202);
    app.post(format!("/jobs/{}/cancel", job.id())).await.expect(200);
    app.run_jobs().await;
    assert_eq!(read(&app, &jana).await["score"], 0);
    assert_eq!(app.get(job.header("location")).await.json["state"], "cancelled");
}

/// IMP-13: a bulk edit of details makes plans of imports old, as a single one does; others do not.
#[tokio::test]
async fn only_changed_keys_move_the_revision() {
    let app = TestApp::new().await;
    let jana = contact(&app, json!({"first_name": "Jana", "details": {"a": 1}})).await;
    let revision = || app.count("SELECT sum(revision)::bigint AS n FROM workspace_usage");
    let before = revision();
    edited(&app, &json!({"ids": [jana], "changes": {"score": 5, "tags": {"add": ["x"]}}})).await;
    edited(&app, &json!({"ids": [jana], "changes": {"details": {"a": 1}}})).await;
    assert_eq!(revision(), before);
    edited(&app, &json!({"ids": [jana], "changes": {"details": {"a": 2}}})).await;
    assert_eq!(revision(), before + 1);
}

const CROWD: i64 = 1_500;

/// So many contacts.
async fn crowd(app: &TestApp, count: i64) {
    let rows: Vec<String> = (0..count).map(|n| format!("n{n}@example.com,N{n}")).collect();
    let list = format!("e-mail,first name\n{}\n", rows.join("\n"));
    let import = app.import(list, &json!({})).await;
    assert_eq!(import.json["summary"]["created"], count, "{import:?}");
}

/// CON-6: cancelled between chunks, it stops there. What is done is done whole, and told; the others are as
/// they were.
#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_edit_cancelled_between_chunks_stops_there() {
    let app = TestApp::new().await;
    let all = 4_000;
    crowd(&app, all).await;
    let body = json!({"selection": {"where": {"field": "score", "op": "eq", "value": 0}},
        "changes": {"score": 3, "tags": {"add": ["a"]}}});
    let job = app.post("/contacts/bulk-edit").json(&body).await.expect(202);
    // chunks of two hundred, as over any job that lost workers
    app.execute("UPDATE jobs SET crashes = 2 WHERE state = 'queued'");
    // the third one has to wait for a contact in its middle
    let mut holder = app.connection();
    let run = |conn: &mut PgConnection, sql: &str| {
        diesel::sql_query(sql).execute(conn).unwrap();
    };
    run(&mut holder, "BEGIN");
    run(
        &mut holder,
        "SELECT 1 FROM contacts WHERE id = (SELECT id FROM contacts ORDER BY id OFFSET 500 LIMIT 1) FOR UPDATE",
    );
    // who waits is told by its statement: leases are renewed meanwhile too
    let waits = |statement: &str| {
        let sql = format!(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
             AND wait_event_type = 'Lock' AND query LIKE '{statement}'"
        );
        app.count(&sql) > 0
    };
    let stop = async {
        until("the third chunk waits", || waits("SELECT id, trashed_at %"));
        let release = async {
            until("so does who cancels", || waits("UPDATE jobs % cancel_requested = true%"));
            run(&mut holder, "COMMIT");
        };
        let cancel = tokio::spawn(app.post(format!("/jobs/{}/cancel", job.id())).into_future());
        release.await;
        cancel.await.unwrap().expect(200);
    };
    tokio::join!(app.run_jobs(), stop);
    let path = format!("/jobs/{}", job.id());
    let ended = app.get(&path).await.expect(200);
    assert_eq!(ended.json["state"], "cancelled", "{ended:?}");
    // who cancels waits for the chunk under way; whether it gets the job before the next chunk does is chance
    let done = ended.json["progress"]["done"].as_i64().unwrap();
    assert!((600..all).contains(&done) && done % 200 == 0, "{ended:?}");
    assert_eq!(ended.json["progress"]["total"], all);
    assert_eq!(ended.json["counts"], json!({"applied": done, "unchanged": 0, "skipped": {}}));
    for (what, count) in [
        ("contacts WHERE score = 3", done),
        ("contacts WHERE score = 0", all - done),
        ("contact_tags ct JOIN contacts c ON c.id = ct.contact_id WHERE c.score = 3", done),
        ("contact_tags", done),
        ("frozen_contacts", all),
        ("frozen_outcomes o, generate_series(0, o.repeats) WHERE outcome = 'applied'", done),
        ("audit_entries WHERE action = 'contact.update'", done),
    ] {
        assert_eq!(app.count(&format!("SELECT count(*) AS n FROM {what}")), count, "{what}");
    }
    // the list says of whom nothing was done
    let open = app.get(format!("{path}/contacts?limit=200")).await.expect(200);
    assert!(open.data().iter().all(|row| row["outcome"] == "applied"));
    assert_eq!(outcomes(&app, &job.id(), "&outcome=unchanged").await, []);
    app.post(format!("{path}/cancel")).await.expect_problem(409, "job_not_cancellable", &[]);
    assert_eq!(app.run_jobs().await, 0, "nobody takes it up again");
    app.check_invariants();
}

/// CON-6: killed again and again, the job changes everybody once.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_changes_nobody_twice() {
    let app = TestApp::new().await;
    crowd(&app, CROWD).await;
    let body = json!({"selection": {"where": {"field": "score", "op": "eq", "value": 0}},
        "changes": {"score": 3, "tags": {"add": ["a"]}, "details": {"x": 1}}});
    let job = app.post("/contacts/bulk-edit").json(&body).await.expect(202);
    let died = work_with_deaths(&app, &[Moment::Rows(1); 3]);
    assert!(died > 0, "no worker was caught in its work");
    let job = app.get(format!("/jobs/{}", job.id())).await.expect(200);
    assert_eq!(job.json["state"], "succeeded");
    assert_eq!(job.json["counts"], json!({"applied": CROWD, "unchanged": 0, "skipped": {}}));
    for (what, count) in [
        ("contacts WHERE score = 3 AND details = '{\"x\": 1}'", CROWD),
        ("contact_tags", CROWD),
        ("frozen_contacts", CROWD),
        ("frozen_outcomes o, generate_series(0, o.repeats) WHERE outcome = 'applied'", CROWD),
        ("audit_entries WHERE action = 'contact.update'", CROWD),
    ] {
        assert_eq!(app.count(&format!("SELECT count(*) AS n FROM {what}")), count, "{what}");
    }
    app.check_invariants();
}

/// MGR-5, CON-12: contacts that the one who asked only sees are left alone, and it is said.
#[tokio::test]
async fn contacts_of_a_read_only_owner_are_left_alone() {
    let app = TestApp::new().await;
    let (eva, client) = person(&app, "eva", Role::Manager).await;
    let seen = contact(&app, json!({"first_name": "Jana"})).await;
    let free = contact(&app, json!({"first_name": "Petr"})).await;
    let owner = format!("/contacts/{seen}/owners/{eva}");
    app.put(owner).json(&json!({"level": "read_only"})).await.expect(200);
    let body = json!({"ids": [seen, free], "changes": {"score": 5}});
    let job = client.post("/contacts/bulk-edit").json(&body).await.expect(202).id();
    app.run_jobs().await;
    let mut expected = vec![
        (seen.clone(), json!("skipped"), json!("not_permitted")),
        (free.clone(), json!("applied"), Value::Null),
    ];
    let mut found = outcomes(&app, &job, "").await;
    found.sort_by(|one, other| one.0.cmp(&other.0));
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(found, expected);
    assert_eq!(read(&app, &seen).await["score"], 0);
    // neither may they be put into groups by hand
    let group = app.post("/groups").json(&json!({"name": "a"})).await.expect(201).id();
    let path = format!("/contacts/{seen}/groups/{group}");
    client.put(&path).await.expect_problem(403, "not_permitted", &[]);
    client.delete(&path).await.expect_problem(403, "not_permitted", &[]);
}

/// SEG-5: a segment that a waiting job names stays until the job has ended.
#[tokio::test]
async fn a_segment_stays_while_a_job_waits_to_use_it() {
    let app = TestApp::new().await;
    let jana = contact(&app, json!({"first_name": "Jana", "state": "partner"})).await;
    let filter = json!({"field": "state", "op": "eq", "value": "partner"});
    let segment =
        app.post("/segments").json(&json!({"name": "s", "filter": filter})).await.expect(201).id();
    let body = json!({"selection": {"segments": [segment]}, "changes": {"score": 5}});
    let job = app.post("/contacts/bulk-edit").json(&body).await.expect(202);
    assert_eq!(job.json["subject"], json!({"type": "segment", "id": segment}));
    let job = job.id();
    let path = format!("/segments/{segment}");
    let refused = app.delete(&path).await.expect_problem(409, "segment_in_use", &[]);
    assert_eq!(refused.json["jobs"], 1);
    app.run_jobs().await;
    assert_eq!(outcomes(&app, &job, "").await, [(jana.clone(), json!("applied"), Value::Null)]);
    assert_eq!(read(&app, &jana).await["score"], 5);
    app.delete(&path).await.expect(204);
    // a selection of other kinds has no one thing that it works on
    let body = json!({"ids": [jana], "changes": {"score": 6}});
    assert_eq!(edited(&app, &body).await.json["subject"], Value::Null);
}
