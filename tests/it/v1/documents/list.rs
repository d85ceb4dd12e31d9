//! `GET /documents`, `GET /documents/{id}`; who sees what.

use chrono::{DateTime, TimeDelta, Utc};
use kartoteka_domain::scopes::Role;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{PAGE, contact, kept, kept_by_admin};
use crate::v1::contacts::notes::person;

fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|document| document["id"].as_str().unwrap()).collect()
}

/// MGR-M
#[tokio::test]
async fn documents_are_listed_newest_first_by_pages() {
    let app = TestApp::new().await;
    let mut made: Vec<String> = (0..5).map(|_| kept_by_admin(&app, &[])).collect();
    made.reverse();
    let first = app.get("/documents?limit=2").await.expect(200);
    let cursor = first.text_at("/next_cursor");
    let second = app.get(format!("/documents?limit=2&cursor={cursor}")).await.expect(200);
    let cursor = second.text_at("/next_cursor");
    let third = app.get(format!("/documents?limit=2&cursor={cursor}")).await.expect(200);
    let all = [first.data(), second.data(), third.data()].concat();
    assert_eq!(
        (ids(&all), &third.json["next_cursor"]),
        (made.iter().map(String::as_str).collect(), &Value::Null)
    );
    let job = all[2]["job_id"].as_str().unwrap();
    let of_job = app.get(format!("/documents?job_id={job}")).await.expect(200);
    assert_eq!(of_job.data(), &all[2..3]);
    assert_eq!(app.get("/documents?kind=links").await.expect(200).data().len(), 5);
    let nobody = uuid::Uuid::now_v7();
    assert!(app.get(format!("/documents?job_id={nobody}")).await.expect(200).data().is_empty());
    app.get("/documents?kind=pictures").await.expect_problem(422, "invalid_value", &["?kind"]);
    app.get(format!("/documents?kind=links&cursor={cursor}")).await.expect(422);
    assert!(app.other_workspace().get("/documents").await.expect(200).data().is_empty());
    app.with_scopes(&["contacts:read", "manager:run"]).get("/documents").await.expect(403);
}

/// MGR-M, TRS-5: the day it goes follows from the rule of today.
#[tokio::test]
async fn a_document_says_what_it_is_and_when_it_goes() {
    let app = TestApp::new().await;
    let jana = contact(&app, "jana@example.com").await;
    let id = kept_by_admin(&app, &[&jana]);
    let path = format!("/documents/{id}");
    let shown = app.get(&path).await.expect(200);
    let at = |name: &str| -> DateTime<Utc> { shown.text_at(name).parse().unwrap() };
    assert_eq!(at("/expires_at") - at("/created_at"), TimeDelta::days(30));
    let told = json!({"id": id, "kind": "links", "name": "links.csv", "media_type": "text/csv; charset=utf-8", "url": PAGE,
        "private": false, "owner": {"type": "user", "id": app.home().user}, "job_id": shown.json["job_id"], "contacts": 1,
        "created_at": shown.json["created_at"], "updated_at": shown.json["updated_at"],
        "expires_at": shown.json["expires_at"]});
    assert_eq!(shown.json, told);
    assert_eq!(app.get("/documents").await.expect(200).data(), [told]);
    app.put("/workspace/retention").json(&json!({"documents": null})).await.expect(200);
    assert_eq!(app.get(&path).await.expect(200).json["expires_at"], Value::Null);
    app.other_workspace().get(&path).await.expect_problem(404, "not_found", &[]);
}

/// MGR-M: what a job has not ended yet is not there, not even for whoever asked for it.
#[tokio::test]
async fn a_document_that_is_not_whole_is_not_there() {
    let app = TestApp::new().await;
    let id = kept_by_admin(&app, &[]);
    app.execute("UPDATE documents SET finished_at = NULL");
    let path = format!("/documents/{id}");
    assert!(app.get("/documents").await.expect(200).data().is_empty());
    for path in [path.clone(), format!("{path}/content")] {
        app.get(path).await.expect_problem(404, "not_found", &[]);
    }
    app.patch(&path).json(&json!({"name": "a.csv"})).await.expect(404);
    app.delete(&path).await.expect(404);
}

/// MGR-M: not even administrators see the private document of somebody else.
#[tokio::test]
async fn a_private_document_is_there_for_its_owner_only() {
    let app = TestApp::new().await;
    let jana = contact(&app, "jana@example.com").await;
    let (eva, evas) = person(&app, "eva", Role::Viewer).await;
    let (_, olas) = person(&app, "ola", Role::Manager).await;
    let id = kept(&app, &eva, true, &[&jana]);
    let path = format!("/documents/{id}");
    let machine = app.integration(&["documents:read", "admin"]);
    let foreign = app.other_workspace();
    for other in [&*app, &olas, &machine, &*foreign] {
        assert!(other.get("/documents").await.expect(200).data().is_empty());
        other.get(&path).await.expect_problem(404, "not_found", &[]);
        other.get(format!("{path}/content")).await.expect_problem(404, "not_found", &[]);
        let name = json!({"name": "x", "private": false});
        other.patch(&path).json(&name).await.expect_problem(404, "not_found", &[]);
        other.delete(&path).await.expect_problem(404, "not_found", &[]);
    }
    assert_eq!(ids(evas.get("/documents").await.expect(200).data()), [id.as_str()]);
    assert_eq!(evas.get(&path).await.expect(200).json["private"], true);
    assert_eq!(super::lines(&evas, &id).await.len(), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM documents WHERE name = 'links.csv'"), 1);
}
