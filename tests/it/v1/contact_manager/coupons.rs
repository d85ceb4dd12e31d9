//! Coupons made by the contact manager.

use std::collections::HashSet;

use chrono::{TimeDelta, Utc};
use kartoteka_domain::coupons::ALPHABET;
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

use super::{asked, contact, counts, job_path, managed, named, outcomes};

/// So many contacts of one last name, made at once.
async fn people(app: &TestApp, count: usize) {
    let rows: String = (0..count).map(|n| format!("n{n}@example.com;N\n")).collect();
    let options = json!({"mapping": {"columns": [
        {"index": 0, "target": "email"}, {"index": 1, "target": "last_name"}]}});
    let import = app.import(format!("E-mail;Surname\n{rows}"), &options).await;
    assert_eq!(import.json["summary"]["created"], count);
}

fn coupon(name: &str, length: usize, until: impl Into<Value>) -> Value {
    let until: Value = until.into();
    json!([{"type": "generate_coupon", "name": name, "length": length, "valid_until": until}])
}

fn in_days(days: i64) -> String {
    (Utc::now() + TimeDelta::days(days)).to_rfc3339()
}

fn outcome(job: &Answer) -> &Value {
    &job.json["outcomes"]["generate_coupon"]
}

async fn refused(app: &TestApp, actions: Value, code: &str, at: &str) -> Answer {
    let body = json!({"selection": named("N"), "actions": actions});
    app.post("/contact-manager/jobs").json(&body).await.expect_problem(422, code, &[at])
}

/// MGR-J: over several chunks, each contact one, and no two alike.
#[tokio::test(flavor = "multi_thread")]
async fn every_contact_gets_a_code_of_its_own() {
    let app = TestApp::new().await;
    people(&app, 6_000).await;
    let job = managed(&app, named("N"), coupon(" Jaro  2026", 6, "2027-01-31")).await;
    assert_eq!(outcome(&job), &counts(6_000, 0, json!({})));
    let codes = app.rows("SELECT code FROM coupons");
    let codes: HashSet<&str> = codes.iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 6_000);
    let fits = |code: &&str| code.len() == 6 && code.bytes().all(|byte| ALPHABET.contains(&byte));
    assert!(codes.iter().all(fits));
    // that one of 27 characters is in none of 36,000 places does not happen
    let used: HashSet<u8> = codes.iter().flat_map(|code| code.bytes()).collect();
    assert_eq!(used.len(), ALPHABET.len());
    assert_eq!(app.count("SELECT count(DISTINCT contact_id) AS n FROM coupons"), 6_000);
    let one = app.get("/coupons?limit=1").await.expect(200).data()[0].clone();
    assert_eq!((&one["name"], &one["job_id"]), (&json!("Jaro 2026"), &json!(job.id())));
    assert_eq!(one["valid_until"], "2027-01-31T23:00:00Z", "the end of the day in Prague");
    let trail = "SELECT count(*) AS n FROM audit_entries WHERE action = 'coupon.create' AND job_id IS NOT NULL \
        AND changes ->> 'contact_id' IS NOT NULL";
    assert_eq!(app.count(trail), 6_000);
    let contact = format!("/contacts/{}", one["contact_id"].as_str().unwrap());
    let contact = app.get(contact).await.expect(200).json;
    assert_eq!(contact["created_at"], contact["updated_at"], "it is as it was");
    assert_eq!(job.json["undo"]["reason"], "not_reversible");
    // who holds one keeps it
    let again = managed(&app, named("N"), coupon("JARO 2026", 8, in_days(1))).await;
    assert_eq!(outcome(&again), &counts(0, 6_000, json!({})));
    app.check_invariants();
}

async fn given(app: &TestApp, name: &str, until: &str) -> Value {
    outcome(&managed(app, named("N"), coupon(name, 8, until)).await).clone()
}

