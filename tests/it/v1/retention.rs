//! `/workspace/retention`: what goes after its time.

use kartoteka_app::clock::Clock;
use kartoteka_app::retention::look_after;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::scenarios::{line, plain};

const DEFAULTS: &[(&str, Option<i64>)] = &[
    ("import_rows", Some(1)),
    ("import_files", Some(30)),
    ("imports_open", Some(90)),
    ("job_contacts", Some(90)),
    ("documents", Some(30)),
    ("jobs", None),
    ("runs", None),
    ("trash", None),
    ("consent_evidence", None),
];

fn defaults() -> Value {
    DEFAULTS
        .iter()
        .map(|(kind, days)| ((*kind).to_owned(), json!(days)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Something of every kind, all of it a hundred days old; and as much that is new.
async fn furnish(app: &TestApp) {
    for age in ["100 days", "0 days"] {
        let made = app.import("E-mail\na@x.cz\nb@x.cz\nnonsense\n", &json!({})).await;
        let id = app.post("/imports").json(&json!({})).await.expect(201).id();
        app.put(format!("/imports/{id}/data")).bytes("text/csv", "e\nc@x.cz\n").await.expect(200);
        let contact =
            app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201).id();
        let consent = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent",
            "evidence": {"ip": "203.0.113.7"}});
        app.post(format!("/contacts/{contact}/consents")).json(&consent).await.expect(201);
        let edit = json!({"ids": [contact], "changes": {"language": "pl"}});
        app.post("/contacts/bulk-edit").json(&edit).await.expect(202);
        app.run_jobs().await;
        let gone = app.post("/contacts").json(&json!({"first_name": "Ida"})).await.expect(201).id();
        app.delete(format!("/contacts/{gone}")).await.expect(204);
        let back = |table: &str, columns: &[&str], condition: &str| {
            let set: Vec<_> = columns
                .iter()
                .map(|column| format!("{column} = {column} - interval '{age}'"))
                .collect();
            app.execute(&format!("UPDATE {table} SET {} WHERE {condition}", set.join(", ")));
        };
        let times = ["created_at", "updated_at", "finished_at"];
        back("imports", &times, &format!("id IN ('{}', '{id}')", made.id()));
        back("jobs", &["created_at", "finished_at"], "finished_at > now() - interval '1 day'");
        back("contacts", &["trashed_at"], &format!("id = '{gone}'"));
        back("consent_entries", &["at"], &format!("contact_id = '{contact}'"));
        back("consents", &["at"], &format!("contact_id = '{contact}'"));
    }
}

fn left(app: &TestApp) -> [i64; 7] {
    [
        "SELECT count(DISTINCT import_id) AS n FROM import_staged",
        "SELECT count(*) AS n FROM imports WHERE upload_id IS NOT NULL",
        "SELECT count(*) AS n FROM imports WHERE state = 'awaiting_header'",
        "SELECT count(*) AS n FROM frozen_contacts",
        "SELECT count(*) AS n FROM jobs WHERE kind = 'contacts_bulk_edit'",
        "SELECT count(*) AS n FROM contacts WHERE trashed_at IS NOT NULL",
        "SELECT count(*) AS n FROM consent_evidence",
    ]
    .map(|sql| app.count(sql))
}

