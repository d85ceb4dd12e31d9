//! Undo: what an import did is taken back, and what people did since is kept (IMP-18).

use serde_json::{Value, json};

use kartoteka_tests::TestApp;

use super::rules::{
    Rules, base, by, columns, contacts, imported, in_small_chunks, only, people, person, report,
    request_commit, rules, trash, undone,
};
use super::{import, planned};

const WORDS: [&str; 8] = [
    "email",
    "first_name",
    "last_name",
    "birth_date",
    "detail:shoe",
    "detail:hat",
    "tags",
    "consent:email_basic",
];

/// A value of every kind in a file, over a contact that has other ones.
async fn updated() -> (Rules, String) {
    let app = rules().await;
    let old = "jana@example.com,Jana,Nováková,1990-05-01,38,,old,no";
    base(&app, &["e,f,l,b,s,h,t,k", old], &WORDS).await;
    let new = "jana@example.com,Johana,Malá,1991-06-02,40,M,\"old, new\",yes";
    let done =
        imported(&app, &["e,f,l,b,s,h,t,k", new], columns(&WORDS), by("email", json!({}))).await;
    assert_eq!(done.summary("updated"), 1);
    (app, done.id)
}

fn look(person: &Value) -> Value {
    only(person, &["first_name", "last_name", "birth_date", "details", "tags", "consents"])
}

fn before() -> Value {
    json!({
        "first_name": "Jana", "last_name": "Nováková", "birth_date": "1990-05-01", "details": { "shoe": "38" },
        "tags": ["old"], "consents": { "email_basic": false },
    })
}

async fn patch(app: &TestApp, id: &str, change: Value) {
    let body = change.to_string();
    app.patch(format!("/contacts/{id}"))
        .bytes("application/merge-patch+json", body)
        .await
        .expect(200);
}

fn id_of(person: &Value) -> String {
    person["id"].as_str().unwrap().to_owned()
}

/// IMP-18
#[tokio::test]
async fn updated_contacts_are_as_they_were() {
    let (app, id) = updated().await;
    let counts = undone(&app, &id).await;
    assert_eq!(counts, json!({ "reverted": 1, "kept": 0, "failed": 0 }));
    assert_eq!(look(&person(&app, "jana@example.com")), before());
    let trail = app.count("SELECT count(*) AS n FROM audit_entries WHERE action IN ('import.revert', 'import.reverted')");
    assert_eq!(trail, 2);
}

/// IMP-18: field by field, details key by key.
#[tokio::test]
async fn what_was_edited_since_is_kept_and_the_rest_returns() {
    let (app, id) = updated().await;
    let jana = id_of(&person(&app, "jana@example.com"));
    patch(&app, &jana, json!({ "last_name": "Velká", "details": { "hat": "XL", "ring": "52" } }))
        .await;
    let counts = undone(&app, &id).await;
    assert_eq!(counts, json!({ "reverted": 0, "kept": 1, "failed": 0 }));
    let mut wanted = before();
    wanted["last_name"] = json!("Velká");
    wanted["details"] = json!({ "shoe": "38", "hat": "XL", "ring": "52" });
    assert_eq!(look(&person(&app, "jana@example.com")), wanted);
}

/// IMP-18: a consent that somebody gave or took since is theirs.
#[tokio::test]
async fn a_consent_that_changed_since_is_kept() {
    let (app, id) = updated().await;
    let jana = id_of(&person(&app, "jana@example.com"));
    for action in ["withdraw", "grant"] {
        let said = json!({ "purpose": "email_basic", "action": action, "legal_basis": "consent" });
        app.post(format!("/contacts/{jana}/consents")).json(&said).await;
    }
    undone(&app, &id).await;
    assert_eq!(person(&app, "jana@example.com")["consents"], json!({ "email_basic": true }));
}

/// IMP-18, CNS-3: the ledger is answered, not rewritten: who undoes says what held before.
#[tokio::test]
async fn undo_adds_to_the_ledger_in_the_name_of_who_undoes() {
    let (app, id) = updated().await;
    let integration = app.integration(&["imports:read", "imports:write"]);
    integration.post(format!("/imports/{id}/revert")).await.expect(202);
    app.run_jobs().await;
    let ledger = app.rows("SELECT action, actor_type FROM consent_entries ORDER BY at");
    assert_eq!(
        ledger,
        [
            json!({ "action": "withdraw", "actor_type": "user" }),
            json!({ "action": "grant", "actor_type": "user" }),
            json!({ "action": "withdraw", "actor_type": "client" }),
        ]
    );
}

