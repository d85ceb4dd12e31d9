//! What the contact manager starts scenarios by, and by nothing else: the column "starts scenarios" of its table.

use std::collections::BTreeMap;

use kartoteka_domain::scopes::Role;
use kartoteka_tests::TestApp;
use kartoteka_tests::receiver::Receiver;
use serde_json::{Value, json};

use super::consents::{contact, managed, undone};
use crate::v1::contacts::notes::person;
use crate::v1::webhooks::starting::{STARTING, started, starts_by};

/// Somebody to whom every action can be done.
async fn anybody(app: &TestApp, petr: &str, eva: &str) -> String {
    let body = json!({"first_name": "Jana", "email": "jana@example.com", "phone": "+420601123456",
        "details": {"boty": 43}});
    let id = contact(app, body).await;
    for user in [petr, eva] {
        let path = format!("/contacts/{id}/owners/{user}");
        app.put(path).json(&json!({"level": "co_owner"})).await.expect(200);
    }
    id
}

/// What actions need to be there.
struct Made {
    stage: String,
    rule: String,
    scenario: String,
}

async fn made(app: &TestApp) -> Made {
    let funnel =
        app.post("/funnels").json(&json!({"name": "F", "stages": ["one"]})).await.expect(201);
    let rule = json!({"name": "R", "enabled": true, "event": {"type": "contact.created"},
        "actions": [{"type": "set_score", "score": 1}]});
    let scenario = json!({"name": "S", "enabled": true, "nodes": [
        {"id": "a", "type": "start", "event": {"type": "contact.created"}, "next": "b"},
        {"id": "b", "type": "end"}]});
    Made {
        stage: funnel.text_at("/stages/0/id"),
        rule: app.post("/rules").json(&rule).await.expect(201).id(),
        scenario: app.post("/scenarios").json(&scenario).await.expect(201).id(),
    }
}

/// Actions in an order in which each changes something, with the events that it starts scenarios by.
fn actions(petr: &str, ida: &str, made: &Made) -> Vec<(Value, &'static [&'static str])> {
    vec![
        (json!({"type": "set_email_opt_out"}), &[]),
        (json!({"type": "mark_email_invalid"}), &[]),
        (json!({"type": "lift_email_invalid"}), &[]),
        (json!({"type": "set_mobile_opt_in", "legal_basis": "consent"}), &[]),
        (json!({"type": "set_mobile_opt_out"}), &["contact.mobile_opted_out"]),
        (json!({"type": "add_tags", "tags": [{"name": "vip", "score": 5}]}), &[]),
        (json!({"type": "add_tags_from_details", "details": ["boty"], "prefix": "BOTY_"}), &[]),
        (json!({"type": "remove_tags", "tags": ["vip"]}), &[]),
        (json!({"type": "set_detail", "name": "barva", "value": "modrá"}), &[]),
        (json!({"type": "remove_detail", "name": "boty"}), &[]),
        (json!({"type": "set_score", "score": 7}), &[]),
        (json!({"type": "assign_owner", "user_id": ida, "level": "main"}), &[]),
        (json!({"type": "assign_owner", "user_id": petr, "level": "main"}), &[]),
        (json!({"type": "remove_owner", "email": "eva@example.com"}), &[]),
        (json!({"type": "set_state", "state": "customer"}), &[]),
        (json!({"type": "add_to_stage", "stage_id": made.stage}), &["contact.stage_entered"]),
        (json!({"type": "remove_from_funnel", "stage_id": "all"}), &[]),
        (
            json!({"type": "generate_coupon", "name": "Jaro", "length": 8, "valid_until": "2099-12-31"}),
            &[],
        ),
        // these start by being run, and tell no event
        (json!({"type": "run_rule", "rule_id": made.rule, "check_conditions": true}), &[]),
        (json!({"type": "run_scenario", "scenario_id": made.scenario}), &[]),
        (json!({"type": "generate_links", "url": "https://example.com/"}), &[]),
        (json!({"type": "add_note", "text": "x"}), &["contact.note_added"]),
        (
            json!({"type": "detect_gender", "country": "CZ", "name_order": "first_last",
                "tags": {"female": "zena", "male": "muz", "undetermined": "kdo"}}),
            &[],
        ),
        (json!({"type": "delete", "mode": "trash"}), &[]),
    ]
}