/// MGR-J: one good coupon of a name at a time; redeemed or over, a new one is made.
#[tokio::test]
async fn a_contact_holds_one_good_coupon_of_a_name() {
    let app = TestApp::new().await;
    let jana = contact(&app, json!({"last_name": "N"})).await;
    let soon = (Utc::now() + TimeDelta::minutes(2)).to_rfc3339();
    let (one, none) = (counts(1, 0, json!({})), counts(0, 1, json!({})));
    assert_eq!(given(&app, "Jaro", &soon).await, one);
    assert_eq!(given(&app, "JARO", &in_days(1)).await, none);
    assert_eq!(given(&app, "Léto", &in_days(1)).await, one, "another name");
    let list = app.get(format!("/contacts/{jana}/coupons")).await.expect(200);
    let code = list.data()[1]["code"].as_str().unwrap().to_lowercase();
    let redeemed = app.post("/coupons/redeem").json(&json!({ "code": code })).await.expect(200);
    assert_eq!(redeemed.json["contact_id"], jana);
    assert_eq!(given(&app, "Jaro", &soon).await, one, "the first one is redeemed");
    app.clock().advance(TimeDelta::minutes(3));
    assert_eq!(given(&app, "Jaro", &in_days(1)).await, one, "the second one is over");
    let list = app.get("/coupons?name=jaro").await.expect(200);
    let codes: HashSet<_> =
        list.data().iter().map(|coupon| coupon["code"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 3);
    app.check_invariants();
}

/// MGR-J: codes that are taken are made again. Here only the first two characters count, so that many are.
#[tokio::test]
async fn codes_that_are_taken_are_made_again() {
    let app = TestApp::new().await;
    people(&app, 300).await;
    app.execute("CREATE UNIQUE INDEX narrow_key ON coupons (workspace_id, left(code, 2))");
    let job = managed(&app, named("N"), coupon("Jaro", 8, in_days(1))).await;
    assert_eq!(outcome(&job), &counts(300, 0, json!({})));
    assert_eq!(app.count("SELECT count(DISTINCT left(code, 2)) AS n FROM coupons"), 300);
    app.check_invariants();
}

/// MGR-J: trying for new codes has an end, and says at whom.
#[tokio::test]
async fn who_gets_no_code_because_all_are_taken_is_told() {
    let app = TestApp::new().await;
    people(&app, 60).await;
    app.execute("CREATE UNIQUE INDEX narrow_key ON coupons (workspace_id, left(code, 1))");
    let job = managed(&app, named("N"), coupon("Jaro", 8, in_days(1))).await;
    // 33 or more are left in each of 32 rounds: the last of 27 first characters comes up in one of them
    let free = ALPHABET.len();
    let expected = json!({"no_free_code": 60 - free});
    assert_eq!(outcome(&job), &counts(27, 0, expected));
    let left = outcomes(&app, &job.id(), "&reason=no_free_code").await;
    assert_eq!(left.len(), 60 - free);
    assert_eq!(app.count("SELECT count(*) AS n FROM coupons"), 27);
}

/// MGR-J: a code is not to be found by trying, so short ones are for few, those that exist included.
#[tokio::test]
async fn codes_that_are_too_short_for_so_many_are_refused() {
    let app = TestApp::new().await;
    people(&app, 532).await;
    let at = "#/actions/0/length";
    let too_many = refused(&app, coupon("Jaro", 4, in_days(1)), "out_of_range", at).await;
    let detail = too_many.json["errors"][0]["detail"].as_str().unwrap();
    for number in ["531", "532", "at least 5"] {
        assert!(detail.contains(number), "{detail}");
    }
    for length in [0, 3, 33] {
        refused(&app, coupon("Jaro", length, in_days(1)), "out_of_range", at).await;
    }
    let page = app.get("/contacts?limit=200").await.expect(200);
    let ids: Vec<_> = page.data().iter().take(132).map(|one| one["id"].clone()).collect();
    app.post("/contacts/bulk-delete").json(&json!({ "ids": ids })).await.expect(200);
    // both fit when they are asked for, together they do not
    let first = asked(&app, named("N"), coupon("Jaro", 4, in_days(1))).await;
    let second = asked(&app, named("N"), coupon("Léto", 4, in_days(1))).await;
    app.run_jobs().await;
    let mut states = Vec::new();
    for job in [&first, &second] {
        let job = app.get(job_path(job)).await.expect(200);
        states.push((job.json["state"].clone(), job.json["problem"]["code"].clone()));
    }
    let expected = [(json!("succeeded"), Value::Null), (json!("failed"), json!("out_of_range"))];
    assert_eq!(states, expected);
    refused(&app, coupon("Podzim", 4, in_days(1)), "out_of_range", at).await;
    let longer = managed(&app, named("N"), coupon("Podzim", 32, in_days(1))).await;
    assert_eq!(outcome(&longer), &counts(400, 0, json!({})));
    assert_eq!(app.count("SELECT count(*) AS n FROM coupons WHERE length(code) = 32"), 400);
}

/// MGR-J: name and validity, with their places.
#[tokio::test]
async fn a_coupon_needs_a_name_and_a_time_to_come() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    let until = "#/actions/0/valid_until";
    for (value, code) in [
        (json!("2020-01-31"), "out_of_range"),
        (json!((Utc::now() - TimeDelta::minutes(1)).to_rfc3339()), "out_of_range"),
        (json!("soon"), "invalid_date"),
        (json!("2027-02-30"), "invalid_date"),
        (json!("+12345-06-01"), "invalid_date"),
    ] {
        refused(&app, coupon("Jaro", 8, value), code, until).await;
    }
    let missing = json!([{"type": "generate_coupon", "name": "Jaro", "length": 8}]);
    refused(&app, missing, "missing_field", until).await;
    let name = "#/actions/0/name";
    refused(&app, coupon("x\u{1}", 8, in_days(1)), "invalid_value", name).await;
    refused(&app, coupon(&"x".repeat(101), 8, in_days(1)), "too_long", name).await;
    // a job that begins when the coupons are over
    let actions = coupon("Jaro", 8, in_days(1));
    let body = json!({"selection": named("N"), "run_at": in_days(2), "actions": actions});
    let late = app.post("/contact-manager/jobs").json(&body).await;
    late.expect_problem(422, "out_of_range", &[until]);
    assert_eq!(app.count("SELECT count(*) AS n FROM coupons"), 0);
}

