//! Tests of companies, and of what they share with opportunities and projects: lists, links, removal.

use kartoteka_domain::scopes::Role;
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

use crate::v1::contacts::notes::person;

fn names(answer: &Answer) -> Vec<String> {
    answer.data().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

/// CON-15
#[tokio::test]
async fn a_company_is_made_read_changed_and_removed() {
    let app = TestApp::new().await;
    let body = json!({"name": " Dílna  s.r.o. ", "registration_number": "270 74 358", "vat_number": "cz27074358",
        "address": {"street": "Dlouhá 5", "city": "Brno", "country": "Česko"}, "website": "https://dilna.example",
        "email": "Info@Dilna.example", "phone": "601 123 456"});
    let made = app.post("/companies").json(&body).await.expect(201);
    let path = format!("/companies/{}", made.id());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert_eq!(made.json["name"], "Dílna s.r.o.");
    assert_eq!(made.json["registration_number"], "27074358");
    assert_eq!(made.json["vat_number"], "CZ27074358");
    assert_eq!(made.json["phone"], "+420601123456");
    assert_eq!(
        made.json["address"],
        json!({"street": "Dlouhá 5", "city": "Brno", "postal_code": null, "region": null, "country": "CZ"})
    );
    let read = app.get(&path).await.expect(200);
    assert_eq!((&read.json, read.header("etag")), (&made.json, made.header("etag")));
    let changes =
        json!({"address": {"city": "Praha", "street": null}, "email": null, "name": "Dílna"});
    app.patch(&path).header("if-match", "\"old\"").json(&changes).await.expect(412);
    let changed = app.patch(&path).json(&changes).await.expect(200);
    assert_eq!((&changed.json["email"], &changed.json["name"]), (&Value::Null, &json!("Dílna")));
    assert_eq!(changed.json["address"]["city"], "Praha");
    assert_eq!(changed.json["address"]["street"], Value::Null);
    assert_eq!(changed.json["address"]["country"], "CZ", "parts are patched one by one");
    let same = app.patch(&path).json(&changes).await.expect(200);
    assert_eq!(
        same.header("etag"),
        changed.header("etag"),
        "nothing changed, so nothing is written"
    );
    let gone = app.patch(&path).json(&json!({"address": null})).await.expect(200);
    assert_eq!(gone.json["address"]["city"], Value::Null);
    let trail = app.get(format!("/audit?record_id={}", made.id())).await.expect(200);
    let fields: Vec<&Value> = trail.data().iter().map(|line| &line["changes"]["fields"]).collect();
    assert_eq!(fields[0], &json!(["city", "country"]));
    assert!(!trail.text().contains("Dílna"), "no personal data in the trail");
    app.delete(&path).header("if-match", made.header("etag")).await.expect(412);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
    app.other_workspace().get(&path).await.expect(404);
}

#[tokio::test]
async fn all_faults_of_a_company_are_told_at_once() {
    let app = TestApp::new().await;
    let body = json!({"name": "x", "email": "nonsense", "phone": "x", "website": "two words",
        "address": {"country": "Atlantis"}});
    let refused = app.post("/companies").json(&body).await;
    refused.expect_problem(
        422,
        "validation_failed",
        &["#/email", "#/phone", "#/website", "#/address/country"],
    );
    let refused = app.post("/companies").json(&json!({"name": " ", "colour": 1})).await;
    refused.expect_problem(422, "validation_failed", &["#/name", "#/colour"]);
}

/// CON-15
#[tokio::test]
async fn companies_are_listed_searched_and_sorted() {
    let app = TestApp::new().await;
    for (name, number, city) in [
        ("Žába", "1", Some("Brno")),
        ("Alfa", "2", None),
        ("Čáp", "3", Some("Aš")),
        ("Beta", "3", None),
    ] {
        let body = json!({"name": name, "registration_number": number, "address": {"city": city}});
        app.post("/companies").json(&body).await.expect(201);
    }
    assert_eq!(names(&app.get("/companies").await.expect(200)), ["Beta", "Čáp", "Alfa", "Žába"]);
    assert_eq!(
        names(&app.get("/companies?sort=name").await.expect(200)),
        ["Alfa", "Beta", "Čáp", "Žába"]
    );
    assert_eq!(
        names(&app.get("/companies?sort=city,-name").await.expect(200)),
        ["Čáp", "Žába", "Beta", "Alfa"],
        "what has no value comes last"
    );
    assert_eq!(names(&app.get("/companies?q=zab").await.expect(200)), ["Žába"]);
    assert_eq!(names(&app.get("/companies?q=brno").await.expect(200)), ["Žába"]);
    let by_number = app.get("/companies?registration_number=3&sort=name").await.expect(200);
    assert_eq!(names(&by_number), ["Beta", "Čáp"]);
    let mut walked = Vec::new();
    let mut next = String::from("/companies?sort=-name&limit=1");
    loop {
        let page = app.get(&next).await.expect(200);
        walked.extend(names(&page));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        next = format!("/companies?sort=-name&limit=1&cursor={cursor}");
    }
    assert_eq!(walked, ["Žába", "Čáp", "Beta", "Alfa"]);
    let other = next.replace("-name", "name");
    app.get(&other).await.expect_problem(422, "validation_failed", &["?cursor"]);
    app.get("/companies?sort=password").await.expect_problem(422, "invalid_sort", &["?sort"]);
    assert!(app.other_workspace().get("/companies").await.expect(200).data().is_empty());
}

/// CON-15: what is linked to contacts, for each of the three nouns.
#[tokio::test]
async fn contacts_are_linked_listed_selected_and_taken_off() {
    let app = TestApp::new().await;
    let contact = |name: &'static str| {
        let app = &app;
        async move {
            let body = json!({"first_name": name, "email": format!("{name}@example.com")});
            app.post("/contacts").json(&body).await.expect(201).id()
        }
    };
    let (jana, eva, free) = (contact("jana").await, contact("eva").await, contact("ida").await);
    let nobody = uuid::Uuid::now_v7();
    for (noun, leaf) in
        [("companies", "company"), ("opportunities", "opportunity"), ("projects", "project")]
    {
        let made = app.post(format!("/{noun}")).json(&json!({"name": "Dílna"})).await.expect(201);
        let path = format!("/{noun}/{}", made.id());
        let list = format!("{path}/contacts");
        let first =
            app.put(format!("{list}/{jana}")).json(&json!({"role": "Buyer"})).await.expect(200);
        assert_eq!((&first.json["id"], &first.json["role"]), (&json!(jana), &json!("Buyer")));
        assert_eq!(first.json["name"], "jana");
        app.put(format!("{list}/{eva}")).json(&json!({})).await.expect(200);
        app.put(format!("{list}/{nobody}")).json(&json!({})).await.expect(404);
        app.put(format!("/{noun}/{nobody}/contacts/{jana}")).json(&json!({})).await.expect(404);
        let stale = app.put(format!("{list}/{jana}")).header("if-match", "\"old\"");
        stale.json(&json!({"role": "x"})).await.expect(412);
        let page = app.get(format!("{list}?limit=1")).await.expect(200);
        assert_eq!(page.data()[0]["id"], json!(eva), "the newest contact first");
        let cursor = page.text_at("/next_cursor");
        let rest = app.get(format!("{list}?limit=1&cursor={cursor}")).await.expect(200);
        assert_eq!(rest.data(), std::slice::from_ref(&first.json));
        app.post(format!("/{noun}")).json(&json!({"name": "Other"})).await.expect(201);
        let of_jana = app.get(format!("/{noun}?contact_id={jana}")).await.expect(200);
        assert_eq!(names(&of_jana), ["Dílna"]);
        assert!(app.get(format!("/{noun}?contact_id={free}")).await.expect(200).data().is_empty());
        for (op, value, expected) in [
            ("has", json!(made.id()), vec![&eva, &jana]),
            ("has_not", json!(made.id()), vec![&free]),
            ("is_empty", Value::Null, vec![&free]),
            ("is_not_empty", Value::Null, vec![&eva, &jana]),
        ] {
            let leaf = json!({"selection": {"where": {"field": leaf, "op": op, "value": value}}});
            let found = app.post("/contacts/query").json(&leaf).await.expect(200);
            let ids: Vec<&str> = found.data().iter().map(|c| c["id"].as_str().unwrap()).collect();
            assert_eq!(ids, expected, "{noun} {op}");
        }
        app.delete(format!("/contacts/{eva}")).await.expect(204);
        let refused = app.delete(&path).await.expect_problem(409, "in_use", &[]);
        assert_eq!(refused.json["contacts"], json!({"live": 1, "trash": 1}));
        let again = app.put(format!("{list}/{eva}")).json(&json!({"role": "x"})).await;
        again.expect_problem(409, "conflict", &[]);
        let trashed = app.get(&list).await.expect(200);
        assert!(trashed.data()[0]["trashed_at"].is_string());
        app.delete(format!("{list}/{eva}")).await.expect(204);
        app.delete(format!("{list}/{eva}")).await.expect(404);
        app.post(format!("/trash/{eva}/restore")).await.expect(200);
        app.delete(format!("{list}/{jana}")).await.expect(204);
        app.delete(&path).await.expect(204);
    }
    app.check_invariants();
}

