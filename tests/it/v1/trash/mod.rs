//! Tests of deleting, restoring and purging.

use diesel::RunQueryDsl;
use kartoteka_tests::TestApp;
use serde_json::json;

async fn make(app: &TestApp, name: &str) -> String {
    app.post("/contacts")
        .json(&json!({"first_name": name, "email": format!("{name}@x.cz")}))
        .await
        .expect(201)
        .id()
}

/// TRS-1
#[tokio::test]
async fn what_is_deleted_is_listed_searched_and_comes_back() {
    let app = TestApp::new().await;
    let (jana, eva) = (make(&app, "jana").await, make(&app, "eva").await);
    let before = app.get(format!("/contacts/{jana}")).await;
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    let trashed = app.get(format!("/contacts/{jana}")).await.expect(200);
    assert!(trashed.json["trashed_at"].is_string());
    app.patch(format!("/contacts/{jana}")).json(&json!({"score": 1})).await.expect_problem(
        409,
        "conflict",
        &[],
    );
    assert_eq!(app.get("/contacts").await.data().len(), 1);
    for list in ["/trash", "/contacts?trash=true", "/trash?q=JAN", "/trash?sort=-trashed_at"] {
        let found = app.get(list).await.expect(200);
        assert_eq!(found.data(), std::slice::from_ref(&trashed.json), "{list}");
    }
    assert!(app.get("/trash?q=eva").await.data().is_empty());
    let back = app.post(format!("/trash/{jana}/restore")).await.expect(200);
    assert_eq!(back.json["trashed_at"], json!(null));
    assert_eq!(back.json["email"], before.json["email"]);
    app.post(format!("/trash/{jana}/restore")).await.expect_problem(409, "not_in_trash", &[]);
    app.delete(format!("/trash/{eva}")).await.expect_problem(409, "not_in_trash", &[]);
    app.post(format!("/trash/{}/restore", uuid::Uuid::nil())).await.expect(404);
    let other = app.other_workspace();
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    other.post(format!("/trash/{jana}/restore")).await.expect(404);
    other.delete(format!("/trash/{jana}")).await.expect(404);
    assert_eq!(app.count("SELECT sum(live)::bigint AS n FROM workspace_usage"), 1);
    assert_eq!(app.count("SELECT sum(trashed)::bigint AS n FROM workspace_usage"), 1);
}

/// CON-6
#[tokio::test]
async fn many_are_deleted_restored_and_purged_at_once() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(make(&app, &format!("n{n}")).await);
    }
    let nobody = uuid::Uuid::nil().to_string();
    for (path, count) in [
        ("/contacts/bulk-delete", "trashed"),
        ("/trash/restore", "restored"),
        ("/trash/purge", "purged"),
    ] {
        app.post(path).json(&json!({"ids": []})).await.expect_problem(422, "empty_selection", &[]);
        app.post(path).json(&json!({"ids": vec![nobody.clone(); 1001]})).await.expect_problem(
            422,
            "validation_failed",
            &["#/ids"],
        );
        let none = app.post(path).json(&json!({"ids": [nobody]})).await.expect(200);
        assert_eq!(none.json[count], 0);
    }
    let some = json!({"ids": [ids[0], ids[1], ids[2], nobody, ids[0]]});
    assert_eq!(
        app.post("/contacts/bulk-delete").json(&some).await.expect(200).json,
        json!({"trashed": 3})
    );
    assert_eq!(
        app.post("/contacts/bulk-delete").json(&some).await.expect(200).json,
        json!({"trashed": 0})
    );
    assert_eq!(
        app.post("/trash/restore").json(&json!({"ids": [ids[0], ids[3]]})).await.expect(200).json,
        json!({"restored": 1, "also_used_by": []})
    );
    assert_eq!(
        app.post("/trash/purge").json(&json!({"ids": ids})).await.expect(200).json,
        json!({"purged": 2})
    );
    assert_eq!(app.get("/contacts").await.data().len(), 2);
    assert_eq!(app.count("SELECT sum(live)::bigint AS n FROM workspace_usage"), 2);
    assert_eq!(app.count("SELECT sum(trashed)::bigint AS n FROM workspace_usage"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_entries WHERE action IN ('contact.trash', 'contact.purge')"), 5);
    app.with_scopes(&["contacts:write", "contacts:read"])
        .post("/contacts/bulk-delete")
        .json(&some)
        .await
        .expect(403);
}

/// Two bulk deletes of the same contacts in different order wait for each other and do not deadlock.
#[tokio::test]
async fn bulk_deletes_of_the_same_contacts_do_not_deadlock() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(make(&app, &format!("n{n}")).await);
    }
    let reversed: Vec<_> = ids.iter().rev().cloned().collect();
    let [forth, back] = [json!({"ids": ids}), json!({"ids": reversed})];
    let calls = (0..8).map(|n| {
        let (app, body) = (&app, if n % 2 == 0 { &forth } else { &back });
        async move {
            app.post("/contacts/bulk-delete").json(body).await.expect(200).json["trashed"]
                .as_i64()
                .unwrap()
        }
    });
    assert_eq!(futures_util::future::join_all(calls).await.iter().sum::<i64>(), 30);
}

