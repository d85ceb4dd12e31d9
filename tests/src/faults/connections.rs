//! There is no connection to be had: who asks is told so at once, and the process is alive.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;

use super::figure::Time;
use super::processes::{self, Installation, Process, Site, wait_for};
use super::{Form, Report};
use crate::client::Client;

/// A request that finds no connection has its answer before this.
const REFUSED_WITHIN: Duration = Duration::from_millis(600);
/// Connections the server has in all.
const MAX_CONNECTIONS: usize = 40;
/// Connections of the API, as the product sets them.
const POOL: usize = 16;
/// Requests at once: three times what the API can do at once.
const AT_ONCE: usize = 48;

/// What came of many requests at once.
#[derive(Default)]
struct Probes {
    refused: usize,
    others: Vec<String>,
    slowest: Duration,
    dead: Vec<String>,
    slowest_sign_of_life: Duration,
}

/// Others hold all connections, then slow statements do; `times` rounds of requests each.
pub fn all_taken(form: Form, report: &mut Report) {
    let site = Site::default().postgres("max_connections", MAX_CONNECTIONS);
    let site = Installation::new(site.set("KARTOTEKA_DB_POOL", POOL));
    let mut serve = site.serve();
    let client = site.client();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let contact = runtime.block_on(async {
        let body = json!({ "email": "one@example.com" });
        client.post("/contacts").json(&body).await.expect(201).id()
    });

    let others = take_all(&site);
    let mut probes = Probes::default();
    for _ in 0..form.times {
        probes.round(&runtime, &client, &contact);
    }
    judge(form, report, "others hold all connections", &probes);
    drop(others);
    works_again(report, &runtime, &client, &mut serve, "others hold all connections");

    let mut probes = Probes::default();
    for _ in 0..form.times {
        let (mut holder, waiting) = slow_statements(&site, &runtime, &client, &contact);
        probes.round(&runtime, &client, &contact);
        holder.batch_execute("ROLLBACK").unwrap();
        runtime.block_on(async {
            for request in waiting {
                let _ = request.await;
            }
        });
    }
    judge(form, report, "slow statements hold all connections of the API", &probes);
    let what = "slow statements hold all connections of the API";
    works_again(report, &runtime, &client, &mut serve, what);
}

/// Opens connections until there are none left, those of the API among them.
fn take_all(site: &Installation) -> Vec<PgConnection> {
    let mut mine = vec![site.connection()];
    let of_api = "FROM pg_stat_activity WHERE application_name LIKE 'kartoteka%'";
    wait_for("all connections are taken", Duration::from_secs(60), || {
        while let Ok(conn) = site.try_connection() {
            mine.push(conn);
        }
        let end = format!("SELECT count(pg_terminate_backend(pid)) AS n {of_api}");
        processes::count(&mut mine[0], &end);
        while let Ok(conn) = site.try_connection() {
            mine.push(conn);
        }
        processes::count(&mut mine[0], &format!("SELECT count(*) AS n {of_api}")) == 0
            && site.try_connection().is_err()
    });
    mine
}

type Waiting = Vec<tokio::task::JoinHandle<Result<crate::Answer, reqwest::Error>>>;

/// As many requests as the API has connections, all waiting for a lock.
fn slow_statements(
    site: &Installation,
    runtime: &Runtime,
    client: &Client,
    contact: &str,
) -> (PgConnection, Waiting) {
    let mut holder = site.connection();
    let mut watch = site.connection();
    holder.batch_execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").unwrap();
    let waiting = runtime.block_on(async {
        let mut waiting = Vec::new();
        let start = Instant::now();
        loop {
            let held = processes::count(
                &mut watch,
                "SELECT count(*) AS n FROM pg_stat_activity
                 WHERE application_name = 'kartoteka api' AND wait_event_type = 'Lock'",
            );
            let missing = POOL.saturating_sub(usize::try_from(held).unwrap());
            if missing == 0 {
                break waiting;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{held} wait");
            for _ in 0..missing {
                let request = client.get(format!("/contacts/{contact}"));
                waiting.push(tokio::spawn(request.attempt()));
            }
            // sent, and on their way to the lock
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    (holder, waiting)
}

impl Probes {
    /// Many requests at once, and a question whether the process lives with every fourth of them.
    fn round(&mut self, runtime: &Runtime, client: &Client, contact: &str) {
        let answers = runtime.block_on(async {
            let all = (0..AT_ONCE).map(|n| {
                let request = match n % 4 {
                    0 => client.get("/healthz"),
                    1 => client.get("/workspace"),
                    2 => client.get(format!("/contacts/{contact}")),
                    _ => client.post("/contacts").json(&json!({ "email": "no@example.com" })),
                };
                let client = client.clone();
                async move {
                    // a connection of its own: the first request on one pays for it
                    drop(client);
                    let sent = Instant::now();
                    let answer = request.attempt().await;
                    (n, answer, sent.elapsed())
                }
            });
            futures_util::future::join_all(all).await
        });
        for (n, answer, took) in answers {
            let status = answer.as_ref().map(|answer| answer.status).map_err(ToString::to_string);
            if n % 4 == 0 {
                self.slowest_sign_of_life = self.slowest_sign_of_life.max(took);
                if status != Ok(200) {
                    self.dead.push(format!("{status:?}"));
                }
                continue;
            }
            self.slowest = self.slowest.max(took);
            let told = answer.is_ok_and(|answer| !answer.header("retry-after").is_empty());
            if status == Ok(503) && told {
                self.refused += 1;
            } else {
                self.others.push(format!("{status:?}"));
            }
        }
    }
}

fn judge(form: Form, report: &mut Report, what: &str, probes: &Probes) {
    report.judge(
        format!("{what}: 503 with Retry-After"),
        "all",
        format!("{} of {}", probes.refused, probes.refused + probes.others.len()),
        probes.others.is_empty() && probes.refused > 0,
    );
    report.none(format!("{what}: /healthz other than 200"), &probes.dead);
    if !form.short {
        report.within(format!("{what}: slowest 503"), REFUSED_WITHIN, probes.slowest);
        report.within(
            format!("{what}: slowest /healthz"),
            REFUSED_WITHIN,
            probes.slowest_sign_of_life,
        );
    }
}

fn works_again(
    report: &mut Report,
    runtime: &Runtime,
    client: &Client,
    serve: &mut Process,
    what: &str,
) {
    let since = Instant::now();
    wait_for("the API works again", Duration::from_secs(30), || {
        assert!(serve.is_alive(), "the API ended");
        let answer = runtime.block_on(client.get("/workspace").attempt());
        answer.is_ok_and(|answer| answer.status == 200)
    });
    report.judge(
        format!("{what}: works again when they are free"),
        "at most 30 s",
        Time(since.elapsed()),
        true,
    );
}
