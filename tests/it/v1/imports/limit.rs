//! The contact limit (TRS-3): refuse or fill, and never beyond.

use serde_json::{Value, json};

use super::rules::{
    base, by, columns, contacts, imported, in_small_chunks, off, only, report, request_commit,
    rules, trash, undone,
};
use super::{commit, import, plan, planned};

const LIST: [&str; 5] = ["e", "a@example.com", "b@example.com", "c@example.com", "d@example.com"];

fn bytes() -> Vec<u8> {
    LIST.join("\n").into_bytes()
}

fn limited(matching: Value) -> Value {
    let mut matching = matching;
    matching["on_limit"] = json!("fill");
    matching
}

fn limit(app: &kartoteka_tests::TestApp, limit: i64) {
    app.execute(&format!("UPDATE workspaces SET contact_limit = {limit}"));
}

/// TRS-3, IMP-13
#[tokio::test]
async fn a_list_that_does_not_fit_is_refused_with_the_numbers() {
    let app = rules().await;
    base(&app, &["e", "x@example.com", "y@example.com"], &["email"]).await;
    trash(&app, "y@example.com").await;
    limit(&app, 5);
    let id = planned(&app, &bytes(), columns(&["email"]), off()).await;
    let plan = plan(&app, &id).await;
    assert_eq!(plan["limit"], json!({ "limit": 5, "used": 2, "after": 6, "over": 1 }));
    let refused = app
        .post(format!("/imports/{id}/commit"))
        .json(&json!({ "plan_hash": plan["hash"] }))
        .await
        .expect_problem(422, "contact_limit_reached", &[]);
    assert_eq!(
        only(&refused.json, &["limit", "live", "trash"]),
        json!({ "limit": 5, "live": 1, "trash": 1 })
    );
    assert_eq!(import(&app, &id).await["state"], "awaiting_commit");
    assert_eq!(contacts(&app).len(), 2);
    // room is made, and the very plan can be committed
    limit(&app, 6);
    let answer =
        app.post(format!("/imports/{id}/commit")).json(&json!({ "plan_hash": plan["hash"] })).await;
    let hash = answer.expect_problem(409, "plan_outdated", &[]).json["plan"]["hash"].clone();
    app.post(format!("/imports/{id}/commit")).json(&json!({ "plan_hash": hash })).await.expect(202);
    app.run_jobs().await;
    assert_eq!(contacts(&app).len(), 6);
}

/// TRS-3
#[tokio::test]
async fn filling_takes_the_first_rows_and_says_which_were_left_out() {
    let app = rules().await;
    base(&app, &["e", "x@example.com", "b@example.com"], &["email"]).await;
    trash(&app, "x@example.com").await;
    limit(&app, 4);
    let done = imported(&app, &LIST, columns(&["email"]), limited(by("email", json!({})))).await;
    assert_eq!(done.plan["limit"], json!({ "limit": 4, "used": 2, "after": 4, "over": 1 }));
    assert_eq!(done.plan["outcomes"]["create"], 2);
    assert_eq!(done.plan["outcomes"]["update"], 1, "who is there takes no room");
    let rows = report(&app, &done.id).await;
    assert_eq!(rows[3]["outcome"], "skipped");
    assert_eq!(rows[3]["problems"][0]["code"], "over_limit");
    let there: Vec<_> = contacts(&app).iter().map(|c| c["email"].clone()).collect();
    assert_eq!(there, ["x@example.com", "b@example.com", "a@example.com", "c@example.com"]);
    // restoring takes no room: the trash counts
    let outcomes = json!({ "in_trash": { "action": "restore_and_update" } });
    let done =
        imported(&app, &["e", "x@example.com"], columns(&["email"]), by("email", outcomes)).await;
    assert_eq!(done.summary("restored"), 1);
}

/// TRS-3
#[tokio::test]
async fn a_full_workspace_takes_nobody_and_a_limit_of_zero_is_no_accident() {
    let app = rules().await;
    limit(&app, 0);
    let done = imported(&app, &LIST, columns(&["email"]), limited(off())).await;
    assert_eq!(done.summary("skipped"), 4);
    assert_eq!(done.plan["limit"], json!({ "limit": 0, "used": 0, "after": 0, "over": 4 }));
}

