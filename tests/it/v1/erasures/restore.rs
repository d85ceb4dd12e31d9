//! A backup that is restored has forgotten who was erased after it; the journal has not.

use chrono::Utc;
use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use kartoteka_app::erasures::{Replayed, replay};
use kartoteka_tests::program::{Installation, until};
use kartoteka_tests::{Client, TestApp, postgres};
use serde_json::json;

use super::{contact, erase, erasure};

/// Puts a copy of one database in the place of another; nobody uses either.
fn copy(from: &str, to: &str) {
    let mut conn = PgConnection::establish(&postgres::url("postgres")).unwrap();
    for name in [from, to] {
        conn.batch_execute(&format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
        ))
        .unwrap();
    }
    conn.batch_execute(&format!("DROP DATABASE IF EXISTS \"{to}\" WITH (FORCE)")).unwrap();
    conn.batch_execute(&format!("CREATE DATABASE \"{to}\" TEMPLATE \"{from}\"")).unwrap();
}

async fn is_gone(client: &Client, id: &str) {
    for _ in 0..600 {
        if client.get(format!("/contacts/{id}")).await.status == 404 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the contact is there still");
}

/// TRS-5: by the program as an operator runs it. Who came back after the erasure stays.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restored_backup_the_erased_are_erased_again() {
    let installation = Installation::new().await;
    let name = installation.database().name().to_owned();
    let backup = format!("{name}_backup");
    let server = installation.serve(&[]);
    let admin = installation.administrator(&server).await;
    let jana = contact(&admin, &json!({"first_name": "Jana", "email": "Jana@Example.cz"})).await;
    let eva = contact(&admin, &json!({"first_name": "Eva", "email": "eva@example.cz"})).await;
    server.stop();
    copy(&name, &backup);

    let server = installation.serve(&[]);
    let admin = installation.through(&server, &admin);
    let job = erase(&admin, &jana).await;
    is_gone(&admin, &jana).await;
    until("the job has ended", || server.log().contains("a job ended"));
    server.stop();

    copy(&backup, &name);
    let server = installation.serve(&[]);
    let admin = installation.through(&server, &admin);
    is_gone(&admin, &jana).await;
    admin.get(format!("/contacts/{eva}")).await.expect(200);
    let again = erasure(&admin, &job).await;
    assert!(again.json["replayed_at"].is_string(), "{again:?}");
    assert!(server.log().contains("the journal names erasures that this database does not know"));

    // somebody with that address comes later, and stays through any number of starts
    let back = contact(&admin, &json!({"first_name": "Jana", "email": "jana@example.cz"})).await;
    server.stop();
    let server = installation.serve(&[]);
    let admin = installation.through(&server, &admin);
    admin.get(format!("/contacts/{back}")).await.expect(200);
    server.stop();

    let export = installation.command(&["erasures", "export"]).output().unwrap();
    let line: serde_json::Value = serde_json::from_slice(&export.stdout).unwrap();
    assert_eq!(line["contacts"], json!([jana]));
    let path = installation.data_dir().join("elsewhere.ndjson");
    std::fs::write(&path, &export.stdout).unwrap();
    let arguments = ["erasures", "replay", "--journal", path.to_str().unwrap()];
    let said = installation.command(&arguments).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with("1 erasures in the journal: 1 known, 0 to be done again"), "{said}");
    let none =
        installation.command(&["erasures", "replay", "--journal", "nowhere"]).output().unwrap();
    assert!(!none.status.success());

    // nothing of them is in any file beside the database
    let files = super::everywhere::files(&installation.data_dir());
    assert!(files.iter().any(|(path, _)| path.ends_with("journal.ndjson")), "{files:?}");
    for (path, text) in files {
        assert!(!text.to_lowercase().contains("example.cz"), "{}", path.display());
    }
    let mut conn = PgConnection::establish(&postgres::url("postgres")).unwrap();
    conn.batch_execute(&format!("DROP DATABASE \"{backup}\" WITH (FORCE)")).unwrap();
}

/// TRS-5: ids may have changed between backup and erasure; the address says who it was, and the time who it was not.
#[tokio::test]
async fn who_was_there_under_another_id_is_found_by_the_address() {
    let app = TestApp::new().await;
    let jana = contact(
        &app,
        &json!({"first_name": "Jana", "email": "jana@example.cz", "phone": "601123456"}),
    )
    .await;
    let job = erase(&app, &jana).await;
    app.run_jobs().await;
    // the backup: no erasure, no suppression, and the person under the ids of before
    app.execute("DELETE FROM erasures");
    app.execute("DELETE FROM suppressions");
    let before = contact(&app, &json!({"first_name": "J.", "email": "JANA@example.cz"})).await;
    let number = contact(&app, &json!({"first_name": "N.", "phone": "601123456"})).await;
    let after = contact(&app, &json!({"first_name": "Jana", "email": "jana@example.cz"})).await;
    let other = contact(&app, &json!({"first_name": "Eva", "email": "eva@example.cz"})).await;
    app.execute(&format!(
        "UPDATE contacts SET created_at = created_at - interval '1 hour' WHERE id IN ('{before}', '{number}', '{other}')"
    ));
    let path = app.settings().journal.path().to_owned();
    let wanted = Replayed { lines: 1, again: 1, ..Replayed::default() };
    assert_eq!(replay(app.db(), &path, Utc::now()).unwrap(), wanted);
    let wanted = Replayed { lines: 1, known: 1, ..Replayed::default() };
    assert_eq!(replay(app.db(), &path, Utc::now()).unwrap(), wanted, "twice is once");
    app.run_jobs().await;
    for (id, status) in [(&before, 404), (&number, 404), (&after, 200), (&other, 200)] {
        app.get(format!("/contacts/{id}")).await.expect(status);
    }
    let again = erasure(&app, &job).await;
    assert_eq!(
        (&again.json["state"], &again.json["counts"]["contacts"]),
        (&json!("done"), &json!(2))
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs WHERE state <> 'succeeded'"), 0);
    app.check_invariants();
}

/// TRS-5: an address that two had when one of them was erased does not erase the other.
#[tokio::test]
async fn a_replay_does_not_take_those_along_who_shared_an_address() {
    let app = TestApp::new().await;
    let mother = contact(&app, &json!({"first_name": "Eva", "email": "family@example.cz"})).await;
    let daughter = contact(&app, &json!({"first_name": "Ida", "email": "family@example.cz"})).await;
    erase(&app, &mother).await;
    app.run_jobs().await;
    app.execute("DELETE FROM erasures");
    replay(app.db(), app.settings().journal.path(), Utc::now()).unwrap();
    app.run_jobs().await;
    app.get(format!("/contacts/{daughter}")).await.expect(200);
    // a journal of somebody else's workspace is theirs
    app.execute("DELETE FROM erasures");
    let text = std::fs::read_to_string(app.settings().journal.path()).unwrap();
    let foreign = text.replace(&app.home().id.to_string(), &uuid::Uuid::now_v7().to_string());
    let path = app.settings().journal.path().with_extension("foreign");
    std::fs::write(&path, format!("{foreign}half a li")).unwrap();
    let wanted = Replayed { lines: 1, elsewhere: 1, unreadable: 1, ..Replayed::default() };
    assert_eq!(replay(app.db(), &path, Utc::now()).unwrap(), wanted);
}
