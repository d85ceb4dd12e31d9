//! `PATCH /clients/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::access::clients::{self, ClientChanges, ClientRow};

use super::{Client, read_scopes};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// What changes about an integration (merge patch).
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ClientPatch {
    /// Another name.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Web shop",
        nullable = false
    )]
    pub name: Option<String>,
    /// Other scopes, for tokens from now on.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100, example = json!(["contacts:read"]), nullable = false)]
    pub scopes: Option<Vec<String>>,
    /// `true` keeps it from getting tokens.
    #[serde(default)]
    #[schema(nullable = false)]
    pub disabled: Option<bool>,
}

/// Change an integration
#[utoipa::path(
    tag = "clients",
    operation_id = "patch_client",
    params(("id" = Uuid, Path, description = "The integration"), IfMatch),
    request_body = ClientPatch,
    responses((status = 200, description = "The integration", body = Client)),
    security(("bearer" = ["admin"])),
)]
#[patch("/clients/{id}")]
pub(crate) async fn patch_client(
    state: State,
    caller: Scoped<scope::Admin>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<ClientPatch>,
) -> Result<Done<Client>, Problem> {
    let ClientPatch { name, scopes, disabled } = body.value;
    let scopes = scopes.as_deref().map(read_scopes).transpose()?;
    let changes = ClientChanges { name, scopes, disabled };
    let id = id.into_inner();
    let client = state
        .write(&caller, move |tenant, ctx| {
            let check = |row: &ClientRow| if_match.check(&Client::from(row.clone()));
            Ok(Client::from(clients::update(tenant, ctx, id.into(), changes, check)?))
        })
        .await?;
    state.subjects().forget(caller.workspace.0, &id.to_string());
    Ok(Done(client))
}
