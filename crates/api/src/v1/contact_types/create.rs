//! `POST /contact-types`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::classes::{self, Kind};

use super::ContactTypeView;
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new contact type.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewContactType {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, example = "Supplier")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(max_length = 1000, example = "Whom we buy from")]
    pub(crate) description: Option<String>,
}

/// Create a contact type
///
/// A name that differs only in case from another is `contact_type_exists`.
#[utoipa::path(
    tag = "contact_types",
    operation_id = "create_contact_type",
    params(IdempotencyKey),
    request_body = NewContactType,
    responses((status = 201, description = "The contact type", body = ContactTypeView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/contact-types")]
pub(crate) async fn create_contact_type(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewContactType>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let NewContactType { name, description } = value;
            let made =
                classes::create(tenant, ctx, Kind::ContactType, &name, description.as_deref())?;
            let made = ContactTypeView::from(made);
            Ok(Created { location: format!("/api/v1/contact-types/{}", made.id), body: made })
        })
        .await
}
