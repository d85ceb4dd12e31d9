//! Runs the main flow with an earlier build of the program on the present schema: `make upgrade-check`.
//!
//! First the earlier build alone, as when a new schema is made before the programs are exchanged; then both
//! builds beside each other, as while they are exchanged one by one: requests go to the servers in turn, and
//! the worker is once the earlier build and once the present one. At last each of them goes on with what the
//! other began: a plan half staged, a plan to be sorted again, a commit half written, a purge of its rows.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use kartoteka_tests::PASSWORD;
use kartoteka_tests::program::{Installation, PATIENCE};
use serde_json::{Value, json};

/// Rows of the list.
const ROWS: usize = 1_000;

/// People of the list that is handed over: staged and written in several transactions.
const PEOPLE: usize = 50_000;
/// Rows behind them that say more about the first of them.
const REPEATS: usize = 5_000;

/// A server or worker; killed when it is dropped.
struct Running(Child);

impl Drop for Running {
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

    /// The same person at one of the servers.
    fn at(&self, server: usize) -> Self {
        Self {
            http: self.http.clone(),
            bases: vec![self.bases[server].clone()],
            sent: AtomicUsize::new(0),
            token: self.token.clone(),
        }
    }

    /// The answer to a request that must succeed.
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Value, String> {
        let (status, answer) = self.ask(method, path, body).await?;
        if !status.is_success() {
            return Err(format!("{method} {path}: {status} {answer}"));
        }
        Ok(answer)
    }

    /// The answer to a request, whatever it is.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<(reqwest::StatusCode, Value), String> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}/api/v1{path}", self.bases[number % self.bases.len()]);
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|e| e.to_string())?;
        let request = body(self.http.request(method.clone(), &url).bearer_auth(&self.token));
        let answer = request.send().await.map_err(|error| format!("{method} {url}: {error}"))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| format!("{method} {url}: {error}"))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
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

/// An import whose plan is asked for.
async fn begin(person: &Person, rows: &[String]) -> Result<String, String> {
    let list = format!("E-mail,Jméno,Příjmení\n{}\n", rows.join("\n"));
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
    Ok(import)
}

