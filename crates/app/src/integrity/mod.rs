//! Seals over the consent ledger and the audit trail, and their verification (CNS-5). What it is good for, and
//! what it cannot find, says [`kartoteka_domain::integrity`].

pub mod seal;
pub mod verify;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use kartoteka_domain::integrity::{Hash, Stream};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::integrity::{self as store, StoredHead, Verification};

use crate::error::Error;

/// The key that seals are signed with, derived from the secret of the installation: not in the database.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// From the secret of the installation.
    #[must_use]
    pub fn of(installation: &[u8]) -> Self {
        Self(mac(installation, b"kartoteka: seals of ledger and trail"))
    }

    /// Signs the hash of a seal.
    #[must_use]
    pub fn sign_seal(&self, hash: &Hash) -> Vec<u8> {
        mac(&self.0, hash)
    }

    /// Signs the end of a chain.
    #[must_use]
    pub fn sign_head(&self, head: &kartoteka_domain::integrity::Head) -> Vec<u8> {
        mac(&self.0, head.text().as_bytes())
    }
}

/// HMAC-SHA-256.
fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        // HMAC takes keys of any length
        return Vec::new();
    };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Compares signatures in a time that says nothing about either.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// How one chain stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Of which stream.
    pub stream: Stream,
    /// Its end; `None` while nothing was looked for.
    pub head: Option<StoredHead>,
    /// What the last verification found.
    pub verified: Option<Verification>,
}

/// How the chains of the workspace stand.
///
/// # Errors
/// What the database said.
pub fn standing(tenant: &mut Tenant<'_>) -> Result<Vec<Standing>, Error> {
    let mut known = store::verifications(tenant)?;
    let mut all = Vec::new();
    for stream in Stream::ALL {
        let at = known.iter().position(|found| found.stream == stream.as_str());
        let verified = at.map(|at| known.swap_remove(at));
        all.push(Standing { stream, head: store::head(tenant, stream)?, verified });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CNS-5: without the installation's secret there is no signature.
    #[test]
    fn signatures_depend_on_the_secret() {
        let (one, other) = (Key::of(b"one"), Key::of(b"other"));
        assert!(same(&one.sign_seal(&[1; 32]), &one.sign_seal(&[1; 32])));
        assert!(!same(&one.sign_seal(&[1; 32]), &other.sign_seal(&[1; 32])));
        assert!(!same(&one.sign_seal(&[1; 32]), &one.sign_seal(&[2; 32])));
        assert!(!same(&[], &one.sign_seal(&[1; 32])));
        assert_eq!(format!("{one:?}"), "Key(…)");
    }
}
