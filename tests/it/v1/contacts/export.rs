//! `GET /contacts/{id}/export`

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

/// A person with something in every part.
async fn furnish(app: &TestApp) -> String {
    let list = "E-mail;Jméno;Datum narození\njana@example.cz;Jana;nonsense\n";
    app.import(list, &json!({"name": "Fair"})).await;
    let id = app.get("/contacts?q=jana").await.expect(200).text_at("/data/0/id");
    let path = format!("/contacts/{id}");
    let group = app.post("/groups").json(&json!({"name": "Friends"})).await.expect(201).id();
    let kind = app.post("/contact-types").json(&json!({"name": "Person"})).await.expect(201).id();
    let body = json!({"tags": [{"name": "vip", "score": 5}], "group_ids": [group], "type_id": kind,
        "details": {"shoe": "43"}, "phone": "601123456", "last_name": "Nováková"});
    app.patch(&path).json(&body).await.expect(200);
    app.import("E-mail;Město\njana@example.cz;Brno\n", &json!({"name": "Towns"})).await;
    for private in [false, true] {
        let note = json!({"text": "She called.", "private": private});
        app.post(format!("{path}/notes")).json(&note).await.expect(201);
    }
    let consent = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent",
        "evidence": {"ip": "203.0.113.7", "form": "fair"}});
    app.post(format!("{path}/consents")).json(&consent).await.expect(201);
    let funnel = json!({"name": "Wholesale", "stages": ["Lead"]});
    let funnel = app.post("/funnels").json(&funnel).await.expect(201);
    app.put(format!("{path}/stages/{}", funnel.text_at("/stages/0/id"))).await.expect(200);
    app.execute(&format!(
        "INSERT INTO coupons (workspace_id, id, contact_id, name, name_key, code, valid_until, created_at) \
         SELECT workspace_id, gen_random_uuid(), id, 'Spring', 'spring', '7KX4MQRA', now(), now() FROM contacts WHERE id = '{id}'"
    ));
    let activity = json!({"type": "call", "subject": "Offer", "contact_ids": [id]});
    app.post("/activities").json(&activity).await.expect(201);
    let user = app.home().user;
    app.put(format!("{path}/owners/{user}")).json(&json!({"level": "main"})).await;
    for noun in ["companies", "opportunities", "projects"] {
        let record =
            app.post(format!("/{noun}")).json(&json!({"name": format!("One of {noun}")})).await;
        let record = record.expect(201).id();
        let link = format!("/{noun}/{record}/contacts/{id}");
        app.put(link).json(&json!({"role": "owner"})).await.expect(200);
    }
    let twin = json!({"first_name": "Jana", "last_name": "Nováková", "email": "jana@example.cz"});
    app.post("/contacts").json(&twin).await.expect(201);
    app.post("/duplicates/find").json(&json!({})).await.expect(202);
    app.run_jobs().await;
    let hook = json!({"url": "https://hooks.example.com/secret-path", "events": ["contact.updated"], "include": "contact"});
    app.post("/webhooks").json(&hook).await.expect(201);
    id
}

fn names(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one[member].as_str().unwrap().to_owned()).collect()
}

