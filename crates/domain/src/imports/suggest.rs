//! Suggests what each column of a list is (IMP-5). The user decides.

use serde::Serialize;

use super::dictionary::{Ambiguous, EXPORTS, Known, Meaning, fold_header, look_up};
use super::looks;
use super::reader::{is_blank, unprotected};
use crate::contacts::name::NameOrder;
use crate::contacts::phone::{Phone, Region};

/// Fewer national numbers than this say nothing of a list.
const FEWEST_NUMBERS: usize = 3;
/// Longest name of a suggested detail.
const DETAIL_NAME: usize = 60;

/// What a column seems to be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// A target of the mapping.
    pub target: String,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// What tells it.
    pub reason: Reason,
    /// The export the file was recognised as.
    pub export: Option<&'static str>,
}

/// What tells a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The name of the column.
    Header,
    /// The look of its values.
    Values,
    /// The export of a known program.
    Export,
}

/// One column under examination.
struct Column<'a> {
    header: &'a str,
    samples: &'a [String],
    known: Option<Known>,
    target: Option<&'static str>,
    rank: u8,
    confidence: f64,
    by_values: bool,
    doubted: bool,
}

impl Column<'_> {
    fn filled(&self) -> bool {
        self.samples.iter().any(|value| !value.chars().all(is_blank))
    }

    fn number(&self) -> u8 {
        self.known.map_or(1, |known| known.number)
    }

    fn means(&self, ambiguous: Ambiguous) -> bool {
        self.known.is_some_and(|known| known.meaning == Meaning::Ambiguous(ambiguous))
    }

    /// Whether the values may say what it is: the name does not, or they contradict it. In a list
    /// without addresses so may a name of no use: `User name` often holds them.
    fn is_open(&self, addressed: bool) -> bool {
        let useless = self.known.is_some_and(|known| known.meaning == Meaning::Nothing);
        let addresses = || looks::share(self.samples, looks::email) == Some(1.0);
        self.known.is_none() || self.doubted || (useless && !addressed && addresses())
    }

    fn is(&mut self, target: &'static str, confidence: f64) {
        self.target = Some(target);
        self.confidence = confidence;
    }
}

/// The targets of all columns; `samples` has the first values of each column.
///
/// No field is suggested twice: the better column wins, the loser becomes a detail where that makes
/// sense. Only tags and details may repeat. Columns of national numbers of persons are never suggested.
#[must_use]
pub fn suggest(headers: Option<&[String]>, samples: &[Vec<String>]) -> Vec<Option<Suggestion>> {
    let many = headers.map_or(0, <[String]>::len).max(samples.len());
    let export = headers.and_then(recognise);
    let mut columns: Vec<Column<'_>> = (0..many)
        .map(|i| {
            let header = headers.and_then(|h| h.get(i)).map_or("", String::as_str);
            let samples = samples.get(i).map(Vec::as_slice).unwrap_or_default();
            Column {
                header,
                samples,
                known: look_up(header),
                target: None,
                rank: 0,
                confidence: 0.0,
                by_values: false,
                doubted: false,
            }
        })
        .collect();
    by_header(&mut columns);
    mend_by_context(&mut columns);
    settle_ambiguous(&mut columns, export);
    doubt(&mut columns);
    by_values(&mut columns, export);
    choose_address(&mut columns);
    let losers = choose_fields(&mut columns);
    prefer_parts_of_names(&mut columns);
    let filled = columns.iter().any(Column::filled);
    let mut taken: Vec<String> = Vec::new();
    columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let (target, confidence) = match column.target {
                Some("detail") => (detail(column, filled)?, column.confidence),
                Some(target) => (target.to_owned(), column.confidence),
                None => (consolation(column, losers.get(i).copied().flatten(), filled)?, 0.5),
            };
            if target != "tags" && taken.contains(&target) {
                return None;
            }
            taken.push(target.clone());
            let reason = match (column.by_values, export) {
                (true, _) => Reason::Values,
                (false, Some(_)) => Reason::Export,
                (false, None) => Reason::Header,
            };
            Some(Suggestion { target, confidence, reason, export })
        })
        .collect()
}

