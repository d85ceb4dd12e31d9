//! `PATCH /contacts/{id}/notes/{note_id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::notes::{self, Note};
use kartoteka_domain::ids::{ContactId, NoteId};

use super::NoteView;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a note.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NotePatch {
    /// What it says.
    #[serde(default)]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 1024,
        pattern = r"\S",
        example = "Prefers to be called after six."
    )]
    pub(crate) text: Option<String>,
    /// Seen by its author only. Only the author changes this: `not_permitted`.
    #[serde(default)]
    #[schema(nullable = false, example = false)]
    pub(crate) private: Option<bool>,
}

/// Change a note
#[utoipa::path(
    tag = "notes",
    operation_id = "patch_note",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("note_id" = Uuid, Path, description = "The note"),
        IfMatch,
    ),
    request_body = NotePatch,
    responses((status = 200, description = "The note", body = NoteView)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/contacts/{id}/notes/{note_id}")]
pub(crate) async fn patch_note(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    body: ValidJson<NotePatch>,
) -> Result<Done<NoteView>, Problem> {
    let (contact, note) = path.into_inner();
    let NotePatch { text, private } = body.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Note| if_match.check(&NoteView::from(now.clone()));
            let (contact, note) = (ContactId(contact), NoteId(note));
            Ok(Done(notes::update(tenant, ctx, contact, note, (text, private), guard)?.into()))
        })
        .await
}
