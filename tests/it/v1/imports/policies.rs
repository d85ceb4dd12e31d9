//! What an imported value does to one that is there, and what an import never touches (IMP-12).

use serde_json::{Value, json};

use kartoteka_tests::TestApp;

use super::rules::{base, by, columns, contents, imported, only, person, rules};

const FIELDS: [&str; 5] = ["email", "first_name", "address.city", "detail:shoe", "detail:hat"];

async fn jana(app: &TestApp) {
    base(app, &["e,f,c,s,h", "jana@example.com,Jana,,38,"], &FIELDS).await;
}

fn look(app: &TestApp) -> Value {
    only(&person(app, "jana@example.com"), &["first_name", "city", "details"])
}

/// IMP-12
#[tokio::test]
async fn each_column_has_its_policy_details_too() {
    for (policy, full, wanted) in [
        (
            "overwrite",
            true,
            json!({ "first_name": "New", "city": "Brno", "details": { "shoe": "40", "hat": "M" } }),
        ),
        (
            "fill_empty",
            true,
            json!({ "first_name": "Jana", "city": "Brno", "details": { "shoe": "38", "hat": "M" } }),
        ),
        ("keep", true, json!({ "first_name": "Jana", "city": null, "details": { "shoe": "38" } })),
        (
            "overwrite",
            false,
            json!({ "first_name": "Jana", "city": null, "details": { "shoe": "38" } }),
        ),
        ("overwrite|clear", false, json!({ "first_name": null, "city": null, "details": {} })),
        (
            "fill_empty|clear",
            false,
            json!({ "first_name": "Jana", "city": null, "details": { "shoe": "38" } }),
        ),
        (
            "keep|clear",
            false,
            json!({ "first_name": "Jana", "city": null, "details": { "shoe": "38" } }),
        ),
    ] {
        let app = rules().await;
        jana(&app).await;
        let words: Vec<String> =
            FIELDS
                .iter()
                .map(|field| {
                    if *field == "email" {
                        (*field).to_owned()
                    } else {
                        format!("{field}|{policy}")
                    }
                })
                .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let line = if full { "jana@example.com,New,Brno,40,M" } else { "jana@example.com,,,," };
        imported(&app, &["e,f,c,s,h", line], columns(&words), by("email", json!({}))).await;
        assert_eq!(look(&app), wanted, "{policy} {full}");
    }
}

/// IMP-12: a column that clears clears only itself.
#[tokio::test]
async fn policies_of_different_columns_do_not_meet() {
    let app = rules().await;
    let words = ["email", "first_name", "address.city", "detail:shoe", "detail:hat"];
    base(&app, &["e,f,c,s,h", "jana@example.com,Jana,Brno,38,M"], &words).await;
    let words = [
        "email",
        "first_name|keep",
        "address.city|fill_empty|clear",
        "detail:shoe|fill_empty|clear",
        "detail:hat|overwrite|clear",
    ];
    imported(
        &app,
        &["e,f,c,s,h", "jana@example.com,New,,,"],
        columns(&words),
        by("email", json!({})),
    )
    .await;
    assert_eq!(
        look(&app),
        json!({ "first_name": "Jana", "city": "Brno", "details": { "shoe": "38" } })
    );
}

/// IMP-12: a cell that cannot be read is neither a value nor an empty one.
#[tokio::test]
async fn what_cannot_be_read_does_not_clear() {
    let app = rules().await;
    let words = ["email", "phone|overwrite|clear", "birth_date|overwrite|clear"];
    base(&app, &["e,p,b", "jana@example.com,601123456,1990-05-01"], &words).await;
    let done = imported(
        &app,
        &["e,p,b", "jana@example.com,12,soon"],
        columns(&words),
        by("email", json!({})),
    )
    .await;
    assert_eq!(done.plan["with_problems"], 1);
    let wanted = json!({ "phone": "+420601123456", "birth_date": "1990-05-01" });
    assert_eq!(only(&person(&app, "jana@example.com"), &["phone", "birth_date"]), wanted);
}

