//! The parameter that says which contact came by a link (MGR-M): an opaque word for a contact, always the same one.
//!
//! It is the id, encrypted, so nothing is stored for it: every contact has one at any time, any number of links can be
//! made, and a purge need not look for it. A stored random word would need a row for each contact, an index over all of
//! them, and would have to follow merges and their undoing.
//!
//! The construction is that of SIV (Rogaway and Shrimpton, "Deterministic Authenticated-Encryption", 2006) with
//! HMAC-SHA-256: 128 bits of an HMAC over workspace and id are both the proof that the word was made here and the nonce
//! with which the id is hidden. So two words say no more than whether they are of the same contact in the same
//! workspace, and to make one up is to guess 128 bits. The key is derived from `secret.key`.
//!
//! Unlike the tokens of [`crate::consents::links`], which say whose they are to anybody who decodes them, this one stands
//! in addresses of other people's web sites, in their logs and statistics.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use uuid::Uuid;

use kartoteka_domain::ids::{ContactId, WorkspaceId};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contacts::read;

use crate::access::secrets::derived;
use crate::contacts::merges;
use crate::error::Error;

/// Bytes of the HMAC, and of an id.
const BYTES: usize = 16;
/// Characters of a parameter: both of them in base64.
const LENGTH: usize = 43;

/// Makes and reads the parameters of one workspace.
#[derive(Clone)]
pub struct Parameters {
    secret: Vec<u8>,
    workspace: WorkspaceId,
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parameters(…)")
    }
}

impl Parameters {
    /// Those of a workspace, by the secret of the installation.
    #[must_use]
    pub fn of(secret: &[u8], workspace: WorkspaceId) -> Self {
        Self { secret: secret.to_vec(), workspace }
    }

    fn mac(&self, message: &[u8; BYTES], label: &[u8]) -> Option<impl Mac + use<>> {
        let mut mac = derived(&self.secret, label)?;
        mac.update(self.workspace.0.as_bytes());
        mac.update(message);
        Some(mac)
    }

    fn seal(&self, contact: &[u8; BYTES]) -> Option<impl Mac + use<>> {
        self.mac(contact, b"kartoteka: tracking, seal")
    }

    /// The id under the mask of this seal; twice is the id itself.
    fn masked(&self, seal: &[u8; BYTES], id: &[u8; BYTES]) -> Option<[u8; BYTES]> {
        let mask = self.mac(seal, b"kartoteka: tracking, mask")?.finalize().into_bytes();
        let mut masked = *id;
        masked.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
        Some(masked)
    }

    /// The parameter of a contact: 43 letters, digits, `-` and `_`.
    #[must_use]
    pub fn parameter(&self, contact: ContactId) -> String {
        let id = contact.0.as_bytes();
        let made = || {
            let full = self.seal(id)?.finalize().into_bytes();
            let seal: [u8; BYTES] = *full.first_chunk()?;
            let masked = self.masked(&seal, id)?;
            Some(URL_SAFE_NO_PAD.encode([seal, masked].concat()))
        };
        // HMAC takes keys of any length
        made().unwrap_or_default()
    }

    /// Whose parameter it is; `None` for whatever was not made here, or for another workspace.
    #[must_use]
    pub fn read(&self, parameter: &str) -> Option<ContactId> {
        if parameter.len() != LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(parameter).ok()?;
        let (seal, rest) = bytes.split_first_chunk::<BYTES>()?;
        let id = self.masked(seal, rest.first_chunk()?)?;
        // in a time that says nothing about the right one
        self.seal(&id)?.verify_truncated_left(seal).ok()?;
        (rest.len() == BYTES).then_some(ContactId(Uuid::from_bytes(id)))
    }
}

/// The contact whose parameter it is, in the trash or not; of one that was merged the winner.
///
/// # Errors
/// `not_found` when it was not made here, or the contact was purged.
pub fn resolve(
    tenant: &mut Tenant<'_>,
    parameters: &Parameters,
    parameter: &str,
) -> Result<ContactId, Error> {
    let contact = parameters.read(parameter).ok_or(Error::NotFound)?;
    if read::get(tenant, contact)?.is_some() {
        return Ok(contact);
    }
    merges::winner_of(tenant, contact)?.ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const SECRET: &[u8] = b"a secret of the tests, 32 bytes!";

    fn of(workspace: u128) -> Parameters {
        Parameters::of(SECRET, WorkspaceId(Uuid::from_u128(workspace)))
    }

    /// MGR-M
    #[test]
    fn a_parameter_leads_back_to_its_contact_and_is_always_the_same() {
        let mut seen = HashSet::new();
        for n in 0..1_000 {
            let contact = ContactId(Uuid::from_u128(n));
            let parameter = of(9).parameter(contact);
            assert_eq!(parameter, of(9).parameter(contact));
            assert_eq!(of(9).read(&parameter), Some(contact));
            assert_eq!(parameter.len(), LENGTH);
            assert!(parameter.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            assert!(seen.insert(parameter));
        }
    }

    /// MGR-M: neither the other workspace nor another installation can do anything with it.
    #[test]
    fn a_parameter_is_of_one_workspace_of_one_installation() {
        let contact = ContactId(Uuid::from_u128(1));
        let parameter = of(9).parameter(contact);
        assert_eq!(of(8).read(&parameter), None);
        assert_ne!(of(8).parameter(contact), parameter);
        let elsewhere = Parameters::of(b"another secret", WorkspaceId(Uuid::from_u128(9)));
        assert_eq!(elsewhere.read(&parameter), None);
        assert_ne!(elsewhere.parameter(contact), parameter);
    }

    /// MGR-M: nobody makes one up, and none is changed into another.
    #[test]
    fn a_changed_parameter_is_none() {
        let parameter = of(9).parameter(ContactId(Uuid::from_u128(7)));
        let bytes = URL_SAFE_NO_PAD.decode(&parameter).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(of(9).read(&URL_SAFE_NO_PAD.encode(&changed)), None);
            }
            assert_eq!(of(9).read(&URL_SAFE_NO_PAD.encode(&bytes[..at])), None);
        }
        for nonsense in ["", "a", "č", &"A".repeat(43), &"=".repeat(43), &"A".repeat(100_000)] {
            assert_eq!(of(9).read(nonsense), None);
        }
        assert_eq!(of(9).read(&format!("{parameter}A")), None);
        assert_eq!(of(9).read(&parameter.to_lowercase()), None);
    }

    /// MGR-M: of ids that differ in a bit, or were made one after the other, parameters have nothing in common.
    #[test]
    fn a_parameter_says_nothing_of_the_id() {
        let id = 0x0199_c5f2_6d3e_7c11_9a53_0d6f_0e6f_2a10_u128;
        let bytes = |n: u128| {
            URL_SAFE_NO_PAD.decode(of(9).parameter(ContactId(Uuid::from_u128(n)))).unwrap()
        };
        let one = bytes(id);
        for bit in 0..128 {
            let other = bytes(id ^ (1 << bit));
            let same = one.iter().zip(&other).filter(|(a, b)| a == b).count();
            // 32 bytes of chance have one of 256 in common; ten at once are out of the question
            assert!(same < 10, "{same}");
        }
        let plain = Uuid::from_u128(id);
        assert!(!one.windows(4).any(|part| plain.as_bytes().windows(4).any(|id| id == part)));
    }
}
