//! `GET /contacts?q=` on a base so large that the index is asked, and while the index follows an import.

use kartoteka_app::contacts::search_index;
use kartoteka_domain::ids::WorkspaceId;
use kartoteka_persistence::contacts::search::{self, Reach};
use kartoteka_persistence::sql::Sql;
use kartoteka_tests::{Client, TestApp};
use serde_json::json;

use crate::v1::imports::{commit, planned, revert};

/// Pages that are looked at of a list.
const PAGES: usize = 3;
/// Contacts on each.
const LIMIT: usize = 100;

/// Ids a list gives on its first pages.
async fn found(app: &Client, query: &[(&str, &str)]) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    for _ in 0..PAGES {
        let mut request = app.get("/contacts").query(query).query(&[("limit", &LIMIT.to_string())]);
        if !cursor.is_empty() {
            request = request.query(&[("cursor", &cursor)]);
        }
        let answer = request.await.expect(200);
        ids.extend(answer.data().iter().map(|contact| contact["id"].as_str().unwrap().to_owned()));
        match answer.json["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    ids
}

/// First names a search finds, the newest contact first.
async fn names(app: &Client, search: &str) -> Vec<String> {
    let answer = app.get("/contacts").query(&[("q", search)]).await.expect(200);
    answer.data().iter().map(|c| c["first_name"].as_str().unwrap().to_owned()).collect()
}

/// Does all the index has to do.
fn catch_up(app: &TestApp) {
    while search_index::catch_up(app.db()).unwrap() {}
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_search_lag"), 0);
    app.check_invariants();
}

/// CON-4: whatever way a page is found, it is the page: common words, rare ones, none, parts with signs,
/// too short for the index, several, in any order of the list, in the trash.
#[tokio::test]
async fn a_search_of_many_contacts_finds_exactly_those_that_have_the_words() {
    let app = TestApp::new().await;
    let home = app.home().id;
    let other = app.other_workspace().id;
    for workspace in [home, other] {
        app.execute(&format!(
            "INSERT INTO contacts (workspace_id, id, first_name, last_name, email, email_key, phone, origin, search, score, \
                created_at, updated_at, trashed_at) \
             SELECT '{workspace}', lpad(to_hex(n), 32, '0')::uuid, first, last, mail, mail, phone, 'manual', \
                contact_search(first, last, mail, phone, NULL), n % 7, now(), now(), CASE WHEN n % 11 = 0 THEN now() END \
             FROM generate_series(1, 6000) AS n, LATERAL (SELECT (ARRAY['Jana', 'Petr', 'Eva', 'Žofie'])[1 + n % 4] AS first, \
                CASE WHEN n % 200 = 3 THEN 'Vzácná' WHEN n % 2500 = 17 THEN 'Ojedinělý' ELSE 'Nováková' END AS last, \
                'mail' || n || '@x_y.cz' AS mail, '+420' || (600000000 + n * 37) AS phone) AS said"
        ));
    }
    let indexed =
        app.execute("INSERT INTO contact_search SELECT workspace_id, id, search FROM contacts");
    assert_eq!(indexed, 12_000);
    let reach = || app.db().read(home, search::reach).unwrap();
    assert_eq!(reach(), Some(Reach::Workspace));
    finds_exactly(&app, home).await;
    // half of all texts are of the workspace: the index is asked everywhere
    app.execute("UPDATE workspace_usage SET live = 6000 WHERE shard = 0");
    app.execute("ANALYZE contact_search");
    app.execute("ANALYZE contacts");
    assert_eq!(reach(), Some(Reach::Everywhere));
    finds_exactly(&app, home).await;
}

#[derive(diesel::QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    line: String,
}

/// CON-4: where most texts are of one workspace, the list of all that are of it is not gone through.
#[tokio::test]
async fn the_index_is_asked_for_words_alone_where_the_workspace_tells_nothing() {
    let app = TestApp::new().await;
    let mut conn = app.connection();
    Sql::new("SET enable_seqscan = off").execute(&mut conn).unwrap();
    let mut asked = |reach| {
        let mut sql =
            Sql::new("EXPLAIN (COSTS OFF) SELECT s.contact_id FROM contact_search s WHERE ");
        let workspace = sql.param(app.home().id);
        sql.push(&search::within(reach, "s", &workspace)).push(" AND s.search LIKE '%novak%'");
        let lines: Vec<PlanLine> = sql.load(&mut conn).unwrap();
        let of_index = lines.iter().find(|line| line.line.contains("Index Cond"));
        of_index.map(|line| line.line.clone()).unwrap_or_default()
    };
    let everywhere = asked(Reach::Everywhere);
    assert!(
        everywhere.contains("search ~~") && !everywhere.contains("workspace_id"),
        "{everywhere}"
    );
    assert!(asked(Reach::Workspace).contains("workspace_id"));
}

