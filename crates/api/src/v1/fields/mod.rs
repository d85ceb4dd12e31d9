//! User-defined fields: definitions of details.

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

use kartoteka_app::fields::{Field, Use};
use kartoteka_domain::fields::FieldType;

/// The operations on fields.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_fields)
        .service(create::create_field)
        .service(get::get_field)
        .service(patch::patch_field)
        .service(delete::delete_field);
}

/// What values a field has.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FieldType)]
pub(crate) enum FieldTypeWord {
    /// Any text.
    Text,
    /// Any number.
    Number,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// True or false: a flag.
    Boolean,
    /// One of some texts.
    Choice,
}

impl From<FieldTypeWord> for FieldType {
    fn from(word: FieldTypeWord) -> Self {
        match word {
            FieldTypeWord::Text => Self::Text,
            FieldTypeWord::Number => Self::Number,
            FieldTypeWord::Date => Self::Date,
            FieldTypeWord::Boolean => Self::Boolean,
            FieldTypeWord::Choice => Self::Choice,
        }
    }
}

/// A field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Field)]
pub(crate) struct FieldView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Name of the detail it defines.
    #[schema(example = "membership")]
    pub(crate) name: String,
    /// What people see.
    #[schema(example = "Membership")]
    pub(crate) title: String,
    /// `text`, `number`, `date`, `boolean` or `choice`.
    #[serde(rename = "type")]
    #[schema(example = "choice")]
    pub(crate) field_type: String,
    /// The texts a choice may have, in the order they are shown; empty for other types.
    #[schema(example = json!(["gold", "silver"]))]
    pub(crate) choices: Vec<String>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A field and who has a value of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldInUse {
    /// Its id.
    pub(crate) id: Uuid,
    /// Name of the detail it defines; it never changes.
    #[schema(example = "membership")]
    pub(crate) name: String,
    /// What people see.
    #[schema(example = "Membership")]
    pub(crate) title: String,
    /// `text`, `number`, `date`, `boolean` or `choice`.
    #[serde(rename = "type")]
    #[schema(example = "choice")]
    pub(crate) field_type: String,
    /// The texts a choice may have, in the order they are shown; empty for other types.
    #[schema(example = json!(["gold", "silver"]))]
    pub(crate) choices: Vec<String>,
    /// How many contacts have a value of it.
    pub(crate) contacts: FieldUse,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// How many contacts have a value of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldUse {
    /// Contacts that live.
    #[schema(example = 12)]
    pub(crate) live: i64,
    /// Contacts in the trash.
    #[schema(example = 0)]
    pub(crate) trash: i64,
}

impl From<Field> for FieldView {
    fn from(field: Field) -> Self {
        let choices = field.choices();
        let Field { id, name, title, field_type, choices: _, created_at, updated_at } = field;
        Self { id, name, title, field_type, choices, created_at, updated_at }
    }
}

impl From<(Field, Use)> for FieldInUse {
    fn from((field, usage): (Field, Use)) -> Self {
        let choices = field.choices();
        let Field { id, name, title, field_type, choices: _, created_at, updated_at } = field;
        let Use { live, trash } = usage;
        let contacts = FieldUse { live, trash };
        Self { id, name, title, field_type, choices, contacts, created_at, updated_at }
    }
}
