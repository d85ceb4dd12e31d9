//! Addresses that must not be written to again, known only by a keyed hash (CNS-8): the list outlives the
//! contact and tells nobody whose addresses are on it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::ids::WorkspaceId;

/// Hash of an address for `suppressions.address_hash`: HMAC-SHA-256 over workspace, channel and the
/// normalised address (`email_key`, E.164). Lists of two workspaces cannot be compared.
#[must_use]
pub fn hash(secret: &[u8], workspace: WorkspaceId, channel: Channel, address: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        // HMAC takes keys of any length
        return Vec::new();
    };
    mac.update(b"suppression\0");
    mac.update(workspace.0.as_bytes());
    mac.update(channel.as_str().as_bytes());
    mac.update(b"\0");
    mac.update(address.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CNS-8
    #[test]
    fn the_hash_depends_on_secret_workspace_channel_and_address() {
        let [one, two] = [1, 2].map(|n| WorkspaceId(uuid::Uuid::from_u128(n)));
        let all = [
            hash(b"key", one, Channel::Email, "a@b.cz"),
            hash(b"other", one, Channel::Email, "a@b.cz"),
            hash(b"key", two, Channel::Email, "a@b.cz"),
            hash(b"key", one, Channel::Sms, "a@b.cz"),
            hash(b"key", one, Channel::Email, "a@c.cz"),
        ];
        for (n, hash) in all.iter().enumerate() {
            assert_eq!(hash.len(), 32);
            assert!(all.iter().skip(n + 1).all(|other| other != hash));
        }
        assert_eq!(all[0], hash(b"key", one, Channel::Email, "a@b.cz"));
    }
}
