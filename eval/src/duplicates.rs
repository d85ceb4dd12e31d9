//! Duplicates (CON-16): pairs offered against pairs that are one contact.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use chrono::NaiveDate;

use kartoteka_domain::contacts::email::Email;
use kartoteka_domain::contacts::phone::{Phone, Region};
use kartoteka_domain::duplicates::{Record, search};

use crate::figure::{Figure, Outcome};
use crate::people;

/// Rows of the list made here; fewer in a build that is not made for speed.
const ROWS: usize = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

/// A list whose truth is known: records and whom each is about.
struct Known {
    name: String,
    records: Vec<Record>,
    who: Vec<String>,
    precision: Option<f64>,
    f1: Option<f64>,
}

/// Measures on an invented list, and on the sets of `data`.
///
/// # Errors
/// A set cannot be read.
pub(crate) fn measure(data: Option<&Path>) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    let planted = people::list(ROWS, 7);
    let made = Known {
        name: format!("{ROWS} invented people"),
        who: planted.iter().map(|row| row.who.to_string()).collect(),
        records: planted.into_iter().map(|row| row.record).collect(),
        precision: Some(0.98),
        f1: Some(0.95),
    };
    figures.extend(judge(&made));
    let Some(data) = data else { return Ok(figures) };
    for file in ["febrl_dataset1.csv", "febrl_dataset2.csv", "febrl_dataset3.csv"] {
        let path = data.join("linkage").join(file);
        if path.exists() {
            figures.extend(judge(&febrl(file, &path)?));
        }
    }
    let path = data.join("linkage/splink_fake_1000.csv");
    if path.exists() {
        figures.extend(judge(&fake(&path)?));
    }
    // what a generator wrote: a list beside its truth
    if data.join("contacts.csv").exists() && data.join("truth.csv").exists() {
        figures.extend(judge(&generated(data)?));
    }
    Ok(figures)
}

/// Precision, recall and their mean of the pairs offered.
fn judge(known: &Known) -> Vec<Figure> {
    let begin = Instant::now();
    let found = search(&known.records);
    let seconds = begin.elapsed().as_secs_f64();
    let mut sizes: HashMap<&str, u64> = HashMap::new();
    known.who.iter().for_each(|who| *sizes.entry(who).or_default() += 1);
    let truth: u64 = sizes.values().map(|size| size * (size - 1) / 2).sum();
    let one = |(a, b): (usize, usize)| known.who.get(a) == known.who.get(b);
    let compared = found.pairs.iter().filter(|(places, _)| one(*places)).count();
    let offered: Vec<_> = found.pairs.iter().filter(|(_, score)| score.is_offered()).collect();
    let right = offered.iter().filter(|(places, _)| one(*places)).count();
    if std::env::var_os("WRONG").is_some() {
        explain(known, &found.pairs);
    }
    let real = |count: usize| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    let truth = real(usize::try_from(truth).unwrap_or(usize::MAX));
    let precision = real(right) / real(offered.len()).max(1.0);
    let recall = real(right) / truth.max(1.0);
    let f1 = 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE);
    let note = format!(
        "{} rows, {truth} pairs are one, {compared} of them compared, {} offered, {right} right, recall {recall:.4}, {} compared in {seconds:.1} s",
        known.records.len(),
        offered.len(),
        found.pairs.len(),
    );
    let figure = |of: &str, value, least, note| Figure {
        of: format!("{}, {of}", known.name),
        value,
        least,
        note,
    };
    vec![
        figure("precision", precision, known.precision, note),
        figure("F1", f1, known.f1, String::new()),
    ]
}

/// Tells where it went wrong, for people who work on the weights.
#[expect(clippy::print_stderr, reason = "asked for")]
fn explain(known: &Known, pairs: &[((usize, usize), kartoteka_domain::duplicates::Score)]) {
    for ((a, b), score) in pairs {
        let one = known.who.get(*a) == known.who.get(*b);
        if one == (score.is_offered()) {
            continue;
        }
        let word = if one { "missed" } else { "wrong" };
        eprintln!("{word} {} {:.2} {:?}", known.name, score.bits, score.conflict);
        for at in [a, b] {
            if let Some(r) = known.records.get(*at) {
                eprintln!(
                    "    {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                    r.first_name,
                    r.last_name,
                    r.birth_date,
                    r.email_key,
                    r.phone,
                    r.external_id,
                    r.street,
                    r.city,
                    r.postal_code
                );
            }
        }
        for reason in &score.reasons {
            eprintln!("      {} {} {:.1}", reason.field.as_str(), reason.level, reason.weight);
        }
    }
}

