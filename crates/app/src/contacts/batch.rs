//! Many upserts in one request, with a bounded number of statements.
//!
//! Items are worked off in their order, in memory, over the contacts that have any of their keys; then
//! everything is written in sets. So an item sees what the items before it did, and one that is refused
//! stops none of the others.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::contact::Contact;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::contacts::patch::{ContactPatch, Patch};
use kartoteka_domain::faults::{Fault, pointer_token};
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::tags::TagSet;
use kartoteka_persistence::classes::{self, GroupsOf};
use kartoteka_persistence::contacts::read::{Key, Room};
use kartoteka_persistence::contacts::row::StoredTag;
use kartoteka_persistence::contacts::{Stored, owners, read, write};
use kartoteka_persistence::tags::TagsOf;
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use super::upsert::{field, key_named, key_of};
use super::{create, groups_after, permission, reading, references, room, tags_after};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::tags;

/// Items of one request.
pub const MAX_ITEMS: usize = 1000;

/// What became of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upserted {
    /// Nobody had the key; it was made.
    Created,
    /// It was there and something of it changed.
    Updated,
    /// It was there and nothing of it changed.
    Unchanged,
}

impl Upserted {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What became of one item.
#[derive(Debug)]
pub enum Outcome {
    /// It was done.
    Done {
        /// The contact.
        contact: ContactId,
        /// What happened to it.
        result: Upserted,
        /// Names of the fields that changed.
        changed: Vec<String>,
    },
    /// It was not done, and why.
    Refused(Error),
}

/// One upsert, read and checked.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) key: Key,
    /// The key's normalised value.
    pub(super) value: String,
    /// Sets the key alone, for a contact that is made; one that is there keeps its spelling.
    pub(super) named: ContactPatch,
    pub(super) patch: ContactPatch,
    /// Pointer of the contact in the request.
    pub(super) at: String,
}

/// Does all items; the outcomes are in their order.
///
/// # Errors
/// `too_many`, `empty_selection`; faults of single items are their outcomes.
pub fn batch(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    items: &[Value],
) -> Result<Vec<Outcome>, Error> {
    if items.is_empty() {
        return Err(Error::refused(Code::EmptySelection, "Send at least one item."));
    }
    if items.len() > MAX_ITEMS {
        let detail = format!("At most {MAX_ITEMS} items at once.");
        return Err(Error::invalid(vec![Fault::new("#/items", Code::TooMany, detail)]));
    }
    let reading = reading(tenant, ctx)?;
    let read: Vec<ReadItem> = items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            read_item(item, &format!("#/items/{index}"), |body, at| {
                ContactPatch::read_all(body, at, reading)
            })
        })
        .collect();
    let unknown = references::faults(tenant, read.iter().map(|(patch, _)| patch))?;
    let read: Vec<Result<Item, Vec<Fault>>> = read
        .into_iter()
        .zip(unknown)
        .map(|((patch, item), unknown)| match item {
            Ok((key, value, at)) if unknown.is_empty() => {
                Ok(Item { key, value, named: ContactPatch::default(), patch, at })
            }
            Ok(_) => Err(unknown),
            Err(mut faults) => {
                faults.extend(unknown);
                Err(faults)
            }
        })
        .collect();
    let room = room::enter_alone(tenant)?;
    let good: Vec<Item> = read.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
    let mut work = Work::begin(tenant, ctx, room, &good)?;
    let outcomes = read
        .into_iter()
        .map(|item| match item {
            Ok(item) => work.upsert(&item),
            Err(faults) => Outcome::Refused(Error::invalid(faults)),
        })
        .collect();
    work.write(tenant, ctx)?;
    Ok(outcomes)
}

/// What could be read of the contact of an item; its key, the key's value, and where the contact stands, or what
/// is wrong.
type ReadItem = (ContactPatch, Result<(Key, String, String), Vec<Fault>>);

