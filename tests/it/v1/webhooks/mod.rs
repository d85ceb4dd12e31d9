//! Tests of webhooks, with a real receiver.

mod crash;
mod delivery;
mod events;
mod guard;
mod metrics;
mod records;
mod replay;
pub(crate) mod starting;

use kartoteka_tests::receiver::Receiver;
use kartoteka_tests::{Answer, TestApp};
use serde_json::json;

/// A server, a receiver, and a webhook that asks for these events.
async fn listening(events: &[&str]) -> (TestApp, Receiver, Answer) {
    let (app, receiver) = (TestApp::new().await, Receiver::start());
    let webhook = webhook(&app, &receiver, "/hook", events).await;
    (app, receiver, webhook)
}

async fn webhook(app: &TestApp, receiver: &Receiver, path: &str, events: &[&str]) -> Answer {
    let body = json!({"url": receiver.url(path), "events": events});
    app.post("/webhooks").json(&body).await.expect(201)
}

/// Makes a contact and gives its id back.
async fn contact(app: &TestApp, name: &str) -> String {
    app.post("/contacts").json(&json!({"first_name": name})).await.expect(201).id()
}

/// The only delivery of a webhook.
async fn delivery(app: &TestApp, webhook: &Answer) -> Answer {
    let list = app.get(format!("/webhooks/{}/deliveries", webhook.id())).await.expect(200);
    assert_eq!(list.data().len(), 1, "{list:?}");
    let id = list.text_at("/data/0/id");
    app.get(format!("/webhooks/{}/deliveries/{id}", webhook.id())).await.expect(200)
}
