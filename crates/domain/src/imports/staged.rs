//! A row of the file made into what a contact needs: mapped, normalised, its faults kept as data.
//!
//! Reading a row cannot fail. What cannot be read is left out and told as a [`RowProblem`]; one bad row,
//! or one bad cell, never stops a file (IMP-20).

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::mapping::{Field, Mapping, Target};
use super::matching::{MatchKey, Matching};
use super::reader::{Row, RowFault, unprotected};
use crate::codes::Code;
use crate::contacts::boolean::parse_bool;
use crate::contacts::cell::{is_placeholder, visible};
use crate::contacts::contact::search_text;
use crate::contacts::date::{DateFormat, parse_date};
use crate::contacts::email::{Email, EmailError};
use crate::contacts::fold::fold;
use crate::contacts::gender::Gender;
use crate::contacts::name::{clean_name, split_full_name};
use crate::contacts::patch::{
    MAX_DETAIL_CHARS, MAX_LINE_CHARS, MAX_NAME_CHARS, MAX_POSTAL_CODE_CHARS, MAX_TITLE_CHARS,
};
use crate::contacts::phone::{Phone, PhoneError, Region};
use crate::contacts::place::{Country, Language, TimeZone};
use crate::fields::Definitions;
use crate::tags::{MAX_TAGS_PER_CONTACT, TagName};

/// Most different tags one file may name; a column that is not tags at all is found out by this.
pub const MAX_FILE_TAGS: usize = 10_000;
/// A problem repeats at most this much of the cell, in characters.
const MAX_ECHO: usize = 200;

/// What is wrong with one cell, or with the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Column, from 0; none when it is about the whole row.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<usize>,
    /// Target of the column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// Which.
    pub code: Code,
    /// In words.
    pub detail: String,
    /// The cell, cut to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
}

/// A row on its way into the base.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StagedRow {
    /// Number of the data row, from 1.
    pub row: u64,
    /// Line of the file it begins on, from 1.
    pub line: u64,
    /// Whether it can become a contact.
    pub valid: bool,
    /// Normalised value of the match key.
    pub key: Option<String>,
    /// Text values, by [`Field::ALL`].
    pub texts: Vec<Option<String>>,
    /// Compared form of the e-mail.
    pub email_key: Option<String>,
    /// Date of birth.
    pub birth_date: Option<NaiveDate>,
    /// Score.
    pub score: Option<i64>,
    /// All marketing, yes or no.
    pub subscribed: Option<bool>,
    /// No message at all.
    pub muted: Option<bool>,
    /// Named values.
    pub details: Map<String, Value>,
    /// Ordinals of [`RowMapper::tags`].
    pub tags: Vec<i32>,
    /// Ordinals of [`Mapping::purposes`], from 1: positive grants, negative withdraws.
    pub consents: Vec<i32>,
    /// Stored columns (or `detail:NAME`) that an empty cell clears.
    pub cleared: Vec<String>,
    /// Text the contact is found by.
    pub search: String,
    /// What is wrong.
    pub problems: Vec<RowProblem>,
}

impl StagedRow {
    /// Text value of a field.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts.get(field as usize).and_then(Option::as_deref)
    }

    fn set(&mut self, field: Field, value: String) {
        if let Some(slot) = self.texts.get_mut(field as usize)
            && !value.is_empty()
        {
            *slot = Some(value);
        }
    }
}

/// Turns rows into staged rows; keeps the dictionary of tags.
#[derive(Debug)]
pub struct RowMapper {
    mapping: Mapping,
    key: Option<MatchKey>,
    region: Option<Region>,
    row_region: Option<Region>,
    now: DateTime<Utc>,
    definitions: Definitions,
    purposes: HashMap<String, i32>,
    tags: HashMap<String, i32>,
    /// The same by the name as it was written: most cells repeat one that was read before.
    spellings: HashMap<String, i32>,
    tag_names: Vec<String>,
}

/// One cell under the reader's eye.
struct Cell<'a> {
    column: usize,
    target: &'a Target,
    raw: &'a str,
}

