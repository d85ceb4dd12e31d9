//! What `kartoteka demo` leaves, by the eyes of its reader.

use std::collections::BTreeMap;

use kartoteka_app::demo;
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

/// Fills the first workspace; how many imports that took.
async fn fill(app: &TestApp) -> usize {
    let (environment, workspace) = (app.jobs_environment(), app.home().id);
    let filled = tokio::task::spawn_blocking(move || demo::fill(&environment, workspace, "demo"));
    filled.await.unwrap().unwrap().len()
}

/// The rows of every table.
fn contents(app: &TestApp) -> BTreeMap<String, Vec<Value>> {
    let tables = app.rows(
        "SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind = 'r' ORDER BY relname",
    );
    let names = tables.iter().map(|row| row["name"].as_str().unwrap().to_owned());
    names
        .map(|name| {
            let rows = app.rows(&format!("SELECT * FROM {name} AS t ORDER BY to_jsonb(t)::text"));
            (name, rows)
        })
        .collect()
}

/// Those that differ, not their rows: a difference of hundreds of contacts says nothing to anybody.
fn differing(
    before: &BTreeMap<String, Vec<Value>>,
    after: &BTreeMap<String, Vec<Value>>,
) -> Vec<String> {
    before
        .iter()
        .filter(|(name, rows)| after[*name] != **rows)
        .map(|(name, _)| name.clone())
        .collect()
}

async fn list(app: &TestApp, path: &str) -> Answer {
    app.get(format!("{path}{}limit=200", if path.contains('?') { '&' } else { '?' }))
        .await
        .expect(200)
}

async fn named(app: &TestApp, path: &str, name: &str) -> Value {
    let all = list(app, path).await;
    let found = all.data().iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not among {path}")).clone()
}

async fn count(app: &TestApp, filter: &Value) -> i64 {
    let body = json!({"selection": {"where": filter}});
    app.post("/contacts/count").json(&body).await.expect(200).json["contacts"].as_i64().unwrap()
}

/// CON-5, CON-7, CON-9, CON-12..15, SEG-5: something of everything, by everybody's ways.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_everything_that_there_is() {
    let app = TestApp::new().await;
    assert_eq!(fill(&app).await, 2);
    for (path, least) in [
        ("/groups", 3),
        ("/contact-types", 3),
        ("/fields", 6),
        ("/segments", 5),
        ("/companies", 4),
        ("/opportunities", 2),
        ("/projects", 1),
        ("/activities", 7),
        ("/tags", 5),
        ("/funnels", 1),
        ("/rules", 1),
        ("/scenarios", 1),
        ("/contact-manager/jobs", 1),
        ("/activities?done=true", 4),
        ("/activities?done=false", 3),
    ] {
        assert_eq!(list(&app, path).await.data().len().min(least), least, "{path}");
    }
    // groups and types have members, from the lists too
    for group in list(&app, "/groups").await.data() {
        let members =
            count(&app, &json!({"field": "group", "op": "has", "value": group["id"]})).await;
        assert!(members >= 2, "{group}");
    }
    for kind in list(&app, "/contact-types").await.data() {
        assert!(count(&app, &json!({"field": "type", "op": "eq", "value": kind["id"]})).await >= 1);
    }
    let orders = json!({"field": "detail:orders", "op": "gt", "value": 5});
    assert!(count(&app, &orders).await > 10, "the column is a number");
    // every segment means somebody, but the one on birthdays, which depends on the day
    for segment in list(&app, "/segments").await.data() {
        let id = segment["id"].as_str().unwrap();
        let counted = app.post(format!("/segments/{id}/count")).await.expect(200);
        let some = counted.json["contacts"].as_i64().unwrap() > 0;
        assert!(some || segment["filter"]["field"] == "birth_date", "{segment}");
    }
    let loyal = named(&app, "/segments", "Věrní zákazníci").await;
    assert_eq!(loyal["uses"], 1, "one segment is made of others");
    // a card: owner, notes, consents, links, what was and what will be
    let found = app.get("/contacts?q=lipska").await.expect(200);
    let contact = &found.data()[0];
    assert_eq!(contact["name"], "Magdalena Lipska");
    assert_eq!(contact["owners"][0]["user_id"], json!(app.home().user));
    assert_eq!(contact["communication"]["email"], "opt_in");
    assert_eq!(contact["details"]["roast"], "tmavé");
    let card = format!("/contacts/{}", contact["id"].as_str().unwrap());
    assert_eq!(list(&app, &format!("{card}/notes")).await.data().len(), 1);
    assert_eq!(list(&app, &format!("{card}/planned")).await.data().len(), 1);
    assert!(list(&app, &format!("{card}/timeline")).await.data().len() > 6);
    for noun in ["companies", "opportunities"] {
        let path = format!("/{noun}?contact_id={}", contact["id"].as_str().unwrap());
        assert_eq!(list(&app, &path).await.data().len(), 1, "{noun}");
    }
    let withdrawn = json!({"field": "consent:email_basic", "op": "eq", "value": "withdrawn"});
    assert!(count(&app, &withdrawn).await >= 1);
    // one private note, which its author sees and nobody else
    let private = app.rows("SELECT contact_id, author_id FROM contact_notes WHERE private");
    assert_eq!(private.len(), 1);
    assert_eq!(private[0]["author_id"], json!(app.home().user));
    let path = format!("/contacts/{}/notes", private[0]["contact_id"].as_str().unwrap());
    assert_eq!(list(&app, &path).await.data().len(), 2);
    let others = app.integration(&["contacts:read"]).get(&path).await.expect(200);
    assert_eq!(others.data().len(), 1);
    // people in a funnel, each with a coupon of their own; nothing goes out by itself
    let held = app.count("SELECT count(*) AS n FROM contact_stages");
    assert!(held > 0, "nobody is in the funnel");
    assert_eq!(app.count("SELECT count(*) AS n FROM coupons"), held);
    for path in ["/rules", "/scenarios"] {
        assert!(list(&app, path).await.data().iter().all(|one| one["enabled"] == false), "{path}");
    }
    // addresses that are nobody's
    let strange = "SELECT count(*) AS n FROM contacts WHERE email_key !~ '(@example\\.(com|org|net)|\\.example)$'";
    assert_eq!(app.count(strange), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs WHERE state <> 'succeeded'"), 0);
    app.check_invariants();
}

