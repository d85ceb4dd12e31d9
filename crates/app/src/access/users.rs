//! People who may log in (PLT-1).

use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::email::Email;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::UserId;
use kartoteka_domain::scopes::Role;
use kartoteka_domain::segments::{Link, NameKind};
use kartoteka_persistence::access::{refresh_tokens, users};
use kartoteka_persistence::contacts::owners::{self, SoleOwner};
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::{audit, passwords};
use crate::context::Context;
use crate::definitions;
use crate::error::Error;
use crate::segments::saved;

pub use kartoteka_persistence::access::users::UserRow;

/// What a new person needs.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Address they log in with.
    pub email: String,
    /// What they are called.
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
}

/// What changes about a person; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChanges {
    /// Another address.
    pub email: Option<String>,
    /// Another name, or none.
    pub name: Option<Option<String>>,
    /// Another role.
    pub role: Option<Role>,
    /// Whether they are kept from logging in.
    pub disabled: Option<bool>,
}

/// Reads the address of a person, and says what is wrong with it and with their password.
///
/// # Errors
/// All faults of both.
pub fn check_new(email: &str, password: &str) -> Result<(), Error> {
    let mut faults = Vec::new();
    if Email::parse(email).is_err() {
        faults.push(Fault::new("#/email", Code::InvalidEmail, Code::InvalidEmail.title()));
    }
    faults.extend(passwords::weakness(password, email, "#/password"));
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

fn email(raw: &str) -> Result<Email, Error> {
    Email::parse(raw).map_err(|_fault| {
        let fault = Fault::new("#/email", Code::InvalidEmail, Code::InvalidEmail.title());
        Error::invalid(vec![fault])
    })
}

/// Blank names are none.
fn name(raw: Option<String>) -> Option<String> {
    raw.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Adds a person. `password_hash` comes from [`passwords::hash`], made outside of the transaction.
///
/// # Errors
/// `user_exists`, `invalid_email`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    new: NewUser,
    password_hash: &str,
) -> Result<UserRow, Error> {
    let address = email(&new.email)?;
    let user = UserRow {
        id: ctx.new_id(),
        email: address.as_str().to_owned(),
        email_key: address.key().to_owned(),
        name: name(new.name),
        role: new.role.as_str().to_owned(),
        disabled_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    users::insert(tenant, &user, password_hash)?;
    let changes = json!({ "role": [null, user.role] });
    audit::record(tenant, ctx, "user.create", "user", Some(user.id), Some(changes))?;
    Ok(user)
}

/// One person.
///
/// # Errors
/// Not found.
pub fn get(tenant: &mut Tenant<'_>, id: UserId) -> Result<UserRow, Error> {
    users::get(tenant, id.0)?.ok_or(Error::NotFound)
}

/// The person with this address, for the command line.
///
/// # Errors
/// Not found, also when the address is none.
pub fn by_email(tenant: &mut Tenant<'_>, raw: &str) -> Result<UserRow, Error> {
    let address = Email::parse(raw).map_err(|_fault| Error::NotFound)?;
    users::by_email(tenant, address.key())?.ok_or(Error::NotFound)
}

/// People, oldest first, at most `limit`, and whether there are more.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    after: Option<Uuid>,
    limit: u16,
) -> Result<(Vec<UserRow>, bool), StoreError> {
    let mut rows = users::list(tenant, after, i64::from(limit) + 1)?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    Ok((rows, more))
}

/// Changes a person. `check` sees the person as they are, before anything happens (If-Match).
/// `password_hash` is a new password. Disabling or a new password ends all logins.
///
/// # Errors
/// Not found, `user_exists`, `invalid_email`, `last_administrator`, or what `check` says.
pub fn update<E: From<Error> + From<StoreError>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: UserId,
    changes: UserChanges,
    password_hash: Option<&str>,
    check: impl FnOnce(&UserRow) -> Result<(), E>,
) -> Result<UserRow, E> {
    // before the row itself, always: two requests that lock in one order cannot wait for each other
    let administrators = users::lock_administrators(tenant)?;
    let before = users::get_for_update(tenant, id.0)?.ok_or(Error::NotFound)?;
    check(&before)?;
    let mut after = before.clone();
    let UserChanges { email: address, name: called, role, disabled } = changes;
    if let Some(raw) = address {
        let address = email(&raw)?;
        address.as_str().clone_into(&mut after.email);
        address.key().clone_into(&mut after.email_key);
    }
    if let Some(called) = called {
        after.name = name(called);
    }
    if let Some(role) = role {
        role.as_str().clone_into(&mut after.role);
    }
    match disabled {
        Some(true) => after.disabled_at = after.disabled_at.or(Some(ctx.now)),
        Some(false) => after.disabled_at = None,
        None => {}
    }
    let stays = after.role == Role::Administrator.as_str() && after.disabled_at.is_none();
    if administrators == [id.0] && !stays {
        return Err(last_administrator().into());
    }
    if after == before && password_hash.is_none() {
        return Ok(before);
    }
    after.updated_at = ctx.now;
    users::update(tenant, &after)?;
    if let Some(hash) = password_hash {
        users::set_password(tenant, id.0, hash)?;
    }
    if password_hash.is_some() || after.disabled_at.is_some() {
        refresh_tokens::revoke_user(tenant, id.0, ctx.now)?;
    }
    let told = told(&before, &after, password_hash.is_some());
    audit::record(tenant, ctx, "user.update", "user", Some(id.0), Some(told))?;
    Ok(after)
}