async fn finds_exactly(app: &TestApp, home: WorkspaceId) {
    for (search, condition) in [
        ("novak", "search LIKE '%novak%'"),
        ("vzac", "search LIKE '%vzac%'"),
        ("ojedinely", "search LIKE '%ojedinely%'"),
        ("qqxqq", "false"),
        ("žofie vzácná", "search LIKE '%zofie%' AND search LIKE '%vzacna%'"),
        ("x_y", "search LIKE '%x\\_y%'"),
        ("xay", "false"),
        ("ma", "true"),
        ("9@", "search LIKE '%9@%'"),
        ("va vzacna", "search LIKE '%va%' AND search LIKE '%vzacna%'"),
        ("600 000", "search LIKE '%600000%' OR (search LIKE '%600%' AND search LIKE '%000%')"),
        (
            "+420 600 001 11",
            "search LIKE '%42060000111%' OR (search LIKE '%+420%' AND search LIKE '%600%' AND search LIKE '%001%' AND search LIKE '%11%')",
        ),
    ] {
        for trash in ["false", "true"] {
            let side = if trash == "true" { "NOT NULL" } else { "NULL" };
            let expected = |order: &str| -> Vec<String> {
                let rows = app.rows(&format!(
                    "SELECT id::text AS id FROM contacts WHERE workspace_id = '{home}' AND trashed_at IS {side} \
                     AND ({condition}) ORDER BY {order}"
                ));
                rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
            };
            for (sort, order) in [
                ("-created_at", "id DESC"),
                ("created_at", "id"),
                ("-score,created_at", "score DESC, id"),
            ] {
                let query = [("q", search), ("trash", trash), ("sort", sort)];
                let mut expected = expected(order);
                expected.truncate(PAGES * LIMIT);
                let ids = found(app, &query).await;
                assert!(ids == expected, "{search:?}, {sort}, trash {trash}: {ids:?}");
            }
            let count = app
                .get("/contacts/count")
                .query(&[("q", search), ("trash", trash)])
                .await
                .expect(200);
            assert_eq!(count.json["contacts"], expected("id").len(), "{search:?}, trash {trash}");
        }
    }
}

/// CON-4: a contact is found from the moment it is written, by what it is called now.
#[tokio::test]
async fn the_index_follows_every_change_of_one_contact() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jana", "last_name": "Nováková", "external_id": "7"});
    let id = app.post("/contacts").json(&body).await.expect(201).id();
    assert_eq!(names(&app, "novakova").await, ["Jana"]);
    app.patch(format!("/contacts/{id}")).json(&json!({"last_name": "Malá"})).await.expect(200);
    assert_eq!(names(&app, "mala").await, ["Jana"]);
    assert!(names(&app, "novakova").await.is_empty());
    let body = json!({"company_name": "Kůň s.r.o."});
    app.put("/contacts/by/external_id/7").json(&body).await.expect(200);
    assert_eq!(names(&app, "kun s.r.o").await, ["Jana"]);
    app.check_invariants();
    app.delete(format!("/contacts/{id}")).await.expect(204);
    assert!(names(&app, "kun s.r.o").await.is_empty());
    assert_eq!(found(&app, &[("q", "kun s.r.o"), ("trash", "true")]).await, [id.as_str()]);
    app.delete(format!("/trash/{id}")).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_search"), 0);
}

