//! One detail written or removed (MGR-E).

use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::contact_manager::ActionType;
use kartoteka_domain::contacts::patch::ContactPatch;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::JobId;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contact_manager::{self as store, Keep};

use super::actions::tell_changed;
use crate::contacts::{reading, references};
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome, applied};

/// What the definition of the detail says against the value.
pub(super) fn check(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    name: &str,
    value: &Value,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    let body = Map::from_iter([("details".to_owned(), json!({ name: value }))]);
    let reading = reading(tenant, ctx)?;
    let (patch, _read_before) = ContactPatch::read_all(&body, "", reading);
    let faults = references::faults(tenant, [&patch])?.into_iter().flatten();
    let pointer = format!("{at}/value");
    Ok(faults.map(|fault| Fault { pointer: pointer.clone(), ..fault }).collect())
}

fn keep(job: JobId, kind: ActionType) -> Keep {
    Keep { job, action: kind.as_str() }
}

pub(super) fn set(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    name: &str,
    value: &Value,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let keep = keep(job, ActionType::SetDetail);
    let mut dids: Dids = ids.iter().map(|id| (*id, Outcome::Unchanged.into())).collect();
    for written in store::set_detail(tenant, ids, (name, value), keep, ctx.now)? {
        let outcome = match written.refused {
            Some(reason) => Outcome::Skipped(reason),
            None => Outcome::Applied,
        };
        dids.insert(written.id, outcome.into());
    }
    tell_changed(tenant, ctx, job, &dids, "details")?;
    Ok(dids)
}

pub(super) fn remove(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    name: &str,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let keep = keep(job, ActionType::RemoveDetail);
    let dids = applied(ids, store::remove_detail(tenant, ids, name, keep, ctx.now)?);
    tell_changed(tenant, ctx, job, &dids, "details")?;
    Ok(dids)
}

pub(super) fn undo_set(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    name: &str,
    value: &Value,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let kept = keep(job, ActionType::SetDetail);
    Ok(store::undo_set_detail(tenant, ids, (name, value), kept, ctx.now)?)
}

pub(super) fn undo_remove(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    name: &str,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let kept = keep(job, ActionType::RemoveDetail);
    Ok(store::undo_remove_detail(tenant, ids, name, kept, ctx.now)?)
}
