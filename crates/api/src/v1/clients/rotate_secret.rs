//! `POST /clients/{id}/rotate-secret`.

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::access::clients;
use kartoteka_app::access::secrets::Entropy;

use super::ClientWithSecret;
use crate::extract::json::Fingerprint;
use crate::extract::{IdempotencyKey, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;

/// Give an integration a new secret
///
/// The old one stops working at once; the answer shows the new one, this once. Access tokens it already has
/// end within minutes.
#[utoipa::path(
    tag = "clients",
    operation_id = "rotate_client_secret",
    params(("id" = Uuid, Path, description = "The integration"), IdempotencyKey),
    responses((status = 200, description = "The integration and its new secret", body = ClientWithSecret)),
    security(("bearer" = ["admin"])),
)]
#[post("/clients/{id}/rotate-secret")]
pub(crate) async fn rotate_client_secret(
    state: State,
    caller: Scoped<scope::Admin>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let secret = Entropy::random().client_secret();
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let row = clients::rotate_secret(tenant, ctx, (*id).into(), &secret)?;
            let kept = Done(ClientWithSecret::new(row.clone(), None));
            let shown = Done(ClientWithSecret::new(row, Some(secret)));
            Ok(Reply::from(shown).keeping(kept.into()))
        })
        .await
}