/// CON-4, TRS-2: whom an import makes is found at once, and the index follows; who is edited or purged in
/// between is indexed as they are, or not at all.
#[tokio::test]
async fn the_index_follows_an_import() {
    let app = TestApp::new().await;
    let list: String = (1..=30).map(|n| format!("Jana{n};Nováková;jana{n}@example.cz\n")).collect();
    let list = format!("Jméno;Příjmení;E-mail\n{list}");
    let matching = json!({"mode": "match", "key": "email"});
    let mapping = json!({"columns": "auto"});
    let import = planned(&app, list.as_bytes(), mapping.clone(), matching.clone()).await;
    commit(&app, &import).await;
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_search_lag"), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_search"), 0);
    assert_eq!(names(&app, "novakova").await.len(), 30);
    app.check_invariants();

    let one = found(&app, &[("q", "jana1@")]).await.remove(0);
    let two = found(&app, &[("q", "jana2@")]).await.remove(0);
    app.patch(format!("/contacts/{one}")).json(&json!({"last_name": "Malá"})).await.expect(200);
    app.delete(format!("/contacts/{two}")).await.expect(204);
    app.delete(format!("/trash/{two}")).await.expect(204);
    assert_eq!(names(&app, "mala").await, ["Jana1"]);
    catch_up(&app);
    assert_eq!(names(&app, "mala").await, ["Jana1"]);
    assert_eq!(names(&app, "novakova").await.len(), 28);
    assert!(names(&app, "jana2@").await.is_empty());
    assert!(!search_index::catch_up(app.db()).unwrap());

    // another list changes names, and takes them back
    let list = "Jméno;Příjmení;E-mail\nJana3;Veselá;jana3@example.cz\nEva;Nová;eva@example.cz\n";
    let again = planned(&app, list.as_bytes(), mapping, matching).await;
    commit(&app, &again).await;
    for _ in 0..2 {
        assert_eq!(names(&app, "vesela").await, ["Jana3"]);
        assert_eq!(names(&app, "nova eva").await, ["Eva"]);
        catch_up(&app);
    }
    revert(&app, &again).await;
    assert!(names(&app, "vesela").await.is_empty());
    assert_eq!(names(&app, "novakova jana3@").await, ["Jana3"]);
    app.check_invariants();
}

/// An import that runs is not slowed: its contacts are indexed when it has ended.
#[tokio::test]
async fn the_index_waits_for_the_import_to_end() {
    let app = TestApp::new().await;
    let list = "Jméno;E-mail\nJana;jana@example.cz\n";
    let matching = json!({"mode": "match", "key": "email"});
    let import = planned(&app, list.as_bytes(), json!({"columns": "auto"}), matching).await;
    commit(&app, &import).await;
    app.execute("UPDATE imports SET state = 'running'");
    assert!(!search_index::catch_up(app.db()).unwrap());
    app.execute("UPDATE imports SET state = 'failed'");
    assert!(search_index::catch_up(app.db()).unwrap());
    app.check_invariants();
}

/// Looks through the whole index; how many contacts it was wrong about.
fn look_through(app: &TestApp) -> usize {
    let mut wrong = 0;
    while let Some(some) = search_index::look_through(app.db()).unwrap() {
        wrong += some;
    }
    wrong
}

/// What a build that knows no index wrote beside this one is found within a day, and indexed; whom it purged is
/// forgotten.
#[tokio::test]
async fn a_hole_in_the_index_is_mended() {
    let app = TestApp::new().await;
    for name in ["Jana", "Petr", "Eva"] {
        app.post("/contacts").json(&json!({"first_name": name})).await.expect(201);
    }
    assert_eq!(look_through(&app), 0);
    app.execute("DELETE FROM contact_search WHERE search = 'jana'");
    app.execute("UPDATE contact_search SET search = 'pavel' WHERE search = 'petr'");
    app.execute(
        "INSERT INTO contact_search SELECT id, import_row_id(7, 7, 7), 'gone' FROM workspaces",
    );
    assert_eq!(look_through(&app), 0, "looked through a moment ago");
    app.execute("UPDATE contact_search_checks SET checked_at = now() - interval '25 hours'");
    let workspaces = app.count("SELECT count(*) AS n FROM workspaces");
    assert_eq!(look_through(&app), 2 + usize::try_from(workspaces).unwrap());
    app.execute("DELETE FROM contact_search_checks");
    assert_eq!(look_through(&app), 0);
    for name in ["Jana", "Petr", "Eva"] {
        assert_eq!(names(&app, name).await, [name]);
    }
    assert!(names(&app, "pavel").await.is_empty());
    app.check_invariants();
}

/// Whom an import made and the index does not have yet is no hole: they are left to what follows the import.
#[tokio::test]
async fn looking_through_the_index_leaves_alone_whom_it_is_to_learn_yet() {
    let app = TestApp::new().await;
    let list: String = (1..=12_000).map(|n| format!("jana{n}@example.cz\n")).collect();
    let matching = json!({"mode": "match", "key": "email"});
    let list = format!("E-mail\n{list}");
    let import = planned(&app, list.as_bytes(), json!({"columns": "auto"}), matching).await;
    commit(&app, &import).await;
    assert_eq!(look_through(&app), 0);
    catch_up(&app);
    app.execute("UPDATE contact_search SET search = 'eva' WHERE search LIKE 'jana%77@example.cz'");
    let wrong = app.count("SELECT count(*) AS n FROM contact_search WHERE search = 'eva'");
    app.execute("DELETE FROM contact_search_checks");
    assert_eq!(look_through(&app), usize::try_from(wrong).unwrap());
    app.check_invariants();
}
