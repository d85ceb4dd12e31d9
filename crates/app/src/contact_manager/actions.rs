//! Which function does which action, looks whether what it needs is there, and undoes it.
//!
//! Tags, details, score, state, gender and deleting are done here; what belongs to another noun is done in its own room.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::contact_manager::{Action, ActionType, DeleteMode, Placed};
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::documents::links::MOST_CONTACTS;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{FunnelId, JobId, StageId, UserId};
use kartoteka_domain::scenarios::Kind;
use kartoteka_domain::segments::Selection;
use kartoteka_persistence::contact_manager as store;
use kartoteka_persistence::contacts::{owners, write};
use kartoteka_persistence::{Tenant, workspaces};

use super::rights::not_permitted;
use super::{details, gender, has, tags};
use crate::access::audit;
use crate::consents::bulk as statuses;
use crate::contacts::{notes::bulk as notes, owners::bulk as ownership};
use crate::context::Context;
use crate::definitions::bulk as runs;
use crate::documents::bulk as documents;
use crate::error::Error;
use crate::frozen::{Changed, Dids, Outcome, applied, changed_ids};
use crate::{coupons, funnels, segments, trash};

/// What is wrong with what the actions refer to. What is there stays until the end of the transaction.
pub(super) fn check(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    actions: &[Placed],
) -> Result<Vec<Fault>, Error> {
    let mut faults = Vec::new();
    let (mut funnels, mut stages, mut assigned) = (Vec::new(), Vec::new(), None);
    for Placed { action, .. } in actions {
        match action {
            Action::AddToStage { stage_id, funnel_id } => {
                stages.push(*stage_id);
                funnels.extend(*funnel_id);
            }
            Action::RemoveFromFunnel { stage_id, funnel_id } => {
                stages.extend(*stage_id);
                funnels.extend(*funnel_id);
            }
            Action::AssignOwner { user_id, .. } => assigned = Some(UserId(*user_id)),
            _ => {}
        }
    }
    funnels::bulk::hold(tenant, funnels, stages)?;
    for Placed { at, action } in actions {
        faults.extend(match action {
            Action::SetDetail { name, value } => details::check(tenant, ctx, name, value, at)?,
            Action::SetEmailOptOut => statuses::check_channel(tenant, Channel::Email, at)?,
            Action::SetMobileOptIn { .. } | Action::SetMobileOptOut => {
                statuses::check_channel(tenant, Channel::Sms, at)?
            }
            Action::AssignOwner { user_id, .. } => {
                ownership::check_assign(tenant, UserId(*user_id), at)?
            }
            Action::RemoveOwner { email } => ownership::check_remove(tenant, email, assigned, at)?,
            Action::RunRule { rule_id, .. } => runs::check_run(tenant, Kind::Rule, *rule_id, at)?,
            Action::RunScenario { scenario_id } => {
                runs::check_run(tenant, Kind::Scenario, *scenario_id, at)?
            }
            Action::AddToStage { stage_id, funnel_id } => {
                let (stage, funnel) = (StageId(*stage_id), funnel_id.map(FunnelId));
                funnels::bulk::check_add_to_stage(tenant, stage, funnel, at)?
            }
            Action::RemoveFromFunnel { stage_id, funnel_id } => {
                let (stage, funnel) = (stage_id.map(StageId), funnel_id.map(FunnelId));
                funnels::bulk::check_remove_from_funnel(tenant, stage, funnel, at)?
            }
            Action::GenerateCoupon { name, valid_until, .. } => {
                coupons::bulk::check_generate(tenant, ctx, name, *valid_until, at)?
            }
            Action::MarkEmailInvalid
            | Action::LiftEmailInvalid
            | Action::AddNote { .. }
            | Action::AddTags { .. }
            | Action::AddTagsFromDetails { .. }
            | Action::RemoveTags { .. }
            | Action::RemoveDetail { .. }
            | Action::SetScore { .. }
            | Action::SetState { .. }
            | Action::GenerateLinks { .. }
            | Action::DetectGender { .. }
            | Action::Delete { .. } => Vec::new(),
        });
    }
    Ok(faults)
}

