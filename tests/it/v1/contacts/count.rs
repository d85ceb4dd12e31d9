//! `POST /contacts/count`

use diesel::RunQueryDsl;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use crate::v1::imports::{commit, planned};

/// Three contacts that live and one in the trash, past the API; a tag, a consent, an import.
pub(super) fn fill(app: &TestApp) {
    let workspace = app.home().id;
    for statement in [
        "INSERT INTO contacts (workspace_id, id, first_name, last_name, email, email_key, city, details, origin, search, \
             muted, created_at, updated_at, trashed_at) \
         SELECT $WS, lpad(n::text, 32, '0')::uuid, first, last, mail, lower(mail), city, details::jsonb, 'manual', \
             contact_search(first, last, mail, NULL, NULL), muted, $NOW, $NOW, CASE WHEN n = 4 THEN $NOW END \
         FROM (VALUES (1, 'Jana', 'Nováková', 'Jana@x.cz', 'Brno', '{\"size\": \"43\"}', false), \
             (2, 'Petr', 'Novák', 'petr@x.cz', NULL, '{\"size\": 44}', true), \
             (3, 'Eva', 'Malá', NULL, 'Praha', '{}', false), \
             (4, 'Jan', 'Novotný', 'jan@x.cz', 'Brno', '{}', false)) AS t (n, first, last, mail, city, details, muted)",
        "INSERT INTO tags SELECT $WS, $WS, 'VIP', 'vip', $NOW, $NOW",
        "INSERT INTO contact_tags SELECT $WS, lpad(n::text, 32, '0')::uuid, $WS, n, $NOW FROM generate_series(1, 2) AS n",
        "INSERT INTO consents SELECT $WS, lpad('1', 32, '0')::uuid, id, true, $WS, $NOW FROM purposes \
         WHERE workspace_id = $WS AND name = 'email_basic'",
        "INSERT INTO imports (workspace_id, id, name, method, state, actor_type, committed_at, id_salt, applied_row, \
             created_at, updated_at) VALUES ($WS, $WS, 'list', 'file', 'done', 'system', $NOW, 1, 5, $NOW, $NOW)",
        "INSERT INTO import_rows SELECT $WS, $WS, n, n, 'one', 'update', lpad(n::text, 32, '0')::uuid \
         FROM generate_series(3, 4) AS n",
    ] {
        let statement = statement.replace("$WS", &format!("'{workspace}'::uuid"));
        let statement = statement.replace("$NOW", "'2026-11-01T00:00:00Z'::timestamptz");
        diesel::sql_query(statement).execute(&mut app.connection()).unwrap();
    }
}

fn leaf(field: &str, op: &str, value: Value) -> Value {
    json!({"field": field, "op": op, "value": value})
}

/// SEG-1, SEG-2, SEG-4
#[tokio::test]
async fn a_selection_is_counted() {
    let app = TestApp::new().await;
    fill(&app);
    let import = app.home().id.0;
    for (body, expected) in [
        (json!({}), 3),
        (json!({"selection": null}), 3),
        (json!({"selection": {}}), 3),
        (json!({"selection": {"where": leaf("last_name", "contains", json!("novak"))}}), 2),
        (json!({"selection": {"include": leaf("tag", "has", json!("vip"))}}), 2),
        (
            json!({"selection": {
                "include": leaf("tag", "has", json!("vip")),
                "exclude": leaf("communication", "eq", json!("muted"))
            }}),
            1,
        ),
        (json!({"selection": {"exclude": leaf("address.city", "eq", json!("Brno"))}}), 2),
        (json!({"selection": {"where": leaf("address.city", "ne", json!("Brno"))}}), 2),
        (json!({"selection": {"where": leaf("detail:size", "gte", json!(43))}}), 2),
        (json!({"selection": {"where": leaf("consent:email_basic", "eq", json!("never"))}}), 2),
        (json!({"selection": {"where": leaf("email_status", "eq", json!("opt_in"))}}), 1),
        (json!({"selection": {"where": leaf("import", "eq", json!(import))}}), 1),
    ] {
        let answer = app.post("/contacts/count").json(&body).await.expect(200);
        assert_eq!(answer.json, json!({"contacts": expected}), "{body}");
    }
    let other = app.other_workspace();
    let answer = other.post("/contacts/count").json(&json!({})).await.expect(200);
    assert_eq!(answer.json, json!({"contacts": 0}));
}

/// SEG-2: the contacts an import made or met.
#[tokio::test]
async fn the_contacts_of_an_import_are_selected() {
    let app = TestApp::new().await;
    app.post("/contacts").json(&json!({"email": "eva@x.cz"})).await.expect(201);
    app.post("/contacts").json(&json!({"email": "other@x.cz"})).await.expect(201);
    let import = planned(
        &app,
        b"E-mail,City\nEva@x.cz,Brno\njan@x.cz,Brno\nnonsense,Brno\n",
        json!({"columns": [{"index": 0, "target": "email"}, {"index": 1, "target": "address.city"}]}),
        json!({"mode": "match", "key": "email", "outcomes": {"none": {"action": "import"}, "one": {"action": "update"}}}),
    )
    .await;
    let by_import = json!({"selection": {"where": leaf("import", "eq", json!(import))}});
    let before = app.post("/contacts/count").json(&by_import).await.expect(200);
    assert_eq!(before.json["contacts"], 0, "nothing is written before the commit");
    commit(&app, &import).await;
    let after = app.post("/contacts/query").json(&by_import).await.expect(200);
    let mut emails: Vec<&Value> = after.data().iter().map(|contact| &contact["email"]).collect();
    emails.sort_by_key(|email| email.to_string().to_lowercase());
    assert_eq!(emails.len(), 2, "{emails:?}");
    let others = json!({"selection": {"exclude": leaf("import", "in", json!([import]))}});
    let others = app.post("/contacts/query").json(&others).await.expect(200);
    assert_eq!(others.data().len(), 1);
    assert_eq!(others.data()[0]["email"], "other@x.cz");
}

