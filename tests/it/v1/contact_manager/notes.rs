//! One note on many contacts (MGR-N).

use kartoteka_domain::scopes::Role;
use kartoteka_tests::{Client, TestApp};
use serde_json::{Value, json};

use super::consents::{chosen, contact, expect_counts, managed, undone};
use crate::v1::contacts::notes::person;

async fn notes(by: &Client, contact: &str) -> Vec<Value> {
    by.get(format!("/contacts/{contact}/notes")).await.expect(200).data().to_vec()
}

/// MGR-N, CON-13: characters are counted, not bytes.
#[tokio::test]
async fn each_contact_gets_a_note_of_its_own() {
    let app = TestApp::new().await;
    let (jana, eva) = (
        contact(&app, json!({"first_name": "Jana"})).await,
        contact(&app, json!({"first_name": "Eva"})).await,
    );
    let longest = "ž".repeat(1023) + "𝄞";
    let before = app.get(format!("/contacts/{jana}")).await.expect(200);
    let job = managed(&app, &app, json!([{"type": "add_note", "text": longest}])).await;
    expect_counts(&job, "add_note", [2, 0], &json!({}));
    let written = [notes(&app, &jana).await, notes(&app, &eva).await].concat();
    assert_eq!(written.len(), 2);
    assert_ne!(written[0]["id"], written[1]["id"]);
    for note in &written {
        assert_eq!((&note["text"], &note["private"]), (&json!(longest), &json!(false)));
        assert_eq!(note["author"], json!({"type": "user", "id": app.home().user}));
    }
    let after = app.get(format!("/contacts/{jana}")).await.expect(200);
    assert_eq!(before.header("etag"), after.header("etag"), "the contact itself is as it was");
    let trail = app.get(format!("/audit?job_id={}&action=note.create", job.id())).await.expect(200);
    assert_eq!(trail.data().len(), 2);
    assert!(trail.data().iter().all(|line| !line.to_string().contains('ž')));
    let timeline = app.get(format!("/contacts/{jana}/timeline?type=note")).await.expect(200);
    assert_eq!(timeline.data().len(), 1);
    // again: it is another note
    let again = managed(&app, &app, json!([{"type": "add_note", "text": longest}])).await;
    expect_counts(&again, "add_note", [2, 0], &json!({}));
    assert_eq!(notes(&app, &jana).await.len(), 2);
    for text in ["", " \n ", "a\0b", &"ž".repeat(1025)] {
        let body = json!({"selection": chosen(), "actions": [{"type": "add_note", "text": text}]});
        let refused = app.post("/contact-manager/jobs").json(&body).await.expect(422);
        let faults = refused.faults();
        assert!(
            !faults.is_empty() && faults.iter().all(|(at, _)| at == "#/actions/0/text"),
            "{refused:?}"
        );
    }
    app.check_invariants();
}

/// MGR-N, CON-13
#[tokio::test]
async fn a_private_note_is_there_for_whoever_asked_for_the_job() {
    let app = TestApp::new().await;
    let (eva, as_eva) = person(&app, "eva", Role::Manager).await;
    let id = contact(&app, json!({"first_name": "Jana"})).await;
    let private = json!([{"type": "add_note", "text": "Kanarka7", "private": true}]);
    let job = managed(&app, &as_eva, private).await;
    let mine = notes(&as_eva, &id).await;
    assert_eq!(mine.len(), 1);
    assert_eq!((&mine[0]["private"], &mine[0]["author"]["id"]), (&json!(true), &json!(eva)));
    assert_eq!(notes(&app, &id).await, Vec::<Value>::new());
    let path = format!("/contacts/{id}/notes/{}", mine[0]["id"].as_str().unwrap());
    app.get(path).await.expect(404);
    // nor does the job say it to anybody else
    let jobs = ["/contact-manager/jobs".to_owned(), format!("/contact-manager/jobs/{}", job.id())];
    for path in &jobs {
        let (own, other) = (as_eva.get(path).await.expect(200), app.get(path).await.expect(200));
        assert!(own.text().contains("Kanarka7"), "{own:?}");
        assert!(!other.text().contains("Kanarka7"), "{other:?}");
    }
    let told = app.get(&jobs[1]).await.expect(200);
    let action = json!({"type": "add_note", "text": "…", "private": true});
    assert_eq!(told.json["actions"], json!([action]));
    // what an integration writes is its own
    let integration = app.integration(&["manager:run", "contacts:read", "contacts:write"]);
    managed(&app, &integration, json!([{"type": "add_note", "text": "b", "private": true}])).await;
    assert_eq!(notes(&integration, &id).await[0]["author"]["type"], "client");
    assert_eq!(notes(&as_eva, &id).await.len(), 1);
}

/// MGR-5
#[tokio::test]
async fn who_only_sees_a_contact_writes_no_note_on_it() {
    let app = TestApp::new().await;
    let (eva, as_eva) = person(&app, "eva", Role::Manager).await;
    let mut skipped = 0;
    for (name, level) in [("a", Some("read_only")), ("b", Some("co_owner")), ("c", None)] {
        let id = contact(&app, json!({"first_name": name})).await;
        if let Some(level) = level {
            let owner = format!("/contacts/{id}/owners/{eva}");
            app.put(owner).json(&json!({"level": level})).await.expect(200);
            skipped += i64::from(level == "read_only");
        }
    }
    let job = managed(&app, &as_eva, json!([{"type": "add_note", "text": "x"}])).await;
    expect_counts(&job, "add_note", [2, 0], &json!({"not_permitted": skipped}));
}

/// MGR-4, MGR-N, CON-13: a job that undoes another one has what it undoes, not what was written.
#[tokio::test]
async fn undoing_does_not_take_the_text_of_a_note_along() {
    let app = TestApp::new().await;
    let (_, as_eva) = person(&app, "eva", Role::Manager).await;
    contact(&app, json!({"first_name": "Jana"})).await;
    let actions = json!([
        {"type": "add_note", "text": "Kanarka8", "private": true}, {"type": "set_score", "score": 5}]);
    let job = managed(&app, &as_eva, actions).await;
    let undo = undone(&app, &as_eva, &job).await;
    assert_eq!(undo.json["actions"], json!([{"type": "set_score", "score": 5}]));
    expect_counts(&undo, "set_score", [1, 0], &json!({}));
    let kept = app.rows("SELECT payload FROM jobs WHERE kind = 'contact_manager_undo'");
    assert!(!kept[0].to_string().contains("Kanarka8"), "{kept:?}");
}
