//! Links with a tracking parameter (MGR-M).

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use kartoteka_app::tracking::Parameters;
use kartoteka_domain::scopes::Role;
use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

use super::{asked, contact, counts, managed, named};
use crate::deaths::{Moment, work_with_deaths, worker};
use crate::v1::contacts::notes::person;
use crate::v1::documents::{behind, lines, parameter, rows};

const PAGE: &str = "https://shop.example/výprodej?utm_source=mail#top";

fn links(private: bool) -> Value {
    json!([{"type": "generate_links", "url": PAGE, "private": private}])
}

/// So many contacts, all of one name; the first of them in another town.
async fn crowd(app: &TestApp, n: usize) {
    let rows: String = (0..n)
        .map(|n| format!("n{n}@example.com,N,{}\n", if n == 0 { "Praha" } else { "Brno" }))
        .collect();
    app.import(format!("E-mail,Příjmení,Město\n{rows}"), &json!({})).await;
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), i64::try_from(n).unwrap());
}

fn in_brno() -> Value {
    json!({"where": {"field": "address.city", "op": "eq", "value": "Brno"}})
}

/// The number of documents, whole or not, and of their lines.
fn kept(app: &TestApp) -> (i64, i64) {
    let count = |table: &str| app.count(&format!("SELECT count(*) AS n FROM {table}"));
    (count("documents"), count("document_contacts"))
}

async fn job_of(client: &Client, id: &str) -> Answer {
    client.get(format!("/contact-manager/jobs/{id}")).await.expect(200)
}

/// MGR-M
#[tokio::test]
async fn a_job_makes_a_document_with_a_link_for_each_contact() {
    let app = TestApp::new().await;
    let jana = json!({"last_name": "N", "first_name": "Jana", "email": "jana@example.com"});
    let jana = contact(&app, jana).await;
    let nobody = contact(&app, json!({"last_name": "N", "first_name": "=Eva"})).await;
    contact(&app, json!({"last_name": "M", "email": "other@example.com"})).await;
    let asked = asked(&app, named("N"), links(false)).await;
    assert_eq!(asked.json["document_id"], Value::Null);
    assert!(app.get("/documents").await.expect(200).data().is_empty());
    app.run_jobs().await;
    let job = job_of(&app, &asked.id()).await;
    assert_eq!(job.json["outcomes"], json!({"generate_links": counts(2, 0, json!({}))}), "{job:?}");
    assert_eq!(job.json["undo"]["possible"], false);
    let id = job.text_at("/document_id");
    let document = app.get(format!("/documents/{id}")).await.expect(200);
    let expected = json!({"kind": "links", "private": false, "contacts": 2, "job_id": job.id(),
        "owner": {"type": "user", "id": app.home().user}, "url": "https://shop.example/v%C3%BDprodej?utm_source=mail#top"});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&document.json[member], value, "{member}");
    }
    let found = app.get(format!("/documents?job_id={}", job.id())).await.expect(200);
    assert_eq!(found.data(), std::slice::from_ref(&document.json));
    let content = app.get(format!("/documents/{id}/content")).await.expect(200);
    let file = format!("attachment; filename=\"{}\"", document.text_at("/name"));
    assert_eq!(content.header("content-disposition"), file);
    let found = rows(&content);
    assert_eq!(found[0], ["contact_id", "email", "first_name", "last_name", "link"]);
    assert_eq!(found[1][..4], [&*jana, "jana@example.com", "Jana", "N"]);
    assert_eq!(found[2][..4], [&*nobody, "", "'=Eva", "N"]);
    for row in &found[1..] {
        let value = parameter(&row[4]);
        let link = format!("https://shop.example/v%C3%BDprodej?utm_source=mail&ktrk={value}#top");
        assert_eq!((&row[4], value.len()), (&link, 43));
        assert_eq!(behind(&app, &row[4]).await.expect(200).json["contact_id"], row[0]);
    }
    // again: another document with the same links
    let again = managed(&app, named("N"), links(false)).await.text_at("/document_id");
    assert_ne!(again, id);
    assert_eq!(lines(&app, &again).await, found[1..]);
    let told = app.rows("SELECT action, record_type, changes FROM audit_entries WHERE job_id IS NOT NULL ORDER BY id");
    let of = |action: &str| told.iter().filter(|line| line["action"] == action).count();
    assert_eq!(
        (of("contact.generate_link"), of("document.create"), of("contact.update")),
        (4, 2, 0)
    );
    let timeline = app.get(format!("/contacts/{jana}/timeline?type=changed")).await.expect(200);
    assert!(timeline.data().is_empty(), "nothing of the contact changed: {timeline:?}");
    app.check_invariants();
}

