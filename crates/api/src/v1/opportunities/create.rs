//! `POST /opportunities`.

use actix_web::post;

use kartoteka_app::opportunities;

use super::{NewOpportunity, OpportunityView};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// Create an opportunity
#[utoipa::path(
    tag = "opportunities",
    operation_id = "create_opportunity",
    params(IdempotencyKey),
    request_body = NewOpportunity,
    responses((status = 201, description = "The opportunity", body = OpportunityView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/opportunities")]
pub(crate) async fn create_opportunity(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewOpportunity>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let made = OpportunityView::from(opportunities::create(tenant, ctx, &value.into())?);
            Ok(Created { location: format!("/api/v1/opportunities/{}", made.id), body: made })
        })
        .await
}
