//! Owners of many contacts (MGR-G).

use kartoteka_domain::scopes::Role;
use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

use super::consents::{chosen, contact, expect_counts, managed, undone};
use crate::v1::contacts::notes::person;

fn assign(user: &str, level: &str) -> Value {
    json!([{"type": "assign_owner", "user_id": user, "level": level}])
}

fn remove(name: &str) -> Value {
    json!([{"type": "remove_owner", "email": format!("{name}@example.com")}])
}

async fn own(app: &TestApp, contact: &str, user: &str, level: &str) {
    let path = format!("/contacts/{contact}/owners/{user}");
    app.put(path).json(&json!({"level": level})).await.expect(200);
}

/// Owners and their levels, those who may most first.
async fn owners(app: &TestApp, contact: &str) -> Vec<(String, String)> {
    let read = app.get(format!("/contacts/{contact}/owners")).await.expect(200);
    let word = |owner: &Value, name: &str| owner[name].as_str().unwrap().to_owned();
    read.data().iter().map(|owner| (word(owner, "user_id"), word(owner, "level"))).collect()
}

fn levels(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(user, level)| ((*user).to_owned(), (*level).to_owned())).collect()
}

async fn refused(by: &Client, actions: &Value) -> Answer {
    let body = json!({"selection": chosen(), "actions": actions});
    by.post("/contact-manager/jobs").json(&body).await.expect(422)
}

/// MGR-G, MGR-4, CON-12: new owners, other levels, several main owners; and what was is given back.
#[tokio::test]
async fn an_owner_is_assigned_at_a_level_and_the_job_undone() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let nobodys = contact(&app, json!({"first_name": "a"})).await;
    let evas = contact(&app, json!({"first_name": "b"})).await;
    own(&app, &evas, &eva, "main").await;
    let lower = contact(&app, json!({"first_name": "c"})).await;
    own(&app, &lower, &petr, "read_only").await;
    let same = contact(&app, json!({"first_name": "d"})).await;
    own(&app, &same, &petr, "main").await;
    let since = app.rows("SELECT contact_id, user_id, added_at FROM contact_owners ORDER BY 1, 2");
    let before = app.get(format!("/contacts/{nobodys}")).await.expect(200);

    let job = managed(&app, &app, assign(&petr, "main")).await;
    expect_counts(&job, "assign_owner", [3, 1], &json!({}));
    assert_eq!(owners(&app, &nobodys).await, levels(&[(&petr, "main")]));
    let mut both = levels(&[(&eva, "main"), (&petr, "main")]);
    both.sort();
    assert_eq!(owners(&app, &evas).await, both);
    assert_eq!(owners(&app, &lower).await, levels(&[(&petr, "main")]));
    let after = app.get(format!("/contacts/{nobodys}")).await.expect(200);
    assert_ne!(before.header("etag"), after.header("etag"));
    let trail =
        app.get(format!("/audit?job_id={}&action=contact.owner", job.id())).await.expect(200);
    let told: Vec<&Value> = trail.data().iter().map(|line| &line["changes"]["level"]).collect();
    assert_eq!(told.len(), 3);
    assert!(
        told.contains(&&json!([null, "main"])) && told.contains(&&json!(["read_only", "main"]))
    );
    let kept =
        app.rows("SELECT before FROM frozen_outcomes WHERE outcome = 'applied' ORDER BY seq");
    assert!(kept.iter().all(|row| !row.to_string().contains('@')), "no personal data: {kept:?}");

    let undo = undone(&app, &app, &job).await;
    expect_counts(&undo, "assign_owner", [3, 0], &json!({}));
    assert_eq!(owners(&app, &nobodys).await, []);
    assert_eq!(owners(&app, &evas).await, levels(&[(&eva, "main")]));
    assert_eq!(owners(&app, &lower).await, levels(&[(&petr, "read_only")]));
    assert_eq!(owners(&app, &same).await, levels(&[(&petr, "main")]));
    let now = app.rows("SELECT contact_id, user_id, added_at FROM contact_owners ORDER BY 1, 2");
    assert_eq!(now, since);
    for level in ["co_owner", "read_only"] {
        managed(&app, &app, assign(&petr, level)).await;
        for id in [&nobodys, &lower, &same] {
            assert_eq!(owners(&app, id).await, levels(&[(&petr, level)]));
        }
    }
    app.check_invariants();
}

