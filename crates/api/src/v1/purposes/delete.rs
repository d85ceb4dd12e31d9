//! `DELETE /purposes/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::consents::purposes;
use kartoteka_domain::ids::PurposeId;

use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a purpose
///
/// Only one that the consent ledger does not know and that no segment, rule or scenario names: otherwise the answer is
/// `purpose_in_use`, with the numbers of `segments`, and of rules and scenarios (`definitions`), when these are the reason.
#[utoipa::path(
    tag = "purposes",
    operation_id = "delete_purpose",
    params(("id" = Uuid, Path, description = "The purpose"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["consents:write"])),
)]
#[delete("/purposes/{id}")]
pub(crate) async fn delete_purpose(
    state: State,
    caller: Scoped<scope::ConsentsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_, versions: &_| super::unchanged(&if_match, now, versions);
            purposes::delete(tenant, ctx, PurposeId(*id), guard)?;
            Ok(NoContent)
        })
        .await
}
