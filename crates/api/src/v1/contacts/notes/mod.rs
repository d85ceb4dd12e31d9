//! Notes on a contact (CON-13).

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::contacts::notes::Note;

use super::consents::ActorView;

/// The operations on notes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_notes)
        .service(create::create_note)
        .service(get::get_note)
        .service(patch::patch_note)
        .service(delete::delete_note);
}

/// A note.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Note)]
pub(crate) struct NoteView {
    /// Its id; ids sort in order of time.
    pub(crate) id: Uuid,
    /// What it says.
    #[schema(example = "Prefers to be called after five.")]
    pub(crate) text: String,
    /// Seen by its author only.
    #[schema(example = false)]
    pub(crate) private: bool,
    /// Who wrote it.
    pub(crate) author: ActorView,
    /// When it was written.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

impl From<Note> for NoteView {
    fn from(note: Note) -> Self {
        let Note { id, text, private, author_type, author_id, created_at, updated_at } = note;
        let author = ActorView { r#type: author_type, id: author_id };
        Self { id, text, private, author, created_at, updated_at }
    }
}
