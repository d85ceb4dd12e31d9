//! The harness of the integration tests: a whole server for each test, and the contract around it.
//!
//! ```no_run
//! use kartoteka_tests::TestApp;
//! use serde_json::json;
//!
//! /// CON-1
//! #[tokio::test]
//! async fn a_contact_can_be_made_and_is_nobody_elses() {
//!     // a database of its own, a real listener, a workspace with an administrator
//!     let app = TestApp::new().await;
//!
//!     // paths are those under /api/v1; a Location can be used as it is
//!     let made = app.post("/contacts").json(&json!({"email": "jana@example.com"})).await.expect(201);
//!     app.get(made.header("location")).await.expect(200);
//!
//!     // faults, all of them: status, code, pointers
//!     app.post("/contacts")
//!         .json(&json!({"email": "nonsense", "colour": "red"}))
//!         .await
//!         .expect_problem(422, "validation_failed", &["#/email", "#/colour"]);
//!
//!     // other eyes
//!     let other = app.other_workspace();
//!     other.get(format!("/contacts/{}", made.id())).await.expect_problem(404, "not_found", &[]);
//!     app.with_scopes(&["contacts:read"]).delete("/contacts/1").await.expect(403);
//!     app.anonymous().get("/contacts").await.expect(401);
//!
//!     // a whole import: bytes in, the worker run, the import as it is afterwards
//!     let import = app.import("E-mail\neva@example.com\n", &json!({})).await;
//!     assert_eq!(import.json["summary"]["created"], 1);
//!
//!     // the tables themselves
//!     assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 2);
//! }
//! ```
//!
//! **Every answer is held against the OpenAPI document** ([`contract`]): a status, a body or a media type
//! that the document does not promise fails the test, whatever it was about.
//!
//! Time is moved, not waited for: `app.clock().advance(TimeDelta::minutes(20))`. Jobs run when the test
//! says so; a [`TestApp`] that is dropped with unfinished jobs fails the test. Nothing sleeps.
//!
//! **Nothing personal stands in a log** ([`canary`]): whatever a test sends is looked for in everything that
//! was logged meanwhile, by Kartoteka and by PostgreSQL.
//!
//! A test of an operation stands in `it/v1/<noun>/<verb>.rs`. Tests of the database alone take a
//! [`TestDatabase`]; tests of the program as an operator runs it, with processes that are killed, an
//! [`program::Installation`].

pub mod answer;
pub mod app;
pub mod canary;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod contract;
pub mod database;
pub mod examples;
pub mod faults;
pub mod invariants;
pub mod mailbox;
pub mod postgres;
pub mod program;
pub mod raw;
pub mod receiver;
pub mod sites;

/// The bytes of a file in `tests/fixtures`.
#[must_use]
pub fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub use answer::Answer;
pub use app::{PASSWORD, TestApp, Workspace};
pub use client::Client;
pub use database::TestDatabase;
pub use raw::Raw;
