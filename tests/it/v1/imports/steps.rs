//! The order of the steps, going back, and the faults of mapping and matching.

use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_tests::{Answer, Client, TestApp};

use super::{commit, import, plan, planned, with_header};

const LIST: &[u8] = "E-mail;Jméno;Telefon;Souhlas s newsletterem\njana@example.cz;Jana;602123456;ano\npetr@example.cz;Petr;603123456;ne\n".as_bytes();

async fn data(who: &Client, id: &str) -> Answer {
    who.put(format!("/imports/{id}/data")).bytes("text/csv", LIST).await
}
async fn header(who: &Client, id: &str) -> Answer {
    who.put(format!("/imports/{id}/header")).json(&json!({ "first_row": "header" })).await
}
async fn mapping(who: &Client, id: &str) -> Answer {
    who.put(format!("/imports/{id}/mapping")).json(&json!({ "columns": "auto" })).await
}
async fn matching(who: &Client, id: &str) -> Answer {
    who.put(format!("/imports/{id}/matching"))
        .json(&json!({ "mode": "match", "key": "email" }))
        .await
}
async fn committing(who: &Client, id: &str) -> Answer {
    who.post(format!("/imports/{id}/commit")).json(&json!({ "plan_hash": "0".repeat(32) })).await
}

#[track_caller]
fn out_of_order(answer: Answer, state: &str, next: &str) {
    let refused = answer.expect_problem(409, "step_out_of_order", &[]);
    assert_eq!(
        (refused.json["state"].as_str(), refused.json["next"].as_str()),
        (Some(state), Some(next)),
        "{refused:?}"
    );
}

/// IMP-14
#[tokio::test]
async fn a_step_out_of_order_is_told_which_is_next() {
    let app = TestApp::new().await;
    let id = app.post("/imports").json(&json!({})).await.expect(201).id();
    for answer in [
        header(&app, &id).await,
        mapping(&app, &id).await,
        matching(&app, &id).await,
        committing(&app, &id).await,
    ] {
        out_of_order(answer, "awaiting_data", "data");
    }
    for path in ["plan", "rows", "errors.csv"] {
        out_of_order(app.get(format!("/imports/{id}/{path}")).await, "awaiting_data", "data");
    }

    data(&app, &id).await.expect(200);
    for answer in [mapping(&app, &id).await, matching(&app, &id).await, committing(&app, &id).await]
    {
        out_of_order(answer, "awaiting_header", "header");
    }
    header(&app, &id).await.expect(200);
    for answer in [matching(&app, &id).await, committing(&app, &id).await] {
        out_of_order(answer, "awaiting_mapping", "mapping");
    }
    mapping(&app, &id).await.expect(200);
    out_of_order(committing(&app, &id).await, "awaiting_matching", "matching");
    matching(&app, &id).await.expect(202);
    out_of_order(committing(&app, &id).await, "planning", "wait");
    out_of_order(app.get(format!("/imports/{id}/plan")).await, "planning", "wait");
    app.run_jobs().await;
    committing(&app, &id).await.expect_problem(422, "plan_unknown", &[]);

    assert_eq!(commit(&app, &id).await["state"], "done");
    for answer in [
        data(&app, &id).await,
        header(&app, &id).await,
        mapping(&app, &id).await,
        matching(&app, &id).await,
        committing(&app, &id).await,
    ] {
        out_of_order(answer, "done", "revert");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 2);
}

