//! `GET /rules`.

use actix_web::get;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::DefinitionFilter;
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
    let filter = filter.into_inner();
    let after: Option<String> = page.after(&filter.list(Kind::Rule))?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| filter.page(tenant, Kind::Rule, after.as_deref(), limit))
        .await
}
