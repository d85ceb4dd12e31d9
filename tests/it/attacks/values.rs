//! Values that come back in places where they mean something else: headers, links, spreadsheets.

use kartoteka_tests::TestApp;
use kartoteka_tests::contract::operations;
use kartoteka_tests::examples;
use serde_json::json;

use super::{figure, path};
use crate::auth_matrix::furnish;

/// Header injection: nothing a client sends ends a line of an answer's head or a link in it.
#[tokio::test]
async fn nothing_sent_breaks_out_of_a_header() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let evil = "a\r\nx-injected: 1\r\n\r\n<script>";
    let encoded = "a%0d%0ax-injected:%201%0d%0a%0d%0a%3e%3b%20rel%3d%22evil%22%3cscript%3e%22";
    let mut cases = 0;
    for operation in operations() {
        let whole = path(operation, &things);
        let mut requests = Vec::new();
        for at in 0..operation.path.matches('{').count() {
            let path = examples::path(operation, &things, |position, _| {
                (position == at).then(|| encoded.to_owned())
            });
            requests.push(examples::request(&app, operation, &path));
        }
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            requests.push(
                examples::request(&app, operation, &whole).query(&[("limit", "1"), (name, evil)]),
            );
        }
        for header in
            ["x-request-id", "origin", "idempotency-key", "if-match", "traceparent", "host"]
        {
            requests.push(
                examples::request(&app.anonymous(), operation, &whole)
                    .header(header, "a%0d%0ax-injected: 1"),
            );
        }
        for request in requests {
            let answer = request.unchecked().await;
            assert_eq!(answer.header("x-injected"), "", "{answer:?}");
            assert!(answer.status < 500, "{answer:?}");
            assert!(!answer.header("x-request-id").contains('%'), "{answer:?}");
            assert!(!answer.header("link").contains("evil"), "{answer:?}");
            // pages behind links in messages are pages whatever they say
            let is_page = operation.path.starts_with("/links/");
            let is_html = answer.media_type().contains("html");
            assert!(!is_html || is_page || answer.status == 200, "{answer:?}");
            assert!(!is_page || !answer.text().contains("evil"), "{answer:?}");
            cases += 1;
        }
    }
    // names that are stored, and come back beside links and downloads
    for number in 0..3 {
        app.post("/tags")
            .json(&json!({"name": format!("t{number}>; rel=\"evil\"")}))
            .await
            .expect(201);
    }
    let page = app.get("/tags?limit=1&q=t").await.expect(200);
    assert_eq!(page.header("link").matches("rel=").count(), 1, "{page:?}");
    let file =
        reqwest::multipart::Part::text("E-mail\nnonsense\n").file_name("a\";x-injected=1;ž.csv");
    let options =
        json!({"mapping": {"columns": [{"index": 0, "target": "email"}]}, "first_row": "header"});
    let form =
        reqwest::multipart::Form::new().text("options", options.to_string()).part("file", file);
    let job = app.post("/imports/run").multipart(form).await.expect(202);
    app.run_jobs().await;
    let report =
        app.get(format!("/imports/{}/errors.csv", job.text_at("/subject/id"))).await.expect(200);
    assert_eq!(report.header("content-disposition"), "attachment; filename=\"errors.csv\"");
    assert_eq!(report.header("x-injected"), "");
    figure("values that come back in headers", operations().len(), cases, "none broke out");
}

/// OWASP, CSV injection (IMP-16): what a spreadsheet would carry out is text in `errors.csv`.
#[tokio::test]
async fn no_cell_of_a_report_is_a_formula() {
    let app = TestApp::new().await;
    let cells = [
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1+1",
        "@SUM(1+1)",
        "\t=1+1",
        "\r=1+1",
        "\"=1+1",
        "=HYPERLINK(\"http://evil.example\")",
    ];
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let rows: String = cells.iter().map(|cell| format!("nonsense;{}\n", quoted(cell))).collect();
    // names of columns are cells too
    let list = format!("E-mail;{}\n{rows}", quoted("=2+2"));
    let columns = json!([{"index": 0, "target": "email"}]);
    let options = json!({"first_row": "header", "delimiter": ";", "mapping": {"columns": columns}});
    let import = app.import(list, &options).await;
    let report = app.get(format!("/imports/{}/errors.csv", import.id())).await.expect(200);
    let text = report.text();
    let mut lines = 0;
    for cell in text.trim_start_matches('\u{feff}').split("\r\n").flat_map(|line| line.split(';')) {
        // a spreadsheet takes the quotes around a cell away first
        let inside = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
        let seen = inside.unwrap_or(cell).replace("\"\"", "\"");
        assert!(!seen.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?} in {text}");
        lines += 1;
    }
    assert!(lines > cells.len() * 2, "{text}");
    figure("formulas in errors.csv", 1, cells.len() + 1, "all made text");
}