/// IMP-14
#[tokio::test]
async fn an_earlier_step_forgets_the_later_ones() {
    let app = TestApp::new().await;
    let id = planned(
        &app,
        LIST,
        json!({ "columns": "auto" }),
        json!({ "mode": "match", "key": "email" }),
    )
    .await;
    let known = |import: &Value| -> Vec<&'static str> {
        ["source", "first_row", "columns", "mapping", "matching", "plan", "job"]
            .into_iter()
            .filter(|name| !import[*name].is_null())
            .collect()
    };
    assert_eq!(
        known(&import(&app, &id).await),
        ["source", "first_row", "columns", "mapping", "matching", "plan", "job"]
    );

    matching(&app, &id).await.expect(202);
    assert_eq!(
        known(&import(&app, &id).await),
        ["source", "first_row", "columns", "mapping", "matching", "job"]
    );
    app.run_jobs().await;
    assert_eq!(import(&app, &id).await["state"], "awaiting_commit");

    let back = mapping(&app, &id).await.expect(200).json;
    assert_eq!(back["state"], "awaiting_matching");
    assert_eq!(known(&back), ["source", "first_row", "columns", "mapping"]);
    out_of_order(app.get(format!("/imports/{id}/plan")).await, "awaiting_matching", "matching");

    matching(&app, &id).await.expect(202);
    app.run_jobs().await;
    let back = header(&app, &id).await.expect(200).json;
    assert_eq!(
        (back["state"].as_str(), back["next"].as_str()),
        (Some("awaiting_mapping"), Some("mapping"))
    );
    assert_eq!(known(&back), ["source", "first_row", "columns"]);

    mapping(&app, &id).await.expect(200);
    let back = data(&app, &id).await.expect(200).json;
    assert_eq!(back["state"], "awaiting_header");
    assert_eq!(known(&back), ["source"]);
    // no row of the old plan is left to be seen
    out_of_order(app.get(format!("/imports/{id}/rows")).await, "awaiting_header", "header");
}

/// IMP-14
#[tokio::test]
async fn going_back_while_the_plan_is_made_ends_its_job() {
    let app = TestApp::new().await;
    let id = with_header(&app, LIST, "header").await;
    mapping(&app, &id).await.expect(200);
    let old = matching(&app, &id).await.expect(202).id();
    mapping(&app, &id).await.expect(200);
    app.run_jobs().await;
    assert_eq!(app.get(format!("/jobs/{old}")).await.expect(200).json["state"], "cancelled");
    let stands = import(&app, &id).await;
    assert_eq!(
        (stands["state"].as_str(), &stands["job"], &stands["plan"]),
        (Some("awaiting_matching"), &Value::Null, &Value::Null)
    );

    // twice in a row: the last word counts
    matching(&app, &id).await.expect(202);
    let off = app
        .put(format!("/imports/{id}/matching"))
        .json(&json!({ "mode": "none" }))
        .await
        .expect(202)
        .id();
    app.run_jobs().await;
    let stands = import(&app, &id).await;
    assert_eq!(stands["state"], "awaiting_commit", "{stands:#}");
    assert_eq!(stands["job"]["id"], off);
    assert_eq!(stands["matching"]["mode"], "none");
    assert_eq!(commit(&app, &id).await["summary"]["created"], 2);
}

/// IMP-14
#[tokio::test]
async fn an_import_nobody_knows_is_not_there() {
    let app = TestApp::new().await;
    let own = with_header(&app, LIST, "header").await;
    let other = app.other_workspace();
    for (who, id) in [(&**app.home(), Uuid::now_v7().to_string()), (&*other, own)] {
        for answer in [
            data(who, &id).await,
            header(who, &id).await,
            mapping(who, &id).await,
            matching(who, &id).await,
            committing(who, &id).await,
            who.get(format!("/imports/{id}")).await,
            who.get(format!("/imports/{id}/plan")).await,
            who.get(format!("/imports/{id}/rows")).await,
            who.get(format!("/imports/{id}/errors.csv")).await,
            who.post(format!("/imports/{id}/cancel")).await,
            who.post(format!("/imports/{id}/revert")).await,
        ] {
            answer.expect_problem(404, "not_found", &[]);
        }
    }
    app.get("/imports/nonsense").await.expect(404);
    assert_eq!(other.get("/imports").await.expect(200).data().len(), 0);
}

