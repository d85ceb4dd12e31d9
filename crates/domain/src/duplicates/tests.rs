//! What a search says of people who are one, and of people who only look like it.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn day(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

fn jan() -> Record {
    Record {
        first_name: some("Jan"),
        last_name: some("Novák"),
        email_key: some("jan.novak@example.cz"),
        phone: some("+420601123456"),
        birth_date: day("1971-05-24"),
        street: some("Lidická 12"),
        city: some("Brno"),
        postal_code: some("602 00"),
        ..Record::default()
    }
}

fn score(a: &Record, b: &Record) -> Score {
    let records = [a.clone(), b.clone()];
    let (one, other) = (Profile::from(a), Profile::from(b));
    let weights = Weights::usual(records.len());
    let score = weights.score(&one, &other, &Frequencies::default());
    let found = search(&records);
    let offered = found.pairs.iter().any(|(_, score)| score.is_offered());
    assert!(!offered || score.probability > 0.1, "the search and the score are of one mind");
    score
}

#[track_caller]
fn one(a: &Record, b: &Record) {
    let found = search(&[a.clone(), b.clone()]);
    let best = found.pairs.first().map(|(_, score)| score.clone());
    assert!(best.as_ref().is_some_and(Score::is_offered), "{best:?}");
}

#[track_caller]
fn two(a: &Record, b: &Record) {
    let found = search(&[a.clone(), b.clone()]);
    for (_, score) in found.pairs {
        assert!(!score.is_offered(), "{score:?}");
    }
}

/// CON-16: exact on e-mail, phone and external id, with nothing else to compare.
#[test]
fn one_key_is_enough_where_nothing_speaks_against_it() {
    for record in [
        Record { email_key: some("eva@example.com"), ..Record::default() },
        Record { phone: some("+420601123456"), ..Record::default() },
        Record { external_id: some("K-1001"), ..Record::default() },
    ] {
        one(&record, &record);
        one(&record, &Record { first_name: some("Eva"), ..record.clone() });
        assert!(score(&record, &record).exact);
    }
}

/// CON-16
#[test]
fn what_people_do_to_names_and_dates_is_forgiven() {
    let known = jan();
    for other in [
        Record { first_name: some("JAN"), last_name: some("novak"), ..jan() },
        Record { first_name: some("Honza"), email_key: None, ..jan() },
        Record { first_name: some("J."), email_key: None, ..jan() },
        Record { first_name: some("Novák"), last_name: some("Jan"), email_key: None, ..jan() },
        Record { last_name: some("Nvoák"), email_key: None, phone: None, ..jan() },
        Record { birth_date: day("1971-05-23"), email_key: None, ..jan() },
        Record {
            email_key: some("jan.novak+news@example.cz"),
            phone: None,
            birth_date: None,
            street: None,
            ..jan()
        },
        Record { email_key: some("jnovak@firm.cz"), birth_date: None, street: None, ..jan() },
        Record { last_name: some("Svoboda"), ..jan() },
        Record { email_key: None, phone: None, birth_date: None, ..jan() },
    ] {
        one(&known, &other);
    }
    let swapped = Record { birth_date: day("1971-06-05"), ..jan() };
    let other = Record { birth_date: day("1971-05-06"), email_key: None, phone: None, ..jan() };
    one(&swapped, &other);
    let says = score(&swapped, &other);
    assert!(says.reasons.iter().any(|reason| reason.level == "day_and_month_swapped"), "{says:?}");
}

/// CON-16: what a household shares does not make one of two.
#[test]
fn father_and_son_at_one_address_stay_apart() {
    let father = jan();
    let son =
        Record { birth_date: day("1998-02-11"), email_key: some("honza98@example.cz"), ..jan() };
    two(&father, &son);
    let elder = Record { title_after: some("st."), birth_date: None, ..jan() };
    let younger = Record { title_after: some("ml."), birth_date: None, ..jan() };
    two(&elder, &younger);
}

