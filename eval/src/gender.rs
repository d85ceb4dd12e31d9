//! Gender (MGR-O): what a first name alone says, against the official counts of those who bear it. A name that is
//! left undetermined counts as wrong.

use std::path::Path;

use kartoteka_domain::contacts::gender::Gender;
use kartoteka_domain::contacts::gender::guess::{NameCountry, PersonName, guess};
use kartoteka_domain::contacts::name::NameOrder;

use crate::figure::{Figure, Outcome};
use crate::lists::{lines, share, some};

/// Measures on `gender/` of the data folder.
///
/// # Errors
/// A list cannot be read.
pub(crate) fn measure(data: Option<&Path>) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    let slavonic = [
        ("Czech first names, by bearers", "gender/ship_cz.tsv", NameCountry::Czech),
        ("Polish first names, by bearers", "gender/ship_pl.tsv", NameCountry::Polish),
    ];
    for (of, file, country) in slavonic {
        if let Some(rows) = lines(data, file, '\t')? {
            figures.push(by_bearers(of, &rows, country));
        }
    }
    if let Some(rows) = lines(data, "gender/ship_hu.tsv", '\t')? {
        figures.extend(hungarian(&rows));
    }
    Ok(figures)
}

fn by_bearers(of: &str, rows: &[Vec<String>], country: NameCountry) -> Figure {
    let (mut right, mut all, mut open, mut wrong) = (0, 0, 0, Vec::new());
    for row in rows {
        let [name, _, men, women] = row.as_slice() else { continue };
        let men: u64 = men.parse().unwrap_or(0);
        let women: u64 = women.parse().unwrap_or(0);
        all += men + women;
        let (hit, miss) = match said(name, country) {
            Some(Gender::Female) => (women, men),
            Some(Gender::Male) => (men, women),
            Some(Gender::Other) | None => {
                open += men + women;
                continue;
            }
        };
        right += hit;
        if miss > hit {
            wrong.push((miss, name.clone()));
        }
    }
    wrong.sort_unstable_by(|a, b| b.cmp(a));
    let wrong: Vec<String> = wrong.into_iter().map(|(_, name)| name).collect();
    let open = share(open, all) * 100.0;
    Figure {
        of: of.to_owned(),
        value: share(right, all),
        least: Some(0.997),
        note: format!("{} names, {open:.2} % undetermined {}", rows.len(), some(&wrong)),
    }
}

/// The names whose bearers are known are the common ones; of all that may be given only the share is told.
fn hungarian(rows: &[Vec<String>]) -> [Figure; 2] {
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    let (mut known, mut open) = (0, 0);
    for row in rows {
        let (Some(name), Some(gender)) = (row.first(), row.get(1)) else { continue };
        let found = said(name, NameCountry::Hungarian);
        let truth = if gender == "F" { Gender::Female } else { Gender::Male };
        known += u64::from(found == Some(truth));
        open += u64::from(found.is_none());
        let bearers: u64 = row.get(2).and_then(|count| count.parse().ok()).unwrap_or(0);
        all += bearers;
        if found == Some(truth) {
            right += bearers;
        } else if bearers > 0 {
            wrong.push(name.clone());
        }
    }
    let registered = rows.len() as u64;
    [
        Figure {
            of: "Hungarian first names, by bearers".to_owned(),
            value: share(right, all),
            least: Some(0.999),
            note: some(&wrong),
        },
        Figure {
            of: "all registered Hungarian names".to_owned(),
            value: share(known, registered),
            least: None,
            note: format!(
                "of {registered}; {} undetermined, {} wrong",
                open,
                registered - known - open
            ),
        },
    ]
}

fn said(name: &str, country: NameCountry) -> Option<Gender> {
    let name = PersonName { first_name: Some(name), ..PersonName::default() };
    guess(name, NameOrder::FirstLast, Some(country)).gender
}
