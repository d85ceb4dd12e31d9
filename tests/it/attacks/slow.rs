//! Clients that take their time: others are served meanwhile, the slow ones are cut (OWASP API4:2023).
//!
//! The server has one connection to its database here: whoever held it while waiting for a client would be
//! seen at once by everybody else.

use std::time::Duration;

use kartoteka_tests::{Raw, TestApp};
use serde_json::{Value, json};

use super::figure;

const PATIENCE: Duration = Duration::from_secs(30);
/// The bounds of the server under test.
const SHORT: Duration = Duration::from_secs(1);

async fn app() -> TestApp {
    TestApp::with_pool(1, |settings| {
        settings.head_timeout = SHORT;
        settings.idle_timeout = 2 * SHORT;
        settings.body_timeout = SHORT;
    })
    .await
}

/// Others read, write and ask the database, and no transaction waits for anybody.
async fn others_are_served(app: &TestApp) {
    app.get("/contacts").await.expect(200);
    app.post("/contacts").json(&json!({"last_name": "Meanwhile"})).await.expect(201);
    app.get("/readyz").await.expect(200);
    // a stream that asks for news is between two of its own statements for a moment, too; one that waits for a
    // client stays there, until that client is cut
    let deadline = tokio::time::Instant::now() + SHORT / 2;
    let mut waiting = open_transactions(app);
    while !waiting.is_empty() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let open = open_transactions(app);
        waiting.retain(|transaction| open.contains(transaction));
    }
    assert!(waiting.is_empty(), "a transaction waits for a client: {waiting:?}");
}

/// The transactions that are between two statements.
fn open_transactions(app: &TestApp) -> Vec<Value> {
    app.rows(
        "SELECT pid, xact_start FROM pg_stat_activity WHERE datname = current_database() \
         AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'",
    )
}

fn head(app: &TestApp, line: &str, rest: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{rest}\r\n",
        app.token().unwrap()
    )
}

/// Sends a piece again and again until the server has had enough.
async fn trickle(raw: &mut Raw, piece: &str, every: Duration) -> Option<u16> {
    let end = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < end {
        let _ = raw.send(piece).await;
        let answer = tokio::time::timeout(every, raw.answer(PATIENCE)).await;
        if let Ok(answer) = answer {
            return answer.map(|answer| answer.status);
        }
    }
    panic!("a client that trickles is never cut");
}

