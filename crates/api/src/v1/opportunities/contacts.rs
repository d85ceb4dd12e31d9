//! Contacts of an opportunity.

use actix_web::{delete, get, put};
use uuid::Uuid;

use kartoteka_app::opportunities::Opportunities;
use kartoteka_app::records::{self, Linked};
use kartoteka_domain::ids::ContactId;

use crate::extract::{IfMatch, Path, Query, Scoped, ValidJson, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::{Done, NoContent};
use crate::state::State;
use crate::v1::records::{self as shared, LinkInput, LinkedContact};

/// List the contacts of an opportunity
///
/// Newest contact first. Those in the trash are here too: `trashed_at` says so.
#[utoipa::path(
    tag = "opportunities",
    operation_id = "list_opportunity_contacts",
    params(("id" = Uuid, Path, description = "The opportunity"), PageQuery),
    responses((status = 200, description = "A page of contacts", body = Page<LinkedContact>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/opportunities/{id}/contacts")]
pub(crate) async fn list_opportunity_contacts(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<LinkedContact>, Problem> {
    state
        .read(&caller, move |tenant, _| shared::contacts::<Opportunities>(tenant, *id, &page))
        .await
}

/// Link a contact to an opportunity
///
/// Or change what it is there. A contact in the trash is restored first: `conflict`.
#[utoipa::path(
    tag = "opportunities",
    operation_id = "put_opportunity_contact",
    params(
        ("id" = Uuid, Path, description = "The opportunity"),
        ("contact_id" = Uuid, Path, description = "The contact"),
        IfMatch,
    ),
    request_body = LinkInput,
    responses((status = 200, description = "The contact", body = LinkedContact)),
    security(("bearer" = ["contacts:write"])),
)]
#[put("/opportunities/{id}/contacts/{contact_id}")]
pub(crate) async fn put_opportunity_contact(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    body: ValidJson<LinkInput>,
) -> Result<Done<LinkedContact>, Problem> {
    let (id, contact) = path.into_inner();
    let role = body.into_inner().role;
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: Option<&Linked>| shared::unchanged_or_new(&if_match, now);
            let (contact, role) = (ContactId(contact), role.as_deref());
            let link =
                records::link::<Opportunities, Problem>(tenant, ctx, id, contact, role, guard)?;
            Ok(Done(link.into()))
        })
        .await
}

/// Take a contact off an opportunity
///
/// Works for contacts in the trash too.
#[utoipa::path(
    tag = "opportunities",
    operation_id = "delete_opportunity_contact",
    params(
        ("id" = Uuid, Path, description = "The opportunity"),
        ("contact_id" = Uuid, Path, description = "The contact"),
        IfMatch,
    ),
    responses((status = 204, description = "It is not linked any more")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/opportunities/{id}/contacts/{contact_id}")]
pub(crate) async fn delete_opportunity_contact(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (id, contact) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Linked| if_match.check(&LinkedContact::from(now.clone()));
            records::unlink::<Opportunities, Problem>(tenant, ctx, id, ContactId(contact), guard)?;
            Ok(NoContent)
        })
        .await
}
