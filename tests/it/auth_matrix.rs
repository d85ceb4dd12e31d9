//! Who may do what, for every operation of the document: a new one is covered without being named.
//!
//! OWASP API1:2023 (object level), API2:2023 (authentication), API5:2023 (function level).

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kartoteka_api::KeyRing;
use kartoteka_api::tokens::{Audience, Claims};
use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{UserId, WorkspaceId};
use kartoteka_domain::scopes::{Role, Scope};
use kartoteka_tests::contract::{Operation, operations};
use kartoteka_tests::examples::{self, Things};
use kartoteka_tests::{TestApp, Workspace};
use serde_json::json;
use uuid::Uuid;

/// What anybody may ask.
const PUBLIC: &[&str] = &[
    "get_health",
    "get_readiness",
    "get_metrics",
    "get_keys",
    "get_problem_page",
    "create_token",
    "revoke_token",
    // who has the link may use it
    "get_confirmation_page",
    "confirm_consent",
    "get_unsubscribe_page",
    "unsubscribe_contact",
    "get_preferences_page",
    "save_preferences",
];

fn secured() -> impl Iterator<Item = &'static Operation> {
    operations().iter().filter(|operation| operation.is_secured())
}

fn somewhere(operation: &Operation) -> String {
    examples::path(operation, &Things::default(), |_, _| None)
}

#[test]
fn what_is_public_is_public_on_purpose() {
    let public: Vec<_> =
        operations().iter().filter(|o| !o.is_secured()).map(Operation::id).collect();
    let extra: Vec<_> = public.iter().filter(|id| !PUBLIC.contains(id)).collect();
    assert!(extra.is_empty(), "no token needed: {extra:?}");
}

#[tokio::test]
async fn without_a_token_nothing_works() {
    let app = TestApp::new().await;
    for operation in secured() {
        let answer = examples::request(&app.anonymous(), operation, &somewhere(operation)).await;
        let answer = answer.expect_problem(401, "unauthorized", &[]);
        assert!(answer.header("www-authenticate").starts_with("Bearer "), "{answer:?}");
    }
}

/// Tokens that are wrong in one thing each.
fn bad_tokens(app: &TestApp) -> Vec<(&'static str, String)> {
    let now = chrono::Utc::now().timestamp();
    let good = Claims {
        iss: app.settings().issuer.clone(),
        aud: Audience::One(app.settings().audience.clone()),
        sub: app.home().user.0.to_string(),
        ws: app.home().id.0,
        scope: Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        exp: now + 600,
        iat: now,
        nbf: None,
        jti: Uuid::now_v7().to_string(),
        client_id: None,
    };
    let sign = |change: &dyn Fn(&mut Claims)| {
        let mut claims = good.clone();
        change(&mut claims);
        app.keys().sign(&claims).unwrap()
    };
    let right = sign(&|_| {});
    let parts: Vec<&str> = right.split('.').collect();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = jsonwebtoken::decode_header(&right).unwrap().kid;
    // the public key as the secret of an HMAC: the classic swap
    let public = app.keys().jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
    let swapped =
        jsonwebtoken::encode(&header, &good, &EncodingKey::from_secret(public.as_bytes())).unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    vec![
        ("not a token", "nonsense".into()),
        ("empty", String::new()),
        ("cut off", right[..right.len() - 5].to_owned()),
        ("without a signature", format!("{}.{}.", parts[0], parts[1])),
        ("alg none", none),
        ("algorithm swapped", swapped),
        ("somebody else's key", KeyRing::ephemeral().unwrap().sign(&good).unwrap()),
        ("unknown kid", {
            let pem = kartoteka_api::tokens::keys::generate_pem().unwrap();
            KeyRing::from_pems([("unheard-of", pem)]).unwrap().sign(&good).unwrap()
        }),
        ("expired", sign(&|claims| claims.exp = now - 3600)),
        ("not valid yet", sign(&|claims| claims.nbf = Some(now + 3600))),
        ("from the future", sign(&|claims| claims.iat = now + 3600)),
        ("other audience", sign(&|claims| claims.aud = Audience::One("another".into()))),
        ("other issuer", sign(&|claims| claims.iss = "https://elsewhere.example".into())),
        ("nobody", sign(&|claims| claims.sub = Uuid::now_v7().to_string())),
        ("not an id", sign(&|claims| claims.sub = "administrator".into())),
        ("another workspace's", sign(&|claims| claims.ws = Uuid::now_v7())),
        ("a client that is none", sign(&|claims| claims.client_id = Some(claims.sub.clone()))),
    ]
}

