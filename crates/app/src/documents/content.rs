//! The bytes of a document, written while they are sent: whoever reads them slowly keeps nothing busy but their own
//! connection, and memory does not grow with the document.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use kartoteka_domain::documents::Kind;
use kartoteka_domain::documents::links::Page;
use kartoteka_domain::ids::{DocumentId, WorkspaceId};
use kartoteka_persistence::documents::{self as store, Document, Line};
use kartoteka_persistence::{Db, StoreError, Tenant};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::imports::errors_csv::{harmless, harmless_however_split};
use crate::tracking::Parameters;

/// Contacts of one block.
const PAGE: i64 = 1_000;
/// Grows when the same contacts are written in another way.
const FORM: u8 = 2;
/// The columns of a list of links.
const COLUMNS: [&str; 5] = ["contact_id", "email", "first_name", "last_name", "link"];

/// What stands between two cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// `,` (RFC 4180).
    #[default]
    Comma,
    /// `;`, which spreadsheets expect where a comma is the decimal point, as in Czechia and Poland.
    Semicolon,
}

impl Delimiter {
    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
        }
    }
}

/// A document on its way out.
pub struct Content {
    workspace: WorkspaceId,
    id: DocumentId,
    page: Page,
    parameters: Parameters,
    delimiter: Delimiter,
    after: Option<Uuid>,
    begun: bool,
    ended: bool,
}

/// The entity tag (RFC 9110, 8.8.3) of the document's bytes, without its quotes: for the same contacts, unchanged, the same
/// one. It is a weak one: nobody has seen the bytes.
///
/// # Errors
/// What the database said.
pub fn tag(
    tenant: &mut Tenant<'_>,
    document: &Document,
    delimiter: Delimiter,
) -> Result<String, StoreError> {
    let lines = store::state(tenant, DocumentId(document.id))?;
    let mut hash = Sha256::new();
    hash.update([FORM, delimiter.byte()]);
    hash.update(document.page.as_deref().unwrap_or_default());
    hash.update([0]);
    hash.update(lines);
    Ok(hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// Writes into the trail that the document was taken.
///
/// # Errors
/// What the database said.
pub fn begin(tenant: &mut Tenant<'_>, ctx: &Context, document: &Document) -> Result<(), Error> {
    audit::record(tenant, ctx, "document.download", "document", Some(document.id), None)?;
    Ok(())
}

impl Content {
    /// The bytes of a document. `secret` is that of the installation.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] when it is of no kind that is known here.
    pub fn open(
        workspace: WorkspaceId,
        document: &Document,
        secret: &[u8],
        delimiter: Delimiter,
    ) -> Result<Self, Error> {
        match (Kind::from_word(&document.kind), &document.page) {
            (Some(Kind::Links), Some(page)) => Ok(Self {
                workspace,
                id: DocumentId(document.id),
                page: Page::kept(page.clone()),
                parameters: Parameters::of(secret, workspace),
                delimiter,
                after: None,
                begun: false,
                ended: false,
            }),
            _ => Err(Error::Store(StoreError::Inconsistent {
                table: "documents",
                problem: format!("the document {} cannot be written", document.id),
            })),
        }
    }

    /// The next bytes, in UTF-8 with a byte order mark (spreadsheets need it); `None` at the end. A block may be empty.
    ///
    /// # Errors
    /// `not_found` when the document was removed meanwhile: what was sent is not all of it.
    pub fn next_block(&mut self, db: &Db) -> Result<Option<Vec<u8>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let lines: Vec<Line> = db.read(self.workspace, |tenant| {
            let lines = store::lines(tenant, self.id, self.after, PAGE)?;
            // looked for afterwards: a document that goes in between takes its lines with it
            if store::exists(tenant, self.id)? { Ok(lines) } else { Err(Error::NotFound) }
        })?;
        self.ended = i64::try_from(lines.len()).unwrap_or(i64::MAX) < PAGE;
        self.after = lines.last().map(|line| line.place).or(self.after);
        let mut block = Vec::new();
        if !self.begun {
            self.begun = true;
            block.extend_from_slice("\u{feff}".as_bytes());
            block.extend(self.written(std::iter::once(COLUMNS.map(str::to_owned)))?);
        }
        let records = lines.into_iter().filter_map(|line| self.record(line)).collect::<Vec<_>>();
        block.extend(self.written(records.into_iter())?);
        Ok(Some(block))
    }

    fn record(&self, line: Line) -> Option<[String; COLUMNS.len()]> {
        let id = line.contact_id?;
        let link = self.page.with(&self.parameters.parameter(id.into()));
        let cells = [line.email, line.first_name, line.last_name];
        let [email, first_name, last_name] =
            cells.map(|cell| harmless_however_split(cell.unwrap_or_default()));
        // of the link nothing is written by the contact, and with a sign more it would lead elsewhere
        Some([id.to_string(), email, first_name, last_name, harmless(link)])
    }

    fn written(
        &self,
        records: impl Iterator<Item = [String; COLUMNS.len()]>,
    ) -> Result<Vec<u8>, Error> {
        let mut csv = csv::WriterBuilder::new()
            .delimiter(self.delimiter.byte())
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        for record in records {
            csv.write_record(record).map_err(closed)?;
        }
        csv.into_inner().map_err(|error| closed(error.into_error().into()))
    }
}

fn closed(error: csv::Error) -> Error {
    Error::Store(StoreError::Busy(error.to_string()))
}
