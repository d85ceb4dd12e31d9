//! Invented people with planted duplicates and with neighbours that only look like them: the same number gives
//! the same list on every machine.

use chrono::{Datelike, NaiveDate};

use kartoteka_domain::duplicates::Record;

/// A row, and who it is about.
pub(crate) struct Planted {
    pub(crate) record: Record,
    pub(crate) who: u64,
}

const MEN: &str = "Jan Petr Jiří Josef Pavel Martin Tomáš Jaroslav Miroslav Zdeněk Václav Michal František Jakub \
    Milan Karel Lukáš David Vladimír Ondřej Ladislav Marek Stanislav Daniel Antonín Radek Filip Adam Vojtěch \
    Krzysztof Andrzej Tomasz Paweł Łukasz Grzegorz László István Zoltán Gábor Péter Attila";
const WOMEN: &str = "Jana Marie Eva Hana Anna Lenka Kateřina Lucie Věra Alena Petra Veronika Jaroslava Tereza Martina \
    Jitka Helena Ludmila Ivana Monika Zuzana Markéta Barbora Marcela Kristýna Dagmar Agnieszka Małgorzata \
    Ewa Joanna Magdalena Ágnes Katalin Erzsébet Éva Zsuzsanna";
const FAMILIAR: &[(&str, &str)] = &[
    ("Jan", "Honza"),
    ("Josef", "Pepa"),
    ("František", "Franta"),
    ("Jiří", "Jirka"),
    ("Jakub", "Kuba"),
    ("Kateřina", "Katka"),
    ("Zuzana", "Zuzka"),
    ("Tomasz", "Tomek"),
    ("Krzysztof", "Krzysiek"),
    ("Małgorzata", "Gosia"),
    ("István", "Pista"),
    ("László", "Laci"),
];
const STEMS: &str = "Nov Svobod Dvoř Čern Proch Kuč Vesel Hor Marek Pokorn Posp Háj Jelín Růž Beneš Fial Sedl Dolež \
    Zeman Kol Navrát Čerm Vaň Urb Bláh Kratoch Říh Štěp Bart Kop Šim Mach Kříž Klím Jeř Maty Vlč Kadl Hrušk Žáč";
const ENDINGS: &str = "ák ek ík an oň ář ec átko eš al inka oun ač ura";
const STREETS: &str = "Nádražní Husova Komenského Školní Polní Lipová Zahradní Krátká Dlouhá Květinová Riegrova \
    Masarykova Tyršova Palackého Jiráskova Sokolská Mlýnská Lesní Luční Na Kopci";
const CITIES: &[(&str, &str)] = &[
    ("Praha", "11000"),
    ("Brno", "60200"),
    ("Ostrava", "70200"),
    ("Plzeň", "30100"),
    ("Liberec", "46001"),
    ("Olomouc", "77900"),
    ("Zlín", "76001"),
    ("Kraków", "30001"),
    ("Warszawa", "00950"),
    ("Budapest", "1051"),
    ("Debrecen", "4024"),
];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the words; the first ones are met more often, as names are.
    fn word(&mut self, words: &str) -> String {
        let words: Vec<&str> = words.split_ascii_whitespace().collect();
        let at = self.below(words.len()).min(self.below(words.len()));
        words.get(at).copied().unwrap_or_default().to_owned()
    }
}

/// A list of so many rows: about a fifth are about somebody who has a row already, one in twenty-five about a
/// neighbour of somebody.
pub(crate) fn list(rows: usize, seed: u64) -> Vec<Planted> {
    let mut dice = Dice(seed);
    let mut people: Vec<Record> = Vec::new();
    let mut list = Vec::with_capacity(rows);
    for _ in 0..rows {
        let chance = dice.below(100);
        let known = people.get(dice.below(people.len())).cloned();
        let number = u64::try_from(people.len()).unwrap_or(0);
        let (record, who) = match known {
            Some(known) if chance < 20 => {
                let who = people.iter().position(|one| *one == known).unwrap_or(0);
                (again(&known, &mut dice), u64::try_from(who).unwrap_or(0))
            }
            Some(known) if chance < 24 => (neighbour(&known, &mut dice, number), number),
            _ => (somebody(&mut dice, number), number),
        };
        if who == number {
            people.push(record.clone());
        }
        list.push(Planted { record, who });
    }
    list
}

fn fold(text: &str) -> String {
    kartoteka_domain::contacts::fold::fold(text)
}

