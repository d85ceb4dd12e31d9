//! `PATCH /opportunities/{id}`.

use actix_web::patch;
use uuid::Uuid;

use kartoteka_app::opportunities::{self, OpportunityRow};
use kartoteka_domain::opportunities::OpportunityPatch;

use super::{OpportunityChanges, OpportunityView};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Change an opportunity
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears.
#[utoipa::path(
    tag = "opportunities",
    operation_id = "patch_opportunity",
    params(("id" = Uuid, Path, description = "The opportunity"), IfMatch),
    request_body = OpportunityChanges,
    responses((status = 200, description = "The opportunity", body = OpportunityView)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/opportunities/{id}")]
pub(crate) async fn patch_opportunity(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<OpportunityChanges>,
) -> Result<Done<OpportunityView>, Problem> {
    let patch = OpportunityPatch::from(body.into_inner());
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &OpportunityRow| if_match.check(&OpportunityView::from(now.clone()));
            Ok(Done(opportunities::update(tenant, ctx, *id, &patch, guard)?.into()))
        })
        .await
}
