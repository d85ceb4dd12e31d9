//! The keys that sign and check our own tokens.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};

use super::Claims;

/// Ed25519 keys: the first one signs, all of them check.
#[derive(Clone)]
pub struct KeyRing(Arc<Vec<Key>>);

struct Key {
    kid: String,
    public: Vec<u8>,
    sign: EncodingKey,
    check: DecodingKey,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is none.
    #[error("there is no signing key")]
    None,
    /// The key cannot be read.
    #[error("key {0} is not an Ed25519 key in PKCS#8")]
    Unreadable(String),
    /// The folder or a file in it cannot be read.
    #[error("the keys cannot be read")]
    Io(#[from] std::io::Error),
    /// The random source failed.
    #[error("no key could be made")]
    Generate,
}

impl KeyRing {
    /// Keys as pairs of `kid` and PKCS#8 in PEM; the first one signs.
    ///
    /// # Errors
    /// A key that cannot be read, or none.
    pub fn from_pems<K, P>(pems: impl IntoIterator<Item = (K, P)>) -> Result<Self, KeysError>
    where
        K: Into<String>,
        P: AsRef<str>,
    {
        let mut keys = Vec::new();
        for (kid, pem) in pems {
            let kid = kid.into();
            let key = read(&kid, pem.as_ref()).ok_or_else(|| KeysError::Unreadable(kid.clone()))?;
            keys.push(key);
        }
        if keys.is_empty() { Err(KeysError::None) } else { Ok(Self(Arc::new(keys))) }
    }

    /// The keys of a folder: `<kid>.pem` each. The last one by name signs.
    ///
    /// # Errors
    /// A key or folder that cannot be read, or no key.
    pub fn load(folder: &Path) -> Result<Self, KeysError> {
        let mut pems = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "pem")
                && let Some(kid) = path.file_stem().and_then(|stem| stem.to_str())
            {
                pems.push((kid.to_owned(), std::fs::read_to_string(&path)?));
            }
        }
        pems.sort_by(|a, b| b.0.cmp(&a.0));
        Self::from_pems(pems)
    }

    /// A new key that lives as long as the process: for tests and for the document.
    ///
    /// # Errors
    /// The random source failed.
    pub fn ephemeral() -> Result<Self, KeysError> {
        Self::from_pems([("ephemeral", generate_pem()?)])
    }

    /// Signs claims with the newest key.
    ///
    /// # Errors
    /// Signing failed, which a key that could be read does not.
    pub fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let Some(key) = self.0.first() else {
            return Err(jsonwebtoken::errors::ErrorKind::InvalidEddsaKey.into());
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, claims, &key.sign)
    }

    /// The key with this id.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&DecodingKey> {
        self.0.iter().find(|key| key.kid == kid).map(|key| &key.check)
    }

    /// The public keys (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self
            .0
            .iter()
            .map(|key| {
                json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid,
                       "x": URL_SAFE_NO_PAD.encode(&key.public)})
            })
            .collect();
        json!({ "keys": keys })
    }
}

fn read(kid: &str, pem: &str) -> Option<Key> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(text.trim()).ok()?;
    let pair = Ed25519KeyPair::from_pkcs8(&der).ok()?;
    let public = pair.public_key().as_ref().to_vec();
    let sign = EncodingKey::from_ed_der(&der);
    // a library built without its cryptography fails here, at the start, and not at the first login
    jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &json!({}), &sign).ok()?;
    Some(Key { kid: kid.to_owned(), sign, check: DecodingKey::from_ed_der(&public), public })
}

/// A new Ed25519 key, PKCS#8 in PEM.
///
/// # Errors
/// The random source failed.
pub fn generate_pem() -> Result<String, KeysError> {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let der =
        Ed25519KeyPair::generate_pkcs8(&random).map_err(|_unspecified| KeysError::Generate)?;
    let text = STANDARD.encode(der.as_ref());
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
}
