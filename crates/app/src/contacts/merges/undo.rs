//! Merged contacts are parted again.

use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::{ContactId, MergeId};
use kartoteka_persistence::classes::{Kind, hold};
use kartoteka_persistence::contacts::merges::back::{self, Kept, Left};
use kartoteka_persistence::contacts::merges::{self as store, Merge};
use kartoteka_persistence::contacts::{Stored, owners, read};
use kartoteka_persistence::workspaces::{self, WriterLock};
use kartoteka_persistence::{Tenant, fields};

use super::{Said, declare, tell_losers};
use crate::access::audit;
use crate::contacts::{permission, room};
use crate::context::Context;
use crate::error::Error;
use crate::trash::Shared;

/// What undoing a merge did.
#[derive(Clone, Debug)]
pub struct Parted {
    /// The merge, undone.
    pub merge: Merge,
    /// The contact that had won.
    pub winner: Stored,
    /// Those that are contacts of their own again, in the order of the merge.
    pub losers: Vec<Stored>,
    /// What somebody changed at the winner since, and what therefore stays there as it is.
    pub kept: Vec<Left>,
    /// What does not exist any more, so that a loser came back without it.
    pub gone: Vec<(Uuid, Left)>,
    /// What other living contacts have meanwhile too.
    pub shared: Vec<Shared>,
}

/// Undoes a merge: the losers come back under their ids with what they had. The winner gives back what nobody changed
/// since; what came after the merge stays with it.
///
/// # Errors
/// `not_found`, `merge_not_undoable` with the reason, `not_permitted`, `contact_limit_reached`,
/// `field_values_do_not_fit` when a detail that would come back was defined otherwise meanwhile.
pub fn undo(tenant: &mut Tenant<'_>, ctx: &Context, id: MergeId) -> Result<Parted, Error> {
    let known = store::get(tenant, id, false)?.ok_or(Error::NotFound)?;
    let n = i64::try_from(known.loser_ids.len()).unwrap_or(i64::MAX);
    refuse_ended(&known)?;
    room::enter(tenant, n)?;
    let merge = store::get(tenant, id, true)?.ok_or(Error::NotFound)?;
    refuse_ended(&merge)?;
    refuse_standing(tenant, ctx, &merge)?;
    let kept = back::kept(tenant, id)?;
    refuse_misfits(tenant, &kept)?;
    let types = hold(tenant, Kind::ContactType, back::types(&kept))?;
    let types: Vec<Uuid> = types.into_iter().collect();
    // who unsubscribed of what was unsubscribed already left no other trace
    let keep_flags = back::withdrawn_since(tenant, &merge)?;
    let mut undone = back::undo(tenant, &merge, &kept, keep_flags, &types, ctx.now)?;
    undone.kept.extend(answer_consents(tenant, ctx, &merge)?);
    workspaces::add_usage(tenant, n, 0, merge.winner_id)?;
    let winner = ContactId(merge.winner_id);
    let changes =
        json!({"fields": back::names(&kept), "loser_ids": merge.loser_ids, "merge_id": id});
    audit::record(tenant, ctx, "contact.unmerge", "contact", Some(winner.0), Some(changes))?;
    tell_losers(tenant, ctx, "contact.unmerged", &merge.loser_ids, winner, id)?;
    let mut losers = Vec::new();
    for loser in &merge.loser_ids {
        losers.push(crate::contacts::get(tenant, ContactId(*loser))?);
    }
    Ok(Parted {
        winner: crate::contacts::get(tenant, winner)?,
        losers,
        kept: undone.kept,
        gone: undone.gone,
        shared: read::shared(tenant, &merge.loser_ids)?,
        merge: store::get(tenant, id, false)?.ok_or(Error::NotFound)?,
    })
}

