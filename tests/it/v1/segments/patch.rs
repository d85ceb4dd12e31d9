//! `PATCH /segments/{id}`, and what else changes segments

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{has, is_in, leaf, names, people, saved};

/// SEG-5
#[tokio::test]
async fn a_segment_is_changed_by_a_merge_patch() {
    let app = TestApp::new().await;
    let id = saved(&app, "VIP", has("vip")).await;
    let path = format!("/segments/{id}");
    let before = app.get(&path).await.expect(200);
    let same =
        app.patch(&path).json(&json!({"name": "VIP", "filter": has("vip")})).await.expect(200);
    assert_eq!(same.json, before.json, "nothing changed");
    let patch = json!({"name": "Vip", "description": "Best"});
    let changed = app.patch(&path).json(&patch).await.expect(200);
    assert_eq!(
        (&changed.json["name"], &changed.json["description"]),
        (&json!("Vip"), &json!("Best"))
    );
    assert_eq!(changed.json["filter"], has("vip"));
    app.patch(&path).header("if-match", before.header("etag")).json(&patch).await.expect(412);
    let selection = json!({"exclude": has("vip")});
    let swapped = app
        .patch(&path)
        .header("if-match", changed.header("etag"))
        .json(&json!({"description": null, "selection": selection}))
        .await
        .expect(200);
    assert_eq!(
        (&swapped.json["description"], &swapped.json["filter"], &swapped.json["selection"]),
        (&Value::Null, &Value::Null, &selection)
    );
    app.patch(&path).json(&json!({"filter": null})).await.expect(200);
    app.patch(&path).json(&json!({"selection": null})).await.expect_problem(
        422,
        "missing_field",
        &["#/selection"],
    );
    let back = json!({"filter": has("a"), "selection": null});
    let back = app.patch(&path).json(&back).await.expect(200);
    assert_eq!((&back.json["filter"], &back.json["selection"]), (&has("a"), &Value::Null));
    app.patch(&path).json(&json!({"name": null})).await.expect_problem(
        422,
        "invalid_type",
        &["#/name"],
    );
    app.patch(&path).json(&json!({"name": " ", "filter": {"and": []}})).await.expect_problem(
        422,
        "validation_failed",
        &["#/name", "#/filter/and"],
    );
    saved(&app, "Other", has("o")).await;
    app.patch(&path).json(&json!({"name": "OTHER"})).await.expect_problem(
        409,
        "segment_exists",
        &[],
    );
    let other = app.other_workspace();
    other.patch(&path).json(&json!({"name": "x"})).await.expect(404);
    other.patch(&path).json(&json!({"x": 1, "filter": []})).await.expect_problem(
        422,
        "validation_failed",
        &["#/x", "#/filter"],
    );
}

/// SEG-5: everything that uses it means the new one.
#[tokio::test]
async fn a_changed_segment_is_changed_wherever_it_is_used() {
    let app = TestApp::new().await;
    people(&app, &[("Ada", &["a"]), ("Bea", &["b"]), ("Cyd", &[])]).await;
    let inner = saved(&app, "inner", has("a")).await;
    let outer = saved(&app, "outer", json!({"not": is_in(&inner)})).await;
    let selection = json!({"segments": [outer]});
    assert_eq!(names(&app, selection.clone()).await, ["Bea", "Cyd"]);
    let patch = json!({"filter": has("b")});
    app.patch(format!("/segments/{inner}")).json(&patch).await.expect(200);
    assert_eq!(names(&app, selection).await, ["Ada", "Cyd"]);
    let count = app.post(format!("/segments/{outer}/count")).await.expect(200);
    assert_eq!(count.json, json!({"contacts": 2}));
}

/// CON-7, SEG-5: a tag is renamed on contacts and in segments.
#[tokio::test]
async fn a_renamed_tag_is_renamed_in_segments() {
    let app = TestApp::new().await;
    people(&app, &[("Ada", &["vip"]), ("Bea", &["jaro"]), ("Cyd", &[])]).await;
    let one = saved(&app, "one", json!({"or": [has("VIP"), leaf("last_name", "eq", "vip")]})).await;
    let both = json!({"name": "both", "selection": {"include": leaf("tag", "in", json!(["vip", "Jaro"]))}});
    let both = app.post("/segments").json(&both).await.expect(201).id();
    let theirs = app.other_workspace();
    let foreign = json!({"name": "theirs", "filter": has("vip")});
    let foreign = theirs.post("/segments").json(&foreign).await.expect(201);
    let tags = app.get("/tags?q=vip").await.expect(200);
    let tag = format!("/tags/{}", tags.data()[0]["id"].as_str().unwrap());
    let before = app.get(format!("/segments/{one}")).await.expect(200);
    app.patch(&tag).json(&json!({"name": "Top"})).await.expect(200);
    let after = app.get(format!("/segments/{one}")).await.expect(200);
    assert_eq!(after.json["filter"], json!({"or": [has("Top"), leaf("last_name", "eq", "vip")]}));
    assert_ne!(after.header("etag"), before.header("etag"));
    let kept = app.get(format!("/segments/{both}")).await.expect(200);
    assert_eq!(kept.json["selection"]["include"]["value"], json!(["Top", "Jaro"]));
    assert_eq!(names(&app, json!({"segments": [one]})).await, ["Ada"]);
    assert_eq!(names(&app, json!({"segments": [both]})).await, ["Ada", "Bea"]);
    assert_eq!(theirs.get(foreign.header("location")).await.expect(200).json, foreign.json);
    let refused = app.delete(&tag).await.expect_problem(409, "tag_in_use", &[]);
    let numbers = ["live", "trash", "segments"].map(|word| refused.json[word].clone());
    assert_eq!(numbers, [json!(1), json!(0), json!(2)]);
    // a segment that names both names of one
    let jaro =
        app.get("/tags?q=jaro").await.expect(200).data()[0]["id"].as_str().unwrap().to_owned();
    app.execute("DELETE FROM contact_tags");
    app.execute("DELETE FROM tags WHERE name_key = 'top'");
    app.patch(format!("/tags/{jaro}")).json(&json!({"name": "top"})).await.expect(200);
    assert_eq!(app.count("SELECT count(*) AS n FROM segment_names WHERE name = 'top'"), 3 - 1);
}
