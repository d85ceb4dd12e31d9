//! Tests of unsubscribing: by one click, on the page, and by nobody who only looks.

use kartoteka_app::consents::links::{AddressMark, Link};
use kartoteka_domain::ids::{ConsentRequestId, ContactId};
use kartoteka_tests::mailbox::Mailbox;
use kartoteka_tests::receiver::Receiver;
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{contact, requests};
use crate::auth_matrix::everything_of;

/// A contact with a granted purpose.
async fn granted(app: &TestApp, body: Value) -> String {
    let person = contact(app, body).await;
    let grant = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"});
    app.post(format!("{person}/consents")).json(&grant).await.expect(201);
    person
}

/// Path of the link to unsubscribe.
async fn unsubscribe(app: &TestApp, person: &str, query: &str) -> String {
    let links = app.get(format!("{person}/consents/links{query}")).await.expect(200);
    links.text_at("/unsubscribe").strip_prefix(app.url()).unwrap().to_owned()
}

async fn history(app: &TestApp, person: &str) -> Vec<Value> {
    let read = app.get(format!("{person}/consents")).await.expect(200);
    read.json["history"].as_array().unwrap().clone()
}

/// CNS-7, RFC 8058: the two headers, and a POST that acts at once; the ledger says by what link and from where.
#[tokio::test]
async fn one_click_unsubscribes_at_once() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let hook = json!({"url": receiver.url("/"), "events": ["consent.withdrawn"]});
    app.post("/webhooks").json(&hook).await.expect(201);
    let person = granted(&app, json!({"email": "jana@x.cz", "language": "hu"})).await;
    let campaign = Uuid::now_v7();
    let query = format!("?purpose=email_basic&campaign={campaign}");
    let links = app.get(format!("{person}/consents/links{query}")).await.expect(200);
    let headers = &links.json["headers"];
    assert_eq!(headers["List-Unsubscribe"], format!("<{}>", links.text_at("/unsubscribe")));
    assert_eq!(headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    let link = unsubscribe(&app, &person, &query).await;
    let anybody = app.anonymous();
    let page = anybody.get(&link).await.expect(200);
    assert!(
        page.text().contains("Leiratkozom") && page.text().contains("News by e-mail"),
        "{page:?}"
    );
    assert_eq!(history(&app, &person).await.len(), 1);
    let request = anybody.post(&link).header("user-agent", "Mail 9");
    let done = request.form(&[("List-Unsubscribe", "One-Click")]).await.expect(200);
    assert!(done.header("location").is_empty() && done.header("set-cookie").is_empty());
    let entries = history(&app, &person).await;
    assert_eq!(entries[0]["action"], "withdraw");
    assert_eq!(entries[0]["source"], json!({"type": "unsubscribe", "id": campaign}));
    let evidence = json!({"by": "one_click", "ip": "127.0.0.1", "user_agent": "Mail 9"});
    assert_eq!(entries[0]["evidence"], evidence);
    assert_eq!(app.get(&person).await.json["communication"]["email"], "opt_out");
    // mail programs try more than once
    anybody.post(&link).form(&[("List-Unsubscribe", "One-Click")]).await.expect(200);
    assert_eq!(history(&app, &person).await.len(), 2);
    assert_eq!(app.send_webhooks().await, 1);
    assert_eq!(receiver.wait_for(1)[0].json["data"]["entry_id"], entries[0]["id"]);
    assert_eq!(
        app.count("SELECT count(*) AS n FROM audit_entries WHERE action = 'consent.withdraw'"),
        1
    );
    app.check_invariants();
}

/// CNS-7: in whatever form the wish comes.
#[tokio::test]
async fn any_body_will_do() {
    let app = TestApp::new().await;
    let anybody = app.anonymous();
    let long = "x".repeat(60_000);
    for number in 0..8 {
        let person = granted(&app, json!({"email": format!("jana{number}@x.cz")})).await;
        let link = unsubscribe(&app, &person, "").await;
        let request = anybody.post(&link);
        let answer = match number {
            0 => request.form(&[("List-Unsubscribe", "One-Click")]).await,
            1 => {
                let form = reqwest::multipart::Form::new().text("List-Unsubscribe", "One-Click");
                request.multipart(form).await
            }
            2 => request.await,
            3 => request.form(&[("by", "page")]).await,
            4 => request.bytes("application/json", "{\"a\": 1}").await,
            5 => request.bytes("text/plain", vec![0xff, 0, 0xfe]).await,
            6 => {
                request
                    .bytes("application/x-www-form-urlencoded", long.as_bytes())
                    .header("connection", "close")
                    .await
            }
            _ => request.bytes("nonsense", "x").header("content-encoding", "gzip").await,
        };
        assert_eq!(answer.status, 200, "{number}: {answer:?}");
        let entry = history(&app, &person).await[0].clone();
        let by = if number < 2 { "one_click" } else { "page" };
        assert_eq!((&entry["action"], &entry["evidence"]["by"]), (&json!("withdraw"), &json!(by)));
    }
}

