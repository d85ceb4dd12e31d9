//! Addresses, numbers and names of one person in texts of any kind: files, notes, trees, messages.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;

use crate::contacts::email::{Email, MAX_EMAIL_BYTES};
use crate::contacts::fold::fold;

/// Digits of a country's code are at most so many.
const COUNTRY_CODE_DIGITS: usize = 3;
/// A number with fewer digits of its own is not looked for: it would be found everywhere.
const LEAST_DIGITS: usize = 7;
/// A run of digits longer than this is no list of phone numbers.
const MOST_DIGITS: usize = 64;
/// Bytes of a text without a line end that are looked at together.
const LONGEST_LINE: usize = 1 << 16;
/// Bytes that are looked at once more with what follows, so that nothing hides on a border.
const OVERLAP: usize = 512;

/// An address on the web may hold another one as a parameter, so what is percent-encoded (RFC 3986) is decoded twice.
const ENCODINGS: usize = 2;

/// Endings of names of files, which are no part of an address before them.
const FILE_ENDINGS: &[&str] = &["csv", "txt", "tsv", "zip", "gz", "xls", "xlsx", "vcf", "eml"];

/// What stands in the place of an address afterwards: an address that nobody can have (RFC 2606), so that a
/// condition which named the old one can still be read and means nobody.
const NO_EMAIL: &str = "erased@erased.invalid";
/// The same for a number: one that is kept for fiction.
const NO_PHONE: &str = "+12025550100";
/// And for a name.
const NO_NAME: &str = "[erased]";

/// What is known of one person and looked for elsewhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sought {
    emails: HashSet<String>,
    /// National numbers, digits only.
    phones: HashSet<String>,
    /// Words of names, folded.
    names: HashSet<String>,
}

impl std::fmt::Debug for Sought {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sought").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Email,
    Phone,
    Name,
}

impl Sought {
    /// Adds an address, as it is written and as it is compared.
    pub fn email(&mut self, text: &str) {
        self.emails.insert(text.to_lowercase());
        if let Ok(email) = Email::parse(text) {
            self.emails.insert(email.key().to_owned());
            self.emails.insert(email.as_str().to_lowercase());
        }
    }

    /// Adds a number in E.164. It is found with and without the code of its country, however it is grouped.
    pub fn phone(&mut self, e164: &str) {
        let digits: String = e164.chars().filter(char::is_ascii_digit).collect();
        let own = digits.chars().skip(COUNTRY_CODE_DIGITS.min(digits.len())).collect::<String>();
        if own.len() >= LEAST_DIGITS {
            self.phones.insert(own);
        }
    }

