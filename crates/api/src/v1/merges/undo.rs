//! `POST /merges/{id}/undo`.

use actix_web::post;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::merges::{self, Parted};
use kartoteka_domain::ids::MergeId;

use super::{LeftView, MergeView};
use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply, etag_of};
use crate::state::State;
use crate::v1::contacts::view::ContactView;
use crate::v1::trash::restore::AlsoUsedBy;

/// A merge that was undone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UndoneMerge {
    /// The merge.
    #[serde(flatten)]
    pub(crate) merge: MergeView,
    /// The contact that had won, as it is now.
    pub(crate) winner: ContactView,
    /// Those that are contacts of their own again.
    pub(crate) losers: Vec<ContactView>,
    /// What somebody changed at the winner since the merge: it stays there as it is.
    pub(crate) kept: Vec<LeftView>,
    /// What was removed since the merge, so that a loser came back without it.
    pub(crate) not_restored: Vec<LeftView>,
    /// What other living contacts have meanwhile too; at most 1,000.
    pub(crate) also_used_by: Vec<AlsoUsedBy>,
}

impl From<Parted> for UndoneMerge {
    fn from(parted: Parted) -> Self {
        let Parted { merge, winner, losers, kept, gone, shared } = parted;
        let winner_id = merge.winner_id;
        Self {
            merge: merge.into(),
            winner: winner.into(),
            losers: losers.into_iter().map(Into::into).collect(),
            kept: kept.into_iter().map(|left| LeftView::new(winner_id, left)).collect(),
            not_restored: gone.into_iter().map(|(id, left)| LeftView::new(id, left)).collect(),
            also_used_by: shared.into_iter().map(Into::into).collect(),
        }
    }
}

/// Undo a merge
///
/// The losers come back under their ids with what they had. The winner gives back what nobody changed since; what came
/// after the merge stays with it, and `kept` names it. Where the merge has the last word on a purpose, the winner's
/// ledger gets an entry that says what held before; where nobody had been asked, what the merge granted is withdrawn.
///
/// `merge_not_undoable` says by `reason` why not: `already_undone`; `winner_merged` or `later_merge`, with the
/// `merge_id` to undo first; `winner_in_trash`; `winner_purged`.
#[utoipa::path(
    tag = "merges",
    operation_id = "undo_merge",
    params(("id" = Uuid, Path, description = "The merge"), IdempotencyKey),
    responses((status = 200, description = "The contacts", body = UndoneMerge)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/merges/{id}/undo")]
pub(crate) async fn undo_merge(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let body = UndoneMerge::from(merges::undo(tenant, ctx, MergeId(*id))?);
            let tag = etag_of(&body.merge)?;
            Ok(Reply::from(Done(body)).with_tag(tag))
        })
        .await
}
