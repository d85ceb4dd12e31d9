//! How a list is written down: delimiter, quotes, line ends, and what stands above its header (IMP-3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::header::{guess_header, is_email, names_columns};
use super::reader::{FirstRow, LineEnds, Row, RowReader, is_blank};

/// Records looked at.
const RECORDS: usize = 300;
/// Bytes of text looked at.
const HEAD: usize = 128 * 1024;
/// A preamble is not longer than this many records.
const PREAMBLE: usize = 30;

/// What stands between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Delimiter {
    /// `,`
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// The tab character.
    #[serde(rename = "tab")]
    Tab,
    /// `|`
    #[serde(rename = "|")]
    Pipe,
}

/// The text names no delimiter that is read here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown delimiter; known are `,` `;` `tab` `|`")]
pub struct UnknownDelimiter;

impl Delimiter {
    /// Every delimiter. Where two explain a list equally well the first wins: tabs, semicolons and bars
    /// are rare inside of cells, commas are not.
    pub const ALL: [Delimiter; 4] =
        [Delimiter::Tab, Delimiter::Semicolon, Delimiter::Pipe, Delimiter::Comma];

    /// The name in the API: the sign itself, `tab` for the invisible one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Delimiter::Comma => ",",
            Delimiter::Semicolon => ";",
            Delimiter::Tab => "tab",
            Delimiter::Pipe => "|",
        }
    }

    /// The byte in the file.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Delimiter {
    type Err = UnknownDelimiter;

    /// Reads the sign or its English name.
    fn from_str(text: &str) -> Result<Self, UnknownDelimiter> {
        let text = if text == "\t" { text } else { text.trim() };
        Ok(match text.to_ascii_lowercase().as_str() {
            "," | "comma" => Delimiter::Comma,
            ";" | "semicolon" => Delimiter::Semicolon,
            "\t" | "\\t" | "tab" | "tabulator" => Delimiter::Tab,
            "|" | "pipe" | "bar" => Delimiter::Pipe,
            _ => return Err(UnknownDelimiter),
        })
    }
}

/// What stands around cells that hold delimiters or line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quote {
    /// `"`, as RFC 4180 has it.
    Double,
    /// `'`, only where the whole list plainly uses it.
    Single,
}

impl Quote {
    /// The byte in the file.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Quote::Double => b'"',
            Quote::Single => b'\'',
        }
    }
}

/// What stands between rows. Every kind is read everywhere; this only tells what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnding {
    /// `\r\n`
    CrLf,
    /// `\n`
    Lf,
    /// `\r`
    Cr,
    /// More than one of them.
    Mixed,
}

impl LineEnding {
    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LineEnding::CrLf => "crlf",
            LineEnding::Lf => "lf",
            LineEnding::Cr => "cr",
            LineEnding::Mixed => "mixed",
        }
    }
}

/// How a list is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: Delimiter,
    /// Around cells.
    pub quote: Quote,
    /// Between rows.
    pub line_ending: LineEnding,
    /// Whether the first line is Excel's `sep=;`.
    pub sep_line: bool,
    /// Lines above the first row of the table: the `sep=` line, titles, blank lines.
    pub skip_lines: u64,
    /// Whether the list is one line of addresses, each of which is a row: `a@x.cz; b@x.cz`.
    #[serde(default)]
    pub one_line: bool,
}

/// Finds how the decoded head of a list is written down.
#[must_use]
pub fn detect_dialect(text_head: &str) -> Dialect {
    detect_with(text_head, None)
}

/// The same with a delimiter that is given.
#[must_use]
pub fn detect_with(text_head: &str, delimiter: Option<Delimiter>) -> Dialect {
    let text = text_head.trim_start_matches('\u{feff}');
    let (sep, text) = sep_line(text);
    let given = delimiter.or(sep.flatten());
    let text = cut(text);
    let quote = find_quote(text);
    let above = u64::from(sep.is_some());
    let readings = Delimiter::ALL
        .into_iter()
        .filter(|d| given.is_none_or(|given| given == *d))
        .map(|delimiter| Reading::of(text, delimiter, quote));
    let best = choose(readings.collect());
    Dialect {
        delimiter: best.delimiter,
        quote,
        line_ending: best.line_ends.kind(),
        sep_line: sep.is_some(),
        skip_lines: best.skip_lines() + above,
        one_line: best.is_one_line(),
    }
}