/// PLT-1
#[tokio::test]
async fn with_a_wrong_token_nothing_works() {
    let app = TestApp::new().await;
    for (index, operation) in secured().enumerate() {
        for (number, (what, token)) in bad_tokens(&app).into_iter().enumerate() {
            // every kind on the first operations, then one by turns: the check is one piece of code
            if index > 2 && number != index % 17 {
                continue;
            }
            let request =
                examples::request(&app.with_token(token), operation, &somewhere(operation));
            let answer = request.await;
            assert!(answer.status == 401, "a token that is {what} works: {answer:?}");
            assert!(answer.header("www-authenticate").starts_with("Bearer "), "{answer:?}");
        }
    }
}

/// A token of one workspace names a user of another: the pair does not exist.
#[tokio::test]
async fn a_user_of_another_workspace_is_nobody_here() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let stranger =
        app.client_of(Actor::User(other.user), app.home().id, &Role::Administrator.scopes());
    let operation = secured().find(|operation| operation.method == "GET").unwrap();
    stranger.get(somewhere(operation)).await.expect(401);
    // whatever else is wrong with the request
    let ghost = app.client_of(
        Actor::User(UserId(Uuid::now_v7())),
        app.home().id,
        &Role::Administrator.scopes(),
    );
    ghost.get("/contacts?limit=0").await.expect_problem(401, "unauthorized", &[]);
}

#[tokio::test]
async fn each_wrong_scope_is_refused() {
    let app = TestApp::new().await;
    let all: BTreeSet<Scope> = Scope::ALL.iter().copied().collect();
    let user = Actor::User(app.home().user);
    for operation in secured() {
        let needed: BTreeSet<Scope> =
            operation.scopes().iter().map(|s| s.parse().unwrap()).collect();
        if needed.is_empty() {
            continue;
        }
        let path = somewhere(operation);
        let wrong = all.iter().filter(|scope| !needed.contains(scope));
        let mut attempts: Vec<BTreeSet<Scope>> =
            wrong.map(|scope| BTreeSet::from([*scope])).collect();
        // everything but what is needed, and nothing at all
        attempts.push(&all - &needed);
        attempts.push(BTreeSet::new());
        for scopes in attempts {
            let client = app.client_of(user, app.home().id, &scopes);
            let answer = examples::request(&client, operation, &path).await;
            assert!(answer.status == 403, "{} with {scopes:?}: {answer:?}", operation.id());
            assert_eq!(answer.json["code"], "forbidden");
        }
    }
}

/// Things of every kind in a workspace, with `canary` in what people would call their names.
pub(crate) async fn furnish(app: &TestApp, workspace: &Workspace, canary: &str) -> Things {
    let mut things = Things::make(workspace).await;
    let contact = json!({"first_name": canary, "last_name": canary, "email": format!("{canary}@example.com")});
    let contact = workspace.post("/contacts").json(&contact).await.expect(201);
    things.put("/api/v1/contacts", contact.id());
    let gone = json!({"last_name": canary, "external_id": format!("{canary}-gone")});
    let gone = workspace.post("/contacts").json(&gone).await.expect(201);
    workspace.delete(format!("/contacts/{}", gone.id())).await.expect(204);
    things.put("/api/v1/trash", gone.id());
    let list =
        format!("E-mail;Příjmení\nfrom-list-{canary}@example.com;{canary}\n;\nnonsense;{canary}\n");
    let import = app.import_into(workspace, list.as_bytes(), &json!({})).await;
    assert_eq!(import.json["state"], "done", "{import:?}");
    things.put("/api/v1/imports", import.id());
    things.put("/api/v1/jobs", import.text_at("/job/id"));
    things
}

#[derive(QueryableByName)]
struct TableHash {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    hash: Option<String>,
}

/// A hash over all rows of a workspace, table by table.
pub(crate) fn everything_of(
    app: &TestApp,
    workspace: WorkspaceId,
) -> BTreeMap<String, Option<String>> {
    let mut conn = app.connection();
    let tables: Vec<TableHash> = diesel::sql_query(
        "SELECT c.relname::text AS name, NULL::text AS hash FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname = 'workspace_id'",
    )
    .load(&mut conn)
    .unwrap();
    assert!(tables.len() > 10);
    let hashes = tables.into_iter().map(|TableHash { name, .. }| {
        let sql = format!(
            "SELECT '{name}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS hash \
             FROM {name} t WHERE workspace_id = $1"
        );
        let row: TableHash =
            diesel::sql_query(sql).bind::<SqlUuid, _>(workspace.0).get_result(&mut conn).unwrap();
        (row.name, row.hash)
    });
    hashes.collect()
}

