//! Addresses that must not be written to again, known only by a keyed hash (CNS-8): the list outlives the
//! contact and tells nobody whose addresses are on it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use kartoteka_domain::consents::ledger::Channel;

/// Hash of an address for `suppressions.address_hash`: HMAC-SHA-256 of channel and normalised address
/// (`email_key`, E.164).
#[must_use]
pub fn hash(secret: &[u8], channel: Channel, address: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        // HMAC takes keys of any length
        return Vec::new();
    };
    mac.update(channel.as_str().as_bytes());
    mac.update(b":");
    mac.update(address.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CNS-8
    #[test]
    fn the_hash_depends_on_secret_channel_and_address() {
        let all = [
            hash(b"key", Channel::Email, "a@b.cz"),
            hash(b"other", Channel::Email, "a@b.cz"),
            hash(b"key", Channel::Sms, "a@b.cz"),
            hash(b"key", Channel::Email, "a@c.cz"),
        ];
        for (n, hash) in all.iter().enumerate() {
            assert_eq!(hash.len(), 32);
            assert!(all.iter().skip(n + 1).all(|other| other != hash));
        }
        assert_eq!(all[0], hash(b"key", Channel::Email, "a@b.cz"));
    }
}
