//! A phone number: how it is read from what people write, in E.164.
//!
//! The numbering plans are those of libphonenumber (crate `phonenumber`); reading is done here,
//! because a cell holds more than a number: labels, extensions, notes, a second number, what a
//! spreadsheet made of it. The crate reads the letters of `kl. 23` as digits, strips a region's
//! trunk prefix off foreign numbers and takes an area code that looks like the country code away;
//! none of this happens here.
//!
//! A number that the plan has goes before one that only fits it. But one that fits, by its length,
//! is accepted too: plans change faster than programs, and a stored number that nobody has does less
//! harm than a real one that was thrown away. [`Phone::is_assigned`] tells the two apart. Without
//! `+`, and not in the region's own plan, only a number some plan really has is believed.

use std::fmt;

use phonenumber::country::{self, Source};
use phonenumber::metadata::DATABASE;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::cell::visible;
use plan::Plan;

mod cell;
mod plan;

/// Digits of a number with its country code (E.164, 6.2.1).
const MAX_DIGITS: usize = 15;
/// Fewer digits than this are no number anybody can be called on from elsewhere.
const MIN_DIGITS: usize = 7;

/// A phone number in E.164: `+420601123456`.
///
/// Invariant: `+`, then 7 to 15 digits beginning with a country code.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(Box<str>);

/// The country whose national numbers are meant: ISO 3166-1 alpha-2, one that has a numbering plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region(country::Id);

/// Why a cell is not a phone number. The words of [`PhoneError::reason`] are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PhoneError {
    /// Nothing is written, or only white space.
    #[error("no number is given")]
    Empty,
    /// A word that stands for nothing: `n/a`, `-`.
    #[error("a placeholder stands where a number belongs")]
    Placeholder,
    /// More than one number in one cell.
    #[error("several numbers stand in one place")]
    Several,
    /// `4.20602E+11`: a spreadsheet rounded the number and its last digits are lost.
    #[error("a spreadsheet has rounded the number; its last digits are lost")]
    ScientificNotation,
    /// Letters or signs where digits belong: `6O2 123 456`, `*21#`.
    #[error("the number has characters no number has")]
    Characters,
    /// Too few digits.
    #[error("the number is too short")]
    TooShort,
    /// Too many digits.
    #[error("the number is too long")]
    TooLong,
    /// What follows the `+` is no country's code.
    #[error("the country code does not exist")]
    CountryCode,
    /// A national number, and no region was given to read it with.
    #[error("the number has no country code, and no region was given")]
    RegionNeeded,
    /// The numbering plan of the country has no such numbers.
    #[error("the country has no numbers like this")]
    NotInPlan,
}

impl PhoneError {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Placeholder => "placeholder",
            Self::Several => "several",
            Self::ScientificNotation => "scientific_notation",
            Self::Characters => "characters",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::CountryCode => "country_code",
            Self::RegionNeeded => "region_needed",
            Self::NotInPlan => "not_in_plan",
        }
    }
}

/// Not the ISO 3166-1 alpha-2 code of a country with a numbering plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not the two-letter code of a country with a numbering plan")]
pub struct UnknownRegion;

impl Region {
    /// Reads a code such as `CZ`, in either case.
    ///
    /// # Errors
    /// [`UnknownRegion`] when there is no numbering plan for it.
    pub fn parse(raw: &str) -> Result<Self, UnknownRegion> {
        let code = visible(raw).to_ascii_uppercase();
        let id: country::Id = code.parse().map_err(|_unknown| UnknownRegion)?;
        DATABASE.by_id(id.as_ref()).map(|_| Self(id)).ok_or(UnknownRegion)
    }

    /// The two letters, in capitals.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl Phone {
    /// Reads a number as people and spreadsheets write it, with its country code or, when `region`
    /// is given, without. An extension is cut off.
    ///
    /// # Errors
    /// When the cell does not hold one number; see [`PhoneError`].
    pub fn parse(raw: &str, region: Option<Region>) -> Result<Self, PhoneError> {
        match quick(raw, region) {
            Some(phone) => Ok(phone),
            None => thorough(raw, region).map(|(phone, _)| phone),
        }
    }

