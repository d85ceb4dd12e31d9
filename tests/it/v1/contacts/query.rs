//! `POST /contacts/query`

use diesel::RunQueryDsl;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::count::fill;

fn names(contacts: &[Value]) -> Vec<&str> {
    contacts.iter().map(|contact| contact["first_name"].as_str().unwrap()).collect()
}

/// SEG-1: the page holds whole contacts, those of the selection and no others.
#[tokio::test]
async fn a_selection_is_listed() {
    let app = TestApp::new().await;
    fill(&app);
    let body = json!({
        "selection": {
            "include": {"field": "tag", "op": "has", "value": "vip"},
            "where": {"field": "last_name", "op": "starts_with", "value": "NOVÁK"}
        },
        "sort": "last_name"
    });
    let answer = app.post("/contacts/query").json(&body).await.expect(200);
    assert_eq!(names(answer.data()), ["Petr", "Jana"]);
    assert_eq!(answer.json["next_cursor"], Value::Null);
    let jana = &answer.data()[1];
    assert_eq!(jana["tags"], json!([{"name": "VIP", "score": 1}]));
    assert_eq!(jana["communication"]["email"], "opt_in");
    let got = app.get(format!("/contacts/{}", jana["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(got.json, *jana);
}

/// CON-4: pages in any order lose and repeat nothing, and together are what the count says.
#[tokio::test]
async fn pages_go_on_behind_the_last_contact() {
    let app = TestApp::new().await;
    for number in 0..7 {
        let city = ["Brno", "Praha"][number % 2];
        let body = json!({"first_name": format!("c{number}"), "address": {"city": city}, "score": number / 3});
        app.post("/contacts").json(&body).await.expect(201);
    }
    let selection = json!({"exclude": {"field": "first_name", "op": "eq", "value": "c3"}});
    for (sort, expected) in [
        (Value::Null, ["c6", "c5", "c4", "c2", "c1", "c0"]),
        (json!("created_at"), ["c0", "c1", "c2", "c4", "c5", "c6"]),
        (json!("-score,first_name"), ["c6", "c4", "c5", "c0", "c1", "c2"]),
        (json!("address.city,-first_name"), ["c6", "c4", "c2", "c0", "c5", "c1"]),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let body = json!({"selection": selection, "sort": sort, "limit": 2, "cursor": cursor});
            let page = app.post("/contacts/query").json(&body).await.expect(200);
            assert!(page.header("link").is_empty(), "a body cannot stand in a link");
            seen.extend(names(page.data()).into_iter().map(str::to_owned));
            cursor = page.json["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(seen, expected, "{sort}");
    }
    let count =
        app.post("/contacts/count").json(&json!({"selection": selection})).await.expect(200);
    assert_eq!(count.json["contacts"], 6);
}

/// CON-4: a cursor is of one selection in one order.
#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let app = TestApp::new().await;
    fill(&app);
    let page = app.post("/contacts/query").json(&json!({"limit": 1})).await.expect(200);
    let cursor = page.json["next_cursor"].clone();
    assert!(cursor.is_string());
    let vip = json!({"include": {"field": "tag", "op": "has", "value": "vip"}});
    for body in [
        json!({"limit": 1, "cursor": cursor, "sort": "last_name"}),
        json!({"limit": 1, "cursor": cursor, "selection": vip}),
        json!({"limit": 1, "cursor": "bm9uc2Vuc2U"}),
    ] {
        let answer = app.post("/contacts/query").json(&body).await;
        let answer = answer.expect_problem(422, "validation_failed", &["#/cursor"]);
        assert_eq!(answer.faults()[0].1, "invalid_cursor");
    }
    // another page size is no other list
    let body = json!({"limit": 2, "cursor": cursor});
    assert_eq!(app.post("/contacts/query").json(&body).await.expect(200).data().len(), 2);
}

/// SEG-3: faults of order, page and tree come together.
#[tokio::test]
async fn all_faults_of_a_query_are_told_at_once() {
    let app = TestApp::new().await;
    let tree = json!({"where": {"not": {"field": "shoe_size", "op": "eq", "value": "43"}}});
    let body = json!({"selection": tree, "sort": "shoe_size"});
    let answer = app.post("/contacts/query").json(&body).await;
    answer.expect_problem(422, "validation_failed", &["#/sort", "#/selection/where/not/field"]);
    let body = json!({"selection": tree, "limit": 201, "cursor": 5, "page": 2});
    let answer = app.post("/contacts/query").json(&body).await;
    answer.expect_problem(
        422,
        "validation_failed",
        &["#/limit", "#/cursor", "#/page", "#/selection/where/not/field"],
    );
}

/// PLT-1, PLT-3
#[tokio::test]
async fn a_query_stays_in_its_workspace_and_needs_its_scope() {
    let app = TestApp::new().await;
    fill(&app);
    let other = app.other_workspace();
    assert!(other.post("/contacts/query").json(&json!({})).await.expect(200).data().is_empty());
    app.anonymous().post("/contacts/query").json(&json!({})).await.expect(401);
    app.with_scopes(&["segments:read"]).post("/contacts/query").json(&json!({})).await.expect(403);
    app.with_scopes(&["contacts:read"]).post("/contacts/query").json(&json!({})).await.expect(200);
}

/// SEG-1: pages of a selection whose contacts lie far behind the newest ones, and on both sides of where the
/// quick look ends.
#[tokio::test]
async fn contacts_far_behind_the_newest_are_found() {
    let app = TestApp::new().await;
    let workspace = app.home().id;
    // one in a hundred of the older half, one in five thousand of the newer
    let statement = format!(
        "INSERT INTO contacts (workspace_id, id, first_name, city, origin, search, created_at, updated_at) \
         SELECT '{workspace}', lpad(n::text, 32, '0')::uuid, 'c' || n, \
             CASE WHEN n % 5000 = 0 OR (n < 11000 AND n % 100 = 0) THEN 'Brno' ELSE 'Praha' END, \
             'manual', 'c' || n, '2026-11-01', '2026-11-01' FROM generate_series(1, 22000) AS n"
    );
    diesel::sql_query(statement).execute(&mut app.connection()).unwrap();
    let expected: Vec<String> = (1..=22_000)
        .rev()
        .filter(|n| n % 5_000 == 0 || (*n < 11_000 && n % 100 == 0))
        .map(|n| format!("c{n}"))
        .collect();
    for (sort, limit) in [("-created_at", 2), ("-created_at", 50), ("created_at", 50)] {
        let mut found = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let brno = json!({"where": {"field": "address.city", "op": "eq", "value": "Brno"}});
            let body = json!({"selection": brno, "sort": sort, "limit": limit, "cursor": cursor});
            let page = app.post("/contacts/query").json(&body).await.expect(200);
            found.extend(names(page.data()).into_iter().map(str::to_owned));
            cursor = page.json["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        if sort == "created_at" {
            found.reverse();
        }
        assert_eq!(found, expected, "{sort}, {limit}");
    }
}