/// TRS-5: rules are read, set as a whole and kept apart by workspace.
#[tokio::test]
async fn rules_are_set_by_administrators() {
    let app = TestApp::new().await;
    let path = "/workspace/retention";
    let got = app.get(path).await.expect(200);
    assert_eq!(got.json, defaults());
    let rules = json!({"trash": 30, "import_rows": null, "consent_evidence": 365});
    let set = app.put(path).header("if-match", got.header("etag")).json(&rules).await.expect(200);
    let mut wanted = defaults();
    wanted["trash"] = json!(30);
    wanted["import_rows"] = json!(null);
    wanted["consent_evidence"] = json!(365);
    assert_eq!((&set.json, &app.get(path).await.expect(200).json), (&wanted, &wanted));
    let late = app.put(path).header("if-match", got.header("etag")).json(&rules).await;
    late.expect_problem(412, "precondition_failed", &[]);
    let told = app.rows("SELECT changes FROM audit_entries WHERE action = 'retention.update'");
    assert_eq!(
        told[0]["changes"],
        json!({"trash": [null, 30], "import_rows": [1, null], "consent_evidence": [null, 365]})
    );
    assert_eq!(app.other_workspace().get(path).await.expect(200).json, defaults());
    let wrong = json!({"trash": 0, "jobs": 36_501, "import_files": "x", "colour": 1});
    let pointers = ["#/trash", "#/jobs", "#/import_files", "#/colour"];
    app.put(path).json(&wrong).await.expect_problem(422, "validation_failed", &pointers);
    assert_eq!(app.put(path).json(&json!({})).await.expect(200).json, defaults());
    let reader = app.with_scopes(&["contacts:read", "contacts:delete"]);
    reader.get(path).await.expect(403);
    reader.post("/workspace/retention/run").json(&json!({"dry_run": true})).await.expect(403);
}

/// TRS-5: a dry run says what a run does.
#[tokio::test]
async fn a_run_removes_what_the_dry_run_said_and_nothing_else() {
    let app = TestApp::new().await;
    furnish(&app).await;
    let (path, dry) = ("/workspace/retention/run", json!({"dry_run": true}));
    let said = app.post(path).json(&dry).await.expect(200);
    let counts = json!({"import_rows": 3, "import_files": 1, "imports_open": 1, "job_contacts": 1, "documents": 0, "jobs": 0,
        "runs": 0, "trash": 0, "consent_evidence": 0});
    assert_eq!((&said.json["counts"], &said.json["dry_run"]), (&counts, &json!(true)));
    assert_eq!(left(&app), [2, 4, 2, 2, 2, 2, 2], "nothing went");
    let rules = json!({"jobs": 50, "trash": 50, "consent_evidence": 50});
    app.put("/workspace/retention").json(&rules).await.expect(200);
    let said = app.post(path).json(&dry).await.expect(200);
    let job = app.post(path).json(&json!({"dry_run": false})).await.expect(202);
    app.post(path).json(&json!({"dry_run": false})).await.expect_problem(409, "conflict", &[]);
    app.run_jobs().await;
    let job = app.get(format!("/jobs/{}", job.id())).await.expect(200);
    assert_eq!(
        (&job.json["state"], &job.json["counts"]),
        (&json!("succeeded"), &said.json["counts"])
    );
    assert_eq!(said.json["counts"]["trash"], 1);
    assert_eq!(left(&app), [1, 2, 1, 1, 1, 1, 1], "what is new stays");
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 2, "the ledger stays");
    let nothing = app.post(path).json(&dry).await.expect(200);
    assert!(nothing.json["counts"].as_object().unwrap().values().all(|n| n == 0), "{nothing:?}");
    app.check_invariants();
    // of imports the numbers stay, and the report of rows
    let imports = app.get("/imports").await.expect(200);
    let old = imports.data().iter().rfind(|import| import["state"] == "done").unwrap();
    assert_eq!(old["summary"]["created"], 2);
    let path = format!("/imports/{}", old["id"].as_str().unwrap());
    let rows = app.get(format!("{path}/rows")).await.expect(200);
    assert_eq!(rows.data().len(), 3);
    app.get(format!("{path}/errors.csv")).await.expect_problem(409, "import_data_gone", &[]);
    let shown = app.get(&path).await.expect(200);
    assert_eq!(shown.json["source"]["preview"], json!([]));
    app.post(format!("{path}/revert")).await.expect(202);
    app.run_jobs().await;
    app.check_invariants();
}

