//! The reader of lists: the same rows in pieces of any size, nothing lost, nothing doubled, in bounded
//! memory (IMP-3, IMP-20).
#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use arbitrary::{Arbitrary, Unstructured};
use kartoteka_domain::imports::dialect::Delimiter;
use kartoteka_domain::imports::encoding::{Detected, Encoding, Probe, detect_encoding};
use kartoteka_domain::imports::reader::{FirstRow, MAX_COLUMNS, Row, RowFault, RowReader};
use kartoteka_domain::imports::source::{Overrides, Source, peek};
use kartoteka_domain::imports::transcode::Decoder;
use libfuzzer_sys::fuzz_target;

/// Counts what is held, so that memory can be judged.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What reading may hold beside the row at hand: its buffers, and the text of one piece.
const BUFFERS: usize = 1024 * 1024;

#[derive(Arbitrary, Debug)]
struct Settings {
    encoding: Option<u8>,
    delimiter: Option<u8>,
    header: bool,
    /// Sizes of pieces, used in turn.
    pieces: [u8; 4],
}

/// Hands bytes out in pieces, as a slow network does.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: [u8; 4],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let size = usize::from(self.sizes[self.turn % 4]) + 1;
        self.turn += 1;
        if self.turn % 7 == 3 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let many = size.min(self.bytes.len()).min(into.len());
        into[..many].copy_from_slice(&self.bytes[..many]);
        self.bytes = &self.bytes[many..];
        Ok(many)
    }
}

type Cells = (u64, u64, Vec<String>, Vec<RowFault>);

fn rows(reader: &mut RowReader<impl Read>) -> (Vec<String>, Vec<Cells>) {
    let Ok(header) = reader.header() else { return Default::default() };
    let header = header.to_vec();
    let mut row = Row::new();
    let mut all = Vec::new();
    while let Ok(true) = reader.next_row(&mut row) {
        let cells: Vec<String> = row.cells().map(str::to_owned).collect();
        assert!(cells.len() <= MAX_COLUMNS && cells.len() == row.len());
        assert!(cells.iter().all(|cell| !cell.contains('\0')), "a NUL is left");
        for fault in row.faults() {
            assert!(fault.column().is_none_or(|column| column < MAX_COLUMNS));
        }
        all.push((row.number(), row.line(), cells, row.faults().to_vec()));
    }
    (header, all)
}

fn decoded(bytes: impl Read, encoding: Encoding) -> (Vec<u8>, u64) {
    let mut decoder = Decoder::new(bytes, encoding);
    let mut text = Vec::new();
    decoder.read_to_end(&mut text).expect("bytes in memory can be read");
    (text, decoder.replaced())
}

/// Encoding and dialect do not depend on how the bytes come.
fn detected(bytes: &[u8], sizes: [u8; 4]) -> Detected {
    let whole = detect_encoding(bytes, true);
    let mut probe = Probe::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at((usize::from(*size) + 1).min(rest.len()));
        probe.feed(piece);
        rest = more;
    }
    assert_eq!(probe.finish(true), whole, "pieces change what is detected");
    whole
}

/// Every character of the text is in a cell, in its order, but those that build the table.
fn accounts(source: &Source, text: &str) {
    let (delimiter, quote) = (source.dialect.delimiter.byte(), source.dialect.quote.byte());
    let builds = |c: char| {
        matches!(c, '\r' | '\n' | ' ' | '\0' | '\u{1a}' | '\u{feff}')
            || u32::from(c) == u32::from(delimiter)
            || u32::from(c) == u32::from(quote)
    };
    let mut whole = source.dialect;
    whole.skip_lines = 0;
    let mut reader = RowReader::new(text.as_bytes(), &whole, FirstRow::Data, MAX_COLUMNS);
    let mut row = Row::new();
    let mut wanted = text.chars().filter(|c| !builds(*c));
    let mut line = 0;
    while let Ok(true) = reader.next_row(&mut row) {
        assert!(row.line() > line || line == 0 || source.dialect.one_line, "lines go on");
        line = row.line();
        let cut = |fault: &RowFault| match fault {
            RowFault::TooManyCells { found, .. } => *found > MAX_COLUMNS,
            RowFault::CellTooLarge { .. } => true,
            _ => false,
        };
        if row.faults().iter().any(cut) {
            return;
        }
        for c in row.cells().flat_map(str::chars).filter(|c| !builds(*c)) {
            assert_eq!(Some(c), wanted.next(), "line {line} does not hold what the text holds");
        }
    }
    assert_eq!(wanted.next(), None, "something of the text is in no row");
}

fuzz_target!(|input: &[u8]| {
    let mut unstructured = Unstructured::new(input);
    let Ok(settings) = Settings::arbitrary(&mut unstructured) else { return };
    let bytes = unstructured.take_rest();
    let found = detected(bytes, settings.pieces);
    let overrides = Overrides {
        encoding: settings.encoding.map(|n| Encoding::ALL[usize::from(n) % Encoding::ALL.len()]),
        delimiter: settings
            .delimiter
            .map(|n| Delimiter::ALL[usize::from(n) % Delimiter::ALL.len()]),
    };
    let Ok(source) = peek(bytes, found, overrides) else { return };
    let first_row = if settings.header { FirstRow::Header } else { FirstRow::Data };
    let pieces = || Pieces { bytes, sizes: settings.pieces, turn: 0 };

    // transcoding
    let (text, replaced) = decoded(bytes, source.encoding);
    assert_eq!(
        decoded(pieces(), source.encoding),
        (text.clone(), replaced),
        "pieces change the text"
    );
    let text = String::from_utf8(text).expect("decoded text is UTF-8");

    // rows, from the file as it comes and from the text at once
    let one = source.rows(bytes, first_row).map(|mut reader| rows(&mut reader));
    let other = source.rows(pieces(), first_row).map(|mut reader| rows(&mut reader));
    let (Ok(one), Ok(other)) = (one, other) else { return };
    assert!(one == other, "pieces change the rows");
    let ends = text.matches(['\r', '\n']).count() + 1;
    assert!(source.dialect.one_line || one.1.len() <= ends, "more rows than lines");

    accounts(&source, &text);

    // memory: nothing of a row that was read is kept
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    if let Ok(mut reader) = source.rows(pieces(), first_row) {
        let mut row = Row::new();
        let mut longest = 0;
        while let Ok(true) = reader.next_row(&mut row) {
            longest = longest.max(row.cells().map(str::len).sum::<usize>() + 64 * row.len());
        }
        let peak = PEAK.load(Ordering::Relaxed).saturating_sub(before);
        assert!(
            peak <= BUFFERS + 8 * (longest + bytes.len().min(64 * 1024)),
            "{peak} bytes were held"
        );
    }
});
