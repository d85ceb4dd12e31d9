//! Header rows of real exports, and what is suggested for them.
//!
//! The fixtures under `tests/fixtures/imports` have the header rows that the programs write, above
//! made-up contacts; `expected.txt` beside them says what a person would expect of each.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::encoding::detect_encoding;
use super::reader::{FirstRow, Row};
use super::source::{Overrides, peek};
use super::suggest::{Suggestion, name_order_hint, phone_region_hint, suggest};
use crate::contacts::name::NameOrder;
use crate::contacts::phone::Region;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imports")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| {
            path.extension().is_some_and(|e| e == "csv" || e == "txt")
                && !path.ends_with("expected.txt")
        })
        .collect();
    files.sort();
    files
}

/// What becomes of a file: its layout, its columns with their targets, and rows where asked for.
fn describe(path: &Path, with_rows: bool) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut said = format!("== {}\n", path.file_name().unwrap().to_string_lossy());
    let source = match peek(&bytes, detect_encoding(&bytes, true), Overrides::default()) {
        Ok(source) => source,
        Err(error) => return format!("{said}refused {}: {error}\n", error.code().as_str()),
    };
    let first = if source.header_guess { FirstRow::Header } else { FirstRow::Data };
    let dialect = &source.dialect;
    writeln!(
        said,
        "{}{}, delimiter {}, {}, {} columns, {} lines above, first row {first:?}",
        source.encoding,
        if source.bom { " with mark" } else { "" },
        dialect.delimiter,
        dialect.line_ending.name(),
        source.columns,
        dialect.skip_lines,
    )
    .unwrap();
    let mut reader = source.rows(bytes.as_slice(), first).unwrap();
    let header = reader.header().unwrap().to_vec();
    let mut samples = vec![Vec::new(); source.columns];
    let mut row = Row::new();
    let mut rows = String::new();
    while reader.next_row(&mut row).unwrap() {
        samples.iter_mut().enumerate().for_each(|(i, s)| s.push(row.cell(i).to_owned()));
        let faults: Vec<&str> = row.faults().iter().map(|f| f.code().as_str()).collect();
        writeln!(
            rows,
            "row {} line {} {:?} {}",
            row.number(),
            row.line(),
            row.cells().collect::<Vec<_>>(),
            faults.join(" ")
        )
        .unwrap();
    }
    let found = suggest((first == FirstRow::Header).then_some(&header), &samples);
    if let Some(export) = found.iter().flatten().find_map(|s| s.export) {
        writeln!(said, "export {export}").unwrap();
    }
    for (i, suggestion) in found.iter().enumerate() {
        let name = header.get(i).cloned().unwrap_or_else(|| format!("column {i}"));
        let target = suggestion.as_ref().map_or("-", |s| s.target.as_str());
        writeln!(said, "{name} -> {target}").unwrap();
    }
    if with_rows {
        said.push_str(&rows);
    }
    said
}

/// IMP-3, IMP-5, IMP-20: every known export and every broken file gives what a person would expect.
#[test]
fn fixtures_give_what_a_person_expects() {
    let mut said = String::new();
    files(&fixtures()).iter().for_each(|file| said.push_str(&describe(file, false)));
    files(&fixtures().join("broken")).iter().for_each(|file| said.push_str(&describe(file, true)));
    let expected = std::fs::read_to_string(fixtures().join("expected.txt")).unwrap_or_default();
    if said != expected {
        let kept = std::env::temp_dir().join("kartoteka-imports-actual.txt");
        std::fs::write(&kept, &said).unwrap();
        let first = said.lines().zip(expected.lines()).find(|(a, b)| a != b);
        panic!("{} differs from expected.txt, first {first:?}", kept.display());
    }
}

fn targets(headers: &[&str], rows: &[&[&str]]) -> Vec<String> {
    let headers: Vec<String> = headers.iter().map(|h| (*h).to_owned()).collect();
    let column = |i: usize| {
        rows.iter().map(|row| row.get(i).copied().unwrap_or_default().to_owned()).collect()
    };
    let samples: Vec<Vec<String>> = (0..headers.len()).map(column).collect();
    let found = suggest(Some(&headers), &samples);
    found.into_iter().map(|s| s.map_or_else(|| "-".to_owned(), |s| s.target)).collect()
}