#[tokio::test]
async fn a_slow_head_is_cut() {
    let app = app().await;
    let mut first = Raw::open(app.url()).await;
    first.send("GET /api/v1/contacts HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut later = Raw::open(app.url()).await;
    later.ask(head(&app, "GET /api/v1/workspace", "")).await.expect(200);
    later.send("GET /api/v1/contacts HTTP/1.1\r\n").await.unwrap();
    others_are_served(&app).await;
    let every = Duration::from_millis(100);
    // with a bound for each: actix has one for the first head, ours is for all
    assert!([None, Some(408)].contains(&trickle(&mut first, "x-slow: 1\r\n", every).await));
    assert!([None, Some(408)].contains(&trickle(&mut later, "x-slow: 1\r\n", every).await));
    figure("heads that trickle, the first and a later one", 1, 2, "others served, both cut");
}

#[tokio::test]
async fn slow_bodies_are_cut_and_hold_nothing() {
    let app = app().await;
    let import = app.post("/imports").json(&json!({})).await.expect(201).id();
    let json = "content-type: application/json\r\ncontent-length: 5000\r\n";
    let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 5000\r\n";
    let csv = "content-type: text/csv\r\ncontent-length: 5000000\r\n";
    let parts = "content-type: multipart/form-data; boundary=x\r\ncontent-length: 5000000\r\n";
    let file = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nE-mail\r\n";
    let data = format!("PUT /api/v1/imports/{import}/data");
    let slow = [
        (head(&app, "POST /api/v1/contacts", json), "{", " "),
        (head(&app, "POST /api/v1/contacts/count", json), "{", " "),
        (head(&app, "POST /api/v1/auth/token", form), "grant_type=password", "a"),
        (head(&app, &data, csv), "E-mail\r\n", "a@example.com\r\n"),
        (head(&app, &data, parts), file, "a@example.com\r\n"),
        (head(&app, "POST /api/v1/imports/run", parts), file, "a@example.com\r\n"),
    ];
    let count = slow.len();
    let mut raws = Vec::new();
    for (head, start, piece) in slow {
        let mut raw = Raw::open(app.url()).await;
        raw.send(format!("{head}{start}")).await.unwrap();
        raws.push((raw, piece));
    }
    others_are_served(&app).await;
    let trickles =
        raws.iter_mut().map(|(raw, piece)| trickle(raw, piece, Duration::from_millis(200)));
    let (cut, ()) = tokio::join!(futures_util::future::join_all(trickles), others_are_served(&app));
    for status in cut {
        assert!([None, Some(408)].contains(&status), "{status:?}");
    }
    others_are_served(&app).await;
    nothing_is_left(&app, 1).await;
    figure(
        "bodies and uploads that trickle, with one database connection",
        5,
        count,
        "others served, all cut with 408 or closed, nothing kept",
    );
}

/// Waits until no bytes are left, and no imports beside those that were made for themselves.
async fn nothing_is_left(app: &TestApp, imports: i64) {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let pieces = app.count("SELECT count(*) AS n FROM import_data");
        let records = app.count("SELECT count(*) AS n FROM imports");
        if (pieces, records) == (0, imports) {
            return;
        }
        assert!(
            tokio::time::Instant::now() < end,
            "{pieces} pieces and {records} imports are left"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whoever hangs up in the middle of an upload leaves nothing behind.
#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = app().await;
    let import = app.post("/imports").json(&json!({})).await.expect(201).id();
    let csv = "content-type: text/csv\r\ncontent-length: 90000000\r\n";
    let parts = "content-type: multipart/form-data; boundary=x\r\ncontent-length: 90000000\r\n";
    let file = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
    let lines = "a@example.com\r\n".repeat(200_000);
    for (line, rest, start) in [
        (format!("PUT /api/v1/imports/{import}/data"), csv, "E-mail\r\n"),
        (format!("PUT /api/v1/imports/{import}/data"), parts, file),
        ("POST /api/v1/imports/run".to_owned(), parts, file),
    ] {
        let mut raw = Raw::open(app.url()).await;
        raw.send(head(&app, &line, rest)).await.unwrap();
        raw.send(start).await.unwrap();
        raw.send(&lines).await.unwrap();
        drop(raw);
        nothing_is_left(&app, 1).await;
    }
    others_are_served(&app).await;
    figure("uploads that break off", 2, 3, "nothing left");
}

/// A large answer that nobody takes keeps neither a turn at the database nor a thread, and is cut.
#[tokio::test]
async fn slow_readers_hold_nothing_and_are_cut() {
    let app = app().await;
    let cell = "x".repeat(20_000);
    let rows: String = (0..600).map(|row| format!("nonsense {row};{cell}\n")).collect();
    let columns = json!([{"index": 0, "target": "email"}]);
    let options = json!({"first_row": "header", "delimiter": ";", "mapping": {"columns": columns}});
    let import = app.import(format!("E-mail;Note\n{rows}"), &options).await;
    let path = format!("/imports/{}/errors.csv", import.id());
    let whole = app.get(&path).await.expect(200).bytes.len();
    assert!(whole > 12_000_000, "{whole}");
    let mut readers = Vec::new();
    for _ in 0..6 {
        let mut raw = Raw::open_narrow(app.url()).await;
        raw.send(head(&app, &format!("GET /api/v1{path}"), "accept-encoding: identity\r\n"))
            .await
            .unwrap();
        assert!(raw.bytes(PATIENCE).await.starts_with(b"HTTP/1.1 200"));
        readers.push(raw);
    }
    others_are_served(&app).await;
    for raw in &mut readers {
        assert!(raw.is_reset(PATIENCE).await, "a client that takes nothing is never cut");
    }
    others_are_served(&app).await;
    assert_eq!(app.get(&path).await.expect(200).bytes.len(), whole);
    figure(
        "readers that take nothing of 12 MB, with one database connection",
        1,
        readers.len(),
        "others served, all cut",
    );
}

/// Connections that say nothing, and streams of events that nobody ends.
#[tokio::test]
async fn idle_connections_and_streams_keep_nobody_waiting() {
    let app = app().await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(Raw::open(app.url()).await);
    }
    others_are_served(&app).await;
    let import = app.post("/imports").json(&json!({})).await.expect(201).id();
    app.put(format!("/imports/{import}/data"))
        .bytes("text/csv", "E-mail\na@example.com\n")
        .await
        .expect(200);
    app.put(format!("/imports/{import}/header"))
        .json(&json!({"first_row": "header"}))
        .await
        .expect(200);
    app.put(format!("/imports/{import}/mapping"))
        .json(&json!({"columns": "auto"}))
        .await
        .expect(200);
    let matching = json!({"mode": "match", "key": "email"});
    let job = app.put(format!("/imports/{import}/matching")).json(&matching).await.expect(202).id();
    let mut streams = Vec::new();
    for _ in 0..30 {
        let mut raw = Raw::open(app.url()).await;
        raw.send(head(&app, &format!("GET /api/v1/jobs/{job}/events"), "")).await.unwrap();
        assert!(raw.bytes(PATIENCE).await.starts_with(b"HTTP/1.1 200"));
        streams.push(raw);
    }
    others_are_served(&app).await;
    for raw in &mut idle {
        assert!(raw.is_closed(PATIENCE).await, "a silent connection is never closed");
    }
    // a stream is no idle connection: it lives on and tells the end
    app.run_jobs().await;
    for raw in &mut streams {
        let text = raw.until_text("\"succeeded\"", PATIENCE).await;
        assert!(text, "a stream of events was cut");
    }
    figure(
        "silent connections and open event streams",
        1,
        330,
        "others served, the silent ones closed, the streams told the end",
    );
}
