//! Invented contact lists: the same number of rows gives the same bytes, on every machine.
//!
//! Czech, Polish, Hungarian and English people with their diacritics; 91 % have an e-mail address, 80 % a phone
//! number in one of the forms people write; three details, none to three tags (1.7 on average), a consent in
//! every row; 14 % of the rows repeat the address of another row, in other letters and with gaps; all shuffled.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::Outcome;

/// Header and target of each column.
pub(crate) const COLUMNS: [(&str, &str); 16] = [
    ("Jméno", "first_name"),
    ("Příjmení", "last_name"),
    ("E-mail", "email"),
    ("Telefon", "phone"),
    ("Ulice", "address.street"),
    ("Město", "address.city"),
    ("PSČ", "address.postal_code"),
    ("Země", "address.country"),
    ("Datum narození", "birth_date"),
    ("Pohlaví", "gender"),
    ("Jazyk", "language"),
    ("Velikost", "detail:velikost"),
    ("Pobočka", "detail:pobočka"),
    ("Poslední nákup", "detail:poslední nákup"),
    ("Štítky", "tags"),
    ("Souhlas", "consent:email_basic"),
];

/// The mapping of a generated file, as the API takes it.
pub(crate) fn mapping() -> Value {
    let columns: Vec<Value> = COLUMNS
        .iter()
        .enumerate()
        .map(|(index, (_, target))| json!({ "index": index, "target": target }))
        .collect();
    json!({ "columns": columns, "phone_region": "CZ", "date_format": "YYYY-MM-DD" })
}

/// Whom a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum People {
    /// People nobody has met.
    New,
    /// Of the rows 30 % are about people of the file [`People::New`] of the same length, with changed
    /// values; the others are about people nobody has met.
    Overlapping,
}

/// Of a hundred rows so many repeat another one.
const REPEATED: u64 = 14;
/// Of a hundred rows so many are about people of the base.
const OVERLAP: u64 = 30;
/// People of the second file are numbered from here.
const STRANGERS: u64 = 1 << 40;

/// What a row is about.
#[derive(Clone, Copy, Debug)]
struct Entry {
    person: u64,
    /// 0 as the person is, 1 as the person is by now, 2 and more the person again, written carelessly.
    version: u8,
}

/// Writes a file of `rows` rows and a header.
pub(crate) fn write(path: &Path, rows: u64, people: People) -> Outcome<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let headers: Vec<&str> = COLUMNS.iter().map(|(header, _)| *header).collect();
    writeln!(out, "{}", headers.join(";"))?;
    let mut line = String::new();
    for entry in entries(rows, people) {
        line.clear();
        row_of(entry).write(&mut line);
        out.write_all(line.as_bytes())?;
    }
    out.flush()?;
    Ok(())
}

/// The rows of a file as values, for a loader that reads no file.
pub(crate) fn rows(rows: u64, people: People) -> impl Iterator<Item = Row> {
    entries(rows, people).into_iter().map(row_of)
}

fn entries(rows: u64, people: People) -> Vec<Entry> {
    let repeated = rows * REPEATED / 100;
    let singles = rows - repeated;
    let mut list: Vec<Entry> = match people {
        People::New => (0..singles).map(|person| Entry { person, version: 0 }).collect(),
        People::Overlapping => {
            let known = rows * OVERLAP / 100;
            // spread evenly over the base; two neighbours are always free
            let acquaintances = (0..known).filter_map(|number| {
                let person = number * singles / known;
                (person..person + 2).find(|person| has_email(*person))
            });
            let mut list: Vec<Entry> =
                acquaintances.map(|person| Entry { person, version: 1 }).collect();
            let strangers = singles - list.len() as u64;
            list.extend(
                (0..strangers).map(|number| Entry { person: STRANGERS + number, version: 0 }),
            );
            list
        }
    };
    let mut dice = Dice::new(rows ^ 0x5eed);
    while (list.len() as u64) < rows {
        let other = list[dice.below(singles) as usize];
        if has_email(other.person) {
            list.push(Entry { person: other.person, version: 2 + dice.below(4) as u8 });
        }
    }
    for last in (1..list.len()).rev() {
        list.swap(last, dice.below(last as u64 + 1) as usize);
    }
    list
}

