//! Tests of double opt-in: the question, its message over a real mail server, and the answer.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use kartoteka_tests::mailbox::{Certificate, Mail, Mailbox};
use kartoteka_tests::program::Installation;
use kartoteka_tests::receiver::Receiver;
use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

use super::contact;

/// A server that sends by the mailbox.
pub(super) async fn app(mailbox: &Mailbox) -> TestApp {
    TestApp::with(|settings| settings.mail = Some(mailbox.mail())).await
}

async fn ask(client: &Client, contact: &str) -> Answer {
    client
        .post(format!("{contact}/consents/requests"))
        .json(&json!({"purpose": "email_basic"}))
        .await
}

async fn newest(client: &Client, contact: &str) -> Value {
    let list = client.get(format!("{contact}/consents/requests")).await.expect(200);
    list.data()[0].clone()
}

/// State, problem and number of messages of the newest request.
async fn standing(client: &Client, contact: &str) -> (String, Value, i64) {
    let request = newest(client, contact).await;
    let state = request["state"].as_str().unwrap().to_owned();
    (state, request["problem"].clone(), request["messages"].as_i64().unwrap())
}

/// The path behind the link of a message.
fn path_of(app: &TestApp, mail: &Mail) -> String {
    mail.link().strip_prefix(app.url()).expect("a link to somewhere else").to_owned()
}

/// Somebody with a fresh token: time passed.
fn again(app: &TestApp) -> Client {
    app.with_scopes(&[
        "consents:read",
        "consents:write",
        "contacts:read",
        "contacts:write",
        "contacts:delete",
    ])
}

/// CNS-6, CNS-3: asked, sent, confirmed; each step is recorded, and the ledger has the proof.
#[tokio::test]
async fn a_question_that_is_confirmed_is_a_consent_with_its_proof() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let receiver = Receiver::start();
    let hook = json!({"url": receiver.url("/"), "events": ["consent.granted"]});
    app.post("/webhooks").json(&hook).await.expect(201);
    let contact = contact(&app, json!({"email": "Ana.Nowak@Example.pl", "language": "pl"})).await;
    let asked = ask(&app, &contact).await.expect(201);
    assert_eq!((&asked.json["state"], &asked.json["language"]), (&json!("waiting"), &json!("pl")));
    assert_eq!(app.run_jobs().await, 1);
    let mails = mailbox.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("novinky@pekarna.example", &["Ana.Nowak@example.pl".to_owned()][..])
    );
    assert!(mail.ascii && mail.defects.is_empty(), "{mail:?}");
    assert_eq!(mail.headers["subject"], "Home: prosimy o potwierdzenie zgody");
    assert_eq!(mail.headers["from"], "Pekárna U Lípy <novinky@pekarna.example>");
    assert_eq!(mail.headers["auto-submitted"], "auto-generated");
    let id = asked.id().replace('-', "");
    assert_eq!(mail.headers["message-id"], format!("<{id}.1@pekarna.example>"));
    assert!(!mail.headers.contains_key("list-unsubscribe"), "{mail:?}");
    assert!(mail.text.contains("I agree to receive news and offers by e-mail."), "{}", mail.text);
    // the parser of the other language gives the link back as a browser would read it
    assert!(mail.html.replace("&#x2f;", "/").contains(mail.link()), "{}", mail.html);
    assert!(!mail.html.contains("Nowak") && !mail.text.contains("Nowak"));
    assert_eq!(standing(&app, &contact).await, ("sent".to_owned(), Value::Null, 1));

    let anybody = app.anonymous();
    let link = path_of(&app, mail);
    let page = anybody.get(&link).await.expect(200);
    assert!(page.text().contains("Wyrażam zgodę") && page.text().contains("<html lang=\"pl\">"));
    assert!(page.text().contains("I agree to receive news and offers by e-mail."));
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 0);
    let said = anybody.post(&link).header("user-agent", "Browser 7").await.expect(200);
    assert!(said.text().contains("zgoda została potwierdzona"), "{said:?}");
    let request = newest(&app, &contact).await;
    assert_eq!(request["state"], "confirmed");
    let read = app.get(format!("{contact}/consents")).await.expect(200);
    let entry = &read.json["history"][0];
    assert_eq!((&entry["action"], &entry["id"]), (&json!("grant"), &request["entry_id"]));
    assert_eq!(entry["source"], json!({"type": "form", "id": asked.id()}));
    assert_eq!(entry["actor"]["type"], "system");
    assert_eq!((&entry["legal_basis"], &entry["wording_version"]), (&json!("consent"), &json!(1)));
    let proof = &entry["evidence"];
    assert_eq!((&proof["ip"], &proof["user_agent"]), (&json!("127.0.0.1"), &json!("Browser 7")));
    assert_eq!(proof["message_id"], mail.headers["message-id"]);
    for (name, at) in
        [("asked_at", "created_at"), ("sent_at", "sent_at"), ("confirmed_at", "confirmed_at")]
    {
        assert_eq!(proof[name], request[at], "{name}");
    }
    assert_eq!(proof["request_id"], said.header("x-request-id"));
    let gate = app.get(format!("{contact}/can-send?channel=email&purpose=email_basic")).await;
    assert_eq!(gate.json["allowed"], true);

    // saying it again changes nothing
    anybody.post(&link).await.expect(200);
    anybody.get(&link).await.expect(200);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 1);
    let audit = "SELECT count(*) AS n FROM audit_entries WHERE action IN ('consent.request', 'consent.grant')";
    assert_eq!(app.count(audit), 2);
    assert_eq!(app.send_webhooks().await, 1);
    assert_eq!(receiver.wait_for(1)[0].json["data"]["entry_id"], request["entry_id"]);
    app.check_invariants();
}

