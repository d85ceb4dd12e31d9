//! Several contacts that are one become one (CON-16), and how that is taken back.
//!
//! Which value the winner gets is decided here, field by field; so is which of two wishes about consent holds. A
//! merge keeps of everything it changed what it was and what it became. Undoing it gives back what nobody changed
//! since.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::contact::{Contact, State};
use super::fold::fold;
use super::patch::MAX_DETAILS;
use crate::codes::Code;
use crate::faults::{Fault, pointer_token};
use crate::ids::ContactId;

/// Contacts that one merge merges into another.
pub const MAX_LOSERS: usize = 20;

/// How a details field is named: `details.size`.
const DETAIL: &str = "details.";
/// All parts of the address at once.
const ADDRESS: &str = "address";

/// A field that is taken from one of the contacts as a whole.
struct Field {
    /// As the API calls it.
    name: &'static str,
    /// As JSON; `null` when there is nothing.
    value: fn(&Contact) -> Value,
    /// Has nothing that another contact's value would take away.
    is_empty: fn(&Contact) -> bool,
    /// Takes it over.
    copy: fn(&mut Contact, &Contact),
}

macro_rules! text_fields {
    ($($name:literal $field:ident),+ $(,)?) => {
        [$(Field {
            name: $name,
            value: |contact| json!(contact.$field),
            is_empty: |contact| contact.$field.is_none(),
            copy: |to, from| to.$field.clone_from(&from.$field),
        }),+]
    };
}

/// Fields whose default is the first value there is.
static FIELDS: [Field; 12] = text_fields![
    "external_id" external_id,
    "first_name" first_name,
    "last_name" last_name,
    "title_before" title_before,
    "title_after" title_after,
    "company_name" company_name,
    "job_title" job_title,
    "phone" phone,
    "birth_date" birth_date,
    "gender" gender,
    "language" language,
    "time_zone" time_zone,
];

/// The same, where "nothing" is not `null`, or where more than one value goes along.
static SPECIAL: [Field; 4] = [
    Field {
        name: "email",
        value: |contact| json!(contact.email),
        is_empty: |contact| contact.email.is_none(),
        copy: |to, from| {
            to.email.clone_from(&from.email);
            to.email_key.clone_from(&from.email_key);
        },
    },
    Field {
        name: "type_id",
        value: |contact| json!(contact.type_id),
        is_empty: |contact| contact.type_id.is_none(),
        copy: |to, from| to.type_id = from.type_id,
    },
    // every contact begins as a prospect and with no points: that says less than anything else
    Field {
        name: "state",
        value: |contact| json!(contact.state.as_str()),
        is_empty: |contact| contact.state == State::Prospect,
        copy: |to, from| to.state = from.state,
    },
    Field {
        name: "score",
        value: |contact| json!(contact.score),
        is_empty: |contact| contact.score == 0,
        copy: |to, from| to.score = from.score,
    },
];

/// Parts of the address. They are filled in only from an address that does not contradict what is there: a street
/// of one town with another town is nobody's address.
static PARTS: [Field; 5] = text_fields![
    "address.street" street,
    "address.city" city,
    "address.postal_code" postal_code,
    "address.region" region,
    "address.country" country,
];

/// The written salutations, which go together and with the name.
static SALUTATIONS: Field = Field {
    name: "salutations",
    value: |contact| match (&contact.salutation_formal, &contact.salutation_familiar) {
        (None, None) => Value::Null,
        (formal, familiar) => json!([formal, familiar]),
    },
    is_empty: |contact| {
        contact.salutation_formal.is_none() && contact.salutation_familiar.is_none()
    },
    copy: |to, from| {
        to.salutation_formal.clone_from(&from.salutation_formal);
        to.salutation_familiar.clone_from(&from.salutation_familiar);
    },
};

fn all_fields() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().chain(&SPECIAL).chain(&PARTS).chain(std::iter::once(&SALUTATIONS))
}

/// One of the contacts of a merge.
#[derive(Clone, Copy, Debug)]
pub struct Side<'c> {
    /// Its id.
    pub id: ContactId,
    /// Its content.
    pub contact: &'c Contact,
}