/// TRS-2: a purge removes every trace, and nothing of anybody else.
#[tokio::test]
async fn a_purge_removes_every_trace() {
    let app = TestApp::new().await;
    let jana = app
        .post("/contacts")
        .json(&json!({"first_name": "Zmizelá", "email": "zmizela@x.cz", "tags": ["vip"]}))
        .await
        .expect(201)
        .id();
    let eva = app
        .post("/contacts")
        .json(&json!({"first_name": "Eva", "tags": ["vip"]}))
        .await
        .expect(201)
        .id();
    for id in [&jana, &eva] {
        app.post(format!("/contacts/{id}/consents"))
            .json(&json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent",
            "evidence": {"ip": "203.0.113.7"}}))
            .await
            .expect(201);
    }
    import_traces(&app, &jana, &eva);
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    app.delete(format!("/trash/{jana}")).await.expect(204);
    app.get(format!("/contacts/{jana}")).await.expect(404);
    for table in [
        "contact_tags",
        "consents",
        "consent_entries",
        "consent_evidence",
        "import_changes",
        "import_tag_additions",
    ] {
        let of = |id: &str| {
            app.count(&format!("SELECT count(*) AS n FROM {table} WHERE contact_id = '{id}'"))
        };
        assert_eq!((of(&jana), of(&eva)), (0, 1), "{table}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM import_staged"), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM import_rows WHERE problems IS NULL"), 2);
    assert_eq!(app.count("SELECT count(*) AS n FROM import_rows WHERE problems IS NOT NULL"), 1);
    // no word of it anywhere; suppressions and the trail hold none by construction
    for table in ["contacts", "import_rows", "import_staged", "import_changes", "audit_entries"] {
        let left = app
            .count(&format!("SELECT count(*) AS n FROM {table} t WHERE t::text ILIKE '%zmizel%'"));
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(
        app.count("SELECT count(*) AS n FROM audit_entries WHERE action = 'contact.purge'"),
        1
    );
}

/// An import that changed both: row 1 and its double 2 are about the first contact, row 3 about the other.
fn import_traces(app: &TestApp, jana: &str, eva: &str) {
    for statement in [
        "INSERT INTO imports (workspace_id, id, name, method, state, actor_type, created_at, updated_at) \
         SELECT $WS, $WS, 'list', 'file', 'done', 'system', now(), now()",
        "INSERT INTO import_rows (workspace_id, import_id, row, line, class, outcome, contact_id, problems) \
         VALUES ($WS, $WS, 1, 2, 'one', 'update', $JANA, '[{\"value\": \"zmizelá\"}]'), \
             ($WS, $WS, 2, 3, 'none', 'merged_in_file', NULL, '[{\"value\": \"zmizelá\"}]'), \
             ($WS, $WS, 3, 4, 'one', 'update', $EVA, '[{\"value\": \"eva\"}]')",
        "INSERT INTO import_staged (workspace_id, import_id, row, line, valid, head, first_name) \
         VALUES ($WS, $WS, 1, 2, true, NULL, 'Zmizelá'), ($WS, $WS, 2, 3, true, 1, 'Zmizelá'), ($WS, $WS, 3, 4, true, NULL, 'Eva')",
        "INSERT INTO import_changes VALUES ($WS, $WS, 1, $JANA, '{\"first_name\": [\"Zmizelá\", \"x\"]}'), ($WS, $WS, 3, $EVA, '{}')",
        "INSERT INTO import_tag_additions VALUES ($WS, $WS, $JANA, $WS, 1), ($WS, $WS, $EVA, $WS, 3)",
    ] {
        let statement = statement
            .replace("$WS", &format!("'{}'::uuid", app.home().id))
            .replace("$JANA", &format!("'{jana}'::uuid"))
            .replace("$EVA", &format!("'{eva}'::uuid"));
        diesel::sql_query(statement).execute(&mut app.connection()).unwrap();
    }
}

/// TRS-1: who comes back although somebody else has the address by now is told so, alone and among many.
#[tokio::test]
async fn restoring_tells_whose_the_address_is_by_now() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jana", "email": "Jana@x.cz", "external_id": "7"});
    let old = app.post("/contacts").json(&body).await.expect(201).id();
    app.delete(format!("/contacts/{old}")).await.expect(204);
    let body = json!({"first_name": "Jana", "email": "jana@X.cz", "external_id": "7"});
    let new = app.post("/contacts").json(&body).await.expect(201).id();
    let other = app.other_workspace();
    other.post("/contacts").json(&body).await.expect(201);
    let said = |field: &str| json!({"restored_id": old, "field": field, "contact_id": new});
    let back = app.post(format!("/trash/{old}/restore")).await.expect(200);
    assert_eq!(back.json["also_used_by"], json!([said("email"), said("external_id")]));
    // its entity tag is the contact's
    let contact = app.get(format!("/contacts/{old}")).await.expect(200);
    assert_eq!(back.header("etag"), contact.header("etag"));
    app.delete(format!("/contacts/{old}")).await.expect(204);
    app.patch(format!("/contacts/{new}")).json(&json!({"external_id": null})).await.expect(200);
    let many = app.post("/trash/restore").json(&json!({"ids": [old]})).await.expect(200);
    assert_eq!(many.json, json!({"restored": 1, "also_used_by": [said("email")]}));
    app.delete(format!("/contacts/{old}")).await.expect(204);
    app.delete(format!("/contacts/{new}")).await.expect(204);
    let back = app.post(format!("/trash/{old}/restore")).await.expect(200);
    assert_eq!(back.json["also_used_by"], json!([]));
}

