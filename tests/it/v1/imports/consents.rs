//! Consents that an import declares: per class and per column (CNS-3, CNS-4, IMP-10).

use serde_json::{Value, json};

use kartoteka_tests::TestApp;

use super::planned;
use super::rules::{
    base, by, by_in_file, columns, commit_in_small_chunks, imported, off, only, person,
    request_commit, rules,
};

/// The ledger in order, with names.
fn ledger(app: &TestApp) -> Vec<Value> {
    app.rows(
        "SELECT c.email_key AS who, p.name AS purpose, e.action, e.legal_basis AS basis, e.wording_version AS version, e.source_type AS source,
            e.source_id AS import, e.actor_type AS actor, e.actor_id AS actor_id
         FROM consent_entries e JOIN contacts c ON c.id = e.contact_id JOIN purposes p ON p.id = e.purpose_id
         ORDER BY e.at, c.email_key, p.name",
    )
}

fn brief(entries: &[Value]) -> Vec<String> {
    entries
        .iter()
        .map(|e| {
            let text = |name: &str| e[name].as_str().unwrap().to_owned();
            format!(
                "{} {} {} {} {}",
                text("who"),
                text("purpose"),
                text("action"),
                text("basis"),
                e["version"]
            )
        })
        .collect()
}

fn declares(action: &str, basis: &str) -> Value {
    json!({ "action": action, "consents": [{ "purpose": "email_basic", "legal_basis": basis }] })
}

/// CNS-3, CNS-4, IMP-10
#[tokio::test]
async fn a_declaration_is_the_importing_persons_and_names_its_import() {
    let app = rules().await;
    let id = planned(
        &app,
        b"e\na@example.com\n",
        columns(&["email"]),
        json!({ "mode": "none", "outcomes": { "all": declares("import", "legitimate_interest") } }),
    )
    .await;
    request_commit(&app, &id).await;
    app.run_jobs().await;
    let entries = ledger(&app);
    assert_eq!(brief(&entries), ["a@example.com email_basic grant legitimate_interest 1"]);
    let wanted =
        json!({ "source": "import", "import": id, "actor": "user", "actor_id": app.home().user });
    assert_eq!(only(&entries[0], &["source", "import", "actor", "actor_id"]), wanted);
}

/// CNS-4, AUD-1: who commits declares, whoever began the import.
#[tokio::test]
async fn an_integration_that_commits_is_the_one_that_declares() {
    let app = rules().await;
    let matching = json!({ "mode": "none", "outcomes": { "all": declares("import", "consent") } });
    let id = planned(&app, b"e\na@example.com\n", columns(&["email"]), matching).await;
    let hash = super::plan(&app, &id).await["hash"].clone();
    let integration = app.integration(&["imports:read", "imports:write"]);
    integration
        .post(format!("/imports/{id}/commit"))
        .json(&json!({ "plan_hash": hash }))
        .await
        .expect(202);
    app.run_jobs().await;
    assert_eq!(ledger(&app)[0]["actor"], "client");
    let trail = app.rows("SELECT action, actor_type FROM audit_entries WHERE record_type = 'import' AND action IN ('import.commit', 'import.end')");
    assert_eq!(trail.len(), 2, "{trail:?}");
    assert!(trail.iter().all(|entry| entry["actor_type"] == "client"), "{trail:?}");
}

/// IMP-10: each class has its own.
#[tokio::test]
async fn each_class_declares_for_itself() {
    let app = rules().await;
    let lines =
        ["e", "one@example.com", "many@example.com", "many@example.com", "trash@example.com"];
    base(&app, &lines, &["email"]).await;
    super::rules::trash(&app, "trash@example.com").await;
    let outcomes = json!({
        "none": declares("import", "consent"),
        "one": declares("update", "contract"),
        "many": declares("update_first_added", "legal_obligation"),
        "in_trash": declares("restore_and_update", "public_task"),
    });
    let lines =
        ["e", "none@example.com", "one@example.com", "many@example.com", "trash@example.com"];
    let done = imported(&app, &lines, columns(&["email"]), by("email", outcomes)).await;
    assert_eq!(done.summary("updated"), 2, "a consent is a change");
    let mut told = brief(&ledger(&app));
    told.sort();
    assert_eq!(
        told,
        [
            "many@example.com email_basic grant legal_obligation 1",
            "none@example.com email_basic grant consent 1",
            "one@example.com email_basic grant contract 1",
            "trash@example.com email_basic grant public_task 1",
        ]
    );
}