impl RowMapper {
    /// A mapper; `region` is the workspace's. A national phone number is read in the region the mapping
    /// names; when it names none, in the row's own country; when the row has none, in `region`. Details are
    /// read in the types that `definitions` gives them (CON-9).
    #[must_use]
    pub fn new(
        mapping: Mapping,
        matching: &Matching,
        region: Option<Region>,
        now: DateTime<Utc>,
        definitions: Definitions,
    ) -> Self {
        let purposes = mapping
            .purposes()
            .into_iter()
            .zip(1..)
            .map(|(purpose, ordinal)| (purpose.to_owned(), ordinal))
            .collect();
        let key = matching.key.clone();
        Self {
            mapping,
            key,
            region,
            row_region: region,
            now,
            definitions,
            purposes,
            tags: HashMap::new(),
            spellings: HashMap::new(),
            tag_names: Vec::new(),
        }
    }

    /// Names of the tags seen so far; the ordinal is the position.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tag_names
    }

    /// Reads one row.
    #[must_use]
    pub fn read(&mut self, row: &Row) -> StagedRow {
        let mut staged = StagedRow {
            row: row.number(),
            line: row.line(),
            texts: vec![None; Field::ALL.len()],
            ..StagedRow::default()
        };
        self.row_faults(row, &mut staged);
        self.row_region = self.region_of(row);
        let columns = std::mem::take(&mut self.mapping.columns);
        for column in &columns {
            let Some(target) = &column.target else { continue };
            let raw = row.cell(column.index);
            let text = visible(unprotected(raw));
            if text.is_empty() {
                if column.clear_empty {
                    staged.cleared.extend(cleared_columns(target));
                }
                continue;
            }
            self.read_cell(&Cell { column: column.index, target, raw: &text }, &mut staged);
        }
        self.mapping.columns = columns;
        finish(&mut staged, self.key.as_ref(), self.mapping.strict);
        staged
    }

    /// The region national phone numbers of this row are read in.
    fn region_of(&self, row: &Row) -> Option<Region> {
        let country = || {
            let target = Some(Target::Field(Field::Country));
            let column = self.mapping.columns.iter().find(|column| column.target == target)?;
            Country::parse(row.cell(column.index)).ok()?.region()
        };
        self.mapping.phone_region.or_else(country).or(self.region)
    }

    fn row_faults(&self, row: &Row, staged: &mut StagedRow) {
        for fault in row.faults().iter().filter(|fault| fault.loses_data()) {
            let code = match fault {
                RowFault::TooManyCells { .. } | RowFault::TooFewCells { .. } => Code::TooManyCells,
                RowFault::NulCharacter { .. } => Code::NulCharacter,
                RowFault::Undecodable { .. } => Code::UndecodableText,
                RowFault::CellTooLarge { .. } => Code::CellTooLarge,
                RowFault::UnclosedQuote { .. } => Code::UnclosedQuote,
            };
            let field = fault.column().and_then(|index| {
                let column = self.mapping.columns.iter().find(|column| column.index == index)?;
                column.target.as_ref().map(ToString::to_string)
            });
            staged.problems.push(RowProblem {
                column: fault.column(),
                field,
                code,
                detail: fault.to_string(),
                value: fault.column().map(|column| echo(row.cell(column))),
            });
        }
    }

    fn read_cell(&mut self, cell: &Cell<'_>, staged: &mut StagedRow) {
        match cell.target {
            Target::Field(field) => self.read_field(*field, cell, staged),
            Target::FullName => {
                let parts = split_full_name(cell.raw, self.mapping.name_order);
                for (field, part) in [
                    (Field::TitleBefore, parts.title_before),
                    (Field::FirstName, parts.first_name),
                    (Field::LastName, parts.last_name),
                    (Field::TitleAfter, parts.title_after),
                ] {
                    let part = part.as_deref().unwrap_or_default();
                    if staged.text(field).is_none() && !part.is_empty() {
                        set_text(field, part, cell, staged);
                    }
                }
            }
            Target::Tags => self.read_tags(cell, staged),
            Target::Consent(purpose) => {
                let ordinal = self.purposes.get(purpose).copied().unwrap_or(0);
                match yes_or_no(cell.raw, self.mapping.date_format) {
                    Some(true) => staged.consents.push(ordinal),
                    Some(false) => staged.consents.push(-ordinal),
                    None => problem(staged, cell, Code::InvalidBoolean),
                }
            }
            Target::Unsubscribed => match yes_or_no(cell.raw, self.mapping.date_format) {
                Some(unsubscribed) => staged.subscribed = Some(!unsubscribed),
                None => problem(staged, cell, Code::InvalidBoolean),
            },
            Target::Detail(name) => {
                let value: String = cell.raw.chars().filter(|c| *c != '\u{0}').collect();
                if value.chars().count() > MAX_DETAIL_CHARS {
                    problem(staged, cell, Code::TooLong);
                    return;
                }
                let format = self.mapping.date_format;
                let definition = self.definitions.get(name);
                match definition.map(|definition| definition.read_cell(&value, format)) {
                    None => drop(staged.details.insert(name.clone(), Value::String(value))),
                    Some(Ok(Some(value))) => drop(staged.details.insert(name.clone(), value)),
                    Some(Ok(None)) => {}
                    Some(Err(code)) => problem(staged, cell, code),
                }
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each field, none of them deep")]
    fn read_field(&self, field: Field, cell: &Cell<'_>, staged: &mut StagedRow) {
        // "n/a" in a column of dates or numbers is a way of writing nothing
        let typed = !matches!(
            field,
            Field::FirstName
                | Field::LastName
                | Field::TitleBefore
                | Field::TitleAfter
                | Field::CompanyName
                | Field::JobTitle
                | Field::ExternalId
                | Field::Street
                | Field::City
                | Field::PostalCode
                | Field::Region
        );
        // Outlook writes no date of birth as 0/0/00, databases as 0000-00-00
        let zeros = field == Field::BirthDate
            && cell.raw.chars().all(|c| c == '0' || (!c.is_alphanumeric()));
        if zeros || (typed && is_placeholder(cell.raw)) {
            return;
        }
        match field {
            Field::Email => match Email::parse(cell.raw) {
                Ok(email) => {
                    staged.email_key = Some(email.key().to_owned());
                    staged.set(field, email.as_str().to_owned());
                }
                Err(EmailError::Several) => {
                    problem_with(staged, cell, Code::InvalidEmail, EmailError::Several.to_string());
                }
                Err(error) => problem_with(staged, cell, Code::InvalidEmail, error.to_string()),
            },
            Field::Phone => match self.phone(cell) {
                Ok(phone) => staged.set(field, phone.as_str().to_owned()),
                Err(error) => {
                    let code = match error {
                        PhoneError::Several => Code::SeveralValues,
                        PhoneError::ScientificNotation => Code::TruncatedNumber,
                        _ => Code::InvalidPhone,
                    };
                    problem_with(staged, cell, code, error.to_string());
                }
            },
            Field::BirthDate => match parse_date(cell.raw, self.mapping.date_format) {
                Ok(date) if date <= self.now.date_naive() && date.year() >= 1850 => {
                    staged.birth_date = Some(date);
                }
                Ok(_) => problem_with(
                    staged,
                    cell,
                    Code::InvalidDate,
                    "nobody alive was born then".to_owned(),
                ),
                Err(error) => problem_with(staged, cell, Code::InvalidDate, error.to_string()),
            },
            Field::Gender => set_parsed(
                staged,
                cell,
                field,
                Code::InvalidGender,
                Gender::parse_in_column(cell.raw, self.mapping.f_is_a_man)
                    .map(|gender| gender.as_str().to_owned()),
            ),
            Field::Country => set_parsed(
                staged,
                cell,
                field,
                Code::InvalidCountry,
                Country::parse(cell.raw).ok().map(|country| country.as_str().to_owned()),
            ),
            Field::Language => set_parsed(
                staged,
                cell,
                field,
                Code::InvalidLanguage,
                Language::parse(cell.raw).ok().map(|language| language.as_str().to_owned()),
            ),
            Field::TimeZone => set_parsed(
                staged,
                cell,
                field,
                Code::InvalidTimeZone,
                TimeZone::parse(cell.raw).ok().map(|zone| zone.as_str().to_owned()),
            ),
            Field::State => set_parsed(
                staged,
                cell,
                field,
                Code::InvalidState,
                state_word(cell.raw).map(str::to_owned),
            ),
            Field::Score => match whole_number(cell.raw) {
                Some(score) => staged.score = Some(score),
                None => problem(staged, cell, Code::InvalidNumber),
            },
            Field::Subscribed => match yes_or_no(cell.raw, self.mapping.date_format) {
                Some(yes) => staged.subscribed = Some(yes),
                None => problem(staged, cell, Code::InvalidBoolean),
            },
            Field::Muted => match parse_bool(cell.raw) {
                Some(yes) => staged.muted = Some(yes),
                None => problem(staged, cell, Code::InvalidBoolean),
            },
            Field::FirstName
            | Field::LastName
            | Field::TitleBefore
            | Field::TitleAfter
            | Field::CompanyName
            | Field::JobTitle
            | Field::ExternalId
            | Field::Street
            | Field::City
            | Field::PostalCode
            | Field::Region => {
                set_text(field, cell.raw, cell, staged);
            }
        }
    }

    /// A foreigner may have a number of the country the list is from.
    fn phone(&self, cell: &Cell<'_>) -> Result<Phone, PhoneError> {
        let own = Phone::parse(cell.raw, self.row_region);
        if self.row_region == self.region || own.as_ref().is_ok_and(Phone::is_assigned) {
            return own;
        }
        let usual = Phone::parse(cell.raw, self.mapping.phone_region.or(self.region));
        if own.is_err() || usual.as_ref().is_ok_and(Phone::is_assigned) { usual } else { own }
    }

    fn read_tags(&mut self, cell: &Cell<'_>, staged: &mut StagedRow) {
        for name in split_tags(cell.raw) {
            let ordinal = match self.tag(name) {
                Ok(ordinal) => ordinal,
                Err(code) => {
                    problem(staged, cell, code);
                    continue;
                }
            };
            if staged.tags.len() >= MAX_TAGS_PER_CONTACT {
                problem(staged, cell, Code::TooManyTags);
                return;
            }
            if !staged.tags.contains(&ordinal) {
                staged.tags.push(ordinal);
            }
        }
    }
}

impl RowMapper {
    /// The ordinal of a tag.
    fn tag(&mut self, name: String) -> Result<i32, Code> {
        if let Some(ordinal) = self.spellings.get(&name) {
            return Ok(*ordinal);
        }
        let tag = TagName::parse(&name).map_err(|_invalid| Code::InvalidTag)?;
        let ordinal = match self.tags.get(tag.key()) {
            Some(ordinal) => *ordinal,
            None if self.tag_names.len() >= MAX_FILE_TAGS => return Err(Code::TooManyTags),
            None => {
                let ordinal = i32::try_from(self.tag_names.len()).unwrap_or(i32::MAX);
                self.tags.insert(tag.key().to_owned(), ordinal);
                self.tag_names.push(tag.as_str().to_owned());
                ordinal
            }
        };
        if self.spellings.len() < MAX_FILE_TAGS {
            self.spellings.insert(name, ordinal);
        }
        Ok(ordinal)
    }
}

/// Splits a cell of tags at `,` `;` and `|`; quotes around a tag protect them (Mailchimp writes
/// `"VIP","Blog"`). Google's `* myContacts ::: Navy` is read too.
#[must_use]
pub fn split_tags(cell: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut current = String::new();
    let mut quoted = false;
    let cell = if cell.contains(":::") {
        Cow::Owned(cell.replace(":::", ","))
    } else {
        Cow::Borrowed(cell)
    };
    for c in cell.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' | ';' | '|' | '\n' | '\r' if !quoted => tags.push(std::mem::take(&mut current)),
            _ => current.push(c),
        }
    }
    tags.push(current);
    tags.iter()
        .map(|tag| clean_name(tag.trim().trim_start_matches("* ")))
        .filter(|tag| !tag.is_empty())
        .collect()
}