/// IMP-18, IMP-12: the compared form and the mark follow the address, whatever was edited since.
#[tokio::test]
async fn an_address_returns_with_its_compared_form_and_its_mark_or_not_at_all() {
    let words = ["external_id", "email"];
    for (edit, wanted, marked) in [
        (None, "old@example.com", true),
        // bounced since: the mark is the new address's
        (Some("mark"), "old@example.com", true),
        (Some("spelling"), "New@Example.com", false),
        (Some("other"), "third@example.com", false),
    ] {
        let app = rules().await;
        base(&app, &["x,e", "J1,old@example.com"], &words).await;
        app.execute("UPDATE contacts SET email_invalid_at = '2026-01-01T00:00:00.123456Z'");
        let done = imported(
            &app,
            &["x,e", "J1,new@example.com"],
            columns(&words),
            by("external_id", json!({})),
        )
        .await;
        let jana = id_of(&contacts(&app)[0]);
        match edit {
            Some("mark") => {
                assert_eq!(app.execute("UPDATE contacts SET email_invalid_at = now()"), 1)
            }
            Some("spelling") => patch(&app, &jana, json!({ "email": "New@Example.com" })).await,
            Some(_) => patch(&app, &jana, json!({ "email": "third@example.com" })).await,
            None => {}
        }
        undone(&app, &done.id).await;
        let now = &contacts(&app)[0];
        assert_eq!(now["email"], wanted, "{edit:?}");
        assert_eq!(now["email_key"], wanted.to_lowercase(), "{edit:?}");
        assert_eq!(
            now["email_invalid_at"] == "2026-01-01T00:00:00.123456+00:00",
            marked,
            "{edit:?} {now:#}"
        );
        assert_eq!(now["email_invalid_at"].is_null(), !marked);
    }
}

/// IMP-18, TRS-1
#[tokio::test]
async fn created_contacts_go_to_the_trash_and_restored_ones_back_into_it() {
    let app = rules().await;
    base(&app, &["e,f", "old@example.com,Old"], &["email", "first_name"]).await;
    trash(&app, "old@example.com").await;
    let trashed = person(&app, "old@example.com");
    let outcomes = json!({ "in_trash": { "action": "restore_and_update", "tags": ["back"] } });
    let lines = ["e,f", "new@example.com,New", "old@example.com,Renewed"];
    let done =
        imported(&app, &lines, columns(&["email", "first_name"]), by("email", outcomes)).await;
    let counts = undone(&app, &done.id).await;
    assert_eq!(counts, json!({ "reverted": 2, "kept": 0, "failed": 0 }));
    assert!(!person(&app, "new@example.com")["trashed_at"].is_null());
    let members = ["first_name", "trashed_at", "tags"];
    assert_eq!(only(&person(&app, "old@example.com"), &members), only(&trashed, &members));
}

/// IMP-18: whoever somebody trashed or purged since is counted as kept and not raised from the dead.
#[tokio::test]
async fn trashed_and_purged_contacts_are_kept_as_they_are() {
    let app = rules().await;
    base(&app, &["e,f", "u1@example.com,Old", "u2@example.com,Old"], &["email", "first_name"])
        .await;
    let lines = [
        "e,f",
        "c1@example.com,New",
        "c2@example.com,New",
        "c3@example.com,New",
        "u1@example.com,New",
        "u2@example.com,New",
    ];
    let done =
        imported(&app, &lines, columns(&["email", "first_name"]), by("email", json!({}))).await;
    for email in ["c1@example.com", "c2@example.com", "u1@example.com"] {
        trash(&app, email).await;
    }
    for email in ["c2@example.com", "u1@example.com"] {
        app.delete(format!("/trash/{}", id_of(&person(&app, email)))).await.expect(204);
    }
    let counts = undone(&app, &done.id).await;
    // c1 lies there already, c2 and u1 are gone
    assert_eq!(counts, json!({ "reverted": 2, "kept": 3, "failed": 0 }));
    assert!(people(&app, "c2@example.com").is_empty());
    assert!(people(&app, "u1@example.com").is_empty());
    assert_eq!(person(&app, "u2@example.com")["first_name"], "Old");
}

/// IMP-18: a contact that was updated and then thrown away gets its values back where it lies.
#[tokio::test]
async fn an_updated_contact_in_the_trash_gets_its_values_back_and_stays_there() {
    let (app, id) = updated().await;
    trash(&app, "jana@example.com").await;
    assert_eq!(undone(&app, &id).await, json!({ "reverted": 1, "kept": 0, "failed": 0 }));
    let jana = person(&app, "jana@example.com");
    assert_eq!(look(&jana), before());
    assert!(!jana["trashed_at"].is_null());
}

