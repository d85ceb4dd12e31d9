//! Configuration in the words of the floors below.

use kartoteka_api::{ForeignIssuer, ForeignKeys, MetricsAccess, Settings};

use crate::config::Config;
use crate::keys::Keys;

/// What the API is told at start-up.
pub fn api_settings(config: &Config, keys: &Keys) -> Settings {
    Settings {
        issuer: config.public_url.clone(),
        public_url: config.public_url.clone(),
        foreign_issuers: config
            .trusted_issuers
            .iter()
            .map(|issuer| ForeignIssuer {
                issuer: issuer.issuer.clone(),
                keys: ForeignKeys::Url(issuer.jwks_url.clone()),
            })
            .collect(),
        secret: keys.secret.to_vec(),
        upload_limit: config.upload_limit_bytes,
        requests_per_minute: config.rate_limit.saturating_mul(60),
        cors_origins: config.cors_origins.clone(),
        trust_forwarded_for: config.trust_forwarded_for,
        metrics: match &config.metrics_token {
            Some(token) => MetricsAccess::Token(token.reveal().to_owned()),
            None => MetricsAccess::Closed,
        },
        ..Settings::default()
    }
}
