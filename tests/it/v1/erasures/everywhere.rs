//! After an erasure nothing of the person is found: in no table, no file, no line of the log.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kartoteka_domain::contacts::fold::fold;
use kartoteka_tests::receiver::{Receiver, status};
use kartoteka_tests::{TestApp, canary};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{erasure, journal};
use crate::v1::documents::kept_by_admin;
use crate::v1::imports::{planned, with_header};
use crate::v1::integrity::{faults, sealed};

const FIRST: &str = "Zmizelinka";
const LAST: &str = "Vymazalková";
const EMAIL: &str = "Zmizelinka.V@Prazdno7q.example";
const OLD_EMAIL: &str = "stara-adresa7q@prazdno7q.example";
const PHONE: &str = "+420777123987";

/// Every form in which something of the person could be written, in lower case.
fn needles() -> BTreeSet<String> {
    let mut plain = BTreeSet::new();
    for word in [FIRST, LAST, EMAIL, OLD_EMAIL, PHONE, "777123987", "777 123 987"] {
        plain.extend([word.to_owned(), word.to_lowercase(), fold(word), word.to_uppercase()]);
    }
    let mut needles: BTreeSet<String> = plain.iter().map(|word| word.to_lowercase()).collect();
    for word in &plain {
        needles.insert(word.bytes().map(|byte| format!("{byte:02x}")).collect());
        needles.insert(STANDARD.encode(word).trim_end_matches('=').to_lowercase());
        let (cp1250, _, _) = encoding_rs::WINDOWS_1250.encode(word);
        needles.insert(cp1250.iter().map(|byte| format!("{byte:02x}")).collect());
    }
    // a base64 of few letters would be found by chance
    needles.retain(|needle| needle.len() >= 9);
    needles
}

/// Tables in which something of the person stands.
fn found(app: &TestApp) -> BTreeSet<String> {
    let needles = needles();
    let tables = app.rows(
        "SELECT c.relname::text AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'",
    );
    let mut found = BTreeSet::new();
    for table in tables {
        let table = table["name"].as_str().unwrap();
        for row in app.rows(&format!("SELECT t::text AS line FROM \"{table}\" t")) {
            let line = row["line"].as_str().unwrap().to_lowercase();
            if let Some(needle) = needles.iter().find(|needle| line.contains(needle.as_str())) {
                found.insert(format!("{table}: {needle}"));
            }
        }
    }
    found
}

/// Files below a folder, with what is in them.
pub(super) fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text =
                String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
            found.push((path, text));
        }
    }
    found
}

/// The person comes in by an import, and is in other lists in all their states.
async fn by_imports(app: &TestApp) -> String {
    let head = "E-mail;Jméno;Příjmení;Telefon;Datum narození;Město\n";
    // one that made the contact, with a problem that quotes it
    let list = format!(
        "{head}{OLD_EMAIL};Zmiz;{LAST};{PHONE};{LAST};Brno\nola@x.example;Ola;Malá;;;Brno\n"
    );
    app.import(list, &json!({"name": format!("{EMAIL}.csv")})).await;
    let id = app.get("/contacts?q=vymazalkova").await.expect(200).text_at("/data/0/id");
    let body = json!({"email": EMAIL, "external_id": "77-7q"});
    app.patch(format!("/contacts/{id}")).json(&body).await.expect(200);
    // one that changed it, and keeps what was there before
    let list = format!("{head}{EMAIL};{FIRST};;;;Praha\n");
    let outcomes = json!({"matching": {"mode": "match", "key": "email", "outcomes": {"one": {"action": "update"}}}});
    app.import(list, &outcomes).await;
    // one that left it out, without the contact being met
    let list = format!(
        "{head}nobody@x.example;{FIRST};{LAST};777 123 987;;\nnonsense{LAST};{FIRST};{LAST};;;\n"
    );
    let skip = json!({"matching": {"mode": "match", "key": "email", "outcomes": {"none": {"action": "skip"}}}});
    app.import(list, &skip).await;
    // one that waits for its commit, one for its mapping, in another encoding
    let columns =
        json!({"columns": [{"index": 0, "target": "email"}, {"index": 1, "target": "last_name"}]});
    let matching = json!({"mode": "none", "outcomes": {"all": {"action": "import"}}});
    let list = format!("e,l\n{},{LAST}\neva@x.example,Eva\n", EMAIL.to_uppercase());
    planned(app, list.as_bytes(), columns.clone(), matching.clone()).await;
    let list = format!("jméno;příjmení;telefon\n{FIRST};{LAST};777 123 987\nčáp;žába;1\n");
    let (list, _, _) = encoding_rs::WINDOWS_1250.encode(&list);
    with_header(app, &list, "header").await;
    // one that the person is not in keeps its file
    planned(app, b"e,l\neva@x.example,Eva\n", columns, matching).await;
    id
}