/// At most [`HEAD`] bytes of text.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(HEAD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// Excel's first line that names the delimiter, and the text below it.
///
/// Some(None) when it names one that is not read here.
fn sep_line(text: &str) -> (Option<Option<Delimiter>>, &str) {
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    let (line, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let line = line.trim_matches(|c| c == '"' || c == ' ');
    let Some((word, sign)) = line.split_at_checked(4) else { return (None, text) };
    if !word.eq_ignore_ascii_case("sep=") || sign.chars().count() > 3 {
        return (None, text);
    }
    let rest = rest.strip_prefix("\r\n").or(rest.strip_prefix(['\n', '\r'])).unwrap_or(rest);
    // `sep=;` may itself be padded with delimiters by a program that knows nothing of it
    (Some(sign.chars().next().and_then(|c| c.to_string().parse().ok())), rest)
}

/// Single quotes are quotes only when (nearly) every line begins and ends with one.
fn find_quote(text: &str) -> Quote {
    let lines = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).take(RECORDS);
    let (mut single, mut all) = (0, 0);
    for line in lines {
        let line = line.trim();
        all += 1;
        let ends = line.len() > 1 && line.starts_with('\'') && line.ends_with('\'');
        single += usize::from(ends && !line.contains('"'));
    }
    if all > 0 && single * 10 >= all * 8 { Quote::Single } else { Quote::Double }
}

/// The text as one delimiter would have it.
struct Reading {
    delimiter: Delimiter,
    rows: Vec<(u64, Vec<String>)>,
    line_ends: LineEnds,
    width: usize,
    /// Records above the table.
    above: usize,
}

impl Reading {
    fn of(text: &str, delimiter: Delimiter, quote: Quote) -> Self {
        let plain = Dialect {
            delimiter,
            quote,
            line_ending: LineEnding::Lf,
            sep_line: false,
            skip_lines: 0,
            one_line: false,
        };
        let mut reader =
            RowReader::new(text.as_bytes(), &plain, FirstRow::Data, super::reader::MAX_COLUMNS);
        let mut row = Row::new();
        let mut rows = Vec::new();
        while rows.len() < RECORDS && reader.next_row(&mut row).unwrap_or(false) {
            rows.push((row.line(), row.cells().map(str::to_owned).collect::<Vec<_>>()));
        }
        // the last record of a head that was cut is not a whole one
        if rows.len() > 3 && !text.ends_with(['\n', '\r']) {
            rows.pop();
        }
        let width =
            usual_width(rows.iter().map(|(_, cells)| cells).filter(|cells| filled(cells) > 0));
        let mut reading =
            Reading { delimiter, rows, line_ends: reader.line_ends(), width, above: 0 };
        reading.above = reading.preamble();
        if reading.above > 0 {
            reading.width = usual_width(reading.body());
            reading.above = reading.preamble();
        }
        reading
    }

    /// Records of the table.
    fn body(&self) -> impl Iterator<Item = &Vec<String>> {
        self.rows.iter().skip(self.above).map(|(_, cells)| cells).filter(|cells| filled(cells) > 0)
    }

    /// Lines above the table.
    fn skip_lines(&self) -> u64 {
        if self.above == 0 {
            return 0;
        }
        self.rows.get(self.above).map_or(0, |(line, _)| line - 1)
    }

    /// How many records at the top are no part of the table.
    ///
    /// To take a contact for a title would lose it, so titles need a witness: a blank line below
    /// them, or a row below them that names columns.
    fn preamble(&self) -> usize {
        let cells =
            |i: usize| self.rows.get(i).map(|(_, cells)| cells.as_slice()).unwrap_or_default();
        let reach = self.rows.len().min(PREAMBLE);
        let blank = |i: usize| filled(cells(i)) == 0;
        let mut top = 0;
        while top < reach && blank(top) {
            top += 1;
        }
        if top == self.rows.len() {
            return 0;
        }
        let title = |i: usize| self.may_be_title(cells(i));
        let mut titles_end = top;
        while titles_end < reach && (blank(titles_end) || title(titles_end)) {
            titles_end += 1;
        }
        if titles_end == top || titles_end >= self.rows.len() {
            return top;
        }
        let parted = blank(titles_end - 1);
        let names = |i: usize| {
            let below: Vec<&[String]> = (i..self.rows.len()).take(20).map(cells).collect();
            names_columns(cells(i)) || (self.width > 1 && guess_header(&below))
        };
        if names(titles_end) || (parted && filled(cells(titles_end)) > 1) {
            return titles_end;
        }
        top
    }

    /// A title: less than a row, and nothing that a contact would have.
    fn may_be_title(&self, cells: &[String]) -> bool {
        let filled = filled(cells);
        let personal = cells.iter().any(|c| c.contains('@') && !c.contains(' '));
        let narrow = cells.len() < self.width && filled * 2 <= self.width;
        let lone = filled == 1 && (self.width > 2 || (self.width < 2 && !cells.is_empty()));
        // a lone word above wider rows is no header, not even `Notes:`
        let header = cells.len() >= self.width && names_columns(cells);
        !personal && !header && (narrow || lone)
    }

