//! Tests of groups, and of contact types, which are like them.

use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

fn names(answer: &Answer) -> Vec<String> {
    answer.data().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

async fn made(app: &TestApp, path: &str, name: &str) -> String {
    app.post(path).json(&json!({"name": name})).await.expect(201).id()
}

/// CON-7
#[tokio::test]
async fn groups_and_types_are_made_read_changed_and_listed() {
    let app = TestApp::new().await;
    for (path, exists) in [("/groups", "group_exists"), ("/contact-types", "contact_type_exists")] {
        let body = json!({"name": " Velcí  klienti ", "description": " Více než milion\nročně "});
        let made_one = app.post(path).json(&body).await.expect(201);
        assert_eq!(made_one.json["name"], "Velcí klienti");
        assert_eq!(made_one.json["description"], "Více než milion\nročně");
        let read = app.get(made_one.header("location")).await.expect(200);
        assert_eq!(read.json["contacts"], json!({"live": 0, "trash": 0}));
        let again = json!({"name": "VELCÍ KLIENTI"});
        app.post(path).json(&again).await.expect_problem(409, exists, &[]);
        for (wrong, at) in [
            (json!({"name": "  "}), "#/name"),
            (json!({"name": "x".repeat(101)}), "#/name"),
            (json!({"name": "a", "description": "x".repeat(1001)}), "#/description"),
            (json!({"name": "a", "colour": "red"}), "#/colour"),
            (json!({}), "#/name"),
        ] {
            let refused = app.post(path).json(&wrong).await;
            assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!(at)));
        }
        let one = format!("{path}/{}", made(&app, path, "b2b").await);
        app.patch(&one).json(&again).await.expect_problem(409, exists, &[]);
        let renamed = app.patch(&one).json(&json!({"name": "B2B"})).await.expect(200);
        assert_eq!(
            (&renamed.json["name"], &renamed.json["description"]),
            (&json!("B2B"), &Value::Null)
        );
        let told = app.patch(&one).json(&json!({"description": "firmy"})).await.expect(200);
        assert_eq!(
            (&told.json["name"], &told.json["description"]),
            (&json!("B2B"), &json!("firmy"))
        );
        let same = app.patch(&one).json(&json!({})).await.expect(200);
        assert_eq!(same.json, told.json, "nothing changes nothing");
        let bare = app.patch(&one).json(&json!({"description": null})).await.expect(200);
        assert_eq!(bare.json["description"], Value::Null);
        app.patch(&one).header("if-match", "\"old\"").json(&json!({"name": "x"})).await.expect(412);
        app.delete(&one).header("if-match", "\"old\"").await.expect(412);
        assert_eq!(names(&app.get(path).await.expect(200)), ["B2B", "Velcí klienti"]);
        assert_eq!(
            names(&app.get(format!("{path}?q=klient")).await.expect(200)),
            ["Velcí klienti"]
        );
        let page = app.get(format!("{path}?limit=1")).await.expect(200);
        let cursor = page.text_at("/next_cursor");
        let next = app.get(format!("{path}?limit=1&cursor={cursor}")).await.expect(200);
        assert_eq!(names(&next), ["Velcí klienti"]);
        app.other_workspace().get(&one).await.expect(404);
        app.delete(&one).await.expect(204);
        app.get(&one).await.expect(404);
        app.delete(&one).await.expect(404);
    }
}

