//! What happens around every request: id, log line, metrics, token, rate limit, security headers, and a
//! problem document for whatever goes wrong outside of handlers.

mod limits;
mod merged;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    self, AcceptEncoding, Encoding, Header, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use futures_util::{FutureExt, StreamExt};
use tracing::Instrument;
use uuid::Uuid;

use kartoteka_domain::codes::Code;

pub use limits::Limits;
pub(crate) use merged::AskedFor;
pub use merged::follow;

use crate::connections::Busy;
use crate::problem::{MEDIA_TYPE, Problem};
use crate::service::fallback;
use crate::state::State;
use crate::tokens::{Proof, TokenError, Trust, Verified};

/// Largest body of a refused request that is read, in bytes.
const SMALL_BODY: u64 = 64 << 10;
/// How long it may take to arrive: it does so with the head, or the connection is closed.
const SMALL_BODY_WAIT: Duration = Duration::from_millis(20);
/// Longest `X-Request-Id` that is taken over.
const REQUEST_ID_LENGTH: usize = 128;

tokio::task_local! {
    static REQUEST_ID: String;
}

/// Id of the request this task works on.
#[must_use]
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(String::clone).ok()
}

/// `work` with the id of this task's request, for another thread.
pub(crate) fn with_request_id<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let id = request_id();
    move || match id {
        Some(id) => REQUEST_ID.sync_scope(id, work),
        None => work(),
    }
}

/// What the `Authorization` header turned out to be.
#[derive(Clone)]
pub(crate) enum Presented {
    /// A token that passed.
    Valid(Arc<Verified>),
    /// Something else.
    Invalid,
}

/// The outermost layer.
///
/// # Errors
/// Only with an answer inside that is a problem document already.
pub async fn around(
    state: State,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let busy = Busy::with(request.request());
    let id = incoming_id(request.headers())
        .unwrap_or_else(|| kartoteka_app::context::new_id(state.clock().now()).to_string());
    let method = request.method().clone();
    if method == Method::HEAD {
        // handlers know GET; the server itself leaves the body of a HEAD away
        request.head_mut().method = Method::GET;
    }
    acceptable(&mut request);
    let upgrade = request.headers().contains_key(header::UPGRADE);
    let api = is_limited(request.path());
    if api && state.gate().is_full() {
        return Ok(refuse(&state, request, id).await);
    }
    let span = tracing::info_span!("request", request_id = %id, trace_id = tracing::field::Empty);
    if let Some(trace) = trace_id(request.headers()) {
        span.record("trace_id", trace);
    }
    let mut answered =
        REQUEST_ID.scope(id.clone(), guarded(&state, request, next).instrument(span.clone())).await;
    let headers = match &mut answered {
        Ok(response) => response.headers_mut(),
        Err(response) => response.headers_mut(),
    };
    stamp(headers, &id, api);
    let (status, pattern) = match &answered {
        Ok(response) => (response.status(), response.request().match_pattern()),
        Err(response) => (response.status(), None),
    };
    let pattern = pattern.unwrap_or_else(|| "unmatched".to_owned());
    span.in_scope(|| account(&method, &pattern, status, started));
    if let Ok(mut response) = answered {
        if upgrade {
            unchunked(response.response_mut());
        }
        return Ok(response.map_body(|_head, body| busy.until_the_end_of(body)));
    }
    answered.map_err(|response| InternalError::from_response("problem", response).into())
}

/// The answer to a request that came too many: before its token or its body are looked at, without a log line
/// of its own.
async fn refuse(
    state: &State,
    mut request: ServiceRequest,
    id: String,
) -> ServiceResponse<BoxBody> {
    state.gate().refuse();
    read_away(&mut request).await;
    let answer = || Problem::refused().error_response();
    let mut response = request.into_response(REQUEST_ID.sync_scope(id.clone(), answer));
    stamp(response.headers_mut(), &id, true);
    response
}

/// Reads a small body and forgets it: the server closes a connection whose request it answered before the body
/// was read, and a new one costs both sides more than the refusal.
async fn read_away(request: &mut ServiceRequest) {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
    if length == 0 || length > SMALL_BODY {
        return;
    }
    let mut body = request.take_payload();
    let read = async { while let Some(Ok(_chunk)) = body.next().await {} };
    let _late = tokio::time::timeout(SMALL_BODY_WAIT, read).await;
}

