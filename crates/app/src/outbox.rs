//! Telling others what happened (PLT-3): events are written in the transaction of their effect, and only where a
//! webhook asks for them, or a rule or scenario starts by them (SCN-4).
//!
//! Single changes of contacts and consents, and batches of them, need no line of their own: every use case writes its
//! change into the audit trail, and the trail tells it on ([`tell`]). What changes contacts by the million says so
//! itself, set-based. An event holds ids and names of fields, never values: it lies in a table and goes to other
//! systems, and a purge of the contact must not have to look for it there.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::state::ImportState;
use kartoteka_domain::jobs::JobState;
use kartoteka_domain::outbox::{EventType, KEEP_DAYS};
use kartoteka_persistence::imports::ImportRecord;
use kartoteka_persistence::imports::classify::Rows;
use kartoteka_persistence::jobs::Job;
use kartoteka_persistence::outbox as store;
use kartoteka_persistence::outbox::imports::{self as chunks, Chunk};
use kartoteka_persistence::outbox::{Happened, Stamp};
use kartoteka_persistence::{Db, StoreError, Tenant};

use crate::context::Context;
use crate::webhooks;

/// Writes an event for each of `subjects`, in this order.
///
/// # Errors
/// What the database said.
pub fn record(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    event: EventType,
    subjects: Vec<(Uuid, Value)>,
    job: Option<Uuid>,
) -> Result<(), StoreError> {
    // a look costs less than to write down many that nobody asked for
    if subjects.len() > 1 && store::wanted(tenant, &[event])?.is_empty() {
        return Ok(());
    }
    let (stamp, events) = happened(ctx, event, subjects, job);
    if store::append(tenant, &stamp, &events)? > 0 {
        webhooks::wake();
    }
    Ok(())
}

/// As [`record`], for what starts scenarios (SCN-4): where an enabled rule or scenario of the workspace starts by this
/// event it is written for it, and to the webhooks that ask for it. Where neither is so, nothing is written.
///
/// # Errors
/// What the database said.
pub fn record_starting(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    event: EventType,
    subjects: Vec<(Uuid, Value)>,
    job: Option<Uuid>,
) -> Result<(), StoreError> {
    if subjects.len() > 1
        && !store::starts_any(tenant, event)?
        && store::wanted(tenant, &[event])?.is_empty()
    {
        return Ok(());
    }
    let (stamp, events) = happened(ctx, event, subjects, job);
    if store::append_starting(tenant, &stamp, &events)? > 0 {
        webhooks::wake();
    }
    Ok(())
}

fn happened(
    ctx: &Context,
    event: EventType,
    subjects: Vec<(Uuid, Value)>,
    job: Option<Uuid>,
) -> (Stamp, Vec<Happened>) {
    let stamp = Stamp { event, at: ctx.now, actor: ctx.actor, job };
    let happened = |(subject, data)| Happened { id: ctx.new_id(), subject, data };
    (stamp, subjects.into_iter().map(happened).collect())
}

/// The event that an action of the audit trail is.
fn event_of(action: &str) -> Option<EventType> {
    Some(match action {
        "contact.create" => EventType::ContactCreated,
        "contact.update"
        | "contact.subscribed"
        | "contact.muted"
        | "contact.email_invalid"
        | "contact.merge"
        | "contact.unmerge" => EventType::ContactUpdated,
        "contact.merged" => EventType::ContactMerged,
        "contact.unmerged" => EventType::ContactUnmerged,
        "contact.trash" => EventType::ContactTrashed,
        "contact.restore" => EventType::ContactRestored,
        "contact.purge" | "contact.erase" => EventType::ContactPurged,
        "consent.grant" => EventType::ConsentGranted,
        "consent.withdraw" => EventType::ConsentWithdrawn,
        _ => return None,
    })
}

/// Tells on what lines of the audit trail say of contacts. Called by the trail.
pub(crate) fn tell<'a>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    lines: impl Iterator<Item = (Uuid, Option<&'a Value>)>,
    job: Option<Uuid>,
) -> Result<(), StoreError> {
    let Some(event) = event_of(action) else { return Ok(()) };
    let subjects = lines.map(|(contact, changes)| (contact, data(event, changes))).collect();
    record(tenant, ctx, event, subjects, job)
}

/// What an event says of the changes that the trail holds.
fn data(event: EventType, changes: Option<&Value>) -> Value {
    let members = changes.and_then(Value::as_object);
    match event {
        EventType::ContactUpdated => {
            let named = members.and_then(|members| members.get("fields")).cloned();
            // flags are told with their values there: {"muted": [false, true]}
            let flags = || members.map(|members| json!(members.keys().collect::<Vec<_>>()));
            json!({ "changed": named.or_else(flags).unwrap_or_else(|| json!([])) })
        }
        EventType::ConsentGranted | EventType::ConsentWithdrawn => {
            only(members, &["purpose", "entry_id"])
        }
        EventType::ContactMerged | EventType::ContactUnmerged => {
            only(members, &["winner_id", "merge_id"])
        }
        _ => Value::Object(Map::new()),
    }
}