/// IMP-12, CNS-3, CNS-5: what the file does not speak of is not changed: consents, subscription, mute,
/// invalid mark, state, score, tags.
#[tokio::test]
async fn nothing_is_changed_that_the_import_does_not_speak_of() {
    let app = rules().await;
    let words = [
        "email",
        "external_id",
        "tags",
        "consent:email_basic",
        "score",
        "state",
        "subscribed",
        "muted",
    ];
    base(&app, &["e,x,t,k,s,z,u,m", "jana@example.com,J1,vip,no,7,customer,no,yes"], &words).await;
    app.execute("UPDATE contacts SET email_invalid_at = now()");
    let before = person(&app, "jana@example.com");
    let lines = ["e,x,f", "jana@example.com,J1,Jana"];
    let done = imported(
        &app,
        &lines,
        columns(&["email", "external_id", "first_name"]),
        by("external_id", json!({})),
    )
    .await;
    assert_eq!(done.summary("updated"), 1);
    let kept = ["tags", "consents", "score", "state", "subscribed", "muted", "email_invalid_at"];
    assert_eq!(only(&person(&app, "jana@example.com"), &kept), only(&before, &kept));
    // nor does an empty cell of such a column
    let lines = ["e,x,t,k,s,z,u,m", "jana@example.com,J1,,,,,,"];
    let clearing: Vec<String> =
        words.iter().map(|word| format!("{word}|overwrite|clear")).collect();
    let clearing: Vec<&str> = clearing.iter().map(String::as_str).collect();
    let done = imported(&app, &lines, columns(&clearing), by("email", json!({}))).await;
    assert_eq!(done.summary("unchanged"), 1);
    assert_eq!(only(&person(&app, "jana@example.com"), &kept), only(&before, &kept));
}

/// IMP-12: the mark belongs to the address.
#[tokio::test]
async fn another_address_lifts_the_mark_that_it_is_invalid_and_another_spelling_does_not() {
    let app = rules().await;
    let words = ["external_id", "email"];
    base(&app, &["x,e", "J1,jana@example.com"], &words).await;
    app.execute("UPDATE contacts SET email_invalid_at = now()");
    imported(&app, &["x,e", "J1,Jana@Example.com"], columns(&words), by("external_id", json!({})))
        .await;
    let jana = person(&app, "jana@example.com");
    assert_eq!(jana["email"], "Jana@Example.com");
    assert!(!jana["email_invalid_at"].is_null());
    let filling = columns(&["external_id", "email|fill_empty"]);
    imported(&app, &["x,e", "J1,new@example.com"], filling, by("external_id", json!({}))).await;
    assert!(!person(&app, "jana@example.com")["email_invalid_at"].is_null());
    imported(&app, &["x,e", "J1,new@example.com"], columns(&words), by("external_id", json!({})))
        .await;
    assert!(person(&app, "new@example.com")["email_invalid_at"].is_null());
}

/// IMP-12, IMP-15: performance.md 7 rests on it too.
#[tokio::test]
async fn the_same_file_again_changes_and_writes_nothing() {
    let app = rules().await;
    let words = [
        "email",
        "full_name",
        "phone",
        "address.city",
        "detail:shoe",
        "tags",
        "consent:email_basic",
        "birth_date",
        "score",
        "subscribed",
    ];
    let outcome = json!({ "action": "import", "tags": ["jaro"], "consents": [{ "purpose": "sms_basic", "legal_basis": "contract" }] });
    let mut update = outcome.clone();
    update["action"] = json!("update");
    let outcomes = json!({ "none": outcome, "one": update });
    let lines = [
        "e,n,p,c,s,t,k,b,z,u",
        "Jana@example.com,Ing. Jana Nováková,601123456,Brno,38,\"vip, brno\",yes,1. 5. 1990,7,yes",
        "petr@example.com,Petr Svoboda,,,,,no,,,no",
        "eva@example.com,,,,,,,,,",
    ];
    imported(&app, &lines, columns(&words), by("email", outcomes.clone())).await;
    let before = contents(&app);
    let done = imported(&app, &lines, columns(&words), by("email", outcomes)).await;
    assert_eq!(done.summary("unchanged"), 3);
    assert_eq!(done.summary("updated"), 0);
    assert_eq!(contents(&app), before, "nothing is written");
    assert_eq!(app.count("SELECT count(*) AS n FROM import_changes"), 0);
}

/// CON-4, IMP-12
#[tokio::test]
async fn who_got_another_name_is_found_by_it() {
    let app = rules().await;
    base(&app, &["e,f", "jana@example.com,Jana"], &["email", "first_name"]).await;
    imported(
        &app,
        &["e,f", "jana@example.com,Žofie"],
        columns(&["email", "first_name"]),
        by("email", json!({})),
    )
    .await;
    assert_eq!(app.get("/contacts?q=zofie").await.expect(200).data().len(), 1);
    assert_eq!(app.get("/contacts?q=jana%20nov").await.expect(200).data().len(), 0);
}
