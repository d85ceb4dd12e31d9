//! Requests that are small to send and meant to be large to read: OWASP API4:2023.

use std::future::IntoFuture;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use kartoteka_tests::contract::operations;
use kartoteka_tests::examples::{self, Things};
use kartoteka_tests::sites::{Described, described};
use kartoteka_tests::{Client, Raw, TestApp};
use serde_json::{Value, json};

use super::{figure, path};
use crate::auth_matrix::furnish;

/// Longest that one of these may be worked on: a bound against squares, far from what a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(60);
/// What all of them together may add to the memory of the process, the test's own part included.
const MOST_BYTES: u64 = 300 << 20;

/// The most memory that was in use since [`forget_peak`], in bytes; of the process.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes =
        line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

fn forget_peak() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    peak()
}

/// Tests that share a process share its memory too: only alone is the peak theirs.
fn check_growth(before: u64) -> u64 {
    let grown = peak().saturating_sub(before);
    if std::env::var_os("NEXTEST").is_some() {
        assert!(grown < MOST_BYTES, "{} MiB", grown >> 20);
    }
    grown >> 20
}

/// Bodies of at most a megabyte that cost much more than their length when they are read carelessly.
fn heavy() -> Vec<(&'static str, String)> {
    let most = 1 << 20;
    let filled = |head: &str, item: &str, tail: &str| {
        let times = (most - head.len() - tail.len() - 1) / item.len();
        format!("{head}{}{tail}", item.repeat(times))
    };
    let name = "n".repeat(8_000);
    let path = format!("{{\"{name}\":").repeat(60);
    let wide = filled(&format!("{path}["), "1,", &format!("1]{}", "}".repeat(60)));
    let nuls = filled(&format!("{path}["), "\"\\u0000\",", &format!("1]{}", "}".repeat(60)));
    let members: String = (0..60_000).map(|at| format!("\"m{at}\":1,")).collect();
    let twice = filled("{", "\"a\":1,", "\"a\":1}");
    vec![
        ("lists 100,000 deep", "[".repeat(100_000)),
        ("lists a megabyte deep", "[".repeat(most)),
        ("lists closed 100,000 deep", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("objects a megabyte deep", "{\"a\":".repeat(most / 5)),
        (
            "lists 120 deep, as wide as it goes",
            filled(&"[".repeat(120), "[],", &format!("1{}", "]".repeat(120))),
        ),
        ("half a million numbers", filled("[", "1,", "1]")),
        ("long names above a long list", wide),
        ("long names above a list of NUL", nuls),
        ("60,000 members", format!("{{{members}\"last\":1}}")),
        ("one member 170,000 times", twice),
        ("one text of a megabyte", filled("\"", "a", "\"")),
        ("escapes", filled("\"", "\\u00e9", "\"")),
        ("a number of a million digits", filled("", "9", "9")),
        ("a number with a huge exponent", "1e999999999999".to_owned()),
    ]
}

/// The body with each of its lists and maps blown up.
/// One after another: all of an operation at once would be more than the memory that is measured.
fn blown_up(described: &Described) -> impl Iterator<Item = (String, String)> {
    let mut sites: Vec<_> = described.sites_once().into_iter().collect();
    sites.sort_by(|a, b| a.at.cmp(&b.at));
    let mut seen = std::collections::BTreeSet::new();
    sites.into_iter().filter_map(move |site| {
        let long = match site.body.pointer(&site.at) {
            Some(Value::Array(_)) => format!("[{}0]", "0,".repeat(400_000)),
            Some(Value::Object(_)) => {
                let members: String = (0..50_000).map(|at| format!("\"m{at}\":0,")).collect();
                format!("{{{members}\"last\":0}}")
            }
            _ => return None,
        };
        if !seen.insert(site.at.clone()) {
            return None;
        }
        let marked = examples::with(&site.body, &site.at, json!("@@here@@"));
        Some((site.at.clone(), marked.to_string().replace("\"@@here@@\"", &long)))
    })
}

async fn refused_soon(request: kartoteka_tests::client::Request, what: &str) {
    // a connection each: while this side makes the next body the server would close one that is kept; and an
    // answer of a thousand faults takes longer to hold against the document than to make
    let request = request.header("connection", "close").unchecked();
    let answer = tokio::time::timeout(PATIENCE, request.into_future()).await;
    let answer = answer.unwrap_or_else(|_elapsed| panic!("{what} keeps the server busy"));
    let in_items = answer.json["results"].is_array();
    assert!(in_items || answer.media_type() == "application/problem+json", "{what}: {answer:?}");
    assert!([400, 413, 422].contains(&answer.status) || in_items, "{what}: {answer:?}");
    assert!(answer.bytes.len() < 2 << 20, "{what}: an answer of {} bytes", answer.bytes.len());
}

#[tokio::test]
async fn heavy_json_is_refused_soon_and_in_bounded_memory() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let heavy = heavy();
    let before = forget_peak();
    let (mut touched, mut cases) = (0, 0);
    for described in described() {
        let path = path(described.operation, &things);
        // what reads the body is one piece of code: all of them for the first ones, then some by turns
        let tried =
            heavy.iter().cycle().skip(touched * 4).take(if touched < 3 { heavy.len() } else { 4 });
        touched += 1;
        for (what, body) in tried {
            let what = format!("{}: {what}", described.operation.id());
            refused_soon(described.request_text(&app, &path, body.as_bytes()), &what).await;
            cases += 1;
        }
    }
    let mut grown = check_growth(before);
    for described in one_of_each_schema() {
        let path = path(described.operation, &things);
        let bodies = blown_up(&described);
        // the list of places of a wide body is this test's, and larger than what it costs to refuse one
        let before = forget_peak();
        for (at, body) in bodies {
            let what = format!("{} blown up at {at}", described.operation.id());
            refused_soon(described.request_text(&app, &path, body), &what).await;
            cases += 1;
        }
        grown = grown.max(check_growth(before));
    }
    app.get("/healthz").await.expect(200);
    app.leave_jobs();
    figure(
        "JSON of a megabyte, deep, wide and long",
        touched,
        cases,
        &format!("all 4xx within {PATIENCE:?}, memory grew by {grown} MiB at most"),
    );
}

