//! Says what a file is when it is no list of rows, before anything reads it (IMP-20).

use super::encoding::{Encoding, detect_encoding};
use crate::codes::Code;

/// Why a file is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No bytes, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// Office Open XML or OpenDocument: a workbook, most often renamed to .csv.
    #[error("this is a workbook (.xlsx, .ods), not text; save it as CSV and upload that")]
    Workbook,
    /// OLE2: an old Excel workbook.
    #[error("this is an old Excel workbook (.xls), not text; save it as CSV and upload that")]
    OldWorkbook,
    /// Another zip.
    #[error("this is a zip archive; unpack it and upload the list inside")]
    Zip,
    /// gzip, bzip2, xz, zstd, 7z, rar.
    #[error("this is a compressed file; unpack it and upload the list inside")]
    Compressed,
    /// PDF.
    #[error("this is a PDF document, not a list of rows")]
    Pdf,
    /// PNG, JPEG, GIF, WebP, TIFF, HEIC.
    #[error("this is a picture, not a list of rows")]
    Image,
    /// A web page; some systems call a table of HTML an .xls or .csv.
    #[error("this is a web page (HTML), not CSV; open it in a spreadsheet and save it as CSV")]
    Html,
    /// XML, such as an Excel 2003 XML workbook.
    #[error("this is XML, not CSV; open it in a spreadsheet and save it as CSV")]
    Xml,
    /// JSON.
    #[error("this is JSON, not CSV; contacts in JSON go to the contacts API")]
    Json,
    /// vCard.
    #[error("these are vCards (.vcf), not CSV; export the contacts as CSV")]
    VCard,
    /// RTF.
    #[error("this is a rich text document, not CSV; save it as plain text or CSV")]
    RichText,
    /// UTF-32.
    #[error("the encoding is UTF-32, which is not read; save the file as UTF-8")]
    Utf32,
    /// Control bytes that no text has.
    #[error("this is a binary file, not text")]
    Binary,
}

impl Refusal {
    /// The code of the problem document; the words say more.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Refusal::Empty => Code::ImportEmpty,
            Refusal::Utf32 => Code::UnknownEncoding,
            _ => Code::ImportNotText,
        }
    }
}

/// First bytes of what is not text.
const SIGNATURES: [(&[u8], Refusal); 24] = [
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Refusal::OldWorkbook),
    (b"PK\x05\x06", Refusal::Zip),
    (b"PK\x07\x08", Refusal::Zip),
    (b"\x1f\x8b", Refusal::Compressed),
    (b"BZh91AY", Refusal::Compressed),
    (b"\xfd7zXZ\x00", Refusal::Compressed),
    (b"\x28\xb5\x2f\xfd", Refusal::Compressed),
    (b"7z\xbc\xaf\x27\x1c", Refusal::Compressed),
    (b"Rar!\x1a\x07", Refusal::Compressed),
    (b"%PDF-", Refusal::Pdf),
    (b"\x89PNG\r\n\x1a\n", Refusal::Image),
    (b"\xff\xd8\xff", Refusal::Image),
    (b"GIF87a", Refusal::Image),
    (b"GIF89a", Refusal::Image),
    (b"II*\x00", Refusal::Image),
    (b"MM\x00*", Refusal::Image),
    (b"{\\rtf", Refusal::RichText),
    (b"SQLite format 3\x00", Refusal::Binary),
    (b"\x7fELF", Refusal::Binary),
    (b"!BDN", Refusal::Binary),
    (b"PAR1", Refusal::Binary),
    (b"\xff\xfe\x00\x00", Refusal::Utf32),
    (b"\x00\x00\xfe\xff", Refusal::Utf32),
    (b"\x00\x01\x00\x00Standard", Refusal::Binary),
];

/// Looks at the head of a file (some kilobytes are enough); none when it may be a list.
#[must_use]
pub fn sniff_refusal(head: &[u8]) -> Option<Refusal> {
    if head.starts_with(b"PK\x03\x04") {
        return Some(zip_kind(head));
    }
    if let Some((_, refusal)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature))
    {
        return Some(*refusal);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP")
        || head.get(4..8) == Some(b"ftyp")
    {
        return Some(Refusal::Image);
    }
    let detected = detect_encoding(head, false);
    let wide = matches!(detected.encoding, Encoding::Utf16Le | Encoding::Utf16Be);
    let text: String = match detected.encoding.tables() {
        Some(tables) if wide || detected.bom => tables.decode(head).0.into_owned(),
        _ => head.iter().map(|b| if b.is_ascii() { char::from(*b) } else { 'x' }).collect(),
    };
    if text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{1a}' | '\u{feff}')) {
        return Some(Refusal::Empty);
    }
    sniff_markup(text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}'))
        .or_else(|| is_binary(&text).then_some(Refusal::Binary))
}

fn zip_kind(head: &[u8]) -> Refusal {
    let names: [&[u8]; 6] = [
        b"[Content_Types].xml",
        b"_rels/.rels",
        b"xl/",
        b"docProps/",
        b"mimetypeapplication/vnd.oasis.opendocument",
        b"mimetypeapplication/vnd.sun",
    ];
    let head = head.get(..4096).unwrap_or(head);
    let named = |name: &[u8]| head.windows(name.len()).any(|part| part == name);
    // most zips uploaded as a list are workbooks; a list inside an archive has its name in the head
    let lists: [&[u8]; 4] = [b".csv", b".txt", b".tsv", b".CSV"];
    if !names.into_iter().any(named) && lists.into_iter().any(named) {
        Refusal::Zip
    } else {
        Refusal::Workbook
    }
}

fn sniff_markup(text: &str) -> Option<Refusal> {
    let start: String = text.chars().take(512).collect::<String>().to_ascii_lowercase();
    let html = ["<!doctype html", "<html", "<head", "<body", "<table", "<!-- saved from", "<meta"];
    if html.iter().any(|mark| start.starts_with(mark)) {
        return Some(Refusal::Html);
    }
    if start.starts_with("<?xml") {
        let page = start.contains("<!doctype html") || start.contains("<html");
        return Some(if page { Refusal::Html } else { Refusal::Xml });
    }
    if start.starts_with("begin:vcard") {
        return Some(Refusal::VCard);
    }
    let mut marks = start.chars().filter(|c| !c.is_whitespace());
    let json = match (marks.next(), marks.next()) {
        (Some('{'), Some('"')) => start.contains("\":") || start.contains("\" :"),
        (Some('['), Some('{')) => marks.next() == Some('"'),
        _ => false,
    };
    json.then_some(Refusal::Json)
}

/// Random bytes are control bytes for a tenth; a list with spoilt cells has a few.
fn is_binary(text: &str) -> bool {
    let (mut control, mut all) = (0_usize, 0_usize);
    for c in text.chars().take(64 * 1024) {
        all += 1;
        let harmless = matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1a}');
        control += usize::from(c.is_ascii_control() && !harmless);
    }
    let share = if all >= 256 { 7 } else { 30 };
    control * 100 > all * share
}
