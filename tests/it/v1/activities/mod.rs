//! Tests of activities.

use kartoteka_app::clock::Clock;
use kartoteka_domain::scopes::Role;
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

use crate::v1::contacts::notes::person;

async fn contact(app: &TestApp, name: &str) -> String {
    let body = json!({"first_name": name, "tags": [name]});
    app.post("/contacts").json(&body).await.expect(201).id()
}

fn subjects(answer: &Answer) -> Vec<String> {
    answer.data().iter().map(|row| row["subject"].as_str().unwrap().to_owned()).collect()
}

/// CON-14
#[tokio::test]
async fn an_activity_is_made_read_changed_and_removed() {
    let app = TestApp::new().await;
    let (jana, eva) = (contact(&app, "jana").await, contact(&app, "eva").await);
    let company = app.post("/companies").json(&json!({"name": "Dílna"})).await.expect(201).id();
    let body = json!({"type": "meeting", "subject": " Nabídka  na jaro ", "text": "Dlouhý text",
        "starts_at": "2026-05-01T10:00:00+02:00", "contact_ids": [eva, jana, eva], "company_id": company});
    let made = app.post("/activities").json(&body).await.expect(201);
    assert_eq!(made.json["subject"], "Nabídka na jaro");
    assert_eq!(made.json["at"], "2026-05-01T08:00:00Z");
    assert_eq!(made.json["contact_ids"], json!([jana, eva]), "in order, each once");
    assert_eq!(made.json["author"], json!({"type": "user", "id": app.home().user}));
    let path = format!("/activities/{}", made.id());
    let read = app.get(&path).await.expect(200);
    assert_eq!((&read.json, read.header("etag")), (&made.json, made.header("etag")));
    let done =
        json!({"done_at": "2026-05-01T09:00:00Z", "result": "Interested", "contact_ids": [eva]});
    app.patch(&path).header("if-match", "\"old\"").json(&done).await.expect(412);
    let changed = app.patch(&path).json(&done).await.expect(200);
    assert_eq!(
        (&changed.json["result"], &changed.json["contact_ids"]),
        (&json!("Interested"), &json!([eva]))
    );
    let cleared =
        app.patch(&path).json(&json!({"contact_ids": null, "starts_at": null})).await.expect(200);
    assert_eq!(cleared.json["at"], "2026-05-01T09:00:00Z");
    assert_eq!(cleared.json["contact_ids"], json!([]));
    let refused = app.delete(format!("/companies/{company}")).await;
    assert_eq!(refused.expect_problem(409, "in_use", &[]).json["activities"], 1);
    let trail = app.get(format!("/audit?record_id={}", made.id())).await.expect(200);
    assert_eq!(trail.data()[0]["changes"]["fields"], json!(["starts_at", "contact_ids"]));
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
    app.other_workspace().get(&path).await.expect(404);
}

/// CON-14: all that is referred to and not there is told at once.
#[tokio::test]
async fn activities_refer_to_what_is_there() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let foreign = other.post("/contacts").json(&json!({"first_name": "x"})).await.expect(201).id();
    let jana = contact(&app, "jana").await;
    let nobody = uuid::Uuid::now_v7();
    let body = json!({"type": "call", "subject": "x", "contact_ids": [jana, foreign, nobody],
        "company_id": nobody, "opportunity_id": nobody, "project_id": nobody});
    app.post("/activities").json(&body).await.expect_problem(
        422,
        "unknown_reference",
        &["#/contact_ids/1", "#/contact_ids/2", "#/company_id", "#/opportunity_id", "#/project_id"],
    );
    let body = json!({"type": "fax", "subject": " ", "starts_at": "tomorrow", "contact_ids": vec![nobody; 101]});
    app.post("/activities").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &["#/type", "#/subject", "#/starts_at", "#/contact_ids"],
    );
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    let body = json!({"type": "call", "subject": "x", "contact_ids": [jana]});
    app.post("/activities").json(&body).await.expect_problem(409, "conflict", &[]);
    assert_eq!(app.count("SELECT count(*) AS n FROM activities"), 0);
}