/// Upload, mapping, plan, commit, list, undo.
async fn main_flow(person: &Person, name: &str) -> Result<(), String> {
    let rows: Vec<_> = (1..=ROWS).map(|n| format!("{name}{n}@example.com,N{n},")).collect();
    let import = begin(person, &rows).await?;
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

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// What a query without parameters counts.
fn count(installation: &Installation, sql: &str) -> Result<i64, String> {
    let mut conn = installation.database().connection();
    let number = diesel::sql_query(sql).get_result::<Number>(&mut conn);
    number.map(|number| number.n).map_err(|error| format!("{sql}: {error}"))
}

async fn until_counted(installation: &Installation, sql: &str) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    while count(installation, sql)? == 0 {
        if Instant::now() > deadline {
            return Err(format!("waited in vain: {sql}"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn same(what: &str, found: &Value, wanted: &Value) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found} in place of {wanted}")) }
}

fn worker(installation: &Installation, program: &Path) -> Result<Running, String> {
    let mut command = with_program(program, &installation.command(&["worker"]));
    Ok(Running(command.spawn().map_err(|error| error.to_string())?))
}

/// A build, and which of the person's servers is one of it.
struct Build<'a> {
    program: &'a Path,
    server: usize,
}

/// An import that two builds do by turns, the worker of each killed in the middle of its work. The first rows
/// of the file are said more about by its last ones, and the base changes under plan and commit, so that both
/// builds sort the rows again that the other one folded.
async fn handed_over(
    installation: &Installation,
    person: &Person,
    name: &str,
    first: &Build<'_>,
    second: &Build<'_>,
) -> Result<(), String> {
    let people = (1..=PEOPLE).map(|n| format!("{name}{n}@example.com,N{n},"));
    let repeats = (1..=REPEATS).map(|n| format!("{name}{n}@example.com,,L{n}"));
    let import = begin(person, &people.chain(repeats).collect::<Vec<_>>()).await?;
    let id = import.trim_start_matches("/imports/").to_owned();

    // staged by both
    let begun = worker(installation, first.program)?;
    let running = format!(
        "SELECT count(*) AS n FROM jobs WHERE subject_id = '{id}' AND state = 'running' AND checkpoint IS NOT NULL"
    );
    until_counted(installation, &running).await?;
    drop(begun);
    if person.get(&import).await?["state"] != "planning" {
        return Err("the worker was quicker than its end: the list has to be longer".into());
    }
    let begun = worker(installation, second.program)?;
    person.until(&import, "awaiting_commit").await?;
    drop(begun);

    // planned by the second, sorted again by the first
    let known = |n: usize| json!({ "email": format!("{name}{n}@example.com") });
    person.json("POST", "/contacts", known(1)).await?;
    let commit = |hash: Value| {
        let (person, path) = (person.at(first.server), format!("{import}/commit"));
        async move { person.ask("POST", &path, |r| r.json(&json!({ "plan_hash": hash }))).await }
    };
    let hash = person.get(&format!("{import}/plan")).await?["hash"].clone();
    let (status, answer) = commit(hash).await?;
    same("a plan that is outdated", &json!(status.as_u16()), &json!(409))?;
    same("a plan that is outdated", &answer["code"], &json!("plan_outdated"))?;
    let plan = person.at(second.server).get(&format!("{import}/plan")).await?;
    let wanted = json!({ "create": PEOPLE - 1, "update": 1, "restore": 0, "skip": 0, "invalid": 0,
        "merged_in_file": REPEATS, "suppressed": 0 });
    same("the plan that is sorted again", &plan["outcomes"], &wanted)?;
    let (status, answer) = commit(plan["hash"].clone()).await?;
    same(&format!("the commit, {answer}"), &json!(status.as_u16()), &json!(202))?;

    // sorted again and written by both
    person.json("POST", "/contacts", known(2)).await?;
    person.json("POST", "/contacts", known(PEOPLE)).await?;
    let begun = worker(installation, first.program)?;
    let written =
        format!("SELECT count(*) AS n FROM imports WHERE id = '{id}' AND applied_row > 0");
    until_counted(installation, &written).await?;
    drop(begun);
    if person.get(&import).await?["state"] != "running" {
        return Err("the worker was quicker than its end: the list has to be longer".into());
    }
    let _worker = worker(installation, second.program)?;
    let done = person.until(&import, "done").await?;
    let wanted = json!({ "created": PEOPLE - 3, "updated": 3, "restored": 0, "skipped": 0, "invalid": 0,
        "unchanged": 0, "merged_in_file": REPEATS });
    same("what became of the rows", &done["summary"], &wanted)?;
    let contacts = |rest: &str| {
        count(
            installation,
            &format!(
                "SELECT count(*) AS n FROM contacts WHERE trashed_at IS NULL AND email_key LIKE '{name}%' {rest}"
            ),
        )
    };
    same("contacts", &json!(contacts("")?), &json!(PEOPLE))?;
    let named = contacts("AND first_name = 'N' || regexp_replace(email_key, '\\D', '', 'g')")?;
    same("contacts with their first name", &json!(named), &json!(PEOPLE))?;
    let named = contacts("AND last_name = 'L' || regexp_replace(email_key, '\\D', '', 'g')")?;
    same("contacts with the last name of a folded row", &json!(named), &json!(REPEATS))?;
    for build in [first, second] {
        let last = format!("{import}/rows?outcome=merged_in_file&limit=1");
        let rows = person.at(build.server).get(&last).await?;
        same("a folded row", &rows["data"][0]["row"], &json!(PEOPLE + 1))?;
        same("where it was folded into", &rows["data"][0]["merged_into"], &json!(1))?;
    }

    // whoever removes somebody removes the folded row too
    for (build, n) in [(first, 10), (second, 11)] {
        let staged = format!(
            "SELECT count(*) AS n FROM import_staged WHERE import_id = '{id}' AND email = '{name}{n}@example.com'"
        );
        same("staged rows of one", &json!(count(installation, &staged)?), &json!(2))?;
        let page = person.get(&format!("/contacts?email={name}{n}@example.com")).await?;
        let contact = page["data"][0]["id"].as_str().ok_or("nobody is found")?.to_owned();
        let person = person.at(build.server);
        person.send("DELETE", &format!("/contacts/{contact}"), |request| request).await?;
        person.send("DELETE", &format!("/trash/{contact}"), |request| request).await?;
        same(
            "staged rows of one who is removed",
            &json!(count(installation, &staged)?),
            &json!(0),
        )?;
    }

    person.at(first.server).send("POST", &format!("{import}/revert"), |request| request).await?;
    person.until(&import, "reverted").await?;
    same("contacts that were there before", &json!(contacts("")?), &json!(3))
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
) -> Result<(Running, String), String> {
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.map_err(|error| error.to_string())?.to_string();
    let mut command = with_program(program, &installation.command(&["serve"]));
    command.args(arguments).env("KARTOTEKA_LISTEN", &address);
    let mut server = Running(command.spawn().map_err(|error| error.to_string())?);
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
        let _worker = worker(&installation, earlier)?;
        main_flow(&person, "earlier").await?;
        println!("both builds serve, the previous one works: {ROWS} rows imported, listed, undone");
    }
    let program = PathBuf::from(installation.command(&[]).get_program());
    {
        let _worker = worker(&installation, &program)?;
        main_flow(&person, "present").await?;
        println!("both builds serve, the present one works: {ROWS} rows imported, listed, undone");
    }
    let (earlier, present) =
        (Build { program: earlier, server: 0 }, Build { program: &program, server: 1 });
    for (name, first, second, words) in [
        ("up", &earlier, &present, "the previous build, then the present one"),
        ("down", &present, &earlier, "the present build, then the previous one"),
    ] {
        handed_over(&installation, &person, name, first, second).await?;
        println!(
            "{words}, each killed at its plan and its commit: {PEOPLE} people, {REPEATS} rows folded, plan sorted again, undone"
        );
    }
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
