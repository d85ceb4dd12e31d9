//! An import in one call.

use diesel::RunQueryDsl;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_tests::{Client, TestApp};

use super::import;

const LIST: &str = "E-mail;Jméno\njana@example.cz;Jana\npetr@example.cz;Petr\n";

fn form(options: Option<&Value>, list: &str) -> Form {
    let form = Form::new();
    let form = match options {
        Some(options) => form.text("options", options.to_string()),
        None => form,
    };
    form.part("file", Part::bytes(list.as_bytes().to_vec()).file_name("kontakty.csv"))
}

/// Runs it to its end; the job and the import.
async fn run(app: &TestApp, who: &Client, options: Option<&Value>, list: &str) -> (Value, Value) {
    let job = who.post("/imports/run").multipart(form(options, list)).await.expect(202);
    assert_eq!(job.header("location"), format!("/api/v1/jobs/{}", job.id()));
    app.run_jobs().await;
    let job = who.get(job.header("location")).await.expect(200).json;
    let id = job["subject"]["id"].as_str().unwrap().to_owned();
    (job, who.get(format!("/imports/{id}")).await.expect(200).json)
}

/// IMP-19
#[tokio::test]
async fn a_file_alone_is_enough() {
    let app = TestApp::new().await;
    let shop = app.integration(&["imports:read", "imports:write"]);
    let (job, done) = run(&app, &shop, None, LIST).await;
    assert_eq!(
        (job["state"].as_str(), job["kind"].as_str()),
        (Some("succeeded"), Some("import_run"))
    );
    assert_eq!(
        (done["state"].as_str(), done["name"].as_str()),
        (Some("done"), Some("kontakty.csv"))
    );
    assert_eq!(done["summary"]["created"], 2);
    assert_eq!(done["first_row"], "header");
    // again: nobody is doubled
    let (_, again) = run(&app, &shop, None, LIST).await;
    assert_eq!(
        (&again["summary"]["created"], &again["summary"]["unchanged"]),
        (&json!(0), &json!(2))
    );
    let (_, off) =
        run(&app, &shop, Some(&json!({ "name": "Twice", "matching": { "mode": "none" } })), LIST)
            .await;
    assert_eq!((off["name"].as_str(), &off["summary"]["created"]), (Some("Twice"), &json!(2)));
}