/// A row by the names of its columns.
type Row = HashMap<String, String>;

fn rows(path: &Path) -> Outcome<Vec<Row>> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(fs::File::open(path)?);
    Ok(reader.deserialize().collect::<Result<Vec<Row>, _>>()?)
}

fn cell(row: &Row, column: &str) -> Option<String> {
    row.get(column).map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).map(str::to_owned)
}

fn email_key(raw: &str) -> String {
    // an address that is none may still be compared
    Email::parse(raw)
        .map_or_else(|_invalid| raw.trim().to_lowercase(), |email| email.key().to_owned())
}

/// Sets of the generator of FEBRL: the truth stands in `rec_id`, the social security number is the number of
/// another system.
fn febrl(name: &str, path: &Path) -> Outcome<Known> {
    let rows = rows(path)?;
    let join = |parts: [Option<String>; 3]| {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    Ok(Known {
        name: name.trim_end_matches(".csv").to_owned(),
        who: rows.iter().map(|row| number_in(&cell(row, "rec_id").unwrap_or_default())).collect(),
        records: rows
            .iter()
            .map(|row| Record {
                first_name: cell(row, "given_name"),
                last_name: cell(row, "surname"),
                street: join(
                    ["street_number", "address_1", "address_2"].map(|name| cell(row, name)),
                ),
                city: cell(row, "suburb"),
                postal_code: cell(row, "postcode"),
                birth_date: cell(row, "date_of_birth")
                    .and_then(|date| NaiveDate::parse_from_str(&date, "%Y%m%d").ok()),
                external_id: cell(row, "soc_sec_id"),
                ..Record::default()
            })
            .collect(),
        precision: (name == "febrl_dataset2.csv").then_some(0.995),
        f1: (name == "febrl_dataset2.csv").then_some(0.97),
    })
}

/// `649` of `rec-649-dup-1`.
fn number_in(id: &str) -> String {
    id.split('-').nth(1).unwrap_or(id).to_owned()
}

/// The set of a thousand rows that comes with Splink.
fn fake(path: &Path) -> Outcome<Known> {
    let rows = rows(path)?;
    Ok(Known {
        name: "splink_fake_1000".into(),
        who: rows.iter().map(|row| cell(row, "cluster").unwrap_or_default()).collect(),
        records: rows
            .iter()
            .map(|row| Record {
                first_name: cell(row, "first_name"),
                last_name: cell(row, "surname"),
                birth_date: cell(row, "dob").and_then(|date| date.parse().ok()),
                city: cell(row, "city"),
                email_key: cell(row, "email").map(|raw| email_key(&raw)),
                ..Record::default()
            })
            .collect(),
        precision: Some(0.98),
        f1: Some(0.82),
    })
}

/// A list of contacts beside a list of whom each row is about.
fn generated(folder: &Path) -> Outcome<Known> {
    let contacts = rows(&folder.join("contacts.csv"))?;
    let truth = rows(&folder.join("truth.csv"))?;
    let phone = |row: &Row| {
        let region = cell(row, "country").and_then(|country| Region::parse(&country).ok());
        let phone = Phone::parse(&cell(row, "phone")?, region).ok()?;
        Some(phone.as_str().to_owned())
    };
    Ok(Known {
        name: folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        who: truth.iter().map(|row| cell(row, "entity_id").unwrap_or_default()).collect(),
        records: contacts
            .iter()
            .map(|row| Record {
                first_name: cell(row, "first"),
                last_name: cell(row, "last"),
                email_key: cell(row, "email").map(|raw| email_key(&raw)),
                phone: phone(row),
                birth_date: cell(row, "dob").and_then(|date| date.parse().ok()),
                gender: match cell(row, "gender").as_deref() {
                    Some("F") => Some("female".into()),
                    Some("M") => Some("male".into()),
                    _ => None,
                },
                street: cell(row, "street"),
                city: cell(row, "city"),
                postal_code: cell(row, "zip"),
                ..Record::default()
            })
            .collect(),
        precision: None,
        f1: None,
    })
}