/// Reads `{"key": "email", "contact": {…}}`; the contact holds the key's value.
fn read_item(
    item: &Value,
    at: &str,
    read: impl FnOnce(&Map<String, Value>, &str) -> (ContactPatch, Vec<Fault>),
) -> ReadItem {
    let Value::Object(members) = item else {
        let detail = "An item is an object with a key and a contact.";
        return (ContactPatch::default(), Err(vec![Fault::new(at, Code::InvalidType, detail)]));
    };
    let mut faults: Vec<Fault> = members
        .keys()
        .filter(|name| !matches!(name.as_str(), "key" | "contact"))
        .map(|name| {
            let at = format!("{at}/{}", pointer_token(name));
            Fault::new(at, Code::UnknownField, "An item has a key and a contact.")
        })
        .collect();
    let key = match members.get("key") {
        Some(Value::String(name)) => {
            let key = key_named(name);
            if key.is_none() {
                let detail = "A key is external_id or email.";
                faults.push(Fault::new(format!("{at}/key"), Code::InvalidValue, detail));
            }
            key
        }
        Some(_) => {
            faults.push(Fault::new(format!("{at}/key"), Code::InvalidType, "A key is text."));
            None
        }
        None => {
            faults.push(Fault::new(format!("{at}/key"), Code::MissingField, "An item has a key."));
            None
        }
    };
    let at = format!("{at}/contact");
    let patch = match members.get("contact") {
        Some(Value::Object(body)) => {
            let (patch, found) = read(body, &at);
            faults.extend(found);
            Some(patch)
        }
        Some(_) => {
            faults.push(Fault::new(at.clone(), Code::InvalidType, "A contact is an object."));
            None
        }
        None => {
            faults.push(Fault::new(at.clone(), Code::MissingField, "An item has a contact."));
            None
        }
    };
    let (Some(key), Some(patch)) = (key, patch.clone()) else {
        return (patch.unwrap_or_default(), Err(faults));
    };
    let key_at = format!("{at}/{}", field(key));
    let Some(value) = key_of(key, &patch) else {
        // one that is there and cannot be read was told already
        if !faults.iter().any(|fault| fault.pointer == key_at) {
            let detail = "The contact holds the value of the key.";
            faults.push(Fault::new(key_at, Code::MissingField, detail));
        }
        return (patch, Err(faults));
    };
    (patch, if faults.is_empty() { Ok((key, value, at)) } else { Err(faults) })
}

/// A contact while the items are worked off.
#[derive(Debug)]
struct Working {
    id: ContactId,
    /// As it was before; `None` for one that is made.
    before: Option<Stored>,
    contact: Contact,
    tags: Vec<StoredTag>,
    /// The set of tags it shall have, when one was named.
    new_tags: Option<Vec<(TagSet, i64)>>,
    /// Its groups, in order.
    groups: Vec<Uuid>,
    /// Whether they are to be written.
    regrouped: bool,
    /// Names of fields that changed, over all items.
    changed: Vec<String>,
}

/// All contacts the items may touch.
#[derive(Debug)]
pub(super) struct Work {
    contacts: Vec<Working>,
    /// Live contacts by key, as they are at this point of the work.
    live: HashMap<(Key, String), Vec<usize>>,
    /// Keys of contacts in the trash.
    trashed: HashSet<(Key, String)>,
    /// Contacts the caller may not change.
    forbidden: HashSet<Uuid>,
    room: Room,
    made: i64,
    ctx: Context,
}

impl Work {
    /// Reads and locks the contacts that have any of the keys. The writer lock is held alone.
    pub(super) fn begin(
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        room: Room,
        items: &[Item],
    ) -> Result<Self, Error> {
        let mut work = Self {
            contacts: Vec::new(),
            live: HashMap::new(),
            trashed: HashSet::new(),
            forbidden: HashSet::new(),
            room,
            made: 0,
            ctx: ctx.clone(),
        };
        let mut ids = HashSet::new();
        for key in [Key::ExternalId, Key::Email] {
            let values: HashSet<String> = items
                .iter()
                .filter(|item| item.key == key)
                .map(|item| item.value.clone())
                .collect();
            for found in read::by_key(tenant, key, values.into_iter().collect())? {
                if found.in_trash {
                    work.trashed.insert((key, found.value));
                } else {
                    ids.insert(found.id.0);
                }
            }
        }
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable();
        read::lock(tenant, &ids)?;
        work.forbidden.extend(owners::forbidden(tenant, ctx.actor, &ids, Deed::Change)?);
        for stored in read::get_many(tenant, &ids)? {
            let working = Working {
                id: stored.id,
                contact: stored.contact.clone(),
                tags: stored.tags.clone(),
                groups: stored.group_ids.clone(),
                regrouped: false,
                before: Some(stored),
                new_tags: None,
                changed: Vec::new(),
            };
            work.enlist(working);
        }
        Ok(work)
    }

