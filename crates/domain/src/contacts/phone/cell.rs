//! Taking the digits of a number out of the cell they stand in.
//!
//! A cell is a label, a number, and a tail: an extension or a note. Spreadsheets add quotes, equals
//! signs and fractions. Nothing is guessed: what cannot be told apart is an error that says why.

use super::{MAX_DIGITS, MIN_DIGITS, PhoneError};
use crate::contacts::cell::{is_one_of, is_placeholder, visible};

/// Digits of the longest extension that is believed.
const MAX_EXTENSION_DIGITS: usize = 7;
/// A cell longer than this is not searched for a number.
const MAX_RAW_BYTES: usize = 256;

/// What is left of a cell when everything that is not the number is gone.
pub(super) struct Dialled {
    /// Whether a `+` or `00` stood in front.
    pub(super) international: bool,
    /// The digits, without the `00`.
    pub(super) digits: String,
    pub(super) extension: Option<Box<str>>,
}

/// Takes the number out of its cell.
pub(super) fn read(raw: &str) -> Result<Dialled, PhoneError> {
    let text = visible(raw);
    if text.is_empty() {
        return Err(PhoneError::Empty);
    }
    if is_placeholder(&text) {
        return Err(PhoneError::Placeholder);
    }
    if text.len() > MAX_RAW_BYTES {
        return Err(PhoneError::TooLong);
    }
    let text: String = text.chars().map(usual_sign).collect();
    let text = out_of_spreadsheet(&text);
    if let Some(digits) = scientific(text) {
        return Ok(Dialled { international: false, digits: digits?, extension: None });
    }
    let (text, context) = out_of_uri(without_label(text)?);
    let (main, tail) = split_tail(text);
    let (main, pause) = without_pause(main)?;
    let extension = extension_of(main, tail)?;
    let mut dialled = digits_of(main)?;
    dialled.extension = extension.or_else(|| pause.map(Into::into));
    if let Some(code) = context.filter(|_| !dialled.international) {
        dialled.digits.insert_str(0, code);
        dialled.international = true;
    }
    Ok(dialled)
}

/// Digits, pluses, dashes, blanks and brackets of other scripts and typography as ASCII.
fn usual_sign(c: char) -> char {
    match c {
        '\u{FF10}'..='\u{FF19}' => char::from_digit(u32::from(c) - 0xFF10, 10).unwrap_or(c),
        '\u{660}'..='\u{669}' => char::from_digit(u32::from(c) - 0x660, 10).unwrap_or(c),
        '＋' | '﹢' => '+',
        '‐'..='―' | '−' | '－' | '~' | '～' => '-',
        '（' | '[' => '(',
        '）' | ']' => ')',
        '／' | '\\' => '/',
        '．' | '·' | '•' => '.',
        '_' => ' ',
        '\n' | '\r' | '|' => ';',
        _ if c.is_whitespace() => ' ',
        _ => c,
    }
}

/// Undoes what keeps a spreadsheet from reading a number as one (`'+420…`, `="420…"`), and the
/// fraction it adds when it does (`420602123456.0`).
fn out_of_spreadsheet(text: &str) -> &str {
    let quote =
        |c: char| matches!(c, '"' | '\'' | '`' | '´' | '’' | '‘' | '“' | '”' | '„' | '=' | ' ');
    let text = text.trim_matches(quote).trim_end_matches([',', ';']).trim_end();
    for fraction in [".00", ",00", ".0", ",0"] {
        if let Some(whole) = text.strip_suffix(fraction)
            && whole.len() >= MIN_DIGITS
            && whole.bytes().all(|b| b.is_ascii_digit() || b == b'+')
        {
            return whole;
        }
    }
    text
}

/// `4.20602123456E+11`: the digits when all of them are there, an error when they are not.
fn scientific(text: &str) -> Option<Result<String, PhoneError>> {
    let (mantissa, exponent) = text.trim_start_matches('+').split_once(['e', 'E'])?;
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !(fraction.is_empty() || is_number(fraction)) || !is_number(exponent) {
        return None;
    }
    let exact = exponent.parse() == Ok(fraction.len());
    Some(if exact { Ok(format!("{whole}{fraction}")) } else { Err(PhoneError::ScientificNotation) })
}

/// Takes away `tel:`, `mobil:`, `T.` and their like. Other words in front are not believed: the
/// number behind them may be that of a company or a bank account.
fn without_label(text: &str) -> Result<&str, PhoneError> {
    const LABELS: &str = "tel|telefon|telefón|tel. č|tel č|tel. číslo|telefonní číslo|t|m|f|p|h|w|c|phone|\
        phone number|mob|mobil|mobile|mobilní|mobilný|mobilní telefon|mobiltelefon|\
        mobiltel|cell|cellular|gsm|fax|tel/fax|tel./fax|tel. mob|tel. kom|kom|komórka|\
        komórkowy|telefon komórkowy|nr tel|nr telefonu|nr|telefonszám|telefonszam|\
        tel.szám|tel. szám|vezetékes|handy|telefonnummer|work|home|office|main|other|\
        práce|praca|domů|doma|dom|kancelář|biuro|iroda|otthon|sms|whatsapp|viber|signal|\
        callto|č|č. tel|volat|kontakt";
    let start =
        text.find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '(')).unwrap_or(text.len());
    let (label, rest) = text.split_at_checked(start).unwrap_or(("", text));
    let label = label.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    if label.is_empty() || is_one_of(&label, LABELS) {
        return Ok(rest);
    }
    Err(PhoneError::Characters)
}