    /// Addresses as they are copied from a mail program: one line, and nothing else in it.
    fn is_one_line(&self) -> bool {
        let mut rows = self.body();
        let first = rows.next().map(Vec::as_slice).unwrap_or_default();
        let mut addresses = first.iter().filter(|cell| !cell.chars().all(is_blank));
        filled(first) > 1 && rows.next().is_none() && addresses.all(|cell| is_email(cell))
    }

    /// How well this delimiter explains the text; between 0 and 1.
    fn score(&self) -> f64 {
        let (mut rows, mut even) = (0.0, 0.0);
        let (mut cells, mut torn) = (0.0, 0.0);
        for row in self.body() {
            rows += 1.0;
            even += match row.len() {
                width if width == self.width => 1.0,
                width if width > 1 && width < self.width => 0.5,
                _ => 0.0,
            };
            for cell in row.iter().filter(|cell| !cell.is_empty()) {
                cells += 1.0;
                torn += f64::from(u8::from(holds_delimiter(cell, self.delimiter)));
            }
        }
        if rows == 0.0 || self.width < 2 {
            return 0.0;
        }
        let even = even / rows;
        let torn = if cells > 0.0 { torn / cells } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "widths are small")]
        let width = self.width as f64;
        let bonus = if self.is_named() { 1.5 } else { 1.0 };
        even * even * (1.0 - 0.4 / width) * (1.0 - 0.7 * torn) * bonus
    }

    /// Whether the first record names columns.
    fn is_named(&self) -> bool {
        self.body().next().is_some_and(|row| row.len() > 1 && names_columns(row))
    }

    /// Share of records that are one cell only.
    fn oneness(&self) -> f64 {
        let (mut rows, mut ones) = (0.0, 0.0);
        for row in self.body() {
            rows += 1.0;
            ones += f64::from(u8::from(row.len() == 1));
        }
        if rows == 0.0 { 0.0 } else { ones / rows }
    }
}

/// The delimiter that explains the text best; a list of one column has none, and gets the one that
/// tears the fewest of its cells.
fn choose(mut readings: Vec<Reading>) -> Reading {
    let scored = |r: &Reading| r.score();
    let mut best = 0;
    for (i, reading) in readings.iter().enumerate() {
        if readings.get(best).is_none_or(|b| scored(reading) > scored(b) + 0.001) {
            best = i;
        }
    }
    let score = readings.get(best).map_or(0.0, scored);
    if readings.len() > 1 {
        let mut whole = readings.len() - 1;
        for (i, reading) in readings.iter().enumerate() {
            if readings.get(whole).is_none_or(|b| reading.oneness() > b.oneness()) {
                whole = i;
            }
        }
        let oneness = readings.get(whole).map_or(0.0, Reading::oneness);
        // a first row that names columns speaks for its delimiter, however ragged the rows below are
        let named = readings.get(best).is_some_and(Reading::is_named);
        let enough = if named { 0.05 } else { 0.35 };
        if score < enough * oneness * oneness {
            best = whole;
        }
    }
    readings.swap_remove(best)
}

/// The commonest width above one; of equally common ones the widest.
fn usual_width<'a>(rows: impl Iterator<Item = &'a Vec<String>>) -> usize {
    let mut seen: Vec<(usize, usize)> = Vec::new();
    for width in rows.map(Vec::len).filter(|width| *width > 1) {
        match seen.iter_mut().find(|(w, _)| *w == width) {
            Some((_, times)) => *times += 1,
            None => seen.push((width, 1)),
        }
    }
    seen.into_iter().max_by_key(|(width, times)| (*times, *width)).map_or(1, |(width, _)| width)
}

fn filled(cells: &[String]) -> usize {
    cells.iter().filter(|cell| !cell.chars().all(is_blank)).count()
}

/// Whether another delimiter seems to be at work inside a cell.
fn holds_delimiter(cell: &str, own: Delimiter) -> bool {
    if cell.chars().any(|c| matches!(c, '\t' | ';' | '|') && char::from(own.byte()) != c) {
        return true;
    }
    if own == Delimiter::Comma {
        return false;
    }
    // a comma in a number, or before a space, is punctuation
    let mut before = ' ';
    let mut signs = cell.chars().peekable();
    while let Some(c) = signs.next() {
        if c == ',' {
            let after = signs.peek().copied().unwrap_or(' ');
            let number = before.is_ascii_digit() && after.is_ascii_digit();
            if !number && !after.is_whitespace() {
                return true;
            }
        }
        before = c;
    }
    false
}
