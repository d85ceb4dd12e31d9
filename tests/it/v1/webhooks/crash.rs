//! A process that sends may die at any moment: what it did not note as sent is sent again.

use std::time::Duration;

use kartoteka_tests::program::{Installation, until};
use kartoteka_tests::receiver::{Receiver, status};
use serde_json::json;

/// PLT-3: at least once, with one id, by the program as an operator runs it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_was_sending_is_sent_by_the_next() {
    let installation = Installation::new().await;
    let receiver = Receiver::start();
    // the first attempt is not answered while its process lives
    receiver.react([status(204).after(Duration::from_secs(60))]);
    let start = || installation.serve_with(&[], &[("KARTOTEKA_WEBHOOK_ALLOW", "127.0.0.0/8")]);
    let server = start();
    let admin = installation.administrator(&server).await;
    let body = json!({"url": receiver.url("/"), "events": ["contact.created"]});
    let hook = admin.post("/webhooks").json(&body).await.expect(201);
    admin.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    receiver.wait_for(1);
    server.kill();
    let mut conn = installation.database().connection();
    // in life that takes less than a minute
    diesel::RunQueryDsl::execute(
        diesel::sql_query("UPDATE webhooks SET lease_until = now() - interval '1 second'"),
        &mut conn,
    )
    .unwrap();
    let server = start();
    let messages = receiver.wait_for(2);
    assert_eq!(messages[0].id(), messages[1].id());
    let admin = installation.through(&server, &admin);
    let path = format!("/webhooks/{}/deliveries", hook.id());
    let mut state = String::new();
    for _ in 0..200 {
        state = admin.get(&path).await.expect(200).text_at("/data/0/state");
        if state == "delivered" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(state, "delivered");
    // events of a running server go out at once, without anybody asking
    admin.post("/contacts").json(&json!({"first_name": "Eva"})).await.expect(201);
    until("the next event is sent", || receiver.received().len() == 3);
    server.stop();
}
