//! `GET /contacts/{id}/export` (TRS-5).

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::export::{self, Export};
use kartoteka_app::{Db, Error};
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::scopes::Scope;

use super::view::ContactView;
use crate::download::{self, Blocks};
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::state::State;

/// Name of the form of the document.
const SCHEMA: &str = "kartoteka.contact-export";
/// Its number; it grows when a member changes its meaning, not when one is added.
const VERSION: u32 = 1;

/// Everything that is kept about a person. Only documentation: the answer is made while it is sent.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents an answer that is made while it is sent")]
pub(crate) struct ContactExport {
    /// `kartoteka.contact-export`.
    #[schema(example = "kartoteka.contact-export")]
    schema: String,
    /// Number of the form; it grows when a member changes its meaning, not when one is added.
    #[schema(example = 1)]
    version: u32,
    /// When it was made.
    made_at: DateTime<Utc>,
    /// Where: id and name of the workspace.
    workspace: ExportWorkspace,
    /// The contact.
    contact: ContactView,
    /// What keeps messages from its addresses: channel, reason, since when.
    #[schema(value_type = Vec<Object>)]
    suppressions: Vec<Value>,
    /// Other systems that hear of contacts: type, host, whether they are sent the contact itself, since when.
    #[schema(value_type = Vec<Object>)]
    receivers: Vec<Value>,
    /// Whether private notes of others are among the notes; that needs the scope `admin`.
    private_notes: bool,
    /// Tags, with score and since when.
    #[schema(value_type = Vec<Object>)]
    tags: Vec<Value>,
    /// Groups.
    #[schema(value_type = Vec<Object>)]
    groups: Vec<Value>,
    /// The contact type.
    #[schema(value_type = Vec<Object>)]
    types: Vec<Value>,
    /// The last word on each purpose.
    #[schema(value_type = Vec<Object>)]
    consents: Vec<Value>,
    /// All entries of the consent ledger, with wording and evidence.
    #[schema(value_type = Vec<Object>)]
    consent_entries: Vec<Value>,
    /// Questions for a consent, and what became of them.
    #[schema(value_type = Vec<Object>)]
    consent_requests: Vec<Value>,
    /// Contacts that were merged into it, what they were, and what that changed.
    #[schema(value_type = Vec<Object>)]
    merges: Vec<Value>,
    /// Notes.
    #[schema(value_type = Vec<Object>)]
    notes: Vec<Value>,
    /// Calls, meetings, tasks, letters, e-mails.
    #[schema(value_type = Vec<Object>)]
    activities: Vec<Value>,
    /// Who answers for the contact.
    #[schema(value_type = Vec<Object>)]
    owners: Vec<Value>,
    /// Companies it belongs to.
    #[schema(value_type = Vec<Object>)]
    companies: Vec<Value>,
    /// Opportunities it has to do with.
    #[schema(value_type = Vec<Object>)]
    opportunities: Vec<Value>,
    /// Projects it has a part in.
    #[schema(value_type = Vec<Object>)]
    projects: Vec<Value>,
    /// Documents it has a line in; private ones for tokens with `admin` only.
    #[schema(value_type = Vec<Object>)]
    documents: Vec<Value>,
    /// Rules and scenarios it went or goes through, where it stands, and how that ended.
    #[schema(value_type = Vec<Object>)]
    runs: Vec<Value>,
    /// Imports that made or met it: name, file, and of each row its number, outcome, problems, changes and what was read.
    #[schema(value_type = Vec<Object>)]
    imports: Vec<Value>,
    /// Contacts that seem to be the same, with score and reasons.
    #[schema(value_type = Vec<Object>)]
    duplicates: Vec<Value>,
    /// Contacts of which somebody said that they are not the same.
    #[schema(value_type = Vec<Object>)]
    not_duplicates: Vec<Value>,
    /// What was done to it, when, by whom, through which job.
    #[schema(value_type = Vec<Object>)]
    changes: Vec<Value>,
}

/// Id and name of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportWorkspace {
    /// Its id.
    id: Uuid,
    /// Its name.
    #[schema(example = "main")]
    name: String,
}

impl Blocks for Export {
    fn next_block(&mut self, db: &Db) -> Result<Option<Vec<u8>>, Error> {
        Self::next_block(self, db)
    }
}

/// Export everything about a contact
///
/// One JSON document with all that is kept about the person, in the trash or not, to hand over (GDPR, articles 15 and 20).
/// It needs both `contacts:read` and `consents:read`. Private notes of others are in it for tokens with `admin` only. It
/// is made while it is sent: lists may be long, and what changes meanwhile may be told in part. The audit trail keeps
/// that it was taken. Lists that are not imported yet are not in it.
#[utoipa::path(
    tag = "contacts",
    operation_id = "export_contact",
    params(("id" = Uuid, Path, description = "The contact")),
    responses((status = 200, description = "The document", body = ContactExport,
        headers(("Content-Disposition" = String, description = "`attachment` with a file name")))),
    security(("bearer" = ["contacts:read", "consents:read"])),
)]
#[get("/contacts/{id}/export")]
pub(crate) async fn export_contact(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require(Scope::ConsentsRead)?;
    let id = *id;
    let private = caller.may(Scope::Admin);
    let secret = state.settings().secret.clone();
    let workspace = caller.workspace;
    let export = state
        .write(&caller, move |tenant, ctx| {
            let head = export::begin(tenant, ctx, ContactId(id), &secret)?;
            let (workspace_id, name) = head.workspace;
            let ids = head.contact_ids;
            let members: [(&str, Value); 8] = [
                ("schema", json!(SCHEMA)),
                ("version", json!(VERSION)),
                ("made_at", json!(ctx.now)),
                ("workspace", json!(ExportWorkspace { id: workspace_id, name })),
                ("contact", json!(ContactView::from(head.contact))),
                ("suppressions", json!(head.suppressions)),
                ("receivers", json!(head.receivers)),
                ("private_notes", json!(private)),
            ];
            let head: Map<String, Value> =
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            Ok(Export::new(workspace, ids, private, head))
        })
        .await?;
    let blocks = download::stream(state, (*caller).clone(), export);
    Ok(HttpResponse::Ok()
        .insert_header(("Content-Type", "application/json"))
        .insert_header((
            "Content-Disposition",
            format!("attachment; filename=\"contact-{id}.json\""),
        ))
        .streaming(blocks))
}