/// Refuses a selection that means more contacts than an action is for.
pub(super) fn check_size(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    actions: &[Placed],
    selection: &Selection,
) -> Result<(), Error> {
    let is_bounded = |action: &Action| {
        matches!(action, Action::GenerateLinks { .. } | Action::GenerateCoupon { .. })
    };
    if has(actions, is_bounded) {
        let contacts = segments::count(tenant, selection, ctx.now)?;
        check_count(tenant, actions, contacts)?;
    }
    Ok(())
}

/// As [`check_size`], of contacts that were put down.
pub(super) fn check_count(
    tenant: &mut Tenant<'_>,
    actions: &[Placed],
    contacts: i64,
) -> Result<(), Error> {
    let (mut faults, mut limit) = (Vec::new(), None);
    for Placed { at, action } in actions {
        match action {
            Action::GenerateCoupon { length, .. } => {
                faults.extend(coupons::bulk::check_room(tenant, *length, contacts, at)?);
            }
            Action::GenerateLinks { .. } => {
                if let Some(fault) = documents::check_links(contacts, at) {
                    faults.push(fault);
                    limit = Some(MOST_CONTACTS);
                }
            }
            _ => {}
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let refused = Error::invalid(faults).with("contacts", contacts);
    Err(match limit {
        Some(limit) => refused.with("limit", limit),
        None => refused,
    })
}

/// Does an action with contacts that live, are locked, and that may be changed so.
pub(super) fn apply(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    action: &Action,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    Ok(match action {
        Action::SetEmailOptOut => statuses::set_email_opt_out(tenant, ctx, job, ids)?,
        Action::MarkEmailInvalid => statuses::mark_email_invalid(tenant, ctx, job, ids)?,
        Action::LiftEmailInvalid => statuses::lift_email_invalid(tenant, ctx, job, ids)?,
        Action::SetMobileOptIn { legal_basis } => {
            statuses::set_mobile_opt_in(tenant, ctx, job, *legal_basis, ids)?
        }
        Action::SetMobileOptOut => statuses::set_mobile_opt_out(tenant, ctx, job, ids)?,
        Action::AddTags { tags } => tags::add(tenant, ctx, job, tags, ids)?,
        Action::AddTagsFromDetails { details, prefix, score } => {
            tags::add_from_details(tenant, ctx, job, details, prefix, *score, ids)?
        }
        Action::RemoveTags { tags } => tags::remove(tenant, ctx, job, tags, ids)?,
        Action::SetDetail { name, value } => details::set(tenant, ctx, job, name, value, ids)?,
        Action::RemoveDetail { name } => details::remove(tenant, ctx, job, name, ids)?,
        Action::SetScore { score } => {
            let dids = applied(ids, store::set_score(tenant, ids, *score, ctx.now)?);
            tell_changed(tenant, ctx, job, &dids, "score")?;
            dids
        }
        Action::SetState { state } => {
            let dids = applied(ids, store::set_state(tenant, ids, *state, ctx.now)?);
            tell_changed(tenant, ctx, job, &dids, "state")?;
            dids
        }
        Action::AssignOwner { user_id, level } => {
            ownership::assign(tenant, ctx, job, (UserId(*user_id), *level), ids)?
        }
        Action::RemoveOwner { email } => ownership::remove(tenant, ctx, job, email, ids)?,
        Action::AddNote { text, private } => notes::add(tenant, ctx, job, (text, *private), ids)?,
        Action::GenerateLinks { page, private } => {
            documents::generate_links(tenant, ctx, job, page, *private, ids)?
        }
        Action::DetectGender { country, name_order, tags } => {
            gender::detect(tenant, ctx, job, (*country, *name_order), tags, ids)?
        }
        Action::RunRule { rule_id, check_conditions } => {
            runs::run(tenant, ctx, job, (Kind::Rule, *rule_id), *check_conditions, ids)?
        }
        Action::RunScenario { scenario_id } => {
            runs::run(tenant, ctx, job, (Kind::Scenario, *scenario_id), true, ids)?
        }
        Action::AddToStage { stage_id, .. } => {
            funnels::bulk::add_to_stage(tenant, ctx, job, StageId(*stage_id), ids)?
        }
        Action::RemoveFromFunnel { stage_id, funnel_id } => {
            let (stage, funnel) = (stage_id.map(StageId), funnel_id.map(FunnelId));
            funnels::bulk::remove_from_funnel(tenant, ctx, job, stage, funnel, ids)?
        }
        Action::GenerateCoupon { name, length, valid_until } => {
            coupons::bulk::generate(tenant, ctx, job, (name, *length, *valid_until), ids)?
        }
        Action::Delete { mode } => delete(tenant, ctx, job, *mode, ids)?,
    })
}

/// Nobody asks for it: only what is reversible is undone.
fn not_reversible(action: &Action) -> Error {
    Error::refused(Code::JobNotUndoable, format!("{} cannot be undone.", action.kind()))
}

/// What an action did when its job worked, for undoing it.
pub(super) struct Past<'a> {
    /// The job that did it.
    pub(super) job: JobId,
    /// The job that undoes it.
    pub(super) undo: JobId,
    /// Whom it changed, of those that live now, or lie in the trash when it put them there.
    pub(super) rows: &'a [Changed],
}

/// Undoes an action at contacts that are locked, and says what became of each: who is not as the action left it is
/// `changed_since`.
pub(super) fn undo(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &Action,
    past: &Past<'_>,
) -> Result<Dids, Error> {
    let Past { job, undo, rows, .. } = *past;
    let now = ctx.now;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.contact_id).collect();
    let (back, field) = match action {
        Action::AddTags { .. }
        | Action::AddTagsFromDetails { .. }
        | Action::DetectGender { .. } => (store::undo_add_tags(tenant, rows, now)?, "tags"),
        Action::RemoveTags { .. } => (store::undo_remove_tags(tenant, rows, now)?, "tags"),
        Action::SetDetail { name, value } => {
            (details::undo_set(tenant, ctx, job, name, value, &ids)?, "details")
        }
        Action::RemoveDetail { name } => {
            (details::undo_remove(tenant, ctx, job, name, &ids)?, "details")
        }
        Action::SetScore { score } => (store::undo_set_score(tenant, rows, *score, now)?, "score"),
        Action::SetState { state } => (store::undo_set_state(tenant, rows, *state, now)?, "state"),
        Action::AssignOwner { user_id, level } => {
            let owner = (UserId(*user_id), *level);
            return ownership::undo_assign(tenant, ctx, undo, owner, rows);
        }
        Action::RemoveOwner { .. } => return ownership::undo_remove(tenant, ctx, undo, rows),
        Action::AddToStage { stage_id, .. } => {
            let stage = StageId(*stage_id);
            (funnels::bulk::undo_add_to_stage(tenant, ctx, stage, rows)?, "funnel_stages")
        }
        Action::RemoveFromFunnel { stage_id, .. } => {
            let one = stage_id.map(StageId);
            (funnels::bulk::undo_remove_from_funnel(tenant, ctx, one, rows)?, "funnel_stages")
        }
        Action::Delete { mode: DeleteMode::Trash } => return undo_trash(tenant, ctx, past),
        other => return Err(not_reversible(other)),
    };
    let dids = given_back(&ids, &back);
    tell_changed(tenant, ctx, undo, &dids, field)?;
    Ok(dids)
}

