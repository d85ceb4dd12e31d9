//! `POST /contacts/merge`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use kartoteka_tests::TestApp;
use kartoteka_tests::receiver::{Received, Receiver};

use super::{HANGING, Things, consents, contact, declare, merged, request, shown};

/// CON-16
#[tokio::test]
async fn several_contacts_become_one() {
    let app = TestApp::new().await;
    let body =
        json!({"first_name": "Jana", "email": "Jana@example.com", "details": {"size": "38"}});
    let winner = contact(&app, body).await;
    let body = json!({"first_name": "Johana", "last_name": "Nováková", "phone": "+420601123456",
        "details": {"size": "40", "hat": "M"}, "state": "customer", "address": {"city": "Brno"}});
    let first = contact(&app, body).await;
    let second = contact(&app, json!({"last_name": "Malá", "birth_date": "1990-05-01"})).await;
    let answer = merged(&app, &winner, &[&first, &second]).await;
    assert_eq!(answer.json["dry_run"], false);
    assert_eq!(answer.json["loser_ids"], json!([first, second]));
    let after = app.get(format!("/contacts/{winner}")).await.expect(200);
    assert_eq!(after.json, answer.json["contact"]);
    for (field, value) in [
        ("first_name", json!("Jana")),
        ("last_name", json!("Nováková")),
        ("email", json!("Jana@example.com")),
        ("phone", json!("+420601123456")),
        ("birth_date", json!("1990-05-01")),
        ("details", json!({"size": "38", "hat": "M"})),
        ("state", json!("customer")),
    ] {
        assert_eq!(after.json[field], value, "{field}");
    }
    assert_eq!(after.json["address"]["city"], "Brno");
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 1);
    assert_eq!(app.count("SELECT sum(live)::bigint AS n FROM workspace_usage"), 1);
    // the merge is there to be read
    let merge = app.get(answer.header("location")).await.expect(200);
    assert_eq!(merge.header("etag"), answer.header("etag"));
    assert_eq!(merge.json["winner_id"], winner.as_str());
    assert_eq!(merge.json["undone_at"], Value::Null);
    for id in [&winner, &first, &second] {
        let list = app.get(format!("/merges?contact_id={id}")).await.expect(200);
        assert_eq!(list.data(), std::slice::from_ref(&merge.json));
    }
    // found by what was the loser's, once
    assert_eq!(app.get("/contacts?q=nova").await.expect(200).data().len(), 1);
    app.check_invariants();
}

/// CON-16: all that hangs on the losers hangs on the winner afterwards; what they share is there once.
#[tokio::test]
async fn everything_the_losers_had_is_the_winners() {
    let app = TestApp::new().await;
    let things = Things::make(&app).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(contact(&app, json!({"first_name": format!("N{n}")})).await);
        things.hang_on(&app, &ids[n], n).await;
    }
    // what is shared: the higher score, the higher level and the role that is there win
    app.put(format!("/contacts/{}/tags/tag2", ids[0])).json(&json!({"score": 1})).await.expect(200);
    let level = json!({"level": "read_only"});
    let owner = format!("/contacts/{}/owners/{}", ids[1], things.users[0]);
    app.put(owner).json(&level).await.expect(200);
    let link = format!("/companies/{}/contacts/{}", things.companies[1], ids[0]);
    app.put(link).json(&json!({})).await.expect(200);
    let both = json!({"type": "meeting", "subject": "both", "contact_ids": [ids[0], ids[1]]});
    app.post("/activities").json(&both).await.expect(201);

    let answer = merged(&app, &ids[0], &[&ids[1], &ids[2]]).await;
    assert_eq!(
        answer.json["moves"],
        json!({"tags": 1, "groups": 2, "funnel_stages": 2, "owners": 2, "companies": 1, "opportunities": 2,
            "projects": 2, "activities": 2, "notes": 2, "coupons": 2})
    );
    let after = &answer.json["contact"];
    assert_eq!(
        after["tags"],
        json!([{"name": "tag0", "score": 0}, {"name": "tag1", "score": 1}, {"name": "tag2", "score": 2}])
    );
    let mut groups = things.groups.clone();
    groups.sort();
    assert_eq!(after["group_ids"], json!(groups));
    let stages: Vec<&Value> =
        after["funnel_stages"].as_array().unwrap().iter().map(|stage| &stage["id"]).collect();
    assert_eq!(json!(stages), json!(things.stages));
    let levels: Vec<&Value> =
        after["owners"].as_array().unwrap().iter().map(|owner| &owner["level"]).collect();
    assert_eq!(levels, ["main", "co_owner", "read_only"]);
    for (table, count) in HANGING.into_iter().zip([3, 3, 3, 3, 3, 3, 3, 4, 3, 3, 1]) {
        let all = app.count(&format!("SELECT count(*) AS n FROM {table}"));
        let of = format!("SELECT count(*) AS n FROM {table} WHERE contact_id = '{}'", ids[0]);
        assert_eq!((all, app.count(&of)), (count, count), "{table}");
    }
    let roles = app.rows("SELECT role FROM company_contacts ORDER BY role");
    assert_eq!(json!(roles), json!([{"role": "role 0"}, {"role": "role 1"}, {"role": "role 2"}]));
    let notes = app.get(format!("/contacts/{}/notes", ids[0])).await.expect(200);
    assert_eq!(notes.data().len(), 3);
    app.check_invariants();
}

