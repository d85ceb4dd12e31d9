//! What rules and scenarios name is kept for them.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{contact, doing, line, saved, starts};
use crate::v1::segments::has;

async fn made(app: &TestApp, path: &str, body: Value) -> String {
    app.post(path).json(&body).await.expect(201).id()
}

/// SCN-1: a segment, tag, field, group, type, purpose, person, company or webhook is not taken away under a scenario.
#[tokio::test]
async fn what_a_scenario_names_is_not_taken_away() {
    let app = TestApp::new().await;
    let tag = made(&app, "/tags", json!({"name": "vip"})).await;
    let field = made(&app, "/fields", json!({"name": "size", "type": "text"})).await;
    let group = made(&app, "/groups", json!({"name": "g"})).await;
    let kind = made(&app, "/contact-types", json!({"name": "t"})).await;
    let company = made(&app, "/companies", json!({"name": "c"})).await;
    let segment = made(&app, "/segments", json!({"name": "s", "filter": has("other")})).await;
    let purpose =
        json!({"name": "news", "channel": "email", "title": "News", "wording": "I want news."});
    let purpose = made(&app, "/purposes", purpose).await;
    let user = json!({"email": "owner@example.com", "role": "editor", "password": kartoteka_tests::PASSWORD});
    let user = made(&app, "/users", user).await;
    let hook = json!({"url": "https://hooks.example.com/", "events": ["contact.created"]});
    let hook = made(&app, "/webhooks", hook).await;
    let leaf =
        |field: &str, op: &str, value: &str| json!({"field": field, "op": op, "value": value});
    let steps = [
        doing(json!({"type": "set_detail", "name": "size", "value": "43"})),
        doing(json!({"type": "remove_owner", "user_id": user})),
        doing(json!({"type": "set_email_opt_in", "legal_basis": "consent", "purpose": "news"})),
        doing(json!({"type": "call_webhook", "webhook_id": hook})),
    ];
    let mut nodes = line(json!({"type": "contact.tag_added", "tag": "VIP"}), &steps);
    let filter = json!({"and": [leaf("segment", "eq", &segment), leaf("group", "has", &group),
        leaf("type", "eq", &kind), leaf("company", "has", &company)]});
    nodes[0]["next"] = json!("asked");
    nodes.push(
        json!({"id": "asked", "type": "condition", "filter": filter, "yes": "step0", "no": "end"}),
    );
    let scenario = saved(&app, &json!({"name": "Names", "nodes": nodes})).await;
    let named = [
        ("tags", &tag, "tag_in_use"),
        ("fields", &field, "field_in_use"),
        ("groups", &group, "group_in_use"),
        ("contact-types", &kind, "contact_type_in_use"),
        ("companies", &company, "in_use"),
        ("purposes", &purpose, "purpose_in_use"),
        ("users", &user, "in_use"),
        ("webhooks", &hook, "in_use"),
    ];
    for (noun, id, code) in named {
        let refused = app.delete(format!("/{noun}/{id}")).await.expect_problem(409, code, &[]);
        assert_eq!(refused.json["definitions"], 1, "{noun}");
    }
    let refused = app.delete(format!("/segments/{segment}")).await;
    let refused = refused.expect_problem(409, "segment_in_use", &[]);
    assert_eq!((&refused.json["uses"], &refused.json["scenarios"]), (&json!(1), &json!(1)));
    let used = app.get(format!("/segments/{segment}")).await.expect(200);
    let by = json!([{"type": "scenario", "id": scenario, "name": "Names"}]);
    assert_eq!(used.json["used_by"], by);
    app.delete(format!("/scenarios/{scenario}")).await.expect(204);
    for (noun, id, _) in named {
        app.delete(format!("/{noun}/{id}")).await.expect(204);
    }
    app.delete(format!("/segments/{segment}")).await.expect(204);
}

/// SCN-3: what a contact on its way needs is kept too, though the scenario was changed meanwhile.
#[tokio::test]
async fn what_a_version_under_way_names_is_not_taken_away() {
    let app = TestApp::new().await;
    let tag = made(&app, "/tags", json!({"name": "vip"})).await;
    let start = json!({"type": "contact.created"});
    let step = doing(json!({"type": "remove_tags", "tags": ["vip"]}));
    let body = json!({"name": "S", "enabled": true, "nodes": line(start.clone(), &[step])});
    let scenario = saved(&app, &body).await;
    let jana = contact(&app, "Jana").await;
    let run =
        app.post(format!("/contacts/{jana}/scenarios")).json(&json!({"scenario_id": scenario}));
    let run = run.await.expect(201);
    let path = format!("/scenarios/{scenario}");
    app.patch(&path).json(&json!({"nodes": line(start, &[])})).await.expect(200);
    let tag = format!("/tags/{tag}");
    app.delete(&tag).await.expect_problem(409, "tag_in_use", &[]);
    app.delete(run.header("location")).await.expect(204);
    app.delete(&tag).await.expect(204);
}