    /// Adds the words of a name. They are only replaced in texts about the person, never looked for elsewhere.
    pub fn name(&mut self, text: &str) {
        let words =
            text.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 1);
        self.names.extend(words.map(fold));
    }

    /// Whether there is an address or number to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.emails.is_empty() && self.phones.is_empty()
    }

    /// Addresses in lower case, for statements that look for them.
    #[must_use]
    pub fn emails(&self) -> Vec<String> {
        self.emails.iter().cloned().collect()
    }

    /// Whether an address or number stands in the text.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        !self.spans(text, false).is_empty()
    }

    /// The text without addresses and numbers, and with `names` without names; `None` when none is there.
    #[must_use]
    pub fn redact(&self, text: &str, names: bool) -> Option<String> {
        let spans = self.spans(text, names);
        if spans.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (span, what) in spans {
            out.push_str(text.get(from..span.start).unwrap_or_default());
            out.push_str(match what {
                What::Email => NO_EMAIL,
                What::Phone => NO_PHONE,
                What::Name => NO_NAME,
            });
            from = span.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Some(out)
    }

    /// Takes addresses and numbers out of all texts of a value, keys of objects included; whether there were any.
    pub fn redact_json(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.redact(text, false) {
                Some(clean) => {
                    *text = clean;
                    true
                }
                None => false,
            },
            Value::Array(items) => {
                let mut any = false;
                for item in items {
                    any = self.redact_json(item) || any;
                }
                any
            }
            Value::Object(members) => {
                let mut any = false;
                let keys: Vec<String> =
                    members.keys().filter(|key| self.is_in(key)).cloned().collect();
                for key in keys {
                    if let (Some(member), Some(clean)) =
                        (members.remove(&key), self.redact(&key, false))
                    {
                        members.insert(clean, member);
                        any = true;
                    }
                }
                for member in members.values_mut() {
                    any = self.redact_json(member) || any;
                }
                any
            }
            _ => false,
        }
    }

    /// Where something of the person stands, in order and not overlapping; percent-encoded, too.
    fn spans(&self, text: &str, names: bool) -> Vec<(Range<usize>, What)> {
        let mut spans = Vec::new();
        self.plain_spans(text, names, &mut spans);
        let mut decoded = Decoded::of(text);
        for _ in 0..ENCODINGS {
            let Some(plain) = decoded else { break };
            let mut found = Vec::new();
            self.plain_spans(&plain.text, names, &mut found);
            spans.extend(found.into_iter().map(|(span, what)| (plain.place(&span), what)));
            decoded = plain.again();
        }
        spans.sort_by_key(|(span, what)| (span.start, *what != What::Email));
        let mut apart: Vec<(Range<usize>, What)> = Vec::with_capacity(spans.len());
        for (span, what) in spans {
            match apart.last_mut() {
                Some((last, _)) if span.start < last.end => last.end = last.end.max(span.end),
                _ => apart.push((span, what)),
            }
        }
        apart
    }

    fn plain_spans(&self, text: &str, names: bool, spans: &mut Vec<(Range<usize>, What)>) {
        if !self.emails.is_empty() {
            self.email_spans(text, spans);
        }
        if !self.phones.is_empty() {
            self.phone_spans(text, spans);
        }
        if names && !self.names.is_empty() {
            self.name_spans(text, spans);
        }
    }

    fn email_spans(&self, text: &str, spans: &mut Vec<(Range<usize>, What)>) {
        let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        // what may stand before an address without being a part of it, although an address may have it
        let border = |c: char| !(c.is_alphanumeric() || "._%+-".contains(c));
        for (at, _) in text.match_indices('@') {
            let (before, after) =
                (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
            let near = before.char_indices().rev().take(MAX_EMAIL_BYTES);
            let start = near.take_while(|(_, c)| atom(*c)).last();
            let Some((start, _)) = start else { continue };
            let domain: usize = after
                .chars()
                .take(MAX_EMAIL_BYTES)
                .take_while(|c| c.is_alphanumeric() || *c == '-' || *c == '.')
                .map(char::len_utf8)
                .sum();
            let domain = after.get(..domain).unwrap_or_default().trim_end_matches(['.', '-']);
            // a file may be called after the person
            let domain = match domain.rsplit_once('.') {
                Some((name, ending)) if FILE_ENDINGS.contains(&ending) => name,
                _ => domain,
            };
            let end = at + 1 + domain.len();
            let local = text.get(start..at).unwrap_or_default();
            // the address may begin later than everything an address could have before its @
            let found = local.char_indices().find(|(begin, _)| {
                let free = local.get(..*begin).and_then(|head| head.chars().next_back());
                free.is_none_or(border) && {
                    let candidate = text.get(start + begin..end).unwrap_or_default();
                    self.emails.contains(&candidate.to_lowercase())
                }
            });
            if let Some((begin, _)) = found {
                spans.push((start + begin..end, What::Email));
            }
        }
    }

    fn phone_spans(&self, text: &str, spans: &mut Vec<(Range<usize>, What)>) {
        let mut run: Option<(usize, usize)> = None;
        let mut digits = String::new();
        let mut close = |run: &mut Option<(usize, usize)>, digits: &mut String| {
            if let Some((start, end)) = run.take()
                && digits.len() <= MOST_DIGITS
                && self.phones.iter().any(|phone| digits.contains(phone.as_str()))
            {
                spans.push((start..end, What::Phone));
            }
            digits.clear();
        };
        for (at, c) in text.char_indices() {
            match c {
                '0'..='9' => {
                    let start = run.map_or(at, |(start, _)| start);
                    run = Some((start, at + 1));
                    digits.push(c);
                }
                '+' => {
                    close(&mut run, &mut digits);
                    run = Some((at, at + 1));
                }
                ' ' | '\u{a0}' | '\u{202f}' | '-' | '.' | '/' | '(' | ')' if run.is_some() => {}
                _ => close(&mut run, &mut digits),
            }
        }
        close(&mut run, &mut digits);
    }

    fn name_spans(&self, text: &str, spans: &mut Vec<(Range<usize>, What)>) {
        let mut start = None;
        let ends = text.char_indices().chain(std::iter::once((text.len(), ' ')));
        for (at, c) in ends {
            match (c.is_alphabetic(), start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    let word = text.get(from..at).unwrap_or_default();
                    if self.names.contains(&fold(word)) {
                        spans.push((from..at, What::Name));
                    }
                    start = None;
                }
                _ => {}
            }
        }
    }
}

