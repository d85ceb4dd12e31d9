//! Tests of `GET /contacts/{id}/consents/proof` and of consents as of an instant (CNS-5).

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use kartoteka_app::clock::Clock;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::contact;
use crate::v1::integrity::sealed;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let text = hex.as_str().unwrap();
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// What anybody can do with the document alone: follows each entry to its seal, and the seals to one another.
/// Nothing of Kartoteka takes part.
fn check(proof: &Value) {
    let seals = proof["seals"].as_array().unwrap();
    for entry in proof["entries"].as_array().unwrap() {
        let text = entry["row"].as_str().unwrap();
        let mut hash = Sha256::digest([&[0_u8][..], text.as_bytes()].concat()).to_vec();
        assert_eq!(entry["hash"], hex(&hash), "the hash is that of the row");
        // the row says what the entry says
        let row: Value = serde_json::from_str(text).unwrap();
        for (at, name) in [(2, "contact_id"), (3, "purpose_id"), (4, "id"), (5, "action")] {
            assert_eq!(row[at], entry[name]);
        }
        let time = |value: &Value| value.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        assert_eq!(time(&row[6]), time(&entry["at"]));
        assert_eq!((&row[7], &row[8]), (&entry["actor"]["type"], &entry["actor"]["id"]));
        assert_eq!((&row[9], &row[10]), (&entry["source"]["type"], &entry["source"]["id"]));
        assert_eq!((&row[11], &row[12]), (&entry["legal_basis"], &entry["wording_version"]));
        // and names the wording by its hash
        let purposes = proof["purposes"].as_array().unwrap();
        let purpose = purposes.iter().find(|one| one["id"] == entry["purpose_id"]).unwrap();
        let wordings = purpose["wordings"].as_array().unwrap();
        let shown = wordings.iter().find(|one| one["version"] == entry["wording_version"]).unwrap();
        assert_eq!(row[13], hex(&Sha256::digest(shown["wording"].as_str().unwrap())));
        assert_eq!(row[13], shown["sha256"]);
        for step in entry["path"].as_array().unwrap() {
            let other = bytes(&step["hash"]);
            let both = match step["side"].as_str().unwrap() {
                "left" => [other, hash].concat(),
                _ => [hash, other].concat(),
            };
            hash = Sha256::digest([&[1_u8][..], both.as_slice()].concat()).to_vec();
        }
        let seal = seals.iter().find(|seal| seal["seq"] == entry["seal"]).unwrap();
        assert_eq!(seal["root"], hex(&hash), "the way leads to the root");
    }
    let mut before: Option<&Value> = None;
    for seal in seals {
        let text = seal["text"].as_str().unwrap();
        assert_eq!(seal["hash"], hex(&Sha256::digest(text)));
        let parts: Value = serde_json::from_str(text).unwrap();
        assert_eq!((&parts[3], &parts[8], &parts[9]), (&seal["seq"], &seal["rows"], &seal["root"]));
        if let Some(before) =
            before.filter(|one| one["seq"].as_i64() == Some(seal["seq"].as_i64().unwrap() - 1))
        {
            assert_eq!(parts[10], before["hash"], "each names the one before it");
        }
        before = Some(seal);
    }
}