/// The outcomes of a statement that says at whom something was given back.
fn given_back(ids: &[Uuid], back: &[Uuid]) -> Dids {
    let changed_since = || Outcome::Skipped("changed_since".to_owned()).into();
    let mut dids: Dids = ids.iter().map(|id| (*id, changed_since())).collect();
    dids.extend(back.iter().map(|id| (*id, Outcome::Applied.into())));
    dids
}

/// What is left to do when a job ends, also on its way: what it has done stays, the links that it made too.
pub(super) fn finish(tenant: &mut Tenant<'_>, ctx: &Context, job: JobId) -> Result<(), Error> {
    documents::finish_links(tenant, ctx, job)
}

/// Tells whoever planned an import before that contacts are others now: imports match by details, and leave out what an
/// owner may not change. Last of all in a chunk, and in the one shard of its job: a chunk that counted in several as it went
/// along could wait for another job's and be waited for.
pub(super) fn move_on(
    tenant: &mut Tenant<'_>,
    job: JobId,
    done: &[(&'static str, Dids)],
) -> Result<(), Error> {
    let is_matched = |action: &str| {
        matches!(
            action.parse(),
            Ok(ActionType::SetDetail
                | ActionType::RemoveDetail
                | ActionType::AssignOwner
                | ActionType::RemoveOwner)
        )
    };
    let changed = |dids: &Dids| dids.values().any(|did| did.outcome == Outcome::Applied);
    if done.iter().any(|(action, dids)| is_matched(action) && changed(dids)) {
        workspaces::add_usage(tenant, 0, 0, job.0)?;
    }
    Ok(())
}

/// Whether assigning owners starts scenarios here: the source says both, so the workspace does (MGR-G).
pub(super) fn owners_start_scenarios(tenant: &mut Tenant<'_>) -> Result<bool, Error> {
    Ok(workspaces::get(tenant)?.scenarios_on_owner_assigned)
}

/// Writes down and tells on that a field of those that were changed is another one now.
pub(super) fn tell_changed(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    dids: &Dids,
    field: &str,
) -> Result<(), Error> {
    let what = json!({ "fields": [field] });
    let lines = changed_ids(dids).into_iter().map(|id| (id, Some(what.clone()))).collect();
    audit::record_each_for_job(tenant, ctx, "contact.update", "contact", lines, Some(job.0))?;
    Ok(())
}

/// Since when a contact lies in the trash, in what undoing needs.
const TRASHED_AT: &str = "trashed_at";

fn delete(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    mode: DeleteMode,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    // as the database keeps it: undoing asks for this very instant
    let now = ctx.now.trunc_subsecs(6);
    let gone = write::trash(tenant, ids, now)?;
    if !gone.is_empty() {
        let n = i64::try_from(gone.len()).unwrap_or(i64::MAX);
        workspaces::add_usage(tenant, -n, n, job.0)?;
        let lines = gone.iter().map(|id| (*id, None)).collect();
        audit::record_each_for_job(tenant, ctx, "contact.trash", "contact", lines, Some(job.0))?;
    }
    if mode == DeleteMode::Purge {
        trash::purge_all(tenant, ctx, &gone, Some(job.0))?;
    }
    let before = (mode == DeleteMode::Trash).then(|| json!({ TRASHED_AT: now }));
    let changed = |contact_id| Changed { contact_id, before: before.clone() };
    Ok(applied(ids, gone.into_iter().map(changed).collect()))
}

/// Restores those that still lie in the trash since the job put them there.
fn undo_trash(tenant: &mut Tenant<'_>, ctx: &Context, past: &Past<'_>) -> Result<Dids, Error> {
    let since = |row: &Changed| -> Option<(Uuid, DateTime<Utc>)> {
        let at = row.before.as_ref()?.get(TRASHED_AT)?.as_str()?;
        Some((row.contact_id, at.parse().ok()?))
    };
    let there = store::trashed_at(tenant, &past.rows.iter().filter_map(since).collect::<Vec<_>>())?;
    let forbidden = owners::forbidden(tenant, ctx.actor, &there, Deed::Change)?;
    let open: Vec<Uuid> = there.into_iter().filter(|id| !forbidden.contains(id)).collect();
    let back = trash::restore_all(tenant, ctx, &open, Some(past.undo.0))?;
    let ids: Vec<Uuid> = past.rows.iter().map(|row| row.contact_id).collect();
    let mut dids = given_back(&ids, &back);
    dids.extend(forbidden.into_iter().map(|id| (id, not_permitted())));
    Ok(dids)
}
