//! Lists of Central European names in every encoding, and what is made of them.

use std::io::Read;

use proptest::prelude::*;

use super::encoding::{Detected, Encoding, Probe, detect_encoding};
use super::transcode::{CP852, Decoder};

const CZECH: [&str; 40] = [
    "Jiří",
    "Růžena",
    "Žofie",
    "Čeněk",
    "Štěpán",
    "Ondřej",
    "Zdeňka",
    "Václav",
    "Božena",
    "Matěj",
    "Řehoř",
    "Lukáš",
    "Tomáš",
    "Kateřina",
    "Lucie",
    "Petr",
    "Jana",
    "Eva",
    "Karel",
    "Alžběta",
    "Novák",
    "Dvořáková",
    "Černý",
    "Procházka",
    "Kučerová",
    "Veselý",
    "Horák",
    "Němcová",
    "Pokorný",
    "Růžička",
    "Beneš",
    "Fiala",
    "Sedláček",
    "Doležal",
    "Zeman",
    "Kolář",
    "Šimek",
    "Žák",
    "Kříž",
    "Bartoš",
];
const SLOVAK: [&str; 16] = [
    "Ľubomír",
    "Ľudmila",
    "Štefan",
    "Mária",
    "Ján",
    "Jozef",
    "Žofia",
    "Tomáš",
    "Horváth",
    "Kováčová",
    "Tóth",
    "Baláž",
    "Kráľ",
    "Lukáč",
    "Ďurica",
    "Mäsiar",
];
const POLISH: [&str; 36] = [
    "Małgorzata",
    "Stanisław",
    "Łukasz",
    "Paweł",
    "Michał",
    "Bożena",
    "Grażyna",
    "Jędrzej",
    "Anna",
    "Piotr",
    "Józef",
    "Wiesława",
    "Świętosława",
    "Żaneta",
    "Tadeusz",
    "Władysław",
    "Mirosław",
    "Elżbieta",
    "Wójcik",
    "Kamiński",
    "Zieliński",
    "Szymański",
    "Dąbrowska",
    "Kozłowska",
    "Woźniak",
    "Jabłoński",
    "Król",
    "Wróbel",
    "Stępień",
    "Górska",
    "Zając",
    "Pawłowski",
    "Gołębiewska",
    "Sęk",
    "Świątek",
    "Źródłowski",
];
const HUNGARIAN: [&str; 34] = [
    "László",
    "István",
    "Jenő",
    "Győző",
    "Ernő",
    "Zoltán",
    "Gábor",
    "Erzsébet",
    "Zsófia",
    "Katalin",
    "Éva",
    "Mária",
    "Ágnes",
    "Béla",
    "Dezső",
    "Sándor",
    "Ödön",
    "Ünige",
    "Kovács",
    "Szabó",
    "Tóth",
    "Szűcs",
    "Fűrész",
    "Kőműves",
    "Bíró",
    "Török",
    "Vörös",
    "Fehér",
    "Erdős",
    "Lőrincz",
    "Nagy",
    "Kiss",
    "Őze",
    "Bálint",
];
const TOWNS: [&str; 12] = [
    "Plzeň",
    "Ústí nad Labem",
    "Brno",
    "Jičín",
    "Łódź",
    "Kraków",
    "Gdańsk",
    "Poznań",
    "Győr",
    "Székesfehérvár",
    "Érd",
    "Košice",
];
const HEADERS: [(&str, &[&str]); 4] = [
    ("Jméno;Příjmení;E-mail;Město", &CZECH),
    ("Imię;Nazwisko;E-mail;Miejscowość", &POLISH),
    ("Vezetéknév;Keresztnév;E-mail;Település", &HUNGARIAN),
    ("Meno;Priezvisko;E-mail;Mesto", &SLOVAK),
];