    /// The contact an item means, when it is the only one.
    pub(super) fn found(&self, item: &Item) -> Option<&Stored> {
        match self.live.get(&(item.key, item.value.clone()))?.as_slice() {
            [only] => self.contacts.get(*only)?.before.as_ref(),
            _ => None,
        }
    }

    /// Does one item.
    pub(super) fn upsert(&mut self, item: &Item) -> Outcome {
        let key = (item.key, item.value.clone());
        let found = self.live.get(&key).cloned().unwrap_or_default();
        let done = match found.as_slice() {
            [] if self.trashed.contains(&key) => Err(Error::refused_with(
                Code::Conflict,
                "A contact with this key is in the trash; restore it or purge it first.",
                json!({"in_trash": true}),
            )),
            [] => self.make(item),
            [only] => self.change(*only, item),
            several => {
                let contacts = several.iter().filter_map(|index| self.contacts.get(*index));
                let ids: Vec<ContactId> = contacts.take(10).map(|contact| contact.id).collect();
                Err(Error::refused_with(
                    Code::AmbiguousKey,
                    format!("{} contacts have this key.", several.len()),
                    json!({"contact_ids": ids}),
                ))
            }
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    fn make(&mut self, item: &Item) -> Result<Outcome, Error> {
        let Item { named, patch, at, .. } = item;
        let mut contact = Contact::default();
        if *named != ContactPatch::default() {
            named.apply(&mut contact, at).map_err(Error::invalid)?;
        }
        patch.apply(&mut contact, at).map_err(Error::invalid)?;
        if self.made >= self.room.left() {
            return Err(room::limit_reached(self.room));
        }
        self.made += 1;
        let new_tags = match &patch.tags {
            Patch::Set(wanted) => tags_after(&[], wanted),
            Patch::Absent | Patch::Clear => None,
        };
        let mut changed = contact.changed(&Contact::default());
        changed.extend(new_tags.as_ref().map(|_| "tags".to_owned()));
        let groups = groups_after(&[], &patch.group_ids);
        changed.extend(groups.as_ref().map(|_| "group_ids".to_owned()));
        let id = ContactId(self.ctx.new_id());
        let tags = stored_tags(new_tags.as_deref());
        self.enlist(Working {
            id,
            before: None,
            contact,
            tags,
            new_tags,
            regrouped: groups.is_some(),
            groups: groups.unwrap_or_default(),
            changed: changed.clone(),
        });
        Ok(Outcome::Done { contact: id, result: Upserted::Created, changed })
    }

    fn change(&mut self, index: usize, item: &Item) -> Result<Outcome, Error> {
        let Some(working) = self.contacts.get_mut(index) else { return Err(Error::NotFound) };
        if self.forbidden.contains(&working.id.0) {
            return Err(permission::refusal());
        }
        let before = working.contact.clone();
        item.patch.apply(&mut working.contact, &item.at).map_err(Error::invalid)?;
        let mut changed = working.contact.changed(&before);
        let tags = match &item.patch.tags {
            Patch::Absent => None,
            Patch::Clear => tags_after(&working.tags, &[]),
            Patch::Set(wanted) => tags_after(&working.tags, wanted),
        };
        if let Some(after) = tags {
            working.tags = stored_tags(Some(&after));
            working.new_tags = Some(after);
            changed.push("tags".to_owned());
        }
        if let Some(after) = groups_after(&working.groups, &item.patch.group_ids) {
            working.groups = after;
            working.regrouped = true;
            changed.push("group_ids".to_owned());
        }
        for field in &changed {
            if !working.changed.contains(field) {
                working.changed.push(field.clone());
            }
        }
        let id = working.id;
        let after = working.contact.clone();
        self.reindex(index, &before, &after);
        let result = if changed.is_empty() { Upserted::Unchanged } else { Upserted::Updated };
        Ok(Outcome::Done { contact: id, result, changed })
    }

    fn enlist(&mut self, working: Working) {
        let index = self.contacts.len();
        let contact = working.contact.clone();
        self.contacts.push(working);
        self.reindex(index, &Contact::default(), &contact);
    }

    fn reindex(&mut self, index: usize, before: &Contact, after: &Contact) {
        for key in [Key::ExternalId, Key::Email] {
            let of = |contact: &Contact| match key {
                Key::ExternalId => contact.external_id.clone(),
                Key::Email => contact.email_key.clone(),
            };
            let (old, new) = (of(before), of(after));
            if old == new {
                continue;
            }
            if let Some(list) = old.and_then(|value| self.live.get_mut(&(key, value))) {
                list.retain(|known| *known != index);
            }
            if let Some(value) = new {
                self.live.entry((key, value)).or_default().push(index);
            }
        }
    }

    /// Writes what became of all of them.
    pub(super) fn write(self, tenant: &mut Tenant<'_>, ctx: &Context) -> Result<(), Error> {
        let (old, new): (Vec<Working>, Vec<Working>) =
            self.contacts.into_iter().partition(|working| working.before.is_some());
        let old: Vec<Working> =
            old.into_iter().filter(|working| !working.changed.is_empty()).collect();
        let rows = |list: &[Working]| -> Vec<(ContactId, Contact)> {
            list.iter().map(|working| (working.id, working.contact.clone())).collect()
        };
        let (inserts, updates) = (rows(&new), rows(&old));
        write::insert(tenant, &borrowed(&inserts), create::origin(ctx), ctx.now)?;
        write::update(tenant, &borrowed(&updates), ctx.now)?;
        write_tags(tenant, ctx, old.iter().chain(&new))?;
        let regrouped = old.iter().chain(&new).filter(|working| working.regrouped);
        let sets: Vec<GroupsOf> = regrouped
            .map(|working| GroupsOf { contact: working.id, groups: working.groups.clone() })
            .collect();
        classes::replace_groups(tenant, &sets, ctx.now)?;
        let rekeyed = old.iter().any(|working| {
            working.before.as_ref().is_some_and(|b| !b.contact.matches_like(&working.contact))
        });
        if let Some(first) = new.first().or(old.first()).filter(|_| rekeyed || !new.is_empty()) {
            workspaces::add_usage(tenant, self.made, 0, first.id.0)?;
        }
        record(tenant, ctx, "contact.create", &new)?;
        record(tenant, ctx, "contact.update", &old)?;
        Ok(())
    }
}

fn borrowed(rows: &[(ContactId, Contact)]) -> Vec<(ContactId, &Contact)> {
    rows.iter().map(|(id, contact)| (*id, contact)).collect()
}

fn write_tags<'a>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    all: impl Iterator<Item = &'a Working> + Clone,
) -> Result<(), Error> {
    let sets = all.filter_map(|working| Some((working.id, working.new_tags.as_deref()?)));
    let sets: Vec<(ContactId, &[(TagSet, i64)])> = sets.collect();
    let names = sets.iter().flat_map(|(_, tags)| tags.iter().map(|(tag, _)| &tag.name));
    let ids = tags::ensure(tenant, ctx, names)?;
    let sets: Vec<TagsOf> = sets
        .iter()
        .map(|(contact, tags)| TagsOf { contact: *contact, tags: tags::with_ids(&ids, tags) })
        .collect();
    Ok(kartoteka_persistence::tags::replace(tenant, &sets, ctx.now)?)
}

fn record(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    list: &[Working],
) -> Result<(), StoreError> {
    let records: Vec<_> = list
        .iter()
        .map(|working| (working.id.0, Some(json!({"fields": working.changed}))))
        .collect();
    audit::record_each(tenant, ctx, action, "contact", records)
}

/// Tags as a later item of the same request finds them.
fn stored_tags(tags: Option<&[(TagSet, i64)]>) -> Vec<StoredTag> {
    let stored = |(tag, score): &(TagSet, i64)| StoredTag {
        id: Uuid::nil(),
        name: tag.name.as_str().to_owned(),
        key: tag.name.key().to_owned(),
        score: *score,
    };
    tags.unwrap_or_default().iter().map(stored).collect()
}
