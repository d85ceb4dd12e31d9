//! Stages are added, renamed, moved and removed, and stand without gaps.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{funnel, in_order, names, places};

async fn order(app: &TestApp, path: &str) -> Vec<(String, i64)> {
    places(&app.get(path).await.expect(200).json["data"])
}

/// MGR-I
#[tokio::test]
async fn stages_keep_their_order_without_gaps() {
    let app = TestApp::new().await;
    let (id, stages) = funnel(&app, "f", &["a", "b", "c", "d"]).await;
    let path = format!("/funnels/{id}/stages");
    let end = app.post(&path).json(&json!({"name": "z"})).await.expect(201);
    assert_eq!(end.json["position"], 5);
    assert_eq!(app.get(end.header("location")).await.expect(200).json, end.json);
    let first = app.post(&path).json(&json!({"name": "y", "position": 1})).await.expect(201);
    assert_eq!(order(&app, &path).await, in_order(&["y", "a", "b", "c", "d", "z"]));
    // from the front to the back, from the back to the front, and to where it is
    for (stage, position, after) in [
        (&stages[0], 5, ["y", "b", "c", "d", "a", "z"]),
        (&stages[3], 1, ["d", "y", "b", "c", "a", "z"]),
        (&stages[2], 6, ["d", "y", "b", "a", "z", "c"]),
        (&stages[2], 6, ["d", "y", "b", "a", "z", "c"]),
    ] {
        let moved = app
            .patch(format!("{path}/{stage}"))
            .json(&json!({"position": position}))
            .await
            .expect(200);
        assert_eq!(moved.json["position"], position);
        assert_eq!(order(&app, &path).await, in_order(&after));
    }
    let both = json!({"name": "B!", "position": 1});
    let both = app.patch(format!("{path}/{}", stages[1])).json(&both).await.expect(200);
    assert_eq!((&both.json["name"], &both.json["position"]), (&json!("B!"), &json!(1)));
    app.delete(format!("{path}/{}", first.id())).await.expect(204);
    assert_eq!(order(&app, &path).await, in_order(&["B!", "d", "a", "z", "c"]));
    let page = app.get(format!("{path}?limit=2")).await.expect(200);
    let next = format!("{path}?limit=2&cursor={}", page.text_at("/next_cursor"));
    assert_eq!(names(&app.get(next).await.expect(200)), ["a", "z"]);
    assert_eq!(places(&app.get(format!("/funnels/{id}")).await.json["stages"]).len(), 5);
    app.check_invariants();
}

/// MGR-I
#[tokio::test]
async fn what_does_not_fit_into_a_funnel_is_refused() {
    let app = TestApp::new().await;
    let (id, stages) = funnel(&app, "f", &["a", "b"]).await;
    let (other, _) = funnel(&app, "g", &["a"]).await;
    let path = format!("/funnels/{id}/stages");
    app.post(&path).json(&json!({"name": " A "})).await.expect_problem(409, "stage_exists", &[]);
    let body = json!({"name": " ", "position": 4});
    app.post(&path).json(&body).await.expect_problem(
        422,
        "validation_failed",
        &["#/name", "#/position"],
    );
    let one = format!("{path}/{}", stages[0]);
    app.patch(&one).json(&json!({"name": "B"})).await.expect_problem(409, "stage_exists", &[]);
    app.patch(&one).json(&body).await.expect_problem(
        422,
        "validation_failed",
        &["#/name", "#/position"],
    );
    for (position, code) in
        [(json!(0), "out_of_range"), (json!(3), "invalid_value"), (json!(101), "invalid_value")]
    {
        let body = json!({ "position": position });
        app.patch(&one).json(&body).await.expect_problem(422, code, &["#/position"]);
    }
    let far = json!({ "position": 1_i64 << 40 });
    assert_eq!(app.patch(&one).json(&far).await.expect(422).faults()[0].0, "#/position");
    app.patch(&one).header("if-match", "\"old\"").json(&json!({"name": "x"})).await.expect(412);
    app.delete(&one).header("if-match", "\"old\"").await.expect(412);
    // a stage is there under its own funnel only, and for its own workspace
    let strange = format!("/funnels/{other}/stages/{}", stages[0]);
    for path in [&strange, &format!("/funnels/{}/stages/{}", stages[0], id)] {
        app.get(path).await.expect_problem(404, "not_found", &[]);
        app.patch(path).json(&json!({"name": "x"})).await.expect(404);
        app.delete(path).await.expect(404);
    }
    let foreign = app.other_workspace();
    foreign.get(&one).await.expect(404);
    foreign.get(&path).await.expect(404);
    foreign.post(&path).json(&json!({"name": "x"})).await.expect(404);
    foreign.delete(&one).await.expect(404);
    assert_eq!(order(&app, &path).await, in_order(&["a", "b"]));
    app.execute(&format!(
        "INSERT INTO funnel_stages (workspace_id, id, funnel_id, name, name_key, position, created_at, updated_at) \
         SELECT workspace_id, gen_random_uuid(), id, n::text, n::text, n, now(), now() FROM funnels, \
         generate_series(3, 100) AS n WHERE id = '{id}'"
    ));
    let more = app.post(&path).json(&json!({"name": "more", "position": 1})).await;
    assert_eq!(more.expect_problem(422, "too_many", &[]).json["limit"], 100);
}