/// SEG-3: what the document shows as an example works.
#[tokio::test]
async fn published_examples_are_answered() {
    let app = TestApp::new().await;
    for filter in kartoteka_domain::segments::schema::examples() {
        let body = json!({"selection": {"include": filter}});
        app.post("/contacts/count").json(&body).await.expect(200);
    }
}

/// SEG-3: all faults, those of the body and those of the tree, each at its place.
#[tokio::test]
async fn a_bad_tree_is_told_with_all_its_faults() {
    let app = TestApp::new().await;
    fill(&app);
    let body = json!({
        "limit": 5,
        "selection": {
            "segments": [app.home().id.0],
            "where": {"and": [
                leaf("address.city", "near", json!("Brno")),
                {"or": [leaf("birth_date", "eq", json!("1.5.1990")), {}]},
                leaf("consent:fax", "eq", json!("granted")),
                leaf("phone", "eq", json!("601 123 456")),
                leaf("import", "eq", json!(uuid::Uuid::from_u128(5)))
            ]}
        }
    });
    let answer = app.post("/contacts/count").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &[
            "#/limit",
            "#/selection/where/and/0/op",
            "#/selection/where/and/1/or/0/value",
            "#/selection/where/and/1/or/1",
            "#/selection/where/and/2/field",
            "#/selection/where/and/4/value",
            "#/selection/segments/0",
        ],
    );
    let codes: Vec<String> = answer.faults().into_iter().map(|(_, code)| code).collect();
    let expected = [
        "unknown_field",
        "invalid_filter",
        "invalid_date",
        "invalid_filter",
        "unknown_purpose",
        "unknown_reference",
        "unknown_reference",
    ];
    for code in expected {
        assert!(codes.iter().any(|found| found == code), "{code} not in {codes:?}");
    }
}

/// SEG-3: bounds of the tree.
#[tokio::test]
async fn a_tree_out_of_bounds_is_refused() {
    let app = TestApp::new().await;
    let one = leaf("muted", "eq", json!(true));
    let wide = json!({"selection": {"where": {"or": vec![one.clone(); 100]}}});
    let answer = app.post("/contacts/count").json(&wide).await;
    let answer = answer.expect_problem(422, "validation_failed", &["#/selection/where"]);
    assert_eq!(answer.faults()[0].1, "filter_too_large");
    let deep = (0..8).fold(one, |inner, _| json!({"not": inner}));
    let pointer = format!("#/selection/include{}", "/not".repeat(8));
    let answer = app.post("/contacts/count").json(&json!({"selection": {"include": deep}})).await;
    answer.expect_problem(422, "validation_failed", &[&pointer]);
}

/// PLT-1: what another workspace has is not there.
#[tokio::test]
async fn references_into_another_workspace_are_unknown() {
    let app = TestApp::new().await;
    fill(&app);
    let other = app.other_workspace();
    let body = json!({"selection": {"where": leaf("import", "eq", json!(app.home().id.0))}});
    let answer = other.post("/contacts/count").json(&body).await;
    answer.expect_problem(422, "validation_failed", &["#/selection/where/value"]);
    let body = json!({"selection": {"where": leaf("tag", "has", json!("vip"))}});
    let answer = other.post("/contacts/count").json(&body).await.expect(200);
    assert_eq!(answer.json["contacts"], 0);
}

/// PLT-3
#[tokio::test]
async fn only_who_may_read_contacts_may_count_them() {
    let app = TestApp::new().await;
    app.anonymous().post("/contacts/count").json(&json!({})).await.expect(401);
    app.with_scopes(&["contacts:write"]).post("/contacts/count").json(&json!({})).await.expect(403);
    app.with_scopes(&["contacts:read"]).post("/contacts/count").json(&json!({})).await.expect(200);
}

/// PLT-3: what is no JSON object is refused before anything is read.
#[tokio::test]
async fn odd_bodies_are_refused() {
    let app = TestApp::new().await;
    app.post("/contacts/count").bytes("application/json", "{").await.expect_problem(
        400,
        "invalid_json",
        &[],
    );
    app.post("/contacts/count").bytes("text/plain", "{}").await.expect(415);
    app.post("/contacts/count").json(&json!([])).await.expect_problem(
        422,
        "validation_failed",
        &["#"],
    );
    app.post("/contacts/count").json(&json!({"selection": "all"})).await.expect_problem(
        422,
        "validation_failed",
        &["#/selection"],
    );
    app.post("/contacts/count")
        .json(&json!({"selection": {"where": leaf("tag", "has", json!("a\u{0}"))}}))
        .await
        .expect_problem(422, "validation_failed", &["#/selection/where/value"]);
}