/// What becomes of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// As the API calls it: `phone`, `address.city`, `details.size`.
    pub field: String,
    /// What each contact has there, the winner first; `null` for nothing.
    pub values: Vec<(ContactId, Value)>,
    /// Whose value is taken; `None` when nobody has one.
    pub from: Option<ContactId>,
    /// What the winner has afterwards.
    pub value: Value,
}

impl Taken {
    /// Whether the contacts have different values there.
    #[must_use]
    pub fn differs(&self) -> bool {
        let mut present = self.values.iter().map(|(_, value)| value).filter(|v| !v.is_null());
        present.next().is_some_and(|first| present.any(|other| other != first))
    }
}

/// What the winner will be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its content.
    pub contact: Contact,
    /// Each field in which any of the contacts has something.
    pub fields: Vec<Taken>,
}

/// Decides field by field: the value of the contact that `choices` names, else the winner's, else that of the first
/// loser who has one. `choices` may name `address` for all its parts; a part that is named itself counts more.
///
/// # Errors
/// All faults of the choices: fields that do not exist, contacts that do not take part, a winner that nothing would
/// identify.
pub fn plan(
    winner: Side<'_>,
    losers: &[Side<'_>],
    choices: &BTreeMap<String, ContactId>,
) -> Result<Plan, Vec<Fault>> {
    let sides: Vec<Side<'_>> = std::iter::once(winner).chain(losers.iter().copied()).collect();
    let chosen = read_choices(&sides, choices)?;
    let mut merging =
        Merging { sides: &sides, chosen, after: winner.contact.clone(), from: BTreeMap::new() };
    for field in FIELDS.iter().chain(&SPECIAL) {
        merging.take(field, |_, _| true);
    }
    merging.address();
    // what somebody wrote for one name does not fit another
    let (first, last) = (merging.after.first_name.clone(), merging.after.last_name.clone());
    merging.take(&SALUTATIONS, |_, side| side.first_name == first && side.last_name == last);
    merging.details();
    let fields = merging.fields();
    let contact = merging.after;
    let fault = |code: Code, detail: String| vec![Fault::new("#/fields", code, detail)];
    if !contact.identifies() {
        return Err(fault(Code::NothingIdentifies, Code::NothingIdentifies.title().to_owned()));
    }
    if contact.details.len() > MAX_DETAILS {
        return Err(fault(Code::TooMany, format!("A contact has at most {MAX_DETAILS} details.")));
    }
    Ok(Plan { contact, fields })
}

/// The choices by the names of single fields.
fn read_choices(
    sides: &[Side<'_>],
    choices: &BTreeMap<String, ContactId>,
) -> Result<BTreeMap<String, ContactId>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut chosen = BTreeMap::new();
    for (name, id) in choices {
        let pointer = format!("#/fields/{}", pointer_token(name));
        let known = name == ADDRESS
            || all_fields().any(|field| field.name == name)
            || name.strip_prefix(DETAIL).is_some_and(|detail| {
                sides.iter().any(|side| side.contact.details.contains_key(detail))
            });
        if !known {
            faults.push(Fault::new(&pointer, Code::UnknownField, Code::UnknownField.title()));
        }
        if !sides.iter().any(|side| side.id == *id) {
            let detail = "This contact takes no part in the merge.";
            faults.push(Fault::new(&pointer, Code::UnknownReference, detail));
        }
        if name == ADDRESS {
            for part in &PARTS {
                chosen.entry(part.name.to_owned()).or_insert(*id);
            }
        } else {
            chosen.insert(name.clone(), *id);
        }
    }
    // the parts sort behind the whole, so each that is named has overwritten it
    if faults.is_empty() { Ok(chosen) } else { Err(faults) }
}

struct Merging<'a, 'c> {
    sides: &'a [Side<'c>],
    chosen: BTreeMap<String, ContactId>,
    after: Contact,
    from: BTreeMap<String, ContactId>,
}