/// Who takes no encoding at all, not even none, gets none (RFC 9110, 12.4.1 lets a server disregard it).
fn acceptable(request: &mut ServiceRequest) {
    if !request.headers().contains_key(header::ACCEPT_ENCODING) {
        return;
    }
    let ours = [Encoding::brotli(), Encoding::gzip(), Encoding::deflate(), Encoding::identity()];
    let wanted = AcceptEncoding::parse(request);
    if wanted.is_ok_and(|wanted| wanted.negotiate(ours.iter()).is_none()) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
}

/// actix sends a stream without chunks to whoever speaks of an upgrade, and yet announces chunks. The end of
/// the connection is the end of such an answer.
fn unchunked(response: &mut HttpResponse<BoxBody>) {
    if response.body().size() == BodySize::Stream {
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
}

/// A length and chunks: one of two readers on the way may take the one for the end, one the other (RFC 9112,
/// 6.1). actix takes the chunks; we take neither.
fn is_ambiguous(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_LENGTH) && headers.contains_key(header::TRANSFER_ENCODING)
}

/// Everything inside the span: the token, the limit, the handler; panics and errors become problems.
async fn guarded(
    state: &State,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, HttpResponse> {
    let work = AssertUnwindSafe(limited(state, request, next)).catch_unwind();
    match work.await {
        Ok(Ok(response)) => Ok(problem_for(response)),
        Ok(Err(error)) => Err(as_problem(error.as_response_error().error_response())),
        Err(panic) => {
            // made words may quote what was being read; where it happened is in the log already
            let words = panic.downcast_ref::<&str>().copied().unwrap_or("see the line before");
            Err(Problem::internal(format!("panic: {words}")).error_response())
        }
    }
}

async fn limited(
    state: &State,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if is_ambiguous(request.headers()) {
        let problem =
            Problem::new(Code::BadRequest, "Content-Length or Transfer-Encoding, not both.")
                .with_header(header::CONNECTION, "close");
        return Ok(request.into_response(problem.error_response()));
    }
    let presented = present(state, request.headers()).await;
    let address = peer(request.request()).unwrap_or_default();
    let key = match &presented {
        Some(Presented::Valid(token)) => format!("{}/{}", token.workspace, token.subject),
        _ => address,
    };
    if let Some(presented) = presented {
        request.extensions_mut().insert(presented);
    }
    if !is_limited(request.path()) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    match state.limits().check(&key) {
        Ok(headers) => {
            let known = fallback::check_method(request.method(), request.path());
            let mut response = match known {
                Ok(()) => next.call(request).await?.map_into_boxed_body(),
                Err(problem) => request.into_response(problem.error_response()),
            };
            for (name, value) in headers {
                response.headers_mut().insert(name, value);
            }
            Ok(response)
        }
        Err(problem) => {
            metrics::counter!("http_rate_limited_total").increment(1);
            read_away(&mut request).await;
            Ok(request.into_response(problem.error_response()))
        }
    }
}

/// What asks the database for people: the API, and the pages behind links in messages. It is counted, has its turn, and
/// is kept by nobody on the way.
fn is_limited(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/links/")
}

/// Looks at the token, if there is one. What is wrong with it goes to the log.
async fn present(state: &State, headers: &HeaderMap) -> Option<Presented> {
    let mut lines = headers.get_all(header::AUTHORIZATION);
    let line = lines.next()?.to_str().unwrap_or_default();
    let (scheme, token) = line.split_once(' ').unwrap_or((line, ""));
    if lines.next().is_some() {
        // which one counts would be a guess, and a proxy in front may have guessed otherwise
        return Some(Presented::Invalid);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        // the token operation takes Basic; elsewhere it proves nothing
        return None;
    }
    let (token, now) = (token.trim_matches(' '), state.clock().now());
    if let Some(verified) = state.proven().find(token, now) {
        return Some(Presented::Valid(verified));
    }
    match verify(state, token).await {
        Ok(verified) => {
            let verified = Arc::new(verified);
            state.proven().keep(token, &verified, now);
            Some(Presented::Valid(verified))
        }
        Err(error) => {
            tracing::debug!(%error, "access token refused");
            Some(Presented::Invalid)
        }
    }
}

async fn verify(state: &State, token: &str) -> Result<Verified, TokenError> {
    let settings = state.settings();
    let trust = Trust {
        keys: state.keys(),
        issuer: &settings.issuer,
        audience: &settings.audience,
        foreign: state.foreign(),
    };
    let now = state.clock().now();
    match trust.prove(token, now)? {
        Proof::Given(verified) => Ok(verified),
        Proof::NeedsKeys { issuer } => {
            let fetching = state.clone();
            let fetched = crate::state::unblocked(move || {
                fetching.foreign().fetch(&issuer, now);
                Ok(())
            });
            fetched.await.map_err(|_problem| TokenError::UnknownKey)?;
            match trust.prove(token, now)? {
                Proof::Given(verified) => Ok(verified),
                Proof::NeedsKeys { .. } => Err(TokenError::UnknownKey),
            }
        }
    }
}

/// Address of the client: of the connection, or what the trusted proxy in front says.
#[must_use]
pub fn peer(request: &HttpRequest) -> Option<String> {
    let trusts = request.app_data::<State>().is_some_and(|s| s.settings().trust_forwarded_for);
    if trusts
        && let Some(line) = request.headers().get_all("x-forwarded-for").last()
        && let Some(last) = line.to_str().ok().and_then(|line| line.rsplit(',').next())
        && last.trim().parse::<std::net::IpAddr>().is_ok()
    {
        return Some(last.trim().to_owned());
    }
    request.peer_addr().map(|address| address.ip().to_string())
}

fn incoming_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    let fits = (1..=REQUEST_ID_LENGTH).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte));
    fits.then(|| id.to_owned())
}

