//! Goals 13 to 15: single requests.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kartoteka_load::{Outcome as Answers, Requests, closed, is_success, open, request};
use serde_json::{Value, json};

use crate::figure::{Figure, Unit, median};
use crate::generator::People;
use crate::import::import;
use crate::imports::{LARGE, words};
use crate::service::Service;
use crate::{Bench, Outcome};

/// Connections that keep both servers busy.
const BUSY: usize = 32;
/// How long each side is measured in a round.
const TIME: Duration = Duration::from_secs(4);
/// Contacts that are read in turn.
const READ: u64 = 5_000;
/// Reads a second beside an import, on as many connections as an office has people.
const BESIDE: f64 = 50.0;
const BESIDE_CONNECTIONS: usize = 8;
/// Searches: what they are, and a word.
const WORDS: &[(&str, &str)] = &[
    ("many hits", "nov"),
    ("few hits", "novotnaz"),
    ("no hit", "qqxqq"),
    ("two words", "jan qqxqq"),
];

/// Measures what is asked for at one size.
pub(crate) fn measure(bench: &Bench, goals: &[u8], rows: u64) -> Outcome<Vec<Figure>> {
    if !goals.iter().any(|goal| (13..=15).contains(goal)) {
        return Ok(Vec::new());
    }
    let base = bench.base(rows)?;
    bench.postgres.create("run", &base)?;
    let mut figures = Vec::new();
    let service = Service::start(bench, "run")?;
    let load = Load::new(bench, &service, "run")?;
    if goals.contains(&13) {
        figures.extend(against_bare(bench, &load, rows)?);
    }
    if goals.contains(&15) {
        figures.extend(search(bench, &load, &service, rows)?);
    }
    if goals.contains(&14) {
        figures.push(beside_import(bench, &load, &service, rows)?);
    }
    service.stop()?;
    bench.postgres.remove("run")?;
    Ok(figures)
}

/// What is sent to the product, and by what.
pub(crate) struct Load {
    runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    workspace: String,
    token: String,
    reads: Requests,
    ids: Vec<String>,
}

impl Load {
    pub(crate) fn new(bench: &Bench, service: &Service, database: &str) -> Outcome<Self> {
        let client = service.client();
        let address = client.address.trim_start_matches("http://").parse()?;
        let sql = "SELECT id::text AS t FROM workspaces ORDER BY id LIMIT 1";
        let workspace = bench.postgres.text(database, sql)?;
        // in no order, so that neighbours do not lie in one page
        let sql = format!(
            "SELECT coalesce(string_agg(id::text, ' '), '') AS t FROM \
             (SELECT id FROM contacts ORDER BY md5(id::text) LIMIT {READ}) AS picked"
        );
        let ids = bench.postgres.text(database, &sql)?;
        let ids: Vec<String> = ids.split(' ').map(str::to_owned).collect();
        let token = client.token.clone();
        let read =
            |id: &String| request("GET", &format!("/api/v1/contacts/{id}"), Some(&token), None);
        let reads = Arc::new(ids.iter().map(read).collect());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime, address, workspace, token, reads, ids })
    }

    /// Median time of one request after another, in seconds; the requests are sent in turn.
    pub(crate) fn one_by_one(&self, requests: &Requests, time: Duration) -> Outcome<f64> {
        let answers = self.runtime.block_on(closed(self.address, 1, requests, time));
        Ok(whole(&answers)?.within(0.5, is_success).map_or(f64::NAN, |time| time.as_secs_f64()))
    }

    /// A request of the product's API.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Requests {
        let body = body.map(Value::to_string);
        let path = format!("/api/v1{path}");
        Arc::new(vec![request(method, &path, Some(&self.token), body.as_deref())])
    }
}

