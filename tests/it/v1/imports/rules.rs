//! What the tests of the rules share: lists in a line, and the promises that hold for every import.

use std::ops::Deref;

use serde_json::{Map, Value, json};

use kartoteka_tests::TestApp;

use super::{commit, import, plan, planned, revert};

/// A server whose tables are looked through when the test ends.
pub(crate) struct Rules(TestApp);

impl Deref for Rules {
    type Target = TestApp;
    fn deref(&self) -> &TestApp {
        &self.0
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.check_invariants();
        }
    }
}

pub(crate) async fn rules() -> Rules {
    Rules(TestApp::new().await)
}

/// A mapping in words: `"email"`, `"address.city|fill_empty"`, `"detail:shoe|overwrite|clear"`; `""` leaves
/// a column out.
pub(crate) fn columns(words: &[&str]) -> Value {
    let columns: Vec<Value> = words
        .iter()
        .enumerate()
        .map(|(index, word)| {
            let mut parts = word.split('|');
            let target = parts.next().filter(|target| !target.is_empty());
            let mut column = json!({ "index": index, "target": target });
            for part in parts {
                match part {
                    "clear" => column["clear_empty"] = json!(true),
                    policy => column["policy"] = json!(policy),
                }
            }
            column
        })
        .collect();
    json!({ "columns": columns })
}

/// The matching without a key; all rows are treated alike.
pub(crate) fn off() -> Value {
    json!({ "mode": "none" })
}

/// Matching by `key`, with what is said in `outcomes`.
pub(crate) fn by(key: &str, outcomes: Value) -> Value {
    json!({ "mode": "match", "key": key, "outcomes": outcomes })
}

/// The same with rows of one key treated so.
pub(crate) fn by_in_file(key: &str, in_file: &str, outcomes: Value) -> Value {
    json!({ "mode": "match", "key": key, "in_file": in_file, "outcomes": outcomes })
}

/// An import that was carried through.
pub(crate) struct Imported {
    pub id: String,
    pub plan: Value,
    pub import: Value,
}

impl Imported {
    pub fn summary(&self, word: &str) -> i64 {
        self.import["summary"][word].as_i64().unwrap()
    }
}

/// Plans and commits a list (lines joined, the first is the header), and holds what is promised of every
/// import: nothing is written before the commit, the numbers of the plan are the numbers of the commit, and
/// the report says the same.
pub(crate) async fn imported(
    app: &TestApp,
    lines: &[&str],
    mapping: Value,
    matching: Value,
) -> Imported {
    let bytes = lines.join("\n") + "\n";
    let before = contents(app);
    let id = planned(app, bytes.as_bytes(), mapping, matching).await;
    assert_eq!(contents(app), before, "a plan writes nothing");
    let plan = plan(app, &id).await;
    let import = commit(app, &id).await;
    assert_eq!(import["state"], "done", "{import:#}");
    let imported = Imported { id, plan, import };
    holds_what_was_planned(app, &imported).await;
    imported
}

pub(crate) async fn holds_what_was_planned(app: &TestApp, imported: &Imported) {
    let Imported { id, plan, import } = imported;
    let (planned, summary) = (&plan["outcomes"], &import["summary"]);
    let n = |value: &Value| value.as_i64().unwrap();
    let wanted = [
        n(&planned["create"]),
        n(&planned["restore"]),
        n(&planned["update"]),
        n(&planned["skip"]),
        n(&planned["invalid"]),
        n(&planned["merged_in_file"]),
    ];
    let had = [
        n(&summary["created"]),
        n(&summary["restored"]),
        n(&summary["updated"]) + n(&summary["unchanged"]),
        n(&summary["skipped"]),
        n(&summary["invalid"]),
        n(&summary["merged_in_file"]),
    ];
    assert_eq!(wanted, had, "{plan:#}\n{summary:#}");
    assert_eq!(wanted.iter().sum::<i64>(), n(&plan["rows"]), "{plan:#}");
    let classes = ["none", "one", "many", "in_trash"].map(|class| n(&plan["classes"][class]));
    let valid = n(&plan["rows"]) - wanted[4] - wanted[5];
    assert_eq!(classes.iter().sum::<i64>(), valid, "{plan:#}");
    let mut reported = Map::new();
    for row in report(app, id).await {
        let count = reported.entry(row["outcome"].as_str().unwrap()).or_insert(json!(0));
        *count = json!(n(count) + 1);
    }
    let mut told = summary.as_object().unwrap().clone();
    told.retain(|_, count| *count != json!(0));
    assert_eq!(reported, told, "report and summary");
}

