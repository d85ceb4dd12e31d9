//! `GET /opportunities`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use kartoteka_app::opportunities::Opportunities;
use kartoteka_app::records::Equal;

use super::{OpportunityState, OpportunityView};
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::records::{self as shared, ListQuery};

/// Which opportunities.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OpportunityFilter {
    /// How it ended, if it did.
    #[param(inline)]
    state: Option<OpportunityState>,
    /// The company it is with.
    company_id: Option<Uuid>,
}

/// List opportunities
///
/// Newest first, unless `sort` says otherwise: by `name`, `stage`, `state`, `value`, `currency`,
/// `expected_close_date`, `created_at`, `updated_at`.
#[utoipa::path(
    tag = "opportunities",
    operation_id = "list_opportunities",
    params(ListQuery, OpportunityFilter, PageQuery),
    responses((status = 200, description = "A page of opportunities", body = Page<OpportunityView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/opportunities")]
pub(crate) async fn list_opportunities(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    list: Query<ListQuery>,
    filter: Query<OpportunityFilter>,
    page: Query<PageQuery>,
) -> Result<Page<OpportunityView>, Problem> {
    let OpportunityFilter { state: wanted, company_id } = filter.into_inner();
    let mut equal = Vec::new();
    if let Some(word) = wanted {
        equal.push(Equal::Text("state", word.as_str().to_owned()));
    }
    if let Some(id) = company_id {
        equal.push(Equal::Id("company_id", id));
    }
    state
        .read(&caller, move |tenant, _| {
            shared::answer::<Opportunities, OpportunityView>(
                tenant,
                "opportunities",
                &list,
                equal,
                &page,
            )
        })
        .await
}
