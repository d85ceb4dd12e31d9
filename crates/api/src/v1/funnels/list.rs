//! `GET /funnels`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::funnels;

use super::ListedFunnel;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
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
            let mut found = funnels::list(tenant, part, after, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|(funnel, _)| funnel.name_key.clone());
            let next_cursor = last.map(|key| encode_cursor(&list, &key)).transpose()?;
            Ok(Page { data: found.into_iter().map(ListedFunnel::from).collect(), next_cursor })
        })
        .await
}
