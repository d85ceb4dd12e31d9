//! Two contacts side by side: what each field says, in levels.

use chrono::{Datelike, NaiveDate};
use strsim::osa_distance;

use super::nicknames;
use super::profile::{Profile, family_stem, first_word};
use super::text::{Likeness, dice, likeness};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// Day of birth.
    BirthDate,
    /// E-mail.
    Email,
    /// Phone.
    Phone,
    /// Name in another system.
    ExternalId,
    /// Street and number.
    Street,
    /// Town and postal code.
    City,
    /// Company.
    Company,
}

impl Field {
    /// All fields, in the order of [`Pattern`].
    pub const ALL: [Self; 9] = [
        Self::FirstName,
        Self::LastName,
        Self::BirthDate,
        Self::Email,
        Self::Phone,
        Self::ExternalId,
        Self::Street,
        Self::City,
        Self::Company,
    ];

    /// The word in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::BirthDate => "birth_date",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::ExternalId => "external_id",
            Self::Street => "street",
            Self::City => "city",
            Self::Company => "company_name",
        }
    }

    pub(super) const fn at(self) -> usize {
        self as usize
    }
}

/// A level of agreement, and how often it is met: `m` among pairs that are one contact, `u` among strangers, `h` among
/// people of one household.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) word: &'static str,
    pub(super) m: f64,
    pub(super) u: f64,
    pub(super) h: f64,
}

const fn level(word: &'static str, m: f64, u: f64, h: f64) -> Level {
    Level { word, m, u, h }
}

/// The levels of each field, the best first, with the shares they have where nothing was learnt. The first is
/// agreement; what it is worth depends on how common the value is.
pub(super) const LEVELS: [&[Level]; 9] = [
    &[
        level("same", 0.70, 0.006, 0.04),
        level("familiar_form", 0.08, 0.004, 0.01),
        level("initial", 0.06, 0.02, 0.05),
        level("close", 0.09, 0.004, 0.02),
        level("similar", 0.02, 0.02, 0.05),
        level("different", 0.05, 0.95, 0.83),
    ],
    &[
        level("same", 0.78, 0.001, 0.75),
        level("other_form", 0.04, 0.001, 0.1),
        level("close", 0.10, 0.0015, 0.01),
        level("similar", 0.02, 0.008, 0.01),
        level("different", 0.06, 0.985, 0.13),
    ],
    &[
        level("same", 0.85, 0.0001, 0.015),
        level("day_and_month_swapped", 0.03, 0.0001, 0.0005),
        level("close", 0.06, 0.003, 0.01),
        level("near", 0.02, 0.02, 0.02),
        level("different", 0.04, 0.975, 0.9545),
    ],
    &[
        level("same", 0.66, 0.000_01, 0.03),
        level("same_without_tag", 0.03, 0.000_003, 0.01),
        level("same_name_other_domain", 0.03, 0.003, 0.01),
        level("close", 0.06, 0.001, 0.02),
        level("different", 0.22, 0.999, 0.93),
    ],
    &[
        level("same", 0.75, 0.000_02, 0.1),
        level("close", 0.05, 0.0005, 0.02),
        level("different", 0.20, 0.999, 0.88),
    ],
    &[
        level("same", 0.70, 0.000_001, 0.001),
        level("close", 0.05, 0.0005, 0.01),
        level("different", 0.25, 0.999, 0.989),
    ],
    &[
        level("same", 0.64, 0.0004, 0.85),
        level("close", 0.14, 0.0004, 0.08),
        level("other_number", 0.04, 0.005, 0.01),
        level("similar", 0.03, 0.01, 0.01),
        level("different", 0.15, 0.985, 0.05),
    ],
    &[
        level("same", 0.70, 0.02, 0.9),
        level("one_of_two", 0.14, 0.04, 0.06),
        level("close", 0.06, 0.01, 0.02),
        level("different", 0.10, 0.93, 0.02),
    ],
    &[
        level("same", 0.70, 0.001, 0.15),
        level("close", 0.10, 0.003, 0.02),
        level("different", 0.20, 0.99, 0.83),
    ],
];