/// Which name stands first in the full names of a list, if its columns or its names tell.
///
/// `full_names` are samples of the column with full names; empty when there is none.
#[must_use]
pub fn name_order_hint(headers: &[String], full_names: &[String]) -> Option<NameOrder> {
    let folded: Vec<String> = headers.iter().map(|h| fold_header(h)).collect();
    let place = |words: &[&str], name: &str| name.split(' ').position(|word| words.contains(&word));
    let last = [
        "prijmeni",
        "priezvisko",
        "nazwisko",
        "nachname",
        "surname",
        "last",
        "vezeteknev",
        "csaladnev",
    ];
    let first = ["jmeno", "meno", "imie", "vorname", "first", "given", "keresztnev", "utonev"];
    for name in &folded {
        if let (Some(last), Some(first)) = (place(&last, name), place(&first, name)) {
            return Some(if last < first { NameOrder::LastFirst } else { NameOrder::FirstLast });
        }
    }
    let (mut begins, mut ends) = (0, 0);
    for name in full_names {
        let mut words = name.split_whitespace();
        begins += usize::from(words.next().is_some_and(looks::first_name));
        ends += usize::from(words.next_back().is_some_and(looks::first_name));
    }
    if begins.abs_diff(ends) * 4 > full_names.len() {
        return Some(if ends > begins { NameOrder::LastFirst } else { NameOrder::FirstLast });
    }
    let hungarian = [
        "nev",
        "teljes nev",
        "ugyfel neve",
        "telefonszam",
        "iranyitoszam",
        "cegnev",
        "varos",
        "telepules",
        "email cim",
        "szuletesi datum",
    ];
    let is_hungarian = folded.iter().any(|name| hungarian.contains(&name.as_str()));
    is_hungarian.then_some(NameOrder::LastFirst)
}

/// The region of the national numbers of a list, when it plainly is not `own`: most of them belong to
/// nobody there, and nearly all to somebody in a neighbouring plan.
#[must_use]
pub fn phone_region_hint<'a>(
    numbers: impl Iterator<Item = &'a str>,
    own: Option<Region>,
) -> Option<Region> {
    let national: Vec<&str> = numbers
        .map(|number| unprotected(number).trim_matches(is_blank))
        .filter(|number| {
            !number.is_empty() && !number.starts_with('+') && !number.starts_with("00")
        })
        .collect();
    let assigned = |region: Option<Region>| {
        let parsed = national.iter().filter_map(|number| Phone::parse(number, region).ok());
        parsed.filter(Phone::is_assigned).count()
    };
    if national.len() < FEWEST_NUMBERS || assigned(own) * 2 > national.len() {
        return None;
    }
    let neighbours = ["CZ", "SK", "PL", "HU", "DE", "AT"];
    let regions = neighbours.iter().filter_map(|code| Region::parse(code).ok());
    let best = regions.map(|region| (assigned(Some(region)), region)).rev().max_by_key(|(n, _)| *n);
    best.filter(|(n, _)| n * 5 >= national.len() * 4).map(|(_, region)| region)
}

/// Which export the header row is of.
fn recognise(headers: &[String]) -> Option<&'static str> {
    let folded: Vec<String> = headers.iter().map(|h| fold_header(h)).collect();
    let has = |name: &str| folded.iter().any(|h| h == name);
    EXPORTS.iter().find(|(_, names)| names.split('|').all(has)).map(|(export, _)| *export)
}