/// Refuses what was not answered with success throughout.
fn whole(answers: &Answers) -> Outcome<&Answers> {
    let bad = answers.samples.len() - answers.count(is_success);
    if bad > 0 || answers.broken > 0 || answers.samples.is_empty() {
        let statuses = answers.statuses();
        return Err(
            format!("not all were answered: {statuses:?}, {:?}", answers.first_break).into()
        );
    }
    Ok(answers)
}

/// The bare handler; killed when it is dropped.
struct Bare {
    child: Child,
    address: SocketAddr,
}

impl Bare {
    fn start(bench: &Bench, database: &str, workspace: &str) -> Outcome<Self> {
        let path = std::env::current_exe()?.with_file_name("kartoteka-bench-bare");
        let mut child = Command::new(&path)
            .args([&bench.postgres.url(database), workspace])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line.trim().parse();
        let mut bare = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        bare.address = address.map_err(|_not| "the bare handler did not start")?;
        Ok(bare)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Goal 13.
fn against_bare(bench: &Bench, load: &Load, rows: u64) -> Outcome<Vec<Figure>> {
    let bare = Bare::start(bench, "run", &load.workspace)?;
    let read_bare = |id: &String| request("GET", &format!("/contacts/{id}"), None, None);
    let sides = [
        ("point read", Arc::clone(&load.reads), Arc::new(load.ids.iter().map(read_bare).collect())),
        (
            "list page of 50",
            load.request("GET", "/contacts", None),
            Arc::new(vec![request("GET", "/contacts", None, None)]),
        ),
    ];
    let mut figures = Vec::new();
    for (what, ours, theirs) in sides {
        bench.say(&format!("{} contacts: {what} against a bare handler", words(rows)));
        let ways = [(load.address, &ours), (bare.address, &theirs)];
        let saturate = |(address, requests): (SocketAddr, &Requests), time| {
            load.runtime.block_on(closed(address, BUSY, requests, time))
        };
        for way in ways {
            whole(&saturate(way, TIME / 2))?;
        }
        let mut rounds = Vec::new();
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..3 {
            let [ours, theirs] = ways.map(|way| saturate(way, TIME));
            let (ours, theirs) = (whole(&ours)?.rate(), whole(&theirs)?.rate());
            rounds.push(ours / theirs);
            rates[0].push(ours);
            rates[1].push(theirs);
        }
        let [ours, theirs] = rates.map(median);
        figures.push(
            Figure::at_least(
                13,
                format!("{what}, {} contacts: throughput to a bare handler", words(rows)),
                median(rounds),
                0.6,
                0.8,
            )
            .raw(format!("{ours:.0}/s to {theirs:.0}/s on {BUSY} connections"))
            .data(json!({ "rows": rows, "per_second": ours, "bare_per_second": theirs })),
        );
        // the same number of requests a second to both: half of what the slower one can take
        let rate = ours.min(theirs) / 2.0;
        let mut rounds = Vec::new();
        let mut tails = [Vec::new(), Vec::new()];
        for _ in 0..3 {
            let tail = |(address, requests): (SocketAddr, &Requests)| {
                let answers = load.runtime.block_on(open(address, BUSY, requests, rate, TIME));
                let p99 = whole(&answers)?.within_due(0.99, is_success);
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
                    p99.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3),
                )
            };
            let [ours, theirs] = ways.map(tail);
            let (ours, theirs) = (ours?, theirs?);
            rounds.push(ours / theirs);
            tails[0].push(ours);
            tails[1].push(theirs);
        }
        let [ours, theirs] = tails.map(median);
        figures.push(
            Figure::at_most(
                13,
                format!("{what}, {} contacts: p99 to a bare handler", words(rows)),
                median(rounds),
                2.0,
                1.3,
            )
            .unit(Unit::Times)
            .raw(format!("{ours:.2} ms to {theirs:.2} ms at {rate:.0}/s"))
            .data(json!({ "rows": rows, "p99_ms": ours, "bare_p99_ms": theirs, "rate": rate })),
        );
    }
    Ok(figures)
}