fn somebody(dice: &mut Dice, number: u64) -> Record {
    let woman = dice.chance(50);
    let first = dice.word(if woman { WOMEN } else { MEN });
    let mut last = format!("{}{}", dice.word(STEMS), dice.word(ENDINGS));
    if woman {
        last.push_str("ová");
    }
    let (city, postal) = CITIES.get(dice.below(CITIES.len())).copied().unwrap_or_default();
    let mailbox = format!("{}.{}{}@{}", fold(&first), fold(&last), number % 9_973, mail(dice));
    let born = NaiveDate::from_yo_opt(
        1940 + i32::try_from(dice.below(66)).unwrap_or(0),
        1 + u32::try_from(dice.below(365)).unwrap_or(0),
    );
    Record {
        first_name: Some(first),
        last_name: Some(last),
        gender: Some(if woman { "female" } else { "male" }.to_owned()),
        email_key: dice.chance(92).then_some(mailbox),
        phone: dice.chance(80).then(|| format!("+4206{:08}", dice.below(100_000_000))),
        birth_date: if dice.chance(50) { born } else { None },
        street: dice.chance(80).then(|| format!("{} {}", dice.word(STREETS), 1 + dice.below(200))),
        city: Some(city.to_owned()),
        postal_code: Some(postal.to_owned()),
        ..Record::default()
    }
}

fn mail(dice: &mut Dice) -> &'static str {
    ["seznam.cz", "gmail.com", "email.cz", "wp.pl", "freemail.hu"]
        .get(dice.below(5))
        .copied()
        .unwrap_or_default()
}

/// The same person once more, written by somebody else.
fn again(known: &Record, dice: &mut Dice) -> Record {
    let mut again = known.clone();
    let change = |text: &mut Option<String>, to: &dyn Fn(&str) -> String| {
        if let Some(text) = text {
            *text = to(text);
        }
    };
    match dice.below(11) {
        0 => {
            change(&mut again.first_name, &|name| name.to_uppercase());
            change(&mut again.last_name, &|name| name.to_uppercase());
        }
        1 => {
            for text in
                [&mut again.first_name, &mut again.last_name, &mut again.street, &mut again.city]
            {
                change(text, &fold);
            }
        }
        2 => change(&mut again.email_key, &|mail| mail.replacen('@', "+news@", 1)),
        3 => {
            let at = dice.below(64);
            change(&mut again.last_name, &|name| slip(name, at));
        }
        4 => change(&mut again.first_name, &|name| {
            FAMILIAR.iter().find(|(full, _)| *full == name).map_or_else(
                || format!("{}.", name.chars().next().unwrap_or_default()),
                |(_, short)| (*short).to_owned(),
            )
        }),
        5 => std::mem::swap(&mut again.first_name, &mut again.last_name),
        6 => {
            again.email_key = Some(format!(
                "{}@firma{}.cz",
                fold(known.last_name.as_deref().unwrap_or("x")),
                dice.below(9_999)
            ));
        }
        7 => again.email_key = None,
        8 => {
            if known.gender.as_deref() == Some("female") {
                again.last_name = Some(format!("{}{}ová", dice.word(STEMS), dice.word(ENDINGS)));
            }
        }
        9 => {
            again.birth_date = known
                .birth_date
                .and_then(|d| NaiveDate::from_ymd_opt(d.year(), d.day(), d.month()))
                .or(known.birth_date);
        }
        _ => {
            again.birth_date = None;
            again.street = None;
            again.phone = None;
        }
    }
    again
}

/// Drops, doubles or swaps a letter.
fn slip(word: &str, at: usize) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 4 {
        return word.to_owned();
    }
    let place = 1 + at % (letters.len() - 2);
    match at % 3 {
        0 => drop(letters.remove(place)),
        1 => letters.swap(place, place + 1),
        _ => {
            if let Some(letter) = letters.get(place).copied() {
                letters.insert(place, letter);
            }
        }
    }
    letters.into_iter().collect()
}

/// Somebody else who shares much with a person: who lives with them, who has their name, who uses the same
/// mailbox of an office, their child.
fn neighbour(known: &Record, dice: &mut Dice, number: u64) -> Record {
    let mut other = somebody(dice, number);
    match dice.below(4) {
        0 => {
            // somebody of the household, with another given name
            while fold(other.first_name.as_deref().unwrap_or_default())
                == fold(known.first_name.as_deref().unwrap_or_default())
            {
                other.first_name = somebody(dice, number).first_name;
            }
            other.gender = None;
            other.last_name.clone_from(&known.last_name);
            other.phone.clone_from(&known.phone);
            other.street.clone_from(&known.street);
            other.city.clone_from(&known.city);
            other.postal_code.clone_from(&known.postal_code);
        }
        1 => {
            other.first_name.clone_from(&known.first_name);
            other.last_name.clone_from(&known.last_name);
            other.gender.clone_from(&known.gender);
        }
        2 => other.email_key = Some(format!("info@firma{}.cz", dice.below(500))),
        _ => {
            other.first_name.clone_from(&known.first_name);
            other.last_name.clone_from(&known.last_name);
            other.gender.clone_from(&known.gender);
            other.street.clone_from(&known.street);
            other.city.clone_from(&known.city);
            other.postal_code.clone_from(&known.postal_code);
            let day = 1 + u32::try_from(dice.below(365)).unwrap_or(0);
            let year = known.birth_date.map_or(1990, |born| born.year() + 22);
            other.birth_date = NaiveDate::from_yo_opt(year, day);
        }
    }
    other
}