/// Nothing to compare.
pub(super) const MISSING: u8 = u8::MAX;

/// Why two contacts are two people, whatever they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Conflict {
    /// Their given names are of two people: couples, twins, colleagues with one mailbox.
    GivenNames,
    /// One is the younger, the other the elder.
    Generations,
    /// They were born many years apart: father and son.
    BirthDates,
    /// One is a woman, the other a man.
    Genders,
}

impl Conflict {
    /// The word in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GivenNames => "given_names",
            Self::Generations => "generations",
            Self::BirthDates => "birth_dates",
            Self::Genders => "genders",
        }
    }
}

/// What two contacts have in common: a level for each field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    pub(super) levels: [u8; 9],
    /// Given and family name changed places.
    pub(super) swapped: bool,
    pub(super) conflict: Option<Conflict>,
    /// Both use a mailbox of an office.
    pub(super) role: bool,
    /// One of them is a person, not a company.
    pub(super) people: bool,
}

impl Pattern {
    pub(super) fn of(&self, field: Field) -> u8 {
        self.levels.get(field.at()).copied().unwrap_or(MISSING)
    }

    pub(super) fn is_same(&self, field: Field) -> bool {
        self.of(field) == 0
    }
}

/// Puts two contacts side by side.
pub(super) fn compare(a: &Profile, b: &Profile) -> Pattern {
    let (given, family, swapped) = names(a, b);
    let levels = [
        given,
        family,
        birth(a.birth, b.birth),
        email(a, b),
        phone(&a.phone, &b.phone),
        external(&a.external, &b.external),
        street(a, b),
        city(a, b),
        company(&a.company, &b.company),
    ];
    let role = a.role && b.role;
    let people = a.is_person() || b.is_person();
    let mut pattern = Pattern { levels, swapped, conflict: None, role, people };
    pattern.conflict = conflict(a, b, &pattern);
    pattern
}

const GIVEN_OTHER: u8 = 5;
const FAMILY_OTHER: u8 = 4;
const BIRTH_OTHER: u8 = 4;

/// The names as they stand, or changed over where they agree better so.
fn names(a: &Profile, b: &Profile) -> (u8, u8, bool) {
    let straight = (given(&a.given, &b.given), family(&a.family, &b.family));
    if straight.0 < 4 && straight.1 < 3 {
        return (straight.0, straight.1, false);
    }
    // a family name in the place of a given one is compared as the family name it is
    let crossed = (given(&a.given, &b.family), family(&a.family, &b.given));
    let crossed_back = (given(&a.family, &b.given), family(&a.given, &b.family));
    let worth = |(given, family): (u8, u8)| {
        let given = match given {
            MISSING => 0,
            0 => 4,
            1 | 3 => 3,
            2 => 1,
            4 => 0,
            _ => -3,
        };
        let family = match family {
            MISSING => 0,
            0 => 4,
            1 | 2 => 3,
            3 => 0,
            _ => -3,
        };
        given + family
    };
    // whichever of the two is named first
    let best = [crossed, crossed_back]
        .into_iter()
        .max_by_key(|levels| (worth(*levels), std::cmp::Reverse(*levels)))
        .unwrap_or(straight);
    if worth(best) >= worth(straight) + 3 && worth(best) >= 3 {
        (best.0, best.1, true)
    } else {
        (straight.0, straight.1, false)
    }
}

fn given(a: &str, b: &str) -> u8 {
    if a.is_empty() || b.is_empty() {
        return MISSING;
    }
    if a == b {
        return 0;
    }
    let (first, second) = (first_word(a), first_word(b));
    if nicknames::same_name(first, second) {
        return 1;
    }
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    if initial(first, second) || initial(second, first) {
        return 2;
    }
    // one of several given names
    if a.split(' ').any(|word| word.len() > 2 && b.split(' ').any(|other| other == word)) {
        return 1;
    }
    if of_two_sexes(first, second) || (nicknames::is_known(first) && nicknames::is_known(second)) {
        return GIVEN_OTHER;
    }
    match likeness(a, b) {
        Likeness::Close => 3,
        Likeness::Similar => 4,
        Likeness::Other => GIVEN_OTHER,
    }
}