/// CNS-6: in the language that is asked for, else the contact's, else the workspace's.
#[tokio::test]
async fn the_message_speaks_the_language_of_the_contact() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    for (number, (language, asked, subject)) in [
        (json!("hu"), json!(null), "Home: kérjük, erősítse meg hozzájárulását"),
        (json!("sk"), json!(null), "Home: potvrďte prosím svůj souhlas"),
        (json!("de"), json!(null), "Home: potvrďte prosím svůj souhlas"),
        (json!(null), json!("en"), "Home: please confirm your consent"),
        (json!("pl"), json!("en"), "Home: please confirm your consent"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"email": format!("language{number}@x.cz"), "language": language});
        let contact = contact(&app, body).await;
        let body = json!({"purpose": "email_basic", "language": asked});
        app.post(format!("{contact}/consents/requests")).json(&body).await.expect(201);
        app.run_jobs().await;
        assert_eq!(mailbox.mails().last().unwrap().headers["subject"], subject);
    }
}

/// CNS-6, CNS-8: who may not be written to is not asked, and nothing is written then.
#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_the_reasons() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let requests = format!("{person}/consents/requests");
    let refused = |body: Value| app.post(&requests).json(&body);
    refused(json!({"purpose": "none"})).await.expect_problem(
        422,
        "unknown_purpose",
        &["#/purpose"],
    );
    refused(json!({"purpose": "sms_basic"})).await.expect_problem(
        422,
        "invalid_value",
        &["#/purpose"],
    );
    refused(json!({"purpose": "email_basic", "language": "de", "legal_basis": "x"}))
        .await
        .expect_problem(422, "validation_failed", &["#/language", "#/legal_basis"]);
    app.other_workspace()
        .post(&requests)
        .json(&json!({"purpose": "email_basic"}))
        .await
        .expect(404);
    let nobody = contact(&app, json!({"last_name": "Nová"})).await;
    let told = ask(&app, &nobody).await.expect_problem(409, "may_not_be_sent", &[]);
    assert_eq!(told.json["reasons"], json!(["no_address"]));
    app.put(format!("{person}/mute")).json(&json!({"muted": true})).await.expect(200);
    app.execute("UPDATE contacts SET email_invalid_at = now()");
    let told = ask(&app, &person).await.expect_problem(409, "may_not_be_sent", &[]);
    assert_eq!(told.json["reasons"], json!(["muted", "invalid_address"]));
    app.delete(&person).await.expect(204);
    let told = ask(&app, &person).await.expect_problem(409, "may_not_be_sent", &[]);
    assert_eq!(told.json["reasons"], json!(["in_trash", "muted", "invalid_address"]));
    app.with_scopes(&["consents:read"])
        .post(&requests)
        .json(&json!({"purpose": "email_basic"}))
        .await
        .expect(403);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_requests"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs"), 0);
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_begun() {
    let app = TestApp::new().await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let told = ask(&app, &person).await.expect_problem(409, "mail_not_configured", &[]);
    assert!(told.text().contains("KARTOTEKA_SMTP_URL"), "{told:?}");
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_requests"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs"), 0);
}

