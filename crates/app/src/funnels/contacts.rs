//! Putting contacts into stages by hand, and taking them out.

use serde_json::json;

use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::{ContactId, StageId};
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contacts::{Stored, read, write};
use kartoteka_persistence::funnels::Hold;
use kartoteka_persistence::funnels::contacts::{self as store, Out};
use kartoteka_persistence::funnels::stages;

use super::Stage;
use crate::access::audit;
use crate::contacts::{patch, permission};
use crate::context::Context;
use crate::error::Error;
use crate::outbox;

pub use kartoteka_persistence::funnels::contacts::Entered;

/// The stages of a contact, funnel by funnel in order of their names, behind the funnel and place `after`.
///
/// # Errors
/// `not_found`.
pub fn list(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    after: Option<(String, i32)>,
    limit: usize,
) -> Result<Vec<Entered>, Error> {
    crate::contacts::get(tenant, contact)?;
    Ok(store::of(tenant, contact, after, limit)?)
}

/// Puts a contact into a stage, besides those it is in, and tells of it when it was not there.
///
/// # Errors
/// `not_found` when there is no such contact or stage, `not_permitted`, `conflict` when the contact is in the
/// trash, what `guard` says.
pub fn enter<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    stage: StageId,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<Stored, E> {
    let stage = known(tenant, stage, Hold::Use)?;
    let before = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    guard(&before)?;
    patch::refuse_in_trash(&before)?;
    let done = || -> Result<Stored, Error> {
        if store::enter(tenant, &[contact.0], StageId(stage.id), ctx.now)?.is_empty() {
            return Ok(before);
        }
        let subjects =
            vec![(contact.0, json!({"stage_id": stage.id, "funnel_id": stage.funnel_id}))];
        outbox::record_starting(tenant, ctx, EventType::ContactStageEntered, subjects, None)?;
        changed(tenant, ctx, contact, &stage)
    };
    Ok(done()?)
}

/// Takes a contact out of a stage, in the trash too. Out of one that it is not in it is already.
///
/// # Errors
/// `not_found` when there is no such contact or stage, `not_permitted`, what `guard` says.
pub fn leave<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    stage: StageId,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<(), E> {
    let stage = known(tenant, stage, Hold::No)?;
    let before = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    guard(&before)?;
    let mut done = || -> Result<(), Error> {
        let out = Out::Stage(StageId(stage.id));
        if !store::leave(tenant, &[contact.0], out)?.is_empty() {
            changed(tenant, ctx, contact, &stage)?;
        }
        Ok(())
    };
    Ok(done()?)
}

fn known(tenant: &mut Tenant<'_>, stage: StageId, hold: Hold) -> Result<Stage, Error> {
    stages::find(tenant, stage, hold)?.ok_or(Error::NotFound)
}

fn changed(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    stage: &Stage,
) -> Result<Stored, Error> {
    write::touch(tenant, &[contact.0], ctx.now)?;
    let changes = json!({"fields": ["funnel_stages"], "stage_id": stage.id});
    audit::record(tenant, ctx, "contact.update", "contact", Some(contact.0), Some(changes))?;
    read::get(tenant, contact)?.ok_or(Error::NotFound)
}
