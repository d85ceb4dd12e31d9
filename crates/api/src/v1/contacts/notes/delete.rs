//! `DELETE /contacts/{id}/notes/{note_id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::contacts::notes::{self, Note};
use kartoteka_domain::ids::{ContactId, NoteId};

use super::NoteView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a note
///
/// Works for contacts in the trash too.
#[utoipa::path(
    tag = "notes",
    operation_id = "delete_note",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("note_id" = Uuid, Path, description = "The note"),
        IfMatch,
    ),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/contacts/{id}/notes/{note_id}")]
pub(crate) async fn delete_note(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (contact, note) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Note| if_match.check(&NoteView::from(now.clone()));
            notes::delete(tenant, ctx, ContactId(contact), NoteId(note), guard)?;
            Ok(NoContent)
        })
        .await
}