/// `jan` and `jana`, `petr` and `petra`, `pavel` and `pavla`: one letter apart, and two people.
fn of_two_sexes(a: &str, b: &str) -> bool {
    let pair = |man: &str, woman: &str| {
        let Some(stem) = woman.strip_suffix('a') else { return false };
        let bare: String = man.chars().filter(|c| *c != 'e').collect();
        let bare_stem: String = stem.chars().filter(|c| *c != 'e').collect();
        stem.len() > 2 && !man.ends_with('a') && (stem == man || bare == bare_stem)
    };
    pair(a, b) || pair(b, a)
}

fn family(a: &str, b: &str) -> u8 {
    if a.is_empty() || b.is_empty() {
        return MISSING;
    }
    if a == b {
        return 0;
    }
    if family_stem(a) == family_stem(b)
        || a.split(' ').any(|word| word.len() > 2 && b.split(' ').any(|other| other == word))
        || a.replace(' ', "") == b.replace(' ', "")
    {
        return 1;
    }
    match likeness(a, b) {
        Likeness::Close => 2,
        Likeness::Similar => 3,
        Likeness::Other => FAMILY_OTHER,
    }
}

fn birth(a: Option<NaiveDate>, b: Option<NaiveDate>) -> u8 {
    let (Some(a), Some(b)) = (a, b) else { return MISSING };
    if a == b {
        return 0;
    }
    if a.year() == b.year() && a.day() == b.month() && a.month() == b.day() {
        return 1;
    }
    let digits = |date: NaiveDate| date.format("%Y%m%d").to_string();
    let edits = osa_distance(&digits(a), &digits(b));
    let same = u8::from(a.year() == b.year())
        + u8::from(a.month() == b.month())
        + u8::from(a.day() == b.day());
    let days = (a - b).num_days().abs();
    if edits <= 1 || same == 2 || days <= 31 {
        2
    } else if edits <= 2 || days <= 400 {
        3
    } else {
        BIRTH_OTHER
    }
}

fn email(a: &Profile, b: &Profile) -> u8 {
    if a.local.is_empty() || b.local.is_empty() {
        return MISSING;
    }
    if a.domain == b.domain {
        if a.local == b.local {
            return 0;
        }
        if a.plain == b.plain {
            return 1;
        }
    } else if a.plain == b.plain && a.plain.len() >= 5 && !a.role {
        // `jan.novak` says no more than the name does: neither for nor against
        return if names_only(a) || names_only(b) { MISSING } else { 2 };
    }
    if a.role || b.role {
        return 4;
    }
    let whole = |profile: &Profile| format!("{}@{}", profile.plain, profile.domain);
    let (x, y) = (whole(a), whole(b));
    let length = x.chars().count().min(y.chars().count());
    let edits = osa_distance(&x, &y);
    // numbers tell mailboxes of people with one name apart
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    if digits(&a.plain) != digits(&b.plain) {
        return if edits <= 1 && letters(&a.plain) != letters(&b.plain) { 3 } else { 4 };
    }
    if edits <= 1
        || (edits <= 2 && length >= 10)
        || (edits <= 4 && length >= 16 && dice(&x, &y) >= 0.7)
    {
        3
    } else {
        4
    }
}

