//! Keys on disk: the Ed25519 pairs that sign access tokens, and the secret of keyed hashes.
//!
//! `<kid>.pem` (PKCS#8) are signing keys: the newest signs, all verify. A kid begins with the
//! time of its making, so the order of names is the order of age. `secret.key` holds 32 random
//! bytes in hex, the key of the HMAC over addresses that must stay suppressed after deletion.
//! Only the owner may read the files; a file that others can read is refused.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use kartoteka_api::KeyRing;
use kartoteka_api::tokens::keys::generate_pem;

const SECRET_FILE: &str = "secret.key";

/// One signing key.
#[derive(Clone)]
pub struct SigningKey {
    /// Name of the key in token headers and in the published key set.
    pub kid: String,
    /// The pair, PKCS#8 in PEM. Secret.
    pub pem: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Every key of an installation.
#[derive(Clone)]
pub struct Keys {
    /// Newest first, never empty: the first one signs.
    pub signing: Vec<SigningKey>,
    /// Key of keyed hashes.
    pub secret: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("signing", &self.signing).finish_non_exhaustive()
    }
}

/// Why keys could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file could not be read or written.
    #[error("{action} {path:?}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read the file.
    #[error("{0:?} can be read by others: chmod 600 it, and rotate the key if it leaked")]
    Open(PathBuf),
    /// The file holds something else than it should.
    #[error("{path:?} is not {expected}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// The system gave no random bytes.
    #[error("no random bytes for a new key")]
    Random,
}

impl Keys {
    /// Reads the keys of a folder; makes the folder and whatever is missing.
    ///
    /// Several processes may do this at the same time: a lock lets one of them make the keys.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn open(folder: &Path, now: DateTime<Utc>) -> Result<Self, KeysError> {
        let _lock = lock(folder)?;
        let mut signing = signing_keys(folder)?;
        if signing.is_empty() {
            signing.push(add_signing_key(folder, now)?);
        }
        Ok(Self { signing, secret: secret(folder)? })
    }

    /// The keys as the API takes them; the newest signs.
    ///
    /// # Errors
    /// None that [`Keys::open`] has not had before.
    pub fn ring(&self) -> Result<KeyRing, kartoteka_api::tokens::KeysError> {
        KeyRing::from_pems(self.signing.iter().map(|key| (key.kid.as_str(), key.pem.as_str())))
    }

    /// Adds a signing key, which signs from the next start on. The old ones go on verifying;
    /// remove their files when the last token that they signed has expired.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn rotate(folder: &Path, now: DateTime<Utc>) -> Result<SigningKey, KeysError> {
        let _lock = lock(folder)?;
        add_signing_key(folder, now)
    }
}

fn lock(folder: &Path) -> Result<File, KeysError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).on("make", folder)?;
    let path = folder.join("keys.lock");
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.on("open", &path)?;
    file.lock().on("lock", &path)?;
    Ok(file)
}

fn signing_keys(folder: &Path) -> Result<Vec<SigningKey>, KeysError> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder).on("list", folder)? {
        let path = entry.on("list", folder)?.path();
        if path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let pem = read_private(&path)?;
        let kid = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if kid.is_empty() || KeyRing::from_pems([(kid.as_str(), pem.as_str())]).is_err() {
            return Err(KeysError::Content { path, expected: "an Ed25519 key, PKCS#8 in PEM" });
        }
        keys.push(SigningKey { kid, pem });
    }
    keys.sort_by(|a, b| b.kid.cmp(&a.kid));
    Ok(keys)
}

fn add_signing_key(folder: &Path, now: DateTime<Utc>) -> Result<SigningKey, KeysError> {
    let pem = generate_pem().map_err(|_no_more_is_known| KeysError::Random)?;
    // A few random letters keep keys of one millisecond apart.
    let kid = format!("{}-{}", now.format("%Y%m%dT%H%M%S%3fZ"), hex(&rand::random::<[u8; 3]>()));
    write_private(&folder.join(format!("{kid}.pem")), &pem)?;
    Ok(SigningKey { kid, pem })
}

fn secret(folder: &Path) -> Result<[u8; 32], KeysError> {
    let path = folder.join(SECRET_FILE);
    if path.exists() {
        let text = read_private(&path)?;
        return bytes_of_hex(text.trim())
            .ok_or(KeysError::Content { path, expected: "32 bytes in hexadecimal" });
    }
    let secret: [u8; 32] = rand::random();
    write_private(&path, &format!("{}\n", hex(&secret)))?;
    Ok(secret)
}

fn read_private(path: &Path) -> Result<String, KeysError> {
    let metadata = fs::metadata(path).on("look at", path)?;
    if metadata.mode() & 0o077 != 0 {
        return Err(KeysError::Open(path.to_owned()));
    }
    fs::read_to_string(path).on("read", path)
}

/// Writes a new file completely or not at all.
fn write_private(path: &Path, text: &str) -> Result<(), KeysError> {
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(true).write(true).mode(0o600).open(&draft);
    let mut file = file.on("write", &draft)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).on("write", &draft)?;
    fs::rename(&draft, path).on("rename", &draft)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|letter| letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

trait FileContext<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, KeysError>;
}

impl<T> FileContext<T> for io::Result<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, KeysError> {
        self.map_err(|source| KeysError::File { action, path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("kartoteka-keys-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_start_makes_keys_and_the_second_reads_the_same() {
        let folder = folder("first");
        let made = Keys::open(&folder, at("2026-05-01T10:00:00Z")).unwrap();
        let read = Keys::open(&folder, at("2026-05-02T10:00:00Z")).unwrap();
        assert_eq!(made.signing.len(), 1);
        assert_eq!(made.signing[0].kid, read.signing[0].kid);
        assert_eq!(made.signing[0].pem, read.signing[0].pem);
        assert_eq!(made.secret, read.secret);
        assert_ne!(made.secret, [0; 32]);
        for entry in fs::read_dir(&folder).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().mode();
            assert_eq!(mode & 0o077, 0);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn after_a_rotation_the_newest_signs_and_the_old_one_stays() {
        let folder = folder("rotate");
        let first = Keys::open(&folder, at("2026-05-01T10:00:00Z")).unwrap().signing[0].kid.clone();
        let second = Keys::rotate(&folder, at("2026-06-01T10:00:00Z")).unwrap().kid;
        let keys = Keys::open(&folder, at("2026-06-01T10:00:01Z")).unwrap();
        let kids: Vec<&str> = keys.signing.iter().map(|key| key.kid.as_str()).collect();
        assert_eq!(kids, [second.as_str(), first.as_str()]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let folder = folder("open");
        let kid = Keys::open(&folder, at("2026-05-01T10:00:00Z")).unwrap().signing[0].kid.clone();
        let path = folder.join(format!("{kid}.pem"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let now = at("2026-05-01T10:00:00Z");
        assert!(matches!(Keys::open(&folder, now), Err(KeysError::Open(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        assert!(matches!(Keys::open(&folder, now), Err(KeysError::Content { .. })));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn keys_are_not_shown() {
        let folder = folder("debug");
        let keys = Keys::open(&folder, at("2026-05-01T10:00:00Z")).unwrap();
        let shown = format!("{keys:?}");
        assert!(!shown.contains("PRIVATE") && !shown.contains("secret"), "{shown}");
        fs::remove_dir_all(folder).unwrap();
    }
}
