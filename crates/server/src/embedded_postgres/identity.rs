//! As whom PostgreSQL runs.
//!
//! `initdb`, `pg_ctl` and `postgres` refuse to run with the effective user id 0. An ordinary
//! user runs them as they are. For root there are these ways, tried in this order:
//!
//! 1. the ordinary user who owns the existing files, so that a start with `sudo` does not lock
//!    that user out,
//! 2. the system user `postgres`, then `nobody`: needs a data directory that they can reach,
//! 3. a user namespace in which root is called `nobody`: works under `/root`, files stay root's;
//!    containers often forbid it,
//! 4. `nobody` with the one capability to pass any directory: works in most containers.
//!
//! Nothing is predicted from permission bits: each way is tried by running `initdb --version`
//! in the data directory.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::binaries::Binaries;
use super::error::{FileContext, PostgresError};
use super::platform;

/// The id of `nobody` on Linux, and the kernel's id for users without a name.
const NOBODY: u32 = 65_534;

/// A way to run PostgreSQL's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// As this process; only for ordinary users.
    AsIs {
        /// This process's user.
        uid: u32,
    },
    /// As another user of the system.
    User {
        /// User id.
        uid: u32,
        /// The user's own group.
        gid: u32,
    },
    /// In a user namespace in which the own user id is shown as `nobody`.
    Namespace {
        /// This process's user, who owns the files.
        uid: u32,
    },
    /// As `nobody` who may pass every directory.
    Overriding,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsIs { .. } => f.write_str("as it is"),
            Self::User { uid, .. } => write!(f, "as the user with id {uid}"),
            Self::Namespace { .. } => f.write_str("in a user namespace (unshare)"),
            Self::Overriding => f.write_str("as nobody with a capability (setpriv)"),
        }
    }
}

impl Identity {
    /// The way that works for `directory` (which must exist).
    pub(super) fn find(binaries: &Binaries, directory: &Path) -> Result<Self, PostgresError> {
        let uid = platform::effective_uid();
        let users = passwd();
        let mut tried = Vec::new();
        for candidate in candidates(uid, owner_of(directory), &users) {
            match candidate.probe(binaries, directory) {
                Ok(()) => return Ok(candidate),
                Err(error) => tried.push(format!("{candidate}: {error}")),
            }
        }
        Err(PostgresError::NoIdentity { directory: directory.to_owned(), tried: tried.join("; ") })
    }

    /// Who owns the files of the cluster, as this process sees it.
    pub(super) fn owner(&self) -> (u32, Option<u32>) {
        match *self {
            Self::AsIs { uid } | Self::Namespace { uid } => (uid, None),
            Self::User { uid, gid } => (uid, Some(gid)),
            Self::Overriding => (NOBODY, Some(NOBODY)),
        }
    }

    /// A command that runs `program` in this way: with a clean environment as far as PostgreSQL
    /// reads it, and in a process group of its own, so that Ctrl-C in a terminal reaches the
    /// application only.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = match self {
            Self::AsIs { .. } => Command::new(program),
            Self::User { uid, gid } => {
                let mut command = Command::new(program);
                command.uid(*uid).gid(*gid);
                command
            }
            Self::Namespace { .. } => {
                let mut command = Command::new("unshare");
                command.arg("--user");
                command.arg(format!("--map-user={NOBODY}"));
                command.arg(format!("--map-group={NOBODY}"));
                command.arg("--").arg(program);
                command
            }
            Self::Overriding => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={NOBODY}")).arg(format!("--regid={NOBODY}"));
                command.args(["--clear-groups", "--inh-caps", "+dac_override"]);
                command.args(["--ambient-caps", "+dac_override"]);
                command.arg("--").arg(program);
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            let is_postgres = name.to_str().is_some_and(|name| name.starts_with("PG"));
            let is_locale =
                name.to_str().is_some_and(|name| name.starts_with("LC_") || name == "LANG");
            if is_postgres || is_locale {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C.UTF-8").process_group(0);
        command
    }

    /// Gives a file or a whole tree to whoever runs the server. Does nothing when it is theirs.
    pub(super) fn give(&self, path: &Path) -> Result<(), PostgresError> {
        let (uid, gid) = self.owner();
        let metadata = fs::symlink_metadata(path).on("look at", path)?;
        if metadata.uid() == uid {
            return Ok(());
        }
        give_tree(path, uid, gid)
    }

    fn probe(&self, binaries: &Binaries, directory: &Path) -> Result<(), String> {
        let output = self
            .command(&binaries.program("initdb"))
            .arg("--version")
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }
}

/// One line of the list of users.
#[derive(Debug, Clone, PartialEq, Eq)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

