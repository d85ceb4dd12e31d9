//! Lists of contacts: what a request asks for, in terms of columns and values (CON-4).

use chrono::{DateTime, NaiveDate, Utc};

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::Display;
use kartoteka_domain::contacts::email::Email;
use kartoteka_domain::contacts::fold::fold;
use kartoteka_domain::contacts::phone::{Phone, Region};
use kartoteka_domain::contacts::search::{self, MAX_SEARCH_CHARS, MAX_SEARCH_WORDS};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::tags::TagName;
use kartoteka_persistence::contacts::list::{Column, Kind, SortKey};
use kartoteka_persistence::sql::Bind;
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use crate::error::Error;

pub use kartoteka_persistence::contacts::list::{
    Condition, Filter, Page, Position, Sort, count, page,
};

/// Columns of one order.
const MAX_SORT_KEYS: usize = 5;

/// What a request asks for, as it was written.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `q`: the search box.
    pub search: Option<String>,
    /// The trash instead of the live ones.
    pub trash: bool,
    /// The shown state.
    pub communication: Option<String>,
    /// A tag they have.
    pub tag: Option<String>,
    /// Values of columns by name.
    pub equal: Vec<(&'static str, String)>,
    /// Instants: column, `true` for "at or after" and `false` for "before", value.
    pub times: Vec<(&'static str, bool, DateTime<Utc>)>,
}

/// Reads a request into conditions.
///
/// # Errors
/// All faults at once, each at its parameter.
pub fn filter(tenant: &mut Tenant<'_>, request: &Request) -> Result<Filter, Error> {
    let mut faults = Vec::new();
    let mut filter = Filter { trash: request.trash, ..Filter::default() };
    if let Some(text) = &request.search {
        filter.terms = search::terms(text);
        if text.chars().count() > MAX_SEARCH_CHARS {
            let detail = format!("At most {MAX_SEARCH_CHARS} characters.");
            faults.push(Fault::new("?q", Code::TooLong, detail));
        } else if filter.terms.len() > MAX_SEARCH_WORDS {
            let detail = format!("At most {MAX_SEARCH_WORDS} words.");
            faults.push(Fault::new("?q", Code::TooMany, detail));
        }
    }
    if let Some(word) = &request.communication {
        filter.communication = Display::from_word(word);
        if filter.communication.is_none() {
            let detail = "This is subscribed, unsubscribed or muted.";
            faults.push(Fault::new("?communication", Code::InvalidValue, detail));
        }
    }
    if let Some(name) = &request.tag {
        match TagName::parse(name) {
            Ok(tag) => filter.tags.push(tag.key().to_owned()),
            // nothing has such a tag; that is an answer, not a fault
            Err(_none) => filter.tags.push(String::new()),
        }
    }
    let region = match request.equal.iter().any(|(name, _)| *name == "phone") {
        true => region(tenant)?,
        false => None,
    };
    for (name, value) in &request.equal {
        let Some(column) = Column::named(name).filter(|column| column.filter) else { continue };
        match value_of(column, value, region) {
            Ok(value) => filter.equal.push((column, value)),
            Err((code, detail)) => faults.push(Fault::new(format!("?{name}"), code, detail)),
        }
    }
    filter.times.clone_from(&request.times);
    if faults.is_empty() { Ok(filter) } else { Err(Error::invalid(faults)) }
}

fn region(tenant: &mut Tenant<'_>) -> Result<Option<Region>, StoreError> {
    Ok(Region::parse(&workspaces::get(tenant)?.phone_region).ok())
}

/// A value as the column keeps it.
fn value_of(
    column: &Column,
    value: &str,
    region: Option<Region>,
) -> Result<Bind, (Code, &'static str)> {
    match (column.name, column.kind) {
        ("email", _) => Email::parse(value)
            .map(|email| Bind::from(email.key()))
            .map_err(|_not| (Code::InvalidEmail, Code::InvalidEmail.title())),
        ("phone", _) => Phone::parse(value, region)
            .map(|phone| Bind::from(phone.as_str()))
            .map_err(|_not| (Code::InvalidPhone, Code::InvalidPhone.title())),
        ("country", _) => Ok(Bind::from(value.to_ascii_uppercase())),
        (_, Kind::Folded) => Ok(Bind::from(fold(value))),
        (_, Kind::Exact) => Ok(Bind::from(value)),
        (_, Kind::Date) => value
            .parse::<NaiveDate>()
            .map(Bind::from)
            .map_err(|_not| (Code::InvalidDate, "A date is written YYYY-MM-DD.")),
        (_, Kind::Whole) => value
            .parse::<i64>()
            .map(Bind::from)
            .map_err(|_not| (Code::InvalidNumber, Code::InvalidNumber.title())),
        (_, Kind::Flag) => match value {
            "true" => Ok(Bind::from(true)),
            "false" => Ok(Bind::from(false)),
            _ => Err((Code::InvalidBoolean, "This is true or false.")),
        },
        (_, Kind::Time) => Err((Code::InvalidFilter, Code::InvalidFilter.title())),
    }
}

/// Reads `-created_at,last_name`. Nothing is the newest first. `pointer` is where it stood.
///
/// `created_at` is the order of the ids, which is total: what follows it changes nothing.
///
/// # Errors
/// `invalid_sort` for a column that is none, stands twice, or is one too many.
pub fn sort(text: Option<&str>, pointer: &str) -> Result<Sort, Error> {
    sort_by(text, pointer, Column::named)
}

/// The same for a list that has other columns.
///
/// # Errors
/// As [`sort`].
pub fn sort_by(
    text: Option<&str>,
    pointer: &str,
    named: impl Fn(&str) -> Option<&'static Column>,
) -> Result<Sort, Error> {
    let refuse =
        |detail: String| Err(Error::invalid(vec![Fault::new(pointer, Code::InvalidSort, detail)]));
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(Sort::default());
    };
    let mut keys: Vec<SortKey> = Vec::new();
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    if words.len() > MAX_SORT_KEYS {
        return refuse(format!("Sort by at most {MAX_SORT_KEYS} columns."));
    }
    let mut ids: Option<bool> = None;
    for (place, word) in words.iter().enumerate() {
        let (name, descending) = match word.strip_prefix('-') {
            Some(name) => (name, true),
            None => (*word, false),
        };
        if words.iter().take(place).any(|other| other.trim_start_matches('-') == name) {
            return refuse("A column stands here twice.".to_owned());
        }
        if name == "created_at" {
            ids = ids.or(Some(descending));
            continue;
        }
        let Some(column) = named(name) else {
            return refuse("The list cannot be sorted by one of these columns.".to_owned());
        };
        if ids.is_none() {
            keys.push(SortKey { column, descending });
        }
    }
    let last = keys.last().is_some_and(|key| key.descending);
    Ok(Sort { keys, newest_first: ids.unwrap_or(last) })
}

