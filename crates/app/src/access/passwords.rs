//! Passwords: argon2id (OWASP's parameters), and which ones are taken at all.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;

use crate::access::secrets::Entropy;

/// Fewest characters (NIST SP 800-63B asks for 15 or 8 with a second factor; OWASP for 12).
pub const MIN_LENGTH: usize = 12;
/// Most characters: hashing takes longer than any longer password is worth.
pub const MAX_LENGTH: usize = 200;

/// Hashes a password. Slow on purpose (tens of milliseconds) and 19 MiB large.
///
/// # Errors
/// The hash function refused, which it does not with its own parameters.
pub fn hash(password: &str, entropy: &Entropy) -> Result<String, HashError> {
    let hashed: Result<PasswordHash, _> =
        Argon2::default().hash_password_with_salt(password.as_bytes(), &entropy.salt());
    hashed.map(|hash| hash.to_string()).map_err(|error| HashError(error.to_string()))
}

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct HashError(String);

/// Whether the password is the one behind the hash.
#[must_use]
pub fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Hash of nothing that anyone knows: a login without a person behind it takes as long as one with.
pub const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$gRxAaz/i1u7l1MK09EY+uQ$UIU8tbTN4cPYx8OjChInETNVgL5+6nCqiNwpDZKYo9U";

/// What is wrong with a new password, at `pointer`.
#[must_use]
pub fn weakness(password: &str, email: &str, pointer: &str) -> Option<Fault> {
    let length = password.chars().count();
    let fault = |detail: &str| Some(Fault::new(pointer, Code::WeakPassword, detail));
    if length < MIN_LENGTH {
        return fault("A password needs at least 12 characters.");
    }
    if length > MAX_LENGTH {
        return Some(Fault::new(
            pointer,
            Code::TooLong,
            "A password may have at most 200 characters.",
        ));
    }
    let folded = password.to_lowercase();
    let mut different: Vec<char> = folded.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 5 {
        return fault("A password needs at least five different characters.");
    }
    let account = email.split('@').next().unwrap_or_default().to_lowercase();
    if folded == email.to_lowercase()
        || (account.chars().count() >= 4 && folded.starts_with(&account))
    {
        return fault("A password must not be the e-mail address or begin with its first part.");
    }
    const COMMON: &[&str] =
        &["password", "heslo", "haslo", "jelszo", "qwerty", "qwertz", "letmein", "123456789"];
    let bare = folded.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    if COMMON.iter().any(|word| bare == *word || bare == word.repeat(2))
        || "12345678901234567890".contains(&folded)
    {
        return fault("This password is among the first that are guessed.");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_only() {
        let hash = hash("correct horse battery", &Entropy::of([3; 32])).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse battery", &hash));
        assert!(!verify("correct horse batterY", &hash));
        assert!(!verify("", &hash));
    }

    /// Logins of unknown people must cost what others cost.
    #[test]
    fn the_hash_of_nobody_is_a_real_one() {
        let parsed = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(parsed.hash.map(|output| output.len()), Some(32));
        assert!(!verify("", NOBODY));
    }

    #[test]
    fn easy_passwords_are_refused() {
        for password in [
            "short",
            "elevenchars",
            "aaaaaaaaaaaa",
            "abababababab",
            "password12345",
            "jana.novakova",
            "123456789012",
            "jana.novakova@example.com",
            "Heslo1234567!",
        ] {
            assert!(
                weakness(password, "jana.novakova@example.com", "#/password").is_some(),
                "{password}"
            );
        }
        assert!(weakness(&"ab1%Z".repeat(41), "a@example.com", "#/password").is_some());
        for password in ["correct horse battery", "příliš žluťoučký", "Passwords are dull"] {
            assert!(weakness(password, "jana@example.com", "#/password").is_none(), "{password}");
        }
    }
}
