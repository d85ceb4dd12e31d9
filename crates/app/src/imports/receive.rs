//! The bytes of a list: received in pieces, hashed and looked at while they pass (IMP-2, IMP-3).

use std::io::Read;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::dialect::Dialect;
use kartoteka_domain::imports::encoding::{Encoding, Probe};
use kartoteka_domain::imports::reader::{FirstRow, Row, RowReader};
use kartoteka_domain::imports::source::{Overrides, peek};
use kartoteka_domain::imports::state::{ImportState, Step};
use kartoteka_domain::imports::transcode::Decoder;
use kartoteka_persistence::imports::data;
use kartoteka_persistence::{Tenant, imports};

pub use kartoteka_persistence::imports::data::PIECE_BYTES;

use super::{ImportRecord, at_step, back_to, steps};
use crate::context::Context;
use crate::error::Error;

/// What is known of the bytes; kept with the import and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredSource {
    /// Name of the file, when it had one.
    pub filename: Option<String>,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Name of the encoding.
    pub encoding: String,
    /// Whether a byte order mark stands in front.
    pub bom: bool,
    /// Delimiter, quotes, line ends, lines above the header.
    pub dialect: Dialect,
    /// Width of the table.
    pub columns: usize,
    /// The first rows.
    pub preview: Vec<Vec<String>>,
    /// Whether the first row looks like a header.
    pub header_guess: bool,
}

impl StoredSource {
    /// The encoding.
    ///
    /// # Errors
    /// The stored name is unknown.
    pub fn encoding(&self) -> Result<Encoding, Error> {
        self.encoding.parse().map_err(|_unknown| super::inconsistent("unknown encoding"))
    }

    /// A reader of the rows of `bytes`.
    ///
    /// # Errors
    /// The stored encoding is unknown.
    pub fn reader<R: Read>(&self, bytes: R, header: bool) -> Result<RowReader<Decoder<R>>, Error> {
        let first_row = if header { FirstRow::Header } else { FirstRow::Data };
        let text = Decoder::new(bytes, self.encoding()?);
        Ok(RowReader::new(text, &self.dialect, first_row, self.columns))
    }

    /// Header and first rows of the table, from the head of the file. The last row may be cut off by the
    /// end of the head and is left out when others are there.
    #[must_use]
    pub fn sample(
        &self,
        head: &[u8],
        header: bool,
        rows: usize,
    ) -> (Option<Vec<String>>, Vec<Vec<String>>) {
        let Ok(mut reader) = self.reader(head, header) else { return (None, Vec::new()) };
        let names = reader.header().map(<[String]>::to_vec).ok().filter(|_| header);
        let mut row = Row::new();
        let mut cells: Vec<Vec<String>> = Vec::new();
        while cells.len() <= rows && reader.next_row(&mut row).unwrap_or(false) {
            if !row.is_empty() {
                cells.push((0..self.columns).map(|column| row.cell(column).to_owned()).collect());
            }
        }
        if cells.len() > rows || (cells.len() > 1 && (head.len() as u64) < self.bytes) {
            cells.pop();
        }
        (names, cells)
    }
}

/// What the person says of the file, by name.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Encoding.
    pub encoding: Option<String>,
    /// Delimiter.
    pub delimiter: Option<String>,
}

impl Said {
    /// The overrides, or all faults of them.
    ///
    /// # Errors
    /// `unknown_encoding`, `unknown_delimiter`.
    pub fn overrides(&self) -> Result<Overrides, Error> {
        use kartoteka_domain::faults::Fault;
        let mut faults = Vec::new();
        let encoding = self.encoding.as_deref().and_then(|name| match name.parse() {
            Ok(encoding) => Some(encoding),
            Err(error) => {
                let error: kartoteka_domain::imports::encoding::UnknownEncoding = error;
                faults.push(Fault::new("?encoding", Code::UnknownEncoding, error.to_string()));
                None
            }
        });
        let delimiter = self.delimiter.as_deref().and_then(|name| match name.parse() {
            Ok(delimiter) => Some(delimiter),
            Err(error) => {
                let error: kartoteka_domain::imports::dialect::UnknownDelimiter = error;
                faults.push(Fault::new("?delimiter", Code::UnknownDelimiter, error.to_string()));
                None
            }
        });
        if faults.is_empty() {
            Ok(Overrides { encoding, delimiter })
        } else {
            Err(Error::invalid(faults))
        }
    }
}

/// Bytes that pass by: gathered into pieces, hashed, probed. Holds one piece and the head.
pub struct Receiver {
    /// Names the pieces of this upload.
    pub upload: Uuid,
    filename: Option<String>,
    limit: u64,
    bytes: u64,
    hash: Sha256,
    probe: Probe,
    head: Vec<u8>,
    piece: Vec<u8>,
    seq: i32,
}