/// Goal 14. The service works on the import itself, as it does when it is started as one process.
fn beside_import(bench: &Bench, load: &Load, service: &Service, rows: u64) -> Outcome<Figure> {
    let file = bench.file(rows, People::Overlapping)?;
    bench.say(&format!("{} contacts: point reads while as many rows are imported", words(rows)));
    let send = |time| {
        load.runtime.block_on(open(load.address, BESIDE_CONNECTIONS, &load.reads, BESIDE, time))
    };
    let idle = send(TIME * 2);
    let ended = AtomicBool::new(false);
    let (imported, busy) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut all = Answers::default();
            while !ended.load(Ordering::Relaxed) {
                let some = send(Duration::from_secs(1));
                all.samples.extend(some.samples);
                all.broken += some.broken;
                all.first_break = all.first_break.or(some.first_break);
            }
            all
        });
        let imported = import(bench, service, &file, "beside reads");
        ended.store(true, Ordering::Relaxed);
        (imported, reader.join())
    });
    imported?;
    let busy = busy.map_err(|_panic| "the reads broke off")?;
    let p99 = |answers: &Answers| -> Outcome<f64> {
        let time = whole(answers)?.within_due(0.99, is_success);
        Ok(time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3))
    };
    let (quiet, loud) = (p99(&idle)?, p99(&busy)?);
    Ok(Figure::at_most(
        14,
        format!("p99 of a point read while {} rows are imported to idle", words(rows)),
        loud / quiet,
        5.0,
        3.0,
    )
    .unit(Unit::Times)
    .raw(format!("{loud:.2} ms to {quiet:.2} ms, {} reads", busy.samples.len()))
    .data(json!({ "rows": rows, "p99_ms": loud, "idle_p99_ms": quiet }))
    .judged_from(LARGE, rows))
}

/// Goal 15: judged by the kind of search that takes longest. The base is indexed: see `imports::index`.
fn search(bench: &Bench, load: &Load, service: &Service, rows: u64) -> Outcome<Vec<Figure>> {
    bench.say(&format!("{} contacts: search", words(rows)));
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); WORDS.len()];
    let mut reads = Vec::new();
    for _ in 0..3 {
        reads.push(load.one_by_one(&load.reads, TIME / 4)?);
        for ((_, word), times) in WORDS.iter().zip(&mut times) {
            let path = format!("/contacts?q={}", word.replace(' ', "%20"));
            times.push(load.one_by_one(&load.request("GET", &path, None), TIME / 2)?);
        }
    }
    let read = median(reads);
    let mut figures = Vec::new();
    let mut slowest = ("", f64::NAN);
    for ((kind, word), times) in WORDS.iter().zip(times) {
        let time = median(times);
        if slowest.1.is_nan() || time > slowest.1 {
            slowest = (kind, time);
        }
        let path = format!("/contacts/count?q={}", word.replace(' ', "%20"));
        let hits = service.client().get(&path)?["contacts"].clone();
        figures.push(
            Figure::noted(
                15,
                format!(
                    "search \"{word}\" ({kind}: {hits}), {} contacts, to a point read",
                    words(rows)
                ),
                time / read,
            )
            .unit(Unit::Times)
            .raw(format!("{:.2} ms to {:.2} ms", time * 1e3, read * 1e3)),
        );
    }
    let (kind, time) = slowest;
    figures.push(
        Figure::at_most(
            15,
            format!(
                "slowest search ({kind}), first page, {} contacts, to a point read",
                words(rows)
            ),
            time / read,
            30.0,
            10.0,
        )
        .unit(Unit::Times)
        .raw(format!("{:.2} ms to {:.2} ms", time * 1e3, read * 1e3))
        .data(json!({ "rows": rows, "search_ms": time * 1e3, "read_ms": read * 1e3 }))
        .judged_from(LARGE, rows),
    );
    Ok(figures)
}
