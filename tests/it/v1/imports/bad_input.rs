//! Input that is no list, or not the list it says it is: a clear problem, and the import stays usable.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use kartoteka_tests::{Client, TestApp};

use super::outcome::{accounted, fixtures, send};
use super::{import, with_header};

const GOOD: &[u8] = b"email,first name\njana@example.cz,Jana\n";

/// Each with the code and a word of the explanation.
fn no_lists() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let noise: Vec<u8> =
        (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    vec![
        ("nothing", Vec::new(), "import_empty", "empty"),
        ("a mark", b"\xef\xbb\xbf".to_vec(), "import_empty", "empty"),
        ("a mark of UTF-16", b"\xff\xfe".to_vec(), "import_empty", "empty"),
        ("white space", b" \r\n\t\r\n  ".to_vec(), "import_empty", "empty"),
        ("delimiters", b";;;\r\n;;;\r\n".to_vec(), "import_empty", "empty"),
        (
            "xlsx",
            [b"PK\x03\x04\x14\0\x06\0".as_slice(), &[0; 22], b"[Content_Types].xml", &noise]
                .concat(),
            "import_not_text",
            "workbook",
        ),
        (
            "zip",
            [b"PK\x03\x04\x14\0\0\0".as_slice(), &[1; 22], b"contacts.csv", &noise].concat(),
            "import_not_text",
            "zip",
        ),
        ("gzip", [b"\x1f\x8b\x08\0".as_slice(), &noise].concat(), "import_not_text", "compressed"),
        ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n".to_vec(), "import_not_text", "PDF"),
        ("png", [b"\x89PNG\r\n\x1a\n".as_slice(), &noise].concat(), "import_not_text", "picture"),
        (
            "html",
            b"<!DOCTYPE html><html><body><table></table></body></html>".to_vec(),
            "import_not_text",
            "HTML",
        ),
        (
            "xls",
            [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &noise].concat(),
            "import_not_text",
            "Excel",
        ),
        ("json", br#"[{"email": "jana@example.cz"}]"#.to_vec(), "import_not_text", "JSON"),
        (
            "vcard",
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Jana\r\nEND:VCARD\r\n".to_vec(),
            "import_not_text",
            "vCard",
        ),
        ("noise", noise, "import_not_text", "binary"),
    ]
}

/// The import has not moved, its data is still there, and the next step works.
async fn is_usable(app: &Client, id: &str) {
    let stands = app.get(format!("/imports/{id}")).await.expect(200).json;
    assert_eq!(stands["state"], "awaiting_mapping", "{stands:#}");
    assert_eq!(stands["source"]["bytes"], GOOD.len());
    app.put(format!("/imports/{id}/header"))
        .json(&json!({ "first_row": "header" }))
        .await
        .expect(200);
}

/// IMP-20, IMP-14
#[tokio::test]
async fn what_is_no_list_is_refused_and_the_import_stays_as_it_was() {
    let app = TestApp::new().await;
    let old = with_header(&app, GOOD, "header").await;
    for (name, bytes, code, word) in no_lists() {
        let (new, refused) = send(&app, &bytes).await;
        let refused = refused.expect_problem(422, code, &[]);
        assert!(refused.text_at("/detail").contains(word), "{name}: {refused:?}");
        assert_eq!(import(&app, &new).await["state"], "awaiting_data", "{name}");
        // as a file of a form, over data that is there
        let form = Form::new().part("file", Part::bytes(bytes).file_name("list.csv"));
        app.put(format!("/imports/{old}/data")).multipart(form).await.expect_problem(
            422,
            code,
            &[],
        );
        is_usable(&app, &old).await;
    }
    let pieces = app.count("SELECT count(*) AS n FROM import_data");
    assert_eq!(pieces, 1, "nothing is kept of what was refused");
}

/// IMP-20
#[tokio::test]
async fn a_list_of_nothing_but_a_header_has_a_plan_of_no_rows() {
    let app = TestApp::new().await;
    let id = with_header(&app, b"email,first name\n", "header").await;
    app.put(format!("/imports/{id}/mapping")).json(&json!({ "columns": "auto" })).await.expect(200);
    app.put(format!("/imports/{id}/matching"))
        .json(&json!({ "mode": "match", "key": "email" }))
        .await
        .expect(202);
    app.run_jobs().await;
    assert_eq!(accounted(&app, &id).await["rows"], 0);
}

/// IMP-20
#[tokio::test]
async fn a_file_over_the_limit_is_refused_with_the_limit() {
    let app = TestApp::with(|settings| settings.upload_limit = 1_000).await;
    let old = with_header(&app, GOOD, "header").await;
    let path = format!("/imports/{old}/data");
    let line = b"jana@example.cz,Jana\n";
    let fits = [b"email,first name\n".as_slice(), &line.repeat(46)].concat();
    let long = [fits.clone(), line.to_vec()].concat();
    assert!(fits.len() <= 1_000 && long.len() > 1_000);
    let form =
        |bytes: &[u8]| Form::new().part("file", Part::bytes(bytes.to_vec()).file_name("list.csv"));

    for refused in [
        app.put(&path).bytes("text/csv", long.clone()).await,
        app.put(&path).multipart(form(&long)).await,
        app.put(&path).bytes("text/csv", line.repeat(200_000)).await,
        app.post("/imports/run").multipart(form(&long)).await,
    ] {
        let refused = refused.expect_problem(413, "import_too_large", &[]);
        assert_eq!(refused.json["limit"], 1_000);
        is_usable(&app, &old).await;
    }
    app.put(&path).multipart(form(&fits)).await.expect(200);
    app.put(&path).bytes("text/csv", fits).await.expect(200);
    assert_eq!(
        app.count("SELECT count(*) AS n FROM imports"),
        1,
        "a refused call leaves no import"
    );
}

/// IMP-20
#[tokio::test]
async fn bodies_that_are_not_what_they_say_are_refused() {
    let app = TestApp::new().await;
    let id = with_header(&app, GOOD, "header").await;
    let path = format!("/imports/{id}/data");

    let packed = app
        .put(&path)
        .header("content-encoding", "gzip")
        .bytes("text/csv", b"\x1f\x8b\x08\0".to_vec())
        .await;
    packed.expect_problem(415, "unsupported_media_type", &[]);
    for kind in ["application/json", "application/pdf", "application/x-www-form-urlencoded"] {
        app.put(&path).bytes(kind, GOOD).await.expect_problem(415, "unsupported_media_type", &[]);
    }
    for (kind, body) in [
        ("multipart/form-data", "nothing"),
        ("multipart/form-data; boundary=x", "nothing"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nbroken off",
        ),
        ("multipart/form-data; boundary=x", "--x\r\nbroken: header\r\n\r\n\r\n--x--\r\n"),
    ] {
        app.put(&path).bytes(kind, body).await.expect_problem(400, "bad_request", &[]);
    }
    let file = || Part::bytes(GOOD.to_vec()).file_name("list.csv");
    let two = Form::new().part("file", file()).part("file", file());
    app.put(&path).multipart(two).await.expect_problem(422, "validation_failed", &["#/file"]);
    let other = Form::new().part("list", file());
    app.put(&path).multipart(other).await.expect_problem(422, "validation_failed", &["#/list"]);
    let none = app.put(&path).bytes("multipart/form-data; boundary=x", "--x--\r\n").await;
    none.expect_problem(422, "validation_failed", &["#/file"]);
    is_usable(&app, &id).await;
}

/// IMP-3, IMP-20
#[tokio::test]
async fn overrides_that_are_unknown_are_all_told() {
    let app = TestApp::new().await;
    let id = with_header(&app, GOOD, "header").await;
    let refused = app
        .put(format!("/imports/{id}/data"))
        .query(&[("encoding", "klingon"), ("delimiter", "*")])
        .bytes("text/csv", GOOD)
        .await
        .expect_problem(422, "validation_failed", &["?encoding", "?delimiter"]);
    let codes: Vec<_> = refused.faults().into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["unknown_encoding", "unknown_delimiter"]);
    is_usable(&app, &id).await;
}