impl Receiver {
    /// Begins to receive at most `limit` bytes.
    #[must_use]
    pub fn new(upload: Uuid, filename: Option<String>, limit: u64) -> Self {
        Self {
            upload,
            filename,
            limit,
            bytes: 0,
            hash: Sha256::new(),
            probe: Probe::new(),
            head: Vec::new(),
            piece: Vec::new(),
            seq: 0,
        }
    }

    /// Names the file; multipart tells it after the upload has begun.
    pub fn set_filename(&mut self, filename: Option<String>) {
        if filename.is_some() {
            self.filename = filename;
        }
    }

    /// SHA-256 of what was received so far.
    #[must_use]
    pub fn digest(&self) -> Vec<u8> {
        self.hash.clone().finalize().to_vec()
    }

    /// Takes bytes; gives back a full piece to store, if there is one.
    ///
    /// # Errors
    /// `import_too_large`.
    pub fn take(&mut self, chunk: &[u8]) -> Result<Option<(i32, Vec<u8>)>, Error> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.limit {
            let detail = format!("a file may have at most {} bytes", self.limit);
            return Err(Error::refused_with(
                Code::ImportTooLarge,
                detail,
                json!({ "limit": self.limit }),
            ));
        }
        self.hash.update(chunk);
        self.probe.feed(chunk);
        let room = PIECE_BYTES.saturating_sub(self.head.len());
        self.head.extend(chunk.iter().take(room));
        self.piece.extend_from_slice(chunk);
        Ok(if self.piece.len() >= PIECE_BYTES { Some(self.next_piece()) } else { None })
    }

    fn next_piece(&mut self) -> (i32, Vec<u8>) {
        let piece = (self.seq, std::mem::take(&mut self.piece));
        self.seq += 1;
        piece
    }

    /// The last piece, if anything is left.
    pub fn last(&mut self) -> Option<(i32, Vec<u8>)> {
        if self.piece.is_empty() { None } else { Some(self.next_piece()) }
    }

    fn source(self, said: &Said) -> Result<StoredSource, Error> {
        let overrides = said.overrides()?;
        let whole = self.bytes == self.head.len() as u64;
        let detected = self.probe.finish(whole);
        let source = peek(&self.head, detected, overrides)
            .map_err(|error| Error::refused(error.code(), error.to_string()))?;
        Ok(StoredSource {
            filename: self.filename,
            bytes: self.bytes,
            sha256: self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            encoding: source.encoding.name().to_owned(),
            bom: source.bom,
            dialect: source.dialect,
            columns: source.columns,
            preview: source.preview,
            header_guess: source.header_guess,
        })
    }
}

/// Whether the import takes bytes now; asked before the first byte is read.
///
/// # Errors
/// [`Error::NotFound`]; `step_out_of_order`.
pub fn check(tenant: &mut Tenant<'_>, id: ImportId) -> Result<(), Error> {
    at_step(tenant, id, Step::Data).map(drop)
}

/// Keeps a piece.
///
/// # Errors
/// What the database said.
pub fn keep(
    tenant: &mut Tenant<'_>,
    id: ImportId,
    upload: Uuid,
    (seq, bytes): (i32, Vec<u8>),
) -> Result<(), Error> {
    Ok(data::append(tenant, id, upload, seq, bytes)?)
}

/// Drops the pieces of an upload that broke off or was refused; those of others stay.
///
/// # Errors
/// What the database said.
pub fn discard(tenant: &mut Tenant<'_>, id: ImportId, upload: Uuid) -> Result<(), Error> {
    Ok(data::remove(tenant, id, upload)?)
}

/// Makes the received bytes the data of the import.
///
/// # Errors
/// `step_out_of_order`; `import_empty`, `import_not_text` and their like when it is no list; `conflict`
/// when another upload was finished while this one was on its way, and won.
pub fn finish(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    receiver: Receiver,
    said: &Said,
) -> Result<ImportRecord, Error> {
    let mut import = at_step(tenant, id, Step::Data)?;
    let upload = receiver.upload;
    if data::count(tenant, id, upload)? != i64::from(receiver.seq) {
        let detail = "another upload to this import was finished in the meantime; send it again";
        return Err(Error::refused(Code::Conflict, detail));
    }
    let source = receiver.source(said)?;
    back_to(&mut import, ImportState::AwaitingHeader, ctx);
    import.upload_id = Some(upload);
    if let Some(filename) = &source.filename
        && import.name == steps::proposed_name(import.created_at)
    {
        import.name.clone_from(filename);
    }
    import.source = Some(json!(source));
    imports::save(tenant, &import)?;
    data::keep_only(tenant, id, Some(upload))?;
    crate::access::audit::record(
        tenant,
        ctx,
        "import.receive",
        "import",
        Some(id.0),
        Some(json!({ "bytes": source.bytes })),
    )?;
    Ok(import)
}
