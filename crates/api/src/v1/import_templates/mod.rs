//! Saved mappings (IMP-19).

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::imports::templates::Template;

/// The operations of this noun.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_import_templates)
        .service(create::create_import_template)
        .service(get::get_import_template)
        .service(patch::patch_import_template)
        .service(delete::delete_import_template);
}

/// A saved mapping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportTemplate)]
pub struct TemplateView {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "Shop export")]
    pub name: String,
    /// The steps, as the one-call import takes them.
    #[schema(value_type = crate::v1::imports::run::RunOptions)]
    pub options: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<Template> for TemplateView {
    fn from(template: Template) -> Self {
        let Template { id, name, options, created_at, updated_at } = template;
        Self { id, name, options, created_at, updated_at }
    }
}
