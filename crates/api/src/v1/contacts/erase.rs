//! `POST /contacts/{id}/erase` (TRS-5).

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::erasures::{Request, Whom};
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::scopes::Scope;

use crate::extract::{IdempotencyKey, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::state::State;
use crate::v1::erasures::{ReasonWord, ask};
use crate::v1::jobs::JobView;

/// How a person is to be erased.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"reason": "consent_withdrawn", "suppress": true}))]
pub(crate) struct EraseContact {
    /// The ground (GDPR, article 17 (1), a to f); `requested` when nothing is said.
    #[schema(inline)]
    reason: Option<ReasonWord>,
    /// Whether the addresses may not be written to afterwards, whoever imports them again: keyed hashes of them are
    /// kept. `true` when nothing is said.
    suppress: Option<bool>,
}

/// Erase a person
///
/// Removes a contact for good, from wherever it is, with every trace: what a purge removes, and files and rows of
/// imports it is in, kept answers, its addresses in saved conditions and in what jobs were asked, its name in
/// activities shared with others. An import that has the person and is not written yet goes back to its first step. This
/// cannot be undone, nor stopped. Counts, lines of the audit trail by id, and keyed hashes stay.
///
/// An address that another contact has too is left there and not suppressed: `also_used_by` of the erasure says whose
/// it is. `subject` of the job is the erasure. It needs both `contacts:delete` and `consents:write`. While the journal of
/// erasures cannot be written: `503 erasure_journal_unavailable`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "erase_contact",
    params(("id" = Uuid, Path, description = "The contact"), IdempotencyKey),
    request_body = EraseContact,
    responses((status = 202, description = "The job", body = JobView)),
    security(("bearer" = ["contacts:delete", "consents:write"])),
)]
#[post("/contacts/{id}/erase")]
pub(crate) async fn erase_contact(
    state: State,
    caller: Scoped<scope::ContactsDelete>,
    id: Path<Uuid>,
    key: IdempotencyKey,
    body: ValidJson<EraseContact>,
) -> Result<Reply, Problem> {
    caller.require(Scope::ConsentsWrite)?;
    let ValidJson { value, fingerprint } = body;
    let request = Request {
        whom: Whom::Contact(ContactId(*id)),
        reason: value.reason.unwrap_or(ReasonWord::Requested).into(),
        suppress: value.suppress.unwrap_or(true),
    };
    ask(&state, &caller, &key, fingerprint, request).await
}