/// Nobody is flooded: not by asking again, not by other purposes, not by other contacts with the same address.
#[tokio::test]
async fn the_same_question_again_is_one_and_an_address_has_a_measure() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let first = ask(&app, &person).await.expect(201);
    assert_eq!(ask(&app, &person).await.expect(200).id(), first.id());
    assert_eq!(app.run_jobs().await, 1);
    assert_eq!(ask(&app, &person).await.expect(200).id(), first.id());
    assert_eq!(app.run_jobs().await, 0);
    app.clock().advance(TimeDelta::minutes(11));
    let client = again(&app);
    assert_eq!(ask(&client, &person).await.expect(200).id(), first.id());
    app.run_jobs().await;
    let mails = mailbox.mails();
    assert_eq!(mails.len(), 2);
    // another message, and the same link
    assert_ne!(mails[0].headers["message-id"], mails[1].headers["message-id"]);
    assert_eq!(mails[0].link(), mails[1].link());
    for number in 3..=5 {
        let other =
            contact(&client, json!({"email": "JANA@x.cz", "external_id": number.to_string()}))
                .await;
        ask(&client, &other).await.expect(201);
    }
    let other = contact(&client, json!({"email": "jana@X.cz"})).await;
    let told = ask(&client, &other).await.expect_problem(429, "rate_limited", &[]);
    assert!(told.header("retry-after").parse::<i64>().unwrap() > 3600, "{told:?}");
    app.run_jobs().await;
    assert_eq!(mailbox.mails().len(), 5);
    ask(&client, &other).await.expect(429);
    app.clock().advance(TimeDelta::hours(25));
    ask(&again(&app), &other).await.expect(201);
    app.run_jobs().await;
    assert_eq!(mailbox.mails().len(), 6);
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let answers = futures_util::future::join_all((0..8).map(|_| ask(&app, &person))).await;
    let ids: BTreeSet<String> = answers.iter().map(Answer::id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(app.run_jobs().await, 1);
    let mails = mailbox.mails();
    assert_eq!(mails.len(), 1);
    let key = json!({"purpose": "email_basic", "legal_basis": "legitimate_interest"});
    let keyed = || {
        app.post(format!("{person}/consents/requests")).header("idempotency-key", "k1").json(&key)
    };
    let one = keyed().await.expect(200);
    assert_eq!(keyed().await.expect(200).header("idempotent-replayed"), "true");
    assert_eq!(one.id(), answers[0].id());
    // so does whoever presses the button several times
    let (anybody, link) = (app.anonymous(), path_of(&app, &mails[0]));
    let pressed = (0..8).map(|_| async { anybody.post(&link).await.expect(200) });
    futures_util::future::join_all(pressed).await;
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 1);
    app.check_invariants();
}

/// Every question is listed, the newest first, each once.
#[tokio::test]
async fn questions_are_listed_in_pages() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let mut asked = Vec::new();
    for name in ["email_one", "email_two", "email_three"] {
        let purpose =
            json!({"name": name, "channel": "email", "title": "News", "wording": "I agree."});
        app.post("/purposes").json(&purpose).await.expect(201);
        let body = json!({"purpose": name});
        let made = app.post(format!("{person}/consents/requests")).json(&body).await.expect(201);
        asked.insert(0, made.id());
    }
    // one that is gone with its purpose is not sent
    let list = app.get("/purposes").await.expect(200);
    let gone = list.data().iter().find(|purpose| purpose["name"] == "email_two").unwrap();
    app.delete(format!("/purposes/{}", gone["id"].as_str().unwrap())).await.expect(204);
    asked.remove(1);
    let (mut listed, mut path) = (Vec::new(), format!("{person}/consents/requests?limit=1"));
    loop {
        let page = app.get(&path).await.expect(200);
        listed.extend(page.data().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("{person}/consents/requests?limit=1&cursor={cursor}");
    }
    assert_eq!(listed, asked);
    app.run_jobs().await;
    assert_eq!(mailbox.mails().len(), 2);
    app.other_workspace().get(format!("{person}/consents/requests")).await.expect(404);
}