/// CNS-7: the answer to a POST says nothing about whom it was meant for.
#[tokio::test]
async fn the_answer_is_the_same_whether_anybody_is_meant_or_not() {
    let app = TestApp::new().await;
    let person = granted(&app, json!({"email": "jana@x.cz", "language": "pl"})).await;
    let gone = granted(&app, json!({"email": "gone@x.cz"})).await;
    let links = [unsubscribe(&app, &person, "").await, unsubscribe(&app, &gone, "").await];
    app.delete(&gone).await.expect(204);
    app.delete(format!("/trash/{}", gone.rsplit('/').next().unwrap())).await.expect(204);
    let secret = &app.settings().secret;
    let forged =
        Link::Unsubscribe { contact: ContactId(Uuid::now_v7()), purpose: None, campaign: None };
    let elsewhere = app.other_workspace();
    let contact_id: Uuid = person.rsplit('/').next().unwrap().parse().unwrap();
    let foreign =
        Link::Unsubscribe { contact: ContactId(contact_id), purpose: None, campaign: None };
    let paths = [
        links[0].clone(),
        links[1].clone(),
        format!("/links/unsubscribe/{}", forged.token(secret, app.home().id)),
        format!("/links/unsubscribe/{}", forged.token(b"another secret", app.home().id)),
        format!("/links/unsubscribe/{}", foreign.token(secret, elsewhere.id)),
        "/links/unsubscribe/nonsense".to_owned(),
        format!("/links/unsubscribe/{}", "A".repeat(3000)),
    ];
    let mut bodies = Vec::new();
    for path in &paths {
        let answer = app.anonymous().post(path).await.expect(200);
        bodies.push((answer.text(), answer.header("content-language").to_owned()));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(history(&app, &person).await[0]["action"], "withdraw");
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 2);
}

