//! Keys of issuers that the configuration trusts: fetched when first needed, again when a token names an
//! unknown key, but not more often than every half minute, so that nobody can make us hammer an issuer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::settings::{ForeignIssuer, ForeignKeys};

/// Least time between two fetches of one issuer's keys.
const REFETCH_SECONDS: i64 = 30;
/// Keys are fetched anew after this, so that a withdrawn key stops working.
const STALE_SECONDS: i64 = 3600;

/// The trusted issuers and what is known of their keys.
pub struct ForeignIssuers {
    issuers: HashMap<String, ForeignIssuer>,
    cache: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    fetched: DateTime<Utc>,
    keys: HashMap<String, (DecodingKey, Algorithm)>,
}

/// Where to look next.
pub enum Lookup {
    /// This is the key.
    Found(DecodingKey, Algorithm),
    /// It may be there after [`ForeignIssuers::fetch`].
    Fetch,
    /// There is no such key, and it is too early to ask again.
    Unknown,
}

impl ForeignIssuers {
    /// The issuers of the configuration.
    #[must_use]
    pub fn new(issuers: &[ForeignIssuer]) -> Self {
        Self {
            issuers: issuers.iter().map(|issuer| (issuer.issuer.clone(), issuer.clone())).collect(),
            cache: Mutex::new(HashMap::new()),
        }
    }

    /// Whether tokens of this issuer are taken.
    #[must_use]
    pub fn trusts(&self, issuer: &str) -> bool {
        self.issuers.contains_key(issuer)
    }

    /// Looks the key up in what was fetched before.
    pub fn find(&self, issuer: &str, kid: &str, now: DateTime<Utc>) -> Lookup {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = cache.get(issuer) else { return Lookup::Fetch };
        let age = now - known.fetched;
        match known.keys.get(kid) {
            Some((key, algorithm)) if age < TimeDelta::seconds(STALE_SECONDS) => {
                Lookup::Found(key.clone(), *algorithm)
            }
            _ if age >= TimeDelta::seconds(REFETCH_SECONDS) => Lookup::Fetch,
            _ => Lookup::Unknown,
        }
    }

    /// Gets the issuer's keys. Blocks. A failure keeps the keys known before and counts as a fetch.
    pub fn fetch(&self, issuer: &str, now: DateTime<Utc>) {
        let Some(settings) = self.issuers.get(issuer) else { return };
        let set = match &settings.keys {
            ForeignKeys::Url(url) => {
                kartoteka_gateways::jwks::fetch(url).map_err(|e| e.to_string())
            }
            ForeignKeys::File(path) => std::fs::read_to_string(path).map_err(|e| e.to_string()),
            ForeignKeys::Inline(text) => Ok(text.clone()),
        };
        let set = set.and_then(|text| {
            serde_json::from_str::<JwkSet>(&text).map_err(|error| error.to_string())
        });
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        match set {
            Ok(set) => {
                let keys = set.keys.iter().filter_map(usable).collect();
                cache.insert(issuer.to_owned(), Known { fetched: now, keys });
            }
            Err(error) => {
                tracing::warn!(issuer, error, "keys of a trusted issuer cannot be read");
                let known = cache
                    .entry(issuer.to_owned())
                    .or_insert_with(|| Known { fetched: now, keys: HashMap::new() });
                known.fetched = now;
            }
        }
    }
}

/// A public signing key with an id; its algorithm comes from the key itself, never from a token.
fn usable(jwk: &Jwk) -> Option<(String, (DecodingKey, Algorithm))> {
    use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve};
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = match (&jwk.common.key_algorithm, &jwk.algorithm) {
        // a shared secret in a key set would let anyone who reads it make tokens
        (_, AlgorithmParameters::OctetKey(_)) => return None,
        (Some(named), _) => named.to_string().parse().ok()?,
        (None, AlgorithmParameters::OctetKeyPair(_)) => Algorithm::EdDSA,
        (None, AlgorithmParameters::RSA(_)) => Algorithm::RS256,
        (None, AlgorithmParameters::EllipticCurve(key)) => match key.curve {
            EllipticCurve::P256 => Algorithm::ES256,
            EllipticCurve::P384 => Algorithm::ES384,
            _ => return None,
        },
        (None, _) => return None,
    };
    let kid = jwk.common.key_id.clone()?;
    Some((kid, (DecodingKey::from_jwk(jwk).ok()?, algorithm)))
}

/// An id for a subject of another issuer: the same one every time (UUIDv8 of a hash, RFC 9562, 5.8).
#[must_use]
pub fn subject_id(issuer: &str, subject: &str) -> Uuid {
    let digest = Sha256::new().chain_update(issuer).chain_update([0]).chain_update(subject);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.finalize()) {
        *to = from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