/// MGR-A to MGR-P, SCN-4: the events that start scenarios are told exactly where the table says so.
#[tokio::test]
async fn scenarios_are_started_exactly_where_the_table_says_so() {
    let app = TestApp::new().await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let (eva, _) = person(&app, "eva", Role::Editor).await;
    let (ida, _) = person(&app, "ida", Role::Editor).await;
    let id = anybody(&app, &petr, &eva).await;
    let made = made(&app).await;
    starts_by(&app, app.home(), STARTING);
    let matrix = app.get("/contact-manager/actions").await.expect(200);
    let starts: BTreeMap<&str, bool> = matrix
        .data()
        .iter()
        .map(|row| (row["key"].as_str().unwrap(), row["starts_scenarios"].as_bool().unwrap()))
        .collect();
    let mut untried: Vec<&str> = starts.keys().copied().collect();
    let mut reversible = Vec::new();
    for (action, expected) in actions(&petr, &ida, &made) {
        let word = action["type"].as_str().unwrap().to_owned();
        app.execute("DELETE FROM outbox_events");
        let job = managed(&app, &app, json!([action])).await;
        assert_eq!(job.json["outcomes"][&word]["applied"], 1, "{word} must do something: {job:?}");
        untried.retain(|other| *other != word);
        let told = started(&app);
        let words: Vec<&str> = told.iter().map(|(word, ..)| word.as_str()).collect();
        assert_eq!(words, expected, "{word}");
        let runs = matches!(word.as_str(), "run_rule" | "run_scenario");
        assert_eq!(
            starts[word.as_str()],
            runs || !expected.is_empty(),
            "{word}: the table that is shown"
        );
        assert!(told.iter().all(|(_, subject, _)| *subject == id));
        if job.json["undo"]["possible"] == true {
            reversible.push(job);
        }
    }
    assert_eq!(untried, Vec::<&str>::new(), "every action is tried");
    // and undoing is no deed of its own
    app.execute("DELETE FROM outbox_events");
    assert!(reversible.len() > 5, "{}", reversible.len());
    for job in reversible.iter().rev() {
        undone(&app, &app, job).await;
    }
    assert_eq!(started(&app), []);
}

/// MGR-G: the source says both, so the workspace does; webhooks hear of new owners anyway.
#[tokio::test]
async fn assigned_owners_start_scenarios_where_the_workspace_says_so() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let (eva, _) = person(&app, "eva", Role::Editor).await;
    let new = contact(&app, json!({"first_name": "a"})).await;
    let known = contact(&app, json!({"first_name": "b"})).await;
    let assign = |user: &str, level: &str| json!([{"type": "assign_owner", "user_id": user, "level": level}]);
    let owner = format!("/contacts/{known}/owners/{eva}");
    app.put(owner).json(&json!({"level": "read_only"})).await.expect(200);
    let hook = json!({"url": receiver.url("/"), "events": ["contact.owner_assigned"]});
    app.post("/webhooks").json(&hook).await.expect(201);
    starts_by(&app, app.home(), STARTING);

    managed(&app, &app, assign(&petr, "main")).await;
    assert_eq!(started(&app), []);
    app.send_webhooks().await;
    assert_eq!(receiver.take().len(), 2);

    let on = json!({"scenarios_on_owner_assigned": true});
    app.patch("/workspace").json(&on).await.expect(200);
    let matrix = app.get("/contact-manager/actions").await.expect(200);
    let row = matrix.data().iter().find(|row| row["key"] == "assign_owner").unwrap();
    assert_eq!(row["starts_scenarios"], true);
    // who owned it already does not become its owner
    let job = managed(&app, &app, assign(&eva, "main")).await;
    assert_eq!(job.json["outcomes"]["assign_owner"]["applied"], 2);
    let event = |id: &str| {
        let data = json!({"user_id": eva, "level": "main"});
        ("contact.owner_assigned".to_owned(), id.to_owned(), data)
    };
    assert_eq!(started(&app), [event(&new)]);
    let kept = app.rows("SELECT job_id FROM outbox_events WHERE starts_scenarios");
    assert_eq!(kept[0]["job_id"], json!(job.id()));
    app.send_webhooks().await;
    assert_eq!(receiver.take().len(), 1, "each is one event, whoever hears it");
}

/// SCN-4: in order of contacts, one for each, and only for those it was done with.
#[tokio::test]
async fn each_contact_is_told_once_and_in_order() {
    let app = TestApp::new().await;
    starts_by(&app, app.home(), STARTING);
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(contact(&app, json!({"first_name": format!("n{number}")})).await);
    }
    let out = json!({"purpose": "sms_basic", "action": "withdraw"});
    app.post(format!("/contacts/{}/consents", ids[3])).json(&out).await.expect(201);
    app.execute("DELETE FROM outbox_events");
    let both = json!([{"type": "add_note", "text": "x"}, {"type": "set_mobile_opt_out"}]);
    managed(&app, &app, both).await;
    let told = started(&app);
    let of = |event: &str| -> Vec<String> {
        let told = told.iter().filter(|(word, ..)| word == event);
        told.map(|(_, subject, _)| subject.clone()).collect()
    };
    assert_eq!(of("contact.note_added"), ids);
    let others: Vec<String> =
        ids.iter().enumerate().filter(|(at, _)| *at != 3).map(|(_, id)| id.clone()).collect();
    assert_eq!(of("contact.mobile_opted_out"), others, "whoever had opted out does not again");
    let notes = app.rows("SELECT contact_id, id FROM contact_notes ORDER BY contact_id");
    let named: Vec<&Value> = told
        .iter()
        .filter(|(word, ..)| word == "contact.note_added")
        .map(|(.., data)| &data["note_id"])
        .collect();
    assert_eq!(named, notes.iter().map(|row| &row["id"]).collect::<Vec<_>>());
}
