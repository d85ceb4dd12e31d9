//! `errors.csv`: what cannot be imported goes back to the person, and mended comes in again.

use serde_json::{Value, json};

use kartoteka_tests::TestApp;

use super::{commit, import, planned, with_header};

async fn errors(app: &TestApp, id: &str) -> String {
    let answer = app.get(format!("/imports/{id}/errors.csv")).await.expect(200);
    assert_eq!(answer.media_type(), "text/csv");
    assert!(answer.header("content-disposition").contains("errors.csv"));
    answer.text()
}

fn by_email() -> Value {
    json!({ "mode": "match", "key": "email" })
}

/// IMP-16
#[tokio::test]
async fn mended_rows_are_imported_and_no_row_is_left() {
    let app = TestApp::new().await;
    let list = "Jméno;E-mail;Telefon;Poznámka\r\n\
        Jana;jana@example.cz;602 123 456;v pořádku\r\n\
        Petr;petr.example.cz;+420 603 123 456;\"dva; řádky\r\ndruhý \"\"s uvozovkami\"\"\"\r\n\
        ;;;=HYPERLINK(\"\"http://example.com\"\")\r\n\
        Eva;eva@example.cz;12;@SUM(1)\r\n";
    let id = planned(&app, list.as_bytes(), json!({ "columns": "auto" }), by_email()).await;
    let done = commit(&app, &id).await;
    assert_eq!((&done["summary"]["created"], &done["summary"]["invalid"]), (&json!(2), &json!(2)));

    let text = errors(&app, &id).await;
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}Jméno;E-mail;Telefon;Poznámka;import_problem");
    assert!(lines[1].starts_with("Petr;petr.example.cz;'+420 603 123 456;\"dva; řádky"), "{text}");
    assert!(text.contains("invalid: email: ") && text.contains("(invalid_email)"), "{text}");
    assert!(
        text.contains(";'@SUM(1);created: phone: "),
        "a row that lost a value is there too: {text}"
    );
    for line in &lines {
        let cells = line.trim_start_matches('\u{feff}').split(';');
        assert!(
            !cells
                .map(|cell| cell.trim_start_matches('"'))
                .any(|cell| cell.starts_with(['=', '+', '-', '@'])),
            "a formula: {line}"
        );
    }

    // the person mends two rows and gives the third a name
    let mended = text
        .replace("petr.example.cz", "petr@example.cz")
        .replace(";12;", ";604 123 456;")
        .replace("\r\n;;;", "\r\nFirma;;;");
    let again = planned(&app, mended.as_bytes(), json!({ "columns": "auto" }), by_email()).await;
    let columns = import(&app, &again).await["columns"].clone();
    assert_eq!(columns[4]["header"], "import_problem");
    assert!(columns[4]["suggestion"].is_null(), "the reason is nobody's: {columns:#}");
    let done = commit(&app, &again).await;
    assert_eq!(
        (&done["summary"]["created"], &done["summary"]["updated"], &done["summary"]["invalid"]),
        (&json!(2), &json!(1), &json!(0)),
        "{done:#}"
    );
    let petr = app.get("/contacts?q=petr").await.expect(200).data()[0].clone();
    assert_eq!(petr["phone"], "+420603123456", "the apostrophe is taken off again");
    assert_eq!(petr["details"]["notes"], "dva; řádky\r\ndruhý \"s uvozovkami\"");
    let eva = app.get("/contacts?q=eva").await.expect(200).data()[0].clone();
    assert_eq!(
        (&eva["phone"], &eva["details"]["notes"]),
        (&json!("+420604123456"), &json!("@SUM(1)"))
    );
    // nothing is wrong any more: the header alone, and the reason once
    assert_eq!(
        errors(&app, &again).await,
        "\u{feff}Jméno;E-mail;Telefon;Poznámka;import_problem\r\n"
    );
}

/// IMP-16
#[tokio::test]
async fn it_has_the_delimiter_of_the_file_and_a_header_only_when_the_file_has_one() {
    let app = TestApp::new().await;
    for (list, expected) in [
        ("nobody,Anna,\nb@example.cz,Bára,\n", "\u{feff}nobody,Anna,,\"invalid: "),
        ("nobody\tAnna\nb@example.cz\tBára\n", "\u{feff}nobody\tAnna\tinvalid: "),
        ("nobody|Anna\nb@example.cz|Bára\n", "\u{feff}nobody|Anna|invalid: "),
    ] {
        let id = with_header(&app, list.as_bytes(), "data").await;
        let columns =
            json!([{ "index": 0, "target": "email" }, { "index": 1, "target": "first_name" }]);
        app.put(format!("/imports/{id}/mapping"))
            .json(&json!({ "columns": columns }))
            .await
            .expect(200);
        app.put(format!("/imports/{id}/matching")).json(&by_email()).await.expect(202);
        app.run_jobs().await;
        let text = errors(&app, &id).await;
        assert!(
            text.starts_with(expected) || text.starts_with(&expected.replace('"', "")),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

/// IMP-16, IMP-20
#[tokio::test]
async fn odd_bytes_and_wide_rows_come_back_as_they_were_read() {
    let app = TestApp::new().await;
    let (list, _, _) = encoding_rs::WINDOWS_1250.encode("Název exportu\r\n\r\nJméno;E-mail\r\nŽofie;žádný;navíc;a ještě\r\n;;\r\nRadim;radim@example.cz\r\n");
    let id = planned(&app, &list, json!({ "columns": "auto" }), by_email()).await;
    let text = errors(&app, &id).await;
    assert!(
        text.starts_with(
            "\u{feff}Jméno;E-mail;import_problem\r\nŽofie;žádný;navíc;a ještě;\"invalid: "
        ) || text.contains("Žofie;žádný;navíc;a ještě;invalid: "),
        "{text}"
    );
    assert_eq!(text.lines().count(), 2, "{text}");
}

/// IMP-16
#[tokio::test]
async fn a_long_report_is_sent_as_it_is_made() {
    let app = TestApp::new().await;
    let rows: String = (0..5_000).map(|row| format!("nobody{row},{}\n", "x".repeat(400))).collect();
    let columns = json!([{ "index": 0, "target": "email" }]);
    let id = planned(
        &app,
        format!("email,note\n{rows}").as_bytes(),
        json!({ "columns": columns }),
        by_email(),
    )
    .await;
    let answer = app.get(format!("/imports/{id}/errors.csv")).await.expect(200);
    assert_eq!(answer.header("content-length"), "", "its length is not known before");
    let text = answer.text();
    assert_eq!(text.lines().count(), 5_001);
    assert!(text.lines().last().unwrap().starts_with("nobody4999,"));
}