async fn by_hand(app: &TestApp, id: &str) {
    let path = format!("/contacts/{id}");
    let body = json!({"first_name": FIRST, "last_name": LAST, "details": {"pozn": format!("{FIRST} {LAST}")},
        "tags": ["vip"], "salutations": [format!("Milá {FIRST}"), null], "birth_date": "1990-05-01"});
    app.patch(&path).json(&body).await.expect(200);
    let other = json!({"first_name": "Eva", "last_name": "Jiná", "birth_date": "1990-05-01"});
    let other = app.post("/contacts").json(&other).await.expect(201).id();
    for (private, key) in [(false, EMAIL), (true, "note-2")] {
        let note = json!({"text": format!("{FIRST} volala z {PHONE}"), "private": private});
        let kept = app.post(format!("{path}/notes")).header("idempotency-key", key);
        kept.json(&note).await.expect(201);
    }
    let consent = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent",
        "evidence": {"ip": "203.0.113.7", "user_agent": FIRST, "form": LAST}});
    app.post(format!("{path}/consents")).json(&consent).await.expect(201);
    for contacts in [vec![id], vec![id, other.as_str()]] {
        let activity = json!({"type": "call", "subject": format!("Hovor: {FIRST} {LAST}"), "contact_ids": contacts,
            "text": format!("{EMAIL}, 777 123 987"), "result": format!("{LAST} souhlasí")});
        app.post("/activities").json(&activity).await.expect(201);
    }
    let company = json!({"name": "Pekárna", "email": EMAIL, "phone": PHONE});
    let company = app.post("/companies").json(&company).await.expect(201).id();
    let role = json!({"role": format!("{LAST}, majitelka")});
    app.put(format!("/companies/{company}/contacts/{id}")).json(&role).await.expect(200);
    let document = kept_by_admin(app, &[id, &other]);
    let name = json!({"name": format!("Pro {EMAIL}.csv")});
    app.patch(format!("/documents/{document}")).json(&name).await.expect(200);
    app.execute(&format!("UPDATE documents SET page = 'https://x.example/?a=b&for={EMAIL}#c'"));
    let filter = json!({"or": [{"field": "email", "op": "eq", "value": EMAIL},
        {"field": "phone", "op": "eq", "value": "777 123 987"}]});
    let segment = json!({"name": "Ona", "description": format!("kvůli {EMAIL}"), "filter": filter});
    app.post("/segments").header("idempotency-key", "segment").json(&segment).await.expect(201);
    let edit = json!({"selection": {"where": filter}, "changes": {"details": {"komu": EMAIL}}});
    app.post("/contacts/bulk-edit").json(&edit).await.expect(202);
    app.post("/duplicates/find").json(&json!({})).await;
    app.put(format!("/contacts/by/email/{EMAIL}")).json(&json!({"city": null})).await;
    app.get("/contacts").query(&[("q", LAST)]).await.expect(200);
    app.get(format!("{path}/export")).await.expect(200);
    app.run_jobs().await;
}