/// CNS-7: without a purpose everything that comes by e-mail is refused, also what nobody asked for yet; a contact in
/// the trash can refuse too.
#[tokio::test]
async fn without_a_purpose_all_e_mail_is_refused() {
    let app = TestApp::new().await;
    let events = json!({"name": "email_events", "channel": "email", "title": "Events", "wording": "I agree."});
    app.post("/purposes").json(&events).await.expect(201);
    let person = granted(&app, json!({"email": "jana@x.cz"})).await;
    let link = unsubscribe(&app, &person, "").await;
    app.delete(&person).await.expect(204);
    let anybody = app.anonymous();
    let clicks = (0..8).map(|_| async { anybody.post(&link).await.expect(200) });
    futures_util::future::join_all(clicks).await;
    let read = app.get(format!("{person}/consents")).await.expect(200);
    let states: Vec<(&str, &str)> = read.json["current"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["purpose"].as_str().unwrap(), c["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        states,
        [("email_basic", "withdrawn"), ("email_events", "withdrawn"), ("sms_basic", "never")]
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 3);
    app.check_invariants();
}

/// CNS-6, CNS-7: whoever opens a link, however and how often, changes nothing: mail servers and scanners do.
#[tokio::test]
async fn looking_changes_nothing() {
    let mailbox = Mailbox::start();
    let app = requests::app(&mailbox).await;
    let person = granted(&app, json!({"email": "jana@x.cz"})).await;
    let body = json!({"purpose": "email_basic"});
    app.post(format!("{person}/consents/requests")).json(&body).await.expect(201);
    app.run_jobs().await;
    let links = app.get(format!("{person}/consents/links")).await.expect(200);
    let confirm = mailbox.mails()[0].link().to_owned();
    let before = everything_of(&app, app.home().id);
    for link in [confirm, links.text_at("/unsubscribe"), links.text_at("/preferences")] {
        let path = link.strip_prefix(app.url()).unwrap();
        for (name, value) in [
            ("accept", "text/html"),
            ("purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("user-agent", "Mozilla/5.0 (compatible; LinkScanner)"),
            ("x-http-method-override", "POST"),
        ] {
            let get = app.anonymous().get(path).header(name, value).await.expect(200);
            assert!(get.text().contains("<form method=\"post\""), "{get:?}");
            app.anonymous().head(path).header(name, value).await.expect(200);
        }
        for query in ["List-Unsubscribe=One-Click", "lang=pl&confirm=1", "_method=POST"] {
            let glue = if path.contains('?') { '&' } else { '?' };
            app.anonymous().get(format!("{path}{glue}{query}")).await.expect(200);
        }
        for method in ["PUT", "DELETE", "PATCH"] {
            app.anonymous().request(method.parse().unwrap(), path).await.expect(405);
        }
        policies(&app.anonymous().get(path).await);
    }
    assert_eq!(before, everything_of(&app, app.home().id), "looking changed something");
}

/// The headers of a page behind a link.
fn policies(page: &Answer) {
    let policy = page.header("content-security-policy");
    for part in
        ["default-src 'none'", "style-src 'sha256-", "form-action 'self'", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-robots-tag", "noindex, nofollow"),
        ("x-content-type-options", "nosniff"),
        ("set-cookie", ""),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    let html = page.text();
    assert!(!html.contains("<script") && !html.contains("src="), "{html}");
    assert!(html.starts_with("<!doctype html>") && html.contains("name=\"viewport\""), "{html}");
}

/// What a link is for is part of it: none of them does what another one is for.
#[tokio::test]
async fn a_link_is_good_for_one_thing() {
    let app = TestApp::new().await;
    let person = granted(&app, json!({"email": "jana@x.cz"})).await;
    let (secret, workspace) = (&app.settings().secret, app.home().id);
    let id: Uuid = person.rsplit('/').next().unwrap().parse().unwrap();
    let address = AddressMark::of(secret, Some("jana@x.cz"));
    let tokens = [
        ("confirm", Link::Confirm(ConsentRequestId(id)).token(secret, workspace)),
        (
            "preferences",
            Link::Preferences { contact: ContactId(id), address }.token(secret, workspace),
        ),
    ];
    for (own, token) in &tokens {
        for page in ["confirm", "unsubscribe", "preferences"].iter().filter(|page| *page != own) {
            app.anonymous().get(format!("/links/{page}/{token}")).await.expect(404);
        }
        app.anonymous().post(format!("/links/unsubscribe/{token}")).await.expect(200);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 1);
    app.get(format!("{person}/consents/links?purpose=none")).await.expect_problem(
        422,
        "unknown_purpose",
        &["?purpose"],
    );
    app.get(format!("{person}/consents/links?campaign=spring")).await.expect_problem(
        422,
        "invalid_value",
        &["?campaign"],
    );
    app.other_workspace().get(format!("{person}/consents/links")).await.expect(404);
    app.with_scopes(&["contacts:read"]).get(format!("{person}/consents/links")).await.expect(403);
}

/// OWASP API4:2023: links are counted like the API, by the address they are opened from.
#[tokio::test]
async fn links_have_a_rate_limit() {
    let app = TestApp::with(|settings| settings.requests_per_minute = 5).await;
    let mut last = 0;
    for _ in 0..6 {
        last = app.anonymous().post("/links/unsubscribe/nonsense").await.status;
    }
    assert_eq!(last, 429);
    app.anonymous().get("/healthz").await.expect(200);
}

/// CNS-7, CON-16: links that went out to somebody who was merged since are about the contact they became.
#[tokio::test]
async fn links_follow_who_was_merged() {
    let app = TestApp::new().await;
    let winner = granted(&app, json!({"first_name": "Jana", "email": "jana@x.cz"})).await;
    let loser = granted(&app, json!({"first_name": "Jana", "email": "jana@x.cz"})).await;
    let one_click = unsubscribe(&app, &loser, "?purpose=email_basic").await;
    let links = app.get(format!("{loser}/consents/links")).await.expect(200);
    let preferences = links.text_at("/preferences").strip_prefix(app.url()).unwrap().to_owned();
    let ids = [&winner, &loser].map(|path| path.rsplit('/').next().unwrap().to_owned());
    let merge = json!({"winner_id": ids[0], "loser_ids": [ids[1]], "dry_run": false});
    app.post("/contacts/merge").json(&merge).await.expect(200);
    let anybody = app.anonymous();
    anybody.get(&preferences).await.expect(200);
    anybody.post(&one_click).form(&[("List-Unsubscribe", "One-Click")]).await.expect(200);
    let entries = history(&app, &winner).await;
    assert_eq!((&entries[0]["action"], entries.len()), (&json!("withdraw"), 3));
    assert_eq!(history(&app, &loser).await, entries);
    let read = app.get(format!("{winner}/consents")).await.expect(200);
    assert_eq!(read.json["current"][0]["state"], "withdrawn", "{read:?}");
    let proof = app.get(format!("{loser}/consents/proof")).await.expect(200);
    assert_eq!(proof.json["entries"].as_array().map(Vec::len), Some(3));
    app.check_invariants();
}