    /// As [`Phone::parse`], with the digits of the extension if there was one.
    ///
    /// # Errors
    /// As [`Phone::parse`].
    pub fn parse_with_extension(
        raw: &str,
        region: Option<Region>,
    ) -> Result<(Self, Option<Box<str>>), PhoneError> {
        match quick(raw, region) {
            Some(phone) => Ok((phone, None)),
            None => thorough(raw, region),
        }
    }

    /// Takes back a number this type has written, such as one from the database. Only its form is
    /// checked: numbering plans change, stored numbers stay.
    ///
    /// # Errors
    /// [`PhoneError::Characters`], [`PhoneError::TooShort`] or [`PhoneError::TooLong`].
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').ok_or(PhoneError::Characters)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) || digits.starts_with('0') {
            return Err(PhoneError::Characters);
        }
        match digits.len() {
            ..MIN_DIGITS => Err(PhoneError::TooShort),
            MIN_DIGITS..=MAX_DIGITS => Ok(Self(text.into())),
            _ => Err(PhoneError::TooLong),
        }
    }

    /// The number in E.164.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the numbering plan, as known today, has numbers like this.
    #[must_use]
    pub fn is_assigned(&self) -> bool {
        Plan::of(self.0.trim_start_matches('+'))
            .is_some_and(|(plan, national)| plan.is_assigned(national))
    }

    fn from_parts(code: u16, national: &str) -> Self {
        Self(format!("+{code}{national}").into_boxed_str())
    }
}

/// The usual numbers of Czechia, Slovakia, Poland and Hungary, without a regular expression.
///
/// Says `None` when in doubt. The patterns are part of libphonenumber's; a test holds this function
/// against [`thorough`].
fn quick(raw: &str, region: Option<Region>) -> Option<Phone> {
    let text = raw.trim();
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    if rest.len() > 24 {
        return None;
    }
    let mut buffer = [0_u8; 16];
    let mut length = 0;
    for byte in rest.bytes() {
        match byte {
            b'0'..=b'9' => {
                *buffer.get_mut(length)? = byte;
                length += 1;
            }
            b' ' | b'-' | b'(' | b')' | b'/' => {}
            _ => return None,
        }
    }
    let digits = std::str::from_utf8(buffer.get(..length)?).ok()?;
    let (plus, digits) = match digits.strip_prefix("00") {
        Some(rest) if !plus => (true, rest),
        _ => (plus, digits),
    };
    if plus {
        let (code, national) = ["420", "421", "48", "36"]
            .iter()
            .find_map(|code| digits.strip_prefix(code).map(|national| (*code, national)))?;
        let fits = national.len() == 9 || code == "36" && national.len() == 8;
        return (fits && !national.starts_with('0'))
            .then(|| Phone(format!("+{digits}").into_boxed_str()));
    }
    let (code, national, usual) = match region?.0 {
        country::CZ => (420, digits, usual_czech(digits.as_bytes())),
        country::PL => (48, digits, usual_polish(digits.as_bytes())),
        country::SK => {
            let national = digits.strip_prefix('0').unwrap_or(digits);
            (421, national, usual_slovak(national.as_bytes()))
        }
        country::HU => {
            let national = digits.strip_prefix("06").unwrap_or(digits);
            (36, national, usual_hungarian(national.as_bytes()))
        }
        _ => return None,
    };
    usual.then(|| Phone::from_parts(code, national))
}

const fn usual_czech(digits: &[u8]) -> bool {
    matches!(
        digits,
        [b'2', _, _, _, _, _, _, _, _]
            | [b'6', b'0', b'1'..=b'8', _, _, _, _, _, _]
            | [b'7', b'2' | b'3' | b'7' | b'9', _, _, _, _, _, _, _]
            | [b'7', b'0', b'2'..=b'5', _, _, _, _, _, _]
            | [b'3', b'1' | b'2' | b'5' | b'7'..=b'9', _, _, _, _, _, _, _]
            | [b'4', b'1' | b'6'..=b'9', _, _, _, _, _, _, _]
            | [b'5', b'1' | b'3'..=b'9', _, _, _, _, _, _, _]
    )
}

