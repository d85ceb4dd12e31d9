//! What is left of documents: after a purge, an erasure, the time of the rule.

use kartoteka_domain::scopes::Role;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{behind, contact, kept, kept_by_admin, lines};
use crate::v1::contacts::notes::person;

/// TRS-2, MGR-M: with the contact its line goes, wherever it stands, and its links lead nowhere.
#[tokio::test]
async fn a_purged_contact_has_no_line() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(contact(&app, &format!("n{n}@example.com")).await);
    }
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let documents = [kept_by_admin(&app, &all), kept_by_admin(&app, &all[..2])];
    let links = lines(&app, &documents[0]).await;
    // one that was merged goes with its winner
    let merge = json!({"winner_id": ids[0], "loser_ids": [ids[1]]});
    app.post("/contacts/merge").json(&merge).await.expect(200);
    app.delete(format!("/contacts/{}", ids[0])).await.expect(204);
    assert_eq!(lines(&app, &documents[0]).await.len(), 2, "nobody of the trash stands in it");
    assert_eq!(lines(&app, &documents[1]).await.len(), 0);
    app.delete(format!("/trash/{}", ids[0])).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM document_contacts"), 2);
    assert_eq!(lines(&app, &documents[0]).await, links[2..]);
    for (link, status) in links.iter().zip([404, 404, 200, 200]) {
        behind(&app, &link[4]).await.expect(status);
    }
    assert_eq!(
        app.get(format!("/documents/{}", documents[0])).await.json["contacts"],
        4,
        "a number"
    );
    app.check_invariants();
}

/// TRS-5, MGR-M
#[tokio::test]
async fn an_erasure_takes_the_line_and_an_address_in_the_page() {
    let app = TestApp::new().await;
    let (jana, eva) =
        (contact(&app, "jana@example.com").await, contact(&app, "eva@example.com").await);
    let (user, users) = person(&app, "owner", Role::Viewer).await;
    let private = kept(&app, &user, true, &[&jana, &eva]);
    let public = kept_by_admin(&app, &[&jana, &eva]);
    app.execute("UPDATE documents SET page = 'https://shop.example/?for=jana@example.com&a=1'");
    // the usual form
    app.execute(&format!(
        "UPDATE documents SET page = replace(page, '@', '%40') WHERE id = '{public}'"
    ));
    let name = json!({"name": "Pro Jana@example.com.csv"});
    app.patch(format!("/documents/{public}")).json(&name).await.expect(200);
    let link = lines(&app, &public).await[0][4].clone();
    app.post(format!("/contacts/{jana}/erase")).json(&json!({})).await.expect(202);
    app.run_jobs().await;
    let erasure = app.get("/erasures").await.expect(200);
    assert_eq!(erasure.data()[0]["counts"]["documents"], 2, "{erasure:?}");
    for (client, id) in [(&users, &private), (&*app, &public)] {
        let found = lines(client, id).await;
        assert_eq!((found.len(), &*found[0][0]), (1, &*eva));
        assert!(
            found[0][4].starts_with("https://shop.example/?for=erased@erased.invalid&a=1&ktrk=")
        );
    }
    let shown = app.get(format!("/documents/{public}")).await.expect(200);
    let shown = shown.text().to_lowercase();
    assert!(!shown.contains("jana@") && !shown.contains("jana%40"), "{shown:?}");
    behind(&app, &link).await.expect(404);
    app.check_invariants();
}

/// TRS-5, MGR-M
#[tokio::test]
async fn documents_go_after_their_time() {
    let app = TestApp::new().await;
    let jana = contact(&app, "jana@example.com").await;
    let (user, _) = person(&app, "eva", Role::Viewer).await;
    let old = [kept_by_admin(&app, &[&jana]), kept(&app, &user, true, &[&jana])];
    app.execute("UPDATE documents SET finished_at = finished_at - interval '31 days'");
    let new = kept_by_admin(&app, &[&jana]);
    let unfinished = kept_by_admin(&app, &[&jana]);
    app.execute(&format!(
        "UPDATE documents SET created_at = created_at - interval '31 days', finished_at = NULL WHERE id = '{unfinished}'"
    ));
    let run = |dry: bool| app.post("/workspace/retention/run").json(&json!({"dry_run": dry}));
    assert_eq!(run(true).await.expect(200).json["counts"]["documents"], 2);
    let job = run(false).await.expect(202);
    app.run_jobs().await;
    let job = app.get(format!("/jobs/{}", job.id())).await.expect(200);
    assert_eq!(job.json["counts"]["documents"], 2);
    let left = app.rows("SELECT id FROM documents ORDER BY id");
    let left: Vec<&Value> = left.iter().map(|row| &row["id"]).collect();
    assert_eq!(left, [&json!(new), &json!(unfinished)], "a job may be under way");
    assert_eq!(app.count("SELECT count(*) AS n FROM document_contacts"), 2);
    for id in &old {
        app.get(format!("/documents/{id}")).await.expect(404);
    }
    assert_eq!(lines(&app, &new).await.len(), 1);
    app.put("/workspace/retention").json(&json!({"documents": null})).await.expect(200);
    app.execute("UPDATE documents SET finished_at = '2020-01-01'");
    assert_eq!(run(true).await.expect(200).json["counts"]["documents"], 0, "for ever");
}

/// TRS-5, MGR-M: a person hears of the documents they stand in; private ones of others are for administrators to tell.
#[tokio::test]
async fn an_export_names_the_documents_of_the_person() {
    let app = TestApp::new().await;
    let (jana, eva) =
        (contact(&app, "jana@example.com").await, contact(&app, "eva@example.com").await);
    let (user, _) = person(&app, "owner", Role::Viewer).await;
    let (public, private) =
        (kept_by_admin(&app, &[&jana, &eva]), kept(&app, &user, true, &[&jana]));
    kept_by_admin(&app, &[&eva]);
    let path = format!("/contacts/{jana}/export");
    let ids = |all: &Value| {
        all["documents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&app.get(&path).await.expect(200).json), [&*public, &*private]);
    let reader = app.with_scopes(&["contacts:read", "consents:read"]);
    assert_eq!(ids(&reader.get(&path).await.expect(200).json), [&*public]);
    let merge = json!({"winner_id": eva, "loser_ids": [jana]});
    app.post("/contacts/merge").json(&merge).await.expect(200);
    let all = app.get(format!("/contacts/{eva}/export")).await.expect(200);
    assert_eq!(ids(&all.json).len(), 3, "each once");
}
