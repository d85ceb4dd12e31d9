//! Finds the PostgreSQL programs of the machine.
//!
//! In this order: the folder of the setting; the folder that `pg_config` on the PATH names; the
//! folders of Debian's and Ubuntu's packages; `.tools/postgres`, where `make setup` puts the
//! binaries of a Python wheel when the machine offers no package. The newest wins, unless a
//! cluster exists: then it has to be the version that wrote it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::PostgresError;

/// The oldest major version that Kartoteka is tested with.
pub const MINIMUM_MAJOR: u32 = 15;

const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// A folder with PostgreSQL's server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder; absolute.
    pub folder: PathBuf,
    /// The major version of the programs in it.
    pub major: u32,
}

impl Binaries {
    /// Finds the programs for a cluster.
    ///
    /// `setting` is the folder that the operator named, `near` the folders that may hold a
    /// `.tools` folder, `cluster_major` the version that wrote the existing cluster.
    ///
    /// # Errors
    /// [`PostgresError::NoBinaries`], [`PostgresError::IncompleteBinaries`], and
    /// [`PostgresError::OtherMajorVersion`] for `cluster`.
    pub fn find(
        setting: Option<&Path>,
        near: &[PathBuf],
        cluster: &Path,
        cluster_major: Option<u32>,
    ) -> Result<Self, PostgresError> {
        let folders = match setting {
            Some(folder) => {
                if let Some(missing) =
                    PROGRAMS.iter().find(|program| !folder.join(program).is_file())
                {
                    return Err(PostgresError::IncompleteBinaries {
                        folder: folder.to_owned(),
                        missing: (*missing).to_owned(),
                    });
                }
                vec![folder.to_owned()]
            }
            None => usual_folders(near),
        };
        let found: Vec<Self> = folders.iter().filter_map(|folder| Self::look(folder)).collect();
        choose(&found, cluster_major).ok_or_else(|| match cluster_major {
            Some(major) if !found.is_empty() => PostgresError::OtherMajorVersion {
                directory: cluster.to_owned(),
                found: major,
                offered: listed(found.iter().map(|binaries| binaries.major.to_string())),
            },
            _ => PostgresError::NoBinaries {
                minimum: MINIMUM_MAJOR,
                looked: listed(folders.iter().map(|folder| folder.display().to_string())),
            },
        })
    }

    /// The path of a program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn look(folder: &Path) -> Option<Self> {
        let folder = fs::canonicalize(folder).ok()?;
        if !PROGRAMS.iter().all(|program| folder.join(program).is_file()) {
            return None;
        }
        let version = output_of(&folder.join("postgres"), &["--version"])?;
        Some(Self { folder, major: major_of(&version)? })
    }
}

/// The major version in the answer of `postgres --version`, for example
/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split(')').nth(1)?.trim_start();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn choose(found: &[Binaries], cluster_major: Option<u32>) -> Option<Binaries> {
    match cluster_major {
        Some(major) => found.iter().find(|binaries| binaries.major == major).cloned(),
        // The first of equals, in the order of the search.
        None => found
            .iter()
            .rev()
            .filter(|binaries| binaries.major >= MINIMUM_MAJOR)
            .max_by_key(|binaries| binaries.major)
            .cloned(),
    }
}

fn usual_folders(near: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    // pg_config alone may come from the client library's package; `look` sorts that out.
    if let Some(folder) = output_of(Path::new("pg_config"), &["--bindir"]) {
        folders.push(PathBuf::from(folder.trim()));
    }
    let mut packaged = children(Path::new("/usr/lib/postgresql"));
    packaged.extend(
        children(Path::new("/usr"))
            .into_iter()
            .filter(|path| file_name(path).starts_with("pgsql-")),
    );
    folders.extend(packaged.into_iter().map(|version| version.join("bin")));
    for folder in near {
        for inside in ["bin", "pginstall/bin"] {
            folders.push(folder.join(".tools/postgres").join(inside));
        }
    }
    folders
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

fn output_of(program: &Path, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    items.dedup();
    if items.is_empty() { "nowhere".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &str, major: u32) -> Binaries {
        Binaries { folder: PathBuf::from(folder), major }
    }

    #[test]
    fn the_version_is_read_in_the_forms_that_distributions_print() {
        for (text, major) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18.6\n", Some(18)),
            ("postgres (PostgreSQL) 19beta2\n", Some(19)),
            ("postgres\n", None),
            ("", None),
        ] {
            assert_eq!(major_of(text), major, "{text:?}");
        }
    }

    #[test]
    fn a_new_cluster_gets_the_newest_and_of_equals_the_first() {
        let found = [at("/a", 15), at("/b", 17), at("/c", 17), at("/d", 16)];
        assert_eq!(choose(&found, None), Some(at("/b", 17)));
    }

    #[test]
    fn an_existing_cluster_gets_its_own_version_or_none() {
        let found = [at("/a", 15), at("/b", 17)];
        assert_eq!(choose(&found, Some(15)), Some(at("/a", 15)));
        assert_eq!(choose(&found, Some(16)), None);
    }

    #[test]
    fn a_version_that_is_too_old_is_not_used() {
        assert_eq!(choose(&[at("/a", 14)], None), None);
    }

    #[test]
    fn a_folder_of_the_setting_without_programs_is_refused_by_name() {
        let error = Binaries::find(Some(Path::new("/nowhere")), &[], Path::new("/c"), None);
        assert!(
            matches!(&error, Err(PostgresError::IncompleteBinaries { missing, .. })
                if missing == "initdb"),
            "{error:?}"
        );
    }
}
