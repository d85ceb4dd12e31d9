//! `salutations` of a contact: proposed, written over, cleared

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

/// The two texts and where they come from.
fn addressed(contact: &Value) -> (&Value, &Value) {
    (&contact["salutations"], &contact["salutation_sources"])
}

/// CMP-6: proposed from name, gender, titles and language, wherever a contact is shown, and nothing of it is kept.
#[tokio::test]
async fn salutations_are_proposed_and_follow_the_contact() {
    let app = TestApp::new().await;
    let jana = json!({"first_name": "Jana", "last_name": "Nováková", "gender": "female", "language": "cs"});
    let made = app.post("/contacts").json(&jana).await.expect(201);
    let path = format!("/contacts/{}", made.id());
    let proposed =
        (&json!(["Vážená paní Nováková", "Milá Jano"]), &json!(["proposed", "proposed"]));
    assert_eq!(addressed(&made.json), proposed);
    assert_eq!(addressed(&app.get(&path).await.expect(200).json), proposed);
    assert_eq!(addressed(&app.get("/contacts").await.data()[0]), proposed);
    let found = app.post("/contacts/query").json(&json!({"selection": {}})).await.expect(200);
    assert_eq!(addressed(&found.data()[0]), proposed);
    for (change, salutations) in [
        (json!({"title_before": "MUDr."}), ["Vážená paní doktorko Nováková", "Milá Jano"]),
        (json!({"last_name": "Malá"}), ["Vážená paní doktorko Malá", "Milá Jano"]),
        (json!({"language": "pl"}), ["Szanowna Pani Doktor", "Droga Jano"]),
        (json!({"language": "hu"}), ["Tisztelt Malá Doktornő", "Kedves Jana"]),
        (json!({"language": "de"}), ["Sehr geehrte Frau Dr. Malá", "Liebe Jana"]),
        (json!({"language": "en"}), ["Dear Dr Malá", "Dear Jana"]),
        (json!({"language": "cs", "gender": "other"}), ["Dobrý den", "Dobrý den"]),
        (json!({"gender": null, "title_before": null}), ["Vážená paní Malá", "Milá Jano"]),
        (
            json!({"first_name": "Petr", "last_name": "Novák-Svoboda"}),
            ["Vážený pane Nováku-Svobodo", "Milý Petře"],
        ),
    ] {
        let changed = app.patch(&path).json(&change).await.expect(200);
        assert_eq!(changed.json["salutations"], json!(salutations), "{change}");
    }
    // a gender that was guessed is told to nobody and kept nowhere
    assert_eq!(app.get(&path).await.json["gender"], Value::Null);
    let kept = "SELECT count(*) AS n FROM contacts WHERE salutation_formal IS NOT NULL OR gender IS NOT NULL";
    assert_eq!(app.count(kept), 0);
    app.delete(&path).await.expect(204);
    assert_eq!(
        app.get("/trash").await.data()[0]["salutations"],
        json!(["Vážený pane Nováku-Svobodo", "Milý Petře"])
    );
}