/// CON-7: a contact has many groups and one type; lists show them too.
#[tokio::test]
async fn contacts_have_groups_and_a_type() {
    let app = TestApp::new().await;
    let mut groups = [
        made(&app, "/groups", "a").await,
        made(&app, "/groups", "b").await,
        made(&app, "/groups", "c").await,
    ];
    groups.sort();
    let kind = made(&app, "/contact-types", "person").await;
    let body = json!({"last_name": "Nováková", "email": "jana@example.cz", "type_id": kind,
        "group_ids": [groups[1], groups[0], groups[1]]});
    let jana = app.post("/contacts").json(&body).await.expect(201);
    assert_eq!(jana.json["type_id"], json!(kind));
    assert_eq!(jana.json["group_ids"], json!([groups[0], groups[1]]), "sorted, each once");
    let listed = app.get("/contacts").await.expect(200);
    assert_eq!(listed.data()[0]["group_ids"], jana.json["group_ids"]);
    let path = format!("/contacts/{}", jana.id());
    let replaced = app.patch(&path).json(&json!({"group_ids": [groups[2]]})).await.expect(200);
    assert_eq!(replaced.json["group_ids"], json!([groups[2]]));
    assert_eq!(replaced.json["type_id"], json!(kind), "what is absent stays");
    assert!(replaced.text_at("/updated_at") > jana.text_at("/updated_at"));
    let same = app.patch(&path).json(&json!({"group_ids": [groups[2]]})).await.expect(200);
    assert_eq!(same.json, replaced.json);

    let bare =
        app.patch(&path).json(&json!({"group_ids": null, "type_id": null})).await.expect(200);
    assert_eq!((&bare.json["group_ids"], &bare.json["type_id"]), (&json!([]), &Value::Null));

    let upsert = app
        .put("/contacts/by/email/jana@example.cz")
        .json(&json!({"group_ids": [groups[0]], "type_id": kind}))
        .await
        .expect(200);
    assert_eq!(upsert.json["changed"], json!(["type_id", "group_ids"]));
    assert_eq!(upsert.json["contact"]["group_ids"], json!([groups[0]]));
    let batch = json!({"items": [
        {"key": "email", "contact": {"email": "jana@example.cz", "group_ids": [groups[0]]}},
        {"key": "email", "contact": {"email": "eva@example.cz", "group_ids": [groups[1]], "type_id": kind}},
        {"key": "email", "contact": {"email": "eva@example.cz", "group_ids": [groups[2]]}},
    ]});
    let done = app.post("/contacts/batch").json(&batch).await.expect(200);
    let results = done.json["results"].as_array().unwrap();
    let words: Vec<_> = results.iter().map(|one| one["result"].as_str().unwrap()).collect();
    assert_eq!(words, ["unchanged", "created", "updated"], "an item sees the items before it");
    let eva = app.get(format!("/contacts/{}", results[1]["contact_id"].as_str().unwrap())).await;
    assert_eq!(eva.json["group_ids"], json!([groups[2]]));
    assert_eq!(eva.json["type_id"], json!(kind));
    let line =
        app.get(format!("/audit?record_id={}&action=contact.update", jana.id())).await.expect(200);
    assert_eq!(line.data()[0]["changes"], json!({"fields": ["type_id", "group_ids"]}));
}

/// CON-7: what a body refers to must be there; all faults at once.
#[tokio::test]
async fn unknown_groups_and_types_are_faults_of_the_body() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let known = made(&app, "/groups", "a").await;
    let foreign = other.post("/groups").json(&json!({"name": "a"})).await.expect(201).id();
    let foreign_type =
        other.post("/contact-types").json(&json!({"name": "a"})).await.expect(201).id();
    let body = json!({"email": "no address", "type_id": foreign_type,
        "group_ids": [known, foreign, Uuid::now_v7(), "x"]});
    let at = ["#/email", "#/type_id", "#/group_ids/1", "#/group_ids/2", "#/group_ids/3"];
    app.post("/contacts").json(&body).await.expect_problem(422, "validation_failed", &at);
    let jana =
        app.post("/contacts").json(&json!({"last_name": "N", "email": "j@x.cz"})).await.expect(201);
    let path = format!("/contacts/{}", jana.id());
    app.patch(&path).json(&body).await.expect_problem(422, "validation_failed", &at);
    app.put("/contacts/by/email/j@x.cz")
        .json(&json!({"group_ids": [foreign]}))
        .await
        .expect_problem(422, "unknown_reference", &["#/group_ids/0"]);
    let batch = json!({"items": [
        {"key": "email", "contact": {"email": "a@x.cz", "group_ids": [known]}},
        {"key": "email", "contact": {"email": "b@x.cz", "type_id": foreign_type, "colour": 1}},
    ]});
    let done = app.post("/contacts/batch").json(&batch).await.expect(200);
    assert_eq!(
        done.json["counts"],
        json!({"created": 1, "updated": 0, "unchanged": 0, "failed": 1})
    );
    let errors = done.json.pointer("/results/1/problem/errors").unwrap().as_array().unwrap();
    let at: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(at, ["#/items/1/contact/colour", "#/items/1/contact/type_id"]);
    let many: Vec<Uuid> = (0..201).map(|_| Uuid::now_v7()).collect();
    app.patch(&path).json(&json!({ "group_ids": many })).await.expect_problem(
        422,
        "too_many",
        &["#/group_ids"],
    );
    app.put(format!("{path}/groups/{foreign}")).await.expect_problem(404, "not_found", &[]);
    app.delete(format!("{path}/groups/{foreign}")).await.expect_problem(404, "not_found", &[]);
    let read = app.get(&path).await.expect(200);
    assert_eq!(read.json, jana.json, "nothing was written");
}

