//! The public keys of our tokens, for whoever wants to check them.

use actix_web::{HttpResponse, get};

use crate::state::State;

/// Public keys of access tokens
///
/// A JSON Web Key Set (RFC 7517). A token's `kid` names one of them.
#[utoipa::path(tag = "service", operation_id = "get_keys",
    responses((status = 200, description = "The keys", body = Object, example = json!({"keys": [{
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "20260501T100000000Z-1f2e3d",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}))),
    security(()))]
#[get("/.well-known/jwks.json")]
pub(crate) async fn get_keys(state: State) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "max-age=300")).json(state.keys().jwks())
}