/// Writes text in an encoding; none when the encoding has no such letter.
pub(super) fn encode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf16Le => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        Encoding::Utf16Be => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        Encoding::Cp852 => {
            text.chars().map(|c| (0..=255_u8).find(|b| CP852.read(*b) == c)).collect()
        }
        other => {
            let (bytes, _, unmappable) = other.tables()?.encode(text);
            (!unmappable).then(|| bytes.into_owned())
        }
    }
}

fn decode(bytes: &[u8], encoding: Encoding) -> String {
    let mut text = String::new();
    Decoder::new(bytes, encoding).read_to_string(&mut text).unwrap();
    text
}

/// A small generator with a fixed course; the lists are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

fn list(dice: &mut Dice) -> String {
    let (header, names) = HEADERS[dice.roll(HEADERS.len())];
    let mut text = String::new();
    if dice.roll(2) == 0 {
        text.push_str(header);
        text.push_str("\r\n");
    }
    for i in 0..[1, 1, 2, 3, 8, 40][dice.roll(6)] {
        let (first, last) = (dice.pick(names), dice.pick(names));
        let loud = dice.roll(7) == 0;
        let name = format!("{first};{last}");
        let name = if loud { name.to_uppercase() } else { name };
        text.push_str(&format!("{name};kontakt{i}@example.com;{}\r\n", dice.pick(&TOWNS)));
    }
    text
}

/// IMP-3: small lists of names, header or not, in every encoding.
#[test]
fn reads_small_lists_of_names_in_every_encoding() {
    let mut dice = Dice(20);
    let (mut right, mut all) = (0, 0);
    let mut wrong = Vec::new();
    for _ in 0..700 {
        let text = list(&mut dice);
        for encoding in Encoding::ALL.into_iter().filter(|e| *e != Encoding::Windows1252) {
            let Some(bytes) = encode(&text, encoding) else { continue };
            let detected = detect_encoding(&bytes, true);
            all += 1;
            // where two encodings agree on every letter either name is right
            if decode(&bytes, detected.encoding) == text {
                right += 1;
            } else {
                wrong.push((encoding, detected.encoding, text.clone()));
            }
        }
    }
    assert!(all > 3_000);
    assert!(right * 1_000 >= all * 997, "{right} of {all}: {:?}", wrong.get(..5));
}

/// IMP-3: one file in which several languages meet, and a header alone.
#[test]
fn reads_mixed_lists_and_bare_headers() {
    let mixed = "Jméno;Příjmení;E-mail\r\nŽofie;Řeháková;z@example.cz\r\nŁukasz;Świerk;l@example.pl\r\n\
                 Győző;Fűrész;gy@example.hu\r\n";
    let texts = [
        mixed,
        "Jméno;Příjmení\r\n",
        "Imię,Nazwisko,Płeć\r\n",
        "Vezetéknév;Keresztnév;Cégnév\r\n",
        "Müller;Jürgen;Größe\r\nJäger;Käthe;Köln\r\n",
        "Název;Cena\r\nŽluťoučký kůň;12 € – sleva\r\n",
    ];
    for text in texts {
        for encoding in [Encoding::Windows1250, Encoding::Iso88592, Encoding::Cp852] {
            let Some(bytes) = encode(text, encoding) else { continue };
            let detected = detect_encoding(&bytes, true);
            assert_eq!(decode(&bytes, detected.encoding), text, "{encoding}");
        }
    }
}

/// IMP-3: Western lists are told from Central European ones when they plainly are.
#[test]
fn reads_western_lists() {
    let text = "Prénom;Nom;Ville\r\nHélène;Lefèvre;Orléans\r\nFrançois;Crèvecœur;Évreux\r\nAgnès;Mère;Besançon\r\n";
    let bytes = encode(text, Encoding::Windows1252).unwrap();
    assert_eq!(detect_encoding(&bytes, true).encoding, Encoding::Windows1252);
}

