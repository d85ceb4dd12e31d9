//! `GET` and `POST /contacts/{id}/consents`.

use actix_web::web::Json;
use actix_web::{get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::consents::ledger::{self, Current, Declaration, ShownEntry};
use kartoteka_domain::consents::ledger::{Action, Channel, LegalBasis};
use kartoteka_domain::ids::ContactId;

use crate::extract::{IdempotencyKey, Path, Query, Scoped, ValidJson, scope};
use crate::page::{PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A way to reach somebody.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChannelWord {
    /// E-mail.
    Email,
    /// Short messages.
    Sms,
    /// Letters.
    Post,
}

impl From<ChannelWord> for Channel {
    fn from(word: ChannelWord) -> Self {
        match word {
            ChannelWord::Email => Self::Email,
            ChannelWord::Sms => Self::Sms,
            ChannelWord::Post => Self::Post,
        }
    }
}

/// Given or taken back.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActionWord {
    /// Consent is given.
    Grant,
    /// Consent is taken back, or refused.
    Withdraw,
}

/// What the processing stands on (GDPR, article 6 (1)).
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LegalBasisWord {
    /// The person agreed.
    Consent,
    /// A contract needs it.
    Contract,
    /// A legitimate interest.
    LegitimateInterest,
    /// The law demands it.
    LegalObligation,
    /// Somebody's life depends on it.
    VitalInterests,
    /// A task in the public interest.
    PublicTask,
}

impl From<LegalBasisWord> for LegalBasis {
    fn from(word: LegalBasisWord) -> Self {
        match word {
            LegalBasisWord::Consent => Self::Consent,
            LegalBasisWord::Contract => Self::Contract,
            LegalBasisWord::LegitimateInterest => Self::LegitimateInterest,
            LegalBasisWord::LegalObligation => Self::LegalObligation,
            LegalBasisWord::VitalInterests => Self::VitalInterests,
            LegalBasisWord::PublicTask => Self::PublicTask,
        }
    }
}

/// A declaration about one purpose.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "purpose": "email_basic", "action": "grant", "legal_basis": "consent",
    "evidence": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0", "form": "newsletter"}
}))]
pub(crate) struct NewConsent {
    /// Name of the purpose.
    #[schema(max_length = 64)]
    pub(crate) purpose: String,
    /// Given or taken back.
    pub(crate) action: ActionWord,
    /// What the processing stands on; needed for a grant, `consent` for a withdrawal that names none.
    #[schema(inline)]
    pub(crate) legal_basis: Option<LegalBasisWord>,
    /// What proves it: `ip`, `user_agent` and anything else, at most 16 KiB.
    #[schema(value_type = Option<Object>, additional_properties = true)]
    pub(crate) evidence: Option<Map<String, Value>>,
}

/// An entry of the consent ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentEntry {
    /// Its id; ids sort in order of time.
    pub(crate) id: Uuid,
    /// Name of the purpose.
    #[schema(example = "email_basic")]
    pub(crate) purpose: String,
    /// `grant` or `withdraw`.
    #[schema(example = "grant")]
    pub(crate) action: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Who wrote it.
    pub(crate) actor: ActorView,
    /// Where it came from.
    pub(crate) source: SourceView,
    /// What the processing stands on.
    #[schema(example = "consent")]
    pub(crate) legal_basis: String,
    /// Number of the wording that was shown.
    #[schema(example = 1)]
    pub(crate) wording_version: i32,
    /// The wording that was shown.
    #[schema(required = true, example = "I agree to receive news and offers by e-mail.")]
    pub(crate) wording: Option<String>,
    /// What proves it; `null` when nothing was given.
    #[schema(required = true, value_type = Option<Object>, additional_properties = true)]
    pub(crate) evidence: Option<Map<String, Value>>,
}

/// Whoever is behind a change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorView {
    /// `user`, `client` or `system`.
    #[schema(example = "user")]
    pub(crate) r#type: String,
    /// The person or integration.
    #[schema(required = true)]
    pub(crate) id: Option<Uuid>,
}

/// Where an entry came from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceView {
    /// `card`, `form`, `import`, `api`, `contact_manager`, `scenario`, `unsubscribe` or `merge`.
    #[schema(example = "card")]
    pub(crate) r#type: String,
    /// The import, job, form or merge.
    #[schema(required = true)]
    pub(crate) id: Option<Uuid>,
}

/// The last word of a contact on one purpose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CurrentConsent {
    /// Name of the purpose.
    #[schema(example = "email_basic")]
    pub(crate) purpose: String,
    /// `email`, `sms` or `post`.
    #[schema(example = "email")]
    pub(crate) channel: String,
    /// What people see of the purpose.
    #[schema(example = "News by e-mail")]
    pub(crate) title: String,
    /// `granted`, `withdrawn` or `never`.
    #[schema(example = "granted")]
    pub(crate) state: &'static str,
    /// Since when; `null` when nobody ever asked.
    #[schema(required = true)]
    pub(crate) at: Option<DateTime<Utc>>,
    /// The entry that says so.
    #[schema(required = true)]
    pub(crate) entry_id: Option<Uuid>,
}

