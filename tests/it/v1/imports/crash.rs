//! Whatever happens to the worker: no row is lost, none doubled (IMP-17).

use serde_json::{Value, json};

use kartoteka_tests::TestApp;

use crate::deaths::{Moment, work_with_deaths, worker};

use super::rules::{
    Imported, Rules, base, by, columns, contacts, holds_what_was_planned, in_small_chunks, off,
    only, person, request_commit, rules, undone,
};
use super::{import, plan, planned, with_header};

const ROWS: usize = 20_000;

/// 20,000 rows: new ones, updates, unreadable ones, several of one key, tags and consents.
fn list() -> Vec<u8> {
    let mut text = String::from("e,f,t,k\n");
    for n in 0..ROWS {
        match n % 20 {
            0 => text.push_str("nonsense,Bad,,\n"),
            1 => text.push_str(&format!("n{}@example.com,Later{n},\"late\",no\n", n - 1 + 5)),
            _ => text.push_str(&format!("n{n}@example.com,N{n},\"t{}, all\",yes\n", n % 7)),
        }
    }
    text.into_bytes()
}

async fn prepared() -> (Rules, String) {
    let app = rules().await;
    let old: Vec<String> =
        (0..ROWS).step_by(50).map(|n| format!("n{}@example.com,Old", n + 7)).collect();
    let mut lines = vec!["e,f"];
    lines.extend(old.iter().map(String::as_str));
    base(&app, &lines, &["email", "first_name"]).await;
    let id = with_header(&app, &list(), "header").await;
    let mapping = columns(&["email", "first_name", "tags", "consent:email_basic"]);
    app.put(format!("/imports/{id}/mapping")).json(&mapping).await.expect(200);
    (app, id)
}

async fn planning(app: &TestApp, id: &str) {
    let outcomes = json!({ "none": { "action": "import", "tags": ["jaro"] } });
    app.put(format!("/imports/{id}/matching")).json(&by("email", outcomes)).await.expect(202);
}

/// What the list must have become, without ids and times.
fn outcome(app: &TestApp) -> Vec<Value> {
    contacts(app)
        .iter()
        .map(|c| only(c, &["email", "first_name", "tags", "consents", "origin"]))
        .collect()
}

/// IMP-17: killed ten times while it plans and writes, the import ends as one that nothing happened to.
#[tokio::test]
async fn a_worker_may_be_killed_at_any_moment() {
    let (untouched, id) = prepared().await;
    planning(&untouched, &id).await;
    untouched.run_jobs().await;
    let wanted_plan = plan(&untouched, &id).await;
    request_commit(&untouched, &id).await;
    untouched.run_jobs().await;
    let wanted = import(&untouched, &id).await["summary"].clone();

    let (app, id) = prepared().await;
    planning(&app, &id).await;
    let moments = [
        Moment::Rows(500),
        Moment::Rows(3_000),
        Moment::Statement("COPY"),
        Moment::Statement("INSERT INTO import_rows"),
    ];
    let died = work_with_deaths(&app, &moments);
    assert!(died >= 2, "only {died} workers died");
    let plan = plan(&app, &id).await;
    for part in ["rows", "empty", "classes", "outcomes", "duplicates_if_imported", "with_problems"]
    {
        assert_eq!(plan[part], wanted_plan[part], "{part}");
    }
    request_commit(&app, &id).await;
    let moments = [
        Moment::Statement("INSERT INTO contacts"),
        Moment::Rows(0),
        Moment::Rows(1),
        Moment::Rows(201),
        Moment::Rows(1_000),
        Moment::Statement("WITH said"),
        Moment::Rows(1_600),
        Moment::Rows(3_000),
        Moment::Rows(5_000),
        Moment::Statement("WITH src"),
    ];
    // a busy machine may be past a moment before it is seen
    let died = work_with_deaths(&app, &moments);
    assert!(died >= 4, "only {died} workers died");
    let import = import(&app, &id).await;
    assert_eq!(import["state"], "done", "{import:#}");
    assert_eq!(import["summary"], wanted);
    assert_eq!(outcome(&app), outcome(&untouched));
    app.check_invariants();

    // and back again, with deaths
    app.post(format!("/imports/{id}/revert")).await.expect(202);
    work_with_deaths(&app, &[Moment::Rows(200), Moment::Rows(2_000), Moment::Rows(7_000)]);
    let counts = undone(&untouched, &id_of_last(&untouched)).await;
    let import = super::import(&app, &id).await;
    assert_eq!(import["state"], "reverted");
    assert_eq!(import["reverted"], counts);
    assert_eq!(outcome(&app), outcome(&untouched));
}