/// CON-16
#[test]
fn twins_stay_apart() {
    let twin = Record { first_name: some("Petr"), email_key: None, ..jan() };
    two(&jan(), &twin);
}

/// CON-16
#[test]
fn couples_with_one_phone_stay_apart() {
    let wife = Record {
        first_name: some("Jana"),
        last_name: some("Nováková"),
        birth_date: None,
        email_key: None,
        ..jan()
    };
    two(&jan(), &wife);
    two(&Record { birth_date: None, ..jan() }, &wife);
    let mailbox = Record { email_key: jan().email_key, ..wife };
    two(&jan(), &mailbox);
}

/// CON-16
#[test]
fn people_who_share_a_mailbox_of_an_office_stay_apart() {
    let person = |first: &str, last: &str| Record {
        first_name: some(first),
        last_name: some(last),
        email_key: some("info@firma.cz"),
        company_name: some("Firma s.r.o."),
        ..Record::default()
    };
    two(&person("Jan", "Novák"), &person("Eva", "Malá"));
    two(&person("Jan", "Novák"), &Record { first_name: None, ..person("Jan", "Dvořák") });
    one(&person("Jan", "Novák"), &person("Jan", "Novák"));
}

/// CON-16
#[test]
fn namesakes_stay_apart() {
    let named = Record { first_name: some("Jan"), last_name: some("Novák"), ..Record::default() };
    two(
        &jan(),
        &Record { email_key: some("jan.novak3@example.cz"), phone: some("+420777888999"), ..named },
    );
}

/// CON-16: a mailbox called as its owner is no more than the name.
#[test]
fn the_same_mailbox_of_two_providers_says_nothing_where_it_is_the_name() {
    let level = |mailbox: &str| {
        let at = |domain: &str| Record { email_key: Some(format!("{mailbox}@{domain}")), ..jan() };
        let says = score(&at("example.cz"), &at("example.org"));
        says.reasons.iter().find(|reason| reason.field == Field::Email).map(|reason| reason.level)
    };
    assert_eq!(level("jan.novak"), None);
    assert_eq!(level("drak71"), Some("same_name_other_domain"));
}

/// CON-16
#[test]
fn companies_are_compared_too() {
    let firm = Record {
        company_name: some("Kůň s.r.o."),
        street: some("Lidická 12"),
        city: some("Brno"),
        phone: some("+420541000000"),
        ..Record::default()
    };
    one(&firm, &Record { company_name: some("KUN, spol. s r. o."), ..firm.clone() });
    two(&firm, &Record { company_name: some("Žába a.s."), phone: None, ..firm.clone() });
}

/// CON-16: each field says what it is worth, and the sum is the score.
#[test]
fn a_pair_tells_its_reasons() {
    let other = Record { email_key: None, phone: some("+420777888999"), ..jan() };
    let says = score(&jan(), &other);
    let of = |field: Field| says.reasons.iter().find(|reason| reason.field == field).unwrap();
    assert_eq!(of(Field::FirstName).level, "same");
    assert_eq!(of(Field::Phone).level, "different");
    assert!(of(Field::Phone).weight < 0.0 && of(Field::LastName).weight > 0.0);
    assert!(says.reasons.iter().all(|reason| reason.field != Field::Email), "nothing to compare");
    assert!(!says.exact);
}

/// CON-16: a rare name weighs more than a common one.
#[test]
fn agreement_on_a_rare_value_weighs_more() {
    let mut records: Vec<Record> = (0..2_000)
        .map(|n| Record {
            first_name: some(if n % 2 == 0 { "Jan" } else { "Eva" }),
            last_name: Some(format!("Jmenovec{n}")),
            city: some("Brno"),
            ..Record::default()
        })
        .collect();
    let rare =
        Record { first_name: some("Melichar"), last_name: some("Kuře"), ..Record::default() };
    let common = Record { first_name: some("Jan"), last_name: some("Jiný"), ..Record::default() };
    records.extend([rare.clone(), rare, common.clone(), common]);
    let found = search(&records);
    let weight = |places: Places| {
        let score = &found.pairs.iter().find(|(at, _)| *at == places).unwrap().1;
        score.reasons.iter().find(|reason| reason.field == Field::FirstName).unwrap().weight
    };
    assert!(weight((2_000, 2_001)) > weight((2_002, 2_003)) + 3.0);
}

