//! Several rows of one file with the same key (IMP-11).

use serde_json::{Value, json};

use super::rules::{
    Imported, Rules, base, by_in_file, columns, commit_in_small_chunks, contacts,
    holds_what_was_planned, imported, only, people, person, report, rules, undone,
};
use super::{commit, plan, planned};

const WORDS: [&str; 7] = [
    "email",
    "first_name",
    "address.city",
    "detail:shoe",
    "detail:hat",
    "tags",
    "consent:email_basic",
];

const LIST: [&str; 4] = [
    "e,f,c,s,h,t,k",
    "jana@example.com,Jana,Brno,38,,\"a, b\",yes",
    "JANA@example.com,,Praha,,M,\"b, c\",",
    "jana@example.com,Johana,,39,,,no",
];

async fn after(in_file: &str, existing: bool) -> (Rules, Imported) {
    let app = rules().await;
    if existing {
        base(&app, &["e,f,c,s,h,t,k", "jana@example.com,Old,Ostrava,1,XL,old,yes"], &WORDS).await;
    }
    let done =
        imported(&app, &LIST, columns(&WORDS), by_in_file("email", in_file, json!({}))).await;
    (app, done)
}

fn look(person: &Value) -> Value {
    only(person, &["first_name", "city", "details", "tags", "consents"])
}

/// IMP-11
#[tokio::test]
async fn merged_rows_make_one_contact_of_all_their_values_and_the_later_ones_win() {
    for existing in [false, true] {
        let (app, done) = after("merge", existing).await;
        assert_eq!(done.plan["outcomes"]["merged_in_file"], 2);
        let mut wanted = json!({
            "first_name": "Johana", "city": "Praha", "details": { "shoe": "39", "hat": "M" },
            "tags": ["a", "b", "c"], "consents": { "email_basic": false },
        });
        if existing {
            wanted["tags"] = json!(["a", "b", "c", "old"]);
        }
        assert_eq!(look(&person(&app, "jana@example.com")), wanted, "existing: {existing}");
        let rows = report(&app, &done.id).await;
        assert_eq!(rows[1]["outcome"], "merged_in_file");
        assert_eq!((&rows[1]["merged_into"], &rows[2]["merged_into"]), (&json!(1), &json!(1)));
    }
}

/// IMP-11
#[tokio::test]
async fn the_first_or_the_last_row_counts_alone() {
    let first = json!({
        "first_name": "Jana", "city": "Brno", "details": { "shoe": "38" }, "tags": ["a", "b"], "consents": { "email_basic": true },
    });
    let last = json!({
        "first_name": "Johana", "city": null, "details": { "shoe": "39" }, "tags": [], "consents": { "email_basic": false },
    });
    for (in_file, wanted, kept) in [("first", first, 1), ("last", last, 3)] {
        let (app, done) = after(in_file, false).await;
        assert_eq!(look(&person(&app, "jana@example.com")), wanted, "{in_file}");
        let rows = report(&app, &done.id).await;
        assert_eq!(rows[kept - 1]["outcome"], "created");
        assert_eq!(rows.iter().filter(|row| row["merged_into"] == json!(kept)).count(), 2);
    }
}

