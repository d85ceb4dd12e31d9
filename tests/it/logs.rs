//! Nothing secret or personal in the logs, whatever happens to a request.

use kartoteka_tests::{PASSWORD, TestApp, canary};
use serde_json::json;

/// Words that no encoding changes, and that nobody else writes.
const NAME: &str = "Kanarkova7q";
const ADDRESS: &str = "kanarek7q@example.com";
const PHONE: &str = "+420777123987";
const SECRETS: &[&str] = &["kanarkova7q", "kanarek7q", "777123987", "777 123 987", "staple", "eyj"];

/// Security, "Nothing secret or personal in logs".
#[tokio::test]
async fn nothing_personal_is_logged() {
    let app = TestApp::new().await;
    everyday(&app).await;
    refused(&app).await;
    imported(&app).await;

    let text = canary::lines().join("\n").to_lowercase();
    assert!(
        text.contains("answered a request") && text.contains("job"),
        "the log was not captured"
    );
    for secret in SECRETS {
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is in the log: {line:?}");
    }
}

async fn everyday(app: &TestApp) {
    let person = json!({"first_name": NAME, "last_name": NAME, "email": ADDRESS, "phone": PHONE,
        "details": {"pozn": NAME}});
    let made = app.post("/contacts").json(&person).await.expect(201);
    let path = format!("/contacts/{}", made.id());
    app.get("/contacts").query(&[("q", NAME)]).await.expect(200);
    app.patch(&path).json(&json!({"first_name": "kanarek7q"})).await.expect(200);
    app.put("/contacts/by/email/kanarek7q@example.com").json(&person).await;
    app.put(format!("{path}/tags/kanarek7q")).json(&json!({})).await;
    app.delete(&path).await.expect(204);
}

async fn refused(app: &TestApp) {
    let token = "/auth/token";
    let login =
        |name, password| [("grant_type", "password"), ("username", name), ("password", password)];
    app.anonymous().post(token).form(&login(&app.home().email, PASSWORD)).await.expect(200);
    app.anonymous().post(token).form(&login(ADDRESS, PASSWORD)).await;
    app.anonymous().post(token).form(&login(&app.home().email, "staple-7q")).await;
    for wrong in [
        json!({"email": "kanarek7q"}),
        json!({"phone": "+420777123987777123987"}),
        json!({"last_name": NAME, "kanarek7q": 1}),
        json!({"last_name": [NAME]}),
        json!({"last_name": NAME, "birth_date": NAME}),
    ] {
        app.post("/contacts").json(&wrong).await.expect(422);
    }
    app.get(format!("/contacts/{NAME}")).await.expect(404);
    app.get("/contacts").query(&[("cursor", NAME), ("sort", NAME)]).await.expect(422);
    app.get(format!("/{ADDRESS}?phone={PHONE}")).await.expect(404);
    app.with_token("eyJub25zZW5zZQ.kanarek7q.777123987").get("/contacts").await.expect(401);
    app.post("/contacts").bytes("application/json", format!("{{\"{NAME}")).await.expect(400);
}

async fn imported(app: &TestApp) {
    let list = format!(
        "E-mail;Jméno;Telefon;Datum narození\n{ADDRESS};{NAME};{PHONE};{NAME}\nkanarek7q;{NAME};;\n;;;\n"
    );
    let import = app.import(list, &json!({"name": NAME})).await;
    let path = format!("/imports/{}", import.id());
    app.get(format!("{path}/rows")).await.expect(200);
    app.get(format!("{path}/errors.csv")).await.expect(200);
    app.post(format!("{path}/revert")).await;
    app.run_jobs().await;
}
