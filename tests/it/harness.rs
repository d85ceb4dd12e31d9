//! The harness itself: what every other test builds on.

use kartoteka_tests::TestApp;

#[tokio::test]
async fn a_server_answers_from_a_migrated_database() {
    let app = TestApp::new().await;
    app.get("/healthz").await.expect(200);
    app.get("/readyz").await.expect(200);
    app.head("/healthz").await.expect(200);
    app.get("/nowhere").await.expect_problem(404, "not_found", &[]);
    app.post("/healthz").await.expect_problem(405, "method_not_allowed", &[]);
    assert_eq!(app.count("SELECT count(*) AS n FROM workspaces"), 1);
}

/// PLT-1
#[tokio::test]
async fn every_workspace_has_its_own_administrator() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    assert_ne!(app.home().id, other.id);
    assert_ne!(app.token(), other.token());
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 2);
}
