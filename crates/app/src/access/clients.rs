//! Integrations: programs with a token of their own (PLT-1).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::ClientId;
use kartoteka_domain::scopes::Scope;
use kartoteka_persistence::access::clients;
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::{audit, secrets};
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::access::clients::ClientRow;

/// What changes about an integration; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ClientChanges {
    /// Another name.
    pub name: Option<String>,
    /// Other scopes.
    pub scopes: Option<BTreeSet<Scope>>,
    /// Whether it is kept from getting tokens.
    pub disabled: Option<bool>,
}

fn words(scopes: &BTreeSet<Scope>) -> Vec<String> {
    scopes.iter().map(|scope| scope.as_str().to_owned()).collect()
}

/// Adds an integration with this secret.
///
/// # Errors
/// What the database said.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    name: &str,
    scopes: &BTreeSet<Scope>,
    secret: &str,
) -> Result<ClientRow, Error> {
    let client = ClientRow {
        id: ctx.new_id(),
        name: name.trim().to_owned(),
        scopes: words(scopes),
        disabled_at: None,
        last_used_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    clients::insert(tenant, &client, &secrets::hash(secret))?;
    let changes = json!({ "scopes": [null, client.scopes] });
    audit::record(tenant, ctx, "client.create", "client", Some(client.id), Some(changes))?;
    Ok(client)
}

/// One integration.
///
/// # Errors
/// Not found.
pub fn get(tenant: &mut Tenant<'_>, id: ClientId) -> Result<ClientRow, Error> {
    clients::get(tenant, id.0)?.ok_or(Error::NotFound)
}

/// Integrations, oldest first, at most `limit`, and whether there are more.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    after: Option<Uuid>,
    limit: u16,
) -> Result<(Vec<ClientRow>, bool), StoreError> {
    let mut rows = clients::list(tenant, after, i64::from(limit) + 1)?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    Ok((rows, more))
}

/// Changes an integration. `check` sees it as it is, before anything happens (If-Match).
///
/// # Errors
/// Not found, or what `check` says.
pub fn update<E: From<Error> + From<StoreError>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ClientId,
    changes: ClientChanges,
    check: impl FnOnce(&ClientRow) -> Result<(), E>,
) -> Result<ClientRow, E> {
    let before = clients::get_for_update(tenant, id.0)?.ok_or(Error::NotFound)?;
    check(&before)?;
    let mut after = before.clone();
    let ClientChanges { name, scopes, disabled } = changes;
    if let Some(name) = name {
        name.trim().clone_into(&mut after.name);
    }
    if let Some(scopes) = scopes {
        after.scopes = words(&scopes);
    }
    match disabled {
        Some(true) => after.disabled_at = after.disabled_at.or(Some(ctx.now)),
        Some(false) => after.disabled_at = None,
        None => {}
    }
    if after == before {
        return Ok(before);
    }
    after.updated_at = ctx.now;
    clients::update(tenant, &after)?;
    let mut told = Map::new();
    if before.name != after.name {
        told.insert("name".into(), json!([before.name, after.name]));
    }
    if before.scopes != after.scopes {
        told.insert("scopes".into(), json!([before.scopes, after.scopes]));
    }
    if before.disabled_at != after.disabled_at {
        told.insert(
            "disabled".into(),
            json!([before.disabled_at.is_some(), after.disabled_at.is_some()]),
        );
    }
    audit::record(tenant, ctx, "client.update", "client", Some(id.0), Some(Value::Object(told)))?;
    Ok(after)
}

/// Gives an integration a new secret; the old one stops working at once.
///
/// # Errors
/// Not found.
pub fn rotate_secret(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ClientId,
    secret: &str,
) -> Result<ClientRow, Error> {
    let client = clients::get_for_update(tenant, id.0)?.ok_or(Error::NotFound)?;
    clients::set_secret(tenant, id.0, &secrets::hash(secret))?;
    audit::record(tenant, ctx, "client.rotate_secret", "client", Some(id.0), None)?;
    Ok(client)
}

/// Removes an integration.
///
/// # Errors
/// Not found, or what `check` says.
pub fn delete<E: From<Error> + From<StoreError>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ClientId,
    check: impl FnOnce(&ClientRow) -> Result<(), E>,
) -> Result<(), E> {
    let client = clients::get_for_update(tenant, id.0)?.ok_or(Error::NotFound)?;
    check(&client)?;
    clients::delete(tenant, id.0)?;
    audit::record(tenant, ctx, "client.delete", "client", Some(id.0), None)?;
    Ok(())
}