/// CNS-3, IMP-10: the row's own word goes before its class's.
#[tokio::test]
async fn a_row_that_says_no_is_not_overruled_by_its_class() {
    let app = rules().await;
    base(&app, &["e", "old-no@example.com", "old-silent@example.com"], &["email"]).await;
    let outcomes =
        json!({ "none": declares("import", "contract"), "one": declares("update", "contract") });
    let lines = [
        "e,k",
        "no@example.com,no",
        "yes@example.com,yes",
        "silent@example.com,",
        "odd@example.com,perhaps",
        "old-no@example.com,ne",
        "old-silent@example.com,",
    ];
    let done =
        imported(&app, &lines, columns(&["email", "consent:email_basic"]), by("email", outcomes))
            .await;
    assert_eq!(done.plan["with_problems"], 1);
    assert_eq!(
        brief(&ledger(&app)),
        [
            "no@example.com email_basic withdraw consent 1",
            "odd@example.com email_basic grant contract 1",
            "old-no@example.com email_basic withdraw consent 1",
            "old-silent@example.com email_basic grant contract 1",
            "silent@example.com email_basic grant contract 1",
            "yes@example.com email_basic grant consent 1",
        ]
    );
}

/// CNS-3: what holds already is not said again; what changes is.
#[tokio::test]
async fn a_grant_over_a_grant_adds_nothing_and_a_withdrawal_does() {
    let app = rules().await;
    let words = ["email", "consent:email_basic", "consent:sms_basic"];
    base(&app, &["e,k,s", "a@example.com,yes,no"], &words).await;
    assert_eq!(ledger(&app).len(), 2);
    let done =
        imported(&app, &["e,k,s", "a@example.com,yes,no"], columns(&words), by("email", json!({})))
            .await;
    assert_eq!(done.summary("unchanged"), 1);
    assert_eq!(ledger(&app).len(), 2);
    let done =
        imported(&app, &["e,k,s", "a@example.com,no,no"], columns(&words), by("email", json!({})))
            .await;
    assert_eq!(done.summary("updated"), 1);
    assert_eq!(ledger(&app).len(), 3);
    let consents = person(&app, "a@example.com")["consents"].clone();
    assert_eq!(consents, json!({ "email_basic": false, "sms_basic": false }));
}

/// CNS-2, CNS-3: the wording that holds when it is declared.
#[tokio::test]
async fn the_entry_names_the_wording_of_its_time() {
    let app = rules().await;
    let made = json!({ "name": "club", "channel": "email", "title": "Club", "wording": "First." });
    let purpose = app.post("/purposes").json(&made).await.expect(201).id();
    let words = ["email", "consent:club"];
    base(&app, &["e,k", "a@example.com,yes"], &words).await;
    app.patch(format!("/purposes/{purpose}"))
        .json(&json!({ "wording": "Second." }))
        .await
        .expect(200);
    base(&app, &["e,k", "b@example.com,yes"], &words).await;
    let told = brief(&ledger(&app));
    assert_eq!(told, ["a@example.com club grant consent 1", "b@example.com club grant consent 2"]);
}

/// CNS-4: a purpose named twice for a class is refused, not tried.
#[tokio::test]
async fn a_purpose_is_declared_once_per_class() {
    let app = rules().await;
    let id = planned(&app, b"e\na@example.com\n", columns(&["email"]), off()).await;
    let twice = json!([{ "purpose": "email_basic", "legal_basis": "consent" }, { "purpose": "email_basic", "legal_basis": "contract" }]);
    let matching =
        json!({ "mode": "none", "outcomes": { "all": { "action": "import", "consents": twice } } });
    app.put(format!("/imports/{id}/matching")).json(&matching).await.expect_problem(
        422,
        "validation_failed",
        &["#/outcomes/all/consents/1/purpose"],
    );
}

/// CNS-4: a purpose that was removed between the plan and the commit stops the import, which says so.
#[tokio::test]
async fn a_purpose_that_is_gone_fails_the_import_with_its_name() {
    let app = rules().await;
    let made = json!({ "name": "club", "channel": "email", "title": "Club", "wording": "First." });
    let purpose = app.post("/purposes").json(&made).await.expect(201).id();
    let id = planned(&app, b"e,k\na@example.com,yes\n", columns(&["email", "consent:club"]), off())
        .await;
    app.delete(format!("/purposes/{purpose}")).await.expect(204);
    request_commit(&app, &id).await;
    app.run_jobs().await;
    let import = super::import(&app, &id).await;
    assert_eq!(import["state"], "failed");
    assert_eq!(import["problem"]["code"], "unknown_purpose");
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 0);
}

/// CNS-3, IMP-11: of several rows the later one speaks, within a chunk and across.
#[tokio::test]
async fn of_rows_of_one_person_the_later_word_counts() {
    let app = rules().await;
    base(&app, &["e", "a@example.com"], &["email"]).await;
    let mut lines = vec!["e,k".to_owned(), "a@example.com,yes".into(), "a@example.com,no".into()];
    lines.extend((0..300).map(|n| format!("n{n}@example.com,")));
    lines.push("a@example.com,yes".into());
    let matching = by_in_file("email", "all", json!({}));
    let id = planned(
        &app,
        lines.join("\n").as_bytes(),
        columns(&["email", "consent:email_basic"]),
        matching,
    )
    .await;
    commit_in_small_chunks(&app, &id).await;
    let told = brief(&ledger(&app));
    let who = "a@example.com email_basic";
    assert_eq!(told, [format!("{who} withdraw consent 1"), format!("{who} grant consent 1")]);
}