/// Ground rules, "Sending": what the server says is what the request says, and nothing goes out twice.
#[tokio::test]
async fn a_message_is_tried_again_only_when_the_server_does_not_have_it() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let temporary = [
        ("mail", json!({"reply": "451 4.3.0 later"}), "451"),
        ("rcpt", json!({"reply": "450 4.2.0 greylisted jana@x.cz"}), "450"),
        ("data", json!({"reply": "452 4.3.1 full"}), "452"),
        ("dot", json!({"reply": "451 4.3.0 later"}), "451"),
        ("rcpt", json!({"drop": true}), "broken_off"),
        ("data", json!({"drop": true}), "broken_off"),
    ];
    for (number, (stage, how, problem)) in temporary.into_iter().enumerate() {
        let person = contact(&app, json!({"email": format!("later{number}@x.cz")})).await;
        mailbox.react(stage, how);
        ask(&again(&app), &person).await.expect(201);
        assert_eq!(app.run_jobs().await, 1);
        assert_eq!(mailbox.mails().len(), number, "{stage}");
        assert_eq!(
            standing(&again(&app), &person).await,
            ("deferred".to_owned(), json!(problem), 0)
        );
        assert_eq!(app.run_jobs().await, 0, "not before its time");
        app.clock().advance(TimeDelta::minutes(2));
        assert_eq!(app.run_jobs().await, 1);
        assert_eq!(standing(&again(&app), &person).await, ("sent".to_owned(), Value::Null, 1));
        assert_eq!(mailbox.mails().len(), number + 1, "{stage}");
    }
    let before = mailbox.mails().len();
    for (number, (stage, how)) in [
        ("mail", json!({"reply": "553 5.1.8 not you"})),
        ("rcpt", json!({"reply": "550 5.1.1 nobody"})),
        ("dot", json!({"reply": "554 5.7.1 spam"})),
    ]
    .into_iter()
    .enumerate()
    {
        let person = contact(&again(&app), json!({"email": format!("never{number}@x.cz")})).await;
        let code = how["reply"].as_str().unwrap()[..3].to_owned();
        mailbox.react(stage, how);
        ask(&again(&app), &person).await.expect(201);
        app.run_jobs().await;
        assert_eq!(standing(&again(&app), &person).await, ("failed".to_owned(), json!(code), 0));
    }
    app.clock().advance(TimeDelta::days(1));
    assert_eq!(app.run_jobs().await, 0);
    assert_eq!(mailbox.mails().len(), before);
}

/// Ground rules, "Sending": a break after the final dot is unknown, shown as such, and never sent again by itself.
#[tokio::test]
async fn a_break_after_the_content_is_unknown_and_not_repeated() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    mailbox.react("dot", json!({"drop": true}));
    ask(&app, &person).await.expect(201);
    app.run_jobs().await;
    assert_eq!(standing(&app, &person).await, ("unknown".to_owned(), Value::Null, 1));
    app.clock().advance(TimeDelta::days(1));
    assert_eq!(app.run_jobs().await, 0);
    let mails = mailbox.mails();
    assert_eq!(mails.len(), 1);
    // it had arrived after all
    app.anonymous().post(path_of(&app, &mails[0])).await.expect(200);
    assert_eq!(standing(&again(&app), &person).await.0, "confirmed");
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_but_not_for_ever() {
    let mailbox = Mailbox::start();
    let mut mail = mailbox.mail();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    mail.relay = format!("smtp://{free}?tls=none").parse().unwrap();
    let app = TestApp::with(|settings| settings.mail = Some(mail)).await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    ask(&app, &person).await.expect(201);
    for tries in 1..=12 {
        assert_eq!(app.run_jobs().await, 1, "{tries}");
        app.clock().advance(TimeDelta::hours(5));
    }
    assert_eq!(
        standing(&again(&app), &person).await,
        ("failed".to_owned(), json!("unreachable"), 0)
    );
    assert_eq!(app.run_jobs().await, 0);
}

