//! `POST /contacts/{id}/notes`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::notes;
use kartoteka_domain::ids::ContactId;

use super::NoteView;
use crate::extract::{IdempotencyKey, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A note to be written.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewNote {
    /// What it says.
    #[schema(
        min_length = 1,
        max_length = 1024,
        pattern = r"\S",
        example = "Prefers to be called after five."
    )]
    pub(crate) text: String,
    /// Seen by its author only; `false` when absent.
    #[schema(example = false)]
    pub(crate) private: Option<bool>,
}

/// Write a note
///
/// On a contact that is not in the trash: `conflict`. A private note is seen by its author only; for everybody
/// else it is not there.
#[utoipa::path(
    tag = "notes",
    operation_id = "create_note",
    params(("id" = Uuid, Path, description = "The contact"), IdempotencyKey),
    request_body = NewNote,
    responses((status = 201, description = "The note", body = NoteView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/contacts/{id}/notes")]
pub(crate) async fn create_note(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
    body: ValidJson<NewNote>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    let contact = *id;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let NewNote { text, private } = value;
            let private = private.unwrap_or(false);
            let note = notes::create(tenant, ctx, ContactId(contact), text, private)?;
            let location = format!("/api/v1/contacts/{contact}/notes/{}", note.id);
            Ok(Created { location, body: NoteView::from(note) })
        })
        .await
}