/// CON-16: what the request says counts more than who has the value first.
#[tokio::test]
async fn fields_are_taken_from_whom_the_request_names() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jana", "email": "a@example.com", "phone": "+420601123456",
        "address": {"street": "Dlouhá 1", "city": "Brno"}});
    let winner = contact(&app, body).await;
    let body = json!({"first_name": "Johana", "email": "b@example.com",
        "address": {"street": "Krátká 2", "city": "Praha"}, "details": {"a/b": 1}});
    let loser = contact(&app, body).await;
    let fields = json!({"first_name": loser, "email": loser, "phone": loser, "address": loser,
        "address.city": winner, "details.a/b": winner});
    let body = json!({"winner_id": winner, "loser_ids": [loser], "fields": fields});
    let answer = app.post("/contacts/merge").json(&body).await.expect(200);
    let after = &answer.json["contact"];
    assert_eq!(after["first_name"], "Johana");
    assert_eq!(after["email"], "b@example.com");
    assert_eq!(after["phone"], Value::Null);
    assert_eq!(after["address"]["street"], "Krátká 2");
    assert_eq!(after["address"]["city"], "Brno");
    assert_eq!(after["details"], json!({}));
    app.check_invariants();
}

/// CON-16: a wish not to be written to holds, on whichever of them it was said.
#[tokio::test]
async fn the_most_restrictive_consent_wins() {
    let app = TestApp::new().await;
    let purpose =
        |name: &str| json!({"name": name, "channel": "email", "title": name, "wording": "Yes."});
    for name in ["a", "b", "c", "d"] {
        app.post("/purposes").json(&purpose(name)).await.expect(201);
    }
    let winner = contact(&app, json!({"first_name": "W", "email": "w@example.com"})).await;
    let loser = contact(&app, json!({"first_name": "L", "email": "w@example.com"})).await;
    // a: only the winner gave it; b: only the loser; c: the loser took it back before; d: the winner took it back
    declare(&app, &winner, "a", "grant").await;
    declare(&app, &loser, "b", "grant").await;
    declare(&app, &loser, "c", "withdraw").await;
    app.clock().advance(TimeDelta::minutes(1));
    declare(&app, &winner, "c", "grant").await;
    declare(&app, &winner, "d", "withdraw").await;
    app.clock().advance(TimeDelta::minutes(1));
    declare(&app, &loser, "d", "grant").await;
    let unsubscribe = json!({"subscribed": false});
    app.put(format!("/contacts/{loser}/subscription")).json(&unsubscribe).await.expect(200);
    app.put(format!("/contacts/{loser}/mute")).json(&json!({"muted": true})).await.expect(200);
    app.execute(&format!("UPDATE contacts SET email_invalid_at = now() WHERE id = '{loser}'"));

    let answer = merged(&app, &winner, &[&loser]).await;
    let wanted = json!({"a": "granted", "b": "granted", "c": "withdrawn", "d": "withdrawn"});
    assert_eq!(consents(&app, &winner).await, wanted);
    let told = answer.json["consents"].as_array().unwrap().iter();
    let told: serde_json::Map<_, _> = told
        .map(|consent| (consent["purpose"].as_str().unwrap().to_owned(), consent["state"].clone()))
        .collect();
    assert_eq!(Value::Object(told), wanted);
    let communication = &answer.json["contact"]["communication"];
    assert_eq!(communication["subscribed"], false);
    assert_eq!(communication["muted"], true);
    assert_eq!(communication["email"], "invalid");
    assert_eq!(
        answer.json["communication"],
        json!({"subscribed": false, "muted": true, "email_invalid": true})
    );
    // the ledger says by what, and shows what both had declared, with its proof
    let ledger = app.get(format!("/contacts/{winner}/consents")).await.expect(200);
    let history = ledger.json["history"].as_array().unwrap();
    assert_eq!(history.len(), 6 + 2, "{ledger:?}");
    let by_merge: Vec<&Value> =
        history.iter().filter(|entry| entry["source"]["type"] == "merge").collect();
    assert_eq!(by_merge.len(), 2);
    assert!(by_merge.iter().all(|entry| entry["source"]["id"] == answer.json["id"]));
    assert_eq!(history.iter().filter(|entry| entry["evidence"]["ip"] == "203.0.113.7").count(), 6);
    app.check_invariants();
}