/// IMP-11, IMP-13: plans made before there was `import_rows.merged_into` kept it in the staged row, and stay
/// folded when they are sorted again.
#[tokio::test]
async fn what_was_folded_before_merged_into_stays_folded() {
    for (in_file, kept) in [("merge", 1), ("first", 1), ("last", 3)] {
        let app = rules().await;
        let matching = by_in_file("email", in_file, json!({}));
        let list = LIST.join("\n") + "\n";
        let id = planned(&app, list.as_bytes(), columns(&WORDS), matching).await;
        // as a plan was left then
        let kept_there = "UPDATE import_staged s SET head = r.merged_into FROM import_rows r \
             WHERE s.workspace_id = r.workspace_id AND s.import_id = r.import_id AND s.row = r.row AND r.merged_into IS NOT NULL";
        assert_eq!(app.execute(kept_there), 2, "{in_file}");
        assert_eq!(
            app.execute("UPDATE import_rows SET merged_into = NULL WHERE merged_into IS NOT NULL"),
            2
        );
        let old = plan(&app, &id).await;
        app.post("/contacts").json(&json!({ "email": "jana@example.com" })).await.expect(201);
        app.post(format!("/imports/{id}/commit"))
            .json(&json!({ "plan_hash": old["hash"] }))
            .await
            .expect_problem(409, "plan_outdated", &[]);
        let fresh = plan(&app, &id).await;
        assert_eq!(
            (&fresh["outcomes"]["update"], &fresh["outcomes"]["merged_in_file"]),
            (&json!(1), &json!(2)),
            "{in_file}"
        );
        assert_eq!(commit(&app, &id).await["state"], "done");
        person(&app, "jana@example.com");
        let rows = report(&app, &id).await;
        assert_eq!(rows.iter().filter(|row| row["merged_into"] == json!(kept)).count(), 2);
    }
}

/// IMP-11
#[tokio::test]
async fn each_row_for_itself_makes_a_contact_of_each() {
    let (app, done) = after("all", false).await;
    assert_eq!(done.plan["outcomes"]["create"], 3);
    assert_eq!(done.plan["duplicates_if_imported"], 2);
    assert_eq!(people(&app, "jana@example.com").len(), 3);
}

/// IMP-11
#[tokio::test]
async fn rows_for_themselves_that_meet_one_contact_act_one_after_the_other() {
    let (app, done) = after("all", true).await;
    assert_eq!(done.plan["classes"]["one"], 3);
    let wanted = json!({
        "first_name": "Johana", "city": "Praha", "details": { "shoe": "39", "hat": "M" },
        "tags": ["a", "b", "c", "old"], "consents": { "email_basic": false },
    });
    assert_eq!(look(&person(&app, "jana@example.com")), wanted);
    let counts = undone(&app, &done.id).await;
    assert_eq!(counts, json!({ "reverted": 1, "kept": 0, "failed": 0 }));
    let old = json!({
        "first_name": "Old", "city": "Ostrava", "details": { "shoe": "1", "hat": "XL" },
        "tags": ["old"], "consents": { "email_basic": true },
    });
    assert_eq!(look(&person(&app, "jana@example.com")), old);
}

/// IMP-11, IMP-12: an empty cell that clears, a value after it, and the other way round.
#[tokio::test]
async fn rows_for_themselves_clear_and_fill_in_their_order() {
    let words = [
        "email",
        "first_name|overwrite|clear",
        "address.city|fill_empty",
        "detail:shoe|overwrite|clear",
        "detail:hat|fill_empty|clear",
    ];
    for (lines, wanted) in [
        (
            ["jana@example.com,New,Praha,2,L", "jana@example.com,,Plzen,,S"],
            json!({ "first_name": null, "city": "Praha", "details": { "hat": "L" } }),
        ),
        (
            ["jana@example.com,,,,", "jana@example.com,New,Plzen,2,S"],
            json!({ "first_name": "New", "city": "Plzen", "details": { "hat": "S", "shoe": "2" } }),
        ),
    ] {
        let app = rules().await;
        base(&app, &["e,f,s", "jana@example.com,Old,1"], &["email", "first_name", "detail:shoe"])
            .await;
        let list = ["e,f,c,s,h", lines[0], lines[1]];
        let done =
            imported(&app, &list, columns(&words), by_in_file("email", "all", json!({}))).await;
        assert_eq!(
            only(&person(&app, "jana@example.com"), &["first_name", "city", "details"]),
            wanted
        );
        undone(&app, &done.id).await;
        let old = json!({ "first_name": "Old", "city": null, "details": { "shoe": "1" } });
        assert_eq!(
            only(&person(&app, "jana@example.com"), &["first_name", "city", "details"]),
            old
        );
    }
}