/// IMP-5, IMP-12
#[tokio::test]
async fn all_faults_of_a_mapping_are_told_at_once() {
    let app = TestApp::new().await;
    let id = with_header(&app, LIST, "header").await;
    let path = format!("/imports/{id}/mapping");
    let column = |index: i64, target: &str| json!({ "index": index, "target": target });
    // a word that names nothing, and what the words that do name something are about
    app.put(&path)
        .json(&json!({
            "columns": [column(0, "emial"), column(0, "email"), column(9, "phone"), column(2, "email"), column(3, "consent:none_such"), column(1, "detail:")],
            "phone_region": "XX",
            "date_format": "D/M"
        }))
        .await
        .expect_problem(
            422,
            "validation_failed",
            &[
                "#/columns/0/target",
                "#/columns/1/index",
                "#/columns/2/index",
                "#/columns/3/target",
                "#/columns/4/target",
                "#/columns/5/target",
                "#/phone_region",
                "#/date_format",
            ],
        );
    for (body, pointers) in [
        (json!({}), vec!["#/columns"]),
        (json!({ "columns": [] }), vec!["#/columns"]),
        (json!({ "columns": [{ "index": 0, "target": null }] }), vec!["#/columns"]),
        (json!({ "columns": "all" }), vec!["#/columns"]),
        (
            json!({ "columns": [{ "index": 0, "target": "email", "policy": "sometimes" }] }),
            vec!["#/columns/0/policy"],
        ),
        (json!({ "columns": [{ "index": -1, "target": "email" }] }), vec!["#/columns/0/index"]),
        (
            json!({ "columns": [{ "index": 0, "target": "email", "color": "red" }], "shape": 1 }),
            vec!["#/columns/0/color", "#/shape"],
        ),
        (
            json!({ "columns": "auto", "name_order": "middle_first", "strict": "yes" }),
            vec!["#/name_order", "#/strict"],
        ),
        (
            json!({ "columns": [column(0, "full_name"), column(1, "first_name")] }),
            vec!["#/columns/1/target"],
        ),
    ] {
        let refused =
            app.put(&path).json(&body).await.expect_problem(422, "validation_failed", &pointers);
        assert!(refused.faults().iter().all(|(_, code)| code != "internal_error"), "{refused:?}");
    }
    let stands = import(&app, &id).await;
    assert_eq!(
        (stands["state"].as_str(), &stands["mapping"]),
        (Some("awaiting_mapping"), &Value::Null)
    );
    mapping(&app, &id).await.expect(200);
}

/// IMP-5
#[tokio::test]
async fn auto_takes_the_suggestions_and_can_be_sent_again() {
    let app = TestApp::new().await;
    let id = with_header(&app, LIST, "header").await;
    let mapped = mapping(&app, &id).await.expect(200).json;
    let targets: Vec<_> = mapped["mapping"]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["target"].as_str().unwrap())
        .collect();
    let suggested: Vec<_> = mapped["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["suggestion"]["target"].as_str().unwrap())
        .collect();
    assert_eq!(targets, suggested);
    assert_eq!(targets, ["email", "first_name", "phone", "consent:email_basic"]);
    // what is shown can be sent, as it is and within a saved mapping
    let again =
        app.put(format!("/imports/{id}/mapping")).json(&mapped["mapping"]).await.expect(200).json;
    assert_eq!(again["mapping"], mapped["mapping"]);
    matching(&app, &id).await.expect(202);
    app.run_jobs().await;
    let shown = import(&app, &id).await["matching"].clone();
    app.put(format!("/imports/{id}/matching")).json(&shown).await.expect(202);
    app.run_jobs().await;
    assert_eq!(import(&app, &id).await["matching"], shown);
    assert_eq!(plan(&app, &id).await["outcomes"]["create"], 2);
}

