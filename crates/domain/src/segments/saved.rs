//! The name of a saved segment (SEG-5).

use super::fields::one_line;
use crate::codes::Code;
use crate::faults::Fault;

/// Characters of a segment's name.
pub const MAX_NAME_CHARS: usize = 200;
/// Bytes of its tree as JSON: lists show whole pages of segments.
pub const MAX_TREE_BYTES: usize = 256 << 10;
/// Characters of what people say of it.
pub const MAX_DESCRIPTION_CHARS: usize = 2_000;

/// A segment's name. Two spellings that differ in case or white space are one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// As it is shown.
    pub name: String,
    /// As it is compared and sorted.
    pub key: String,
}

/// Reads a name, with a fault at `at` when it is none.
pub fn read_label(raw: &str, at: &str, faults: &mut Vec<Fault>) -> Option<Label> {
    let fault = |code, detail: String| Fault::new(at, code, detail);
    if raw.contains('\0') {
        faults.push(fault(Code::NulCharacter, Code::NulCharacter.title().to_owned()));
        return None;
    }
    if raw.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        let detail = "The name of a segment has no control characters.".to_owned();
        faults.push(fault(Code::InvalidValue, detail));
        return None;
    }
    let name = one_line(raw);
    if name.is_empty() {
        faults.push(fault(Code::TooShort, "A segment has a name.".to_owned()));
        return None;
    }
    if name.chars().count() > MAX_NAME_CHARS {
        let detail = format!("The name of a segment has at most {MAX_NAME_CHARS} characters.");
        faults.push(fault(Code::TooLong, detail));
        return None;
    }
    Some(Label { key: name.to_lowercase(), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEG-5
    #[test]
    fn spellings_of_one_name_share_a_key() {
        let mut faults = Vec::new();
        let mut read = |raw: &str| read_label(raw, "#/name", &mut faults);
        let label = read(" Brno,\u{A0} VIP\t").unwrap();
        assert_eq!((label.name.as_str(), label.key.as_str()), ("Brno, VIP", "brno, vip"));
        assert!(read(&"ž".repeat(200)).is_some());
        for bad in ["", " \u{200B}", "a\0", "a\u{7}", &"x".repeat(201)] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        let codes: Vec<Code> = faults.iter().map(|fault| fault.code).collect();
        let expected =
            [Code::TooShort, Code::TooShort, Code::NulCharacter, Code::InvalidValue, Code::TooLong];
        assert_eq!(codes, expected);
    }
}