fn refusal(reason: &str, detail: &str, other: Option<(&str, Uuid)>) -> Error {
    let mut extra = json!({ "reason": reason });
    if let (Some((name, id)), Some(members)) = (other, extra.as_object_mut()) {
        members.insert(name.to_owned(), json!(id));
    }
    Error::refused_with(Code::MergeNotUndoable, detail, extra)
}

/// One that was undone, or whose winner was purged.
fn refuse_ended(merge: &Merge) -> Result<(), Error> {
    if merge.undone_at.is_some() {
        return Err(refusal("already_undone", "The merge was undone already.", None));
    }
    if merge.forgotten {
        let detail = "The contact that had won was purged, and the others with it.";
        return Err(refusal("winner_purged", detail, None));
    }
    Ok(())
}

/// One whose winner is not as the merge left it: what lies above it is undone first.
fn refuse_standing(tenant: &mut Tenant<'_>, ctx: &Context, merge: &Merge) -> Result<(), Error> {
    let winner = ContactId(merge.winner_id);
    let Some(stored) = read::lock_one(tenant, winner)? else {
        let onwards = store::merged(tenant, &[winner.0])?;
        let detail = "The contact that had won was merged into another; undo that merge first.";
        return Err(match onwards.first() {
            Some(onwards) => refusal("winner_merged", detail, Some(("merge_id", onwards.merge_id))),
            None => Error::NotFound,
        });
    };
    if let Some(later) = back::later(tenant, merge)? {
        let detail = "Other contacts were merged into the same one later; undo that merge first.";
        return Err(refusal("later_merge", detail, Some(("merge_id", later))));
    }
    if stored.trashed_at.is_some() {
        let detail = "The contact that had won is in the trash; restore it first.";
        return Err(refusal("winner_in_trash", detail, Some(("contact_id", winner.0))));
    }
    if !owners::forbidden(tenant, ctx.actor, &[winner.0], Deed::Change)?.is_empty() {
        return Err(permission::refusal());
    }
    Ok(())
}

/// Values that would come back under a definition they do not fit.
fn refuse_misfits(tenant: &mut Tenant<'_>, kept: &Kept) -> Result<(), Error> {
    let details = back::details(kept);
    if details.is_empty() {
        return Ok(());
    }
    fields::lock(tenant, WriterLock::Shared)?;
    let definitions =
        fields::definitions(tenant, details.iter().map(|(name, _)| name.clone()).collect())?;
    let misfits = |(name, value): &&(String, Value)| {
        definitions.get(name).is_some_and(|definition| definition.fault(value, "#").is_some())
    };
    let mut names: Vec<&str> =
        details.iter().filter(misfits).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "{} of the fields were defined since in a way that the values that would come back do not fit.",
        names.len()
    );
    Err(Error::refused_with(Code::FieldValuesDoNotFit, detail, json!({ "fields": names })))
}

/// Says in the winner's ledger what held before the merge, where the merge still has the last word. Where nobody had
/// been asked, what the merge granted is taken back: a ledger only grows.
fn answer_consents(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    merge: &Merge,
) -> Result<Vec<Left>, Error> {
    let mut kept = Vec::new();
    for answered in back::answered(tenant, merge)? {
        if !answered.is_last {
            kept.push(Left { what: format!("consents.{}", answered.purpose), id: None });
            continue;
        }
        let before = answered.before.as_ref();
        let granted = before.and_then(|said| said.get("granted")?.as_bool()).unwrap_or(false);
        if granted == answered.granted {
            continue;
        }
        let basis = before.and_then(|said| said.get("legal_basis")?.as_str());
        let version = before.and_then(|said| said.get("wording_version")?.as_i64());
        let said = Said {
            purpose: (answered.purpose_id, &answered.purpose),
            granted,
            legal_basis: basis.unwrap_or(&answered.legal_basis),
            wording_version: version
                .and_then(|version| version.try_into().ok())
                .unwrap_or(answered.wording_version),
        };
        declare(tenant, ctx, ContactId(merge.winner_id), MergeId(merge.id), &said)?;
    }
    Ok(kept)
}
