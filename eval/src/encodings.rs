//! Encodings (IMP-3): small files of names in every encoding, written from lists that the detection has not seen,
//! and the files of the data folder whose name says what they are.

use std::fs;
use std::io::Read;
use std::path::Path;

use kartoteka_domain::imports::encoding::{Encoding, detect_encoding};
use kartoteka_domain::imports::transcode::Decoder;

use crate::figure::{Figure, Outcome};
use crate::lists::{lines, share, some};

/// Lists of names: first names, surnames, and the header of a file of that country.
const LISTS: &[(&str, &str, &str)] = &[
    ("czfemales.csv", "czsurnames.csv", "Jméno;Příjmení;E-mail"),
    ("humales.csv", "husurnames.csv", "Vezetéknév;Keresztnév;E-mail"),
    ("plfemales.csv", "plmales.csv", "Imię;Nazwisko;E-mail"),
];
/// Files made of each list.
const FILES: usize = 300;

/// Words in the names of files, and the encoding they tell.
const TOLD: &[(&str, Encoding)] = &[
    ("cp1250", Encoding::Windows1250),
    ("cp852", Encoding::Cp852),
    ("utf16le", Encoding::Utf16Le),
    ("utf16be", Encoding::Utf16Be),
    ("utf8", Encoding::Utf8),
];

/// Measures on names of `gender/wikidata/`, and on the files of `csv/torture/` and `exports/`.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn measure(data: Option<&Path>) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut dice = Dice(5);
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    for (first, last, header) in LISTS {
        let first = names(data, first)?;
        let last = names(data, last)?;
        if first.is_empty() || last.is_empty() {
            continue;
        }
        for _ in 0..FILES {
            let text = file(&mut dice, &first, &last, header);
            for encoding in Encoding::ALL {
                let Some(bytes) = encode(&text, encoding) else { continue };
                all += 1;
                if decode(&bytes, detect_encoding(&bytes, true).encoding) == text {
                    right += 1;
                } else {
                    wrong.push(format!(
                        "{} for {}",
                        encoding.name(),
                        detect_encoding(&bytes, true).encoding.name()
                    ));
                }
            }
        }
    }
    if all > 0 {
        figures.push(Figure {
            of: "small files of names".to_owned(),
            value: share(right, all),
            least: Some(0.995),
            note: format!("{right} of {all} {}", some(&wrong)),
        });
    }
    if let Some(data) = data {
        figures.extend(told(data)?);
    }
    Ok(figures)
}

/// Files whose name tells their encoding.
fn told(data: &Path) -> Outcome<Option<Figure>> {
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    for folder in ["csv/torture", "exports"] {
        let Ok(entries) = fs::read_dir(data.join(folder)) else { continue };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some((_, encoding)) = TOLD.iter().find(|(word, _)| name.contains(word)) else {
                continue;
            };
            // where the name says that it is spoilt, nothing can be read from it whole
            if name.contains("invalid") {
                continue;
            }
            let bytes = fs::read(&path)?;
            all += 1;
            if detect_encoding(&bytes, true).encoding == *encoding {
                right += 1;
            } else {
                wrong.push(name);
            }
        }
    }
    Ok((all > 0).then(|| Figure {
        of: "exports and odd files".to_owned(),
        value: share(right, all),
        least: Some(0.995),
        note: format!("{right} of {all} {}", some(&wrong)),
    }))
}

fn names(data: Option<&Path>, file: &str) -> Outcome<Vec<String>> {
    let rows = lines(data, &format!("gender/wikidata/{file}"), ',')?.unwrap_or_default();
    let is_name = |name: &String| {
        name.chars().count() > 1 && name.chars().all(|c| c.is_alphabetic() && c < '\u{180}')
    };
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next()).filter(is_name).collect())
}

/// One to forty people, under a header or not.
fn file(dice: &mut Dice, first: &[String], last: &[String], header: &str) -> String {
    let mut text = String::new();
    if dice.roll(2) == 0 {
        text.push_str(header);
        text.push_str("\r\n");
    }
    for row in 0..[1, 2, 3, 8, 40].get(dice.roll(5)).copied().unwrap_or(1) {
        let (first, last) = (dice.pick(first), dice.pick(last));
        text.push_str(&format!("{first};{last};kontakt{row}@example.com\r\n"));
    }
    text
}

/// Text in an encoding; none when the encoding has no such letter.
fn encode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    let by_table = |table: &'static encoding_rs::Encoding| {
        let (bytes, _, unmappable) = table.encode(text);
        (!unmappable).then(|| bytes.into_owned())
    };
    match encoding {
        Encoding::Utf8 => Some(text.as_bytes().to_vec()),
        Encoding::Utf16Le => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        Encoding::Utf16Be => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        Encoding::Windows1250 => by_table(encoding_rs::WINDOWS_1250),
        Encoding::Iso88592 => by_table(encoding_rs::ISO_8859_2),
        // what is read as it by mistake is Central European; nobody writes these names in it
        Encoding::Windows1252 => None,
        Encoding::Cp852 => {
            let table: Vec<String> = (0..=255_u8).map(|byte| decode(&[byte], encoding)).collect();
            text.chars()
                .map(|c| {
                    let at = table.iter().position(|known| known.chars().eq([c]))?;
                    u8::try_from(at).ok()
                })
                .collect()
        }
    }
}

fn decode(bytes: &[u8], encoding: Encoding) -> String {
    let mut text = String::new();
    // what cannot be decoded is not what was written
    let _ = Decoder::new(bytes, encoding).read_to_string(&mut text);
    text
}

/// A small generator with a fixed course, so that each run measures the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % sides
    }

    fn pick<'a>(&mut self, from: &'a [String]) -> &'a str {
        from.get(self.roll(from.len())).map_or("", String::as_str)
    }
}