/// SEG-6: by type, time, author, result, and the contacts they are about.
#[tokio::test]
async fn activities_are_filtered() {
    let app = TestApp::new().await;
    let (jana, eva) = (contact(&app, "jana").await, contact(&app, "eva").await);
    let (author, client) = person(&app, "petr", Role::Editor).await;
    for (who, day, kind, subject, result, about) in [
        (&client, 1, "call", "Žlutá", Some("Interested"), vec![&jana]),
        (&client, 2, "task", "b", None, vec![&eva]),
        (&**app.home(), 3, "call", "c", Some("Interested"), vec![&eva, &jana]),
        (&**app.home(), 4, "email", "d", None, vec![]),
    ] {
        let at = format!("2026-05-0{day}T10:00:00Z");
        let done = result.map(|_| at.clone());
        let body = json!({"type": kind, "subject": subject, "result": result, "starts_at": at, "done_at": done,
            "contact_ids": about});
        who.post("/activities").json(&body).await.expect(201);
    }
    for (query, expected) in [
        (String::new(), vec!["d", "c", "b", "Žlutá"]),
        ("sort=at".into(), vec!["Žlutá", "b", "c", "d"]),
        ("type=call".into(), vec!["c", "Žlutá"]),
        ("after=2026-05-02T10:00:00Z&before=2026-05-04T10:00:00Z".into(), vec!["c", "b"]),
        (format!("author_id={author}"), vec!["b", "Žlutá"]),
        ("result=Interested".into(), vec!["c", "Žlutá"]),
        ("done=false".into(), vec!["d", "b"]),
        (format!("contact_id={jana}"), vec!["c", "Žlutá"]),
        ("q=zlut".into(), vec!["Žlutá"]),
    ] {
        let found = app.get(format!("/activities?{query}")).await.expect(200);
        assert_eq!(subjects(&found), expected, "{query}");
        // page by page it is the same
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app.get(format!("/activities?{query}&limit=1{cursor}")).await.expect(200);
            walked.extend(subjects(&page));
            let Some(next) = page.json["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(walked, expected, "{query}");
    }
    let tag = json!({"where": {"field": "tag", "op": "has", "value": "eva"}});
    for (body, expected) in [
        (json!({}), vec!["d", "c", "b", "Žlutá"]),
        (json!({"selection": tag}), vec!["c", "b"]),
        (json!({"selection": tag, "type": "task"}), vec!["b"]),
        (json!({"selection": {"exclude": tag["where"]}}), vec!["c", "Žlutá"]),
        (json!({"selection": tag, "author_id": author, "done": false}), vec!["b"]),
    ] {
        let found = app.post("/activities/query").json(&body).await.expect(200);
        assert_eq!(subjects(&found), expected, "{body}");
    }
    // in saved segments: by id, in a selection, and in another segment
    let segment = json!({"name": "evas", "filter": tag["where"]});
    let segment = app.post("/segments").json(&segment).await.expect(201).id();
    let within = json!({"field": "segment", "op": "ne", "value": segment});
    let outside = json!({"name": "others", "filter": within});
    let outside = app.post("/segments").json(&outside).await.expect(201).id();
    for (id, expected) in [(&segment, vec!["c", "b"]), (&outside, vec!["c", "Žlutá"])] {
        let found = app.get(format!("/activities?segment_id={id}")).await.expect(200);
        assert_eq!(subjects(&found), expected);
        let body = json!({"selection": {"segments": [id]}});
        let found = app.post("/activities/query").json(&body).await.expect(200);
        assert_eq!(subjects(&found), expected);
        let path = format!("/activities?segment_id={id}&type=call&author_id={author}&limit=1");
        let found = app.get(path).await.expect(200);
        assert_eq!(subjects(&found), if *id == segment { vec![] } else { vec!["Žlutá"] });
    }
    let page = app.get(format!("/activities?segment_id={segment}&limit=1")).await.expect(200);
    let cursor = page.text_at("/next_cursor");
    app.clock().advance(chrono::TimeDelta::seconds(5));
    let rest = format!("/activities?segment_id={segment}&limit=1&cursor={cursor}");
    assert_eq!(subjects(&app.get(rest).await.expect(200)), ["b"]);
    app.get(format!("/activities?segment_id={outside}&limit=1&cursor={cursor}")).await.expect(422);
    let unknown = app.get(format!("/activities?segment_id={}", uuid::Uuid::now_v7())).await;
    unknown.expect_problem(422, "unknown_reference", &["?segment_id"]);
    let foreign = app.other_workspace();
    let foreign = foreign.get(format!("/activities?segment_id={segment}")).await;
    foreign.expect_problem(422, "unknown_reference", &["?segment_id"]);
    let first = app.post("/activities/query").json(&json!({"selection": tag, "limit": 1})).await;
    let cursor = first.expect(200).text_at("/next_cursor");
    app.clock().advance(chrono::TimeDelta::seconds(5));
    let rest = json!({"selection": tag, "limit": 1, "cursor": cursor});
    assert_eq!(subjects(&app.post("/activities/query").json(&rest).await.expect(200)), ["b"]);
    let other = json!({"limit": 1, "cursor": cursor});
    app.post("/activities/query").json(&other).await.expect_problem(
        422,
        "invalid_cursor",
        &["#/cursor"],
    );
    let wrong = json!({"selection": {"where": {"field": "x", "op": "eq"}}, "q": "a b c d e f g h i j k l m"});
    let refused = app.post("/activities/query").json(&wrong).await.expect(422);
    let at: Vec<String> = refused.faults().into_iter().map(|(pointer, _)| pointer).collect();
    assert!(at.contains(&"#/q".to_owned()) && at.iter().any(|at| at.starts_with("#/selection")));
    assert!(app.other_workspace().get("/activities").await.expect(200).data().is_empty());
}

/// CON-12, TRS-2
#[tokio::test]
async fn activities_obey_owners_and_go_with_the_only_contact_they_are_about() {
    let app = TestApp::new().await;
    let (jana, eva) = (contact(&app, "jana").await, contact(&app, "eva").await);
    let (user, client) = person(&app, "petr", Role::Manager).await;
    let level = json!({"level": "read_only"});
    app.put(format!("/contacts/{jana}/owners/{user}")).json(&level).await.expect(200);
    let of = |ids: &[&String]| json!({"type": "call", "subject": "x", "contact_ids": ids});
    client.post("/activities").json(&of(&[&eva, &jana])).await.expect_problem(
        403,
        "not_permitted",
        &[],
    );
    let alone = app.post("/activities").json(&of(&[&jana])).await.expect(201).id();
    let shared = app.post("/activities").json(&of(&[&jana, &eva])).await.expect(201).id();
    let free = client.post("/activities").json(&of(&[&eva])).await.expect(201).id();
    for id in [&alone, &shared] {
        let path = format!("/activities/{id}");
        client.get(&path).await.expect(200);
        let patched = client.patch(&path).json(&json!({"subject": "y"})).await;
        patched.expect_problem(403, "not_permitted", &[]);
        client.delete(&path).await.expect_problem(403, "not_permitted", &[]);
    }
    let add = json!({"contact_ids": [jana]});
    let path = format!("/activities/{free}");
    client.patch(&path).json(&add).await.expect_problem(403, "not_permitted", &[]);
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    assert_eq!(app.get("/activities").await.data().len(), 3, "the trash keeps them");
    app.delete(format!("/trash/{jana}")).await.expect(204);
    app.get(format!("/activities/{alone}")).await.expect(404);
    let left = app.get(format!("/activities/{shared}")).await.expect(200);
    assert_eq!(left.json["contact_ids"], json!([eva]));
    app.check_invariants();
}

/// EVT-3
#[tokio::test]
async fn what_is_planned_for_a_contact_comes_in_order() {
    let app = TestApp::new().await;
    let jana = contact(&app, "jana").await;
    let now = app.clock().now();
    let at = |hours: i64| (now + chrono::TimeDelta::hours(hours)).to_rfc3339();
    for body in [
        json!({"type": "meeting", "subject": "soon", "starts_at": at(2)}),
        json!({"type": "task", "subject": "overdue", "due_at": at(-5)}),
        json!({"type": "task", "subject": "later", "due_at": at(9)}),
        json!({"type": "meeting", "subject": "missed", "starts_at": at(-2)}),
        json!({"type": "task", "subject": "done", "due_at": at(3), "done_at": at(0)}),
        json!({"type": "call", "subject": "some day"}),
    ] {
        let mut body: Value = body;
        body["contact_ids"] = json!([jana]);
        app.post("/activities").json(&body).await.expect(201);
    }
    let path = format!("/contacts/{jana}/planned");
    let planned = app.get(&path).await.expect(200);
    let names: Vec<&str> = planned.data().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["overdue", "soon", "later"]);
    assert_eq!(planned.data()[1]["type"], "meeting");
    assert_eq!(planned.data()[1]["source"]["type"], "activity");
    let first = app.get(format!("{path}?limit=2")).await.expect(200);
    let cursor = first.text_at("/next_cursor");
    let rest = app.get(format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.data(), &planned.data()[2..]);
    app.other_workspace().get(&path).await.expect(404);
}
