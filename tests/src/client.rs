//! Requests as a front end sends them, over a real connection.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::multipart::Form;
use serde_json::Value;

use crate::answer::Answer;
use crate::{canary, contract};

/// Paths outside of `/api/v1`.
const OUTSIDE: &[&str] = &[
    "/api/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/.well-known/",
    "/openapi.json",
    "/swagger-ui",
    "/problems/",
    "/links/",
];

/// Somebody who talks to the server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) base: String,
    pub(crate) token: Option<String>,
    /// More servers, which take turns with the first.
    others: Option<Arc<Others>>,
    http: reqwest::Client,
}

#[derive(Debug)]
struct Others {
    bases: Vec<String>,
    requests: AtomicUsize,
}

macro_rules! methods {
    ($($name:ident $method:ident),+ $(,)?) => {$(
        #[doc = concat!("`", stringify!($method), "` of a path: `/contacts` is `/api/v1/contacts`, a `Location` is taken as it is.")]
        pub fn $name(&self, path: impl AsRef<str>) -> Request {
            self.request(reqwest::Method::$method, path.as_ref())
        }
    )+};
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            // a test that computes for a while does not see that the server closed an idle connection
            .pool_idle_timeout(std::time::Duration::from_secs(1))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { base, token: None, others: None, http }
    }

    /// The same person, whose requests go to each of these servers in turn.
    #[must_use]
    pub fn alternating(&self, bases: impl IntoIterator<Item = String>) -> Self {
        let bases: Vec<_> = bases.into_iter().collect();
        let base = bases.first().cloned().unwrap();
        let others = Some(Arc::new(Others { bases, requests: AtomicUsize::new(0) }));
        Self { base, others, ..self.clone() }
    }

    /// Where the next request goes.
    fn next_base(&self) -> &str {
        let Some(others) = &self.others else { return &self.base };
        let number = others.requests.fetch_add(1, Ordering::Relaxed);
        &others.bases[number % others.bases.len()]
    }

    /// The same server, with this access token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The same server, without a token.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The token, if there is one.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    methods!(get GET, head HEAD, post POST, put PUT, patch PATCH, delete DELETE);

    /// Any method.
    pub fn request(&self, method: reqwest::Method, path: &str) -> Request {
        let path = if OUTSIDE.iter().any(|start| path.starts_with(start)) || path == "/" {
            path.to_owned()
        } else {
            format!("/api/v1{path}")
        };
        let mut builder = self.http.request(method, format!("{}{path}", self.next_base()));
        if let Some(token) = &self.token {
            builder = builder.bearer_auth(token);
        }
        Request { http: self.http.clone(), builder, checked: true }
    }
}

/// A request on its way: await it.
#[must_use = "a request is sent when it is awaited"]
#[derive(Debug)]
pub struct Request {
    http: reqwest::Client,
    builder: reqwest::RequestBuilder,
    checked: bool,
}

impl Request {
    fn with(
        mut self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        self.builder = change(self.builder);
        self
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        canary::sent(body);
        self.with(|builder| builder.json(body))
    }

    /// Bytes as body.
    pub fn bytes(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        canary::sent_file(&body);
        self.with(|builder| builder.header("content-type", content_type).body(body))
    }

    /// Fields as `application/x-www-form-urlencoded`.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        fields.iter().for_each(|(name, value)| canary::sent_parameter(name, value));
        self.with(|builder| builder.form(fields))
    }

    /// Parts as `multipart/form-data`.
    pub fn multipart(self, form: Form) -> Self {
        self.with(|builder| builder.multipart(form))
    }

    /// Query parameters, encoded.
    pub fn query(self, pairs: &[(&str, &str)]) -> Self {
        pairs.iter().for_each(|(name, value)| canary::sent_parameter(name, value));
        self.with(|builder| builder.query(pairs))
    }

    /// One more header.
    pub fn header(self, name: &str, value: &str) -> Self {
        if ["idempotency-key", "authorization", "cookie"].contains(&name.to_lowercase().as_str()) {
            canary::sent_parameter(name, value);
        }
        self.with(|builder| builder.header(name, value))
    }

    /// One more header, of any bytes that a header may have.
    pub fn header_bytes(self, name: &str, value: &[u8]) -> Self {
        let value = reqwest::header::HeaderValue::from_bytes(value).unwrap();
        self.with(|builder| builder.header(name, value))
    }

    /// Does not hold the answer against the document: for tests of broken HTTP, which no document knows.
    pub fn unchecked(mut self) -> Self {
        self.checked = false;
        self
    }

    /// Sends it where the server may be gone: the answer, or how the connection failed.
    ///
    /// # Errors
    /// There is no answer, or not all of it.
    pub async fn attempt(self) -> Result<Answer, reqwest::Error> {
        let request = self.builder.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.http.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        let answer = Answer::new(method.to_string(), path, status, headers, bytes.to_vec());
        if self.checked {
            contract::check(&answer);
        }
        Ok(answer)
    }

    async fn send(self) -> Answer {
        self.attempt().await.unwrap_or_else(|error| panic!("there is no answer: {error:?}"))
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
