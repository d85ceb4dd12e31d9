//! `GET /fields`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::fields;

use super::FieldView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which fields.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FieldFilter {
    /// A part of the name or the title; case does not matter.
    #[param(max_length = 100, example = "member")]
    q: Option<String>,
}

/// List fields
///
/// In order of their names. How many contacts have a value of one is told by `GET /fields/{id}`.
#[utoipa::path(
    tag = "fields",
    operation_id = "list_fields",
    params(FieldFilter, PageQuery),
    responses((status = 200, description = "A page of fields", body = Page<FieldView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/fields")]
pub(crate) async fn list_fields(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<FieldFilter>,
    page: Query<PageQuery>,
) -> Result<Page<FieldView>, Problem> {
    let part = filter.into_inner().q.map(|text| text.trim().to_lowercase());
    let list = format!("fields {}", part.as_deref().unwrap_or_default());
    let after: Option<String> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let mut found = fields::list(tenant, part.as_deref(), after.as_deref(), limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|field| field.name.clone());
            let next_cursor = last.map(|name| encode_cursor(&list, &name)).transpose()?;
            Ok(Page { data: found.into_iter().map(FieldView::from).collect(), next_cursor })
        })
        .await
}
