//! Invented people: common names and towns put together by a counter, so that every run makes the
//! same ones. Addresses are in domains that are reserved for examples (RFC 2606).

/// Names, towns and habits of one country.
struct Country {
    code: &'static str,
    language: &'static str,
    women: &'static [(&'static str, &'static str)],
    men: &'static [(&'static str, &'static str)],
    /// Town and postal code.
    towns: &'static [(&'static str, &'static str)],
    /// International prefix and the first digits of a mobile number; six more follow.
    mobile: &'static str,
}

const CZECHIA: Country = Country {
    code: "CZ",
    language: "cs",
    women: &[
        ("Jana", "Nováková"),
        ("Marie", "Svobodová"),
        ("Eva", "Dvořáková"),
        ("Hana", "Černá"),
        ("Lenka", "Procházková"),
        ("Kateřina", "Kučerová"),
        ("Lucie", "Veselá"),
        ("Věra", "Horáková"),
        ("Alena", "Němcová"),
        ("Petra", "Pokorná"),
        ("Tereza", "Říhová"),
    ],
    men: &[
        ("Jiří", "Novák"),
        ("Jan", "Svoboda"),
        ("Petr", "Dvořák"),
        ("Pavel", "Černý"),
        ("Tomáš", "Procházka"),
        ("Martin", "Kučera"),
        ("Jaroslav", "Veselý"),
        ("Miroslav", "Horák"),
        ("Ondřej", "Němec"),
        ("Šimon", "Pokorný"),
        ("Vojtěch", "Říha"),
    ],
    towns: &[
        ("Praha", "110 00"),
        ("Brno", "602 00"),
        ("Ostrava", "702 00"),
        ("Plzeň", "301 00"),
        ("Olomouc", "779 00"),
        ("České Budějovice", "370 01"),
        ("Hradec Králové", "500 02"),
    ],
    mobile: "+420 720",
};

const SLOVAKIA: Country = Country {
    code: "SK",
    language: "sk",
    women: &[("Zuzana", "Kováčová"), ("Mária", "Horváthová"), ("Katarína", "Vargová")],
    men: &[("Jozef", "Kováč"), ("Milan", "Horváth"), ("Ľubomír", "Varga")],
    towns: &[("Bratislava", "811 01"), ("Košice", "040 01"), ("Žilina", "010 01")],
    mobile: "+421 905",
};

const POLAND: Country = Country {
    code: "PL",
    language: "pl",
    women: &[
        ("Anna", "Kowalska"),
        ("Małgorzata", "Wiśniewska"),
        ("Agnieszka", "Wójcik"),
        ("Krystyna", "Zielińska"),
        ("Łucja", "Dąbrowska"),
    ],
    men: &[
        ("Piotr", "Kowalski"),
        ("Krzysztof", "Wiśniewski"),
        ("Andrzej", "Wójcik"),
        ("Paweł", "Zieliński"),
        ("Łukasz", "Dąbrowski"),
    ],
    towns: &[
        ("Warszawa", "00-001"),
        ("Kraków", "30-001"),
        ("Wrocław", "50-001"),
        ("Łódź", "90-001"),
    ],
    mobile: "+48 501",
};

const HUNGARY: Country = Country {
    code: "HU",
    language: "hu",
    women: &[("Erzsébet", "Nagy"), ("Ilona", "Szabó"), ("Katalin", "Tóth"), ("Zsófia", "Kőszegi")],
    men: &[("László", "Nagy"), ("István", "Szabó"), ("József", "Tóth"), ("Gergő", "Kőszegi")],
    towns: &[("Budapest", "1011"), ("Debrecen", "4024"), ("Szeged", "6720")],
    mobile: "+36 20 4",
};

const GERMANY: Country = Country {
    code: "DE",
    language: "de",
    women: &[("Ursula", "Müller"), ("Sabine", "Schäfer"), ("Petra", "Weiß"), ("Monika", "König")],
    men: &[("Jürgen", "Müller"), ("Günther", "Schäfer"), ("Stefan", "Weiß"), ("Björn", "König")],
    towns: &[("Berlin", "10115"), ("Dresden", "01067"), ("München", "80331")],
    mobile: "+49 1512 3",
};

/// A customer as a shop would export them. Empty text means that the shop does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) birth_date: String,
    pub(super) gender: &'static str,
    pub(super) city: &'static str,
    pub(super) postal_code: &'static str,
    pub(super) country: &'static str,
    pub(super) language: &'static str,
    pub(super) tags: String,
    pub(super) consent: &'static str,
    pub(super) card: String,
    pub(super) orders: String,
}

