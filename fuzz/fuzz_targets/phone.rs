//! Phone numbers: E.164 or a reason, the same on every way to it (CON-1, IMP-7).
#![no_main]

use arbitrary::Arbitrary;
use kartoteka_domain::contacts::phone::{Phone, Region};
use libfuzzer_sys::fuzz_target;
use phonenumber::Mode;

const REGIONS: &[&str] =
    &["CZ", "SK", "PL", "HU", "DE", "AT", "IT", "GB", "US", "BR", "AR", "MX", "RU"];
/// Country codes of the fast path.
const FAST: &[&str] = &["+420", "+421", "+48", "+36"];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    region: Option<u8>,
    raw: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let Input { region, raw } = input;
    let region =
        region.map(|n| Region::parse(REGIONS[usize::from(n) % REGIONS.len()]).expect("a region"));
    let read = Phone::parse(raw, region);
    let with_extension = Phone::parse_with_extension(raw, region);
    assert_eq!(
        with_extension.as_ref().map(|(phone, _)| phone).map_err(|e| *e),
        read.as_ref().map_err(|e| *e)
    );

    // a number that is nothing but digits and what people put between them is read by the fast path when
    // it can be; with a word in front it never is
    let bare = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '/');
    if raw.chars().all(bare) && raw.contains(|c: char| c.is_ascii_digit()) {
        let labelled = Phone::parse(&format!("tel. {raw}"), region);
        if read.is_ok() || labelled.is_ok() {
            assert_eq!(read, labelled, "two ways to one number");
        }
    }
    let Ok(phone) = read else { return };

    let text = phone.as_str();
    let digits = text.strip_prefix('+').expect("E.164 begins with +");
    assert!(
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()),
        "{text} is no E.164"
    );
    assert!(!digits.starts_with('0'), "{text} has no country code");
    assert!(!format!("{phone:?}").contains(digits), "what is logged is masked");

    // what was written is read as the same, wherever that is
    assert_eq!(Phone::from_e164(text), Ok(phone.clone()));
    for region in [None, region, Region::parse("US").ok(), Region::parse("CZ").ok()] {
        assert_eq!(Phone::parse(text, region).as_ref(), Ok(&phone), "reading {text} again");
    }

    // and it is the number libphonenumber's rules make of it
    if FAST.iter().any(|code| text.starts_with(code)) && phone.is_assigned() {
        let theirs = phonenumber::parse(None, text).expect("the crate reads it too");
        assert_eq!(
            theirs.format().mode(Mode::E164).to_string(),
            text,
            "the crate reads another number"
        );
    }
});
