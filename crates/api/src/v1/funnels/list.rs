//! `GET /funnels`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::funnels::{self, Funnel};

use super::ListedFunnel;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;

/// Which funnels.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FunnelFilter {
    /// A part of the name; case does not matter.
    #[param(max_length = 100, example = "whole")]
    q: Option<String>,
}

/// List funnels
///
/// In order of their names, with their stages. How many contacts are in them is told by `GET /funnels/{id}`.
#[utoipa::path(
    tag = "funnels",
    operation_id = "list_funnels",
    params(FunnelFilter, PageQuery),
    responses((status = 200, description = "A page of funnels", body = Page<ListedFunnel>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/funnels")]
pub(crate) async fn list_funnels(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<FunnelFilter>,
    page: Query<PageQuery>,
) -> Result<Page<ListedFunnel>, Problem> {
    let part = filter.into_inner().q.map(|text| text.trim().to_lowercase());
    let list = format!("funnels {}", part.as_deref().unwrap_or_default());
    let after: Option<String> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let (part, after) = (part.as_deref(), after.as_deref());
            let found = funnels::list(tenant, part, after, limit + 1)?;
            let key = |(funnel, _): &(Funnel, _)| funnel.name_key.clone();
            Page::cut(&list, found, limit, key, ListedFunnel::from)
        })
        .await
}
