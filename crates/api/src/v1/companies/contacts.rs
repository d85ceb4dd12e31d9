//! Contacts of a company.

use actix_web::{delete, get, put};
use uuid::Uuid;

use kartoteka_app::companies::Companies;
use kartoteka_app::records::{self, Linked};
use kartoteka_domain::ids::ContactId;

use crate::extract::{IfMatch, Path, Query, Scoped, ValidJson, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::{Done, NoContent};
use crate::state::State;
use crate::v1::records::{self as shared, LinkInput, LinkedContact};

/// List the contacts of a company
///
/// Newest contact first. Those in the trash are here too: `trashed_at` says so.
#[utoipa::path(
    tag = "companies",
    operation_id = "list_company_contacts",
    params(("id" = Uuid, Path, description = "The company"), PageQuery),
    responses((status = 200, description = "A page of contacts", body = Page<LinkedContact>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/companies/{id}/contacts")]
pub(crate) async fn list_company_contacts(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<LinkedContact>, Problem> {
    state.read(&caller, move |tenant, _| shared::contacts::<Companies>(tenant, *id, &page)).await
}

/// Link a contact to a company
///
/// Or change what it is there. A contact in the trash is restored first: `conflict`.
#[utoipa::path(
    tag = "companies",
    operation_id = "put_company_contact",
    params(
        ("id" = Uuid, Path, description = "The company"),
        ("contact_id" = Uuid, Path, description = "The contact"),
        IfMatch,
    ),
    request_body = LinkInput,
    responses((status = 200, description = "The contact", body = LinkedContact)),
    security(("bearer" = ["contacts:write"])),
)]
#[put("/companies/{id}/contacts/{contact_id}")]
pub(crate) async fn put_company_contact(
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
            let link = records::link::<Companies, Problem>(tenant, ctx, id, contact, role, guard)?;
            Ok(Done(link.into()))
        })
        .await
}

/// Take a contact off a company
///
/// Works for contacts in the trash too.
#[utoipa::path(
    tag = "companies",
    operation_id = "delete_company_contact",
    params(
        ("id" = Uuid, Path, description = "The company"),
        ("contact_id" = Uuid, Path, description = "The contact"),
        IfMatch,
    ),
    responses((status = 204, description = "It is not linked any more")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/companies/{id}/contacts/{contact_id}")]
pub(crate) async fn delete_company_contact(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (id, contact) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Linked| if_match.check(&LinkedContact::from(now.clone()));
            records::unlink::<Companies, Problem>(tenant, ctx, id, ContactId(contact), guard)?;
            Ok(NoContent)
        })
        .await
}
