//! Workers that are killed: every contact is changed exactly once.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{asked, counts, job_path};
use crate::deaths::{Moment, work_with_deaths};

/// How often a worker is killed over one job.
const DEATHS: usize = 12;
/// Contacts; a chunk over a job that lost workers has two hundred.
const CROWD: i64 = 4_000;

async fn crowd(app: &TestApp) {
    let rows: Vec<String> = (0..CROWD).map(|n| format!("n{n}@example.com,N{n}")).collect();
    let list = format!("e-mail,first name\n{}\n", rows.join("\n"));
    let import = app.import(list, &json!({})).await;
    assert_eq!(import.json["summary"]["created"], CROWD, "{import:?}");
}

/// Everybody, who fits until the job has come to them: so a job that asked again would lose some.
fn everybody() -> Value {
    json!({ "where": { "field": "score", "op": "eq", "value": 0 } })
}

/// Between chunks, and in the middle of one.
fn moments() -> Vec<Moment> {
    let statements =
        ["WITH wanted", "WITH differs", "INSERT INTO frozen_outcomes", "INSERT INTO audit_entries"];
    (0..DEATHS)
        .map(|n| match n % 5 {
            0 => Moment::Statement(statements[(n / 5) % statements.len()]),
            _ => Moment::Rows(1),
        })
        .collect()
}

fn check(app: &TestApp, what: &[(&str, i64)]) {
    for (rows, count) in what {
        assert_eq!(app.count(&format!("SELECT count(*) AS n FROM {rows}")), *count, "{rows}");
    }
}

/// MGR-3, MGR-4: workers are killed over a job of four actions, and some more over the one that undoes it; every
/// contact is changed once by each action, and once back.
#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_change_everybody_exactly_once() {
    let app = TestApp::new().await;
    crowd(&app).await;
    let actions = json!([
        {"type": "add_tags", "tags": ["a", {"name": "b", "score": 2}]},
        {"type": "set_detail", "name": "x", "value": 1},
        {"type": "set_score", "score": 3},
        {"type": "set_state", "state": "partner"},
    ]);
    let job = asked(&app, everybody(), actions).await.id();
    let died = work_with_deaths(&app, &moments());
    assert!(died > DEATHS / 2, "only {died} workers were caught in their work");
    let job = app.get(format!("/contact-manager/jobs/{job}")).await.expect(200);
    assert_eq!(job.json["state"], "succeeded", "{job:?}");
    let once = counts(CROWD, 0, json!({}));
    let all = json!({"add_tags": once, "set_detail": once, "set_score": once, "set_state": once});
    assert_eq!(job.json["outcomes"], all);
    check(
        &app,
        &[
            ("contacts WHERE score = 3 AND state = 'partner' AND details = '{\"x\": 1}'", CROWD),
            ("contact_tags", 2 * CROWD),
            ("frozen_contacts", CROWD),
            (
                "frozen_outcomes o, generate_series(0, o.repeats) WHERE outcome = 'applied'",
                4 * CROWD,
            ),
            ("audit_entries WHERE action = 'contact.update'", 4 * CROWD),
        ],
    );
    let undo = app.post(format!("/contact-manager/jobs/{}/undo", job.id())).await.expect(202);
    let died = work_with_deaths(&app, &[Moment::Rows(1); 5]);
    assert!(died > 0, "no worker was caught in its work");
    let undo = app.get(job_path(&undo)).await.expect(200);
    assert_eq!((&undo.json["state"], &undo.json["outcomes"]), (&json!("succeeded"), &all));
    check(
        &app,
        &[
            ("contacts WHERE score = 0 AND state = 'prospect' AND details = '{}'", CROWD),
            ("contact_tags", 0),
            ("audit_entries WHERE action = 'contact.update'", 8 * CROWD),
        ],
    );
    app.check_invariants();
}