/// What the trail tells of a change: no addresses, names or passwords.
fn told(before: &UserRow, after: &UserRow, password: bool) -> Value {
    let mut told = Map::new();
    if before.role != after.role {
        told.insert("role".into(), json!([before.role, after.role]));
    }
    if before.disabled_at != after.disabled_at {
        told.insert(
            "disabled".into(),
            json!([before.disabled_at.is_some(), after.disabled_at.is_some()]),
        );
    }
    let names = [
        ("email", before.email != after.email),
        ("name", before.name != after.name),
        ("password", password),
    ];
    let fields: Vec<&str> =
        names.iter().filter(|(_, changed)| *changed).map(|(name, _)| *name).collect();
    if !fields.is_empty() {
        told.insert("fields".into(), json!(fields));
    }
    Value::Object(told)
}

/// Removes a person and ends their logins. Contacts they own together with others stay with the others.
///
/// # Errors
/// Not found, `last_administrator`, `in_use` with the numbers of contacts that would be left without an
/// owner (CON-12), of segments that name them (SEG-5), and of rules and scenarios that do, or what `check` says.
pub fn delete<E: From<Error> + From<StoreError>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: UserId,
    check: impl FnOnce(&UserRow) -> Result<(), E>,
) -> Result<(), E> {
    let administrators = users::lock_administrators(tenant)?;
    let user = users::get_for_update(tenant, id.0)?.ok_or(Error::NotFound)?;
    check(&user)?;
    if administrators == [id.0] {
        return Err(last_administrator().into());
    }
    let SoleOwner { live, trash } = owners::sole(tenant, id)?;
    let name = NameKind::Linked(Link::Owner);
    let segments = saved::count_naming(tenant, name, &id.0.to_string())?;
    let definitions = definitions::count_naming(tenant, name.as_str(), &id.0.to_string())?;
    if live + trash + segments + definitions > 0 {
        let detail = format!(
            "{live} contacts and {trash} in the trash have no other owner, {segments} segments and {definitions} rules \
             and scenarios name the person; give those another owner, and take the person out of these, first."
        );
        let numbers = json!({"contacts": {"live": live, "trash": trash}, "segments": segments,
            "definitions": definitions});
        return Err(Error::refused_with(Code::InUse, detail, numbers).into());
    }
    let owned = owners::remove_everywhere(tenant, id)?.into_iter().map(|(contact, level)| {
        let changes = json!({"fields": ["owners"], "user_id": id, "level": [level, null]});
        (contact, Some(changes))
    });
    audit::record_each(tenant, ctx, "contact.owner", "contact", owned.collect())?;
    users::delete(tenant, id.0)?;
    audit::record(tenant, ctx, "user.delete", "user", Some(id.0), None)?;
    Ok(())
}

fn last_administrator() -> Error {
    Error::refused(
        Code::LastAdministrator,
        "Somebody has to administer the workspace: make another administrator first.",
    )
}

/// The hash behind a person's present password.
///
/// # Errors
/// Not found.
pub fn password_hash(tenant: &mut Tenant<'_>, id: UserId) -> Result<String, Error> {
    users::password_hash(tenant, id.0)?.ok_or(Error::NotFound)
}

/// Gives a person the password they chose, and ends their other logins.
///
/// # Errors
/// What the database said.
pub fn set_own_password(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: UserId,
    hash: &str,
) -> Result<(), Error> {
    users::set_password(tenant, id.0, hash)?;
    refresh_tokens::revoke_user(tenant, id.0, ctx.now)?;
    let told = json!({"fields": ["password"]});
    audit::record(tenant, ctx, "user.update", "user", Some(id.0), Some(told))?;
    Ok(())
}
