//! What contacts read: the message that asks for a consent, and the pages behind the links in messages.
//!
//! One file for each language. A language without one of the texts does not compile, and one whose placeholders differ
//! from the others fails a test. The texts say "you" to people we know nothing of, so they name no gender.

mod cs;
mod en;
mod hu;
mod pl;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

/// A language that contacts are spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tongue {
    /// Czech.
    Cs,
    /// Polish.
    Pl,
    /// Hungarian.
    Hu,
    /// English.
    En,
}

impl Tongue {
    /// All of them, in the order in which they are offered.
    pub const ALL: &'static [Self] = &[Self::Cs, Self::Pl, Self::Hu, Self::En];

    /// ISO 639-1; also the value of `lang` in HTML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cs => "cs",
            Self::Pl => "pl",
            Self::Hu => "hu",
            Self::En => "en",
        }
    }

    /// The language a tag (RFC 5646: `pl`, `pl-PL`) asks for; Slovaks read Czech.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        let primary = primary.to_ascii_lowercase();
        if primary == "sk" {
            return Some(Self::Cs);
        }
        Self::ALL.iter().copied().find(|tongue| tongue.as_str() == primary)
    }

    /// The language of a contact, else that of its workspace, else English.
    #[must_use]
    pub fn of_contact(own: Option<&str>, workspace: &str) -> Self {
        own.and_then(Self::of_tag).or_else(|| Self::of_tag(workspace)).unwrap_or(Self::En)
    }

    /// What `Accept-Language` (RFC 9110, 12.5.4) asks for most, of those there are.
    #[must_use]
    pub fn accepted(line: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        for range in line.split(',').take(20) {
            let mut parts = range.split(';');
            let tongue = Self::of_tag(parts.next().unwrap_or_default());
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=").map(thousandths));
            let weight = weight.unwrap_or(1000);
            if let Some(tongue) = tongue
                && weight > best.map_or(0, |(most, _)| most)
            {
                best = Some((weight, tongue));
            }
        }
        best.map(|(_, tongue)| tongue)
    }

    /// Its texts.
    #[must_use]
    pub fn words(self) -> &'static Words {
        match self {
            Self::Cs => &cs::WORDS,
            Self::Pl => &pl::WORDS,
            Self::Hu => &hu::WORDS,
            Self::En => &en::WORDS,
        }
    }

    /// An instant as people write it, in this time zone; in UTC when there is no such zone.
    #[must_use]
    pub fn instant(self, at: DateTime<Utc>, time_zone: &str) -> String {
        let form = match self {
            Self::Cs => "%-d. %-m. %Y %H:%M",
            Self::Pl => "%-d.%m.%Y, %H:%M",
            Self::Hu => "%Y. %m. %d. %H:%M",
            Self::En => "%-d %B %Y, %H:%M",
        };
        match time_zone.parse::<Tz>() {
            Ok(zone) => at.with_timezone(&zone).format(form).to_string(),
            Err(_unknown) => format!("{} UTC", at.format(form)),
        }
    }
}

/// A weight as thousandths; what is none counts as nothing.
fn thousandths(text: &str) -> u16 {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits: String = rest.chars().take(3).collect();
    match (whole, format!("{digits:0<3}").parse()) {
        ("1", _) => 1000,
        ("0", Ok(rest)) => rest,
        _ => 0,
    }
}

/// The texts of one language. `{sender}` is the name of the workspace, `{until}` an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// The language in itself: `čeština`.
    pub name: &'static str,
    /// Subject of the message that asks for a consent; with `{sender}`.
    pub letter_subject: &'static str,
    /// Its first line.
    pub letter_greeting: &'static str,
    /// Before title and wording of the purpose, in the message and on the page; with `{sender}`.
    pub asked: &'static str,
    /// Before the link.
    pub letter_open: &'static str,
    /// The link, where it is a button.
    pub letter_button: &'static str,
    /// How long it works; with `{until}`.
    pub letter_until: &'static str,
    /// For whoever did not ask for anything.
    pub letter_ignore: &'static str,
    /// Title of the page on which a consent is confirmed.
    pub confirm_title: &'static str,
    /// For whoever had unsubscribed from everything.
    pub confirm_subscribes: &'static str,
    /// The button.
    pub confirm_button: &'static str,
    /// What is said afterwards.
    pub confirm_done: &'static str,
    /// Before the link to the preferences.
    pub confirm_withdraw: &'static str,
    /// The link came too late.
    pub confirm_expired: &'static str,
    /// Title of the page that is shown for a link that leads nowhere.
    pub broken_title: &'static str,
    /// Its text.
    pub broken_text: &'static str,
    /// Title of the page on which somebody unsubscribes.
    pub unsubscribe_title: &'static str,
    /// The question, where the title of one purpose follows.
    pub unsubscribe_one: &'static str,
    /// The question about all e-mails.
    pub unsubscribe_all: &'static str,
    /// The button.
    pub unsubscribe_button: &'static str,
    /// What is said afterwards.
    pub unsubscribe_done: &'static str,
    /// Title of the page of preferences, and the link to it.
    pub preferences_title: &'static str,
    /// Before the masked address.
    pub preferences_address: &'static str,
    /// Above the purposes.
    pub preferences_purposes: &'static str,
    /// When there is nothing to decide on.
    pub preferences_empty: &'static str,
    /// Above the choice of no messages at all.
    pub preferences_all: &'static str,
    /// No messages at all.
    pub preferences_none: &'static str,
    /// What that does not mean.
    pub preferences_none_hint: &'static str,
    /// The button.
    pub preferences_save: &'static str,
    /// What is said afterwards.
    pub preferences_saved: &'static str,
    /// Something changed while the page was open.
    pub preferences_stale: &'static str,
    /// Name of the choice of languages.
    pub languages: &'static str,
    /// The channel, with the name of a purpose.
    pub channel_email: &'static str,
    /// The channel, with the name of a purpose.
    pub channel_sms: &'static str,
    /// The channel, with the name of a purpose.
    pub channel_post: &'static str,
}