/// CON-8: what is in use, in the trash too, stays; detaching works in the trash.
#[tokio::test]
async fn a_group_or_type_in_use_cannot_be_deleted() {
    let app = TestApp::new().await;
    let group = made(&app, "/groups", "a").await;
    let kind = made(&app, "/contact-types", "a").await;
    let mut contacts = Vec::new();
    for name in ["Jana", "Eva", "Ida"] {
        let body = json!({"first_name": name, "group_ids": [group], "type_id": kind});
        contacts.push(app.post("/contacts").json(&body).await.expect(201).id());
    }
    app.delete(format!("/contacts/{}", contacts[2])).await.expect(204);
    for (path, code) in [
        (format!("/groups/{group}"), "group_in_use"),
        (format!("/contact-types/{kind}"), "contact_type_in_use"),
    ] {
        let refused = app.delete(&path).await.expect_problem(409, code, &[]);
        assert_eq!((&refused.json["live"], &refused.json["trash"]), (&json!(2), &json!(1)));
        assert_eq!(app.get(&path).await.json["contacts"], json!({"live": 2, "trash": 1}));
    }
    for contact in &contacts {
        app.delete(format!("/contacts/{contact}/groups/{group}")).await.expect(204);
        app.delete(format!("/contacts/{contact}/groups/{group}")).await.expect(204);
    }
    app.delete(format!("/groups/{group}")).await.expect(204);
    app.delete(format!("/trash/{}", contacts[2])).await.expect(204);
    let refused = app.delete(format!("/contact-types/{kind}")).await.expect(409);
    assert_eq!((&refused.json["live"], &refused.json["trash"]), (&json!(2), &json!(0)));
    for contact in &contacts[..2] {
        app.patch(format!("/contacts/{contact}")).json(&json!({"type_id": null})).await.expect(200);
    }
    app.delete(format!("/contact-types/{kind}")).await.expect(204);
}

/// CON-7
#[tokio::test]
async fn a_contact_is_put_into_a_group_and_taken_out() {
    let app = TestApp::new().await;
    let group = made(&app, "/groups", "a").await;
    let jana = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    let path = format!("/contacts/{}/groups/{group}", jana.id());
    app.put(&path).header("if-match", "\"old\"").await.expect(412);
    let put = app.put(&path).await.expect(200);
    assert_eq!(put.json["group_ids"], json!([group]));
    let again = app.put(&path).await.expect(200);
    assert_eq!(again.json, put.json, "it is in it already");
    app.other_workspace().put(&path).await.expect(404);
    app.delete(format!("/contacts/{}", jana.id())).await.expect(204);
    app.put(&path).await.expect_problem(409, "conflict", &[]);
    app.delete(&path).await.expect(204);
    assert_eq!(app.get(format!("/contacts/{}", jana.id())).await.json["group_ids"], json!([]));
    // a purge leaves nothing of it
    app.post(format!("/trash/{}/restore", jana.id())).await.expect(200);
    app.put(&path).await.expect(200);
    app.delete(format!("/contacts/{}", jana.id())).await.expect(204);
    app.delete(format!("/trash/{}", jana.id())).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_groups"), 0);
    app.delete(format!("/groups/{group}")).await.expect(204);
}

