//! Migrations go up, down and up again while there are data in the tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel_migrations::MigrationHarness;
use kartoteka::embedded_postgres::Binaries;
use kartoteka_app::contacts::search_index;
use kartoteka_persistence::MIGRATIONS;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use crate::v1::documents::kept_by_admin;
use crate::v1::imports::{commit, planned, with_header};
use crate::v1::integrity::sealed;

/// The rows of every table, as JSON, sorted.
type Contents = BTreeMap<String, Vec<String>>;

/// Tables of the schema, without the list of migrations.
fn tables(app: &TestApp) -> Vec<String> {
    let rows = app.rows(
        "SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind = 'r' AND relname <> '__diesel_schema_migrations' ORDER BY relname",
    );
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

/// The rows of these tables, with these columns only.
fn contents(app: &TestApp, columns: &BTreeMap<String, Vec<String>>) -> Contents {
    let rows_of = |(table, columns): (&String, &Vec<String>)| {
        let list =
            columns.iter().map(|column| format!("{column:?}")).collect::<Vec<_>>().join(", ");
        let rows = app.rows(&format!("SELECT {list} FROM {table:?}"));
        let mut rows: Vec<_> = rows.iter().map(Value::to_string).collect();
        rows.sort();
        (table.clone(), rows)
    };
    columns.iter().map(rows_of).collect()
}

/// The columns of every table that is there.
fn columns(app: &TestApp) -> BTreeMap<String, Vec<String>> {
    let columns_of = |table: &String| {
        let rows = app.rows(&format!(
            "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = '{table}'::regclass \
             AND attnum > 0 AND NOT attisdropped ORDER BY attname"
        ));
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    tables(app).iter().map(|table| (table.clone(), columns_of(table))).collect()
}

/// PostgreSQL's own description of the schema.
fn dump(app: &TestApp) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf();
    let beside = Binaries::find(None, &[root], Path::new(""), None)
        .map(|binaries| binaries.program("pg_dump"))
        .ok()
        .filter(|program| program.is_file());
    let program = beside.unwrap_or_else(|| "pg_dump".into());
    let output = Command::new(&program)
        .args(["--schema-only", "--no-owner", "--dbname", app.database().url()])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // newer versions fence the script with a word that is drawn anew each time
    let lines = text.lines().filter(|line| !line.contains("restrict "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Something in every table, by the ways that people and programs put it there.
async fn fill(app: &TestApp) {
    let columns = json!({ "columns": [
        { "index": 0, "target": "email" }, { "index": 1, "target": "first_name" },
        { "index": 2, "target": "tags" }, { "index": 3, "target": "consent:email_basic" },
    ] });
    let by_email = json!({ "mode": "match", "key": "email" });
    let list = |name: &str, tag: &str| {
        let rows: Vec<_> =
            (0..50).map(|n| format!("n{n}@example.com,{name}{n},\"{tag}\",yes")).collect();
        format!("e,f,t,k\n{}\n", rows.join("\n"))
    };
    let hook = json!({ "url": "https://hooks.example.com/", "events": ["contact.created"] });
    app.post("/webhooks").json(&hook).await.expect(201);
    for (name, tag) in [("A", "first"), ("B", "second")] {
        let list = list(name, tag);
        let id = planned(app, list.as_bytes(), columns.clone(), by_email.clone()).await;
        assert_eq!(commit(app, &id).await["state"], "done");
    }
    // one that stops on its way, and one whose plan is made
    with_header(app, list("C", "third").as_bytes(), "header").await;
    planned(app, list("D", "fourth").as_bytes(), columns.clone(), by_email.clone()).await;
    let template = json!({ "name": "Shop", "options": {} });
    app.post("/import-templates").json(&template).await.expect(201);
    let leaf = json!({ "field": "tag", "op": "has", "value": "first" });
    let segment = json!({ "name": "First", "filter": leaf.clone() });
    let segment = app.post("/segments").json(&segment).await.expect(201).id();
    let nested = json!({ "name": "Second", "selection": { "segments": [segment] } });
    app.post("/segments").json(&nested).await.expect(201);
    let scenario = json!({ "name": "Welcome", "enabled": true, "nodes": [
        { "id": "s", "type": "start", "event": { "type": "contact.tag_added", "tag": "first" }, "next": "c" },
        { "id": "c", "type": "condition", "filter": leaf, "yes": "e", "no": "e" },
        { "id": "e", "type": "end" }
    ] });
    let scenario = app.post("/scenarios").json(&scenario).await.expect(201).id();
    let client = json!({ "name": "shop", "scopes": ["contacts:read"] });
    app.post("/clients").header("idempotency-key", "k").json(&client).await.expect(201);
    let field = json!({ "name": "size", "type": "number" });
    app.post("/fields").json(&field).await.expect(201);
    app.post("/contact-types").json(&json!({ "name": "Person" })).await.expect(201);
    let group = app.post("/groups").json(&json!({ "name": "Suppliers" })).await.expect(201).id();
    let person = json!({ "email": "jana@example.com", "group_ids": [group] });
    let path = format!("/contacts/{}", app.post("/contacts").json(&person).await.expect(201).id());
    let funnel = json!({ "name": "Wholesale", "stages": ["Lead", "Offer"] });
    let funnel = app.post("/funnels").json(&funnel).await.expect(201);
    app.put(format!("{path}/stages/{}", funnel.text_at("/stages/0/id"))).await.expect(200);
    app.execute(
        "INSERT INTO coupons (workspace_id, id, contact_id, name, name_key, code, valid_until, created_at) \
         SELECT workspace_id, gen_random_uuid(), id, 'Spring', 'spring', 'A2C4', created_at, created_at FROM contacts LIMIT 1",
    );
    let edit = json!({ "selection": { "where": { "field": "group", "op": "has", "value": group } },
        "changes": { "score": 1 } });
    app.post("/contacts/bulk-edit").json(&edit).await.expect(202);
    app.run_jobs().await;
    let consent = json!({ "purpose": "email_basic", "action": "grant", "legal_basis": "consent",
        "evidence": { "ip": "203.0.113.7", "user_agent": "M", "form": "f1" } });
    app.post(format!("{path}/consents")).json(&consent).await.expect(201);
    app.post(format!("{path}/notes")).json(&json!({ "text": "n" })).await.expect(201);
    let start = json!({ "scenario_id": scenario });
    app.post(format!("{path}/scenarios")).json(&start).await.expect(201);
    let owner = format!("{path}/owners/{}", app.home().user);
    app.put(owner).json(&json!({ "level": "main" })).await.expect(200);
    let contact = path.trim_start_matches("/contacts/");
    for noun in ["companies", "opportunities", "projects"] {
        let id = app.post(format!("/{noun}")).json(&json!({ "name": "n" })).await.expect(201).id();
        let link = format!("/{noun}/{id}/contacts/{contact}");
        app.put(link).json(&json!({ "role": "r" })).await.expect(200);
    }
    let call = json!({ "subject": "s", "type": "call", "contact_ids": [contact] });
    app.post("/activities").json(&call).await.expect(201);
    let winner = app.post("/contacts").json(&json!({ "email": "w@x.cz" })).await.expect(201).id();
    let loser = app.post("/contacts").json(&json!({ "first_name": "L" })).await.expect(201).id();
    let merge = json!({ "winner_id": winner, "loser_ids": [loser] });
    app.post("/contacts/merge").json(&merge).await.expect(200);
    kept_by_admin(app, &[&winner, &loser]);
    app.delete(&path).await.expect(204);
    // what a purge leaves behind, seals and what a verification says of them
    let gone =
        app.post("/contacts").json(&json!({ "email": "gone@example.com" })).await.expect(201);
    let gone = gone.header("location").to_owned();
    let granted = json!({ "purpose": "email_basic", "action": "grant", "legal_basis": "consent" });
    app.post(format!("{gone}/consents")).json(&granted).await.expect(201);
    app.delete(&gone).await.expect(204);
    app.delete(gone.replace("contacts", "trash")).await.expect(204);
    sealed(app).await;
    app.post("/workspace/integrity/verify").await.expect(202);
    app.run_jobs().await;
    let login = [
        ("grant_type", "password"),
        ("username", app.home().email.as_str()),
        ("password", kartoteka_tests::PASSWORD),
    ];
    app.anonymous().post("/auth/token").form(&login).await.expect(200);
    app.execute(
        "INSERT INTO suppressions (workspace_id, channel, address_hash, reason, created_at) \
         SELECT id, 'email', '\\x00', 'erasure', now() FROM workspaces",
    );
    app.execute(
        "INSERT INTO consent_requests (workspace_id, id, contact_id, purpose_id, wording_version, legal_basis, language, \
         address_hash, state, expires_at, actor_type, created_at, updated_at) \
         SELECT workspace_id, id, contact_id, purpose_id, wording_version, legal_basis, 'cs', '\\x00', 'sent', at, \
         'system', at, at FROM consent_entries LIMIT 1",
    );
    // what an action wrote over, and what a scenario starts by
    let detail = json!({ "details": { "size": 43 } });
    app.patch(format!("/contacts/{winner}")).json(&detail).await.expect(200);
    let selection = json!({ "where": { "field": "email", "op": "eq", "value": "w@x.cz" } });
    let action = json!({ "type": "set_detail", "name": "size", "value": 44 });
    let job = json!({ "selection": selection, "actions": [action] });
    app.post("/contact-manager/jobs").json(&job).await.expect(202);
    app.execute(
        "INSERT INTO start_events (workspace_id, definition_type, definition_id, place, event) \
         SELECT id, 'scenario', id, 0, 'contact.note_added' FROM workspaces",
    );
    search_index::look_through(app.db()).unwrap();
    // two that are one, two of which somebody says that they are two, and what a search has while it runs
    for n in ["one", "two"] {
        let twin = json!({ "first_name": "Twin", "phone": "+420601123456", "external_id": n });
        app.post("/contacts").json(&twin).await.expect(201);
    }
    app.post("/duplicates/find").json(&json!({})).await.expect(202);
    app.post("/erasures").json(&json!({ "email": "gone@example.com" })).await.expect(202);
    app.put("/workspace/retention").json(&json!({ "trash": 30 })).await.expect(200);
    app.run_jobs().await;
    let contacts = app.get("/contacts?limit=2&sort=first_name").await.expect(200);
    let ids: Vec<_> = contacts.data().iter().map(|row| row["id"].as_str().unwrap()).collect();
    app.put(format!("/duplicates/rejections/{}/{}", ids[0], ids[1])).await;
    app.execute(
        "INSERT INTO duplicate_staged (workspace_id, job_id, seq, contact_id, keys, terms)
         SELECT workspace_id, id, 1, id, '{1,2}', '{3}' FROM jobs LIMIT 1",
    );
    app.execute(
        "INSERT INTO duplicate_blocks (workspace_id, job_id, key, seq, members)
         SELECT workspace_id, id, 1, 1, 2 FROM jobs LIMIT 1",
    );
    app.execute(
        "INSERT INTO frozen_values (workspace_id, contact_id, job_id, action, value)
         SELECT workspace_id, id, id, 'set_detail', '{}' FROM contacts LIMIT 1",
    );
    app.execute(
        "INSERT INTO start_events (workspace_id, definition_type, definition_id, place, event)
         SELECT id, 'rule', id, 0, 'contact.note_added' FROM workspaces LIMIT 1",
    );
}

/// From the newest to the oldest: a migration that is reverted and made again leaves the same schema, and
/// what other migrations made keeps every row and value. All of them in the end leave nothing.
#[tokio::test(flavor = "multi_thread")]
async fn every_migration_goes_down_and_up_again_with_data_in_the_tables() {
    let app = TestApp::new().await;
    fill(&app).await;
    let empty: Vec<_> = tables(&app)
        .into_iter()
        .filter(|table| app.count(&format!("SELECT count(*) AS n FROM {table:?}")) == 0)
        .collect();
    assert!(empty.is_empty(), "fill() puts nothing into {empty:?}");

    let mut migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap();
    migrations.sort_by_key(|migration| migration.name().version().as_owned());
    let whole = dump(&app);
    let mut before = whole.clone();
    let mut conn = app.connection();
    for migration in migrations.iter().rev() {
        let name = migration.name().to_string();
        let held = contents(&app, &columns(&app));
        let all = columns(&app);
        conn.revert_migration(migration).unwrap_or_else(|error| panic!("{name} down: {error}"));
        // of what is there still, every value is what it was
        let left = columns(&app);
        let kept: BTreeMap<_, Vec<_>> = left
            .iter()
            .filter_map(|(table, columns)| {
                let were = all.get(table)?;
                let both = columns.iter().filter(|column| were.contains(column)).cloned().collect();
                Some((table.clone(), both))
            })
            .collect();
        let (down, rows) = (dump(&app), contents(&app, &kept));
        assert_ne!(before, down, "{name}: going down changes nothing");
        for (table, rows) in &rows {
            if kept[table] == all[table] {
                assert_eq!(rows, &held[table], "{name} down: {table}");
            } else {
                assert_eq!(rows.len(), held[table].len(), "{name} down: {table}");
            }
        }
        conn.run_migration(migration).unwrap_or_else(|error| panic!("{name} up: {error}"));
        assert_eq!(dump(&app), before, "{name}: down and up");
        assert_eq!(contents(&app, &kept), rows, "{name} up");
        conn.revert_migration(migration).unwrap_or_else(|error| panic!("{name} down: {error}"));
        assert_eq!(dump(&app), down, "{name}: down, up and down");
        before = down;
    }
    assert_eq!(tables(&app), Vec::<String>::new());
    for migration in &migrations {
        conn.run_migration(migration).unwrap();
    }
    assert_eq!(dump(&app), whole);
}

/// SEG-5, SCN-3: of rules and scenarios that were saved before, the present versions keep their segments from now on.
#[tokio::test(flavor = "multi_thread")]
async fn definitions_of_before_keep_the_segments_they_name() {
    let app = TestApp::new().await;
    let tree = json!({ "field": "tag", "op": "has", "value": "first" });
    let segment = json!({ "name": "s", "filter": tree });
    let segment = app.post("/segments").json(&segment).await.expect(201).id();
    let within = json!({ "field": "segment", "op": "eq", "value": segment });
    for path in ["/rules", "/scenarios"] {
        let body = match path {
            "/rules" => json!({ "name": "n", "conditions": [within] }),
            _ => {
                json!({ "name": "n", "nodes": [{ "id": "c", "type": "condition", "filter": within }] })
            }
        };
        app.post(path).json(&body).await.expect(201);
    }
    let gone = json!({ "name": "gone", "conditions": [within] });
    let gone = app.post("/rules").json(&gone).await.expect(201);
    app.delete(gone.header("location")).await.expect(204);
    let named =
        || app.rows("SELECT kind, name, version FROM definition_names ORDER BY definition_id");
    let saved = named();
    let one = json!({ "kind": "segment", "name": segment, "version": 1 });
    assert_eq!(saved, [one.clone(), one]);
    let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap();
    let migration = migrations
        .iter()
        .find(|migration| migration.name().to_string().ends_with("definition_names_of_segments"))
        .unwrap();
    let mut conn = app.connection();
    conn.revert_migration(migration).unwrap();
    assert_eq!(named(), Vec::<Value>::new());
    conn.run_migration(migration).unwrap();
    assert_eq!(named(), saved);
}

/// SEG-5: the trees that were saved before tell what they name from now on.
#[tokio::test(flavor = "multi_thread")]
async fn segments_of_before_keep_the_records_they_name() {
    let app = TestApp::new().await;
    let made = app.post("/companies").json(&json!({ "name": "Dílna" })).await.expect(201);
    let (company, user) = (made.id(), app.home().user.0.to_string());
    let of = |op: &str, value: Value| json!({ "field": "company", "op": op, "value": value });
    let filter = json!({ "or": [
        of("in", json!([company.to_uppercase(), company])), of("is_empty", Value::Null),
        { "not": { "field": "owner", "op": "has", "value": user } },
        { "field": "last_name", "op": "eq", "value": "company" }
    ] });
    let segment = json!({ "name": "s", "filter": filter });
    app.post("/segments").json(&segment).await.expect(201);
    let named = || app.rows("SELECT kind, name FROM segment_names ORDER BY kind");
    let saved = named();
    let expected =
        [json!({ "kind": "company", "name": company }), json!({ "kind": "owner", "name": user })];
    assert_eq!(saved, expected);
    let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap();
    let migration = migrations
        .iter()
        .find(|migration| migration.name().to_string().ends_with("segment_names_of_records"))
        .unwrap();
    let mut conn = app.connection();
    conn.revert_migration(migration).unwrap();
    assert_eq!(named(), Vec::<Value>::new());
    // all spellings of an id were taken
    for (id, spelt) in [(&company, format!("{{{company}}}")), (&user, format!("urn:uuid:{user}"))] {
        app.execute(&format!(
            "UPDATE segments SET filter = replace(filter::text, '{id}', '{spelt}')::jsonb"
        ));
    }
    conn.run_migration(migration).unwrap();
    assert_eq!(named(), saved);
    app.delete(made.header("location")).await.expect_problem(409, "in_use", &[]);
}
