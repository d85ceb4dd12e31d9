//! Which contacts are compared at all: those that share a key.
//!
//! All pairs of a million contacts are five hundred thousand millions. A key is a hash of something that two
//! records of one contact have in common more often than not; several kinds of keys make up for what is wrong or
//! missing in each. A key that many contacts share says little about each pair of them, and is left out
//! ([`most_members`]).

use std::collections::HashSet;

use super::profile::{Profile, first_word};
use super::text::skeleton;

/// Bases up to this size take keys that are too common in larger ones.
const SMALL: usize = 50_000;

/// A key: what kind of agreement it stands for is mixed into it.
pub type Key = i64;

/// FNV-1a with a finisher that spreads it. Not that of the standard library, which may change: keys outlive the
/// process that made them.
pub(super) fn hash(kind: &str, parts: &[&str]) -> Key {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |byte: u8| {
        state ^= u64::from(byte);
        state = state.wrapping_mul(0x0000_0100_0000_01b3);
    };
    kind.bytes().for_each(&mut eat);
    for part in parts {
        eat(0xff);
        part.bytes().for_each(&mut eat);
    }
    state ^= state >> 33;
    state = state.wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^= state >> 33;
    state.cast_signed()
}

/// The keys of a contact in a base of `contacts`, each once.
#[must_use]
pub fn keys(profile: &Profile, contacts: usize) -> Vec<Key> {
    let mut keys = Keys(Vec::with_capacity(16));
    let p = profile;
    keys.add("email", &[&p.plain, &p.domain]);
    keys.add("phone", &[&p.phone]);
    keys.add("external", &[&p.external]);
    if !p.role && p.plain.len() >= 5 {
        keys.add("mailbox", &[&p.plain]);
    }
    let family = skeleton(p.family_stem());
    let given = skeleton(p.given_root());
    // in order, so that names that changed places have the same keys
    let mut names = [given.as_str(), family.as_str()];
    names.sort_unstable();
    keys.add("name", &names);
    for name in names {
        keys.add("name, house", &[name, &skeleton(&p.city), &p.number]);
        keys.add("name, postal", &[name, &p.postal]);
    }
    keys.add("names, city", &[names[0], names[1], &skeleton(&p.city)]);
    if !p.number.is_empty() {
        keys.add("street", &[&skeleton(longest_word(&p.street)), &p.number, &skeleton(&p.city)]);
    }
    if let Some((year, small, great)) = p.birth_parts() {
        let (year, day) = (year.to_string(), format!("{small} {great}"));
        let initials: HashSet<&str> = names.iter().filter_map(|name| name.get(..1)).collect();
        for initial in initials {
            keys.add("birth", &[&year, &day, initial]);
        }
        keys.add("names, year", &[names[0], names[1], &year]);
        if contacts <= SMALL {
            keys.add("day", &[&year, &day]);
            for name in names {
                keys.add("one name, day", &[name, &day]);
                keys.add("one name, year", &[name, &year, &small.to_string()]);
            }
        }
    }
    if !p.company.is_empty() {
        if p.is_person() {
            names.iter().for_each(|name| keys.add("company", &[&p.company, name]));
        }
        keys.add("company", &[&p.company]);
    }
    if contacts <= SMALL {
        for name in names {
            keys.add("one name, city", &[name, &skeleton(&p.city)]);
        }
        if !p.role {
            let domain: String = p.domain.chars().take(4).collect();
            let local: String = p.plain.chars().take(3).collect();
            keys.add("start of e-mail", &[&local, &domain]);
        }
    }
    keys.0.sort_unstable();
    keys.0.dedup();
    keys.0
}

struct Keys(Vec<Key>);

impl Keys {
    /// Adds a key, unless a part of it is missing.
    fn add(&mut self, kind: &str, parts: &[&str]) {
        if parts.iter().all(|part| !part.is_empty()) {
            self.0.push(hash(kind, parts));
        }
    }
}

fn longest_word(words: &str) -> &str {
    words.split(' ').max_by_key(|word| word.len()).unwrap_or_else(|| first_word(words))
}

/// Most contacts a key may have to be looked at.
pub const MOST_MEMBERS: usize = 300;

/// How many contacts a key may have, so that all keys together make no more pairs than the base can pay for:
/// `sizes` says how many keys have how many contacts.
#[must_use]
pub fn most_members(sizes: &[(usize, usize)], contacts: usize) -> usize {
    /// Pairs looked at for each contact, and at least.
    const PAIRS: usize = 12;
    const LEAST: usize = 400_000;
    let mut budget = contacts.saturating_mul(PAIRS).max(LEAST);
    let mut sizes: Vec<_> = sizes.iter().copied().filter(|(size, _)| *size > 1).collect();
    sizes.sort_unstable();
    let mut most = 2;
    for (size, keys) in sizes {
        let pairs = keys.saturating_mul(size * (size - 1) / 2);
        if size > MOST_MEMBERS || pairs > budget {
            break;
        }
        budget -= pairs;
        most = size;
    }
    most
}