/// PLT-1
#[tokio::test]
async fn an_id_of_another_workspace_is_an_id_of_nothing() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let ours = furnish(&app, app.home(), "ours").await;
    let theirs = furnish(&app, &other, "theirs").await;
    let before = everything_of(&app, other.id);
    for operation in secured() {
        let names: Vec<_> = operation
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')))
            .collect();
        for (position, name) in names.iter().enumerate() {
            if !examples::is_id(operation, name) {
                continue;
            }
            let path = examples::path(operation, &ours, |at, collection| {
                (at == position).then(|| theirs.get(collection))
            });
            let answer = examples::request(&app, operation, &path).await;
            assert!(
                [404, 422].contains(&answer.status),
                "{} with a foreign {name}: {answer:?}",
                operation.id()
            );
            assert!(!answer.text().contains("theirs"), "{answer:?}");
        }
    }
    assert_eq!(before, everything_of(&app, other.id), "the other workspace was changed");
    app.run_jobs().await;
}

/// PLT-1: ids inside of bodies and queries.
#[tokio::test]
async fn a_foreign_id_in_a_body_or_query_reaches_nothing() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let ours = furnish(&app, app.home(), "ours").await;
    let theirs = furnish(&app, &other, "theirs").await;
    let before = everything_of(&app, other.id);
    for operation in secured() {
        let path = examples::path(operation, &ours, |_, _| None);
        if let Some(body) = examples::example_body(operation) {
            let ids = examples::places(&body).into_iter().filter(|place| {
                let value = body.pointer(place).and_then(|value| value.as_str());
                value.is_some_and(|text| Uuid::parse_str(text).is_ok())
            });
            for place in ids {
                for id in theirs.ids() {
                    let body = examples::with(&body, &place, json!(id));
                    let method = operation.method.parse().unwrap();
                    let answer = app.request(method, &path).json(&body).await;
                    assert!(answer.status < 500, "{} {place}: {answer:?}", operation.id());
                    assert!(!answer.text().contains("theirs"), "{answer:?}");
                }
            }
        }
        for parameter in operation.parameters("query") {
            let schema = parameter["schema"].to_string();
            if !schema.contains("\"uuid\"") {
                continue;
            }
            for id in theirs.ids() {
                let name = parameter["name"].as_str().unwrap();
                let request = examples::request(&app, operation, &path).query(&[(name, id)]);
                let answer = request.await;
                assert!(answer.status < 500, "{}: {answer:?}", operation.id());
                assert!(!answer.text().contains("theirs"), "{answer:?}");
            }
        }
    }
    app.run_jobs().await;
    assert_eq!(before, everything_of(&app, other.id), "the other workspace was changed");
}

/// PLT-1: what a list or a search answers is the caller's own.
#[tokio::test]
async fn no_list_shows_anything_of_another_workspace() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let ours = furnish(&app, app.home(), "ours").await;
    let theirs = furnish(&app, &other, "theirs").await;
    let foreign: Vec<String> = theirs.ids().map(str::to_owned).collect();
    for operation in secured() {
        let reads = operation.method == "GET"
            || (operation.method == "POST"
                && !operation.scopes().iter().any(|s| s.ends_with("write")));
        if !reads {
            continue;
        }
        let path = examples::path(operation, &ours, |_, _| None);
        let answer = examples::request(&app, operation, &path).await;
        let text = answer.text();
        assert!(!text.contains("theirs"), "{answer:?}");
        for id in foreign.iter().chain([&other.id.0.to_string(), &other.user.0.to_string()]) {
            assert!(!text.contains(id.as_str()), "{answer:?}");
        }
    }
    app.run_jobs().await;
}

/// Somebody who is disabled is out before the token has run out.
#[tokio::test]
async fn a_disabled_user_is_out_within_seconds() {
    let app = TestApp::new().await;
    let operation = secured().find(|o| o.method == "GET" && !o.path.contains('{')).unwrap();
    app.get(operation.path).await.expect(200);
    let sql = "UPDATE users SET disabled_at = updated_at";
    diesel::sql_query(sql).execute(&mut app.connection()).unwrap();
    app.clock().advance(chrono::TimeDelta::seconds(6));
    app.get(operation.path).await.expect_problem(401, "unauthorized", &[]);
    let ghost = app.client_of(
        Actor::User(UserId(Uuid::now_v7())),
        app.home().id,
        &Role::Administrator.scopes(),
    );
    ghost.get(operation.path).await.expect(401);
}
