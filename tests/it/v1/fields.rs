//! Tests of user-defined fields.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

async fn field(app: &TestApp, name: &str, kind: &str) -> String {
    app.post("/fields").json(&json!({"name": name, "type": kind})).await.expect(201).id()
}

/// CON-7, CON-9
#[tokio::test]
async fn fields_are_made_read_changed_and_listed() {
    let app = TestApp::new().await;
    let body = json!({"name": " Členství ", "title": "Typ členství", "type": "choice", "choices": ["zlaté", " bílé "]});
    let made = app.post("/fields").json(&body).await.expect(201);
    for (member, value) in [
        ("name", json!("Členství")),
        ("title", json!("Typ členství")),
        ("type", json!("choice")),
        ("choices", json!(["zlaté", "bílé"])),
    ] {
        assert_eq!(made.json[member], value, "{member}");
    }
    let path = made.header("location").to_owned();
    let read = app.get(&path).await.expect(200);
    assert_eq!(read.json["contacts"], json!({"live": 0, "trash": 0}));
    let bare =
        app.post("/fields").json(&json!({"name": "size", "type": "number"})).await.expect(201);
    assert_eq!((&bare.json["title"], &bare.json["choices"]), (&json!("size"), &json!([])));
    let again = json!({"name": "size", "type": "text"});
    app.post("/fields").json(&again).await.expect_problem(409, "field_exists", &[]);
    for (wrong, at) in [
        (json!({"name": " ", "type": "text"}), "#/name"),
        (json!({"name": "x".repeat(101), "type": "text"}), "#/name"),
        (json!({"name": "a", "type": "colour"}), "#/type"),
        (json!({"name": "a"}), "#/type"),
        (json!({"name": "a", "type": "choice"}), "#/choices"),
        (json!({"name": "a", "type": "choice", "choices": ["a", "a"]}), "#/choices/1"),
        (json!({"name": "a", "type": "number", "choices": ["a"]}), "#/choices"),
        (json!({"name": "a", "type": "text", "title": "  "}), "#/title"),
    ] {
        let refused = app.post("/fields").json(&wrong).await;
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["pointer"]),
            (422, &json!(at)),
            "{wrong}"
        );
    }
    let more = json!({"choices": ["zlaté", "bílé", "černé"]});
    assert_eq!(app.patch(&path).json(&more).await.expect(200).json["choices"], more["choices"]);
    let same = app.patch(&path).json(&more).await.expect(200);
    assert_eq!(app.patch(&path).json(&json!({})).await.expect(200).json, same.json);
    let text =
        app.patch(&path).json(&json!({"type": "text", "title": "Členství"})).await.expect(200);
    assert_eq!((&text.json["type"], &text.json["choices"]), (&json!("text"), &json!([])));
    app.patch(&path).json(&json!({"name": "other"})).await.expect_problem(
        422,
        "unknown_field",
        &["#/name"],
    );
    app.patch(&path).header("if-match", "\"old\"").json(&json!({"title": "x"})).await.expect(412);
    let listed = app.get("/fields").await.expect(200);
    let names: Vec<_> = listed.data().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["size", "Členství"], "in order of their letters");
    let page = app.get("/fields?limit=1").await.expect(200);
    let cursor = page.text_at("/next_cursor");
    assert_eq!(
        app.get(format!("/fields?limit=1&cursor={cursor}")).await.data()[0]["name"],
        "Členství"
    );
    app.other_workspace().get(&path).await.expect(404);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
}

/// CON-9: where there is a definition, a written value has its type; other details stay free.
#[tokio::test]
async fn written_values_have_the_type_of_their_field() {
    let app = TestApp::new().await;
    field(&app, "size", "number").await;
    field(&app, "since/from", "date").await;
    field(&app, "member", "boolean").await;
    let good = json!({"size": 43.5, "since/from": "2024-02-29", "member": true, "free": [1]});
    let free = json!({"last_name": "N", "email": "j@x.cz",
        "details": {"size": 43.5, "since/from": "2024-02-29", "member": true, "free": "43"}});
    let jana = app.post("/contacts").json(&free).await.expect(201);
    let wrong = json!({"email": "no address",
        "details": {" size ": "43", "since/from": "2023-02-29", "member": "ano", "free": good["free"]}});
    let at = [
        "#/email",
        "#/details/%20size%20",
        "#/details/since~1from",
        "#/details/member",
        "#/details/free",
    ];
    app.post("/contacts").json(&wrong).await.expect_problem(422, "validation_failed", &at);
    let path = format!("/contacts/{}", jana.id());
    app.patch(&path).json(&wrong).await.expect_problem(422, "validation_failed", &at);
    let one = json!({"details": {"size": "43"}});
    app.patch(&path).json(&one).await.expect_problem(422, "invalid_type", &["#/details/size"]);
    app.put("/contacts/by/email/j@x.cz").json(&one).await.expect_problem(
        422,
        "invalid_type",
        &["#/details/size"],
    );
    let batch = json!({"items": [
        {"key": "email", "contact": {"email": "a@x.cz", "details": {"size": 1}}},
        {"key": "email", "contact": {"email": "b@x.cz", "details": {"size": "1"}}},
    ]});
    let done = app.post("/contacts/batch").json(&batch).await.expect(200);
    assert_eq!(
        done.json["counts"],
        json!({"created": 1, "updated": 0, "unchanged": 0, "failed": 1})
    );
    let pointer = done.json.pointer("/results/1/problem/errors/0/pointer");
    assert_eq!(pointer, Some(&json!("#/items/1/contact/details/size")));
    let bulk = json!({"ids": [jana.id()], "changes": {"details": {"member": 1}}});
    app.post("/contacts/bulk-edit").json(&bulk).await.expect_problem(
        422,
        "invalid_type",
        &["#/changes/details/member"],
    );
    // a definition of another workspace means nothing here
    let stranger = app.other_workspace();
    stranger
        .post("/contacts")
        .json(&json!({"last_name": "N", "details": {"size": "43"}}))
        .await
        .expect(201);
    let cleared = app.patch(&path).json(&json!({"details": {"size": null}})).await.expect(200);
    assert_eq!(cleared.json["details"].get("size"), None);
}