/// Longest value of a text field, in characters: the same that a request may write.
fn max_chars(field: Field) -> usize {
    match field {
        Field::PostalCode => MAX_POSTAL_CODE_CHARS,
        Field::TitleBefore | Field::TitleAfter => MAX_TITLE_CHARS,
        Field::Street | Field::CompanyName => MAX_LINE_CHARS,
        _ => MAX_NAME_CHARS,
    }
}

fn set_text(field: Field, text: &str, cell: &Cell<'_>, staged: &mut StagedRow) {
    let text = clean_name(text);
    if text.chars().count() > max_chars(field) {
        let detail = format!("{} has at most {} characters", field.as_str(), max_chars(field));
        problem_with(staged, cell, Code::TooLong, detail);
    } else {
        staged.set(field, text);
    }
}

fn set_parsed(
    staged: &mut StagedRow,
    cell: &Cell<'_>,
    field: Field,
    code: Code,
    value: Option<String>,
) {
    match value {
        Some(value) => staged.set(field, value),
        None => problem(staged, cell, code),
    }
}

fn problem(staged: &mut StagedRow, cell: &Cell<'_>, code: Code) {
    problem_with(staged, cell, code, code.title().to_owned());
}

fn problem_with(staged: &mut StagedRow, cell: &Cell<'_>, code: Code, detail: String) {
    staged.problems.push(RowProblem {
        column: Some(cell.column),
        field: Some(cell.target.to_string()),
        code,
        detail,
        value: Some(echo(cell.raw)),
    });
}

