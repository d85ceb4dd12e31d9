//! `POST /contacts`, `GET /contacts/{id}`

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

/// CON-1, CON-2, CON-10, CON-11: every field goes in, comes out, and is found at once.
#[tokio::test]
async fn a_contact_is_stored_and_answered_whole() {
    let app = TestApp::new().await;
    let body = json!({
        "external_id": "A-17", "first_name": "Jana", "last_name": "Nováková", "title_before": "Ing.", "title_after": "Ph.D.",
        "company_name": "Kůň s.r.o.", "job_title": "CEO", "email": "Jana@Example.cz", "phone": "601 123 456",
        "birth_date": "1990-05-01", "gender": "female",
        "address": {"street": "Lipová 1", "city": "Brno", "postal_code": "602 00", "region": "JM", "country": "CZ"},
        "language": "cs", "time_zone": "Europe/Prague", "score": 7,
        "details": {"rozmiar_buta": "43", "height": 1.8, "vegetarian": true, "none": null},
        "tags": [{"name": "vip", "score": 5}, "Spring"]
    });
    let made = app.post("/contacts").json(&body).await.expect(201);
    assert_eq!(made.header("location"), format!("/api/v1/contacts/{}", made.id()));
    let read = app.get(made.header("location")).await.expect(200);
    assert_eq!(read.json, made.json);
    assert_eq!(read.header("etag"), made.header("etag"));
    let mut got = made.json.clone();
    for (field, value) in [
        ("phone", json!("+420601123456")),
        ("details", json!({"rozmiar_buta": "43", "height": 1.8, "vegetarian": true})),
        ("tags", json!([{"name": "Spring", "score": 0}, {"name": "vip", "score": 5}])),
        ("name", json!("Jana Nováková")),
        ("state", json!("prospect")),
        ("origin", json!("manual")),
        ("type_id", Value::Null),
        ("group_ids", json!([])),
        ("owners", json!([])),
        ("salutations", json!(["Vážená paní doktorko Nováková", "Milá Jano"])),
        ("salutation_sources", json!(["proposed", "proposed"])),
        ("trashed_at", Value::Null),
        (
            "communication",
            json!({"display": "subscribed", "subscribed": true, "muted": false, "email": "none", "sms": "none"}),
        ),
    ] {
        assert_eq!(got[field], value, "{field}");
        got.as_object_mut().unwrap().shift_remove(field);
    }
    for field in [
        "external_id",
        "first_name",
        "last_name",
        "title_before",
        "title_after",
        "company_name",
        "job_title",
        "email",
        "birth_date",
        "gender",
        "address",
        "language",
        "time_zone",
        "score",
    ] {
        assert_eq!(got[field], body[field], "{field}");
    }
    assert_eq!(app.get("/contacts").await.expect(200).data(), std::slice::from_ref(&made.json));
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_entries WHERE action = 'contact.create' AND record_id IS NOT NULL"), 1);
    assert_eq!(app.count("SELECT sum(live)::bigint AS n FROM workspace_usage"), 1);
}

/// CON-17
#[tokio::test]
async fn integrations_make_contacts_of_another_origin() {
    let app = TestApp::new().await;
    let client = app.integration(&["contacts:write"]);
    let made = client
        .post("/contacts")
        .json(&json!({"phone": "512 345 678", "phone_region": "PL"}))
        .await
        .expect(201);
    assert_eq!(
        (&made.json["origin"], &made.json["phone"]),
        (&json!("api"), &json!("+48512345678"))
    );
}

