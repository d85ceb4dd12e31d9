//! Which encoding the bytes of a list are in, found or given (IMP-3).

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::letters::Scorer;
use super::transcode::CP852;

/// Bytes of the head that are looked at for marks and NUL patterns.
const HEAD: usize = 64 * 1024;
/// Non-ASCII bytes, with their neighbours, kept to tell 8-bit encodings apart.
const SAMPLE: usize = 48 * 1024;
/// Below this the letters make no Central European words and `chardetng` is asked instead.
const NONSENSE: f32 = -9.0;

/// An encoding a list can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark; ASCII is part of it.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, low byte first; "Unicode text" of Excel.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows code page of Central Europe; what Excel writes as CSV there.
    #[serde(rename = "windows-1250")]
    Windows1250,
    /// ISO Latin 2.
    #[serde(rename = "iso-8859-2")]
    Iso88592,
    /// DOS code page of Central Europe.
    #[serde(rename = "cp852")]
    Cp852,
    /// Windows code page of Western Europe; holds ISO-8859-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// The name is of no encoding that is read here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown encoding; known are utf-8, utf-16le, utf-16be, windows-1250, iso-8859-2, cp852, windows-1252"
)]
pub struct UnknownEncoding;

impl Encoding {
    /// Every encoding, in the order they are documented.
    pub const ALL: [Encoding; 7] = [
        Encoding::Utf8,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
        Encoding::Windows1250,
        Encoding::Iso88592,
        Encoding::Cp852,
        Encoding::Windows1252,
    ];

    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
            Encoding::Windows1250 => "windows-1250",
            Encoding::Iso88592 => "iso-8859-2",
            Encoding::Cp852 => "cp852",
            Encoding::Windows1252 => "windows-1252",
        }
    }

    /// Its tables; none for CP852, which the WHATWG standard leaves out.
    pub(super) fn tables(self) -> Option<&'static encoding_rs::Encoding> {
        match self {
            Encoding::Utf8 => Some(encoding_rs::UTF_8),
            Encoding::Utf16Le => Some(encoding_rs::UTF_16LE),
            Encoding::Utf16Be => Some(encoding_rs::UTF_16BE),
            Encoding::Windows1250 => Some(encoding_rs::WINDOWS_1250),
            Encoding::Iso88592 => Some(encoding_rs::ISO_8859_2),
            Encoding::Windows1252 => Some(encoding_rs::WINDOWS_1252),
            Encoding::Cp852 => None,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    /// Reads a name or one of its usual aliases, whatever its case and punctuation.
    fn from_str(name: &str) -> Result<Self, UnknownEncoding> {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        Ok(match plain.as_str() {
            "utf8" | "utf8bom" | "utf8sig" | "unicode11utf8" | "ascii" | "usascii" => {
                Encoding::Utf8
            }
            "utf16le" | "utf16" | "ucs2" | "ucs2le" | "unicode" => Encoding::Utf16Le,
            "utf16be" | "ucs2be" => Encoding::Utf16Be,
            "windows1250" | "cp1250" | "win1250" | "xcp1250" | "1250" | "ansi" => {
                Encoding::Windows1250
            }
            "iso88592" | "latin2" | "l2" | "88592" => Encoding::Iso88592,
            "cp852" | "ibm852" | "852" | "dos852" | "pclatin2" | "oem852" | "cspcp852" => {
                Encoding::Cp852
            }
            "windows1252" | "cp1252" | "win1252" | "xcp1252" | "1252" | "iso88591" | "latin1"
            | "l1" | "88591" | "iso885915" => Encoding::Windows1252,
            _ => return Err(UnknownEncoding),
        })
    }
}

/// The encoding found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// The encoding.
    pub encoding: Encoding,
    /// Whether the bytes begin with its byte order mark.
    pub bom: bool,
}

/// Finds the encoding of the head of a list; `whole` says that nothing follows it.
///
/// A list that is plain ASCII for longer than the head is only told by [`Probe`], fed with all of it.
#[must_use]
pub fn detect_encoding(head: &[u8], whole: bool) -> Detected {
    let mut probe = Probe::new();
    probe.feed(head);
    probe.finish(whole)
}

/// Finds the encoding of bytes that pass by, in bounded memory.
///
/// Marks and NUL patterns are looked for in the first 64 KiB, the validity of UTF-8 everywhere, and of
/// non-ASCII bytes the first tens of thousands are kept with their neighbours.
#[derive(Debug, Clone)]
pub struct Probe {
    head: Vec<u8>,
    /// Runs of non-ASCII bytes, each with one byte before and after it.
    sample: Vec<u8>,
    before: u8,
    in_run: bool,
    /// An unfinished UTF-8 sequence at the end of the last chunk.
    unfinished: Vec<u8>,
    valid: u64,
    invalid: u64,
}

impl Default for Probe {
    fn default() -> Self {
        Probe::new()
    }
}