fn echo(raw: &str) -> String {
    raw.chars().filter(|c| *c != '\u{0}').take(MAX_ECHO).collect()
}

fn cleared_columns(target: &Target) -> Vec<String> {
    match target {
        Target::Field(field) if field.can_be_cleared() => vec![field.column().to_owned()],
        Target::FullName => {
            ["first_name", "last_name", "title_before", "title_after"].map(str::to_owned).to_vec()
        }
        Target::Detail(name) => vec![format!("detail:{name}")],
        Target::Field(_) | Target::Tags | Target::Consent(_) | Target::Unsubscribed => Vec::new(),
    }
}

/// Yes or no in words, or a date: "when did they agree" says that they did.
fn yes_or_no(raw: &str, format: DateFormat) -> Option<bool> {
    parse_bool(raw).or_else(|| parse_date(raw, format).ok().map(|_| true))
}

fn whole_number(raw: &str) -> Option<i64> {
    let digits: String =
        raw.chars().filter(|c| !c.is_whitespace() && *c != '\u{a0}' && *c != '\u{202f}').collect();
    let digits = digits.strip_suffix(",0").or_else(|| digits.strip_suffix(".0")).unwrap_or(&digits);
    digits.parse().ok()
}

/// The states of the business relation (CON-10) in the languages of the sources.
fn state_word(raw: &str) -> Option<&'static str> {
    let word = fold(raw);
    match word.as_str() {
        "prospect"
        | "lead"
        | "potencialni zakaznik"
        | "zajemce"
        | "potencjalny klient"
        | "erdeklodo"
        | "interessent" => Some("prospect"),
        "customer" | "client" | "zakaznik" | "klient" | "ugyfel" | "vevo" | "kunde" => {
            Some("customer")
        }
        "partner" | "obchodni partner" | "uzleti partner" => Some("partner"),
        _ => None,
    }
}

