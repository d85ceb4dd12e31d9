//! Matching: by what rows and contacts are compared, and what is found without comparing.

use serde_json::json;

use super::planned;
use super::rules::{base, by, columns, contacts, imported, off, people, person, rules, trash};

/// IMP-6
#[tokio::test]
async fn without_matching_every_row_becomes_a_contact_and_duplicates_are_counted() {
    let app = rules().await;
    let words = ["email", "phone", "first_name"];
    base(&app, &["e,p,f", "old@example.com,601111111,Old", ",602222222,Phone"], &words).await;
    base(&app, &["e,p,f", "gone@example.com,,Gone"], &words).await;
    trash(&app, "gone@example.com").await;
    let done = imported(
        &app,
        &[
            "e,p,f",
            "OLD@example.com,,known by e-mail",
            "new@example.com,602 222 222,known by phone",
            "twin@example.com,,first of two",
            "Twin@Example.com,,second of two",
            ",603333333,first by phone",
            "third@example.com,+420 603 333 333,second by phone",
            "gone@example.com,,only in the trash is no duplicate",
            ",,nobody knows",
        ],
        columns(&words),
        off(),
    )
    .await;
    assert_eq!(done.plan["duplicates_if_imported"], 4, "{:#}", done.plan);
    assert_eq!(done.summary("created"), 8);
    assert_eq!(contacts(&app).len(), 11);
    assert_eq!(people(&app, "twin@example.com").len(), 2);
}

/// IMP-6, IMP-9
#[tokio::test]
async fn without_matching_the_rows_can_be_skipped_too() {
    let app = rules().await;
    let matching = json!({ "mode": "none", "outcomes": { "all": { "action": "skip" } } });
    let done =
        imported(&app, &["e", "a@example.com", "b@example.com"], columns(&["email"]), matching)
            .await;
    assert_eq!(done.summary("skipped"), 2);
    assert!(contacts(&app).is_empty());
}

/// IMP-7, CON-7
#[tokio::test]
async fn an_address_is_compared_without_case_blanks_and_in_ascii_form() {
    let app = rules().await;
    let words = ["email", "first_name"];
    base(&app, &["e,f", "Jana@Example.CZ,Jana", "petr@háčky.cz,Petr"], &words).await;
    let lines = [
        "e,f",
        "  JANA@example.cz  ,Johana",
        "petr@xn--hky-ela0s.cz,Petra",
        "nobody@example.cz,Nobody",
    ];
    let key = app.rows("SELECT email_key FROM contacts WHERE first_name = 'Petr'")[0]["email_key"]
        .clone();
    let lines = lines.map(|line| line.replace("petr@xn--hky-ela0s.cz", key.as_str().unwrap()));
    let done = imported(
        &app,
        &lines.each_ref().map(String::as_str),
        columns(&words),
        by("email", json!({})),
    )
    .await;
    assert_eq!(done.plan["classes"], json!({ "none": 1, "one": 2, "many": 0, "in_trash": 0 }));
    assert_eq!(person(&app, "jana@example.cz")["first_name"], "Johana");
    assert_eq!(person(&app, key.as_str().unwrap())["first_name"], "Petra");
}

/// IMP-7
#[tokio::test]
async fn a_number_is_the_same_in_all_its_spellings() {
    let app = rules().await;
    let words = ["phone", "first_name"];
    base(&app, &["p,f", "601123456,Jana"], &words).await;
    for spelling in [
        "601 123 456",
        "+420601123456",
        "00420 601 123 456",
        "+420-601-123-456",
        "(+420) 601 123456",
        "420601123456",
    ] {
        let done = imported(
            &app,
            &["p,f", &format!("{spelling},Jana")],
            columns(&words),
            by("phone", json!({})),
        )
        .await;
        assert_eq!(done.plan["classes"]["one"], 1, "{spelling}");
        assert_eq!(done.summary("unchanged"), 1, "{spelling}");
    }
    let mut polish = columns(&words);
    polish["phone_region"] = json!("PL");
    let done = imported(&app, &["p,f", "601123456,Jan"], polish, by("phone", json!({}))).await;
    assert_eq!(
        done.plan["classes"]["none"], 1,
        "a national number of another country is another number"
    );
}

