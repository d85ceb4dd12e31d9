//! `GET /tags/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::tags;
use kartoteka_domain::ids::TagId;

use super::TagInUse;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a tag
///
/// With the number of contacts that carry it, live and in the trash.
#[utoipa::path(
    tag = "tags",
    operation_id = "get_tag",
    params(("id" = Uuid, Path, description = "The tag")),
    responses((status = 200, description = "The tag", body = TagInUse)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/tags/{id}")]
pub(crate) async fn get_tag(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<TagInUse>, Problem> {
    state.read(&caller, move |tenant, _| Ok(Done(tags::get(tenant, TagId(*id))?.into()))).await
}
