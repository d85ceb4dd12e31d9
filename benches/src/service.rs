//! The product itself: the release binary, run as a process of its own, and a client of its API.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;

use crate::process::{self, Memory};
use crate::{Bench, Outcome};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// `kartoteka serve` on one database. It is killed when this is dropped.
pub(crate) struct Service {
    child: Child,
    client: Client,
    idle: Memory,
}

/// The way to its API, with an administrator's token. Cheap to clone, may be used by many threads.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    /// `http://127.0.0.1:1234`
    pub(crate) address: String,
    /// The access token.
    pub(crate) token: String,
}

impl Service {
    /// Starts it as it ships (but for the rate limit) and waits until it answers.
    pub(crate) fn start(bench: &Bench, database: &str) -> Outcome<Self> {
        Self::start_with(bench, database, &[])
    }

    /// The same with other settings: names and values of environment variables.
    pub(crate) fn start_with(
        bench: &Bench,
        database: &str,
        settings: &[(&str, &str)],
    ) -> Outcome<Self> {
        let mut command = program(bench, database)?;
        command.arg("serve").envs(settings.iter().copied());
        let log =
            File::options().create(true).append(true).open(bench.folder.join("service.log"))?;
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        let out = child.stdout.take().ok_or("no output of the service")?;
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // nobody listens any more once the address is known
                let _ = tell.send(line);
            }
        });
        let deadline = Instant::now() + PATIENCE;
        let address = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = told.recv_timeout(left) else {
                let _ = child.kill();
                let _ = child.wait();
                let log = bench.folder.join("service.log");
                return Err(format!("the service did not start; see {}", log.display()).into());
            };
            if let Some(address) = line.trim().strip_prefix("Address ") {
                break address.trim().to_owned();
            }
        };
        let mut service = Self {
            child,
            client: Client { agent: agent(), address: address.clone(), token: String::new() },
            idle: Memory { resident: 0, peak: 0 },
        };
        let mut command = program(bench, database)?;
        // the issuer of the token has to be the service
        command.args(["token", "--expires", "7d"]).env("KARTOTEKA_PUBLIC_URL", &address);
        let output = command.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        service.client.token = String::from_utf8(output.stdout)?.trim().to_owned();
        service.client.get("/contacts?limit=1")?;
        // what the start needed at most is not what an import needs
        process::forget_peak(service.child.id())?;
        service.idle = process::memory(service.child.id())?;
        Ok(service)
    }

    /// A client of it.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// CPU time up to now.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        process::cpu(self.child.id())
    }

    /// How much its memory grew at most since it was ready, in bytes.
    pub(crate) fn growth(&self) -> Outcome<u64> {
        let now = process::memory(self.child.id())?;
        Ok(now.peak.saturating_sub(self.idle.resident))
    }

    /// `kill -9`
    pub(crate) fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Lets it end by itself.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the service ended with {status}").into())
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // both fail when it is gone already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary beside this one, with an environment that has nothing of the caller's settings.
fn program(bench: &Bench, database: &str) -> Outcome<Command> {
    let mut command = Command::new(binary()?);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("KARTOTEKA_") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command
        .current_dir(&bench.folder)
        .env("DATABASE_URL", bench.postgres.url(database))
        .env("KARTOTEKA_DATA_DIR", bench.folder.join("service"))
        .env("KARTOTEKA_LISTEN", "127.0.0.1:0")
        .env("KARTOTEKA_ADMIN_PASSWORD", "correct horse battery staple")
        .env("KARTOTEKA_RATE_LIMIT", "0")
        .stdin(Stdio::null());
    Ok(command)
}

/// Where the product's binary is: beside this one.
pub(crate) fn binary() -> Outcome<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("kartoteka");
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{} is not there: cargo build --release --package kartoteka", path.display())
            .into())
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(3_600)))
        .build()
        .into()
}

impl Client {
    /// `GET`; paths are those under `/api/v1`.
    pub(crate) fn get(&self, path: &str) -> Outcome<Value> {
        let answer =
            self.agent.get(self.url(path)).header("authorization", self.bearer()).call()?;
        json("GET", path, answer)
    }

    /// `POST` with a JSON body.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        let request = self.agent.post(self.url(path)).header("authorization", self.bearer());
        json("POST", path, request.send_json(body)?)
    }

    /// `PUT` with a JSON body.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Outcome<Value> {
        let request = self.agent.put(self.url(path)).header("authorization", self.bearer());
        json("PUT", path, request.send_json(body)?)
    }

    /// `PUT` of a CSV file, streamed.
    pub(crate) fn upload(&self, path: &str, file: &Path) -> Outcome<Value> {
        let request = self
            .agent
            .put(self.url(path))
            .header("authorization", self.bearer())
            .header("content-type", "text/csv")
            .header("content-length", std::fs::metadata(file)?.len());
        json("PUT", path, request.send(File::open(file)?)?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.address)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

fn json(method: &str, path: &str, mut answer: ureq::http::Response<ureq::Body>) -> Outcome<Value> {
    let status = answer.status();
    let text = answer.body_mut().read_to_string()?;
    if !status.is_success() {
        return Err(format!("{method} {path}: {status} {text}").into());
    }
    Ok(serde_json::from_str(&text)?)
}