/// CMP-6: what somebody wrote is kept, whatever else changes; clearing it brings the proposal back.
#[tokio::test]
async fn what_was_written_stays_until_it_is_cleared() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jana", "last_name": "Nováková", "salutations": ["  Milá\tkolegyně ", null]});
    let made = app.post("/contacts").json(&body).await.expect(201);
    let path = format!("/contacts/{}", made.id());
    assert_eq!(
        addressed(&made.json),
        (&json!(["Milá kolegyně", "Milá Jano"]), &json!(["written", "proposed"]))
    );
    for (change, salutations, sources) in [
        (
            json!({"last_name": "Malá", "first_name": "Eva"}),
            ["Milá kolegyně", "Milá Evo"],
            ["written", "proposed"],
        ),
        (
            json!({"salutations": ["Milá kolegyně", "Ahoj Evi"]}),
            ["Milá kolegyně", "Ahoj Evi"],
            ["written", "written"],
        ),
        (
            json!({"gender": "other", "language": "en"}),
            ["Milá kolegyně", "Ahoj Evi"],
            ["written", "written"],
        ),
        (
            json!({"salutations": [null, "Ahoj Evi"]}),
            ["Dear Eva Malá", "Ahoj Evi"],
            ["neutral", "written"],
        ),
        (
            json!({"salutations": null, "gender": null}),
            ["Dear Ms Malá", "Dear Eva"],
            ["proposed", "proposed"],
        ),
    ] {
        let before = app.get(&path).await;
        let changed = app
            .patch(&path)
            .header("if-match", before.header("etag"))
            .json(&change)
            .await
            .expect(200);
        assert_ne!(changed.header("etag"), before.header("etag"));
        assert_eq!(addressed(&changed.json), (&json!(salutations), &json!(sources)), "{change}");
    }
    // names of fields, never what was written
    let trail = app.get("/audit").await.expect(200).text();
    assert!(trail.contains("salutations") && !trail.contains("kolegyn"), "{trail}");
}

/// CMP-6, MGR-O: without a gender the name tells it, and where it does not, nobody is called what they may not be.
#[tokio::test]
async fn an_unknown_gender_is_read_from_the_name_or_left_open() {
    let app = TestApp::new().await;
    for (body, salutations, source) in [
        (
            json!({"first_name": "Mykola", "last_name": "Kovalenko"}),
            ["Vážený pane Kovalenko", "Milý Mykolo"],
            "proposed",
        ),
        (
            json!({"first_name": "Andrea", "last_name": "Novák", "language": "cs"}),
            ["Vážená paní Novák", "Milá Andreo"],
            "proposed",
        ),
        (
            json!({"first_name": "Jánosné", "last_name": "Kovács", "address": {"country": "HU"}}),
            ["Tisztelt Kovács Jánosné", "Kedves Kovács Jánosné"],
            "proposed",
        ),
        (
            json!({"first_name": "Andrea", "last_name": "Rossi", "address": {"country": "PL"}}),
            ["Szanowni Państwo", "Dzień dobry"],
            "neutral",
        ),
        (
            json!({"first_name": "Saša", "last_name": "Nguyen"}),
            ["Dobrý den", "Dobrý den"],
            "neutral",
        ),
        (json!({"company_name": "Kůň s.r.o."}), ["Dobrý den", "Dobrý den"], "neutral"),
        (json!({"phone": "+48512345678"}), ["Szanowni Państwo", "Dzień dobry"], "neutral"),
    ] {
        let made = app.post("/contacts").json(&body).await.expect(201);
        assert_eq!(made.json["salutations"], json!(salutations), "{body}");
        assert_eq!(made.json["salutation_sources"][0], json!(source), "{body}");
        assert_eq!(made.json["gender"], Value::Null);
    }
}

/// CMP-6: a name foreign to the rules stands as it is kept, and that is told.
#[tokio::test]
async fn foreign_names_are_left_alone_and_marked() {
    let app = TestApp::new().await;
    let body =
        json!({"first_name": "George", "last_name": "Løvland", "gender": "male", "language": "cs"});
    let made = app.post("/contacts").json(&body).await.expect(201);
    assert_eq!(
        addressed(&made.json),
        (&json!(["Vážený pane Løvland", "Milý George"]), &json!(["uninflected", "uninflected"]))
    );
}

/// CMP-6: a contact that says no language is addressed in that of the workspace.
#[tokio::test]
async fn the_language_of_the_workspace_holds_where_a_contact_says_none() {
    let app = TestApp::new().await;
    let jana = json!({"first_name": "Anna", "last_name": "Nowak", "gender": "female"});
    let made = app.post("/contacts").json(&jana).await.expect(201);
    assert_eq!(made.json["salutations"], json!(["Vážená paní Nowak", "Milá Anno"]));
    app.patch("/workspace").json(&json!({"language": "pl"})).await.expect(200);
    let read = app.get(format!("/contacts/{}", made.id())).await.expect(200);
    assert_eq!(read.json["salutations"], json!(["Szanowna Pani", "Droga Anno"]));
}

