//! People who may log in.

mod create;
mod delete;
mod get;
mod list;
mod me;
mod password;
mod patch;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::access::users::UserRow;
use kartoteka_domain::scopes;

/// The operations on people.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        // before {id}, which would take the word for an id
        .service(me::get_me)
        .service(password::set_my_password)
        .service(list::list_users)
        .service(create::create_user)
        .service(get::get_user)
        .service(patch::patch_user)
        .service(delete::delete_user);
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Everything.
    Administrator,
    /// Everything but the administration of the workspace.
    Manager,
    /// Works with contacts; neither deletes nor sends.
    Editor,
    /// Sees.
    Viewer,
}

impl From<Role> for scopes::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Administrator => Self::Administrator,
            Role::Manager => Self::Manager,
            Role::Editor => Self::Editor,
            Role::Viewer => Self::Viewer,
        }
    }
}

/// A person who may log in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    /// Their id.
    pub id: Uuid,
    /// Address they log in with.
    #[schema(example = "jana@example.com")]
    pub email: String,
    /// What they are called.
    #[schema(example = "Jana Nováková")]
    pub name: Option<String>,
    /// What they may do: `administrator`, `manager`, `editor` or `viewer`.
    #[schema(example = "editor")]
    pub role: String,
    /// Whether they are kept from logging in.
    #[schema(example = false)]
    pub disabled: bool,
    /// When they were added.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, email, email_key: _, name, role, disabled_at, created_at, updated_at } =
            row;
        Self { id, email, name, role, disabled: disabled_at.is_some(), created_at, updated_at }
    }
}
