//! What agreement is worth: weights after Fellegi and Sunter.
//!
//! Each level of a field weighs log₂(m / u) bits: `m` is how often it is met among pairs that are one contact,
//! `u` among pairs that are two. They are added to log₂ of the odds that any two contacts are one; the sum is the
//! log₂ odds of the pair. To agree on a rare value weighs more than on a common one.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::compare::{Field, LEVELS, MISSING, Pattern, compare};
use super::keys::{Key, hash};
use super::profile::Profile;

/// How common values are in the base.
#[derive(Clone, Debug, Default)]
pub struct Frequencies {
    contacts: f64,
    counts: HashMap<Key, u32>,
}

impl Frequencies {
    /// Of a base of `contacts`. `counts` may leave out values met less often than [`Frequencies::floor`].
    #[must_use]
    pub fn new(contacts: usize, counts: HashMap<Key, u32>) -> Self {
        Self { contacts: real(contacts), counts }
    }

    /// The least count that matters in a base of `contacts`: rarer values are as good as unique.
    #[must_use]
    pub fn floor(contacts: usize) -> usize {
        (contacts / 50_000).max(3)
    }

    /// What is counted of a contact: its values, each under a key of its own.
    #[must_use]
    pub fn terms(profile: &Profile) -> Vec<Key> {
        Field::ALL.iter().filter_map(|field| term(profile, *field)).collect()
    }

    fn count(&self, profile: &Profile, field: Field) -> f64 {
        let found = term(profile, field).and_then(|key| self.counts.get(&key).copied());
        // the two that are compared have it
        f64::from(found.unwrap_or(0).max(2))
    }

    /// Share of the contacts that have the value of `profile`, drawn towards `usual` where the base is too small
    /// to tell.
    fn share(&self, profile: &Profile, field: Field, usual: f64) -> f64 {
        const DOUBT: f64 = 500.0;
        let least = 1.0 / 50_000.0;
        ((self.count(profile, field) - 1.0 + DOUBT * usual) / (self.contacts + DOUBT)).max(least)
    }
}

fn term(profile: &Profile, field: Field) -> Option<Key> {
    let birth;
    let parts: [&str; 2] = match field {
        Field::FirstName => [&profile.given, ""],
        Field::LastName => [&profile.family, ""],
        Field::BirthDate => {
            birth = profile.birth?.to_string();
            [&birth, ""]
        }
        Field::Email => [&profile.local, &profile.domain],
        Field::Phone => [&profile.phone, ""],
        Field::ExternalId => [&profile.external, ""],
        Field::Street => [&profile.street, &profile.number],
        Field::City => [&profile.city, ""],
        Field::Company => [&profile.company, ""],
    };
    let [first, _] = parts;
    // told apart by their last bit: what contacts share by chance is counted from three on, other values only where
    // they are common
    let key = hash(field.as_str(), &parts);
    (!first.is_empty()).then(|| if sharing(field).is_some() { key | 1 } else { key & !1 })
}

/// What one field says of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// Which field.
    pub field: Field,
    /// How far it agrees.
    pub level: &'static str,
    /// What that is worth, in bits; negative where it speaks against.
    pub weight: f64,
}

/// What is to be said of a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Probability that the two are one contact.
    pub probability: f64,
    /// Its log₂ odds.
    pub bits: f64,
    /// What each field says against two strangers; those with nothing to compare say nothing.
    pub reasons: Vec<Reason>,
    /// Bits taken off, because two who live or work together may share as much.
    pub shared: f64,
    /// Why they are two, whatever they share.
    pub conflict: Option<&'static str>,
    /// E-mail, phone or external id are the same.
    pub exact: bool,
}

impl Score {
    /// Whether somebody is to look at the pair.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        let least = if self.exact { super::LEAST_EXACT_SCORE } else { super::LEAST_SCORE };
        self.probability >= least
    }
}