fn has_email(person: u64) -> bool {
    Dice::new(person ^ 0xe_3a11).below(100) < 90
}

/// A row of the list: what stands in its cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) street: String,
    pub(crate) city: &'static str,
    pub(crate) postal_code: &'static str,
    pub(crate) country: &'static str,
    pub(crate) birth_date: String,
    pub(crate) gender: &'static str,
    pub(crate) language: &'static str,
    pub(crate) size: &'static str,
    pub(crate) branch: &'static str,
    pub(crate) bought: String,
    pub(crate) tags: Vec<&'static str>,
    pub(crate) consent: bool,
}

impl Row {
    fn write(&self, out: &mut String) {
        let consent = if self.consent { "ano" } else { "ne" };
        let tags = self.tags.join(", ");
        let cells: [&str; 16] = [
            &self.first,
            &self.last,
            &self.email,
            &self.phone,
            &self.street,
            self.city,
            self.postal_code,
            self.country,
            &self.birth_date,
            self.gender,
            self.language,
            self.size,
            self.branch,
            &self.bought,
            &tags,
            consent,
        ];
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                out.push(';');
            }
            out.push_str(cell);
        }
        out.push_str("\r\n");
    }
}

fn row_of(entry: Entry) -> Row {
    let mut row = person(entry.person);
    let mut dice = Dice::new(entry.person.wrapping_mul(31) ^ u64::from(entry.version));
    match entry.version {
        0 => {}
        1 => {
            // some time later: bought again, half have moved, some have another number
            row.bought = date(&mut dice, 2025, 2);
            let land = &LANDS[dice.below(LANDS.len() as u64) as usize];
            if dice.below(2) == 0 {
                (row.city, row.postal_code) = dice.pick(land.cities);
                row.street = street(&mut dice, land);
            }
            if dice.below(4) == 0 {
                row.phone = phone(&mut dice, land);
            }
            row.tags = tags(&mut dice);
        }
        2 => {
            row.first = row.first.to_uppercase();
            row.last = row.last.to_uppercase();
            row.email = row.email.to_uppercase();
        }
        3 => {
            row.first = format!("  {} ", row.first);
            row.email = format!(" {}", row.email);
            row.last.push('\u{a0}');
        }
        4 => {
            row.first = fold(&row.first);
            row.last = fold(&row.last);
            row.street = fold(&row.street);
        }
        _ => {
            row.birth_date.clear();
            row.street.clear();
            row.phone.clear();
        }
    }
    row
}

fn person(number: u64) -> Row {
    let mut dice = Dice::new(number);
    let land = &LANDS[dice.weighted(&[50, 27, 18, 5])];
    let is_woman = dice.below(2) == 0;
    let (men, women) = land.first;
    let first = dice.pick_early(if is_woman { women } else { men });
    let last = dice.pick_early(land.last);
    let last = if is_woman { (land.feminine)(last) } else { last.to_owned() };
    let (city, postal_code) = dice.pick(land.cities);
    let email = if has_email(number) {
        let name = format!("{}.{}", fold(first), fold(&last)).to_lowercase().replace(' ', "");
        // the number keeps addresses apart; its digits are mixed so that it says nothing of the order
        let number = (number % STRANGERS).wrapping_mul(2_654_435_761) % (1 << 32)
            + ((number / STRANGERS) << 32);
        format!("{name}{}@{}", short(number), dice.pick(land.domains))
    } else {
        String::new()
    };
    Row {
        email,
        phone: if dice.below(5) == 0 { String::new() } else { phone(&mut dice, land) },
        street: street(&mut dice, land),
        city,
        postal_code,
        country: land.country,
        birth_date: if dice.below(2) == 0 { String::new() } else { date(&mut dice, 1940, 66) },
        gender: if is_woman { "F" } else { "M" },
        language: land.language,
        size: dice.pick(SIZES),
        branch: dice.pick(land.cities).0,
        bought: date(&mut dice, 2020, 5),
        tags: tags(&mut dice),
        consent: dice.below(100) < 85,
        first: first.to_owned(),
        last,
    }
}

