//! Reading bodies: bounded in size and in time.

use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::{Ready, ready};

use kartoteka_domain::codes::Code;

use crate::problem::Problem;
use crate::state::State;

/// Reads a whole body of at most `limit` bytes that arrives within `patience`.
///
/// # Errors
/// `payload_too_large`, `request_timeout`, `bad_request` when it breaks off.
pub async fn read_limited(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Problem> {
    let announced = content_length(request);
    if announced.is_some_and(|bytes| bytes > limit as u64) {
        return Err(too_large(limit as u64));
    }
    let read = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| broken(&error))?;
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit as u64));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(patience, read).await.unwrap_or_else(|_elapsed| Err(slow()))
}

/// Whether the body is packed: it is refused, never unpacked.
pub(crate) fn is_encoded(headers: &header::HeaderMap) -> bool {
    let plain = |value: &header::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    headers.get_all(header::CONTENT_ENCODING).any(|value| !plain(value))
}

/// The announced length.
fn content_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Bytes of a form besides the file in it.
const AROUND_A_FILE: u64 = 2 << 20;

/// What a sender of a long body has to reach on the average, in bytes a second, after a first `body_timeout`;
/// a reader of a long answer too.
pub(crate) const LEAST_RATE: u64 = 1 << 10;

/// How long somebody may let us wait altogether who has moved so many bytes.
pub(crate) fn patience(pause: Duration, bytes: u64) -> Duration {
    pause.saturating_add(Duration::from_secs(bytes / LEAST_RATE))
}

/// An upload, piece by piece: bounded by `upload_limit` (and a little for the form around the file), no
/// pause longer than `body_timeout`, and no slower than [`LEAST_RATE`].
/// Compressed uploads are refused by media type or [`Code::UnsupportedMediaType`], never unpacked.
pub struct Chunks {
    payload: Payload,
    limit: u64,
    pause: Duration,
    read: u64,
    waited: Duration,
}

impl Chunks {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `import_too_large`, `request_timeout`, `bad_request` when it breaks off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let left = patience(self.pause, self.read).saturating_sub(self.waited).min(self.pause);
        let began = Instant::now();
        let next = tokio::time::timeout(left, self.payload.next()).await;
        self.waited += began.elapsed();
        let Some(chunk) = next.map_err(|_elapsed| slow())? else { return Ok(None) };
        let chunk = chunk.map_err(|error| broken(&error))?;
        self.read += chunk.len() as u64;
        if self.read > self.limit {
            return Err(file_too_large(self.limit.saturating_sub(AROUND_A_FILE)));
        }
        Ok(Some(chunk))
    }
}

impl FromRequest for Chunks {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Some(state) = request.app_data::<State>() else {
            return ready(Err(Problem::internal("no state")));
        };
        let settings = state.settings();
        if is_encoded(request.headers()) {
            return ready(Err(Problem::new(
                Code::UnsupportedMediaType,
                "Send the file as it is, without Content-Encoding.",
            )));
        }
        // a form is a little longer than the file in it, whose own length its reader counts
        let limit = settings.upload_limit.saturating_add(AROUND_A_FILE);
        if content_length(request).is_some_and(|bytes| bytes > limit) {
            return ready(Err(file_too_large(settings.upload_limit)));
        }
        ready(Ok(Self {
            payload: payload.take(),
            limit,
            pause: settings.body_timeout,
            read: 0,
            waited: Duration::ZERO,
        }))
    }
}

/// `payload_too_large` with the limit as number.
#[must_use]
pub fn too_large(limit: u64) -> Problem {
    Problem::new(Code::PayloadTooLarge, format!("The body may have at most {limit} bytes."))
        .with_member("limit", limit)
}

/// `import_too_large` with the limit as number.
fn file_too_large(limit: u64) -> Problem {
    Problem::new(Code::ImportTooLarge, format!("A file may have at most {limit} bytes."))
        .with_member("limit", limit)
}

fn slow() -> Problem {
    Problem::new(Code::RequestTimeout, "The body did not arrive in time.")
        .with_header(header::CONNECTION, "close")
}

fn broken(error: &PayloadError) -> Problem {
    tracing::debug!(%error, "a request body broke off");
    Problem::new(Code::BadRequest, "The body broke off.")
}