/// The whole row report.
pub(crate) async fn report(app: &TestApp, id: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", "200")];
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let page = app.get(format!("/imports/{id}/rows")).query(&query).await.expect(200);
        rows.extend_from_slice(page.data());
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return rows,
        }
    }
}

/// Everything an import may write to, with the version of each row: equal means that nothing was written.
pub(crate) fn contents(app: &TestApp) -> Vec<Value> {
    ["contacts", "contact_tags", "consents", "consent_entries", "tags"]
        .iter()
        .flat_map(|table| {
            app.rows(&format!(
                "SELECT '{table}' AS name, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS content,
                    sum(t.xmin::text::bigint)::text AS versions FROM {table} t"
            ))
        })
        .collect()
}

/// All contacts in order of making, with the names of their tags and their consents.
pub(crate) fn contacts(app: &TestApp) -> Vec<Value> {
    app.rows(
        "SELECT c.*, ARRAY(SELECT t.name FROM contact_tags x JOIN tags t ON t.workspace_id = x.workspace_id AND t.id = x.tag_id
                WHERE x.workspace_id = c.workspace_id AND x.contact_id = c.id ORDER BY t.name) AS tags,
            coalesce((SELECT jsonb_object_agg(p.name, x.granted) FROM consents x JOIN purposes p ON p.id = x.purpose_id
                WHERE x.workspace_id = c.workspace_id AND x.contact_id = c.id), '{}') AS consents
         FROM contacts c ORDER BY c.id",
    )
}

/// The contacts with this address, in order of making.
pub(crate) fn people(app: &TestApp, email: &str) -> Vec<Value> {
    contacts(app).into_iter().filter(|contact| contact["email_key"] == email).collect()
}

/// The one contact with this address.
#[track_caller]
pub(crate) fn person(app: &TestApp, email: &str) -> Value {
    let mut people = people(app, email);
    assert_eq!(people.len(), 1, "one {email}: {people:#?}");
    people.remove(0)
}

/// Makes contacts out of lines like `imported`, everyone a new one.
pub(crate) async fn base(app: &TestApp, lines: &[&str], words: &[&str]) {
    imported(app, lines, columns(words), off()).await;
}

/// Moves the contacts with this address to the trash.
pub(crate) async fn trash(app: &TestApp, email: &str) {
    for person in people(app, email) {
        app.delete(format!("/contacts/{}", person["id"].as_str().unwrap())).await.expect(204);
    }
}

/// Undoes an import that ends well, and gives back what it says of itself.
pub(crate) async fn undone(app: &TestApp, id: &str) -> Value {
    let import = revert(app, id).await.json;
    assert_eq!(import["state"], "reverted", "{import:#}");
    import["reverted"].clone()
}

/// The next jobs work in the smallest chunks, 200 rows: as over a job that lost workers.
pub(crate) fn in_small_chunks(app: &TestApp) {
    assert!(app.execute("UPDATE jobs SET crashes = 2 WHERE state = 'queued'") > 0, "a job waits");
}

/// Commits the present plan in small chunks.
pub(crate) async fn commit_in_small_chunks(app: &TestApp, id: &str) -> Value {
    request_commit(app, id).await;
    in_small_chunks(app);
    app.run_jobs().await;
    import(app, id).await
}

/// Asks for the commit and does not yet work it off.
pub(crate) async fn request_commit(app: &TestApp, id: &str) {
    let hash = plan(app, id).await["hash"].clone();
    app.post(format!("/imports/{id}/commit")).json(&json!({ "plan_hash": hash })).await.expect(202);
}

/// Only these members of a value.
pub(crate) fn only(value: &Value, members: &[&str]) -> Value {
    members
        .iter()
        .map(|name| ((*name).to_owned(), value[*name].clone()))
        .collect::<Map<_, _>>()
        .into()
}
