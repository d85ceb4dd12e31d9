//! `errors.csv`: the rows with something to report, as they stand in the file, with the reason beside them.
//! Mended, it can be imported again (IMP-16).

use std::io::Write;

use serde::Deserialize;

use kartoteka_domain::ids::{ImportId, WorkspaceId};
use kartoteka_domain::imports::reader::{ReadError, Row};
use kartoteka_persistence::imports::report::{self, ReportFilter, ReportRow};
use kartoteka_persistence::{Db, StoreError};

use super::receive::StoredSource;
use super::upload::StoredBytes;
use super::{ImportRecord, read_json};
use crate::error::Error;

/// Name of the added column. A file that has it already keeps it once: the new reason takes its place.
pub const REASON_COLUMN: &str = "import_problem";
/// Rows of the report held at once.
const PAGE_ROWS: i64 = 1_000;

#[derive(Deserialize)]
struct Problem {
    field: Option<String>,
    code: String,
    detail: String,
}

/// Writes it to `out`, in UTF-8 with a byte order mark (spreadsheets need it) and the delimiter of the
/// file. Memory does not grow with the file.
///
/// # Errors
/// [`Error::NotFound`] for bytes that are not there; what the database said; `out` takes no more.
pub fn write(
    db: &Db,
    workspace: WorkspaceId,
    import: &ImportRecord,
    out: impl Write,
) -> Result<(), Error> {
    let source: StoredSource = read_json(import.source.as_ref(), "the source")?;
    let has_header = import.first_row.as_deref() == Some("header");
    let bytes = StoredBytes::of(db, workspace, import)?;
    let mut reader = source.reader(bytes, has_header)?;
    let names: Vec<String> =
        if has_header { reader.header().map_err(broken)?.to_vec() } else { Vec::new() };
    let replaced = names.iter().position(|name| name == REASON_COLUMN);
    let width = source.columns;
    let mut out = out;
    out.write_all("\u{feff}".as_bytes()).map_err(closed)?;
    let mut csv = csv::WriterBuilder::new()
        .delimiter(source.dialect.delimiter.byte())
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(out);
    let mut write = |cells: &mut dyn Iterator<Item = String>, reason: &str| {
        let kept = cells
            .enumerate()
            .filter(|(at, _)| Some(*at) != replaced)
            .map(|(_, cell)| harmless(cell));
        csv.write_record(kept.chain(std::iter::once(reason.to_owned()))).map_err(csv_closed)
    };
    if has_header {
        let mut header = (0..width).map(|at| names.get(at).cloned().unwrap_or_default());
        write(&mut header, REASON_COLUMN)?;
    }
    let mut row = Row::new();
    let mut filter =
        ReportFilter { with_problems: true, limit: PAGE_ROWS, ..ReportFilter::default() };
    loop {
        let page: Vec<ReportRow> = db.read(workspace, |tenant| {
            report::rows(tenant, ImportId(import.id), &filter).map_err(Error::from)
        })?;
        let Some(last) = page.last() else { break };
        filter.after = last.number;
        for reported in &page {
            let wanted = u64::try_from(reported.number).unwrap_or(0);
            while row.number() < wanted && reader.next_row(&mut row).map_err(broken)? {}
            if row.number() == wanted {
                let mut cells = (0..width.max(row.len())).map(|at| row.cell(at).to_owned());
                write(&mut cells, &reason(reported))?;
            }
        }
    }
    csv.flush().map_err(closed)
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
fn harmless(cell: String) -> String {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{cell}"),
        _ => cell,
    }
}

fn broken(error: ReadError) -> Error {
    Error::Store(StoreError::Busy(error.to_string()))
}

fn closed(error: std::io::Error) -> Error {
    Error::Store(StoreError::Busy(error.to_string()))
}

fn csv_closed(error: csv::Error) -> Error {
    Error::Store(StoreError::Busy(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IMP-16
    #[test]
    fn formulas_are_made_harmless_and_names_are_left_alone() {
        assert_eq!(harmless("=1+1".into()), "'=1+1");
        assert_eq!(harmless("+420601123456".into()), "'+420601123456");
        assert_eq!(harmless("Novák".into()), "Novák");
        assert_eq!(harmless(String::new()), "");
    }
}