fn id_of_last(app: &TestApp) -> String {
    app.rows("SELECT id FROM imports ORDER BY id DESC LIMIT 1")[0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Rows that cannot be written while `broken` holds.
fn break_at(app: &TestApp, condition: &str) {
    app.execute(&format!(
        "ALTER TABLE contacts ADD CONSTRAINT broken CHECK (NOT ({condition})) NOT VALID"
    ));
}

fn mend(app: &TestApp) {
    app.execute("ALTER TABLE contacts DROP CONSTRAINT broken");
}

async fn many(app: &TestApp) -> String {
    let mut lines = vec!["e,f".to_owned()];
    lines.extend((1..=1000).map(|n| format!("n{n}@example.com,N{n}")));
    planned(app, lines.join("\n").as_bytes(), columns(&["email", "first_name"]), off()).await
}

/// IMP-17: a fault of the database is waited out, with a pause, and the import goes on where it was.
#[tokio::test]
async fn after_a_fault_of_the_database_the_import_goes_on_where_it_was() {
    let app = rules().await;
    let id = many(&app).await;
    request_commit(&app, &id).await;
    in_small_chunks(&app);
    break_at(&app, "email = 'n500@example.com'");
    app.run_jobs().await;
    let job = import(&app, &id).await["job"].clone();
    assert_eq!(
        (&job["state"], &job["progress"]["done"]),
        (&json!("queued"), &json!(400)),
        "{job:#}"
    );
    assert_eq!(contacts(&app).len(), 400);
    app.check_invariants();
    assert_eq!(app.run_jobs().await, 0, "not at once");
    mend(&app);
    app.clock().advance(chrono::TimeDelta::seconds(7));
    app.run_jobs().await;
    let done = import(&app, &id).await;
    assert_eq!((&done["state"], &done["summary"]["created"]), (&json!("done"), &json!(1000)));
    assert_eq!(contacts(&app).len(), 1000);
}

/// IMP-17: a fault that stays fails the import in the end; what is written stays, and can be undone.
#[tokio::test]
async fn a_fault_that_stays_fails_the_import_visibly() {
    let app = rules().await;
    let id = many(&app).await;
    request_commit(&app, &id).await;
    in_small_chunks(&app);
    break_at(&app, "email = 'n500@example.com'");
    for _ in 0..9 {
        app.run_jobs().await;
        app.execute("UPDATE jobs SET run_at = now() WHERE state = 'queued'");
    }
    let failed = import(&app, &id).await;
    assert_eq!(
        (&failed["state"], &failed["problem"]["code"]),
        (&json!("failed"), &json!("job_failed")),
        "{failed:#}"
    );
    assert_eq!(failed["job"]["state"], "failed");
    assert_eq!(contacts(&app).len(), 400);
    mend(&app);
    assert_eq!(undone(&app, &id).await, json!({ "reverted": 400, "kept": 0, "failed": 0 }));
}

/// IMP-13, IMP-17: a plan that broke off after the file was read is made again from what is staged.
#[tokio::test]
async fn a_plan_that_broke_off_is_made_again() {
    let app = rules().await;
    let id =
        with_header(&app, b"e,t\na@example.com,\"vip, new\"\nb@example.com,vip\n", "header").await;
    app.put(format!("/imports/{id}/mapping")).json(&columns(&["email", "tags"])).await.expect(200);
    app.put(format!("/imports/{id}/matching")).json(&off()).await.expect(202);
    app.execute("ALTER TABLE import_rows ADD CONSTRAINT broken CHECK (row < 2)");
    app.run_jobs().await;
    assert_eq!(import(&app, &id).await["state"], "planning");
    app.execute("ALTER TABLE import_rows DROP CONSTRAINT broken");
    app.clock().advance(chrono::TimeDelta::minutes(1));
    app.run_jobs().await;
    let done = import(&app, &id).await;
    assert_eq!(done["state"], "awaiting_commit", "{done:#}");
    let plan = plan(&app, &id).await;
    let import = super::commit(&app, &id).await;
    holds_what_was_planned(&app, &Imported { id, plan, import }).await;
    assert_eq!(person(&app, "a@example.com")["tags"], json!(["new", "vip"]));
}

/// IMP-17: between two chunks an import can be stopped.
#[tokio::test]
async fn an_import_is_cancelled_between_two_chunks() {
    let app = rules().await;
    let id = many(&app).await;
    request_commit(&app, &id).await;
    in_small_chunks(&app);
    let mut child = worker(&app);
    // wait until it is at work, then ask it to stop
    while app.count("SELECT count(*) AS n FROM contacts") == 0 {}
    app.post(format!("/imports/{id}/cancel")).await;
    assert!(child.wait().unwrap().success());
    let ended = import(&app, &id).await;
    let made = i64::try_from(contacts(&app).len()).unwrap();
    assert_eq!(ended["summary"]["created"], json!(made));
    assert_eq!(made % 200, 0);
    if made < 1000 {
        assert_eq!(
            (&ended["state"], &ended["job"]["state"]),
            (&json!("cancelled"), &json!("cancelled"))
        );
    }
    app.post(format!("/imports/{id}/cancel")).await.expect_problem(409, "job_not_cancellable", &[]);
    assert_eq!(undone(&app, &id).await, json!({ "reverted": made, "kept": 0, "failed": 0 }));
}

/// IMP-17: whoever cancels before a worker came stops it at once.
#[tokio::test]
async fn an_import_that_waits_is_cancelled_at_once() {
    let app = rules().await;
    let id = many(&app).await;
    request_commit(&app, &id).await;
    app.post(format!("/imports/{id}/cancel")).await;
    let ended = import(&app, &id).await;
    assert_eq!(
        (&ended["state"], &ended["job"]["state"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
    assert_eq!(app.run_jobs().await, 0);
    assert!(contacts(&app).is_empty());
}
