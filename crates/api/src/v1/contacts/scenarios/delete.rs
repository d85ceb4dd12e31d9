//! `DELETE /contacts/{id}/scenarios/{run_id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::definitions::runs::{self, Run};
use kartoteka_domain::ids::{ContactId, RunId};

use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;
use crate::v1::definitions::runs::RunView;

/// End a run of a contact
///
/// No further step is done. The run stays, as `ended`; one that has ended already is `conflict`. Works for contacts in
/// the trash too.
#[utoipa::path(
    tag = "runs",
    operation_id = "end_scenario",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("run_id" = Uuid, Path, description = "The run"),
        IfMatch,
    ),
    responses((status = 204, description = "It has ended")),
    security(("bearer" = ["scenarios:write"])),
)]
#[delete("/contacts/{id}/scenarios/{run_id}")]
pub(crate) async fn end_scenario(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (contact, run) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Run| if_match.check(&RunView::from(now.clone()));
            runs::end(tenant, ctx, ContactId(contact), RunId(run), guard)?;
            Ok(NoContent)
        })
        .await
}