/// MGR-M: only whoever asked for it sees a private one, and that there is one.
#[tokio::test]
async fn a_private_document_is_for_whoever_asked_for_it() {
    let app = TestApp::new().await;
    let jana = contact(&app, json!({"last_name": "N"})).await;
    let (_, evas) = person(&app, "eva", Role::Manager).await;
    let body = json!({"selection": named("N"), "actions": links(true)});
    let job = evas.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.run_jobs().await;
    let id = job_of(&evas, &job).await.text_at("/document_id");
    let path = format!("/documents/{id}");
    let own = evas.get(&path).await.expect(200);
    assert_eq!(own.json["private"], true);
    assert_eq!(lines(&evas, &id).await.len(), 1);
    assert_eq!(job_of(&app, &job).await.json["document_id"], Value::Null);
    let jobs = app.get("/contact-manager/jobs").await.expect(200);
    assert_eq!(jobs.data()[0]["document_id"], Value::Null);
    assert_eq!(jobs.data()[0]["actions"][0]["url"], "…", "where they lead is said in it");
    let jobs = evas.get("/contact-manager/jobs").await.expect(200);
    assert_eq!(jobs.data()[0]["document_id"], *id);
    assert_eq!(jobs.data()[0]["actions"], links(true));
    let reader = app.with_scopes(&["contacts:read", "consents:read"]);
    let export = reader.get(format!("/contacts/{jana}/export")).await.expect(200);
    assert!(!export.text().contains(&id), "nowhere in it: {export:?}");
    for list in ["/documents".to_owned(), format!("/documents?job_id={job}")] {
        assert!(app.get(&list).await.expect(200).data().is_empty());
        assert_eq!(evas.get(&list).await.expect(200).data().len(), 1);
    }
    app.get(&path).await.expect_problem(404, "not_found", &[]);
    app.get(format!("{path}/content")).await.expect_problem(404, "not_found", &[]);
    app.patch(&path).json(&json!({"private": false})).await.expect_problem(404, "not_found", &[]);
    app.delete(&path).await.expect_problem(404, "not_found", &[]);
    // the link itself is no secret
    let link = &lines(&evas, &id).await[0][4];
    assert_eq!(behind(&app, link).await.expect(200).json["contact_id"], *jana);
    evas.patch(&path).json(&json!({"private": false})).await.expect(200);
    assert_eq!(job_of(&app, &job).await.json["document_id"], *id);
}