/// IMP-19, IMP-20
#[tokio::test]
async fn faults_of_the_options_are_told_at_once_and_nothing_stays() {
    let app = TestApp::new().await;
    let faulty = json!({
        "encoding": "klingon",
        "delimiter": "*",
        "mapping": { "columns": [{ "index": 0, "target": "emial" }], "phone_region": "XX" },
        "matching": { "mode": "match", "outcomes": { "all": { "action": "skip" } } }
    });
    let pointers = [
        "#/options/encoding",
        "#/options/delimiter",
        "#/options/mapping/columns/0/target",
        "#/options/mapping/phone_region",
        "#/options/matching/key",
        "#/options/matching/outcomes/all",
    ];
    app.post("/imports/run").multipart(form(Some(&faulty), LIST)).await.expect_problem(
        422,
        "validation_failed",
        &pointers,
    );
    // before a file that nobody would want to send first
    let only = Form::new().text("options", faulty.to_string());
    app.post("/imports/run").multipart(only).await.expect_problem(
        422,
        "validation_failed",
        &pointers,
    );
    for (options, pointers) in [
        (json!({ "colour": "red" }), vec!["#/options/colour"]),
        (json!({ "first_row": "maybe" }), vec!["#/options/first_row"]),
        (json!([]), vec!["#/options"]),
        // what only the file can tell
        (
            json!({ "mapping": { "columns": [{ "index": 7, "target": "email" }] } }),
            vec!["#/options/mapping/columns/0/index"],
        ),
        (
            json!({ "matching": { "mode": "match", "key": "phone" } }),
            vec!["#/options/matching/key"],
        ),
        (json!({ "template_id": Uuid::now_v7() }), vec!["#/options/template_id"]),
    ] {
        app.post("/imports/run").multipart(form(Some(&options), LIST)).await.expect_problem(
            422,
            "validation_failed",
            &pointers,
        );
    }
    let broken = Form::new()
        .text("options", "{\"mapping\":")
        .part("file", Part::bytes(LIST.as_bytes().to_vec()));
    app.post("/imports/run").multipart(broken).await.expect_problem(
        422,
        "invalid_json",
        &["#/options"],
    );
    let no_file = Form::new().text("options", "{}");
    app.post("/imports/run").multipart(no_file).await.expect_problem(
        422,
        "validation_failed",
        &["#/file"],
    );
    let odd = form(None, LIST).text("comment", "x");
    app.post("/imports/run").multipart(odd).await.expect_problem(
        422,
        "validation_failed",
        &["#/comment"],
    );
    let twice = form(Some(&json!({})), LIST).text("options", "{}");
    app.post("/imports/run").multipart(twice).await.expect(422);
    app.post("/imports/run").bytes("text/csv", LIST).await.expect_problem(
        415,
        "unsupported_media_type",
        &[],
    );
    app.post("/imports/run").multipart(form(None, "")).await.expect_problem(
        422,
        "import_empty",
        &[],
    );
    app.with_scopes(&["imports:read"])
        .post("/imports/run")
        .multipart(form(None, LIST))
        .await
        .expect(403);
    assert_eq!(app.count("SELECT count(*) AS n FROM imports"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM import_data"), 0);
}

/// IMP-19
#[tokio::test]
async fn a_saved_mapping_is_used_and_what_is_given_goes_before_it() {
    let app = TestApp::new().await;
    let options = json!({
        "name": "Shop",
        "mapping": { "columns": [{ "index": 0, "target": "email" }, { "index": 1, "target": "detail:nick" }] },
        "matching": { "mode": "match", "key": "email", "outcomes": { "none": { "action": "import", "tags": ["shop"] } } }
    });
    let template = app
        .post("/import-templates")
        .json(&json!({ "name": "Shop", "options": options }))
        .await
        .expect(201)
        .id();
    let (_, done) = run(&app, &app, Some(&json!({ "template_id": template })), LIST).await;
    assert_eq!(done["name"], "Shop");
    assert_eq!(done["mapping"]["columns"][1]["target"], "detail:nick");
    assert_eq!(done["matching"]["outcomes"]["none"]["tags"], json!(["shop"]));
    let given = json!({ "template_id": template, "name": "Once", "matching": { "mode": "none" } });
    let (_, done) = run(&app, &app, Some(&given), LIST).await;
    assert_eq!(
        (done["name"].as_str(), done["matching"]["mode"].as_str()),
        (Some("Once"), Some("none"))
    );
    assert_eq!(done["mapping"]["columns"][1]["target"], "detail:nick");
    let other = app.other_workspace();
    other
        .post("/imports/run")
        .multipart(form(Some(&json!({ "template_id": template })), LIST))
        .await
        .expect_problem(422, "validation_failed", &["#/options/template_id"]);
}

/// IMP-19
#[tokio::test]
async fn a_call_sent_twice_is_done_once() {
    let app = TestApp::new().await;
    let call = |list: &'static str| {
        app.post("/imports/run").header("idempotency-key", "night-1").multipart(form(None, list))
    };
    let first = call(LIST).await.expect(202);
    app.run_jobs().await;
    let second = call(LIST).await.expect(202);
    assert_eq!(first.id(), second.id());
    assert_eq!(second.header("idempotent-replayed"), "true");
    call("E-mail\nother@example.cz\n").await.expect_problem(422, "idempotency_key_reused", &[]);
    assert_eq!(app.run_jobs().await, 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM imports"), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 2);
}

/// IMP-19, IMP-13, TRS-3
#[tokio::test]
async fn a_full_workspace_fails_the_job_or_is_filled() {
    let app = TestApp::new().await;
    diesel::sql_query("UPDATE workspaces SET contact_limit = 1")
        .execute(&mut app.connection())
        .unwrap();
    let (job, failed) = run(&app, &app, None, LIST).await;
    assert_eq!(
        (job["state"].as_str(), job["problem"]["code"].as_str()),
        (Some("failed"), Some("contact_limit_reached"))
    );
    assert_eq!(
        (failed["state"].as_str(), failed["problem"]["code"].as_str()),
        (Some("failed"), Some("contact_limit_reached"))
    );
    assert_eq!(failed["problem"]["limit"], 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 0);

    let fill = json!({ "matching": { "mode": "match", "key": "email", "on_limit": "fill" } });
    let (job, done) = run(&app, &app, Some(&fill), LIST).await;
    assert_eq!(job["state"], "succeeded");
    assert_eq!((&done["summary"]["created"], &done["summary"]["skipped"]), (&json!(1), &json!(1)));
}

/// IMP-19, IMP-14
#[tokio::test]
async fn whoever_goes_back_in_it_is_asked_before_anything_is_written() {
    let app = TestApp::new().await;
    let job = app.post("/imports/run").multipart(form(None, LIST)).await.expect(202);
    let id = job.text_at("/subject/id");
    app.put(format!("/imports/{id}/mapping")).json(&json!({ "columns": "auto" })).await.expect(200);
    app.put(format!("/imports/{id}/matching")).json(&json!({ "mode": "none" })).await.expect(202);
    app.run_jobs().await;
    assert_eq!(import(&app, &id).await["state"], "awaiting_commit");
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 0);
}
