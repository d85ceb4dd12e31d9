//! Merges: several contacts become one, and are parted again (CON-16).

pub mod create;
pub mod get;
pub mod list;
pub mod undo;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::contacts::merges::{Left, Merge};

use crate::v1::contacts::consents::ActorView;

/// The operations on merges. `/contacts/merge` comes before the paths with the id of a contact.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(create::merge_contacts)
        .service(list::list_merges)
        .service(get::get_merge)
        .service(undo::undo_merge);
}

/// Contacts that were merged into one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Merge)]
pub(crate) struct MergeView {
    /// Its id; ids sort in order of time.
    pub(crate) id: Uuid,
    /// The contact that stayed.
    pub(crate) winner_id: Uuid,
    /// Those that were merged into it. Their ids lead to it until the merge is undone.
    pub(crate) loser_ids: Vec<Uuid>,
    /// Who merged them.
    pub(crate) actor: ActorView,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was undone.
    #[schema(required = true)]
    pub(crate) undone_at: Option<DateTime<Utc>>,
}

impl From<Merge> for MergeView {
    fn from(merge: Merge) -> Self {
        let Merge { id, winner_id, loser_ids, actor_type, actor_id, created_at, undone_at, .. } =
            merge;
        let actor = ActorView { r#type: actor_type, id: actor_id };
        Self { id, winner_id, loser_ids, actor, created_at, undone_at }
    }
}

/// Something that undoing a merge left as it was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftView {
    /// The contact.
    pub(crate) contact_id: Uuid,
    /// The field, or a word for what hangs on a contact: `tags`, `groups`, `owners`, `companies`, `opportunities`,
    /// `projects`, `activities`, `consents.PURPOSE`.
    #[schema(example = "phone")]
    pub(crate) field: String,
    /// The tag, group, user, company, opportunity, project, activity or type; `null` for a field.
    #[schema(required = true)]
    pub(crate) id: Option<Uuid>,
}

impl LeftView {
    fn new(contact_id: Uuid, left: Left) -> Self {
        Self { contact_id, field: left.what, id: left.id }
    }
}