/// Whether a mailbox is called as its owner, without anything of its own.
fn names_only(profile: &Profile) -> bool {
    let plain = &profile.plain;
    !plain.chars().any(|c| c.is_ascii_digit())
        && [&profile.given, &profile.family]
            .iter()
            .any(|name| name.len() >= 3 && plain.contains(first_word(name)))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn phone(a: &str, b: &str) -> u8 {
    if a.is_empty() || b.is_empty() {
        MISSING
    } else if a == b {
        0
    } else {
        // the next number is a neighbour's as often as a slip
        u8::from(osa_distance(a, b) > 1) + 1
    }
}

fn external(a: &str, b: &str) -> u8 {
    if a.is_empty() || b.is_empty() {
        MISSING
    } else if a == b {
        0
    } else {
        let length = a.chars().count().min(b.chars().count());
        u8::from(length < 6 || osa_distance(a, b) > 1) + 1
    }
}

fn street(a: &Profile, b: &Profile) -> u8 {
    let empty = |profile: &Profile| profile.street.is_empty() && profile.number.is_empty();
    if empty(a) || empty(b) {
        return MISSING;
    }
    let numbers = a.number.is_empty() || b.number.is_empty() || part_of(&a.number, &b.number);
    if a.street == b.street {
        return if a.number == b.number {
            0
        } else if numbers {
            1
        } else {
            2
        };
    }
    let alike = dice(&a.street, &b.street);
    let contained = alike < 0.75
        && a.street.len().min(b.street.len()) >= 5
        && (a.street.contains(b.street.as_str()) || b.street.contains(a.street.as_str()));
    match (alike >= 0.75 || contained, numbers) {
        (true, true) => 1,
        (true, false) => 2,
        (false, _) if alike >= 0.5 && numbers => 3,
        (false, _) => 4,
    }
}

/// `12` of `12 3` (`12/3`): the same house, told more and less exactly.
fn part_of(a: &str, b: &str) -> bool {
    a.split(' ').any(|part| b.split(' ').any(|other| other == part))
}

fn city(a: &Profile, b: &Profile) -> u8 {
    let one = |a: &str, b: &str| {
        if a.is_empty() || b.is_empty() {
            return None;
        }
        Some(if a == b {
            0
        } else {
            let near = if a.chars().chain(b.chars()).all(|c| c.is_ascii_digit()) {
                osa_distance(a, b) <= 1
            } else {
                likeness(a, b) == Likeness::Close || dice(a, b) >= 0.7
            };
            if near { 1 } else { 2 }
        })
    };
    match (one(&a.city, &b.city), one(&a.postal, &b.postal)) {
        (None, None) => MISSING,
        (Some(0), Some(0)) => 0,
        (Some(0), _) | (_, Some(0)) => 1,
        (Some(1), _) | (_, Some(1)) => 2,
        _ => 3,
    }
}

fn company(a: &str, b: &str) -> u8 {
    if a.is_empty() || b.is_empty() {
        MISSING
    } else if a == b {
        0
    } else if likeness(a, b) == Likeness::Close || dice(a, b) >= 0.8 {
        1
    } else {
        2
    }
}

/// Years between parents and children, at least.
const GENERATION_YEARS: i32 = 13;

fn conflict(a: &Profile, b: &Profile, pattern: &Pattern) -> Option<Conflict> {
    if let (Some(one), Some(other)) = (a.generation, b.generation)
        && one != other
    {
        return Some(Conflict::Generations);
    }
    // what names one contact in another system is stronger than its names
    if pattern.is_same(Field::ExternalId) {
        return None;
    }
    if pattern.of(Field::FirstName) == GIVEN_OTHER {
        return Some(Conflict::GivenNames);
    }
    if let (Some(one), Some(other)) = (a.female, b.female)
        && one != other
        && !pattern.is_same(Field::FirstName)
    {
        return Some(Conflict::Genders);
    }
    let years = match (a.birth, b.birth) {
        (Some(a), Some(b)) => (a.year() - b.year()).abs(),
        _ => 0,
    };
    if years >= GENERATION_YEARS
        && pattern.of(Field::BirthDate) == BIRTH_OTHER
        && !pattern.is_same(Field::Email)
    {
        return Some(Conflict::BirthDates);
    }
    None
}
