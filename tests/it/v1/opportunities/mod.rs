//! Tests of opportunities.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

/// CON-15
#[tokio::test]
async fn an_opportunity_is_made_read_changed_and_removed() {
    let app = TestApp::new().await;
    let company = app.post("/companies").json(&json!({"name": "Dílna"})).await.expect(201).id();
    let body = json!({"name": "Jarní zakázka", "company_id": company, "stage": "Offer sent", "value": 1250,
        "currency": "czk", "expected_close_date": "2026-06-30"});
    let made = app.post("/opportunities").json(&body).await.expect(201);
    assert_eq!((&made.json["state"], &made.json["currency"]), (&json!("open"), &json!("CZK")));
    let path = format!("/opportunities/{}", made.id());
    assert_eq!(app.get(&path).await.expect(200).json, made.json);
    let won = app.patch(&path).json(&json!({"state": "won", "stage": null})).await.expect(200);
    assert_eq!((&won.json["state"], &won.json["stage"]), (&json!("won"), &Value::Null));
    let refused = app.patch(&path).json(&json!({"currency": null})).await;
    refused.expect_problem(422, "missing_field", &["#/currency"]);
    app.patch(&path).json(&json!({"currency": null, "value": null})).await.expect(200);
    // the company cannot go while business with it is there
    let refused = app.delete(format!("/companies/{company}")).await;
    let refused = refused.expect_problem(409, "in_use", &[]);
    assert_eq!(refused.json["opportunities"], 1);
    app.delete(&path).header("if-match", made.header("etag")).await.expect(412);
    app.delete(&path).await.expect(204);
    app.delete(format!("/companies/{company}")).await.expect(204);
}

/// CON-15
#[tokio::test]
async fn opportunities_refer_to_companies_that_are_there() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let foreign = other.post("/companies").json(&json!({"name": "Cizí"})).await.expect(201).id();
    for id in [foreign, uuid::Uuid::now_v7().to_string()] {
        let body = json!({"name": "x", "company_id": id});
        app.post("/opportunities").json(&body).await.expect_problem(
            422,
            "unknown_reference",
            &["#/company_id"],
        );
    }
    let refused = app.post("/opportunities").json(&json!({"name": "x", "value": 1})).await;
    refused.expect_problem(422, "missing_field", &["#/currency"]);
    let body = json!({"name": "x", "value": -1, "currency": "koruna", "state": "maybe"});
    app.post("/opportunities").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &["#/value", "#/currency", "#/state"],
    );
}

/// CON-15
#[tokio::test]
async fn opportunities_are_filtered_and_sorted_by_value() {
    let app = TestApp::new().await;
    let company = app.post("/companies").json(&json!({"name": "Dílna"})).await.expect(201).id();
    for (name, value, state) in
        [("a", json!(5), "open"), ("b", json!(7), "won"), ("c", Value::Null, "open")]
    {
        let of = (name == "a").then_some(&company);
        let body = json!({"name": name, "value": value, "currency": "CZK", "state": state, "company_id": of});
        app.post("/opportunities").json(&body).await.expect(201);
    }
    for (query, expected) in [
        ("?sort=-value", vec!["b", "a", "c"]),
        ("?sort=value", vec!["a", "b", "c"]),
        ("?state=open", vec!["c", "a"]),
        (&format!("?company_id={company}"), vec!["a"]),
        ("?q=B", vec!["b"]),
    ] {
        let found = app.get(format!("/opportunities{query}")).await.expect(200);
        let names: Vec<&str> = found.data().iter().map(|o| o["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{query}");
    }
}