/// What a cursor of this list is bound to: order and conditions.
#[must_use]
pub fn identity(sort: &Sort, parts: &impl std::fmt::Debug) -> String {
    use sha2::{Digest, Sha256};

    let columns: Vec<_> = sort.keys.iter().map(|key| (key.column.name, key.descending)).collect();
    let digest = Sha256::digest(format!("{columns:?} {} {parts:?}", sort.newest_first));
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("contacts {short}")
}

/// Reads the position a cursor holds; `None` when it is not one of this order.
#[must_use]
pub fn position(sort: &Sort, keys: &[serde_json::Value], id: uuid::Uuid) -> Option<Position> {
    if keys.len() != sort.keys.len() {
        return None;
    }
    let keys = sort.keys.iter().zip(keys).map(|(key, value)| key.column.bind(value));
    Some(Position { keys: keys.collect::<Option<_>>()?, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Vec<(&'static str, bool)>, bool)> {
        let sort = sort(Some(text), "?sort").ok()?;
        let keys = sort.keys.iter().map(|key| (key.column.name, key.descending)).collect();
        Some((keys, sort.newest_first))
    }

    /// CON-4
    #[test]
    fn orders_are_read_and_end_with_the_id() {
        assert_eq!(read(""), Some((vec![], true)));
        assert_eq!(read("-created_at"), Some((vec![], true)));
        assert_eq!(read("created_at"), Some((vec![], false)));
        assert_eq!(read("last_name"), Some((vec![("last_name", false)], false)));
        assert_eq!(
            read("-score, last_name"),
            Some((vec![("score", true), ("last_name", false)], false))
        );
        assert_eq!(
            read("last_name,-created_at,score"),
            Some((vec![("last_name", false)], true)),
            "behind a total order nothing counts"
        );
        assert_eq!(read("-address.city"), Some((vec![("city", true)], true)));
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for text in [
            "password",
            "last_name,last_name",
            "score,-score",
            "a,b",
            ",",
            "--score",
            "first_name,last_name,score,email,phone,city",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_is_bound_to_order_and_conditions() {
        let newest = Sort::default();
        let by_name = sort(Some("last_name"), "?sort").unwrap();
        assert_eq!(identity(&newest, &"a"), identity(&newest, &"a"));
        assert_ne!(identity(&newest, &"a"), identity(&newest, &"b"));
        assert_ne!(identity(&newest, &"a"), identity(&by_name, &"a"));
        let id = uuid::Uuid::nil();
        assert!(position(&by_name, &["novak".into()], id).is_some());
        assert!(position(&by_name, &[serde_json::Value::Null], id).is_some());
        assert!(position(&by_name, &[5.into()], id).is_none());
        assert!(position(&by_name, &[], id).is_none());
    }
}
