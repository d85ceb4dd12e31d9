//! `DELETE /segments/{id}`, and of what segments name

use kartoteka_domain::scopes::Role;
use kartoteka_tests::TestApp;
use serde_json::json;

use super::{has, is_in, leaf, saved};
use crate::v1::contacts::notes::person;

/// What contacts are linked to, and the field of its conditions.
const NOUNS: [(&str, &str); 3] =
    [("companies", "company"), ("opportunities", "opportunity"), ("projects", "project")];

/// SEG-5, CON-8
#[tokio::test]
async fn a_segment_in_use_cannot_be_deleted() {
    let app = TestApp::new().await;
    let inner = saved(&app, "inner", has("a")).await;
    let path = format!("/segments/{inner}");
    let one = saved(&app, "one", is_in(&inner)).await;
    let body =
        json!({"name": "two", "selection": {"segments": [inner, inner], "include": is_in(&one)}});
    let two = app.post("/segments").json(&body).await.expect(201).id();
    let refused = app.delete(&path).await.expect_problem(409, "segment_in_use", &[]);
    let numbers = ["uses", "segments", "jobs"].map(|word| refused.json[word].clone());
    assert_eq!(numbers, [json!(2), json!(2), json!(0)]);
    app.delete(format!("/segments/{two}")).await.expect(204);
    app.patch(format!("/segments/{one}")).json(&json!({"filter": has("b")})).await.expect(200);
    assert_eq!(app.get(&path).await.expect(200).json["uses"], 0);
    app.delete(&path).header("if-match", "\"old\"").await.expect(412);
    app.other_workspace().delete(&path).await.expect(404);
    app.delete(&path).await.expect(204);
    app.delete(&path).await.expect(404);
    app.post(format!("{path}/count")).await.expect(404);
    assert_eq!(app.count("SELECT count(*) AS n FROM segment_names"), 1, "b is named still");
}

/// SEG-5: a job that waits or runs keeps its segments; one that has ended does not.
#[tokio::test]
async fn a_segment_stays_until_the_jobs_on_it_have_ended() {
    let app = TestApp::new().await;
    app.leave_jobs();
    let id = saved(&app, "vip", has("vip")).await;
    let workspace = app.home().id;
    let job = uuid::Uuid::from_u128(5);
    app.execute(&format!(
        "INSERT INTO jobs (workspace_id, id, kind, state, run_at, payload, actor_type, created_at) \
         VALUES ('{workspace}', '{job}', 'import_plan', 'queued', now() + interval '1 day', '{{}}', 'system', now())"
    ));
    let selection = json!({"where": {"not": leaf("segment", "in", json!([id]))}});
    app.db()
        .write(workspace, |tenant| {
            kartoteka_app::segments::keep_for_job(tenant, job.into(), &selection)
        })
        .unwrap();
    let path = format!("/segments/{id}");
    let refused = app.delete(&path).await.expect_problem(409, "segment_in_use", &[]);
    assert_eq!((&refused.json["uses"], &refused.json["jobs"]), (&json!(1), &json!(1)));
    let used_by = &app.get(&path).await.expect(200).json["used_by"];
    assert_eq!(*used_by, json!([{"type": "job", "id": job, "name": null}]));
    app.execute(&format!("UPDATE jobs SET state = 'succeeded' WHERE id = '{job}'"));
    assert_eq!(app.get(&path).await.expect(200).json["uses"], 0);
    app.delete(&path).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM segment_uses"), 0);
}

/// SEG-5, CON-8: tags and purposes that a segment names stay.
#[tokio::test]
async fn what_a_segment_names_cannot_be_deleted() {
    let app = TestApp::new().await;
    let tag = app.post("/tags").json(&json!({"name": "Jaro"})).await.expect(201);
    let body = json!({"name": "email_events", "channel": "email", "title": "Events", "wording": "I agree."});
    let purpose = app.post("/purposes").json(&body).await.expect(201);
    let filter = json!({"or": [has("jaro"), leaf("consent:email_events", "eq", "granted")]});
    let id = saved(&app, "named", filter).await;
    let refused = app.delete(tag.header("location")).await.expect_problem(409, "tag_in_use", &[]);
    let numbers = ["live", "trash", "segments"].map(|word| refused.json[word].clone());
    assert_eq!(numbers, [json!(0), json!(0), json!(1)]);
    let refused = app.delete(purpose.header("location")).await;
    let refused = refused.expect_problem(409, "purpose_in_use", &[]);
    assert_eq!(refused.json["segments"], 1);
    app.delete(format!("/segments/{id}")).await.expect(204);
    app.delete(tag.header("location")).await.expect(204);
    app.delete(purpose.header("location")).await.expect(204);
}