fn one_of_each_schema() -> Vec<Described> {
    let mut all = described();
    all.sort_by_key(|described| described.schema.to_string());
    all.dedup_by_key(|described| described.schema.to_string());
    all
}

/// Filter trees as wide and as deep as a body can hold them.
#[tokio::test]
async fn giant_filter_trees_are_refused() {
    let app = TestApp::new().await;
    let leaf = r#"{"field":"email","op":"is_empty"}"#;
    let not = |depth: usize| format!("{}{leaf}{}", "{\"not\":".repeat(depth), "}".repeat(depth));
    let trees = [
        format!("{{\"and\":[{}{leaf}]}}", format!("{leaf},").repeat(20_000)),
        format!("{{\"or\":[{}{leaf}]}}", "{\"and\":[]},".repeat(60_000)),
        format!("{{\"and\":[{}{leaf}]}}", format!("{{\"or\":[{leaf}]}},").repeat(99)),
        not(9),
        not(100),
        not(50_000),
        format!("{}{leaf}{}", "{\"and\":[".repeat(50_000), "]}".repeat(50_000)),
    ];
    let (mut touched, mut cases) = (0, 0);
    for described in described() {
        let sites = described.sites();
        let places: Vec<_> = sites
            .iter()
            .filter(|site| ["include", "exclude", "where"].iter().any(|end| site.at.ends_with(end)))
            .collect();
        let mut places = places;
        places.sort_by_key(|site| &site.at);
        places.dedup_by_key(|site| &site.at);
        touched += usize::from(!places.is_empty());
        for site in places {
            for tree in &trees {
                let marked = examples::with(&site.body, &site.at, json!("@@here@@"));
                let body = marked.to_string().replace("\"@@here@@\"", tree);
                let path = path(described.operation, &Things::default());
                refused_soon(described.request_text(&app, &path, body), "a filter tree").await;
                cases += 1;
            }
        }
    }
    assert!(touched >= 2, "{touched}");
    figure("filter trees, wide and deep", touched, cases, "all refused");
}

