//! Ten times as many requests as the server can take: what it cannot take it refuses, at once; what it takes it
//! answers in time; and when it is over it is as it was.
//!
//! First the server says itself what it can take: clients that send as soon as they have their answer. Then ten
//! times that rate is sent for a minute, whatever the server does. Generator, server and PostgreSQL share one
//! machine, so the generator takes its share of what there is: the worst case, not the usual one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kartoteka_load::{Outcome, Requests, closed, is_success, open, request};
use serde_json::json;

use super::figure::Time;
use super::processes::{Installation, Process, Site};
use super::{Form, Report, http};

/// Clients, each with a token of its own: one alone would only meet its rate limit.
const CLIENTS: usize = 8;
/// Contacts of each client before it begins.
const CONTACTS: usize = 250;
/// Connections of those that measure what the server can take.
const SATURATED: usize = 32;
/// Connections of those that send too much.
const CROWD: usize = 400;
/// Part of what the server can take that counts as a usual load.
const USUAL: f64 = 0.3;
/// How much of its memory may come on top.
const MEMORY: u64 = 128 << 20;

/// Runs it twice: without the limit per client, so that the server itself has to refuse, and as it ships.
pub fn storms(form: Form, report: &mut Report) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let capacity = runtime.block_on(storm(form, report, "without limits", Some("0"), None));
    if !form.short {
        runtime.block_on(storm(form, report, "as it ships", None, Some(capacity)));
    }
}

/// What is sent, and to whom.
struct Field {
    address: SocketAddr,
    mix: Requests,
}

/// One storm. `limit` replaces the default limit per client; `capacity` is what the server can take, measured
/// here when it is not known yet.
async fn storm(
    form: Form,
    report: &mut Report,
    name: &str,
    limit: Option<&str>,
    capacity: Option<f64>,
) -> f64 {
    let site = Site { shared: form.shared, ..Site::default() };
    // an empty value counts as none: the default
    let site = site.set("KARTOTEKA_RATE_LIMIT", limit.unwrap_or_default());
    let installation = Installation::new(site.set("KARTOTEKA_LOG", "info"));
    let server = installation.serve();
    let field = prepare(&installation).await;
    let usual_time = Duration::from_secs(form.pick(10, 1));
    let storm_time = Duration::from_secs(form.times);

    // statements are planned, connections are there
    closed(field.address, SATURATED, &field.mix, usual_time / 2).await;
    let capacity = match capacity {
        Some(capacity) => capacity,
        None => {
            let saturated = closed(field.address, SATURATED, &field.mix, usual_time).await;
            saturated.count(is_success) as f64 / saturated.seconds
        }
    };
    let usual = capacity * USUAL;
    let before = open(field.address, SATURATED, &field.mix, usual, usual_time).await;
    let normal = before.within_due(0.99, is_success).unwrap_or_default();
    let memory = memory(&server);

    let port = installation.port();
    let probes = tokio::task::spawn_blocking(move || probe(port, storm_time));
    let crowd = open(field.address, CROWD, &field.mix, capacity * 10.0, storm_time).await;
    let over = Instant::now();
    let probes = probes.await.unwrap();
    let peak = self::memory(&server);

    let refused = |status: u16| matches!(status, 429 | 503);
    let other: Vec<String> = crowd
        .statuses()
        .into_iter()
        .filter(|(status, _)| !is_success(*status) && !refused(*status))
        .map(|(status, times)| format!("{times} × {status}"))
        .collect();
    let of = |what: &str| format!("{name}: {what}");
    report.none(of("answers that are neither 2xx nor 429 nor 503"), &other);
    let broken: Vec<&String> = crowd.first_break.iter().collect();
    report.none(of("connections that broke"), &broken);
    report.none(of("probes of /healthz that were not answered with 200"), &probes);
    let (taken, shed) = (crowd.count(is_success), crowd.count(refused));
    report.at_least(of("requests that were taken"), 1, taken);
    if form.short {
        return capacity;
    }
    report.judge(
        of("what it can take, and what was sent"),
        "10 ×",
        format!(
            "{capacity:.0}/s; {:.0}/s for {:.0} s: {taken} taken, {} × 429, {} × 503",
            crowd.rate(),
            crowd.seconds,
            crowd.count(|status| status == 429),
            crowd.count(|status| status == 503),
        ),
        // some requests of the last moment are still under way at the end
        crowd.rate() >= capacity * 9.0 && shed > 0,
    );
    judge_times(report, name, &crowd);
    report.judge(
        of("memory that came on top"),
        format!("at most {} MiB", MEMORY >> 20),
        format!("{} MiB on {} MiB", peak.saturating_sub(memory) >> 20, memory >> 20),
        peak.saturating_sub(memory) <= MEMORY,
    );
    let (calm, seen) = calm_again(&field, usual, normal, over).await;
    report.judge(
        of("as before the storm (p99 at three tenths of what it can take)"),
        format!("{} again within 5 s", Time(normal)),
        format!("{} after {}", Time(seen), Time(calm)),
        calm <= Duration::from_secs(5),
    );
    capacity
}

