//! `PATCH /companies/{id}`.

use actix_web::patch;
use uuid::Uuid;

use kartoteka_app::companies::{self, CompanyRow};
use kartoteka_domain::companies::CompanyPatch;

use super::{CompanyChanges, CompanyView};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Change a company
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears.
#[utoipa::path(
    tag = "companies",
    operation_id = "patch_company",
    params(("id" = Uuid, Path, description = "The company"), IfMatch),
    request_body = CompanyChanges,
    responses((status = 200, description = "The company", body = CompanyView)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/companies/{id}")]
pub(crate) async fn patch_company(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<CompanyChanges>,
) -> Result<Done<CompanyView>, Problem> {
    let patch = CompanyPatch::from(body.into_inner());
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &CompanyRow| if_match.check(&CompanyView::from(now.clone()));
            Ok(Done(companies::update(tenant, ctx, *id, &patch, guard)?.into()))
        })
        .await
}
