//! `GET /funnels/{id}/stages`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::funnels::stages;
use kartoteka_domain::ids::FunnelId;

use super::StageView;
use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;

/// List the stages of a funnel
///
/// In their order, with the number of contacts in each.
#[utoipa::path(
    tag = "funnels",
    operation_id = "list_funnel_stages",
    params(("id" = Uuid, Path, description = "The funnel"), PageQuery),
    responses((status = 200, description = "A page of stages", body = Page<StageView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/funnels/{id}/stages")]
pub(crate) async fn list_funnel_stages(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<StageView>, Problem> {
    let list = format!("stages {}", *id);
    let after: Option<i32> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let found = stages::list(tenant, FunnelId(*id), after, limit + 1)?;
            Page::cut(&list, found, limit, |one| one.stage.position, StageView::from)
        })
        .await
}
