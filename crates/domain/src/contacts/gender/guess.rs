//! A person's gender, guessed from the name (MGR-O, CMP-6).
//!
//! Czech and Polish women have first names in `a` or `e`, with exceptions; Hungarian names have no such rule and
//! are looked up. Surnames (`-ová`, `-ská`, `-ska`), forms of address (`paní`, `Herr`) and the name of a Hungarian
//! wife (`Jánosné`) are witnesses beside the first name. Where witnesses that mean something contradict each other, or none
//! speaks, the gender stays undetermined: a wrong one is worse than none.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Gender;
use super::exceptions::{
    EITHER_IN_CZECH, EITHER_IN_POLISH, HUNGARIAN_MEN, HUNGARIAN_WOMEN, MEN, MOSTLY_MEN,
    MOSTLY_WOMEN, SPELT_MEN_IN_CZECH, WOMEN,
};
use crate::contacts::cell::Words;
use crate::contacts::fold::fold;
use crate::contacts::name::{NameOrder, split_full_name};

/// Whose first names are meant: `Andrea` is a woman in Prague and a man in Rome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameCountry {
    /// Czech and Slovak names.
    Czech,
    /// Polish names.
    Polish,
    /// Hungarian names.
    Hungarian,
}

impl NameCountry {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Czech, Self::Polish, Self::Hungarian];

    /// The names of a country (ISO 3166-1 alpha-2), when they are among those known here.
    #[must_use]
    pub fn of_country(code: &str) -> Option<Self> {
        match code {
            "CZ" | "SK" => Some(Self::Czech),
            "PL" => Some(Self::Polish),
            "HU" => Some(Self::Hungarian),
            _ => None,
        }
    }

    /// The names of those who speak a language (ISO 639-1), when they are among those known here.
    #[must_use]
    pub fn of_language(code: &str) -> Option<Self> {
        match code {
            "cs" | "sk" => Some(Self::Czech),
            "pl" => Some(Self::Polish),
            "hu" => Some(Self::Hungarian),
            _ => None,
        }
    }
}

/// A person's name as it is kept. A field that holds the whole name is taken apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct PersonName<'a> {
    /// Titles and forms of address before the name.
    pub title_before: Option<&'a str>,
    /// Given names.
    pub first_name: Option<&'a str>,
    /// Surname.
    pub last_name: Option<&'a str>,
}

/// What tells the gender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Witness {
    /// A form of address: `paní`, `Herr`.
    Title,
    /// The name of a Hungarian wife, made of her husband's: `Jánosné`, `Kovácsné`.
    HusbandsName,
    /// A first name that is known.
    FirstName,
    /// A first name that is known to be mostly of this gender.
    MostlyFirstName,
    /// The end of a first name that is not known.
    FirstNameEnding,
    /// A surname in a form that only one gender has.
    Surname,
    /// A surname in a form that few women have.
    MostlySurname,
}

impl Witness {
    /// Whether it is believed against those that are guesses themselves.
    fn is_strong(self) -> bool {
        matches!(self, Self::Title | Self::HusbandsName | Self::FirstName | Self::Surname)
    }
}

/// What one witness says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Who says it.
    pub witness: Witness,
    /// What it says.
    pub gender: Gender,
}

/// A gender and what it rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guess {
    /// The gender; `None` where it is undetermined.
    pub gender: Option<Gender>,
    /// All that was found, in the order of the name.
    pub evidence: Vec<Evidence>,
}

/// Guesses the gender of the person with this name. `order` says which name stands first in a field that holds
/// both; `country` says whose names are meant: without one, only what holds in all countries counts.
#[must_use]
pub fn guess(name: PersonName<'_>, order: NameOrder, country: Option<NameCountry>) -> Guess {
    let whole = match (name.first_name, name.last_name) {
        (Some(one), None) | (None, Some(one)) if one.contains([' ', ',', '\u{A0}']) => Some(one),
        _ => None,
    };
    let Some(whole) = whole else { return of_parts(name, country) };
    let parts = split_full_name(whole, order);
    let titles = [name.title_before, parts.title_before.as_deref()].into_iter().flatten();
    let titles = titles.collect::<Vec<_>>().join(" ");
    let name = PersonName {
        title_before: Some(&titles),
        first_name: parts.first_name.as_deref(),
        last_name: parts.last_name.as_deref(),
    };
    of_parts(name, country)
}

