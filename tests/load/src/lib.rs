//! Sends prepared requests over kept connections and keeps how long each answer took.
//!
//! Lean on purpose: it shares the machine with the server it measures. Requests are bytes made once, answers are
//! read as far as their status and length, and nothing is allocated for each.
//!
//! Two ways to send: [`closed`], where each connection sends as soon as it has its answer, shows how much a
//! server takes; [`open`], where requests are due at set times whatever the server does, shows what becomes of
//! more. With [`open`] the time of an answer is counted from when its request was due too, so a server that makes
//! clients wait before they can send gains nothing by it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How long an answer may take before the connection counts as broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bytes of a request; `body` is JSON.
#[must_use]
pub fn request(method: &str, path: &str, token: Option<&str>, body: Option<&str>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    if let Some(token) = token {
        text.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if let Some(body) = body {
        let length = body.len();
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body.unwrap_or_default());
    text.into_bytes()
}

/// One answered request.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Status of the answer.
    pub status: u16,
    /// From the first byte sent to the last one read, in microseconds.
    pub took: u32,
    /// The same from when the request was due.
    pub due: u32,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// All answers.
    pub samples: Vec<Sample>,
    /// Connections that broke while an answer was awaited, or could not be made.
    pub broken: u64,
    /// What the first of them said.
    pub first_break: Option<String>,
    /// How long it went on.
    pub seconds: f64,
}

impl Outcome {
    /// Answers by status.
    #[must_use]
    pub fn statuses(&self) -> BTreeMap<u16, u64> {
        let mut statuses = BTreeMap::new();
        for sample in &self.samples {
            *statuses.entry(sample.status).or_default() += 1;
        }
        statuses
    }

    /// Answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.samples.len() as f64 / self.seconds
    }

    /// Answers with a status of which this is true.
    #[must_use]
    pub fn count(&self, which: impl Fn(u16) -> bool) -> usize {
        self.samples.iter().filter(|sample| which(sample.status)).count()
    }

    /// The time within which this part of the answers came, counted from sending. `None` of no answers.
    #[must_use]
    pub fn within(&self, part: f64, which: impl Fn(u16) -> bool) -> Option<Duration> {
        self.percentile(part, which, |sample| sample.took)
    }

    /// The same, counted from when each request was due.
    #[must_use]
    pub fn within_due(&self, part: f64, which: impl Fn(u16) -> bool) -> Option<Duration> {
        self.percentile(part, which, |sample| sample.due)
    }

    fn percentile(
        &self,
        part: f64,
        which: impl Fn(u16) -> bool,
        time: impl Fn(&Sample) -> u32,
    ) -> Option<Duration> {
        let times = self.samples.iter().filter(|sample| which(sample.status)).map(time);
        let mut times: Vec<u32> = times.collect();
        times.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a length is an index"
        )]
        let index = (times.len() as f64 * part) as usize;
        let time = times.get(index).or(times.last())?;
        Some(Duration::from_micros(u64::from(*time)))
    }

    fn add(&mut self, mut other: Self) {
        self.samples.append(&mut other.samples);
        self.broken += other.broken;
        self.first_break = self.first_break.take().or(other.first_break);
    }
}

/// Whether a status is a success.
#[must_use]
pub fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What is sent: these requests in turn, by all connections together.
pub type Requests = Arc<Vec<Vec<u8>>>;

/// Sends on so many connections, each as soon as it has its answer, for as long as said.
pub async fn closed(
    address: SocketAddr,
    connections: usize,
    requests: &Requests,
    time: Duration,
) -> Outcome {
    let until = Instant::now() + time;
    run(address, connections, requests, move |_, _| {
        let now = Instant::now();
        (now < until).then_some(now)
    })
    .await
}

/// Sends `rate` requests a second for as long as said, spread over connections that take turns. A request whose
/// connection still waits for an answer is late; how late shows in [`Sample::due`]. What is due after the end is
/// not sent.
pub async fn open(
    address: SocketAddr,
    connections: usize,
    requests: &Requests,
    rate: f64,
    time: Duration,
) -> Outcome {
    let begin = Instant::now() + Duration::from_millis(20);
    let until = begin + time;
    let each = connections as f64 / rate;
    run(address, connections, requests, move |connection, number| {
        let offset = connection as f64 / rate + number as f64 * each;
        let due = begin + Duration::from_secs_f64(offset);
        (due < until && Instant::now() < until).then_some(due)
    })
    .await
}

/// One connection each; `next` says when its next request is due.
async fn run(
    address: SocketAddr,
    connections: usize,
    requests: &Requests,
    next: impl Fn(usize, u64) -> Option<Instant> + Clone + Send + 'static,
) -> Outcome {
    let began = Instant::now();
    let turn = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let (requests, next, turn) = (Arc::clone(requests), next.clone(), Arc::clone(&turn));
        tasks.spawn(async move {
            let mut outcome = Outcome::default();
            let mut number = 0;
            let mut kept: Option<Connection> = None;
            while let Some(due) = next(connection, number) {
                number += 1;
                if due > Instant::now() {
                    tokio::time::sleep_until(due.into()).await;
                }
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                let place = usize::try_from(turn).unwrap_or(0) % requests.len().max(1);
                let Some(request) = requests.get(place) else { break };
                let sent = Instant::now();
                let exchange = exchange(&mut kept, address, request);
                match tokio::time::timeout(PATIENCE, exchange).await {
                    Ok(Ok(status)) => {
                        let micros = |since: Instant| {
                            u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
                        };
                        let sample = Sample { status, took: micros(sent), due: micros(due) };
                        outcome.samples.push(sample);
                    }
                    Ok(Err(error)) => outcome.breaks(&mut kept, &error.to_string()),
                    Err(_elapsed) => outcome.breaks(&mut kept, "no answer in time"),
                }
            }
            outcome
        });
    }
    let mut all = Outcome::default();
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(outcome) => all.add(outcome),
            Err(error) => all.first_break = Some(error.to_string()),
        }
    }
    all.seconds = began.elapsed().as_secs_f64();
    all
}