/// MGR-4: what somebody changed after the job is left as they made it.
#[tokio::test]
async fn what_changed_since_is_not_undone() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let other_level = contact(&app, json!({"first_name": "a"})).await;
    let gone = contact(&app, json!({"first_name": "b"})).await;
    own(&app, &gone, &eva, "main").await;
    let alone = contact(&app, json!({"first_name": "c"})).await;
    own(&app, &alone, &eva, "main").await;
    let as_it_was = contact(&app, json!({"first_name": "d"})).await;
    own(&app, &as_it_was, &eva, "main").await;
    let job = managed(&app, &app, assign(&petr, "co_owner")).await;
    expect_counts(&job, "assign_owner", [4, 0], &json!({}));
    own(&app, &other_level, &petr, "main").await;
    app.delete(format!("/contacts/{gone}/owners/{petr}")).await.expect(204);
    app.delete(format!("/contacts/{alone}/owners/{eva}")).await.expect(204);
    let undo = undone(&app, &app, &job).await;
    expect_counts(&undo, "assign_owner", [1, 0], &json!({"changed_since": 3}));
    assert_eq!(owners(&app, &other_level).await, levels(&[(&petr, "main")]));
    assert_eq!(owners(&app, &gone).await, levels(&[(&eva, "main")]));
    assert_eq!(owners(&app, &alone).await, levels(&[(&petr, "co_owner")]), "it would be nobody's");
    assert_eq!(owners(&app, &as_it_was).await, levels(&[(&eva, "main")]));
}

/// MGR-G, MGR-4: by address; the last one stays.
#[tokio::test]
async fn an_owner_is_removed_by_address_but_the_last_one_stays() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let both = contact(&app, json!({"first_name": "a"})).await;
    own(&app, &both, &eva, "main").await;
    own(&app, &both, &petr, "co_owner").await;
    let last = contact(&app, json!({"first_name": "b"})).await;
    own(&app, &last, &petr, "read_only").await;
    let evas = contact(&app, json!({"first_name": "c"})).await;
    own(&app, &evas, &eva, "main").await;
    let nobodys = contact(&app, json!({"first_name": "d"})).await;
    let since =
        app.rows("SELECT contact_id, user_id, level, added_at FROM contact_owners ORDER BY 1, 2");

    // an address is read as addresses are
    let job =
        managed(&app, &app, json!([{"type": "remove_owner", "email": "Petr@Example.COM"}])).await;
    expect_counts(&job, "remove_owner", [1, 2], &json!({"last_owner": 1}));
    assert_eq!(owners(&app, &both).await, levels(&[(&eva, "main")]));
    assert_eq!(owners(&app, &last).await, levels(&[(&petr, "read_only")]));
    assert_eq!(owners(&app, &nobodys).await, []);
    let skipped = format!("/contact-manager/jobs/{}/contacts?outcome=skipped", job.id());
    let skipped = app.get(skipped).await.expect(200);
    assert_eq!(skipped.data().len(), 1);
    assert_eq!(
        (&skipped.data()[0]["contact_id"], &skipped.data()[0]["reason"]),
        (&json!(last), &json!("last_owner"))
    );
    let undo = undone(&app, &app, &job).await;
    expect_counts(&undo, "remove_owner", [1, 0], &json!({}));
    let now =
        app.rows("SELECT contact_id, user_id, level, added_at FROM contact_owners ORDER BY 1, 2");
    assert_eq!(now, since, "since when they owned it too");

    let job = managed(&app, &app, remove("petr")).await;
    own(&app, &both, &petr, "main").await;
    let undo = undone(&app, &app, &job).await;
    expect_counts(&undo, "remove_owner", [0, 0], &json!({"changed_since": 1}));
    assert_eq!(owners(&app, &both).await.len(), 2);
    // nobody is given back who is not there any more
    let job = managed(&app, &app, remove("eva")).await;
    expect_counts(&job, "remove_owner", [1, 2], &json!({"last_owner": 1}));
    app.delete(format!("/contacts/{evas}")).await.expect(204);
    app.delete(format!("/trash/{evas}")).await.expect(204);
    app.delete(format!("/users/{eva}")).await.expect(204);
    let undo = undone(&app, &app, &job).await;
    expect_counts(&undo, "remove_owner", [0, 0], &json!({"changed_since": 1}));
    app.check_invariants();
}

/// MGR-G, CON-12: of two jobs that would each leave the other's owner, one leaves its own.
#[tokio::test]
async fn the_last_owner_stays_also_when_two_jobs_run_at_once() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(contact(&app, json!({"first_name": format!("n{number}")})).await);
    }
    for _ in 0..5 {
        for id in &ids {
            own(&app, id, &eva, "main").await;
            own(&app, id, &petr, "main").await;
        }
        let mut jobs = Vec::new();
        for name in ["eva", "petr"] {
            let body = json!({"selection": chosen(), "actions": remove(name)});
            jobs.push(app.post("/contact-manager/jobs").json(&body).await.expect(202).id());
        }
        futures_util::future::join(app.run_jobs(), app.run_jobs()).await;
        let mut applied = 0;
        for id in &jobs {
            let job = app.get(format!("/contact-manager/jobs/{id}")).await.expect(200);
            assert_eq!(job.json["state"], "succeeded", "{job:?}");
            applied += job.json["outcomes"]["remove_owner"]["applied"].as_i64().unwrap();
        }
        assert_eq!(applied, 20, "each contact lost one of both");
        for id in &ids {
            assert_eq!(owners(&app, id).await.len(), 1);
        }
    }
}