/// TRS-5
#[tokio::test]
async fn an_export_has_everything_that_is_kept() {
    let app = TestApp::new().await;
    let id = furnish(&app).await;
    let answer = app.get(format!("/contacts/{id}/export")).await.expect(200);
    assert_eq!(
        answer.header("content-disposition"),
        format!("attachment; filename=\"contact-{id}.json\"")
    );
    let all = &answer.json;
    assert_eq!((&all["schema"], &all["version"]), (&json!("kartoteka.contact-export"), &json!(1)));
    assert_eq!(all["contact"], app.get(format!("/contacts/{id}")).await.expect(200).json);
    assert_eq!(all["workspace"], json!({"id": app.home().id, "name": "Home"}));
    assert_eq!(
        (names(&all["tags"], "name"), &all["tags"][0]["score"]),
        (vec!["vip".into()], &json!(5))
    );
    assert_eq!(names(&all["groups"], "name"), ["Friends"]);
    assert_eq!(names(&all["types"], "name"), ["Person"]);
    assert_eq!(names(&all["funnel_stages"], "name"), ["Lead"]);
    assert_eq!(names(&all["coupons"], "code"), ["7KX4MQRA"]);
    assert_eq!(all["consents"][0]["state"], "granted");
    let entry = &all["consent_entries"][0];
    assert_eq!((&entry["ip"], &entry["evidence"]["form"]), (&json!("203.0.113.7"), &json!("fair")));
    assert!(entry["wording"].as_str().unwrap().contains("agree"));
    assert_eq!((all["notes"].as_array().unwrap().len(), &all["private_notes"]), (2, &json!(true)));
    assert_eq!(names(&all["activities"], "subject"), ["Offer"]);
    assert_eq!(names(&all["owners"], "email"), [app.home().email.clone()]);
    for noun in ["companies", "opportunities", "projects"] {
        assert_eq!(names(&all[noun], "role"), ["owner"], "{noun}");
    }
    assert_eq!(names(&all["imports"], "name"), ["Fair", "Towns"]);
    let (made, changed) = (&all["imports"][0]["rows"][0], &all["imports"][1]["rows"][0]);
    assert_eq!(made["problems"][0]["value"], "nonsense");
    assert_eq!(made["read"]["email"], "jana@example.cz");
    assert_eq!(changed["changes"]["city"], json!([null, "Brno"]));
    assert_eq!(all["duplicates"].as_array().unwrap().len(), 1);
    let receiver = json!([{"type": "webhook", "host": "hooks.example.com", "sent_the_contact": true, "enabled": true,
        "since": all["receivers"][0]["since"]}]);
    assert_eq!(all["receivers"], receiver);
    let actions = names(&all["changes"], "action");
    assert!(
        actions.contains(&"contact.update".to_owned())
            && actions.contains(&"contact.export".to_owned()),
        "{actions:?}"
    );
    assert!(!answer.text().contains("secret-path"));
    let types =
        app.get(format!("/contacts/{id}/timeline?type=changed&limit=200")).await.expect(200);
    assert!(!types.text().contains("export"), "a look is no change");
}

/// TRS-5, CON-13: in the trash too, and private notes for administrators only.
#[tokio::test]
async fn an_export_is_for_those_who_may_see_it() {
    let app = TestApp::new().await;
    let id = furnish(&app).await;
    app.delete(format!("/contacts/{id}")).await.expect(204);
    let path = format!("/contacts/{id}/export");
    let reader = app.with_scopes(&["contacts:read", "consents:read"]);
    let seen = reader.get(&path).await.expect(200);
    assert_eq!(
        (seen.json["notes"].as_array().unwrap().len(), &seen.json["private_notes"]),
        (1, &json!(false))
    );
    assert!(seen.json["contact"]["trashed_at"].is_string());
    app.with_scopes(&["contacts:read"]).get(&path).await.expect_problem(403, "forbidden", &[]);
    app.with_scopes(&["consents:read"]).get(&path).await.expect_problem(403, "forbidden", &[]);
    app.other_workspace().get(&path).await.expect_problem(404, "not_found", &[]);
    let told = "SELECT count(*) AS n FROM audit_entries WHERE action = 'contact.export' AND ip IS NOT NULL";
    assert_eq!(app.count(told), 1, "who took it, and from where");
}

/// TRS-5: a list longer than a page is whole, in order, and each item once.
#[tokio::test]
async fn long_lists_are_whole() {
    let app = TestApp::new().await;
    let id = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201).id();
    app.execute(&format!(
        "INSERT INTO contact_notes (workspace_id, id, contact_id, text, author_type, created_at, updated_at) \
         SELECT workspace_id, gen_random_uuid(), id, 'note ' || n, 'system', created_at, created_at \
         FROM contacts, generate_series(1, 1500) AS n WHERE id = '{id}'"
    ));
    let all = app.get(format!("/contacts/{id}/export")).await.expect(200);
    let mut texts = names(&all.json["notes"], "text");
    assert_eq!(texts.len(), 1500);
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 1500);
    let mut ids = names(&all.json["notes"], "id");
    ids.sort();
    assert_eq!(ids, names(&all.json["notes"], "id"));
}
