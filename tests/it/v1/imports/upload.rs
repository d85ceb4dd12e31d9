//! Bytes on their way in: as they are or in a form, in pieces, broken off, two at once.

use std::io::Write;
use std::net::TcpStream;

use reqwest::multipart::{Form, Part};
use serde_json::json;

use kartoteka_tests::TestApp;

use super::outcome::accounted;
use super::{import, with_header};

const LIST: &[u8] = "e-mail;jméno\njana@example.cz;Žofie\n".as_bytes();

async fn new_import(app: &TestApp) -> String {
    app.post("/imports").json(&json!({})).await.expect(201).id()
}

/// Some megabytes, of long lines; the letter tells one file from another.
fn long_list(letter: &str, rows: usize) -> Vec<u8> {
    let note = letter.repeat(2_000);
    let lines: String = (0..rows).map(|row| format!("{letter}{row}@example.cz,{note}\n")).collect();
    format!("email,note\n{lines}").into_bytes()
}

/// IMP-2
#[tokio::test]
async fn a_body_and_a_form_are_the_same_bytes() {
    let app = TestApp::new().await;
    let id = new_import(&app).await;
    let path = format!("/imports/{id}/data");
    let mut sources = Vec::new();
    for kind in [
        "text/csv",
        "text/csv; charset=utf-8",
        "text/plain",
        "application/octet-stream",
        "application/vnd.ms-excel",
    ] {
        sources.push(
            app.put(&path)
                .query(&[("filename", "kontakty.csv")])
                .bytes(kind, LIST)
                .await
                .expect(200)
                .json["source"]
                .clone(),
        );
    }
    let part = Part::bytes(LIST.to_vec())
        .file_name("C:\\Dokumenty\\kontakty.csv")
        .mime_str("text/csv")
        .unwrap();
    sources.push(
        app.put(&path).multipart(Form::new().part("file", part)).await.expect(200).json["source"]
            .clone(),
    );
    for source in &sources {
        assert_eq!(source, &sources[0]);
        assert_eq!(source["filename"], "kontakty.csv");
        assert_eq!(source["bytes"], LIST.len());
        assert_eq!(source["preview"], json!([["e-mail", "jméno"], ["jana@example.cz", "Žofie"]]));
    }
    // a paste has no name
    let paste = app.put(&path).bytes("text/plain", LIST).await.expect(200);
    assert!(paste.json["source"]["filename"].is_null());
    assert_eq!(paste.text_at("/source/sha256").len(), 64);
    assert_eq!(app.count("SELECT count(*) AS n FROM import_data"), 1, "what was replaced is gone");
}

/// IMP-2
#[tokio::test]
async fn a_long_file_is_kept_in_pieces_and_read_as_one() {
    let app = TestApp::new().await;
    let list = long_list("a", 2_600);
    assert!(list.len() > 5 << 20);
    let id = with_header(&app, &list, "header").await;
    let pieces = app.count("SELECT count(*) AS n FROM import_data");
    assert!((18..=24).contains(&pieces), "{pieces}");
    assert_eq!(
        app.count("SELECT sum(length(bytes))::bigint AS n FROM import_data"),
        i64::try_from(list.len()).unwrap()
    );
    app.put(format!("/imports/{id}/mapping")).json(&json!({ "columns": "auto" })).await.expect(200);
    app.put(format!("/imports/{id}/matching"))
        .json(&json!({ "mode": "match", "key": "email" }))
        .await
        .expect(202);
    app.run_jobs().await;
    let plan = accounted(&app, &id).await;
    assert_eq!(
        (&plan["rows"], &plan["outcomes"]["create"], &plan["with_problems"]),
        (&json!(2_600), &json!(2_600), &json!(0))
    );
}

/// IMP-20
#[tokio::test]
async fn an_upload_that_breaks_off_leaves_what_was_there() {
    let app = TestApp::new().await;
    let id = with_header(&app, LIST, "header").await;
    let address = app.url().trim_start_matches("http://").to_owned();
    let long = long_list("b", 1_000);
    let head = format!(
        "PUT /api/v1/imports/{id}/data HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: text/csv\r\nContent-Length: {}\r\n\r\n",
        app.token().unwrap(),
        long.len() * 2,
    );
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&long).unwrap();
    drop(stream);
    let stands = import(&app, &id).await;
    assert_eq!(
        (stands["state"].as_str(), &stands["source"]["bytes"]),
        (Some("awaiting_mapping"), &json!(LIST.len()))
    );
    app.put(format!("/imports/{id}/header"))
        .json(&json!({ "first_row": "header" }))
        .await
        .expect(200);
    // and the next upload takes its place as a whole
    let sent = app.put(format!("/imports/{id}/data")).bytes("text/csv", LIST).await.expect(200);
    assert_eq!(sent.json["source"]["bytes"], LIST.len());
}

/// IMP-20, IMP-14
#[tokio::test]
async fn of_two_uploads_at_once_one_wins_wholly() {
    let app = TestApp::new().await;
    for _ in 0..3 {
        let id = new_import(&app).await;
        let path = format!("/imports/{id}/data");
        let (a, b) = (long_list("a", 1_600), long_list("b", 1_500));
        let (first, second) =
            tokio::join!(async { app.put(&path).bytes("text/csv", a.clone()).await }, async {
                app.put(&path).bytes("text/csv", b.clone()).await
            },);
        let mut won = 0;
        for answer in [&first, &second] {
            match answer.status {
                200 => won += 1,
                409 => assert_eq!(answer.json["code"], "conflict", "{answer:?}"),
                _ => panic!("{answer:?}"),
            }
        }
        assert!(won > 0, "{first:?} {second:?}");
        let stands = import(&app, &id).await;
        let winner = if stands["source"]["bytes"] == a.len() { &a } else { &b };
        assert_eq!(stands["source"]["bytes"], winner.len());
        let kept = format!(
            "SELECT sum(length(bytes))::bigint AS n FROM import_data WHERE import_id = '{id}'"
        );
        assert_eq!(app.count(&kept), i64::try_from(winner.len()).unwrap());
        app.put(format!("/imports/{id}/header"))
            .json(&json!({ "first_row": "header" }))
            .await
            .expect(200);
        app.put(format!("/imports/{id}/mapping"))
            .json(&json!({ "columns": "auto" }))
            .await
            .expect(200);
        app.put(format!("/imports/{id}/matching"))
            .json(&json!({ "mode": "none" }))
            .await
            .expect(202);
        app.run_jobs().await;
        assert_eq!(accounted(&app, &id).await["rows"], if winner == &a { 1_600 } else { 1_500 });
    }
}
