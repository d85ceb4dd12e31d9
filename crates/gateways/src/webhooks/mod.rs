//! Sending signed messages to the addresses that workspaces name (Standard Webhooks 1.0.0).
//!
//! Nothing of what a receiver answers is read but its status and `Retry-After`.

pub mod guard;
pub mod sign;

use std::time::{Duration, Instant};

use ureq::http::header::{CONTENT_TYPE, RETRY_AFTER};
use ureq::unversioned::transport::DefaultConnector;

use guard::{Allowed, GuardedResolver, Refused};

/// All of one attempt: name, connection, TLS, request and head of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// Largest head of an answer that is read.
const HEAD_BYTES: usize = 16 * 1024;

/// A message, ready to go.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, in seconds since 1970.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: &'a str,
    /// The body, JSON.
    pub body: &'a [u8],
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`, as it stands there.
    pub retry_after: Option<String>,
}

/// Why there was no answer; its words are for people and hold neither address nor secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The name leads, or leads among others, to an address that must not be reached.
    #[error("the host has an address that webhooks may not reach")]
    AddressRefused,
    /// Plain HTTP is for networks named in the configuration only.
    #[error("https is needed to reach this host")]
    HttpsNeeded,
    /// There is no such name.
    #[error("the host has no address")]
    NoSuchHost,
    /// It took too long.
    #[error("no answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// Nobody listens there.
    #[error("the connection was refused")]
    ConnectionRefused,
    /// The connection broke off.
    #[error("the connection broke off")]
    Broken,
    /// No secure connection: the certificate is not valid for the host, or there is no common ground.
    #[error("no secure connection: the certificate or protocol was not accepted")]
    Tls,
    /// The answer is not HTTP.
    #[error("the answer cannot be understood")]
    Nonsense,
}

/// Sends messages. One for each receiver and turn: it keeps its connection.
#[derive(Clone, Debug)]
pub struct Client(ureq::Agent);

impl Client {
    /// A client that reaches the open internet and `allowed`.
    #[must_use]
    pub fn new(allowed: &Allowed) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .http_status_as_error(false)
            // one that the environment names would connect to whatever it is told
            .proxy(None)
            .max_response_header_size(HEAD_BYTES)
            .user_agent(concat!("Kartoteka/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = GuardedResolver::new(allowed.clone());
        Self(ureq::Agent::with_parts(config, DefaultConnector::default(), resolver))
    }

    /// Sends a message, once, and says how long that took.
    pub fn send(&self, url: &str, message: Message<'_>) -> (Result<Answer, Failure>, Duration) {
        let since = Instant::now();
        let sent = self
            .0
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.timestamp.to_string())
            .header("webhook-signature", message.signature)
            .send(message.body);
        let answer = sent.map_err(|error| failure(&error)).map(|answer| Answer {
            status: answer.status().as_u16(),
            retry_after: answer
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
        });
        (answer, since.elapsed())
    }
}

fn failure(error: &ureq::Error) -> Failure {
    use std::io::ErrorKind;
    match error {
        ureq::Error::Other(cause) => match cause.downcast_ref::<Refused>() {
            Some(Refused::Address) => Failure::AddressRefused,
            Some(Refused::Plain) => Failure::HttpsNeeded,
            None => Failure::Broken,
        },
        ureq::Error::HostNotFound => Failure::NoSuchHost,
        ureq::Error::Timeout(_) => Failure::Timeout,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::TlsRequired => Failure::Tls,
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => Failure::ConnectionRefused,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::Timeout,
            // what rustls found wrong reaches us so
            ErrorKind::InvalidData => Failure::Tls,
            _ => Failure::Broken,
        },
        ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) => {
            Failure::Nonsense
        }
        _ => Failure::Broken,
    }
}