/// CMP-6: programs write them too, and writing the same again changes nothing.
#[tokio::test]
async fn upserts_and_batches_write_salutations() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jan", "salutations": ["Vážený kolego", null]});
    let put = || app.put("/contacts/by/email/jan@example.com").json(&body);
    let made = put().await.expect(201);
    assert_eq!(made.json["changed"], json!(["first_name", "email", "salutations"]));
    assert_eq!(made.json["contact"]["salutations"], json!(["Vážený kolego", "Milý Jane"]));
    assert_eq!(put().await.expect(200).json["result"], "unchanged");
    let items = json!({"items": [{"key": "email", "contact":
        {"email": "jan@example.com", "salutations": null}}]});
    let done = app.post("/contacts/batch").json(&items).await.expect(200);
    assert_eq!(done.json["results"][0]["changed"], json!(["salutations"]));
    let now = app.put("/contacts/by/email/jan@example.com").json(&json!({})).await.expect(200);
    assert_eq!(now.json["contact"]["salutations"], json!(["Vážený pane Jane", "Milý Jane"]));
}

/// CMP-6, IMP-12: an import proposes for those it makes, and leaves what somebody wrote.
#[tokio::test]
async fn an_import_leaves_what_somebody_wrote() {
    let app = TestApp::new().await;
    let body =
        json!({"email": "eva@example.com", "first_name": "Eva", "salutations": [null, "Ahoj Evi"]});
    app.post("/contacts").json(&body).await.expect(201);
    let list = "E-mail;Jméno;Příjmení\neva@example.com;Eva;Malá\njan@example.com;Jan;Novák\n";
    let options = json!({"matching": {"mode": "match", "key": "email"}});
    let import = app.import(list, &options).await;
    assert_eq!(import.json["summary"]["updated"], 1, "{import:?}");
    let contacts = app.get("/contacts").query(&[("sort", "last_name")]).await.expect(200);
    let texts: Vec<&Value> =
        contacts.data().iter().map(|contact| &contact["salutations"]).collect();
    assert_eq!(
        texts,
        [&json!(["Vážená paní Malá", "Ahoj Evi"]), &json!(["Vážený pane Nováku", "Milý Jane"])]
    );
}

/// PLT-3: two texts or `null`, nothing else; all faults at once.
#[tokio::test]
async fn salutations_are_two_texts() {
    let app = TestApp::new().await;
    let send = |salutations: Value| {
        app.post("/contacts").json(&json!({"first_name": "Jana", "salutations": salutations}))
    };
    for (salutations, pointers) in [
        (json!("Milá Jano"), &["#/salutations"][..]),
        (json!(["Milá Jano"]), &["#/salutations"]),
        (json!(["a", "b", "c"]), &["#/salutations"]),
        (json!([1, "a\0b"]), &["#/salutations/0", "#/salutations/1"]),
        (json!(["x".repeat(201), "y".repeat(200)]), &["#/salutations/0"]),
    ] {
        send(salutations).await.expect_problem(422, "validation_failed", pointers);
    }
    let made = send(json!(["", "  "])).await.expect(201);
    assert_eq!(made.json["salutation_sources"], json!(["proposed", "proposed"]));
    let read_only = json!({"first_name": "Jana", "salutation_sources": ["written", "written"]});
    let answer = app.post("/contacts").json(&read_only).await.expect(422);
    assert_eq!(
        answer.faults(),
        [("#/salutation_sources".to_owned(), "read_only_field".to_owned())]
    );
    // each contact has its own
    let many = json!({"ids": [made.id()], "changes": {"salutations": ["a", "b"]}});
    app.post("/contacts/bulk-edit").json(&many).await.expect(422);
}