/// IMP-3: byte order marks, and UTF-16 without one.
#[test]
fn knows_marks_and_wide_text() {
    let text = "Jméno\tE-mail\r\nŽofie\tz@example.cz\r\n";
    for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
        let plain = encode(text, encoding).unwrap();
        assert_eq!(detect_encoding(&plain, true), Detected { encoding, bom: false });
        let marked = encode(&format!("\u{feff}{text}"), encoding).unwrap();
        assert_eq!(detect_encoding(&marked, true), Detected { encoding, bom: true });
        assert_eq!(decode(&marked, encoding), text);
    }
}

/// IMP-3, IMP-20: a few spoilt bytes do not make UTF-8 another encoding.
#[test]
fn keeps_spoilt_utf8() {
    let mut bytes =
        "email,name\r\na@x.cz,Jiří Růžička\r\nb@x.cz,Žofie\r\nc@x.cz,".to_owned().into_bytes();
    bytes.extend(b"Nov\xe1k\r\n");
    assert_eq!(detect_encoding(&bytes, true).encoding, Encoding::Utf8);
    assert_eq!(
        detect_encoding(b"email,name\r\na@x.cz,J\xc3(an\r\n", true).encoding,
        Encoding::Utf8
    );
}

/// IMP-3: a letter cut at the end of the head is no fault; at the end of the file it is one.
#[test]
fn a_cut_letter_is_still_utf8() {
    let text = "Jméno,Příjmení\nJiř";
    let head = &text.as_bytes()[..text.len() - 1];
    assert_eq!(detect_encoding(head, false).encoding, Encoding::Utf8);
    assert_eq!(detect_encoding(head, true).encoding, Encoding::Utf8);
}

/// IMP-3: a list is not plain ASCII because its first megabyte is.
#[test]
fn the_probe_looks_beyond_the_head() {
    let mut probe = Probe::new();
    for _ in 0..20_000 {
        probe.feed(b"Jan;Novotny;jan.novotny@example.com\r\n");
    }
    let late = encode(
        "Jiří;Dvořák;jiri@example.com\r\nŽofie;Šťastná;z@example.com\r\n",
        Encoding::Windows1250,
    );
    for chunk in late.unwrap().chunks(3) {
        probe.feed(chunk);
    }
    assert_eq!(probe.finish(true).encoding, Encoding::Windows1250);
}

#[test]
fn names_are_read_back() {
    for encoding in Encoding::ALL {
        assert_eq!(encoding.name().parse(), Ok(encoding));
    }
    assert_eq!("CP1250".parse(), Ok(Encoding::Windows1250));
    assert_eq!("Latin2".parse(), Ok(Encoding::Iso88592));
    assert_eq!("UTF8".parse(), Ok(Encoding::Utf8));
    assert!("ebcdic".parse::<Encoding>().is_err());
}

#[test]
fn counts_what_it_replaces() {
    let mut decoder = Decoder::new(&b"a\xffb\xc3(\xe2\x82"[..], Encoding::Utf8);
    let mut text = String::new();
    decoder.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), decoder.replaced()), ("a\u{fffd}b\u{fffd}(\u{fffd}", 3));
}

proptest! {
    /// IMP-3: however the bytes arrive, the probe says the same.
    #[test]
    fn chunks_do_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
        let mut probe = Probe::new();
        bytes.chunks(size).for_each(|chunk| probe.feed(chunk));
        prop_assert_eq!(probe.finish(true), detect_encoding(&bytes, true));
    }

    /// IMP-20: no bytes break a decoder, and what comes out is UTF-8.
    #[test]
    fn no_bytes_break_a_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..400), which in 0_usize..7) {
        let mut text = String::new();
        Decoder::new(bytes.as_slice(), Encoding::ALL[which]).read_to_string(&mut text).unwrap();
        prop_assert!(text.len() <= bytes.len() * 3 + 3);
    }

    /// IMP-3: text of any kind comes back from every Unicode encoding.
    #[test]
    fn text_comes_back(text in "\\PC{0,60}", which in 0_usize..3) {
        let encoding = Encoding::ALL[which];
        prop_assert_eq!(decode(&encode(&text, encoding).unwrap(), encoding), text);
    }
}
