//! What the contact manager does with stages, for many contacts at once (MGR-I).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{FunnelId, JobId, StageId};
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contacts::write;
use kartoteka_persistence::funnels::contacts::{self as store, Out, Stay};
use kartoteka_persistence::funnels::{self as funnels, Hold, stages};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Changed, Dids, applied, changed_ids};
use crate::outbox;

/// Holds the funnels and stages that a job names, as far as they are there, until the end of the transaction: all funnels
/// before all stages, each in order of their ids, as whoever removes them does.
pub(crate) fn hold(
    tenant: &mut Tenant<'_>,
    funnels: Vec<Uuid>,
    stages: Vec<Uuid>,
) -> Result<(), Error> {
    funnels::hold(tenant, funnels)?;
    stages::hold(tenant, stages)?;
    Ok(())
}

/// What is wrong with putting contacts into a stage: it is not there, or not of the funnel that is named beside
/// it. What is there stays until the end of the transaction.
pub(crate) fn check_add_to_stage(
    tenant: &mut Tenant<'_>,
    stage: StageId,
    funnel: Option<FunnelId>,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    let mut faults = Vec::new();
    let stage = stages::find(tenant, stage, Hold::Use)?;
    if stage.is_none() {
        let detail = "There is no such stage of a funnel.";
        faults.push(Fault::new(format!("{at}/stage_id"), Code::UnknownReference, detail));
    }
    let Some(funnel) = funnel else { return Ok(faults) };
    if funnels::get(tenant, funnel, Hold::Use)?.is_none() {
        faults.push(no_funnel(at));
    } else if stage.is_some_and(|stage| stage.funnel_id != funnel.0) {
        let detail = "The stage is one of another funnel.";
        faults.push(Fault::new(format!("{at}/funnel_id"), Code::InvalidValue, detail));
    }
    Ok(faults)
}

/// What is wrong with taking contacts out of a stage, or of all of a funnel: without the funnel the only one of the
/// workspace is meant. What is there stays until the end of the transaction.
pub(crate) fn check_remove_from_funnel(
    tenant: &mut Tenant<'_>,
    stage: Option<StageId>,
    funnel: Option<FunnelId>,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    if let Some(stage) = stage {
        return check_add_to_stage(tenant, stage, funnel, at);
    }
    let meant = match funnel {
        Some(funnel) => Some(funnel),
        None => only(tenant)?,
    };
    Ok(match meant {
        Some(funnel) if funnels::get(tenant, funnel, Hold::Use)?.is_none() => vec![no_funnel(at)],
        Some(_) => Vec::new(),
        None => {
            let detail = "Say of which funnel: the workspace has several, or none.";
            vec![Fault::new(format!("{at}/funnel_id"), Code::MissingField, detail)]
        }
    })
}

fn no_funnel(at: &str) -> Fault {
    let detail = "There is no such funnel.";
    Fault::new(format!("{at}/funnel_id"), Code::UnknownReference, detail)
}

/// The only funnel there is. Whoever asks for a job means the one of then, so it is written into what they ask for.
pub(crate) fn only(tenant: &mut Tenant<'_>) -> Result<Option<FunnelId>, Error> {
    Ok(match funnels::list(tenant, None, None, 2)?.as_slice() {
        [only] => Some(FunnelId(only.id)),
        _ => None,
    })
}

/// Puts contacts into a stage, which is held, and tells who was not there.
pub(crate) fn add_to_stage(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    stage: StageId,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let Some(held) = stages::find(tenant, stage, Hold::Use)? else { return Err(Error::NotFound) };
    let stays = store::enter(tenant, ids, stage, ctx.now)?;
    let entered = stays.into_iter().map(|stay| Changed {
        contact_id: stay.contact_id,
        before: Some(json!({ "entered_at": stay.entered_at })),
    });
    let dids = applied(ids, entered.collect());
    changed(tenant, ctx, job, &dids, ("stage_id", stage.0))?;
    let data = json!({ "stage_id": stage, "funnel_id": held.funnel_id });
    let subjects = changed_ids(&dids).into_iter().map(|id| (id, data.clone())).collect();
    outbox::record_starting(tenant, ctx, EventType::ContactStageEntered, subjects, Some(job.0))?;
    Ok(dids)
}