/// CON-8: a field that contacts have values of, in the trash too, stays.
#[tokio::test]
async fn a_field_in_use_cannot_be_deleted() {
    let app = TestApp::new().await;
    let path = format!("/fields/{}", field(&app, "size", "number").await);
    let mut contacts = Vec::new();
    for name in ["Jana", "Eva"] {
        let body = json!({"first_name": name, "details": {"size": 43}});
        contacts.push(app.post("/contacts").json(&body).await.expect(201).id());
    }
    app.delete(format!("/contacts/{}", contacts[1])).await.expect(204);
    let refused = app.delete(&path).await.expect_problem(409, "field_in_use", &[]);
    assert_eq!((&refused.json["live"], &refused.json["trash"]), (&json!(1), &json!(1)));
    assert_eq!(app.get(&path).await.json["contacts"], json!({"live": 1, "trash": 1}));
    app.patch(format!("/contacts/{}", contacts[0]))
        .json(&json!({"details": {"size": null}}))
        .await
        .expect(200);
    app.delete(format!("/trash/{}", contacts[1])).await.expect(204);
    app.delete(&path).await.expect(204);
}

/// CON-9: a type that present values do not fit is refused with their number.
#[tokio::test]
async fn a_type_that_values_do_not_fit_is_refused() {
    let app = TestApp::new().await;
    let path = format!("/fields/{}", field(&app, "x", "text").await);
    let mut contacts = Vec::new();
    for value in ["2024-02-29", "2023-02-29", "gold", "2024-04-31"] {
        let body = json!({"first_name": value, "details": {"x": value}});
        contacts.push(app.post("/contacts").json(&body).await.expect(201).id());
    }
    app.delete(format!("/contacts/{}", contacts[3])).await.expect(204);
    for (change, live, trash) in [
        (json!({"type": "date"}), 2, 1),
        (json!({"type": "number"}), 3, 1),
        (json!({"type": "boolean"}), 3, 1),
        (json!({"type": "choice", "choices": ["gold", "2024-02-29"]}), 1, 1),
    ] {
        let refused = app.patch(&path).json(&change).await;
        let refused = refused.expect_problem(409, "field_values_do_not_fit", &[]);
        assert_eq!(
            (&refused.json["live"], &refused.json["trash"]),
            (&json!(live), &json!(trash)),
            "{change}"
        );
    }
    let all = json!(["gold", "2024-02-29", "2023-02-29", "2024-04-31"]);
    app.patch(&path).json(&json!({"type": "choice", "choices": all})).await.expect(200);
    let fewer = json!({"choices": ["gold", "2024-02-29", "2023-02-29"]});
    let refused = app.patch(&path).json(&fewer).await.expect(409);
    assert_eq!((&refused.json["live"], &refused.json["trash"]), (&json!(0), &json!(1)));
    // the same for a detail that had no definition
    let body = json!({"first_name": "a", "details": {"free": "43"}});
    app.post("/contacts").json(&body).await.expect(201);
    app.post("/fields").json(&json!({"name": "free", "type": "number"})).await.expect_problem(
        409,
        "field_values_do_not_fit",
        &[],
    );
    assert_eq!(app.get("/fields?q=free").await.data(), &Vec::<Value>::new()[..]);
    field(&app, "free", "text").await;
}

