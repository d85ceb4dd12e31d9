//! Documents: files that Kartoteka made (MGR-M).

pub mod content;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::documents::{self, Document};
use kartoteka_app::{StoreError, Tenant};
use kartoteka_domain::documents::Kind;

use crate::v1::contacts::consents::ActorView;

/// The operations on documents.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_documents)
        .service(get::get_document)
        .service(content::get_document_content)
        .service(patch::patch_document)
        .service(delete::delete_document);
}

/// What a document is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DocumentKind {
    /// A link with a tracking parameter for each of some contacts.
    Links,
}

impl From<DocumentKind> for Kind {
    fn from(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::Links => Self::Links,
        }
    }
}

/// A file that Kartoteka made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Document)]
pub(crate) struct DocumentView {
    /// Its id; ids sort in order of time.
    pub(crate) id: Uuid,
    /// What it is: `links`, a link with a tracking parameter for each of some contacts.
    #[schema(example = "links")]
    pub(crate) kind: String,
    /// The name of the file.
    #[schema(example = "links-2026-11-22-174503.csv")]
    pub(crate) name: String,
    /// The media type of its content.
    #[schema(example = "text/csv; charset=utf-8")]
    pub(crate) media_type: &'static str,
    /// Of links: the page they lead to.
    #[schema(required = true, example = "https://shop.example/sale?utm_source=mail")]
    pub(crate) url: Option<String>,
    /// Seen by its owner only.
    #[schema(example = false)]
    pub(crate) private: bool,
    /// Whose it is: who had it made.
    pub(crate) owner: ActorView,
    /// The job that made it.
    pub(crate) job_id: Uuid,
    /// How many contacts it was made for. Those in the trash have no line in it, and those purged since none any more.
    #[schema(example = 1250)]
    pub(crate) contacts: i64,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
    /// When it goes, by the rules of retention of today; `null` when it is kept for ever.
    #[schema(required = true)]
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// How a document is shown by the rules of today.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    days: Option<i64>,
}

impl Shown {
    pub(crate) fn now(tenant: &mut Tenant<'_>) -> Result<Self, StoreError> {
        Ok(Self { days: documents::kept_days(tenant)? })
    }

    pub(crate) fn view(self, document: Document) -> DocumentView {
        let Document { id, kind, name, page, private, owner_type, owner_id, job_id, .. } = document;
        let kept = self.days.zip(document.finished_at);
        DocumentView {
            id,
            name,
            media_type: Kind::from_word(&kind).unwrap_or(Kind::Links).media_type(),
            kind,
            url: page,
            private,
            owner: ActorView { r#type: owner_type, id: owner_id },
            job_id,
            contacts: document.contacts,
            created_at: document.created_at,
            updated_at: document.updated_at,
            expires_at: kept
                .and_then(|(days, from)| from.checked_add_signed(TimeDelta::days(days))),
        }
    }
}