/// A text without percent-encoding, and where each byte of it stood.
struct Decoded {
    text: String,
    /// One more than there are bytes: where the text ends.
    places: Vec<usize>,
}

impl Decoded {
    /// `None` when nothing in it is encoded. Bytes that are no UTF-8 stay as they are written.
    fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
        let byte = |at: usize| match bytes.get(at) {
            Some(b'%') => u8::try_from(digit(at + 1)? * 16 + digit(at + 2)?).ok(),
            _ => None,
        };
        let (mut plain, mut places) = (Vec::new(), Vec::new());
        let (mut from, mut any) = (0, false);
        while let Some(first) = bytes.get(from) {
            let run: Vec<u8> = (from..).step_by(3).map_while(byte).collect();
            if !run.is_empty() && std::str::from_utf8(&run).is_ok() {
                places.extend((from..).step_by(3).take(run.len()));
                from += run.len() * 3;
                plain.extend(run);
                any = true;
            } else {
                let as_written = (run.len() * 3).max(1);
                places.extend(from..from + as_written);
                match run.len() {
                    0 => plain.push(*first),
                    _ => plain.extend(bytes.iter().skip(from).take(as_written)),
                }
                from += as_written;
            }
        }
        places.push(bytes.len());
        let text = String::from_utf8(plain).ok().filter(|_| any)?;
        Some(Self { text, places })
    }

    /// Decoded once more; `None` when nothing more is encoded.
    fn again(self) -> Option<Self> {
        let Self { text, places } = Self::of(&self.text)?;
        let first = |place: usize| self.places.get(place).copied().unwrap_or_default();
        Some(Self { text, places: places.into_iter().map(first).collect() })
    }

    /// Where a part of it stood.
    fn place(&self, span: &Range<usize>) -> Range<usize> {
        let of = |at: usize| self.places.get(at).copied().unwrap_or_default();
        of(span.start)..of(span.end)
    }
}

/// Looks through a long text that comes in parts, with the memory of one line.
#[derive(Debug)]
pub struct Scanner<'s> {
    sought: &'s Sought,
    rest: String,
}

impl<'s> Scanner<'s> {
    /// Begins a text.
    #[must_use]
    pub fn new(sought: &'s Sought) -> Self {
        Self { sought, rest: String::new() }
    }

    /// Takes the next part; whether something was found in what is whole by now.
    pub fn feed(&mut self, part: &str) -> bool {
        self.rest.push_str(part);
        let whole = match self.rest.rfind('\n') {
            Some(line_end) => line_end + 1,
            None if self.rest.len() > LONGEST_LINE => self.rest.len(),
            None => return false,
        };
        let found = self.sought.is_in(self.rest.get(..whole).unwrap_or_default());
        let mut keep = if whole == self.rest.len() && !self.rest.ends_with('\n') {
            whole.saturating_sub(OVERLAP)
        } else {
            whole
        };
        while !self.rest.is_char_boundary(keep) {
            keep -= 1;
        }
        self.rest.drain(..keep);
        found
    }