/// SCN-3, SEG-5: so is a segment. Without it a condition that excludes its contacts would let everybody through.
#[tokio::test]
async fn a_segment_of_a_version_under_way_is_not_taken_away() {
    let app = TestApp::new().await;
    let segment = made(&app, "/segments", json!({"name": "s", "filter": has("other")})).await;
    let start = json!({"type": "contact.created"});
    let mut nodes = line(start.clone(), &[doing(json!({"type": "set_score", "score": 1}))]);
    nodes[0]["next"] = json!("asked");
    nodes.push(json!({"id": "asked", "type": "condition", "yes": "step0", "no": "end",
        "filter": {"field": "segment", "op": "ne", "value": segment}}));
    let scenario = saved(&app, &json!({"name": "S", "enabled": true, "nodes": nodes})).await;
    let jana = contact(&app, "Jana").await;
    let run =
        app.post(format!("/contacts/{jana}/scenarios")).json(&json!({"scenario_id": scenario}));
    let run = run.await.expect(201);
    let path = format!("/scenarios/{scenario}");
    app.patch(&path).json(&json!({"nodes": line(start, &[])})).await.expect(200);
    let segment = format!("/segments/{segment}");
    let refused = app.delete(&segment).await.expect_problem(409, "segment_in_use", &[]);
    assert_eq!((&refused.json["uses"], &refused.json["scenarios"]), (&json!(1), &json!(1)));
    let by = json!([{"type": "scenario", "id": scenario, "name": "S"}]);
    assert_eq!(app.get(&segment).await.expect(200).json["used_by"], by);
    app.delete(run.header("location")).await.expect(204);
    assert_eq!(app.get(&segment).await.expect(200).json["used_by"], json!([]));
    app.delete(&segment).await.expect(204);
}

/// SCN-4: a tag that is renamed is renamed in conditions, events and actions, in what starts it, and in old versions.
#[tokio::test]
async fn a_renamed_tag_is_followed() {
    let app = TestApp::new().await;
    let tag = made(&app, "/tags", json!({"name": "vip"})).await;
    let nodes = line(
        json!({"type": "contact.tag_added", "tag": "Vip"}),
        &[doing(json!({"type": "add_tags", "tags": [{"name": "VIP"}, {"name": "new"}]}))],
    );
    let scenario = saved(&app, &json!({"name": "S", "enabled": true, "nodes": nodes})).await;
    let rule = made(&app, "/rules", json!({"name": "R", "conditions": [has("vip")]})).await;
    app.patch(format!("/tags/{tag}")).json(&json!({"name": "Top"})).await.expect(200);
    let read = app.get(format!("/scenarios/{scenario}")).await.expect(200);
    assert_eq!(read.json["nodes"][0]["event"]["tag"], "Top");
    assert_eq!(read.json["nodes"][1]["action"]["tags"], json!([{"name": "Top"}, {"name": "new"}]));
    assert_eq!(starts(&app), [("contact.tag_added".to_owned(), json!({"tag": "top"}))]);
    let read = app.get(format!("/rules/{rule}")).await.expect(200);
    assert_eq!(read.json["conditions"][0]["value"], "Top");
    let refused = app.delete(format!("/tags/{tag}")).await.expect_problem(409, "tag_in_use", &[]);
    assert_eq!(refused.json["definitions"], 2);
    let lines = "SELECT count(*) AS n FROM audit_entries WHERE action IN ('rule.update', 'scenario.update')";
    assert_eq!(app.count(lines), 2);
}