impl Outcome {
    fn breaks(&mut self, kept: &mut Option<Connection>, why: &str) {
        *kept = None;
        self.broken += 1;
        self.first_break.get_or_insert_with(|| why.to_owned());
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Sends a request and reads its answer; opens a connection when none is kept. One that the server closed
/// since the last answer is replaced once, as clients do.
async fn exchange(
    kept: &mut Option<Connection>,
    address: SocketAddr,
    request: &[u8],
) -> std::io::Result<u16> {
    let old = kept.is_some();
    match attempt(kept, address, request).await {
        Err(error) if old && error.kind() == std::io::ErrorKind::ConnectionAborted => {
            *kept = None;
            attempt(kept, address, request).await
        }
        done => done,
    }
}

async fn attempt(
    kept: &mut Option<Connection>,
    address: SocketAddr,
    request: &[u8],
) -> std::io::Result<u16> {
    let connection = match kept {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            kept.insert(Connection { stream, buffer: Vec::with_capacity(64 << 10) })
        }
    };
    let gone =
        |error: std::io::Error| std::io::Error::new(std::io::ErrorKind::ConnectionAborted, error);
    connection.stream.write_all(request).await.map_err(gone)?;
    let (status, keep) = connection.answer().await?;
    if !keep {
        *kept = None;
    }
    Ok(status)
}

impl Connection {
    /// Reads one answer: its status, and whether the connection goes on.
    async fn answer(&mut self) -> std::io::Result<(u16, bool)> {
        self.buffer.clear();
        let broken = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    let closed = std::io::ErrorKind::ConnectionAborted;
                    return Err(std::io::Error::new(closed, "closed before the answer"));
                }
                return Err(broken("closed in the head of an answer"));
            }
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let (status, length, keep) = {
            let head = std::str::from_utf8(self.buffer.get(..head).unwrap_or_default())
                .map_err(|_not| broken("a head that is no text"))?;
            let status = head.get(9..12).and_then(|word| word.parse().ok());
            let mut length = 0;
            let mut keep = true;
            for line in head.split("\r\n") {
                let Some((name, value)) = line.split_once(':') else { continue };
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().map_err(|_not| broken("no length"))?;
                } else if name.eq_ignore_ascii_case("connection") {
                    keep = !value.trim().eq_ignore_ascii_case("close");
                } else if name.eq_ignore_ascii_case("transfer-encoding") {
                    return Err(broken("an answer in pieces"));
                }
            }
            (status.ok_or_else(|| broken("no status"))?, length, keep)
        };
        let whole: usize = head + length;
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(broken("closed in the body of an answer"));
            }
        }
        Ok((status, keep))
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers every request with the next of some answers, on any number of connections.
    async fn server(answers: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let turn = Arc::new(AtomicU64::new(0));
            while let Ok((mut stream, _)) = listener.accept().await {
                let turn = Arc::clone(&turn);
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
                        if find(&request, b"\r\n\r\n").is_none() {
                            continue;
                        }
                        request.clear();
                        let turn = usize::try_from(turn.fetch_add(1, Ordering::Relaxed)).unwrap();
                        let answer = answers[turn % answers.len()];
                        stream.write_all(answer.as_bytes()).await.unwrap();
                        if answer.contains("close") {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    fn requests() -> Requests {
        Arc::new(vec![request("GET", "/", Some("t"), None)])
    }

    #[tokio::test]
    async fn answers_are_counted_by_status_and_connections_are_kept_or_made_anew() {
        let address = server(&[
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        ])
        .await;
        let outcome = closed(address, 3, &requests(), Duration::from_millis(200)).await;
        assert_eq!((outcome.broken, outcome.first_break.as_deref()), (0, None));
        assert!(outcome.count(is_success) > 0 && outcome.count(|status| status == 503) > 0);
        assert_eq!(outcome.statuses().keys().copied().collect::<Vec<_>>(), [200, 503]);
        assert!(outcome.within(0.99, is_success) >= outcome.within(0.5, is_success));
        assert_eq!(outcome.within(0.99, |status| status == 404), None);
    }

    #[tokio::test]
    async fn a_rate_is_kept_and_time_counts_from_when_a_request_was_due() {
        let address = server(&["HTTP/1.1 204 No Content\r\n\r\n"]).await;
        let outcome = open(address, 4, &requests(), 200.0, Duration::from_millis(500)).await;
        assert_eq!(outcome.samples.len(), 100);
        assert!(outcome.samples.iter().all(|sample| sample.due >= sample.took));
    }

    #[tokio::test]
    async fn nobody_there_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let outcome = open(address, 1, &requests(), 10.0, Duration::from_millis(150)).await;
        assert!(outcome.samples.is_empty() && outcome.broken > 0 && outcome.first_break.is_some());
    }

    #[test]
    fn a_request_is_what_http_wants() {
        let text = String::from_utf8(request("POST", "/x", Some("t"), Some("{}"))).unwrap();
        assert!(text.starts_with("POST /x HTTP/1.1\r\nhost: 127.0.0.1\r\n"));
        assert!(text.ends_with("content-length: 2\r\n\r\n{}"));
    }
}