/// A number in few characters.
fn short(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = String::new();
    loop {
        text.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
        if number == 0 {
            return text;
        }
    }
}

fn date(dice: &mut Dice, from: u64, years: u64) -> String {
    let year = from + dice.below(years);
    format!("{year}-{:02}-{:02}", 1 + dice.below(12), 1 + dice.below(28))
}

fn street(dice: &mut Dice, land: &Land) -> String {
    format!("{} {}", dice.pick(land.streets), 1 + dice.below(199))
}

fn tags(dice: &mut Dice) -> Vec<&'static str> {
    let mut tags = Vec::new();
    for _ in 0..dice.weighted(&[10, 30, 40, 20]) {
        let tag = dice.pick_early(TAGS);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Most as programs export them, the others as people write them.
fn phone(dice: &mut Dice, land: &Land) -> String {
    let prefix = dice.pick(land.mobile);
    let digits = land.digits - prefix.len();
    let number = format!("{prefix}{:0digits$}", dice.below(10_u64.pow(digits as u32)));
    let grouped = || -> String {
        let mut text = String::new();
        for (index, digit) in number.chars().enumerate() {
            if index > 0 && index % 3 == 0 {
                text.push(' ');
            }
            text.push(digit);
        }
        text
    };
    match dice.weighted(&[75, 10, 5, 5, 5]) {
        0 => format!("+{}{number}", land.calling),
        1 => format!("+{} {}", land.calling, grouped()),
        2 => format!("00{}{number}", land.calling),
        3 => format!("{}{number}", land.trunk),
        _ => format!("(+{}) {}", land.calling, grouped()),
    }
}

/// Letters without their marks; all that the lists below have.
fn fold(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            'á' | 'ä' | 'ą' => 'a',
            'Á' => 'A',
            'č' | 'ć' => 'c',
            'Č' => 'C',
            'ď' => 'd',
            'é' | 'ě' | 'ę' => 'e',
            'É' => 'E',
            'í' => 'i',
            'Í' => 'I',
            'ł' => 'l',
            'Ł' => 'L',
            'ň' | 'ń' => 'n',
            'ó' | 'ö' | 'ő' => 'o',
            'Ö' | 'Ó' => 'O',
            'ř' => 'r',
            'Ř' => 'R',
            'š' | 'ś' => 's',
            'Š' | 'Ś' => 'S',
            'ť' => 't',
            'ú' | 'ů' | 'ü' | 'ű' => 'u',
            'Ú' => 'U',
            'ý' => 'y',
            'ž' | 'ź' | 'ż' => 'z',
            'Ž' | 'Ż' => 'Z',
            other => other,
        })
        .collect()
}

/// Numbers that look like chance: `SplitMix64` (Steele, Lea, Flood 2014), the same everywhere.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6b61_7274_6f74_656b);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        // the tiny bias of the remainder does no harm here
        (self.next() >> 11) % end
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    /// The first ones more often, as names are.
    fn pick_early<T: Copy>(&mut self, list: &[T]) -> T {
        let most = self.below(list.len() as u64) + 1;
        list[self.below(most) as usize]
    }

    fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut left = self.below(weights.iter().sum());
        weights
            .iter()
            .position(|weight| {
                let hit = left < *weight;
                left = left.saturating_sub(*weight);
                hit
            })
            .unwrap_or_default()
    }
}

