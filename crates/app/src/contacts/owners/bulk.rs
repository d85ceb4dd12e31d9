//! Making somebody an owner of many contacts, or taking them off (MGR-G), and giving back what was (MGR-4). The
//! contacts live, are locked, and are the actor's to change. Whether the actor may say who owns them is asked here where
//! something is undone, and by the caller otherwise ([`Deed::ChangeOwners`]). The caller moves the revision on
//! (`workspaces::add_usage`): what an owner may not change, their import leaves out, so a plan made before is old.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::email::Email;
use kartoteka_domain::contacts::owners::{Deed, Level, MAX_OWNERS};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{JobId, UserId};
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::access::users;
use kartoteka_persistence::contacts::owners as rights;
use kartoteka_persistence::contacts::owners::bulk::{self as store, Ownership, Standing};
use kartoteka_persistence::contacts::write;
use kartoteka_persistence::{Tenant, workspaces};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Changed, Did, Dids, Outcome};
use crate::outbox;

/// What undoing an assignment needs.
#[derive(Debug, Serialize, Deserialize)]
struct Assigned {
    /// How far the person owned the contact; not at all where there is none.
    level: Option<String>,
    /// How many owners there were.
    owners: i64,
}

/// What undoing a removal needs.
#[derive(Debug, Serialize, Deserialize)]
struct Removed {
    /// Who it was.
    user_id: Uuid,
    /// How far they owned it.
    level: String,
    /// Since when.
    added_at: DateTime<Utc>,
}

/// What is wrong with assigning this person, who otherwise stays until the end of the transaction. `at` is where the
/// action stands in the request.
///
/// # Errors
/// What the database said.
pub(crate) fn check_assign(
    tenant: &mut Tenant<'_>,
    user: UserId,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    let there = !users::hold(tenant, &[user.0])?.is_empty();
    Ok(unknown(there, format!("{at}/user_id")))
}

/// As [`check_assign`], for taking away whoever has this address: nobody whom the same job makes an owner.
///
/// # Errors
/// What the database said.
pub(crate) fn check_remove(
    tenant: &mut Tenant<'_>,
    email: &str,
    assigned: Option<UserId>,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    let pointer = format!("{at}/email");
    let user = named(tenant, email)?;
    if user.is_some() && user == assigned {
        let detail = "Nobody is made an owner and taken away by one job.";
        return Ok(vec![Fault::new(pointer, Code::InvalidValue, detail)]);
    }
    Ok(unknown(user.is_some(), pointer))
}

fn unknown(there: bool, pointer: String) -> Vec<Fault> {
    let fault = || Fault::new(pointer, Code::UnknownReference, "There is no such person here.");
    (!there).then(fault).into_iter().collect()
}

/// The person with this address, held until the end of the transaction.
fn named(tenant: &mut Tenant<'_>, email: &str) -> Result<Option<UserId>, Error> {
    let Ok(email) = Email::parse(email) else { return Ok(None) };
    let Some(user) = users::by_email(tenant, email.key())? else { return Ok(None) };
    Ok(users::hold(tenant, &[user.id])?.into_iter().next().map(UserId))
}

/// Makes somebody, who is held ([`check_assign`]), an owner of the contacts, or changes how far they are. As by hand, there may be several main owners,
/// and none. Scenarios start by it where the workspace says so; webhooks hear of it anyway.
///
/// # Errors
/// What the database said.
pub(crate) fn assign(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    (user, level): (UserId, Level),
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let most = i64::try_from(MAX_OWNERS).unwrap_or(i64::MAX);
    let mut done = Changes::default();
    for standing in store::standings(tenant, user, ids)? {
        let id = standing.contact_id;
        match &standing.level {
            Some(present) if present == level.as_str() => done.unchanged(id),
            None if standing.owners >= most => done.skip(id, "too_many_owners"),
            _ => {
                let before = Assigned { level: standing.level.clone(), owners: standing.owners };
                done.apply(id, user, [standing.level, Some(word(level))], json!(before));
            }
        }
    }
    let new = |line: &&Line| line.levels[0].is_none();
    let told = json!({"user_id": user, "level": level.as_str()});
    let told = done.lines.iter().filter(new).map(|line| (line.contact, told.clone())).collect();
    let made = done.lines.iter().map(|line| Ownership {
        contact: line.contact,
        user: user.0,
        level: word(level),
        added_at: ctx.now,
    });
    store::put(tenant, &made.collect::<Vec<_>>())?;
    let event = EventType::ContactOwnerAssigned;
    if workspaces::get(tenant)?.scenarios_on_owner_assigned {
        outbox::record_starting(tenant, ctx, event, told, Some(job.0))?;
    } else {
        outbox::record(tenant, ctx, event, told, Some(job.0))?;
    }
    done.finish(tenant, ctx, job)
}

/// Takes whoever has this address off the contacts they own; the last owner stays.
///
/// # Errors
/// `not_found` when the person is gone.
pub(crate) fn remove(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    email: &str,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let user = named(tenant, email)?.ok_or(Error::NotFound)?;
    let mut done = Changes::default();
    for standing in store::standings(tenant, user, ids)? {
        let Standing { contact_id: id, owners, level, added_at } = standing;
        match level.zip(added_at) {
            None => done.unchanged(id),
            Some(_) if owners == 1 => done.skip(id, "last_owner"),
            Some((level, added_at)) => {
                let before = Removed { user_id: user.0, level: level.clone(), added_at };
                done.apply(id, user, [Some(level), None], json!(before));
            }
        }
    }
    store::remove(tenant, user, &done.applied())?;
    done.finish(tenant, ctx, job)
}

