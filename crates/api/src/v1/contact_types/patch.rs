//! `PATCH /contact-types/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::classes::{self, Class, Kind, Use};

use super::ContactTypeInUse;
use crate::extract::json::nullable;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a contact type.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ContactTypePatch {
    /// Its name; compared without case.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 100, example = "Supplier")]
    pub(crate) name: Option<String>,
    /// What it is for; `null` removes it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 1000, example = "Whom we buy from")]
    pub(crate) description: Option<Option<String>>,
}

/// Change a contact type
///
/// A new name is shown wherever the contact type is.
#[utoipa::path(
    tag = "contact_types",
    operation_id = "patch_contact_type",
    params(("id" = Uuid, Path, description = "The contact type"), IfMatch),
    request_body = ContactTypePatch,
    responses((status = 200, description = "The contact type", body = ContactTypeInUse)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/contact-types/{id}")]
pub(crate) async fn patch_contact_type(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<ContactTypePatch>,
) -> Result<Done<ContactTypeInUse>, Problem> {
    let ContactTypePatch { name, description } = body.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Class, usage: Use| {
                if_match.check(&ContactTypeInUse::from((now.clone(), usage)))
            };
            let description = description.as_ref().map(Option::as_deref);
            let (kind, name) = (Kind::ContactType, name.as_deref());
            Ok(Done(classes::update(tenant, ctx, kind, *id, name, description, guard)?.into()))
        })
        .await
}
