//! Problem documents (RFC 9457): the one form of every error answer.
//!
//! The client gets a code and a sentence; the log gets the chain of causes, once, and only for faults of
//! ours. Nothing of SQL, paths or stacks is ever in the answer.

pub mod codes;
pub mod pages;

use std::fmt;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use kartoteka_app::{Error, StoreError};
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::{Fault, common_code};

pub use codes::status_of;

/// Media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// A request with more faults than this is told the first ones: an answer does not outgrow its request.
pub const MOST_FAULTS: usize = 1_000;

/// An error answer. Handlers return it with `?` from use cases.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: Code,
    detail: String,
    faults: Vec<Fault>,
    extra: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    status: Option<actix_web::http::StatusCode>,
    counted: bool,
}

impl Problem {
    /// A problem with a code and a sentence that says what can be done.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            faults: Vec::new(),
            extra: Map::new(),
            headers: Vec::new(),
            cause: None,
            status: None,
            counted: false,
        }))
    }

    /// Faults of the input, all at once.
    #[must_use]
    pub fn invalid(mut faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [one] => one.detail.clone(),
            many if many.len() > MOST_FAULTS => {
                format!("The input has {} faults; the first {MOST_FAULTS} are told.", many.len())
            }
            many => format!("The input has {} faults.", many.len()),
        };
        let mut problem = Self::new(common_code(&faults), detail);
        faults.truncate(MOST_FAULTS);
        problem.0.faults = faults;
        problem.with_status(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// One fault of the input.
    pub fn fault(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        Self::invalid(vec![Fault::new(pointer, code, detail)])
    }

    /// The same answer for what does not exist and for what belongs to somebody else.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing with this id here.")
    }

    /// 401 with the reason a program may know.
    #[must_use]
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(Code::Unauthorized, detail).with_header(
            header::WWW_AUTHENTICATE,
            "Bearer realm=\"kartoteka\", error=\"invalid_token\"",
        )
    }

    /// A fault of ours: the cause goes to the log, not to the client.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut problem =
            Self::new(Code::Internal, "The request failed on our side; it is in our log.");
        problem.0.cause = Some(cause.into());
        problem
    }

    /// The database has no room for this request right now.
    #[must_use]
    pub fn busy() -> Self {
        Self::new(Code::DatabaseBusy, "Try again in a moment.")
            .with_header(header::RETRY_AFTER, "1")
    }

    /// As [`Problem::busy`], for a request that did not get as far as the database. Whoever refuses counts, and
    /// tells the log; this writes no line of its own.
    #[must_use]
    pub(crate) fn refused() -> Self {
        let mut problem = Self::busy();
        problem.0.counted = true;
        problem
    }

    /// Adds a header; one that is no header value is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.push((name, value));
        }
        self
    }

    /// Adds a member to the document.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Answers with another status than the code's own (RFC 6749 wants 400 for refused grants).
    #[must_use]
    pub fn with_status(mut self, status: actix_web::http::StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Which.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// All faults of the input.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.0.faults
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> Value {
        let Parts { code, detail, faults, extra, .. } = &*self.0;
        let mut document = Map::new();
        document.insert("type".into(), json!(format!("/problems/{code}")));
        document.insert("title".into(), json!(code.title()));
        document.insert("status".into(), json!(self.status_code().as_u16()));
        document.insert("detail".into(), json!(detail));
        document.insert("code".into(), json!(code.as_str()));
        document.insert("request_id".into(), json!(crate::middleware::request_id()));
        if !faults.is_empty() {
            let faults: Vec<Value> = faults
                .iter()
                .map(|fault| {
                    let Fault { pointer, code, detail } = fault;
                    json!({"pointer": fragment(pointer), "code": code.as_str(), "detail": detail})
                })
                .collect();
            document.insert("errors".into(), json!(faults));
        }
        for (name, value) in extra {
            document.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(document)
    }
}

/// A pointer as URI fragment (RFC 6901, 6): what may not stand in a URI is percent-encoded.
fn fragment(pointer: &str) -> String {
    const OUTSIDE: &percent_encoding::AsciiSet =
        &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');
    percent_encoding::utf8_percent_encode(pointer, OUTSIDE).to_string()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> actix_web::http::StatusCode {
        self.0.status.unwrap_or_else(|| status_of(self.0.code))
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        if status.is_server_error() && !self.0.counted {
            let cause = self.0.cause.as_deref().map(chain).unwrap_or_default();
            if self.0.code == Code::Internal {
                tracing::error!(code = %self.0.code, cause, "request failed");
            } else {
                tracing::warn!(code = %self.0.code, cause, "request refused for now");
            }
        }
        let mut response = HttpResponse::build(status);
        for (name, value) in &self.0.headers {
            response.append_header((name.clone(), value.clone()));
        }
        response.insert_header((header::CONTENT_TYPE, MEDIA_TYPE)).body(self.document().to_string())
    }
}

/// All causes, outermost first.
fn chain(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        // transparent wrappers say the same twice
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::not_found(),
            Error::Refused(refusal) => {
                let kartoteka_app::error::Refusal { code, detail, faults, extra } = *refusal;
                let mut problem = Self::new(code, detail);
                // ids the caller may do nothing to are no faults of the input
                if !faults.is_empty() && code != Code::NotPermitted {
                    // whatever single code they share, they are faults of the input
                    problem =
                        problem.with_status(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY);
                }
                problem.0.faults = faults;
                problem.0.faults.truncate(MOST_FAULTS);
                if let Some(seconds) = extra.get("retry_after").and_then(Value::as_u64) {
                    problem = problem.with_header(header::RETRY_AFTER, &seconds.to_string());
                }
                problem.0.extra = extra;
                if code == Code::IdempotencyInProgress {
                    problem = problem.with_header(header::RETRY_AFTER, "1");
                }
                problem
            }
            Error::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Busy(_) => {
                let mut problem = Self::busy();
                problem.0.cause = Some(error.into());
                problem
            }
            StoreError::Full => {
                let mut problem = Self::new(Code::StorageFull, "Nothing was stored.");
                problem.0.cause = Some(error.into());
                problem
            }
            StoreError::ReadOnly => {
                let mut problem = Self::new(Code::StorageReadOnly, "Nothing was stored.")
                    .with_header(header::RETRY_AFTER, "5");
                problem.0.cause = Some(error.into());
                problem
            }
            StoreError::Constraint(name) => match codes::of_constraint(name) {
                Some(code) => Self::new(code, code.title()),
                None => Self::internal(error),
            },
            StoreError::Inconsistent { .. }
            | StoreError::LeaseLost
            | StoreError::Database(_)
            | StoreError::Migration(_) => Self::internal(error),
        }
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/validation_failed", "title": "The input has faults.", "status": 422,
    "detail": "This is not an e-mail address.", "code": "validation_failed",
    "request_id": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10",
    "errors": [{"pointer": "#/email", "code": "invalid_email", "detail": "This is not an e-mail address."}]
}))]
pub struct ProblemBody {
    /// Path of a page that explains the code.
    pub r#type: String,
    /// The same sentence for every occurrence of the code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong this time, and what can be done.
    pub detail: String,
    /// What is wrong, for programs.
    pub code: String,
    /// The request's id, as in `X-Request-Id`.
    pub request_id: Option<String>,
    /// All faults of the input.
    #[schema(required = false)]
    pub errors: Vec<FaultBody>,
}

/// One fault of the input.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fault)]
pub struct FaultBody {
    /// JSON pointer into the body as URI fragment (`#/email`), or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong, for programs.
    pub code: String,
    /// What is wrong, for people.
    pub detail: String,
}
