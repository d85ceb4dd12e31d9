//! Answers that carry their status, and the entity tags of resources.

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use kartoteka_app::access::idempotency::Answer;

use crate::problem::Problem;

/// An answer as it goes over the wire: what [`Created`], [`Done`], [`Accepted`] and [`NoContent`] become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) status: StatusCode,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    kept: Option<Box<Reply>>,
}

/// 200 with the resource and its `ETag`.
#[derive(Debug)]
pub struct Done<T>(pub T);

/// 201 with the new resource and its `Location`.
#[derive(Debug)]
pub struct Created<T> {
    /// Path of the new resource.
    pub location: String,
    /// The resource.
    pub body: T,
}

/// 202 with the job that does the work, and its `Location`.
#[derive(Debug)]
pub struct Accepted<T> {
    /// Path of the job.
    pub location: String,
    /// The job.
    pub body: T,
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

/// The strong entity tag of a resource as it is answered (RFC 9110, 8.8.3).
///
/// # Errors
/// The resource cannot be written as JSON.
pub fn etag_of<T: Serialize>(resource: &T) -> Result<String, Problem> {
    Ok(tag(&serde_json::to_vec(resource).map_err(Problem::internal)?))
}

fn tag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let short = digest.get(..18).unwrap_or_default();
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(short))
}

impl Reply {
    fn json<T: Serialize>(status: StatusCode, location: Option<String>, value: &T) -> Self {
        let body = match serde_json::to_vec(value) {
            Ok(body) => body,
            Err(error) => return Self::broken(&error),
        };
        let mut headers = vec![
            (header::CONTENT_TYPE.to_string(), "application/json".to_owned()),
            (header::ETAG.to_string(), tag(&body)),
        ];
        headers.extend(location.map(|path| (header::LOCATION.to_string(), path)));
        Self { status, headers, body, kept: None }
    }

    /// A view that cannot be written is a fault of ours; it is not kept under an idempotency key.
    fn broken(error: &serde_json::Error) -> Self {
        let problem = Problem::internal(error.to_string());
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            headers: vec![(
                header::CONTENT_TYPE.to_string(),
                crate::problem::MEDIA_TYPE.to_owned(),
            )],
            body: problem.document().to_string().into_bytes(),
            kept: None,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Another entity tag: where the answer says more than the resource holds.
    #[must_use]
    pub fn with_tag(mut self, tag: String) -> Self {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("etag"));
        self.headers.push((header::ETAG.to_string(), tag));
        self
    }

    /// Keeps another answer under the idempotency key than the one that is sent: secrets are shown once and
    /// must not lie in a table. The entity tag is that of what is kept: the secret is no part of the resource.
    #[must_use]
    pub fn keeping(mut self, kept: Self) -> Self {
        let is_tag = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("etag");
        if let Some(tag) = kept.headers.iter().find(is_tag).cloned() {
            self.headers.retain(|header| !is_tag(&header));
            self.headers.push(tag);
        }
        self.kept = Some(Box::new(kept));
        self
    }

    pub(crate) fn to_answer(&self) -> Answer {
        let Self { status, headers, body, kept: _ } = self.kept.as_deref().unwrap_or(self);
        Answer { status: status.as_u16(), headers: headers.clone(), body: body.clone() }
    }

    pub(crate) fn replayed(answer: Answer) -> Self {
        let Answer { status, mut headers, body } = answer;
        headers.push(("Idempotent-Replayed".to_owned(), "true".to_owned()));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        Self { status, headers, body, kept: None }
    }
}

impl<T: Serialize> From<Done<T>> for Reply {
    fn from(Done(body): Done<T>) -> Self {
        Self::json(StatusCode::OK, None, &body)
    }
}

impl<T: Serialize> From<Created<T>> for Reply {
    fn from(Created { location, body }: Created<T>) -> Self {
        Self::json(StatusCode::CREATED, Some(location), &body)
    }
}

impl<T: Serialize> From<Accepted<T>> for Reply {
    fn from(Accepted { location, body }: Accepted<T>) -> Self {
        Self::json(StatusCode::ACCEPTED, Some(location), &body)
    }
}

/// A refusal whose transaction is to be kept: what was found out is worth it. It is not kept under an
/// idempotency key, and the next try runs.
impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        use actix_web::ResponseError;
        Self {
            status: problem.status_code(),
            headers: vec![(
                header::CONTENT_TYPE.to_string(),
                crate::problem::MEDIA_TYPE.to_owned(),
            )],
            body: problem.document().to_string().into_bytes(),
            kept: None,
        }
    }
}

impl From<NoContent> for Reply {
    fn from(NoContent: NoContent) -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Vec::new(), kept: None }
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let etag = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("etag"));
        let unchanged = self.status == StatusCode::OK
            && (request.method() == Method::GET || request.method() == Method::HEAD)
            && etag.is_some_and(|(_, tag)| none_match(if_none_match(request), tag));
        let status = if unchanged { StatusCode::NOT_MODIFIED } else { self.status };
        let mut response = HttpResponse::build(status);
        for (name, value) in &self.headers {
            if unchanged && name.eq_ignore_ascii_case("content-type") {
                continue;
            }
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                response.append_header((name, value));
            }
        }
        if unchanged || status == StatusCode::NO_CONTENT {
            return response.finish();
        }
        response.body(self.body)
    }
}

/// The lines of `If-None-Match`.
pub(crate) fn if_none_match(request: &HttpRequest) -> impl Iterator<Item = &str> {
    let lines = request.headers().get_all(header::IF_NONE_MATCH);
    lines.filter_map(|line| line.to_str().ok())
}

/// Whether the client has what the tag names: `If-None-Match` compares weakly (RFC 9110, 13.1.2).
pub(crate) fn none_match<'a>(lines: impl Iterator<Item = &'a str>, tag: &str) -> bool {
    lines.flat_map(|line| line.split(',')).any(|word| {
        let word = word.trim();
        word == "*" || word.strip_prefix("W/").unwrap_or(word) == tag
    })
}

macro_rules! responds_as_reply {
    ($($kind:ident),+) => {$(
        impl<T: Serialize> Responder for $kind<T> {
            type Body = BoxBody;
            fn respond_to(self, request: &HttpRequest) -> HttpResponse {
                Reply::from(self).respond_to(request)
            }
        }
    )+};
}

responds_as_reply!(Done, Created, Accepted);

impl Responder for NoContent {
    type Body = BoxBody;
    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        Reply::from(self).respond_to(request)
    }
}