/// SEG-5, CON-12, CON-15: companies, opportunities, projects and people that a segment names stay too.
#[tokio::test]
async fn records_and_people_that_a_segment_names_cannot_be_deleted() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let mut named = vec![("owner", format!("/users/{eva}"), eva)];
    for (noun, field) in NOUNS {
        let made = app.post(format!("/{noun}")).json(&json!({"name": "Dílna"})).await.expect(201);
        named.push((field, format!("/{noun}/{}", made.id()), made.id()));
    }
    // in every place of a tree, however the id is spelt
    let conditions: Vec<_> = named
        .iter()
        .map(|(field, _, id)| json!({"not": leaf(field, "in", json!([id.to_uppercase()]))}))
        .collect();
    let body = json!({"name": "s", "selection": {"exclude": conditions[0], "where": {"and": conditions[1..]}}});
    let segment = format!("/segments/{}", app.post("/segments").json(&body).await.expect(201).id());
    let naming = saved(&app, "other", leaf("company", "has", named[1].2.as_str())).await;
    for (field, path, _) in &named {
        let refused = app.delete(path).await.expect_problem(409, "in_use", &[]);
        let segments = if *field == "company" { 2 } else { 1 };
        assert_eq!(refused.json["segments"], segments, "{field}");
        assert_eq!(refused.json["contacts"], json!({"live": 0, "trash": 0}), "{field}");
    }
    // nor is any of another workspace, which has the same number of them
    let stranger = app.other_workspace();
    let theirs = stranger.post("/companies").json(&json!({"name": "Dílna"})).await.expect(201);
    stranger.delete(theirs.header("location")).await.expect(204);
    // what a tree does not name any more is free, and so is all when the segment is gone
    app.patch(format!("/segments/{naming}")).json(&json!({"filter": has("a")})).await.expect(200);
    let (_, company, _) = &named[1];
    let refused = app.delete(company).await.expect_problem(409, "in_use", &[]);
    assert_eq!(refused.json["segments"], 1);
    app.delete(&segment).await.expect(204);
    for (_, path, _) in &named {
        app.delete(path).await.expect(204);
    }
}

/// SEG-5: a segment that is saved and a record or person it names that is deleted, at once: never both.
#[tokio::test(flavor = "multi_thread")]
async fn records_named_and_deleted_at_once_are_never_both() {
    let app = TestApp::new().await;
    for round in 0..4 {
        let (user, _) = person(&app, &format!("p{round}"), Role::Manager).await;
        let mut named = vec![("owner", format!("/users/{user}"), user)];
        for (noun, field) in NOUNS {
            let made = app.post(format!("/{noun}")).json(&json!({"name": "D"})).await.expect(201);
            named.push((field, format!("/{noun}/{}", made.id()), made.id()));
        }
        for (field, path, id) in named {
            let save =
                json!({"name": format!("{field} {round}"), "filter": leaf(field, "has", id)});
            let (saved, deleted) =
                tokio::join!(async { app.post("/segments").json(&save).await.status }, async {
                    app.delete(&path).await.status
                },);
            assert!(
                matches!((saved, deleted), (201, 409) | (422, 204)),
                "{field} saved: {saved}, deleted: {deleted}"
            );
        }
    }
}

/// SEG-5: a segment that is saved and a tag or purpose it names that is deleted, at once: never both.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_and_deleted_at_once_is_never_both() {
    let app = TestApp::new().await;
    for round in 0..12 {
        let name = format!("email_{round}");
        let body = json!({"name": name, "channel": "email", "title": "T", "wording": "W"});
        let purpose = app.post("/purposes").json(&body).await.expect(201);
        let filter = leaf(&format!("consent:{name}"), "eq", "granted");
        let save = json!({"name": name, "filter": filter});
        let (saved, deleted) =
            tokio::join!(async { app.post("/segments").json(&save).await.status }, async {
                app.delete(purpose.header("location")).await.status
            },);
        assert!(
            matches!((saved, deleted), (201, 409) | (422, 204)),
            "saved: {saved}, deleted: {deleted}"
        );
    }
}

/// SEG-5: a segment that is used and deleted at once: never both.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_and_deleted_at_once_is_never_both() {
    let app = TestApp::new().await;
    for round in 0..12 {
        let inner = saved(&app, &format!("inner {round}"), has("a")).await;
        let outer = json!({"name": format!("outer {round}"), "filter": is_in(&inner)});
        let (made, deleted) =
            tokio::join!(async { app.post("/segments").json(&outer).await.status }, async {
                app.delete(format!("/segments/{inner}")).await.status
            },);
        assert!(
            matches!((made, deleted), (201, 409) | (422, 204)),
            "made: {made}, deleted: {deleted}"
        );
    }
}