/// A second run changes nothing, in no table; nor does it undo what people did since.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_changes_nothing() {
    let app = TestApp::new().await;
    fill(&app).await;
    let before = contents(&app);
    assert_eq!(fill(&app).await, 2);
    assert_eq!(differing(&before, &contents(&app)), Vec::<String>::new());
    // people go on
    let found = app.get("/contacts?q=mlynar").await.expect(200);
    let card = format!("/contacts/{}", found.data()[0]["id"].as_str().unwrap());
    app.patch(&card)
        .json(&json!({"job_title": "majitel", "group_ids": [], "type_id": null}))
        .await
        .expect(200);
    for note in list(&app, &format!("{card}/notes")).await.data() {
        app.delete(format!("{card}/notes/{}", note["id"].as_str().unwrap())).await.expect(204);
    }
    let found = app.get("/contacts?q=horacek pavel mlekarna").await.expect(200);
    app.delete(format!("/contacts/{}", found.data()[0]["id"].as_str().unwrap())).await.expect(204);
    let group = named(&app, "/groups", "Velkoobchod").await;
    let path = format!("/groups/{}", group["id"].as_str().unwrap());
    app.patch(&path).json(&json!({"description": null})).await.expect(200);
    let customer = app.get("/contacts?tag=shop&limit=1").await.expect(200);
    let path = format!("/contacts/{}", customer.data()[0]["id"].as_str().unwrap());
    app.patch(&path).json(&json!({"first_name": "Jinak"})).await.expect(200);
    let before = contents(&app);
    fill(&app).await;
    assert_eq!(differing(&before, &contents(&app)), Vec::<String>::new());
}

/// A workspace where names are taken for other things, and where nobody may log in, is filled as well.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_goes_round_what_is_there() {
    let app = TestApp::new().await;
    let field = json!({"name": "roast", "title": "Roast", "type": "number"});
    app.post("/fields").json(&field).await.expect(201);
    let body = json!({"first_name": "Jana", "details": {"orders": "many"}});
    app.post("/contacts").json(&body).await.expect(201);
    app.post("/groups").json(&json!({"name": "VELKOOBCHOD"})).await.expect(201);
    app.execute("DELETE FROM users");
    fill(&app).await;
    fill(&app).await;
    assert_eq!(app.count("SELECT count(*) AS n FROM groups"), 3);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_owners"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_notes WHERE private"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_notes"), 3);
    assert_eq!(
        app.count(
            "SELECT count(*) AS n FROM fields WHERE name IN ('roast', 'orders') AND type = 'number'"
        ),
        1
    );
    app.check_invariants();
}