/// MGR-5: only main owners, and who owns nothing of it, say who owns a contact.
#[tokio::test]
async fn co_owners_and_read_only_owners_say_not_who_owns_a_contact() {
    let app = TestApp::new().await;
    let (eva, as_eva) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let mut ids = Vec::new();
    for (name, level) in
        [("a", Some("main")), ("b", Some("co_owner")), ("c", Some("read_only")), ("d", None)]
    {
        let id = contact(&app, json!({"first_name": name})).await;
        if let Some(level) = level {
            own(&app, &id, &eva, level).await;
        }
        ids.push(id);
    }
    let skipped = json!({"not_permitted": 2});
    let assigned = managed(&app, &as_eva, assign(&petr, "co_owner")).await;
    expect_counts(&assigned, "assign_owner", [2, 0], &skipped);
    assert_eq!(owners(&app, &ids[1]).await, levels(&[(&eva, "co_owner")]));
    assert_eq!(owners(&app, &ids[2]).await, levels(&[(&eva, "read_only")]));
    let removed = managed(&app, &as_eva, remove("petr")).await;
    let expected = json!({"not_permitted": 2, "last_owner": 1});
    expect_counts(&removed, "remove_owner", [1, 0], &expected);
    // administrators may, and what they did they undo; who may no more does not
    let all = managed(&app, &app, assign(&petr, "main")).await;
    expect_counts(&all, "assign_owner", [4, 0], &json!({}));
    let undo = undone(&app, &as_eva, &all).await;
    expect_counts(&undo, "assign_owner", [2, 0], &skipped);
    assert_eq!(owners(&app, &ids[1]).await.len(), 2);
}

/// MGR-G: what a request says of people who are not here.
#[tokio::test]
async fn owners_who_are_not_there_are_a_fault_of_the_request() {
    let app = TestApp::new().await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let id = contact(&app, json!({"first_name": "a"})).await;
    let other = app.other_workspace();
    let nobody = uuid::Uuid::now_v7().to_string();
    for user in [&nobody, &other.user.to_string()] {
        refused(&app, &assign(user, "main")).await.expect_problem(
            422,
            "unknown_reference",
            &["#/actions/0/user_id"],
        );
    }
    let foreign = json!([{"type": "remove_owner", "email": other.email}]);
    for actions in [&foreign, &remove("nobody")] {
        refused(&app, actions).await.expect_problem(
            422,
            "unknown_reference",
            &["#/actions/0/email"],
        );
    }
    // both at once, and a level that is none
    let both = json!([
        {"type": "assign_owner", "user_id": nobody, "level": "main"}, {"type": "remove_owner", "email": "n@example.com"}]);
    refused(&app, &both).await.expect_problem(
        422,
        "unknown_reference",
        &["#/actions/0/user_id", "#/actions/1/email"],
    );
    assert_eq!(refused(&app, &assign(&petr, "boss")).await.faults()[0].0, "#/actions/0/level");
    // somebody who goes between the request and the job
    let body = json!({"selection": chosen(), "actions": assign(&petr, "main")});
    let job = app.post("/contact-manager/jobs").json(&body).await.expect(202);
    app.delete(format!("/users/{petr}")).await.expect(204);
    app.run_jobs().await;
    let job = app.get(format!("/contact-manager/jobs/{}", job.id())).await.expect(200);
    assert_eq!(job.json["state"], "failed", "{job:?}");
    assert_eq!(owners(&app, &id).await, []);
}

/// CON-12
#[tokio::test]
async fn a_contact_with_as_many_owners_as_it_may_have_gets_no_more() {
    let app = TestApp::new().await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let id = contact(&app, json!({"first_name": "a"})).await;
    let home = app.home().id;
    app.execute(&format!(
        "WITH people AS (INSERT INTO users (workspace_id, id, email, email_key, role, password_hash, created_at, updated_at) \
           SELECT '{home}', gen_random_uuid(), 'p' || n || '@example.com', 'p' || n || '@example.com', 'viewer', '', now(), now() \
           FROM generate_series(1, 100) AS n RETURNING id) \
         INSERT INTO contact_owners (workspace_id, contact_id, user_id, level, added_at) \
         SELECT '{home}', '{id}', id, 'main', now() FROM people"
    ));
    let job = managed(&app, &app, assign(&petr, "main")).await;
    expect_counts(&job, "assign_owner", [0, 0], &json!({"too_many_owners": 1}));
    // one of them gets another level
    let one = owners(&app, &id).await[0].0.clone();
    let job = managed(&app, &app, assign(&one, "read_only")).await;
    expect_counts(&job, "assign_owner", [1, 0], &json!({}));
}

/// MGR-G: nobody is made an owner and taken away by one job.
#[tokio::test]
async fn an_owner_is_not_assigned_and_removed_by_one_job() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    contact(&app, json!({"first_name": "a"})).await;
    let both = |user: &str| json!([remove("eva")[0], assign(user, "main")[0]]);
    let refused = refused(&app, &both(&eva)).await;
    refused.expect_problem(422, "invalid_value", &["#/actions/0/email"]);
    let job = managed(&app, &app, both(&petr)).await;
    expect_counts(&job, "assign_owner", [1, 0], &json!({}));
}
