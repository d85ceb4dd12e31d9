//! Runs the main flow with an earlier build of the program on the present schema: `make upgrade-check`.
//!
//! First the earlier build alone, as when a new schema is made before the programs are exchanged; then both
//! builds beside each other, as while they are exchanged one by one: requests go to the servers in turn, and
//! the worker is once the earlier build and once the present one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kartoteka_tests::PASSWORD;
use kartoteka_tests::program::{Installation, PATIENCE};
use serde_json::{Value, json};

/// Rows of the list.
const ROWS: usize = 1_000;

/// A server or worker of the earlier build; killed when it is dropped.
struct Earlier(Child);

impl Drop for Earlier {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Somebody whose requests go to several servers in turn.
struct Person {
    http: reqwest::Client,
    bases: Vec<String>,
    sent: AtomicUsize,
    token: String,
}

impl Person {
    async fn log_in(bases: Vec<String>) -> Result<Self, String> {
        let http = reqwest::Client::builder().no_proxy().build().map_err(|e| e.to_string())?;
        let mut person = Self { http, bases, sent: AtomicUsize::new(0), token: String::new() };
        let form =
            [("grant_type", "password"), ("username", "admin@example.com"), ("password", PASSWORD)];
        let answer = person.send("POST", "/auth/token", |request| request.form(&form)).await?;
        person.token = answer["access_token"].as_str().ok_or("no token")?.to_owned();
        Ok(person)
    }

    /// The answer to a request that must succeed.
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Value, String> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}/api/v1{path}", self.bases[number % self.bases.len()]);
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|e| e.to_string())?;
        let request = body(self.http.request(method.clone(), &url).bearer_auth(&self.token));
        let answer = request.send().await.map_err(|error| format!("{method} {url}: {error}"))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| format!("{method} {url}: {error}"))?;
        if !status.is_success() {
            return Err(format!("{method} {url}: {status} {text}"));
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn json(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        self.send(method, path, |request| request.json(&body)).await
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        self.send("GET", path, |request| request).await
    }

    async fn until(&self, import: &str, state: &str) -> Result<Value, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.get(import).await?;
            if seen["state"] == state {
                return Ok(seen);
            }
            if Instant::now() > deadline || seen["state"] == "failed" {
                return Err(format!("waited for {state}: {seen:#}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Upload, mapping, plan, commit, list, undo.
async fn main_flow(person: &Person, name: &str) -> Result<(), String> {
    let rows: Vec<_> = (1..=ROWS).map(|n| format!("{name}{n}@example.com,N{n}")).collect();
    let list = format!("E-mail,Jméno\n{}\n", rows.join("\n"));
    let made = person.json("POST", "/imports", json!({})).await?;
    let import = format!("/imports/{}", made["id"].as_str().ok_or("no id")?);
    person
        .send("PUT", &format!("{import}/data"), |request| {
            request.header("content-type", "text/csv").body(list)
        })
        .await?;
    person.json("PUT", &format!("{import}/header"), json!({ "first_row": "header" })).await?;
    person.json("PUT", &format!("{import}/mapping"), json!({ "columns": "auto" })).await?;
    let matching = json!({ "mode": "match", "key": "email" });
    person.json("PUT", &format!("{import}/matching"), matching).await?;
    person.until(&import, "awaiting_commit").await?;
    let hash = person.get(&format!("{import}/plan")).await?["hash"].clone();
    person.json("POST", &format!("{import}/commit"), json!({ "plan_hash": hash })).await?;
    let done = person.until(&import, "done").await?;
    if done["summary"]["created"] != json!(ROWS) {
        return Err(format!("not all were made: {done:#}"));
    }
    let found = person.get("/contacts?limit=5").await?;
    if found["data"].as_array().map(Vec::len) != Some(5) {
        return Err(format!("nobody is listed: {found:#}"));
    }
    person.send("POST", &format!("{import}/revert"), |request| request).await?;
    let undone = person.until(&import, "reverted").await?;
    if undone["reverted"]["reverted"] != json!(ROWS) {
        return Err(format!("not all were taken back: {undone:#}"));
    }
    Ok(())
}

/// The same command with another program.
fn with_program(program: &Path, command: &Command) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        other.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other.stdin(Stdio::null()).stdout(Stdio::null());
    other
}

/// A server of the earlier build and where it listens.
async fn serve_earlier(
    installation: &Installation,
    program: &Path,
    arguments: &[&str],
) -> Result<(Earlier, String), String> {
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.map_err(|error| error.to_string())?.to_string();
    let mut command = with_program(program, &installation.command(&["serve"]));
    command.args(arguments).env("KARTOTEKA_LISTEN", &address);
    let mut server = Earlier(command.spawn().map_err(|error| error.to_string())?);
    let url = format!("http://{address}");
    let http = reqwest::Client::builder().no_proxy().build().map_err(|e| e.to_string())?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ready = http.get(format!("{url}/readyz")).send().await;
        if ready.is_ok_and(|answer| answer.status().is_success()) {
            return Ok((server, url));
        }
        if server.0.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Err("the earlier build does not start on this schema".into());
        }
        if Instant::now() > deadline {
            return Err("the earlier build does not become ready on this schema".into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn check(earlier: &Path) -> Result<(), String> {
    let installation = Installation::new().await;
    {
        let (_server, url) = serve_earlier(&installation, earlier, &[]).await?;
        main_flow(&Person::log_in(vec![url]).await?, "alone").await?;
        println!("previous build alone on the new schema: {ROWS} rows imported, listed, undone");
    }
    let (_server, url) = serve_earlier(&installation, earlier, &["--no-worker"]).await?;
    let present = installation.serve(&["--no-worker"]);
    let person = Person::log_in(vec![url, present.url().to_owned()]).await?;
    {
        let mut command = with_program(earlier, &installation.command(&["worker"]));
        let _worker = Earlier(command.spawn().map_err(|error| error.to_string())?);
        main_flow(&person, "earlier").await?;
        println!("both builds serve, the previous one works: {ROWS} rows imported, listed, undone");
    }
    let _worker = installation.worker();
    main_flow(&person, "present").await?;
    println!("both builds serve, the present one works: {ROWS} rows imported, listed, undone");
    let broken = kartoteka_tests::invariants::breaches(&mut installation.database().connection());
    if !broken.is_empty() {
        return Err(format!("the tables contradict one another: {broken:#?}"));
    }
    println!("the tables agree with one another");
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(earlier) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: kartoteka-upgrade-check PROGRAM");
        return ExitCode::FAILURE;
    };
    match check(&earlier).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}
