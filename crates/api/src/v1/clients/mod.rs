//! Integrations: programs with a token of their own.

mod create;
mod delete;
mod get;
mod list;
mod patch;
mod rotate_secret;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::access::clients::ClientRow;
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::scopes::Scope;

use crate::problem::Problem;

/// The operations on integrations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_clients)
        .service(create::create_client)
        .service(get::get_client)
        .service(patch::patch_client)
        .service(delete::delete_client)
        .service(rotate_secret::rotate_client_secret);
}

/// An integration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Client {
    /// Its id, which is its `client_id`.
    pub id: Uuid,
    /// What it is called.
    #[schema(example = "Web shop")]
    pub name: String,
    /// What its tokens may do at most.
    #[schema(example = json!(["contacts:read", "contacts:write"]))]
    pub scopes: Vec<String>,
    /// Whether it is kept from getting tokens.
    #[schema(example = false)]
    pub disabled: bool,
    /// When it last got a token.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<ClientRow> for Client {
    fn from(row: ClientRow) -> Self {
        let ClientRow { id, name, scopes, disabled_at, last_used_at, created_at, updated_at } = row;
        let disabled = disabled_at.is_some();
        Self { id, name, scopes, disabled, last_used_at, created_at, updated_at }
    }
}

/// An integration with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientWithSecret {
    /// The integration.
    pub client: Client,
    /// Its id, for the token request.
    pub client_id: Uuid,
    /// Its secret. Shown this once: `null` when the answer is replayed for an idempotency key.
    #[schema(example = "kcs_ERERERERERERERERERERERERERERERERERERERERERE")]
    pub client_secret: Option<String>,
}

impl ClientWithSecret {
    fn new(row: ClientRow, secret: Option<String>) -> Self {
        Self { client_id: row.id, client: row.into(), client_secret: secret }
    }
}

/// Reads a list of scopes.
fn read_scopes(words: &[String]) -> Result<BTreeSet<Scope>, Problem> {
    let mut faults = Vec::new();
    let mut scopes = BTreeSet::new();
    for (index, word) in words.iter().enumerate() {
        match word.parse() {
            Ok(scope) => {
                scopes.insert(scope);
            }
            Err(_unknown) => {
                let pointer = format!("#/scopes/{index}");
                faults.push(Fault::new(pointer, Code::UnknownScope, Code::UnknownScope.title()));
            }
        }
    }
    if faults.is_empty() { Ok(scopes) } else { Err(Problem::invalid(faults)) }
}
