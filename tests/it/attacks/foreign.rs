//! Ids of another workspace in every position: OWASP API1:2023, PLT-1.

use kartoteka_tests::TestApp;
use kartoteka_tests::answer::Answer;
use kartoteka_tests::contract::operations;
use kartoteka_tests::examples;
use kartoteka_tests::sites::{Described, Site, described, is_of};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{figure, path};
use crate::auth_matrix::{everything_of, furnish};

/// Where an id stands.
fn is_id(site: &Site) -> bool {
    site.schema["format"] == "uuid" && is_of(site.schema, "string")
}

/// An answer without what differs between any two requests.
fn essence(answer: &Answer, id: &str) -> (u16, Value) {
    fn plain(value: &Value, id: &str) -> Value {
        match value {
            Value::Object(object) => object
                .iter()
                .filter(|(name, _)| {
                    !(name.ends_with("_at")
                        || ["id", "request_id", "location"].contains(&name.as_str()))
                })
                .map(|(name, value)| (name.clone(), plain(value, id)))
                .collect(),
            Value::Array(list) => list.iter().map(|value| plain(value, id)).collect(),
            Value::String(text) => json!(text.replace(id, "ID")),
            other => other.clone(),
        }
    }
    (answer.status, plain(&answer.json, id))
}

/// The site's body, and the same with its filters deeper in a tree.
fn bodies(site: &Site) -> Vec<(String, Value)> {
    let mut bodies = vec![(site.at.clone(), site.body.clone())];
    for member in ["/selection/include", "/selection/exclude", "/selection/where"] {
        let Some(rest) = site.at.strip_prefix(member) else { continue };
        let leaf = site.body.pointer(member).unwrap().clone();
        for (tree, inside) in [
            (json!({"and": [leaf]}), "/and/0"),
            (json!({"not": {"or": [leaf]}}), "/not/or/0"),
            (json!({"or": [{"not": {"and": [{"not": leaf}]}}]}), "/or/0/not/and/0/not"),
        ] {
            bodies.push((
                format!("{member}{inside}{rest}"),
                examples::with(&site.body, member, tree),
            ));
        }
    }
    bodies
}

async fn tell(
    app: &TestApp,
    described: &Described,
    path: &str,
    body: &Value,
    at: &str,
    id: &str,
) -> Answer {
    let body = examples::with(body, at, json!(id));
    described.request(app, path, &body).await
}

/// In every place of every body, trees and lists included: refused as an unknown one is, or passed over as
/// an unknown one is; and nothing of the other workspace is read or changed.
#[tokio::test]
async fn a_foreign_id_in_a_body_is_an_unknown_id() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let ours = furnish(&app, app.home(), "ours").await;
    let theirs = furnish(&app, &other, "theirs").await;
    let before = everything_of(&app, other.id);
    let (mut touched, mut cases, mut refused) = (0, 0, 0);
    for described in described() {
        let path = path(described.operation, &ours);
        let sites: Vec<Site> = described.sites().into_iter().filter(is_id).collect();
        touched += usize::from(!sites.is_empty());
        for (at, body) in sites.iter().flat_map(bodies) {
            for foreign in theirs.ids() {
                let unknown = Uuid::now_v7().to_string();
                let as_unknown = tell(&app, &described, &path, &body, &at, &unknown).await;
                let answer = tell(&app, &described, &path, &body, &at, foreign).await;
                assert_eq!(
                    essence(&as_unknown, &unknown),
                    essence(&answer, foreign),
                    "{} tells a foreign id at {at} from an unknown one",
                    described.operation.id()
                );
                assert!(answer.status < 500 && !answer.text().contains("theirs"), "{answer:?}");
                refused += usize::from([404, 422].contains(&answer.status));
                cases += 1;
            }
        }
    }
    app.run_jobs().await;
    assert_eq!(before, everything_of(&app, other.id), "the other workspace was changed");
    assert!(touched >= 5 && cases > 100, "{touched} {cases}");
    figure(
        "foreign ids in bodies, lists and filter trees",
        touched,
        cases,
        &format!(
            "{refused} refused, {} passed over like unknown ones, nothing read or changed",
            cases - refused
        ),
    );
}

/// In the query, and cursors that were made for the other workspace.
#[tokio::test]
async fn a_foreign_id_or_cursor_in_a_query_shows_nothing() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let ours = furnish(&app, app.home(), "ours").await;
    let theirs = furnish(&app, &other, "theirs").await;
    let (mut touched, mut cases) = (0, 0);
    for operation in operations().iter().filter(|o| o.method == "GET" && o.is_secured()) {
        let (mine, foreign) = (path(operation, &ours), path(operation, &theirs));
        let before = cases;
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            if parameter["schema"]["format"] == "uuid" {
                for id in theirs.ids() {
                    let unknown = Uuid::now_v7().to_string();
                    let answer = app.get(&mine).query(&[(name, id)]).await;
                    let as_unknown = app.get(&mine).query(&[(name, &unknown)]).await;
                    assert_eq!(essence(&as_unknown, &unknown), essence(&answer, id));
                    cases += 1;
                }
            }
            if name == "cursor" {
                let page = other.get(&foreign).query(&[("limit", "1")]).await;
                let Some(cursor) = page.json["next_cursor"].as_str() else { continue };
                let answer = app.get(&mine).query(&[("cursor", cursor)]).await;
                assert!([200, 422].contains(&answer.status), "{answer:?}");
                assert!(!answer.text().contains("theirs"), "{answer:?}");
                cases += 1;
            }
        }
        touched += usize::from(cases > before);
    }
    assert!(touched > 3, "{touched}");
    figure("foreign ids and cursors in queries", touched, cases, "as unknown ones, nothing shown");
}

/// PLT-3: an idempotency key belongs to its workspace; so does an entity tag.
#[tokio::test]
async fn keys_of_another_workspace_replay_nothing() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let makers = examples::makers();
    for (operation, body) in &makers {
        let post = |client: &kartoteka_tests::Client| {
            client.post(operation.path).header("Idempotency-Key", operation.id()).json(body)
        };
        let theirs = post(&other).await.expect(201);
        let ours = post(&app).await.expect(201);
        assert_ne!(theirs.header("location"), ours.header("location"), "{}", operation.id());
        assert_eq!(ours.header("idempotent-replayed"), "", "{ours:?}");
    }
    figure("idempotency keys of another workspace", makers.len(), makers.len(), "none replayed");
}