/// Learnt from the data, or usual: the shares of each level, and the odds of a pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    pub(super) m: Vec<Vec<f64>>,
    pub(super) u: Vec<Vec<f64>>,
    /// Pairs that are one contact, for each contact.
    pub(super) doubles: f64,
    contacts: f64,
}

/// Other contacts that share one's mailbox, phone or number in another system by chance: it does not depend on
/// how large the base is.
const fn sharing(field: Field) -> Option<f64> {
    match field {
        Field::Email => Some(0.004),
        Field::Phone => Some(0.015),
        Field::ExternalId => Some(0.001),
        _ => None,
    }
}

/// The same for a mailbox of an office.
const SHARING_OFFICE: f64 = 0.6;
/// Bits a pair in conflict has at most: it is never offered.
const CONFLICT_BITS: f64 = -3.0;
/// People of one's household in the base, for each contact.
const HOUSEMATES: f64 = 0.1;
/// People of one's company in the base, for each contact.
const COLLEAGUES: f64 = 1.0;
/// Bits for names that changed places.
const SWAPPED_BITS: f64 = -2.0;
/// The least base whose size is believed.
const LEAST_CONTACTS: usize = 500;

impl Weights {
    /// The usual weights for a base of `contacts`.
    #[must_use]
    pub fn usual(contacts: usize) -> Self {
        let shares = |share: fn(&super::compare::Level) -> f64| {
            LEVELS.iter().map(|levels| levels.iter().map(share).collect()).collect()
        };
        Self {
            m: shares(|level| level.m),
            u: shares(|level| level.u),
            doubles: 0.1,
            contacts: real(contacts.max(LEAST_CONTACTS)),
        }
    }

    /// log₂ odds that any two contacts are one.
    fn before(&self) -> f64 {
        (2.0 * self.doubles / self.contacts).log2()
    }

    fn share(table: &[Vec<f64>], field: Field, level: u8) -> f64 {
        let found = table.get(field.at()).and_then(|levels| levels.get(usize::from(level)));
        found.copied().unwrap_or(1.0).max(1e-9)
    }

    /// What a level of a field is worth; `u_of_value` where agreement is on a value of known frequency.
    pub(super) fn weight(&self, field: Field, level: u8, u_of_value: Option<f64>) -> f64 {
        if level == MISSING {
            return 0.0;
        }
        let u = u_of_value.unwrap_or_else(|| Self::share(&self.u, field, level));
        (Self::share(&self.m, field, level) / u).log2()
    }

    /// log₂ odds that a pair is one contact and not two of a household, who share much whatever it is worth among
    /// strangers.
    fn against_household(&self, pattern: &Pattern) -> f64 {
        let weights = Field::ALL.iter().filter_map(|field| {
            let level = pattern.of(*field);
            let usual = LEVELS.get(field.at())?.get(usize::from(level))?;
            Some((Self::share(&self.m, *field, level) / usual.h).log2())
        });
        (self.doubles / HOUSEMATES).log2() + weights.sum::<f64>()
    }

    /// log₂ odds that a pair is one contact and not two who work together: they share what is their company's, and are
    /// strangers in all else. `None` where nothing says that they do.
    fn against_colleagues(&self, pattern: &Pattern, weights: &[f64; 9]) -> Option<f64> {
        let company = pattern.of(Field::Company) <= 1;
        if !pattern.people || !(company || pattern.role && pattern.is_same(Field::Email)) {
            return None;
        }
        let weights = Field::ALL.iter().zip(weights).map(|(field, weight)| {
            let among_colleagues = match field {
                Field::Company | Field::Street | Field::City => 0.9,
                Field::Phone => 0.15,
                Field::Email if pattern.role => 0.5,
                Field::Email => 0.01,
                _ => return *weight,
            };
            match pattern.of(*field) {
                0 => (Self::share(&self.m, *field, 0) / among_colleagues).log2(),
                _ => weight.min(0.0),
            }
        });
        Some((self.doubles / COLLEAGUES).log2() + weights.sum::<f64>())
    }