/// The number of a `tel:` URI (RFC 3966), and the country code its context names.
fn out_of_uri(text: &str) -> (&str, Option<&str>) {
    let Some((number, parameters)) = text.split_once(';') else { return (text, None) };
    let context = parameters.split(';').find_map(|p| p.trim().strip_prefix("phone-context="));
    let Some(context) = context else { return (text, None) };
    let code = context
        .strip_prefix('+')
        .filter(|code| (1..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()));
    (number, code)
}

/// Splits before the first letter or `#` behind the number, where extensions and notes begin.
fn split_tail(text: &str) -> (&str, &str) {
    let start = text.find(|c: char| c.is_alphabetic() || matches!(c, '#' | '*'));
    start.and_then(|start| text.split_at_checked(start)).unwrap_or((text, ""))
}

/// What commas and semicolons separate: groups of digits, an extension to wait for, or a second
/// number.
fn without_pause(main: &str) -> Result<(&str, Option<&str>), PhoneError> {
    let long = |part: &str| count_digits(part) >= MIN_DIGITS;
    for separators in [&[',', ';'][..], &['/'][..]] {
        if main.split(separators).filter(|part| long(part)).count() > 1 {
            return Err(PhoneError::Several);
        }
    }
    let mut parts = main.split([',', ';']).filter(|part| count_digits(part) > 0);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(number), Some(pause), None) if long(number) => Ok((number, Some(pause.trim()))),
        _ => Ok((main, None)),
    }
}

fn digits_of(main: &str) -> Result<Dialled, PhoneError> {
    let pluses = main.matches('+').count();
    let halves = |separator| {
        main.rsplit_once(separator).is_some_and(|(a, b): (&str, &str)| {
            count_digits(a) >= MIN_DIGITS && count_digits(b) >= MIN_DIGITS
        })
    };
    if pluses > 1 || pluses == 1 && !main.trim_start_matches(['(', ' ']).starts_with('+') {
        return Err(if halves('+') { PhoneError::Several } else { PhoneError::Characters });
    }
    if !main.chars().all(|c| {
        c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '/' | '(' | ')' | ',' | ';')
    }) {
        return Err(PhoneError::Characters);
    }
    let digits: String = main.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 3 {
        return Err(PhoneError::TooShort);
    }
    let without_idd = digits.strip_prefix("00");
    let international = pluses == 1 || without_idd.is_some();
    let digits = without_idd.map_or_else(|| digits.clone(), str::to_owned);
    // A zero in brackets and the code may add some to the fifteen.
    if digits.len() > MAX_DIGITS + 2 {
        let several = main.match_indices(' ').any(|(at, _)| {
            main.split_at_checked(at)
                .is_some_and(|(a, b)| count_digits(a) >= 9 && count_digits(b) >= 9)
        });
        return Err(if several { PhoneError::Several } else { PhoneError::TooLong });
    }
    Ok(Dialled { international, digits, extension: None })
}

/// The extension in what follows the number. A note without digits is let go; anything else is an
/// error, because a part of the number may be in it.
fn extension_of(main: &str, tail: &str) -> Result<Option<Box<str>>, PhoneError> {
    const MARKS: &str = "kl|klapka|l|linka|lin|vnitřní|ust|wew|wewn|w|wewnętrzny|nr wew|m|mell|mellék|\
        melléke|ext|extn|extension|x|#|int|dw|durchwahl|nst|poste|xtn";
    let digits: String = tail.chars().filter(char::is_ascii_digit).collect();
    let word: String = tail
        .chars()
        .take_while(|c| !c.is_ascii_digit())
        .filter(|c| c.is_alphabetic() || matches!(c, ' ' | '#'))
        .collect::<String>()
        .trim()
        .to_lowercase();
    let marked = is_one_of(&word, MARKS)
        && tail
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .all(|c| c.is_ascii_digit() || matches!(c, ' ' | ')' | '.' | ';'));
    let touching = main.ends_with(|c: char| c.is_ascii_digit());
    match digits.len() {
        0 if tail.is_empty() => Ok(None),
        0 if touching || count_digits(main) < MIN_DIGITS || tail.contains(['*', '#']) => {
            Err(PhoneError::Characters)
        }
        0 => Ok(None),
        1..=MAX_EXTENSION_DIGITS if marked => Ok(Some(digits.into_boxed_str())),
        more if more >= MIN_DIGITS && count_digits(main) >= MIN_DIGITS => Err(PhoneError::Several),
        _ => Err(PhoneError::Characters),
    }
}

fn count_digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}
