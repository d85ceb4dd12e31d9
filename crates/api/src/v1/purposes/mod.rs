//! What consent can be given for, and the wordings of it.

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

use kartoteka_app::consents::purposes::{Purpose, Version};

use crate::extract::IfMatch;
use crate::problem::Problem;

/// The operations on purposes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_purposes)
        .service(create::create_purpose)
        .service(get::get_purpose)
        .service(patch::patch_purpose)
        .service(delete::delete_purpose);
}

/// A purpose with its present wording.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Purpose)]
pub(crate) struct PurposeView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name in mappings and filters.
    #[schema(example = "email_basic")]
    pub(crate) name: String,
    /// `email`, `sms` or `post`.
    #[schema(example = "email")]
    pub(crate) channel: String,
    /// What people see.
    #[schema(example = "News by e-mail")]
    pub(crate) title: String,
    /// Number of the present wording.
    #[schema(example = 1)]
    pub(crate) version: i32,
    /// The present wording.
    #[schema(example = "I agree to receive news and offers by e-mail.")]
    pub(crate) wording: String,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When title or wording changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A purpose with all its wordings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurposeWithVersions {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name in mappings and filters; never changes.
    #[schema(example = "email_basic")]
    pub(crate) name: String,
    /// `email`, `sms` or `post`; never changes.
    #[schema(example = "email")]
    pub(crate) channel: String,
    /// What people see.
    #[schema(example = "News by e-mail")]
    pub(crate) title: String,
    /// Number of the present wording.
    #[schema(example = 1)]
    pub(crate) version: i32,
    /// The present wording.
    #[schema(example = "I agree to receive news and offers by e-mail.")]
    pub(crate) wording: String,
    /// All wordings, the present one first.
    pub(crate) versions: Vec<PurposeVersion>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When title or wording changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A wording a purpose has or had.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurposeVersion {
    /// Its number, from 1.
    #[schema(example = 1)]
    pub(crate) version: i32,
    /// The text people agree to.
    #[schema(example = "I agree to receive news and offers by e-mail.")]
    pub(crate) wording: String,
    /// From when on.
    pub(crate) created_at: DateTime<Utc>,
}

impl From<Purpose> for PurposeView {
    fn from(purpose: Purpose) -> Self {
        let Purpose { id, name, channel, title, version, wording, created_at, updated_at } =
            purpose;
        Self { id, name, channel, title, version, wording, created_at, updated_at }
    }
}

impl From<(Purpose, Vec<Version>)> for PurposeWithVersions {
    fn from((purpose, versions): (Purpose, Vec<Version>)) -> Self {
        let Purpose { id, name, channel, title, version, wording, created_at, updated_at } =
            purpose;
        let versions = versions.into_iter().map(PurposeVersion::from).collect();
        Self { id, name, channel, title, version, wording, versions, created_at, updated_at }
    }
}

impl From<Version> for PurposeVersion {
    fn from(version: Version) -> Self {
        let Version { version, wording, created_at } = version;
        Self { version, wording, created_at }
    }
}

/// Refuses a change that was meant for another version of the purpose.
fn unchanged(if_match: &IfMatch, now: &Purpose, versions: &[Version]) -> Result<(), Problem> {
    if_match.check(&PurposeWithVersions::from((now.clone(), versions.to_vec())))
}