/// The person with this number; the same one at every call.
pub(super) fn person(number: u32) -> Person {
    let mut dice = Dice(u64::from(number) + 1);
    let country = match dice.below(10) {
        0..=4 => &CZECHIA,
        5 => &SLOVAKIA,
        6 | 7 => &POLAND,
        8 => &HUNGARY,
        _ => &GERMANY,
    };
    let is_woman = dice.below(2) == 0;
    let names = if is_woman { country.women } else { country.men };
    let (first_name, _) = dice.pick(names);
    let (_, last_name) = dice.pick(names);
    let (city, postal_code) = dice.pick(country.towns);
    let domain = dice.pick(&["example.com", "example.org", "example.net"]);
    let email = format!("{}.{}{number}@{domain}", ascii(first_name), ascii(last_name));
    let orders = dice.below(30) * dice.below(2);
    Person {
        first_name,
        last_name,
        email,
        phone: dice.mostly(7, String::new, |dice| {
            let digits: String = (0..6).map(|_| digit(dice)).collect();
            format!("{} {digits}", country.mobile)
        }),
        birth_date: dice.mostly(5, String::new, |dice| {
            let (year, month) = (1950 + dice.below(55), 1 + dice.below(12));
            format!("{year}-{month:02}-{:02}", 1 + dice.below(28))
        }),
        gender: if is_woman { "female" } else { "male" },
        city,
        postal_code,
        country: country.code,
        language: country.language,
        tags: tags(&mut dice, orders),
        consent: dice.pick(&["yes", "yes", "yes", "no", ""]),
        card: dice.mostly(4, String::new, |_| format!("K-{:05}", 10_000 + number)),
        orders: if orders == 0 { String::new() } else { orders.to_string() },
    }
}

fn digit(dice: &mut Dice) -> char {
    char::from_digit(dice.below(10), 10).unwrap_or('0')
}

fn tags(dice: &mut Dice, orders: u32) -> String {
    let mut tags = Vec::new();
    if orders > 0 {
        tags.push("customer");
    }
    if orders > 20 {
        tags.push("vip");
    }
    match dice.below(6) {
        0 => tags.push("newsletter 2025"),
        1 => tags.push("wholesale"),
        2 => tags.push("trade fair"),
        _ => {}
    }
    tags.join(", ")
}

/// The letters as they stand in addresses.
fn ascii(name: &str) -> String {
    kartoteka_domain::contacts::fold::fold(name)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

/// Even throws from a counter (`SplitMix64`): no randomness, the same people everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let throw = (mixed ^ (mixed >> 31)) % u64::from(sides.max(1));
        u32::try_from(throw).unwrap_or(0)
    }

    fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        let sides = u32::try_from(items.len()).unwrap_or(1);
        let at = usize::try_from(self.below(sides)).unwrap_or(0);
        items.get(at).copied().unwrap_or_default()
    }

    /// The second in so many of ten cases, otherwise the first.
    fn mostly<T>(
        &mut self,
        cases: u32,
        otherwise: impl FnOnce() -> T,
        usually: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if self.below(10) < cases { usually(self) } else { otherwise() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kartoteka_domain::contacts::email::Email;
    use kartoteka_domain::contacts::phone::Phone;

    use super::*;

    #[test]
    fn a_number_is_always_the_same_person() {
        assert_eq!(person(7), person(7));
        assert_ne!(person(7), person(8));
    }

    #[test]
    fn every_address_and_number_is_valid_and_addresses_are_reserved_and_used_once() {
        let mut seen = BTreeSet::new();
        for number in 0..500 {
            let person = person(number);
            let email = Email::parse(&person.email).unwrap();
            assert!(person.email.contains("@example."), "{}", person.email);
            assert!(seen.insert(email.key().to_owned()), "{}", person.email);
            assert!(!person.first_name.is_empty() && !person.city.is_empty());
            assert!(person.phone.is_empty() || Phone::parse(&person.phone, None).is_ok());
        }
    }

    #[test]
    fn people_are_of_all_kinds() {
        let people: Vec<Person> = (0..200).map(person).collect();
        let kinds = |of: fn(&Person) -> &str| people.iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!(kinds(|person| person.country), 5);
        assert_eq!(kinds(|person| person.gender), 2);
        assert_eq!(kinds(|person| person.consent), 3);
        assert!(people.iter().any(|person| person.phone.is_empty()));
        assert!(people.iter().any(|person| !person.phone.is_empty()));
    }
}