/// IMP-7
#[tokio::test]
async fn an_external_id_is_compared_as_it_is() {
    let app = rules().await;
    let words = ["external_id", "first_name"];
    base(&app, &["x,f", "A-1,Jana", "007,Bond"], &words).await;
    let lines = ["x,f", "A-1,Jana", "a-1,other", "007,Bond", "7,other", ",without"];
    let done = imported(&app, &lines, columns(&words), by("external_id", json!({}))).await;
    assert_eq!(done.plan["classes"], json!({ "none": 3, "one": 2, "many": 0, "in_trash": 0 }));
}

/// IMP-7: the value of a detail is compared as text without blanks around it.
#[tokio::test]
async fn any_detail_can_be_the_key() {
    let app = rules().await;
    let words = ["detail:card", "first_name"];
    base(&app, &["c,f", "K 12,Jana", "K 13,Petr"], &words).await;
    app.execute("UPDATE contacts SET details = '{\"card\": 14}' WHERE first_name = 'Petr'");
    let lines =
        ["c,f", "  K 12 ,Johana", "14,Petra", "k 12,other case", "K12,other text", ",without"];
    let done = imported(&app, &lines, columns(&words), by("detail:card", json!({}))).await;
    assert_eq!(
        done.plan["classes"],
        json!({ "none": 3, "one": 2, "many": 0, "in_trash": 0 }),
        "{:#}",
        done.plan
    );
    let names: Vec<_> = contacts(&app).into_iter().map(|c| c["first_name"].clone()).collect();
    assert_eq!(names[..2], [json!("Johana"), json!("Petra")]);
}

/// IMP-7: a detail has no index; a small file beside a large base is still one pass.
#[tokio::test]
async fn a_detail_is_looked_up_in_one_pass_over_a_large_base() {
    let app = rules().await;
    app.execute(
        "INSERT INTO contacts (workspace_id, id, first_name, details, origin, search, created_at, updated_at)
         SELECT w.id, gen_random_uuid(), 'n' || n, jsonb_build_object('card', n), 'api', 'n' || n, now(), now()
         FROM workspaces w, generate_series(1, 30000) AS n",
    );
    app.execute("INSERT INTO contact_search SELECT workspace_id, id, search FROM contacts");
    app.execute("UPDATE workspace_usage SET live = 30000 WHERE shard = 0");
    let mut lines = vec!["c,f".to_owned()];
    lines.extend((1..=1000).map(|n| format!("{},n{}", n * 20, n * 20)));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let done = imported(
        &app,
        &lines,
        columns(&["detail:card", "first_name"]),
        by("detail:card", json!({})),
    )
    .await;
    assert_eq!(done.plan["classes"]["one"], 1000);
}

/// IMP-8, api.md: a valid row without a key value is `none`.
#[tokio::test]
async fn a_row_without_a_key_is_nobody_and_rows_without_a_key_are_not_one() {
    let app = rules().await;
    let words = ["email", "first_name"];
    base(&app, &["e,f", ",Jana", ",Jana"], &words).await;
    let done = imported(
        &app,
        &["e,f", ",Jana", ",Jana", ",Petr"],
        columns(&words),
        by("email", json!({})),
    )
    .await;
    assert_eq!(done.plan["classes"], json!({ "none": 3, "one": 0, "many": 0, "in_trash": 0 }));
    assert_eq!(done.plan["outcomes"]["merged_in_file"], 0);
    assert_eq!(done.summary("created"), 3);
}

/// IMP-13: with a key, those are counted who are made although somebody has it.
#[tokio::test]
async fn new_contacts_with_a_key_that_is_taken_are_counted_as_duplicates() {
    let app = rules().await;
    base(&app, &["e", "one@example.com"], &["email"]).await;
    let outcomes = json!({ "one": { "action": "import" } });
    let matching =
        json!({ "mode": "match", "key": "email", "in_file": "all", "outcomes": outcomes });
    let lines = [
        "e",
        "one@example.com",
        "one@example.com",
        "two@example.com",
        "two@example.com",
        "three@example.com",
    ];
    let done = imported(&app, &lines, columns(&["email"]), matching).await;
    assert_eq!(done.plan["duplicates_if_imported"], 3);
    assert_eq!(done.summary("created"), 5);
}

/// IMP-7, PLT-1: what another workspace has is never found.
#[tokio::test]
async fn contacts_of_another_workspace_are_not_found() {
    let app = rules().await;
    let other = app.other_workspace();
    other.post("/contacts").json(&json!({ "email": "jana@example.com" })).await.expect(201);
    let id =
        planned(&app, b"e\njana@example.com\n", columns(&["email"]), by("email", json!({}))).await;
    assert_eq!(super::plan(&app, &id).await["classes"]["none"], 1);
}
