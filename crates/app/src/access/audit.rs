//! The audit trail (AUD-1): who did what to which record, when, from where.

use serde_json::Value;
use uuid::Uuid;

use kartoteka_persistence::access::audit;
use kartoteka_persistence::{StoreError, Tenant};

use crate::context::Context;
use crate::outbox;

pub use kartoteka_persistence::access::audit::{AuditFilter, AuditRow};

/// Adds one line to the trail, in the transaction of what it tells of. Every write use case calls it. What it says of
/// contacts is told to webhooks too ([`crate::outbox`]).
///
/// `action` is `noun.verb` (`contact.update`), `record_type` the noun. `changes` holds names of changed
/// fields and, where they are no personal data, their values: `{"field": [before, after]}`. It must not
/// hold names, addresses, numbers or secrets: the trail cannot be erased.
///
/// # Errors
/// What the database said.
pub fn record(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    record_type: &str,
    record_id: Option<Uuid>,
    changes: Option<Value>,
) -> Result<(), StoreError> {
    record_for_job(tenant, ctx, action, record_type, record_id, changes, None)
}

/// As [`record`], for what a job does.
///
/// # Errors
/// What the database said.
pub fn record_for_job(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    record_type: &str,
    record_id: Option<Uuid>,
    changes: Option<Value>,
    job_id: Option<Uuid>,
) -> Result<(), StoreError> {
    if let Some(record) = record_id {
        outbox::tell(tenant, ctx, action, std::iter::once((record, changes.as_ref())), job_id)?;
    }
    audit::insert(
        tenant,
        &AuditRow {
            id: ctx.new_id(),
            at: ctx.now,
            actor_type: ctx.actor.kind().to_owned(),
            actor_id: ctx.actor.id(),
            action: action.to_owned(),
            record_type: record_type.to_owned(),
            record_id,
            changes,
            job_id,
            request_id: ctx.request_id.clone(),
            ip: ctx.ip.clone(),
        },
    )
}

/// As [`record`], for many records at once, each with what changed of it.
///
/// # Errors
/// What the database said.
pub fn record_each(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    record_type: &str,
    records: Vec<(Uuid, Option<Value>)>,
) -> Result<(), StoreError> {
    record_each_for_job(tenant, ctx, action, record_type, records, None)
}

/// As [`record_each`], for what a job does.
///
/// # Errors
/// What the database said.
pub fn record_each_for_job(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    record_type: &str,
    records: Vec<(Uuid, Option<Value>)>,
    job_id: Option<Uuid>,
) -> Result<(), StoreError> {
    let told = records.iter().map(|(record, changes)| (*record, changes.as_ref()));
    outbox::tell(tenant, ctx, action, told, job_id)?;
    let lines: Vec<(Uuid, Uuid, Option<Value>)> =
        records.into_iter().map(|(record, changes)| (ctx.new_id(), record, changes)).collect();
    let row = AuditRow {
        id: Uuid::nil(),
        at: ctx.now,
        actor_type: ctx.actor.kind().to_owned(),
        actor_id: ctx.actor.id(),
        action: action.to_owned(),
        record_type: record_type.to_owned(),
        record_id: None,
        changes: None,
        job_id,
        request_id: ctx.request_id.clone(),
        ip: ctx.ip.clone(),
    };
    audit::insert_many(tenant, &row, &lines)
}

/// As [`record_each`], where nothing is to be said about the single records.
///
/// # Errors
/// What the database said.
pub fn record_many(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    record_type: &str,
    records: &[Uuid],
) -> Result<(), StoreError> {
    let records = records.iter().map(|record| (*record, None)).collect();
    record_each(tenant, ctx, action, record_type, records)
}

/// Lines that fit, newest first, at most `limit`, and whether there are more.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    filter: &AuditFilter,
    limit: u16,
) -> Result<(Vec<AuditRow>, bool), StoreError> {
    let mut rows = audit::list(tenant, filter, i64::from(limit) + 1)?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    Ok((rows, more))
}
