//! Segments of segments: never in a circle, never too large.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{has, is_in, leaf, saved};

/// SEG-5
#[tokio::test]
async fn a_segment_is_never_part_of_itself() {
    let app = TestApp::new().await;
    let a = saved(&app, "a", has("a")).await;
    let b = saved(&app, "b", is_in(&a)).await;
    let c = saved(&app, "c", json!({"not": is_in(&b)})).await;
    for (filter, pointers) in [
        (is_in(&a), &["#/filter/value"][..]),
        (json!({"or": [has("x"), {"not": is_in(&c)}]}), &["#/filter/or/1/not/value"]),
        (leaf("segment", "in", json!([b, c])), &["#/filter/value/0", "#/filter/value/1"]),
    ] {
        let answer = app.patch(format!("/segments/{a}")).json(&json!({"filter": filter})).await;
        answer.expect_problem(422, "segment_cycle", pointers);
    }
    let selection = json!({"selection": {"segments": [c]}});
    app.patch(format!("/segments/{a}")).json(&selection).await.expect_problem(
        422,
        "segment_cycle",
        &["#/selection/segments/0"],
    );
    app.patch(format!("/segments/{c}")).json(&json!({"filter": is_in(&a)})).await.expect(200);
}

/// SEG-5: two who nest two segments into each other at once: one of them is refused.
#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_close_a_circle() {
    let app = TestApp::new().await;
    for round in 0..12 {
        let a = saved(&app, &format!("a{round}"), has("a")).await;
        let b = saved(&app, &format!("b{round}"), has("b")).await;
        let nest = async |outer: &str, inner: &str| {
            let patch = json!({"filter": is_in(inner)});
            app.patch(format!("/segments/{outer}")).json(&patch).await.status
        };
        let (one, other) = tokio::join!(nest(&a, &b), nest(&b, &a));
        let mut statuses = [one, other];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422]);
        app.post(format!("/segments/{a}/count")).await.expect(200);
    }
}

/// SEG-5: what a segment holds with all its segments is bounded; so is what uses one that grows.
#[tokio::test]
async fn nested_segments_are_bounded_together() {
    let app = TestApp::new().await;
    let wide = |n: usize| json!({"or": vec![leaf("muted", "eq", true); n]});
    let base = saved(&app, "base", wide(90)).await;
    let four = leaf("segment", "in", json!([base, base, base, base]));
    let twice = json!({"or": [four, four]});
    let refused = json!({"name": "twice", "filter": twice});
    app.post("/segments").json(&refused).await.expect_problem(
        422,
        "filter_too_large",
        &["#/filter"],
    );
    let body = json!({"selection": {"include": twice}});
    app.post("/contacts/count").json(&body).await.expect_problem(
        422,
        "filter_too_large",
        &["#/selection"],
    );
    let once = saved(&app, "once", four).await;
    app.post("/contacts/count").json(&json!({"selection": {"segments": [once]}})).await.expect(200);
    // small on its own, but not in `once`
    let small = saved(&app, "small", wide(20)).await;
    let more = json!({"filter": {"or": [is_in(&small), is_in(&small), is_in(&small), wide(90)]}});
    app.patch(format!("/segments/{base}")).json(&more).await.expect_problem(
        422,
        "filter_too_large",
        &["#/filter"],
    );
}

/// SEG-5
#[tokio::test]
async fn segments_nest_eight_deep() {
    let app = TestApp::new().await;
    let mut last = saved(&app, "0", has("a")).await;
    for number in 1..8 {
        last = saved(&app, &number.to_string(), is_in(&last)).await;
    }
    app.post("/contacts/count").json(&json!({"selection": {"segments": [last]}})).await.expect(200);
    let deeper = json!({"name": "8", "filter": is_in(&last)});
    app.post("/segments").json(&deeper).await.expect_problem(
        422,
        "filter_too_large",
        &["#/filter"],
    );
    // nor may the lowest of them grow downwards
    let first = app.get("/segments?q=0").await.expect(200).data()[0].clone();
    let new = saved(&app, "new", has("b")).await;
    let patch = json!({"filter": is_in(&new)});
    let path = format!("/segments/{}", Value::as_str(&first["id"]).unwrap());
    app.patch(path).json(&patch).await.expect_problem(422, "filter_too_large", &["#/filter"]);
}