const fn usual_polish(digits: &[u8]) -> bool {
    matches!(
        digits,
        [b'4', b'5', _, _, _, _, _, _, _]
            | [b'5', b'0' | b'1' | b'3' | b'7', _, _, _, _, _, _, _]
            | [b'6', b'0' | b'6' | b'9', _, _, _, _, _, _, _]
            | [b'7', b'2' | b'3' | b'8' | b'9', _, _, _, _, _, _, _]
            | [b'8', b'8', _, _, _, _, _, _, _]
    )
}

const fn usual_slovak(digits: &[u8]) -> bool {
    matches!(digits,
        [b'9', b'0', b'1'..=b'8', _, _, _, _, _, _]
        | [b'9', b'1', b'0'..=b'2' | b'4'..=b'9', _, _, _, _, _, _]
        | [b'2', b'2'..=b'9', _, _, _, _, _, _, _]
        | [b'3'..=b'5', b'1'..=b'8', _, _, _, _, _, _, _])
}

const fn usual_hungarian(digits: &[u8]) -> bool {
    matches!(
        digits,
        [b'2' | b'5' | b'7', b'0', _, _, _, _, _, _, _]
            | [b'3', b'0' | b'1', _, _, _, _, _, _, _]
            | [b'1', _, _, _, _, _, _, _]
    )
}

fn thorough(raw: &str, region: Option<Region>) -> Result<(Phone, Option<Box<str>>), PhoneError> {
    let dialled = cell::read(raw)?;
    let digits = dialled.digits.as_str();
    let phone = match (dialled.international, region) {
        (true, _) => international(digits),
        (false, Some(region)) => national(digits, region),
        (false, None) => unnamed(digits),
    }?;
    // without its trunk prefix a number that was long enough may be too short
    let phone = Phone::from_e164(phone.as_str())?;
    Ok((phone, dialled.extension))
}

/// A number that begins with its country code. A trunk prefix behind the code is taken away:
/// `+44 (0)20 …`, `+36 06 20 …`.
fn international(digits: &str) -> Result<Phone, PhoneError> {
    if digits.len() < MIN_DIGITS {
        return Err(PhoneError::TooShort);
    }
    let (plan, national) = Plan::of(digits).ok_or(PhoneError::CountryCode)?;
    let candidates = || {
        let trunk = plan.trunk.and_then(|trunk| national.strip_prefix(trunk));
        // Only Italy's zero is part of the number.
        let zero = national.strip_prefix('0').filter(|_| plan.code != 39);
        [Some(national), trunk, zero].into_iter().flatten()
    };
    candidates()
        .find(|candidate| plan.is_assigned(candidate))
        .or_else(|| candidates().find(|candidate| plan.is_possible(candidate)))
        .map(|candidate| Phone::from_parts(plan.code, candidate))
        .ok_or(if digits.len() > MAX_DIGITS { PhoneError::TooLong } else { PhoneError::NotInPlan })
}

/// A number as it is dialled within `region`.
fn national(digits: &str, region: Region) -> Result<Phone, PhoneError> {
    let meta = DATABASE.by_id(region.as_str()).ok_or(PhoneError::NotInPlan)?;
    let plan = Plan::by_code(meta.country_code()).ok_or(PhoneError::NotInPlan)?;
    let trunk = meta.national_prefix().and_then(|trunk| digits.strip_prefix(trunk));
    let found = [trunk, Some(digits)].into_iter().flatten().find(|c| plan.is_assigned(c));
    if let Some(national) = found {
        return Ok(Phone::from_parts(plan.code, national));
    }
    // Plans with carriers, or with rules that rewrite the number.
    if let Some(phone) = as_the_crate_says(digits, region, plan) {
        return Ok(phone);
    }
    // A zero from the time when Czechia and Poland still had trunk prefixes.
    let zero = digits.strip_prefix('0').filter(|_| meta.national_prefix().is_none());
    if let Some(national) = zero.filter(|c| plan.is_assigned(c)) {
        return Ok(Phone::from_parts(plan.code, national));
    }
    // With the country code, but nothing in front of it.
    let own_code = digits.starts_with(&plan.code.to_string());
    let abroad = international(digits).ok();
    if let Some(phone) = abroad.as_ref().filter(|phone| phone.is_assigned())
        && (own_code || digits.len() > MIN_UNNAMED)
    {
        return Ok(phone.clone());
    }
    let plain = Some(digits).filter(|_| !own_code);
    let fitting = [trunk, zero, plain].into_iter().flatten().find(|c| plan.is_possible(c));
    match (fitting, abroad) {
        (Some(national), _) => Ok(Phone::from_parts(plan.code, national)),
        (None, Some(phone)) if own_code => Ok(phone),
        _ if digits.len() < MIN_DIGITS => Err(PhoneError::TooShort),
        _ if digits.len() > MAX_DIGITS => Err(PhoneError::TooLong),
        _ => Err(PhoneError::NotInPlan),
    }
}