/// TRS-5
#[tokio::test]
async fn after_an_erasure_nothing_of_the_person_is_found_anywhere() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let events = ["contact.created", "contact.updated", "contact.purged", "import.done"];
    let hook = json!({"url": receiver.url("/"), "events": events, "include": "contact"});
    app.post("/webhooks").json(&hook).await.expect(201);
    let id = by_imports(&app).await;
    by_hand(&app, &id).await;
    receiver.react([status(500), status(204), status(500)]);
    app.send_webhooks().await;

    // the look finds what is there: else it would prove nothing
    let before = found(&app);
    let tables: BTreeSet<&str> =
        before.iter().map(|line| line.split(':').next().unwrap()).collect();
    for table in [
        "activities",
        "companies",
        "company_contacts",
        "consent_evidence",
        "contact_notes",
        "contact_search",
        "contacts",
        "documents",
        "idempotency_keys",
        "import_changes",
        "import_data",
        "import_rows",
        "import_staged",
        "imports",
        "jobs",
        "segments",
    ] {
        assert!(tables.contains(table), "{table} should hold something before: {before:#?}");
    }
    let imports = app.count("SELECT count(*) AS n FROM imports");
    let jobs = app.count("SELECT count(*) AS n FROM jobs");
    let trail = format!("SELECT count(*) AS n FROM audit_entries WHERE record_id = '{id}'");
    let lines = app.count(&trail);
    let files_before = app.count("SELECT count(*) AS n FROM import_data");

    let erase = app.post(format!("/contacts/{id}/erase")).header("idempotency-key", "erase");
    let job = erase.json(&json!({})).await.expect(202);
    app.run_jobs().await;
    // what failed before is due again
    app.execute("UPDATE webhook_deliveries SET next_attempt_at = now() - interval '1 minute' WHERE state = 'pending'");
    app.execute("UPDATE webhooks SET not_before = NULL");
    app.send_webhooks().await;
    let done = erasure(&app, &job).await;
    assert_eq!(done.json["state"], "done", "{done:?}");

    assert_eq!(found(&app), BTreeSet::new());
    for (path, text) in files(app.settings().journal.path().parent().unwrap()) {
        let text = text.to_lowercase();
        let needle = needles().into_iter().find(|needle| text.contains(needle.as_str()));
        assert_eq!(needle, None, "{}", path.display());
    }
    let log = canary::lines().join("\n").to_lowercase();
    assert!(log.contains("contacts_erase"), "the log was not captured");
    for needle in needles() {
        let line = log.lines().find(|line| line.contains(&needle));
        assert_eq!(line, None, "{needle}");
    }

    // what stays: counts, lines by id, hashes, and what is others'
    assert_eq!(app.count("SELECT count(*) AS n FROM imports"), imports);
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs"), jobs + 1);
    assert!(app.count(&trail) > lines);
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions WHERE reason = 'erasure'"), 2);
    assert_eq!(journal(&app).len(), 1);
    let counts = &done.json["counts"];
    for (kind, least) in [
        ("contacts", 1),
        ("documents", 1),
        ("imports", 5),
        ("jobs", 1),
        ("segments", 1),
        ("activities", 1),
        ("companies", 1),
    ] {
        assert!(counts[kind].as_i64().unwrap() >= least, "{kind}: {counts}");
    }
    let files_after = app.count("SELECT count(*) AS n FROM import_data");
    assert!(files_after == 1 && files_before == 6, "{files_before} {files_after}");
    let told =
        receiver.received().into_iter().filter(|message| message.event() == "contact.purged");
    assert_eq!(told.count(), 1, "others hear of it, to do the same");
    app.check_invariants();
    lists_go_on(&app).await;
}

/// Imports without their file say so, and go on where they can.
async fn lists_go_on(app: &TestApp) {
    let imports = app.get("/imports").await.expect(200);
    let mut states = Vec::new();
    for import in imports.data() {
        let path = format!("/imports/{}", import["id"].as_str().unwrap());
        let import = app.get(&path).await.expect(200);
        let state = import.text_at("/state");
        match state.as_str() {
            "done" => {
                app.get(format!("{path}/errors.csv")).await.expect_problem(
                    409,
                    "import_data_gone",
                    &[],
                );
                app.get(format!("{path}/rows")).await.expect(200);
                app.post(format!("{path}/revert")).await.expect(202);
            }
            "awaiting_data" => {
                assert_eq!(import.json["problem"]["code"], "import_data_gone");
                app.put(format!("{path}/header"))
                    .json(&json!({"first_row": "header"}))
                    .await
                    .expect(409);
                app.put(format!("{path}/data"))
                    .bytes("text/csv", "e\neva@x.example\n")
                    .await
                    .expect(200);
            }
            _ => {}
        }
        states.push(state);
    }
    states.sort();
    assert_eq!(
        states,
        ["awaiting_commit", "awaiting_data", "awaiting_data", "done", "done", "done"]
    );
    app.run_jobs().await;
    app.check_invariants();
}

/// TRS-5, IMP-17: an import that is being written leaves the person out and writes the others.
#[tokio::test]
async fn an_import_that_is_being_written_leaves_the_person_out() {
    let app = TestApp::new().await;
    let columns =
        json!({"columns": [{"index": 0, "target": "email"}, {"index": 1, "target": "phone"}]});
    let matching = json!({"mode": "none", "outcomes": {"all": {"action": "import"}}});
    let list = format!("e,p\none@x.example,\n{EMAIL},\nx@x.example,777123987\ntwo@x.example,\n");
    let id = planned(&app, list.as_bytes(), columns, matching).await;
    let hash = app.get(format!("/imports/{id}/plan")).await.expect(200).json["hash"].clone();
    let commit = json!({ "plan_hash": hash });
    app.post(format!("/imports/{id}/commit")).json(&commit).await.expect(202);
    // the erasures are done before the commit, whose job waits
    app.execute("UPDATE jobs SET run_at = now() + interval '1 hour' WHERE kind = 'import_commit'");
    for body in [json!({"email": EMAIL}), json!({"phone": PHONE})] {
        app.post("/erasures").json(&body).await.expect(202);
    }
    app.run_jobs().await;
    let left: Vec<String> = found(&app).into_iter().collect();
    assert!(left.is_empty(), "{left:?}");
    app.execute("UPDATE jobs SET run_at = now() WHERE kind = 'import_commit'");
    app.run_jobs().await;
    let import = app.get(format!("/imports/{id}")).await.expect(200);
    let counts = ["created", "skipped"].map(|word| import.json["summary"][word].clone());
    assert_eq!(
        (&import.json["state"], counts),
        (&json!("done"), [json!(2), json!(2)]),
        "{import:?}"
    );
    assert!(found(&app).is_empty());
    app.check_invariants();
}