/// CNS-5: whom, what, when, by whom, in which words, and how it is known; and it can be checked by anybody.
#[tokio::test]
async fn a_proof_says_everything_and_can_be_checked() {
    let app = TestApp::new().await;
    // others around it, so that the trees have branches
    for n in 0..5 {
        let other = contact(&app, json!({"email": format!("n{n}@x.cz")})).await;
        let grant = json!({"purpose": "sms_basic", "action": "grant", "legal_basis": "consent"});
        app.post(format!("{other}/consents")).json(&grant).await.expect(201);
    }
    let path = contact(
        &app,
        json!({"email": "Jana@x.cz", "first_name": "Jana", "phone": "+420601123456"}),
    )
    .await;
    let purpose = json!({"name": "events", "channel": "email", "title": "Invitations", "wording": "First \"words\"\nof é."});
    let purpose = app.post("/purposes").json(&purpose).await.expect(201);
    let grant = json!({"purpose": "events", "action": "grant", "legal_basis": "consent",
        "evidence": {"ip": "203.0.113.7", "user_agent": "M", "form": "f1"}});
    let first = app.post(format!("{path}/consents")).json(&grant).await.expect(201);
    app.patch(purpose.header("location"))
        .json(&json!({"wording": "Other words."}))
        .await
        .expect(200);
    app.patch(purpose.header("location"))
        .json(&json!({"wording": "Never shown."}))
        .await
        .expect(200);
    let withdraw = json!({"purpose": "events", "action": "withdraw"});
    let waiting = app.get(format!("{path}/consents/proof")).await.expect(200);
    assert_eq!(waiting.json["entries"][0]["state"], "waiting");
    assert_eq!(waiting.json["entries"][0]["seal"], Value::Null);
    sealed(&app).await;
    app.post(format!("{path}/consents")).json(&withdraw).await.expect(201);
    sealed(&app).await;
    let answer = app.get(format!("{path}/consents/proof")).await.expect(200);
    let id = path.trim_start_matches("/contacts/");
    assert_eq!(
        answer.header("content-disposition"),
        format!("attachment; filename=\"consents-{id}.json\"")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let proof = &answer.json;
    check(proof);
    assert_eq!(
        proof["contact"],
        json!({"id": id, "ids": [id], "name": "Jana", "email": "Jana@x.cz", "phone": "+420601123456"})
    );
    assert_eq!(proof["workspace"]["id"], json!(app.home().id));
    let standing: Vec<_> = proof["purposes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        standing,
        [("email_basic", "never"), ("events", "withdrawn"), ("sms_basic", "never")]
    );
    let events = &proof["purposes"][1];
    let wordings: Vec<_> = events["wordings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["version"], one["wording"].as_str().unwrap()))
        .collect();
    assert_eq!(wordings, [(&json!(1), "First \"words\"\nof é."), (&json!(3), "Never shown.")]);
    let entries = proof["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry["state"] == "sealed"));
    assert!(!entries[0]["path"].as_array().unwrap().is_empty());
    for name in
        ["id", "action", "at", "actor", "source", "legal_basis", "wording_version", "evidence"]
    {
        assert_eq!(entries[0][name], first.json[name], "{name}");
    }
    assert_eq!(entries[1]["evidence"], Value::Null);
    assert_eq!(proof["head"]["seq"], proof["seals"][1]["seq"]);
    assert_eq!(proof["head"]["hash"], proof["seals"][1]["hash"]);
    // evidence can be erased, and the rest still holds
    app.execute("DELETE FROM consent_evidence");
    let erased = app.get(format!("{path}/consents/proof")).await.expect(200);
    assert_eq!(erased.json["entries"][0]["evidence"], Value::Null);
    check(&erased.json);
}

/// CNS-5: any instant: before the first word, between two, and at the very instant of one.
#[tokio::test]
async fn consents_are_known_as_of_any_instant() {
    let app = TestApp::new().await;
    let path = contact(&app, json!({"email": "jana@x.cz"})).await;
    let mut instants = vec![app.clock().now()];
    let mut said = Vec::new();
    for action in ["grant", "withdraw", "grant"] {
        app.clock().advance(TimeDelta::minutes(1));
        let body = json!({"purpose": "email_basic", "action": action, "legal_basis": "consent"});
        said.push(app.post(format!("{path}/consents")).json(&body).await.expect(201));
        app.clock().advance(TimeDelta::minutes(1));
        instants.push(app.clock().now());
    }
    sealed(&app).await;
    let at = |instant: DateTime<Utc>| instant.to_rfc3339_opts(SecondsFormat::Micros, true);
    for (n, (instant, state)) in
        instants.iter().zip(["never", "granted", "withdrawn", "granted"]).enumerate()
    {
        let query = format!("as_of={}", at(*instant));
        let consents = app.get(format!("{path}/consents?{query}")).await.expect(200);
        assert_eq!(consents.json["current"][0]["state"], state);
        assert_eq!(consents.json["history"].as_array().unwrap().len(), n);
        let proof = app.get(format!("{path}/consents/proof?{query}")).await.expect(200);
        assert_eq!(proof.json["purposes"][0]["state"], state);
        assert_eq!(proof.json["entries"].as_array().unwrap().len(), n);
        check(&proof.json);
    }
    // the instant itself counts
    let moment: DateTime<Utc> = said[1].text_at("/at").parse().unwrap();
    for (instant, state) in
        [(moment, "withdrawn"), (moment - TimeDelta::microseconds(1), "granted")]
    {
        let proof =
            app.get(format!("{path}/consents/proof?as_of={}", at(instant))).await.expect(200);
        assert_eq!(proof.json["purposes"][0]["state"], state);
        let consents = app.get(format!("{path}/consents?as_of={}", at(instant))).await.expect(200);
        assert_eq!(consents.json["current"][0]["state"], state);
    }
    app.get(format!("{path}/consents/proof?as_of=yesterday")).await.expect_problem(
        422,
        "validation_failed",
        &["?as_of"],
    );
}

/// CNS-5: a proof does not hide that an entry is another than it was.
#[tokio::test]
async fn an_entry_that_was_changed_is_not_under_its_seal() {
    let app = TestApp::new().await;
    let path = contact(&app, json!({"email": "jana@x.cz"})).await;
    for action in ["grant", "withdraw"] {
        let body = json!({"purpose": "email_basic", "action": action, "legal_basis": "consent"});
        app.post(format!("{path}/consents")).json(&body).await.expect(201);
    }
    sealed(&app).await;
    app.execute("UPDATE consent_entries SET action = 'grant' WHERE action = 'withdraw'");
    let proof = app.get(format!("{path}/consents/proof")).await.expect(200);
    assert_eq!(proof.json["entries"][0]["state"], "sealed");
    assert_eq!(proof.json["entries"][1]["state"], "not_under_seal");
    assert_eq!(proof.json["entries"][1]["path"], json!([]));
}

/// CNS-5: of contacts in the trash too; of nobody else's, and of none that are gone.
#[tokio::test]
async fn a_proof_is_of_contacts_that_are_there() {
    let app = TestApp::new().await;
    let path = contact(&app, json!({"email": "jana@x.cz"})).await;
    let nothing = app.get(format!("{path}/consents/proof")).await.expect(200);
    assert_eq!((&nothing.json["entries"], &nothing.json["head"]), (&json!([]), &Value::Null));
    app.with_scopes(&["contacts:read"]).get(format!("{path}/consents/proof")).await.expect(403);
    app.other_workspace().get(format!("{path}/consents/proof")).await.expect_problem(
        404,
        "not_found",
        &[],
    );
    app.delete(&path).await.expect(204);
    app.get(format!("{path}/consents/proof")).await.expect(200);
    app.delete(path.replace("contacts", "trash")).await.expect(204);
    app.get(format!("{path}/consents/proof")).await.expect_problem(404, "not_found", &[]);
}
