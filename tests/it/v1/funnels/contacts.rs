//! Contacts are put into stages by hand, found by them, and keep them through merges.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::webhooks::starting::{started, starts_by};
use super::funnel;

async fn contact(app: &TestApp, name: &str) -> String {
    app.post("/contacts").json(&json!({"first_name": name})).await.expect(201).id()
}

/// MGR-I
#[tokio::test]
async fn a_contact_is_put_into_stages_and_taken_out() {
    let app = TestApp::new().await;
    let (sales, stages) = funnel(&app, "Prodej", &["Lead", "Offer", "Order"]).await;
    let (_, others) = funnel(&app, "e-shop", &["Visit"]).await;
    let jana = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    assert_eq!(jana.json["funnel_stages"], json!([]));
    let path = format!("/contacts/{}", jana.id());
    app.put(format!("{path}/stages/{}", stages[1])).header("if-match", "\"old\"").await.expect(412);
    let put = app.put(format!("{path}/stages/{}", stages[1])).await.expect(200);
    let shown = json!([{"id": stages[1], "name": "Offer", "funnel_id": sales}]);
    assert_eq!(put.json["funnel_stages"], shown);
    assert!(put.text_at("/updated_at") > jana.text_at("/updated_at"));
    let again = app.put(format!("{path}/stages/{}", stages[1])).await.expect(200);
    assert_eq!(again.json, put.json, "it is there already");
    // several of one funnel, and of another one
    app.put(format!("{path}/stages/{}", others[0])).await.expect(200);
    app.put(format!("{path}/stages/{}", stages[0])).await.expect(200);
    let list = app.get(format!("{path}/stages")).await.expect(200);
    let told: Vec<_> = list
        .data()
        .iter()
        .map(|one| json!([one["funnel"]["name"], one["name"], one["position"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([["e-shop", "Visit", 1], ["Prodej", "Lead", 1], ["Prodej", "Offer", 2]])
    );
    assert!(list.data()[0]["entered_at"].is_string());
    let page = app.get(format!("{path}/stages?limit=2")).await.expect(200);
    let next = format!("{path}/stages?limit=2&cursor={}", page.text_at("/next_cursor"));
    assert_eq!(app.get(next).await.expect(200).data()[0]["name"], "Offer");
    let listed = app.get("/contacts").await.expect(200);
    assert_eq!(listed.data()[0]["funnel_stages"].as_array().unwrap().len(), 3, "in lists too");
    // a new name of the stage is shown
    let renamed = format!("/funnels/{sales}/stages/{}", stages[0]);
    app.patch(renamed).json(&json!({"name": "Contacted"})).await.expect(200);
    let shown = app.get(&path).await.expect(200).json["funnel_stages"].to_string();
    assert!(shown.contains("Contacted") && !shown.contains("Lead"), "{shown}");
    let out = format!("{path}/stages/{}", stages[0]);
    app.delete(&out).header("if-match", "\"old\"").await.expect(412);
    app.delete(&out).await.expect(204);
    app.delete(&out).await.expect(204);

    let read_only = app.get(&path).await.expect(200).json["funnel_stages"].clone();
    app.patch(&path).json(&json!({"funnel_stages": read_only})).await.expect(422);
    let unknown = Uuid::now_v7();
    app.put(format!("{path}/stages/{unknown}")).await.expect_problem(404, "not_found", &[]);
    app.put(format!("{path}/stages/{sales}")).await.expect_problem(404, "not_found", &[]);
    app.delete(format!("{path}/stages/{unknown}")).await.expect_problem(404, "not_found", &[]);
    app.put(format!("/contacts/{unknown}/stages/{}", stages[0])).await.expect(404);
    app.get(format!("/contacts/{unknown}/stages")).await.expect(404);
    let other = app.other_workspace();
    other.put(format!("{path}/stages/{}", stages[2])).await.expect(404);
    other.get(format!("{path}/stages")).await.expect(404);
    let (_, foreign) = {
        let made = json!({"name": "f", "stages": ["a"]});
        let made = other.post("/funnels").json(&made).await.expect(201);
        (made.id(), made.text_at("/stages/0/id"))
    };
    app.put(format!("{path}/stages/{foreign}")).await.expect(404);

    let trail = app.get(format!("/audit?record_id={}&action=contact.update", jana.id())).await;
    let changes = json!({"fields": ["funnel_stages"], "stage_id": stages[0]});
    assert_eq!(trail.data().len(), 4, "three times in, once out");
    assert_eq!(trail.data()[0]["changes"], changes);
    let timeline = app.get(format!("{path}/timeline?type=changed")).await.expect(200);
    assert_eq!(timeline.data()[0]["data"]["fields"], json!(["funnel_stages"]));
}

/// MGR-I: nobody enters in the trash; leaving works there, and a purge leaves nothing.
#[tokio::test]
async fn in_the_trash_a_contact_only_leaves_stages() {
    let app = TestApp::new().await;
    let (id, stages) = funnel(&app, "f", &["a", "b"]).await;
    let jana = contact(&app, "Jana").await;
    let path = format!("/contacts/{jana}");
    app.put(format!("{path}/stages/{}", stages[0])).await.expect(200);
    app.put(format!("{path}/stages/{}", stages[1])).await.expect(200);
    app.delete(&path).await.expect(204);
    app.put(format!("{path}/stages/{}", stages[0])).await.expect_problem(409, "conflict", &[]);
    app.delete(format!("{path}/stages/{}", stages[0])).await.expect(204);
    assert_eq!(app.get(format!("{path}/stages")).await.expect(200).data().len(), 1);
    app.delete(format!("/trash/{jana}")).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_stages"), 0);
    app.delete(format!("/funnels/{id}")).await.expect(204);
}

/// SCN-4: who enters tells it once; nobody else does.
#[tokio::test]
async fn entering_a_stage_starts_what_waits_for_it() {
    let app = TestApp::new().await;
    let (id, stages) = funnel(&app, "f", &["a", "b"]).await;
    let jana = contact(&app, "Jana").await;
    let path = |n: usize| format!("/contacts/{jana}/stages/{}", stages[n]);
    app.put(path(1)).await.expect(200);
    assert_eq!(started(&app), [], "nobody waits for it");
    starts_by(&app, app.home(), &["contact.stage_entered"]);
    app.put(path(1)).await.expect(200);
    assert_eq!(started(&app), [], "it was there");
    app.put(path(0)).await.expect(200);
    app.delete(path(0)).await.expect(204);
    app.put(path(0)).await.expect(200);
    let data = json!({"stage_id": stages[0], "funnel_id": id});
    let event = ("contact.stage_entered".to_owned(), jana.clone(), data);
    assert_eq!(started(&app), [event.clone(), event]);
}

/// SEG-2
#[tokio::test]
async fn selections_ask_for_stages() {
    let app = TestApp::new().await;
    let (sales, stages) = funnel(&app, "f", &["a", "b"]).await;
    for (name, stage) in [("Jana", Some(0)), ("Eva", Some(1)), ("Ida", None)] {
        let id = contact(&app, name).await;
        if let Some(stage) = stage {
            app.put(format!("/contacts/{id}/stages/{}", stages[stage])).await.expect(200);
        }
    }
    for (op, value, count) in [
        ("has", json!(stages[0]), 1),
        ("has_not", json!(stages[0]), 2),
        ("in", json!(stages), 2),
        ("not_in", json!(stages), 1),
        ("is_empty", Value::Null, 1),
        ("is_not_empty", Value::Null, 2),
    ] {
        let leaf = json!({"field": "funnel_stage", "op": op, "value": value});
        let answer = app.post("/contacts/count").json(&json!({"selection": {"where": leaf}})).await;
        assert_eq!(answer.expect(200).json["contacts"], count, "{op}");
    }
    let leaf = json!({"field": "funnel_stage", "op": "in", "value": [stages[0], sales]});
    app.post("/contacts/count").json(&json!({"selection": {"where": leaf}})).await.expect_problem(
        422,
        "unknown_reference",
        &["#/selection/where/value/1"],
    );
}

/// CON-16: the stages of a merged contact are the winner's, and come back.
#[tokio::test]
async fn a_merge_brings_stages_along_and_its_undo_gives_them_back() {
    let app = TestApp::new().await;
    let (id, stages) = funnel(&app, "f", &["a", "b", "c"]).await;
    let (winner, loser) = (contact(&app, "Jana").await, contact(&app, "Jana N.").await);
    for (contact, stage) in [(&winner, 0), (&loser, 0), (&loser, 1), (&loser, 2)] {
        app.put(format!("/contacts/{contact}/stages/{}", stages[stage])).await.expect(200);
    }
    let held = |contact: &str| {
        let path = format!("/contacts/{contact}/stages");
        let app = &app;
        async move {
            let list = app.get(path).await.expect(200);
            list.data().iter().map(|one| one["name"].clone()).collect::<Value>()
        }
    };
    let merge = json!({"winner_id": winner, "loser_ids": [loser]});
    let merge = app.post("/contacts/merge").json(&merge).await.expect(200);
    assert_eq!(merge.json["moves"]["funnel_stages"], 2);
    assert_eq!(held(&winner).await, json!(["a", "b", "c"]));
    app.check_invariants();
    // a stage that is gone by then is not given back
    app.delete(format!("/contacts/{winner}/stages/{}", stages[2])).await.expect(204);
    app.delete(format!("/funnels/{id}/stages/{}", stages[2])).await.expect(204);
    app.post(format!("/merges/{}/undo", merge.id())).await.expect(200);
    assert_eq!(held(&winner).await, json!(["a"]));
    assert_eq!(held(&loser).await, json!(["a", "b"]));
    app.check_invariants();
}