/// IMP-11, IMP-12: a later row that says nothing takes nothing away.
#[tokio::test]
async fn merged_rows_clear_only_what_no_row_fills() {
    let app = rules().await;
    let words = [
        "email",
        "first_name|overwrite|clear",
        "address.city|overwrite|clear",
        "detail:shoe|overwrite|clear",
    ];
    base(&app, &["e,f,c,s", "jana@example.com,Old,Ostrava,1"], &words).await;
    let list = ["e,f,c,s", "jana@example.com,New,,", "jana@example.com,,,"];
    imported(&app, &list, columns(&words), by_in_file("email", "merge", json!({}))).await;
    let wanted = json!({ "first_name": "New", "city": null, "details": {} });
    assert_eq!(only(&person(&app, "jana@example.com"), &["first_name", "city", "details"]), wanted);
}

/// IMP-11, TRS-3: one contact out of the trash is one contact, however many rows bring it back.
#[tokio::test]
async fn rows_for_themselves_restore_one_contact_once() {
    let app = rules().await;
    base(&app, &["e", "jana@example.com"], &["email"]).await;
    super::rules::trash(&app, "jana@example.com").await;
    let outcomes = json!({ "in_trash": { "action": "restore_and_update" } });
    let list = ["e,f", "jana@example.com,A", "jana@example.com,B"];
    let done = imported(
        &app,
        &list,
        columns(&["email", "first_name"]),
        by_in_file("email", "all", outcomes),
    )
    .await;
    assert_eq!(done.plan["outcomes"]["restore"], 2);
    assert_eq!(person(&app, "jana@example.com")["first_name"], "B");
    assert_eq!(app.count("SELECT sum(live)::bigint AS n FROM workspace_usage"), 1);
    undone(&app, &done.id).await;
    assert_eq!(app.count("SELECT sum(trashed)::bigint AS n FROM workspace_usage"), 1);
}

/// IMP-11, IMP-17, IMP-18: rows of one contact on both sides of the borders of chunks, of the commit and of
/// the undo.
#[tokio::test]
async fn rows_of_one_contact_may_lie_in_different_chunks() {
    let app = rules().await;
    let words = ["email", "first_name", "address.city", "tags", "consent:email_basic"];
    base(
        &app,
        &["e,f,c", "jana@example.com,Old,Ostrava"],
        &["email", "first_name", "address.city"],
    )
    .await;
    let mut list = vec!["e,f,c,t,k".to_owned()];
    // 450 rows: three chunks; she is in each, and makes once a row that only tags
    for n in 1..=450 {
        list.push(match n {
            10 => "jana@example.com,First,Brno,a,yes".to_owned(),
            150 => "jana@example.com,,,b,".to_owned(),
            230 => "jana@example.com,Second,,c,no".to_owned(),
            430 => "jana@example.com,Third,,,yes".to_owned(),
            _ => format!("n{n}@example.com,N{n},Brno,n,"),
        });
    }
    let bytes = list.join("\n");
    let id =
        planned(&app, bytes.as_bytes(), columns(&words), by_in_file("email", "all", json!({})))
            .await;
    let plan = plan(&app, &id).await;
    let import = commit_in_small_chunks(&app, &id).await;
    assert_eq!(import["state"], "done");
    let done = Imported { id, plan, import };
    holds_what_was_planned(&app, &done).await;
    assert_eq!(contacts(&app).len(), 447);
    let look = |person: &Value| only(person, &["first_name", "city", "tags", "consents"]);
    let wanted = json!({ "first_name": "Third", "city": "Brno", "tags": ["a", "b", "c"], "consents": { "email_basic": true } });
    assert_eq!(look(&person(&app, "jana@example.com")), wanted);

    // undone in one chunk, which has all of her rows
    let counts = undone(&app, &done.id).await;
    assert_eq!(counts, json!({ "reverted": 447, "kept": 0, "failed": 0 }));
    let old = json!({ "first_name": "Old", "city": "Ostrava", "tags": [], "consents": { "email_basic": false } });
    assert_eq!(look(&person(&app, "jana@example.com")), old);
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts WHERE trashed_at IS NULL"), 1);
}