/// Ten megabytes, announced or not: refused before they are read.
#[tokio::test]
async fn ten_megabytes_are_refused_before_they_are_read() {
    let app = TestApp::new().await;
    let token = app.token().unwrap().to_owned();
    let before = forget_peak();
    let mut cases = 0;
    for operation in
        operations().iter().filter(|operation| operation.object.get("requestBody").is_some())
    {
        let kinds = operation.consumes();
        if !kinds.contains(&"application/json")
            && !kinds.contains(&"application/x-www-form-urlencoded")
        {
            continue;
        }
        let path = path(operation, &Things::default());
        let head = format!(
            "{} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: {}\r\n",
            operation.method, kinds[0]
        );
        let mut raw = Raw::open(app.url()).await;
        let answer = raw.ask(format!("{head}content-length: 10000000\r\n\r\n[[[[")).await;
        assert_eq!(answer.status, 413, "{} {answer:?}", operation.id());
        let mut raw = Raw::open(app.url()).await;
        raw.send(format!("{head}transfer-encoding: chunked\r\n\r\n")).await.unwrap();
        let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x10000));
        for _ in 0..160 {
            if raw.send(&chunk).await.is_err() {
                break;
            }
        }
        let answer = raw.answer(Duration::from_secs(20)).await;
        // who goes on sending may find the connection closed before the answer is read
        assert!(answer.is_none_or(|answer| answer.status == 413), "{}", operation.id());
        cases += 2;
    }
    let grown = check_growth(before);
    figure(
        "ten megabytes of nested JSON",
        cases / 2,
        cases,
        &format!("all 413 or cut, memory grew by {grown} MiB at most"),
    );
}

fn zeros(bytes: usize, mut out: impl Write) {
    let block = vec![0; 1 << 20];
    for _ in 0..bytes >> 20 {
        out.write_all(&block).unwrap();
    }
}

fn gzip(bytes: usize) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    zeros(bytes, &mut out);
    out.finish().unwrap()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn deflate(bytes: usize) -> Vec<u8> {
    let mut out = DeflateEncoder::new(Vec::new(), Compression::best());
    zeros(bytes, &mut out);
    out.finish().unwrap()
}

/// A ZIP archive with one entry that says it is a list and is zeros.
fn zip(bytes: usize) -> Vec<u8> {
    let data = deflate(bytes);
    let (packed, whole) = (u32::try_from(data.len()).unwrap(), u32::try_from(bytes).unwrap());
    let mut archive = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0".to_vec();
    archive.extend(packed.to_le_bytes());
    archive.extend(whole.to_le_bytes());
    archive.extend(b"\x08\0\0\0list.csv");
    archive.extend(data);
    archive
}

const UNPACKED: usize = 64 << 20;

/// Bodies that say they are packed are not unpacked: RFC 9110, 8.4 and 15.5.16.
#[tokio::test]
async fn packed_bodies_are_refused_and_never_unpacked() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let bomb = gzip(UNPACKED);
    let nested = packed(&bomb);
    let raw_deflate = deflate(UNPACKED);
    let before = forget_peak();
    let (mut touched, mut cases) = (0, 0);
    for operation in
        operations().iter().filter(|operation| operation.object.get("requestBody").is_some())
    {
        let path = path(operation, &things);
        touched += 1;
        for (encoding, body) in [
            ("gzip", &bomb),
            ("GZIP", &bomb),
            ("x-gzip", &bomb),
            ("gzip, gzip", &nested),
            ("identity, gzip", &bomb),
            ("deflate", &raw_deflate),
            ("br", &raw_deflate),
            ("zstd", &raw_deflate),
            ("nonsense", &raw_deflate),
        ] {
            for kind in operation.consumes() {
                let kind = if kind.starts_with("multipart") {
                    "multipart/form-data; boundary=x"
                } else {
                    kind
                };
                let request = app.request(operation.method.parse().unwrap(), &path);
                let request =
                    request.bytes(kind, body.clone()).header("content-encoding", encoding);
                request.await.expect_problem(415, "unsupported_media_type", &[]);
                cases += 1;
            }
        }
    }
    let grown = check_growth(before);
    figure(
        "packed bodies (64 MiB of zeros each)",
        touched,
        cases,
        &format!("all 415, memory grew by {grown} MiB at most"),
    );
}

async fn upload(
    client: &Client,
    as_form: bool,
    path: &str,
    bytes: &[u8],
) -> kartoteka_tests::Answer {
    if !as_form {
        return client.put(path).bytes("text/csv", bytes).await;
    }
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("content-encoding", "gzip".parse().unwrap());
    let file =
        reqwest::multipart::Part::bytes(bytes.to_vec()).file_name("list.csv").headers(headers);
    client.put(path).multipart(reqwest::multipart::Form::new().part("file", file)).await
}