/// STARTTLS (RFC 3207) with an authority of one's own, and a login.
#[tokio::test]
async fn the_connection_is_secured_and_somebody_logs_in() {
    let certificate = Certificate::new("login");
    let mailbox = Mailbox::secured(&certificate);
    let host = format!("localhost:{}", mailbox.port());
    let sent = |url: String, authority: Option<Vec<u8>>| {
        let mut mail = mailbox.mail();
        mail.relay = url.parse::<kartoteka_app::mail::Relay>().unwrap().trusting(authority);
        async move {
            let app = TestApp::with(|settings| settings.mail = Some(mail)).await;
            let person = contact(&app, json!({"email": "jana@x.cz"})).await;
            ask(&app, &person).await.expect(201);
            app.run_jobs().await;
            app.leave_jobs();
            standing(&app, &person).await
        }
    };
    let authority = || Some(certificate.authority());
    let login = "kartoteka:swordfish%201";
    let good = sent(format!("smtp://{login}@{host}?tls=required"), authority()).await;
    assert_eq!(good, ("sent".to_owned(), Value::Null, 1));
    let mails = mailbox.mails();
    assert!(mails[0].secured && mails[0].login.as_deref() == Some("kartoteka"), "{mails:?}");
    let plain = Mailbox::start();
    for (url, authority, state, problem) in [
        (format!("smtp://{login}@{host}"), None, "deferred", "tls"),
        (format!("smtp://kartoteka:wrong@{host}"), authority(), "deferred", "535"),
        (format!("smtp://{host}?tls=none"), None, "failed", "530"),
        // who asks for TLS is not content without, and who has a password does not shout it
        (format!("smtp://127.0.0.1:{}", plain.port()), None, "deferred", "tls"),
        (
            format!("smtp://{login}@127.0.0.1:{}?tls=opportunistic", plain.port()),
            None,
            "deferred",
            "tls",
        ),
    ] {
        let told = sent(url.clone(), authority).await;
        assert_eq!(told, (state.to_owned(), json!(problem), 0), "{url}");
    }
    assert!(plain.mails().is_empty());
    assert_eq!(mailbox.mails().len(), 1);
}

/// The gate is asked once more, at the last moment.
#[tokio::test]
async fn who_may_not_be_written_to_any_more_is_not() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let (muted, moved, gone, left) = (
        contact(&app, json!({"email": "muted@x.cz"})).await,
        contact(&app, json!({"email": "moved@x.cz"})).await,
        contact(&app, json!({"email": "gone@x.cz"})).await,
        contact(&app, json!({"email": "left@x.cz"})).await,
    );
    for person in [&muted, &moved, &gone, &left] {
        ask(&app, person).await.expect(201);
    }
    app.put(format!("{muted}/mute")).json(&json!({"muted": true})).await.expect(200);
    app.patch(&moved).json(&json!({"email": "elsewhere@x.cz"})).await.expect(200);
    app.delete(&gone).await.expect(204);
    app.delete(format!("/trash/{}", gone.rsplit('/').next().unwrap())).await.expect(204);
    let jobs = app.get("/jobs").await.expect(200);
    let job = jobs.data().iter().find(|job| job["subject"]["id"] == newest_id(&app, &left));
    app.post(format!("/jobs/{}/cancel", job.unwrap()["id"].as_str().unwrap())).await.expect(200);
    app.run_jobs().await;
    assert_eq!(standing(&app, &muted).await, ("skipped".to_owned(), json!("muted"), 0));
    assert_eq!(standing(&app, &moved).await, ("skipped".to_owned(), json!("address_changed"), 0));
    assert_eq!(standing(&app, &left).await.0, "cancelled");
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_requests"), 3);
    assert!(mailbox.mails().is_empty());
    app.check_invariants();
}

fn newest_id(app: &TestApp, contact: &str) -> Value {
    let id = contact.rsplit('/').next().unwrap();
    app.rows(&format!("SELECT id FROM consent_requests WHERE contact_id = '{id}'"))[0]["id"].clone()
}