fn of_parts(name: PersonName<'_>, country: Option<NameCountry>) -> Guess {
    let first_name = name.first_name.unwrap_or_default();
    let last_name = name.last_name.unwrap_or_default();
    let titles = name.title_before.unwrap_or_default();
    if is_couple(first_name) || is_couple(titles) {
        return Guess::default();
    }
    let title = words(titles).chain(words(first_name)).find_map(form_of_address);
    let wife = husbands_name(first_name, last_name, country);
    let first = of_first_names(first_name, country);
    let surname = of_surname(last_name, country, &first);
    let evidence: Vec<Evidence> =
        [title, wife, first.evidence(), surname].into_iter().flatten().collect();
    Guess { gender: weigh(&evidence), evidence }
}

/// Strong witnesses must agree; where there is none, weak ones must.
fn weigh(evidence: &[Evidence]) -> Option<Gender> {
    // her husband's name, or his first name, is no witness about her
    if evidence.iter().any(|found| found.witness == Witness::HusbandsName) {
        return Some(Gender::Female);
    }
    let is_any_strong = evidence.iter().any(|found| found.witness.is_strong());
    let mut heard = evidence.iter().filter(|found| found.witness.is_strong() == is_any_strong);
    let gender = heard.next()?.gender;
    heard.all(|found| found.gender == gender).then_some(gender)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '-' | '–' | '/' | ','))
        .filter(|word| !word.is_empty())
}

/// `Jan a Eva`, `Petr & Jana`, `Herr und Frau`.
fn is_couple(first_name: &str) -> bool {
    static AND: Words = Words::new("a|i|es|und|and|&|+|u.|s");
    let words: Vec<&str> = first_name.split_whitespace().collect();
    let last = words.len().saturating_sub(1);
    words
        .iter()
        .enumerate()
        // one at the end is a name or an initial
        .any(|(index, word)| index > 0 && index < last && AND.has(&fold(word)))
}

static ADDRESSED_WOMEN: Words = Words::new(
    "pani|pi|slecna|slecno|sl|panna|mrs|ms|miss|madam|madame|mme|frau|fr|fraulein|asszony|urholgy|holgy",
);
static ADDRESSED_MEN: Words = Words::new("pan|mr|mister|sir|herr|hr|monsieur|ur");

fn form_of_address(word: &str) -> Option<Evidence> {
    let word = fold(word.trim_end_matches('.'));
    let gender = if ADDRESSED_WOMEN.has(&word) {
        Gender::Female
    } else if ADDRESSED_MEN.has(&word) {
        Gender::Male
    } else {
        return None;
    };
    Some(Evidence { witness: Witness::Title, gender })
}

/// `Kovács Jánosné`, `Kovácsné Nagy Mária`. `René` is none.
fn husbands_name(
    first_name: &str,
    last_name: &str,
    country: Option<NameCountry>,
) -> Option<Evidence> {
    let is_wife = |word: &str| {
        let word = word.to_lowercase();
        let Some(husband) = word.strip_suffix("né") else { return false };
        match country {
            Some(NameCountry::Hungarian) => husband.chars().count() > 2,
            // elsewhere only where the rest is a Hungarian man
            Some(NameCountry::Czech | NameCountry::Polish) | None => {
                HUNGARIAN.get(&fold(husband)) == Some(&Gender::Male)
            }
        }
    };
    let found = words(first_name).chain(words(last_name)).any(is_wife);
    found.then_some(Evidence { witness: Witness::HusbandsName, gender: Gender::Female })
}

/// What a first name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstName {
    /// One gender, this sure.
    Of(Gender, Witness),
    /// Women and men have it.
    Either,
    /// Nothing.
    Silent,
}

impl FirstName {
    fn evidence(self) -> Option<Evidence> {
        match self {
            Self::Of(gender, witness) => Some(Evidence { witness, gender }),
            Self::Either | Self::Silent => None,
        }
    }
}

/// The first of several names decides, unless only a later one is known.
fn of_first_names(first_name: &str, country: Option<NameCountry>) -> FirstName {
    if let Some(found) = vietnamese(first_name, country) {
        return found;
    }
    let mut decided = FirstName::Silent;
    // a form of address is no name, and an initial tells nothing
    let names = words(first_name).filter(|word| !word.ends_with('.') && word.chars().count() > 1);
    for name in names.filter(|word| form_of_address(word).is_none()) {
        let found = match country {
            Some(country) => of_first_name(name, country),
            None => everywhere(name),
        };
        match found {
            FirstName::Of(_, Witness::FirstName | Witness::MostlyFirstName) => return found,
            FirstName::Either => return found,
            FirstName::Of(..) if decided == FirstName::Silent => decided = found,
            FirstName::Of(..) | FirstName::Silent => {}
        }
    }
    decided
}

