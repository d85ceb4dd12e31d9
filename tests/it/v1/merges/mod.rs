//! Tests of merging contacts and parting them again (CON-16).

mod create;
mod ids;
mod imports;
mod preview;
mod random;
mod refusals;
mod undo;

use kartoteka_tests::client::Request;
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

/// Makes a contact; its id.
async fn contact(app: &TestApp, body: Value) -> String {
    app.post("/contacts").json(&body).await.expect(201).id()
}

fn request(app: &TestApp, winner: &str, losers: &[&String]) -> Request {
    app.post("/contacts/merge").json(&json!({"winner_id": winner, "loser_ids": losers}))
}

/// Merges and gives the answer.
async fn merged(app: &TestApp, winner: &str, losers: &[&String]) -> Answer {
    let answer = request(app, winner, losers).await.expect(200);
    assert_eq!(answer.header("location"), format!("/api/v1/merges/{}", answer.id()));
    answer
}

async fn undone(app: &TestApp, merge: &Answer) -> Answer {
    app.post(format!("/merges/{}/undo", merge.id())).await.expect(200)
}

/// The contact as the API shows it, without the time of its last change.
async fn shown(app: &TestApp, id: &str) -> Value {
    let mut contact = app.get(format!("/contacts/{id}")).await.expect(200).json;
    contact.as_object_mut().unwrap().remove("updated_at");
    contact
}

/// Tables that hold what hangs on a contact.
const HANGING: [&str; 12] = [
    "contact_tags",
    "contact_groups",
    "contact_stages",
    "contact_owners",
    "company_contacts",
    "opportunity_contacts",
    "project_contacts",
    "activity_contacts",
    "contact_notes",
    "coupons",
    "contact_search",
    "runs",
];

/// Everything the tables hold of a contact, but for the ledger and the time of the last change.
fn dump(app: &TestApp, id: &str) -> Value {
    let mut all = json!({"contacts": rows(app, "contacts", &format!("id = '{id}'"))});
    for table in HANGING {
        all[table] = rows(app, table, &format!("contact_id = '{id}'"));
    }
    for table in ["duplicate_pairs", "duplicate_rejections"] {
        all[table] = rows(app, table, &format!("contact_id = '{id}' OR other_id = '{id}'"));
    }
    all
}

fn rows(app: &TestApp, table: &str, condition: &str) -> Value {
    let sql = format!("SELECT * FROM {table} t WHERE {condition} ORDER BY t::text");
    let mut rows = app.rows(&sql);
    for row in &mut rows {
        // notes keep theirs: moving one is no change of it
        if table == "contacts" {
            row.as_object_mut().unwrap().remove("updated_at");
        }
    }
    json!(rows)
}

/// The states of the purposes of a contact, those that were decided.
async fn consents(app: &TestApp, id: &str) -> Value {
    let consents = app.get(format!("/contacts/{id}/consents")).await.expect(200);
    let current = consents.json["current"].as_array().unwrap().iter();
    let decided = current.filter(|consent| consent["state"] != "never");
    decided
        .map(|consent| (consent["purpose"].as_str().unwrap().to_owned(), consent["state"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

async fn declare(app: &TestApp, id: &str, purpose: &str, action: &str) {
    let body = json!({"purpose": purpose, "action": action, "legal_basis": "consent",
        "evidence": {"ip": "203.0.113.7"}});
    app.post(format!("/contacts/{id}/consents")).json(&body).await.expect(201);
}

/// Ids of things that can hang on contacts.
struct Things {
    groups: Vec<String>,
    stages: Vec<String>,
    users: Vec<String>,
    companies: Vec<String>,
    opportunities: Vec<String>,
    projects: Vec<String>,
}

impl Things {
    async fn make(app: &TestApp) -> Self {
        let mut things = Self {
            groups: Vec::new(),
            stages: Vec::new(),
            users: Vec::new(),
            companies: Vec::new(),
            opportunities: Vec::new(),
            projects: Vec::new(),
        };
        let funnel = json!({"name": "things", "stages": ["stage 0", "stage 1", "stage 2"]});
        let funnel = app.post("/funnels").json(&funnel).await.expect(201);
        for n in 0..3 {
            things.stages.push(funnel.text_at(&format!("/stages/{n}/id")));
            let name = json!({"name": format!("thing {n}")});
            let user = json!({"email": format!("owner{n}@example.com"), "role": "editor",
                "password": kartoteka_tests::PASSWORD});
            things.groups.push(app.post("/groups").json(&name).await.expect(201).id());
            things.users.push(app.post("/users").json(&user).await.expect(201).id());
            things.companies.push(app.post("/companies").json(&name).await.expect(201).id());
            things
                .opportunities
                .push(app.post("/opportunities").json(&name).await.expect(201).id());
            things.projects.push(app.post("/projects").json(&name).await.expect(201).id());
        }
        things
    }

    /// Hangs the thing with this number of every kind on a contact, and some of its own.
    async fn hang_on(&self, app: &TestApp, id: &str, n: usize) {
        let path = format!("/contacts/{id}");
        app.put(format!("{path}/tags/tag{n}")).json(&json!({"score": n})).await.expect(200);
        app.put(format!("{path}/groups/{}", self.groups[n])).await.expect(200);
        app.put(format!("{path}/stages/{}", self.stages[n])).await.expect(200);
        app.execute(&format!(
            "INSERT INTO coupons (workspace_id, id, contact_id, name, name_key, code, valid_until, created_at) \
             SELECT workspace_id, gen_random_uuid(), id, 'Spring', 'spring', \
             upper(substr(md5(random()::text), 1, 12)), now(), now() FROM contacts WHERE id = '{id}'"
        ));
        let level = ["main", "co_owner", "read_only"][n];
        let level = json!({ "level": level });
        app.put(format!("{path}/owners/{}", self.users[n])).json(&level).await.expect(200);
        for (noun, ids) in [
            ("companies", &self.companies),
            ("opportunities", &self.opportunities),
            ("projects", &self.projects),
        ] {
            let role = json!({"role": format!("role {n}")});
            app.put(format!("/{noun}/{}/contacts/{id}", ids[n])).json(&role).await.expect(200);
        }
        let note = json!({"text": format!("note {n} of {id}"), "private": n == 1});
        app.post(format!("{path}/notes")).json(&note).await.expect(201);
        let call = json!({"type": "call", "subject": format!("call {n}"), "contact_ids": [id]});
        app.post("/activities").json(&call).await.expect(201);
    }
}
