//! JSON bodies, checked against the very schema that the OpenAPI document publishes for the type.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;

use super::body::{is_encoded, read_limited};
use super::strict;
use crate::openapi::schemas;
use crate::problem::Problem;
use crate::state::State;

/// SHA-256 of a body: one half of what an idempotency key is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of a `POST` without a body.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(b"")
    }
}

/// A body of type `T`. All faults are told at once: unknown and missing fields, types, ranges, NUL.
/// `T` needs no `deny_unknown_fields`: the published schema of a request is closed.
#[derive(Clone, Debug)]
pub struct ValidJson<T> {
    /// The request.
    pub value: T,
    /// For [`crate::state::AppState::post`].
    pub fingerprint: Fingerprint,
}

impl<T> ValidJson<T> {
    /// The request itself.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for ValidJson<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let bytes = read_bytes(&request, &mut payload).await?;
            Ok(Self { value: check(&bytes)?, fingerprint: Fingerprint::of(&bytes) })
        })
    }
}

/// The bytes of a JSON body.
async fn read_bytes(request: &HttpRequest, payload: &mut Payload) -> Result<Bytes, Problem> {
    let Some(state) = request.app_data::<State>() else {
        return Err(Problem::internal("no state"));
    };
    is_json(request)?;
    let settings = state.settings();
    read_limited(request, payload, settings.json_limit, settings.body_timeout).await
}

/// A JSON object whose members the domain reads, because their meaning cannot be told by a schema: it
/// finds what a schema would find, and everything else, at once.
#[derive(Clone, Debug)]
pub struct JsonObject {
    /// The members.
    pub members: Map<String, Value>,
    /// For [`crate::state::AppState::post`].
    pub fingerprint: Fingerprint,
}

impl FromRequest for JsonObject {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let bytes = read_bytes(&request, &mut payload).await?;
            let fingerprint = Fingerprint::of(&bytes);
            let (value, mut faults) =
                strict::parse(&bytes).map_err(|error| not_json(&bytes, &error))?;
            // the domain sees U+0000 itself, and tells it with all the rest
            faults.retain(|fault| fault.code != Code::NulCharacter);
            match value {
                Value::Object(members) if faults.is_empty() => Ok(Self { members, fingerprint }),
                Value::Object(_) => Err(Problem::invalid(faults)),
                _ => Err(Problem::fault("#", Code::InvalidType, "The body is an object.")),
            }
        })
    }
}

/// A JSON body as it came, and what is wrong with any JSON: a key twice, U+0000. For bodies that a reader
/// of their own checks.
///
/// # Errors
/// `invalid_json`, and those of reading the body.
pub(crate) async fn read_json(
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<(Value, Vec<Fault>), Problem> {
    read_marked_json(request, payload).await.map(|(value, faults, _)| (value, faults))
}

/// As [`read_json`], with what an idempotency key is bound to.
///
/// # Errors
/// As [`read_json`].
pub(crate) async fn read_marked_json(
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<(Value, Vec<Fault>, Fingerprint), Problem> {
    let bytes = read_bytes(request, payload).await?;
    let (value, faults) = strict::parse(&bytes).map_err(|error| not_json(&bytes, &error))?;
    Ok((value, faults, Fingerprint::of(&bytes)))
}

/// Refuses bodies that say they are something else. Merge patches (RFC 7396) have a type of their own.
fn is_json(request: &HttpRequest) -> Result<(), Problem> {
    let header = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = header.and_then(|value| value.split(';').next()).unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let encoded = is_encoded(request.headers());
    let plain = matches!(essence.as_str(), "application/json" | "application/merge-patch+json");
    if plain && !encoded {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "Send the body as application/json."))
}

/// Reads and checks a body.
///
/// # Errors
/// `invalid_json`, or `validation_failed` with all faults.
pub fn check<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, Problem> {
    let (value, mut faults) = strict::parse(bytes).map_err(|error| not_json(bytes, &error))?;
    faults.extend(schemas::faults(&T::name(), &value)?);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    serde_json::from_value(value).map_err(|error| {
        // the schema let it pass: a rule of the type that the schema cannot say
        tracing::debug!(schema = %T::name(), "a body passed its schema and not its type");
        Problem::fault("#", Code::InvalidValue, without_values(&error))
    })
}

/// Serde quotes the values it does not like; ours may be personal.
fn without_values(error: &serde_json::Error) -> String {
    if error.is_data() {
        "A value is not one this field knows.".to_owned()
    } else {
        "The body does not have the form it should.".to_owned()
    }
}

fn not_json(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if bytes.is_empty() {
        return Problem::new(Code::InvalidJson, "The body is empty; this operation needs JSON.");
    }
    Problem::new(
        Code::InvalidJson,
        format!("The body is not JSON at line {}, column {}.", error.line(), error.column()),
    )
}

/// For a field of a merge patch (RFC 7396): absent is `None`, `null` is `Some(None)`.
/// `#[serde(default, deserialize_with = "nullable")] #[schema(value_type = Option<String>)]`
///
/// # Errors
/// The value is of another type.
pub fn nullable<'de, T, D>(reader: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(reader).map(Some)
}

/// The faults that are told for a value that does not fit, for other kinds of bodies (multipart options).
///
/// # Errors
/// As for a JSON body.
pub fn check_text<T: DeserializeOwned + ToSchema>(
    text: &[u8],
    pointer: &str,
) -> Result<T, Problem> {
    check(text).map_err(|problem| {
        if problem.faults().is_empty() {
            return Problem::fault(pointer, problem.code(), "This is not JSON.");
        }
        let below = |fault: &Fault| Fault {
            pointer: fault.pointer.replacen('#', pointer, 1),
            ..fault.clone()
        };
        Problem::invalid(problem.faults().iter().map(below).collect())
    })
}
