//! Guesses whether the first row names the columns (IMP-4); the user decides.

use super::dictionary::is_known;
use super::reader::is_blank;

/// Whether the first of `rows` looks like names of columns rather than like a contact.
#[must_use]
pub fn guess_header<R: AsRef<[String]>>(rows: &[R]) -> bool {
    let Some(first) = rows.first().map(AsRef::as_ref) else { return false };
    let cells: Vec<&str> = first
        .iter()
        .map(|cell| cell.trim_matches(is_blank))
        .filter(|cell| !cell.is_empty())
        .collect();
    if cells.is_empty() || cells.iter().any(|cell| is_personal(cell)) {
        return false;
    }
    if names_columns(first) {
        return true;
    }
    // values below that the first row has no like of
    let data = rows.iter().skip(1).map(AsRef::as_ref);
    let differing = first
        .iter()
        .enumerate()
        .filter(|(i, name)| {
            let below =
                data.clone().filter_map(|row| row.get(*i)).map(|c| c.trim_matches(is_blank));
            let mut values = below.filter(|value| !value.is_empty()).peekable();
            values.peek().is_some() && values.all(is_personal) && !name.chars().all(is_blank)
        })
        .count();
    if differing > 0 {
        return true;
    }
    // short words without a digit above rows of more, each another
    let mut folded: Vec<String> = cells.iter().map(|cell| cell.to_lowercase()).collect();
    folded.sort();
    folded.dedup();
    let wordy = cells
        .iter()
        .all(|c| c.chars().count() <= 40 && !c.starts_with(|d: char| d.is_ascii_digit()));
    let small = cells.iter().all(|c| c.chars().all(|c| !c.is_uppercase()));
    rows.len() > 1 && folded.len() == cells.len() && wordy && small && cells.len() == first.len()
}

/// Whether a row names columns that are known: most of them, or three at least.
///
/// One word is not enough: `klient` and `firma` may as well be values.
#[must_use]
pub fn names_columns(cells: &[String]) -> bool {
    let cells: Vec<&str> = cells
        .iter()
        .map(|cell| cell.trim_matches(is_blank))
        .filter(|cell| !cell.is_empty())
        .collect();
    if cells.is_empty() || cells.iter().any(|cell| is_personal(cell)) {
        return false;
    }
    let known = cells.iter().filter(|cell| cell.chars().count() > 1 && is_known(cell)).count();
    known >= 3 || known * 2 > cells.len()
}

/// Whether a value can only be somebody's: an e-mail address, a phone number, a date, a number.
#[must_use]
pub fn is_personal(value: &str) -> bool {
    let value = value.trim_matches(is_blank);
    if is_email(value) || value.starts_with("http://") || value.starts_with("https://") {
        return true;
    }
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let others =
        value.chars().filter(|c| !c.is_ascii_digit() && !" +-./()\u{a0}:,E".contains(*c)).count();
    digits >= 1 && others == 0
}

/// Whether a value has the look of an e-mail address, bare or as `Name <address>`.
#[must_use]
pub fn is_email(value: &str) -> bool {
    let bare = value.rsplit_once('<').map_or(value, |(_, rest)| rest.trim_end_matches('>'));
    let bare = bare.trim_matches(is_blank);
    let bare = bare.strip_prefix("mailto:").unwrap_or(bare);
    let Some((local, domain)) = bare.rsplit_once('@') else { return false };
    !local.is_empty()
        && !bare.contains(char::is_whitespace)
        && domain
            .rsplit_once('.')
            .is_some_and(|(name, top)| !name.is_empty() && top.chars().count() >= 2)
}
