//! What can be undone, and what cannot.

use chrono::TimeDelta;
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

/// MGR-4: an undo that broke off is taken up by another one, which leaves alone what the first gave back: whoever changed it
/// since decided so.
#[tokio::test]
async fn what_an_undo_gave_back_is_not_given_back_again() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(contact(&app, json!({"last_name": "N", "tags": ["vip"]})).await);
    }
    let job = managed(&app, named("N"), json!([{"type": "remove_tags", "tags": ["vip"]}])).await;
    let tag = |id: &String| format!("/contacts/{id}/tags/vip");
    app.put(tag(&ids[2])).json(&json!({})).await.expect(200);
    let first = undone(&app, &job.id()).await;
    let expected = json!({"remove_tags": counts(2, 0, json!({"changed_since": 1}))});
    assert_eq!(first.json["outcomes"], expected);
    // as one that was stopped
    app.execute("UPDATE jobs SET state = 'cancelled' WHERE kind = 'contact_manager_undo'");
    for id in &ids[1..] {
        app.delete(tag(id)).await.expect(204);
    }
    let second = undone(&app, &job.id()).await;
    assert_eq!(second.json["outcomes"], json!({"remove_tags": counts(1, 0, json!({}))}));
    for (id, tagged) in ids.iter().zip([true, false, true]) {
        let tags = &read(&app, id).await["tags"];
        assert_eq!(tags.as_array().unwrap().len(), usize::from(tagged), "{tags}");
    }
    // the one that is the third leaves both alone
    app.execute("UPDATE jobs SET state = 'cancelled' WHERE kind = 'contact_manager_undo'");
    app.delete(tag(&ids[2])).await.expect(204);
    let third = undone(&app, &job.id()).await;
    assert_eq!(third.json["outcomes"], json!({}));
    assert_eq!(read(&app, &ids[2]).await["tags"], json!([]));
}

/// MGR-4: who was restored and deleted again since stays in the trash, however long the job was at work; and who was not
/// comes back, whatever the clock said when it ended.
#[tokio::test]
async fn only_whom_the_job_put_into_the_trash_comes_back() {
    let app = TestApp::new().await;
    for (last_name, finished) in [("N", "finished_at + interval '1 hour'"), ("M", "started_at")] {
        let again = contact(&app, json!({"last_name": last_name})).await;
        let still = contact(&app, json!({"last_name": last_name})).await;
        let delete = json!([{"type": "delete", "mode": "trash"}]);
        let job = managed(&app, named(last_name), delete).await;
        app.post("/trash/restore").json(&json!({"ids": [again]})).await.expect(200);
        app.clock().advance(TimeDelta::milliseconds(5));
        app.delete(format!("/contacts/{again}")).await.expect(204);
        app.execute(&format!("UPDATE jobs SET finished_at = {finished} WHERE id = '{}'", job.id()));
        let undo = undone(&app, &job.id()).await;
        let expected = json!({"delete": counts(1, 0, json!({"changed_since": 1}))});
        assert_eq!(undo.json["outcomes"], expected);
        assert!(read(&app, &again).await["trashed_at"].is_string());
        assert!(read(&app, &still).await["trashed_at"].is_null());
    }
}

/// MGR-4: a job is undone as a whole or not at all: not without its list, nor with a part of it.
#[tokio::test]
async fn a_job_without_its_whole_list_is_not_undone() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    contact(&app, json!({"last_name": "N"})).await;
    let score = json!([{"type": "set_score", "score": 3}]);
    let job = managed(&app, named("N"), score.clone()).await.id();
    let waiting = asked(&app, named("N"), score).await.id();
    app.post(format!("/contact-manager/jobs/{waiting}/cancel")).await.expect(200);
    app.execute(&format!("DELETE FROM frozen_contacts WHERE job_id = '{job}' AND seq = 2"));
    for job in [job, waiting] {
        let path = format!("/contact-manager/jobs/{job}");
        let undo = app.get(&path).await.expect(200).json["undo"].clone();
        assert_eq!((&undo["possible"], &undo["reason"]), (&json!(false), &json!("list_gone")));
        let refused = app.post(format!("{path}/undo")).await;
        let refused = refused.expect_problem(409, "job_not_undoable", &[]);
        assert!(refused.json["detail"].as_str().unwrap().contains("never began"), "{refused:?}");
    }
}