fn by_header(columns: &mut [Column<'_>]) {
    for column in columns {
        let Some(known) = column.known else { continue };
        column.rank = known.rank + (known.number - 1).min(9) * 5;
        let sure = if known.exact { 0.98 } else { 0.9 };
        match known.meaning {
            Meaning::Target(target) => {
                column.is(target, if known.rank > 1 { sure - 0.1 } else { sure });
            }
            Meaning::Detail => column.is("detail", 0.6),
            Meaning::Ambiguous(_) | Meaning::Nothing | Meaning::Sensitive => {}
        }
    }
}

/// Names that mean something else beside certain columns or above certain values.
fn mend_by_context(columns: &mut [Column<'_>]) {
    let is = |c: &Column<'_>, name: &str| fold_header(c.header) == name;
    let split_birth = columns.iter().any(|c| is(c, "birth year"));
    let company = columns.iter().any(|c| c.target == Some("company_name"));
    for column in columns {
        if split_birth && is(column, "birth day") {
            column.target = None;
        }
        // `Klient` is a person here and a company there
        let firms = looks::share(column.samples, looks::company).is_some_and(|share| share >= 0.5);
        if !company && firms && column.target == Some("full_name") {
            column.is("company_name", 0.8);
        }
    }
}

/// Names that only the other columns or the values explain.
fn settle_ambiguous(columns: &mut [Column<'_>], export: Option<&'static str>) {
    let has =
        |columns: &[Column<'_>], target: &str| columns.iter().any(|c| c.target == Some(target));
    let last = has(columns, "last_name");
    let first =
        has(columns, "first_name") || columns.iter().any(|c| c.means(Ambiguous::GivenOrFull));
    let jobs = has(columns, "job_title");
    let polish = columns.iter().any(|c| {
        let name = fold_header(c.header);
        name.split(' ').any(|w| {
            [
                "imie",
                "nazwisko",
                "miasto",
                "miejscowosc",
                "pocztowy",
                "wojewodztwo",
                "panstwo",
                "komorkowy",
            ]
            .contains(&w)
        })
    });
    for column in columns.iter_mut() {
        let Some(Known { meaning: Meaning::Ambiguous(ambiguous), .. }) = column.known else {
            continue;
        };
        let samples = column.samples;
        let all =
            |look: fn(&str) -> bool| looks::share(samples, look).is_some_and(|share| share >= 0.6);
        let (target, confidence) = match ambiguous {
            Ambiguous::GivenOrFull if !last && all(|v| v.split_whitespace().count() > 1) => {
                ("full_name", 0.85)
            }
            Ambiguous::GivenOrFull => ("first_name", if last { 0.98 } else { 0.75 }),
            Ambiguous::Name if first && last => ("full_name", 0.5),
            Ambiguous::Name if first => ("last_name", 0.9),
            Ambiguous::Name if last => ("first_name", 0.9),
            Ambiguous::Name => ("full_name", 0.9),
            Ambiguous::Title => title(export, jobs, all(looks::title_before), column.filled()),
            Ambiguous::State if all(is_business_state) => ("state", 0.9),
            Ambiguous::State => ("address.region", 0.85),
            Ambiguous::Kraj if polish || all(looks::country) => ("address.country", 0.9),
            Ambiguous::Kraj => ("address.region", 0.85),
            Ambiguous::Salutation if all(looks::salutation) => ("gender", 0.7),
            Ambiguous::Salutation if all(looks::title_before) => ("title_before", 0.8),
            Ambiguous::Salutation => continue,
            Ambiguous::Status if all(is_subscription) => ("subscribed", 0.7),
            Ambiguous::Status if all(is_business_state) => ("state", 0.8),
            Ambiguous::Status => continue,
        };
        column.is(target, confidence);
        if ambiguous == Ambiguous::Salutation {
            column.rank += 10;
        }
    }
}

/// `Title` is the person's in address books, the job's in business programs.
fn title(export: Option<&str>, jobs: bool, academic: bool, filled: bool) -> (&'static str, f64) {
    match export {
        Some("outlook") => ("title_before", 0.95),
        Some("hubspot" | "salesforce" | "zoho" | "linkedin" | "pipedrive") => ("job_title", 0.95),
        _ if academic || jobs => ("title_before", 0.85),
        _ => ("job_title", if filled { 0.75 } else { 0.6 }),
    }
}

fn is_business_state(value: &str) -> bool {
    matches!(
        fold_header(value).as_str(),
        "prospect" | "customer" | "zakaznik" | "klient" | "ugyfel" | "kunde" | "lead"
    )
}

fn is_subscription(value: &str) -> bool {
    let words = "subscribed|unsubscribed|active|inactive|cleaned|odhlasen|prihlasen|odhlasena|prihlasena|aktivni|neaktivni|\
                 aktywny|wypisany|nieaktywny|feliratkozott|leiratkozott|bounced|opted in|opted out";
    let value = fold_header(value);
    words.split('|').any(|word| word == value)
}

/// What values of a target look like, where they have a look of their own.
fn look_of(target: &str) -> Option<fn(&str) -> bool> {
    Some(match target {
        "email" => looks::email,
        "phone" => |v| looks::phone(v) || v.chars().filter(char::is_ascii_digit).count() >= 5,
        "birth_date" => |v| v.chars().any(|c| c.is_ascii_digit()),
        "score" => |v| v.chars().any(|c| c.is_ascii_digit()),
        "subscribed" | "consent:email_basic" | "consent:sms_basic" => {
            |v| !looks::email(v) && v.len() < 40 && !looks::date(v)
        }
        "gender" => |v| v.chars().count() <= 20 && !v.contains(|c: char| c.is_ascii_digit()),
        "address.country" => |v| v.chars().any(char::is_alphabetic),
        "first_name" | "last_name" | "full_name" => {
            |v| !looks::email(v) && v.chars().any(char::is_alphabetic)
        }
        _ => return None,
    })
}

/// Names that the values contradict count for little.
fn doubt(columns: &mut [Column<'_>]) {
    for column in columns {
        let Some(look) = column.target.and_then(look_of) else { continue };
        if looks::share(column.samples, look).is_some_and(|share| share < 0.2) {
            column.doubted = true;
            column.confidence *= 0.4;
            column.rank += 20;
            // `E-mail: ano` and `Subscribed: 2024-01-01` are something else
            if matches!(
                column.target,
                Some("email" | "subscribed" | "consent:email_basic" | "consent:sms_basic")
            ) {
                column.target = None;
            }
        }
    }
}

/// Columns without a known name, by their values.
fn by_values(columns: &mut [Column<'_>], export: Option<&'static str>) {
    type Look = (&'static str, fn(&str) -> bool, f64);
    let looks: [Look; 8] = [
        ("email", looks::email, 0.9),
        ("detail", looks::url, 0.5),
        ("birth_date", looks::birth_date, 0.5),
        ("address.postal_code", looks::postal_code, 0.6),
        ("phone", looks::phone, 0.8),
        ("gender", looks::gender, 0.5),
        ("address.country", looks::country, 0.6),
        ("full_name", looks::full_name, 0.6),
    ];
    let addressed = columns.iter().any(|c| c.target == Some("email") && c.filled() && !c.doubted);
    let named =
        columns.iter().any(|c| matches!(c.target, Some("first_name" | "last_name" | "full_name")));
    for column in columns.iter_mut().filter(|c| c.is_open(addressed)) {
        let found = looks.iter().find(|(target, look, _)| {
            // nothing else looks like an address: a few spoilt ones do not make it another column
            let least = if *target == "email" { 0.6 } else { 0.8 };
            let fits = looks::share(column.samples, *look).is_some_and(|share| share >= least);
            // two words under a strange name may be anything, unless first names are among them
            let names = || looks::share(column.samples, looks::has_first_name).unwrap_or(0.0);
            let strange = !column.header.is_empty() && (export.is_some() || names() < 0.3);
            let unclear = *target == "full_name" && (named || strange);
            // a name that says otherwise is outweighed by addresses and numbers only
            let strong = matches!(*target, "email" | "phone");
            fits && !unclear && (strong || column.known.is_none())
        });
        if let Some((target, _, confidence)) = found {
            column.is(target, *confidence);
            column.by_values = true;
            column.rank = 30;
        }
    }
    if !named {
        find_names(columns);
    }
}

/// Two columns of single capitalised words, one of which has first names that are common here.
fn find_names(columns: &mut [Column<'_>]) {
    if columns.iter().any(|c| c.target == Some("full_name") || !c.header.is_empty()) {
        return;
    }
    let words: Vec<(usize, f64)> = columns
        .iter()
        .enumerate()
        .filter(|(_, c)| {
            c.target.is_none() && looks::share(c.samples, looks::name).is_some_and(|s| s >= 0.8)
        })
        .map(|(i, c)| (i, looks::share(c.samples, looks::first_name).unwrap_or(0.0)))
        .collect();
    let Some((given, share)) = words.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return;
    };
    if share < 0.3 {
        return;
    }
    let beside = words.iter().map(|(i, _)| *i).find(|i| i.abs_diff(given) == 1);
    for (place, target) in [(Some(given), "first_name"), (beside, "last_name")] {
        if let Some(column) = place.and_then(|place| columns.get_mut(place)) {
            column.is(target, 0.5);
            column.by_values = true;
        }
    }
}

/// Of several addresses one is taken whole: that with values; work before home before others.
///
/// Parts it lacks may come from an address that has none of its parts (`Bydliště` beside `Město`).
fn choose_address(columns: &mut [Column<'_>]) {
    let is_address = |c: &Column<'_>| c.target.is_some_and(|t| t.starts_with("address."));
    let group =
        |c: &Column<'_>| c.known.map_or((0, 0), |known| (known.place, known.block.max(1) - 1));
    let places = ["address.street", "address.city", "address.postal_code"];
    // no place at all, nothing but a country or region, an address somebody wrote down
    let worth = |wanted: (u8, u8)| {
        let own = columns.iter().filter(|c| is_address(c) && group(c) == wanted && c.filled());
        own.map(|c| if c.target.is_some_and(|t| places.contains(&t)) { 2 } else { 1 })
            .max()
            .unwrap_or(0)
    };
    let mut groups: Vec<(u8, u8)> = columns.iter().filter(|c| is_address(c)).map(group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.sort_by_key(|g| std::cmp::Reverse(worth(*g)));
    let mut taken: Vec<(u8, u8)> = Vec::new();
    let mut parts: Vec<&'static str> = Vec::new();
    for wanted in groups {
        let own: Vec<&'static str> = columns
            .iter()
            .filter(|c| is_address(c) && group(c) == wanted)
            .filter_map(|c| c.target)
            .collect();
        if own.iter().all(|part| !parts.contains(part)) {
            parts.extend(own);
            taken.push(wanted);
        }
    }
    for column in columns.iter_mut().filter(|c| is_address(c)) {
        if !taken.contains(&group(column)) {
            column.target = None;
        }
    }
}

/// Leaves each field to one column; what the others would have been.
fn choose_fields(columns: &mut [Column<'_>]) -> Vec<Option<&'static str>> {
    let mut losers = vec![None; columns.len()];
    for i in 0..columns.len() {
        let Some(target) = columns.get(i).and_then(|c| c.target) else { continue };
        if target == "tags" || target == "detail" {
            continue;
        }
        let rivals = columns.iter().enumerate().filter(|(_, c)| c.target == Some(target));
        let best =
            rivals.min_by_key(|(place, c)| (!c.filled(), c.rank, *place)).map(|(place, _)| place);
        for (place, column) in columns.iter_mut().enumerate() {
            if column.target == Some(target) && best.is_some_and(|best| best != place) {
                column.target = None;
                if let Some(loser) = losers.get_mut(place) {
                    *loser = Some(target);
                }
            }
        }
    }
    losers
}

/// A full name beside its parts would say the same twice: the parts stay, unless they are empty.
fn prefer_parts_of_names(columns: &mut [Column<'_>]) {
    let filled = |columns: &[Column<'_>], target: &str| {
        columns.iter().find(|c| c.target == Some(target)).map(Column::filled)
    };
    let whole = filled(columns, "full_name");
    let first = filled(columns, "first_name");
    let last = filled(columns, "last_name");
    if whole.is_none() || (first.is_none() && last.is_none()) {
        return;
    }
    let parts_filled = first == Some(true) || last == Some(true);
    let drop_parts = whole == Some(true) && !parts_filled;
    for column in columns {
        let part = matches!(column.target, Some("first_name" | "last_name"));
        if part == drop_parts && (part || column.target == Some("full_name")) {
            column.target = None;
        }
    }
}

/// What becomes of a column whose field went to another.
fn consolation(column: &Column<'_>, lost: Option<&'static str>, filled: bool) -> Option<String> {
    let known = column.known?;
    if filled && !column.filled() {
        return None;
    }
    match (lost, known.meaning) {
        (Some("email"), _) if column.number() > 1 => {
            Some(format!("detail:email_{}", column.number()))
        }
        (Some("email"), _) if column.rank >= 4 => Some("detail:email_2".to_owned()),
        (Some("phone"), _) if column.number() > 1 && known.place == 0 => {
            Some(format!("detail:phone_{}", column.number()))
        }
        (Some(lost @ ("email" | "phone")), _) => match slug(column.header) {
            Some(name) if name == format!("detail:{lost}") => Some(format!("{name}_2")),
            name => name,
        },
        (Some("job_title" | "company_name" | "detail:notes"), _) => slug(column.header),
        // the parts of a second address, where they hold something
        (_, Meaning::Target(target)) if target.starts_with("address.") && column.filled() => {
            slug(column.header)
        }
        _ => None,
    }
}

fn detail(column: &Column<'_>, filled: bool) -> Option<String> {
    if filled && !column.filled() {
        return None;
    }
    if column.header.is_empty() {
        return Some("detail:website".to_owned());
    }
    slug(column.header)
}

/// The name of the detail after its header: `Rozměr boty` is `detail:rozmer_boty`.
fn slug(header: &str) -> Option<String> {
    let folded = fold_header(header);
    let words = folded.split(' ').filter(|word| *word != "value");
    let words: Vec<&str> = words.collect();
    let words = match words.as_slice() {
        [name @ .., "1"] if !name.is_empty() => name,
        all => all,
    };
    let name: String = words.join("_").chars().take(DETAIL_NAME).collect();
    (!name.is_empty()).then(|| format!("detail:{name}"))
}
