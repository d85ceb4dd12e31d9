//! Which workers of a shared folder live, so that the jobs of a killed one need not wait for their leases.
//!
//! Every worker holds an exclusive lock on a file of its own for as long as its process lives; the kernel
//! frees it however the process ends. Whoever can take the lock of another's file knows that this worker
//! is dead and gives its leases back at once. That holds for processes that share the folder on one
//! machine, in containers with one volume too; elsewhere nothing is seen, and leases run out as ever. A
//! wrong guess (a file system that forgets locks) changes nothing: effects are fenced by the lease's epoch.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Ending of the files' names; the rest is the name of the worker.
const ENDING: &str = "lock";

/// A worker's sign of life: lasts until the value is dropped or the process ends.
///
/// The file stays behind with nobody's lock on it; the next worker removes it.
#[derive(Debug)]
pub struct Presence {
    owner: String,
    folder: PathBuf,
    _lock: File,
}

/// A worker that lives no more; its file is locked by whoever found it.
#[derive(Debug)]
pub(super) struct Dead {
    /// Its name, as it stands in the leases.
    pub(super) owner: String,
    path: PathBuf,
    _lock: File,
}

impl Presence {
    /// Shows `owner`, a name that no other worker ever has, to the workers that use `folder`. Makes the
    /// folder when there is none.
    ///
    /// # Errors
    /// The folder cannot be written, or its file system knows no locks.
    pub fn announce(folder: &Path, owner: String) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(&owner).with_extension(ENDING);
        loop {
            let lock = File::options().create(true).truncate(false).write(true).open(&path)?;
            lock.lock()?;
            // somebody who looked between the two lines above took it for a dead worker's and removed it
            if lock.metadata()?.nlink() > 0 {
                return Ok(Self { owner, folder: folder.to_owned(), _lock: lock });
            }
        }
    }

    /// Name of the worker.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// The workers of the folder that are dead and not yet [buried](Dead::bury). Others that look
    /// meanwhile do not find them.
    pub(super) fn find_dead(&self) -> io::Result<Vec<Dead>> {
        let mut dead = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let named = path.extension().is_some_and(|ending| ending == ENDING);
            let Some(owner) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| named)
            else {
                continue;
            };
            if owner == self.owner {
                continue;
            }
            let owner = owner.to_owned();
            let lock = match File::options().write(true).open(&path) {
                Ok(lock) => lock,
                // another one buried it
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match lock.try_lock() {
                Ok(()) => dead.push(Dead { owner, path, _lock: lock }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(dead)
    }
}

impl Dead {
    /// Removes the file: nothing is left of this worker.
    pub(super) fn bury(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("kartoteka-presence-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn announce(&self, owner: &str) -> Presence {
            Presence::announce(&self.0, owner.to_owned()).unwrap()
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).unwrap().count()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn names(dead: &[Dead]) -> Vec<&str> {
        dead.iter().map(|dead| dead.owner.as_str()).collect()
    }

    #[test]
    fn only_those_who_are_gone_are_dead_and_only_until_they_are_buried() {
        let folder = Folder::new("life");
        let (mine, other, gone) =
            (folder.announce("1-aa"), folder.announce("2-bb"), folder.announce("3-cc"));
        fs::write(folder.0.join("note.txt"), "no worker").unwrap();
        assert!(mine.find_dead().unwrap().is_empty());
        drop(gone);
        let mut found = mine.find_dead().unwrap();
        assert_eq!(names(&found), ["3-cc"]);
        assert!(other.find_dead().unwrap().is_empty(), "one of them cares");
        found.remove(0).bury().unwrap();
        assert!(mine.find_dead().unwrap().is_empty() && other.find_dead().unwrap().is_empty());
        assert_eq!(folder.files(), 3);
    }

    #[test]
    fn who_is_found_but_not_buried_is_found_again() {
        let folder = Folder::new("again");
        let mine = folder.announce("1-aa");
        drop(folder.announce("2-bb"));
        drop(mine.find_dead().unwrap());
        assert_eq!(names(&mine.find_dead().unwrap()), ["2-bb"]);
    }

    #[test]
    fn who_comes_while_others_look_is_not_taken_for_dead() {
        let folder = Folder::new("race");
        let mine = folder.announce("1-aa");
        std::thread::scope(|scope| {
            let coming = scope
                .spawn(|| (0..500).map(|n| folder.announce(&format!("2-{n}"))).collect::<Vec<_>>());
            while !coming.is_finished() {
                for dead in mine.find_dead().unwrap() {
                    dead.bury().unwrap();
                }
            }
            let came = coming.join().unwrap();
            assert!(mine.find_dead().unwrap().is_empty());
            assert_eq!(folder.files(), came.len() + 1, "each has its file still");
        });
    }
}