/// A bounce belongs to its address.
#[tokio::test]
async fn a_bounce_of_an_address_that_is_not_taken_is_not_taken_either() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"email": "w@example.com"})).await;
    let loser = contact(&app, json!({"email": "l@example.com"})).await;
    app.execute(&format!("UPDATE contacts SET email_invalid_at = now() WHERE id = '{loser}'"));
    let fields = json!({"email": loser});
    let body = |fields: Value| json!({"winner_id": winner, "loser_ids": [loser], "fields": fields, "dry_run": true});
    let plain = app.post("/contacts/merge").json(&body(json!({}))).await.expect(200);
    assert_eq!(plain.json["communication"]["email_invalid"], false);
    let taken = app.post("/contacts/merge").json(&body(fields)).await.expect(200);
    assert_eq!(taken.json["communication"]["email_invalid"], true);
}

/// CON-16, CON-18, AUD-1: what happened to the losers is told of the winner.
#[tokio::test]
async fn timeline_and_audit_of_the_winner_tell_what_the_losers_had() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L", "email": "l@example.com"})).await;
    app.patch(format!("/contacts/{loser}")).json(&json!({"score": 3})).await.expect(200);
    declare(&app, &loser, "email_basic", "grant").await;
    let import = app.import("E-mail;Město\nl@example.com;Brno\n", &json!({})).await;
    assert_eq!(import.json["summary"]["updated"], 1, "{import:?}");
    let answer = merged(&app, &winner, &[&loser]).await;
    let of = |kind: &'static str| {
        let app = &app;
        let winner = &winner;
        async move {
            let path = format!("/contacts/{winner}/timeline?type={kind}");
            app.get(path).await.expect(200).data().to_vec()
        }
    };
    let merges = of("merged").await;
    assert_eq!(merges.len(), 1, "{merges:?}");
    assert_eq!(merges[0]["data"]["loser_ids"], json!([loser]));
    assert_eq!(merges[0]["data"]["merge_id"], answer.json["id"]);
    assert_eq!(of("changed").await.len(), 1);
    assert_eq!(of("consent").await.len(), 2);
    assert_eq!(of("import").await.len(), 1);
    let trail = app.get(format!("/audit?record_id={winner}")).await.expect(200);
    let actions: Vec<&str> =
        trail.data().iter().map(|line| line["action"].as_str().unwrap()).collect();
    for action in ["contact.merge", "contact.merged", "contact.update", "consent.grant"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    assert_eq!(actions.iter().filter(|action| **action == "contact.create").count(), 2);
}

/// PLT-3
#[tokio::test]
async fn webhooks_hear_of_it() {
    let (app, receiver) = (TestApp::new().await, Receiver::start());
    let events = [
        "contact.updated",
        "contact.merged",
        "contact.unmerged",
        "consent.granted",
        "consent.withdrawn",
    ];
    let body = json!({"url": receiver.url("/hook"), "events": events});
    app.post("/webhooks").json(&body).await.expect(201);
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L", "last_name": "Nováková"})).await;
    declare(&app, &loser, "email_basic", "grant").await;
    let merge = merged(&app, &winner, &[&loser]).await;
    app.post(format!("/merges/{}/undo", merge.id())).await.expect(200);
    app.send_webhooks().await;
    let messages = receiver.received();
    let of = |id: &str| {
        let subject = |message: &&Received| {
            let data = &message.json["data"];
            data["contact_id"] == id || data["id"] == id
        };
        messages.iter().filter(subject).collect::<Vec<_>>()
    };
    let words = |messages: &[&Received]| {
        messages.iter().map(|message| message.event().to_owned()).collect::<Vec<_>>()
    };
    let (of_winner, of_loser) = (of(&winner), of(&loser));
    assert_eq!(
        words(&of_winner),
        ["consent.granted", "contact.updated", "consent.withdrawn", "contact.updated"]
    );
    assert_eq!(words(&of_loser), ["consent.granted", "contact.merged", "contact.unmerged"]);
    assert_eq!(of_winner[1].json["data"]["changed"], json!(["last_name", "consents"]));
    for message in &of_loser[1..] {
        assert_eq!(message.json["data"]["winner_id"], winner.as_str());
        assert_eq!(message.json["data"]["merge_id"], merge.json["id"]);
    }
    assert!(messages.iter().all(|message| !message.text.contains("Nováková")));
}

