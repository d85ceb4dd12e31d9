//! `PUT /contacts/by/{key}/{value}`.

use actix_web::put;
use serde::Serialize;
use utoipa::ToSchema;

use kartoteka_app::contacts::upsert::{self, Done as Upserted};

use super::view::{ContactInput, ContactView, location};
use crate::extract::{IfMatch, JsonObject, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Created, Done, Reply};
use crate::state::State;

/// What an upsert did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UpsertedContact {
    /// The contact as it is now.
    pub(crate) contact: ContactView,
    /// `created`, `updated` or `unchanged`.
    #[schema(example = "updated")]
    pub(crate) result: &'static str,
    /// Names of the fields that changed; parts of the address as `address.city`, details as `details.NAME`.
    #[schema(example = json!(["first_name", "address.city"]))]
    pub(crate) changed: Vec<String>,
}

// Only documentation: another word is a path that is not there.
/// What a contact is found by.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the path is read as text")]
enum KeyWord {
    /// Name in another system.
    ExternalId,
    /// E-mail address.
    Email,
}

/// Create or change a contact by its key
///
/// Changes the live contact whose `external_id` or `email` has this value, as `PATCH` would, or makes it.
/// Any number of simultaneous calls with one key make one contact. When several have the key the answer is
/// `ambiguous_key` with `contact_ids`; when it is only in the trash it is `conflict` with `in_trash`: what
/// somebody deleted does not come back unnoticed.
#[utoipa::path(
    tag = "contacts",
    operation_id = "upsert_contact",
    params(
        ("key" = inline(KeyWord), Path, description = "`external_id` or `email`", example = "email"),
        ("value" = String, Path, description = "Value of the key, percent-encoded", example = "jana@example.cz"),
        IfMatch,
    ),
    request_body = ContactInput,
    responses(
        (status = 200, description = "It was there", body = UpsertedContact),
        (status = 201, description = "It was made", body = UpsertedContact),
    ),
    security(("bearer" = ["contacts:write"])),
)]
#[put("/contacts/by/{key}/{value}")]
pub(crate) async fn upsert_contact(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(String, String)>,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Reply, Problem> {
    let (key, value) = path.into_inner();
    let key = upsert::key_named(&key).ok_or_else(Problem::not_found)?;
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: Option<&_>| super::unchanged_or_new(&if_match, now);
            let Upserted { contact, result, changed } =
                upsert::upsert(tenant, ctx, key, &value, &body.members, guard)?;
            let created = result == kartoteka_app::contacts::batch::Upserted::Created;
            let location = location(contact.id.0);
            let body =
                UpsertedContact { contact: contact.into(), result: result.as_str(), changed };
            Ok(if created { Created { location, body }.into() } else { Done(body).into() })
        })
        .await
}
