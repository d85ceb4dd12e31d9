//! Nothing personal or secret in a log, whatever a test does.
//!
//! Every test process keeps its log: all levels of Kartoteka, the libraries at `debug`. Each line is looked
//! through while it is written, and so are the words of the processes that tests start and of the
//! tests' PostgreSQL. Two kinds of things must not be there:
//!
//! - **shapes**: an e-mail address, a phone number in E.164, a signed token, a refresh token, the
//!   harness's password;
//! - **canaries**: the words of what this process sent — names, texts, secrets and keys in bodies, query
//!   parameters, cells of files ([`sent`]). Only words that no log sentence has: five characters or more,
//!   with a capital, a digit or a letter beyond ASCII; or nine digits.
//!
//! What is found is kept ([`leaks`]); the harness looks when a test's server or database goes.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use kartoteka::telemetry;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

/// The most that anybody would switch on: `KARTOTEKA_LOG=debug` and all of our own. The client of the tests
/// lives in the same process and is no part of the product.
pub const FILTER: &str = "debug,kartoteka=trace,kartoteka_domain=trace,kartoteka_persistence=trace,\
    kartoteka_gateways=trace,kartoteka_app=trace,kartoteka_api=trace,\
    reqwest=off,hyper=off,hyper_util=off,fantoccini=off,webdriver=off";

/// Members of bodies whose values are words of the API or chosen by the test for the log to name.
const PLAIN_MEMBERS: &[&str] = &[
    "field",
    "op",
    "method",
    "action",
    "mode",
    "key",
    "target",
    "policy",
    "channel",
    "purpose",
    "encoding",
    "delimiter",
    "scope",
    "scopes",
    "role",
    "grant_type",
    "state",
    "gender",
    "country",
    "language",
    "time_zone",
    "phone_region",
    "legal_basis",
    "date_format",
    "name_order",
    "id",
    "ids",
    "client_id",
    "template_id",
    "plan_hash",
    "columns",
    "cursor",
    "sort",
    "communication",
];

/// Words of requests that log lines have for reasons of their own: of HTTP, SQL and settings.
const COMMON: &[&str] = &[
    "Content",
    "Disposition",
    "DELETE",
    "PATCH",
    "CONTACTS",
    "TABLE",
    "Europe",
    "SELECT",
    "UPDATE",
    "INSERT",
];

#[derive(Default)]
struct Kept {
    words: HashSet<String>,
    leaks: Vec<String>,
    lines: Vec<String>,
}

fn kept() -> MutexGuard<'static, Kept> {
    static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts keeping the log of this process; more than once does nothing more.
pub fn listen() {
    static ON: OnceLock<()> = OnceLock::new();
    ON.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_env_filter(telemetry::filter(FILTER))
            .with_writer(Log)
            .with_ansi(false)
            .without_time()
            .init();
    });
}

/// Every line logged so far.
#[must_use]
pub fn lines() -> Vec<String> {
    kept().lines.clone()
}

/// What personal or secret things stand in the log; each once.
#[must_use]
pub fn leaks() -> Vec<String> {
    kept().leaks.clone()
}

/// Where a process that a test starts may write its words: they are looked through too.
#[must_use]
pub fn child_output() -> Stdio {
    Stdio::from(children().try_clone().unwrap())
}

/// A file without a name: it goes with this process.
fn children() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| {
        let name = format!("kartoteka-children-{}.log", std::process::id());
        let path = std::env::temp_dir().join(name);
        let file = File::options().create(true).append(true).read(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file
    })
}

/// Panics when something personal or secret stands in the log, or in what other processes wrote.
pub fn check() {
    if std::thread::panicking() {
        return;
    }
    let length = children().metadata().map_or(0, |file| file.len());
    let mut said = vec![0; usize::try_from(length).unwrap()];
    let read = children().read_at(&mut said, 0).unwrap();
    check_text("a process of the test", &said[..read]);
    let leaks = leaks();
    assert!(
        leaks.is_empty(),
        "personal or secret things are in the log:\n  {}",
        leaks.join("\n  ")
    );
}

/// Looks through what the processes of a test wrote into the files `*.log` of a folder, before they go.
///
/// # Panics
/// Something personal or secret stands there.
pub fn check_logs(folder: &Path) {
    if std::thread::panicking() {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "log") {
            let of = format!("the process of {}", path.display());
            check_text(&of, &std::fs::read(&path).unwrap_or_default());
        }
    }
}

/// Holds what another program wrote against the same measure.
#[track_caller]
pub fn check_text(of: &str, bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).lines() {
        let leak = leak_in(line, &kept().words);
        assert!(leak.is_none(), "{of} wrote {leak:?}: {line}");
    }
}

