//! `errors.csv`: the rows with something to report, as they stand in the file, with the reason beside them.
//! Mended, it can be imported again (IMP-16).

use std::collections::VecDeque;

use serde::Deserialize;

use kartoteka_domain::ids::{ImportId, WorkspaceId};
use kartoteka_domain::imports::reader::{ReadError, Row, RowReader};
use kartoteka_domain::imports::transcode::Decoder;
use kartoteka_persistence::imports::report::{self, ReportFilter, ReportRow};
use kartoteka_persistence::{Db, StoreError};

use super::receive::StoredSource;
use super::upload::StoredBytes;
use super::{ImportRecord, forget, read_json};
use crate::error::Error;

/// Name of the added column. A file that has it already keeps it once: the new reason takes its place.
pub const REASON_COLUMN: &str = "import_problem";
/// Rows of the report held at once.
const PAGE_ROWS: i64 = 1_000;
/// A block has about so many bytes.
const BLOCK_BYTES: usize = 64 << 10;
/// Rows of the file read for one block.
const BLOCK_ROWS: u32 = 20_000;

#[derive(Deserialize)]
struct Problem {
    field: Option<String>,
    code: String,
    detail: String,
}

/// The report on its way out, block by block: whoever reads it slowly keeps nothing busy but their own
/// connection. Memory does not grow with the file.
pub struct ErrorsCsv {
    workspace: WorkspaceId,
    reader: RowReader<Decoder<StoredBytes>>,
    row: Row,
    filter: ReportFilter,
    import: ImportId,
    page: VecDeque<ReportRow>,
    header: Option<Vec<String>>,
    /// Column of the file that held the reasons of an earlier report.
    replaced: Option<usize>,
    width: usize,
    delimiter: u8,
    begun: bool,
    ended: bool,
}

impl ErrorsCsv {
    /// The report of an import.
    ///
    /// # Errors
    /// `import_data_gone` when the file was removed; what the database said.
    pub fn open(db: &Db, workspace: WorkspaceId, import: &ImportRecord) -> Result<Self, Error> {
        if import.upload_id.is_none() {
            return Err(forget::refuse_gone());
        }
        let source: StoredSource = read_json(import.source.as_ref(), "the source")?;
        let has_header = import.first_row.as_deref() == Some("header");
        let bytes = StoredBytes::of(db, workspace, import)?;
        let mut reader = source.reader(bytes, has_header)?;
        let header =
            if has_header { Some(reader.header().map_err(broken)?.to_vec()) } else { None };
        let names = header.iter().flatten();
        Ok(Self {
            workspace,
            reader,
            row: Row::new(),
            filter: ReportFilter {
                with_problems: true,
                limit: PAGE_ROWS,
                ..ReportFilter::default()
            },
            import: ImportId(import.id),
            page: VecDeque::new(),
            replaced: names.enumerate().find(|(_, name)| *name == REASON_COLUMN).map(|(at, _)| at),
            header,
            width: source.columns,
            delimiter: source.dialect.delimiter.byte(),
            begun: false,
            ended: false,
        })
    }

    /// The next bytes, in UTF-8 with a byte order mark (spreadsheets need it) and the delimiter of the file;
    /// `None` at the end. A block may be empty: reading on to the next row took its turn.
    ///
    /// # Errors
    /// What the database said; bytes that cannot be read any more.
    pub fn next_block(&mut self, db: &Db) -> Result<Option<Vec<u8>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let mut csv = csv::WriterBuilder::new()
            .delimiter(self.delimiter)
            .terminator(csv::Terminator::CRLF)
            .flexible(true)
            .from_writer(Vec::new());
        if !self.begun {
            self.begun = true;
            if let Some(names) = &self.header {
                let header = (0..self.width).map(|at| names.get(at).cloned().unwrap_or_default());
                csv.write_record(record(header, self.replaced, REASON_COLUMN)).map_err(closed)?;
            }
        }
        let mut read = 0;
        while csv.get_ref().len() < BLOCK_BYTES && read < BLOCK_ROWS {
            let Some(reported) = self.next_reported(db)? else {
                self.ended = true;
                break;
            };
            let wanted = u64::try_from(reported.number).unwrap_or(0);
            while self.row.number() < wanted
                && self.reader.next_row(&mut self.row).map_err(broken)?
            {
                read += 1;
                if read >= BLOCK_ROWS {
                    break;
                }
            }
            if self.row.number() == wanted {
                let cells = 0..self.width.max(self.row.len());
                let cells = cells.map(|at| self.row.cell(at).to_owned());
                csv.write_record(record(cells, self.replaced, &reason(&reported)))
                    .map_err(closed)?;
            } else if self.row.number() < wanted && read >= BLOCK_ROWS {
                self.page.push_front(reported);
            }
        }
        let text = csv.into_inner().map_err(|error| closed(error.into_error().into()))?;
        Ok(Some(text))
    }

    fn next_reported(&mut self, db: &Db) -> Result<Option<ReportRow>, Error> {
        if self.page.is_empty() {
            let page: Vec<ReportRow> = db.read(self.workspace, |tenant| {
                report::rows(tenant, self.import, &self.filter).map_err(Error::from)
            })?;
            if let Some(last) = page.last() {
                self.filter.after = last.number;
            }
            self.page = page.into();
        }
        Ok(self.page.pop_front())
    }
}