/// The consents of a contact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContactConsents {
    /// The last word on each purpose of the workspace.
    pub(crate) current: Vec<CurrentConsent>,
    /// Entries of the ledger, newest first.
    pub(crate) history: Vec<ConsentEntry>,
    /// Where older entries begin; `null` when there are none.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// At which instant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOf {
    /// State and history as they were at this instant (RFC 3339); now when absent.
    pub(super) as_of: Option<DateTime<Utc>>,
}

/// Read the consents of a contact
///
/// The last word on each purpose, and the ledger it follows from; with `as_of`, as they were then.
#[utoipa::path(
    tag = "consents",
    operation_id = "list_consents",
    params(("id" = Uuid, Path, description = "The contact"), AsOf, PageQuery),
    responses((status = 200, description = "The consents", body = ContactConsents)),
    security(("bearer" = ["consents:read"])),
)]
#[get("/contacts/{id}/consents")]
pub(crate) async fn list_consents(
    state: State,
    caller: Scoped<scope::ConsentsRead>,
    id: Path<Uuid>,
    as_of: Query<AsOf>,
    page: Query<PageQuery>,
) -> Result<Json<ContactConsents>, Problem> {
    let as_of = as_of.into_inner().as_of;
    let list = format!("consents {} {as_of:?}", *id);
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    let answer = state
        .read(&caller, move |tenant, _| {
            let (current, history, more) =
                ledger::of_contact(tenant, ContactId(*id), before, as_of, limit)?;
            let last = history.last().filter(|_| more).map(|entry| entry.id);
            Ok(ContactConsents {
                current: current.into_iter().map(CurrentConsent::from).collect(),
                history: history.into_iter().map(ConsentEntry::from).collect(),
                next_cursor: last.map(|id| encode_cursor(&list, &id)).transpose()?,
            })
        })
        .await?;
    Ok(Json(answer))
}

/// Grant or withdraw a consent
///
/// Adds an entry to the ledger, for the present wording of the purpose; nothing in the ledger is ever changed.
/// Its source is `card` for users and `api` for integrations. A withdrawal is taken for a contact in the trash
/// too, a grant is not.
#[utoipa::path(
    tag = "consents",
    operation_id = "declare_consent",
    params(("id" = Uuid, Path, description = "The contact"), IdempotencyKey),
    request_body = NewConsent,
    responses((status = 201, description = "The entry", body = ConsentEntry)),
    security(("bearer" = ["consents:write"])),
)]
#[post("/contacts/{id}/consents")]
pub(crate) async fn declare_consent(
    state: State,
    caller: Scoped<scope::ConsentsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
    body: ValidJson<NewConsent>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    let id = *id;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let entry = ledger::declare(tenant, ctx, ContactId(id), &declaration(value))?;
            let location = format!("/api/v1/contacts/{id}/consents");
            Ok(Created { location, body: ConsentEntry::from(entry) })
        })
        .await
}

fn declaration(request: NewConsent) -> Declaration {
    let NewConsent { purpose, action, legal_basis, evidence } = request;
    let action = match action {
        ActionWord::Grant => Action::Grant,
        ActionWord::Withdraw => Action::Withdraw,
    };
    let legal_basis = legal_basis.map(LegalBasis::from);
    Declaration { purpose, action, legal_basis, evidence }
}

impl From<Current> for CurrentConsent {
    fn from(current: Current) -> Self {
        let Current { purpose, channel, title, granted, at, entry_id } = current;
        Self { purpose, channel, title, state: state_of(granted), at, entry_id }
    }
}

/// The word for what was said last.
pub(super) fn state_of(granted: Option<bool>) -> &'static str {
    match granted {
        Some(true) => "granted",
        Some(false) => "withdrawn",
        None => "never",
    }
}

/// All that proves an entry, in one object.
pub(super) fn evidence_of(
    other: Option<Value>,
    ip: Option<String>,
    user_agent: Option<String>,
) -> Option<Map<String, Value>> {
    let mut evidence = match other {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    for (name, value) in [("ip", ip), ("user_agent", user_agent)] {
        if let Some(value) = value {
            evidence.insert(name.to_owned(), value.into());
        }
    }
    (!evidence.is_empty()).then_some(evidence)
}

impl From<ShownEntry> for ConsentEntry {
    fn from(entry: ShownEntry) -> Self {
        Self {
            id: entry.id,
            purpose: entry.purpose,
            action: entry.action,
            at: entry.at,
            actor: ActorView { r#type: entry.actor_type, id: entry.actor_id },
            source: SourceView { r#type: entry.source_type, id: entry.source_id },
            legal_basis: entry.legal_basis,
            wording_version: entry.wording_version,
            wording: entry.wording,
            evidence: evidence_of(entry.evidence, entry.ip, entry.user_agent),
        }
    }
}
