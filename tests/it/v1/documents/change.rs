//! `PATCH` and `DELETE /documents/{id}`.

use kartoteka_domain::scopes::Role;
use kartoteka_tests::TestApp;
use serde_json::json;

use super::{kept, kept_by_admin};
use crate::v1::contacts::notes::person;

/// MGR-M
#[tokio::test]
async fn the_owner_renames_hides_and_deletes() {
    let app = TestApp::new().await;
    let (eva, evas) = person(&app, "eva", Role::Viewer).await;
    let id = kept(&app, &eva, false, &[]);
    let path = format!("/documents/{id}");
    let before = evas.get(&path).await.expect(200);
    let name = json!({"name": "  Odkazy na výprodej.csv ", "private": true});
    evas.patch(&path).header("if-match", "\"old\"").json(&name).await.expect(412);
    let etag = before.header("etag");
    let after = evas.patch(&path).header("if-match", etag).json(&name).await.expect(200);
    assert_eq!(
        (&after.json["name"], &after.json["private"]),
        (&json!("Odkazy na výprodej.csv"), &json!(true))
    );
    let read = evas.get(&path).await.expect(200);
    assert_eq!((&read.json, read.header("etag")), (&after.json, after.header("etag")));
    app.get(&path).await.expect(404);
    let same = evas.patch(&path).json(&name).await.expect(200);
    assert_eq!(same.json, after.json, "nothing changed, so no time moved");
    evas.patch(&path).json(&json!({"private": false})).await.expect(200);
    app.get(&path).await.expect(200);
    evas.delete(&path).header("if-match", etag).await.expect(412);
    evas.delete(&path).await.expect(204);
    evas.delete(&path).await.expect(404);
    let told = app.rows(
        "SELECT action, changes FROM audit_entries WHERE record_type = 'document' ORDER BY id",
    );
    let told: Vec<_> = told
        .iter()
        .map(|line| (line["action"].as_str().unwrap(), line["changes"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("document.update", json!({"fields": ["name", "private"]})),
            ("document.update", json!({"fields": ["private"]})),
            ("document.delete", json!(null)),
        ]
    );
}

/// MGR-M
#[tokio::test]
async fn others_change_and_delete_as_administrators_only() {
    let app = TestApp::new().await;
    let (eva, evas) = person(&app, "eva", Role::Manager).await;
    let (of_admin, of_eva) = (kept_by_admin(&app, &[]), kept(&app, &eva, false, &[]));
    let path = format!("/documents/{of_admin}");
    let name = json!({"name": "x.csv"});
    evas.patch(&path).json(&name).await.expect_problem(403, "not_permitted", &[]);
    evas.delete(&path).await.expect_problem(403, "not_permitted", &[]);
    // the person is an administrator, their token is not one's
    let weak = app.with_scopes(&["documents:read"]);
    let path = format!("/documents/{of_eva}");
    weak.patch(&path).json(&name).await.expect_problem(403, "not_permitted", &[]);
    weak.delete(&path).await.expect_problem(403, "not_permitted", &[]);
    app.patch(&path).json(&name).await.expect(200);
    // that would take it away from the administrator, too
    let hide = json!({"name": "y.csv", "private": true});
    app.patch(&path).json(&hide).await.expect_problem(403, "not_permitted", &[]);
    assert_eq!(evas.get(&path).await.expect(200).json["name"], "x.csv");
    app.delete(&path).await.expect(204);
    evas.get(&path).await.expect(404);
    let own = format!("/documents/{of_admin}");
    weak.patch(&own).json(&name).await.expect(200);
    weak.delete(&own).await.expect(204);
    app.other_workspace().delete(&own).await.expect(404);
}

/// MGR-M
#[tokio::test]
async fn a_name_is_that_of_a_file() {
    let app = TestApp::new().await;
    let path = format!("/documents/{}", kept_by_admin(&app, &[]));
    for name in
        ["../../passwd", "a\\b.csv", "a\r\nSet-Cookie: x=y", "a\u{202E}vsc.exe", "a\u{200B}b", ".."]
    {
        let refused = app.patch(&path).json(&json!({"name": name})).await;
        refused.expect_problem(422, "invalid_value", &["#/name"]);
    }
    for name in ["", " ", "a\0b", &"ž".repeat(201)] {
        let refused = app.patch(&path).json(&json!({"name": name, "private": 1})).await.expect(422);
        let at: Vec<String> = refused.faults().into_iter().map(|(at, _)| at).collect();
        assert!(
            at.contains(&"#/name".to_owned()) && at.contains(&"#/private".to_owned()),
            "{at:?}"
        );
    }
    let read_only = json!({"id": path, "owner": {}, "contacts": 1});
    app.patch(&path).json(&read_only).await.expect(422);
    assert_eq!(app.get(&path).await.expect(200).json["name"], "links.csv");
    app.patch(&path).json(&json!({"name": "ž".repeat(200)})).await.expect(200);
}