/// IMP-5: names that mean different things in different company.
#[test]
fn ambiguous_names_are_settled_by_their_company() {
    type Case<'a> = (&'a [&'a str], &'a [&'a [&'a str]], &'a [&'a str]);
    let table: [Case<'_>; 28] = [
        (&["Jméno", "Příjmení"], &[&["Jan", "Novák"]], &["first_name", "last_name"]),
        (&["Jméno", "E-mail"], &[&["Jan Novák", "j@x.cz"]], &["full_name", "email"]),
        (&["Jméno", "E-mail"], &[&["Jan", "j@x.cz"]], &["first_name", "email"]),
        (&["Name", "Vorname"], &[&["Groß", "Jürgen"]], &["last_name", "first_name"]),
        (&["Name", "Surname"], &[&["Jan", "Novák"]], &["first_name", "last_name"]),
        (&["Name", "Email"], &[&["Jan Novák", "j@x.cz"]], &["full_name", "email"]),
        (&["Title", "Email"], &[&["Ing.", "j@x.cz"]], &["title_before", "email"]),
        (&["Title", "Email"], &[&["Sales Manager", "j@x.cz"]], &["job_title", "email"]),
        (&["Title", "Job Title"], &[&["", "CEO"]], &["title_before", "job_title"]),
        (&["Kraj", "Město"], &[&["Zlínský", "Zlín"]], &["address.region", "address.city"]),
        (&["Kraj", "Miasto"], &[&["", "Opole"]], &["address.country", "address.city"]),
        (&["State", "City"], &[&["TX", "Austin"]], &["address.region", "address.city"]),
        (&["State", "Email"], &[&["customer", "a@x.cz"]], &["state", "email"]),
        (&["Anrede", "Nachname"], &[&["Frau", "Groß"]], &["gender", "last_name"]),
        (&["Anrede", "Nachname"], &[&["Dr.", "Groß"]], &["title_before", "last_name"]),
        (&["Status", "Email"], &[&["unsubscribed", "a@x.cz"]], &["subscribed", "email"]),
        (&["Status", "Email"], &[&["VIP", "a@x.cz"]], &["-", "email"]),
        (&["Kontakt", "Mobil"], &[&["a@x.cz", "602111222"]], &["email", "phone"]),
        (
            &["Full name", "First name", "Last name"],
            &[&["Jan Novák", "", ""]],
            &["full_name", "-", "-"],
        ),
        (
            &["Full name", "First name", "Last name"],
            &[&["Jan Novák", "Jan", "Novák"]],
            &["-", "first_name", "last_name"],
        ),
        (
            &["Bydliště", "Město", "PSČ"],
            &[&["Nová 1", "Brno", "602 00"]],
            &["address.street", "address.city", "address.postal_code"],
        ),
        (&["User Name", "Display Name"], &[&["a@x.cz", "Jan Novák"]], &["email", "full_name"]),
        (
            &["Kod", "Miejscowość"],
            &[&["00-001", "Opole"]],
            &["address.postal_code", "address.city"],
        ),
        (&["Příjmení", "Email"], &[&["Novák", "a@x.cz, b@x.cz"]], &["last_name", "email"]),
        (
            &["E-Mail", "Newsletter (ja/nein)"],
            &[&["a@x.cz", "ja"]],
            &["email", "consent:email_basic"],
        ),
        (
            &["Jak se jmenujete?", "Město, kde bydlíte"],
            &[&["Jan Novák", "Brno"]],
            &["full_name", "address.city"],
        ),
        (&["Oblíbené jídlo", "E-mail"], &[&["Svíčková Omáčka", "a@x.cz"]], &["-", "email"]),
        (&["Subscribed", "Email"], &[&["2024-01-01", "a@x.cz"]], &["-", "email"]),
    ];
    for (headers, rows, expected) in table {
        assert_eq!(targets(headers, rows), expected, "{headers:?} {rows:?}");
    }
}

/// IMP-5: consents by their wording; times and addresses of consents are none.
#[test]
fn consents_are_known_by_their_wording() {
    let table = [
        ("Souhlas s newsletterem", "consent:email_basic"),
        ("Souhlas se zasíláním obchodních sdělení e-mailem", "consent:email_basic"),
        ("Súhlas s newslettrom", "consent:email_basic"),
        ("Zgoda e-mail", "consent:email_basic"),
        ("Zgoda na otrzymywanie informacji handlowych", "consent:email_basic"),
        ("Hozzájárulás hírlevélhez", "consent:email_basic"),
        ("Newsletter", "consent:email_basic"),
        ("Accepts Email Marketing", "consent:email_basic"),
        ("Souhlas SMS", "consent:sms_basic"),
        ("Zgoda na SMS", "consent:sms_basic"),
        ("OPTIN_TIME", "-"),
        ("Datum souhlasu", "-"),
        ("Consent IP", "-"),
        ("EMAIL_BLACKLISTED", "unsubscribed"),
        ("UNSUB_TIME", "unsubscribed"),
        ("Unsubscribed", "unsubscribed"),
    ];
    for (header, expected) in table {
        assert_eq!(targets(&["Příjmení", header], &[]), ["last_name", expected], "{header}");
    }
}

/// IMP-5: numbers of persons are never suggested, of companies only as details.
#[test]
fn national_numbers_are_not_suggested() {
    for header in [
        "Rodné číslo",
        "RČ",
        "PESEL",
        "Nr PESEL",
        "TAJ szám",
        "SSN",
        "Government ID Number",
        "Číslo OP",
    ] {
        assert_eq!(
            targets(&["E-mail", header], &[&["a@x.cz", "850101/1234"]]),
            ["email", "-"],
            "{header}"
        );
    }
    assert_eq!(targets(&["E-mail", "IČO"], &[&["a@x.cz", "12345678"]]), ["email", "detail:ico"]);
}