impl Merging<'_, '_> {
    /// Takes one field from whom it is to come; from losers only where they `fit`.
    fn take(&mut self, field: &Field, fits: impl Fn(&Contact, &Contact) -> bool) {
        let sides = self.sides;
        let after = &self.after;
        let has = |place: usize, side: &Side<'_>| {
            !(field.is_empty)(side.contact) && (place == 0 || fits(after, side.contact))
        };
        let source = match self.chosen.get(field.name) {
            Some(id) => sides.iter().find(|side| side.id == *id),
            None => {
                sides.iter().enumerate().find(|(place, side)| has(*place, side)).map(|(_, s)| s)
            }
        };
        if let Some(source) = source {
            (field.copy)(&mut self.after, source.contact);
            self.from.insert(field.name.to_owned(), source.id);
        }
    }

    /// The winner's address, filled up from the losers in turn where they agree with what is known by then.
    fn address(&mut self) {
        let sides = self.sides;
        for part in &PARTS {
            let source = match self.chosen.get(part.name) {
                Some(id) => sides.iter().find(|side| side.id == *id),
                None => sides.first().filter(|winner| !(part.is_empty)(winner.contact)),
            };
            if let Some(source) = source {
                (part.copy)(&mut self.after, source.contact);
                self.from.insert(part.name.to_owned(), source.id);
            }
        }
        for side in sides.iter().skip(1) {
            if !PARTS.iter().all(|part| agree(part, &self.after, side.contact)) {
                continue;
            }
            for part in &PARTS {
                let open = !self.from.contains_key(part.name) && !(part.is_empty)(side.contact);
                if open {
                    (part.copy)(&mut self.after, side.contact);
                    self.from.insert(part.name.to_owned(), side.id);
                }
            }
        }
    }

    fn details(&mut self) {
        let mut names: Vec<&String> =
            self.sides.iter().flat_map(|side| side.contact.details.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let field = format!("{DETAIL}{name}");
            let has = |side: &&Side<'_>| side.contact.details.contains_key(name);
            let source = match self.chosen.get(&field) {
                Some(id) => self.sides.iter().find(|side| side.id == *id),
                None => self.sides.iter().find(has),
            };
            let Some(source) = source else { continue };
            match source.contact.details.get(name) {
                Some(value) => drop(self.after.details.insert(name.clone(), value.clone())),
                None => drop(self.after.details.remove(name)),
            }
            self.from.insert(field, source.id);
        }
    }

    fn fields(&self) -> Vec<Taken> {
        let detail = |contact: &Contact, name: &str| {
            contact.details.get(name).cloned().unwrap_or(Value::Null)
        };
        let mut fields = Vec::new();
        let mut push = |field: String, value_of: &dyn Fn(&Contact) -> Value| {
            let values: Vec<(ContactId, Value)> =
                self.sides.iter().map(|side| (side.id, value_of(side.contact))).collect();
            if values.iter().any(|(_, value)| !value.is_null()) {
                // a value that is "nothing" still is the winner's
                let winner = self.sides.first().map(|side| side.id);
                let value = value_of(&self.after);
                let from = self.from.get(&field).copied();
                let from = from.or(winner.filter(|_| !value.is_null()));
                fields.push(Taken { field, values, from, value });
            }
        };
        for field in all_fields() {
            push(field.name.to_owned(), &field.value);
        }
        let mut names: Vec<&String> =
            self.sides.iter().flat_map(|side| side.contact.details.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            push(format!("{DETAIL}{name}"), &|contact| detail(contact, name));
        }
        fields
    }
}