/// The middle name of many Vietnamese tells: `Thi` women, `Van` men.
fn vietnamese(first_name: &str, country: Option<NameCountry>) -> Option<FirstName> {
    if country == Some(NameCountry::Hungarian) {
        return None;
    }
    let names: Vec<String> = words(first_name).map(fold).collect();
    let gender = match names.as_slice() {
        [_, _, ..] if names.iter().any(|name| name == "thi") => Gender::Female,
        [first, _, ..] if first == "van" => Gender::Male,
        _ => return None,
    };
    Some(FirstName::Of(gender, Witness::FirstName))
}

/// Where nobody says which country is meant, a name counts that all countries which know it agree about.
fn everywhere(name: &str) -> FirstName {
    let mut agreed = FirstName::Silent;
    for country in NameCountry::ALL {
        match (of_first_name(name, *country), agreed) {
            (found @ FirstName::Of(_, Witness::FirstName), FirstName::Silent) => agreed = found,
            (FirstName::Of(now, Witness::FirstName), FirstName::Of(before, _)) if now != before => {
                return FirstName::Either;
            }
            (FirstName::Either | FirstName::Of(_, Witness::MostlyFirstName), _) => {
                return FirstName::Either;
            }
            _ => {}
        }
    }
    agreed
}

fn of_first_name(name: &str, country: NameCountry) -> FirstName {
    let folded = fold(name);
    let known = |gender| FirstName::Of(gender, Witness::FirstName);
    let mostly = |gender| FirstName::Of(gender, Witness::MostlyFirstName);
    if country == NameCountry::Hungarian {
        return match HUNGARIAN.get(&folded) {
            Some(gender) => known(*gender),
            None => hungarian_ending(&folded),
        };
    }
    let (list, either) = match country {
        NameCountry::Polish => (&*POLISH, &EITHER_IN_POLISH),
        NameCountry::Czech | NameCountry::Hungarian => (&*CZECH, &EITHER_IN_CZECH),
    };
    if country == NameCountry::Czech && SPELT_MEN_IN_CZECH.has(&name.to_lowercase()) {
        known(Gender::Male)
    } else if either.has(&folded) {
        FirstName::Either
    } else if MOSTLY_WOMEN.has(&folded) {
        mostly(Gender::Female)
    } else if MOSTLY_MEN.has(&folded) {
        mostly(Gender::Male)
    } else if WOMEN.has(&folded) {
        known(Gender::Female)
    } else if MEN.has(&folded) {
        known(Gender::Male)
    } else if let Some(gender) = list.get(&folded) {
        known(*gender)
    } else {
        slavonic_ending(name, &folded)
    }
}

/// Right for 99.6 % of living Czechs and 99.5 % of Poles, before any exception. `René` is a man.
fn slavonic_ending(name: &str, folded: &str) -> FirstName {
    if !folded.chars().all(|c| c.is_ascii_alphabetic() || c == '\'') || folded.is_empty() {
        return FirstName::Silent;
    }
    let gender = if folded.ends_with(['a', 'e']) && !name.ends_with(['é', 'É']) {
        Gender::Female
    } else {
        Gender::Male
    };
    FirstName::Of(gender, Witness::FirstNameEnding)
}

/// Hungarian has no rule; these ends are safe, no other is.
fn hungarian_ending(folded: &str) -> FirstName {
    let of_women =
        ["na", "ia", "tta", "lla", "nka", "ita", "ika", "lda", "ira", "ea", "ora", "inda", "ett"];
    let of_men = ["usz", "ad", "ton"];
    let has = |ends: &[&str]| ends.iter().any(|end| folded.ends_with(end));
    let gender = if folded.chars().count() < 5 {
        return FirstName::Silent;
    } else if has(&of_women) {
        Gender::Female
    } else if has(&of_men) {
        Gender::Male
    } else {
        return FirstName::Silent;
    };
    FirstName::Of(gender, Witness::FirstNameEnding)
}

