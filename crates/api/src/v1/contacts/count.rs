//! `POST /contacts/count`: how many contacts a selection means (SEG-4).

use actix_web::post;
use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use kartoteka_app::segments;

use crate::extract::{Scoped, scope};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::segments::{SelectionSchema, WithSelection};

/// Which contacts to count.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CountContacts {
    /// Which; all that are not in the trash when it is missing.
    #[schema(value_type = Option<SelectionSchema>)]
    pub selection: Option<Value>,
}

/// A number of contacts.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactCount {
    /// How many there are now.
    #[schema(minimum = 0, example = 1234)]
    pub contacts: i64,
}

/// Count the contacts of a selection
///
/// The exact number, now. Contacts in the trash do not count. It changes nothing, so it takes no
/// `Idempotency-Key`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "count_contacts",
    request_body = CountContacts,
    responses((status = 200, description = "The number", body = ContactCount)),
    security(("bearer" = ["contacts:read"])),
)]
#[post("/contacts/count")]
pub(crate) async fn count_contacts(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    body: WithSelection<CountContacts>,
) -> Result<Json<ContactCount>, Problem> {
    let contacts = state
        .read(&caller, move |tenant, ctx| {
            let (_, selection) = body.resolve(tenant, |_| Vec::new())?;
            Ok(segments::count(tenant, &selection, ctx.now)?)
        })
        .await?;
    Ok(Json(ContactCount { contacts }))
}
