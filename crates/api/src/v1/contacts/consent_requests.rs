//! `GET` and `POST /contacts/{id}/consents/requests`: double opt-in.

use actix_web::{get, post};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::StoreError;
use kartoteka_app::consents::requests::{self, Installation, NewRequest, Request};
use kartoteka_domain::consents::words::Tongue;
use kartoteka_domain::ids::{ConsentRequestId, ContactId};

use super::consents::{ActorView, LegalBasisWord};
use crate::extract::{IdempotencyKey, Path, Query, Scoped, ValidJson, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::reply::{Created, Done, Reply};
use crate::state::State;

/// A language that contacts are written to in.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TongueWord {
    /// Czech.
    Cs,
    /// Polish.
    Pl,
    /// Hungarian.
    Hu,
    /// English.
    En,
}

impl From<TongueWord> for Tongue {
    fn from(word: TongueWord) -> Self {
        match word {
            TongueWord::Cs => Self::Cs,
            TongueWord::Pl => Self::Pl,
            TongueWord::Hu => Self::Hu,
            TongueWord::En => Self::En,
        }
    }
}

/// What a contact is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"purpose": "email_basic", "language": "cs"}))]
pub(crate) struct NewConsentRequest {
    /// Name of a purpose of the channel `email`.
    #[schema(max_length = 64)]
    pub(crate) purpose: String,
    /// Language of the message; the contact's own, else the workspace's, else English.
    #[schema(inline)]
    pub(crate) language: Option<TongueWord>,
    /// What the processing will stand on; `consent` when not said.
    #[schema(inline)]
    pub(crate) legal_basis: Option<LegalBasisWord>,
}

/// A question for a consent, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentRequest {
    /// Its id.
    pub(crate) id: Uuid,
    /// Name of the purpose.
    #[schema(example = "email_basic")]
    pub(crate) purpose: String,
    /// Number of the wording that is asked about.
    #[schema(example = 1)]
    pub(crate) wording_version: i32,
    /// Language of the message.
    #[schema(example = "cs")]
    pub(crate) language: String,
    /// What the processing will stand on.
    #[schema(example = "consent")]
    pub(crate) legal_basis: String,
    /// `waiting` for its turn, `handing_off` to the mail server, `deferred` (tried again), `sent`, `unknown` (the
    /// mail server did not say whether it took the message; it is not sent again by itself), `failed`, `skipped`
    /// (no message may go there any more), `cancelled`, `confirmed`, `expired`.
    #[schema(example = "sent")]
    pub(crate) state: &'static str,
    /// Why it failed, was put off or was skipped: the reply code of the mail server, a word, or reasons of `can-send`.
    #[schema(required = true, example = "450")]
    pub(crate) problem: Option<String>,
    /// Messages that were given to the mail server.
    #[schema(example = 1)]
    pub(crate) messages: i32,
    /// When the last one was.
    #[schema(required = true)]
    pub(crate) sent_at: Option<DateTime<Utc>>,
    /// When the message is tried again.
    #[schema(required = true)]
    pub(crate) next_try_at: Option<DateTime<Utc>>,
    /// When the link ends.
    pub(crate) expires_at: DateTime<Utc>,
    /// When the contact said yes.
    #[schema(required = true)]
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    /// The entry of the ledger that says so.
    #[schema(required = true)]
    pub(crate) entry_id: Option<Uuid>,
    /// Who asked.
    pub(crate) actor: ActorView,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
    /// When its state changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

impl ConsentRequest {
    fn of(request: Request, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let state = request.state(now)?.as_str();
        Ok(Self {
            id: request.id,
            purpose: request.purpose,
            wording_version: request.wording_version,
            language: request.language,
            legal_basis: request.legal_basis,
            state,
            problem: request.problem,
            messages: request.mails,
            sent_at: request.mailed_at,
            next_try_at: request.next_try_at,
            expires_at: request.expires_at,
            confirmed_at: request.confirmed_at,
            entry_id: request.entry_id,
            actor: ActorView { r#type: request.actor_type, id: request.actor_id },
            created_at: request.created_at,
            updated_at: request.updated_at,
        })
    }
}

/// List the questions for a consent
///
/// What the contact was asked by e-mail, newest first, and what came of it.
#[utoipa::path(
    tag = "consents",
    operation_id = "list_consent_requests",
    params(("id" = Uuid, Path, description = "The contact"), PageQuery),
    responses((status = 200, description = "A page of questions", body = Page<ConsentRequest>)),
    security(("bearer" = ["consents:read"])),
)]
#[get("/contacts/{id}/consents/requests")]
pub(crate) async fn list_consent_requests(
    state: State,
    caller: Scoped<scope::ConsentsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<ConsentRequest>, Problem> {
    let list = format!("consent requests {}", *id);
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, ctx| {
            let before = before.map(ConsentRequestId);
            let (requests, more) = requests::list(tenant, ContactId(*id), before, limit)?;
            let last = requests.last().filter(|_| more).map(|request| request.id);
            let view = |request| ConsentRequest::of(request, ctx.now);
            Ok(Page {
                data: requests.into_iter().map(view).collect::<Result<_, _>>()?,
                next_cursor: last.map(|id| encode_cursor(&list, &id)).transpose()?,
            })
        })
        .await
}

/// Ask a contact for a consent
///
/// Double opt-in: a message in the contact's language leads to a page on which the contact confirms; that writes the
/// entry of the ledger, with its proof. Needs a mail server in the configuration, and an address to which messages may
/// go; somebody who unsubscribed may be asked. The same question again answers with the one that is there (200), and
/// sends its message once more when that was at least ten minutes ago; an address is asked at most five times a day.
#[utoipa::path(
    tag = "consents",
    operation_id = "request_consent",
    params(("id" = Uuid, Path, description = "The contact"), IdempotencyKey),
    request_body = NewConsentRequest,
    responses(
        (status = 200, description = "The question that was asked already", body = ConsentRequest),
        (status = 201, description = "The question; its message is on its way", body = ConsentRequest),
    ),
    security(("bearer" = ["consents:write"])),
)]
#[post("/contacts/{id}/consents/requests")]
pub(crate) async fn request_consent(
    state: State,
    caller: Scoped<scope::ConsentsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
    body: ValidJson<NewConsentRequest>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    let id = *id;
    let settings = state.settings();
    let (secret, mail) = (settings.secret.clone(), settings.mail.is_some());
    let life = TimeDelta::from_std(settings.consent_request_life).unwrap_or(TimeDelta::days(7));
    let new = NewRequest {
        purpose: value.purpose,
        language: value.language.map(Tongue::from),
        legal_basis: value.legal_basis.map(Into::into),
    };
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let installation = Installation { secret: &secret, mail, life };
            let (request, made) = requests::ask(tenant, ctx, &installation, ContactId(id), &new)?;
            let body = ConsentRequest::of(request, ctx.now)?;
            if !made {
                return Ok(Reply::from(Done(body)));
            }
            let location = format!("/api/v1/contacts/{id}/consents/requests");
            Ok(Reply::from(Created { location, body }))
        })
        .await
}
