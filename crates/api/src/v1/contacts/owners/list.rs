//! `GET /contacts/{id}/owners`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::contacts::owners;
use kartoteka_domain::ids::ContactId;

use super::OwnerView;
use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List the owners of a contact
///
/// Those who may most first; at most 100.
#[utoipa::path(
    tag = "owners",
    operation_id = "list_owners",
    params(("id" = Uuid, Path, description = "The contact"), PageQuery),
    responses((status = 200, description = "A page of owners", body = Page<OwnerView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}/owners")]
pub(crate) async fn list_owners(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<OwnerView>, Problem> {
    let list = format!("owners {}", *id);
    // they are few: a page is cut out of all of them, behind the last one of the page before
    let after: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let all = owners::list(tenant, ContactId(*id))?;
            let seen = all.iter().position(|owner| Some(owner.user_id) == after);
            let mut rest: Vec<_> = all.into_iter().skip(seen.map_or(0, |at| at + 1)).collect();
            let more = rest.len() > limit;
            rest.truncate(limit);
            let last = rest.last().filter(|_| more).map(|owner| owner.user_id);
            let next_cursor = last.map(|id| encode_cursor(&list, &id)).transpose()?;
            Ok(Page { data: rest.into_iter().map(OwnerView::from).collect(), next_cursor })
        })
        .await
}
