//! Groups of contacts.

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

use kartoteka_app::classes::{Class, Use};

/// The operations on groups.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_groups)
        .service(create::create_group)
        .service(get::get_group)
        .service(patch::patch_group)
        .service(delete::delete_group);
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub(crate) struct GroupView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "Suppliers")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(required = true, example = "Who we buy from")]
    pub(crate) description: Option<String>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A group and who is in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupInUse {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "Suppliers")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(required = true, example = "Who we buy from")]
    pub(crate) description: Option<String>,
    /// How many contacts are in it.
    pub(crate) contacts: GroupUse,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// How many contacts are in a group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupUse {
    /// Contacts that live.
    #[schema(example = 12)]
    pub(crate) live: i64,
    /// Contacts in the trash.
    #[schema(example = 0)]
    pub(crate) trash: i64,
}

impl From<Class> for GroupView {
    fn from(class: Class) -> Self {
        let Class { id, name, name_key: _, description, created_at, updated_at } = class;
        Self { id, name, description, created_at, updated_at }
    }
}

impl From<(Class, Use)> for GroupInUse {
    fn from((class, usage): (Class, Use)) -> Self {
        let Class { id, name, name_key: _, description, created_at, updated_at } = class;
        let Use { live, trash } = usage;
        let contacts = GroupUse { live, trash };
        Self { id, name, description, contacts, created_at, updated_at }
    }
}
