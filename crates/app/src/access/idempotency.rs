//! One effect for any number of equal requests (PLT-3): the answer is kept in the transaction of the
//! effect, so a rolled back effect leaves no answer and a retry really runs.

use chrono::TimeDelta;
use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::access::idempotency::{self, KeptAnswer};

use crate::context::Context;
use crate::error::Error;

/// How long an answer is kept.
pub const KEEP_HOURS: i64 = 24;

/// An answer as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

/// Looks whether this request was answered before; the key is held until the transaction ends.
///
/// # Errors
/// `idempotency_in_progress` while the first request runs, `idempotency_key_reused` when the key was used
/// for another request.
pub fn replay(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    client: &str,
    key: &str,
    fingerprint: &[u8],
) -> Result<Option<Answer>, Error> {
    if !idempotency::try_lock(tenant, client, key)? {
        return Err(Error::refused(
            Code::IdempotencyInProgress,
            "The first request with this key is still running; ask again in a moment.",
        ));
    }
    let since = ctx.now - TimeDelta::hours(KEEP_HOURS);
    let Some(kept) = idempotency::find(tenant, client, key, since)? else {
        return Ok(None);
    };
    if kept.fingerprint != fingerprint {
        return Err(Error::refused(
            Code::IdempotencyKeyReused,
            "This key came with another request in the last 24 hours; use a new key.",
        ));
    }
    Ok(Some(Answer {
        status: u16::try_from(kept.status).unwrap_or(200),
        headers: serde_json::from_value(kept.headers).unwrap_or_default(),
        body: kept.body,
    }))
}

/// Keeps an answer under its key.
///
/// # Errors
/// What the database said.
pub fn keep(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    client: &str,
    key: &str,
    fingerprint: &[u8],
    answer: &Answer,
) -> Result<(), Error> {
    let kept = KeptAnswer {
        fingerprint: fingerprint.to_vec(),
        status: i64::from(answer.status),
        headers: json!(answer.headers),
        body: answer.body.clone(),
    };
    Ok(idempotency::keep(tenant, client, key, &kept, ctx.now)?)
}
