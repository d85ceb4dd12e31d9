//! `GET /contact-types`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::classes::{self, Kind};

use super::ContactTypeView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which contact types.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContactTypeFilter {
    /// A part of the name; case does not matter.
    #[param(max_length = 100, example = "supp")]
    q: Option<String>,
}

/// List contact types
///
/// In order of their names. How many contacts have one is told by `GET /contact-types/{id}`.
#[utoipa::path(
    tag = "contact_types",
    operation_id = "list_contact_types",
    params(ContactTypeFilter, PageQuery),
    responses((status = 200, description = "A page of contact types", body = Page<ContactTypeView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contact-types")]
pub(crate) async fn list_contact_types(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<ContactTypeFilter>,
    page: Query<PageQuery>,
) -> Result<Page<ContactTypeView>, Problem> {
    let part = filter.into_inner().q.map(|text| text.trim().to_lowercase());
    let list = format!("contact_types {}", part.as_deref().unwrap_or_default());
    let after: Option<String> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let (part, after) = (part.as_deref(), after.as_deref());
            let mut found = classes::list(tenant, Kind::ContactType, part, after, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|last| last.name_key.clone());
            let next_cursor = last.map(|key| encode_cursor(&list, &key)).transpose()?;
            Ok(Page { data: found.into_iter().map(ContactTypeView::from).collect(), next_cursor })
        })
        .await
}