/// IMP-7, IMP-9, IMP-10
#[tokio::test]
async fn all_faults_of_a_matching_are_told_at_once() {
    let app = TestApp::new().await;
    let id = with_header(&app, LIST, "header").await;
    mapping(&app, &id).await.expect(200);
    let path = format!("/imports/{id}/matching");
    app.put(&path)
        .json(&json!({
            "mode": "match",
            "key": "external_id",
            "outcomes": {
                "none": { "action": "update", "tags": ["", "ok", "a\u{1}b"] },
                "one": { "action": "restore_and_update" },
                "many": { "action": "update", "consents": [{ "purpose": "none_such" }] },
                "in_trash": { "action": "update_last_added" }
            }
        }))
        .await
        .expect_problem(
            422,
            "validation_failed",
            &[
                "#/key",
                "#/outcomes/none/action",
                "#/outcomes/none/tags/0",
                "#/outcomes/none/tags/2",
                "#/outcomes/one/action",
                "#/outcomes/many/action",
                "#/outcomes/many/consents/0/purpose",
                "#/outcomes/in_trash/action",
            ],
        );
    for (body, pointers) in [
        (json!({}), vec!["#/mode"]),
        (json!({ "mode": "match" }), vec!["#/key"]),
        (json!({ "mode": "match", "key": "name" }), vec!["#/key"]),
        (json!({ "mode": "match", "key": "detail:" }), vec!["#/key"]),
        (json!({ "mode": "match", "key": "detail:not mapped" }), vec!["#/key"]),
        (
            json!({ "mode": "match", "key": "email", "outcomes": { "all": { "action": "import" } } }),
            vec!["#/outcomes/all"],
        ),
        (json!({ "mode": "none", "key": "email", "in_file": "merge" }), vec!["#/key", "#/in_file"]),
        (
            json!({ "mode": "none", "outcomes": { "one": { "action": "skip" } } }),
            vec!["#/outcomes/one"],
        ),
        (
            json!({ "mode": "none", "outcomes": { "all": { "action": "update" } } }),
            vec!["#/outcomes/all/action"],
        ),
        (
            json!({ "mode": "match", "key": "email", "in_file": "middle", "on_limit": "explode" }),
            vec!["#/in_file", "#/on_limit"],
        ),
        (
            json!({ "mode": "match", "key": "email", "outcomes": { "none": { "action": "dance" }, "few": {} } }),
            vec!["#/outcomes/none/action", "#/outcomes/few"],
        ),
        (
            json!({ "mode": "match", "key": "email", "outcomes": { "none": { "action": "import", "consents": [{ "purpose": "email_basic", "legal_basis": "mood" }] } } }),
            vec!["#/outcomes/none/consents/0/legal_basis"],
        ),
    ] {
        app.put(&path).json(&body).await.expect_problem(422, "validation_failed", &pointers);
    }
    let stands = import(&app, &id).await;
    assert_eq!(
        (stands["state"].as_str(), &stands["job"]),
        (Some("awaiting_matching"), &Value::Null)
    );
    app.put(format!("/imports/{id}/header"))
        .json(&json!({ "first_row": "maybe" }))
        .await
        .expect_problem(422, "validation_failed", &["#/first_row"]);
}

/// IMP-1
#[tokio::test]
async fn an_import_has_a_name_given_or_proposed() {
    let app = TestApp::new().await;
    let named = app
        .post("/imports")
        .json(&json!({ "name": "  Jarní veletrh ", "method": "paste" }))
        .await
        .expect(201);
    assert_eq!(
        (named.text_at("/name").as_str(), named.text_at("/method").as_str()),
        ("Jarní veletrh", "paste")
    );
    let proposed = app.post("/imports").json(&json!({})).await.expect(201);
    assert!(proposed.text_at("/name").starts_with("Import 20"), "{proposed:?}");
    assert_eq!(proposed.text_at("/method"), "file");
    let sent = app
        .put(format!("/imports/{}/data", proposed.id()))
        .query(&[("filename", "kontakty.csv")])
        .bytes("text/csv", LIST)
        .await
        .expect(200);
    assert!(
        sent.text_at("/name").starts_with("kontakty.csv"),
        "the name of the file says more: {sent:?}"
    );
    for body in
        [json!({ "method": "fax" }), json!({ "name": "x".repeat(201) }), json!({ "name": 5 })]
    {
        app.post("/imports").json(&body).await.expect(422);
    }
    let list = app.get("/imports").await.expect(200);
    assert_eq!(list.data().len(), 2);
    assert_eq!(list.data()[0]["id"], proposed.id(), "newest first");
}