/// The trace id of a `traceparent` (W3C Trace Context).
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let line = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = line.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let fits = version.len() == 2
        && trace.len() == 32
        && hex(trace)
        && Uuid::parse_str(trace) != Ok(Uuid::nil());
    fits.then_some(trace)
}

fn stamp(headers: &mut HeaderMap, id: &str, api: bool) {
    let set = |headers: &mut HeaderMap, name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set(headers, "x-request-id", id);
    set(headers, "x-content-type-options", "nosniff");
    set(headers, "referrer-policy", "no-referrer");
    if api {
        set(headers, "cache-control", "no-store");
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        set(headers, "content-security-policy", "default-src 'none'; frame-ancestors 'none'");
    }
}

/// One line and one sample for each request; neither path values nor queries, which may be personal.
fn account(method: &Method, pattern: &str, status: StatusCode, started: Instant) {
    let elapsed = started.elapsed();
    let labels = [
        ("method", method.to_string()),
        ("route", pattern.to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let status = status.as_u16();
    if matches!(pattern, "/healthz" | "/readyz" | "/metrics") {
        tracing::debug!(%method, route = pattern, status, milliseconds, "answered a probe");
    } else if status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
        // a client without measure does not fill the log; the metrics count
        tracing::debug!(%method, route = pattern, status, milliseconds, "answered a request");
    } else {
        tracing::info!(%method, route = pattern, status, milliseconds, "answered a request");
    }
}

/// An error answer that is no problem document yet gets one.
fn problem_for(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if !is_bare_error(response.response()) {
        return response;
    }
    let (request, response) = response.into_parts();
    ServiceResponse::new(request, as_problem(response))
}

fn is_bare_error(response: &HttpResponse<BoxBody>) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    // a page is written for people who came by a link
    let spoken = |kind: &str| kind.starts_with(MEDIA_TYPE) || kind.starts_with("text/html");
    (status.is_client_error() || status.is_server_error()) && !kind.is_some_and(spoken)
}

fn as_problem(response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    if !is_bare_error(&response) {
        return response;
    }
    let status = response.status();
    let code = match status {
        StatusCode::UNAUTHORIZED => Code::Unauthorized,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => Code::NotAcceptable,
        StatusCode::REQUEST_TIMEOUT => Code::RequestTimeout,
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status if status.is_server_error() => Code::Internal,
        _ => Code::BadRequest,
    };
    let problem = Problem::new(code, code.title()).with_status(status);
    let mut made = problem.error_response();
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            made.headers_mut().append(name.clone(), value.clone());
        }
    }
    made
}