/// `Nováková`, `Malá`, `Kowalska` are women; `Novotný`, `Kowalski` men. `Novák` is a woman so seldom that it tells
/// where the first name does not.
fn of_surname(
    last_name: &str,
    country: Option<NameCountry>,
    first: &FirstName,
) -> Option<Evidence> {
    let mut found = None;
    for word in words(last_name) {
        if word.starts_with('(') {
            continue;
        }
        match surname_form(&word.to_lowercase(), country) {
            // one half of a double surname may be a husband's
            Some(Gender::Female) => {
                found = Some(Gender::Female);
                break;
            }
            form => found = found.or(form),
        }
    }
    if let Some(gender) = found {
        return Some(Evidence { witness: Witness::Surname, gender });
    }
    let is_doubtful =
        matches!(first, FirstName::Either | FirstName::Of(_, Witness::MostlyFirstName));
    let is_mans = is_doubtful
        && country == Some(NameCountry::Czech)
        && words(last_name).last().is_some_and(|word| {
            let word = word.to_lowercase();
            let ends = [
                "ák", "ek", "ěk", "ík", "ec", "ář", "ař", "íř", "eš", "oš", "áš", "ač", "áč", "il",
                "al", "ův",
            ];
            ends.iter().any(|end| word.ends_with(end))
        });
    is_mans.then_some(Evidence { witness: Witness::MostlySurname, gender: Gender::Male })
}

fn surname_form(word: &str, country: Option<NameCountry>) -> Option<Gender> {
    let before = |end: &str| word.strip_suffix(end).map_or(0, |stem| stem.chars().count());
    let any = |ends: &[&str], least: usize| ends.iter().any(|end| before(end) >= least);
    // without accents: `Sova` and `Liška` are men's surnames
    if any(&["ová"], 2) || any(&["ova"], 3) || any(&["ská", "cká"], 1) {
        return Some(Gender::Female);
    }
    let polish = ["owska", "ewska", "awska", "ńska", "nska", "lska", "rska"];
    let polish_soft = ["dzka", "icka", "ycka", "ecka", "acka", "ocka", "ócka"];
    if country == Some(NameCountry::Polish) && (any(&polish, 1) || any(&polish_soft, 2)) {
        return Some(Gender::Female);
    }
    if any(&["ski", "cki", "dzki", "ský", "cký", "skij", "skyj"], 2) {
        return Some(Gender::Male);
    }
    let is_czech = matches!(country, Some(NameCountry::Czech) | None);
    if is_czech && any(&["á"], 2) {
        return Some(Gender::Female);
    }
    if is_czech && any(&["ý"], 2) || any(&["kov", "nov", "rov", "lov", "sov"], 2) {
        return Some(Gender::Male);
    }
    None
}

static CZECH: LazyLock<HashMap<String, Gender>> =
    LazyLock::new(|| read(include_str!("first_names_cz.txt")));
static POLISH: LazyLock<HashMap<String, Gender>> =
    LazyLock::new(|| read(include_str!("first_names_pl.txt")));
static HUNGARIAN: LazyLock<HashMap<String, Gender>> = LazyLock::new(|| {
    let mut names = read(include_str!("first_names_hu.txt"));
    names.extend(HUNGARIAN_WOMEN.iter().map(|name| (name.to_owned(), Gender::Female)));
    names.extend(HUNGARIAN_MEN.iter().map(|name| (name.to_owned(), Gender::Male)));
    names
});

