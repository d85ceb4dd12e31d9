//! Types of contacts.

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

/// The operations on contact types.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_contact_types)
        .service(create::create_contact_type)
        .service(get::get_contact_type)
        .service(patch::patch_contact_type)
        .service(delete::delete_contact_type);
}

/// A contact type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactType)]
pub(crate) struct ContactTypeView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "Supplier")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(required = true, example = "Whom we buy from")]
    pub(crate) description: Option<String>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A contact type and who has it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContactTypeInUse {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "Supplier")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(required = true, example = "Whom we buy from")]
    pub(crate) description: Option<String>,
    /// How many contacts have it.
    pub(crate) contacts: ContactTypeUse,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// How many contacts have a contact type.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContactTypeUse {
    /// Contacts that live.
    #[schema(example = 12)]
    pub(crate) live: i64,
    /// Contacts in the trash.
    #[schema(example = 0)]
    pub(crate) trash: i64,
}

impl From<Class> for ContactTypeView {
    fn from(class: Class) -> Self {
        let Class { id, name, name_key: _, description, created_at, updated_at } = class;
        Self { id, name, description, created_at, updated_at }
    }
}

impl From<(Class, Use)> for ContactTypeInUse {
    fn from((class, usage): (Class, Use)) -> Self {
        let Class { id, name, name_key: _, description, created_at, updated_at } = class;
        let Use { live, trash } = usage;
        let contacts = ContactTypeUse { live, trash };
        Self { id, name, description, contacts, created_at, updated_at }
    }
}
