//! Notes on a contact.

use kartoteka_domain::actor::Actor;
use kartoteka_domain::scopes::Role;
use kartoteka_tests::{Client, PASSWORD, TestApp};
use serde_json::json;

/// One more person of the first workspace: their id and their client.
pub(crate) async fn person(app: &TestApp, name: &str, role: Role) -> (String, Client) {
    let user = json!({"email": format!("{name}@example.com"), "role": role.as_str(), "password": PASSWORD});
    let id = app.post("/users").json(&user).await.expect(201).id();
    let actor = Actor::User(id.parse().unwrap());
    (id, app.client_of(actor, app.home().id, &role.scopes()))
}

async fn contact(app: &TestApp) -> String {
    app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201).id()
}

/// CON-13
#[tokio::test]
async fn a_note_is_written_read_changed_and_removed() {
    let app = TestApp::new().await;
    let notes = format!("/contacts/{}/notes", contact(&app).await);
    let made = app.post(&notes).json(&json!({"text": "Volat po páté."})).await.expect(201);
    assert_eq!(made.json["private"], false);
    assert_eq!(made.json["author"], json!({"type": "user", "id": app.home().user}));
    let path = format!("{notes}/{}", made.id());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    let read = app.get(&path).await.expect(200);
    assert_eq!((&read.json, read.header("etag")), (&made.json, made.header("etag")));
    app.patch(&path).header("if-match", "\"old\"").json(&json!({"text": "x"})).await.expect(412);
    let changed = app.patch(&path).json(&json!({"text": "Volat po šesté."})).await.expect(200);
    assert_eq!(changed.json["text"], "Volat po šesté.");
    for _ in 0..3 {
        app.post(&notes).json(&json!({"text": "Další"})).await.expect(201);
    }
    let page = app.get(format!("{notes}?limit=3")).await.expect(200);
    assert_eq!(page.data().len(), 3);
    let cursor = page.text_at("/next_cursor");
    let rest = app.get(format!("{notes}?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.data(), std::slice::from_ref(&changed.json), "the oldest is the last");
    app.delete(&path).header("if-match", made.header("etag")).await.expect(412);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
    app.delete(&path).await.expect(404);
    let other = contact(&app).await;
    let of_other = format!("/contacts/{other}/notes/{}", rest.data()[0]["id"].as_str().unwrap());
    app.get(&of_other).await.expect(404);
    app.other_workspace().get(&notes).await.expect(404);
}

/// CON-13: characters are counted, not bytes.
#[tokio::test]
async fn a_note_has_at_most_1024_characters() {
    let app = TestApp::new().await;
    let notes = format!("/contacts/{}/notes", contact(&app).await);
    let longest = "ž".repeat(1023) + "𝄞";
    let made = app.post(&notes).json(&json!({"text": longest})).await.expect(201);
    let path = format!("{notes}/{}", made.id());
    for text in ["", " \n ", "a\0b", &"ž".repeat(1025)] {
        let body = json!({"text": text});
        for request in [app.post(&notes), app.patch(&path)] {
            let refused = request.json(&body).await.expect(422);
            let faults = refused.faults();
            assert!(
                !faults.is_empty() && faults.iter().all(|(at, _)| at == "#/text"),
                "{refused:?}"
            );
        }
    }
    assert_eq!(app.get(&path).await.json["text"], longest);
}

/// CON-13
#[tokio::test]
async fn a_private_note_is_there_for_its_author_only() {
    let app = TestApp::new().await;
    let notes = format!("/contacts/{}/notes", contact(&app).await);
    let (_, eva) = person(&app, "eva", Role::Editor).await;
    let made = eva.post(&notes).json(&json!({"text": "tajné", "private": true})).await.expect(201);
    let path = format!("{notes}/{}", made.id());
    assert_eq!(eva.get(&notes).await.data().len(), 1);
    eva.patch(&path).json(&json!({"text": "tajnější"})).await.expect(200);
    // an administrator, and an integration, see as little as anybody
    for stranger in [(**app.home()).clone(), app.integration(&["contacts:read", "contacts:write"])]
    {
        assert!(stranger.get(&notes).await.expect(200).data().is_empty());
        stranger.get(&path).await.expect(404);
        stranger.patch(&path).json(&json!({"text": "x"})).await.expect(404);
        stranger.delete(&path).await.expect(404);
    }
    // what all see, others change, but nobody takes it away from the others
    eva.patch(&path).json(&json!({"private": false})).await.expect(200);
    app.patch(&path).json(&json!({"text": "veřejné"})).await.expect(200);
    let taken = app.patch(&path).json(&json!({"private": true})).await;
    taken.expect_problem(403, "not_permitted", &[]);
    eva.delete(&path).await.expect(204);
}

/// TRS-1, TRS-2: the trash keeps notes, a purge removes them.
#[tokio::test]
async fn notes_go_with_their_contact() {
    let app = TestApp::new().await;
    let id = contact(&app).await;
    let notes = format!("/contacts/{id}/notes");
    let first = app.post(&notes).json(&json!({"text": "první"})).await.expect(201);
    let second = app.post(&notes).json(&json!({"text": "druhá"})).await.expect(201);
    app.delete(format!("/contacts/{id}")).await.expect(204);
    assert_eq!(app.get(&notes).await.expect(200).data().len(), 2);
    app.post(&notes).json(&json!({"text": "x"})).await.expect_problem(409, "conflict", &[]);
    let path = format!("{notes}/{}", first.id());
    app.patch(&path).json(&json!({"text": "x"})).await.expect_problem(409, "conflict", &[]);
    app.delete(&path).await.expect(204);
    app.post(format!("/trash/{id}/restore")).await.expect(200);
    assert_eq!(app.get(&notes).await.data(), std::slice::from_ref(&second.json));
    app.delete(format!("/contacts/{id}")).await.expect(204);
    app.delete(format!("/trash/{id}")).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_notes"), 0);
    app.get(&notes).await.expect(404);
    app.check_invariants();
}