/// The cells of a row without an old reason, and the new one behind them.
fn record(
    cells: impl Iterator<Item = String>,
    replaced: Option<usize>,
    reason: &str,
) -> impl Iterator<Item = String> {
    let kept = cells.enumerate().filter(move |(at, _)| Some(*at) != replaced);
    kept.map(|(_, cell)| harmless(cell)).chain(std::iter::once(reason.to_owned()))
}

/// Outcome and problems in words: `invalid: email: this is not an e-mail address (invalid_email)`.
fn reason(row: &ReportRow) -> String {
    let problems: Vec<Problem> = row
        .problems
        .clone()
        .and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default();
    let words: Vec<String> = problems
        .iter()
        .map(|problem| match &problem.field {
            Some(field) => format!("{field}: {} ({})", problem.detail, problem.code),
            None => format!("{} ({})", problem.detail, problem.code),
        })
        .collect();
    format!("{}: {}", row.outcome, words.join("; "))
}

/// A cell a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection). A
/// phone number that begins with + stays what it is to us: the reader takes the apostrophe off again.
pub(crate) fn harmless(cell: String) -> String {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{cell}"),
        _ => cell,
    }
}

fn broken(error: ReadError) -> Error {
    Error::Store(StoreError::Busy(error.to_string()))
}

fn closed(error: csv::Error) -> Error {
    Error::Store(StoreError::Busy(error.to_string()))
}

/// As [`harmless`], for a file that nobody reads back: a spreadsheet may split its lines at another sign than the one it is
/// written with, quotes or not, so what follows such a sign is looked at as well. (`errors.csv` is imported again, and two
/// numbers in one cell, `601123456;+420777123456`, would not be what they were.)
pub(crate) fn harmless_however_split(cell: String) -> String {
    let splits = |c: char| matches!(c, ';' | ',' | '\t' | '\r' | '\n');
    let formula = |c: char| matches!(c, '=' | '+' | '-' | '@');
    let mut out = String::with_capacity(cell.len());
    let mut behind = false;
    for c in harmless(cell).chars() {
        if behind && formula(c) {
            out.push('\'');
        }
        out.push(c);
        behind = splits(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MGR-M: whichever sign the spreadsheet takes for the end of a cell.
    #[test]
    fn formulas_behind_other_separators_are_made_harmless() {
        let of = |text: &str| harmless_however_split(text.to_owned());
        assert_eq!(of("Jana;=cmd|'/c calc'!A1;"), "Jana;'=cmd|'/c calc'!A1;");
        assert_eq!(of("=1,+2\t-3\n@4;;=5"), "'=1,'+2\t'-3\n'@4;;'=5");
        assert_eq!(of("Novák, Jana; 5-3=2"), "Novák, Jana; 5-3=2");
        assert_eq!(of(""), "");
        let numbers = "601123456;+420777123456";
        assert_eq!(harmless(numbers.to_owned()), numbers, "of a file that is read again");
    }

    /// IMP-16
    #[test]
    fn formulas_are_made_harmless_and_names_are_left_alone() {
        assert_eq!(harmless("=1+1".into()), "'=1+1");
        assert_eq!(harmless("+420601123456".into()), "'+420601123456");
        assert_eq!(harmless("Novák".into()), "Novák");
        assert_eq!(harmless(String::new()), "");
    }
}
