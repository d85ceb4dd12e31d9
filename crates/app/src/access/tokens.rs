//! Grants: who gets a token, with which scopes, and how refresh tokens pass from hand to hand.
//!
//! Passwords are compared outside of transactions (hashing is slow), tokens are signed by the API.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::email::Email;
use kartoteka_domain::ids::{ClientId, UserId, WorkspaceId};
use kartoteka_domain::scopes::{Role, Scope, format_scopes};
use kartoteka_persistence::access::refresh_tokens::{self, NewRefresh};
use kartoteka_persistence::access::{clients, users};
use kartoteka_persistence::{Db, StoreError, Tenant};

use crate::access::{audit, secrets};
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::access::users::LoginRow;

/// Whom a token is for, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The person or integration.
    pub actor: Actor,
    /// What it may do at most.
    pub scopes: BTreeSet<Scope>,
}

/// What became of a refresh token. All but the first are the same to the client; none is an error here,
/// because the revocation after a reuse must be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// Exchanged for a new one.
    Granted(Granted),
    /// It was used before: its whole family is revoked now (RFC 9700, 4.14.2).
    Reused,
    /// Unknown, revoked, expired, or its owner may not log in.
    Refused,
    /// None of the scopes asked for is to be had; the token can still be used.
    NoScope,
}

/// Scopes of a stored role; a word that is no role gives none.
fn scopes_of(role: &str) -> BTreeSet<Scope> {
    role.parse::<Role>().map(Role::scopes).unwrap_or_default()
}

/// People a password may belong to. Empty for what is no address.
///
/// # Errors
/// What the database said.
pub fn logins(
    db: &Db,
    address: &str,
    workspace: Option<&str>,
) -> Result<Vec<LoginRow>, StoreError> {
    let Ok(email) = Email::parse(address) else { return Ok(Vec::new()) };
    db.system(|conn| users::logins(conn, email.key(), workspace))
}

/// What a person whose password fits is granted.
#[must_use]
pub fn granted_to(login: &LoginRow) -> Granted {
    Granted {
        workspace: WorkspaceId(login.workspace_id),
        actor: Actor::User(UserId(login.id)),
        scopes: scopes_of(&login.role),
    }
}

/// Begins a family of refresh tokens for a login with these scopes.
///
/// # Errors
/// What the database said.
pub fn begin(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    user: UserId,
    scopes: &BTreeSet<Scope>,
    token: &str,
    life: TimeDelta,
) -> Result<(), Error> {
    let id = ctx.new_id();
    let new = NewRefresh {
        id,
        family_id: id,
        user_id: user.0,
        hash: &secrets::hash(token),
        scope: &format_scopes(scopes),
        created_at: ctx.now,
        expires_at: ctx.now + life,
    };
    refresh_tokens::insert(tenant, &new)?;
    audit::record(tenant, ctx, "user.login", "user", Some(user.0), None)?;
    Ok(())
}

/// Exchanges a refresh token for the next one, given with its id.
///
/// # Errors
/// What the database said; refusals are no errors, see [`Refreshed`].
pub fn refresh(
    tenant: &mut Tenant<'_>,
    now: DateTime<Utc>,
    token: &str,
    (next, next_id): (&str, Uuid),
    life: TimeDelta,
    wanted: Option<&BTreeSet<Scope>>,
) -> Result<Refreshed, Error> {
    let Some(row) = refresh_tokens::find_for_update(tenant, &secrets::hash(token))? else {
        return Ok(Refreshed::Refused);
    };
    if row.used_at.is_some() {
        refresh_tokens::revoke_family(tenant, row.family_id, now)?;
        return Ok(Refreshed::Reused);
    }
    if row.revoked_at.is_some() || row.expires_at <= now || !row.active {
        return Ok(Refreshed::Refused);
    }
    // a role that became smaller since the login counts at once
    let login: BTreeSet<Scope> =
        row.scope.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
    let mut scopes = scopes_of(&row.role);
    scopes
        .retain(|scope| login.contains(scope) && wanted.is_none_or(|words| words.contains(scope)));
    if scopes.is_empty() {
        return Ok(Refreshed::NoScope);
    }
    refresh_tokens::mark_used(tenant, row.id, now)?;
    let new = NewRefresh {
        id: next_id,
        family_id: row.family_id,
        user_id: row.user_id,
        hash: &secrets::hash(next),
        scope: &row.scope,
        created_at: now,
        expires_at: now + life,
    };
    refresh_tokens::insert(tenant, &new)?;
    let (workspace, actor) = (tenant.workspace(), Actor::User(UserId(row.user_id)));
    Ok(Refreshed::Granted(Granted { workspace, actor, scopes }))
}

/// Ends the login a refresh token came from. Unknown tokens are no error (RFC 7009, 2.2).
///
/// # Errors
/// What the database said.
pub fn revoke(tenant: &mut Tenant<'_>, now: DateTime<Utc>, token: &str) -> Result<(), Error> {
    if let Some(row) = refresh_tokens::find_for_update(tenant, &secrets::hash(token))? {
        refresh_tokens::revoke_family(tenant, row.family_id, now)?;
    }
    Ok(())
}

/// What an integration with this id and secret is granted; `None` when they do not fit.
///
/// # Errors
/// What the database said.
pub fn client_credentials(
    db: &Db,
    id: &str,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<Option<Granted>, StoreError> {
    let Ok(id) = Uuid::parse_str(id) else { return Ok(None) };
    let Some(row) = db.system(|conn| clients::credentials(conn, id))? else { return Ok(None) };
    if !secrets::matches(secret, &row.secret_hash) {
        return Ok(None);
    }
    let workspace = WorkspaceId(row.workspace_id);
    db.write(workspace, |tenant| clients::touch(tenant, id, now))?;
    let scopes = row.scopes.iter().filter_map(|word| word.parse().ok()).collect();
    Ok(Some(Granted { workspace, actor: Actor::Client(ClientId(id)), scopes }))
}