fn judge_times(report: &mut Report, name: &str, crowd: &Outcome) {
    let refused = |status: u16| matches!(status, 429 | 503);
    for (what, which, bound) in [
        ("taken", is_success as fn(u16) -> bool, Duration::from_millis(500)),
        ("refused", refused, Duration::from_millis(50)),
    ] {
        let took = crowd.within(0.99, which).unwrap_or_default();
        let due = crowd.within_due(0.99, which).unwrap_or_default();
        let half = crowd.within(0.5, which).unwrap_or_default();
        report.judge(
            format!("{name}: p99 of what was {what}"),
            format!("under {}", Time(bound)),
            format!("{} (p50 {}; from when it was due {})", Time(took), Time(half), Time(due)),
            took < bound,
        );
    }
}

/// Sends the usual load second by second until one is answered wholly and as fast as before; how long after the
/// storm that was, and its p99.
async fn calm_again(
    field: &Field,
    usual: f64,
    normal: Duration,
    over: Instant,
) -> (Duration, Duration) {
    // a second has a hundredth of the samples of the long measurement in it: noise may double its p99
    let bound = (normal * 2).max(normal + Duration::from_millis(10));
    loop {
        let second =
            open(field.address, SATURATED, &field.mix, usual, Duration::from_secs(1)).await;
        let p99 = second.within_due(0.99, is_success).unwrap_or(Duration::MAX);
        let whole = second.broken == 0 && second.count(|status| !is_success(status)) == 0;
        let after = over.elapsed();
        if (whole && p99 <= bound) || after > Duration::from_secs(30) {
            return (after, p99);
        }
    }
}

/// Makes workspaces with contacts, and the requests: of twenty, fourteen read a contact, three a page of fifty,
/// three make one.
async fn prepare(installation: &Installation) -> Field {
    let address = SocketAddr::from(([127, 0, 0, 1], installation.port()));
    let mut tokens = Vec::new();
    for number in 0..CLIENTS {
        let name = format!("crowd{number}");
        installation.make_workspace(&name);
        let client = installation.client_in(&name);
        tokens.push(client.token().unwrap_or_default().to_owned());
    }
    let contact = |number: usize| {
        json!({
            "first_name": "Jana", "last_name": format!("Nováková {number}"),
            "email": format!("jana{number}@example.com"), "address": {"city": "Brno", "country": "CZ"},
            "details": {"velikost": "42"}, "tags": ["vip"],
        })
        .to_string()
    };
    for token in &tokens {
        let bodies = (0..CONTACTS)
            .map(|n| request("POST", "/api/v1/contacts", Some(token), Some(&contact(n))));
        let requests: Requests = std::sync::Arc::new(bodies.collect());
        let made =
            open(address, 4, &requests, 250.0, Duration::from_secs_f64(CONTACTS as f64 / 250.0))
                .await;
        assert_eq!(made.count(|status| status == 201), made.samples.len(), "{:?}", made.statuses());
    }
    let mut mix = Vec::new();
    for row in installation.rows(
        "SELECT w.name, c.id FROM contacts c JOIN workspaces w ON w.id = c.workspace_id WHERE w.name LIKE 'crowd%' \
         ORDER BY right(c.id::text, 12)",
    ) {
        let (name, id) = (row["name"].as_str().unwrap(), row["id"].as_str().unwrap());
        let client: usize = name.trim_start_matches("crowd").parse().unwrap();
        let token = Some(tokens[client].as_str());
        mix.push(match mix.len() % 20 {
            3 | 9 | 15 => request("GET", "/api/v1/contacts", token, None),
            6 | 12 | 18 => request("POST", "/api/v1/contacts", token, Some(&contact(mix.len()))),
            _ => request("GET", &format!("/api/v1/contacts/{id}"), token, None),
        });
    }
    Field { address, mix: std::sync::Arc::new(mix) }
}

/// Asks whether the process is alive, ten times a second; what was not as it should be.
fn probe(port: u16, time: Duration) -> Vec<String> {
    let until = Instant::now() + time;
    let mut wrong = Vec::new();
    while Instant::now() < until {
        match http::get(port, "/healthz") {
            Ok((200, _)) => {}
            Ok((status, _)) => wrong.push(status.to_string()),
            Err(error) => wrong.push(error.to_string()),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    wrong
}

/// Most memory a process had so far (`VmHWM`), in bytes.
fn memory(server: &Process) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    kib * 1024
}
