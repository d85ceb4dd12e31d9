//! Lists of a data folder.

use std::fs;
use std::path::Path;

use crate::figure::Outcome;

/// The cells of the lines of a file, without comments; `None` where there is no such file.
///
/// # Errors
/// It is there and cannot be read.
pub(crate) fn lines(
    data: Option<&Path>,
    file: &str,
    separator: char,
) -> Outcome<Option<Vec<Vec<String>>>> {
    let Some(path) = data.map(|data| data.join(file)).filter(|path| path.exists()) else {
        return Ok(None);
    };
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(Some(lines.map(|line| line.split(separator).map(str::to_owned).collect()).collect()))
}

/// `part` of `whole`.
#[expect(clippy::cast_precision_loss, reason = "counts of people, far below 2^52")]
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The first few of those that came out wrong.
pub(crate) fn some(wrong: &[String]) -> String {
    let shown: Vec<&str> = wrong.iter().take(6).map(String::as_str).collect();
    let dots = if wrong.len() > shown.len() { " …" } else { "" };
    if shown.is_empty() { String::new() } else { format!("wrong: {}{dots}", shown.join(", ")) }
}