fn candidates(uid: u32, owner: Option<u32>, users: &[User]) -> Vec<Identity> {
    let as_user = |user: &User| Identity::User { uid: user.uid, gid: user.gid };
    if uid != 0 {
        // initdb looks its user up by id and fails for one without a name (a container that
        // runs with an arbitrary id); inside a namespace that user is called nobody.
        let mut ways = vec![Identity::AsIs { uid }, Identity::Namespace { uid }];
        if !users.is_empty() && !users.iter().any(|user| user.uid == uid) {
            ways.reverse();
        }
        return ways;
    }
    let mut ways: Vec<Identity> = users
        .iter()
        .find(|user| user.uid != 0 && Some(user.uid) == owner)
        .map(as_user)
        .into_iter()
        .collect();
    for name in ["postgres", "nobody"] {
        ways.extend(users.iter().find(|user| user.name == name && user.uid != 0).map(as_user));
    }
    ways.push(Identity::Namespace { uid });
    ways.push(Identity::Overriding);
    ways
}

fn owner_of(directory: &Path) -> Option<u32> {
    // The cluster's own folder tells best; before the first start only the data directory is
    // there.
    [directory.join("postgres").join("cluster"), directory.to_owned()]
        .iter()
        .find_map(|path| fs::symlink_metadata(path).ok())
        .map(|metadata| metadata.uid())
}

fn passwd() -> Vec<User> {
    parse_passwd(&fs::read_to_string("/etc/passwd").unwrap_or_default())
}

fn parse_passwd(text: &str) -> Vec<User> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(User { name, uid, gid })
        })
        .collect()
}

fn give_tree(path: &Path, uid: u32, gid: Option<u32>) -> Result<(), PostgresError> {
    std::os::unix::fs::lchown(path, Some(uid), gid).on("change the owner of", path)?;
    let metadata = fs::symlink_metadata(path).on("look at", path)?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path).on("list", path)? {
            give_tree(&entry.on("list", path)?.path(), uid, gid)?;
        }
    }
    Ok(())
}

/// Makes a folder that only its owner can enter, owned by whoever runs the server. For a place
/// that only the application writes to.
pub(super) fn private_folder(path: &Path, identity: &Identity) -> Result<(), PostgresError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).on("make the folder", path);
        }
        _ => {}
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).on("protect", path)?;
    identity.give(path)
}

/// The same in a place that everybody may write to: somebody else may have put a folder (or a
/// link) of that name there before us, so an existing one must be a folder of our own.
pub(super) fn private_folder_in_public(
    path: &Path,
    identity: &Identity,
) -> Result<(), PostgresError> {
    if let Ok(metadata) = fs::symlink_metadata(path) {
        let own = [identity.owner().0, platform::effective_uid()].contains(&metadata.uid());
        if !metadata.is_dir() || !own {
            return Err(PostgresError::UnsafeSocketFolder { folder: path.to_owned() });
        }
    }
    private_folder(path, identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\n\
        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
        broken line\n\
        anna:x:1000:1000:,,,:/home/anna:/bin/bash\n\
        postgres:x:105:110:PostgreSQL:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn the_list_of_users_is_read_and_broken_lines_are_passed_over() {
        let names: Vec<String> = parse_passwd(USERS)
            .into_iter()
            .map(|user| format!("{}:{}", user.name, user.uid))
            .collect();
        assert_eq!(names, ["root:0", "nobody:65534", "anna:1000", "postgres:105"]);
    }

    #[test]
    fn root_prefers_the_owner_then_postgres_then_nobody() {
        let users = parse_passwd(USERS);
        let ways = candidates(0, Some(1000), &users);
        assert_eq!(
            ways,
            [
                Identity::User { uid: 1000, gid: 1000 },
                Identity::User { uid: 105, gid: 110 },
                Identity::User { uid: 65_534, gid: 65_534 },
                Identity::Namespace { uid: 0 },
                Identity::Overriding,
            ]
        );
    }

    #[test]
    fn root_never_runs_it_as_root() {
        let ways = candidates(0, Some(0), &parse_passwd("root:x:0:0::/root:/bin/sh\n"));
        assert_eq!(ways, [Identity::Namespace { uid: 0 }, Identity::Overriding]);
    }

    #[test]
    fn an_ordinary_user_runs_it_as_is_and_one_without_a_name_in_a_namespace() {
        let users = parse_passwd(USERS);
        assert_eq!(candidates(1000, None, &users).first(), Some(&Identity::AsIs { uid: 1000 }));
        assert_eq!(
            candidates(4711, None, &users).first(),
            Some(&Identity::Namespace { uid: 4711 })
        );
    }
}
