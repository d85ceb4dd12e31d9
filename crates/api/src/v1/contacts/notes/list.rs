//! `GET /contacts/{id}/notes`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::contacts::notes;
use kartoteka_domain::ids::ContactId;

use super::NoteView;
use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List the notes of a contact
///
/// Newest first; private ones for their author only.
#[utoipa::path(
    tag = "notes",
    operation_id = "list_notes",
    params(("id" = Uuid, Path, description = "The contact"), PageQuery),
    responses((status = 200, description = "A page of notes", body = Page<NoteView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}/notes")]
pub(crate) async fn list_notes(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<NoteView>, Problem> {
    let list = format!("notes {}", *id);
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, ctx| {
            let mut found = notes::list(tenant, ctx, ContactId(*id), before, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|note| note.id);
            let next_cursor = last.map(|id| encode_cursor(&list, &id)).transpose()?;
            Ok(Page { data: found.into_iter().map(NoteView::from).collect(), next_cursor })
        })
        .await
}
