//! Where the private PostgreSQL keeps its files, and where its socket goes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The port of the socket's name; no TCP port is opened.
pub(super) const PORT: u16 = 5432;

/// Longest path of a Unix socket that Linux takes, in bytes, without the final NUL.
const SOCKET_PATH_BYTES: usize = 107;

/// The paths inside the data directory. All are absolute.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// `<data dir>/postgres`, owned by whoever runs the server.
    pub(super) home: PathBuf,
}

impl Layout {
    /// The layout under an absolute data directory.
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { home: data_dir.join("postgres") }
    }

    /// The name of the cluster inside [`Layout::home`].
    ///
    /// Programs get this relative name and `home` as their working directory: `pg_ctl` passes
    /// paths through a shell, and a data directory may have quotes and dollars in its name.
    pub(super) const CLUSTER: &'static str = "cluster";

    /// The name of the server's log inside [`Layout::home`].
    pub(super) const LOG: &'static str = "server.log";

    /// PostgreSQL's own data directory.
    pub(super) fn cluster(&self) -> PathBuf {
        self.home.join(Self::CLUSTER)
    }

    /// The server's log.
    pub(super) fn log(&self) -> PathBuf {
        self.home.join(Self::LOG)
    }

    /// Held exclusively by whoever starts or stops the server.
    pub(super) fn start_lock(&self) -> PathBuf {
        self.home.join("start.lock")
    }

    /// Held shared by every process that uses the server.
    pub(super) fn lease_lock(&self) -> PathBuf {
        self.home.join("lease.lock")
    }

    /// The folder of the socket: beside the cluster, or in the folder for temporary files when
    /// clients could not name it there.
    pub(super) fn socket_dir(&self, temporary: &Path) -> PathBuf {
        let beside = self.home.join("socket");
        if fits(&beside) {
            return beside;
        }
        // The hash only has to be the same at every start of one build of the program: a server
        // that is adopted tells its socket folder itself.
        let mut hasher = DefaultHasher::new();
        self.home.hash(&mut hasher);
        let name = format!("kartoteka-pg-{:016x}", hasher.finish());
        let elsewhere = temporary.join(&name);
        if fits(&elsewhere) { elsewhere } else { Path::new("/tmp").join(name) }
    }
}

/// Whether clients can name a socket in this folder: its path is short enough, and has no comma,
/// at which libpq would split it into several hosts.
fn fits(folder: &Path) -> bool {
    !folder.as_os_str().as_bytes().contains(&b',')
        && folder.as_os_str().len() + format!("/.s.PGSQL.{PORT}").len() <= SOCKET_PATH_BYTES
}

/// A connection URL over a Unix socket, as libpq reads it.
pub(super) fn url(socket_dir: &Path, port: u16, database: &str) -> String {
    format!(
        "postgresql://postgres@/{}?host={}&port={port}",
        percent_encoded(database.as_bytes()),
        percent_encoded(socket_dir.as_os_str().as_bytes()),
    )
}

fn percent_encoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_path_keeps_the_socket_beside_the_cluster() {
        let layout = Layout::new(Path::new("/srv/kartoteka/data"));
        assert_eq!(
            layout.socket_dir(Path::new("/tmp")),
            Path::new("/srv/kartoteka/data/postgres/socket")
        );
    }

    #[test]
    fn the_longest_path_that_fits_is_used_and_one_byte_more_is_not() {
        // "/postgres/socket" and "/.s.PGSQL.5432" take 30 of the 107 bytes.
        let longest = format!("/{}", "a".repeat(76));
        let beside = Layout::new(Path::new(&longest)).socket_dir(Path::new("/tmp"));
        assert!(beside.starts_with(&longest), "{beside:?}");
        let too_long = format!("/{}", "a".repeat(77));
        let moved = Layout::new(Path::new(&too_long)).socket_dir(Path::new("/tmp"));
        assert!(moved.starts_with("/tmp"), "{moved:?}");
        assert_eq!(moved, Layout::new(Path::new(&too_long)).socket_dir(Path::new("/tmp")));
    }

    #[test]
    fn a_path_with_a_comma_is_no_place_for_a_socket() {
        let moved = Layout::new(Path::new("/srv/a,b")).socket_dir(Path::new("/tmp"));
        assert!(moved.starts_with("/tmp"), "{moved:?}");
    }

    #[test]
    fn a_long_folder_for_temporary_files_is_not_used() {
        let long = format!("/{}", "a".repeat(120));
        let moved = Layout::new(Path::new(&long)).socket_dir(Path::new(&long));
        assert!(moved.starts_with("/tmp"), "{moved:?}");
    }

    #[test]
    fn the_url_survives_blanks_quotes_and_non_ascii_letters() {
        assert_eq!(
            url(Path::new("/srv/můj \"data\"&x=1"), 5432, "kartoteka"),
            "postgresql://postgres@/kartoteka\
             ?host=%2Fsrv%2Fm%C5%AFj%20%22data%22%26x%3D1&port=5432"
        );
    }
}