struct Land {
    country: &'static str,
    language: &'static str,
    calling: &'static str,
    trunk: &'static str,
    mobile: &'static [&'static str],
    /// Digits of a national number.
    digits: usize,
    first: (&'static [&'static str], &'static [&'static str]),
    last: &'static [&'static str],
    feminine: fn(&str) -> String,
    domains: &'static [&'static str],
    cities: &'static [(&'static str, &'static str)],
    streets: &'static [&'static str],
}

fn czech_feminine(name: &str) -> String {
    if let Some(stem) = name.strip_suffix('ý') {
        return format!("{stem}á");
    }
    for (end, becomes) in [("ek", "ková"), ("ec", "cová"), ("a", "ová"), ("í", "í"), ("ů", "ů")]
    {
        if let Some(stem) = name.strip_suffix(end) {
            return format!("{stem}{becomes}");
        }
    }
    format!("{name}ová")
}

fn polish_feminine(name: &str) -> String {
    match name.strip_suffix("ski").or_else(|| name.strip_suffix("cki")) {
        Some(_) => format!("{}a", &name[..name.len() - 1]),
        None => name.to_owned(),
    }
}

fn unchanged(name: &str) -> String {
    name.to_owned()
}

const LANDS: [Land; 4] = [
    Land {
        country: "CZ",
        language: "cs",
        calling: "420",
        trunk: "",
        mobile: &[
            "601", "602", "603", "604", "605", "606", "607", "608", "702", "720", "721", "723",
            "725", "728", "731", "733", "736", "737", "739", "773", "774", "775", "776", "777",
        ],
        digits: 9,
        first: (
            &[
                "Jiří",
                "Jan",
                "Petr",
                "Jakub",
                "Josef",
                "Pavel",
                "Tomáš",
                "Martin",
                "Jaroslav",
                "Lukáš",
                "Miroslav",
                "Michal",
                "David",
                "Zdeněk",
                "Václav",
                "Ondřej",
                "Karel",
                "Marek",
                "František",
                "Milan",
                "Vojtěch",
                "Filip",
                "Daniel",
                "Adam",
                "Matěj",
                "Ladislav",
                "Roman",
                "Stanislav",
                "Štěpán",
                "Antonín",
                "Radek",
                "Vladimír",
                "Dominik",
                "Aleš",
                "Luboš",
                "Bohumil",
                "Řehoř",
                "Ctirad",
            ],
            &[
                "Jana",
                "Marie",
                "Eva",
                "Anna",
                "Hana",
                "Věra",
                "Lenka",
                "Kateřina",
                "Lucie",
                "Alena",
                "Petra",
                "Jaroslava",
                "Veronika",
                "Martina",
                "Tereza",
                "Jitka",
                "Ludmila",
                "Helena",
                "Michaela",
                "Zdeňka",
                "Ivana",
                "Monika",
                "Zuzana",
                "Jarmila",
                "Markéta",
                "Eliška",
                "Barbora",
                "Jiřina",
                "Marcela",
                "Kristýna",
                "Dagmar",
                "Květa",
                "Růžena",
                "Žaneta",
                "Šárka",
                "Božena",
                "Andrea",
                "Nikola",
            ],
        ),
        last: &[
            "Novák",
            "Svoboda",
            "Novotný",
            "Dvořák",
            "Černý",
            "Procházka",
            "Kučera",
            "Veselý",
            "Horák",
            "Němec",
            "Pokorný",
            "Pospíšil",
            "Marek",
            "Hájek",
            "Král",
            "Jelínek",
            "Růžička",
            "Beneš",
            "Fiala",
            "Sedláček",
            "Doležal",
            "Zeman",
            "Kolář",
            "Krejčí",
            "Navrátil",
            "Čermák",
            "Vaněk",
            "Urban",
            "Blažek",
            "Kříž",
            "Kovář",
            "Kopecký",
            "Bartoš",
            "Vlček",
            "Musil",
            "Polák",
            "Malý",
            "Šimek",
            "Konečný",
            "Čech",
            "Kadlec",
            "Štěpánek",
            "Staněk",
            "Holub",
            "Dostál",
            "Soukup",
            "Šťastný",
            "Mareš",
            "Moravec",
            "Sýkora",
            "Tichý",
            "Valenta",
            "Vávra",
            "Matoušek",
            "Bláha",
            "Říha",
            "Ševčík",
            "Bureš",
            "Hruška",
            "Mašek",
            "Dušek",
            "Pavlík",
            "Havlíček",
            "Janda",
            "Hrubý",
            "Mach",
            "Müller",
            "Liška",
            "Žák",
            "Šmíd",
            "Řezníček",
            "Ďurica",
            "Zahradník",
            "Křížek",
            "Tománek",
            "Vondráček",
            "Macháček",
            "Hlaváček",
            "Jirásek",
            "Kubíček",
            "Zápotocký",
            "Ježek",
        ],
        feminine: czech_feminine,
        domains: &["seznam.cz", "email.cz", "gmail.com", "centrum.cz", "post.cz", "volny.cz"],
        cities: &[
            ("Praha", "110 00"),
            ("Brno", "602 00"),
            ("Ostrava", "702 00"),
            ("Plzeň", "301 00"),
            ("České Budějovice", "370 01"),
            ("Hradec Králové", "500 02"),
            ("Ústí nad Labem", "400 01"),
            ("Zlín", "760 01"),
        ],
        streets: &[
            "Příčná",
            "Nádražní",
            "Husova",
            "Komenského",
            "Školní",
            "Zahradní",
            "Masarykova",
            "Na Výsluní",
            "Pod Kaštany",
        ],
    },
    Land {
        country: "PL",
        language: "pl",
        calling: "48",
        trunk: "",
        mobile: &[
            "501", "502", "506", "510", "513", "530", "600", "601", "604", "606", "660", "664",
            "691", "693", "721", "785", "788", "791", "880", "888",
        ],
        digits: 9,
        first: (
            &[
                "Piotr",
                "Krzysztof",
                "Andrzej",
                "Tomasz",
                "Jan",
                "Paweł",
                "Michał",
                "Marcin",
                "Jakub",
                "Adam",
                "Stanisław",
                "Marek",
                "Łukasz",
                "Grzegorz",
                "Mateusz",
                "Wojciech",
                "Mariusz",
                "Dariusz",
                "Zbigniew",
                "Maciej",
                "Rafał",
                "Józef",
                "Kamil",
                "Sławomir",
                "Bartłomiej",
                "Jerzy",
            ],
            &[
                "Anna",
                "Katarzyna",
                "Maria",
                "Małgorzata",
                "Agnieszka",
                "Barbara",
                "Ewa",
                "Krystyna",
                "Elżbieta",
                "Magdalena",
                "Joanna",
                "Aleksandra",
                "Zofia",
                "Monika",
                "Teresa",
                "Danuta",
                "Natalia",
                "Karolina",
                "Marta",
                "Julia",
                "Beata",
                "Dorota",
                "Halina",
                "Grażyna",
                "Bożena",
                "Łucja",
            ],
        ),
        last: &[
            "Nowak",
            "Kowalski",
            "Wiśniewski",
            "Wójcik",
            "Kowalczyk",
            "Kamiński",
            "Lewandowski",
            "Zieliński",
            "Szymański",
            "Woźniak",
            "Dąbrowski",
            "Kozłowski",
            "Jankowski",
            "Mazur",
            "Wojciechowski",
            "Kwiatkowski",
            "Krawczyk",
            "Kaczmarek",
            "Piotrowski",
            "Grabowski",
            "Zając",
            "Pawłowski",
            "Michalski",
            "Król",
            "Wieczorek",
            "Jabłoński",
            "Wróbel",
            "Majewski",
            "Olszewski",
            "Stępień",
            "Malinowski",
            "Jaworski",
            "Adamczyk",
            "Dudek",
            "Nowicki",
            "Pawlak",
            "Górski",
            "Witkowski",
            "Walczak",
            "Sikora",
            "Baran",
            "Rutkowski",
            "Szewczyk",
            "Ostrowski",
            "Włodarczyk",
            "Błaszczyk",
            "Cieślak",
            "Żak",
            "Śliwa",
            "Ćwikła",
        ],
        feminine: polish_feminine,
        domains: &["gmail.com", "wp.pl", "onet.pl", "o2.pl", "interia.pl"],
        cities: &[
            ("Warszawa", "00-950"),
            ("Kraków", "30-001"),
            ("Łódź", "90-001"),
            ("Wrocław", "50-001"),
            ("Gdańsk", "80-001"),
            ("Poznań", "60-001"),
        ],
        streets: &["Łąkowa", "Polna", "Leśna", "Słoneczna", "Krótka", "Święty Marcin"],
    },
    Land {
        country: "HU",
        language: "hu",
        calling: "36",
        trunk: "06",
        mobile: &["20", "30", "70"],
        digits: 9,
        first: (
            &[
                "László", "István", "József", "János", "Zoltán", "Sándor", "Gábor", "Ferenc",
                "Attila", "Péter", "Tamás", "Zsolt", "Tibor", "András", "Csaba", "Imre", "Lajos",
                "György", "Balázs", "Gyula", "Mihály", "Károly", "Róbert", "Dániel",
            ],
            &[
                "Mária",
                "Erzsébet",
                "Katalin",
                "Ilona",
                "Éva",
                "Anna",
                "Zsuzsanna",
                "Margit",
                "Judit",
                "Ágnes",
                "Andrea",
                "Ildikó",
                "Erika",
                "Krisztina",
                "Julianna",
                "Irén",
                "Eszter",
                "Magdolna",
                "Mónika",
                "Edit",
                "Gabriella",
                "Szilvia",
                "Tünde",
                "Orsolya",
            ],
        ),
        last: &[
            "Nagy",
            "Kovács",
            "Tóth",
            "Szabó",
            "Horváth",
            "Varga",
            "Kiss",
            "Molnár",
            "Németh",
            "Farkas",
            "Balogh",
            "Papp",
            "Lakatos",
            "Takács",
            "Juhász",
            "Oláh",
            "Mészáros",
            "Simon",
            "Rácz",
            "Fekete",
            "Szilágyi",
            "Török",
            "Fehér",
            "Balázs",
            "Gál",
            "Kis",
            "Szűcs",
            "Kocsis",
            "Orsós",
            "Pintér",
            "Fodor",
            "Szalai",
            "Sipos",
            "Magyar",
            "Lukács",
            "Gulyás",
            "Bíró",
            "Király",
            "Balog",
            "László",
            "Katona",
            "Jakab",
            "Bogdán",
            "Sándor",
            "Boros",
            "Váradi",
            "Fazekas",
            "Kelemen",
            "Antal",
            "Csőke",
        ],
        feminine: unchanged,
        domains: &["gmail.com", "freemail.hu", "citromail.hu", "t-online.hu"],
        cities: &[
            ("Budapest", "1051"),
            ("Debrecen", "4024"),
            ("Győr", "9021"),
            ("Székesfehérvár", "8000"),
            ("Nyíregyháza", "4400"),
        ],
        streets: &["Petőfi utca", "Kossuth Lajos utca", "Rákóczi út", "Fő utca", "Széchenyi tér"],
    },
    Land {
        country: "GB",
        language: "en",
        calling: "44",
        trunk: "0",
        mobile: &["7400", "7401", "7512", "7700", "7711", "7855", "7911"],
        digits: 10,
        first: (
            &[
                "James", "John", "David", "Michael", "Andrew", "Paul", "Mark", "Peter", "Daniel",
                "Thomas", "Oliver", "George", "Harry", "Jack",
            ],
            &[
                "Mary",
                "Susan",
                "Sarah",
                "Emma",
                "Olivia",
                "Amelia",
                "Emily",
                "Grace",
                "Charlotte",
                "Helen",
                "Karen",
                "Laura",
                "Chloe",
                "Zoe",
            ],
        ),
        last: &[
            "Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies",
            "Patel", "Robinson", "Wright", "Thompson", "Evans", "Walker", "White", "Roberts",
            "Green", "Hall", "Wood", "Jackson", "O'Brien", "Clarke", "Harris", "Hill",
        ],
        feminine: unchanged,
        domains: &["gmail.com", "outlook.com", "btinternet.com", "yahoo.co.uk"],
        cities: &[
            ("London", "SW1A 1AA"),
            ("Leeds", "LS1 4AP"),
            ("Bristol", "BS1 5TR"),
            ("York", "YO1 7HH"),
        ],
        streets: &["High Street", "Station Road", "Church Lane", "Victoria Road"],
    },
];

