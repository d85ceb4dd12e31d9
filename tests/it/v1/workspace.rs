//! `/workspace`

use kartoteka_tests::TestApp;
use serde_json::json;

/// TRS-3
#[tokio::test]
async fn settings_are_read_by_all_and_changed_by_administrators() {
    let app = TestApp::new().await;
    let reader = app.with_scopes(&["contacts:read"]);
    let got = reader.get("/workspace").await.expect(200);
    assert_eq!(
        got.json["limits"]["contacts"],
        json!({"limit": 1_000_000, "live": 0, "trash": 0, "remaining": 1_000_000})
    );
    assert_eq!(got.json["scenarios_on_owner_assigned"], false);
    let changes = json!({"name": "Karta", "contact_limit": 10, "phone_region": "pl", "language": "Polish", "time_zone": "europe/warsaw", "scenarios_on_owner_assigned": true});
    reader.patch("/workspace").json(&changes).await.expect_problem(403, "forbidden", &[]);
    let changed =
        app.patch("/workspace").header("if-match", got.header("etag")).json(&changes).await;
    let changed = changed.expect(200);
    assert_eq!(changed.json["phone_region"], "PL");
    assert_eq!(changed.json["language"], "pl");
    assert_eq!(changed.json["time_zone"], "Europe/Warsaw");
    assert_eq!(changed.json["scenarios_on_owner_assigned"], true);
    assert_eq!(changed.json["limits"]["contacts"]["remaining"], 10);
    assert_eq!(app.get("/workspace").await.expect(200).json, changed.json);
    let late = app.patch("/workspace").header("if-match", got.header("etag")).json(&changes).await;
    late.expect_problem(412, "precondition_failed", &[]);
}

/// TRS-3: the trash counts, until it is purged.
#[tokio::test]
async fn the_trash_counts_towards_the_limit() {
    let app = TestApp::new().await;
    app.patch("/workspace").json(&json!({"contact_limit": 3})).await.expect(200);
    let make = |name: &str| app.post("/contacts").json(&json!({"first_name": name}));
    let (jana, eva) = (make("Jana").await.expect(201).id(), make("Eva").await.expect(201).id());
    let room = || async {
        let seen = app.get("/workspace").await.expect(200);
        let of = |word: &str| seen.json["limits"]["contacts"][word].as_i64().unwrap();
        ["limit", "live", "trash", "remaining"].map(of)
    };
    app.delete(format!("/contacts/{eva}")).await.expect(204);
    assert_eq!(room().await, [3, 1, 1, 1]);
    make("Ida").await.expect(201);
    let refused = make("Ola").await.expect_problem(422, "contact_limit_reached", &[]);
    let numbers = ["limit", "live", "trash"].map(|word| refused.json[word].as_i64().unwrap());
    assert_eq!(numbers, [3, 2, 1]);
    app.post(format!("/trash/{eva}/restore")).await.expect(200);
    assert_eq!(room().await, [3, 3, 0, 0]);
    let ids = json!({"ids": [eva, jana]});
    app.post("/contacts/bulk-delete").json(&ids).await.expect(200);
    assert_eq!(room().await, [3, 1, 2, 0]);
    app.post("/trash/purge").json(&ids).await.expect(200);
    assert_eq!(room().await, [3, 1, 0, 2]);
}

#[tokio::test]
async fn all_faults_of_settings_are_told_at_once() {
    let app = TestApp::new().await;
    let wrong =
        json!({"name": " ", "phone_region": "XX", "language": "??", "time_zone": "Mars/Olympus"});
    app.patch("/workspace").json(&wrong).await.expect_problem(
        422,
        "validation_failed",
        &["#/name", "#/phone_region", "#/language", "#/time_zone"],
    );
    app.patch("/workspace").json(&json!({"contact_limit": -1, "limits": {}})).await.expect_problem(
        422,
        "validation_failed",
        &["#/contact_limit", "#/limits"],
    );
    let other = app.other_workspace();
    other.patch("/workspace").json(&json!({"name": "Home"})).await.expect_problem(
        409,
        "conflict",
        &[],
    );
}
