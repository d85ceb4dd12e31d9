//! Tags of the workspace.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::tags::{Tag, Use};

/// The operations on tags.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_tags)
        .service(create::create_tag)
        .service(get::get_tag)
        .service(patch::patch_tag)
        .service(delete::delete_tag);
}

/// A tag.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tag)]
pub(crate) struct TagView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "vip")]
    pub(crate) name: String,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was renamed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A tag and who carries it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagInUse {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "vip")]
    pub(crate) name: String,
    /// How many contacts carry it.
    pub(crate) contacts: TagUse,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was renamed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// How many contacts carry a tag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagUse {
    /// Contacts that live.
    #[schema(example = 12)]
    pub(crate) live: i64,
    /// Contacts in the trash.
    #[schema(example = 0)]
    pub(crate) trash: i64,
}

/// What a request writes of a tag.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TagInput {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, example = "vip")]
    pub(crate) name: String,
}

impl From<Tag> for TagView {
    fn from(tag: Tag) -> Self {
        Self { id: tag.id, name: tag.name, created_at: tag.created_at, updated_at: tag.updated_at }
    }
}

impl From<(Tag, Use)> for TagInUse {
    fn from((tag, usage): (Tag, Use)) -> Self {
        let Use { live, trash } = usage;
        Self {
            id: tag.id,
            name: tag.name,
            contacts: TagUse { live, trash },
            created_at: tag.created_at,
            updated_at: tag.updated_at,
        }
    }
}
