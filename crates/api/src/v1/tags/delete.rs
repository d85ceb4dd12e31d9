//! `DELETE /tags/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::tags::{self, Tag, Use};
use kartoteka_domain::ids::TagId;

use super::TagInUse;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a tag
///
/// Only one that nobody carries and that no segment, rule or scenario names: otherwise the answer is `tag_in_use` with
/// `live` and `trash`, the numbers of contacts that do, `segments`, and `definitions` (rules and scenarios).
#[utoipa::path(
    tag = "tags",
    operation_id = "delete_tag",
    params(("id" = Uuid, Path, description = "The tag"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/tags/{id}")]
pub(crate) async fn delete_tag(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard =
                |tag: &Tag, usage: Use| if_match.check(&TagInUse::from((tag.clone(), usage)));
            tags::delete(tenant, ctx, TagId(*id), guard)?;
            Ok(NoContent)
        })
        .await
}
