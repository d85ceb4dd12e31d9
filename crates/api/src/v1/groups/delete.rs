//! `DELETE /groups/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::classes::{self, Class, Kind, Use};

use super::GroupInUse;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a group
///
/// Only one that nobody is in and that no segment, rule or scenario names: otherwise the answer is `group_in_use` with
/// `live` and `trash`, the numbers of contacts that are, `segments`, and `definitions` (rules and scenarios).
#[utoipa::path(
    tag = "groups",
    operation_id = "delete_group",
    params(("id" = Uuid, Path, description = "The group"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/groups/{id}")]
pub(crate) async fn delete_group(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard =
                |now: &Class, usage: Use| if_match.check(&GroupInUse::from((now.clone(), usage)));
            classes::delete(tenant, ctx, Kind::Group, *id, guard)?;
            Ok(NoContent)
        })
        .await
}