/// CON-16
#[test]
fn a_key_that_everybody_has_is_left_out() {
    assert_eq!(most_members(&[(2, 10), (5, 3)], 1_000), 5);
    assert_eq!(most_members(&[(2, 10), (MOST_MEMBERS + 1, 1)], 1_000), 2);
    assert!(most_members(&[(2, 1_000_000), (50, 100_000)], 1_000_000) < 50);
    assert_eq!(most_members(&[], 0), 2);
}

/// CON-16: twice the same list gives twice the same pairs.
#[test]
fn a_search_is_repeatable() {
    let records: Vec<Record> = (0..400)
        .map(|n| Record {
            first_name: some(["Jan", "Eva", "Petr", "Ida"][n % 4]),
            last_name: Some(format!("Novák{}", n / 3)),
            phone: Some(format!("+4206011{:05}", n / 2)),
            ..Record::default()
        })
        .collect();
    let (first, second) = (search(&records), search(&records));
    assert_eq!(first.weights, second.weights);
    assert_eq!(first.pairs, second.pairs);
    assert!(!first.pairs.is_empty());
}

fn record() -> impl Strategy<Value = Record> {
    let word = || proptest::option::of("[A-Za-zěščřžýáíé .'-]{0,12}");
    let code = || proptest::option::of("[a-z0-9@.+]{0,16}");
    (
        (word(), word(), word(), word(), code(), code(), code()),
        proptest::option::of((1_900..2_020_i32, 1..366_u32)),
        (word(), word(), code()),
    )
        .prop_map(|(names, born, place)| Record {
            first_name: names.0,
            last_name: names.1,
            title_after: names.2,
            company_name: names.3,
            email_key: names.4,
            phone: names.5,
            external_id: names.6,
            birth_date: born.and_then(|(year, day)| NaiveDate::from_yo_opt(year, day)),
            street: place.0,
            city: place.1,
            postal_code: place.2,
            gender: None,
        })
}

proptest! {
    /// CON-16: a pair says the same in both orders, and never something that is no probability.
    #[test]
    fn a_score_has_no_direction(a in record(), b in record()) {
        let (a, b) = (Profile::from(&a), Profile::from(&b));
        let weights = Weights::usual(1_000);
        let frequencies = Frequencies::default();
        let (there, back) = (weights.score(&a, &b, &frequencies), weights.score(&b, &a, &frequencies));
        prop_assert!((there.bits - back.bits).abs() < 1e-9, "{there:?} {back:?}");
        prop_assert!((0.0..=1.0).contains(&there.probability));
        let short = weights.probability(&a, &b, &frequencies);
        prop_assert!((short - there.probability).abs() < 1e-12);
    }

    /// CON-16: a contact shares every key with its copy, and each key is there once.
    #[test]
    fn copies_share_their_keys(record in record(), contacts in 0..200_000_usize) {
        let one = keys(&Profile::from(&record), contacts);
        prop_assert_eq!(&one, &keys(&Profile::from(&record.clone()), contacts));
        prop_assert!(one.is_sorted_by(|a, b| a < b));
    }

    /// CON-16: no text breaks a profile.
    #[test]
    fn no_text_panics(first in any::<String>(), last in any::<String>(), street in any::<String>()) {
        let record = Record { first_name: Some(first.clone()), last_name: Some(last), street: Some(street), email_key: Some(first), ..Record::default() };
        let profile = Profile::from(&record);
        let _ = keys(&profile, 10);
        let _ = Weights::usual(10).score(&profile, &profile, &Frequencies::default());
    }
}
