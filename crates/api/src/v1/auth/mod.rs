//! Tokens (RFC 6749, RFC 7009).

pub mod oauth;
mod revoke;
pub(crate) mod throttle;
mod token;

use utoipa_actix_web::service_config::ServiceConfig;

/// The operations on tokens.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(token::create_token).service(revoke::revoke_token);
}
