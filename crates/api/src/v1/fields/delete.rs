//! `DELETE /fields/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::fields::{self, Field, Use};
use kartoteka_domain::ids::FieldId;

use super::FieldInUse;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a field
///
/// Only one that nobody has a value of and that no segment, rule or scenario names: otherwise the answer is `field_in_use`
/// with `live` and `trash`, the numbers of contacts that do, `segments`, and `definitions` (rules and scenarios).
#[utoipa::path(
    tag = "fields",
    operation_id = "delete_field",
    params(("id" = Uuid, Path, description = "The field"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/fields/{id}")]
pub(crate) async fn delete_field(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard =
                |now: &Field, usage: Use| if_match.check(&FieldInUse::from((now.clone(), usage)));
            fields::delete(tenant, ctx, FieldId(*id), guard)?;
            Ok(NoContent)
        })
        .await
}
