//! Turns the bytes of a list into UTF-8 while they are read, in bounded memory (IMP-3).

use std::io::{self, Read};

use encoding_rs::DecoderResult;

use super::encoding::Encoding;

/// Bytes read at once.
const RAW: usize = 64 * 1024;
/// Room for what they may become: at most three bytes each, and what was held back.
const TEXT: usize = RAW * 3 + 64;
/// U+FFFD, stands for bytes that mean nothing.
const MARK: &str = "\u{fffd}";

/// A code page of one byte per character.
pub(super) struct CodePage {
    /// What the bytes from 128 on mean, sixteen to a line.
    upper: [&'static str; 8],
}

/// DOS code page 852, as Unicode's `VENDORS/MICSFT/PC/CP852.TXT` has it.
pub(super) static CP852: CodePage = CodePage {
    upper: [
        "ÇüéâäůćçłëŐőîŹÄĆ",
        "ÉĹĺôöĽľŚśÖÜŤťŁ×č",
        "áíóúĄąŽžĘę¬źČş«»",
        "░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐",
        "└┴┬├─┼Ăă╚╔╩╦╠═╬¤",
        "đĐĎËďŇÍÎě┘┌█▄ŢŮ▀",
        "ÓßÔŃńňŠšŔÚŕŰýÝţ´",
        "\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}",
    ],
};

impl CodePage {
    /// What a byte means.
    pub(super) fn read(&self, byte: u8) -> char {
        if byte.is_ascii() {
            return char::from(byte);
        }
        let place = usize::from(byte - 128);
        let line = self.upper.get(place / 16).copied().unwrap_or_default();
        line.chars().nth(place % 16).unwrap_or('\u{fffd}')
    }

    /// All of it at once, for speed.
    fn unpacked(&self) -> Box<[char; 256]> {
        let mut all = Box::new(['\u{fffd}'; 256]);
        for (byte, c) in (0..=u8::MAX).zip(all.iter_mut()) {
            *c = self.read(byte);
        }
        all
    }
}

enum Tables {
    Standard(encoding_rs::Decoder),
    CodePage(Box<[char; 256]>),
}

/// Reads bytes of any [`Encoding`] as UTF-8, without the byte order mark.
///
/// Bytes that mean nothing become U+FFFD and are counted; the rest of the text is not touched.
pub struct Decoder<R> {
    source: R,
    tables: Tables,
    raw: Vec<u8>,
    text: Vec<u8>,
    text_len: usize,
    text_at: usize,
    ended: bool,
    replaced: u64,
}

impl<R: Read> Decoder<R> {
    /// Decodes `source`, which is in `encoding`.
    pub fn new(source: R, encoding: Encoding) -> Self {
        let tables = match encoding.tables() {
            Some(tables) => Tables::Standard(tables.new_decoder_with_bom_removal()),
            None => Tables::CodePage(CP852.unpacked()),
        };
        Decoder {
            source,
            tables,
            raw: vec![0; RAW],
            text: Vec::new(),
            text_len: 0,
            text_at: 0,
            ended: false,
            replaced: 0,
        }
    }

    /// How many undecodable sequences were replaced so far.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Decodes the next raw bytes into `text`.
    fn refill(&mut self) -> io::Result<()> {
        self.text_at = 0;
        self.text_len = 0;
        while self.text_len == 0 && !self.ended {
            let read = match self.source.read(&mut self.raw) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.ended = read == 0;
            let raw = self.raw.get(..read).unwrap_or_default();
            match &mut self.tables {
                Tables::CodePage(table) => self.text_len = decode_bytes(table, raw, &mut self.text),
                Tables::Standard(decoder) => {
                    let (written, replaced) = decode(decoder, raw, self.ended, &mut self.text);
                    self.text_len = written;
                    self.replaced += replaced;
                }
            }
        }
        Ok(())
    }
}

/// Reads by a table of single bytes; how much was written.
fn decode_bytes(table: &[char; 256], raw: &[u8], text: &mut Vec<u8>) -> usize {
    text.clear();
    let mut utf8 = [0; 4];
    for byte in raw {
        let c = table.get(usize::from(*byte)).copied().unwrap_or('\u{fffd}');
        text.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
    }
    text.len()
}

/// Overwrites `text` with what `raw` says; how much was written and how often replaced.
///
/// `text` keeps its length between calls: clearing it for every bad byte would cost the square.
fn decode(
    decoder: &mut encoding_rs::Decoder,
    mut raw: &[u8],
    last: bool,
    text: &mut Vec<u8>,
) -> (usize, u64) {
    if text.len() < TEXT {
        text.resize(TEXT, 0);
    }
    let (mut done, mut replaced) = (0, 0);
    loop {
        let free = text.get_mut(done..).unwrap_or_default();
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(raw, free, last);
        done += written;
        raw = raw.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return (done, replaced),
            DecoderResult::OutputFull => text.resize(text.len() + RAW, 0),
            DecoderResult::Malformed(_, _) => {
                if text.len() < done + MARK.len() {
                    text.resize(text.len() + RAW, 0);
                }
                if let Some(place) = text.get_mut(done..done + MARK.len()) {
                    place.copy_from_slice(MARK.as_bytes());
                }
                done += MARK.len();
                replaced += 1;
            }
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.text_at == self.text_len {
            self.refill()?;
        }
        let many = (self.text_len - self.text_at).min(into.len());
        let ready = self.text.get(self.text_at..self.text_at + many).unwrap_or_default();
        if let Some(place) = into.get_mut(..many) {
            place.copy_from_slice(ready);
        }
        self.text_at += many;
        Ok(many)
    }
}