/// TRS-5: an upload of several pieces in UTF-16, the person on a border between two of them.
#[tokio::test]
async fn a_person_in_the_middle_of_a_long_file_is_found() {
    let app = TestApp::new().await;
    let mut text = String::from("e;x\n");
    while text.len() < 400_000 {
        text.push_str("somebody@x.example;příliš žluťoučký kůň\n");
    }
    let near = text.len();
    text.push_str(&format!("{EMAIL};x\n"));
    while text.len() < near * 2 {
        text.push_str("somebody.else@x.example;úpěl ďábelské ódy\n");
    }
    let bytes: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    canary::sent(&json!(EMAIL));
    let id = app.post("/imports").json(&json!({})).await.expect(201).id();
    let file = Part::bytes(bytes).file_name("list.csv").mime_str("text/csv").unwrap();
    let path = format!("/imports/{id}/data");
    app.put(&path).multipart(Form::new().part("file", file)).await.expect(200);
    assert!(app.count("SELECT count(*) AS n FROM import_data") > 3);
    app.post("/erasures").json(&json!({"email": "somebody.other@x.example"})).await.expect(202);
    app.run_jobs().await;
    assert!(app.count("SELECT count(*) AS n FROM import_data") > 3, "somebody else is not in it");
    app.post("/erasures").json(&json!({ "email": EMAIL })).await.expect(202);
    app.run_jobs().await;
    assert_eq!(app.count("SELECT count(*) AS n FROM import_data"), 0);
    assert_eq!(app.get(format!("/imports/{id}")).await.expect(200).json["state"], "awaiting_data");
}

/// TRS-5, CON-16: whoever was merged is the same person, and is found by an address that the merge left behind.
#[tokio::test]
async fn an_erasure_takes_along_what_a_merge_kept() {
    let app = TestApp::new().await;
    let app = &app;
    let make = |body: Value| async move {
        let id = app.post("/contacts").json(&body).await.expect(201).id();
        let consent =
            json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"});
        app.post(format!("/contacts/{id}/consents")).json(&consent).await.expect(201);
        id
    };
    let winner = make(json!({"first_name": "Zmiz", "last_name": LAST, "email": OLD_EMAIL})).await;
    let loser =
        make(json!({"first_name": FIRST, "last_name": LAST, "email": EMAIL, "phone": PHONE})).await;
    let list = format!("e;x\n{EMAIL};x\n");
    with_header(app, list.as_bytes(), "header").await;
    sealed(app).await;
    let merge = json!({"winner_id": winner, "loser_ids": [loser], "dry_run": false});
    let merge = app.post("/contacts/merge").json(&merge).await.expect(200).id();
    let tables = found(app).into_iter().collect::<Vec<_>>().join(" ");
    assert!(tables.contains("merge_losers: ") && tables.contains("import_data: "), "{tables}");
    let exported = app.get(format!("/contacts/{loser}/export")).await.expect(200);
    assert_eq!(exported.json["contact"]["id"], winner);
    assert_eq!(exported.json["merges"][0]["merged"][0]["was"]["contact"]["email"], EMAIL);
    assert_eq!(exported.json["consent_entries"].as_array().map(Vec::len), Some(2));

    let job = app.post("/erasures").json(&json!({ "email": EMAIL })).await.expect(202);
    let another = app.post("/contacts").json(&json!({"first_name": "Eva"})).await.expect(201).id();
    let again = json!({"winner_id": another, "loser_ids": [winner], "dry_run": false});
    app.post("/contacts/merge").json(&again).await.expect_problem(409, "conflict", &[]);
    app.run_jobs().await;
    assert_eq!(erasure(app, &job).await.json["state"], "done");
    assert_eq!(found(app), BTreeSet::new());
    for id in [&winner, &loser] {
        app.get(format!("/contacts/{id}")).await.expect(404);
        let left = format!("SELECT count(*) AS n FROM consent_entries WHERE contact_id = '{id}'");
        assert_eq!(app.count(&left), 0);
    }
    app.post(format!("/merges/{merge}/undo")).await.expect(409);
    // a restored backup may know them apart
    let mut noted: Vec<String> = journal(app)[0].contacts.iter().map(ToString::to_string).collect();
    noted.sort();
    let mut both = [winner, loser];
    both.sort();
    assert_eq!(noted, both);
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions WHERE reason = 'erasure'"), 3);
    sealed(app).await;
    assert_eq!(faults(app).await, []);
    app.check_invariants();
}