/// MGR-M: 10,000 pass, 10,001 are refused with the number, when it is asked for and when it runs.
#[tokio::test]
async fn links_are_for_ten_thousand_contacts_at_most() {
    let app = TestApp::new().await;
    crowd(&app, 10_001).await;
    let actions = json!([{"type": "set_score", "score": 7}, links(false)[0]]);
    let body = json!({"selection": named("N"), "actions": actions});
    let refused = app.post("/contact-manager/jobs").json(&body).await;
    let refused = refused.expect_problem(422, "too_many_contacts", &["#/actions/1"]);
    assert_eq!(
        (&refused.json["limit"], &refused.json["contacts"]),
        (&json!(10_000), &json!(10_001))
    );
    // with what else is wrong with so many
    let coupon = json!({"type": "generate_coupon", "name": "Jaro", "length": 4, "valid_until": "2027-01-31"});
    let body = json!({"selection": named("N"), "actions": [coupon, links(false)[0]]});
    let refused = app.post("/contact-manager/jobs").json(&body).await;
    let places = ["#/actions/0/length", "#/actions/1"];
    let refused = refused.expect_problem(422, "validation_failed", &places);
    assert_eq!(
        (&refused.json["limit"], &refused.json["contacts"]),
        (&json!(10_000), &json!(10_001))
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs WHERE kind = 'contact_manager'"), 0);

    // who will fit later is not known yet
    let at = chrono::Utc::now() + TimeDelta::minutes(4);
    let body = json!({"selection": named("N"), "actions": actions, "run_at": at});
    let later = app.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.clock().advance(TimeDelta::minutes(5));
    app.run_jobs().await;
    let failed = job_of(&app, &later).await;
    assert_eq!(failed.json["state"], "failed", "{failed:?}");
    let problem = &failed.json["problem"];
    assert_eq!(
        (
            &problem["code"],
            &problem["limit"],
            &problem["contacts"],
            &problem["errors"][0]["pointer"]
        ),
        (&json!("too_many_contacts"), &json!(10_000), &json!(10_001), &json!("#/actions/1"))
    );
    assert_eq!(kept(&app), (0, 0));
    assert_eq!(
        app.count("SELECT count(*) AS n FROM contacts WHERE score = 7"),
        0,
        "nothing of it is done"
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM frozen_contacts"), 0);

    let job = managed(&app, in_brno(), links(false)).await;
    assert_eq!(job.json["outcomes"]["generate_links"], counts(10_000, 0, json!({})));
    let found = lines(&app, &job.text_at("/document_id")).await;
    let all = app.rows("SELECT id FROM contacts WHERE city = 'Brno' ORDER BY id");
    assert_eq!((found.len(), all.len()), (10_000, 10_000));
    let parameters = Parameters::of(&app.settings().secret, app.home().id);
    for (line, contact) in found.iter().zip(&all) {
        assert_eq!(line[0], contact["id"]);
        let id = parameters.read(parameter(&line[4])).unwrap();
        assert_eq!(id.to_string(), line[0]);
    }
    for line in found.iter().step_by(2_500) {
        assert_eq!(behind(&app, &line[4]).await.expect(200).json["contact_id"], line[0]);
    }
    app.check_invariants();
}

/// MGR-M
#[tokio::test]
async fn an_address_that_is_none_of_a_page_is_refused_with_all_other_faults() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    let at = "#/actions/0/url";
    for url in [
        "shop.example",
        "ftp://shop.example/",
        "javascript:alert(1)",
        "https://jana:x@shop.example/",
        "https://x.cz/?ktrk=1",
        "https://x.cz/ a",
    ] {
        let body = json!({"selection": named("N"), "actions": [{"type": "generate_links", "url": url, "private": 1}], "colour": 1});
        let refused = app.post("/contact-manager/jobs").json(&body).await.expect(422);
        let found: Vec<(String, String)> = refused.faults();
        assert!(found.contains(&(at.to_owned(), "invalid_value".to_owned())), "{url}: {found:?}");
        for other in ["#/actions/0/private", "#/colour"] {
            assert!(found.iter().any(|(pointer, _)| pointer == other), "{url}: {found:?}");
        }
    }
    let long = format!("https://x.cz/{}", "a".repeat(1_988));
    let body =
        json!({"selection": named("N"), "actions": [{"type": "generate_links", "url": long}]});
    app.post("/contact-manager/jobs").json(&body).await.expect_problem(422, "too_long", &[at]);
    let body = json!({"selection": named("N"), "actions": [{"type": "generate_links"}]});
    app.post("/contact-manager/jobs").json(&body).await.expect_problem(422, "missing_field", &[at]);
    assert_eq!(kept(&app), (0, 0));
}

/// MGR-5, MGR-M: contacts that whoever asked for it only sees get no link.
#[tokio::test]
async fn contacts_of_a_read_only_owner_get_no_link() {
    let app = TestApp::new().await;
    let (eva, evas) = person(&app, "eva", Role::Manager).await;
    let seen = contact(&app, json!({"last_name": "N"})).await;
    let owner = format!("/contacts/{seen}/owners/{eva}");
    app.put(owner).json(&json!({"level": "read_only"})).await.expect(200);
    let body = json!({"selection": named("N"), "actions": links(false)});
    // of nobody there is no document
    let job = evas.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.run_jobs().await;
    let done = job_of(&evas, &job).await;
    assert_eq!(
        (&done.json["state"], &done.json["document_id"]),
        (&json!("succeeded"), &Value::Null)
    );
    assert_eq!(kept(&app), (0, 0));
    let free = contact(&app, json!({"last_name": "N"})).await;
    let job = evas.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.run_jobs().await;
    let done = job_of(&evas, &job).await;
    assert_eq!(done.json["outcomes"]["generate_links"], counts(1, 0, json!({"not_permitted": 1})));
    let found = lines(&evas, &done.text_at("/document_id")).await;
    assert_eq!(found.iter().map(|line| &*line[0]).collect::<Vec<_>>(), [&*free]);
}

/// MGR-3, MGR-M: killed again and again, a job leaves one whole document.
#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_leave_one_whole_document() {
    let app = TestApp::new().await;
    crowd(&app, 3_000).await;
    let job = asked(&app, named("N"), links(false)).await.id();
    let died = work_with_deaths(
        &app,
        &[
            Moment::Rows(1),
            Moment::Rows(1),
            Moment::Statement("WITH added AS (INSERT INTO document_contacts"),
            Moment::Rows(1),
        ],
    );
    assert!(died > 0, "no worker was caught in its work");
    let done = job_of(&app, &job).await;
    assert_eq!(done.json["outcomes"]["generate_links"], counts(3_000, 0, json!({})), "{done:?}");
    assert_eq!(kept(&app), (1, 3_000));
    let id = done.text_at("/document_id");
    assert_eq!(app.get(format!("/documents/{id}")).await.expect(200).json["contacts"], 3_000);
    let mut found: Vec<String> =
        lines(&app, &id).await.into_iter().map(|line| line[4].clone()).collect();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 3_000, "each once");
    for (action, n) in [("contact.generate_link", 3_000), ("document.create", 1)] {
        let told = format!("SELECT count(*) AS n FROM audit_entries WHERE action = '{action}'");
        assert_eq!(app.count(&told), n, "{action}");
    }
    app.check_invariants();
}

