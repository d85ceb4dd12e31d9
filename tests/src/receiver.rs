//! A web server that takes what webhooks send, and answers as a test says.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::until;

/// A message as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path and query.
    pub target: String,
    /// Headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, letter for letter.
    pub text: String,
    /// The body.
    pub json: Value,
}

impl Received {
    /// `webhook-id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// The type of the event.
    #[must_use]
    pub fn event(&self) -> &str {
        self.json["type"].as_str().unwrap()
    }
}

/// What is answered to one message.
#[derive(Clone, Debug)]
pub struct Reaction {
    status: u16,
    headers: Vec<(String, String)>,
    after: Duration,
}

/// Answers with this status.
#[must_use]
pub fn status(status: u16) -> Reaction {
    Reaction { status, headers: Vec::new(), after: Duration::ZERO }
}

impl Reaction {
    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// After so long.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.after = wait;
        self
    }
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    reactions: Mutex<VecDeque<Reaction>>,
}

/// Listens until the process ends.
#[derive(Clone)]
pub struct Receiver {
    shared: Arc<Shared>,
    port: u16,
}

impl Receiver {
    /// Starts one; it answers 204 unless told otherwise.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || serve(connection.unwrap(), &shared));
            }
        });
        Self { shared, port }
    }

    /// Its address with this path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers so to the next messages, one each; to those behind them 204.
    pub fn react(&self, reactions: impl IntoIterator<Item = Reaction>) {
        lock(&self.shared.reactions).extend(reactions);
    }

    /// Every message so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// Every message since the last look.
    #[must_use]
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.shared.received))
    }

    /// Waits until so many messages came in.
    pub fn wait_for(&self, messages: usize) -> Vec<Received> {
        until("webhooks are sent", || lock(&self.shared.received).len() >= messages);
        self.received()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(connection: TcpStream, shared: &Shared) {
    let mut answers = connection.try_clone().unwrap();
    let mut requests = BufReader::new(connection);
    while let Some(message) = read(&mut requests) {
        lock(&shared.received).push(message);
        let reaction = lock(&shared.reactions).pop_front().unwrap_or_else(|| status(204));
        std::thread::sleep(reaction.after);
        let mut head = format!("HTTP/1.1 {} x\r\ncontent-length: 0\r\n", reaction.status);
        for (name, value) in &reaction.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if answers.write_all(format!("{head}\r\n").as_bytes()).is_err() {
            return;
        }
    }
}

fn read(requests: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    requests.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        requests.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    requests.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Some(Received { target, headers, text, json })
}

/// What the reference library in Python says of each message: `ok`, or what it finds wrong.
///
/// # Panics
/// `scripts/setup test` did not install it.
#[must_use]
pub fn verified_by_reference_library(secret: &str, messages: &[Received]) -> Vec<String> {
    const SCRIPT: &str = "
import json, sys
from standardwebhooks import Webhook, WebhookVerificationError
given = json.load(sys.stdin)
said = []
for message in given['messages']:
    try:
        assert Webhook(given['secret']).verify(message['body'], message['headers']) == json.loads(message['body'])
        said.append('ok')
    except WebhookVerificationError as error:
        said.append(str(error))
json.dump(said, sys.stdout)
";
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .env("PYTHONPATH", format!("{root}/.tools/standardwebhooks"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let list: Vec<Value> = messages
        .iter()
        .map(|message| json!({"body": message.text, "headers": message.headers}))
        .collect();
    let given = json!({"secret": secret, "messages": list}).to_string();
    python.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
    let out = python.wait_with_output().unwrap();
    assert!(out.status.success(), "no reference library? Run scripts/setup test");
    serde_json::from_slice(&out.stdout).unwrap()
}
