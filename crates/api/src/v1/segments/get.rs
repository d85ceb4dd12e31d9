//! `GET /segments/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::segments::saved;
use kartoteka_domain::ids::SegmentId;

use super::view::SegmentView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a segment
///
/// With what uses it. How many contacts it holds is told by `POST /segments/{id}/count`.
#[utoipa::path(
    tag = "segments",
    operation_id = "get_segment",
    params(("id" = Uuid, Path, description = "The segment")),
    responses((status = 200, description = "The segment", body = SegmentView)),
    security(("bearer" = ["segments:read"])),
)]
#[get("/segments/{id}")]
pub(crate) async fn get_segment(
    state: State,
    caller: Scoped<scope::SegmentsRead>,
    id: Path<Uuid>,
) -> Result<Done<SegmentView>, Problem> {
    state.read(&caller, move |tenant, _| Ok(Done(saved::get(tenant, SegmentId(*id))?.into()))).await
}