const SIZES: &[&str] = &["XS", "S", "M", "L", "XL", "36", "38", "40", "42", "44"];

const TAGS: &[&str] = &[
    "newsletter",
    "zákazník",
    "VIP",
    "veletrh Brno",
    "e-shop",
    "klient",
    "poptávka",
    "partner",
    "dodavatel",
    "tisk",
    "webinář",
    "jaro 2026",
    "podzim 2025",
    "věrnostní klub",
    "Praha",
    "Morava",
    "Śląsk",
    "hírlevél",
    "ügyfél",
    "stali klienci",
    "reklamace",
    "faktura",
    "B2B",
    "B2C",
    "velkoobchod",
    "maloobchod",
    "soutěž",
    "anketa",
    "školení",
    "kongres",
    "Vánoce",
    "Velikonoce",
    "senior",
    "student",
    "rodina",
    "sport",
    "knihy",
    "hudba",
    "zahrada",
    "kutil",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{People, entries, has_email, person, row_of, rows};

    #[test]
    fn the_shares_are_what_the_documentation_says() {
        let list: Vec<_> = rows(20_000, People::New).collect();
        assert_eq!(list.len(), 20_000);
        let share = |count: usize| count as f64 / list.len() as f64;
        let with_email: Vec<String> = list
            .iter()
            .map(|row| row.email.trim().to_lowercase())
            .filter(|e| !e.is_empty())
            .collect();
        assert!((0.90..0.92).contains(&share(with_email.len())), "{}", share(with_email.len()));
        let keys: HashSet<&String> = with_email.iter().collect();
        let repeated = share(with_email.len() - keys.len());
        assert!((0.139..0.141).contains(&repeated), "{repeated}");
        let tags = share(list.iter().map(|row| row.tags.len()).sum());
        assert!((1.5..1.8).contains(&tags), "{tags}");
    }

    #[test]
    fn the_second_file_knows_a_third_of_the_first() {
        let first: HashSet<String> =
            rows(20_000, People::New).map(|row| row.email.trim().to_lowercase()).collect();
        let second: HashSet<String> =
            rows(20_000, People::Overlapping).map(|row| row.email.trim().to_lowercase()).collect();
        let known =
            second.iter().filter(|email| !email.is_empty() && first.contains(*email)).count();
        assert!((5_800..=6_000).contains(&known), "{known}");
    }

    #[test]
    fn the_same_number_gives_the_same_people() {
        let texts = |number| {
            entries(number, People::Overlapping)
                .into_iter()
                .map(|entry| format!("{:?}", row_of(entry)))
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(500), texts(500));
        // written down once: other bytes would make figures of different days incomparable
        assert_eq!(person(7).email.is_empty(), !has_email(7));
    }
}