/// IMP-18
#[tokio::test]
async fn an_import_that_was_not_written_or_is_undone_cannot_be_undone() {
    let app = rules().await;
    let id =
        planned(&app, b"e\na@example.com\n", columns(&["email"]), by("email", json!({}))).await;
    let refuse = async |state: &str| {
        let refused = app.post(format!("/imports/{id}/revert")).await;
        let refused = refused.expect_problem(409, "import_not_revertible", &[]);
        assert_eq!(refused.json["state"], state);
    };
    refuse("awaiting_commit").await;
    request_commit(&app, &id).await;
    refuse("running").await;
    app.run_jobs().await;
    app.post(format!("/imports/{id}/revert")).await.expect(202);
    refuse("reverting").await;
    app.run_jobs().await;
    refuse("reverted").await;
}

/// IMP-17, IMP-18: half an import can be taken back too.
#[tokio::test]
async fn a_cancelled_import_is_undone_as_far_as_it_got() {
    let app = rules().await;
    base(&app, &["e,f", "n10@example.com,Old", "n390@example.com,Old"], &["email", "first_name"])
        .await;
    let mut lines = vec!["e,f".to_owned()];
    lines.extend((1..=400).map(|n| format!("n{n}@example.com,New")));
    let bytes = lines.join("\n");
    let id =
        planned(&app, bytes.as_bytes(), columns(&["email", "first_name"]), by("email", json!({})))
            .await;
    request_commit(&app, &id).await;
    in_small_chunks(&app);
    // the database stops taking rows in the second chunk, and goes on when somebody has cancelled
    app.execute("ALTER TABLE contacts ADD CONSTRAINT broken CHECK (email <> 'n300@example.com')");
    app.run_jobs().await;
    app.execute("ALTER TABLE contacts DROP CONSTRAINT broken");
    let half = import(&app, &id).await;
    assert_eq!((&half["state"], &half["job"]["state"]), (&json!("running"), &json!("queued")));
    assert_eq!(half["summary"]["created"], 199);
    app.post(format!("/imports/{id}/cancel")).await;
    let cancelled = import(&app, &id).await;
    assert_eq!(cancelled["state"], "cancelled");
    let outcomes: Vec<_> =
        report(&app, &id).await.iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(
        (&outcomes[9], &outcomes[10], &outcomes[399]),
        (&json!("updated"), &json!("created"), &json!("create"))
    );
    let counts = undone(&app, &id).await;
    assert_eq!(counts, json!({ "reverted": 200, "kept": 0, "failed": 0 }));
    assert_eq!(person(&app, "n10@example.com")["first_name"], "Old");
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts WHERE trashed_at IS NULL"), 2);
}

/// IMP-17, IMP-18: undo too survives what happens to its workers, chunk by chunk.
#[tokio::test]
async fn an_undo_that_broke_off_goes_on_where_it_was() {
    let app = rules().await;
    let mut lines = vec!["e,f".to_owned()];
    lines.extend((1..=450).map(|n| format!("n{n}@example.com,New")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let done =
        imported(&app, &lines, columns(&["email", "first_name"]), by("email", json!({}))).await;
    app.post(format!("/imports/{}/revert", done.id)).await.expect(202);
    in_small_chunks(&app);
    app.execute("ALTER TABLE contacts ADD CONSTRAINT broken CHECK (email <> 'n100@example.com' OR trashed_at IS NULL)");
    app.run_jobs().await;
    app.execute("ALTER TABLE contacts DROP CONSTRAINT broken");
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts WHERE trashed_at IS NOT NULL"), 200);
    app.check_invariants();
    app.clock().advance(chrono::TimeDelta::minutes(1));
    app.run_jobs().await;
    let import = import(&app, &done.id).await;
    assert_eq!(import["state"], "reverted");
    assert_eq!(import["reverted"], json!({ "reverted": 450, "kept": 0, "failed": 0 }));
}

/// IMP-18: the same list can be imported again afterwards.
#[tokio::test]
async fn after_an_undo_the_list_can_come_again() {
    let app = rules().await;
    let lines = ["e,t", "a@example.com,vip"];
    let outcomes = json!({ "in_trash": { "action": "restore_and_update" } });
    let done =
        imported(&app, &lines, columns(&["email", "tags"]), by("email", outcomes.clone())).await;
    undone(&app, &done.id).await;
    let again = imported(&app, &lines, columns(&["email", "tags"]), by("email", outcomes)).await;
    assert_eq!(again.summary("restored"), 1);
    assert_eq!(person(&app, "a@example.com")["tags"], json!(["vip"]));
}
