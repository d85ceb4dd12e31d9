//! Reads the rows of a list, whatever was done to it, in bounded memory (IMP-3, IMP-20).
//!
//! Valid RFC 4180 is read as RFC 4180 says. What is not valid is read the way a person would read it, and
//! told as a [`RowFault`]: nothing stops the file, and nothing is dropped unsaid. Own code rather than the
//! `csv` crate, because a quote that never closes must not swallow the rows after it, and because each row
//! has to know the line it began on.

use std::fmt;
use std::io::{self, Read};

use super::dialect::{Dialect, LineEnding};
use crate::codes::Code;

/// Most columns a list may have.
pub const MAX_COLUMNS: usize = 1_000;
/// Most data rows a list may have.
pub const MAX_ROWS: u64 = 10_000_000;
/// Longest cell, bytes of UTF-8; a longer one is dropped and reported.
pub const MAX_CELL: usize = 1024 * 1024;
/// Longest row, bytes of UTF-8; cells past it are dropped and reported.
pub const MAX_ROW: usize = 8 * 1024 * 1024;
/// A quoted cell of more lines than this was never closed.
const MAX_QUOTED_LINES: u64 = 1_000;
const CHUNK: usize = 64 * 1024;

/// Whether the first row names the columns (IMP-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRow {
    /// It names them.
    Header,
    /// It is a contact already.
    Data,
}

/// What is odd about one row. The row is read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFault {
    /// Something stands to the right of the last column.
    TooManyCells {
        /// Cells of the row.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// The row ends before the last named column; what is missing counts as empty, nothing is lost.
    TooFewCells {
        /// Cells of the row.
        found: usize,
        /// Columns up to the last named one.
        expected: usize,
    },
    /// NUL characters were taken out of the cell.
    NulCharacter {
        /// Column, from 0.
        column: usize,
    },
    /// Some bytes of the cell mean nothing in the encoding; U+FFFD stands in their place.
    Undecodable {
        /// Column, from 0.
        column: usize,
    },
    /// The cell (or the row with it) was too long and is left empty.
    CellTooLarge {
        /// Column, from 0.
        column: usize,
    },
    /// A quote was opened and not closed; the cell ends at the next delimiter or line end.
    UnclosedQuote {
        /// Column, from 0.
        column: usize,
    },
}

impl RowFault {
    /// The code in the row report.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            RowFault::TooManyCells { .. } => Code::TooManyCells,
            RowFault::TooFewCells { .. } => Code::TooFewCells,
            RowFault::NulCharacter { .. } => Code::NulCharacter,
            RowFault::Undecodable { .. } => Code::UndecodableText,
            RowFault::CellTooLarge { .. } => Code::CellTooLarge,
            RowFault::UnclosedQuote { .. } => Code::UnclosedQuote,
        }
    }

    /// The column it is about, from 0; none when it is the whole row.
    #[must_use]
    pub fn column(self) -> Option<usize> {
        match self {
            RowFault::TooManyCells { .. } | RowFault::TooFewCells { .. } => None,
            RowFault::NulCharacter { column }
            | RowFault::Undecodable { column }
            | RowFault::CellTooLarge { column }
            | RowFault::UnclosedQuote { column } => Some(column),
        }
    }

    /// Whether something the file held did not arrive as it stood. A short row lost nothing.
    #[must_use]
    pub fn loses_data(self) -> bool {
        !matches!(self, RowFault::TooFewCells { .. })
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowFault::TooManyCells { found, expected } => {
                write!(f, "the row has {found} cells, the table {expected} columns")
            }
            RowFault::TooFewCells { found, expected } => {
                write!(f, "the row has {found} of {expected} cells; the others count as empty")
            }
            RowFault::NulCharacter { .. } => f.write_str("NUL characters were left out"),
            RowFault::Undecodable { .. } => f.write_str("some bytes mean nothing in this encoding"),
            RowFault::CellTooLarge { .. } => f.write_str("the cell is too long and was left out"),
            RowFault::UnclosedQuote { .. } => f.write_str("a quote was opened and not closed"),
        }
    }
}

