//! What the API is told at start-up. Reading it from the environment is the binary's business.

use std::path::PathBuf;
use std::time::Duration;

use kartoteka_app::erasures::Journal;
use kartoteka_app::mail::Mail;
use kartoteka_app::webhooks::Allowed;

/// Everything that can be set about the API.
#[derive(Clone)]
pub struct Settings {
    /// `iss` of the tokens made here.
    pub issuer: String,
    /// `aud` a token must have.
    pub audience: String,
    /// Where browsers reach the API, without a slash at the end. Only for links outside of answers.
    pub public_url: String,
    /// How long an access token is valid.
    pub access_token_life: Duration,
    /// How long a refresh token is valid; each use starts anew.
    pub refresh_token_life: Duration,
    /// Issuers whose tokens are taken besides our own.
    pub foreign_issuers: Vec<ForeignIssuer>,
    /// Key of keyed hashes (`ctx`-independent HMACs), at least 32 bytes.
    pub secret: Vec<u8>,
    /// Where erasures are noted before they are done; none are taken while it cannot be written.
    pub journal: Journal,
    /// Networks that webhooks may reach beside the open internet.
    pub webhook_allow: Allowed,
    /// Through whom mail goes; without it nothing that needs mail is begun.
    pub mail: Option<Mail>,
    /// Where browsers reach the pages behind links in messages, without a slash at the end; `public_url` when not said.
    pub links_url: Option<String>,
    /// How long a link works that asks for a consent.
    pub consent_request_life: Duration,
    /// Largest JSON or form body, in bytes.
    pub json_limit: usize,
    /// Largest upload, in bytes.
    pub upload_limit: u64,
    /// How long a JSON body may take to arrive, and how long an upload may pause.
    pub body_timeout: Duration,
    /// How long the head of the first request of a connection may take to arrive.
    pub head_timeout: Duration,
    /// A connection on which nothing is asked for so long is closed, and one whose client takes nothing of an
    /// answer for so long.
    pub idle_timeout: Duration,
    /// How long a request waits for its turn at the database before it hears `database_busy`.
    pub database_wait: Duration,
    /// Requests a minute for one subject or address; 0 switches the limit off.
    pub requests_per_minute: u32,
    /// Origins of front ends on other hosts; `*` is all.
    pub cors_origins: Vec<String>,
    /// A proxy in front sets `X-Forwarded-For`, and nobody else can.
    pub trust_forwarded_for: bool,
    /// Who sees `/metrics`.
    pub metrics: MetricsAccess,
    /// Threads that answer requests; 0 is one per core.
    pub workers: usize,
    /// Most connections of clients at once; the next ones wait until one ends.
    pub connections: usize,
}

/// Who sees the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Nobody, on this listener; see [`crate::serve_metrics`] for one of their own.
    Closed,
    /// Whoever has this token, as `Authorization: Bearer`.
    Token(String),
    /// Everybody who reaches the listener.
    Open,
}

/// A token issuer outside of Kartoteka. Its tokens need `ws` (a workspace id) and `scope`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignIssuer {
    /// `iss`, letter for letter.
    pub issuer: String,
    /// Where its keys are.
    pub keys: ForeignKeys,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignKeys {
    /// A JWKS on the web.
    Url(String),
    /// A JWKS in a file, read once.
    File(PathBuf),
    /// A JWKS as text.
    Inline(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: "kartoteka".into(),
            audience: "kartoteka".into(),
            public_url: "http://127.0.0.1:8080".into(),
            access_token_life: Duration::from_secs(15 * 60),
            refresh_token_life: Duration::from_secs(30 * 24 * 3600),
            foreign_issuers: Vec::new(),
            secret: Vec::new(),
            journal: Journal::new("erasures.ndjson".into()),
            webhook_allow: Allowed::default(),
            mail: None,
            links_url: None,
            consent_request_life: Duration::from_secs(7 * 24 * 3600),
            json_limit: 1 << 20,
            upload_limit: 1 << 30,
            body_timeout: Duration::from_secs(30),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            database_wait: Duration::from_millis(400),
            requests_per_minute: 6000,
            cors_origins: Vec::new(),
            trust_forwarded_for: false,
            metrics: MetricsAccess::Closed,
            workers: 0,
            connections: 4096,
        }
    }
}

impl Settings {
    /// Where browsers reach the pages behind links in messages, without a slash at the end.
    #[must_use]
    pub fn links_url(&self) -> &str {
        self.links_url.as_deref().unwrap_or(&self.public_url)
    }
}
