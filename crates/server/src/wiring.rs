//! Configuration in the words of the floors below.

use std::time::Duration;

use kartoteka_api::{ForeignIssuer, ForeignKeys, MetricsAccess, Settings};
use kartoteka_app::erasures::Journal;

use crate::config::Config;
use crate::keys::Keys;
use crate::open_files;

/// Most connections of clients: some kilobytes each.
const MOST_CONNECTIONS: usize = 4096;
/// Seconds.
const DAY: u64 = 24 * 3600;
/// Files that are not connections of clients: the database, the log, the runtime.
const OTHER_FILES: usize = 256;

/// Connections for clients when a process may have so many files open. One too many would leave none for the
/// database.
fn connections(open_files: usize) -> usize {
    open_files.saturating_sub(OTHER_FILES).clamp(OTHER_FILES, MOST_CONNECTIONS)
}

/// The journal of erasures.
pub fn journal(config: &Config) -> Journal {
    Journal::new(config.erasure_journal.clone())
}

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
        journal: journal(config),
        webhook_allow: config.webhook_allow.clone(),
        mail: config.mail.clone(),
        links_url: config.links_url.clone(),
        consent_request_life: Duration::from_secs(u64::from(config.consent_request_days) * DAY),
        upload_limit: config.upload_limit_bytes,
        requests_per_minute: config.rate_limit.saturating_mul(60),
        cors_origins: config.cors_origins.clone(),
        trust_forwarded_for: config.trust_forwarded_for,
        metrics: match &config.metrics_token {
            Some(token) => MetricsAccess::Token(token.reveal().to_owned()),
            None => MetricsAccess::Closed,
        },
        connections: connections(open_files::raise()),
        ..Settings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_the_database() {
        assert_eq!(connections(20_000), MOST_CONNECTIONS);
        assert_eq!(connections(1024), 768);
        assert_eq!(connections(64), OTHER_FILES, "hardly a server; it starts");
    }
}