/// PLT-3: faults of form and of meaning come together.
#[tokio::test]
async fn all_faults_are_told_at_once() {
    let app = TestApp::new().await;
    app.post("/contacts")
        .json(&json!({"email": "nonsense", "phone": "12", "birth_date": "1.5.1990", "colour": "red", "id": "x",
            "first_name": 5, "address": {"country": "Czechia"}, "details": {"a": []}, "tags": [""]}))
        .await
        .expect_problem(422, "validation_failed", &["#/email", "#/phone", "#/birth_date", "#/colour", "#/id",
            "#/first_name", "#/address/country", "#/details/a", "#/tags/0"]);
    let answer = app.post("/contacts").json(&json!({"address": {"city": "Brno"}})).await;
    assert_eq!(answer.expect(422).faults(), [("#".to_owned(), "nothing_identifies".to_owned())]);
    let answer = app.post("/contacts").json(&json!({"first_name": "a\0b", "last_name": "c"})).await;
    assert_eq!(
        answer.expect(422).faults(),
        [("#/first_name".to_owned(), "nul_character".to_owned())]
    );
    app.post("/contacts").json(&json!([])).await.expect(422);
    app.post("/contacts").bytes("application/json", "{\"first_name\":").await.expect(400);
    app.post("/contacts").bytes("text/plain", "{}").await.expect(415);
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 0);
}

/// PLT-1
#[tokio::test]
async fn contacts_of_another_workspace_do_not_exist() {
    let app = TestApp::new().await;
    let made = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    let other = app.other_workspace();
    let path = format!("/contacts/{}", made.id());
    other.get(&path).await.expect_problem(404, "not_found", &[]);
    other.patch(&path).json(&json!({"first_name": "Eva"})).await.expect(404);
    other.delete(&path).await.expect(404);
    other.put(format!("{path}/mute")).json(&json!({"muted": true})).await.expect(404);
    other.put(format!("{path}/tags/vip")).json(&json!({})).await.expect(404);
    other.get(format!("{path}/consents")).await.expect(404);
    other.post("/contacts/bulk-delete").json(&json!({"ids": [made.id()]})).await.expect(200);
    assert_eq!(app.get(&path).await.expect(200).json, made.json);
    assert!(other.get("/contacts").await.expect(200).data().is_empty());
}

/// TRS-3: the limit counts the trash, and holds exactly when many come at once.
#[tokio::test]
async fn the_contact_limit_holds() {
    let app = TestApp::new().await;

    set_limit(&app, 5);
    let bodies: Vec<Value> = (0..12).map(|n| json!({"first_name": format!("n{n}")})).collect();
    let answers = bodies.iter().map(|body| async { app.post("/contacts").json(body).await });
    let answers = futures_util::future::join_all(answers).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    let refused = answers.iter().find(|answer| answer.status == 422).unwrap();
    assert_eq!(refused.json["code"], "contact_limit_reached");
    assert_eq!(
        (&refused.json["limit"], &refused.json["live"], &refused.json["trash"]),
        (&json!(5), &json!(5), &json!(0))
    );
    let first = app.get("/contacts").await.data()[0]["id"].as_str().unwrap().to_owned();
    app.delete(format!("/contacts/{first}")).await.expect(204);
    let refused = app.post("/contacts").json(&json!({"first_name": "x"})).await.expect(422);
    assert_eq!((&refused.json["live"], &refused.json["trash"]), (&json!(4), &json!(1)));
    app.delete(format!("/trash/{first}")).await.expect(204);
    app.post("/contacts").json(&json!({"first_name": "x"})).await.expect(201);
}

pub(super) fn set_limit(app: &TestApp, limit: i64) {
    use diesel::RunQueryDsl;
    diesel::sql_query(format!("UPDATE workspaces SET contact_limit = {limit}"))
        .execute(&mut app.connection())
        .unwrap();
}

/// PLT-3
#[tokio::test]
async fn one_idempotency_key_makes_one_contact() {
    let app = TestApp::new().await;
    let send = || {
        app.post("/contacts").header("idempotency-key", "k1").json(&json!({"first_name": "Jana"}))
    };
    let first = send().await.expect(201);
    let second = send().await.expect(201);
    assert_eq!(first.json, second.json);
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 1);
}