/// TRS-5: once a day by itself, for every workspace by its own rules, however many workers look.
#[tokio::test]
async fn a_worker_follows_the_rules_once_a_day() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    other.put("/workspace/retention").json(&json!({"trash": 1})).await.expect(200);
    let gone = other.post("/contacts").json(&json!({"first_name": "Ida"})).await.expect(201).id();
    other.delete(format!("/contacts/{gone}")).await.expect(204);
    app.execute("UPDATE contacts SET trashed_at = now() - interval '2 days'");
    furnish(&app).await;
    let now = app.clock().now();
    let looks: Vec<_> = (0..3)
        .map(|_| {
            let db = app.db().clone();
            tokio::task::spawn_blocking(move || look_after(&db, now).unwrap())
        })
        .collect();
    let mut things = 0;
    for look in looks {
        things += look.await.unwrap();
    }
    assert_eq!(things, 7, "3 rows, a file, an import, a list; and a contact of the other one");
    other.get(format!("/contacts/{gone}")).await.expect(404);
    assert_eq!(left(&app), [1, 2, 1, 1, 2, 2, 2]);
    assert_eq!(
        app.count("SELECT count(*) AS n FROM audit_entries WHERE action = 'retention.done'"),
        2
    );
    let db = app.db().clone();
    let later = now + chrono::TimeDelta::hours(23);
    let again = tokio::task::spawn_blocking(move || look_after(&db, later).unwrap()).await.unwrap();
    assert_eq!(again, 0, "its day is not over");
    app.check_invariants();
}

/// TRS-5, SCN-2: runs that ended go after their time, but those that a limit counts; and with them versions that nobody
/// needs any more.
#[tokio::test]
async fn ended_runs_go_where_no_limit_counts_them() {
    let app = TestApp::new().await;
    let contact = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201).id();
    let runs = format!("/contacts/{contact}/scenarios");
    let mut scenarios = Vec::new();
    for (name, limits) in [
        ("free", json!(null)),
        ("open", json!({"runs_per_contact": null})),
        ("counted", json!({"runs_per_contact": 1})),
        ("spaced", json!({"interval": "P1D"})),
        ("gone", json!({"runs_per_contact": 1})),
    ] {
        let mut body = plain(name);
        body["limits"] = limits;
        let id = app.post("/scenarios").json(&body).await.expect(201).id();
        let run = app.post(&runs).json(&json!({"scenario_id": id})).await.expect(201);
        app.delete(run.header("location")).await.expect(204);
        scenarios.push(id);
    }
    // one that goes on, and one that ended just now, through another version
    let path = format!("/scenarios/{}", scenarios[0]);
    app.post(&runs).json(&json!({"scenario_id": scenarios[1]})).await.expect(201);
    app.execute("UPDATE runs SET created_at = created_at - interval '90 days', ended_at = ended_at - interval '90 days'");
    let event = json!({"type": "contact.created"});
    app.patch(&path).json(&json!({"nodes": line(event, &[])})).await.expect(200);
    let run = app.post(&runs).json(&json!({"scenario_id": scenarios[0]})).await.expect(201);
    app.delete(run.header("location")).await.expect(204);
    app.delete(format!("/scenarios/{}", scenarios[4])).await.expect(204);
    let run = |dry: bool| app.post("/workspace/retention/run").json(&json!({"dry_run": dry}));
    assert_eq!(run(true).await.expect(200).json["counts"]["runs"], 0, "for ever");
    app.put("/workspace/retention").json(&json!({"runs": 60})).await.expect(200);
    assert_eq!(run(true).await.expect(200).json["counts"]["runs"], 3);
    assert_eq!(app.count("SELECT count(*) AS n FROM definition_versions"), 6);
    let job = run(false).await.expect(202);
    app.run_jobs().await;
    let job = app.get(format!("/jobs/{}", job.id())).await.expect(200);
    assert_eq!(job.json["counts"]["runs"], 3, "{job:?}");
    let left = app.get(format!("{runs}?all=true")).await.expect(200);
    let left: Vec<_> = left.data().iter().map(|run| (&run["name"], &run["state"])).collect();
    let of = |name: &'static str, state: &'static str| (json!(name), json!(state));
    let expected =
        [of("free", "ended"), of("open", "queued"), of("spaced", "ended"), of("counted", "ended")];
    assert_eq!(left, expected.each_ref().map(|(name, state)| (name, state)));
    let versions =
        app.rows("SELECT definition_id, version FROM definition_versions ORDER BY definition_id");
    let of = |scenario: usize, version: i32| json!({"definition_id": scenarios[scenario], "version": version});
    assert_eq!(versions, [of(0, 2), of(1, 1), of(2, 1), of(3, 1)]);
    app.check_invariants();
}

