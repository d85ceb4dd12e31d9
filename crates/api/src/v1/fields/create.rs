//! `POST /fields`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::fields::{self, NewField as Asked};

use super::{FieldTypeWord, FieldView};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new field.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "name": "membership", "title": "Membership", "type": "choice", "choices": ["gold", "silver"]
}))]
pub(crate) struct NewField {
    /// Name of the detail it defines; it never changes.
    #[schema(min_length = 1, max_length = 100, example = "membership")]
    pub(crate) name: String,
    /// What people see; the name when it is missing.
    #[schema(min_length = 1, max_length = 200, example = "Membership")]
    pub(crate) title: Option<String>,
    /// What values it has. A boolean is a flag.
    #[serde(rename = "type")]
    #[schema(example = "choice")]
    pub(crate) field_type: FieldTypeWord,
    /// The texts a choice may have, in the order they are shown; for choices only.
    #[schema(max_items = 200, example = json!(["gold", "silver"]))]
    pub(crate) choices: Option<Vec<String>>,
}

/// Create a field
///
/// From then on a value written under the name has the type. Details without a definition stay free. When
/// contacts have values under the name that do not fit, the answer is `field_values_do_not_fit` with `live` and
/// `trash`, their numbers.
#[utoipa::path(
    tag = "fields",
    operation_id = "create_field",
    params(IdempotencyKey),
    request_body = NewField,
    responses((status = 201, description = "The field", body = FieldView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/fields")]
pub(crate) async fn create_field(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewField>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let NewField { name, title, field_type, choices } = value;
            let asked = Asked { name, title, field_type: field_type.into(), choices };
            let field = FieldView::from(fields::create(tenant, ctx, &asked)?);
            Ok(Created { location: format!("/api/v1/fields/{}", field.id), body: field })
        })
        .await
}
