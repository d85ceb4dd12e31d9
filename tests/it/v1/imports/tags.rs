//! Tags out of columns and of classes (IMP-10, CON-8).

use serde_json::json;

use super::planned;
use super::rules::{
    base, by, columns, imported, off, person, request_commit, rules, trash, undone,
};

/// IMP-10
#[tokio::test]
async fn a_contact_gets_the_tags_of_its_row_and_of_its_class_each_once() {
    let app = rules().await;
    base(&app, &["e,t", "one@example.com,vip", "trash@example.com,"], &["email", "tags"]).await;
    trash(&app, "trash@example.com").await;
    let tagged = |action: &str, tags: &[&str]| json!({ "action": action, "tags": tags });
    let outcomes = json!({
        "none": tagged("import", &["Nový", "spring"]),
        "one": tagged("update", &["VIP", "known"]),
        "in_trash": tagged("restore_and_update", &["back"]),
    });
    let lines = [
        "e,t,t",
        "none@example.com,\"Spring; shop\",shop|x",
        "one@example.com,new,",
        "trash@example.com,,",
    ];
    imported(&app, &lines, columns(&["email", "tags", "tags"]), by("email", outcomes)).await;
    assert_eq!(person(&app, "none@example.com")["tags"], json!(["Nový", "Spring", "shop", "x"]));
    assert_eq!(person(&app, "one@example.com")["tags"], json!(["known", "new", "vip"]));
    assert_eq!(person(&app, "trash@example.com")["tags"], json!(["back"]));
    assert_eq!(app.count("SELECT count(*) AS n FROM tags"), 8);
}

/// IMP-10: white space and case of a tag's name do not make another tag, wherever it is named.
#[tokio::test]
async fn a_tag_is_the_same_however_its_name_is_spaced() {
    let app = rules().await;
    app.post("/tags").json(&json!({ "name": "Brno 2026" })).await.expect(201);
    let outcomes = json!({ "none": { "action": "import", "tags": [" brno\u{a0} 2026 "] } });
    let lines = ["e,t", "a@example.com,BRNO  2026"];
    imported(&app, &lines, columns(&["email", "tags"]), by("email", outcomes)).await;
    assert_eq!(person(&app, "a@example.com")["tags"], json!(["Brno 2026"]));
    assert_eq!(app.count("SELECT count(*) AS n FROM tags"), 1);
}

/// IMP-12, CON-1: what a request may write, an import may too.
#[tokio::test]
async fn a_company_name_may_be_as_long_as_in_a_request() {
    let app = rules().await;
    let long = "x".repeat(300);
    app.post("/contacts").json(&json!({ "company_name": long })).await.expect(201);
    let lines =
        ["e,c".to_owned(), format!("a@example.com,{long}"), format!("b@example.com,{long}y")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    imported(&app, &lines, columns(&["email", "company_name"]), off()).await;
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts WHERE length(company_name) = 300"), 2);
}

/// IMP-10, IMP-14: a tag is made by the commit and not by the plan.
#[tokio::test]
async fn a_plan_makes_no_tags() {
    let app = rules().await;
    let matching =
        json!({ "mode": "none", "outcomes": { "all": { "action": "import", "tags": ["class"] } } });
    let id =
        planned(&app, b"e,t\na@example.com,row\n", columns(&["email", "tags"]), matching).await;
    assert_eq!(app.count("SELECT count(*) AS n FROM tags"), 0);
    request_commit(&app, &id).await;
    app.run_jobs().await;
    assert_eq!(app.count("SELECT count(*) AS n FROM tags"), 2);
}

/// IMP-10: the score of a tag that is there is kept.
#[tokio::test]
async fn a_tag_that_is_there_stays_as_it_is() {
    let app = rules().await;
    base(&app, &["e", "a@example.com"], &["email"]).await;
    let id = person(&app, "a@example.com")["id"].as_str().unwrap().to_owned();
    app.put(format!("/contacts/{id}/tags/vip")).json(&json!({ "score": 5 })).await;
    let done = imported(
        &app,
        &["e,t", "a@example.com,VIP"],
        columns(&["email", "tags"]),
        by("email", json!({})),
    )
    .await;
    assert_eq!(done.summary("unchanged"), 1);
    assert_eq!(app.count("SELECT sum(score)::bigint AS n FROM contact_tags"), 5);
    undone(&app, &done.id).await;
    assert_eq!(person(&app, "a@example.com")["tags"], json!(["vip"]));
}

/// IMP-10: tags removed between the plan and the commit are made again.
#[tokio::test]
async fn a_tag_that_was_removed_meanwhile_is_made_again() {
    let app = rules().await;
    app.post("/tags").json(&json!({ "name": "vip" })).await.expect(201);
    let id = planned(&app, b"e,t\na@example.com,vip\n", columns(&["email", "tags"]), off()).await;
    let tags = app.get("/tags").await.expect(200);
    let tag = tags.data()[0]["id"].as_str().unwrap().to_owned();
    app.delete(format!("/tags/{tag}")).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM tags"), 0);
    request_commit(&app, &id).await;
    app.run_jobs().await;
    assert_eq!(person(&app, "a@example.com")["tags"], json!(["vip"]));
}

/// IMP-10
#[tokio::test]
async fn what_cannot_be_a_tag_is_refused() {
    let app = rules().await;
    let id = planned(&app, b"e\na@example.com\n", columns(&["email"]), off()).await;
    let matching = json!({ "mode": "none", "outcomes": { "all": { "action": "import", "tags": ["ok", " ", "a\u{1}b"] } } });
    app.put(format!("/imports/{id}/matching")).json(&matching).await.expect_problem(
        422,
        "validation_failed",
        &["#/outcomes/all/tags/1", "#/outcomes/all/tags/2"],
    );
}
