//! `POST /clients`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::access::clients;
use kartoteka_app::access::secrets::Entropy;

use super::{ClientWithSecret, read_scopes};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new integration.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewClient {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Web shop")]
    pub name: String,
    /// What its tokens may do at most.
    #[schema(min_items = 1, max_items = 100, example = json!(["contacts:read", "contacts:write"]))]
    pub scopes: Vec<String>,
}

/// Add an integration
///
/// The answer shows its secret, this once. With id and secret it gets tokens (`client_credentials`).
#[utoipa::path(
    tag = "clients",
    operation_id = "create_client",
    params(IdempotencyKey),
    request_body = NewClient,
    responses((status = 201, description = "The integration and its secret", body = ClientWithSecret)),
    security(("bearer" = ["admin"])),
)]
#[post("/clients")]
pub(crate) async fn create_client(
    state: State,
    caller: Scoped<scope::Admin>,
    key: IdempotencyKey,
    body: ValidJson<NewClient>,
) -> Result<Reply, Problem> {
    let ValidJson { value: NewClient { name, scopes }, fingerprint } = body;
    let scopes = read_scopes(&scopes)?;
    let secret = Entropy::random().client_secret();
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let row = clients::create(tenant, ctx, &name, &scopes, &secret)?;
            let location = format!("/api/v1/clients/{}", row.id);
            let kept = ClientWithSecret::new(row.clone(), None);
            let shown = ClientWithSecret::new(row, Some(secret));
            let kept = Created { location: location.clone(), body: kept };
            Ok(Reply::from(Created { location, body: shown }).keeping(kept.into()))
        })
        .await
}
