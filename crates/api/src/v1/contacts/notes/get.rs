//! `GET /contacts/{id}/notes/{note_id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::contacts::notes;
use kartoteka_domain::ids::{ContactId, NoteId};

use super::NoteView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a note
#[utoipa::path(
    tag = "notes",
    operation_id = "get_note",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("note_id" = Uuid, Path, description = "The note"),
    ),
    responses((status = 200, description = "The note", body = NoteView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}/notes/{note_id}")]
pub(crate) async fn get_note(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Done<NoteView>, Problem> {
    let (contact, note) = path.into_inner();
    state
        .read(&caller, move |tenant, ctx| {
            Ok(Done(notes::get(tenant, ctx, ContactId(contact), NoteId(note))?.into()))
        })
        .await
}
