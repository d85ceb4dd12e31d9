//! `PATCH /tags/{id}`.

use actix_web::patch;
use uuid::Uuid;

use kartoteka_app::tags::{self, Tag, Use};
use kartoteka_domain::ids::TagId;

use super::{TagInUse, TagInput};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Rename a tag
///
/// On every contact that carries it, and in every segment that names it.
#[utoipa::path(
    tag = "tags",
    operation_id = "patch_tag",
    params(("id" = Uuid, Path, description = "The tag"), IfMatch),
    request_body = TagInput,
    responses((status = 200, description = "The tag", body = TagInUse)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/tags/{id}")]
pub(crate) async fn patch_tag(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<TagInput>,
) -> Result<Done<TagInUse>, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard =
                |tag: &Tag, usage: Use| if_match.check(&TagInUse::from((tag.clone(), usage)));
            Ok(Done(tags::rename(tenant, ctx, TagId(*id), &body.value.name, guard)?.into()))
        })
        .await
}
