//! Stages of a funnel: made, renamed, moved, removed. Each of these locks the funnel first.

use serde_json::json;

use kartoteka_domain::classes::read_name;
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::funnels::{MAX_STAGES, has_place};
use kartoteka_domain::ids::{FunnelId, StageId};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::funnels::stages as store;
use kartoteka_persistence::funnels::{self as funnels, Hold};

use super::{CountedStage, InUse, exists, lock, record};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

/// The stages of a funnel in their order, behind the place `after`.
///
/// # Errors
/// `not_found`.
pub fn list(
    tenant: &mut Tenant<'_>,
    funnel: FunnelId,
    after: Option<i32>,
    limit: usize,
) -> Result<Vec<CountedStage>, Error> {
    funnels::get(tenant, funnel, Hold::No)?.ok_or(Error::NotFound)?;
    Ok(store::list(tenant, funnel, after, limit)?)
}

/// One stage.
///
/// # Errors
/// `not_found`, also when it is a stage of another funnel.
pub fn get(tenant: &mut Tenant<'_>, funnel: FunnelId, id: StageId) -> Result<CountedStage, Error> {
    store::get(tenant, funnel, id)?.ok_or(Error::NotFound)
}

/// Adds a stage, at `position` or at the end.
///
/// # Errors
/// `not_found`, all faults of name and position, `stage_exists`, `too_many`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    funnel: FunnelId,
    name: &str,
    position: Option<i64>,
) -> Result<CountedStage, Error> {
    lock(tenant, funnel)?;
    let stages = count(tenant, funnel)?;
    let mut faults = Vec::new();
    let name = read_name(name, "#/name", &mut faults);
    let position = match position.map(|position| placed(position, stages)) {
        None => stages + 1,
        Some(Ok(position)) => position,
        Some(Err(fault)) => {
            faults.push(fault);
            0
        }
    };
    let Some(name) = name.filter(|_| faults.is_empty()) else {
        return Err(Error::invalid(faults));
    };
    if stages >= MAX_STAGES {
        let detail = format!("A funnel has at most {MAX_STAGES} stages.");
        return Err(Error::refused_with(Code::TooMany, detail, json!({ "limit": MAX_STAGES })));
    }
    let id = StageId(ctx.new_id());
    store::insert(tenant, funnel, position - 1, &[(id, name)], ctx.now).map_err(exists)?;
    funnels::update(tenant, funnel, None, ctx.now)?;
    let of = Some(json!({ "funnel_id": funnel }));
    audit::record(tenant, ctx, "funnel_stage.create", "funnel_stage", Some(id.0), of)?;
    get(tenant, funnel, id)
}

/// Renames a stage, or moves it; the others keep their order. What is `None` stays; `guard` sees it as it is
/// now.
///
/// # Errors
/// `not_found`, all faults of name and position, `stage_exists`, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    funnel: FunnelId,
    id: StageId,
    (name, position): (Option<&str>, Option<i64>),
    guard: impl FnOnce(&CountedStage) -> Result<(), E>,
) -> Result<CountedStage, E> {
    lock(tenant, funnel)?;
    let before = get(tenant, funnel, id)?;
    guard(&before)?;
    let written = || -> Result<CountedStage, Error> {
        let others = count(tenant, funnel)? - 1;
        let mut faults = Vec::new();
        let name = name.and_then(|name| read_name(name, "#/name", &mut faults));
        let position = match position.map(|position| placed(position, others)) {
            None => None,
            Some(Ok(position)) => Some(position),
            Some(Err(fault)) => {
                faults.push(fault);
                None
            }
        };
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let mut fields = Vec::new();
        if let Some(name) = name.filter(|name| name.as_str() != before.stage.name) {
            store::rename(tenant, id, &name, ctx.now).map_err(exists)?;
            fields.push("name");
        }
        if let Some(position) = position.filter(|position| *position != before.stage.position) {
            store::place(tenant, &before.stage, position, ctx.now)?;
            fields.push("position");
        }
        if fields.is_empty() {
            return Ok(before);
        }
        funnels::update(tenant, funnel, None, ctx.now)?;
        record(tenant, ctx, "funnel_stage.update", "funnel_stage", id.0, &fields)?;
        get(tenant, funnel, id)
    };
    Ok(written()?)
}

/// Removes a stage that no contact is in, neither live nor in the trash, and that no segment, rule or scenario names; those
/// behind it move up.
///
/// # Errors
/// `not_found`, `stage_in_use` with the counts, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    funnel: FunnelId,
    id: StageId,
    guard: impl FnOnce(&CountedStage) -> Result<(), E>,
) -> Result<(), E> {
    lock(tenant, funnel)?;
    store::find(tenant, id, Hold::Change).map_err(Error::from)?;
    // counted after the lock: who entered before has committed
    let stage = get(tenant, funnel, id)?;
    guard(&stage)?;
    let mut removed = || -> Result<(), Error> {
        InUse::of(tenant, None, &[stage.stage.id])?.refuse(Code::StageInUse)?;
        store::delete(tenant, &stage.stage)?;
        funnels::update(tenant, funnel, None, ctx.now)?;
        let of = Some(json!({ "funnel_id": funnel }));
        Ok(audit::record(tenant, ctx, "funnel_stage.delete", "funnel_stage", Some(id.0), of)?)
    };
    Ok(removed()?)
}

fn count(tenant: &mut Tenant<'_>, funnel: FunnelId) -> Result<i32, Error> {
    let stages = store::of(tenant, vec![funnel.0])?.len();
    Ok(i32::try_from(stages).unwrap_or(i32::MAX))
}

/// A place in a funnel of so many other stages, or the fault of one that would leave a gap before it.
fn placed(position: i64, others: i32) -> Result<i32, Fault> {
    let place = i32::try_from(position).ok().filter(|_| has_place(position, others));
    place.ok_or_else(|| {
        let last = others.saturating_add(1);
        let detail = format!("The place is a number from 1 to {last}.");
        // below the first no funnel has a place; how many there are is not in the document
        let code = if position < 1 { Code::OutOfRange } else { Code::InvalidValue };
        Fault::new("#/position", code, detail)
    })
}
