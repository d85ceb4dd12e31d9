//! `POST /contact-manager/recount`: whom a job would be about (MGR-1).

use actix_web::post;
use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use kartoteka_app::contact_manager;

use crate::extract::{Scoped, scope};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::contacts::view::ContactView;
use crate::v1::segments::{SelectionSchema, WithSelection};

/// Whom to count.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RecountContacts {
    /// Which contacts; all that are not in the trash when it is missing.
    #[schema(value_type = Option<SelectionSchema>)]
    pub selection: Option<Value>,
}

/// How many contacts a selection means, and some of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recount {
    /// How many there are now.
    #[schema(minimum = 0, example = 1234)]
    pub contacts: i64,
    /// The newest of them, at most ten.
    #[schema(max_items = 10)]
    pub sample: Vec<ContactView>,
}

/// Count and show whom a job would be about
///
/// The exact number, now, and the newest ten. Contacts in the trash do not count. It changes nothing, so it takes no
/// `Idempotency-Key`. A job counts again when it begins.
#[utoipa::path(
    tag = "contact-manager",
    operation_id = "recount_contacts",
    request_body = RecountContacts,
    responses((status = 200, description = "The number and some of them", body = Recount)),
    security(("bearer" = ["manager:run", "contacts:read"])),
)]
#[post("/contact-manager/recount")]
pub(crate) async fn recount_contacts(
    state: State,
    caller: Scoped<scope::ManagerRun>,
    body: WithSelection<RecountContacts>,
) -> Result<Json<Recount>, Problem> {
    caller.require(kartoteka_domain::scopes::Scope::ContactsRead)?;
    let (contacts, sample) = state
        .read(&caller, move |tenant, ctx| {
            let (_, selection) = body.resolve(tenant, |_| Vec::new())?;
            Ok(contact_manager::recount(tenant, ctx, &selection)?)
        })
        .await?;
    let sample = sample.contacts.into_iter().map(ContactView::from).collect();
    Ok(Json(Recount { contacts, sample }))
}
