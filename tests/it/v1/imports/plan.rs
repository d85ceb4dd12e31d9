//! The plan names what the commit will do, and holds or is refused (IMP-13).

use kartoteka_domain::consents::ledger::Channel;
use serde_json::{Value, json};

use super::rules::{
    base, by, columns, commit_in_small_chunks, contacts, contents, imported, in_small_chunks, off,
    people, person, report, request_commit, rules, trash,
};
use super::{import, plan, planned};

const LIST: &[u8] = b"e,f\na@example.com,New\nb@example.com,New\nc@example.com,New\n";

/// IMP-13
#[tokio::test]
async fn a_base_that_moved_refuses_the_commit_with_the_new_plan_which_can_be_committed() {
    let app = rules().await;
    let words = ["email", "first_name"];
    base(&app, &["e,f", "a@example.com,Old", "b@example.com,Old"], &words).await;
    let id = planned(&app, LIST, columns(&words), by("email", json!({}))).await;
    let old = plan(&app, &id).await;
    trash(&app, "b@example.com").await;
    app.post("/contacts").json(&json!({ "email": "c@example.com" })).await.expect(201);
    let before = contents(&app);
    let path = format!("/imports/{id}/commit");
    let refused = app.post(&path).json(&json!({ "plan_hash": old["hash"] })).await.expect_problem(
        409,
        "plan_outdated",
        &[],
    );
    assert_eq!(
        refused.json["plan"]["classes"],
        json!({ "none": 0, "one": 2, "many": 0, "in_trash": 1 })
    );
    assert_eq!(refused.json["plan"], plan(&app, &id).await);
    assert_ne!(refused.json["plan"]["hash"], old["hash"]);
    assert_eq!(import(&app, &id).await["state"], "awaiting_commit");
    assert_eq!(contents(&app), before);
    app.post(&path).json(&json!({ "plan_hash": old["hash"] })).await.expect_problem(
        422,
        "plan_unknown",
        &[],
    );
    app.post(&path).json(&json!({ "plan_hash": refused.json["plan"]["hash"] })).await.expect(202);
    app.run_jobs().await;
    let done = import(&app, &id).await;
    assert_eq!(done["summary"]["updated"], 2);
    assert_eq!(done["summary"]["skipped"], 1);
}

/// IMP-13: also when the numbers stay and only the people change.
#[tokio::test]
async fn the_same_numbers_with_other_people_are_another_plan() {
    let app = rules().await;
    base(&app, &["e,f", "a@example.com,Old"], &["email", "first_name"]).await;
    let id = planned(&app, LIST, columns(&["email", "first_name"]), by("email", json!({}))).await;
    let old = plan(&app, &id).await;
    trash(&app, "a@example.com").await;
    app.post("/contacts").json(&json!({ "email": "a@example.com" })).await.expect(201);
    let path = format!("/imports/{id}/commit");
    let refused = app.post(&path).json(&json!({ "plan_hash": old["hash"] })).await.expect_problem(
        409,
        "plan_outdated",
        &[],
    );
    assert_eq!(refused.json["plan"]["outcomes"], old["outcomes"]);
}