/// CON-8: a group that is deleted while somebody puts contacts into it: either is refused, none is lost.
#[tokio::test]
async fn nobody_is_in_a_group_that_is_gone() {
    let app = TestApp::new().await;
    for round in 0..4 {
        let group = made(&app, "/groups", &format!("g{round}")).await;
        let bodies: Vec<Value> =
            (0..6).map(|n| json!({"first_name": format!("{n}"), "group_ids": [group]})).collect();
        let creates =
            bodies.iter().map(|body| async { app.post("/contacts").json(body).await.status });
        let delete = async { app.delete(format!("/groups/{group}")).await.status };
        let (made, deleted) =
            futures_util::future::join(futures_util::future::join_all(creates), delete).await;
        assert!(made.iter().all(|status| [201, 422].contains(status)), "{made:?}");
        assert!([204, 409].contains(&deleted), "{deleted}");
        let orphans = app.count(
            "SELECT count(*) AS n FROM contact_groups x WHERE NOT EXISTS (SELECT FROM groups g \
             WHERE g.workspace_id = x.workspace_id AND g.id = x.group_id)",
        );
        assert_eq!(orphans, 0);
    }
}

/// SEG-2: contacts are selected by their groups and their type.
#[tokio::test]
async fn selections_ask_for_groups_and_types() {
    let app = TestApp::new().await;
    let group = made(&app, "/groups", "a").await;
    let kind = made(&app, "/contact-types", "a").await;
    for body in [
        json!({"first_name": "Jana", "group_ids": [group]}),
        json!({"first_name": "Eva", "type_id": kind}),
        json!({"first_name": "Ida"}),
    ] {
        app.post("/contacts").json(&body).await.expect(201);
    }
    for (field, op, value, count) in [
        ("group", "has", json!(group), 1),
        ("group", "has_not", json!(group), 2),
        ("group", "is_empty", Value::Null, 2),
        ("group", "in", json!([group]), 1),
        ("type", "eq", json!(kind), 1),
        ("type", "ne", json!(kind), 2),
        ("type", "is_not_empty", Value::Null, 1),
    ] {
        let leaf = json!({"field": field, "op": op, "value": value});
        let answer = app.post("/contacts/count").json(&json!({"selection": {"where": leaf}})).await;
        assert_eq!(answer.expect(200).json["contacts"], count, "{field} {op}");
    }
    let leaf = json!({"field": "group", "op": "in", "value": [group, kind]});
    app.post("/contacts/count").json(&json!({"selection": {"where": leaf}})).await.expect_problem(
        422,
        "unknown_reference",
        &["#/selection/where/value/1"],
    );
    let leaf = json!({"field": "type", "op": "eq", "value": group});
    app.post("/contacts/count").json(&json!({"selection": {"where": leaf}})).await.expect_problem(
        422,
        "unknown_reference",
        &["#/selection/where/value"],
    );
}

/// CON-8, SEG-5: what a saved segment names stays.
#[tokio::test]
async fn a_group_type_or_field_that_a_segment_names_cannot_be_deleted() {
    let app = TestApp::new().await;
    let group = made(&app, "/groups", "a").await;
    let kind = made(&app, "/contact-types", "a").await;
    let field = json!({"name": "size", "title": "Size", "type": "number"});
    let field = app.post("/fields").json(&field).await.expect(201).id();
    let filter = json!({"or": [
        {"field": "group", "op": "has", "value": group}, {"field": "type", "op": "in", "value": [kind]},
        {"not": {"field": "detail:size", "op": "gt", "value": 40}}]});
    let segment = json!({"name": "s", "filter": filter});
    let segment = app.post("/segments").json(&segment).await.expect(201).id();
    let paths = [
        (format!("/groups/{group}"), "group_in_use"),
        (format!("/contact-types/{kind}"), "contact_type_in_use"),
        (format!("/fields/{field}"), "field_in_use"),
    ];
    for (path, code) in &paths {
        let refused = app.delete(path).await.expect_problem(409, code, &[]);
        assert_eq!((&refused.json["live"], &refused.json["segments"]), (&json!(0), &json!(1)));
    }
    app.delete(format!("/segments/{segment}")).await.expect(204);
    for (path, _) in &paths {
        app.delete(path).await.expect(204);
    }
}