/// Why reading ends before the file does.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stored bytes cannot be read.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// More columns than [`MAX_COLUMNS`].
    #[error("the list has {columns} columns, at most {MAX_COLUMNS} are read")]
    TooManyColumns {
        /// How many.
        columns: usize,
    },
    /// More rows than [`MAX_ROWS`].
    #[error("the list has more than {MAX_ROWS} rows")]
    TooManyRows,
}

impl ReadError {
    /// The code of the problem; none when the stored bytes could not be read, which is our own fault.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            ReadError::Io(_) => None,
            ReadError::TooManyColumns { .. } => Some(Code::ImportTooManyColumns),
            ReadError::TooManyRows => Some(Code::ImportTooManyRows),
        }
    }
}

/// One row; keep one and read them all into it.
#[derive(Default, Clone)]
pub struct Row {
    number: u64,
    line: u64,
    text: String,
    ends: Vec<usize>,
    faults: Vec<RowFault>,
}

impl Row {
    /// A row to read into.
    #[must_use]
    pub fn new() -> Self {
        Row::default()
    }

    /// The number of the data row, from 1; empty rows have one too.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The line of the file it begins on, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// How many cells it has (at most [`MAX_COLUMNS`]).
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether nothing but white space stands in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.chars().all(is_blank)
    }

    /// The cell of a column, from 0; empty where the row is too short.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        let Some(end) = self.ends.get(column) else { return "" };
        let start = column.checked_sub(1).and_then(|c| self.ends.get(c)).copied().unwrap_or(0);
        self.text.get(start..*end).unwrap_or_default()
    }

    /// All its cells as they stand in the file.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|column| self.cell(column))
    }

    /// What is odd about it.
    #[must_use]
    pub fn faults(&self) -> &[RowFault] {
        &self.faults
    }

    fn add(&mut self, fault: RowFault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Takes NULs out, and tells of them and of replaced bytes.
    fn inspect(&mut self) {
        if self.text.as_bytes().contains(&0) {
            let mut cleaned = String::with_capacity(self.text.len());
            let mut ends = Vec::with_capacity(self.ends.len());
            for column in 0..self.ends.len() {
                let cell = self.cell(column);
                let marred = cell.contains('\0');
                cleaned.extend(cell.chars().filter(|c| *c != '\0'));
                ends.push(cleaned.len());
                if marred {
                    self.add(RowFault::NulCharacter { column });
                }
            }
            self.text = cleaned;
            self.ends = ends;
        }
        if self.text.contains('\u{fffd}') {
            for column in 0..self.ends.len() {
                if self.cell(column).contains('\u{fffd}') {
                    self.add(RowFault::Undecodable { column });
                }
            }
        }
    }
}

impl fmt::Debug for Row {
    /// Leaves the cells out: they are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("number", &self.number)
            .field("line", &self.line)
            .field("cells", &self.ends.len())
            .field("faults", &self.faults)
            .finish()
    }
}

/// White space as lists have it, no-break and zero-width ones too.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{1a}' | '\0')
}

/// What a spreadsheet wrote to protect a text from itself: `="0042"` and `'0042` say `0042`.
///
/// The apostrophe is only taken off before digits and signs, where a name would not have one.
#[must_use]
pub fn unprotected(cell: &str) -> &str {
    let trimmed = cell.trim();
    if let Some(text) = trimmed.strip_prefix("=\"").and_then(|t| t.strip_suffix('"')) {
        return text;
    }
    match trimmed.strip_prefix('\'') {
        Some(text) if text.starts_with(|c: char| c.is_ascii_digit() || "+-=@(".contains(c)) => text,
        _ => cell,
    }
}

/// What ended a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Delimiter,
    Line,
    File,
}

/// The decoded bytes at hand, with those kept that may have to be read again.
struct Window<R> {
    source: R,
    bytes: Vec<u8>,
    at: usize,
    len: usize,
    keep: Option<usize>,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// Bytes not consumed yet; empty only at the end.
    fn rest(&mut self) -> io::Result<&[u8]> {
        if self.at == self.len {
            self.more()?;
        }
        Ok(self.bytes.get(self.at..self.len).unwrap_or_default())
    }

