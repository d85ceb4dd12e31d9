//! Reading the stored bytes back: piece by piece, so that a file of a gigabyte needs the memory of one.

use std::io::{self, Read};

use uuid::Uuid;

use kartoteka_domain::ids::{ImportId, WorkspaceId};
use kartoteka_persistence::imports::data;
use kartoteka_persistence::{Db, Tenant};

use super::ImportRecord;
use crate::error::Error;

/// The first piece: enough for samples and suggestions.
pub(crate) fn head(tenant: &mut Tenant<'_>, import: &ImportRecord) -> Result<Vec<u8>, Error> {
    let upload = import.upload_id.ok_or_else(|| super::inconsistent("the upload is missing"))?;
    Ok(data::piece(tenant, ImportId(import.id), upload, 0)?.unwrap_or_default())
}

/// The stored bytes as a stream. Each piece is a read of its own: no transaction stays open.
pub(super) struct StoredBytes {
    db: Db,
    workspace: WorkspaceId,
    import: ImportId,
    upload: Uuid,
    seq: i32,
    piece: Vec<u8>,
    at: usize,
}

impl StoredBytes {
    /// The bytes of an import.
    ///
    /// # Errors
    /// It has none.
    pub(super) fn of(
        db: &Db,
        workspace: WorkspaceId,
        import: &ImportRecord,
    ) -> Result<Self, Error> {
        let upload =
            import.upload_id.ok_or_else(|| super::inconsistent("the upload is missing"))?;
        Ok(Self {
            db: db.clone(),
            workspace,
            import: ImportId(import.id),
            upload,
            seq: 0,
            piece: Vec::new(),
            at: 0,
        })
    }
}

impl Read for StoredBytes {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.piece.len() {
            let piece = self.db.read(self.workspace, |tenant| {
                data::piece(tenant, self.import, self.upload, self.seq).map_err(Error::from)
            });
            match piece.map_err(io::Error::other)? {
                None => return Ok(0),
                Some(piece) => {
                    self.piece = piece;
                    self.at = 0;
                    self.seq += 1;
                }
            }
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let length = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.at += length;
        Ok(length)
    }
}
