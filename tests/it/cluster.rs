//! Two `serve` and two `worker` processes on one database, and clients that meet now the one, now the other.

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use kartoteka_tests::Client;
use kartoteka_tests::invariants::breaches;
use kartoteka_tests::program::{Installation, PATIENCE, Process};

struct Cluster {
    installation: Installation,
    servers: [Process; 2],
    workers: [Process; 2],
    /// The administrator, whose requests go to both servers in turn.
    admin: Client,
}

impl Cluster {
    async fn start() -> Self {
        let installation = Installation::new().await;
        let servers = [(); 2].map(|()| installation.serve(&["--no-worker"]));
        let workers = [(); 2].map(|()| installation.worker());
        let admin = installation.administrator(&servers[0]).await;
        let admin = admin.alternating(servers.each_ref().map(|server| server.url().to_owned()));
        Self { installation, servers, workers, admin }
    }

    /// Everything stops well, and the tables agree with one another.
    fn end(self) {
        assert_eq!(breaches(&mut self.installation.database().connection()), Vec::<String>::new());
        for process in self.servers.into_iter().chain(self.workers) {
            process.stop();
        }
    }
}

/// Waits until a job or an import is in this state.
async fn eventually(client: &Client, path: &str, state: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = client.get(path).await.expect(200).json;
        if seen["state"] == state {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited for {state} in vain: {seen:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn list(name: &str, rows: usize) -> String {
    let lines: Vec<_> =
        (1..=rows).map(|n| format!("{name}{n}@example.com,N{n},\"vip, {name}\"")).collect();
    format!("E-mail,Jméno,Štítky\n{}\n", lines.join("\n"))
}

/// An import with its plan; each step is taken at the other server.
async fn planned(client: &Client, list: String) -> String {
    let import =
        format!("/imports/{}", client.post("/imports").json(&json!({})).await.expect(201).id());
    client.put(format!("{import}/data")).bytes("text/csv", list).await.expect(200);
    client
        .put(format!("{import}/header"))
        .json(&json!({ "first_row": "header" }))
        .await
        .expect(200);
    let columns = json!([{ "index": 0, "target": "email" }, { "index": 1, "target": "first_name" }, { "index": 2, "target": "tags" }]);
    client.put(format!("{import}/mapping")).json(&json!({ "columns": columns })).await.expect(200);
    let matching = json!({ "mode": "match", "key": "email" });
    client.put(format!("{import}/matching")).json(&matching).await.expect(202);
    eventually(client, &import, "awaiting_commit").await;
    import
}

async fn commit(client: &Client, import: &str) -> String {
    let hash = client.get(format!("{import}/plan")).await.expect(200).text_at("/hash");
    let body = json!({ "plan_hash": hash });
    format!("/jobs/{}", client.post(format!("{import}/commit")).json(&body).await.expect(202).id())
}

async fn contacts(client: &Client) -> Value {
    client.post("/contacts/count").json(&json!({})).await.expect(200).json["contacts"].clone()
}

/// IMP-1, IMP-17, IMP-18: whichever server takes a step and whichever worker does the job, an import is one.
#[tokio::test]
async fn an_import_goes_through_all_processes() {
    let cluster = Cluster::start().await;
    let admin = &cluster.admin;
    let import = planned(admin, list("a", 500)).await;
    let job = commit(admin, &import).await;
    // the events come from the server that did not take the commit, and tell of a worker elsewhere
    let events = admin.get(format!("{job}/events")).await.expect(200).text();
    let last = events.rsplit("data: ").next().unwrap();
    let last: Value = serde_json::from_str(last.trim()).unwrap();
    assert_eq!(last["state"], "succeeded", "{last:#}");
    let done = eventually(admin, &import, "done").await;
    assert_eq!(done["summary"]["created"], 500);
    assert_eq!(contacts(admin).await, 500);
    admin.post(format!("{import}/revert")).await.expect(202);
    let reverted = eventually(admin, &import, "reverted").await;
    assert_eq!(reverted["reverted"]["reverted"], 500);
    assert_eq!(contacts(admin).await, 0);
    cluster.end();
}

/// IMP-17, IMP-19: imports that run at once on several processes neither lose nor double anyone.
#[tokio::test]
async fn concurrent_imports_on_all_processes_neither_lose_nor_double_anyone() {
    let cluster = Cluster::start().await;
    let admin = &cluster.admin;
    let run = |list: String, key: String| async move {
        let form = Form::new().part("file", Part::bytes(list.into_bytes()).file_name("list.csv"));
        let job = admin.post("/imports/run").header("idempotency-key", &key).multipart(form);
        let job = job.await.expect(202);
        let job = eventually(admin, &format!("/jobs/{}", job.id()), "succeeded").await;
        let import = format!("/imports/{}", job["subject"]["id"].as_str().unwrap());
        eventually(admin, &import, "done").await["summary"].clone()
    };
    // four lists of two hundred: each shares its half with the next one
    let lists = (0..4).map(|n| {
        let rows: Vec<_> =
            (n * 100..n * 100 + 200).map(|n| format!("p{n}@example.com,N{n}")).collect();
        format!("E-mail,Jméno\n{}\n", rows.join("\n"))
    });
    let runs = lists.enumerate().map(|(n, list)| run(list, format!("list-{n}")));
    let summaries = futures_util::future::join_all(runs).await;
    let created: i64 = summaries.iter().map(|summary| summary["created"].as_i64().unwrap()).sum();
    assert_eq!(created, 500, "{summaries:#?}");
    assert_eq!(contacts(admin).await, 500);
    cluster.end();
}

/// IMP-17: one who cancels at one server stops the worker of another process; what is written stays whole.
#[tokio::test]
async fn an_import_is_cancelled_from_any_server() {
    let cluster = Cluster::start().await;
    let admin = &cluster.admin;
    let import = planned(admin, list("c", 2_000)).await;
    let job = commit(admin, &import).await;
    let answer = admin.post(format!("{job}/cancel")).await;
    let deadline = Instant::now() + PATIENCE;
    let ended = loop {
        let seen = admin.get(&job).await.expect(200).json;
        if ["succeeded", "cancelled"].contains(&seen["state"].as_str().unwrap()) {
            break seen;
        }
        assert!(Instant::now() < deadline, "{seen:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // the workers may have been quicker
    assert!([200, 409].contains(&answer.status), "{answer:?}");
    let import = admin.get(&import).await.expect(200).json;
    assert_eq!(import["summary"]["created"], contacts(admin).await, "{ended:#} {import:#}");
    cluster.end();
}

/// PLT-3: a request that is sent to both servers at once has one effect.
#[tokio::test]
async fn one_key_at_two_servers_is_one_effect() {
    let cluster = Cluster::start().await;
    let admin = &cluster.admin;
    let jana = json!({ "email": "jana@example.com" });
    for n in 0..10 {
        let key = format!("key-{n}");
        let send =
            || admin.post("/contacts").header("idempotency-key", &key).json(&jana).into_future();
        let answers = futures_util::future::join_all((0..4).map(|_| send())).await;
        for answer in &answers {
            // the second of two that meet is told to wait
            assert!([201, 409].contains(&answer.status), "{answer:?}");
        }
        assert!(answers.iter().any(|answer| answer.status == 201));
        let again = send().await.expect(201);
        let first = answers.iter().find(|answer| answer.status == 201).unwrap();
        assert_eq!(again.id(), first.id());
    }
    assert_eq!(contacts(admin).await, 10);
    cluster.end();
}