/// Takes contacts out of a stage, or of all stages of a funnel, which is named and held.
pub(crate) fn remove_from_funnel(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    stage: Option<StageId>,
    funnel: Option<FunnelId>,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let out = match (stage, funnel) {
        (Some(stage), _) => Out::Stage(stage),
        (None, Some(funnel)) => Out::Funnel(funnel),
        (None, None) => return Err(Error::NotFound),
    };
    let mut left: HashMap<Uuid, Vec<Value>> = HashMap::new();
    for Stay { contact_id, stage_id, entered_at } in store::leave(tenant, ids, out)? {
        let stay = json!({ "id": stage_id, "entered_at": entered_at });
        left.entry(contact_id).or_default().push(stay);
    }
    let left = left.into_iter().map(|(contact_id, stages)| Changed {
        contact_id,
        before: Some(json!({ "stages": stages })),
    });
    let dids = applied(ids, left.collect());
    let from = match out {
        Out::Stage(stage) => ("stage_id", stage.0),
        Out::Funnel(funnel) => ("funnel_id", funnel.0),
    };
    changed(tenant, ctx, job, &dids, from)?;
    Ok(dids)
}

/// The contacts show their stages, so they changed; the trail says of which stage or funnel it was.
fn changed(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    dids: &Dids,
    (noun, id): (&str, Uuid),
) -> Result<(), Error> {
    let ids = changed_ids(dids);
    write::touch(tenant, &ids, ctx.now)?;
    let what = json!({ "fields": ["funnel_stages"], noun: id });
    let lines = ids.into_iter().map(|id| (id, Some(what.clone()))).collect();
    audit::record_each_for_job(tenant, ctx, "contact.update", "contact", lines, Some(job.0))?;
    Ok(())
}

/// A stay as an outcome keeps it.
fn stay(contact_id: Uuid, stage: Option<&str>, kept: &Value) -> Option<Stay> {
    let stage_id = stage?.parse().ok()?;
    let entered_at: DateTime<Utc> = kept.get("entered_at")?.as_str()?.parse().ok()?;
    Some(Stay { contact_id, stage_id, entered_at })
}

/// Takes those out again that are in the stage since the job put them there, and says whom.
pub(crate) fn undo_add_to_stage(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: StageId,
    rows: &[Changed],
) -> Result<Vec<Uuid>, Error> {
    let word = id.to_string();
    let stays =
        rows.iter().filter_map(|row| stay(row.contact_id, Some(&word), row.before.as_ref()?));
    let back = store::leave_as_entered(tenant, &stays.collect::<Vec<_>>())?;
    write::touch(tenant, &back, ctx.now)?;
    Ok(back)
}

/// Puts those back where they were, since when they were there, that are in no stage since then that the job took them
/// out of; and says whom. Where all stages of a funnel were left, one of them is enough to stay out. Stages that are gone
/// are not given back.
pub(crate) fn undo_remove_from_funnel(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    one: Option<StageId>,
    rows: &[Changed],
) -> Result<Vec<Uuid>, Error> {
    let mut stays: Vec<Stay> = Vec::new();
    for row in rows {
        let kept = row.before.as_ref().and_then(|before| before.get("stages")?.as_array());
        let kept = kept.into_iter().flatten();
        stays.extend(
            kept.filter_map(|kept| {
                stay(row.contact_id, kept.get("id").and_then(Value::as_str), kept)
            }),
        );
    }
    let mut wanted: Vec<Uuid> = stays.iter().map(|stay| stay.stage_id).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let there = stages::hold(tenant, wanted)?;
    let (ids, of): (Vec<Uuid>, Vec<Uuid>) =
        there.iter().map(|stage| (stage.id, stage.funnel_id)).unzip();
    let funnels = if one.is_some() { Vec::new() } else { of };
    let contacts: Vec<Uuid> = rows.iter().map(|row| row.contact_id).collect();
    let inside = store::inside(tenant, &contacts, ids.clone(), funnels)?;
    stays.retain(|stay| ids.contains(&stay.stage_id) && !inside.contains(&stay.contact_id));
    store::put_back(tenant, &stays)?;
    let mut back: Vec<Uuid> = stays.into_iter().map(|stay| stay.contact_id).collect();
    back.sort_unstable();
    back.dedup();
    write::touch(tenant, &back, ctx.now)?;
    Ok(back)
}