/// CON-9: cells of an import are read in the type of their field; what cannot be read is told with the row.
#[tokio::test]
async fn imports_read_cells_in_the_type_of_their_field() {
    let app = TestApp::new().await;
    field(&app, "size", "number").await;
    field(&app, "since", "date").await;
    field(&app, "member", "boolean").await;
    let choice = json!({"name": "card", "type": "choice", "choices": ["Zlatá", "silver"]});
    app.post("/fields").json(&choice).await.expect(201);
    let list = "e;s;d;m;c;f\na@x.cz;43,5;1.5.2020;ano;zlata;07\nb@x.cz;much;31.2.2020;perhaps;bronze;x\nc@x.cz;n/a;;-;;\n";
    let mapping = |strict: bool| {
        let columns = json!([{"index": 0, "target": "email"}, {"index": 1, "target": "detail:size"},
            {"index": 2, "target": "detail:since"}, {"index": 3, "target": "detail:member"},
            {"index": 4, "target": "detail:card"}, {"index": 5, "target": "detail:free"}]);
        json!({"mapping": {"columns": columns, "strict": strict}})
    };
    let import = app.import(list, &mapping(false)).await;
    assert_eq!(import.json["summary"]["created"], 3, "{import:?}");
    let details = async |email: &str| {
        let found = app.get(format!("/contacts?email={email}")).await.expect(200);
        found.data()[0]["details"].clone()
    };
    let all =
        json!({"size": 43.5, "since": "2020-05-01", "member": true, "card": "Zlatá", "free": "07"});
    assert_eq!(details("a@x.cz").await, all);
    assert_eq!(details("b@x.cz").await, json!({"free": "x"}));
    assert_eq!(details("c@x.cz").await, json!({"member": false}));
    let rows = app.get(format!("/imports/{}/rows?problems=true", import.id())).await.expect(200);
    let told = |row: &Value| {
        let problems = row["problems"].as_array().unwrap().iter();
        problems
            .map(|problem| (problem["field"].clone(), problem["code"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(rows.data().len(), 1);
    assert_eq!(
        told(&rows.data()[0]),
        [
            (json!("detail:size"), json!("invalid_number")),
            (json!("detail:since"), json!("invalid_date")),
            (json!("detail:member"), json!("invalid_boolean")),
            (json!("detail:card"), json!("invalid_value")),
        ]
    );
    let strict = app.import(list, &mapping(true)).await;
    assert_eq!(strict.json["summary"]["invalid"], 1, "{strict:?}");
    // a number is a key as it is written in the base
    let mut by_size = mapping(false);
    by_size["matching"] = json!({"mode": "match", "key": "detail:size"});
    let again = app.import("e;s\nother@x.cz;43.50\n", &json!({
        "mapping": {"columns": [{"index": 0, "target": "email"}, {"index": 1, "target": "detail:size"}]},
        "matching": by_size["matching"]
    })).await;
    assert_eq!(again.json["summary"]["updated"], 1, "{again:?}");
}

/// CON-9: a definition does not change under the hands of an import that is planned.
#[tokio::test]
async fn a_planned_import_keeps_the_types_it_was_planned_with() {
    let app = TestApp::new().await;
    let path = format!("/fields/{}", field(&app, "size", "text").await);
    let made = app.post("/imports").json(&json!({"method": "file"})).await.expect(201);
    let import = format!("/imports/{}", made.id());
    app.put(format!("{import}/data")).bytes("text/csv", "e;s\na@x.cz;43\n").await.expect(200);
    app.put(format!("{import}/header")).json(&json!({"first_row": "header"})).await.expect(200);
    let columns = json!([{"index": 0, "target": "email"}, {"index": 1, "target": "detail:size"}]);
    app.put(format!("{import}/mapping")).json(&json!({ "columns": columns })).await.expect(200);
    let matching = json!({"mode": "match", "key": "email"});
    app.put(format!("{import}/matching")).json(&matching).await.expect(202);
    let refused = app.patch(&path).json(&json!({"type": "number"})).await;
    let refused = refused.expect_problem(409, "conflict", &[]);
    assert_eq!(refused.json["import_ids"], json!([made.id()]));
    app.run_jobs().await;
    app.patch(&path).json(&json!({"type": "number"})).await.expect(409);
    app.patch(&path).json(&json!({"title": "Size"})).await.expect(200);
    app.post(format!("{import}/cancel")).await.expect(200);
    app.patch(&path).json(&json!({"type": "number"})).await.expect(200);
}

/// CON-9: whoever writes a value while the type changes: either is refused.
#[tokio::test]
async fn no_value_slips_past_a_change_of_its_type() {
    let app = TestApp::new().await;
    for round in 0..4 {
        let name = format!("x{round}");
        let path = format!("/fields/{}", field(&app, &name, "text").await);
        let bodies: Vec<Value> = (0..6)
            .map(|n| json!({"first_name": format!("{n}"), "details": {&name: "text"}}))
            .collect();
        let creates =
            bodies.iter().map(|body| async { app.post("/contacts").json(body).await.status });
        let change = async { app.patch(&path).json(&json!({"type": "number"})).await.status };
        let creates = futures_util::future::join_all(creates);
        let (made, changed) = futures_util::future::join(creates, change).await;
        let texts = i64::try_from(made.iter().filter(|status| **status == 201).count()).unwrap();
        assert!(made.iter().all(|status| [201, 422].contains(status)), "{made:?}");
        if changed == 200 {
            assert_eq!(texts, 0, "{made:?}");
        } else {
            assert_eq!(changed, 409);
        }
    }
}
