//! Secrets made by us: tokens, secrets of integrations, first passwords. Shown once, kept as hashes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use kartoteka_domain::ids::WorkspaceId;

/// Random bytes of a secret.
const BYTES: usize = 32;
/// Letters of made-up passwords: none that are taken for one another.
const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Letters of a made-up password: 92 bits. They use up the first half of the entropy.
const PASSWORD_LENGTH: usize = 16;

/// 256 random bits. Made at the edge (a handler, start-up) and given to use cases.
#[derive(Clone, PartialEq, Eq)]
pub struct Entropy([u8; BYTES]);

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy(…)")
    }
}

impl Entropy {
    /// From the system's random source.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Given bytes, for tests.
    #[must_use]
    pub fn of(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret of an integration.
    #[must_use]
    pub fn client_secret(&self) -> String {
        format!("kcs_{}", URL_SAFE_NO_PAD.encode(self.0))
    }

    /// The key that signs what is sent to a webhook.
    #[must_use]
    pub fn webhook_key(&self) -> [u8; BYTES] {
        self.0
    }

    /// A refresh token. It names its workspace, so that it can be looked up within it.
    #[must_use]
    pub fn refresh_token(&self, workspace: WorkspaceId) -> String {
        let mut bytes = workspace.0.as_bytes().to_vec();
        bytes.extend_from_slice(&self.0);
        format!("krt_{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A password that can be read out and typed.
    #[must_use]
    pub fn password(&self) -> String {
        let letters = self.0.iter().take(PASSWORD_LENGTH);
        // 256 is no multiple of 55: the first letters are likelier by a fifth, which 16 of them outweigh
        letters
            .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()))
            .map(|letter| char::from(*letter))
            .collect()
    }

    /// Salt of a password hash.
    #[must_use]
    pub fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        // the second half, so that one entropy can give a password and its salt
        for (to, from) in salt.iter_mut().zip(self.0.iter().rev()) {
            *to = *from;
        }
        salt
    }
}

/// HMAC-SHA-256 under a key of its own, derived from the secret of the installation for one `purpose`. `None` never
/// happens: HMAC takes keys of any length.
pub(crate) fn derived(installation: &[u8], purpose: &[u8]) -> Option<Hmac<Sha256>> {
    let mut key = Hmac::<Sha256>::new_from_slice(installation).ok()?;
    key.update(purpose);
    Hmac::new_from_slice(&key.finalize().into_bytes()).ok()
}

/// What is kept of a secret. A fast hash will do: there are 256 random bits behind it.
#[must_use]
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// Compares a secret with what was kept, in a time that says nothing about either.
#[must_use]
pub fn matches(secret: &str, kept: &[u8]) -> bool {
    let given = hash(secret);
    given.len() == kept.len()
        && given.iter().zip(kept).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// The workspace that a refresh token names.
#[must_use]
pub fn workspace_of(refresh_token: &str) -> Option<WorkspaceId> {
    let bytes = URL_SAFE_NO_PAD.decode(refresh_token.strip_prefix("krt_")?).ok()?;
    if bytes.len() != 16 + BYTES {
        return None;
    }
    let id: [u8; 16] = bytes.get(..16)?.try_into().ok()?;
    Some(WorkspaceId(Uuid::from_bytes(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_names_its_workspace() {
        let workspace = WorkspaceId(Uuid::from_u128(7));
        let token = Entropy::of([9; 32]).refresh_token(workspace);
        assert_eq!(workspace_of(&token), Some(workspace));
        for broken in ["", "krt_", "krt_AAAA", "kcs_AAAA", &format!("{token}A")] {
            assert_eq!(workspace_of(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_secret_matches_its_own_hash_only() {
        let kept = hash("kcs_a");
        assert!(matches("kcs_a", &kept));
        assert!(!matches("kcs_b", &kept));
        assert!(!matches("kcs_a", b""));
    }

    #[test]
    fn made_up_passwords_are_long_and_differ() {
        let (one, other) = (Entropy::random().password(), Entropy::random().password());
        assert_eq!(one.len(), PASSWORD_LENGTH);
        assert_ne!(one, other);
    }
}
