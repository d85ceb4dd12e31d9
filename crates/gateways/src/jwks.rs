//! Public keys of foreign token issuers (JWKS, RFC 7517), over HTTP.

use std::time::Duration;

/// Largest key set that is read.
const LIMIT_BYTES: u64 = 1 << 20;
/// A slow issuer must not hold a thread for long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A key set could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("the key set cannot be fetched: {0}")]
pub struct FetchError(#[from] ureq::Error);

/// Gets the text of a key set. Blocks; follows no redirects.
///
/// # Errors
/// The server does not answer in time, or with anything but 200 and at most 1 MiB.
pub fn fetch(url: &str) -> Result<String, FetchError> {
    let config =
        ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0).build();
    let mut answer = ureq::Agent::new_with_config(config).get(url).call()?;
    Ok(answer.body_mut().with_config().limit(LIMIT_BYTES).read_to_string()?)
}
