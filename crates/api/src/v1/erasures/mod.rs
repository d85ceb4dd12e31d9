//! Erasures of persons: asked for by address, and what became of them.

pub mod create;
pub mod get;
pub mod list;

use actix_web::http::header;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::erasures::{self, Erasure, Request};
use kartoteka_domain::codes::Code;
use kartoteka_domain::erasures::Reason;

use crate::extract::{Caller, Fingerprint, IdempotencyKey};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::contacts::consents::ActorView;
use crate::v1::jobs::{JobView, location};

/// The operations of this noun.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list::list_erasures).service(create::create_erasure).service(get::get_erasure);
}

/// Why a person is erased (GDPR, article 17 (1)).
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReasonWord {
    /// The person asked, and said no more.
    Requested,
    /// (a) It is no longer needed.
    NoLongerNeeded,
    /// (b) Consent was withdrawn.
    ConsentWithdrawn,
    /// (c) The person objects.
    Objection,
    /// (d) It was processed unlawfully.
    Unlawful,
    /// (e) The law demands it.
    LegalObligation,
    /// (f) It was collected from a child.
    Child,
}

impl From<ReasonWord> for Reason {
    fn from(word: ReasonWord) -> Self {
        match word {
            ReasonWord::Requested => Self::Requested,
            ReasonWord::NoLongerNeeded => Self::NoLongerNeeded,
            ReasonWord::ConsentWithdrawn => Self::ConsentWithdrawn,
            ReasonWord::Objection => Self::Objection,
            ReasonWord::Unlawful => Self::Unlawful,
            ReasonWord::LegalObligation => Self::LegalObligation,
            ReasonWord::Child => Self::Child,
        }
    }
}

/// An erasure: nothing of it is personal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
pub(crate) struct ErasureView {
    /// Its id.
    pub(crate) id: Uuid,
    /// `requested`, `done` or `failed`.
    #[schema(example = "done")]
    pub(crate) state: String,
    /// The ground: `requested`, `no_longer_needed`, `consent_withdrawn`, `objection`, `unlawful`, `legal_obligation` or
    /// `child`.
    #[schema(example = "requested")]
    pub(crate) reason: String,
    /// Whether the addresses may not be written to any more.
    pub(crate) suppress: bool,
    /// The contacts that were the person; the ids name nobody any more.
    pub(crate) contact_ids: Vec<Uuid>,
    /// Other contacts that had one of the addresses when it was asked for, at most 100. They are left alone, and so is
    /// what they share.
    pub(crate) also_used_by: Vec<Uuid>,
    /// Who asked for it.
    pub(crate) actor: ActorView,
    /// The job that does, or did, it.
    pub(crate) job_id: Uuid,
    /// What was removed, by kind.
    #[schema(value_type = Object, example = json!({"contacts": 1, "imports": 2, "suppressed": 2}))]
    pub(crate) counts: Value,
    /// Code of the problem that made it fail; nothing was removed of the contact then.
    #[schema(required = true, example = json!(null))]
    pub(crate) problem: Option<String>,
    /// When it was asked for.
    pub(crate) requested_at: DateTime<Utc>,
    /// When it was taken from the journal, after a backup was restored that did not know it.
    #[schema(required = true)]
    pub(crate) replayed_at: Option<DateTime<Utc>>,
    /// When it was done.
    #[schema(required = true)]
    pub(crate) erased_at: Option<DateTime<Utc>>,
}

impl From<Erasure> for ErasureView {
    fn from(erasure: Erasure) -> Self {
        Self {
            id: erasure.id,
            state: erasure.state,
            reason: erasure.reason,
            suppress: erasure.suppress,
            contact_ids: erasure.contact_ids,
            also_used_by: erasure.also_used_by,
            actor: ActorView { r#type: erasure.actor_type, id: erasure.actor_id },
            job_id: erasure.job_id,
            counts: erasure.counts,
            problem: erasure.problem,
            requested_at: erasure.requested_at,
            replayed_at: erasure.replayed_at,
            erased_at: erasure.erased_at,
        }
    }
}

/// Asks for an erasure, unless it could not be noted.
pub(crate) async fn ask(
    state: &State,
    caller: &Caller,
    key: &IdempotencyKey,
    fingerprint: Fingerprint,
    request: Request,
) -> Result<Reply, Problem> {
    let (secret, journal) = (state.settings().secret.clone(), state.settings().journal.clone());
    state
        .post(caller, key, fingerprint, move |tenant, ctx| {
            if let Err(error) = journal.check() {
                tracing::error!(%error, "the journal of erasures cannot be written");
                let detail = "Nothing is erased without its line there. The operator has to see to the file.";
                return Err(Problem::new(Code::ErasureJournalUnavailable, detail)
                    .with_header(header::RETRY_AFTER, "60"));
            }
            let (_, job) = erasures::request(tenant, ctx, &secret, &request)?;
            Ok(Accepted { location: location(job.id), body: JobView::from(job) })
        })
        .await
}