    /// The log₂ odds of a pair with this pattern, on values as common as the usual ones.
    pub(super) fn bits_of(&self, pattern: &Pattern) -> f64 {
        let weights = Field::ALL.map(|field| {
            let level = pattern.of(field);
            let u = (level == 0).then(|| sharing(field)).flatten().map(|s| s / self.contacts);
            self.weight(field, level, u)
        });
        self.bits(pattern, &weights)
    }

    /// The log₂ odds of a pair whose fields weigh so much against two strangers.
    fn bits(&self, pattern: &Pattern, weights: &[f64; 9]) -> f64 {
        let swapped = if pattern.swapped { SWAPPED_BITS } else { 0.0 };
        let explanations = [
            Some(self.before() + weights.iter().sum::<f64>()),
            Some(self.against_household(pattern)),
            self.against_colleagues(pattern, weights),
        ];
        // the odds against it add up: they are strangers, or live together, or work together
        let against: f64 = explanations.into_iter().flatten().map(|bits| (-bits).exp2()).sum();
        let bits = swapped - against.log2();
        if pattern.conflict.is_some() { bits.min(CONFLICT_BITS) } else { bits }
    }

    fn weights_of(
        &self,
        pattern: &Pattern,
        profile: &Profile,
        frequencies: &Frequencies,
    ) -> [f64; 9] {
        Field::ALL.map(|field| {
            let level = pattern.of(field);
            let u = (level == 0).then(|| self.u_of_value(field, profile, pattern, frequencies));
            self.weight(field, level, u)
        })
    }

    /// Scores two contacts.
    #[must_use]
    pub fn score(&self, a: &Profile, b: &Profile, frequencies: &Frequencies) -> Score {
        let pattern = compare(a, b);
        let weights = self.weights_of(&pattern, a, frequencies);
        let reason = |(field, weight): (&Field, &f64)| {
            let level = LEVELS.get(field.at())?.get(usize::from(pattern.of(*field)))?;
            Some(Reason { field: *field, level: level.word, weight: *weight })
        };
        let bits = self.bits(&pattern, &weights);
        Score {
            probability: probability(bits),
            bits,
            reasons: Field::ALL.iter().zip(&weights).filter_map(reason).collect(),
            shared: bits - weights.iter().sum::<f64>() - self.before(),
            conflict: pattern.conflict.map(super::compare::Conflict::as_str),
            exact: [Field::Email, Field::Phone, Field::ExternalId]
                .iter()
                .any(|field| pattern.is_same(*field)),
        }
    }

    /// As [`Weights::score`], without the reasons: most candidates are two.
    #[must_use]
    pub fn probability(&self, a: &Profile, b: &Profile, frequencies: &Frequencies) -> f64 {
        let pattern = compare(a, b);
        probability(self.bits(&pattern, &self.weights_of(&pattern, a, frequencies)))
    }

    /// How often two contacts that are not one agree on the value of `profile`.
    fn u_of_value(
        &self,
        field: Field,
        profile: &Profile,
        pattern: &Pattern,
        frequencies: &Frequencies,
    ) -> f64 {
        match sharing(field) {
            Some(usual) => {
                let office = field == Field::Email && pattern.role;
                let others = frequencies.count(profile, field) - 1.0;
                (if office { SHARING_OFFICE } else { usual }) * others / self.contacts
            }
            // not the share that was learnt, which common values make: this value may be a rare one
            None => {
                let usual = LEVELS.get(field.at()).and_then(|levels| levels.first());
                frequencies.share(profile, field, usual.map_or(1.0, |level| level.u))
            }
        }
    }
}

pub(super) fn probability(bits: f64) -> f64 {
    1.0 / (1.0 + (-bits).exp2())
}

#[expect(clippy::cast_precision_loss, reason = "counts of contacts are far below 2⁵³")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}
