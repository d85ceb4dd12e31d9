//! The main job: a real list, from the upload to the undo.

use serde_json::json;

use kartoteka_tests::TestApp;

use super::{commit, import, plan, planned, revert};

const LIST: &str = "Jméno;Příjmení;E-mail;Telefon;Štítky;Souhlas s newsletterem\r\n\
    Jana;Nováková;Jana@Example.cz;601 123 456;vip, brno;ano\r\n\
    Petr;Svoboda;petr@example.cz;602 123 456;;ne\r\n\
    ;;nonsense;;;\r\n\
    ;;;;;\r\n\
    Eva;Malá;eva@example.cz;12;;\r\n";

/// IMP-2, IMP-3, IMP-4, IMP-5, IMP-13, IMP-15, IMP-16, IMP-18, CNS-4
#[tokio::test]
async fn a_list_becomes_contacts_and_can_be_taken_back() {
    let app = TestApp::new().await;
    let bytes = windows_1250(LIST);
    let id = planned(
        &app,
        &bytes,
        json!({ "columns": "auto" }),
        json!({ "mode": "match", "key": "email", "outcomes": { "none": { "action": "import", "tags": ["jaro"] } } }),
    )
    .await;
    let before = import(&app, &id).await;
    assert_eq!(before["state"], "awaiting_commit", "{before:#}");
    assert_eq!(before["source"]["encoding"], "windows-1250");
    assert_eq!(before["source"]["delimiter"], ";");
    let plan = plan(&app, &id).await;
    assert_eq!(plan["rows"], 4);
    assert_eq!(plan["empty"], 1);
    assert_eq!(plan["classes"], json!({ "none": 3, "one": 0, "many": 0, "in_trash": 0 }));
    assert_eq!(plan["outcomes"]["create"], 3);
    assert_eq!(plan["outcomes"]["invalid"], 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 0);

    let after = commit(&app, &id).await;
    assert_eq!(after["state"], "done", "{after:#}");
    assert_eq!(after["summary"]["created"], 3);
    assert_eq!(after["summary"]["invalid"], 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts WHERE search = contact_search(first_name, last_name, email, phone, company_name)"), 3);
    let found = app.get("/contacts?q=novakova").await.expect(200);
    let jana = &found.data()[0];
    assert_eq!(jana["email"], "Jana@Example.cz");
    assert_eq!(jana["phone"], "+420601123456");
    assert_eq!(jana["origin"], "import");
    assert_eq!(jana["communication"]["email"], "opt_in");
    let mut tags: Vec<_> =
        jana["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["brno", "jaro", "vip"]);
    let petr = app.get("/contacts?q=svoboda").await.expect(200);
    assert_eq!(petr.data()[0]["communication"]["email"], "opt_out");

    let rows = app.get(format!("/imports/{id}/rows")).await.expect(200);
    let outcomes: Vec<_> = rows.data().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["created", "created", "invalid", "created"]);
    assert_eq!(rows.data()[2]["line"], 4);
    assert_eq!(rows.data()[2]["problems"][0]["code"], "invalid_email");
    assert_eq!(rows.data()[3]["problems"][0]["code"], "invalid_phone");
    let errors = app.get(format!("/imports/{id}/errors.csv")).await.expect(200).text();
    assert!(errors.starts_with("\u{feff}Jméno;Příjmení;E-mail;"), "{errors}");
    assert_eq!(errors.lines().count(), 3, "{errors}");

    let undone = revert(&app, &id).await;
    assert_eq!(undone.json["state"], "reverted", "{:#}", undone.json);
    assert_eq!(undone.json["reverted"], json!({ "reverted": 3, "kept": 0, "failed": 0 }));
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts WHERE trashed_at IS NULL"), 0);
    let usage = "SELECT sum(live)::bigint AS n FROM workspace_usage";
    assert_eq!(app.count(usage), 0);
}

fn windows_1250(text: &str) -> Vec<u8> {
    let (bytes, _, unmappable) = encoding_rs::WINDOWS_1250.encode(text);
    assert!(!unmappable);
    bytes.into_owned()
}