/// Decides validity, key and search text once all cells are read.
fn finish(staged: &mut StagedRow, key: Option<&MatchKey>, strict: bool) {
    let bad_email = staged.problems.iter().any(|problem| {
        problem.code == Code::InvalidEmail && problem.field.as_deref() == Some("email")
    });
    let identified = [
        Field::FirstName,
        Field::LastName,
        Field::Email,
        Field::Phone,
        Field::CompanyName,
        Field::ExternalId,
    ]
    .into_iter()
    .any(|field| staged.text(field).is_some());
    if !identified && !bad_email {
        staged.problems.push(RowProblem {
            column: None,
            field: None,
            code: Code::NothingIdentifies,
            detail: Code::NothingIdentifies.title().to_owned(),
            value: None,
        });
    }
    staged.valid = identified && !bad_email && (!strict || staged.problems.is_empty());
    staged.key = match key {
        Some(MatchKey::Email) => staged.email_key.clone(),
        Some(MatchKey::Phone) => staged.text(Field::Phone).map(str::to_owned),
        Some(MatchKey::ExternalId) => staged.text(Field::ExternalId).map(str::to_owned),
        Some(MatchKey::Detail(name)) => match staged.details.get(name) {
            Some(Value::String(text)) => Some(text.trim().to_owned()),
            // as the database writes them
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
            _ => None,
        },
        // not to match by, but to say how many duplicates will arise (IMP-6)
        None => staged.email_key.clone().or_else(|| staged.text(Field::Phone).map(str::to_owned)),
    };
    staged.search = search_text(
        [Field::FirstName, Field::LastName, Field::Email, Field::Phone, Field::CompanyName]
            .map(|field| staged.text(field)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::name::NameOrder;
    use crate::imports::dialect::detect_dialect;
    use crate::imports::mapping::{ColumnMapping, Policy};
    use crate::imports::matching::{Action, ClassPolicy, OnLimit};
    use crate::imports::reader::{FirstRow, RowReader};

    /// The rows of a list without a header, read with these targets in a Czech workspace.
    fn staged(targets: &[&str], text: &str, change: impl FnOnce(&mut Mapping)) -> Vec<StagedRow> {
        let columns = targets.iter().enumerate().map(|(index, target)| ColumnMapping {
            index,
            target: Some(target.parse().unwrap()),
            policy: Policy::Overwrite,
            clear_empty: false,
        });
        let mut mapping = Mapping {
            columns: columns.collect(),
            phone_region: None,
            date_format: DateFormat::Auto,
            name_order: NameOrder::FirstLast,
            f_is_a_man: false,
            strict: false,
        };
        change(&mut mapping);
        let all = ClassPolicy { action: Action::Import, tags: Vec::new(), consents: Vec::new() };
        let matching = Matching::off(all, OnLimit::Refuse);
        let mut mapper = RowMapper::new(
            mapping,
            &matching,
            Region::parse("CZ").ok(),
            DateTime::UNIX_EPOCH,
            Definitions::new(),
        );
        let dialect = detect_dialect(text);
        let mut reader = RowReader::new(text.as_bytes(), &dialect, FirstRow::Data, targets.len());
        let (mut row, mut rows) = (Row::new(), Vec::new());
        while reader.next_row(&mut row).unwrap() {
            rows.push(mapper.read(&row));
        }
        rows
    }

    /// IMP-5, CON-1
    #[test]
    fn a_national_number_is_one_of_the_country_of_its_row() {
        let text = "501 123 456;Polska\n06 20 123 4567;Węgry\n0905 111 222;SK\n602 123 456;\n\
            602 123 456;Atlantis\n+48 501 123 456;CZ\n";
        let phones = |region: Option<&str>| -> Vec<Option<String>> {
            let region = region.and_then(|region| Region::parse(region).ok());
            staged(&["phone", "address.country"], text, |mapping| mapping.phone_region = region)
                .iter()
                .map(|row| row.text(Field::Phone).map(str::to_owned))
                .collect()
        };
        let own = ["+48501123456", "+36201234567", "+421905111222", "+420602123456"];
        let found = phones(None);
        assert_eq!(found.iter().flatten().take(4).collect::<Vec<_>>(), own);
        assert_eq!(found[4].as_deref(), Some("+420602123456"));
        assert_eq!(found[5].as_deref(), Some("+48501123456"));
        assert_eq!(phones(Some("PL"))[3].as_deref(), Some("+48602123456"), "as it was said");
    }

    /// IMP-5, IMP-20
    #[test]
    fn ways_of_writing_nothing_are_no_faults() {
        let text = "0/0/00;Unspecified;n/a\n0000-00-00;-;\n";
        for row in staged(&["birth_date", "gender", "email"], text, |_| {}) {
            assert_eq!(row.birth_date, None);
            assert_eq!(row.text(Field::Gender), None);
            let codes: Vec<Code> = row.problems.iter().map(|problem| problem.code).collect();
            assert_eq!(codes, [Code::NothingIdentifies]);
        }
    }

    /// IMP-5
    #[test]
    fn f_is_a_man_in_hungary() {
        let gender = |f_is_a_man: bool| {
            let rows = staged(&["gender"], "F\n", |mapping| mapping.f_is_a_man = f_is_a_man);
            rows[0].text(Field::Gender).map(str::to_owned)
        };
        assert_eq!(gender(false).as_deref(), Some("female"));
        assert_eq!(gender(true).as_deref(), Some("male"));
    }
}
