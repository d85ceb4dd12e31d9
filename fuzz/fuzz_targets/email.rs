//! E-mail addresses: whatever stands in a cell, it is an address with one key, or it is none (CON-1, IMP-7).
#![no_main]

use kartoteka_domain::contacts::email::{Email, MAX_EMAIL_BYTES, MAX_LOCAL_BYTES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    let email = match Email::parse(raw) {
        Ok(email) => email,
        Err(error) => {
            assert!(!error.reason().is_empty());
            return;
        }
    };
    let (text, key) = (email.as_str(), email.key());

    // the invariant of the type
    for form in [text, key] {
        let (local, domain) = form.split_once('@').expect("an address has an @");
        assert!((1..=MAX_LOCAL_BYTES * 3).contains(&local.len()), "local part");
        assert!(!domain.contains('@') && domain.contains('.'), "domain");
        assert!(form.len() <= MAX_EMAIL_BYTES, "too long");
        assert!(!form.chars().any(|c| c.is_control() || c.is_whitespace()), "blanks and controls");
    }
    assert!(email.domain().is_ascii(), "the key's domain is ASCII");
    assert_eq!(email.domain(), email.domain().to_ascii_lowercase());
    assert!(!format!("{email:?}").contains(text), "what is logged is masked");

    // what was written is read as the same
    assert_eq!(Email::parse(text).as_ref(), Ok(&email), "the spelling is not stable");
    let again = Email::parse(key).expect("the key of an address is an address");
    assert_eq!(again.key(), key, "the key is not stable");

    // what people put around it does not change it
    for wrapped in
        [format!(" {text}\t"), format!("<{text}>"), format!("Jana <{text}>,"), format!("{text};")]
    {
        let other = Email::parse(&wrapped).map(|other| other.key().to_owned());
        assert_eq!(other.as_deref(), Ok(key), "{wrapped:?}");
    }
});
