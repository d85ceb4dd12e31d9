//! `DELETE /contact-types/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::classes::{self, Class, Kind, Use};

use super::ContactTypeInUse;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a contact type
///
/// Only one that nobody has and that no segment, rule or scenario names: otherwise the answer is `contact_type_in_use` with
/// `live` and `trash`, the numbers of contacts that do, `segments`, and `definitions` (rules and scenarios).
#[utoipa::path(
    tag = "contact_types",
    operation_id = "delete_contact_type",
    params(("id" = Uuid, Path, description = "The contact type"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/contact-types/{id}")]
pub(crate) async fn delete_contact_type(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Class, usage: Use| {
                if_match.check(&ContactTypeInUse::from((now.clone(), usage)))
            };
            classes::delete(tenant, ctx, Kind::ContactType, *id, guard)?;
            Ok(NoContent)
        })
        .await
}
