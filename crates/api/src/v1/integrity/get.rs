//! `GET /workspace/integrity`.

use actix_web::get;

use kartoteka_app::integrity;

use super::Integrity;
use crate::extract::{Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read how the seals stand
///
/// The consent ledger, the audit trail and what purged contacts left behind are sealed every some minutes, each in a
/// chain. Here is how far, where each chain ends, and what the last verification found.
#[utoipa::path(
    tag = "integrity",
    operation_id = "get_integrity",
    responses((status = 200, description = "The chains", body = Integrity)),
    security(("bearer" = ["admin"])),
)]
#[get("/workspace/integrity")]
pub(crate) async fn get_integrity(
    state: State,
    caller: Scoped<scope::Admin>,
) -> Result<Done<Integrity>, Problem> {
    state.read(&caller, |tenant, _ctx| Ok(Done(integrity::standing(tenant)?.into()))).await
}
