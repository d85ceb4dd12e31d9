//! Tests of coupons.

use chrono::TimeDelta;
use futures_util::future::join_all;
use kartoteka_domain::scopes::Role;
use kartoteka_tests::TestApp;
use serde_json::json;
use uuid::Uuid;

use super::contacts::notes::person;

pub(crate) async fn contact(app: &TestApp, name: &str) -> String {
    app.post("/contacts").json(&json!({"first_name": name})).await.expect(201).id()
}

/// Gives a contact a coupon as the contact manager would; its id.
fn coupon(app: &TestApp, contact: &str, name: &str, code: &str, until: &str) -> String {
    let id = Uuid::now_v7().to_string();
    app.execute(&format!(
        "INSERT INTO coupons (workspace_id, id, contact_id, name, name_key, code, valid_until, created_at) \
         SELECT workspace_id, '{id}', id, '{name}', lower('{name}'), '{code}', {until}, now() FROM contacts WHERE id = '{contact}'"
    ));
    id
}

fn codes(answer: &kartoteka_tests::Answer) -> Vec<String> {
    answer.data().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

/// MGR-J
#[tokio::test]
async fn a_coupon_is_redeemed_once_and_in_its_time() {
    let app = TestApp::new().await;
    let jana = contact(&app, "Jana").await;
    let until = "now() + interval '1 minute'";
    let id = coupon(&app, &jana, "Jaro", "A2C4", until);
    coupon(&app, &jana, "Zima", "ZZZZ9", until);
    coupon(&app, &jana, "Vždy", "EVER77", "now() + interval '1 day'");
    let redeem = |code: &str| app.post("/coupons/redeem").json(&json!({ "code": code }));
    let done = redeem(" a2c4 ").await.expect(200);
    assert_eq!((done.id(), &done.json["contact_id"]), (id.clone(), &json!(jana)));
    assert!(done.json["redeemed_at"].is_string());
    assert_eq!(app.get(format!("/coupons/{id}")).await.expect(200).json, done.json);
    let again = redeem("A2C4").await.expect_problem(409, "coupon_redeemed", &[]);
    assert_eq!(again.json["redeemed_at"], done.json["redeemed_at"]);
    for unknown in ["A2C5", "x", "%", "čtyři", &"A".repeat(100)] {
        redeem(unknown).await.expect_problem(422, "unknown_reference", &["#/code"]);
    }
    for body in
        [json!({}), json!({"code": ""}), json!({"code": 5}), json!({"code": "A".repeat(101)})]
    {
        app.post("/coupons/redeem").json(&body).await.expect(422);
    }
    let other = app.other_workspace();
    let foreign = other.post("/coupons/redeem").json(&json!({"code": "ZZZZ9"})).await;
    foreign.expect_problem(422, "unknown_reference", &["#/code"]);
    other.get(format!("/coupons/{id}")).await.expect(404);
    other.get(format!("/contacts/{jana}/coupons")).await.expect(404);
    assert_eq!(other.get("/coupons").await.expect(200).data().len(), 0);
    app.clock().advance(TimeDelta::minutes(2));
    redeem("ZZZZ9").await.expect_problem(409, "coupon_expired", &[]);
    redeem("EVER77").await.expect(200);
    let trail = app.get(format!("/audit?record_id={id}")).await.expect(200);
    assert_eq!(trail.data().len(), 1);
    assert_eq!(trail.data()[0]["action"], "coupon.redeem");
    assert!(!trail.text().contains("A2C4"));
}

/// MGR-J: of several at once exactly one is done, whatever else happens to the contact.
#[tokio::test]
async fn of_redemptions_at_once_one_wins() {
    let app = TestApp::new().await;
    for round in 0..5 {
        let (jana, twin) = (contact(&app, "Jana").await, contact(&app, "Jana N.").await);
        let code = format!("CODE{round}");
        coupon(&app, &jana, "Jaro", &code, "now() + interval '1 day'");
        let body = json!({ "code": code });
        let tries = (0..8).map(|_| async { app.post("/coupons/redeem").json(&body).await.status });
        // the contact becomes a part of another one meanwhile
        let merge = json!({"winner_id": twin, "loser_ids": [jana]});
        let merge = async { app.post("/contacts/merge").json(&merge).await.expect(200) };
        let (mut statuses, _) = futures_util::future::join(join_all(tries), merge).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
        let told = "SELECT count(*) AS n FROM audit_entries WHERE action = 'coupon.redeem'";
        assert_eq!(app.count(told), round + 1);
        app.check_invariants();
    }
}

/// MGR-J: a repeated request hears the same answer.
#[tokio::test]
async fn a_repeated_redemption_is_one() {
    let app = TestApp::new().await;
    let jana = contact(&app, "Jana").await;
    coupon(&app, &jana, "Jaro", "A2C4", "now() + interval '1 day'");
    let body = json!({"code": "A2C4"});
    let redeem = || app.post("/coupons/redeem").header("idempotency-key", "till-7").json(&body);
    let first = redeem().await.expect(200);
    let second = redeem().await.expect(200);
    assert_eq!((first.json, second.header("idempotent-replayed")), (second.json.clone(), "true"));
}

/// MGR-J, CON-12: a redemption changes what hangs on a contact.
#[tokio::test]
async fn a_coupon_of_a_contact_that_may_not_be_changed_stays() {
    let app = TestApp::new().await;
    let (petr, login) = person(&app, "petr", Role::Editor).await;
    let jana = contact(&app, "Jana").await;
    coupon(&app, &jana, "Jaro", "A2C4", "now() + interval '1 day'");
    let body = json!({"code": "A2C4"});
    let owner = format!("/contacts/{jana}/owners/{petr}");
    app.put(owner).json(&json!({"level": "read_only"})).await.expect(200);
    login.post("/coupons/redeem").json(&body).await.expect_problem(403, "not_permitted", &[]);
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    app.post("/coupons/redeem").json(&body).await.expect_problem(409, "conflict", &[]);
    app.post(format!("/trash/{jana}/restore")).await.expect(200);
    app.post("/coupons/redeem").json(&body).await.expect(200);
    app.with_scopes(&["contacts:read"]).post("/coupons/redeem").json(&body).await.expect(403);
}

/// MGR-J
#[tokio::test]
async fn coupons_are_listed_and_found() {
    let app = TestApp::new().await;
    let (jana, eva) = (contact(&app, "Jana").await, contact(&app, "Eva").await);
    coupon(&app, &jana, "Jaro", "AAAA", "now() + interval '1 day'");
    coupon(&app, &eva, "Jaro", "CCCC", "now() + interval '1 day'");
    coupon(&app, &eva, "Léto", "DDDD", "now() + interval '1 day'");
    app.post("/coupons/redeem").json(&json!({"code": "cccc"})).await.expect(200);
    for (query, expected) in [
        (String::new(), &["DDDD", "CCCC", "AAAA"][..]),
        ("?name=JARO".into(), &["CCCC", "AAAA"]),
        ("?name=Jar".into(), &[]),
        (format!("?contact_id={eva}"), &["DDDD", "CCCC"]),
        ("?redeemed=true".into(), &["CCCC"]),
        ("?redeemed=false&name=jaro".into(), &["AAAA"]),
        ("?code=aaaa".into(), &["AAAA"]),
        ("?code=*".into(), &[]),
        (format!("?contact_id={}", Uuid::now_v7()), &[]),
    ] {
        let list = app.get(format!("/coupons{query}")).await.expect(200);
        assert_eq!(codes(&list), expected, "{query}");
    }
    let page = app.get("/coupons?limit=2").await.expect(200);
    let cursor = page.text_at("/next_cursor");
    assert_eq!(codes(&app.get(format!("/coupons?limit=2&cursor={cursor}")).await), ["AAAA"]);
    app.get(format!("/coupons?redeemed=true&cursor={cursor}")).await.expect_problem(
        422,
        "invalid_cursor",
        &["?cursor"],
    );
    app.get("/coupons?name=%20").await.expect_problem(422, "too_short", &["?name"]);
    app.get("/coupons?contact_id=x").await.expect(422);
    let hers = app.get(format!("/contacts/{eva}/coupons")).await.expect(200);
    assert_eq!(codes(&hers), ["DDDD", "CCCC"]);
    assert!(hers.data()[0]["valid_until"].is_string());
    let next = app.get(format!("/contacts/{eva}/coupons?limit=1")).await.expect(200);
    let next = format!("/contacts/{eva}/coupons?limit=1&cursor={}", next.text_at("/next_cursor"));
    assert_eq!(codes(&app.get(next).await.expect(200)), ["CCCC"]);
    app.get(format!("/contacts/{}/coupons", Uuid::now_v7())).await.expect(404);
}

/// CON-16, TRS-2: coupons go with the contact, into another one and out of the base.
#[tokio::test]
async fn coupons_follow_their_contact() {
    let app = TestApp::new().await;
    let (winner, loser) = (contact(&app, "Jana").await, contact(&app, "Jana N.").await);
    let id = coupon(&app, &loser, "Jaro", "A2C4", "now() + interval '1 day'");
    let whose =
        || async { app.get(format!("/coupons/{id}")).await.expect(200).json["contact_id"].clone() };
    let merge = json!({"winner_id": winner, "loser_ids": [loser]});
    let merge = app.post("/contacts/merge").json(&merge).await.expect(200);
    assert_eq!(merge.json["moves"]["coupons"], 1);
    assert_eq!(whose().await, json!(winner));
    app.post(format!("/merges/{}/undo", merge.id())).await.expect(200);
    assert_eq!(whose().await, json!(loser));
    app.check_invariants();
    app.delete(format!("/contacts/{loser}")).await.expect(204);
    app.delete(format!("/trash/{loser}")).await.expect(204);
    app.get(format!("/coupons/{id}")).await.expect(404);
    let gone = app.post("/coupons/redeem").json(&json!({"code": "A2C4"})).await;
    gone.expect_problem(422, "unknown_reference", &["#/code"]);
    assert_eq!(app.count("SELECT count(*) AS n FROM coupons"), 0);
}
