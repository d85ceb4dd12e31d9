//! `GET /contacts/{id}/stages`, `PUT` and `DELETE /contacts/{id}/stages/{stage_id}`.

use actix_web::{delete, get, put};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::funnels::contacts::{self, Entered};
use kartoteka_domain::ids::{ContactId, StageId};

use super::view::ContactView;
use crate::extract::{IfMatch, Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::{Done, NoContent};
use crate::state::State;

/// A stage that a contact is in, and since when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StageEntry)]
pub(crate) struct StageEntryView {
    /// The stage.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "Offer")]
    pub(crate) name: String,
    /// Its place in the funnel, from 1.
    #[schema(example = 2)]
    pub(crate) position: i32,
    /// The funnel.
    pub(crate) funnel: FunnelOfEntry,
    /// Since when the contact is in the stage.
    pub(crate) entered_at: DateTime<Utc>,
}

/// The funnel of a stage.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunnelOfEntry {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "Wholesale")]
    pub(crate) name: String,
}

impl From<Entered> for StageEntryView {
    fn from(entered: Entered) -> Self {
        let Entered { id, name, position, funnel_id, funnel, funnel_key: _, entered_at } = entered;
        let funnel = FunnelOfEntry { id: funnel_id, name: funnel };
        Self { id, name, position, funnel, entered_at }
    }
}

/// List the stages of a contact
///
/// The stages of funnels it is in: funnel by funnel in order of their names, the stages of one in theirs.
#[utoipa::path(
    tag = "contacts",
    operation_id = "list_contact_stages",
    params(("id" = Uuid, Path, description = "The contact"), PageQuery),
    responses((status = 200, description = "A page of stages", body = Page<StageEntryView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}/stages")]
pub(crate) async fn list_contact_stages(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<StageEntryView>, Problem> {
    let list = format!("stages of contact {}", *id);
    let after: Option<(String, i32)> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let found = contacts::list(tenant, ContactId(*id), after, limit + 1)?;
            let key = |one: &Entered| (one.funnel_key.clone(), one.position);
            Page::cut(&list, found, limit, key, StageEntryView::from)
        })
        .await
}

/// Put a contact into a stage
///
/// Other stages stay, of this funnel too. When it was not there, `contact.stage_entered` is told. A contact in the
/// trash is restored first: `conflict`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "put_contact_stage",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("stage_id" = Uuid, Path, description = "The stage of a funnel"),
        IfMatch,
    ),
    responses((status = 200, description = "The contact", body = ContactView)),
    security(("bearer" = ["contacts:write"])),
)]
#[put("/contacts/{id}/stages/{stage_id}")]
pub(crate) async fn put_contact_stage(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<Done<ContactView>, Problem> {
    let (id, stage) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| super::unchanged(&if_match, now);
            let (id, stage) = (ContactId(id), StageId(stage));
            Ok(Done(contacts::enter(tenant, ctx, id, stage, guard)?.into()))
        })
        .await
}

/// Take a contact out of a stage
///
/// Works for contacts in the trash too. Out of a stage the contact is not in it is already.
#[utoipa::path(
    tag = "contacts",
    operation_id = "delete_contact_stage",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("stage_id" = Uuid, Path, description = "The stage of a funnel"),
        IfMatch,
    ),
    responses((status = 204, description = "The contact is not in it")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/contacts/{id}/stages/{stage_id}")]
pub(crate) async fn delete_contact_stage(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (id, stage) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| super::unchanged(&if_match, now);
            contacts::leave(tenant, ctx, ContactId(id), StageId(stage), guard)?;
            Ok(NoContent)
        })
        .await
}