/// A process that dies while it sends leaves at most one message unknown, and none is doubled.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_doubles_nothing() {
    let installation = Installation::new().await;
    let mailbox = Mailbox::start();
    let url = mailbox.url();
    let settings = [("KARTOTEKA_SMTP_URL", url.as_str()), ("KARTOTEKA_MAIL_FROM", "K <k@x.cz>")];
    let start = || installation.serve_with(&[], &settings);
    // before the content: nobody has the message, so it is sent by the next
    // after it: somebody has it, or nobody
    for (number, (stage, state)) in [("rcpt", "sent"), ("dot", "unknown")].into_iter().enumerate() {
        let server = start();
        let admin = installation.administrator(&server).await;
        let person = contact(&admin, json!({"email": format!("jana{number}@x.cz")})).await;
        mailbox.react(stage, json!({"hang": 600}));
        ask(&admin, &person).await.expect(201);
        mailbox.wait_for_reactions(number + 1);
        server.kill();
        let server = start();
        let admin = installation.through(&server, &admin);
        let mut now = String::new();
        for _ in 0..400 {
            now = standing(&admin, &person).await.0;
            if now == state {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(now, state, "{stage}");
        assert_eq!(mailbox.wait_for(number + 1).len(), number + 1);
        server.stop();
        assert_eq!(mailbox.mails().len(), number + 1, "{stage}");
    }
}

/// CNS-6: who did not answer in time did not consent, and who has another address now neither.
#[tokio::test]
async fn a_link_ends_with_its_time_its_address_and_its_contact() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let anybody = app.anonymous();
    let mut links = Vec::new();
    let mut people = Vec::new();
    for name in ["late", "moved", "trashed", "purged"] {
        let person = contact(&app, json!({"email": format!("{name}@x.cz")})).await;
        ask(&app, &person).await.expect(201);
        app.run_jobs().await;
        links.push(path_of(&app, mailbox.mails().last().unwrap()));
        people.push(person);
    }
    app.patch(&people[1]).json(&json!({"email": "elsewhere@x.cz"})).await.expect(200);
    app.delete(&people[2]).await.expect(204);
    app.delete(&people[3]).await.expect(204);
    app.delete(format!("/trash/{}", people[3].rsplit('/').next().unwrap())).await.expect(204);
    for link in &links[1..] {
        anybody.get(link).await.expect(404);
        anybody.post(link).await.expect(404);
    }
    app.clock().advance(TimeDelta::days(7));
    for answer in [anybody.get(&links[0]).await, anybody.post(&links[0]).await] {
        assert!(answer.expect(410).text().contains("Platnost odkazu vypršela"));
    }
    assert_eq!(standing(&again(&app), &people[0]).await.0, "expired");
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 0);
    // a new question begins anew
    ask(&again(&app), &people[0]).await.expect(201);
    app.run_jobs().await;
    anybody.post(path_of(&app, mailbox.mails().last().unwrap())).await.expect(200);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 1);
    app.check_invariants();
}

/// A token of one kind, changed by a letter, or of another workspace's installation, is none.
#[tokio::test]
async fn a_link_that_was_not_made_here_leads_nowhere() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    ask(&app, &person).await.expect(201);
    app.run_jobs().await;
    let link = path_of(&app, &mailbox.mails()[0]);
    let (good, _) = link.split_once('?').unwrap();
    let token = good.rsplit('/').next().unwrap();
    let changed =
        format!("{}{}", &token[..token.len() - 2], if token.ends_with("AA") { "BB" } else { "AA" });
    let anybody = app.anonymous();
    for path in [
        format!("/links/confirm/{changed}"),
        format!("/links/confirm/{token}x"),
        "/links/confirm/x".to_owned(),
        format!("/links/preferences/{token}"),
        format!("/links/unsubscribe/{token}"),
    ] {
        let answer = anybody.get(&path).await.expect(404);
        assert!(answer.text().contains("This link does not work"), "{answer:?}");
        let czech = anybody.get(format!("{path}?lang=cs&utm_source=x")).await.expect(404);
        assert!(czech.text().contains("Odkaz nefunguje"));
    }
    anybody.post(format!("/links/confirm/{changed}")).await.expect(404);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 0);
}

/// Somebody who wanted nothing at all and says yes to one thing gets that, and nothing that was granted before.
#[tokio::test]
async fn who_had_unsubscribed_gets_what_is_confirmed_and_nothing_else() {
    let mailbox = Mailbox::start();
    let app = app(&mailbox).await;
    let events = json!({"name": "email_events", "channel": "email", "title": "Events", "wording": "I agree."});
    app.post("/purposes").json(&events).await.expect(201);
    let person = contact(&app, json!({"email": "jana@x.cz"})).await;
    let grant = json!({"purpose": "email_events", "action": "grant", "legal_basis": "consent"});
    app.post(format!("{person}/consents")).json(&grant).await.expect(201);
    app.put(format!("{person}/subscription")).json(&json!({"subscribed": false})).await.expect(200);
    ask(&app, &person).await.expect(201);
    app.run_jobs().await;
    let link = path_of(&app, &mailbox.mails()[0]);
    let page = app.anonymous().get(&link).await.expect(200);
    assert!(page.text().contains("Dříve jste odhlásili všechna sdělení"), "{page:?}");
    app.anonymous().post(&link).await.expect(200);
    let gate = async |purpose: &str| {
        let path = format!("{person}/can-send?channel=email&purpose={purpose}");
        app.get(path).await.expect(200).json["reasons"].clone()
    };
    assert_eq!(gate("email_basic").await, json!([]));
    assert_eq!(gate("email_events").await, json!(["no_consent"]));
    assert_eq!(app.get(&person).await.json["communication"]["subscribed"], true);
    app.check_invariants();
}
