//! What can be undone, and what cannot.

use kartoteka_tests::TestApp;
use serde_json::json;

use super::{asked, contact, counts, managed, named, outcomes, read, undone};

/// MGR-P, MGR-4: who was moved to the trash comes back; who was taken out or purged meanwhile is left alone.
#[tokio::test]
async fn contacts_in_the_trash_come_back() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(contact(&app, json!({"last_name": "N"})).await);
    }
    let job = managed(&app, named("N"), json!([{"type": "delete", "mode": "trash"}])).await;
    assert_eq!(job.json["outcomes"], json!({"delete": counts(4, 0, json!({}))}));
    assert!(read(&app, &ids[0]).await["trashed_at"].is_string());
    app.post("/trash/restore").json(&json!({"ids": [ids[1]]})).await.expect(200);
    app.delete(format!("/trash/{}", ids[2])).await.expect(204);
    let undo = undone(&app, &job.id()).await;
    let skipped = json!({"changed_since": 1, "not_found": 1});
    assert_eq!(undo.json["outcomes"], json!({"delete": counts(2, 0, skipped)}));
    for id in [&ids[0], &ids[1], &ids[3]] {
        assert!(read(&app, id).await["trashed_at"].is_null());
    }
}

/// MGR-P: a purge leaves nothing, cannot be undone, and says so before it is tried.
#[tokio::test]
async fn a_purge_is_for_good() {
    let app = TestApp::new().await;
    let id = contact(&app, json!({"last_name": "N", "tags": ["a"], "details": {"a": 1}})).await;
    let job = managed(&app, named("N"), json!([{"type": "delete", "mode": "purge"}])).await;
    assert_eq!(job.json["outcomes"], json!({"delete": counts(1, 0, json!({}))}));
    assert_eq!(
        job.json["undo"],
        json!({"possible": false, "reason": "not_reversible", "actions": [], "job_id": null})
    );
    app.get(format!("/contacts/{id}")).await.expect(404);
    assert_eq!(app.get("/trash").await.expect(200).data().len(), 0);
    let refused = app.post(format!("/contact-manager/jobs/{}/undo", job.id())).await.expect(409);
    assert_eq!(
        (&refused.json["code"], &refused.json["reason"]),
        (&json!("job_not_undoable"), &json!("not_reversible"))
    );
}

/// MGR-4: a job is undone once, not before it ended, and not one that undoes.
#[tokio::test]
async fn a_job_is_undone_once() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    let job = asked(&app, named("N"), json!([{"type": "set_score", "score": 3}])).await.id();
    let path = format!("/contact-manager/jobs/{job}/undo");
    assert_eq!(app.post(&path).await.expect(409).json["reason"], "not_ended");
    app.run_jobs().await;
    let undo = undone(&app, &job).await;
    let again = app.post(&path).await.expect(409);
    assert_eq!(
        (&again.json["reason"], &again.json["job_id"]),
        (&json!("undone"), &json!(undo.id()))
    );
    let itself = app.post(format!("/contact-manager/jobs/{}/undo", undo.id())).await.expect(409);
    assert_eq!(itself.json["reason"], "is_undo");
    let known = app.get(format!("/contact-manager/jobs/{job}")).await.expect(200);
    assert_eq!(known.json["undo"]["job_id"], undo.id());
    assert_eq!(known.json["undo"]["possible"], false);
}

/// MGR-4: who went to the trash or was merged since is skipped with that reason.
#[tokio::test]
async fn who_is_gone_since_is_skipped() {
    let app = TestApp::new().await;
    let (a, b, c) = (
        contact(&app, json!({"last_name": "N"})).await,
        contact(&app, json!({"last_name": "N"})).await,
        contact(&app, json!({"last_name": "N"})).await,
    );
    let job = managed(&app, named("N"), json!([{"type": "add_tags", "tags": ["x"]}])).await;
    app.delete(format!("/contacts/{a}")).await.expect(204);
    app.post("/contacts/merge").json(&json!({"winner_id": b, "loser_ids": [c]})).await.expect(200);
    let undo = undone(&app, &job.id()).await;
    assert_eq!(
        undo.json["outcomes"],
        json!({"add_tags": counts(1, 0, json!({"in_trash": 1, "merged": 1}))})
    );
    assert_eq!(outcomes(&app, &undo.id(), "&reason=merged").await[0].0, c);
    assert_eq!(read(&app, &b).await["tags"], json!([]));
}