impl Probe {
    /// A probe that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Probe {
            head: Vec::new(),
            sample: Vec::new(),
            before: b'\n',
            in_run: false,
            unfinished: Vec::new(),
            valid: 0,
            invalid: 0,
        }
    }

    /// Looks at the next bytes.
    pub fn feed(&mut self, chunk: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend(chunk.iter().take(room));
        if self.unfinished.is_empty() && !self.in_run && chunk.is_ascii() {
            self.before = chunk.last().copied().unwrap_or(self.before);
            return;
        }
        self.keep_sample(chunk);
        self.check_utf8(chunk);
    }

    /// The first 64 KiB that passed.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Says what it was; `whole` when no further bytes exist.
    #[must_use]
    pub fn finish(mut self, whole: bool) -> Detected {
        let mark = |encoding| Detected { encoding, bom: true };
        if self.head.starts_with(b"\xef\xbb\xbf") {
            return mark(Encoding::Utf8);
        }
        if self.head.starts_with(b"\xff\xfe") {
            return mark(Encoding::Utf16Le);
        }
        if self.head.starts_with(b"\xfe\xff") {
            return mark(Encoding::Utf16Be);
        }
        if whole && !self.unfinished.is_empty() {
            self.invalid += 1;
        }
        let encoding = utf16_by_nuls(&self.head).unwrap_or_else(|| self.by_letters());
        Detected { encoding, bom: false }
    }

    fn keep_sample(&mut self, chunk: &[u8]) {
        for &byte in chunk {
            if self.sample.len() >= SAMPLE {
                self.in_run = false;
                return;
            }
            if !byte.is_ascii() {
                if !self.in_run {
                    self.sample.push(self.before);
                }
                self.sample.push(byte);
                self.in_run = true;
            } else if self.in_run {
                self.sample.extend([byte, b'\n']);
                self.in_run = false;
            }
            self.before = byte;
        }
    }

    fn check_utf8(&mut self, chunk: &[u8]) {
        let joined;
        let mut rest = if self.unfinished.is_empty() {
            chunk
        } else {
            let mut bytes = std::mem::take(&mut self.unfinished);
            bytes.extend_from_slice(chunk);
            joined = bytes;
            joined.as_slice()
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.valid += strange_letters(text.as_bytes());
                    return;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.valid += strange_letters(good);
                    let Some(length) = error.error_len() else {
                        self.unfinished = bad.to_vec();
                        return;
                    };
                    self.invalid += 1;
                    rest = bad.get(length..).unwrap_or_default();
                }
            }
        }
    }

    fn by_letters(&self) -> Encoding {
        // a few spoilt bytes in UTF-8 are reported cell by cell; 8-bit text makes valid sequences by
        // chance only
        if self.invalid == 0 || self.valid > self.invalid {
            return Encoding::Utf8;
        }
        static SCORER: OnceLock<Scorer> = OnceLock::new();
        let scorer = SCORER.get_or_init(Scorer::new);
        // the first is the most usual; equal readings are taken for it
        let likely =
            [(Encoding::Windows1250, 0.0), (Encoding::Iso88592, -0.7), (Encoding::Cp852, -1.2)];
        let mut best = (Encoding::Windows1250, f32::NEG_INFINITY, f32::NEG_INFINITY);
        for (encoding, usual) in likely {
            let score = scorer.score(&read_as(encoding, &self.sample));
            if score.total + usual > best.1 {
                best = (encoding, score.total + usual, score.mean);
            }
        }
        if best.2 >= NONSENSE {
            return best.0;
        }
        if self.invalid <= 3 && best.2 < -13.0 {
            return Encoding::Utf8;
        }
        self.by_chardetng().unwrap_or(best.0)
    }

    fn by_chardetng(&self) -> Option<Encoding> {
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        detector.feed(&self.sample, true);
        let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
        Encoding::ALL.into_iter().find(|e| e.tables() == Some(guess))
    }
}

fn strange_letters(utf8: &[u8]) -> u64 {
    if utf8.is_ascii() {
        return 0;
    }
    utf8.iter().filter(|b| **b >= 0xc0).count() as u64
}

fn read_as(encoding: Encoding, bytes: &[u8]) -> Vec<char> {
    match encoding.tables() {
        Some(tables) => tables.decode_without_bom_handling(bytes).0.chars().collect(),
        None => bytes.iter().map(|b| CP852.read(*b)).collect(),
    }
}

/// UTF-16 without a mark: every other byte of Latin text is NUL, and hardly any of the others.
fn utf16_by_nuls(head: &[u8]) -> Option<Encoding> {
    let pairs = head.chunks_exact(2);
    let (mut first, mut second, mut all) = (0_usize, 0_usize, 0_usize);
    for pair in pairs {
        all += 1;
        first += usize::from(pair.first() == Some(&0));
        second += usize::from(pair.last() == Some(&0));
    }
    let mostly = |many: usize, few: usize| many * 5 >= all && many > 0 && few * 50 <= all;
    if mostly(second, first) {
        Some(Encoding::Utf16Le)
    } else if mostly(first, second) {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}