/// CNS-2, SCN-1: a purpose belongs to one channel, and so do messages and what is written down of consents.
#[tokio::test]
async fn a_purpose_of_another_channel_is_refused() {
    let app = TestApp::new().await;
    let action = |word: &str, purpose: &str| match word {
        "send_sms" => json!({"type": word, "text": "t", "purpose": purpose}),
        "send_email" => json!({"type": word, "subject": "s", "text": "t", "purpose": purpose}),
        _ => json!({"type": word, "legal_basis": "consent", "purpose": purpose}),
    };
    let body = |actions: Vec<Value>| json!({"name": "R", "enabled": true, "event": {"type": "contact.created"}, "actions": actions});
    let wrong = [
        action("set_email_opt_in", "sms_basic"),
        action("send_sms", "email_basic"),
        action("set_mobile_opt_in", "email_basic"),
        action("send_email", "sms_basic"),
        action("send_email", "unknown"),
    ];
    let refused = app.post("/rules").json(&body(wrong.to_vec())).await.expect(422);
    let mut codes = vec!["invalid_value"; 4];
    codes.push("unknown_purpose");
    let mut faults = refused.faults();
    faults.sort_unstable();
    let expected: Vec<_> = codes
        .iter()
        .enumerate()
        .map(|(place, code)| (format!("#/actions/{place}/purpose"), (*code).to_owned()))
        .collect();
    assert_eq!(faults, expected);
    let right = [
        action("set_email_opt_in", "email_basic"),
        action("send_sms", "sms_basic"),
        action("set_mobile_opt_in", "sms_basic"),
        action("send_email", "email_basic"),
    ];
    app.post("/rules").json(&body(right.to_vec())).await.expect(201);
}

/// CON-9, SCN-1: a value that a definition writes fits its field, as one that somebody writes.
#[tokio::test]
async fn a_value_that_does_not_fit_its_field_is_refused() {
    let app = TestApp::new().await;
    for (name, kind) in [("size", "number"), ("since", "date")] {
        made(&app, "/fields", json!({"name": name, "type": kind})).await;
    }
    let set =
        |name: &str, value: Value| json!({"type": "set_detail", "name": name, "value": value});
    let body = |field: &str, actions: Vec<Value>| json!({"name": "R", "enabled": true, "event": {"type": "date.reached", "field": field}, "actions": actions});
    let wrong = [
        set("size", json!("abc")),
        set("size", json!(43)),
        set("since", json!("soon")),
        set("free", json!("abc")),
    ];
    let refused = app.post("/rules").json(&body("detail:size", wrong.to_vec())).await.expect(422);
    let mut faults = refused.faults();
    faults.sort_unstable();
    let fault = |at: &str, code: &str| (at.to_owned(), code.to_owned());
    assert_eq!(
        faults,
        [
            fault("#/actions/0/value", "invalid_type"),
            fault("#/actions/2/value", "invalid_date"),
            fault("#/event/field", "invalid_value"),
        ]
    );
    let right = vec![set("size", json!(43)), set("free", json!("abc"))];
    for (name, field) in [("R", "detail:since"), ("S", "detail:free")] {
        let mut rule = body(field, right.clone());
        rule["name"] = json!(name);
        app.post("/rules").json(&rule).await.expect(201);
    }
}

/// TRS-5: an address of an erased person is taken out of conditions and texts, in every version.
#[tokio::test]
async fn an_erased_address_is_taken_out() {
    let app = TestApp::new().await;
    let who = json!({"first_name": "Eva", "last_name": "Zmizelá", "email": "zmizela@example.com"});
    let id = made(&app, "/contacts", who).await;
    let filter = json!({"field": "email", "op": "eq", "value": "zmizela@example.com"});
    let body = json!({"name": "R", "enabled": true, "description": "for zmizela@example.com", "conditions": [filter],
        "event": {"type": "event.custom", "name": "wrote to zmizela@example.com"},
        "actions": [{"type": "add_note", "text": "zmizela@example.com"}]});
    let rule = made(&app, "/rules", body).await;
    app.post(format!("/contacts/{id}/erase")).json(&json!({})).await.expect(202);
    app.run_jobs().await;
    let read = app.get(format!("/rules/{rule}")).await.expect(200);
    assert!(!read.json.to_string().contains("zmizela"), "{}", read.json);
    let left = "SELECT count(*) AS n FROM definition_versions v WHERE v::text ILIKE '%zmizel%'";
    assert_eq!(app.count(left), 0);
    let left = "SELECT count(*) AS n FROM start_events e WHERE e::text ILIKE '%zmizel%'";
    assert_eq!(app.count(left), 0);
    assert_eq!(starts(&app).len(), 1);
    let told = app.rows("SELECT changes FROM audit_entries WHERE action = 'rule.update'");
    let fields = json!(["actions", "conditions", "description", "event"]);
    assert_eq!(told, [json!({"changes": {"fields": fields}})]);
    app.check_invariants();
}