/// Whether two addresses say the same in this part, or one of them nothing.
fn agree(part: &Field, one: &Contact, other: &Contact) -> bool {
    let plain = |contact: &Contact| {
        let value = (part.value)(contact);
        value.as_str().map(|text| {
            let folded = fold(text);
            folded.chars().filter(|c| !c.is_whitespace()).collect::<String>()
        })
    };
    match (plain(one), plain(other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// Which word on a purpose holds for the one that several contacts become: who took consent back on any of them did
/// not give it on another. `None` is never asked, and takes nothing away.
#[must_use]
pub fn most_restrictive(words: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    words.into_iter().flatten().reduce(|one, other| one && other)
}

/// The field of the API that a column of a contact belongs to.
#[must_use]
pub fn field_of(column: &str) -> String {
    match column {
        "street" | "city" | "postal_code" | "region" | "country" => format!("{ADDRESS}.{column}"),
        "salutation_formal" | "salutation_familiar" => "salutations".to_owned(),
        "email_key" | "email_invalid_at" => "email".to_owned(),
        other => other.to_owned(),
    }
}

/// What is left of changes `{name: [before, after]}` for whom `now` is at present: what goes back to what it was, and
/// the names of what somebody changed since, which stays. A name that is absent is `null`.
#[must_use]
pub fn take_back(
    now: &Map<String, Value>,
    changes: &Map<String, Value>,
) -> (Map<String, Value>, Vec<String>) {
    let (mut back, mut kept) = (Map::new(), Vec::new());
    for (name, change) in changes {
        let part = |place: usize| change.get(place).unwrap_or(&Value::Null);
        let present = now.get(name).unwrap_or(&Value::Null);
        if present == part(1) {
            back.insert(name.clone(), part(0).clone());
        } else if present != part(0) {
            kept.push(name.clone());
        }
    }
    (back, kept)
}

/// `{name: [before, after]}` of what differs; a name that is absent is `null`.
#[must_use]
pub fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let of = |map: &Map<String, Value>, name: &str| map.get(name).cloned().unwrap_or(Value::Null);
    names
        .filter(|name| of(before, name) != of(after, name))
        .map(|name| (name.clone(), json!([of(before, name), of(after, name)])))
        .collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> ContactId {
        ContactId(Uuid::from_u128(n))
    }

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    fn named(name: &str) -> Contact {
        Contact { first_name: text(name), ..Contact::default() }
    }

    fn merged(contacts: &[&Contact], choices: &[(&str, u128)]) -> Result<Plan, Vec<Fault>> {
        let sides: Vec<Side<'_>> =
            contacts.iter().zip(1..).map(|(contact, n)| Side { id: id(n), contact }).collect();
        let choices = choices.iter().map(|(name, n)| ((*name).to_owned(), id(*n))).collect();
        plan(sides[0], &sides[1..], &choices)
    }

    /// CON-16
    #[test]
    fn the_winner_keeps_its_values_and_gets_what_it_lacks_from_the_first_that_has_it() {
        let winner = Contact { score: 0, phone: text("+420601"), ..named("Jana") };
        let first = Contact {
            phone: text("+420602"),
            email: text("A@b.cz"),
            email_key: text("a@b.cz"),
            ..named("Jane")
        };
        let second = Contact {
            email: text("c@d.cz"),
            email_key: text("c@d.cz"),
            state: State::Customer,
            score: 7,
            ..named("J.")
        };
        let plan = merged(&[&winner, &first, &second], &[]).unwrap();
        let after = &plan.contact;
        assert_eq!(after.first_name, text("Jana"));
        assert_eq!(after.phone, text("+420601"));
        assert_eq!((&after.email, &after.email_key), (&text("A@b.cz"), &text("a@b.cz")));
        assert_eq!((after.state, after.score), (State::Customer, 7));
        let of = |name: &str| plan.fields.iter().find(|taken| taken.field == name).unwrap();
        assert_eq!(of("phone").from, Some(id(1)));
        assert!(of("phone").differs());
        assert_eq!(of("email").from, Some(id(2)));
        assert_eq!(of("email").values[0], (id(1), Value::Null));
        assert_eq!(of("state").value, json!("customer"));
        assert!(plan.fields.iter().all(|taken| taken.field != "birth_date"));
    }

    /// CON-16
    #[test]
    fn a_choice_takes_the_value_of_the_one_it_names_even_when_that_is_nothing() {
        let winner = Contact { phone: text("+420601"), city: text("Brno"), ..named("Jana") };
        let mut loser = Contact { city: text("Praha"), country: text("CZ"), ..named("Jane") };
        loser.details.insert("a/b".into(), json!(1));
        let choices = [("first_name", 2), ("phone", 2), ("address", 2), ("details.a/b", 1)];
        let after = merged(&[&winner, &loser], &choices).unwrap().contact;
        assert_eq!((after.first_name, after.phone), (text("Jane"), None));
        assert_eq!((after.city, after.country), (text("Praha"), text("CZ")));
        assert!(after.details.is_empty());
        let after = merged(&[&winner, &loser], &[("address", 2), ("address.city", 1)]).unwrap();
        assert_eq!(after.contact.city, text("Brno"));
        assert_eq!(after.contact.country, text("CZ"));
    }

    #[test]
    fn all_faults_of_the_choices_are_told_at_once() {
        let (winner, loser) = (named("Jana"), Contact { score: 1, ..named("Jane") });
        let choices = [("colour", 1), ("phone", 9), ("details.x/y", 9)];
        let faults = merged(&[&winner, &loser], &choices).unwrap_err();
        let told: Vec<(&str, Code)> =
            faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(
            told,
            [
                ("#/fields/colour", Code::UnknownField),
                ("#/fields/details.x~1y", Code::UnknownField),
                ("#/fields/details.x~1y", Code::UnknownReference),
                ("#/fields/phone", Code::UnknownReference),
            ]
        );
        let nobody = Contact { phone: text("+420601"), ..Contact::default() };
        let faults = merged(&[&winner, &nobody], &[("first_name", 2), ("phone", 1)]).unwrap_err();
        assert_eq!((faults.len(), faults[0].code), (1, Code::NothingIdentifies));
    }

    /// An address is never put together of two places.
    #[test]
    fn an_address_is_filled_up_only_by_one_that_agrees() {
        let winner = Contact { city: text("Brno"), ..named("a") };
        let elsewhere = Contact { city: text("Praha"), street: text("Dlouhá 1"), ..named("b") };
        let here = Contact { city: text("BRNO"), street: text("Krátká 2"), ..named("c") };
        let zip = Contact { street: text("krátká  2"), postal_code: text("60200"), ..named("d") };
        let after = merged(&[&winner, &elsewhere, &here, &zip], &[]).unwrap().contact;
        assert_eq!((after.city, after.street), (text("Brno"), text("Krátká 2")));
        assert_eq!(after.postal_code, text("60200"));
        let alone = merged(&[&winner, &elsewhere], &[]).unwrap().contact;
        assert_eq!(alone.street, None);
    }

    #[test]
    fn a_written_salutation_goes_with_its_name() {
        let winner = named("Jana");
        let other = Contact { salutation_formal: text("Vážený pane"), ..named("Jan") };
        let same = Contact { salutation_familiar: text("Ahoj Jano"), ..named("Jana") };
        let after = merged(&[&winner, &other, &same], &[]).unwrap().contact;
        assert_eq!(after.salutation_formal, None);
        assert_eq!(after.salutation_familiar, text("Ahoj Jano"));
    }

    /// CON-16: whatever the order.
    #[test]
    fn a_withdrawal_on_any_of_them_holds() {
        let (yes, no) = (Some(true), Some(false));
        for (words, result) in [
            (vec![], None),
            (vec![None, None], None),
            (vec![None, yes], yes),
            (vec![yes, None, no], no),
            (vec![no, yes], no),
            (vec![None, no], no),
        ] {
            assert_eq!(most_restrictive(words.clone()), result, "{words:?}");
            let turned: Vec<_> = words.into_iter().rev().collect();
            assert_eq!(most_restrictive(turned.clone()), result, "{turned:?}");
        }
    }

    #[test]
    fn columns_are_told_as_the_api_calls_them() {
        for (column, field) in [
            ("phone", "phone"),
            ("city", "address.city"),
            ("email_key", "email"),
            ("salutation_formal", "salutations"),
            ("details.size", "details.size"),
        ] {
            assert_eq!(field_of(column), field);
        }
    }

    #[test]
    fn what_was_changed_since_is_not_taken_back() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let before = map(json!({"a": 1, "b": 1, "c": 1, "same": 1, "gone": 1}));
        let after = map(json!({"a": 2, "b": 2, "c": 2, "same": 1, "new": 1}));
        let made = changes(&before, &after);
        assert_eq!(made.len(), 5);
        assert_eq!(made["gone"], json!([1, null]));
        // c is what it was already
        let now = map(json!({"a": 2, "b": 3, "c": 1, "same": 5, "new": 1}));
        let (back, kept) = take_back(&now, &made);
        assert_eq!(back, map(json!({"a": 1, "gone": 1, "new": null})));
        assert_eq!(kept, ["b"]);
    }
}