/// National numbers of this many digits are common, so digits that begin like a foreign country
/// code are no sign of one unless there are more.
const MIN_UNNAMED: usize = 10;

/// A number without `+` and without a region: only a whole international number is believed.
fn unnamed(digits: &str) -> Result<Phone, PhoneError> {
    if digits.len() < MIN_DIGITS {
        return Err(PhoneError::TooShort);
    }
    match international(digits) {
        Ok(phone) if phone.is_assigned() && digits.len() > MIN_UNNAMED => Ok(phone),
        Err(PhoneError::TooLong) => Err(PhoneError::TooLong),
        _ => Err(PhoneError::RegionNeeded),
    }
}

fn as_the_crate_says(digits: &str, region: Region, plan: &Plan) -> Option<Phone> {
    let number = phonenumber::parse(Some(region.0), digits).ok()?;
    let national = number.national().to_string();
    let code = number.code().value();
    if number.code().source() == Source::Idd {
        let abroad = Plan::by_code(code)?;
        return abroad.is_assigned(&national).then(|| Phone::from_parts(code, &national));
    }
    (code == plan.code && plan.is_assigned(&national)).then(|| Phone::from_parts(code, &national))
}

impl fmt::Debug for Phone {
    /// Masked, because it ends up in logs: the beginning of the country code and the length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head: String = self.0.chars().take(3).collect();
        write!(f, "Phone({head}{})", "*".repeat(self.0.len().saturating_sub(3)))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({})", self.as_str())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_e164(&text).map_err(de::Error::custom)
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn region(code: &str) -> Option<Region> {
        (!code.is_empty()).then(|| Region::parse(code).unwrap())
    }

    fn read(raw: &str, code: &str) -> Result<String, PhoneError> {
        Phone::parse(raw, region(code)).map(|phone| phone.as_str().to_owned())
    }

    /// The number as libphonenumber leaves it when it does not know the trunk zero.
    fn with_zero(e164: &str) -> String {
        let code = if e164.starts_with("+420") { "+420" } else { e164.get(..3).unwrap() };
        e164.replacen(code, &format!("{code}0"), 1)
    }

