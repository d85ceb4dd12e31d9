//! `PATCH /fields/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::fields::{self, Field, FieldChanges, Use};
use kartoteka_domain::ids::FieldId;

use super::{FieldInUse, FieldTypeWord};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a field.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"title": "Membership", "type": "choice", "choices": ["gold", "silver", "bronze"]}))]
pub(crate) struct FieldPatch {
    /// What people see.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 200, example = "Membership")]
    pub(crate) title: Option<String>,
    /// What values it has.
    #[serde(default, rename = "type")]
    #[schema(nullable = false, example = "choice")]
    pub(crate) field_type: Option<FieldTypeWord>,
    /// The texts a choice may have: the whole list.
    #[serde(default)]
    #[schema(nullable = false, max_items = 200, example = json!(["gold", "silver"]))]
    pub(crate) choices: Option<Vec<String>>,
}

/// Change a field
///
/// The name never changes. A type or choices that values of contacts, those in the trash included, do not fit
/// are `field_values_do_not_fit` with `live` and `trash`, their numbers. While an import is planned or runs that
/// writes the detail, the type stays: `conflict` with `import_ids`.
#[utoipa::path(
    tag = "fields",
    operation_id = "patch_field",
    params(("id" = Uuid, Path, description = "The field"), IfMatch),
    request_body = FieldPatch,
    responses((status = 200, description = "The field", body = FieldInUse)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/fields/{id}")]
pub(crate) async fn patch_field(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<FieldPatch>,
) -> Result<Done<FieldInUse>, Problem> {
    let FieldPatch { title, field_type, choices } = body.into_inner();
    let changes = FieldChanges { title, field_type: field_type.map(Into::into), choices };
    state
        .write(&caller, move |tenant, ctx| {
            let guard =
                |now: &Field, usage: Use| if_match.check(&FieldInUse::from((now.clone(), usage)));
            Ok(Done(fields::update(tenant, ctx, FieldId(*id), &changes, guard)?.into()))
        })
        .await
}
