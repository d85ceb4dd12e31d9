//! Asking for erasures, and what is told of them.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{contact, erase, erasure, journal};

/// TRS-5, CNS-8: the contact is gone, live or in the trash; its address stays suppressed, and an import cannot bring it back
/// unnoticed.
#[tokio::test]
async fn an_erased_person_is_gone_and_their_address_stays_suppressed() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jana", "email": "Jana@Example.cz", "phone": "601123456"});
    let jana = contact(&app, &body).await;
    let eva = contact(&app, &json!({"first_name": "Eva", "email": "eva@example.cz"})).await;
    let trashed = contact(&app, &json!({"first_name": "Ida", "email": "ida@example.cz"})).await;
    app.delete(format!("/contacts/{trashed}")).await.expect(204);
    for id in [&jana, &trashed] {
        let job = erase(&app, id).await;
        assert_eq!(job.json["kind"], "contacts_erase");
        assert_eq!(erasure(&app, &job).await.json["state"], "requested");
        app.get(format!("/contacts/{id}")).await.expect(200);
        app.run_jobs().await;
        app.get(format!("/contacts/{id}")).await.expect(404);
        let done = erasure(&app, &job).await;
        assert_eq!(
            (&done.json["state"], &done.json["contact_ids"]),
            (&json!("done"), &json!([id]))
        );
        assert_eq!(
            (&done.json["reason"], &done.json["also_used_by"]),
            (&json!("requested"), &json!([]))
        );
        assert_eq!(done.json["counts"]["contacts"], 1);
        assert!(done.json["erased_at"].is_string() && done.json["replayed_at"].is_null());
        // what is gone cannot be erased, nor be there for others
        app.post(format!("/contacts/{id}/erase")).json(&json!({})).await.expect(404);
    }
    app.get(format!("/contacts/{eva}")).await.expect(200);
    app.check_invariants();
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions WHERE reason = 'erasure'"), 3);
    assert_eq!(journal(&app).len(), 2);
    let told = app.count("SELECT count(*) AS n FROM audit_entries WHERE action = 'contact.erase'");
    assert_eq!(told, 2);

    let list = app.get("/erasures?limit=1").await.expect(200);
    assert_eq!(list.data()[0]["contact_ids"], json!([trashed]));
    let cursor = list.text_at("/next_cursor");
    let rest = app.get(format!("/erasures?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(
        (&rest.data()[0]["contact_ids"], &rest.json["next_cursor"]),
        (&json!([jana]), &Value::Null)
    );

    // CNS-8
    let import =
        app.import("E-mail;Jméno\nJANA@example.cz;Jana\nola@example.cz;Ola\n", &json!({})).await;
    assert_eq!(import.json["plan"]["outcomes"]["suppressed"], 1, "{import:?}");
    let rows = app.get(format!("/imports/{}/rows", import.id())).await.expect(200);
    assert_eq!(rows.data()[0]["problems"][0]["code"], "suppressed_address");
    let back = app.get("/contacts?q=jana").await.expect(200).text_at("/data/0/id");
    let path = format!("/contacts/{back}/can-send?channel=email&kind=transactional");
    assert_eq!(app.get(path).await.expect(200).json["reasons"], json!(["suppressed"]));
}

/// TRS-5: whoever says so keeps no hash.
#[tokio::test]
async fn without_suppression_nothing_is_kept_of_the_address() {
    let app = TestApp::new().await;
    let jana = contact(&app, &json!({"email": "jana@example.cz"})).await;
    let body = json!({"reason": "child", "suppress": false});
    let job = app.post(format!("/contacts/{jana}/erase")).json(&body).await.expect(202);
    app.run_jobs().await;
    let done = erasure(&app, &job).await;
    assert_eq!((&done.json["reason"], &done.json["suppress"]), (&json!("child"), &json!(false)));
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions"), 0);
}