    /// CON-1: what libphonenumber says, on its own sample of Czech, Slovak, Polish and Hungarian
    /// numbers. Cells with a note or an extension in letters it cannot read stand for themselves:
    /// there the number in front of the letters is right.
    #[test]
    fn numbers_are_read_as_libphonenumber_reads_them() {
        let gold = include_str!("../../tests/fixtures/libphonenumber.tsv");
        let (mut rows, mut misses) = (0_u32, Vec::new());
        for line in gold.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let (Some(code), Some(raw), Some(e164), Some(valid)) =
                (cells.next(), cells.next(), cells.next(), cells.next())
            else {
                panic!("{line}");
            };
            let ours = read(raw, code);
            rows += 1;
            let unreadable = ["(práce)", "kl.", "wew.", "linka"].iter().find(|m| raw.contains(**m));
            // Nor does it know a trunk zero behind the country code, or one of days gone by.
            let zero = ["+4200", "+480", "+360"].iter().any(|head| e164.starts_with(head));
            let agrees = match (ours.as_deref(), unreadable) {
                (_, Some(mark)) => ours == read(raw.split_once(mark).unwrap().0, code),
                (Ok(ours), None) if zero => e164 == with_zero(ours),
                (Ok(ours), None) => ours == e164,
                // The sample has numbers with digits too few or too many; we refuse them.
                (Err(_), None) => valid != "true",
            };
            if !agrees {
                misses.push(format!("{code} {raw:?}: {ours:?}, not {e164} ({valid})"));
            }
        }
        let allowed = rows / 200;
        assert!(rows > 1500, "{rows}");
        let missed = u32::try_from(misses.len()).unwrap();
        assert!(missed <= allowed, "{missed} of {rows}:\n{}", misses.join("\n"));
        println!("{missed} of {rows} differ:\n{}", misses.join("\n"));
    }

    /// CON-1, IMP-20
    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (code, raw, expected) in [
            ("CZ", "602 123 456", "+420602123456"),
            ("CZ", "602\u{A0}123\u{A0}456", "+420602123456"),
            ("CZ", "\u{200B}602123456\u{FEFF}", "+420602123456"),
            ("CZ", "602.123.456", "+420602123456"),
            ("CZ", "602,123,456", "+420602123456"),
            ("CZ", "602–123–456", "+420602123456"),
            ("CZ", "(602) 123/456", "+420602123456"),
            ("CZ", "0602 123 456", "+420602123456"),
            ("CZ", "420602123456", "+420602123456"),
            ("CZ", "00420 602 123 456", "+420602123456"),
            ("CZ", "+ 420 602 123 456", "+420602123456"),
            ("CZ", "+00420 602 123 456", "+420602123456"),
            ("CZ", "(+420) 602 123 456", "+420602123456"),
            ("CZ", "(00420) 602 123 456", "+420602123456"),
            ("CZ", "+420 (0) 602 123 456", "+420602123456"),
            ("CZ", "'+420602123456", "+420602123456"),
            ("CZ", "=\"+420602123456\"", "+420602123456"),
            ("CZ", "420602123456.0", "+420602123456"),
            ("CZ", "4.20602123456E+11", "+420602123456"),
            ("CZ", "4,20602123456E+11", "+420602123456"),
            ("CZ", "tel:+420-602-123-456", "+420602123456"),
            ("CZ", "tel:602123456;phone-context=+420", "+420602123456"),
            ("", "tel:602123456;phone-context=+420", "+420602123456"),
            ("CZ", "Tel.: 602 123 456", "+420602123456"),
            ("CZ", "Mobil: 602 123 456 (práce)", "+420602123456"),
            ("CZ", "602 123 456 kl. 23", "+420602123456"),
            ("CZ", "602 123 456, linka 23", "+420602123456"),
            ("CZ", "602123456;", "+420602123456"),
            ("CZ", "48 501 123 456", "+48501123456"),
            ("CZ", "６０２１２３４５６", "+420602123456"),
            ("CZ", "+44 (0)20 7946 0958", "+442079460958"),
            ("CZ", "+1 (202) 555-0123", "+12025550123"),
            ("SK", "+39 06 6982 1234", "+390669821234"),
            ("HU", "+39 06 6982 1234", "+390669821234"),
            ("HU", "0039 06 6982 1234", "+390669821234"),
            ("SK", "+49 (0) 6201 12345", "+49620112345"),
            ("SK", "0905/123 456", "+421905123456"),
            ("SK", "421 905 123 456", "+421905123456"),
            ("PL", "48 717 01 25", "+48487170125"),
            ("PL", "0 22 123 45 67", "+48221234567"),
            ("PL", "+48 (0) 22 123 45 67", "+48221234567"),
            ("PL", "48501123456", "+48501123456"),
            ("PL", "22 123 45 67 wew. 12", "+48221234567"),
            ("HU", "36 731 754", "+3636731754"),
            ("HU", "06 20 123 4567", "+36201234567"),
            ("HU", "+36 06 20 123 4567", "+36201234567"),
            ("HU", "+36 (06) 20 123 4567", "+36201234567"),
            ("HU", "+36 (0)20 123 4567", "+36201234567"),
            ("HU", "1 234 5678 mell.: 12", "+3612345678"),
            ("HU", "46212322.0", "+3646212322"),
            ("DE", "030 901820", "+4930901820"),
            ("US", "(202) 555-0123 x5", "+12025550123"),
            ("US", "011 420 602 123 456", "+420602123456"),
            ("", "420602123456", "+420602123456"),
            // The plan has no such numbers, but they fit it.
            ("", "+420 111 222 333", "+420111222333"),
            ("CZ", "111 222 333", "+420111222333"),
            ("CZ", "420111222333", "+420111222333"),
            ("HU", "06 79 123 4567", "+36791234567"),
            ("SK", "0999 123 456", "+421999123456"),
        ] {
            assert_eq!(read(raw, code).as_deref(), Ok(expected), "{code} {raw:?}");
        }
    }

    /// IMP-16, IMP-20
    #[test]
    fn what_is_not_one_number_says_why() {
        let long = "1".repeat(300);
        for (code, raw, expected) in [
            ("CZ", "", PhoneError::Empty),
            ("CZ", " \u{A0}", PhoneError::Empty),
            ("CZ", "n/a", PhoneError::Placeholder),
            ("CZ", "-", PhoneError::Placeholder),
            ("CZ", "602 123 456, 603 123 456", PhoneError::Several),
            ("CZ", "602123456/603123456", PhoneError::Several),
            ("CZ", "602123456; 603123456", PhoneError::Several),
            ("CZ", "602123456 603123456", PhoneError::Several),
            ("CZ", "602 123 456\n603 123 456", PhoneError::Several),
            ("CZ", "602 123 456 nebo 603 123 456", PhoneError::Several),
            ("CZ", "+420602123456 +420603123456", PhoneError::Several),
            ("CZ", "602 123 456 (domů 222 333 444)", PhoneError::Several),
            ("CZ", "4.20602E+11", PhoneError::ScientificNotation),
            ("CZ", "4,20602E+11", PhoneError::ScientificNotation),
            ("CZ", "abc", PhoneError::Characters),
            ("CZ", "6O2 123 456", PhoneError::Characters),
            ("CZ", "IČO 27074358", PhoneError::Characters),
            ("CZ", "602123456\u{0}", PhoneError::Characters),
            ("CZ", "*21#602123456", PhoneError::Characters),
            ("CZ", "602 123 456 byt 3", PhoneError::Characters),
            ("CZ", "1990-05-01T10:00", PhoneError::Characters),
            ("US", "1-800-FLOWERS", PhoneError::Characters),
            ("CZ", "112", PhoneError::TooShort),
            ("CZ", "7", PhoneError::TooShort),
            ("CZ", "+420", PhoneError::TooShort),
            ("CZ", "602 123 45", PhoneError::NotInPlan),
            ("CZ", "420 602 123", PhoneError::NotInPlan),
            ("CZ", "27074358", PhoneError::NotInPlan),
            ("PL", "1234567890", PhoneError::NotInPlan),
            ("CZ", "+420 602 123 45", PhoneError::NotInPlan),
            ("CZ", "+420 602 123 4567", PhoneError::NotInPlan),
            ("CZ", "+999 123 456 789", PhoneError::CountryCode),
            ("", "602123456", PhoneError::RegionNeeded),
            ("CZ", "12345678901234567", PhoneError::TooLong),
            ("CZ", "123456789012345678", PhoneError::TooLong),
            ("CZ", long.as_str(), PhoneError::TooLong),
        ] {
            assert_eq!(read(raw, code), Err(expected), "{code} {raw:.60?}");
        }
    }

    /// CON-1
    #[test]
    fn an_extension_is_told_apart() {
        for (raw, extension) in [
            ("602 123 456 kl. 23", "23"),
            ("602123456x7", "7"),
            ("602 123 456 (ext. 12)", "12"),
            ("tel:+420602123456;ext=5", "5"),
            ("602 123 456 #4", "4"),
            ("602123456,,12", "12"),
            ("602 123 456, linka: 100", "100"),
        ] {
            let (phone, found) = Phone::parse_with_extension(raw, region("CZ")).unwrap();
            assert_eq!(
                (phone.as_str(), found.as_deref()),
                ("+420602123456", Some(extension)),
                "{raw}"
            );
        }
    }

    /// CON-1
    #[test]
    fn a_plan_knows_which_numbers_exist() {
        assert!(Phone::parse("+420602123456", None).unwrap().is_assigned());
        assert!(!Phone::parse("+420111222333", None).unwrap().is_assigned());
        assert!(Phone::parse("+80012345678", None).unwrap().is_assigned());
    }

    /// IMP-5: `phone_region`.
    #[test]
    fn a_region_is_a_country_with_a_plan() {
        assert_eq!(Region::parse(" cz ").unwrap().as_str(), "CZ");
        for raw in ["", "XX", "CZE", "C", "001", "č"] {
            assert_eq!(Region::parse(raw), Err(UnknownRegion), "{raw}");
        }
    }

    /// PLT-3: nothing personal in logs.
    #[test]
    fn debug_is_masked() {
        let phone = Phone::parse("+420602123456", None).unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(+42**********)");
    }

    /// CON-1
    #[test]
    fn only_e164_is_taken_back() {
        assert!(Phone::from_e164("+420111222333").is_ok());
        for raw in ["420602123456", "+0420602123456", "+42060212345a", "+420", "+4206021234561234"]
        {
            assert!(Phone::from_e164(raw).is_err(), "{raw}");
        }
    }

    /// IMP-7: what is left without the zero of the trunk is no number any more.
    #[test]
    fn a_number_is_long_enough_without_its_trunk_prefix_too() {
        for raw in ["+43011)12", "+43 0 1112"] {
            assert_eq!(Phone::parse(raw, None), Err(PhoneError::TooShort), "{raw}");
        }
    }

    fn a_region() -> impl Strategy<Value = Option<Region>> {
        proptest::sample::select(vec!["CZ", "SK", "PL", "HU", "DE", "IT", "US", "BR", "AR", ""])
            .prop_map(region)
    }

    proptest! {
        /// IMP-20
        #[test]
        fn no_text_panics(raw in any::<String>(), region in a_region()) {
            let _ = Phone::parse(&raw, region);
        }

        /// IMP-20
        #[test]
        fn nothing_number_like_panics_and_reading_is_idempotent(
            raw in "['=\"(+ ]{0,2}(00)?[0-9]{0,14}[ ()/.,;x#*Ee+-]{0,2}[0-9]{0,9}[ a-z#.:]{0,4}[0-9]{0,9}",
            region in a_region(),
        ) {
            if let Ok(phone) = Phone::parse(&raw, region) {
                let again = Phone::parse(phone.as_str(), region);
                prop_assert_eq!(again.as_ref(), Ok(&phone));
                let taken = Phone::from_e164(phone.as_str());
                prop_assert_eq!(taken.as_ref(), Ok(&phone));
            }
        }

        /// IMP-7: the quick way says nothing else than the thorough one.
        #[test]
        fn both_ways_agree(
            head in proptest::sample::select(vec!["", "+420", "+421", "+48", "+36", "0", "06", "00420", "0036", "+"]),
            tail in "[0-9 /()-]{7,12}",
            region in a_region(),
        ) {
            let raw = format!("{head}{tail}");
            if let Some(quick) = quick(&raw, region) {
                let thorough = thorough(&raw, region).map(|(phone, _)| phone);
                prop_assert_eq!(thorough.as_ref(), Ok(&quick), "{}", raw);
            }
        }

        /// IMP-7: nor anything else than the crate, for the numbers the crate reads rightly.
        #[test]
        fn the_quick_way_agrees_with_the_crate(
            code in proptest::sample::select(vec!["CZ", "SK", "PL", "HU"]),
            national in "[1-9][0-9]{7,8}",
        ) {
            if let Some(quick) = quick(&national, region(code)) {
                let number = phonenumber::parse(None, quick.as_str()).unwrap();
                prop_assert!(number.is_valid(), "{}", quick.as_str());
                let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
                prop_assert_eq!(e164.as_str(), quick.as_str());
            }
        }
    }
}