/// Remembers the words of a JSON body.
pub fn sent(body: &Value) {
    match body {
        Value::String(text) => remember(text),
        Value::Array(items) => items.iter().for_each(sent),
        Value::Object(members) => {
            let told = members.iter().filter(|(name, _)| !PLAIN_MEMBERS.contains(&name.as_str()));
            told.for_each(|(_, value)| sent(value));
        }
        _ => {}
    }
}

/// Remembers the words of a parameter.
pub fn sent_parameter(name: &str, value: &str) {
    if !PLAIN_MEMBERS.contains(&name) {
        remember(value);
    }
}

/// Remembers the cells of a file. Its first lines and its last ones will do.
pub fn sent_file(bytes: &[u8]) {
    const SOME: usize = 20_000;
    let head = &bytes[..bytes.len().min(SOME)];
    let tail = &bytes[bytes.len().max(SOME) - SOME..];
    for part in [head, tail] {
        let text = String::from_utf8_lossy(part);
        // names of columns are words of the list, not of a person
        text.lines().skip(1).for_each(remember);
    }
}

fn remember(text: &str) {
    let mut kept = kept();
    for word in words(text).filter(|word| tells(word)) {
        if !kept.words.contains(word) {
            kept.words.insert(word.to_owned());
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Whether a word in a log can only have come from what was sent.
fn tells(word: &str) -> bool {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.len() >= 9;
    }
    // pieces of ids, which are logged
    let id = word.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    let marked = |c: char| c.is_uppercase() || c.is_numeric() || !c.is_ascii();
    !id && word.chars().nth(4).is_some() && word.chars().any(marked) && !COMMON.contains(&word)
}

/// What must not stand in a line, if it does.
fn leak_in(line: &str, canaries: &HashSet<String>) -> Option<String> {
    shape_in(line).or_else(|| words(line).find(|word| canaries.contains(*word)).map(str::to_owned))
}

fn shape_in(line: &str) -> Option<String> {
    let atom = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
    for (at, _) in line.match_indices('@') {
        let local = line[..at].chars().next_back().is_some_and(atom);
        let domain: String = line[at + 1..].chars().take_while(|c| atom(*c)).collect();
        let dotted = domain.split_once('.').is_some_and(|(a, b)| !a.is_empty() && b.len() > 1);
        if local && dotted {
            return Some(format!("an address at {domain}"));
        }
    }
    for (at, _) in line.match_indices('+') {
        let digits = line[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        if digits >= 9 {
            return Some("a phone number".to_owned());
        }
    }
    let token = ["eyJ", "krt_"].iter().find(|start| {
        line.match_indices(**start).any(|(at, _)| {
            let rest = &line[at + start.len()..];
            rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b)).count()
                >= 12
        })
    });
    if let Some(start) = token {
        return Some(format!("a token {start}…"));
    }
    line.contains(crate::PASSWORD).then(|| "the password".to_owned())
}

/// What the subscriber writes to.
#[derive(Clone, Copy)]
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = kept();
        for line in String::from_utf8_lossy(bytes).lines() {
            if let Some(leak) = leak_in(line, &kept.words) {
                kept.leaks.push(format!("{leak}: {line}"));
            }
            kept.lines.push(line.to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        *self
    }
}

/// A log file that grows, from where it stood when this was made.
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    from: u64,
}

impl Growing {
    /// The file as it is now.
    #[must_use]
    pub fn now(path: PathBuf) -> Self {
        let from = std::fs::metadata(&path).map_or(0, |file| file.len());
        Self { path, from }
    }

    /// Panics when what came since holds something personal or secret.
    pub fn check(&self) {
        if std::thread::panicking() {
            return;
        }
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.from))?;
            file.read_to_end(&mut bytes)
        });
        // not there: the server is somebody else's
        if read.is_ok() {
            check_text("PostgreSQL", &bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_seen() {
        for (line, seen) in [
            ("refused jana.novakova@example.cz today", true),
            ("phone=+420601123456", true),
            ("token eyJhbGciOiJFZERTQSJ9.e30", true),
            ("krt_AZjF8m0-fBGaUw1vDm8qEB", true),
            ("the password is correct horse battery staple", true),
            ("postgresql://postgres@/kartoteka?host=%2Ftmp", false),
            ("answered a request method=GET route=\"/contacts/{id}\" status=200", false),
            ("at 10:00:00+00:00", false),
        ] {
            assert_eq!(shape_in(line).is_some(), seen, "{line}");
        }
    }

    #[test]
    fn words_that_were_sent_are_seen() {
        for (word, told) in [
            ("Nováková", true),
            ("Kanarkova7q", true),
            ("601123456", true),
            ("contact", false),
            ("Jan", false),
            ("01a200cd", false),
            ("20000", false),
            ("DELETE", false),
        ] {
            assert_eq!(tells(word), told, "{word}");
        }
        let canaries = HashSet::from(["Kanarkova7q".to_owned()]);
        assert!(leak_in("name=\"Kanarkova7q\"", &canaries).is_some());
        assert!(leak_in("names=3", &canaries).is_none());
    }
}