/// IMP-13
#[tokio::test]
async fn a_base_that_moved_elsewhere_does_not_matter() {
    let app = rules().await;
    base(&app, &["e,f", "a@example.com,Old", "x@example.com,Old"], &["email", "first_name"]).await;
    let id = planned(&app, LIST, columns(&["email", "first_name"]), by("email", json!({}))).await;
    trash(&app, "x@example.com").await;
    app.post("/contacts").json(&json!({ "email": "y@example.com" })).await.expect(201);
    let a = person(&app, "a@example.com")["id"].as_str().unwrap().to_owned();
    app.patch(format!("/contacts/{a}"))
        .bytes("application/merge-patch+json", r#"{"first_name":"Edited"}"#)
        .await
        .expect(200);
    let done = super::commit(&app, &id).await;
    assert_eq!(done["summary"]["created"], 2);
    assert_eq!(done["summary"]["updated"], 1);
}

/// IMP-13
#[tokio::test]
async fn a_plan_is_named_by_its_hash() {
    let app = rules().await;
    let id = planned(&app, LIST, columns(&["email", "first_name"]), off()).await;
    let first = plan(&app, &id).await;
    let path = format!("/imports/{id}/commit");
    let answer = app.post(&path).json(&json!({ "plan_hash": "nonsense" })).await;
    answer.expect_problem(422, "plan_unknown", &[]);
    // another policy makes the same numbers and another plan
    app.put(format!("/imports/{id}/mapping"))
        .json(&columns(&["email", "first_name|keep"]))
        .await
        .expect(200);
    app.put(format!("/imports/{id}/matching")).json(&off()).await.expect(202);
    app.run_jobs().await;
    let second = plan(&app, &id).await;
    assert_eq!(first["outcomes"], second["outcomes"]);
    assert_ne!(first["hash"], second["hash"]);
    app.post(&path).json(&json!({ "plan_hash": first["hash"] })).await.expect_problem(
        422,
        "plan_unknown",
        &[],
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 0);
}

/// IMP-13, IMP-17: whoever is made after the commit was asked for and before the row is written is found.
#[tokio::test]
async fn somebody_made_between_commit_and_chunk_is_not_doubled() {
    let app = rules().await;
    let id = planned(&app, LIST, columns(&["email", "first_name"]), by("email", json!({}))).await;
    request_commit(&app, &id).await;
    app.post("/contacts")
        .json(&json!({ "email": "b@example.com", "last_name": "Made" }))
        .await
        .expect(201);
    app.run_jobs().await;
    let done = import(&app, &id).await;
    assert_eq!(done["summary"]["created"], 2);
    assert_eq!(done["summary"]["updated"], 1);
    let b = person(&app, "b@example.com");
    assert_eq!((&b["first_name"], &b["last_name"]), (&json!("New"), &json!("Made")));
}

/// IMP-13, IMP-17: in every later chunk too, and those the import made itself are not taken for others.
#[tokio::test]
async fn a_base_that_moved_is_looked_at_again_in_every_chunk() {
    let app = rules().await;
    let mut lines = vec!["e,f".to_owned()];
    lines.extend((1..=650).map(|n| format!("n{n}@example.com,New")));
    // the same key again, each row for itself: planned as two new contacts, in two chunks
    lines.push("n1@example.com,Twin".into());
    let matching = json!({ "mode": "match", "key": "email", "in_file": "all" });
    let id =
        planned(&app, lines.join("\n").as_bytes(), columns(&["email", "first_name"]), matching)
            .await;
    request_commit(&app, &id).await;
    in_small_chunks(&app);
    for n in [50, 250, 450, 640] {
        app.post("/contacts")
            .json(&json!({ "email": format!("n{n}@example.com") }))
            .await
            .expect(201);
    }
    app.run_jobs().await;
    let done = import(&app, &id).await;
    assert_eq!(done["state"], "done");
    assert_eq!(done["summary"]["created"], 647, "{done:#}");
    assert_eq!(done["summary"]["updated"], 4);
    assert_eq!(contacts(&app).len(), 651);
    assert_eq!(people(&app, "n1@example.com").len(), 2);
    for n in [50, 250, 450, 640] {
        assert_eq!(person(&app, &format!("n{n}@example.com"))["first_name"], "New");
    }
}

/// IMP-13, IMP-17: matched contacts that went meanwhile.
#[tokio::test]
async fn who_was_trashed_or_purged_between_commit_and_chunk_is_treated_as_he_is_then() {
    let app = rules().await;
    let words = ["email", "first_name"];
    base(&app, &["e,f", "a@example.com,Old", "b@example.com,Old"], &words).await;
    let id = planned(&app, LIST, columns(&words), by("email", json!({}))).await;
    request_commit(&app, &id).await;
    let b = person(&app, "b@example.com")["id"].as_str().unwrap().to_owned();
    trash(&app, "a@example.com").await;
    trash(&app, "b@example.com").await;
    app.delete(format!("/trash/{b}")).await.expect(204);
    app.run_jobs().await;
    let done = import(&app, &id).await;
    assert_eq!(done["summary"]["skipped"], 1);
    assert_eq!(done["summary"]["created"], 2);
    assert_ne!(person(&app, "b@example.com")["id"], json!(b));
    assert!(!person(&app, "a@example.com")["trashed_at"].is_null());
}

/// IMP-13, CNS-8
#[tokio::test]
async fn suppressed_addresses_are_counted_and_told_also_after_the_rows_were_sorted_again() {
    let app = rules().await;
    let secret = app.settings().secret.clone();
    let hash = kartoteka_app::consents::suppression::hash(&secret, Channel::Email, "b@example.com");
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    app.execute(&format!(
        "INSERT INTO suppressions (workspace_id, channel, address_hash, reason, created_at)
         SELECT id, 'email', '\\x{hex}', 'complaint', now() FROM workspaces"
    ));
    let id = planned(
        &app,
        b"e,f\na@example.com,New\nB@Example.com,New\n",
        columns(&["email", "first_name"]),
        by("email", json!({})),
    )
    .await;
    assert_eq!(plan(&app, &id).await["outcomes"]["suppressed"], 1);
    let told = |rows: &[Value]| {
        rows[1]["problems"].as_array().map_or(0, |problems| {
            problems.iter().filter(|problem| problem["code"] == "suppressed_address").count()
        })
    };
    assert_eq!(told(&report(&app, &id).await), 1);
    request_commit(&app, &id).await;
    app.post("/contacts").json(&json!({ "email": "a@example.com" })).await.expect(201);
    app.run_jobs().await;
    assert_eq!(told(&report(&app, &id).await), 1);
}

/// IMP-13, IMP-16: invalid rows with their reasons stand in the report of the plan.
#[tokio::test]
async fn invalid_rows_and_their_reasons_are_known_before_the_commit() {
    let app = rules().await;
    let list = b"e,f,b\nnonsense,Jana,\n,,2001-01-01\na@example.com,Eva,never\n\n";
    let id = planned(
        &app,
        list,
        columns(&["email", "first_name", "birth_date"]),
        by("email", json!({})),
    )
    .await;
    let plan = plan(&app, &id).await;
    assert_eq!(plan["outcomes"]["invalid"], 2, "{plan:#}");
    assert_eq!(plan["with_problems"], 3);
    let rows = report(&app, &id).await;
    let codes: Vec<_> = rows.iter().map(|row| row["problems"][0]["code"].clone()).collect();
    assert_eq!(codes, ["invalid_email", "nothing_identifies", "invalid_date"]);
    assert_eq!(rows[2]["outcome"], "create");
}

/// IMP-13, api.md: strict makes such rows invalid.
#[tokio::test]
async fn strict_makes_a_row_with_an_unreadable_value_invalid() {
    let app = rules().await;
    let mut mapping = columns(&["email", "birth_date"]);
    mapping["strict"] = json!(true);
    let done =
        imported(&app, &["e,b", "a@example.com,never", "b@example.com,"], mapping, off()).await;
    assert_eq!(done.summary("invalid"), 1);
    assert_eq!(done.summary("created"), 1);
}

/// IMP-13, IMP-17: in small chunks the sums are the same.
#[tokio::test]
async fn the_numbers_do_not_depend_on_the_chunks() {
    let app = rules().await;
    let mut lines = vec!["e,f".to_owned()];
    lines.extend((1..=401).map(|n| {
        if n % 10 == 0 { "bad,Bad".to_owned() } else { format!("n{}@example.com,N{n}", n % 300) }
    }));
    let id = planned(
        &app,
        lines.join("\n").as_bytes(),
        columns(&["email", "first_name"]),
        by("email", json!({})),
    )
    .await;
    let plan = plan(&app, &id).await;
    let done = commit_in_small_chunks(&app, &id).await;
    let done = super::rules::Imported { id, plan, import: done };
    super::rules::holds_what_was_planned(&app, &done).await;
    assert_eq!(contacts(&app).len(), 270);
}
