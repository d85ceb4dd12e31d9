//! Tests of `POST /duplicates/find`.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use crate::deaths::{Moment, work_with_deaths};

use super::{contact, jan, left_over, like_jan, pair, pairs, searched};

/// CON-16: exact and fuzzy, with scores and reasons; a job with progress and counts.
#[tokio::test]
async fn contacts_that_are_one_are_found_with_reasons() {
    let app = TestApp::new().await;
    let known = contact(&app, jan()).await;
    let folded = contact(
        &app,
        like_jan(json!({"first_name": "HONZA", "last_name": "novak", "email": null})),
    )
    .await;
    contact(&app, json!({"first_name": "Eva", "last_name": "Malá", "email": "eva@example.com"}))
        .await;
    let job = searched(&app, &json!({})).await;
    assert_eq!(job.json["kind"], "duplicates_find");
    assert_eq!(job.json["progress"], json!({"done": 6, "total": 6}));
    assert_eq!(job.json["counts"], json!({"contacts": 3, "compared": 1, "pairs": 1}));
    let list = app.get("/duplicates").await.expect(200);
    assert_eq!(pairs(&list), [pair(&known, &folded)]);
    let found = &list.data()[0];
    assert_eq!(found["kind"], "exact");
    assert!(found["score"].as_f64().unwrap() > 0.95, "{found}");
    assert_eq!(found["contacts"][0]["name"], "Jan Novák");
    let reasons = found["reasons"].as_array().unwrap();
    let level = |field: &str| {
        reasons.iter().find(|reason| reason["field"] == field).map(|reason| reason["level"].clone())
    };
    assert_eq!(level("first_name"), Some(json!("familiar_form")));
    assert_eq!(level("last_name"), Some(json!("same")));
    assert_eq!(level("phone"), Some(json!("same")));
    assert_eq!(level("email"), None, "one has none");
    assert_eq!(left_over(&app), 0);
    let trail = app.get("/audit?action=duplicate.find").await.expect(200);
    assert_eq!(trail.data().len(), 1);
    assert_eq!(trail.data()[0]["job_id"], json!(job.id()));
    assert!(!trail.text().contains("Novák"), "no personal data in the trail");
}

/// CON-16: one equal key is enough where nothing speaks against it.
#[tokio::test]
async fn equal_keys_are_pairs() {
    let app = TestApp::new().await;
    let mut expected = Vec::new();
    for (one, other) in [
        (
            json!({"email": "Eva@Example.com"}),
            json!({"email": "eva@example.COM", "last_name": "Malá"}),
        ),
        (json!({"phone": "+420601123456"}), json!({"phone": "601 123 456", "first_name": "Ida"})),
        (json!({"external_id": "K-7"}), json!({"external_id": "K-7", "first_name": "Olga"})),
    ] {
        expected.push(pair(&contact(&app, one).await, &contact(&app, other).await));
    }
    searched(&app, &json!({})).await;
    let list = app.get("/duplicates").await.expect(200);
    let mut found = pairs(&list);
    found.sort();
    assert_eq!(found, expected);
    assert!(list.data().iter().all(|pair| pair["kind"] == "exact"));
}

/// CON-16: whoever shares a household, a phone or the mailbox of an office is not one.
#[tokio::test]
async fn people_who_only_look_like_one_are_not_found() {
    let app = TestApp::new().await;
    contact(&app, jan()).await;
    // the son, the twin, the wife
    contact(&app, like_jan(json!({"birth_date": "1998-02-11", "email": "junior@example.com"})))
        .await;
    contact(&app, like_jan(json!({"first_name": "Petr", "email": null}))).await;
    contact(
        &app,
        like_jan(json!({"first_name": "Jana", "last_name": "Nováková", "birth_date": null, "email": null})),
    )
    .await;
    for name in ["Ida", "Olga", "Ema"] {
        contact(&app, json!({"first_name": name, "email": "info@example.com"})).await;
    }
    let job = searched(&app, &json!({})).await;
    assert_eq!(job.json["counts"]["pairs"], 0, "{:?}", app.get("/duplicates").await);
    assert_eq!(app.get("/duplicates").await.expect(200).data().len(), 0);
}

