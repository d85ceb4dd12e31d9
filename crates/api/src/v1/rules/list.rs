//! `GET /rules`.

use actix_web::get;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::{self, DefinitionFilter};
use super::RuleView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;

/// List rules
///
/// In order of their names.
#[utoipa::path(
    tag = "rules",
    operation_id = "list_rules",
    params(DefinitionFilter, PageQuery),
    responses((status = 200, description = "A page of rules", body = Page<RuleView>)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/rules")]
pub(crate) async fn list_rules(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    filter: Query<DefinitionFilter>,
    page: Query<PageQuery>,
) -> Result<Page<RuleView>, Problem> {
    definitions::page(state, caller, Kind::Rule, filter.into_inner(), page.into_inner()).await
}
