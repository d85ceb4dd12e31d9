//! Numbers as people and spreadsheets write them.

use serde_json::Number;

use super::cell::visible;

/// Digits of a number: so many are exact in a float of 64 bits.
const MAX_DIGITS: usize = 15;

/// Reads a number: white space and apostrophes between digits are left out; of `.` and `,` the last one is
/// the decimal mark, and one that stands more than once, or before the other, groups by thousands.
#[must_use]
pub fn parse_number(raw: &str) -> Option<Number> {
    let text: String = visible(raw)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’'))
        .map(|c| if c == '−' { '-' } else { c })
        .collect();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let (dots, commas) = (unsigned.matches('.').count(), unsigned.matches(',').count());
    let decimal = match (unsigned.rfind('.'), unsigned.rfind(',')) {
        (Some(dot), Some(comma)) if dot > comma && dots == 1 => Some('.'),
        (Some(dot), Some(comma)) if comma > dot && commas == 1 => Some(','),
        (Some(_), Some(_)) => return None,
        (Some(_), None) if dots == 1 => Some('.'),
        (None, Some(_)) if commas == 1 => Some(','),
        _ => None,
    };
    let (whole, fraction) = match decimal.and_then(|mark| unsigned.rsplit_once(mark)) {
        Some((whole, fraction)) => (whole, fraction),
        None => (unsigned, ""),
    };
    let mut groups = whole.split(['.', ',']);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let grouped = !rest.is_empty();
    if rest.iter().any(|group| group.len() != 3) || (grouped && first.len() > 3) {
        return None;
    }
    let whole = format!("{first}{}", rest.concat());
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(&whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if whole.trim_start_matches('0').len() + fraction.len() > MAX_DIGITS {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    if fraction.is_empty() {
        return format!("{sign}{whole}").parse::<i64>().ok().map(Number::from);
    }
    format!("{sign}{whole}.{fraction}").parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// CON-9
    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (raw, read) in [
            ("43", "43"),
            (" -7 ", "-7"),
            ("+5", "5"),
            ("−3", "-3"),
            ("43,5", "43.5"),
            ("43.50", "43.5"),
            ("43,0", "43"),
            ("1 234 567,89", "1234567.89"),
            ("1\u{A0}234", "1234"),
            ("1'234.5", "1234.5"),
            ("1.234.567", "1234567"),
            ("1,234,567.5", "1234567.5"),
            ("1.234,5", "1234.5"),
            ("007", "7"),
            ("0", "0"),
        ] {
            assert_eq!(parse_number(raw).map(|n| n.to_string()).as_deref(), Some(read), "{raw:?}");
        }
        for raw in [
            "",
            "-",
            "x",
            "4x",
            "1.2.3",
            "12,34,567",
            "1,2.3,4",
            "1e5",
            ".",
            ",5x",
            "1234567890123456",
            "1.234,567,8",
            "٣",
        ] {
            assert_eq!(parse_number(raw), None, "{raw:?}");
        }
    }

    proptest! {
        /// Whatever is written, it is read as it is, or not at all.
        #[test]
        fn any_text_is_read_or_not(raw in any::<String>()) {
            let _ = parse_number(&raw);
        }

        #[test]
        fn whole_numbers_are_exact(number in -999_999_999_999_999_i64..=999_999_999_999_999) {
            prop_assert_eq!(parse_number(&number.to_string()).and_then(|n| n.as_i64()), Some(number));
        }
    }
}
