//! No room, and a database that can only be read.

use diesel::connection::SimpleConnection;
use kartoteka_tests::TestApp;
use kartoteka_tests::faults::{Form, disk, hold};
use serde_json::json;

/// IMP-17
#[test]
fn an_import_without_room_ends_with_a_clear_problem_and_the_service_lives() {
    hold(disk::trouble, Form::short(1));
}

/// IMP-17: what a disk that failed says is passed on as what it is.
#[tokio::test]
async fn an_import_says_why_the_database_could_not_be_written() {
    for (message, code) in [
        ("could not extend file \"base/1/2\": No space left on device", "storage_full"),
        ("could not extend file \"base/1/2\": Read-only file system", "storage_read_only"),
    ] {
        let app = TestApp::new().await;
        app.connection()
            .batch_execute(&format!(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN RAISE EXCEPTION '{message}'; END $$;
                 CREATE TRIGGER fail BEFORE INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION fail()"
            ))
            .unwrap();
        let import = app.import("E-mail\neva@example.com\n", &json!({})).await;
        assert_eq!(import.json["state"], "failed", "{import:?}");
        assert_eq!(import.json["problem"]["code"], code);
        assert_eq!(import.json["job"]["problem"]["code"], code);
    }
}

/// A database that is the copy of another one, or was set so by hand.
#[tokio::test]
async fn a_database_that_can_only_be_read_is_read_and_says_so_to_writers() {
    let app = TestApp::new().await;
    app.get("/workspace").await.expect(200);
    // the pool's connections go the way of a switch to another server
    app.connection()
        .batch_execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$;
             SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .unwrap();
    // whoever is first finds out that the connections are gone
    let _ = app.get("/workspace").await;
    let body = json!({ "email": "eva@example.com" });
    let refused = app.post("/contacts").json(&body).await.expect(503);
    assert_eq!(refused.json["code"], "storage_read_only", "{refused:?}");
    assert_eq!(refused.header("retry-after"), "5");
    app.get("/contacts").await.expect(200);
}