fn only(members: Option<&Map<String, Value>>, names: &[&str]) -> Value {
    let members = members.into_iter().flatten();
    let told = members.filter(|(name, _)| names.contains(&name.as_str()));
    Value::Object(told.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Tells of a chunk of an import that was written, or taken back, in this transaction at `ctx.now`.
///
/// # Errors
/// What the database said.
pub(crate) fn record_chunk(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    import: &ImportRecord,
    rows: Rows,
    reverted: bool,
) -> Result<(), StoreError> {
    let (Some(committed_at), Some(salt)) = (import.committed_at, import.id_salt) else {
        return Ok(());
    };
    let wanted = store::wanted(tenant, &chunks::TYPES)?;
    for event in chunks::TYPES.into_iter().filter(|event| wanted.contains(event)) {
        let stamp = Stamp { event, at: ctx.now, actor: ctx.actor, job: import.job_id };
        let import = ImportId(import.id);
        let seed = rand::random::<u32>();
        chunks::append(
            tenant,
            &stamp,
            &Chunk { import, rows, committed_at, salt, reverted, seed },
        )?;
    }
    if !wanted.is_empty() {
        webhooks::wake();
    }
    Ok(())
}

/// Tells how an import ended; of one that did not end it tells nothing.
///
/// # Errors
/// What the database said.
pub(crate) fn record_import(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    import: &ImportRecord,
) -> Result<(), StoreError> {
    let event = match import.state.parse() {
        Ok(ImportState::Done) => EventType::ImportDone,
        Ok(ImportState::Failed) => EventType::ImportFailed,
        Ok(ImportState::Cancelled) => EventType::ImportCancelled,
        Ok(ImportState::Reverted) => EventType::ImportReverted,
        _ => return Ok(()),
    };
    let code = import.problem.as_ref().and_then(|problem| problem.get("code")).cloned();
    let data = json!({
        "state": import.state, "rows": import.rows, "summary": import.summary,
        "reverted": import.reverted, "problem": code,
    });
    record(tenant, ctx, event, vec![(import.id, data)], import.job_id)
}

/// Tells how a job ended.
///
/// # Errors
/// What the database said.
pub(crate) fn record_job(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: &Job,
    state: JobState,
) -> Result<(), StoreError> {
    let event = match state {
        JobState::Succeeded => EventType::JobSucceeded,
        JobState::Failed => EventType::JobFailed,
        JobState::Cancelled => EventType::JobCancelled,
        JobState::Queued | JobState::Running => return Ok(()),
    };
    let subject = match (&job.subject_type, job.subject_id) {
        (Some(kind), Some(id)) => json!({"type": kind, "id": id}),
        _ => Value::Null,
    };
    let data = json!({"kind": job.kind, "state": state.as_str(), "subject": subject});
    record(tenant, ctx, event, vec![(job.id, data)], Some(job.id))
}

/// Forgets events and deliveries that are older than [`KEEP_DAYS`], and what is left of webhooks that are gone; how many
/// rows.
///
/// # Errors
/// What the database said.
pub fn forget(db: &Db, now: chrono::DateTime<chrono::Utc>) -> Result<usize, StoreError> {
    let before = now - chrono::TimeDelta::days(KEEP_DAYS);
    let mut rows = 0;
    loop {
        let gone = db.system(|conn| store::forget(conn, before))?;
        rows += gone;
        if gone == 0 {
            return Ok(rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-3
    #[test]
    fn an_event_says_which_fields_changed_and_no_values() {
        let changes = json!({"fields": ["email", "address.city"]});
        let told = data(EventType::ContactUpdated, Some(&changes));
        assert_eq!(told, json!({"changed": ["email", "address.city"]}));
        let flag = json!({"muted": [false, true]});
        assert_eq!(data(EventType::ContactUpdated, Some(&flag)), json!({"changed": ["muted"]}));
        assert_eq!(data(EventType::ContactUpdated, None), json!({"changed": []}));
        let consent = json!({"purpose": "email_basic", "entry_id": "1", "else": "x"});
        let told = data(EventType::ConsentGranted, Some(&consent));
        assert_eq!(told, json!({"purpose": "email_basic", "entry_id": "1"}));
        assert_eq!(data(EventType::ContactTrashed, Some(&changes)), json!({}));
        let merged = json!({"winner_id": "1", "merge_id": "2", "else": "x"});
        let told = data(EventType::ContactMerged, Some(&merged));
        assert_eq!(told, json!({"winner_id": "1", "merge_id": "2"}));
    }
}