/// An upload that broke off leaves pieces behind; they go after a day, those of one under way stay.
#[tokio::test]
async fn pieces_of_uploads_that_broke_off_go_after_a_day() {
    let app = TestApp::new().await;
    let id = app.post("/imports").json(&json!({})).await.expect(201).id();
    app.put(format!("/imports/{id}/data")).bytes("text/csv", "e\nc@x.cz\n").await.expect(200);
    let old = "01900000-0000-7000-8000-000000000000";
    for upload in [old.to_owned(), uuid::Uuid::now_v7().to_string()] {
        app.execute(&format!(
            "INSERT INTO import_data SELECT workspace_id, id, '{upload}', 0, 'x' FROM imports"
        ));
    }
    app.post("/workspace/retention/run").json(&json!({"dry_run": false})).await.expect(202);
    app.run_jobs().await;
    assert_eq!(app.count("SELECT count(*) AS n FROM import_data"), 2);
    assert_eq!(
        app.count(&format!("SELECT count(*) AS n FROM import_data WHERE upload_id = '{old}'")),
        0
    );
}

/// MGR-4: the list of a job that is being undone stays until that has ended.
#[tokio::test]
async fn the_list_of_a_job_that_is_undone_stays() {
    let app = TestApp::new().await;
    let body = json!({"last_name": "N", "details": {"size": 42}});
    let contact = app.post("/contacts").json(&body).await.expect(201).id();
    let body = json!({"selection": {"where": {"field": "last_name", "op": "eq", "value": "N"}},
        "actions": [{"type": "set_detail", "name": "size", "value": 43}]});
    let job = app.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.run_jobs().await;
    app.execute("UPDATE jobs SET finished_at = finished_at - interval '100 days'");
    let rules = json!({"job_contacts": 50, "jobs": 50});
    app.put("/workspace/retention").json(&rules).await.expect(200);
    app.post(format!("/contact-manager/jobs/{job}/undo")).await.expect(202);
    // it waits while the rules are followed
    app.execute("UPDATE jobs SET run_at = now() + interval '1 day' WHERE state = 'queued'");
    let run = "/workspace/retention/run";
    let counts = app.post(run).json(&json!({"dry_run": true})).await.expect(200);
    assert_eq!(
        (&counts.json["counts"]["job_contacts"], &counts.json["counts"]["jobs"]),
        (&json!(0), &json!(0))
    );
    app.post(run).json(&json!({"dry_run": false})).await.expect(202);
    app.run_jobs().await;
    let kept =
        || app.count(&format!("SELECT count(*) AS n FROM frozen_values WHERE job_id = '{job}'"));
    assert_eq!(kept(), 1);
    app.execute("UPDATE jobs SET run_at = now() WHERE state = 'queued'");
    app.run_jobs().await;
    let now = app.get(format!("/contacts/{contact}")).await.expect(200);
    assert_eq!(now.json["details"], json!({"size": 42}));
    app.post(run).json(&json!({"dry_run": false})).await.expect(202);
    app.run_jobs().await;
    assert_eq!(kept(), 0);
    app.get(format!("/jobs/{job}")).await.expect(404);
}