/// IMP-20: packed files are refused as what they are, and nothing of them is kept.
#[tokio::test]
async fn packed_files_are_refused_and_never_unpacked() {
    let app = TestApp::new().await;
    let bomb = gzip(UNPACKED);
    let bombs = [
        ("gzip", bomb.clone()),
        ("gzip in gzip", packed(&bomb)),
        ("gzip in gzip in gzip", packed(&packed(&bomb))),
        ("zip", zip(UNPACKED)),
        ("two gzip members", [bomb.as_slice(), bomb.as_slice()].concat()),
        (
            "a list with gzip behind it",
            [b"E-mail\na@example.com\n".as_slice(), &packed(&bomb)].concat(),
        ),
    ];
    let before = forget_peak();
    let mut cases = 0;
    for (what, bytes) in &bombs {
        for as_form in [false, true] {
            let import = app.post("/imports").json(&json!({})).await.expect(201).id();
            let answer = upload(&app, as_form, &format!("/imports/{import}/data"), bytes).await;
            assert!([415, 422].contains(&answer.status), "{what}: {answer:?}");
            assert_eq!(app.count("SELECT count(*) AS n FROM import_data"), 0, "{what}");
            cases += 1;
        }
        let file = reqwest::multipart::Part::bytes(bytes.clone()).file_name("list.csv");
        let form = reqwest::multipart::Form::new().part("file", file);
        let answer = app.post("/imports/run").multipart(form).await;
        assert!([415, 422].contains(&answer.status), "{what}: {answer:?}");
        cases += 1;
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM import_data"), 0);
    let grown = check_growth(before);
    figure(
        "packed files (64 MiB of zeros each)",
        2,
        cases,
        &format!("all 415 or 422, nothing kept, memory grew by {grown} MiB at most"),
    );
}

/// Forms whose parts never end, or are too many.
#[tokio::test]
async fn broken_forms_are_refused_in_bounded_memory() {
    let app = TestApp::new().await;
    let long = "a".repeat(30 << 20);
    let many = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n".repeat(20_000);
    let part = "--x\r\ncontent-disposition: form-data; name=";
    let forms = [
        ("a header without an end", format!("--x\r\nx-long: {long}")),
        ("a name without an end", format!("{part}\"{long}")),
        ("a boundary that never comes", format!("--y\r\n{long}")),
        ("20,000 parts", many),
        ("10,000 headers", format!("--x\r\n{}\r\n", "a: b\r\n".repeat(10_000))),
        (
            "the file twice",
            format!("{part}\"file\"\r\n\r\na\r\n{part}\"file\"\r\n\r\nb\r\n--x--\r\n"),
        ),
        ("no name", "--x\r\ncontent-disposition: form-data\r\n\r\na\r\n--x--\r\n".to_owned()),
        ("no disposition", "--x\r\n\r\na\r\n--x--\r\n".to_owned()),
        ("options without an end", format!("{part}\"options\"\r\n\r\n{{\"name\":\"{long}")),
        ("nothing", String::new()),
    ];
    let before = forget_peak();
    let (mut touched, mut cases) = (0, 0);
    for operation in operations() {
        if !operation.consumes().contains(&"multipart/form-data") {
            continue;
        }
        touched += 1;
        for (what, form) in &forms {
            let import = app.post("/imports").json(&json!({})).await.expect(201).id();
            let path = examples::path(operation, &Things::default(), |_, _| Some(import.clone()));
            let head = format!(
                "{} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: {}\r\n\r\n",
                operation.method,
                app.token().unwrap(),
                form.len()
            );
            let mut raw = Raw::open(app.url()).await;
            raw.send(head).await.unwrap();
            let _ = raw.send(form).await;
            let answer = raw.answer(PATIENCE).await;
            assert!(
                answer.as_ref().is_none_or(|answer| [400, 413, 422].contains(&answer.status)),
                "{what}: {answer:?}"
            );
            cases += 1;
        }
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM import_data"), 0);
    let grown = check_growth(before);
    figure(
        "broken and endless forms",
        touched,
        cases,
        &format!("all 4xx or cut, memory grew by {grown} MiB at most"),
    );
}
