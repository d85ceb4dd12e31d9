//! Secrets that must be read again, so that a hash will not do: encrypted with the key of the installation.
//!
//! AES-256-GCM. The key is derived from `secret.key`; what a secret belongs to is bound to it, so that one that is
//! moved to another row cannot be opened there.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use kartoteka_domain::ids::WorkspaceId;

/// What the first byte says: there may be other ways later.
const FORM: u8 = 1;

/// A secret cannot be sealed or opened: it was sealed with another key, or for another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret was not sealed with the key of this installation")]
pub struct SealError;

fn key(installation: &[u8]) -> Result<LessSafeKey, SealError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(installation).map_err(|_unsaid| SealError)?;
    mac.update(b"kartoteka: secrets of integrations, sealed");
    let key = UnboundKey::new(&AES_256_GCM, &mac.finalize().into_bytes());
    Ok(LessSafeKey::new(key.map_err(|_unsaid| SealError)?))
}

fn place(workspace: WorkspaceId, owner: Uuid) -> Aad<[u8; 32]> {
    let mut place = [0; 32];
    let bytes = workspace.0.as_bytes().iter().chain(owner.as_bytes());
    place.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    Aad::from(place)
}

/// Seals a secret of `owner`, with a random nonce.
///
/// # Errors
/// The library failed.
pub fn seal(
    installation: &[u8],
    workspace: WorkspaceId,
    owner: Uuid,
    secret: &[u8],
) -> Result<Vec<u8>, SealError> {
    let nonce: [u8; NONCE_LEN] = rand::random();
    let mut text = secret.to_vec();
    key(installation)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            place(workspace, owner),
            &mut text,
        )
        .map_err(|_unsaid| SealError)?;
    let mut sealed = vec![FORM];
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&text);
    Ok(sealed)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`SealError`].
pub fn open(
    installation: &[u8],
    workspace: WorkspaceId,
    owner: Uuid,
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    let (form, rest) = sealed.split_first().ok_or(SealError)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
    if *form != FORM {
        return Err(SealError);
    }
    let mut text = text.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key(installation)?
        .open_in_place(nonce, place(workspace, owner), &mut text)
        .map_err(|_unsaid| SealError)?;
    Ok(opened.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_with_its_key_at_its_place_only() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let here = WorkspaceId(one);
        let sealed = seal(b"key", here, other, b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealed, seal(b"key", here, other, b"secret").unwrap(), "the nonce is random");
        assert_eq!(open(b"key", here, other, &sealed).unwrap(), b"secret");
        assert_eq!(open(b"another", here, other, &sealed), Err(SealError));
        assert_eq!(open(b"key", WorkspaceId(other), other, &sealed), Err(SealError));
        assert_eq!(open(b"key", here, one, &sealed), Err(SealError));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(open(b"key", here, other, &changed), Err(SealError));
        for short in [&sealed[..0], &sealed[..5], &sealed[..NONCE_LEN + 1]] {
            assert_eq!(open(b"key", here, other, short), Err(SealError));
        }
    }
}