/// TRS-5: what two share is not one's alone; with the last of them it goes.
#[tokio::test]
async fn an_address_that_somebody_else_has_stays_with_them() {
    let app = TestApp::new().await;
    let mother = contact(
        &app,
        &json!({"first_name": "Eva", "email": "family@example.cz", "phone": "601123456"}),
    )
    .await;
    let daughter = contact(&app, &json!({"first_name": "Ida", "email": "FAMILY@example.cz"})).await;
    let filter = json!({"field": "email", "op": "eq", "value": "family@example.cz"});
    let segment = json!({"name": "Family", "filter": filter});
    let segment = app.post("/segments").json(&segment).await.expect(201).id();
    let job = erase(&app, &mother).await;
    app.run_jobs().await;
    assert_eq!(erasure(&app, &job).await.json["also_used_by"], json!([daughter]));
    app.get(format!("/contacts/{daughter}")).await.expect(200);
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions WHERE channel = 'email'"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions WHERE channel = 'sms'"), 1);
    let path = format!("/segments/{segment}");
    assert_eq!(app.get(&path).await.expect(200).json["filter"], filter);
    erase(&app, &daughter).await;
    app.run_jobs().await;
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions WHERE channel = 'email'"), 1);
    let left = app.get(&path).await.expect(200);
    assert_eq!(left.json["filter"]["value"], "erased@erased.invalid");
    assert_eq!(app.post(format!("{path}/count")).await.expect(200).json["contacts"], 0);
}

/// TRS-5: by address all who have it go, and the address goes from where nobody has it.
#[tokio::test]
async fn a_person_is_erased_by_address_whoever_they_are() {
    let app = TestApp::new().await;
    let one = contact(&app, &json!({"first_name": "Jana", "email": "jana@example.cz"})).await;
    let two = contact(&app, &json!({"first_name": "J.", "email": "JANA@example.cz"})).await;
    let other = contact(&app, &json!({"first_name": "Eva", "email": "hana-jana@example.cz"})).await;
    let body = json!({"email": " Jana@EXAMPLE.cz ", "reason": "objection"});
    let job = app.post("/erasures").json(&body).await.expect(202);
    app.run_jobs().await;
    let done = erasure(&app, &job).await;
    assert_eq!(done.json["contact_ids"], json!([one, two]));
    assert_eq!(done.json["counts"]["contacts"], 2);
    app.get(format!("/contacts/{other}")).await.expect(200);

    let segment = json!({"name": "Numbers", "filter": {"field": "phone", "op": "eq", "value": "601 123 456"}});
    let segment = app.post("/segments").json(&segment).await.expect(201).id();
    let job = app.post("/erasures").json(&json!({"phone": "+420601123456"})).await.expect(202);
    app.run_jobs().await;
    let done = erasure(&app, &job).await;
    assert_eq!(
        (&done.json["contact_ids"], &done.json["counts"]["segments"]),
        (&json!([]), &json!(1))
    );
    app.post(format!("/segments/{segment}/count")).await.expect(200);
    // nothing is left of what was asked
    let left = "SELECT count(*) AS n FROM jobs WHERE payload::text ~ 'jana|601'";
    assert_eq!(app.count(left), 0);
    app.check_invariants();
}