/// CON-12, TRS-2: links belong to the contact.
#[tokio::test]
async fn links_obey_owners_and_go_with_the_contact() {
    let app = TestApp::new().await;
    let contact = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201).id();
    let (user, client) = person(&app, "eva", Role::Manager).await;
    let level = json!({"level": "read_only"});
    app.put(format!("/contacts/{contact}/owners/{user}")).json(&level).await.expect(200);
    for noun in ["companies", "opportunities", "projects"] {
        let made = app.post(format!("/{noun}")).json(&json!({"name": "Dílna"})).await.expect(201);
        let link = format!("/{noun}/{}/contacts/{contact}", made.id());
        client.put(&link).json(&json!({})).await.expect_problem(403, "not_permitted", &[]);
        app.put(&link).json(&json!({})).await.expect(200);
        client.delete(&link).await.expect_problem(403, "not_permitted", &[]);
    }
    app.delete(format!("/contacts/{contact}")).await.expect(204);
    app.delete(format!("/trash/{contact}")).await.expect(204);
    app.check_invariants();
    let left = "SELECT (SELECT count(*) FROM company_contacts) + (SELECT count(*) FROM opportunity_contacts) \
        + (SELECT count(*) FROM project_contacts) AS n";
    assert_eq!(app.count(left), 0);
}