/// CON-8: what contacts are classed by is taken off in the trash, and nothing is put on there.
#[tokio::test]
async fn things_are_taken_off_in_the_trash() {
    let app = TestApp::new().await;
    let group = app.post("/groups").json(&json!({"name": "a"})).await.expect(201).id();
    let kind = app.post("/contact-types").json(&json!({"name": "a"})).await.expect(201).id();
    let field = json!({"name": "size", "title": "Size", "type": "number"});
    let field = app.post("/fields").json(&field).await.expect(201).id();
    let body = json!({"first_name": "Jana", "group_ids": [group], "type_id": kind, "tags": ["vip"],
        "details": {"size": 43, "free": "x"}});
    let id = app.post("/contacts").json(&body).await.expect(201).id();
    let path = format!("/contacts/{id}");
    app.delete(&path).await.expect(204);
    for body in [json!({"score": 1}), json!({"type_id": null, "score": 1}), json!({"tags": ["x"]})]
    {
        app.patch(&path).json(&body).await.expect_problem(409, "conflict", &[]);
    }
    for path in
        [format!("/groups/{group}"), format!("/contact-types/{kind}"), format!("/fields/{field}")]
    {
        let refused = app.delete(path).await.expect(409);
        assert_eq!((&refused.json["live"], &refused.json["trash"]), (&json!(0), &json!(1)));
    }
    let body = json!({"group_ids": [], "type_id": null, "tags": [], "details": {"size": null}});
    let after = app.patch(&path).json(&body).await.expect(200);
    assert!(after.json["trashed_at"].is_string());
    assert_eq!(after.json["details"], json!({"free": "x"}));
    for path in
        [format!("/groups/{group}"), format!("/contact-types/{kind}"), format!("/fields/{field}")]
    {
        app.delete(path).await.expect(204);
    }
    app.check_invariants();
}
