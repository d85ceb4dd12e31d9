//! `GET /users`.

use actix_web::get;

use kartoteka_app::access::users;

use super::User;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List people
#[utoipa::path(
    tag = "users",
    operation_id = "list_users",
    params(PageQuery),
    responses((status = 200, description = "A page of people, oldest first", body = Page<User>)),
    security(("bearer" = ["admin"])),
)]
#[get("/users")]
pub(crate) async fn list_users(
    state: State,
    caller: Scoped<scope::Admin>,
    page: Query<PageQuery>,
) -> Result<Page<User>, Problem> {
    let (after, limit) = (page.after("users")?, page.limit);
    state
        .read(&caller, move |tenant, _ctx| {
            let (rows, more) = users::list(tenant, after, limit)?;
            let last = rows.last().filter(|_| more).map(|row| row.id);
            let next_cursor = last.map(|id| encode_cursor("users", &id)).transpose()?;
            Ok(Page { data: rows.into_iter().map(User::from).collect(), next_cursor })
        })
        .await
}
