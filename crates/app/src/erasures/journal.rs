//! The journal of erasures: a file outside of the database, because a restored backup has lost what came after it.
//!
//! A line of JSON for each erasure, written and on the disk before anything is erased; nothing personal, only ids and
//! keyed hashes. Lines are only added. Any number of processes of one machine may share the file: each takes a lock
//! while it adds a line. Workers of several machines have a file each, or one on a shared file system; what counts after a
//! restore is that all of them are read, one after the other (`kartoteka erasures replay --journal FILE`). A line
//! that is there twice, or was half written when the power failed, does no harm.
//!
//! Keep the file apart from the backups of the database: a copy that is restored with it knows as little as the
//! database does. `kartoteka erasures export` writes the lines of all erasures the database knows.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use kartoteka_domain::ids::WorkspaceId;
use kartoteka_persistence::erasures::Erasure;

/// The form of the lines.
const VERSION: u32 = 1;

/// Where lines are added; cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal(Arc<PathBuf>);

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Form of the line.
    version: u32,
    /// The erasure.
    pub erasure: Uuid,
    /// Its workspace.
    pub workspace: Uuid,
    /// Everybody with an address was meant, and not one contact.
    pub by_address: bool,
    /// The contacts that are the person.
    pub contacts: Vec<Uuid>,
    /// Keyed hashes of the addresses that were the person's alone, `channel:hex`.
    pub addresses: Vec<String>,
    /// Word of [`kartoteka_domain::erasures::Reason`].
    pub reason: String,
    /// Whether the addresses may not be written to.
    pub suppress: bool,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
}

impl Line {
    /// The line of an erasure.
    #[must_use]
    pub fn of(workspace: WorkspaceId, erasure: &Erasure) -> Self {
        Self {
            version: VERSION,
            erasure: erasure.id,
            workspace: workspace.0,
            by_address: erasure.by_address,
            contacts: erasure.contact_ids.clone(),
            addresses: erasure.addresses.clone(),
            reason: erasure.reason.clone(),
            suppress: erasure.suppress,
            requested_at: erasure.requested_at,
        }
    }
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Its lines, the last of each erasure, in the order they were first written.
    pub lines: Vec<Line>,
    /// Lines that cannot be read: cut off, or of a newer form.
    pub unreadable: usize,
}

impl Journal {
    /// The journal in this file, which need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(Arc::new(path))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether a line could be added now.
    ///
    /// # Errors
    /// What the system says.
    pub fn check(&self) -> io::Result<()> {
        self.open().map(drop)
    }

    fn open(&self) -> io::Result<File> {
        if let Some(folder) = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        File::options().read(true).append(true).create(true).mode(0o600).open(&*self.0)
    }

    /// Adds a line and waits until it is on the disk.
    ///
    /// # Errors
    /// What the system says; then the line may be there or not.
    pub fn append(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut file = self.open()?;
        file.lock()?;
        let length = file.seek(SeekFrom::End(0))?;
        if length > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                // whoever wrote it was cut off; what follows is a line of its own
                text.insert(0, b'\n');
            }
        }
        file.write_all(&text)?;
        file.sync_all()?;
        if length == 0
            && let Some(folder) = self.0.parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            // the file is new: its name must be on the disk too
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// Reads a journal; one that is not there says nothing.
///
/// # Errors
/// What the system says.
pub fn read(path: &Path) -> io::Result<Lines> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lines::default()),
        Err(error) => return Err(error),
    };
    let mut read = Lines::default();
    let mut places = std::collections::HashMap::new();
    for text in bytes.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
        match serde_json::from_slice::<Line>(text) {
            Ok(line) if line.version == VERSION => {
                let place =
                    *places.entry((line.workspace, line.erasure)).or_insert(read.lines.len());
                match read.lines.get_mut(place) {
                    Some(known) => *known = line,
                    None => read.lines.push(line),
                }
            }
            _ => read.unreadable += 1,
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("kartoteka-journal-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn line(erasure: u128) -> Line {
        Line {
            version: VERSION,
            erasure: Uuid::from_u128(erasure),
            workspace: Uuid::from_u128(7),
            by_address: false,
            contacts: vec![Uuid::from_u128(8)],
            addresses: vec!["email:00".into()],
            reason: "requested".into(),
            suppress: true,
            requested_at: DateTime::UNIX_EPOCH,
        }
    }

    /// TRS-5
    #[test]
    fn lines_are_added_and_come_back_each_once() {
        let folder = Folder::new("lines");
        let journal = Journal::new(folder.0.join("below").join("erasures.ndjson"));
        assert_eq!(read(journal.path()).unwrap(), Lines::default(), "there is none yet");
        journal.check().unwrap();
        for erasure in [1, 2, 1] {
            journal.append(&line(erasure)).unwrap();
        }
        let lines = read(journal.path()).unwrap();
        assert_eq!(lines, Lines { lines: vec![line(1), line(2)], unreadable: 0 });
        assert_eq!(fs::read_to_string(journal.path()).unwrap().lines().count(), 3);
    }

    #[test]
    fn a_line_that_was_cut_off_does_not_take_the_next_one_along() {
        let folder = Folder::new("torn");
        let journal = Journal::new(folder.0.join("erasures.ndjson"));
        journal.append(&line(1)).unwrap();
        let whole = fs::read(journal.path()).unwrap();
        fs::write(journal.path(), [&whole[..], &whole[..20]].concat()).unwrap();
        journal.append(&line(2)).unwrap();
        let lines = read(journal.path()).unwrap();
        assert_eq!(lines, Lines { lines: vec![line(1), line(2)], unreadable: 1 });
    }

    #[test]
    fn many_write_at_once_and_no_line_is_lost() {
        let folder = Folder::new("crowd");
        let journal = Journal::new(folder.0.join("erasures.ndjson"));
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let journal = &journal;
                scope.spawn(move || {
                    for n in 0..25 {
                        journal.append(&line(writer * 100 + n)).unwrap();
                    }
                });
            }
        });
        let lines = read(journal.path()).unwrap();
        assert_eq!((lines.lines.len(), lines.unreadable), (100, 0));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error() {
        let folder = Folder::new("none");
        fs::create_dir_all(&folder.0).unwrap();
        // a folder where the file should be
        let journal = Journal::new(folder.0.clone());
        assert!(journal.check().is_err() && journal.append(&line(1)).is_err());
        assert!(read(journal.path()).is_err());
    }
}
