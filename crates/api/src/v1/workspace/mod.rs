//! Settings and use of the workspace of the token.

mod get;
mod patch;
mod retention;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::access::workspace::{Usage, Workspace as Row};

/// The operations on the workspace.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(get::get_workspace)
        .service(patch::patch_workspace)
        .service(retention::get_retention)
        .service(retention::put_retention)
        .service(retention::run_retention);
}

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Workspace {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "main")]
    pub name: String,
    /// Most contacts it may hold, trash included.
    #[schema(example = 10_000_000)]
    pub contact_limit: i64,
    /// Region that national phone numbers are read in when a request names none (ISO 3166).
    #[schema(example = "CZ")]
    pub phone_region: String,
    /// Language of people whose own is not known (ISO 639).
    #[schema(example = "cs")]
    pub language: String,
    /// Time zone of people whose own is not known (IANA).
    #[schema(example = "Europe/Prague")]
    pub time_zone: String,
    /// Whether an owner whom the contact manager assigns starts scenarios and rules that hang on it. One who is
    /// assigned by hand always does.
    #[schema(example = false)]
    pub scenarios_on_owner_assigned: bool,
    /// Limits and use.
    pub limits: Limits,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its settings were last changed.
    pub updated_at: DateTime<Utc>,
}

/// Limits and use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Limits {
    /// Of contacts.
    pub contacts: ContactLimit,
}

/// How many contacts there are and may be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContactLimit {
    /// Most, trash included.
    #[schema(example = 10_000_000)]
    pub limit: i64,
    /// Not in the trash.
    #[schema(example = 12_345)]
    pub live: i64,
    /// In the trash; they count towards the limit.
    #[schema(example = 67)]
    pub trash: i64,
    /// How many more there is room for.
    #[schema(example = 9_987_588)]
    pub remaining: i64,
}

impl From<(Row, Usage)> for Workspace {
    fn from((row, usage): (Row, Usage)) -> Self {
        let Row {
            id,
            name,
            contact_limit,
            phone_region,
            language,
            time_zone,
            scenarios_on_owner_assigned,
            created_at,
            updated_at,
        } = row;
        let Usage { live, trashed, revision: _ } = usage;
        let remaining = (contact_limit - live - trashed).max(0);
        let contacts = ContactLimit { limit: contact_limit, live, trash: trashed, remaining };
        let limits = Limits { contacts };
        Self {
            id,
            name,
            contact_limit,
            phone_region,
            language,
            time_zone,
            scenarios_on_owner_assigned,
            limits,
            created_at,
            updated_at,
        }
    }
}
