//! `DELETE /segments/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::segments::saved;
use kartoteka_domain::ids::SegmentId;

use super::view::unchanged;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a segment
///
/// Only one that nothing uses: otherwise the answer is `segment_in_use` with `uses`, and how many of these are
/// `segments`, `jobs` that wait or run, `campaigns`, `rules` and `scenarios`. Its contacts stay.
#[utoipa::path(
    tag = "segments",
    operation_id = "delete_segment",
    params(("id" = Uuid, Path, description = "The segment"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["segments:write"])),
)]
#[delete("/segments/{id}")]
pub(crate) async fn delete_segment(
    state: State,
    caller: Scoped<scope::SegmentsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_, uses: &_| unchanged(&if_match, now, uses);
            saved::delete(tenant, ctx, SegmentId(*id), guard)?;
            Ok(NoContent)
        })
        .await
}