/// IMP-3, IMP-20
#[tokio::test]
async fn a_wrong_override_spoils_nothing() {
    let app = TestApp::new().await;
    let id = app.post("/imports").json(&json!({})).await.expect(201).id();
    let path = format!("/imports/{id}/data");
    let list = "e-mail;jméno\njana@example.cz;Žofie\npetr@example.cz;Řehoř\n";
    for (encoding, delimiter) in [
        ("utf-16le", ";"),
        ("utf-16be", ","),
        ("cp852", "|"),
        ("windows-1250", "tab"),
        ("iso-8859-2", ","),
    ] {
        let said = app
            .put(&path)
            .query(&[("encoding", encoding), ("delimiter", delimiter)])
            .bytes("text/csv", list)
            .await;
        assert!(said.status == 200 || said.status == 422, "{encoding}: {said:?}");
        if said.status == 200 {
            assert_eq!(said.json["source"]["encoding"], encoding);
        }
        rows_are_accounted(&app, &id).await;
    }
    // and the right one puts it right again
    let right = app
        .put(&path)
        .query(&[("encoding", "utf-8"), ("delimiter", ";")])
        .bytes("text/csv", list)
        .await
        .expect(200);
    assert_eq!(right.json["source"]["preview"][1], json!(["jana@example.cz", "Žofie"]));
    for (word, meant) in [
        ("UTF8", "utf-8"),
        ("cp1250", "windows-1250"),
        ("latin2", "iso-8859-2"),
        ("UTF-16LE", "utf-16le"),
    ] {
        let said = app.put(&path).query(&[("encoding", word)]).bytes("text/csv", list).await;
        assert!(said.status == 422 || said.json["source"]["encoding"] == meant, "{word}: {said:?}");
        assert!(said.json["errors"].is_null(), "{word} is known: {said:?}");
    }
}