#[tokio::test]
async fn all_faults_are_told_and_nobody_else_may() {
    let app = TestApp::new().await;
    let jana = contact(&app, &json!({"email": "jana@example.cz"})).await;
    let path = format!("/contacts/{jana}/erase");
    let refused = |body: Value| app.post("/erasures").json(&body);
    refused(json!({})).await.expect_problem(422, "validation_failed", &["#/contact_id"]);
    refused(json!({"email": "a@b.cz", "phone": "601123456"})).await.expect_problem(
        422,
        "validation_failed",
        &["#/email", "#/phone"],
    );
    refused(json!({"email": "nobody"})).await.expect_problem(
        422,
        "validation_failed",
        &["#/email"],
    );
    refused(json!({"phone": "1"})).await.expect_problem(422, "validation_failed", &["#/phone"]);
    let nobody = json!({"contact_id": uuid::Uuid::nil()});
    refused(nobody).await.expect_problem(422, "validation_failed", &["#/contact_id"]);
    app.post(format!("/contacts/{}/erase", uuid::Uuid::nil())).json(&json!({})).await.expect(404);
    let body = json!({"reason": "because", "colour": 1});
    app.post(&path).json(&body).await.expect_problem(
        422,
        "validation_failed",
        &["#/reason", "#/colour"],
    );
    for scopes in [&["contacts:delete"][..], &["consents:write"], &["contacts:write", "admin"]] {
        let client = app.with_scopes(scopes);
        client.post(&path).json(&json!({})).await.expect(403);
        client.post("/erasures").json(&json!({"email": "jana@example.cz"})).await.expect(403);
    }
    let other = app.other_workspace();
    other.post(&path).json(&json!({})).await.expect(404);
    let job = other.post("/erasures").json(&json!({"email": "jana@example.cz"})).await.expect(202);
    app.get(format!("/erasures/{}", job.text_at("/subject/id"))).await.expect(404);
    app.run_jobs().await;
    app.get(format!("/contacts/{jana}")).await.expect(200);
    assert!(app.get("/erasures").await.expect(200).data().is_empty());
}

/// CON-12: who may not delete a contact as its owner may not erase it.
#[tokio::test]
async fn an_owner_who_may_not_delete_may_not_erase() {
    let app = TestApp::new().await;
    let jana = contact(&app, &json!({"email": "jana@example.cz"})).await;
    let user = json!({"email": "petr@example.com", "role": "manager", "password": "correct horse battery staple"});
    let user = app.post("/users").json(&user).await.expect(201).id();
    for (id, level) in [(app.home().user.0.to_string(), "main"), (user.clone(), "co_owner")] {
        let path = format!("/contacts/{jana}/owners/{id}");
        app.put(path).json(&json!({ "level": level })).await;
    }
    let scopes = ["contacts:delete", "consents:write"].map(|word| word.parse().unwrap()).into();
    let actor = kartoteka_domain::actor::Actor::User(user.parse().unwrap());
    let petr = app.client_of(actor, app.home().id, &scopes);
    let refused = petr.post(format!("/contacts/{jana}/erase")).json(&json!({})).await;
    refused.expect_problem(403, "not_permitted", &[]);
    let refused = petr.post("/erasures").json(&json!({"email": "jana@example.cz"})).await;
    refused.expect_problem(403, "not_permitted", &[]);
    erase(&app, &jana).await;
    app.run_jobs().await;
}

/// Two who ask at once get one erasure, and a repeated request its first answer.
#[tokio::test]
async fn two_erasures_at_once_are_one() {
    let app = TestApp::new().await;
    let jana = contact(&app, &json!({"email": "jana@example.cz"})).await;
    let path = format!("/contacts/{jana}/erase");
    let ask = || app.post(&path).json(&json!({}));
    let (one, two) = tokio::join!(ask(), ask());
    assert_eq!(one.expect(202).id(), two.expect(202).id());
    // by address it is the same person
    let by = app.post("/erasures").json(&json!({"email": "jana@example.cz"})).await.expect(202);
    assert_eq!(app.get("/erasures").await.expect(200).data()[0]["job_id"], json!(by.id()));
    assert_eq!(app.run_jobs().await, 1);
    assert_eq!(journal(&app).len(), 1);
    let cancel = app.post(format!("/jobs/{}/cancel", by.id())).await;
    cancel.expect_problem(409, "job_not_cancellable", &[]);
}

/// What is asked for is carried out: the journal may name it already.
#[tokio::test]
async fn an_erasure_cannot_be_cancelled() {
    let app = TestApp::new().await;
    let jana = contact(&app, &json!({"email": "jana@example.cz"})).await;
    let job = erase(&app, &jana).await;
    let path = format!("/jobs/{}/cancel", job.id());
    app.post(&path).await.expect_problem(409, "job_not_cancellable", &[]);
    assert_eq!(app.get(format!("/jobs/{}", job.id())).await.expect(200).json["state"], "queued");
    app.run_jobs().await;
    app.get(format!("/contacts/{jana}")).await.expect(404);
}