    fn byte(&mut self, ahead: usize) -> io::Result<Option<u8>> {
        while self.at + ahead >= self.len && !self.ended {
            self.more()?;
        }
        Ok(if self.at + ahead < self.len { self.bytes.get(self.at + ahead).copied() } else { None })
    }

    fn more(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        let from = self.keep.unwrap_or(self.at);
        if from > 0 {
            self.bytes.copy_within(from..self.len, 0);
            self.len -= from;
            self.at -= from;
            self.keep = self.keep.map(|_| 0);
        }
        if self.bytes.len() < self.len + CHUNK / 2 {
            self.bytes.resize(self.len + CHUNK, 0);
        }
        let free = self.bytes.get_mut(self.len..).unwrap_or_default();
        loop {
            match self.source.read(free) {
                Ok(read) => {
                    self.len += read;
                    self.ended = read == 0;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The row being read.
#[derive(Default)]
struct Draft {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Cells of the row, those beyond [`MAX_COLUMNS`] too.
    count: usize,
    /// Cells up to the last that holds something.
    filled: usize,
    /// Whether the cell at hand is already too long.
    overflow: bool,
    faults: Vec<RowFault>,
}

impl Draft {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.faults.clear();
        self.count = 0;
        self.filled = 0;
        self.overflow = false;
    }

    fn start(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn size(&self) -> usize {
        self.bytes.len() - self.start()
    }

    /// Appends to the cell, unless it is too long.
    fn extend(&mut self, bytes: &[u8]) {
        if self.overflow {
            return;
        }
        if self.size() + bytes.len() > MAX_CELL || self.bytes.len() + bytes.len() > MAX_ROW {
            self.overflow = true;
            self.bytes.truncate(self.start());
            return;
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn forget_cell(&mut self) {
        self.bytes.truncate(self.start());
        self.overflow = false;
    }

    fn end_cell(&mut self) {
        let column = self.count;
        self.count += 1;
        let holds = self.overflow || self.bytes.iter().skip(self.start()).any(|b| *b != b' ');
        if holds {
            self.filled = self.count;
        }
        if column >= MAX_COLUMNS {
            self.bytes.truncate(self.start());
        } else {
            if self.overflow {
                self.faults.push(RowFault::CellTooLarge { column });
            }
            self.ends.push(self.bytes.len());
        }
        self.overflow = false;
    }
}

/// How often each line end was seen, outside of cells.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LineEnds {
    crlf: u64,
    lf: u64,
    cr: u64,
}

impl LineEnds {
    pub(super) fn kind(self) -> LineEnding {
        match (self.crlf > 0, self.lf > 0, self.cr > 0) {
            (true, false, false) => LineEnding::CrLf,
            (false, false, true) => LineEnding::Cr,
            (false, _, false) => LineEnding::Lf,
            _ => LineEnding::Mixed,
        }
    }
}

/// Reads the rows of decoded text (see [`super::transcode::Decoder`]).
pub struct RowReader<R> {
    window: Window<R>,
    delimiter: u8,
    quote: u8,
    one_line: bool,
    first_row: FirstRow,
    skip_lines: u64,
    begun: bool,
    columns: usize,
    named: usize,
    header: Vec<String>,
    line: u64,
    number: u64,
    draft: Draft,
    line_ends: LineEnds,
}

impl<R: Read> RowReader<R> {
    /// Reads `text` as `dialect` says.
    ///
    /// `columns` is the width of the table as [`super::source::peek`] found it; 0 takes the width of the
    /// first row.
    pub fn new(text: R, dialect: &Dialect, first_row: FirstRow, columns: usize) -> Self {
        RowReader {
            window: Window {
                source: text,
                bytes: vec![0; CHUNK],
                at: 0,
                len: 0,
                keep: None,
                ended: false,
            },
            delimiter: dialect.delimiter.byte(),
            quote: dialect.quote.byte(),
            one_line: dialect.one_line,
            first_row,
            skip_lines: dialect.skip_lines,
            begun: false,
            columns,
            named: columns,
            header: Vec::new(),
            line: 1,
            number: 0,
            draft: Draft::default(),
            line_ends: LineEnds::default(),
        }
    }

    /// The names of the columns; empty when the first row is data or the file has none.
    ///
    /// # Errors
    /// As [`RowReader::next_row`].
    pub fn header(&mut self) -> Result<&[String], ReadError> {
        self.begin()?;
        Ok(&self.header)
    }

    /// Columns of the table; known after the first row where they were not given.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Reads the next data row into `row`; false at the end of the file.
    ///
    /// # Errors
    /// When the bytes cannot be read, or the file is beyond [`MAX_COLUMNS`] or [`MAX_ROWS`].
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        self.begin()?;
        if !self.record(row)? {
            return Ok(false);
        }
        if self.number >= MAX_ROWS {
            return Err(ReadError::TooManyRows);
        }
        self.number += 1;
        row.number = self.number;
        if self.columns == 0 {
            self.widen(self.draft.count)?;
        }
        self.judge_width(row);
        Ok(true)
    }

    /// Cells of the row read last, and those up to the last that holds something.
    pub(super) fn width(&self) -> (usize, usize) {
        (self.draft.count, self.draft.filled)
    }

    /// Bytes this holds in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.window.bytes.capacity() + self.draft.bytes.capacity()
    }

    /// Line ends seen so far.
    pub(super) fn line_ends(&self) -> LineEnds {
        self.line_ends
    }

    fn widen(&mut self, columns: usize) -> Result<(), ReadError> {
        if columns > MAX_COLUMNS {
            return Err(ReadError::TooManyColumns { columns });
        }
        self.columns = columns;
        self.named = columns;
        Ok(())
    }

    fn judge_width(&self, row: &mut Row) {
        if self.draft.filled > self.columns {
            row.add(RowFault::TooManyCells { found: self.draft.count, expected: self.columns });
        } else if self.draft.count < self.named && !row.is_empty() {
            row.add(RowFault::TooFewCells { found: self.draft.count, expected: self.named });
        }
    }

    /// Skips the preamble and reads the header, once.
    fn begin(&mut self) -> Result<(), ReadError> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        // lists joined from several files keep their marks
        while self.window.byte(0)? == Some(0xef)
            && self.window.byte(1)? == Some(0xbb)
            && self.window.byte(2)? == Some(0xbf)
        {
            self.window.at += 3;
        }
        for _ in 0..self.skip_lines {
            self.skip_line()?;
        }
        if self.first_row == FirstRow::Data {
            return Ok(());
        }
        let mut row = Row::new();
        loop {
            if !self.record(&mut row)? {
                return Ok(());
            }
            if !row.is_empty() {
                break;
            }
        }
        if self.columns == 0 {
            self.widen(self.draft.count)?;
        }
        self.header = row.cells().map(|cell| cell.trim_matches(is_blank).to_owned()).collect();
        self.header.resize(self.columns, String::new());
        self.named =
            self.header.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        Ok(())
    }

    fn skip_line(&mut self) -> Result<(), ReadError> {
        loop {
            let rest = self.window.rest()?;
            if rest.is_empty() {
                return Ok(());
            }
            let found = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
            self.window.at += found.unwrap_or(rest.len());
            if found.is_some() {
                self.end_line()?;
                return Ok(());
            }
        }
    }

    /// Consumes the line end that comes next.
    fn end_line(&mut self) -> Result<(), ReadError> {
        let (kind, length) = self.line_end()?;
        match kind {
            LineEnding::CrLf => self.line_ends.crlf += 1,
            LineEnding::Cr => self.line_ends.cr += 1,
            LineEnding::Lf | LineEnding::Mixed => self.line_ends.lf += 1,
        }
        self.window.at += length;
        self.line += 1;
        Ok(())
    }

    /// Which line end comes next, and its length; `\r\r\n`, a text written twice as text, is one.
    fn line_end(&mut self) -> Result<(LineEnding, usize), ReadError> {
        if self.window.byte(0)? == Some(b'\n') {
            return Ok((LineEnding::Lf, 1));
        }
        Ok(match self.window.byte(1)? {
            Some(b'\n') => (LineEnding::CrLf, 2),
            Some(b'\r') if self.window.byte(2)? == Some(b'\n') => (LineEnding::CrLf, 3),
            _ => (LineEnding::Cr, 1),
        })
    }

    /// Reads one record, empty ones too; false at the end.
    fn record(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        self.draft.clear();
        if self.window.byte(0)?.is_none() {
            return Ok(false);
        }
        let line = self.line;
        let end = loop {
            let end = self.cell()?;
            self.draft.end_cell();
            if end != End::Delimiter || self.one_line {
                break end;
            }
        };
        // what DOS programs end a text with
        if end == End::File && self.draft.bytes == [0x1a] {
            return Ok(false);
        }
        row.line = line;
        row.number = 0;
        std::mem::swap(&mut row.ends, &mut self.draft.ends);
        std::mem::swap(&mut row.faults, &mut self.draft.faults);
        let spare = std::mem::take(&mut row.text).into_bytes();
        let bytes = std::mem::replace(&mut self.draft.bytes, spare);
        match String::from_utf8(bytes) {
            Ok(text) => row.text = text,
            Err(error) => mend(row, error.as_bytes()),
        }
        row.inspect();
        Ok(true)
    }

    /// Reads one cell into the draft.
    fn cell(&mut self) -> Result<End, ReadError> {
        let mut blanks = 0;
        while blanks < 8 && self.window.byte(blanks)? == Some(b' ') {
            blanks += 1;
        }
        if self.window.byte(blanks)? != Some(self.quote) {
            return self.plain_cell();
        }
        self.window.keep = Some(self.window.at);
        let line = self.line;
        self.window.at += blanks + 1;
        let end = self.quoted_cell()?;
        if let Some(end) = end {
            self.window.keep = None;
            return Ok(end);
        }
        // read the line again, with this quote as a plain sign
        let Some(kept) = self.window.keep.take() else {
            self.draft.faults.push(RowFault::UnclosedQuote { column: self.draft.count });
            return self.line_or_file();
        };
        self.window.at = kept + blanks + 1;
        self.line = line;
        self.draft.forget_cell();
        let end = self.plain_cell()?;
        self.mend_quotes();
        Ok(end)
    }

    /// A cell that was read with its opening quote as a plain sign: `"Jan" <jan@example.cz>` is as it
    /// stands, `"Jan` is `Jan` and a fault.
    fn mend_quotes(&mut self) {
        let start = self.draft.start();
        let quotes = self.draft.bytes.iter().skip(start).filter(|b| **b == self.quote).count();
        if quotes % 2 == 0 {
            self.draft.faults.push(RowFault::UnclosedQuote { column: self.draft.count });
        }
        if quotes == 0 || self.draft.overflow {
            return;
        }
        let text = self.draft.bytes.split_off(start);
        let mut mended = vec![self.quote];
        for byte in text {
            // a doubled quote was meant as one
            if byte != self.quote || mended.last() != Some(&byte) || mended.len() == 1 {
                mended.push(byte);
            }
        }
        if let [first, inner @ .., last] = mended.as_slice()
            && first == last
            && !inner.contains(&self.quote)
        {
            mended = inner.to_vec();
        }
        self.draft.bytes.extend_from_slice(&mended);
    }

    fn plain_cell(&mut self) -> Result<End, ReadError> {
        let delimiter = self.delimiter;
        loop {
            let rest = self.window.rest()?;
            if rest.is_empty() {
                return Ok(End::File);
            }
            let stop = |b: &u8| *b == delimiter || *b == b'\n' || *b == b'\r';
            let found = rest.iter().position(stop);
            let length = found.unwrap_or(rest.len());
            self.draft.extend(rest.get(..length).unwrap_or_default());
            self.window.at += length;
            if found.is_some() {
                return self.end_of_cell();
            }
        }
    }

    /// Reads on from behind the opening quote; none when it was never closed.
    fn quoted_cell(&mut self) -> Result<Option<End>, ReadError> {
        let quote = self.quote;
        let mut lines = 0;
        let mut stray = false;
        loop {
            let rest = self.window.rest()?;
            let stop = |b: &u8| *b == quote || *b == b'\n' || *b == b'\r';
            let found = rest.iter().position(stop);
            let length = found.unwrap_or(rest.len());
            let sign = found.and_then(|at| rest.get(at)).copied();
            let at_end = rest.is_empty();
            self.draft.extend(rest.get(..length).unwrap_or_default());
            self.window.at += length;
            if at_end || (self.draft.overflow && lines > 0) {
                return Ok(None);
            }
            if self.draft.overflow {
                // one line, however long: nothing behind it can be swallowed, and nothing needs keeping
                self.window.keep = None;
            }
            match sign {
                None => {}
                Some(sign) if sign == quote => match self.after_quote()? {
                    AfterQuote::Doubled => {
                        self.draft.extend(&[quote]);
                        self.window.at += 2;
                    }
                    AfterQuote::Closed(blanks) => {
                        self.window.at += 1 + blanks;
                        return self.end_of_cell().map(Some);
                    }
                    AfterQuote::Text if lines > 0 => return Ok(None),
                    AfterQuote::Text => {
                        stray = true;
                        self.draft.extend(&[quote]);
                        self.window.at += 1;
                    }
                },
                Some(_) => {
                    lines += 1;
                    if stray || self.draft.overflow || lines > MAX_QUOTED_LINES {
                        return Ok(None);
                    }
                    self.keep_line_end()?;
                }
            }
        }
    }

    /// A line end inside a cell belongs to the cell.
    fn keep_line_end(&mut self) -> Result<(), ReadError> {
        let (_, length) = self.line_end()?;
        let end: &[u8] = match length {
            1 if self.window.byte(0)? == Some(b'\n') => b"\n",
            1 => b"\r",
            2 => b"\r\n",
            _ => b"\r\r\n",
        };
        self.draft.extend(end);
        self.window.at += length;
        self.line += 1;
        Ok(())
    }

    /// What a quote inside a quoted cell means.
    fn after_quote(&mut self) -> Result<AfterQuote, ReadError> {
        if self.window.byte(1)? == Some(self.quote) {
            return Ok(AfterQuote::Doubled);
        }
        let mut blanks = 0;
        while blanks < 8 && self.window.byte(1 + blanks)? == Some(b' ') {
            blanks += 1;
        }
        Ok(match self.window.byte(1 + blanks)? {
            None | Some(b'\n' | b'\r') => AfterQuote::Closed(blanks),
            Some(next) if next == self.delimiter => AfterQuote::Closed(blanks),
            Some(_) => AfterQuote::Text,
        })
    }

    /// Consumes the delimiter, the line end or the end of the file that comes next.
    fn end_of_cell(&mut self) -> Result<End, ReadError> {
        if self.window.byte(0)? == Some(self.delimiter) {
            self.window.at += 1;
            return Ok(End::Delimiter);
        }
        self.line_or_file()
    }

    fn line_or_file(&mut self) -> Result<End, ReadError> {
        if self.window.byte(0)?.is_none() {
            return Ok(End::File);
        }
        self.end_line()?;
        Ok(End::Line)
    }
}

enum AfterQuote {
    Doubled,
    /// Closed, with so many spaces before what ends the cell.
    Closed(usize),
    Text,
}

/// Bytes that are no UTF-8 reach this only when the source was not decoded.
fn mend(row: &mut Row, bytes: &[u8]) {
    let mut text = String::with_capacity(bytes.len());
    let mut start = 0;
    for end in &mut row.ends {
        text.push_str(&String::from_utf8_lossy(bytes.get(start..*end).unwrap_or_default()));
        start = *end;
        *end = text.len();
    }
    row.text = text;
}