/// IMP-5: of several columns the better one takes the field, whichever comes first.
#[test]
fn the_better_column_wins() {
    let phones = ["Home Phone", "Business Phone", "Mobile Phone"];
    assert_eq!(targets(&phones, &[&["1", "2", "+420602111222"]])[2], "phone");
    assert_eq!(
        targets(&phones, &[&["+420222111333", "+420222111222", ""]]),
        ["detail:home_phone", "phone", "-"]
    );
    assert_eq!(
        targets(&["E-mail", "E-mail 2", "E-mail 3"], &[&["a@x.cz", "b@x.cz", ""]]),
        ["email", "detail:email_2", "-"]
    );
    assert_eq!(targets(&["Id", "External ID"], &[&["1", "a"]]), ["-", "external_id"]);
    assert_eq!(targets(&["Tags", "Labels"], &[&["a", "b"]]), ["tags", "tags"]);
}

/// IMP-5: spelling does not matter.
#[test]
fn names_are_known_however_they_are_spelt() {
    for header in [
        "E-mail",
        "EMAIL",
        "e_mail",
        "Email:",
        "e-Mail *",
        " E-Mail Address ",
        "emailAddress",
        "„E-mail“",
        "Vas e-mail",
    ] {
        assert_eq!(targets(&[header], &[]), ["email"], "{header}");
    }
    for header in
        ["PŘÍJMENÍ", "Prijmeni", "příjmení *", "LastName", "last_name", "Vezetéknév", "VEZETÉKNÉV"]
    {
        assert_eq!(targets(&[header], &[]), ["last_name"], "{header}");
    }
}

/// IMP-5: the order of full names, by the columns or by the names.
#[test]
fn the_order_of_names_is_hinted() {
    let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let hint = |headers: &[&str], names: &[&str]| name_order_hint(&owned(headers), &owned(names));
    assert_eq!(hint(&["Příjmení a jméno"], &[]), Some(NameOrder::LastFirst));
    assert_eq!(hint(&["Imię i nazwisko"], &[]), Some(NameOrder::FirstLast));
    assert_eq!(hint(&["Név", "Telefonszám"], &[]), Some(NameOrder::LastFirst));
    assert_eq!(hint(&["Név"], &["János Kovács", "Éva Nagy"]), Some(NameOrder::FirstLast));
    assert_eq!(hint(&["Člen"], &["Malá Jana", "Novák Petr"]), Some(NameOrder::LastFirst));
    assert_eq!(hint(&["Name", "Email"], &[]), None);
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[A-Za-z]{1,8}( [0-9])?",
        Just("E-mail 2".to_owned()),
        Just("Name".to_owned()),
        Just("a@x.cz".to_owned())
    ]
}

proptest! {
    /// IMP-5: no field is suggested twice, whatever the columns are called and hold.
    #[test]
    fn no_field_twice(
        headers in proptest::collection::vec(cell(), 0..8),
        samples in proptest::collection::vec(proptest::collection::vec(cell(), 0..4), 0..8),
        named in any::<bool>(),
    ) {
        let found = suggest(named.then_some(headers.as_slice()), &samples);
        let mut targets: Vec<&Suggestion> = found.iter().flatten().collect();
        prop_assert!(targets.iter().all(|s| (0.0..=1.0).contains(&s.confidence)));
        targets.retain(|s| s.target != "tags");
        let many = targets.len();
        targets.sort_by(|a, b| a.target.cmp(&b.target));
        targets.dedup_by(|a, b| a.target == b.target);
        prop_assert_eq!(targets.len(), many);
    }
}

/// IMP-5, CON-1
#[test]
fn the_region_of_national_numbers_is_told_when_it_is_plain() {
    let hint = |numbers: &[&str], own: &str| {
        phone_region_hint(numbers.iter().copied(), Region::parse(own).ok())
            .map(|region| region.as_str().to_owned())
    };
    let hungarian = ["06 20 123 4567", "06 30 234 5678", "06-70-345-6789"];
    assert_eq!(hint(&hungarian, "CZ").as_deref(), Some("HU"));
    assert_eq!(hint(&hungarian, "HU"), None);
    assert_eq!(hint(&["501 123 456", "512 234 567", "697 345 678"], "CZ").as_deref(), Some("PL"));
    assert_eq!(hint(&["602 123 456", "603 123 456", "777 123 456"], "CZ"), None);
    assert_eq!(hint(&["06 20 123 4567", "+48 501 123 456"], "CZ"), None, "too few");
    assert_eq!(hint(&["12", "abc", "0"], "CZ"), None);
}

/// IMP-5
#[test]
fn a_column_of_addresses_stays_one_with_a_spoilt_value_in_it() {
    let samples = ["a@example.cz", "b@example.cz", "nobody", "c@example.cz"].map(str::to_owned);
    let found = suggest(None, &[samples.to_vec()]);
    assert_eq!(found[0].as_ref().map(|found| found.target.as_str()), Some("email"));
}