/// MGR-I: whoever is in a stage keeps it, in the trash too; so does a segment that names it.
#[tokio::test]
async fn a_stage_in_use_is_not_deleted() {
    let app = TestApp::new().await;
    let (id, stages) = funnel(&app, "f", &["a", "b", "c"]).await;
    let mut contacts = Vec::new();
    for name in ["Jana", "Eva", "Ida"] {
        let made = app.post("/contacts").json(&json!({"first_name": name})).await.expect(201).id();
        app.put(format!("/contacts/{made}/stages/{}", stages[0])).await.expect(200);
        contacts.push(made);
    }
    app.delete(format!("/contacts/{}", contacts[2])).await.expect(204);
    // each of them once, in however many stages
    app.put(format!("/contacts/{}/stages/{}", contacts[0], stages[2])).await.expect(200);
    let filter = json!({"field": "funnel_stage", "op": "in", "value": [stages[1], stages[2]]});
    let segment = json!({"name": "s", "filter": filter});
    let segment = app.post("/segments").json(&segment).await.expect(201).id();
    let stage = |n: usize| format!("/funnels/{id}/stages/{}", stages[n]);
    assert_eq!(app.get(stage(0)).await.json["contacts"], json!({"live": 2, "trash": 1}));
    let whole = app.get(format!("/funnels/{id}")).await.expect(200);
    assert_eq!(whole.json["stages"][0]["contacts"], json!({"live": 2, "trash": 1}));
    let counts = |live: i64, trash: i64, segments: i64| [live, trash, segments].map(Value::from);
    for (path, code, expected) in [
        (stage(0), "stage_in_use", counts(2, 1, 0)),
        (stage(1), "stage_in_use", counts(0, 0, 1)),
        (stage(2), "stage_in_use", counts(1, 0, 1)),
        (format!("/funnels/{id}"), "funnel_in_use", counts(2, 1, 1)),
    ] {
        let refused = app.delete(path).await.expect_problem(409, code, &[]);
        assert_eq!(["live", "trash", "segments"].map(|name| refused.json[name].clone()), expected);
    }
    app.delete(format!("/contacts/{}/stages/{}", contacts[0], stages[2])).await.expect(204);
    for contact in &contacts {
        app.delete(format!("/contacts/{contact}/stages/{}", stages[0])).await.expect(204);
    }
    app.delete(stage(0)).await.expect(204);
    app.delete(format!("/funnels/{id}")).await.expect_problem(409, "funnel_in_use", &[]);
    app.delete(format!("/segments/{segment}")).await.expect(204);
    app.delete(format!("/funnels/{id}")).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM funnel_stages"), 0);
}

/// MGR-I: several who change one funnel at once leave an order without gaps.
#[tokio::test]
async fn changes_of_one_funnel_at_once_go_one_after_the_other() {
    let app = TestApp::new().await;
    let (id, stages) = funnel(&app, "f", &["a", "b", "c", "d", "e", "f"]).await;
    let path = format!("/funnels/{id}/stages");
    let moves = (0..6).map(|n| {
        let (app, path, stage) = (&app, &path, &stages[n]);
        async move {
            let body = json!({ "position": 6 - n });
            app.patch(format!("{path}/{stage}")).json(&body).await.expect(200);
            let name = json!({"name": format!("new {n}"), "position": 1});
            app.post(path).json(&name).await.expect(201);
            app.delete(format!("{path}/{stage}")).await.expect(204);
        }
    });
    futures_util::future::join_all(moves).await;
    let left = order(&app, &path).await;
    assert_eq!(
        left.iter().map(|(_, place)| *place).collect::<Vec<_>>(),
        (1..=6).collect::<Vec<_>>()
    );
    assert!(left.iter().all(|(name, _)| name.starts_with("new ")), "{left:?}");
    app.check_invariants();
}

/// MGR-I: a stage that is deleted while somebody puts contacts into it: either is refused, none is lost.
#[tokio::test]
async fn nobody_is_in_a_stage_that_is_gone() {
    let app = TestApp::new().await;
    let mut contacts = Vec::new();
    for n in 0..6 {
        let body = json!({"first_name": format!("{n}")});
        contacts.push(app.post("/contacts").json(&body).await.expect(201).id());
    }
    for round in 0..4 {
        let (id, stages) = funnel(&app, &format!("f{round}"), &["a"]).await;
        let puts = contacts.iter().map(|contact| {
            let path = format!("/contacts/{contact}/stages/{}", stages[0]);
            let app = &app;
            async move { app.put(path).await.status }
        });
        let path = if round % 2 == 0 {
            format!("/funnels/{id}")
        } else {
            format!("/funnels/{id}/stages/{}", stages[0])
        };
        let delete = async { app.delete(path).await.status };
        let (put, deleted) =
            futures_util::future::join(futures_util::future::join_all(puts), delete).await;
        assert!(put.iter().all(|status| [200, 404].contains(status)), "{put:?}");
        assert!([204, 409].contains(&deleted), "{deleted}");
        app.check_invariants();
    }
}
