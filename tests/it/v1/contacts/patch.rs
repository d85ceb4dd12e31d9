//! `PATCH /contacts/{id}`, subscription and mute

use kartoteka_tests::TestApp;
use serde_json::json;

/// CON-3
#[tokio::test]
async fn a_merge_patch_changes_what_it_names() {
    let app = TestApp::new().await;
    let made = app
        .post("/contacts")
        .json(&json!({"first_name": "Jana", "last_name": "Nová", "email": "jana@x.cz",
        "address": {"city": "Brno", "street": "Lipová"}, "details": {"a": 1, "b": 2},
        "tags": [{"name": "vip", "score": 5}, "old"]}))
        .await
        .expect(201);
    let path = format!("/contacts/{}", made.id());
    let patched = app.patch(&path).bytes("application/merge-patch+json", json!({
        "last_name": "Malá", "first_name": null, "address": {"street": null}, "details": {"a": null, "c": "x"},
        "tags": ["VIP", "new"], "state": "customer"}).to_string()).await.expect(200);
    assert_eq!(patched.json["name"], "Malá");
    assert_eq!(patched.json["address"]["city"], "Brno");
    assert_eq!(patched.json["address"]["street"], json!(null));
    assert_eq!(patched.json["details"], json!({"b": 2, "c": "x"}));
    assert_eq!(
        patched.json["tags"],
        json!([{"name": "new", "score": 0}, {"name": "vip", "score": 5}])
    );
    assert_eq!(patched.json["state"], "customer");
    assert!(patched.json["updated_at"].as_str() > made.json["updated_at"].as_str());
    assert_eq!(app.get("/contacts?q=mala").await.data().len(), 1);
    assert!(app.get("/contacts?q=jana+nova").await.data().is_empty());
    // nothing changed: nothing written
    let same = app.patch(&path).json(&json!({"last_name": "Malá"})).await.expect(200);
    assert_eq!(same.json, patched.json);
    assert_eq!(
        app.count("SELECT count(*) AS n FROM audit_entries WHERE action = 'contact.update'"),
        1
    );
    // the trail names fields and holds no values
    assert_eq!(
        app.count("SELECT count(*) AS n FROM audit_entries WHERE changes::text ILIKE '%mal%'"),
        0
    );
    app.patch(&path).json(&json!({"last_name": null, "email": null})).await.expect_problem(
        422,
        "validation_failed",
        &["#"],
    );
}

/// PLT-3
#[tokio::test]
async fn a_lost_race_is_told_by_if_match() {
    let app = TestApp::new().await;
    let made = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    let path = format!("/contacts/{}", made.id());
    let tag = made.header("etag");
    app.patch(&path).header("if-match", tag).json(&json!({"first_name": "Eva"})).await.expect(200);
    app.patch(&path)
        .header("if-match", tag)
        .json(&json!({"first_name": "Ida"}))
        .await
        .expect_problem(412, "precondition_failed", &[]);
    app.delete(&path).header("if-match", tag).await.expect(412);
    app.put(format!("{path}/mute"))
        .header("if-match", tag)
        .json(&json!({"muted": true}))
        .await
        .expect(412);
    let now = app.get(&path).await.expect(200);
    assert_eq!(now.json["first_name"], "Eva");
    app.delete(&path).header("if-match", now.header("etag")).await.expect(204);
}

/// Another address is another mailbox: the mark of a hard bounce goes with the old one.
#[tokio::test]
async fn a_new_address_is_not_invalid() {
    use diesel::RunQueryDsl;
    let app = TestApp::new().await;
    let made = app.post("/contacts").json(&json!({"email": "jana@x.cz"})).await.expect(201);
    let path = format!("/contacts/{}", made.id());
    diesel::sql_query("UPDATE contacts SET email_invalid_at = now()")
        .execute(&mut app.connection())
        .unwrap();
    let patched = app
        .patch(&path)
        .json(&json!({"email": "Jana@X.cz", "first_name": "Jana"}))
        .await
        .expect(200);
    assert_eq!(
        patched.json["communication"]["email"], "invalid",
        "the same mailbox, spelt differently"
    );
    let patched = app.patch(&path).json(&json!({"email": "jana@y.cz"})).await.expect(200);
    assert_eq!(patched.json["communication"]["email"], "none");
}

#[tokio::test]
async fn subscription_and_mute_are_independent() {
    let app = TestApp::new().await;
    let made = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    let path = format!("/contacts/{}", made.id());
    for (endpoint, body, display) in [
        ("subscription", json!({"subscribed": false}), "unsubscribed"),
        ("mute", json!({"muted": true}), "muted"),
        ("subscription", json!({"subscribed": true}), "muted"),
        ("mute", json!({"muted": false}), "subscribed"),
    ] {
        let answer = app.put(format!("{path}/{endpoint}")).json(&body).await.expect(200);
        assert_eq!(answer.json["communication"]["display"], display);
        for state in ["subscribed", "unsubscribed", "muted"] {
            let listed =
                app.get(format!("/contacts?communication={state}")).await.expect(200).data().len();
            assert_eq!(listed, usize::from(state == display), "{state} while {display}");
        }
    }
    app.put(format!("{path}/mute")).json(&json!({"mute": true})).await.expect_problem(
        422,
        "validation_failed",
        &["#/mute", "#/muted"],
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_entries WHERE action IN ('contact.muted', 'contact.subscribed')"), 4);
}
