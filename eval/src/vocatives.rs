//! Vocatives (CMP-6): what a salutation calls people, against lists of what they are called.

use std::path::Path;

use kartoteka_domain::contacts::contact::Contact;
use kartoteka_domain::contacts::salutation::{Home, salutations};

use crate::figure::{Figure, Outcome};
use crate::lists::{lines, share, some};

/// Lists of pairs: file, gender, whether it holds first names.
const CZECH: &[(&str, &str, bool)] = &[
    ("cs_man_first_name.txt", "male", true),
    ("cs_man_last_name.txt", "male", false),
    ("cs_woman_first_name.txt", "female", true),
    ("cs_woman_last_name.txt", "female", false),
];

/// Measures on `vocative/` of the data folder.
///
/// # Errors
/// A list cannot be read.
pub(crate) fn measure(data: Option<&Path>) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    for (file, gender, is_first) in CZECH {
        let pairs = lines(data, &format!("vocative/{file}"), ' ')?.unwrap_or_default();
        for pair in pairs {
            let [name, vocative] = pair.as_slice() else { continue };
            let found = called("cs", gender, name, *is_first);
            all += 1;
            if found == *vocative {
                right += 1;
            } else {
                wrong.push(format!("{name} {found}"));
            }
        }
    }
    if all > 0 {
        figures.push(Figure {
            of: "Czech names".to_owned(),
            value: share(right, all),
            least: Some(0.99),
            note: format!("{right} of {all} {}", some(&wrong)),
        });
    }
    if let Some(rows) = lines(data, "vocative/pl_vocative_sgjp_BSD2.tsv", '\t')? {
        figures.push(polish(&rows));
    }
    Ok(figures)
}

/// Polish first names, weighted by bearers; the list may name several vocatives.
fn polish(rows: &[Vec<String>]) -> Figure {
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    for row in rows {
        let [name, gender, bearers, vocatives] = row.as_slice() else { continue };
        let bearers: u64 = bearers.parse().unwrap_or(0);
        let gender = if gender == "F" { "female" } else { "male" };
        let found = called("pl", gender, name, true);
        all += bearers;
        if vocatives.split('|').any(|known| known.to_lowercase() == found) {
            right += bearers;
        } else {
            wrong.push(format!("{name} {found}"));
        }
    }
    Figure {
        of: "Polish first names, by bearers".to_owned(),
        value: share(right, all),
        least: Some(0.99),
        note: format!("{} names {}", rows.len(), some(&wrong)),
    }
}

/// The name as a salutation says it, in lower case: what stands behind the words that greet.
fn called(language: &str, gender: &str, name: &str, is_first: bool) -> String {
    let mut contact = Contact {
        language: Some(language.to_owned()),
        gender: Some(gender.to_owned()),
        ..Contact::default()
    };
    let name = Some(name.to_owned());
    let [formal, familiar] = if is_first {
        contact.first_name = name;
        salutations(&contact, Home::default())
    } else {
        contact.last_name = name;
        salutations(&contact, Home::default())
    };
    let (text, greeting) = if is_first { (familiar.text, 1) } else { (formal.text, 2) };
    text.split(' ').skip(greeting).collect::<Vec<_>>().join(" ").to_lowercase()
}
