//! `POST /erasures`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::erasures::{Request, Whom};
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::scopes::Scope;

use super::{ReasonWord, ask};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::state::State;
use crate::v1::jobs::JobView;

/// Who is to be erased: exactly one of `contact_id`, `email` and `phone`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"email": "jana.erased@example.com", "reason": "objection"}))]
pub(crate) struct NewErasure {
    /// A contact, in the trash or not.
    contact_id: Option<Uuid>,
    /// Everybody with this e-mail address, at most 1,000 contacts; and the address wherever else it stands, if nobody
    /// has it.
    #[schema(max_length = 1000)]
    email: Option<String>,
    /// The same by a number, in E.164 or as it is written in the region of the workspace.
    #[schema(max_length = 100)]
    phone: Option<String>,
    /// The ground (GDPR, article 17 (1), a to f); `requested` when nothing is said.
    #[schema(inline)]
    reason: Option<ReasonWord>,
    /// Whether the addresses may not be written to afterwards; `true` when nothing is said.
    suppress: Option<bool>,
}

/// Erase whoever has an address
///
/// As `POST /contacts/{id}/erase`, for a person who may be several contacts, or none: one who only stands in a list that
/// waits, or in the condition of a segment. Of the address nothing is kept but a keyed hash.
#[utoipa::path(
    tag = "erasures",
    operation_id = "create_erasure",
    params(IdempotencyKey),
    request_body = NewErasure,
    responses((status = 202, description = "The job", body = JobView)),
    security(("bearer" = ["contacts:delete", "consents:write"])),
)]
#[post("/erasures")]
pub(crate) async fn create_erasure(
    state: State,
    caller: Scoped<scope::ContactsDelete>,
    key: IdempotencyKey,
    body: ValidJson<NewErasure>,
) -> Result<Reply, Problem> {
    caller.require(Scope::ConsentsWrite)?;
    let ValidJson { value, fingerprint } = body;
    let NewErasure { contact_id, email, phone, reason, suppress } = value;
    let whom = match (contact_id, email, phone) {
        (Some(id), None, None) => Whom::Contact(ContactId(id)),
        (None, Some(email), None) => Whom::Email(email),
        (None, None, Some(phone)) => Whom::Phone(phone),
        (None, None, None) => {
            let detail = "Say who: contact_id, email or phone.";
            return Err(Problem::fault("#/contact_id", Code::MissingField, detail));
        }
        (contact, email, phone) => {
            let given = [
                ("contact_id", contact.is_some()),
                ("email", email.is_some()),
                ("phone", phone.is_some()),
            ];
            let given = given.iter().filter(|(_, given)| *given);
            let detail = "Say one of contact_id, email and phone only.";
            let faults =
                given.map(|(name, _)| Fault::new(format!("#/{name}"), Code::InvalidValue, detail));
            return Err(Problem::invalid(faults.collect()));
        }
    };
    let reason = reason.unwrap_or(ReasonWord::Requested).into();
    let request = Request { whom, reason, suppress: suppress.unwrap_or(true) };
    ask(&state, &caller, &key, fingerprint, request).await.map_err(|problem| match problem.code() {
        // it stood in the body, not in the path
        Code::NotFound => {
            let detail = "There is no such contact.";
            Problem::fault("#/contact_id", Code::UnknownReference, detail)
        }
        _ => problem,
    })
}