/// Gives back what was before [`assign`]: another level, or no ownership.
///
/// # Errors
/// What the database said.
pub(crate) fn undo_assign(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    (user, level): (UserId, Level),
    rows: &[Changed],
) -> Result<Dids, Error> {
    let mut done = Changes::default();
    let ids = done.permitted(tenant, ctx, rows)?;
    let before: HashMap<Uuid, Assigned> = read(rows);
    // people before what they own: whoever removes one locks in that order
    users::hold(tenant, &[user.0])?;
    let (mut gone, mut back) = (Vec::new(), Vec::new());
    for standing in store::standings(tenant, user, &ids)? {
        let id = standing.contact_id;
        let before = before.get(&id).filter(|_| standing.level.as_deref() == Some(level.as_str()));
        match before {
            Some(Assigned { level: Some(old), .. }) => {
                let added_at = standing.added_at.unwrap_or(ctx.now);
                back.push(Ownership { contact: id, user: user.0, level: old.clone(), added_at });
                done.apply(id, user, [standing.level, Some(old.clone())], Value::Null);
            }
            // nobody owned it, or somebody else does still: the last owner is not taken away
            Some(Assigned { level: None, owners }) if *owners == 0 || standing.owners > 1 => {
                gone.push(id);
                done.apply(id, user, [standing.level, None], Value::Null);
            }
            _ => done.skip(id, "changed_since"),
        }
    }
    store::put(tenant, &back)?;
    store::remove(tenant, user, &gone)?;
    done.finish(tenant, ctx, job)
}

/// Gives back what was before [`remove`].
///
/// # Errors
/// What the database said.
pub(crate) fn undo_remove(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    rows: &[Changed],
) -> Result<Dids, Error> {
    let most = i64::try_from(MAX_OWNERS).unwrap_or(i64::MAX);
    let mut done = Changes::default();
    let ids = done.permitted(tenant, ctx, rows)?;
    let mut before: HashMap<Uuid, Removed> = read(rows);
    // the address was that of one person in all chunks but where it was given to another one meanwhile
    let people: BTreeSet<Uuid> = before.values().map(|was| was.user_id).collect();
    let people = users::hold(tenant, &Vec::from_iter(people))?;
    let mut back = Vec::new();
    for user in people {
        for standing in store::standings(tenant, UserId(user), &ids)? {
            let contact = standing.contact_id;
            let is_free = standing.level.is_none() && standing.owners < most;
            if !is_free || before.get(&contact).is_none_or(|was| was.user_id != user) {
                continue;
            }
            let Some(Removed { level, added_at, .. }) = before.remove(&contact) else { continue };
            done.apply(contact, UserId(user), [None, Some(level.clone())], Value::Null);
            back.push(Ownership { contact, user, level, added_at });
        }
    }
    for id in ids {
        if !done.dids.contains_key(&id) {
            done.skip(id, "changed_since");
        }
    }
    store::put(tenant, &back)?;
    done.finish(tenant, ctx, job)
}

fn word(level: Level) -> String {
    level.as_str().to_owned()
}

fn read<T: DeserializeOwned>(rows: &[Changed]) -> HashMap<Uuid, T> {
    let read =
        |row: &Changed| Some((row.contact_id, serde_json::from_value(row.before.clone()?).ok()?));
    rows.iter().filter_map(read).collect()
}

/// Somebody became, or ceased to be, an owner of a contact, or their level changed.
struct Line {
    contact: Uuid,
    user: UserId,
    levels: [Option<String>; 2],
}

/// What happens to a chunk of contacts.
#[derive(Default)]
struct Changes {
    dids: Dids,
    lines: Vec<Line>,
}

impl Changes {
    /// Those at whom the actor may say who owns them; the others are left alone.
    fn permitted(
        &mut self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        rows: &[Changed],
    ) -> Result<Vec<Uuid>, Error> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.contact_id).collect();
        let forbidden = rights::forbidden(tenant, ctx.actor, &ids, Deed::ChangeOwners)?;
        forbidden.iter().for_each(|id| self.skip(*id, Code::NotPermitted.as_str()));
        Ok(ids.into_iter().filter(|id| !self.dids.contains_key(id)).collect())
    }

    fn unchanged(&mut self, id: Uuid) {
        self.dids.insert(id, Outcome::Unchanged.into());
    }

    fn skip(&mut self, id: Uuid, reason: &str) {
        self.dids.insert(id, Outcome::Skipped(reason.to_owned()).into());
    }

    fn apply(&mut self, contact: Uuid, user: UserId, levels: [Option<String>; 2], before: Value) {
        let before = (!before.is_null()).then_some(before);
        self.dids.insert(contact, Did { outcome: Outcome::Applied, before });
        self.lines.push(Line { contact, user, levels });
    }

    fn applied(&self) -> Vec<Uuid> {
        self.lines.iter().map(|line| line.contact).collect()
    }

    fn finish(self, tenant: &mut Tenant<'_>, ctx: &Context, job: JobId) -> Result<Dids, Error> {
        let applied = self.applied();
        if !applied.is_empty() {
            write::touch(tenant, &applied, ctx.now)?;
        }
        let told = self.lines.into_iter().map(|Line { contact, user, levels }| {
            let changes = json!({"fields": ["owners"], "user_id": user, "level": levels});
            (contact, Some(changes))
        });
        let action = "contact.owner";
        audit::record_each_for_job(tenant, ctx, action, "contact", told.collect(), Some(job.0))?;
        Ok(self.dids)
    }
}
