//! `GET /rules/{id}/runs` and `GET /rules/{id}/runs/count`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::runs::{self, RunCounts, RunQuery, RunView};
use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// List the runs of a rule
///
/// Newest first, of all versions.
#[utoipa::path(
    tag = "rules",
    operation_id = "list_rule_runs",
    params(("id" = Uuid, Path, description = "The rule"), RunQuery, PageQuery),
    responses((status = 200, description = "A page of runs", body = Page<RunView>)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/rules/{id}/runs")]
pub(crate) async fn list_rule_runs(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    id: Path<Uuid>,
    filter: Query<RunQuery>,
    page: Query<PageQuery>,
) -> Result<Page<RunView>, Problem> {
    runs::page(state, caller, Kind::Rule, *id, filter.into_inner(), page.into_inner()).await
}

/// Count the runs of a rule
///
/// By state, of all versions.
#[utoipa::path(
    tag = "rules",
    operation_id = "count_rule_runs",
    params(("id" = Uuid, Path, description = "The rule")),
    responses((status = 200, description = "How many there are", body = RunCounts)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/rules/{id}/runs/count")]
pub(crate) async fn count_rule_runs(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    id: Path<Uuid>,
) -> Result<Done<RunCounts>, Problem> {
    runs::count(state, caller, Kind::Rule, *id).await
}
