//! `POST /contacts/merge` with `dry_run`.

use serde_json::{Value, json};

use kartoteka_tests::TestApp;

use super::{Things, contact, declare, dump};

/// CON-16: the preview says field by field what each has and whose is taken, and writes nothing.
#[tokio::test]
async fn a_preview_says_what_a_merge_does_and_does_nothing() {
    let app = TestApp::new().await;
    let things = Things::make(&app).await;
    let body = json!({"first_name": "Jana", "phone": "+420601123456", "score": 3});
    let winner = contact(&app, body).await;
    let body = json!({"first_name": "Johana", "last_name": "Nováková", "details": {"size": 38}});
    let loser = contact(&app, body).await;
    for (n, id) in [&winner, &loser].into_iter().enumerate() {
        things.hang_on(&app, id, n).await;
    }
    declare(&app, &winner, "email_basic", "grant").await;
    declare(&app, &loser, "email_basic", "withdraw").await;
    let before = (dump(&app, &winner), dump(&app, &loser));
    let body = |dry: bool| json!({"winner_id": winner, "loser_ids": [loser], "fields": {"phone": loser}, "dry_run": dry});
    let preview = app.post("/contacts/merge").json(&body(true)).await.expect(200);
    assert_eq!((dump(&app, &winner), dump(&app, &loser)), before);
    assert_eq!(app.count("SELECT count(*) AS n FROM merges"), 0);
    assert_eq!(preview.json["id"], Value::Null);
    assert_eq!(preview.json["contact"], Value::Null);
    assert_eq!(preview.header("location"), "");
    let value = |id: &str, value: Value| json!({"contact_id": id, "value": value});
    let fields = preview.json["fields"].as_array().unwrap();
    let of = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap();
    assert_eq!(
        *of("first_name"),
        json!({"field": "first_name", "differs": true, "taken_from": winner, "value": "Jana",
            "values": [value(&winner, json!("Jana")), value(&loser, json!("Johana"))]})
    );
    assert_eq!(
        *of("phone"),
        json!({"field": "phone", "differs": false, "taken_from": loser, "value": null,
            "values": [value(&winner, json!("+420601123456")), value(&loser, Value::Null)]})
    );
    assert_eq!(of("details.size")["taken_from"], loser.as_str());
    assert_eq!(of("score")["value"], 3);
    assert!(fields.iter().all(|field| field["field"] != "email"));
    assert_eq!(
        preview.json["consents"],
        json!([{"purpose": "email_basic", "state": "withdrawn", "states": [
            {"contact_id": winner, "state": "granted"}, {"contact_id": loser, "state": "withdrawn"}]}])
    );
    assert_eq!(
        preview.json["tags"][1],
        json!({"name": "tag1", "score": 1, "contact_ids": [loser]})
    );
    assert_eq!(preview.json["owners"][1]["level"], "co_owner");
    assert_eq!(preview.json["moves"]["notes"], 1);

    // what was said is what is done
    let done = app.post("/contacts/merge").json(&body(false)).await.expect(200);
    let said = |answer: &Value| {
        let mut said = answer.as_object().unwrap().clone();
        said.retain(|name, _| !["id", "dry_run", "contact"].contains(&name.as_str()));
        said
    };
    assert_eq!(said(&preview.json), said(&done.json));
    let after = &done.json["contact"];
    for field in fields {
        let name = field["field"].as_str().unwrap();
        let at = name.replace('.', "/");
        assert_eq!(after.pointer(&format!("/{at}")), Some(&field["value"]), "{name}");
    }
    assert_eq!(after["group_ids"], preview.json["group_ids"]);
    let tags: Vec<Value> = preview.json["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| json!({"name": tag["name"], "score": tag["score"]}))
        .collect();
    assert_eq!(after["tags"], json!(tags));
}

/// Consents are told to who may read them.
#[tokio::test]
async fn consents_are_not_told_to_everybody() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    declare(&app, &loser, "email_basic", "withdraw").await;
    let body = json!({"winner_id": winner, "loser_ids": [loser], "dry_run": true});
    let client = app.with_scopes(&["contacts:write"]);
    let preview = client.post("/contacts/merge").json(&body).await.expect(200);
    assert_eq!(preview.json["consents"], Value::Null);
    let client = app.with_scopes(&["contacts:write", "consents:read"]);
    let preview = client.post("/contacts/merge").json(&body).await.expect(200);
    assert_eq!(preview.json["consents"][0]["state"], "withdrawn");
}
