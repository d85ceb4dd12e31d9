//! `GET /clients`.

use actix_web::get;

use kartoteka_app::access::clients;

use super::Client;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List integrations
#[utoipa::path(
    tag = "clients",
    operation_id = "list_clients",
    params(PageQuery),
    responses((status = 200, description = "A page of integrations, oldest first", body = Page<Client>)),
    security(("bearer" = ["admin"])),
)]
#[get("/clients")]
pub(crate) async fn list_clients(
    state: State,
    caller: Scoped<scope::Admin>,
    page: Query<PageQuery>,
) -> Result<Page<Client>, Problem> {
    let (after, limit) = (page.after("clients")?, page.limit);
    state
        .read(&caller, move |tenant, _ctx| {
            let (rows, more) = clients::list(tenant, after, limit)?;
            let last = rows.last().filter(|_| more).map(|row| row.id);
            let next_cursor = last.map(|id| encode_cursor("clients", &id)).transpose()?;
            Ok(Page { data: rows.into_iter().map(Client::from).collect(), next_cursor })
        })
        .await
}