/// Lines of names behind `f` or `m`.
fn read(list: &str) -> HashMap<String, Gender> {
    let mut names = HashMap::new();
    for line in list.lines() {
        let gender = match line.split_once(' ') {
            Some(("f", _)) => Gender::Female,
            Some(("m", _)) => Gender::Male,
            _ => continue,
        };
        names.extend(line.split(' ').skip(1).map(|name| (fold(name), gender)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use NameCountry::{Czech, Hungarian, Polish};
    use NameOrder::{FirstLast, LastFirst};

    /// `f`, `m` or `-` for a first name and a surname, of which either may be empty.
    fn said(first: &str, last: &str, country: Option<NameCountry>) -> char {
        let name = PersonName {
            title_before: None,
            first_name: Some(first).filter(|name| !name.is_empty()),
            last_name: Some(last).filter(|name| !name.is_empty()),
        };
        letter(&guess(name, FirstLast, country))
    }

    fn whole(name: &str, order: NameOrder, country: NameCountry) -> char {
        let name = PersonName { first_name: Some(name), ..PersonName::default() };
        letter(&guess(name, order, Some(country)))
    }

    fn letter(guess: &Guess) -> char {
        match guess.gender {
            Some(Gender::Female) => 'f',
            Some(Gender::Male) => 'm',
            Some(Gender::Other) | None => '-',
        }
    }

    /// MGR-O
    #[test]
    fn first_names_of_three_countries() {
        for (country, women, men) in [
            (
                Czech,
                "Jana Lada Marie Lucie Dagmar Nikol Ingrid Miriam Karin Nikola Andrea Ester Zdeňka Alžběta Soňa jana JANA Zdenka",
                "Jan Jiří Mykola Ilja Kuba Ota Barnabáš René Attila Nikolas Matěj Otakar Honza Vojta Jarda Jirka Láďa Míra Zdenek Jiri",
            ),
            (
                Polish,
                "Anna Maria Katarzyna Noemi Miriam Inez Nikola Beatrycze Łucja Ewa Karolina",
                "Jan Kuba Barnaba Mykola Illia Nikita Kosma Luca Łukasz Krzysztof Wojciech Paweł Pawel",
            ),
            (
                Hungarian,
                "Mária Erzsébet Katalin Andrea Zsuzsanna Ildikó Judit Ágnes Enikő Réka Zsófia Boglárka Luca Csilla Fruzsina",
                "László István János Attila Béla Gyula Géza Csaba Zsolt Levente Bence Máté Barna Imre Endre Ferenc",
            ),
        ] {
            for name in women.split(' ') {
                assert_eq!(said(name, "", Some(country)), 'f', "{name} {country:?}");
            }
            for name in men.split(' ') {
                assert_eq!(said(name, "", Some(country)), 'm', "{name} {country:?}");
            }
        }
    }

    /// MGR-O
    #[test]
    fn a_name_means_another_gender_in_another_country() {
        for (name, czech, polish, hungarian) in [
            ("Andrea", 'f', '-', 'f'),
            ("Luca", 'm', 'm', 'f'),
            ("Jan", 'm', 'm', 'm'),
            ("Anna", 'f', 'f', 'f'),
        ] {
            let found = [Czech, Polish, Hungarian].map(|country| said(name, "", Some(country)));
            assert_eq!(found, [czech, polish, hungarian], "{name}");
        }
        for (name, everywhere) in [("Andrea", '-'), ("Anna", 'f'), ("Peter", 'm'), ("Xyzq", '-')] {
            assert_eq!(said(name, "", None), everywhere, "{name}");
        }
    }

    /// MGR-O
    #[test]
    fn surnames_are_witnesses() {
        for (first, last, country, expected) in [
            ("", "Nováková", Czech, 'f'),
            ("", "Novakova", Czech, 'f'),
            ("", "Malá", Czech, 'f'),
            ("", "Horská", Czech, 'f'),
            ("", "Novotný", Czech, 'm'),
            ("", "Novák", Czech, '-'),
            ("", "Sova", Czech, '-'),
            ("", "Liška", Czech, '-'),
            ("", "Krejčí", Czech, '-'),
            ("Saša", "Nováková", Czech, 'f'),
            ("Saša", "Novák", Czech, 'm'),
            ("Saša", "Nguyen", Czech, '-'),
            ("Nikola", "Nováková", Czech, 'f'),
            ("Nikola", "Novotný", Czech, 'm'),
            ("Nikola", "Novák", Czech, '-'),
            ("Ilja", "Nováková", Czech, 'f'),
            ("Carmelindo", "Nováková", Czech, 'f'),
            // one of the two is wrong, and nobody can say which
            ("Jan", "Nováková", Czech, '-'),
            ("Jana", "Novotný", Czech, '-'),
            ("Jana", "Novák", Czech, 'f'),
            ("Jana", "Novák-Malá", Czech, 'f'),
            ("", "Kowalska", Polish, 'f'),
            ("", "Kowalski", Polish, 'm'),
            ("Andrea", "Wiśniewska", Polish, 'f'),
            ("", "Laska", Polish, '-'),
            ("", "Nowak", Polish, '-'),
        ] {
            assert_eq!(said(first, last, Some(country)), expected, "{first} {last}");
        }
        assert_eq!(said("", "Nováková", None), 'f');
    }

    /// MGR-O: `Kovács Jánosné` is János Kovács's wife.
    #[test]
    fn hungarian_wives_are_women() {
        for (first, last) in [
            ("Jánosné", "Kovács"),
            ("Mária", "Kovácsné Nagy"),
            ("Kovács Jánosné", ""),
            ("", "Szabóné"),
        ] {
            assert_eq!(said(first, last, Some(Hungarian)), 'f', "{first} {last}");
        }
        assert_eq!(said("Jánosné", "Kovács", Some(Czech)), 'f');
        assert_ne!(said("René", "Kovács", Some(Hungarian)), 'f');
        assert_eq!(whole("Kovács Jánosné", LastFirst, Hungarian), 'f');
    }

    /// MGR-O
    #[test]
    fn either_name_may_stand_first() {
        for (name, order, country, expected) in [
            ("Kovács János", LastFirst, Hungarian, 'm'),
            ("János Kovács", FirstLast, Hungarian, 'm'),
            ("László Mária", LastFirst, Hungarian, 'f'),
            ("László Mária", FirstLast, Hungarian, 'm'),
            ("Novák Jan", LastFirst, Czech, 'm'),
            ("Svoboda Jan", LastFirst, Czech, 'm'),
            ("Jan Svoboda", FirstLast, Czech, 'm'),
            ("Nováková Jana", LastFirst, Czech, 'f'),
            ("Ing. Jana Nováková, Ph.D.", FirstLast, Czech, 'f'),
            ("Pan Saša Nguyen", FirstLast, Czech, 'm'),
            ("Kowalska Anna", LastFirst, Polish, 'f'),
        ] {
            assert_eq!(whole(name, order, country), expected, "{name} {order:?}");
        }
    }

    /// MGR-O
    #[test]
    fn titles_and_several_first_names() {
        let titled = |title, first, last| {
            let name =
                PersonName { title_before: Some(title), first_name: Some(first), last_name: last };
            letter(&guess(name, FirstLast, Some(Czech)))
        };
        assert_eq!(titled("paní", "Saša", None), 'f');
        assert_eq!(titled("Mr.", "Anh", Some("Nguyen")), 'm');
        assert_eq!(titled("Ing.", "Petr", Some("Novák")), 'm');
        assert_eq!(titled("paní", "Jan", Some("Novák")), '-');
        for (first, country, expected) in [
            ("Jan Maria", Polish, 'm'),
            ("Anna Maria", Polish, 'f'),
            ("J. Marie", Czech, 'f'),
            ("J.", Czech, '-'),
            ("Jan a Eva", Czech, '-'),
            ("Jan & Eva", Czech, '-'),
            ("Thi Hoa", Czech, 'f'),
            ("Van Hai", Czech, 'm'),
            ("Anna-Marie", Czech, 'f'),
        ] {
            assert_eq!(said(first, "Nguyen", Some(country)), expected, "{first}");
        }
    }

    #[test]
    fn evidence_is_named() {
        let name = PersonName {
            title_before: None,
            first_name: Some("Jana"),
            last_name: Some("Nováková"),
        };
        let found = guess(name, FirstLast, Some(Czech));
        let witnesses: Vec<Witness> = found.evidence.iter().map(|found| found.witness).collect();
        assert_eq!(witnesses, [Witness::FirstName, Witness::Surname]);
    }

    #[test]
    fn no_name_stands_in_the_lists_of_both() {
        for name in WOMEN.iter() {
            assert!(!MEN.has(name), "{name}");
        }
        for name in HUNGARIAN_WOMEN.iter() {
            assert!(!HUNGARIAN_MEN.has(name), "{name}");
        }
        for list in [&*CZECH, &*POLISH, &*HUNGARIAN] {
            assert!(list.len() > 900, "{}", list.len());
        }
    }

    proptest! {
        /// No name makes it panic, and case and diacritics of a name that is known do not matter.
        #[test]
        fn any_name_is_guessed_or_not(first in ".{0,20}", last in ".{0,20}", title in ".{0,10}") {
            let name = PersonName { title_before: Some(&title), first_name: Some(&first), last_name: Some(&last) };
            for country in [None, Some(Czech), Some(Polish), Some(Hungarian)] {
                let found = guess(name, LastFirst, country);
                prop_assert!(found.gender.is_none() || !found.evidence.is_empty());
                prop_assert!(found.gender != Some(Gender::Other));
            }
        }
    }
}
