//! What can be told of a list from its head, for the person who is importing it (IMP-3, IMP-4).

use std::io::Read;

use super::dialect::{Delimiter, Dialect, detect_with};
use super::encoding::{Detected, Encoding};
use super::header::guess_header;
use super::reader::{FirstRow, MAX_COLUMNS, ReadError, Row, RowReader};
use super::refusal::{Refusal, sniff_refusal};
use super::transcode::Decoder;
use crate::codes::Code;

/// Rows of the preview.
pub const PREVIEW_ROWS: usize = 10;
/// Longest cell of the preview, characters.
const PREVIEW_CELL: usize = 500;
/// Rows whose width is looked at.
const WIDTH_ROWS: usize = 200;

/// What the user says of the file, against what was detected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The encoding.
    pub encoding: Option<Encoding>,
    /// The delimiter.
    pub delimiter: Option<Delimiter>,
}

/// What a list is, before it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The encoding, detected or given.
    pub encoding: Encoding,
    /// Whether a byte order mark was found.
    pub bom: bool,
    /// How it is written down.
    pub dialect: Dialect,
    /// Columns of the table.
    pub columns: usize,
    /// The first rows of the table, the header too if it has one.
    pub preview: Vec<Vec<String>>,
    /// Whether the first row looks like a header.
    pub header_guess: bool,
}

/// Why a file cannot be a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeekError {
    /// It is no list at all.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It has too many columns.
    #[error("the list has {columns} columns, at most {MAX_COLUMNS} are read")]
    TooManyColumns {
        /// How many.
        columns: usize,
    },
}

impl PeekError {
    /// The code of the problem document.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            PeekError::Refused(refusal) => refusal.code(),
            PeekError::TooManyColumns { .. } => Code::ImportTooManyColumns,
        }
    }
}

/// Looks at the head of a file; 64 KiB or more are enough.
///
/// `detected` comes from [`super::encoding::Probe`] fed with the whole file (a list may be plain ASCII
/// for its first megabyte), or from [`super::encoding::detect_encoding`].
///
/// # Errors
/// When the file is no list, or is too wide.
pub fn peek(head: &[u8], detected: Detected, overrides: Overrides) -> Result<Source, PeekError> {
    if let Some(refusal) = sniff_refusal(head) {
        return Err(refusal.into());
    }
    let encoding = overrides.encoding.unwrap_or(detected.encoding);
    let mut text = Vec::new();
    // a slice never fails to be read
    let _ = Decoder::new(head, encoding).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    // a sheet without a value is rows of delimiters
    if text.chars().all(|c| super::reader::is_blank(c) || ",;|\"".contains(c)) {
        return Err(Refusal::Empty.into());
    }
    let dialect = detect_with(&text, overrides.delimiter);
    let mut reader = RowReader::new(text.as_bytes(), &dialect, FirstRow::Data, MAX_COLUMNS);
    let mut row = Row::new();
    let mut preview: Vec<Vec<String>> = Vec::new();
    let mut widths = Vec::new();
    while widths.len() < WIDTH_ROWS && reader.next_row(&mut row).unwrap_or(false) {
        if row.is_empty() {
            continue;
        }
        widths.push(reader.width());
        if preview.len() < PREVIEW_ROWS {
            preview.push(row.cells().map(|c| c.chars().take(PREVIEW_CELL).collect()).collect());
        }
    }
    let columns = table_width(&widths);
    if columns > MAX_COLUMNS {
        return Err(PeekError::TooManyColumns { columns });
    }
    for cells in &mut preview {
        cells.resize(columns.max(cells.len()), String::new());
    }
    let header_guess = guess_header(&preview);
    let bom = detected.bom && encoding == detected.encoding;
    Ok(Source { encoding, bom, dialect, columns, preview, header_guess })
}

/// The width of the first row or the commonest one, whichever is more.
///
/// Each row has its number of cells and the number up to the last that holds something: a sheet
/// exported to its last column is as wide as what stands in it.
fn table_width(widths: &[(usize, usize)]) -> usize {
    let usual = |pick: fn(&(usize, usize)) -> usize| {
        let first = widths.first().map_or(0, pick);
        let mut all: Vec<usize> = widths.iter().map(pick).collect();
        all.sort_unstable();
        // of a list that is ragged all over the first row is the measure
        let usual = all.chunk_by(|a, b| a == b).find(|run| run.len() * 2 > widths.len());
        let common = usual.and_then(|run| run.first()).copied();
        first.max(common.unwrap_or(0))
    };
    let whole = usual(|(cells, _)| *cells);
    if whole <= MAX_COLUMNS {
        return whole;
    }
    widths.iter().map(|(_, filled)| *filled).max().unwrap_or(0)
}

impl Source {
    /// Reads the rows of the file whose head this describes.
    ///
    /// # Errors
    /// As [`RowReader::header`], which is read at once.
    pub fn rows<R: Read>(
        &self,
        bytes: R,
        first_row: FirstRow,
    ) -> Result<RowReader<Decoder<R>>, ReadError> {
        let text = Decoder::new(bytes, self.encoding);
        let mut reader = RowReader::new(text, &self.dialect, first_row, self.columns);
        reader.header()?;
        Ok(reader)
    }
}
