//! Nothing is erased that was not noted before.

use std::fs;

use kartoteka_app::erasures::Journal;
use kartoteka_tests::TestApp;
use serde_json::json;

use super::{contact, erase, erasure, journal};

/// TRS-5: without a journal an erasure is refused, and nothing is done.
#[tokio::test]
async fn without_a_journal_nobody_is_erased() {
    // a folder, where a file should be
    let folder = env!("CARGO_MANIFEST_DIR");
    let app = TestApp::with(|settings| settings.journal = Journal::new(folder.into())).await;
    let jana = contact(&app, &json!({"email": "jana@example.cz"})).await;
    let path = format!("/contacts/{jana}/erase");
    let refused = app.post(&path).json(&json!({})).await;
    refused.expect_problem(503, "erasure_journal_unavailable", &[]);
    let refused = app.post("/erasures").json(&json!({"email": "jana@example.cz"})).await;
    refused.expect_problem(503, "erasure_journal_unavailable", &[]);
    assert_eq!(app.count("SELECT count(*) AS n FROM erasures"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs"), 0);
}

/// TRS-5: a worker that cannot write the line waits, and gives up visibly; then it can be asked for again.
#[tokio::test]
async fn a_worker_without_a_journal_erases_nobody() {
    let app = TestApp::new().await;
    let jana = contact(&app, &json!({"email": "jana@example.cz"})).await;
    let job = erase(&app, &jana).await;
    let path = app.settings().journal.path().to_owned();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    app.run_jobs().await;
    assert_eq!(erasure(&app, &job).await.json["state"], "requested");
    for _ in 0..8 {
        app.execute("UPDATE jobs SET run_at = now() WHERE state = 'queued'");
        app.run_jobs().await;
    }
    let failed = erasure(&app, &job).await;
    let problem = &failed.json["problem"];
    assert_eq!(
        (&failed.json["state"], problem),
        (&json!("failed"), &json!("erasure_journal_unavailable"))
    );
    let job = app.get(format!("/jobs/{}", job.id())).await.expect(200);
    assert_eq!(job.json["problem"]["code"], "erasure_journal_unavailable");
    app.get(format!("/contacts/{jana}")).await.expect(200);
    fs::remove_dir(&path).unwrap();
    let again = erase(&app, &jana).await;
    app.run_jobs().await;
    assert_eq!(erasure(&app, &again).await.json["state"], "done");
    assert_eq!(journal(&app).len(), 1, "the one that failed was never noted");
}

/// TRS-5: a line says what is needed to do it again, and nothing about anybody.
#[tokio::test]
async fn a_line_holds_ids_and_hashes_only() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jana", "last_name": "Zmizelá", "email": "jana@example.cz", "phone": "601123456"});
    let jana = contact(&app, &body).await;
    let job = erase(&app, &jana).await;
    app.run_jobs().await;
    let text = fs::read_to_string(app.settings().journal.path()).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    let members: Vec<&String> = line.as_object().unwrap().keys().collect();
    let wanted = [
        "version",
        "erasure",
        "workspace",
        "by_address",
        "contacts",
        "addresses",
        "reason",
        "suppress",
        "requested_at",
    ];
    assert_eq!(members, wanted);
    assert_eq!(
        (&line["erasure"], &line["contacts"]),
        (&json!(job.text_at("/subject/id")), &json!([jana]))
    );
    // an id or a hash has no such letters
    for word in ["jana", "zmizel", "example", "+420"] {
        assert!(!text.to_lowercase().contains(word), "{word}: {text}");
    }
}