    /// Whether something stands in what is left.
    #[must_use]
    pub fn end(&self) -> bool {
        self.sought.is_in(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sought() -> Sought {
        let mut sought = Sought::default();
        sought.email("Jana@Háček.cz");
        sought.phone("+420601123456");
        sought.name("Jana Nováková-Malá");
        sought
    }

    /// TRS-5
    #[test]
    fn addresses_and_numbers_are_found_however_they_are_written() {
        for (text, is_in) in [
            ("jana@háček.cz", true),
            ("JANA@HÁČEK.CZ", true),
            ("write to <jana@xn--hek-dla0t.cz>, please", false),
            ("mailto:jana@háček.cz.", true),
            ("'jana@háček.cz'", true),
            ("x=jana@háček.cz;", true),
            ("hanajana@háček.cz", false),
            ("x.jana@háček.cz", false),
            ("jana@háček.cz.example", false),
            ("jana@háček.czx", false),
            ("jana@háček.cz.csv", true),
            ("601123456", true),
            ("+420 601 123 456", true),
            ("00420-601-123-456", true),
            ("tel. (601) 123456", true),
            ("601,123,456", false),
            ("601123457", false),
            ("@", false),
            ("a@", false),
            ("", false),
        ] {
            assert_eq!(sought().is_in(text), is_in, "{text}");
        }
        let key = Email::parse("jana@háček.cz").unwrap().key().to_owned();
        assert!(key.contains("xn--") && sought().is_in(&key));
    }

    #[test]
    fn only_what_is_the_persons_is_replaced() {
        let text = "Jana NOVÁKOVÁ (jana@háček.cz, 601 123 456) a Janáček";
        assert_eq!(
            sought().redact(text, true).unwrap(),
            format!("{NO_NAME} {NO_NAME} ({NO_EMAIL}, {NO_PHONE}) a Janáček")
        );
        assert_eq!(sought().redact("Jana", false), None);
        let mut tree = json!({"and": [{"field": "email", "value": "jana@háček.cz"}, {"v": ["x", 601_123_456]}],
            "jana@háček.cz": null});
        assert!(sought().redact_json(&mut tree));
        assert_eq!(
            tree,
            json!({"and": [{"field": "email", "value": NO_EMAIL}, {"v": ["x", 601_123_456]}], NO_EMAIL: null})
        );
        assert!(!sought().redact_json(&mut tree));
        // what stands there instead is an address and a number still
        assert!(Email::parse(NO_EMAIL).is_ok());
        assert!(crate::contacts::phone::Phone::from_e164(NO_PHONE).is_ok());
    }

    /// TRS-5, MGR-M: in addresses of pages things are percent-encoded, once or twice, however the letters are written.
    #[test]
    fn what_is_percent_encoded_is_found() {
        for (text, clean) in [
            (
                "https://x.example/?for=jana%40h%C3%A1%C4%8Dek.cz&a=1",
                "https://x.example/?for={E}&a=1",
            ),
            ("https://x.example/?for=jana%40h%c3%a1%c4%8dek.cz", "https://x.example/?for={E}"),
            ("https://x.example/jana%40h%C3%A1%C4%8Dek.cz#a", "https://x.example/{E}#a"),
            (
                "?u=https%3A%2F%2Fy.example%2F%3Fm%3DJana%2540h%25C3%25A1%25C4%258Dek.cz",
                "?u=https%3A%2F%2Fy.example%2F%3Fm%3D{E}",
            ),
            ("?for=jana@h%C3%A1%C4%8Dek.cz", "?for={E}"),
            ("?a=%20jana%40háček.cz%20", "?a=%20{E}%20"),
            ("?tel=%2B420%20601%20123%20456&x=%", "?tel={P}&x=%"),
            ("?a=%E1%40&for=jana%40háček.cz%", "?a=%E1%40&for={E}%"),
            ("jana%40háček.cz, jana@háček.cz", "{E}, {E}"),
        ] {
            let expected = clean.replace("{E}", NO_EMAIL).replace("{P}", NO_PHONE);
            assert_eq!(sought().redact(text, false), Some(expected), "{text}");
        }
        for text in ["?for=hanajana%40h%C3%A1%C4%8Dek.cz", "100 % jana", "%40", "%", "%4", "%C3%40"]
        {
            assert!(!sought().is_in(text), "{text}");
        }
        let url = "?a=601%20123%20456&n=Nov%C3%A1kov%C3%A1";
        assert_eq!(sought().redact(url, true).unwrap(), format!("?a={NO_PHONE}&n={NO_NAME}"));
    }

    #[test]
    fn nothing_hides_on_the_borders_of_parts() {
        let sought = sought();
        let text = format!("a;b\n{}jana@háček.cz;x\nc;d", "é".repeat(70_000));
        for size in [1, 7, 1000, 65_536, 200_000] {
            let mut scanner = Scanner::new(&sought);
            let mut found = false;
            let chars: Vec<char> = text.chars().collect();
            for part in chars.chunks(size) {
                found |= scanner.feed(&part.iter().collect::<String>());
            }
            assert!(!found, "the letters before it are a part of the address");
            assert!(!scanner.end());
            let text = text.replace("éjana", " jana");
            let mut scanner = Scanner::new(&sought);
            let chars: Vec<char> = text.chars().collect();
            let mut found = false;
            for part in chars.chunks(size) {
                found |= scanner.feed(&part.iter().collect::<String>());
            }
            assert!(found || scanner.end(), "{size}");
        }
        let mut scanner = Scanner::new(&sought);
        assert!(!scanner.feed("x;jana@háč") && !scanner.feed("ek.cz"));
        assert!(scanner.end());
    }

    #[test]
    fn a_short_number_and_an_empty_person_are_not_looked_for() {
        let mut sought = Sought::default();
        sought.phone("+4201234");
        assert!(sought.is_empty());
        assert!(!sought.is_in("1234 a@b.cz"));
        assert_eq!(format!("{sought:?}"), "Sought { .. }");
    }
}