/// Takes the import to its plan, if it can be mapped at all.
async fn rows_are_accounted(app: &TestApp, id: &str) {
    let stands = import(app, id).await;
    if stands["state"] == "awaiting_data" {
        return;
    }
    let first_row = if stands["source"]["header_guess"] == true { "header" } else { "data" };
    let header = app
        .put(format!("/imports/{id}/header"))
        .json(&json!({ "first_row": first_row }))
        .await
        .expect(200);
    let columns = header.json["columns"].as_array().unwrap().len();
    // every column is kept, so that every row that is not empty has something in it
    let all: Vec<Value> = (0..columns)
        .map(|index| json!({ "index": index, "target": format!("detail:c{index}") }))
        .collect();
    app.put(format!("/imports/{id}/mapping")).json(&json!({ "columns": all })).await.expect(200);
    app.put(format!("/imports/{id}/matching")).json(&json!({ "mode": "none" })).await.expect(202);
    app.run_jobs().await;
    accounted(app, id).await;
    app.get(format!("/imports/{id}/errors.csv")).await.expect(200);
}

/// Sends a hundred of them and takes each as far as it goes.
async fn try_all(bytes: impl Strategy<Value = Vec<u8>>) {
    let app = TestApp::new().await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
    );
    for _ in 0..100 {
        let bytes = bytes.new_tree(&mut runner).unwrap().current();
        let (id, sent) = send(&app, &bytes).await;
        assert!(
            sent.status == 200 || sent.status == 422,
            "{:?}\n{sent:?}",
            String::from_utf8_lossy(&bytes)
        );
        rows_are_accounted(&app, &id).await;
    }
}

/// IMP-20
#[tokio::test]
async fn no_bytes_whatever_make_the_server_fail() {
    try_all(prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..400),
        "[a-c@.;,\"\r\n\t |']{0,200}".prop_map(String::into_bytes),
    ])
    .await;
}

/// IMP-20
#[tokio::test]
async fn no_spoilt_file_makes_the_server_fail() {
    let seeds: Vec<Vec<u8>> = fixtures("")
        .into_iter()
        .chain(fixtures("broken"))
        .map(|(_, bytes)| bytes)
        .filter(|bytes| bytes.len() < 4_000)
        .collect();
    let marks: Vec<Vec<u8>> =
        ["\"", "\r", "\n", ";", ",", "\t", "\0", "\u{feff}", "\u{2028}", "'", "=", "@"]
            .map(|text| text.as_bytes().to_vec())
            .to_vec();
    // a real file with pieces cut out, doubled, and odd signs put in
    let change = (any::<proptest::sample::Index>(), 0..4_u8, proptest::sample::select(marks));
    let changes = proptest::collection::vec(change, 1..8);
    let spoilt = (proptest::sample::select(seeds), changes).prop_map(|(mut file, changes)| {
        for (place, kind, mark) in changes {
            let at = place.index(file.len() + 1);
            let end = (at + 7).min(file.len());
            match kind {
                0 => drop(file.drain(at..end)),
                1 => drop(file.splice(at..at, mark)),
                2 => drop(file.splice(at..end, [0xff, 0xfe])),
                _ => {
                    let again = file[at..end].to_vec();
                    file.splice(at..at, again);
                }
            }
        }
        file
    });
    try_all(spoilt).await;
}