/// The same request under one key merges once.
#[tokio::test]
async fn a_merge_that_is_asked_for_again_is_answered_again() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let send = || request(&app, &winner, &[&loser]).header("idempotency-key", "once");
    let first = send().await.expect(200);
    let second = send().await.expect(200);
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(first.json, second.json);
    assert_eq!(app.count("SELECT count(*) AS n FROM merges"), 1);
}

/// CON-16: of two merges that share contacts one is done, and the other hears what became of them.
#[tokio::test]
async fn of_two_merges_at_once_one_wins() {
    let app = TestApp::new().await;
    for round in 0..8 {
        let mut ids = Vec::new();
        for n in 0..3 {
            ids.push(contact(&app, json!({"first_name": format!("N{round}-{n}")})).await);
        }
        let before = app.count("SELECT count(*) AS n FROM contacts");
        // the same pair both ways, and a third that both want
        let (forth, back) = ([&ids[1], &ids[2]], [&ids[0], &ids[2]]);
        let calls = (
            request(&app, &ids[0], &forth).into_future(),
            request(&app, &ids[1], &back).into_future(),
        );
        let (one, other) = futures_util::future::join(calls.0, calls.1).await;
        let (done, refused, winner) = match one.status {
            200 => (one, other, &ids[0]),
            _ => (other, one, &ids[1]),
        };
        done.expect(200);
        let refused = refused.expect_problem(409, "contact_merged", &[]);
        for merged in refused.json["merged"].as_array().unwrap() {
            assert_eq!(merged["winner_id"], winner.as_str());
        }
        assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), before - 2);
        app.check_invariants();
    }
}

/// CON-16: duplicates that were merged are offered no more; that two are two is remembered of the winner.
#[tokio::test]
async fn duplicates_of_the_losers_are_the_winners() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jana", "last_name": "Nováková", "email": "j@example.com"});
    let (winner, loser) = (contact(&app, body.clone()).await, contact(&app, body.clone()).await);
    let other = contact(&app, body).await;
    app.post("/duplicates/find").json(&json!({})).await.expect(202);
    app.run_jobs().await;
    assert_eq!(app.get("/duplicates").await.expect(200).data().len(), 3);
    app.put(format!("/duplicates/rejections/{loser}/{other}")).await.expect(200);
    merged(&app, &winner, &[&loser]).await;
    // the winner and the other are two since the loser and the other are
    assert_eq!(app.get("/duplicates").await.expect(200).data().len(), 0);
    app.get(format!("/duplicates/rejections/{winner}/{other}")).await.expect(200);
    request(&app, &winner, &[&other]).await.expect_problem(409, "never_merge", &[]);
    app.post("/duplicates/find").json(&json!({})).await.expect(202);
    app.run_jobs().await;
    assert_eq!(app.get("/duplicates").await.expect(200).data().len(), 0);
    app.check_invariants();
}

/// A job that meant a contact which was merged meanwhile says so, and leaves the winner alone.
#[tokio::test]
async fn a_bulk_edit_passes_over_who_was_merged() {
    let app = TestApp::new().await;
    let winner = contact(&app, json!({"first_name": "W"})).await;
    let loser = contact(&app, json!({"first_name": "L"})).await;
    let body = json!({"ids": [loser], "changes": {"tags": {"add": ["vip"]}}});
    let job = app.post("/contacts/bulk-edit").json(&body).await.expect(202);
    merged(&app, &winner, &[&loser]).await;
    app.run_jobs().await;
    let job = app.get(job.header("location")).await.expect(200);
    assert_eq!(job.json["counts"]["skipped"], json!({"merged": 1}), "{job:?}");
    assert_eq!(shown(&app, &winner).await["tags"], json!([]));
}
