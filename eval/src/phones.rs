//! Phone numbers (CON-1): what is read, against what libphonenumber says of the same cells.

use std::path::Path;

use kartoteka_domain::contacts::phone::{Phone, Region};

use crate::figure::{Figure, Outcome};
use crate::lists::{lines, share, some};

/// Marks behind which a number cannot be read by libphonenumber: there the number in front of them is right.
const NOTES: &[&str] = &["(práce)", "kl.", "wew.", "linka"];

/// Measures on `phone/gold_vectors.tsv` of the data folder.
///
/// # Errors
/// The list cannot be read.
pub(crate) fn measure(data: Option<&Path>) -> Outcome<Vec<Figure>> {
    let Some(rows) = lines(data, "phone/gold_vectors.tsv", '\t')? else { return Ok(Vec::new()) };
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    for row in rows {
        let [region, raw, e164, valid, ..] = row.as_slice() else { continue };
        all += 1;
        if agrees(region, raw, e164, valid == "true") {
            right += 1;
        } else {
            wrong.push(format!("{region} {raw}"));
        }
    }
    Ok(vec![Figure {
        of: "numbers as libphonenumber".to_owned(),
        value: share(right, all),
        least: Some(0.995),
        note: format!("{right} of {all} {}", some(&wrong)),
    }])
}

fn agrees(region: &str, raw: &str, e164: &str, valid: bool) -> bool {
    let ours = read(raw, region);
    if let Some((front, _)) = NOTES.iter().find_map(|note| raw.split_once(note)) {
        return ours == read(front, region);
    }
    match ours {
        // nor does it know a trunk zero behind the country code
        Some(ours) => {
            let zero = ["+420", "+48", "+36"].iter().find_map(|code| {
                let rest = ours.strip_prefix(code)?;
                Some(format!("{code}0{rest}"))
            });
            ours == e164 || zero.as_deref() == Some(e164)
        }
        // numbers with digits too few or too many are refused
        None => !valid,
    }
}

fn read(raw: &str, region: &str) -> Option<String> {
    Phone::parse(raw, Region::parse(region).ok()).ok().map(|phone| phone.as_str().to_owned())
}
