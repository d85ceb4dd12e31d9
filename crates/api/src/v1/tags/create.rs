//! `POST /tags`.

use actix_web::post;

use kartoteka_app::tags;

use super::{TagInput, TagView};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// Create a tag
///
/// Putting a tag on a contact makes it too. A name that differs only in case from another is `tag_exists`.
#[utoipa::path(
    tag = "tags",
    operation_id = "create_tag",
    params(IdempotencyKey),
    request_body = TagInput,
    responses((status = 201, description = "The tag", body = TagView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/tags")]
pub(crate) async fn create_tag(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<TagInput>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let tag = TagView::from(tags::create(tenant, ctx, &value.name)?);
            Ok(Created { location: format!("/api/v1/tags/{}", tag.id), body: tag })
        })
        .await
}