/// MGR-J: how long a code is, is the user's choice, whatever coupons of other lengths there are.
#[tokio::test]
async fn coupons_of_other_lengths_take_no_room() {
    let app = TestApp::new().await;
    people(&app, 400).await;
    let long = managed(&app, named("N"), coupon("Jaro", 8, in_days(1))).await;
    assert_eq!(outcome(&long), &counts(400, 0, json!({})));
    let short = managed(&app, named("N"), coupon("Léto", 4, in_days(1))).await;
    assert_eq!(outcome(&short), &counts(400, 0, json!({})));
    let at = "#/actions/0/length";
    let full = refused(&app, coupon("Podzim", 4, in_days(1)), "out_of_range", at).await;
    let detail = full.json["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("at least 5"), "{detail}");
}

/// MGR-J: a coupon that is over before the job begins is refused when it is asked for, also where it is a matter of hours.
#[tokio::test]
async fn a_coupon_is_good_still_when_the_job_begins() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    let at = Utc::now() + TimeDelta::days(10);
    let noon = at.date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
    let day = |ahead: i64| (noon + TimeDelta::days(ahead)).date_naive().to_string();
    let body = |until: String| json!({"selection": named("N"), "run_at": noon, "actions": coupon("Jaro", 8, until)});
    let late = app.post("/contact-manager/jobs").json(&body(day(-1))).await;
    late.expect_problem(422, "out_of_range", &["#/actions/0/valid_until"]);
    app.post("/contact-manager/jobs").json(&body(day(0))).await.expect(202);
    app.leave_jobs();
}