/// CON-16, SEG-1: among the contacts of a selection only; what is known of others stays.
#[tokio::test]
async fn a_search_keeps_to_its_selection() {
    let app = TestApp::new().await;
    let in_city = |city: &str, n: u32| json!({"first_name": "Jan", "last_name": "Kůň", "email": format!("kun{n}@example.com"), "address": {"city": city}});
    let brno = [contact(&app, in_city("Brno", 1)).await, contact(&app, in_city("Brno", 1)).await];
    let praha =
        [contact(&app, in_city("Praha", 2)).await, contact(&app, in_city("Praha", 2)).await];
    let of = |city: &str| json!({"selection": {"where": {"field": "address.city", "op": "eq", "value": city}}});
    searched(&app, &of("Brno")).await;
    let expected = pair(&brno[0], &brno[1]);
    assert_eq!(pairs(&app.get("/duplicates").await), std::slice::from_ref(&expected));
    searched(&app, &of("Praha")).await;
    let mut both = pairs(&app.get("/duplicates").await);
    both.sort();
    assert_eq!(both, [expected.clone(), pair(&praha[0], &praha[1])]);
    // one that is no pair any more goes with the next search that looks at both
    app.patch(format!("/contacts/{}", praha[0]))
        .json(&json!({"email": "other@example.com", "first_name": "Ema", "last_name": "Malá"}))
        .await
        .expect(200);
    searched(&app, &of("Brno")).await;
    assert_eq!(app.get("/duplicates").await.data().len(), 2);
    searched(&app, &json!({"selection": null})).await;
    assert_eq!(pairs(&app.get("/duplicates").await), [expected]);
}

/// CON-16: all faults at once, one search at a time.
#[tokio::test]
async fn what_is_wrong_with_a_search_is_told() {
    let app = TestApp::new().await;
    let body =
        json!({"selection": {"where": {"field": "shoe", "op": "eq", "value": 1}}, "colour": 1});
    app.post("/duplicates/find").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &["#/colour", "#/selection/where/field"],
    );
    let job = app.post("/duplicates/find").json(&json!({})).await.expect(202);
    app.post("/duplicates/find").json(&json!({})).await.expect_problem(409, "conflict", &[]);
    app.other_workspace().post("/duplicates/find").json(&json!({})).await.expect(202);
    app.post(format!("/jobs/{}/cancel", job.id())).await.expect(200);
    app.run_jobs().await;
    assert_eq!(app.get(job.header("location")).await.json["state"], "cancelled");
    searched(&app, &json!({})).await;
}

/// CON-16: an empty base is searched too.
#[tokio::test]
async fn nobody_is_compared_with_nobody() {
    let app = TestApp::new().await;
    let job = searched(&app, &json!({})).await;
    assert_eq!(job.json["counts"], json!({"contacts": 0, "compared": 0, "pairs": 0}));
    contact(&app, jan()).await;
    let job = searched(&app, &json!({})).await;
    assert_eq!(job.json["counts"], json!({"contacts": 1, "compared": 0, "pairs": 0}));
}

/// CON-16: workspaces know nothing of each other.
#[tokio::test]
async fn contacts_of_another_workspace_are_not_compared() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    contact(&app, jan()).await;
    contact(&other, jan()).await;
    let job = searched(&app, &json!({})).await;
    assert_eq!(job.json["counts"], json!({"contacts": 1, "compared": 0, "pairs": 0}));
    assert_eq!(other.get("/duplicates").await.expect(200).data().len(), 0);
}

const CROWD: i64 = 900;

/// CON-16: killed again and again, the search ends as one that nobody touched; cancelled between steps, it keeps
/// nothing but what it found.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_search_ends_the_same() {
    let app = TestApp::new().await;
    let names = ["Jan Novák", "Eva Malá", "Petr Svoboda", "Ida Dvořáková", "Karel Kůň"];
    let rows: Vec<String> = (0..CROWD)
        .map(|n| {
            // every third repeats the one before, without a mailbox
            let (who, mail) =
                if n % 3 == 2 { (n - 1, String::new()) } else { (n, format!("n{n}@example.com")) };
            let name = names[usize::try_from(who).unwrap() % names.len()];
            format!("{mail},{name}ov{},+4206011{who:05}", who % 70)
        })
        .collect();
    let list = format!("e-mail,full name,phone\n{}\n", rows.join("\n"));
    let import = app.import(list, &json!({})).await;
    assert_eq!(import.json["summary"]["created"], CROWD, "{import:?}");
    app.execute("DELETE FROM frozen_contacts");
    let found = || -> Vec<Value> {
        app.rows("SELECT jsonb_build_array(contact_id, other_id, score, exact, reasons) AS row FROM duplicate_pairs ORDER BY contact_id, other_id")
    };
    let untouched = searched(&app, &json!({})).await;
    let expected = found();
    assert!(expected.len() >= 300, "{}", expected.len());
    app.execute("DELETE FROM duplicate_pairs");

    let job = app.post("/duplicates/find").json(&json!({})).await.expect(202);
    let died = work_with_deaths(&app, &[Moment::Rows(1); 3]);
    assert!(died > 0, "no worker was caught in its work");
    let ended = app.get(job.header("location")).await.expect(200);
    assert_eq!(ended.json["state"], "succeeded", "{ended:?}");
    assert_eq!(ended.json["counts"], untouched.json["counts"]);
    assert_eq!(found(), expected);
    assert_eq!(left_over(&app), 0);
    app.check_invariants();
}