/// Has a worker begin the newest job, in small chunks, and kills it on its way: it waits for a contact in the third one.
fn begun(app: &TestApp) {
    app.execute("UPDATE jobs SET crashes = 2 WHERE state = 'queued'");
    let mut holder = app.connection();
    let mut run = |sql: &str| diesel::sql_query(sql).execute(&mut holder).unwrap();
    run("BEGIN");
    run(
        "SELECT 1 FROM contacts WHERE id = (SELECT id FROM contacts ORDER BY id OFFSET 500 LIMIT 1) FOR UPDATE",
    );
    let mut child = worker(app);
    let begun = Instant::now();
    while kept(app) != (1, 400) {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not get on");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    run("COMMIT");
    app.execute(
        "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'",
    );
}

/// Who is said to have got a link has one: those of two chunks.
async fn expect_links_of_two_chunks(app: &TestApp, job: &Answer) {
    assert_eq!(job.json["outcomes"]["generate_links"], counts(400, 0, json!({})), "{job:?}");
    let id = job.text_at("/document_id");
    let document = app.get(format!("/documents/{id}")).await.expect(200);
    assert_eq!(document.json["contacts"], 400);
    let mut found: Vec<String> =
        lines(app, &id).await.into_iter().map(|line| line[0].clone()).collect();
    let (mut applied, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/contact-manager/jobs/{}/contacts?outcome=applied{cursor}", job.id());
        let page = app.get(path).await.expect(200);
        applied
            .extend(page.data().iter().map(|row| row["contact_id"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    found.sort();
    applied.sort();
    assert_eq!((found.len(), &found), (400, &applied));
    let told = format!(
        "SELECT count(*) AS n FROM audit_entries WHERE action = 'contact.generate_link' AND job_id = '{}'",
        job.id()
    );
    assert_eq!(app.count(&told), 400);
}

/// MGR-3, MGR-M: a job that is stopped on its way keeps what it has done: the links of whom it says that they got one.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_stopped_keeps_the_links_it_made() {
    let app = TestApp::new().await;
    crowd(&app, 3_000).await;
    for waits in [false, true] {
        let job = asked(&app, named("N"), links(false)).await.id();
        begun(&app);
        assert!(
            app.get("/documents").await.expect(200).data().is_empty(),
            "not before it is whole"
        );
        if waits {
            // as a worker leaves it that stops of its own will
            app.execute("UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until = NULL WHERE state = 'running'");
        }
        app.post(format!("/contact-manager/jobs/{job}/cancel")).await.expect(200);
        app.run_jobs().await;
        let stopped = job_of(&app, &job).await;
        assert_eq!(stopped.json["state"], "cancelled");
        expect_links_of_two_chunks(&app, &stopped).await;
        let id = stopped.text_at("/document_id");
        app.delete(format!("/documents/{id}")).await.expect(204);
        assert_eq!(kept(&app), (0, 0));
    }
}

/// MGR-3, MGR-M: so does a job that fails on its way.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_keeps_the_links_it_made() {
    let app = TestApp::new().await;
    crowd(&app, 3_000).await;
    let job = asked(&app, named("N"), links(false)).await.id();
    begun(&app);
    // its worker is lost once too often
    app.execute("UPDATE jobs SET attempt = max_attempts WHERE state = 'running'");
    app.run_jobs().await;
    let failed = job_of(&app, &job).await;
    assert_eq!(failed.json["state"], "failed", "{failed:?}");
    expect_links_of_two_chunks(&app, &failed).await;
}

/// MGR-M, MGR-P: who is merged or purged while a job waits has no line, or that of the winner.
#[tokio::test]
async fn contacts_that_go_are_not_in_the_document() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(
            contact(&app, json!({"last_name": "N", "email": format!("n{n}@example.com")})).await,
        );
    }
    let id = managed(&app, named("N"), links(false)).await.text_at("/document_id");
    let before = lines(&app, &id).await;
    let merge = json!({"winner_id": ids[0], "loser_ids": [ids[1]]});
    app.post("/contacts/merge").json(&merge).await.expect(200);
    let purge = json!([{"type": "delete", "mode": "purge"}]);
    let one = json!({"where": {"field": "email", "op": "eq", "value": "n2@example.com"}});
    managed(&app, one, purge).await;
    let after = lines(&app, &id).await;
    assert_eq!(after, [before[0].clone(), before[3].clone()]);
    let leads = |line: &[String]| line[4].clone();
    assert_eq!(behind(&app, &leads(&before[1])).await.expect(200).json["contact_id"], *ids[0]);
    behind(&app, &leads(&before[2])).await.expect(404);
    app.check_invariants();
}