/// The text with its placeholders filled. What is filled in is not looked through again.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after.split_once('}').and_then(|(name, after)| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, after))
        });
        if let Some((value, after)) = value {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// An address as it may stand on a page that can be forwarded: the first letter of its two parts.
#[must_use]
pub fn masked(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return "•••".to_owned() };
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let top = domain.rsplit_once('.').map(|(_, top)| top).unwrap_or_default();
    format!("{}•••@{}•••.{top}", first(local), first(domain))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn texts(tongue: Tongue) -> serde_json::Map<String, Value> {
        match serde_json::to_value(tongue.words()).unwrap() {
            Value::Object(texts) => texts,
            other => panic!("{other}"),
        }
    }

    fn placeholders(text: &str) -> BTreeSet<String> {
        let parts = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        parts.map(|(name, _)| name.to_owned()).collect()
    }

    /// CNS-6, CNS-7
    #[test]
    fn every_language_says_everything_and_in_words_of_its_own() {
        let english = texts(Tongue::En);
        for tongue in Tongue::ALL {
            for (name, text) in texts(*tongue) {
                let text = text.as_str().unwrap();
                assert!(!text.trim().is_empty() && text == text.trim(), "{tongue:?} {name}");
                let model = english[&name].as_str().unwrap();
                assert_eq!(placeholders(text), placeholders(model), "{tongue:?} {name}");
                assert!(!text.contains(['<', '>', '&', '\n']), "{tongue:?} {name}: plain text");
                // SMS is SMS everywhere, and e-mail nearly
                if *tongue != Tongue::En && !name.starts_with("channel_") {
                    assert_ne!(text, model, "{tongue:?} {name} is not translated");
                }
            }
        }
    }

    #[test]
    fn a_language_is_found_by_tag_and_by_what_a_browser_says() {
        for (tag, tongue) in [
            ("cs", Some(Tongue::Cs)),
            ("CS-cz", Some(Tongue::Cs)),
            ("sk", Some(Tongue::Cs)),
            ("pl_PL", Some(Tongue::Pl)),
            ("de", None),
            ("", None),
        ] {
            assert_eq!(Tongue::of_tag(tag), tongue, "{tag}");
        }
        for (line, tongue) in [
            ("pl-PL,pl;q=0.9,en;q=0.8", Some(Tongue::Pl)),
            ("de,fr;q=0.9,hu;q=0.2,en;q=0.1", Some(Tongue::Hu)),
            ("en;q=0.3,cs;q=0.7", Some(Tongue::Cs)),
            ("hu;q=0, en;q=0.001", Some(Tongue::En)),
            ("de", None),
            (";;,q=", None),
            ("*", None),
        ] {
            assert_eq!(Tongue::accepted(line), tongue, "{line}");
        }
        assert_eq!(Tongue::of_contact(Some("de"), "hu"), Tongue::Hu);
        assert_eq!(Tongue::of_contact(Some("pl"), "hu"), Tongue::Pl);
        assert_eq!(Tongue::of_contact(None, "de"), Tongue::En);
    }

    #[test]
    fn an_instant_is_written_as_people_write_it() {
        let at: DateTime<Utc> = "2026-05-08T10:05:00Z".parse().unwrap();
        for (tongue, zone, text) in [
            (Tongue::Cs, "Europe/Prague", "8. 5. 2026 12:05"),
            (Tongue::Pl, "Europe/Warsaw", "8.05.2026, 12:05"),
            (Tongue::Hu, "Europe/Budapest", "2026. 05. 08. 12:05"),
            (Tongue::En, "nowhere", "8 May 2026, 10:05 UTC"),
        ] {
            assert_eq!(tongue.instant(at, zone), text);
        }
    }

    #[test]
    fn what_is_filled_in_is_text_and_no_placeholder() {
        let filled = fill("{a} and {b}, {c} {", &[("a", "{b}"), ("b", "x")]);
        assert_eq!(filled, "{b} and x, {c} {");
    }

    #[test]
    fn an_address_is_masked() {
        assert_eq!(masked("jana.novakova@example.cz"), "j•••@e•••.cz");
        assert_eq!(masked("č@ř.čz"), "č•••@ř•••.čz");
        assert_eq!(masked("nonsense"), "•••");
    }
}
