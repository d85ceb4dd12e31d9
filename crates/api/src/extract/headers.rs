//! Request headers with a meaning of their own: `Idempotency-Key`, `If-Match`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use kartoteka_domain::codes::Code;

use super::json::Fingerprint;
use crate::middleware::AskedFor;
use crate::problem::Problem;
use crate::reply::etag_of;

/// `Idempotency-Key` of a `POST`, when it has one.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub(crate) key: Option<String>,
    request: String,
}

/// Longest key.
const KEY_LENGTH: usize = 255;

impl IdempotencyKey {
    /// What makes two requests the same: method, path with query, and body.
    pub(crate) fn cover(&self, body: Fingerprint) -> Vec<u8> {
        Sha256::new().chain_update(&self.request).chain_update(body.0).finalize().to_vec()
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut lines = request.headers().get_all("idempotency-key");
        let key = lines.next().map(header::HeaderValue::as_bytes);
        let fits = |bytes: &[u8]| {
            (1..=KEY_LENGTH).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
        };
        if lines.next().is_some() || key.is_some_and(|bytes| !fits(bytes)) {
            return ready(Err(Problem::new(
                Code::BadRequest,
                "Idempotency-Key is one word of 1 to 255 visible ASCII characters.",
            )));
        }
        let key = key.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        // a request that is sent on to the winner of a merge stays the one that came
        let extensions = request.extensions();
        let uri = extensions.get::<AskedFor>().map_or_else(|| request.uri(), |asked| &asked.0);
        ready(Ok(Self { key, request: format!("{} {uri}\n", request.method()) }))
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(KEY_LENGTH))
            .pattern(Some("^[!-~]+$"));
        vec![header_parameter(
            "Idempotency-Key",
            schema,
            "1 to 255 visible ASCII characters. The same key with the same request within 24 hours gets the first \
             answer again, with `Idempotent-Replayed: true`.",
            "8e03978e-40d5-43dd-bc93-6894a57f9324",
        )]
    }
}

/// `If-Match` of a `PATCH`, `PUT` or `DELETE`, when it has one.
#[derive(Clone, Debug)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Compares with the representation as it is now. Call it inside the transaction, after the row has
    /// been read for update, with exactly what `GET` would answer.
    ///
    /// # Errors
    /// `precondition_failed` when it is none of those the caller named.
    pub fn check<T: Serialize>(&self, now: &T) -> Result<(), Problem> {
        let Some(wanted) = &self.0 else { return Ok(()) };
        let tag = etag_of(now)?;
        if wanted.iter().any(|word| word == "*" || *word == tag) {
            return Ok(());
        }
        Err(Problem::new(
            Code::PreconditionFailed,
            "It is not what If-Match says any more; read it again.",
        )
        .with_header(header::ETAG, &tag))
    }

    /// Whether the caller demands anything; saves reading the row when not.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let lines: Vec<_> = request.headers().get_all(header::IF_MATCH).collect();
        if lines.is_empty() {
            return ready(Ok(Self(None)));
        }
        let words = lines.iter().filter_map(|line| line.to_str().ok());
        let words = words.flat_map(|line| line.split(',')).map(|word| word.trim().to_owned());
        ready(Ok(Self(Some(words.collect()))))
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_parameter(
            "If-Match",
            ObjectBuilder::new().schema_type(Type::String),
            "The `ETag` of the representation that the change is meant for; another one in the meantime gives 412.",
            "\"yTf0l1bqTQdZfQ1PpGdQ0VtV\"",
        )]
    }
}

fn header_parameter(
    name: &str,
    schema: ObjectBuilder,
    description: &str,
    example: &str,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example.into()))
        .build()
}
