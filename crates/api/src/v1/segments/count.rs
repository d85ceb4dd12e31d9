//! `POST /segments/{id}/count` (SEG-4).

use actix_web::post;
use actix_web::web::Json;
use uuid::Uuid;

use kartoteka_app::segments::saved;
use kartoteka_domain::ids::SegmentId;

use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::contacts::count::ContactCount;

/// Count the contacts of a segment
///
/// The exact number, now. Contacts in the trash do not count. It changes nothing, so it takes no
/// `Idempotency-Key`. A segment whose contacts take too long to find is `selection_too_slow`.
#[utoipa::path(
    tag = "segments",
    operation_id = "count_segment",
    params(("id" = Uuid, Path, description = "The segment")),
    responses(
        (status = 200, description = "The number", body = ContactCount),
        (status = 422, description = "It takes too long to find them", body = crate::problem::ProblemBody,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["segments:read"])),
)]
#[post("/segments/{id}/count")]
pub(crate) async fn count_segment(
    state: State,
    caller: Scoped<scope::SegmentsRead>,
    id: Path<Uuid>,
) -> Result<Json<ContactCount>, Problem> {
    let count =
        state.read(&caller, move |tenant, ctx| Ok(saved::count(tenant, ctx, SegmentId(*id))?));
    Ok(Json(ContactCount { contacts: count.await? }))
}