/// TRS-3, IMP-13: lowered after the plan.
#[tokio::test]
async fn a_limit_that_was_lowered_makes_another_plan() {
    let app = rules().await;
    for (matching, code) in
        [(off(), (409, "plan_outdated")), (limited(off()), (409, "plan_outdated"))]
    {
        limit(&app, 100);
        let id = planned(&app, &bytes(), columns(&["email"]), matching).await;
        let old = plan(&app, &id).await;
        limit(&app, 3);
        let answer = app
            .post(format!("/imports/{id}/commit"))
            .json(&json!({ "plan_hash": old["hash"] }))
            .await;
        let answer = answer.expect_problem(code.0, code.1, &[]);
        assert_eq!(answer.json["plan"]["limit"]["over"], 1);
    }
    assert!(contacts(&app).is_empty());
}

/// TRS-3, IMP-17: lowered, or used up, after the commit was asked for: refused before the first row.
#[tokio::test]
async fn room_that_went_after_the_commit_was_asked_for_refuses_as_a_whole() {
    let app = rules().await;
    let mut lines = vec!["e".to_owned()];
    lines.extend((0..300).map(|n| format!("n{n}@example.com")));
    let id = planned(&app, lines.join("\n").as_bytes(), columns(&["email"]), off()).await;
    request_commit(&app, &id).await;
    in_small_chunks(&app);
    limit(&app, 250);
    app.run_jobs().await;
    let done = import(&app, &id).await;
    assert_eq!(done["state"], "failed");
    assert_eq!(done["problem"]["code"], "contact_limit_reached");
    assert_eq!(
        only(&done["problem"], &["limit", "live", "trash"]),
        json!({ "limit": 250, "live": 0, "trash": 0 })
    );
    assert!(contacts(&app).is_empty());
}

/// TRS-3, IMP-17
#[tokio::test]
async fn room_that_went_after_the_commit_was_asked_for_is_filled_and_no_more() {
    let app = rules().await;
    let mut lines = vec!["e".to_owned()];
    lines.extend((0..500).map(|n| format!("n{n}@example.com")));
    let id = planned(&app, lines.join("\n").as_bytes(), columns(&["email"]), limited(off())).await;
    request_commit(&app, &id).await;
    in_small_chunks(&app);
    limit(&app, 250);
    app.run_jobs().await;
    let done = import(&app, &id).await;
    assert_eq!(done["state"], "done");
    assert_eq!(done["summary"]["created"], 250);
    assert_eq!(done["summary"]["skipped"], 250);
    assert_eq!(contacts(&app).last().unwrap()["email"], "n249@example.com");
}

/// TRS-3: two imports that fit alone and not together.
#[tokio::test]
async fn two_imports_at_once_never_go_beyond() {
    for fill in [false, true] {
        let app = rules().await;
        limit(&app, 900);
        let list = |name: &str| {
            let rows: String = (0..600).map(|n| format!("{name}{n}@example.com\n")).collect();
            format!("e\n{rows}").into_bytes()
        };
        let matching = || if fill { limited(off()) } else { off() };
        let one = planned(&app, &list("one"), columns(&["email"]), matching()).await;
        let two = planned(&app, &list("two"), columns(&["email"]), matching()).await;
        request_commit(&app, &one).await;
        request_commit(&app, &two).await;
        in_small_chunks(&app);
        let (first, second) = tokio::join!(app.run_jobs(), app.run_jobs());
        assert_eq!(first + second, 2);
        let made = contacts(&app).len();
        assert!(made <= 900, "{made}");
        let states: Vec<_> = [import(&app, &one).await, import(&app, &two).await]
            .iter()
            .map(|i| i["state"].clone())
            .collect();
        if fill {
            assert_eq!((made, states), (900, vec![json!("done"), json!("done")]));
        } else {
            assert!(states.contains(&json!("failed")), "{states:?}");
        }
    }
}

/// TRS-3, IMP-18: what undo puts into the trash still counts.
#[tokio::test]
async fn an_undone_import_still_takes_room() {
    let app = rules().await;
    limit(&app, 4);
    let done = imported(&app, &LIST, columns(&["email"]), off()).await;
    undone(&app, &done.id).await;
    let id = planned(&app, b"e\nz@example.com\n", columns(&["email"]), off()).await;
    assert_eq!(plan(&app, &id).await["limit"]["over"], 1);
    app.post("/trash/purge")
        .json(&json!({ "ids": contacts(&app).iter().map(|c| c["id"].clone()).collect::<Vec<_>>() }))
        .await
        .expect(200);
    app.put(format!("/imports/{id}/matching")).json(&off()).await.expect(202);
    app.run_jobs().await;
    assert_eq!(commit(&app, &id).await["state"], "done");
}