/// TRS-5: in the last of many versions, too, and only what was changed is said to be.
#[tokio::test]
async fn an_erased_address_is_taken_out_of_all_versions() {
    let app = TestApp::new().await;
    let id = made(&app, "/contacts", json!({"email": "zmizela@example.com"})).await;
    let act = |text: &str| json!([{"type": "add_note", "text": text}]);
    let body = json!({"name": "R", "description": "d", "actions": act("zmizela@example.com")});
    let rule = made(&app, "/rules", body).await;
    app.execute(
        "INSERT INTO definition_versions SELECT workspace_id, definition_id, n, body, phone_region, true, created_at \
         FROM definition_versions, generate_series(2, 250) AS n",
    );
    app.execute("UPDATE definitions SET version = 250");
    app.post(format!("/contacts/{id}/erase")).json(&json!({})).await.expect(202);
    app.run_jobs().await;
    assert_eq!(app.count("SELECT count(*) AS n FROM definition_versions"), 250);
    let left = "SELECT count(*) AS n FROM definition_versions v WHERE v::text ILIKE '%zmizel%'";
    assert_eq!(app.count(left), 0);
    let read = app.get(format!("/rules/{rule}")).await.expect(200);
    assert_eq!(read.json["actions"], act("erased@erased.invalid"));
    let told = app.rows("SELECT DISTINCT changes FROM audit_entries WHERE action = 'rule.update'");
    assert_eq!(told, [json!({"changes": {"fields": ["actions"]}})]);
}

/// SCN-1, SCN-4, MGR-I: stages and funnels that a scenario names exist, and stay.
#[tokio::test]
async fn stages_and_funnels_are_kept_under_scenarios() {
    let app = TestApp::new().await;
    let funnel = app
        .post("/funnels")
        .json(&json!({"name": "F", "stages": ["one", "two"]}))
        .await
        .expect(201);
    let (id, one, two) =
        (funnel.id(), funnel.text_at("/stages/0/id"), funnel.text_at("/stages/1/id"));
    let nodes = |stage: &str, funnel: &str| {
        line(
            json!({"type": "contact.stage_entered", "stage_id": stage}),
            &[doing(json!({"type": "remove_from_funnel", "funnel_id": funnel}))],
        )
    };
    let nobody = "01980000-0000-7000-8000-000000000000";
    let body = json!({"name": "S", "enabled": true, "nodes": nodes(nobody, nobody)});
    let refused = app.post("/scenarios").json(&body).await.expect(422);
    let faults = refused.faults();
    assert_eq!(faults.len(), 2, "{refused:?}");
    assert!(faults.iter().all(|(_, code)| code == "unknown_reference"), "{faults:?}");
    let body = json!({"name": "S", "enabled": true, "nodes": nodes(&one, &id)});
    let scenario = saved(&app, &body).await;
    assert_eq!(starts(&app), [("contact.stage_entered".to_owned(), json!({"stage_id": one}))]);
    let other = app.post("/funnels").json(&json!({"name": "O"})).await.expect(201).id();
    let apart = json!({"name": "A", "event": {"type": "contact.stage_entered", "stage_id": one, "funnel_id": other},
        "actions": [{"type": "remove_from_funnel", "funnel_id": other, "stage_id": two},
            {"type": "remove_from_funnel", "funnel_id": id, "stage_id": two},
            {"type": "remove_from_funnel", "funnel_id": nobody, "stage_id": two}]});
    let refused = app.post("/rules").json(&apart).await.expect(422);
    let mut faults = refused.faults();
    faults.sort_unstable();
    let fault = |at: &str, code: &str| (at.to_owned(), code.to_owned());
    assert_eq!(
        faults,
        [
            fault("#/actions/0/funnel_id", "invalid_value"),
            fault("#/actions/2/funnel_id", "unknown_reference"),
            fault("#/event/funnel_id", "invalid_value"),
        ]
    );
    let stage = |stage: &str| format!("/funnels/{id}/stages/{stage}");
    let kept = app.delete(stage(&one)).await.expect(409);
    assert_eq!(
        (&kept.json["code"], &kept.json["definitions"]),
        (&json!("stage_in_use"), &json!(1))
    );
    app.delete(stage(&two)).await.expect(204);
    let kept = app.delete(format!("/funnels/{id}")).await.expect(409);
    assert_eq!(kept.json["code"], "funnel_in_use");
    assert_eq!(kept.json["definitions"], 1, "it names the funnel and a stage, and is one");
    app.delete(format!("/scenarios/{scenario}")).await.expect(204);
    app.delete(format!("/funnels/{id}")).await.expect(204);
}
